//! What an event's payload means for turns and items, and whether it is what its envelope says it is.
//!
//! A function of the event alone: the same event is malformed, or means the same, whenever it is read.

use super::item::{Item, Outcome, REASONING};
use super::json::{Json, Kind, RawStr, Text};
use super::methods::{self, Effect, Growing, Keeping, Method, Newest, Onto};
use crate::limits::ID_BYTES_MAX;

/// What an event does.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning<'a> {
    /// `turn/started`
    TurnStarted,
    /// `turn/completed`, or an `error` that is final.
    TurnEnded {
        /// How it ended.
        outcome: Outcome,
        /// The error's message.
        error: Option<String>,
        /// The bridge's own word after the app-server died, not Codex's.
        synthesized: bool,
        /// Whether it makes the turn where nothing of it is known: an `error` does not.
        makes_turn: bool,
    },
    /// An `error` that Codex tries again after: a warning.
    TurnWarned(String),
    /// `item/started`
    ItemStarted(Item<'a>),
    /// `item/completed`
    ItemCompleted(Item<'a>),
    /// A delta of an item.
    ItemGrew {
        /// The item's id.
        item_id: String,
        /// The type that the delta's kind implies.
        item_type: &'static str,
        /// Where the text belongs.
        growth: Growth,
    },
    /// `thread/name/updated`; none removes the name.
    ThreadNamed(Option<String>),
    /// `thread/archived` (true), `thread/unarchived` (false).
    ThreadArchived(bool),
    /// Any message with an id: a server request.
    Asked(Asked<'a>),
    /// `serverRequest/resolved`: the id, as JSON.
    RequestResolved(&'a str),
    /// The newest of what its turn or thread keeps: a text, or JSON; an empty one takes it away.
    Newest(Newest, String),
    /// Nothing that rows show.
    Nothing,
}

impl Meaning<'_> {
    /// The item that the event names.
    pub fn item_id(&self) -> Option<&str> {
        match self {
            Meaning::ItemStarted(item) | Meaning::ItemCompleted(item) => Some(&item.id),
            Meaning::ItemGrew { item_id, .. } => Some(item_id),
            _ => None,
        }
    }
}

/// What a delta adds to its item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Growth {
    /// To the message's text.
    Text(Text),
    /// To a command's or file change's live output, which the finished item holds itself.
    Output(Text),
    /// Neither: raw reasoning, which is at most kept for replay.
    Unseen,
}

/// What a server request says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Its id, as JSON.
    pub id: &'a str,
    /// Its `params`.
    pub params: Option<Json<'a>>,
}

/// An event's payload, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload<'a> {
    /// What it does.
    pub meaning: Meaning<'a>,
    /// Whether it is kept for replay.
    pub keeping: Keeping,
}

/// What is wrong with a payload of another thread than its envelope's.
pub const ANOTHER_THREAD: &str = "the payload names another thread";

/// What an event says of itself outside its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The app-server's method.
    pub kind: &'a str,
    /// The app-server's name for the thread, where one is known.
    pub local_thread_id: Option<&'a str>,
    /// The thread's id in Convex.
    pub thread_id: &'a str,
    /// The turn that the event names.
    pub turn_id: Option<&'a str>,
}

/// Reads the payload of one event.
///
/// # Errors
/// What is wrong with it, in words: it is no JSON, it lacks what its kind needs, or it names another method, thread or
/// turn than its envelope.
pub fn read_payload<'a>(envelope: Envelope<'_>, payload_json: &'a str) -> Result<Payload<'a>, &'static str> {
    read_with_delta(envelope, payload_json).map(|(payload, _)| payload)
}

/// The same, and the member `delta` of its params.
pub(super) fn read_with_delta<'a>(
    envelope: Envelope<'_>,
    payload_json: &'a str,
) -> Result<(Payload<'a>, Option<Json<'a>>), &'static str> {
    let json = Json::parse(payload_json).map_err(|_| "the payload is not JSON")?;
    let [method, params, id] = json.pick(["method", "params", "id"]);
    if !method.and_then(Json::str).is_some_and(|name| name.is(envelope.kind)) {
        return Err("the payload names another method than its kind");
    }
    let json = params.filter(|params| params.kind() == Kind::Object);
    let params = &Params { json, members: json.map_or([None; MEMBERS.len()], |json| json.pick(MEMBERS)) };
    params.check_names(envelope)?;
    if let Some(id) = id {
        let asked = Asked { id: request_id(id)?, params: json };
        return Ok((Payload { meaning: Meaning::Asked(asked), keeping: Keeping::Never }, None));
    }
    let Some(method) = methods::find(envelope.kind) else {
        return Ok((Payload { meaning: Meaning::Nothing, keeping: Keeping::Never }, None));
    };
    let read = read_meaning(method, params)?;
    if params.json.is_none() {
        Err("the payload lacks params")
    } else {
        Ok((read, params.get(Member::Delta)))
    }
}

