//! Batches that pages of a history become: `src/import.rs` says what they ask for.

use super::*;
use crate::import::{ImportAnswer, ImportCall, ImportTurn, Place, Progress, plan_import};
use crate::ingest::write::{ChunkRange, Needs};
use crate::limits::ID_BYTES_MAX;

#[test]
fn a_history_import_leaves_alone_what_is_there() {
    let import = |event: Delta<'static>| Delta {
        stream_id: "T:U:import",
        event_id: keep(format!("i-{}", event.event_id)),
        ..event
    };
    let mut shell = steady();
    shell.writes(&[delta(2, "m", "live")]);
    assert_eq!(
        shell.writes(&[
            import(item_started(0, "m")),
            import(item_completed(1, "m", "of before")),
            import(item_started(2, "n"))
        ]),
        [
            "message+ n streaming open \"\" at 0.2 from 2 growing",
            "stream+ streaming at 0",
            "head+ 3 count 3 weight 8192 at 0 open n 2:0 folded 2/0 with items",
            "chunk 0..3 kept 3 of m n"
        ]
    );
    shell.writes(&[import(item_completed(3, "n", "new")), import(turn_completed(4, "completed"))]);
    assert_eq!((shell.text("m"), shell.text("n")), ("live".into(), "new".into()));
    assert_eq!(shell.statuses(), ["m completed", "n completed"], "the turn's end closes both");
}

