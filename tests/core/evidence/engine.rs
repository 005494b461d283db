//! The core in its shell, for one user: the rows of one thread, the sessions that write it, and what readers get.

use super::calls::{Packed, record};
use super::history::Ask;
use super::model::{Batch, Binding, MessageView, RequestView, Sender, StreamView, Told, TurnView, View};
use crate::client::ClientAnswer;
use crate::delta::order::Range;
use crate::delta::window::{ChunkFacts, StreamRequest, Window, WindowCall, read_window};
use crate::ingest::call::IngestCall;
use crate::ingest::plan::plan_ingest;
use crate::ingest::write::{Channel, TurnStatus, Write};
use crate::ingest::write::{IngestAnswer, Needs, Plan};
use crate::limits::TEXT_PART_BYTES_MAX;
use crate::options::Options;
use crate::request::approval::Wish;
use crate::request::client::{
    KnownRequest, RequestAnswer, ResolveCall, RespondCall, UpsertCall, plan_resolve, plan_respond,
    plan_upsert,
};
use crate::request::{Origin, Request};
use crate::retention::{
    SilenceAnswer, SilenceCall, TrimCall, TrimChunk, TrimMessage, plan_silence, plan_trim,
};
use crate::session::{SessionFacts, SessionRow, SessionWrite};
use crate::testing::{Shell, name};
use crate::turn::{TurnInterruptCall, plan_turn_interrupt};
use std::collections::{BTreeMap, BTreeSet};

/// What the core did with a batch.
pub enum Outcome {
    /// It planned it; the plan is applied.
    Planned(Box<Plan>),
    /// It refused it, with a code.
    Refused(String),
}

/// The core, and the rows that it decides on.
#[derive(Clone, Debug, PartialEq)]
pub struct Engine {
    pub(crate) shell: Shell,
    pub bindings: BTreeMap<&'static str, Binding>,
    options: Options,
    /// Decisions of requests, by their place.
    decisions: BTreeMap<usize, String>,
    name: String,
    archived: bool,
    /// UTF-8 bytes of text that were written to chunks, and folds of sweeps, by turn and message.
    written: BTreeMap<(String, String), (usize, usize)>,
}

impl Engine {
    pub fn new(options: Options) -> Self {
        let mut shell = Shell::new();
        shell.options = options;
        let (decisions, written) = (BTreeMap::new(), BTreeMap::new());
        Self {
            shell,
            bindings: BTreeMap::new(),
            options,
            decisions,
            name: String::new(),
            archived: false,
            written,
        }
    }

    /// An app has made the thread, by its own name for it: Convex's id is not the one by which events call it.
    pub fn resolve(&mut self) {
        self.shell = Shell { options: self.options, read_max: self.shell.read_max, ..Shell::resolved() };
    }

