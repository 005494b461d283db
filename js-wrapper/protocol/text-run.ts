/** How runs of one text join: halves of a surrogate pair that two runs hold become one character. */

/** A run of text. A text holds no half of a surrogate pair: those at its two ends stand beside it, as UTF-16 units. */
export interface CodexTextRun {
  text: string;
  /** An unpaired low half before the text. */
  leadingLow?: number | undefined;
  /** An unpaired high half behind it, whose other half the next run may hold. */
  pendingHigh?: number | undefined;
}

const REPLACEMENT = "\uFFFD";

/**
 * Joins a run to the text before it.
 *
 * @param high The high half that waits behind the text before; undefined where none does.
 * @param run The next run of the same text.
 * @returns What to append, and the half that waits now. One that waits when nothing more comes is U+FFFD.
 */
export function joinRun(high: number | undefined, run: CodexTextRun): { text: string; high: number | undefined } {
  const { text, leadingLow, pendingHigh } = run;
  if (text === "" && leadingLow === undefined && pendingHigh === undefined) return { text: "", high };
  return { text: between(high, leadingLow) + text, high: pendingHigh };
}

function between(high: number | undefined, low: number | undefined): string {
  if (low === undefined) return high === undefined ? "" : REPLACEMENT;
  return high === undefined ? REPLACEMENT : String.fromCharCode(high, low);
}
