//! Every message that the app-server begins, and what it does to the rows of its thread.
//!
//! [`SHOWN`] is what payloads are read by: a method that it does not name means nothing and moves its cursor only. The
//! other lists say so on purpose, for documents and tests: the module holds none of them.
//!
//! SOURCE: app-server 0.169.0. Tests hold the lists against `tests/fixtures/protocol/app-server.json`, which
//! `tools/protocol.mjs` makes of the binary's own schema, and `docs/EVENTS.md` against the lists.

use super::item::REASONING;
use super::json::Kind;
use serde::Serialize;
use tsify::Tsify;

/// A notification that rows show, or that is kept for replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub effect: Effect,
    /// Under which option its payload is kept for replay.
    pub keeping: Keeping,
}

/// What a notification does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Its turn goes on.
    BeginsTurn,
    /// Its turn ends, and what is open in it.
    EndsTurn,
    /// Its turn fails, or is warned where Codex tries again.
    FailsTurn,
    /// Its item has a message.
    BeginsItem,
    /// Its item's message has its last text, payload and status.
    EndsItem,
    /// Its item, of this type where it was not known, grows.
    GrowsItem(Growing, Onto),
    /// The next part of a reasoning's summary begins.
    PartsSummary,
    /// The thread has another name.
    NamesThread,
    /// The thread is archived, or no longer.
    ArchivesThread(bool),
    /// This is the newest of its kind; one before it is forgotten.
    IsNewest(Newest),
    /// Of this kind there is none.
    Forgets(Newest),
    /// A server request was answered, or is no longer asked.
    ResolvesRequest,
}

/// The type of an item that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growing {
    /// `agentMessage`
    AgentMessage,
    /// `plan`
    Plan,
    /// `reasoning`
    Reasoning,
    /// `commandExecution`
    CommandExecution,
    /// `fileChange`
    FileChange,
}

impl Growing {
    /// As the app-server names it.
    pub fn item_type(self) -> &'static str {
        match self {
            Growing::AgentMessage => "agentMessage",
            Growing::Plan => "plan",
            Growing::Reasoning => REASONING,
            Growing::CommandExecution => "commandExecution",
            Growing::FileChange => "fileChange",
        }
    }
}

/// What a delta is added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onto {
    /// The message's text.
    Text,
    /// A live output, which the finished item holds itself.
    Output,
    /// Neither: it is at most kept for replay.
    Nothing,
}

/// Of what a turn or a thread keeps the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Newest {
    /// Tokens used: the turn's, and the thread's.
    Usage,
    /// The turn's changes as one diff.
    Diff,
    /// The turn's plan.
    Plan,
    /// The model that answers in place of the turn's own.
    Reroute,
    /// What the thread works towards.
    Goal,
    /// The thread's settings in force.
    Settings,
    /// What the thread's user is warned of.
    Warning,
}

/// Kinds that a turn keeps: the first ones.
pub const NEWEST_OF_TURN: usize = 4;

impl Newest {
    /// Whether a turn keeps it; else the thread does.
    pub fn is_of_turn(self) -> bool {
        (self as usize) < NEWEST_OF_TURN
    }

    /// The member of `params` that it lacks nothing with, of what kind that is, and whether all of `params` is kept with
    /// it; else a string's text, or the member's JSON.
    pub fn member(self) -> (&'static str, Kind, bool) {
        match self {
            Newest::Usage => ("tokenUsage", Kind::Object, false),
            Newest::Diff => ("diff", Kind::String, false),
            Newest::Plan => ("plan", Kind::Array, true),
            Newest::Reroute => ("toModel", Kind::String, true),
            Newest::Goal => ("goal", Kind::Object, false),
            Newest::Settings => ("threadSettings", Kind::Object, false),
            Newest::Warning => ("message", Kind::String, false),
        }
    }
}

