/** Deletions: asked for, cancelled, and done a batch at a time. The core says what a job may do where it stands. */
import { planCancel, planDeletion, planForce, planRevert, planStep, type DeletionStep } from "../../js-wrapper/core/threads.js";
import { given } from "../../js-wrapper/given.js";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { coded } from "../errors.js";
import type { Actor, DeletionJob } from "../validators.js";
import { cutNote } from "./bounds.js";
import { decide, existing } from "./core.js";
import { stillDue } from "./due.js";
import { COMMANDS_OPEN_MAX, openCommandsOf } from "./queue.js";
import { endJob, forgetInPresence, idsOf, removeThreadRows, removeTurnRows, type Batch } from "./removal.js";
import { findOwn, findThread, findTurnByClient, scopeOf, type ReadCtx, type Scope, type WriteCtx } from "./scope.js";
import { deleteThreads } from "./tally.js";
import { bury, findTombstone } from "./tombstones.js";
import { findShownTurn, isHidden, type Places } from "./visible.js";

/** What a deletion is of. */
export type Deleted =
  | { kind: "thread"; threadId: string }
  | { kind: "turn"; threadId: string; turnId: string }
  /** All turns of the thread, where none stays. */
  | { kind: "revert"; threadId: string; turnId: string | null }
  | { kind: "actor" };
export type Asked = { deletionJobId: Id<"deletions">; scheduledFor: number };

/** Jobs that are counted, and those of one thread. SOURCE: `src/limits.rs`, JOBS_OPEN_MAX. */
const OPEN_JOBS_MAX = 100;
const JOBS_OF_THREAD_MAX = 400;
/** Streams of a turn whose heads go with it; those beyond go when its other rows are gone. */
const HEADS_MAX = 16;
/** UTF-16 units that a batch has room for where the next turn goes in it: as many as its heads may weigh, with 64 open items each. */
const TURN_UNITS_MIN = 1024 * 1024;
/** Turns that go in one batch: each takes a dozen index ranges. */
const TURN_ROUNDS_MAX = 50;
/** Threads that one batch looks at: each costs its row, its tombstone and its job. */
const THREADS_LOOKED_AT_MAX = 50;
/** Rows of a user, and of no thread, that go in one batch. */
const ACTOR_ROWS_MAX = 100;

const NO_JOB = "a job is there while it is worked on";

type Job = Doc<"deletions">;

/**
 * Asks for a deletion. Without a delay it has begun when this returns: what it deletes can be read no more.
 *
 * @returns the job, which is one for a target; null where there is nothing to delete
 */
export async function askDeletion(ctx: MutationCtx, actor: Actor, of: Deleted, delayMs?: number, reason?: string): Promise<Asked | null> {
  const scope = scopeOf(actor);
  const nowMs = Date.now();
  const threadId = of.kind === "actor" ? undefined : of.threadId;
  const thread = threadId === undefined ? null : await findThread(ctx, scope, threadId);
  const turnId = "turnId" in of ? of.turnId : null;
  const turn = thread === null || turnId === null ? null : await findShownTurn(ctx, thread, turnId);
  const going = thread === null ? undefined : await goingOf(ctx, of, thread, turn);
  const places = going?.places;
  const open = await openJob(ctx, scope, of, places);
  const threadExists = of.kind === "actor" || thread !== null;
  const exists = turnId === null ? threadExists : turn !== null;
  const buried = thread === null && threadId !== undefined && (await findTombstone(ctx, scope, { what: "thread", id: threadId })) !== null;
  const empty = places !== undefined && places.from >= places.to;
  const openCount = await countOpen(ctx, scope, of.kind);
  const known = { threadExists, exists, buried, empty, open: open?.state ?? null, openCount };
  const answer = decide(() => planDeletion({ nowMs, target: of.kind, delayMs, ...known }));
  switch (answer.type) {
    case "rejected":
      throw coded(answer.code, answer.message, given({ threadId, turnId: turnId ?? undefined }));
    case "keep":
      return open === null ? null : { deletionJobId: open._id, scheduledFor: open.scheduledFor };
    case "begin":
      return open === null ? null : beginNow(ctx, open, answer.first, nowMs);
    case "insert": {
      const { dueAt, first, crowds = false } = answer;
      const row = { ...scope, kind: of.kind, state: "scheduled" as const, deletedRows: 0, createdAt: nowMs, scheduledFor: dueAt, dueAt };
      const named = given({ threadId, turnId: turnId ?? undefined, reason: reason === undefined ? undefined : cutNote(reason) });
      const job = await ctx.db.insert("deletions", { ...row, ...named, ...places });
      if (of.kind === "revert" && thread !== null && going !== undefined) {
        await moveBehind(ctx, thread, going.moved);
        await hide(ctx, thread, job, going.places);
      }
      if (first !== undefined) await doStep(ctx, existing(await ctx.db.get("deletions", job), NO_JOB), first, nowMs);
      else await ctx.scheduler.runAt(dueAt, internal.deletions.step, { job, dueAt });
      if (crowds) await force(ctx, await askedFor(ctx, scope, of.kind, "scheduled").first(), nowMs);
      return { deletionJobId: job, scheduledFor: dueAt };
    }
  }
}

