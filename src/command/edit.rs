//! `commands.edit`, `promote` and `cancel`: what a sender does to a command that is still queued.

use super::answer::{CommandAnswer, CommandCode};
use super::payload::CommandPayload;
use super::row::{CommandKind, CommandRow, CommandState, Runtime};
use super::send::read_payload;
use crate::error::Code;
use crate::pack::{Misfit, Unpacker};

/// What `edit`, `promote` and `cancel` are planned from.
#[derive(Clone, Debug)]
pub struct CommandCall<'a> {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// The thread's runtime, where one is bound.
    pub bound: Option<Runtime<'a>>,
    /// The command, where it exists.
    pub command: Option<CommandRow<'a>>,
}

impl<'a> CommandCall<'a> {
    fn read(call: &mut Unpacker<'a>) -> Self {
        Self {
            now_ms: call.number(),
            bound: call.optional(Runtime::unpack),
            command: call.optional(CommandRow::unpack),
        }
    }

    /// Reads the call of a cancel.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self::read(&mut call);
        call.end(read)
    }

    fn queued(&self) -> Result<&CommandRow<'a>, (Code, &'static str)> {
        let Some(command) = &self.command else {
            return Err((Code::ECommandNotFound, "the command does not exist for this actor"));
        };
        if command.present(self.now_ms, self.bound).state == CommandState::Queued {
            Ok(command)
        } else {
            Err((Code::ECommandTooLate, "the command is no longer queued"))
        }
    }
}

/// A `commands.edit`.
#[derive(Clone, Debug)]
pub struct CommandEditCall<'a> {
    /// The command.
    pub command: CommandCall<'a>,
    /// What it asks for, as it stands.
    pub before_json: &'a str,
    /// What it is to ask for.
    pub payload_json: &'a str,
}

impl<'a> CommandEditCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            command: CommandCall::read(&mut call),
            before_json: call.text(),
            payload_json: call.text(),
        };
        call.end(read)
    }
}

/// A `commands.promote`.
#[derive(Clone, Debug)]
pub struct CommandPromoteCall<'a> {
    /// The command.
    pub command: CommandCall<'a>,
    /// The ranks of the thread's open commands: what has ended is before nobody.
    pub ranks: Vec<u64>,
    /// The turn that it is to steer instead of waiting for its end.
    pub expected_turn_id: Option<&'a str>,
    /// The turn that runs.
    pub running: Option<RunningTurn<'a>>,
}

/// A turn that runs, by its ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningTurn<'a> {
    /// Codex's.
    pub turn_id: &'a str,
    /// The one that its client invented.
    pub client_turn_id: Option<&'a str>,
}

impl<'a> CommandPromoteCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            command: CommandCall::read(&mut call),
            ranks: call.list(Unpacker::integer),
            expected_turn_id: call.optional_text(),
            running: call
                .optional(|call| RunningTurn { turn_id: call.text(), client_turn_id: call.optional_text() }),
        };
        call.end(read)
    }
}

/// Plans a `commands.cancel`. The same again is no error.
pub fn plan_cancel(call: &CommandCall<'_>) -> CommandAnswer {
    if call.command.is_some_and(|command| command.state == CommandState::Cancelled) {
        return CommandAnswer::Keep;
    }
    match call.queued() {
        Ok(command) => {
            let code = CommandCode::Ours(Code::ECommandCancelled);
            CommandAnswer::Written {
                writes: vec![command.moved(0, CommandState::Cancelled, Some(code), call.now_ms)],
            }
        }
        Err((code, message)) => CommandAnswer::rejected(code, message),
    }
}

/// Plans a `commands.edit`: the words and settings of a message, not what it names. Of decisions the first counts.
pub fn plan_edit(call: &CommandEditCall<'_>) -> CommandAnswer {
    let command = match call.command.queued() {
        Ok(command) => command,
        Err((code, message)) => return CommandAnswer::rejected(code, message),
    };
    if !matches!(command.kind, CommandKind::Turn | CommandKind::Steer) {
        return CommandAnswer::rejected(Code::ECommandInvalid, "only a message can be edited");
    }
    // A turn that was promoted to a steer keeps the payload that it was sent with.
    let kind = if command.client_turn_id.is_some() { CommandKind::Turn } else { command.kind };
    let after = match read_payload(kind, call.payload_json) {
        Ok(after) => after,
        Err((code, message)) => return CommandAnswer::rejected(code, message),
    };
    let before = CommandPayload::read(kind, call.before_json).unwrap_or_default();
    let names = |payload: &CommandPayload| (payload.target_turn_id.clone(), payload.client_turn_id.clone());
    if names(&before) != names(&after) {
        return CommandAnswer::rejected(Code::ECommandInvalid, "an edit names the same turn");
    }
    CommandAnswer::Edit { input_summary: after.input_summary }
}

/// Plans a `commands.promote`: before all others of the thread, or as a steer of the turn that runs.
pub fn plan_promote(call: &CommandPromoteCall<'_>) -> CommandAnswer {
    let command = match call.command.queued() {
        Ok(command) => command,
        Err((code, message)) => return CommandAnswer::rejected(code, message),
    };
    if let Some(expected) = call.expected_turn_id {
        if command.kind != CommandKind::Turn {
            return CommandAnswer::rejected(Code::ECommandInvalid, "only a turn can become a steer");
        }
        if !call.running.is_some_and(|turn| turn.turn_id == expected || turn.client_turn_id == Some(expected))
        {
            let message = "the turn that it is to steer does not run";
            return CommandAnswer::rejected(Code::ECommandTargetGone, message);
        }
    }
    let rank_max = call.ranks.iter().copied().max().unwrap_or_default();
    CommandAnswer::Promote { rank: rank_max + 1, steers: call.expected_turn_id.map(str::to_owned) }
}
