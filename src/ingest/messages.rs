//! Messages: the durable face of items.
//!
//! `item/started` makes one, deltas grow it (in chunks, not in its row), `item/completed` is the last word on text and
//! status. An item's id may be used again: a later `item/started` is another occurrence, with a message of its own.
//!
//! An occurrence covers its stream from the first event that named it to its end. While a hole is remembered inside, two
//! uses may still look like one: the message knows where its item may have begun again (`restart`), and an end that comes
//! before that parts the two. The earlier one gets a new message, for its end brings its whole text; the later one keeps
//! its own.

use super::call::MessageRow;
use super::rows::Rows;
use super::streams::Stream;
use super::turns::message_status_of;
use super::write::{
    Closing, MessageContent, MessageMade, MessageStatus, OpenFold, OpenItemRow, Restart, StoredPayload,
    StreamJoined, TurnStatus, Write,
};
use crate::event::item::{Item, Outcome, REASONING, role_of_type};
use crate::event::json::Json;
use crate::limits::{OPEN_ITEMS_MAX, TEXT_PART_BYTES_MAX};
use crate::pack::{push_number, units_of_bytes};
use std::ops::Range;

/// A message while a plan is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    row: Option<u32>,
    /// Its turn.
    pub turn_id: String,
    /// Its item.
    pub item_id: String,
    /// Its own id.
    pub message_id: String,
    /// How often the item's id was used before, plus one.
    pub occurrence: u64,
    /// The stream that its text grows from, whose cursors the next two are; none where a lifecycle event made it.
    stream_id: Option<String>,
    start_cursor: u64,
    end_cursor: Option<u64>,
    restart: Option<Restart>,
    status: MessageStatus,
    /// What ended it.
    pub closing: Closing,
    made: Option<MessageMade>,
    joined: Option<StreamJoined>,
    content: Option<MessageContent>,
    text_whole: Option<bool>,
    /// Whether its parts are its whole text, as it was loaded.
    pub was_whole: bool,
    started: bool,
    completed_at: Option<f64>,
    reopened: bool,
    changed: bool,
}

/// Where an event stands: on a stream, or beside all of them.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The event's index in the batch.
    pub event: u32,
    /// Its turn.
    pub turn_id: &'a str,
    /// Its stream's index, none for lifecycle events.
    pub stream: Option<usize>,
    /// Its cursor; 0 for lifecycle events, so that a second start is a repeat.
    pub cursor: u64,
    /// The sender's clock, in milliseconds.
    pub at_ms: f64,
    /// The payload that slices are of.
    pub payload_json: &'a str,
    /// Whether raw reasoning is stored.
    pub expose_raw: bool,
}

impl Message {
    /// A message that was loaded.
    pub fn loaded(row: &MessageRow<'_>, at: u32) -> Self {
        Self {
            row: Some(at),
            turn_id: row.turn_id.to_owned(),
            item_id: row.item_id.to_owned(),
            message_id: row.message_id.to_owned(),
            occurrence: row.occurrence,
            stream_id: row.stream_id.map(str::to_owned),
            start_cursor: row.start_cursor,
            end_cursor: row.end_cursor,
            restart: row.restart,
            status: row.status,
            closing: row.closing,
            made: None,
            joined: None,
            content: None,
            text_whole: None,
            was_whole: row.text_whole,
            started: row.started,
            completed_at: None,
            reopened: false,
            changed: false,
        }
    }

    /// Whether it grows from this stream, whose cursors then say what came before what.
    fn is_of(&self, stream: Option<&Stream<'_>>) -> bool {
        stream.is_some_and(|stream| self.stream_id.as_deref() == Some(stream.id))
    }

    /// Whether it is made, or begins elsewhere than was known.
    pub fn begins(&self) -> bool {
        self.made.is_some()
    }

    /// Whether its text goes on, on this stream.
    pub fn is_open_on(&self, stream: &Stream<'_>) -> bool {
        self.closing == Closing::Open && self.turn_id == stream.turn_id && self.is_of(Some(stream))
    }

