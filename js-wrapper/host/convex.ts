/**
 * What an app's Convex functions import. Nothing of Node and no wasm is reached from here.
 *
 * `defineCodexHost` makes all of an app's functions, with their callers authenticated. Those beside it each call one function
 * of the mounted component for the actor that they are given: the long form, in which a client says who it is, is for a deployment
 * that nobody but its owner reaches, on the loopback interface.
 */
export { resolveActorFromAuth, type CodexAuthOptions } from "./actor.js";
export { resolveActorFromDeviceToken } from "./bridge-functions.js";
export type { CodexFunctionBuilder, CodexHostAuth, CodexHostOptions } from "./builders.js";
export { isCodexError, parseCodexErrorCode, type CodexError, type CodexErrorCode, type CodexErrorData } from "./codex-error.js";
export {
  beatPresence,
  cancelCommand,
  editCommand,
  getCommand,
  getPresence,
  leaseCommands,
  listCommands,
  listOpenCommands,
  listPresence,
  promoteCommand,
  reportCommand,
  sendCommand,
} from "./commands.js";
export type {
  CodexApproval,
  CodexApprovalDecision,
  CodexBeatThread,
  CodexBounded,
  CodexCommand,
  CodexCommandKind,
  CodexCommandState,
  CodexComponent,
  CodexCount,
  CodexDecidedRequest,
  CodexDeletionAsked,
  CodexDeletionJob,
  CodexForkJob,
  CodexHistoryPlace,
  CodexHistoryTurn,
  CodexImportStatus,
  CodexLeasedCommand,
  CodexMachine,
  CodexMessageDoc,
  CodexOpenCommand,
  CodexOverruled,
  CodexPresence,
  CodexPresenceThread,
  CodexQuarantinedEvent,
  CodexReasoningSegment,
  CodexReplay,
  CodexServerRequest,
  CodexServerRequestOrigin,
  CodexStreamState,
  CodexTextPiece,
  CodexThreadRow,
  CodexThreadState,
  CodexTokenCounts,
  CodexUsage,
  HostMutationCtx,
  HostQueryCtx,
} from "./component.js";
export { defineCodexHost } from "./define.js";
export { type AppServerTurn, getImportStatusForActor, historyPage, importHistoryForActor } from "./history.js";
export {
  ingestBatchMixed,
  ingestBatchSafe,
  ingestBatchStreamOnly,
  ingestEventMixed,
  ingestEventStreamOnly,
} from "./ingest.js";
export {
  archiveThreadForActor,
  cancelDeletionForActor,
  deleteThreadForActor,
  deleteTurnForActor,
  forceDeletionForActor,
  forkThreadForActor,
  getDeletionJobStatusForActor,
  getForkStatusForActor,
  purgeDataForActor,
  renameThreadForActor,
  revertThreadForActor,
  scheduleThreadDeletionForActor,
  scheduleTurnDeletionForActor,
  unarchiveThreadForActor,
} from "./lifecycle.js";
export {
  type HostMessagesForHooksArgs,
  type HostMessagesForHooksResult,
  type HostStreamsResult,
  listThreadMessagesForHooks,
  listThreadMessagesForHooksForActor,
  listTurnMessagesForHooksForActor,
} from "./messages.js";
export { dropQuarantineForActor, listQuarantineForActor } from "./quarantine.js";
export {
  type HostReasoningForHooksArgs,
  type HostReasoningForHooksResult,
  listThreadReasoningForHooks,
  listThreadReasoningForHooksForActor,
} from "./reasoning.js";
export { vHostReturns } from "./returns.js";
export {
  listDecidedRequestsForHooksForActor,
  listPendingApprovalsForHooksForActor,
  listPendingServerRequestsForHooksForActor,
  resolvePendingServerRequestForHooksForActor,
  respondApprovalForHooksForActor,
  upsertPendingServerRequestForHooksForActor,
} from "./requests.js";
export {
  computeDataHygiene,
  computeDurableHistoryStats,
  computePersistenceStats,
  dataHygiene,
  durableHistoryStats,
  type HostThreadSnapshot,
  type HostThreadStateLike,
  isStreamStatSummary,
  persistenceStats,
  type StreamStatSummary,
  threadSnapshot,
} from "./snapshot.js";
export {
  ensureSession,
  ensureThreadByCreate,
  ensureThreadByResolve,
  interruptTurnForHooksForActor,
  listThreadsForHooksForActor,
  registerTurnStart,
} from "./threads.js";
export { getUsageForActor } from "./usage.js";
export {
  type HostActorContext,
  type HostDataHygiene,
  type HostDurableHistoryStats,
  type HostEnsureSessionResult,
  type HostInboundLifecycleEvent,
  type HostInboundStreamDelta,
  type HostIngestSafeResult,
  type HostPersistenceStats,
  type HostStreamArgs,
  type HostSyncRuntimeOptions,
  vHostActorContext,
  vHostDataHygiene,
  vHostDurableHistoryStats,
  vHostEnsureSessionResult,
  vHostInboundEvent,
  vHostIngestSafeResult,
  vHostLifecycleInboundEvent,
  vHostPersistenceStats,
  vHostStreamArgs,
  vHostStreamInboundEvent,
  vHostSyncRuntimeOptions,
} from "./validators.js";
export { getMessagePayloadForActor, getMessageTextForActor, type HostPieceArgs } from "./whole.js";
