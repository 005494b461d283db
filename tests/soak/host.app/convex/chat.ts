// What an app exports for its bridges and its readers; who asks, and of which tenant, says the identity.
import { componentsGeneric } from "convex/server";
import { defineCodexHost, resolveActorFromAuth } from "../../../../dist/js-wrapper/host/convex.js";

const codex = defineCodexHost(componentsGeneric().codexLocal as never, {
  actor: (ctx) => resolveActorFromAuth(ctx, { tenantId: (identity) => identity["org"], userId: ({ subject }) => subject }),
});
export const {
  ensureThread, resolveThread, ensureSession, heartbeat, ingestBatch,
  upsertPendingServerRequestForHooks, resolvePendingServerRequestForHooks, listPendingServerRequestsForBridge,
  forkThread, revertThreadForBridge, listOpenCommandsForBridge, leaseCommands, reportCommand, beatPresence, issueDeviceToken,
  listThreadMessagesForHooks, listThreadsForHooks, listPendingApprovalsForHooks, listDecidedRequestsForHooks, respondApprovalForHooks,
  sendCommand, getCommand, getPresence,
} = codex;
