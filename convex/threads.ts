import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { planChange } from "../js-wrapper/core/threads.js";
import { given } from "../js-wrapper/given.js";
import type { Doc } from "./_generated/dataModel.js";
import { mutation, query, type MutationCtx } from "./_generated/server.js";
import { coded } from "./errors.js";
import { checkBounds } from "./model/bounds.js";
import { decide } from "./model/core.js";
import { findHead } from "./model/load.js";
import { LIST_PAGE_BYTES_MAX, textOf } from "./model/messages.js";
import { findUsage, readNewest, usageOf } from "./model/newest.js";
import { askDeletion, asked, cancelDeletion, forceDeletion, presentJob } from "./model/deletion.js";
import { askFork, presentFork } from "./model/forks.js";
import { readPage, type Listed } from "./model/paging.js";
import { checkParent } from "./model/parents.js";
import { OPEN_REQUESTS_MAX } from "./model/requests.js";
import { findOwn, findThread, requireThread, scopeOf, type ReadCtx, type Scope } from "./model/scope.js";
import { listStreams } from "./model/streams.js";
import { SUMMARY_BYTES, summaryOf, turnOf } from "./model/summary.js";
import { insertThread } from "./model/tally.js";
import { clearWay } from "./model/tombstones.js";
import { isItsOwn, newestTurns, TURNS_LISTED_MAX } from "./model/turns.js";
import { firstShown, isShown, takeShown } from "./model/visible.js";
import {
  vActor,
  vDeletionAsked,
  vDeletionCancelled,
  vDeletionJob,
  vForkJob,
  vMapping,
  vPageOf,
  vParent,
  vReverted,
  vThread,
  vThreadArchived,
  vThreadFields,
  vThreadMade,
  vThreadResolved,
  vThreadResumed,
  vThreadRow,
  vThreadState,
} from "./validators.js";

/** What `getState` shows of a thread. */
const STATE_MESSAGES_MAX = 20;
const STATE_APPROVALS_MAX = 100;

type ThreadFields = { [Field in keyof typeof vThreadFields]?: string };
type MadeOf = ThreadFields & { parentThreadId?: string };

/**
 * Makes a thread, or refreshes the one of that id: it keeps its status, and what is not given. One that was deleted is made only
 * with `recreate`, and not while rows of it are left. An id holds 1 KiB, another text 4 KiB.
 *
 * `localThreadId` is Codex's name for it: one that is the app's own name says nothing new of a thread that has another.
 * `parentThreadId` is the user's thread whose agent it is: set where there is none, and never changed after.
 *
 * @throws `E_THREAD_DELETED`, `E_QUOTA` (100,000 threads of the user), `E_AUTH_THREAD_FORBIDDEN` (the parent does not exist for
 * this actor), `E_REQUEST_INVALID` (also: it has another parent, would be below itself, or more than 32 deep)
 */
export const create = mutation({
  args: { actor: vActor, threadId: v.string(), ...vThreadFields, ...vParent, recreate: v.optional(v.boolean()) },
  returns: vThreadMade,
  handler: async (ctx, { actor, threadId, recreate, ...fields }) => {
    await putThread(ctx, scopeOf(actor), threadId, fields, recreate);
    return { threadId };
  },
});

/**
 * The thread that an external id is bound to; without one, a new thread. An id whose thread was deleted is bound anew only with
 * `recreate`. `parentThreadId` is as {@link create} has it.
 *
 * @throws as {@link create}
 */
export const resolve = mutation({
  args: { actor: vActor, externalThreadId: v.optional(v.string()), ...vThreadFields, ...vParent, recreate: v.optional(v.boolean()) },
  returns: vThreadResolved,
  handler: async (ctx, { actor, externalThreadId, recreate, ...fields }) => {
    const scope = scopeOf(actor);
    checkBounds({ externalThreadId });
    const external = externalThreadId === undefined ? {} : { externalThreadId };
    const binding = externalThreadId === undefined ? null : await findBinding(ctx, scope, externalThreadId);
    if (binding !== null) {
      await ctx.db.patch("bindings", binding._id, { updatedAt: Date.now() });
      await putThread(ctx, scope, binding.threadId, fields, recreate, externalThreadId);
      return { threadId: binding.threadId, ...external, created: false };
    }
    if (externalThreadId !== undefined) await clearWay(ctx, scope, { what: "external", id: externalThreadId }, recreate === true);
    const threadId = crypto.randomUUID();
    await putThread(ctx, scope, threadId, fields);
    if (externalThreadId !== undefined) {
      await ctx.db.insert("bindings", { ...scope, threadId, externalThreadId, updatedAt: Date.now() });
    }
    return { threadId, ...external, created: true };
  },
});

