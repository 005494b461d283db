import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { query } from "./_generated/server.js";
import type { Doc } from "./_generated/dataModel.js";
import { errorsOf, errorsOfTurns, LIST_PAGE_BYTES_MAX, outlineMessage, presentMessage } from "./model/messages.js";
import { readPage, type Listed } from "./model/paging.js";
import { readPayload, readText } from "./model/pieces.js";
import { requireThread, scopeOf, type ReadCtx } from "./model/scope.js";
import { requireShownTurn, shownPlaces } from "./model/visible.js";
import { vActor, vMessage, vPageOf, vPiece, type Actor } from "./validators.js";

/** Messages that `getByTurn` answers with. */
const TURN_MESSAGES_MAX = 500;

/**
 * A page of a thread's messages, newest first by (turnOrder, orderInTurn).
 *
 * `followed`: its reader follows the live streams itself. A message that streams comes without the end of its text that only the
 * stream's chunks hold, and `tail` says where in which stream that begins: so no batch of text makes this query run again.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_CURSOR_INVALID`
 */
export const listByThread = query({
  args: { actor: vActor, threadId: v.string(), paginationOpts: paginationOptsValidator, followed: v.optional(v.boolean()) },
  returns: vPageOf(vMessage),
  handler: async (ctx, { actor, threadId, paginationOpts, followed }) => {
    const scope = scopeOf(actor);
    const shown = shownPlaces(await requireThread(ctx, scope, threadId));
    const prefix = [scope.tenantId, scope.userId, threadId];
    const list: Listed<"messages"> = { table: "messages", index: "by_order", prefix, key: ["number", "number"], shown };
    const errorOf = errorsOfTurns(ctx);
    return readPage(ctx, list, paginationOpts, (doc) => presentMessage(ctx, doc, errorOf, followed), LIST_PAGE_BYTES_MAX);
  },
});

/**
 * A turn's messages in their order, of more than 500 the newest. Behind 4 MiB of them, texts and payloads are left out, and marked as truncated.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`
 */
export const getByTurn = query({
  args: { actor: vActor, threadId: v.string(), turnId: v.string() },
  returns: v.array(vMessage),
  handler: async (ctx, { actor, threadId, turnId }) => {
    const scope = scopeOf(actor);
    const turn = await requireShownTurn(ctx, await requireThread(ctx, scope, threadId), turnId);
    const messages = await ctx.db
      .query("messages")
      .withIndex("by_turn", (q) =>
        q.eq("tenantId", scope.tenantId).eq("userId", scope.userId).eq("threadId", threadId).eq("turnId", turn.turnId),
      )
      .order("desc")
      .take(TURN_MESSAGES_MAX);
    const errorOf = errorsOf(turn);
    const rows = [];
    let weight = 0;
    // The newest: how the turn ended is in its last ones.
    for (const message of messages.reverse()) {
      const { row, bytes } = weight < LIST_PAGE_BYTES_MAX ? await presentMessage(ctx, message, errorOf) : await outlineMessage(message, errorOf);
      weight += bytes;
      rows.push(row);
    }
    return rows;
  },
});

const vPieceOf = { actor: vActor, threadId: v.string(), turnId: v.string(), messageId: v.string(), cursor: v.optional(v.union(v.string(), v.null())) };

/**
 * All of a message's text, which lists cut at 256 KiB, by pieces of at most 1 MiB: `cursor` is the `continueCursor` of the piece
 * before. While the message streams its text may grow: behind the last piece `continueCursor` is where it goes on. Text that fills
 * a hole before that place is seen by who begins again.
 *
 * @returns null where the turn has no such message
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`, `E_CURSOR_INVALID` (also where the text was replaced since: begin again)
 */
export const getText = query({
  args: vPieceOf,
  returns: v.union(v.null(), vPiece),
  handler: async (ctx, args) => {
    const message = await findShownMessage(ctx, args);
    return message && readText(ctx, message, args.cursor ?? null);
  },
});

/**
 * All of a message's payload, which lists leave out where it is large, by pieces as `getText` has them: the item of the
 * app-server in JSON, in which `{"$text": true}` stands for the text that is kept beside it.
 *
 * @returns null where the turn has no such message
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`, `E_CURSOR_INVALID` (also where the payload was replaced since: begin again)
 */
export const getPayload = query({
  args: vPieceOf,
  returns: v.union(v.null(), vPiece),
  handler: async (ctx, args) => {
    const message = await findShownMessage(ctx, args);
    return message && readPayload(ctx, message, args.cursor ?? null);
  },
});

async function findShownMessage(
  ctx: ReadCtx,
  { actor, threadId, turnId, messageId }: { actor: Actor; threadId: string; turnId: string; messageId: string },
): Promise<Doc<"messages"> | null> {
  const turn = await requireShownTurn(ctx, await requireThread(ctx, scopeOf(actor), threadId), turnId);
  return ctx.db
    .query("messages")
    .withIndex("by_message", (q) =>
      q.eq("tenantId", actor.tenantId).eq("userId", actor.userId).eq("threadId", threadId).eq("turnId", turn.turnId).eq("messageId", messageId),
    )
    .unique();
}
