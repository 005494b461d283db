//! What the tests are made of: events as the bridge sends them, and a shell that applies what the core plans.

use crate::delta::order::{Order, Range};
use crate::event::methods::{NEWEST_OF_TURN, Newest};
use crate::fold::{FoldRow, Tail};
use crate::ingest::call::{
    Delta, EventPlace, HeadRow, IngestCall, LifecycleEvent, Loaded, MessageRow, NextOrder, OpenItem,
    QuarantineRow, RuntimeMark, StreamRow, ThreadRow, TurnRow,
};
use crate::ingest::plan::plan_ingest;
use crate::ingest::write::{
    Channel, Closing, HoleRow, IngestAnswer, MessageContent, MessageMade, MessageStatus, Needs, OpenItemRow,
    Plan, Restart, Run, RuntimeMarkRow, Source, StreamState, TurnStatus, Write,
};
use crate::limits::{
    CHUNK_TTL_MS, CLOSING_MESSAGES_MAX, LIFECYCLE_ID_TTL_MS, TURN_SILENT_MS, TURN_STREAMS_MAX,
};
use crate::options::Options;
use crate::pack::Unpacker;
use crate::request::{Origin, Request, RequestCause, RequestState, RequestWrite};
use crate::retention::{
    SilenceAnswer, SilenceCall, TrimCall, TrimChunk, TrimMessage, plan_silence, plan_trim,
};
use crate::session::{SessionFacts, SessionRow};
use std::collections::{BTreeMap, BTreeSet};

/// The thread of the tests, and its turn.
pub(crate) const THREAD: &str = "T";
pub(crate) const TURN: &str = "U";
pub(crate) const STREAM: &str = "T:U:0";

/// A text that lives as long as the test.
pub(crate) fn keep(text: impl Into<String>) -> &'static str {
    Box::leak(text.into().into_boxed_str())
}

