//! Turns: how they begin, whose word ends them, and what ends with them.
//!
//! queued -> inProgress -> completed | interrupted | failed. A terminal state has a source. Within one source
//! failed > interrupted > completed, and only upwards; a source of a higher rank replaces one of a lower rank in either
//! direction: codex > local > client > sweep.

use super::call::TurnRow;
use super::messages::{At, Message};
use super::rows::Rows;
use super::write::{Closing, MessageStatus, Source, StreamState, TurnStatus, Write};
use crate::event::item::Outcome;
use crate::event::methods::Newest;
use crate::limits::{CLOSING_MESSAGES_MAX, NOTE_BYTES_MAX, OPEN_ITEMS_MAX, TURN_SILENT_MS, TURN_STREAMS_MAX};

/// A turn while a plan is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    row: Option<u32>,
    /// Its id.
    pub turn_id: String,
    /// Its place in the thread.
    pub turn_order: u64,
    /// Its status.
    pub status: TurnStatus,
    /// Whose word a terminal status is.
    pub source: Option<Source>,
    /// Whether an item of it is known.
    pub has_items: bool,
    /// The turn that this is another name of.
    pub same_run_as: Option<String>,
    started: bool,
    started_at: Option<f64>,
    completed_at: Option<f64>,
    error: Option<String>,
    clear_error: bool,
    warning: Option<String>,
    /// Whether more may be open in it than was loaded.
    more: bool,
    changed: bool,
}

impl Turn {
    /// A turn that was loaded.
    pub fn loaded(row: &TurnRow<'_>, at: u32) -> Self {
        Self {
            row: Some(at),
            turn_id: row.turn_id.to_owned(),
            turn_order: row.turn_order,
            status: row.status,
            source: row.source,
            has_items: row.has_items,
            same_run_as: row.same_run_as.map(str::to_owned),
            started: row.started,
            started_at: None,
            completed_at: None,
            error: None,
            clear_error: false,
            warning: None,
            more: false,
            changed: false,
        }
    }

    fn made(turn_id: &str, turn_order: u64) -> Self {
        Self {
            row: None,
            turn_id: turn_id.to_owned(),
            turn_order,
            status: TurnStatus::InProgress,
            source: None,
            has_items: false,
            same_run_as: None,
            started: false,
            started_at: None,
            completed_at: None,
            error: None,
            clear_error: false,
            warning: None,
            more: false,
            changed: true,
        }
    }

    /// Whether it has ended.
    pub fn is_terminal(&self) -> bool {
        !matches!(self.status, TurnStatus::Queued | TurnStatus::InProgress)
    }

    /// Codex has begun it.
    fn begin(&mut self, at_ms: f64) -> bool {
        let mut begun = false;
        if self.status == TurnStatus::Queued {
            self.status = TurnStatus::InProgress;
            begun = true;
        }
        if !self.started {
            self.started = true;
            self.started_at = Some(at_ms);
            begun = true;
        }
        self.changed |= begun;
        begun
    }

    /// Ends it, if `source` may say so; answers whether its state changed.
    fn end(&mut self, outcome: Outcome, source: Source, error: Option<String>, at_ms: f64) -> bool {
        let status = turn_status_of(outcome);
        let moves = match (self.is_terminal(), self.source) {
            (false, _) | (true, None) => true,
            (true, Some(before)) if before == source => rank(status) > rank(self.status),
            (true, Some(before)) => source > before,
        };
        if !moves {
            return false;
        }
        self.clear_error = self.is_terminal() && error.is_none();
        self.status = status;
        self.source = Some(source);
        self.error = error.as_deref().map(note);
        self.completed_at = Some(at_ms);
        self.changed = true;
        true
    }

    /// Its end is undone, with what it said of it.
    fn reopen(&mut self) {
        self.status = if self.started { TurnStatus::InProgress } else { TurnStatus::Queued };
        self.source = None;
        self.clear_error = true;
        self.changed = true;
    }

    /// The write, where it changed.
    pub fn into_write(self, now_ms: f64) -> Option<Write> {
        let silent_at =
            if self.is_terminal() { self.more.then_some(now_ms) } else { Some(now_ms + TURN_SILENT_MS) };
        self.changed.then_some(Write::PutTurn {
            row: self.row,
            turn_id: self.turn_id,
            turn_order: self.turn_order,
            status: self.status,
            source: self.source,
            has_items: self.has_items,
            same_run_as: self.same_run_as,
            clear_error: self.clear_error,
            error: self.error,
            warning: self.warning,
            started_at: self.started_at,
            completed_at: self.completed_at,
            silent_at,
        })
    }
}

