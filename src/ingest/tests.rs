//! One test a case of what goes wrong in systems of this kind, each with every write that the batch plans.

use super::call::{Delta, LifecycleEvent};
use super::write::{IngestAnswer, Plan, Write};
use crate::delta::order::Range;
use crate::testing::*;
use proptest::prelude::*;

mod again;
mod bounds;
mod ends;
mod imports;
mod pitfalls;
mod reasoning;
mod uses;

const NONE: [&str; 0] = [];

fn steady() -> Shell {
    Shell::after(&[turn_started(0), item_started(1, "m")])
}

/// What an answer tells the sender.
fn told(plan: &super::write::Plan) -> (Vec<u64>, Vec<String>) {
    let acks = plan.acks.iter().map(|ack| ack.cursor_end).collect();
    (acks, plan.errors.iter().map(|fault| name(&fault.error_code)).collect())
}

#[test]
fn a_turn_that_begins_makes_its_rows() {
    let mut shell = Shell::new();
    assert_eq!(
        shell.writes(&[turn_started(0), item_started(1, "m"), delta(2, "m", "a")]),
        [
            "thread+",
            "thread next=Some(1)",
            "turn+ U inProgress at 0 with items from 100",
            "message+ m streaming open \"\" at 0.1 from 1 growing",
            "stream+ streaming at 0",
            "head+ 3 count 3 weight 8192 at 0 open m 1:1 folded 1/0 with items",
            "chunk 0..3 m:2..3=\"a\" kept 2 of m",
        ]
    );
}

#[test]
fn a_steady_batch_inserts_one_chunk_puts_one_head_and_needs_nothing() {
    let mut shell = steady();
    let batch: Vec<_> = (2..22).map(|cursor| delta(cursor, "m", "a")).collect();
    let call = shell.call(&batch, &[]);
    assert!(matches!(super::plan::plan_ingest(&call), IngestAnswer::Plan { .. }), "needs nothing");
    let text = format!("chunk 2..22 m:2..22={:?} kept 0", "a".repeat(20));
    assert_eq!(
        shell.writes(&batch),
        ["head 22 count 22 weight 16384 at 0 open m 1:20 folded 1/0 with items", &text]
    );
}

#[test]
fn the_same_batch_again_changes_nothing_and_is_told_the_same() {
    let batch = [turn_started(0), item_started(1, "m"), delta(2, "m", "a"), event(3, "item/started", "{}")];
    let mut shell = Shell::new();
    let first = shell.plan(&batch, &[]);
    let before = shell.clone();
    let second = shell.plan(&batch, &[]);
    assert_eq!(told(&second), told(&first));
    assert_eq!(told(&first), (vec![4], vec!["E_SYNC_MALFORMED_EVENT".into()]));
    assert_eq!(shell, before);
    assert_eq!(second.writes, []);
}

#[test]
fn an_overlapping_resend_skips_what_is_there() {
    let all: Vec<_> = (2..9).map(|cursor| delta(cursor, "m", &cursor.to_string())).collect();
    let mut shell = steady();
    shell.writes(&all[..5]);
    assert_eq!(
        shell.writes(&all[2..]),
        [
            "head 9 count 9 weight 24576 at 0 open m 1:7 folded 1/0 with items",
            "chunk 7..9 m:7..9=\"78\" kept 0"
        ]
    );
    assert_eq!(shell.text("m"), "2345678");
    let other = Delta { event_id: "other", ..all[3] };
    assert_eq!(shell.rejection(&[other, all[6]]), "E_SYNC_OUT_OF_ORDER");
    let straddling = Delta { event_id: "wide", cursor_end: 10.0, ..all[6] };
    assert_eq!(shell.rejection(&[straddling]), "E_SYNC_OUT_OF_ORDER");
}

#[test]
fn a_batch_that_arrives_before_the_one_before_it_leaves_a_hole_that_is_filled() {
    let mut shell = steady();
    let plan = shell.plan(&[delta(4, "m", "c"), delta(5, "m", "d")], &[]);
    assert_eq!(told(&plan), (vec![6], vec!["E_SYNC_REPLAY_GAP".into()]));
    assert!(plan.partial);
    let plan = shell.plan(&[delta(2, "m", "a"), delta(3, "m", "b")], &[]);
    assert_eq!(told(&plan), (vec![4], vec![]));
    assert_eq!(
        plan.writes.iter().map(brief).collect::<Vec<_>>(),
        [
            "head 6 count 6 weight 24576 at 0 open m 1:4 folded 1/0 with items",
            "chunk 2..4 m:2..4=\"ab\" kept 0"
        ]
    );
    assert_eq!(shell.text("m"), "abcd");
}

