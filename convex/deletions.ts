/** The batches of deletions: each call does one, and schedules the next. What nobody went on with, the sweep takes up. */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";
import { step as doStep } from "./model/deletion.js";
import { sweepDue, vAfter } from "./model/due.js";

/** Does the next batch of a deletion, if that is due at `dueAt` and nobody went on with it since. */
export const step = internalMutation({
  args: { job: v.id("deletions"), dueAt: v.number() },
  returns: v.object({ deleted: v.number(), hasMore: v.boolean() }),
  handler: (ctx, { job, dueAt }): Promise<{ deleted: number; hasMore: boolean }> => doStep(ctx, job, dueAt),
});

/** Takes up deletions that are due and that nobody goes on with: after a crash, or a batch that failed. */
export const goOn = internalMutation({
  args: { after: v.optional(vAfter) },
  returns: v.object({ takenUp: v.number(), hasMore: v.boolean() }),
  handler: async (ctx, { after }): Promise<{ takenUp: number; hasMore: boolean }> => {
    const { asked: takenUp, hasMore } = await sweepDue(ctx, "deletions", after, {
      ask: (job, dueAt) => ctx.scheduler.runAfter(0, internal.deletions.step, { job, dueAt }),
      goOn: (after) => ctx.scheduler.runAfter(0, internal.deletions.goOn, { after }),
    });
    return { takenUp, hasMore };
  },
});
