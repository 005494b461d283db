/** The sweep of turns: one of which nobody can tell any more, or nobody told for a day, is ended, and what the end of one left open is closed. */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";
import { pageOfDue, vAfter } from "./model/due.js";
import { endTurn } from "./model/silence.js";

/** Turns that one call asks for. */
const TURNS_MAX = 50;

/** Asks for each turn of which nothing was heard for a day, and for each whose end left something open: by itself, whatever stops another. */
export const endSilentTurns = internalMutation({
  args: { after: v.optional(vAfter) },
  returns: v.object({ asked: v.number(), hasMore: v.boolean() }),
  handler: async (ctx, { after }): Promise<{ asked: number; hasMore: boolean }> => {
    const nowMs = Date.now();
    const turns = () => ctx.db.query("turns");
    const due = {
      at: (dueAt: number, created: number) => turns().withIndex("by_silence", (q) => q.eq("silentAt", dueAt).gt("_creationTime", created)),
      behind: (dueAt: number) => turns().withIndex("by_silence", (q) => q.gt("silentAt", dueAt).lte("silentAt", nowMs)),
      timeOf: ({ silentAt }: { silentAt?: number }) => silentAt,
    };
    const { rows, next } = await pageOfDue(due, after, ({ length }) => length >= TURNS_MAX);
    for (const { _id } of rows) await ctx.scheduler.runAfter(0, internal.turnsInternal.endSilentTurn, { turn: _id });
    if (next !== undefined) await ctx.scheduler.runAfter(0, internal.turnsInternal.endSilentTurns, { after: next });
    return { asked: rows.length, hasMore: next !== undefined };
  },
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
    if (hasMore) await ctx.scheduler.runAfter(0, internal.turnsInternal.endSilentTurn, args);
    return { ended, hasMore };
  },
});
