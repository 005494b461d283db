//! `commands.report`: what became of a command at the machine.

use super::answer::{CommandAnswer, CommandCode, CommandWrite, TurnFate};
use super::row::{CommandKind, CommandRow, CommandState, Runtime, TargetTurn};
use crate::error::Code;
use crate::limits::{CODE_BYTES_MAX, ID_BYTES_MAX};
use crate::pack::{Misfit, Unpacker};
use crate::session;

/// A `commands.report`.
#[derive(Clone, Debug)]
pub struct CommandReportCall<'a> {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// The device that reports, out of its credential.
    pub device_id: &'a str,
    /// Who writes the thread.
    pub bound: Option<Runtime<'a>>,
    /// The command, where it exists.
    pub command: Option<CommandRow<'a>>,
    /// The token of the lease.
    pub lease_token: &'a str,
    /// The name of the state.
    pub state: &'a str,
    /// The turn that Codex answered with.
    pub turn_id: Option<&'a str>,
    /// Why it was refused.
    pub code: Option<&'a str>,
    /// The server's clock when it was delivered, in milliseconds, where that was reported.
    pub delivered_at_ms: Option<f64>,
    /// The turn that Codex answered with, where a row has that id.
    pub turn: Option<ReportedTurn<'a>>,
    /// The code that the command ended with, where it did.
    pub code_before: Option<&'a str>,
}

/// A turn that Codex answered with, as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReportedTurn<'a> {
    /// The id that its client invented.
    pub client_turn_id: Option<&'a str>,
    /// Whether Codex has begun it.
    pub started: bool,
    /// The server's clock when its row was made, in milliseconds.
    pub created_at_ms: f64,
}

impl<'a> CommandReportCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            now_ms: call.number(),
            device_id: call.text(),
            bound: call.optional(Runtime::unpack),
            command: call.optional(CommandRow::unpack),
            lease_token: call.text(),
            state: call.text(),
            turn_id: call.optional_text(),
            code: call.optional_text(),
            delivered_at_ms: call.optional_number(),
            turn: call.optional(|call| ReportedTurn {
                client_turn_id: call.optional_text(),
                started: call.flag(),
                created_at_ms: call.number(),
            }),
            code_before: call.optional_text(),
        };
        call.end(read)
    }
}

/// Plans a `commands.report`: forwards only, under the newest lease only. The same again is no error.
pub fn plan_report(call: &CommandReportCall<'_>) -> CommandAnswer {
    let Some(command) = call.command else {
        return reject(Code::ECommandNotFound, "the command does not exist for this actor");
    };
    let reported = match call.check(command.kind) {
        Ok(reported) => reported,
        Err(message) => return reject(Code::ECommandInvalid, message),
    };
    if !call.is_bound(&command) {
        let code = Code::ESyncSessionDeviceMismatch;
        return reject(code, session::message(code));
    }
    let present = command.present(call.now_ms, call.bound);
    if call.repeats(&command, reported) {
        return CommandAnswer::Keep;
    }
    let holds = command.lease.is_some_and(|lease| lease.token == call.lease_token);
    if !holds || !is_forward(present.state, reported) {
        let message = "the lease is lost: the command went on without this report";
        return reject(Code::ECommandLeaseLost, message);
    }
    let is_late = command.expires_at_ms.is_some_and(|end| end <= call.now_ms);
    if reported == CommandState::Delivered && is_late {
        return reject(Code::ECommandExpired, "the command's time is over: it must not be given to Codex");
    }
    CommandAnswer::Written { writes: vec![call.write(&command, reported)] }
}

/// Whether a runtime's word leads on from here. An unknown command is settled by what Codex did.
fn is_forward(from: CommandState, to: CommandState) -> bool {
    use CommandState::{Accepted, Delivered, Expired, Leased, Refused, Unknown};
    match from {
        Leased => matches!(to, Delivered | Accepted | Refused | Expired | Unknown),
        Delivered => matches!(to, Accepted | Refused | Expired | Unknown),
        Unknown => matches!(to, Accepted | Refused),
        _ => false,
    }
}

