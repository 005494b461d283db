//! Server requests: what the app-server asks, and what became of it. An approval is a server request that is shown as one.
//!
//! pending -> answering (a decision is stored) -> answered (written to Codex) | expired. What nobody reported is a guess,
//! made of what the app-server says beside it: the bridge's own word replaces it, nothing replaces the bridge's word.
//!
//! | | decided | the bridge: answered | the bridge: expired | resolved | turn ended, process gone | the decision is lost |
//! |---|---|---|---|---|---|---|
//! | pending | answering | answered | expired | expired | expired | - |
//! | answering | - | answered | expired | answered | expired | pending |
//! | answered, a guess | - | answered | expired | - | - | - |
//! | answered | - | - | refused | - | - | - |
//! | expired, a guess | refused | answered | - | - | - | - |
//! | expired | refused | refused | - | - | - | - |
//!
//! A decision is lost where the command that carries it ends before Codex has it ([`lost`]).
//!
//! Ids of requests restart at 0 in every process of the app-server. Which process asked is known as far as the sender
//! says so ([`Origin`]); an event that asks with an id that another event has used is of a newer process.

pub mod approval;
pub mod client;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod client_tests;
pub mod lost;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;

use crate::event::json::Json;
use crate::ingest::turns::note;
use crate::limits::OPEN_REQUESTS_MAX;
use crate::pack::{Unpacker, safe_integer};
use serde::Serialize;
use tsify::Tsify;

/// The process that asked, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The outbox folder.
    pub runtime_id: Option<&'a str>,
    /// Which start of the bridge.
    pub generation: Option<u64>,
    /// Which process of the app-server.
    pub app_generation: Option<u64>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum RequestState {
    /// Nobody has decided.
    #[default]
    Pending,
    /// A decision is stored; Codex does not have it yet.
    Answering,
    /// Codex has its answer.
    Answered,
    /// It waits no more, and no answer of ours ended it.
    Expired,
}

impl RequestState {
    /// As the schema writes it.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "pending" => Some(Self::Pending),
            "answering" => Some(Self::Answering),
            "answered" => Some(Self::Answered),
            "expired" => Some(Self::Expired),
            _ => None,
        }
    }
}

/// How a request's end is known. Every one but the bridge's own word is a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum RequestCause {
    /// The bridge says so: `serverRequests.resolve`.
    Reported,
    /// The app-server says that it waits no more: `serverRequest/resolved`.
    Resolved,
    /// The same, of a question that said that it would resolve itself.
    AutoResolved,
    /// Its turn ended.
    TurnEnded,
    /// A newer process of the same runtime speaks.
    ProcessGone,
    /// More requests were open than a thread keeps; this was the oldest.
    CrowdedOut,
}

/// A request while a plan is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request<'a> {
    /// The loaded row.
    pub row: Option<u32>,
    /// Its id, as JSON: 0 and `"0"` are two.
    pub id: &'a str,
    /// What it says of itself, where an event of this batch asks.
    pub params: Option<Json<'a>>,
    /// Milliseconds after which it resolves itself; of a loaded one, whether it does.
    pub auto_resolution_ms: Option<u64>,
    /// The app-server's method.
    pub method: &'a str,
    /// The turn that it names; empty where it names none.
    pub turn_id: &'a str,
    /// The event that asked, and its index where it is in this batch.
    pub event_id: Option<&'a str>,
    /// See `event_id`.
    pub event: Option<u32>,
    /// The process that asked.
    pub origin: Origin<'a>,
    /// What became of it.
    pub state: RequestState,
    /// How its end is known; of a loaded one, whether the bridge said so.
    pub cause: Option<RequestCause>,
    changed: bool,
}

/// What is written of a request. Where it is new there is an `id` and no `row`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct RequestWrite {
    /// The loaded row.
    #[tsify(optional)]
    pub row: Option<u32>,
    /// The event of this batch that asked.
    #[tsify(optional)]
    pub event: Option<u32>,
    /// Its id, as JSON.
    #[tsify(optional)]
    pub id: Option<String>,
    /// The item that it names.
    #[tsify(optional)]
    pub item_id: Option<String>,
    /// What an approval is for; none where it is no approval.
    #[tsify(optional)]
    pub approval: Option<&'static str>,
    /// Why it asks: the model's words.
    #[tsify(optional)]
    pub reason: Option<String>,
    /// Milliseconds after which it resolves itself.
    #[tsify(optional)]
    pub auto_resolution_ms: Option<u64>,
    /// The process that asked, as far as its event says so.
    #[tsify(optional)]
    pub runtime_id: Option<String>,
    /// See `runtimeId`.
    #[tsify(optional)]
    pub generation: Option<u64>,
    /// What became of it.
    pub state: RequestState,
    /// How its end is known, where that changes.
    #[tsify(optional)]
    pub cause: Option<RequestCause>,
}

impl<'a> Origin<'a> {
    /// Reads one. A number that counts nothing says nothing.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            runtime_id: call.optional_text(),
            generation: safe_integer(call.number()),
            app_generation: safe_integer(call.number()),
        }
    }

    /// Whether nothing that is known of both tells them apart.
    pub fn may_be(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            one.is_none() || other.is_none() || one == other
        }
        agree(self.runtime_id, other.runtime_id)
            && agree(self.generation, other.generation)
            && agree(self.app_generation, other.app_generation)
    }

    /// Whether this is known to be a later process of the other's runtime.
    pub fn is_after(&self, other: &Self) -> bool {
        if self.runtime_id.is_none() || self.runtime_id != other.runtime_id {
            return false;
        }
        let (Some(mine), Some(theirs)) = (self.generation, other.generation) else { return false };
        let later_process = self.app_generation.zip(other.app_generation).is_some_and(|(one, two)| one > two);
        mine > theirs || (mine == theirs && later_process)
    }
}

