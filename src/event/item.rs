//! Items of a turn: the role, text and status that each type of the app-server has as a message.
//!
//! SOURCE: app-server 0.169.0, `ThreadItem`; a test holds [`ITEM_TYPES`] against the list of its schema.

use super::json::{Items, Json, Kind, RawStr};
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

/// What an item's text is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// It has none.
    Nothing,
    /// The texts among its inputs.
    Input,
    /// What it says, under this key: kept beside the payload, not in it.
    Own(&'static str),
    /// The parts of a summary; what was thought in full is raw.
    Summary,
    /// The texts of its fragments.
    Fragments,
    /// What names it, under this key.
    Name(&'static str),
    /// How many files, and their paths.
    Changes,
    /// How long it lasts.
    Milliseconds,
}

/// Every type of item, who speaks in it, and what its text is. Every other type is a tool's, without a text.
pub const ITEM_TYPES: [(&str, Role, Words); 19] = {
    use Words::{Changes, Fragments, Input, Milliseconds, Name, Nothing, Own, Summary};
    [
        ("agentMessage", Role::Assistant, Own("text")),
        ("collabAgentToolCall", Role::Tool, Name("tool")),
        ("commandExecution", Role::Tool, Name("command")),
        ("contextCompaction", Role::System, Nothing),
        ("dynamicToolCall", Role::Tool, Name("tool")),
        ("enteredReviewMode", Role::System, Own("review")),
        ("exitedReviewMode", Role::Assistant, Own("review")),
        ("fileChange", Role::Tool, Changes),
        ("functionCallOutput", Role::Tool, Name("name")),
        ("hookPrompt", Role::System, Fragments),
        ("imageGeneration", Role::Tool, Name("revisedPrompt")),
        ("imageView", Role::Tool, Name("path")),
        ("mcpToolCall", Role::Tool, Name("tool")),
        ("plan", Role::Assistant, Own("text")),
        (REASONING, Role::Assistant, Summary),
        ("sleep", Role::Tool, Milliseconds),
        ("subAgentActivity", Role::Tool, Name("agentPath")),
        ("userMessage", Role::User, Input),
        ("webSearch", Role::Tool, Name("query")),
    ]
};

impl<'a> Item<'a> {
    /// Reads `params.item`; what its kind needs is an `id` and a `type`, strings of at most [`ID_BYTES_MAX`].
    pub fn read(json: Json<'a>) -> Option<Self> {
        let (mut id, mut item_type, mut status, mut failed) = (None, None, None, false);
        for (key, value) in json.entries() {
            match key.plain() {
                Some("id") => id = value.str(),
                Some("type") => item_type = value.str(),
                Some("status") => status = value.str(),
                Some("error" | "failure") => failed |= value.kind() == Kind::Object,
                Some("success") => failed |= value.bool() == Some(false),
                _ => {}
            }
        }
        let short = |text: RawStr<'_>| Some(text.to_whole()).filter(|text| text.len() <= ID_BYTES_MAX);
        let mut item = Item {
            id: short(id?)?,
            item_type: short(item_type?)?,
            role: Role::Tool,
            text: String::new(),
            outcome: outcome(status, failed),
            json,
            text_value: None,
            raw_value: None,
        };
        item.describe();
        Some(item)
    }

    fn describe(&mut self) {
        let json = self.json;
        let Some((_, role, words)) = ITEM_TYPES.iter().find(|(name, ..)| *name == self.item_type) else {
            return;
        };
        self.role = *role;
        match words {
            Words::Nothing => {}
            Words::Input => self.take_input(),
            Words::Own(key) => self.take_text(key),
            Words::Summary => {
                self.text = joined(json.list("summary"), "\n\n", Json::str);
                self.raw_value = json.get("content");
            }
            Words::Fragments => {
                self.text = joined(json.list("fragments"), "\n", |part| part.string("text"));
            }
            Words::Name(key) => self.text = text(json, key),
            Words::Changes => self.text = changed_files(json),
            Words::Milliseconds => {
                let count = json.get("durationMs").and_then(Json::safe_integer).unwrap_or(0);
                push_number(&mut self.text, count);
                self.text.push_str(" ms");
            }
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
    ITEM_TYPES.iter().find(|(name, ..)| *name == item_type).map_or(Role::Tool, |(_, role, _)| *role)
}

/// How an item ended: by its status; where that says no end, by whether the item tells of a failure.
fn outcome(status: Option<RawStr<'_>>, failed: bool) -> Outcome {
    match status.and_then(RawStr::plain) {
        Some("declined" | "interrupted" | "cancelled") => Outcome::Interrupted,
        Some("failed") => Outcome::Failed,
        _ if failed => Outcome::Failed,
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
            (
                r#"{"type":"enteredReviewMode","id":"e","review":"the diff"}"#,
                Role::System,
                "the diff",
                Outcome::Completed,
            ),
            (
                r#"{"type":"hookPrompt","id":"h","fragments":[{"text":"a","hookRunId":"1"},{"text":"b","hookRunId":"1"}]}"#,
                Role::System,
                "a\nb",
                Outcome::Completed,
            ),
            (
                r#"{"type":"mcpToolCall","id":"t","tool":"ask","status":"failed","error":null}"#,
                Role::Tool,
                "ask",
                Outcome::Failed,
            ),
            (
                r#"{"type":"mcpToolCall","id":"t","tool":"ask","status":"completed","error":{"message":"no"}}"#,
                Role::Tool,
                "ask",
                Outcome::Failed,
            ),
            (
                r#"{"type":"dynamicToolCall","id":"t","tool":"look","status":"completed","success":false}"#,
                Role::Tool,
                "look",
                Outcome::Failed,
            ),
            (
                r#"{"type":"dynamicToolCall","id":"t","tool":"look","status":"inProgress","success":null}"#,
                Role::Tool,
                "look",
                Outcome::Completed,
            ),
            (
                r#"{"type":"collabAgentToolCall","id":"t","tool":"spawnAgent","status":"interrupted"}"#,
                Role::Tool,
                "spawnAgent",
                Outcome::Interrupted,
            ),
            (
                r#"{"type":"subAgentActivity","id":"s","kind":"interrupted","agentPath":"/root/a"}"#,
                Role::Tool,
                "/root/a",
                Outcome::Completed,
            ),
            (
                r#"{"type":"functionCallOutput","id":"o","name":"lookup","output":"text"}"#,
                Role::Tool,
                "lookup",
                Outcome::Completed,
            ),
            (r#"{"type":"imageView","id":"i","path":"/a.png"}"#, Role::Tool, "/a.png", Outcome::Completed),
            (
                r#"{"type":"imageGeneration","id":"i","status":"completed","revisedPrompt":"a cat","failure":null}"#,
                Role::Tool,
                "a cat",
                Outcome::Completed,
            ),
            (
                r#"{"type":"imageGeneration","id":"i","status":"","revisedPrompt":null,"failure":{"type":"usageLimitExceeded"}}"#,
                Role::Tool,
                "",
                Outcome::Failed,
            ),
            (r#"{"type":"sleep","id":"z","durationMs":1500}"#, Role::Tool, "1500 ms", Outcome::Completed),
            (
                r#"{"type":"fileChange","id":"f","changes":[],"status":"declined","error":{"message":"no"}}"#,
                Role::Tool,
                "0 files",
                Outcome::Interrupted,
            ),
            (r#"{"type":"somethingNew","id":"n","status":"failed"}"#, Role::Tool, "", Outcome::Failed),
        ];
        for (name, ..) in ITEM_TYPES {
            assert!(cases.iter().any(|(text, ..)| read(text).item_type == name), "{name} is not tried");
        }
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