#[test]
fn the_same_event_twice_in_a_batch_is_one() {
    let mut shell = steady();
    let twice = delta(2, "m", "a");
    assert_eq!(
        shell.writes(&[twice, twice]),
        [
            "head 3 count 3 weight 16384 at 0 open m 1:1 folded 1/0 with items",
            "chunk 2..3 m:2..3=\"a\" kept 0"
        ]
    );
    let moved = Delta { cursor_start: 5.0, cursor_end: 6.0, ..delta(4, "m", "b") };
    assert_eq!(shell.rejection(&[delta(4, "m", "b"), moved]), "E_SYNC_DUP_EVENT_IN_BATCH");
}

#[test]
fn a_clock_that_steps_back_orders_nothing() {
    let mut shell = steady();
    let late = |cursor: u64, text, at| Delta { created_at_ms: at, ..delta(cursor, "m", text) };
    shell.writes(&[late(3, "b", 1.0), late(2, "a", 99.0), late(4, "c", f64::NAN)]);
    assert_eq!(shell.text("m"), "abc");
}

#[test]
fn a_time_that_is_none_is_the_servers() {
    for bad in [f64::NAN, f64::INFINITY] {
        let plan = Shell::new().plan(&[Delta { created_at_ms: bad, ..turn_started(0) }], &[]);
        let turn = plan.writes.iter().find_map(|write| match write {
            Write::PutTurn { started_at, .. } => *started_at,
            _ => None,
        });
        assert_eq!(turn, Some(1_000.0));
    }
}

#[test]
fn an_item_that_starts_again_is_a_repeat_below_its_end_and_another_one_above() {
    let mut shell = steady();
    shell.writes(&[item_completed(2, "m", "done")]);
    let again = Delta { event_id: "again", ..item_started(1, "m") };
    assert_eq!(shell.rejection(&[again]), "E_SYNC_OUT_OF_ORDER");
    assert_eq!(shell.plan(&[item_started(1, "m")], &[]).writes, vec![]);
    assert_eq!(
        shell.writes(&[item_started(3, "m"), delta(4, "m", "x")]),
        [
            "message+ m#2 streaming open \"\" at 0.3 from 3 use 2 growing",
            "head 5 count 5 weight 24576 at 0 open m#2 3:1 folded 3/16384 with items",
            "chunk 3..5 m#2:4..5=\"x\" kept 1 of m"
        ]
    );
    assert_eq!((shell.text("m"), shell.text("m#2")), ("done".into(), "x".into()));
}

#[test]
fn an_item_that_is_named_as_the_second_use_of_another_has_a_text_of_its_own() {
    let mut shell = steady();
    shell.writes(&[item_completed(2, "m", "done"), item_started(3, "m"), item_started(4, "m#2")]);
    shell.writes(&[delta(5, "m", "second"), delta(6, "m#2", "other")]);
    assert_eq!((shell.text("m#2"), shell.text("m#2#1")), ("second".into(), "other".into()));
}

#[test]
fn an_item_that_a_lifecycle_event_began_grows_from_the_first_stream_that_has_text_of_it() {
    let mut shell = Shell::after(&[turn_started(0)]);
    let started = r#"{"item":{"type":"agentMessage","id":"m","text":""},"threadId":"T","turnId":"U"}"#;
    shell.plan(&[], &[lifecycle(0, "item/started", Some("U"), started)]);
    assert_eq!(
        shell.writes(&[delta(1, "m", "a"), delta(2, "m", "b")]),
        [
            "message m streaming open joins 1",
            "head 3 count 3 weight 16384 at 0 open m 1:65538 folded 1/0 with items",
            "chunk 1..3 m:1..3=\"ab\" kept 0"
        ]
    );
    assert_eq!(shell.text("m"), "ab");
    assert_eq!(
        shell.writes(&[delta(3, "m", "c")]),
        [
            "head 4 count 4 weight 24576 at 0 open m 1:3 folded 1/0 with items",
            "chunk 3..4 m:3..4=\"c\" kept 0"
        ],
        "the head did not know how much is behind its fold, and looks once"
    );
    assert_eq!(
        shell.writes(&[delta(4, "m", "d")]),
        [
            "head 5 count 5 weight 32768 at 0 open m 1:4 folded 1/0 with items",
            "chunk 4..5 m:4..5=\"d\" kept 0"
        ]
    );
    assert_eq!(shell.text("m"), "abcd");
}

