/** Turns that a job deletes, or will, are hidden by their thread: by their places, so that a list skips what is in them. */
import type { Doc } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import { findThread, findTurnByEither, type ReadCtx, type Scope } from "./scope.js";

type Thread = Doc<"threads">;

/** Places of turns, half-open. */
export type Places = { from: number; to: number };

export function isHidden({ hidden = [] }: Pick<Thread, "hidden">, turnOrder: number | undefined): boolean {
  return turnOrder !== undefined && hidden.some(({ from, to }) => turnOrder >= from && turnOrder < to);
}

/** The places that a thread shows, newest first; the last ones begin at 0, the first ones have no end. */
export function shownPlaces({ hidden = [] }: Pick<Thread, "hidden">): Places[] {
  const shown: Places[] = [];
  let end = Infinity;
  for (const { from, to } of [...hidden].sort((one, other) => other.to - one.to)) {
    if (to < end) shown.push({ from: to, to: end });
    end = Math.min(end, from);
  }
  if (end > 0) shown.push({ from: 0, to: end });
  return shown;
}

/** Up to `count` rows of the places that a thread shows, newest first. */
export async function takeShown<Row>(
  thread: Thread,
  count: number,
  take: (places: Places, left: number) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const places of shownPlaces(thread)) {
    if (rows.length < count) rows.push(...(await take(places, count - rows.length)));
  }
  return rows;
}

/**
 * The shown turn of that id.
 *
 * @throws `E_AUTH_TURN_FORBIDDEN` where there is none
 */
export async function requireShownTurn(ctx: ReadCtx, thread: Thread, turnId: string): Promise<Doc<"turns">> {
  const turn = await findShownTurn(ctx, thread, turnId);
  if (turn === null) throw coded("E_AUTH_TURN_FORBIDDEN", "the turn does not exist for this actor", { turnId });
  return turn;
}

/** The turn of that id, be it Codex's or its client's, unless it is hidden. */
export async function findShownTurn(ctx: ReadCtx, thread: Thread, turnId: string): Promise<Doc<"turns"> | null> {
  const turn = await findTurnByEither(ctx, thread, thread.threadId, turnId);
  return turn === null || isHidden(thread, turn.turnOrder) ? null : turn;
}

/** Whether what names a turn is shown: it is not where the turn is hidden, or its deletion has begun. */
export async function isShown(ctx: ReadCtx, thread: Thread, turnId: string): Promise<boolean> {
  // Of a thread that hides nothing, nothing is looked up.
  if (thread.hidden === undefined || thread.hidden.length === 0) return true;
  const turn = await findTurnByEither(ctx, thread, thread.threadId, turnId);
  return turn === null ? !(await isDeletedTurn(ctx, thread, thread.threadId, turnId)) : !isHidden(thread, turn.turnOrder);
}

/** Which of an actor's rows are shown, whatever their threads: those of threads that are there and of turns that are shown. */
export function shownAnywhere(ctx: ReadCtx, scope: Scope): (row: { threadId: string; turnId: string }) => Promise<boolean> {
  const threads = new Map<string, Promise<Thread | null>>();
  return async ({ threadId, turnId }) => {
    const found = threads.get(threadId) ?? findThread(ctx, scope, threadId);
    threads.set(threadId, found);
    const thread = await found;
    return thread !== null && isShown(ctx, thread, turnId);
  };
}

/** The first `count` rows that are shown, among the first `lookedMax`. */
export async function firstShown<Row>(rows: AsyncIterable<Row>, count: number, lookedMax: number, isShown: (row: Row) => Promise<boolean>): Promise<Row[]> {
  const shown: Row[] = [];
  let looked = 0;
  for await (const row of rows) {
    if (await isShown(row)) shown.push(row);
    looked += 1;
    if (shown.length >= count || looked >= lookedMax) break;
  }
  return shown;
}

/** Whether the turn was deleted, or is being deleted. */
export async function isDeletedTurn(
  ctx: ReadCtx,
  { tenantId, userId }: Pick<Thread, "tenantId" | "userId">,
  threadId: string,
  turnId: string,
): Promise<boolean> {
  const found = await ctx.db
    .query("deletedTurns")
    .withIndex("by_turn", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("turnId", turnId))
    .first();
  return found !== null;
}
