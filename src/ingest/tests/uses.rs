//! Items whose ids are used again, whatever a hole held when they came: each use has its text and its place.

use crate::ingest::call::{Delta, LifecycleEvent};
use crate::ingest::write::Plan;
use crate::limits::TEXT_PART_BYTES_MAX;
use crate::testing::*;
use proptest::prelude::*;

/// Messages in their places: id, place, status, text.
fn shown(shell: &Shell) -> Vec<String> {
    let mut rows: Vec<_> = shell.messages.iter().collect();
    rows.sort_by_key(|row| row.made.order_in_turn);
    let line = |row: &&crate::testing::MessageState| {
        let (id, place) = (&row.message_id, row.made.order_in_turn);
        format!("{id} at {place} {} {:?}", row.status, shell.text_of(row))
    };
    rows.iter().map(line).collect()
}

fn begun() -> Shell {
    Shell::after(&[turn_started(0)])
}

#[test]
fn an_id_that_was_used_before_inside_a_hole_is_two_items() {
    let mut shell = begun();
    shell.writes(&[item_started(10, "x"), delta(11, "x", "second")]);
    assert_eq!(
        shell.writes(&[item_started(1, "x"), delta(2, "x", "fi"), item_completed(5, "x", "first")]),
        [
            "message x streaming open \"\" at 0.10 from 10",
            "message+ x#2 completed item \"first\" at 0.1 from 1 use 2 end 5 whole to 105",
            "head 12 count 6 weight 32768 at 0 hole 3..5 hole 6..10 open x 10:65538 folded 10/0 with items",
            "chunk 1..3 x:2..3=\"fi\" kept 1 of x",
            "chunk 5..6 kept 1 of x",
        ]
    );
    assert_eq!(shown(&shell), ["x#2 at 1 completed \"first\"", "x at 10 streaming \"second\""]);
    shell.writes(&[delta(12, "x", " use"), item_completed(13, "x", "second use")]);
    assert_eq!(shown(&shell), ["x#2 at 1 completed \"first\"", "x at 10 completed \"second use\""]);
}

#[test]
fn the_end_of_the_first_use_may_come_alone_before_or_after_the_second_began() {
    let all = [
        item_started(1, "x"),
        delta(2, "x", "one"),
        item_completed(3, "x", "first"),
        item_started(4, "x"),
        delta(5, "x", "two"),
    ];
    let want = ["at 1 completed \"first\"", "at 4 streaming \"two\""];
    for order in [[0, 1, 3, 4, 2], [3, 4, 0, 1, 2], [4, 3, 2, 1, 0], [0, 3, 1, 4, 2], [2, 0, 4, 3, 1]] {
        let mut shell = begun();
        for at in order {
            shell.writes(&[all[at]]);
        }
        let shown = shown(&shell);
        assert_eq!(shown.len(), 2, "{order:?}: {shown:?}");
        for (row, want) in shown.iter().zip(want) {
            assert!(row.ends_with(want), "{order:?}: {shown:?}");
        }
    }
}

#[test]
fn an_end_behind_the_end_of_another_use_is_a_use_of_its_own() {
    let mut shell = begun();
    shell.writes(&[item_started(1, "x"), item_completed(2, "x", "first"), item_completed(9, "x", "second")]);
    assert_eq!(shown(&shell), ["x at 1 completed \"first\"", "x#2 at 9 completed \"second\""]);
    shell.writes(&[delta(8, "x", "se")]);
    assert_eq!(shown(&shell), ["x at 1 completed \"first\"", "x#2 at 8 completed \"second\""]);
    shell.writes(&[item_started(7, "x")]);
    assert_eq!(shown(&shell), ["x at 1 completed \"first\"", "x#2 at 7 completed \"second\""]);
}

#[test]
fn text_behind_the_end_of_another_use_is_shown_at_once() {
    let mut shell = begun();
    shell.writes(&[item_started(1, "x"), item_completed(2, "x", "first"), delta(5, "x", "b")]);
    assert_eq!(shown(&shell), ["x at 1 completed \"first\"", "x#2 at 5 streaming \"b\""]);
    shell.writes(&[item_started(3, "x"), delta(4, "x", "a")]);
    assert_eq!(shown(&shell), ["x at 1 completed \"first\"", "x#2 at 3 streaming \"ab\""]);
}

