//! Checkpoints: how far a reader's device has read a stream. They only rise.

use crate::client::ClientAnswer;
use crate::error::Code;
use crate::limits::CHECKPOINT_TTL_MS;
use crate::pack::safe_integer;

/// Plans an `upsertCheckpoint`: `known` is the cursor of before, `stream_exists` whether the thread has the stream.
pub fn plan_checkpoint(now_ms: f64, cursor: f64, known: Option<u64>, stream_exists: bool) -> ClientAnswer {
    let Some(cursor) = safe_integer(cursor) else {
        let message = "a checkpoint's cursor is a safe integer of 0 or more";
        return ClientAnswer::Rejected { code: Code::ESyncInvalidCursor, message };
    };
    if !stream_exists {
        let message = "the thread has no such stream";
        return ClientAnswer::Rejected { code: Code::ESyncStreamUnknown, message };
    }
    if known.is_some_and(|known| known >= cursor) {
        return ClientAnswer::Keep;
    }
    ClientAnswer::Raise { cursor, expires_at: now_ms + CHECKPOINT_TTL_MS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_only_rises_and_is_a_safe_integer_of_a_known_stream() {
        let code = |answer| match answer {
            ClientAnswer::Rejected { code, .. } => Some(code),
            _ => None,
        };
        let raise = |cursor| ClientAnswer::Raise { cursor, expires_at: 5.0 + CHECKPOINT_TTL_MS };
        for bad in [f64::NAN, 1e308, -1.0, 0.5] {
            assert_eq!(code(plan_checkpoint(5.0, bad, None, true)), Some(Code::ESyncInvalidCursor), "{bad}");
        }
        assert_eq!(code(plan_checkpoint(5.0, 1.0, None, false)), Some(Code::ESyncStreamUnknown));
        assert_eq!(plan_checkpoint(5.0, 0.0, None, true), raise(0));
        assert_eq!(plan_checkpoint(5.0, 5.0, Some(5), true), ClientAnswer::Keep);
        assert_eq!(plan_checkpoint(5.0, 4.0, Some(5), true), ClientAnswer::Keep);
        assert_eq!(plan_checkpoint(5.0, 6.0, Some(5), true), raise(6));
    }
}
