//! The payload reader against `serde_json`, on any text at all.
//!
//! What is JSON is decided by serde's `IgnoredAny`, which checks the grammar and nothing else: no range of a number, no
//! pairs of surrogates. Values are compared with serde's `Value` wherever that accepts the text.

use crate::event::item::Outcome;
use crate::event::json::{Json, Kind, RawStr, Text};
use crate::event::payload::{Envelope, Growth, Meaning, Payload, read_payload};
use crate::event::reader::Reader;
use crate::limits::{JSON_DEPTH_MAX, SAFE_INTEGER_MAX};
use serde::de::IgnoredAny;
use serde_json::Value;

/// The names that the envelope of every checked payload has.
const THREAD: &str = "T";
const TURN: &str = "U";

/// Checks everything that the core reads of a payload; panics where it and `serde_json` disagree.
pub fn check_payload(text: &str) {
    let ours = Json::parse(text);
    let grammatical = serde_json::from_str::<IgnoredAny>(text).is_ok();
    if depth(text) <= JSON_DEPTH_MAX {
        assert_eq!(ours.is_ok(), grammatical, "what is JSON: {text:?}");
    } else {
        assert!(ours.is_err(), "deeper than the reader goes: {text:?}");
    }
    let theirs = serde_json::from_str::<Value>(text).ok();
    if let Ok(json) = ours {
        check_strings(text, json);
        if let Some(value) = &theirs {
            check_value(text, json, value);
        }
    }
    for kind in kinds(theirs.as_ref()) {
        let envelope =
            Envelope { kind, local_thread_id: Some(THREAD), thread_id: THREAD, turn_id: Some(TURN) };
        let read = read_payload(envelope, text);
        let mut reader = Reader::default();
        for again in 0..2 {
            assert_eq!(reader.read(envelope, text), read, "the same event means the same, {again}");
        }
        for other in neighbours(text) {
            let mut reader = Reader::default();
            let _ = reader.read(envelope, &other);
            assert_eq!(reader.read(envelope, text), read, "behind {other:?}");
        }
        assert_eq!(read == Err("the payload is not JSON"), ours.is_err(), "{text:?}");
        if let (Some(value), false) = (&theirs, ours.is_ok_and(has_escaped_key)) {
            check_meaning(kind, value, read);
        }
    }
}

