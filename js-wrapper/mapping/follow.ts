/** How a reader follows a thread's streams: where it asks from next, and what an answer's windows say of its place. */
import type { CodexStreamDeltaLike } from "./deltas.js";
import type { CodexStreamCursor, CodexStreamHole, CodexStreamInfo, CodexStreamsResult, CodexStreamText, CodexStreamWindow } from "./types.js";

/** Where every stream starts. A cursor of 0 is a value, not the lack of one. */
export const STREAM_START = 0;

/** A stream that is followed, and what was read of it. */
export interface FollowedStream<Live> {
  readonly cursor: number;
  /** Where the reading began, or began anew after something was lost. */
  readonly since: number;
  /** What lies below cannot be read any more. */
  readonly gone: number;
  /** What was missing behind `since` at the last answer. */
  readonly holes: readonly CodexStreamHole[];
  readonly live: Live;
  /** The stream once more, where something that was missing came: read anew beside what is shown, until it is as far. */
  readonly again?: FollowedStream<Live> | undefined;
}

/** The streams of a thread that are followed. Immutable. */
export interface Following<Live> {
  readonly streams: ReadonlyMap<string, FollowedStream<Live>>;
  /** The cursors to ask with next. */
  readonly cursors: readonly CodexStreamCursor[];
}

/** What an answer has of one stream. */
export interface StreamNews {
  readonly texts: readonly CodexStreamText[];
  readonly deltas: readonly CodexStreamDeltaLike[];
}

/** How what is read of a stream is kept. */
export interface Folding<Live> {
  /** Nothing. */
  readonly none: Live;
  /**
   * Adds what reaches beyond `floor`: what lies below was added before. What is new begins at `since` or behind.
   *
   * @returns What is kept next; the same object when nothing was added.
   */
  readonly add: (live: Live, news: StreamNews, floor: number, since: number) => Live;
  /**
   * Where a stream is read from next: of one that is followed, and of one that is not yet.
   *
   * @returns The same object where that is where it stands.
   */
  readonly begin?: (streamId: string, stream: FollowedStream<Live>) => FollowedStream<Live>;
}

type Answer = Partial<Omit<Extract<CodexStreamsResult, { kind: "deltas" }>, "kind">>;

/** What an answer says of one stream's place. */
interface Place {
  readonly window: CodexStreamWindow;
  readonly checkpoint: number | undefined;
  readonly news: StreamNews;
}

const NO_NEWS: StreamNews = { texts: [], deltas: [] };
const NO_HOLES: readonly CodexStreamHole[] = [];

/**
 * Folds one answer into what is followed. Pure: folding the same answer again changes nothing, and an answer to cursors that the
 * reader has left behind is ignored. A host of another version may lack any part of an answer.
 *
 * @param following What is followed, and was read before.
 * @param asked The cursors that the answer was asked with.
 * @param answer The `streams` of the host's answer.
 * @param folding How what is read is kept.
 * @returns What is followed next; the same object when the answer holds nothing new. A stream that has ended and is read to its
 * end is followed no more.
 */
export function followStreams<Live>(
  following: Following<Live>,
  asked: readonly CodexStreamCursor[],
  answer: CodexStreamsResult | null,
  folding: Folding<Live>,
): Following<Live> {
  if (answer === undefined || answer === null) return following;
  const told: Answer = answer;
  const { streams: listed = [], streamWindows = [], nextCheckpoints = [], texts = [], deltas = [] } = told;
  const states = new Map(listed.map((info) => [info.streamId, info.state]));
  const askedAt = cursorsById(asked);
  const windows = new Map(streamWindows.map((window) => [window.streamId, window]));
  const checkpoints = cursorsById(nextCheckpoints);
  const news = newsByStream(texts, deltas);

  const { none } = folding;
  const begin = folding.begin ?? ((_: string, stream: FollowedStream<Live>) => stream);
  const streams = new Map<string, FollowedStream<Live>>();
  let changed = false;
  for (const [streamId, stream] of following.streams) {
    const window = windows.get(streamId);
    const isCurrent = window !== undefined && askedAt.get(streamId) === readNext(stream);
    const place = isCurrent ? { window, checkpoint: checkpoints.get(streamId), news: news.get(streamId) ?? NO_NEWS } : undefined;
    const next = place === undefined ? stream : readOn(stream, place, folding, () => begin(streamId, fromStart(none)));
    const isEnded = states.get(streamId) !== "streaming";
    const isReadToTheEnd = isCurrent && readNext(next) === readNext(stream);
    if (isEnded && isReadToTheEnd) {
      changed = true;
      continue;
    }
    const begun = begin(streamId, next);
    changed ||= begun !== stream;
    streams.set(streamId, begun);
  }
  for (const [streamId, state] of states) {
    if (state === "streaming" && !streams.has(streamId)) {
      streams.set(streamId, begin(streamId, fromStart(none)));
      changed = true;
    }
  }
  return changed ? followingOf(inOrder(streams, listed)) : following;
}

