/** What waits behind a turn, as the queue of assistant-ui's composer. */
import type { QueueItemState } from "@assistant-ui/react";
import { isSameList } from "../mapping/identity.js";
import { readObject } from "../protocol/fields.js";
import type { UserInput } from "../protocol/generated/types.js";
import { inputText, type CodexCommandView } from "../react/command-words.js";
import { inputParts, type Part } from "./parts.js";

/** A command that carries a message. */
export type SentCommand = Pick<
  CodexCommandView,
  "commandId" | "kind" | "state" | "isOpen" | "isFailed" | "isQueued" | "text" | "payloadJson" | "createdAt" | "clientTurnId" | "turnId" | "order" | "rank"
>;
/** What begins turns of its own, and what goes into the turn that runs. */
export type Lane = "queue" | "steer";
/** Where a message is to go in the queue, in the words of assistant-ui. */
export interface Placement {
  readonly lane?: Lane;
  readonly insertAfter?: string | null;
  readonly insertBefore?: string | null;
}

/** A message of this page's that no machine has, or that may come back from it. */
export interface UnsentMessage {
  readonly commandId: string;
  readonly threadId: string | undefined;
  readonly input: readonly UserInput[];
  readonly lane: Lane;
  /**
   * On its way; on its way, to be taken back when it arrives; not taken; sent, to come back if it comes to nothing; sent, to come
   * back also if it is cancelled.
   */
  readonly state: "sending" | "stopping" | "refused" | "sent" | "held";
}

/**
 * Where an item of the queue stands. `waiting`: it goes by itself, in its turn; `sending`: it is on its way there. All others are
 * with this page alone, and go nowhere until they are moved: `held` was taken back by a stop; `refused`, `expired` and `unknown`
 * are what became of it, of the last nobody knows whether codex got it.
 */
export type CodexQueueItemStatus = "waiting" | "sending" | "held" | "refused" | "expired" | "unknown";

/** An item of the queue with where it stands: assistant-ui hands it on as it is. */
export interface CodexQueueItem extends QueueItemState {
  readonly status: CodexQueueItemStatus;
}

/** What {@link convertCodexQueue} reads: of what `useCodex` returns. */
export interface CodexQueueSource {
  /** What was sent, newest first. */
  readonly commands?: readonly SentCommand[] | undefined;
  /** The turn that runs. */
  readonly runningTurnId?: string | undefined;
}

/** The two lanes of the queue, with what the next conversion needs to keep their identity. */
export interface CodexQueueItems {
  /** What begins turns of its own, the next first. */
  readonly items: readonly CodexQueueItem[];
  /** What goes into the turn that runs, the next first. */
  readonly steerItems: readonly CodexQueueItem[];
  readonly known: ReadonlyMap<string, { readonly of: SentCommand | UnsentMessage; readonly item: CodexQueueItem }>;
}

/** The queue of nothing. */
export const NO_QUEUE_ITEMS: CodexQueueItems = { items: [], steerItems: [], known: new Map() };

const DATA_URL = /^data:([^;,]+);base64,(.*)$/s;

/**
 * Converts what waits behind a turn to the queue of assistant-ui's composer: each message that no machine has yet, under its
 * command's id. Where nothing runs, the turn that begins next is none of them: it is in the transcript.
 *
 * An item of which nothing changed is the same object again, and so is a lane.
 *
 * @param source what `useCodex` knows of the thread
 * @param previous the conversion before this one
 * @returns both lanes, in the order in which they go
 *
 * @example
 * ```ts
 * const { items, steerItems } = convertCodexQueue({ commands: commands.results, runningTurnId });
 * ```
 */
export function convertCodexQueue(source: CodexQueueSource, previous: CodexQueueItems = NO_QUEUE_ITEMS): CodexQueueItems {
  return convertQueue(source, [], previous);
}

/**
 * The same, with the messages of this page that did not arrive.
 *
 * @param isEchoed whether codex has given a command back: of one that is `unknown` nothing else tells that it arrived
 */
export function convertQueue(
  source: CodexQueueSource,
  unsent: readonly UnsentMessage[],
  previous: CodexQueueItems,
  isEchoed: (command: SentCommand) => boolean = () => false,
): CodexQueueItems {
  const commands = new Map((source.commands ?? []).map((command) => [command.commandId, command]));
  const { turns, steers } = queuedOf(source.commands ?? [], source.runningTurnId);
  const shown = unsent.filter((message) => {
    const command = commands.get(message.commandId);
    return isUnsent(message, command) && !(command?.state === "unknown" && isEchoed(command));
  });
  const isSteering = (message: UnsentMessage) => isOnItsWay(message) && message.lane === "steer";

  const known = new Map<string, { of: SentCommand | UnsentMessage; item: CodexQueueItem }>();
  const convert = (of: SentCommand | UnsentMessage): CodexQueueItem => {
    const before = previous.known.get(of.commandId);
    const status = "input" in of ? statusOf(of, commands.get(of.commandId)) : "waiting";
    const one = before?.of === of && before.item.status === status ? before : { of, item: toItem(of, status) };
    known.set(of.commandId, one);
    return one.item;
  };
  const items = [...turns, ...shown.filter((message) => !isSteering(message))].map(convert);
  const steerItems = [...steers, ...shown.filter(isSteering)].map(convert);
  return { items: sameOr(items, previous.items), steerItems: sameOr(steerItems, previous.steerItems), known };
}

/**
 * Where an item of the queue stands, as assistant-ui hands it to what draws it.
 *
 * @param item an item of a store that `useCodexExternalStore` made
 * @returns `waiting` also of an item that is of another queue
 *
 * @example
 * ```tsx
 * <ComposerPrimitive.Queue>{({ queueItem }) => <p>{codexQueueItemStatus(queueItem)}</p>}</ComposerPrimitive.Queue>
 * ```
 */
