//! The naive model: it keeps everything that was ever accepted and recomputes the thread from all of it, each time.
//!
//! It is written from the rules and not from the core: a stream is the set of its accepted ranges, a text is its deltas
//! in cursor order, a turn's end is the worst word of the best source, a request is the one that was asked in truth, what
//! a turn keeps the newest of is the one with the highest cursor.

use super::history::{Ask, Item, Lived, Sent, What};
use crate::delta::order::Range;
use crate::event::item::Outcome;
use crate::event::methods::Newest;
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
    Event {
        stream_id: &'static str,
        turn_id: &'static str,
        range: Range,
        event_id: &'static str,
        what: What,
        generation: u64,
        batch: u64,
        at_ms: f64,
    },
    /// An event of the thread.
    Lifecycle { turn_id: &'static str, what: What, batch: u64 },
    /// A client's `turns.interrupt`.
    Interrupt { turn_id: &'static str },
    /// The sweep has heard nothing of a turn for a day.
    Silenced { turn_id: &'static str },
    /// The bridge tells of a request: `serverRequests.upsertPending`.
    Told(Ask),
    /// A client's decision that was taken: `approvals.respond`.
    Decided { number: usize, decision: &'static str },
    /// The bridge's word on how a request ended, which was taken: `serverRequests.resolve`.
    Reported { number: usize, answered: bool, decision: Option<&'static str> },
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
    /// In the order in which they came to be known.
    pub requests: Vec<RequestView>,
    /// By owner (empty: the thread) and kind.
    pub newest: BTreeMap<(String, String), String>,
    pub name: String,
    pub archived: bool,
}

impl View {
    /// Panics where the two differ, with the first row that does.
    pub fn assert_is(&self, want: &Self) {
        same_rows("turn", &self.turns, &want.turns);
        same_rows("message", &self.messages, &want.messages);
        same_rows("stream", &self.streams, &want.streams);
        assert_eq!(self.quarantine, want.quarantine);
        assert_eq!(self.requests, want.requests);
        same_rows("newest", &self.newest, &want.newest);
        assert_eq!((&self.name, self.archived), (&want.name, want.archived));
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
pub struct RequestView {
    pub id: String,
    pub method: String,
    pub turn_id: String,
    pub item_id: String,
    pub generation: Option<u64>,
    pub state: String,
    pub cause: Option<String>,
    pub decision: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StreamView {
    /// `unlisted` where its row went some time after its end.
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
    pub thread_exists: bool,
    batches: u64,
    /// Streams that are no longer listed.
    unlisted: BTreeSet<&'static str>,
    /// Events whose chunks went: where they stand and by which id.
    gone: BTreeSet<(&'static str, u64)>,
    /// Requests that arrived after a later process of their runtime had spoken, and that the core gave up at once.
    given_up_at_once: BTreeSet<usize>,
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
            batches: 0,
            unlisted: BTreeSet::new(),
            gone: BTreeSet::new(),
            given_up_at_once: BTreeSet::new(),
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

    /// Those of them whose chunks are there.
    pub fn covered(&self, stream: &'static str) -> Vec<(Range, &'static str, &What)> {
        let mut covered = self.accepted(stream);
        covered.retain(|(range, ..)| !self.gone.contains(&(stream, range.start)));
        covered
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
        self.batches += 1;
        let mut streams: Vec<&'static str> = Vec::new();
        for sent in &batch.deltas {
            if !streams.contains(&sent.delta.stream_id) {
                streams.push(sent.delta.stream_id);
            }
        }
        // A batch that undoes the sweep's end of a turn lists all its streams of that turn again.
        let turns = self.state().turns;
        for (_, sent) in &fresh {
            let turn = turns.get(sent.delta.turn_id);
            if turn.is_some_and(|turn| turn.view.source.as_deref() == Some("sweep")) {
                let mine = batch.deltas.iter().filter(|other| other.delta.turn_id == sent.delta.turn_id);
                mine.for_each(|other| _ = self.unlisted.remove(other.delta.stream_id));
            }
        }
        for stream in &streams {
            for (range, sent) in fresh.iter().filter(|(_, sent)| sent.delta.stream_id == *stream) {
                self.accept(*range, sent, now_ms);
            }
        }
        batch.lifecycle.iter().for_each(|lived| self.live(lived));
        Ok(self.tell(batch, &streams))
    }

    /// Whether an event is new (`Ok(true)`), sent again, or where it must not be.
    fn place(&self, stream: &'static str, range: Range, event_id: &str) -> Result<bool, ()> {
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
        // What is known of an event goes with its chunk.
        if free == 0 && self.covered(stream).iter().all(known) { Ok(false) } else { Err(()) }
    }

    fn accept(&mut self, range: Range, sent: &Sent, at_ms: f64) {
        let Sent { delta, what, generation } = sent;
        if *what == What::Malformed {
            self.quarantine.insert(delta.event_id.to_owned());
        }
        let what = what.under(&self.options);
        let (stream_id, turn_id, event_id) = (delta.stream_id, delta.turn_id, delta.event_id);
        let (generation, batch) = (*generation, self.batches);
        // The sweep's end of its turn is undone, though the event may be another end.
        let listed_again = self.unlisted.contains(stream_id) && self.went_on(turn_id);
        self.log.push(Entry::Event { stream_id, turn_id, range, event_id, what, generation, batch, at_ms });
        if listed_again || (self.unlisted.contains(stream_id) && self.goes_on(turn_id)) {
            self.unlisted.remove(stream_id);
        }
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
        self.log.push(Entry::Lifecycle { turn_id, what: lived.what.clone(), batch: self.batches });
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
        let exists = self.state().turns.contains_key(turn_id);
        if exists {
            self.log.push(Entry::Interrupt { turn_id });
        }
        exists
    }

    fn went_on(&self, turn_id: &str) -> bool {
        self.state().turns.get_mut(turn_id).is_some_and(|turn| {
            turn.revive();
            turn.view.status == "inProgress"
        })
    }

    fn goes_on(&self, turn_id: &str) -> bool {
        self.state().turns.get(turn_id).is_some_and(|turn| turn.view.status == "inProgress")
    }

    /// The sweep looks at a turn: whether it ends, or when it looks again.
    pub fn silence(&mut self, turn_id: &'static str, now_ms: f64) -> Result<(), f64> {
        let heard = writer(&self.bindings).map(|(_, binding)| binding.last_beat_at_ms + DAY_MS);
        // Of one that has ended it closes what is left open, and waits for nothing.
        if let Some(at) = heard.filter(|at| *at > now_ms && self.goes_on(turn_id)) {
            return Err(at);
        }
        if self.state().turns.contains_key(turn_id) {
            self.log.push(Entry::Silenced { turn_id });
        }
        Ok(())
    }

    /// The sweep of what has expired: answers the events whose chunks go. Holes before them are given up.
    pub fn sweep(&mut self, stream: &'static str, now_ms: f64) {
        let ttl_ms = self.options.finished_stream_delete_delay_ms.max(DAY_MS);
        let mut overdue: Vec<Range> = Vec::new();
        for entry in &self.log {
            if let Entry::Event { stream_id, range, at_ms, .. } = entry
                && *stream_id == stream
                && at_ms + ttl_ms <= now_ms
                && !self.gone.contains(&(*stream_id, range.start))
            {
                overdue.push(*range);
            }
        }
        let end = overdue.iter().map(|range| range.end).max().unwrap_or(0);
        for hole in self.holes(stream).into_iter().filter(|hole| hole.start < end) {
            self.given_up.push((stream, hole));
        }
        self.gone.extend(overdue.into_iter().map(|range| (stream, range.start)));
    }

    /// Whether a stream's row may go: its turn has ended, and not as another's name.
    pub fn may_clean_up(&self, stream: &'static str) -> bool {
        let turns = self.state().turns;
        let mut streams = self.log.iter().filter_map(|entry| match entry {
            Entry::Event { stream_id, turn_id, .. } if *stream_id == stream => turns.get(turn_id),
            _ => None,
        });
        let may = streams
            .next()
            .is_some_and(|turn| turn.view.status != "inProgress" && turn.view.same_run_as.is_none());
        may && !self.unlisted.contains(stream)
    }

    /// A stream that has ended is cleaned up; `kept` says what is kept of its events. Only a hole keeps anything.
    pub fn clean_up(&mut self, stream: &'static str, kept: impl Fn(&str) -> bool) {
        let whole = self.holes(stream).is_empty();
        let gone: Vec<u64> = (self.covered(stream).iter())
            .filter(|(_, event_id, _)| !kept(event_id))
            .map(|(range, ..)| range.start)
            .collect();
        assert!(!whole || gone.len() == self.covered(stream).len(), "a stream without holes goes wholly");
        self.gone.extend(gone.into_iter().map(|start| (stream, start)));
        self.unlisted.insert(stream);
    }

    /// `approvals.respond`: whether it changes anything, or why it is refused.
    pub fn decide(
        &mut self,
        (turn_id, item_id): (&str, &str),
        id: Option<&str>,
        decision: &'static str,
    ) -> Result<bool, &'static str> {
        if !self.thread_exists {
            return Err("E_AUTH_THREAD_FORBIDDEN");
        }
        let requests = self.state().requests;
        let mut mine: Vec<&Asked> = requests.iter().collect();
        mine.retain(|asked| asked.ask.is_approval() && asked.ask.turn_id == turn_id);
        mine.retain(|asked| asked.ask.item_id == item_id && id.is_none_or(|id| id == asked.ask.id));
        if mine.len() > 1 && id.is_none() {
            return Err("E_APPROVAL_AMBIGUOUS");
        }
        // Processes that used the same id: the one that waits, else the last.
        let one = mine.iter().rev().find(|asked| asked.is_open()).or(mine.last());
        let Some(one) = one else { return Err("E_APPROVAL_NOT_FOUND") };
        match one.decision {
            Some(before) if before == decision => Ok(false),
            None if one.state == "pending" => {
                let number = one.ask.number;
                self.log.push(Entry::Decided { number, decision });
                Ok(true)
            }
            _ => Err("E_APPROVAL_NOT_PENDING"),
        }
    }

    /// `serverRequests.upsertPending`
    pub fn tell_of(&mut self, ask: Ask) -> Result<(), &'static str> {
        if !self.thread_exists {
            return Err("E_AUTH_THREAD_FORBIDDEN");
        }
        self.log.push(Entry::Told(ask));
        Ok(())
    }

    /// `serverRequests.resolve`: whether it changes anything, or why it is refused.
    pub fn report(
        &mut self,
        ask: Ask,
        answered: bool,
        decision: Option<&'static str>,
    ) -> Result<bool, &'static str> {
        if !self.thread_exists {
            return Err("E_AUTH_THREAD_FORBIDDEN");
        }
        let requests = self.state().requests;
        let Some(known) = requests.iter().find(|known| known.ask.number == ask.number) else {
            return Err("E_REQUEST_NOT_FOUND");
        };
        match (known.state, known.cause) {
            ("answered", Some("reported")) if !answered => return Err("E_REQUEST_NOT_PENDING"),
            ("expired", Some("reported")) if answered => return Err("E_REQUEST_NOT_PENDING"),
            (_, Some("reported")) => return Ok(false),
            // It is known already that it waits no more.
            ("expired", _) if !answered => return Ok(false),
            _ => {}
        }
        self.log.push(Entry::Reported { number: ask.number, answered, decision });
        Ok(true)
    }

    /// Requests that a later process had spoken before when they came to be known: the core may have known, or not.
    pub fn late_requests(&self) -> Vec<Ask> {
        self.state().requests.iter().filter(|asked| asked.late).map(|asked| asked.ask).collect()
    }

    /// The core has given up such a request when it came.
    pub fn give_up(&mut self, ask: Ask) {
        self.given_up_at_once.insert(ask.number);
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
        let State { turns, requests, newest, name, archived, .. } = self.state();
        let mut view =
            View { quarantine: self.quarantine.clone(), name: name.to_owned(), archived, ..View::default() };
        view.requests = requests.iter().map(Asked::view).collect();
        view.newest = newest;
        for (at, entry) in self.log.iter().enumerate() {
            let Entry::Event { stream_id, turn_id, what, .. } = entry else { continue };
            let status = turns.get(*turn_id).map_or("inProgress", |turn| turn.view.status.as_str());
            let state = match status {
                _ if self.unlisted.contains(stream_id) => "unlisted",
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
            let Some(item) =
                what.item().filter(|item| !self.is_imported_before(at, stream_id, turn_id, *item))
            else {
                continue;
            };
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

    /// Whether the entry is of a history import, and its item was there before.
    fn is_imported_before(&self, at: usize, stream: &str, turn: &str, item: Item) -> bool {
        stream.ends_with(":import")
            && self.log[..at].iter().any(|entry| match entry {
                Entry::Event { stream_id, turn_id, what, .. } => {
                    *stream_id != stream
                        && *turn_id == turn
                        && what.item().map(|named| named.id) == Some(item.id)
                }
                _ => false,
            })
    }

    /// UTF-8 bytes of everything that was ever said of a message's text.
    pub fn said_bytes(&self) -> BTreeMap<(String, String), usize> {
        let mut said = BTreeMap::new();
        for (at, entry) in self.log.iter().enumerate() {
            let Entry::Event { stream_id, turn_id, what, .. } = entry else { continue };
            let Some(item) = what.item() else { continue };
            if self.is_imported_before(at, stream_id, turn_id, item) {
                continue;
            }
            for (number, usage) in self.uses(stream_id, item).into_iter().enumerate() {
                let message_id =
                    if number == 0 { item.id.to_owned() } else { format!("{}#{}", item.id, number + 1) };
                said.insert(((*turn_id).to_owned(), message_id), usage.said);
            }
        }
        said
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
            last.said += match what {
                // Halves of characters become U+FFFD at the longest.
                What::ItemGrew { units, .. } => String::from_utf16_lossy(units).len(),
                What::ItemStarted { text, .. } | What::ItemCompleted { text, .. } => text.len(),
                _ => 0,
            };
            match what {
                What::ItemGrew { units, .. } => last.units.extend(units),
                What::ItemCompleted { text, outcome, .. } => last.whole = Some((text, *outcome)),
                _ => {}
            }
        }
        uses
    }

    /// What came of all entries, one after another.
    fn state(&self) -> State {
        let mut state = State::default();
        for entry in &self.log {
            match entry {
                Entry::Interrupt { turn_id } => {
                    state.turns.get_mut(turn_id).unwrap().end(Source::Client, Outcome::Interrupted)
                }
                Entry::Silenced { turn_id } => {
                    state.turns.get_mut(turn_id).unwrap().end(Source::Sweep, Outcome::Interrupted)
                }
                Entry::Event { stream_id, turn_id, range, what, generation, batch, .. } => {
                    if let Some(turn) = state.turns.get_mut(turn_id) {
                        turn.revive();
                    }
                    happen(&mut state.turns, turn_id, what, !stream_id.ends_with(":import"));
                    match what {
                        What::TurnStarted => state.process_speaks(STREAMS_OF, *generation),
                        What::Asked(ask) => state.process_asks(*ask),
                        _ => {}
                    }
                    let at = NewestAt { turn_id, stream: Some((stream_id, range.start)), batch: *batch };
                    self.say(&mut state, at, what);
                }
                Entry::Lifecycle { turn_id, what, batch } => {
                    if !turn_id.is_empty() {
                        happen(&mut state.turns, turn_id, what, true);
                    }
                    self.say(&mut state, NewestAt { turn_id, stream: None, batch: *batch }, what);
                }
                Entry::Told(ask) => {
                    state.process_asks(*ask);
                    self.ask(&mut state, *ask, true);
                }
                Entry::Decided { number, decision } => {
                    let asked = state.request(*number).unwrap();
                    (asked.state, asked.decision) = ("answering", Some(*decision));
                }
                Entry::Reported { number, answered, decision } => {
                    let asked = state.request(*number).unwrap();
                    asked.state = if *answered { "answered" } else { "expired" };
                    asked.cause = Some("reported");
                    asked.decision = decision.or(asked.decision);
                }
            }
            state.end_requests();
        }
        state
    }

    fn say(&self, state: &mut State, at: NewestAt<'_>, what: &What) {
        match what {
            What::Asked(ask) => self.ask(state, *ask, ask.says_generation),
            What::Resolved(Some(number)) => {
                if let Some(asked) = state.request(*number).filter(|asked| asked.is_open()) {
                    let is_proof = asked.state == "answering";
                    asked.state = if is_proof { "answered" } else { "expired" };
                    let by_itself = !is_proof && asked.ask.resolves_itself;
                    asked.cause = Some(if by_itself { "autoResolved" } else { "resolved" });
                }
            }
            What::Newest(kind, text) => state.keep(at, *kind, text),
            What::TurnWarned(text) if !state.turns.contains_key(at.turn_id) => {
                state.keep(at, Newest::Warning, text);
            }
            What::Named(name) => state.name = name,
            What::Archived(archived) => state.archived = *archived,
            _ => {}
        }
    }

    /// A request is asked, or told of once more: it is one.
    fn ask(&self, state: &mut State, ask: Ask, says_generation: bool) {
        let generation = says_generation.then_some(ask.generation);
        if let Some(known) = state.request(ask.number) {
            known.generation = known.generation.or(generation);
            return;
        }
        let is_ended = |turn: &Turn| turn.view.status != "inProgress";
        let turn_ended = state.turns.get(ask.turn_id).is_some_and(is_ended);
        let latest = state.processes.get(ask.runtime_id).copied().unwrap_or(0);
        let later = generation.is_some_and(|own| own < latest);
        let mut asked = Asked {
            ask,
            generation,
            state: "pending",
            cause: None,
            decision: None,
            late: later && !turn_ended,
        };
        if self.given_up_at_once.contains(&ask.number) && asked.late {
            (asked.state, asked.cause) = ("expired", Some("processGone"));
        }
        state.requests.push(asked);
    }
}

/// The runtime whose streams they are.
const STREAMS_OF: &str = "r";

/// A day, in milliseconds: what is kept at least, and what a turn may be silent.
const DAY_MS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// What came of the entries.
#[derive(Clone, Debug, Default)]
struct State {
    turns: BTreeMap<&'static str, Turn>,
    requests: Vec<Asked>,
    newest: BTreeMap<(String, String), String>,
    /// Where the newest of each kind stands on each stream.
    newest_at: BTreeMap<(String, String), u64>,
    /// The place of the turn whose usage the thread's is, and the batch that made it so.
    usage: (Option<u64>, Option<u64>),
    /// The batch from which on it is of no turn that is known.
    usage_of_none: Option<u64>,
    name: &'static str,
    archived: bool,
    /// The latest process of each runtime that has spoken on a stream, or told of what it asks.
    processes: BTreeMap<&'static str, u64>,
}

/// Where something is said that a turn or the thread keeps the newest of.
#[derive(Clone, Copy)]
struct NewestAt<'a> {
    turn_id: &'a str,
    stream: Option<(&'a str, u64)>,
    batch: u64,
}

impl State {
    fn request(&mut self, number: usize) -> Option<&mut Asked> {
        self.requests.iter_mut().find(|asked| asked.ask.number == number)
    }

    /// Nobody waits any more for what an earlier process of the runtime asked.
    fn process_speaks(&mut self, runtime_id: &'static str, generation: u64) {
        let latest = self.processes.entry(runtime_id).or_insert(generation);
        *latest = (*latest).max(generation);
        for asked in self.requests.iter_mut().filter(|asked| asked.is_open()) {
            let is_earlier = asked.generation.is_some_and(|own| own < generation);
            if asked.ask.runtime_id == runtime_id && is_earlier {
                (asked.state, asked.cause) = ("expired", Some("processGone"));
            }
        }
    }

    /// The same, where what it asks is news.
    fn process_asks(&mut self, ask: Ask) {
        if self.request(ask.number).is_none() {
            self.process_speaks(ask.runtime_id, ask.generation);
        }
    }

    /// Nothing waits in a turn that has ended.
    fn end_requests(&mut self) {
        for asked in self.requests.iter_mut().filter(|asked| asked.is_open()) {
            let turn = self.turns.get(asked.ask.turn_id);
            if turn.is_some_and(|turn| turn.view.status != "inProgress") {
                (asked.state, asked.cause) = ("expired", Some("turnEnded"));
            }
        }
    }

    fn keep(&mut self, at: NewestAt<'_>, kind: Newest, text: &str) {
        let of_turn = matches!(kind, Newest::Usage | Newest::Diff | Newest::Plan | Newest::Reroute);
        let name = crate::testing::name(&kind);
        let turn = self.turns.get(at.turn_id).map(|turn| &turn.view);
        match at.stream {
            Some((stream, cursor)) if of_turn => {
                let newest = self.newest_at.entry((stream.to_owned(), name.clone())).or_insert(cursor);
                if *newest > cursor {
                    return;
                }
                *newest = cursor;
            }
            // A resumed thread repeats it of a turn that has ended.
            None if of_turn && turn.is_some_and(|turn| turn.status != "inProgress") => return,
            _ => {}
        }
        let mut owners = Vec::new();
        if of_turn && turn.is_some() {
            owners.push(at.turn_id.to_owned());
        }
        let thread = match (kind, turn.map(|turn| turn.turn_order)) {
            // The thread's is its latest turn's.
            (Newest::Usage, Some(order)) => {
                let is_of_none = self.usage_of_none.is_some_and(|batch| batch != at.batch);
                is_of_none || self.usage.0.is_none_or(|before| before <= order)
            }
            // What is said of a turn that is not known is said before the turn that the batch brings.
            (Newest::Usage, None) => self.usage.1 != Some(at.batch),
            _ => !of_turn,
        };
        if thread {
            owners.push(String::new());
            match (kind, turn.map(|turn| turn.turn_order)) {
                (Newest::Usage, Some(order)) => {
                    (self.usage, self.usage_of_none) = ((Some(order), Some(at.batch)), None);
                }
                (Newest::Usage, None) => self.usage_of_none = self.usage_of_none.or(Some(at.batch)),
                _ => {}
            }
        }
        for owner in owners {
            match text {
                "" => _ = self.newest.remove(&(owner, name.clone())),
                _ => _ = self.newest.insert((owner, name.clone()), text.to_owned()),
            }
        }
    }
}

/// A request, and what became of it.
#[derive(Clone, Debug)]
struct Asked {
    ask: Ask,
    /// Which process asked, where that was said.
    generation: Option<u64>,
    state: &'static str,
    cause: Option<&'static str>,
    decision: Option<&'static str>,
    /// A later process of its runtime had spoken when it came to be known.
    late: bool,
}

impl Asked {
    fn is_open(&self) -> bool {
        self.state == "pending" || self.state == "answering"
    }

    fn view(&self) -> RequestView {
        RequestView {
            id: self.ask.id.to_owned(),
            method: self.ask.method.to_owned(),
            turn_id: self.ask.turn_id.to_owned(),
            item_id: self.ask.item_id.to_owned(),
            generation: self.generation,
            state: self.state.to_owned(),
            cause: self.cause.map(str::to_owned),
            decision: self.decision.map(str::to_owned),
        }
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

    /// An event of it comes: where the sweep alone has ended it, it goes on.
    fn revive(&mut self) {
        if !self.ends.is_empty() && self.ends.iter().all(|(source, _)| *source == Source::Sweep) {
            self.ends.clear();
            self.settle();
        }
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

/// What a word does to the turns; one of a history import (not `live`) says nothing of what runs.
fn happen(turns: &mut BTreeMap<&'static str, Turn>, turn_id: &'static str, what: &What, live: bool) {
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
    if !live || *source != Source::Codex || before == (turn.view.status.clone(), turn.view.source.clone()) {
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
    said: usize,
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
