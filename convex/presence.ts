/** What a user's machines do now. A beat rewrites one row, which presence queries alone read; `away` is written by an expiry. */
import { v } from "convex/values";
import { planBeat, planPresenceExpiry, viewPresence } from "../js-wrapper/core/presence.js";
import { given } from "../js-wrapper/given.js";
import { internal } from "./_generated/api.js";
import type { Doc } from "./_generated/dataModel.js";
import { internalMutation, mutation, query } from "./_generated/server.js";
import { coded } from "./errors.js";
import { commandAt, findPresence, loadAll, runtimeOf, runtimesFrom, runtimesOf } from "./model/commands.js";
import { decide } from "./model/core.js";
import { writerOf } from "./model/load.js";
import { openCommands } from "./model/queue.js";
import { findThread, scopeOf, type ReadCtx, type Scope } from "./model/scope.js";
import { vActor, vBeaten, vPresenceView, vRuntime } from "./validators.js";

/** Threads that a runtime's row names. SOURCE: `src/limits.rs`, PRESENCE_THREADS_MAX. */
const THREADS_MAX = 64;

/**
 * Tells what a runtime does, every 15 s: the bridge's call, never a reader's. Renews the leases of its commands, but for those of a
 * thread with `letsLapse`.
 *
 * `phase` is the bridge's (`idle`, `starting`, `ready`, `running`, `reconnecting`, `stopping`, `failed`), `login` Codex's (`in`,
 * `out`); a word that is not known is `unknown`. Of the first 64 threads those are kept that are there.
 *
 * @returns the server's clock in milliseconds, and how many commands of these threads wait to be leased
 * @throws `E_COMMAND_INVALID`, `E_SYNC_SESSION_DEVICE_MISMATCH` (another device beats for this runtime), `E_QUOTA` (100 runtimes of the
 * user beat)
 */
export const beat = mutation({
  args: {
    actor: vActor,
    runtimeId: v.string(),
    generation: v.number(),
    phase: v.string(),
    login: v.optional(v.string()),
    threads: v.array(
      v.object({
        threadId: v.string(),
        turnId: v.optional(v.string()),
        pendingRequests: v.number(),
        outboxEvents: v.number(),
        oldestEventAt: v.optional(v.number()),
        letsLapse: v.optional(v.boolean()),
      }),
    ),
  },
  returns: vBeaten,
  handler: async (ctx, { actor, runtimeId, generation, phase, login, threads: named }) => {
    const scope = scopeOf(actor);
    const told = new Map(named.map(({ threadId, letsLapse = false }) => [threadId, letsLapse]));
    const [row, open] = await Promise.all([findPresence(ctx, scope, runtimeId), openCommands(ctx, scope)]);
    const threads = await thoseThere(ctx, scope, named.slice(0, THREADS_MAX), row);
    const rows = open.filter(({ threadId }) => told.has(threadId));
    const inThreads = [...new Set(rows.map(({ threadId }) => threadId))];
    const writers = new Map(
      await Promise.all(inThreads.map(async (threadId) => [threadId, runtimeOf(await writerOf(ctx, scope, threadId))] as const)),
    );
    const loaded = await loadAll(ctx, rows, false);
    const commands = loaded.map(({ facts: command }, at) => {
      const { threadId } = commandAt(rows, at);
      return { bound: writers.get(threadId) ?? null, letsLapse: told.get(threadId) ?? false, command };
    });
    const known = row === null ? await runtimesFrom(ctx, scope) : [];
    const oldest = known[0] ?? null;
    const nowMs = Date.now();
    const runtime = { runtimeId, generation, deviceId: actor.deviceId };
    const answer = decide(() => planBeat({ nowMs, runtime, phase, login, threads, row, held: known.length, oldest, commands }));
    if (answer.type === "rejected") throw coded(answer.code, answer.message, { runtimeId });
    if (answer.forget && oldest !== null) await ctx.db.delete("presence", oldest._id);
    if (answer.row !== undefined) {
      const set = { ...answer.row, deviceId: actor.deviceId, beatAt: nowMs, away: false };
      const id = row === null ? await ctx.db.insert("presence", { ...scope, runtimeId, ...set }) : row._id;
      if (row !== null) await ctx.db.patch("presence", id, set);
      if (answer.schedule) await ctx.scheduler.runAt(answer.row.awayAt, internal.presence.expire, { id });
    }
    for (const at of answer.renewed) {
      const { _id, lease } = commandAt(rows, at);
      const expiresAt = answer.leaseExpiresAt;
      if (lease !== undefined) await ctx.db.patch("commands", _id, { lease: { ...lease, expiresAt }, dueAt: expiresAt });
    }
    return { now: answer.now, commandsWaiting: answer.commandsWaiting };
  },
});

