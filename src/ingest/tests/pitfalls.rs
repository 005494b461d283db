//! Cases of what goes wrong that batches bring, each with every write; those of other subjects are beside their subject.

use super::told;
use crate::client::ClientAnswer;
use crate::ingest::call::{Delta, Loaded, TurnRow};
use crate::ingest::write::{Plan, StoredPayload, TurnStatus, Write};
use crate::limits::{CHUNK_TTL_MS, TEXT_PART_BYTES_MAX};
use crate::options::Options;
use crate::pack::Unpacker;
use crate::testing::*;
use crate::turn::{TurnInterruptCall, plan_turn_interrupt};

const HOUR_MS: f64 = 3_600_000.0;

fn steady() -> Shell {
    Shell::after(&[turn_started(0), item_started(1, "m")])
}

fn briefs(plan: &Plan) -> Vec<String> {
    plan.writes.iter().map(brief).collect()
}

fn item(cursor: u64, kind: &'static str, json: &str) -> Delta<'static> {
    event(cursor, kind, &format!(r#"{{"threadId":"T","turnId":"U","item":{json}}}"#))
}

#[test]
fn the_same_batch_again_at_once_an_hour_later_and_when_its_chunks_are_gone() {
    let batch = [
        turn_started(0),
        item_started(1, "m"),
        delta(2, "m", "a"),
        item(3, "item/started", r#"{"type":"reasoning","id":"r","summary":[]}"#),
        event(4, "item/started", "{}"),
        delta(6, "m", "b"),
    ];
    for stored in [false, true] {
        let mut shell = Shell::new();
        shell.options.save_stream_deltas = stored;
        let first = shell.plan(&batch, &[]);
        assert_eq!(
            told(&first),
            (vec![7], vec!["E_SYNC_MALFORMED_EVENT".into(), "E_SYNC_REPLAY_GAP".into()])
        );
        for later in [0.0, HOUR_MS] {
            shell.now_ms += later;
            let before = shell.clone();
            let again = shell.plan(&batch, &[]);
            assert_eq!((told(&again), again.writes.len()), (told(&first), 0), "{stored} {later}");
            assert_eq!(shell, before);
            assert_eq!(shell.text("m"), "ab");
        }
        shell.writes(&[delta(5, "m", "-")]);
        shell.now_ms += CHUNK_TTL_MS;
        shell.sweep(STREAM);
        assert_eq!(shell.chunks.len(), 0);
        let before = shell.clone();
        let again = shell.plan(&batch, &[]);
        assert_eq!((told(&again).1, again.writes.len()), (vec!["E_SYNC_MALFORMED_EVENT".to_owned()], 0));
        assert_eq!(shell, before);
        assert_eq!(shell.text("m"), "a-b");
    }
}

#[test]
fn user_before_assistant_at_equal_milliseconds_and_when_the_clock_steps_back() {
    let words = r#"{"type":"userMessage","id":"u","content":[{"type":"text","text":"hi"}]}"#;
    for clocks in [[5.0, 5.0, 5.0], [9.0, 5.0, 1.0]] {
        let batch = [turn_started(0), item(1, "item/completed", words), item_completed(2, "m", "hello")];
        let mut shell = Shell::new();
        let at = |at: usize| Delta { created_at_ms: clocks[at], ..batch[at] };
        assert_eq!(
            shell.writes(&[at(2), at(1), at(0)]),
            [
                "thread+",
                "thread next=Some(1)",
                &format!("turn+ U inProgress at 0 with items from {}", clocks[0]),
                &format!(
                    "message+ u completed item \"hi\" at 0.1 from 1 end 1 whole to {} again after 1",
                    clocks[1]
                ),
                &format!(
                    "message+ m completed item \"hello\" at 0.2 from 2 end 2 whole to {} again after 2",
                    clocks[2]
                ),
                "stream+ streaming at 0",
                "head+ 3 count 3 weight 8192 at 0 with items",
                "chunk 0..3 kept 3 of u m",
            ]
        );
        let places: Vec<u64> = shell.messages.iter().map(|row| row.made.order_in_turn).collect();
        assert_eq!(places, [1, 2]);
    }
}

#[test]
fn the_settling_of_a_killed_bridge_is_behind_what_its_outbox_held() {
    let settled = r#"{"threadId":"T","synthesized":true,"turn":{"id":"U","status":"interrupted"}}"#;
    let outbox = [item_completed(2, "m", "done"), turn_completed(3, "completed")];
    let mut shell = steady();
    assert_eq!(
        shell.writes(&[outbox[0], outbox[1], event(4, "turn/completed", settled)]),
        [
            "thread next=None",
            "turn U completed by codex with items to 103",
            "message m completed item \"done\" end 2 whole to 102",
            "stream finished",
            "head 5 count 5 weight 16384 at 0 with items closed",
            "chunk 2..5 kept 3 of m",
        ]
    );
    let mut shell = steady();
    shell.writes(&outbox);
    assert_eq!(
        shell.writes(&[event(4, "turn/completed", settled)]),
        ["head 5 count 5 weight 24576 at 0 with items closed", "chunk 4..5 kept 1"],
        "in a batch of its own"
    );
}

#[test]
fn a_malformed_event_of_any_kind_is_taken_out_of_forty() {
    let bad: [(&'static str, &str, &'static str); 10] = [
        ("item/started", "{", "the payload is not JSON"),
        (
            "item/started",
            r#"{"method":"item/started","params":{"turnId":"U"}}"#,
            "the payload lacks an item with id and type",
        ),
        (
            "item/completed",
            r#"{"method":"item/completed","params":{"item":{"id":"i"}}}"#,
            "the payload lacks an item with id and type",
        ),
        (
            "item/agentMessage/delta",
            r#"{"method":"item/agentMessage/delta","params":{"itemId":"m"}}"#,
            "the payload lacks a delta that is a string",
        ),
        (
            "item/plan/delta",
            r#"{"method":"item/plan/delta","params":{"itemId":"m","delta":{}}}"#,
            "the payload lacks a delta that is a string",
        ),
        ("turn/completed", r#"{"method":"turn/completed","params":null}"#, "the payload lacks a turn"),
        (
            "turn/completed",
            r#"{"method":"turn/started","params":{"turn":{"id":"U"}}}"#,
            "the payload names another method than its kind",
        ),
        (
            "turn/completed",
            r#"{"method":"turn/completed","params":{"turn":{"id":"V","status":"failed"}}}"#,
            "the payload names another turn",
        ),
        (
            "turn/completed",
            r#"{"method":"turn/completed","params":{"threadId":"X","turn":{"id":"U","status":"failed"}}}"#,
            "the payload names another thread",
        ),
        (
            "error",
            r#"{"method":"error","params":{"willRetry":false}}"#,
            "the payload lacks an error with a message",
        ),
    ];
    for (kind, payload, reason) in bad {
        let mut batch: Vec<_> = (2..42).map(|cursor| delta(cursor, "m", "a")).collect();
        batch[20] = Delta { kind, payload_json: keep(payload), ..batch[20] };
        let mut shell = steady();
        let plan = shell.plan(&batch, &[]);
        let text = "a".repeat(39);
        assert_eq!(
            briefs(&plan),
            [
                "head 42 count 42 weight 16384 at 0 open m 1:39 folded 1/0 with items".to_owned(),
                format!("chunk 2..42 m:2..42={text:?} kept 0"),
                format!("quarantine 20: {reason} {} bytes", payload.len()),
            ]
        );
        assert_eq!(told(&plan), (vec![42], vec!["E_SYNC_MALFORMED_EVENT".into()]));
        assert_eq!((plan.partial, plan.errors[0].event), (true, Some(20)));
    }
}

#[test]
fn a_normal_turn_is_never_partial_however_it_is_cut_into_batches() {
    let words = r#"{"type":"userMessage","id":"u","content":[{"type":"text","text":"hi"}]}"#;
    let thought = |at, kind| item(at, kind, r#"{"type":"reasoning","id":"r","summary":["s"],"content":[]}"#);
    let command = |at, kind, status| {
        item(
            at,
            kind,
            &format!(r#"{{"type":"commandExecution","id":"c","command":"ls","status":"{status}"}}"#),
        )
    };
    let part = |at, kind, rest: &str| event(at, kind, &format!(r#"{{"threadId":"T","turnId":"U",{rest}}}"#));
    let usage = r#""tokenUsage":{"total":{"totalTokens":1},"last":{"totalTokens":1}}"#;
    let turn = [
        turn_started(0),
        item(1, "item/started", words),
        item(2, "item/completed", words),
        thought(3, "item/started"),
        part(4, "item/reasoning/summaryPartAdded", r#""itemId":"r","summaryIndex":0"#),
        part(5, "item/reasoning/summaryTextDelta", r#""itemId":"r","summaryIndex":0,"delta":"s""#),
        thought(6, "item/completed"),
        command(7, "item/started", "inProgress"),
        part(8, "item/commandExecution/outputDelta", r#""itemId":"c","delta":"out""#),
        command(9, "item/completed", "completed"),
        part(10, "thread/tokenUsage/updated", usage),
        item_started(11, "m"),
        delta(12, "m", "Hel"),
        delta(13, "m", "lo"),
        item_completed(14, "m", "Hello"),
        part(15, "turn/diff/updated", r#""diff":"d""#),
        turn_completed(16, "completed"),
    ];
    for size in 1..=turn.len() {
        let mut shell = Shell::new();
        for (at, batch) in turn.chunks(size).enumerate() {
            let plan = shell.plan(batch, &[]);
            assert!(!plan.partial && plan.errors.is_empty(), "batch {at} of {size}: {:?}", plan.errors);
        }
        assert_eq!(shell.statuses(), ["u completed", "r completed", "c completed", "m completed"], "{size}");
        assert_eq!((shell.turn("U").status.as_str(), shell.text("m")), ("completed", "Hello".into()));
    }
}

#[test]
fn what_is_large_is_stored_whole_in_parts_that_a_document_holds() {
    let text = "é".repeat(300_000);
    let mut shell = steady();
    let plan = shell.plan(&[item_completed(2, "m", &text)], &[]);
    assert_eq!(shell.text("m"), text);
    assert_eq!(shell.messages[0].parts.len(), text.len().div_ceil(TEXT_PART_BYTES_MAX));
    assert!(shell.messages[0].parts.iter().all(|part| part.len() <= TEXT_PART_BYTES_MAX));
    let payload = payload_of(&plan);
    let left = (payload.cut_start - payload.start) + (payload.end - payload.cut_end);
    assert!(left < 100 && payload.in_place == r#"{"$text":true}"#, "the text is kept once");

    let output = "o".repeat(1_258_291);
    let run =
        format!(r#"{{"type":"commandExecution","id":"c","command":"ls","aggregatedOutput":"{output}"}}"#);
    let other = format!(r#"{{"type":"brandNew","id":"n","data":"{}"}}"#, "d".repeat(1_122_000));
    for (cursor, json) in [(3, run), (4, other)] {
        let plan = shell.plan(&[item(cursor, "item/completed", &json)], &[]);
        let payload = payload_of(&plan);
        assert_eq!((payload.end - payload.start) as usize, json.len(), "every unit of it");
        assert_eq!((payload.cut_start, payload.cut_end), (payload.end, payload.end));
    }
    assert_eq!((shell.text("c"), shell.text("n")), ("ls".into(), String::new()));
}

fn payload_of(plan: &Plan) -> StoredPayload {
    let content = plan.writes.iter().find_map(|write| match write {
        Write::PutMessage { content, .. } => content.clone(),
        _ => None,
    });
    content.unwrap().payload.unwrap()
}

#[test]
fn words_of_two_sources_in_one_batch_and_in_two() {
    let local = |cursor, status: &str| {
        let params =
            format!(r#"{{"threadId":"T","synthesized":true,"turn":{{"id":"U","status":"{status}"}}}}"#);
        event(cursor, "turn/completed", &params)
    };
    for codex in ["completed", "interrupted", "failed"] {
        for guess in ["completed", "interrupted", "failed"] {
            for words in
                [[local(2, guess), turn_completed(3, codex)], [turn_completed(2, codex), local(3, guess)]]
            {
                for size in [1, 2] {
                    let mut shell = steady();
                    words.chunks(size).for_each(|batch| _ = shell.writes(batch));
                    let turn = shell.turn("U");
                    assert_eq!((turn.status.as_str(), turn.source.as_deref()), (codex, Some("codex")));
                    assert_eq!(shell.statuses(), [format!("m {codex}")], "its message follows");
                    let state = if codex == "completed" { "finished" } else { "aborted" };
                    assert_eq!(shell.streams[STREAM].1, state);
                }
            }
        }
    }
}

#[test]
fn an_interrupt_right_after_the_start_ends_a_turn_that_never_began() {
    let turn = TurnRow {
        turn_id: "U",
        turn_order: 0,
        status: TurnStatus::Queued,
        source: None,
        has_items: false,
        same_run_as: None,
        started: false,
    };
    let loaded = Loaded { turns: vec![turn], ..Loaded::default() };
    let answer = plan_turn_interrupt(&TurnInterruptCall { now_ms: 5.0, reason: None, loaded });
    let ClientAnswer::Interrupted { writes } = answer else { panic!("{answer:?}") };
    let briefs: Vec<_> = writes.iter().map(brief).collect();
    assert_eq!(briefs, ["thread next=None", "turn U interrupted by client to 5 error interrupted"]);
}

#[test]
fn codex_word_about_a_turn_that_a_client_interrupted_counts() {
    let mut shell = steady();
    shell.turns[0].status = "interrupted".into();
    shell.turns[0].source = Some("client".into());
    assert_eq!(
        shell.writes(&[delta(2, "m", "a"), turn_completed(3, "completed")]),
        [
            "thread next=None",
            "turn U completed by codex with items again to 103",
            "message m completed turn to 103",
            "stream finished",
            "head 4 count 4 weight 16384 at 0 with items closed",
            "chunk 2..4 m:2..3=\"a\" kept 1",
        ]
    );
}

#[test]
fn a_provider_that_repeats_ids_across_turns_has_an_item_in_each() {
    let mut shell = steady();
    shell.writes(&[delta(2, "m", "of U")]);
    let other =
        [turn_started(0), item_started(1, "m"), delta(2, "m", "of V")].map(|event| of_turn("V", event));
    assert_eq!(
        shell.writes(&other),
        [
            "thread next=Some(2)",
            "turn+ V inProgress at 1 with items from 100",
            "message+ m streaming open \"\" at 1.1 from 1 growing",
            "stream+ streaming at 1",
            "head+ 3 count 3 weight 8192 at 1 open m 1:4 folded 1/0 with items",
            "chunk 0..3 m:2..3=\"of V\" kept 2 of m",
        ]
    );
    let texts: Vec<_> = shell.messages.iter().map(|row| shell.text_of(row)).collect();
    assert_eq!(texts, ["of U", "of V"]);
}

#[test]
fn a_delay_that_is_no_time_costs_a_turn_neither_its_end_nor_its_stream() {
    let week = 7.0 * 24.0 * HOUR_MS;
    for (delay, want) in [
        (f64::NAN, 300_000.0),
        (f64::INFINITY, 300_000.0),
        (f64::NEG_INFINITY, 300_000.0),
        (-1.0, 0.0),
        (1e300, week),
        (60_000.0, 60_000.0),
    ] {
        let nan = f64::NAN;
        let mut shell = steady();
        shell.options = Options::unpack(&mut Unpacker::new("", &[nan, nan, nan, nan, nan, delay]));
        let plan = shell.plan(&[turn_completed(2, "completed")], &[]);
        assert_eq!(
            briefs(&plan),
            [
                "thread next=None",
                "turn U completed by codex with items to 102",
                "message m completed turn to 102",
                "stream finished",
                "head 3 count 3 weight 16384 at 0 with items closed",
                "chunk 2..3 kept 1",
            ],
            "{delay}"
        );
        let expiry = |write: &Write| match write {
            Write::CloseStream { expires_at, .. } => *expires_at,
            _ => None,
        };
        assert_eq!(plan.writes.iter().find_map(expiry), Some(shell.now_ms + want), "{delay}");
    }
}

#[test]
fn being_away_ends_no_turn() {
    let mut shell = steady();
    shell.now_ms += 10.0 * HOUR_MS;
    assert_eq!(
        shell.writes(&[delta(2, "m", "a")]),
        [
            "head 3 count 3 weight 16384 at 0 open m 1:1 folded 1/0 with items",
            "chunk 2..3 m:2..3=\"a\" kept 0"
        ]
    );
    assert_eq!(
        (shell.turn("U").status.as_str(), shell.statuses()),
        ("inProgress", vec!["m streaming".into()])
    );
}

#[test]
fn resume_then_fork_of_a_thread_with_finished_turns() {
    let usage = |number| {
        let params = r#"{"threadId":"T","turnId":"U","tokenUsage":{"total":{"totalTokens":9},"last":{"totalTokens":9}}}"#;
        lifecycle(number, "thread/tokenUsage/updated", Some("U"), params)
    };
    let own =
        r#"{"threadId":"T","turnId":"U","tokenUsage":{"total":{"totalTokens":5},"last":{"totalTokens":5}}}"#;
    let mut shell = steady();
    shell.writes(&[event(2, "thread/tokenUsage/updated", own), turn_completed(3, "completed")]);
    let before = (shell.newest.clone(), shell.turns.clone());
    for number in 0..2 {
        let plan = shell.plan(&[], &[usage(number)]);
        assert_eq!((briefs(&plan), plan.partial), (vec![format!("marks r:T {}", number + 1)], false));
    }
    assert_eq!((shell.newest.clone(), shell.turns.clone()), before, "resumed");
    let mut fork = Shell::new();
    fork.next_turn_order = Some(1);
    fork.turns.clone_from(&shell.turns);
    let plan = fork.plan(&[], &[usage(0)]);
    assert_eq!(
        (briefs(&plan), plan.partial, fork.turns.len()),
        (vec!["marks r:T 1".to_owned()], false, 1),
        "forked"
    );
}

#[test]
fn request_id_0_again_after_a_restart_of_the_app_server() {
    let asks = |cursor, generation| {
        let kind = "item/commandExecution/requestApproval";
        let params = r#"{"threadId":"T","turnId":"U","itemId":"c"}"#;
        Delta {
            event_id: keep(format!("r.{generation}:{STREAM}:{cursor}")),
            payload_json: keep(format!(r#"{{"method":"{kind}","id":0,"params":{params}}}"#)),
            ..event(cursor, kind, "{}")
        }
    };
    let mut shell = steady();
    shell.writes(&[asks(2, 1)]);
    assert_eq!(
        shell.writes(&[asks(3, 2)]),
        [
            "thread next=None",
            "request expired processGone of r.1",
            "request+ 0 commandExecution for \"c\" pending of r.2",
            "head 4 count 4 weight 24576 at 0 with items",
            "chunk 3..4 kept 0",
        ]
    );
    assert_eq!(shell.asked(), ["0 expired processGone", "0 pending"]);
}
