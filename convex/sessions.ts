/** Sweeps of sessions: stale ones are marked, and forgotten a week later. Each call does a batch, and says whether there is more. */
import { v } from "convex/values";
import { sessionsDue } from "../js-wrapper/core/sweep.js";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";
import { decide } from "./model/core.js";

/** Sessions that one call changes. */
const SESSIONS_MAX = 200;

/** Marks sessions without a beat; of one tenant, or of all. A beat takes the mark away. */
export const timeoutStaleSessions = internalMutation({
  args: { tenantId: v.optional(v.string()), staleBeforeMs: v.optional(v.number()) },
  returns: v.object({ timedOut: v.number(), hasMore: v.boolean() }),
  handler: async (ctx, args): Promise<{ timedOut: number; hasMore: boolean }> => {
    const nowMs = Date.now();
    const { tenantId } = args;
    const before = args.staleBeforeMs ?? decide(() => sessionsDue(nowMs)).staleBefore;
    const sessions = ctx.db.query("sessions");
    const stale =
      tenantId === undefined
        ? sessions.withIndex("by_beat", (q) => q.eq("timedOutAt", undefined).lt("lastBeatAt", before))
        : sessions.withIndex("by_tenant_beat", (q) => q.eq("tenantId", tenantId).eq("timedOutAt", undefined).lt("lastBeatAt", before));
    const due = await stale.take(SESSIONS_MAX);
    for (const session of due) await ctx.db.patch("sessions", session._id, { timedOutAt: nowMs });
    const hasMore = due.length === SESSIONS_MAX;
    if (hasMore) await ctx.scheduler.runAfter(0, internal.sessions.timeoutStaleSessions, args);
    return { timedOut: due.length, hasMore };
  },
});

/** Deletes sessions that were found stale long ago, the oldest first: the one that writes a thread outlives those before it. */
export const forgetOldSessions = internalMutation({
  args: {},
  returns: v.object({ deleted: v.number(), hasMore: v.boolean() }),
  handler: async (ctx): Promise<{ deleted: number; hasMore: boolean }> => {
    const before = decide(() => sessionsDue(Date.now())).forgottenBefore;
    const due = await ctx.db
      .query("sessions")
      .withIndex("by_beat", (q) => q.gt("timedOutAt", 0).lt("timedOutAt", before))
      .take(SESSIONS_MAX);
    for (const session of due) await ctx.db.delete("sessions", session._id);
    const hasMore = due.length === SESSIONS_MAX;
    if (hasMore) await ctx.scheduler.runAfter(0, internal.sessions.forgetOldSessions, {});
    return { deleted: due.length, hasMore };
  },
});
