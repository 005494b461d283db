//! Sessions: who may write a thread.
//!
//! A thread's writer is the binding with the highest epoch. Binding raises the epoch, so that the newest binding wins
//! and the one that lost reads `E_SYNC_SESSION_DEVICE_MISMATCH`.

use crate::client::ClientAnswer;
use crate::error::Code;
use crate::limits::{SESSION_BEAT_MS, SESSION_STALE_MS};
use crate::pack::Unpacker;
use serde::Serialize;
use tsify::Tsify;

/// A session's binding to one thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionRow<'a> {
    /// The session.
    pub session_id: &'a str,
    /// The device that it is bound to.
    pub device_id: &'a str,
    /// How many bindings the thread had before, plus one.
    pub epoch: u64,
    /// The server's clock at its last beat, in milliseconds.
    pub last_beat_at_ms: f64,
}

/// Who asks, and what is known of who may.
#[derive(Clone, Copy, Debug)]
pub struct SessionFacts<'a> {
    /// The session that asks.
    pub session_id: &'a str,
    /// The device that asks.
    pub device_id: &'a str,
    /// The asking session's binding to the thread.
    pub own: Option<SessionRow<'a>>,
    /// The thread's writer.
    pub writer: Option<SessionRow<'a>>,
    /// Whether the asking session is bound to another thread.
    pub bound_elsewhere: bool,
}

/// What is done to the asking session's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum SessionWrite {
    /// Nothing.
    Keep,
    /// Its last beat is now.
    Beat,
    /// It is made, or bound anew, to the asking device at this epoch.
    Bind {
        /// The epoch of the binding.
        epoch: u64,
        /// Whether the row is new.
        created: bool,
    },
}

/// Why a session may not, in words.
pub fn message(code: Code) -> &'static str {
    match code {
        Code::ESyncSessionNotFound => "the session is not known",
        Code::ESyncSessionThreadMismatch => "the session is bound to another thread",
        _ => "another session or device writes this thread",
    }
}

impl<'a> SessionFacts<'a> {
    /// The answer to `heartbeat`, else to `ensureSession`.
    pub fn answer(&self, heartbeat: bool) -> ClientAnswer {
        told(if heartbeat { self.beat() } else { Ok(self.bind()) })
    }

    /// The answer to a call that writes the thread as a batch does, and brings none.
    pub fn admission(&self, now_ms: f64) -> ClientAnswer {
        told(self.admit(false, now_ms))
    }

    /// Reads them.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            session_id: call.text(),
            device_id: call.text(),
            own: call.optional(|call| SessionRow::unpack(call)),
            writer: call.optional(|call| SessionRow::unpack(call)),
            bound_elsewhere: call.flag(),
        }
    }

    /// `ensureSession`: takes the thread, whoever has it.
    pub fn bind(&self) -> SessionWrite {
        let highest = self.writer.map_or(0, |writer| writer.epoch);
        SessionWrite::Bind { epoch: highest + 1, created: self.own.is_none() }
    }

    /// `heartbeat`: refreshes what is the caller's, and nothing else.
    ///
    /// # Errors
    /// `E_SYNC_SESSION_NOT_FOUND` where there is no such binding, `E_SYNC_SESSION_DEVICE_MISMATCH` where another device or
    /// session has it.
    pub fn beat(&self) -> Result<SessionWrite, Code> {
        let own = self.own.ok_or(Code::ESyncSessionNotFound)?;
        if own.device_id == self.device_id && self.is_writer(own) {
            Ok(SessionWrite::Beat)
        } else {
            Err(Code::ESyncSessionDeviceMismatch)
        }
    }

    /// Whether the caller may ingest, and what that does to its session. `strict` recovers nothing.
    ///
    /// # Errors
    /// The `E_SYNC_SESSION_*` code that says why it may not.
    pub fn admit(&self, strict: bool, now_ms: f64) -> Result<SessionWrite, Code> {
        let Some(own) = self.own else {
            if strict {
                let elsewhere = self.bound_elsewhere;
                return Err(if elsewhere {
                    Code::ESyncSessionThreadMismatch
                } else {
                    Code::ESyncSessionNotFound
                });
            }
            let held = self
                .writer
                .is_some_and(|writer| writer.device_id != self.device_id && !is_stale(writer, now_ms));
            return if held { Err(Code::ESyncSessionDeviceMismatch) } else { Ok(self.bind()) };
        };
        if own.device_id == self.device_id && self.is_writer(own) {
            let due = now_ms - own.last_beat_at_ms > SESSION_BEAT_MS;
            return Ok(if due { SessionWrite::Beat } else { SessionWrite::Keep });
        }
        let holder = self.writer.unwrap_or(own);
        if strict || !is_stale(holder, now_ms) {
            return Err(Code::ESyncSessionDeviceMismatch);
        }
        Ok(self.bind())
    }

    fn is_writer(&self, own: SessionRow<'_>) -> bool {
        self.writer.is_none_or(|writer| writer.session_id == own.session_id)
    }
}

fn told(session: Result<SessionWrite, Code>) -> ClientAnswer {
    match session {
        Ok(session) => ClientAnswer::Session { session },
        Err(code) => ClientAnswer::Rejected { code, message: message(code) },
    }
}

