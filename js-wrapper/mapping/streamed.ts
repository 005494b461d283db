/** What streams alone tell of a thread, folded as it comes: their messages, and what is thought. Each event is read once. */
import { TEXT_DELTAS } from "../protocol/delta-kinds.js";
import { outcomeOf } from "../protocol/outcome.js";
import { joinRun } from "../protocol/text-run.js";
import { ItemUses, readDeltas, type ReadDelta } from "./deltas.js";
import { followStreams, STREAM_START, type Folding, type Following, type StreamNews } from "./follow.js";
import { codexMessageKey } from "./key.js";
import { channelKey, grown, indexOf, pieceOf, type CodexReasoningOptions, type CodexReasoningOverlaySegment } from "./reasoning.js";
import { endOfTurn, isTextItem, type CodexOverlayMessage } from "./stream-messages.js";
import type { CodexMessageStatus, CodexStreamCursor, CodexStreamInfo, CodexStreamsResult, CodexStreamText } from "./types.js";

/** Streams that have ended and are still shown: what a page that is open for days keeps is bounded. */
const ENDED_STREAMS_KEPT = 20;

/** What waits behind a text when nothing more comes. */
const REPLACEMENT = "\uFFFD";

/** The streams that are followed, and those that ended while they were. Immutable. */
export interface Streamed<Live> {
  readonly following: Following<Live>;
  /** By stream, the one that ended last at the end. */
  readonly ended: ReadonlyMap<string, Live>;
  /** The cursors to ask with next. */
  readonly cursors: readonly CodexStreamCursor[];
}

/** How what is read of a stream is kept, and what its end makes of it. */
export interface StreamedFolding<Live> extends Folding<Live> {
  readonly end: (live: Live, state: CodexStreamInfo["state"]) => Live;
}

const NOTHING_STREAMED: Streamed<never> = {
  following: { streams: new Map<string, never>(), cursors: [] },
  ended: new Map<string, never>(),
  cursors: [],
};

/** A reader who has read nothing. */
export function nothingStreamed<Live>(): Streamed<Live> {
  return NOTHING_STREAMED;
}

/**
 * Folds one answer. Pure, as `followStreams` is; a stream that ended is kept as it ended, until twenty others have.
 *
 * @param streamed What was folded before.
 * @param asked The cursors that the answer was asked with.
 * @param answer The `streams` of the host's answer.
 * @param folding How what is read is kept.
 * @returns The next; the same object when the answer holds nothing new.
 */
export function foldStreamed<Live>(
  streamed: Streamed<Live>,
  asked: readonly CodexStreamCursor[],
  answer: CodexStreamsResult | null,
  folding: StreamedFolding<Live>,
): Streamed<Live> {
  const before = streamed.following;
  const following = followStreams(before, asked, answer, folding);
  if (following === before) return streamed;
  const states = new Map(answer?.streams.map((info) => [info.streamId, info.state]));
  const ended = new Map(streamed.ended);
  for (const [streamId, { live }] of before.streams) {
    const state = states.get(streamId);
    // What is listed no more was deleted or taken back: nothing of it is shown.
    if (!following.streams.has(streamId) && state !== undefined) ended.set(streamId, folding.end(live, state));
  }
  // A stream that speaks again is read anew from its beginning.
  for (const streamId of following.streams.keys()) ended.delete(streamId);
  for (const streamId of ended.keys()) if (ended.size > ENDED_STREAMS_KEPT) ended.delete(streamId);
  return { following, ended, cursors: following.cursors };
}

/** What was read of each stream: of those that ended first. */
function streamsRead<Live>({ following, ended }: Streamed<Live>): Live[] {
  return [...ended.values(), ...Array.from(following.streams.values(), ({ live }) => live)];
}

/** A message of a stream, and the half of a character that waits behind its text. */
interface StreamedMessage {
  readonly message: CodexOverlayMessage;
  readonly high: number | undefined;
}

