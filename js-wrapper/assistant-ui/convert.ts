/** A thread of codex as messages of assistant-ui. */
import type { MessageStatus, ThreadMessageLike } from "@assistant-ui/react";
import type { CodexThreadState } from "../host/component.js";
import { isSameList } from "../mapping/identity.js";
import type { CodexUIMessage } from "../mapping/index.js";
import { readObject } from "../protocol/fields.js";
import { codexSaidBack, pendingAmong } from "../react/pending-messages.js";
import { codexRequestItem, codexRequestKey } from "../react/request-item.js";
import { askedApproval, askedQuestion, isOpenQuestion, type Asked, type AskedApproval, type AskedQuestion } from "./asked.js";
import { argsOf, inputParts, readMessage, type CodexToolArtifact, type Part, type ReadMessage } from "./parts.js";
import { queuedOf, type SentCommand } from "./queue.js";

/** What {@link convertCodexMessages} reads: of what `useCodex` returns. What a page has not is left out. */
export interface CodexThreadSource {
  /** Oldest first. */
  readonly messages: readonly CodexUIMessage[];
  /** Whether they are all of the thread. */
  readonly isWhole?: boolean | undefined;
  /** As `listTurns` has them; without them a turn is as its messages are. */
  readonly turns?: readonly Pick<CodexThreadState["turns"][number], "turnId" | "status">[] | undefined;
  /** The turn that runs. */
  readonly runningTurnId?: string | undefined;
  /** Approvals that wait. */
  readonly approvals?: readonly AskedApproval[] | undefined;
  /** Requests that wait: the questions among them are shown. */
  readonly requests?: readonly AskedQuestion[] | undefined;
  /** What was sent, newest first: the messages among it that codex has not given back are shown as what they say. */
  readonly commands?: readonly SentCommand[] | undefined;
  /** What waits behind a turn is shown in a queue, as `convertCodexQueue` makes it, and is no message yet. */
  readonly hasQueue?: boolean | undefined;
}

/** Converted messages, with what the next conversion needs to keep their identity. */
export interface CodexThreadMessages {
  /** Oldest first. */
  readonly messages: readonly ThreadMessageLike[];
  readonly known: Known;
}

interface Known extends Thread {
  readonly asked: ReadonlyMap<string, Asked>;
  readonly turns: ReadonlyMap<string, TurnStatus>;
  /** What was sent and has not come back. */
  readonly waiting: readonly Converted[];
}

/** What codex has said, in groups. */
interface Thread {
  readonly read: readonly ReadMessage[];
  /** Whether codex has said the message of a command back. */
  readonly isSaid: IsSaid;
  readonly groups: readonly Group[];
  /** The place of each message's group. */
  readonly groupOf: readonly number[];
  /** Of each group. */
  readonly converted: readonly Converted[];
}

/** A message, and all that it was made of, in order: it is the same for as long as that is. */
interface Converted {
  readonly of: readonly unknown[];
  readonly message: ThreadMessageLike;
}

/** A message of the user, or all that codex said and did from there to the user's next one, or to the end of its turn. */
interface Group {
  readonly id: string;
  readonly turnId: string;
  readonly isOfUser: boolean;
  /** Where its messages begin, and how many they are. */
  readonly from: number;
  count: number;
  asked: readonly Asked[];
  /** Nothing of its turn comes behind it. */
  isLastOfTurn: boolean;
}

type IsSaid = ReturnType<typeof codexSaidBack>;
type TurnStatus = CodexThreadState["turns"][number]["status"] | undefined;

/** The conversion of nothing. */
export const NO_THREAD_MESSAGES: CodexThreadMessages = {
  messages: [],
  known: { read: [], isSaid: () => false, groups: [], groupOf: [], converted: [], asked: new Map(), turns: new Map(), waiting: [] },
};

const NOTHING_ASKED: readonly Asked[] = [];
const RUNNING: MessageStatus = { type: "running" };
const WAITING: MessageStatus = { type: "requires-action", reason: "interrupt" };
const CANCELLED: MessageStatus = { type: "incomplete", reason: "cancelled" };
const COMPLETE: MessageStatus = { type: "complete", reason: "stop" };

