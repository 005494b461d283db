//! Texts that are folded while they grow: every write of the batch that folds, and texts that are whole at any time.

use super::call::Delta;
use super::plan::plan_ingest;
use super::write::{IngestAnswer, Write};
use crate::limits::{CHUNK_WEIGHT_MIN, FOLD_WEIGHT_MAX, TEXT_PART_BYTES_MAX};
use crate::testing::*;
use proptest::prelude::*;

const KIB: usize = 1024;

fn steady() -> Shell {
    Shell::after(&[turn_started(0), item_started(1, "m")])
}

fn letters(count: usize) -> String {
    "a".repeat(count)
}

/// The writes of a batch, chunks and heads left out.
fn folds(writes: &[String]) -> Vec<&str> {
    writes.iter().map(String::as_str).filter(|write| write.starts_with("fold")).collect()
}

#[test]
fn the_batch_that_fills_a_part_folds_the_text_up_to_its_end() {
    let mut shell = steady();
    for cursor in 2..5 {
        assert_eq!(folds(&shell.writes(&[delta(cursor, "m", &letters(20 * KIB))])), [""; 0]);
    }
    let batch = [delta(5, "m", &letters(6 * KIB))];
    let IngestAnswer::Needs { needs } = plan_ingest(&shell.call(&batch, &[])) else { panic!() };
    assert_eq!((needs.items.len(), needs.folds.len(), needs.folds[0].end), (1, 1, 5));
    let text = letters(6 * KIB);
    assert_eq!(
        shell.writes(&batch),
        [
            "head 6 count 6 weight 77827 at 0 open m 1:2048 folded 6/77827 with items",
            &format!("chunk 5..6 m:5..6={text:?} kept 0"),
            "fold 0 to 6, 67584 bytes, parts from 0 [65536, 2048]",
        ]
    );
    assert_eq!(shell.text("m"), letters(66 * KIB));
    let again = shell.clone();
    assert_eq!(shell.writes(&batch), [""; 0], "sent again");
    assert_eq!(shell, again);
}

#[test]
fn the_next_fold_rewrites_the_last_part_and_no_other() {
    let mut shell = steady();
    shell.writes(&[delta(2, "m", &letters(40 * KIB))]);
    assert_eq!(
        folds(&shell.writes(&[delta(3, "m", &letters(100 * KIB))])),
        ["fold 0 to 4, 143360 bytes, parts from 0 [65536, 65536, 12288]"]
    );
    assert_eq!(
        folds(&shell.writes(&[delta(4, "m", &letters(60 * KIB))])),
        ["fold 0 to 5, 204800 bytes, parts from 2 [65536, 8192]"]
    );
    assert_eq!(
        folds(&shell.writes(&[delta(5, "m", &letters(56 * KIB))])),
        ["fold 0 to 6, 262144 bytes, parts from 3 [65536]"],
        "to the brim"
    );
    assert_eq!(shell.heads[0].open[0].fold.unwrap().fill, 0);
    assert_eq!(
        folds(&shell.writes(&[delta(6, "m", &letters(65 * KIB))])),
        ["fold 0 to 7, 328704 bytes, parts from 4 [65536, 1024]"],
        "a part that is full stays"
    );
}

#[test]
fn small_batches_make_a_fold_due_by_their_number() {
    let mut shell = steady();
    let due = FOLD_WEIGHT_MAX / CHUNK_WEIGHT_MIN as u64;
    let mut folded = vec![];
    for cursor in 2..(3 * due) {
        let writes = shell.writes(&[delta(cursor, "m", "a")]);
        if !folds(&writes).is_empty() {
            folded.push(cursor);
        }
    }
    // The item began in the stream's first chunk, and a fold counts from its own batch on.
    assert_eq!(folded, [129, 258], "every 128 chunks and one");
}

#[test]
fn what_others_write_moves_the_fold_of_a_text_that_is_silent() {
    let mut shell = steady();
    shell.writes(&[delta(2, "m", "first"), item_started(3, "n")]);
    for cursor in 4..140 {
        shell.writes(&[delta(cursor, "n", &letters(8))]);
    }
    let silent = shell.heads[0].open.iter().find(|open| open.item_id == "m").unwrap();
    assert!(silent.fold.unwrap().cursor > 120, "{silent:?}");
    shell.writes(&[delta(140, "m", " last")]);
    assert_eq!(shell.text("m"), "first last");
}

