// What the killed host says: `count` events of each of three threads, a turn with one message that goes on: its text is made of its
// deltas alone, so that one which is missing, doubled or out of order shows.
export const THREADS = ["th_a", "th_b", "th_c"];
export const [TURN, ITEM] = ["turn", "msg"];

const CREATED_AT = 1_800_000_000_000;

export const wordOf = (cursor) => `w${String(cursor)} `;

/** @param count events of a thread, its turn's start and its item's included */
export function* eventsOf(count) {
  for (let cursor = 0; cursor < count; cursor++) {
    for (const threadId of THREADS) yield streamEvent(threadId, cursor);
  }
}

function streamEvent(threadId, cursor) {
  const streamId = `${threadId}:${TURN}:0`;
  const [kind, params] = said(cursor);
  const payloadJson = JSON.stringify({ method: kind, params: { threadId, ...(kind.startsWith("turn/") ? {} : { turnId: TURN }), ...params } });
  return { eventId: `rt.1:${streamId}:${String(cursor)}`, threadId, turnId: TURN, streamId, cursorStart: cursor, cursorEnd: cursor + 1, kind, payloadJson, createdAt: CREATED_AT + cursor };
}

function said(cursor) {
  if (cursor === 0) return ["turn/started", { turn: { id: TURN, items: [], status: "inProgress", error: null } }];
  if (cursor === 1) return ["item/started", { item: { id: ITEM, type: "agentMessage", text: "" } }];
  return ["item/agentMessage/delta", { itemId: ITEM, delta: wordOf(cursor) }];
}
