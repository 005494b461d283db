import type { CodexComponent, CodexLifecycleEvent, CodexStreamDelta, HostMutationCtx } from "./component.js";
import { hostError } from "./errors.js";
import type {
  HostActorContext,
  HostInboundLifecycleEvent,
  HostInboundStreamDelta,
  HostIngestSafeResult,
  HostSyncRuntimeOptions,
} from "./validators.js";

/** An event as an app gets it from the bridge. */
type InboundEvent = HostInboundStreamDelta | HostInboundLifecycleEvent;

interface IngestTarget {
  actor: HostActorContext;
  sessionId: string;
  threadId: string;
  runtime?: HostSyncRuntimeOptions | undefined;
}

/**
 * Stores a batch of events of one thread, exactly once in effect however often it is sent. `type` decides what an event
 * is; without one, an event with a streamId, a turnId and both cursors is a stream's, every other one the thread's.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `deltas` in any order, also none; `runtime` says what is kept of them
 * @returns what was acknowledged: the sender may drop exactly this batch, unless `status` is `rejected`
 * @throws ConvexError `E_SYNC_THREAD_MISMATCH` where an event names another thread than `args.threadId`
 */
export async function ingestBatchSafe(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: IngestTarget & { deltas: readonly InboundEvent[] },
): Promise<HostIngestSafeResult> {
  const { actor, sessionId, threadId, runtime, deltas } = args;
  const streamDeltas: CodexStreamDelta[] = [];
  const lifecycleEvents: CodexLifecycleEvent[] = [];
  for (const event of deltas) {
    if (event.threadId !== undefined && event.threadId !== threadId) throw threadMismatch(event, threadId);
    if (isStreamDelta(event)) streamDeltas.push(toStreamDelta(event));
    else lifecycleEvents.push(toLifecycleEvent(event));
  }
  return await ctx.runMutation(component.sync.ingestSafe, {
    actor,
    sessionId,
    threadId,
    streamDeltas,
    lifecycleEvents,
    ...(runtime === undefined ? {} : { runtime }),
  });
}

/**
 * Stores a batch of events as the bridge hands them over: {@link ingestBatchSafe} for batches that are not empty.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `deltas` holds one event at least
 * @returns as {@link ingestBatchSafe}
 * @throws ConvexError `E_SYNC_EMPTY_BATCH`, `E_SYNC_THREAD_MISMATCH`
 */
export async function ingestBatchMixed(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: IngestTarget & { deltas: readonly InboundEvent[] },
): Promise<HostIngestSafeResult> {
  refuseEmpty(args.deltas);
  return await ingestBatchSafe(ctx, component, args);
}

/**
 * Stores one event as the bridge hands it over.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `event` of a stream or of the thread
 * @returns as {@link ingestBatchSafe}
 * @throws ConvexError `E_SYNC_THREAD_MISMATCH`
 */
export async function ingestEventMixed(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: IngestTarget & { event: InboundEvent },
): Promise<HostIngestSafeResult> {
  const { event, ...target } = args;
  return await ingestBatchSafe(ctx, component, { ...target, deltas: [event] });
}

/**
 * Stores a batch of events that are all of streams.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `deltas` holds one event at least; no `type` is needed
 * @returns as {@link ingestBatchSafe}
 * @throws ConvexError `E_SYNC_EMPTY_BATCH`, `E_SYNC_THREAD_MISMATCH`
 */
export async function ingestBatchStreamOnly(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: IngestTarget & { deltas: readonly Omit<HostInboundStreamDelta, "type">[] },
): Promise<HostIngestSafeResult> {
  refuseEmpty(args.deltas);
  const deltas = args.deltas.map((delta) => ({ ...delta, type: "stream_delta" as const }));
  return await ingestBatchSafe(ctx, component, { ...args, deltas });
}

/**
 * Stores one event of a stream.
 *
 * @param ctx of a mutation or an action
 * @param component `components.codexLocal`
 * @param args `event` needs no `type`
 * @returns as {@link ingestBatchSafe}
 * @throws ConvexError `E_SYNC_THREAD_MISMATCH`
 */
export async function ingestEventStreamOnly(
  ctx: HostMutationCtx,
  component: CodexComponent,
  args: IngestTarget & { event: Omit<HostInboundStreamDelta, "type"> },
): Promise<HostIngestSafeResult> {
  const { event, ...target } = args;
  return await ingestBatchStreamOnly(ctx, component, { ...target, deltas: [event] });
}

function refuseEmpty(deltas: readonly unknown[]): void {
  if (deltas.length === 0) throw hostError("E_SYNC_EMPTY_BATCH", "ingestBatch requires at least one delta");
}

function threadMismatch(event: InboundEvent, threadId: string): Error {
  const message = `event \`${event.eventId}\` names thread \`${event.threadId ?? ""}\` in a batch of thread \`${threadId}\``;
  return hostError("E_SYNC_THREAD_MISMATCH", message, { eventId: event.eventId });
}

function isStreamDelta(event: InboundEvent): event is HostInboundStreamDelta {
  if (event.type !== undefined) return event.type === "stream_delta";
  const { streamId, turnId, cursorStart, cursorEnd } = event;
  return [streamId, turnId, cursorStart, cursorEnd].every((field) => field !== undefined);
}

// The component's validators refuse every field that they do not name.
function toStreamDelta(event: HostInboundStreamDelta): CodexStreamDelta {
  const { eventId, turnId, streamId, kind, payloadJson, cursorStart, cursorEnd, createdAt } = event;
  return { type: "stream_delta", eventId, turnId, streamId, kind, payloadJson, cursorStart, cursorEnd, createdAt };
}

function toLifecycleEvent(event: HostInboundLifecycleEvent): CodexLifecycleEvent {
  const { eventId, turnId, kind, payloadJson, createdAt } = event;
  return {
    type: "lifecycle_event",
    eventId,
    ...(turnId === undefined ? {} : { turnId }),
    kind,
    payloadJson,
    createdAt,
  };
}