#[test]
fn cursors_of_another_stream_say_nothing_of_when_an_item_began() {
    let other = |event: Delta<'static>| Delta {
        stream_id: "T:U:1",
        event_id: keep(format!("o-{}", event.event_id)),
        ..event
    };
    let mut shell = steady();
    shell.writes(&[delta(2, "m", "a"), item_completed(3, "m", "done")]);
    shell.writes(&[other(delta(0, "z", "z")), other(item_started(8, "m"))]);
    assert_eq!(shell.statuses(), ["m completed", "z streaming"], "a repeat: no second use of the id");
    shell.writes(&[other(item_completed(9, "m", "late"))]);
    assert_eq!(
        (shell.text("m"), shell.statuses()),
        ("late".into(), vec!["m completed".into(), "z streaming".into()])
    );
}

#[test]
fn one_malformed_event_of_forty_is_taken_out() {
    let shell = steady();
    let mut batch: Vec<_> = (2..42).map(|cursor| delta(cursor, "m", "a")).collect();
    for payload in [
        "{",
        r#"{"method":"item/agentMessage/delta","params":{"itemId":"m","delta":1}}"#,
        r#"{"method":"item/agentMessage/delta","params":null}"#,
        r#"{"method":"item/agentMessage/delta","params":{"itemId":"m"}}"#,
        r#"{"method":"turn/started","params":{"itemId":"m","delta":"a"}}"#,
        r#"{"method":"item/agentMessage/delta","params":{"itemId":"m","delta":"a","turnId":"V"}}"#,
        r#"{"method":"item/agentMessage/delta","params":{"itemId":"m","delta":"a","threadId":"X"}}"#,
    ] {
        batch[7].payload_json = payload;
        let mut shell = shell.clone();
        let plan = shell.plan(&batch, &[]);
        assert!(plan.partial, "{payload}");
        assert_eq!(told(&plan), (vec![42], vec!["E_SYNC_MALFORMED_EVENT".into()]), "{payload}");
        assert_eq!(plan.errors[0].event, Some(7));
        assert_eq!(shell.text("m"), "a".repeat(39), "{payload}");
        assert_eq!(shell.quarantine, [("e9".into(), payload.len() as u64)]);
    }
}

#[test]
fn a_batch_that_is_rejected_at_its_last_event_writes_nothing() {
    let bad =
        Delta { event_id: "x", stream_id: "T:V:0", cursor_start: 1.0, cursor_end: 1.0, ..delta(9, "m", "") };
    assert_eq!(steady().rejection(&[delta(2, "m", "a"), bad]), "E_SYNC_INVALID_CURSOR_RANGE");
}

#[test]
fn cursors_that_are_no_range_are_refused_and_the_stream_goes_on() {
    let mut shell = steady();
    let beyond = 9_007_199_254_740_992.0;
    for (start, end) in [
        (f64::NAN, 3.0),
        (2.0, f64::INFINITY),
        (-1.0, 3.0),
        (0.5, 3.0),
        (2.0, beyond),
        (3.0, 3.0),
        (3.0, 2.0),
    ] {
        let bad = Delta { cursor_start: start, cursor_end: end, ..delta(2, "m", "a") };
        assert_eq!(shell.rejection(&[bad]), "E_SYNC_INVALID_CURSOR_RANGE", "{start}..{end}");
    }
    assert_eq!(
        shell.writes(&[delta(2, "m", "a")]),
        [
            "head 3 count 3 weight 16384 at 0 open m 1:1 folded 1/0 with items",
            "chunk 2..3 m:2..3=\"a\" kept 0"
        ]
    );
}

#[test]
fn an_error_that_is_tried_again_is_a_warning() {
    let mut shell = steady();
    let params = r#"{"threadId":"T","turnId":"U","willRetry":true,"error":{"message":"busy"}}"#;
    assert_eq!(
        shell.writes(&[event(2, "error", params)]),
        [
            "turn U inProgress with items warning busy",
            "head 3 count 3 weight 16384 at 0 with items",
            "chunk 2..3 kept 1"
        ]
    );
    assert_eq!(shell.turn("U").warning.as_deref(), Some("busy"));
    shell.writes(&[item_completed(3, "m", "done"), turn_completed(4, "completed")]);
    assert_eq!(
        (shell.turn("U").status.as_str(), shell.statuses()),
        ("completed", vec!["m completed".to_owned()])
    );
}

