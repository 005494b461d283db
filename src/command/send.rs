//! `commands.send`, and the command that `turns.interrupt` sends.

use super::answer::{
    CommandAnswer, CommandCode, CommandNeeds, CommandWrite, DecisionSendAnswer, NewCommand, NewTurn,
};
use super::payload::{CommandPayload, Decision};
use super::row::{CommandKind, CommandRow, CommandState, Standing, Target, TargetRequest, TargetTurn};
use crate::error::Code;
use crate::ingest::call::ThreadRow;
use crate::limits::{
    COMMAND_PAYLOAD_BYTES_MAX, COMMANDS_OPEN_MAX, ID_BYTES_MAX, INTERRUPT_TTL_MS, MESSAGE_TTL_MS,
    TURN_SILENT_MS, WAITING_TURN_TTL_MS,
};
use crate::pack::{Misfit, Unpacker};
use crate::request::approval::{self, Wish};
use crate::request::client::{KnownRequest, RequestAnswer, RespondCall, plan_respond};

/// A `commands.send`.
#[derive(Clone, Debug)]
pub struct CommandSendCall<'a> {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// The thread, where it exists.
    pub thread: Option<ThreadRow<'a>>,
    /// The sender's id for it.
    pub command_id: &'a str,
    /// The name of its kind.
    pub kind: &'a str,
    /// What it asks for.
    pub payload_json: &'a str,
    /// Milliseconds after which its sender wants it no more.
    pub ttl_ms: Option<f64>,
    /// Whether another function of the component sends it: an approval works in an archived thread and a full mailbox too.
    pub own: bool,
    /// What was sent under the same id by the same user.
    pub sent_before: Option<Sent<'a>>,
    /// Commands of the user that are not at their end.
    pub open_count: u64,
    /// The place that the thread's next command gets.
    pub next_order: u64,
    /// What it `needs`.
    pub named: Option<Named<'a>>,
}

/// A command as it was sent, before any edit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sent<'a> {
    /// Whether it was sent to the same thread.
    pub same_thread: bool,
    /// The name of its kind.
    pub kind: &'a str,
    /// What it asked for.
    pub payload_json: &'a str,
    /// Milliseconds, as its sender said.
    pub ttl_ms: Option<f64>,
}

/// What a command names: what of it exists.
#[derive(Clone, Copy, Debug, Default)]
pub struct Named<'a> {
    /// The turn.
    pub turn: Option<TargetTurn<'a>>,
    /// The open command that carries it.
    pub carrier: Option<CommandRow<'a>>,
    /// The turn that has the client's id.
    pub client_turn: Option<TargetTurn<'a>>,
    /// The request.
    pub request: Option<TargetRequest<'a>>,
    /// The app-server's method, of the request.
    pub method: Option<&'a str>,
    /// Of what another function sends: the newest open command that asks for the same, an interrupt of the turn, or the one that
    /// carries the decision.
    pub same: Option<CommandRow<'a>>,
}

impl<'a> CommandSendCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self::read(&mut call);
        call.end(read)
    }

    /// Reads calls.
    ///
    /// # Errors
    /// [`Misfit`] where they were packed otherwise.
    pub fn unpack_all(mut call: Unpacker<'a>) -> Result<Vec<Self>, Misfit> {
        let read = call.list(Self::read);
        call.end(read)
    }

    fn read(call: &mut Unpacker<'a>) -> Self {
        Self {
            now_ms: call.number(),
            thread: call.optional(ThreadRow::unpack),
            command_id: call.text(),
            kind: call.text(),
            payload_json: call.text(),
            ttl_ms: call.optional_number(),
            own: call.flag(),
            sent_before: call.optional(|call| Sent {
                same_thread: call.flag(),
                kind: call.text(),
                payload_json: call.text(),
                ttl_ms: call.optional_number(),
            }),
            open_count: call.integer(),
            next_order: call.integer(),
            named: call.optional(|call| Named {
                turn: call.optional(TargetTurn::unpack),
                carrier: call.optional(CommandRow::unpack),
                client_turn: call.optional(TargetTurn::unpack),
                request: call.optional(TargetRequest::unpack),
                method: call.optional_text(),
                same: call.optional(CommandRow::unpack),
            }),
        }
    }
}

/// A `turns.interrupt` of a thread, beside the mark that it puts on the turn.
#[derive(Clone, Debug)]
pub struct InterruptSendCall<'a> {
    /// Whether a runtime is bound to the thread.
    pub bound: bool,
    /// The interrupt.
    pub send: CommandSendCall<'a>,
}

