/** Applies the writes of a plan, one by one, as they are. */
import type { SessionWrite, StoredPayload, Write } from "../../js-wrapper/core/boundary.js";
import { given } from "../../js-wrapper/given.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { Actor } from "../validators.js";
import { existing } from "./core.js";
import { eventAt, findHead, streamIdOf, type IngestArgs, type IngestRows, type TurnToEnd } from "./load.js";
import { putNewest } from "./newest.js";
import { foldMessage } from "./folds.js";
import { PAYLOAD_PART_UNITS, splitUnits, writeParts } from "./parts.js";
import { dropQuarantined } from "./quarantine.js";
import { writeRequest } from "./requests.js";
import { findStream, scopeOf, type Scope, type WriteCtx } from "./scope.js";
import { insertThread } from "./tally.js";

/** UTF-16 units of a kept payload, or a run, that its chunk's row holds; longer ones lie in parts beside it. */
export const INLINE_UNITS_MAX = 64 * 1024;
/** What a chunk's row weighs beside its texts, payloads and ids, and each event in it. */
const CHUNK_ROW_UNITS = 512;
const CHUNK_EVENT_UNITS = 16;
/**
 * Milliseconds after which the sweep asks for the first time whether the turn of a stream is known by now: the stream is listed as
 * long as a chunk of it is kept. SOURCE: `src/limits.rs`, CHUNK_TTL_MS.
 */
const UNKNOWN_TURN_ASKED_MS = 24 * 60 * 60 * 1000;
/** Bindings of a thread that are kept, the newest: a bridge that starts anew again and again must not fill a table. */
const SESSIONS_MAX = 50;

/** Where the writes of a call belong. */
export type Target = { scope: Scope; threadId: string; nowMs: number; args: IngestArgs; rows: IngestRows };

type Of<Type extends Write["type"]> = Extract<Write, { type: Type }>;

export async function applyWrites(ctx: WriteCtx, target: Target, writes: readonly Write[]): Promise<void> {
  for (const write of writes) await applyWrite(ctx, target, write);
}

/** Applies what ends a turn beside a batch. */
export async function applyTurnEnd(
  ctx: WriteCtx,
  { actor, thread, rows, nowMs }: { actor: Actor; thread: Doc<"threads">; rows: TurnToEnd; nowMs: number },
  writes: readonly Write[],
): Promise<void> {
  const { threadId } = thread;
  const args = { actor, sessionId: "", threadId, streamDeltas: [], lifecycleEvents: [] };
  const loaded = { ...rows, thread, own: null, heads: [], marks: null, quarantine: [], tally: null };
  await applyWrites(ctx, { scope: scopeOf(actor), threadId, nowMs, args, rows: loaded }, writes);
}

export async function applySession(
  ctx: WriteCtx,
  args: Pick<IngestArgs, "actor" | "sessionId" | "threadId">,
  own: Doc<"sessions"> | null,
  session: SessionWrite,
  nowMs: number,
  lastEventCursor = 0,
  runtime?: { runtimeId: string; generation: number } | null,
): Promise<void> {
  if (session.type === "keep") return;
  const cursor = Number.isFinite(lastEventCursor) ? lastEventCursor : 0;
  const beat = { lastBeatAt: nowMs, lastEventCursor: Math.max(own?.lastEventCursor ?? 0, cursor) };
  const fields = session.type === "bind" ? { ...beat, deviceId: args.actor.deviceId, epoch: session.epoch } : beat;
  // A batch says nothing of the runtime behind it: who has the session keeps it, who takes it is not known.
  const kept = runtime === undefined && own?.deviceId === args.actor.deviceId;
  const said = { runtimeId: runtime?.runtimeId, generation: runtime?.generation };
  const behind = session.type === "beat" || kept ? {} : said;
  if (own !== null) return ctx.db.patch("sessions", own._id, { ...fields, ...behind, timedOutAt: undefined });
  if (session.type === "bind") {
    const { sessionId, threadId, actor } = args;
    await ctx.db.insert("sessions", { ...scopeOf(actor), threadId, sessionId, deviceId: actor.deviceId, epoch: session.epoch, ...beat, ...given(said) });
    await forgetSessions(ctx, scopeOf(actor), threadId, session.epoch - SESSIONS_MAX);
  }
}

