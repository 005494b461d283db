/** What a reader of streams gets: windows by the core, what lies in them by cursor. */
import type { ReaderCall, Window } from "../../js-wrapper/core/boundary.js";
import { chunksToLoad, readWindow } from "../../js-wrapper/core/reads.js";
import type { Doc } from "../_generated/dataModel.js";
import type { Replay } from "../validators.js";
import { decide } from "./core.js";
import { findHead } from "./load.js";
import { payloadOf } from "./messages.js";
import { readParts } from "./parts.js";
import { chunksFrom, whole } from "./runs.js";
import type { ReadCtx } from "./scope.js";
import { isHidden } from "./visible.js";

/** UTF-16 units that one answer reads, of chunks, shared by its streams, and of payloads: three bytes each at most, of the 16 MiB that a query may read. */
const REPLAY_UNITS_MAX = 4 * 1024 * 1024;
/** How many of them are of payloads, where snapshots are asked for. One chunk, and one payload, may be read beyond. */
const SNAPSHOTS_UNITS_MAX = 2 * 1024 * 1024;

/** Streams that one answer reads, the first that are asked for: each takes up to three ranges of the 4,096 that a query may read. */
const STREAMS_READ_MAX = 200;
/** Runs of text that one answer holds, and those of one chunk more: below the 8,192 elements of an array. */
const RUNS_READ_MAX = 4_000;
/** Items of which one answer has snapshots, and those of one chunk more: two ranges each. */
const ITEMS_READ_MAX = 800;

const NO_HEAD: Pick<Doc<"streamHeads">, "latest" | "holes"> = { latest: 0, holes: [] };

export type Cursor = { streamId: string; cursor: number };

type Opened = { cursor: Cursor; latest: number; holes: Doc<"streamHeads">["holes"]; chunks: Doc<"chunks">[] };

/** What is left of an answer's room, shared by its streams in the order in which they are asked for. */
type Room = { streams: number; units: number; runs: number; items: number };

/** The windows of the streams that are asked for, the deltas and texts that begin in them, and where asked for the newest state of their items. */
export async function replay(
  ctx: ReadCtx,
  thread: Doc<"threads">,
  cursors: readonly Cursor[],
  reader: ReaderCall & { snapshots: boolean },
) {
  const windows = cursors.length === 0 ? [] : await openWindows(ctx, thread, cursors, reader);
  const read = await Promise.all(windows.map((stream) => readWithin(ctx, stream)));
  return {
    streamWindows: windows.map(({ streamId, window: { status, start, end }, holes }) => ({
      streamId,
      status,
      serverCursorStart: start,
      serverCursorEnd: end,
      ...holesBelow(end, holes),
    })),
    nextCheckpoints: windows.map(({ streamId, window: { next } }) => ({ streamId, cursor: next })),
    deltas: read.flatMap((stream) => stream.deltas),
    texts: read.flatMap((stream) => stream.texts),
    snapshots: reader.snapshots ? await snapshotsOf(ctx, thread, read.flatMap((stream) => stream.items)) : [],
  };
}

