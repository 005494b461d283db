//! Packed calls, as `js-wrapper/core/boundary.ts` packs them, and what the native core answers to each.

use super::engine::Engine;
use super::history::{Sent, What, word};
use super::model::Batch;
use super::operations::{Case, options};
use super::random::Random;
use crate::answer::to_value;
use crate::checkpoint::plan_checkpoint;
use crate::delta::order::Range;
use crate::delta::window::{WindowCall, read_window};
use crate::event::classify::{LineClass, classify_line};
use crate::fold::FoldRow;
use crate::ingest::call::{Delta, IngestCall, Loaded, ThreadRow};
use crate::ingest::plan::plan_ingest;
use crate::options::Options;
use crate::pack::{Misfit, Unpacker, safe_integer};
use crate::reasoning::{ReasoningCall, read_reasoning};
use crate::request::{Origin, Request};
use crate::session::{SessionFacts, SessionRow};
use crate::testing::name;
use crate::turn::{TurnInterruptCall, TurnStartCall, plan_turn_interrupt, plan_turn_start};
use serde::Serialize;
use std::cell::RefCell;

/// A call of a door: its entry, its texts, its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    pub entry: &'static str,
    pub texts: String,
    pub numbers: Vec<f64>,
}

/// An answer as the door makes it, in JSON.
fn json(answer: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(&to_value(answer))
}

/// The answer to a call that was packed otherwise than it is read: the door throws.
const MISFIT: &str = r#"{"misfit":true}"#;

thread_local! {
    static RECORD: RefCell<Option<Vec<Packed>>> = const { RefCell::new(None) };
}

/// Notes a call, where calls are recorded.
pub(super) fn record(call: impl FnOnce() -> Packed) {
    RECORD.with_borrow_mut(|record| {
        if let Some(calls) = record {
            calls.push(call());
        }
    });
}

/// The calls that the work makes of the core.
fn recorded(work: impl FnOnce()) -> Vec<Packed> {
    RECORD.set(Some(Vec::new()));
    work();
    RECORD.take().unwrap_or_default()
}

impl Packed {
    fn new(entry: &'static str) -> Self {
        Self { entry, texts: String::new(), numbers: Vec::new() }
    }

    pub(super) fn ingest(call: &IngestCall<'_>) -> Self {
        let mut packed = Self::new("planIngest");
        packed.flag(call.strict).number(call.now_ms).text(call.thread_id).options(&call.options);
        packed.optional(call.thread.as_ref(), Self::thread).facts(&call.session);
        packed.list(&call.heads, |packed, head| {
            packed
                .text(head.stream_id)
                .text(head.thread_id)
                .text(head.turn_id)
                .optional_number(head.turn_order);
            packed.integer(head.order.latest).list(&head.order.holes, Self::range).integer(head.event_count);
            packed.integer(head.weight).flag(head.closed).flag(head.swept).flag(head.has_items);
            packed.list(&head.open, |packed, item| {
                packed.text(item.item_id).text(item.message_id).integer(item.start_cursor);
                packed.optional(item.fold.as_ref(), |packed, fold| {
                    packed.integer(fold.cursor).integer(fold.weight).integer(fold.fill).flag(fold.started);
                });
            });
            head.newest.iter().for_each(|cursor| _ = packed.integer(*cursor));
        });
        packed.list(&call.marks, |packed, mark| _ = packed.text(mark.runtime_id).integer(mark.next));
        packed.list(&call.deltas, |packed, delta| {
            packed.text(delta.event_id).text(delta.turn_id).text(delta.stream_id).text(delta.kind);
            packed.text(delta.payload_json).number(delta.cursor_start).number(delta.cursor_end);
            packed.number(delta.created_at_ms);
        });
        packed.list(&call.lifecycle, |packed, event| {
            packed
                .text(event.event_id)
                .optional_text(event.turn_id)
                .text(event.kind)
                .text(event.payload_json);
            packed.number(event.created_at_ms);
        });
        packed.optional(call.loaded.as_ref(), Self::loaded);
        packed
    }