/// A member of `params` that meanings are made of.
#[derive(Clone, Copy)]
enum Member {
    ThreadId,
    ConversationId,
    Thread,
    TurnId,
    Turn,
    ItemId,
    Item,
    Delta,
    SummaryIndex,
    Error,
    WillRetry,
    Synthesized,
    ThreadName,
}

/// Their names, in that order.
const MEMBERS: [&str; 13] = [
    "threadId",
    "conversationId",
    "thread",
    "turnId",
    "turn",
    "itemId",
    "item",
    "delta",
    "summaryIndex",
    "error",
    "willRetry",
    "synthesized",
    "threadName",
];

/// The `params` of a message, looked through once; nothing where they are no object.
struct Params<'a> {
    json: Option<Json<'a>>,
    members: [Option<Json<'a>>; MEMBERS.len()],
}

impl<'a> Params<'a> {
    /// A member that meanings are rarely made of.
    fn other(&self, key: &str) -> Option<Json<'a>> {
        self.json?.get(key)
    }

    fn get(&self, member: Member) -> Option<Json<'a>> {
        *self.members.get(member as usize)?
    }

    fn string(&self, member: Member) -> Option<RawStr<'a>> {
        self.get(member)?.str()
    }

    fn flag(&self, member: Member) -> bool {
        self.get(member).and_then(Json::bool) == Some(true)
    }

    /// The id that `member` has, else the one of the object that `object` has.
    fn id(&self, member: Member, object: Member) -> Option<RawStr<'a>> {
        self.string(member).or_else(|| self.get(object)?.string("id"))
    }

    fn thread_id(&self) -> Option<RawStr<'a>> {
        self.id(Member::ThreadId, Member::Thread).or_else(|| self.string(Member::ConversationId))
    }

    fn turn_id(&self) -> Option<RawStr<'a>> {
        self.id(Member::TurnId, Member::Turn)
    }

    fn check_names(&self, envelope: Envelope<'_>) -> Result<(), &'static str> {
        if let (Some(named), Some(local)) = (self.thread_id(), envelope.local_thread_id)
            && !named.is(local)
            && !named.is(envelope.thread_id)
        {
            return Err(ANOTHER_THREAD);
        }
        if let (Some(named), Some(turn_id)) = (self.turn_id(), envelope.turn_id)
            && !named.is(turn_id)
        {
            return Err("the payload names another turn");
        }
        Ok(())
    }

    fn item(&self) -> Result<Item<'a>, &'static str> {
        self.get(Member::Item).and_then(Item::read).ok_or("the payload lacks an item with id and type")
    }

    fn item_id(&self) -> Result<String, &'static str> {
        let id = self.string(Member::ItemId).map(RawStr::to_whole);
        id.filter(|id| id.len() <= ID_BYTES_MAX).ok_or("the payload lacks an item id")
    }
}

fn read_meaning<'a>(method: &Method, params: &Params<'a>) -> Result<Payload<'a>, &'static str> {
    let meaning = match method.effect {
        Effect::BeginsTurn => {
            params.turn_id().ok_or("the payload lacks a turn")?;
            Meaning::TurnStarted
        }
        Effect::EndsTurn => turn_ended(params)?,
        Effect::FailsTurn => turn_error(params)?,
        Effect::BeginsItem => Meaning::ItemStarted(params.item()?),
        Effect::EndsItem => Meaning::ItemCompleted(params.item()?),
        Effect::GrowsItem(growing, onto) => grew(params, growing, onto)?,
        Effect::PartsSummary => summary_part(params)?,
        Effect::NamesThread => Meaning::ThreadNamed(params.string(Member::ThreadName).map(RawStr::to_whole)),
        Effect::ArchivesThread(archived) => Meaning::ThreadArchived(archived),
        Effect::IsNewest(newest) => {
            let text = newest_of(params, newest).ok_or("the payload lacks what it brings")?;
            Meaning::Newest(newest, text)
        }
        Effect::Forgets(newest) => Meaning::Newest(newest, String::new()),
        Effect::ResolvesRequest => {
            let id = params.other("requestId").ok_or("the payload lacks a request id")?;
            Meaning::RequestResolved(request_id(id)?)
        }
    };
    let keeping = match &meaning {
        Meaning::ItemStarted(item) | Meaning::ItemCompleted(item) if item.item_type == REASONING => {
            Keeping::Reasoning
        }
        _ => method.keeping,
    };
    Ok(Payload { meaning, keeping })
}

