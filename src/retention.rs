//! Retention: what goes, and when. The shell reads what is due by its time; here it is decided what of it may go.

use crate::delta::order::Range;
use crate::event::item::Outcome;
use crate::fold::{FoldRow, limit_of};
use crate::ingest::call::{Loaded, range};
use crate::ingest::requests::of_stream;
use crate::ingest::rows::{Rows, Thread};
use crate::ingest::write::{HoleRow, Source, Write};
use crate::limits::{SESSION_STALE_MS, SESSION_TTL_MS, STREAM_DELETE_DELAY_DEFAULT_MS, TURN_SILENT_MS};
use crate::pack::{Misfit, Unpacker};
use serde::Serialize;
use tsify::Tsify;

/// The times before which sessions are due, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct SessionsDue {
    /// Last beats before it: the session is stale.
    pub stale_before: f64,
    /// Found stale before it: the session is forgotten.
    pub forgotten_before: f64,
}

/// Which sessions are due at `now_ms`.
pub fn sessions_due(now_ms: f64) -> SessionsDue {
    SessionsDue { stale_before: now_ms - SESSION_STALE_MS, forgotten_before: now_ms - SESSION_TTL_MS }
}

/// The first chunks of a stream, of which some are due.
#[derive(Clone, Debug)]
pub struct TrimCall<'a> {
    /// Whether they are due by their own time, and not by their stream's end: then holes before them are given up.
    pub overdue: bool,
    /// The stream's holes.
    pub holes: Vec<Range>,
    /// The messages whose texts they hold.
    pub messages: Vec<TrimMessage>,
    /// The folds of those of them whose parts are not the whole text.
    pub folds: Vec<FoldRow<'a>>,
    /// The chunks, in order, from the stream's first one on.
    pub chunks: Vec<TrimChunk>,
}

/// A message whose text a chunk holds.
#[derive(Clone, Copy, Debug)]
pub struct TrimMessage {
    /// Whether its parts are its whole text.
    pub whole: bool,
    /// Whether its item's own start or end was seen.
    pub started: bool,
}

/// A chunk.
#[derive(Clone, Debug)]
pub struct TrimChunk {
    /// What it covers.
    pub range: Range,
    /// Whether it is due.
    pub due: bool,
    /// Its texts: the message's index, and where the run begins.
    pub texts: Vec<(u32, u64)>,
}

/// What goes of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct TrimAnswer {
    /// The folds.
    pub writes: Vec<Write>,
    /// The chunks that go: their indexes.
    pub gone: Vec<u32>,
    /// The holes that are left, where some are given up.
    #[tsify(optional)]
    pub holes: Option<Vec<HoleRow>>,
}

impl<'a> TrimCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let index = |call: &mut Unpacker<'_>| u32::try_from(call.integer()).unwrap_or(u32::MAX);
        let read = Self {
            overdue: call.flag(),
            holes: call.list(range),
            messages: call.list(|call| TrimMessage { whole: call.flag(), started: call.flag() }),
            folds: call.list(FoldRow::unpack),
            chunks: call.list(|call| TrimChunk {
                range: range(call),
                due: call.flag(),
                texts: call.list(|call| (index(call), call.integer())),
            }),
        };
        call.end(read)
    }
}

/// Decides which of a stream's chunks go: those that are due and lie below the fold of every text in them. The texts are
/// folded first. A hole before a chunk that is overdue is given up: it counts as accepted and empty.
pub fn plan_trim(call: &TrimCall<'_>) -> TrimAnswer {
    let due = call.chunks.iter().filter(|chunk| chunk.due && call.overdue);
    let given_up = due.map(|chunk| chunk.range.end).max().unwrap_or(0);
    let holes: Vec<Range> = call.holes.iter().copied().filter(|hole| hole.start >= given_up).collect();
    let mut cursors: Vec<Option<u64>> = vec![None; call.messages.len()];
    let mut writes = Vec::new();
    for row in &call.folds {
        let at = row.message as usize;
        let started = call.messages.get(at).is_some_and(|message| message.started);
        let folded = row.fold(&[], limit_of(&holes, row.cursor, started).min(row.end));
        if let Some(cursor) = cursors.get_mut(at) {
            *cursor = Some(folded.cursor);
        }
        writes.extend(row.write(folded));
    }
    // What may yet fill a hole before a text undoes its fold.
    let behind_hole = |start: u64| holes.first().is_some_and(|hole| hole.start < start);
    let below_fold = |(message, start): &(u32, u64)| {
        let at = *message as usize;
        let whole = call.messages.get(at).is_some_and(|message| message.whole);
        whole
            || !behind_hole(*start)
                && cursors.get(at).copied().flatten().is_some_and(|cursor| *start < cursor)
    };
    let goes = |chunk: &TrimChunk| chunk.due && chunk.texts.iter().all(below_fold);
    let gone = call.chunks.iter().zip(0..).filter(|(chunk, _)| goes(chunk)).map(|(_, at)| at).collect();
    let left = || holes.iter().map(|hole| HoleRow { start: hole.start, end: hole.end }).collect();
    TrimAnswer { writes, gone, holes: (holes.len() < call.holes.len()).then(left) }
}

