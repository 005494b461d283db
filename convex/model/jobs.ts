/** Jobs that are done a batch at a time: each batch schedules the next, and what nobody went on with, a sweep takes up. */
import type { FunctionReference } from "convex/server";
import type { Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";

/** Jobs that one sweep takes up. */
const JOBS_MAX = 20;

type JobTable = "deletions" | "forks";
type Step = FunctionReference<"mutation", "internal", { job: Id<JobTable> }, unknown>;

/** Schedules the next batch of the jobs that are due; answers how many they are. */
export async function takeUp(ctx: MutationCtx, table: JobTable, step: Step): Promise<{ takenUp: number }> {
  const nowMs = Date.now();
  const due = await ctx.db
    .query(table)
    .withIndex("by_due", (q) => q.gt("dueAt", 0).lte("dueAt", nowMs))
    .take(JOBS_MAX);
  for (const { _id } of due) await ctx.scheduler.runAfter(0, step, { job: _id });
  return { takenUp: due.length };
}
