//! Approvals: which requests are one, what can be decided, and what Codex is answered.

use crate::event::json::{Json, Kind, RawStr};
use crate::hash;
use crate::limits::APPROVAL_BYTES_MAX;

const COMMAND: &str = "item/commandExecution/requestApproval";
const FILES: &str = "item/fileChange/requestApproval";
const PERMISSIONS: &str = "item/permissions/requestApproval";
const OLD_COMMAND: &str = "execCommandApproval";
const OLD_FILES: &str = "applyPatchApproval";

/// How the methods of before are declined: the text goes to the model.
///
/// SOURCE: app-server 0.169.0, `ReviewDecision`.
const OLD_DECLINE: &str = r#"{"denied":{"rejection":"declined"}}"#;

/// What `src/redact.rs` begins with wherever it replaces something. A request that says so of itself cannot be told apart.
const REDACTED: &str = "[redacted:";

/// The method of a question to people.
pub const QUESTION: &str = "item/tool/requestUserInput";

/// What an approval is for; none where the method asks for something else.
pub fn kind(method: &str) -> Option<&'static str> {
    match method {
        COMMAND | OLD_COMMAND => Some("commandExecution"),
        FILES | OLD_FILES => Some("fileChange"),
        PERMISSIONS => Some("permissions"),
        _ => None,
    }
}

/// Whether what is asked and answered is nothing to store: accounts, tokens, attestations.
pub fn is_private(method: &str) -> bool {
    method.starts_with("account/") || method.starts_with("attestation/")
}

/// What a client wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish<'a> {
    /// `accepted`
    Accepted,
    /// `declined`
    Declined,
    /// A decision as JSON, out of the request's `availableDecisions`.
    Exactly(&'a str),
}

/// What is wrong with a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The request does not offer it.
    NotOffered,
    /// The request is too large to be accepted.
    TooLarge,
    /// Parts of the request were redacted.
    Redacted,
}

/// The decision that a wish is, as the app-server writes it.
///
/// # Errors
/// See [`Unfit`].
pub fn decision<'a>(method: &str, payload: &'a str, wish: Wish<'a>) -> Result<&'a str, Unfit> {
    let is_old = method == OLD_COMMAND || method == OLD_FILES;
    let decision = match wish {
        Wish::Accepted => {
            if is_old {
                "\"approved\""
            } else {
                "\"accept\""
            }
        }
        Wish::Declined => {
            if is_old {
                OLD_DECLINE
            } else {
                "\"decline\""
            }
        }
        Wish::Exactly(json) => {
            let wished = Json::parse(json).map_err(|_| Unfit::NotOffered)?;
            offered(method, payload, wished).ok_or(Unfit::NotOffered)?
        }
    };
    if declines(decision) {
        return Ok(decision);
    }
    if payload.len() > APPROVAL_BYTES_MAX {
        return Err(Unfit::TooLarge);
    }
    // Codex would do what stood there: nobody who decides from afar has seen that.
    if payload.contains(REDACTED) { Err(Unfit::Redacted) } else { Ok(decision) }
}

/// Whether a decision, as the app-server writes it, lets nothing happen; `"denied"` is an older app-server's word.
pub fn declines(decision: &str) -> bool {
    let Ok(decision) = Json::parse(decision) else { return false };
    match decision.str() {
        Some(word) => ["decline", "cancel", "abort", "denied"].iter().any(|name| word.is(name)),
        None => decision.get("denied").is_some() && decision.entries().all(|(key, _)| key.is("denied")),
    }
}

/// The request's own words for a decision, where it offers it.
fn offered<'a>(method: &str, payload: &'a str, wished: Json<'_>) -> Option<&'a str> {
    if let Some(offers) = params(payload).and_then(|params| params.get("availableDecisions"))
        && offers.kind() == Kind::Array
    {
        return offers.items().find(|offer| same(*offer, wished)).map(Json::text);
    }
    let always: &[&'static str] = match method {
        OLD_COMMAND | OLD_FILES => &["\"approved\"", "\"approved_for_session\"", OLD_DECLINE, "\"abort\""],
        PERMISSIONS => &["\"accept\"", "\"acceptForSession\"", "\"decline\""],
        _ => &["\"accept\"", "\"acceptForSession\"", "\"decline\"", "\"cancel\""],
    };
    always.iter().copied().find(|offer| Json::parse(offer).is_ok_and(|offer| same(offer, wished)))
}

