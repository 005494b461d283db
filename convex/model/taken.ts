/** Turns whose thread another runtime took. A module apart from what ends them, which is loaded for that alone. */
import { internal } from "../_generated/api.js";
import type { MutationCtx } from "../_generated/server.js";
import { openTurns } from "./load.js";
import { scopeOf, type Scope } from "./scope.js";

/**
 * Has the sweep ask now for the turns that are in progress in a thread, where a runtime binds it that did not write it before: what
 * that one did not tell of ends, and what waits behind it goes on.
 */
export async function askOpenTurns(ctx: MutationCtx, thread: Scope & { threadId: string }, nowMs: number): Promise<void> {
  for (const turn of await openTurns(ctx, scopeOf(thread), thread.threadId)) {
    // The cron asks for it, should this call of the sweep fail.
    await ctx.db.patch("turns", turn._id, { silentAt: nowMs });
    await ctx.scheduler.runAfter(0, internal.turnsInternal.endSilentTurn, { turn: turn._id });
  }
}
