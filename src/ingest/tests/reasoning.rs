//! `saveReasoningDeltas: false` keeps no reasoning, not even what is wrong with it.

use crate::ingest::call::Delta;
use crate::ingest::write::Write;
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
    assert_eq!(
        plan.writes.iter().map(brief).collect::<Vec<_>>(),
        ["head 9 count 9 weight 16384 at 0 with items", "chunk 2..9 kept 0"]
    );
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

#[test]
fn what_is_another_items_is_kept_though_it_says_the_word() {
    const SAID: &str = r#""threadId":"T","turnId":"U","text":"my reasoning is""#;
    let started = |item: &str| (r#"item/started"#, format!(r#"{{{SAID},"item":{{{item}}}}}"#));
    let completed = |item: &str| ("item/completed", format!(r#"{{{SAID},"item":{{{item}}}}}"#));
    let of = |kind, members: &str| (kind, format!("{{{SAID}{members}}}"));
    for ((kind, params), [by_default, without, raw]) in [
        (started(r#""type":"agentMessage","text":"my reasoning is""#), [true; 3]),
        (completed(r#""type":"agentMessage","text":"my reasoning is""#), [true; 3]),
        (completed(r#""type":"brandNew""#), [true; 3]),
        (completed(r#""type":"reasoning""#), [false, false, true]),
        (completed(r#""type":"reas\u006fning""#), [false, false, true]),
        (completed(r#""text":"my reasoning is""#), [false, false, true]),
        (completed(r#""type":7"#), [false, false, true]),
        (of("item/completed", r#","item":"plan""#), [false, false, true]),
        (of("item/agentMessage/delta", ""), [true; 3]),
        (of("item/commandExecution/outputDelta", ""), [true; 3]),
        (of("item/reasoning/textDelta", ""), [false, false, true]),
        (of("item/reasoning/textDelta", r#","item":{"type":"plan"}"#), [false, false, true]),
        (of("item/reasoning/summaryTextDelta", ""), [true, false, true]),
        (of("turn/completed", ""), [true; 3]),
    ] {
        let whole = event(2, kind, &params);
        let (cut, _) = whole.payload_json.rsplit_once('}').unwrap();
        let is_delta = kind.ends_with("elta") && !kind.contains("reasoning");
        let cut_kept = is_delta || !kind.starts_with("item/");
        for (is_cut, payload_json) in [(false, whole.payload_json), (true, cut)] {
            for (at, kept) in [by_default, without, raw].into_iter().enumerate() {
                let mut shell = without_reasoning();
                shell.options.save_reasoning_deltas = at != 1;
                shell.options.expose_raw_reasoning_deltas = at == 2;
                let plan = shell.plan(&[Delta { payload_json, ..whole }], &[]);
                assert_eq!(plan.errors.len(), 1, "{kind} {payload_json}");
                let summary = kind.starts_with("item/reasoning/summary") && at != 1;
                let want = if is_cut { cut_kept || at == 2 || summary } else { kept };
                assert_eq!(shell.quarantine.len(), usize::from(want), "{at} {kind} {payload_json}");
            }
        }
    }
}

#[test]
fn an_items_payload_keeps_what_was_thought_in_full_where_that_is_asked_for() {
    let item = r#"{"threadId":"T","turnId":"U","item":{"type":"reasoning","id":"r","summary":["s"],"content":["raw"]}}"#;
    let in_place = |expose| {
        let mut shell = Shell::after(&[turn_started(0)]);
        shell.options.save_reasoning_deltas = true;
        shell.options.expose_raw_reasoning_deltas = expose;
        let plan = shell.plan(&[event(1, "item/completed", item)], &[]);
        let content = plan.writes.into_iter().find_map(|write| match write {
            Write::PutMessage { content, .. } => content,
            _ => None,
        });
        content.unwrap().payload.unwrap().in_place
    };
    assert_eq!((in_place(false), in_place(true)), ("[]", ""));
}
