/** The sweep of turns: one that is silent for a day is ended, and what the end of one left open is closed. */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";
import { endTurn } from "./model/silence.js";

/** Turns that one call looks at. */
const TURNS_MAX = 50;
/** Messages and streams that one call closes, and those of one turn more. */
const ROWS_MAX = 1_000;

/** Ends turns of which nothing was heard for a day; a new event on their streams undoes it. Closes what an end was too small for. */
export const endSilentTurns = internalMutation({
  args: {},
  returns: v.object({ ended: v.number(), hasMore: v.boolean() }),
  handler: async (ctx): Promise<{ ended: number; hasMore: boolean }> => {
    const nowMs = Date.now();
    const due = await ctx.db
      .query("turns")
      .withIndex("by_silence", (q) => q.gt("silentAt", 0).lte("silentAt", nowMs))
      .take(TURNS_MAX);
    let ended = 0;
    let rows = 0;
    let seen = 0;
    for (const turn of due) {
      if (rows >= ROWS_MAX) break;
      const outcome = await endTurn(ctx, turn, nowMs);
      rows += outcome.rows;
      seen += 1;
      if (outcome.ended) ended += 1;
    }
    const hasMore = seen < due.length || due.length === TURNS_MAX || rows >= ROWS_MAX;
    if (hasMore) await ctx.scheduler.runAfter(0, internal.turnsInternal.endSilentTurns, {});
    return { ended, hasMore };
  },
});