#[test]
fn the_ends_of_a_turn_only_rise_in_one_batch_and_in_two() {
    for (first, second, want) in [
        ("completed", "failed", "failed"),
        ("failed", "completed", "failed"),
        ("interrupted", "completed", "interrupted"),
        ("completed", "interrupted", "interrupted"),
        ("failed", "interrupted", "failed"),
        ("completed", "completed", "completed"),
    ] {
        let (one, two) = (turn_completed(2, first), turn_completed(3, second));
        let mut together = steady();
        together.writes(&[one, two]);
        let mut apart = steady();
        apart.writes(&[one]);
        apart.writes(&[two]);
        for shell in [together, apart] {
            assert_eq!(shell.turn("U").status, want, "{first}, {second}");
            assert_eq!(shell.statuses(), [format!("m {want}")], "its message follows");
            let state = if want == "completed" { "finished" } else { "aborted" };
            assert_eq!(shell.streams[STREAM].1, state, "{first}, {second}");
        }
    }
}

#[test]
fn codex_replaces_the_bridges_guess() {
    let guess = r#"{"threadId":"T","synthesized":true,"turn":{"id":"U","status":"interrupted"}}"#;
    let mut shell = steady();
    assert_eq!(
        shell.writes(&[event(2, "turn/completed", guess)]),
        [
            "thread next=None",
            "turn U interrupted by local with items to 102",
            "message m interrupted turn to 102",
            "stream aborted",
            "head 3 count 3 weight 16384 at 0 with items closed",
            "chunk 2..3 kept 1",
        ]
    );
    assert_eq!(
        shell.writes(&[turn_completed(3, "completed")]),
        [
            "thread next=None",
            "turn U completed by codex with items again to 103",
            "message m completed turn to 103",
            "stream finished",
            "head 4 count 4 weight 24576 at 0 with items closed",
            "chunk 3..4 kept 1",
        ]
    );
}

#[test]
fn a_turn_that_ends_closes_its_messages_and_late_output_still_lands() {
    let mut shell = steady();
    shell.writes(&[delta(2, "m", "a"), turn_completed(3, "completed")]);
    assert_eq!(shell.statuses(), ["m completed"]);
    assert_eq!(
        shell.writes(&[delta(4, "m", "b")]),
        ["head 5 count 5 weight 24576 at 0 with items closed", "chunk 4..5 m:4..5=\"b\" kept 0"]
    );
    assert_eq!(shell.text("m"), "ab");
    assert_eq!(
        shell.writes(&[item_completed(5, "m", "abc")]),
        [
            "message m completed item \"abc\" end 5 whole to 105",
            "head 6 count 6 weight 32768 at 0 with items closed",
            "chunk 5..6 kept 1 of m"
        ]
    );
    assert_eq!(shell.turn("U").status, "completed");
}

#[test]
fn a_delta_of_an_unknown_item_makes_it() {
    let mut shell = Shell::new();
    assert_eq!(
        shell.writes(&[delta(0, "m", "a")]),
        [
            "thread+",
            "thread next=Some(1)",
            "turn+ U inProgress at 0 with items from 100",
            "message+ m streaming open \"\" at 0.0 from 0 growing",
            "stream+ streaming at 0",
            "head+ 1 count 1 weight 8192 at 0 open m 0:1 folded 0/0 unseen with items",
            "chunk 0..1 m:0..1=\"a\" kept 0",
        ]
    );
}

#[test]
fn a_surrogate_pair_that_is_split_is_joined() {
    let halves = [delta(2, "m", r"a\ud83d"), delta(3, "m", r"\ude00b"), delta(4, "m", r"\ud83d")];
    let mut shell = steady();
    shell.writes(&halves);
    assert_eq!(shell.text("m"), "a😀b\u{fffd}", "in one batch");
    let mut shell = steady();
    for half in halves {
        shell.writes(&[half]);
    }
    assert_eq!(shell.text("m"), "a😀b\u{fffd}", "in three");
}

