//! What is done to a request beside its events: a client decides, the bridge tells of one, the bridge says how one ended.

use super::approval::{self, Unfit, Wish};
use super::{Origin, Request, RequestState, RequestWrite, admit};
use crate::error::Code;
use crate::event::json::Json;
use crate::event::payload::request_id;
use crate::ingest::turns::note;
use crate::ingest::write::TurnStatus;
use crate::limits::{ID_BYTES_MAX, REQUEST_BYTES_MAX};
use crate::pack::{Misfit, Unpacker};
use serde::Serialize;
use tsify::Tsify;

/// A request with what was decided and, where it was loaded, what it says.
#[derive(Clone, Copy, Debug)]
pub struct KnownRequest<'a> {
    /// The request.
    pub request: Request<'a>,
    /// The decision that is stored, as JSON.
    pub decision: Option<&'a str>,
    /// Its payload, where it was loaded.
    pub payload: Option<&'a str>,
}

/// An `approvals.respond`.
#[derive(Clone, Debug)]
pub struct RespondCall<'a> {
    /// Whether the thread exists for this actor.
    pub thread_exists: bool,
    /// Which of the item's requests, as JSON, where the client says so.
    pub id: Option<&'a str>,
    /// What the client wishes.
    pub wish: Wish<'a>,
    /// SHA-256 of the payload that was shown, in hexadecimal.
    pub shown_sha256: Option<&'a str>,
    /// Whether who does not decline has to say what was shown.
    pub must_show: bool,
    /// The item's requests, newest last.
    pub known: Vec<KnownRequest<'a>>,
}

/// A `serverRequests.resolve`.
#[derive(Clone, Debug)]
pub struct ResolveCall<'a> {
    /// Whether the thread exists for this actor.
    pub thread_exists: bool,
    /// The process whose request it is, as far as the bridge says so.
    pub origin: Origin<'a>,
    /// Whether Codex has its answer.
    pub answered: bool,
    /// The answer, as JSON.
    pub response: Option<&'a str>,
    /// What decided, where no person did.
    pub policy: Option<&'a str>,
    /// The requests of the id, newest last.
    pub known: Vec<KnownRequest<'a>>,
}

/// A `serverRequests.upsertPending`.
#[derive(Clone, Debug)]
pub struct UpsertCall<'a> {
    /// Whether the thread exists for this actor.
    pub thread_exists: bool,
    /// The status of the turn, where it exists.
    pub turn_status: Option<TurnStatus>,
    /// The id, as JSON.
    pub id: &'a str,
    /// The app-server's method.
    pub method: &'a str,
    /// The turn that it names.
    pub turn_id: &'a str,
    /// The item that it names.
    pub item_id: &'a str,
    /// The process that asked, as far as the bridge says so.
    pub origin: Origin<'a>,
    /// What it says.
    pub payload: &'a str,
    /// Why it asks.
    pub reason: Option<&'a str>,
    /// What it asks, as JSON.
    pub questions: Option<&'a str>,
    /// The thread's open requests and those of the id, newest last.
    pub known: Vec<Request<'a>>,
}

/// The answer to what is done to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum RequestAnswer {
    /// Nothing is written.
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        message: &'static str,
        /// The request that it is about: who decided it is told.
        #[tsify(optional)]
        row: Option<u32>,
    },
    /// The same call again, with the payload of this request.
    Needs {
        /// The request.
        row: u32,
    },
    /// It is so already.
    Keep,
    /// `approvals.respond`: the decision is stored.
    Decide {
        /// The request.
        row: u32,
        /// The decision, as the app-server writes it.
        decision: String,
        /// The `result` that the app-server is to get.
        response: String,
        /// SHA-256 of the payload that is decided, in hexadecimal.
        shown: String,
    },
    /// `approvals.respond`: it was decided so, and Codex is yet to get it. Where nothing carries it there, it is sent again.
    Again {
        /// The request.
        row: u32,
    },
    /// `serverRequests.resolve`: how it ended is stored.
    Resolve {
        /// The request.
        row: u32,
        /// Whether Codex has its answer.
        answered: bool,
        /// What Codex was told, where the stored decision says otherwise or there is none.
        #[tsify(optional)]
        decision: Option<String>,
        /// Whether it was the bridge's side that decided.
        decides: bool,
        /// Whether the answer is stored.
        keeps_response: bool,
    },
    /// `serverRequests.upsertPending`: what to write.
    Upsert {
        /// The rows. What the request itself says beside its id is the call's.
        requests: Vec<RequestWrite>,
        /// The request's own row, where it exists.
        #[tsify(optional)]
        row: Option<u32>,
        /// Why it asks, as far as its row keeps it.
        #[tsify(optional)]
        reason: Option<String>,
        /// Whether its payload is nothing to store.
        is_private: bool,
        /// Whether the thread's `updatedAt` moves: an approval is asked.
        touches: bool,
    },
}

