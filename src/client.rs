//! What clients are answered: to `turns.*`, `sync.ensureSession`, `heartbeat` and `upsertCheckpoint`.
//!
//! One type for all of them: what writes an answer is made anew for every type that is answered.

use crate::error::Code;
use crate::ingest::write::Write;
use crate::session::SessionWrite;
use serde::Serialize;
use tsify::Tsify;

/// The answer to a client's call; `js-wrapper/core` says which of them a call can have.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ClientAnswer {
    /// Nothing is written.
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        message: &'static str,
    },
    /// `turns.start`: it was started before.
    Known {
        /// The first call's turn.
        turn_id: String,
    },
    /// `turns.start`: the turn that ingest made is this one.
    Adopt {
        /// The beginning of its input.
        input_summary: String,
    },
    /// `turns.start`: a queued turn is made.
    Insert {
        /// Its place in the thread.
        turn_order: u64,
        /// The beginning of its input.
        input_summary: String,
        /// When the sweep asks whether anything was heard of it, in milliseconds.
        silent_at: f64,
    },
    /// `turns.interrupt`: what to write; nothing where the turn had ended.
    Interrupted {
        /// The rows.
        writes: Vec<Write>,
    },
    /// `ensureSession`, `heartbeat`: what is done to the session's row.
    Session {
        /// The change.
        session: SessionWrite,
    },
    /// `upsertCheckpoint`: the checkpoint is already as high.
    Keep,
    /// `upsertCheckpoint`: the checkpoint rises.
    Raise {
        /// Its new cursor.
        cursor: u64,
        /// Until when it is kept, in milliseconds.
        expires_at: f64,
    },
}
