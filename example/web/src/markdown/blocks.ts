// An answer is written from front to back. It is cut into blocks that stand by themselves, so that what a delta costs is
// the block that it falls into, however long the answer is by then.

import { headAfter, isDelimiter } from "./table-head.js";

/** A longer block is cut at a line, and a longer line at a space: parsing never sees more, in UTF-16 units. */
export const BLOCK_UNITS_MAX = 8_192;
/** A list or a table is cut before it is drawn as more elements, about: fewer than are drawn of one block. */
export const BLOCK_ELEMENTS_MAX = 500;
/** Blocks that are kept together once they are so many, and drawn again together or not at all. */
export const GROUP_SIZE = 32;
/** Once they are drawn as so many elements, about, they are full before. */
export const GROUP_ELEMENTS_MAX = 1_500;
/** What follows an empty line is known by its first characters: enough of them to tell a list's item from a rule. */
const TELLING_UNITS = 12;

/** Markdown to parse, or code that is shown as it is. Each is one object for its life. */
export interface Block {
  /** Where it begins in the text: its key. */
  at: number;
  text: string;
  /** Of code that stands between fences. */
  code?: Code;
  /** Of rows whose table began in an earlier block: what they are parsed after. */
  head?: string;
  /** Of Markdown that is complete: about how many elements it is drawn as. */
  elements?: number;
}

/** A long fence comes in several blocks. */
export interface Code {
  language: string;
  isFirst: boolean;
  isLast: boolean;
}

/** A text, cut. All but `open` are final for as long as the text only grows. */
export interface Blocks {
  text: string;
  /** Each of {@link GROUP_SIZE} blocks, or of fewer with very many elements. */
  groups: readonly (readonly Block[])[];
  /** No whole group. */
  closed: readonly Block[];
  open: Block | undefined;
  /** The fence that `open` lies in. */
  fence: Fence | undefined;
}

interface Fence {
  mark: string;
  length: number;
  language: string;
  isFirst: boolean;
}

/** Nothing, to begin with. */
export const NO_BLOCKS: Blocks = {
  text: "",
  groups: [],
  closed: [],
  open: undefined,
  fence: undefined,
};

