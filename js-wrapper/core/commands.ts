/** What the core plans for steering from afar. Every call throws CoreError where the core has a bug. */
import base64 from "#wasm/commands_bytes";
import * as wasm from "#wasm/commands";
import {
  commandFacts,
  knownRequest,
  Packer,
  runtimeFacts,
  targetRequest,
  targetTurn,
  threadFacts,
  type CommandFacts,
  type KnownRequest,
  type Packed,
  type RuntimeFacts,
  type TargetRequestFacts,
  type TargetTurnFacts,
  type ThreadFacts,
} from "./boundary.js";
import { Instance } from "./instance.js";

export type { CommandFacts, RuntimeFacts, TargetRequestFacts, TargetTurnFacts } from "./boundary.js";
export type { CommandNeeds, CommandWrite, NewCommand, RequestName, TurnFate } from "#wasm/commands";

/** `src/command/send.rs`, Named. */
export type NamedFacts = {
  turn: TargetTurnFacts | null;
  carrier: CommandFacts | null;
  clientTurnExists: boolean;
  request: TargetRequestFacts | null;
  /** The app-server's method, of the request. */
  method: string | undefined;
  /** The request of a decision that a client sends, with what it says. */
  asked: KnownRequest | null;
  /** Of what another function sends: the newest open command that asks for the same. */
  same: CommandFacts | null;
};

/** `src/command/send.rs`, CommandSendCall. */
export type CommandSendCall = {
  nowMs: number;
  thread: ThreadFacts | null;
  commandId: string;
  kind: string;
  payloadJson: string;
  ttlMs: number | undefined;
  /** Another function of the component sends it. */
  own: boolean;
  sentBefore: { sameThread: boolean; kind: string; payloadJson: string; ttlMs?: number | undefined } | null;
  openCount: number;
  nextOrder: number;
  named: NamedFacts | null;
};

/** `src/command/edit.rs`, CommandCall. */
export type CommandCall = { nowMs: number; bound: RuntimeFacts | null; command: CommandFacts | null };

/** `src/command/edit.rs`, CommandEditCall. */
export type CommandEditCall = CommandCall & { beforeJson: string; payloadJson: string };

/** `src/command/edit.rs`, CommandPromoteCall. */
export type CommandPromoteCall = CommandCall & {
  rankMax: number;
  expectedTurnId: string | undefined;
  runningTurnId: string | undefined;
};

/** `src/command/lease.rs`, CommandLeaseCall. */
export type CommandLeaseCall = {
  nowMs: number;
  runtime: RuntimeFacts;
  bound: RuntimeFacts | null;
  runningTurnId: string | undefined;
  /** The turn that Codex took last, and when that was reported. */
  taken: { at: number; over: boolean } | null;
  limit: number;
  tokens: readonly string[];
  commands: readonly CommandFacts[];
};

/** `src/command/report.rs`, CommandReportCall. */
export type CommandReportCall = {
  nowMs: number;
  deviceId: string;
  bound: RuntimeFacts | null;
  command: CommandFacts | null;
  leaseToken: string;
  state: string;
  turnId: string | undefined;
  code: string | undefined;
  steered: boolean;
  turn: { clientTurnId?: string | undefined } | null;
  codeBefore: string | undefined;
};

/** `src/command/lease.rs`, CommandSweepCall. */
export type CommandSweepCall = { nowMs: number; commands: readonly CommandFacts[] };

/** The answers that a call can have; every one can be rejected. */
export type CommandAnswer<Type extends wasm.CommandAnswer["type"]> = Extract<wasm.CommandAnswer, { type: Type | "rejected" }>;

const instance = new Instance(base64, wasm.initSync);

/** Plans a `commands.send`. */
export const planSend = (call: CommandSendCall) => ask<"needs" | "keep" | "insert">(wasm.planSend, packSend(call));

/** Plans commands that the component itself sends at once; an answer for each. */
export const planSends = (calls: readonly CommandSendCall[]): CommandAnswer<"needs" | "keep" | "insert">[] => {
  const packer = new Packer();
  packer.list(calls, (call) => sendCall(packer, call));
  return instance.askPacked(wasm.planSends, packer.end()) as CommandAnswer<"needs" | "keep" | "insert">[];
};

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

/** Plans a sweep of commands. */
export const planCommandSweep = (call: CommandSweepCall) => ask<"written">(wasm.planCommandSweep, packSweep(call));

type Entry = (texts: Uint8Array, numbers: Float64Array) => wasm.CommandAnswer;

function ask<Type extends wasm.CommandAnswer["type"]>(entry: Entry, call: Packed): CommandAnswer<Type> {
  return instance.askPacked(entry, call) as CommandAnswer<Type>;
}

function packSend(call: CommandSendCall, bound?: boolean): Packed {
  const packer = new Packer();
  if (bound !== undefined) packer.flag(bound);
  sendCall(packer, call);
  return packer.end();
}

function sendCall(packer: Packer, call: CommandSendCall): void {
  packer.number(call.nowMs);
  packer.optional(call.thread, (thread) => threadFacts(packer, thread));
  packer.text(call.commandId);
  packer.text(call.kind);
  packer.text(call.payloadJson);
  packer.optionalNumber(call.ttlMs);
  packer.flag(call.own);
  packer.optional(call.sentBefore, (sent) => {
    packer.flag(sent.sameThread);
    packer.text(sent.kind);
    packer.text(sent.payloadJson);
    packer.optionalNumber(sent.ttlMs);
  });
  packer.number(call.openCount);
  packer.number(call.nextOrder);
  packer.optional(call.named, (named) => {
    packer.optional(named.turn, (turn) => targetTurn(packer, turn));
    packer.optional(named.carrier, (carrier) => commandFacts(packer, carrier));
    packer.flag(named.clientTurnExists);
    packer.optional(named.request, (request) => targetRequest(packer, request));
    packer.optionalText(named.method);
    packer.optional(named.asked, (asked) => knownRequest(packer, asked));
    packer.optional(named.same, (same) => commandFacts(packer, same));
  });
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
  packer.number(call.rankMax);
  packer.optionalText(call.expectedTurnId);
  packer.optionalText(call.runningTurnId);
  return packer.end();
}

function packLease(call: CommandLeaseCall): Packed {
  const packer = new Packer();
  packer.number(call.nowMs);
  runtimeFacts(packer, call.runtime);
  packer.optional(call.bound, (bound) => runtimeFacts(packer, bound));
  packer.optionalText(call.runningTurnId);
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
  packer.flag(call.steered);
  packer.optional(call.turn, (turn) => packer.optionalText(turn.clientTurnId));
  packer.optionalText(call.codeBefore);
  return packer.end();
}

function packSweep(call: CommandSweepCall): Packed {
  const packer = new Packer();
  packer.number(call.nowMs);
  packer.list(call.commands, (command) => commandFacts(packer, command));
  return packer.end();
}
