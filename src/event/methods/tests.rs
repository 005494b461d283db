//! The lists against the protocol's own names, against what payloads are read as, and against the document.

use super::*;
use crate::event::item::{ITEM_TYPES, Words};
use crate::event::payload::{Envelope, Growth, Meaning, Payload, read_payload};
use std::collections::BTreeSet;

/// What `tools/protocol.mjs` made of the binary's schema.
fn listed(what: &str) -> Vec<String> {
    let list = include_str!("../../../tests/fixtures/protocol/app-server.json");
    let list: serde_json::Value = serde_json::from_str(list).unwrap();
    list[what].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn once(names: impl IntoIterator<Item = impl Into<String>>) -> BTreeSet<String> {
    let mut set = BTreeSet::new();
    for name in names {
        let name = name.into();
        assert!(set.insert(name.clone()), "{name} is there twice");
    }
    set
}

#[test]
fn every_notification_is_in_one_list() {
    let notifications = listed("notifications").into_iter().chain(listed("notificationsOfTypesAlone"));
    let shown = SHOWN.iter().map(|method| method.name);
    let unshown = UNSHOWN.iter().map(|(name, _)| *name);
    assert_eq!(once(shown.chain(unshown)), once(notifications));
}

#[test]
fn every_server_request_is_listed() {
    assert_eq!(once(REQUESTS.iter().copied()), once(listed("serverRequests")));
}

#[test]
fn every_item_type_is_listed() {
    assert_eq!(once(ITEM_TYPES.iter().map(|(name, ..)| *name)), once(listed("itemTypes")));
}

/// Params that lack nothing for any method.
const PARAMS: &str = r#"{
    "threadId": "T", "turnId": "U", "turn": {"id": "U", "status": "completed"}, "willRetry": true,
    "error": {"message": "e"}, "item": {"type": "plan", "id": "i", "text": "p"}, "itemId": "i", "delta": "d",
    "summaryIndex": 1, "threadName": "n", "tokenUsage": {"total": {}, "last": {}}, "diff": "f", "plan": [],
    "toModel": "m", "goal": {}, "threadSettings": {}, "message": "w", "requestId": 0
}"#;

