/** Messages as the kept events of streams have them, and durable rows with these laid over. For live text use `foldOverlay`. */
import { TEXT_DELTAS } from "../protocol/delta-kinds.js";
import { outcomeOf } from "../protocol/outcome.js";
import { ItemUses, readDeltas, type CodexStreamDeltaLike, type DeltaParams, type ReadDelta } from "./deltas.js";
import { codexMessageKey } from "./key.js";
import { fromStart } from "./follow.js";
import { LayeredMap } from "./layered-map.js";
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

const TEXT_ITEMS: ReadonlySet<string> = new Set(TEXT_DELTAS.values());
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
  const live = new LayeredMap<string, CodexLiveMessage>();
  for (const [key, { message, since }] of collect(deltas)) {
    live.set(key, { text: { text: message.text, pendingHigh: undefined, since, from: since, end: since, origin: {} } });
  }
  const overlay: CodexOverlay = { streams: new Map([["", fromStart(live)]]), cursors: [] };
  return mergeCodexMessages(durable, overlay).messages;
}

/** How an event ends its turn; undefined where it ends none. */
export function endOfTurn({ delta: { kind }, params }: ReadDelta): { status: CodexMessageStatus; error?: string } | undefined {
  const told = kind === "turn/completed" ? params.turn?.error?.message : params.error?.message;
  const status = kind === "turn/completed" ? (TURN_ENDS[String(params.turn?.status)] ?? "completed") : "failed";
  if (kind !== "turn/completed" && (kind !== "error" || params.willRetry === true)) return undefined;
  return { status, ...(status !== "completed" && typeof told === "string" && { error: told }) };
}

/** Whether an item is a message or a plan of the agent. */
export function isTextItem(item: DeltaParams["item"]): boolean {
  return typeof item?.type === "string" && TEXT_ITEMS.has(item.type);
}

function collect(deltas: readonly CodexStreamDeltaLike[]): Map<string, Collected> {
  const found = new Map<string, Collected>();
  const uses = new ItemUses();
  for (const read of readDeltas(deltas)) {
    const { kind } = read.delta;
    const end = endOfTurn(read);
    if (end !== undefined) endTurn(found, read.turnId, end.status, end.error);
    else if (kind === "item/started" || kind === "item/completed") readItem(found, uses, read);
    else if (TEXT_DELTAS.has(kind)) grow(found, uses, read);
  }
  return found;
}

function readItem(found: Map<string, Collected>, uses: ItemUses, read: ReadDelta): void {
  const { item } = read.params;
  if (typeof item?.id !== "string" || !isTextItem(item)) return;
  const isStart = read.delta.kind === "item/started";
  const { message } = messageOf(found, uses, read, item.id, isStart ? 0 : read.delta.cursorStart);
  // The start of what goes on is a repeat.
  if (isStart && message.text !== "") return;
  if (typeof item.text === "string") message.text = item.text;
  if (!isStart) message.status = outcomeOf(item);
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

function endTurn(found: Map<string, Collected>, turnId: string, status: CodexMessageStatus, error: string | undefined): void {
  for (const { message } of found.values()) {
    if (message.turnId !== turnId || message.status !== "streaming") continue;
    message.status = status;
    if (error !== undefined) message.error = error;
  }
}
