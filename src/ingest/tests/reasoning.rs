//! `saveReasoningDeltas: false` keeps no reasoning, not even what is wrong with it.

use crate::ingest::call::Delta;
use crate::ingest::write::{Plan, Write};
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

/// By default, without reasoning, with raw reasoning: with the options of each, and whether it keeps raw reasoning.
fn each_way(mut ask: impl FnMut(Shell, bool)) {
    for (save, expose) in [(true, false), (false, false), (false, true), (true, true)] {
        let mut shell = without_reasoning();
        shell.options.save_reasoning_deltas = save;
        shell.options.expose_raw_reasoning_deltas = expose;
        ask(shell, save && expose);
    }
}

#[test]
fn malformed_reasoning_may_be_raw_and_is_kept_only_where_that_is() {
    each_way(|mut shell, keeps_raw| {
        let plan = shell.plan(&malformed(), &[]);
        assert_eq!(plan.errors.len(), 7);
        assert_eq!(shell.quarantine.len(), if keeps_raw { 7 } else { 0 });
    });
}

#[test]
fn what_names_reasoning_is_told_from_what_says_the_word() {
    const SAID: &str = r#""threadId":"T","turnId":"U","text":"my reasoning is""#;
    let of = |kind, members: &str| (kind, format!("{{{SAID}{members}}}"));
    let item = |kind, item: &str| of(kind, &format!(r#","item":{{{item}}}"#));
    let turn = |items: &str| of("turn/completed", &format!(r#","turn":{{"id":"U","items":[{items}]}}"#));
    for ((kind, params), is_named) in [
        (item("item/started", r#""type":"agentMessage","text":"my reasoning is""#), false),
        (item("item/completed", r#""type":"brandNew""#), false),
        (item("item/completed", r#""text":"reasoning""#), true),
        (item("item/completed", r#""type":"reasoning""#), true),
        (of("item/agentMessage/delta", r#","delta":["my reasoning"," reasoning ","reasonings"]"#), false),
        (of("item/agentMessage/delta", r#","method":"item/reasoning/textDelta""#), true),
        (of("item/reasoning/textDelta", ""), true),
        (of("item/reasoning/textDelta", r#","item":{"type":"plan"}"#), true),
        (of("item/reasoning/summaryTextDelta", ""), true),
        (of("rawResponseItem/completed", r#","nested":"{\"type\":\"reasoning\"}""#), true),
        (of("thread/tokenUsage/updated", r#","reasoningOutputTokens":1"#), false),
        (turn(r#"{"type":"agentMessage","text":"my reasoning is"}"#), false),
        (turn(r#"{"type":"agentMessage"},{"type":"reasoning","content":["secret"]}"#), true),
    ] {
        let whole = event(2, kind, &params);
        let (cut, _) = whole.payload_json.rsplit_once('}').unwrap();
        for payload_json in [whole.payload_json, cut] {
            each_way(|mut shell, keeps_raw| {
                let plan = shell.plan(&[Delta { payload_json, kind, ..whole }], &[]);
                let malformed = plan.errors.len();
                assert!(
                    malformed == 1 || (!kind.contains("elta") && payload_json != cut),
                    "{kind} {payload_json}"
                );
                let kept = if is_named && !keeps_raw { 0 } else { malformed };
                assert_eq!(shell.quarantine.len(), kept, "{kind} {payload_json}");
            });
        }
    }
}

/// The payloads that the plan's chunks keep, all of them of the same event.
fn replayed(plan: &Plan, payload_json: &str) -> Vec<String> {
    let kept = plan.writes.iter().filter_map(|write| match write {
        Write::InsertChunk { kept, .. } => Some(kept),
        _ => None,
    });
    let part = |start: u32, end: u32| &payload_json[start as usize..end as usize];
    kept.flatten()
        .map(|of| format!("{}{}{}", part(of.start, of.cut_start), of.in_place, part(of.cut_end, of.end)))
        .collect()
}

#[test]
fn an_item_is_replayed_without_what_was_thought_in_full() {
    let item = |content: &str| {
        format!(
            r#"{{"threadId":"T","turnId":"U","item":{{"type":"reasoning","id":"r","summary":["s"],"content":{content}}}}}"#
        )
    };
    for method in ["item/started", "item/completed"] {
        let [whole, hidden] = [r#"["raw"]"#, "[]"].map(|content| event(2, method, &item(content)));
        each_way(|mut shell, keeps_raw| {
            let is_kept = shell.options.save_reasoning_deltas;
            let plan = shell.plan(&[whole], &[]);
            let want = if keeps_raw { whole.payload_json } else { hidden.payload_json };
            let want: Vec<&str> = [want].into_iter().filter(|_| is_kept).collect();
            assert_eq!(replayed(&plan, whole.payload_json), want, "{method}");
        });
    }
}

#[test]
fn a_turns_own_list_of_items_is_kept_without_reasoning() {
    let listing = |method: &'static str, items: &str| {
        event(
            2,
            method,
            &format!(
                r#"{{"threadId":"T","turn":{{"id":"U","status":"completed","items":[{items}],"error":null}}}}"#
            ),
        )
    };
    const THOUGHT: &str = r#"{"type":"reasoning","id":"r","content":["secret"]}"#;
    for method in ["turn/started", "turn/completed"] {
        for (items, names) in
            [("", false), (r#"{"type":"agentMessage","text":"my reasoning is"}"#, false), (THOUGHT, true)]
        {
            let whole = listing(method, items);
            each_way(|mut shell, keeps_raw| {
                let plan = shell.plan(&[whole], &[]);
                let want =
                    if names && !keeps_raw { listing(method, "").payload_json } else { whole.payload_json };
                assert_eq!(replayed(&plan, whole.payload_json), [want], "{method}");
            });
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