/// A turn of which perhaps nothing was heard for a day.
#[derive(Clone, Debug)]
pub struct SilenceCall<'a> {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// The last beat of the thread's writer, in milliseconds, if there is a writer.
    pub last_beat_ms: Option<f64>,
    /// The runtime behind that writer, where it is known.
    pub runtime_id: Option<&'a str>,
    /// Why the turn ends whatever was heard, if it does.
    pub reason: Option<&'a str>,
    /// The turn (alone), its open messages, its streams, and the last event of each that is there.
    pub loaded: Loaded<'a>,
}

/// What becomes of such a turn.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum SilenceAnswer {
    /// Something was heard: it is asked again then, in milliseconds.
    Postponed {
        /// When.
        silent_at: f64,
    },
    /// It ends, with everything that is open in it.
    Ended {
        /// The rows.
        writes: Vec<Write>,
    },
}

/// Why the sweep ends a turn.
const SILENT: &str = "no event and no beat for 24 h";
const TAKEN: &str = "another runtime writes the thread";

impl<'a> SilenceCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            now_ms: call.number(),
            last_beat_ms: call.optional_number(),
            runtime_id: call.optional_text(),
            reason: call.optional_text(),
            loaded: Loaded::unpack(&mut call),
        };
        call.end(read)
    }

    /// Whether the runtime that told of the turn is not the one that writes its thread: nothing of it would be taken, and the
    /// beats of another are no word of it. Where either is not known, it may be the same.
    fn is_taken(&self) -> bool {
        let places = self.loaded.places.iter();
        let mut told = places
            .filter_map(|place| of_stream(place.event_id, place.stream_id, place.range.start)?.runtime_id);
        let of_writer = |runtime_id| self.runtime_id.is_none_or(|writer| writer == runtime_id);
        told.next().is_some_and(|first| !of_writer(first) && !told.any(of_writer))
    }
}

/// Decides whether a turn has been silent for [`TURN_SILENT_MS`]: an ingest is a beat, too. One whose thread another runtime
/// took ends at once: should its own take the thread back, its next event undoes that. Of one that has ended, closes what its
/// end left open.
pub fn plan_silence(call: &SilenceCall<'_>) -> SilenceAnswer {
    // One that has ended is here for what is still open in it.
    let goes_on = call.loaded.turns.first().is_some_and(|turn| turn.source.is_none());
    let is_taken = call.is_taken();
    let silent_at = call.last_beat_ms.filter(|_| goes_on && !is_taken).map(|beat| beat + TURN_SILENT_MS);
    if let Some(silent_at) = silent_at.filter(|at| *at > call.now_ms && call.reason.is_none()) {
        return SilenceAnswer::Postponed { silent_at };
    }
    let thread = Thread::existing();
    let delay_ms = STREAM_DELETE_DELAY_DEFAULT_MS;
    let mut rows = Rows::load(thread, Some(&call.loaded), Vec::new(), call.now_ms, delay_ms);
    if let Some(turn) = call.loaded.turns.first() {
        let reason = call.reason.unwrap_or(if is_taken { TAKEN } else { SILENT }).to_owned();
        rows.end_turn(turn.turn_id, Outcome::Interrupted, Source::Sweep, Some(reason), call.now_ms);
    }
    SilenceAnswer::Ended { writes: rows.into_writes() }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "retention_tests.rs"]
mod tests;
