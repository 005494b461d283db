/** What commands say, and under which ids they are sent. */
import type { CodexCommand, CodexCommandKind } from "../host/component.js";
import type { TurnStartParams, UserInput } from "../protocol/generated/types.js";
import { readObject } from "./command-words.js";

/** What a message says: its text, or the app-server's own list of texts, images, files, skills and mentions. */
export type CodexInput = string | readonly UserInput[];

/** What a turn is asked with, beside its input. The machine's policy decides what of it passes. */
export type CodexTurnSettings = {
  readonly [Name in TurnSettings[number]]?: TurnStartParams[Name] | undefined;
};

/** As the machine's policy knows them. */
type TurnSettings = readonly ["model", "effort", "summary", "personality", "outputSchema", "cwd", "sandboxPolicy", "approvalPolicy"];

/** A command before it has an id. */
export interface Wish {
  readonly kind: CodexCommandKind;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly ttlMs?: number | undefined;
}

/** What a turn, a steer or an edit has as its input. */
export function inputOf(input: CodexInput): readonly UserInput[] {
  return typeof input === "string" ? [{ type: "text", text: input, text_elements: [] }] : input;
}

/**
 * The payload of a command as it is sent. Strings are made well-formed: half of a surrogate pair would end the connection.
 */
export function payloadOf(payload: object): string {
  return JSON.stringify(payload, (_name, value: unknown) => (typeof value === "string" ? value.toWellFormed() : value));
}

/**
 * Ids for wishes. A wish that was not confirmed keeps its id, so that making it again, by a second press of the button or after
 * an error, is the same command: it is done once.
 */
export class Wishes<Answer> {
  readonly #open = new Map<string, { readonly commandId: string; answer?: Promise<Answer> }>();
  readonly #newId: () => string;

  constructor(newId: () => string = newCommandId) {
    this.#newId = newId;
  }

  /**
   * Sends a wish, or joins its sending.
   *
   * @param wish what it is, as text: equal texts are one wish until one of them is confirmed
   * @param commandId the id, where its sender has one
   * @param send sends it under an id
   */
  send(wish: string, commandId: string | undefined, send: (commandId: string) => Promise<Answer>): Promise<Answer> {
    const key = JSON.stringify([commandId ?? null, wish]);
    const open = this.#open.get(key) ?? { commandId: commandId ?? this.#newId() };
    if (open.answer !== undefined) return open.answer;
    this.#open.set(key, open);
    const answer = send(open.commandId);
    open.answer = answer;
    answer.then(
      () => this.#open.delete(key),
      () => {
        delete open.answer;
      },
    );
    return answer;
  }
}

const UUID_BYTES = 16;

/** A new id: a UUID. A page that is not served securely has no `crypto.randomUUID`. */
export function newCommandId(): string {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition
  if (crypto.randomUUID !== undefined) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(UUID_BYTES));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/**
 * A command once more, under an id that follows from the first: whoever sends it again, in whichever tab and how often, sends
 * one command.
 */
export function sentAgain({ commandId, kind, payloadJson }: Pick<CodexCommand, "commandId" | "kind" | "payloadJson">): Wish & { commandId: string } {
  const id = codexCommandIdAgain(commandId);
  const payload = readObject(payloadJson) ?? {};
  // A turn that was promoted to a steer is a turn again: it keeps the payload of one. The turn that it named has ended with it.
  const isTurn = kind === "turn" || typeof payload["clientTurnId"] === "string";
  return isTurn ? { commandId: id, kind: "turn", payload: { ...payload, clientTurnId: id } } : { commandId: id, kind, payload };
}

/**
 * The id under which a command is sent once more: where a list has it, that was done.
 *
 * @param commandId the command's
 * @returns the next id of the same wish: `a`, `a~2`, `a~3`
 */
export function codexCommandIdAgain(commandId: string): string {
  const [, base = commandId, count = "1"] = /^(.*)~(\d+)$/s.exec(commandId) ?? [];
  return `${base}~${String(Number(count) + 1)}`;
}

/** The payload of a message with other words. */
export function edited({ payloadJson }: Pick<CodexCommand, "payloadJson">, input: CodexInput, settings: CodexTurnSettings = {}): string {
  return payloadOf({ ...readObject(payloadJson), input: inputOf(input), ...settings });
}