/// A page's events and what they ask for, as the shell sends them on.
fn page(turns: &[ImportTurn<'static>]) -> (Vec<Delta<'static>>, Needs) {
    let call =
        ImportCall { known: Some(Progress::default()), turns: turns.to_vec(), ..ImportCall::default() };
    let ImportAnswer::Import { events, needs, .. } = plan_import(&call) else { panic!("{call:?}") };
    let deltas = events.iter().map(|event| {
        let turn = &turns[event.turn as usize];
        let whole = event.item.map_or(turn.json, |item| turn.items[item as usize]);
        let json = match &event.begins {
            Some(begun) => format!(r#"{{"id":{:?},"type":{:?}}}"#, begun.id, begun.item_type),
            None if event.is_json => whole.to_owned(),
            None => format!("{whole:?}"),
        };
        let params = match event.item {
            Some(_) => format!(r#"{{"threadId":"T","turnId":"{}","item":{json}}}"#, turn.turn_id),
            None => format!(r#"{{"threadId":"T","turn":{json}}}"#),
        };
        Delta {
            event_id: keep(format!("import:T:{}:import:{}", turn.turn_id, event.cursor_start)),
            turn_id: turn.turn_id,
            stream_id: keep(format!("T:{}:import", turn.turn_id)),
            kind: event.kind,
            payload_json: keep(format!(r#"{{"method":"{}","params":{params}}}"#, event.kind)),
            cursor_start: event.cursor_start as f64,
            cursor_end: event.cursor_end as f64,
            created_at_ms: event.created_at.unwrap_or(1.0),
        }
    });
    (deltas.collect(), *needs)
}

fn turn(turn_id: &'static str, status: &str, items: &[&'static str]) -> ImportTurn<'static> {
    let json = keep(format!(r#"{{"id":"{turn_id}","status":"{status}","startedAt":1}}"#));
    ImportTurn { turn_id, json, more: false, foreign: false, items: items.to_vec() }
}

/// What is asked for and was not foreseen.
fn unforeseen(asked: &Needs, foreseen: &Needs) -> Needs {
    fn beyond<T: Clone + PartialEq>(asked: &[T], foreseen: &[T]) -> Vec<T> {
        asked.iter().filter(|one| !foreseen.contains(one)).cloned().collect()
    }
    let lies_in = |run: &ChunkRange, other: &ChunkRange| run.start >= other.start && run.end <= other.end;
    let is_read =
        |run: &ChunkRange| foreseen.chunks.iter().any(|all| run.event == all.event && lies_in(run, all));
    Needs {
        turns: beyond(&asked.turns, &foreseen.turns),
        items: beyond(&asked.items, &foreseen.items),
        closing: beyond(&asked.closing, &foreseen.closing),
        open_turns: asked.open_turns && !foreseen.open_turns,
        chunks: asked.chunks.iter().filter(|run| !is_read(run)).cloned().collect(),
        next_orders: beyond(&asked.next_orders, &foreseen.next_orders),
        quarantine: asked.quarantine && !foreseen.quarantine,
        open_requests: asked.open_requests && !foreseen.open_requests,
        ..asked.clone()
    }
}

const MESSAGE: &str = r#"{"id":"m","type":"agentMessage","text":"of before"}"#;
const REASONING: &str = r#"{"id":"r","type":"reasoning","summary":["why"],"content":[]}"#;
const COMMAND: &str = r#"{"id":"c","type":"commandExecution","command":"ls","aggregatedOutput":"x"}"#;

/// Pages: whole turns, one that goes on, a piece, what is malformed in each way, one item twice.
fn pages() -> Vec<Vec<ImportTurn<'static>>> {
    let long = keep(format!(r#"{{"id":"{}","type":"x"}}"#, "i".repeat(ID_BYTES_MAX + 1)));
    let piece = ImportTurn { more: true, ..turn("U", "completed", &[MESSAGE, COMMAND]) };
    let broken = ImportTurn { json: "{", ..turn("U", "", &["{", "[]", r#"{"id":"m"}"#, long, "\"\\u"]) };
    vec![
        vec![turn("U", "completed", &[MESSAGE, REASONING, COMMAND])],
        vec![turn("U", "inProgress", &[MESSAGE])],
        vec![turn("V", "interrupted", &[COMMAND]), turn("U", "failed", &[MESSAGE, MESSAGE])],
        vec![turn("U", "unheard of", &[]), turn("V", "completed", &[])],
        vec![piece],
        vec![broken, turn("V", "completed", &[MESSAGE])],
    ]
}

/// Threads: none, one that runs, one that ended with and without items, one with a request, one whose turns the sweep ended, one
/// whose turn was deleted.
fn threads() -> Vec<(&'static str, Shell)> {
    let live = || Shell::after(&[turn_started(0), item_started(1, "m"), delta(2, "m", "live")]);
    let ended = || Shell::after(&[turn_started(0), turn_completed(1, "completed")]);
    let mut asked = live();
    asked.plan(
        &[event(3, "item/commandExecution/requestApproval", r#"{"threadId":"T","turnId":"U","itemId":"c"}"#)],
        &[],
    );
    let mut swept = live();
    swept.plan(&page(&[turn("V", "inProgress", &[MESSAGE])]).0, &[]);
    swept.end_silent("U");
    swept.end_silent("V");
    let mut deleted = live();
    deleted.deleted_turns.insert("V".to_owned());
    let items_ended = {
        let mut shell = live();
        shell.plan(&[item_completed(3, "m", "live"), turn_completed(4, "completed")], &[]);
        shell
    };
    vec![
        ("none", Shell::new()),
        ("live", live()),
        ("ended", ended()),
        ("ended with items", items_ended),
        ("asked", asked),
        ("swept", swept),
        ("deleted", deleted),
    ]
}

#[test]
fn a_page_says_all_that_its_batch_asks_for_and_the_plan_is_the_same() {
    for (name, thread) in threads() {
        for (at, turns) in pages().iter().enumerate() {
            for before in std::iter::once(None).chain(pages().iter().map(Some)) {
                let mut shell = thread.clone();
                if let Some(before) = before {
                    // An import that was begun, to which this one comes again.
                    shell.ingest(&page(before).0, &[]);
                }
                let (deltas, needs) = page(turns);
                let case = format!("{name}, page {at} behind {before:?}");
                let mut foreseen = shell.clone();
                let with = foreseen.ingest_with(Some(&needs), &deltas, &[]);
                if let IngestAnswer::Needs { needs: asked } = plan_of(&shell, &deltas) {
                    assert_eq!(unforeseen(&asked, &needs), Needs::default(), "{case}");
                }
                assert_eq!(answered(with), answered(shell.ingest(&deltas, &[])), "{case}");
                assert_eq!(foreseen, shell, "{case}");
            }
        }
    }
}

/// What the sender is told. Of two events that are not right, those who ask find the one first that needs no row.
fn answered(answer: IngestAnswer) -> String {
    match answer {
        IngestAnswer::Rejected { fault } => format!("{:?} {}", fault.error_code, fault.message),
        IngestAnswer::Plan { plan } => format!("{:?} {:?} {:?}", plan.session, plan.acks, plan.errors),
        IngestAnswer::Needs { needs } => panic!("{needs:?}"),
    }
}

fn plan_of(shell: &Shell, deltas: &[Delta<'static>]) -> IngestAnswer {
    super::super::plan::plan_ingest(&shell.call(deltas, &[]))
}

#[test]
fn a_page_asks_for_nothing_that_its_events_do_not_name() {
    let left_out = ImportTurn { foreign: true, ..turn("W", "completed", &[MESSAGE]) };
    let call = |turns| ImportCall { legacy: true, turns, ..ImportCall::default() };
    let needs = |turns| match plan_import(&call(turns)) {
        ImportAnswer::Import { needs, .. } => *needs,
        other => panic!("{other:?}"),
    };
    assert_eq!(needs(vec![left_out.clone()]), Needs::default());
    let turns = needs(vec![turn("U", "inProgress", &[MESSAGE]), left_out, turn("V", "inProgress", &[])]);
    assert_eq!((turns.turns.join(" "), turns.closing.join(" ")), ("U V".into(), "U V".into()));
    assert_eq!(turns.items.len(), 1);
    assert!(!turns.open_turns, "no turn ends");
    assert!(turns.open_requests, "a turn begins");
    let chunks = [(0, 0, 3), (3, 0, 1)].map(|(event, start, end)| ChunkRange { event, start, end });
    assert_eq!(turns.chunks, chunks);
    let mut piece = call(vec![ImportTurn { more: true, ..turn("U", "completed", &[MESSAGE, MESSAGE]) }]);
    let position = Place { turn: 0, item: 1 };
    piece.known = Some(Progress { position, ..Progress::default() });
    let ImportAnswer::Import { needs, .. } = plan_import(&piece) else { panic!("{piece:?}") };
    assert!(!needs.open_requests, "no turn begins or ends");
}