/// Under which option an event's payload is kept for replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Starts and ends of turns and items, and errors. Items of reasoning are under [`Keeping::Reasoning`].
    Always,
    /// `saveStreamDeltas`
    StreamDeltas,
    /// `saveReasoningDeltas`
    Reasoning,
    /// `saveReasoningDeltas` and `exposeRawReasoningDeltas`
    RawReasoning,
    /// Not at all.
    Never,
}

const fn method(name: &'static str, effect: Effect, keeping: Keeping) -> Method {
    Method { name, effect, keeping }
}

/// What payloads are read by.
pub const SHOWN: [Method; 25] = {
    use Effect::{
        ArchivesThread, BeginsItem, BeginsTurn, EndsItem, EndsTurn, FailsTurn, Forgets, GrowsItem, IsNewest,
        NamesThread, PartsSummary, ResolvesRequest,
    };
    use Keeping::{Always, Never, RawReasoning, Reasoning, StreamDeltas};
    use Onto::{Nothing, Output, Text};
    [
        // The many come first: the list is read from its beginning.
        method("item/agentMessage/delta", GrowsItem(Growing::AgentMessage, Text), StreamDeltas),
        method("item/started", BeginsItem, Always),
        method("item/completed", EndsItem, Always),
        method("item/reasoning/summaryTextDelta", GrowsItem(Growing::Reasoning, Text), Reasoning),
        method("item/reasoning/summaryPartAdded", PartsSummary, Reasoning),
        method("item/reasoning/textDelta", GrowsItem(Growing::Reasoning, Nothing), RawReasoning),
        method("item/plan/delta", GrowsItem(Growing::Plan, Text), StreamDeltas),
        method(
            "item/commandExecution/outputDelta",
            GrowsItem(Growing::CommandExecution, Output),
            StreamDeltas,
        ),
        method("item/fileChange/outputDelta", GrowsItem(Growing::FileChange, Output), StreamDeltas),
        method("turn/started", BeginsTurn, Always),
        method("turn/completed", EndsTurn, Always),
        method("error", FailsTurn, Always),
        method("thread/tokenUsage/updated", IsNewest(Newest::Usage), Never),
        method("turn/diff/updated", IsNewest(Newest::Diff), Never),
        method("turn/plan/updated", IsNewest(Newest::Plan), Never),
        method("model/rerouted", IsNewest(Newest::Reroute), Never),
        method("thread/goal/updated", IsNewest(Newest::Goal), Never),
        method("thread/goal/cleared", Forgets(Newest::Goal), Never),
        method("thread/settings/updated", IsNewest(Newest::Settings), Never),
        method("warning", IsNewest(Newest::Warning), Never),
        method("guardianWarning", IsNewest(Newest::Warning), Never),
        method("serverRequest/resolved", ResolvesRequest, Never),
        method("thread/name/updated", NamesThread, Never),
        method("thread/archived", ArchivesThread(true), Never),
        method("thread/unarchived", ArchivesThread(false), Never),
    ]
};

/// The method of this name, where rows show it.
pub fn find(name: &str) -> Option<&'static Method> {
    SHOWN.iter().find(|method| method.name == name)
}

/// Why rows show nothing of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unshown {
    /// It is of the whole process, or of a client's own call, and names no thread: it reaches no thread's rows.
    OfProcess,
    /// It says how something is at this moment, or how far it has come; a row would say so long after.
    OfMoment,
    /// It says only that something has changed, not what.
    Bare,
    /// An item of the turn, or another notification, says the same.
    SaidElsewhere,
    /// How other clients of the app-server file and read their threads.
    OtherClients,
    /// A spoken session, which has no turns and no items of a thread.
    Spoken,
    /// The app-server calls its form temporary.
    Unstable,
    /// It forgets what it names, and what is kept here goes by an app's word only.
    NotOurs,
}

