// A long text is shown by pages: what is drawn does not grow with it.

/** A page's lines. */
export const PAGE_LINES_MAX = 400;
/** A page's length, in UTF-16 units: a line that is longer goes over several pages. */
export const PAGE_UNITS_MAX = 32_768;

/** A part of a text: `[from, to)`. */
export interface Range {
  from: number;
  to: number;
}

/**
 * Finds the pages of a text. They follow each other without a gap, so that joined they are the text.
 *
 * @param text of any length: it is looked through once
 * @returns one page at least
 */
export function pagesOf(text: string): Range[] {
  const pages: Range[] = [];
  let from = 0;
  while (from < text.length) {
    const to = pageEnd(text, from);
    pages.push({ from, to });
    from = to;
  }
  return pages.length === 0 ? [{ from: 0, to: 0 }] : pages;
}

function pageEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + PAGE_UNITS_MAX);
  let end = from;
  for (let lines = 0; lines < PAGE_LINES_MAX && end < text.length; lines += 1) {
    // Only so far is it looked for: a line without end would be searched once for every page of it.
    const newline = text.slice(end, limit).indexOf("\n");
    if (newline === -1) {
      if (limit === text.length) return limit;
      return end > from ? end : wholeCharacterEnd(text, limit);
    }
    end += newline + 1;
  }
  return end;
}

/** The longest that a control sequence of a terminal is expected to be, in UTF-16 units. */
const SEQUENCE_UNITS_MAX = 32;

/** Neither a pair of surrogates nor a control sequence is torn. */
function wholeCharacterEnd(text: string, end: number): number {
  const escape = text.lastIndexOf("\u001b", end - 1);
  if (escape !== -1 && escape > end - SEQUENCE_UNITS_MAX) return escape;
  const unit = text.charCodeAt(end);
  return unit >= 0xdc00 && unit <= 0xdfff ? end - 1 : end;
}

/**
 * The end of a text, without looking at more of it than is shown.
 *
 * @param text of any length
 * @param linesMax lines that are shown
 * @param unitsMax UTF-16 units that are shown
 * @returns where it begins; 0 where all of it is shown
 */
export function tailStart(text: string, linesMax: number, unitsMax: number): number {
  const floor = Math.max(0, text.length - unitsMax);
  const tail = text.slice(floor);
  let start = tail.endsWith("\n") ? tail.length - 1 : tail.length;
  for (let lines = 0; lines < linesMax; lines += 1) {
    const newline = start === 0 ? -1 : tail.lastIndexOf("\n", start - 1);
    if (newline === -1) {
      if (floor === 0) return 0;
      return lines === 0 ? wholeCharacterEnd(text, floor) : floor + start + 1;
    }
    start = newline;
  }
  return floor + start + 1;
}

/** How many lines a text has; a line feed at its end begins none. */
export function countLines(text: string): number {
  let lines = text === "" || text.endsWith("\n") ? 0 : 1;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}
