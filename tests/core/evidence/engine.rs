//! The core in its shell, for one user: the rows of one thread, the sessions that write it, and what readers get.

use super::calls::{Packed, record};
use super::model::{Batch, Binding, MessageView, Sender, StreamView, Told, TurnView, View};
use crate::client::ClientAnswer;
use crate::delta::order::Range;
use crate::delta::window::{ChunkFacts, StreamRequest, Window, WindowCall, read_window};
use crate::ingest::plan::plan_ingest;
use crate::ingest::write::{IngestAnswer, Needs, Plan};
use crate::options::Options;
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
}

impl Engine {
    pub fn new(options: Options) -> Self {
        let mut shell = Shell::new();
        shell.options = options;
        Self { shell, bindings: BTreeMap::new(), options }
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
                }
                self.apply_session(sender, plan.session, now_ms);
                Outcome::Planned(Box::new(plan))
            }
        }
    }

    /// `turns.interrupt`: whether the turn exists.
    pub fn interrupt(&mut self, turn_id: &'static str, now_ms: f64) -> bool {
        let rows = self.shell.clone();
        let mut call = rows.call(&[], &[]);
        let needs =
            Needs { turns: vec![turn_id.to_owned()], closing: vec![turn_id.to_owned()], ..Needs::default() };
        let loaded = rows.load(&needs, &call);
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
        let messages = shell.messages.iter().map(|row| {
            let view = MessageView {
                item_id: row.item_id.clone(),
                status: row.status.clone(),
                closing: row.closing.clone(),
                text: shell.text_of(row),
                order_in_turn: (!row.item_id.starts_with('x')).then_some(row.made.order_in_turn),
            };
            ((row.turn_id.clone(), row.message_id.clone()), view)
        });
        let streams = shell.heads.iter().map(|head| {
            let view = StreamView {
                state: shell.streams[&head.stream_id].1.clone(),
                latest: head.latest,
                holes: head.holes.iter().map(|hole| (hole.start, hole.end)).collect(),
                event_count: head.event_count,
            };
            (head.stream_id.clone(), view)
        });
        let quarantine = shell.quarantine.iter().map(|(event_id, _)| event_id.clone()).collect();
        View { turns: turns.collect(), messages: messages.collect(), streams: streams.collect(), quarantine }
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