/** Deletes a thread's bindings up to an epoch: they lost it long ago, and one that comes back is a new one. */
async function forgetSessions(ctx: WriteCtx, { tenantId, userId }: Scope, threadId: string, epoch: number): Promise<void> {
  const old = await ctx.db
    .query("sessions")
    .withIndex("by_epoch", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId).lte("epoch", epoch))
    .take(SESSIONS_MAX);
  for (const session of old) await ctx.db.delete("sessions", session._id);
}

function applyWrite(ctx: WriteCtx, target: Target, write: Write): Promise<void> {
  switch (write.type) {
    case "insertThread":
      return makeThread(ctx, target);
    case "patchThread":
      return patchThread(ctx, target, write);
    case "putTurn":
      return putTurn(ctx, target, write);
    case "putNewest":
      return putNewest(ctx, target, write);
    case "putMessage":
      return putMessage(ctx, target, write);
    case "foldMessage":
      return foldMessage(ctx, existing(target.rows.messages[write.row]), write);
    case "insertStream":
      return insertStream(ctx, target, write);
    case "closeStream":
      return closeStream(ctx, target, write);
    case "putHead":
      return putHead(ctx, target, write);
    case "putRequest":
      return putRequest(ctx, target, write);
    case "insertChunk":
      return insertChunk(ctx, target, write);
    case "putMarks":
      return putMarks(ctx, target, write);
    case "insertLifecycleId":
      return insertLifecycleId(ctx, target, write);
    case "quarantine":
      return quarantine(ctx, target, write);
    case "evictQuarantine":
      return dropQuarantined(ctx, existing(target.rows.quarantine[write.row]));
  }
}

async function makeThread(ctx: WriteCtx, { scope, threadId, nowMs, rows }: Target): Promise<void> {
  const row = { ...scope, threadId, localThreadId: threadId, status: "active" as const, nextTurnOrder: 0, createdAt: nowMs, updatedAt: nowMs };
  const id = await insertThread(ctx, row, rows.tally);
  rows.thread = await ctx.db.get("threads", id);
}

async function patchThread(ctx: WriteCtx, { nowMs, rows }: Target, write: Of<"patchThread">): Promise<void> {
  const thread = existing(rows.thread);
  await ctx.db.patch("threads", thread._id, {
    updatedAt: nowMs,
    ...(write.nextTurnOrder === undefined ? {} : { nextTurnOrder: write.nextTurnOrder }),
    ...(write.name === undefined ? {} : { name: write.name || undefined }),
    ...(write.archived === undefined ? {} : { status: write.archived ? "archived" : "active" }),
  });
}

async function putTurn(ctx: WriteCtx, { scope, threadId, nowMs, rows }: Target, write: Of<"putTurn">): Promise<void> {
  const set = {
    status: write.status,
    hasItems: write.hasItems,
    ...given({
      source: write.source,
      sameRunAs: write.sameRunAs,
      error: write.error,
      warning: write.warning,
      startedAt: write.startedAt,
      completedAt: write.completedAt,
      silentAt: write.silentAt,
    }),
  };
  if (write.row === undefined) {
    const { turnId, turnOrder } = write;
    await ctx.db.insert("turns", { ...scope, threadId, turnId, turnOrder, createdAt: nowMs, ...set });
    return;
  }
  // In a patch, `undefined` takes a field away: what a turn no longer has goes.
  const ended = write.clearError ? { error: undefined, completedAt: undefined } : {};
  const gone = { source: undefined, sameRunAs: undefined, silentAt: undefined, ...ended };
  await ctx.db.patch("turns", existing(rows.turns[write.row])._id, { ...gone, ...set });
}

