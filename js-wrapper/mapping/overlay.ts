import { codexMessageKey } from "./key.js";
import { LayeredMap } from "./layered-map.js";
import { joinRun } from "../protocol/text-run.js";
import { followingOf, followStreams, fromStart, STREAM_START, type FollowedStream, type Folding, type Following } from "./follow.js";
import type { CodexStreamCursor, CodexStreamsResult, CodexStreamText, CodexTailedText, CodexTextChannel } from "./types.js";

/** The live text of one channel of a message. */
export interface CodexLiveText {
  readonly text: string;
  /** A high half of a surrogate pair behind the text, whose other half the next run may hold. */
  readonly pendingHigh: number | undefined;
  /** The text is whole only for a message that begins at this cursor or later. */
  readonly since: number;
  /** Where what was read of the stream begins; behind the text of the row that it goes on with. */
  readonly from: number;
  /** Everything below was read. */
  readonly end: number;
  /** The same object for as long as the text has only grown. */
  readonly origin: object;
}

/** What is live of one message. */
export type CodexLiveMessage = { readonly [channel in CodexTextChannel]?: CodexLiveText };

/** By key. A text is kept until its stream is followed no more: whether its message has ended, only rows tell. */
type LiveMessages = LayeredMap<string, CodexLiveMessage>;

/** The folded live text of a thread's streams, and how far each was read. Immutable. */
export type CodexOverlay = Following<LiveMessages>;

const NO_LIVE: LiveMessages = new LayeredMap();
const FOLDING: Folding<LiveMessages> = {
  none: NO_LIVE,
  add: (live, { texts }, floor, since) => addRuns(live, texts, floor, since),
};

/** A row whose text goes on in a stream. */
type TailedRow = CodexTailedText & { readonly tail: NonNullable<CodexTailedText["tail"]> };

/** The overlay of a reader that has read nothing. */
export const EMPTY_OVERLAY: CodexOverlay = { streams: new Map(), cursors: [] };

/**
 * Folds one answer into the overlay. Pure: folding the same answer again changes nothing, and an
 * answer to cursors that the overlay has left behind is ignored.
 *
 * @param overlay What was folded before.
 * @param asked The cursors that the answer was asked with.
 * @param answer The `streams` of the host's answer.
 * @param rows The loaded rows, where they were asked for with `kind: "followed"`: a text goes on where its row's `tail` says.
 * @returns The next overlay; the same object when the answer holds nothing new, and no row wants more.
 */
export function foldOverlay(
  overlay: CodexOverlay,
  asked: readonly CodexStreamCursor[],
  answer: CodexStreamsResult | null,
  rows: readonly CodexTailedText[] = [],
): CodexOverlay {
  const tails = tailsByStream(rows);
  const begin = (streamId: string, stream: FollowedStream<LiveMessages>) => readTails(stream, tails.get(streamId) ?? []);
  return followStreams(overlay, asked, answer, tails.size === 0 ? FOLDING : { ...FOLDING, begin });
}

/**
 * Begins to follow where the texts of rows go on.
 *
 * @param rows The loaded rows, asked for with `kind: "followed"`.
 * @returns The overlay of a reader that has read nothing but them.
 */
export function overlayOf(rows: readonly CodexTailedText[]): CodexOverlay {
  const tails = tailsByStream(rows);
  if (tails.size === 0) return EMPTY_OVERLAY;
  return followingOf(new Map(Array.from(tails, ([streamId, ofStream]) => [streamId, readTails(fromStart(NO_LIVE), ofStream)])));
}

function tailsByStream(rows: readonly CodexTailedText[]): ReadonlyMap<string, readonly TailedRow[]> {
  const tails = new Map<string, TailedRow[]>();
  for (const row of rows) {
    if (!hasTail(row)) continue;
    const ofStream = tails.get(row.tail.streamId) ?? [];
    tails.set(row.tail.streamId, [...ofStream, row]);
  }
  return tails;
}

function hasTail(row: CodexTailedText): row is TailedRow {
  return row.tail !== undefined && row.status === "streaming";
}

/** Whether the row's text is all that comes before its tail. */
function isJoinable({ textTruncated }: TailedRow): boolean {
  return textTruncated !== true;
}

/** The stream, read from where the texts go on that it has not whole, each with what its row has. What it has stays. */
function readTails(stream: FollowedStream<LiveMessages>, tails: readonly TailedRow[]): FollowedStream<LiveMessages> {
  const isUnread = stream.cursor === 0 && stream.live === NO_LIVE;
  const lacking = tails.filter((row) => isJoinable(row) && row.tail.cursor >= stream.gone && (isUnread || !isWhole(row, stream)));
  if (lacking.length === 0) return stream;
  const live = new LayeredMap(stream.live);
  for (const row of lacking) {
    const { turnId, messageId, orderInTurn, text, tail } = row;
    const seeded = { text, pendingHigh: tail.high, since: orderInTurn, from: tail.cursor, end: tail.cursor, origin: {} };
    live.set(codexMessageKey(turnId, messageId), { text: seeded });
    joined.set(row, seeded.origin);
  }
  // A text that its row cuts off is whole only where all of it is read.
  const isCut = isUnread && !tails.every(isJoinable);
  const first = isCut ? STREAM_START : Math.min(...lacking.map(({ tail }) => tail.cursor));
  const cursor = isUnread ? first : Math.min(stream.cursor, first);
  return { ...stream, cursor, since: isUnread ? first : Math.min(stream.since, first), live };
}

/** Rows with the text that was found to go on with them: to compare them again at every piece would cost their whole length. */
const joined = new WeakMap<TailedRow, object>();

/** Whether what was read of a row's message began with it, and goes on with the row's text. */
function isWhole(row: TailedRow, { live, since }: FollowedStream<LiveMessages>): boolean {
  const message = live.get(codexMessageKey(row.turnId, row.messageId));
  if (row.orderInTurn < ((message?.text ?? message?.output)?.since ?? since)) return false;
  if (message?.text === undefined) return row.text === "";
  const { text, from, origin } = message.text;
  // A tail that begins later than what was read: that was of another use of its id.
  if (row.text === "") return row.tail.cursor <= from;
  if (joined.get(row) === origin) return true;
  const goesOn = text.startsWith(row.text);
  if (goesOn) joined.set(row, origin);
  return goesOn;
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
  const next = new LayeredMap(live);
  for (const run of fresh) {
    const key = codexMessageKey(run.turnId, run.messageId);
    const message = next.get(key) ?? {};
    const before = message[run.channel];
    // Read already, when another text of the stream was not.
    if (before !== undefined && run.cursorEnd <= before.end) continue;
    // A run that begins below the floor repeats text which cannot be told apart from the new one.
    const isStraddling = run.cursorStart < Math.max(floor, before?.end ?? floor);
    const continued = isStraddling ? undefined : before;
    const { text, high: pendingHigh } = joinRun(continued?.pendingHigh, run);
    const after: CodexLiveText =
      continued === undefined
        ? { text, pendingHigh, since: isStraddling ? run.cursorStart : since, from: run.cursorStart, end: run.cursorEnd, origin: {} }
        : { ...continued, text: continued.text + text, pendingHigh, end: run.cursorEnd };
    next.set(key, { ...message, [run.channel]: after });
  }
  return next;
}
