/** What the core plans for steering from afar. Every call throws CoreError where the core has a bug. */
import bytes from "#wasm/bytes_commands";
import * as wasm from "#wasm/commands";
import { commandFacts, commandSend, Packer, runtimeFacts, type CommandFacts, type CommandSendCall, type Packed, type RuntimeFacts } from "./boundary.js";
import { Instance } from "./instance.js";

export type { CommandFacts, CommandSendCall, NamedFacts, RuntimeFacts } from "./boundary.js";
export type { CommandNeeds, CommandWrite, NewCommand, RequestName, TurnFate } from "#wasm/commands";

/** `src/command/edit.rs`, CommandCall. */
type CommandCall = { nowMs: number; bound: RuntimeFacts | null; command: CommandFacts | null };

/** `src/command/edit.rs`, CommandEditCall. */
type CommandEditCall = CommandCall & { beforeJson: string; payloadJson: string };

/** `src/command/edit.rs`, CommandPromoteCall. */
type CommandPromoteCall = CommandCall & {
  /** Of the thread's open commands. */
  ranks: readonly number[];
  expectedTurnId: string | undefined;
  running: { turnId: string; clientTurnId?: string | undefined } | null;
};

/** `src/command/lease.rs`, CommandLeaseCall. */
export type CommandLeaseCall = {
  nowMs: number;
  runtime: RuntimeFacts;
  bound: RuntimeFacts | null;
  /** Whether a turn runs by the rows. */
  running: boolean;
  /** The runtime's last beat, where none does; of the turn that it names, whether the rows know of its end. */
  beat: { away: boolean; generation: number; turnOver: boolean | null } | null;
  /** The turn that Codex took last, and when that was reported. */
  taken: { at: number; over: boolean } | null;
  limit: number;
  tokens: readonly string[];
  commands: readonly CommandFacts[];
};

/** `src/command/report.rs`, CommandReportCall. */
type CommandReportCall = {
  nowMs: number;
  deviceId: string;
  bound: RuntimeFacts | null;
  command: CommandFacts | null;
  leaseToken: string;
  state: string;
  turnId: string | undefined;
  code: string | undefined;
  deliveredAt: number | undefined;
  turn: { clientTurnId?: string | undefined; startedAt?: number | undefined; createdAt: number } | null;
  codeBefore: string | undefined;
};

/** `src/command/lease.rs`, CommandSweepCall. */
type CommandSweepCall = { nowMs: number; command: CommandFacts };

/** The answers that a call can have; every one can be rejected. */
type CommandAnswer<Type extends wasm.CommandAnswer["type"]> = Extract<wasm.CommandAnswer, { type: Type | "rejected" }>;

const instance = new Instance(bytes, wasm.initSync);

/** Plans a `commands.send`. */
export const planSend = (call: CommandSendCall) => ask<"needs" | "keep" | "insert">(wasm.planSend, packSend(call));

/** Plans the command of a `turns.interrupt`; `bound` says whether a runtime is bound to the thread. */
export const planInterruptSend = (call: CommandSendCall, bound: boolean) =>
  ask<"needs" | "keep" | "insert" | "written">(wasm.planInterruptSend, packSend(call, bound));

/** Plans a `commands.cancel`. */
export const planCancel = (call: CommandCall) => ask<"keep" | "written">(wasm.planCancel, packCommand(call).end());

/** Plans a `commands.edit`. */
export const planEdit = (call: CommandEditCall) => ask<"edit">(wasm.planEdit, packEdit(call));

/** Plans a `commands.promote`. */
export const planPromote = (call: CommandPromoteCall) => ask<"promote">(wasm.planPromote, packPromote(call));

/** Plans a `commands.lease`. */
export const planLease = (call: CommandLeaseCall) => ask<"leased">(wasm.planLease, packLease(call));

/** Plans a `commands.report`. */
export const planReport = (call: CommandReportCall) => ask<"keep" | "written">(wasm.planReport, packReport(call));

/** Plans a sweep of a command. */
export const planCommandSweep = (call: CommandSweepCall) => ask<"wait" | "written">(wasm.planCommandSweep, packSweep(call));

type Entry = (texts: Uint8Array, numbers: Float64Array) => wasm.CommandAnswer;

function ask<Type extends wasm.CommandAnswer["type"]>(entry: Entry, call: Packed): CommandAnswer<Type> {
  return instance.askPacked(entry, call) as CommandAnswer<Type>;
}

function packSend(call: CommandSendCall, bound?: boolean): Packed {
  const packer = new Packer();
  if (bound !== undefined) packer.flag(bound);
  commandSend(packer, call);
  return packer.end();
}

function packCommand(call: CommandCall): Packer {
  const packer = new Packer();
  packer.number(call.nowMs);
  packer.optional(call.bound, (bound) => runtimeFacts(packer, bound));
  packer.optional(call.command, (command) => commandFacts(packer, command));
  return packer;
}

function packEdit(call: CommandEditCall): Packed {
  const packer = packCommand(call);
  packer.text(call.beforeJson);
  packer.text(call.payloadJson);
  return packer.end();
}

function packPromote(call: CommandPromoteCall): Packed {
  const packer = packCommand(call);
  packer.list(call.ranks, (rank) => packer.number(rank));
  packer.optionalText(call.expectedTurnId);
  packer.optional(call.running, (turn) => {
    packer.text(turn.turnId);
    packer.optionalText(turn.clientTurnId);
  });
  return packer.end();
}

function packLease(call: CommandLeaseCall): Packed {
  const packer = new Packer();
  packer.number(call.nowMs);
  runtimeFacts(packer, call.runtime);
  packer.optional(call.bound, (bound) => runtimeFacts(packer, bound));
  packer.flag(call.running);
  packer.optional(call.beat, (beat) => {
    packer.flag(beat.away);
    packer.number(beat.generation);
    packer.optional(beat.turnOver, (over) => packer.flag(over));
  });
  packer.optional(call.taken, (turn) => {
    packer.number(turn.at);
    packer.flag(turn.over);
  });
  packer.number(call.limit);
  packer.list(call.tokens, (token) => packer.text(token));
  packer.list(call.commands, (command) => commandFacts(packer, command));
  return packer.end();
}

function packReport(call: CommandReportCall): Packed {
  const packer = new Packer();
  packer.number(call.nowMs);
  packer.text(call.deviceId);
  packer.optional(call.bound, (bound) => runtimeFacts(packer, bound));
  packer.optional(call.command, (command) => commandFacts(packer, command));
  packer.text(call.leaseToken);
  packer.text(call.state);
  packer.optionalText(call.turnId);
  packer.optionalText(call.code);
  packer.optionalNumber(call.deliveredAt);
  packer.optional(call.turn, (turn) => {
    packer.optionalText(turn.clientTurnId);
    packer.flag(turn.startedAt !== undefined);
    packer.number(turn.createdAt);
  });
  packer.optionalText(call.codeBefore);
  return packer.end();
}

function packSweep(call: CommandSweepCall): Packed {
  const packer = new Packer();
  packer.number(call.nowMs);
  commandFacts(packer, call.command);
  return packer.end();
}
