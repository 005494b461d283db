//! Lifecycle events: which of them were applied before.
//!
//! The bridge numbers a thread's lifecycle events, `${runtimeId}:${threadId}:L${n}`, where the thread has the name that Codex
//! gave it. The thread keeps the highest number applied of each counter, a runtime in such a thread; an id of another form is
//! remembered by itself.

use super::call::IngestCall;
use super::write::{Needs, RuntimeMarkRow, Write};
use crate::limits::{LIFECYCLE_ID_TTL_MS, LIFECYCLE_RUNTIMES_MAX, SAFE_INTEGER_MAX};
use crate::pack::decimal;
use crate::sorted::keep_newest;

/// What a batch's lifecycle events leave behind.
#[derive(Debug, Default)]
pub struct Lifecycle {
    /// New events, in array order: indices into the lifecycle list.
    pub applied: Vec<usize>,
    /// Marks and remembered ids.
    pub writes: Vec<Write>,
}

/// Finds the new events.
pub fn arrange(call: &IngestCall<'_>, needs: &mut Needs) -> Lifecycle {
    let mut found = Lifecycle::default();
    let mut marks: Vec<RuntimeMarkRow> = (call.marks.iter())
        .map(|mark| RuntimeMarkRow { runtime_id: mark.runtime_id.to_owned(), next: mark.next })
        .collect();
    let mut foreign: Vec<&str> = Vec::new();
    let mut marked = false;
    for (at, event) in call.lifecycle.iter().enumerate() {
        let index = u32::try_from(call.deltas.len() + at).unwrap_or(u32::MAX);
        let deleted = call.is_deleted(event.turn_id.unwrap_or_default());
        if let Some((counter, _, number)) = numbered(event.event_id, call.local_thread_id()) {
            if marks.iter().any(|mark| mark.runtime_id == counter && number < mark.next) {
                continue;
            }
            marks.retain(|mark| mark.runtime_id != counter);
            marks.push(RuntimeMarkRow { runtime_id: counter.to_owned(), next: number + 1 });
            marked = true;
            if !deleted {
                found.applied.push(at);
            }
            continue;
        }
        if foreign.contains(&event.event_id) {
            continue;
        }
        foreign.push(event.event_id);
        match &call.loaded {
            None => needs.lifecycle_ids.push(index),
            Some(loaded) if loaded.lifecycle_ids.contains(&event.event_id) => continue,
            Some(_) => {
                let expires_at = call.now_ms + LIFECYCLE_ID_TTL_MS;
                found.writes.push(Write::InsertLifecycleId { event: index, expires_at });
            }
        }
        if !deleted {
            found.applied.push(at);
        }
    }
    if marked {
        keep_newest(&mut marks, LIFECYCLE_RUNTIMES_MAX);
        found.writes.push(Write::PutMarks { runtimes: marks });
    }
    found
}

/// Of an id that the bridge made, which calls the thread `thread_id`: what counted, a runtime in a thread of Codex's, as they stand
/// in it; the runtime; the number. A thread of Convex's may come to be another one of Codex's, whose numbers begin at 0 again.
pub fn numbered<'a>(event_id: &'a str, thread_id: &str) -> Option<(&'a str, &'a str, u64)> {
    let (before, number) = trailing_number(event_id)?;
    let counter = before.strip_suffix(":L")?;
    let runtime_id = counter.strip_suffix(thread_id)?.strip_suffix(':')?;
    (number < SAFE_INTEGER_MAX).then_some((counter, runtime_id, number))
}

/// The number that a text ends in, and what is before it.
pub fn trailing_number(text: &str) -> Option<(&str, u64)> {
    let count = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (before, digits) = text.split_at_checked(text.len() - count)?;
    Some((before, decimal(digits)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_bridge_are_read_and_others_are_not() {
        assert_eq!(numbered("r:t:L12", "t"), Some(("r:t", "r", 12)));
        assert_eq!(numbered("a:b:th:read:L0", "th:read"), Some(("a:b:th:read", "a:b", 0)));
        for foreign in
            ["r:x:L1", "r:t:L", "r:t:L-1", "r:t:L1x", "t:L1", "abc", "r:t:L9007199254740991", "r:t:L1:resent"]
        {
            assert_eq!(numbered(foreign, "t"), None, "{foreign}");
        }
    }
}
