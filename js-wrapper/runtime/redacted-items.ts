import { isRedacted } from "../protocol/decisions.js";
import { fieldsOf } from "../protocol/fields.js";
import type { NormalizedEvent } from "../protocol/index.js";
import type { ServerRequest } from "./server-requests.js";

/** What is about an item, and says nothing of it. All others say what they are about themselves. */
const ABOUT_AN_ITEM = "item/fileChange/requestApproval";

/**
 * Changes of files in turns that run, and of which of them something was redacted: a request names one instead of saying what it is
 * about. One that was not told of here, because this process is younger, counts as redacted.
 */
export class RedactedItems {
  readonly #byTurn = new Map<string, Map<string, boolean>>();

  /** An event as it is kept. */
  saw({ kind, threadId, turnId, payloadJson }: NormalizedEvent): void {
    if (turnId === undefined || !(kind.startsWith("item/fileChange/") || payloadJson.includes('"fileChange"'))) return;
    const params = fieldsOf((JSON.parse(payloadJson) as { params?: unknown }).params);
    const item = fieldsOf(params?.["item"]);
    const itemId = item?.["type"] === "fileChange" ? item["id"] : params?.["itemId"];
    if (kind === ABOUT_AN_ITEM || typeof itemId !== "string") return;
    const turn = turnKey(threadId, turnId);
    const items = this.#byTurn.get(turn) ?? new Map<string, boolean>();
    items.set(itemId, items.get(itemId) === true || isRedacted(payloadJson));
    this.#byTurn.set(turn, items);
  }

  turnEnded(threadId: string, turnId: string): void {
    this.#byTurn.delete(turnKey(threadId, turnId));
  }

  /** Whether a request, or the item that it names, does not say all that it is about. */
  has({ method, threadId = "", turnId = "", itemId = "", payloadJson }: ServerRequest): boolean {
    if (isRedacted(payloadJson)) return true;
    return method === ABOUT_AN_ITEM && (this.#byTurn.get(turnKey(threadId, turnId))?.get(itemId) ?? true);
  }
}

const turnKey = (threadId: string, turnId: string): string => JSON.stringify([threadId, turnId]);
