//! What a reader gets of a stream, from the cursor that it asks for.

use super::order::Range;
use crate::options::Options;
use crate::pack::{Misfit, Unpacker, safe_integer};
use serde::Serialize;
use tsify::Tsify;

/// A reader's request.
#[derive(Clone, Debug)]
pub struct WindowCall {
    /// The reader's limits.
    pub options: Options,
    /// The streams that it asks for.
    pub streams: Vec<StreamRequest>,
}

/// One stream of a request.
#[derive(Clone, Debug)]
pub struct StreamRequest {
    /// The reader's cursor; what is no safe integer counts as 0.
    pub requested: u64,
    /// The end of what the stream accepted; 0 of an unknown one.
    pub latest: u64,
    /// Its chunks that end above `requested`, in order, as far as they were loaded.
    pub chunks: Vec<ChunkFacts>,
}

/// A chunk: its range, and the ranges of the payloads that it keeps.
#[derive(Clone, Debug)]
pub struct ChunkFacts {
    /// What it covers.
    pub range: Range,
    /// Kept deltas, in order.
    pub kept: Vec<Range>,
}

/// Whether a window begins where it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum WindowStatus {
    /// It does.
    Ok,
    /// It begins elsewhere: at the start of a delta, or behind what is gone.
    Rebased,
    /// There is nothing to go on with: the reader drops its overlay.
    Stale,
}

/// What a reader gets of one stream: everything whose start lies in `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// Whether it begins where it was asked to.
    pub status: WindowStatus,
    /// First cursor inside.
    pub start: u64,
    /// First cursor behind.
    pub end: u64,
    /// Where the reader goes on.
    pub next: u64,
}

/// The answer to a request: one window for every stream, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct WindowAnswer {
    /// The windows.
    pub windows: Vec<Window>,
}

impl WindowCall {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'_>) -> Result<Self, Misfit> {
        let range = |call: &mut Unpacker<'_>| Range { start: call.integer(), end: call.integer() };
        let read = Self {
            options: Options::unpack_reader(&mut call),
            streams: call.list(|call| StreamRequest {
                requested: safe_integer(call.number()).unwrap_or(0),
                latest: call.integer(),
                chunks: call.list(|call| ChunkFacts { range: range(call), kept: call.list(range) }),
            }),
        };
        call.end(read)
    }
}

/// Decides the windows. The request's budget is shared evenly, so that no stream starves.
pub fn read_window(call: &WindowCall) -> WindowAnswer {
    let share = call.options.deltas_per_request_max / call.streams.len().max(1);
    let budget = call.options.deltas_per_stream_max.min(share).max(1);
    WindowAnswer { windows: call.streams.iter().map(|stream| stream.window(budget)).collect() }
}

impl StreamRequest {
    fn window(&self, budget: usize) -> Window {
        let requested = self.requested;
        let nothing = |status, next| Window { status, start: requested, end: requested, next };
        if requested == self.latest {
            return nothing(WindowStatus::Ok, requested);
        }
        let mut chunks = self.chunks.iter().filter(|chunk| chunk.range.end > requested);
        let first = chunks.clone().next().filter(|_| requested < self.latest);
        let Some(first) = first else { return nothing(WindowStatus::Stale, self.latest) };
        let cut = first.kept.iter().find(|delta| delta.start < requested && requested < delta.end);
        let (status, start) = if first.range.start > requested {
            (WindowStatus::Rebased, first.range.start)
        } else if let Some(delta) = cut {
            (WindowStatus::Rebased, delta.start)
        } else {
            (WindowStatus::Ok, requested)
        };
        let end = read_to(&mut chunks, start, budget);
        Window { status, start, end, next: end }
    }
}

