//! What a turn or a thread keeps the newest of: usage, diff, plan, goal, settings, warning.
//!
//! On a stream the newest is the one with the highest cursor, whatever the order of arrival; beside the streams it is the
//! last one. What is sent again of a turn that has ended, as a resumed or forked thread does, is not newer than the turn's
//! own word. Nothing here makes a turn: of one that is not known, usage and warnings are the thread's.

use super::messages::{At, parts};
use super::rows::Rows;
use super::turns::{Turn, note};
use super::write::Write;
use crate::event::methods::Newest;

/// Whether the usage of the turn at `order` is the thread's too; that is of the turn before `place`, 0 where it is of none
/// that is known.
pub fn is_thread_usage(order: u64, place: u64) -> bool {
    place <= order + 1
}

impl Rows<'_> {
    /// An event brings the newest of something; an empty text takes away what there is.
    pub fn keep_newest(&mut self, at: At<'_>, what: Newest, text: &str) {
        let turn = self.turn(at.turn_id);
        let (mut turn_order, ended) = (turn.map(|turn| turn.turn_order), turn.is_some_and(Turn::is_terminal));
        if let Some(stream) = at.stream.and_then(|stream| self.streams.get_mut(stream)) {
            if !stream.is_newest(what, at.cursor) {
                return;
            }
            turn_order = turn_order.or(stream.turn_order);
        } else if what.is_of_turn() && ended {
            return;
        }
        let of_thread = if what == Newest::Usage { self.takes_usage(turn_order) } else { !what.is_of_turn() };
        let turn_order = turn_order.filter(|_| what.is_of_turn());
        if turn_order.is_none() && !of_thread {
            return;
        }
        let parts = if what == Newest::Warning { parts(&note(text)) } else { parts(text) };
        let turn_id = at.turn_id.to_owned();
        let newest = Write::PutNewest { what, turn_id, turn_order, of_thread, parts };
        let same = |other: &&mut Write| match other {
            Write::PutNewest { what: before, turn_id, turn_order: order, .. } => {
                *before == what && (turn_order.is_none() && order.is_none() || turn_id == at.turn_id)
            }
            _ => false,
        };
        match self.newest.iter_mut().find(same) {
            Some(older) => *older = newest,
            None => self.newest.push(newest),
        }
    }

    /// Whether the thread's usage becomes a turn's. Where one batch brings both, the word of a turn that is known is newer
    /// than one of a turn that is not: the app-server repeats that before it begins another turn.
    fn takes_usage(&mut self, turn_order: Option<u64>) -> bool {
        let takes = match turn_order {
            Some(order) => is_thread_usage(order, self.usage_place),
            None => !self.usage_moved,
        };
        if let Some(order) = turn_order.filter(|_| takes) {
            self.usage_place = order + 1;
            self.usage_moved = true;
        }
        takes
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
