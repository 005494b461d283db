/**
 * The key of a message: (turnId, messageId). Item ids are not unique across turns, and an id may
 * hold any character, so the pair is encoded, not joined.
 *
 * @param turnId The message's turn.
 * @param messageId The message in its turn.
 * @returns One string for each pair.
 */
export function codexMessageKey(turnId: string, messageId: string): string {
  return JSON.stringify([turnId, messageId]);
}
