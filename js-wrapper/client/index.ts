/**
 * The component's functions as functions of `(ctx, component, args)`, for an app's own queries, mutations and actions. Each passes
 * its arguments on and throws what the component throws; a reader for hooks, which answers where a thread is missing, is in
 * `./host/convex`. Nothing of Node and no wasm is reached from here.
 *
 * `actor` is trusted: derive it on the server, never take it from a client.
 */
export type { CodexMutationRunner, CodexQueryRunner, CodexRead, CodexWrite } from "./call.js";
export { createDeviceEntropy, issueDeviceToken, listDeviceTokens, revokeDeviceToken } from "./devices.js";
export { listDecidedRequests, listPendingApprovals, listPendingServerRequests, resolvePendingServerRequest, respondToApproval, upsertPendingServerRequest } from "./requests.js";
export {
  archiveThread,
  cancelScheduledDeletion,
  createThread,
  deleteThread,
  dropQuarantine,
  forceRunScheduledDeletion,
  getExternalThreadMapping,
  getDeletionJobStatus,
  getThread,
  getThreadState,
  getUsage,
  listQuarantine,
  listThreads,
  listTokenUsage,
  purgeActorData,
  renameThread,
  resolveThread,
  resolveThreadByExternalId,
  resumeThread,
  revertThread,
  scheduleThreadDeletion,
  schedulePurgeActorData,
  unarchiveThread,
} from "./threads.js";
export {
  deleteTurn,
  getMessagePayload,
  getMessageText,
  getTurn,
  listTurns,
  interruptTurn,
  listMessages,
  listReasoningByThread,
  listTurnMessages,
  replayStreams,
  resumeStreamReplay,
  scheduleTurnDeletion,
  startTurn,
} from "./turns.js";
export {
  cancelCommand,
  editCommand,
  getCommand,
  getPresence,
  listCommands,
  listPresence,
  promoteCommand,
  sendCommand,
} from "../host/commands.js";
export { isCodexError, parseCodexErrorCode, type CodexError, type CodexErrorCode, type CodexErrorData } from "../host/codex-error.js";
export type {
  CodexApproval,
  CodexApprovalDecision,
  CodexCommand,
  CodexCommandKind,
  CodexCommandState,
  CodexComponent,
  CodexDeletionAsked,
  CodexDeletionJob,
  CodexDeviceToken,
  CodexIssuedToken,
  CodexMachine,
  CodexMessageDoc,
  CodexOverruled,
  CodexPresence,
  CodexPresenceThread,
  CodexQuarantinedEvent,
  CodexReasoningSegment,
  CodexReplay,
  CodexResumedReplay,
  CodexServerRequest,
  CodexServerRequestOrigin,
  CodexStreamState,
  CodexTextPiece,
  CodexThread,
  CodexThreadRow,
  CodexThreadState,
  CodexTokenCounts,
  CodexTokenUsage,
  CodexListedTurn,
  CodexTurn,
  CodexTurnOptions,
  CodexUsage,
} from "../host/component.js";
export type { HostStreamsResult as CodexStreamOverlay } from "../host/messages.js";
export type { HostActorContext as CodexActorContext, HostSyncRuntimeOptions as CodexSyncRuntimeOptions } from "../host/validators.js";
export type { CodexUIMessage } from "../mapping/types.js";
