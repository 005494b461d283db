//! A fold by itself: what it takes, and what it says of what it leaves.

use super::*;

fn tail(cursor_start: u64, text: &str) -> Tail<'_> {
    Tail { cursor_start, text, leading_low: None, pending_high: None }
}

fn row<'a>(last: &'a str, runs: &[Tail<'a>]) -> FoldRow<'a> {
    let (message, pending_high, part, end) = (0, None, 3, 20);
    FoldRow { message, cursor: 10, pending_high, text_bytes: 100, part, last, runs: runs.to_vec(), end }
}

#[test]
fn what_begins_at_the_limit_is_left_and_its_bytes_count() {
    let folded = row("ab", &[tail(9, "old"), tail(10, "cd"), tail(12, "efgh"), tail(14, "é")]).fold(&[], 12);
    let want = Folded {
        cursor: 12,
        fill: 4 + 4 + 2,
        rewritten: 4,
        pending_high: None,
        text_bytes: 102,
        first_part: 3,
        parts: vec!["abcd".into()],
    };
    assert_eq!(folded, want);
}

#[test]
fn a_full_part_counts_for_nothing_more() {
    let full = "a".repeat(TEXT_PART_BYTES_MAX);
    let folded = row(&full, &[tail(10, "b"), tail(12, "cde")]).fold(&[], 10);
    assert_eq!((folded.fill, folded.first_part, folded.parts), (4, 4, vec![]));
}
