// The rules of a steady batch of text in plain JavaScript: what the benchmark holds the core against. The thread, its session, the stream's
// head and the open item are there, and only text comes. It checks every field of every event, orders by cursor, takes an event once, notes
// holes and fills them, and plans the writes that the core plans (`plain-ingest.test.ts`). What asks for other rows it leaves out, and throws
// `NotCovered`: other kinds, malformed events, folds, sessions that are bound or beat, halves of surrogate pairs, payloads kept for replay.
// Bounds: `src/limits.rs`.

const BATCH_EVENTS_MAX = 4_096;
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
const BATCH_STREAMS_MAX = 64;
const ID_BYTES_MAX = 1024;
const HOLES_MAX = 64;
const CHUNK_EVENTS_MAX = 512;
const CHUNK_BYTES_MAX = 256 * 1024;
const CHUNK_WEIGHT_MIN = 8 * 1024;
const CHUNK_TTL_MS = 24 * 60 * 60 * 1000;
const FOLD_WEIGHT_MAX = 1024 * 1024;
const TEXT_PART_BYTES_MAX = 64 * 1024;
const SESSION_BEAT_MS = 15_000;

const TEXT_DELTA = "item/agentMessage/delta";
/** What clients match on; every other code is `UNKNOWN`. */
const CLASSES = {
  E_SYNC_OUT_OF_ORDER: "OUT_OF_ORDER",
  E_SYNC_DUP_EVENT_IN_BATCH: "OUT_OF_ORDER",
  E_SYNC_INVALID_CURSOR_RANGE: "OUT_OF_ORDER",
  E_SYNC_REPLAY_GAP: "REPLAY_GAP",
};

/** The call needs rules that are not here. */
export class NotCovered extends Error {}

/** Refuses the batch: nothing of it is written. */
class Rejected extends Error {
  constructor(errorCode, message, event) {
    super(message);
    this.fault = faultOf(errorCode, message, event);
  }
}

/**
 * Plans a batch; `places` are the events that were accepted where its own stand, by the cursor at which they begin: they need to be there
 * for those that lie below the head's `latest`.
 *
 * @returns what `planIngest` answers: a plan, or why the batch is refused
 * @throws NotCovered
 */
export function planPlainly(call, places = new Map()) {
  try {
    return { type: "plan", plan: plan(call, places) };
  } catch (error) {
    if (error instanceof Rejected) return { type: "rejected", fault: error.fault };
    throw error;
  }
}

/** Whether a batch has events where some were accepted before: their places are to be loaded. */
export function comesAgain({ heads, deltas }) {
  const latest = new Map(heads.map((head) => [head.streamId, head.latest]));
  return deltas.some(({ streamId, cursorStart }) => cursorStart < (latest.get(streamId) ?? 0));
}

function plan(call, places) {
  if (call.lifecycle.length > 0) throw new NotCovered("lifecycle events");
  if (call.thread === null) throw new NotCovered("a thread that is not there");
  if (call.runtime?.saveStreamDeltas) throw new NotCovered("payloads that are kept for replay");
  checkBatch(call.deltas);
  checkSession(call);
  const streams = arrange(call, places);
  const texts = call.deltas.map((delta) => readText(call, delta));
  const [heads, chunks, errors] = [[], [], []];
  for (const stream of streams) {
    if (stream.accepted.length > 0) {
      const grown = grow(call, stream, texts);
      heads.push(grown.head);
      chunks.push(...grown.chunks);
    }
    const hasHole = stream.holes.length > 0 && stream.holes[0].start < stream.ack;
    if (hasHole) errors.push(faultOf("E_SYNC_REPLAY_GAP", "events are missing below the batch", stream.event));
  }
  const acks = streams.map(({ event, ack }) => ({ event, cursorEnd: ack }));
  return { session: { type: "keep" }, writes: [...heads, ...chunks], acks, partial: errors.length > 0, errors };
}

function faultOf(errorCode, message, event) {
  return { code: CLASSES[errorCode] ?? "UNKNOWN", errorCode, message, recoverable: false, ...(event === undefined ? {} : { event }) };
}

