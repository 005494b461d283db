//! The answer to a batch: what to load first, or what to write.
//!
//! An event is named by its index in the batch (streams' events, then lifecycle events), a loaded row by its index in
//! the list that it was packed in.

use crate::error::Code;
use crate::event::item::Role;
use crate::event::methods::{NEWEST_OF_TURN, Newest};
use crate::request::RequestWrite;
use crate::session::SessionWrite;
use serde::{Serialize, Serializer};
use tsify::Tsify;

/// The answer to `planIngest`.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum IngestAnswer {
    /// Nothing is written.
    Rejected {
        /// Why.
        fault: Fault,
    },
    /// The same call again, with these rows `loaded`.
    Needs {
        /// The rows.
        needs: Needs,
    },
    /// What to write, and what to tell the sender.
    Plan {
        /// Both.
        plan: Plan,
    },
}

/// Something that is wrong, for the sender.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// The class that the seed's clients match on.
    pub code: FaultClass,
    /// The code.
    #[serde(serialize_with = "code_of_a_batch")]
    pub error_code: Code,
    /// What is wrong, in words; the shell puts the code before it.
    pub message: &'static str,
    /// Whether the same batch can succeed after `ensureSession`.
    pub recoverable: bool,
    /// The event that it is about.
    #[tsify(optional)]
    pub event: Option<u32>,
}

/// Every code that a batch is answered with. SOURCE: measured, the names of all others weigh 250 bytes (gzip).
const BATCH_CODES: [(Code, &str); 12] = [
    (Code::EAuthThreadForbidden, "E_AUTH_THREAD_FORBIDDEN"),
    (Code::ESyncEmptyBatch, "E_SYNC_EMPTY_BATCH"),
    (Code::ESyncBatchTooLarge, "E_SYNC_BATCH_TOO_LARGE"),
    (Code::ESyncInvalidCursorRange, "E_SYNC_INVALID_CURSOR_RANGE"),
    (Code::ESyncOutOfOrder, "E_SYNC_OUT_OF_ORDER"),
    (Code::ESyncDupEventInBatch, "E_SYNC_DUP_EVENT_IN_BATCH"),
    (Code::ESyncStreamForbidden, "E_SYNC_STREAM_FORBIDDEN"),
    (Code::ESyncMalformedEvent, "E_SYNC_MALFORMED_EVENT"),
    (Code::ESyncReplayGap, "E_SYNC_REPLAY_GAP"),
    (Code::ESyncSessionNotFound, "E_SYNC_SESSION_NOT_FOUND"),
    (Code::ESyncSessionThreadMismatch, "E_SYNC_SESSION_THREAD_MISMATCH"),
    (Code::ESyncSessionDeviceMismatch, "E_SYNC_SESSION_DEVICE_MISMATCH"),
];

fn code_of_a_batch<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    let name = BATCH_CODES.iter().find(|(other, _)| other == code).map_or("E_INTERNAL", |(_, name)| name);
    serializer.serialize_unit_variant("Code", 0, name)
}

/// The classes of `ingestSafe`'s errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FaultClass {
    /// See [`Code::ESyncSessionNotFound`].
    SessionNotFound,
    /// See [`Code::ESyncSessionThreadMismatch`].
    SessionThreadMismatch,
    /// See [`Code::ESyncSessionDeviceMismatch`].
    SessionDeviceMismatch,
    /// A range that cannot stand where it is.
    OutOfOrder,
    /// See [`Code::ESyncReplayGap`].
    ReplayGap,
    /// Everything else.
    Unknown,
}

impl Fault {
    /// The fault of a code, about `event`.
    pub fn new(error_code: Code, message: &'static str, event: Option<u32>) -> Self {
        use Code::{ESyncDupEventInBatch, ESyncInvalidCursorRange, ESyncOutOfOrder, ESyncReplayGap};
        let code = match error_code {
            Code::ESyncSessionNotFound => FaultClass::SessionNotFound,
            Code::ESyncSessionThreadMismatch => FaultClass::SessionThreadMismatch,
            Code::ESyncSessionDeviceMismatch => FaultClass::SessionDeviceMismatch,
            ESyncOutOfOrder | ESyncDupEventInBatch | ESyncInvalidCursorRange => FaultClass::OutOfOrder,
            ESyncReplayGap => FaultClass::ReplayGap,
            _ => FaultClass::Unknown,
        };
        let recoverable = matches!(
            code,
            FaultClass::SessionNotFound
                | FaultClass::SessionThreadMismatch
                | FaultClass::SessionDeviceMismatch
        );
        Self { code, error_code, message, recoverable, event }
    }
}

