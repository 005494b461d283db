/** A command from afar, as the machine gives it to Codex: what its policy let through, and nothing else of what was sent. */
import { decideCommand, type MachineSettings } from "../core/bridge.js";
import { given } from "../given.js";
import { type Fields, readObject } from "../protocol/fields.js";
import type { LeasedCommand } from "./persistence.js";
import { withRealPaths } from "./real-paths.js";
import type { ServerRequest } from "./server-requests.js";

/** The machine's own side, which no command can change. */
export interface Machine {
  /** The text of its policy file, paths without links; `{}` is the default policy, and what cannot be read lets nothing but a stop pass. */
  policyJson: () => string;
  /** What its owner started Codex with, and what is in force in the thread. */
  settings: (threadId: string) => MachineSettings;
  /** The folder that a turn is given where it names none, so that codex goes where the policy looked; undefined where it does so by itself. */
  ownCwd?: (threadId: string) => string | undefined;
  /**
   * The request of the app-server that a command answers.
   *
   * @returns null where no such request waits: it was answered, its turn is over, or its process
   */
  request: (threadId: string, request: RequestName) => WaitingRequest | null;
}

/** A request of the app-server that nobody has answered. */
interface WaitingRequest {
  request: ServerRequest;
  /** Of its `payloadJson` as Convex has it, in hexadecimal: an answer that says what it was shown is held to it. */
  payloadSha256: string;
  /** Whether parts of what it is about were redacted: who answers has not seen them. */
  isRedacted: boolean;
}

/** Which request of the app-server; ids begin at 0 in every process, so that what is not named is whatever process runs. */
export interface RequestName {
  requestId: string | number;
  runtimeId?: string;
  generation?: number;
  appGeneration?: number;
}

interface Claimed {
  readonly threadId: string;
  readonly commandId: string;
}

/** What `turn/start` takes beside the app-server's thread id. */
interface TurnParams {
  readonly input: readonly unknown[];
  /** What Codex gives back as the message's `clientId`. */
  readonly clientUserMessageId: string;
  readonly model?: unknown;
  readonly effort?: unknown;
  readonly summary?: unknown;
  readonly personality?: unknown;
  readonly outputSchema?: unknown;
  readonly cwd?: string;
  readonly sandboxPolicy?: unknown;
  readonly approvalPolicy?: unknown;
}

/** What `turn/steer` takes beside the app-server's thread id. */
interface SteerParams {
  readonly expectedTurnId: string;
  readonly input: readonly unknown[];
  readonly clientUserMessageId: string;
}

export type TurnCommand = Claimed & { readonly kind: "turn"; readonly params: TurnParams };
export type SteerCommand = Claimed & { readonly kind: "steer"; readonly params: SteerParams };
/** `force`: a restart of the process may cut the turns of other threads. */
export type InterruptCommand = Claimed & { readonly kind: "interrupt"; readonly turnId: string; readonly force: boolean };
/** `request`: the one that was shown; another may wait under its id when this is given. `decision` as the app-server takes it. */
export type DecideCommand = Claimed & { readonly kind: "decide"; readonly request: ServerRequest; readonly decision: unknown };
/** `answer`: the result of the app-server's request. */
export type AnswerCommand = Claimed & { readonly kind: "answer"; readonly request: ServerRequest; readonly answer: object };
export type ClaimedCommand = TurnCommand | SteerCommand | InterruptCommand | DecideCommand | AnswerCommand;

/** What a command was refused with before Codex. */
export interface RefusedClaim {
  readonly kind: "refused";
  readonly code: string;
  /** What of it the policy does not let pass, in words. */
  readonly message?: string;
}

/** What a turn sets beside what the policy decides. The policy lets no other member pass. */
const TURN_SETTINGS = ["model", "effort", "summary", "personality", "outputSchema"] as const;

/** What Codex is given as the id of a command's message, and gives back with it: the id of the turn that shows it, else its own. */
export function echoIdOf({ commandId, payloadJson }: Pick<LeasedCommand, "commandId" | "payloadJson">): string {
  const clientTurnId = readObject(payloadJson)?.["clientTurnId"];
  return typeof clientTurnId === "string" ? clientTurnId : commandId;
}

