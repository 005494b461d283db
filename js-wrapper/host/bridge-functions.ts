/** The functions that a bridge calls. Each takes `deviceToken`, and none an actor or an option of what is kept. */
import { v } from "convex/values";
import { vLogin, vParent, vPhase, vPlace, vRequestId, vRequestOrigin } from "#component/validators.js";
import type { BridgeBuilders } from "./builders.js";
import { beatPresence, leaseCommands, listOpenCommands, reportCommand } from "./commands.js";
import type { CodexComponent, HostQueryCtx } from "./component.js";
import { hostError } from "./errors.js";
import { getImportStatusForActor, importHistoryForActor } from "./history.js";
import { forkThreadForActor, revertThreadForActor } from "./lifecycle.js";
import { ingestBatchMixed } from "./ingest.js";
import {
  listPendingServerRequestsForHooksForActor,
  resolvePendingServerRequestForHooksForActor,
  upsertPendingServerRequestForHooksForActor,
} from "./requests.js";
import { ensureSession, ensureThreadByCreate, ensureThreadByResolve } from "./threads.js";
import { vHostReturns as returns } from "./returns.js";
import { vHostLifecycleInboundEvent, vHostStreamInboundEvent, vModelFields, type HostActorContext, type HostSyncRuntimeOptions } from "./validators.js";

const vThread = { threadId: v.string() };
const vRuntime = { runtimeId: v.string(), generation: v.number() };
const vBeatThread = v.object({
  threadId: v.string(),
  turnId: v.optional(v.string()),
  pendingRequests: v.number(),
  outboxEvents: v.number(),
  oldestEventAt: v.optional(v.number()),
  letsLapse: v.optional(v.boolean()),
});

