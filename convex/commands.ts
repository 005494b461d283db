/** Steering from afar: what clients wish of the machine, and how its runtime takes it. Life and rules: `src/command.rs`. */
import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { planCancel, planCommandSweep, planEdit, planLease, planPromote, planReport } from "../js-wrapper/core/commands.js";
import { given } from "../js-wrapper/given.js";
import { internal } from "./_generated/api.js";
import type { Doc } from "./_generated/dataModel.js";
import { internalMutation, mutation, query, type MutationCtx } from "./_generated/server.js";
import { coded } from "./errors.js";
import {
  applyCommandWrites,
  carryDecision,
  commandAt,
  findCommand,
  findShownCommand,
  insertCommand,
  isCommandShown,
  loadAll,
  loadNamed,
  loadOne,
  nextOrder,
  payloadOfCommand,
  planClientSend,
  presentCommand,
  runningBy,
  runningTurn,
  runtimeOf,
  sendDecisions,
  sentOf,
  standing,
  takenTurn,
  type LoadedCommand,
} from "./model/commands.js";
import { decide } from "./model/core.js";
import { writeDecision } from "./model/decisions.js";
import { sweepDue, vAfter } from "./model/due.js";
import { writerOf } from "./model/load.js";
import { readPage, type Listed } from "./model/paging.js";
import { PAYLOAD_PART_UNITS, splitUnits, writeParts } from "./model/parts.js";
import { openCommands, openCommandsOf } from "./model/queue.js";
import { refused } from "./model/refusals.js";
import { findThread, findTurn, findTurnByEither, requireThread, scopeOf, type ReadCtx } from "./model/scope.js";
import { askOpenTurns, askTurn } from "./model/taken.js";
import { vActor, vCommand, vCommandSent, vLeasedCommand, vPageOf, type Actor } from "./validators.js";

/** UTF-8 bytes, about, after which a page of commands ends. */
const COMMANDS_LISTED_BYTES_MAX = 4 * 1024 * 1024;
/** What an interrupt of a turn that Codex does not run is refused with. */
const TARGET_GONE = "E_COMMAND_TARGET_GONE";

const vCommandArgs = { actor: vActor, commandId: v.string() };

/**
 * Sends a command to the machine: a `turn`, `steer`, `interrupt`, `decide` or `answer`. `commandId` is the client's, and makes it
 * idempotent. `payloadJson` (64 KiB): `{input, clientTurnId?, waitForMachine?, …}` of a turn, `{expectedTurnId, input}` of a
 * steer, `{turnId}` of an interrupt, `{requestId, decision, shownSha256}` of a decision, `{requestId, answer}` of an answer; what
 * else it says is the machine's to read. `ttlMs` only shortens its time.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`, `E_THREAD_ARCHIVED`, `E_COMMAND_ID_REUSED`, `E_COMMAND_INVALID`,
 * `E_COMMAND_TOO_LARGE`, `E_COMMAND_TARGET_GONE`, `E_COMMAND_NOT_ALLOWED`, `E_QUOTA`; of a decision those of `approvals.respond`, for it
 * is one: recorded, of what was shown (`shownSha256` in the payload; one that does not decline is refused without it), among what
 * was offered
 */
export const send = mutation({
  args: { ...vCommandArgs, threadId: v.string(), kind: v.string(), payloadJson: v.string(), ttlMs: v.optional(v.number()) },
  returns: vCommandSent,
  handler: async (ctx, { actor, commandId, threadId, kind, payloadJson, ttlMs }) => {
    const scope = scopeOf(actor);
    const nowMs = Date.now();
    const [thread, before, open, order] = await Promise.all([
      findThread(ctx, scope, threadId),
      findCommand(ctx, scope, commandId),
      openCommands(ctx, scope),
      nextOrder(ctx, scope, threadId),
    ]);
    const sentBefore = before === null ? null : await sentOf(ctx, before, threadId);
    const said = { nowMs, commandId, kind, payloadJson, ttlMs, own: false };
    const call = { ...said, thread, sentBefore, openCount: open.length, nextOrder: order, named: null };
    let answer = await planClientSend(ctx, call, null);
    let carriers: LoadedCommand[] = [];
    let named: { asked: Doc<"serverRequests"> | null; clientTurn: Doc<"turns"> | null } = { asked: null, clientTurn: null };
    if (answer.command.type === "needs" && thread !== null) {
      const found = await loadNamed(ctx, thread, answer.command.needs, kind);
      carriers = found.carrier === null ? [] : [found.carrier];
      named = found;
      answer = await planClientSend(ctx, { ...call, named: found.named }, found.asked);
    }
    const { asked } = named;
    const { command, decided } = answer;
    if (command.type === "rejected") throw notSent(command, { threadId, commandId }, kind === "decide" ? asked : null);
    if (command.type === "insert" && thread !== null) {
      const decision = decided === undefined || asked === null ? null : await writeDecision(ctx, actor, [asked], decided);
      await insertCommand(ctx, { scope, deviceId: actor.deviceId, thread, commandId, kind, payloadJson, ttlMs, nowMs }, command, named);
      await applyCommandWrites(ctx, carriers, command.writes, nowMs);
      if (decision !== null) await carryDecision(ctx, decision, commandId);
      return { commandId, state: command.command.state };
    }
    return { commandId, state: before?.state ?? "queued" };
  },
});

