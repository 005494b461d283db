//! What becomes of events of a turn that was deleted.

use super::call::LifecycleEvent;
use crate::testing::*;

fn ended(number: u64, turn_id: &'static str) -> LifecycleEvent<'static> {
    let params = format!(r#"{{"threadId":"T","turn":{{"id":"{turn_id}","status":"completed"}}}}"#);
    lifecycle(number, "turn/completed", Some(turn_id), &params)
}

#[test]
fn events_of_a_turn_that_was_deleted_are_acknowledged_and_do_nothing() {
    let mut shell = Shell::after(&[of_turn("V", turn_started(0))]);
    shell.deleted_turns.insert("U".into());
    let before = shell.clone();
    let batch = [
        turn_started(0),
        item_started(1, "m"),
        delta(2, "m", "a"),
        item_completed(3, "m", "a"),
        event(4, "turn/diff/updated", r#"{"threadId":"T","turnId":"U","diff":"x"}"#),
        turn_completed(5, "completed"),
    ];
    for _again in 0..2 {
        let plan = shell.plan(&batch, &[]);
        assert_eq!((plan.acks.len(), plan.acks[0].cursor_end, plan.partial), (1, 6, false));
        assert_eq!((plan.writes, plan.errors), (vec![], vec![]));
    }
    assert_eq!(shell, before);
}

#[test]
fn a_late_batch_of_a_turn_that_was_deleted_has_no_gap() {
    let mut shell = Shell::after(&[of_turn("V", turn_started(0))]);
    shell.deleted_turns.insert("U".into());
    let plan = shell.plan(&[delta(40, "m", "a"), turn_completed(41, "completed")], &[]);
    assert_eq!((plan.acks[0].cursor_end, plan.partial, plan.writes), (42, false, vec![]));
}

#[test]
fn other_turns_of_the_batch_go_on() {
    let mut shell = Shell::after(&[of_turn("V", turn_started(0))]);
    shell.deleted_turns.insert("U".into());
    let batch = [turn_started(0), of_turn("V", item_started(1, "m")), delta(1, "m", "gone")];
    let plan = shell.plan(&batch, &[]);
    assert_eq!(plan.acks.iter().map(|ack| ack.cursor_end).collect::<Vec<_>>(), [2, 2]);
    let turns: Vec<_> = shell.turns.iter().map(|turn| turn.turn_id.as_str()).collect();
    assert_eq!((turns, shell.messages.len(), shell.heads.len()), (vec!["V"], 1, 1));
}

#[test]
fn a_lifecycle_event_of_a_turn_that_was_deleted_is_counted_and_does_nothing() {
    let mut shell = Shell::after(&[of_turn("V", turn_started(0))]);
    shell.deleted_turns.insert("U".into());
    let plan = shell.plan(&[], &[ended(0, "U")]);
    assert_eq!(plan.writes.iter().map(brief).collect::<Vec<_>>(), ["marks r:T 1"]);
    assert_eq!(shell.turns.len(), 1);
    let plan = shell.plan(&[], &[ended(1, "W")]);
    assert!(plan.writes.len() > 1, "one that was not makes its turn");
}

#[test]
fn a_malformed_event_of_a_turn_that_was_deleted_is_named_and_not_kept() {
    let mut shell = Shell::after(&[of_turn("V", turn_started(0))]);
    shell.deleted_turns.insert("U".into());
    let plan = shell.plan(&[event(0, "item/started", "{}")], &[]);
    assert_eq!(
        plan.errors.iter().map(|fault| name(&fault.error_code)).collect::<Vec<_>>(),
        ["E_SYNC_MALFORMED_EVENT"]
    );
    assert_eq!(plan.writes, []);
}
