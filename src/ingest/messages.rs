//! Messages: the durable face of items.
//!
//! `item/started` makes one, deltas grow it (in chunks, not in its row), `item/completed` is the last word on text and
//! status. An item's id may be used again: a later `item/started` is another occurrence, with a message of its own.

use super::call::MessageRow;
use super::rows::Rows;
use super::streams::Stream;
use super::turns::message_status_of;
use super::write::{
    Closing, MessageContent, MessageMade, MessageStatus, OpenFold, OpenItemRow, StoredPayload, StreamJoined,
    TurnStatus, Write,
};
use crate::event::item::{Item, Outcome, REASONING, role_of_type};
use crate::event::json::Json;
use crate::limits::{OPEN_ITEMS_MAX, TEXT_PART_BYTES_MAX};
use crate::pack::{push_number, units_of_bytes};

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
            status: message_status(row.status),
            closing: closing(row.closing),
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
        let newest = self.newest(at.turn_id, &item.id);
        if let Some(newest) = newest
            && let Some(message) = self.messages.get(newest)
            && (message.end_cursor.is_none_or(|end| at.cursor < end) || !message.is_of(self.stream(at)))
        {
            self.join_stream(newest, at);
            // A delta made it: what does not come in deltas is said here.
            if self.begin_earlier(newest, at)
                && !text_grows(&item.item_type)
                && let Some(message) = self.messages.get_mut(newest)
            {
                message.content = Some(content_of(item, at));
            }
            return;
        }
        if at.stream.is_some_and(|stream| self.is_open(stream, &item.id, at.cursor)) {
            return;
        }
        let made = self.make_message(at, &item.id, newest);
        if let Some(message) = self.messages.get_mut(made) {
            message.content = Some(content_of(item, at));
            message.text_whole = Some(!text_grows(&item.item_type));
        }
        self.open_fold(at, made, &item.item_type, item.text.len(), true);
    }

    /// `item/completed`
    pub fn complete_item(&mut self, at: At<'_>, item: &Item<'_>) {
        if self.is_imported_before(at, &item.id) {
            return;
        }
        self.item_names_turn(at);
        // What was begun behind this end is another use of the item's id, which came first.
        let stream = self.stream(at);
        let begun = |message: &Message| !message.is_of(stream) || message.start_cursor <= at.cursor;
        let found = self.occurrence_at(at, &item.id);
        let message =
            found.filter(|found| self.messages.get(*found).is_some_and(begun)).unwrap_or_else(|| {
                let newest = self.newest(at.turn_id, &item.id);
                self.make_message(at, &item.id, newest)
            });
        let stream = at.stream.and_then(|stream| self.streams.get(stream));
        let Some(message) = self.messages.get_mut(message) else { return };
        message.content = Some(content_of(item, at));
        message.text_whole = Some(true);
        if message.is_of(stream) {
            message.end_cursor = Some(at.cursor);
        }
        message.changed = true;
        message.close(status_of(item.outcome), Closing::Item, at.at_ms);
        let message_id = message.message_id.clone();
        if let Some(stream) = at.stream.and_then(|stream| self.streams.get_mut(stream)) {
            stream.open.retain(|open| open.message_id != message_id);
        }
    }

    /// A delta: answers the message that its text belongs to, none where that text is complete.
    pub fn grow_item(&mut self, at: At<'_>, item_id: &str, item_type: &str) -> Option<String> {
        if let Some(open) =
            at.stream.and_then(|stream| self.streams.get(stream)?.open_item(item_id, at.cursor))
        {
            return Some(open.message_id.clone());
        }
        if self.is_imported_before(at, item_id) {
            return None;
        }
        self.item_names_turn(at);
        if let Some(found) = self.occurrence_at(at, item_id) {
            self.join_stream(found, at);
            self.begin_earlier(found, at);
            let message = self.messages.get(found)?;
            return (message.closing != Closing::Item).then(|| message.message_id.clone());
        }
        let made = self.make_message(at, item_id, None);
        let message = self.messages.get_mut(made)?;
        message.content = Some(MessageContent {
            source_item_type: item_type.to_owned(),
            role: role_of_type(item_type),
            text_parts: Vec::new(),
            text_bytes: 0,
            payload: None,
        });
        message.text_whole = Some(!text_grows(item_type));
        let message_id = message.message_id.clone();
        self.open_fold(at, made, item_type, 0, false);
        Some(message_id)
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

    /// A message that a lifecycle event made grows from the first stream that has text of it.
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

    /// A hole held the item's first events: it began before the first one that came. Answers whether it did.
    fn begin_earlier(&mut self, found: usize, at: At<'_>) -> bool {
        let stream = self.stream(at);
        let known = |message: &Message| {
            !message.is_of(stream) || message.start_cursor <= at.cursor || message.closing == Closing::Item
        };
        if self.messages.get(found).is_none_or(known) {
            return false;
        }
        let order_in_turn = self.order_of(at);
        let Some(message) = self.messages.get_mut(found) else { return false };
        message.start_cursor = at.cursor;
        message.changed = true;
        message.made = Some(MessageMade {
            turn_order: message.made.as_ref().map_or(0, |made| made.turn_order),
            order_in_turn,
            occurrence: message.occurrence,
            start_cursor: at.cursor,
            event: at.event,
        });
        if let Some(stream) = at.stream.and_then(|stream| self.streams.get_mut(stream)) {
            for open in stream.open.iter_mut().filter(|open| open.message_id == message.message_id) {
                open.start_cursor = at.cursor;
            }
        }
        true
    }

    /// The place in its turn of an item that this event names first.
    fn order_of(&self, at: At<'_>) -> u64 {
        if self.stream(at).is_some_and(|stream| stream.main) {
            at.cursor
        } else {
            self.next_order(at.turn_id)
        }
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

    fn is_open(&self, stream: usize, item_id: &str, cursor: u64) -> bool {
        self.streams.get(stream).is_some_and(|stream| stream.open_item(item_id, cursor).is_some())
    }

    fn newest(&self, turn_id: &str, item_id: &str) -> Option<usize> {
        let mut newest: Option<(usize, u64)> = None;
        for (at, message) in self.messages.iter().enumerate() {
            if message.item_id == item_id
                && message.turn_id == turn_id
                && newest.is_none_or(|(_, occurrence)| occurrence <= message.occurrence)
            {
                newest = Some((at, message.occurrence));
            }
        }
        newest.map(|(at, _)| at)
    }

    /// The occurrence that is open at the event's cursor, else the newest.
    fn occurrence_at(&self, at: At<'_>, item_id: &str) -> Option<usize> {
        let mut found = None;
        let stream = self.stream(at);
        for (index, message) in self.messages.iter().enumerate() {
            let inside = message.is_of(stream)
                && message.start_cursor <= at.cursor
                && message.end_cursor.is_none_or(|end| at.cursor <= end);
            if inside && message.item_id == item_id && message.turn_id == at.turn_id {
                found = Some(index);
            }
        }
        found.or_else(|| self.newest(at.turn_id, item_id))
    }

    fn make_message(&mut self, at: At<'_>, item_id: &str, newest: Option<usize>) -> usize {
        let occurrence =
            newest.and_then(|newest| self.messages.get(newest)).map_or(1, |message| message.occurrence + 1);
        let message_id = message_id_of(item_id, occurrence);
        let turn = self.find_turn(at.turn_id).and_then(|turn| self.turns.get(turn));
        let stream = self.stream(at);
        let stream_id = stream.map(|stream| stream.id.to_owned());
        let turn_order =
            turn.map(|turn| turn.turn_order).or(stream.and_then(|stream| stream.turn_order)).unwrap_or(0);
        let turn_status = turn.map_or(TurnStatus::InProgress, |turn| turn.status);
        let order_in_turn = self.order_of(at);
        let status = message_status_of(turn_status);
        let open = status == MessageStatus::Streaming;
        if let Some(stream) = at.stream.and_then(|stream| self.streams.get_mut(stream))
            && open
            && stream.open.len() < OPEN_ITEMS_MAX
        {
            stream.open.push(OpenItemRow {
                item_id: item_id.to_owned(),
                message_id: message_id.clone(),
                start_cursor: at.cursor,
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
            start_cursor: at.cursor,
            end_cursor: None,
            status,
            closing: if open { Closing::Open } else { Closing::Turn },
            made: Some(MessageMade {
                turn_order,
                order_in_turn,
                occurrence,
                start_cursor: at.cursor,
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

fn content_of(item: &Item<'_>, at: At<'_>) -> MessageContent {
    let text_parts = parts(&item.text);
    MessageContent {
        source_item_type: item.item_type.clone(),
        role: item.role,
        text_bytes: u32::try_from(item.text.len()).unwrap_or(u32::MAX),
        text_parts,
        payload: Some(stored_payload(item, at, item.json)),
    }
}

/// The payload that is stored of `whole` (an item, or the message around it): without the text that is kept beside it,
/// and without raw reasoning unless it is asked for.
pub fn stored_payload(item: &Item<'_>, at: At<'_>, whole: Json<'_>) -> StoredPayload {
    // No item has both.
    let raw = item.raw_value.filter(|_| !at.expose_raw).map(|value| (value, "[]"));
    let text = item.text_value.filter(|_| whole == item.json).map(|value| (value, r#"{"$text":true}"#));
    let unit = |byte: usize| u32::try_from(units_of_bytes(at.payload_json, byte)).unwrap_or(u32::MAX);
    let end = unit(whole.end());
    let (cut_start, cut_end, in_place) = match raw.or(text) {
        Some((value, json)) => (unit(value.start()), unit(value.end()), json),
        None => (end, end, ""),
    };
    StoredPayload { event: at.event, start: unit(whole.start()), cut_start, cut_end, end, in_place }
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

fn message_status(text: &str) -> MessageStatus {
    match text {
        "completed" => MessageStatus::Completed,
        "failed" => MessageStatus::Failed,
        "interrupted" => MessageStatus::Interrupted,
        _ => MessageStatus::Streaming,
    }
}

fn closing(text: &str) -> Closing {
    match text {
        "turn" => Closing::Turn,
        "item" => Closing::Item,
        _ => Closing::Open,
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
