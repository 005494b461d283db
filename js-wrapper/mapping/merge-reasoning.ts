import { isSameList, isSameRow } from "./identity.js";
import { codexMessageKey } from "./key.js";
import { findLiveMessage, type CodexLiveText, type CodexOverlay } from "./overlay.js";
import {
  aggregateCodexReasoningSegments,
  type CodexReasoningOptions,
  type CodexReasoningOverlaySegment,
  type CodexReasoningSegmentLike,
} from "./reasoning.js";
import type { CodexTailedText } from "./types.js";

/** An item's pieces, what is live of it, and the sections that were made of both. */
interface MergedItem {
  readonly pieces: readonly CodexReasoningSegmentLike[];
  /** The piece that is the text so far, where the item goes on. */
  readonly written: CodexReasoningSegmentLike | undefined;
  readonly live: CodexLiveText | undefined;
  /** The live text goes on where the piece's text ends. */
  readonly isLive: boolean;
  readonly sections: readonly CodexReasoningOverlaySegment[];
}

/** Sections of a thread, with what the next merge needs: to keep their identity, and to look only at what can have changed. */
interface CodexMergedReasoning {
  /** Oldest first. */
  readonly sections: CodexReasoningOverlaySegment[];
  /** Of which pieces. */
  readonly pieces: readonly CodexReasoningSegmentLike[];
  readonly byItem: ReadonlyMap<string, MergedItem>;
  /** The items that are being written, and where their sections begin. */
  readonly open: ReadonlyMap<string, { readonly from: number; readonly item: MergedItem }>;
  readonly includeRaw: boolean;
}

/** The merge of nothing. */
export const NO_REASONING: CodexMergedReasoning = { sections: [], pieces: [], byItem: new Map(), open: new Map(), includeRaw: false };

/**
 * Joins the loaded pieces of reasoning to sections, and lays the live text over an item that is still streaming, as
 * `mergeCodexMessages` does: text that contradicts the pieces loses.
 *
 * @param pieces The loaded pages, newest first. Where they are the array of the merge before, only items that stream are looked at.
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
  const known = previous.includeRaw === includeRaw ? previous : NO_REASONING;
  const grown = pieces === known.pieces ? mergeOpen(overlay, known) : undefined;
  return grown ?? mergeAll(pieces, overlay, includeRaw, known, previous.sections);
}

function mergeAll(
  pieces: readonly CodexReasoningSegmentLike[],
  overlay: CodexOverlay,
  includeRaw: boolean,
  known: CodexMergedReasoning,
  shown: CodexReasoningOverlaySegment[],
): CodexMergedReasoning {
  const byItem = new Map<string, MergedItem>();
  const open = new Map<string, { from: number; item: MergedItem }>();
  const sections: CodexReasoningOverlaySegment[] = [];
  for (const [key, ofItem] of piecesByItem(pieces)) {
    const item = mergeItem(ofItem, findLiveMessage(overlay, key)?.text, includeRaw, known.open.get(key)?.item ?? known.byItem.get(key));
    byItem.set(key, item);
    if (item.written !== undefined) open.set(key, { from: sections.length, item });
    sections.push(...item.sections);
  }
  return { sections: isSameList(sections, shown) ? shown : sections, pieces, byItem, open, includeRaw };
}

/** The pieces are as they were: what a piece of text costs is what is being written. Undefined where a section came or went. */
function mergeOpen(overlay: CodexOverlay, previous: CodexMergedReasoning): CodexMergedReasoning | undefined {
  let { sections } = previous;
  const open = new Map(previous.open);
  for (const [key, { from, item: before }] of previous.open) {
    const item = mergeItem(before.pieces, findLiveMessage(overlay, key)?.text, previous.includeRaw, before);
    if (item === before) continue;
    if (item.sections.length !== before.sections.length) return undefined;
    open.set(key, { from, item });
    for (const [at, section] of item.sections.entries()) {
      if (section === before.sections[at]) continue;
      if (sections === previous.sections) sections = sections.slice();
      sections[from + at] = section;
    }
  }
  return { ...previous, sections, open };
}

/**
 * What of the pieces goes on in a stream, as overlays read it.
 *
 * @param pieces The loaded pages, asked for with `kind: "followed"`.
 * @returns The texts so far of items that stream.
 */
export function tailsOfReasoning(pieces: readonly CodexReasoningSegmentLike[]): CodexTailedText[] {
  return pieces.flatMap((piece) => {
    const { turnId, itemId, messageId = itemId, cursorStart: orderInTurn, text, textTruncated, tail } = piece;
    return tail === undefined || !isBeingWritten(piece) ? [] : [{ turnId, messageId, orderInTurn, status: "streaming" as const, text, textTruncated, tail }];
  });
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
  return { pieces: isAsBefore ? before.pieces : pieces, written, live, isLive, sections: sections.map((section) => keep(section, before)) };
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
