// An app that exports too little, and not even what a bridge asks first.
import { componentsGeneric } from "convex/server";
import { defineCodexHost } from "../../../../dist/js-wrapper/host/convex.js";

const codex = defineCodexHost(componentsGeneric().codexLocal as never, {
  actor: async () => ({ tenantId: "t", userId: "ann", deviceId: "web" }),
});
export const { ensureThread, ensureSession, ingestBatch } = codex;