/**
 * Converts a thread to messages of assistant-ui.
 *
 * What codex says and does in a turn is one message of the assistant: texts, reasoning, and each command, change of files and
 * call of a tool as a tool's call with its arguments and what came of it. What the user says while the turn runs parts it in
 * two. Marks, as the compaction of the context, and inputs that are neither text nor image are `data` parts by the name of
 * their type. What waits for approval, or for answers, is the `approval` of the call that it is about, or else a call of its own
 * at the end of its turn.
 *
 * A message of which nothing changed is the same object again; no payload is read twice. Where messages only grew, only their turns are
 * looked at, however many there are.
 *
 * @param source what `useCodex` knows of the thread
 * @param previous the conversion before this one, of the same thread
 * @returns the messages, oldest first; the same array where nothing in them changed
 *
 * @example
 * ```ts
 * const first = convertCodexMessages({ messages: messages.results });
 * const next = convertCodexMessages({ messages: messages.results, runningTurnId }, first);
 * ```
 */
export function convertCodexMessages(source: CodexThreadSource, previous: CodexThreadMessages = NO_THREAD_MESSAGES): CodexThreadMessages {
  const { known } = previous;
  const asked = readAsked(source, known.asked);
  const turns = turnsOf(source);
  const changed = isSameMap(asked, known.asked) && isSameMap(turns, known.turns) ? changedIn(source.messages, known.read) : undefined;
  const thread = changed === undefined ? groupThread(source.messages, asked, turns, known) : growThread(source.messages, changed, known);

  const before = new Map(known.waiting.map((one) => [one.message.id, one]));
  const waiting = waitingOf(source, thread.isSaid).map((command) => convertAgain([command], () => toWaiting(command), before.get(commandKey(command.commandId))));
  const messages = [...thread.converted, ...waiting].map(({ message }) => message);
  return { messages: isSameList(messages, previous.messages) ? previous.messages : messages, known: { ...thread, asked, turns, waiting } };
}

function groupThread(messages: readonly CodexUIMessage[], asked: ReadonlyMap<string, Asked>, turns: ReadonlyMap<string, TurnStatus>, known: Known): Thread {
  const readBefore = new Map(known.read.map((one) => [one.message._id, one]));
  const convertedBefore = new Map(known.converted.map((one) => [one.message.id, one]));
  const read = Array.from(new Map(messages.map((message) => [message._id, readMessage(message, readBefore.get(message._id))])).values());
  const groups = groupsOf(read);
  placeAsked(groups, [...asked.values()]);
  showEnds(groups, turns);
  const groupOf = groups.flatMap(({ count }, place) => Array<number>(count).fill(place));
  const converted = groups.map((group) => convertGroup(group, read, turns, convertedBefore.get(group.id)));
  return { read, isSaid: codexSaidBack(messages), groups, groupOf, converted };
}

/** The same groups, of which only those are converted anew whose messages changed. */
function growThread(messages: readonly CodexUIMessage[], changed: readonly number[], known: Known): Thread {
  const [read, converted] = [known.read.slice(), known.converted.slice()];
  for (const at of changed) {
    const message = messages[at];
    if (message !== undefined) read[at] = readMessage(message, known.read[at]);
  }
  for (const place of new Set(changed.map((at) => known.groupOf[at] ?? -1))) {
    const group = known.groups[place];
    if (group !== undefined) converted[place] = convertGroup(group, read, known.turns, known.converted[place]);
  }
  const isSameItem = (at: number) => read[at]?.item === known.read[at]?.item;
  return { ...known, read, converted, isSaid: changed.every(isSameItem) ? known.isSaid : codexSaidBack(messages) };
}

/** The places of those messages that are not what was read of them; undefined where one came, went, or is another one. */
function changedIn(messages: readonly CodexUIMessage[], read: readonly ReadMessage[]): readonly number[] | undefined {
  if (messages.length !== read.length) return undefined;
  const changed: number[] = [];
  for (const [at, message] of messages.entries()) {
    const was = read[at]?.message;
    if (message === was) continue;
    if (message._id !== was?._id || message.turnId !== was.turnId || message.role !== was.role) return undefined;
    changed.push(at);
  }
  return changed;
}

