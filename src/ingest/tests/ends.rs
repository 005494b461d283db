//! What the end of a turn closes, in its own turn and in others.

use crate::ingest::call::Delta;
use crate::ingest::write::Write;
use crate::limits::{CLOSING_MESSAGES_MAX, TURN_STREAMS_MAX};
use crate::testing::*;

fn aside(stream_id: &'static str, event: Delta<'static>) -> Delta<'static> {
    Delta { stream_id, event_id: keep(format!("{stream_id}-{}", event.event_id)), ..event }
}

fn briefs(writes: &[Write]) -> Vec<String> {
    writes.iter().map(brief).collect()
}

#[test]
fn a_main_stream_that_begins_last_takes_the_other_streams_of_its_turn_along() {
    let mut shell = Shell::new();
    shell.writes(&[aside("T:R:1", of_turn("R", turn_started(0)))]);
    shell.writes(&[turn_started(0), item_started(1, "m"), turn_completed(2, "completed")]);
    assert_eq!(shell.turn("R").same_run_as.as_deref(), Some("U"));
    assert_eq!(shell.streams["T:R:1"].1, "finished");
    assert_eq!(
        shell.writes(&[of_turn("R", item_started(0, "n"))]),
        [
            "turn R inProgress with items again",
            "message+ n streaming open \"\" at 0.0 from 0 growing",
            "stream+ streaming at 0",
            "stream streaming",
            "head+ 1 count 1 weight 8192 at 0 open n 0:0 folded 0/0 with items",
            "chunk 0..1 kept 1 of n",
        ]
    );
    assert_eq!(shell.streams["T:R:1"].1, "streaming");
}

/// A thread in which a review's other turn id has begun.
fn reviewed() -> Shell {
    Shell::after(&[of_turn("B", turn_started(0))])
}

fn review_ended(number: u64) -> crate::ingest::call::LifecycleEvent<'static> {
    let params = r#"{"threadId":"T","turn":{"id":"A","status":"interrupted"}}"#;
    lifecycle(number, "turn/completed", Some("A"), params)
}

#[test]
fn the_end_of_a_turn_that_nothing_else_was_heard_of_ends_the_runs_other_id() {
    let mut shell = reviewed();
    assert_eq!(
        briefs(&shell.plan(&[], &[review_ended(0)]).writes),
        [
            "thread next=Some(2)",
            "turn B interrupted by codex as A to 100",
            "turn+ A interrupted by codex at 1 to 100",
            "stream aborted",
            "marks r:T 1",
        ]
    );
    assert_eq!(shell.turn("B").same_run_as.as_deref(), Some("A"));
}

#[test]
fn codex_word_about_a_turn_that_a_client_ended_ends_the_runs_other_id() {
    let mut shell = Shell::new();
    shell.writes(&[of_turn("A", item_started(0, "m")), of_turn("B", turn_started(0))]);
    shell.turns[0].status = "interrupted".into();
    shell.turns[0].source = Some("client".into());
    shell.writes(&[of_turn("A", turn_completed(1, "interrupted"))]);
    assert_eq!(shell.turn("B").same_run_as.as_deref(), Some("A"));
}

#[test]
fn a_word_about_a_turns_end_that_changes_nothing_of_it_ends_no_other() {
    let mut shell = Shell::after(&[turn_started(0), item_started(1, "m"), turn_completed(2, "completed")]);
    shell.writes(&[of_turn("V", turn_started(0))]);
    let again = r#"{"threadId":"T","turn":{"id":"U","status":"completed"}}"#;
    assert_eq!(
        briefs(&shell.plan(&[], &[lifecycle(0, "turn/completed", Some("U"), again)]).writes),
        ["marks r:T 1"]
    );
    shell.writes(&[turn_completed(3, "completed")]);
    assert_eq!(shell.turn("V").status, "inProgress");
    let unknown = r#"{"threadId":"T","turnId":"old","error":{"message":"gone"},"willRetry":false}"#;
    shell.plan(&[], &[lifecycle(1, "error", Some("old"), unknown)]);
    assert_eq!((shell.turn("V").status.as_str(), shell.turns.len()), ("inProgress", 2), "no turn, no end");
}

