/**
 * Sweeps of streams: chunks that have expired, streams that have finished. A cron asks for what is due, a page at a time; each
 * stream is swept in calls of its own, a batch in each, so that one which cannot be swept stops no other.
 */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import type { Doc, Id } from "./_generated/dataModel.js";
import { internalMutation, internalQuery, type MutationCtx } from "./_generated/server.js";
import { pageOfDue, sweepDue, vAfter } from "./model/due.js";
import { findTurn } from "./model/scope.js";
import { endTurn } from "./model/silence.js";
import { TRIM_CHUNKS_MAX, trimStream } from "./model/trim.js";

/** Checkpoints that one call deletes with their stream. */
const CHECKPOINTS_MAX = 500;
/** UTF-16 units of expired chunks that one call looks at, one chunk more at most. */
const LISTED_UNITS_MAX = 1024 * 1024;
/** Streams whose facts one audit looks at, where it is not asked for fewer. */
const AUDIT_SAMPLE = 100;
const AUDIT_MAX = 1_000;

const vCleaned = v.object({ deletedDeltas: v.number(), streamDeleted: v.boolean(), hasMore: v.boolean() });
type Cleaned = { deletedDeltas: number; streamDeleted: boolean; hasMore: boolean };

/** Asks for each stream with chunks that have expired: by itself, whatever stops another. */
export const cleanupExpiredDeltas = internalMutation({
  args: { nowMs: v.optional(v.number()), batchSize: v.optional(v.number()), after: v.optional(vAfter) },
  returns: v.object({ streams: v.number(), hasMore: v.boolean() }),
  handler: async (ctx, { after, ...args }): Promise<{ streams: number; hasMore: boolean }> => {
    const nowMs = args.nowMs ?? Date.now();
    const isFull = (rows: readonly Doc<"chunks">[]) => rows.reduce((units, { weight }) => units + weight, 0) >= LISTED_UNITS_MAX;
    const { rows, next } = await pageOfDue(ctx, "chunks", after, nowMs, isFull);
    const byStream = new Map<string, Id<"chunks">[]>();
    for (const { _id, tenantId, userId, streamId } of rows) {
      const name = JSON.stringify([tenantId, userId, streamId]);
      byStream.set(name, [...(byStream.get(name) ?? []), _id]);
    }
    for (const chunks of byStream.values()) await ctx.scheduler.runAfter(0, internal.streams.cleanupExpiredStream, { ...args, chunks, nowMs });
    if (next !== undefined) await ctx.scheduler.runAfter(0, internal.streams.cleanupExpiredDeltas, { ...args, nowMs, after: next });
    return { streams: byStream.size, hasMore: next !== undefined };
  },
});

/**
 * Deletes chunks of one stream that have expired and lie below the folds of the texts in them; folds those first. A call begins
 * with the first that is left of those that are named, and takes those behind it with it.
 */
export const cleanupExpiredStream = internalMutation({
  args: { chunks: v.array(v.id("chunks")), nowMs: v.number(), batchSize: v.optional(v.number()) },
  returns: v.object({ deleted: v.number(), hasMore: v.boolean() }),
  handler: async (ctx, args): Promise<{ deleted: number; hasMore: boolean }> => {
    const { chunks, nowMs } = args;
    for (const [at, chunk] of chunks.entries()) {
      const due = await ctx.db.get("chunks", chunk);
      if (due === null) continue;
      const { deleted, moved } = await trimStream(ctx, due, batchOf(args.batchSize), { due, nowMs });
      const left = chunks.slice(moved ? at : at + 1);
      if (left.length > 0) await ctx.scheduler.runAfter(0, internal.streams.cleanupExpiredStream, { ...args, chunks: left });
      return { deleted, hasMore: left.length > 0 };
    }
    return { deleted: 0, hasMore: false };
  },
});

/** Asks for each stream that is due, having finished or because its turn is not known: by itself, whatever stops another. */
export const cleanupFinishedStreams = internalMutation({
  args: { batchSize: v.optional(v.number()), after: v.optional(vAfter) },
  returns: v.object({ streams: v.number(), hasMore: v.boolean() }),
  handler: async (ctx, { after, ...args }): Promise<{ streams: number; hasMore: boolean }> => {
    const { asked, hasMore } = await sweepDue(ctx, "streams", after, {
      ask: (stream) => ctx.scheduler.runAfter(0, internal.streams.cleanupFinishedStream, { ...args, stream }),
      goOn: (after) => ctx.scheduler.runAfter(0, internal.streams.cleanupFinishedStreams, { ...args, after }),
    });
    return { streams: asked, hasMore };
  },
});

