//! What a turn or a thread keeps the newest of: each input with every write that the batch plans.

use crate::ingest::call::{Delta, LifecycleEvent};
use crate::limits::{NOTE_BYTES_MAX, TEXT_PART_BYTES_MAX};
use crate::testing::*;

fn usage_json(total: u64, last: u64) -> String {
    format!(r#"{{"total":{{"totalTokens":{total}}},"last":{{"totalTokens":{last}}},"modelContextWindow":9}}"#)
}

fn usage(cursor: u64, total: u64) -> Delta<'static> {
    let params = format!(r#"{{"threadId":"T","turnId":"U","tokenUsage":{}}}"#, usage_json(total, 1));
    event(cursor, "thread/tokenUsage/updated", &params)
}

fn repeated(number: u64, turn_id: &'static str, total: u64) -> LifecycleEvent<'static> {
    let params = format!(r#"{{"threadId":"T","turnId":"{turn_id}","tokenUsage":{}}}"#, usage_json(total, 1));
    lifecycle(number, "thread/tokenUsage/updated", Some(turn_id), &params)
}

fn diff(cursor: u64, text: &str) -> Delta<'static> {
    event(cursor, "turn/diff/updated", &format!(r#"{{"threadId":"T","turnId":"U","diff":"{text}"}}"#))
}

fn kept(shell: &Shell, owner: &str, what: &str) -> Option<String> {
    shell.newest.get(&(owner.to_owned(), what.to_owned())).cloned()
}

fn of_thread(shell: &mut Shell, events: &[LifecycleEvent<'static>]) -> Vec<String> {
    shell.plan(&[], events).writes.iter().map(brief).collect()
}

fn begun() -> Shell {
    Shell::after(&[turn_started(0), item_started(1, "m")])
}

#[test]
fn usage_is_the_turns_and_the_threads() {
    let mut shell = begun();
    assert_eq!(
        shell.writes(&[usage(2, 120)]),
        [
            format!("newest usage of U and thread: {}", usage_json(120, 1)),
            "head 3 count 3 weight 16384 at 0 newest [3, 0, 0, 0] with items".into(),
            "chunk 2..3 kept 0".into(),
        ]
    );
    assert_eq!(shell.heads[0].newest, [3, 0, 0, 0]);
}

#[test]
fn the_newest_usage_of_a_batch_is_written_and_nothing_is_summed() {
    let mut shell = begun();
    assert_eq!(
        shell.writes(&[usage(2, 120), usage(3, 240), usage(4, 200)]),
        [
            format!("newest usage of U and thread: {}", usage_json(200, 1)),
            "head 5 count 5 weight 16384 at 0 newest [5, 0, 0, 0] with items".into(),
            "chunk 2..5 kept 0".into(),
        ]
    );
}

#[test]
fn usage_of_a_turn_that_is_not_known_is_the_threads_and_makes_none() {
    let mut shell = Shell::new();
    assert_eq!(
        shell.writes(&[usage(0, 120)]),
        [
            "thread+".into(),
            format!("newest usage of thread: {}", usage_json(120, 1)),
            "stream+ streaming".into(),
            "head+ 1 count 1 weight 8192 newest [1, 0, 0, 0]".into(),
            "chunk 0..1 kept 0".into(),
        ]
    );
    assert_eq!(
        of_thread(&mut shell, &[repeated(0, "old", 240)]),
        [format!("newest usage of thread: {}", usage_json(240, 1)), "marks r:T 1".into()]
    );
    assert_eq!(shell.turns, []);
}

#[test]
fn what_a_resumed_thread_repeats_of_a_turn_that_ended_changes_nothing() {
    let mut shell = begun();
    shell.writes(&[usage(2, 120), turn_completed(3, "completed")]);
    let before = shell.newest.clone();
    let turn_diff =
        lifecycle(1, "turn/diff/updated", Some("U"), r#"{"threadId":"T","turnId":"U","diff":"d"}"#);
    assert_eq!(of_thread(&mut shell, &[repeated(0, "U", 90), turn_diff]), ["marks r:T 2"]);
    assert_eq!(shell.newest, before);
    assert_eq!(shell.turns.len(), 1);
}

#[test]
fn a_forked_thread_repeats_before_its_first_turn_in_the_same_batch() {
    let mut shell = Shell::new();
    let batch = [turn_started(0), item_started(1, "m"), usage(2, 360)];
    let writes: Vec<_> = shell.plan(&batch, &[repeated(0, "old", 240)]).writes.iter().map(brief).collect();
    assert_eq!(
        writes,
        [
            "thread+".into(),
            "thread next=Some(1)".into(),
            "turn+ U inProgress at 0 with items from 100".into(),
            format!("newest usage of U and thread: {}", usage_json(360, 1)),
            "message+ m streaming open \"\" at 0.1 from 1 growing".into(),
            "stream+ streaming at 0".into(),
            "head+ 3 count 3 weight 8192 at 0 open m 1:0 folded 1/0 newest [3, 0, 0, 0] with items".into(),
            "chunk 0..3 kept 2 of m".into(),
            "marks r:T 1".into(),
        ]
    );
    assert_eq!(kept(&shell, "", "usage"), Some(usage_json(360, 1)));
}

#[test]
fn usage_beside_the_streams_counts_while_its_turn_goes_on() {
    let mut shell = begun();
    assert_eq!(
        of_thread(&mut shell, &[repeated(0, "U", 120)]),
        [format!("newest usage of U and thread: {}", usage_json(120, 1)), "marks r:T 1".into()]
    );
}

#[test]
fn the_threads_usage_is_its_latest_turns() {
    let mut shell = begun();
    let of_next = |event| of_turn("V", event);
    shell.writes(&[of_next(turn_started(0)), of_next(usage(1, 500))]);
    assert_eq!(
        shell.writes(&[usage(2, 120)]),
        [
            format!("newest usage of U: {}", usage_json(120, 1)),
            "head 3 count 3 weight 16384 at 0 newest [3, 0, 0, 0] with items".into(),
            "chunk 2..3 kept 0".into(),
        ],
        "the earlier turn's comes late"
    );
    shell.writes(&[of_next(usage(2, 80))]);
    assert_eq!(kept(&shell, "", "usage"), Some(usage_json(80, 1)), "after a revert there are fewer");
}

#[test]
fn what_fills_a_hole_is_newest_only_where_nothing_newer_came() {
    let mut shell = begun();
    shell.writes(&[usage(5, 500), diff(6, "new"), diff(9, "newer")]);
    assert_eq!(
        shell.writes(&[usage(2, 200), diff(3, "old")]),
        ["head 10 count 7 weight 32768 at 0 hole 4..5 hole 7..9 with items", "chunk 2..4 kept 0"]
    );
    assert_eq!(
        shell.writes(&[usage(7, 700), diff(8, "between")]),
        [
            format!("newest usage of U and thread: {}", usage_json(700, 1)),
            "head 10 count 9 weight 40960 at 0 hole 4..5 newest [8, 10, 0, 0] with items".into(),
            "chunk 7..9 kept 0".into(),
        ]
    );
    assert_eq!(kept(&shell, "U", "diff").as_deref(), Some("newer"));
}

#[test]
fn of_diff_plan_and_reroute_the_turn_keeps_the_newest() {
    let mut shell = begun();
    let plan =
        r#"{"threadId":"T","turnId":"U","explanation":"why","plan":[{"step":"s","status":"pending"}]}"#;
    let reroute = r#"{"threadId":"T","turnId":"U","fromModel":"a","toModel":"b","reason":"r"}"#;
    let batch = [
        diff(2, r"a\nb\ud83d\ude00"),
        event(3, "turn/plan/updated", plan),
        event(4, "model/rerouted", reroute),
    ];
    assert_eq!(
        shell.writes(&batch),
        [
            "newest diff of U: a\nb😀".into(),
            format!("newest plan of U: {plan}"),
            format!("newest reroute of U: {reroute}"),
            "head 5 count 5 weight 16384 at 0 newest [0, 3, 4, 5] with items".into(),
            "chunk 2..5 kept 0".into(),
        ]
    );
    assert_eq!(
        shell.writes(&[diff(5, "")]),
        [
            "newest diff of U: ",
            "head 6 count 6 weight 24576 at 0 newest [0, 6, 4, 5] with items",
            "chunk 5..6 kept 0"
        ],
        "nothing is changed any more"
    );
    assert_eq!(kept(&shell, "U", "diff"), None);
}

#[test]
fn a_diff_that_comes_after_its_turns_end_is_its_newest() {
    let mut shell = begun();
    shell.writes(&[turn_completed(2, "completed")]);
    assert_eq!(
        shell.writes(&[diff(3, "late")]),
        [
            "newest diff of U: late",
            "head 4 count 4 weight 24576 at 0 newest [0, 4, 0, 0] with items closed",
            "chunk 3..4 kept 0"
        ]
    );
}

#[test]
fn a_large_diff_is_in_parts() {
    let mut shell = begun();
    let text = "é".repeat(TEXT_PART_BYTES_MAX);
    let plan = shell.plan(&[diff(2, &text)], &[]);
    let crate::ingest::write::Write::PutNewest { parts, .. } = &plan.writes[0] else { panic!() };
    assert_eq!(parts.iter().map(String::len).collect::<Vec<_>>(), [TEXT_PART_BYTES_MAX; 2]);
    assert_eq!(parts.concat(), text);
}

#[test]
fn diff_plan_and_reroute_of_a_turn_that_is_not_known_are_nobodys() {
    let mut shell = Shell::new();
    let params = r#"{"threadId":"T","turnId":"U","plan":[],"toModel":"m","diff":"d"}"#;
    let batch = [diff(0, "d"), event(1, "turn/plan/updated", params), event(2, "model/rerouted", params)];
    assert_eq!(
        shell.writes(&batch),
        [
            "thread+",
            "stream+ streaming",
            "head+ 3 count 3 weight 8192 newest [0, 1, 2, 3]",
            "chunk 0..3 kept 0"
        ]
    );
    let beside = lifecycle(0, "turn/diff/updated", Some("old"), params.replace("\"U\"", "\"old\"").as_str());
    assert_eq!(of_thread(&mut shell, &[beside]), ["marks r:T 1"]);
}

#[test]
fn goal_settings_and_warnings_are_the_threads() {
    let mut shell = begun();
    let goal =
        |objective: &str| format!(r#"{{"threadId":"T","turnId":"U","goal":{{"objective":"{objective}"}}}}"#);
    assert_eq!(
        shell.writes(&[
            event(2, "thread/goal/updated", &goal("a")),
            event(3, "thread/goal/updated", &goal("b"))
        ]),
        [
            r#"newest goal of thread: {"objective":"b"}"#,
            "head 4 count 4 weight 16384 at 0 with items",
            "chunk 2..4 kept 0"
        ]
    );
    let settings = r#"{"threadId":"T","threadSettings":{"model":"m"}}"#;
    let events = [
        lifecycle(0, "thread/settings/updated", None, settings),
        lifecycle(1, "guardianWarning", None, r#"{"threadId":"T","message":"first"}"#),
        lifecycle(2, "warning", None, r#"{"threadId":"T","message":"then"}"#),
        lifecycle(3, "thread/goal/cleared", None, r#"{"threadId":"T"}"#),
    ];
    assert_eq!(
        of_thread(&mut shell, &events),
        [
            r#"newest settings of thread: {"model":"m"}"#,
            "newest warning of thread: then",
            "newest goal of thread: ",
            "marks r:T 4",
        ]
    );
    assert_eq!((kept(&shell, "", "goal"), shell.turns.len()), (None, 1));
    let long = format!(r#"{{"threadId":"T","message":"{}"}}"#, "w".repeat(NOTE_BYTES_MAX + 1));
    of_thread(&mut shell, &[lifecycle(4, "warning", None, &long)]);
    assert_eq!(kept(&shell, "", "warning").map(|text| text.len()), Some(NOTE_BYTES_MAX));
}

#[test]
fn a_retry_of_a_turn_that_is_not_known_warns_the_thread() {
    let mut shell = Shell::new();
    let params = r#"{"threadId":"T","turnId":"U","willRetry":true,"error":{"message":"busy"}}"#;
    assert_eq!(
        shell.writes(&[event(0, "error", params)]),
        [
            "thread+",
            "newest warning of thread: busy",
            "stream+ streaming",
            "head+ 1 count 1 weight 8192",
            "chunk 0..1 kept 1",
        ]
    );
}

#[test]
fn the_same_batch_again_writes_nothing() {
    let mut shell = begun();
    let batch = [usage(2, 120), diff(3, "d"), usage(4, 240)];
    shell.writes(&batch);
    let before = shell.clone();
    assert_eq!(
        shell.plan(&batch, &[repeated(0, "U", 240)]).writes.len(),
        2,
        "the repeat is new, the batch is not"
    );
    shell = before.clone();
    assert_eq!(shell.plan(&batch, &[]).writes, []);
    assert_eq!(shell, before);
}

#[test]
fn what_rows_show_nothing_of_moves_the_cursor() {
    let mut shell = begun();
    let params = r#"{"threadId":"T","turnId":"U"}"#;
    for (kind, cursor) in ["hook/completed", "thread/compacted", "thread/somethingNew"].into_iter().zip(2..) {
        let next = cursor + 1;
        assert_eq!(
            shell.writes(&[event(cursor, kind, params)]),
            [
                format!("head {next} count {next} weight {} at 0 with items", cursor * 8192),
                format!("chunk {cursor}..{next} kept 0"),
            ],
            "{kind}"
        );
    }
    let events = [
        lifecycle(0, "thread/status/changed", None, params),
        lifecycle(1, "thread/closed", None, params),
        lifecycle(2, "thread/deleted", None, params),
        lifecycle(3, "thread/reverted", None, params),
    ];
    assert_eq!(of_thread(&mut shell, &events), ["marks r:T 4"]);
}

#[test]
fn of_usages_in_one_batch_the_threads_is_the_later_turns_in_any_order() {
    for order in [["U", "V"], ["V", "U"]] {
        let mut shell = begun();
        shell.writes(&[of_turn("V", turn_started(0)), of_turn("V", item_started(1, "m"))]);
        let total = |turn_id| if turn_id == "U" { 5 } else { 9 };
        let events: Vec<_> = order.into_iter().zip(0..).map(|(id, at)| repeated(at, id, total(id))).collect();
        shell.plan(&[], &events);
        assert_eq!(kept(&shell, "", "usage"), Some(usage_json(9, 1)), "{order:?}");
        assert_eq!(kept(&shell, "U", "usage"), Some(usage_json(5, 1)), "{order:?}");
    }
}

#[test]
fn a_turn_is_asked_for_where_it_keeps_what_comes_and_is_not_known() {
    let turns = |shell: &Shell, event: Delta<'static>, of_thread: &[LifecycleEvent<'static>]| {
        shell.needs(&[event], of_thread).turns
    };
    let known = begun();
    let goal = |turn_id| {
        let params = r#"{"threadId":"T","turnId":"U2","goal":{"objective":"x"}}"#;
        lifecycle(0, "thread/goal/updated", turn_id, params)
    };
    assert_eq!(turns(&known, diff(2, "a"), &[]), [""; 0], "it runs");
    assert_eq!(turns(&known, diff(2, "a"), &[goal(Some("U2"))]), [""; 0], "the thread keeps it");
    assert_eq!(turns(&known, diff(2, "a"), &[repeated(0, "U2", 7)]), ["U2"]);
}

#[test]
fn usage_of_a_turn_that_is_not_known_is_the_threads_beside_that_of_an_earlier_turn() {
    let mut shell = begun();
    shell.writes(&[of_turn("U2", turn_started(0)), of_turn("U2", usage(1, 9))]);
    shell.writes(&[of_turn("A", usage(0, 70)), usage(2, 8)]);
    let of = |owner| kept(&shell, owner, "usage");
    assert_eq!((of(""), of("U")), (Some(usage_json(70, 1)), Some(usage_json(8, 1))));
}
