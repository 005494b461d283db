//! What an event's payload means for turns and items, and whether it is what its envelope says it is.
//!
//! A function of the event alone: the same event is malformed, or means the same, whenever it is read.

use super::item::{Item, Outcome, REASONING};
use super::json::{Json, Kind, RawStr, Text};
use super::methods::{self, Effect, Keeping, Newest, Onto, Piece};

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
    /// The newest of what its turn or thread keeps: a text, or JSON; none takes it away.
    Newest(Newest, Option<String>),
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

/// An event's payload, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload<'a> {
    /// What it does.
    pub meaning: Meaning<'a>,
    /// Whether it is kept for replay.
    pub keeping: Keeping,
}

/// What an event says of itself outside its payload.
#[derive(Clone, Copy, Debug)]
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
    let json = Json::parse(payload_json).map_err(|_| "the payload is not JSON")?;
    let (mut method, mut params) = (None, None);
    for (key, value) in json.entries() {
        match key.plain() {
            Some("method") => method = value.str(),
            Some("params") => params = Some(value),
            _ => {}
        }
    }
    if !method.is_some_and(|name| name.is(envelope.kind)) {
        return Err("the payload names another method than its kind");
    }
    let params = Params::read(params);
    params.check_names(envelope)?;
    read_meaning(envelope.kind, &params)
}

/// The members of `params` that meanings are made of, found in one pass.
#[derive(Default)]
struct Params<'a> {
    json: Option<Json<'a>>,
    thread_id: Option<RawStr<'a>>,
    turn_id: Option<RawStr<'a>>,
    item_id: Option<RawStr<'a>>,
    delta: Option<RawStr<'a>>,
    item: Option<Json<'a>>,
    turn: Option<Json<'a>>,
    thread: Option<Json<'a>>,
    error: Option<Json<'a>>,
    will_retry: bool,
    synthesized: bool,
    summary_index: u64,
    thread_name: Option<RawStr<'a>>,
}

impl<'a> Params<'a> {
    fn read(params: Option<Json<'a>>) -> Self {
        let mut found = Self::default();
        let Some(params) = params.filter(|params| params.kind() == Kind::Object) else { return found };
        found.json = Some(params);
        for (key, value) in params.entries() {
            match key.plain() {
                Some("threadId" | "conversationId") => found.thread_id = value.str(),
                Some("turnId") => found.turn_id = value.str(),
                Some("itemId") => found.item_id = value.str(),
                Some("delta") => found.delta = value.str(),
                Some("item") => found.item = Some(value),
                Some("turn") => found.turn = Some(value),
                Some("thread") => found.thread = Some(value),
                Some("error") => found.error = Some(value),
                Some("willRetry") => found.will_retry = value.bool() == Some(true),
                Some("synthesized") => found.synthesized = value.bool() == Some(true),
                Some("summaryIndex") => found.summary_index = value.safe_integer().unwrap_or(0),
                Some("threadName") => found.thread_name = value.str(),
                _ => {}
            }
        }
        if found.thread_id.is_none() {
            found.thread_id = found.thread.and_then(|thread| thread.string("id"));
        }
        if found.turn_id.is_none() {
            found.turn_id = found.turn.and_then(|turn| turn.string("id"));
        }
        found
    }

