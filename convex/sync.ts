import { v } from "convex/values";
import type { Fault, Plan } from "../js-wrapper/core/boundary.js";
import { planCheckpoint, planSession } from "../js-wrapper/core/clients.js";
import { internal } from "./_generated/api.js";
import type { Doc } from "./_generated/dataModel.js";
import { mutation, query, type MutationCtx } from "./_generated/server.js";
import { coded } from "./errors.js";
import { applySession } from "./model/apply.js";
import { checkBounds } from "./model/bounds.js";
import { decide } from "./model/core.js";
import { runIngest } from "./model/ingest.js";
import { eventAt, loadSession, streamIdOf, type IngestArgs } from "./model/load.js";
import { isCount } from "./model/newest.js";
import { unsentDecisions } from "./model/requests.js";
import { findStream, requireThread, scopeOf } from "./model/scope.js";
import { askOpenTurns } from "./model/taken.js";
import { isHidden } from "./model/visible.js";
import {
  vActor,
  vIngestArgs,
  vIngestResult,
  vIngestSafeResult,
  vSessionEnsured,
  type IngestSafeResult,
} from "./validators.js";

/** Checkpoints of one device in one thread. */
const CHECKPOINTS_LISTED_MAX = 2_000;

const vSessionArgs = { actor: vActor, sessionId: v.string(), threadId: v.string(), lastEventCursor: v.number() };

/**
 * Creates or refreshes a session, binds it to the caller's device, and makes it the thread's writer. `runtimeId` and
 * `generation` say which start of which runtime that is: it alone leases the thread's commands. Where they are not given, it is
 * the runtime of that device which leases first. Decisions that no runtime was there for are sent to it.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_REQUEST_INVALID` (an id over 1 KiB)
 */
export const ensureSession = mutation({
  args: { ...vSessionArgs, runtimeId: v.optional(v.string()), generation: v.optional(v.number()) },
  returns: vSessionEnsured,
  handler: async (ctx, args) => {
    const { sessionId, threadId, runtimeId, generation } = args;
    checkBounds({ sessionId, threadId, runtimeId });
    const runtime = runtimeId !== undefined && isCount(generation) ? { runtimeId, generation } : null;
    const created = await beat(ctx, args, false, runtime);
    return { sessionId, threadId, status: created ? ("created" as const) : ("active" as const) };
  },
});

/**
 * Refreshes a session; creates nothing and rebinds nothing.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_SYNC_SESSION_NOT_FOUND`, `E_SYNC_SESSION_DEVICE_MISMATCH`
 */
export const heartbeat = mutation({
  args: vSessionArgs,
  returns: v.null(),
  handler: async (ctx, args) => {
    await beat(ctx, args, true);
    return null;
  },
});

/**
 * Ingests a batch, all or nothing.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, the `E_SYNC_*` codes of a batch or a session that is not right
 */
export const ingest = mutation({
  args: vIngestArgs,
  returns: vIngestResult,
  handler: async (ctx, args) => {
    const outcome = await runIngest(ctx, args, true);
    if (outcome.type === "rejected") throw coded(outcome.fault.errorCode, outcome.fault.message, placeOf(args, outcome.fault));
    return { ackedStreams: acksOf(args, outcome.plan), ingestStatus: outcome.plan.partial ? ("partial" as const) : ("ok" as const) };
  },
});

/**
 * Ingests a batch and answers with a value: what is wrong is in `errors`. Recovers an unknown or stale session, and makes a
 * thread that does not exist, where no event names another one. A rejected batch has written nothing.
 */
export const ingestSafe = mutation({
  // `ensureLastEventCursor` is the reference package's, and has no effect: a session is bound by the batch alone.
  args: { ...vIngestArgs, ensureLastEventCursor: v.optional(v.number()) },
  returns: vIngestSafeResult,
  handler: async (ctx, args): Promise<IngestSafeResult> => {
    const outcome = await runIngest(ctx, args, false);
    if (outcome.type === "rejected") {
      return { status: "rejected", ingestStatus: "partial", ackedStreams: [], errors: [faultOf(args, outcome.fault)] };
    }
    const { plan } = outcome;
    const { sessionId, threadId } = args;
    const recovered = plan.session.type === "bind";
    const ingestStatus = plan.partial ? "partial" : "ok";
    return {
      status: recovered ? "session_recovered" : ingestStatus,
      ingestStatus,
      ackedStreams: acksOf(args, plan),
      ...(recovered ? { recovery: { action: "session_rebound" as const, sessionId, threadId } } : {}),
      errors: plan.errors.map((fault) => faultOf(args, fault)),
    };
  },
});

/** By the names that the seed gave them. */
export { replay, resumeReplay } from "./readers.js";

