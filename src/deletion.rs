//! Deletions: jobs that take a thread, some turns of one, or everything of a user away, a batch at a time.
//!
//! scheduled -> running -> completed, or scheduled -> cancelled. A job that runs has hidden what it deletes before it
//! took anything else: from then on nobody reads it, and it cannot be cancelled.

use crate::error::Code;
use crate::limits::{
    DELETION_GRACE_DEFAULT_MS, DELETION_GRACE_MAX_MS, DELETION_RETRY_MS, DELETION_ROWS_MAX,
    DELETION_UNITS_MAX, JOB_TTL_MS, JOBS_OPEN_MAX, REVERT_GRACE_MS,
};
use serde::Serialize;
use tsify::Tsify;

/// Where a job stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JobState {
    /// It waits for its time.
    #[default]
    Scheduled,
    /// Its first row is gone.
    Running,
    /// Everything is gone.
    Completed,
    /// It was taken back.
    Cancelled,
}

impl JobState {
    /// As the schema has it.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "scheduled" => Some(Self::Scheduled),
            "running" => Some(Self::Running),
            "completed" => Some(Self::Completed),
            "cancelled" => Some(Self::Cancelled),
            _ => None,
        }
    }
}

/// What is to be deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// A thread.
    #[default]
    Thread,
    /// One turn.
    Turn,
    /// The turns behind one: hidden at once, deleted later.
    Revert,
    /// Everything of a user.
    Actor,
}

impl Target {
    /// As the shell names it.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "thread" => Some(Self::Thread),
            "turn" => Some(Self::Turn),
            "revert" => Some(Self::Revert),
            "actor" => Some(Self::Actor),
            _ => None,
        }
    }
}

/// The wish to delete something.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeletionCall {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// What is to go.
    pub target: Target,
    /// Whether its thread exists; a user does.
    pub thread_exists: bool,
    /// Whether it exists.
    pub exists: bool,
    /// Whether its thread was deleted before.
    pub buried: bool,
    /// Whether there is nothing to delete.
    pub empty: bool,
    /// Milliseconds until it begins; NaN: the default. None: at once.
    pub delay_ms: Option<f64>,
    /// The job of the same target that has not ended.
    pub open: Option<JobState>,
    /// Jobs of the same owner and kind that have not ended; of reverts, those that wait.
    pub open_count: u64,
}

/// The answer about a job.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum DeletionAnswer {
    /// Nothing is written.
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        message: &'static str,
    },
    /// The job is as it should be.
    Keep,
    /// A job is made, and begins at `dueAt`.
    Insert {
        /// In milliseconds.
        due_at: f64,
        /// Its first batch, where that is now.
        #[tsify(optional)]
        first: Option<DeletionStep>,
        /// Whether the oldest that waits begins now, and makes room.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        #[tsify(optional)]
        crowds: bool,
    },
    /// The job that is there begins now.
    Begin {
        /// Its first batch.
        first: DeletionStep,
    },
    /// The job is taken back; its row is kept until `expiresAt`.
    Cancel {
        /// In milliseconds.
        expires_at: f64,
    },
    /// A batch is done.
    Step {
        /// The batch.
        step: DeletionStep,
    },
}

/// A batch of a job.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct DeletionStep {
    /// Whether it is the first one, which hides.
    pub begins: bool,
    /// Rows that it takes away at most.
    pub rows: u64,
    /// UTF-16 units that it reads at most, one row more.
    pub units: u64,
    /// When the sweep takes the job up again, if nobody else did, in milliseconds.
    pub retry_at: f64,
    /// Until when the job's row is kept if this was the last batch, in milliseconds.
    pub expires_at: f64,
    /// Until when what it leaves in place of what is gone is kept, in milliseconds.
    pub buried_until: f64,
}

