import { itemOf } from "../protocol/fields.js";
import { isSameList, isSameRow } from "./identity.js";
import { codexMessageKey } from "./key.js";
import type { CodexLiveMessage, CodexLiveText, CodexOverlay } from "./overlay.js";
import { findLiveMessage } from "./overlay.js";
import type { CodexDurableMessageLike, CodexUIMessage } from "./types.js";

interface MergedRow {
  readonly row: CodexDurableMessageLike;
  readonly live: CodexLiveMessage | undefined;
  readonly isLiveText: boolean;
  readonly message: CodexUIMessage;
}

/** Merged messages, with what the next merge needs: to keep their identity, and to look only at what can have changed. */
export interface CodexMergedMessages {
  /** Oldest first. */
  readonly messages: CodexUIMessage[];
  /** Of which rows. */
  readonly rows: readonly CodexDurableMessageLike[];
  readonly byKey: ReadonlyMap<string, MergedRow>;
  /** Those that stream, by their place in `messages`. */
  readonly open: ReadonlyMap<number, { readonly key: string; readonly merged: MergedRow }>;
}

/** The merge of nothing. */
export const NO_MESSAGES: CodexMergedMessages = { messages: [], rows: [], byKey: new Map(), open: new Map() };

/**
 * Lays the live text over the durable rows. The durable rows are the truth: a row that is missing
 * is not made up, a terminal one is shown as it is, and live text that contradicts a row loses.
 *
 * @param rows The loaded pages, newest first. Where they are the array of the merge before, only those that stream are looked at.
 * @param overlay The live text of the same thread.
 * @param previous The merge before this one: what did not change keeps its identity.
 * @returns The messages, oldest first; the same array when nothing in them changed.
 */
export function mergeCodexMessages(
  rows: readonly CodexDurableMessageLike[],
  overlay: CodexOverlay,
  previous: CodexMergedMessages = NO_MESSAGES,
): CodexMergedMessages {
  return rows === previous.rows ? mergeOpen(overlay, previous) : mergeAll(rows, overlay, previous);
}

function mergeAll(rows: readonly CodexDurableMessageLike[], overlay: CodexOverlay, previous: CodexMergedMessages): CodexMergedMessages {
  const opened = new Map(Array.from(previous.open.values(), ({ key, merged }) => [key, merged]));
  const byKey = new Map<string, MergedRow>();
  for (const [key, row] of uniqueRows(rows)) {
    byKey.set(key, mergeRow(key, row, findLiveMessage(overlay, key), opened.get(key) ?? previous.byKey.get(key)));
  }
  const merged = Array.from(byKey).reverse();
  const messages = merged.map(([, { message }]) => message);
  const open = new Map(merged.flatMap(([key, row], at) => (isOpen(row.row) ? [[at, { key, merged: row }] as const] : [])));
  return { messages: isSameList(messages, previous.messages) ? previous.messages : messages, rows, byKey, open };
}

/** The rows are as they were: what a piece of text costs is what streams, however many there are. */
function mergeOpen(overlay: CodexOverlay, previous: CodexMergedMessages): CodexMergedMessages {
  let { messages } = previous;
  const open = new Map(previous.open);
  for (const [at, { key, merged: before }] of previous.open) {
    const merged = mergeRow(key, before.row, findLiveMessage(overlay, key), before);
    if (merged === before) continue;
    open.set(at, { key, merged });
    if (merged.message === before.message) continue;
    if (messages === previous.messages) messages = messages.slice();
    messages[at] = merged.message;
  }
  return { ...previous, messages, open };
}

/**
 * Turns a durable row into the message that a page shows.
 *
 * @param row The row of the host's query.
 * @returns The message, with the row's own text.
 */
export function toCodexUIMessage(row: CodexDurableMessageLike): CodexUIMessage {
  return {
    _id: codexMessageKey(row.turnId, row.messageId),
    messageId: row.messageId,
    turnId: row.turnId,
    role: row.role,
    status: row.status,
    text: row.text,
    orderInTurn: row.orderInTurn,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    ...(row.sourceItemType !== undefined && { sourceItemType: row.sourceItemType }),
    ...(row.payloadJson !== undefined && { payloadJson: row.payloadJson }),
    ...(row.payloadTruncated !== undefined && { payloadTruncated: row.payloadTruncated }),
    ...(row.textTruncated !== undefined && { textTruncated: row.textTruncated }),
    ...(row.textBytes !== undefined && { textBytes: row.textBytes }),
    ...(row.error !== undefined && { error: row.error }),
    ...(row.completedAt !== undefined && { completedAt: row.completedAt }),
  };
}

/** One row a key: pages that move against each other may both hold it. The terminal one wins. */
function uniqueRows(
  rows: readonly CodexDurableMessageLike[],
): ReadonlyMap<string, CodexDurableMessageLike> {
  const unique = new Map<string, CodexDurableMessageLike>();
  for (const row of rows) {
    const key = codexMessageKey(row.turnId, row.messageId);
    const other = unique.get(key);
    if (other === undefined || (isStreaming(other) && !isStreaming(row))) unique.set(key, row);
  }
  return unique;
}

function mergeRow(
  key: string,
  row: CodexDurableMessageLike,
  found: CodexLiveMessage | undefined,
  before: MergedRow | undefined,
): MergedRow {
  const live = isOpen(row) ? found : undefined;
  if (before !== undefined && before.row === row && before.live === live) return before;

  const isLiveText = isTextLive(row, live?.text, before);
  const merged: CodexUIMessage = { ...toCodexUIMessage(row), _id: key };
  if (isLiveText && live?.text !== undefined) {
    merged.text = live.text.text;
    delete merged.textTruncated;
    delete merged.textBytes;
  }
  const output = live?.output?.text ?? lastOutput(row, before);
  if (output !== undefined) merged.output = output;
  const message =
    before !== undefined && isSameRow(before.message, merged) ? before.message : merged;
  return { row, live, isLiveText, message };
}

/** What a call had put out when its turn ended before it: its own end, which has the output, may come later, or never. */
function lastOutput(row: CodexDurableMessageLike, before: MergedRow | undefined): string | undefined {
  const output = before?.message.output;
  if (output === undefined || isOpen(row) || row.status === "completed" || row.payloadTruncated === true) return undefined;
  return typeof itemOf(row.payloadJson)["aggregatedOutput"] === "string" ? undefined : output;
}

/** Whether the live text goes on where the row's text ends. */
function isTextLive(
  row: CodexDurableMessageLike,
  live: CodexLiveText | undefined,
  before: MergedRow | undefined,
): boolean {
  if (live === undefined || row.orderInTurn < live.since) return false;
  // Text that only grew still goes on: to compare it again would cost its whole length.
  const isGrown =
    before !== undefined &&
    before.isLiveText &&
    before.row === row &&
    before.live?.text?.origin === live.origin;
  return isGrown || live.text.startsWith(row.text);
}

/** Whether the row's text may go on: it streams, or it reads as stopped before the server has said so, and has not its end. */
function isOpen(row: CodexDurableMessageLike): boolean {
  return isStreaming(row) || row.tail !== undefined;
}

function isStreaming(row: CodexDurableMessageLike): boolean {
  return row.status === "streaming";
}
