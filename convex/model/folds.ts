/** Texts that move from chunks into parts: what a fold is made from, and its writes. The core decides both. */
import type { FoldFacts, Write } from "../../js-wrapper/core/boundary.js";
import type { Doc } from "../_generated/dataModel.js";
import { partsOf } from "./parts.js";
import { chunksFrom, tailStart, textRuns, type Run } from "./runs.js";
import type { ReadCtx, WriteCtx } from "./scope.js";

/** UTF-16 units of chunks that are read for one fold, one chunk more at most; what is behind, the next fold reads. */
const FOLD_UNITS_MAX = 2 * 1024 * 1024;
/** Chunks that are read for one fold. */
const FOLD_CHUNKS_MAX = 1_024;

/** A message's fold with the chunks of its stream below `end`, and the units that were read; `message` is its index in the call. */
export async function loadFold(ctx: ReadCtx, doc: Doc<"messages">, streamId: string, message: number, end: number): Promise<FoldFacts & { units: number }> {
  const start = tailStart(doc);
  const runs: Run[] = [];
  let units = 0;
  let chunks = 0;
  let seen = end;
  if (start < end) {
    for await (const chunk of chunksFrom(ctx, doc, streamId, start, end)) {
      for await (const run of textRuns(ctx, chunk, doc.messageId, start)) runs.push(run);
      units += chunk.weight;
      chunks += 1;
      if (units >= FOLD_UNITS_MAX || chunks >= FOLD_CHUNKS_MAX) {
        seen = chunk.cursorEnd;
        break;
      }
    }
  }
  return { ...(await foldOf(ctx, doc, message)), runs, end: seen, units };
}

/** A message's fold without its tail. */
export async function foldOf(ctx: ReadCtx, doc: Doc<"messages">, message: number): Promise<Omit<FoldFacts, "runs" | "end">> {
  const last = await partsOf(ctx, doc._id, "text").order("desc").first();
  const { foldHigh: pendingHigh, textBytes } = doc;
  return { message, cursor: tailStart(doc), pendingHigh, textBytes, part: last?.part ?? 0, last: last?.text ?? "" };
}

/** Moves a message's fold: rewrites the last part at most, and adds parts behind it. */
export async function foldMessage(ctx: WriteCtx, doc: Doc<"messages">, write: Extract<Write, { type: "foldMessage" }>): Promise<void> {
  const { cursor, pendingHigh, textBytes, firstPart } = write;
  for (const [at, text] of write.parts.entries()) {
    const part = firstPart + at;
    const before = at > 0 ? null : await partsOf(ctx, doc._id, "text", part).first();
    if (before === null) await ctx.db.insert("parts", { owner: doc._id, kind: "text", part, text });
    else await ctx.db.patch("parts", before._id, { text });
  }
  await ctx.db.patch("messages", doc._id, { foldCursor: cursor, foldHigh: pendingHigh, textBytes });
}
