//! Chunks: what a batch brought to a contiguous range of a stream. They are the tail of the texts and the replay's
//! record at once.

use super::call::IngestCall;
use super::streams::Stream;
use super::write::{Channel, Run, StoredPayload, Write};
use crate::delta::order::Range;
use crate::event::json::{Text, joined};
use crate::limits::{CHUNK_BYTES_MAX, CHUNK_EVENTS_MAX, CHUNK_TTL_MS, CHUNK_WEIGHT_MIN};

/// What one event adds to its stream's chunks.
#[derive(Debug, Default)]
pub struct Addition {
    /// Text of a message.
    pub text: Option<(String, Channel, Text)>,
    /// Its payload, where it is kept for replay.
    pub kept: Option<StoredPayload>,
    /// The item that a kept payload names.
    pub item_id: Option<String>,
}

/// The chunks of a stream: one for every contiguous run of its new events, more where one row would grow too large.
///
/// Answers what reading them will weigh beside them.
pub fn writes(call: &IngestCall<'_>, stream: &Stream<'_>, additions: Vec<Addition>) -> (Vec<Write>, u64) {
    let mut chunks: Vec<Chunk> = Vec::new();
    for ((event, range), addition) in stream.accepted.iter().zip(additions) {
        let id_bytes = call.deltas.get(*event as usize).map_or(0, |delta| delta.event_id.len());
        let read_bytes = addition.bytes(call);
        let bytes = id_bytes + read_bytes;
        let fits = chunks.last().is_some_and(|chunk| chunk.takes(*range, bytes));
        if !fits {
            chunks.push(Chunk { range: Range { start: range.start, end: range.start }, ..Chunk::default() });
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.take(*event, *range, bytes, addition);
            chunk.read_bytes = chunk.read_bytes.saturating_add(read_bytes);
        }
    }
    let weight = chunks.iter().map(|chunk| chunk.read_bytes.max(CHUNK_WEIGHT_MIN) as u64).sum();
    // Who wants its streams for longer than a day wants what is in them.
    let expires_at = call.now_ms + call.options.finished_stream_delete_delay_ms.max(CHUNK_TTL_MS);
    (chunks.into_iter().map(|chunk| chunk.into_write(expires_at)).collect(), weight)
}

impl Addition {
    fn bytes(&self, call: &IngestCall<'_>) -> usize {
        let text = self.text.as_ref().map_or(0, |(message_id, _, text)| message_id.len() + text.utf8.len());
        let kept = self.kept.as_ref().and_then(|kept| call.deltas.get(kept.event as usize));
        text + kept.map_or(0, |delta| delta.payload_json.len())
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

    fn take(&mut self, event: u32, range: Range, bytes: usize, addition: Addition) {
        self.range.end = range.end;
        self.events.push(event);
        self.bytes = self.bytes.saturating_add(bytes);
        self.kept.extend(addition.kept);
        self.item_ids.extend(addition.item_id.filter(|item_id| !self.item_ids.contains(item_id)));
        let Some((message_id, channel, text)) = addition.text else { return };
        match self.runs.last_mut() {
            Some(run) if run.message_id == message_id && run.channel == channel => {
                run.cursor_end = range.end;
                run.append(text);
            }
            _ => self.runs.push(Run {
                message_id,
                channel,
                cursor_start: range.start,
                cursor_end: range.end,
                text: text.utf8,
                leading_low: text.leading_low,
                pending_high: text.trailing_high,
            }),
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
    fn append(&mut self, next: Text) {
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
        run.append(Text::default());
        assert_eq!(run.pending_high, Some(0xD83D), "an empty delta parts nothing");
        run.append(Text { leading_low: Some(0xDE00), utf8: "b".into(), trailing_high: Some(0xD83D) });
        assert_eq!((run.text.as_str(), run.pending_high), ("a😀b", Some(0xD83D)));
        run.append(Text { leading_low: None, utf8: "c".into(), trailing_high: None });
        assert_eq!((run.text.as_str(), run.pending_high), ("a😀b\u{fffd}c", None));
        run.append(Text { leading_low: Some(0xDE00), utf8: String::new(), trailing_high: None });
        assert_eq!(run.text, "a😀b\u{fffd}c\u{fffd}");
    }
}
