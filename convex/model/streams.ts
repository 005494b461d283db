/** The streams of a thread, as lists have them. */
import type { Doc } from "../_generated/dataModel.js";
import type { ReadCtx, Scope } from "./scope.js";

/** Streams that are listed of a thread. */
export const STREAMS_LISTED_MAX = 200;

/** The thread's streams, streaming ones first, each group newest first. */
export async function listStreams(
  ctx: ReadCtx,
  { tenantId, userId }: Scope,
  threadId: string,
  startOrder = 0,
): Promise<Doc<"streams">[]> {
  const listed: Doc<"streams">[] = [];
  for (const state of ["streaming", "finished", "aborted"] as const) {
    const group = await ctx.db
      .query("streams")
      .withIndex("by_state", (q) => {
        const range = q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("state", state);
        return startOrder > 0 ? range.gte("turnOrder", startOrder) : range;
      })
      .order("desc")
      .take(STREAMS_LISTED_MAX - listed.length);
    listed.push(...group);
    if (listed.length >= STREAMS_LISTED_MAX) break;
  }
  return listed;
}
