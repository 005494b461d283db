use super::*;

const SETTINGS: &str = r#"{"started":{"cwd":"/home/me/project","sandboxPolicy":{"type":"workspaceWrite","writableRoots":["/data"],"networkAccess":false},"approvalPolicy":"on-request"}}"#;

const COMMAND: &str = "item/commandExecution/requestApproval";
const FILES: &str = "item/fileChange/requestApproval";
const PERMISSIONS: &str = "item/permissions/requestApproval";

/// What a command is answered; an approval offers what is decided, and an answer is of questions.
fn ask(policy_json: &str, settings_json: &str, kind: &str, payload_json: &str) -> PolicyAnswer {
    let decision = Json::parse(payload_json).ok().and_then(|payload| payload.get("decision"));
    let offers = format!(r#"{{"params":{{"availableDecisions":[{}]}}}}"#, decision.map_or("", Json::text));
    let asked = match kind {
        "decide" => Some(Asked { method: COMMAND, payload_json: &offers, is_redacted: false }),
        "answer" => Some(Asked {
            method: approval::QUESTION,
            payload_json: r#"{"params":{"questions":[]}}"#,
            is_redacted: false,
        }),
        _ => None,
    };
    decide_command(Machine { policy_json, settings_json, recent: 0.0, asked }, kind, payload_json)
}

/// Why a request is not decided or answered so.
fn of(policy_json: &str, method: &str, asked_json: &str, kind: &str, said: &str) -> Option<Reason> {
    let asked = Some(Asked { method, payload_json: asked_json, is_redacted: false });
    let machine = Machine { policy_json, settings_json: SETTINGS, recent: 0.0, asked };
    let name = if kind == "decide" { "decision" } else { "answer" };
    reason(&decide_command(
        machine,
        kind,
        &format!(r#"{{"requestId":0,"shownSha256":"00","{name}":{said}}}"#),
    ))
}

fn reason(answer: &PolicyAnswer) -> Option<Reason> {
    match answer {
        PolicyAnswer::NotAllowed { code, reason, .. } => {
            let of_reason = match reason {
                Reason::Shown => Code::EApprovalChanged,
                Reason::Redacted => Code::EApprovalRedacted,
                _ => Code::ECommandNotAllowed,
            };
            assert_eq!(*code, of_reason);
            Some(*reason)
        }
        PolicyAnswer::Allowed { .. } => None,
    }
}

/// A turn with these members beside its input.
fn turn(members: &str) -> String {
    format!(
        r#"{{"input":[{{"type":"text","text":"hi"}}]{}{members}}}"#,
        if members.is_empty() { "" } else { "," }
    )
}

/// What a turn is answered by a policy, what is in force in its thread, in the machine's own folder, being as given.
fn with(policy: &str, thread: &str, kind: &str, members: &str) -> PolicyAnswer {
    let comma = if thread == "{}" { "" } else { "," };
    let thread = thread.replacen('{', &format!(r#"{{"cwd":"/home/me/project"{comma}"#), 1);
    let settings = format!(r#"{},"thread":{thread}}}"#, SETTINGS.strip_suffix('}').unwrap());
    ask(policy, &settings, kind, &turn(members))
}

fn allowed(sandbox: Option<&str>, approval: Option<&str>) -> PolicyAnswer {
    PolicyAnswer::Allowed {
        method: Method::TurnStart,
        cwd: None,
        sandbox_policy_json: sandbox.map(str::to_owned),
        approval_policy_json: approval.map(str::to_owned),
    }
}

#[test]
fn each_kind_is_one_method_and_nothing_else_can_be_called() {
    let steer = r#"{"expectedTurnId":"U","input":[{"type":"text","text":"x"}]}"#;
    for (kind, payload, want) in [
        ("turn", turn("").as_str(), Method::TurnStart),
        ("steer", steer, Method::TurnSteer),
        ("interrupt", r#"{"turnId":"U","force":true}"#, Method::TurnInterrupt),
        ("decide", r#"{"requestId":0,"decision":"accept","shownSha256":"00"}"#, Method::Response),
        ("answer", r#"{"requestId":0,"answer":{}}"#, Method::Response),
    ] {
        let answer = ask("{}", SETTINGS, kind, payload);
        assert!(
            matches!(answer, PolicyAnswer::Allowed { method, .. } if method == want),
            "{kind}: {answer:?}"
        );
        let others = r#"{"kinds":["turn","steer","interrupt","decide","answer"]}"#
            .replace(&format!("\"{kind}\""), "\"turn\"");
        let others = others.replace("\"turn\",", if kind == "turn" { "" } else { "\"turn\"," });
        let others = if kind == "turn" { others.replace("\"turn\"", "\"steer\"") } else { others };
        assert_eq!(reason(&ask(&others, SETTINGS, kind, payload)), Some(Reason::Kind), "{kind} {others}");
    }
    for kind in ["thread/shellCommand", "command/exec", "turn/start", "", "Turn"] {
        assert_eq!(reason(&ask("{}", SETTINGS, kind, &turn(""))), Some(Reason::Kind), "{kind}");
    }
}

#[test]
fn what_cannot_be_read_allows_nothing_but_a_stop() {
    for policy in [
        "",
        "[]",
        "null",
        r#"{"kinds":"turn"}"#,
        r#"{"kinds":["shell"]}"#,
        r#"{"roots":["project"]}"#,
        r#"{"roots":[5]}"#,
        r#"{"sandbox":"none"}"#,
        r#"{"sandbox":{"type":"workspaceWrite","allowAll":true}}"#,
        r#"{"approvalPolicy":"on-failure"}"#,
        r#"{"decisions":["all"]}"#,
        r#"{"perMinute":-1}"#,
        r#"{"perMinute":null}"#,
        r#"{"root":["/"]}"#,
    ] {
        assert_eq!(reason(&ask(policy, SETTINGS, "turn", &turn(""))), Some(Reason::Policy), "{policy}");
        assert_eq!(reason(&ask(policy, SETTINGS, "interrupt", r#"{"turnId":"U"}"#)), None, "{policy}");
    }
    for settings in [
        "",
        "{}",
        r#"{"started":{}}"#,
        r#"{"started":{"cwd":"rel","sandboxPolicy":"read-only","approvalPolicy":"never"}}"#,
        r#"{"started":{"cwd":"/a","sandboxPolicy":"new","approvalPolicy":"never"}}"#,
        r#"{"started":{"cwd":"/a","sandboxPolicy":"read-only","approvalPolicy":"sometimes"}}"#,
    ] {
        assert_eq!(reason(&ask("{}", settings, "turn", &turn(""))), Some(Reason::Policy), "{settings}");
    }
    for payload in ["", "[]", "5", "{"] {
        assert_eq!(reason(&ask("{}", SETTINGS, "interrupt", payload)), Some(Reason::Payload), "{payload}");
    }
}

#[test]
fn a_user_has_30_a_minute() {
    let at = |policy_json, recent| {
        let asked = Some(Asked { method: COMMAND, payload_json: "{}", is_redacted: false });
        let machine = Machine { policy_json, settings_json: SETTINGS, recent, asked };
        let stop = decide_command(machine, "interrupt", r#"{"turnId":"U"}"#);
        assert_eq!(reason(&stop), None, "a stop is refused by no rate");
        reason(&decide_command(machine, "decide", r#"{"requestId":0,"decision":"decline"}"#))
    };
    assert_eq!(at("{}", 29.0), None);
    for recent in [30.0, f64::INFINITY, f64::NAN, -1.0] {
        assert_eq!(at("{}", recent), Some(Reason::Rate), "{recent}");
    }
    assert_eq!((at(r#"{"perMinute":2}"#, 1.0), at(r#"{"perMinute":2}"#, 2.0)), (None, Some(Reason::Rate)));
    assert_eq!(at(r#"{"perMinute":0}"#, 0.0), Some(Reason::Rate));
}

#[test]
fn only_known_members_are_passed_on() {
    for members in [
        r#""permissions":"all""#,
        r#""approvalsReviewer":"auto_review""#,
        r#""runtimeWorkspaceRoots":["/"]"#,
        r#""environments":[]"#,
        r#""collaborationMode":{}"#,
        r#""config":{}"#,
        r#""threadId":"other""#,
        r#""sandbox\u0050olicy2":1"#,
        r#""additionalContext":{}"#,
    ] {
        assert_eq!(reason(&ask("{}", SETTINGS, "turn", &turn(members))), Some(Reason::Field), "{members}");
    }
    let known = r#""clientTurnId":"c","waitForMachine":true,"model":"m","effort":"high","summary":"auto","personality":"x","outputSchema":{}"#;
    assert_eq!(reason(&ask("{}", SETTINGS, "turn", &turn(known))), None);
    for (kind, payload) in [
        ("interrupt", r#"{"turnId":"U","threadId":"T"}"#),
        ("decide", r#"{"requestId":0,"decision":"accept","permissions":{}}"#),
        ("answer", r#"{"requestId":0,"answer":{},"x":1}"#),
    ] {
        assert_eq!(reason(&ask("{}", SETTINGS, kind, payload)), Some(Reason::Field), "{kind}");
    }
}

#[test]
fn a_folder_is_below_an_allowed_root() {
    let two = r#"{"roots":["/srv/a","/srv/b/"]}"#;
    for (policy, cwd, want) in [
        ("{}", "/home/me/project", Some("/home/me/project")),
        ("{}", "/home/me/project/./x//y/", Some("/home/me/project/x/y")),
        ("{}", "/home/me/project/../project/x", Some("/home/me/project/x")),
        ("{}", "/home/me/project/../..", None),
        ("{}", "/home/me/project/x/../../../other", None),
        ("{}", "/home/me/projects", None),
        ("{}", "/home/me/Project", None),
        ("{}", "/", None),
        ("{}", "x", None),
        ("{}", "", None),
        ("{}", r"\u0000", None),
        (two, "/srv/b/c", Some("/srv/b/c")),
        (two, "/srv/c", None),
        (r#"{"roots":["/"]}"#, "/etc", Some("/etc")),
        (r#"{"roots":[]}"#, "/home/me/project", None),
        // Codex would keep them from being written in the folder above.
        ("{}", "/home/me/project/.git", None),
        ("{}", "/home/me/project/x/.Git/hooks", None),
        ("{}", "/home/me/project/.codex", None),
        ("{}", "/home/me/project/.agents", None),
        (r#"{"roots":["/srv/.git"]}"#, "/srv/.git/hooks", Some("/srv/.git/hooks")),
    ] {
        let thread = r#"{"cwd":"/nowhere"}"#;
        let answer = with(policy, thread, "turn", &format!(r#""cwd":"{cwd}""#));
        match (want, &answer) {
            (Some(want), PolicyAnswer::Allowed { cwd: Some(cwd), .. }) => assert_eq!(cwd, want),
            (None, PolicyAnswer::NotAllowed { reason: Reason::Cwd, .. }) => {}
            _ => panic!("{policy} {cwd}: {answer:?}"),
        }
    }
    assert_eq!(reason(&with("{}", "{}", "turn", r#""cwd":5"#)), Some(Reason::Cwd));
    assert_eq!(with("{}", "{}", "turn", r#""cwd":null"#), allowed(None, None));
}

#[test]
fn a_thread_that_works_elsewhere_takes_no_message() {
    let elsewhere = r#"{"cwd":"/home/me/other"}"#;
    for kind in ["turn", "steer"] {
        assert_eq!(reason(&with("{}", elsewhere, kind, "")), Some(Reason::Cwd), "{kind}");
    }
    // Its machine began it there.
    let below = r#"{"cwd":"/home/me/project/.codex/worktrees/a"}"#;
    for kind in ["turn", "steer"] {
        assert_eq!(reason(&with("{}", below, kind, "")), None, "{kind}");
    }
    let steered = with("{}", elsewhere, "steer", r#""cwd":"/home/me/project""#);
    assert_eq!(reason(&steered), Some(Reason::Cwd), "a steer cannot set it");
}

/// All values, the lowest first; those of one line cannot be compared.
const SANDBOXES: [&str; 7] = [
    r#"{"type":"readOnly","networkAccess":false}"#,
    r#"{"type":"workspaceWrite","writableRoots":[],"networkAccess":false,"excludeTmpdirEnvVar":true,"excludeSlashTmp":true}"#,
    r#"{"type":"workspaceWrite"}"#,
    r#"{"type":"workspaceWrite","networkAccess":true}"#,
    r#"{"type":"externalSandbox","networkAccess":"enabled"}"#,
    r#"{"type":"dangerFullAccess"}"#,
    "\"danger-full-access\"",
];

#[test]
fn a_sandbox_may_only_be_lowered() {
    for (at, ceiling) in SANDBOXES.iter().enumerate() {
        let policy = format!(r#"{{"sandbox":{ceiling}}}"#);
        for (asked_at, asked) in SANDBOXES.iter().enumerate() {
            let members = format!(r#""sandboxPolicy":{asked}"#);
            // In force is the ceiling itself.
            let thread = format!(r#"{{"sandboxPolicy":{ceiling}}}"#);
            let answer = with(&policy, &thread, "turn", &members);
            if asked_at.min(5) <= at.min(5) {
                let written = asked.replace("\"danger-full-access\"", r#"{"type":"dangerFullAccess"}"#);
                assert_eq!(answer, allowed(Some(&written), None), "{ceiling} {asked}");
            } else {
                assert_eq!(reason(&answer), Some(Reason::Sandbox), "{ceiling} {asked}");
            }
        }
    }
}

#[test]
fn sandboxes_that_differ_in_one_thing() {
    for (ceiling, asked, want) in [
        ("\"read-only\"", r#"{"type":"readOnly","networkAccess":true}"#, false),
        (r#"{"type":"readOnly","networkAccess":true}"#, "\"read-only\"", true),
        ("\"workspace-write\"", r#"{"type":"readOnly","networkAccess":true}"#, false),
        ("\"workspace-write\"", "\"read-only\"", true),
        ("\"workspace-write\"", r#"{"type":"workspaceWrite","excludeSlashTmp":true}"#, true),
        (r#"{"type":"workspaceWrite","excludeSlashTmp":true}"#, "\"workspace-write\"", false),
        (r#"{"type":"workspaceWrite","excludeTmpdirEnvVar":true}"#, "\"workspace-write\"", false),
        (r#"{"type":"externalSandbox"}"#, r#"{"type":"externalSandbox","networkAccess":"enabled"}"#, false),
        (r#"{"type":"externalSandbox","networkAccess":"restricted"}"#, "\"workspace-write\"", true),
        (r#"{"type":"externalSandbox"}"#, "\"danger-full-access\"", false),
        ("\"danger-full-access\"", r#"{"type":"externalSandbox","networkAccess":"enabled"}"#, true),
        ("\"workspace-write\"", r#"{"type":"workspaceWrite","writableRoots":["/home/me/project/x"]}"#, true),
        ("\"workspace-write\"", r#"{"type":"workspaceWrite","writableRoots":["/home/me"]}"#, false),
        (
            "\"workspace-write\"",
            r#"{"type":"workspaceWrite","writableRoots":["/home/me/project/.git/hooks"]}"#,
            false,
        ),
        (
            "\"workspace-write\"",
            r#"{"type":"workspaceWrite","writableRoots":["/home/me/project/.codex"]}"#,
            false,
        ),
        (
            r#"{"type":"workspaceWrite","writableRoots":["/data"]}"#,
            r#"{"type":"workspaceWrite","writableRoots":["/data/.git"]}"#,
            false,
        ),
        (
            r#"{"type":"workspaceWrite","writableRoots":["/data/.git"]}"#,
            r#"{"type":"workspaceWrite","writableRoots":["/data/.git/hooks"]}"#,
            true,
        ),
        (
            "\"workspace-write\"",
            r#"{"type":"workspaceWrite","writableRoots":["/home/me/project/../project"]}"#,
            false,
        ),
        (
            r#"{"type":"workspaceWrite","writableRoots":["/data"]}"#,
            r#"{"type":"workspaceWrite","writableRoots":["/data/x"]}"#,
            true,
        ),
        ("\"danger-full-access\"", r#"{"type":"workspaceWrite","writableRoots":["/etc"]}"#, true),
        ("\"danger-full-access\"", "\"unknown\"", false),
        ("\"danger-full-access\"", r#"{"type":"new"}"#, false),
        ("\"danger-full-access\"", r#"{"type":"readOnly","extra":1}"#, false),
        ("\"danger-full-access\"", r#"{"type":"readOnly","networkAccess":"yes"}"#, false),
        ("\"danger-full-access\"", r#"{"type":"externalSandbox","networkAccess":true}"#, false),
        ("\"danger-full-access\"", r#"{"type":"workspaceWrite","writableRoots":"/a"}"#, false),
        ("\"danger-full-access\"", r#"{"type":"workspaceWrite","writableRoots":["a"]}"#, false),
        // What is another type's says nothing that is known here.
        ("\"danger-full-access\"", r#"{"type":"readOnly","excludeTmpdirEnvVar":true}"#, false),
        ("\"danger-full-access\"", r#"{"type":"readOnly","excludeSlashTmp":true}"#, false),
        ("\"danger-full-access\"", r#"{"type":"readOnly","writableRoots":[]}"#, false),
        ("\"danger-full-access\"", r#"{"type":"dangerFullAccess","networkAccess":true}"#, false),
        ("\"danger-full-access\"", r#"{"type":"externalSandbox","writableRoots":[]}"#, false),
        ("\"danger-full-access\"", "{}", false),
        ("\"danger-full-access\"", "5", false),
    ] {
        let answer = with(
            &format!(r#"{{"sandbox":{ceiling}}}"#),
            r#"{"sandboxPolicy":"read-only"}"#,
            "turn",
            &format!(r#""sandboxPolicy":{asked}"#),
        );
        let refused = if want { None } else { Some(Reason::Sandbox) };
        assert_eq!(reason(&answer), refused, "{ceiling} {asked}");
    }
}

const SOME: &str = r#"{"granular":{"sandbox_approval":true,"rules":false,"skill_approval":false,"request_permissions":false,"mcp_elicitations":true}}"#;
const OTHER: &str = r#"{"granular":{"rules":true}}"#;

#[test]
fn an_approval_policy_may_only_be_lowered() {
    let names = ["\"untrusted\"", SOME, "\"on-request\"", "\"never\""];
    for (at, ceiling) in names.iter().enumerate() {
        for (asked_at, asked) in names.iter().enumerate() {
            let policy = format!(r#"{{"approvalPolicy":{ceiling}}}"#);
            let thread = format!(r#"{{"approvalPolicy":{ceiling}}}"#);
            let answer = with(&policy, &thread, "turn", &format!(r#""approvalPolicy":{asked}"#));
            if asked_at <= at {
                assert_eq!(answer, allowed(None, Some(asked)), "{ceiling} {asked}");
            } else {
                assert_eq!(reason(&answer), Some(Reason::ApprovalPolicy), "{ceiling} {asked}");
            }
        }
    }
    for (ceiling, asked, want) in [
        (SOME, OTHER, false),
        (OTHER, SOME, false),
        (SOME, r#"{"granular":{"sandbox_approval":true}}"#, true),
        (SOME, r#"{"granular":{}}"#, true),
        ("\"never\"", "\"on-failure\"", false),
        ("\"never\"", r#"{"granular":{"new":true}}"#, false),
        ("\"never\"", r#"{"granular":{"rules":1}}"#, false),
        ("\"never\"", r#"{"granular":{},"other":1}"#, false),
        ("\"never\"", r#"{"granular":"all"}"#, false),
        ("\"never\"", "{}", false),
        ("\"never\"", "true", false),
    ] {
        let answer = with(
            &format!(r#"{{"approvalPolicy":{ceiling}}}"#),
            r#"{"approvalPolicy":"untrusted"}"#,
            "turn",
            &format!(r#""approvalPolicy":{asked}"#),
        );
        let refused = if want { None } else { Some(Reason::ApprovalPolicy) };
        assert_eq!(reason(&answer), refused, "{ceiling} {asked}");
    }
}

#[test]
fn what_is_in_force_above_the_ceiling_is_lowered_with_the_turn_and_stops_a_steer() {
    let policy = r#"{"sandbox":"read-only","approvalPolicy":"untrusted"}"#;
    let read_only = r#"{"type":"readOnly","networkAccess":false}"#;
    for thread in [
        "{}",
        r#"{"sandboxPolicy":{"type":"dangerFullAccess"},"approvalPolicy":"never"}"#,
        r#"{"sandboxPolicy":{"type":"unheard of"},"approvalPolicy":{"new":1}}"#,
    ] {
        let want = allowed(Some(read_only), Some("\"untrusted\""));
        assert_eq!(with(policy, thread, "turn", ""), want, "{thread}");
        assert_eq!(reason(&with(policy, thread, "steer", "")), Some(Reason::Sandbox), "{thread}");
    }
    let low = r#"{"sandboxPolicy":"read-only","approvalPolicy":"untrusted"}"#;
    assert_eq!(with(policy, low, "turn", ""), allowed(None, None), "what is low enough stays");
    assert_eq!(reason(&with(policy, low, "steer", "")), None);
    let asking = r#"{"sandboxPolicy":"read-only","approvalPolicy":"never"}"#;
    assert_eq!(reason(&with(policy, asking, "steer", "")), Some(Reason::ApprovalPolicy));
}

#[test]
fn the_default_ceiling_is_what_the_machine_was_started_with() {
    assert_eq!(
        reason(&with("{}", "{}", "turn", r#""sandboxPolicy":"danger-full-access""#)),
        Some(Reason::Sandbox)
    );
    assert_eq!(
        reason(&with("{}", "{}", "turn", r#""approvalPolicy":"never""#)),
        Some(Reason::ApprovalPolicy)
    );
    let raised = r#"{"sandboxPolicy":{"type":"dangerFullAccess"},"approvalPolicy":"never"}"#;
    let started = r#"{"type":"workspaceWrite","writableRoots":["/data"],"networkAccess":false}"#;
    let want = allowed(Some(started), Some("\"on-request\""));
    assert_eq!(
        with("{}", raised, "turn", ""),
        want,
        "a thread that was raised at the desk is lowered from afar"
    );
}

#[test]
fn an_input_names_no_file_outside() {
    let of = |item: &str| {
        reason(&ask("{}", SETTINGS, "turn", &format!(r#"{{"input":[{{"type":"text","text":"a"}},{item}]}}"#)))
    };
    for item in [
        r#"{"type":"image","url":"https://x/y.png"}"#,
        r#"{"type":"image","url":"data:image/png;base64,AA=="}"#,
        r#"{"type":"audio","fileId":"f"}"#,
        r#"{"type":"localImage","path":"/home/me/project/a.png"}"#,
        r#"{"type":"skill","name":"s","path":"/home/me/project/.codex/skills/s"}"#,
        r#"{"type":"mention","name":"m","path":"/home/me/project/m"}"#,
    ] {
        assert_eq!(of(item), None, "{item}");
    }
    for item in [
        r#"{"type":"image","url":"file:///etc/passwd"}"#,
        r#"{"type":"image","url":"/etc/passwd","fileId":"f"}"#,
        r#"{"type":"image"}"#,
        r#"{"type":"localImage","path":"/etc/passwd"}"#,
        r#"{"type":"localImage","path":"/home/me/project/../x.png"}"#,
        r#"{"type":"localAudio","path":"a.wav"}"#,
        r#"{"type":"skill","name":"s"}"#,
        r#"{"type":"mention","path":"app://x"}"#,
        r#"{"type":"new"}"#,
        r#"{"type":"text"}"#,
        "5",
    ] {
        assert_eq!(of(item), Some(Reason::Input), "{item}");
    }
    for payload in [r#"{"input":[]}"#, "{}", r#"{"input":"x"}"#] {
        assert_eq!(reason(&ask("{}", SETTINGS, "turn", payload)), Some(Reason::Input), "{payload}");
    }
}

#[test]
fn decisions_for_longer_than_once_are_opted_in() {
    const PLAIN: &str = "{}";
    const SESSION: &str = r#"{"decisions":["accept","acceptForSession"]}"#;
    const AMENDED: &str = r#"{"decisions":["amendments"]}"#;
    const NONE: &str = r#"{"decisions":[]}"#;
    let exec = r#"{"acceptWithExecpolicyAmendment":{"execpolicy_amendment":["rm"]}}"#;
    let network = r#"{"applyNetworkPolicyAmendment":{"network_policy_amendment":{}}}"#;
    for (decision, plain, session, amended) in [
        ("\"accept\"", true, true, false),
        ("\"decline\"", true, false, false),
        ("\"cancel\"", true, false, false),
        ("\"acceptForSession\"", false, true, false),
        (exec, false, false, true),
        (network, false, false, true),
        (r#"{"acceptWithExecpolicyAmendment":{},"x":1}"#, false, false, false),
        (r#"{"new":{}}"#, false, false, false),
        ("{}", false, false, false),
        ("\"approved\"", true, true, false),
        ("\"approved_for_session\"", false, true, false),
        (r#"{"approved_execpolicy_amendment":{"proposed_execpolicy_amendment":["rm"]}}"#, false, false, true),
        ("\"approved_mcp_policy_amendment\"", false, false, true),
        (r#"{"network_policy_amendment":{"network_policy_amendment":{}}}"#, false, false, true),
        (r#"{"denied":{"rejection":"declined"}}"#, true, false, false),
        (r#"{"denied":{"rejection":"declined"},"x":1}"#, false, false, false),
        ("\"denied\"", false, false, false),
        ("\"abort\"", true, false, false),
        ("\"timed_out\"", false, false, false),
        ("\"amendments\"", false, false, false),
        ("\"Accept\"", false, false, false),
        ("true", false, false, false),
    ] {
        let payload = format!(r#"{{"requestId":0,"shownSha256":"00","decision":{decision}}}"#);
        for (policy, want) in [(PLAIN, plain), (SESSION, session), (AMENDED, amended), (NONE, false)] {
            let answer = reason(&ask(policy, SETTINGS, "decide", &payload));
            let refused = if want { None } else { Some(Reason::Decision) };
            assert_eq!(answer, refused, "{policy} {decision}");
        }
    }
    assert_eq!(reason(&ask("{}", SETTINGS, "decide", r#"{"requestId":0}"#)), Some(Reason::Decision));
}

#[test]
fn a_request_is_answered_by_a_command_of_its_own_kind() {
    const ALL: &str = r#"{"decisions":["accept","acceptForSession","amendments","decline","cancel"]}"#;
    for method in [COMMAND, FILES, PERMISSIONS, "execCommandApproval", "applyPatchApproval"] {
        for answer in ["{}", r#"{"decision":"accept"}"#, r#"{"permissions":{},"scope":"turn"}"#] {
            assert_eq!(of(ALL, method, "{}", "answer", answer), Some(Reason::Request), "{method} {answer}");
        }
    }
    for method in [approval::QUESTION, ELICITATION, TOOL_CALL, "account/x", "new/method", ""] {
        assert_eq!(of(ALL, method, "{}", "decide", "\"decline\""), Some(Reason::Request), "{method}");
    }
    for method in ["account/chatgptAuthTokens/refresh", "attestation/generate", "new/method", ""] {
        assert_eq!(of(ALL, method, "{}", "answer", "{}"), Some(Reason::Request), "{method}");
    }
    assert_eq!(of(ALL, TOOL_CALL, "{}", "answer", r#"{"success":true,"contentItems":[]}"#), None);
    // A command that the machine knows no request of is none of a request's.
    let machine = Machine { policy_json: ALL, settings_json: SETTINGS, recent: 0.0, asked: None };
    for (kind, said) in [("decide", r#""decision":"decline""#), ("answer", r#""answer":{}"#)] {
        let answer = decide_command(machine, kind, &format!(r#"{{"requestId":0,{said}}}"#));
        assert_eq!(reason(&answer), Some(Reason::Request), "{kind}");
    }
}

#[test]
fn a_decision_is_one_that_its_request_offers() {
    const ALL: &str = r#"{"decisions":["accept","acceptForSession","amendments","decline","cancel"]}"#;
    let amends = r#"{"acceptWithExecpolicyAmendment":{"execpolicy_amendment":["rm"]}}"#;
    let other = r#"{"acceptWithExecpolicyAmendment":{"execpolicy_amendment":["ls"]}}"#;
    let offers = format!(r#"{{"params":{{"availableDecisions":["accept",{amends},"cancel"]}}}}"#);
    let old = "execCommandApproval";
    let denied = r#"{"denied":{"rejection":"no"}}"#;
    let large =
        format!(r#"{{"params":{{"availableDecisions":["accept"],"command":"{}"}}}}"#, "x".repeat(300_000));
    for (method, asked, decision, want) in [
        (COMMAND, offers.as_str(), "\"accept\"", true),
        (COMMAND, &offers, amends, true),
        (COMMAND, &offers, "\"cancel\"", true),
        (COMMAND, &offers, other, false),
        (COMMAND, &offers, "\"acceptForSession\"", false),
        (COMMAND, &offers, "\"decline\"", true),
        (COMMAND, "{}", "\"acceptForSession\"", true),
        (COMMAND, "{}", amends, false),
        (COMMAND, "{}", denied, false),
        (COMMAND, &large, "\"accept\"", false),
        (COMMAND, &large, "\"decline\"", true),
        // Whatever is no plain decline of permissions grants them.
        (PERMISSIONS, "{}", "\"accept\"", true),
        (PERMISSIONS, "{}", "\"decline\"", true),
        (PERMISSIONS, "{}", "\"cancel\"", false),
        (PERMISSIONS, "{}", "\"abort\"", false),
        (PERMISSIONS, "{}", denied, false),
        (old, "{}", "\"approved\"", true),
        (old, "{}", denied, true),
        (old, "{}", "\"abort\"", true),
    ] {
        let refused = (!want).then_some(Reason::Decision);
        assert_eq!(of(ALL, method, asked, "decide", decision), refused, "{method} {decision}");
    }
}

#[test]
fn an_answer_is_no_way_around_a_decision_and_holds_no_secret() {
    const ALL: &str = r#"{"decisions":["accept","acceptForSession","amendments","decline","cancel"]}"#;
    const SESSION: &str = r#"{"decisions":["accept","acceptForSession"]}"#;
    const DECLINE: &str = r#"{"decisions":["decline"]}"#;
    let question = |policy, answer: &str| {
        of(policy, approval::QUESTION, r#"{"params":{"questions":[]}}"#, "answer", answer)
    };
    let form = |policy, answer: &str| of(policy, ELICITATION, "{}", "answer", answer);
    assert_eq!(question("{}", r#"{"answers":{"q":{"answers":["a"]}}}"#), None);
    assert_eq!(question("{}", "{}"), None);
    assert_eq!(question("{}", "\"a\""), Some(Reason::Payload));
    assert_eq!(question(ALL, r#"{"answers":{},"more":1}"#), Some(Reason::Decision));
    for (policy, answer, want) in [
        ("{}", r#"{"action":"accept","content":{}}"#, true),
        ("{}", r#"{"action":"accept","content":{"a":"Allow for this session"},"_meta":null}"#, true),
        ("{}", r#"{"action":"cancel","content":null,"_meta":{}}"#, true),
        (DECLINE, r#"{"action":"decline"}"#, true),
        (DECLINE, r#"{"action":"accept"}"#, false),
        (ALL, r#"{"action":"acceptForSession"}"#, false),
        (ALL, r#"{"action":5}"#, false),
        (ALL, r#"{"action":"approved"}"#, false),
        (ALL, r#"{"content":{}}"#, false),
        (ALL, r#"{"action":"accept","meta":null}"#, false),
        ("{}", r#"{"action":"accept","_meta":{"persist":"session"}}"#, false),
        ("{}", r#"{"action":"accept","_meta":{"persist":"always"}}"#, false),
        (SESSION, r#"{"action":"accept","_meta":{"persist":"session"}}"#, true),
        (SESSION, r#"{"action":"accept","_meta":{"persist":"always"}}"#, false),
        (ALL, r#"{"action":"accept","_meta":{"persist":"always"}}"#, true),
        (ALL, r#"{"action":"accept","_meta":{"persist":["always"]}}"#, false),
        (ALL, r#"{"action":"accept","_meta":{"other":1}}"#, false),
        (ALL, r#"{"action":"accept","_meta":5}"#, false),
    ] {
        assert_eq!(form(policy, answer), (!want).then_some(Reason::Decision), "{policy} {answer}");
    }
    // Codex reads what is filled in under its own id as it reads the answer to its own question.
    for (policy, word, want) in [
        ("{}", r#""Allow""#, true),
        ("{}", r#""Cancel""#, true),
        ("{}", r#""Allow for this session""#, false),
        ("{}", r#""Allow and don't ask me again""#, false),
        (SESSION, r#""Allow for this session""#, true),
        (SESSION, r#""Allow and don't ask me again""#, false),
        (ALL, r#""Allow and don't ask me again""#, true),
        (DECLINE, r#""Allow""#, false),
        (DECLINE, r#""Cancel""#, true),
        (r#"{"decisions":["accept"]}"#, r#""Cancel""#, false),
        (ALL, r#""allow""#, false),
        (ALL, "5", false),
        (ALL, "null", false),
    ] {
        let refused = (!want).then_some(Reason::Decision);
        for id in ["mcp_tool_call_approval_c1", "mcp_tool_call_approval"] {
            let answer =
                format!(r#"{{"answers":{{"q":{{"answers":["a"]}},"{id}":{{"answers":[{word}]}}}}}}"#);
            assert_eq!(question(policy, &answer), refused, "{policy} {word}");
        }
        if policy == DECLINE {
            continue;
        }
        for filled in [word.to_owned(), format!("[{word}]"), format!(r#"{{"answers":["Allow",{word}]}}"#)] {
            let answer =
                format!(r#"{{"action":"accept","content":{{"mcp_tool_call_approval_c1":{filled}}}}}"#);
            assert_eq!(form(policy, &answer), refused, "{policy} {filled}");
        }
    }
    let secret = r#"{"params":{"questions":[{"id":"q","isSecret":true}]}}"#;
    assert_eq!(of(ALL, approval::QUESTION, secret, "answer", "{}"), Some(Reason::Secret));
    assert_eq!(of(ALL, approval::QUESTION, "{", "answer", "{}"), Some(Reason::Secret));
}

#[test]
fn servers_that_a_skill_wants_are_written_down_by_whoever_may_change_rules() {
    let answer = |word: &str| {
        format!(r#"{{"answers":{{"skill_mcp_dependency_install_1":{{"answers":["{word}"]}}}}}}"#)
    };
    for (policy, word, want) in [
        (r#"{"decisions":["amendments"]}"#, "Install", None),
        (r#"{"decisions":["decline"]}"#, "Continue anyway", None),
        ("{}", "Continue anyway", None),
        ("{}", "Install", Some(Reason::Decision)),
        ("{}", "Yes", Some(Reason::Decision)),
        (r#"{"decisions":["accept"]}"#, "Continue anyway", Some(Reason::Decision)),
    ] {
        let asked = r#"{"params":{"questions":[]}}"#;
        assert_eq!(of(policy, approval::QUESTION, asked, "answer", &answer(word)), want, "{policy} {word}");
    }
}

#[test]
fn what_lets_something_happen_says_what_was_shown() {
    let tool =
        |word: &str| format!(r#"{{"answers":{{"mcp_tool_call_approval_1":{{"answers":["{word}"]}}}}}}"#);
    let question = r#"{"questions":[]}"#;
    for (method, kind, said, needs) in [
        (COMMAND, "decide", r#""decision":"accept""#, true),
        (COMMAND, "decide", r#""decision":"decline""#, false),
        (COMMAND, "decide", r#""decision":"cancel""#, false),
        (ELICITATION, "answer", r#""answer":{"action":"accept"}"#, true),
        (ELICITATION, "answer", r#""answer":{"action":"decline"}"#, false),
        (ELICITATION, "answer", r#""answer":{"action":"cancel"}"#, false),
        (approval::QUESTION, "answer", r#""answer":{"answers":{"q":{"answers":["a"]}}}"#, false),
        (approval::QUESTION, "answer", &format!(r#""answer":{}"#, tool("Allow")), true),
        (approval::QUESTION, "answer", &format!(r#""answer":{}"#, tool("Cancel")), false),
        (
            approval::QUESTION,
            "answer",
            r#""answer":{"answers":{"skill_mcp_dependency_install":{"answers":["Install"]}}}"#,
            true,
        ),
        (TOOL_CALL, "answer", r#""answer":{"success":true}"#, false),
    ] {
        let asked = Some(Asked { method, payload_json: question, is_redacted: false });
        let machine = Machine {
            policy_json: r#"{"decisions":["accept","decline","cancel","amendments"]}"#,
            settings_json: SETTINGS,
            recent: 0.0,
            asked,
        };
        for (shown, is_shown) in
            [("", false), (r#","shownSha256":null"#, false), (r#","shownSha256":"0""#, true)]
        {
            let answer = decide_command(machine, kind, &format!(r#"{{"requestId":0,{said}{shown}}}"#));
            let want = (needs && !is_shown).then_some(Reason::Shown);
            assert_eq!(reason(&answer), want, "{said}{shown}");
            let asked = asked.map(|asked| Asked { is_redacted: true, ..asked });
            let answer = decide_command(
                Machine { asked, ..machine },
                kind,
                &format!(r#"{{"requestId":0,{said}{shown}}}"#),
            );
            assert_eq!(
                reason(&answer),
                needs.then_some(Reason::Redacted),
                "{said}{shown} of what was redacted"
            );
        }
    }
}

#[test]
fn a_folder_that_is_not_known_is_no_folder_that_is_allowed() {
    let policy = r#"{"sandbox":"read-only","approvalPolicy":"untrusted"}"#;
    for thread in ["{}", r#"{"cwd":null,"sandboxPolicy":null,"approvalPolicy":null}"#] {
        let settings = format!(r#"{},"thread":{thread}}}"#, SETTINGS.strip_suffix('}').unwrap());
        let of = |kind: &str, members: &str| reason(&ask(policy, &settings, kind, &turn(members)));
        assert_eq!(of("turn", ""), Some(Reason::Cwd), "{thread}");
        assert_eq!(of("steer", ""), Some(Reason::Cwd), "{thread}");
        assert_eq!(of("turn", r#""cwd":"/home/me/project/a""#), None, "{thread}");
        assert_eq!(of("turn", r#""cwd":"/etc""#), Some(Reason::Cwd), "{thread}");
    }
    // Of a machine that says nothing of a thread it is the start's.
    assert_eq!(reason(&ask("{}", SETTINGS, "turn", &turn(""))), None);
}

#[test]
fn a_policy_that_codex_may_write_allows_nothing_but_a_stop() {
    let free = r#"{"type":"workspaceWrite","excludeTmpdirEnvVar":true,"excludeSlashTmp":true}"#;
    let data = r#"{"type":"workspaceWrite","writableRoots":["/data"],"excludeTmpdirEnvVar":true,"excludeSlashTmp":true}"#;
    let read = "\"read-only\"";
    let full = "\"danger-full-access\"";
    let of = |started: &str, policy: &str, place: &str| {
        let settings = format!(
            r#"{{"started":{{"cwd":"/w","sandboxPolicy":{started},"approvalPolicy":"never"}},"files":{{"policy":["/else",{place}],"tmpdir":"/var/t","slashTmp":"/tmp"}}}}"#
        );
        assert_eq!(reason(&ask(policy, &settings, "interrupt", r#"{"turnId":"U"}"#)), None, "a stop passes");
        reason(&ask(policy, &settings, "decide", r#"{"requestId":0,"decision":"decline"}"#))
    };
    let lower = format!(r#"{{"sandbox":{read}}}"#);
    let raised = format!(r#"{{"sandbox":{full}}}"#);
    let roots = format!(r#"{{"sandbox":{free},"roots":["/r"]}}"#);
    let write = "\"workspace-write\"";
    for (started, policy, place, exposed) in [
        (write, "{}", "\"/w/policy.json\"", true),
        (write, "{}", "\"/w/a/b\"", true),
        (write, "{}", "\"/tmp/x\"", true),
        (write, "{}", "\"/var/t/x\"", true),
        (write, "{}", "\"/home/x\"", false),
        (write, "{}", "\"/wide\"", false),
        (free, "{}", "\"/w/x\"", true),
        (free, "{}", "\"/tmp/x\"", false),
        (free, "{}", "\"/var/t/x\"", false),
        (data, "{}", "\"/data/x\"", true),
        (read, "{}", "\"/w/x\"", false),
        (read, "{}", "\"/tmp/x\"", false),
        // It holds for what is in force at the machine, whatever the file says.
        (write, &lower, "\"/w/x\"", true),
        (write, &raised, "\"/w/x\"", true),
        (write, &raised, "\"/home/x\"", false),
        // Where there is no sandbox, no place is another's.
        (full, "{}", "\"/w/x\"", false),
        // And for what a turn from afar may have.
        (read, &roots, "\"/r/x\"", true),
        (read, &roots, "\"/w/x\"", false),
        (full, &roots, "\"/r/x\"", true),
    ] {
        assert_eq!(
            of(started, policy, place),
            exposed.then_some(Reason::Exposed),
            "{started} {policy} {place}"
        );
    }
}

#[test]
fn kinds_and_decisions_are_those_that_are_named() {
    let decide = |decision: &str| format!(r#"{{"requestId":0,"shownSha256":"00","decision":"{decision}"}}"#);
    for named in ["accept", "acceptForSession", "decline", "cancel"] {
        let policy = format!(r#"{{"decisions":["{named}"]}}"#);
        for decision in ["accept", "acceptForSession", "decline", "cancel"] {
            let refused = (named != decision).then_some(Reason::Decision);
            let answer = ask(&policy, SETTINGS, "decide", &decide(decision));
            assert_eq!(reason(&answer), refused, "{named}: {decision}");
        }
    }
    let policy = r#"{"kinds":["turn","interrupt"]}"#;
    let interrupt = r#"{"turnId":"U"}"#;
    for (decision, named) in [
        (r#""approved""#, "accept"),
        (r#""approved_for_session""#, "acceptForSession"),
        (r#"{"denied":{"rejection":"no"}}"#, "decline"),
        (r#""abort""#, "cancel"),
    ] {
        for only in ["accept", "acceptForSession", "decline", "cancel", "amendments"] {
            let (policy, payload) = (
                format!(r#"{{"decisions":["{only}"]}}"#),
                format!(r#"{{"requestId":0,"shownSha256":"00","decision":{decision}}}"#),
            );
            let refused = (only != named).then_some(Reason::Decision);
            assert_eq!(reason(&ask(&policy, SETTINGS, "decide", &payload)), refused, "{only}: {decision}");
        }
    }
    for (kind, payload, refused) in [
        ("turn", turn("").as_str(), None),
        ("interrupt", interrupt, None),
        ("decide", decide("accept").as_str(), Some(Reason::Kind)),
    ] {
        assert_eq!(reason(&ask(policy, SETTINGS, kind, payload)), refused, "{kind}");
    }
}