/**
 * Raises the caller's checkpoint of a stream; a lower one changes nothing.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_SYNC_INVALID_CURSOR`, `E_SYNC_STREAM_UNKNOWN`
 */
export const upsertCheckpoint = mutation({
  args: { actor: vActor, threadId: v.string(), streamId: v.string(), cursor: v.number() },
  returns: v.object({ ok: v.literal(true) }),
  handler: async (ctx, { actor, threadId, streamId, cursor }) => {
    const scope = scopeOf(actor);
    const thread = await requireThread(ctx, scope, threadId);
    const [stream, known] = await Promise.all([
      findStream(ctx, scope, threadId, streamId),
      ctx.db
        .query("checkpoints")
        .withIndex("by_stream", (q) =>
          q
            .eq("tenantId", scope.tenantId)
            .eq("userId", scope.userId)
            .eq("deviceId", actor.deviceId)
            .eq("threadId", threadId)
            .eq("streamId", streamId),
        )
        .unique(),
    ]);
    const nowMs = Date.now();
    const answer = decide(() => planCheckpoint({ nowMs, cursor, known: known?.cursor, streamExists: stream !== null && !isHidden(thread, stream.turnOrder) }));
    if (answer.type === "rejected") throw coded(answer.code, answer.message, { streamId });
    if (answer.type === "raise") {
      const set = { cursor: answer.cursor, expiresAt: answer.expiresAt };
      if (known === null) await ctx.db.insert("checkpoints", { ...scope, deviceId: actor.deviceId, threadId, streamId, ...set });
      else await ctx.db.patch("checkpoints", known._id, set);
    }
    return { ok: true as const };
  },
});

/**
 * The caller's own checkpoints in a thread.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const listCheckpoints = query({
  args: { actor: vActor, threadId: v.string() },
  returns: v.array(v.object({ streamId: v.string(), cursor: v.number() })),
  handler: async (ctx, { actor, threadId }) => {
    const scope = scopeOf(actor);
    await requireThread(ctx, scope, threadId);
    const rows = await ctx.db
      .query("checkpoints")
      .withIndex("by_stream", (q) =>
        q.eq("tenantId", scope.tenantId).eq("userId", scope.userId).eq("deviceId", actor.deviceId).eq("threadId", threadId),
      )
      .take(CHECKPOINTS_LISTED_MAX);
    return rows.map(({ streamId, cursor }) => ({ streamId, cursor }));
  },
});

type SessionArgs = Pick<IngestArgs, "actor" | "sessionId" | "threadId"> & { lastEventCursor: number };

async function beat(ctx: MutationCtx, args: SessionArgs, heartbeat: boolean, runtime?: { runtimeId: string; generation: number } | null): Promise<boolean> {
  const thread = await requireThread(ctx, scopeOf(args.actor), args.threadId);
  const { facts, own, writer } = await loadSession(ctx, args.actor, args.sessionId, args.threadId);
  const answer = decide(() => planSession({ heartbeat, session: facts }));
  if (answer.type === "rejected") throw coded(answer.code, answer.message, { sessionId: args.sessionId });
  const nowMs = Date.now();
  await applySession(ctx, args, own, answer.session, nowMs, args.lastEventCursor, runtime);
  if (runtime !== null && runtime !== undefined) {
    if (writer !== null && writer.runtimeId !== runtime.runtimeId) await askOpenTurns(ctx, thread, nowMs);
    await sendUnsent(ctx, thread, nowMs);
  }
  return own === null;
}

/** Sends the decisions that wait for a runtime; what does that is loaded where there is one. */
async function sendUnsent(ctx: MutationCtx, thread: Doc<"threads">, nowMs: number): Promise<void> {
  const unsent = await unsentDecisions(ctx, thread, thread.threadId);
  if (unsent.length > 0) await ctx.runMutation(internal.commands.sendUnsent, { thread: thread._id, nowMs });
}

function acksOf(args: IngestArgs, plan: Plan) {
  return plan.acks.map((ack) => ({ streamId: streamIdOf(args, ack.event), ackCursorEnd: ack.cursorEnd }));
}

function faultOf(args: IngestArgs, fault: Fault): IngestSafeResult["errors"][number] {
  const { code, errorCode, recoverable } = fault;
  return { code, message: `[${errorCode}] ${fault.message}`, recoverable, errorCode, ...placeOf(args, fault) };
}

function placeOf(args: IngestArgs, fault: Fault): { eventId?: string; streamId?: string } {
  if (fault.event === undefined) return {};
  const delta = args.streamDeltas[fault.event];
  if (fault.code === "REPLAY_GAP") return delta === undefined ? {} : { streamId: delta.streamId };
  const { eventId } = eventAt(args, fault.event);
  return delta === undefined ? { eventId } : { eventId, streamId: delta.streamId };
}