#[test]
fn the_end_of_an_imported_turn_ends_no_turn_that_goes_on() {
    let mut shell = Shell::after(&[of_turn("V", turn_started(0))]);
    shell.writes(&[
        aside("T:U:import", item_completed(0, "m", "of before")),
        aside("T:U:import", turn_completed(1, "completed")),
    ]);
    assert_eq!(
        (shell.turn("U").status.as_str(), shell.turn("V").status.as_str()),
        ("completed", "inProgress")
    );
}

/// When the sweep looks at the turn that is written.
fn silent_at(writes: &[Write]) -> Option<Option<f64>> {
    writes.iter().find_map(|write| match write {
        Write::PutTurn { silent_at, .. } => Some(*silent_at),
        _ => None,
    })
}

/// What a thread has that is still open.
fn open(shell: &Shell) -> (usize, usize) {
    let messages = shell.messages.iter().filter(|row| row.status == "streaming").count();
    (messages, shell.streams.values().filter(|(_, state)| state == "streaming").count())
}

#[test]
fn a_turn_with_more_open_messages_than_one_call_closes_is_swept_until_none_is_open() {
    let mut shell = Shell::after(&[turn_started(0)]);
    let all = CLOSING_MESSAGES_MAX as u64 * 2 + 5;
    let items: Vec<_> = (1..=all).map(|cursor| item_started(cursor, keep(format!("m{cursor}")))).collect();
    for batch in items.chunks(500) {
        shell.writes(batch);
    }
    let plan = shell.plan(&[turn_completed(all + 1, "completed")], &[]);
    assert_eq!(open(&shell), (CLOSING_MESSAGES_MAX + 5, 0));
    assert_eq!(silent_at(&plan.writes), Some(Some(shell.now_ms)), "the sweep is asked for the rest");
    assert_eq!(silent_at(&shell.end_silent("U")), Some(Some(shell.now_ms)));
    assert_eq!(open(&shell), (5, 0));
    assert_eq!(silent_at(&shell.end_silent("U")), None, "and no longer");
    assert_eq!(open(&shell), (0, 0));
    assert!(shell.messages.iter().all(|row| row.status == "completed"));
    assert_eq!(shell.turn("U").source.as_deref(), Some("codex"), "the turn's end stays whose it was");
}

#[test]
fn a_turn_with_more_open_streams_than_one_call_closes_is_swept_until_none_is_open() {
    let mut shell = Shell::after(&[turn_started(0), item_started(1, "m")]);
    let streams: Vec<_> = (0..TURN_STREAMS_MAX + 3).map(|at| keep(format!("T:U:s{at}"))).collect();
    for stream in &streams {
        shell.writes(&[aside(stream, delta(0, "m", "a"))]);
    }
    let plan = shell.plan(&[turn_completed(2, "failed")], &[]);
    let closed = plan.writes.iter().filter(|write| matches!(write, Write::CloseStream { .. })).count();
    assert_eq!(closed, TURN_STREAMS_MAX);
    assert_ne!(open(&shell).1, 0);
    assert_eq!(silent_at(&plan.writes), Some(Some(shell.now_ms)));
    assert_eq!(silent_at(&shell.end_silent("U")), None, "nothing of the turn itself changes");
    assert_eq!(open(&shell), (0, 0));
    assert!(shell.streams.values().all(|(_, state)| state == "aborted"));
    assert!(shell.heads.iter().all(|head| head.closed));
}

#[test]
fn an_item_begins_a_turn_that_waits_and_moves_its_thread() {
    let mut shell = Shell::after(&[turn_started(0)]);
    shell.heads.clear();
    shell.streams.clear();
    shell.chunks.clear();
    shell.turns[0].status = "queued".into();
    let writes = shell.writes(&[item_started(1, "m")]);
    assert_eq!(writes[..2], ["thread next=None", "turn U inProgress with items"], "{writes:?}");
}

#[test]
fn only_what_names_an_item_first_asks_for_the_streams_of_its_turn() {
    let closing = |shell: &Shell, event| shell.needs(&[event], &[]).closing;
    let open = Shell::after(&[turn_started(0)]);
    assert_eq!(closing(&open, item_started(1, "m")), [""; 0]);
    let ended = Shell::after(&[turn_started(0), item_started(1, "m"), turn_completed(2, "completed")]);
    assert_eq!(closing(&ended, item_started(3, "n")), [""; 0]);
    let without = Shell::after(&[turn_started(0), turn_completed(1, "completed")]);
    assert_eq!(closing(&without, item_started(2, "n")), ["U"]);
}
