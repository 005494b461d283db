//! Every code that the core answers with.

use serde::Serialize;
use tsify::Tsify;

/// A code of the system. Apps match on it; its text never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// The thread does not exist for this actor.
    EAuthThreadForbidden,
    /// The turn does not exist for this actor.
    EAuthTurnForbidden,
    /// The thread is archived and takes no new turn.
    EThreadArchived,
    /// A batch without events.
    ESyncEmptyBatch,
    /// More events, bytes or streams than one batch may hold.
    ESyncBatchTooLarge,
    /// A cursor that is no safe integer, or an end that is not above its start.
    ESyncInvalidCursorRange,
    /// An event on ground that holds another one.
    ESyncOutOfOrder,
    /// One eventId at two places of a batch.
    ESyncDupEventInBatch,
    /// A stream that belongs to another thread or turn of the same user.
    ESyncStreamForbidden,
    /// A payload that is not what its envelope says.
    ESyncMalformedEvent,
    /// Events are missing below the batch: a hole is remembered.
    ESyncReplayGap,
    /// The session is not known.
    ESyncSessionNotFound,
    /// The session is bound to other threads only.
    ESyncSessionThreadMismatch,
    /// The thread is written by another session or device.
    ESyncSessionDeviceMismatch,
    /// A checkpoint's cursor is no safe integer of 0 or more.
    ESyncInvalidCursor,
    /// A checkpoint of a stream that the thread does not have.
    ESyncStreamUnknown,
    /// A count of tokens that is no safe integer of 0 or more.
    EUsageInvalid,
    /// A page cursor that this thread did not give.
    ECursorInvalid,
    /// A bug in this software.
    EInternal,
}
