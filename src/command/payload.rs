//! What a command's payload says, as far as the component has to know it. What the machine lets pass is its policy's.

use super::answer::RequestName;
use super::row::CommandKind;
use crate::event::json::{Json, Kind, RawStr};
use crate::limits::{ID_BYTES_MAX, INPUT_SUMMARY_UNITS_MAX};

/// A payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandPayload {
    /// The turn that a steer (`expectedTurnId`) or an interrupt (`turnId`) names.
    pub target_turn_id: Option<String>,
    /// The id that the client invented for the turn (`clientTurnId`).
    pub client_turn_id: Option<String>,
    /// The request that a decision or an answer belongs to.
    pub request: Option<RequestName>,
    /// Whether a turn waits for its machine (`waitForMachine`).
    pub waits: bool,
    /// The beginning of a message's text.
    pub input_summary: String,
}

impl CommandPayload {
    /// Reads the payload of a command of this kind.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(kind: CommandKind, payload_json: &str) -> Result<Self, &'static str> {
        let json = Json::parse(payload_json).map_err(|_| "the payload is not JSON")?;
        if json.kind() != Kind::Object {
            return Err("the payload is no object");
        }
        let mut payload = Self::default();
        match kind {
            CommandKind::Turn => {
                payload.client_turn_id = optional_id(json, "clientTurnId")?;
                payload.waits = json.get("waitForMachine").and_then(Json::bool) == Some(true);
                payload.input_summary = input(json)?;
            }
            CommandKind::Steer => {
                payload.target_turn_id = Some(id(json, "expectedTurnId")?);
                payload.input_summary = input(json)?;
            }
            CommandKind::Interrupt => payload.target_turn_id = Some(id(json, "turnId")?),
            CommandKind::Decide => {
                payload.request = Some(request(json)?);
                json.get("decision")
                    .filter(|value| !value.is_null())
                    .ok_or("the payload lacks a decision")?;
            }
            CommandKind::Answer => {
                payload.request = Some(request(json)?);
                let answer = json.get("answer").filter(|value| value.kind() == Kind::Object);
                answer.ok_or("the payload lacks an answer that is an object")?;
            }
        }
        Ok(payload)
    }
}

/// What a decision says beside the request that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The decision, as JSON.
    pub decision: &'a str,
    /// SHA-256 of the payload that was shown, in hexadecimal; of a value that is no text, a hash of nothing.
    pub shown_sha256: Option<String>,
}

impl<'a> Decision<'a> {
    /// Reads the payload of a decision; none where it has none.
    pub fn read(payload_json: &'a str) -> Option<Self> {
        let [decision, shown] = Json::parse(payload_json).ok()?.pick(["decision", "shownSha256"]);
        let text = |shown: Json<'_>| shown.str().map(RawStr::to_whole).unwrap_or_default();
        let shown_sha256 = shown.filter(|shown| !shown.is_null()).map(text);
        Some(Self { decision: decision?.text(), shown_sha256 })
    }
}

fn optional_id(json: Json<'_>, key: &str) -> Result<Option<String>, &'static str> {
    match json.get(key).filter(|value| !value.is_null()) {
        Some(_) => id(json, key).map(Some),
        None => Ok(None),
    }
}

fn id(json: Json<'_>, key: &str) -> Result<String, &'static str> {
    let id = json.string(key).map(RawStr::to_whole).unwrap_or_default();
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        return Err("the payload lacks an id, or has one that is none");
    }
    Ok(id)
}

fn request(json: Json<'_>) -> Result<RequestName, &'static str> {
    let number = json.get("requestId").and_then(Json::safe_integer);
    let request_id = match number {
        Some(number) => {
            let mut digits = String::new();
            crate::pack::push_number(&mut digits, number);
            digits
        }
        None => id(json, "requestId")?,
    };
    Ok(RequestName {
        request_id,
        is_number: number.is_some(),
        runtime_id: optional_id(json, "runtimeId")?,
        generation: json.get("generation").and_then(Json::safe_integer),
        app_generation: json.get("appGeneration").and_then(Json::safe_integer),
    })
}

/// The texts of `input` joined by newlines, cut at [`INPUT_SUMMARY_UNITS_MAX`].
fn input(json: Json<'_>) -> Result<String, &'static str> {
    let mut summary = String::new();
    let (mut units, mut members, mut texts) = (0, 0_u32, 0_u32);
    for member in json.list("input") {
        members += 1;
        if member.kind() != Kind::Object {
            return Err("a member of the input is no object");
        }
        let Some(text) = member.string("text") else { continue };
        let between = if texts == 0 { "" } else { "\n" };
        texts += 1;
        for char in between.chars().chain(text.to_whole().chars()) {
            units += char.len_utf16();
            if units <= INPUT_SUMMARY_UNITS_MAX {
                summary.push(char);
            }
        }
    }
    if members == 0 { Err("the payload lacks an input") } else { Ok(summary) }
}
