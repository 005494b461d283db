/** What names a request of codex, and the item that it is about. */
import type { CodexServerRequest } from "../host/component.js";
import type { CodexUIMessage } from "../mapping/index.js";

/** What names a request; an app's own query may leave its id out where none asks twice about an item. */
type NamedRequest = Pick<CodexServerRequest, "threadId" | "turnId" | "itemId" | "createdAt"> & { requestId?: CodexServerRequest["requestId"] | undefined };

/**
 * Names a request for as long as it is there: for React's `key`, and for maps.
 *
 * @param request as it was listed: an approval, a question, a decision
 * @returns the same for the same request. An item may ask several times, and a request's id begins anew in every process of codex
 */
export function codexRequestKey({ threadId, turnId, itemId, requestId, createdAt }: NamedRequest): string {
  return JSON.stringify([threadId, turnId, itemId, requestId, createdAt]);
}

/**
 * Finds what a request is about: an approval of changes of files says in its item only what would be changed.
 *
 * An item's id may be used again, in another turn and in the same one: only the item that waits is meant.
 *
 * @param request as it was listed
 * @param messages of its thread, oldest first
 * @returns the message of its item; undefined where it is not among them, or has ended
 */
export function codexRequestItem<Message extends Pick<CodexUIMessage, "turnId" | "messageId" | "status">>(
  request: Pick<NamedRequest, "turnId" | "itemId">,
  messages: readonly Message[],
): Message | undefined {
  const newest = messages.findLast(({ turnId, messageId }) => turnId === request.turnId && isUseOf(messageId, request.itemId));
  return newest?.status === "streaming" ? newest : undefined;
}

/** Whether a message is a use of an item: the first has its id, the second `${itemId}#2` (`src/ingest/messages.rs`). */
function isUseOf(messageId: string, itemId: string): boolean {
  if (!messageId.startsWith(itemId)) return false;
  const behind = messageId.slice(itemId.length);
  return behind === "" || /^#\d+$/.test(behind);
}
