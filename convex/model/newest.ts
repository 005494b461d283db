/** What turns and threads keep the newest of: usage in rows of its own, everything else in parts beside the turn or thread. */
import type { Write } from "../../js-wrapper/core/boundary.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { TokenCounts } from "../validators.js";
import { readParts, writeParts } from "./parts.js";
import { findThread, findTurn, type ReadCtx, type Scope, type WriteCtx } from "./scope.js";

type PutNewest = Extract<Write, { type: "putNewest" }>;

/** Whose usage, and what it is. */
export type Usage = Pick<Doc<"tokenUsage">, "total" | "last" | "modelContextWindow">;
type UsageOf = Pick<Doc<"tokenUsage">, "of" | "turnId" | "turnOrder">;

export function usageOf({ total, last, modelContextWindow }: Doc<"tokenUsage">): Usage {
  return { total, last, ...(modelContextWindow === undefined ? {} : { modelContextWindow }) };
}

/** Where it belongs, and when. */
type Place = { scope: Scope; threadId: string; nowMs: number };

export async function putNewest(ctx: WriteCtx, { scope, threadId, nowMs }: Place, write: PutNewest): Promise<void> {
  const { what, turnId, turnOrder, ofThread, parts } = write;
  if (what === "usage") {
    const usage = parseUsage(parts.join(""));
    if (turnOrder !== undefined) await putUsage(ctx, scope, threadId, { of: "turn", turnId, turnOrder }, usage, nowMs);
    if (ofThread) await putUsage(ctx, scope, threadId, { of: "thread", turnId, ...(turnOrder === undefined ? {} : { turnOrder }) }, usage, nowMs);
    return;
  }
  if (ofThread) {
    const thread = await findThread(ctx, scope, threadId);
    if (thread !== null) await writeParts(ctx, thread._id, what, parts);
    return;
  }
  const turn = await findTurn(ctx, scope, threadId, turnId);
  if (turn === null) return;
  await writeParts(ctx, turn._id, what, parts);
  // Once for all its plans: each write of the row sends the list of turns anew.
  if (what === "plan" && turn.hasPlan !== true) await ctx.db.patch("turns", turn._id, { hasPlan: true });
}

/** What a turn or a thread keeps the newest of; none where it keeps none. */
export async function readNewest(ctx: ReadCtx, owner: Id<"turns"> | Id<"threads">, what: PutNewest["what"]): Promise<string | undefined> {
  return (await readParts(ctx, owner, what)) || undefined;
}

/** The thread's usage, or that of the turn at a place. */
export function findUsage(
  ctx: ReadCtx,
  { tenantId, userId }: Scope,
  threadId: string,
  of: "turn" | "thread",
  turnOrder?: number,
): Promise<Doc<"tokenUsage"> | null> {
  return ctx.db
    .query("tokenUsage")
    .withIndex("by_order", (q) => {
      const all = q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("of", of);
      return turnOrder === undefined ? all : all.eq("turnOrder", turnOrder);
    })
    .unique();
}

/** As the core asks for it: one more than the place of the turn whose usage the thread's is, 0 where it is of none that is known. */
export function usagePlaceOf(usage: Doc<"tokenUsage"> | null): number {
  return usage?.turnOrder === undefined ? 0 : usage.turnOrder + 1;
}

/** Makes the usage read so; what reads so already is not written. */
export async function putUsage(ctx: WriteCtx, scope: Scope, threadId: string, of: UsageOf, usage: Usage, nowMs: number): Promise<void> {
  const before = await findUsage(ctx, scope, threadId, of.of, of.of === "turn" ? of.turnOrder : undefined);
  const after = { ...scope, threadId, ...of, ...usage };
  if (before === null) await ctx.db.insert("tokenUsage", { ...after, updatedAt: nowMs });
  else if (!isSame(before, after)) await ctx.db.replace("tokenUsage", before._id, { ...after, updatedAt: nowMs });
}

type Counts = { [Name in keyof TokenCounts]?: unknown };

/** `params.tokenUsage` of the app-server: the core has seen that both objects are there. */
function parseUsage(json: string): Usage {
  const { total, last, modelContextWindow } = JSON.parse(json) as { total: Counts; last: Counts; modelContextWindow?: unknown };
  const window = isCount(modelContextWindow) ? { modelContextWindow } : {};
  return { total: countsOf(total), last: countsOf(last), ...window };
}

/** An older app-server counts fewer of them: what is no count is 0. */
function countsOf(counts: Counts): TokenCounts {
  const count = (value: unknown) => (isCount(value) ? value : 0);
  return {
    totalTokens: count(counts.totalTokens),
    inputTokens: count(counts.inputTokens),
    cachedInputTokens: count(counts.cachedInputTokens),
    cacheWriteInputTokens: count(counts.cacheWriteInputTokens),
    outputTokens: count(counts.outputTokens),
    reasoningOutputTokens: count(counts.reasoningOutputTokens),
  };
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSame(before: Doc<"tokenUsage">, after: UsageOf & Usage): boolean {
  const sameCounts = (one: TokenCounts, other: TokenCounts) => Object.entries(one).every(([name, count]) => other[name as keyof TokenCounts] === count);
  return (
    before.turnId === after.turnId &&
    before.turnOrder === after.turnOrder &&
    before.modelContextWindow === after.modelContextWindow &&
    sameCounts(before.total, after.total) &&
    sameCounts(before.last, after.last)
  );
}
