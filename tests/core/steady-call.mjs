// A steady batch of text, as the measurements have it: the ids are as long as the app-server's.
export const THREAD_ID = "01a20285-2892-7df1-9e1f-6a3b3cf2ad40";
export const TURN_ID = "01a20285-2f26-7690-b08c-a87754c23bce";
export const ITEM_ID = "msg_0b8b9dbf0f0f9d2f0168c4a1a5a3c88197a1";
export const STREAM_ID = `${THREAD_ID}:${TURN_ID}:0`;
/** How many events the stream has before the batch. */
export const EVENTS_BEFORE = 500;

/** An event of the turn's stream, the `at`th. */
export function eventOf(at, kind, params) {
  const payloadJson = JSON.stringify({ method: kind, params: { threadId: THREAD_ID, turnId: TURN_ID, ...params } });
  const ids = { eventId: `runtime.1:${STREAM_ID}:${String(at)}`, turnId: TURN_ID, streamId: STREAM_ID };
  return { ...ids, kind, payloadJson, cursorStart: at, cursorEnd: at + 1, createdAt: 1_000 + at };
}

/** So many pieces of the item's text, from the `start`th event on. */
export function textEvents(start, count) {
  return Array.from({ length: count }, (_, at) => eventOf(start + at, "item/agentMessage/delta", { itemId: ITEM_ID, delta: " steady words," }));
}

/** A turn that is known, an item that is open, a session that was heard of just now: only text comes. */
export function steadyCall(count) {
  const own = { sessionId: "session", deviceId: "device", epoch: 1, lastBeatAt: 1_000 };
  const open = [{ itemId: ITEM_ID, messageId: ITEM_ID, startCursor: 2, fold: { cursor: 2, weight: 0, fill: 0, started: true } }];
  const place = { streamId: STREAM_ID, threadId: THREAD_ID, turnId: TURN_ID, turnOrder: 0 };
  return {
    strict: false,
    nowMs: 2_000,
    threadId: THREAD_ID,
    runtime: undefined,
    thread: { localThreadId: THREAD_ID, nextTurnOrder: 1, status: "active" },
    session: { sessionId: own.sessionId, deviceId: own.deviceId, own, writer: own, boundElsewhere: false },
    heads: [{ ...place, latest: EVENTS_BEFORE, holes: [], eventCount: EVENTS_BEFORE, weight: 0, closed: false, swept: false, hasItems: true, open }],
    marks: [],
    deltas: textEvents(EVENTS_BEFORE, count),
    lifecycle: [],
    loaded: null,
  };
}
