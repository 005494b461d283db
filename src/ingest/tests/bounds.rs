//! The bounds of a batch, to the byte, and what a load costs.

use crate::error::Code;
use crate::ingest::call::{Delta, LifecycleEvent};
use crate::ingest::envelope;
use crate::ingest::plan::plan_ingest;
use crate::ingest::write::{ChunkRange, Fault, FoldRange, IngestAnswer, ItemName, Needs};
use crate::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, CHUNK_BYTES_MAX, ID_BYTES_MAX, NEEDS_RANGES_MAX};
use crate::testing::*;

/// The code of a batch of these events, and of as many lifecycle events.
fn refused(deltas: &[Delta<'static>], beside: usize) -> Option<Code> {
    let shell = Shell::new();
    let lifecycle: Vec<_> = (0..beside as u64).map(|at| lifecycle(at, "x", None, "{}")).collect();
    envelope::check(&shell.call(deltas, &lifecycle)).err().map(|fault| fault.error_code)
}

#[test]
fn a_batch_holds_4096_events_wherever_they_stand() {
    let deltas = |count| (0..count).map(|at| delta(at, "m", "")).collect::<Vec<_>>();
    let most = BATCH_EVENTS_MAX as u64;
    for (count, beside, want) in [
        (most, 0, None),
        (most - 1, 1, None),
        (most, 1, Some(Code::ESyncBatchTooLarge)),
        (most, 2, Some(Code::ESyncBatchTooLarge)),
    ] {
        assert_eq!(refused(&deltas(count), beside), want, "{count} and {beside}");
    }
}

#[test]
fn a_batch_holds_8_mib_of_payloads_and_names_of_events_and_streams() {
    let first = Delta { event_id: "12345", stream_id: "1234567", payload_json: "{}", ..delta(0, "m", "") };
    let second = Delta { event_id: "2", stream_id: "123", ..delta(1, "m", "") };
    let beside = lifecycle(0, "x", None, "{}");
    let shell = Shell::new();
    let is_refused =
        |deltas: [Delta<'static>; 2], beside| envelope::check(&shell.call(&deltas, &[beside])).is_err();
    let size = |delta: Delta<'_>| delta.payload_json.len() + delta.event_id.len() + delta.stream_id.len();
    let rest = size(first) + size(second) + beside.payload_json.len() + beside.event_id.len();
    for (more, want) in [(0, false), (1, true), (2, true), (BATCH_BYTES_MAX, true)] {
        let grown = |payload: &str| keep(format!("{payload}{}", "x".repeat(BATCH_BYTES_MAX - rest + more)));
        let large = Delta { payload_json: grown(first.payload_json), ..first };
        assert_eq!(is_refused([large, second], beside), want, "{more} more, of a stream");
        let large = LifecycleEvent { payload_json: grown(beside.payload_json), ..beside };
        assert_eq!(is_refused([first, second], large), want, "{more} more, beside");
    }
}

#[test]
fn a_name_holds_1_kib() {
    for (bytes, want) in [
        (ID_BYTES_MAX, None),
        (ID_BYTES_MAX + 1, Some(Code::ESyncBatchTooLarge)),
        (ID_BYTES_MAX + 2, Some(Code::ESyncBatchTooLarge)),
    ] {
        let name = keep("n".repeat(bytes));
        let one = delta(0, "m", "");
        for named in [
            Delta { event_id: name, ..one },
            Delta { stream_id: name, ..one },
            Delta { turn_id: name, ..one },
            Delta { kind: name, ..one },
        ] {
            assert_eq!(refused(&[named], 0), want, "{bytes}");
        }
    }
}

#[test]
fn what_a_load_costs_is_the_sum_of_what_is_asked_for() {
    let name = || String::from("n");
    let names = |count| vec![name(); count];
    let chunk = ChunkRange { event: 0, start: 0, end: 1 };
    let fold = FoldRange { event: 0, message_id: name(), end: 1 };
    let item = ItemName { turn_id: name(), item_id: name() };
    let needs = Needs {
        turns: names(1),
        next_orders: names(10),
        lifecycle_ids: vec![0; 100],
        usage: true,
        request_ids: names(1_000),
        chunks: vec![chunk; 10_000],
        folds: vec![fold; 20_000],
        items: vec![item; 30_000],
        closing: names(40_000),
        ..Needs::default()
    };
    assert_eq!(needs.ranges(), 2 + 10 + 100 + 1 + 1_000 + 2 * 30_000 + 3 * 70_000);
    assert_eq!(Needs { usage: true, ..Needs::default() }.ranges(), 1);
    assert_eq!(Needs::default().ranges(), 0);
}

#[test]
fn a_fault_has_its_codes_name() {
    for code in [Code::ESyncBatchTooLarge, Code::ESyncEmptyBatch, Code::ESyncOutOfOrder, Code::ESyncReplayGap]
    {
        let fault = serde_json::to_value(Fault::new(code, "", None)).unwrap();
        assert_eq!(fault["errorCode"], name(&code));
    }
}

#[test]
fn the_rows_that_a_batch_names_take_3500_ranges_at_most() {
    let shell = Shell::after(&[turn_started(0), item_started(1, "m")]);
    // An item takes three ranges, a name of an event that is not the bridge's one.
    let items =
        |count: u64| (2..2 + count).map(|at| item_started(at, keep(format!("i{at}")))).collect::<Vec<_>>();
    let foreign = |count: u64| {
        (0..count)
            .map(|at| LifecycleEvent {
                event_id: keep(format!("foreign {at}")),
                ..lifecycle(at, "thread/closed", None, r#"{"threadId":"T"}"#)
            })
            .collect::<Vec<_>>()
    };
    let most = NEEDS_RANGES_MAX as u64;
    for (more, is_refused) in [(0, false), (1, true), (2, true)] {
        let beside = foreign(most - 3 * 1_000 + more);
        match plan_ingest(&shell.call(&items(1_000), &beside)) {
            IngestAnswer::Needs { needs } => {
                assert_eq!((needs.ranges(), is_refused), (NEEDS_RANGES_MAX, false))
            }
            IngestAnswer::Rejected { fault } => {
                assert_eq!((fault.error_code, is_refused), (Code::ESyncBatchTooLarge, true), "{more} more");
            }
            IngestAnswer::Plan { plan } => panic!("{plan:?}"),
        }
    }
}

#[test]
fn a_batch_folds_two_texts_whatever_streams_they_are_of() {
    let large = "a".repeat(70 * 1024);
    let beside = |event: Delta<'static>| Delta {
        stream_id: "T:U:1",
        event_id: keep(format!("beside {}", event.event_id)),
        ..event
    };
    let ids = ["k", "l", "m", "n"];
    let mut batch = vec![];
    let mut shell = Shell::after(&[turn_started(0)]);
    for (id, at) in ids.into_iter().zip(1..) {
        shell.writes(&[item_started(at, id)]);
        batch.push(delta(at + 4, id, &large));
    }
    for (id, at) in ["o", "p"].into_iter().zip(0..) {
        shell.writes(&[beside(item_started(at, id))]);
        batch.push(beside(delta(at + 2, id, &large)));
    }
    let folds = |batch: &[usize], of: &[Delta<'static>]| {
        let batch: Vec<_> = batch.iter().map(|at| of[*at]).collect();
        shell.needs(&batch, &[]).folds.len()
    };
    for (which, want) in [
        (&[0][..], 1),
        (&[4], 1),
        (&[0, 4], 2),
        (&[0, 1], 2),
        (&[0, 1, 2], 2),
        (&[0, 1, 4], 2),
        (&[0, 4, 5], 2),
        (&[0, 1, 2, 3, 4, 5], 2),
    ] {
        assert_eq!(folds(which, &batch), want, "{which:?}");
    }
}

#[test]
fn a_chunk_covers_512_events_and_256_kib() {
    let spans = |batch: &[Delta<'static>]| {
        let mut shell = Shell::after(&[turn_started(0), item_started(1, "m")]);
        shell.writes(batch);
        // The first one is the item's beginning.
        let ranges = shell.chunks[1..].iter().map(|chunk| chunk.range());
        ranges.map(|range| (range.start, range.end)).collect::<Vec<_>>()
    };
    let small: Vec<_> = (2..2 + 513).map(|at| delta(at, "m", "a")).collect();
    assert_eq!(spans(&small[..512]), [(2, 514)]);
    assert_eq!(spans(&small), [(2, 514), (514, 515)]);
    // A chunk's bytes are those of its texts, and of the ids of events and messages.
    let of = |at: u64, bytes: usize| Delta {
        event_id: keep(format!("id{at}")),
        ..delta(at, "m", &"a".repeat(bytes))
    };
    let half = CHUNK_BYTES_MAX / 2 - "id2".len() - "m".len();
    assert_eq!(spans(&[of(2, half), of(3, half)]), [(2, 4)]);
    assert_eq!(spans(&[of(2, half), of(3, half + 1)]), [(2, 3), (3, 4)]);
    // And of payloads that are kept.
    let kept = |at| Delta { event_id: keep(format!("id{at}")), ..item_started(at, keep(format!("i{at}"))) };
    let rest = CHUNK_BYTES_MAX - 2 * ("id2".len() + kept(2).payload_json.len());
    let text = rest - "id4".len() - "m".len();
    assert_eq!(spans(&[kept(2), kept(3), of(4, text)]), [(2, 5)]);
    assert_eq!(spans(&[kept(2), kept(3), of(4, text + 1)]), [(2, 4), (4, 5)]);
}