function checkBatch(deltas) {
  if (deltas.length === 0) throw new Rejected("E_SYNC_EMPTY_BATCH", "the batch holds no event");
  const units = deltas.reduce((sum, { payloadJson, eventId, streamId }) => sum + payloadJson.length + eventId.length + streamId.length, 0);
  const bytesOf = ({ payloadJson, eventId, streamId }) => utf8Bytes(payloadJson) + utf8Bytes(eventId) + utf8Bytes(streamId);
  const isTooLarge = units * 3 > BATCH_BYTES_MAX && deltas.reduce((sum, delta) => sum + bytesOf(delta), 0) > BATCH_BYTES_MAX;
  if (deltas.length > BATCH_EVENTS_MAX || isTooLarge) throw new Rejected("E_SYNC_BATCH_TOO_LARGE", "a batch holds at most 4096 events and 8 MiB");
  deltas.forEach(({ eventId, streamId, turnId, kind }, event) => {
    if (![eventId, streamId, turnId, kind].every(isShort)) throw new Rejected("E_SYNC_BATCH_TOO_LARGE", "an id or a kind holds at most 1 KiB", event);
  });
  deltas.forEach(({ cursorStart, cursorEnd }, event) => {
    const isRange = Number.isSafeInteger(cursorStart) && Number.isSafeInteger(cursorEnd) && 0 <= cursorStart && cursorStart < cursorEnd;
    if (!isRange) throw new Rejected("E_SYNC_INVALID_CURSOR_RANGE", "cursors are safe integers, 0 <= cursorStart < cursorEnd", event);
  });
  const seen = new Map();
  deltas.forEach((delta, event) => {
    const first = seen.get(delta.eventId);
    if (first === undefined) seen.set(delta.eventId, delta);
    else if (first.streamId !== delta.streamId || first.cursorStart !== delta.cursorStart || first.cursorEnd !== delta.cursorEnd) {
      throw new Rejected("E_SYNC_DUP_EVENT_IN_BATCH", "one eventId stands at two places", event);
    }
  });
}

function checkSession({ session: { deviceId, own, writer }, nowMs }) {
  const isWriter = own !== null && own.deviceId === deviceId && (writer === null || writer.sessionId === own.sessionId);
  if (!isWriter) throw new NotCovered("a session that is not the thread's writer");
  if (nowMs - own.lastBeatAt > SESSION_BEAT_MS) throw new NotCovered("a session whose beat is due");
}

/** The streams of the batch, each with its new events in cursor order. */
function arrange(call, places) {
  const streams = new Map();
  call.deltas.forEach((delta, event) => {
    let stream = streams.get(delta.streamId);
    if (stream === undefined) {
      const row = call.heads.findIndex(({ streamId }) => streamId === delta.streamId);
      const head = call.heads[row];
      if (head === undefined || head.closed || head.swept || !head.hasItems) throw new NotCovered("a stream that does not go on");
      if (head.threadId !== call.threadId) throw notItsStream(event);
      stream = { row, head, event, ack: 0, latest: head.latest, holes: head.holes, members: [], accepted: [] };
      streams.set(delta.streamId, stream);
      if (streams.size > BATCH_STREAMS_MAX) throw new Rejected("E_SYNC_BATCH_TOO_LARGE", "a batch holds at most 64 streams");
    }
    if (stream.head.turnId !== delta.turnId) throw notItsStream(event);
    stream.ack = Math.max(stream.ack, delta.cursorEnd);
    stream.members.push(event);
  });
  for (const stream of streams.values()) accept(call.deltas, stream, places);
  return [...streams.values()];
}

function notItsStream(event) {
  return new Rejected("E_SYNC_STREAM_FORBIDDEN", "the stream belongs to another thread or turn", event);
}

function accept(deltas, stream, places) {
  const { head } = stream;
  stream.members.sort((one, other) => deltas[one].cursorStart - deltas[other].cursorStart || deltas[one].cursorEnd - deltas[other].cursorEnd);
  let last;
  for (const event of stream.members) {
    const delta = deltas[event];
    const { cursorStart: start, cursorEnd: end } = delta;
    const outOfOrder = () => new Rejected("E_SYNC_OUT_OF_ORDER", "the event's range holds another event", event);
    if (last !== undefined && start < last.cursorEnd) {
      if (last.cursorStart === start && last.cursorEnd === end && last.eventId === delta.eventId) continue;
      throw outOfOrder();
    }
    const isNew = start >= head.latest;
    const fills = !isNew && head.holes.some((hole) => hole.start <= start && end <= hole.end);
    if (!isNew && !fills) {
      if (end > head.latest || head.holes.some((hole) => hole.start < end && start < hole.end)) throw outOfOrder();
      const there = places.get(start);
      if (there !== undefined && (there.cursorEnd !== end || there.eventId !== delta.eventId)) throw outOfOrder();
      continue;
    }
    if (isNew) {
      if (start > stream.latest) stream.holes = [...stream.holes, { start: stream.latest, end: start }].slice(-HOLES_MAX);
      stream.latest = end;
    } else {
      stream.holes = stream.holes.flatMap((hole) => without(hole, start, end)).slice(-HOLES_MAX);
    }
    stream.accepted.push(event);
    last = delta;
  }
}

function without(hole, start, end) {
  if (start < hole.start || hole.end < end) return [hole];
  return [{ start: hole.start, end: start }, { start: end, end: hole.end }].filter((left) => left.start < left.end);
}