/// An event of the turn's main stream at `[cursor, cursor + 1)`.
pub(crate) fn event(cursor: u64, kind: &'static str, params: &str) -> Delta<'static> {
    Delta {
        event_id: keep(format!("e{cursor}")),
        turn_id: TURN,
        stream_id: STREAM,
        kind,
        payload_json: keep(format!(r#"{{"method":"{kind}","params":{params}}}"#)),
        cursor_start: cursor as f64,
        cursor_end: (cursor + 1) as f64,
        created_at_ms: 100.0 + cursor as f64,
    }
}

pub(crate) fn turn_started(cursor: u64) -> Delta<'static> {
    event(cursor, "turn/started", r#"{"threadId":"T","turn":{"id":"U","status":"inProgress"}}"#)
}

pub(crate) fn turn_completed(cursor: u64, status: &str) -> Delta<'static> {
    event(cursor, "turn/completed", &format!(r#"{{"threadId":"T","turn":{{"id":"U","status":"{status}"}}}}"#))
}

pub(crate) fn item_started(cursor: u64, id: &str) -> Delta<'static> {
    let item =
        format!(r#"{{"item":{{"type":"agentMessage","id":"{id}","text":""}},"threadId":"T","turnId":"U"}}"#);
    event(cursor, "item/started", &item)
}

pub(crate) fn item_completed(cursor: u64, id: &str, text: &str) -> Delta<'static> {
    let item = format!(
        r#"{{"item":{{"type":"agentMessage","id":"{id}","text":"{text}"}},"threadId":"T","turnId":"U"}}"#
    );
    event(cursor, "item/completed", &item)
}

/// `text` as it stands in JSON.
pub(crate) fn delta(cursor: u64, id: &str, text: &str) -> Delta<'static> {
    let params = format!(r#"{{"threadId":"T","turnId":"U","itemId":"{id}","delta":"{text}"}}"#);
    event(cursor, "item/agentMessage/delta", &params)
}

/// An event with another turn and its stream.
pub(crate) fn of_turn(turn_id: &str, mut event: Delta<'static>) -> Delta<'static> {
    event.payload_json = keep(event.payload_json.replace("\"U\"", &format!("\"{turn_id}\"")));
    event.event_id = keep(format!("{turn_id}-{}", event.event_id));
    event.stream_id = keep(format!("T:{turn_id}:0"));
    event.turn_id = keep(turn_id);
    event
}

/// A lifecycle event that the bridge numbered.
pub(crate) fn lifecycle(
    number: u64,
    kind: &'static str,
    turn_id: Option<&'static str>,
    params: &str,
) -> LifecycleEvent<'static> {
    LifecycleEvent {
        event_id: keep(format!("r:T:L{number}")),
        turn_id,
        kind,
        payload_json: keep(format!(r#"{{"method":"{kind}","params":{params}}}"#)),
        created_at_ms: 100.0,
    }
}

/// The options of an app that sets none.
pub(crate) fn options() -> Options {
    Options::unpack(&mut Unpacker::new("", &[f64::NAN; 6]))
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TurnState {
    pub(crate) turn_id: String,
    pub(crate) turn_order: u64,
    pub(crate) status: String,
    pub(crate) source: Option<String>,
    pub(crate) has_items: bool,
    pub(crate) same_run_as: Option<String>,
    pub(crate) started: bool,
    pub(crate) warning: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MessageState {
    pub(crate) turn_id: String,
    pub(crate) item_id: String,
    pub(crate) message_id: String,
    pub(crate) made: MessageMade,
    pub(crate) stream_id: Option<String>,
    pub(crate) end_cursor: Option<u64>,
    pub(crate) status: String,
    pub(crate) closing: String,
    pub(crate) content: Option<MessageContent>,
    pub(crate) text_whole: bool,
    /// Where its item was last seen to begin again.
    pub(crate) restart: Option<Restart>,
    pub(crate) parts: Vec<String>,
    /// The fold's cursor, where it ever moved.
    pub(crate) folded: Option<u64>,
    pub(crate) pending_high: Option<u16>,
    /// UTF-8 bytes of text that were written to its parts.
    pub(crate) part_bytes: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeadState {
    pub(crate) stream_id: String,
    pub(crate) turn_id: String,
    pub(crate) turn_order: Option<u64>,
    pub(crate) latest: u64,
    pub(crate) holes: Vec<HoleRow>,
    pub(crate) event_count: u64,
    pub(crate) weight: u64,
    pub(crate) closed: bool,
    pub(crate) swept: bool,
    pub(crate) has_items: bool,
    pub(crate) open: Vec<OpenItemRow>,
    pub(crate) newest: [u64; NEWEST_OF_TURN],
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChunkState {
    pub(crate) stream_id: String,
    pub(crate) places: Vec<(Range, String)>,
    pub(crate) runs: Vec<Run>,
    pub(crate) kept: usize,
    pub(crate) kept_ranges: Vec<Range>,
    pub(crate) expires_at: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RequestRecord {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) turn_id: String,
    pub(crate) item_id: String,
    pub(crate) event_id: Option<String>,
    pub(crate) runtime_id: Option<String>,
    pub(crate) generation: Option<u64>,
    pub(crate) app_generation: Option<u64>,
    pub(crate) state: String,
    pub(crate) cause: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) resolves_itself: bool,
}

/// The rows of one thread, and the shell around the core: loads what is asked for, applies what is planned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shell {
    /// The thread's id in Convex: Codex calls it [`THREAD`].
    pub(crate) thread_id: &'static str,
    pub(crate) options: Options,
    pub(crate) next_turn_order: Option<u64>,
    pub(crate) turns: Vec<TurnState>,
    pub(crate) messages: Vec<MessageState>,
    pub(crate) streams: BTreeMap<String, (String, String)>,
    pub(crate) heads: Vec<HeadState>,
    pub(crate) chunks: Vec<ChunkState>,
    pub(crate) marks: Vec<RuntimeMarkRow>,
    pub(crate) lifecycle_ids: BTreeSet<String>,
    /// The newest of what turns and thread (`""`) keep, by owner and kind.
    pub(crate) newest: BTreeMap<(String, String), String>,
    pub(crate) usage_place: u64,
    /// Malformed events that are kept, oldest first: id and bytes.
    pub(crate) quarantine: Vec<(String, u64)>,
    pub(crate) now_ms: f64,
    /// Chunks that the shell reads for one fold.
    pub(crate) read_max: usize,
    pub(crate) requests: Vec<RequestRecord>,
    /// Turns that were deleted.
    pub(crate) deleted_turns: BTreeSet<String>,
}

impl Shell {
    pub(crate) fn new() -> Self {
        Self {
            thread_id: THREAD,
            options: options(),
            next_turn_order: None,
            turns: vec![],
            messages: vec![],
            streams: BTreeMap::new(),
            heads: vec![],
            chunks: vec![],
            marks: vec![],
            lifecycle_ids: BTreeSet::new(),
            newest: BTreeMap::new(),
            usage_place: 0,
            quarantine: vec![],
            now_ms: 1_000.0,
            read_max: usize::MAX,
            requests: vec![],
            deleted_turns: BTreeSet::new(),
        }
    }

    /// A thread that an app has made by its own name for it: Convex's id is not Codex's.
    pub(crate) fn resolved() -> Self {
        Self { thread_id: "in Convex", next_turn_order: Some(0), ..Self::new() }
    }

    /// A thread in which the batch was applied.
    pub(crate) fn after(deltas: &[Delta<'static>]) -> Self {
        let mut shell = Self::new();
        shell.plan(deltas, &[]);
        shell
    }

    /// Ingests a batch; answers what was planned, in short.
    pub(crate) fn writes(&mut self, deltas: &[Delta<'static>]) -> Vec<String> {
        self.plan(deltas, &[]).writes.iter().map(brief).collect()
    }

    pub(crate) fn plan(&mut self, deltas: &[Delta<'static>], lifecycle: &[LifecycleEvent<'static>]) -> Plan {
        match self.ingest(deltas, lifecycle) {
            IngestAnswer::Plan { plan } => plan,
            other => panic!("{other:?}"),
        }
    }

    /// The code of a batch that is rejected, which changes nothing.
    pub(crate) fn rejection(&mut self, deltas: &[Delta<'static>]) -> String {
        let before = self.clone();
        let answer = self.ingest(deltas, &[]);
        assert_eq!(*self, before);
        match answer {
            IngestAnswer::Rejected { fault } => name(&fault.error_code),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn ingest(
        &mut self,
        deltas: &[Delta<'static>],
        lifecycle: &[LifecycleEvent<'static>],
    ) -> IngestAnswer {
        self.ingest_with(None, deltas, lifecycle)
    }

    /// Ingests a batch whose rows were foreseen, where they were: it does not ask.
    pub(crate) fn ingest_with(
        &mut self,
        foreseen: Option<&Needs>,
        deltas: &[Delta<'static>],
        lifecycle: &[LifecycleEvent<'static>],
    ) -> IngestAnswer {
        let rows = self.clone();
        let mut call = rows.call(deltas, lifecycle);
        call.loaded = foreseen.map(|needs| rows.load(needs, &call));
        let mut answer = plan_ingest(&call);
        assert_eq!(plan_ingest(&call), answer, "the same call, the same answer");
        if let IngestAnswer::Needs { needs } = &answer {
            call.loaded = Some(rows.load(needs, &call));
            answer = plan_ingest(&call);
        }
        if let IngestAnswer::Plan { plan } = &answer {
            plan.writes.iter().for_each(|write| self.apply(write, &call));
        }
        answer
    }

    /// The rows that a batch asks for; none where it is planned at once.
    pub(crate) fn needs(&self, deltas: &[Delta<'static>], lifecycle: &[LifecycleEvent<'static>]) -> Needs {
        match plan_ingest(&self.call(deltas, lifecycle)) {
            IngestAnswer::Needs { needs } => needs,
            IngestAnswer::Plan { .. } => Needs::default(),
            IngestAnswer::Rejected { fault } => panic!("{fault:?}"),
        }
    }

    pub(crate) fn call(
        &self,
        deltas: &[Delta<'static>],
        lifecycle: &[LifecycleEvent<'static>],
    ) -> IngestCall<'_> {
        let own = SessionRow { session_id: "s", device_id: "d", epoch: 1, last_beat_at_ms: self.now_ms };
        IngestCall {
            strict: false,
            now_ms: self.now_ms,
            thread_id: self.thread_id,
            options: self.options,
            thread: self.next_turn_order.map(|next_turn_order| ThreadRow {
                local_thread_id: Some(THREAD),
                next_turn_order,
                archived: false,
                name: None,
            }),
            session: SessionFacts {
                session_id: "s",
                device_id: "d",
                own: Some(own),
                writer: Some(own),
                bound_elsewhere: false,
            },
            heads: self.heads.iter().map(|head| head.row(self.thread_id)).collect(),
            marks: self
                .marks
                .iter()
                .map(|mark| RuntimeMark { runtime_id: &mark.runtime_id, next: mark.next })
                .collect(),
            deltas: deltas.to_vec(),
            lifecycle: lifecycle.to_vec(),
            loaded: None,
        }
    }

    pub(crate) fn load<'a>(&'a self, needs: &Needs, call: &IngestCall<'a>) -> Loaded<'a> {
        let turn = |id: &String| {
            needs.turns.contains(id)
                || needs.closing.contains(id)
                || needs.open_turns
                    && self.turns.iter().any(|turn| turn.turn_id == *id && turn.status == "inProgress")
        };
        let closes = |id: &String| needs.closing.contains(id) || needs.open_turns && turn(id);
        let places = self.chunks.iter().flat_map(|chunk| {
            chunk.places.iter().map(|(range, id)| EventPlace {
                stream_id: &chunk.stream_id,
                range: *range,
                event_id: id,
            })
        });
        let asked = |place: &EventPlace<'_>| {
            needs.chunks.iter().any(|range| {
                call.deltas[range.event as usize].stream_id == place.stream_id
                    && place.range.overlaps(Range { start: range.start, end: range.end })
            })
        };
        let mut closed: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut is_closed = |row: &'a MessageState| {
            let count = closed.entry((&row.turn_id, &row.closing)).or_insert(0);
            *count += 1;
            row.closing != "item" && closes(&row.turn_id) && *count <= CLOSING_MESSAGES_MAX
        };
        let messages: Vec<&MessageState> = self
            .messages
            .iter()
            .filter(|row| {
                is_closed(row)
                    || needs
                        .items
                        .iter()
                        .any(|item| item.item_id == row.item_id && item.turn_id == row.turn_id)
            })
            .collect();
        let folds = needs.folds.iter().filter_map(|fold| {
            let stream = call.deltas[fold.event as usize].stream_id;
            let is_it = |row: &&MessageState| {
                row.message_id == fold.message_id && row.stream_id.as_deref() == Some(stream)
            };
            let at = messages.iter().position(is_it)?;
            Some(self.fold_row(stream, messages[at], at as u32, fold.end))
        });
        Loaded {
            turns: self.turns.iter().filter(|row| turn(&row.turn_id)).map(TurnState::row).collect(),
            messages: messages.iter().map(|row| row.row()).collect(),
            streams: self.turns_streams(&closes),
            places: in_order(places.filter(asked).collect()),
            next_orders: needs.next_orders.iter().filter_map(|turn_id| self.next_order(turn_id)).collect(),
            lifecycle_ids: self.lifecycle_ids.iter().map(String::as_str).collect(),
            usage_place: if needs.usage { self.usage_place } else { 0 },
            folds: folds.collect(),
            quarantine: (self.quarantine.iter().rev())
                .filter(|_| needs.quarantine)
                .map(|(event_id, bytes)| QuarantineRow { event_id, bytes: *bytes })
                .collect(),
            requests: self.requests_for(needs).zip(0..).map(|(record, at)| record.row(at)).collect(),
            deleted_turns: (self.deleted_turns.iter())
                .filter(|turn_id| needs.turns.contains(turn_id))
                .map(String::as_str)
                .collect(),
        }
    }

    /// The streams of turns, of each turn as many as one call closes: those that go on first.
    fn turns_streams(&self, closes: &dyn Fn(&String) -> bool) -> Vec<StreamRow<'_>> {
        let mut rows: Vec<StreamRow<'_>> = (self.streams.iter())
            .filter(|(_, (turn_id, _))| closes(turn_id))
            .map(|(stream_id, (turn_id, state))| {
                let state = stored(StreamState::read, state);
                StreamRow { stream_id, turn_id, state }
            })
            .collect();
        rows.sort_by_key(|row| row.state != StreamState::Streaming);
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        rows.retain(|row| {
            let count = count.entry(row.turn_id).or_insert(0);
            *count += 1;
            *count <= TURN_STREAMS_MAX
        });
        rows
    }

    /// A message's tail, as far as `self.read_max` chunks hold it.
    pub(crate) fn fold_row<'a>(
        &'a self,
        stream_id: &str,
        message: &'a MessageState,
        at: u32,
        end: u64,
    ) -> FoldRow<'a> {
        let cursor = message.folded.unwrap_or(message.made.start_cursor);
        let mut chunks: Vec<&ChunkState> = self.chunks.iter().collect();
        chunks.retain(|chunk| {
            let range = chunk.range();
            chunk.stream_id == stream_id && range.end > cursor && range.start < end
        });
        chunks.sort_by_key(|chunk| chunk.range());
        let end = chunks.get(self.read_max).map_or(end, |chunk| chunk.range().start);
        chunks.truncate(self.read_max);
        let runs = chunks.iter().flat_map(|chunk| &chunk.runs);
        let mine = runs.filter(|run| run.message_id == message.message_id && run.channel == Channel::Text);
        FoldRow {
            message: at,
            cursor,
            pending_high: message.pending_high,
            text_bytes: message.parts.iter().map(String::len).sum::<usize>() as u64,
            part: message.parts.len().saturating_sub(1) as u64,
            last: message.parts.last().map_or("", String::as_str),
            runs: mine
                .map(|run| Tail {
                    cursor_start: run.cursor_start,
                    text: &run.text,
                    leading_low: run.leading_low,
                    pending_high: run.pending_high,
                })
                .collect(),
            end,
        }
    }

    fn requests_for(&self, needs: &Needs) -> impl Iterator<Item = &RequestRecord> {
        self.requests.iter().filter(|record| {
            let named = needs.request_ids.contains(&record.id);
            named || needs.open_requests && (record.state == "pending" || record.state == "answering")
        })
    }

    /// Applies what is written of a request; `asked` is the method, turn and id of the event that asks.
    pub(crate) fn put_request(
        &mut self,
        write: RequestWrite,
        row: Option<usize>,
        asked: (&str, &str, Option<&str>),
    ) {
        let (method, turn_id, event_id) = asked;
        let event_id = event_id.filter(|_| write.event.is_some()).map(str::to_owned);
        assert_eq!(row.is_some(), write.id.is_none(), "a request is made once");
        let at = row.unwrap_or(self.requests.len());
        if let Some(id) = write.id {
            self.requests.push(RequestRecord {
                id,
                method: method.to_owned(),
                turn_id: turn_id.to_owned(),
                item_id: write.item_id.unwrap_or_default(),
                event_id: None,
                runtime_id: None,
                generation: None,
                app_generation: None,
                state: String::new(),
                cause: None,
                reason: write.reason,
                resolves_itself: write.auto_resolution_ms.is_some(),
            });
        }
        let record = &mut self.requests[at];
        record.event_id = event_id.or(record.event_id.take());
        record.runtime_id = write.runtime_id;
        record.generation = write.generation;
        record.state = name(&write.state);
        record.cause = write.cause.map(|cause| name(&cause)).or(record.cause.take());
    }

    /// Ids, states and causes of the thread's requests, in the order in which they were made.
    pub(crate) fn asked(&self) -> Vec<String> {
        let brief = |record: &RequestRecord| {
            let cause = record.cause.as_ref().map(|cause| format!(" {cause}")).unwrap_or_default();
            format!("{} {}{cause}", record.id, record.state)
        };
        self.requests.iter().map(brief).collect()
    }

    fn next_order(&self, turn_id: &str) -> Option<NextOrder<'_>> {
        let mine = self.messages.iter().filter(|row| row.turn_id == turn_id);
        let last = mine.max_by_key(|row| row.made.order_in_turn)?;
        Some(NextOrder { turn_id: &last.turn_id, next: last.made.order_in_turn + 1 })
    }

    pub(crate) fn apply(&mut self, write: &Write, call: &IngestCall<'_>) {
        let loaded = call.loaded.clone().unwrap_or_default();
        let stream_of = |event: u32| call.deltas[event as usize].stream_id.to_owned();
        match write.clone() {
            Write::InsertThread => self.next_turn_order = Some(0),
            Write::PatchThread { next_turn_order, .. } => {
                self.next_turn_order = next_turn_order.or(self.next_turn_order);
            }
            Write::PutTurn {
                row,
                turn_id,
                turn_order,
                status,
                source,
                has_items,
                same_run_as,
                warning,
                started_at,
                silent_at,
                ..
            } => {
                // Of one that has ended, where more is to be closed than one call closes.
                let asked_again = silent_at == Some(call.now_ms);
                assert!(asked_again || silent_at == goes_on(status).then_some(call.now_ms + TURN_SILENT_MS));
                let before = self.turns.iter().position(|turn| turn.turn_id == turn_id);
                assert_eq!(before.is_some(), row.is_some(), "{turn_id} is made once");
                let started = started_at.is_some() || before.is_some_and(|at| self.turns[at].started);
                let warning = warning.or(before.and_then(|at| self.turns[at].warning.clone()));
                let state = TurnState {
                    turn_id,
                    turn_order,
                    status: name(&status),
                    source: source.map(|source| name(&source)),
                    has_items,
                    same_run_as,
                    started,
                    warning,
                };
                match before {
                    Some(at) => self.turns[at] = state,
                    None => self.turns.push(state),
                }
            }
            Write::PutMessage {
                row,
                turn_id,
                item_id,
                message_id,
                made,
                joined,
                status,
                closing,
                end_cursor,
                restart,
                content,
                text_whole,
                ..
            } => {
                let before = self
                    .messages
                    .iter()
                    .position(|row| row.turn_id == turn_id && row.message_id == message_id);
                assert_eq!(before.is_some(), row.is_some(), "{message_id} is made once");
                let old = before.map(|at| self.messages[at].clone());
                let begins = made.is_some();
                let made = match (old.as_ref().map(|old| old.made.clone()), made) {
                    // It begins elsewhere than was known.
                    (Some(old), Some(MessageMade { start_cursor, order_in_turn, .. })) => {
                        MessageMade { start_cursor, order_in_turn, ..old }
                    }
                    (old, made) => old.or(made).unwrap(),
                };
                let named =
                    |event: u32| call.deltas.get(event as usize).map(|delta| delta.stream_id.to_owned());
                let mut made = made;
                let stream_id = match (&old, &joined) {
                    (Some(old), Some(joined)) => {
                        assert_eq!(old.stream_id, None);
                        made.start_cursor = joined.start_cursor;
                        named(joined.event)
                    }
                    (Some(old), None) => old.stream_id.clone(),
                    (None, _) => named(joined.as_ref().map_or(made.event, |joined| joined.event)),
                };
                let words = content.clone();
                let mut state = MessageState {
                    turn_id,
                    item_id,
                    message_id,
                    made,
                    stream_id,
                    end_cursor,
                    status: name(&status),
                    closing: name(&closing),
                    content: content.or(old.as_ref().and_then(|old| old.content.clone())),
                    text_whole: text_whole.unwrap_or(old.as_ref().is_some_and(|old| old.text_whole)),
                    parts: old.as_ref().map(|old| old.parts.clone()).unwrap_or_default(),
                    restart: restart.or(old.as_ref().filter(|_| !begins).and_then(|old| old.restart)),
                    folded: old.as_ref().filter(|_| !begins).and_then(|old| old.folded),
                    pending_high: old.as_ref().filter(|_| !begins).and_then(|old| old.pending_high),
                    part_bytes: old.as_ref().map_or(0, |old| old.part_bytes),
                };
                if begins && old.as_ref().is_some_and(|old| !old.text_whole) {
                    state.parts.clear();
                }
                if let Some(content) = words {
                    let differ = content.text_parts.iter().enumerate();
                    let differ = differ.filter(|(at, part)| state.parts.get(*at) != Some(*part));
                    state.part_bytes += differ.map(|(_, part)| part.len()).sum::<usize>();
                    state.parts = content.text_parts;
                }
                match before {
                    Some(at) => self.messages[at] = state,
                    None => self.messages.push(state),
                }
            }
            Write::PutNewest { what, turn_id, turn_order, of_thread, parts } => {
                if of_thread && what == Newest::Usage {
                    self.usage_place = turn_order.map_or(0, |order| order + 1);
                }
                if let Some(order) = turn_order {
                    let known =
                        self.turns.iter().any(|turn| turn.turn_id == turn_id && turn.turn_order == order);
                    assert!(known, "{turn_id} is there");
                }
                let of_turn = turn_order.is_some().then_some(turn_id);
                for owner in of_turn.into_iter().chain(of_thread.then(String::new)) {
                    match parts.concat() {
                        gone if gone.is_empty() => self.newest.remove(&(owner, name(&what))),
                        text => self.newest.insert((owner, name(&what)), text),
                    };
                }
            }
            Write::InsertStream { event, state, expires_at, .. } => {
                assert_eq!(expires_at, self.listed_until(state, call));
                let turn_id = call.deltas[event as usize].turn_id.to_owned();
                assert!(self.streams.insert(stream_of(event), (turn_id, name(&state))).is_none());
            }
            Write::FoldMessage { row, cursor, pending_high, text_bytes, first_part, parts } => {
                let row = loaded.messages[row as usize];
                self.apply_fold(
                    row.turn_id,
                    row.message_id,
                    cursor,
                    pending_high,
                    text_bytes,
                    first_part,
                    parts,
                );
            }
            Write::CloseStream { row, state, swept, expires_at } => {
                assert_eq!(expires_at, self.listed_until(state, call));
                let stream_id = loaded.streams[row as usize].stream_id;
                for head in self.heads.iter_mut().filter(|head| head.stream_id == stream_id) {
                    head.closed = state != StreamState::Streaming;
                    head.swept = swept;
                    head.open.clear();
                }
                self.streams.get_mut(loaded.streams[row as usize].stream_id).unwrap().1 = name(&state);
            }
            Write::PutHead {
                row,
                event,
                latest,
                event_count,
                weight,
                holes,
                open,
                newest,
                closed,
                swept,
                has_items,
                turn_order,
            } => {
                let stream_id = stream_of(event);
                let at = self.heads.iter().position(|head| head.stream_id == stream_id);
                assert_eq!(at, row.map(|row| row as usize));
                let old = at.map(|at| self.heads[at].clone());
                let state = HeadState {
                    stream_id,
                    turn_id: call.deltas[event as usize].turn_id.to_owned(),
                    turn_order,
                    latest,
                    holes: holes.or(old.as_ref().map(|old| old.holes.clone())).unwrap(),
                    event_count,
                    weight,
                    closed,
                    swept,
                    has_items,
                    open: open.or(old.as_ref().map(|old| old.open.clone())).unwrap(),
                    newest: newest.or(old.map(|old| old.newest)).unwrap_or_default(),
                };
                match at {
                    Some(at) => self.heads[at] = state,
                    None => self.heads.push(state),
                }
            }
            Write::InsertChunk { events, cursor_start, cursor_end, runs, kept, expires_at, .. } => {
                let kept_ms = self.options.finished_stream_delete_delay_ms.max(CHUNK_TTL_MS);
                assert_eq!(expires_at, call.now_ms + kept_ms);
                let range_of = |event: u32| {
                    let delta = &call.deltas[event as usize];
                    Range { start: delta.cursor_start as u64, end: delta.cursor_end as u64 }
                };
                let places: Vec<(Range, String)> = (events.iter())
                    .map(|event| (range_of(*event), call.deltas[*event as usize].event_id.to_owned()))
                    .collect();
                let span = (places[0].0.start, places.last().unwrap().0.end);
                assert_eq!(span, (cursor_start, cursor_end));
                self.chunks.push(ChunkState {
                    stream_id: stream_of(events[0]),
                    places,
                    runs,
                    kept: kept.len(),
                    kept_ranges: kept.iter().map(|kept| range_of(kept.event)).collect(),
                    expires_at,
                });
            }
            Write::PutMarks { runtimes } => self.marks = runtimes,
            Write::InsertLifecycleId { event, expires_at } => {
                assert_eq!(expires_at, call.now_ms + LIFECYCLE_ID_TTL_MS);
                let at = event as usize - call.deltas.len();
                self.lifecycle_ids.insert(call.lifecycle[at].event_id.to_owned());
            }
            Write::PutRequest { request } => {
                let event = request.event.map(|event| event as usize);
                let delta = event.and_then(|event| call.deltas.get(event));
                let beside =
                    event.and_then(|event| call.lifecycle.get(event.checked_sub(call.deltas.len())?));
                let asked = match (delta, beside) {
                    (Some(delta), _) => (delta.kind, delta.turn_id, Some(delta.event_id)),
                    (_, Some(event)) => (event.kind, event.turn_id.unwrap_or_default(), Some(event.event_id)),
                    _ => ("", "", None),
                };
                let needs_row = |row: u32| {
                    let row = &loaded.requests[row as usize];
                    self.requests.iter().position(|record| {
                        record.id == row.id
                            && record.event_id.as_deref() == row.event_id
                            && record.generation == row.origin.generation
                            && record.method == row.method
                            && record.turn_id == row.turn_id
                    })
                };
                let row = request.row.map(|row| needs_row(row).unwrap());
                self.put_request(request, row, asked);
            }
            Write::Quarantine { event, bytes, .. } => {
                let ids = call.deltas.iter().map(|delta| delta.event_id);
                let all: Vec<&str> = ids.chain(call.lifecycle.iter().map(|event| event.event_id)).collect();
                self.quarantine.push((all[event as usize].to_owned(), bytes));
            }
            Write::EvictQuarantine { row } => {
                let id = loaded.quarantine[row as usize].event_id;
                self.quarantine.retain(|(kept, _)| kept != id);
            }
        }
    }

    /// When a stream of this state stops being listed, where it does.
    fn listed_until(&self, state: StreamState, call: &IngestCall<'_>) -> Option<f64> {
        let ends = state != StreamState::Streaming;
        ends.then_some(call.now_ms + self.options.finished_stream_delete_delay_ms)
    }

    #[allow(clippy::too_many_arguments)]
    pub(crate) fn apply_fold(
        &mut self,
        turn_id: &str,
        message_id: &str,
        cursor: u64,
        pending_high: Option<u16>,
        text_bytes: u64,
        first_part: u64,
        parts: Vec<String>,
    ) {
        let mut mine = self.messages.iter_mut().filter(|row| row.turn_id == turn_id);
        let message = mine.find(|row| row.message_id == message_id).unwrap();
        assert!(cursor > message.folded.unwrap_or(0));
        assert!(first_part as usize + 1 >= message.parts.len(), "only the last part is rewritten");
        message.folded = Some(cursor);
        message.pending_high = pending_high;
        message.parts.truncate(first_part as usize);
        message.part_bytes += parts.iter().map(String::len).sum::<usize>();
        message.parts.extend(parts);
        assert_eq!(message.parts.iter().map(String::len).sum::<usize>() as u64, text_bytes);
        assert_eq!(
            message.parts,
            crate::ingest::messages::parts(&message.parts.concat()),
            "cut as a whole text is"
        );
    }

    /// Sweeps a stream's chunks as the shell does; answers how many texts it folded.
    pub(crate) fn sweep(&mut self, stream_id: &str) -> usize {
        self.trim(stream_id, true)
    }

    /// Sweeps a stream that has finished, whose chunks are all due.
    pub(crate) fn sweep_finished(&mut self, stream_id: &str) -> usize {
        self.trim(stream_id, false)
    }

    fn trim(&mut self, stream_id: &str, overdue: bool) -> usize {
        let rows = self.clone();
        let mut chunks: Vec<&ChunkState> =
            rows.chunks.iter().filter(|row| row.stream_id == stream_id).collect();
        chunks.sort_by_key(|chunk| chunk.range());
        let end = chunks.last().map_or(0, |chunk| chunk.range().end);
        let folds = rows.messages.iter().zip(0..).filter(|(row, _)| !row.text_whole);
        let at = |id: &str| rows.messages.iter().position(|row| row.message_id == id).unwrap() as u32;
        let head = rows.heads.iter().find(|head| head.stream_id == stream_id).unwrap();
        let call = TrimCall {
            overdue,
            holes: head.row(THREAD).order.holes,
            messages: (rows.messages.iter())
                .map(|row| TrimMessage { whole: row.text_whole, started: row.row().started })
                .collect(),
            folds: folds.map(|(row, at)| rows.fold_row(stream_id, row, at, end)).collect(),
            chunks: (chunks.iter())
                .map(|chunk| TrimChunk {
                    range: chunk.range(),
                    due: !overdue || chunk.expires_at <= rows.now_ms,
                    texts: chunk.runs.iter().map(|run| (at(&run.message_id), run.cursor_start)).collect(),
                })
                .collect(),
        };
        let answer = plan_trim(&call);
        for write in &answer.writes {
            let Write::FoldMessage { row, cursor, pending_high, text_bytes, first_part, parts } =
                write.clone()
            else {
                panic!()
            };
            let row = &rows.messages[row as usize];
            self.apply_fold(
                &row.turn_id,
                &row.message_id,
                cursor,
                pending_high,
                text_bytes,
                first_part,
                parts,
            );
        }
        let gone: Vec<Range> = answer.gone.iter().map(|at| chunks[*at as usize].range()).collect();
        self.chunks.retain(|chunk| chunk.stream_id != stream_id || !gone.contains(&chunk.range()));
        if let Some(holes) = answer.holes {
            self.heads.iter_mut().find(|head| head.stream_id == stream_id).unwrap().holes = holes;
        }
        answer.writes.len()
    }

    /// The sweep ends a turn that is silent.
    pub(crate) fn end_silent(&mut self, turn_id: &str) -> Vec<Write> {
        let rows = self.clone();
        let mut call = rows.call(&[], &[]);
        let needs = Needs { closing: vec![turn_id.into()], open_requests: true, ..Needs::default() };
        call.loaded = Some(rows.load(&needs, &call));
        let loaded = call.loaded.clone().unwrap();
        let silence =
            SilenceCall { now_ms: self.now_ms, last_beat_ms: None, runtime_id: None, reason: None, loaded };
        let SilenceAnswer::Ended { writes } = plan_silence(&silence) else { panic!() };
        writes.iter().for_each(|write| self.apply(write, &call));
        writes
    }

    /// The text that a reader gets of a message.
    pub(crate) fn text(&self, message_id: &str) -> String {
        self.text_of(self.messages.iter().find(|row| row.message_id == message_id).unwrap())
    }

    /// The text that a reader gets of a message, whose id another turn may use too.
    pub(crate) fn text_of(&self, message: &MessageState) -> String {
        let durable = message.parts.concat();
        if message.text_whole {
            return durable;
        }
        let of_stream = |chunk: &&ChunkState| Some(&chunk.stream_id) == message.stream_id.as_ref();
        let mut runs: Vec<&Run> =
            self.chunks.iter().filter(of_stream).flat_map(|chunk| &chunk.runs).collect();
        let from = message.folded.unwrap_or(message.made.start_cursor);
        runs.retain(|run| run.message_id == message.message_id && run.cursor_start >= from);
        runs.sort_by_key(|run| run.cursor_start);
        let runs = runs.into_iter().map(|run| (run.leading_low, run.text.as_str(), run.pending_high));
        joined([(None, durable.as_str(), message.pending_high)].into_iter().chain(runs))
    }

    pub(crate) fn turn(&self, turn_id: &str) -> &TurnState {
        self.turns.iter().find(|turn| turn.turn_id == turn_id).unwrap()
    }

    pub(crate) fn statuses(&self) -> Vec<String> {
        self.messages.iter().map(|row| format!("{} {}", row.message_id, row.status)).collect()
    }
}

/// Texts with halves of characters at their ends, one after another; what never pairs is U+FFFD.
pub(crate) fn joined<'a>(texts: impl Iterator<Item = (Option<u16>, &'a str, Option<u16>)>) -> String {
    let (mut whole, mut halves) = (String::new(), Vec::new());
    for (low, text, high) in texts {
        halves.extend(low);
        if !text.is_empty() {
            whole.push_str(&String::from_utf16_lossy(&std::mem::take(&mut halves)));
            whole.push_str(text);
        }
        halves.extend(high);
    }
    whole.push_str(&String::from_utf16_lossy(&halves));
    whole
}

/// The state that a row writes so.
fn stored<T>(read: fn(&str) -> Option<T>, name: &str) -> T {
    read(name).unwrap()
}

impl TurnState {
    fn row(&self) -> TurnRow<'_> {
        TurnRow {
            turn_id: &self.turn_id,
            turn_order: self.turn_order,
            status: stored(TurnStatus::read, &self.status),
            source: self.source.as_deref().map(|name| stored(Source::read, name)),
            has_items: self.has_items,
            same_run_as: self.same_run_as.as_deref(),
            started: self.started,
        }
    }
}

impl RequestRecord {
    pub(crate) fn row(&self, at: u32) -> Request<'_> {
        let origin = Origin {
            runtime_id: self.runtime_id.as_deref(),
            generation: self.generation,
            app_generation: self.app_generation,
        };
        let state = stored(RequestState::read, &self.state);
        let is_reported = self.cause.as_deref() == Some("reported");
        let cause = is_reported.then_some(RequestCause::Reported);
        let mut row = Request::known(at, &self.id, &self.method, &self.turn_id, origin, state, cause);
        row.auto_resolution_ms = self.resolves_itself.then_some(0);
        row.event_id = self.event_id.as_deref();
        row
    }
}

impl MessageState {
    fn row(&self) -> MessageRow<'_> {
        MessageRow {
            turn_id: &self.turn_id,
            item_id: &self.item_id,
            message_id: &self.message_id,
            occurrence: self.made.occurrence,
            stream_id: self.stream_id.as_deref(),
            start_cursor: self.made.start_cursor,
            end_cursor: self.end_cursor,
            restart: self.restart,
            status: stored(MessageStatus::read, &self.status),
            closing: stored(Closing::read, &self.closing),
            text_whole: self.text_whole,
            started: self.content.as_ref().is_some_and(|content| content.payload.is_some()),
        }
    }
}

impl ChunkState {
    pub(crate) fn range(&self) -> Range {
        Range { start: self.places[0].0.start, end: self.places.last().unwrap().0.end }
    }
}

impl HeadState {
    fn row<'a>(&'a self, thread_id: &'a str) -> HeadRow<'a> {
        HeadRow {
            stream_id: &self.stream_id,
            thread_id,
            turn_id: &self.turn_id,
            turn_order: self.turn_order,
            order: Order {
                latest: self.latest,
                holes: self.holes.iter().map(|hole| Range { start: hole.start, end: hole.end }).collect(),
            },
            event_count: self.event_count,
            weight: self.weight,
            closed: self.closed,
            swept: self.swept,
            has_items: self.has_items,
            open: self
                .open
                .iter()
                .map(|item| OpenItem {
                    item_id: &item.item_id,
                    message_id: &item.message_id,
                    start_cursor: item.start_cursor,
                    fold: item.fold,
                })
                .collect(),
            newest: self.newest,
        }
    }
}

/// A unit variant as an answer names it.
pub(crate) fn name(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

/// A write in one line: all of it but what [`Shell::apply`] holds to be so, and payloads, of which it has the number.
pub(crate) fn brief(write: &Write) -> String {
    let new = |row: &Option<u32>| if row.is_none() { "+" } else { "" };
    match write {
        Write::InsertThread => "thread+".into(),
        Write::PatchThread { next_turn_order, name, archived } => {
            let name = name.as_ref().map(|name| format!(" name={name:?}")).unwrap_or_default();
            let archived = archived.map(|archived| format!(" archived={archived}")).unwrap_or_default();
            format!("thread next={next_turn_order:?}{name}{archived}")
        }
        Write::PutTurn { row, turn_id, turn_order, status, source, has_items, same_run_as, .. } => {
            let place = told(" at", &Some(turn_order).filter(|_| row.is_none()));
            let source = told(" by", &source.map(|source| name(&source)));
            let items = flag(" with items", *has_items);
            let (same, rest) = (told(" as", same_run_as), brief_end(write));
            format!("turn{} {turn_id} {}{source}{place}{items}{same}{rest}", new(row), name(status))
        }
        Write::PutMessage { row, message_id, status, closing, content, .. } => {
            let text = content.as_ref().map(|content| format!(" {:?}", content.text_parts.concat()));
            let (text, rest) = (text.unwrap_or_default(), brief_place(write));
            format!("message{} {message_id} {} {}{text}{rest}", new(row), name(status), name(closing))
        }
        Write::PutNewest { what, turn_id, turn_order, of_thread, parts } => {
            let turn = if turn_order.is_some() { turn_id } else { "" };
            let thread = if *of_thread { "thread" } else { "" };
            let both = if turn.is_empty() || thread.is_empty() { "" } else { " and " };
            format!("newest {} of {turn}{both}{thread}: {}", name(what), parts.concat())
        }
        Write::FoldMessage { row, cursor, pending_high, text_bytes, first_part, parts } => {
            let parts: Vec<usize> = parts.iter().map(String::len).collect();
            let high = flag(" and a half", pending_high.is_some());
            format!("fold {row} to {cursor}, {text_bytes} bytes{high}, parts from {first_part} {parts:?}")
        }
        Write::InsertStream { state, turn_order, .. } => {
            format!("stream+ {}{}", name(state), told(" at", turn_order))
        }
        Write::CloseStream { state, swept, .. } => {
            format!("stream {}{}", name(state), flag(" swept", *swept))
        }
        Write::PutHead { row, latest, event_count, .. } => {
            format!("head{} {latest} count {event_count}{}", new(row), brief_head(write))
        }
        Write::InsertChunk { cursor_start, cursor_end, runs, kept, item_ids, .. } => {
            let runs: String = runs.iter().map(brief_run).collect();
            let of = if item_ids.is_empty() { String::new() } else { format!(" of {}", item_ids.join(" ")) };
            format!("chunk {cursor_start}..{cursor_end}{runs} kept {}{of}", kept.len())
        }
        Write::PutMarks { runtimes } => {
            let marks = runtimes.iter().map(|mark| format!(" {} {}", mark.runtime_id, mark.next));
            format!("marks{}", marks.collect::<String>())
        }
        Write::InsertLifecycleId { event, .. } => format!("lifecycle id+ {event}"),
        Write::PutRequest { request } => brief_request(request),
        Write::Quarantine { event, reason, bytes } => format!("quarantine {event}: {reason} {bytes} bytes"),
        Write::EvictQuarantine { row } => format!("quarantine evict {row}"),
    }
}

/// ` label value`, where there is a value.
fn told(label: &str, value: &Option<impl std::fmt::Display>) -> String {
    value.as_ref().map(|value| format!("{label} {value}")).unwrap_or_default()
}

fn goes_on(status: TurnStatus) -> bool {
    matches!(status, TurnStatus::Queued | TurnStatus::InProgress)
}

fn flag(label: &'static str, is: bool) -> &'static str {
    if is { label } else { "" }
}

/// When a turn began and ended, and what went wrong.
fn brief_end(write: &Write) -> String {
    let Write::PutTurn { clear_error, error, warning, started_at, completed_at, silent_at, status, .. } =
        write
    else {
        panic!()
    };
    let more = flag(" more", !goes_on(*status) && silent_at.is_some());
    let again = flag(" again", *clear_error);
    let (from, to) = (told(" from", started_at), told(" to", completed_at));
    format!("{again}{from}{to}{more}{}{}", told(" error", error), told(" warning", warning))
}

/// Where a message stands, begins and ends.
fn brief_place(write: &Write) -> String {
    let Write::PutMessage { made, joined, end_cursor, restart, text_whole, completed_at, reopened, .. } =
        write
    else {
        panic!()
    };
    let made = made.as_ref().map(|made| {
        let MessageMade { turn_order, order_in_turn, occurrence, start_cursor, .. } = made;
        let use_of = if *occurrence == 1 { String::new() } else { format!(" use {occurrence}") };
        format!(" at {turn_order}.{order_in_turn} from {start_cursor}{use_of}")
    });
    let joins = told(" joins", &joined.as_ref().map(|joined| joined.start_cursor));
    // Where it began again, as a start or as an end says.
    let again = restart.map(|again| format!(" again {}{}", flag("after ", !again.seen), again.cursor));
    let whole = text_whole.map(|whole| if whole { " whole" } else { " growing" }).unwrap_or_default();
    let (end, to) = (told(" end", end_cursor), told(" to", completed_at));
    let reopened = flag(" reopened", *reopened);
    format!("{}{joins}{end}{whole}{to}{reopened}{}", made.unwrap_or_default(), again.unwrap_or_default())
}

/// What a head knows beside how far its stream is.
fn brief_head(write: &Write) -> String {
    let Write::PutHead { weight, holes, open, newest, closed, swept, has_items, turn_order, .. } = write
    else {
        panic!()
    };
    let holes = holes.iter().flatten().map(|hole| format!(" hole {}..{}", hole.start, hole.end));
    let open = open.iter().flatten().map(|OpenItemRow { message_id, start_cursor, fold, .. }| {
        let fold = fold.map(|fold| {
            let unseen = flag(" unseen", !fold.started);
            format!(":{} folded {}/{}{unseen}", fold.fill, fold.cursor, fold.weight)
        });
        format!(" open {message_id} {start_cursor}{}", fold.unwrap_or_default())
    });
    let newest = newest.map(|cursors| format!(" newest {cursors:?}")).unwrap_or_default();
    let place = told(" at", turn_order);
    let flags = [flag(" with items", *has_items), flag(" closed", *closed), flag(" swept", *swept)].concat();
    let rest: String = holes.chain(open).collect();
    format!(" weight {weight}{place}{rest}{newest}{flags}")
}

/// ` message:start..end="text"`, with halves of characters before and behind it as numbers.
fn brief_run(run: &Run) -> String {
    let Run { message_id, channel, cursor_start, cursor_end, text, leading_low, pending_high } = run;
    let channel = if *channel == Channel::Text { String::new() } else { format!("{} ", name(channel)) };
    let half = |half: &Option<u16>| half.map(|unit| format!("{unit:04x}")).unwrap_or_default();
    let (low, high) = (half(leading_low), half(pending_high));
    format!(" {channel}{message_id}:{cursor_start}..{cursor_end}={low}{text:?}{high}")
}

fn brief_request(request: &RequestWrite) -> String {
    let cause = told("", &request.cause.map(|cause| name(&cause)));
    let made = request.id.as_ref().map(|id| {
        let item_id = request.item_id.as_deref().unwrap_or_default();
        format!(" {id} {} for {item_id:?}", request.approval.unwrap_or("-"))
    });
    let process = match (&request.runtime_id, request.generation) {
        (Some(runtime_id), Some(generation)) => format!(" of {runtime_id}.{generation}"),
        (Some(runtime_id), None) => format!(" of {runtime_id}"),
        _ => String::new(),
    };
    let row = if request.row.is_none() { "+" } else { "" };
    let reason = request.reason.as_ref().map(|reason| format!(" because {reason:?}")).unwrap_or_default();
    let resolves = told(" resolves after", &request.auto_resolution_ms);
    let (made, state) = (made.unwrap_or_default(), name(&request.state));
    format!("request{row}{made} {state}{cause}{process}{reason}{resolves}")
}

/// As they are loaded: a chunk that filled a hole was written behind those that follow it.
fn in_order(mut places: Vec<EventPlace<'_>>) -> Vec<EventPlace<'_>> {
    places.sort_by_key(|place| (place.stream_id, place.range));
    places
}