impl<'a> KnownRequest<'a> {
    /// Reads a request of a call.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self { request: Request::unpack(call), decision: call.optional_text(), payload: call.optional_text() }
    }
}

impl<'a> RespondCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            thread_exists: call.flag(),
            id: call.optional_text(),
            wish: match call.text() {
                "accepted" => Wish::Accepted,
                "declined" => Wish::Declined,
                json => Wish::Exactly(json),
            },
            shown_sha256: call.optional_text(),
            must_show: call.flag(),
            known: call.list(KnownRequest::unpack),
        };
        call.end(read)
    }
}

impl<'a> ResolveCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            thread_exists: call.flag(),
            origin: Origin::unpack(&mut call),
            answered: call.flag(),
            response: call.optional_text(),
            policy: call.optional_text(),
            known: call.list(KnownRequest::unpack),
        };
        call.end(read)
    }
}

impl<'a> UpsertCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            thread_exists: call.flag(),
            turn_status: call.optional_named(TurnStatus::read),
            id: call.text(),
            method: call.text(),
            turn_id: call.text(),
            item_id: call.text(),
            origin: Origin::unpack(&mut call),
            payload: call.text(),
            reason: call.optional_text(),
            questions: call.optional_text(),
            known: Request::unpack_all(&mut call),
        };
        call.end(read)
    }
}

fn rejected(code: Code, message: &'static str, row: Option<u32>) -> RequestAnswer {
    RequestAnswer::Rejected { code, message, row }
}

fn no_thread() -> RequestAnswer {
    rejected(Code::EAuthThreadForbidden, "the thread does not exist for this actor", None)
}

