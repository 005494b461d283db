import { codexMessageKey } from "./key.js";
import { joinRun } from "../protocol/text-run.js";
import type {
  CodexStreamCursor,
  CodexStreamsResult,
  CodexStreamText,
  CodexStreamWindow,
  CodexTextChannel,
} from "./types.js";

/** Where every stream starts. A cursor of 0 is a value, not the lack of one. */
const STREAM_START = 0;

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

interface FollowedStream {
  readonly cursor: number;
  /** Where the reading began anew after text was lost; {@link STREAM_START} while none was. */
  readonly since: number;
  readonly live: ReadonlyMap<string, CodexLiveMessage>;
}

type News = Partial<Omit<Extract<CodexStreamsResult, { kind: "deltas" }>, "kind">>;

/** The folded live text of a thread's streams, and how far each was read. Immutable. */
export interface CodexOverlay {
  readonly streams: ReadonlyMap<string, FollowedStream>;
  /** The cursors to ask with next. */
  readonly cursors: readonly CodexStreamCursor[];
}

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
  return answer === undefined || answer === null ? overlay : foldNews(overlay, asked, answer);
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

/** Folds what an answer has; a host of another version may lack any of it. */
function foldNews(
  overlay: CodexOverlay,
  asked: readonly CodexStreamCursor[],
  { streams: listed = [], streamWindows = [], nextCheckpoints = [], texts = [] }: News,
): CodexOverlay {
  const states = new Map(listed.map((info) => [info.streamId, info.state]));
  const askedAt = cursorsById(asked);
  const windows = new Map(streamWindows.map((window) => [window.streamId, window]));
  const checkpoints = cursorsById(nextCheckpoints);
  const runs = runsByStream(texts);

  const streams = new Map<string, FollowedStream>();
  let changed = false;
  for (const [streamId, stream] of overlay.streams) {
    const window = windows.get(streamId);
    const isCurrent = window !== undefined && askedAt.get(streamId) === stream.cursor;
    const next = isCurrent
      ? foldStream(stream, window, checkpoints.get(streamId), runs.get(streamId) ?? [])
      : stream;
    const isEnded = states.get(streamId) !== "streaming";
    const isReadToTheEnd = isCurrent && next.cursor === stream.cursor;
    if (isEnded && isReadToTheEnd) {
      changed = true;
      continue;
    }
    changed ||= next !== stream;
    streams.set(streamId, next);
  }
  for (const [streamId, state] of states) {
    if (state === "streaming" && !streams.has(streamId)) {
      streams.set(streamId, { cursor: STREAM_START, since: STREAM_START, live: new Map() });
      changed = true;
    }
  }
  if (!changed) return overlay;
  const cursors = Array.from(streams, ([streamId, { cursor }]) => ({ streamId, cursor }));
  return { streams, cursors };
}

function foldStream(
  stream: FollowedStream,
  window: CodexStreamWindow,
  checkpoint: number | undefined,
  runs: readonly CodexStreamText[],
): FollowedStream {
  const end = checkpoint ?? window.serverCursorEnd;
  switch (window.status) {
    case "stale":
      if (end === stream.cursor && end === stream.since && stream.live.size === 0) return stream;
      return { cursor: end, since: end, live: new Map() };
    case "rebased": {
      const since = window.serverCursorStart;
      return { cursor: end, since, live: addRuns(new Map(), runs, since, since) };
    }
    default: {
      const live = addRuns(stream.live, runs, stream.cursor, stream.since);
      const cursor = Math.max(stream.cursor, end);
      return cursor === stream.cursor && live === stream.live
        ? stream
        : { ...stream, cursor, live };
    }
  }
}

/** Adds the runs that reach beyond `floor`; a message that is new gets `since`. */
function addRuns(
  live: ReadonlyMap<string, CodexLiveMessage>,
  runs: readonly CodexStreamText[],
  floor: number,
  since: number,
): ReadonlyMap<string, CodexLiveMessage> {
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

function cursorsById(cursors: readonly CodexStreamCursor[]): Map<string, number> {
  return new Map(cursors.map(({ streamId, cursor }) => [streamId, cursor]));
}

function runsByStream(texts: readonly CodexStreamText[]): Map<string, CodexStreamText[]> {
  const runs = new Map<string, CodexStreamText[]>();
  for (const run of texts) {
    const ofStream = runs.get(run.streamId);
    if (ofStream === undefined) runs.set(run.streamId, [run]);
    else ofStream.push(run);
  }
  return runs;
}