/** The job of what always has one. */
export async function asked(job: Promise<Asked | null>): Promise<Asked> {
  const made = await job;
  if (made === null) throw coded("E_INTERNAL", "a deletion of something has a job");
  return made;
}

/** Takes a deletion back. */
export async function cancelDeletion(ctx: MutationCtx, actor: Actor, deletionJobId: string): Promise<void> {
  const job = await findOwn(ctx, "deletions", actor, deletionJobId);
  const nowMs = Date.now();
  const answer = decide(() => planCancel(job?.state ?? null, nowMs));
  if (answer.type === "rejected") throw coded(answer.code, answer.message, { deletionJobId });
  if (answer.type !== "cancel" || job === null) return;
  await show(ctx, job);
  await endJob(ctx, job, "cancelled", nowMs, answer.expiresAt);
}

/** Begins a deletion that waits. */
export async function forceDeletion(ctx: MutationCtx, actor: Actor, deletionJobId: string): Promise<Asked> {
  return force(ctx, await findOwn(ctx, "deletions", actor, deletionJobId), Date.now(), deletionJobId);
}

async function force(ctx: MutationCtx, job: Job | null, nowMs: number, deletionJobId?: string): Promise<Asked> {
  const answer = decide(() => planForce(job?.state ?? null, nowMs));
  if (answer.type === "rejected" || job === null) {
    const { code, message } = answer.type === "rejected" ? answer : { code: "E_INTERNAL", message: "the core forced a job that is not there" };
    throw coded(code, message, given({ deletionJobId }));
  }
  return answer.type === "begin" ? beginNow(ctx, job, answer.first, nowMs) : { deletionJobId: job._id, scheduledFor: job.scheduledFor };
}

export function presentJob({ _id, kind, state, deletedRows, createdAt, scheduledFor, ...job }: Job): DeletionJob {
  const { threadId, turnId, reason, startedAt, endedAt } = job;
  const known = { deletionJobId: _id, kind, status: state, deletedRows, createdAt, scheduledFor };
  return { ...known, ...given({ threadId, turnId, reason, startedAt, endedAt }) };
}

/** Does the job's next batch, if it is due as its call was told; answers whether there is more. */
export async function step(ctx: MutationCtx, id: Id<"deletions">, dueAt: number): Promise<{ deleted: number; hasMore: boolean }> {
  const job = stillDue(await ctx.db.get("deletions", id), dueAt);
  const nowMs = Date.now();
  const answer = job === null ? null : decide(() => planStep(job.state, dueAt, nowMs));
  return job === null || answer?.type !== "step" ? { deleted: 0, hasMore: false } : doStep(ctx, job, answer.step, nowMs);
}

async function beginNow(ctx: MutationCtx, job: Job, first: DeletionStep, nowMs: number): Promise<Asked> {
  await ctx.db.patch("deletions", job._id, { dueAt: nowMs, scheduledFor: nowMs });
  await doStep(ctx, job, first, nowMs);
  return { deletionJobId: job._id, scheduledFor: nowMs };
}

/** Does a batch, and schedules the next one. */
async function doStep(ctx: MutationCtx, job: Job, step: DeletionStep, nowMs: number): Promise<{ deleted: number; hasMore: boolean }> {
  const outcome = await work(ctx, job, step, nowMs);
  if (outcome.hasMore) {
    const dueAt = step.retryAt;
    await ctx.db.patch("deletions", job._id, { dueAt });
    await ctx.scheduler.runAfter(0, internal.deletions.step, { job: job._id, dueAt });
  }
  return outcome;
}