/** The messages of a stream whose beginning was read. Immutable. */
export interface StreamedMessages {
  readonly byKey: ReadonlyMap<string, StreamedMessage>;
  readonly uses: ItemUses;
}

/** Keeps the agent's messages and plans. */
export const MESSAGES_FOLDING: StreamedFolding<StreamedMessages> = {
  none: { byKey: new Map(), uses: new ItemUses() },
  add: addMessages,
  end: (live, state) => {
    const byKey = new Map(live.byKey);
    endMessages(byKey, () => true, state === "aborted" ? "interrupted" : "completed");
    return { ...live, byKey };
  },
};

/**
 * The messages that streams tell of, in the order in which they were last written to.
 *
 * @param streamed What was folded with {@link MESSAGES_FOLDING}.
 */
export function messagesStreamed(streamed: Streamed<StreamedMessages>): CodexOverlayMessage[] {
  const all = streamsRead(streamed).flatMap(({ byKey }) => Array.from(byKey.values(), ({ message }) => message));
  return all.sort((a, b) => a.lastCursor - b.lastCursor);
}

/** An event, or a run of text: what is read in the order of the cursors. */
type Step = { at: number; read: ReadDelta } | { at: number; run: CodexStreamText };

function addMessages(live: StreamedMessages, { texts, deltas }: StreamNews, floor: number, since: number): StreamedMessages {
  const steps: Step[] = [];
  for (const read of readDeltas(deltas)) if (read.delta.cursorStart >= floor) steps.push({ at: read.delta.cursorStart, read });
  for (const run of texts) if (run.cursorEnd > floor && run.channel === "text") steps.push({ at: run.cursorStart, run });
  if (steps.length === 0) return live;
  const byKey = new Map(live.byKey);
  const uses = new ItemUses(live.uses);
  // Stable: an event that names an item comes before the run that begins with it.
  for (const step of steps.sort((a, b) => a.at - b.at)) {
    if ("run" in step) addRun(byKey, step.run, floor);
    else addEvent(byKey, uses, step.read, since === STREAM_START);
  }
  return { byKey, uses };
}

function addRun(byKey: Map<string, StreamedMessage>, run: CodexStreamText, floor: number): void {
  const key = codexMessageKey(run.turnId, run.messageId);
  const known = byKey.get(key);
  if (known?.message.status !== "streaming") return;
  // A run that begins below the floor repeats text which cannot be told apart from the new one.
  if (run.cursorStart < floor) {
    byKey.delete(key);
    return;
  }
  const { message } = known;
  const { text, high } = joinRun(known.high, run);
  byKey.set(key, { message: { ...message, text: message.text + text, lastCursor: Math.max(message.lastCursor, run.cursorEnd) }, high });
}

/** Reads an event. Its text is in the runs; it says of which item they are, and whether their beginning is among them. */
function addEvent(byKey: Map<string, StreamedMessage>, uses: ItemUses, read: ReadDelta, isFromStart: boolean): void {
  const { params, turnId, delta } = read;
  const end = endOfTurn(read);
  if (end !== undefined) {
    endMessages(byKey, (message) => message.turnId === turnId, end.status, end.error);
    return;
  }
  const isStart = delta.kind === "item/started";
  const isEnd = delta.kind === "item/completed";
  const { item } = params;
  const itemId = isStart || isEnd ? item?.id : TEXT_DELTAS.has(delta.kind) ? params.itemId : undefined;
  if (typeof itemId !== "string" || ((isStart || isEnd) && !isTextItem(item))) return;
  const messageId = uses.messageIdOf(read, itemId);
  const key = codexMessageKey(turnId, messageId);
  const known = byKey.get(key);
  if (known === undefined && !isStart && !isEnd && !isFromStart) return;
  const before: CodexOverlayMessage = known?.message ?? { turnId, messageId, text: "", status: "streaming", lastCursor: 0 };
  const message = { ...before, lastCursor: Math.max(before.lastCursor, delta.cursorEnd) };
  // The start of what goes on is a repeat; text in a start is what it begins with.
  const isWhole = isEnd || (isStart && before.text === "");
  if (isWhole && typeof item?.text === "string") message.text = item.text;
  if (isEnd) message.status = outcomeOf(item);
  byKey.set(key, { message, high: isEnd ? undefined : known?.high });
}

