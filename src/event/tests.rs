//! What the parts of an event's reading owe each other, beside the tests that each has of its own.

use super::classify::{LineClass, LineFault, classify_line};
use super::item::{Item, Role, role_of_type};
use super::json::Json;
use super::methods::Keeping;
use super::payload::{Envelope, Growth, Meaning, Payload, read_payload};

fn is_event(line: &str) -> bool {
    matches!(classify_line(line), LineClass::Event { .. })
}

fn is_no_json(line: &str) -> bool {
    matches!(classify_line(line), LineClass::Error { code: LineFault::NotJson, .. })
}

#[test]
fn a_line_without_a_time_at_its_end_is_read_to_its_end() {
    let by_turn = r#"{"method":"turn/started","params":{"threadId":"t","turn":{"id":"u"}"#;
    let by_id = r#"{"method":"item/x","params":{"threadId":"t","turnId":"u""#;
    for begun in [by_turn, by_id] {
        assert!(is_event(&format!("{begun}}}}}")));
        assert!(is_no_json(&format!("{begun},\"x\":")));
        assert!(is_no_json(&format!("{begun},\"x\":}}}}")));
    }
}

#[test]
fn a_time_is_one_where_it_has_digits() {
    let begun = r#"{"method":"item/x","params":{"threadId":"t","turnId":"u"},"emittedAtMs":"#;
    assert!(is_event(&format!("{begun}7}}")));
    assert!(is_no_json(&format!("{begun}}}")));
}

#[test]
fn an_answer_is_known_by_its_two_ends_white_space_behind_it_or_not() {
    for behind in ["", " ", "\r\n", "\t \n"] {
        assert_eq!(classify_line(&format!(r#"{{"id":1,"result":{{x}}}}{behind}"#)), LineClass::Response);
    }
}

#[test]
fn a_line_that_is_no_json_says_from_where_on() {
    let LineClass::Error { message, .. } = classify_line(r#"{"a":}"#) else { panic!("it is none") };
    assert_eq!(message, "line is not JSON from byte 5 on");
}

#[test]
fn an_item_of_which_a_delta_was_seen_has_the_role_of_its_type() {
    let roles =
        ["agentMessage", "userMessage", "contextCompaction", "commandExecution", "of a newer version"]
            .map(role_of_type);
    assert_eq!(roles, [Role::Assistant, Role::User, Role::System, Role::Tool, Role::Tool]);
}

#[test]
fn the_one_text_of_an_input_is_kept_beside_the_payload() {
    let item = |content: &str| format!(r#"{{"type":"userMessage","id":"m","content":[{content}]}}"#);
    let [one, two] = [r#"{"type":"text","text":"one"}"#, r#"{"type":"text","text":"two"}"#];
    let kept = |content: &str| {
        let json = item(content);
        let read = Item::read(Json::parse(&json).ok()?)?;
        Some((read.text.clone(), read.text_value.map(|value| value.text().to_owned())))
    };
    assert_eq!(kept(one), Some(("one".to_owned(), Some("\"one\"".to_owned()))));
    assert_eq!(kept(&format!("{one},{two}")), Some(("one\ntwo".to_owned(), None)));
    assert_eq!(kept(""), Some((String::new(), None)));
}

fn read<'a>(kind: &str, payload: &'a str) -> Payload<'a> {
    let envelope = Envelope { kind, local_thread_id: None, thread_id: "T", turn_id: Some("U") };
    read_payload(envelope, payload).expect("it is well-formed")
}

#[test]
fn the_parts_of_a_summary_are_apart_but_for_the_first() {
    let between = |part: &str| {
        let payload = format!(
            r#"{{"method":"item/reasoning/summaryPartAdded","params":{{"threadId":"T","turnId":"U","itemId":"r"{part}}}}}"#
        );
        match read("item/reasoning/summaryPartAdded", &payload).meaning {
            Meaning::ItemGrew { growth: Growth::Text(text), .. } => text.utf8,
            _ => panic!("it grows an item"),
        }
    };
    let parts = ["", r#","summaryIndex":0"#, r#","summaryIndex":1"#, r#","summaryIndex":2"#].map(between);
    assert_eq!(parts, ["", "", "\n\n", "\n\n"]);
}

#[test]
fn an_item_is_kept_as_its_type_is_and_reasoning_as_reasoning() {
    for method in ["item/started", "item/completed"] {
        let keeping = |item_type: &str| {
            let payload = format!(
                r#"{{"method":"{method}","params":{{"threadId":"T","turnId":"U","item":{{"id":"i","type":"{item_type}"}}}}}}"#
            );
            read(method, &payload).keeping
        };
        assert_eq!(keeping("reasoning"), Keeping::Reasoning);
        assert_ne!(keeping("plan"), Keeping::Reasoning);
    }
}

#[test]
fn a_string_holds_no_control_character_wherever_it_stands() {
    for at in 0..20 {
        for char in (0..0x80).map(char::from).filter(|char| !matches!(char, '"' | '\\')) {
            let line = format!("\"{}{char}{}\"", "a".repeat(at), "b".repeat(19 - at));
            assert_eq!(Json::parse(&line).is_ok(), char >= ' ', "{at} {char:?}");
        }
    }
}