/** Those that stream in the order of their turns, behind those that have ended. @param listed as the host lists them: the newest first */
function inOrder<Live>(streams: ReadonlyMap<string, FollowedStream<Live>>, listed: readonly CodexStreamInfo[]): ReadonlyMap<string, FollowedStream<Live>> {
  if (streams.size < 2) return streams;
  const places = new Map(listed.flatMap(({ streamId, state }, at) => (state === "streaming" ? [[streamId, listed.length - at] as const] : [])));
  const placeOf = ([streamId]: readonly [string, unknown]) => places.get(streamId) ?? 0;
  return new Map([...streams].sort((a, b) => placeOf(a) - placeOf(b)));
}

/** A stream of which nothing was read. */
export function fromStart<Live>(none: Live): FollowedStream<Live> {
  return { cursor: STREAM_START, since: STREAM_START, gone: STREAM_START, holes: NO_HOLES, live: none };
}

/** What is followed, with the cursors to ask with. */
export function followingOf<Live>(streams: ReadonlyMap<string, FollowedStream<Live>>): Following<Live> {
  return { streams, cursors: Array.from(streams, ([streamId, stream]) => ({ streamId, cursor: readNext(stream) })) };
}

/** The cursor to ask with next. */
function readNext({ cursor, again }: FollowedStream<unknown>): number {
  return again?.cursor ?? cursor;
}

/** The stream with what the answer has of it. Where that tells that a hole was filled, it begins once more: what it shows stays until then. */
function readOn<Live>(
  stream: FollowedStream<Live>,
  place: Place,
  folding: Folding<Live>,
  beginAgain: () => FollowedStream<Live>,
): FollowedStream<Live> {
  if (stream.again !== undefined) {
    const again = foldStream(stream.again, place, folding);
    if (again === stream.again) return stream;
    return again.cursor >= stream.cursor ? again : { ...stream, again };
  }
  const next = foldStream(stream, place, folding);
  const isLost = next.since !== stream.since;
  return isLost || isStillMissing(stream.holes, place.window) ? next : { ...next, again: beginAgain() };
}

function isStillMissing(holes: readonly CodexStreamHole[], { holes: missing = NO_HOLES }: CodexStreamWindow): boolean {
  return holes.every((hole) => missing.some((other) => isSameHole(hole, other)));
}

function isSameHole(a: CodexStreamHole, b: CodexStreamHole): boolean {
  return a.cursorStart === b.cursorStart && a.cursorEnd === b.cursorEnd;
}

function foldStream<Live>(stream: FollowedStream<Live>, { window, checkpoint, news }: Place, { none, add }: Folding<Live>): FollowedStream<Live> {
  const end = checkpoint ?? window.serverCursorEnd;
  switch (isOverHole(stream, window) ? "ok" : window.status) {
    case "stale":
      if (end === stream.cursor && end === stream.since && stream.live === none) return stream;
      return { cursor: end, since: end, gone: end, holes: NO_HOLES, live: none };
    case "rebased": {
      const since = window.serverCursorStart;
      return { cursor: end, since, gone: since, holes: holesBehind(since, window, NO_HOLES), live: add(none, news, since, since) };
    }
    default: {
      const live = add(stream.live, news, stream.cursor, stream.since);
      const cursor = Math.max(stream.cursor, end);
      const holes = holesBehind(stream.since, window, stream.holes);
      return cursor === stream.cursor && live === stream.live && holes === stream.holes ? stream : { ...stream, cursor, holes, live };
    }
  }
}

/** Whether the reader's place lies in a hole: a window that begins behind it has lost nothing that was there. */
function isOverHole({ cursor }: FollowedStream<unknown>, { status, serverCursorStart, holes = NO_HOLES }: CodexStreamWindow): boolean {
  return status === "rebased" && holes.some((hole) => hole.cursorStart <= cursor && hole.cursorEnd >= serverCursorStart);
}

/** What the window says to be missing behind `since`; as before where that is the same. */
function holesBehind(since: number, { holes = NO_HOLES }: CodexStreamWindow, before: readonly CodexStreamHole[]): readonly CodexStreamHole[] {
  const behind = holes.filter(({ cursorEnd }) => cursorEnd > since);
  const isSame = behind.length === before.length && behind.every((hole, at) => isSameHole(hole, before[at] ?? hole));
  return isSame ? before : behind;
}

function cursorsById(cursors: readonly CodexStreamCursor[]): Map<string, number> {
  return new Map(cursors.map(({ streamId, cursor }) => [streamId, cursor]));
}

function newsByStream(
  texts: readonly CodexStreamText[],
  deltas: readonly CodexStreamDeltaLike[],
): Map<string, { texts: CodexStreamText[]; deltas: CodexStreamDeltaLike[] }> {
  const news = new Map<string, { texts: CodexStreamText[]; deltas: CodexStreamDeltaLike[] }>();
  const ofStream = (streamId: string) => {
    const known = news.get(streamId) ?? { texts: [], deltas: [] };
    news.set(streamId, known);
    return known;
  };
  for (const run of texts) ofStream(run.streamId).texts.push(run);
  for (const delta of deltas) ofStream(delta.streamId).deltas.push(delta);
  return news;
}
