// What an app exports for its bridges and their tests; whoever asks is Ann.
import { componentsGeneric } from "convex/server";
import { defineCodexHost } from "../../../../dist/js-wrapper/host/convex.js";

const codex = defineCodexHost(componentsGeneric().codexLocal as never, {
  actor: async () => ({ tenantId: "t", userId: "ann", deviceId: "web" }),
});
export const {
  ensureThread, resolveThread, ensureSession, heartbeat, ingestBatch,
  upsertPendingServerRequestForHooks, resolvePendingServerRequestForHooks, listPendingServerRequestsForBridge,
  forkThread, revertThreadForBridge, importHistory, getImportStatusForBridge, listOpenCommandsForBridge, leaseCommands, reportCommand, beatPresence,
  issueDeviceToken, revokeDeviceToken, listThreadMessagesForHooks, sendCommand, getCommand, getPresence, listThreadsForHooks, listTurns,
} = codex;
