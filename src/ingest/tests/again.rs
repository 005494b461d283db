//! What comes again: known by its id where it stands, however much of it there is.

use crate::delta::order::Range;
use crate::ingest::call::Delta;
use crate::ingest::plan::plan_ingest;
use crate::ingest::write::IngestAnswer;
use crate::testing::*;

/// Events 0..12 of a stream, event 10 two cursors wide; what filled the hole was written last.
fn filled() -> (Shell, Vec<Delta<'static>>) {
    let mut all: Vec<_> = [turn_started(0), item_started(1, "m")].into();
    all.extend((2..10).map(|cursor| delta(cursor, "m", "x")));
    all.push(Delta { cursor_end: 12.0, ..delta(10, "m", "y") });
    let mut shell = Shell::after(&all[..5]);
    shell.writes(&all[8..]);
    shell.writes(&all[5..8]);
    (shell, all)
}

fn named(event: Delta<'static>) -> Delta<'static> {
    Delta { event_id: "another", ..event }
}

/// The event for which a batch is refused; none where it is not.
fn refused(shell: &Shell, batch: &[Delta<'static>]) -> Option<u32> {
    match shell.clone().ingest(batch, &[]) {
        IngestAnswer::Rejected { fault } => {
            assert_eq!(name(&fault.error_code), "E_SYNC_OUT_OF_ORDER");
            assert!(fault.event.is_some());
            fault.event
        }
        IngestAnswer::Plan { plan } => {
            assert_eq!(plan.writes, []);
            None
        }
        IngestAnswer::Needs { needs } => panic!("{needs:?}"),
    }
}

#[test]
fn what_comes_again_is_known_wherever_it_stands() {
    let (shell, all) = filled();
    let every = |step: usize| all.iter().copied().step_by(step).collect::<Vec<_>>();
    for step in [1, 2, 3, 11] {
        assert_eq!(refused(&shell, &every(step)), None, "{step}");
        for at in 0..every(step).len() {
            let mut batch = every(step);
            batch[at] = named(batch[at]);
            assert_eq!(refused(&shell, &batch), Some(at as u32), "{step} {at}");
        }
    }
    let backwards: Vec<_> = all.iter().rev().copied().collect();
    assert_eq!(refused(&shell, &backwards), None);
    let wide = Delta { cursor_end: 6.0, ..named(all[4]) };
    let first_half = Delta { cursor_end: 11.0, ..all[10] };
    let second_half = Delta { cursor_start: 11.0, ..all[10] };
    for (batch, want) in [
        (vec![all[4], named(all[4])], Some(1)),
        (vec![named(all[4]), all[4]], Some(0)),
        (vec![all[4], all[4], all[5]], None),
        (vec![all[3], wide], Some(1)),
        (vec![wide], Some(0)),
        (vec![all[9], first_half], Some(1)),
        (vec![all[9], second_half], Some(1)),
    ] {
        assert_eq!(refused(&shell, &batch), want, "{batch:?}");
    }
}

#[test]
fn what_is_kept_no_more_is_taken_on_trust_up_to_what_is() {
    let (mut shell, all) = filled();
    shell.chunks.retain(|chunk| chunk.range() != Range { start: 5, end: 8 });
    for (at, want) in [(4, Some(0)), (5, None), (6, None), (7, None), (8, Some(0))] {
        assert_eq!(refused(&shell, &[named(all[at])]), want, "{at}");
    }
    let mut batch = all.clone();
    batch[7] = named(all[7]);
    assert_eq!(refused(&shell, &batch), None);
    batch[8] = Delta { event_id: "another still", ..all[8] };
    assert_eq!(refused(&shell, &batch), Some(8));
}

#[test]
fn streams_at_the_same_cursors_are_compared_each_with_itself() {
    let (mut shell, all) = filled();
    let beside: Vec<_> = (all.iter().enumerate())
        .map(|(at, event)| Delta { stream_id: "T:U:1", event_id: keep(format!("beside {at}")), ..*event })
        .collect();
    shell.writes(&beside);
    for (one, other) in [(&all, &beside), (&beside, &all)] {
        let mixed: Vec<_> = one.iter().zip(other).flat_map(|(one, other)| [*one, *other]).collect();
        assert_eq!(refused(&shell, &mixed), None);
        for at in 0..mixed.len() {
            let mut batch = mixed.clone();
            batch[at] = named(batch[at]);
            assert_eq!(refused(&shell, &batch), Some(at as u32), "{at}");
        }
    }
}

#[test]
fn one_place_is_of_one_event() {
    let mut shell = Shell::after(&[turn_started(0), item_started(1, "m")]);
    for (end, want) in [(3.0, "E_SYNC_OUT_OF_ORDER"), (4.0, "E_SYNC_OUT_OF_ORDER")] {
        let other = Delta { cursor_end: end, ..named(delta(2, "m", "y")) };
        assert_eq!(shell.rejection(&[delta(2, "m", "x"), other]), want);
    }
}

#[test]
fn one_id_stands_at_one_place_whatever_the_ids_are() {
    let mut shell = Shell::after(&[turn_started(0), item_started(1, "m")]);
    let at = |event_id: &str, cursor| Delta { event_id: keep(event_id), ..delta(cursor, "m", "x") };
    // Ids of each last byte, and ids that end alike.
    let letters: Vec<String> = ('a'..='p').map(String::from).collect();
    let alike: Vec<String> = ('a'..='p').map(|letter| format!("{letter}, and then the same")).collect();
    for ids in [letters, alike] {
        for count in 1..ids.len() {
            let batch: Vec<_> = ids[..count].iter().zip(2..).map(|(id, cursor)| at(id, cursor)).collect();
            let second = |event: Delta<'static>| {
                let batch = [&batch[..], &[event]].concat();
                let call = shell.call(&batch, &[]);
                match plan_ingest(&call) {
                    IngestAnswer::Rejected { fault } => Some((name(&fault.error_code), fault.event)),
                    _ => None,
                }
            };
            let twice = Some(("E_SYNC_DUP_EVENT_IN_BATCH".to_owned(), Some(count as u32)));
            for (id, event) in ids.iter().zip(&batch) {
                assert_eq!(second(*event), None, "{id} of {count}");
                assert_eq!(second(at(id, 99)), twice, "{id} of {count}");
                assert_eq!(second(Delta { cursor_end: 99.0, ..*event }), twice, "{id} of {count}");
                assert_eq!(second(Delta { stream_id: "T:U:1", ..*event }), twice, "{id} of {count}");
            }
            assert_eq!(second(at(&ids[count], 99)), None, "{count}");
        }
    }
    let all: Vec<_> = (2..4_098).map(|cursor| delta(cursor, "m", "x")).collect();
    assert_eq!(
        shell.writes(&all)[0],
        "head 4098 count 4098 weight 73728 at 0 open m 1:4096 folded 1/0 with items"
    );
    assert_eq!(refused(&shell, &all), None);
}

#[test]
fn what_the_batch_itself_begins_or_ends_is_asked_for_once_and_what_goes_on_is_not() {
    let shell = Shell::after(&[turn_started(0), item_started(1, "m"), item_started(2, "n")]);
    for (batch, want) in [
        (vec![delta(3, "m", "x")], None),
        (vec![delta(3, "o", "x")], Some(vec!["o"])),
        (vec![item_completed(3, "m", "x"), delta(4, "m", "x"), delta(5, "n", "x")], Some(vec!["m"])),
        (vec![item_started(3, "m"), delta(4, "m", "x")], Some(vec!["m"])),
        (vec![delta(3, "n", "x"), item_completed(4, "n", "x"), item_started(5, "o")], Some(vec!["n", "o"])),
    ] {
        let items = match plan_ingest(&shell.call(&batch, &[])) {
            IngestAnswer::Needs { needs } => {
                Some(needs.items.iter().map(|item| item.item_id.clone()).collect::<Vec<_>>())
            }
            IngestAnswer::Plan { .. } => None,
            IngestAnswer::Rejected { fault } => panic!("{fault:?}"),
        };
        let want = want.map(|ids| ids.into_iter().map(str::to_owned).collect());
        assert_eq!(items, want, "{batch:?}");
    }
}
