//! The quarantine: malformed events as they came, the newest of a thread.

use super::call::IngestCall;
use super::write::Write;
use crate::limits::{QUARANTINE_BYTES_MAX, QUARANTINE_MAX};

/// The writes of a batch's new malformed events: index and reason, in the order of the batch. The oldest go.
pub fn writes(call: &IngestCall<'_>, malformed: &[(u32, &'static str)]) -> Vec<Write> {
    let kept = call.loaded.as_ref().map(|loaded| loaded.quarantine.as_slice()).unwrap_or_default();
    let mut room = Room { rows: 0, bytes: 0, full: false };
    let mut seen: Vec<&str> = Vec::new();
    let mut writes = Vec::new();
    for (event, reason) in malformed.iter().rev() {
        let Some((id, _, payload)) = call.event(*event) else { continue };
        let bytes = payload.len() as u64;
        let known = kept.iter().any(|row| row.event_id == id) || seen.contains(&id);
        if !known && room.takes(bytes) {
            seen.push(id);
            writes.push(Write::Quarantine { event: *event, reason, bytes });
        }
    }
    for (row, at) in kept.iter().zip(0..) {
        if !room.takes(row.bytes) {
            writes.push(Write::EvictQuarantine { row: at });
        }
    }
    // The oldest first: rows are in the order in which they are made. SOURCE: `reverse` brings the code that prints a
    // number.
    writes.into_iter().rev().collect()
}

struct Room {
    rows: usize,
    bytes: u64,
    full: bool,
}

impl Room {
    /// Whether one more has room, newest first; behind one that has none there is none for any.
    fn takes(&mut self, bytes: u64) -> bool {
        let fits = self.bytes.saturating_add(bytes) <= QUARANTINE_BYTES_MAX;
        self.full |= self.rows >= QUARANTINE_MAX || !(fits || self.rows == 0);
        if !self.full {
            self.rows += 1;
            self.bytes = self.bytes.saturating_add(bytes);
        }
        !self.full
    }
}