/** A batch of a job. The first one hides, and nothing else. */
async function work(ctx: WriteCtx, job: Job, step: DeletionStep, nowMs: number): Promise<{ deleted: number; hasMore: boolean }> {
  const { rows, units, buriedUntil, expiresAt } = step;
  const batch: Batch = { rows, units, deleted: 0, buriedUntil, expiresAt, nowMs };
  if (step.begins) await ctx.db.patch("deletions", job._id, { state: "running", startedAt: nowMs, ...(job.kind === "actor" ? { after: "" } : {}) });
  const hasMore = step.begins ? await begin(ctx, job, batch) : await goOn(ctx, job, step, batch);
  await ctx.db.patch("deletions", job._id, { deletedRows: job.deletedRows + batch.deleted });
  if (!hasMore) await finish(ctx, job, batch);
  return { deleted: batch.deleted, hasMore };
}

/** Hides what the job deletes; answers whether it is there. */
async function begin(ctx: WriteCtx, job: Job, batch: Batch): Promise<boolean> {
  const { threadId, from, to } = job;
  if (threadId === undefined) return true;
  const thread = await findThread(ctx, job, threadId);
  if (thread === null) return false;
  if (job.kind === "thread") {
    await hideThreads(ctx, job, [{ job: job._id, thread }], batch);
    await forgetInPresence(ctx, job, [threadId]);
  }
  if (job.kind === "turn" && from !== undefined && to !== undefined) await hide(ctx, thread, job._id, { from, to });
  if (job.kind === "thread") return true;
  const current = await takeTurn(ctx, job, batch);
  if (current !== null) await ctx.db.patch("deletions", job._id, current);
  return current !== null;
}

async function goOn(ctx: WriteCtx, job: Job, step: DeletionStep, batch: Batch): Promise<boolean> {
  const { tenantId, userId, threadId, threadRow, turn } = job;
  if (job.kind === "actor") return goOnWithActor(ctx, job, step, batch);
  if (threadId === undefined) return false;
  const inThread = { tenantId, userId, threadId };
  if (job.kind === "thread") return threadRow !== undefined && !(await removeThreadRows(ctx, { ...inThread, threadRow, job: job._id }, batch));
  let current: Current | null = turn === undefined ? null : { turn, streams: [...(job.streams ?? [])] };
  for (let rounds = 0; rounds < TURN_ROUNDS_MAX; rounds++) {
    if (current === null) {
      if (batch.units < TURN_UNITS_MIN) break;
      current = await takeTurn(ctx, job, batch);
      if (current === null) return false;
    }
    if (!(await removeTurnRows(ctx, { ...inThread, ...current }, batch))) break;
    // Of streams beyond those that went with the turn.
    const streams = await takeHeads(ctx, inThread, current.turn.turnId, batch);
    current = streams.length === 0 ? null : { ...current, streams };
  }
  await ctx.db.patch("deletions", job._id, { turn: current?.turn, streams: current?.streams });
  return true;
}

/** The turn whose rows go, and streams of it that have chunks left and no head. */
type Current = { turn: NonNullable<Job["turn"]>; streams: string[] };

/** The next turn of the job goes, with its heads: from here on its events have no effect. */
async function takeTurn(ctx: WriteCtx, { tenantId, userId, threadId = "", from = 0, to = 0 }: Job, batch: Batch): Promise<Current | null> {
  const turn = await ctx.db
    .query("turns")
    .withIndex("by_order", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).gte("turnOrder", from).lt("turnOrder", to),
    )
    .first();
  if (turn === null) return null;
  const { turnId, clientTurnId, turnOrder } = turn;
  const inThread = { tenantId, userId, threadId };
  for (const id of idsOf(turn)) await ctx.db.insert("deletedTurns", { ...inThread, turnId: id, expiresAt: batch.buriedUntil });
  const streams = await takeHeads(ctx, inThread, turnId, batch);
  await ctx.db.delete("turns", turn._id);
  batch.deleted += 1;
  return { turn: { row: turn._id, turnId, turnOrder, ...given({ clientTurnId }) }, streams };
}

