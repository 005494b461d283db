/** Reasoning as readers show it: the pieces of one section joined, in the order of their cursors. */
import { REASONING_DELTAS } from "../protocol/delta-kinds.js";
import { ItemUses, readDeltas, type CodexStreamDeltaLike, type ReadDelta } from "./deltas.js";
import type { CodexMessageStatus, CodexTailedText } from "./types.js";

/** Whether it is the summary of what the model thought, or the thoughts themselves. */
export type CodexReasoningChannel = "summary" | "raw";

/** A piece of reasoning, as the host's query returns it. */
export interface CodexReasoningSegmentLike {
  /** Names the piece, where it has a name: one that is there twice counts once. */
  segmentId?: string | undefined;
  /** Names the use of the item, where its id is used again. */
  messageId?: string | undefined;
  turnId: string;
  itemId: string;
  channel: CodexReasoningChannel;
  /** A `sectionBreak` begins the next section and has no text. */
  segmentType: "textDelta" | "sectionBreak";
  text: string;
  /** `text` is only the beginning of what was thought. */
  textTruncated?: boolean | undefined;
  /** As `CodexDurableMessageLike` has it. */
  tail?: CodexTailedText["tail"];
  summaryIndex?: number | undefined;
  contentIndex?: number | undefined;
  cursorStart: number;
  cursorEnd: number;
  /** Where the item is in its life, where that is said. */
  status?: CodexMessageStatus | undefined;
}

/** A section of reasoning, joined of its pieces. */
export interface CodexReasoningOverlaySegment {
  /** Unique in its thread. */
  key: string;
  turnId: string;
  itemId: string;
  channel: CodexReasoningChannel;
  text: string;
  /** `text` is only the beginning of what was thought. */
  textTruncated?: true;
  /** The section's place in its channel. */
  index: number;
  /** Where its first piece begins and its last one ends. */
  cursorStart: number;
  cursorEnd: number;
  /** Where its item is in its life, where the pieces say it. */
  status?: CodexMessageStatus;
}

/** See {@link CodexReasoningOverlaySegment}: its other name. */
export type CodexOverlayReasoningSegment = CodexReasoningOverlaySegment;

/** Whether raw reasoning is shown too; false where it is not given. */
export interface CodexReasoningOptions {
  includeRaw?: boolean | undefined;
}

/**
 * Joins pieces of reasoning to sections. Sections without text are left out; the order is that of their first pieces, by turn and
 * item as these come.
 *
 * @param segments pieces in any order; one that is there twice counts once
 * @param options whether raw reasoning is shown too
 */
export function aggregateCodexReasoningSegments(
  segments: readonly CodexReasoningSegmentLike[],
  { includeRaw = false }: CodexReasoningOptions = {},
): CodexReasoningOverlaySegment[] {
  return join(segments.map((segment) => [segment.messageId ?? segment.itemId, segment]), includeRaw);
}

/**
 * Collects the reasoning that events of streams hold.
 *
 * @param deltas events of streams, in any order; what cannot be read is left out
 * @param options whether raw reasoning is shown too
 * @returns sections by their key
 */
export function extractCodexReasoningOverlaySegments(
  deltas: readonly CodexStreamDeltaLike[],
  { includeRaw = false }: CodexReasoningOptions = {},
): Map<string, CodexReasoningOverlaySegment> {
  const uses = new ItemUses();
  const pieces = readDeltas(deltas).map((read) => pieceOf(read, uses));
  const told = pieces.filter((piece) => piece !== undefined);
  return new Map(join(told, includeRaw).map((section) => [section.key, section]));
}

/** A piece, with the use of its item that it is of. */
type Piece = [use: string, segment: CodexReasoningSegmentLike];

