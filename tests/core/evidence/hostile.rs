//! Texts that others write, read by what stands between them and a machine or a reader: redaction, commands and the machine's
//! policy, pages of histories. What each answers is held against `serde_json` and against itself.

use super::json::depth;
use crate::command::payload::CommandPayload;
use crate::command::row::CommandKind;
use crate::import::{ImportAnswer, ImportCall, ImportTurn, Place, Progress, plan_import};
use crate::limits::JSON_DEPTH_MAX;
use crate::policy::{Asked, Machine, PolicyAnswer, decide_command};
use crate::reasoning::{ReasoningCall, read_reasoning};
use crate::redact::redact_message;
use crate::request::approval::{self, Wish};
use serde::de::IgnoredAny;
use serde_json::Value;

const KINDS: [(&str, CommandKind, &str); 5] = [
    ("turn", CommandKind::Turn, "turn/start"),
    ("steer", CommandKind::Steer, "turn/steer"),
    ("interrupt", CommandKind::Interrupt, "turn/interrupt"),
    ("decide", CommandKind::Decide, "response"),
    ("answer", CommandKind::Answer, "response"),
];
/// What every command passes, so that its payload is read to the end.
const OPEN_SETTINGS: &str =
    r#"{"started":{"cwd":"/","sandboxPolicy":{"type":"dangerFullAccess"},"approvalPolicy":"never"}}"#;
const MARK: &str = "[redacted:";

/// Whether serde says so, as deep as the core reads.
fn is_json(text: &str) -> bool {
    depth(text) <= JSON_DEPTH_MAX && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The parts of an input: texts between line feeds, as many as are asked for.
fn lines<const COUNT: usize>(text: &str) -> [&str; COUNT] {
    let mut rest = text.splitn(COUNT, '\n');
    std::array::from_fn(|_| rest.next().unwrap_or_default())
}

/// A line, behind the message that it answers; panics where JSON does not stay JSON of the same shape, or where a second
/// time finds more.
pub fn check_redaction(text: &str) {
    let [request, line] = lines(text);
    for request in [None, Some(request)] {
        let Some(redacted) = redact_message(line, request) else { continue };
        assert!(redacted.contains(MARK), "what is replaced is told: {redacted:?}");
        assert_eq!(redact_message(&redacted, request), None, "once is enough: {redacted:?}");
        if !is_json(line) {
            continue;
        }
        assert!(is_json(&redacted), "JSON stays JSON: {redacted:?}");
        let values = (serde_json::from_str::<Value>(line), serde_json::from_str::<Value>(&redacted));
        if let (Ok(before), Ok(after)) = values {
            assert_kept(&before, &after);
        }
    }
}

/// What is not as it was is a text that tells so, or a name that does.
fn assert_kept(before: &Value, after: &Value) {
    match (before, after) {
        _ if before == after => {}
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len());
            before.iter().zip(after).for_each(|(before, after)| assert_kept(before, after));
        }
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in after {
                match before.get(name) {
                    Some(before) => assert_kept(before, value),
                    None => assert!(name.contains(MARK), "a member is made up: {name:?}"),
                }
            }
        }
        (_, Value::String(text)) => assert!(text.contains(MARK), "{text:?} tells of nothing"),
        _ => panic!("{before} became {after}"),
    }
}

