//! History imports: a thread's turns, as the app-server has kept them, come in page by page and become events of their
//! turns' import streams, `${threadId}:${turnId}:import`, which a batch takes as it takes any other (`src/ingest`).
//!
//! A place in a history is a turn's number and an item's number in it. Item n begins at cursor 2n + 1 of its turn's stream
//! and ends at 2n + 2; the turn begins at 0 and ends behind its last item. So what is sent again finds its own place.

use crate::error::Code;
use crate::event::json::{Json, RawStr};
use crate::ingest::write::{ChunkRange, ItemName, Needs};
use crate::limits::{ID_BYTES_MAX, IMPORT_BYTES_MAX, IMPORT_ITEMS_MAX, IMPORT_TURNS_MAX};
use crate::pack::{Misfit, Unpacker, safe_integer};
use crate::sorted::add;
use crate::tombstone::NewThread;
use serde::Serialize;
use tsify::Tsify;

/// The method of a turn's end.
const TURN_COMPLETED: &str = "turn/completed";
/// The method of an item's.
const ITEM_COMPLETED: &str = "item/completed";

/// A place in a history: everything before it is imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The turn's number.
    pub turn: u64,
    /// The item's number in it.
    pub item: u64,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Where it stands.
    pub state: ImportState,
    /// Everything before it is imported.
    pub position: Place,
    /// Items that came, those that were there already included.
    pub imported_items: u64,
    /// Events that were malformed, but for those of this call: the batch says how many they are.
    pub quarantined: u64,
}

/// Where an import stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum ImportState {
    /// Pages are to come.
    #[default]
    Running,
    /// All of a page was taken that said to be the last.
    Completed,
}

impl ImportState {
    /// The state of a name.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "running" => Some(Self::Running),
            "completed" => Some(Self::Completed),
            _ => None,
        }
    }
}

/// A page of a history.
#[derive(Clone, Debug, Default)]
pub struct ImportCall<'a> {
    /// The thread that is to be made, where it does not exist.
    pub new_thread: Option<NewThread<'a>>,
    /// Whether the app-server gives the thread's items other ids than those of its events.
    pub legacy: bool,
    /// Whether the import begins again.
    pub restart: bool,
    /// Whether the thread has had turns.
    pub used: bool,
    /// Whether the page says to be the last.
    pub at_end: bool,
    /// How far the import is, where one was begun.
    pub known: Option<Progress>,
    /// The place of the page's first item: the turn's number, the item's.
    pub at: (f64, f64),
    /// The page's turns, in order.
    pub turns: Vec<ImportTurn<'a>>,
}

/// A turn of a page.
#[derive(Clone, Debug, Default)]
pub struct ImportTurn<'a> {
    /// Its id.
    pub turn_id: &'a str,
    /// The turn as the app-server has it, whatever items it lists.
    pub json: &'a str,
    /// Whether items of it come with the next page.
    pub more: bool,
    /// Whether the thread has it, and no import brought it.
    pub foreign: bool,
    /// Its items, as the app-server has them.
    pub items: Vec<&'a str>,
}

/// The answer to a page.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum ImportAnswer {
    /// Nothing is written.
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        message: &'static str,
    },
    /// Events, as many as one call takes.
    Import {
        /// In the order of their streams.
        events: Vec<ImportEvent>,
        /// Every row that they can ask for as a batch, so that the batch need not ask.
        needs: Box<Needs>,
        /// The name of the thread's tombstone, where the thread is made: it may have been deleted before.
        #[tsify(optional)]
        tombstone: Option<String>,
        /// How far the import is then: short of the page's end, the rest of it is sent again.
        progress: Progress,
        /// Whether that is written. The same page again changes no row, and a page without turns makes no thread.
        writes: bool,
    },
}

/// An event of an import stream.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct ImportEvent {
    /// The turn's index in the page.
    pub turn: u32,
    /// The item's index in the turn, where it is of one.
    #[tsify(optional)]
    pub item: Option<u32>,
    /// Its method.
    pub kind: &'static str,
    /// The item, where it begins: its end says the rest.
    #[tsify(optional)]
    pub begins: Option<BegunItem>,
    /// Whether the turn or item that it holds is JSON.
    pub is_json: bool,
    /// Where it begins on its stream.
    pub cursor_start: u64,
    /// Where it ends.
    pub cursor_end: u64,
    /// When it was, in milliseconds, as far as the history knows.
    #[tsify(optional)]
    pub created_at: Option<f64>,
}

/// An item's id and type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct BegunItem {
    /// Its id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub item_type: String,
}

