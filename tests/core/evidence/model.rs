//! The naive model: it keeps everything that was ever accepted and recomputes the thread from all of it, each time.
//!
//! It is written from the rules and not from the core: a stream is the set of its accepted ranges, a text is its deltas
//! in cursor order, a turn's end is the worst word of the best source.

use super::history::{Item, Lived, Sent, What};
use crate::delta::order::Range;
use crate::event::item::Outcome;
use crate::ingest::write::Source;
use crate::limits::{HOLES_MAX, SESSION_BEAT_MS, SESSION_STALE_MS};
use crate::options::Options;
use std::collections::{BTreeMap, BTreeSet};

/// A sender: its session and its device.
pub type Sender = (&'static str, &'static str);

/// A session's binding to the thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Binding {
    pub device_id: &'static str,
    pub epoch: u64,
    pub last_beat_at_ms: f64,
}

/// Everything that was accepted, in the order of arrival.
#[derive(Clone, Debug)]
pub enum Entry {
    /// An event of a stream.
    Event { stream_id: &'static str, turn_id: &'static str, range: Range, event_id: &'static str, what: What },
    /// An event of the thread.
    Lifecycle { turn_id: &'static str, what: What },
    /// A client's `turns.interrupt`.
    Interrupt { turn_id: &'static str },
}

/// A batch, as it is sent.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub deltas: Vec<Sent>,
    pub lifecycle: Vec<Lived>,
}

/// What the sender of a batch is told.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Told {
    pub acks: BTreeMap<String, u64>,
    pub malformed: BTreeSet<u32>,
    pub gaps: BTreeSet<String>,
}

/// A thread as readers see it; the engine's rows are brought into the same form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    pub turns: BTreeMap<String, TurnView>,
    pub messages: BTreeMap<(String, String), MessageView>,
    pub streams: BTreeMap<String, StreamView>,
    pub quarantine: BTreeSet<String>,
}

impl View {
    /// Panics where the two differ, with the first row that does.
    pub fn assert_is(&self, want: &Self) {
        same_rows("turn", &self.turns, &want.turns);
        same_rows("message", &self.messages, &want.messages);
        same_rows("stream", &self.streams, &want.streams);
        assert_eq!(self.quarantine, want.quarantine);
    }
}

