//! What a sender has to say: the events of a thread's streams, each with its meaning known by construction, so that the
//! model reads no JSON.

use crate::event::item::{Outcome, REASONING};
use crate::event::methods::Newest;
use crate::ingest::call::{Delta, LifecycleEvent};
use crate::ingest::write::Source;
use crate::options::Options;
use std::collections::BTreeSet;
use std::sync::Mutex;

/// The thread of every history; users have threads of the same name.
pub const THREAD: &str = "T";
pub const TURNS: [&str; 3] = ["U", "V", "W"];
const RUNTIMES: [&str; 2] = ["r", "q"];

/// What a client decides on, and what it does not.
const COMMAND: &str = "item/commandExecution/requestApproval";
const FILES: &str = "item/fileChange/requestApproval";
const QUESTION: &str = "item/tool/requestUserInput";
const TOOL: &str = "item/tool/call";

/// What bytes say that say `item/started`, and a delta.
const ITEM_STARTED: u8 = 6;
const ITEM_GREW: u8 = 15;

/// The item that a turn's main stream and its history import both name.
pub const SHARED: &str = "00";

/// KiB of long deltas, by what their bytes say.
const LONG_KIB: [usize; 8] = [0, 0, 0, 0, 0, 5, 24, 66];

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
    /// A server request.
    Asked(Ask),
    /// `serverRequest/resolved`: the number of the request, none where nobody asked so.
    Resolved(Option<usize>),
    /// The newest of its kind; an empty text takes away what there is.
    Newest(Newest, &'static str),
    /// `thread/name/updated`; an empty one takes it away.
    Named(&'static str),
    /// `thread/archived` (true), `thread/unarchived` (false).
    Archived(bool),
}

/// A server request as it is in truth: who asked it, whatever its event says of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// No other request has it.
    pub number: usize,
    /// Its id, as JSON; one process of the app-server uses it once.
    pub id: &'static str,
    pub method: &'static str,
    /// Empty where it names none.
    pub turn_id: &'static str,
    pub item_id: &'static str,
    pub runtime_id: &'static str,
    pub generation: u64,
    /// Whether its event says which generation asked: one beside the streams does not.
    pub says_generation: bool,
    /// Whether it says that it resolves itself.
    pub resolves_itself: bool,
}

impl Ask {
    /// Whether it is shown as an approval.
    pub fn is_approval(&self) -> bool {
        self.method == COMMAND || self.method == FILES
    }
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
            Self::TurnStarted | Self::TurnEnded { .. } | Self::TurnWarned(_) => true,
            Self::ItemStarted { item, .. } | Self::ItemCompleted { item, .. } => {
                item.item_type != REASONING || options.save_reasoning_deltas
            }
            Self::ItemGrew { item, .. } if item.item_type == REASONING => options.save_reasoning_deltas,
            Self::ItemGrew { .. } | Self::ItemPrinted { .. } => options.save_stream_deltas,
            Self::ItemThought { .. } => options.save_reasoning_deltas && options.expose_raw_reasoning_deltas,
            _ => false,
        }
    }
}

/// An event of a stream, and what it means.
#[derive(Clone, Debug)]
pub struct Sent {
    pub delta: Delta<'static>,
    pub what: What,
    /// Which start of the bridge numbered it.
    pub generation: u64,
}

/// An event of the thread, and what it means.
#[derive(Clone, Debug)]
pub struct Lived {
    pub event: LifecycleEvent<'static>,
    pub what: What,
}

/// How a history is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// An item's id is used again after its end, as models do; else every use has an id of its own.
    pub ids_return: bool,
    /// Some deltas bring many KiB.
    pub long: bool,
    /// Stands in every text.
    pub mark: &'static str,
}

/// The streams of a thread, each with its events in cursor order.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub streams: Vec<Vec<Sent>>,
    pub lifecycle: Vec<Lived>,
    /// Every request that is asked, by its number.
    pub asks: Vec<Ask>,
    /// Starts of the bridge.
    generation: u64,
    /// Requests that this process of the app-server has asked on streams.
    asked: u64,
}