impl<'a> ImportCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            new_thread: call.optional(NewThread::unpack),
            legacy: call.flag(),
            restart: call.flag(),
            used: call.flag(),
            at_end: call.flag(),
            known: call.optional(|call| Progress {
                state: call.named(ImportState::read),
                position: Place { turn: call.integer(), item: call.integer() },
                imported_items: call.integer(),
                quarantined: call.integer(),
            }),
            at: (call.number(), call.number()),
            turns: call.list(|call| ImportTurn {
                turn_id: call.text(),
                json: call.text(),
                more: call.flag(),
                foreign: call.flag(),
                items: call.list(Unpacker::text),
            }),
        };
        call.end(read)
    }
}

/// Plans a page: what of it is new becomes events. Where the thread of a legacy import has a turn that the import did not
/// bring, that turn is left out: its items are there under other ids.
pub fn plan_import(call: &ImportCall<'_>) -> ImportAnswer {
    let refused = |code, message| ImportAnswer::Rejected { code, message };
    let (Some(turn), Some(item)) = (number(call.at.0), number(call.at.1)) else {
        return refused(Code::ESyncInvalidCursorRange, "a place in a history is two small integers");
    };
    if call.known.is_none() && call.legacy && call.used {
        return refused(Code::EThreadNotEmpty, "a legacy thread is imported into one without turns");
    }
    let at = Place { turn, item };
    // What is gone through again is counted again.
    let before = call.known.filter(|_| !call.restart).unwrap_or_default();
    let known = before.position;
    if at > known {
        return refused(Code::ESyncOutOfOrder, "the page begins behind what was imported");
    }
    let mut events = Events { known, next: known, ..Events::default() };
    let mut whole = true;
    for ((order, turn), index) in (at.turn..).zip(&call.turns).zip(0..) {
        if order < known.turn {
            continue;
        }
        let first = if order == at.turn { at.item } else { 0 };
        let first_event = events.events.len();
        let left_out = call.legacy && turn.foreign;
        let is_last = call.at_end && index as usize + 1 == call.turns.len();
        whole = events.add_turn(index, turn, Place { turn: order, item: first }, left_out, is_last);
        events.foresee(turn.turn_id, first_event);
        if !whole {
            break;
        }
    }
    let Events { events, needs, next, .. } = events;
    let tombstone = call.new_thread.filter(|_| !events.is_empty()).map(NewThread::tombstone);
    let state = if call.at_end && whole {
        ImportState::Completed
    } else if events.is_empty() && next == known {
        before.state
    } else {
        ImportState::Running
    };
    let items = events.iter().filter(|event| event.kind == ITEM_COMPLETED).count() as u64;
    let imported_items = before.imported_items + items;
    let progress = Progress { state, position: next, imported_items, ..before };
    let writes = match call.known {
        // What is quarantined of it is counted behind this.
        Some(known) => call.restart || !events.is_empty() || progress != known,
        None => !events.is_empty() || call.new_thread.is_none(),
    };
    ImportAnswer::Import { events, needs: Box::new(needs), tombstone, progress, writes }
}

/// A number in a history: what is larger is none, so that a cursor is always one.
fn number(value: f64) -> Option<u64> {
    safe_integer(value).filter(|number| *number <= u64::from(u32::MAX))
}

#[derive(Default)]
struct Events {
    known: Place,
    next: Place,
    events: Vec<ImportEvent>,
    needs: Needs,
    turns: usize,
    items: usize,
    bytes: usize,
}

impl Events {
    /// Adds what is new of a turn, whose listed items begin at that place; answers whether all of it came. The last one of a
    /// history may go on: the next import begins with it, for an item that ran has ended since, or another turn taken its place.
    fn add_turn(
        &mut self,
        index: u32,
        turn: &ImportTurn<'_>,
        Place { turn: order, item: first }: Place,
        left_out: bool,
        is_last: bool,
    ) -> bool {
        if self.turns >= IMPORT_TURNS_MAX || self.is_full() {
            return false;
        }
        self.turns += 1;
        let from = if order == self.known.turn { self.known.item } else { 0 };
        let facts = TurnFacts::read(turn.json);
        let event = |kind, cursor_start, created_at| ImportEvent {
            turn: index,
            item: None,
            kind,
            begins: None,
            is_json: facts.is_json,
            cursor_start,
            cursor_end: cursor_start + 1,
            created_at,
        };
        if from == 0 {
            self.push(left_out, turn.json, event("turn/started", 0, facts.started_at));
        }
        for ((number, json), item) in (first..).zip(&turn.items).zip(0..) {
            if number < from {
                continue;
            }
            // One item at least, however large its turn is: every call goes on.
            if self.is_full() && self.items > 0 {
                return false;
            }
            self.items += 1;
            let mut item_facts = ItemFacts::read(json, facts.started_at);
            item_facts.runs &= !facts.ended;
            if let Some(name) = item_facts.name.as_ref().filter(|_| !left_out) {
                let item_id = name.id.clone();
                self.needs.items.push(ItemName { turn_id: turn.turn_id.to_owned(), item_id });
            }
            self.add_item((index, item), json, number, item_facts, left_out);
            self.next = Place { turn: order, item: number + 1 };
        }
        let count = from.max(first + turn.items.len() as u64);
        if turn.more {
            self.next = Place { turn: order, item: count };
            return false;
        }
        if facts.ended {
            let at = facts.completed_at.or(facts.started_at);
            self.push(left_out, turn.json, event(TURN_COMPLETED, 2 * count + 1, at));
        }
        let goes_on = is_last && !facts.ended;
        self.next = Place { turn: if goes_on { order } else { order + 1 }, item: 0 };
        true
    }

