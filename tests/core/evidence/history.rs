//! What a sender has to say: the events of a thread's streams, each with its meaning known by construction, so that the
//! model reads no JSON.

use crate::event::item::{Outcome, REASONING};
use crate::ingest::call::{Delta, LifecycleEvent};
use crate::ingest::write::Source;
use crate::options::Options;
use std::collections::BTreeSet;
use std::sync::Mutex;

/// The thread of every history; users have threads of the same name.
pub const THREAD: &str = "T";
const TURNS: [&str; 3] = ["U", "V", "W"];
const RUNTIMES: [&str; 2] = ["r", "q"];

/// What bytes say that say `item/started`, and a delta.
const ITEM_STARTED: u8 = 6;
const ITEM_GREW: u8 = 15;

/// A text that stays, kept once however often it is said: fuzzing says the same for hours.
pub fn word(text: impl AsRef<str>) -> &'static str {
    static WORDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut words = WORDS.lock().unwrap();
    if let Some(word) = words.get(text.as_ref()) {
        return word;
    }
    let word = Box::leak(text.as_ref().to_owned().into_boxed_str());
    words.insert(word);
    word
}

/// What an event means.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Nothing that rows show.
    Nothing,
    /// Its payload is not what its kind says.
    Malformed,
    /// `turn/started`
    TurnStarted,
    /// `turn/completed`, or an `error`, which makes no turn.
    TurnEnded { outcome: Outcome, source: Source, makes_turn: bool },
    /// An `error` that is tried again.
    TurnWarned(&'static str),
    /// `item/started`
    ItemStarted { item: Item, text: &'static str },
    /// A delta of text: UTF-16 units, halves of pairs among them.
    ItemGrew { item: Item, units: Vec<u16> },
    /// A delta of a command's output.
    ItemPrinted { item: Item },
    /// Raw reasoning.
    ItemThought { item: Item },
    /// `item/completed`
    ItemCompleted { item: Item, text: &'static str, outcome: Outcome },
}

/// An item as events name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    pub id: &'static str,
    pub item_type: &'static str,
}

impl What {
    /// The item that the event names.
    pub fn item(&self) -> Option<Item> {
        match self {
            Self::ItemStarted { item, .. }
            | Self::ItemGrew { item, .. }
            | Self::ItemPrinted { item }
            | Self::ItemThought { item }
            | Self::ItemCompleted { item, .. } => Some(*item),
            _ => None,
        }
    }

    /// What it means where these options are set: without reasoning, its events mean nothing.
    pub fn under(&self, options: &Options) -> Self {
        let reasoning = self.item().is_some_and(|item| item.item_type == REASONING);
        if reasoning && !options.save_reasoning_deltas { Self::Nothing } else { self.clone() }
    }

    /// Whether its payload is kept for replay.
    pub fn is_kept(&self, options: &Options) -> bool {
        match self {
            Self::Nothing | Self::Malformed => false,
            Self::TurnStarted | Self::TurnEnded { .. } | Self::TurnWarned(_) => true,
            Self::ItemStarted { item, .. } | Self::ItemCompleted { item, .. } => {
                item.item_type != REASONING || options.save_reasoning_deltas
            }
            Self::ItemGrew { item, .. } if item.item_type == REASONING => options.save_reasoning_deltas,
            Self::ItemGrew { .. } | Self::ItemPrinted { .. } => options.save_stream_deltas,
            Self::ItemThought { .. } => options.save_reasoning_deltas && options.expose_raw_reasoning_deltas,
        }
    }
}

/// An event of a stream, and what it means.
#[derive(Clone, Debug)]
pub struct Sent {
    pub delta: Delta<'static>,
    pub what: What,
}

/// An event of the thread, and what it means.
#[derive(Clone, Debug)]
pub struct Lived {
    pub event: LifecycleEvent<'static>,
    pub what: What,
}

/// The streams of a thread, each with its events in cursor order.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub streams: Vec<Vec<Sent>>,
    pub lifecycle: Vec<Lived>,
}