    pub fn ingest(&mut self, sender: Sender, strict: bool, now_ms: f64, batch: &Batch) -> Outcome {
        let deltas: Vec<_> = batch.deltas.iter().map(|sent| sent.delta).collect();
        let lifecycle: Vec<_> = batch.lifecycle.iter().map(|lived| lived.event).collect();
        let rows = self.shell.clone();
        let mut call = rows.call(&deltas, &lifecycle);
        let of_batch = |stream_id: &str| deltas.iter().any(|delta| delta.stream_id == stream_id);
        call.heads.retain(|head| of_batch(head.stream_id));
        if lifecycle.is_empty() {
            call.marks.clear();
        }
        call.session = self.facts(sender);
        (call.strict, call.now_ms) = (strict, now_ms);
        record(|| Packed::ingest(&call));
        let mut answer = plan_ingest(&call);
        assert_eq!(plan_ingest(&call), answer, "the same call, the same answer");
        if let IngestAnswer::Needs { needs } = &answer {
            let mut loaded = rows.load(needs, &call);
            let asked: Vec<&str> = needs
                .lifecycle_ids
                .iter()
                .map(|event| lifecycle[*event as usize - deltas.len()].event_id)
                .collect();
            loaded.lifecycle_ids.retain(|id| asked.contains(id));
            call.loaded = Some(loaded);
            record(|| Packed::ingest(&call));
            answer = plan_ingest(&call);
        }
        match answer {
            IngestAnswer::Rejected { fault } => Outcome::Refused(name(&fault.error_code)),
            IngestAnswer::Needs { needs } => panic!("asks twice: {needs:?}"),
            IngestAnswer::Plan { plan } => {
                // The shell finds heads by their place in its own list.
                call.heads = rows.call(&[], &[]).heads;
                let places: Vec<u32> = (0..)
                    .zip(&rows.heads)
                    .filter(|(_, head)| of_batch(&head.stream_id))
                    .map(|(at, _)| at)
                    .collect();
                for write in &plan.writes {
                    let mut write = write.clone();
                    if let crate::ingest::write::Write::PutHead { row: Some(row), .. } = &mut write {
                        *row = places[*row as usize];
                    }
                    self.shell.apply(&write, &call);
                    match write {
                        Write::PatchThread { name, archived, .. } => {
                            self.name = name.unwrap_or(std::mem::take(&mut self.name));
                            self.archived = archived.unwrap_or(self.archived);
                        }
                        Write::InsertChunk { events, runs, .. } => {
                            let turn_id = deltas[events[0] as usize].turn_id;
                            for run in runs.iter().filter(|run| run.channel == Channel::Text) {
                                let of = (turn_id.to_owned(), run.message_id.clone());
                                self.written.entry(of).or_default().0 += run.text.len();
                            }
                        }
                        _ => {}
                    }
                }
                self.apply_session(sender, plan.session, now_ms);
                Outcome::Planned(Box::new(plan))
            }
        }
    }

    /// `turns.interrupt`: whether the turn exists.
    pub fn interrupt(&mut self, turn_id: &'static str, now_ms: f64) -> bool {
        let rows = self.shell.clone();
        let mut call = IngestCall { now_ms, ..rows.call(&[], &[]) };
        let loaded = rows.load(&to_end(turn_id), &call);
        call.loaded = Some(loaded.clone());
        let interrupt = TurnInterruptCall { now_ms, reason: None, loaded };
        record(|| Packed::interrupt(&interrupt));
        match plan_turn_interrupt(&interrupt) {
            ClientAnswer::Interrupted { writes } => {
                writes.iter().for_each(|write| self.shell.apply(write, &call));
                true
            }
            ClientAnswer::Rejected { .. } => false,
            other => panic!("{other:?}"),
        }
    }

    /// The sweep looks at a turn: whether it ends, or when it looks again.
    pub fn silence(&mut self, turn_id: &'static str, now_ms: f64) -> Result<(), f64> {
        let rows = self.shell.clone();
        let mut call = IngestCall { now_ms, ..rows.call(&[], &[]) };
        let loaded = rows.load(&to_end(turn_id), &call);
        call.loaded = Some(loaded.clone());
        let writer = self.bindings.values().max_by_key(|binding| binding.epoch);
        let last_beat_ms = writer.map(|binding| binding.last_beat_at_ms);
        match plan_silence(&SilenceCall { now_ms, last_beat_ms, runtime_id: None, reason: None, loaded }) {
            SilenceAnswer::Postponed { silent_at } => Err(silent_at),
            SilenceAnswer::Ended { writes } => {
                writes.iter().for_each(|write| self.shell.apply(write, &call));
                Ok(())
            }
        }
    }

