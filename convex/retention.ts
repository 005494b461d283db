/** Sweeps of rows that carry their own expiry. Each call does a batch, and says whether there is more. */
import { v } from "convex/values";
import type { FunctionReference, RegisteredMutation } from "convex/server";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";

/** Rows that one call deletes. */
const ROWS_MAX = 500;

const vDeleted = v.object({ deleted: v.number(), hasMore: v.boolean() });
type Deleted = { deleted: number; hasMore: boolean };
type Expiring = "presence" | "deviceTokens" | "checkpoints" | "lifecycleIds" | "tombstones" | "deletedTurns" | "deletions" | "forks";
type Sweep = RegisteredMutation<"internal", Record<string, never>, Promise<Deleted>>;

/** Checkpoints that were not raised for a week. */
export const cleanupCheckpoints: Sweep = sweepOf("checkpoints", () => internal.retention.cleanupCheckpoints);
/** Ids of lifecycle events that are not the bridge's. */
export const cleanupLifecycleIds: Sweep = sweepOf("lifecycleIds", () => internal.retention.cleanupLifecycleIds);
/** Threads that were deleted, when nothing of them can come any more. */
export const cleanupTombstones: Sweep = sweepOf("tombstones", () => internal.retention.cleanupTombstones);
/** Turns that were deleted. */
export const cleanupDeletedTurns: Sweep = sweepOf("deletedTurns", () => internal.retention.cleanupDeletedTurns);
/** Deletions that ended a week ago. */
export const cleanupDeletions: Sweep = sweepOf("deletions", () => internal.retention.cleanupDeletions);
/** Tokens of devices that hold no more. */
export const cleanupDeviceTokens: Sweep = sweepOf("deviceTokens", () => internal.retention.cleanupDeviceTokens);
/** Runtimes that have not beaten for a month. */
export const cleanupPresence: Sweep = sweepOf("presence", () => internal.retention.cleanupPresence);
/** Forks that ended a week ago. */
export const cleanupForks: Sweep = sweepOf("forks", () => internal.retention.cleanupForks);

/** Deletes the rows of a table that have expired; `again` is the function that this makes. */
function sweepOf(table: Expiring, again: () => FunctionReference<"mutation", "internal">): Sweep {
  return internalMutation({
    args: {},
    returns: vDeleted,
    handler: async (ctx): Promise<Deleted> => {
      const nowMs = Date.now();
      const due = await ctx.db
        .query(table)
        .withIndex("by_expiry", (q) => q.gt("expiresAt", 0).lte("expiresAt", nowMs))
        .take(ROWS_MAX);
      for (const { _id } of due) await ctx.db.delete(table, _id);
      const hasMore = due.length === ROWS_MAX;
      if (hasMore) await ctx.scheduler.runAfter(0, again(), {});
      return { deleted: due.length, hasMore };
    },
  });
}
