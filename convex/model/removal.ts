/**
 * Takes rows away, a batch at a time: all of a thread, or all of a turn. Every table has its line in both lists, so that a new
 * one is not forgotten; what belongs to a row (its parts, a head's chunks) goes before it.
 */
import type { Doc, Id, TableNames } from "../_generated/dataModel.js";
import { runtimesFrom } from "./commands.js";
import { forgetForks } from "./forks.js";
import { findUsage } from "./newest.js";
import { forgetParent } from "./parents.js";
import type { Scope, WriteCtx } from "./scope.js";

/** What one batch may yet take away and read, and what it took. */
export type Batch = { rows: number; units: number; deleted: number; buriedUntil: number; expiresAt: number; nowMs: number };

export type ThreadRows = Scope & { threadId: string; threadRow: Id<"threads">; job: Id<"deletions"> };
type GoneTurn = { row: Id<"turns">; turnId: string; clientTurnId?: string | undefined; turnOrder: number };
export type TurnRows = Scope & { threadId: string; turn: GoneTurn; streams: string[] };

/** Codex's id of a turn, and the one that its client invented. */
export const idsOf = ({ turnId, clientTurnId = turnId }: Pick<GoneTurn, "turnId" | "clientTurnId">): string[] => [...new Set([turnId, clientTurnId])];

/** Takes rows of one table away; answers whether none is left. */
type Remove<Of> = (ctx: WriteCtx, of: Of, batch: Batch) => Promise<boolean>;

type FromTenant<Rest> = {
  eq: (field: "tenantId", value: string) => { eq: (field: "userId", value: string) => { eq: (field: "threadId", value: string) => Rest } };
};

/** The range of an index in which a thread's rows lie. */
function inThread<Rest>(range: FromTenant<Rest>, of: Scope & { threadId: string }): Rest {
  return range.eq("tenantId", of.tenantId).eq("userId", of.userId).eq("threadId", of.threadId);
}

/** Where rows go otherwise. */
const elsewhere = () => Promise.resolve(true);

const OF_THREAD: Record<TableNames, Remove<ThreadRows>> = {
  // Went first: it is what hides the thread. Its parts are left, and agents that name it.
  threads: async (ctx, of, batch) => (await removeParts(ctx, batch, of.threadRow)) && forgetParent(ctx, of, batch),
  serverRequests: (ctx, of, batch) =>
    removeOwners(ctx, batch, "serverRequests", ctx.db.query("serverRequests").withIndex("by_request", (q) => inThread(q, of))),
  messages: (ctx, of, batch) => removeOwners(ctx, batch, "messages", ctx.db.query("messages").withIndex("by_order", (q) => inThread(q, of))),
  // A stream's chunks are found by its head, and go before it.
  streamHeads: (ctx, of, batch) => {
    const heads = ctx.db.query("streamHeads").withIndex("by_turn", (q) => inThread(q, of));
    return removeRows(ctx, batch, "streamHeads", heads, ({ streamId }) => removeChunks(ctx, batch, of, streamId));
  },
  chunks: elsewhere,
  streams: (ctx, of, batch) => removeRows(ctx, batch, "streams", ctx.db.query("streams").withIndex("by_turn", (q) => inThread(q, of))),
  checkpoints: (ctx, of, batch) => removeRows(ctx, batch, "checkpoints", ctx.db.query("checkpoints").withIndex("by_readers", (q) => inThread(q, of))),
  turns: (ctx, of, batch) => removeOwners(ctx, batch, "turns", ctx.db.query("turns").withIndex("by_turn", (q) => inThread(q, of))),
  turnKeys: (ctx, of, batch) => removeRows(ctx, batch, "turnKeys", ctx.db.query("turnKeys").withIndex("by_key", (q) => inThread(q, of))),
  tokenUsage: (ctx, of, batch) => removeRows(ctx, batch, "tokenUsage", ctx.db.query("tokenUsage").withIndex("by_order", (q) => inThread(q, of))),
  quarantine: (ctx, of, batch) => removeOwners(ctx, batch, "quarantine", ctx.db.query("quarantine").withIndex("by_thread", (q) => inThread(q, of))),
  sessions: (ctx, of, batch) => removeRows(ctx, batch, "sessions", ctx.db.query("sessions").withIndex("by_epoch", (q) => inThread(q, of))),
  lifecycleMarks: (ctx, of, batch) =>
    removeRows(ctx, batch, "lifecycleMarks", ctx.db.query("lifecycleMarks").withIndex("by_thread", (q) => inThread(q, of))),
  lifecycleIds: (ctx, of, batch) =>
    removeRows(ctx, batch, "lifecycleIds", ctx.db.query("lifecycleIds").withIndex("by_event", (q) => inThread(q, of))),
  // Went with the thread's row.
  bindings: elsewhere,
  deletedTurns: (ctx, of, batch) => removeRows(ctx, batch, "deletedTurns", ctx.db.query("deletedTurns").withIndex("by_turn", (q) => inThread(q, of))),
  commands: (ctx, of, batch) => removeOwners(ctx, batch, "commands", ctx.db.query("commands").withIndex("by_order", (q) => inThread(q, of))),
  // Counted down with the thread's row.
  tallies: elsewhere,
  // Went with the thread's row: no beat names it again.
  presence: elsewhere,
  // Of the user's machines: they go with all of the user's.
  deviceTokens: elsewhere,
  // Jobs that deleted turns of it are done with it: what they know of alone goes here.
  deletions: endJobs,
  imports: (ctx, of, batch) => removeRows(ctx, batch, "imports", ctx.db.query("imports").withIndex("by_thread", (q) => inThread(q, of))),
  // A job that copies it, or into it, has failed; one that did is done.
  forks: (ctx, of, batch) => forgetForks(ctx, of, batch),
  parts: elsewhere,
  // Stays, and names nobody.
  tombstones: elsewhere,
};

