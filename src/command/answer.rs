//! What the callers of `commands.*` are answered. One type for all of them: see [`crate::client`].

use super::row::CommandState;
use crate::error::Code;
use crate::ingest::write::{Source, TurnStatus};
use crate::request::RequestState;
use crate::request::client::RequestAnswer;
use serde::Serialize;
use tsify::Tsify;

/// The answer to a command's call.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum CommandAnswer {
    /// Nothing is written.
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        message: &'static str,
    },
    /// `send`: the same call again, with what it names loaded.
    Needs {
        /// What it names.
        needs: CommandNeeds,
    },
    /// Nothing is to do: it was sent, cancelled or reported before, or `turns.interrupt` has nobody to tell.
    Keep,
    /// `send`: the row is made.
    Insert {
        /// The row.
        command: NewCommand,
        /// The queued turn that shows it, where it is made too.
        #[tsify(optional)]
        turn: Option<NewTurn>,
        /// Whether the turn that has the client's id already shows it from then on.
        adopts: bool,
        /// The queued command that it ends, of an interrupt: its row is the carrier.
        writes: Vec<CommandWrite>,
    },
    /// `edit`: the payload is replaced; what was sent first is kept beside it, for the comparison of ids.
    Edit {
        /// The beginning of the queued turn's new input.
        input_summary: String,
    },
    /// `promote`: the row changes its place, and may become a steer; the kind that it was sent with is kept beside it.
    Promote {
        /// Its new rank.
        rank: u64,
        /// The turn that it steers; none where it stays a turn.
        #[tsify(optional)]
        steers: Option<String>,
    },
    /// The sweep: nothing moves, and it asks again.
    Wait {
        /// When, in milliseconds.
        due_at: f64,
    },
    /// `cancel`, `report`, the sweep: rows that move.
    Written {
        /// The rows.
        writes: Vec<CommandWrite>,
    },
    /// `lease`: rows that move by themselves, and what the runtime is given, in the order in which it has to be done.
    Leased {
        /// Rows that lapsed or ended.
        writes: Vec<CommandWrite>,
        /// What is handed out.
        handed: Vec<Handed>,
        /// Whether the writer's session is to say that this runtime, or this start of it, writes the thread.
        binds: bool,
    },
}

/// The answer to a client's decision.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct DecisionSendAnswer {
    /// What becomes of the command.
    pub command: CommandAnswer,
    /// What becomes of the approval, which is the only row, where the command is made.
    #[tsify(optional)]
    pub decided: Option<RequestAnswer>,
}

/// What a command names, to be loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct CommandNeeds {
    /// The turn of a steer or an interrupt, by either of its ids, and the open command that carries it.
    #[tsify(optional)]
    pub turn_id: Option<String>,
    /// The id of the queued turn: whether a turn has it.
    #[tsify(optional)]
    pub client_turn_id: Option<String>,
    /// The server request of a decision or an answer.
    #[tsify(optional)]
    pub request: Option<RequestName>,
}

/// A server request, as a command names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct RequestName {
    /// Its id; of a number, its digits.
    pub request_id: String,
    /// Whether the id is a number.
    pub is_number: bool,
    /// The runtime that asked.
    #[tsify(optional)]
    pub runtime_id: Option<String>,
    /// The runtime's start.
    #[tsify(optional)]
    pub generation: Option<u64>,
    /// The app-server's start.
    #[tsify(optional)]
    pub app_generation: Option<u64>,
}

/// A command's new row; id, kind and payload are the call's.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct NewCommand {
    /// Queued; accepted where it is done with its sending.
    pub state: CommandState,
    /// Its place in the thread.
    pub order: u64,
    /// The server's clock at the end of its time, in milliseconds; none where that is its request's.
    #[tsify(optional)]
    pub expires_at: Option<f64>,
    /// When the sweep asks for it, in milliseconds; none where it is at its end.
    #[tsify(optional)]
    pub due_at: Option<f64>,
    /// The turn that it names.
    #[tsify(optional)]
    pub target_turn_id: Option<String>,
    /// The queued turn that shows it: also what Codex echoes, else the command's id is.
    #[tsify(optional)]
    pub client_turn_id: Option<String>,
    /// The request that it answers.
    #[tsify(optional)]
    pub request: Option<RequestName>,
}

/// A queued turn that is made.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct NewTurn {
    /// Its place in the thread.
    pub turn_order: u64,
    /// The beginning of its input.
    pub input_summary: String,
    /// When the sweep asks whether anything was heard of it, in milliseconds.
    pub silent_at: f64,
}

/// A row that moves.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct CommandWrite {
    /// The row's index in the call.
    pub row: usize,
    /// Where it stands now.
    pub state: CommandState,
    /// When the sweep asks for it, in milliseconds; none where it is at its end.
    #[tsify(optional)]
    pub due_at: Option<f64>,
    /// Why it ended.
    #[tsify(optional)]
    pub code: Option<CommandCode>,
    /// The turn that an accepted one belongs to.
    #[tsify(optional)]
    pub turn_id: Option<String>,
    /// How often its lease lapsed before it was delivered.
    pub lapses: u64,
    /// What becomes of its lease.
    pub lease: LeaseWrite,
    /// What becomes of the turn that shows it.
    pub turn: TurnFate,
    /// The state that the request goes back to whose decision it carries.
    #[tsify(optional)]
    pub request: Option<RequestState>,
}

/// What becomes of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum LeaseWrite {
    /// It stays.
    Keep,
    /// It is gone: a report under its token is late.
    Clear,
}

/// What becomes of the turn that shows a command.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TurnFate {
    /// Nothing.
    Keep,
    /// The row takes Codex's id.
    Take {
        /// Codex's id.
        turn_id: String,
        /// Where the command had failed it: it is queued again, and this is when the sweep asks what came of it, in milliseconds.
        #[tsify(optional)]
        silent_at: Option<f64>,
    },
    /// Ingest has made Codex's turn: the queued row goes, its client's id is the other row's.
    Join {
        /// Codex's id.
        turn_id: String,
    },
    /// Codex steered instead: the queued row goes, its message belongs to the running turn.
    Steered {
        /// The running turn.
        turn_id: String,
    },
    /// It ends with the command, before it began.
    End {
        /// Failed, as the command did; interrupted where its sender took that back.
        status: TurnStatus,
        /// Whose word that is: every other one replaces the sweep's.
        source: Source,
        /// Why.
        error: CommandCode,
    },
}

/// Why a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(untagged)]
pub enum CommandCode {
    /// A code of ours.
    Ours(Code),
    /// What the bridge reported, or what a turn says in the place of a code.
    Reported(String),
}

/// A command that is handed out.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Handed {
    /// The row's index in the call.
    pub row: usize,
    /// The index of its lease's token in the call.
    pub token: usize,
    /// The server's clock at the end of its lease, in milliseconds.
    pub expires_at: f64,
    /// Codex's id of the turn that it steers or interrupts.
    #[tsify(optional)]
    pub turn_id: Option<String>,
    /// How often its lease lapsed before.
    pub lapses: u64,
}

impl CommandAnswer {
    /// A rejection.
    pub(super) fn rejected(code: Code, message: &'static str) -> Self {
        Self::Rejected { code, message }
    }
}
