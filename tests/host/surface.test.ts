/** Every name that an app built on the seed's package imports from `./host/convex`, and what came since. */
import { expect, expectTypeOf, it } from "vitest";
import * as host from "../../js-wrapper/host/convex.js";
import type {
  HostActorContext,
  HostInboundLifecycleEvent,
  HostInboundStreamDelta,
  HostMessagesForHooksArgs,
  HostReasoningForHooksArgs,
  HostStreamArgs,
  HostSyncRuntimeOptions,
} from "../../js-wrapper/host/convex.js";

const FUNCTIONS = [
  ...["ensureThreadByCreate", "ensureThreadByResolve", "registerTurnStart", "ensureSession"],
  ...["ingestEventStreamOnly", "ingestBatchStreamOnly", "ingestEventMixed", "ingestBatchMixed", "ingestBatchSafe"],
  ...["listThreadMessagesForHooks", "listThreadMessagesForHooksForActor", "listTurnMessagesForHooksForActor"],
  ...["listThreadReasoningForHooks", "listThreadReasoningForHooksForActor"],
  ...["listPendingApprovalsForHooksForActor", "respondApprovalForHooksForActor"],
  ...["listPendingServerRequestsForHooksForActor", "upsertPendingServerRequestForHooksForActor", "resolvePendingServerRequestForHooksForActor"],
  ...["listDecidedRequestsForHooksForActor", "interruptTurnForHooksForActor", "threadSnapshot", "persistenceStats", "durableHistoryStats", "dataHygiene"],
  ...["computePersistenceStats", "computeDurableHistoryStats", "computeDataHygiene", "isStreamStatSummary"],
];
const VALIDATORS = [
  ...["vHostActorContext", "vHostInboundEvent", "vHostStreamInboundEvent", "vHostLifecycleInboundEvent", "vHostSyncRuntimeOptions", "vHostStreamArgs"],
  ...["vHostIngestSafeResult", "vHostEnsureSessionResult", "vHostPersistenceStats", "vHostDurableHistoryStats", "vHostDataHygiene"],
];
const SINCE = ["defineCodexHost", "resolveActorFromAuth", "resolveActorFromDeviceToken", "isCodexError", "parseCodexErrorCode"];

it.each(FUNCTIONS)("%s is a function of (ctx, component, args), or of a state", (name) => {
  const value = (host as Record<string, unknown>)[name];
  expect(typeof value).toBe("function");
  expect((value as (...args: unknown[]) => unknown).length).toBe(/^(compute|is)/.test(name) ? 1 : 3);
});

it.each(VALIDATORS)("%s is a validator", (name) => {
  expect((host as Record<string, { isConvexValidator?: boolean } | undefined>)[name]?.isConvexValidator).toBe(true);
});

it.each(SINCE)("%s is there", (name) => expect(typeof (host as Record<string, unknown>)[name]).toBe("function"));

it("the types are there, and fit their validators", () => {
  expectTypeOf<typeof host.vHostActorContext.type>().toEqualTypeOf<HostActorContext>();
  expectTypeOf<typeof host.vHostSyncRuntimeOptions.type>().toEqualTypeOf<HostSyncRuntimeOptions>();
  expectTypeOf<NonNullable<typeof host.vHostStreamArgs.type>>().toEqualTypeOf<HostStreamArgs>();
  expectTypeOf<typeof host.vHostStreamInboundEvent.type>().toEqualTypeOf<HostInboundStreamDelta>();
  expectTypeOf<typeof host.vHostLifecycleInboundEvent.type>().toEqualTypeOf<HostInboundLifecycleEvent>();
  expectTypeOf<HostReasoningForHooksArgs>().toExtend<Parameters<typeof host.listThreadReasoningForHooks>[2]>();
  expectTypeOf<HostMessagesForHooksArgs>().toExtend<Parameters<typeof host.listThreadMessagesForHooks>[2]>();
});
