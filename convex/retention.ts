/** Sweeps of rows that carry their own expiry. Each call does a batch, and says whether there is more. */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";

/** Rows that one call deletes. */
const ROWS_MAX = 500;

const vDeleted = v.object({ deleted: v.number(), hasMore: v.boolean() });
type Deleted = { deleted: number; hasMore: boolean };

/** Deletes checkpoints that were not raised for a week. */
export const cleanupCheckpoints = internalMutation({
  args: {},
  returns: vDeleted,
  handler: async (ctx): Promise<Deleted> => {
    const nowMs = Date.now();
    const due = await ctx.db
      .query("checkpoints")
      .withIndex("by_expiry", (q) => q.lte("expiresAt", nowMs))
      .take(ROWS_MAX);
    for (const row of due) await ctx.db.delete("checkpoints", row._id);
    const hasMore = due.length === ROWS_MAX;
    if (hasMore) await ctx.scheduler.runAfter(0, internal.retention.cleanupCheckpoints, {});
    return { deleted: due.length, hasMore };
  },
});

/** Forgets ids of lifecycle events that are not the bridge's. */
export const cleanupLifecycleIds = internalMutation({
  args: {},
  returns: vDeleted,
  handler: async (ctx): Promise<Deleted> => {
    const nowMs = Date.now();
    const due = await ctx.db
      .query("lifecycleIds")
      .withIndex("by_expiry", (q) => q.lte("expiresAt", nowMs))
      .take(ROWS_MAX);
    for (const row of due) await ctx.db.delete("lifecycleIds", row._id);
    const hasMore = due.length === ROWS_MAX;
    if (hasMore) await ctx.scheduler.runAfter(0, internal.retention.cleanupLifecycleIds, {});
    return { deleted: due.length, hasMore };
  },
});
