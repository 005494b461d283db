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

#[cfg(test)]
mod tests {
    const DOCS: &str = include_str!("../docs/OPERATIONS_AND_ERRORS.md");

    /// The variants as this file has them, in the form in which clients see them.
    fn codes() -> Vec<String> {
        let variants =
            include_str!("error.rs").lines().filter_map(|line| line.strip_prefix("    E")?.strip_suffix(','));
        let screaming = |name: &str| {
            name.chars().fold("E".to_owned(), |code, char| {
                let between = if char.is_ascii_uppercase() { "_" } else { "" };
                code + between + &char.to_ascii_uppercase().to_string()
            })
        };
        variants.map(screaming).collect()
    }

    #[test]
    fn the_docs_list_every_code_in_the_same_order_and_no_other() {
        let (_, component) = DOCS.split_once("## Codes of the component").unwrap();
        let (component, _) = component.split_once("## Codes of the bridge").unwrap();
        let listed: Vec<&str> =
            component.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert_eq!(listed, codes());
    }
}
