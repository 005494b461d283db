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
    /// The thread was deleted, or is being deleted.
    EThreadDeleted,
    /// The thread has turns or messages already.
    EThreadNotEmpty,
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
    /// The command does not exist for this actor.
    ECommandNotFound,
    /// A command whose kind, id or payload is none, or a beat of no runtime.
    ECommandInvalid,
    /// A command's payload beyond its bound.
    ECommandTooLarge,
    /// A command's id that was used with other content.
    ECommandIdReused,
    /// The command is no longer queued.
    ECommandTooLate,
    /// The turn or request that the command names is over.
    ECommandTargetGone,
    /// A report under a lease that is no longer the command's, or a step backwards.
    ECommandLeaseLost,
    /// The command was leased again and again, and never delivered.
    ECommandAbandoned,
    /// The command's time is over.
    ECommandExpired,
    /// Its sender took the command back.
    ECommandCancelled,
    /// Whether Codex got the command is not known.
    ECommandUnknown,
    /// Codex or the bridge refused the command and gave no code.
    ECommandRefused,
    /// Beyond what the machine's owner allows from afar.
    ECommandNotAllowed,
    /// A bound per user is reached.
    EQuota,
    /// A device's name or label is none, or the chance that a token is made of is too little.
    EDeviceInvalid,
    /// No approval is asked for this item.
    EApprovalNotFound,
    /// The approval was decided otherwise, or waits no more.
    EApprovalNotPending,
    /// Several requests ask about the item, and none was named.
    EApprovalAmbiguous,
    /// What is asked is not what was shown.
    EApprovalChanged,
    /// The request does not offer this decision.
    EApprovalNotOffered,
    /// The request is too large to be accepted.
    EApprovalTooLarge,
    /// Parts of the request were redacted: what would happen is not what is shown.
    EApprovalRedacted,
    /// The request does not exist for this actor.
    ERequestNotFound,
    /// The request ended otherwise.
    ERequestNotPending,
    /// A request's id, or a name or text of it, is none that can be kept.
    ERequestInvalid,
    /// The job does not exist for this actor.
    EJobNotFound,
    /// The job has begun, or ended.
    EJobTooLate,
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