/**
 * Asks the machine's policy, and reads what it lets through.
 *
 * @param recent commands that passed in the last minute
 * @returns the command; or why it is refused: `E_COMMAND_NOT_ALLOWED`, `E_REQUEST_NOT_PENDING`, `E_APPROVAL_CHANGED`,
 *   `E_APPROVAL_REDACTED`, `E_COMMAND_TARGET_GONE`
 */
export function claim(machine: Machine, threadId: string, leased: LeasedCommand, recent: number): ClaimedCommand | RefusedClaim {
  const { commandId, kind, payloadJson, turnId } = leased;
  const sent = readObject(payloadJson);
  const payload = { ...withRealPaths(sent ?? {}) };
  if (kind === "turn") payload["cwd"] ??= machine.ownCwd?.(threadId);
  const answers = kind === "decide" || kind === "answer";
  const waiting = answers ? machine.request(threadId, requestName(payload)) : null;
  if (answers && waiting === null) return refused("E_REQUEST_NOT_PENDING");
  if (waiting !== null && !isOfShown(payload, waiting)) return refused("E_APPROVAL_CHANGED");
  const asked = waiting === null ? undefined : { method: waiting.request.method, payloadJson: asWritten(waiting.request.payloadJson), isRedacted: waiting.isRedacted };
  const check = { policyJson: machine.policyJson(), settings: settingsFor(machine, threadId, kind), recent, asked };
  const answer = decideCommand({ ...check, kind, payloadJson: sent === undefined ? payloadJson : JSON.stringify(payload) });
  if (answer.type === "notAllowed") return { ...refused(answer.code), message: answer.message };
  const claimed = { threadId, commandId };
  const message = { input: payload["input"] as unknown[], clientUserMessageId: echoIdOf(leased) };
  switch (kind) {
    case "turn": {
      const { cwd, sandboxPolicyJson, approvalPolicyJson } = answer;
      const sandboxPolicy = sandboxPolicyJson === undefined ? undefined : (JSON.parse(sandboxPolicyJson) as unknown);
      const approvalPolicy = approvalPolicyJson === undefined ? undefined : (JSON.parse(approvalPolicyJson) as unknown);
      const settings = Object.fromEntries(TURN_SETTINGS.map((name) => [name, payload[name] ?? undefined]));
      return { ...claimed, kind, params: { ...message, ...given({ ...settings, cwd, sandboxPolicy, approvalPolicy }) } };
    }
    case "steer":
      if (turnId === undefined) return refused("E_COMMAND_TARGET_GONE");
      return { ...claimed, kind, params: { expectedTurnId: turnId, ...message } };
    case "interrupt":
      if (turnId === undefined) return refused("E_COMMAND_TARGET_GONE");
      return { ...claimed, kind, turnId, force: payload["force"] === true };
    case "decide":
    case "answer": {
      if (waiting === null) return refused("E_REQUEST_NOT_PENDING");
      const { request } = waiting;
      return kind === "decide" ? { ...claimed, kind, request, decision: payload["decision"] } : { ...claimed, kind, request, answer: payload["answer"] as object };
    }
  }
}

/** A stop waits for none: whoever keeps codex from telling them does not make it unstoppable. */
function settingsFor(machine: Machine, threadId: string, kind: LeasedCommand["kind"]): MachineSettings {
  try {
    return machine.settings(threadId);
  } catch (thrown) {
    if (kind !== "interrupt") throw thrown;
    return { started: { cwd: "", sandboxPolicy: null, approvalPolicy: null } };
  }
}

/** Whether it is about what was shown, where it says so: who has to say so, the policy knows. */
function isOfShown({ shownSha256 }: Fields, { payloadSha256 }: WaitingRequest): boolean {
  if (shownSha256 === undefined || shownSha256 === null) return true;
  return typeof shownSha256 === "string" && shownSha256.toLowerCase() === payloadSha256.toLowerCase();
}

/** As a command is written here: the policy compares texts. */
function asWritten(json: string): string {
  const read = readObject(json);
  return read === undefined ? json : JSON.stringify(read);
}

function refused(code: string): RefusedClaim {
  return { kind: "refused", code };
}

/** The component has checked them; what is none names no request that waits. Of what a client sent, null is none. */
function requestName({ requestId, runtimeId, generation, appGeneration }: Fields): RequestName {
  const process = { runtimeId: runtimeId ?? undefined, generation: generation ?? undefined, appGeneration: appGeneration ?? undefined };
  return { requestId, ...given(process) } as RequestName;
}