/// What is kept of the newest of its kind; of usage, only what has both its sums.
fn newest_of(params: &Params<'_>, newest: Newest) -> Option<String> {
    let (key, kind, whole) = newest.member();
    let value = params.other(key).filter(|value| value.kind() == kind)?;
    if newest == Newest::Usage {
        for sum in ["total", "last"] {
            value.get(sum).filter(|counts| counts.kind() == Kind::Object)?;
        }
    }
    Some(match value.str() {
        Some(text) if !whole => text.to_whole(),
        _ => params.json.filter(|_| whole).unwrap_or(value).text().to_owned(),
    })
}

/// The id of a request, as JSON: a text without escapes, so that it is written in one way, or an integer of 0 or more.
///
/// # Errors
/// Where it is neither.
pub fn request_id(id: Json<'_>) -> Result<&str, &'static str> {
    let is_one = id.str().and_then(RawStr::plain).is_some() || id.safe_integer().is_some();
    let id = Some(id.text()).filter(|id| is_one && id.len() <= ID_BYTES_MAX);
    id.ok_or("the payload's request id is none")
}

fn turn_ended<'a>(params: &Params<'a>) -> Result<Meaning<'a>, &'static str> {
    let turn = params.get(Member::Turn).ok_or("the payload lacks a turn")?;
    params.turn_id().ok_or("the payload lacks a turn id")?;
    let status = turn.string("status").ok_or("the payload lacks the turn's status")?;
    let outcome = match status.plain() {
        Some("failed") => Outcome::Failed,
        Some("interrupted") => Outcome::Interrupted,
        _ => Outcome::Completed,
    };
    let error = turn.get("error").and_then(message_of);
    Ok(Meaning::TurnEnded { outcome, error, synthesized: params.flag(Member::Synthesized), makes_turn: true })
}

fn turn_error<'a>(params: &Params<'a>) -> Result<Meaning<'a>, &'static str> {
    let message =
        params.get(Member::Error).and_then(message_of).ok_or("the payload lacks an error with a message")?;
    Ok(if params.flag(Member::WillRetry) {
        Meaning::TurnWarned(message)
    } else {
        Meaning::TurnEnded {
            outcome: Outcome::Failed,
            error: Some(message),
            synthesized: false,
            makes_turn: false,
        }
    })
}

fn message_of(error: Json<'_>) -> Option<String> {
    error.string("message").map(RawStr::to_whole)
}

fn grew<'a>(params: &Params<'a>, growing: Growing, onto: Onto) -> Result<Meaning<'a>, &'static str> {
    let item_id = params.item_id()?;
    let delta = params.string(Member::Delta).ok_or("the payload lacks a delta that is a string")?;
    Ok(grown(item_id, delta, growing, onto))
}

/// An item that grows by `delta`.
pub(super) fn grown<'a>(item_id: String, delta: RawStr<'_>, growing: Growing, onto: Onto) -> Meaning<'a> {
    let growth = match onto {
        Onto::Text => Growth::Text(delta.decode()),
        Onto::Output => Growth::Output(delta.decode()),
        Onto::Nothing => Growth::Unseen,
    };
    Meaning::ItemGrew { item_id, item_type: growing.item_type(), growth }
}