    /// A stream's chunks are trimmed: those that have expired by `overdue_at`, or all of a stream that has ended.
    pub fn trim(&mut self, stream_id: &str, overdue_at: Option<f64>) {
        let rows = self.shell.clone();
        let Some(head) = rows.heads.iter().find(|head| head.stream_id == stream_id) else { return };
        let mut chunks: Vec<_> = rows.chunks.iter().filter(|chunk| chunk.stream_id == stream_id).collect();
        chunks.sort_by_key(|chunk| chunk.range());
        let end = chunks.last().map_or(0, |chunk| chunk.range().end);
        let mut messages: Vec<_> = rows.messages.iter().collect();
        messages.retain(|row| row.turn_id == head.turn_id && row.stream_id.as_deref() == Some(stream_id));
        let place = |id: &str| messages.iter().position(|row| row.message_id == id);
        let texts = |chunk: &crate::testing::ChunkState| {
            let runs = chunk.runs.iter().filter(|run| run.channel == Channel::Text);
            runs.filter_map(|run| Some((place(&run.message_id)? as u32, run.cursor_start))).collect()
        };
        let folds = messages.iter().zip(0..).filter(|(row, _)| !row.text_whole);
        let started = |row: &crate::testing::MessageState| {
            row.content.as_ref().is_some_and(|content| content.payload.is_some())
        };
        let call = TrimCall {
            overdue: overdue_at.is_some(),
            holes: head.holes.iter().map(|hole| Range { start: hole.start, end: hole.end }).collect(),
            messages: (messages.iter())
                .map(|row| TrimMessage { whole: row.text_whole, started: started(row) })
                .collect(),
            folds: folds.map(|(row, at)| rows.fold_row(stream_id, row, at, end)).collect(),
            chunks: (chunks.iter())
                .map(|chunk| TrimChunk {
                    range: chunk.range(),
                    due: overdue_at.is_none_or(|at| chunk.expires_at <= at),
                    texts: texts(chunk),
                })
                .collect(),
        };
        let answer = plan_trim(&call);
        for write in answer.writes {
            let Write::FoldMessage { row, cursor, pending_high, text_bytes, first_part, parts } = write
            else {
                panic!("a trim folds")
            };
            let row = messages[row as usize];
            self.written.entry((row.turn_id.clone(), row.message_id.clone())).or_default().1 += 1;
            let (turn, message) = (&row.turn_id, &row.message_id);
            self.shell.apply_fold(turn, message, cursor, pending_high, text_bytes, first_part, parts);
        }
        let gone: Vec<Range> = answer.gone.iter().map(|at| chunks[*at as usize].range()).collect();
        self.shell.chunks.retain(|chunk| chunk.stream_id != stream_id || !gone.contains(&chunk.range()));
        if let Some(holes) = answer.holes {
            self.shell.heads.iter_mut().find(|head| head.stream_id == stream_id).unwrap().holes = holes;
        }
    }

    /// A stream that has ended some time ago is cleaned up: it is listed no longer.
    pub fn clean_up(&mut self, stream_id: &str) {
        self.trim(stream_id, None);
        self.shell.streams.remove(stream_id);
    }

    /// Text is written in bounds: what was said, three times, and a part; each fold of a sweep may rewrite one more.
    pub fn check_written(&self, said: &BTreeMap<(String, String), usize>) {
        for row in &self.shell.messages {
            let of = (row.turn_id.clone(), row.message_id.clone());
            let (in_chunks, folds) = self.written.get(&of).copied().unwrap_or_default();
            let (written, length) = (in_chunks + row.part_bytes, said.get(&of).copied().unwrap_or(0));
            let bound = 3 * length + TEXT_PART_BYTES_MAX * (1 + folds);
            assert!(written <= bound, "{of:?}: {written} bytes are written of {length}");
        }
    }

    fn known(
        &self,
        of: impl Fn(&crate::testing::RequestRecord) -> bool,
    ) -> (Vec<usize>, Vec<KnownRequest<'_>>) {
        let mut places: Vec<usize> = (0..self.shell.requests.len()).collect();
        places.retain(|at| of(&self.shell.requests[*at]));
        let known = places.iter().zip(0..).map(|(at, row)| KnownRequest {
            request: self.shell.requests[*at].row(row),
            decision: self.decisions.get(at).map(String::as_str),
            payload: None,
        });
        let known = known.collect();
        (places, known)
    }

