/**
 * What a user has, counted within bounds: an index range for each number, and no row beyond what is counted. No text
 * writes what is read here, and no beat but one that renews a command's lease, so that neither runs it again.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { Usage } from "../validators.js";
import { findUsage, usageOf } from "./newest.js";
import { QUARANTINE_BYTES_MAX, QUARANTINE_MAX, quarantineOf } from "./quarantine.js";
import { COMMANDS_OPEN_MAX, openCommands, openCommandsOf } from "./queue.js";
import type { ReadCtx, Scope } from "./scope.js";
import { shownAnywhere } from "./visible.js";

/** Up to where is counted: what is beyond it is many. */
const COUNTED_MAX = 100;

type Count = Usage["threads"];

/** What all of a user's threads have together. */
export async function userUsage(ctx: ReadCtx, scope: Scope): Promise<Omit<Usage, "thread">> {
  const { tenantId, userId } = scope;
  const [threads, commands, pendingApprovals, pendingRequests] = await Promise.all([
    ctx.db.query("threads").withIndex("by_updated", (q) => q.eq("tenantId", tenantId).eq("userId", userId)).take(COUNTED_MAX + 1),
    openCommands(ctx, scope),
    waiting(ctx, scope, "approval"),
    waiting(ctx, scope, "request"),
  ]);
  return {
    threads: { count: Math.min(threads.length, COUNTED_MAX), more: threads.length > COUNTED_MAX },
    openCommands: { count: Math.min(commands.length, COMMANDS_OPEN_MAX), max: COMMANDS_OPEN_MAX },
    pendingApprovals,
    pendingRequests,
  };
}

/** What one thread has. */
export async function threadUsage(ctx: ReadCtx, thread: Doc<"threads">): Promise<NonNullable<Usage["thread"]>> {
  const { threadId, nextTurnOrder } = thread;
  const [tokens, commands, malformed] = await Promise.all([
    findUsage(ctx, thread, threadId, "thread"),
    openCommandsOf(ctx, thread, threadId),
    quarantineOf(ctx, thread, threadId),
  ]);
  return {
    turns: nextTurnOrder,
    tokens: tokens && { ...usageOf(tokens), updatedAt: tokens.updatedAt },
    openCommands: { count: Math.min(commands.length, COMMANDS_OPEN_MAX), max: COMMANDS_OPEN_MAX },
    quarantine: {
      events: { count: malformed.length, max: QUARANTINE_MAX },
      bytes: { count: malformed.reduce((sum, { bytes }) => sum + bytes, 0), max: QUARANTINE_BYTES_MAX },
    },
  };
}

/** What waits for a person, the newest first, as far as it is looked at: what is hidden is not counted. */
async function waiting(ctx: ReadCtx, scope: Scope, waitsAs: "approval" | "request"): Promise<Count> {
  const { tenantId, userId } = scope;
  const rows = ctx.db
    .query("serverRequests")
    .withIndex("by_waiting", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("waiting", waitsAs))
    .order("desc");
  const isShown = shownAnywhere(ctx, scope);
  let [count, looked] = [0, 0];
  for await (const row of rows) {
    if (looked >= COUNTED_MAX) return { count, more: true };
    looked += 1;
    if (await isShown(row)) count += 1;
  }
  return { count, more: false };
}
