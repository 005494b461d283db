/** What a list says of a thread beside its row: how it is called or began, here and by the app-server, and how its turn stands. */
import { given } from "../../js-wrapper/given.js";
import type { Doc } from "../_generated/dataModel.js";
import { cut, partsOf } from "./parts.js";
import type { ReadCtx } from "./scope.js";
import { newestTurns } from "./turns.js";
import { shownPlaces, takeShown } from "./visible.js";

/** UTF-8 bytes of what was first said that a list shows. */
const PREVIEW_BYTES_MAX = 400;
/** What one counts for on a page: 512 of them fill it, so that a page reads half of the 4,096 ranges that a call may. */
export const SUMMARY_BYTES = 8 * 1024;

/** Four documents at most: two turns, the first message of a person and the first part of its text; the last two only for a thread without a name. */
export async function summaryOf(ctx: ReadCtx, thread: Doc<"threads">) {
  const { name, localThreadId } = thread;
  const [turn, preview] = await Promise.all([turnOf(ctx, thread), name === undefined ? previewOf(ctx, thread) : undefined]);
  return { ...given({ localThreadId, name, preview }), ...turn };
}

/**
 * The turn that a thread is at, as `turn`: the newest that runs, else the newest; of those that are shown, nothing where there is
 * none. What is queued behind a turn, or was taken back, is newer than the turn that runs.
 */
export async function turnOf(ctx: ReadCtx, thread: Doc<"threads">): Promise<{ turn?: Pick<Doc<"turns">, "turnId" | "status"> }> {
  const [newest] = await newestTurns(ctx, thread, 1);
  const turn = newest?.status === "inProgress" ? newest : ((await newestRunning(ctx, thread)) ?? newest);
  return turn === undefined ? {} : { turn: { turnId: turn.turnId, status: turn.status } };
}

async function newestRunning(ctx: ReadCtx, thread: Doc<"threads">): Promise<Doc<"turns"> | undefined> {
  const { tenantId, userId, threadId } = thread;
  const [turn] = await takeShown(thread, 1, ({ from, to }, left) =>
    ctx.db
      .query("turns")
      .withIndex("by_status", (q) =>
        q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("status", "inProgress").gte("turnOrder", from).lt("turnOrder", to),
      )
      .order("desc")
      .take(left),
  );
  return turn;
}

/** The beginning of what a person said first; undefined where nobody has. */
async function previewOf(ctx: ReadCtx, thread: Doc<"threads">): Promise<string | undefined> {
  const { tenantId, userId, threadId } = thread;
  for (const { from, to } of shownPlaces(thread).reverse()) {
    const said = await ctx.db
      .query("messages")
      .withIndex("by_type", (q) =>
        q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("sourceItemType", "userMessage").gte("turnOrder", from).lt("turnOrder", to),
      )
      .first();
    if (said === null) continue;
    for await (const { text } of partsOf(ctx, said._id, "text")) return cut(text, PREVIEW_BYTES_MAX);
    return undefined;
  }
  return undefined;
}
