/** A thread's turns, as lists have them. */
import type { Doc } from "../_generated/dataModel.js";
import type { ReadCtx } from "./scope.js";
import { takeShown } from "./visible.js";

/** Turns that a list of a thread's newest has. */
export const TURNS_LISTED_MAX = 50;

/** The newest turns that are shown, newest first. */
export function newestTurns(ctx: ReadCtx, thread: Doc<"threads">, max: number): Promise<Doc<"turns">[]> {
  const { tenantId, userId, threadId } = thread;
  return takeShown(thread, max, ({ from, to }, left) =>
    ctx.db
      .query("turns")
      .withIndex("by_order", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).gte("turnOrder", from).lt("turnOrder", to))
      .order("desc")
      .take(left),
  );
}

/** A turn that another one's row goes on with is that one. */
export function isItsOwn({ sameRunAs }: Doc<"turns">): boolean {
  return sameRunAs === undefined;
}
