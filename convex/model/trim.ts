/** Trims a stream: its first chunks go, the texts in them are folded before. The core decides which. */
import type { FoldFacts } from "../../js-wrapper/core/boundary.js";
import { planTrim } from "../../js-wrapper/core/sweep.js";
import { given } from "../../js-wrapper/given.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import { decide } from "./core.js";
import { foldMessage, foldOf } from "./folds.js";
import { findHead, lastOf } from "./load.js";
import { chunksFrom, tailStart, whole, type Run } from "./runs.js";
import type { ReadCtx, Scope, WriteCtx } from "./scope.js";

/** UTF-16 units of chunks that one sweep reads, one chunk more at most. */
const TRIM_UNITS_MAX = 2 * 1024 * 1024;
/** Chunks that one sweep reads, where it is not asked for fewer. */
export const TRIM_CHUNKS_MAX = 200;
/**
 * Texts that the chunks of one sweep name; two chunks are read whatever they name, 512 each. An index range each, and three or
 * four more where it is folded, of the 4,096 that one call may read.
 */
const TRIM_TEXTS_MAX = 1_000;
/** Texts that one sweep folds, and UTF-16 units of their last parts, which are read up to three times; the next one folds the others. */
const TRIM_FOLDS_MAX = 500;
const TRIM_FOLDED_UNITS_MAX = 512 * 1024;

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
  const texts = new Texts(ctx, stream);
  const start = overdue === undefined ? 0 : await foldsBefore(texts, overdue.due);
  // Up to where the head says that the stream goes: never to its open end, where batches write.
  const { chunks, atEnd } = await firstChunks(ctx, stream, start, head?.latest ?? Number.MAX_SAFE_INTEGER, batch, isDue, texts);
  const last = chunks.at(-1);
  if (last === undefined) return { deleted: 0, moved: false, atEnd };
  // What is read stops before the one that is named: holes before that are given up all the same.
  const shown = overdue === undefined || overdue.due.cursorStart <= last.cursorStart ? chunks : [...chunks, overdue.due];
  const messages = await texts.of(shown);
  const placeOf = new Map(messages.map((message, at) => [message._id, at]));
  const indexOf = (chunk: Doc<"chunks">, run: Run) => {
    const message = texts.find(chunk, run);
    return message !== null && isOf(message, chunk, run) ? (placeOf.get(message._id) ?? -1) : -1;
  };
  const { folds, areAll } = await foldsOf();
  const answer = plan();
  for (const write of answer.writes) {
    const message = write.type === "foldMessage" ? messages[write.row] : undefined;
    if (write.type !== "foldMessage" || message === undefined) throw coded("E_INTERNAL", "a trim writes folds of messages that it was given");
    await foldMessage(ctx, message, write);
  }
  const gone = shown.filter((_, at) => answer.gone.includes(at));
  for (const chunk of gone) await deleteChunk(ctx, chunk._id);
  const ends = head !== null && overdue !== undefined ? gone.find(({ cursorEnd }) => cursorEnd >= head.latest) : undefined;
  const [lastEvent] = ends === undefined ? [] : lastOf(ends).map(({ range, eventId }) => ({ cursor: range.start, eventId }));
  const kept = given({ holes: answer.holes, lastEvent });
  if (head !== null && Object.keys(kept).length > 0) await ctx.db.patch("streamHeads", head._id, kept);
  return { deleted: gone.length, moved: gone.length > 0 || answer.writes.length > 0, atEnd: atEnd && areAll };

  /** The folds of the messages that are open, and whether there is room for all of them. */
  async function foldsOf(): Promise<{ folds: FoldFacts[]; areAll: boolean }> {
    const runsIn = new Map<number, Run[]>();
    for (const chunk of chunks) {
      for (const [at, run] of chunk.runs.entries()) {
        const message = run.channel === "text" ? indexOf(chunk, run) : -1;
        const doc = messages[message];
        if (doc === undefined || run.cursorStart < tailStart(doc)) continue;
        runsIn.set(message, [...(runsIn.get(message) ?? []), await whole(ctx, chunk, run, at)]);
      }
    }
    const folds: FoldFacts[] = [];
    let [count, units] = [0, 0];
    for (const [at, message] of messages.entries()) {
      if (message.textWhole) continue;
      const runs = runsIn.get(at);
      if (runs === undefined) {
        // Folded beyond what the chunks hold of it: where it stands is all that is asked.
        const { textBytes } = message;
        folds.push({ message: at, cursor: tailStart(message), pendingHigh: undefined, textBytes, part: 0, last: "", runs: [], end: 0 });
        continue;
      }
      if (count >= TRIM_FOLDS_MAX || units >= TRIM_FOLDED_UNITS_MAX) return { folds, areAll: false };
      const fold = await foldOf(ctx, message, at);
      count += 1;
      units += fold.last.length;
      folds.push({ ...fold, runs, end: last?.cursorEnd ?? 0 });
    }
    return { folds, areAll: true };
  }

  function plan() {
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
async function foldsBefore(texts: Texts, chunk: Doc<"chunks">): Promise<number> {
  const open = (await texts.of([chunk])).filter((message) => !message.textWhole && message.streamId === chunk.streamId);
  return Math.min(chunk.cursorStart, ...open.map(tailStart));
}

/** The stream's first chunks from `start` on: as many as one sweep reads, up to the first one behind one that is due that is not. */
async function firstChunks(
  ctx: ReadCtx,
  stream: StreamName,
  start: number,
  end: number,
  batch: number,
  isDue: (chunk: Doc<"chunks">) => boolean,
  texts: Texts,
) {
  const chunks: Doc<"chunks">[] = [];
  let units = 0;
  let seenDue = false;
  for await (const chunk of chunksFrom(ctx, stream, stream.streamId, start, end)) {
    if (seenDue && !isDue(chunk)) return { chunks, atEnd: true };
    const isFull = chunks.length >= batch || units >= TRIM_UNITS_MAX || (chunks.length > 0 && texts.countWith(chunk) > TRIM_TEXTS_MAX);
    if (isFull) return { chunks, atEnd: false };
    texts.name(chunk);
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

/** The texts that chunks name, each with its message, which is read once. */
class Texts {
  readonly #ctx: ReadCtx;
  readonly #stream: StreamName;
  /** By their names; those that are named and not yet read have none. */
  readonly #messages = new Map<string, Doc<"messages"> | null | undefined>();

  constructor(ctx: ReadCtx, stream: StreamName) {
    this.#ctx = ctx;
    this.#stream = stream;
  }

  name(chunk: Doc<"chunks">): void {
    for (const run of textsOf(chunk)) {
      const key = keyOf(chunk, run);
      if (!this.#messages.has(key)) this.#messages.set(key, undefined);
    }
  }

  /** How many are named with those of `chunk`. */
  countWith(chunk: Doc<"chunks">): number {
    const more = new Set(textsOf(chunk).map((run) => keyOf(chunk, run)));
    return this.#messages.size + [...more].filter((key) => !this.#messages.has(key)).length;
  }

  find(chunk: Doc<"chunks">, run: Run): Doc<"messages"> | null {
    return this.#messages.get(keyOf(chunk, run)) ?? null;
  }

  /** The messages whose texts the chunks hold, each once. */
  async of(chunks: readonly Doc<"chunks">[]): Promise<Doc<"messages">[]> {
    const found = new Map<string, Doc<"messages">>();
    for (const chunk of chunks) {
      for (const run of textsOf(chunk)) {
        const message = await this.#read(keyOf(chunk, run), chunk.turnId, run.messageId);
        if (message !== null) found.set(message._id, message);
      }
    }
    return [...found.values()];
  }

  async #read(key: string, turnId: string, messageId: string): Promise<Doc<"messages"> | null> {
    const known = this.#messages.get(key);
    if (known !== undefined) return known;
    const { tenantId, userId, threadId } = this.#stream;
    const message = await this.#ctx.db
      .query("messages")
      .withIndex("by_message", (q) =>
        q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("turnId", turnId).eq("messageId", messageId),
      )
      .first();
    this.#messages.set(key, message);
    return message;
  }
}

function keyOf({ turnId }: Doc<"chunks">, { messageId }: Run): string {
  return JSON.stringify([turnId, messageId]);
}

async function deleteChunk(ctx: WriteCtx, chunk: Id<"chunks">): Promise<void> {
  for await (const part of ctx.db.query("parts").withIndex("by_owner", (q) => q.eq("owner", chunk))) await ctx.db.delete("parts", part._id);
  await ctx.db.delete("chunks", chunk);
}
