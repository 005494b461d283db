//! What the tests are made of: events as the bridge sends them, and a shell that applies what the core plans.

use crate::delta::order::{Order, Range};
use crate::ingest::call::{
    Delta, EventPlace, HeadRow, IngestCall, LifecycleEvent, Loaded, MessageRow, NextOrder, OpenItem,
    RuntimeMark, StreamRow, ThreadRow, TurnRow,
};
use crate::ingest::plan::plan_ingest;
use crate::ingest::write::{
    HoleRow, IngestAnswer, MessageContent, MessageMade, Needs, OpenItemRow, Plan, Run, RuntimeMarkRow, Write,
};
use crate::options::Options;
use crate::pack::Unpacker;
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
    pub(crate) end_cursor: Option<u64>,
    pub(crate) status: String,
    pub(crate) closing: String,
    pub(crate) content: Option<MessageContent>,
    pub(crate) text_whole: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeadState {
    pub(crate) stream_id: String,
    pub(crate) turn_id: String,
    pub(crate) turn_order: Option<u64>,
    pub(crate) latest: u64,
    pub(crate) holes: Vec<HoleRow>,
    pub(crate) event_count: u64,
    pub(crate) closed: bool,
    pub(crate) has_items: bool,
    pub(crate) open: Vec<OpenItemRow>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChunkState {
    pub(crate) stream_id: String,
    pub(crate) places: Vec<(Range, String)>,
    pub(crate) runs: Vec<Run>,
    pub(crate) kept: usize,
    pub(crate) kept_ranges: Vec<Range>,
}

/// The rows of one thread, and the shell around the core: loads what is asked for, applies what is planned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shell {
    pub(crate) options: Options,
    pub(crate) next_turn_order: Option<u64>,
    pub(crate) turns: Vec<TurnState>,
    pub(crate) messages: Vec<MessageState>,
    pub(crate) streams: BTreeMap<String, (String, String)>,
    pub(crate) heads: Vec<HeadState>,
    pub(crate) chunks: Vec<ChunkState>,
    pub(crate) marks: Vec<RuntimeMarkRow>,
    pub(crate) lifecycle_ids: BTreeSet<String>,
    pub(crate) quarantine: BTreeSet<String>,
}