    fn check_names(&self, envelope: Envelope<'_>) -> Result<(), &'static str> {
        if let (Some(named), Some(local)) = (self.thread_id, envelope.local_thread_id)
            && !named.is(local)
            && !named.is(envelope.thread_id)
        {
            return Err("the payload names another thread");
        }
        if let (Some(named), Some(turn_id)) = (self.turn_id, envelope.turn_id)
            && !named.is(turn_id)
        {
            return Err("the payload names another turn");
        }
        Ok(())
    }

    fn item(&self) -> Result<Item<'a>, &'static str> {
        self.item.and_then(Item::read).ok_or("the payload lacks an item with id and type")
    }
}

fn read_meaning<'a>(kind: &str, params: &Params<'a>) -> Result<Payload<'a>, &'static str> {
    let Some(method) = methods::find(kind) else {
        return Ok(Payload { meaning: Meaning::Nothing, keeping: Keeping::Never });
    };
    let meaning = match method.effect {
        Effect::BeginsTurn => {
            params.turn_id.ok_or("the payload lacks a turn")?;
            Meaning::TurnStarted
        }
        Effect::EndsTurn => turn_ended(params)?,
        Effect::FailsTurn => turn_error(params)?,
        Effect::BeginsItem => Meaning::ItemStarted(params.item()?),
        Effect::EndsItem => Meaning::ItemCompleted(params.item()?),
        Effect::GrowsItem(item_type, onto) => grew(params, item_type, onto)?,
        Effect::PartsSummary => summary_part(params)?,
        Effect::NamesThread => Meaning::ThreadNamed(params.thread_name.map(RawStr::to_whole)),
        Effect::ArchivesThread(archived) => Meaning::ThreadArchived(archived),
        Effect::IsNewest(newest, piece) => Meaning::Newest(newest, newest_of(params, newest, piece)?),
    };
    if params.json.is_none() {
        return Err("the payload lacks params");
    }
    let keeping = match &meaning {
        Meaning::ItemStarted(item) | Meaning::ItemCompleted(item) if item.item_type == REASONING => {
            Keeping::Reasoning
        }
        _ => method.keeping,
    };
    Ok(Payload { meaning, keeping })
}

/// What is kept of the newest of its kind.
fn newest_of(params: &Params<'_>, newest: Newest, piece: Piece) -> Result<Option<String>, &'static str> {
    let Some(json) = params.json else { return Ok(None) };
    let found = match piece {
        Piece::Nothing => return Ok(None),
        Piece::Text(key) => json.string(key).map(RawStr::to_whole),
        Piece::Object(key) => json.get(key).filter(|value| is_whole(*value, newest)).map(Json::to_text),
        Piece::Whole(key, kind) => json.get(key).filter(|value| value.kind() == kind).map(|_| json.to_text()),
    };
    found.map(Some).ok_or("the payload lacks what it brings")
}

/// Usage is nothing without its two sums; of everything else, an object is enough.
fn is_whole(value: Json<'_>, newest: Newest) -> bool {
    let sum = |key| value.get(key).and_then(|counts| counts.get("totalTokens")?.safe_integer());
    value.kind() == Kind::Object
        && (newest != Newest::Usage || (sum("total").is_some() && sum("last").is_some()))
}

fn turn_ended<'a>(params: &Params<'a>) -> Result<Meaning<'a>, &'static str> {
    let turn = params.turn.ok_or("the payload lacks a turn")?;
    params.turn_id.ok_or("the payload lacks a turn id")?;
    let status = turn.string("status").ok_or("the payload lacks the turn's status")?;
    let outcome = match status.plain() {
        Some("failed") => Outcome::Failed,
        Some("interrupted") => Outcome::Interrupted,
        _ => Outcome::Completed,
    };
    let error = turn.get("error").and_then(message_of);
    Ok(Meaning::TurnEnded { outcome, error, synthesized: params.synthesized, makes_turn: true })
}

fn turn_error<'a>(params: &Params<'a>) -> Result<Meaning<'a>, &'static str> {
    let message = params.error.and_then(message_of).ok_or("the payload lacks an error with a message")?;
    Ok(if params.will_retry {
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

fn grew<'a>(params: &Params<'a>, item_type: &'static str, onto: Onto) -> Result<Meaning<'a>, &'static str> {
    let item_id = params.item_id.ok_or("the payload lacks an item id")?.to_whole();
    let delta = params.delta.ok_or("the payload lacks a delta that is a string")?.decode();
    let growth = match onto {
        Onto::Text => Growth::Text(delta),
        Onto::Output => Growth::Output(delta),
        Onto::Nothing => Growth::Unseen,
    };
    Ok(Meaning::ItemGrew { item_id, item_type, growth })
}

/// A second part of a summary is parted from the first as the finished item's text parts them.
fn summary_part<'a>(params: &Params<'a>) -> Result<Meaning<'a>, &'static str> {
    let item_id = params.item_id.ok_or("the payload lacks an item id")?.to_whole();
    let between = if params.summary_index > 0 { "\n\n" } else { "" };
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
