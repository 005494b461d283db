/**
 * How many threads each user has: a row that every thread's making and going rewrites, so that a bound on them costs one
 * row, however many there are. Bindings are bounded with them: each is made with a thread of its own, and goes with it.
 */
import type { WithoutSystemFields } from "convex/server";
import type { Doc, Id } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import type { ReadCtx, Scope, WriteCtx } from "./scope.js";

/** Threads of one user, archived ones too, until their deletion begins. SOURCE: `src/limits.rs`, THREADS_MAX. */
export const THREADS_MAX = 100_000;

export const CROWDED = { code: "E_QUOTA", message: `a user has at most ${String(THREADS_MAX)} threads` } as const;

/** How many threads a user has; null where that is none. */
export type Tally = Doc<"tallies"> | null;

/** Whether the user may have no thread more. */
export function isCrowded(tally: Tally): boolean {
  return tally !== null && tally.threads >= THREADS_MAX;
}

/**
 * Makes a thread's row.
 *
 * @param known - the count, where it was read
 * @throws `E_QUOTA`
 */
export async function insertThread(ctx: WriteCtx, thread: WithoutSystemFields<Doc<"threads">>, known?: Tally): Promise<Id<"threads">> {
  const { tenantId, userId, threadId } = thread;
  const tally = known === undefined ? await findTally(ctx, thread) : known;
  if (isCrowded(tally)) throw coded(CROWDED.code, CROWDED.message, { threadId });
  if (tally === null) await ctx.db.insert("tallies", { tenantId, userId, threads: 1 });
  else await ctx.db.patch("tallies", tally._id, { threads: tally.threads + 1 });
  return ctx.db.insert("threads", thread);
}

/** Deletes the rows of threads of a user; with the last one the count goes too. */
export async function deleteThreads(ctx: WriteCtx, scope: Scope, ids: readonly Id<"threads">[]): Promise<void> {
  for (const id of ids) await ctx.db.delete("threads", id);
  const tally = await findTally(ctx, scope);
  if (tally === null || ids.length === 0) return;
  if (tally.threads > ids.length) await ctx.db.patch("tallies", tally._id, { threads: tally.threads - ids.length });
  else await ctx.db.delete("tallies", tally._id);
}

export function findTally(ctx: ReadCtx, { tenantId, userId }: Scope): Promise<Tally> {
  return ctx.db
    .query("tallies")
    .withIndex("by_user", (q) => q.eq("tenantId", tenantId).eq("userId", userId))
    .unique();
}
