//! Chunks: what a batch brought to a contiguous range of a stream. They are the tail of the texts and the replay's
//! record at once.

use super::call::{Delta, IngestCall};
use super::write::{Channel, Run, StoredPayload, Write};
use crate::delta::order::Range;
use crate::event::json::{Text, joined};
use crate::limits::{CHUNK_BYTES_MAX, CHUNK_EVENTS_MAX, CHUNK_TTL_MS, CHUNK_WEIGHT_MIN};

/// What one event adds to its stream's chunks.
#[derive(Debug, Default)]
pub struct Addition<'r> {
    /// Text of a message.
    pub text: Option<RunText<'r>>,
    /// Its payload, where it is kept for replay.
    pub kept: Option<StoredPayload>,
    /// The item that it names.
    pub item_id: Option<&'r str>,
}

/// A message's id, what of it grows, and by which text.
pub type RunText<'r> = (&'r str, Channel, &'r Text);

/// The chunks of a stream: one for every contiguous run of its new events, more where one row would grow too large.
#[derive(Default)]
pub struct Chunks(Vec<Chunk>);

impl Chunks {
    /// Adds the next new event.
    pub fn add(&mut self, delta: &Delta<'_>, event: u32, range: Range, addition: Addition<'_>) {
        let read_bytes = addition.bytes(delta);
        let bytes = delta.event_id.len() + read_bytes;
        let fits = self.0.last().is_some_and(|chunk| chunk.takes(range, bytes));
        if !fits {
            self.0.push(Chunk { range: Range { start: range.start, end: range.start }, ..Chunk::default() });
        }
        if let Some(chunk) = self.0.last_mut() {
            chunk.take(event, range, bytes, addition);
            chunk.read_bytes = chunk.read_bytes.saturating_add(read_bytes);
        }
    }

    /// Their writes, and what reading them will weigh.
    pub fn into_writes(self, call: &IngestCall<'_>) -> (Vec<Write>, u64) {
        let weight = self.0.iter().map(|chunk| chunk.read_bytes.max(CHUNK_WEIGHT_MIN) as u64).sum();
        // Who wants its streams for longer than a day wants what is in them.
        let expires_at = call.now_ms + call.options.finished_stream_delete_delay_ms.max(CHUNK_TTL_MS);
        (self.0.into_iter().map(|chunk| chunk.into_write(expires_at)).collect(), weight)
    }
}

impl Addition<'_> {
    fn bytes(&self, delta: &Delta<'_>) -> usize {
        let text = self.text.map_or(0, |(message_id, _, text)| message_id.len() + text.utf8.len());
        if self.kept.is_some() { text + delta.payload_json.len() } else { text }
    }
}

struct Chunk {
    range: Range,
    events: Vec<u32>,
    runs: Vec<Run>,
    kept: Vec<StoredPayload>,
    item_ids: Vec<String>,
    bytes: usize,
    read_bytes: usize,
}

impl Default for Chunk {
    fn default() -> Self {
        let range = Range { start: 0, end: 0 };
        let (events, runs, kept, item_ids) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { range, events, runs, kept, item_ids, bytes: 0, read_bytes: 0 }
    }
}

impl Chunk {
    fn takes(&self, range: Range, bytes: usize) -> bool {
        self.range.end == range.start
            && self.events.len() < CHUNK_EVENTS_MAX
            && self.bytes.saturating_add(bytes) <= CHUNK_BYTES_MAX
    }

    fn take(&mut self, event: u32, range: Range, bytes: usize, addition: Addition<'_>) {
        self.range.end = range.end;
        self.events.push(event);
        self.bytes = self.bytes.saturating_add(bytes);
        if let Some(kept) = addition.kept {
            self.kept.push(kept);
            if let Some(item_id) = addition.item_id
                && !self.item_ids.iter().any(|other| other == item_id)
            {
                self.item_ids.push(item_id.to_owned());
            }
        }
        let Some((message_id, channel, text)) = addition.text else { return };
        let goes_on =
            self.runs.last().is_some_and(|run| run.message_id == message_id && run.channel == channel);
        if !goes_on {
            self.runs.push(Run {
                message_id: message_id.to_owned(),
                channel,
                cursor_start: range.start,
                cursor_end: range.end,
                text: String::new(),
                leading_low: None,
                pending_high: None,
            });
        }
        if let Some(run) = self.runs.last_mut() {
            run.cursor_end = range.end;
            run.append(text);
        }
    }

    fn into_write(self, expires_at: f64) -> Write {
        Write::InsertChunk {
            events: self.events,
            cursor_start: self.range.start,
            cursor_end: self.range.end,
            runs: self.runs,
            kept: self.kept,
            item_ids: self.item_ids,
            expires_at,
        }
    }
}

impl Run {
    /// Appends the next delta's text; halves of a surrogate pair that meet become one character.
    fn append(&mut self, next: &Text) {
        let empty = next.utf8.is_empty() && next.leading_low.is_none() && next.trailing_high.is_none();
        if empty {
            return;
        }
        let first = self.text.is_empty() && self.leading_low.is_none() && self.pending_high.is_none();
        match (self.pending_high.take(), next.leading_low) {
            (Some(high), Some(low)) => self.text.push(joined(high, low)),
            (Some(_), None) => self.text.push(char::REPLACEMENT_CHARACTER),
            (None, Some(low)) if first => self.leading_low = Some(low),
            (None, Some(_)) => self.text.push(char::REPLACEMENT_CHARACTER),
            (None, None) => {}
        }
        self.text.push_str(&next.utf8);
        self.pending_high = next.trailing_high;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_that_meet_become_one_character() {
        let mut run = Run {
            message_id: "m".into(),
            channel: Channel::Text,
            cursor_start: 0,
            cursor_end: 1,
            text: "a".into(),
            leading_low: None,
            pending_high: Some(0xD83D),
        };
        run.append(&Text::default());
        assert_eq!(run.pending_high, Some(0xD83D), "an empty delta parts nothing");
        run.append(&Text { leading_low: Some(0xDE00), utf8: "b".into(), trailing_high: Some(0xD83D) });
        assert_eq!((run.text.as_str(), run.pending_high), ("a😀b", Some(0xD83D)));
        run.append(&Text { leading_low: None, utf8: "c".into(), trailing_high: None });
        assert_eq!((run.text.as_str(), run.pending_high), ("a😀b\u{fffd}c", None));
        run.append(&Text { leading_low: Some(0xDE00), utf8: String::new(), trailing_high: None });
        assert_eq!(run.text, "a😀b\u{fffd}c\u{fffd}");
    }
}