/// Rows that only payloads name. Every list is without repeats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Needs {
    /// Turns by id.
    pub turns: Vec<String>,
    /// Items: the newest messages of each.
    pub items: Vec<ItemName>,
    /// Turns that may end: their open messages, those that closed with them, their streams.
    pub closing: Vec<String>,
    /// Whether the thread's turns in progress are asked for, with their streams.
    pub open_turns: bool,
    /// Ranges whose chunks' event ids are asked for.
    pub chunks: Vec<ChunkRange>,
    /// Turns whose highest `orderInTurn` is asked for.
    pub next_orders: Vec<String>,
    /// Lifecycle event ids of a foreign form: those of them that are remembered.
    pub lifecycle_ids: Vec<u32>,
    /// Whether the thread's usage is asked for.
    pub usage: bool,
    /// Messages whose tails are to be folded: among those of `items`.
    pub folds: Vec<FoldRange>,
    /// Whether the thread's quarantine is asked for.
    pub quarantine: bool,
    /// Whether the thread's open server requests are asked for.
    pub open_requests: bool,
    /// Ids of server requests, as JSON: the newest requests of each.
    pub request_ids: Vec<String>,
}

impl Needs {
    /// How many index ranges the rows take at most, their parts' included.
    pub fn ranges(&self) -> usize {
        // A turn that does not exist is looked for among those that were deleted.
        let one = self.turns.len() * 2
            + self.next_orders.len()
            + self.lifecycle_ids.len()
            + usize::from(self.usage);
        let one = one + self.request_ids.len();
        one + (self.chunks.len() + self.folds.len()) * 2 + (self.items.len() + self.closing.len()) * 3
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An item of a turn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct ItemName {
    /// The turn.
    pub turn_id: String,
    /// The item.
    pub item_id: String,
}

/// A range of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct ChunkRange {
    /// An event of the stream.
    pub event: u32,
    /// First cursor inside.
    pub start: u64,
    /// First cursor behind.
    pub end: u64,
}

/// A message's tail in the chunks of a stream, from where its fold stands.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct FoldRange {
    /// An event of the stream.
    pub event: u32,
    /// The message.
    pub message_id: String,
    /// First cursor behind.
    pub end: u64,
}

/// What a batch writes.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What is done to the sender's session.
    pub session: SessionWrite,
    /// The rows, in the order in which they are written.
    pub writes: Vec<Write>,
    /// How far each stream of the batch is stored.
    pub acks: Vec<Ack>,
    /// Whether an event was quarantined or a hole lies below the batch.
    pub partial: bool,
    /// What the sender is told.
    pub errors: Vec<Fault>,
}

/// A stream's acknowledgement.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    /// An event of the stream.
    pub event: u32,
    /// The highest cursorEnd of the batch in it.
    pub cursor_end: u64,
}

/// A turn's status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum TurnStatus {
    /// Asked for; Codex has not begun.
    Queued,
    /// Codex works on it.
    #[default]
    InProgress,
    /// Ended well.
    Completed,
    /// Ended by somebody's wish.
    Interrupted,
    /// Ended by an error.
    Failed,
}

impl TurnStatus {
    /// As the schema writes it.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "queued" => Some(Self::Queued),
            "inProgress" => Some(Self::InProgress),
            "completed" => Some(Self::Completed),
            "interrupted" => Some(Self::Interrupted),
            "failed" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// Whose word a turn's end is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// The sweep's: a day without a word.
    #[default]
    Sweep,
    /// A client's: `turns.interrupt`.
    Client,
    /// The bridge's, after the app-server died.
    Local,
    /// Codex's own.
    Codex,
}

impl Source {
    /// As the schema writes it.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "sweep" => Some(Self::Sweep),
            "client" => Some(Self::Client),
            "local" => Some(Self::Local),
            "codex" => Some(Self::Codex),
            _ => None,
        }
    }
}

/// A message's status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum MessageStatus {
    /// Its item goes on.
    #[default]
    Streaming,
    /// Ended well.
    Completed,
    /// Ended by an error.
    Failed,
    /// Stopped, or declined.
    Interrupted,
}

impl MessageStatus {
    /// As the schema writes it.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "streaming" => Some(Self::Streaming),
            "completed" => Some(Self::Completed),
            "failed" => Some(Self::Failed),
            "interrupted" => Some(Self::Interrupted),
            _ => None,
        }
    }
}

