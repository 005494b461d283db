import { v } from "convex/values";
import { planTurnInterrupt, planTurnStart } from "../js-wrapper/core/clients.js";
import { given } from "../js-wrapper/given.js";
import { mutation, query } from "./_generated/server.js";
import { coded } from "./errors.js";
import { applyTurnEnd } from "./model/apply.js";
import { sendInterrupt } from "./model/commands.js";
import { checkBounds } from "./model/bounds.js";
import { decide } from "./model/core.js";
import { askDeletion, asked } from "./model/deletion.js";
import { loadedTurn, loadTurnToEnd } from "./model/load.js";
import { findUsage, readNewest, usageOf } from "./model/newest.js";
import { findThread, findTurnByEither, requireThread, scopeOf } from "./model/scope.js";
import { isItsOwn, newestTurns, TURNS_LISTED_MAX } from "./model/turns.js";
import { isDeletedTurn, isHidden, requireShownTurn } from "./model/visible.js";
import { vActor, vDeletionAsked, vListedTurn, vTurn, vTurnStarted } from "./validators.js";

/** Keys of a turn that are counted. SOURCE: `src/limits.rs`, TURN_KEYS_MAX. */
const TURN_KEYS_MAX = 16;

const vInput = v.object({
  type: v.string(),
  text: v.optional(v.string()),
  url: v.optional(v.string()),
  path: v.optional(v.string()),
});

const vOptions = v.object({
  model: v.optional(v.string()),
  effort: v.optional(v.union(v.literal("low"), v.literal("medium"), v.literal("high"))),
  cwd: v.optional(v.string()),
  personality: v.optional(v.string()),
  approvalPolicy: v.optional(v.string()),
  sandboxPolicy: v.optional(v.string()),
});

/**
 * A turn with what it keeps the newest of: its tokens, its changes as one diff, its plan. An id that a client invented
 * (`clientTurnId`) names it too, and is its `turnId` until Codex's is known.
 *
 * `planJson` and `rerouteJson` are the `params` of the newest `turn/plan/updated` and `model/rerouted`, as they came.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`
 */
export const get = query({
  args: { actor: vActor, threadId: v.string(), turnId: v.string() },
  returns: vTurn,
  handler: async (ctx, { actor, threadId, turnId }) => {
    const scope = scopeOf(actor);
    const thread = await requireThread(ctx, scope, threadId);
    const turn = await requireShownTurn(ctx, thread, turnId);
    const { turnOrder, status, error, warning, inputSummary, createdAt, startedAt, completedAt, clientTurnId } = turn;
    const [usage, diff, planJson, rerouteJson] = await Promise.all([
      findUsage(ctx, scope, threadId, "turn", turnOrder),
      readNewest(ctx, turn._id, "diff"),
      readNewest(ctx, turn._id, "plan"),
      readNewest(ctx, turn._id, "reroute"),
    ]);
    const kept = given({ usage: usage === null ? undefined : usageOf(usage), diff, planJson, rerouteJson });
    const told = given({ error, warning, inputSummary, startedAt, completedAt, clientTurnId });
    return { turnId: turn.turnId, turnOrder, status, createdAt, ...told, ...kept };
  },
});

/**
 * A thread's newest turns, newest first, 50 at most, without what they keep the newest of; `hasPlan` says whose plan `get` has.
 * It runs again where a turn is made, begins, is first planned or ends, and not with what is said in it.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const list = query({
  args: { actor: vActor, threadId: v.string() },
  returns: v.array(vListedTurn),
  handler: async (ctx, { actor, threadId }) => {
    const thread = await requireThread(ctx, scopeOf(actor), threadId);
    const turns = await newestTurns(ctx, thread, TURNS_LISTED_MAX);
    return turns.filter(isItsOwn).map(({ turnId, status, createdAt, startedAt = createdAt, completedAt, clientTurnId, error, hasPlan = false }) => ({
      turnId,
      status,
      startedAt,
      hasPlan,
      ...given({ completedAt, clientTurnId, error }),
    }));
  },
});

/**
 * Registers a turn: once per idempotency key, and once per turn id, whoever makes the row first.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN` (a turn of that id was deleted), `E_THREAD_ARCHIVED`, `E_QUOTA` (16 keys
 * of one turn), `E_REQUEST_INVALID` (an id over 1 KiB, options over 4 KiB)
 */