    pub(super) fn window(call: &WindowCall) -> Self {
        let mut packed = Self::new("readWindow");
        packed.options(&call.options).flag(false).list(&call.streams, |packed, stream| {
            packed.integer(stream.requested).integer(stream.latest).list(&stream.chunks, |packed, chunk| {
                Self::range(packed, &chunk.range);
                packed.list(&chunk.kept, Self::range);
            });
        });
        packed
    }

    pub(super) fn interrupt(call: &TurnInterruptCall<'_>) -> Self {
        let mut packed = Self::new("planTurnInterrupt");
        packed.number(call.now_ms).optional_text(call.reason);
        Self::loaded(&mut packed, &call.loaded);
        packed
    }

    pub(super) fn session(heartbeat: bool, facts: &SessionFacts<'_>) -> Self {
        let mut packed = Self::new("planSession");
        packed.flag(heartbeat).facts(facts);
        packed
    }

    fn turn_start(call: &TurnStartCall<'_>) -> Self {
        let mut packed = Self::new("planTurnStart");
        packed
            .number(call.now_ms)
            .optional(call.thread.as_ref(), Self::thread)
            .optional_text(call.started_before)
            .flag(call.exists)
            .flag(call.deleted)
            .integer(call.keys);
        packed.list(&call.texts, |packed, text| _ = packed.text(text));
        packed
    }

    fn reasoning(call: &ReasoningCall<'_>) -> Self {
        let mut packed = Self::new("readReasoning");
        packed.flag(call.ended).flag(call.include_raw).optional_text(call.payload_json);
        packed
    }

    fn line(line: &str) -> Self {
        Self { texts: line.to_owned(), ..Self::new("classifyLine") }
    }

    /// What the native core answers, as the doors do, in JSON.
    pub fn answer(&self) -> String {
        self.try_answer().unwrap_or_else(|Misfit| MISFIT.to_owned())
    }

    fn try_answer(&self) -> Result<String, Misfit> {
        let mut call = Unpacker::new(&self.texts, &self.numbers);
        let answer = match self.entry {
            "planIngest" => json(&plan_ingest(&IngestCall::unpack(call)?)),
            "readWindow" => json(&read_window(&WindowCall::unpack(call)?)),
            "readReasoning" => json(&read_reasoning(&ReasoningCall::unpack(call)?)),
            "planTurnStart" => json(&plan_turn_start(&TurnStartCall::unpack(call)?)),
            "planTurnInterrupt" => json(&plan_turn_interrupt(&TurnInterruptCall::unpack(call)?)),
            "planSession" => {
                let heartbeat = call.flag();
                let facts = SessionFacts::unpack(&mut call);
                json(&call.end(facts)?.answer(heartbeat))
            }
            "planCheckpoint" => {
                let [now_ms, cursor, known, exists] = self.numbers[..] else { return Err(Misfit) };
                json(&plan_checkpoint(now_ms, cursor, safe_integer(known), exists != 0.0))
            }
            "chunksToLoad" => serde_json::to_string(&Options::unpack_reader(&mut call).deltas_per_stream_max),
            "classifyLine" => json(&classify_line(&self.texts)),
            other => panic!("{other}"),
        };
        answer.map_err(|_| Misfit)
    }

    fn number(&mut self, number: f64) -> &mut Self {
        self.numbers.push(number);
        self
    }

    fn integer(&mut self, number: u64) -> &mut Self {
        self.number(number as f64)
    }

    fn optional_number(&mut self, number: Option<u64>) -> &mut Self {
        self.number(number.map_or(f64::NAN, |number| number as f64))
    }

    fn flag(&mut self, flag: bool) -> &mut Self {
        self.number(f64::from(u8::from(flag)))
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.texts.push_str(text);
        self.number(text.encode_utf16().count() as f64)
    }

