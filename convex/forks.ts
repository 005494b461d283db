/** The batches of forks: each call copies one, and schedules the next. What nobody went on with, the sweep takes up. */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";
import { vAfter } from "./model/due.js";
import { step as doStep } from "./model/forks.js";
import { takeUp, vTakenUp, type TakenUp } from "./model/jobs.js";

/** Copies the next batch of a fork, if one is due. */
export const step = internalMutation({
  args: { job: v.id("forks") },
  returns: v.object({ copied: v.number(), hasMore: v.boolean() }),
  handler: (ctx, { job }): Promise<{ copied: number; hasMore: boolean }> => doStep(ctx, job),
});

/** Takes up forks that nobody goes on with: after a crash, or a batch that failed. */
export const goOn = internalMutation({
  args: { after: v.optional(vAfter) },
  returns: vTakenUp,
  handler: (ctx, { after }): Promise<TakenUp> => takeUp(ctx, "forks", { step: internal.forks.step, sweep: internal.forks.goOn, after }),
});
