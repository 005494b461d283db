/** The sweep of turns: one of which nobody can tell any more, or nobody told for a day, is ended, and what the end of one left open is closed. */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";
import { sweepDue, vAfter } from "./model/due.js";
import { endTurn } from "./model/silence.js";

/** Asks for each turn of which nothing was heard for a day, and for each whose end left something open: by itself, whatever stops another. */
export const endSilentTurns = internalMutation({
  args: { after: v.optional(vAfter) },
  returns: v.object({ asked: v.number(), hasMore: v.boolean() }),
  handler: (ctx, { after }): Promise<{ asked: number; hasMore: boolean }> =>
    sweepDue(ctx, "turns", after, {
      ask: (turn) => ctx.scheduler.runAfter(0, internal.silence.endSilentTurn, { turn }),
      goOn: (after) => ctx.scheduler.runAfter(0, internal.silence.endSilentTurns, { after }),
    }),
});

/**
 * Ends a turn if nothing was heard of it for a day, if another runtime took its thread, or for a `reason` whatever was heard; a new
 * event on its streams undoes it. Closes what an end was too small for.
 */
export const endSilentTurn = internalMutation({
  args: { turn: v.id("turns"), reason: v.optional(v.string()) },
  returns: v.object({ ended: v.boolean(), hasMore: v.boolean() }),
  handler: async (ctx, args): Promise<{ ended: boolean; hasMore: boolean }> => {
    const nowMs = Date.now();
    const due = async () => {
      const turn = await ctx.db.get("turns", args.turn);
      return turn?.silentAt !== undefined && turn.silentAt <= nowMs ? turn : null;
    };
    const turn = await due();
    if (turn === null) return { ended: false, hasMore: false };
    const ended = (await endTurn(ctx, turn, nowMs, args.reason)) > 0;
    const hasMore = ended && (await due()) !== null;
    if (hasMore) await ctx.scheduler.runAfter(0, internal.silence.endSilentTurn, args);
    return { ended, hasMore };
  },
});