export const start = mutation({
  args: {
    actor: vActor,
    threadId: v.string(),
    turnId: v.string(),
    input: v.array(vInput),
    options: v.optional(vOptions),
    idempotencyKey: v.string(),
  },
  returns: vTurnStarted,
  handler: async (ctx, { actor, threadId, turnId, input, options, idempotencyKey }) => {
    const scope = scopeOf(actor);
    const optionsJson = options === undefined ? undefined : JSON.stringify(options);
    checkBounds({ turnId, idempotencyKey }, { options: optionsJson });
    const [thread, before, keys, turn] = await Promise.all([
      findThread(ctx, scope, threadId),
      ctx.db
        .query("turnKeys")
        .withIndex("by_key", (q) =>
          q.eq("tenantId", scope.tenantId).eq("userId", scope.userId).eq("threadId", threadId).eq("idempotencyKey", idempotencyKey),
        )
        .unique(),
      ctx.db
        .query("turnKeys")
        .withIndex("by_turn", (q) => q.eq("tenantId", scope.tenantId).eq("userId", scope.userId).eq("threadId", threadId).eq("turnId", turnId))
        .take(TURN_KEYS_MAX),
      findTurnByEither(ctx, scope, threadId, turnId),
    ]);
    const deleted = turn === null ? await isDeletedTurn(ctx, scope, threadId, turnId) : thread !== null && isHidden(thread, turn.turnOrder);
    const texts = input.flatMap((item) => (item.text === undefined ? [] : [item.text]));
    const nowMs = Date.now();
    const answer = decide(() => planTurnStart({ nowMs, thread, startedBefore: before?.turnId, exists: turn !== null, deleted, keys: keys.length, texts }));
    if (answer.type === "rejected") throw coded(answer.code, answer.message, { threadId });
    if (answer.type === "known") return { turnId: answer.turnId, accepted: true as const };
    const set = { inputSummary: answer.inputSummary, ...given({ options: optionsJson }) };
    await ctx.db.insert("turnKeys", { ...scope, threadId, idempotencyKey, turnId });
    if (turn !== null) await ctx.db.patch("turns", turn._id, set);
    if (thread !== null && answer.type === "insert") {
      const { turnOrder, silentAt } = answer;
      const row = { ...scope, threadId, turnId, turnOrder, silentAt, createdAt: nowMs, ...set };
      await ctx.db.insert("turns", { ...row, status: "queued", hasItems: false });
      await ctx.db.patch("threads", thread._id, { nextTurnOrder: turnOrder + 1, updatedAt: nowMs });
    }
    return { turnId, accepted: true as const };
  },
});

/**
 * Ends a turn that goes on, with its streams and messages, in one transaction; a turn that has ended stays as it is. Where a
 * runtime is bound to the thread, it is told too, by a command.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`
 */
export const interrupt = mutation({
  args: { actor: vActor, threadId: v.string(), turnId: v.string(), reason: v.optional(v.string()) },
  returns: v.null(),
  handler: async (ctx, { actor, threadId, turnId, reason }) => {
    const scope = scopeOf(actor);
    const thread = await requireThread(ctx, scope, threadId);
    const named = await findTurnByEither(ctx, scope, threadId, turnId);
    const found = await loadTurnToEnd(ctx, scope, threadId, named?.turnId ?? turnId);
    const rows = { ...found, turns: found.turns.filter(({ turnOrder }) => !isHidden(thread, turnOrder)) };
    const nowMs = Date.now();
    const answer = decide(() => planTurnInterrupt({ nowMs, reason, loaded: loadedTurn(rows) }));
    if (answer.type === "rejected") throw coded(answer.code, answer.message, { turnId });
    await applyTurnEnd(ctx, { actor, thread, rows, nowMs }, answer.writes);
    await sendInterrupt(ctx, actor, thread, turnId, nowMs);
    return null;
  },
});

const vTurnDeletion = { actor: vActor, threadId: v.string(), turnId: v.string(), reason: v.optional(v.string()) };

/**
 * Deletes a turn with everything in it. When this returns it can be read no more; its rows go in batches, and what still comes of it
 * has no effect. `threads.getDeletionJobStatus` says how far it is.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`, `E_THREAD_DELETED`, `E_QUOTA`
 */
export const deleteCascade = mutation({
  args: vTurnDeletion,
  returns: vDeletionAsked,
  handler: (ctx, { actor, threadId, turnId, reason }) => asked(askDeletion(ctx, actor, { kind: "turn", threadId, turnId }, undefined, reason)),
});

/**
 * Deletes a turn after `delayMs` (10 minutes where it is not given, 30 days at most); until then it is as it was.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`, `E_THREAD_DELETED`, `E_QUOTA`
 */
export const scheduleDeleteCascade = mutation({
  args: { ...vTurnDeletion, delayMs: v.optional(v.number()) },
  returns: vDeletionAsked,
  handler: (ctx, { actor, threadId, turnId, reason, delayMs = Number.NaN }) =>
    asked(askDeletion(ctx, actor, { kind: "turn", threadId, turnId }, delayMs, reason)),
});
