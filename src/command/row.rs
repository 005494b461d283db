//! A command's row as it was loaded, and what it is by now.

use super::answer::{CommandCode, CommandWrite, LeaseWrite, TurnFate};
use crate::error::Code;
use crate::ingest::write::{Source, TurnStatus};
use crate::limits::{COMMAND_LAPSES_MAX, COMMAND_LOOK_AGAIN_MS, ID_BYTES_MAX};
use crate::pack::{Unpacker, safe_integer};
use crate::request::lost;
use serde::Serialize;
use tsify::Tsify;

/// What a command asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum CommandKind {
    /// A new turn, queued for after the one that runs.
    #[default]
    Turn,
    /// More input for the turn that runs.
    Steer,
    /// The end of a turn.
    Interrupt,
    /// A decision on a request for approval.
    Decide,
    /// The answer to a question.
    Answer,
}

impl CommandKind {
    /// The kind of a name.
    pub fn read(name: &str) -> Option<Self> {
        Some(match name {
            "turn" => Self::Turn,
            "steer" => Self::Steer,
            "interrupt" => Self::Interrupt,
            "decide" => Self::Decide,
            "answer" => Self::Answer,
            _ => return None,
        })
    }
}

/// Where a command stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum CommandState {
    /// It waits for its runtime.
    #[default]
    Queued,
    /// The runtime has it, and has not given it to Codex.
    Leased,
    /// The runtime gives it to Codex.
    Delivered,
    /// Whether Codex got it is not known. It is settled where its echo is found.
    Unknown,
    /// Codex took it.
    Accepted,
    /// Codex or the bridge did not take it.
    Refused,
    /// Its time, or what it names, is over.
    Expired,
    /// Its sender took it back.
    Cancelled,
}

impl CommandState {
    /// The state of a name.
    pub fn read(name: &str) -> Option<Self> {
        Some(match name {
            "queued" => Self::Queued,
            "leased" => Self::Leased,
            "delivered" => Self::Delivered,
            "unknown" => Self::Unknown,
            "accepted" => Self::Accepted,
            "refused" => Self::Refused,
            "expired" => Self::Expired,
            "cancelled" => Self::Cancelled,
            _ => return None,
        })
    }

    /// Whether it has not come to an end, and Codex is yet to get it or has it right now.
    pub fn is_open(self) -> bool {
        self == Self::Queued || self.is_in_flight()
    }

    /// Whether a runtime has it.
    pub fn is_in_flight(self) -> bool {
        matches!(self, Self::Leased | Self::Delivered)
    }

    /// When the sweep asks for a command in this state: when its lease or its time ends, `ends_at_ms`. One without such a time
    /// is asked for now and then, for its request may be over. None where the command is at its end.
    pub fn due_at(self, ends_at_ms: Option<f64>, now_ms: f64) -> Option<f64> {
        self.is_open().then(|| ends_at_ms.unwrap_or(now_ms + COMMAND_LOOK_AGAIN_MS))
    }
}

/// Who has a command, and until when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lease<'a> {
    /// Proves a report to be its holder's.
    pub token: &'a str,
    /// The runtime.
    pub runtime_id: &'a str,
    /// The start of the runtime.
    pub generation: u64,
    /// The server's clock at its end, in milliseconds.
    pub expires_at_ms: f64,
}

/// A turn that a command names, by either of its ids, or that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetTurn<'a> {
    /// Codex's id for it, where that is known.
    pub turn_id: Option<&'a str>,
    /// Its status, as the schema has it.
    pub status: &'a str,
    /// Whose word a terminal status is.
    pub source: Option<&'a str>,
}

/// The server request that a command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetRequest<'a> {
    /// Its status, as the schema has it.
    pub status: &'a str,
    /// What it asks, where a command is to answer it.
    pub payload: Option<&'a str>,
    /// Whether the command carries the decision that is stored.
    pub carried: bool,
}

/// What a command names, where that exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// The turn of a steer or an interrupt.
    pub turn: Option<TargetTurn<'a>>,
    /// The request of a decision or an answer.
    pub request: Option<TargetRequest<'a>>,
}

/// How it stands with what a command names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The command can be given to Codex.
    Open,
    /// It cannot yet: Codex does not know the turn.
    Waiting,
    /// It never can again.
    Over,
}