/// What ended a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Closing {
    /// Nothing yet.
    #[default]
    Open,
    /// The end of its turn: a later word of its item overwrites it.
    Turn,
    /// Its item's own end.
    Item,
}

impl Closing {
    /// As the schema writes it.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "open" => Some(Self::Open),
            "turn" => Some(Self::Turn),
            "item" => Some(Self::Item),
            _ => None,
        }
    }
}

/// A stream's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum StreamState {
    /// Its turn goes on.
    #[default]
    Streaming,
    /// Its turn ended well.
    Finished,
    /// Its turn was interrupted or failed.
    Aborted,
}

impl StreamState {
    /// As the schema writes it.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "streaming" => Some(Self::Streaming),
            "finished" => Some(Self::Finished),
            "aborted" => Some(Self::Aborted),
            _ => None,
        }
    }
}

/// A payload to store: units `start..end` of an event's payloadJson, in UTF-16, with something left out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct StoredPayload {
    /// The event.
    pub event: u32,
    /// First unit inside.
    pub start: u32,
    /// First unit that is left out; `end` where nothing is.
    pub cut_start: u32,
    /// First unit behind what is left out.
    pub cut_end: u32,
    /// First unit behind.
    pub end: u32,
    /// JSON that stands in place of what is left out.
    pub in_place: &'static str,
}

/// What a message's own words are, as its event has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct MessageContent {
    /// The app-server's type.
    pub source_item_type: String,
    /// Who speaks.
    pub role: Role,
    /// The text, in parts.
    pub text_parts: Vec<String>,
    /// UTF-8 bytes of the text.
    pub text_bytes: u32,
    /// The item's JSON, without what is kept beside it; none where only a delta was seen.
    #[tsify(optional)]
    pub payload: Option<StoredPayload>,
}

/// A run of text in a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The message that it belongs to.
    pub message_id: String,
    /// Whether it is the message's text or a live output.
    pub channel: Channel,
    /// Cursor of its first delta.
    pub cursor_start: u64,
    /// First cursor behind its last delta.
    pub cursor_end: u64,
    /// The text.
    pub text: String,
    /// An unpaired low half before it.
    #[tsify(optional)]
    pub leading_low: Option<u16>,
    /// An unpaired high half behind it.
    #[tsify(optional)]
    pub pending_high: Option<u16>,
}

/// Where a run of text belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Channel {
    /// The message's text.
    Text,
    /// A command's or file change's live output.
    Output,
}

/// An item that goes on, as a head remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct OpenItemRow {
    /// The app-server's id.
    pub item_id: String,
    /// The message's id.
    pub message_id: String,
    /// Where it began.
    pub start_cursor: u64,
    /// How far its text is folded; none where its text does not grow.
    #[tsify(optional)]
    pub fold: Option<OpenFold>,
}

/// What a head knows of an open item's fold: enough to tell when it is due, without a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct OpenFold {
    /// The fold's cursor when a batch last looked.
    pub cursor: u64,
    /// The head's weight then.
    pub weight: u64,
    /// UTF-8 bytes of text behind the last full part: what the last part holds, and the tail.
    pub fill: u64,
    /// Whether the item's own start was seen: else a hole before what was seen may hold the beginning of its text.
    pub started: bool,
}

/// A hole in a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct HoleRow {
    /// First cursor inside.
    pub start: u64,
    /// First cursor behind.
    pub end: u64,
}

/// A runtime's lifecycle counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeMarkRow {
    /// The runtime.
    pub runtime_id: String,
    /// One more than the highest number applied.
    pub next: u64,
}

