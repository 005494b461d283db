import { codexMessageKey } from "./key.js";
import { joinRun } from "../protocol/text-run.js";
import { followStreams, type Folding, type Following } from "./follow.js";
import type { CodexStreamCursor, CodexStreamsResult, CodexStreamText, CodexTextChannel } from "./types.js";

/** The live text of one channel of a message. */
export interface CodexLiveText {
  readonly text: string;
  /** A high half of a surrogate pair behind the text, whose other half the next run may hold. */
  readonly pendingHigh: number | undefined;
  /** The text is whole only for a message that begins at this cursor or later. */
  readonly since: number;
  /** The same object for as long as the text has only grown. */
  readonly origin: object;
}

/** What is live of one message. */
export type CodexLiveMessage = { readonly [channel in CodexTextChannel]?: CodexLiveText };

type LiveMessages = ReadonlyMap<string, CodexLiveMessage>;

/** The folded live text of a thread's streams, and how far each was read. Immutable. */
export type CodexOverlay = Following<LiveMessages>;

const NO_LIVE: LiveMessages = new Map();
const FOLDING: Folding<LiveMessages> = {
  none: NO_LIVE,
  add: (live, { texts }, floor, since) => addRuns(live, texts, floor, since),
};

/** The overlay of a reader that has read nothing. */
export const EMPTY_OVERLAY: CodexOverlay = { streams: new Map(), cursors: [] };

/**
 * Folds one answer into the overlay. Pure: folding the same answer again changes nothing, and an
 * answer to cursors that the overlay has left behind is ignored.
 *
 * @param overlay What was folded before.
 * @param asked The cursors that the answer was asked with.
 * @param answer The `streams` of the host's answer.
 * @returns The next overlay; the same object when the answer holds nothing new.
 */
export function foldOverlay(
  overlay: CodexOverlay,
  asked: readonly CodexStreamCursor[],
  answer: CodexStreamsResult | null,
): CodexOverlay {
  return followStreams(overlay, asked, answer, FOLDING);
}

/**
 * Finds what is live of a message.
 *
 * @param overlay The overlay of the message's thread.
 * @param key The message's key, of {@link codexMessageKey}.
 * @returns The live texts, or undefined where there are none.
 */
export function findLiveMessage(overlay: CodexOverlay, key: string): CodexLiveMessage | undefined {
  for (const stream of overlay.streams.values()) {
    const live = stream.live.get(key);
    if (live !== undefined) return live;
  }
  return undefined;
}

/** Adds the runs that reach beyond `floor`; a message that is new gets `since`. */
function addRuns(
  live: LiveMessages,
  runs: readonly CodexStreamText[],
  floor: number,
  since: number,
): LiveMessages {
  const fresh = runs.filter((run) => run.cursorEnd > floor);
  if (fresh.length === 0) return live;
  const next = new Map(live);
  for (const run of fresh) {
    const key = codexMessageKey(run.turnId, run.messageId);
    const message = next.get(key) ?? {};
    const before = message[run.channel];
    // A run that begins below the floor repeats text which cannot be told apart from the new one.
    const isStraddling = run.cursorStart < floor;
    const continued = isStraddling ? undefined : before;
    const { text, high: pendingHigh } = joinRun(continued?.pendingHigh, run);
    const after: CodexLiveText =
      continued === undefined
        ? { text, pendingHigh, since: isStraddling ? run.cursorStart : since, origin: {} }
        : { ...continued, text: continued.text + text, pendingHigh };
    next.set(key, { ...message, [run.channel]: after });
  }
  return next;
}