/** The thread that an external id is bound to, and nothing is made; null where it is bound to none. */
export const resolveByExternalId = query({
  args: { actor: vActor, externalThreadId: v.string() },
  returns: vMapping,
  handler: async (ctx, { actor, externalThreadId }) => {
    const scope = scopeOf(actor);
    const binding = await findBinding(ctx, scope, externalThreadId);
    const thread = binding === null ? null : await findThread(ctx, scope, binding.threadId);
    return thread === null ? null : { threadId: thread.threadId, externalThreadId };
  },
});

/**
 * The external id that is bound to a thread; null where none is.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const getExternalMapping = query({
  args: { actor: vActor, threadId: v.string() },
  returns: vMapping,
  handler: async (ctx, { actor, threadId }) => {
    const { tenantId, userId } = scopeOf(actor);
    await requireThread(ctx, { tenantId, userId }, threadId);
    const binding = await ctx.db
      .query("bindings")
      .withIndex("by_thread", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId))
      .unique();
    return binding === null ? null : { threadId, externalThreadId: binding.externalThreadId };
  },
});

/**
 * The actor's threads, last changed first: all; with `parentThreadId` the agents of that thread; with null there those that are
 * no agents. With `summary` each says how it is called or began, its name at the app-server, and how its turn stands: the one that
 * runs, else the newest; a page of those ends at 512.
 *
 * @throws `E_CURSOR_INVALID`, `E_AUTH_THREAD_FORBIDDEN` (the parent does not exist for this actor)
 */
export const list = query({
  args: {
    actor: vActor,
    parentThreadId: v.optional(v.union(v.string(), v.null())),
    summary: v.optional(v.boolean()),
    paginationOpts: paginationOptsValidator,
  },
  returns: vPageOf(vThreadRow),
  handler: async (ctx, { actor, parentThreadId: parent, summary = false, paginationOpts }) => {
    const scope = scopeOf(actor);
    if (typeof parent === "string") await requireThread(ctx, scope, parent);
    const user = [scope.tenantId, scope.userId];
    const range = parent === undefined ? { index: "by_updated", prefix: user } : { index: "by_parent", prefix: [...user, parent ?? undefined] };
    const list: Listed<"threads"> = { table: "threads", ...range, key: ["number", "string"] };
    const present = async (thread: Doc<"threads">) => {
      const { threadId, status, updatedAt, parentThreadId } = thread;
      const row = { threadId, status, updatedAt, ...given({ parentThreadId }) };
      return summary ? { row: { ...row, ...(await summaryOf(ctx, thread)) }, bytes: SUMMARY_BYTES } : { row, bytes: 0 };
    };
    return readPage(ctx, list, paginationOpts, present, LIST_PAGE_BYTES_MAX, () => (summary ? SUMMARY_BYTES : 0));
  },
});

