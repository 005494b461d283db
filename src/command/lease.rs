//! `commands.lease` and the sweep: which command is handed out next, and what comes to its end by itself.

use super::answer::{CommandAnswer, CommandWrite, Handed};
use super::row::{CommandKind, CommandRow, CommandState, Present, Runtime, Standing};
use crate::error::Code;
use crate::limits::{COMMAND_LEASE_MAX, COMMAND_LEASE_MS, COMMAND_LOOK_AGAIN_MS};
use crate::pack::{Misfit, Unpacker};
use crate::session;
use crate::sorted;

/// A `commands.lease`.
#[derive(Clone, Debug)]
pub struct CommandLeaseCall<'a> {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// Who asks.
    pub runtime: Runtime<'a>,
    /// Who writes the thread; its runtime's id is empty where its session does not say which it is.
    pub bound: Option<Runtime<'a>>,
    /// Whether a turn runs by the rows.
    pub running: bool,
    /// The runtime's last beat, where none does: events of a turn may still be on their way.
    pub beat: Option<LastBeat>,
    /// The turn that Codex took last.
    pub taken: Option<TakenTurn>,
    /// How many commands the runtime wants.
    pub limit: f64,
    /// New tokens, one for each that can be handed out.
    pub tokens: Vec<&'a str>,
    /// The thread's commands that are not at their end.
    pub commands: Vec<CommandRow<'a>>,
}

impl<'a> CommandLeaseCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            now_ms: call.number(),
            runtime: Runtime::unpack_given(&mut call),
            bound: call.optional(Runtime::unpack),
            running: call.flag(),
            beat: call.optional(|call| LastBeat {
                away: call.flag(),
                generation: call.integer(),
                turn_over: call.optional(Unpacker::flag),
            }),
            taken: call.optional(|call| TakenTurn { at_ms: call.number(), over: call.flag() }),
            limit: call.number(),
            tokens: call.list(Unpacker::text),
            commands: call.list(CommandRow::unpack),
        };
        call.end(read)
    }
}

/// What a runtime's last beat says of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastBeat {
    /// Whether no beat came for long.
    pub away: bool,
    /// The start of the runtime that beat.
    pub generation: u64,
    /// Of the turn that runs by it, where one does: whether the rows know of its end.
    pub turn_over: Option<bool>,
}

impl LastBeat {
    /// Whether a turn runs by it. A turn of which the rows know the end is older, as is that of an earlier start.
    fn tells_of_a_turn(self, generation: u64) -> bool {
        !self.away && self.generation == generation && self.turn_over == Some(false)
    }
}

/// A turn that Codex took: its first event is on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TakenTurn {
    /// The server's clock when that was reported, in milliseconds.
    pub at_ms: f64,
    /// Whether the rows know of its end.
    pub over: bool,
}

impl TakenTurn {
    /// Whether it may run. Beyond the time of a lease its first event, or a beat, would have told.
    fn may_run(self, now_ms: f64) -> bool {
        !self.over && now_ms < self.at_ms + COMMAND_LEASE_MS
    }
}

/// A sweep of a command that is not at its end.
#[derive(Clone, Debug)]
pub struct CommandSweepCall<'a> {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// The command.
    pub command: CommandRow<'a>,
}

impl<'a> CommandSweepCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self { now_ms: call.number(), command: CommandRow::unpack(&mut call) };
        call.end(read)
    }
}

/// Plans a sweep: of a command whose lease lapsed, or whose time is over or whose turn or request is.
pub fn plan_command_sweep(call: &CommandSweepCall<'_>) -> CommandAnswer {
    let present = call.command.present(call.now_ms, None);
    match call.command.settled(0, present, call.now_ms) {
        Some(write) => CommandAnswer::Written { writes: vec![write] },
        None => CommandAnswer::Wait { due_at: call.now_ms + COMMAND_LOOK_AGAIN_MS },
    }
}

/// Plans a `commands.lease`. The thread's writer is the runtime that leases from then on.
///
/// Interrupts come first and overtake whatever is in flight. Everything else is serial: nothing is handed out while another
/// command is in flight, and what is handed out together is done in its order. A turn is the last of those, and waits for
/// a turn that runs and for every interrupt.
pub fn plan_lease(call: &CommandLeaseCall<'_>) -> CommandAnswer {
    if !call.bound.is_some_and(|bound| bound.admits(call.runtime)) {
        let code = Code::ESyncSessionDeviceMismatch;
        return CommandAnswer::rejected(code, session::message(code));
    }
    let bound = Some(call.runtime);
    let mut writes: Vec<CommandWrite> = Vec::new();
    let mut queue: Vec<Candidate<'_, '_>> = Vec::new();
    let (mut is_busy, mut is_stopping) = (false, false);
    for (command, at) in call.commands.iter().zip(0..) {
        let present = command.present(call.now_ms, bound);
        writes.extend(command.settled(at, present, call.now_ms));
        let is_interrupt = command.kind == CommandKind::Interrupt;
        is_stopping |= is_interrupt && present.state.is_open();
        is_busy |= !is_interrupt && present.state.is_in_flight();
        if present.state == CommandState::Queued && command.target.standing(command.kind) == Standing::Open {
            let candidate = Candidate { command, at, present };
            let place = queue.partition_point(|other| other.key() <= candidate.key());
            sorted::insert(&mut queue, place, candidate);
        }
    }
    // A limit that is no number is 1.
    let limit = (call.limit.clamp(1.0, COMMAND_LEASE_MAX) as usize).max(1);
    let mut handed = Vec::new();
    for (candidate, token) in
        queue.iter().filter(|candidate| candidate.may_go(call, is_busy, is_stopping)).zip(0..)
    {
        if token >= limit.min(call.tokens.len()) {
            break;
        }
        handed.push(Handed {
            row: candidate.at,
            token,
            expires_at: call.now_ms + COMMAND_LEASE_MS,
            turn_id: candidate.command.target.turn.and_then(|turn| turn.turn_id).map(str::to_owned),
            lapses: candidate.present.lapses,
        });
        // What is sent after a turn waits until Codex has taken the turn.
        if candidate.command.kind == CommandKind::Turn {
            break;
        }
    }
    writes.retain(|write| {
        write.state != CommandState::Queued || !handed.iter().any(|one| one.row == write.row)
    });
    CommandAnswer::Leased { writes, handed, binds: call.bound != bound }
}

struct Candidate<'a, 'b> {
    command: &'b CommandRow<'a>,
    at: usize,
    present: Present,
}

impl Candidate<'_, '_> {
    /// Interrupts, then the newest promoted, then in the order of sending.
    fn key(&self) -> (bool, std::cmp::Reverse<u64>, u64) {
        let is_interrupt = self.command.kind == CommandKind::Interrupt;
        (!is_interrupt, std::cmp::Reverse(self.command.rank), self.command.order)
    }

    fn may_go(&self, call: &CommandLeaseCall<'_>, is_busy: bool, is_stopping: bool) -> bool {
        match self.command.kind {
            CommandKind::Interrupt => true,
            CommandKind::Turn => {
                let may_run = call.running
                    || call.beat.is_some_and(|beat| beat.tells_of_a_turn(call.runtime.generation))
                    || call.taken.is_some_and(|turn| turn.may_run(call.now_ms));
                !is_busy && !is_stopping && !may_run
            }
            _ => !is_busy,
        }
    }
}