#[test]
fn where_nothing_is_missing_what_follows_an_end_belongs_to_it() {
    let mut shell = begun();
    shell.writes(&[item_started(1, "x"), item_completed(2, "x", "first"), delta(3, "x", "late")]);
    shell.writes(&[item_completed(4, "x", "said again")]);
    assert_eq!(shown(&shell), ["x at 1 completed \"said again\""]);
}

#[test]
fn a_start_while_its_item_goes_on_is_a_repeat_in_any_order() {
    let all = [item_started(1, "x"), delta(2, "x", "a"), item_started(3, "x"), delta(4, "x", "b")];
    for order in [[0, 1, 2, 3], [2, 3, 0, 1], [3, 2, 1, 0], [0, 2, 3, 1]] {
        let mut shell = begun();
        for at in order {
            shell.writes(&[all[at]]);
        }
        assert_eq!(shown(&shell), ["x at 1 streaming \"ab\""], "{order:?}");
        shell.writes(&[item_completed(5, "x", "ab.")]);
        assert_eq!(shown(&shell), ["x at 1 completed \"ab.\""], "{order:?}");
    }
}

#[test]
fn of_starts_while_an_item_goes_on_behind_a_hole_the_last_one_is_remembered() {
    let message = |again: &str| format!("message x streaming open{again}");
    let begun = || {
        let mut shell = begun();
        // Behind a hole: whether the first use has ended in it nobody knows.
        shell.writes(&[item_started(10, "x")]);
        shell
    };
    let again = |shell: &mut Shell, cursor| {
        let writes = shell.writes(&[item_started(cursor, "x")]);
        writes.into_iter().find(|write| write.starts_with("message"))
    };
    for (cursors, want) in [
        ([20, 30], [Some(" again 20"), Some(" again 30")]),
        ([30, 20], [Some(" again 30"), None]),
        ([20, 20], [Some(" again 20"), None]),
    ] {
        let mut shell = begun();
        let found = cursors.map(|cursor| again(&mut shell, cursor));
        assert_eq!(found, want.map(|again| again.map(message)), "{cursors:?}");
    }
    // Where nothing is missing below, a start is a repeat.
    let mut shell = Shell::after(&[turn_started(0), item_started(1, "x")]);
    assert_eq!(again(&mut shell, 2), None);
}

#[test]
fn an_item_whose_start_fills_a_hole_behind_its_end_stands_where_it_began() {
    let mut shell = begun();
    shell.writes(&[item_completed(5, "x", "done"), item_started(6, "y")]);
    assert_eq!(
        shell.writes(&[item_started(2, "x")]),
        [
            "message x completed item at 0.2 from 2 end 5 again after 5",
            "head 7 count 4 weight 24576 at 0 hole 1..2 hole 3..5 with items",
            "chunk 2..3 kept 1 of x"
        ]
    );
    assert_eq!(shown(&shell), ["x at 2 completed \"done\"", "y at 6 streaming \"\""]);
    shell.writes(&[delta(3, "x", "do"), delta(4, "x", "ne")]);
    assert_eq!(shown(&shell), ["x at 2 completed \"done\"", "y at 6 streaming \"\""]);
}

#[test]
fn earlier_text_of_an_item_that_was_folded_is_not_hidden() {
    let mut shell = begun();
    let long = "a".repeat(TEXT_PART_BYTES_MAX);
    shell.writes(&[item_started(10, "x"), delta(11, "x", "b")]);
    shell.writes(&[delta(12, "x", &long)]);
    assert_eq!(shell.messages[0].folded, Some(13), "it is folded");
    shell.writes(&[delta(3, "x", "early ")]);
    assert_eq!(shell.text("x"), format!("early b{long}"));
    shell.writes(&[delta(13, "x", &long)]);
    shell.writes(&[delta(14, "x", &long)]);
    assert_eq!(shell.text("x"), format!("early b{long}{long}{long}"));
    shell.writes(&[delta(4, "x", "and late ")]);
    assert_eq!(shell.text("x"), format!("early and late b{long}{long}{long}"));
}

#[test]
fn earlier_text_of_a_finished_stream_whose_chunks_were_swept_is_not_hidden() {
    let mut shell = begun();
    shell.writes(&[item_started(10, "x"), delta(11, "x", "b"), turn_completed(12, "interrupted")]);
    let call_all_due = |shell: &mut Shell| {
        shell.now_ms += 600_000.0;
        shell.sweep_finished(STREAM)
    };
    call_all_due(&mut shell);
    shell.writes(&[delta(3, "x", "a")]);
    assert_eq!(shell.text("x"), "ab");
}