/// A second part of a summary is parted from the first as the finished item's text parts them.
fn summary_part<'a>(params: &Params<'a>) -> Result<Meaning<'a>, &'static str> {
    let item_id = params.item_id()?;
    let between = if params.get(Member::SummaryIndex).and_then(Json::safe_integer).unwrap_or(0) > 0 {
        "\n\n"
    } else {
        ""
    };
    let growth = Growth::Text(Text { utf8: between.to_owned(), ..Text::default() });
    Ok(Meaning::ItemGrew { item_id, item_type: REASONING, growth })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, payload: &'static str) -> Result<Payload<'static>, &'static str> {
        let envelope = Envelope { kind, local_thread_id: Some("T"), thread_id: "T", turn_id: Some("U") };
        read_payload(envelope, payload)
    }

    #[test]
    fn what_is_malformed_is_said() {
        let cases = [
            ("turn/started", "{", "the payload is not JSON"),
            (
                "turn/started",
                r#"{"method":"turn/completed","params":{}}"#,
                "the payload names another method than its kind",
            ),
            ("turn/started", r#"{"params":{}}"#, "the payload names another method than its kind"),
            ("turn/started", r#"{"method":"turn/started","params":null}"#, "the payload lacks a turn"),
            (
                "turn/started",
                r#"{"method":"turn/started","params":{"threadId":"X","turn":{"id":"U"}}}"#,
                "the payload names another thread",
            ),
            (
                "turn/started",
                r#"{"method":"turn/started","params":{"threadId":"T","turn":{"id":"V"}}}"#,
                "the payload names another turn",
            ),
            (
                "turn/completed",
                r#"{"method":"turn/completed","params":{"turn":{"id":"U"}}}"#,
                "the payload lacks the turn's status",
            ),
            (
                "item/started",
                r#"{"method":"item/started","params":{"threadId":"T","turnId":"U"}}"#,
                "the payload lacks an item with id and type",
            ),
            (
                "item/completed",
                r#"{"method":"item/completed","params":{"item":{"type":"plan"}}}"#,
                "the payload lacks an item with id and type",
            ),
            (
                "item/agentMessage/delta",
                r#"{"method":"item/agentMessage/delta","params":{"itemId":"m","delta":5}}"#,
                "the payload lacks a delta that is a string",
            ),
            (
                "item/agentMessage/delta",
                r#"{"method":"item/agentMessage/delta","params":{"delta":"x"}}"#,
                "the payload lacks an item id",
            ),
            (
                "error",
                r#"{"method":"error","params":{"willRetry":true}}"#,
                "the payload lacks an error with a message",
            ),
            ("thread/archived", r#"{"method":"thread/archived"}"#, "the payload lacks params"),
        ];
        for (kind, payload, want) in cases {
            assert_eq!(read(kind, payload).unwrap_err(), want, "{payload}");
        }
    }

    #[test]
    fn an_item_that_grows_has_an_id_of_1_kib_at_most() {
        for kind in ["item/agentMessage/delta", "item/reasoning/summaryPartAdded"] {
            for (bytes, fits) in [(1, true), (ID_BYTES_MAX, true), (ID_BYTES_MAX + 1, false)] {
                // An escape counts as what it means.
                for first in ["i", r"\u0069"] {
                    let id = format!("{first}{}", "i".repeat(bytes - 1));
                    let payload =
                        format!(r#"{{"method":"{kind}","params":{{"itemId":"{id}","delta":"x"}}}}"#);
                    let read = read(kind, crate::testing::keep(payload));
                    let id = read.as_ref().map(|payload| payload.meaning.item_id().map(str::len));
                    let want = if fits { Ok(Some(bytes)) } else { Err(&"the payload lacks an item id") };
                    assert_eq!(id, want, "{kind} {bytes} {first}");
                }
            }
        }
    }

    #[test]
    fn an_error_that_is_tried_again_is_a_warning() {
        let retry = r#"{"method":"error","params":{"error":{"message":"Reconnecting"},"willRetry":true}}"#;
        assert_eq!(read("error", retry).unwrap().meaning, Meaning::TurnWarned("Reconnecting".into()));
        let last = r#"{"method":"error","params":{"error":{"message":"gone"},"willRetry":false}}"#;
        let want = Meaning::TurnEnded {
            outcome: Outcome::Failed,
            error: Some("gone".into()),
            synthesized: false,
            makes_turn: false,
        };
        assert_eq!(read("error", last).unwrap().meaning, want);
    }

    #[test]
    fn an_unknown_kind_means_nothing_and_is_not_kept() {
        let payload = r#"{"method":"thread/brandNew","params":{"threadId":"T"}}"#;
        let want = Payload { meaning: Meaning::Nothing, keeping: Keeping::Never };
        assert_eq!(read("thread/brandNew", payload).unwrap(), want);
    }
}