/**
 * A thread with what it keeps the newest of: its turn (the one that runs, else the newest), its tokens, its goal, its settings in force, its last warning.
 *
 * `goalJson` and `settingsJson` are the `goal` of the newest `thread/goal/updated`, unless it was cleared, and the
 * `threadSettings` of the newest `thread/settings/updated`, as they came.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const get = query({
  args: { actor: vActor, threadId: v.string() },
  returns: vThread,
  handler: async (ctx, { actor, threadId }) => {
    const scope = scopeOf(actor);
    const thread = await requireThread(ctx, scope, threadId);
    const { status, name, model, cwd, personality, localThreadId, parentThreadId, createdAt, updatedAt } = thread;
    const [turn, usage, goalJson, settingsJson, warning] = await Promise.all([
      turnOf(ctx, thread),
      findUsage(ctx, scope, threadId, "thread"),
      readNewest(ctx, thread._id, "goal"),
      readNewest(ctx, thread._id, "settings"),
      readNewest(ctx, thread._id, "warning"),
    ]);
    const kept = given({ usage: usage === null ? undefined : usageOf(usage), goalJson, settingsJson, warning, ...fillingOf(thread) });
    return { threadId, status, createdAt, updatedAt, ...given({ name, model, cwd, personality, localThreadId, parentThreadId }), ...turn, ...kept };
  },
});

/**
 * What a thread is at: its newest turns and messages, its streams, the approvals that nobody has decided.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const getState = query({
  args: { actor: vActor, threadId: v.string() },
  returns: vThreadState,
  handler: async (ctx, { actor, threadId }) => {
    const scope = scopeOf(actor);
    const thread = await requireThread(ctx, scope, threadId);
    const [turns, streams, messages, approvals] = await Promise.all([
      newestTurns(ctx, thread, TURNS_LISTED_MAX),
      listStreams(ctx, thread),
      takeShown(thread, STATE_MESSAGES_MAX, ({ from, to }, left) =>
        ctx.db
          .query("messages")
          .withIndex("by_order", (q) =>
            q.eq("tenantId", scope.tenantId).eq("userId", scope.userId).eq("threadId", threadId).gte("turnOrder", from).lt("turnOrder", to),
          )
          .order("desc")
          .take(left),
      ),
      firstShown(
        ctx.db
          .query("serverRequests")
          .withIndex("by_thread_waiting", (q) =>
            q.eq("tenantId", scope.tenantId).eq("userId", scope.userId).eq("threadId", threadId).eq("waiting", "approval"),
          )
          .order("desc"),
        STATE_APPROVALS_MAX,
        OPEN_REQUESTS_MAX,
        ({ turnId }) => isShown(ctx, thread, turnId),
      ),
    ]);
    const heads = await Promise.all(streams.map((stream) => findHead(ctx, scope, stream.streamId)));
    const recent = [];
    let weight = 0;
    for (const message of messages) {
      const read = weight < LIST_PAGE_BYTES_MAX ? await textOf(ctx, message) : { text: "", weight: 0 };
      weight += read.weight;
      recent.push({ ...message, text: read.text });
    }
    const allStreams = streams.map(({ streamId, state }) => ({ streamId, state }));
    return {
      threadId,
      threadStatus: thread.status,
      ...fillingOf(thread),
      turns: turns
        .filter(isItsOwn)
        .map(({ turnId, status, startedAt, createdAt }) => ({ turnId, status, startedAt: startedAt ?? createdAt })),
      activeStreams: allStreams.filter(({ state }) => state === "streaming"),
      allStreams,
      streamStats: allStreams.map((stream, at) => ({
        ...stream,
        deltaCount: heads[at]?.eventCount ?? 0,
        latestCursor: heads[at]?.latest ?? 0,
      })),
      pendingApprovals: approvals.map(({ turnId, itemId, approval = "", reason }) => ({
        turnId,
        itemId,
        kind: approval,
        ...(reason === undefined ? {} : { reason }),
      })),
      recentMessages: recent.map(({ messageId, turnId, role, status, text, createdAt }) => ({
        messageId,
        turnId,
        role,
        status,
        text,
        createdAt,
      })),
    };
  },
});

const vDeletionOf = { actor: vActor, threadId: v.string(), reason: v.optional(v.string()) };
const vDelay = { delayMs: v.optional(v.number()) };
const vJobOf = { actor: vActor, deletionJobId: v.string() };

/**
 * Deletes a thread with everything in it. When this returns it can be read no more; its rows go in batches. `reason` is cut at
 * 4 KiB.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_THREAD_DELETED`, `E_QUOTA`
 */
export const deleteCascade = mutation({
  args: vDeletionOf,
  returns: vDeletionAsked,
  handler: (ctx, { actor, threadId, reason }) => asked(askDeletion(ctx, actor, { kind: "thread", threadId }, undefined, reason)),
});

/**
 * Deletes a thread after `delayMs` (10 minutes where it is not given, 30 days at most); until then it is as it was, and
 * `cancelScheduledDeletion` takes the deletion back.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_THREAD_DELETED`, `E_QUOTA`
 */