impl Shell {
    pub(crate) fn new() -> Self {
        Self {
            options: options(),
            next_turn_order: None,
            turns: vec![],
            messages: vec![],
            streams: BTreeMap::new(),
            heads: vec![],
            chunks: vec![],
            marks: vec![],
            lifecycle_ids: BTreeSet::new(),
            quarantine: BTreeSet::new(),
        }
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
        let rows = self.clone();
        let mut call = rows.call(deltas, lifecycle);
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

    pub(crate) fn call(
        &self,
        deltas: &[Delta<'static>],
        lifecycle: &[LifecycleEvent<'static>],
    ) -> IngestCall<'_> {
        let own = SessionRow { session_id: "s", device_id: "d", epoch: 1, last_beat_at_ms: 1_000.0 };
        IngestCall {
            strict: false,
            now_ms: 1_000.0,
            thread_id: THREAD,
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
            heads: self.heads.iter().map(HeadState::row).collect(),
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
        Loaded {
            turns: self.turns.iter().filter(|row| turn(&row.turn_id)).map(TurnState::row).collect(),
            messages: self
                .messages
                .iter()
                .filter(|row| {
                    closes(&row.turn_id) && row.closing != "item"
                        || needs
                            .items
                            .iter()
                            .any(|item| item.item_id == row.item_id && item.turn_id == row.turn_id)
                })
                .map(MessageState::row)
                .collect(),
            streams: self
                .streams
                .iter()
                .filter(|(_, (turn_id, _))| closes(turn_id))
                .map(|(stream_id, (turn_id, state))| StreamRow { stream_id, turn_id, state })
                .collect(),
            places: places.filter(asked).collect(),
            next_orders: needs.next_orders.iter().filter_map(|turn_id| self.next_order(turn_id)).collect(),
            lifecycle_ids: self.lifecycle_ids.iter().map(String::as_str).collect(),
        }
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
                ..
            } => {
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
                status,
                closing,
                end_cursor,
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
                let made = match (old.as_ref().map(|old| old.made.clone()), made) {
                    // It began earlier than was known.
                    (Some(old), Some(MessageMade { start_cursor, order_in_turn, .. })) => {
                        assert!(start_cursor < old.start_cursor);
                        MessageMade { start_cursor, order_in_turn, ..old }
                    }
                    (old, made) => old.or(made).unwrap(),
                };
                let state = MessageState {
                    turn_id,
                    item_id,
                    message_id,
                    made,
                    end_cursor,
                    status: name(&status),
                    closing: name(&closing),
                    content: content.or(old.as_ref().and_then(|old| old.content.clone())),
                    text_whole: text_whole.unwrap_or(old.is_some_and(|old| old.text_whole)),
                };
                match before {
                    Some(at) => self.messages[at] = state,
                    None => self.messages.push(state),
                }
            }
            Write::InsertStream { event, state, .. } => {
                let turn_id = call.deltas[event as usize].turn_id.to_owned();
                assert!(self.streams.insert(stream_of(event), (turn_id, name(&state))).is_none());
            }
            Write::CloseStream { row, state } => {
                let stream_id = loaded.streams[row as usize].stream_id;
                self.streams.get_mut(stream_id).unwrap().1 = name(&state);
                for head in self.heads.iter_mut().filter(|head| head.stream_id == stream_id) {
                    head.closed = name(&state) != "streaming";
                    head.open.clear();
                }
            }
            Write::PutHead {
                row,
                event,
                latest,
                event_count,
                holes,
                open,
                closed,
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
                    closed,
                    has_items,
                    open: open.or(old.map(|old| old.open)).unwrap(),
                };
                match at {
                    Some(at) => self.heads[at] = state,
                    None => self.heads.push(state),
                }
            }
            Write::InsertChunk { events, runs, kept, .. } => {
                let places = events.iter().map(|event| {
                    let delta = &call.deltas[*event as usize];
                    let range = Range { start: delta.cursor_start as u64, end: delta.cursor_end as u64 };
                    (range, delta.event_id.to_owned())
                });
                let places = places.collect();
                let range_of = |event: u32| {
                    let delta = &call.deltas[event as usize];
                    Range { start: delta.cursor_start as u64, end: delta.cursor_end as u64 }
                };
                self.chunks.push(ChunkState {
                    stream_id: stream_of(events[0]),
                    places,
                    runs,
                    kept: kept.len(),
                    kept_ranges: kept.iter().map(|kept| range_of(kept.event)).collect(),
                });
            }
            Write::PutMarks { runtimes } => self.marks = runtimes,
            Write::InsertLifecycleId { event } => {
                let at = event as usize - call.deltas.len();
                self.lifecycle_ids.insert(call.lifecycle[at].event_id.to_owned());
            }
            Write::Quarantine { event, .. } => {
                let ids = call.deltas.iter().map(|delta| delta.event_id);
                let all: Vec<&str> = ids.chain(call.lifecycle.iter().map(|event| event.event_id)).collect();
                self.quarantine.insert(all[event as usize].to_owned());
            }
        }
    }

    /// The text that a reader gets of a message.
    pub(crate) fn text(&self, message_id: &str) -> String {
        self.text_of(self.messages.iter().find(|row| row.message_id == message_id).unwrap())
    }

    /// The text that a reader gets of a message, whose id another turn may use too.
    pub(crate) fn text_of(&self, message: &MessageState) -> String {
        let durable = message.content.as_ref().map(|content| content.text_parts.concat()).unwrap_or_default();
        if message.text_whole {
            return durable;
        }
        let of_turn = |chunk: &&ChunkState| self.streams[&chunk.stream_id].0 == message.turn_id;
        let mut runs: Vec<&Run> = self.chunks.iter().filter(of_turn).flat_map(|chunk| &chunk.runs).collect();
        runs.retain(|run| run.message_id == message.message_id);
        runs.sort_by_key(|run| run.cursor_start);
        let mut units: Vec<u16> = durable.encode_utf16().collect();
        for run in runs {
            units.extend(run.leading_low);
            units.extend(run.text.encode_utf16());
            units.extend(run.pending_high);
        }
        String::from_utf16_lossy(&units)
    }

