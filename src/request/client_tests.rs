//! What is answered to clients and to the bridge, input by input.

use super::approval::{Unfit, Wish, decision, decision_of, declines, is_same, is_shown, result};
use super::client::*;
use super::*;
use crate::ingest::write::TurnStatus;
use crate::limits::APPROVAL_BYTES_MAX;
use crate::testing::{keep, name};

const COMMAND: &str = "item/commandExecution/requestApproval";
const PERMISSIONS: &str = "item/permissions/requestApproval";
const PAYLOAD: &str =
    r#"{"method":"x","id":0,"params":{"availableDecisions":["accept",{"a":{"b":[1,"\u00e9"]}},"cancel"]}}"#;

fn known(id: &'static str, state: RequestState, decided: Option<&'static str>) -> KnownRequest<'static> {
    let request = Request::known(0, id, COMMAND, "U", Origin::default(), state, None);
    KnownRequest { request, decision: decided, payload: Some(PAYLOAD) }
}

fn respond(wish: Wish<'static>, known: Vec<KnownRequest<'static>>) -> RespondCall<'static> {
    RespondCall { thread_exists: true, id: None, wish, shown_sha256: None, must_show: false, known }
}

/// What the bridge tells of a request of this method, the first of its thread.
fn upsert(method: &'static str) -> UpsertCall<'static> {
    UpsertCall {
        thread_exists: true,
        turn_status: None,
        id: "0",
        method,
        turn_id: "U",
        item_id: "i",
        origin: Origin::default(),
        payload: "{}",
        reason: None,
        questions: None,
        known: vec![],
    }
}

/// The answer in one line.
fn brief(answer: &RequestAnswer) -> String {
    match answer {
        RequestAnswer::Rejected { code, row, .. } => format!("{} {row:?}", name(code)),
        RequestAnswer::Needs { row } => format!("needs {row}"),
        RequestAnswer::Keep => "keep".into(),
        RequestAnswer::Again { row } => format!("again {row}"),
        RequestAnswer::Decide { row, decision, .. } => format!("decide {row} {decision}"),
        RequestAnswer::Resolve { row, answered, decision, decides, keeps_response } => {
            format!("resolve {row} {answered} {decision:?} decides {decides} keeps {keeps_response}")
        }
        RequestAnswer::Upsert { requests, row, touches, .. } => {
            format!("upsert {} row {row:?} touches {touches}", requests.len())
        }
    }
}

#[test]
fn the_first_decision_stands_in_every_state() {
    use RequestState::{Answered, Answering, Expired, Pending};
    let (accept, decline) = (Some("\"accept\""), Some("\"decline\""));
    for (state, decided, wish, want) in [
        (Pending, None, Wish::Accepted, "decide 0 \"accept\""),
        (Pending, None, Wish::Declined, "decide 0 \"decline\""),
        (Pending, None, Wish::Exactly("\"cancel\""), "decide 0 \"cancel\""),
        (Answering, accept, Wish::Accepted, "again 0"),
        (Answering, accept, Wish::Exactly("\"accept\""), "again 0"),
        (Answering, accept, Wish::Declined, "E_APPROVAL_NOT_PENDING Some(0)"),
        (Answering, decline, Wish::Accepted, "E_APPROVAL_NOT_PENDING Some(0)"),
        (Answering, accept, Wish::Exactly("\"never\""), "E_APPROVAL_NOT_PENDING Some(0)"),
        (Answered, accept, Wish::Accepted, "keep"),
        (Answered, accept, Wish::Declined, "E_APPROVAL_NOT_PENDING Some(0)"),
        (Answered, None, Wish::Accepted, "E_APPROVAL_NOT_PENDING Some(0)"),
        (Expired, None, Wish::Accepted, "E_APPROVAL_NOT_PENDING Some(0)"),
        (Expired, accept, Wish::Accepted, "keep"),
        (Expired, accept, Wish::Declined, "E_APPROVAL_NOT_PENDING Some(0)"),
    ] {
        let answer = plan_respond(&respond(wish, vec![known("0", state, decided)]));
        assert_eq!(brief(&answer), want, "{state:?} {decided:?} {wish:?}");
    }
}

#[test]
fn which_request_a_decision_is_about() {
    let pending = |id| known(id, RequestState::Pending, None);
    let done = |id| known(id, RequestState::Answered, Some("\"accept\""));
    let call = |id, known| RespondCall { id, ..respond(Wish::Declined, known) };
    let other = KnownRequest {
        request: Request::known(
            0,
            "0",
            "item/tool/call",
            "U",
            Origin::default(),
            RequestState::Pending,
            None,
        ),
        ..pending("0")
    };
    for (call, want) in [
        (call(None, vec![]), "E_APPROVAL_NOT_FOUND None"),
        (call(None, vec![other]), "E_APPROVAL_NOT_FOUND None"),
        (call(None, vec![other, pending("1")]), "decide 1 \"decline\""),
        (call(Some("1"), vec![pending("0")]), "E_APPROVAL_NOT_FOUND None"),
        (call(Some("\"0\""), vec![pending("0")]), "E_APPROVAL_NOT_FOUND None"),
        (call(None, vec![pending("0"), pending("1")]), "E_APPROVAL_AMBIGUOUS None"),
        (call(None, vec![done("0"), pending("1")]), "E_APPROVAL_AMBIGUOUS None"),
        (call(Some("1"), vec![pending("0"), pending("1"), pending("2")]), "decide 1 \"decline\""),
        (call(Some("0"), vec![pending("0"), done("0")]), "decide 0 \"decline\""),
        (call(Some("0"), vec![done("0"), done("0")]), "E_APPROVAL_NOT_PENDING Some(1)"),
        (
            RespondCall { thread_exists: false, ..call(None, vec![pending("0")]) },
            "E_AUTH_THREAD_FORBIDDEN None",
        ),
        (call(None, vec![KnownRequest { payload: None, ..pending("0") }]), "needs 0"),
    ] {
        assert_eq!(brief(&plan_respond(&call)), want);
    }
}

#[test]
fn an_approval_is_what_was_shown() {
    let shown = "33c8b10d37bc38bb6e9aa5d15b7acc59ef5f9bb3cb5d0b7ec3c56ea7dbf8cbbb";
    let call = |shown_sha256| RespondCall {
        shown_sha256: Some(shown_sha256),
        ..respond(Wish::Declined, vec![known("0", RequestState::Pending, None)])
    };
    assert_eq!(brief(&plan_respond(&call(shown))), "E_APPROVAL_CHANGED Some(0)");
    for (text, digest) in [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("abc", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
    ] {
        assert!(is_shown(text, digest), "{text}");
        assert!(!is_shown(text, &digest[1..]));
        assert!(!is_shown(text, &format!("{digest}0")));
        assert!(!is_shown("abd", digest));
    }
}

#[test]
fn who_does_not_decline_says_what_was_shown_where_that_is_asked() {
    let of = |wish, shown_sha256, must_show| {
        let known = vec![known("0", RequestState::Pending, None)];
        brief(&plan_respond(&RespondCall { shown_sha256, must_show, ..respond(wish, known) }))
    };
    let shown = approval::shown_of(PAYLOAD);
    let shown = Some(shown.as_str());
    let changed = "E_APPROVAL_CHANGED Some(0)";
    assert_eq!(of(Wish::Accepted, None, true), changed);
    assert_eq!(of(Wish::Exactly(r#"{"a":{"b":[1,"é"]}}"#), None, true), changed);
    assert_eq!(of(Wish::Accepted, shown, true), "decide 0 \"accept\"");
    assert_eq!(of(Wish::Accepted, None, false), "decide 0 \"accept\"");
    for declining in [Wish::Declined, Wish::Exactly("\"cancel\"")] {
        assert!(of(declining, None, true).starts_with("decide 0"), "{declining:?}");
        assert_eq!(of(declining, Some("00"), true), changed, "{declining:?}");
    }
    let unoffered = Wish::Exactly("\"acceptForSession\"");
    assert_eq!(of(unoffered, None, true), "E_APPROVAL_NOT_OFFERED Some(0)");
}

#[test]
fn what_declines_lets_nothing_happen() {
    for declining in
        ["\"decline\"", "\"cancel\"", "\"denied\"", " \"\\u0061bort\" ", r#"{"denied":{"rejection":"no"}}"#]
    {
        assert!(declines(declining), "{declining}");
    }
    for other in [
        "\"accept\"",
        "\"approved\"",
        "\"Decline\"",
        "decline",
        "",
        "{}",
        r#"{"decline":{}}"#,
        r#"{"denied":{},"approved":{}}"#,
        r#"["denied"]"#,
    ] {
        assert!(!declines(other), "{other}");
    }
}

#[test]
fn a_decision_tells_the_hash_of_what_is_decided() {
    let answer = plan_respond(&respond(Wish::Accepted, vec![known("0", RequestState::Pending, None)]));
    let RequestAnswer::Decide { shown, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(shown.len(), 64);
    assert!(is_shown(PAYLOAD, &shown));
}

#[test]
fn decisions_are_the_requests_own_words() {
    let exact = |payload, wish| decision(COMMAND, payload, Wish::Exactly(wish));
    assert_eq!(exact(PAYLOAD, " {\"a\" : {\"b\":[ 1 ,\"é\"]}} "), Ok(r#"{"a":{"b":[1,"\u00e9"]}}"#));
    for unoffered in [
        "\"decline\"",
        "\"acceptForSession\"",
        r#"{"a":{"b":[1]}}"#,
        r#"{"a":{"b":[1,"é"],"c":1}}"#,
        "",
        "accept",
        "[]",
        "null",
    ] {
        assert_eq!(exact(PAYLOAD, unoffered), Err(Unfit::NotOffered), "{unoffered}");
    }
    for silent in ["{}", "no JSON", r#"{"params":{"availableDecisions":null}}"#] {
        for plain in ["\"accept\"", "\"acceptForSession\"", "\"decline\"", "\"cancel\""] {
            assert_eq!(exact(silent, plain), Ok(plain));
        }
        assert_eq!(exact(silent, r#"{"acceptWithExecpolicyAmendment":{}}"#), Err(Unfit::NotOffered));
    }
}

#[test]
fn the_methods_of_before_are_decided_in_their_own_words() {
    const DENIED: &str = r#"{"denied":{"rejection":"declined"}}"#;
    for method in ["execCommandApproval", "applyPatchApproval"] {
        let large = keep("x".repeat(APPROVAL_BYTES_MAX + 1));
        for (wish, small_want, large_want) in [
            (Wish::Accepted, Ok("\"approved\""), Err(Unfit::TooLarge)),
            (Wish::Declined, Ok(DENIED), Ok(DENIED)),
            (Wish::Exactly("\"approved\""), Ok("\"approved\""), Err(Unfit::TooLarge)),
            (Wish::Exactly("\"approved_for_session\""), Ok("\"approved_for_session\""), Err(Unfit::TooLarge)),
            (Wish::Exactly(r#"{ "denied": {"rejection":"declined"} }"#), Ok(DENIED), Ok(DENIED)),
            (Wish::Exactly("\"abort\""), Ok("\"abort\""), Ok("\"abort\"")),
            (Wish::Exactly("\"denied\""), Err(Unfit::NotOffered), Err(Unfit::NotOffered)),
            (Wish::Exactly("\"decline\""), Err(Unfit::NotOffered), Err(Unfit::NotOffered)),
        ] {
            assert_eq!(decision(method, "{}", wish), small_want, "{method} {wish:?}");
            assert_eq!(decision(method, large, wish), large_want, "{method} {wish:?}");
        }
    }
}

#[test]
fn what_is_too_large_can_only_be_declined() {
    let fits = keep("x".repeat(APPROVAL_BYTES_MAX));
    let large = keep("x".repeat(APPROVAL_BYTES_MAX + 1));
    assert_eq!(decision(COMMAND, fits, Wish::Accepted), Ok("\"accept\""));
    for wish in [Wish::Accepted, Wish::Exactly("\"acceptForSession\"")] {
        assert_eq!(decision(COMMAND, large, wish), Err(Unfit::TooLarge));
    }
    for wish in [Wish::Declined, Wish::Exactly("\"cancel\"")] {
        assert!(decision(COMMAND, large, wish).is_ok());
    }
    let amends = r#"{"acceptWithExecpolicyAmendment":{"denied":1}}"#;
    let offers = format!(r#"{{"availableDecisions":[{amends},"accept"],"x":"{large}"}}"#);
    for wish in [amends, "\"accept\""] {
        assert_eq!(decision(COMMAND, keep(offers.clone()), Wish::Exactly(wish)), Err(Unfit::TooLarge));
    }
}

#[test]
fn what_was_redacted_can_only_be_declined() {
    let line = r#"{"method":"item/commandExecution/requestApproval","id":1,"params":{"command":"export AUTH_TOKEN=00000000000000000|./run"}}"#;
    let shown = keep(crate::redact::redact_message(line, None).unwrap());
    assert_eq!(decision(COMMAND, line, Wish::Accepted), Ok("\"accept\""));
    for wish in [Wish::Accepted, Wish::Exactly("\"acceptForSession\"")] {
        assert_eq!(decision(COMMAND, shown, wish), Err(Unfit::Redacted));
    }
    for wish in [Wish::Declined, Wish::Exactly("\"cancel\"")] {
        assert!(decision(COMMAND, shown, wish).is_ok());
    }
}

#[test]
fn results_carry_decisions_and_show_them() {
    let payload = r#"{"params":{"permissions":{"network":{"enabled":true}}}}"#;
    for (method, decision, want) in [
        (COMMAND, r#"{"a":1}"#, r#"{"decision":{"a":1}}"#),
        (
            "execCommandApproval",
            r#"{"denied":{"rejection":"declined"}}"#,
            r#"{"decision":{"denied":{"rejection":"declined"}}}"#,
        ),
        (PERMISSIONS, "\"accept\"", r#"{"permissions":{"network":{"enabled":true}},"scope":"turn"}"#),
        (
            PERMISSIONS,
            "\"acceptForSession\"",
            r#"{"permissions":{"network":{"enabled":true}},"scope":"session"}"#,
        ),
        (PERMISSIONS, "\"decline\"", r#"{"permissions":{},"scope":"turn"}"#),
    ] {
        let answer = result(method, payload, decision);
        assert_eq!(answer, want);
        assert_eq!(decision_of(method, &answer), Some(decision));
    }
    for nothing in ["\"cancel\"", "\"abort\"", "\"denied\"", r#"{"denied":{"rejection":"declined"}}"#] {
        assert_eq!(
            result(PERMISSIONS, payload, nothing),
            r#"{"permissions":{},"scope":"turn"}"#,
            "{nothing}"
        );
    }
    assert_eq!(decision_of("item/tool/call", r#"{"decision":"accept"}"#), None);
    assert_eq!(decision_of(COMMAND, "{"), None);
    assert!(is_same(r#"{"a":1,"b":[2]}"#, r#"{ "b":[2], "a":1 }"#));
    for other in [r#"{"a":1}"#, r#"{"a":1,"b":[2,3]}"#, r#"{"a":1,"c":[2]}"#, r#"{"a":"1","b":[2]}"#] {
        assert!(!is_same(r#"{"a":1,"b":[2]}"#, other), "{other}");
        assert!(!is_same(other, r#"{"a":1,"b":[2]}"#), "{other}");
    }
}

#[test]
fn how_the_bridge_ends_a_request() {
    use RequestState::{Answering, Pending};
    let accept = Some(r#"{"decision":"accept"}"#);
    let of = |method, state, decision, payload| KnownRequest {
        request: Request::known(0, "0", method, "U", Origin::default(), state, None),
        decision,
        payload,
    };
    let secret = Some(r#"{"params":{"questions":[{"isSecret":false},{"isSecret":true}]}}"#);
    let open = Some(r#"{"params":{"questions":[{"isSecret":false}]}}"#);
    for (known, answered, response, want) in [
        (
            of(COMMAND, Pending, None, None),
            true,
            accept,
            "resolve 0 true Some(\"\\\"accept\\\"\") decides true keeps true",
        ),
        (
            of(COMMAND, Answering, Some("\"accept\""), None),
            true,
            accept,
            "resolve 0 true None decides false keeps true",
        ),
        (
            of(COMMAND, Answering, Some("\"decline\""), None),
            true,
            accept,
            "resolve 0 true Some(\"\\\"accept\\\"\") decides true keeps true",
        ),
        (of(COMMAND, Pending, None, None), false, accept, "resolve 0 false None decides false keeps false"),
        (of(COMMAND, Pending, None, None), true, None, "resolve 0 true None decides true keeps false"),
        (
            of("item/tool/call", Pending, None, None),
            true,
            Some("{}"),
            "resolve 0 true None decides true keeps true",
        ),
        (
            of("account/x", Pending, None, None),
            true,
            Some("{}"),
            "resolve 0 true None decides true keeps false",
        ),
        (of(super::approval::QUESTION, Pending, None, None), true, Some("{}"), "needs 0"),
        (
            of(super::approval::QUESTION, Pending, None, None),
            true,
            None,
            "resolve 0 true None decides true keeps false",
        ),
        (
            of(super::approval::QUESTION, Pending, None, secret),
            true,
            Some("{}"),
            "resolve 0 true None decides true keeps false",
        ),
        (
            of(super::approval::QUESTION, Pending, None, Some("no JSON")),
            true,
            Some("{}"),
            "resolve 0 true None decides true keeps false",
        ),
        (
            of(super::approval::QUESTION, Pending, None, open),
            true,
            Some("{}"),
            "resolve 0 true None decides true keeps true",
        ),
    ] {
        let origin = Origin::default();
        let call =
            ResolveCall { thread_exists: true, origin, answered, response, policy: None, known: vec![known] };
        assert_eq!(brief(&plan_resolve(&call)), want, "{known:?}");
    }
}

#[test]
fn which_request_the_bridge_speaks_of() {
    let of = |generation, state| KnownRequest {
        request: Request::known(
            0,
            "0",
            COMMAND,
            "U",
            Origin { runtime_id: Some("r"), generation: Some(generation), app_generation: None },
            state,
            None,
        ),
        decision: None,
        payload: None,
    };
    let call = |generation, known| ResolveCall {
        thread_exists: true,
        origin: Origin { runtime_id: Some("r"), generation, app_generation: None },
        answered: false,
        response: None,
        policy: None,
        known,
    };
    use RequestState::{Expired, Pending};
    let two = || vec![of(1, Pending), of(2, Pending)];
    for (call, want) in [
        (call(None, vec![]), "E_REQUEST_NOT_FOUND None"),
        (call(Some(3), two()), "E_REQUEST_NOT_FOUND None"),
        (call(Some(1), two()), "resolve 0 false None decides false keeps false"),
        (call(None, two()), "resolve 1 false None decides false keeps false"),
        (call(None, vec![of(1, Pending), of(2, Expired)]), "resolve 0 false None decides false keeps false"),
        (call(None, vec![of(1, Expired), of(2, Expired)]), "keep"),
        (ResolveCall { thread_exists: false, ..call(None, two()) }, "E_AUTH_THREAD_FORBIDDEN None"),
    ] {
        assert_eq!(brief(&plan_resolve(&call)), want);
    }
    let large = keep("x".repeat(crate::limits::REQUEST_BYTES_MAX + 1));
    let too_long = ResolveCall { answered: true, response: Some(large), ..call(None, two()) };
    assert_eq!(brief(&plan_resolve(&too_long)), "E_REQUEST_INVALID None");
}

#[test]
fn what_the_bridge_tells_of_a_request() {
    let call = |id, status, known| UpsertCall { turn_status: status, id, known, ..upsert(COMMAND) };
    let open = |row| Request::known(row, "0", COMMAND, "U", Origin::default(), RequestState::Pending, None);
    for (call, want) in [
        (call("0", None, vec![]), "upsert 1 row None touches true"),
        (call("0", Some(TurnStatus::InProgress), vec![]), "upsert 1 row None touches true"),
        (call("0", Some(TurnStatus::Queued), vec![]), "upsert 1 row None touches true"),
        (call("0", Some(TurnStatus::Failed), vec![]), "upsert 1 row None touches false"),
        (
            UpsertCall { method: "item/tool/call", ..call("0", None, vec![]) },
            "upsert 1 row None touches false",
        ),
        (call("0", None, vec![open(0)]), "keep"),
        (call("1", None, vec![open(0)]), "upsert 1 row None touches true"),
        (call("0", Some(TurnStatus::Completed), vec![open(0)]), "upsert 1 row Some(0) touches false"),
        (call("-1", None, vec![]), "E_REQUEST_INVALID None"),
        (call("null", None, vec![]), "E_REQUEST_INVALID None"),
        (call("0.5", None, vec![]), "E_REQUEST_INVALID None"),
        (UpsertCall { thread_exists: false, ..call("0", None, vec![]) }, "E_AUTH_THREAD_FORBIDDEN None"),
    ] {
        assert_eq!(brief(&plan_upsert(&call)), want);
    }
}

#[test]
fn what_a_request_says_of_itself_is_bounded_to_the_byte() {
    use crate::limits::{ID_BYTES_MAX, REQUEST_BYTES_MAX};
    let text = |length: usize| keep("x".repeat(length));
    let call = || upsert("item/tool/call");
    let of = |runtime_id| Origin { runtime_id: Some(runtime_id), generation: Some(1), app_generation: None };
    for (over, want) in [(0, "upsert 1 row None touches false"), (1, "E_REQUEST_INVALID None")] {
        let (name, long) = (text(ID_BYTES_MAX + over), text(REQUEST_BYTES_MAX + over));
        for (at, call) in [
            UpsertCall { method: name, ..call() },
            UpsertCall { turn_id: name, ..call() },
            UpsertCall { item_id: name, ..call() },
            UpsertCall { origin: of(name), ..call() },
            UpsertCall { payload: long, ..call() },
            UpsertCall { questions: Some(long), ..call() },
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(brief(&plan_upsert(&call)), want, "{at} over by {over}");
        }
    }
}

#[test]
fn what_the_bridge_says_of_an_end_is_bounded_to_the_byte() {
    use crate::limits::{ID_BYTES_MAX, REQUEST_BYTES_MAX};
    let text = |length: usize| Some(keep("x".repeat(length)));
    let call = |response, policy| ResolveCall {
        thread_exists: true,
        origin: Origin::default(),
        answered: true,
        response,
        policy,
        known: vec![known("0", RequestState::Pending, None)],
    };
    let invalid = "E_REQUEST_INVALID None";
    let written = |keeps: bool| format!("resolve 0 true None decides true keeps {keeps}");
    for (call, want) in [
        (call(text(REQUEST_BYTES_MAX), None), written(true)),
        (call(text(REQUEST_BYTES_MAX + 1), None), invalid.to_owned()),
        (call(None, text(ID_BYTES_MAX)), written(false)),
        (call(None, text(ID_BYTES_MAX + 1)), invalid.to_owned()),
        (call(text(1), text(1)), written(true)),
    ] {
        assert_eq!(brief(&plan_resolve(&call)), want);
    }
}

#[test]
fn permissions_are_accepted_or_declined_and_nothing_is_cancelled() {
    let wish = |json| decision(PERMISSIONS, "{}", Wish::Exactly(json));
    assert_eq!(wish("\"acceptForSession\""), Ok("\"acceptForSession\""));
    assert_eq!(wish("\"cancel\""), Err(Unfit::NotOffered));
    assert_eq!(decision(COMMAND, "{}", Wish::Exactly("\"cancel\"")), Ok("\"cancel\""));
}

#[test]
fn two_lists_are_one_where_each_of_their_members_is() {
    for (one, other, want) in [
        ("[1,2]", "[1, 2]", true),
        ("[1,2]", "[1,3]", false),
        ("[1,2]", "[2,1]", false),
        ("[1]", "[1,2]", false),
        ("[]", "[]", true),
        (r#"{"a":[1]}"#, r#"{"a":[2]}"#, false),
    ] {
        assert_eq!(is_same(one, other), want, "{one} {other}");
    }
}
