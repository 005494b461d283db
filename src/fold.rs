//! Folding: the tail of a text, which lies in its stream's chunks, becomes part of its parts.
//!
//! A text is its parts, then the runs of its stream's chunks from the fold's cursor on, in cursor order. A fold fills the
//! last part and begins new ones: it rewrites at most that one, and the parts are cut where those of the whole text
//! would be. It ends before the first remembered hole in which text of the item may be missing.

use crate::delta::order::Range;
use crate::event::json::joined;
use crate::ingest::messages::parts;
use crate::ingest::write::{Run, Write};
use crate::limits::TEXT_PART_BYTES_MAX;
use crate::pack::Unpacker;
use crate::sorted::insert;

/// A text that is to be folded: its last part, and the runs behind the fold as far as they were loaded.
#[derive(Clone, Debug)]
pub struct FoldRow<'a> {
    /// The message's index among those that were loaded.
    pub message: u32,
    /// Where the fold stands.
    pub cursor: u64,
    /// An unpaired high half that waits there.
    pub pending_high: Option<u16>,
    /// UTF-8 bytes of the parts.
    pub text_bytes: u64,
    /// The number of the last part; 0 where there is none.
    pub part: u64,
    /// The last part; empty where there is none.
    pub last: &'a str,
    /// Runs of its text from the cursor on, in order.
    pub runs: Vec<Tail<'a>>,
    /// First cursor behind the chunks that were read for it.
    pub end: u64,
}

/// A run of text behind a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail<'a> {
    /// Cursor of its first delta.
    pub cursor_start: u64,
    /// The text.
    pub text: &'a str,
    /// An unpaired low half before it.
    pub leading_low: Option<u16>,
    /// An unpaired high half behind it.
    pub pending_high: Option<u16>,
}

/// What a fold makes of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// Where the fold stands.
    pub cursor: u64,
    /// UTF-8 bytes behind the last full part, the tail's that was seen included.
    pub fill: u64,
    /// UTF-8 bytes from the start of the part that it rewrites: below a part's size it will be rewritten again.
    pub rewritten: u64,
    pending_high: Option<u16>,
    text_bytes: u64,
    first_part: u64,
    parts: Vec<String>,
}

impl<'a> FoldRow<'a> {
    /// Reads one.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            message: u32::try_from(call.integer()).unwrap_or(u32::MAX),
            cursor: call.integer(),
            pending_high: half(call),
            text_bytes: call.integer(),
            part: call.integer(),
            last: call.text(),
            runs: call.list(|call| Tail {
                cursor_start: call.integer(),
                text: call.text(),
                leading_low: half(call),
                pending_high: half(call),
            }),
            end: call.integer(),
        }
    }

    /// Folds what lies below `limit`; `own` are runs that are not stored yet, in any order.
    pub fn fold(&self, own: &[&'a Run], limit: u64) -> Folded {
        let mut runs = self.runs.clone();
        for run in own {
            let behind = runs.partition_point(|before| before.cursor_start < run.cursor_start);
            insert(&mut runs, behind, Tail::of(run));
        }
        let cursor = limit.max(self.cursor);
        let mut text = Joiner { text: self.last.to_owned(), high: self.pending_high };
        let mut behind = 0;
        for run in runs.iter().filter(|run| run.cursor_start >= self.cursor) {
            if run.cursor_start < cursor {
                text.push(run);
            } else {
                behind += run.text.len();
            }
        }
        let grown = text.text.len().saturating_sub(self.last.len());
        let mut parts = parts(&text.text);
        let last = parts.last().map_or(0, String::len);
        let fill = behind + if last == TEXT_PART_BYTES_MAX { 0 } else { last };
        let unchanged = parts.first().is_some_and(|first| first == self.last);
        if unchanged {
            parts = parts.into_iter().skip(1).collect();
        }
        Folded {
            cursor,
            fill: fill as u64,
            rewritten: text.text.len() as u64,
            pending_high: text.high,
            text_bytes: self.text_bytes + grown as u64,
            first_part: self.part + u64::from(unchanged),
            parts,
        }
    }

    /// The write of what was folded, where that is something.
    pub fn write(&self, folded: Folded) -> Option<Write> {
        (folded.cursor > self.cursor).then_some(Write::FoldMessage {
            row: self.message,
            cursor: folded.cursor,
            pending_high: folded.pending_high,
            text_bytes: folded.text_bytes,
            first_part: folded.first_part,
            parts: folded.parts,
        })
    }
}

impl<'a> Tail<'a> {
    fn of(run: &'a Run) -> Self {
        let Run { cursor_start, ref text, leading_low, pending_high, .. } = *run;
        Self { cursor_start, text, leading_low, pending_high }
    }
}

/// Where a fold at `cursor` has to end for a hole. Of an item whose own start was not seen (`started`), the beginning may
/// lie in any hole.
pub fn limit_of(holes: &[Range], cursor: u64, started: bool) -> u64 {
    let hole = holes.iter().find(|hole| !started || hole.end > cursor);
    hole.map_or(u64::MAX, |hole| hole.start)
}

fn half(call: &mut Unpacker<'_>) -> Option<u16> {
    call.optional_integer().and_then(|half| u16::try_from(half).ok())
}

/// Joins runs: halves of a surrogate pair that meet become one character, what has no other half U+FFFD.
struct Joiner {
    text: String,
    high: Option<u16>,
}

impl Joiner {
    fn push(&mut self, run: &Tail<'_>) {
        if run.text.is_empty() && run.leading_low.is_none() && run.pending_high.is_none() {
            return;
        }
        match (self.high.take(), run.leading_low) {
            (Some(high), Some(low)) => self.text.push(joined(high, low)),
            (None, None) => {}
            _ => self.text.push(char::REPLACEMENT_CHARACTER),
        }
        self.text.push_str(run.text);
        self.high = run.pending_high;
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
