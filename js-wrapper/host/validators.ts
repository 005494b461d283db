import { type Infer, v } from "convex/values";
import { vActor, vIngestSafeResult, vLifecycleEvent, vRuntimeOptions, vSessionEnsured, vStreamDelta } from "#component/validators.js";

/** Who calls: trusted, from the app's server code, never a client's word. */
export const vHostActorContext = vActor;

/** An event of a turn's stream without a `type`; `[cursorStart, cursorEnd)`, `createdAt` in milliseconds. */
export const vHostInboundEvent = vStreamDelta.omit("type").extend({ threadId: v.optional(v.string()) });

/** An event of a turn's stream, as the bridge hands it to `onEvent`. */
export const vHostStreamInboundEvent = vHostInboundEvent.extend({ type: v.optional(v.literal("stream_delta")) });

/** Any other event of a thread, as the bridge hands it to `onEvent`. Every NormalizedEvent fits it. */
export const vHostLifecycleInboundEvent = vLifecycleEvent.omit("type").extend({
  type: v.optional(v.literal("lifecycle_event")),
  threadId: v.optional(v.string()),
  streamId: v.optional(v.string()),
  cursorStart: v.optional(v.number()),
  cursorEnd: v.optional(v.number()),
});

/** What is kept, and how much is read. A number out of its range is clamped, one that is not finite is its default. */
export const vHostSyncRuntimeOptions = vRuntimeOptions;

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
export const vHostIngestSafeResult = vIngestSafeResult;

/** What ensureSession answers. */
export const vHostEnsureSessionResult = vSessionEnsured.extend({ owner: v.optional(v.string()) });

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

/** What a caller says of the model and the folder of a thread or turn. */
export const vModelFields = { model: v.optional(v.string()), cwd: v.optional(v.string()) };

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
