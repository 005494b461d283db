//! Forks: jobs that copy a thread's turns and messages into a new one, a batch at a time.
//!
//! scheduled -> running -> completed, or failed, where the source or the copy went meanwhile. A fork begins at once, unless
//! its source is being filled by another one. What goes on in the source has ended in the copy: Codex says `interrupted`
//! of such a turn of a fork.

use crate::error::Code;
use crate::fold::{FoldRow, Tail};
use crate::ingest::write::{Closing, MessageStatus, Source, TurnStatus, Write};
use crate::limits::{
    DELETION_RETRY_MS, FORK_ROWS_MAX, FORK_UNITS_MAX, JOB_TTL_MS, JOBS_OPEN_MAX, SAFE_INTEGER_MAX,
};
use crate::pack::{Misfit, Unpacker};
use crate::tombstone::NewThread;
use serde::Serialize;
use tsify::Tsify;

/// Where a fork stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForkState {
    /// Its source is being filled.
    #[default]
    Scheduled,
    /// It copies.
    Running,
    /// Everything is copied.
    Completed,
    /// Its source or its copy is gone.
    Failed,
}

impl ForkState {
    /// As the schema has it.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "scheduled" => Some(Self::Scheduled),
            "running" => Some(Self::Running),
            "completed" => Some(Self::Completed),
            "failed" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// The wish to fork a thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForkCall<'a> {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// The thread that is to be made, where the new one does not exist.
    pub new_thread: Option<NewThread<'a>>,
    /// Whether the thread exists.
    pub source: bool,
    /// Whether it was deleted before.
    pub buried: bool,
    /// Whether the last turn to copy exists, where one is named.
    pub turn: Option<bool>,
    /// Whether the same was asked before: of a fork onto the new thread that is remembered.
    pub known: Option<bool>,
    /// Whether the new thread is the old one, or has had turns.
    pub used: bool,
    /// Whether another fork fills the source.
    pub filling: bool,
    /// Forks of the same owner that have not ended.
    pub open_count: u64,
}

/// The answer to the wish.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum ForkAnswer {
    /// Nothing is written.
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        message: &'static str,
    },
    /// The fork that is remembered is this one.
    Keep,
    /// A fork is made.
    Insert {
        /// What it does first.
        first: ForkStep,
        /// The name of the new thread's tombstone, where that thread is made: it may have been deleted before.
        #[tsify(optional)]
        tombstone: Option<String>,
    },
}

/// Plans a fork: the same one is one job, whoever asks how often.
pub fn plan_fork(call: &ForkCall<'_>) -> ForkAnswer {
    let refused = |code, message| ForkAnswer::Rejected { code, message };
    if call.known == Some(true) {
        return ForkAnswer::Keep;
    }
    if !call.source && call.buried {
        return refused(Code::EThreadDeleted, "the thread was deleted");
    }
    if !call.source {
        return refused(Code::EAuthThreadForbidden, "the thread does not exist for this actor");
    }
    if call.turn == Some(false) {
        return refused(Code::EAuthTurnForbidden, "the turn does not exist for this actor");
    }
    if call.used || call.known.is_some() {
        return refused(Code::EThreadNotEmpty, "the new thread has turns already");
    }
    if call.open_count >= JOBS_OPEN_MAX {
        return refused(Code::EQuota, "too many forks are under way");
    }
    let state = ForkState::Scheduled;
    ForkAnswer::Insert {
        first: plan_fork_step(&ForkStepCall {
            state,
            source: true,
            copy: true,
            filling: call.filling,
            now_ms: call.now_ms,
        }),
        tombstone: call.new_thread.map(NewThread::tombstone),
    }
}

/// A fork before its next batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForkStepCall {
    /// Where it stands.
    pub state: ForkState,
    /// Whether its source is there.
    pub source: bool,
    /// Whether its copy is there.
    pub copy: bool,
    /// Whether another fork fills its source.
    pub filling: bool,
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
}

/// What a fork does next.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ForkStep {
    /// Nothing: it has ended.
    Keep,
    /// It ends, and its copy with what it has.
    Fail {
        /// Why.
        code: Code,
        /// Until when its row is kept, in milliseconds.
        expires_at: f64,
    },
    /// Its source is being filled.
    Wait {
        /// When the sweep takes it up, if nobody else did, in milliseconds.
        retry_at: f64,
    },
    /// A batch is copied.
    Copy {
        /// Whether it is the first one.
        begins: bool,
        /// Rows at most.
        rows: u64,
        /// UTF-16 units at most, one row more.
        units: u64,
        /// When the sweep takes it up again, if nobody else did, in milliseconds.
        retry_at: f64,
        /// Until when its row is kept if this was the last batch, in milliseconds.
        expires_at: f64,
    },
}