impl Rows<'_> {
    /// The turn's place in the list of turns, where its row exists.
    fn find_turn(&self, turn_id: &str) -> Option<usize> {
        self.turns.iter().position(|turn| turn.turn_id == turn_id)
    }

    /// The turn, where its row exists.
    pub fn turn(&self, turn_id: &str) -> Option<&Turn> {
        self.turns.get(self.find_turn(turn_id)?)
    }

    /// Codex began a turn.
    pub fn begin_turn(&mut self, turn_id: &str, at_ms: f64) {
        let at = self.find_or_make_turn(turn_id);
        if let Some(turn) = self.turns.get_mut(at)
            && !turn.is_terminal()
            && turn.begin(at_ms)
        {
            self.thread.touched = true;
        }
    }

    /// An item names a turn: the turn has begun, and has an item.
    pub fn turn_has_item(&mut self, turn_id: &str, at_ms: f64) {
        let at = self.find_or_make_turn(turn_id);
        let Some(turn) = self.turns.get_mut(at) else { return };
        if turn.same_run_as.take().is_some() {
            turn.reopen();
            for stream in self.streams.iter_mut().filter(|stream| stream.turn_id == turn_id) {
                stream.go_on(&self.closing_streams);
            }
            for (_, state) in self.closing_streams.iter_mut().filter(|(row, _)| row.turn_id == turn_id) {
                *state = Some(StreamState::Streaming);
            }
        }
        if !turn.has_items {
            turn.has_items = true;
            turn.changed = true;
        }
        if !turn.is_terminal() {
            self.thread.touched |= turn.begin(at_ms);
        }
    }

    /// Codex tries again after an error; of a turn that is not known the thread is warned.
    pub fn warn_turn(&mut self, at: At<'_>, warning: &str) {
        match self.find_turn(at.turn_id).and_then(|turn| self.turns.get_mut(turn)) {
            Some(turn) => {
                turn.changed = true;
                turn.warning = Some(note(warning));
            }
            None => self.keep_newest(at, Newest::Warning, warning),
        }
    }

    /// A turn ends by the word of `source`, and with it everything that is open in it. Answers whether that changes it: a
    /// word that does not is a repeat.
    pub fn end_turn(
        &mut self,
        turn_id: &str,
        outcome: Outcome,
        source: Source,
        error: Option<String>,
        at_ms: f64,
    ) -> bool {
        let at = self.find_or_make_turn(turn_id);
        self.end_at(at, outcome, source, error, at_ms)
    }

    /// Codex ended a turn: every other turn in progress that has no item ends too, for `review/start` gives one run two turn
    /// ids.
    pub fn end_run(&mut self, turn_id: &str, outcome: Outcome, at_ms: f64) {
        for other in 0..self.turns.len() {
            if let Some(turn) = self.turns.get_mut(other)
                && turn.turn_id != turn_id
                && turn.status == TurnStatus::InProgress
                && !turn.has_items
            {
                turn.same_run_as = Some(turn_id.to_owned());
                self.end_at(other, outcome, Source::Codex, None, at_ms);
            }
        }
    }

    fn end_at(
        &mut self,
        at: usize,
        outcome: Outcome,
        source: Source,
        error: Option<String>,
        at_ms: f64,
    ) -> bool {
        let Some(turn) = self.turns.get_mut(at) else { return false };
        let changed = turn.end(outcome, source, error, at_ms);
        let (turn_id, status) = (turn.turn_id.clone(), turn.status);
        self.thread.touched |= changed;
        let closed = self.close_what_is_open(&turn_id, status, changed, at_ms);
        // As many as one call loads: there may be more, and the sweep looks.
        if closed && let Some(turn) = self.turns.get_mut(at) {
            turn.more = true;
            turn.changed = true;
        }
        changed
    }

    /// Streams and messages of a turn that ended. Where the turn's state changed, messages that it closed follow. Answers
    /// whether as many were open as one call loads.
    fn close_what_is_open(&mut self, turn_id: &str, status: TurnStatus, follow: bool, at_ms: f64) -> bool {
        let ended = message_status_of(status);
        let (mut messages, mut streams) = (0, 0);
        for message in self.messages.iter_mut().filter(|message| message.turn_id == turn_id) {
            messages += usize::from(message.closing == Closing::Open);
            if message.closing == Closing::Open || (follow && message.closing == Closing::Turn) {
                message.close(ended, Closing::Turn, at_ms);
            }
        }
        self.end_requests(turn_id);
        let state =
            if status == TurnStatus::Completed { StreamState::Finished } else { StreamState::Aborted };
        for stream in self.streams.iter_mut().filter(|stream| stream.turn_id == turn_id) {
            stream.closed = true;
            stream.swept = false;
            stream.open.clear();
            stream.made_as = state;
        }
        for (row, closed) in self.closing_streams.iter_mut().filter(|(row, _)| row.turn_id == turn_id) {
            let was_open = row.state == StreamState::Streaming;
            streams += usize::from(was_open);
            if was_open || follow {
                *closed = Some(state);
            }
        }
        messages >= CLOSING_MESSAGES_MAX || streams >= TURN_STREAMS_MAX
    }

    /// A new event came on a stream of a turn that the sweep had ended: the turn goes on, and what closed with it. Where
    /// another stream brought that about before, the stream goes on with it.
    pub fn revive_turn(&mut self, turn_id: &str) {
        let turn = self.find_turn(turn_id).and_then(|at| self.turns.get_mut(at));
        let goes_on = turn.is_some_and(|turn| {
            if turn.source == Some(Source::Sweep) {
                turn.reopen();
                self.thread.touched = true;
                for message in self.messages.iter_mut().filter(|message| message.turn_id == turn_id) {
                    if message.closing == Closing::Turn {
                        message.reopen();
                    }
                }
                for (_, state) in self.closing_streams.iter_mut().filter(|(row, _)| row.turn_id == turn_id) {
                    *state = Some(StreamState::Streaming);
                }
            }
            !turn.is_terminal()
        });
        for stream in self.streams.iter_mut().filter(|stream| stream.swept && stream.turn_id == turn_id) {
            stream.swept = false;
            if goes_on {
                stream.go_on(&self.closing_streams);
                let mine = self.messages.iter().filter(|message| message.is_open_on(stream));
                stream.open = mine.take(OPEN_ITEMS_MAX).map(Message::open_row).collect();
            }
        }
    }

    fn find_or_make_turn(&mut self, turn_id: &str) -> usize {
        let at = self.find_turn(turn_id).unwrap_or_else(|| {
            self.turns.push(Turn::made(turn_id, self.thread.next_turn_order));
            self.thread.next_turn_order += 1;
            self.thread.touched = true;
            self.turns.len() - 1
        });
        let turn_order = self.turns.get(at).map(|turn| turn.turn_order);
        for stream in self.streams.iter_mut().filter(|stream| stream.turn_id == turn_id) {
            stream.turn_order = turn_order;
        }
        at
    }
}