    /// What a batch can ask for of a turn whose events begin with the one of that index (`src/ingest/plan.rs`, `ask`), whatever
    /// is there of the turn, but for its items.
    fn foresee(&mut self, turn_id: &str, first_event: usize) {
        let events = self.events.get(first_event..).unwrap_or_default();
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        let needs = &mut self.needs;
        needs.chunks.push(ChunkRange {
            event: u32::try_from(first_event).unwrap_or(u32::MAX),
            start: first.cursor_start,
            end: last.cursor_end,
        });
        for event in events {
            needs.open_requests |= event.item.is_none();
            needs.open_turns |= event.kind == TURN_COMPLETED;
        }
        for list in [&mut needs.turns, &mut needs.closing, &mut needs.next_orders] {
            add(list, turn_id);
        }
        // A payload that does not say what its kind needs.
        needs.quarantine = true;
    }

    /// An item begins, by its name alone, and ends; one that has no name ends only, and one that still runs begins only, whole.
    fn add_item(
        &mut self,
        (turn, item): (u32, u32),
        json: &str,
        number: u64,
        facts: ItemFacts,
        left_out: bool,
    ) {
        let cursor = 2 * number + 1;
        let begins = facts.name.is_some() && !facts.runs;
        let event = ImportEvent {
            turn,
            item: Some(item),
            kind: "item/started",
            begins: facts.name.filter(|_| begins),
            is_json: facts.is_json,
            cursor_start: cursor,
            cursor_end: cursor + 1,
            created_at: facts.started_at,
        };
        if facts.runs {
            return self.push(left_out, json, event);
        }
        let ends = ImportEvent {
            kind: ITEM_COMPLETED,
            begins: None,
            cursor_start: cursor + u64::from(begins),
            cursor_end: cursor + 2,
            created_at: facts.completed_at.or(facts.started_at),
            ..event
        };
        if begins {
            self.push(left_out, "", event);
        }
        self.push(left_out, json, ends);
    }

    fn push(&mut self, left_out: bool, json: &str, event: ImportEvent) {
        if !left_out {
            self.bytes += json.len();
            self.events.push(event);
        }
    }

    fn is_full(&self) -> bool {
        self.items >= IMPORT_ITEMS_MAX || self.bytes >= IMPORT_BYTES_MAX
    }
}

/// What an import reads of a turn.
struct TurnFacts {
    is_json: bool,
    ended: bool,
    started_at: Option<f64>,
    completed_at: Option<f64>,
}

impl TurnFacts {
    fn read(json: &str) -> Self {
        let json = Json::parse(json).ok();
        let [status, started, completed] =
            json.map(|json| json.pick(["status", "startedAt", "completedAt"])).unwrap_or_default();
        let seconds = |value: Option<Json<'_>>| time(value).map(|seconds| seconds * 1000.0);
        Self {
            is_json: json.is_some(),
            // What is not read so is kept as it came: a batch says what is wrong with it.
            ended: !status.and_then(Json::str).is_some_and(is_in_progress),
            started_at: seconds(started),
            completed_at: seconds(completed),
        }
    }
}

/// What an import reads of an item.
struct ItemFacts {
    is_json: bool,
    /// It has not ended.
    runs: bool,
    name: Option<BegunItem>,
    started_at: Option<f64>,
    completed_at: Option<f64>,
}

