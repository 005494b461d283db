import type { AlignType, TableRow } from "mdast";
import { parseBlock, textOf } from "./parse.js";

/** What a block of rows may have before it, in UTF-16 units: a longer header is repeated with its cells cut short. */
export const HEAD_UNITS_MAX = 2_048;

/** Under a header: dashes, with a bar at least. */
const DELIMITER = /^ {0,3}(?=[^|]*\|)[-|:][-|: \t]*\r?$/;
/** What is no row, though no line is left out before it: headings, rules, quotes, items, tags, code, notes. A tag that may be text is taken for one. */
const NO_ROW =
  /^(?: {4}| {0,3}\t| {0,3}(?:#{1,6}(?:\s|$)|>|(?:[-+*]|\d{1,9}[.)])(?:\s|$)|<[a-z/!?]|`{3}|~{3}|\[\^|([-*_])[ \t]*(?:\1[ \t]*){2,}\r?$)|\s*$)/i;
/** A bar, but for one that is escaped. */
const BARS = /\\[\\|]|(\|)/g;
/** What begins something in a cell, and would not end where the cell is cut. */
const MARKS = /[\\`*_~[\]<>!|&$]/g;

/** An empty cell. */
const LEAD = "| ";

const DELIMITERS = { left: ":-", right: "-:", center: ":-:" };

/** Whether a line can be what stands under a table's header. */
export function isDelimiter(line: string): boolean {
  return DELIMITER.test(line);
}

/**
 * What the rows after a cut have before them where they are parsed, so that they are rows of the same columns.
 *
 * @param piece of a text, up to the cut
 * @param head what `piece` itself has before it
 * @returns a header, its delimiters, and of a row that is cut the cells that are before the cut; undefined where the cut is in no
 *   table, in one that stands in a list or a quote, or in one of more columns than can be repeated
 */
export function headAfter(piece: string, head = ""): string | undefined {
  const text = head + piece;
  const end = headEnd(text);
  if (end === undefined) return undefined;
  // What stands before it may make it another thing: that is for the parser to say.
  const { root, source } = parseBlock(text.slice(0, end), false);
  const table = root.children.at(-1);
  const header = table?.type === "table" ? table.children[0] : undefined;
  if (table?.type !== "table" || header === undefined) return undefined;

  const align = table.align ?? [];
  const below = `|${align.map((side) => delimiterOf(side)).join("|")}|`;
  const room = HEAD_UNITS_MAX - below.length - 2 - LEAD.length * align.length;
  const { start: from, end: to } = header.position ?? {};
  const written = source.slice(from?.offset, to?.offset);
  const above = written.length <= room ? written : cutShort(header, room);
  if (above === undefined) return undefined;
  return `${above}\n${below}\n${LEAD.repeat(Math.min(align.length, cellsBeforeCut(text)))}`;
}

/** Where the delimiters of the table end that goes on at the text's end. */
function headEnd(text: string): number | undefined {
  const lines = text.replace(/\n$/, "").split("\n");
  let found: number | undefined;
  let at = 0;
  for (const [i, line] of lines.entries()) {
    at += line.length + 1;
    if (found === undefined) {
      if (i > 0 && isDelimiter(line)) found = at;
    } else if (NO_ROW.test(line)) found = undefined;
  }
  return found;
}

function delimiterOf(side: AlignType | undefined): string {
  return side ? DELIMITERS[side] : "-";
}

/** The header, with as much of each cell as there is room for. */
function cutShort({ children: cells }: TableRow, room: number): string | undefined {
  const share = Math.floor((room - 1) / cells.length) - 2;
  if (share < 1) return undefined;
  const short = cells.map((cell) => {
    const text = textOf(cell).replaceAll(MARKS, " ");
    return text.length <= share ? text : `${text.slice(0, share - 1).replace(/[\ud800-\udbff]$/, "")}…`;
  });
  return `| ${short.join("| ")}|`;
}

/** How many cells a row has that is cut, with the one that the cut falls into. */
function cellsBeforeCut(text: string): number {
  const row = text.slice(text.lastIndexOf("\n") + 1);
  if (row === "") return 0;
  const bars = Array.from(row.matchAll(BARS)).filter(([, bar]) => bar !== undefined).length;
  return row.trimStart().startsWith("|") ? bars : bars + 1;
}
