//! What a line of the app-server is, against `serde_json`'s tree of it.

use crate::event::classify::{LineClass, LineFault, classify_line};
use serde_json::Value;

/// Checks the class of a line; panics where it and `serde_json` disagree. A line that serde refuses has any class: it
/// may be known from its two ends.
pub fn check_line(line: &str) {
    let class = classify_line(line);
    assert_eq!(class, classify_line(line), "the same line is the same");
    if let LineClass::Event { cut_start, cut_end, .. } = &class {
        assert!(cut_start <= cut_end && *cut_end <= line.encode_utf16().count());
    }
    let Ok(value) = serde_json::from_str::<Value>(line) else { return };
    if has_twins(line, &value) {
        return;
    }
    let Some(members) = value.as_object() else {
        return assert_eq!(fault(&class), Some(LineFault::NotAMessage));
    };
    let has_id = members.contains_key("id");
    let Some(method) = members.get("method") else {
        if has_id {
            return assert_eq!(class, LineClass::Response);
        }
        return assert_eq!(fault(&class), Some(LineFault::NotAMessage));
    };
    let Some(method) = method.as_str() else {
        return assert_eq!(fault(&class), Some(LineFault::NotAMessage));
    };
    let params = &value["params"];
    let id = |value: &Value| value.as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    // One that names its thread or its turn in two ways, and differently, is none of Codex's.
    let thread_ids: Vec<String> = [&params["threadId"], &params["conversationId"], &params["thread"]["id"]]
        .into_iter()
        .filter_map(id)
        .collect();
    let turn_ids: Vec<String> =
        [&params["turnId"], &params["turn"]["id"]].into_iter().filter_map(id).collect();
    let differ = |ids: &[String]| ids.windows(2).any(|pair| pair[0] != pair[1]);
    if differ(&thread_ids) || differ(&turn_ids) {
        return;
    }
    let Some(thread) = thread_ids.first() else {
        return assert_eq!(class, LineClass::Global { method: method.to_owned(), request: has_id });
    };
    let LineClass::Event { kind, thread_id, turn_id, request, emitted_at_ms, cut_start, cut_end, .. } = class
    else {
        panic!("an event is none: {line:?} is {class:?}")
    };
    assert_eq!((kind.as_str(), &thread_id, turn_id.as_ref()), (method, thread, turn_ids.first()));
    assert_eq!(request, has_id);
    let mut units: Vec<u16> = line.encode_utf16().collect();
    units.drain(cut_start..cut_end);
    let message: Value = serde_json::from_str(&String::from_utf16(&units).unwrap()).unwrap();
    let mut want = members.clone();
    let emitted = want.remove("emittedAtMs");
    assert_eq!(message, Value::Object(want), "the message verbatim, without the time: {line:?}");
    let at_ms =
        emitted.and_then(|emitted| emitted.as_u64()).filter(|ms| *ms <= crate::limits::SAFE_INTEGER_MAX);
    assert_eq!(emitted_at_ms, at_ms.map(|ms| ms as f64));
}

fn fault(class: &LineClass) -> Option<LineFault> {
    match class {
        LineClass::Error { code, .. } => Some(*code),
        _ => None,
    }
}

/// Whether a key stands twice in an object: then readers differ in what it means.
fn has_twins(line: &str, value: &Value) -> bool {
    fn count(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Object(members) => members.len() + members.values().map(count).sum::<usize>(),
            _ => 0,
        }
    }
    fn keys(json: crate::event::json::Json<'_>) -> usize {
        json.entries().map(|(_, value)| 1 + keys(value)).sum::<usize>()
            + json.items().map(keys).sum::<usize>()
    }
    crate::event::json::Json::parse(line).is_ok_and(|json| keys(json) != count(value))
}