/**
 * Cleans up one stream that is due: its chunks, its readers' checkpoints, its row. It has finished, or its turn is not known and
 * its last chunk has gone. Its head stays: what is sent again is one.
 */
export const cleanupFinishedStream = internalMutation({
  args: { stream: v.id("streams"), batchSize: v.optional(v.number()) },
  returns: vCleaned,
  handler: async (ctx, args): Promise<Cleaned> => {
    const stream = await ctx.db.get("streams", args.stream);
    if (stream === null) return { deletedDeltas: 0, streamDeleted: false, hasMore: false };
    const cleaned = await cleanUp(ctx, stream, Date.now(), args.batchSize);
    if (cleaned.hasMore) await ctx.scheduler.runAfter(0, internal.streams.cleanupFinishedStream, args);
    return cleaned;
  },
});

/** Ends the turn of a stream as the sweep does; a new event on the stream undoes it. */
export const timeoutStream = internalMutation({
  args: { stream: v.id("streams"), reason: v.optional(v.string()) },
  returns: v.object({ timedOut: v.boolean() }),
  handler: async (ctx, { stream: id, reason = "the stream timed out" }): Promise<{ timedOut: boolean }> => {
    const stream = await ctx.db.get("streams", id);
    const turn = stream === null ? null : await findTurn(ctx, stream, stream.threadId, stream.turnId);
    return { timedOut: turn !== null && (await endTurn(ctx, turn, Date.now(), reason)) > 0 };
  },
});

/**
 * Looks at heads of a tenant, the first by user and stream: one without its turn is an orphan, as long as the turn is not known. A sender
 * makes one that puts what makes no turn (usage, a diff, a plan, a warning) on the stream of a turn that it never tells of. It is
 * listed no more when its last chunk has gone; the head is kept as long as its thread, as every head.
 */
export const auditDataHygiene = internalQuery({
  args: { tenantId: v.string(), sampleSize: v.optional(v.number()) },
  returns: v.object({ scannedStreamStats: v.number(), streamStatOrphans: v.number(), orphanStreamIds: v.array(v.string()) }),
  handler: async (ctx, { tenantId, sampleSize = AUDIT_SAMPLE }) => {
    const heads = await ctx.db
      .query("streamHeads")
      .withIndex("by_stream", (q) => q.eq("tenantId", tenantId))
      .take(Math.min(Math.max(Math.floor(sampleSize) || AUDIT_SAMPLE, 1), AUDIT_MAX));
    const turns = await Promise.all(heads.map((head) => findTurn(ctx, head, head.threadId, head.turnId)));
    const orphanStreamIds = heads.filter((_, at) => turns[at] === null).map(({ streamId }) => streamId);
    return { scannedStreamStats: heads.length, streamStatOrphans: orphanStreamIds.length, orphanStreamIds };
  },
});

async function cleanUp(ctx: MutationCtx, stream: Doc<"streams">, nowMs: number, batchSize?: number): Promise<Cleaned> {
  const due = stream.expiresAt !== undefined && stream.expiresAt <= nowMs;
  if (!due || (stream.state === "streaming" && !(await isForgotten(ctx, stream, nowMs)))) {
    return { deletedDeltas: 0, streamDeleted: false, hasMore: false };
  }
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

/** Whether nobody told of a stream's turn as long as a chunk of it was kept; else it is listed on, as the turn's or until it is asked again. */
async function isForgotten(ctx: MutationCtx, stream: Doc<"streams">, nowMs: number): Promise<boolean> {
  const turn = await findTurn(ctx, stream, stream.threadId, stream.turnId);
  if (turn !== null) {
    // Its end takes the stream with it.
    await ctx.db.patch("streams", stream._id, { turnOrder: turn.turnOrder, expiresAt: undefined });
    return false;
  }
  const { tenantId, userId, streamId } = stream;
  const chunk = await ctx.db
    .query("chunks")
    .withIndex("by_start", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("streamId", streamId))
    .first();
  // One that has expired goes by its own sweep.
  if (chunk !== null && chunk.expiresAt > nowMs) await ctx.db.patch("streams", stream._id, { expiresAt: chunk.expiresAt });
  return chunk === null;
}

function batchOf(asked = TRIM_CHUNKS_MAX): number {
  return Math.min(Math.max(Math.floor(asked) || 1, 1), TRIM_CHUNKS_MAX);
}
