import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { mutation, query } from "./_generated/server";
import { components } from "./_generated/api";
import {
  ensureSession as ensureSessionHandler,
  ensureThreadByCreate,
  ingestBatchMixed,
  listThreadMessagesForHooksForActor,
  listThreadsForHooksForActor,
  registerTurnStart as registerTurnStartHandler,
  threadSnapshot,
  vHostActorContext,
  vHostEnsureSessionResult,
  vHostIngestSafeResult,
  vHostLifecycleInboundEvent,
  vHostReturns,
  vHostStreamArgs,
  vHostStreamInboundEvent,
  vHostSyncRuntimeOptions,
} from "convex-codex-local/host/convex";

const SERVER_ACTOR = {
  tenantId: process.env.ACTOR_TENANT_ID ?? "demo-tenant",
  userId: process.env.ACTOR_USER_ID ?? "demo-user",
  deviceId: process.env.ACTOR_DEVICE_ID ?? "server-device",
};

export const ensureThread = mutation({
  args: { actor: vHostActorContext, threadId: v.string() },
  returns: vHostReturns.ensureThread,
  handler: async (ctx, args) => ensureThreadByCreate(ctx, components.codexLocal, args),
});

export const registerTurnStart = mutation({
  args: {
    actor: vHostActorContext,
    threadId: v.string(),
    turnId: v.string(),
    inputText: v.string(),
    idempotencyKey: v.string(),
  },
  returns: vHostReturns.registerTurnStart,
  handler: async (ctx, args) => registerTurnStartHandler(ctx, components.codexLocal, args),
});

export const ensureSession = mutation({
  args: { actor: vHostActorContext, sessionId: v.string(), threadId: v.string() },
  returns: vHostEnsureSessionResult,
  handler: async (ctx, args) => ensureSessionHandler(ctx, components.codexLocal, args),
});

export const ingestBatch = mutation({
  args: {
    actor: vHostActorContext,
    sessionId: v.string(),
    threadId: v.string(),
    deltas: v.array(v.union(vHostStreamInboundEvent, vHostLifecycleInboundEvent)),
    runtime: v.optional(vHostSyncRuntimeOptions),
  },
  returns: vHostIngestSafeResult,
  handler: async (ctx, args) => ingestBatchMixed(ctx, components.codexLocal, args),
});

export const listThreadMessagesForHooks = query({
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
});

export const listThreads = query({
  args: { actor: vHostActorContext, paginationOpts: paginationOptsValidator },
  returns: vHostReturns.listThreadsForHooks,
  handler: async (ctx, args) =>
    listThreadsForHooksForActor(ctx, components.codexLocal, { actor: SERVER_ACTOR, paginationOpts: args.paginationOpts }),
});

export const threadState = query({
  args: { actor: vHostActorContext, threadId: v.string() },
  returns: vHostReturns.threadSnapshot,
  handler: async (ctx, args) => threadSnapshot(ctx, components.codexLocal, { actor: SERVER_ACTOR, threadId: args.threadId }),
});
