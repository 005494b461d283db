import type { GenericDataModel } from "convex/server";
import { bridgeBuilders, readerBuilders, type CodexHostOptions } from "./builders.js";
import { bridgeFunctions, resolveActorFromDeviceToken } from "./bridge-functions.js";
import type { CodexComponent } from "./component.js";
import { readerFunctions } from "./reader-functions.js";

/**
 * Makes every query and mutation that the hooks and the bridge call, ready to export.
 *
 * No function takes an actor from its caller. Those of people act for `actor`; those of the bridge take `deviceToken`, which
 * `issueDeviceToken` gives to a signed-in user, and act for its tenant, user and device: what a person is signed in with is not
 * enough for `ensureThread`, `resolveThread`, `ensureSession`, `heartbeat`, `ingestBatch`, `upsertPendingServerRequestForHooks`,
 * `resolvePendingServerRequestForHooks`, `listPendingServerRequestsForBridge`, `forkThread`, `revertThreadForBridge`, `importHistory`,
 * `getImportStatusForBridge`, `listOpenCommandsForBridge`, `leaseCommands`, `reportCommand`, `beatPresence`.
 * What is kept of events is `ingest`, and whether raw reasoning is shown `includeRaw`, of every function for people: the server's
 * choices; readers may only lower the read limits; whoever accepts an approval says by `shownSha256` what was shown.
 *
 * @param component `components.codexLocal`
 * @param options who calls, and what the server allows; `query` and `mutation` where the app has builders of its own
 * @returns the functions by name: export those that the app uses
 * @example
 * ```ts
 * // convex/chat.ts
 * import { defineCodexHost, resolveActorFromAuth } from "convex-codex-local/host/convex";
 * import { components } from "./_generated/api";
 *
 * const codex = defineCodexHost(components.codexLocal, { actor: resolveActorFromAuth });
 *
 * // for people
 * export const { listThreadsForHooks, listThreadMessagesForHooks, listTurns, getPresence, listPresence } = codex;
 * export const { sendCommand, cancelCommand, listCommands, listPendingApprovalsForHooks, respondApprovalForHooks } = codex;
 * export const { listPendingServerRequestsForHooks, issueDeviceToken, revokeDeviceToken } = codex;
 * // for the bridge
 * export const { ensureThread, resolveThread, ensureSession, heartbeat, ingestBatch, beatPresence } = codex;
 * export const { listOpenCommandsForBridge, leaseCommands, reportCommand, listPendingServerRequestsForBridge } = codex;
 * export const { upsertPendingServerRequestForHooks, resolvePendingServerRequestForHooks } = codex;
 * export const { forkThread, revertThreadForBridge, importHistory, getImportStatusForBridge } = codex;
 * ```
 */
export function defineCodexHost<Model extends GenericDataModel = GenericDataModel>(component: CodexComponent, options: CodexHostOptions<Model>) {
  const check = options.bridge ?? ((ctx, { deviceToken }) => resolveActorFromDeviceToken(ctx, component, deviceToken));
  return {
    ...readerFunctions(readerBuilders(component, options), options),
    ...bridgeFunctions(bridgeBuilders(component, options, check), options.ingest),
  };
}