fn is_stale(session: SessionRow<'_>, now_ms: f64) -> bool {
    now_ms - session.last_beat_at_ms > SESSION_STALE_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_000_000.0;

    fn row(
        session_id: &'static str,
        device_id: &'static str,
        epoch: u64,
        age_ms: f64,
    ) -> SessionRow<'static> {
        SessionRow { session_id, device_id, epoch, last_beat_at_ms: NOW - age_ms }
    }

    #[test]
    fn who_may_ingest() {
        use Code::{ESyncSessionDeviceMismatch as Device, ESyncSessionNotFound as NotFound};
        let bind = |epoch, created| Ok(SessionWrite::Bind { epoch, created });
        let mine = row("s", "d", 3, 0.0);
        let (quiet, stale) = (row("s", "d", 3, 15_001.0), row("s", "other", 3, 45_001.0));
        let rival = row("r", "other", 5, 1_000.0);
        // own, writer, bound elsewhere, strict, safe
        type Want = Result<SessionWrite, Code>;
        let cases: Vec<(&str, Option<SessionRow>, Option<SessionRow>, bool, Want, Want)> = vec![
            ("unknown session, new thread", None, None, false, Err(NotFound), bind(1, true)),
            (
                "known session, new thread",
                None,
                None,
                true,
                Err(Code::ESyncSessionThreadMismatch),
                bind(1, true),
            ),
            ("the writer", Some(mine), Some(mine), false, Ok(SessionWrite::Keep), Ok(SessionWrite::Keep)),
            (
                "the writer after 15 s",
                Some(quiet),
                Some(quiet),
                false,
                Ok(SessionWrite::Beat),
                Ok(SessionWrite::Beat),
            ),
            (
                "another device of the session, stale",
                Some(stale),
                Some(stale),
                false,
                Err(Device),
                bind(4, false),
            ),
            (
                "another device of the session",
                Some(row("s", "other", 3, 0.0)),
                Some(row("s", "other", 3, 0.0)),
                false,
                Err(Device),
                Err(Device),
            ),
            ("lost it to another session", Some(mine), Some(rival), false, Err(Device), Err(Device)),
            (
                "lost it to a session that is stale",
                Some(mine),
                Some(row("r", "other", 5, 45_001.0)),
                false,
                Err(Device),
                bind(6, false),
            ),
            ("unknown session, held by another device", None, Some(rival), false, Err(NotFound), Err(Device)),
            (
                "unknown session, held by the same device",
                None,
                Some(row("r", "d", 5, 0.0)),
                false,
                Err(NotFound),
                bind(6, true),
            ),
            (
                "unknown session, holder stale",
                None,
                Some(row("r", "other", 5, 45_001.0)),
                false,
                Err(NotFound),
                bind(6, true),
            ),
        ];
        for (case, own, writer, bound_elsewhere, strict, safe) in cases {
            let facts = SessionFacts { session_id: "s", device_id: "d", own, writer, bound_elsewhere };
            assert_eq!(facts.admit(true, NOW), strict, "strict: {case}");
            assert_eq!(facts.admit(false, NOW), safe, "safe: {case}");
        }
    }

    #[test]
    fn a_beat_is_due_and_a_session_stale_when_its_time_is_over_and_not_at_it() {
        let facts = |own, writer| SessionFacts {
            session_id: "s",
            device_id: "d",
            own,
            writer: Some(writer),
            bound_elsewhere: false,
        };
        let quiet = row("s", "d", 1, SESSION_BEAT_MS);
        assert_eq!(facts(Some(quiet), quiet).admit(false, NOW), Ok(SessionWrite::Keep));
        let rival = row("r", "other", 1, SESSION_STALE_MS);
        assert_eq!(facts(None, rival).admit(false, NOW), Err(Code::ESyncSessionDeviceMismatch));
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let says = |code, words: &str| assert!(message(code).contains(words), "{}", message(code));
        says(Code::ESyncSessionNotFound, "not known");
        says(Code::ESyncSessionThreadMismatch, "another thread");
        says(Code::ESyncSessionDeviceMismatch, "another session or device");
    }

    #[test]
    fn a_heartbeat_creates_and_rebinds_nothing() {
        let facts = |own, writer| SessionFacts {
            session_id: "s",
            device_id: "d",
            own,
            writer,
            bound_elsewhere: false,
        };
        assert_eq!(facts(None, None).beat(), Err(Code::ESyncSessionNotFound));
        let mine = row("s", "d", 1, 99_999.0);
        assert_eq!(facts(Some(mine), Some(mine)).beat(), Ok(SessionWrite::Beat));
        let other = row("s", "other", 1, 99_999.0);
        assert_eq!(facts(Some(other), Some(other)).beat(), Err(Code::ESyncSessionDeviceMismatch));
        assert_eq!(
            facts(Some(mine), Some(row("r", "d", 2, 0.0))).beat(),
            Err(Code::ESyncSessionDeviceMismatch)
        );
    }

    #[test]
    fn ensure_session_takes_the_thread_and_raises_the_epoch() {
        let facts = |own, writer| SessionFacts {
            session_id: "s",
            device_id: "d",
            own,
            writer,
            bound_elsewhere: false,
        };
        assert_eq!(facts(None, None).bind(), SessionWrite::Bind { epoch: 1, created: true });
        let rival = row("r", "other", 5, 0.0);
        assert_eq!(
            facts(Some(row("s", "d", 2, 0.0)), Some(rival)).bind(),
            SessionWrite::Bind { epoch: 6, created: false }
        );
    }
}