#[test]
fn text_of_an_item_that_a_lifecycle_event_began_is_not_hidden_by_its_fold() {
    let mut shell = begun();
    let started = r#"{"item":{"type":"agentMessage","id":"m","text":""},"threadId":"T","turnId":"U"}"#;
    shell.plan(&[], &[lifecycle(0, "item/started", Some("U"), started)]);
    let long = "a".repeat(TEXT_PART_BYTES_MAX);
    shell.writes(&[delta(5, "m", &long)]);
    shell.writes(&[delta(6, "m", "b")]);
    shell.writes(&[delta(3, "m", "early ")]);
    assert_eq!(shell.text("m"), format!("early {long}b"));
}

#[test]
fn an_item_that_grows_on_two_streams_shows_the_firsts_text_until_its_end_says_it_all() {
    let aside = |event: Delta<'static>| Delta {
        stream_id: "T:U:1",
        event_id: keep(format!("aside-{}", event.event_id)),
        ..event
    };
    let mut shell = begun();
    shell.writes(&[item_started(1, "x"), delta(2, "x", "main")]);
    shell.writes(&[aside(delta(0, "x", "aside"))]);
    assert_eq!(shown(&shell), ["x at 1 streaming \"main\""]);
    shell.writes(&[aside(item_completed(1, "x", "all of it"))]);
    assert_eq!(shown(&shell), ["x at 1 completed \"all of it\""]);
}