impl<'a> InterruptSendCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self { bound: call.flag(), send: CommandSendCall::read(&mut call) };
        call.end(read)
    }
}

/// A decision that a client sends.
#[derive(Clone, Debug)]
pub struct DecisionSendCall<'a> {
    /// The command.
    pub send: CommandSendCall<'a>,
    /// The request that it names, with what that says.
    pub asked: Option<KnownRequest<'a>>,
}

impl<'a> DecisionSendCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let send = CommandSendCall::read(&mut call);
        let read = Self { send, asked: call.optional(KnownRequest::unpack) };
        call.end(read)
    }
}

/// Plans a `commands.send`.
pub fn plan_send(call: &CommandSendCall<'_>) -> CommandAnswer {
    let Some(thread) = call.thread else {
        return reject(Code::EAuthThreadForbidden, "the thread does not exist for this actor");
    };
    if let Some(sent) = call.sent_before {
        return if call.repeats(sent) {
            CommandAnswer::Keep
        } else {
            reject(Code::ECommandIdReused, "another command was sent under this id")
        };
    }
    let (kind, payload) = match call.check() {
        Ok(read) => read,
        Err((code, message)) => return reject(code, message),
    };
    if thread.archived && !call.own {
        return reject(Code::EThreadArchived, "the thread is archived: resume it first");
    }
    let is_bounded = !call.own && kind != CommandKind::Interrupt;
    if is_bounded && call.open_count >= COMMANDS_OPEN_MAX {
        return reject(Code::EQuota, "too many commands are open");
    }
    let Some(named) = call.named else {
        let CommandPayload { target_turn_id: turn_id, client_turn_id, request, .. } = payload;
        return CommandAnswer::Needs { needs: CommandNeeds { turn_id, client_turn_id, request } };
    };
    let is_sent = |same: CommandRow<'_>| same.present(call.now_ms, None).state.is_open();
    if call.own && named.same.is_some_and(is_sent) {
        return CommandAnswer::Keep;
    }
    if let Some((code, message)) = named.fault(kind) {
        return reject(code, message);
    }
    let withdrawn = named.withdrawn(kind, call.now_ms);
    let state = if withdrawn.is_some() { CommandState::Accepted } else { CommandState::Queued };
    let expires_at = call.time(kind, payload.waits).map(|ms| call.now_ms + ms);
    let makes_turn = payload.client_turn_id.is_some() && named.client_turn.is_none();
    CommandAnswer::Insert {
        turn: makes_turn.then(|| NewTurn {
            turn_order: thread.next_turn_order,
            input_summary: payload.input_summary.clone(),
            silent_at: call.now_ms + TURN_SILENT_MS,
        }),
        // Only what Codex does not know has a client's id.
        adopts: named.client_turn.is_some_and(|turn| turn.status == "queued"),
        command: NewCommand {
            state,
            order: call.next_order,
            expires_at,
            due_at: state.due_at(expires_at, call.now_ms),
            target_turn_id: payload.target_turn_id,
            client_turn_id: payload.client_turn_id,
            request: payload.request,
        },
        writes: withdrawn.into_iter().collect(),
    }
}

/// Plans a `commands.send` of a decision: sending it decides the approval, as `approvals.respond` does, of what was shown.
pub fn plan_decision_send(call: &DecisionSendCall<'_>) -> DecisionSendAnswer {
    let command = plan_send(&call.send);
    let is_made = matches!(command, CommandAnswer::Insert { .. });
    let decided = call.asked.filter(|_| is_made).and_then(|asked| decide(asked, call.send.payload_json));
    match decided {
        Some(RequestAnswer::Rejected { code, message, .. }) => {
            DecisionSendAnswer { command: reject(code, message), decided: None }
        }
        decided => DecisionSendAnswer { command, decided },
    }
}

/// Plans the command of a `turns.interrupt`: sent where a runtime is bound to the thread and the turn goes on for Codex.
/// A turn that waits in the queue is taken out of it, bound or not: it must not begin when the machine comes.
pub fn plan_interrupt_send(call: &InterruptSendCall<'_>) -> CommandAnswer {
    let Some(named) = call.send.named else { return plan_send(&call.send) };
    let kind = CommandKind::Interrupt;
    if let Some(write) = named.withdrawn(kind, call.send.now_ms) {
        return CommandAnswer::Written { writes: vec![write] };
    }
    let target = Target { turn: named.turn, request: None };
    if !call.bound || target.standing(kind) == Standing::Over {
        return CommandAnswer::Keep;
    }
    plan_send(&call.send)
}