export const scheduleDeleteCascade = mutation({
  args: { ...vDeletionOf, ...vDelay },
  returns: vDeletionAsked,
  handler: (ctx, { actor, threadId, reason, delayMs = Number.NaN }) => asked(askDeletion(ctx, actor, { kind: "thread", threadId }, delayMs, reason)),
});

/**
 * Deletes every thread that the actor's user has in the tenant. What is made while it runs stays.
 *
 * @throws `E_QUOTA`
 */
export const purgeActorData = mutation({
  args: { actor: vActor, reason: v.optional(v.string()) },
  returns: vDeletionAsked,
  handler: (ctx, { actor, reason }) => asked(askDeletion(ctx, actor, { kind: "actor" }, undefined, reason)),
});

/**
 * The same after `delayMs`, as {@link scheduleDeleteCascade} has it.
 *
 * @throws `E_QUOTA`
 */
export const schedulePurgeActorData = mutation({
  args: { actor: vActor, reason: v.optional(v.string()), ...vDelay },
  returns: vDeletionAsked,
  handler: (ctx, { actor, reason, delayMs = Number.NaN }) => asked(askDeletion(ctx, actor, { kind: "actor" }, delayMs, reason)),
});

/**
 * Archives a thread: what comes of it is taken as before, and new turns are refused (`E_THREAD_ARCHIVED`) until it is resumed.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const archive = mutation({
  args: { actor: vActor, threadId: v.string() },
  returns: vThreadArchived,
  handler: async (ctx, { actor, threadId }) => {
    await change(ctx, scopeOf(actor), threadId, { archived: true });
    return { threadId, status: "archived" as const };
  },
});

/**
 * Takes a thread back out of the archive.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const unarchive = mutation({
  args: { actor: vActor, threadId: v.string() },
  returns: vThreadResumed,
  handler: async (ctx, { actor, threadId }) => {
    await change(ctx, scopeOf(actor), threadId, { archived: false });
    return { threadId, status: "active" as const };
  },
});

/** Goes on with a thread: {@link unarchive}, where that has something to do. */
export const resume = unarchive;

/**
 * Names a thread; an empty name is none. It is cut at 4 KiB.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const rename = mutation({
  args: { actor: vActor, threadId: v.string(), name: v.string() },
  returns: v.null(),
  handler: async (ctx, { actor, threadId, name }) => {
    await change(ctx, scopeOf(actor), threadId, { name });
    return null;
  },
});

/**
 * Takes the thread back to a turn: those behind it leave every list at once, and are deleted a day later.
 * `cancelScheduledDeletion` brings them back until then. Those that Codex has not begun stay. `turnId` is the last turn that stays
 * of the others; with null none does.
 *
 * @returns the deletion; none where no turn is behind it
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`, `E_QUOTA`
 */
export const revert = mutation({
  args: { actor: vActor, threadId: v.string(), turnId: v.union(v.string(), v.null()) },
  returns: vReverted,
  handler: async (ctx, { actor, threadId, turnId }) => {
    const job = await askDeletion(ctx, actor, { kind: "revert", threadId, turnId });
    return given({ deletionJobId: job?.deletionJobId, scheduledFor: job?.scheduledFor });
  },
});

/**
 * Takes a deletion back, of a thread, a turn, a revert or all: until its first row is gone.
 *
 * @throws `E_JOB_NOT_FOUND`, `E_JOB_TOO_LATE`
 */
export const cancelScheduledDeletion = mutation({
  args: vJobOf,
  returns: vDeletionCancelled,
  handler: async (ctx, { actor, deletionJobId }) => {
    await cancelDeletion(ctx, actor, deletionJobId);
    return { deletionJobId, cancelled: true as const };
  },
});

/**
 * Begins a deletion that waits for its time; one that has begun goes on.
 *
 * @throws `E_JOB_NOT_FOUND`, `E_JOB_TOO_LATE`
 */
export const forceRunScheduledDeletion = mutation({
  args: vJobOf,
  returns: vDeletionAsked,
  handler: (ctx, { actor, deletionJobId }) => forceDeletion(ctx, actor, deletionJobId),
});