/// A policy, the machine's settings, a payload and the request that it answers, a line each; panics where what is no JSON
/// passes, or where a machine would be sent what it cannot read.
pub fn check_command(text: &str) {
    let [policy_json, settings_json, payload, asked] = lines(text);
    let asked_method = method_of(asked);
    for (kind, known, method) in KINDS {
        let read = CommandPayload::read(known, payload);
        assert!(read.is_err() || is_json(payload), "what is read is JSON");
        for (policy_json, settings_json) in [
            (policy_json, settings_json),
            ("{}", OPEN_SETTINGS),
            (policy_json, OPEN_SETTINGS),
            ("{}", settings_json),
        ] {
            let asked = Some(Asked { method: &asked_method, payload_json: asked, is_redacted: false });
            let machine = Machine { policy_json, settings_json, recent: 0.0, asked };
            let answer = decide_command(machine, kind, payload);
            assert_eq!(decide_command(machine, kind, payload), answer);
            let PolicyAnswer::Allowed { cwd, sandbox_policy_json, approval_policy_json, .. } = &answer else {
                continue;
            };
            let is_stop = kind == "interrupt";
            assert!(
                is_json(payload) && (is_stop || is_json(policy_json) && is_json(settings_json)),
                "it fails closed"
            );
            assert_eq!(serde_json::to_value(&answer).unwrap()["method"], method);
            assert!(sandbox_policy_json.iter().chain(approval_policy_json).all(|json| is_json(json)));
            let parents = |cwd: &str| cwd.split(['/', '\\']).any(|name| name == "..");
            assert!(!cwd.as_deref().is_some_and(parents), "{cwd:?} leads out of where it is");
        }
    }
    check_decision(payload, asked);
}

fn method_of(asked: &str) -> String {
    let asked = serde_json::from_str::<Value>(asked).ok();
    asked.and_then(|asked| asked["method"].as_str().map(str::to_owned)).unwrap_or_default()
}

fn check_decision(wish: &str, asked: &str) {
    let method = method_of(asked);
    for wish in [Wish::Accepted, Wish::Declined, Wish::Exactly(wish)] {
        let Ok(decision) = approval::decision(&method, asked, wish) else { continue };
        assert!(is_json(decision), "{decision:?}");
        let result = approval::result(&method, asked, decision);
        assert!(is_json(&result), "{result:?}");
        // Of a request that asks for nothing, every decision is the same.
        if result == approval::result(&method, asked, "\"decline\"") {
            continue;
        }
        let told = approval::decision_of(&method, &result).map(|told| approval::is_same(told, decision));
        assert!(told != Some(false), "what Codex is answered is what was decided: {result:?}, {decision:?}");
    }
    approval::asks_secret(approval::QUESTION, Some(asked));
}

/// A turn of a history and its items, a line each; panics where a place is left out or given twice.
pub fn check_page(text: &str) {
    let mut rest = text.split('\n');
    let json = rest.next().unwrap_or_default();
    let items: Vec<&str> = rest.collect();
    let item = ReasoningCall { ended: true, include_raw: true, payload_json: items.first().copied() };
    assert_eq!(read_reasoning(&item), read_reasoning(&item));
    // A page without items goes on where the turn has ended.
    let has_items = !items.is_empty();
    for (more, legacy) in [(false, false), (has_items, false), (false, true)] {
        let turn = ImportTurn { turn_id: "T", json, more, foreign: legacy, items: items.clone() };
        let call = ImportCall {
            legacy,
            known: Some(Progress::default()),
            turns: vec![turn],
            ..ImportCall::default()
        };
        let ImportAnswer::Import { events, progress, .. } = plan_import(&call) else {
            panic!("a page from the beginning")
        };
        assert!(progress.position > Place::default(), "every page goes on");
        let mut reached = 0;
        for event in &events {
            assert!(reached <= event.cursor_start && event.cursor_start < event.cursor_end);
            reached = event.cursor_end;
            let stored = event.item.map_or(json, |item| items[item as usize]);
            assert_eq!(event.is_json, is_json(stored), "{stored:?}");
        }
        assert!(!legacy || events.is_empty(), "what another brought is left out");
        let again = ImportCall { known: Some(progress), ..call };
        let ImportAnswer::Import { progress: after, events, .. } = plan_import(&again) else {
            panic!("sent again")
        };
        assert!(after.position >= progress.position, "nothing goes back");
        assert!(events.iter().all(|event| event.cursor_start >= reached), "nothing comes twice");
    }
}
