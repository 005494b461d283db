/** What readers of streams get. A module apart from the batches': a reader's query runs again with each, and loads none of what takes them. */
import { v } from "convex/values";
import { query } from "./_generated/server.js";
import { coded } from "./errors.js";
import { replay as replayStreams } from "./model/replay.js";
import { findTurnByEither, requireThread, scopeOf } from "./model/scope.js";
import { listLiveStreams, listStreams, mainStreamOf } from "./model/streams.js";
import { vActor, vReplay, vResumed, vRuntimeOptions } from "./validators.js";

/**
 * What a reader gets of streams, from its cursors on.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const replay = query({
  args: {
    actor: vActor,
    threadId: v.string(),
    streamCursorsById: v.array(v.object({ streamId: v.string(), cursor: v.number() })),
    runtime: v.optional(vRuntimeOptions),
    /** Lists only streams of turns at or after this place. */
    startOrder: v.optional(v.number()),
    /** Lists only streams that are streaming, and those that are asked for: a reader who follows them reads no row of what has ended. */
    liveOnly: v.optional(v.boolean()),
    /** `false` leaves `snapshots` empty, and their rows unread. */
    snapshots: v.optional(v.boolean()),
  },
  returns: vReplay,
  handler: async (ctx, args) => {
    const scope = scopeOf(args.actor);
    const thread = await requireThread(ctx, scope, args.threadId);
    const asked = args.streamCursorsById.map(({ streamId }) => streamId);
    const streams = await (args.liveOnly === true ? listLiveStreams(ctx, thread, asked) : listStreams(ctx, thread, args.startOrder));
    const read = await replayStreams(ctx, thread, args.streamCursorsById, { runtime: args.runtime, alone: false, snapshots: args.snapshots !== false });
    return {
      streams: streams.map(({ streamId, state, turnOrder }) => ({ streamId, state, ...(turnOrder !== undefined && { turnOrder }) })),
      ...read,
    };
  },
});

/**
 * What a reader gets of a turn's own stream, from a cursor on: `replay` for one who follows a single turn. It answers with as many
 * events as `runtime.maxDeltasPerRequestRead` says, 1,000 at most; `nextCursor` is where to go on.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const resumeReplay = query({
  args: { actor: vActor, threadId: v.string(), turnId: v.string(), fromCursor: v.number(), runtime: v.optional(vRuntimeOptions) },
  returns: vResumed,
  handler: async (ctx, { actor, threadId, turnId, fromCursor, runtime }) => {
    const scope = scopeOf(actor);
    const thread = await requireThread(ctx, scope, threadId);
    const turn = await findTurnByEither(ctx, scope, threadId, turnId);
    const streamId = await mainStreamOf(ctx, thread, turn?.turnId ?? turnId);
    const read = await replayStreams(ctx, thread, [{ streamId, cursor: fromCursor }], { runtime, alone: true, snapshots: false });
    const [streamWindow] = read.streamWindows;
    const [next] = read.nextCheckpoints;
    if (streamWindow === undefined || next === undefined) throw coded("E_INTERNAL", "a stream that is asked for has a window");
    const { deltas, texts } = read;
    return { streamWindow, deltas: deltas.map(withoutStream), texts: texts.map(withoutStream), nextCursor: next.cursor };
  },
});

/** A row of one stream alone, which need not say so. */
function withoutStream<Row extends { streamId: string }>({ streamId: _, ...row }: Row): Omit<Row, "streamId"> {
  return row;
}
