use super::*;
use crate::fold::Tail;
use crate::ingest::call::{EventPlace, MessageRow, StreamRow, TurnRow};
use crate::ingest::write::{Closing, MessageStatus, Source, StreamState, TurnStatus};
use crate::testing::*;
use proptest::prelude::*;

const DAY: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

fn range(start: u64, end: u64) -> Range {
    Range { start, end }
}

fn tail(cursor_start: u64, text: &'static str) -> Tail<'static> {
    Tail { cursor_start, text, leading_low: None, pending_high: None }
}

fn fold_row(message: u32, cursor: u64, runs: Vec<Tail<'static>>, end: u64) -> FoldRow<'static> {
    FoldRow { message, cursor, pending_high: None, text_bytes: 0, part: 0, last: "", runs, end }
}

fn briefs(answer: &TrimAnswer) -> (Vec<String>, Vec<u32>) {
    (answer.writes.iter().map(brief).collect(), answer.gone.clone())
}

/// Three chunks with the text of one message, and a hole before the third.
fn call(overdue: bool, due: [bool; 3]) -> TrimCall<'static> {
    let runs = vec![tail(1, "a"), tail(3, "b"), tail(8, "c")];
    let chunk = |start, end, at, due| TrimChunk { range: range(start, end), due, texts: vec![(0, at)] };
    TrimCall {
        overdue,
        holes: vec![range(6, 8)],
        messages: vec![TrimMessage { whole: false, started: true }],
        folds: vec![fold_row(0, 1, runs, 10)],
        chunks: vec![chunk(0, 3, 1, due[0]), chunk(3, 6, 3, due[1]), chunk(8, 10, 8, due[2])],
    }
}

#[test]
fn chunks_go_when_they_are_due_and_their_texts_are_folded() {
    let answer = plan_trim(&call(false, [true, false, true]));
    assert_eq!(briefs(&answer), (vec!["fold 0 to 6, 2 bytes, parts from 0 [2]".into()], vec![0]));
    assert_eq!(answer.holes, None, "the end of a stream gives no hole up");
}

#[test]
fn a_text_that_begins_where_the_fold_ends_keeps_its_chunk() {
    let chunk = |start, end, at| TrimChunk { range: range(start, end), due: true, texts: vec![(0, at)] };
    let behind_what_was_read = TrimCall {
        holes: vec![],
        folds: vec![fold_row(0, 1, vec![tail(1, "a"), tail(3, "b")], 6)],
        chunks: vec![chunk(0, 3, 1), chunk(3, 6, 3), chunk(6, 9, 6)],
        ..call(false, [true; 3])
    };
    let answer = plan_trim(&behind_what_was_read);
    assert_eq!(briefs(&answer), (vec!["fold 0 to 6, 2 bytes, parts from 0 [2]".into()], vec![0, 1]));
}

#[test]
fn a_hole_before_what_is_overdue_is_given_up() {
    let answer = plan_trim(&call(true, [true, true, true]));
    assert_eq!(briefs(&answer), (vec!["fold 0 to 10, 3 bytes, parts from 0 [3]".into()], vec![0, 1, 2]));
    assert_eq!(answer.holes, Some(vec![]));
    let answer = plan_trim(&call(true, [true, true, false]));
    assert_eq!((answer.gone, answer.holes), (vec![0, 1], None), "what lies behind it is not due");
}

#[test]
fn what_is_whole_or_gone_keeps_no_chunk_and_what_cannot_be_folded_does() {
    let whole = TrimMessage { whole: true, started: true };
    let no_fold = TrimCall { messages: vec![whole], folds: vec![], ..call(false, [true; 3]) };
    assert_eq!(briefs(&plan_trim(&no_fold)), (vec![], vec![0, 1, 2]));
    let unseen = TrimMessage { whole: false, started: false };
    let from_behind = fold_row(0, 8, vec![tail(8, "c")], 10);
    let blocked = TrimCall { messages: vec![unseen], folds: vec![from_behind], ..call(false, [true; 3]) };
    assert_eq!(plan_trim(&blocked).gone, [0, 1], "its beginning may lie in the hole");
}

fn silence(last_beat_ms: Option<f64>, status: &'static str) -> SilenceAnswer {
    plan_silence(&silent(last_beat_ms, status))
}

fn silent(last_beat_ms: Option<f64>, status: &'static str) -> SilenceCall<'static> {
    let ended = status == "completed";
    let turn = TurnRow {
        turn_id: "U",
        turn_order: 0,
        status: TurnStatus::read(status).unwrap(),
        source: ended.then_some(Source::Codex),
        has_items: true,
        same_run_as: None,
        started: true,
    };
    let message = MessageRow {
        turn_id: "U",
        item_id: "m",
        message_id: "m",
        occurrence: 1,
        stream_id: Some(STREAM),
        start_cursor: 1,
        end_cursor: None,
        restart: None,
        status: MessageStatus::Streaming,
        closing: Closing::Open,
        text_whole: false,
        started: true,
    };
    let stream = StreamRow { stream_id: STREAM, turn_id: "U", state: StreamState::Streaming };
    let loaded =
        Loaded { turns: vec![turn], messages: vec![message], streams: vec![stream], ..Loaded::default() };
    SilenceCall { now_ms: 2.0 * DAY, last_beat_ms, runtime_id: None, reason: None, loaded }
}

#[test]
fn a_turn_of_a_runtime_that_lost_its_thread_ends_at_once_whoever_beats() {
    let told = |event_id, stream_id| EventPlace { stream_id, range: Range { start: 4, end: 5 }, event_id };
    let own = told("r.2:T:U:0:4", STREAM);
    let ends = |runtime_id, places: &[EventPlace<'static>]| {
        let mut call = SilenceCall { runtime_id, ..silent(Some(2.0 * DAY), "inProgress") };
        call.loaded.places = places.to_vec();
        match plan_silence(&call) {
            SilenceAnswer::Postponed { .. } => None,
            SilenceAnswer::Ended { writes } => Some(brief(&writes[1])),
        }
    };
    let taken = "turn U interrupted by sweep with items to 172800000 error another runtime writes the thread";
    assert_eq!(ends(Some("q"), &[own]).as_deref(), Some(taken));
    assert_eq!(ends(Some("r"), &[own]), None, "it is its own");
    assert_eq!(ends(Some("r"), &[told("q.1:T:U:1:4", "T:U:1"), own]), None, "one of two is");
    assert_eq!(ends(None, &[own]), None, "who writes the thread is not known");
    for unknown in [told("import:T:U:import:4", "T:U:import"), told("x", STREAM), told("r.2:T:U:0:3", STREAM)]
    {
        assert_eq!(ends(Some("q"), &[unknown]), None, "who told of the turn is not: {unknown:?}");
    }
    assert_eq!(ends(Some("q"), &[]), None);
}

#[test]
fn a_turn_is_ended_after_a_day_without_a_beat() {
    assert_eq!(silence(Some(1.5 * DAY), "inProgress"), SilenceAnswer::Postponed { silent_at: 2.5 * DAY });
    for silent in [None, Some(DAY), Some(0.5 * DAY)] {
        let SilenceAnswer::Ended { writes } = silence(silent, "inProgress") else { panic!("{silent:?}") };
        let briefs: Vec<String> = writes.iter().map(brief).collect();
        let ends = [
            "turn U interrupted by sweep with items to 172800000 error no event and no beat for 24 h",
            "message m interrupted turn to 172800000",
            "stream aborted swept",
        ];
        assert_eq!(briefs[1..], ends);
        assert!(matches!(
            writes.last(),
            Some(Write::CloseStream { swept: true, expires_at: Some(at), .. }) if *at == 2.0 * DAY + 300_000.0
        ));
    }
}

#[test]
fn a_turn_that_ended_stays_as_it_is_and_what_it_left_open_is_closed_whatever_beats() {
    for last_beat_ms in [None, Some(2.0 * DAY)] {
        let SilenceAnswer::Ended { writes } = silence(last_beat_ms, "completed") else { panic!() };
        let briefs: Vec<String> = writes.iter().map(brief).collect();
        assert_eq!(briefs, ["message m completed turn to 172800000", "stream finished"]);
    }
}

#[test]
fn a_chunk_behind_a_hole_that_may_be_filled_stays_with_its_text() {
    // The fold of a text undoes itself where something comes before it: until then its chunks have to be there.
    let runs = vec![tail(8, "c")];
    let behind = TrimCall { folds: vec![fold_row(0, 8, runs, 10)], ..call(false, [true; 3]) };
    let answer = plan_trim(&behind);
    assert_eq!(briefs(&answer), (vec!["fold 0 to 10, 1 bytes, parts from 0 [1]".into()], vec![0, 1]));
}

#[test]
fn sessions_are_due_by_their_last_beat() {
    let due = sessions_due(8.0 * DAY);
    assert_eq!((due.stale_before, due.forgotten_before), (8.0 * DAY - 45_000.0, DAY));
}

/// A swept turn.
fn swept() -> Shell {
    let mut shell = Shell::after(&[turn_started(0), item_started(1, "m"), delta(2, "m", "a")]);
    shell.end_silent("U");
    shell
}

#[test]
fn a_new_event_on_its_stream_undoes_what_the_sweep_did() {
    let mut shell = swept();
    assert_eq!(shell.turn("U").source.as_deref(), Some("sweep"));
    assert_eq!(
        (shell.statuses(), shell.streams[STREAM].1.as_str()),
        (vec!["m interrupted".into()], "aborted")
    );
    let known = shell.clone();
    assert_eq!(shell.writes(&[delta(2, "m", "a")]), [""; 0], "an old one does not");
    assert_eq!(shell, known);
    assert_eq!(
        shell.writes(&[delta(3, "m", "b")]),
        [
            "thread next=None",
            "turn U inProgress with items again",
            "message m streaming open reopened",
            "stream streaming",
            "head 4 count 4 weight 16384 at 0 open m 1:65537 folded 1/0 with items",
            "chunk 3..4 m:3..4=\"b\" kept 0",
        ]
    );
    assert_eq!(shell.text("m"), "ab");
    shell.writes(&[delta(4, "m", "c")]);
    assert_eq!(shell.heads[0].open[0].fold.unwrap().fill, 3, "the next batch looks");
    shell.writes(&[turn_completed(5, "completed")]);
    assert_eq!((shell.turn("U").status.as_str(), shell.text("m")), ("completed", "abc".into()));
    assert!(!shell.heads[0].swept);
}

#[test]
fn the_end_that_was_on_its_way_replaces_the_sweeps() {
    let mut shell = swept();
    shell.writes(&[delta(3, "m", "b"), turn_completed(4, "completed")]);
    assert_eq!(shell.turn("U").source.as_deref(), Some("codex"));
    assert_eq!(shell.statuses(), ["m completed"]);
    assert!(shell.heads[0].closed);
}

#[test]
fn a_stream_that_is_no_longer_listed_is_listed_again() {
    let mut shell = swept();
    shell.streams.clear();
    let writes = shell.writes(&[delta(3, "m", "b")]);
    assert!(writes.contains(&"stream+ streaming at 0".into()), "{writes:?}");
}

/// The same on the turn's second stream.
fn beside(cursor: u64, event: crate::ingest::call::Delta<'static>) -> crate::ingest::call::Delta<'static> {
    let (start, end) = (cursor as f64, (cursor + 1) as f64);
    let event_id = keep(format!("beside-{cursor}"));
    crate::ingest::call::Delta { stream_id: "T:U:1", event_id, cursor_start: start, cursor_end: end, ..event }
}

#[test]
fn the_first_event_of_a_stream_that_begins_after_the_sweep_undoes_it_too() {
    let mut shell = swept();
    shell.writes(&[beside(0, turn_started(0))]);
    assert_eq!((shell.turn("U").status.as_str(), shell.turn("U").source.as_deref()), ("inProgress", None));
    assert_eq!(shell.statuses(), ["m streaming"]);
    assert_eq!(shell.streams[STREAM].1, "streaming", "the other stream goes on with it");
    let mut untold = Shell::new();
    let begun = r#"{"threadId":"T","turn":{"id":"U"}}"#;
    untold.plan(&[], &[lifecycle(0, "turn/started", Some("U"), begun)]);
    untold.end_silent("U");
    untold.writes(&[turn_started(0), item_started(1, "m"), delta(2, "m", "a")]);
    assert_eq!(
        (untold.turn("U").status.as_str(), untold.statuses()),
        ("inProgress", vec!["m streaming".into()])
    );
}

#[test]
fn a_stream_that_is_no_longer_listed_goes_on_with_a_turn_that_another_one_has_revived() {
    let mut shell = Shell::after(&[turn_started(0), item_started(1, "m"), delta(2, "m", "a")]);
    shell.writes(&[beside(0, turn_started(0))]);
    shell.end_silent("U");
    shell.streams.clear();
    shell.writes(&[beside(1, turn_started(0))]);
    shell.writes(&[delta(3, "m", "b")]);
    assert_eq!(shell.streams[STREAM].1, "streaming");
    let head = &shell.heads[0];
    assert_eq!((head.closed, head.swept, head.open.len()), (false, false, 1));
    assert_eq!(shell.text("m"), "ab");
}

#[test]
fn a_text_whose_beginning_fills_a_hole_after_the_sweep_is_whole() {
    let long = "a".repeat(66 * 1024);
    let mut shell = Shell::after(&[turn_started(0)]);
    shell.writes(&[delta(3, "m", &long)]);
    shell.end_silent("U");
    shell.writes(&[event(4, "thread/brandNew", "{}")]);
    shell.writes(&[delta(1, "m", "begin "), delta(2, "m", "")]);
    shell.writes(&[event(5, "thread/brandNew", "{}")]);
    assert_eq!(shell.text("m"), format!("begin {long}"));
}

#[test]
fn an_item_that_a_lifecycle_event_began_grows_after_the_sweep() {
    let mut shell = Shell::after(&[turn_started(0)]);
    let started = r#"{"item":{"type":"agentMessage","id":"m","text":""},"threadId":"T","turnId":"U"}"#;
    shell.plan(&[], &[lifecycle(0, "item/started", Some("U"), started)]);
    shell.end_silent("U");
    shell.writes(&[delta(1, "m", "a")]);
    assert_eq!(shell.text("m"), "a");
}

#[test]
fn a_turn_that_is_no_other_ones_name_any_more_has_its_stream_listed_again() {
    let mut shell = Shell::after(&[turn_started(0)]);
    let other = [turn_started(0), item_started(1, "n"), turn_completed(2, "completed")];
    shell.writes(&other.map(|event| of_turn("V", event)));
    assert_eq!(shell.turn("U").same_run_as.as_deref(), Some("V"));
    shell.streams.remove(STREAM);
    shell.writes(&[item_started(1, "m")]);
    assert_eq!(
        (shell.turn("U").status.as_str(), shell.streams[STREAM].1.as_str()),
        ("inProgress", "streaming")
    );
}

#[test]
fn what_a_client_ended_after_the_sweep_stays_ended() {
    let mut shell = swept();
    shell.turns[0].source = Some("client".into());
    let writes = shell.writes(&[delta(3, "m", "b")]);
    assert_eq!(
        writes,
        ["head 4 count 4 weight 16384 at 0 with items closed", "chunk 3..4 m:3..4=\"b\" kept 0"]
    );
    assert!(!shell.heads[0].swept);
}

type Case = Vec<(usize, u8, bool, usize)>;

fn any_case() -> impl Strategy<Value = Case> {
    prop::collection::vec((0_usize..6, 0_u8..4, any::<bool>(), 1_usize..9), 1..40)
}

/// The few that every `cargo test` runs.
#[test]
fn a_text_is_whole_whatever_is_swept() {
    whole(8);
}

#[test]
#[ignore = "of the step evidence: npm test -- --only evidence"]
fn a_text_is_whole_whatever_is_swept_over_and_over() {
    whole(400);
}

fn whole(cases: u32) {
    proptest!(ProptestConfig { cases, ..ProptestConfig::default() }, |(steps in any_case())| check(&steps)?);
}

/// Batches and sweeps in any order: no text is lost, and only what is due goes.
fn check(steps: &Case) -> Result<(), TestCaseError> {
    let mut shell = Shell::after(&[turn_started(0), item_started(1, "m"), item_started(2, "n")]);
    let said = (3_u64..).zip(steps).map(|(cursor, (_, _, other, kib))| {
        (cursor, if *other { "n" } else { "m" }, format!("<{cursor}é>").repeat(kib * 200))
    });
    let said: Vec<(u64, &str, String)> = said.collect();
    let events: Vec<_> = said.iter().map(|(cursor, id, text)| delta(*cursor, id, text)).collect();
    let mut queue: Vec<(usize, usize)> =
        steps.iter().enumerate().map(|(at, step)| (at + step.0, at)).collect();
    queue.sort();
    let mut texts: Vec<&(u64, &str, String)> = vec![];
    let of = |texts: &[&(u64, &str, String)], id: &str| {
        texts.iter().filter(|text| text.1 == id).map(|text| text.2.as_str()).collect::<String>()
    };
    let mut sweeps = 0;
    for (_, at) in queue {
        // A hole that was given up takes nothing more.
        let cursor = said[at].0;
        let head = &shell.heads[0];
        let given_up =
            head.latest > cursor && !head.holes.iter().any(|hole| hole.start <= cursor && hole.end > cursor);
        shell.now_ms += 10.0 * 60.0 * 60.0 * 1000.0;
        shell.writes(&[events[at]]);
        if !given_up {
            texts.push(&said[at]);
        }
        if steps[at].1 == 0 {
            sweeps += shell.sweep(STREAM);
        }
        texts.sort();
        for id in ["m", "n"] {
            prop_assert!(shell.text(id) == of(&texts, id), "{} after {}", id, at);
        }
    }
    for row in &shell.messages {
        let length = of(&texts, &row.message_id).len();
        prop_assert!(row.part_bytes <= 2 * length + crate::limits::TEXT_PART_BYTES_MAX * (1 + sweeps));
    }
    shell.now_ms += 2.0 * DAY;
    shell.sweep(STREAM);
    prop_assert_eq!(shell.chunks.len(), 0, "everything is due");
    for id in ["m", "n"] {
        prop_assert!(shell.text(id) == of(&texts, id));
    }
    Ok(())
}
