import {
  type ApiFromModules,
  type FunctionArgs,
  type FunctionReturnType,
  type GenericActionCtx,
  type GenericDataModel,
  type GenericMutationCtx,
  type GenericQueryCtx,
  mutationGeneric as mutation,
  paginationOptsValidator,
  queryGeneric as query,
} from "convex/server";
import { type Infer, v } from "convex/values";
import { expectTypeOf, it } from "vitest";
import type { ComponentApi } from "../../convex/_generated/component.js";
import {
  type CodexComponent,
  ensureSession as ensureSessionHandler,
  ensureThreadByCreate,
  type HostInboundLifecycleEvent,
  type HostMutationCtx,
  type HostQueryCtx,
  ingestBatchMixed,
  listThreadMessagesForHooksForActor,
  registerTurnStart as registerTurnStartHandler,
  vHostActorContext,
  vHostEnsureSessionResult,
  vHostIngestSafeResult,
  vHostLifecycleInboundEvent,
  vHostReturns,
  vHostStreamArgs,
  vHostStreamInboundEvent,
  vHostSyncRuntimeOptions,
} from "../../js-wrapper/host/convex.js";
import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";
import type { CodexMessagesPage } from "../../js-wrapper/react/types.js";

// The wrappers of the quick start, as an app writes them.
const SERVER_ACTOR = { tenantId: "demo-tenant", userId: "demo-user", deviceId: "server-device" };
const components = {} as { codexLocal: ComponentApi<"codexLocal"> };
const _chat = {
  ensureThread: mutation({
    args: { actor: vHostActorContext, threadId: v.string() },
    returns: vHostReturns.ensureThread,
    handler: async (ctx, args) => ensureThreadByCreate(ctx, components.codexLocal, args),
  }),
  registerTurnStart: mutation({
    args: { actor: vHostActorContext, threadId: v.string(), turnId: v.string(), inputText: v.string(), idempotencyKey: v.string() },
    returns: vHostReturns.registerTurnStart,
    handler: async (ctx, args) => registerTurnStartHandler(ctx, components.codexLocal, args),
  }),
  ensureSession: mutation({
    args: { actor: vHostActorContext, sessionId: v.string(), threadId: v.string() },
    returns: vHostEnsureSessionResult,
    handler: async (ctx, args) => ensureSessionHandler(ctx, components.codexLocal, args),
  }),
  ingestBatch: mutation({
    args: {
      actor: vHostActorContext,
      sessionId: v.string(),
      threadId: v.string(),
      deltas: v.array(v.union(vHostStreamInboundEvent, vHostLifecycleInboundEvent)),
      runtime: v.optional(vHostSyncRuntimeOptions),
    },
    returns: vHostIngestSafeResult,
    handler: async (ctx, args) => ingestBatchMixed(ctx, components.codexLocal, args),
  }),
  listThreadMessagesForHooks: query({
    args: {
      actor: vHostActorContext,
      threadId: v.string(),
      paginationOpts: paginationOptsValidator,
      streamArgs: vHostStreamArgs,
      runtime: v.optional(vHostSyncRuntimeOptions),
    },
    returns: vHostReturns.listThreadMessagesForHooks,
    handler: async (ctx, args) =>
      listThreadMessagesForHooksForActor(ctx, components.codexLocal, {
        actor: SERVER_ACTOR,
        threadId: args.threadId,
        paginationOpts: args.paginationOpts,
        streamArgs: args.streamArgs,
        runtime: args.runtime,
      }),
  }),
};
type Chat = ApiFromModules<{ chat: typeof _chat }>["chat"];

it("every event of the bridge can be sent", () => {
  expectTypeOf<{ deltas: NormalizedEvent[] }>().toExtend<Pick<FunctionArgs<Chat["ingestBatch"]>, "deltas">>();
  expectTypeOf<NormalizedEvent>().toExtend<HostInboundLifecycleEvent>();
});

it("the hook understands what the query answers", () => {
  expectTypeOf<FunctionReturnType<Chat["listThreadMessagesForHooks"]>>().toExtend<CodexMessagesPage>();
});

it("an answer of the component is what its validator says", () => {
  expectTypeOf<FunctionReturnType<Chat["ingestBatch"]>>().toEqualTypeOf<Infer<typeof vHostIngestSafeResult>>();
  expectTypeOf<FunctionReturnType<Chat["ensureSession"]>>().toEqualTypeOf<Infer<typeof vHostEnsureSessionResult>>();
});

it("the component has what the helpers call", () => {
  expectTypeOf<ComponentApi<"codexLocal">>().toExtend<CodexComponent>();
});

it("every context that can call the component is taken", () => {
  expectTypeOf<GenericQueryCtx<GenericDataModel>>().toExtend<HostQueryCtx>();
  expectTypeOf<GenericMutationCtx<GenericDataModel>>().toExtend<HostQueryCtx & HostMutationCtx>();
  expectTypeOf<GenericActionCtx<GenericDataModel>>().toExtend<HostQueryCtx & HostMutationCtx>();
});
