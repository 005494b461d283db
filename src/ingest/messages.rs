//! Messages: the durable face of items.
//!
//! `item/started` makes one, deltas grow it (in chunks, not in its row), `item/completed` is the last word on text and
//! status. An item's id may be used again: a later `item/started` is another occurrence, with a message of its own.

use super::call::MessageRow;
use super::rows::Rows;
use super::turns::message_status_of;
use super::write::{
    Closing, MessageContent, MessageMade, MessageStatus, OpenItemRow, StoredPayload, TurnStatus, Write,
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
    start_cursor: u64,
    end_cursor: Option<u64>,
    status: MessageStatus,
    /// What ended it.
    pub closing: Closing,
    made: Option<MessageMade>,
    content: Option<MessageContent>,
    text_whole: Option<bool>,
    completed_at: Option<f64>,
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
            start_cursor: row.start_cursor,
            end_cursor: row.end_cursor,
            status: message_status(row.status),
            closing: closing(row.closing),
            made: None,
            content: None,
            text_whole: None,
            completed_at: None,
            changed: false,
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
            status: self.status,
            closing: self.closing,
            end_cursor: self.end_cursor,
            content: self.content,
            text_whole: self.text_whole,
            completed_at: self.completed_at,
        })
    }
}

impl Rows<'_> {
    /// `item/started`
    pub fn start_item(&mut self, at: At<'_>, item: &Item<'_>) {
        self.item_names_turn(at);
        let newest = self.newest(at.turn_id, &item.id);
        if let Some(newest) = newest
            && let Some(message) = self.messages.get(newest)
            && (message.end_cursor.is_none_or(|end| at.cursor < end) || at.stream.is_none())
        {
            let begins = self.begin_earlier(newest, at);
            // A delta made it: what does not come in deltas is said here.
            if begins
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
    }

    /// `item/completed`
    pub fn complete_item(&mut self, at: At<'_>, item: &Item<'_>) {
        self.item_names_turn(at);
        // What was begun behind this end is another use of the item's id, which came first.
        let begun = |message: &Message| at.stream.is_none() || message.start_cursor <= at.cursor;
        let found = self.occurrence_at(at, &item.id);
        let message =
            found.filter(|found| self.messages.get(*found).is_some_and(begun)).unwrap_or_else(|| {
                let newest = self.newest(at.turn_id, &item.id);
                self.make_message(at, &item.id, newest)
            });
        let Some(message) = self.messages.get_mut(message) else { return };
        message.content = Some(content_of(item, at));
        message.text_whole = Some(true);
        message.end_cursor = Some(at.cursor);
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
        self.item_names_turn(at);
        if let Some(found) = self.occurrence_at(at, item_id) {
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
        Some(message.message_id.clone())
    }

    /// A hole held the item's first events: it began before the first one that came. Answers whether it did.
    fn begin_earlier(&mut self, found: usize, at: At<'_>) -> bool {
        let known = |message: &Message| message.start_cursor <= at.cursor || message.closing == Closing::Item;
        if at.stream.is_none() || self.messages.get(found).is_none_or(known) {
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
        let main = at.stream.and_then(|stream| self.streams.get(stream)).is_some_and(|stream| stream.main);
        if main { at.cursor } else { self.next_order(at.turn_id) }
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
        for (index, message) in self.messages.iter().enumerate() {
            let inside =
                message.start_cursor <= at.cursor && message.end_cursor.is_none_or(|end| at.cursor <= end);
            if inside && message.item_id == item_id && message.turn_id == at.turn_id {
                found = Some(index);
            }
        }
        found.or_else(|| self.newest(at.turn_id, item_id))
    }

    fn make_message(&mut self, at: At<'_>, item_id: &str, newest: Option<usize>) -> usize {
        let occurrence =
            newest.and_then(|newest| self.messages.get(newest)).map_or(1, |message| message.occurrence + 1);
        let mut message_id = item_id.to_owned();
        if occurrence > 1 {
            message_id.push('#');
            push_number(&mut message_id, occurrence);
        }
        let turn = self.find_turn(at.turn_id).and_then(|turn| self.turns.get(turn));
        let stream = at.stream.and_then(|stream| self.streams.get(stream));
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
            });
        }
        self.messages.push(Message {
            row: None,
            turn_id: at.turn_id.to_owned(),
            item_id: item_id.to_owned(),
            message_id,
            occurrence,
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
            content: None,
            text_whole: None,
            completed_at: (!open).then_some(at.at_ms),
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
fn parts(text: &str) -> Vec<String> {
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
    fn a_text_is_cut_between_characters() {
        let text = format!("{}é{}", "a".repeat(TEXT_PART_BYTES_MAX - 1), "b".repeat(10));
        let parts = parts(&text);
        assert_eq!(parts.iter().map(String::len).collect::<Vec<_>>(), [TEXT_PART_BYTES_MAX - 1, 12]);
        assert_eq!(parts.concat(), text);
        assert!(super::parts("").is_empty());
    }
}