export function codexQueueItemStatus(item: QueueItemState & { readonly status?: CodexQueueItemStatus }): CodexQueueItemStatus {
  return item.status ?? "waiting";
}

/** The messages that no machine has: those that wait behind a turn, and the turn that waits behind none. */
interface QueuedMessages<Command> {
  readonly next: Command | undefined;
  readonly turns: readonly Command[];
  readonly steers: readonly Command[];
}

/** What is queued, in the order in which it goes: the last promoted first, then as it was sent. */
export function queuedOf<Command extends SentCommand>(commands: readonly Command[], runningTurnId: string | undefined): QueuedMessages<Command> {
  const isTaken = runningTurnId !== undefined || commands.some(({ kind, isOpen, isQueued }) => kind === "turn" && isOpen && !isQueued);
  const queued = commands.filter(({ isQueued }) => isQueued).sort((a, b) => b.rank - a.rank || a.order - b.order);
  const turns = queued.filter(({ kind }) => kind === "turn");
  const steers = queued.filter(({ kind }) => kind === "steer");
  return isTaken ? { next: undefined, turns, steers } : { next: turns[0], turns: turns.slice(1), steers };
}

/**
 * Whether a message of this page's is with it, and nowhere else.
 *
 * @param command what became of it; undefined where the list does not have it
 */
export function isUnsent({ state }: Pick<UnsentMessage, "state">, command: Pick<SentCommand, "isFailed" | "state"> | undefined): boolean {
  if (command === undefined) return state === "refused" || isOnItsWay({ state });
  return command.isFailed || (command.state === "cancelled" && (state === "held" || state === "stopping"));
}

/** Whether a message has come to its end where it was sent, and does not come back to this page. */
export function isSettled(message: UnsentMessage, command: Pick<SentCommand, "isFailed" | "isOpen" | "state"> | undefined): boolean {
  return command !== undefined && !command.isOpen && !isOnItsWay(message) && !isUnsent(message, command);
}

/** Whether it is not known yet what becomes of it. */
export function isOnItsWay({ state }: Pick<UnsentMessage, "state">): boolean {
  return state === "sending" || state === "stopping";
}

/**
 * What is promoted, each before the others, the last of it first, so that a message stands where it is wanted.
 *
 * @param ids a lane, the next first
 * @param id the message's
 * @param placement where it is wanted: where it is, where it names none
 * @throws Error where it names one that does not wait, or two that are not beside each other
 */
export function promotionsFor(ids: readonly string[], id: string, { insertAfter, insertBefore }: Placement): readonly string[] {
  const others = ids.filter((other) => other !== id);
  const placeOf = (anchor: string) => {
    if (!others.includes(anchor)) throw new Error(`\`${anchor}\` does not wait there`);
    return others.indexOf(anchor);
  };
  const behind = insertAfter === undefined ? undefined : insertAfter === null ? 0 : placeOf(insertAfter) + 1;
  const before = insertBefore === undefined ? undefined : insertBefore === null ? others.length : placeOf(insertBefore);
  if (behind !== undefined && before !== undefined && behind !== before) throw new Error("there is no place behind the one and before the other");
  const place = behind ?? before ?? ids.indexOf(id);
  const wanted = [...others.slice(0, place), id, ...others.slice(place)];
  const isEnough = (count: number) => {
    const promoted = new Set(wanted.slice(0, count));
    return isSameList(wanted.slice(count), ids.filter((one) => !promoted.has(one)));
  };
  const count = wanted.findIndex((_, at) => isEnough(at));
  return wanted.slice(0, count);
}

/** What a command says, as it was sent. */
export function inputOfCommand({ payloadJson }: Pick<SentCommand, "payloadJson">): readonly UserInput[] {
  const input = readObject(payloadJson)?.["input"];
  return Array.isArray(input) ? (input as UserInput[]) : [];
}

/** What an item of the queue does not show, so that whoever edits that could not keep it: files by name, skills, mentions. */
export function unshownOf(input: readonly UserInput[]): readonly UserInput[] {
  return input.filter((member) => member.type !== "text" && !(member.type === "image" && "url" in member && DATA_URL.test(member.url)));
}

function statusOf({ state }: UnsentMessage, command: SentCommand | undefined): CodexQueueItemStatus {
  if (command?.state === "cancelled") return "held";
  if (command?.state === "expired" || command?.state === "unknown") return command.state;
  return command === undefined && isOnItsWay({ state }) ? "sending" : "refused";
}

function toItem(of: SentCommand | UnsentMessage, status: CodexQueueItemStatus): CodexQueueItem {
  const id = of.commandId;
  const [input, text] = "input" in of ? [of.input, inputText(of.input)] : [inputOfCommand(of), of.text];
  const parts = inputParts(input, text, id);
  const shown = parts.flatMap(toItemPart);
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its type asks for it
  return { id, prompt: text, parts: shown.length > 0 ? shown : parts.flatMap(toName), status };
}

/** An item of the queue has texts and files; what is neither is sent, and not shown beside them. */
function toItemPart(part: Part): QueueItemState["parts"] {
  if (part.type === "text") return [{ type: "text", text: part.text }];
  const [, mimeType, data] = (part.type === "image" ? DATA_URL.exec(part.image) : null) ?? [];
  return mimeType === undefined || data === undefined ? [] : [{ type: "file", mimeType, data }];
}

/** What an item is that has neither. */
function toName(part: Part): QueueItemState["parts"] {
  return part.type === "data" ? [{ type: "text", text: part.name }] : [];
}

function sameOr<One>(list: readonly One[], before: readonly One[]): readonly One[] {
  return isSameList(list, before) ? before : list;
}
