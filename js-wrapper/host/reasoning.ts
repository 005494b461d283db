import type { PaginationResult } from "convex/server";
import type { CodexComponent, CodexReasoningSegment, HostQueryCtx } from "./component.js";
import { orMissing } from "./errors.js";
import { missingStreams, readStreams, THREAD_IS_MISSING, type HostMessagesForHooksArgs, type HostStreamsResult } from "./messages.js";

/** What {@link listThreadReasoningForHooksForActor} takes. */
export interface HostReasoningForHooksArgs extends HostMessagesForHooksArgs {
  includeRaw?: boolean | undefined;
}

/** A page of what was thought in a thread, newest first, and what is live. */
export type HostReasoningForHooksResult = PaginationResult<CodexReasoningSegment> & {
  streams: HostStreamsResult | undefined;
  /** Only where there is no such thread for this actor; the page is empty then. */
  threadStatus?: "missing";
};

/**
 * Lists what was thought in a thread for `useCodexReasoning`, and its streams where `streamArgs` asks for them.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args as `listThreadMessagesForHooksForActor` takes them; `includeRaw` shows what was thought in full, and is the server's
 *   to say: that is there only where ingest stored it (`exposeRawReasoningDeltas`), and never shown where the `runtime` given here
 *   has `exposeRawReasoningDeltas: false`. `numItems` counts items, each of them one or more segments
 * @returns the page and `streams`: undefined unless asked for. A thread that is not there (yet) is an empty page with
 *   `threadStatus: "missing"`
 * @throws ConvexError `E_CURSOR_INVALID`
 */
export async function listThreadReasoningForHooksForActor(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: HostReasoningForHooksArgs,
): Promise<HostReasoningForHooksResult> {
  const read = async (): Promise<HostReasoningForHooksResult> => {
    const [page, streams] = await Promise.all([readPage(ctx, component, args), readStreams(ctx, component, args)]);
    return { ...page, streams };
  };
  return await orMissing(read(), THREAD_IS_MISSING, () => ({
    page: [],
    isDone: true,
    continueCursor: "",
    streams: missingStreams(args.streamArgs),
    threadStatus: "missing",
  }));
}

/** See {@link listThreadReasoningForHooksForActor}: the same under the name that takes the actor from the arguments. */
export const listThreadReasoningForHooks = listThreadReasoningForHooksForActor;

async function readPage(
  ctx: HostQueryCtx,
  component: CodexComponent,
  { actor, threadId, paginationOpts, streamArgs, runtime, includeRaw }: HostReasoningForHooksArgs,
): Promise<PaginationResult<CodexReasoningSegment>> {
  // The overlay's own subscription: a call that would read nothing costs a context of its own.
  if (paginationOpts.numItems === 0 && streamArgs !== undefined) {
    return { page: [], isDone: false, continueCursor: paginationOpts.cursor ?? "" };
  }
  const raw = typeof includeRaw === "boolean" ? { includeRaw: includeRaw && runtime?.exposeRawReasoningDeltas !== false } : {};
  return await ctx.runQuery(component.reasoning.listByThread, { actor, threadId, paginationOpts, ...raw });
}
