/** Forks: asked for, and copied a batch at a time. The core says what a job may do where it stands. */
import { planFork, planForkStep, type ForkStep } from "../../js-wrapper/core/threads.js";
import { given } from "../../js-wrapper/given.js";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { coded } from "../errors.js";
import type { Actor, ForkJob } from "../validators.js";
import { copyBatch } from "./copies.js";
import { decide, existing } from "./core.js";
import { stillDue } from "./due.js";
import { findThread, scopeOf, type ReadCtx, type Scope, type WriteCtx } from "./scope.js";
import { insertThread } from "./tally.js";
import { clearTombstone, findByHash, findTombstone } from "./tombstones.js";
import { findShownTurn } from "./visible.js";

/** What is asked for; fields of the copy that are not given are the source's. */
export type ForkAsked = {
  threadId: string;
  newThreadId: string;
  turnId?: string | undefined;
  fields: { model?: string; cwd?: string; personality?: string; localThreadId?: string };
};

type Job = Doc<"forks">;
/** When a job ended, until when it is kept, and why it failed. */
type End = { nowMs: number; expiresAt: number; code?: string };

const NO_THREAD = "the core forked a thread that is not there";

/** Jobs that are counted. SOURCE: `src/limits.rs`, JOBS_OPEN_MAX. */
const OPEN_JOBS_MAX = 100;

/** Asks for a fork. It has begun when this returns, unless its source is being filled. */
export async function askFork(ctx: MutationCtx, actor: Actor, { threadId, newThreadId, turnId, fields }: ForkAsked): Promise<Job> {
  const scope = scopeOf(actor);
  const nowMs = Date.now();
  const [source, before] = await Promise.all([findThread(ctx, scope, threadId), findThread(ctx, scope, newThreadId)]);
  const turn = source === null || turnId === undefined ? null : await findShownTurn(ctx, source, turnId);
  const known = before === null ? null : await jobInto(ctx, before);
  const buried = source === null && (await findTombstone(ctx, scope, { what: "thread", id: threadId })) !== null;
  const openCount = await countOpen(ctx, scope);
  const answer = decide(() =>
    planFork({
      nowMs,
      newThread: before === null ? { ...scope, threadId: newThreadId } : null,
      source: source !== null,
      buried,
      turn: turnId === undefined ? null : turn !== null,
      known: known === null ? null : known.threadId === threadId && known.turnId === turnId,
      used: newThreadId === threadId || (before !== null && before.nextTurnOrder > 0),
      filling: source?.filling !== undefined,
      openCount,
    }),
  );
  if (answer.type === "rejected") throw coded(answer.code, answer.message, given({ threadId, newThreadId, turnId }));
  if (answer.type === "keep" && known !== null) return known;
  if (source === null || answer.type === "keep") throw coded("E_INTERNAL", NO_THREAD);
  const end = turn === null ? source.nextTurnOrder : turn.turnOrder + 1;
  if (answer.tombstone !== undefined) {
    const tombstone = await findByHash(ctx, answer.tombstone);
    await clearTombstone(ctx, tombstone, { what: "thread", id: newThreadId }, false);
  }
  const copy = await makeCopy(ctx, source, before, newThreadId, fields, nowMs);
  const id = await ctx.db.insert("forks", {
    ...scope,
    threadId,
    newThreadId,
    ...given({ turnId }),
    source: source._id,
    copy,
    state: "scheduled",
    before: end,
    copiedTurns: 0,
    copiedMessages: 0,
    createdAt: nowMs,
    dueAt: nowMs,
  });
  await ctx.db.patch("threads", copy, { filling: id, nextTurnOrder: end });
  const job = existing(await ctx.db.get("forks", id), NO_THREAD);
  await doStep(ctx, { job, source, copy: await ctx.db.get("threads", copy) }, answer.first, nowMs);
  return existing(await ctx.db.get("forks", id), NO_THREAD);
}

export function presentFork({ _id, state, copiedTurns, copiedMessages, createdAt, ...job }: Job): ForkJob {
  const { threadId, newThreadId, turnId, code, endedAt } = job;
  return { forkJobId: _id, status: state, copiedTurns, copiedMessages, createdAt, ...given({ threadId, newThreadId, turnId, code, endedAt }) };
}

/** Copies the job's next batch, if it is due as its call was told; answers whether there is more. */
export async function step(ctx: MutationCtx, id: Id<"forks">, dueAt: number): Promise<{ copied: number; hasMore: boolean }> {
  const job = stillDue(await ctx.db.get("forks", id), dueAt);
  if (job === null) return { copied: 0, hasMore: false };
  const nowMs = Date.now();
  const [source, copy] = await Promise.all([ctx.db.get("threads", job.source), ctx.db.get("threads", job.copy)]);
  const answer = decide(() =>
    planForkStep({ state: job.state, source: source !== null, copy: copy !== null, filling: source?.filling !== undefined, nowMs }),
  );
  return doStep(ctx, { job, source, copy }, answer, nowMs);
}

/** A fork with its threads, as far as they are there. */
type Loaded = { job: Job; source: Doc<"threads"> | null; copy: Doc<"threads"> | null };