/// Where `budget` is used up: a kept delta costs one, and so does a chunk that keeps none.
fn read_to<'a>(chunks: &mut impl Iterator<Item = &'a ChunkFacts>, start: u64, budget: usize) -> u64 {
    let mut left = budget;
    let mut end = start;
    for chunk in chunks {
        if left == 0 {
            return end;
        }
        let mut kept = chunk.kept.iter().filter(|delta| delta.start >= start);
        if let Some(first_left_out) = kept.clone().nth(left) {
            return first_left_out.start;
        }
        left -= kept.by_ref().count().max(1);
        end = chunk.range.end;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(start: u64, end: u64, kept: &[(u64, u64)]) -> ChunkFacts {
        let kept = kept.iter().map(|(start, end)| Range { start: *start, end: *end }).collect();
        ChunkFacts { range: Range { start, end }, kept }
    }

    fn window(
        requested: u64,
        latest: u64,
        budget: usize,
        chunks: &[ChunkFacts],
    ) -> (WindowStatus, u64, u64, u64) {
        let window = StreamRequest { requested, latest, chunks: chunks.to_vec() }.window(budget);
        (window.status, window.start, window.end, window.next)
    }

    #[test]
    fn the_decision_table() {
        use WindowStatus::{Ok, Rebased, Stale};
        let whole = [chunk(0, 4, &[(0, 1), (2, 4)]), chunk(4, 6, &[]), chunk(8, 10, &[(8, 9)])];
        assert_eq!(window(0, 10, 100, &whole), (Ok, 0, 10, 10), "covered, over a later hole");
        assert_eq!(window(1, 10, 100, &whole), (Ok, 1, 10, 10), "covered where nothing is kept");
        assert_eq!(window(3, 10, 100, &whole), (Rebased, 2, 10, 10), "inside a delta");
        assert_eq!(window(6, 10, 100, &whole), (Rebased, 8, 10, 10), "not covered, chunks beyond");
        assert_eq!(window(2, 10, 100, &[]), (Stale, 2, 2, 10), "not covered, none beyond");
        assert_eq!(window(11, 10, 100, &[]), (Stale, 11, 11, 10), "beyond the latest");
        assert_eq!(window(5, 0, 100, &[]), (Stale, 5, 5, 0), "an unknown stream");
        assert_eq!(window(10, 10, 100, &whole), (Ok, 10, 10, 10), "nothing newer");
        assert_eq!(window(0, 0, 100, &[]), (Ok, 0, 0, 0), "a stream without deltas; 0 is a value");
    }

    #[test]
    fn a_small_budget_ends_between_deltas_and_the_reader_reaches_the_end() {
        let chunks =
            [chunk(0, 5, &[(0, 1), (1, 2), (2, 3), (4, 5)]), chunk(5, 9, &[]), chunk(9, 10, &[(9, 10)])];
        let mut at = 0;
        let mut seen = vec![];
        while at < 10 {
            let (_, _, _, next) = window(at, 10, 2, &chunks);
            assert!(next > at);
            at = next;
            seen.push(at);
        }
        assert_eq!(seen, [2, 5, 10], "two kept deltas; two more; two chunks");
    }

    #[test]
    fn a_reader_over_81_holes_reads_in_proportion_to_what_it_is_given() {
        // A delta in every second place: each chunk stands alone behind a hole.
        let chunks: Vec<_> = (0..82).map(|at| chunk(at * 2, at * 2 + 1, &[(at * 2, at * 2 + 1)])).collect();
        assert_eq!(window(0, 163, 100, &chunks), (WindowStatus::Ok, 0, 163, 163), "in one answer");
        let (mut at, mut calls) = (0, 0);
        while at < 163 {
            at = window(at, 163, 10, &chunks).3;
            calls += 1;
        }
        assert_eq!(calls, 9, "82 deltas, ten an answer, whatever lies between");
        let sparse = [chunk(0, 1, &[(0, 1)]), chunk(1_000_000, 1_000_001, &[(1_000_000, 1_000_001)])];
        assert_eq!(window(0, 1_000_001, 10, &sparse), (WindowStatus::Ok, 0, 1_000_001, 1_000_001));
    }

    #[test]
    fn history_that_is_trimmed_under_a_live_reader_rebases_it_and_the_view_goes_on() {
        let all = [chunk(0, 4, &[(0, 4)]), chunk(4, 8, &[(4, 8)]), chunk(8, 12, &[(8, 12)])];
        let (_, _, _, next) = window(0, 8, 1, &all);
        assert_eq!(next, 4);
        let (status, start, _, next) = window(next, 12, 1, &all[2..]);
        assert_eq!((status, start, next), (WindowStatus::Rebased, 8, 12));
        assert_eq!(window(next, 12, 1, &all[2..]), (WindowStatus::Ok, 12, 12, 12));
        assert_eq!(window(8, 12, 1, &[]), (WindowStatus::Stale, 8, 8, 12), "all of it is gone");
    }

    #[test]
    fn the_budget_is_shared_and_none_starves() {
        let options = Options {
            save_stream_deltas: false,
            save_reasoning_deltas: true,
            expose_raw_reasoning_deltas: false,
            deltas_per_stream_max: 100,
            deltas_per_request_max: 2,
            finished_stream_delete_delay_ms: 0.0,
        };
        let stream =
            StreamRequest { requested: 0, latest: 3, chunks: vec![chunk(0, 3, &[(0, 1), (1, 2), (2, 3)])] };
        let answer = read_window(&WindowCall { options, streams: vec![stream; 5] });
        assert_eq!(answer.windows.len(), 5);
        assert!(answer.windows.iter().all(|window| window.next == 1), "{answer:?}");
    }
}
