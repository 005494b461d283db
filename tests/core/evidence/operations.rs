//! Random operations on a thread, applied to the core and to the naive model, which have to agree after each.
//!
//! A case is a few bytes: options, the history that senders have to tell, the operations. Property, fuzzer and corpus run
//! the same cases. A new operation is a variant of [`Operation`], a line of [`Operation::read`], and an arm of
//! [`World::run`].

use super::engine::{Engine, Outcome, assert_refused, told};
use super::history::{Ask, History, SHARED, Sent, Style, TURNS, What, word};
use super::model::{Batch, Model, RequestView, Sender};
use crate::delta::order::Range;
use crate::delta::window::{Window, WindowStatus};
use crate::ingest::call::Delta;
use crate::options::Options;
use crate::request::approval::Wish;

const MINUTE_MS: f64 = 60_000.0;
const SENDERS: [Sender; 3] = [("s1", "d1"), ("s2", "d2"), ("s1", "d3")];

/// What happens to a thread.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    /// A part of a stream is sent: `count` events from `from` on, each `stride`-th.
    Send { stream: u8, from: u8, count: u8, stride: usize, sender: Sender, strict: bool },
    /// The same from what was accepted last, as a sender that nothing happens to does.
    Next { stream: u8, count: u8, sender: Sender },
    /// Parts of two streams, and lifecycle events, in one batch, the events in reverse.
    Mixed { stream: u8, from: u8, count: u8 },
    /// The last batch that was accepted, later.
    Again { minutes: u8 },
    /// An event that no honest sender has at that place.
    Foreign { stream: u8, from: u8, width: u8, same_id: bool },
    /// A batch that cannot be right.
    Wrong { how: u8, stream: u8, from: u8 },
    /// A client interrupts a turn.
    Interrupt { turn: u8 },
    /// `ensureSession` or `heartbeat`.
    Session { sender: Sender, heartbeat: bool },
    /// Time passes.
    Wait { minutes: u8 },
    /// A reader follows a stream to its end; the oldest chunks are gone.
    Read { stream: u8, from: u8, budget: u8, gone: u8 },
    /// A client decides an approval; which one it means it may say.
    Decide { ask: u8, named: bool, accepts: bool },
    /// The bridge tells of a request, before its event or after it.
    TellOf { ask: u8 },
    /// The bridge says how a request ended, and perhaps what Codex was answered.
    Report { ask: u8, answered: bool, how: u8 },
    /// Hours pass, and what has expired of a stream goes.
    Sweep { stream: u8, hours: u8 },
    /// A stream that has ended is cleaned up.
    CleanUp { stream: u8 },
    /// Hours pass, and the sweep looks at a turn.
    Silence { turn: u8, hours: u8 },
    /// A reader follows all streams at once, with a budget that they share.
    ReadAll { budget: u8 },
}

impl Operation {
    /// Four bytes are an operation.
    pub fn read([kind, x, y, z]: [u8; 4]) -> Self {
        let sender = SENDERS[if z < 224 { 0 } else { usize::from(z % 3) }];
        let count = z % 8 + 1;
        match kind % 42 {
            0..=7 => Self::Send { stream: x, from: y, count, stride: 1, sender, strict: z >= 240 },
            8..=15 => Self::Next { stream: x, count, sender },
            16 => Self::Send { stream: x, from: 0, count: 200, stride: 2, sender, strict: false },
            17 | 18 => Self::Mixed { stream: x, from: y, count },
            19..=21 => Self::Again { minutes: y },
            22 => Self::Foreign { stream: x, from: y, width: z % 3 + 1, same_id: z > 127 },
            23 => Self::Wrong { how: z, stream: x, from: y },
            24 => Self::Interrupt { turn: x },
            25 => Self::Session { sender: SENDERS[usize::from(z % 3)], heartbeat: x > 127 },
            26 => Self::Wait { minutes: y },
            31 => Self::ReadAll { budget: z % 16 + 1 },
            32..=34 => Self::Decide { ask: x, named: y % 3 != 0, accepts: z % 2 == 0 },
            35 | 36 => Self::TellOf { ask: x },
            37 => Self::Report { ask: x, answered: y % 3 != 0, how: z },
            38 | 39 => Self::Sweep { stream: x, hours: y % 6 * 6 },
            40 => Self::CleanUp { stream: x },
            41 => Self::Silence { turn: x, hours: y % 4 * 10 },
            _ => Self::Read { stream: x, from: y, budget: z % 5, gone: z / 64 },
        }
    }
}