async function doStep(ctx: MutationCtx, { job, source, copy }: Loaded, step: ForkStep, nowMs: number): Promise<{ copied: number; hasMore: boolean }> {
  const id = job._id;
  switch (step.type) {
    case "keep":
      return { copied: 0, hasMore: false };
    case "wait":
      await ctx.db.patch("forks", id, { dueAt: step.retryAt });
      return { copied: 0, hasMore: true };
    case "fail":
      await endFork(ctx, job, "failed", { nowMs, expiresAt: step.expiresAt, code: step.code });
      await wakeThoseBehind(ctx, job);
      return { copied: 0, hasMore: false };
    case "copy": {
      const { rows, units, expiresAt, retryAt } = step;
      const begun: Job = step.begins ? { ...job, ...given({ newest: await newestOf(ctx, existing(source, NO_THREAD), job.before) }) } : job;
      const { turns, messages, more, place } = await copyBatch(ctx, begun, existing(source, NO_THREAD), existing(copy, NO_THREAD), { rows, units });
      const counts = { copiedTurns: job.copiedTurns + turns, copiedMessages: job.copiedMessages + messages };
      await ctx.db.patch("forks", id, { state: "running", ...given({ newest: begun.newest }), ...place, ...counts, dueAt: retryAt });
      if (more) await ctx.scheduler.runAfter(0, internal.forks.step, { job: id, dueAt: retryAt });
      else {
        await endFork(ctx, job, "completed", { nowMs, expiresAt });
        await wakeThoseBehind(ctx, job);
      }
      return { copied: turns + messages, hasMore: more };
    }
  }
}

/** Forks of a thread that is gone, or into it: what goes on has failed, and no row names a thread any more. Answers whether none is left. */
export async function forgetForks(
  ctx: WriteCtx,
  { tenantId, userId, threadId }: Scope & { threadId: string },
  batch: { rows: number; nowMs: number; expiresAt: number },
): Promise<boolean> {
  const forks = () => ctx.db.query("forks");
  const named = [
    forks().withIndex("by_source", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId)),
    forks().withIndex("by_copy", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("newThreadId", threadId)),
  ];
  for (const jobs of named) {
    for await (const job of jobs) {
      if (batch.rows <= 0) return false;
      batch.rows -= 1;
      if (job.endedAt === undefined) await endFork(ctx, job, "failed", { nowMs: batch.nowMs, expiresAt: batch.expiresAt, code: "E_THREAD_DELETED" });
      await ctx.db.patch("forks", job._id, { threadId: undefined, newThreadId: undefined, turnId: undefined });
    }
  }
  return true;
}

/** The thread that is filled: a new one, or one that nothing was asked of yet. */
async function makeCopy(
  ctx: MutationCtx,
  source: Doc<"threads">,
  before: Doc<"threads"> | null,
  threadId: string,
  asked: ForkAsked["fields"],
  updatedAt: number,
): Promise<Id<"threads">> {
  const { tenantId, userId } = source;
  const fields = { ...named(source), ...(before === null ? {} : named(before)), ...asked };
  if (before !== null) {
    await ctx.db.patch("threads", before._id, { ...fields, updatedAt });
    return before._id;
  }
  const row = { tenantId, userId, threadId, status: "active" as const, nextTurnOrder: 0, createdAt: updatedAt, updatedAt };
  return await insertThread(ctx, { ...row, ...fields });
}

function named({ name, model, cwd, personality }: Doc<"threads">) {
  return given({ name, model, cwd, personality });
}

/** The last fork into a thread that is remembered. */
function jobInto(ctx: ReadCtx, { tenantId, userId, threadId }: Doc<"threads">): Promise<Job | null> {
  const jobs = ctx.db.query("forks").withIndex("by_copy", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("newThreadId", threadId));
  return jobs.order("desc").first();
}

/** The place of the newest message of the turns at places below `before`. */
async function newestOf(ctx: ReadCtx, { tenantId, userId, threadId }: Doc<"threads">, before: number) {
  const message = await ctx.db
    .query("messages")
    .withIndex("by_order", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).lt("turnOrder", before))
    .order("desc")
    .first();
  return message === null ? undefined : { turnOrder: message.turnOrder, orderInTurn: message.orderInTurn };
}

async function countOpen(ctx: ReadCtx, { tenantId, userId }: Scope): Promise<number> {
  const inState = (state: Job["state"]) =>
    ctx.db
      .query("forks")
      .withIndex("by_state", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("state", state))
      .take(OPEN_JOBS_MAX);
  return (await Promise.all([inState("scheduled"), inState("running")])).flat().length;
}

/** Ends a job; its copy is filled no more. */
async function endFork(ctx: WriteCtx, job: Job, state: "completed" | "failed", { nowMs, expiresAt, code }: End): Promise<void> {
  const progress = { newest: undefined, turn: undefined, message: undefined, dueAt: undefined };
  await ctx.db.patch("forks", job._id, { ...progress, state, endedAt: nowMs, expiresAt, ...given({ code }) });
  const copy = await ctx.db.get("threads", job.copy);
  if (copy?.filling === job._id) await ctx.db.patch("threads", copy._id, { filling: undefined });
}

/** Forks of what was being filled begin. */
async function wakeThoseBehind(ctx: MutationCtx, { tenantId, userId, newThreadId }: Job): Promise<void> {
  if (newThreadId === undefined) return;
  const waiting = await ctx.db
    .query("forks")
    .withIndex("by_source", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", newThreadId).eq("state", "scheduled"))
    .take(OPEN_JOBS_MAX);
  for (const { _id: job, dueAt } of waiting) {
    if (dueAt !== undefined) await ctx.scheduler.runAfter(0, internal.forks.step, { job, dueAt });
  }
}
