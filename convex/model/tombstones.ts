/** Tombstones: what says that a thread was deleted. They are looked at only where a thread is not there. */
import { planMake, tombstoneOf } from "../../js-wrapper/core/threads.js";
import type { Doc } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import { decide } from "./core.js";
import type { ReadCtx, Scope, WriteCtx } from "./scope.js";

type Buried = "thread" | "external";

export function findTombstone(ctx: ReadCtx, scope: Scope, what: Buried, id: string): Promise<Doc<"tombstones"> | null> {
  const hash = decide(() => tombstoneOf(what, scope, id));
  return findByHash(ctx, hash);
}

function findByHash(ctx: ReadCtx, hash: string): Promise<Doc<"tombstones"> | null> {
  return ctx.db
    .query("tombstones")
    .withIndex("by_hash", (q) => q.eq("hash", hash))
    .unique();
}

/** Leaves a tombstone, or moves the end of the one that is there; without an end, rows are left. */
export async function bury(ctx: WriteCtx, scope: Scope, what: Buried, id: string, expiresAt: number | undefined): Promise<void> {
  const hash = decide(() => tombstoneOf(what, scope, id));
  const before = await findByHash(ctx, hash);
  if (before !== null) return ctx.db.patch("tombstones", before._id, { expiresAt });
  await ctx.db.insert("tombstones", { hash, ...(expiresAt === undefined ? {} : { expiresAt }) });
}

/** Why a thread that is not there may not be made; none where it may. */
export async function whyNotMade(ctx: ReadCtx, scope: Scope, threadId: string, nowMs: number) {
  const tombstone = await findTombstone(ctx, scope, "thread", threadId);
  // Without one there is nothing to decide.
  if (tombstone === null) return null;
  const answer = decide(() => planMake(false, tombstone, false, nowMs));
  return answer.type === "rejected" ? answer : null;
}

/**
 * Clears the way for a thread, or an app's name for one, that is not there: a tombstone goes where its maker says so.
 *
 * @throws `E_THREAD_DELETED`
 */
export async function clearWay(ctx: WriteCtx, scope: Scope, what: Buried, id: string, recreate: boolean): Promise<void> {
  const tombstone = await findTombstone(ctx, scope, what, id);
  if (tombstone === null) return;
  const answer = decide(() => planMake(false, tombstone, recreate, Date.now()));
  if (answer.type === "rejected") {
    const named = what === "thread" ? { threadId: id } : { externalThreadId: id };
    throw coded(answer.code, answer.message, { retryable: answer.retryable, ...named });
  }
  await ctx.db.delete("tombstones", tombstone._id);
}
