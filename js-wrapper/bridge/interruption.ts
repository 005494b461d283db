/** The kind of the end of a turn. */
export const TURN_ENDED = "turn/completed";

/**
 * The end that the app-server did not say of a turn: it says nothing when it dies.
 *
 * @returns the message, as its own would be, but for `params.synthesized: true`
 */
export function interruptionOf(threadId: string, turnId: string): string {
  const turn = { id: turnId, items: [], status: "interrupted", error: null };
  return JSON.stringify({ method: TURN_ENDED, params: { threadId, turn, synthesized: true } });
}

/** Whether the end of a turn is one of {@link interruptionOf}. */
export function isInterruption(payloadJson: string): boolean {
  return payloadJson.includes('"synthesized":true');
}
