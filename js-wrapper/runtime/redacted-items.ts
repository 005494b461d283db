import { isRedacted } from "../protocol/decisions.js";
import { fieldsOf } from "../protocol/fields.js";
import type { NormalizedEvent } from "../protocol/index.js";
import type { ServerRequest } from "./server-requests.js";

/**
 * Items of turns that run, of which something was redacted: a request may name one instead of saying what it is about, as that of a
 * change of files does. Of an item that an earlier process told of nothing is known.
 */
export class RedactedItems {
  readonly #byTurn = new Map<string, Set<string>>();

  /** An event as it is kept. */
  saw({ threadId, turnId, payloadJson }: NormalizedEvent): void {
    if (turnId === undefined || !isRedacted(payloadJson)) return;
    const params = fieldsOf((JSON.parse(payloadJson) as { params?: unknown }).params);
    const itemId = fieldsOf(params?.["item"])?.["id"] ?? params?.["itemId"];
    if (typeof itemId !== "string") return;
    const turn = turnKey(threadId, turnId);
    this.#byTurn.set(turn, (this.#byTurn.get(turn) ?? new Set()).add(itemId));
  }

  turnEnded(threadId: string, turnId: string): void {
    this.#byTurn.delete(turnKey(threadId, turnId));
  }

  /** Whether a request, or the item that it names, does not say all that it is about. */
  has({ threadId, turnId, itemId, payloadJson }: ServerRequest): boolean {
    if (isRedacted(payloadJson)) return true;
    const isNamed = threadId !== undefined && turnId !== undefined && itemId !== undefined;
    return isNamed && this.#byTurn.get(turnKey(threadId, turnId))?.has(itemId) === true;
  }
}

const turnKey = (threadId: string, turnId: string): string => JSON.stringify([threadId, turnId]);
