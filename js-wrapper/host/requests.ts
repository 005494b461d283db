import type { PaginationOptions, PaginationResult } from "convex/server";
import type {
  CodexApproval,
  CodexApprovalDecision,
  CodexComponent,
  CodexDecidedRequest,
  CodexServerRequest,
  CodexServerRequestOrigin,
  HostMutationCtx,
  HostQueryCtx,
} from "./component.js";
import { given } from "../given.js";
import { orMissing, pageOrMissing, THREAD_IS_MISSING } from "./errors.js";
import type { HostActorContext } from "./validators.js";

/**
 * Lists the approvals that nobody has decided, newest first.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args without `threadId` those of all threads of the actor
 * @returns a page; each `payloadJson` is whole, so that a page may end before `numItems`. A thread that is not there (yet) is an
 *   empty page with `threadStatus: "missing"`
 * @throws ConvexError `E_CURSOR_INVALID`
 */
export async function listPendingApprovalsForHooksForActor(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; threadId?: string | undefined; paginationOpts: PaginationOptions },
): Promise<PaginationResult<CodexApproval> & { threadStatus?: "missing" }> {
  const { actor, threadId, paginationOpts } = args;
  const page = ctx.runQuery(component.approvals.listPending, { actor, ...given({ threadId }), paginationOpts });
  return await pageOrMissing(page);
}

/**
 * Decides an approval, once: the first decision stands, the same again changes nothing.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `decision` is `accepted`, `declined`, or one of the request's `availableDecisions` as `{json}`; `requestId` says
 *   which request where several ask about the item; `shownSha256`, in hexadecimal, is of the `payloadJson` that was shown; with
 *   `mustShow` what does not say it can only be declined
 * @returns null
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`, `E_APPROVAL_NOT_FOUND`, `E_APPROVAL_AMBIGUOUS`, `E_APPROVAL_NOT_PENDING` (its
 *   data says who decided), `E_APPROVAL_CHANGED`, `E_APPROVAL_NOT_OFFERED`, `E_APPROVAL_TOO_LARGE`, `E_APPROVAL_REDACTED`,
 *   `E_COMMAND_TOO_LARGE`
 */
export async function respondApprovalForHooksForActor(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: {
    actor: HostActorContext;
    threadId: string;
    turnId: string;
    itemId: string;
    decision: CodexApprovalDecision;
    requestId?: string | number | undefined;
    shownSha256?: string | undefined;
    mustShow?: boolean | undefined;
  },
): Promise<null> {
  const { actor, threadId, turnId, itemId, decision, requestId, shownSha256, mustShow } = args;
  const named = given({ requestId, shownSha256, mustShow });
  return await ctx.runMutation(component.approvals.respond, { actor, threadId, turnId, itemId, decision, ...named });
}

/**
 * Lists the requests that Codex waits for, last changed first: approvals, questions, tool calls, elicitations.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args without `threadId` those of all threads of the actor; `limit` of 1 to 200, 100 where it is not given
 * @returns the requests, `answering` where an answer is on its way; none of a thread that is not there (yet)
 */
export async function listPendingServerRequestsForHooksForActor(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; threadId?: string | undefined; limit?: number | undefined },
): Promise<CodexServerRequest[]> {
  const { actor, threadId, limit } = args;
  const requests = ctx.runQuery(component.serverRequests.listPending, { actor, ...given({ threadId, limit }) });
  return await orMissing(requests, THREAD_IS_MISSING, () => []);
}

/**
 * Lists what was decided in a thread, newest decision first: by whom, from which device or by which policy, when, and what; kept as long as
 * the thread.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args the thread, and the page
 * @returns a page; each `payloadJson` is whole, so that a page may end before `numItems`. A thread that is not there (yet) is an
 *   empty page with `threadStatus: "missing"`
 * @throws ConvexError `E_CURSOR_INVALID`
 */
export async function listDecidedRequestsForHooksForActor(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; threadId: string; paginationOpts: PaginationOptions },
): Promise<PaginationResult<CodexDecidedRequest> & { threadStatus?: "missing" }> {
  return await pageOrMissing(ctx.runQuery(component.serverRequests.listDecided, args));
}

/**
 * Tells of a request of the app-server: the bridge's call, never a reader's. The same again changes nothing.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `payloadJson` is the app-server's message; `requestedAt` in milliseconds; `runtimeId`, `generation` and
 *   `appGeneration` say which process asked, for ids restart at 0 in every one
 * @returns null
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`, `E_REQUEST_INVALID`
 */
export async function upsertPendingServerRequestForHooksForActor(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: {
    actor: HostActorContext;
    requestId: string | number;
    threadId: string;
    turnId: string;
    itemId: string;
    method: string;
    payloadJson: string;
    reason?: string | undefined;
    questionsJson?: string | undefined;
    requestedAt: number;
  } & CodexServerRequestOrigin,
): Promise<null> {
  const { actor, requestId, threadId, turnId, itemId, method, payloadJson, requestedAt } = args;
  const { reason, questionsJson, runtimeId, generation, appGeneration } = args;
  const asked = { requestId, threadId, turnId, itemId, method, payloadJson, requestedAt };
  return await ctx.runMutation(component.serverRequests.upsertPending, {
    actor,
    ...asked,
    ...given({ reason, questionsJson, runtimeId, generation, appGeneration }),
  });
}

/**
 * Says how a request ended: the bridge's call, never a reader's. Its word replaces what was guessed.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `answered` when the answer was written to Codex; `resolvedAt` in milliseconds; `policy` names what decided where no
 *   person did
 * @returns null
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN`, `E_REQUEST_NOT_FOUND`, `E_REQUEST_NOT_PENDING`, `E_REQUEST_INVALID`
 */
export async function resolvePendingServerRequestForHooksForActor(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: {
    actor: HostActorContext;
    threadId: string;
    requestId: string | number;
    status: "answered" | "expired";
    resolvedAt: number;
    responseJson?: string | undefined;
    policy?: string | undefined;
  } & CodexServerRequestOrigin,
): Promise<null> {
  const { actor, threadId, requestId, status, resolvedAt } = args;
  const { responseJson, policy, runtimeId, generation, appGeneration } = args;
  return await ctx.runMutation(component.serverRequests.resolve, {
    ...{ actor, threadId, requestId, status, resolvedAt },
    ...given({ responseJson, policy, runtimeId, generation, appGeneration }),
  });
}
