/** The batches of forks: each call copies one, and schedules the next. What nobody went on with, the sweep takes up. */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";
import { step as doStep } from "./model/forks.js";

/** Jobs that one sweep takes up. */
const JOBS_MAX = 20;

/** Copies the next batch of a fork, if one is due. */
export const step = internalMutation({
  args: { job: v.id("forks") },
  returns: v.object({ copied: v.number(), hasMore: v.boolean() }),
  handler: (ctx, { job }): Promise<{ copied: number; hasMore: boolean }> => doStep(ctx, job),
});

/** Takes up forks that nobody goes on with: after a crash, or a batch that failed. */
export const goOn = internalMutation({
  args: {},
  returns: v.object({ takenUp: v.number() }),
  handler: async (ctx): Promise<{ takenUp: number }> => {
    const nowMs = Date.now();
    const due = await ctx.db
      .query("forks")
      .withIndex("by_due", (q) => q.gt("dueAt", 0).lte("dueAt", nowMs))
      .take(JOBS_MAX);
    for (const { _id: job } of due) await ctx.scheduler.runAfter(0, internal.forks.step, { job });
    return { takenUp: due.length };
  },
});
