import { defineCodexHost, resolveActorFromAuth } from "convex-codex-local/host/convex";
import { components } from "./_generated/api";

// People act as who is signed in, the bridge with the device token that one of them gave it: no function takes an actor from its caller.
const codex = defineCodexHost(components.codexLocal, {
  actor: resolveActorFromAuth,
  ingest: { saveStreamDeltas: true },
});

// What the page reads.
export const {
  listThreadsForHooks,
  getThread,
  getTurn,
  listTurns,
  threadSnapshot,
  listThreadMessagesForHooks,
  listThreadReasoningForHooks,
  getMessageText,
  getMessagePayload,
  listPendingApprovalsForHooks,
  listPendingServerRequestsForHooks,
  listDecidedRequestsForHooks,
  getCommand,
  listCommands,
  listPresence,
  getPresence,
  listTokenUsage,
  listDeviceTokens,
  getDeletionJobStatus,
} = codex;

// What it does.
export const {
  sendCommand,
  cancelCommand,
  editCommand,
  promoteCommand,
  respondApprovalForHooks,
  interruptTurnForHooks,
  registerTurnStart,
  archiveThread,
  unarchiveThread,
  renameThread,
  deleteThread,
  scheduleThreadDeletion,
  cancelDeletion,
  issueDeviceToken,
  revokeDeviceToken,
} = codex;

// What the bridge calls.
export const {
  ensureThread,
  resolveThread,
  ensureSession,
  heartbeat,
  ingestBatch,
  upsertPendingServerRequestForHooks,
  resolvePendingServerRequestForHooks,
  listPendingServerRequestsForBridge,
  forkThread,
  revertThreadForBridge,
  importHistory,
  getImportStatusForBridge,
  listOpenCommandsForBridge,
  leaseCommands,
  reportCommand,
  beatPresence,
} = codex;
