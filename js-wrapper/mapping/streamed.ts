/** What streams alone tell of a thread, folded as it comes: their messages, and what is thought. Each event is read once. */
import { TEXT_DELTAS } from "../protocol/delta-kinds.js";
import { outcomeOf } from "../protocol/outcome.js";
import { joinRun } from "../protocol/text-run.js";
import { ItemUses, readDeltas, type ReadDelta } from "./deltas.js";
import { followStreams, STREAM_START, type Folding, type Following, type StreamNews } from "./follow.js";
import { codexMessageKey } from "./key.js";
import { LayeredMap } from "./layered-map.js";
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
  readonly ended: ReadonlyMap<string, { readonly live: Live; readonly turnOrder: number | undefined }>;
  /** The cursors to ask with next. */
  readonly cursors: readonly CodexStreamCursor[];
}

/** How what is read of a stream is kept, and what its end makes of it. */
export interface StreamedFolding<Live> extends Folding<Live> {
  readonly end: (live: Live, state: CodexStreamInfo["state"]) => Live;
}

const NOTHING_STREAMED: Streamed<never> = {
  following: { streams: new Map<string, never>(), cursors: [] },
  ended: new Map<string, { live: never; turnOrder: undefined }>(),
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
  const ended = new Map(streamed.ended);
  for (const [streamId, { live }] of before.streams) {
    if (following.streams.has(streamId)) continue;
    // What is listed no more was deleted or taken back: nothing of it is shown.
    const info = answer?.streams.find((listed) => listed.streamId === streamId);
    if (info !== undefined) ended.set(streamId, { live: folding.end(live, info.state), turnOrder: info.turnOrder });
  }
  // A stream that speaks again is read anew from its beginning.
  for (const streamId of following.streams.keys()) ended.delete(streamId);
  for (const streamId of ended.keys()) if (ended.size > ENDED_STREAMS_KEPT) ended.delete(streamId);
  return { following, ended, cursors: following.cursors };
}

/** What was read of each stream: of those that ended first, as far as their turns are not known to be before `startOrder`. */
function streamsRead<Live>({ following, ended }: Streamed<Live>, startOrder = 0): Live[] {
  const shown = [...ended.values()].filter(({ turnOrder = startOrder }) => turnOrder >= startOrder);
  return [...shown, ...following.streams.values()].map(({ live }) => live);
}

/** A list that is copied when it is written to first: one that is not stays the same. */
class ListDraft<Row> {
  #rows: readonly Row[];
  #own: Row[] | undefined;

  constructor(before: readonly Row[]) {
    this.#rows = before;
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  write(): Row[] {
    this.#own ??= this.#rows.slice();
    this.#rows = this.#own;
    return this.#own;
  }
}

/** A message of a stream, and the half of a character that waits behind its text. */
interface StreamedMessage {
  readonly message: CodexOverlayMessage;
  readonly high: number | undefined;
}

/** The messages of a stream whose beginning was read. Immutable. */
export interface StreamedMessages {
  readonly byKey: LayeredMap<string, StreamedMessage | undefined>;
  /** In the order in which they were last written to. */
  readonly list: readonly CodexOverlayMessage[];
  readonly uses: ItemUses;
}

/** Keeps the agent's messages and plans. */
export const MESSAGES_FOLDING: StreamedFolding<StreamedMessages> = {
  none: { byKey: new LayeredMap(), list: [], uses: new ItemUses() },
  add: addMessages,
  end: (live, state) => {
    const draft = new MessagesDraft(live);
    draft.end(() => true, state === "aborted" ? "interrupted" : "completed");
    return draft.finish();
  },
};

/**
 * The messages that streams tell of, of each stream in the order in which they were last written to. Cursors of two streams say nothing
 * of each other: a stream that has ended comes before one that goes on, and those that go on are in the order of their turns.
 *
 * @param streamed What was folded with {@link MESSAGES_FOLDING}.
 * @param startOrder Leaves out turns that have ended before this place.
 * @returns The list of each stream, the same while nothing in it changed.
 */
export function messagesStreamed(streamed: Streamed<StreamedMessages>, startOrder?: number): (readonly CodexOverlayMessage[])[] {
  return streamsRead(streamed, startOrder).map(({ list }) => list);
}

/** An event, or a run of text: what is read in the order of the cursors. */
type Step = { at: number; read: ReadDelta } | { at: number; run: CodexStreamText };

function addMessages(live: StreamedMessages, { texts, deltas }: StreamNews, floor: number, since: number): StreamedMessages {
  const steps: Step[] = [];
  for (const read of readDeltas(deltas)) if (read.delta.cursorStart >= floor) steps.push({ at: read.delta.cursorStart, read });
  for (const run of texts) if (run.cursorEnd > floor && run.channel === "text") steps.push({ at: run.cursorStart, run });
  if (steps.length === 0) return live;
  const draft = new MessagesDraft(live);
  // Stable: an event that names an item comes before the run that begins with it.
  for (const step of steps.sort((a, b) => a.at - b.at)) {
    if ("run" in step) draft.addRun(step.run, floor);
    else draft.addEvent(step.read, since === STREAM_START);
  }
  return draft.finish();
}

/** The next of a stream's messages: what it costs is what is written to. */
class MessagesDraft {
  readonly #byKey: LayeredMap<string, StreamedMessage | undefined>;
  readonly #list: ListDraft<CodexOverlayMessage>;
  readonly #uses: ItemUses;

