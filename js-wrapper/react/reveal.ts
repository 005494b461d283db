/** How far a text is revealed, and how fast that goes on. Lengths are UTF-16 units. */

/** How fast a text is revealed. */
export interface RevealPace {
  /** In how many milliseconds what waits is to be shown. */
  readonly drainMs: number;
  /** How many milliseconds a character takes at most, however little waits. */
  readonly maxCharIntervalMs: number;
  /** How many characters one frame shows at most. */
  readonly maxCharsPerFrame: number;
}

/** Where the revealing is. */
export interface Reveal {
  /** How much of the text is shown: it ends between two characters as people count them. */
  readonly length: number;
  /** A character begins here, whatever comes: the last one of the text, which may go on, or the next that is shown. */
  readonly from: number;
  /** Up to when time has been spent, in milliseconds of the frames' clock. */
  readonly atMs: number;
}

/** Units beyond where a step may end that are looked at for the end of a character. */
const LOOKAHEAD = 32;

/**
 * Reveals what is due at `nowMs`: whole characters (grapheme clusters), at least one where any is due. It looks at what it adds,
 * never at the whole text.
 *
 * @param text The whole text; what is shown of it is a prefix.
 * @param reveal Where the revealing is.
 * @param nowMs The frame's time.
 * @param pace How fast it goes.
 * @returns Where it is then; the same object where nothing is due.
 */
export function advanceReveal(text: string, reveal: Reveal, nowMs: number, pace: RevealPace): Reveal {
  const waiting = text.length - reveal.length;
  if (waiting <= 0) return reveal;
  const msPerChar = Math.min(pace.maxCharIntervalMs, pace.drainMs / waiting);
  const due = Math.floor((nowMs - reveal.atMs) / msPerChar);
  if (due < 1) return reveal;
  const count = Math.min(due, waiting, pace.maxCharsPerFrame);
  const { length, from } = cutAt(text, reveal, reveal.length + count);
  // Time that a bound left unused is spent too, or the next frame would burst past the bound.
  return { length, from, atMs: reveal.atMs + due * msPerChar };
}

/** The last end of a character in what is new up to `target`; where there is none, the first behind. */
function cutAt(text: string, { length, from }: Reveal, target: number): Pick<Reveal, "length" | "from"> {
  if (target >= text.length) return { length: text.length, from: lastCharacterStart(text, from) };
  for (let ahead = LOOKAHEAD; ; ahead *= 2) {
    const end = Math.min(text.length, target + ahead);
    const starts = startsWithin(text, from, end);
    // The last start may be of a character that goes on behind `end`.
    const ends = end === text.length ? [...starts, end] : starts;
    const first = ends.findIndex((at) => at > length);
    if (first >= 0) {
      const behind = ends.findIndex((at) => at > target);
      const last = behind < 0 ? ends.length - 1 : behind - 1;
      const cut = ends[Math.max(first, last)] ?? text.length;
      return { length: cut, from: cut };
    }
  }
}

/** Where the last character of a text begins, of which one begins at `from`. */
function lastCharacterStart(text: string, from: number): number {
  return startsWithin(text, Math.min(from, text.length), text.length).at(-1) ?? text.length;
}

const segmenter = typeof Intl === "object" && "Segmenter" in Intl ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : undefined;

/** Where characters begin in `[from, to)`, of which one begins at `from`. */
function startsWithin(text: string, from: number, to: number): number[] {
  const part = text.slice(from, to);
  if (segmenter !== undefined) return Array.from(segmenter.segment(part), ({ index }) => from + index);
  // Without a segmenter no half of a pair is shown alone, and no mark without its letter.
  return Array.from(part.matchAll(/\P{M}\p{M}*|\p{M}+/gsu), ({ index }) => from + index);
}

/** The reveal of a text that is shown whole; its time is to be set when more comes. */
export function revealWhole(text: string): Reveal {
  return { length: text.length, from: wholeStart(text), atMs: 0 };
}

/** Units of a text's end that are looked at for its last character. */
const TAIL = 64;

function wholeStart(text: string): number {
  let from = Math.max(0, text.length - TAIL);
  const isLow = (text.charCodeAt(from) & 0xfc00) === 0xdc00;
  if (from > 0 && isLow) from -= 1;
  return lastCharacterStart(text, from);
}
