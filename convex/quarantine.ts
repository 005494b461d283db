import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import { readPage, type Listed } from "./model/paging.js";
import { dropQuarantined, presentQuarantined, quarantineOf } from "./model/quarantine.js";
import { requireThread, scopeOf } from "./model/scope.js";
import { vActor, vDropped, vPageOf, vQuarantined } from "./validators.js";

/**
 * A page of a thread's malformed events, the one that came last first, each with its payload as it came. The newest 200 of a
 * thread are kept, up to 4 MiB of payloads.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_CURSOR_INVALID`
 */
export const list = query({
  args: { actor: vActor, threadId: v.string(), paginationOpts: paginationOptsValidator },
  returns: vPageOf(vQuarantined),
  handler: async (ctx, { actor, threadId, paginationOpts }) => {
    const scope = scopeOf(actor);
    const thread = await requireThread(ctx, scope, threadId);
    // Its key is the time of creation, which every index ends in. All of a thread's payloads are a page's at most.
    const events: Listed<"quarantine"> = { table: "quarantine", index: "by_thread", prefix: [scope.tenantId, scope.userId, threadId], key: [] };
    return readPage(ctx, events, paginationOpts, (doc) => presentQuarantined(ctx, thread, doc));
  },
});

/**
 * Forgets a thread's malformed event, or all of them where no `eventId` is given. Sent again, a forgotten one is acknowledged and
 * not kept again.
 *
 * @returns how many were forgotten; 0 where there is none
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const drop = mutation({
  args: { actor: vActor, threadId: v.string(), eventId: v.optional(v.string()) },
  returns: vDropped,
  handler: async (ctx, { actor, threadId, eventId }) => {
    const scope = scopeOf(actor);
    await requireThread(ctx, scope, threadId);
    const kept = await quarantineOf(ctx, scope, threadId);
    const dropped = eventId === undefined ? kept : kept.filter((event) => event.eventId === eventId);
    for (const event of dropped) await dropQuarantined(ctx, event);
    return { dropped: dropped.length };
  },
});