    fn optional_text(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.number(-1.0),
        }
    }

    fn list<T>(&mut self, list: &[T], pack: impl Fn(&mut Self, &T)) -> &mut Self {
        self.integer(list.len() as u64);
        list.iter().for_each(|member| pack(self, member));
        self
    }

    fn optional<T>(&mut self, value: Option<&T>, pack: impl Fn(&mut Self, &T)) -> &mut Self {
        self.flag(value.is_some());
        value.into_iter().for_each(|value| pack(self, value));
        self
    }

    fn range(packed: &mut Self, range: &Range) {
        packed.integer(range.start).integer(range.end);
    }

    fn options(&mut self, options: &Options) -> &mut Self {
        self.flag(options.save_stream_deltas).flag(options.save_reasoning_deltas);
        self.flag(options.expose_raw_reasoning_deltas).integer(options.deltas_per_stream_max as u64);
        self.integer(options.deltas_per_request_max as u64).number(options.finished_stream_delete_delay_ms)
    }

    fn thread(packed: &mut Self, thread: &ThreadRow<'_>) {
        packed.optional_text(thread.local_thread_id).integer(thread.next_turn_order);
        packed.flag(thread.archived).optional_text(thread.name);
    }

    fn facts(&mut self, facts: &SessionFacts<'_>) -> &mut Self {
        let row = |packed: &mut Self, row: &SessionRow<'_>| {
            packed.text(row.session_id).text(row.device_id).integer(row.epoch).number(row.last_beat_at_ms);
        };
        self.text(facts.session_id).text(facts.device_id);
        self.optional(facts.own.as_ref(), row)
            .optional(facts.writer.as_ref(), row)
            .flag(facts.bound_elsewhere)
    }

    fn loaded(packed: &mut Self, loaded: &Loaded<'_>) {
        packed.list(&loaded.turns, |packed, turn| {
            packed.text(turn.turn_id).integer(turn.turn_order).text(&name(&turn.status));
            packed.optional_text(turn.source.map(|source| name(&source)).as_deref());
            packed.flag(turn.has_items).optional_text(turn.same_run_as).flag(turn.started);
        });
        packed.list(&loaded.messages, |packed, message| {
            packed.text(message.turn_id).text(message.item_id).text(message.message_id);
            packed.integer(message.occurrence).optional_text(message.stream_id).integer(message.start_cursor);
            packed.optional_number(message.end_cursor).optional(
                message.restart.as_ref(),
                |packed, restart| {
                    _ = packed.integer(restart.cursor).flag(restart.seen);
                },
            );
            packed.text(&name(&message.status)).text(&name(&message.closing));
            packed.flag(message.text_whole).flag(message.started);
        });
        packed.list(&loaded.streams, |packed, stream| {
            packed.text(stream.stream_id).text(stream.turn_id).text(&name(&stream.state));
        });
        packed.list(&loaded.places, |packed, place| {
            packed.text(place.stream_id);
            Self::range(packed, &place.range);
            packed.text(place.event_id);
        });
        packed.list(&loaded.next_orders, |packed, order| _ = packed.text(order.turn_id).integer(order.next));
        packed.list(&loaded.lifecycle_ids, |packed, id| _ = packed.text(id));
        packed.integer(loaded.usage_place);
        packed.list(&loaded.folds, Self::fold);
        packed.list(&loaded.quarantine, |packed, row| _ = packed.text(row.event_id).integer(row.bytes));
        packed.list(&loaded.requests, Self::request);
        packed.list(&loaded.deleted_turns, |packed, turn_id| _ = packed.text(turn_id));
    }

    fn fold(packed: &mut Self, fold: &FoldRow<'_>) {
        let half = |half: Option<u16>| half.map(u64::from);
        packed.integer(fold.message.into()).integer(fold.cursor).optional_number(half(fold.pending_high));
        packed.integer(fold.text_bytes).integer(fold.part).text(fold.last);
        packed.list(&fold.runs, |packed, run| {
            packed.integer(run.cursor_start).text(run.text);
            packed.optional_number(half(run.leading_low)).optional_number(half(run.pending_high));
        });
        packed.integer(fold.end);
    }

    fn request(packed: &mut Self, request: &Request<'_>) {
        let Origin { runtime_id, generation, app_generation } = request.origin;
        packed.text(request.id).text(request.method).text(request.turn_id).optional_text(request.event_id);
        packed.optional_text(runtime_id).optional_number(generation).optional_number(app_generation);
        packed.text(&name(&request.state)).optional_text(request.cause.map(|_| "reported"));
        packed.flag(request.auto_resolution_ms.is_some());
    }
}

