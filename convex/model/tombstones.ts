/** Tombstones: what says that a thread was deleted. They are looked at only where a thread is not there. */
import { planMake, tombstonesOf, type Buried } from "../../js-wrapper/core/threads.js";
import { given } from "../../js-wrapper/given.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import { decide } from "./core.js";
import type { ReadCtx, Scope, WriteCtx } from "./scope.js";

type Tombstone = Doc<"tombstones">;

export async function findTombstone(ctx: ReadCtx, scope: Scope, buried: Buried): Promise<Tombstone | null> {
  const [hash = ""] = decide(() => tombstonesOf(scope, [buried]));
  return findByHash(ctx, hash);
}

export function findByHash(ctx: ReadCtx, hash: string): Promise<Tombstone | null> {
  return ctx.db
    .query("tombstones")
    .withIndex("by_hash", (q) => q.eq("hash", hash))
    .unique();
}

/**
 * Leaves tombstones, or moves the ends of those that are there; without an end, rows are left.
 *
 * @returns their ids, in order
 */
export async function bury(ctx: WriteCtx, scope: Scope, buried: readonly (Buried & { expiresAt?: number })[]): Promise<Id<"tombstones">[]> {
  if (buried.length === 0) return [];
  const hashes = decide(() => tombstonesOf(scope, buried));
  const ids: Id<"tombstones">[] = [];
  for (const [at, { expiresAt }] of buried.entries()) {
    const hash = hashes[at] ?? "";
    const before = await findByHash(ctx, hash);
    if (before !== null) await ctx.db.patch("tombstones", before._id, { expiresAt });
    ids.push(before?._id ?? (await ctx.db.insert("tombstones", { hash, ...given({ expiresAt }) })));
  }
  return ids;
}

/** Why a thread that is not there may not be made, in words; null where it may. `hash` is its tombstone's name, where it is known. */
export async function whyNotMade(ctx: ReadCtx, scope: Scope, threadId: string, nowMs: number, hash?: string): Promise<string | null> {
  const tombstone = hash === undefined ? await findTombstone(ctx, scope, { what: "thread", id: threadId }) : await findByHash(ctx, hash);
  // Without one there is nothing to decide.
  if (tombstone === null) return null;
  const answer = decide(() => planMake(tombstone, false, nowMs));
  return answer.type === "rejected" ? answer.message : null;
}

/**
 * Clears the way for a thread, or an app's name for one, that is not there: a tombstone goes where its maker says so.
 *
 * @throws `E_THREAD_DELETED`
 */
export async function clearWay(ctx: WriteCtx, scope: Scope, buried: Buried, recreate: boolean): Promise<void> {
  await clearTombstone(ctx, await findTombstone(ctx, scope, buried), buried, recreate);
}

/** The same, of a tombstone that was looked for. */
export async function clearTombstone(ctx: WriteCtx, tombstone: Tombstone | null, { what, id }: Buried, recreate: boolean): Promise<void> {
  if (tombstone === null) return;
  const answer = decide(() => planMake(tombstone, recreate, Date.now()));
  if (answer.type === "rejected") {
    const named = what === "thread" ? { threadId: id } : { externalThreadId: id };
    throw coded(answer.code, answer.message, { retryable: answer.retryable, ...named });
  }
  await ctx.db.delete("tombstones", tombstone._id);
}