/** The piece that an event holds; undefined where it holds none. An item's uses are counted by its starts and ends: every event is to come, in order. */
export function pieceOf(read: ReadDelta, uses: ItemUses): Piece | undefined {
  const { params, turnId, delta } = read;
  const itemId = params.itemId ?? params.item?.id;
  if (typeof itemId !== "string") return undefined;
  const use = uses.messageIdOf(read, itemId);
  const kind = REASONING_DELTAS.get(delta.kind);
  if (kind === undefined) return undefined;
  const { channel, segmentType } = kind;
  const text = segmentType === "textDelta" ? params.delta : "";
  if (typeof text !== "string") return undefined;
  const { summaryIndex, contentIndex } = params;
  const { cursorStart, cursorEnd } = delta;
  const place = { summaryIndex: numberOf(summaryIndex), contentIndex: numberOf(contentIndex), cursorStart, cursorEnd };
  return [use, { turnId, itemId, channel, segmentType, text, ...place }];
}

function join(pieces: readonly Piece[], includeRaw: boolean): CodexReasoningOverlaySegment[] {
  const channels = new Map<string, Piece[]>();
  for (const piece of pieces) {
    const [use, { turnId, channel }] = piece;
    if (channel === "raw" && !includeRaw) continue;
    const key = channelKey(turnId, use, channel);
    const ofChannel = channels.get(key);
    if (ofChannel === undefined) channels.set(key, [piece]);
    else ofChannel.push(piece);
  }
  return Array.from(channels.values(), sectionsOf).flat();
}

/** The sections of one channel of one use of an item. */
function sectionsOf(pieces: Piece[]): CodexReasoningOverlaySegment[] {
  const sections = new Map<number, CodexReasoningOverlaySegment>();
  const seen = new Set<string>();
  let breaks = -1;
  for (const [use, segment] of pieces.sort(([, a], [, b]) => inOrder(a, b))) {
    const { segmentType, cursorStart } = segment;
    const id = segment.segmentId ?? JSON.stringify([cursorStart, segmentType]);
    if (seen.has(id)) continue;
    seen.add(id);
    if (segmentType === "sectionBreak") breaks += 1;
    const index = indexOf(segment, breaks);
    sections.set(index, grown(sections.get(index), use, segment, index));
  }
  return [...sections.values()].filter(({ text }) => text !== "");
}

/** The place of a piece's section; of pieces that do not say theirs, by the breaks before it. */
export function indexOf(segment: CodexReasoningSegmentLike, breaks: number): number {
  return placeOf(segment) ?? Math.max(breaks, 0);
}

/** A section with a piece more; a new one where there was none. */
export function grown(
  before: CodexReasoningOverlaySegment | undefined,
  use: string,
  segment: CodexReasoningSegmentLike,
  index: number,
): CodexReasoningOverlaySegment {
  const { turnId, itemId, channel, text, textTruncated, cursorStart, cursorEnd, status } = segment;
  const key = JSON.stringify([turnId, use, channel, index]);
  const section = before ?? { key, turnId, itemId, channel, text: "", index, cursorStart, cursorEnd };
  return {
    ...section,
    text: section.text + text,
    cursorEnd,
    ...(textTruncated === true && { textTruncated }),
    ...(status !== undefined && { status }),
  };
}

/** Names a channel of one use of an item. */
export function channelKey(turnId: string, use: string, channel: CodexReasoningChannel): string {
  return JSON.stringify([turnId, use, channel]);
}

/** Pieces of one item may all say what their item covers: then their places order them, and a break comes before its section. */
function inOrder(a: CodexReasoningSegmentLike, b: CodexReasoningSegmentLike): number {
  const byPlace = (placeOf(a) ?? 0) - (placeOf(b) ?? 0);
  return a.cursorStart - b.cursorStart || byPlace || Number(b.segmentType === "sectionBreak") - Number(a.segmentType === "sectionBreak");
}

function placeOf({ channel, summaryIndex, contentIndex }: CodexReasoningSegmentLike): number | undefined {
  return channel === "summary" ? summaryIndex : contentIndex;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