#[test]
fn a_fold_ends_at_the_first_hole_and_goes_on_where_it_is_filled() {
    let mut shell = steady();
    shell.writes(&[delta(2, "m", "one ")]);
    let writes = shell.writes(&[delta(4, "m", &letters(70 * KIB))]);
    assert_eq!(folds(&writes), [""; 0], "four bytes would be written again with what fills the hole");
    assert_eq!(shell.text("m"), format!("one {}", letters(70 * KIB)), "what lies behind is shown after it");
    let writes = shell.writes(&[delta(5, "m", "x")]);
    assert_eq!(folds(&writes), [""; 0], "nothing is asked for while the hole is there");
    let writes = shell.writes(&[delta(3, "m", "two ")]);
    assert_eq!(folds(&writes), ["fold 0 to 6, 71689 bytes, parts from 0 [65536, 6153]"]);
    assert_eq!(shell.text("m"), format!("one two {}x", letters(70 * KIB)));
}

#[test]
fn an_item_whose_beginning_may_lie_in_a_hole_is_not_folded() {
    let mut shell = Shell::after(&[turn_started(0)]);
    shell.writes(&[delta(3, "m", &letters(70 * KIB))]);
    assert_eq!(folds(&shell.writes(&[delta(4, "m", "z")])), [""; 0]);
    shell.writes(&[item_started(1, "m"), delta(2, "m", "begin ")]);
    assert_eq!(shell.text("m"), format!("begin {}z", letters(70 * KIB)));
    shell.writes(&[delta(5, "m", "!")]);
    assert!(shell.messages[0].folded.is_some());
    assert_eq!(shell.text("m"), format!("begin {}z!", letters(70 * KIB)));
}

#[test]
fn a_hole_before_an_item_that_was_seen_to_begin_hinders_nothing() {
    let mut shell = Shell::after(&[turn_started(0)]);
    shell.writes(&[item_started(2, "m"), delta(3, "m", "a")]);
    let writes = shell.writes(&[delta(4, "m", &letters(70 * KIB))]);
    assert_eq!(folds(&writes), ["fold 0 to 5, 71681 bytes, parts from 0 [65536, 6145]"]);
}

#[test]
fn halves_of_a_character_that_a_fold_parts_are_joined() {
    let mut shell = steady();
    let half = format!("{}{}", letters(64 * KIB), r"\ud83d");
    assert_eq!(folds(&shell.writes(&[delta(2, "m", &half)])).len(), 1);
    assert_eq!(shell.messages[0].pending_high, Some(0xD83D));
    shell.writes(&[delta(3, "m", &format!(r"\ude00{}", letters(64 * KIB)))]);
    assert_eq!(shell.messages[0].pending_high, None);
    assert_eq!(shell.text("m"), format!("{0}😀{0}", letters(64 * KIB)));
    assert_eq!(shell.messages[0].parts[1].chars().next(), Some('😀'));
    let mut shell = steady();
    shell.writes(&[delta(2, "m", &format!(r"\ude00{}\ud83d", letters(65 * KIB)))]);
    shell.writes(&[delta(3, "m", &letters(65 * KIB))]);
    assert_eq!(shell.text("m"), format!("\u{fffd}{0}\u{fffd}{0}", letters(65 * KIB)), "what never pairs");
}

#[test]
fn an_item_that_ends_in_the_batch_is_not_folded_and_writes_what_differs() {
    let mut shell = steady();
    let text = letters(70 * KIB);
    shell.writes(&[delta(2, "m", &text)]);
    let before = shell.messages[0].part_bytes;
    let whole = format!("{text}{}", letters(2 * KIB));
    let batch = [delta(3, "m", &letters(64 * KIB)), item_completed(4, "m", &whole)];
    let IngestAnswer::Needs { needs } = plan_ingest(&shell.call(&batch, &[])) else { panic!() };
    assert_eq!(needs.folds, [], "no tail is read for it");
    let writes = shell.writes(&batch);
    assert_eq!(folds(&writes), [""; 0]);
    assert_eq!(shell.messages[0].part_bytes - before, 8 * KIB, "the last part alone");
    assert_eq!(shell.text("m"), whole);
    let mut shell = steady();
    shell.writes(&[delta(2, "m", &letters(60 * KIB))]);
    let writes = shell.writes(&[delta(3, "m", &letters(60 * KIB)), turn_completed(4, "completed")]);
    assert_eq!(folds(&writes), [""; 0], "the sweep does it");
    assert_eq!(shell.text("m"), letters(120 * KIB));
}