/**
 * Takes a command back that is still queued; the same again changes nothing.
 *
 * @throws `E_COMMAND_NOT_FOUND`, `E_COMMAND_TOO_LATE`
 */
export const cancel = mutation({
  args: vCommandArgs,
  returns: v.null(),
  handler: async (ctx, { actor, commandId }) => {
    const { command, loaded, call } = await loadCommand(ctx, actor, commandId, true);
    const answer = decide(() => planCancel(call));
    if (answer.type === "rejected") throw coded(answer.code, answer.message, { commandId, ...given({ state: command?.state }) });
    if (answer.type === "written") await applyCommandWrites(ctx, loaded, answer.writes, call.nowMs);
    return null;
  },
});

/**
 * Replaces what a message says that is still queued: its words and settings, not what it names.
 *
 * @throws `E_COMMAND_NOT_FOUND`, `E_COMMAND_TOO_LATE`, `E_COMMAND_INVALID`, `E_COMMAND_TOO_LARGE`
 */
export const edit = mutation({
  args: { ...vCommandArgs, payloadJson: v.string() },
  returns: v.null(),
  handler: async (ctx, { actor, commandId, payloadJson }) => {
    const { command, loaded, call } = await loadCommand(ctx, actor, commandId, true);
    const beforeJson = command === null ? "" : await payloadOfCommand(ctx, command);
    const answer = decide(() => planEdit({ ...call, beforeJson, payloadJson }));
    if (answer.type === "rejected") throw coded(answer.code, answer.message, { commandId, ...given({ state: command?.state }) });
    if (command === null) return null;
    if (!command.edited) await writeParts(ctx, command._id, "sent", splitUnits(beforeJson, PAYLOAD_PART_UNITS), true);
    await writeParts(ctx, command._id, "payload", splitUnits(payloadJson, PAYLOAD_PART_UNITS));
    await ctx.db.patch("commands", command._id, { edited: true, updatedAt: call.nowMs });
    for (const { shown } of loaded) if (shown !== null) await ctx.db.patch("turns", shown._id, { inputSummary: answer.inputSummary });
    return null;
  },
});

/**
 * Puts a command that is still queued before all others of its thread; with `expectedTurnId` a turn becomes a steer of that
 * one, which has to run.
 *
 * @throws `E_COMMAND_NOT_FOUND`, `E_COMMAND_TOO_LATE`, `E_COMMAND_INVALID`, `E_COMMAND_TARGET_GONE`
 */
export const promote = mutation({
  args: { ...vCommandArgs, expectedTurnId: v.optional(v.string()) },
  returns: v.null(),
  handler: async (ctx, { actor, commandId, expectedTurnId }) => {
    const { scope, command, call } = await loadCommand(ctx, actor, commandId, false);
    const [open, running] =
      command === null ? [[], null] : await Promise.all([openCommandsOf(ctx, scope, command.threadId), runningTurn(ctx, scope, command.threadId)]);
    const answer = decide(() => planPromote({ ...call, ranks: open.map(({ rank }) => rank), expectedTurnId, running }));
    if (answer.type === "rejected") throw coded(answer.code, answer.message, { commandId, ...given({ state: command?.state }) });
    if (command === null) return null;
    const { rank, steers } = answer;
    const kind = steers === undefined ? {} : { kind: "steer" as const, targetTurnId: steers, aboutTurnId: steers };
    await ctx.db.patch("commands", command._id, { rank, ...kind, updatedAt: call.nowMs });
    return null;
  },
});

/**
 * A command with where it stands.
 *
 * @throws `E_COMMAND_NOT_FOUND`
 */
export const get = query({
  args: vCommandArgs,
  returns: vCommand,
  handler: async (ctx, { actor, commandId }) => {
    const command = await findShownCommand(ctx, scopeOf(actor), commandId);
    if (command === null) throw coded("E_COMMAND_NOT_FOUND", "the command does not exist for this actor", { commandId });
    return (await presentCommand(ctx, command)).row;
  },
});

