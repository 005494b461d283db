/** Agents and the threads that began them: each has one parent at most, which is the same user's. */
import { coded } from "../errors.js";
import { checkBounds } from "./bounds.js";
import { findThread, type ReadCtx, type Scope, type WriteCtx } from "./scope.js";

/** Threads above one. SOURCE: `src/limits.rs`, ANCESTORS_MAX. */
export const ANCESTORS_MAX = 32;

/** A thread, made or not, with the parent that it has and the one that it is to have. */
type Link = { threadId: string; known: string | undefined; parentThreadId: string };

/**
 * Refuses a parent that the thread may not have. One that it has already is not looked at again.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN` where there is none, whoever else has one; `E_REQUEST_INVALID`
 */
export async function checkParent(ctx: ReadCtx, scope: Scope, { threadId, known, parentThreadId }: Link): Promise<void> {
  if (known === parentThreadId) return;
  checkBounds({ parentThreadId });
  const refused = (message: string) => coded("E_REQUEST_INVALID", message, { threadId, field: "parentThreadId" });
  if (known !== undefined) throw refused("the thread has another parent");
  let at: string | undefined = parentThreadId;
  for (let above = 0; at !== undefined; above++) {
    if (at === threadId) throw refused("a thread is not below itself");
    if (above === ANCESTORS_MAX) throw refused(`a thread has at most ${String(ANCESTORS_MAX)} above it`);
    const thread = await findThread(ctx, scope, at);
    if (thread === null && above === 0) throw coded("E_AUTH_THREAD_FORBIDDEN", "the parent does not exist for this actor", { threadId: at });
    at = thread?.parentThreadId;
  }
}

/** A deleted thread's agents forget it, a batch at a time; answers whether none is left that knows it. */
export async function forgetParent(ctx: WriteCtx, { tenantId, userId, threadId }: Scope & { threadId: string }, batch: { rows: number }): Promise<boolean> {
  const children = ctx.db
    .query("threads")
    .withIndex("by_parent", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("parentThreadId", threadId));
  for await (const { _id } of children) {
    if (batch.rows <= 0) return false;
    batch.rows -= 1;
    await ctx.db.patch("threads", _id, { parentThreadId: undefined });
  }
  return true;
}