/** Takes heads of a turn away; answers whose they were. */
async function takeHeads(ctx: WriteCtx, { tenantId, userId, threadId }: Scope & { threadId: string }, turnId: string, batch: Batch): Promise<string[]> {
  const heads = await ctx.db
    .query("streamHeads")
    .withIndex("by_turn", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("turnId", turnId))
    .take(HEADS_MAX);
  for (const head of heads) {
    batch.units -= JSON.stringify(head).length;
    batch.deleted += 1;
    await ctx.db.delete("streamHeads", head._id);
  }
  return heads.map(({ streamId }) => streamId);
}

/** Hides the actor's threads that were there when the job began, in the order of their ids; then does the batches of their jobs. */
async function goOnWithActor(ctx: WriteCtx, job: Job, step: DeletionStep, batch: Batch): Promise<boolean> {
  const { _id: parent, tenantId, userId, startedAt = 0, after } = job;
  if (after === undefined) {
    const child = (await childOf(ctx, parent)) ?? (await adopt(ctx, job));
    if (child === null) return (await takePresence(ctx, job, batch)) || takeTokens(ctx, job, batch);
    const { deleted } = await work(ctx, child, { ...step, begins: false }, batch.nowMs);
    batch.deleted += deleted;
    return true;
  }
  const threads = await ctx.db
    .query("threads")
    .withIndex("by_thread", (q) => q.eq("tenantId", tenantId).eq("userId", userId).gt("threadId", after))
    .take(THREADS_LOOKED_AT_MAX);
  const { nowMs } = batch;
  const hidden = threads.filter(({ createdAt }) => createdAt <= startedAt);
  await forgetInPresence(ctx, job, hidden.map(({ threadId }) => threadId));
  const children: Hidden[] = [];
  for (const thread of hidden) {
    const { threadId } = thread;
    const open = await openJob(ctx, job, { kind: "thread", threadId });
    const begun = { state: "running" as const, parent, startedAt: batch.nowMs };
    if (open !== null) await ctx.db.patch("deletions", open._id, { ...begun, dueAt: undefined });
    const made = { tenantId, userId, kind: "thread" as const, threadId, deletedRows: 0, createdAt: nowMs, scheduledFor: nowMs };
    const child = open?._id ?? (await ctx.db.insert("deletions", { ...made, ...begun }));
    children.push({ job: child, thread });
  }
  await hideThreads(ctx, job, children, batch);
  await ctx.db.patch("deletions", parent, { after: threads.length === THREADS_LOOKED_AT_MAX ? threads.at(-1)?.threadId : undefined });
  return true;
}

/** The next of the jobs that it made or took over. */
function childOf(ctx: ReadCtx, parent: Id<"deletions">): Promise<Job | null> {
  return ctx.db
    .query("deletions")
    .withIndex("by_parent", (q) => q.eq("parent", parent).eq("state", "running"))
    .first();
}

/** Takes over the deletion of a thread that was hidden before: all is gone when that is done, too. */
async function adopt(ctx: WriteCtx, { _id: parent, ...scope }: Job): Promise<Job | null> {
  const begun = await askedFor(ctx, scope, "thread", "running").first();
  if (begun !== null) await ctx.db.patch("deletions", begun._id, { parent, dueAt: undefined });
  return begun;
}

/** Takes what the actor's runtimes told of themselves; answers whether some is left. */
async function takePresence(ctx: WriteCtx, { tenantId, userId }: Scope, batch: Batch): Promise<boolean> {
  const rows = ctx.db.query("presence").withIndex("by_runtime", (q) => q.eq("tenantId", tenantId).eq("userId", userId));
  return takeRows(ctx, "presence", await rows.take(ACTOR_ROWS_MAX), batch);
}

/** Takes the tokens of the actor's devices; answers whether some are left. */
async function takeTokens(ctx: WriteCtx, { tenantId, userId }: Scope, batch: Batch): Promise<boolean> {
  const rows = ctx.db.query("deviceTokens").withIndex("by_user", (q) => q.eq("tenantId", tenantId).eq("userId", userId));
  return takeRows(ctx, "deviceTokens", await rows.take(ACTOR_ROWS_MAX), batch);
}

async function takeRows<Table extends "presence" | "deviceTokens">(ctx: WriteCtx, table: Table, rows: Doc<Table>[], batch: Batch): Promise<boolean> {
  for (const { _id } of rows) await ctx.db.delete(table, _id);
  batch.deleted += rows.length;
  return rows.length === ACTOR_ROWS_MAX;
}