/// Plans the next batch of a fork. Nothing is copied of a thread that is gone, nor into one.
pub fn plan_fork_step(call: &ForkStepCall) -> ForkStep {
    let retry_at = call.now_ms + DELETION_RETRY_MS;
    let expires_at = call.now_ms + JOB_TTL_MS;
    let begins = match call.state {
        ForkState::Completed | ForkState::Failed => return ForkStep::Keep,
        ForkState::Scheduled => true,
        ForkState::Running => false,
    };
    if !call.source || !call.copy {
        return ForkStep::Fail { code: Code::EThreadDeleted, expires_at };
    }
    if begins && call.filling {
        return ForkStep::Wait { retry_at };
    }
    ForkStep::Copy { begins, rows: FORK_ROWS_MAX, units: FORK_UNITS_MAX, retry_at, expires_at }
}

/// Rows that are to be copied.
#[derive(Clone, Debug)]
pub struct CopyCall<'a> {
    /// Turns: their statuses, as the schema has them.
    pub turns: Vec<&'a str>,
    /// Messages: their statuses.
    pub messages: Vec<&'a str>,
    /// Texts whose tails lie in chunks, by their messages' indexes, and whether all of the tail is there.
    pub tails: Vec<(FoldRow<'a>, bool)>,
}

/// What a turn is in the copy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct TurnCopy {
    /// Whether it is there: a turn that waits has not happened.
    pub copied: bool,
    /// Its status, where that is another one.
    #[tsify(optional)]
    pub status: Option<TurnStatus>,
    /// Whose word that is.
    #[tsify(optional)]
    pub source: Option<Source>,
}

/// What a message is in the copy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct MessageCopy {
    /// Its status, where that is another one.
    #[tsify(optional)]
    pub status: Option<MessageStatus>,
    /// What ended it, where it has not ended.
    #[tsify(optional)]
    pub closing: Option<Closing>,
}

/// What a tail adds to the parts of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct TailCopy {
    /// The message's index.
    pub message: u32,
    /// An unpaired high half that waits at its end.
    #[tsify(optional)]
    pub pending_high: Option<u16>,
    /// UTF-8 bytes of all parts.
    pub text_bytes: u64,
    /// The number of the first part that is written.
    pub first_part: u64,
    /// The parts that are written: the last one of before, where it grew, and new ones.
    pub parts: Vec<String>,
}

/// The copies, in the order of the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct CopyAnswer {
    /// Of the turns.
    pub turns: Vec<TurnCopy>,
    /// Of the messages.
    pub messages: Vec<MessageCopy>,
    /// Of the tails.
    pub tails: Vec<TailCopy>,
    /// What a message is while parts of it are yet to be copied.
    pub part: MessageCopy,
}

impl<'a> CopyCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            turns: call.list(Unpacker::text),
            messages: call.list(Unpacker::text),
            tails: call.list(|call| (FoldRow::unpack(call), call.flag())),
        };
        call.end(read)
    }
}

/// A message that has not ended: a later word of its item is the last one.
const ENDED: MessageCopy =
    MessageCopy { status: Some(MessageStatus::Interrupted), closing: Some(Closing::Turn) };

/// What rows of a thread are in its copy. What has ended stays as it is.
pub fn plan_copies(call: &CopyCall<'_>) -> CopyAnswer {
    let as_is = MessageCopy { status: None, closing: None };
    CopyAnswer {
        turns: call.turns.iter().map(|status| turn_copy(status)).collect(),
        messages: call
            .messages
            .iter()
            .map(|status| if *status == "streaming" { ENDED } else { as_is })
            .collect(),
        tails: call.tails.iter().filter_map(|(row, whole)| tail_copy(row, *whole)).collect(),
        part: ENDED,
    }
}

/// What goes on is ended by its copying, which every word of Codex's replaces.
fn turn_copy(status: &str) -> TurnCopy {
    let (status, source) = match status {
        "queued" => return TurnCopy { copied: false, status: None, source: None },
        "inProgress" => (Some(TurnStatus::Interrupted), Some(Source::Local)),
        _ => (None, None),
    };
    TurnCopy { copied: true, status, source }
}

/// The parts of a text with its tail. A half of a surrogate pair that waits at the end of all gets no other half any more:
/// what comes behind it makes it U+FFFD.
fn tail_copy(row: &FoldRow<'_>, whole: bool) -> Option<TailCopy> {
    let copy = folded(row)?;
    if !whole || copy.pending_high.is_none() {
        return Some(copy);
    }
    let mut row = row.clone();
    row.runs.push(Tail {
        cursor_start: row.end,
        text: "",
        leading_low: None,
        pending_high: copy.pending_high,
    });
    Some(TailCopy { pending_high: None, ..folded(&row)? })
}

