// What Bob, another user, asks of the same app.
import { componentsGeneric } from "convex/server";
import { defineCodexHost } from "../../../../dist/js-wrapper/host/convex.js";

const codex = defineCodexHost(componentsGeneric().codexLocal as never, {
  actor: async () => ({ tenantId: "t", userId: "bob", deviceId: "web" }),
});
export const { issueDeviceToken, listThreadsForHooks } = codex;
