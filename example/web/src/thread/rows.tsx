import { defaultRangeExtractor, useVirtualizer, type Range, type VirtualItem, type Virtualizer } from "@tanstack/react-virtual";
import type { CodexUIMessage } from "convex-codex-local/react";
import type { Ref, SyntheticEvent } from "react";
import { memo, useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Item } from "../items/item.js";
import { listOf, readItem } from "../payload.js";
import { keptRows, withTouched } from "./kept-rows.js";
import { placeTurns, type PastTurns, type PlacedTurn } from "./past-turns.js";
import { TurnNotes } from "./turn-note.js";

/** Rows that are drawn before and after those in view. */
const OVERSCAN = 6;
/**
 * What a row is taken for until it is measured, in pixels: hardly less than any is. Rows that come in above then grow upwards; had they to
 * shrink, a reader who is near the top of what is loaded would have nothing left to scroll by, and what they read would move.
 */
const ROW_ESTIMATE_PX = 40;

export interface RowsProps {
  /** Oldest first. */
  messages: readonly CodexUIMessage[];
  /** The same, in outline: with each piece of text the messages are another list, and what is the same then is not done again. */
  outline: readonly CodexUIMessage[];
  /** Whether nothing came before the first of them. */
  isWhole: boolean;
  /** The turns that are over, told of where they were. */
  past: PastTurns;
  /** What scrolls them. */
  viewport: HTMLElement | null;
}

/**
 * A row for each message, of which the document holds those in view, the newest, and those that the reader did something in: how many
 * does not depend on how many there are. Earlier rows that come in, or turn out larger than they were taken for, move nothing in view.
 */
export function Rows({ messages, outline, isWhole, past, viewport }: RowsProps) {
  const list = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  const [touched, setTouched] = useState<readonly string[]>([]);
  const kept = useMemo(() => keptRows(outline, touched), [outline, touched]);
  const placed = useMemo(() => placeTurns(outline, past, isWhole), [outline, past, isWhole]);

  const virtualizer = useVirtualizer<HTMLElement, HTMLDivElement>({
    count: messages.length,
    getItemKey: useCallback((at: number) => outline[at]?._id ?? at, [outline]),
    getScrollElement: () => viewport,
    scrollMargin: margin,
    estimateSize: () => ROW_ESTIMATE_PX,
    overscan: OVERSCAN,
    rangeExtractor: useCallback((range: Range) => inOrder([...kept, ...defaultRangeExtractor(range)]), [kept]),
    anchorTo: "end",
    directDomUpdates: true,
    directDomUpdatesMode: "position",
  });

  const { containerRef, getVirtualItems, measureElement } = virtualizer;
  useLayoutEffect(() => {
    virtualizer.shouldAdjustScrollPositionOnItemSizeChange = keepsWhatIsRead;
  }, [virtualizer]);

  // What stands above the rows is of one height.
  useLayoutEffect(() => {
    if (list.current !== null && viewport !== null) setMargin(list.current.offsetTop - viewport.offsetTop);
  }, [viewport]);

  const onTouch = ({ target }: SyntheticEvent) => {
    const row = target instanceof Element ? target.closest<HTMLElement>(".row") : null;
    const id = messages[Number(row?.dataset["index"])]?._id;
    if (id !== undefined) setTouched((before) => withTouched(before, id));
  };
  const attach = useCallback(
    (element: HTMLDivElement | null) => {
      list.current = element;
      containerRef(element);
    },
    [containerRef],
  );
  return (
    <div className="rows" role="list" ref={attach} onFocusCapture={onTouch} onPointerDownCapture={onTouch}>
      {getVirtualItems().map(({ index }) => {
        const message = messages[index];
        if (message === undefined) return null;
        return (
          <Row
            key={message._id}
            message={message}
            isSilent={saysNothing(message, messages[index - 1])}
            index={index}
            gap={gapBefore(message, messages[index - 1])}
            size={isWhole ? messages.length : SIZE_UNKNOWN}
            before={index === 0 ? placed.get(-1) : undefined}
            behind={placed.get(index)}
            measure={measureElement}
          />
        );
      })}
    </div>
  );
}

/**
 * Whether the viewport moves by what a row's size changes. A row that is measured for the first time pushes nothing that was read: not what
 * is below it in view, where a reader went up faster than rows are drawn. One that is measured again moves what is below it if it is above the
 * view, as it does without this function.
 */
function keepsWhatIsRead(row: VirtualItem, _delta: number, rows: Virtualizer<HTMLElement, HTMLDivElement>): boolean {
  const top = rows.scrollOffset ?? 0;
  if (rows.itemSizeCache.has(row.key)) return row.end <= top && rows.scrollDirection !== "backward";
  if (row.start < top) return true;
  const bottom = top + (rows.scrollRect?.height ?? 0);
  for (let at = row.index + 1; ; at += 1) {
    const next = rows.measurementsCache[at];
    if (next === undefined || next.start >= bottom) return false;
    if (rows.itemSizeCache.has(next.key)) return true;
  }
}

/** SOURCE: WAI-ARIA 1.2, `aria-setsize`. */
const SIZE_UNKNOWN = -1;

interface RowProps {
  message: CodexUIMessage;
  isSilent: boolean;
  index: number;
  gap: Gap | undefined;
  size: number;
  /** The turns that are told of before it, and behind it. */
  before: readonly PlacedTurn[] | undefined;
  behind: readonly PlacedTurn[] | undefined;
  measure: Ref<HTMLDivElement>;
}

const Row = memo(function Row({ message, isSilent, index, gap, size, before, behind, measure }: RowProps) {
  return (
    <div
      className="row"
      {...(isSilent ? { role: "none" } : { role: "listitem", "aria-posinset": index + 1, "aria-setsize": size })}
      data-index={index}
      data-gap={gap}
      ref={measure}
    >
      <TurnNotes turns={before} />
      {!isSilent && <Item message={message} />}
      <TurnNotes turns={behind} />
    </div>
  );
});

/** Whether a message is an answer that ended without a word, or says a review over again: Codex gives a review as its own item, too. */
function saysNothing({ sourceItemType, turnId, status, text, payloadJson }: CodexUIMessage, before: CodexUIMessage | undefined): boolean {
  if (sourceItemType !== "agentMessage") return false;
  if (text === "") return status !== "streaming" && listOf(readItem(payloadJson)["questions"]).length === 0;
  return before?.sourceItemType === "exitedReviewMode" && before.turnId === turnId && before.text === text;
}

/** More room before a turn, less between two things that Codex did. */
type Gap = "turn" | "tool";

function gapBefore({ turnId, role }: CodexUIMessage, before: CodexUIMessage | undefined): Gap | undefined {
  if (before === undefined) return undefined;
  if (before.turnId !== turnId) return "turn";
  return role === "tool" && before.role === "tool" ? "tool" : undefined;
}

function inOrder(indexes: readonly number[]): number[] {
  return [...new Set(indexes)].sort((one, other) => one - other);
}
