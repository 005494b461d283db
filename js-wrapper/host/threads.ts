import type { PaginationOptions, PaginationResult } from "convex/server";
import { given } from "../given.js";
import type { CodexComponent, CodexThreadRow, HostMutationCtx, HostQueryCtx } from "./component.js";
import { pageOrMissing } from "./errors.js";
import { ownerOf } from "./owner.js";
import type { HostActorContext, HostEnsureSessionResult } from "./validators.js";

/**
 * Makes the thread, or touches it where it is there.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `threadId` is the app-server's own; `model` and `cwd` overwrite what is stored only where given;
 *   `recreate` makes one anew that was deleted; `parentThreadId` is the thread whose agent it is, set where it has none
 * @returns `{threadId}`
 * @throws ConvexError `E_THREAD_DELETED` where the thread was deleted, `E_AUTH_THREAD_FORBIDDEN` where there is no such parent,
 *   `E_REQUEST_INVALID` where it has another one, or would be below itself
 */
export async function ensureThreadByCreate(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: {
    actor: HostActorContext;
    threadId: string;
    model?: string | undefined;
    cwd?: string | undefined;
    parentThreadId?: string | undefined;
    recreate?: boolean | undefined;
  },
): Promise<{ threadId: string }> {
  const { actor, threadId, model, cwd, parentThreadId, recreate } = args;
  return await ctx.runMutation(component.threads.create, {
    actor,
    threadId,
    localThreadId: threadId,
    ...given({ model, cwd, parentThreadId, recreate }),
  });
}

/**
 * Finds the thread that belongs to an id of the app's, or makes one. Without an id every call makes a new thread.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `externalThreadId` is the app's name for the thread, `localThreadId` the app-server's, where that is another;
 *   `recreate` binds one anew whose thread was deleted; `parentThreadId` is the thread whose agent it is, set where it has none
 * @returns `{threadId, externalThreadId?, created}`; `created` is false where the id was known
 * @throws ConvexError as {@link ensureThreadByCreate}
 */
export async function ensureThreadByResolve(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: {
    actor: HostActorContext;
    externalThreadId?: string | undefined;
    localThreadId?: string | undefined;
    model?: string | undefined;
    cwd?: string | undefined;
    parentThreadId?: string | undefined;
    recreate?: boolean | undefined;
  },
): Promise<{ threadId: string; externalThreadId?: string; created: boolean }> {
  const { actor, externalThreadId, localThreadId = externalThreadId, model, cwd, parentThreadId, recreate } = args;
  return await ctx.runMutation(component.threads.resolve, {
    actor,
    ...given({ externalThreadId, localThreadId, model, cwd, parentThreadId, recreate }),
  });
}

/**
 * Registers a turn before Codex knows it. The same `idempotencyKey` answers with the first call's turn.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `inputText` is what the user said; `model` and `cwd` are for this turn
 * @returns `{turnId, accepted: true}`
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN` where there is no such thread, `E_THREAD_ARCHIVED`
 */
export async function registerTurnStart(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: {
    actor: HostActorContext;
    threadId: string;
    turnId: string;
    inputText: string;
    idempotencyKey: string;
    model?: string | undefined;
    cwd?: string | undefined;
  },
): Promise<{ turnId: string; accepted: true }> {
  const { actor, threadId, turnId, inputText, idempotencyKey, model, cwd } = args;
  const options = given({ model, cwd });
  return await ctx.runMutation(component.turns.start, {
    actor,
    threadId,
    turnId,
    input: [{ type: "text", text: inputText }],
    idempotencyKey,
    ...(Object.keys(options).length === 0 ? {} : { options }),
  });
}

/**
 * Creates or refreshes the session of a bridge on a thread, and makes its device the thread's writer. Called before the
 * first ingest of a start or a reconnect.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `sessionId` names the bridge's process; one may hold many threads. `runtimeId` and `generation` say which start of
 *   which runtime it is, which alone leases the thread's commands. Without a thread (`""`) nothing is written
 * @returns `{sessionId, threadId, status}`: `created` for a new session, else `active`; without a thread also `owner`, a name for the
 *   actor's user that `runtimeId` alone has
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN` where there is no such thread
 */
export async function ensureSession(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; sessionId: string; threadId: string; runtimeId?: string | undefined; generation?: number | undefined },
): Promise<HostEnsureSessionResult> {
  const { actor, sessionId, threadId, runtimeId, generation } = args;
  if (threadId === "") return { sessionId, threadId, status: "active", owner: await ownerOf(runtimeId ?? sessionId, actor) };
  const runtime = runtimeId === undefined || generation === undefined ? {} : { runtimeId, generation };
  return await ctx.runMutation(component.sync.ensureSession, { actor, sessionId, threadId, lastEventCursor: 0, ...runtime });
}

/**
 * Ends a turn that has not ended: it reads `interrupted`, and what is open in it is closed with it. A turn that has
 * ended stays as it is.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `reason` becomes the turn's error, else "interrupted"
 * @returns null
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`, `E_AUTH_TURN_FORBIDDEN` where there is no such thread or turn
 */
export async function interruptTurnForHooksForActor(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; threadId: string; turnId: string; reason?: string | undefined },
): Promise<null> {
  const { actor, threadId, turnId, reason } = args;
  return await ctx.runMutation(component.turns.interrupt, { actor, threadId, turnId, ...given({ reason }) });
}

/**
 * Lists the actor's threads, the one last written to first.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args `paginationOpts` as a paginated query gets it; with `parentThreadId` the agents of that thread alone, with null
 *   there what is no agent; with `summary` each with its name, or what a person said first, and the turn that runs,
 *   else the newest; a page of those has 512 threads at most
 * @returns a page of `{threadId, status, updatedAt, parentThreadId?, name?, preview?, turn?}`, `updatedAt` in milliseconds. Of a parent that is not there
 *   (yet) an empty page with `threadStatus: "missing"`
 * @throws ConvexError `E_CURSOR_INVALID`
 */
export async function listThreadsForHooksForActor(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; parentThreadId?: string | null | undefined; summary?: boolean | undefined; paginationOpts: PaginationOptions },
): Promise<PaginationResult<CodexThreadRow> & { threadStatus?: "missing" }> {
  const { actor, parentThreadId, summary, paginationOpts } = args;
  const page = ctx.runQuery(component.threads.list, { actor, ...given({ parentThreadId, summary }), paginationOpts });
  return await pageOrMissing(page);
}