    pub(crate) fn turn(&self, turn_id: &str) -> &TurnState {
        self.turns.iter().find(|turn| turn.turn_id == turn_id).unwrap()
    }

    pub(crate) fn statuses(&self) -> Vec<String> {
        self.messages.iter().map(|row| format!("{} {}", row.message_id, row.status)).collect()
    }
}

impl TurnState {
    fn row(&self) -> TurnRow<'_> {
        TurnRow {
            turn_id: &self.turn_id,
            turn_order: self.turn_order,
            status: &self.status,
            source: self.source.as_deref(),
            has_items: self.has_items,
            same_run_as: self.same_run_as.as_deref(),
            started: self.started,
        }
    }
}

impl MessageState {
    fn row(&self) -> MessageRow<'_> {
        MessageRow {
            turn_id: &self.turn_id,
            item_id: &self.item_id,
            message_id: &self.message_id,
            occurrence: self.made.occurrence,
            start_cursor: self.made.start_cursor,
            end_cursor: self.end_cursor,
            status: &self.status,
            closing: &self.closing,
        }
    }
}

impl HeadState {
    fn row(&self) -> HeadRow<'_> {
        HeadRow {
            stream_id: &self.stream_id,
            thread_id: THREAD,
            turn_id: &self.turn_id,
            turn_order: self.turn_order,
            order: Order {
                latest: self.latest,
                holes: self.holes.iter().map(|hole| Range { start: hole.start, end: hole.end }).collect(),
            },
            event_count: self.event_count,
            closed: self.closed,
            has_items: self.has_items,
            open: self
                .open
                .iter()
                .map(|item| OpenItem {
                    item_id: &item.item_id,
                    message_id: &item.message_id,
                    start_cursor: item.start_cursor,
                })
                .collect(),
        }
    }
}

/// A unit variant as an answer names it.
pub(crate) fn name(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

/// A write in one line.
pub(crate) fn brief(write: &Write) -> String {
    let new = |row: &Option<u32>| if row.is_none() { "+" } else { "" };
    match write {
        Write::InsertThread => "thread+".into(),
        Write::PatchThread { next_turn_order, .. } => format!("thread next={next_turn_order:?}"),
        Write::PutTurn { row, turn_id, status, source, .. } => {
            let source = source.map(|source| format!(" by {}", name(&source))).unwrap_or_default();
            format!("turn{} {turn_id} {}{source}", new(row), name(status))
        }
        Write::PutMessage { row, message_id, status, closing, content, .. } => {
            let text = content
                .as_ref()
                .map(|content| format!(" {:?}", content.text_parts.concat()))
                .unwrap_or_default();
            format!("message{} {message_id} {} {}{text}", new(row), name(status), name(closing))
        }
        Write::InsertStream { state, .. } => format!("stream+ {}", name(state)),
        Write::CloseStream { state, .. } => format!("stream {}", name(state)),
        Write::PutHead { row, latest, event_count, holes, open, closed, .. } => {
            let holes = holes.iter().flatten().map(|hole| format!(" hole {}..{}", hole.start, hole.end));
            let open = open.iter().flatten().map(|item| format!(" open {}", item.message_id));
            let closed = if *closed { " closed" } else { "" };
            let rest: String = holes.chain(open).collect();
            format!("head{} {latest} count {event_count}{rest}{closed}", new(row))
        }
        Write::InsertChunk { cursor_start, cursor_end, runs, kept, .. } => {
            let runs: String = runs.iter().map(|run| format!(" {}={:?}", run.message_id, run.text)).collect();
            format!("chunk {cursor_start}..{cursor_end}{runs} kept {}", kept.len())
        }
        Write::PutMarks { runtimes } => format!("marks {}", runtimes.len()),
        Write::InsertLifecycleId { .. } => "lifecycle id+".into(),
        Write::Quarantine { event, reason } => format!("quarantine {event}: {reason}"),
    }
}