/// So many calls that one seed decides: what random operations ask, the lesser entries, and calls that are packed wrong.
pub fn random_calls(seed: u64, count: usize) -> Vec<Packed> {
    let mut random = Random(seed);
    let mut calls: Vec<Packed> = Vec::new();
    while calls.len() < count {
        let mut bytes: Vec<u8> = (0..200).map(|_| random.byte()).collect();
        bytes[1] = 40;
        let mut made = recorded(|| _ = Case::read(&bytes).run());
        made.push(Packed {
            numbers: [1e12].into_iter().chain((0..3).map(|_| odd_number(&mut random))).collect(),
            ..Packed::new("planCheckpoint")
        });
        made.push(Packed {
            numbers: (0..7).map(|_| odd_number(&mut random)).collect(),
            ..Packed::new("chunksToLoad")
        });
        made.push(turn_start(&mut random));
        made.push(reasoning(&mut random));
        for _ in 0..4 {
            let mut wrong = made[random.below(made.len() as u64) as usize].clone();
            if !matches!(wrong.entry, "chunksToLoad" | "planCheckpoint") {
                let at = random.below(wrong.numbers.len() as u64) as usize;
                wrong.numbers[at] = odd_number(&mut random);
                made.push(wrong);
            }
        }
        let line = made.iter().rev().find(|call| call.entry == "planIngest").map(|call| call.texts.clone());
        made.extend(line.map(|texts| Packed::line(&torn(&mut random, &texts))));
        calls.extend(made);
    }
    calls.truncate(count);
    calls
}

fn odd_number(random: &mut Random) -> f64 {
    let numbers =
        [0.0, -1.0, 1.0, 0.5, f64::NAN, 9_007_199_254_740_991.0, 9_007_199_254_740_992.0, 1e300, 7.0, 100.0];
    numbers[random.below(numbers.len() as u64) as usize]
}

fn turn_start(random: &mut Random) -> Packed {
    let thread = ThreadRow {
        local_thread_id: Some("T"),
        next_turn_order: random.below(9),
        archived: random.one_in(4),
        name: None,
    };
    let text = "aé😀 ".repeat(random.below(200) as usize);
    Packed::turn_start(&TurnStartCall {
        now_ms: 1e12,
        thread: Some(thread).filter(|_| !random.one_in(5)),
        started_before: Some("u").filter(|_| random.one_in(4)),
        exists: random.one_in(2),
        deleted: random.one_in(9),
        keys: random.below(20),
        texts: vec![&text, "b"],
    })
}

