/** Sweeps of rows that carry their own expiry. Each call does a batch, and says whether there is more. */
import { v } from "convex/values";
import type { FunctionReference } from "convex/server";
import { internal } from "./_generated/api.js";
import { internalMutation, type MutationCtx } from "./_generated/server.js";

/** Rows that one call deletes. */
const ROWS_MAX = 500;

const vDeleted = v.object({ deleted: v.number(), hasMore: v.boolean() });
type Deleted = { deleted: number; hasMore: boolean };
type Sweep = FunctionReference<"mutation", "internal", Record<string, never>, Deleted>;

/** Deletes checkpoints that were not raised for a week. */
export const cleanupCheckpoints = internalMutation({
  args: {},
  returns: vDeleted,
  handler: (ctx): Promise<Deleted> => deleteExpired(ctx, "checkpoints", internal.retention.cleanupCheckpoints),
});

/** Forgets ids of lifecycle events that are not the bridge's. */
export const cleanupLifecycleIds = internalMutation({
  args: {},
  returns: vDeleted,
  handler: (ctx): Promise<Deleted> => deleteExpired(ctx, "lifecycleIds", internal.retention.cleanupLifecycleIds),
});

/** Forgets threads that were deleted, when nothing of them can come any more. */
export const cleanupTombstones = internalMutation({
  args: {},
  returns: vDeleted,
  handler: (ctx): Promise<Deleted> => deleteExpired(ctx, "tombstones", internal.retention.cleanupTombstones),
});

/** Forgets turns that were deleted. */
export const cleanupDeletedTurns = internalMutation({
  args: {},
  returns: vDeleted,
  handler: (ctx): Promise<Deleted> => deleteExpired(ctx, "deletedTurns", internal.retention.cleanupDeletedTurns),
});

/** Forgets deletions that ended a week ago. */
export const cleanupDeletions = internalMutation({
  args: {},
  returns: vDeleted,
  handler: (ctx): Promise<Deleted> => deleteExpired(ctx, "deletions", internal.retention.cleanupDeletions),
});

/** Forgets tokens of devices that hold no more. */
export const cleanupDeviceTokens = internalMutation({
  args: {},
  returns: vDeleted,
  handler: (ctx): Promise<Deleted> => deleteExpired(ctx, "deviceTokens", internal.retention.cleanupDeviceTokens),
});

/** Forgets runtimes that have not beaten for a month. */
export const cleanupPresence = internalMutation({
  args: {},
  returns: vDeleted,
  handler: (ctx): Promise<Deleted> => deleteExpired(ctx, "presence", internal.retention.cleanupPresence),
});

/** Forgets forks that ended a week ago. */
export const cleanupForks = internalMutation({
  args: {},
  returns: vDeleted,
  handler: (ctx): Promise<Deleted> => deleteExpired(ctx, "forks", internal.retention.cleanupForks),
});

type Expiring = "presence" | "deviceTokens" | "checkpoints" | "lifecycleIds" | "tombstones" | "deletedTurns" | "deletions" | "forks";

async function deleteExpired(ctx: MutationCtx, table: Expiring, again: Sweep): Promise<Deleted> {
  const nowMs = Date.now();
  const due = await ctx.db
    .query(table)
    .withIndex("by_expiry", (q) => q.gt("expiresAt", 0).lte("expiresAt", nowMs))
    .take(ROWS_MAX);
  for (const row of due) await ctx.db.delete(table, row._id);
  const hasMore = due.length === ROWS_MAX;
  if (hasMore) await ctx.scheduler.runAfter(0, again, {});
  return { deleted: due.length, hasMore };
}
