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

async function deleteExpired(ctx: MutationCtx, table: "checkpoints" | "lifecycleIds", again: Sweep): Promise<Deleted> {
  const nowMs = Date.now();
  const due = await ctx.db
    .query(table)
    .withIndex("by_expiry", (q) => q.lte("expiresAt", nowMs))
    .take(ROWS_MAX);
  for (const row of due) await ctx.db.delete(table, row._id);
  const hasMore = due.length === ROWS_MAX;
  if (hasMore) await ctx.scheduler.runAfter(0, again, {});
  return { deleted: due.length, hasMore };
}