/// A case: see the module.
#[derive(Clone, Debug)]
pub struct Case {
    pub flags: u8,
    pub steps: Vec<[u8; 2]>,
    pub operations: Vec<[u8; 4]>,
}

/// Steps and operations of a case that is read of bytes.
const STEPS_MAX: usize = 80;
const OPERATIONS_MAX: usize = 50;

impl Case {
    /// Any bytes are a case: the flags, how many steps, the steps, the operations.
    pub fn read(bytes: &[u8]) -> Self {
        let (head, rest) = bytes.split_at(bytes.len().min(2));
        let flags = head.first().copied().unwrap_or(0);
        let steps = head.get(1).map_or(0, |count| usize::from(*count) % STEPS_MAX);
        let (steps, operations) = rest.split_at(rest.len().min(steps * 2));
        let operations = operations.as_chunks().0.iter().take(OPERATIONS_MAX);
        Self { flags, steps: steps.as_chunks().0.to_vec(), operations: operations.copied().collect() }
    }

    /// Runs it; answers how many operations that were.
    pub fn run(&self) -> usize {
        let options = options(self.flags);
        let mut world = World {
            history: History::new(&self.steps, self.style()),
            in_order: self.style().ids_return,
            long: self.style().long,
            engine: Engine::new(options),
            model: Model::new(options),
            now_ms: 1_000_000.0,
            last: None,
            count: 0,
        };
        if self.steps.len() % 2 == 1 {
            world.engine.resolve();
            world.model.thread_exists = true;
        }
        for bytes in &self.operations {
            world.step(Operation::read(*bytes));
        }
        world.tell_everything();
        world.count
    }
}

impl Case {
    fn style(&self) -> Style {
        Style { ids_return: self.flags & 1 != 0, long: self.flags & 224 == 224, mark: "" }
    }

    /// The case in words: the history, then the operations.
    pub fn describe(&self) -> String {
        let mut text = format!("{self:?}\n");
        let history = History::new(&self.steps, self.style());
        for Sent { delta, what, .. } in history.streams.iter().flatten() {
            let Delta { stream_id, cursor_start, cursor_end, kind, .. } = delta;
            text.push_str(&format!("{stream_id} {cursor_start}..{cursor_end} {kind} {}\n", short(what)));
        }
        for lived in &history.lifecycle {
            text.push_str(&format!("{} {:?}\n", lived.event.event_id, lived.what));
        }
        for bytes in &self.operations {
            text.push_str(&format!("{:?}\n", Operation::read(*bytes)));
        }
        text
    }
}

/// What an event means, in a line.
fn short(what: &What) -> String {
    match what {
        What::ItemGrew { item, units } if units.len() > 20 => {
            format!("ItemGrew {{ {item:?}, {} units }}", units.len())
        }
        what => format!("{what:?}"),
    }
}

pub fn options(flags: u8) -> Options {
    let mut options = crate::testing::options();
    options.save_stream_deltas = flags & 2 != 0;
    options.save_reasoning_deltas = flags & 12 != 4;
    options.expose_raw_reasoning_deltas = flags & 16 != 0;
    options
}

/// The thread, twice.
struct World {
    history: History,
    /// Ids are used again: which use a delta belongs to is only certain where nothing is missing before it.
    in_order: bool,
    long: bool,
    engine: Engine,
    model: Model,
    now_ms: f64,
    last: Option<(Sender, Batch)>,
    count: usize,
}

impl World {
    fn step(&mut self, operation: Operation) {
        self.count += 1;
        self.run(operation);
        assert_eq!(self.engine.bindings, self.model.bindings);
        let (got, want) = (self.engine.view(), self.model.view());
        got.assert_is(&want);
        if self.long {
            self.engine.check_written(&self.model.said_bytes());
        }
    }