/// The `params` of a request; the payload itself where it is nothing but them.
pub fn params(payload: &str) -> Option<Json<'_>> {
    let payload = Json::parse(payload).ok()?;
    Some(payload.get("params").unwrap_or(payload))
}

/// The `result` that the app-server gets for a decision.
///
/// SOURCE: seen of commands and file changes, of permissions read in the protocol's types (0.169.0).
pub fn result(method: &str, payload: &str, decision: &str) -> String {
    let mut result = String::new();
    if method != PERMISSIONS {
        result.push_str("{\"decision\":");
        result.push_str(decision);
        result.push('}');
        return result;
    }
    let asked = params(payload).and_then(|params| params.get("permissions")).map(Json::text);
    let granted = if declines(decision) { None } else { asked };
    result.push_str("{\"permissions\":");
    result.push_str(granted.unwrap_or("{}"));
    result.push_str(",\"scope\":");
    result.push_str(if decision == "\"acceptForSession\"" { "\"session\"" } else { "\"turn\"" });
    result.push('}');
    result
}

/// The decision that a result carries: what the bridge wrote without being told by us.
pub fn decision_of<'a>(method: &str, result: &'a str) -> Option<&'a str> {
    kind(method)?;
    let result = Json::parse(result).ok()?;
    if method != PERMISSIONS {
        return result.get("decision").map(Json::text);
    }
    let granted = result.get("permissions")?.entries().next().is_some();
    Some(match (granted, result.string("scope").is_some_and(|scope| scope.is("session"))) {
        (false, _) => "\"decline\"",
        (true, false) => "\"accept\"",
        (true, true) => "\"acceptForSession\"",
    })
}

/// Whether two decisions are one.
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || matches!((Json::parse(one), Json::parse(other)), (Ok(one), Ok(other)) if same(one, other))
}

/// Whether a request asks people for a secret, as a question alone can: its answer is nothing to store. One that was not
/// loaded, or cannot be read, may ask for one.
pub fn asks_secret(method: &str, payload: Option<&str>) -> bool {
    let questions = payload.and_then(params).and_then(|params| params.get("questions"));
    let is_secret = |question: Json<'_>| question.get("isSecret").and_then(Json::bool) == Some(true);
    method == QUESTION && questions.is_none_or(|questions| questions.items().any(is_secret))
}

/// The SHA-256 of a payload, in hexadecimal.
pub fn shown_of(payload: &str) -> String {
    hash::of_text(payload)
}

/// Whether `shown`, in hexadecimal, is the SHA-256 of the payload.
pub fn is_shown(payload: &str, shown: &str) -> bool {
    shown_of(payload).eq_ignore_ascii_case(shown)
}

/// Whether two values are one: white space, escapes and the order of members do not count.
fn same(one: Json<'_>, other: Json<'_>) -> bool {
    if one.kind() != other.kind() {
        return false;
    }
    match one.kind() {
        Kind::String => one.str().map(RawStr::to_whole) == other.str().map(RawStr::to_whole),
        Kind::Array => {
            let (mut ones, mut others) = (one.items(), other.items());
            loop {
                match (ones.next(), others.next()) {
                    (None, None) => return true,
                    (Some(one), Some(other)) if same(one, other) => {}
                    _ => return false,
                }
            }
        }
        Kind::Object => {
            let within = |one: Json<'_>, other: Json<'_>| {
                one.entries()
                    .all(|(key, value)| other.get(&key.to_whole()).is_some_and(|found| same(value, found)))
            };
            within(one, other) && other.entries().all(|(key, _)| one.get(&key.to_whole()).is_some())
        }
        _ => one.text() == other.text(),
    }
}