/** The newest state of the items that were named in what a reader got. */
async function snapshotsOf(ctx: ReadCtx, { tenantId, userId, threadId }: Doc<"threads">, items: readonly NamedItem[]) {
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

/** What a reader who has read a stream up to `readEnd` lacks of it, where that is something. */
function holesBelow(readEnd: number, holes: Opening["holes"]): { holes?: { cursorStart: number; cursorEnd: number }[] } {
  const missing = holes.filter(({ start }) => start < readEnd);
  return missing.length === 0 ? {} : { holes: missing.map(({ start, end }) => ({ cursorStart: start, cursorEnd: end })) };
}

/**
 * A stream with the chunks that an answer has room for. One that finds no room is as one that has nothing newer: its window is
 * empty. Where the room was of units, runs or items, the others' moved cursors bring it its turn; who asks for more streams than are read asks
 * for those behind in a call of their own.
 */
async function open(ctx: ReadCtx, thread: Doc<"threads">, cursor: Cursor, chunksMax: number, room: Room): Promise<Opened> {
  const chunks: Doc<"chunks">[] = [];
  const asItStands = Number.isSafeInteger(cursor.cursor) ? Math.max(cursor.cursor, 0) : 0;
  if (room.streams <= 0) return { cursor, latest: asItStands, holes: [], chunks };
  room.streams -= 1;
  const found = await findHead(ctx, thread, cursor.streamId);
  const { latest, holes } = found?.threadId === thread.threadId && !isHidden(thread, found.turnOrder) ? found : NO_HEAD;
  const full = () => room.units <= 0 || room.runs <= 0 || room.items <= 0;
  if (full()) return { cursor, latest: asItStands, holes, chunks };
  if (cursor.cursor < latest) {
    for await (const chunk of chunksFrom(ctx, thread, cursor.streamId, Math.max(cursor.cursor, 0))) {
      chunks.push(chunk);
      room.units -= chunk.weight;
      room.runs -= chunk.runs.length;
      room.items -= chunk.itemIds.length;
      if (chunks.length >= chunksMax || full()) break;
    }
  }
  return { cursor, latest, holes, chunks };
}

/** A stream's window, and the chunks that it lies in. */
type Opening = Pick<Opened, "holes" | "chunks"> & { streamId: string; window: Window };

async function openWindows(
  ctx: ReadCtx,
  thread: Doc<"threads">,
  cursors: readonly Cursor[],
  { snapshots, ...reader }: ReaderCall & { snapshots: boolean },
): Promise<Opening[]> {
  const chunksMax = decide(() => chunksToLoad(reader));
  const [units, items] = snapshots ? [REPLAY_UNITS_MAX - SNAPSHOTS_UNITS_MAX, ITEMS_READ_MAX] : [REPLAY_UNITS_MAX, Infinity];
  const room: Room = { streams: STREAMS_READ_MAX, units, runs: RUNS_READ_MAX, items };
  const opened: Opened[] = [];
  for (const cursor of cursors) opened.push(await open(ctx, thread, cursor, chunksMax, room));
  const streams = opened.map(({ cursor, latest, chunks }) => ({
    requested: cursor.cursor,
    latest,
    chunks: chunks.map((chunk) => ({
      range: { start: chunk.cursorStart, end: chunk.cursorEnd },
      kept: chunk.kept.map((kept) => ({ start: kept.cursorStart, end: kept.cursorEnd })),
    })),
  }));
  const { windows } = decide(() => readWindow({ ...reader, streams }));
  return opened.flatMap(({ cursor: { streamId }, ...stream }, at) => {
    const window = windows[at];
    return window === undefined ? [] : [{ streamId, window, ...stream }];
  });
}

async function readWithin(ctx: ReadCtx, { streamId, window, chunks }: Opening) {
  const deltas: { streamId: string; cursorStart: number; cursorEnd: number; kind: string; payloadJson: string }[] = [];
  const texts: Replay["texts"] = [];
  const items: NamedItem[] = [];
  const inside = (start: number) => start >= window.start && start < window.end;
  for (const chunk of chunks) {
    for (const [at, { cursorStart, cursorEnd, kind, payloadJson }] of chunk.kept.entries()) {
      if (!inside(cursorStart)) continue;
      const payload = payloadJson ?? (await readParts(ctx, chunk._id, `kept:${String(at)}`));
      deltas.push({ streamId, cursorStart, cursorEnd, kind, payloadJson: payload });
    }
    for (const [at, run] of chunk.runs.entries()) {
      if (!inside(run.cursorStart)) continue;
      const { parted: _, ...text } = await whole(ctx, chunk, run, at);
      texts.push({ streamId, turnId: chunk.turnId, ...text });
    }
    if (inside(chunk.cursorStart)) items.push(...chunk.itemIds.map((itemId) => ({ streamId, turnId: chunk.turnId, itemId })));
  }
  return { deltas, texts, items };
}