impl<'a> Target<'a> {
    fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self { turn: call.optional(TargetTurn::unpack), request: call.optional(TargetRequest::unpack) }
    }

    /// How it stands for a command of this kind.
    ///
    /// An interrupt outlives the word of the client who asked for it: only Codex's and the bridge's word ends a turn there.
    pub fn standing(&self, kind: CommandKind) -> Standing {
        let over = match kind {
            CommandKind::Turn => false,
            CommandKind::Steer => self.turn.is_none_or(|turn| turn.has_ended()),
            CommandKind::Interrupt => self.turn.is_none_or(|turn| turn.has_ended_for_codex()),
            CommandKind::Decide | CommandKind::Answer => {
                !self.request.is_some_and(|request| matches!(request.status, "pending" | "answering"))
            }
        };
        let is_unknown = self.turn.is_some_and(|turn| turn.turn_id.is_none());
        match (over, is_unknown) {
            (true, _) => Standing::Over,
            (false, true) => Standing::Waiting,
            (false, false) => Standing::Open,
        }
    }
}

impl<'a> TargetTurn<'a> {
    /// Reads it.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self { turn_id: call.optional_text(), status: call.text(), source: call.optional_text() }
    }

    fn has_ended(&self) -> bool {
        matches!(self.status, "completed" | "interrupted" | "failed")
    }

    /// Whether a command's word on its end counts. Whose word came before stands, unless it was the sweep's: a command's own
    /// last word was of that kind too.
    fn is_waiting(&self) -> bool {
        self.status == "queued" || self.source == Some("sweep")
    }

    /// Whether its end is the word of a command, which a later one undoes.
    pub fn is_failed_by_sweep(&self) -> bool {
        self.status == "failed" && self.source == Some("sweep")
    }

    fn has_ended_for_codex(&self) -> bool {
        self.has_ended() && matches!(self.source, Some("codex" | "local"))
    }
}

impl<'a> TargetRequest<'a> {
    /// Reads it.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self { status: call.text(), payload: call.optional_text(), carried: call.flag() }
    }
}

/// A command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommandRow<'a> {
    /// What it asks for.
    pub kind: CommandKind,
    /// Where it stood when it was last written.
    pub state: CommandState,
    /// Its place among the thread's commands, by the order of sending.
    pub order: u64,
    /// 0, or how often a command of the thread was promoted before this one, plus one.
    pub rank: u64,
    /// The server's clock at the end of its time, in milliseconds.
    pub expires_at_ms: Option<f64>,
    /// How often its lease lapsed before it was delivered.
    pub lapses: u64,
    /// Its newest lease, of a command that is leased, delivered or unknown.
    pub lease: Option<Lease<'a>>,
    /// The id of the queued turn that shows it.
    pub client_turn_id: Option<&'a str>,
    /// That turn, where it exists and the command may come to its end.
    pub shown: Option<TargetTurn<'a>>,
    /// The turn that an accepted one belongs to.
    pub turn_id: Option<&'a str>,
    /// What it names.
    pub target: Target<'a>,
}

/// The process that asks, or that writes the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runtime<'a> {
    /// Stable per outbox folder.
    pub runtime_id: &'a str,
    /// Counts the starts of the bridge.
    pub generation: u64,
    /// Its device, out of its credential.
    pub device_id: &'a str,
}

impl<'a> Runtime<'a> {
    /// Reads it.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self { runtime_id: call.text(), generation: call.integer(), device_id: call.text() }
    }

    /// Reads it as a caller says it: one without an id, or whose generation is no count, is nobody.
    pub fn unpack_given(call: &mut Unpacker<'a>) -> Self {
        let (runtime_id, generation, device_id) = (call.text(), safe_integer(call.number()), call.text());
        let runtime_id = if generation.is_some() { runtime_id } else { "" };
        Self { runtime_id, generation: generation.unwrap_or_default(), device_id }
    }

    /// Whether it is somebody.
    pub fn is_known(&self) -> bool {
        !self.runtime_id.is_empty() && self.runtime_id.len() <= ID_BYTES_MAX
    }

    /// Whether `other` writes the thread that this one is bound to: the same start of the same runtime on the same device, or
    /// a newer one. A writer that did not say which runtime it is stands for every runtime of its device.
    pub fn admits(&self, other: Runtime<'_>) -> bool {
        let is_same = self.runtime_id == other.runtime_id && self.generation <= other.generation;
        other.is_known() && self.device_id == other.device_id && (is_same || self.runtime_id.is_empty())
    }
}

/// What a command is by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// Where it stands.
    pub state: CommandState,
    /// Why, where it came to an end by itself.
    pub code: Option<Code>,
    /// How often its lease lapsed before it was delivered.
    pub lapses: u64,
}

