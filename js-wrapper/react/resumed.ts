import type { CodexResumedDelta, CodexResumedStream, CodexResumedText } from "./types.js";

/** What was read of one turn's stream. Immutable. */
export interface Resumed {
  readonly deltas: CodexResumedDelta[];
  readonly texts: CodexResumedText[];
  readonly cursor: number;
}

/** Nothing was read yet. */
export function resumeAt(cursor: number): Resumed {
  return { deltas: [], texts: [], cursor };
}

/** The same place, with nothing kept of what was read. */
export function withoutRead(resumed: Resumed): Resumed {
  return resumed.deltas.length === 0 && resumed.texts.length === 0 ? resumed : resumeAt(resumed.cursor);
}

/**
 * Folds one answer. Pure: folding the same answer again changes nothing, and an answer to a cursor that was left behind is ignored.
 *
 * @param resumed What was read before.
 * @param asked The cursor that the answer was asked with.
 * @param answer The host's answer.
 * @param max How many of the newest events to keep, and of runs of text.
 * @returns What was read then; the same object when the answer holds nothing new.
 */
export function foldResumed(resumed: Resumed, asked: number, answer: CodexResumedStream, max: number): Resumed {
  if (asked !== resumed.cursor) return resumed;
  const { streamWindow, nextCursor } = answer;
  if (nextCursor === resumed.cursor) return resumed;
  const isContinued = streamWindow.status === "ok";
  const deltas = newest(isContinued ? resumed.deltas : [], answer.deltas, max);
  const texts = newest(isContinued ? resumed.texts : [], answer.texts ?? [], max);
  return { deltas, texts, cursor: nextCursor };
}

function newest<Row>(before: Row[], added: readonly Row[], max: number): Row[] {
  if (added.length === 0 && before.length <= max) return before;
  const all = [...before, ...added];
  return all.slice(Math.max(0, all.length - max));
}