impl CommandSendCall<'_> {
    fn repeats(&self, sent: Sent<'_>) -> bool {
        sent.same_thread
            && sent.kind == self.kind
            && sent.payload_json == self.payload_json
            && sent.ttl_ms == self.ttl_ms
    }

    fn check(&self) -> Result<(CommandKind, CommandPayload), (Code, &'static str)> {
        if self.command_id.is_empty() || self.command_id.len() > ID_BYTES_MAX {
            return Err((Code::ECommandInvalid, "a command's id is a text of 1 to 1,024 bytes"));
        }
        let kind = CommandKind::read(self.kind)
            .ok_or((Code::ECommandInvalid, "a command is a turn, steer, interrupt, decide or answer"))?;
        Ok((kind, read_payload(kind, self.payload_json)?))
    }

    /// Milliseconds that it has; none where its request says when it is over.
    fn time(&self, kind: CommandKind, waits: bool) -> Option<f64> {
        let most = match kind {
            CommandKind::Turn if waits => Some(WAITING_TURN_TTL_MS),
            CommandKind::Turn | CommandKind::Steer => Some(MESSAGE_TTL_MS),
            CommandKind::Interrupt => Some(INTERRUPT_TTL_MS),
            CommandKind::Decide | CommandKind::Answer => None,
        };
        let wanted = self.ttl_ms.filter(|ms| ms.is_finite()).map(|ms| ms.max(0.0));
        match (wanted, most) {
            (Some(wanted), Some(most)) => Some(wanted.min(most)),
            (wanted, most) => wanted.or(most),
        }
    }
}

impl Named<'_> {
    fn fault(&self, kind: CommandKind) -> Option<(Code, &'static str)> {
        let names_turn = matches!(kind, CommandKind::Steer | CommandKind::Interrupt);
        if names_turn && self.turn.is_none() {
            return Some((Code::EAuthTurnForbidden, "the turn does not exist for this actor"));
        }
        if kind == CommandKind::Answer && self.method.and_then(approval::kind).is_some() {
            return Some((
                Code::ECommandNotAllowed,
                "an approval is decided, as it was shown, and not answered",
            ));
        }
        let payload = self.request.and_then(|request| request.payload);
        let asks_secret = self.method.is_some_and(|method| approval::asks_secret(method, payload));
        if kind == CommandKind::Answer && asks_secret {
            return Some((
                Code::ECommandNotAllowed,
                "a secret is answered at the machine: it is stored nowhere",
            ));
        }
        let target = Target { turn: self.turn, request: self.request };
        let is_over = target.standing(kind) == Standing::Over;
        is_over.then_some((Code::ECommandTargetGone, "the turn or request that it names is over"))
    }

    /// The end of the queued command whose turn an interrupt names.
    fn withdrawn(&self, kind: CommandKind, now_ms: f64) -> Option<CommandWrite> {
        let carrier = self.carrier.filter(|_| kind == CommandKind::Interrupt)?;
        if carrier.present(now_ms, None).state != CommandState::Queued {
            return None;
        }
        let code = CommandCode::Ours(Code::ECommandCancelled);
        Some(carrier.moved(0, CommandState::Cancelled, Some(code), now_ms))
    }
}

/// Decides an approval by the payload of a decision.
fn decide(asked: KnownRequest<'_>, payload_json: &str) -> Option<RequestAnswer> {
    let Decision { decision, shown_sha256 } = Decision::read(payload_json)?;
    Some(plan_respond(&RespondCall {
        thread_exists: true,
        id: None,
        wish: Wish::Exactly(decision),
        shown_sha256: shown_sha256.as_deref(),
        must_show: true,
        known: vec![asked],
    }))
}

/// Reads a payload within its bound.
///
/// # Errors
/// The code, and what is wrong, in words.
pub(super) fn read_payload(
    kind: CommandKind,
    payload_json: &str,
) -> Result<CommandPayload, (Code, &'static str)> {
    if payload_json.len() > COMMAND_PAYLOAD_BYTES_MAX {
        return Err((Code::ECommandTooLarge, "a command's payload is at most 64 KiB"));
    }
    CommandPayload::read(kind, payload_json).map_err(|message| (Code::ECommandInvalid, message))
}

fn reject(code: Code, message: &'static str) -> CommandAnswer {
    CommandAnswer::rejected(code, message)
}
