//! What must be right with a batch as a whole: else nothing of it is written.

use super::call::{Delta, IngestCall};
use super::write::Fault;
use crate::delta::order::Range;
use crate::error::Code;
use crate::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, BATCH_STREAMS_MAX, ID_BYTES_MAX};
use crate::pack::safe_integer;

/// Checks the batch; answers the range of each stream event.
///
/// # Errors
/// `E_SYNC_EMPTY_BATCH`, `E_SYNC_BATCH_TOO_LARGE`, `E_SYNC_INVALID_CURSOR_RANGE`, `E_SYNC_DUP_EVENT_IN_BATCH`.
pub fn check(call: &IngestCall<'_>) -> Result<Vec<Range>, Fault> {
    let count = call.deltas.len() + call.lifecycle.len();
    if count == 0 {
        return Err(Fault::new(Code::ESyncEmptyBatch, "the batch holds no event", None));
    }
    if count > BATCH_EVENTS_MAX || bytes(call) > BATCH_BYTES_MAX {
        return Err(Fault::new(
            Code::ESyncBatchTooLarge,
            "a batch holds at most 4096 events and 8 MiB",
            None,
        ));
    }
    let deltas = call.deltas.iter().map(|delta| [delta.event_id, delta.stream_id, delta.turn_id, delta.kind]);
    let lifecycle = call
        .lifecycle
        .iter()
        .map(|event| [event.event_id, event.turn_id.unwrap_or_default(), event.kind, ""]);
    for (ids, event) in deltas.chain(lifecycle).zip(0..) {
        if ids.iter().any(|id| id.len() > ID_BYTES_MAX) {
            return Err(Fault::new(
                Code::ESyncBatchTooLarge,
                "an id or a kind holds at most 1 KiB",
                Some(event),
            ));
        }
    }
    let mut ranges = Vec::with_capacity(call.deltas.len());
    for (delta, event) in call.deltas.iter().zip(0..) {
        ranges.push(range(delta, event)?);
    }
    check_ids(call, &ranges)?;
    Ok(ranges)
}

/// The fault of a batch with too many streams.
pub fn check_stream_count(count: usize) -> Result<(), Fault> {
    if count > BATCH_STREAMS_MAX {
        return Err(Fault::new(Code::ESyncBatchTooLarge, "a batch holds at most 64 streams", None));
    }
    Ok(())
}

fn bytes(call: &IngestCall<'_>) -> usize {
    let deltas = call
        .deltas
        .iter()
        .map(|delta| delta.payload_json.len() + delta.event_id.len() + delta.stream_id.len());
    let lifecycle = call.lifecycle.iter().map(|event| event.payload_json.len() + event.event_id.len());
    deltas.chain(lifecycle).sum()
}

fn range(delta: &Delta<'_>, event: u32) -> Result<Range, Fault> {
    let fault = || {
        let message = "cursors are safe integers, 0 <= cursorStart < cursorEnd";
        Fault::new(Code::ESyncInvalidCursorRange, message, Some(event))
    };
    let start = safe_integer(delta.cursor_start).ok_or_else(fault)?;
    let end = safe_integer(delta.cursor_end).ok_or_else(fault)?;
    if start < end { Ok(Range { start, end }) } else { Err(fault()) }
}

/// One id, one place: the same id at the same place of the same stream is one event that was sent twice.
fn check_ids(call: &IngestCall<'_>, ranges: &[Range]) -> Result<(), Fault> {
    // The first event of each id, at a place that its last bytes say or behind it; half of the places stay free. Ids end with
    // their cursor: SOURCE of the factor: of 31, 33, 37, 101, 131 the one by which 4,096 in a row, and in steps, collide least.
    let last = (2 * ranges.len()).next_power_of_two() - 1;
    let mut seen: Vec<Option<(&Delta<'_>, &Range)>> = vec![None; last + 1];
    for ((delta, range), event) in call.deltas.iter().zip(ranges).zip(0..) {
        let tail = delta.event_id.bytes().rev().take(8);
        let mut at = tail.fold(0_usize, |at, byte| at.wrapping_mul(37).wrapping_add(usize::from(byte)));
        while let Some(place) = seen.get_mut(at & last) {
            let (first, first_range) = *place.get_or_insert((delta, range));
            if first.event_id != delta.event_id {
                at = at.wrapping_add(1);
            } else if first.stream_id == delta.stream_id && first_range == range {
                break;
            } else {
                let message = "one eventId stands at two places";
                return Err(Fault::new(Code::ESyncDupEventInBatch, message, Some(event)));
            }
        }
    }
    Ok(())
}