/** A thread that is hidden, and the job that deletes it. */
type Hidden = { job: Id<"deletions">; thread: Doc<"threads"> };

/** From here on the threads are not there: their rows are gone, and tombstones say why. */
async function hideThreads(ctx: WriteCtx, { tenantId, userId }: Scope, hidden: readonly Hidden[], batch: Batch): Promise<void> {
  const bindings = [];
  for (const { thread } of hidden) {
    const binding = await ctx.db
      .query("bindings")
      .withIndex("by_thread", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", thread.threadId))
      .unique();
    if (binding !== null) bindings.push(binding);
  }
  const threads = hidden.map(({ thread }) => ({ what: "thread" as const, id: thread.threadId }));
  const names = bindings.map(({ externalThreadId }) => ({ what: "external" as const, id: externalThreadId, expiresAt: batch.buriedUntil }));
  const tombstones = await bury(ctx, { tenantId, userId }, [...threads, ...names]);
  for (const { _id } of bindings) await ctx.db.delete("bindings", _id);
  await deleteThreads(ctx, { tenantId, userId }, hidden.map(({ thread }) => thread._id));
  for (const [at, { job, thread }] of hidden.entries()) {
    await ctx.db.patch("deletions", job, { threadRow: thread._id, ...given({ tombstone: tombstones[at] }) });
  }
  batch.deleted += bindings.length + hidden.length;
}

async function finish(ctx: WriteCtx, { _id }: Job, { nowMs, expiresAt, buriedUntil }: Batch): Promise<void> {
  const job = existing(await ctx.db.get("deletions", _id), NO_JOB);
  if (job.tombstone !== undefined) await ctx.db.patch("tombstones", job.tombstone, { expiresAt: buriedUntil });
  await show(ctx, job);
  await endJob(ctx, job, "completed", nowMs, expiresAt);
}

/** What goes of a thread's turns, and those that get places behind it. */
type Going = { places: Places; moved: Moved[] };
type Moved = { turn: Doc<"turns">; turnOrder: number };

/** What is to go of the thread's turns; undefined where that is not of turns, or their turn is not there. */
async function goingOf(ctx: ReadCtx, of: Deleted, thread: Doc<"threads">, turn: Doc<"turns"> | null): Promise<Going | undefined> {
  if (of.kind === "revert" && of.turnId === null) return goingFrom(ctx, thread, 0);
  if (turn === null) return undefined;
  const { turnOrder } = turn;
  return of.kind === "turn" ? { places: { from: turnOrder, to: turnOrder + 1 }, moved: [] } : goingFrom(ctx, thread, turnOrder + 1);
}

async function goingFrom(ctx: ReadCtx, thread: Doc<"threads">, from: number): Promise<Going> {
  const { nextTurnOrder } = thread;
  const waiting = await waitingFrom(ctx, thread, from);
  if (waiting.length === 0) return { places: { from, to: nextTurnOrder }, moved: [] };
  const ids = new Set(waiting.map(({ _id }) => _id));
  let begunEnd = from;
  for await (const { _id, turnOrder } of turnsFrom(ctx, thread, from).order("desc")) {
    if (ids.has(_id)) continue;
    begunEnd = turnOrder + 1;
    break;
  }
  const { to, moved } = decide(() => planRevert(begunEnd, nextTurnOrder, waiting.map(({ turnOrder }) => turnOrder)));
  return { places: { from, to }, moved: moved.map((turnOrder, at) => ({ turn: existing(waiting[at], "the core moved a turn that it was not given"), turnOrder })) };
}

function turnsFrom(ctx: ReadCtx, { tenantId, userId, threadId }: Doc<"threads">, from: number) {
  return ctx.db
    .query("turns")
    .withIndex("by_order", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).gte("turnOrder", from));
}

/**
 * The shown turns from a place on that codex has not begun, in their order: the queued ones, and those that show an open command,
 * whatever they say, until codex's id for them is known.
 */
