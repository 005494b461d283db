//! A batch and the rows that were loaded for it, as the shell packs them.

use super::write::{Closing, MessageStatus, OpenFold, Restart, Source, StreamState, TurnStatus};
use crate::delta::order::{Order, Range};
use crate::event::methods::NEWEST_OF_TURN;
use crate::fold::FoldRow;
use crate::options::Options;
use crate::pack::{Misfit, Unpacker};
use crate::request::Request;
use crate::session::{SessionFacts, SessionRow};

/// Everything that a plan is made from.
#[derive(Clone, Debug)]
pub struct IngestCall<'a> {
    /// Whether a session that is not right is an error (`sync.ingest`) or recovered (`sync.ingestSafe`).
    pub strict: bool,
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// The thread's id in Convex.
    pub thread_id: &'a str,
    /// The `runtime` options.
    pub options: Options,
    /// The thread's row, where it exists.
    pub thread: Option<ThreadRow<'a>>,
    /// Who sends, and who may.
    pub session: SessionFacts<'a>,
    /// The heads of the batch's streams that exist.
    pub heads: Vec<HeadRow<'a>>,
    /// The lifecycle counters of the thread, newest runtime last; none where no lifecycle event is in the batch.
    pub marks: Vec<RuntimeMark<'a>>,
    /// The events of streams.
    pub deltas: Vec<Delta<'a>>,
    /// The events of the thread.
    pub lifecycle: Vec<LifecycleEvent<'a>>,
    /// What the answer `needs` of the call before asked for.
    pub loaded: Option<Loaded<'a>>,
}

/// A thread.
#[derive(Clone, Copy, Debug)]
pub struct ThreadRow<'a> {
    /// The app-server's name for it, where one is known.
    pub local_thread_id: Option<&'a str>,
    /// The order that the next turn gets.
    pub next_turn_order: u64,
    /// Whether it is archived.
    pub archived: bool,
    /// Its name.
    pub name: Option<&'a str>,
}

/// A stream's head.
#[derive(Clone, Debug)]
pub struct HeadRow<'a> {
    /// The stream.
    pub stream_id: &'a str,
    /// The thread that it belongs to.
    pub thread_id: &'a str,
    /// The turn whose events it holds.
    pub turn_id: &'a str,
    /// The turn's order, where the turn exists.
    pub turn_order: Option<u64>,
    /// How far it was accepted.
    pub order: Order,
    /// Events accepted.
    pub event_count: u64,
    /// What reading all its chunks would have cost.
    pub weight: u64,
    /// Whether its turn has ended.
    pub closed: bool,
    /// Whether the sweep ended it.
    pub swept: bool,
    /// Whether its turn is known to have an item.
    pub has_items: bool,
    /// Items begun and not ended.
    pub open: Vec<OpenItem<'a>>,
    /// Cursors behind the newest of each kind that a turn keeps, in their order.
    pub newest: [u64; NEWEST_OF_TURN],
}

/// An item that was begun and not ended, as a head remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenItem<'a> {
    /// The app-server's id.
    pub item_id: &'a str,
    /// The message's id: the item's, or `${itemId}#2` of a second occurrence.
    pub message_id: &'a str,
    /// The cursor at which it began.
    pub start_cursor: u64,
    /// How far its text is folded; none where its text does not grow.
    pub fold: Option<OpenFold>,
}

/// A runtime's lifecycle counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuntimeMark<'a> {
    /// The runtime.
    pub runtime_id: &'a str,
    /// One more than the highest number applied.
    pub next: u64,
}

/// An event of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Delta<'a> {
    /// Its id.
    pub event_id: &'a str,
    /// Its turn.
    pub turn_id: &'a str,
    /// Its stream.
    pub stream_id: &'a str,
    /// The app-server's method.
    pub kind: &'a str,
    /// The app-server's message.
    pub payload_json: &'a str,
    /// First cursor inside, as it was sent.
    pub cursor_start: f64,
    /// First cursor behind, as it was sent.
    pub cursor_end: f64,
    /// The sender's clock, in milliseconds: for display only.
    pub created_at_ms: f64,
}

/// An event of a thread.
#[derive(Clone, Copy, Debug)]
pub struct LifecycleEvent<'a> {
    /// Its id.
    pub event_id: &'a str,
    /// The turn that it names.
    pub turn_id: Option<&'a str>,
    /// The app-server's method.
    pub kind: &'a str,
    /// The app-server's message.
    pub payload_json: &'a str,
    /// The sender's clock, in milliseconds: for display only.
    pub created_at_ms: f64,
}