function endMessages(
  byKey: Map<string, StreamedMessage>,
  isOfIt: (message: CodexOverlayMessage) => boolean,
  status: CodexMessageStatus,
  error?: string,
): void {
  for (const [key, { message, high }] of byKey) {
    if (message.status !== "streaming" || !isOfIt(message)) continue;
    const text = high === undefined ? message.text : message.text + REPLACEMENT;
    byKey.set(key, { message: { ...message, text, status, ...(error !== undefined && { error }) }, high: undefined });
  }
}

/** What was thought in a stream, by section. Immutable. */
export interface StreamedReasoning {
  readonly sections: ReadonlyMap<string, CodexReasoningOverlaySegment>;
  /** The breaks so far of each channel of each item; one whose beginning was not read has none. */
  readonly breaks: ReadonlyMap<string, number>;
  readonly uses: ItemUses;
}

/** Keeps what is thought, in short and in full. */
export const REASONING_FOLDING: StreamedFolding<StreamedReasoning> = {
  none: { sections: new Map(), breaks: new Map(), uses: new ItemUses() },
  add: addReasoning,
  end: (live) => live,
};

/**
 * The sections that streams tell of, in the order in which they began.
 *
 * @param streamed What was folded with {@link REASONING_FOLDING}.
 * @param options Whether raw reasoning is shown too.
 */
export function reasoningStreamed(streamed: Streamed<StreamedReasoning>, { includeRaw = false }: CodexReasoningOptions = {}): CodexReasoningOverlaySegment[] {
  const all = streamsRead(streamed).flatMap(({ sections }) => [...sections.values()]);
  return all.filter(({ text, channel }) => text !== "" && (includeRaw || channel === "summary"));
}

function addReasoning(live: StreamedReasoning, { deltas }: StreamNews, floor: number, since: number): StreamedReasoning {
  const fresh = readDeltas(deltas).filter(({ delta }) => delta.cursorStart >= floor);
  if (fresh.length === 0) return live;
  const sections = new Map(live.sections);
  const breaks = new Map(live.breaks);
  const uses = new ItemUses(live.uses);
  for (const read of fresh) {
    const piece = pieceOf(read, uses);
    if (piece === undefined) {
      begin(breaks, uses, read);
      continue;
    }
    const [use, segment] = piece;
    const channel = channelKey(segment.turnId, use, segment.channel);
    const before = breaks.get(channel) ?? (since === STREAM_START ? NO_BREAK : undefined);
    if (before === undefined) continue;
    const now = segment.segmentType === "sectionBreak" ? before + 1 : before;
    breaks.set(channel, now);
    const index = indexOf(segment, now);
    const key = JSON.stringify([segment.turnId, use, segment.channel, index]);
    sections.set(key, grown(sections.get(key), use, segment, index));
  }
  return { sections, breaks, uses };
}

const NO_BREAK = -1;

/** An item of which nothing was thought before this event. */
function begin(breaks: Map<string, number>, uses: ItemUses, read: ReadDelta): void {
  const { delta, params, turnId } = read;
  const itemId = params.item?.id;
  if (delta.kind !== "item/started" || params.item?.type !== "reasoning" || typeof itemId !== "string") return;
  const use = uses.messageIdOf(read, itemId);
  for (const channel of ["summary", "raw"] as const) {
    const key = channelKey(turnId, use, channel);
    if (!breaks.has(key)) breaks.set(key, NO_BREAK);
  }
}