impl ItemFacts {
    fn read(json: &str, turn_started_at: Option<f64>) -> Self {
        let json = Json::parse(json).ok();
        let [id, item_type, started, completed, status] = json
            .map(|json| json.pick(["id", "type", "startedAtMs", "completedAtMs", "status"]))
            .unwrap_or_default();
        let short = |value: Option<Json<'_>>| {
            value.and_then(Json::str).map(|text| text.to_whole()).filter(|text| text.len() <= ID_BYTES_MAX)
        };
        let name = match (short(id), short(item_type)) {
            (Some(id), Some(item_type)) => Some(BegunItem { id, item_type }),
            _ => None,
        };
        Self {
            is_json: json.is_some(),
            runs: name.is_some() && status.and_then(Json::str).is_some_and(is_in_progress),
            name,
            started_at: time(started).or(turn_started_at),
            completed_at: time(completed),
        }
    }
}

fn is_in_progress(status: RawStr<'_>) -> bool {
    status.is("inProgress")
}

fn time(value: Option<Json<'_>>) -> Option<f64> {
    value.and_then(Json::safe_integer).map(|time| time as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: &str = r#"{"id":"T","status":"completed","startedAt":2,"completedAt":5}"#;
    const OPEN: &str = r#"{"id":"T","status":"inProgress","startedAt":2,"completedAt":null}"#;
    const ITEM: &str = r#"{"id":"m","type":"x","startedAtMs":2500,"completedAtMs":3000}"#;

    fn turn<'a>(json: &'a str, items: &[&'a str]) -> ImportTurn<'a> {
        ImportTurn { turn_id: "T", json, more: false, foreign: false, items: items.to_vec() }
    }

    fn page(at: (f64, f64), turns: Vec<ImportTurn<'_>>) -> ImportCall<'_> {
        ImportCall { at, turns, ..ImportCall::default() }
    }

    /// Events as `turn.item kind start..end @time`, and where the import goes on.
    fn planned(call: &ImportCall<'_>) -> (Vec<String>, (u64, u64)) {
        let ImportAnswer::Import { events, progress, .. } = plan_import(call) else { panic!("{call:?}") };
        let next = progress.position;
        let told = events.iter().map(|event| {
            let item = event.item.map(|item| format!(".{item}")).unwrap_or_default();
            let name = event.begins.as_ref().map(|name| format!(" {}:{}", name.item_type, name.id));
            let time = event.created_at.map(|time| format!(" @{time}")).unwrap_or_default();
            let broken = if event.is_json { "" } else { " broken" };
            let ImportEvent { turn, kind, cursor_start, cursor_end, .. } = event;
            let name = name.unwrap_or_default();
            format!("{turn}{item} {kind}{name} {cursor_start}..{cursor_end}{time}{broken}")
        });
        (told.collect(), (next.turn, next.item))
    }

    fn come_to(turn: u64, item: u64) -> Option<Progress> {
        Some(Progress { position: Place { turn, item }, ..Progress::default() })
    }

    fn code(call: &ImportCall<'_>) -> Option<Code> {
        match plan_import(call) {
            ImportAnswer::Rejected { code, .. } => Some(code),
            ImportAnswer::Import { .. } => None,
        }
    }

    #[test]
    fn a_turn_becomes_its_beginning_its_items_and_its_end() {
        let bare = r#"{"id":"n","type":"y"}"#;
        let want = [
            "0 turn/started 0..1 @2000",
            "0.0 item/started x:m 1..2 @2500",
            "0.0 item/completed 2..3 @3000",
            "0.1 item/started y:n 3..4 @2000",
            "0.1 item/completed 4..5 @2000",
            "0 turn/completed 5..6 @5000",
            "1 turn/started 0..1 @2000",
        ];
        let call = page((0.0, 0.0), vec![turn(DONE, &[ITEM, bare]), turn(OPEN, &[])]);
        assert_eq!(planned(&call), (want.map(str::to_owned).to_vec(), (2, 0)));
        let started = r#"{"id":"n","type":"y","startedAtMs":7}"#;
        let (events, _) = planned(&page((0.0, 0.0), vec![turn("{}", &[started, bare])]));
        assert_eq!(events[2], "0.0 item/completed 2..3 @7");
        assert_eq!(events[3], "0.1 item/started y:n 3..4", "nobody knows when");
        assert_eq!(events[5], "0 turn/completed 5..6");
        let (events, _) = planned(&page((0.0, 0.0), vec![turn(r#"{"status":"failed","startedAt":1}"#, &[])]));
        assert_eq!(events[1], "0 turn/completed 1..2 @1000");
    }

    #[test]
    fn what_is_broken_is_told_whole_and_named_nowhere() {
        let long = format!(r#"{{"id":"{}","type":"x"}}"#, "i".repeat(ID_BYTES_MAX + 1));
        let fits = format!(r#"{{"id":"{}","type":"x"}}"#, "i".repeat(ID_BYTES_MAX));
        let items = ["{", r#"{"type":"x"}"#, r#"{"id":"m","type":1}"#, &long, &fits];
        let (events, next) = planned(&page((0.0, 0.0), vec![turn("nonsense", &items)]));
        let want = [
            "0 turn/started 0..1 broken",
            "0.0 item/completed 1..3 broken",
            "0.1 item/completed 3..5",
            "0.2 item/completed 5..7",
            "0.3 item/completed 7..9",
        ];
        assert_eq!(&events[..5], &want.map(str::to_owned));
        assert_eq!(events[5], format!("0.4 item/started x:{} 9..10", "i".repeat(ID_BYTES_MAX)));
        assert_eq!(&events[6..], ["0.4 item/completed 10..11", "0 turn/completed 11..12 broken"]);
        assert_eq!(next, (1, 0));
    }

    #[test]
    fn an_import_stays_in_the_turn_that_goes_on_at_the_end() {
        let last = |known, turns| ImportCall { known, at_end: true, ..page((0.0, 0.0), turns) };
        let state = |call: &ImportCall<'_>| match plan_import(call) {
            ImportAnswer::Import { progress, .. } => progress.state,
            ImportAnswer::Rejected { .. } => panic!("{call:?}"),
        };
        let open = last(None, vec![turn(DONE, &[ITEM]), turn(OPEN, &[ITEM])]);
        assert_eq!((planned(&open).1, state(&open)), ((1, 0), ImportState::Completed));
        let begun =
            ["1 turn/started 0..1 @2000", "1.0 item/started x:m 1..2 @2500", "1.0 item/completed 2..3 @3000"];
        let again = last(come_to(1, 0), vec![turn(DONE, &[ITEM]), turn(OPEN, &[ITEM])]);
        let want = (begun.map(str::to_owned).to_vec(), (1, 0));
        assert_eq!((planned(&again), state(&again)), (want, ImportState::Completed));
        let ended = last(come_to(1, 0), vec![turn(DONE, &[ITEM]), turn(DONE, &[ITEM, ITEM])]);
        let rest = [
            "1.1 item/started x:m 3..4 @2500",
            "1.1 item/completed 4..5 @3000",
            "1 turn/completed 5..6 @5000",
        ];
        assert_eq!(
            planned(&ended),
            ([&begun[..], &rest].concat().iter().map(|told| (*told).to_owned()).collect(), (2, 0))
        );
        let passed = last(None, vec![turn(OPEN, &[ITEM]), turn(DONE, &[])]);
        assert_eq!(planned(&passed).1, (2, 0), "another turn came behind it");
        let mut more = turn(DONE, &[ITEM]);
        more.more = true;
        assert_eq!(state(&last(None, vec![more])), ImportState::Running);
    }

    #[test]
    fn an_item_that_runs_is_begun_and_comes_again() {
        let runs = r#"{"id":"c","type":"x","status":"inProgress"}"#;
        let last = |known, json, items: &[&'static str]| {
            planned(&ImportCall { known, at_end: true, ..page((0.0, 0.0), vec![turn(json, items)]) })
        };
        let want = [
            "0 turn/started 0..1 @2000",
            "0.0 item/started x:m 1..2 @2500",
            "0.0 item/completed 2..3 @3000",
            "0.1 item/started 3..4 @2000",
            "0.2 item/started x:m 5..6 @2500",
            "0.2 item/completed 6..7 @3000",
            "0.3 item/started 7..8 @2000",
        ];
        let begun = last(None, OPEN, &[ITEM, runs, ITEM, runs]);
        assert_eq!(begun, (want.map(str::to_owned).to_vec(), (0, 0)));
        let (events, next) = last(come_to(0, 0), DONE, &[ITEM, ITEM, ITEM, ITEM]);
        let want = ["0.1 item/started x:m 3..4 @2500", "0.1 item/completed 4..5 @3000"];
        assert_eq!((&events[3..5], next), (&want.map(str::to_owned)[..], (1, 0)));
        // In a piece too, behind which more of its turn comes.
        let mut piece = turn(OPEN, &[runs]);
        piece.more = true;
        let (events, next) = planned(&page((0.0, 0.0), vec![piece]));
        assert_eq!((events[1].as_str(), events.len(), next), ("0.0 item/started 1..2 @2000", 2, (0, 1)));
        // In a turn that is over it is what it is.
        let (events, _) = last(None, DONE, &[runs]);
        assert_eq!(events[2], "0.0 item/completed 2..3 @2000");
    }

    #[test]
    fn a_page_goes_on_where_the_import_is() {
        let turns = || vec![turn(DONE, &[ITEM, ITEM, ITEM]), turn(OPEN, &[ITEM])];
        let known = come_to;
        let again = |known| planned(&ImportCall { known, ..page((4.0, 0.0), turns()) });
        assert_eq!(again(known(4, 2)).0[0], "0.2 item/started x:m 5..6 @2500");
        assert_eq!(again(known(4, 2)).0[2], "0 turn/completed 7..8 @5000");
        assert_eq!(again(known(4, 3)).0[0], "0 turn/completed 7..8 @5000", "all of its items are there");
        assert_eq!(again(known(4, 9)).0[0], "0 turn/completed 19..20 @5000", "behind all that was said");
        assert_eq!(again(known(5, 0)).0[0], "1 turn/started 0..1 @2000");
        assert_eq!(again(known(5, 1)), (vec![], (6, 0)));
        assert_eq!(again(known(6, 0)), (vec![], (6, 0)));
        assert_eq!(again(known(9, 7)), (vec![], (9, 7)), "never backwards");
        let later = page((4.0, 2.0), vec![turn(DONE, &[ITEM])]);
        let (events, next) = planned(&ImportCall { known: known(4, 2), ..later.clone() });
        assert_eq!(
            (events[0].as_str(), events[2].as_str(), next),
            ("0.0 item/started x:m 5..6 @2500", "0 turn/completed 7..8 @5000", (5, 0))
        );
        for behind in [known(4, 1), known(3, 9), None] {
            assert_eq!(code(&ImportCall { known: behind, ..later.clone() }), Some(Code::ESyncOutOfOrder));
        }
        let restart = ImportCall { known: known(4, 2), restart: true, ..page((0.0, 0.0), turns()) };
        assert_eq!(planned(&restart).0[0], "0 turn/started 0..1 @2000");
        assert_eq!(
            code(&ImportCall { restart: true, known: known(4, 2), ..later }),
            Some(Code::ESyncOutOfOrder)
        );
    }

    #[test]
    fn a_turn_comes_in_pieces() {
        let piece = |first, known, items: &[&'static str], more| {
            let turns = vec![ImportTurn { more, ..turn(DONE, items) }, turn(DONE, &[])];
            let known = come_to(0, known);
            planned(&ImportCall { known, ..page((0.0, first), turns) })
        };
        let (events, next) = piece(0.0, 0, &[ITEM], true);
        assert_eq!((events.len(), next), (3, (0, 1)), "what is behind a piece is not its turn's");
        let (events, next) = piece(1.0, 1, &[ITEM], true);
        assert_eq!((events[0].as_str(), events.len(), next), ("0.0 item/started x:m 3..4 @2500", 2, (0, 2)));
        assert_eq!(piece(0.0, 3, &[ITEM], true), (vec![], (0, 3)), "an old piece");
        let (events, next) = piece(2.0, 2, &[], false);
        assert_eq!((events[0].as_str(), next), ("0 turn/completed 5..6 @5000", (2, 0)));
    }

    #[test]
    fn a_place_is_two_integers() {
        let max = f64::from(u32::MAX);
        let known = come_to(u64::from(u32::MAX), u64::from(u32::MAX));
        for (at, want) in [
            ((-1.0, 0.0), Some(Code::ESyncInvalidCursorRange)),
            ((0.0, 0.5), Some(Code::ESyncInvalidCursorRange)),
            ((f64::NAN, 0.0), Some(Code::ESyncInvalidCursorRange)),
            ((max + 1.0, 0.0), Some(Code::ESyncInvalidCursorRange)),
            ((0.0, max + 1.0), Some(Code::ESyncInvalidCursorRange)),
            ((max, max), None),
        ] {
            assert_eq!(code(&ImportCall { known, ..page(at, vec![]) }), want, "{at:?}");
        }
    }

    #[test]
    fn a_legacy_thread_is_imported_into_an_empty_one_and_no_turn_twice() {
        let begins = |legacy, used, known| ImportCall { legacy, used, known, ..page((0.0, 0.0), vec![]) };
        assert_eq!(code(&begins(true, true, None)), Some(Code::EThreadNotEmpty));
        for call in [begins(true, false, None), begins(false, true, None), begins(true, true, come_to(0, 0))]
        {
            assert_eq!(code(&call), None, "{call:?}");
        }
        let turns = |foreign| vec![ImportTurn { foreign, ..turn(DONE, &[ITEM]) }, turn(DONE, &[])];
        let imported = |legacy, foreign| planned(&ImportCall { legacy, ..page((0.0, 0.0), turns(foreign)) });
        let (events, next) = imported(true, true);
        assert_eq!((events.len(), next), (2, (2, 0)), "only the other turn");
        assert_eq!(imported(true, false).0.len(), 6);
        assert_eq!(imported(false, true).0.len(), 6);
    }

    #[test]
    fn a_call_takes_what_fits_a_batch() {
        let items = vec![ITEM; IMPORT_ITEMS_MAX + 1];
        let (events, next) = planned(&page((0.0, 0.0), vec![turn(DONE, &items), turn(DONE, &[])]));
        assert_eq!((events.len(), next), (1 + 2 * IMPORT_ITEMS_MAX, (0, IMPORT_ITEMS_MAX as u64)));
        let full = vec![ITEM; IMPORT_ITEMS_MAX];
        let (events, next) = planned(&page((0.0, 0.0), vec![turn(DONE, &full), turn(DONE, &[])]));
        assert_eq!((events.len(), next), (2 + 2 * IMPORT_ITEMS_MAX, (1, 0)), "with its end");
        let turns = vec![turn(DONE, &[]); IMPORT_TURNS_MAX + 3];
        let (events, next) = planned(&page((0.0, 0.0), turns));
        assert_eq!((events.len(), next), (2 * IMPORT_TURNS_MAX, (IMPORT_TURNS_MAX as u64, 0)));
        let big = format!(r#"{{"id":"m","type":"x","text":"{}"}}"#, "t".repeat(IMPORT_BYTES_MAX));
        let (events, next) = planned(&page((0.0, 0.0), vec![turn(DONE, &[&big, ITEM])]));
        assert_eq!((events.len(), next), (3, (0, 1)), "one item, whatever its size");
        let large = format!(r#"{{"status":"inProgress","error":"{}"}}"#, "t".repeat(IMPORT_BYTES_MAX));
        let (events, next) = planned(&page((0.0, 0.0), vec![turn(&large, &[ITEM, ITEM])]));
        assert_eq!((events.len(), next), (3, (0, 1)), "one item, whatever the size of its turn");
        let left = IMPORT_BYTES_MAX - DONE.len();
        let exact = format!(r#"{{"id":"m","type":"x","text":"{}"}}"#, "t".repeat(left - 31));
        assert_eq!(exact.len(), left);
        for (item, want) in [(&exact[..], (0, 1)), (&exact.replacen('t', "", 1)[..], (1, 0))] {
            let (_, next) = planned(&page((0.0, 0.0), vec![turn(DONE, &[item, ITEM])]));
            assert_eq!(next, want, "{} of {left}", item.len());
        }
    }

    #[test]
    fn a_page_says_how_far_the_import_is_and_whether_that_is_new() {
        let known = |state, turn, item| Progress {
            state,
            position: Place { turn, item },
            imported_items: 4,
            quarantined: 2,
        };
        let told = |call: &ImportCall<'_>| match plan_import(call) {
            ImportAnswer::Import { progress, writes, .. } => (progress, writes),
            other => panic!("{other:?}"),
        };
        let (running, completed) = (ImportState::Running, ImportState::Completed);
        let two = || vec![turn(DONE, &[ITEM, ITEM]), turn(DONE, &[ITEM])];
        let first = page((0.0, 0.0), two());
        let new = Progress { position: Place { turn: 2, item: 0 }, imported_items: 3, ..Progress::default() };
        assert_eq!(told(&first), (new, true));
        let last = ImportCall { at_end: true, ..first.clone() };
        assert_eq!(told(&last), (Progress { state: completed, ..new }, true));
        // Nothing came: the row says that the import was begun, where there is a thread for it.
        let none = page((0.0, 0.0), vec![]);
        assert_eq!(told(&none), (Progress::default(), true));
        let new_thread = Some(NewThread::default());
        assert_eq!(told(&ImportCall { new_thread, ..none.clone() }), (Progress::default(), false));
        assert!(told(&ImportCall { new_thread, ..first.clone() }).1);
        // The same page again, and the next one.
        for (state, at_end, want, writes) in [
            (running, false, running, false),
            (running, true, completed, true),
            (completed, true, completed, false),
            (completed, false, completed, false),
        ] {
            let again = ImportCall { known: Some(known(state, 2, 0)), at_end, ..first.clone() };
            assert_eq!(told(&again), (known(want, 2, 0), writes), "{state:?} {at_end}");
        }
        let more = ImportCall { known: Some(known(completed, 2, 0)), ..page((2.0, 0.0), two()) };
        assert_eq!(told(&more), (Progress { imported_items: 7, ..known(running, 4, 0) }, true), "it goes on");
        // The page is the last one, and is not taken whole.
        let half = vec![turn(DONE, &vec![ITEM; IMPORT_ITEMS_MAX + 1])];
        let half = ImportCall { at_end: true, ..page((0.0, 0.0), half) };
        assert_eq!(told(&half).0.state, running);
        // Again from its beginning: what it was is forgotten.
        let restart = ImportCall { known: Some(known(completed, 2, 0)), restart: true, ..first };
        assert_eq!(told(&restart), (new, true));
        let nothing = ImportCall { turns: vec![], ..restart };
        assert_eq!(told(&nothing), (Progress::default(), true));
        // Turns that are left out are behind all the same: the next page begins there.
        let left_out = vec![ImportTurn { foreign: true, ..turn(DONE, &[ITEM]) }];
        let left_out =
            ImportCall { legacy: true, known: Some(known(running, 2, 0)), ..page((2.0, 0.0), left_out) };
        assert_eq!(told(&left_out), (known(running, 3, 0), true));
        // A turn that goes on comes again, though nothing of it is new.
        let open = ImportCall {
            known: Some(known(completed, 2, 0)),
            at_end: true,
            ..page((2.0, 0.0), vec![turn(OPEN, &[])])
        };
        assert_eq!(told(&open), (known(completed, 2, 0), true));
        // Not taken whole, though nothing of it is imported: it goes on.
        let items = vec![ITEM; IMPORT_ITEMS_MAX + 1];
        let long = vec![ImportTurn { foreign: true, ..turn(DONE, &items) }];
        let long = ImportCall { known: Some(known(completed, 2, 0)), at_end: true, turns: long, ..left_out };
        assert_eq!(told(&long), (known(running, 2, IMPORT_ITEMS_MAX as u64), true));
    }

    #[test]
    fn a_thread_that_is_made_may_have_been_deleted_before() {
        let new_thread = Some(NewThread { tenant_id: "acme", user_id: "änn", thread_id: "th_1" });
        let tombstone = |call: &ImportCall<'_>| match plan_import(call) {
            ImportAnswer::Import { tombstone, .. } => tombstone,
            other => panic!("{other:?}"),
        };
        let made = ImportCall { new_thread, ..page((0.0, 0.0), vec![turn(DONE, &[])]) };
        assert_eq!(tombstone(&made), new_thread.map(NewThread::tombstone));
        assert_eq!(tombstone(&ImportCall { turns: vec![], ..made.clone() }), None, "nothing makes it");
        assert_eq!(tombstone(&ImportCall { new_thread: None, ..made }), None, "it is there");
    }

    #[test]
    fn a_call_is_read_as_it_is_packed() {
        let known = [1.0, 9.0, 3.0, 4.0, 7.0, 8.0];
        let page = [5.0, 6.0, 1.0, 1.0, 2.0, 0.0, 1.0, 2.0, 1.0, 1.0];
        let numbers = [&[1.0, 1.0, 2.0, 1.0, 1.0, 0.0, 1.0, 1.0], &known[..], &page].concat();
        let call = ImportCall::unpack(Unpacker::new("AuuTcompletedU{}ab", &numbers)).unwrap();
        let new = call.new_thread.map(|new| (new.tenant_id, new.user_id, new.thread_id));
        assert_eq!((new, call.turns[0].turn_id), (Some(("A", "uu", "T")), "U"));
        assert_eq!((call.legacy, call.restart, call.used, call.at_end), (true, false, true, true));
        let position = Place { turn: 3, item: 4 };
        let known = Progress { state: ImportState::Completed, position, imported_items: 7, quarantined: 8 };
        assert_eq!((call.known, call.at), (Some(known), (5.0, 6.0)));
        let [turn] = &call.turns[..] else { panic!() };
        assert_eq!(
            (turn.json, turn.more, turn.foreign, &turn.items[..]),
            ("{}", false, true, &["a", "b"][..])
        );
        assert!(ImportCall::unpack(Unpacker::new("AuuTcompletedU{}ab", &numbers[..23])).is_err());
        let lost = [&numbers[..9], &[4.0], &numbers[10..]].concat();
        assert!(ImportCall::unpack(Unpacker::new("AuuTlostU{}ab", &lost)).is_err(), "a state that is none");
        let known = [ImportState::read("running"), ImportState::read("completed")];
        assert_eq!(known, [Some(ImportState::Running), Some(ImportState::Completed)]);
    }
}