/// Plans an `approvals.respond`: the first decision stands.
pub fn plan_respond(call: &RespondCall<'_>) -> RequestAnswer {
    if !call.thread_exists {
        return no_thread();
    }
    let wanted = |known: &KnownRequest<'_>| call.id.is_none_or(|id| id == known.request.id);
    let mut mine: Vec<(u32, &KnownRequest<'_>)> = (0..).zip(&call.known).collect();
    mine.retain(|(_, known)| approval::kind(known.request.method).is_some() && wanted(known));
    if mine.len() > 1 && call.id.is_none() {
        let message = "several requests ask about this item: say which one by its requestId";
        return rejected(Code::EApprovalAmbiguous, message, None);
    }
    let Some((row, known)) = newest(&mine) else {
        return rejected(Code::EApprovalNotFound, "no approval is asked for this item", None);
    };
    let Some(payload) = known.payload else { return RequestAnswer::Needs { row } };
    let not_pending = rejected(Code::EApprovalNotPending, "the approval waits no more", Some(row));
    let method = known.request.method;
    let is_pending = known.request.state == RequestState::Pending;
    if !is_pending && known.decision.is_none() {
        return not_pending;
    }
    let decision = approval::decision(method, payload, call.wish);
    let is_changed = match call.shown_sha256 {
        Some(shown) => !approval::is_shown(payload, shown),
        None => call.must_show && decision.is_ok_and(|decision| !approval::declines(decision)),
    };
    if is_changed {
        let message = "what is asked is not what was shown";
        return rejected(Code::EApprovalChanged, message, Some(row));
    }
    match (decision, known.decision) {
        (Ok(wish), Some(decided)) if approval::is_same(wish, decided) => {
            let is_on_its_way = known.request.state == RequestState::Answering;
            if is_on_its_way { RequestAnswer::Again { row } } else { RequestAnswer::Keep }
        }
        (_, Some(_)) => not_pending,
        (Err(Unfit::NotOffered), None) => {
            rejected(Code::EApprovalNotOffered, "the request does not offer this decision", Some(row))
        }
        (Err(Unfit::TooLarge), None) => {
            rejected(Code::EApprovalTooLarge, "a request over 256 KiB can only be declined", Some(row))
        }
        (Err(Unfit::Redacted), None) => {
            let message = "parts of the request were redacted: from afar it can only be declined";
            rejected(Code::EApprovalRedacted, message, Some(row))
        }
        (Ok(wish), None) => RequestAnswer::Decide {
            row,
            decision: wish.to_owned(),
            response: approval::result(method, payload, wish),
            shown: approval::shown_of(payload),
        },
    }
}

/// Plans a `serverRequests.resolve`: the bridge's word is the last one.
pub fn plan_resolve(call: &ResolveCall<'_>) -> RequestAnswer {
    if !call.thread_exists {
        return no_thread();
    }
    let mut mine: Vec<(u32, &KnownRequest<'_>)> = (0..).zip(&call.known).collect();
    mine.retain(|(_, known)| known.request.origin.may_be(&call.origin));
    let Some((row, known)) = newest(&mine) else {
        return rejected(Code::ERequestNotFound, "the request does not exist for this actor", None);
    };
    let method = known.request.method;
    let response = call.response.filter(|_| call.answered);
    if response.is_some_and(|response| response.len() > REQUEST_BYTES_MAX)
        || call.policy.is_some_and(|policy| policy.len() > ID_BYTES_MAX)
    {
        return invalid();
    }
    if response.is_some() && method == approval::QUESTION && known.payload.is_none() {
        return RequestAnswer::Needs { row };
    }
    let mut request = known.request;
    if !request.report(call.answered) {
        return rejected(Code::ERequestNotPending, "the request ended otherwise", Some(row));
    }
    if request == known.request {
        return RequestAnswer::Keep;
    }
    let told = response.and_then(|response| approval::decision_of(method, response));
    let differs = |told: &&str| !known.decision.is_some_and(|decided| approval::is_same(decided, told));
    let decision = told.filter(differs).map(str::to_owned);
    RequestAnswer::Resolve {
        row,
        answered: call.answered,
        decides: call.answered && (known.decision.is_none() || decision.is_some()),
        decision,
        keeps_response: response.is_some()
            && !approval::asks_secret(method, known.payload)
            && !approval::is_private(method),
    }
}

/// Plans a `serverRequests.upsertPending`: with the event that asks the same, in either order, one row.
pub fn plan_upsert(call: &UpsertCall<'_>) -> RequestAnswer {
    if !call.thread_exists {
        return no_thread();
    }
    let runtime_id = call.origin.runtime_id.unwrap_or_default();
    let is_long = |name: &&str| name.len() > ID_BYTES_MAX;
    let id = Json::parse(call.id).ok().and_then(|id| request_id(id).ok());
    let Some(id) = id else { return invalid() };
    if [call.method, call.turn_id, call.item_id, runtime_id].iter().any(is_long)
        || call.payload.len() > REQUEST_BYTES_MAX
        || call.questions.is_some_and(|questions| questions.len() > REQUEST_BYTES_MAX)
    {
        return invalid();
    }
    let mut requests = call.known.clone();
    let resolves_after = approval::params(call.payload).and_then(|params| params.get("autoResolutionMs"));
    let mut asked = Request::asked(id, call.method, call.turn_id, call.origin);
    asked.auto_resolution_ms = resolves_after.and_then(Json::safe_integer);
    let turn_ended =
        call.turn_status.is_some_and(|status| !matches!(status, TurnStatus::Queued | TurnStatus::InProgress));
    let known = requests.iter().rposition(|known| known.is(&asked));
    let waits = admit(&mut requests, asked, turn_ended);
    let requests: Vec<RequestWrite> = requests.into_iter().filter_map(Request::into_write).collect();
    if requests.is_empty() {
        return RequestAnswer::Keep;
    }
    RequestAnswer::Upsert {
        requests,
        row: known.and_then(|known| u32::try_from(known).ok()),
        reason: call.reason.map(note),
        is_private: approval::is_private(call.method),
        touches: waits && approval::kind(call.method).is_some(),
    }
}

fn invalid() -> RequestAnswer {
    let message =
        "an id is no text and no integer of 0 or more, or a name is over 1 KiB, or a text over 4 MiB";
    rejected(Code::ERequestInvalid, message, None)
}

/// The newest one that is open; else the newest.
fn newest<'k>(known: &[(u32, &'k KnownRequest<'k>)]) -> Option<(u32, &'k KnownRequest<'k>)> {
    let is_open = |(_, known): &&(u32, &KnownRequest<'_>)| known.request.is_open();
    known.iter().rev().find(is_open).or(known.last()).copied()
}
