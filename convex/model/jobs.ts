/** Jobs that are done a batch at a time: each batch schedules the next, and what nobody went on with, a sweep takes up. */
import type { FunctionReference } from "convex/server";
import { v, type Infer } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { pageOfDue, type After } from "./due.js";

/** Jobs that one call of a sweep takes up: behind them it goes on by itself, so that none which cannot be done stands before the others. */
const JOBS_MAX = 20;

export const vTakenUp = v.object({ takenUp: v.number(), hasMore: v.boolean() });
export type TakenUp = Infer<typeof vTakenUp>;

type JobTable = "deletions" | "forks";
type Step = FunctionReference<"mutation", "internal", { job: Id<JobTable> }, unknown>;
type Sweep = FunctionReference<"mutation", "internal", { after?: After }, unknown>;

/** Schedules the next batch of the jobs that are due, and where there are more than a page of them the sweep of the next page. */
export async function takeUp(
  ctx: MutationCtx,
  table: JobTable,
  { step, sweep, after }: { step: Step; sweep: Sweep; after: After | undefined },
): Promise<TakenUp> {
  const nowMs = Date.now();
  const jobs = () => ctx.db.query(table);
  const due = {
    at: (dueAt: number, createdAfter: number) => jobs().withIndex("by_due", (q) => q.eq("dueAt", dueAt).gt("_creationTime", createdAfter)),
    behind: (dueAt: number) => jobs().withIndex("by_due", (q) => q.gt("dueAt", dueAt).lte("dueAt", nowMs)),
    timeOf: ({ dueAt }: Doc<JobTable>) => dueAt,
  };
  const { rows, next } = await pageOfDue<Doc<JobTable>>(due, after, ({ length }) => length >= JOBS_MAX);
  for (const { _id } of rows) await ctx.scheduler.runAfter(0, step, { job: _id });
  if (next !== undefined) await ctx.scheduler.runAfter(0, sweep, { after: next });
  return { takenUp: rows.length, hasMore: next !== undefined };
}
