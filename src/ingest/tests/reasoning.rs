//! `saveReasoningDeltas: false` keeps no reasoning, not even what is wrong with it.

use crate::ingest::call::Delta;
use crate::testing::*;

fn without_reasoning() -> Shell {
    let mut shell = Shell::after(&[turn_started(0), item_started(1, "m")]);
    shell.options.save_reasoning_deltas = false;
    shell
}

/// What is malformed and is reasoning.
fn malformed() -> Vec<Delta<'static>> {
    let names = r#""threadId":"T","turnId":"U""#;
    let raw = |cursor, kind, payload_json| Delta { payload_json, ..event(cursor, kind, "{}") };
    vec![
        event(2, "item/reasoning/textDelta", &format!(r#"{{{names},"itemId":"r","delta":["secret"]}}"#)),
        event(3, "item/reasoning/summaryTextDelta", &format!(r#"{{{names},"delta":"secret"}}"#)),
        event(4, "item/reasoning/summaryPartAdded", "null"),
        raw(5, "item/reasoning/textDelta", r#"{"secret"#),
        event(
            6,
            "item/started",
            &format!(r#"{{{names},"item":{{"type":"reasoning","content":["secret"]}}}}"#),
        ),
        event(
            7,
            "item/completed",
            &format!(r#"{{{names},"item":{{"type":"reasoning","summary":["secret"]}}}}"#),
        ),
        raw(
            8,
            "item/completed",
            r#"{"method":"item/completed","params":{"item":{"type":"reasoning","summary":["secret"#,
        ),
    ]
}

#[test]
fn malformed_reasoning_is_acknowledged_and_named_and_not_kept() {
    let mut shell = without_reasoning();
    let batch = malformed();
    let plan = shell.plan(&batch, &[]);
    assert_eq!(plan.writes.iter().map(brief).collect::<Vec<_>>(), ["head 9 count 9", "chunk 2..9 kept 0"]);
    assert!(plan.partial);
    assert_eq!(plan.acks[0].cursor_end, 9);
    let told: Vec<_> = plan.errors.iter().map(|fault| (name(&fault.error_code), fault.event)).collect();
    let want: Vec<_> = (0..7).map(|event| ("E_SYNC_MALFORMED_EVENT".to_owned(), Some(event))).collect();
    assert_eq!(told, want);
    let again = shell.plan(&batch, &[]);
    assert_eq!((again.errors, again.writes.len()), (plan.errors, 0));
}

#[test]
fn other_malformed_events_are_kept_as_they_came() {
    let mut shell = without_reasoning();
    shell.plan(
        &[event(2, "item/agentMessage/delta", r#"{"itemId":"m","delta":5}"#), event(3, "turn/started", "{}")],
        &[],
    );
    let kept: Vec<&str> = shell.quarantine.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(kept, ["e2", "e3"]);
}

#[test]
fn malformed_reasoning_is_kept_where_reasoning_is() {
    let mut shell = without_reasoning();
    shell.options.save_reasoning_deltas = true;
    shell.options.expose_raw_reasoning_deltas = true;
    shell.plan(&malformed(), &[]);
    assert_eq!(shell.quarantine.len(), 7);
}

#[test]
fn malformed_reasoning_that_may_be_raw_is_kept_only_where_raw_reasoning_is() {
    let mut shell = without_reasoning();
    shell.options.save_reasoning_deltas = true;
    let plan = shell.plan(&malformed(), &[]);
    assert_eq!(plan.errors.len(), 7);
    let kept: Vec<&str> = shell.quarantine.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(kept, ["e3", "e4"]);
    shell.plan(&[event(9, "item/agentMessage/delta", r#"{"itemId":"m","delta":5}"#)], &[]);
    assert_eq!(shell.quarantine.len(), 3);
}
