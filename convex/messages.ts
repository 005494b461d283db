import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { query } from "./_generated/server.js";
import { coded } from "./errors.js";
import { LIST_PAGE_BYTES_MAX, outlineMessage, presentMessage } from "./model/messages.js";
import { readPage, type Listed } from "./model/paging.js";
import { requireThread, scopeOf } from "./model/scope.js";
import { findShownTurn, shownPlaces } from "./model/visible.js";
import { vActor, vMessage } from "./validators.js";

/** Messages that `getByTurn` answers with. */
const TURN_MESSAGES_MAX = 500;

/**
 * A page of a thread's messages, newest first by (turnOrder, orderInTurn).
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_CURSOR_INVALID`
 */
export const listByThread = query({
  args: { actor: vActor, threadId: v.string(), paginationOpts: paginationOptsValidator },
  returns: v.object({ page: v.array(vMessage), isDone: v.boolean(), continueCursor: v.string() }),
  handler: async (ctx, { actor, threadId, paginationOpts }) => {
    const scope = scopeOf(actor);
    const shown = shownPlaces(await requireThread(ctx, scope, threadId));
    const prefix = [scope.tenantId, scope.userId, threadId];
    const list: Listed<"messages"> = { table: "messages", index: "by_order", prefix, key: ["number", "number"], shown };
    return readPage(ctx, list, paginationOpts, (doc) => presentMessage(ctx, doc), LIST_PAGE_BYTES_MAX);
  },
});

/**
 * A turn's messages in their order. Behind 4 MiB of them, texts and payloads are left out, and marked as truncated.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN`
 */
export const getByTurn = query({
  args: { actor: vActor, threadId: v.string(), turnId: v.string() },
  returns: v.array(vMessage),
  handler: async (ctx, { actor, threadId, turnId }) => {
    const scope = scopeOf(actor);
    const thread = await requireThread(ctx, scope, threadId);
    const turn = await findShownTurn(ctx, thread, turnId);
    if (turn === null) {
      throw coded("E_AUTH_TURN_FORBIDDEN", "the turn does not exist for this actor", { turnId });
    }
    const messages = await ctx.db
      .query("messages")
      .withIndex("by_turn", (q) =>
        q.eq("tenantId", scope.tenantId).eq("userId", scope.userId).eq("threadId", threadId).eq("turnId", turn.turnId),
      )
      .take(TURN_MESSAGES_MAX);
    const rows = [];
    let weight = 0;
    for (const message of messages) {
      const { row, bytes } = weight < LIST_PAGE_BYTES_MAX ? await presentMessage(ctx, message) : outlineMessage(message);
      weight += bytes;
      rows.push(row);
    }
    return rows;
  },
});