/// Uses of one id, one behind the other: each starts, grows and ends.
fn uses(lengths: &[usize]) -> (Vec<Delta<'static>>, Vec<String>) {
    let (mut events, mut texts) = (vec![turn_started(0)], vec![]);
    for length in lengths {
        events.push(item_started(events.len() as u64, "x"));
        let mut text = String::new();
        for _ in 0..*length {
            let word = format!("<{}>", events.len());
            events.push(delta(events.len() as u64, "x", &word));
            text.push_str(&word);
        }
        events.push(item_completed(events.len() as u64, "x", &text));
        texts.push(text);
    }
    (events, texts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// In whatever order the events of two uses come, in the end there are two items, in cursor order.
    #[test]
    fn two_uses_in_any_order_are_two_items(
        lengths in [0_usize..4, 0_usize..4],
        order in Just((0_usize..12).collect::<Vec<_>>()).prop_shuffle(),
        sizes in prop::collection::vec(1_usize..4, 12),
    ) {
        let (events, texts) = uses(&lengths);
        let mut order: Vec<usize> = order.into_iter().filter(|at| *at < events.len()).collect();
        let mut shell = Shell::new();
        for size in sizes {
            let batch: Vec<_> = order.drain(..size.min(order.len())).map(|at| events[at]).collect();
            if !batch.is_empty() {
                shell.writes(&batch);
            }
        }
        let mut rows: Vec<_> = shell.messages.iter().collect();
        rows.sort_by_key(|row| row.made.order_in_turn);
        let got: Vec<_> = rows.iter().map(|row| (row.made.order_in_turn, row.status.as_str(), shell.text_of(row))).collect();
        let starts = [1, lengths[0] as u64 + 3];
        let want: Vec<_> = starts.into_iter().zip(texts).map(|(start, text)| (start, "completed", text)).collect();
        prop_assert_eq!(got, want);
        prop_assert_eq!(&shell.heads[0].open, &vec![]);
    }
}

/// Of a batch's writes those of messages.
fn messages(plan: &Plan) -> Vec<String> {
    plan.writes.iter().map(brief).filter(|write| write.starts_with("message")).collect()
}

fn began(number: u64, turn_id: &'static str, item_id: &str) -> LifecycleEvent<'static> {
    let params = format!(
        r#"{{"threadId":"T","turnId":"{turn_id}","item":{{"type":"agentMessage","id":"{item_id}","text":""}}}}"#
    );
    lifecycle(number, "item/started", Some(turn_id), &params)
}

#[test]
fn items_beside_the_streams_stand_behind_what_their_turn_has() {
    let mut shell = Shell::after(&[turn_started(0), item_started(4, "m")]);
    shell.writes(&[of_turn("V", turn_started(0)), of_turn("V", item_started(8, "m"))]);
    let events =
        [began(0, "V", "n"), began(1, "U", "n"), began(2, "U", "o"), began(3, "V", "o"), began(4, "V", "p")];
    let plan = shell.plan(&[], &events);
    let places: Vec<_> = messages(&plan)
        .iter()
        .map(|write| write.split(" at ").nth(1).unwrap().split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(places, ["1.9", "0.5", "0.6", "1.10", "1.11"]);
}

#[test]
fn a_head_remembers_64_open_items() {
    let open = |shell: &Shell| shell.heads[0].open.len();
    let with = |count: u64| {
        let mut all = vec![turn_started(0)];
        all.extend((1..=count).map(|at| item_started(at, keep(format!("i{at}")))));
        Shell::after(&all)
    };
    for (count, want) in [(63, 63), (64, 64), (65, 64)] {
        assert_eq!(open(&with(count)), want);
    }
    for (count, want) in [(62, 63), (63, 64), (64, 64)] {
        let mut shell = with(count);
        shell.plan(&[], &[began(0, "U", "n")]);
        shell.writes(&[delta(count + 1, "n", "a")]);
        assert_eq!((open(&shell), shell.text("n").as_str()), (want, "a"), "{count}");
    }
}

#[test]
fn text_of_an_item_that_its_turns_end_closed_opens_nothing() {
    let mut shell = begun();
    shell.plan(&[], &[began(0, "U", "n")]);
    shell.writes(&[turn_completed(1, "completed")]);
    shell.writes(&[delta(2, "n", "late")]);
    assert_eq!(shell.heads[0].open, []);
    assert_eq!((shell.text("n"), shell.statuses()), ("late".into(), vec!["n completed".to_owned()]));
}

#[test]
fn what_follows_an_end_behind_a_hole_before_that_end_belongs_to_it() {
    let mut shell = begun();
    shell.writes(&[item_started(1, "x"), item_completed(5, "x", "whole")]);
    shell.writes(&[delta(6, "x", "late")]);
    assert_eq!(shown(&shell), ["x at 1 completed \"whole\""]);
}

#[test]
fn turns_of_one_batch_may_use_the_same_ids() {
    let mut shell = begun();
    let other = |event| of_turn("V", event);
    shell.writes(&[
        item_started(1, "x"),
        delta(2, "x", "mine"),
        other(turn_started(0)),
        other(delta(1, "x", "theirs")),
    ]);
    shell.writes(&[item_completed(3, "x", "mine."), other(delta(2, "x", "!"))]);
    let texts: Vec<_> = shell
        .messages
        .iter()
        .map(|row| (row.turn_id.clone(), row.message_id.clone(), shell.text_of(row)))
        .collect();
    let row = |turn_id: &str, text: &str| (turn_id.to_owned(), "x".to_owned(), text.to_owned());
    assert_eq!(texts, [row("U", "mine."), row("V", "theirs!")]);
}

#[test]
fn an_item_whose_start_fills_a_hole_was_seen_to_begin() {
    let mut shell = begun();
    let begun =
        |shell: &Shell| shell.heads[0].open.iter().map(|open| open.fold.unwrap().started).collect::<Vec<_>>();
    for (event, want) in
        [(delta(3, "x", "c"), false), (delta(2, "x", "b"), false), (item_started(1, "x"), true)]
    {
        shell.writes(&[event]);
        assert_eq!(begun(&shell), [want], "{}", event.event_id);
    }
}

#[test]
fn a_text_that_begins_elsewhere_than_was_known_is_not_folded_by_the_batch_that_says_so() {
    let large = "a".repeat(TEXT_PART_BYTES_MAX);
    let mut shell = begun();
    shell.writes(&[item_started(10, "x"), delta(11, "x", "one ")]);
    let writes =
        shell.writes(&[item_started(1, "x"), item_completed(5, "x", "first"), delta(12, "x", &large)]);
    assert!(writes.iter().all(|write| !write.starts_with("fold")), "{writes:?}");
    let texts = |shell: &Shell| shell.messages.iter().map(|row| shell.text_of(row)).collect::<Vec<_>>();
    assert_eq!(texts(&shell), [format!("one {large}"), "first".to_owned()]);
    let writes = shell.writes(&[delta(13, "x", "!")]);
    assert!(writes.iter().any(|write| write.starts_with("fold")), "{writes:?}");
    assert_eq!(texts(&shell), [format!("one {large}!"), "first".to_owned()]);
}
