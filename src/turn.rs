//! What a client does to a turn: it starts one, or interrupts one.

use crate::client::ClientAnswer;
use crate::error::Code;
use crate::event::item::Outcome;
use crate::ingest::call::{Loaded, ThreadRow};
use crate::ingest::rows::{Rows, Thread};
use crate::ingest::write::Source;
use crate::limits::{INPUT_SUMMARY_UNITS_MAX, STREAM_DELETE_DELAY_DEFAULT_MS, TURN_KEYS_MAX, TURN_SILENT_MS};
use crate::pack::{Misfit, Unpacker};

/// A `turns.start`.
#[derive(Clone, Debug)]
pub struct TurnStartCall<'a> {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// The thread, where it exists.
    pub thread: Option<ThreadRow<'a>>,
    /// The turn that was started with the same idempotency key.
    pub started_before: Option<&'a str>,
    /// Whether a turn of this id exists: ingest made it.
    pub exists: bool,
    /// Whether a turn of this id was deleted, or reverted.
    pub deleted: bool,
    /// How many idempotency keys name it.
    pub keys: u64,
    /// The texts of the input.
    pub texts: Vec<&'a str>,
}

/// A `turns.interrupt`.
#[derive(Clone, Debug)]
pub struct TurnInterruptCall<'a> {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// What the client says why.
    pub reason: Option<&'a str>,
    /// The turn (if it exists, alone), its open messages, its streams.
    pub loaded: Loaded<'a>,
}

impl<'a> TurnStartCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            now_ms: call.number(),
            thread: call.optional(ThreadRow::unpack),
            started_before: call.optional_text(),
            exists: call.flag(),
            deleted: call.flag(),
            keys: call.integer(),
            texts: call.list(Unpacker::text),
        };
        call.end(read)
    }
}

impl<'a> TurnInterruptCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read =
            Self { now_ms: call.number(), reason: call.optional_text(), loaded: Loaded::unpack(&mut call) };
        call.end(read)
    }
}

/// Plans a `turns.start`: once per idempotency key, once per turn.
pub fn plan_turn_start(call: &TurnStartCall<'_>) -> ClientAnswer {
    let Some(thread) = call.thread else {
        let message = "the thread does not exist for this actor";
        return ClientAnswer::Rejected { code: Code::EAuthThreadForbidden, message };
    };
    if call.deleted {
        let message = "the turn was deleted: start another";
        return ClientAnswer::Rejected { code: Code::EAuthTurnForbidden, message };
    }
    if let Some(turn_id) = call.started_before {
        return ClientAnswer::Known { turn_id: turn_id.to_owned() };
    }
    if thread.archived {
        let message = "the thread is archived: resume it first";
        return ClientAnswer::Rejected { code: Code::EThreadArchived, message };
    }
    if call.keys >= TURN_KEYS_MAX {
        let message = "the turn was started under as many keys as one may have";
        return ClientAnswer::Rejected { code: Code::EQuota, message };
    }
    let input_summary = summary(&call.texts);
    if call.exists {
        ClientAnswer::Adopt { input_summary }
    } else {
        let silent_at = call.now_ms + TURN_SILENT_MS;
        ClientAnswer::Insert { turn_order: thread.next_turn_order, input_summary, silent_at }
    }
}

/// Plans a `turns.interrupt`: a turn that goes on ends, with everything that is open in it.
pub fn plan_turn_interrupt(call: &TurnInterruptCall<'_>) -> ClientAnswer {
    let Some(turn) = call.loaded.turns.first() else {
        let message = "the turn does not exist for this actor";
        return ClientAnswer::Rejected { code: Code::EAuthTurnForbidden, message };
    };
    let thread = Thread::existing();
    let mut rows =
        Rows::load(thread, Some(&call.loaded), Vec::new(), call.now_ms, STREAM_DELETE_DELAY_DEFAULT_MS);
    let reason = call.reason.filter(|reason| !reason.is_empty()).unwrap_or("interrupted");
    rows.end_turn(turn.turn_id, Outcome::Interrupted, Source::Client, Some(reason.to_owned()), call.now_ms);
    ClientAnswer::Interrupted { writes: rows.into_writes() }
}

