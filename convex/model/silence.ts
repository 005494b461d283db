/** Turns of which nothing was heard: the core says whether one ends. */
import { planSilence } from "../../js-wrapper/core/sweep.js";
import type { Doc } from "../_generated/dataModel.js";
import { applyTurnEnd } from "./apply.js";
import { decide } from "./core.js";
import { lastPlaceOf, loadedTurn, loadTurnToEnd, writerOf } from "./load.js";
import { findThread, scopeOf, type WriteCtx } from "./scope.js";

/** Streams of a turn whose last events are read, those that go on first: they say which runtime told of it. */
const STREAMS_ASKED_MAX = 4;

/**
 * Ends a turn if nothing was heard of it, or for a `reason` whatever was; else it is asked again when nothing may have been.
 *
 * @returns how many writes its end took; none where it goes on
 */
export async function endTurn(ctx: WriteCtx, turn: Doc<"turns">, nowMs: number, reason?: string): Promise<number> {
  const { threadId, turnId } = turn;
  const actor = { tenantId: turn.tenantId, userId: turn.userId, deviceId: "" };
  const scope = scopeOf(actor);
  const [thread, writer, rows] = await Promise.all([
    findThread(ctx, scope, threadId),
    writerOf(ctx, scope, threadId),
    loadTurnToEnd(ctx, scope, threadId, turnId),
  ]);
  if (thread === null) {
    // Its thread is being deleted: nobody asks again.
    await ctx.db.patch("turns", turn._id, { silentAt: undefined });
    return 0;
  }
  const told = await Promise.all(rows.streams.slice(0, STREAMS_ASKED_MAX).map(({ streamId }) => lastPlaceOf(ctx, scope, streamId)));
  const loaded = { ...loadedTurn(rows), places: told.flat() };
  const answer = decide(() => planSilence({ nowMs, lastBeatAt: writer?.lastBeatAt, runtimeId: writer?.runtimeId, reason, loaded }));
  if (answer.type === "postponed") {
    await ctx.db.patch("turns", turn._id, { silentAt: answer.silentAt });
    return 0;
  }
  // What the core says anew replaces this.
  if (turn.silentAt !== undefined) await ctx.db.patch("turns", turn._id, { silentAt: undefined });
  await applyTurnEnd(ctx, { actor, thread, rows, nowMs }, answer.writes);
  return answer.writes.length;
}
