//! The bounds of a batch, to the byte, and what a load costs.

use crate::error::Code;
use crate::ingest::call::{Delta, LifecycleEvent};
use crate::ingest::envelope;
use crate::ingest::write::{ChunkRange, Fault, FoldRange, ItemName, Needs};
use crate::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, ID_BYTES_MAX};
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
