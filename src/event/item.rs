//! Items of a turn: the role, text and status that each type of the app-server has as a message.
//!
//! SOURCE: app-server 0.169.0, `ThreadItem`.

use super::json::{Items, Json, RawStr};
use crate::limits::ID_BYTES_MAX;
use crate::pack::push_number;
use serde::Serialize;
use tsify::Tsify;

/// Who speaks in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
    /// Codex itself: reviews begun, contexts compacted.
    System,
    /// A tool, and everything of a type that is not known.
    Tool,
}

/// How a finished item or turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was asked for.
    Completed,
    /// It was stopped or declined.
    Interrupted,
    /// It failed.
    Failed,
}

/// An item as an event carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// The app-server's id: unique neither in a thread nor in a turn.
    pub id: String,
    /// The app-server's type, kept as it is where it is not known.
    pub item_type: String,
    /// Who speaks.
    pub role: Role,
    /// The durable text.
    pub text: String,
    /// How it ended, if this event ends it.
    pub outcome: Outcome,
    /// The item's JSON in the payload.
    pub json: Json<'a>,
    /// The value in the payload that `text` repeats word for word, to be left out of what is stored.
    pub text_value: Option<Json<'a>>,
    /// Raw reasoning in the payload, to be left out of what is stored unless it is asked for.
    pub raw_value: Option<Json<'a>>,
}

/// The item type whose deltas and items the reasoning options govern.
pub const REASONING: &str = "reasoning";

impl<'a> Item<'a> {
    /// Reads `params.item`; what its kind needs is an `id` and a `type`, strings of at most [`ID_BYTES_MAX`].
    pub fn read(json: Json<'a>) -> Option<Self> {
        let (mut id, mut item_type, mut status) = (None, None, None);
        for (key, value) in json.entries() {
            match key.plain() {
                Some("id") => id = value.str(),
                Some("type") => item_type = value.str(),
                Some("status") => status = value.str(),
                _ => {}
            }
        }
        let short = |text: RawStr<'_>| Some(text.to_whole()).filter(|text| text.len() <= ID_BYTES_MAX);
        let mut item = Item {
            id: short(id?)?,
            item_type: short(item_type?)?,
            role: Role::Tool,
            text: String::new(),
            outcome: outcome(status),
            json,
            text_value: None,
            raw_value: None,
        };
        item.describe();
        Some(item)
    }

    fn describe(&mut self) {
        let json = self.json;
        match self.item_type.as_str() {
            "userMessage" => {
                self.role = Role::User;
                self.take_input();
            }
            "agentMessage" | "plan" => {
                self.role = Role::Assistant;
                self.take_text("text");
            }
            REASONING => {
                self.role = Role::Assistant;
                self.text = joined(json.list("summary"), "\n\n", Json::str);
                self.raw_value = json.get("content");
            }
            "enteredReviewMode" => {
                self.role = Role::System;
                self.take_text("review");
            }
            "exitedReviewMode" => {
                self.role = Role::Assistant;
                self.take_text("review");
            }
            "contextCompaction" => self.role = Role::System,
            "hookPrompt" => {
                self.role = Role::System;
                self.text = joined(json.list("fragments"), "\n", |part| part.string("text"));
            }
            "commandExecution" => self.text = text(json, "command"),
            "fileChange" => self.text = changed_files(json),
            "mcpToolCall" | "dynamicToolCall" | "collabAgentToolCall" => self.text = text(json, "tool"),
            "webSearch" => self.text = text(json, "query"),
            "imageView" => self.text = text(json, "path"),
            "imageGeneration" => self.text = text(json, "revisedPrompt"),
            "subAgentActivity" => self.text = text(json, "agentPath"),
            _ => {}
        }
    }

    fn take_text(&mut self, key: &str) {
        self.text_value = self.json.get(key).filter(|value| value.str().is_some());
        self.text = text(self.json, key);
    }

    /// The texts of an input, one below the other; one alone is kept beside the payload.
    fn take_input(&mut self) {
        let mut count = 0_u32;
        for input in self.json.list("content") {
            let value =
                input.get("text").filter(|_| input.string("type").is_some_and(|kind| kind.is("text")));
            let Some(words) = value.and_then(Json::str) else { continue };
            if count > 0 {
                self.text.push('\n');
            }
            self.text.push_str(&words.to_whole());
            self.text_value = if count == 0 { value } else { None };
            count += 1;
        }
    }
}