const LIST_ITEM = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
/** Of these, what is one also right behind a paragraph's line: no other number, and no dash that underlines a heading. */
const LIST_BEGINS = /^ {0,3}(?:[-*+]|1[.)])[ \t]+\S/;
/** What elements are made of in a line: cells, code, bold words, links. */
const MARKS = /\||`|\*\*|\]\(|:\/\//g;
/** The elements of one, where it is not one. */
const MARKED: Readonly<Record<string, number>> = { "](": 4, "://": 4 };
const FENCE_OPENS = /^ {0,3}(?:(`{3,})([^`]*)|(~{3,})([^\n]*))$/;

/**
 * Cuts a text that has grown, going on from where it was cut before.
 *
 * ```ts
 * let blocks = NO_BLOCKS;
 * for (const text of ["One", "One.\n\nTwo", "One.\n\nTwo."]) blocks = growBlocks(blocks, text);
 * ```
 *
 * @param before the blocks of an earlier state; those of a text that is no beginning of this one count for nothing
 * @param text all of the text
 * @returns its blocks: the same objects where they have not changed
 */
export function growBlocks(before: Blocks, text: string): Blocks {
  if (text === before.text) return before;
  // Compared as a whole: `startsWith` goes through it by the character.
  const isGrown = text.slice(0, before.text.length) === before.text;
  const base = isGrown ? before : NO_BLOCKS;
  const made: Block[] = [];
  const rest = cutFrom(text, base, made);
  if (made.length === 0) return { ...base, text, ...rest };
  const { full, left } = grouped([...base.closed, ...made]);
  return {
    text,
    groups: full.length === 0 ? base.groups : [...base.groups, ...full],
    closed: left,
    ...rest,
  };
}

function grouped(blocks: readonly Block[]) {
  const full: Block[][] = [];
  let left: Block[] = [];
  let elements = 0;
  for (const block of blocks) {
    left.push(block);
    elements += block.elements ?? 0;
    if (left.length < GROUP_SIZE && elements < GROUP_ELEMENTS_MAX) continue;
    full.push(left);
    left = [];
    elements = 0;
  }
  return { full, left };
}

/** Closes the blocks that can be, into `made`; answers with what stays open. */
function cutFrom(text: string, base: Blocks, made: Block[]) {
  let start = base.open?.at ?? base.text.length;
  let { fence } = base;
  let head = base.open?.head;
  let line = start;
  let hasList = false;
  /** Where the list's last item begins. */
  let item = start;
  let hasTable = head !== undefined;
  let elements = elementsOf(head ?? "");
  const close = (end: number, next: number, code?: Code) => {
    const piece = text.slice(start, end);
    if (code !== undefined) made.push({ at: start, text: piece, code });
    else if (piece.trim() !== "") made.push({ ...blockOf(start, piece, head), elements });
    start = next;
    line = next;
    hasList = false;
    item = next;
    head = undefined;
    hasTable = false;
    elements = 0;
  };
  /** Where no block ends by itself: where least is lost by it, and a table goes on with its header. */
  const cutAt = (place: number) => {
    const next = headAfter(text.slice(start, place), head);
    let cut = place;
    if (next === undefined && item > start) cut = item;
    else if (next === undefined && line > start) cut = headerBefore(text, start, line);
    close(cut, cut);
    head = next;
    hasTable = next !== undefined;
    elements = elementsOf(next ?? "");
  };
  while (line < text.length) {
    const newline = text.indexOf("\n", line);
    const isWhole = newline !== -1;
    const end = isWhole ? newline : text.length;
    const room = BLOCK_UNITS_MAX - (head?.length ?? 0);
    if (end - start > room) {
      const place = line > start ? line : wordEnd(text, start, room);
      if (fence === undefined) cutAt(place);
      else {
        close(place, place, codeOf(fence, false));
        fence = { ...fence, isFirst: false };
      }
      continue;
    }
    // What is not whole may still become another thing.
    if (!isWhole) break;
    const content = text.slice(line, end);
    if (fence !== undefined) {
      if (closes(content, fence)) {
        close(Math.max(start, line - 1), end + 1, codeOf(fence, true));
        fence = undefined;
      } else line = end + 1;
      continue;
    }
    const opening = hasList && content.startsWith(" ") ? undefined : fenceOf(content);
    if (opening !== undefined) {
      close(line, end + 1);
      fence = opening;
    } else if (content.trim() === "" && isApart(text, end + 1, hasList)) close(line, end + 1);
    else {
      if (LIST_ITEM.test(content)) {
        const isItem = hasList || isFirstLine(text, start, line) || LIST_BEGINS.test(content);
        hasList = true;
        // What an item holds would be another thing without it: four spaces make code.
        if (isItem && !content.startsWith(" ")) item = line;
      }
      const isBelowHeader = isDelimiter(content);
      hasTable ||= isBelowHeader;
      const more = elementsOf(content);
      if (!hasTable && item > start && elements + more > BLOCK_ELEMENTS_MAX) cutAt(line);
      else {
        elements += more;
        line = end + 1;
        // The next row is as long, about; where it is written, it stays.
        if (hasTable && !isBelowHeader && elements + more > BLOCK_ELEMENTS_MAX) cutAt(line);
      }
    }
  }
  if (fence !== undefined) return { open: openCode(text, start, line, fence), fence };
  // Where rows are to come, their header is kept.
  const isOpen = start < text.length || head !== undefined;
  return { open: isOpen ? blockOf(start, text.slice(start), head) : undefined, fence };
}

function blockOf(at: number, text: string, head: string | undefined): Block {
  return head === undefined ? { at, text } : { at, text, head };
}

function openCode(text: string, start: number, lastLine: number, fence: Fence): Block {
  // The last line of a finished text has no line feed, its closing fence neither.
  const isClosed = closes(text.slice(lastLine), fence);
  const end = isClosed ? Math.max(start, lastLine - 1) : text.length;
  return { at: start, text: text.slice(start, end), code: codeOf(fence, isClosed) };
}

/** About how many elements a line is drawn as, were it a list's or a table's: itself, its cells, and what is in them. */
function elementsOf(line: string): number {
  let elements = 2;
  for (const [mark] of line.matchAll(MARKS)) elements += MARKED[mark] ?? 1;
  return elements;
}

/** Whether what comes after an empty line is known to be no part of what comes before it. */
function isApart(text: string, from: number, isList: boolean): boolean {
  const newline = text.indexOf("\n", from);
  const head = text.slice(from, from + TELLING_UNITS);
  const isKnown = newline !== -1 || head.length === TELLING_UNITS;
  if (!isList) return isKnown;
  const line = newline === -1 ? head : text.slice(from, Math.min(newline, from + TELLING_UNITS));
  return isKnown && line.trim() !== "" && !/^[ \t]/.test(line) && !LIST_ITEM.test(line);
}

function fenceOf(line: string): Fence | undefined {
  const [, ticks, ticksInfo, tildes, tildesInfo] = FENCE_OPENS.exec(line) ?? [];
  const mark = ticks ?? tildes;
  if (mark === undefined) return undefined;
  const [language = ""] = (ticksInfo ?? tildesInfo ?? "").trim().split(/\s/, 1);
  return { mark: mark.slice(0, 1), length: mark.length, language, isFirst: true };
}

function closes(line: string, { mark, length }: Fence): boolean {
  const bare = line.trim();
  return bare.length >= length && bare === mark.repeat(bare.length) && !/^ {4}|^\t/.test(line);
}

function codeOf({ language, isFirst }: Fence, isLast: boolean): Code {
  return { language, isFirst, isLast };
}

/** Whether no paragraph goes on in the line. */
function isFirstLine(text: string, start: number, line: number): boolean {
  return line === start || text.slice(text.lastIndexOf("\n", line - 2) + 1, line).trim() === "";
}

/** Before the last line where that may be a header, which is none without the line after it. */
function headerBefore(text: string, start: number, line: number): number {
  const last = text.lastIndexOf("\n", line - 2) + 1;
  return last > start && text.slice(last, line).includes("|") ? last : line;
}

/** The end of the last whole word that a block has room for; of a word without end, as much as there is room for. */
function wordEnd(text: string, start: number, room: number): number {
  const space = text.lastIndexOf(" ", start + room - 1) + 1;
  if (space > start + room / 2) return space;
  const end = start + room;
  return isLowSurrogate(text.charCodeAt(end)) ? end - 1 : end;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
