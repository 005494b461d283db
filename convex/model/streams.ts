/** The streams of a thread, as lists have them. */
import type { Doc } from "../_generated/dataModel.js";
import type { ReadCtx } from "./scope.js";
import { takeShown } from "./visible.js";

/** Streams that are listed of a thread. */
export const STREAMS_LISTED_MAX = 200;

/** The thread's streams, streaming ones first, each group newest first. */
export async function listStreams(
  ctx: ReadCtx,
  thread: Doc<"threads">,
  startOrder = 0,
): Promise<Doc<"streams">[]> {
  const { tenantId, userId, threadId } = thread;
  const listed: Doc<"streams">[] = [];
  for (const state of ["streaming", "finished", "aborted"] as const) {
    const group = await takeShown(thread, STREAMS_LISTED_MAX - listed.length, ({ from, to }, left) =>
      ctx.db
        .query("streams")
        .withIndex("by_state", (q) => {
          const range = q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("state", state);
          const start = Math.max(from, startOrder);
          // One whose turn nobody knows has no place: it comes last.
          return start > 0 ? range.gte("turnOrder", start).lt("turnOrder", to) : range.lt("turnOrder", to);
        })
        .order("desc")
        .take(left),
    );
    listed.push(...group);
    if (listed.length >= STREAMS_LISTED_MAX) break;
  }
  return listed;
}