    /// `approvals.respond`: whether it changes anything, or the code where it is refused.
    pub fn decide(
        &mut self,
        (turn_id, item_id): (&str, &str),
        id: Option<&str>,
        wish: Wish<'_>,
    ) -> Result<bool, String> {
        let (places, known) = self.known(|record| record.turn_id == turn_id && record.item_id == item_id);
        let thread_exists = self.shell.next_turn_order.is_some();
        let mut call = RespondCall { thread_exists, id, wish, shown_sha256: None, must_show: false, known };
        let mut answer = plan_respond(&call);
        if let RequestAnswer::Needs { row } = answer {
            call.known[row as usize].payload = Some(r#"{"params":{}}"#);
            answer = plan_respond(&call);
        }
        match answer {
            RequestAnswer::Keep | RequestAnswer::Again { .. } => Ok(false),
            RequestAnswer::Decide { row, decision, .. } => {
                let at = places[row as usize];
                self.shell.requests[at].state = "answering".into();
                self.decisions.insert(at, decision);
                Ok(true)
            }
            RequestAnswer::Rejected { code, .. } => Err(name(&code)),
            other => panic!("{other:?}"),
        }
    }

    /// `serverRequests.upsertPending`: the code where it is refused.
    pub fn tell_of(&mut self, ask: Ask) -> Result<(), String> {
        let rows = self.shell.clone();
        let turn = rows.turns.iter().find(|turn| turn.turn_id == ask.turn_id);
        let status = turn.and_then(|turn| TurnStatus::read(&turn.status));
        let is_open =
            |record: &crate::testing::RequestRecord| record.state == "pending" || record.state == "answering";
        let mut places: Vec<usize> = (0..rows.requests.len()).collect();
        places.retain(|at| is_open(&rows.requests[*at]) || rows.requests[*at].id == ask.id);
        let known: Vec<Request<'_>> =
            places.iter().zip(0..).map(|(at, row)| rows.requests[*at].row(row)).collect();
        let origin = Origin {
            runtime_id: Some(ask.runtime_id),
            generation: Some(ask.generation),
            app_generation: Some(ask.generation + 10),
        };
        let payload = if ask.resolves_itself { r#"{"params":{"autoResolutionMs":60000}}"# } else { "{}" };
        let call = UpsertCall {
            thread_exists: rows.next_turn_order.is_some(),
            turn_status: status,
            id: ask.id,
            method: ask.method,
            turn_id: ask.turn_id,
            item_id: ask.item_id,
            origin,
            payload,
            reason: None,
            questions: None,
            known,
        };
        match plan_upsert(&call) {
            RequestAnswer::Keep => Ok(()),
            RequestAnswer::Rejected { code, .. } => Err(name(&code)),
            RequestAnswer::Upsert { requests, row: own, .. } => {
                for write in requests {
                    let row = write.row.map(|row| places[row as usize]);
                    let is_own = write.row == own;
                    self.shell.put_request(write, row, (ask.method, ask.turn_id, None));
                    if is_own {
                        let record = match row {
                            Some(row) => &mut self.shell.requests[row],
                            None => self.shell.requests.last_mut().unwrap(),
                        };
                        record.app_generation = origin.app_generation;
                        if row.is_none() {
                            record.item_id = ask.item_id.to_owned();
                        }
                    }
                }
                Ok(())
            }
            other => panic!("{other:?}"),
        }
    }

    /// `serverRequests.resolve`: whether it changes anything, or the code where it is refused.
    pub fn report(&mut self, ask: Ask, answered: bool, decision: Option<&str>) -> Result<bool, String> {
        let (places, known) = self.known(|record| record.id == ask.id);
        let response = decision.map(|decision| format!(r#"{{"decision":{decision}}}"#));
        let mut call = ResolveCall {
            thread_exists: self.shell.next_turn_order.is_some(),
            origin: Origin {
                runtime_id: Some(ask.runtime_id),
                generation: Some(ask.generation),
                app_generation: Some(ask.generation + 10),
            },
            answered,
            response: response.as_deref(),
            policy: None,
            known,
        };
        let mut answer = plan_resolve(&call);
        if let RequestAnswer::Needs { row } = answer {
            call.known[row as usize].payload = Some("{}");
            answer = plan_resolve(&call);
        }
        match answer {
            RequestAnswer::Keep => Ok(false),
            RequestAnswer::Resolve { row, answered, decision, .. } => {
                let at = places[row as usize];
                let record = &mut self.shell.requests[at];
                record.state = if answered { "answered" } else { "expired" }.into();
                record.cause = Some("reported".into());
                if let Some(decision) = decision {
                    self.decisions.insert(at, decision);
                }
                Ok(true)
            }
            RequestAnswer::Rejected { code, .. } => Err(name(&code)),
            other => panic!("{other:?}"),
        }
    }

    /// `ensureSession`, or `heartbeat`: the code where it is refused.
    pub fn session(&mut self, sender: Sender, heartbeat: bool, now_ms: f64) -> Option<String> {
        record(|| Packed::session(heartbeat, &self.facts(sender)));
        match self.facts(sender).answer(heartbeat) {
            ClientAnswer::Session { session } => self.apply_session(sender, session, now_ms),
            ClientAnswer::Rejected { code, .. } => return Some(name(&code)),
            other => panic!("{other:?}"),
        }
        None
    }

    fn facts(&self, (session_id, device_id): Sender) -> SessionFacts<'static> {
        let row = |session_id| {
            self.bindings.get(session_id).map(|binding| SessionRow {
                session_id,
                device_id: binding.device_id,
                epoch: binding.epoch,
                last_beat_at_ms: binding.last_beat_at_ms,
            })
        };
        let writer =
            self.bindings.iter().max_by_key(|(_, binding)| binding.epoch).map(|(session, _)| *session);
        let (own, writer) = (row(session_id), writer.and_then(row));
        SessionFacts { session_id, device_id, own, writer, bound_elsewhere: false }
    }

    fn apply_session(&mut self, (session_id, device_id): Sender, write: SessionWrite, now_ms: f64) {
        match write {
            SessionWrite::Keep => {}
            SessionWrite::Beat => self.bindings.get_mut(session_id).unwrap().last_beat_at_ms = now_ms,
            SessionWrite::Bind { epoch, created } => {
                let old =
                    self.bindings.insert(session_id, Binding { device_id, epoch, last_beat_at_ms: now_ms });
                assert_eq!(old.is_none(), created);
            }
        }
    }

    /// The rows as readers see them.
    pub fn view(&self) -> View {
        let shell = &self.shell;
        let turns = shell.turns.iter().map(|turn| {
            let view = TurnView {
                turn_order: turn.turn_order,
                status: turn.status.clone(),
                source: turn.source.clone(),
                has_items: turn.has_items,
                same_run_as: turn.same_run_as.clone(),
                warning: turn.warning.clone(),
            };
            (turn.turn_id.clone(), view)
        });
        let on_main = |row: &crate::testing::MessageState| {
            row.stream_id.as_ref().is_some_and(|stream_id| stream_id.ends_with(":0"))
        };
        let messages = shell.messages.iter().map(|row| {
            let view = MessageView {
                item_id: row.item_id.clone(),
                status: row.status.clone(),
                closing: row.closing.clone(),
                text: shell.text_of(row),
                order_in_turn: on_main(row).then_some(row.made.order_in_turn),
            };
            ((row.turn_id.clone(), row.message_id.clone()), view)
        });
        let streams = shell.heads.iter().map(|head| {
            let view = StreamView {
                state: shell.streams.get(&head.stream_id).map_or("unlisted", |(_, state)| state).to_owned(),
                latest: head.latest,
                holes: head.holes.iter().map(|hole| (hole.start, hole.end)).collect(),
                event_count: head.event_count,
            };
            (head.stream_id.clone(), view)
        });
        let quarantine = shell.quarantine.iter().map(|(event_id, _)| event_id.clone()).collect();
        let requests = shell.requests.iter().zip(0_usize..).map(|(record, at)| RequestView {
            id: record.id.clone(),
            method: record.method.clone(),
            turn_id: record.turn_id.clone(),
            item_id: record.item_id.clone(),
            generation: record.generation,
            state: record.state.clone(),
            cause: record.cause.clone(),
            decision: self.decisions.get(&at).cloned(),
        });
        View {
            turns: turns.collect(),
            messages: messages.collect(),
            streams: streams.collect(),
            quarantine,
            requests: requests.collect(),
            newest: shell.newest.clone(),
            name: self.name.clone(),
            archived: self.archived,
        }
    }

    /// The chunks of a stream in order, the first `gone` of them swept away.
    pub fn chunks(&self, stream_id: &str, gone: usize) -> Vec<ChunkFacts> {
        let mut chunks: Vec<ChunkFacts> = self
            .shell
            .chunks
            .iter()
            .filter(|chunk| chunk.stream_id == stream_id)
            .map(|chunk| ChunkFacts {
                range: Range { start: chunk.places[0].0.start, end: chunk.places.last().unwrap().0.end },
                kept: chunk.kept_ranges.clone(),
            })
            .collect();
        chunks.sort_by_key(|chunk| chunk.range);
        chunks.drain(..gone.min(chunks.len()));
        chunks
    }

    /// What a reader gets of a stream.
    pub fn window(&self, stream_id: &str, requested: u64, gone: usize, options: Options) -> Window {
        self.windows(&[(stream_id, requested)], gone, options)[0]
    }

    /// What a reader of several streams gets in one answer.
    pub fn windows(&self, requests: &[(&str, u64)], gone: usize, options: Options) -> Vec<Window> {
        let request = |(stream_id, requested): &(&str, u64)| {
            let head = self.shell.heads.iter().find(|head| head.stream_id == *stream_id);
            let mut chunks = self.chunks(stream_id, gone);
            chunks.retain(|chunk| chunk.range.end > *requested);
            StreamRequest { requested: *requested, latest: head.map_or(0, |head| head.latest), chunks }
        };
        let call = WindowCall { options, streams: requests.iter().map(request).collect() };
        record(|| Packed::window(&call));
        read_window(&call).windows
    }

    /// Where an event is stored: once, where it is acknowledged.
    pub fn is_stored(&self, stream_id: &str, event_id: &str) -> bool {
        let chunks = self.shell.chunks.iter().filter(|chunk| chunk.stream_id == stream_id);
        chunks.flat_map(|chunk| &chunk.places).filter(|(_, id)| id == event_id).count() == 1
    }

    /// Everything that the rows say, as one text.
    pub fn words(&self) -> String {
        format!("{:?}", self.shell)
    }
}

/// What is loaded to end a turn beside a batch.
fn to_end(turn_id: &str) -> Needs {
    let mine = vec![turn_id.to_owned()];
    Needs { turns: mine.clone(), closing: mine, open_requests: true, ..Needs::default() }
}

/// What an answer tells the sender, in the model's words.
pub fn told(plan: &Plan, batch: &Batch) -> Told {
    let stream = |event: u32| batch.deltas[event as usize].delta.stream_id.to_owned();
    let mut told = Told::default();
    for ack in &plan.acks {
        assert!(told.acks.insert(stream(ack.event), ack.cursor_end).is_none(), "one ack a stream");
    }
    for fault in &plan.errors {
        let event = fault.event.unwrap();
        let is_new = match name(&fault.error_code).as_str() {
            "E_SYNC_MALFORMED_EVENT" => told.malformed.insert(event),
            "E_SYNC_REPLAY_GAP" => told.gaps.insert(stream(event)),
            other => panic!("{other}"),
        };
        assert!(is_new);
    }
    assert_eq!(plan.partial, !plan.errors.is_empty());
    told
}

/// Codes that are possible; the core may find any of them first.
pub fn assert_refused(code: &str, faults: &BTreeSet<&'static str>) {
    assert!(faults.contains(code), "{code} is none of {faults:?}");
}
