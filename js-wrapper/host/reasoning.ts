import type { CodexComponent, CodexReasoningSegment, HostQueryCtx } from "./component.js";
import { followedOf, pageForHooks, type HostMessagesForHooksArgs, type HostPageForHooks } from "./messages.js";

/** What {@link listThreadReasoningForHooksForActor} takes. */
export interface HostReasoningForHooksArgs extends HostMessagesForHooksArgs {
  includeRaw?: boolean | undefined;
}

/** A page of what was thought in a thread, newest first, and what is live. */
export type HostReasoningForHooksResult = HostPageForHooks<CodexReasoningSegment>;

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
  const { actor, threadId, paginationOpts, runtime, includeRaw } = args;
  const raw = typeof includeRaw === "boolean" ? { includeRaw: includeRaw && runtime?.exposeRawReasoningDeltas !== false } : {};
  const read = { actor, threadId, paginationOpts, ...raw, ...followedOf(args) };
  return await pageForHooks(ctx, component, args, () => ctx.runQuery(component.reasoning.listByThread, read));
}

/** See {@link listThreadReasoningForHooksForActor}: the same under the name that takes the actor from the arguments. */
export const listThreadReasoningForHooks = listThreadReasoningForHooksForActor;