/// One change of one row.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Write {
    /// The thread is made, as `threads.create` makes it.
    InsertThread,
    /// The thread changes; its `updatedAt` moves.
    PatchThread {
        /// The order that the next turn gets.
        #[tsify(optional)]
        next_turn_order: Option<u64>,
        /// A new name; `""` removes it.
        #[tsify(optional)]
        name: Option<String>,
        /// Whether it is archived.
        #[tsify(optional)]
        archived: Option<bool>,
    },
    /// A turn.
    PutTurn {
        /// The loaded row, where it exists.
        #[tsify(optional)]
        row: Option<u32>,
        /// Its id.
        turn_id: String,
        /// Its place in the thread.
        turn_order: u64,
        /// Its status.
        status: TurnStatus,
        /// Whose word a terminal status is.
        #[tsify(optional)]
        source: Option<Source>,
        /// Whether an item of it is known.
        has_items: bool,
        /// The turn that this is another name of.
        #[tsify(optional)]
        same_run_as: Option<String>,
        /// Whether the error and the time of an end of before are taken away.
        clear_error: bool,
        /// What failed.
        #[tsify(optional)]
        error: Option<String>,
        /// What Codex tried again after.
        #[tsify(optional)]
        warning: Option<String>,
        /// Milliseconds, the sender's clock.
        #[tsify(optional)]
        started_at: Option<f64>,
        /// Milliseconds, the sender's clock.
        #[tsify(optional)]
        completed_at: Option<f64>,
        /// When the sweep asks whether anything was heard of it; none where it has ended. Milliseconds.
        #[tsify(optional)]
        silent_at: Option<f64>,
    },
    /// The newest of what a turn or the thread keeps; no parts take away what was kept.
    PutNewest {
        /// What it is.
        what: Newest,
        /// The turn that it came from, empty where it names none.
        turn_id: String,
        /// The place of the turn that keeps it.
        #[tsify(optional)]
        turn_order: Option<u64>,
        /// Whether the thread keeps it.
        of_thread: bool,
        /// Its text, or its JSON, in parts.
        parts: Vec<String>,
    },
    /// A message.
    PutMessage {
        /// The loaded row, where it exists.
        #[tsify(optional)]
        row: Option<u32>,
        /// Its turn.
        turn_id: String,
        /// Its item.
        item_id: String,
        /// Its own id.
        message_id: String,
        /// How it is made, where it is new; where it exists, that it begins elsewhere than was known: then its fold is undone,
        /// and of a text that was not whole the parts go.
        #[tsify(optional)]
        made: Option<MessageMade>,
        /// Where its text begins to grow, where a lifecycle event had made it.
        #[tsify(optional)]
        joined: Option<StreamJoined>,
        /// Its status.
        status: MessageStatus,
        /// What ended it.
        closing: Closing,
        /// Where its item ended.
        #[tsify(optional)]
        end_cursor: Option<u64>,
        /// Where its item may have begun again.
        #[tsify(optional)]
        restart: Option<Restart>,
        /// What it says, where an event of this batch says so.
        #[tsify(optional)]
        content: Option<MessageContent>,
        /// Whether the parts are the whole text; else chunks hold its tail.
        #[tsify(optional)]
        text_whole: Option<bool>,
        /// Milliseconds, the sender's clock.
        #[tsify(optional)]
        completed_at: Option<f64>,
        /// Whether the time of an end of before is taken away.
        reopened: bool,
    },
    /// A message's tail becomes part of its parts.
    FoldMessage {
        /// The loaded row.
        row: u32,
        /// Where the fold stands: the chunks from here on hold the tail.
        cursor: u64,
        /// An unpaired high half that waits there.
        #[tsify(optional)]
        pending_high: Option<u16>,
        /// UTF-8 bytes of the parts.
        text_bytes: u64,
        /// The number of the first part that is written.
        first_part: u64,
        /// The parts that are written: the last one of before, where it grew, and new ones.
        parts: Vec<String>,
    },
    /// A stream is made, with its head where that does not exist.
    InsertStream {
        /// An event of it.
        event: u32,
        /// Its state.
        state: StreamState,
        /// When it stops being listed; none while it goes on. Milliseconds.
        #[tsify(optional)]
        expires_at: Option<f64>,
        /// The turn's order, where the turn exists.
        #[tsify(optional)]
        turn_order: Option<u64>,
    },
    /// A stream of a turn that ends; or that goes on after the sweep, or as another's name, had ended it.
    CloseStream {
        /// The loaded row.
        row: u32,
        /// Its state.
        state: StreamState,
        /// Whether the sweep ended it.
        swept: bool,
        /// When it stops being listed; none where it goes on. Milliseconds.
        #[tsify(optional)]
        expires_at: Option<f64>,
    },
    /// A stream's head: all of it but its keys.
    PutHead {
        /// The loaded row, where it exists; else it is made.
        #[tsify(optional)]
        row: Option<u32>,
        /// An event of the stream.
        event: u32,
        /// How far the stream was accepted.
        latest: u64,
        /// Events accepted.
        event_count: u64,
        /// What reading all its chunks would have cost, see `FOLD_WEIGHT_MAX`.
        weight: u64,
        /// What was left out, where that changes.
        #[tsify(optional)]
        holes: Option<Vec<HoleRow>>,
        /// Items that go on, where that changes.
        #[tsify(optional)]
        open: Option<Vec<OpenItemRow>>,
        /// Cursors behind the newest of each kind, where that changes.
        #[tsify(optional)]
        newest: Option<[u64; NEWEST_OF_TURN]>,
        /// Whether the turn has ended.
        closed: bool,
        /// Whether the sweep ended it, so that a new event undoes that.
        swept: bool,
        /// Whether the turn has an item.
        has_items: bool,
        /// The turn's order, where the turn exists.
        #[tsify(optional)]
        turn_order: Option<u64>,
    },
    /// A server request.
    PutRequest {
        /// What is written.
        request: RequestWrite,
    },
    /// What a batch brought to a contiguous range of a stream.
    InsertChunk {
        /// Its events, in cursor order.
        events: Vec<u32>,
        /// First cursor inside.
        cursor_start: u64,
        /// First cursor behind.
        cursor_end: u64,
        /// Texts, in cursor order.
        runs: Vec<Run>,
        /// Payloads that are kept for replay, in cursor order.
        kept: Vec<StoredPayload>,
        /// Items that kept payloads name, without repeats.
        item_ids: Vec<String>,
        /// Until when it is kept at least. Milliseconds.
        expires_at: f64,
    },
    /// The thread's lifecycle counters.
    PutMarks {
        /// All of them, newest runtime last.
        runtimes: Vec<RuntimeMarkRow>,
    },
    /// A lifecycle event id of a foreign form is remembered.
    InsertLifecycleId {
        /// The event.
        event: u32,
        /// Until when. Milliseconds.
        expires_at: f64,
    },
    /// A malformed event is kept as it came.
    Quarantine {
        /// The event.
        event: u32,
        /// What is wrong with it.
        reason: &'static str,
        /// UTF-8 bytes of its payload.
        bytes: u64,
    },
    /// A malformed event that was kept goes.
    EvictQuarantine {
        /// The loaded row.
        row: u32,
    },
}

