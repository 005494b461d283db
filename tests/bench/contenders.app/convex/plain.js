// A steady batch of text, ingested without the core: the rows that the package reads, the rules in plain JavaScript, the rows that it writes.
import { mutationGeneric } from "convex/server";
import { vIngestArgs, vIngestSafeResult } from "../../../../dist/lib/component/validators.js";
import { comesAgain, NotCovered, planPlainly } from "../../plain-ingest.mjs";

/** UTF-16 units of a run that its chunk's row holds. */
const INLINE_UNITS_MAX = 64 * 1024;
/** What a chunk's row weighs beside its texts and ids, and each event in it. */
const CHUNK_ROW_UNITS = 512;
const CHUNK_EVENT_UNITS = 16;

export const ingest = mutationGeneric({
  args: vIngestArgs,
  returns: vIngestSafeResult,
  handler: async (ctx, args) => {
    const call = await load(ctx, args);
    const answer = planPlainly(call, comesAgain(call) ? await placesOf(ctx, args) : undefined);
    if (answer.type === "rejected") return { status: "rejected", ingestStatus: "partial", ackedStreams: [], errors: [faultOf(args, answer.fault)] };
    const { writes, acks, partial, errors } = answer.plan;
    for (const write of writes) await apply(ctx, args, call, write);
    const status = partial ? "partial" : "ok";
    const ackedStreams = acks.map(({ event, cursorEnd }) => ({ streamId: args.streamDeltas[event].streamId, ackCursorEnd: cursorEnd }));
    return { status, ingestStatus: status, ackedStreams, errors: errors.map((fault) => faultOf(args, fault)) };
  },
});

async function load(ctx, { actor, sessionId, threadId, streamDeltas, lifecycleEvents, runtime }) {
  const { tenantId, userId, deviceId } = actor;
  const ofUser = (q) => q.eq("tenantId", tenantId).eq("userId", userId);
  const headOf = (streamId) => ctx.db.query("streamHeads").withIndex("by_stream", (q) => ofUser(q).eq("streamId", streamId)).unique();
  const [thread, writer, heads] = await Promise.all([
    ctx.db.query("threads").withIndex("by_thread", (q) => ofUser(q).eq("threadId", threadId)).unique(),
    ctx.db.query("sessions").withIndex("by_epoch", (q) => ofUser(q).eq("threadId", threadId)).order("desc").first(),
    Promise.all([...new Set(streamDeltas.map(({ streamId }) => streamId))].map(headOf)),
  ]);
  const own = writer?.sessionId === sessionId ? writer : null;
  const session = { deviceId, own, writer };
  const found = heads.filter((head) => head !== null);
  return { nowMs: Date.now(), threadId, runtime, thread, session, heads: found, deltas: streamDeltas, lifecycle: lifecycleEvents };
}

/** The events that were accepted where those of the batch stand. */
async function placesOf(ctx, { actor: { tenantId, userId }, streamDeltas }) {
  const [{ streamId }] = streamDeltas;
  if (streamDeltas.some((delta) => delta.streamId !== streamId)) throw new NotCovered("several streams that come again");
  const start = streamDeltas.reduce((least, { cursorStart }) => Math.min(least, cursorStart), Infinity);
  const end = streamDeltas.reduce((most, { cursorEnd }) => Math.max(most, cursorEnd), 0);
  const ofStream = (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("streamId", streamId);
  const chunks = () => ctx.db.query("chunks");
  const before = await chunks().withIndex("by_start", (q) => ofStream(q).lt("cursorStart", start)).order("desc").first();
  const inside = await chunks().withIndex("by_start", (q) => ofStream(q).gte("cursorStart", start).lt("cursorStart", end)).collect();
  const places = new Map();
  for (const { cursorStart, eventIds, eventEnds } of before === null ? inside : [before, ...inside]) {
    let at = cursorStart;
    eventIds.forEach((eventId, index) => {
      places.set(at, { eventId, cursorEnd: eventEnds[index] });
      at = eventEnds[index];
    });
  }
  return places;
}

async function apply(ctx, { actor: { tenantId, userId }, threadId, streamDeltas }, { heads }, write) {
  if (write.type === "putHead") {
    const { type: _type, row, event: _event, ...head } = write;
    return ctx.db.patch(heads[row]._id, head);
  }
  const { events, cursorStart, cursorEnd, runs, kept, itemIds, expiresAt } = write;
  if (runs.some(({ text }) => text.length > INLINE_UNITS_MAX)) throw new NotCovered("a run in parts");
  const deltas = events.map((event) => streamDeltas[event]);
  const [{ streamId, turnId }] = deltas;
  const eventIds = deltas.map(({ eventId }) => eventId);
  const eventEnds = deltas.map((delta) => delta.cursorEnd);
  const units = eventIds.reduce((sum, { length }) => sum + length + CHUNK_EVENT_UNITS, CHUNK_ROW_UNITS);
  const weight = runs.reduce((sum, { text }) => sum + text.length, units);
  const row = { tenantId, userId, threadId, streamId, turnId, cursorStart, cursorEnd, eventIds, eventEnds, runs, kept, weight, itemIds, expiresAt };
  await ctx.db.insert("chunks", row);
}

function faultOf({ streamDeltas }, { code, errorCode, message, recoverable, event }) {
  const { streamId, eventId } = streamDeltas[event] ?? {};
  const place = event === undefined ? {} : code === "REPLAY_GAP" ? { streamId } : { eventId, streamId };
  return { code, message: `[${errorCode}] ${message}`, recoverable, errorCode, ...place };
}
