/** Turns that are to be asked for now. A module apart from what ends them, which is loaded for that alone. */
import { given } from "../../js-wrapper/given.js";
import { internal } from "../_generated/api.js";
import type { Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { openTurns } from "./load.js";
import { scopeOf, type Scope } from "./scope.js";

/**
 * Has the sweep ask now for the turns that are in progress in a thread, where a runtime binds it that did not write it before: what
 * that one did not tell of ends, and what waits behind it goes on.
 */
export async function askOpenTurns(ctx: MutationCtx, thread: Scope & { threadId: string }, nowMs: number): Promise<void> {
  for (const turn of await openTurns(ctx, scopeOf(thread), thread.threadId)) await askTurn(ctx, turn._id, nowMs);
}

/** Has the sweep ask for a turn now, which ends it for a `reason` whatever was heard of it. */
export async function askTurn(ctx: MutationCtx, turn: Id<"turns">, nowMs: number, reason?: string): Promise<void> {
  // The cron asks for it, should this call of the sweep fail.
  await ctx.db.patch("turns", turn, { silentAt: nowMs });
  await ctx.scheduler.runAfter(0, internal.silence.endSilentTurn, { turn, ...given({ reason }) });
}