/// The text with another delta: what stands before it in a row of them.
fn neighbours(text: &str) -> impl Iterator<Item = String> {
    let delta = Json::parse(text).ok().and_then(|json| json.get("params")?.get("delta"));
    delta.into_iter().flat_map(move |delta| {
        let span = delta.span_in(text);
        [r#""""#, r#""\\""#, r#""a\ud83d""#]
            .map(|other| [&text[..span.start], other, &text[span.end..]].concat())
    })
}

/// The kind that the payload names, and one that it does not.
fn kinds(value: Option<&Value>) -> Vec<&str> {
    let method = value.and_then(|value| value["method"].as_str());
    method.into_iter().chain(["item/agentMessage/delta"]).collect()
}

/// Levels of arrays and objects, counted without regard to the grammar.
pub(super) fn depth(text: &str) -> usize {
    let (mut deepest, mut level, mut inside, mut escaped) = (0, 0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'[' | b'{' if !inside => level += 1,
            b']' | b'}' if !inside => level = level.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(level);
    }
    deepest
}

fn check_value(text: &str, json: Json<'_>, value: &Value) {
    let slice = &text[json.span_in(text)];
    assert_eq!(slice, json.text());
    assert_eq!(&serde_json::from_str::<Value>(slice).unwrap(), value, "the span of a value: {text:?}");
    assert_eq!(json.is_null(), value.is_null());
    assert_eq!(json.bool(), value.as_bool());
    assert_eq!(json.str().map(RawStr::to_whole).as_deref(), value.as_str());
    let safe = value.as_u64().filter(|number| *number <= SAFE_INTEGER_MAX);
    assert_eq!(json.safe_integer(), safe, "{slice:?}");
    let kind = match value {
        Value::Null => Kind::Null,
        Value::Bool(_) => Kind::Bool,
        Value::Number(_) => Kind::Number,
        Value::String(_) => Kind::String,
        Value::Array(_) => Kind::Array,
        Value::Object(_) => Kind::Object,
    };
    assert_eq!(json.kind(), kind);
    let items: Vec<Json<'_>> = json.items().collect();
    assert_eq!(items.len(), value.as_array().map_or(0, Vec::len));
    for (item, value) in items.iter().zip(value.as_array().into_iter().flatten()) {
        check_value(text, *item, value);
    }
    let empty = serde_json::Map::new();
    let members = value.as_object().unwrap_or(&empty);
    for (key, _) in json.entries() {
        assert!(members.contains_key(&key.to_whole()));
    }
    for (key, value) in members {
        check_value(text, json.get(key).expect("the key is there"), value);
    }
}

/// Every string, unit by unit.
fn check_strings(text: &str, json: Json<'_>) {
    if let Some(string) = json.str() {
        let decoded = string.decode();
        assert_eq!(units(&decoded), mended(units_of(&json.text()[1..json.text().len() - 1])), "{text:?}");
        let whole = decoded.into_whole();
        assert_eq!(string.to_whole(), whole);
        assert!(string.is(&whole) && string.plain().is_none_or(|plain| plain == whole));
    }
    json.entries().for_each(|(_, value)| check_strings(text, value));
    json.items().for_each(|item| check_strings(text, item));
}

/// Halves that have no other half, and never will, are U+FFFD: those at the two ends may have one beyond.
fn mended(units: Vec<u16>) -> Vec<u16> {
    let high = |at: usize| units.get(at).is_some_and(|unit| (0xD800..0xDC00).contains(unit));
    let low = |at: usize| units.get(at).is_some_and(|unit| (0xDC00..0xE000).contains(unit));
    let lost = |at: usize| {
        (high(at) && !low(at + 1) && at + 1 != units.len()) || (low(at) && at != 0 && !high(at - 1))
    };
    (0..units.len()).map(|at| if lost(at) { 0xFFFD } else { units[at] }).collect()
}

/// The units of a string in JSON, escapes read one by one: what every other reading of it is held against.
pub fn units_of(inside: &str) -> Vec<u16> {
    let mut units = Vec::new();
    let mut chars = inside.chars();
    while let Some(char) = chars.next() {
        let named = if char == '\\' { chars.next().unwrap() } else { char };
        let unit = match named {
            _ if char != '\\' => None,
            'u' => u16::from_str_radix(&chars.by_ref().take(4).collect::<String>(), 16).ok(),
            'n' => Some(10),
            't' => Some(9),
            'r' => Some(13),
            'b' => Some(8),
            'f' => Some(12),
            _ => None,
        };
        match unit {
            Some(unit) => units.push(unit),
            None => units.extend(named.encode_utf16(&mut [0; 2]).iter()),
        }
    }
    units
}

/// The units that a decoded text stands for.
pub fn units(text: &Text) -> Vec<u16> {
    text.leading_low.into_iter().chain(text.utf8.encode_utf16()).chain(text.trailing_high).collect()
}

/// Keys that are written with escapes are not looked for: the app-server writes none.
fn has_escaped_key(json: Json<'_>) -> bool {
    json.entries().any(|(key, value)| key.plain().is_none() || has_escaped_key(value))
        || json.items().any(has_escaped_key)
}

/// What an event means, looked up in `serde_json`'s tree.
fn check_meaning(kind: &str, value: &Value, read: Result<Payload<'_>, &'static str>) {
    if value["method"].as_str() != Some(kind) {
        assert_eq!(read, Err("the payload names another method than its kind"));
        return;
    }
    let params = &value["params"];
    let Ok(payload) = read else { return };
    for named in ["threadId", "conversationId"] {
        let other = if named == "threadId" { "conversationId" } else { "threadId" };
        if let (Some(thread_id), None) = (params[named].as_str(), params.get(other)) {
            assert_eq!(thread_id, THREAD);
        }
    }
    if let Some(turn_id) = params["turnId"].as_str() {
        assert_eq!(turn_id, TURN);
    }
    match payload.meaning {
        Meaning::TurnStarted => assert_eq!(kind, "turn/started"),
        Meaning::TurnEnded { outcome, synthesized, .. } if kind == "turn/completed" => {
            let want = match params["turn"]["status"].as_str() {
                Some("failed") => Outcome::Failed,
                Some("interrupted") => Outcome::Interrupted,
                other => other.map(|_| Outcome::Completed).expect("a turn that ends has a status"),
            };
            assert_eq!(outcome, want);
            assert_eq!(synthesized, params["synthesized"] == true);
        }
        Meaning::TurnEnded { error, .. } => {
            assert_eq!(kind, "error");
            assert_ne!(params["willRetry"], true);
            assert_eq!(error.as_deref(), params["error"]["message"].as_str());
        }
        Meaning::TurnWarned(message) => {
            assert_eq!(params["willRetry"], true);
            assert_eq!(Some(message.as_str()), params["error"]["message"].as_str());
        }
        Meaning::ItemStarted(item) | Meaning::ItemCompleted(item) => {
            assert_eq!(Some(item.id.as_str()), params["item"]["id"].as_str());
            assert_eq!(Some(item.item_type.as_str()), params["item"]["type"].as_str());
            if let "agentMessage" | "plan" = item.item_type.as_str() {
                assert_eq!(item.text, params["item"]["text"].as_str().unwrap_or_default());
            }
        }
        Meaning::ItemGrew { item_id, growth, .. } => {
            assert_eq!(Some(item_id.as_ref()), params["itemId"].as_str());
            if let Growth::Text(text) | Growth::Output(text) = growth
                && kind != "item/reasoning/summaryPartAdded"
            {
                assert_eq!(Some(text.into_whole().as_str()), params["delta"].as_str());
            }
        }
        Meaning::ThreadNamed(name) => assert_eq!(name.as_deref(), params["threadName"].as_str()),
        Meaning::ThreadArchived(archived) => assert_eq!(archived, kind == "thread/archived"),
        Meaning::Asked(asked) => assert_eq!(serde_json::from_str(asked.id).ok().as_ref(), Some(&value["id"])),
        Meaning::RequestResolved(id) => {
            assert_eq!(serde_json::from_str(id).ok().as_ref(), Some(&params["requestId"]));
        }
        Meaning::Newest(..) | Meaning::Nothing => {}
    }
}