  constructor({ byKey, list, uses }: StreamedMessages) {
    this.#byKey = new LayeredMap(byKey);
    this.#list = new ListDraft(list);
    this.#uses = new ItemUses(uses);
  }

  finish(): StreamedMessages {
    return { byKey: this.#byKey, list: this.#list.rows, uses: this.#uses };
  }

  addRun(run: CodexStreamText, floor: number): void {
    const key = codexMessageKey(run.turnId, run.messageId);
    const known = this.#byKey.get(key);
    if (known?.message.status !== "streaming") return;
    // A run that begins below the floor repeats text which cannot be told apart from the new one.
    if (run.cursorStart < floor) {
      this.#byKey.set(key, undefined);
      this.#take(known.message);
      return;
    }
    const { message } = known;
    const { text, high } = joinRun(known.high, run);
    this.#put(key, { message: { ...message, text: message.text + text, lastCursor: Math.max(message.lastCursor, run.cursorEnd) }, high });
  }

  /** Reads an event. Its text is in the runs; it says of which item they are, and whether their beginning is among them. */
  addEvent(read: ReadDelta, isFromStart: boolean): void {
    const { params, turnId, delta } = read;
    const end = endOfTurn(read);
    if (end !== undefined) {
      this.end((message) => message.turnId === turnId, end.status, end.error);
      return;
    }
    const isStart = delta.kind === "item/started";
    const isEnd = delta.kind === "item/completed";
    const { item } = params;
    const itemId = isStart || isEnd ? item?.id : TEXT_DELTAS.has(delta.kind) ? params.itemId : undefined;
    if (typeof itemId !== "string" || ((isStart || isEnd) && !isTextItem(item))) return;
    const messageId = this.#uses.messageIdOf(read, itemId);
    const key = codexMessageKey(turnId, messageId);
    const known = this.#byKey.get(key);
    if (known === undefined && !isStart && !isEnd && !isFromStart) return;
    const before: CodexOverlayMessage = known?.message ?? { turnId, messageId, text: "", status: "streaming", lastCursor: 0 };
    const message = { ...before, lastCursor: Math.max(before.lastCursor, delta.cursorEnd) };
    // The start of what goes on is a repeat; text in a start is what it begins with.
    const isWhole = isEnd || (isStart && before.text === "");
    if (isWhole && typeof item?.text === "string") message.text = item.text;
    if (isEnd) message.status = outcomeOf(item);
    this.#put(key, { message, high: isEnd ? undefined : known?.high });
  }

  /** Ends what streams. */
  end(isOfIt: (message: CodexOverlayMessage) => boolean, status: CodexMessageStatus, error?: string): void {
    for (const [at, message] of this.#list.rows.entries()) {
      if (message.status !== "streaming" || !isOfIt(message)) continue;
      const key = codexMessageKey(message.turnId, message.messageId);
      const text = this.#byKey.get(key)?.high === undefined ? message.text : message.text + REPLACEMENT;
      const ended = { ...message, text, status, ...(error !== undefined && { error }) };
      this.#byKey.set(key, { message: ended, high: undefined });
      this.#list.write()[at] = ended;
    }
  }

  #put(key: string, next: StreamedMessage): void {
    const known = this.#byKey.get(key);
    if (known !== undefined) this.#take(known.message);
    this.#byKey.set(key, next);
    const list = this.#list.write();
    let at = list.length;
    while (at > 0 && (list[at - 1]?.lastCursor ?? 0) > next.message.lastCursor) at -= 1;
    list.splice(at, 0, next.message);
  }

