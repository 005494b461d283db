/** What a reader of streams gets: windows by the core, what lies in them by cursor. */
import { core, type RuntimeOptions, type Window } from "../../js-wrapper/core/index.js";
import type { Doc } from "../_generated/dataModel.js";
import { findHead } from "./load.js";
import { payloadOf } from "./messages.js";
import { readParts } from "./parts.js";
import { RunJoiner, chunksFrom, whole } from "./runs.js";
import type { ReadCtx, Scope } from "./scope.js";

/** Streams that are listed of a thread. */
export const STREAMS_LISTED_MAX = 200;

/** UTF-16 units of chunks that one answer reads, shared by its streams; of each stream one chunk at least. */
const REPLAY_UNITS_MAX = 4 * 1024 * 1024;
/** UTF-16 units of payloads in the snapshots of one answer. */
const SNAPSHOTS_UNITS_MAX = 4 * 1024 * 1024;

export type Cursor = { streamId: string; cursor: number };

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

type Opened = { cursor: Cursor; head: Doc<"streamHeads"> | null; chunks: Doc<"chunks">[] };

/** The windows of the streams that are asked for, and the deltas and texts that begin in them. */
export async function replay(
  ctx: ReadCtx,
  scope: Scope,
  threadId: string,
  cursors: readonly Cursor[],
  runtime: RuntimeOptions | undefined,
) {
  const chunksMax = cursors.length === 0 ? 0 : core().chunksToLoad(runtime);
  const opened = await Promise.all(cursors.map((cursor) => open(ctx, scope, threadId, cursor, chunksMax, REPLAY_UNITS_MAX / cursors.length)));
  const windows = cursors.length === 0 ? [] : windowsOf(opened, runtime);
  const read = await Promise.all(opened.map((stream, at) => readWithin(ctx, stream, windows[at])));
  return {
    streamWindows: opened.map(({ cursor }, at) => ({
      streamId: cursor.streamId,
      status: windows[at]?.status ?? ("stale" as const),
      serverCursorStart: windows[at]?.start ?? cursor.cursor,
      serverCursorEnd: windows[at]?.end ?? cursor.cursor,
    })),
    nextCheckpoints: opened.map(({ cursor }, at) => ({ streamId: cursor.streamId, cursor: windows[at]?.next ?? cursor.cursor })),
    deltas: read.flatMap((stream) => stream.deltas),
    texts: read.flatMap((stream) => stream.texts),
    items: read.flatMap((stream) => stream.items),
  };
}

/** The newest state of the items that were named in what a reader got. */
export async function snapshotsOf(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string, items: readonly NamedItem[]) {
  const distinct = [...new Map(items.map((item) => [JSON.stringify([item.turnId, item.itemId]), item])).values()];
  const found = await Promise.all(
    distinct.map(async ({ turnId, itemId, streamId }) => {
      const message = await ctx.db
        .query("messages")
        .withIndex("by_item", (q) =>
          q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("turnId", turnId).eq("itemId", itemId),
        )
        .order("desc")
        .first();
      return message === null ? null : { message, streamId };
    }),
  );
  const snapshots = [];
  let left = SNAPSHOTS_UNITS_MAX;
  for (const { message, streamId } of found.filter((item) => item !== null)) {
    const { itemId, sourceItemType: itemType, status, turnId } = message;
    const { payloadJson } = await payloadOf(ctx, message, left);
    left -= payloadJson.length;
    snapshots.push({ itemId, itemType, status, payloadJson, turnId, streamId });
  }
  return snapshots;
}

type NamedItem = { streamId: string; turnId: string; itemId: string };

async function open(ctx: ReadCtx, scope: Scope, threadId: string, cursor: Cursor, chunksMax: number, unitsMax: number): Promise<Opened> {
  const found = await findHead(ctx, scope, cursor.streamId);
  const head = found?.threadId === threadId ? found : null;
  const chunks: Doc<"chunks">[] = [];
  let units = 0;
  if (head !== null && cursor.cursor < head.latest) {
    for await (const chunk of chunksFrom(ctx, scope, cursor.streamId, Math.max(cursor.cursor, 0))) {
      chunks.push(chunk);
      units += chunk.weight;
      if (chunks.length >= chunksMax || units >= unitsMax) break;
    }
  }
  return { cursor, head, chunks };
}

function windowsOf(opened: readonly Opened[], runtime: RuntimeOptions | undefined): Window[] {
  return core().readWindow({
    runtime,
    streams: opened.map(({ cursor, head, chunks }) => ({
      requested: cursor.cursor,
      latest: head?.latest ?? 0,
      chunks: chunks.map((chunk) => ({
        range: { start: chunk.cursorStart, end: chunk.cursorEnd },
        kept: chunk.kept.map((kept) => ({ start: kept.cursorStart, end: kept.cursorEnd })),
      })),
    })),
  }).windows;
}

async function readWithin(ctx: ReadCtx, { cursor: { streamId }, chunks }: Opened, window: Window | undefined) {
  const deltas: { streamId: string; cursorStart: number; cursorEnd: number; kind: string; payloadJson: string }[] = [];
  const texts: { streamId: string; turnId: string; messageId: string; channel: "text" | "output"; cursorStart: number; cursorEnd: number; text: string }[] = [];
  const items: NamedItem[] = [];
  const joiners = new Map<string, RunJoiner>();
  const inside = (start: number) => window !== undefined && start >= window.start && start < window.end;
  for (const chunk of chunks) {
    for (const [at, { cursorStart, cursorEnd, kind, payloadJson }] of chunk.kept.entries()) {
      if (!inside(cursorStart)) continue;
      const payload = payloadJson ?? (await readParts(ctx, chunk._id, `kept:${String(at)}`));
      deltas.push({ streamId, cursorStart, cursorEnd, kind, payloadJson: payload });
    }
    for (const [at, run] of chunk.runs.entries()) {
      if (!inside(run.cursorStart)) continue;
      const { messageId, channel, cursorStart, cursorEnd } = run;
      const key = JSON.stringify([messageId, channel]);
      const joiner = joiners.get(key) ?? new RunJoiner();
      joiners.set(key, joiner);
      const text = joiner.join(await whole(ctx, chunk, run, at));
      texts.push({ streamId, turnId: chunk.turnId, messageId, channel, cursorStart, cursorEnd, text });
    }
    if (inside(chunk.cursorStart)) items.push(...chunk.itemIds.map((itemId) => ({ streamId, turnId: chunk.turnId, itemId })));
  }
  return { deltas, texts, items };
}