function turnsOf({ turns = [], runningTurnId }: CodexThreadSource): ReadonlyMap<string, TurnStatus> {
  const known = new Map(turns.map(({ turnId, status }): [string, TurnStatus] => [turnId, status]));
  return runningTurnId === undefined ? known : known.set(runningTurnId, "inProgress");
}

function isSameMap(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): boolean {
  return isSameList([...one].flat(), [...other].flat());
}

function convertGroup(group: Group, all: readonly ReadMessage[], turns: ReadonlyMap<string, TurnStatus>, before: Converted | undefined): Converted {
  const { turnId, from, count, asked, isLastOfTurn } = group;
  const status = isLastOfTurn ? turns.get(turnId) : undefined;
  const read = all.slice(from, from + count);
  return convertAgain([status, isLastOfTurn, ...read, ...asked], () => toMessage(group, read, status), before);
}

function convertAgain(of: readonly unknown[], make: () => ThreadMessageLike, before: Converted | undefined): Converted {
  return before !== undefined && isSameList(before.of, of) ? before : { of, message: make() };
}

function groupsOf(read: readonly ReadMessage[]): Group[] {
  const groups: Group[] = [];
  const ids = new Set<string>();
  for (const [from, { message }] of read.entries()) {
    const { _id, turnId, role } = message;
    const last = groups.at(-1);
    const isOfTurn = last?.turnId === turnId;
    if (role !== "user" && isOfTurn && !last.isOfUser) {
      last.count += 1;
      continue;
    }
    if (isOfTurn) last.isLastOfTurn = false;
    // The answer is known by its turn, so that it stays the same one when what came before it is loaded; what is said
    // behind a steer, by the steer.
    const answerId = ids.has(answerKey(turnId)) ? answerKey(read[last?.from ?? from]?.message._id ?? _id) : answerKey(turnId);
    const id = role === "user" || ids.has(answerId) ? _id : answerId;
    ids.add(id);
    groups.push({ id, turnId, isOfUser: role === "user", from, count: 1, asked: NOTHING_ASKED, isLastOfTurn: true });
  }
  return groups;
}

/** What waits stands in its turn's last answer; where there is none yet, in one of its own. */
function placeAsked(groups: Group[], asked: readonly Asked[]): void {
  for (const turnId of new Set(asked.map((one) => one.turnId))) {
    const ofTurn = asked.filter((one) => one.turnId === turnId);
    answerOf(groups, turnId).asked = ofTurn;
  }
}

/** A turn that ended without a word says so; one that runs has assistant-ui's own sign for it. */
function showEnds(groups: Group[], turns: ReadonlyMap<string, TurnStatus>): void {
  for (const { turnId, isOfUser, isLastOfTurn } of [...groups]) {
    const status = turns.get(turnId);
    if (isOfUser && isLastOfTurn && (status === "failed" || status === "interrupted")) answerOf(groups, turnId);
  }
}

function answerOf(groups: Group[], turnId: string): Group {
  const at = groups.findLastIndex((group) => group.turnId === turnId);
  const last = groups[at];
  if (last !== undefined && !last.isOfUser) return last;
  if (last !== undefined) last.isLastOfTurn = false;
  const isFirst = !groups.some((group) => group.turnId === turnId && !group.isOfUser);
  const id = answerKey(isFirst ? turnId : (last?.id ?? turnId));
  const answer: Group = { id, turnId, isOfUser: false, from: 0, count: 0, asked: NOTHING_ASKED, isLastOfTurn: true };
  groups.splice(at < 0 ? groups.length : at + 1, 0, answer);
  return answer;
}

function toMessage(group: Group, read: readonly ReadMessage[], turn: TurnStatus): ThreadMessageLike {
  const { id, isOfUser, asked } = group;
  const first = read[0]?.message;
  const createdAt = new Date(first?.createdAt ?? asked[0]?.row.createdAt ?? 0);
  const custom = { turnId: group.turnId };
  if (isOfUser) return { id, role: "user", createdAt, content: read.flatMap(({ parts }) => parts), metadata: { custom } };
  return { id, role: "assistant", createdAt, content: answerParts(read, asked), status: statusOf(group, read, turn), metadata: { custom } };
}

