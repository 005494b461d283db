//! The rows of a thread while a plan is made: as they were loaded, and as they become.

use super::call::{IngestCall, Loaded, StreamRow, ThreadRow};
use super::messages::Message;
use super::streams::Stream;
use super::turns::Turn;
use super::write::{Source, StreamState, Write};
use crate::request::Request;

/// The thread's rows.
#[derive(Debug)]
pub struct Rows<'a> {
    /// The thread.
    pub thread: Thread,
    /// Its turns: loaded ones first, in the order in which they were packed.
    pub turns: Vec<Turn>,
    /// Its messages: loaded ones first, in the order in which they were packed.
    pub messages: Vec<Message>,
    /// The streams of the batch.
    pub streams: Vec<Stream<'a>>,
    /// Streams of turns that close, and the state that they get.
    pub closing_streams: Vec<(StreamRow<'a>, Option<StreamState>)>,
    /// The next free `orderInTurn`, by turn, where one was asked for or given.
    pub next_orders: Vec<(String, u64)>,
    /// What the batch brought of what turns and thread keep the newest of.
    pub newest: Vec<Write>,
    /// One more than the place of the turn whose usage the thread's is; 0 where it is of none that is known.
    pub usage_place: u64,
    /// Whether this batch made it so.
    pub usage_moved: bool,
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// When a stream that ends now stops being listed, in milliseconds.
    pub expires_at: f64,
    /// Its server requests: loaded ones first, newest last.
    pub requests: Vec<Request<'a>>,
}

/// The thread's own row.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread {
    /// Whether the row is made.
    pub made: bool,
    /// Whether `updatedAt` moves.
    pub touched: bool,
    /// The order that the next turn gets.
    pub next_turn_order: u64,
    /// A new name; empty removes it.
    pub name: Option<String>,
    /// Whether it becomes archived, or stops being so.
    pub archived: Option<bool>,
    before: u64,
}

impl Thread {
    /// The thread as it was loaded; none is made.
    pub fn new(row: Option<&ThreadRow<'_>>) -> Self {
        let next_turn_order = row.map_or(0, |row| row.next_turn_order);
        Self { made: row.is_none(), next_turn_order, before: next_turn_order, ..Self::existing() }
    }

    /// A thread that is there, for a plan that makes no turn.
    pub fn existing() -> Self {
        Self { made: false, touched: false, next_turn_order: 0, name: None, archived: None, before: 0 }
    }
}

impl<'a> Rows<'a> {
    /// The rows of a call.
    pub fn new(call: &IngestCall<'a>, streams: Vec<Stream<'a>>) -> Self {
        let delay_ms = call.options.finished_stream_delete_delay_ms;
        let thread = Thread::new(call.thread.as_ref());
        Self::load(thread, call.loaded.as_ref(), streams, call.now_ms, delay_ms)
    }

    /// The rows that were loaded, at `now_ms`; a stream that ends then is listed for `delay_ms` more.
    pub fn load(
        thread: Thread,
        loaded: Option<&Loaded<'a>>,
        streams: Vec<Stream<'a>>,
        now_ms: f64,
        delay_ms: f64,
    ) -> Self {
        let absent = Loaded::default();
        let loaded = loaded.unwrap_or(&absent);
        Self {
            thread,
            turns: loaded.turns.iter().zip(0..).map(|(row, at)| Turn::loaded(row, at)).collect(),
            messages: loaded.messages.iter().zip(0..).map(|(row, at)| Message::loaded(row, at)).collect(),
            streams,
            closing_streams: loaded.streams.iter().map(|row| (*row, None)).collect(),
            next_orders: loaded
                .next_orders
                .iter()
                .map(|order| (order.turn_id.to_owned(), order.next))
                .collect(),
            newest: Vec::new(),
            usage_place: loaded.usage_place,
            usage_moved: false,
            now_ms,
            expires_at: now_ms + delay_ms,
            requests: loaded.requests.clone(),
        }
    }

    /// What changed, in the order in which it is written.
    pub fn into_writes(mut self) -> Vec<Write> {
        let closing: Vec<Write> = self.closing_writes().collect();
        let mut writes = Vec::new();
        if self.thread.made {
            writes.push(Write::InsertThread);
        }
        if self.thread.touched || self.thread.next_turn_order != self.thread.before {
            let moved = self.thread.next_turn_order != self.thread.before;
            writes.push(Write::PatchThread {
                next_turn_order: moved.then_some(self.thread.next_turn_order),
                name: self.thread.name.take(),
                archived: self.thread.archived,
            });
        }
        let turns = std::mem::take(&mut self.turns).into_iter();
        writes.extend(turns.filter_map(|turn| turn.into_write(self.now_ms)));
        writes.append(&mut self.newest);
        writes.extend(std::mem::take(&mut self.messages).into_iter().filter_map(Message::into_write));
        let requests = std::mem::take(&mut self.requests).into_iter().filter_map(Request::into_write);
        writes.extend(requests.map(|request| Write::PutRequest { request }));
        for stream in &self.streams {
            let begins = stream.head.is_none() && !stream.accepted.is_empty();
            if begins || stream.listed_again {
                let (event, state, turn_order) = (stream.event, stream.made_as, stream.turn_order);
                let expires_at = self.expiry_of(state);
                writes.push(Write::InsertStream { event, state, expires_at, turn_order });
            }
        }
        writes.extend(closing);
        writes.extend(self.streams.iter().filter_map(Stream::head_write));
        writes
    }

    fn closing_writes(&self) -> impl Iterator<Item = Write> {
        self.closing_streams.iter().zip(0..).filter_map(|((row, state), at)| {
            let state = state.filter(|state| row.state != *state)?;
            let (swept, expires_at) = (self.is_swept(row.turn_id), self.expiry_of(state));
            Some(Write::CloseStream { row: at, state, swept, expires_at })
        })
    }

    fn expiry_of(&self, state: StreamState) -> Option<f64> {
        (state != StreamState::Streaming).then_some(self.expires_at)
    }

    fn is_swept(&self, turn_id: &str) -> bool {
        let turn = self.turn(turn_id);
        turn.is_some_and(|turn| turn.source == Some(Source::Sweep))
    }
}