const OF_TURN: Record<TableNames, Remove<TurnRows>> = {
  // Went first: it is what hides the turn, with its place in the thread. Its parts are left.
  turns: (ctx, of, batch) => removeParts(ctx, batch, of.turn.row),
  serverRequests: (ctx, of, batch) =>
    removeOwners(ctx, batch, "serverRequests", ctx.db.query("serverRequests").withIndex("by_item", (q) => inThread(q, of).eq("turnId", of.turn.turnId))),
  messages: (ctx, of, batch) =>
    removeOwners(ctx, batch, "messages", ctx.db.query("messages").withIndex("by_turn", (q) => inThread(q, of).eq("turnId", of.turn.turnId))),
  // Heads went with the turn: the streams that they told of are `streams` of the job.
  streamHeads: elsewhere,
  chunks: async (ctx, of, batch) => {
    for (const streamId of [...of.streams]) {
      if (!(await removeChunks(ctx, batch, of, streamId, of.turn.turnId))) return false;
      const checkpoints = ctx.db.query("checkpoints").withIndex("by_readers", (q) => inThread(q, of).eq("streamId", streamId));
      if (!(await removeRows(ctx, batch, "checkpoints", checkpoints))) return false;
      of.streams.shift();
    }
    return true;
  },
  checkpoints: elsewhere,
  streams: (ctx, of, batch) =>
    removeRows(ctx, batch, "streams", ctx.db.query("streams").withIndex("by_turn", (q) => inThread(q, of).eq("turnId", of.turn.turnId))),
  // Each is of the id that the turn was asked for by.
  turnKeys: async (ctx, of, batch) => {
    for (const id of idsOf(of.turn)) {
      const keys = ctx.db.query("turnKeys").withIndex("by_turn", (q) => inThread(q, of).eq("turnId", id));
      if (!(await removeRows(ctx, batch, "turnKeys", keys))) return false;
    }
    return true;
  },
  tokenUsage: async (ctx, of, batch) => {
    const ofThread = await findUsage(ctx, of, of.threadId, "thread");
    // What the thread used, it used.
    if (ofThread?.turnId === of.turn.turnId) await ctx.db.patch("tokenUsage", ofThread._id, { turnId: undefined });
    const ofTurn = ctx.db.query("tokenUsage").withIndex("by_order", (q) => inThread(q, of).eq("of", "turn").eq("turnOrder", of.turn.turnOrder));
    return removeRows(ctx, batch, "tokenUsage", ofTurn);
  },
  quarantine: (ctx, of, batch) =>
    removeOwners(ctx, batch, "quarantine", ctx.db.query("quarantine").withIndex("by_turn", (q) => inThread(q, of).eq("turnId", of.turn.turnId))),
  // What it was asked by, a command that waits with it, and those that are about it.
  commands: async (ctx, of, batch) => {
    const commands = () => ctx.db.query("commands");
    for (const id of idsOf(of.turn)) {
      const asked = commands().withIndex("by_turn", (q) => inThread(q, of).eq("turnId", id));
      const waiting = commands().withIndex("by_client_turn", (q) => inThread(q, of).eq("clientTurnId", id));
      const about = commands().withIndex("by_about", (q) => inThread(q, of).eq("aboutTurnId", id));
      for (const rows of [asked, waiting, about]) if (!(await removeOwners(ctx, batch, "commands", rows))) return false;
    }
    return true;
  },
  // Of the thread, and not of a turn.
  threads: elsewhere,
  sessions: elsewhere,
  lifecycleMarks: elsewhere,
  lifecycleIds: elsewhere,
  bindings: elsewhere,
  tallies: elsewhere,
  presence: elsewhere,
  deviceTokens: elsewhere,
  deletions: elsewhere,
  imports: elsewhere,
  forks: elsewhere,
  parts: elsewhere,
  // What says that the turn was deleted.
  deletedTurns: elsewhere,
  tombstones: elsewhere,
};