    /// It goes on: the end of its turn, which closed it, is undone.
    pub fn reopen(&mut self) {
        self.status = MessageStatus::Streaming;
        self.closing = Closing::Open;
        self.reopened = true;
        self.changed = true;
    }

    /// As a head remembers it that has not seen how far it is folded: its row knows, and the next batch looks.
    pub fn open_row(&self) -> OpenItemRow {
        let fill = TEXT_PART_BYTES_MAX as u64;
        let fold = OpenFold { cursor: self.start_cursor, weight: 0, fill, started: self.started };
        OpenItemRow {
            item_id: self.item_id.clone(),
            message_id: self.message_id.clone(),
            start_cursor: self.start_cursor,
            fold: (!self.was_whole).then_some(fold),
        }
    }

    /// Ends it.
    pub fn close(&mut self, status: MessageStatus, closing: Closing, at_ms: f64) {
        if self.status == status && self.closing == closing {
            return;
        }
        self.status = status;
        self.closing = closing;
        self.completed_at = Some(at_ms);
        self.changed = true;
    }

    /// The write, where it changed.
    pub fn into_write(self) -> Option<Write> {
        self.changed.then_some(Write::PutMessage {
            row: self.row,
            turn_id: self.turn_id,
            item_id: self.item_id,
            message_id: self.message_id,
            made: self.made,
            joined: self.joined,
            status: self.status,
            closing: self.closing,
            end_cursor: self.end_cursor,
            restart: self.restart,
            content: self.content,
            text_whole: self.text_whole,
            completed_at: self.completed_at,
            reopened: self.reopened,
        })
    }
}

