/**
 * One message of the app-server that belongs to a thread, numbered by the bridge.
 *
 * With `streamId` it is a turn's event at `[cursorStart, cursorEnd)` of that stream; without, it is the thread's
 * lifecycle event number `cursorStart`, with `turnId` where the message names a turn that this process has not seen.
 */
export interface NormalizedEvent {
  /** The same for every delivery of this event, and for no other event. */
  readonly eventId: string;
  readonly threadId: string;
  readonly turnId?: string;
  readonly streamId?: string;
  /** Inclusive; a safe integer from 0. */
  readonly cursorStart: number;
  /** Exclusive; the bridge gives every event the length 1. */
  readonly cursorEnd: number;
  /** The method of the message, as it came: unknown ones are kept. */
  readonly kind: string;
  /** The message verbatim, `{method, params}` and `id` for a request, without `emittedAtMs`. */
  readonly payloadJson: string;
  /** Milliseconds since 1970, by the sender's clock: for display, it orders nothing. */
  readonly createdAt: number;
}