/// The rows that an answer `needs` asked for: those of them that exist.
#[derive(Clone, Debug, Default)]
pub struct Loaded<'a> {
    /// Turns that were named, and the thread's turns in progress where they were asked for.
    pub turns: Vec<TurnRow<'a>>,
    /// Messages of the items that were named, and of the turns that close.
    pub messages: Vec<MessageRow<'a>>,
    /// Streams of the turns that close.
    pub streams: Vec<StreamRow<'a>>,
    /// Events of the chunks in the ranges that were asked for: of each range in their order.
    pub places: Vec<EventPlace<'a>>,
    /// Highest `orderInTurn` of the turns for which it was asked, plus one.
    pub next_orders: Vec<NextOrder<'a>>,
    /// Foreign lifecycle ids that are remembered.
    pub lifecycle_ids: Vec<&'a str>,
    /// One more than the place of the turn whose usage the thread's is; 0 where it is of none that is known.
    pub usage_place: u64,
    /// The tails that are to be folded.
    pub folds: Vec<FoldRow<'a>>,
    /// The thread's malformed events, newest first.
    pub quarantine: Vec<QuarantineRow<'a>>,
    /// The thread's open server requests, and those of the ids that were named, newest last.
    pub requests: Vec<Request<'a>>,
    /// Turns that were deleted, of those that were asked for and do not exist.
    pub deleted_turns: Vec<&'a str>,
}

/// A turn.
#[derive(Clone, Copy, Debug)]
pub struct TurnRow<'a> {
    /// Its id.
    pub turn_id: &'a str,
    /// Its place in the thread.
    pub turn_order: u64,
    /// Its status.
    pub status: TurnStatus,
    /// Whose word a terminal status is.
    pub source: Option<Source>,
    /// Whether an item of it is known.
    pub has_items: bool,
    /// The turn that this is another name of.
    pub same_run_as: Option<&'a str>,
    /// Whether it has begun.
    pub started: bool,
}

/// A message.
#[derive(Clone, Copy, Debug)]
pub struct MessageRow<'a> {
    /// The turn of its item.
    pub turn_id: &'a str,
    /// Its item.
    pub item_id: &'a str,
    /// Its own id.
    pub message_id: &'a str,
    /// How often the item's id was used before, plus one.
    pub occurrence: u64,
    /// The stream that its text grows from; none where no stream named it.
    pub stream_id: Option<&'a str>,
    /// Where on it its item began.
    pub start_cursor: u64,
    /// Where its item ended, if it did by its own word.
    pub end_cursor: Option<u64>,
    /// Where on it its item may have begun again.
    pub restart: Option<Restart>,
    /// Its status.
    pub status: MessageStatus,
    /// What ended it.
    pub closing: Closing,
    /// Whether its parts are its whole text.
    pub text_whole: bool,
    /// Whether its item's own start or end was seen: else only deltas were.
    pub started: bool,
}

/// A stream of a turn that closes.
#[derive(Clone, Copy, Debug)]
pub struct StreamRow<'a> {
    /// Its id.
    pub stream_id: &'a str,
    /// The turn whose events it holds.
    pub turn_id: &'a str,
    /// Its state.
    pub state: StreamState,
}

/// Where an event lies that was accepted before.
#[derive(Clone, Copy, Debug)]
pub struct EventPlace<'a> {
    /// Its stream.
    pub stream_id: &'a str,
    /// Its cursors.
    pub range: Range,
    /// Its id.
    pub event_id: &'a str,
}

/// A malformed event that is kept.
#[derive(Clone, Copy, Debug)]
pub struct QuarantineRow<'a> {
    /// Its id.
    pub event_id: &'a str,
    /// UTF-8 bytes of its payload.
    pub bytes: u64,
}

/// The next free `orderInTurn` of a turn.
#[derive(Clone, Copy, Debug)]
pub struct NextOrder<'a> {
    /// The turn.
    pub turn_id: &'a str,
    /// One more than the highest in use.
    pub next: u64,
}