impl Rows<'_> {
    /// `item/started`
    pub fn start_item(&mut self, at: At<'_>, item: &Item<'_>) {
        if self.is_imported_before(at, &item.id) {
            return;
        }
        self.item_names_turn(at);
        let uses = self.uses(at, &item.id);
        if let Some(found) = uses.around {
            let hole = self.stream(at).is_some_and(|stream| stream.order.has_hole_below(at.cursor));
            if let Some(message) = self.messages.get_mut(found)
                && hole
                && message.restart.is_none_or(|known| !known.seen || known.cursor < at.cursor)
            {
                message.restart = Some(Restart { cursor: at.cursor, seen: true });
                message.changed = true;
            }
            return;
        }
        if let Some(found) = uses.above {
            self.begin_earlier(found, at, Some(content_of(item, at)));
            return;
        }
        if let Some(found) = uses.elsewhere {
            self.join_stream(found, at);
            return;
        }
        let made = self.make_message(at, at.cursor, &item.id);
        if let Some(message) = self.messages.get_mut(made) {
            message.content = Some(content_of(item, at));
            message.text_whole = Some(!text_grows(&item.item_type));
            message.started = true;
        }
        self.open_fold(at, made, &item.item_type, item.text.len(), true);
    }

    /// `item/completed`
    pub fn complete_item(&mut self, at: At<'_>, item: &Item<'_>) {
        if self.is_imported_before(at, &item.id) {
            return;
        }
        self.item_names_turn(at);
        let uses = self.uses(at, &item.id);
        let found = match uses.around {
            Some(found) => self.part(found, at, item),
            None => {
                uses.elsewhere.or(uses.below).unwrap_or_else(|| self.make_message(at, at.cursor, &item.id))
            }
        };
        let stream = at.stream.and_then(|stream| self.streams.get(stream));
        let Some(message) = self.messages.get_mut(found) else { return };
        message.content = Some(content_of(item, at));
        message.text_whole = Some(true);
        if message.is_of(stream) {
            message.end_cursor = Some(at.cursor);
            if !message.started && message.restart.is_none_or(|known| !known.seen) {
                message.restart = Some(Restart { cursor: message.start_cursor, seen: false });
            }
        }
        message.changed = true;
        message.close(status_of(item.outcome), Closing::Item, at.at_ms);
        let message_id = message.message_id.clone();
        if let Some(stream) = at.stream.and_then(|stream| self.streams.get_mut(stream)) {
            stream.open.retain(|open| open.message_id != message_id);
        }
    }

    /// Answers what an end inside a message ends: the message, or an earlier use of its item, where it began again behind.
    fn part(&mut self, found: usize, at: At<'_>, item: &Item<'_>) -> usize {
        let Some(message) = self.messages.get(found) else { return found };
        let begun = message.restart.filter(|restart| restart.cursor > at.cursor);
        // Of one that has ended its end is known, and this is another's.
        let ended = message.end_cursor.map(|cursor| Restart { cursor, seen: false });
        let Some(behind) = begun.or(ended) else { return found };
        let start_cursor = message.start_cursor;
        let made = self.make_message(at, start_cursor, &item.id);
        if let Some(earlier) = self.messages.get_mut(made) {
            earlier.started = true;
        }
        self.begin_at(found, at, behind.cursor, Some(behind).filter(|behind| !behind.seen));
        made
    }

    /// A delta: answers the message that its text belongs to, none where that text is complete.
    pub fn grow_item(&mut self, at: At<'_>, item_id: &str, item_type: &str) -> Option<&str> {
        if let Some(stream) = at.stream
            && let Some(open) = self.streams.get(stream)?.open_item(item_id, at.cursor)
        {
            return Some(&self.streams.get(stream)?.open.get(open)?.message_id);
        }
        if self.is_imported_before(at, item_id) {
            return None;
        }
        self.item_names_turn(at);
        let uses = self.uses(at, item_id);
        if let Some(found) = uses.above.filter(|_| uses.around.is_none()) {
            self.begin_earlier(found, at, None);
        }
        if let Some(found) = uses.around.or(uses.above).or(uses.elsewhere).or(uses.below) {
            self.join_stream(found, at);
            let message = self.messages.get(found)?;
            return (message.closing != Closing::Item).then_some(&message.message_id);
        }
        let made = self.make_message(at, at.cursor, item_id);
        let message = self.messages.get_mut(made)?;
        message.content = Some(no_words(item_type));
        message.text_whole = Some(!text_grows(item_type));
        self.open_fold(at, made, item_type, 0, false);
        self.messages.get(made).map(|message| message.message_id.as_str())
    }

    /// The head remembers how far the text of a message that was just made is folded, if deltas grow it.
    fn open_fold(&mut self, at: At<'_>, made: usize, item_type: &str, bytes: usize, started: bool) {
        let Some(message) = self.messages.get(made).filter(|_| text_grows(item_type)) else { return };
        let Some(stream) = at.stream.and_then(|stream| self.streams.get_mut(stream)) else { return };
        let fold = OpenFold { cursor: at.cursor, weight: stream.weight, fill: bytes as u64, started };
        for open in stream.open.iter_mut().filter(|open| open.message_id == message.message_id) {
            open.fold = Some(fold);
        }
    }

    /// The stream that an event stands on.
    pub fn stream(&self, at: At<'_>) -> Option<&Stream<'_>> {
        at.stream.and_then(|stream| self.streams.get(stream))
    }

    /// Whether the event is a history import's, and another stream or a lifecycle event brought its item.
    fn is_imported_before(&self, at: At<'_>, item_id: &str) -> bool {
        let stream = self.stream(at);
        let brought = |message: &Message| {
            message.item_id == item_id && message.turn_id == at.turn_id && !message.is_of(stream)
        };
        stream.is_some_and(|stream| stream.import) && self.messages.iter().any(brought)
    }

    /// A message that a lifecycle event made grows from the first stream that has text of it. Text of one item on two streams
    /// has no order: the first one's is shown until the item's end says it all. No bridge sends it so.
    fn join_stream(&mut self, found: usize, at: At<'_>) {
        let Some(stream) = at.stream.and_then(|stream| self.streams.get_mut(stream)) else { return };
        let Some(message) = self.messages.get_mut(found) else { return };
        if message.stream_id.is_some() || message.closing == Closing::Item {
            return;
        }
        message.stream_id = Some(stream.id.to_owned());
        message.start_cursor = at.cursor;
        message.joined = Some(StreamJoined { event: at.event, start_cursor: at.cursor });
        message.changed = true;
        if message.closing == Closing::Open && stream.open.len() < OPEN_ITEMS_MAX {
            stream.open.push(message.open_row());
        }
    }

    /// A hole held the item's first events: it began before the first one that came. Its text is read anew from there: what
    /// was folded of it lies behind. `words` are those of its own start, where this is that.
    fn begin_earlier(&mut self, found: usize, at: At<'_>, words: Option<MessageContent>) {
        let Some(message) = self.messages.get_mut(found) else { return };
        let started = message.started;
        let only_known = message.closing == Closing::Item && words.is_none();
        if message.closing != Closing::Item {
            message.started |= words.is_some();
            message.content = words;
        }
        let restart = match message.restart {
            Some(known) if known.seen => known,
            // It began with its own start, where that is not what is not known.
            known => {
                let cursor = message.start_cursor;
                let own = started && known.is_none_or(|known| known.cursor != cursor);
                let unseen = if only_known {
                    at.cursor
                } else {
                    known.map_or(cursor, |known| known.cursor.max(cursor))
                };
                Restart { cursor: if own { cursor } else { unseen }, seen: own }
            }
        };
        self.begin_at(found, at, at.cursor, Some(restart));
    }

    /// A message of the event's stream begins at `cursor`, whatever was known.
    fn begin_at(&mut self, found: usize, at: At<'_>, cursor: u64, restart: Option<Restart>) {
        let order_in_turn = self.order_of(at, cursor);
        let Some(message) = self.messages.get_mut(found) else { return };
        message.start_cursor = cursor;
        message.restart = restart;
        message.changed = true;
        message.made = Some(MessageMade {
            turn_order: message.made.as_ref().map_or(0, |made| made.turn_order),
            order_in_turn,
            occurrence: message.occurrence,
            start_cursor: cursor,
            event: at.event,
        });
        let Some(stream) = at.stream.and_then(|stream| self.streams.get_mut(stream)) else { return };
        for open in stream.open.iter_mut().filter(|open| open.message_id == message.message_id) {
            *open = message.open_row();
        }
    }

    /// The place in its turn of an item that this event names first.
    fn order_of(&self, at: At<'_>, cursor: u64) -> u64 {
        if self.stream(at).is_some_and(|stream| stream.main) { cursor } else { self.next_order(at.turn_id) }
    }

    fn item_names_turn(&mut self, at: At<'_>) {
        let known = at.stream.and_then(|stream| self.streams.get(stream));
        if known.is_none_or(|stream| stream.closed || !stream.has_items || stream.turn_order.is_none()) {
            self.turn_has_item(at.turn_id, at.at_ms);
        }
        if let Some(stream) = at.stream.and_then(|stream| self.streams.get_mut(stream)) {
            stream.has_items = true;
        }
    }

    /// The uses of an item's id that are about an event.
    fn uses(&self, at: At<'_>, item_id: &str) -> Uses {
        let mut uses = Uses::default();
        let stream = self.stream(at);
        let mine = |message: &Message| message.item_id == item_id && message.turn_id == at.turn_id;
        let start = |found: Option<usize>| {
            found.and_then(|found| self.messages.get(found)).map(|row| row.start_cursor)
        };
        for (index, message) in self.messages.iter().enumerate().filter(|(_, message)| mine(message)) {
            if !message.is_of(stream) {
                uses.elsewhere = Some(index);
            } else if message.start_cursor > at.cursor {
                if start(uses.above).is_none_or(|above| message.start_cursor < above) {
                    uses.above = Some(index);
                }
            } else if message.end_cursor.is_none_or(|end| at.cursor <= end) {
                uses.around = Some(index);
            } else if start(uses.below) <= Some(message.start_cursor) {
                uses.below = Some(index);
            }
        }
        // What lies between the end below and the event may be the start of another use.
        let end = uses.below.and_then(|below| self.messages.get(below)?.end_cursor);
        let begun_since = |stream: &Stream<'_>| {
            stream.order.holes.iter().any(|hole| hole.start < at.cursor && Some(hole.end) > end)
        };
        if uses.above.is_some() || stream.is_some_and(begun_since) {
            uses.below = None;
        }
        if uses.above.or(uses.around).or(uses.below).is_some() || end.is_some() {
            uses.elsewhere = None;
        }
        uses
    }

    fn make_message(&mut self, at: At<'_>, cursor: u64, item_id: &str) -> usize {
        let known = self.messages.iter().filter(|row| row.item_id == item_id && row.turn_id == at.turn_id);
        let occurrence = known.map(|row| row.occurrence).max().unwrap_or(0) + 1;
        let message_id = message_id_of(item_id, occurrence);
        let turn = self.turn(at.turn_id);
        let stream = self.stream(at);
        let stream_id = stream.map(|stream| stream.id.to_owned());
        let turn_order =
            turn.map(|turn| turn.turn_order).or(stream.and_then(|stream| stream.turn_order)).unwrap_or(0);
        let turn_status = turn.map_or(TurnStatus::InProgress, |turn| turn.status);
        let order_in_turn = self.order_of(at, cursor);
        let status = message_status_of(turn_status);
        let open = status == MessageStatus::Streaming;
        if let Some(stream) = at.stream.and_then(|stream| self.streams.get_mut(stream))
            && open
            && stream.open.len() < OPEN_ITEMS_MAX
        {
            stream.open.push(OpenItemRow {
                item_id: item_id.to_owned(),
                message_id: message_id.clone(),
                start_cursor: cursor,
                fold: None,
            });
        }
        self.messages.push(Message {
            row: None,
            turn_id: at.turn_id.to_owned(),
            item_id: item_id.to_owned(),
            message_id,
            occurrence,
            stream_id,
            start_cursor: cursor,
            end_cursor: None,
            restart: None,
            status,
            closing: if open { Closing::Open } else { Closing::Turn },
            made: Some(MessageMade {
                turn_order,
                order_in_turn,
                occurrence,
                start_cursor: cursor,
                event: at.event,
            }),
            joined: None,
            content: None,
            text_whole: None,
            was_whole: false,
            started: false,
            completed_at: (!open).then_some(at.at_ms),
            reopened: false,
            changed: true,
        });
        self.messages.len() - 1
    }

    fn next_order(&self, turn_id: &str) -> u64 {
        let in_batch = self.messages.iter().filter(|message| message.turn_id == turn_id);
        let above =
            in_batch.filter_map(|message| message.made.as_ref()).map(|made| made.order_in_turn + 1).max();
        let stored = self.next_orders.iter().find(|(turn, _)| turn == turn_id).map_or(0, |(_, next)| *next);
        stored.max(above.unwrap_or(0))
    }
}