/**
 * A page of a thread's commands, newest first; with `open` those alone that are queued or with their runtime.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_CURSOR_INVALID`
 */
export const list = query({
  args: { actor: vActor, threadId: v.string(), open: v.optional(v.literal(true)), paginationOpts: paginationOptsValidator },
  returns: vPageOf(vCommand),
  handler: async (ctx, { actor, threadId, open, paginationOpts }) => {
    const scope = scopeOf(actor);
    const thread = await requireThread(ctx, scope, threadId);
    const prefix = [scope.tenantId, scope.userId, threadId];
    const list: Listed<"commands"> =
      open === undefined
        ? { table: "commands", index: "by_order", prefix, key: ["number"] }
        : { table: "commands", index: "by_thread_open", prefix: [...prefix, open], key: ["number"] };
    return readPage(ctx, list, paginationOpts, async (doc) => ((await isCommandShown(ctx, thread, doc)) ? presentCommand(ctx, doc) : null), COMMANDS_LISTED_BYTES_MAX);
  },
});

/**
 * Hands the thread's next commands to the runtime that writes it, in the order in which they are to be done: the bridge's call,
 * never a reader's. Each is its for 60 s, and longer with each beat.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_SYNC_SESSION_DEVICE_MISMATCH`
 */
export const lease = mutation({
  args: { actor: vActor, runtimeId: v.string(), generation: v.number(), threadId: v.string(), limit: v.number() },
  returns: v.array(vLeasedCommand),
  handler: async (ctx, { actor, runtimeId, generation, threadId, limit }) => {
    const scope = scopeOf(actor);
    const thread = await requireThread(ctx, scope, threadId);
    const runtime = { runtimeId, generation, deviceId: actor.deviceId };
    const [writer, open] = await Promise.all([writerOf(ctx, scope, threadId), openCommandsOf(ctx, scope, threadId)]);
    const shown = await Promise.all(open.map((command) => isCommandShown(ctx, thread, command)));
    const theirs = open.filter((_, at) => shown[at]);
    // Those behind are handed out when these have ended.
    const rows = await loadAll(ctx, theirs, true);
    const [running, taken] = await Promise.all([runningBy(ctx, scope, threadId, runtimeId), takenTurn(ctx, scope, threadId)]);
    const tokens = rows.map(() => crypto.randomUUID());
    const nowMs = Date.now();
    const call = { nowMs, runtime, bound: runtimeOf(writer), ...running, taken, limit, tokens, commands: rows.map(({ facts }) => facts) };
    const answer = decide(() => planLease(call));
    if (answer.type === "rejected") throw coded(answer.code, answer.message, { threadId });
    await applyCommandWrites(ctx, rows, answer.writes, nowMs);
    if (answer.binds && writer !== null) {
      await ctx.db.patch("sessions", writer._id, { runtimeId, generation });
      if (writer.runtimeId !== runtimeId) await askOpenTurns(ctx, thread, nowMs);
      await sendAndGoOn(ctx, thread, nowMs);
    }
    const handed = [];
    for (const { row, token, expiresAt, turnId, lapses } of answer.handed) {
      const { command } = commandAt(rows, row);
      const leaseToken = tokens[token] ?? "";
      const lease = { token: leaseToken, runtimeId, generation, expiresAt };
      await ctx.db.patch("commands", command._id, { ...standing("leased", expiresAt, nowMs), lease, lapses });
      const { commandId, kind } = command;
      const payloadJson = await payloadOfCommand(ctx, command);
      handed.push({ commandId, kind, payloadJson, leaseToken, leaseExpiresAt: expiresAt, lapses, ...given({ turnId }) });
    }
    return handed;
  },
});

/** Sends the decisions of a thread that wait for a runtime; `sync.ensureSession` asks for it where it binds one. */
export const sendUnsent = internalMutation({
  args: { thread: v.id("threads"), nowMs: v.number() },
  returns: v.null(),
  handler: async (ctx, { thread: id, nowMs }) => {
    const thread = await ctx.db.get("threads", id);
    if (thread !== null) await sendAndGoOn(ctx, thread, nowMs);
    return null;
  },
});

/**
 * Says what became of a command: `delivered` before it is given to Codex, then `accepted` (of a turn with Codex's id for it),
 * `refused` (with a code), `expired` or `unknown`. The bridge's call, never a reader's; forwards only, the same again is no error.
 *
 * @throws `E_COMMAND_NOT_FOUND`, `E_COMMAND_INVALID`, `E_COMMAND_LEASE_LOST`, `E_COMMAND_EXPIRED` (it must not be given to Codex),
 * `E_SYNC_SESSION_DEVICE_MISMATCH`
 */