fn same_rows<Key: Ord + std::fmt::Debug, Row: PartialEq + std::fmt::Debug>(
    what: &str,
    got: &BTreeMap<Key, Row>,
    want: &BTreeMap<Key, Row>,
) {
    for key in got.keys().chain(want.keys()) {
        assert_eq!(got.get(key), want.get(key), "{what} {key:?}");
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnView {
    pub turn_order: u64,
    pub status: String,
    pub source: Option<String>,
    pub has_items: bool,
    pub same_run_as: Option<String>,
    pub warning: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MessageView {
    pub item_id: String,
    pub status: String,
    pub closing: String,
    pub text: String,
    /// On a turn's main stream.
    pub order_in_turn: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StreamView {
    pub state: String,
    pub latest: u64,
    pub holes: Vec<(u64, u64)>,
    pub event_count: u64,
}

/// The model.
#[derive(Clone, Debug)]
pub struct Model {
    pub options: Options,
    pub log: Vec<Entry>,
    pub bindings: BTreeMap<&'static str, Binding>,
    given_up: Vec<(&'static str, Range)>,
    marks: BTreeMap<String, u64>,
    foreign: BTreeSet<&'static str>,
    quarantine: BTreeSet<String>,
    thread_exists: bool,
}

impl Model {
    pub fn new(options: Options) -> Self {
        Self {
            options,
            log: Vec::new(),
            bindings: BTreeMap::new(),
            given_up: Vec::new(),
            marks: BTreeMap::new(),
            foreign: BTreeSet::new(),
            quarantine: BTreeSet::new(),
            thread_exists: false,
        }
    }

    /// The accepted events of a stream, in cursor order.
    pub fn accepted(&self, stream: &str) -> Vec<(Range, &'static str, &What)> {
        let mut found: Vec<_> = self
            .log
            .iter()
            .filter_map(|entry| match entry {
                Entry::Event { stream_id, range, event_id, what, .. } if *stream_id == stream => {
                    Some((*range, *event_id, what))
                }
                _ => None,
            })
            .collect();
        found.sort_by_key(|(range, ..)| *range);
        found
    }

    pub fn latest(&self, stream: &str) -> u64 {
        self.accepted(stream).last().map_or(0, |(range, ..)| range.end)
    }

    /// What lies between accepted ranges and was not given up.
    pub fn holes(&self, stream: &str) -> Vec<Range> {
        let accepted = self.accepted(stream).into_iter().map(|(range, ..)| range);
        let given_up = self.given_up.iter().filter(|(id, _)| *id == stream).map(|(_, range)| *range);
        let mut filled: Vec<Range> = accepted.chain(given_up).collect();
        filled.sort();
        let mut end = 0;
        let mut holes = Vec::new();
        for range in filled {
            if range.start > end {
                holes.push(Range { start: end, end: range.start });
            }
            end = range.end;
        }
        holes
    }

    /// A batch: what its sender is told, or every reason to refuse it.
    pub fn ingest(
        &mut self,
        sender: Sender,
        strict: bool,
        now_ms: f64,
        batch: &Batch,
    ) -> Result<Told, BTreeSet<&'static str>> {
        let mut faults = BTreeSet::new();
        if batch.deltas.is_empty() && batch.lifecycle.is_empty() {
            faults.insert("E_SYNC_EMPTY_BATCH");
        }
        let mut sorted: Vec<(Range, &Sent)> = Vec::new();
        for sent in &batch.deltas {
            match range_of(sent) {
                Some(range) => sorted.push((range, sent)),
                None => _ = faults.insert("E_SYNC_INVALID_CURSOR_RANGE"),
            }
        }
        sorted.sort_by_key(|(range, _)| *range);
        for (range, one) in &sorted {
            let same_id = sorted.iter().filter(|(_, other)| other.delta.event_id == one.delta.event_id);
            if same_id.clone().any(|(at, other)| at != range || other.delta.stream_id != one.delta.stream_id)
            {
                faults.insert("E_SYNC_DUP_EVENT_IN_BATCH");
            }
        }
        if strict && !self.thread_exists {
            faults.insert("E_AUTH_THREAD_FORBIDDEN");
        }
        let mut bindings = self.bindings.clone();
        if let Err(code) = admit(&mut bindings, sender, strict, now_ms) {
            faults.insert(code);
        }
        let mut fresh: Vec<(Range, &Sent)> = Vec::new();
        for (range, sent) in sorted {
            let stream = sent.delta.stream_id;
            let turns = self.log.iter().filter_map(|entry| match entry {
                Entry::Event { stream_id, turn_id, .. } if *stream_id == stream => Some(*turn_id),
                _ => None,
            });
            let others = batch
                .deltas
                .iter()
                .filter(|other| other.delta.stream_id == stream)
                .map(|other| other.delta.turn_id);
            if turns.chain(others).any(|turn_id| turn_id != sent.delta.turn_id) {
                faults.insert("E_SYNC_STREAM_FORBIDDEN");
            }
            let mine = || fresh.iter().filter(|(_, other)| other.delta.stream_id == stream);
            if mine().any(|(other, twin)| *other == range && twin.delta.event_id == sent.delta.event_id) {
                continue;
            }
            let in_batch = mine().any(|(other, _)| other.overlaps(range));
            match self.place(stream, range, sent.delta.event_id) {
                Ok(true) if !in_batch => fresh.push((range, sent)),
                Ok(false) if !in_batch => {}
                _ => _ = faults.insert("E_SYNC_OUT_OF_ORDER"),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.bindings = bindings;
        self.thread_exists = true;
        let fresh: Vec<(Range, Sent)> =
            fresh.into_iter().map(|(range, sent)| (range, sent.clone())).collect();
        let mut streams: Vec<&str> = Vec::new();
        for sent in &batch.deltas {
            if !streams.contains(&sent.delta.stream_id) {
                streams.push(sent.delta.stream_id);
            }
        }
        for stream in &streams {
            for (range, sent) in fresh.iter().filter(|(_, sent)| sent.delta.stream_id == *stream) {
                self.accept(*range, sent);
            }
        }
        batch.lifecycle.iter().for_each(|lived| self.live(lived));
        Ok(self.tell(batch, &streams))
    }

    /// Whether an event is new (`Ok(true)`), sent again, or where it must not be.
    fn place(&self, stream: &str, range: Range, event_id: &str) -> Result<bool, ()> {
        let latest = self.latest(stream);
        let holes = self.holes(stream);
        let is_free = |cursor: u64| {
            cursor >= latest || holes.iter().any(|hole| hole.start <= cursor && cursor < hole.end)
        };
        let free = (range.start..range.end).filter(|cursor| is_free(*cursor)).count() as u64;
        if free == range.end - range.start {
            return Ok(true);
        }
        let known =
            |(at, id, _): &(Range, &str, &What)| !at.overlaps(range) || (*at == range && *id == event_id);
        if free == 0 && self.accepted(stream).iter().all(known) { Ok(false) } else { Err(()) }
    }

    fn accept(&mut self, range: Range, sent: &Sent) {
        let Sent { delta, what } = sent;
        if *what == What::Malformed {
            self.quarantine.insert(delta.event_id.to_owned());
        }
        let what = what.under(&self.options);
        let (stream_id, turn_id, event_id) = (delta.stream_id, delta.turn_id, delta.event_id);
        self.log.push(Entry::Event { stream_id, turn_id, range, event_id, what });
        let holes = self.holes(stream_id);
        for hole in holes.iter().take(holes.len().saturating_sub(HOLES_MAX)) {
            self.given_up.push((stream_id, *hole));
        }
    }

    fn live(&mut self, lived: &Lived) {
        let id = lived.event.event_id;
        let numbered = id
            .rsplit_once(":L")
            .map(|(runtime, number)| (runtime.to_owned(), number.parse::<u64>().unwrap()));
        let is_new = match numbered {
            Some((runtime, number)) => {
                let newest = self.marks.entry(runtime).or_insert(0);
                let is_new = number + 1 > *newest;
                *newest = (*newest).max(number + 1);
                is_new
            }
            None => self.foreign.insert(id),
        };
        if !is_new {
            return;
        }
        if lived.what == What::Malformed {
            self.quarantine.insert(id.to_owned());
        }
        let turn_id = lived.event.turn_id.unwrap_or_default();
        self.log.push(Entry::Lifecycle { turn_id, what: lived.what.clone() });
    }

    fn tell(&self, batch: &Batch, streams: &[&str]) -> Told {
        let mut told = Told::default();
        let whats =
            batch.deltas.iter().map(|sent| &sent.what).chain(batch.lifecycle.iter().map(|lived| &lived.what));
        for (what, event) in whats.zip(0..) {
            if *what == What::Malformed {
                told.malformed.insert(event);
            }
        }
        for stream in streams {
            let mine = batch.deltas.iter().filter(|sent| sent.delta.stream_id == *stream);
            let end = mine.filter_map(range_of).map(|range| range.end).max().unwrap();
            told.acks.insert((*stream).to_owned(), end);
            if self.holes(stream).iter().any(|hole| hole.start < end) {
                told.gaps.insert((*stream).to_owned());
            }
        }
        told
    }

    /// `turns.interrupt`: whether the turn exists.
    pub fn interrupt(&mut self, turn_id: &'static str) -> bool {
        let exists = self.turns().contains_key(turn_id);
        if exists {
            self.log.push(Entry::Interrupt { turn_id });
        }
        exists
    }

    /// `ensureSession`.
    pub fn ensure(&mut self, (session_id, device_id): Sender, now_ms: f64) {
        bind(&mut self.bindings, (session_id, device_id), now_ms);
    }

    /// `heartbeat`: the code where it is refused.
    pub fn beat(&mut self, (session_id, device_id): Sender, now_ms: f64) -> Option<&'static str> {
        let Some(own) = self.bindings.get(session_id).copied() else {
            return Some("E_SYNC_SESSION_NOT_FOUND");
        };
        if own.device_id != device_id
            || writer(&self.bindings).is_some_and(|(session, _)| session != session_id)
        {
            return Some("E_SYNC_SESSION_DEVICE_MISMATCH");
        }
        self.bindings.insert(session_id, Binding { last_beat_at_ms: now_ms, ..own });
        None
    }

    /// The thread, from all that was accepted.
    pub fn view(&self) -> View {
        let turns = self.turns();
        let mut view = View { quarantine: self.quarantine.clone(), ..View::default() };
        for entry in &self.log {
            let Entry::Event { stream_id, turn_id, what, .. } = entry else { continue };
            let status = turns.get(*turn_id).map_or("inProgress", |turn| turn.view.status.as_str());
            let state = match status {
                "inProgress" => "streaming",
                "completed" => "finished",
                _ => "aborted",
            };
            view.streams.entry((*stream_id).to_owned()).or_insert_with(|| StreamView {
                state: state.to_owned(),
                latest: self.latest(stream_id),
                holes: self.holes(stream_id).iter().map(|hole| (hole.start, hole.end)).collect(),
                event_count: self.accepted(stream_id).len() as u64,
            });
            let Some(item) = what.item() else { continue };
            for (number, usage) in self.uses(stream_id, item).into_iter().enumerate() {
                let message_id =
                    if number == 0 { item.id.to_owned() } else { format!("{}#{}", item.id, number + 1) };
                view.messages
                    .insert(((*turn_id).to_owned(), message_id), usage.view(item, status, stream_id));
            }
        }
        view.turns = turns.into_iter().map(|(id, turn)| (id.to_owned(), turn.view)).collect();
        view
    }

    /// The uses of an item's id on a stream, each begun above the end of the one before.
    fn uses(&self, stream: &str, item: Item) -> Vec<Use> {
        let mut uses: Vec<Use> = Vec::new();
        for (range, _, what) in self.accepted(stream) {
            if what.item().map(|named| named.id) != Some(item.id) {
                continue;
            }
            let begins = matches!(what, What::ItemStarted { .. });
            if uses.last().is_none_or(|last| begins && last.whole.is_some()) {
                let started = match what {
                    What::ItemStarted { text, .. } => text,
                    _ => "",
                };
                uses.push(Use { start: range.start, started, ..Use::default() });
            }
            let last = uses.last_mut().unwrap();
            match what {
                What::ItemGrew { units, .. } => last.units.extend(units),
                What::ItemCompleted { text, outcome, .. } => last.whole = Some((text, *outcome)),
                _ => {}
            }
        }
        uses
    }

    fn turns(&self) -> BTreeMap<&'static str, Turn> {
        let mut turns: BTreeMap<&'static str, Turn> = BTreeMap::new();
        for entry in &self.log {
            match entry {
                Entry::Interrupt { turn_id } => {
                    turns.get_mut(turn_id).unwrap().end(Source::Client, Outcome::Interrupted)
                }
                Entry::Event { turn_id, what, .. } | Entry::Lifecycle { turn_id, what } => {
                    happen(&mut turns, turn_id, what)
                }
            }
        }
        turns
    }
}

/// A turn, and every word about its end.
#[derive(Clone, Debug, Default)]
struct Turn {
    view: TurnView,
    ends: Vec<(Source, u8)>,
}

impl Turn {
    fn end(&mut self, source: Source, outcome: Outcome) {
        let rank = match outcome {
            Outcome::Completed => 0,
            Outcome::Interrupted => 1,
            Outcome::Failed => 2,
        };
        self.ends.push((source, rank));
        self.settle();
    }

    /// The best source counts, and of its words the worst.
    fn settle(&mut self) {
        let last = self.ends.iter().max();
        self.view.status = last
            .map_or("inProgress", |(_, rank)| ["completed", "interrupted", "failed"][usize::from(*rank)])
            .to_owned();
        self.view.source = last.map(|(source, _)| crate::testing::name(source));
    }
}

fn happen(turns: &mut BTreeMap<&'static str, Turn>, turn_id: &'static str, what: &What) {
    let known = turns.contains_key(turn_id);
    let makes = match what {
        What::TurnStarted | What::TurnEnded { makes_turn: true, .. } => true,
        _ => what.item().is_some(),
    };
    if !known && !makes {
        return;
    }
    let turn_order = turns.len() as u64;
    let turn = turns.entry(turn_id).or_insert_with(|| {
        let mut turn = Turn { view: TurnView { turn_order, ..TurnView::default() }, ends: Vec::new() };
        turn.settle();
        turn
    });
    if what.item().is_some() {
        turn.view.has_items = true;
        if turn.view.same_run_as.take().is_some() {
            turn.ends.clear();
            turn.settle();
        }
    }
    if let What::TurnWarned(message) = what {
        turn.view.warning = Some((*message).to_owned());
    }
    let What::TurnEnded { outcome, source, .. } = what else { return };
    let before = (turn.view.status.clone(), turn.view.source.clone());
    turn.end(*source, *outcome);
    // A word that changes nothing of its turn is a repeat.
    if *source != Source::Codex || before == (turn.view.status.clone(), turn.view.source.clone()) {
        return;
    }
    for (_, other) in turns.iter_mut().filter(|(id, _)| **id != turn_id) {
        if other.ends.is_empty() && !other.view.has_items {
            other.view.same_run_as = Some(turn_id.to_owned());
            other.end(*source, *outcome);
        }
    }
}

/// One use of an item's id.
#[derive(Clone, Debug, Default)]
struct Use {
    start: u64,
    started: &'static str,
    units: Vec<u16>,
    whole: Option<(&'static str, Outcome)>,
}

impl Use {
    fn view(&self, item: Item, turn_status: &str, stream_id: &str) -> MessageView {
        let grown = || {
            let units: Vec<u16> = self.started.encode_utf16().chain(self.units.iter().copied()).collect();
            String::from_utf16_lossy(&units)
        };
        let status = match self.whole {
            Some((_, Outcome::Completed)) => "completed",
            Some((_, Outcome::Interrupted)) => "interrupted",
            Some((_, Outcome::Failed)) => "failed",
            None if turn_status == "inProgress" => "streaming",
            None => turn_status,
        };
        let closing = match status {
            _ if self.whole.is_some() => "item",
            "streaming" => "open",
            _ => "turn",
        };
        MessageView {
            item_id: item.id.to_owned(),
            status: status.to_owned(),
            closing: closing.to_owned(),
            text: self.whole.map_or_else(grown, |(text, _)| text.to_owned()),
            order_in_turn: stream_id.ends_with(":0").then_some(self.start),
        }
    }
}

fn range_of(sent: &Sent) -> Option<Range> {
    let cursor = |number: f64| {
        (number >= 0.0 && number.fract() == 0.0 && number < 2_f64.powi(53)).then_some(number as u64)
    };
    let (start, end) = (cursor(sent.delta.cursor_start)?, cursor(sent.delta.cursor_end)?);
    (start < end).then_some(Range { start, end })
}

fn writer(bindings: &BTreeMap<&'static str, Binding>) -> Option<(&'static str, Binding)> {
    bindings.iter().max_by_key(|(_, binding)| binding.epoch).map(|(session, binding)| (*session, *binding))
}

fn bind(bindings: &mut BTreeMap<&'static str, Binding>, (session_id, device_id): Sender, now_ms: f64) {
    let epoch = writer(bindings).map_or(0, |(_, binding)| binding.epoch) + 1;
    bindings.insert(session_id, Binding { device_id, epoch, last_beat_at_ms: now_ms });
}

/// Who may ingest, and what it does to the bindings.
fn admit(
    bindings: &mut BTreeMap<&'static str, Binding>,
    sender: Sender,
    strict: bool,
    now_ms: f64,
) -> Result<(), &'static str> {
    let (session_id, device_id) = sender;
    let writer = writer(bindings);
    let own = bindings.get(session_id).copied();
    if let Some(own) = own
        && own.device_id == device_id
        && writer.is_none_or(|(session, _)| session == session_id)
    {
        if now_ms - own.last_beat_at_ms > SESSION_BEAT_MS {
            bindings.insert(session_id, Binding { last_beat_at_ms: now_ms, ..own });
        }
        return Ok(());
    }
    if strict {
        return Err(if own.is_none() {
            "E_SYNC_SESSION_NOT_FOUND"
        } else {
            "E_SYNC_SESSION_DEVICE_MISMATCH"
        });
    }
    let is_stale = |binding: Binding| now_ms - binding.last_beat_at_ms > SESSION_STALE_MS;
    // Without a binding of its own, a session of the writer's device takes the thread at once.
    let free = writer
        .is_none_or(|(_, binding)| is_stale(binding) || (own.is_none() && binding.device_id == device_id));
    if !free {
        return Err("E_SYNC_SESSION_DEVICE_MISMATCH");
    }
    bind(bindings, sender, now_ms);
    Ok(())
}