/// The messages of an item's uses about an event: on its stream the one that covers it, the nearest one that begins behind
/// it, the nearest one that ended before it, as long as nothing between may have begun another; else one that is not of its
/// stream.
#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    around: Option<usize>,
    above: Option<usize>,
    below: Option<usize>,
    elsewhere: Option<usize>,
}

/// The item's id, or `${itemId}#2` where it is used a second time. An item whose own id ends so is `${itemId}#1`: no two
/// messages of a turn share an id.
fn message_id_of(item_id: &str, occurrence: u64) -> String {
    let mut message_id = item_id.to_owned();
    let name = item_id.trim_end_matches(|char: char| char.is_ascii_digit());
    if occurrence > 1 || (name.len() < item_id.len() && name.ends_with('#')) {
        message_id.push('#');
        push_number(&mut message_id, occurrence);
    }
    message_id
}

/// The content of a message of whose item only deltas were seen.
fn no_words(item_type: &str) -> MessageContent {
    MessageContent {
        source_item_type: item_type.to_owned(),
        role: role_of_type(item_type),
        text_parts: Vec::new(),
        text_bytes: 0,
        payload: None,
    }
}

fn content_of(item: &Item<'_>, at: At<'_>) -> MessageContent {
    let text_parts = parts(&item.text);
    MessageContent {
        source_item_type: item.item_type.clone(),
        role: item.role,
        text_bytes: u32::try_from(item.text.len()).unwrap_or(u32::MAX),
        text_parts,
        payload: Some(item_payload(item, at)),
    }
}