/// The beginning of a text that a row keeps.
pub fn note(text: &str) -> String {
    text.get(..text.floor_char_boundary(NOTE_BYTES_MAX)).unwrap_or_default().to_owned()
}

fn rank(status: TurnStatus) -> u8 {
    match status {
        TurnStatus::Queued | TurnStatus::InProgress => 0,
        TurnStatus::Completed => 1,
        TurnStatus::Interrupted => 2,
        TurnStatus::Failed => 3,
    }
}

fn turn_status_of(outcome: Outcome) -> TurnStatus {
    match outcome {
        Outcome::Completed => TurnStatus::Completed,
        Outcome::Interrupted => TurnStatus::Interrupted,
        Outcome::Failed => TurnStatus::Failed,
    }
}

/// The status of a message that ends with its turn, or begins after it.
pub fn message_status_of(status: TurnStatus) -> MessageStatus {
    match status {
        TurnStatus::Queued | TurnStatus::InProgress => MessageStatus::Streaming,
        TurnStatus::Completed => MessageStatus::Completed,
        TurnStatus::Interrupted => MessageStatus::Interrupted,
        TurnStatus::Failed => MessageStatus::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_word_ends_a_turn() {
        use Outcome::{Completed, Failed, Interrupted};
        use Source::{Client, Codex, Local, Sweep};
        // first word, second word, does the second one count
        let cases = [
            ((Completed, Codex), (Failed, Codex), true),
            ((Failed, Codex), (Completed, Codex), false),
            ((Interrupted, Codex), (Completed, Codex), false),
            ((Completed, Codex), (Interrupted, Codex), true),
            ((Completed, Codex), (Completed, Codex), false),
            ((Interrupted, Local), (Completed, Codex), true),
            ((Failed, Local), (Interrupted, Codex), true),
            ((Completed, Codex), (Failed, Local), false),
            ((Interrupted, Client), (Completed, Codex), true),
            ((Interrupted, Client), (Completed, Local), true),
            ((Interrupted, Local), (Failed, Client), false),
            ((Interrupted, Sweep), (Interrupted, Client), true),
            ((Interrupted, Client), (Failed, Sweep), false),
        ];
        for ((outcome, source), (next, next_source), counts) in cases {
            let mut turn = Turn::made("u", 0);
            assert!(turn.end(outcome, source, None, 1.0));
            assert_eq!(
                turn.end(next, next_source, None, 2.0),
                counts,
                "{outcome:?} by {source:?}, {next:?} by {next_source:?}"
            );
        }
    }

    #[test]
    fn a_word_that_replaces_an_error_takes_it_away() {
        let mut turn = Turn::made("u", 0);
        turn.end(Outcome::Interrupted, Source::Local, Some("the app-server died".into()), 1.0);
        turn.end(Outcome::Completed, Source::Codex, None, 2.0);
        assert!(turn.clear_error);
        assert_eq!(turn.error, None);
    }
}
