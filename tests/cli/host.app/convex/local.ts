// An app that keeps what happens, and lets nobody steer it.
import { componentsGeneric } from "convex/server";
import { defineCodexHost } from "../../../../dist/js-wrapper/host/convex.js";

const codex = defineCodexHost(componentsGeneric().codexLocal as never, {
  actor: async () => ({ tenantId: "t", userId: "ann", deviceId: "web" }),
});
export const {
  ensureThread, resolveThread, ensureSession, heartbeat, ingestBatch, forkThread,
  upsertPendingServerRequestForHooks, resolvePendingServerRequestForHooks, listPendingServerRequestsForBridge,
} = codex;
