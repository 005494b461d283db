/** The batches of forks: each call copies one, and schedules the next. What nobody went on with, the sweep takes up. */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";
import { sweepDue, vAfter } from "./model/due.js";
import { step as doStep } from "./model/forks.js";

/** Copies the next batch of a fork, if that is due at `dueAt` and nobody went on with it since. */
export const step = internalMutation({
  args: { job: v.id("forks"), dueAt: v.number() },
  returns: v.object({ copied: v.number(), hasMore: v.boolean() }),
  handler: (ctx, { job, dueAt }): Promise<{ copied: number; hasMore: boolean }> => doStep(ctx, job, dueAt),
});

/** Takes up forks that nobody goes on with: after a crash, or a batch that failed. */
export const goOn = internalMutation({
  args: { after: v.optional(vAfter) },
  returns: v.object({ takenUp: v.number(), hasMore: v.boolean() }),
  handler: async (ctx, { after }): Promise<{ takenUp: number; hasMore: boolean }> => {
    const { asked: takenUp, hasMore } = await sweepDue(ctx, "forks", after, {
      ask: (job, dueAt) => ctx.scheduler.runAfter(0, internal.forks.step, { job, dueAt }),
      goOn: (after) => ctx.scheduler.runAfter(0, internal.forks.goOn, { after }),
    });
    return { takenUp, hasMore };
  },
});