async function putMessage(ctx: WriteCtx, target: Target, write: Of<"putMessage">): Promise<void> {
  const { scope, threadId, nowMs, args, rows } = target;
  const { content } = write;
  const payload = content?.payload === undefined ? undefined : storedText(args, content.payload);
  const set = {
    status: write.status,
    closing: write.closing,
    updatedAt: nowMs,
    ...given({
      endCursor: write.endCursor,
      restart: write.restart,
      textWhole: write.textWhole,
      completedAt: write.completedAt,
      role: content?.role,
      sourceItemType: content?.sourceItemType,
      textBytes: content?.textBytes,
      payloadUnits: payload?.length,
    }),
  };
  let id: Id<"messages">;
  let textParts = content?.textParts;
  if (write.row !== undefined) {
    const message = existing(rows.messages[write.row]);
    id = message._id;
    const { made, joined } = write;
    // What was folded lies in the chunks, and is read from there again.
    if (made !== undefined && !message.textWhole) textParts ??= [];
    const anew = { foldCursor: undefined, foldHigh: undefined, restart: undefined, ...(message.textWhole ? {} : { textBytes: 0 }) };
    const begins = made && { startCursor: made.startCursor, orderInTurn: made.orderInTurn, ...anew };
    const grows = joined && { streamId: streamIdOf(args, joined.event), startCursor: joined.startCursor };
    await ctx.db.patch("messages", id, { ...begins, ...grows, ...(write.reopened ? { completedAt: undefined } : {}), ...set });
  } else {
    const made = existing(write.made);
    const event = args.streamDeltas[made.event];
    id = await ctx.db.insert("messages", {
      ...scope,
      threadId,
      turnId: write.turnId,
      turnOrder: made.turnOrder,
      itemId: write.itemId,
      messageId: write.messageId,
      occurrence: made.occurrence,
      orderInTurn: made.orderInTurn,
      startCursor: made.startCursor,
      ...given({ streamId: event?.streamId }),
      role: "tool",
      sourceItemType: "",
      textWhole: false,
      textBytes: 0,
      payloadUnits: 0,
      createdAt: createdAtOf(target, made.event),
      ...set,
    });
  }
  const isNew = write.row === undefined;
  if (textParts !== undefined) await writeParts(ctx, id, "text", textParts, isNew);
  if (payload !== undefined) await writeParts(ctx, id, "payload", splitUnits(payload, PAYLOAD_PART_UNITS), isNew);
}

async function insertStream(ctx: WriteCtx, target: Target, write: Of<"insertStream">): Promise<void> {
  const { scope, threadId, nowMs, args } = target;
  const { streamId, turnId } = existing(args.streamDeltas[write.event]);
  const order = given({ turnOrder: write.turnOrder });
  const { state, ...end } = stateOf(target, write);
  const isUnknown = state === "streaming" && write.turnOrder === undefined;
  const asked = isUnknown ? { expiresAt: nowMs + UNKNOWN_TURN_ASKED_MS } : {};
  await ctx.db.insert("streams", { ...scope, threadId, streamId, turnId, state, ...order, ...given(end), ...asked });
}

async function closeStream(ctx: WriteCtx, target: Target, write: Of<"closeStream">): Promise<void> {
  const stream = existing(target.rows.streams[write.row]);
  const gone = { finishedAt: undefined, expiresAt: undefined };
  await ctx.db.patch("streams", stream._id, { ...gone, ...stateOf(target, write) });
  const head = await findHead(ctx, target.scope, stream.streamId);
  const closed = write.expiresAt !== undefined;
  if (head !== null) await ctx.db.patch("streamHeads", head._id, { closed, swept: write.swept, open: [] });
}

async function putHead(ctx: WriteCtx, target: Target, write: Of<"putHead">): Promise<void> {
  const { scope, threadId, args, rows } = target;
  const set = {
    latest: write.latest,
    eventCount: write.eventCount,
    weight: write.weight,
    closed: write.closed,
    swept: write.swept,
    hasItems: write.hasItems,
    ...given({ turnOrder: write.turnOrder, holes: write.holes, open: write.open, newest: write.newest }),
  };
  if (write.row === undefined) {
    const { streamId, turnId } = existing(args.streamDeltas[write.event]);
    await ctx.db.insert("streamHeads", { ...scope, threadId, streamId, turnId, holes: [], open: [], ...set });
    return;
  }
  const head = existing(rows.heads[write.row]);
  await ctx.db.patch("streamHeads", head._id, set);
  if (head.turnOrder === undefined && write.turnOrder !== undefined) {
    const { turnOrder, closed } = write;
    const { streamId, turnId } = head;
    const stream = await findStream(ctx, scope, threadId, streamId);
    const listed = stream?.state === "streaming" ? { turnOrder, expiresAt: undefined } : { turnOrder };
    if (stream !== null) await ctx.db.patch("streams", stream._id, listed);
    // The sweep took its row while its turn was not known.
    else if (!closed) await ctx.db.insert("streams", { ...scope, threadId, streamId, turnId, turnOrder, state: "streaming" });
  }
}