/** The threads that are there. Those that the row names are: a deletion takes them out of it, so that a beat like the last one looks none up. */
async function thoseThere<Told extends { threadId: string }>(ctx: ReadCtx, scope: Scope, told: readonly Told[], row: Doc<"presence"> | null): Promise<Told[]> {
  const known = new Set(row?.threads.map(({ threadId }) => threadId));
  const there = await Promise.all(told.map(async ({ threadId }) => known.has(threadId) || (await findThread(ctx, scope, threadId)) !== null));
  return told.filter((_, at) => there[at]);
}

/** The actor's runtimes, the one that beat last first. */
export const list = query({
  args: { actor: vActor },
  returns: v.array(vRuntime),
  handler: async (ctx, { actor }) => {
    const rows = await runtimesOf(ctx, scopeOf(actor));
    return rows.map(({ runtimeId, deviceId, generation, phase, login, away, beatAt, threads }) => ({
      ...{ runtimeId, deviceId, generation, phase, login, away, beatAt, threads },
    }));
  },
});

/**
 * How it stands with a machine, the bridge on it, Codex, and a thread. Without `runtimeId` it is the runtime that has the
 * thread, else one that beats, else the last that did.
 */
export const get = query({
  args: { actor: vActor, runtimeId: v.optional(v.string()), threadId: v.optional(v.string()) },
  returns: vPresenceView,
  handler: async (ctx, { actor, runtimeId, threadId }) => {
    const scope = scopeOf(actor);
    const rows = await runtimesOf(ctx, scope);
    const named = runtimeId === undefined ? null : await findPresence(ctx, scope, runtimeId);
    // One that beat long ago is not among them.
    if (named !== null && !rows.some(({ _id }) => _id === named._id)) rows.push(named);
    const at = rows.findIndex((row) => row.runtimeId === runtimeId);
    const asked = runtimeId === undefined ? undefined : at === -1 ? rows.length : at;
    const ofThread = rows.map(({ threads }) => threads.find((thread) => thread.threadId === threadId));
    const runtimes = rows.map(({ away, phase, login }, place) => ({ away, phase, login, hasThread: ofThread[place] !== undefined }));
    const { row, view } = decide(() => viewPresence({ asked, runtimes }));
    const shown = row === undefined ? undefined : rows[row];
    return {
      ...view,
      ...given({ runtimeId: shown?.runtimeId, deviceId: shown?.deviceId, current: row === undefined ? undefined : ofThread[row] }),
    };
  },
});

/** Writes that a runtime is away, unless it has beaten since this was scheduled: then it runs again when it may be. */
export const expire = internalMutation({
  args: { id: v.id("presence") },
  returns: v.null(),
  handler: async (ctx, { id }) => {
    const row = await ctx.db.get("presence", id);
    const answer = decide(() => planPresenceExpiry(Date.now(), row));
    if (answer.type === "away") await ctx.db.patch("presence", id, { away: true });
    if (answer.type === "again") await ctx.scheduler.runAt(answer.at, internal.presence.expire, { id });
    return null;
  },
});
