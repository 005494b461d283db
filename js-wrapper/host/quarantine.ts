import type { PaginationOptions, PaginationResult } from "convex/server";
import type { CodexComponent, CodexQuarantinedEvent, HostMutationCtx, HostQueryCtx } from "./component.js";
import { pageOrMissing } from "./errors.js";
import type { HostActorContext } from "./validators.js";

/**
 * Lists a thread's malformed events, the one that came last first, each with its payload as it came.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args `paginationOpts` as a paginated query gets it
 * @returns a page of at most 4 MiB of payloads. A thread that is not there (yet) is an empty page with `threadStatus: "missing"`
 * @throws ConvexError `E_CURSOR_INVALID`
 */
export async function listQuarantineForActor(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; threadId: string; paginationOpts: PaginationOptions },
): Promise<PaginationResult<CodexQuarantinedEvent> & { threadStatus?: "missing" }> {
  const { actor, threadId, paginationOpts } = args;
  const page = ctx.runQuery(component.quarantine.list, { actor, threadId, paginationOpts });
  return await pageOrMissing(page);
}

/**
 * Forgets a malformed event of a thread, or all of them. Sent again, it is acknowledged and not kept again.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `eventId` of the one that goes; all of the thread where it is not given
 * @returns how many went
 * @throws ConvexError `E_AUTH_THREAD_FORBIDDEN` where there is no such thread
 */
export async function dropQuarantineForActor(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; threadId: string; eventId?: string | undefined },
): Promise<{ dropped: number }> {
  const { actor, threadId, eventId } = args;
  return await ctx.runMutation(component.quarantine.drop, { actor, threadId, ...(eventId === undefined ? {} : { eventId }) });
}