/// Plans a deletion: one job for a target, whoever asks how often.
pub fn plan_deletion(call: &DeletionCall) -> DeletionAnswer {
    let delay_ms = match call.delay_ms {
        _ if call.target == Target::Revert => REVERT_GRACE_MS,
        None => 0.0,
        Some(delay_ms) if delay_ms.is_nan() => DELETION_GRACE_DEFAULT_MS,
        Some(delay_ms) => delay_ms.clamp(0.0, DELETION_GRACE_MAX_MS),
    };
    let begins = delay_ms <= 0.0;
    match call.open {
        Some(JobState::Scheduled) if begins => {
            return DeletionAnswer::Begin { first: step(true, call.now_ms) };
        }
        Some(JobState::Scheduled | JobState::Running) => return DeletionAnswer::Keep,
        Some(JobState::Completed | JobState::Cancelled) | None => {}
    }
    let missing = match (call.thread_exists, call.exists) {
        (true, true) => None,
        (false, _) if call.buried => Some((Code::EThreadDeleted, "the thread was deleted")),
        (false, _) => Some((Code::EAuthThreadForbidden, "the thread does not exist for this actor")),
        (true, false) => Some((Code::EAuthTurnForbidden, "the turn does not exist for this actor")),
    };
    if let Some((code, message)) = missing {
        return DeletionAnswer::Rejected { code, message };
    }
    if call.empty {
        return DeletionAnswer::Keep;
    }
    let full = call.open_count >= JOBS_OPEN_MAX;
    // A revert is no wish: codex has taken the turns back.
    let crowds = full && call.target == Target::Revert;
    if full && !crowds {
        return DeletionAnswer::Rejected { code: Code::EQuota, message: "too many deletions are under way" };
    }
    let first = begins.then(|| step(true, call.now_ms));
    DeletionAnswer::Insert { due_at: call.now_ms + delay_ms, first, crowds }
}

/// What a revert hides: places from the one behind the turn that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
pub struct RevertPlan {
    /// Where it ends.
    pub to: u64,
    /// The new places of the first turns that wait: those that would else be hidden.
    pub moved: Vec<u64>,
}

/// Plans what a revert hides: codex takes back none that it has not begun. `waiting` are the places of those, in order;
/// `begun_end` is the place behind the last other turn. Those behind that one keep theirs, so that the same revert again
/// hides the same.
pub fn plan_revert(begun_end: u64, next_turn_order: u64, waiting: &[u64]) -> RevertPlan {
    let (before, behind) = waiting.split_at(waiting.partition_point(|place| *place < begun_end));
    let to = behind.first().copied().unwrap_or(next_turn_order);
    RevertPlan { to, moved: (next_turn_order..).take(before.len()).collect() }
}

/// Plans a cancellation: until the first row is gone.
pub fn plan_cancel(state: Option<JobState>, now_ms: f64) -> DeletionAnswer {
    match state {
        None => not_found(),
        Some(JobState::Scheduled) => DeletionAnswer::Cancel { expires_at: now_ms + JOB_TTL_MS },
        Some(JobState::Cancelled) => DeletionAnswer::Keep,
        Some(JobState::Running) => too_late("the deletion has begun"),
        Some(JobState::Completed) => too_late("the deletion is done"),
    }
}

/// Plans that a job does not wait for its time.
pub fn plan_force(state: Option<JobState>, now_ms: f64) -> DeletionAnswer {
    match state {
        None => not_found(),
        Some(JobState::Scheduled) => DeletionAnswer::Begin { first: step(true, now_ms) },
        Some(JobState::Running | JobState::Completed) => DeletionAnswer::Keep,
        Some(JobState::Cancelled) => too_late("the deletion was cancelled"),
    }
}

/// Plans the next batch of a job, if one is due.
pub fn plan_step(state: JobState, due_at_ms: f64, now_ms: f64) -> DeletionAnswer {
    let begins = match state {
        JobState::Scheduled if due_at_ms <= now_ms => true,
        JobState::Running => false,
        JobState::Scheduled | JobState::Completed | JobState::Cancelled => return DeletionAnswer::Keep,
    };
    DeletionAnswer::Step { step: step(begins, now_ms) }
}

fn step(begins: bool, now_ms: f64) -> DeletionStep {
    DeletionStep {
        begins,
        rows: DELETION_ROWS_MAX,
        units: DELETION_UNITS_MAX,
        retry_at: now_ms + DELETION_RETRY_MS,
        expires_at: now_ms + JOB_TTL_MS,
        buried_until: crate::tombstone::expires_at(now_ms),
    }
}

fn not_found() -> DeletionAnswer {
    let message = "the job does not exist for this actor";
    DeletionAnswer::Rejected { code: Code::EJobNotFound, message }
}

