import { eventOf } from "../protocol/event-of.js";
import type { NormalizedEvent } from "../protocol/index.js";

const STUB_KIND = "unknown";

/** What stands at the place of an event of a stream that is not sent. */
export function stubOf({ eventId, threadId, turnId, streamId, cursorStart, cursorEnd, createdAt }: NormalizedEvent): NormalizedEvent {
  const payloadJson = JSON.stringify({ method: STUB_KIND, params: { threadId, turnId } });
  return eventOf({ eventId, threadId, turnId, streamId, cursorStart, cursorEnd, kind: STUB_KIND, payloadJson, createdAt });
}

/** Whether it is one. */
export function isStub({ kind }: NormalizedEvent): boolean {
  return kind === STUB_KIND;
}
