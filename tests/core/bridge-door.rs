//! The real door, as JavaScript has it: texts in, plain objects and texts out.
#![allow(clippy::unwrap_used)]

use super::{approval_result, classify_line, decide_command, plan_stop, redact_message};
use js_sys::JSON;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn a_line_is_classified() {
    let line = r#"{"method":"item/x","params":{"threadId":"t😀","turnId":"u"},"emittedAtMs":12}"#;
    let class = classify_line(line).unwrap();
    assert_eq!(
        JSON::stringify(&class).unwrap(),
        r#"{"type":"event","kind":"item/x","threadId":"t😀","turnId":"u","request":false,"opensTurn":true,"endsTurn":false,"emittedAtMs":12,"cutStart":59,"cutEnd":76}"#
    );
}

#[wasm_bindgen_test]
fn a_line_loses_its_secrets_and_nothing_else() {
    let line = r#"{"method":"item/x","params":{"threadId":"t😀","text":"key \"sk-proj-4fTq8ZxWvYb2Lk9PnRs3Ud7a\""}}"#;
    let out = redact_message(line, None).unwrap();
    assert_eq!(out, r#"{"method":"item/x","params":{"threadId":"t😀","text":"key \"[redacted:key]\""}}"#);
    assert_eq!(redact_message(&out, None), None);
    let answer = r#"{"id":1,"result":{"email":"a@b"}}"#;
    let request = Some(r#"{"method":"account/read"}"#.to_owned());
    assert_eq!(redact_message(answer, request).unwrap(), r#"{"id":1,"result":"[redacted:account]"}"#);
    assert_eq!(redact_message("plain text", None), None);
}

#[wasm_bindgen_test]
fn a_command_passes_or_does_not() {
    let settings =
        r#"{"started":{"cwd":"/p","sandboxPolicy":"workspace-write","approvalPolicy":"on-request"}}"#;
    let turn = |members: &str| {
        let payload = format!(r#"{{"input":[{{"type":"text","text":"x"}}]{members}}}"#);
        let answer = decide_command("{}", settings, 0.0, "", "", false, "turn", &payload).unwrap();
        String::from(JSON::stringify(&answer).unwrap())
    };
    assert_eq!(
        turn(r#","cwd":"/p/./a","approvalPolicy":"untrusted""#),
        r#"{"type":"allowed","method":"turn/start","cwd":"/p/a","approvalPolicyJson":"\"untrusted\""}"#
    );
    assert_eq!(
        turn(r#","cwd":"/etc""#),
        r#"{"type":"notAllowed","code":"E_COMMAND_NOT_ALLOWED","reason":"cwd","message":"the folder is not there, or not allowed"}"#
    );
}

#[wasm_bindgen_test]
fn a_decision_is_what_codex_is_answered_with() {
    let asked = r#"{"method":"item/permissions/requestApproval","id":0,"params":{"permissions":{"network":{"enabled":true}}}}"#;
    let result = |method: &str, decision: &str| approval_result(method, asked, decision);
    assert_eq!(result("item/commandExecution/requestApproval", "\"accept\""), r#"{"decision":"accept"}"#);
    assert_eq!(
        result("item/permissions/requestApproval", "\"accept\""),
        r#"{"permissions":{"network":{"enabled":true}},"scope":"turn"}"#
    );
    assert_eq!(
        result("item/permissions/requestApproval", "\"decline\""),
        r#"{"permissions":{},"scope":"turn"}"#
    );
}

#[wasm_bindgen_test]
fn a_request_is_decided_in_its_own_words() {
    let asked = r#"{"params":{"availableDecisions":["accept","cancel"]}}"#;
    let settings = r#"{"started":{"cwd":"/p","sandboxPolicy":"read-only","approvalPolicy":"on-request"}}"#;
    let decide_of = |method: &str, decision: &str, is_redacted: bool| {
        let payload = format!(r#"{{"requestId":0,"shownSha256":"00","decision":"{decision}"}}"#);
        let answer =
            decide_command("{}", settings, 0.0, method, asked, is_redacted, "decide", &payload).unwrap();
        String::from(JSON::stringify(&answer).unwrap())
    };
    let decide = |method: &str, decision: &str| decide_of(method, decision, false);
    let command = "item/commandExecution/requestApproval";
    assert!(decide_of(command, "accept", true).contains("E_APPROVAL_REDACTED"));
    assert_eq!(decide(command, "accept"), r#"{"type":"allowed","method":"response"}"#);
    assert!(decide(command, "acceptForSession").contains("decision"));
    for method in ["", "item/tool/call"] {
        assert!(decide(method, "accept").contains(r#""reason":"request""#), "{method}");
    }
}

#[wasm_bindgen_test]
fn a_stop_that_stops_is_planned() {
    let next = |interrupts: u32, elapsed_ms: f64, others: &[&str], forced: bool| {
        let others = others.iter().map(|id| (*id).to_owned()).collect();
        String::from(
            JSON::stringify(&plan_stop(false, 0, interrupts, elapsed_ms, others, forced).unwrap()).unwrap(),
        )
    };
    assert_eq!(next(0, 0.0, &[], false), r#"{"type":"interrupt"}"#);
    assert_eq!(next(1, 1_000.0, &[], false), r#"{"type":"wait","ms":4000}"#);
    assert_eq!(next(2, 15_000.0, &["o😀"], false), r#"{"type":"needsForce","threadIds":["o😀"]}"#);
    assert_eq!(next(2, 15_000.0, &["o"], true), r#"{"type":"restart","cut":["o"]}"#);
    let settled = plan_stop(true, 3, 0, 0.0, Vec::new(), false).unwrap();
    assert_eq!(JSON::stringify(&settled).unwrap(), r#"{"type":"settled"}"#);
}
