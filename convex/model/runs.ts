/** Runs of text in chunks, as a reader joins them. */
import { joinRun, type CodexTextRun } from "../../js-wrapper/protocol/text-run.js";
import type { Doc } from "../_generated/dataModel.js";
import { readParts } from "./parts.js";
import type { ReadCtx, Scope } from "./scope.js";

export type Run = Doc<"chunks">["runs"][number];

/** Joins the runs of one text: halves of a surrogate pair that two chunks hold become one character. */
export class RunJoiner {
  #high: number | undefined;

  /** @param high - a half that waits for the first run */
  constructor(high?: number) {
    this.#high = high;
  }

  join(run: CodexTextRun): string {
    const { text, high } = joinRun(this.#high, run);
    this.#high = high;
    return text;
  }

  /** The half that waits for the next run. */
  get high(): number | undefined {
    return this.#high;
  }

  /** What is left when nothing more comes. */
  end(): string {
    return this.#high === undefined ? "" : "\uFFFD";
  }
}

/** How much of a stream may yet be read, in UTF-16 units. */
export type Allowance = { left: number };

/** The message's text so far that its parts do not hold: where it begins in its stream. */
export function tailStart(message: Pick<Doc<"messages">, "startCursor" | "foldCursor">): number {
  return message.foldCursor ?? message.startCursor;
}

/** The runs of a message's tail in its stream, in cursor order, as long as `allowance` lasts. */
export async function* runTexts(
  ctx: ReadCtx,
  message: Pick<Doc<"messages">, "tenantId" | "userId" | "messageId" | "startCursor" | "foldCursor">,
  streamId: string,
  allowance: Allowance,
): AsyncGenerator<Run> {
  const start = tailStart(message);
  for await (const chunk of chunksFrom(ctx, message, streamId, start)) {
    yield* textRuns(ctx, chunk, message.messageId, start);
    allowance.left -= chunk.weight;
    if (allowance.left <= 0) return;
  }
}

/** The runs of a message's text in a chunk, from `start` on. */
export async function* textRuns(ctx: ReadCtx, chunk: Doc<"chunks">, messageId: string, start: number): AsyncGenerator<Run> {
  for (const [at, run] of chunk.runs.entries()) {
    if (run.messageId === messageId && run.channel === "text" && run.cursorStart >= start) yield await whole(ctx, chunk, run, at);
  }
}

/** The run with its text, where that lies in parts. */
export async function whole(ctx: ReadCtx, chunk: Doc<"chunks">, run: Run, at: number): Promise<Run> {
  return run.parted ? { ...run, text: await readParts(ctx, chunk._id, `run:${String(at)}`) } : run;
}

/** The chunks of a stream that end above `cursor` and begin below `end`, in order; a mutation has to give an end. */
export async function* chunksFrom(
  ctx: ReadCtx,
  { tenantId, userId }: Scope,
  streamId: string,
  cursor: number,
  end = Infinity,
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
    q.eq("tenantId", tenantId).eq("userId", userId).eq("streamId", streamId).gt("cursorStart", cursor).lt("cursorStart", end),
  );
}
