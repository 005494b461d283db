/** The kind of the end of a turn. */
export const TURN_ENDED = "turn/completed";

/** How a turn ended. */
export type TurnEnd = "completed" | "interrupted" | "failed";

/**
 * The end that the app-server did not say of a turn: it says nothing when it dies, nor of what ended while nobody listened.
 *
 * @returns the message, as its own would be, but for `params.synthesized: true`
 */
export function synthesizedEnd(threadId: string, turnId: string, status: TurnEnd): string {
  const turn = { id: turnId, items: [], status, error: null };
  return JSON.stringify({ method: TURN_ENDED, params: { threadId, turn, synthesized: true } });
}

/** Whether the end of a turn is one of {@link synthesizedEnd}, with this status. */
export function isSynthesized(payloadJson: string, status: TurnEnd): boolean {
  if (!payloadJson.includes('"synthesized":true')) return false;
  const { params } = JSON.parse(payloadJson) as { params: { turn: { status: unknown }; synthesized?: unknown } };
  return params.synthesized === true && params.turn.status === status;
}
