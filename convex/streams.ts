/** Sweeps of streams: chunks that have expired, streams that have finished. Each call does a batch, and says whether there is more. */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import type { Doc } from "./_generated/dataModel.js";
import { internalMutation, internalQuery, type MutationCtx } from "./_generated/server.js";
import { findTurn } from "./model/scope.js";
import { endTurn } from "./model/silence.js";
import { TRIM_CHUNKS_MAX, trimStream } from "./model/trim.js";

/** Checkpoints that one call deletes with their stream. */
const CHECKPOINTS_MAX = 500;
/** Streams whose facts one audit looks at, where it is not asked for fewer. */
const AUDIT_SAMPLE = 100;

const vCleaned = v.object({ deletedDeltas: v.number(), streamDeleted: v.boolean(), hasMore: v.boolean() });
type Cleaned = { deletedDeltas: number; streamDeleted: boolean; hasMore: boolean };

/** Deletes chunks of one stream that have expired and lie below the folds of the texts in them; folds those first. */
export const cleanupExpiredDeltas = internalMutation({
  args: { nowMs: v.optional(v.number()), batchSize: v.optional(v.number()) },
  returns: v.object({ deleted: v.number(), hasMore: v.boolean() }),
  handler: async (ctx, args): Promise<{ deleted: number; hasMore: boolean }> => {
    const nowMs = args.nowMs ?? Date.now();
    const firstDue = () =>
      ctx.db
        .query("chunks")
        .withIndex("by_expiry", (q) => q.lte("expiresAt", nowMs))
        .first();
    const due = await firstDue();
    if (due === null) return { deleted: 0, hasMore: false };
    const { deleted, moved } = await trimStream(ctx, due, batchOf(args.batchSize), { due, nowMs });
    const hasMore = moved && (await firstDue()) !== null;
    if (hasMore) await ctx.scheduler.runAfter(0, internal.streams.cleanupExpiredDeltas, args);
    return { deleted, hasMore };
  },
});

/** Cleans up the finished stream that is due first. */
export const cleanupFinishedStreams = internalMutation({
  args: { batchSize: v.optional(v.number()) },
  returns: vCleaned,
  handler: async (ctx, args): Promise<Cleaned> => {
    const nowMs = Date.now();
    const firstDue = () =>
      ctx.db
        .query("streams")
        .withIndex("by_expiry", (q) => q.gt("expiresAt", 0).lte("expiresAt", nowMs))
        .first();
    const stream = await firstDue();
    if (stream === null) return { deletedDeltas: 0, streamDeleted: false, hasMore: false };
    const cleaned = await cleanUp(ctx, stream, nowMs, args.batchSize);
    const hasMore = cleaned.hasMore || (await firstDue()) !== null;
    if (hasMore) await ctx.scheduler.runAfter(0, internal.streams.cleanupFinishedStreams, args);
    return { ...cleaned, hasMore };
  },
});

/** Cleans up one stream that has finished and is due: its chunks, its readers' checkpoints, its row; its head stays. */
export const cleanupFinishedStream = internalMutation({
  args: { stream: v.id("streams"), batchSize: v.optional(v.number()) },
  returns: vCleaned,
  handler: async (ctx, args): Promise<Cleaned> => {
    const stream = await ctx.db.get("streams", args.stream);
    return stream === null ? { deletedDeltas: 0, streamDeleted: false, hasMore: false } : cleanUp(ctx, stream, Date.now(), args.batchSize);
  },
});

/** Ends the turn of a stream as the sweep does; a new event on the stream undoes it. */
export const timeoutStream = internalMutation({
  args: { stream: v.id("streams"), reason: v.optional(v.string()) },
  returns: v.object({ timedOut: v.boolean() }),
  handler: async (ctx, { stream: id, reason = "the stream timed out" }): Promise<{ timedOut: boolean }> => {
    const stream = await ctx.db.get("streams", id);
    const turn = stream === null ? null : await findTurn(ctx, stream, stream.threadId, stream.turnId);
    const answer = turn === null ? null : await endTurn(ctx, turn, Date.now(), reason);
    return { timedOut: answer !== null && answer.writes > 0 };
  },
});

/** Looks at the newest heads of a tenant: one without its turn is an orphan. */
export const auditDataHygiene = internalQuery({
  args: { tenantId: v.string(), sampleSize: v.optional(v.number()) },
  returns: v.object({ scannedStreamStats: v.number(), streamStatOrphans: v.number(), orphanStreamIds: v.array(v.string()) }),
  handler: async (ctx, { tenantId, sampleSize = AUDIT_SAMPLE }) => {
    const heads = await ctx.db
      .query("streamHeads")
      .withIndex("by_stream", (q) => q.eq("tenantId", tenantId))
      .take(Math.min(Math.max(Math.floor(sampleSize), 1), 1_000));
    const turns = await Promise.all(heads.map((head) => findTurn(ctx, head, head.threadId, head.turnId)));
    const orphanStreamIds = heads.filter((_, at) => turns[at] === null).map(({ streamId }) => streamId);
    return { scannedStreamStats: heads.length, streamStatOrphans: orphanStreamIds.length, orphanStreamIds };
  },
});

async function cleanUp(ctx: MutationCtx, stream: Doc<"streams">, nowMs: number, batchSize?: number): Promise<Cleaned> {
  const due = stream.expiresAt !== undefined && stream.expiresAt <= nowMs;
  if (!due) return { deletedDeltas: 0, streamDeleted: false, hasMore: false };
  const { deleted: deletedDeltas, moved, atEnd } = await trimStream(ctx, stream, batchOf(batchSize));
  // What a hole keeps back goes when it expires by itself.
  if (moved && !atEnd) return { deletedDeltas, streamDeleted: false, hasMore: true };
  const { tenantId, userId, threadId, streamId } = stream;
  const checkpoints = await ctx.db
    .query("checkpoints")
    .withIndex("by_readers", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("streamId", streamId))
    .take(CHECKPOINTS_MAX);
  for (const checkpoint of checkpoints) await ctx.db.delete("checkpoints", checkpoint._id);
  if (checkpoints.length === CHECKPOINTS_MAX) return { deletedDeltas, streamDeleted: false, hasMore: true };
  await ctx.db.delete("streams", stream._id);
  return { deletedDeltas, streamDeleted: true, hasMore: false };
}

function batchOf(asked = TRIM_CHUNKS_MAX): number {
  return Math.min(Math.max(Math.floor(asked) || 1, 1), TRIM_CHUNKS_MAX);
}
