import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import type { Doc } from "../_generated/dataModel.js";
import { coded } from "../errors.js";

/** Whose rows a call may see: every index range begins with these two. */
export type Scope = { tenantId: string; userId: string };

export type ReadCtx = Pick<QueryCtx, "db">;
export type WriteCtx = Pick<MutationCtx, "db">;

export function scopeOf(actor: Scope): Scope {
  return { tenantId: actor.tenantId, userId: actor.userId };
}

export function findStream(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string, streamId: string) {
  return ctx.db
    .query("streams")
    .withIndex("by_stream", (q) =>
      q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).eq("streamId", streamId),
    )
    .unique();
}

/** The actor's thread of that id, if there is one. */
export function findThread(ctx: ReadCtx, scope: Scope, threadId: string): Promise<Doc<"threads"> | null> {
  return ctx.db
    .query("threads")
    .withIndex("by_thread", (q) => q.eq("tenantId", scope.tenantId).eq("userId", scope.userId).eq("threadId", threadId))
    .unique();
}

/**
 * The actor's thread of that id.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN` where there is none, whoever else has one.
 */
export async function requireThread(ctx: ReadCtx, scope: Scope, threadId: string): Promise<Doc<"threads">> {
  const thread = await findThread(ctx, scope, threadId);
  if (thread === null) throw coded("E_AUTH_THREAD_FORBIDDEN", "the thread does not exist for this actor", { threadId });
  return thread;
}

/** The actor's row that a client names by its row id, if there is one. */
export async function findOwn<Table extends "deletions" | "forks" | "deviceTokens">(ctx: ReadCtx, table: Table, scope: Scope, named: string): Promise<Doc<Table> | null> {
  const id = ctx.db.normalizeId(table, named);
  const row = id === null ? null : await ctx.db.get(table, id);
  return row !== null && row.tenantId === scope.tenantId && row.userId === scope.userId ? row : null;
}

/** The turn of that id in the actor's thread, if there is one. */
export function findTurn(ctx: ReadCtx, scope: Scope, threadId: string, turnId: string): Promise<Doc<"turns"> | null> {
  return ctx.db
    .query("turns")
    .withIndex("by_turn", (q) =>
      q.eq("tenantId", scope.tenantId).eq("userId", scope.userId).eq("threadId", threadId).eq("turnId", turnId),
    )
    .unique();
}

/** The turn whose id a client invented, if there is one. */
export function findTurnByClient(ctx: ReadCtx, scope: Scope, threadId: string, clientTurnId: string): Promise<Doc<"turns"> | null> {
  return ctx.db
    .query("turns")
    .withIndex("by_client", (q) =>
      q.eq("tenantId", scope.tenantId).eq("userId", scope.userId).eq("threadId", threadId).eq("clientTurnId", clientTurnId),
    )
    .first();
}

/** The turn of that id, be it Codex's or the one that its client invented. */
export async function findTurnByEither(ctx: ReadCtx, scope: Scope, threadId: string, turnId: string): Promise<Doc<"turns"> | null> {
  return (await findTurn(ctx, scope, threadId, turnId)) ?? findTurnByClient(ctx, scope, threadId, turnId);
}