async function waitingFrom(ctx: ReadCtx, thread: Doc<"threads">, from: number): Promise<Doc<"turns">[]> {
  const { tenantId, userId, threadId } = thread;
  const [queued, open] = await Promise.all([
    ctx.db
      .query("turns")
      .withIndex("by_status", (q) =>
        q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("status", "queued").gte("turnOrder", from),
      )
      .take(COMMANDS_OPEN_MAX),
    openCommandsOf(ctx, thread, threadId),
  ]);
  const clientTurnIds = new Set(open.flatMap(({ clientTurnId }) => (clientTurnId === undefined ? [] : [clientTurnId])));
  const carried = await Promise.all([...clientTurnIds].map((id) => findTurnByClient(ctx, thread, threadId, id)));
  const unknown = carried.filter((turn) => turn !== null && turn.turnId === turn.clientTurnId && turn.turnOrder >= from);
  const waiting = new Map([...queued, ...unknown].flatMap((turn) => (turn === null ? [] : [[turn._id, turn] as const])));
  return [...waiting.values()].filter(({ turnOrder }) => !isHidden(thread, turnOrder)).sort((one, other) => one.turnOrder - other.turnOrder);
}

/** Gives turns that wait places behind all others, and with them the deletions that wait for these. Nothing else names their places: they have no events. */
async function moveBehind(ctx: WriteCtx, thread: Doc<"threads">, moved: readonly Moved[]): Promise<void> {
  if (moved.length === 0) return;
  const jobs = await jobsOf(ctx, thread, thread.threadId, "turn");
  for (const { turn, turnOrder } of moved) {
    await ctx.db.patch("turns", turn._id, { turnOrder });
    for (const { _id } of jobs.filter(({ from }) => from === turn.turnOrder)) await ctx.db.patch("deletions", _id, { from: turnOrder, to: turnOrder + 1 });
  }
  await ctx.db.patch("threads", thread._id, { nextTurnOrder: thread.nextTurnOrder + moved.length });
}

function hide(ctx: WriteCtx, { _id, hidden = [] }: Doc<"threads">, job: Id<"deletions">, { from, to }: Places): Promise<void> {
  return ctx.db.patch("threads", _id, { hidden: [...hidden, { job, from, to }], updatedAt: Date.now() });
}

/** Takes away what the job hides in its thread. */
async function show(ctx: WriteCtx, job: Job): Promise<void> {
  const thread = job.threadId === undefined ? null : await findThread(ctx, job, job.threadId);
  const left = thread?.hidden?.filter((places) => places.job !== job._id);
  if (thread !== null && left !== undefined && left.length !== thread.hidden?.length) {
    await ctx.db.patch("threads", thread._id, { hidden: left.length === 0 ? undefined : left });
  }
}

/** The job of the same target that has not ended. */
async function openJob(ctx: ReadCtx, { tenantId, userId }: Scope, of: Deleted, places?: Places): Promise<Job | null> {
  if (of.kind === "actor") {
    for (const state of ["running", "scheduled"] as const) {
      const found = await askedFor(ctx, { tenantId, userId }, "actor", state).first();
      if (found !== null) return found;
    }
    return null;
  }
  const jobs = await jobsOf(ctx, { tenantId, userId }, of.threadId, of.kind);
  const isSame = (job: Job) =>
    of.kind === "thread" || (of.kind === "turn" ? job.turnId === of.turnId : job.from === places?.from && job.to === places?.to);
  return jobs.find(isSame) ?? null;
}

/** A thread's jobs of that kind that have not ended. */
function jobsOf(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string, kind: Job["kind"]): Promise<Job[]> {
  return ctx.db
    .query("deletions")
    .withIndex("by_thread", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("kind", kind))
    .take(JOBS_OF_THREAD_MAX);
}

/** Jobs of the user that count against the bound: of reverts those that wait, which can make room. */
async function countOpen(ctx: ReadCtx, scope: Scope, kind: Job["kind"]): Promise<number> {
  const states = kind === "revert" ? (["scheduled"] as const) : (["scheduled", "running"] as const);
  const open = await Promise.all(states.map((state) => askedFor(ctx, scope, kind, state).take(OPEN_JOBS_MAX)));
  return open.flat().length;
}

/** Jobs that somebody asked for: the deletion of everything makes one for each thread, and is one itself. */
function askedFor(ctx: ReadCtx, { tenantId, userId }: Scope, kind: Job["kind"], state: Job["state"]) {
  return ctx.db
    .query("deletions")
    .withIndex("by_kind", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("kind", kind).eq("state", state).eq("parent", undefined));
}