#[test]
fn a_review_has_two_turn_ids_for_one_run() {
    let mut shell = Shell::new();
    shell.writes(&[of_turn("R", turn_started(0)), of_turn("V", item_started(0, "v"))]);
    shell.writes(&[turn_started(0), item_started(1, "m"), turn_completed(2, "completed")]);
    assert_eq!(shell.turn("R").same_run_as.as_deref(), Some("U"));
    assert_eq!(
        (shell.turn("R").status.as_str(), shell.streams["T:R:0"].1.as_str()),
        ("completed", "finished")
    );
    assert_eq!(shell.turn("V").status, "inProgress", "it has an item of its own");
    shell.writes(&[of_turn("R", item_started(1, "n"))]);
    assert_eq!(
        (shell.turn("R").same_run_as.as_deref(), shell.turn("R").status.as_str()),
        (None, "inProgress")
    );
}

#[test]
fn the_streams_of_a_turn_that_is_one_again_go_on() {
    let mut shell = Shell::new();
    shell.writes(&[of_turn("R", turn_started(0))]);
    let aside = |event: Delta<'static>| Delta { stream_id: "T:R:1", ..of_turn("R", event) };
    shell.writes(&[Delta { event_id: "aside", ..aside(turn_started(0)) }]);
    shell.writes(&[turn_started(0), item_started(1, "m"), turn_completed(2, "completed")]);
    let states = |shell: &Shell| ["T:R:0", "T:R:1"].map(|stream| shell.streams[stream].1.clone());
    assert_eq!(states(&shell), ["finished", "finished"]);
    shell.writes(&[of_turn("R", item_started(1, "n"))]);
    assert_eq!(states(&shell), ["streaming", "streaming"]);
    assert!(shell.heads.iter().all(|head| head.closed == (head.turn_id == "U")));
}

