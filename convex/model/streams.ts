/** The streams of a thread, as lists have them. */
import type { Doc } from "../_generated/dataModel.js";
import { streamsOfTurn } from "./load.js";
import { findStream, type ReadCtx } from "./scope.js";
import { isHidden, takeShown } from "./visible.js";

/** Streams that are listed of a thread. */
const STREAMS_LISTED_MAX = 200;

const STATES = ["streaming", "finished", "aborted"] as const;

/** The thread's streams, streaming ones first, each group newest first. */
export async function listStreams(ctx: ReadCtx, thread: Doc<"threads">, startOrder = 0): Promise<Doc<"streams">[]> {
  const listed: Doc<"streams">[] = [];
  for (const state of STATES) {
    listed.push(...(await streamsIn(ctx, thread, state, startOrder, STREAMS_LISTED_MAX - listed.length)));
    if (listed.length >= STREAMS_LISTED_MAX) break;
  }
  return listed;
}

/** The streams that are streaming, newest first, then those that are asked for and are not: what their reader needs, whatever has ended. */
export async function listLiveStreams(ctx: ReadCtx, thread: Doc<"threads">, asked: readonly string[]): Promise<Doc<"streams">[]> {
  const live = await streamsIn(ctx, thread, "streaming", 0, STREAMS_LISTED_MAX);
  const known = new Set(live.map(({ streamId }) => streamId));
  const others = [...new Set(asked)].filter((streamId) => !known.has(streamId)).slice(0, STREAMS_LISTED_MAX - live.length);
  const found = await Promise.all(others.map((streamId) => findStream(ctx, thread, thread.threadId, streamId)));
  return [...live, ...found.filter((stream) => stream !== null).filter(({ turnOrder }) => !isHidden(thread, turnOrder))];
}

/**
 * A turn's own stream, whose cursors order its items (`src/ingest/streams.rs`): the bridge makes its name of Codex's for the thread,
 * which is Convex's only where the app has none of its own, and which may have become known, or another, since the stream began.
 */
export async function mainStreamOf(ctx: ReadCtx, thread: Doc<"threads">, turnId: string): Promise<string> {
  const { threadId, localThreadId = threadId } = thread;
  const suffix = `:${turnId}:0`;
  const own = `${localThreadId}${suffix}`;
  const listed = await streamsOfTurn(ctx, thread, threadId, turnId);
  const ids = listed.map(({ streamId }) => streamId).filter((streamId) => streamId.endsWith(suffix));
  return ids.includes(own) ? own : (ids.at(-1) ?? own);
}

function streamsIn(ctx: ReadCtx, thread: Doc<"threads">, state: (typeof STATES)[number], startOrder: number, max: number): Promise<Doc<"streams">[]> {
  const { tenantId, userId, threadId } = thread;
  return takeShown(thread, max, ({ from, to }, left) =>
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
}