    fn run(&mut self, operation: Operation) {
        match operation {
            Operation::Send { stream, from, count, stride, sender, strict } => {
                let deltas = self.part(stream, from, count, stride);
                self.send(sender, strict, Batch { deltas, lifecycle: Vec::new() });
            }
            Operation::Next { stream, count, sender } => {
                let deltas = self.next(stream, count);
                self.send(sender, false, Batch { deltas, lifecycle: Vec::new() });
            }
            Operation::Mixed { stream, from, count } => {
                let mut deltas = self.part(stream, from, count, 1);
                deltas.extend(self.part(stream.wrapping_add(1), from, count, 1));
                deltas.reverse();
                let lived = self
                    .history
                    .lifecycle
                    .iter()
                    .cycle()
                    .skip(usize::from(from) % self.history.lifecycle.len().max(1));
                let lifecycle =
                    lived.take(usize::from(count % 4).min(self.history.lifecycle.len())).cloned().collect();
                self.send(SENDERS[0], false, Batch { deltas, lifecycle });
            }
            Operation::Again { minutes } => {
                self.now_ms += f64::from(minutes) * MINUTE_MS;
                if let Some((sender, batch)) = self.last.clone() {
                    self.send_again(sender, &batch);
                }
            }
            Operation::Foreign { stream, from, width, same_id } => {
                let Some(mut sent) = self.part(stream, from, 1, 1).pop() else { return };
                let Range { start, .. } = range(&sent);
                let id = word(format!("foreign-{}-{start}-{width}", sent.delta.stream_id));
                sent.what = What::Nothing;
                let event_id = if same_id { sent.delta.event_id } else { id };
                let payload_json = r#"{"method":"x"}"#;
                let cursor_end = (start + u64::from(width)) as f64;
                sent.delta = Delta { event_id, kind: "x", payload_json, cursor_end, ..sent.delta };
                self.send(SENDERS[0], false, Batch { deltas: vec![sent], lifecycle: Vec::new() });
            }
            Operation::Wrong { how, stream, from } => {
                let mut deltas = self.part(stream, from, 3, 1);
                spoil(&mut deltas, how);
                self.send(SENDERS[0], how % 7 == 6, Batch { deltas, lifecycle: Vec::new() });
            }
            Operation::Interrupt { turn } => {
                let turn_id = ["U", "V", "W", "nobody"][usize::from(turn % 4)];
                assert_eq!(self.engine.interrupt(turn_id, self.now_ms), self.model.interrupt(turn_id));
            }
            Operation::Session { sender, heartbeat: true } => {
                let refused = self.engine.session(sender, true, self.now_ms);
                assert_eq!(refused.as_deref(), self.model.beat(sender, self.now_ms));
            }
            Operation::Session { sender, heartbeat: false } => {
                assert_eq!(self.engine.session(sender, false, self.now_ms), None);
                self.model.ensure(sender, self.now_ms);
            }
            Operation::Decide { ask, named, accepts } => {
                let Some(ask) = self.ask(ask) else { return };
                let of = (ask.turn_id, ask.item_id);
                let id = named.then_some(ask.id);
                let (wish, decision) =
                    if accepts { (Wish::Accepted, r#""accept""#) } else { (Wish::Declined, r#""decline""#) };
                let want = self.model.decide(of, id, decision).map_err(str::to_owned);
                assert_eq!(self.engine.decide(of, id, wish), want);
            }
            Operation::TellOf { ask } => {
                let Some(ask) = self.ask(ask) else { return };
                let want = self.model.tell_of(ask).map_err(str::to_owned);
                assert_eq!(self.engine.tell_of(ask), want);
                adopt(&self.engine, &mut self.model);
            }
            Operation::Report { ask, answered, how } => {
                let Some(ask) = self.ask(ask) else { return };
                let decision = [None, Some(r#""accept""#), Some(r#""cancel""#)][usize::from(how % 3)];
                let decision = decision.filter(|_| answered && ask.is_approval());
                let want = self.model.report(ask, answered, decision).map_err(str::to_owned);
                assert_eq!(self.engine.report(ask, answered, decision), want);
            }
            Operation::Sweep { stream, hours } => {
                self.now_ms += f64::from(hours) * 60.0 * MINUTE_MS;
                if let Some(stream_id) = self.stream(stream) {
                    sweep(&mut self.engine, &mut self.model, stream_id, self.now_ms);
                }
            }
            Operation::CleanUp { stream } => {
                if let Some(stream_id) = self.stream(stream) {
                    clean_up(&mut self.engine, &mut self.model, stream_id);
                }
            }
            Operation::Silence { turn, hours } => {
                self.now_ms += f64::from(hours) * 60.0 * MINUTE_MS;
                let turn_id = TURNS[usize::from(turn % 3)];
                assert_eq!(
                    self.engine.silence(turn_id, self.now_ms),
                    self.model.silence(turn_id, self.now_ms)
                );
            }
            Operation::Wait { minutes } => self.now_ms += f64::from(minutes) * MINUTE_MS / 8.0,
            Operation::ReadAll { budget } => self.read_all(usize::from(budget)),
            Operation::Read { stream, from, budget, gone } => {
                if let Some(stream_id) = self.stream(stream) {
                    self.read(stream_id, u64::from(from % 48), usize::from(budget) + 1, usize::from(gone));
                }
            }
        }
    }

    fn read_all(&self, budget: usize) {
        let mut options = self.model.options;
        options.deltas_per_request_max = budget;
        let streams: Vec<&'static str> =
            self.history.streams.iter().map(|events| events[0].delta.stream_id).collect();
        let mut cursors: Vec<(&'static str, u64)> = streams.iter().map(|stream_id| (*stream_id, 0)).collect();
        let share = (budget / streams.len().max(1)).max(1);
        while cursors.iter().any(|(stream_id, at)| *at < self.model.latest(stream_id)) {
            let windows = self.engine.windows(&cursors, 0, options);
            assert_eq!(windows.len(), cursors.len());
            for ((stream_id, at), window) in cursors.iter_mut().zip(windows) {
                let kept = self.kept(stream_id, 0).into_iter();
                let got =
                    kept.filter(|delta| window.start <= delta.start && delta.start < window.end).count();
                assert!(got <= share, "no more than its share");
                assert!(window.next > *at || *at == self.model.latest(stream_id), "none starves");
                *at = window.next;
            }
        }
    }

    fn stream(&self, stream: u8) -> Option<&'static str> {
        let streams = &self.history.streams;
        Some(streams.get(usize::from(stream) % streams.len().max(1))?[0].delta.stream_id)
    }

    /// The events of a stream.
    fn events(&self, stream: u8) -> Option<&[Sent]> {
        let streams = &self.history.streams;
        let events = streams.get(usize::from(stream) % streams.len().max(1))?;
        let Delta { stream_id, turn_id, .. } = events[0].delta;
        let main = streams
            .iter()
            .map(|events| events[0].delta)
            .find(|delta| delta.turn_id == turn_id && delta.stream_id.ends_with(":0"));
        // An item that a history import shares with it is there before.
        let imports = events.iter().any(|sent| sent.what.item().is_some_and(|item| item.id == SHARED));
        let is_named =
            |sent: &Sent| sent.what.under(&self.model.options).item().is_some_and(|item| item.id == SHARED);
        let waits = |main: Delta<'_>| {
            let mut told = streams.iter().flatten().filter(|sent| sent.delta.stream_id == main.stream_id);
            let known = self.model.accepted(main.stream_id);
            imports
                && told.any(is_named)
                && !known.iter().any(|(.., what)| what.item().is_some_and(|item| item.id == SHARED))
        };
        main.is_none_or(|main| main.stream_id == stream_id || !waits(main)).then_some(events)
    }

    fn ask(&self, ask: u8) -> Option<Ask> {
        let asks = &self.history.asks;
        asks.get(usize::from(ask) % asks.len().max(1)).copied()
    }

    fn part(&self, stream: u8, from: u8, count: u8, stride: usize) -> Vec<Sent> {
        let Some(events) = self.events(stream) else { return Vec::new() };
        let mut from = usize::from(from) % events.len();
        let mut stride = stride;
        if self.in_order {
            let latest = self.model.latest(events[0].delta.stream_id);
            let told = events.iter().filter(|sent| range(sent).end <= latest).count();
            from = from.min(told);
            stride = 1;
        }
        events.iter().skip(from).step_by(stride).take(usize::from(count)).cloned().collect()
    }

    fn next(&self, stream: u8, count: u8) -> Vec<Sent> {
        let Some(events) = self.events(stream) else { return Vec::new() };
        let latest = self.model.latest(events[0].delta.stream_id);
        events.iter().filter(|sent| range(sent).start >= latest).take(usize::from(count)).cloned().collect()
    }

    fn send(&mut self, sender: Sender, strict: bool, batch: Batch) {
        let before = self.engine.clone();
        let outcome = self.engine.ingest(sender, strict, self.now_ms, &batch);
        match (self.model.ingest(sender, strict, self.now_ms, &batch), outcome) {
            (Ok(want), Outcome::Planned(plan)) => {
                assert_eq!(told(&plan, &batch), want);
                for sent in &batch.deltas {
                    let (stream_id, event_id) = (sent.delta.stream_id, sent.delta.event_id);
                    let given_up = !self.model.accepted(stream_id).iter().any(|(_, id, _)| *id == event_id);
                    let gone = !self.model.covered(stream_id).iter().any(|(_, id, _)| *id == event_id);
                    assert!(
                        given_up || gone || self.engine.is_stored(stream_id, event_id),
                        "what is acknowledged is stored, once"
                    );
                }
                adopt(&self.engine, &mut self.model);
                self.last = Some((sender, batch));
            }
            (Err(faults), Outcome::Refused(code)) => {
                assert_refused(&code, &faults);
                assert_eq!(self.engine, before, "what is refused has written nothing");
            }
            (Err(faults), Outcome::Planned(plan)) => panic!("planned, and is {faults:?}: {plan:?}"),
            (Ok(_), Outcome::Refused(code)) => panic!("refused as {code}"),
        }
    }

    /// The same batch at any time is told the same, but for holes that were filled, and changes no row of the thread.
    fn send_again(&mut self, sender: Sender, batch: &Batch) {
        let before = self.engine.clone();
        self.send(sender, false, batch.clone());
        assert_eq!(self.engine.shell, before.shell, "a batch that is sent again changes nothing");
    }

    fn read(&self, stream_id: &'static str, requested: u64, budget: usize, gone: usize) {
        let chunks = self.engine.chunks(stream_id, gone);
        let gone_below = chunks.first().map_or(u64::MAX, |first| first.range.start);
        let mut options = self.model.options;
        let whole = self.engine.window(stream_id, requested, gone, options);
        assert_eq!(whole, self.whole_window(stream_id, requested, gone_below));
        options.deltas_per_stream_max = budget;
        let kept = self.kept(stream_id, gone_below);
        let (mut at, mut seen, mut calls) = (requested, Vec::new(), 0);
        loop {
            let Window { status, start, end, next } = self.engine.window(stream_id, at, gone, options);
            let got: Vec<Range> =
                kept.iter().filter(|delta| start <= delta.start && delta.start < end).copied().collect();
            assert!(got.len() <= budget, "no more than was asked for");
            seen.extend(got);
            calls += 1;
            if next == at || status == WindowStatus::Stale {
                break;
            }
            at = next;
            assert!(calls <= kept.len() + chunks.len() + 1, "a reader that follows nextCheckpoints ends");
        }
        let want: Vec<Range> =
            kept.into_iter().filter(|delta| whole.start <= delta.start && delta.start < whole.end).collect();
        assert_eq!(seen, want, "every delta once, in order");
    }

    /// The window of a reader without limits, from the table of the rules.
    fn whole_window(&self, stream_id: &'static str, requested: u64, gone_below: u64) -> Window {
        let latest = self.model.latest(stream_id);
        let mut covered = self.model.covered(stream_id);
        covered.retain(|(range, ..)| range.start >= gone_below);
        let nothing = |status, next| Window { status, start: requested, end: requested, next };
        if requested == latest {
            return nothing(WindowStatus::Ok, requested);
        }
        let Some((_, _, _)) =
            covered.iter().find(|(range, ..)| range.end > requested).filter(|_| requested < latest)
        else {
            return nothing(WindowStatus::Stale, latest);
        };
        let end = covered.last().unwrap().0.end;
        let inside = covered.iter().find(|(range, ..)| range.start <= requested && requested < range.end);
        let (status, start) = match inside {
            Some((range, _, what)) if range.start < requested && what.is_kept(&self.model.options) => {
                (WindowStatus::Rebased, range.start)
            }
            Some(_) => (WindowStatus::Ok, requested),
            None => (
                WindowStatus::Rebased,
                covered.iter().find(|(range, ..)| range.start > requested).unwrap().0.start,
            ),
        };
        Window { status, start, end, next: end }
    }

    fn kept(&self, stream_id: &'static str, gone_below: u64) -> Vec<Range> {
        let accepted = self.model.covered(stream_id).into_iter();
        let kept = accepted
            .filter(|(range, _, what)| range.start >= gone_below && what.is_kept(&self.model.options));
        kept.map(|(range, ..)| range).collect()
    }

    /// In the end everything is sent once more, by whoever takes the thread: what was never refused for good is there.
    fn tell_everything(&mut self) {
        self.step(Operation::Session { sender: SENDERS[0], heartbeat: false });
        let mut order: Vec<usize> = (0..self.history.streams.len()).collect();
        order.sort_by_key(|at| !self.history.streams[*at][0].delta.stream_id.ends_with(":0"));
        for at in order {
            let events = self.history.streams[at].clone();
            for batch in events.chunks(5) {
                // What a foreign event stands in the way of is refused, and is missing from then on.
                let missing = range(&batch[0]).start > self.model.latest(batch[0].delta.stream_id);
                if self.in_order && missing {
                    break;
                }
                self.count += 1;
                self.send(SENDERS[0], false, Batch { deltas: batch.to_vec(), lifecycle: Vec::new() });
            }
            self.step(Operation::Read { stream: at as u8, from: 0, budget: 1, gone: 0 });
        }
    }
}

/// What has expired of a stream goes, and nothing else.
pub(super) fn sweep(engine: &mut Engine, model: &mut Model, stream_id: &'static str, now_ms: f64) {
    engine.trim(stream_id, Some(now_ms));
    model.sweep(stream_id, now_ms);
    let kept: Vec<&str> = model.covered(stream_id).into_iter().map(|(_, id, _)| id).collect();
    for (_, event_id, _) in model.accepted(stream_id) {
        let is_stored = engine.is_stored(stream_id, event_id);
        assert_eq!(is_stored, kept.contains(&event_id), "{event_id} goes when it has expired");
    }
}

/// A stream whose turn has ended some time ago is cleaned up.
pub(super) fn clean_up(engine: &mut Engine, model: &mut Model, stream_id: &'static str) {
    if model.may_clean_up(stream_id) {
        engine.clean_up(stream_id);
        model.clean_up(stream_id, |event_id| engine.is_stored(stream_id, event_id));
    }
}

/// A request of a process that was known to be gone when it came: the core may give it up at once, or know too little.
pub(super) fn adopt(engine: &Engine, model: &mut Model) {
    let late = model.late_requests();
    if late.is_empty() {
        return;
    }
    let view = engine.view();
    for ask in late {
        let at = |asked: &&RequestView| asked.id == ask.id && asked.generation == Some(ask.generation);
        let known = view.requests.iter().find(at);
        if known.is_some_and(|asked| asked.cause.as_deref() == Some("processGone")) {
            model.give_up(ask);
        }
    }
}

/// What is wrong with a batch.
fn spoil(deltas: &mut Vec<Sent>, how: u8) {
    let Some(last) = deltas.last_mut() else { return };
    match how % 7 {
        0 => deltas.clear(),
        1 => last.delta.cursor_end = last.delta.cursor_start,
        2 => last.delta.cursor_start = -1.0,
        3 => last.delta.cursor_end = f64::NAN,
        4 => {
            let moved = Delta {
                cursor_start: last.delta.cursor_end,
                cursor_end: last.delta.cursor_end + 1.0,
                ..last.delta
            };
            let moved = Sent { delta: moved, ..last.clone() };
            deltas.push(moved);
        }
        5 => {
            last.delta.turn_id = "other";
            (last.delta.kind, last.delta.payload_json, last.what) = ("x", r#"{"method":"x"}"#, What::Nothing);
        }
        _ => {}
    }
}

fn range(sent: &Sent) -> Range {
    Range { start: sent.delta.cursor_start as u64, end: sent.delta.cursor_end as u64 }
}