/// The texts joined by newlines, cut at [`INPUT_SUMMARY_UNITS_MAX`].
fn summary(texts: &[&str]) -> String {
    let mut summary = String::new();
    let mut units = 0;
    for (text, at) in texts.iter().zip(0..) {
        let between = if at == 0 { "" } else { "\n" };
        for char in between.chars().chain(text.chars()) {
            units += char.len_utf16();
            if units > INPUT_SUMMARY_UNITS_MAX {
                return summary;
            }
            summary.push(char);
        }
    }
    summary
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::call::TurnRow;
    use crate::ingest::write::{TurnStatus, Write};

    const THREAD: ThreadRow<'static> =
        ThreadRow { local_thread_id: None, next_turn_order: 7, archived: false, name: None };

    fn call(thread: Option<ThreadRow<'static>>) -> TurnStartCall<'static> {
        TurnStartCall {
            now_ms: 5.0,
            thread,
            started_before: None,
            exists: false,
            deleted: false,
            keys: 0,
            texts: vec!["a", "b"],
        }
    }

    #[test]
    fn a_turn_is_started_once() {
        let silent_at = 5.0 + TURN_SILENT_MS;
        let insert = ClientAnswer::Insert { turn_order: 7, input_summary: "a\nb".into(), silent_at };
        assert_eq!(plan_turn_start(&call(Some(THREAD))), insert);
        let known = TurnStartCall { started_before: Some("u"), ..call(Some(THREAD)) };
        assert_eq!(plan_turn_start(&known), ClientAnswer::Known { turn_id: "u".into() });
        let adopted = TurnStartCall { exists: true, ..call(Some(THREAD)) };
        assert_eq!(plan_turn_start(&adopted), ClientAnswer::Adopt { input_summary: "a\nb".into() });
    }

    #[test]
    fn a_missing_or_archived_thread_takes_none() {
        let code = |answer| match answer {
            ClientAnswer::Rejected { code, .. } => Some(code),
            _ => None,
        };
        assert_eq!(code(plan_turn_start(&call(None))), Some(Code::EAuthThreadForbidden));
        let archived = ThreadRow { archived: true, ..THREAD };
        assert_eq!(code(plan_turn_start(&call(Some(archived)))), Some(Code::EThreadArchived));
        let deleted = TurnStartCall { deleted: true, exists: true, ..call(Some(THREAD)) };
        assert_eq!(code(plan_turn_start(&deleted)), Some(Code::EAuthTurnForbidden));
    }

    #[test]
    fn a_turn_has_so_many_keys() {
        let with = |keys| TurnStartCall { exists: true, keys, ..call(Some(THREAD)) };
        assert!(matches!(plan_turn_start(&with(TURN_KEYS_MAX - 1)), ClientAnswer::Adopt { .. }));
        for keys in [TURN_KEYS_MAX, TURN_KEYS_MAX + 1] {
            let answer = plan_turn_start(&with(keys));
            assert!(matches!(answer, ClientAnswer::Rejected { code: Code::EQuota, .. }), "{answer:?}");
        }
        let known = TurnStartCall { started_before: Some("u"), ..with(TURN_KEYS_MAX) };
        assert_eq!(plan_turn_start(&known), ClientAnswer::Known { turn_id: "u".into() }, "one of its keys");
    }

    #[test]
    fn a_summary_is_cut_between_characters() {
        let long = "😀".repeat(300);
        assert_eq!(summary(&[&long]).chars().count(), 250);
        assert_eq!(summary(&[&format!("a{long}")]).encode_utf16().count(), 499);
    }

    #[test]
    fn an_interrupt_ends_what_goes_on_and_nothing_else() {
        let row = |status| TurnRow {
            turn_id: "u",
            turn_order: 0,
            status,
            source: (status == TurnStatus::Completed).then_some(Source::Codex),
            has_items: true,
            same_run_as: None,
            started: true,
        };
        let plan_for = |reason, turns| {
            let loaded = Loaded { turns, ..Loaded::default() };
            plan_turn_interrupt(&TurnInterruptCall { now_ms: 5.0, reason, loaded })
        };
        let plan = |turns| plan_for(None, turns);
        for (reason, want) in [("", "interrupted"), ("enough", "enough")] {
            let ClientAnswer::Interrupted { writes } =
                plan_for(Some(reason), vec![row(TurnStatus::InProgress)])
            else {
                panic!()
            };
            assert!(
                matches!(writes.last(), Some(Write::PutTurn { error: Some(error), .. }) if error == want)
            );
        }
        let ClientAnswer::Interrupted { writes } = plan(vec![row(TurnStatus::InProgress)]) else { panic!() };
        assert!(
            matches!(writes.last(), Some(Write::PutTurn { error: Some(error), .. }) if error == "interrupted")
        );
        assert_eq!(plan(vec![row(TurnStatus::Completed)]), ClientAnswer::Interrupted { writes: vec![] });
        assert!(matches!(plan(vec![]), ClientAnswer::Rejected { code: Code::EAuthTurnForbidden, .. }));
    }
}