impl<'a> Request<'a> {
    /// Reads one that was loaded.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            row: None,
            id: call.text(),
            method: call.text(),
            turn_id: call.text(),
            event_id: call.optional_text(),
            origin: Origin::unpack(call),
            state: call.named(RequestState::read),
            cause: (call.optional_text() == Some("reported")).then_some(RequestCause::Reported),
            auto_resolution_ms: call.flag().then_some(0),
            params: None,
            event: None,
            changed: false,
        }
    }

    /// Reads those that were loaded; each knows its row.
    pub fn unpack_all(call: &mut Unpacker<'a>) -> Vec<Self> {
        let mut requests = call.list(Self::unpack);
        for (request, row) in requests.iter_mut().zip(0..) {
            request.row = Some(row);
        }
        requests
    }

    /// A request that is asked.
    pub fn asked(id: &'a str, method: &'a str, turn_id: &'a str, origin: Origin<'a>) -> Self {
        Self {
            row: None,
            id,
            params: None,
            auto_resolution_ms: None,
            method,
            turn_id,
            event_id: None,
            event: None,
            origin,
            state: RequestState::Pending,
            cause: None,
            changed: true,
        }
    }

    /// A request as it was loaded.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn known(
        row: u32,
        id: &'a str,
        method: &'a str,
        turn_id: &'a str,
        origin: Origin<'a>,
        state: RequestState,
        cause: Option<RequestCause>,
    ) -> Self {
        Self { row: Some(row), state, cause, changed: false, ..Self::asked(id, method, turn_id, origin) }
    }

    /// Whether Codex may still wait.
    pub fn is_open(&self) -> bool {
        matches!(self.state, RequestState::Pending | RequestState::Answering)
    }

    /// It is known to wait no more, by what is said beside it: what has ended stays as it is.
    pub fn guess(&mut self, cause: RequestCause) {
        if !self.is_open() {
            return;
        }
        self.changed = true;
        self.cause = Some(cause);
        let proves = self.state == RequestState::Answering && cause == RequestCause::Resolved;
        self.state = if proves { RequestState::Answered } else { RequestState::Expired };
        if !proves && cause == RequestCause::Resolved && self.auto_resolution_ms.is_some() {
            self.cause = Some(RequestCause::AutoResolved);
        }
    }

    /// The bridge says what became of it; answers whether it may say so.
    pub fn report(&mut self, answered: bool) -> bool {
        let state = if answered { RequestState::Answered } else { RequestState::Expired };
        let reported = self.cause == Some(RequestCause::Reported);
        if self.state == state && (!answered || reported) {
            return true;
        }
        if reported {
            return false;
        }
        self.state = state;
        self.cause = Some(RequestCause::Reported);
        self.changed = true;
        true
    }

    /// Whether `asked` is this request once more, or seen from the other side: told of by an event and by the bridge.
    fn is(&self, asked: &Self) -> bool {
        let other_event =
            self.event_id.is_some() && asked.event_id.is_some() && self.event_id != asked.event_id;
        !other_event
            && self.id == asked.id
            && self.method == asked.method
            && self.turn_id == asked.turn_id
            && self.origin.may_be(&asked.origin)
    }

    /// The write, where it changed.
    pub fn into_write(self) -> Option<RequestWrite> {
        if !self.changed {
            return None;
        }
        let new = self.row.is_none();
        let text = |key: &str| self.params?.string(key).map(|text| note(&text.to_whole()));
        Some(RequestWrite {
            row: self.row,
            event: self.event,
            id: new.then(|| self.id.to_owned()),
            item_id: text("itemId").or_else(|| text("callId")),
            approval: approval::kind(self.method).filter(|_| new),
            reason: text("reason"),
            auto_resolution_ms: self.auto_resolution_ms.filter(|_| new),
            runtime_id: self.origin.runtime_id.map(str::to_owned),
            generation: self.origin.generation,
            state: self.state,
            cause: self.cause,
        })
    }
}

/// Takes a request in, once; answers whether it waits and is new.
pub fn admit<'a>(requests: &mut Vec<Request<'a>>, mut asked: Request<'a>, turn_ended: bool) -> bool {
    if let Some(known) = requests.iter_mut().rev().find(|known| known.is(&asked)) {
        let origin = Origin {
            runtime_id: known.origin.runtime_id.or(asked.origin.runtime_id),
            generation: known.origin.generation.or(asked.origin.generation),
            app_generation: known.origin.app_generation.or(asked.origin.app_generation),
        };
        let seen = known.event_id.is_none() && asked.event_id.is_some();
        known.changed |= seen || known.origin != origin;
        known.origin = origin;
        if seen {
            known.event_id = asked.event_id;
            known.event = asked.event;
        }
        if turn_ended {
            known.guess(RequestCause::TurnEnded);
        }
        return false;
    }
    if turn_ended {
        asked.guess(RequestCause::TurnEnded);
    }
    if requests.iter().any(|other| other.origin.is_after(&asked.origin)) {
        asked.guess(RequestCause::ProcessGone);
    }
    let mut open = 0;
    for other in requests.iter_mut().rev() {
        let gone = asked.origin.is_after(&other.origin)
            || asked.is_open() && other.id == asked.id && other.origin.may_be(&asked.origin);
        if gone {
            other.guess(RequestCause::ProcessGone);
        }
        open += usize::from(other.is_open());
        if open >= OPEN_REQUESTS_MAX && asked.is_open() {
            other.guess(RequestCause::CrowdedOut);
        }
    }
    requests.push(asked);
    asked.is_open()
}