fn too_late(message: &'static str) -> DeletionAnswer {
    DeletionAnswer::Rejected { code: Code::EJobTooLate, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [JobState; 4] =
        [JobState::Scheduled, JobState::Running, JobState::Completed, JobState::Cancelled];
    const MINUTE: f64 = 60_000.0;
    const DAY: f64 = 24.0 * 60.0 * MINUTE;

    fn call(delay_ms: Option<f64>) -> DeletionCall {
        DeletionCall { now_ms: 5.0, thread_exists: true, exists: true, delay_ms, ..DeletionCall::default() }
    }

    const FIRST: DeletionStep = DeletionStep {
        begins: true,
        rows: 500,
        units: 2 * 1024 * 1024,
        retry_at: 5.0 + 5.0 * MINUTE,
        expires_at: 5.0 + 7.0 * DAY,
        buried_until: 5.0 + 30.0 * DAY,
    };

    fn code(answer: DeletionAnswer) -> Option<Code> {
        match answer {
            DeletionAnswer::Rejected { code, .. } => Some(code),
            _ => None,
        }
    }

    #[test]
    fn a_deletion_begins_at_once_or_after_its_grace() {
        let insert = |delay, begins: bool| DeletionAnswer::Insert {
            due_at: 5.0 + delay,
            first: begins.then_some(FIRST),
            crowds: false,
        };
        for (delay_ms, want) in [
            (None, insert(0.0, true)),
            (Some(f64::NAN), insert(10.0 * MINUTE, false)),
            (Some(0.0), insert(0.0, true)),
            (Some(-1.0), insert(0.0, true)),
            (Some(1.0), insert(1.0, false)),
            (Some(f64::INFINITY), insert(30.0 * DAY, false)),
        ] {
            assert_eq!(plan_deletion(&call(delay_ms)), want, "{delay_ms:?}");
        }
    }

    #[test]
    fn a_revert_deletes_a_day_later() {
        for delay_ms in [None, Some(0.0), Some(f64::NAN)] {
            let revert = DeletionCall { target: Target::Revert, ..call(delay_ms) };
            let want = DeletionAnswer::Insert { due_at: 5.0 + DAY, first: None, crowds: false };
            assert_eq!(plan_deletion(&revert), want);
        }
    }

    #[test]
    fn a_revert_beyond_the_bound_makes_the_oldest_begin() {
        for (open_count, crowds) in [(JOBS_OPEN_MAX - 1, false), (JOBS_OPEN_MAX, true)] {
            let revert = DeletionCall { target: Target::Revert, open_count, ..call(None) };
            let want = DeletionAnswer::Insert { due_at: 5.0 + DAY, first: None, crowds };
            assert_eq!(plan_deletion(&revert), want);
        }
    }

    #[test]
    fn a_target_has_one_job() {
        let again = |delay_ms, open| plan_deletion(&DeletionCall { open: Some(open), ..call(delay_ms) });
        assert_eq!(again(None, JobState::Running), DeletionAnswer::Keep);
        assert_eq!(again(Some(1.0), JobState::Running), DeletionAnswer::Keep);
        assert_eq!(again(Some(1.0), JobState::Scheduled), DeletionAnswer::Keep);
        assert_eq!(again(None, JobState::Scheduled), DeletionAnswer::Begin { first: FIRST });
        for ended in [JobState::Completed, JobState::Cancelled] {
            assert!(matches!(again(None, ended), DeletionAnswer::Insert { .. }));
        }
        let running =
            DeletionCall { thread_exists: false, exists: false, open: Some(JobState::Running), ..call(None) };
        assert_eq!(plan_deletion(&running), DeletionAnswer::Keep, "what it deletes is hidden");
    }

    #[test]
    fn what_is_not_there_is_not_deleted() {
        for (target, thread_exists, buried, want) in [
            (Target::Thread, false, false, Code::EAuthThreadForbidden),
            (Target::Thread, false, true, Code::EThreadDeleted),
            (Target::Turn, false, false, Code::EAuthThreadForbidden),
            (Target::Turn, false, true, Code::EThreadDeleted),
            (Target::Turn, true, false, Code::EAuthTurnForbidden),
            (Target::Revert, true, false, Code::EAuthTurnForbidden),
        ] {
            let gone = DeletionCall { target, thread_exists, buried, exists: false, ..call(None) };
            assert_eq!(code(plan_deletion(&gone)), Some(want), "{target:?}");
        }
    }

    #[test]
    fn a_revert_to_the_last_turn_deletes_nothing() {
        let last = DeletionCall { target: Target::Revert, empty: true, ..call(None) };
        assert_eq!(plan_deletion(&last), DeletionAnswer::Keep);
        let gone = DeletionCall { exists: false, ..last };
        assert_eq!(code(plan_deletion(&gone)), Some(Code::EAuthTurnForbidden));
    }

    #[test]
    fn a_revert_hides_no_turn_that_waits() {
        for (begun_end, waiting, to, moved) in [
            (3, &[][..], 5, &[][..]),
            (3, &[3, 4], 3, &[]),
            (3, &[4], 4, &[]),
            (4, &[1, 3], 5, &[5, 6]),
            (3, &[1, 4], 4, &[5]),
        ] {
            let want = RevertPlan { to, moved: moved.to_vec() };
            assert_eq!(plan_revert(begun_end, 5, waiting), want, "{waiting:?} before {begun_end}");
        }
    }

    #[test]
    fn open_jobs_are_bounded() {
        let with = |open_count| plan_deletion(&DeletionCall { open_count, ..call(None) });
        assert_eq!(code(with(JOBS_OPEN_MAX - 1)), None);
        assert_eq!(code(with(JOBS_OPEN_MAX)), Some(Code::EQuota));
        let known = DeletionCall { open: Some(JobState::Running), open_count: JOBS_OPEN_MAX, ..call(None) };
        assert_eq!(plan_deletion(&known), DeletionAnswer::Keep);
    }

    #[test]
    fn a_job_is_cancelled_until_its_first_row_is_gone() {
        let cancel = DeletionAnswer::Cancel { expires_at: 5.0 + 7.0 * DAY };
        assert_eq!(plan_cancel(Some(JobState::Scheduled), 5.0), cancel);
        assert_eq!(plan_cancel(Some(JobState::Cancelled), 5.0), DeletionAnswer::Keep);
        for late in [JobState::Running, JobState::Completed] {
            assert_eq!(code(plan_cancel(Some(late), 5.0)), Some(Code::EJobTooLate));
        }
        assert_eq!(code(plan_cancel(None, 5.0)), Some(Code::EJobNotFound));
    }

    #[test]
    fn a_job_is_forced_while_it_waits() {
        assert_eq!(plan_force(Some(JobState::Scheduled), 5.0), DeletionAnswer::Begin { first: FIRST });
        for done in [JobState::Running, JobState::Completed] {
            assert_eq!(plan_force(Some(done), 5.0), DeletionAnswer::Keep);
        }
        assert_eq!(code(plan_force(Some(JobState::Cancelled), 5.0)), Some(Code::EJobTooLate));
        assert_eq!(code(plan_force(None, 5.0)), Some(Code::EJobNotFound));
    }

    #[test]
    fn a_job_goes_on_when_it_is_due_and_not_after_its_end() {
        let begins = |state, due_at| match plan_step(state, due_at, 5.0) {
            DeletionAnswer::Step { step } => Some(step.begins),
            answer => {
                assert_eq!(answer, DeletionAnswer::Keep);
                None
            }
        };
        let due: Vec<_> = STATES.into_iter().map(|state| begins(state, 5.0)).collect();
        assert_eq!(due, [Some(true), Some(false), None, None]);
        let early: Vec<_> = STATES.into_iter().map(|state| begins(state, 6.0)).collect();
        assert_eq!(early, [None, Some(false), None, None]);
    }

    #[test]
    fn a_batch_is_bounded_and_taken_up_again() {
        let next = DeletionStep { begins: false, ..FIRST };
        assert_eq!(plan_step(JobState::Running, f64::NAN, 5.0), DeletionAnswer::Step { step: next });
    }

    #[test]
    fn names_are_those_of_the_schema() {
        let names = ["scheduled", "running", "completed", "cancelled"];
        assert_eq!(names.map(JobState::read), STATES.map(Some));
        assert_eq!(JobState::read("done"), None);
        let targets = [Target::Thread, Target::Turn, Target::Revert, Target::Actor];
        assert_eq!(["thread", "turn", "revert", "actor"].map(Target::read), targets.map(Some));
        assert_eq!(Target::read(""), None);
    }
}