/** How far a deletion is; null where the actor has none of that id. One that has ended is remembered for 7 days. */
export const getDeletionJobStatus = query({
  args: vJobOf,
  returns: v.union(v.null(), vDeletionJob),
  handler: async (ctx, { actor, deletionJobId }) => {
    const job = await findOwn(ctx, "deletions", actor, deletionJobId);
    return job === null ? null : presentJob(job);
  },
});

/**
 * Copies a thread into a new one, as Codex forks it: its turns up to `turnId` (the newest where none is named) and their
 * messages, with their ids; what goes on is interrupted in the copy. Approvals, commands and tokens are not copied, nor what is
 * hidden, nor whose agent it is: the copy goes on by itself. The newest turns are there when this returns, older ones come in
 * batches: until then the copy says `filling`.
 *
 * @returns the job; the same fork again is the same job, as long as that is remembered (7 days)
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`, `E_THREAD_DELETED`, `E_THREAD_NOT_EMPTY`, `E_QUOTA`, `E_REQUEST_INVALID`
 */
export const fork = mutation({
  args: { actor: vActor, threadId: v.string(), newThreadId: v.string(), turnId: v.optional(v.string()), ...vThreadFields },
  returns: vForkJob,
  handler: async (ctx, { actor, threadId, newThreadId, turnId, ...fields }) => {
    checkFields(newThreadId, fields);
    return presentFork(await askFork(ctx, actor, { threadId, newThreadId, turnId, fields }));
  },
});

/** How far a fork is; null where the actor has none of that id. One that has ended is remembered for 7 days. */
export const getForkStatus = query({
  args: { actor: vActor, forkJobId: v.string() },
  returns: v.union(v.null(), vForkJob),
  handler: async (ctx, { actor, forkJobId }) => {
    const job = await findOwn(ctx, "forks", actor, forkJobId);
    return job === null ? null : presentFork(job);
  },
});

function fillingOf({ filling }: Doc<"threads">): { filling?: true } {
  return filling === undefined ? {} : { filling: true };
}

async function change(ctx: MutationCtx, scope: Scope, threadId: string, to: { archived: boolean } | { name: string }): Promise<void> {
  const thread = await findThread(ctx, scope, threadId);
  const answer = decide(() => planChange(thread, to));
  if (answer.type === "rejected") throw coded(answer.code, answer.message, { threadId });
  if (thread === null || answer.type === "keep") return;
  const status = answer.type === "archive" && answer.archived ? ("archived" as const) : ("active" as const);
  const set = answer.type === "rename" ? { name: answer.name || undefined } : { status };
  await ctx.db.patch("threads", thread._id, { ...set, updatedAt: Date.now() });
}

function findBinding(ctx: ReadCtx, { tenantId, userId }: Scope, externalThreadId: string) {
  return ctx.db
    .query("bindings")
    .withIndex("by_external", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("externalThreadId", externalThreadId),
    )
    .unique();
}

function checkFields(threadId: string, { localThreadId, ...notes }: ThreadFields): void {
  checkBounds({ threadId, localThreadId }, notes);
}

async function putThread(ctx: MutationCtx, scope: Scope, threadId: string, fields: MadeOf, recreate = false, ownName = threadId): Promise<void> {
  const { parentThreadId, ...others } = fields;
  checkFields(threadId, others);
  const thread = await findThread(ctx, scope, threadId);
  if (parentThreadId !== undefined) await checkParent(ctx, scope, { threadId, known: thread?.parentThreadId, parentThreadId });
  const updatedAt = Date.now();
  if (thread !== null) {
    // Who does not know what Codex calls it says the app's name for it: that is no other one.
    const known = fields.localThreadId === ownName ? given({ localThreadId: thread.localThreadId }) : {};
    await ctx.db.patch("threads", thread._id, { ...fields, ...known, updatedAt });
  } else {
    await clearWay(ctx, scope, { what: "thread", id: threadId }, recreate);
    const row = { ...scope, threadId, status: "active" as const, nextTurnOrder: 0, createdAt: updatedAt, updatedAt };
    await insertThread(ctx, { ...row, ...fields });
  }
}