fn folded(row: &FoldRow<'_>) -> Option<TailCopy> {
    match row.write(row.fold(&[], SAFE_INTEGER_MAX))? {
        Write::FoldMessage { row: message, pending_high, text_bytes, first_part, parts, .. } => {
            Some(TailCopy { message, pending_high, text_bytes, first_part, parts })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tombstone::{Buried, tombstone_of};

    const STATES: [ForkState; 4] =
        [ForkState::Scheduled, ForkState::Running, ForkState::Completed, ForkState::Failed];
    const ASKED: ForkCall<'_> = ForkCall {
        now_ms: 5.0,
        new_thread: None,
        source: true,
        buried: false,
        turn: None,
        known: None,
        used: false,
        filling: false,
        open_count: 0,
    };

    fn code(call: ForkCall<'_>) -> Option<Code> {
        match plan_fork(&call) {
            ForkAnswer::Rejected { code, .. } => Some(code),
            _ => None,
        }
    }

    #[test]
    fn a_fork_begins_at_once_unless_its_source_is_being_filled() {
        let step = |filling| {
            let state = ForkState::Scheduled;
            plan_fork_step(&ForkStepCall { state, source: true, copy: true, filling, now_ms: 5.0 })
        };
        let begins = |filling| ForkAnswer::Insert { first: step(filling), tombstone: None };
        assert!(matches!(step(false), ForkStep::Copy { begins: true, .. }));
        assert!(matches!(step(true), ForkStep::Wait { .. }));
        assert_eq!(plan_fork(&ASKED), begins(false));
        let named = ForkCall { turn: Some(true), ..ASKED };
        assert_eq!(plan_fork(&named), begins(false));
        let filling = ForkCall { filling: true, ..ASKED };
        assert_eq!(plan_fork(&filling), begins(true));
    }

    #[test]
    fn a_thread_that_is_made_may_have_been_deleted_before() {
        let new_thread = Some(NewThread { tenant_id: "acme", user_id: "änn", thread_id: "th_1" });
        let ForkAnswer::Insert { tombstone, .. } = plan_fork(&ForkCall { new_thread, ..ASKED }) else {
            panic!("it is made");
        };
        assert_eq!(tombstone, Some(tombstone_of(Buried::Thread, "acme", "änn", "th_1")));
    }

    #[test]
    fn the_same_fork_is_one_job_whatever_became_of_its_threads() {
        let again = ForkCall { known: Some(true), used: true, open_count: JOBS_OPEN_MAX, ..ASKED };
        assert_eq!(plan_fork(&again), ForkAnswer::Keep);
        let gone = ForkCall { source: false, buried: true, turn: Some(false), ..again };
        assert_eq!(plan_fork(&gone), ForkAnswer::Keep);
    }

    #[test]
    fn what_cannot_be_forked_is_refused_and_what_is_not_there_first() {
        for (call, want) in [
            (ForkCall { source: false, ..ASKED }, Code::EAuthThreadForbidden),
            (ForkCall { source: false, buried: true, ..ASKED }, Code::EThreadDeleted),
            (ForkCall { source: false, turn: Some(false), used: true, ..ASKED }, Code::EAuthThreadForbidden),
            (ForkCall { turn: Some(false), used: true, ..ASKED }, Code::EAuthTurnForbidden),
            (ForkCall { used: true, open_count: JOBS_OPEN_MAX, ..ASKED }, Code::EThreadNotEmpty),
            (ForkCall { known: Some(false), ..ASKED }, Code::EThreadNotEmpty),
            (ForkCall { open_count: JOBS_OPEN_MAX, ..ASKED }, Code::EQuota),
        ] {
            assert_eq!(code(call), Some(want), "{call:?}");
        }
        assert_eq!(code(ForkCall { buried: true, ..ASKED }), None, "it was made again");
        assert_eq!(code(ForkCall { open_count: JOBS_OPEN_MAX - 1, ..ASKED }), None);
    }

    #[test]
    fn a_batch_is_copied_while_both_threads_are_there() {
        const MINUTE: f64 = 60_000.0;
        const DAY: f64 = 24.0 * 60.0 * MINUTE;
        let step = |state, source, copy, filling| {
            plan_fork_step(&ForkStepCall { state, source, copy, filling, now_ms: 5.0 })
        };
        let copy = |begins| ForkStep::Copy {
            begins,
            rows: 500,
            units: 1024 * 1024,
            retry_at: 5.0 + 5.0 * MINUTE,
            expires_at: 5.0 + 7.0 * DAY,
        };
        assert_eq!(step(ForkState::Scheduled, true, true, false), copy(true));
        assert_eq!(step(ForkState::Running, true, true, false), copy(false));
        assert_eq!(step(ForkState::Running, true, true, true), copy(false), "it began before");
        let wait = ForkStep::Wait { retry_at: 5.0 + 5.0 * MINUTE };
        assert_eq!(step(ForkState::Scheduled, true, true, true), wait);
        let fail = ForkStep::Fail { code: Code::EThreadDeleted, expires_at: 5.0 + 7.0 * DAY };
        for state in [ForkState::Scheduled, ForkState::Running] {
            for (source, copy) in [(false, true), (true, false), (false, false)] {
                assert_eq!(step(state, source, copy, true), fail);
            }
        }
        for state in [ForkState::Completed, ForkState::Failed] {
            assert_eq!(step(state, true, true, false), ForkStep::Keep);
            assert_eq!(step(state, false, false, true), ForkStep::Keep);
        }
    }

    #[test]
    fn what_goes_on_has_ended_in_the_copy() {
        let turn = |copied, status, source| TurnCopy { copied, status, source };
        let as_is = MessageCopy { status: None, closing: None };
        let call = CopyCall {
            turns: vec!["queued", "inProgress", "completed", "interrupted", "failed"],
            messages: vec!["streaming", "completed", "interrupted", "failed"],
            tails: Vec::new(),
        };
        let interrupted = turn(true, Some(TurnStatus::Interrupted), Some(Source::Local));
        let kept = turn(true, None, None);
        let want = CopyAnswer {
            turns: vec![turn(false, None, None), interrupted, kept, kept, kept],
            messages: vec![ENDED, as_is, as_is, as_is],
            tails: Vec::new(),
            part: ENDED,
        };
        assert_eq!(plan_copies(&call), want);
    }

    fn tail(text: &'static str, pending_high: Option<u16>) -> Tail<'static> {
        Tail { cursor_start: 3, text, leading_low: None, pending_high }
    }

    /// The text's bytes and the parts that are written, with the number of the first.
    fn copied(last: &str, high: Option<u16>, runs: Vec<Tail<'_>>, whole: bool) -> TailCopy {
        let text_bytes = 65_536 + last.len() as u64;
        let row =
            FoldRow { message: 7, cursor: 3, pending_high: high, text_bytes, part: 1, last, runs, end: 4 };
        let mut tails =
            plan_copies(&CopyCall { turns: vec![], messages: vec![], tails: vec![(row, whole)] }).tails;
        assert_eq!(tails.len(), 1);
        tails.remove(0)
    }

    #[test]
    fn a_tail_becomes_parts_and_a_half_at_its_end_a_character() {
        let high = Some(0xD83D);
        let want = |text_bytes, first_part, text: &str| TailCopy {
            message: 7,
            pending_high: None,
            text_bytes,
            first_part,
            parts: if text.is_empty() { vec![] } else { vec![text.to_owned()] },
        };
        assert_eq!(copied("a", None, vec![tail("b", None)], true), want(65_538, 1, "ab"));
        assert_eq!(copied("a", None, vec![], true), want(65_537, 2, ""));
        assert_eq!(copied("a", None, vec![tail("b", high)], true), want(65_541, 1, "ab\u{FFFD}"));
        let waits = TailCopy { pending_high: high, ..want(65_538, 1, "ab") };
        assert_eq!(copied("a", None, vec![tail("b", high)], false), waits, "more comes");
        assert_eq!(copied("a", high, vec![], true), want(65_540, 1, "a\u{FFFD}"));
        let low = Tail { leading_low: Some(0xDE00), ..tail("", None) };
        assert_eq!(copied("a", high, vec![low], true), want(65_541, 1, "a\u{1F600}"));
        let full = "x".repeat(65_536);
        let behind = copied(&full, None, vec![tail("y", None)], true);
        assert_eq!(behind, want(131_073, 2, "y"), "a full part is not written again");
    }

    #[test]
    fn a_call_is_read_as_it_is_packed() {
        let numbers = [1.0, 6.0, 1.0, 9.0, 1.0, 0.0, 3.0, f64::NAN, 1.0, 0.0, 1.0, 0.0, 4.0, 1.0];
        let call = CopyCall::unpack(Unpacker::new("queuedstreaminga", &numbers)).unwrap();
        assert_eq!((call.turns, call.messages), (vec!["queued"], vec!["streaming"]));
        assert_eq!((call.tails[0].0.end, call.tails[0].0.last, call.tails[0].1), (4, "a", true));
        assert!(CopyCall::unpack(Unpacker::new("queuedstreaminga", &numbers[..13])).is_err());
    }

    #[test]
    fn names_are_those_of_the_schema() {
        let names = ["scheduled", "running", "completed", "failed"];
        assert_eq!(names.map(ForkState::read), STATES.map(Some));
        assert_eq!(ForkState::read("cancelled"), None);
    }
}