function answerParts(read: readonly ReadMessage[], asked: readonly Asked[]): Part[] {
  const messages = read.map(({ message }) => message);
  const open = new Map(asked.map((one) => [one.row, one]));
  const askedOf = new Map([...asked].reverse().map((one) => [codexRequestItem(one.row, messages), one]));
  const parts = read.map((one, at): readonly Part[] => {
    const review = read[at - 1]?.review;
    if (review !== undefined && one.message.sourceItemType === "agentMessage" && one.message.text === review) return [];
    const request = one.call && askedOf.get(one.message);
    if (request === undefined) return one.parts;
    open.delete(request.row);
    return one.parts.map((part) => (part.type === "tool-call" ? withRequest(part, request, one.message) : part));
  });
  return [...parts.flat(), ...Array.from(open.values(), ({ part }) => part)];
}

/** What is decided is what the request says, beside what its item does. */
function withRequest(part: Extract<Part, { type: "tool-call" }>, { row, part: asked }: Asked, message: CodexUIMessage): Part {
  return { ...part, ...argsOf({ ...part.args, ...asked.args }), approval: asked.approval, artifact: { message, request: row } satisfies CodexToolArtifact };
}

function statusOf({ asked, isLastOfTurn }: Group, read: readonly ReadMessage[], turn: TurnStatus): MessageStatus {
  if (asked.length > 0) return WAITING;
  const last = read.at(-1)?.message;
  // What streams is commonly the last of it.
  const isStreaming = () => read.findLast(({ message }) => message.status === "streaming") !== undefined;
  if (turn === "inProgress" || (turn === undefined && isLastOfTurn && isStreaming())) return RUNNING;
  // A command that failed on the way did not fail its turn.
  const hasFailed = turn === "failed" || (turn === undefined && last?.status === "failed" && last.role !== "tool");
  if (hasFailed) {
    const error = read.findLast(({ message }) => message.error !== undefined)?.message.error;
    return { type: "incomplete", reason: "error", ...(error !== undefined && { error }) };
  }
  const isStopped = turn === "interrupted" || (turn === undefined && last?.status === "interrupted");
  return isStopped ? CANCELLED : COMPLETE;
}

function readAsked({ approvals = [], requests = [], commands = [] }: CodexThreadSource, before: ReadonlyMap<string, Asked>): ReadonlyMap<string, Asked> {
  const known = new Map<string, Asked>();
  const keep = <Row extends AskedApproval | AskedQuestion>(row: Row, ask: (row: Row) => Asked) => {
    const id = codexRequestKey(row);
    const was = before.get(id);
    known.set(id, was?.row === row ? was : ask(row));
  };
  for (const row of approvals) keep(row, askedApproval);
  const failed = new Set(commands.flatMap(({ commandId, isFailed, state }) => (isFailed || state === "cancelled" ? [commandId] : [])));
  for (const row of requests) if (isOpenQuestion(row, failed)) keep(row, askedQuestion);
  // The first that was asked is the first to be answered.
  return new Map([...known].sort(([, a], [, b]) => a.row.createdAt - b.row.createdAt));
}

/** Messages that were sent and are in no queue, oldest first, until codex gives back what they say. */
function waitingOf({ messages, isWhole, commands = [], runningTurnId, turns, hasQueue = false }: CodexThreadSource, isSaid: IsSaid): readonly SentCommand[] {
  const pending = pendingAmong({ messages, isWhole, commands, runningTurnId, turns }, () => isSaid);
  if (!hasQueue || pending.length === 0) return pending;
  const { turns: queued, steers } = queuedOf(commands, runningTurnId);
  const shown = new Set([...queued, ...steers]);
  return pending.filter((command) => !shown.has(command));
}

function toWaiting({ commandId, text, payloadJson, createdAt }: SentCommand): ThreadMessageLike {
  const id = commandKey(commandId);
  return { id, role: "user", createdAt: new Date(createdAt), content: inputParts(readObject(payloadJson)?.["input"], text, id), metadata: { custom: { commandId } } };
}

function answerKey(of: string): string {
  return `answer:${of}`;
}

function commandKey(commandId: string): string {
  return `command:${commandId}`;
}