impl<'a> IngestCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            strict: call.flag(),
            now_ms: call.number(),
            thread_id: call.text(),
            options: Options::unpack(&mut call),
            thread: call.optional(ThreadRow::unpack),
            session: SessionFacts::unpack(&mut call),
            heads: call.list(HeadRow::unpack),
            marks: call.list(|call| RuntimeMark { runtime_id: call.text(), next: call.integer() }),
            deltas: call.list(Delta::unpack),
            lifecycle: call.list(LifecycleEvent::unpack),
            loaded: call.optional(Loaded::unpack),
        };
        call.end(read)
    }

    /// What the bridge calls the thread: Codex's name for it, where one is known.
    pub fn local_thread_id(&self) -> &'a str {
        self.thread.and_then(|thread| thread.local_thread_id).unwrap_or(self.thread_id)
    }

    /// Whether the turn that an event names was deleted.
    pub fn is_deleted(&self, turn_id: &str) -> bool {
        self.loaded.iter().flat_map(|loaded| &loaded.deleted_turns).any(|deleted| *deleted == turn_id)
    }

    /// Id, kind and payload of an event by its index: the streams' events, then the lifecycle events.
    pub fn event(&self, index: u32) -> Option<(&'a str, &'a str, &'a str)> {
        let index = index as usize;
        if let Some(delta) = self.deltas.get(index) {
            return Some((delta.event_id, delta.kind, delta.payload_json));
        }
        let event = self.lifecycle.get(index.checked_sub(self.deltas.len())?)?;
        Some((event.event_id, event.kind, event.payload_json))
    }
}

impl<'a> ThreadRow<'a> {
    /// Reads one.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            local_thread_id: call.optional_text(),
            next_turn_order: call.integer(),
            archived: call.flag(),
            name: call.optional_text(),
        }
    }
}

impl<'a> HeadRow<'a> {
    fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            stream_id: call.text(),
            thread_id: call.text(),
            turn_id: call.text(),
            turn_order: call.optional_integer(),
            order: Order { latest: call.integer(), holes: call.list(range) },
            event_count: call.integer(),
            weight: call.integer(),
            closed: call.flag(),
            swept: call.flag(),
            has_items: call.flag(),
            open: call.list(|call| OpenItem {
                item_id: call.text(),
                message_id: call.text(),
                start_cursor: call.integer(),
                fold: call.optional(|call| OpenFold {
                    cursor: call.integer(),
                    weight: call.integer(),
                    fill: call.integer(),
                    started: call.flag(),
                }),
            }),
            newest: [call.integer(), call.integer(), call.integer(), call.integer()],
        }
    }
}

impl<'a> Delta<'a> {
    fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            event_id: call.text(),
            turn_id: call.text(),
            stream_id: call.text(),
            kind: call.text(),
            payload_json: call.text(),
            cursor_start: call.number(),
            cursor_end: call.number(),
            created_at_ms: call.number(),
        }
    }
}

impl<'a> LifecycleEvent<'a> {
    fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            event_id: call.text(),
            turn_id: call.optional_text(),
            kind: call.text(),
            payload_json: call.text(),
            created_at_ms: call.number(),
        }
    }
}

impl<'a> Loaded<'a> {
    /// Reads them.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            turns: call.list(TurnRow::unpack),
            messages: call.list(MessageRow::unpack),
            streams: call.list(|call| StreamRow {
                stream_id: call.text(),
                turn_id: call.text(),
                state: call.named(StreamState::read),
            }),
            places: call.list(|call| EventPlace {
                stream_id: call.text(),
                range: range(call),
                event_id: call.text(),
            }),
            next_orders: call.list(|call| NextOrder { turn_id: call.text(), next: call.integer() }),
            lifecycle_ids: call.list(Unpacker::text),
            usage_place: call.integer(),
            folds: call.list(FoldRow::unpack),
            quarantine: call.list(|call| QuarantineRow { event_id: call.text(), bytes: call.integer() }),
            requests: Request::unpack_all(call),
            deleted_turns: call.list(Unpacker::text),
        }
    }
}

impl<'a> TurnRow<'a> {
    fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            turn_id: call.text(),
            turn_order: call.integer(),
            status: call.named(TurnStatus::read),
            source: call.optional_named(Source::read),
            has_items: call.flag(),
            same_run_as: call.optional_text(),
            started: call.flag(),
        }
    }
}

impl<'a> MessageRow<'a> {
    fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            turn_id: call.text(),
            item_id: call.text(),
            message_id: call.text(),
            occurrence: call.integer(),
            stream_id: call.optional_text(),
            start_cursor: call.integer(),
            end_cursor: call.optional_integer(),
            restart: call.optional(|call| Restart { cursor: call.integer(), seen: call.flag() }),
            status: call.named(MessageStatus::read),
            closing: call.named(Closing::read),
            text_whole: call.flag(),
            started: call.flag(),
        }
    }
}

impl SessionRow<'_> {
    pub(crate) fn unpack<'a>(call: &mut Unpacker<'a>) -> SessionRow<'a> {
        SessionRow {
            session_id: call.text(),
            device_id: call.text(),
            epoch: call.integer(),
            last_beat_at_ms: call.number(),
        }
    }
}

/// Reads a range.
pub fn range(call: &mut Unpacker<'_>) -> Range {
    Range { start: call.integer(), end: call.integer() }
}