impl History {
    /// The history that the steps describe, two bytes each.
    pub fn new(steps: &[[u8; 2]], style: Style) -> Self {
        let mut history = Self { generation: 1, ..Self::default() };
        let mut names: Vec<(&'static str, &'static str)> = Vec::new();
        let mut uses = [[0_usize; 8]; 3];
        let mut begun: BTreeSet<(&str, Item)> = BTreeSet::new();
        let mut named: BTreeSet<(&str, Item)> = BTreeSet::new();
        let mut wrote = [0_u64; 2];
        for [place, said] in steps {
            let turn = usize::from(place % 3);
            let second = place / 3 % 4 == 0;
            let slot = usize::from(place / 12 % 4) + if second { 4 } else { 0 };
            let turn_id = TURNS[turn];
            let is_import = second && turn == 2;
            let suffix = if is_import { "import" } else { ["0", "1"][usize::from(second)] };
            let stream_id = word(format!("{THREAD}:{turn_id}:{suffix}"));
            if said % 32 > 28 {
                let runtime = usize::from(place % 2);
                history.live(turn_id, RUNTIMES[runtime], wrote[runtime], (said / 32, place / 12), style.mark);
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
            let count = if style.ids_return { 0 } else { uses[turn][slot] };
            let mut item =
                Item { id: word(format!("{}{}{count}", ["", "x"][slot / 4], slot % 4)), item_type };
            if is_import && slot == 4 && count == 0 {
                item.id = SHARED;
            }
            let cursor = history.streams[at].last().map_or(0, |last| last.delta.cursor_end as u64);
            let place = Place { turn_id, stream_id, cursor, item };
            // Nobody asks in what is remembered.
            let said = if is_import && said % 32 > 26 { &5 } else { said };
            let mut sent = history.say(place, *said, style);
            // A command is started before it prints, and once: its line is in its start alone.
            if item.item_type == "commandExecution" && sent.what.item() == Some(item) {
                let is_first = begun.insert((turn_id, item));
                let said = match sent.what {
                    What::ItemPrinted { .. } if is_first => ITEM_STARTED,
                    What::ItemStarted { .. } if !is_first && !style.ids_return => ITEM_GREW,
                    _ => *said,
                };
                sent = history.say(place, said, style);
            }
            // Nothing of an item comes before its start, and it starts once: what a fold has passed is not looked for.
            if let Some(item) = sent.what.item().filter(|_| !style.ids_return) {
                let is_first = named.insert((stream_id, item));
                if !is_first && matches!(sent.what, What::ItemStarted { .. }) {
                    sent = history.say(place, ITEM_GREW, style);
                }
            }
            if matches!(sent.what, What::ItemCompleted { .. }) {
                uses[turn][slot] += 1;
            }
            history.streams[at].push(sent);
        }
        history
    }

    fn live(
        &mut self,
        turn_id: &'static str,
        runtime: &'static str,
        number: u64,
        variant: (u8, u8),
        mark: &str,
    ) {
        let started = format!(r#"{{"threadId":"{THREAD}","turn":{{"id":"{turn_id}"}}}}"#);
        let ended = format!(r#"{{"threadId":"{THREAD}","turn":{{"id":"{turn_id}","status":"failed"}}}}"#);
        let names = format!(r#""threadId":"{THREAD}","turnId":"{turn_id}""#);
        let end = What::TurnEnded { outcome: Outcome::Failed, source: Source::Codex, makes_turn: true };
        let (variant, other) = (variant.0, usize::from(variant.1 % 4));
        let mut turn_id = Some(turn_id);
        let mut id = None;
        let (kind, params, what) = match variant {
            0 if other == 0 => ("turn/started", started, What::TurnStarted),
            1 if other == 1 => ("turn/completed", ended, end),
            0 | 1 => newest(3 + other, &names, number, mark),
            2 => {
                let name = [word(format!("{mark}n{number}")), "", "n", "m"][other];
                let json = if name.is_empty() { "null".to_owned() } else { format!(r#""{name}""#) };
                turn_id = None;
                ("thread/name/updated", format!(r#"{{"threadName":{json}}}"#), What::Named(name))
            }
            3 if other == 0 => ("turn/started", "null".to_owned(), What::Malformed),
            3 => {
                let kind = ["thread/unarchived", "thread/archived"][other % 2];
                turn_id = None;
                (kind, format!(r#"{{"threadId":"{THREAD}"}}"#), What::Archived(other % 2 == 1))
            }
            4 | 5 => newest(other, &names, number, mark),
            6 => {
                let named = if other == 0 { "" } else { turn_id.unwrap() };
                turn_id = Some(named).filter(|named| !named.is_empty());
                // Which process asked is not said: no other request has its id.
                let ask = Ask {
                    number: self.asks.len(),
                    id: word((1000 + self.asks.len()).to_string()),
                    method: [QUESTION, COMMAND, FILES, COMMAND][other],
                    turn_id: named,
                    item_id: ["", "00", "10", "00"][other],
                    runtime_id: runtime,
                    generation: self.generation,
                    says_generation: false,
                    resolves_itself: other == 0,
                };
                self.asks.push(ask);
                id = Some(ask.id);
                let names = if other == 0 { format!(r#""threadId":"{THREAD}""#) } else { names };
                asked(ask, &names, mark)
            }
            _ => {
                let mut mine =
                    self.asks.iter().filter(|ask| !ask.says_generation && ask.runtime_id == runtime);
                let ask = mine.next_back();
                let id = ask.map_or("999", |ask| ask.id);
                let params = format!(r#"{{"threadId":"{THREAD}","requestId":{id}}}"#);
                turn_id = None;
                ("serverRequest/resolved", params, What::Resolved(ask.map(|ask| ask.number)))
            }
        };
        let event_id =
            if variant == 5 { format!("foreign-{number}") } else { format!("{runtime}:{THREAD}:L{number}") };
        self.lifecycle.push(Lived {
            event: LifecycleEvent {
                event_id: word(event_id),
                turn_id,
                kind,
                payload_json: message(kind, id, &params),
                created_at_ms: 100.0,
            },
            what,
        });
    }

    /// The event that `said` describes.
    fn say(&mut self, place: Place, said: u8, style: Style) -> Sent {
        let Place { turn_id, stream_id, cursor, item } = place;
        let (variant, mark) = (said / 32, style.mark);
        let names = format!(r#""threadId":"{THREAD}","turnId":"{turn_id}""#);
        let mut id = None;
        let (kind, params, what) = match said % 32 {
            0 | 1 => turn_started(turn_id, &names),
            2 => turn_ended(turn_id, &names, variant),
            3 => turn_error(&names, variant),
            4 => malformed(variant),
            5 => ("thread/brandNew", format!("{{{names}}}"), What::Nothing),
            ITEM_STARTED..=10 => item_started(item, &names),
            11..=14 => item_completed(item, &names, variant, mark),
            25 | 26 => newest(usize::from(variant), &names, cursor, mark),
            27 | 28 if variant < 5 => {
                let count = self.asked;
                self.asked += 1;
                // Texts and numbers are two.
                let text = if count.is_multiple_of(2) {
                    (count / 2).to_string()
                } else {
                    format!(r#""{}""#, count / 2)
                };
                let method = [COMMAND, COMMAND, FILES, QUESTION, TOOL][usize::from(variant)];
                let ask = Ask {
                    number: self.asks.len(),
                    id: word(text),
                    method,
                    turn_id,
                    item_id: item.id,
                    runtime_id: RUNTIMES[0],
                    generation: self.generation,
                    says_generation: true,
                    resolves_itself: method == QUESTION && said.is_multiple_of(2),
                };
                self.asks.push(ask);
                id = Some(ask.id);
                asked(ask, &names, mark)
            }
            27 | 28 if variant < 7 => {
                let is_own = |ask: &&Ask| ask.says_generation && ask.generation == self.generation;
                let ask = self.asks.iter().rev().find(is_own);
                let id = ask.map_or("999", |ask| ask.id);
                let params = format!(r#"{{{names},"requestId":{id}}}"#);
                ("serverRequest/resolved", params, What::Resolved(ask.map(|ask| ask.number)))
            }
            // The bridge starts anew, and the turn goes on in another process.
            27 | 28 => {
                (self.generation, self.asked) = (self.generation + 1, 0);
                turn_started(turn_id, &names)
            }
            _ => item_grew(item, &names, cursor, variant, style),
        };
        let width = if said > 250 { 2 } else { 1 };
        let generation = self.generation;
        let delta = Delta {
            event_id: word(format!("{}.{generation}:{stream_id}:{cursor}", RUNTIMES[0])),
            turn_id,
            stream_id,
            kind,
            payload_json: message(kind, id, &params),
            cursor_start: cursor as f64,
            cursor_end: (cursor + width) as f64,
            created_at_ms: 100.0 + cursor as f64,
        };
        Sent { delta, what, generation }
    }
}

/// Where an event of a stream stands.
#[derive(Clone, Copy)]
struct Place {
    turn_id: &'static str,
    stream_id: &'static str,
    cursor: u64,
    item: Item,
}

fn message(kind: &str, id: Option<&str>, params: &str) -> &'static str {
    let id = id.map(|id| format!(r#""id":{id},"#)).unwrap_or_default();
    word(format!(r#"{{"method":"{kind}",{id}"params":{params}}}"#))
}

type Said = (&'static str, String, What);

fn turn_started(turn_id: &str, names: &str) -> Said {
    let params = format!(r#"{{{names},"turn":{{"id":"{turn_id}","status":"inProgress"}}}}"#);
    ("turn/started", params, What::TurnStarted)
}

fn asked(ask: Ask, names: &str, mark: &str) -> Said {
    let resolves = if ask.resolves_itself { r#","autoResolutionMs":60000"# } else { "" };
    let params = format!(r#"{{{names},"itemId":"{}","reason":"{mark}why"{resolves}}}"#, ask.item_id);
    (ask.method, params, What::Asked(ask))
}

/// What a turn or a thread keeps the newest of; `number` makes it differ from others.
fn newest(which: usize, names: &str, number: u64, mark: &str) -> Said {
    let word = |text: String| word(text);
    match which {
        0 | 1 => {
            let usage = word(format!(r#"{{"total":{{"totalTokens":{number}}},"last":{{"totalTokens":1}}}}"#));
            let params = format!(r#"{{{names},"tokenUsage":{usage}}}"#);
            ("thread/tokenUsage/updated", params, What::Newest(Newest::Usage, usage))
        }
        2 => {
            let diff = if number % 4 == 3 { "" } else { word(format!("{mark}diff{number}")) };
            ("turn/diff/updated", format!(r#"{{{names},"diff":"{diff}"}}"#), What::Newest(Newest::Diff, diff))
        }
        3 => {
            let params = word(format!(r#"{{{names},"plan":[{{"step":"{mark}{number}"}}]}}"#));
            ("turn/plan/updated", params.to_owned(), What::Newest(Newest::Plan, params))
        }
        4 => {
            let params = word(format!(r#"{{{names},"toModel":"m{number}"}}"#));
            ("model/rerouted", params.to_owned(), What::Newest(Newest::Reroute, params))
        }
        5 => {
            let goal = word(format!(r#"{{"objective":"{mark}{number}"}}"#));
            let what = What::Newest(Newest::Goal, goal);
            ("thread/goal/updated", format!(r#"{{{names},"goal":{goal}}}"#), what)
        }
        6 if number.is_multiple_of(2) => {
            ("thread/goal/cleared", format!("{{{names}}}"), What::Newest(Newest::Goal, ""))
        }
        6 => {
            let settings = word(format!(r#"{{"model":"m{number}"}}"#));
            let what = What::Newest(Newest::Settings, settings);
            ("thread/settings/updated", format!(r#"{{{names},"threadSettings":{settings}}}"#), what)
        }
        _ => {
            let warning = word(format!("{mark}warning{number}"));
            let what = What::Newest(Newest::Warning, warning);
            ("warning", format!(r#"{{{names},"message":"{warning}"}}"#), what)
        }
    }
}

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

fn item_grew(item: Item, names: &str, cursor: u64, variant: u8, style: Style) -> Said {
    let kib = if style.long { LONG_KIB[usize::from(variant)] } else { 0 };
    let mark = style.mark;
    let (json, units) = match variant {
        0 => (r"\ud83d".to_owned(), vec![0xD83D]),
        1 => (r"\ude00".to_owned(), vec![0xDE00]),
        2 => (r"\ude00é\ud83d".to_owned(), vec![0xDE00, 0xE9, 0xD83D]),
        3 => (String::new(), vec![]),
        _ => {
            let text = format!("<{mark}{cursor}>");
            let text = text.repeat((kib * 1024 / text.len()).max(1));
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
