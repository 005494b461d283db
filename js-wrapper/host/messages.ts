import type { PaginationOptions, PaginationResult } from "convex/server";
import type { CodexComponent, CodexMessageDoc, CodexReplay, HostQueryCtx } from "./component.js";
import { orMissing, THREAD_IS_MISSING, TURN_IS_MISSING } from "./errors.js";
import type { HostActorContext, HostStreamArgs, HostSyncRuntimeOptions } from "./validators.js";

/** What {@link listThreadMessagesForHooksForActor} takes. */
export interface HostMessagesForHooksArgs {
  actor: HostActorContext;
  threadId: string;
  paginationOpts: PaginationOptions;
  streamArgs?: HostStreamArgs | undefined;
  runtime?: HostSyncRuntimeOptions | undefined;
}

/** What is live, as far as `streamArgs` asked. */
export type HostStreamsResult =
  | { kind: "list"; streams: CodexReplay["streams"] }
  | ({ kind: "deltas" } & Omit<CodexReplay, "snapshots">);

/** A page of a thread's rows, newest first, and what is live. */
export type HostPageForHooks<Row> = PaginationResult<Row> & {
  streams: HostStreamsResult | undefined;
  /** Only where there is no such thread for this actor; the page is empty then. */
  threadStatus?: "missing";
};
export type HostMessagesForHooksResult = HostPageForHooks<CodexMessageDoc>;

/**
 * Lists a thread's messages for `useCodexMessages`, and its streams where `streamArgs` asks for them.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args `startOrder` of `kind: "list"` leaves out the streams of turns before it; `kind: "deltas"` lists the
 *   streams that are streaming or named, and with `numItems: 0` reads no message; `kind: "followed"` lists none, and leaves out of
 *   each message that streams what its reader gets of the stream (`tail`); of `runtime` only the two read limits count
 * @returns the page and `streams`: undefined unless asked for. A thread that is not there (yet) is an empty page with
 *   `threadStatus: "missing"`
 * @throws ConvexError `E_CURSOR_INVALID`
 */
export async function listThreadMessagesForHooksForActor(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: HostMessagesForHooksArgs,
): Promise<HostMessagesForHooksResult> {
  const { actor, threadId, paginationOpts } = args;
  const read = { actor, threadId, paginationOpts, ...followedOf(args) };
  return await pageForHooks(ctx, component, args, () => ctx.runQuery(component.messages.listByThread, read));
}

/** See {@link listThreadMessagesForHooksForActor}: the same under the name that takes the actor from the arguments. */
export const listThreadMessagesForHooks = listThreadMessagesForHooksForActor;

/**
 * Lists the messages of one turn, oldest first.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args the turn and its thread
 * @returns its messages in their order, the newest 500 at most; none where there is no such thread or turn for this actor
 */
export async function listTurnMessagesForHooksForActor(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: { actor: HostActorContext; threadId: string; turnId: string },
): Promise<CodexMessageDoc[]> {
  const { actor, threadId, turnId } = args;
  const messages = ctx.runQuery(component.messages.getByTurn, { actor, threadId, turnId });
  return await orMissing(messages, TURN_IS_MISSING, () => []);
}

/** How a page is asked for whose reader follows the streams. */
export function followedOf({ streamArgs }: HostMessagesForHooksArgs): { followed?: true } {
  return streamArgs?.kind === "followed" ? { followed: true } : {};
}

/** A page by `readPage`, and the streams that `streamArgs` asks for; of a thread that is not there the empty ones. */
export async function pageForHooks<Row>(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: HostMessagesForHooksArgs,
  readPage: () => Promise<PaginationResult<Row>>,
): Promise<HostPageForHooks<Row>> {
  const { paginationOpts, streamArgs } = args;
  const nothing = (isDone: boolean, continueCursor: string): PaginationResult<Row> => ({ page: [], isDone, continueCursor });
  // The overlay's own subscription: a call that would read nothing costs a context of its own.
  const isOverlay = paginationOpts.numItems === 0 && streamArgs !== undefined;
  const read = async (): Promise<HostPageForHooks<Row>> => {
    const page = isOverlay ? nothing(false, paginationOpts.cursor ?? "") : readPage();
    const streams = readStreams(ctx, component, args);
    // Of a thread that is not there both fail: neither is to run on when there is an answer.
    await Promise.allSettled([page, streams]);
    return { ...(await page), streams: await streams };
  };
  return await orMissing(read(), THREAD_IS_MISSING, () => ({ ...nothing(true, ""), streams: missingStreams(streamArgs), threadStatus: "missing" }));
}

/** The thread's streams, as far as `streamArgs` asks for them. */
async function readStreams(
  ctx: HostQueryCtx,
  component: CodexComponent,
  args: HostMessagesForHooksArgs,
): Promise<HostStreamsResult | undefined> {
  const { actor, threadId, streamArgs, runtime } = args;
  if (streamArgs === undefined || streamArgs.kind === "followed") return undefined;
  const { kind } = streamArgs;
  const replay = await ctx.runQuery(component.readers.replay, {
    actor,
    threadId,
    streamCursorsById: kind === "list" ? [] : streamArgs.cursors,
    snapshots: false,
    ...(runtime === undefined ? {} : { runtime }),
    // It runs again with every batch: it is not to read what has ended.
    ...(kind === "deltas" ? { liveOnly: true } : {}),
    ...(kind === "list" && streamArgs.startOrder !== undefined ? { startOrder: streamArgs.startOrder } : {}),
  });
  if (kind === "list") return { kind, streams: replay.streams };
  const { streams, deltas, texts, streamWindows, nextCheckpoints } = replay;
  return { kind, streams, deltas, texts, streamWindows, nextCheckpoints };
}

/** The streams of a thread that is not there. */
function missingStreams(streamArgs: HostStreamArgs | undefined): HostStreamsResult | undefined {
  if (streamArgs === undefined || streamArgs.kind === "followed") return undefined;
  if (streamArgs.kind === "list") return { kind: "list", streams: [] };
  return { kind: "deltas", streams: [], deltas: [], texts: [], streamWindows: [], nextCheckpoints: [] };
}