/// The role of an item of which only a delta was seen.
pub fn role_of_type(item_type: &str) -> Role {
    match item_type {
        "agentMessage" | "plan" | REASONING => Role::Assistant,
        _ => Role::Tool,
    }
}

fn outcome(status: Option<RawStr<'_>>) -> Outcome {
    match status.and_then(RawStr::plain) {
        Some("failed") => Outcome::Failed,
        Some("declined" | "interrupted" | "cancelled") => Outcome::Interrupted,
        _ => Outcome::Completed,
    }
}

fn text(json: Json<'_>, key: &str) -> String {
    json.string(key).map(RawStr::to_whole).unwrap_or_default()
}

fn joined<'a>(list: Items<'a>, between: &str, read: fn(Json<'a>) -> Option<RawStr<'a>>) -> String {
    let mut text = String::new();
    let mut first = true;
    for part in list {
        let Some(words) = read(part) else { continue };
        if !first {
            text.push_str(between);
        }
        text.push_str(&words.to_whole());
        first = false;
    }
    text
}

fn changed_files(json: Json<'_>) -> String {
    let count = json.list("changes").fold(0, |count, _| count + 1);
    let mut text = String::new();
    push_number(&mut text, count);
    text.push_str(if count == 1 { " file" } else { " files" });
    let mut mark = ": ";
    for change in json.list("changes") {
        text.push_str(mark);
        text.push_str(&self::text(change, "path"));
        mark = ", ";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Item<'_> {
        Item::read(Json::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn each_known_type_has_its_role_text_and_status() {
        let cases = [
            (
                r#"{"type":"userMessage","id":"u","content":[{"type":"text","text":"a"},{"type":"image","url":"x"},{"type":"text","text":"b"}]}"#,
                Role::User,
                "a\nb",
                Outcome::Completed,
            ),
            (
                r#"{"type":"agentMessage","id":"m","text":"Hi \ud83d\ude00"}"#,
                Role::Assistant,
                "Hi 😀",
                Outcome::Completed,
            ),
            (r#"{"type":"plan","id":"p","text":"1."}"#, Role::Assistant, "1.", Outcome::Completed),
            (
                r#"{"type":"reasoning","id":"r","summary":["a","b"],"content":["raw"]}"#,
                Role::Assistant,
                "a\n\nb",
                Outcome::Completed,
            ),
            (
                r#"{"type":"commandExecution","id":"c","command":"ls","status":"failed"}"#,
                Role::Tool,
                "ls",
                Outcome::Failed,
            ),
            (
                r#"{"type":"commandExecution","id":"c","command":"ls","status":"declined"}"#,
                Role::Tool,
                "ls",
                Outcome::Interrupted,
            ),
            (
                r#"{"type":"fileChange","id":"f","changes":[{"path":"/a"},{"path":"/b"}],"status":"completed"}"#,
                Role::Tool,
                "2 files: /a, /b",
                Outcome::Completed,
            ),
            (
                r#"{"type":"fileChange","id":"f","changes":[],"status":"completed"}"#,
                Role::Tool,
                "0 files",
                Outcome::Completed,
            ),
            (
                r#"{"type":"mcpToolCall","id":"t","server":"s","tool":"echo","status":"completed"}"#,
                Role::Tool,
                "echo",
                Outcome::Completed,
            ),
            (r#"{"type":"webSearch","id":"w","query":"q"}"#, Role::Tool, "q", Outcome::Completed),
            (
                r#"{"type":"exitedReviewMode","id":"e","review":"fine"}"#,
                Role::Assistant,
                "fine",
                Outcome::Completed,
            ),
            (r#"{"type":"contextCompaction","id":"k"}"#, Role::System, "", Outcome::Completed),
            (r#"{"type":"somethingNew","id":"n","status":"failed"}"#, Role::Tool, "", Outcome::Failed),
        ];
        for (text, role, want, outcome) in cases {
            let item = read(text);
            assert_eq!((item.role, item.text.as_str(), item.outcome), (role, want, outcome), "{text}");
        }
    }

    #[test]
    fn an_item_without_id_or_type_is_none() {
        for text in [r#"{"type":"plan"}"#, r#"{"id":"x"}"#, r#"{"id":1,"type":"plan"}"#, "[]", "null"] {
            assert!(Item::read(Json::parse(text).unwrap()).is_none(), "{text}");
        }
    }
}
