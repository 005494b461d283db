//! What a turn or a thread keeps the newest of: usage, diff, plan, goal, settings, warning.
//!
//! On a stream the newest is the one with the highest cursor, whatever the order of arrival; beside the streams it is the
//! last one. What is sent again of a turn that has ended, as a resumed or forked thread does, is not newer than the turn's
//! own word. Nothing here makes a turn: of one that is not known, usage and warnings are the thread's.

use super::messages::{At, parts};
use super::rows::Rows;
use super::write::Write;
use crate::event::methods::Newest;

/// The newest of one kind that a batch brought to a turn, or to the thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    what: Newest,
    /// Whether the turn keeps it; else the thread does.
    of_turn: bool,
    /// The turn that it came from.
    turn_id: String,
    turn_order: Option<u64>,
    text: Option<String>,
}

/// The thread's usage as a plan finds and leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageOf {
    /// It has none.
    Nobody,
    /// Of a turn that the thread does not know.
    Unknown,
    /// Of the turn at this place.
    Turn(u64),
}

impl UsageOf {
    /// As it is packed: none where there is none, 0 for a turn that is not known, else one more than its place.
    pub fn from_packed(packed: Option<u64>) -> Self {
        match packed {
            None => UsageOf::Nobody,
            Some(place) => place.checked_sub(1).map_or(UsageOf::Unknown, UsageOf::Turn),
        }
    }

    /// Whether the usage of a turn is newer than the thread's: a later turn's is, and that of a turn without a place.
    pub fn yields_to(self, turn_order: Option<u64>) -> bool {
        match (self, turn_order) {
            (UsageOf::Turn(before), Some(order)) => before <= order,
            _ => true,
        }
    }
}

impl Kept {
    /// The write.
    pub fn into_write(self) -> Write {
        Write::PutNewest {
            what: self.what,
            of_turn: self.of_turn,
            turn_id: self.turn_id,
            turn_order: self.turn_order,
            parts: self.text.as_deref().map(parts).unwrap_or_default(),
        }
    }
}

impl Rows<'_> {
    /// An event brings the newest of something.
    pub fn keep_newest(&mut self, at: At<'_>, what: Newest, text: Option<&str>) {
        let stream = at.stream.and_then(|stream| self.streams.get_mut(stream));
        let on_stream = stream.as_ref().and_then(|stream| stream.turn_order);
        if stream.is_some_and(|stream| !stream.is_newest(what, at.cursor)) {
            return;
        }
        if !what.is_of_turn() {
            return self.keep(at, what, false, None, text);
        }
        let turn = self.find_turn(at.turn_id).and_then(|turn| self.turns.get(turn));
        let known = turn.map(|turn| turn.turn_order).or(on_stream);
        let is_repeat = at.stream.is_none() && turn.is_some_and(|turn| turn.is_terminal());
        if known.is_some() && !is_repeat {
            self.keep(at, what, true, known, text);
        }
        if what == Newest::Usage && self.takes_usage(known, is_repeat) {
            self.usage_of = known.map_or(UsageOf::Unknown, UsageOf::Turn);
            self.keep(at, what, false, known, text);
        }
    }

    /// Whether the thread's usage is a turn's. Where one batch brings both, the word of a turn that is known is newer than
    /// one of a turn that is not: the app-server repeats that before it begins another turn.
    fn takes_usage(&self, known: Option<u64>, is_repeat: bool) -> bool {
        if is_repeat {
            return self.usage_of == UsageOf::Nobody;
        }
        let said = self.newest.iter().any(|kept| !kept.of_turn && kept.turn_order.is_some());
        (known.is_some() || !said) && self.usage_of.yields_to(known)
    }

    fn keep(&mut self, at: At<'_>, what: Newest, of_turn: bool, turn_order: Option<u64>, text: Option<&str>) {
        let turn_id = at.turn_id.to_owned();
        let kept = Kept { what, of_turn, turn_id, turn_order, text: text.map(str::to_owned) };
        let same = |other: &&mut Kept| {
            other.what == what && other.of_turn == of_turn && (!of_turn || other.turn_id == at.turn_id)
        };
        match self.newest.iter_mut().find(same) {
            Some(older) => *older = kept,
            None => self.newest.push(kept),
        }
    }
}