impl History {
    /// The history that the steps describe, two bytes each. Where `ids_return`, an item's id is used again after its end,
    /// as models do; else every use has an id of its own.
    pub fn new(steps: &[[u8; 2]], ids_return: bool, mark: &'static str) -> Self {
        let mut history = Self::default();
        let mut names: Vec<(&'static str, &'static str)> = Vec::new();
        let mut uses = [[0_usize; 8]; 3];
        let mut begun: BTreeSet<(&str, Item)> = BTreeSet::new();
        let mut wrote = [0_u64; 2];
        for [place, said] in steps {
            let turn = usize::from(place % 3);
            let second = place / 3 % 4 == 0;
            let slot = usize::from(place / 12 % 4) + if second { 4 } else { 0 };
            let turn_id = TURNS[turn];
            let stream_id = word(format!("{THREAD}:{turn_id}:{}", u8::from(second)));
            if said % 32 > 29 {
                let runtime = usize::from(place % 2);
                history.live(turn_id, RUNTIMES[runtime], wrote[runtime], said / 32);
                wrote[runtime] += 1;
                continue;
            }
            let at = names.iter().position(|name| *name == (turn_id, stream_id)).unwrap_or_else(|| {
                names.push((turn_id, stream_id));
                history.streams.push(Vec::new());
                names.len() - 1
            });
            let item_type = ["agentMessage", "agentMessage", "commandExecution", REASONING, "plan"]
                [slot % 4 + usize::from(slot == 5)];
            let count = if ids_return { 0 } else { uses[turn][slot] };
            let item = Item { id: word(format!("{}{}{count}", ["", "x"][slot / 4], slot % 4)), item_type };
            let events = &mut history.streams[at];
            let cursor = events.last().map_or(0, |last| last.delta.cursor_end as u64);
            let mut sent = Sent::new(turn_id, stream_id, cursor, item, *said, mark);
            // A command is started before it prints, and once: its line is in its start alone.
            if item.item_type == "commandExecution" && sent.what.item() == Some(item) {
                let is_first = begun.insert((turn_id, item));
                let said = match sent.what {
                    What::ItemPrinted { .. } if is_first => ITEM_STARTED,
                    What::ItemStarted { .. } if !is_first && !ids_return => ITEM_GREW,
                    _ => *said,
                };
                sent = Sent::new(turn_id, stream_id, cursor, item, said, mark);
            }
            if matches!(sent.what, What::ItemCompleted { .. }) {
                uses[turn][slot] += 1;
            }
            events.push(sent);
        }
        history
    }