  /** What grows is near the end. */
  #take(message: CodexOverlayMessage): void {
    const list = this.#list.write();
    const at = list.lastIndexOf(message);
    if (at >= 0) list.splice(at, 1);
  }
}

/** A section, and its places in the lists: it is in none until something was thought in it. */
interface StreamedSection {
  readonly section: CodexReasoningOverlaySegment;
  readonly at: { readonly all: number; readonly summaries: number } | undefined;
}

/** What was thought in a stream, by section. Immutable. */
export interface StreamedReasoning {
  readonly byKey: LayeredMap<string, StreamedSection>;
  /** In the order in which they began: with the raw ones, and without. */
  readonly all: readonly CodexReasoningOverlaySegment[];
  readonly summaries: readonly CodexReasoningOverlaySegment[];
  /** The breaks so far of each channel of each item; one whose beginning was not read has none. */
  readonly breaks: LayeredMap<string, number>;
  readonly uses: ItemUses;
}

/** Keeps what is thought, in short and in full. */
export const REASONING_FOLDING: StreamedFolding<StreamedReasoning> = {
  none: { byKey: new LayeredMap(), all: [], summaries: [], breaks: new LayeredMap(), uses: new ItemUses() },
  add: addReasoning,
  end: (live) => live,
};

/**
 * The sections that streams tell of, in the order in which they began; a stream that has ended comes before one that goes on.
 *
 * @param streamed What was folded with {@link REASONING_FOLDING}.
 * @param options Whether raw reasoning is shown too.
 * @param startOrder Leaves out turns that have ended before this place.
 * @returns The list of each stream, the same while nothing in it changed.
 */
export function reasoningStreamed(
  streamed: Streamed<StreamedReasoning>,
  { includeRaw = false }: CodexReasoningOptions = {},
  startOrder?: number,
): (readonly CodexReasoningOverlaySegment[])[] {
  return streamsRead(streamed, startOrder).map(({ all, summaries }) => (includeRaw ? all : summaries));
}

function addReasoning(live: StreamedReasoning, { deltas }: StreamNews, floor: number, since: number): StreamedReasoning {
  const fresh = readDeltas(deltas).filter(({ delta }) => delta.cursorStart >= floor);
  if (fresh.length === 0) return live;
  const byKey = new LayeredMap(live.byKey);
  const [all, summaries] = [new ListDraft(live.all), new ListDraft(live.summaries)];
  const breaks = new LayeredMap(live.breaks);
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
    if (now !== breaks.get(channel)) breaks.set(channel, now);
    const index = indexOf(segment, now);
    const key = JSON.stringify([segment.turnId, use, segment.channel, index]);
    const known = byKey.get(key);
    const section = grown(known?.section, use, segment, index);
    const at = known?.at ?? (section.text === "" ? undefined : { all: all.rows.length, summaries: summaries.rows.length });
    byKey.set(key, { section, at });
    if (at === undefined) continue;
    all.write()[at.all] = section;
    if (section.channel === "summary") summaries.write()[at.summaries] = section;
  }
  return { byKey, all: all.rows, summaries: summaries.rows, breaks, uses };
}

const NO_BREAK = -1;

/** An item of which nothing was thought before this event. */
function begin(breaks: LayeredMap<string, number>, uses: ItemUses, read: ReadDelta): void {
  const { delta, params, turnId } = read;
  const itemId = params.item?.id;
  if (delta.kind !== "item/started" || params.item?.type !== "reasoning" || typeof itemId !== "string") return;
  const use = uses.messageIdOf(read, itemId);
  for (const channel of ["summary", "raw"] as const) {
    const key = channelKey(turnId, use, channel);
    if (breaks.get(key) === undefined) breaks.set(key, NO_BREAK);
  }
}