#[test]
fn a_tail_that_is_too_much_to_read_is_folded_by_the_batches_that_follow() {
    let mut shell = steady();
    shell.read_max = 1;
    let mut folded = vec![];
    for cursor in 2..14 {
        shell.writes(&[delta(cursor, "m", &letters(15 * KIB))]);
        folded.push(shell.messages[0].folded);
    }
    let to = |cursors: &[u64]| cursors.iter().map(|cursor| Some(*cursor)).collect::<Vec<_>>();
    assert_eq!(folded[..4], [None; 4]);
    assert_eq!(folded[4..], to(&[2, 3, 4, 5, 6, 7, 8, 9]), "a chunk a batch, each batch");
    assert_eq!(shell.text("m"), letters(12 * 15 * KIB));
}

/// Messages whose tails a batch asks for.
fn asked(shell: &Shell, batch: &[Delta<'static>]) -> Vec<String> {
    shell.needs(batch, &[]).folds.into_iter().map(|fold| fold.message_id).collect()
}

#[test]
fn a_tail_is_asked_for_by_the_batch_that_folds_it_and_by_no_other() {
    let large = |cursor, id| delta(cursor, id, &letters(70 * KIB));
    let two = || Shell::after(&[turn_started(0), item_started(1, "m"), item_started(2, "n")]);
    let other_end = item_completed(4, "n", "n");
    for (batch, want) in [
        (vec![delta(3, "m", "a")], vec![]),
        (vec![large(3, "m")], vec!["m"]),
        (vec![large(3, "n")], vec!["n"]),
        (vec![large(3, "m"), other_end], vec!["m"]),
        (vec![large(3, "m"), item_completed(4, "m", "m")], vec![]),
        (vec![large(3, "m"), turn_completed(4, "completed")], vec![]),
    ] {
        assert_eq!(asked(&two(), &batch), want, "{}", batch.len());
    }
}

#[test]
fn behind_a_hole_a_tail_is_asked_for_where_it_is_filled_or_too_much_to_read() {
    let mut shell = steady();
    shell.writes(&[delta(2, "m", "one ")]);
    shell.writes(&[delta(4, "m", &letters(70 * KIB))]);
    assert_eq!(asked(&shell, &[delta(5, "m", "x")]), [""; 0]);
    assert_eq!(asked(&shell, &[delta(3, "m", "two ")]), ["m"]);
    let due = FOLD_WEIGHT_MAX / CHUNK_WEIGHT_MIN as u64;
    let mut cursors = vec![];
    for cursor in 5..7 + due {
        let batch = [delta(cursor, "m", "x")];
        cursors.extend(asked(&shell, &batch).into_iter().map(|_| cursor));
        shell.writes(&batch);
    }
    assert_eq!(cursors.len(), 1, "{cursors:?}");
}

#[test]
fn the_tail_of_an_item_that_was_not_seen_to_begin_is_asked_for_unless_its_beginning_comes() {
    let unseen = |cursor| {
        let mut shell = Shell::after(&[turn_started(0)]);
        shell.writes(&[delta(cursor, "m", &letters(40 * KIB))]);
        shell
    };
    let mut shell = unseen(1);
    for cursor in 2..4 {
        let batch = [delta(cursor, "m", &letters(70 * KIB))];
        assert_eq!(asked(&shell, &batch), ["m"], "{cursor}");
        shell.writes(&batch);
        assert_eq!(shell.heads[0].open[0].fold.unwrap().cursor, cursor + 1);
    }
    let beginning = [item_started(1, "m"), delta(2, "m", &letters(70 * KIB))];
    assert_eq!(asked(&unseen(3), &beginning), [""; 0]);
}

#[test]
fn a_text_that_begins_earlier_than_was_seen_is_folded_by_the_batch_behind() {
    let mut shell = Shell::after(&[turn_started(0), item_started(10, "m")]);
    shell.writes(&[delta(11, "m", &letters(40 * KIB))]);
    let batch = [item_started(5, "m"), delta(6, "m", "b"), delta(12, "m", &letters(40 * KIB))];
    assert_eq!(asked(&shell, &batch), ["m"]);
    assert_eq!(folds(&shell.writes(&batch)), [""; 0]);
    assert_eq!(shell.text("m"), format!("b{}", letters(80 * KIB)));
    shell.writes(&[delta(13, "m", "c")]);
    assert_eq!(shell.text("m"), format!("b{}c", letters(80 * KIB)));
}

#[test]
fn a_head_that_knew_nothing_of_a_fold_learns_where_it_stands() {
    let mut shell = steady();
    shell.writes(&[delta(2, "m", &letters(70 * KIB))]);
    assert_eq!(shell.messages[0].folded, Some(3));
    shell.end_silent(TURN);
    shell.writes(&[delta(3, "m", "b")]);
    let fold = |shell: &Shell| shell.heads[0].open[0].fold.map(|fold| (fold.cursor, fold.fill));
    assert_eq!(fold(&shell), Some((1, 64 * KIB as u64 + 1)), "a part, so that the next batch looks");
    shell.writes(&[delta(4, "m", "c")]);
    assert_eq!(fold(&shell), Some((3, 6 * KIB as u64 + 2)));
    assert_eq!(shell.text("m"), format!("{}bc", letters(70 * KIB)));
}

#[test]
fn a_command_has_no_text_to_fold() {
    let item = r#"{"threadId":"T","turnId":"U","item":{"type":"commandExecution","id":"c","command":"ls","status":"inProgress"}}"#;
    let mut shell = Shell::after(&[turn_started(0), event(1, "item/started", item)]);
    shell.options.save_stream_deltas = true;
    let output = format!(r#"{{"threadId":"T","turnId":"U","itemId":"c","delta":"{}"}}"#, letters(70 * KIB));
    for cursor in 2..5 {
        let writes = shell.writes(&[event(cursor, "item/commandExecution/outputDelta", &output)]);
        assert_eq!(folds(&writes), [""; 0]);
        let run = format!("chunk {cursor}..{} output c:{cursor}..{}=", cursor + 1, cursor + 1);
        assert!(writes[1].starts_with(&run), "{}", &writes[1][..run.len()]);
    }
}

#[test]
fn chunks_are_kept_for_a_day_or_for_as_long_as_their_streams_are_wanted() {
    let day = 24.0 * 60.0 * 60.0 * 1000.0;
    let mut shell = steady();
    let expiry = |shell: &Shell| shell.chunks.last().unwrap().expires_at - shell.now_ms;
    assert_eq!(expiry(&shell), day);
    shell.options.finished_stream_delete_delay_ms = 7.0 * day;
    shell.writes(&[delta(2, "m", "a")]);
    assert_eq!(expiry(&shell), 7.0 * day);
}

/// A history: pieces of the texts of two items, with halves of characters, in batches of a KiB or more.
fn pieces() -> impl Strategy<Value = Vec<(bool, usize, u8)>> {
    prop::collection::vec((any::<bool>(), 1..30_usize, 0_u8..8), 1..24)
}

type Case = (Vec<(bool, usize, u8)>, Vec<(usize, bool)>, usize);

fn any_case() -> impl Strategy<Value = Case> {
    let order = prop::collection::vec((0_usize..8, any::<bool>()), 24);
    (pieces(), order, prop_oneof![Just(usize::MAX), 1_usize..6])
}

/// The few that every `cargo test` runs.
#[test]
fn a_text_is_whole_at_any_time_and_its_writes_are_bounded() {
    whole_and_bounded(3);
}

#[test]
#[ignore = "of the step evidence: npm test -- --only evidence"]
fn a_text_is_whole_at_any_time_and_its_writes_are_bounded_over_and_over() {
    whole_and_bounded(200);
}

fn whole_and_bounded(cases: u32) {
    proptest!(ProptestConfig { cases, ..ProptestConfig::default() }, |(case in any_case())| check(&case)?);
}

/// Batches are lost, doubled and swapped, holes are filled late: what is read is the history at any time, and what is
/// written is bounded.
fn check((pieces, order, read_max): &Case) -> Result<(), TestCaseError> {
    let read_max = *read_max;
    let mut shell = steady();
    shell.writes(&[item_started(2, "n")]);
    shell.read_max = read_max;
    let texts: Vec<Text> = pieces.iter().zip(3_u64..).map(text_of).collect();
    let half = |half: Option<u16>| half.map(|half| format!(r"\u{half:04x}")).unwrap_or_default();
    let event = |((id, low, body, high), cursor): (&Text, u64)| {
        delta(cursor, id, &format!("{}{body}{}", half(*low), half(*high)))
    };
    let events: Vec<_> = texts.iter().zip(3_u64..).map(event).collect();
    // Each event is sent in its turn or some turns later, and sometimes again.
    let mut queue: Vec<(usize, usize)> = (0..events.len()).map(|at| (at + order[at].0, at)).collect();
    queue.sort();
    let mut sent = vec![false; events.len()];
    let of = |sent: &[bool], id: &str| {
        let mine = texts.iter().zip(sent).filter(|(text, sent)| **sent && text.0 == id);
        joined(mine.map(|((_, low, body, high), _)| (*low, body.as_str(), *high)))
    };
    let stored = |shell: &Shell, id: &str| {
        let runs = shell.chunks.iter().flat_map(|chunk| &chunk.runs);
        runs.filter(|run| run.message_id == id).map(|run| run.text.len()).sum::<usize>()
    };
    for (_, at) in queue {
        let before: Vec<usize> = shell.messages.iter().map(|row| row.part_bytes).collect();
        shell.writes(&[events[at]]);
        sent[at] = true;
        if order[at].1 {
            let known = shell.clone();
            prop_assert_eq!(shell.writes(&[events[at]]), [""; 0]);
            prop_assert_eq!(&shell, &known);
        }
        let own = events[at].payload_json.len();
        for (row, before) in shell.messages.iter().zip(before) {
            // Holes keep back what a later batch folds: then its own text is the least of it.
            if shell.heads[0].holes.is_empty()
                && read_max == usize::MAX
                && order.iter().all(|(late, _)| *late == 0)
            {
                prop_assert!(row.part_bytes - before <= own + TEXT_PART_BYTES_MAX);
            }
        }
        for id in ["m", "n"] {
            prop_assert!(shell.text(id) == of(&sent, id), "{} after {}", id, at);
        }
    }
    for row in &shell.messages {
        let length = of(&sent, &row.message_id).len();
        let written = row.part_bytes + stored(&shell, &row.message_id);
        if read_max == usize::MAX {
            prop_assert!(written <= 3 * length + TEXT_PART_BYTES_MAX, "{written} of {length}");
        }
    }
    let last = 3 + events.len() as u64;
    let ends = ["m", "n"].iter().zip(last..);
    let ends: Vec<_> = ends.map(|(id, cursor)| item_completed(cursor, id, &of(&sent, id))).collect();
    shell.writes(&ends);
    for row in &shell.messages {
        let text = of(&sent, &row.message_id);
        prop_assert!(row.parts.concat() == text);
        let written = row.part_bytes + stored(&shell, &row.message_id);
        if read_max == usize::MAX {
            prop_assert!(
                written <= 3 * text.len() + TEXT_PART_BYTES_MAX,
                "whole: {written} of {}",
                text.len()
            );
        }
    }
    Ok(())
}

/// An item and what it says, between halves of characters.
type Text = (&'static str, Option<u16>, String, Option<u16>);

fn text_of(((other, kib, half), cursor): (&(bool, usize, u8), u64)) -> Text {
    let body = format!("{}é", format!("<{cursor}>").repeat(kib * KIB / 3));
    let (low, high) = ((*half == 0).then_some(0xDE00), (*half == 1).then_some(0xD83D));
    (if *other { "n" } else { "m" }, low, body, high)
}

#[test]
fn the_quarantine_keeps_200_rows_and_4_mib_the_newest() {
    let malformed = |cursor: u64, bytes: usize| {
        let mut event = event(cursor, "item/started", "{}");
        event.payload_json = keep("{".repeat(bytes));
        event
    };
    let mut shell = steady();
    let small: Vec<_> = (2..152).map(|cursor| malformed(cursor, 1)).collect();
    shell.writes(&small);
    let more: Vec<_> = (152..252).map(|cursor| malformed(cursor, 1)).collect();
    let writes = shell.writes(&more);
    let evicted = writes.iter().filter(|write| write.starts_with("quarantine evict")).count();
    assert_eq!((evicted, shell.quarantine.len()), (50, 200));
    assert_eq!(shell.quarantine[0].0, "e52");

    let mut shell = steady();
    for cursor in 2..7 {
        shell.writes(&[malformed(cursor, 1024 * KIB)]);
    }
    let kept: Vec<&str> = shell.quarantine.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(kept, ["e3", "e4", "e5", "e6"]);
    let writes: Vec<_> = shell.plan(&[malformed(7, 5 * 1024 * KIB)], &[]).writes;
    let gone = writes.iter().filter(|write| matches!(write, Write::EvictQuarantine { .. })).count();
    assert_eq!((gone, shell.quarantine.len()), (4, 1), "the newest always is kept");
}