/** The item and the text of a delta, once its payload says what its envelope says. */
function readText({ threadId, thread }, { kind, turnId, payloadJson }) {
  if (kind !== TEXT_DELTA) throw new NotCovered(`the kind ${kind}`);
  let message;
  try {
    message = JSON.parse(payloadJson);
  } catch {
    throw new NotCovered("a payload that is not JSON");
  }
  const { method, params, id } = message ?? {};
  if (id !== undefined) throw new NotCovered("a request");
  if (method !== kind || typeof params !== "object" || params === null) throw new NotCovered("a malformed event");
  const ofThread = text(params.threadId) ?? text(params.thread?.id) ?? text(params.conversationId);
  const isOther = thread.localThreadId !== undefined && ofThread !== undefined && ofThread !== thread.localThreadId && ofThread !== threadId;
  const ofTurn = text(params.turnId) ?? text(params.turn?.id);
  if (isOther || (ofTurn !== undefined && ofTurn !== turnId)) throw new NotCovered("a malformed event");
  const { itemId, delta } = params;
  if (typeof itemId !== "string" || !isShort(itemId) || typeof delta !== "string") throw new NotCovered("a malformed event");
  if (!delta.isWellFormed()) throw new NotCovered("half of a surrogate pair");
  return { itemId, delta };
}

const text = (value) => (typeof value === "string" ? value : undefined);

/** The writes of a stream: its chunks, and its head behind them. */
function grow({ deltas, nowMs, runtime }, { row, event, head, latest, holes, accepted }, texts) {
  const open = head.open.map((item) => ({ ...item }));
  const expiresAt = nowMs + Math.max(runtime?.finishedStreamDeleteDelayMs ?? 0, CHUNK_TTL_MS);
  const chunks = [];
  let chunk;
  let weight = head.weight;
  const endChunk = () => {
    if (chunk === undefined) return;
    weight += Math.max(chunk.textBytes, CHUNK_WEIGHT_MIN);
    const { events, cursorStart, cursorEnd, runs } = chunk;
    chunks.push({ type: "insertChunk", events, cursorStart, cursorEnd, runs, kept: [], itemIds: [], expiresAt });
  };
  for (const index of accepted) {
    const { eventId, cursorStart, cursorEnd } = deltas[index];
    const { itemId, delta } = texts[index];
    const item = open.findLast((one) => one.itemId === itemId && one.startCursor <= cursorStart);
    if (item?.fold === undefined) throw new NotCovered("an item that does not go on");
    const deltaBytes = utf8Bytes(delta);
    if (deltaBytes > 0) item.fold = { ...item.fold, fill: item.fold.fill + deltaBytes };
    const textBytes = utf8Bytes(item.messageId) + deltaBytes;
    const bytes = utf8Bytes(eventId) + textBytes;
    const fits = chunk !== undefined && chunk.cursorEnd === cursorStart && chunk.events.length < CHUNK_EVENTS_MAX && chunk.bytes + bytes <= CHUNK_BYTES_MAX;
    if (!fits) {
      endChunk();
      chunk = { events: [], cursorStart, cursorEnd, runs: [], bytes: 0, textBytes: 0 };
    }
    chunk.events.push(index);
    chunk.cursorEnd = cursorEnd;
    chunk.bytes += bytes;
    chunk.textBytes += textBytes;
    let run = chunk.runs.at(-1);
    if (run?.messageId !== item.messageId) {
      run = { messageId: item.messageId, channel: "text", cursorStart, cursorEnd, text: "" };
      chunk.runs.push(run);
    }
    run.cursorEnd = cursorEnd;
    run.text += delta;
  }
  endChunk();
  for (const { fold } of open) {
    const isHeavy = fold !== undefined && head.weight - fold.weight >= FOLD_WEIGHT_MAX;
    if (isHeavy || (fold !== undefined && fold.fill >= TEXT_PART_BYTES_MAX)) throw new NotCovered("a text that is to be folded");
  }
  const { closed, swept, hasItems, turnOrder } = head;
  const eventCount = head.eventCount + accepted.length;
  const changed = { ...(holes === head.holes ? {} : { holes }), ...(open.some((item, at) => item.fold !== head.open[at].fold) ? { open } : {}) };
  return { chunks, head: { type: "putHead", row, event, latest, eventCount, weight, ...changed, closed, swept, hasItems, turnOrder } };
}

function isShort(id) {
  return id.length * 3 <= ID_BYTES_MAX || utf8Bytes(id) <= ID_BYTES_MAX;
}

/** UTF-8 bytes of a text: most are ASCII, and encoding calls into the host. */
function utf8Bytes(string) {
  let bytes = string.length;
  for (let at = 0; at < string.length; at++) {
    const unit = string.charCodeAt(at);
    // A pair of surrogates, two units, takes four bytes.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