/// Every other notification.
pub const UNSHOWN: &[(&str, Unshown)] = {
    use Unshown::{Bare, NotOurs, OfMoment, OfProcess, OtherClients, SaidElsewhere, Spoken, Unstable};
    &[
        ("account/gatewayOAuth/changed", OfProcess),
        ("account/login/completed", OfProcess),
        ("account/rateLimits/updated", OfProcess),
        ("account/updated", OfProcess),
        ("app/list/updated", OfProcess),
        ("autoApprovalReview/strictReviewRequired", Unstable),
        ("command/exec/outputDelta", OfProcess),
        ("configWarning", OfProcess),
        ("deprecationNotice", OfProcess),
        ("externalAgentConfig/import/completed", OfProcess),
        ("externalAgentConfig/import/progress", OfProcess),
        ("fs/changed", OfProcess),
        ("fuzzyFileSearch/sessionCompleted", OfProcess),
        ("fuzzyFileSearch/sessionUpdated", OfProcess),
        ("hook/completed", SaidElsewhere),
        ("hook/started", OfMoment),
        ("item/autoApprovalReview/completed", Unstable),
        ("item/autoApprovalReview/started", Unstable),
        ("item/commandExecution/terminalInteraction", OfMoment),
        ("item/fileChange/patchUpdated", OfMoment),
        ("item/mcpToolCall/progress", OfMoment),
        ("mcpServer/event/stream/notification", OfProcess),
        ("mcpServer/oauthLogin/completed", OfMoment),
        ("mcpServer/startupStatus/updated", OfMoment),
        ("model/safetyBuffering/updated", OfMoment),
        ("model/verification", OfMoment),
        ("modelProvider/authRecoveryCompleted", OfMoment),
        ("modelProvider/authRecoveryStarted", OfMoment),
        ("process/exited", OfProcess),
        ("process/outputDelta", OfProcess),
        ("project/changed", OfProcess),
        ("rawResponse/completed", SaidElsewhere),
        ("rawResponseItem/completed", SaidElsewhere),
        ("remoteControl/status/changed", OfProcess),
        ("skills/changed", OfProcess),
        ("thread/attachment/updated", OtherClients),
        ("thread/closed", OfMoment),
        ("thread/compacted", SaidElsewhere),
        ("thread/deleted", NotOurs),
        ("thread/environment/connected", OfMoment),
        ("thread/environment/disconnected", OfMoment),
        ("thread/prediction/updated", OfMoment),
        ("thread/project/updated", OtherClients),
        ("thread/queue/changed", Bare),
        ("thread/readState/changed", OtherClients),
        ("thread/realtime/closed", Spoken),
        ("thread/realtime/error", Spoken),
        ("thread/realtime/item/completed", Spoken),
        ("thread/realtime/item/started", Spoken),
        ("thread/realtime/item/transcript/delta", Spoken),
        ("thread/realtime/itemAdded", Spoken),
        ("thread/realtime/outputAudio/delta", Spoken),
        ("thread/realtime/sdp", Spoken),
        ("thread/realtime/started", Spoken),
        ("thread/realtime/transcript/delta", Spoken),
        ("thread/realtime/transcript/done", Spoken),
        ("thread/reverted", Bare),
        ("thread/section/changed", OtherClients),
        ("thread/started", SaidElsewhere),
        ("thread/status/changed", OfMoment),
        ("turn/moderationMetadata", Unstable),
        ("windows/worldWritableWarning", OfProcess),
        ("windowsSandbox/setupCompleted", OfProcess),
    ]
};

/// The server requests. What they do goes by their having an id, whatever they are called.
pub const REQUESTS: &[&str] = &[
    "account/chatgptAuthTokens/refresh",
    "applyPatchApproval",
    "attestation/generate",
    "currentTime/read",
    "execCommandApproval",
    "item/commandExecution/requestApproval",
    "item/fileChange/requestApproval",
    "item/permissions/requestApproval",
    "item/tool/call",
    "item/tool/requestUserInput",
    "mcpServer/elicitation/request",
];

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
