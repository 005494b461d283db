/** What a command's row says, in what a page needs. */
import type { CodexCommand, CodexCommandState } from "../host/component.js";
import { elementsOf, fieldsOf, readObject, textOf } from "../protocol/fields.js";

/** A command with where it stands, as a page shows it. */
export interface CodexCommandView extends CodexCommand {
  /** It is not at its end: it waits, or the machine has it. */
  readonly isOpen: boolean;
  /** It came to nothing, and its sender did not take it back: refused, expired, or nobody knows. */
  readonly isFailed: boolean;
  /** It can still be cancelled, edited and promoted: no machine has it. */
  readonly isQueued: boolean;
  /** The words of a message; empty where it is none. */
  readonly text: string;
}

const OPEN: ReadonlySet<CodexCommandState> = new Set(["queued", "leased", "delivered"]);
const FAILED: ReadonlySet<CodexCommandState> = new Set(["refused", "expired", "unknown"]);

/**
 * Whether a command is not at its end.
 *
 * @param state the command's
 * @returns true for `queued`, `leased` and `delivered`
 */
export function isCodexCommandOpen(state: CodexCommandState): boolean {
  return OPEN.has(state);
}

/**
 * Whether a command came to nothing without its sender's will. `cancelled` is its sender's will, and `unknown` counts as failed:
 * nobody knows whether Codex got it, and its sender decides whether to send it again.
 *
 * @param state the command's
 * @returns true for `refused`, `expired` and `unknown`
 */
export function isCodexCommandFailed(state: CodexCommandState): boolean {
  return FAILED.has(state);
}

/**
 * The words of a message that a command carries.
 *
 * @param command its kind and payload
 * @returns the texts of its input, a line each; empty where it is no message, or cannot be read
 * @example
 * ```ts
 * const waiting = commands.results.filter(({ isQueued }) => isQueued).map(codexCommandText);
 * ```
 */
export function codexCommandText({ kind, payloadJson }: Pick<CodexCommand, "kind" | "payloadJson">): string {
  if (kind !== "turn" && kind !== "steer") return "";
  return inputText(readObject(payloadJson)?.["input"]);
}

/** The texts of an input, a line each. */
export function inputText(input: unknown): string {
  return elementsOf(input).flatMap((member) => textOf(fieldsOf(member)?.["text"]) ?? []).join("\n");
}

/**
 * Makes one list of the newest commands and of those that are open, which may be older: each is there once.
 *
 * @param newest of a list that is loaded in part
 * @param others e.g. of the list with `open: true`
 * @returns the newest, and behind them those of the others that are not among them
 *
 * @example
 * ```ts
 * const commands = joinCodexCommands(newest.results, open.results);
 * ```
 */
export function joinCodexCommands<Command extends Pick<CodexCommand, "commandId">>(newest: readonly Command[], others: readonly Command[]): readonly Command[] {
  const known = new Set(newest.map(({ commandId }) => commandId));
  return [...newest, ...others.filter(({ commandId }) => !known.has(commandId))];
}

/** A command's row as a page shows it. */
export function toCommandView(row: CodexCommand): CodexCommandView {
  const { state } = row;
  return {
    ...row,
    isOpen: isCodexCommandOpen(state),
    isFailed: isCodexCommandFailed(state),
    isQueued: state === "queued",
    text: codexCommandText(row),
  };
}
