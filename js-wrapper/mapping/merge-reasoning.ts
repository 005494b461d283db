import { isSameList, isSameRow } from "./identity.js";
import { codexMessageKey } from "./key.js";
import { findLiveMessage, type CodexLiveText, type CodexOverlay } from "./overlay.js";
import {
  aggregateCodexReasoningSegments,
  type CodexReasoningOptions,
  type CodexReasoningOverlaySegment,
  type CodexReasoningSegmentLike,
} from "./reasoning.js";

/** An item's pieces, what is live of it, and the sections that were made of both. */
interface MergedItem {
  readonly pieces: readonly CodexReasoningSegmentLike[];
  readonly live: CodexLiveText | undefined;
  /** The live text goes on where the piece's text ends. */
  readonly isLive: boolean;
  readonly sections: readonly CodexReasoningOverlaySegment[];
}

/** Sections of a thread, with what the next merge needs to keep their identity. */
export interface CodexMergedReasoning {
  /** Oldest first. */
  readonly sections: CodexReasoningOverlaySegment[];
  readonly byItem: ReadonlyMap<string, MergedItem>;
  readonly includeRaw: boolean;
}

/** The merge of nothing. */
export const NO_REASONING: CodexMergedReasoning = { sections: [], byItem: new Map(), includeRaw: false };

/**
 * Joins the loaded pieces of reasoning to sections, and lays the live text over an item that is still streaming, as
 * `mergeCodexMessages` does: text that contradicts the pieces loses.
 *
 * @param pieces The loaded pages, newest first.
 * @param overlay The live text of the same thread.
 * @param options Whether raw reasoning is shown too.
 * @param previous The merge before this one: an item that did not change is not joined again, and its sections keep their identity.
 * @returns The sections, oldest first; the same array when nothing in them changed.
 */
export function mergeCodexReasoning(
  pieces: readonly CodexReasoningSegmentLike[],
  overlay: CodexOverlay,
  { includeRaw = false }: CodexReasoningOptions = {},
  previous: CodexMergedReasoning = NO_REASONING,
): CodexMergedReasoning {
  const known = previous.includeRaw === includeRaw ? previous.byItem : NO_REASONING.byItem;
  const byItem = new Map<string, MergedItem>();
  for (const [key, ofItem] of piecesByItem(pieces)) {
    byItem.set(key, mergeItem(ofItem, findLiveMessage(overlay, key)?.text, includeRaw, known.get(key)));
  }
  const sections = Array.from(byItem.values(), (item) => item.sections).flat();
  return { sections: isSameList(sections, previous.sections) ? previous.sections : sections, byItem, includeRaw };
}

/** The pieces of each item, oldest first. Pages that move against each other may both hold one: it counts once. */
function piecesByItem(pieces: readonly CodexReasoningSegmentLike[]): Map<string, CodexReasoningSegmentLike[]> {
  const items = new Map<string, CodexReasoningSegmentLike[]>();
  for (const piece of [...pieces].reverse()) {
    const key = codexMessageKey(piece.turnId, piece.messageId ?? piece.itemId);
    const ofItem = items.get(key);
    if (ofItem === undefined) items.set(key, [piece]);
    else ofItem.push(piece);
  }
  return items;
}

function mergeItem(
  pieces: readonly CodexReasoningSegmentLike[],
  found: CodexLiveText | undefined,
  includeRaw: boolean,
  before: MergedItem | undefined,
): MergedItem {
  const written = pieces.find(isBeingWritten);
  const live = written === undefined ? undefined : found;
  const isAsBefore = before !== undefined && isSamePieces(before.pieces, pieces);
  if (isAsBefore && before.live === live) return before;

  // Text that only grew still goes on: to compare it again would cost its whole length.
  const isGrown = isAsBefore && before.isLive && before.live?.origin === live?.origin;
  const isLive = live !== undefined && written !== undefined && (isGrown || goesOn(written, live));
  const shown = isLive ? pieces.map((piece) => (piece === written ? grownTo(piece, live.text) : piece)) : pieces;
  const sections = aggregateCodexReasoningSegments(shown, { includeRaw });
  return { pieces: isAsBefore ? before.pieces : pieces, live, isLive, sections: sections.map((section) => keep(section, before)) };
}

/** The piece that is the text so far of an item that goes on. */
function isBeingWritten({ channel, segmentType, status }: CodexReasoningSegmentLike): boolean {
  return status === "streaming" && channel === "summary" && segmentType === "textDelta";
}

function goesOn({ cursorStart, text }: CodexReasoningSegmentLike, live: CodexLiveText): boolean {
  return cursorStart >= live.since && live.text.startsWith(text);
}

function grownTo({ textTruncated: _, ...piece }: CodexReasoningSegmentLike, text: string): CodexReasoningSegmentLike {
  return { ...piece, text };
}

function isSamePieces(a: readonly CodexReasoningSegmentLike[], b: readonly CodexReasoningSegmentLike[]): boolean {
  return a.length === b.length && a.every((piece, at) => isSameRow(piece, b[at] ?? {}));
}

function keep(section: CodexReasoningOverlaySegment, before: MergedItem | undefined): CodexReasoningOverlaySegment {
  const known = before?.sections.find(({ key }) => key === section.key);
  return known !== undefined && isSameRow(known, section) ? known : section;
}