fn reasoning(random: &mut Random) -> Packed {
    let parts =
        [r#""a""#, r#""é\n😀""#, r#""\ud83d""#, r#""\ude00b""#, r#""""#, "5", "null", r#"{"x":["y"]}"#];
    let mut list = || {
        let count = random.below(5);
        let parts: Vec<&str> = (0..count).map(|_| parts[random.below(parts.len() as u64) as usize]).collect();
        parts.join(",")
    };
    let item = format!(r#"{{"type":"reasoning","summary":[{}],"content":[{}]}}"#, list(), list());
    let payload = if random.one_in(5) { torn(random, &item) } else { item };
    Packed::reasoning(&ReasoningCall {
        ended: random.one_in(2),
        include_raw: random.one_in(2),
        payload_json: Some(payload.as_str()).filter(|_| !random.one_in(6)),
    })
}

/// A piece of a text of JSON, from a brace on.
fn torn<'a>(random: &mut Random, text: &'a str) -> String {
    let braces: Vec<usize> = text.match_indices('{').map(|(at, _)| at).collect();
    let from = if braces.is_empty() { 0 } else { braces[random.below(braces.len() as u64) as usize] };
    let rest: &'a str = &text[from..];
    let to = rest.floor_char_boundary(random.below(rest.len().max(1) as u64 * 2) as usize);
    format!("{}{}", &rest[..to], if random.one_in(3) { r#"},"emittedAtMs":12}"# } else { "" })
}

/// The calls that a recorded transcript makes: each line of the app-server, and the events of its turns in batches.
pub fn transcript_calls(transcript: &str) -> Vec<Packed> {
    let lines: Vec<&str> = transcript.lines().filter(|line| line.starts_with(r#"{"dir":"in""#)).collect();
    let messages = lines.iter().filter_map(|line| line.split_once(r#""msg":"#)?.1.strip_suffix('}'));
    let mut calls: Vec<Packed> = messages.clone().map(Packed::line).collect();
    let mut sent: Vec<Sent> = Vec::new();
    for line in messages {
        let LineClass::Event { thread_id, .. } = classify_line(line) else { continue };
        let payload_json = word(line.replace(&thread_id, super::history::THREAD));
        let LineClass::Event { kind, turn_id: Some(turn_id), .. } = classify_line(payload_json) else {
            continue;
        };
        let stream_id = word(format!("T:{turn_id}:0"));
        let cursor = sent.iter().filter(|sent| sent.delta.stream_id == stream_id).count() as f64;
        let delta = Delta {
            event_id: word(format!("r.1:{stream_id}:{cursor}")),
            turn_id: word(turn_id),
            stream_id,
            kind: word(kind),
            payload_json,
            cursor_start: cursor,
            cursor_end: cursor + 1.0,
            created_at_ms: 1_000.5 + cursor,
        };
        sent.push(Sent { delta, what: What::Nothing, generation: 1 });
    }
    let mut engine = Engine::new(options(2));
    calls.extend(recorded(|| {
        for batch in sent.chunks(20) {
            engine.ingest(
                ("s", "d"),
                false,
                5_000.0,
                &Batch { deltas: batch.to_vec(), lifecycle: Vec::new() },
            );
        }
    }));
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_makes_the_same_calls_of_every_entry_and_few_misfits() {
        let calls = random_calls(7, 800);
        let same = |(one, other): (&Packed, &Packed)| format!("{one:?}") == format!("{other:?}");
        assert!(calls.iter().zip(&random_calls(7, 800)).all(same));
        let misfits = calls.iter().filter(|call| call.answer() == MISFIT).count();
        assert!((1..80).contains(&misfits), "{misfits} misfits");
        for entry in [
            "planIngest",
            "readWindow",
            "readReasoning",
            "planTurnStart",
            "planTurnInterrupt",
            "planSession",
            "planCheckpoint",
            "chunksToLoad",
            "classifyLine",
        ] {
            assert!(calls.iter().any(|call| call.entry == entry), "{entry}");
        }
    }

    #[test]
    fn a_transcript_is_planned_without_a_malformed_event() {
        let calls = transcript_calls(include_str!("../../fixtures/transcripts/plain.jsonl"));
        let plans: Vec<_> =
            calls.iter().filter(|call| call.entry == "planIngest").map(Packed::answer).collect();
        let is_right =
            |answer: &String| answer.contains(r#""type":"needs""#) || answer.contains(r#""partial":false"#);
        assert!(!plans.is_empty() && plans.iter().all(is_right), "{plans:?}");
    }
}
