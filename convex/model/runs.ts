/** Runs of text in chunks, as a reader joins them. */
import { joinRun, type CodexTextRun } from "../../js-wrapper/protocol/text-run.js";
import type { Doc } from "../_generated/dataModel.js";
import { readParts } from "./parts.js";
import type { ReadCtx, Scope } from "./scope.js";

export type Run = Doc<"chunks">["runs"][number];

/** Joins the runs of one text: halves of a surrogate pair that two chunks hold become one character. */
export class RunJoiner {
  #high: number | undefined;

  join(run: CodexTextRun): string {
    const { text, high } = joinRun(this.#high, run);
    this.#high = high;
    return text;
  }

  /** What is left when nothing more comes. */
  end(): string {
    return this.#high === undefined ? "" : "\uFFFD";
  }
}

/** How much of a stream may yet be read, in UTF-16 units. */
export type Allowance = { left: number };

/** The runs of a message's text in its stream, in cursor order, as long as `allowance` lasts. */
export async function* runTexts(
  ctx: ReadCtx,
  message: Pick<Doc<"messages">, "tenantId" | "userId" | "messageId" | "startCursor" | "turnId">,
  streamId: string,
  allowance: Allowance,
): AsyncGenerator<Run> {
  for await (const chunk of chunksFrom(ctx, message, streamId, message.startCursor)) {
    for (const [at, run] of chunk.runs.entries()) {
      if (run.messageId === message.messageId && run.channel === "text") yield await whole(ctx, chunk, run, at);
    }
    allowance.left -= chunk.weight;
    if (allowance.left <= 0) return;
  }
}

/** The run with its text, where that lies in parts. */
export async function whole(ctx: ReadCtx, chunk: Doc<"chunks">, run: Run, at: number): Promise<Run> {
  return run.parted ? { ...run, text: await readParts(ctx, chunk._id, `run:${String(at)}`) } : run;
}

/** The chunks of a stream that end above `cursor`, in order. */
export async function* chunksFrom(
  ctx: ReadCtx,
  { tenantId, userId }: Scope,
  streamId: string,
  cursor: number,
): AsyncGenerator<Doc<"chunks">> {
  const chunks = () => ctx.db.query("chunks");
  const around = await chunks()
    .withIndex("by_start", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("streamId", streamId).lte("cursorStart", cursor),
    )
    .order("desc")
    .first();
  if (around !== null && around.cursorEnd > cursor) yield around;
  yield* chunks().withIndex("by_start", (q) =>
    q.eq("tenantId", tenantId).eq("userId", userId).eq("streamId", streamId).gt("cursorStart", cursor),
  );
}