impl<'a> CommandRow<'a> {
    /// Reads it.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            kind: call.named(CommandKind::read),
            state: call.named(CommandState::read),
            order: call.integer(),
            rank: call.integer(),
            expires_at_ms: call.optional_number(),
            lapses: call.integer(),
            lease: call.optional(|call| Lease {
                token: call.text(),
                runtime_id: call.text(),
                generation: call.integer(),
                expires_at_ms: call.number(),
            }),
            client_turn_id: call.optional_text(),
            shown: call.optional(TargetTurn::unpack),
            turn_id: call.optional_text(),
            target: Target::unpack(call),
        }
    }

    /// What it is by now. A lease of an earlier start than `bound`, of the same runtime, has lapsed: its holder is gone.
    pub fn present(&self, now_ms: f64, bound: Option<Runtime<'_>>) -> Present {
        let mut present = Present { state: self.state, code: None, lapses: self.lapses };
        if self.state.is_in_flight() && self.has_lapsed(now_ms, bound) {
            present = self.lapse();
        }
        if present.state != CommandState::Queued {
            return present;
        }
        if self.expires_at_ms.is_some_and(|end| end <= now_ms) {
            return Present { state: CommandState::Expired, code: Some(Code::ECommandExpired), ..present };
        }
        if self.target.standing(self.kind) != Standing::Over {
            return present;
        }
        let state = match self.kind {
            CommandKind::Steer => CommandState::Refused,
            _ => CommandState::Expired,
        };
        Present { state, code: Some(Code::ECommandTargetGone), ..present }
    }

    fn has_lapsed(&self, now_ms: f64, bound: Option<Runtime<'_>>) -> bool {
        self.lease.is_none_or(|lease| {
            let is_superseded = bound.is_some_and(|bound| {
                bound.runtime_id == lease.runtime_id && bound.generation > lease.generation
            });
            is_superseded || lease.expires_at_ms <= now_ms
        })
    }

    fn lapse(&self) -> Present {
        let (state, code) = if self.state == CommandState::Delivered {
            (CommandState::Unknown, Some(Code::ECommandUnknown))
        } else if self.lapses >= COMMAND_LAPSES_MAX {
            (CommandState::Refused, Some(Code::ECommandAbandoned))
        } else {
            (CommandState::Queued, None)
        };
        let lapses = self.lapses + u64::from(self.state == CommandState::Leased && code.is_none());
        Present { state, code, lapses }
    }

    /// The write that makes the row, `at` its index in the call, what it is by now; none where it is.
    pub fn settled(&self, at: usize, present: Present, now_ms: f64) -> Option<CommandWrite> {
        (present.state != self.state || present.lapses != self.lapses).then(|| {
            let lapses = present.lapses;
            CommandWrite {
                lapses,
                ..self.moved(at, present.state, present.code.map(CommandCode::Ours), now_ms)
            }
        })
    }

    /// The write of a row, `at` its index in the call, that comes to `state`.
    pub fn moved(
        &self,
        at: usize,
        state: CommandState,
        code: Option<CommandCode>,
        now_ms: f64,
    ) -> CommandWrite {
        let lease = match state {
            CommandState::Leased | CommandState::Delivered | CommandState::Unknown => LeaseWrite::Keep,
            _ => LeaseWrite::Clear,
        };
        let turn = self.fate(state, code.as_ref());
        let carried = self.target.request.filter(|request| request.carried);
        let request = carried.and_then(|request| lost::after(request.status, state, code.as_ref()));
        let ends_at_ms = if state.is_in_flight() {
            self.lease.map(|lease| lease.expires_at_ms)
        } else {
            self.expires_at_ms
        };
        let due_at = state.due_at(ends_at_ms, now_ms);
        CommandWrite {
            row: at,
            state,
            due_at,
            code,
            turn_id: None,
            lapses: self.lapses,
            lease,
            turn,
            request,
        }
    }

    /// What an end that is none at Codex does to the turn that shows it.
    fn fate(&self, state: CommandState, code: Option<&CommandCode>) -> TurnFate {
        let is_waiting = self.shown.is_some_and(|turn| turn.is_waiting());
        match code {
            _ if !is_waiting || state < CommandState::Unknown => TurnFate::Keep,
            // Nothing went wrong: who asked for it took it back.
            Some(CommandCode::Ours(Code::ECommandCancelled)) => TurnFate::End {
                status: TurnStatus::Interrupted,
                source: Source::Client,
                error: CommandCode::Reported("interrupted".to_owned()),
            },
            Some(code) => {
                TurnFate::End { status: TurnStatus::Failed, source: Source::Sweep, error: code.clone() }
            }
            None => TurnFate::Keep,
        }
    }
}