/// Where an item may have begun again inside its message: an end before it is the end of another use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Restart {
    /// The last start that was seen behind the first event; else the last event that was the first one.
    pub cursor: u64,
    /// Whether it is a start. One that is none and stands where the message begins says that its own start was not seen.
    pub seen: bool,
}

/// The stream that a message's text grows from, from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct StreamJoined {
    /// An event of it.
    pub event: u32,
    /// Where on it the text begins.
    pub start_cursor: u64,
}

/// The fields of a message that never change.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct MessageMade {
    /// The turn's place in the thread.
    pub turn_order: u64,
    /// Its place in the turn.
    pub order_in_turn: u64,
    /// How often the item's id was used before, plus one.
    pub occurrence: u64,
    /// Where its item began.
    pub start_cursor: u64,
    /// The event that made it: an event of its stream, or a lifecycle event.
    pub event: u32,
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_they_are_written_and_no_other() {
        fn check<T: Copy + std::fmt::Debug + PartialEq + Serialize>(read: fn(&str) -> Option<T>, all: &[T]) {
            for one in all {
                assert_eq!(read(&crate::testing::name(one)), Some(*one));
            }
            assert_eq!(read("gone"), None);
        }
        use TurnStatus::{Completed, Failed, InProgress, Interrupted, Queued};
        check(TurnStatus::read, &[Queued, InProgress, Completed, Interrupted, Failed]);
        check(Source::read, &[Source::Sweep, Source::Client, Source::Local, Source::Codex]);
        use MessageStatus as M;
        check(M::read, &[M::Streaming, M::Completed, M::Failed, M::Interrupted]);
        check(Closing::read, &[Closing::Open, Closing::Turn, Closing::Item]);
        check(StreamState::read, &[StreamState::Streaming, StreamState::Finished, StreamState::Aborted]);
    }

    #[test]
    fn every_code_of_a_batch_has_its_name() {
        for (code, name) in BATCH_CODES {
            assert_eq!(crate::testing::name(&code), name);
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let files = std::fs::read_dir(format!("{folder}/ingest")).unwrap().map(|file| file.unwrap().path());
        let given = files
            .chain([format!("{folder}/session.rs").into()])
            .filter(|file| file.extension().is_some_and(|kind| kind == "rs"))
            .flat_map(|file| {
                let source = std::fs::read_to_string(file).unwrap();
                let names = source
                    .split("Code::")
                    .skip(1)
                    .map(|rest| rest.split(|char: char| !char.is_alphanumeric()).next().unwrap().to_owned());
                names.collect::<Vec<_>>()
            });
        let known = BATCH_CODES.map(|(code, _)| format!("{code:?}"));
        for name in given.filter(|name| name.starts_with('E')) {
            assert!(known.contains(&name), "{name}");
        }
    }
}
