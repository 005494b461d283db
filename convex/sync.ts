import { v } from "convex/values";
import type { Fault, Plan } from "../js-wrapper/core/boundary.js";
import { planCheckpoint, planSession } from "../js-wrapper/core/clients.js";
import { planIngest } from "../js-wrapper/core/ingest.js";
import { mutation, query, type MutationCtx } from "./_generated/server.js";
import { coded } from "./errors.js";
import { applySession, applyWrites } from "./model/apply.js";
import { decide } from "./model/core.js";
import { findImport, importPage, presentImport } from "./model/imports.js";
import { eventAt, findStream, loadIngest, loadNeeds, loadSession, streamIdOf, type IngestArgs } from "./model/load.js";
import { isCount } from "./model/newest.js";
import { replay as replayStreams, snapshotsOf } from "./model/replay.js";
import { requireThread, scopeOf } from "./model/scope.js";
import { listStreams } from "./model/streams.js";
import { whyNotMade } from "./model/tombstones.js";
import { isHidden } from "./model/visible.js";
import {
  vActor,
  vImportStatus,
  vIngestArgs,
  vIngestResult,
  vIngestSafeResult,
  vPlace,
  vReplay,
  vRuntimeOptions,
  type IngestSafeResult,
} from "./validators.js";

/** Checkpoints of one device in one thread. */
const CHECKPOINTS_LISTED_MAX = 2_000;

const vSessionArgs = { actor: vActor, sessionId: v.string(), threadId: v.string(), lastEventCursor: v.number() };

/**
 * Creates or refreshes a session, binds it to the caller's device, and makes it the thread's writer. `runtimeId` and
 * `generation` say which start of which runtime that is: it alone leases the thread's commands. Where they are not given, it is
 * the runtime of that device which leases first.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const ensureSession = mutation({
  args: { ...vSessionArgs, runtimeId: v.optional(v.string()), generation: v.optional(v.number()) },
  returns: v.object({
    sessionId: v.string(),
    threadId: v.string(),
    status: v.union(v.literal("created"), v.literal("active")),
  }),
  handler: async (ctx, args) => {
    const { runtimeId, generation } = args;
    const runtime = runtimeId !== undefined && isCount(generation) ? { runtimeId, generation } : null;
    const created = await beat(ctx, args, false, runtime);
    return { sessionId: args.sessionId, threadId: args.threadId, status: created ? ("created" as const) : ("active" as const) };
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
 * thread that does not exist. A rejected batch has written nothing.
 */
export const ingestSafe = mutation({
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

/**
 * What a reader gets of streams, from its cursors on.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const replay = query({
  args: {
    actor: vActor,
    threadId: v.string(),
    streamCursorsById: v.array(v.object({ streamId: v.string(), cursor: v.number() })),
    runtime: v.optional(vRuntimeOptions),
    /** Lists only streams of turns at or after this place. */
    startOrder: v.optional(v.number()),
    /** `false` leaves `snapshots` empty, and their rows unread. */
    snapshots: v.optional(v.boolean()),
  },
  returns: vReplay,
  handler: async (ctx, args) => {
    const scope = scopeOf(args.actor);
    const thread = await requireThread(ctx, scope, args.threadId);
    const streams = await listStreams(ctx, thread, args.startOrder);
    const { items, ...read } = await replayStreams(ctx, thread, args.streamCursorsById, args.runtime);
    return {
      streams: streams.map(({ streamId, state }) => ({ streamId, state })),
      ...read,
      snapshots: args.snapshots === false ? [] : await snapshotsOf(ctx, scope, args.threadId, items),
    };
  },
});

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

/**
 * Imports a page of a thread's history, as `thread/read` with its turns or `thread/turns/list` gives it, oldest turn first. A turn
 * is its JSON without its items, which stand beside it as JSON each; a long one may come in pieces (`more`). What is there
 * already is left alone; what is malformed goes to the quarantine. The thread of a `historyMode` `legacy` must have had no turns.
 *
 * @param position - the place of the page's first item; what was imported before is passed over
 * @param restart - with a page that begins at 0: the history is gone through again
 * @returns how far the import is: one call takes up to 200 items, 50 turns or 2 MiB, what is left of a page is sent again
 * @throws `E_SYNC_OUT_OF_ORDER` (`data.turn` and `data.item` say where it goes on), `E_SYNC_INVALID_CURSOR_RANGE`,
 * `E_THREAD_NOT_EMPTY`, `E_THREAD_DELETED`, the codes of a batch or a session that is not right
 */
export const importHistory = mutation({
  args: {
    actor: vActor,
    sessionId: v.string(),
    threadId: v.string(),
    historyMode: v.optional(v.string()),
    restart: v.optional(v.boolean()),
    position: vPlace,
    turns: v.array(v.object({ turnId: v.string(), turnJson: v.string(), items: v.array(v.string()), more: v.optional(v.boolean()) })),
    atEnd: v.optional(v.boolean()),
  },
  returns: vImportStatus,
  handler: (ctx, args) => importPage(ctx, args, (batch) => runIngest(ctx, batch, false)),
});

/**
 * How far the import of a thread's history is; null where none was begun.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const getImportStatus = query({
  args: { actor: vActor, threadId: v.string() },
  returns: v.union(v.null(), vImportStatus),
  handler: async (ctx, { actor, threadId }) => {
    const scope = scopeOf(actor);
    await requireThread(ctx, scope, threadId);
    const found = await findImport(ctx, scope, threadId);
    return found === null ? null : presentImport(found);
  },
});

type SessionArgs = Pick<IngestArgs, "actor" | "sessionId" | "threadId"> & { lastEventCursor: number };

async function beat(ctx: MutationCtx, args: SessionArgs, heartbeat: boolean, runtime?: { runtimeId: string; generation: number } | null): Promise<boolean> {
  await requireThread(ctx, scopeOf(args.actor), args.threadId);
  const { facts, own } = await loadSession(ctx, args.actor, args.sessionId, args.threadId);
  const answer = decide(() => planSession({ heartbeat, session: facts }));
  if (answer.type === "rejected") throw coded(answer.code, answer.message, { sessionId: args.sessionId });
  await applySession(ctx, args, own, answer.session, Date.now(), args.lastEventCursor, runtime);
  return own === null;
}

type Outcome = { type: "plan"; plan: Plan } | { type: "rejected"; fault: Fault };

async function runIngest(ctx: MutationCtx, args: IngestArgs, strict: boolean): Promise<Outcome> {
  const nowMs = Date.now();
  let loaded = await loadIngest(ctx, args, strict, nowMs);
  const buried = loaded.rows.thread === null ? await whyNotMade(ctx, scopeOf(args.actor), args.threadId, nowMs) : null;
  if (buried !== null) {
    return { type: "rejected", fault: { code: "UNKNOWN", errorCode: buried.code, message: buried.message, recoverable: false } };
  }
  const plan = ({ call }: typeof loaded) => decide(() => planIngest(call));
  let answer = plan(loaded);
  if (answer.type === "needs") {
    loaded = await loadNeeds(ctx, args, loaded, answer.needs);
    answer = plan(loaded);
  }
  if (answer.type === "rejected") return answer;
  if (answer.type === "needs") throw coded("E_INTERNAL", "the core asked twice");
  const { rows } = loaded;
  const target = { scope: scopeOf(args.actor), threadId: args.threadId, nowMs, args, rows };
  await applyWrites(ctx, target, answer.plan.writes);
  await applySession(ctx, args, rows.own, answer.plan.session, nowMs);
  return answer;
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