/** A batch of a thread's rows, whose own row went before; answers whether none is left. */
export const removeThreadRows = (ctx: WriteCtx, of: ThreadRows, batch: Batch): Promise<boolean> => removeAll(OF_THREAD, ctx, of, batch);

/** A batch of a turn's rows, whose own row went before with its heads; answers whether none is left. */
export const removeTurnRows = (ctx: WriteCtx, of: TurnRows, batch: Batch): Promise<boolean> => removeAll(OF_TURN, ctx, of, batch);

async function removeAll<Of>(tables: Record<TableNames, Remove<Of>>, ctx: WriteCtx, of: Of, batch: Batch): Promise<boolean> {
  for (const remove of Object.values(tables)) {
    if (!(await remove(ctx, of, batch))) return false;
  }
  return true;
}

/** Whether the batch has room for a row; takes it. */
function takes(batch: Batch, row: object): boolean {
  if (batch.rows <= 0 || batch.units <= 0) return false;
  batch.rows -= 1;
  batch.units -= JSON.stringify(row).length;
  batch.deleted += 1;
  return true;
}

/** Takes threads out of what a user's runtimes have told: their next beat may never come, and names none that is not there. */
export async function forgetInPresence(ctx: WriteCtx, scope: Scope, threadIds: readonly string[]): Promise<void> {
  for (const { _id, threads } of await runtimesFrom(ctx, scope)) {
    const left = threads.filter(({ threadId }) => !threadIds.includes(threadId));
    if (left.length < threads.length) await ctx.db.patch("presence", _id, { threads: left });
  }
}

/** Takes rows away, each behind what belongs to it, as long as the batch lasts. */
async function removeRows<Table extends TableNames>(
  ctx: WriteCtx,
  batch: Batch,
  table: Table,
  rows: AsyncIterable<Doc<Table>>,
  before: (row: Doc<Table>) => Promise<boolean> = elsewhere,
): Promise<boolean> {
  for await (const row of rows) {
    if (!(await before(row)) || !takes(batch, row)) return false;
    await ctx.db.delete(table, row._id);
  }
  return true;
}

/** Takes rows away that have parts. */
function removeOwners<Table extends "messages" | "chunks" | "quarantine" | "serverRequests" | "turns" | "commands">(
  ctx: WriteCtx,
  batch: Batch,
  table: Table,
  rows: AsyncIterable<Doc<Table>>,
): Promise<boolean> {
  return removeRows(ctx, batch, table, rows, ({ _id }) => removeParts(ctx, batch, _id as Doc<"parts">["owner"]));
}

function removeParts(ctx: WriteCtx, batch: Batch, owner: Doc<"parts">["owner"]): Promise<boolean> {
  return removeRows(ctx, batch, "parts", ctx.db.query("parts").withIndex("by_owner", (q) => q.eq("owner", owner)));
}

/** The chunks of a stream: those of the thread, or of the one turn. */
function removeChunks(ctx: WriteCtx, batch: Batch, of: Scope & { threadId: string }, streamId: string, turnId?: string): Promise<boolean> {
  const chunks = ctx.db.query("chunks").withIndex("by_start", (q) => q.eq("tenantId", of.tenantId).eq("userId", of.userId).eq("streamId", streamId));
  return removeOwners(ctx, batch, "chunks", ofTurn(chunks, of.threadId, turnId));
}

/** A stream's id may be used again when its head is gone: what came since stays. */
async function* ofTurn(chunks: AsyncIterable<Doc<"chunks">>, threadId: string, turnId?: string) {
  for await (const chunk of chunks) {
    if (chunk.threadId === threadId && (turnId === undefined || chunk.turnId === turnId)) yield chunk;
  }
}

/** Ends the thread's other jobs; first goes what they alone know of. */
async function endJobs(ctx: WriteCtx, of: ThreadRows, batch: Batch): Promise<boolean> {
  const { job, tenantId, userId, threadId } = of;
  const jobs = ctx.db.query("deletions").withIndex("by_thread", (q) => inThread(q, of));
  for await (const other of jobs) {
    if (other._id === job) continue;
    const streams = [...(other.streams ?? [])];
    const { turn } = other;
    const isEmpty = turn === undefined || (await removeTurnRows(ctx, { tenantId, userId, threadId, turn, streams }, batch));
    if (!isEmpty) {
      await ctx.db.patch("deletions", other._id, { streams });
      return false;
    }
    await endJob(ctx, other, "completed", batch.nowMs, batch.expiresAt);
  }
  return true;
}

/** Ends a job: its row names nothing any more. */
export function endJob(ctx: WriteCtx, job: Doc<"deletions">, state: "completed" | "cancelled", nowMs: number, expiresAt: number): Promise<void> {
  const names = { threadId: undefined, turnId: undefined, from: undefined, to: undefined, reason: undefined };
  const progress = { threadRow: undefined, tombstone: undefined, turn: undefined, streams: undefined, after: undefined, dueAt: undefined };
  return ctx.db.patch("deletions", job._id, { ...names, ...progress, state, endedAt: nowMs, expiresAt });
}
