/** What commands say, and under which ids they are sent. */
import { given } from "../given.js";
import type { CodexCommand, CodexCommandKind } from "../host/component.js";
import { hexOf } from "../hex.js";
import { elementsOf, fieldsOf, readObject } from "../protocol/fields.js";
import type { TurnStartParams, UserInput } from "../protocol/generated/types.js";

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
  return hexOf(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/**
 * A command once more, under an id that follows from the first: whoever sends it again, in whichever tab and how often, sends
 * one command.
 *
 * @returns the command, and of a steer what it is where its turn has ended
 */
export function sentAgain({ commandId, kind, payloadJson }: Pick<CodexCommand, "commandId" | "kind" | "payloadJson">): Wish & {
  readonly commandId: string;
  readonly asTurn?: Wish;
} {
  const id = codexCommandIdAgain(commandId);
  const { expectedTurnId, ...payload } = readObject(payloadJson) ?? {};
  const turn: Wish = { kind: "turn", payload: { ...payload, clientTurnId: id } };
  // A turn that was promoted to a steer is a turn again: it keeps the payload of one. The turn that it named has ended with it.
  if (kind === "turn" || typeof payload["clientTurnId"] === "string") return { commandId: id, ...turn };
  const same = { commandId: id, kind, payload: { ...given({ expectedTurnId }), ...payload } };
  return kind === "steer" ? { ...same, asTurn: turn } : same;
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

/**
 * The payload of a message that says something else: a text takes the place of its texts, and its images, files, skills and mentions
 * stay; a list takes the place of all.
 */
export function edited({ payloadJson }: Pick<CodexCommand, "payloadJson">, input: CodexInput, settings: CodexTurnSettings = {}): string {
  const payload = readObject(payloadJson);
  const members = typeof input === "string" ? withText(elementsOf(payload?.["input"]), input) : input;
  return payloadOf({ ...payload, input: members, ...settings });
}

function withText(members: readonly unknown[], text: string): readonly unknown[] {
  const isText = (member: unknown) => fieldsOf(member)?.["type"] === "text";
  const at = Math.max(0, members.findIndex(isText));
  const isKept = (member: unknown) => !isText(member);
  return [...members.slice(0, at).filter(isKept), ...inputOf(text), ...members.slice(at).filter(isKept)];
}