/// The item as it is stored: without the text that is kept beside it, and without raw reasoning unless it is asked for.
fn item_payload(item: &Item<'_>, at: At<'_>) -> StoredPayload {
    // No item has both.
    let text = item.text_value.map(|value| (value, r#"{"$text":true}"#));
    stored_payload(at, item.json.span_in(at.payload_json), raw_of(item, at).or(text))
}

/// An item's raw reasoning, where it is not to be stored, and what stands in its place.
pub fn raw_of<'a>(item: &Item<'a>, at: At<'_>) -> Option<(Json<'a>, &'static str)> {
    item.raw_value.filter(|_| !at.expose_raw).map(|value| (value, "[]"))
}

/// What is stored of these bytes of the event's payload, with another JSON in the place of a value in them.
pub fn stored_payload(
    at: At<'_>,
    whole: Range<usize>,
    cut: Option<(Json<'_>, &'static str)>,
) -> StoredPayload {
    let unit = |byte: usize| u32::try_from(units_of_bytes(at.payload_json, byte)).unwrap_or(u32::MAX);
    let end = unit(whole.end);
    let (cut_start, cut_end, in_place) = match cut {
        Some((value, json)) => {
            let bytes = value.span_in(at.payload_json);
            (unit(bytes.start), unit(bytes.end), json)
        }
        None => (end, end, ""),
    };
    StoredPayload { event: at.event, start: unit(whole.start), cut_start, cut_end, end, in_place }
}

/// A text in parts of at most [`TEXT_PART_BYTES_MAX`], cut between characters.
pub fn parts(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let cut = rest.floor_char_boundary(TEXT_PART_BYTES_MAX);
        let (part, behind) = rest.split_at_checked(cut).unwrap_or((rest, ""));
        parts.push(part.to_owned());
        rest = behind;
    }
    parts
}

/// Whether deltas grow the text of an item of this type; what another one streams is its output.
fn text_grows(item_type: &str) -> bool {
    matches!(item_type, "agentMessage" | "plan" | REASONING)
}

fn status_of(outcome: Outcome) -> MessageStatus {
    match outcome {
        Outcome::Completed => MessageStatus::Completed,
        Outcome::Interrupted => MessageStatus::Interrupted,
        Outcome::Failed => MessageStatus::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_messages_of_a_turn_share_an_id() {
        let cases = [
            ("x", 1, "x"),
            ("x", 2, "x#2"),
            ("x#2", 1, "x#2#1"),
            ("x#2", 2, "x#2#2"),
            ("x#", 1, "x#"),
            ("2", 1, "2"),
        ];
        for (item_id, occurrence, want) in cases {
            assert_eq!(message_id_of(item_id, occurrence), want);
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let text = format!("{}é{}", "a".repeat(TEXT_PART_BYTES_MAX - 1), "b".repeat(10));
        let parts = parts(&text);
        assert_eq!(parts.iter().map(String::len).collect::<Vec<_>>(), [TEXT_PART_BYTES_MAX - 1, 12]);
        assert_eq!(parts.concat(), text);
        assert!(super::parts("").is_empty());
    }
}
