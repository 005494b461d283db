/** Trims a stream: its first chunks go, the texts in them are folded before. The core decides which. */
import type { FoldFacts } from "../../js-wrapper/core/boundary.js";
import { planTrim } from "../../js-wrapper/core/sweep.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import { decide } from "./core.js";
import { foldMessage, foldOf } from "./folds.js";
import { findHead } from "./load.js";
import { chunksFrom, tailStart, whole, type Run } from "./runs.js";
import type { ReadCtx, Scope, WriteCtx } from "./scope.js";

/** UTF-16 units of chunks that one sweep reads, one chunk more at most. */
const TRIM_UNITS_MAX = 2 * 1024 * 1024;
/** Chunks that one sweep reads, where it is not asked for fewer. */
export const TRIM_CHUNKS_MAX = 200;

type StreamName = Scope & { threadId: string; streamId: string };

/** What a trim did: chunks that went, whether anything moved, whether the sweep has seen the stream's end. */
export type Trimmed = { deleted: number; moved: boolean; atEnd: boolean };

/** A chunk that has expired, and the time by which others have. */
export type Overdue = { due: Doc<"chunks">; nowMs: number };

/**
 * Trims a stream. Of one that has finished every chunk is due, from the first on. Of another (`overdue`) those are that have
 * expired, from the one that is named on, or from where the folds of the texts in it stand: chunks between that have not
 * expired are folded and stay.
 */
export async function trimStream(ctx: WriteCtx, stream: StreamName, batch: number, overdue?: Overdue): Promise<Trimmed> {
  const head = await findHead(ctx, stream, stream.streamId);
  const isDue = (chunk: Doc<"chunks">) => overdue === undefined || chunk.expiresAt <= overdue.nowMs;
  const start = overdue === undefined ? 0 : await foldsBefore(ctx, stream, overdue.due);
  // Up to where the head says that the stream goes: never to its open end, where batches write.
  const { chunks, atEnd } = await firstChunks(ctx, stream, start, head?.latest ?? Number.MAX_SAFE_INTEGER, batch, isDue);
  const last = chunks.at(-1);
  if (last === undefined) return { deleted: 0, moved: false, atEnd };
  // What is read stops before the one that is named: holes before that are given up all the same.
  const shown = overdue === undefined || overdue.due.cursorStart <= last.cursorStart ? chunks : [...chunks, overdue.due];
  const messages = await messagesIn(ctx, stream, shown);
  const indexOf = (chunk: Doc<"chunks">, run: Run) => messages.findIndex((message) => isOf(message, chunk, run));
  const open = [...messages.entries()].filter(([, message]) => !message.textWhole);
  const answer = await plan();
  for (const write of answer.writes) {
    const message = write.type === "foldMessage" ? messages[write.row] : undefined;
    if (write.type !== "foldMessage" || message === undefined) throw coded("E_INTERNAL", "a trim writes folds of messages that it was given");
    await foldMessage(ctx, message, write);
  }
  const gone = shown.filter((_, at) => answer.gone.includes(at));
  for (const chunk of gone) await deleteChunk(ctx, chunk._id);
  if (head !== null && answer.holes !== undefined) await ctx.db.patch("streamHeads", head._id, { holes: answer.holes });
  return { deleted: gone.length, moved: gone.length > 0 || answer.writes.length > 0, atEnd };

  async function plan() {
    const folds: FoldFacts[] = [];
    for (const [at, message] of open) {
      const runs: Run[] = [];
      for (const chunk of chunks) runs.push(...(await runsOf(ctx, message, chunk)));
      folds.push({ ...(await foldOf(ctx, message, at)), runs, end: last?.cursorEnd ?? 0 });
    }
    return decide(() =>
      planTrim({
        overdue: overdue !== undefined,
        holes: head?.holes ?? [],
        messages,
        folds,
        chunks: shown.map((chunk) => ({
          range: { start: chunk.cursorStart, end: chunk.cursorEnd },
          due: isDue(chunk),
          // A text whose message is gone keeps no chunk.
          texts: textsOf(chunk)
            .map((run) => ({ message: indexOf(chunk, run), start: run.cursorStart }))
            .filter(({ message }) => message >= 0),
        })),
      }),
    );
  }
}

/** Where the folds of the texts in a chunk stand, or the chunk itself where that comes first. */
async function foldsBefore(ctx: ReadCtx, stream: StreamName, chunk: Doc<"chunks">): Promise<number> {
  const open = (await messagesIn(ctx, stream, [chunk])).filter((message) => !message.textWhole && message.streamId === chunk.streamId);
  return Math.min(chunk.cursorStart, ...open.map(tailStart));
}

/** The stream's first chunks from `start` on: as many as one sweep reads, up to the first one behind one that is due that is not. */
async function firstChunks(ctx: ReadCtx, stream: StreamName, start: number, end: number, batch: number, isDue: (chunk: Doc<"chunks">) => boolean) {
  const chunks: Doc<"chunks">[] = [];
  let units = 0;
  let seenDue = false;
  for await (const chunk of chunksFrom(ctx, stream, stream.streamId, start, end)) {
    if (seenDue && !isDue(chunk)) return { chunks, atEnd: true };
    if (chunks.length >= batch || units >= TRIM_UNITS_MAX) return { chunks, atEnd: false };
    seenDue ||= isDue(chunk);
    chunks.push(chunk);
    units += chunk.weight;
  }
  return { chunks, atEnd: true };
}

function textsOf(chunk: Doc<"chunks">): Run[] {
  return chunk.runs.filter((run) => run.channel === "text");
}

function isOf(message: Doc<"messages">, chunk: Doc<"chunks">, run: Run): boolean {
  return message.messageId === run.messageId && message.turnId === chunk.turnId && message.streamId === chunk.streamId;
}

/** The messages whose texts the chunks hold, each once. */
async function messagesIn(ctx: ReadCtx, { tenantId, userId, threadId }: StreamName, chunks: Doc<"chunks">[]): Promise<Doc<"messages">[]> {
  const found: Doc<"messages">[] = [];
  const seen = new Set<string>();
  for (const chunk of chunks) {
    for (const { messageId } of textsOf(chunk)) {
      const { turnId } = chunk;
      const key = JSON.stringify([turnId, messageId]);
      if (seen.has(key)) continue;
      seen.add(key);
      const message = await ctx.db
        .query("messages")
        .withIndex("by_message", (q) =>
          q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("turnId", turnId).eq("messageId", messageId),
        )
        .first();
      if (message !== null) found.push(message);
    }
  }
  return found;
}

/** The runs of a message's tail in a chunk. */
async function runsOf(ctx: ReadCtx, message: Doc<"messages">, chunk: Doc<"chunks">): Promise<Run[]> {
  const runs: Run[] = [];
  for (const [at, run] of chunk.runs.entries()) {
    const inTail = run.channel === "text" && isOf(message, chunk, run) && run.cursorStart >= tailStart(message);
    if (inTail) runs.push(await whole(ctx, chunk, run, at));
  }
  return runs;
}

async function deleteChunk(ctx: WriteCtx, chunk: Id<"chunks">): Promise<void> {
  for await (const part of ctx.db.query("parts").withIndex("by_owner", (q) => q.eq("owner", chunk))) await ctx.db.delete("parts", part._id);
  await ctx.db.delete("chunks", chunk);
}