impl CommandReportCall<'_> {
    fn check(&self, kind: CommandKind) -> Result<CommandState, &'static str> {
        use CommandState::{Accepted, Cancelled, Leased, Queued};
        let state = CommandState::read(self.state)
            .filter(|state| !matches!(state, Queued | Leased | Cancelled))
            .ok_or("a command is reported delivered, accepted, refused, expired or unknown")?;
        let fits = self.turn_id.is_none_or(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX);
        let lacks = state == Accepted && kind == CommandKind::Turn && self.turn_id.is_none();
        if !fits || lacks { Err("an accepted turn is reported with its id") } else { Ok(state) }
    }

    /// The thread's writer reports what a start of the same runtime leased; where its session does not say which runtime it
    /// is, the lease's token does.
    fn is_bound(&self, command: &CommandRow<'_>) -> bool {
        self.bound.is_some_and(|bound| {
            bound.device_id == self.device_id
                && command
                    .lease
                    .is_none_or(|lease| bound.runtime_id.is_empty() || lease.runtime_id == bound.runtime_id)
        })
    }

    /// Whether the row says so already. A finished command has no lease left to compare.
    fn repeats(&self, command: &CommandRow<'_>, reported: CommandState) -> bool {
        let holds = command.lease.is_none_or(|lease| lease.token == self.lease_token);
        let same_turn = reported != CommandState::Accepted || command.turn_id == self.turn_id;
        let same_code = reported != CommandState::Refused || self.code_before == Some(self.refusal());
        let is_present = command.present(self.now_ms, self.bound).state == command.state;
        command.state == reported && is_present && holds && same_turn && same_code
    }

    fn write(&self, command: &CommandRow<'_>, state: CommandState) -> CommandWrite {
        let code = match state {
            CommandState::Refused => Some(CommandCode::Reported(self.refusal().to_owned())),
            CommandState::Expired => Some(CommandCode::Ours(Code::ECommandExpired)),
            CommandState::Unknown => Some(CommandCode::Ours(Code::ECommandUnknown)),
            _ => None,
        };
        let mut write = command.moved(0, state, code, self.now_ms);
        if let (CommandState::Accepted, Some(turn_id)) = (state, self.turn_id) {
            write.turn_id = Some(turn_id.to_owned());
            if let Some(shown) = command.shown {
                write.turn = self.fate(command, shown, turn_id.to_owned());
            }
        }
        write
    }

    fn fate(&self, command: &CommandRow<'_>, shown: TargetTurn<'_>, turn_id: String) -> TurnFate {
        let is_anothers = self.turn.is_some_and(|turn| {
            turn.client_turn_id.is_some() && turn.client_turn_id != command.client_turn_id
        });
        let is_named = self.turn.is_some_and(|turn| turn.client_turn_id == command.client_turn_id);
        if self.is_steered() || is_anothers || command.kind == CommandKind::Steer {
            TurnFate::Steered { turn_id }
        } else if self.turn.is_some() && !is_named {
            TurnFate::Join { turn_id }
        } else {
            let silent_at = shown.is_failed_by_sweep().then_some(self.now_ms);
            TurnFate::Take { turn_id, silent_at }
        }
    }

    /// Whether the turn ran before Codex had the command: then Codex took it as a steer.
    fn is_steered(&self) -> bool {
        let given_at = self.delivered_at_ms.unwrap_or(self.now_ms);
        self.turn.is_some_and(|turn| turn.started && turn.created_at_ms < given_at)
    }

    /// The reported code, if it is one.
    fn refusal(&self) -> &str {
        let is_code = |code: &&str| {
            let fits = code.len() <= CODE_BYTES_MAX && code.starts_with("E_");
            fits && code.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
        };
        self.code.filter(is_code).unwrap_or("E_COMMAND_REFUSED")
    }
}

fn reject(code: Code, message: &'static str) -> CommandAnswer {
    CommandAnswer::rejected(code, message)
}