#[test]
fn a_stream_that_begins_after_its_turns_end_is_no_live_one() {
    let mut shell = steady();
    shell.writes(&[turn_completed(2, "completed")]);
    let unknown = event(0, "thread/brandNew", r#"{"threadId":"T"}"#);
    let late = Delta { event_id: "late", stream_id: "T:U:1", ..unknown };
    assert_eq!(
        shell.writes(&[late]),
        ["stream+ finished", "head+ 1 count 1 weight 8192 closed", "chunk 0..1 kept 0"]
    );
}

#[test]
fn a_command_whose_start_fills_a_hole_says_its_line() {
    let item = r#"{"threadId":"T","turnId":"U","item":{"type":"commandExecution","id":"c","command":"ls"}}"#;
    let output = r#"{"threadId":"T","turnId":"U","itemId":"c","delta":"out"}"#;
    let mut shell = steady();
    shell.writes(&[event(3, "item/commandExecution/outputDelta", output)]);
    assert_eq!(shell.text("c"), "");
    shell.writes(&[event(2, "item/started", item)]);
    assert_eq!(shell.text("c"), "ls");
}

#[test]
fn no_reasoning_is_kept_where_none_is_wanted() {
    let mut shell = steady();
    shell.options.save_reasoning_deltas = false;
    let item = r#"{"threadId":"T","turnId":"U","item":{"type":"reasoning","id":"r","summary":["s"],"content":["c"]}}"#;
    let text = r#"{"threadId":"T","turnId":"U","itemId":"r","summaryIndex":0,"delta":"s"}"#;
    let batch = [
        event(2, "item/started", item),
        event(3, "item/reasoning/summaryTextDelta", text),
        event(4, "item/reasoning/textDelta", text),
        event(5, "item/completed", item),
    ];
    assert_eq!(shell.writes(&batch), ["head 6 count 6 weight 16384 at 0 with items", "chunk 2..6 kept 0"]);
}

#[test]
fn ids_are_any_text() {
    for id in ["a:b", "a/b", "é😀", "x y", &"k".repeat(500)] {
        let stream = keep(format!("T:{id}:0"));
        let of = |event: Delta<'static>| Delta { stream_id: stream, ..of_turn(id, event) };
        let mut shell = Shell::new();
        shell.writes(&[of(turn_started(0)), of(item_started(1, id)), of(delta(2, id, "a"))]);
        shell.writes(&[of(delta(3, id, "b")), of(turn_completed(4, "completed"))]);
        assert_eq!((shell.text(id), shell.turn(id).status.as_str()), ("ab".into(), "completed"));
    }
    let mut shell =
        Shell::after(&[turn_started(0), item_started(1, r#"q\"\u0041"#), delta(2, r#"q\"A"#, "a")]);
    assert_eq!(shell.text("q\"A"), "a", "an escape is the letter that it means");
    shell.writes(&[delta(3, r#"q\"A"#, "b")]);
}

#[test]
fn an_id_of_another_form_is_remembered_for_longer_than_an_outbox_keeps_it() {
    let mut shell = Shell::new();
    let named = LifecycleEvent { event_id: "foreign", ..lifecycle(0, "thread/name/updated", None, "{}") };
    let plan = shell.plan(&[], &[named]);
    let until = |write: &Write| match write {
        Write::InsertLifecycleId { expires_at, .. } => Some(*expires_at),
        _ => None,
    };
    assert_eq!(plan.writes.iter().find_map(until), Some(shell.now_ms + 15.0 * 86_400_000.0));
}

#[test]
fn of_malformed_events_that_share_an_id_one_is_kept() {
    let malformed = event(1, "item/started", "{}");
    let beside = Delta { stream_id: "T:U:1", cursor_start: 0.0, cursor_end: 1.0, ..malformed };
    let of_thread =
        LifecycleEvent { event_id: malformed.event_id, ..lifecycle(0, "item/started", Some("U"), "{}") };
    let kept =
        |plan: &Plan| plan.writes.iter().filter(|write| matches!(write, Write::Quarantine { .. })).count();
    let mut shell = Shell::after(&[turn_started(0)]);
    assert_eq!(kept(&shell.plan(&[malformed], &[of_thread])), 1, "in one batch");
    let later = shell.plan(&[beside], &[]);
    assert_eq!(
        (kept(&later), told(&later).1),
        (0, vec!["E_SYNC_MALFORMED_EVENT".to_owned()]),
        "in a later one"
    );
}

#[test]
fn a_batch_holds_4096_events() {
    let mut shell = steady();
    let batch: Vec<_> = (2..4_099).map(|cursor| delta(cursor, "m", "a")).collect();
    assert_eq!(shell.rejection(&batch), "E_SYNC_BATCH_TOO_LARGE");
    let mut backwards = batch[..4_096].to_vec();
    backwards.reverse();
    let writes = shell.writes(&backwards);
    assert_eq!(writes.len(), 9, "the head and a chunk for every 512 events");
    assert_eq!(shell.text("m"), "a".repeat(4_096));
    assert_eq!(Shell::new().rejection(&[]), "E_SYNC_EMPTY_BATCH");
}

#[test]
fn a_batch_holds_64_streams() {
    let batch: Vec<_> = (0..65).map(|turn| of_turn(&format!("U{turn}"), turn_started(0))).collect();
    assert_eq!(Shell::new().rejection(&batch), "E_SYNC_BATCH_TOO_LARGE");
    assert_eq!(Shell::new().plan(&batch[..64], &[]).acks.len(), 64);
}

#[test]
fn a_stream_of_another_thread_or_turn_is_refused() {
    let mut shell = steady();
    let other_turn =
        Delta { turn_id: "V", payload_json: r#"{"method":"x","params":{}}"#, kind: "x", ..delta(2, "m", "") };
    assert_eq!(shell.rejection(&[other_turn]), "E_SYNC_STREAM_FORBIDDEN");
    let batch = [delta(2, "m", "a")];
    let mut call = shell.call(&batch, &[]);
    call.heads[0].thread_id = "X";
    let IngestAnswer::Rejected { fault } = super::plan::plan_ingest(&call) else { panic!() };
    assert_eq!(name(&fault.error_code), "E_SYNC_STREAM_FORBIDDEN");
}

#[test]
fn no_thread_is_made_of_events_that_name_another() {
    let events = [turn_started(0), item_started(1, "m"), delta(2, "m", "a")];
    let strange = Shell { thread_id: "in Convex", ..Shell::new() };
    for batch in [&events[..], &events[2..]] {
        assert_eq!(strange.clone().rejection(batch), "E_AUTH_THREAD_FORBIDDEN");
    }
    // What else is wrong with one says nothing of the thread's name.
    assert_eq!(Shell::new().plan(&[event(0, "item/started", "{}")], &[]).errors.len(), 1);
    assert_eq!(Shell::resolved().plan(&events, &[]).errors, []);
}

#[test]
fn a_lifecycle_event_has_its_effect_once() {
    let mut shell = steady();
    let events = [
        lifecycle(0, "thread/name/updated", None, r#"{"threadId":"T","threadName":"n"}"#),
        lifecycle(1, "hook/completed", Some("old"), r#"{"threadId":"T","turnId":"old"}"#),
    ];
    let writes: Vec<_> = shell.plan(&[], &events).writes.iter().map(brief).collect();
    assert_eq!(writes, ["thread next=None name=\"n\"", "marks r:T 2"], "and no turn is made");
    assert_eq!(shell.plan(&[], &events).writes, vec![]);
    let foreign = super::call::LifecycleEvent { event_id: "abc", ..events[0] };
    let writes: Vec<_> = shell.plan(&[], &[foreign, foreign]).writes.iter().map(brief).collect();
    assert_eq!(writes, ["thread next=None name=\"n\"", "lifecycle id+ 0"]);
    assert_eq!(shell.plan(&[], &[foreign]).writes, vec![]);
    assert_eq!(shell.writes(&[turn_started(0)]), NONE);
}

#[test]
fn a_thread_that_has_a_name_of_the_apps_takes_the_bridges_ids_as_any_other_does() {
    let mut shell = Shell::resolved();
    // What comes later lies before.
    shell.plan(&[turn_started(0), item_started(2, "b"), item_started(1, "a")], &[]);
    let places = |shell: &Shell| -> Vec<_> {
        shell.messages.iter().map(|row| (row.item_id.clone(), row.made.order_in_turn)).collect()
    };
    assert_eq!(places(&shell), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    shell.plan(&[item_started(5, "d")], &[]);
    shell.plan(&[item_started(3, "c")], &[]);
    assert_eq!(places(&shell)[2..], [("d".to_owned(), 5), ("c".to_owned(), 3)]);
    let named = |number, name: &str| {
        let params = format!(r#"{{"threadId":"T","threadName":"{name}"}}"#);
        lifecycle(number, "thread/name/updated", None, &params)
    };
    let writes =
        |shell: &mut Shell, event| -> Vec<_> { shell.plan(&[], &[event]).writes.iter().map(brief).collect() };
    assert_eq!(writes(&mut shell, named(0, "old")), ["thread next=None name=\"old\"", "marks r:T 1"]);
    assert_eq!(writes(&mut shell, named(1, "new")), ["thread next=None name=\"new\"", "marks r:T 2"]);
    assert_eq!(writes(&mut shell, named(0, "old")), NONE);
    // By Convex's id nobody numbers it: such an id is remembered by itself.
    let foreign = super::call::LifecycleEvent { event_id: "r:in Convex:L0", ..named(0, "x") };
    assert_eq!(writes(&mut shell, foreign), ["thread next=None name=\"x\"", "lifecycle id+ 0"]);
    let asked = r#"{"threadId":"T"}"#;
    let kind = "item/tool/requestUserInput";
    let payload_json = keep(format!(r#"{{"method":"{kind}","id":7,"params":{asked}}}"#));
    shell.plan(&[], &[super::call::LifecycleEvent { payload_json, ..lifecycle(2, kind, None, asked) }]);
    assert_eq!(shell.requests[0].runtime_id.as_deref(), Some("r"));
}

#[test]
fn a_turns_streams_are_its_own_by_whichever_name_of_the_thread() {
    // Codex's name was not known when the turn began, or is another by now.
    for name in ["T", "in Convex", "of before", "a:b"] {
        let on = |suffix: &str, event: Delta<'static>| Delta {
            stream_id: keep(format!("{name}:U:{suffix}")),
            ..event
        };
        let mut shell = Shell::resolved();
        shell.plan(&[on("0", turn_started(0)), on("0", item_started(7, "m"))], &[]);
        shell.plan(&[on("import", item_completed(0, "m", "of before"))], &[]);
        assert_eq!(
            (shell.messages[0].made.order_in_turn, shell.statuses()),
            (7, vec!["m streaming".to_owned()])
        );
        shell.plan(&[on("1", item_started(3, "n"))], &[]);
        assert_eq!(shell.messages[1].made.order_in_turn, 8, "the turn's second stream orders nothing");
    }
}

/// An event of the random history: which item, and what happens to it.
fn history() -> impl Strategy<Value = Vec<Delta<'static>>> {
    let step = (0_u8..3, 0_u8..8);
    prop::collection::vec(step, 1..30).prop_map(|steps| {
        let mut events = vec![turn_started(0)];
        for (item, what) in steps {
            let cursor = events.len() as u64;
            let id = ["a", "b", "c"][usize::from(item)];
            events.push(match what {
                0 => turn_completed(cursor, "completed"),
                1 => turn_completed(cursor, "failed"),
                2 => event(cursor, "item/completed", "{}"),
                3 => delta(cursor, id, r"\ud83d"),
                4 => delta(cursor, id, r"\ude00"),
                _ => delta(cursor, id, &format!("<{cursor}>")),
            });
        }
        events
    })
}

/// The same, from the whole history in cursor order: texts by item, and the turn's status.
fn naive(events: &[Delta<'static>]) -> (Vec<(String, String)>, &'static str) {
    let mut units: Vec<(String, Vec<u16>)> = Vec::new();
    let mut status = "inProgress";
    for event in events {
        let json = crate::event::json::Json::parse(event.payload_json).unwrap();
        let params = json.get("params").unwrap();
        if event.kind == "turn/completed" && status != "failed" {
            status = if event.payload_json.contains("failed") { "failed" } else { "completed" };
        }
        let Some(item) = params.string("itemId").map(|id| id.to_whole()) else { continue };
        let text = params.string("delta").unwrap().decode();
        let at = units.iter().position(|(id, _)| *id == item).unwrap_or_else(|| {
            units.push((item, vec![]));
            units.len() - 1
        });
        units[at].1.extend(text.leading_low);
        units[at].1.extend(text.utf8.encode_utf16());
        units[at].1.extend(text.trailing_high);
    }
    (units.into_iter().map(|(id, units)| (id, String::from_utf16_lossy(&units))).collect(), status)
}

proptest! {
    /// Batches are lost, doubled, swapped and overlap; in the end everything is sent once more.
    #[test]
    fn what_is_read_in_the_end_is_the_history(
        events in history(),
        batches in prop::collection::vec((0_usize..30, 1_usize..8, any::<bool>()), 0..12),
    ) {
        let mut shell = Shell::new();
        let rest = (0..events.len()).step_by(4).map(|from| (from, 4, true));
        for (from, count, doubled) in batches.into_iter().chain(rest) {
            let from = from % events.len();
            let batch = &events[from..(from + count).min(events.len())];
            let plan = shell.plan(batch, &[]);
            prop_assert_eq!(plan.acks.iter().map(|ack| ack.cursor_end).collect::<Vec<_>>(), vec![(from + batch.len()) as u64]);
            for event in batch {
                let range = Range { start: event.cursor_start as u64, end: event.cursor_end as u64 };
                let held = shell.chunks.iter().flat_map(|chunk| &chunk.places).filter(|place| place.0 == range).count();
                prop_assert_eq!(held, 1, "what is acknowledged is stored, once");
            }
            if doubled {
                let before = shell.clone();
                let again = shell.plan(batch, &[]);
                prop_assert_eq!(told(&again), told(&plan));
                prop_assert_eq!(&shell, &before);
            }
        }
        let (texts, status) = naive(&events);
        for (item, text) in texts {
            prop_assert_eq!(shell.text(&item), text);
        }
        prop_assert_eq!(&shell.turn("U").status, status);
        prop_assert!(shell.heads[0].holes.is_empty());
        for message in &shell.messages {
            let want = if status == "inProgress" { "streaming" } else { status };
            prop_assert_eq!(&message.status, want);
        }
    }
}

#[test]
fn what_names_no_turn_beside_the_streams_is_of_none() {
    for (kind, params) in [
        ("turn/started", r#"{"threadId":"T","turn":{"id":"U","status":"inProgress"}}"#),
        ("turn/completed", r#"{"threadId":"T","turn":{"id":"U","status":"completed"}}"#),
        ("error", r#"{"threadId":"T","willRetry":true,"error":{"message":"busy"}}"#),
        ("item/started", r#"{"threadId":"T","item":{"type":"agentMessage","id":"i","text":""}}"#),
        ("item/agentMessage/delta", r#"{"threadId":"T","itemId":"i","delta":"a"}"#),
    ] {
        let shell = Shell::after(&[turn_started(0)]);
        let event = [lifecycle(0, kind, None, params)];
        let needs = shell.needs(&[], &event);
        assert_eq!((needs.turns, needs.items, needs.closing), (vec![], vec![], vec![]), "{kind}");
        let plan = shell.clone().plan(&[], &event);
        assert_eq!(plan.writes.iter().map(brief).collect::<Vec<_>>(), ["marks r:T 1"], "{kind}");
    }
}
