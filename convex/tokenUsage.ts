import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { isThreadUsage } from "../js-wrapper/core/clients.js";
import { mutation, query } from "./_generated/server.js";
import { coded } from "./errors.js";
import { decide } from "./model/core.js";
import { findUsage, isCount, putUsage, usageOf, usagePlaceOf } from "./model/newest.js";
import { readPage, type Listed } from "./model/paging.js";
import { findTurn, requireThread, scopeOf } from "./model/scope.js";
import { isDeletedTurn, shownPlaces } from "./model/visible.js";
import { vActor, vTokenUsage, vUsagePage } from "./validators.js";

/**
 * Says what a turn has used, as `thread/tokenUsage/updated` does in a batch: absolute, in place of what was said before.
 *
 * It is the thread's usage too, unless that is of a later turn; of a turn that does not exist for this actor it is the
 * thread's only, and of one that was deleted nobody's.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_USAGE_INVALID`
 */
export const upsert = mutation({
  args: { actor: vActor, threadId: v.string(), turnId: v.string(), ...vTokenUsage },
  returns: v.null(),
  handler: async (ctx, { actor, threadId, turnId, ...usage }) => {
    const scope = scopeOf(actor);
    await requireThread(ctx, scope, threadId);
    const counts = [...Object.values(usage.total), ...Object.values(usage.last), usage.modelContextWindow ?? 0];
    if (!counts.every(isCount)) throw coded("E_USAGE_INVALID", "tokens are counted in safe integers of 0 or more", { threadId, turnId });
    const [turn, before] = await Promise.all([findTurn(ctx, scope, threadId, turnId), findUsage(ctx, scope, threadId, "thread")]);
    const nowMs = Date.now();
    if (turn === null && (await isDeletedTurn(ctx, scope, threadId, turnId))) return null;
    if (turn === null) {
      await putUsage(ctx, scope, threadId, { of: "thread", turnId }, usage, nowMs);
      return null;
    }
    const { turnOrder } = turn;
    await putUsage(ctx, scope, threadId, { of: "turn", turnId, turnOrder }, usage, nowMs);
    const isThreads = decide(() => isThreadUsage(turnOrder, usagePlaceOf(before)));
    if (isThreads) await putUsage(ctx, scope, threadId, { of: "thread", turnId, turnOrder }, usage, nowMs);
    return null;
  },
});

/**
 * What a thread's turns have used, newest turn first, and beside the page what the thread has.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_CURSOR_INVALID`
 */
export const listByThread = query({
  args: { actor: vActor, threadId: v.string(), paginationOpts: paginationOptsValidator },
  returns: vUsagePage,
  handler: async (ctx, { actor, threadId, paginationOpts }) => {
    const scope = scopeOf(actor);
    const shown = shownPlaces(await requireThread(ctx, scope, threadId));
    const prefix = [scope.tenantId, scope.userId, threadId, "turn"];
    const list: Listed<"tokenUsage"> = { table: "tokenUsage", index: "by_order", prefix, key: ["number"], shown };
    const page = await readPage(ctx, list, paginationOpts, (doc) => {
      const { turnId = "", turnOrder = 0, updatedAt } = doc;
      return Promise.resolve({ row: { turnId, turnOrder, ...usageOf(doc), updatedAt }, bytes: 0 });
    });
    const thread = await findUsage(ctx, scope, threadId, "thread");
    return { ...page, thread: thread === null ? null : { ...usageOf(thread), updatedAt: thread.updatedAt } };
  },
});