    fn live(&mut self, turn_id: &'static str, runtime: &str, number: u64, variant: u8) {
        let started = format!(r#"{{"threadId":"{THREAD}","turn":{{"id":"{turn_id}"}}}}"#);
        let ended = format!(r#"{{"threadId":"{THREAD}","turn":{{"id":"{turn_id}","status":"failed"}}}}"#);
        let end = What::TurnEnded { outcome: Outcome::Failed, source: Source::Codex, makes_turn: true };
        let (kind, params, what) = match variant {
            0 => ("turn/started", started, What::TurnStarted),
            1 => ("turn/completed", ended, end),
            2 => ("thread/name/updated", r#"{"threadName":"n"}"#.to_owned(), What::Nothing),
            3 => ("turn/started", "null".to_owned(), What::Malformed),
            _ => (
                "thread/tokenUsage/updated",
                r#"{"tokenUsage":{"total":{},"last":{}}}"#.to_owned(),
                What::Nothing,
            ),
        };
        let event_id =
            if variant == 5 { format!("foreign-{number}") } else { format!("{runtime}:{THREAD}:L{number}") };
        self.lifecycle.push(Lived {
            event: LifecycleEvent {
                event_id: word(event_id),
                turn_id: Some(turn_id),
                kind,
                payload_json: word(format!(r#"{{"method":"{kind}","params":{params}}}"#)),
                created_at_ms: 100.0,
            },
            what,
        });
    }
}

impl Sent {
    /// The event that `said` describes, at `cursor`.
    fn new(
        turn_id: &'static str,
        stream_id: &'static str,
        cursor: u64,
        item: Item,
        said: u8,
        mark: &'static str,
    ) -> Self {
        let variant = said / 32;
        let names = format!(r#""threadId":"{THREAD}","turnId":"{turn_id}""#);
        let (kind, params, what) = match said % 32 {
            0 | 1 => {
                let params = format!(r#"{{{names},"turn":{{"id":"{turn_id}","status":"inProgress"}}}}"#);
                ("turn/started", params, What::TurnStarted)
            }
            2 => turn_ended(turn_id, &names, variant),
            3 => turn_error(&names, variant),
            4 => malformed(variant),
            5 => ("thread/brandNew", format!("{{{names}}}"), What::Nothing),
            ITEM_STARTED..=10 => item_started(item, &names),
            11..=14 => item_completed(item, &names, variant, mark),
            _ => item_grew(item, &names, cursor, variant, mark),
        };
        let width = if said > 250 { 2 } else { 1 };
        let delta = Delta {
            event_id: word(format!("{stream_id}-{cursor}")),
            turn_id,
            stream_id,
            kind,
            payload_json: word(format!(r#"{{"method":"{kind}","params":{params}}}"#)),
            cursor_start: cursor as f64,
            cursor_end: (cursor + width) as f64,
            created_at_ms: 100.0 + cursor as f64,
        };
        Self { delta, what }
    }
}

type Said = (&'static str, String, What);

fn turn_ended(turn_id: &str, names: &str, variant: u8) -> Said {
    let (status, outcome) = [
        ("completed", Outcome::Completed),
        ("interrupted", Outcome::Interrupted),
        ("failed", Outcome::Failed),
    ][usize::from(variant % 3)];
    let (synthesized, source) = if variant > 5 { (true, Source::Local) } else { (false, Source::Codex) };
    let params =
        format!(r#"{{{names},"turn":{{"id":"{turn_id}","status":"{status}"}},"synthesized":{synthesized}}}"#);
    ("turn/completed", params, What::TurnEnded { outcome, source, makes_turn: true })
}

fn turn_error(names: &str, variant: u8) -> Said {
    let message = ["busy", "gone"][usize::from(variant % 2)];
    let retry = variant < 5;
    let params = format!(r#"{{{names},"error":{{"message":"{message}"}},"willRetry":{retry}}}"#);
    let end = What::TurnEnded { outcome: Outcome::Failed, source: Source::Codex, makes_turn: false };
    ("error", params, if retry { What::TurnWarned(message) } else { end })
}

fn malformed(variant: u8) -> Said {
    let (kind, params) = [
        ("item/started", "{}"),
        ("item/agentMessage/delta", r#"{"itemId":"00","delta":5}"#),
        ("turn/completed", r#"{"turn":{"id":"U"}}"#),
        ("turn/started", "{"),
    ][usize::from(variant % 4)];
    (kind, params.to_owned(), What::Malformed)
}

/// The words of a started item are its own; those of an item whose text grows come as deltas.
fn item_started(item: Item, names: &str) -> Said {
    let text = if item.item_type == "commandExecution" { "ls" } else { "" };
    let params = format!(r#"{{{names},"item":{}}}"#, item_json(item, text, "inProgress"));
    ("item/started", params, What::ItemStarted { item, text })
}

fn item_completed(item: Item, names: &str, variant: u8, mark: &str) -> Said {
    let (status, outcome) =
        [("completed", Outcome::Completed), ("failed", Outcome::Failed), ("declined", Outcome::Interrupted)]
            [usize::from(variant % 3)];
    let text = word(format!("{mark}whole{variant}"));
    let params = format!(r#"{{{names},"item":{}}}"#, item_json(item, text, status));
    ("item/completed", params, What::ItemCompleted { item, text, outcome })
}

fn item_json(Item { id, item_type }: Item, text: &str, status: &str) -> String {
    let words = match item_type {
        "commandExecution" => format!(r#""command":"{text}""#),
        REASONING if text.is_empty() => r#""summary":[],"content":[]"#.to_owned(),
        REASONING => format!(r#""summary":["{text}"],"content":["raw"]"#),
        _ => format!(r#""text":"{text}""#),
    };
    format!(r#"{{"type":"{item_type}","id":"{id}",{words},"status":"{status}"}}"#)
}

fn item_grew(item: Item, names: &str, cursor: u64, variant: u8, mark: &str) -> Said {
    let (json, units) = match variant {
        0 => (r"\ud83d".to_owned(), vec![0xD83D]),
        1 => (r"\ude00".to_owned(), vec![0xDE00]),
        2 => (r"\ude00é\ud83d".to_owned(), vec![0xDE00, 0xE9, 0xD83D]),
        3 => (String::new(), vec![]),
        _ => {
            let text = format!("<{mark}{cursor}>");
            (text.clone(), text.encode_utf16().collect())
        }
    };
    let params = format!(r#"{{{names},"itemId":"{}","delta":"{json}"}}"#, item.id);
    match item.item_type {
        "commandExecution" => ("item/commandExecution/outputDelta", params, What::ItemPrinted { item }),
        "plan" => ("item/plan/delta", params, What::ItemGrew { item, units }),
        REASONING if variant == 4 => ("item/reasoning/textDelta", params, What::ItemThought { item }),
        REASONING => ("item/reasoning/summaryTextDelta", params, What::ItemGrew { item, units }),
        _ => ("item/agentMessage/delta", params, What::ItemGrew { item, units }),
    }
}