fn read(kind: &'static str, params: &str) -> Payload<'static> {
    let envelope = Envelope { kind, local_thread_id: Some("T"), thread_id: "T", turn_id: Some("U") };
    let payload = crate::testing::keep(format!(r#"{{"method":"{kind}","params":{params}}}"#));
    read_payload(envelope, payload).unwrap()
}

#[test]
fn what_is_shown_is_read_as_it_is_listed() {
    for method in SHOWN {
        let Payload { meaning, keeping } = read(method.name, PARAMS);
        assert_eq!(keeping, method.keeping, "{}", method.name);
        let as_listed = match (method.effect, &meaning) {
            (Effect::BeginsTurn, Meaning::TurnStarted)
            | (Effect::EndsTurn, Meaning::TurnEnded { makes_turn: true, .. })
            | (Effect::FailsTurn, Meaning::TurnWarned(_))
            | (Effect::BeginsItem, Meaning::ItemStarted(_))
            | (Effect::EndsItem, Meaning::ItemCompleted(_))
            | (Effect::NamesThread, Meaning::ThreadNamed(Some(_))) => true,
            (Effect::ArchivesThread(want), Meaning::ThreadArchived(archived)) => want == *archived,
            (Effect::GrowsItem(growing, onto), Meaning::ItemGrew { item_type, growth, .. }) => {
                let same = match onto {
                    Onto::Text => matches!(growth, Growth::Text(text) if text.utf8 == "d"),
                    Onto::Output => matches!(growth, Growth::Output(text) if text.utf8 == "d"),
                    Onto::Nothing => *growth == Growth::Unseen,
                };
                same && *item_type == growing.item_type()
            }
            (Effect::PartsSummary, Meaning::ItemGrew { item_type, growth: Growth::Text(text), .. }) => {
                *item_type == REASONING && text.utf8 == "\n\n"
            }
            (Effect::IsNewest(newest), Meaning::Newest(what, text)) => newest == *what && !text.is_empty(),
            (Effect::Forgets(newest), Meaning::Newest(what, text)) => newest == *what && text.is_empty(),
            (Effect::ResolvesRequest, Meaning::RequestResolved(id)) => *id == "0",
            _ => false,
        };
        assert!(as_listed, "{}: {:?}, read as {meaning:?}", method.name, method.effect);
    }
}

#[test]
fn what_is_not_shown_is_read_as_nothing() {
    let names = UNSHOWN.iter().map(|(name, _)| *name).chain(["somethingNew"]);
    for name in names {
        let nothing = Payload { meaning: Meaning::Nothing, keeping: Keeping::Never };
        assert_eq!(read(name, PARAMS), nothing, "{name}");
    }
}

#[test]
fn what_lacks_its_newest_is_malformed() {
    for (kind, params) in [
        ("thread/tokenUsage/updated", "{}"),
        ("thread/tokenUsage/updated", r#"{"tokenUsage":null}"#),
        ("thread/tokenUsage/updated", r#"{"tokenUsage":{"total":{}}}"#),
        ("thread/tokenUsage/updated", r#"{"tokenUsage":{"total":{},"last":7}}"#),
        ("turn/diff/updated", r#"{"diff":{}}"#),
        ("turn/plan/updated", r#"{"plan":"p"}"#),
        ("model/rerouted", r#"{"fromModel":"m"}"#),
        ("thread/goal/updated", r#"{"goal":"g"}"#),
        ("thread/settings/updated", r#"{"threadSettings":[]}"#),
        ("warning", r#"{"message":null}"#),
        ("guardianWarning", "{}"),
    ] {
        let envelope = Envelope { kind, local_thread_id: Some("T"), thread_id: "T", turn_id: Some("U") };
        let payload = format!(r#"{{"method":"{kind}","params":{params}}}"#);
        assert_eq!(
            read_payload(envelope, &payload).unwrap_err(),
            "the payload lacks what it brings",
            "{payload}"
        );
    }
}

fn effect(effect: Effect) -> String {
    match effect {
        Effect::BeginsTurn => "begins its turn".into(),
        Effect::EndsTurn => "ends its turn, and what is open in it".into(),
        Effect::FailsTurn => "fails its turn; with `willRetry` it is a warning".into(),
        Effect::BeginsItem => "makes its item's message".into(),
        Effect::EndsItem => "is the last word on its item's text, payload and status".into(),
        Effect::GrowsItem(growing, onto) => {
            let onto = match onto {
                Onto::Text => "the text of",
                Onto::Output => "the live output of",
                Onto::Nothing => "nothing that rows show of",
            };
            format!("adds to {onto} its `{}` item", growing.item_type())
        }
        Effect::PartsSummary => "begins the next part of its `reasoning` item's text".into(),
        Effect::NamesThread => "names the thread".into(),
        Effect::ArchivesThread(true) => "archives the thread".into(),
        Effect::ArchivesThread(false) => "un-archives the thread".into(),
        Effect::IsNewest(newest) => {
            let owner = match newest {
                Newest::Usage => "turn's and the thread's",
                newest if newest.is_of_turn() => "turn's",
                _ => "thread's",
            };
            format!("is the {owner} newest {}", crate::testing::name(&newest))
        }
        Effect::Forgets(newest) => format!("takes the thread's {} away", crate::testing::name(&newest)),
        Effect::ResolvesRequest => "its request is answered, or no longer asked".into(),
    }
}

fn keeping(keeping: Keeping) -> &'static str {
    match keeping {
        Keeping::Always => "always",
        Keeping::StreamDeltas => "`saveStreamDeltas`",
        Keeping::Reasoning => "`saveReasoningDeltas`",
        Keeping::RawReasoning => "`saveReasoningDeltas` and `exposeRawReasoningDeltas`",
        Keeping::Never => "no",
    }
}

fn unshown(why: Unshown) -> &'static str {
    match why {
        Unshown::OfProcess => "of the whole process, or a client's own call: it reaches no thread's rows",
        Unshown::OfMoment => "how something is at this moment, or how far it has come",
        Unshown::Bare => "says that something has changed, not what",
        Unshown::SaidElsewhere => "an item, or another notification, says the same",
        Unshown::OtherClients => "how other clients file and read their threads",
        Unshown::Spoken => "a spoken session, without turns and items",
        Unshown::Unstable => "the app-server calls its form temporary, or gives it none",
        Unshown::NotOurs => "what is kept here goes by an app's word only",
    }
}

fn words(words: Words) -> String {
    match words {
        Words::Nothing => "none".into(),
        Words::Input => "the texts among its inputs, a line each".into(),
        Words::Own(key) => format!("`{key}`"),
        Words::Summary => "its summary's parts".into(),
        Words::Fragments => "its fragments, a line each".into(),
        Words::Name(key) => format!("its `{key}`"),
        Words::Changes => "how many files, and their paths".into(),
        Words::Milliseconds => "its `durationMs`, as `1500 ms`".into(),
    }
}

fn table(head: [&str; 3], rows: impl Iterator<Item = [String; 3]>) -> String {
    let columns = if head[2].is_empty() { 2 } else { 3 };
    let line = |cells: &[String]| format!("| {} |\n", cells[..columns].join(" | "));
    let mut rows: Vec<String> = rows.map(|cells| line(&cells)).collect();
    rows.sort();
    line(&head.map(str::to_owned)) + &line(&["---"; 3].map(str::to_owned)) + &rows.concat()
}

fn document() -> String {
    let code = |name: &str| format!("`{name}`");
    let shown = SHOWN
        .iter()
        .map(|method| [code(method.name), effect(method.effect), keeping(method.keeping).to_owned()]);
    let unshown = UNSHOWN.iter().map(|(name, why)| [code(name), unshown(*why).to_owned(), String::new()]);
    let requests = REQUESTS.iter().map(|name| {
        let shown =
            if crate::request::approval::kind(name).is_some() { "as an approval" } else { "as a request" };
        [code(name), shown.to_owned(), String::new()]
    });
    let items =
        ITEM_TYPES.iter().map(|(name, role, text)| [code(name), crate::testing::name(role), words(*text)]);
    [
        include_str!("head.md").to_owned(),
        table(["notification", "what it does", "kept for replay"], shown),
        "\n## What rows show nothing of\n\nIt moves its stream's cursor only, as every method that is not listed.\n\n"
            .to_owned(),
        table(["notification", "why", ""], unshown),
        "\n## Server requests\n\nEvery message with an id is one, of these methods or not: a row of `serverRequests`, open until it is answered or its turn or process ends.\n\n".to_owned(),
        table(["method", "how it is listed", ""], requests),
        include_str!("items.md").to_owned(),
        table(["item", "role", "text"], items),
    ]
    .concat()
}

/// `UPDATE_DOCS=1 cargo test --lib` writes it.
#[test]
fn the_document_says_what_the_lists_say() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/EVENTS.md");
    let document = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(file, &document).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap();
    assert!(written == document, "docs/EVENTS.md is old: run UPDATE_DOCS=1 cargo test --lib");
}
