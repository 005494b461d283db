/** Messages as the kept events of streams have them, and durable rows with these laid over. For live text use `foldOverlay`. */
import { ItemUses, readDeltas, type CodexStreamDeltaLike, type ReadDelta } from "./deltas.js";
import { codexMessageKey } from "./key.js";
import { mergeCodexMessages } from "./merge.js";
import type { CodexLiveMessage, CodexOverlay } from "./overlay.js";
import type { CodexDurableMessageLike, CodexMessageStatus, CodexUIMessage } from "./types.js";

/** A message as events alone have it. */
export interface CodexOverlayMessage {
  turnId: string;
  messageId: string;
  text: string;
  status: CodexMessageStatus;
  error?: string;
  /** The end of the last event that is of it. */
  lastCursor: number;
}

/** A message with where its text begins: one whose start was not among the events may lack its beginning. */
interface Collected {
  message: CodexOverlayMessage;
  since: number;
}

const TEXT_ITEMS = new Set(["agentMessage", "plan"]);
const TEXT_DELTAS = new Set(["item/agentMessage/delta", "item/plan/delta"]);
const TURN_ENDS: Record<string, CodexMessageStatus> = { completed: "completed", failed: "failed", interrupted: "interrupted" };

/**
 * Collects what events say of messages and plans of the agent.
 *
 * @param deltas events of streams, in any order; what cannot be read is left out
 * @returns messages by {@link codexMessageKey}, in the order in which their streams name them
 */
export function extractCodexOverlayMessages(deltas: readonly CodexStreamDeltaLike[]): Map<string, CodexOverlayMessage> {
  return new Map(Array.from(collect(deltas), ([key, { message }]) => [key, message]));
}

/**
 * Lays the events' text over durable rows: the rows are the truth, one that has ended is as it is, one that is missing is not
 * made up, and text that contradicts a row loses.
 *
 * @param durable rows of the host's query, newest first
 * @param deltas events of the same thread's streams, in any order
 * @returns the messages, oldest first
 */
export function mergeCodexDurableAndStreamMessages(
  durable: readonly CodexDurableMessageLike[],
  deltas: readonly CodexStreamDeltaLike[],
): CodexUIMessage[] {
  const live = new Map<string, CodexLiveMessage>();
  for (const [key, { message, since }] of collect(deltas)) {
    live.set(key, { text: { text: message.text, pendingHigh: undefined, since, origin: {} } });
  }
  const overlay: CodexOverlay = { streams: new Map([["", { cursor: 0, since: 0, live }]]), cursors: [] };
  return mergeCodexMessages(durable, overlay).messages;
}

function collect(deltas: readonly CodexStreamDeltaLike[]): Map<string, Collected> {
  const found = new Map<string, Collected>();
  const uses = new ItemUses();
  for (const read of readDeltas(deltas)) {
    const { kind } = read.delta;
    if (kind === "turn/completed") endTurn(found, read, TURN_ENDS[String(read.params.turn?.status)], read.params.turn?.error?.message);
    else if (kind === "error" && read.params.willRetry !== true) endTurn(found, read, "failed", read.params.error?.message);
    else if (kind === "item/started" || kind === "item/completed") readItem(found, uses, read);
    else if (TEXT_DELTAS.has(kind)) grow(found, uses, read);
  }
  return found;
}

function readItem(found: Map<string, Collected>, uses: ItemUses, read: ReadDelta): void {
  const { item } = read.params;
  if (typeof item?.id !== "string" || typeof item.type !== "string" || !TEXT_ITEMS.has(item.type)) return;
  const isStart = read.delta.kind === "item/started";
  const { message } = messageOf(found, uses, read, item.id, isStart ? 0 : read.delta.cursorStart);
  // The start of what goes on is a repeat.
  if (isStart && message.text !== "") return;
  if (typeof item.text === "string") message.text = item.text;
  if (!isStart) message.status = item.status === "failed" ? "failed" : item.status === "declined" ? "interrupted" : "completed";
}

function grow(found: Map<string, Collected>, uses: ItemUses, read: ReadDelta): void {
  const { itemId, delta } = read.params;
  if (typeof itemId !== "string" || typeof delta !== "string") return;
  const { message } = messageOf(found, uses, read, itemId, read.delta.cursorStart);
  if (message.status === "streaming") message.text += delta;
}

function messageOf(found: Map<string, Collected>, uses: ItemUses, read: ReadDelta, itemId: string, since: number): Collected {
  const messageId = uses.messageIdOf(read, itemId);
  const key = codexMessageKey(read.turnId, messageId);
  const before = found.get(key);
  const { turnId, delta } = read;
  const collected = before ?? { message: { turnId, messageId, text: "", status: "streaming", lastCursor: 0 }, since };
  collected.message.lastCursor = delta.cursorEnd;
  if (before === undefined) found.set(key, collected);
  return collected;
}

function endTurn(found: Map<string, Collected>, { turnId }: ReadDelta, status: CodexMessageStatus = "completed", error?: unknown): void {
  for (const { message } of found.values()) {
    if (message.turnId !== turnId || message.status !== "streaming") continue;
    message.status = status;
    if (status !== "completed" && typeof error === "string") message.error = error;
  }
}
