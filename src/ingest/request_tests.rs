//! What batches do to server requests, each with every write that is planned.

use super::call::{Delta, Loaded, TurnRow};
use super::write::{TurnStatus, Write};
use crate::client::ClientAnswer;
use crate::testing::*;
use crate::turn::{TurnInterruptCall, plan_turn_interrupt};

const COMMAND: &str = "item/commandExecution/requestApproval";

/// A server request on the turn's main stream, as generation 1 of runtime `r` numbers it.
fn asks(cursor: u64, id: &str, method: &'static str, params: &str) -> Delta<'static> {
    let params = format!(r#"{{"threadId":"T","turnId":"U"{params}}}"#);
    Delta {
        event_id: keep(format!("r.1:{STREAM}:{cursor}")),
        payload_json: keep(format!(r#"{{"method":"{method}","id":{id},"params":{params}}}"#)),
        ..event(cursor, method, "{}")
    }
}

fn command(cursor: u64, id: &str) -> Delta<'static> {
    asks(cursor, id, COMMAND, r#","itemId":"c","reason":"why""#)
}

fn steady() -> Shell {
    Shell::after(&[turn_started(0), item_started(1, "c")])
}

fn resolved(number: u64, id: &str) -> crate::ingest::call::LifecycleEvent<'static> {
    lifecycle(number, "serverRequest/resolved", None, &format!(r#"{{"threadId":"T","requestId":{id}}}"#))
}

fn briefs(writes: &[Write]) -> Vec<String> {
    writes.iter().map(brief).collect()
}

#[test]
fn a_request_makes_a_row_and_an_approval_moves_the_thread() {
    let mut shell = steady();
    assert_eq!(
        shell.writes(&[command(2, "0")]),
        [
            "thread next=None",
            "request+ 0 commandExecution for \"c\" pending of r.1 because \"why\"",
            "head 3 count 3 weight 16384 at 0 with items",
            "chunk 2..3 kept 0"
        ]
    );
    assert_eq!(shell.requests[0].reason.as_deref(), Some("why"));
    assert_eq!(
        shell.writes(&[asks(3, "\"a\"", "currentTime/read", "")]),
        [
            "request+ \"a\" - for \"\" pending of r.1",
            "head 4 count 4 weight 24576 at 0 with items",
            "chunk 3..4 kept 0"
        ]
    );
}

#[test]
fn every_kind_of_request_is_kept_and_an_unknown_one_too() {
    let kinds: [(&str, &str, &str, &str); 12] = [
        (COMMAND, r#","itemId":"i""#, "commandExecution", "i"),
        ("item/fileChange/requestApproval", r#","itemId":"i""#, "fileChange", "i"),
        ("item/permissions/requestApproval", r#","itemId":"i""#, "permissions", "i"),
        ("execCommandApproval", r#","conversationId":"T","callId":"i""#, "commandExecution", "i"),
        ("applyPatchApproval", r#","conversationId":"T","callId":"i""#, "fileChange", "i"),
        ("item/tool/requestUserInput", r#","itemId":"i","questions":[]"#, "-", "i"),
        ("item/tool/call", r#","callId":"i","tool":"x""#, "-", "i"),
        ("mcpServer/elicitation/request", r#","serverName":"s""#, "-", ""),
        ("account/chatgptAuthTokens/refresh", "", "-", ""),
        ("attestation/generate", "", "-", ""),
        ("currentTime/read", "", "-", ""),
        ("thing/brandNew", "", "-", ""),
    ];
    for (method, params, approval, item) in kinds {
        let mut shell = steady();
        let writes = shell.writes(&[asks(2, "0", method, params)]);
        let want = format!("request+ 0 {approval} for {item:?} pending of r.1");
        assert!(writes.contains(&want), "{method}: {writes:?}");
    }
}

#[test]
fn a_request_that_names_no_turn_is_kept_too() {
    let mut shell = steady();
    let mut elicitation = lifecycle(0, "mcpServer/elicitation/request", None, "{}");
    elicitation.payload_json =
        r#"{"method":"mcpServer/elicitation/request","id":3,"params":{"threadId":"T","turnId":null}}"#;
    let plan = shell.plan(&[], &[elicitation]);
    assert_eq!(briefs(&plan.writes), ["request+ 3 - for \"\" pending of r", "marks r:T 1"]);
    shell.plan(&[turn_completed(2, "completed")], &[]);
    assert_eq!(shell.asked(), ["3 pending"]);
    shell.plan(&[], &[resolved(1, "3")]);
    assert_eq!(shell.asked(), ["3 expired resolved"]);
}

#[test]
fn ids_that_are_none_are_malformed() {
    for id in
        ["null", "-1", "0.5", "{}", "true", r#""\u0061""#, r#""\ud83d""#, &format!("{:?}", "x".repeat(1024))]
    {
        let mut shell = steady();
        assert!(shell.plan(&[command(2, id)], &[]).partial, "{id}");
        assert!(shell.plan(&[], &[resolved(0, id)]).partial, "{id}");
        assert_eq!(shell.requests, []);
    }
    let mut shell = steady();
    let without = lifecycle(0, "serverRequest/resolved", None, r#"{"threadId":"T"}"#);
    assert!(shell.plan(&[], &[without]).partial);
}

#[test]
fn a_foreign_event_id_works_and_names_no_process() {
    let mut shell = steady();
    let foreign = |cursor, turn: &str| {
        of_turn(turn, Delta { event_id: keep(format!("x{cursor}")), ..command(cursor, "0") })
    };
    shell.plan(&[foreign(2, "U")], &[]);
    assert_eq!(shell.requests[0].runtime_id, None);
    shell.plan(&[foreign(0, "V")], &[]);
    assert_eq!(shell.asked(), ["0 expired processGone", "0 pending"]);
    for odd in ["r.1:T:U:0:3", "r.x:T:U:0:2", "r:T:U:0:2", "r.1:T:V:0:2", ".1:2"] {
        let mut shell = steady();
        shell.plan(&[Delta { event_id: odd, ..command(2, "0") }], &[]);
        assert_eq!(
            (shell.requests[0].runtime_id.as_deref(), shell.requests[0].generation),
            (None, None),
            "{odd}"
        );
    }
}

#[test]
fn a_redelivered_request_that_was_answered_stays_answered() {
    let mut shell = steady();
    shell.plan(&[command(2, "0")], &[]);
    shell.requests[0].state = "answered".into();
    shell.requests[0].cause = Some("reported".into());
    let before = shell.clone();
    assert_eq!(shell.writes(&[command(2, "0")]), [""; 0]);
    assert_eq!(shell, before);
}

#[test]
fn resolved_expires_what_nobody_decided_and_proves_what_was() {
    for (state, want) in [("pending", "0 expired resolved"), ("answering", "0 answered resolved")] {
        let mut shell = steady();
        shell.plan(&[command(2, "0")], &[]);
        shell.requests[0].state = state.into();
        let plan = shell.plan(&[], &[resolved(0, "0")]);
        assert_eq!(briefs(&plan.writes), [format!("request{} of r.1", &want[1..]), "marks r:T 1".into()]);
        assert_eq!(shell.asked(), [want]);
    }
    let mut shell = steady();
    let plan = shell.plan(&[], &[resolved(0, "7")]);
    assert_eq!(briefs(&plan.writes), ["marks r:T 1"], "of one that nothing is known of");
}

#[test]
fn request_and_resolved_in_one_batch() {
    let mut shell = steady();
    shell.plan(&[command(2, "0"), command(3, "1")], &[resolved(0, "0")]);
    assert_eq!(shell.asked(), ["0 expired resolved", "1 pending"]);
}

#[test]
fn the_end_of_a_turn_expires_what_waits_in_it_and_in_no_other() {
    for status in ["completed", "interrupted", "failed"] {
        let mut shell = steady();
        shell.plan(&[command(2, "0"), command(3, "1")], &[]);
        shell.requests[1].state = "answering".into();
        let other = [turn_started(0), item_started(1, "d"), command(2, "2")];
        shell.plan(&other.map(|event| of_turn("V", event)), &[]);
        assert_eq!(
            shell.writes(&[turn_completed(4, status)]),
            [
                "thread next=None",
                &format!("turn U {status} by codex with items to 104"),
                &format!("message c {status} turn to 104"),
                "request expired turnEnded of r.1",
                "request expired turnEnded of r.1",
                if status == "completed" { "stream finished" } else { "stream aborted" },
                "head 5 count 5 weight 24576 at 0 with items closed",
                "chunk 4..5 kept 1",
            ]
        );
        assert_eq!(shell.asked(), ["0 expired turnEnded", "1 expired turnEnded", "2 pending"]);
    }
}

#[test]
fn the_late_resolved_of_an_interrupted_approval_changes_nothing() {
    let mut shell = steady();
    shell.plan(&[command(2, "0"), turn_completed(3, "interrupted")], &[]);
    let plan = shell.plan(&[], &[resolved(0, "0")]);
    assert_eq!(briefs(&plan.writes), ["marks r:T 1"]);
    assert_eq!(shell.asked(), ["0 expired turnEnded"]);
}

#[test]
fn a_request_behind_its_turns_end_waits_for_nobody() {
    let mut shell = steady();
    shell.plan(&[turn_completed(2, "completed"), command(3, "0")], &[]);
    shell.plan(&[command(4, "1")], &[]);
    assert_eq!(shell.asked(), ["0 expired turnEnded", "1 expired turnEnded"]);
}

#[test]
fn the_process_dies_with_requests_waiting() {
    let mut shell = steady();
    shell.plan(&[command(2, "0")], &[]);
    let params = r#"{"threadId":"T","turn":{"id":"U","status":"interrupted"},"synthesized":true}"#;
    shell.plan(&[event(3, "turn/completed", params)], &[]);
    assert_eq!(shell.asked(), ["0 expired turnEnded"]);
}

#[test]
fn a_turn_that_a_newer_process_begins_expires_what_an_older_one_left() {
    let mut shell = steady();
    shell.plan(&[command(2, "0")], &[]);
    let begun = |generation| Delta {
        event_id: keep(format!("r.{generation}:T:V:0:0")),
        ..of_turn("V", turn_started(0))
    };
    let mut same = shell.clone();
    same.plan(&[begun(1)], &[]);
    assert_eq!(same.asked(), ["0 pending"]);
    shell.plan(&[begun(2)], &[]);
    assert_eq!(shell.asked(), ["0 expired processGone"]);
}

#[test]
fn an_interrupt_expires_what_waits_in_the_turn() {
    let mut shell = steady();
    shell.plan(&[command(2, "0"), of_turn("V", command(0, "1"))], &[]);
    let turn = TurnRow {
        turn_id: "U",
        turn_order: 0,
        status: TurnStatus::InProgress,
        source: None,
        has_items: true,
        same_run_as: None,
        started: true,
    };
    let requests = shell.requests.iter().zip(0..).map(|(record, at)| record.row(at)).collect();
    let loaded = Loaded { turns: vec![turn], requests, ..Loaded::default() };
    let answer = plan_turn_interrupt(&TurnInterruptCall { now_ms: 5.0, reason: None, loaded });
    let ClientAnswer::Interrupted { writes } = answer else { panic!("{answer:?}") };
    assert_eq!(
        briefs(&writes),
        [
            "thread next=None",
            "turn U interrupted by client with items to 5 error interrupted",
            "request expired turnEnded of r.1"
        ]
    );
}

#[test]
fn a_question_that_resolves_itself_says_so() {
    let mut shell = steady();
    let question = |cursor, id, ms: &str| {
        let params = format!(r#","itemId":"q","questions":[],"autoResolutionMs":{ms}"#);
        asks(cursor, id, "item/tool/requestUserInput", &params)
    };
    shell.plan(&[question(2, "0", "60000"), question(3, "1", "null")], &[]);
    shell.plan(&[], &[resolved(0, "0"), resolved(1, "1")]);
    assert_eq!(shell.asked(), ["0 expired autoResolved", "1 expired resolved"]);
}

#[test]
fn a_request_behind_its_turns_end_shows_that_an_earlier_process_is_gone() {
    let mut shell = steady();
    shell.plan(&[command(2, "0")], &[]);
    shell.plan(&[of_turn("V", turn_started(0)), of_turn("V", turn_completed(1, "completed"))], &[]);
    let later = Delta { event_id: "r.2:T:V:0:2", ..of_turn("V", command(2, "1")) };
    shell.plan(&[later], &[]);
    assert_eq!(shell.asked(), ["0 expired processGone", "1 expired turnEnded"]);
}

#[test]
fn what_is_asked_in_a_turn_that_runs_asks_for_no_turn() {
    let needs = |shell: &Shell| shell.needs(&[command(2, "0")], &[]);
    assert_eq!((needs(&steady()).turns, needs(&steady()).open_requests), (vec![], true));
    assert_eq!(needs(&Shell::new()).turns, ["U"]);
}
