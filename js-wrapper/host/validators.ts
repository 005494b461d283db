import { type Infer, v } from "convex/values";

/** Who calls: trusted, from the app's server code, never a client's word. */
export const vHostActorContext = v.object({ tenantId: v.string(), userId: v.string(), deviceId: v.string() });

const deltaFields = {
  eventId: v.string(),
  turnId: v.string(),
  streamId: v.string(),
  kind: v.string(),
  payloadJson: v.string(),
  cursorStart: v.number(),
  cursorEnd: v.number(),
  createdAt: v.number(),
};

/** An event of a turn's stream without a `type`; `[cursorStart, cursorEnd)`, `createdAt` in milliseconds. */
export const vHostInboundEvent = v.object({ ...deltaFields, threadId: v.optional(v.string()) });

/** An event of a turn's stream, as the bridge hands it to `onEvent`. */
export const vHostStreamInboundEvent = v.object({
  ...deltaFields,
  type: v.optional(v.literal("stream_delta")),
  threadId: v.optional(v.string()),
});

/** Any other event of a thread, as the bridge hands it to `onEvent`. Every NormalizedEvent fits it. */
export const vHostLifecycleInboundEvent = v.object({
  type: v.optional(v.literal("lifecycle_event")),
  eventId: v.string(),
  threadId: v.optional(v.string()),
  turnId: v.optional(v.string()),
  streamId: v.optional(v.string()),
  kind: v.string(),
  payloadJson: v.string(),
  cursorStart: v.optional(v.number()),
  cursorEnd: v.optional(v.number()),
  createdAt: v.number(),
});

/** What is kept, and how much is read. A number out of its range is clamped, one that is not finite is its default. */
export const vHostSyncRuntimeOptions = v.object({
  saveStreamDeltas: v.optional(v.boolean()),
  saveReasoningDeltas: v.optional(v.boolean()),
  exposeRawReasoningDeltas: v.optional(v.boolean()),
  maxDeltasPerStreamRead: v.optional(v.number()),
  maxDeltasPerRequestRead: v.optional(v.number()),
  finishedStreamDeleteDelayMs: v.optional(v.number()),
});

/** What a reader asks about streams; optional already. */
export const vHostStreamArgs = v.optional(
  v.union(
    v.object({ kind: v.literal("list"), startOrder: v.optional(v.number()) }),
    v.object({
      kind: v.literal("deltas"),
      cursors: v.array(v.object({ streamId: v.string(), cursor: v.number() })),
    }),
    v.object({ kind: v.literal("followed") }),
  ),
);

/** What the ingest helpers answer. */
export const vHostIngestSafeResult = v.object({
  status: v.union(v.literal("ok"), v.literal("partial"), v.literal("session_recovered"), v.literal("rejected")),
  ingestStatus: v.union(v.literal("ok"), v.literal("partial")),
  ackedStreams: v.array(v.object({ streamId: v.string(), ackCursorEnd: v.number() })),
  recovery: v.optional(
    v.object({ action: v.literal("session_rebound"), sessionId: v.string(), threadId: v.string() }),
  ),
  errors: v.array(
    v.object({
      code: v.union(
        v.literal("SESSION_NOT_FOUND"),
        v.literal("SESSION_THREAD_MISMATCH"),
        v.literal("SESSION_DEVICE_MISMATCH"),
        v.literal("OUT_OF_ORDER"),
        v.literal("REPLAY_GAP"),
        v.literal("UNKNOWN"),
      ),
      message: v.string(),
      recoverable: v.boolean(),
      errorCode: v.string(),
      eventId: v.optional(v.string()),
      streamId: v.optional(v.string()),
    }),
  ),
});

/** What ensureSession answers. */
export const vHostEnsureSessionResult = v.object({
  sessionId: v.string(),
  threadId: v.string(),
  status: v.union(v.literal("created"), v.literal("active")),
});

/** What persistenceStats answers. */
export const vHostPersistenceStats = v.object({
  streamCount: v.number(),
  deltaCount: v.number(),
  latestCursorByStream: v.array(v.object({ streamId: v.string(), cursor: v.number() })),
});

/** What durableHistoryStats answers. */
export const vHostDurableHistoryStats = v.object({
  messageCountInPage: v.number(),
  latest: v.array(
    v.object({ messageId: v.string(), turnId: v.string(), role: v.string(), status: v.string(), text: v.string() }),
  ),
});

/** What dataHygiene answers. */
export const vHostDataHygiene = v.object({
  scannedStreamStats: v.number(),
  streamStatOrphans: v.number(),
  orphanStreamIds: v.array(v.string()),
});

/** See {@link vHostActorContext}. */
export type HostActorContext = Infer<typeof vHostActorContext>;
/** See {@link vHostStreamArgs}. */
export type HostStreamArgs = NonNullable<Infer<typeof vHostStreamArgs>>;
/** See {@link vHostSyncRuntimeOptions}. */
export type HostSyncRuntimeOptions = Infer<typeof vHostSyncRuntimeOptions>;
/** See {@link vHostStreamInboundEvent}. */
export type HostInboundStreamDelta = Infer<typeof vHostStreamInboundEvent>;
/** See {@link vHostLifecycleInboundEvent}. */
export type HostInboundLifecycleEvent = Infer<typeof vHostLifecycleInboundEvent>;
/** See {@link vHostIngestSafeResult}. */
export type HostIngestSafeResult = Infer<typeof vHostIngestSafeResult>;
/** See {@link vHostEnsureSessionResult}. */
export type HostEnsureSessionResult = Infer<typeof vHostEnsureSessionResult>;
/** See {@link vHostPersistenceStats}. */
export type HostPersistenceStats = Infer<typeof vHostPersistenceStats>;
/** See {@link vHostDurableHistoryStats}. */
export type HostDurableHistoryStats = Infer<typeof vHostDurableHistoryStats>;
/** See {@link vHostDataHygiene}. */
export type HostDataHygiene = Infer<typeof vHostDataHygiene>;