async function putRequest(ctx: WriteCtx, target: Target, { request }: Of<"putRequest">): Promise<void> {
  const row = request.row === undefined ? null : existing(target.rows.requests[request.row]);
  if (request.event === undefined) return writeRequest(ctx, target, row, request);
  const { eventId, turnId = "", kind: method, payloadJson } = eventAt(target.args, request.event);
  const createdAt = createdAtOf(target, request.event);
  return writeRequest(ctx, target, row, request, { eventId, turnId, method, payloadJson, createdAt });
}

async function insertChunk(ctx: WriteCtx, target: Target, write: Of<"insertChunk">): Promise<void> {
  const { scope, threadId, args } = target;
  const events = write.events.map((event) => existing(args.streamDeltas[event]));
  const { streamId, turnId } = existing(events[0]);
  const parted: { kind: string; text: string }[] = [];
  let weight = events.reduce((sum, { eventId }) => sum + eventId.length + CHUNK_EVENT_UNITS, CHUNK_ROW_UNITS);
  const inline = (kind: string, text: string): boolean => {
    weight += text.length;
    if (text.length <= INLINE_UNITS_MAX) return true;
    parted.push({ kind, text });
    return false;
  };
  const id = await ctx.db.insert("chunks", {
    ...scope,
    threadId,
    streamId,
    turnId,
    cursorStart: write.cursorStart,
    cursorEnd: write.cursorEnd,
    eventIds: events.map((event) => event.eventId),
    eventEnds: events.map((event) => event.cursorEnd),
    runs: write.runs.map((run, at) => (inline(`run:${String(at)}`, run.text) ? run : { ...run, text: "", parted: true })),
    kept: write.kept.map((kept, at) => {
      const { cursorStart, cursorEnd, kind } = existing(args.streamDeltas[kept.event]);
      const payloadJson = storedText(args, kept);
      return inline(`kept:${String(at)}`, payloadJson) ? { cursorStart, cursorEnd, kind, payloadJson } : { cursorStart, cursorEnd, kind };
    }),
    itemIds: write.itemIds,
    weight,
    expiresAt: write.expiresAt,
  });
  for (const { kind, text } of parted) await writeParts(ctx, id, kind, splitUnits(text, PAYLOAD_PART_UNITS), true);
}

async function putMarks(ctx: WriteCtx, { scope, threadId, rows }: Target, write: Of<"putMarks">): Promise<void> {
  const { runtimes } = write;
  if (rows.marks === null) await ctx.db.insert("lifecycleMarks", { ...scope, threadId, runtimes });
  else await ctx.db.patch("lifecycleMarks", rows.marks._id, { runtimes });
}

async function insertLifecycleId(ctx: WriteCtx, target: Target, write: Of<"insertLifecycleId">): Promise<void> {
  const { scope, threadId, args } = target;
  const { eventId } = eventAt(args, write.event);
  await ctx.db.insert("lifecycleIds", { ...scope, threadId, eventId, expiresAt: write.expiresAt });
}

async function quarantine(ctx: WriteCtx, target: Target, write: Of<"quarantine">): Promise<void> {
  const { scope, threadId, nowMs, args } = target;
  const event = eventAt(args, write.event);
  const { eventId, turnId, kind } = event;
  const place = given({ turnId, streamId: args.streamDeltas[write.event]?.streamId });
  const { reason, bytes } = write;
  const id = await ctx.db.insert("quarantine", { ...scope, threadId, eventId, kind, reason, bytes, createdAt: nowMs, ...place });
  await writeParts(ctx, id, "payload", splitUnits(event.payloadJson, PAYLOAD_PART_UNITS), true);
}

/** The payload that the core describes. */
export function storedText(args: IngestArgs, payload: StoredPayload): string {
  const event = eventAt(args, payload.event);
  const { start, cutStart, cutEnd, end, inPlace } = payload;
  return event.payloadJson.slice(start, cutStart) + inPlace + event.payloadJson.slice(cutEnd, end);
}

/** A stream that goes on has no end and no expiry; in a patch, `undefined` takes them away. */
function stateOf({ nowMs }: Target, { state, expiresAt }: Pick<Of<"closeStream">, "state" | "expiresAt">) {
  return { state, expiresAt, finishedAt: expiresAt === undefined ? undefined : nowMs };
}

/** The sender's clock, for display; the server's where that is no time. */
function createdAtOf({ args, nowMs }: Target, event: number): number {
  const { createdAt } = eventAt(args, event);
  return Number.isFinite(createdAt) ? createdAt : nowMs;
}

/** The core names what it was given: anything else is a bug of this software. */