/** The functions of bridges, by the builders for them. */
export function bridgeFunctions({ query, mutation }: BridgeBuilders, ingest: HostSyncRuntimeOptions | undefined) {
  return {
    /** {@link ensureThreadByCreate}: by the app-server's id. */
    ensureThread: mutation({ ...vThread, ...vModelFields, ...vParent }, returns.ensureThread, ensureThreadByCreate),
    /** {@link ensureThreadByResolve}: by the app's own name for it; `localThreadId` is the app-server's, where it has another. */
    resolveThread: mutation(
      { externalThreadId: v.optional(v.string()), localThreadId: v.optional(v.string()), ...vModelFields, ...vParent },
      returns.resolveThread,
      ensureThreadByResolve,
    ),
    /** {@link ensureSession}: the device of the token writes the thread from here on. */
    ensureSession: mutation(
      { sessionId: v.string(), ...vThread, runtimeId: v.optional(v.string()), generation: v.optional(v.number()) },
      returns.ensureSession,
      ensureSession,
    ),
    /** Refreshes a session; null. Throws `E_SYNC_SESSION_NOT_FOUND`, `E_SYNC_SESSION_DEVICE_MISMATCH`. */
    heartbeat: mutation(
      { sessionId: v.string(), ...vThread, lastEventCursor: v.number() },
      returns.heartbeat,
      (ctx, component, args) => ctx.runMutation(component.sync.heartbeat, args),
    ),
    /** {@link ingestBatchMixed}, with what is kept as the server says. */
    ingestBatch: mutation(
      { sessionId: v.string(), ...vThread, deltas: v.array(v.union(vHostStreamInboundEvent, vHostLifecycleInboundEvent)) },
      returns.ingestBatch,
      (ctx, component, args) => ingestBatchMixed(ctx, component, { ...args, runtime: ingest }),
    ),
    /** {@link upsertPendingServerRequestForHooksForActor} */
    upsertPendingServerRequestForHooks: mutation(
      {
        ...vThread,
        ...vRequestOrigin,
        requestId: vRequestId,
        turnId: v.string(),
        itemId: v.string(),
        method: v.string(),
        payloadJson: v.string(),
        reason: v.optional(v.string()),
        questionsJson: v.optional(v.string()),
        requestedAt: v.number(),
      },
      returns.upsertPendingServerRequestForHooks,
      upsertPendingServerRequestForHooksForActor,
    ),
    /** {@link resolvePendingServerRequestForHooksForActor} */
    resolvePendingServerRequestForHooks: mutation(
      {
        ...vThread,
        ...vRequestOrigin,
        requestId: vRequestId,
        status: v.union(v.literal("answered"), v.literal("expired")),
        resolvedAt: v.number(),
        responseJson: v.optional(v.string()),
        policy: v.optional(v.string()),
      },
      returns.resolvePendingServerRequestForHooks,
      resolvePendingServerRequestForHooksForActor,
    ),
    /** {@link listPendingServerRequestsForHooksForActor}, for the bridge that is to answer them. */
    listPendingServerRequestsForBridge: query(
      { threadId: v.optional(v.string()), limit: v.optional(v.number()) },
      returns.listPendingServerRequestsForBridge,
      listPendingServerRequestsForHooksForActor,
    ),
    /** {@link forkThreadForActor} */
    forkThread: mutation({ ...vThread, newThreadId: v.string(), turnId: v.optional(v.string()), ...vModelFields }, returns.forkThread, forkThreadForActor),
    /** {@link revertThreadForActor}, for the bridge whose codex took turns back. */
    revertThreadForBridge: mutation({ ...vThread, turnId: v.union(v.string(), v.null()) }, returns.revertThreadForBridge, revertThreadForActor),
    /** {@link importHistoryForActor}; pages are of {@link historyPage}. */
    importHistory: mutation(
      {
        sessionId: v.string(),
        ...vThread,
        historyMode: v.optional(v.string()),
        restart: v.optional(v.boolean()),
        position: vPlace,
        turns: v.array(v.object({ turnId: v.string(), turnJson: v.string(), items: v.array(v.string()), more: v.optional(v.boolean()) })),
        atEnd: v.optional(v.boolean()),
      },
      returns.importHistory,
      importHistoryForActor,
    ),
    /** {@link getImportStatusForActor}, for the bridge that goes on with it. */
    getImportStatusForBridge: query(vThread, returns.getImportStatusForBridge, getImportStatusForActor),
    /** {@link listOpenCommands}, for the bridge that is to lease them. */
    listOpenCommandsForBridge: query(vThread, returns.listOpenCommandsForBridge, listOpenCommands),
    /** {@link leaseCommands} */
    leaseCommands: mutation({ ...vRuntime, ...vThread, limit: v.number() }, returns.leaseCommands, leaseCommands),
    /** {@link reportCommand} */
    reportCommand: mutation(
      {
        commandId: v.string(),
        leaseToken: v.string(),
        state: v.union(v.literal("delivered"), v.literal("accepted"), v.literal("refused"), v.literal("expired"), v.literal("unknown")),
        turnId: v.optional(v.string()),
        code: v.optional(v.string()),
      },
      returns.reportCommand,
      reportCommand,
    ),
    /** {@link beatPresence} */
    beatPresence: mutation(
      {
        ...vRuntime,
        phase: vPhase,
        login: v.optional(vLogin),
        threads: v.array(vBeatThread),
      },
      returns.beatPresence,
      beatPresence,
    ),
  };
}

/**
 * Whose device a token is: what the bridge's functions of `defineCodexHost` ask, for those that an app writes itself.
 *
 * @param ctx of a query, a mutation or an action
 * @param component `components.codexLocal`
 * @param deviceToken as it was issued; undefined where the caller has none
 * @returns the actor, with the token's device
 * @throws ConvexError `E_AUTH_DEVICE_FORBIDDEN` where there is no such token, or it expired or was revoked
 */
export async function resolveActorFromDeviceToken(
  ctx: HostQueryCtx,
  component: CodexComponent,
  deviceToken: string | undefined,
): Promise<HostActorContext> {
  const actor = deviceToken === undefined ? null : await ctx.runQuery(component.devices.check, { token: deviceToken });
  if (actor === null) throw hostError("E_AUTH_DEVICE_FORBIDDEN", "the caller has no valid device token");
  return actor;
}