export const report = mutation({
  args: { ...vCommandArgs, leaseToken: v.string(), state: v.string(), turnId: v.optional(v.string()), code: v.optional(v.string()) },
  returns: v.null(),
  handler: async (ctx, { actor, commandId, leaseToken, state, turnId, code }) => {
    // What is delivered only does nothing to its turn.
    const { scope, command, loaded, call } = await loadCommand(ctx, actor, commandId, state !== "delivered");
    const turn = command === null || turnId === undefined ? null : await findTurn(ctx, scope, command.threadId, turnId);
    const said = { deviceId: actor.deviceId, leaseToken, state, turnId, code, deliveredAt: command?.deliveredAt, codeBefore: command?.code };
    const answer = decide(() => planReport({ ...call, ...said, turn }));
    if (answer.type === "rejected") throw coded(answer.code, answer.message, { commandId, ...given({ state: command?.state }) });
    if (answer.type !== "written" || command === null) return null;
    await applyCommandWrites(ctx, loaded, answer.writes, call.nowMs);
    if (command.kind === "interrupt" && answer.writes.some((write) => write.state === "refused" && write.code === TARGET_GONE)) await endGone(ctx, command, call.nowMs);
    return null;
  },
});

/** Asks for each command that may come to its end by itself: by itself, whatever stops another. */
export const expireCommands = internalMutation({
  args: { after: v.optional(vAfter) },
  returns: v.object({ asked: v.number(), hasMore: v.boolean() }),
  handler: (ctx, { after }): Promise<{ asked: number; hasMore: boolean }> =>
    sweepDue(ctx, "commands", after, {
      ask: (command) => ctx.scheduler.runAfter(0, internal.commands.expireCommand, { command }),
      goOn: (after) => ctx.scheduler.runAfter(0, internal.commands.expireCommands, { after }),
    }),
});

/** Ends a command if it comes to its end by itself: its lease lapsed, or its time is over, or its turn or request is. */
export const expireCommand = internalMutation({
  args: { command: v.id("commands") },
  returns: v.object({ moved: v.boolean() }),
  handler: async (ctx, args): Promise<{ moved: boolean }> => {
    const nowMs = Date.now();
    const command = await ctx.db.get("commands", args.command);
    if (command?.dueAt === undefined || command.dueAt > nowMs) return { moved: false };
    const loaded = await loadOne(ctx, command, true);
    const answer = decide(() => planCommandSweep({ nowMs, command: loaded.facts }));
    if (answer.type === "rejected") throw coded(answer.code, answer.message);
    if (answer.type === "wait") await ctx.db.patch("commands", command._id, { dueAt: answer.dueAt });
    else await applyCommandWrites(ctx, [loaded], answer.writes, nowMs);
    return { moved: answer.type === "written" };
  },
});

/** Sends the decisions that wait for a runtime, as many as one call sends; those behind them in calls of their own. */
async function sendAndGoOn(ctx: MutationCtx, thread: Doc<"threads">, nowMs: number): Promise<void> {
  if (await sendDecisions(ctx, thread, nowMs)) await ctx.scheduler.runAfter(0, internal.commands.sendUnsent, { thread: thread._id, nowMs });
}

/** Ends the turn that an interrupt names, which Codex does not run: its end never came, and nobody else will tell of it. */
async function endGone(ctx: MutationCtx, { targetTurnId, ...command }: Doc<"commands">, nowMs: number): Promise<void> {
  const turn = targetTurnId === undefined ? null : await findTurnByEither(ctx, command, command.threadId, targetTurnId);
  if (turn?.status === "inProgress") await askTurn(ctx, turn._id, nowMs, "codex does not run it");
}

/** Why a command is not sent; of a decision also what became of its request. */
function notSent(answer: { code: string; message: string }, about: { threadId: string; commandId: string }, asked: Doc<"serverRequests"> | null) {
  if (asked === null) return coded(answer.code, answer.message, about);
  return refused({ ...answer, row: 0 }, [asked], { ...about, turnId: asked.turnId, itemId: asked.itemId });
}

/** A command, and what its sender's and its runtime's calls are planned from; its turn where the plan may end or change it. */
async function loadCommand(ctx: ReadCtx, actor: Actor, commandId: string, mayEnd: boolean) {
  const scope = scopeOf(actor);
  const command = await findShownCommand(ctx, scope, commandId);
  const writer = command === null ? null : await writerOf(ctx, scope, command.threadId);
  const loaded = command === null ? [] : [await loadOne(ctx, command, mayEnd)];
  return { scope, command, loaded, call: { nowMs: Date.now(), bound: runtimeOf(writer), command: loaded[0]?.facts ?? null } };
}
