// An app that exports too little.
import { componentsGeneric } from "convex/server";
import { defineCodexHost } from "../../../../dist/js-wrapper/host/convex.js";

const codex = defineCodexHost(componentsGeneric().codexLocal as never, {
  actor: async () => ({ tenantId: "t", userId: "ann", deviceId: "web" }),
});
export const { ensureThread, ensureSession, ingestBatch, listPendingServerRequestsForBridge, leaseCommands, beatPresence } = codex;
