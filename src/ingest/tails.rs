//! The tails of open texts: how they grow, and when a batch folds them.
//!
//! A head knows of each text how much lies behind its last full part, and how much has been written to the stream since
//! its fold last moved. A batch that fills a part, or that finds too much to read behind the fold, folds the text up to
//! its own end: it writes at most its own text and one part.

use super::messages::Message;
use super::streams::Stream;
use super::write::{Channel, OpenFold, OpenItemRow, Run, Write};
use crate::event::payload::{Growth, Meaning, Payload};
use crate::fold::{FoldRow, limit_of};
use crate::limits::{FOLD_WEIGHT_MAX, TEXT_PART_BYTES_MAX};

const PART_BYTES: u64 = TEXT_PART_BYTES_MAX as u64;

impl Stream<'_> {
    /// Open items whose texts this batch has to fold. What ends in it needs no fold: its text comes whole, or the sweep
    /// folds it.
    pub fn due_folds(
        &self,
        readings: &[Result<Payload<'_>, &'static str>],
    ) -> impl Iterator<Item = &OpenItemRow> {
        let grows = self.head.is_some() && !self.closed;
        self.open.iter().filter(move |open| grows && self.is_due(open, readings))
    }

    fn is_due(&self, open: &OpenItemRow, readings: &[Result<Payload<'_>, &'static str>]) -> bool {
        let Some(fold) = open.fold else { return false };
        let limit = limit_of(&self.order.holes, fold.cursor, fold.started);
        let heavy = is_heavy(self.weight, &fold);
        let Some((_, first)) = self.accepted.first() else { return false };
        // What a hole holds back, the batch that fills it folds.
        let held = limit < self.order.latest && first.start >= self.latest_before() && !heavy;
        // A hole that is filled may hold its beginning: where that lies, the next batch knows.
        let earlier = !fold.started && first.start < fold.cursor;
        if limit <= fold.cursor || held || earlier {
            return false;
        }
        let mut fill = fold.fill;
        for (event, _) in &self.accepted {
            let Some(Ok(payload)) = readings.get(*event as usize) else { continue };
            match &payload.meaning {
                Meaning::ItemCompleted(item) if item.id == open.item_id => return false,
                Meaning::TurnEnded { .. } => return false,
                Meaning::ItemGrew { item_id, growth: Growth::Text(text), .. } if *item_id == open.item_id => {
                    fill += text.utf8.len() as u64;
                }
                _ => {}
            }
        }
        fill >= PART_BYTES || heavy
    }

    /// What the batch's `chunks` bring to the open texts; answers the folds of those whose `tails` were loaded.
    pub fn grow<'t, 'c: 't>(
        &mut self,
        chunks: &'c [Write],
        weight: u64,
        tails: impl Iterator<Item = &'t FoldRow<'t>>,
        messages: &[Message],
    ) -> Vec<Write> {
        self.weight += weight;
        let texts = || chunks.iter().flat_map(text_runs);
        for run in texts() {
            let open = self.open.iter_mut().find(|open| open.message_id == run.message_id);
            if let Some(fold) = open.and_then(|open| open.fold.as_mut()) {
                fold.fill += run.text.len() as u64;
            }
        }
        let mut writes = Vec::new();
        for tail in tails {
            let mine = messages.get(tail.message as usize).filter(|message| message.turn_id == self.turn_id);
            // Of one that begins elsewhere than was known, the next batch looks how far it is folded.
            let Some(message) = mine.filter(|message| !message.begins()) else { continue };
            let (order, latest_before) = (&self.order, self.latest_before());
            let open = self.open.iter_mut().find(|open| open.message_id == message.message_id);
            let Some(fold) = open.and_then(|open| open.fold.as_mut()) else { continue };
            let own: Vec<&Run> = texts().filter(|run| run.message_id == message.message_id).collect();
            let whole = tail.end >= latest_before;
            let seen = if whole { order.latest } else { tail.end };
            let folded = tail.fold(&own, limit_of(&order.holes, tail.cursor, fold.started).min(seen));
            // A hole lets too little through: a part that is not filled would be rewritten with each that follows.
            if whole && !is_heavy(self.weight, fold) && folded.rewritten < PART_BYTES {
                *fold = OpenFold { cursor: tail.cursor, fill: folded.fill, ..*fold };
                continue;
            }
            // What was not read is behind: the next batch goes on.
            *fold = OpenFold {
                cursor: folded.cursor,
                weight: if whole { self.weight } else { fold.weight },
                fill: if whole { folded.fill } else { PART_BYTES },
                started: fold.started,
            };
            writes.extend(tail.write(folded));
        }
        writes
    }
}

/// Whether a reader finds too much behind the fold.
fn is_heavy(weight: u64, fold: &OpenFold) -> bool {
    weight.saturating_sub(fold.weight) >= FOLD_WEIGHT_MAX
}

fn text_runs(write: &Write) -> impl Iterator<Item = &Run> {
    let runs = match write {
        Write::InsertChunk { runs, .. } => runs.as_slice(),
        _ => &[],
    };
    runs.iter().filter(|run| run.channel == Channel::Text)
}
