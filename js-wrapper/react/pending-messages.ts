/** Messages between the command that carries them and codex's own row of them. */
import type { CodexThreadState } from "../host/component.js";
import type { CodexUIMessage } from "../mapping/index.js";
import { itemOf } from "../protocol/fields.js";
import type { CodexCommandView } from "./command-words.js";

/** A command that may carry a message. */
export type CodexMessageCommand = Pick<CodexCommandView, "commandId" | "kind" | "state" | "isOpen" | "text" | "createdAt" | "clientTurnId" | "turnId">;

/** A message as far as it tells whose echo it is. */
type EchoMessage = Pick<CodexUIMessage, "turnId" | "role" | "text" | "updatedAt" | "payloadJson" | "payloadTruncated">;

/** What {@link codexPendingMessages} reads. What a page has not is left out. */
export interface CodexPendingInput<Command extends CodexMessageCommand> {
  /** Oldest first. */
  readonly messages: readonly EchoMessage[];
  /** Whether they are all of the thread: what is not among them is not loaded elsewhere. */
  readonly isWhole?: boolean | undefined;
  /** What was sent, newest first. */
  readonly commands: readonly Command[];
  /** The turn that runs. */
  readonly runningTurnId?: string | undefined;
  /** As `listTurns` has them. */
  readonly turns?: readonly Pick<CodexThreadState["turns"][number], "turnId" | "status">[] | undefined;
}

/**
 * Tells what was sent and is not among the messages yet: what waits, what the machine has, and what codex has taken and not come to.
 * Codex says a message back when it reads it; until then its words are in the command alone.
 *
 * @param input the messages, and what else the page knows
 * @returns the commands, oldest first
 * @example
 * ```ts
 * const pending = codexPendingMessages({ messages: messages.results, commands: commands.results, runningTurnId });
 * const words = pending.map(({ text }) => text);
 * ```
 */
export function codexPendingMessages<Command extends CodexMessageCommand>(input: CodexPendingInput<Command>): readonly Command[] {
  return pendingAmong(input, () => codexSaidBack(input.messages));
}

/**
 * See {@link codexPendingMessages}.
 *
 * @param saidBack {@link codexSaidBack} of its messages, for who has it already; it is asked only where something was sent
 */
export function pendingAmong<Command extends CodexMessageCommand>(
  { messages, isWhole, commands, runningTurnId, turns = [] }: CodexPendingInput<Command>,
  saidBack: () => (command: Command) => boolean,
): readonly Command[] {
  const first = messages[0];
  const goingOn = new Set([runningTurnId, ...turns.flatMap(({ turnId, status }) => (status === "queued" ? [turnId] : []))]);
  // Its echo may be among what is not loaded, unless a row of another turn is before it, or one that was there when it was sent: by the
  // server's clock, as `createdAt` of a message is its machine's.
  const isLoaded = ({ createdAt, turnId }: Command) =>
    isWhole === true || first === undefined || first.turnId !== turnId || messages.some(({ updatedAt }) => updatedAt <= createdAt);
  const isTaken = (command: Command) => command.state === "accepted" && command.turnId !== undefined && goingOn.has(command.turnId) && isLoaded(command);
  const sent = commands.filter((command) => (command.kind === "turn" || command.kind === "steer") && (command.isOpen || isTaken(command)));
  if (sent.length === 0) return sent;
  const isSaid = saidBack();
  return sent.filter((command) => !isSaid(command)).reverse();
}

/**
 * Tells of a command whether codex has said its message back: one of these messages is its echo.
 *
 * @param messages those that are loaded
 * @example
 * ```ts
 * const isSaid = codexSaidBack(messages.results);
 * const unread = commands.results.filter((command) => command.kind === "steer" && !isSaid(command));
 * ```
 */
export function codexSaidBack(messages: readonly EchoMessage[]): (command: Pick<CodexMessageCommand, "commandId" | "clientTurnId" | "turnId" | "text">) => boolean {
  const ofUser = messages.filter(({ role }) => role === "user");
  const ids = new Set(ofUser.map(clientIdOf));
  // A payload that is too large for a list does not say its id.
  const texts = new Set(ofUser.flatMap(({ payloadTruncated, text }) => (payloadTruncated === true ? [text] : [])));
  // A codex that knows no such ids says none: it is told by its turn.
  const unnamed = new Set(ofUser.flatMap((message) => (typeof clientIdOf(message) === "string" ? [] : [inTurn(message.turnId, message.text)])));
  return ({ commandId, clientTurnId, turnId, text }) =>
    ids.has(commandId) || ids.has(clientTurnId ?? commandId) || texts.has(text) || (turnId !== undefined && unnamed.has(inTurn(turnId, text)));
}

/** What codex said back of messages, read where it is asked for. */
export interface SaidBack {
  readonly messages: readonly EchoMessage[];
  readonly isSaid: () => ReturnType<typeof codexSaidBack>;
}

/**
 * {@link codexSaidBack} of messages; that of `before` where what differs is no user's: codex says much before a user says more.
 */
export function saidBackOf(messages: readonly EchoMessage[], before: SaidBack | undefined): SaidBack {
  const isSame = (message: EchoMessage, other: EchoMessage | undefined) => message === other || (message.role !== "user" && other?.role !== "user");
  if (before?.messages.length === messages.length && messages.every((message, at) => isSame(message, before.messages[at]))) {
    return { messages, isSaid: before.isSaid };
  }
  let said: ReturnType<typeof codexSaidBack> | undefined;
  return { messages, isSaid: () => (said ??= codexSaidBack(messages)) };
}

function inTurn(turnId: string, text: string): string {
  return JSON.stringify([turnId, text]);
}

const clientIds = new WeakMap<EchoMessage, unknown>();

function clientIdOf(message: EchoMessage): unknown {
  if (!clientIds.has(message)) clientIds.set(message, itemOf(message.payloadJson)["clientId"]);
  return clientIds.get(message);
}
