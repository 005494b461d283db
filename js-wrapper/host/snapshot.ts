import type { CodexComponent, CodexThreadState, HostQueryCtx } from "./component.js";
import { orMissing, THREAD_IS_MISSING } from "./errors.js";
import type {
  HostActorContext,
  HostDataHygiene,
  HostDurableHistoryStats,
  HostPersistenceStats,
} from "./validators.js";

/** Messages that durableHistoryStats shows. */
const LATEST_MESSAGES = 5;

type ThreadArgs = { actor: HostActorContext; threadId: string };

/** A thread's state as far as the stats read it; what a row lacks drops the row. */
export interface HostThreadStateLike {
  readonly streamStats?: readonly unknown[] | undefined;
  readonly allStreams?: readonly { readonly streamId: string }[] | undefined;
  readonly recentMessages?: readonly { messageId: string; turnId: string; role: string; status: string; text: string }[] | undefined;
}

/** What {@link threadSnapshot} answers. */
export type HostThreadSnapshot = Omit<CodexThreadState, "threadStatus"> & {
  /** `missing` where there is no such thread for this actor; everything else is empty then. */
  threadStatus: CodexThreadState["threadStatus"] | "missing";
};

/** How far a stream is. */
export interface StreamStatSummary {
  readonly streamId: string;
  /** Events accepted. */
  readonly deltaCount: number;
  readonly latestCursor: number;
}

/**
 * Reads what a thread is at: its newest turns, streams, pending approvals and messages.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param args the thread
 * @returns the state; `threadStatus: "missing"` and empty lists where there is no such thread for this actor
 */
export async function threadSnapshot(ctx: HostQueryCtx, component: CodexComponent, args: ThreadArgs): Promise<HostThreadSnapshot> {
  const { actor, threadId } = args;
  const state = ctx.runQuery(component.threads.getState, { actor, threadId });
  return await orMissing<HostThreadSnapshot>(state, THREAD_IS_MISSING, () => ({
    threadId,
    threadStatus: "missing",
    turns: [],
    activeStreams: [],
    allStreams: [],
    streamStats: [],
    pendingApprovals: [],
    recentMessages: [],
  }));
}

/** {@link computePersistenceStats} of a thread as it is now; all 0 for one that is not there. */
export async function persistenceStats(ctx: HostQueryCtx, component: CodexComponent, args: ThreadArgs): Promise<HostPersistenceStats> {
  return computePersistenceStats(await threadSnapshot(ctx, component, args));
}

/** {@link computeDurableHistoryStats} of a thread as it is now; all 0 for one that is not there. */
export async function durableHistoryStats(ctx: HostQueryCtx, component: CodexComponent, args: ThreadArgs): Promise<HostDurableHistoryStats> {
  return computeDurableHistoryStats(await threadSnapshot(ctx, component, args));
}

/**
 * {@link computeDataHygiene} of a thread as it is now; all 0 for one that is not there.
 *
 * Of this component it finds no orphan: a thread's state has the statistics of the streams that it lists, and a stream that is
 * cleaned up takes its own out of the list. `streams.auditDataHygiene`, an internal function for who runs the deployment, looks at
 * what is stored: it names the streams whose turn is not known.
 */
export async function dataHygiene(ctx: HostQueryCtx, component: CodexComponent, args: ThreadArgs): Promise<HostDataHygiene> {
  return computeDataHygiene(await threadSnapshot(ctx, component, args));
}

/**
 * Counts what a thread's streams hold.
 *
 * @param state as {@link threadSnapshot} answers it; malformed rows are dropped
 * @returns streams, events accepted in them, and how far each is
 */
export function computePersistenceStats(state: HostThreadStateLike): HostPersistenceStats {
  const stats = streamStats(state);
  return {
    streamCount: stats.length,
    deltaCount: stats.reduce((sum, { deltaCount }) => sum + deltaCount, 0),
    latestCursorByStream: stats.map(({ streamId, latestCursor }) => ({ streamId, cursor: latestCursor })),
  };
}

/**
 * Sums up a thread's newest messages.
 *
 * @param state as {@link threadSnapshot} answers it
 * @returns how many messages the state holds (20 at most), and the newest 5 of them
 */
export function computeDurableHistoryStats(state: HostThreadStateLike): HostDurableHistoryStats {
  const messages = state.recentMessages ?? [];
  return {
    messageCountInPage: messages.length,
    latest: messages
      .slice(0, LATEST_MESSAGES)
      .map(({ messageId, turnId, role, status, text }) => ({ messageId, turnId, role, status, text })),
  };
}

/**
 * Looks for statistics of streams that are not there: in a state that an app kept, or put together of two.
 *
 * @param state as {@link threadSnapshot} answers it; malformed rows are dropped
 * @returns how many statistics were looked at, and which belong to no stream
 */
export function computeDataHygiene(state: HostThreadStateLike): HostDataHygiene {
  const live = new Set((state.allStreams ?? []).map(({ streamId }) => streamId));
  const stats = streamStats(state);
  const orphanStreamIds = stats.map(({ streamId }) => streamId).filter((streamId) => !live.has(streamId));
  return { scannedStreamStats: stats.length, streamStatOrphans: orphanStreamIds.length, orphanStreamIds };
}

/** Whether a value says how far a stream is: a `streamId`, and `deltaCount` and `latestCursor` that are finite. */
export function isStreamStatSummary(value: unknown): value is StreamStatSummary {
  if (typeof value !== "object" || value === null) return false;
  if (!("streamId" in value && "deltaCount" in value && "latestCursor" in value)) return false;
  return typeof value.streamId === "string" && Number.isFinite(value.deltaCount) && Number.isFinite(value.latestCursor);
}

function streamStats(state: HostThreadStateLike): StreamStatSummary[] {
  return (state.streamStats ?? []).filter(isStreamStatSummary);
}
