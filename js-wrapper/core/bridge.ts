/** The Rust core as the bridge asks it: a module of its own, so that neither loads what only the other needs. */
import bytes from "#wasm/bytes_bridge";
import * as wasm from "#wasm/bridge";
import { Instance } from "./instance.js";

export type { LineClass } from "#wasm/bridge";

const instance = new Instance(bytes, wasm.initSync);

/**
 * What one line of the app-server is.
 *
 * @param line - one JSON value, without a line end
 * @throws CoreError where the core trapped: a bug of this software
 */
export function classifyLine(line: string): wasm.LineClass {
  return instance.ask(() => wasm.classifyLine(line));
}

/**
 * A line without its secrets, before it is kept anywhere: a message of either side, or a line of stderr. What is kept
 * is classified after this: {@link classifyLine} tells places of the line that it is given.
 *
 * @param line - the line, without a line end
 * @param request - the message that it answers, as JSON, as much as is known of it: its method, and of a question its
 *   params. An answer whose request is not given is left out as a whole.
 * @returns the line itself where it has none. JSON stays JSON; what was taken out reads `[redacted:kind]`.
 * @throws CoreError where the core trapped: a bug of this software
 */
export function redactMessage(line: string, request?: string): string {
  return instance.ask(() => wasm.redactMessage(line, request)) ?? line;
}

/** A command from afar, and what the machine that it came to knows. */
type CommandCheck = {
  /** The machine's policy file; `{}` is the default policy. */
  policyJson: string;
  /** What the machine's owner started Codex with, and what is in force in the thread. */
  settings: MachineSettings;
  /** Commands of the same user in the last minute. */
  recent: number;
  /** The request that it answers, whole, written as the command is: as `JSON.stringify` does; and whether who answers has not seen all of it. */
  asked?: { method: string; payloadJson: string; isRedacted: boolean } | undefined;
  kind: string;
  payloadJson: string;
};

/** What is in force at a machine, paths without links; what of a thread is null is not known. */
export type MachineSettings = {
  started: CodexSettings;
  thread?: { [Name in keyof CodexSettings]: CodexSettings[Name] | null } | undefined;
  files?: PolicyFiles | undefined;
};

/** The places that decide which file the policy is, and the folders for temporary files: where codex may write the policy, nothing but a stop passes. */
export type PolicyFiles = { policy: string[]; tmpdir: string; slashTmp?: string };

/** As the app-server has them: `sandboxPolicy` and `approvalPolicy` are its values, of whatever version. */
export type CodexSettings = { cwd: string; sandboxPolicy: unknown; approvalPolicy: unknown };

/**
 * Whether a command from afar may be given to Codex, by the machine's own policy.
 *
 * @param check - the command and what the machine knows
 * @returns what to send, and with which settings; or why not. What cannot be read is not allowed.
 * @throws CoreError where the core trapped: a bug of this software
 */
export function decideCommand(check: CommandCheck): wasm.PolicyAnswer {
  const { policyJson, recent, asked, kind, payloadJson } = check;
  const settingsJson = JSON.stringify(check.settings);
  return instance.ask(() => wasm.decideCommand(policyJson, settingsJson, recent, asked?.method ?? "", asked?.payloadJson ?? "", asked?.isRedacted ?? false, kind, payloadJson));
}

/** A command that no policy lets pass; a stop would, which every one does that cannot be read. */
const NO_COMMAND = { recent: 0, kind: "steer", payloadJson: "{}" };
/** With these every policy can be read that can be at all. */
const READ_ONLY = { started: { cwd: "/", sandboxPolicy: "read-only", approvalPolicy: "untrusted" } };

/**
 * What is wrong with a machine's policy, so that nothing but a stop passes.
 *
 * @param policyJson - the machine's policy file
 * @param settings - what is in force there; left out, no policy is `exposed`
 * @returns `policy` where the text is none, `exposed` where codex may write the file; undefined where it is in force
 * @throws CoreError where the core trapped: a bug of this software
 */
export function faultOfPolicy(policyJson: string, settings: MachineSettings = READ_ONLY): "policy" | "exposed" | undefined {
  const answer = decideCommand({ ...NO_COMMAND, policyJson, settings });
  const reason = answer.type === "notAllowed" ? answer.reason : undefined;
  return reason === "policy" || reason === "exposed" ? reason : undefined;
}

/**
 * What the app-server is answered with for the decision of an approval.
 *
 * @param method - the request's
 * @param payloadJson - the request, whole
 * @param decisionJson - as the app-server writes it
 * @returns the `result` of the answer, as JSON
 * @throws CoreError where the core trapped: a bug of this software
 */
export function approvalResult(method: string, payloadJson: string, decisionJson: string): string {
  return instance.ask(() => wasm.approvalResult(method, payloadJson, decisionJson));
}

/** How far a stop has come. */
type StopSoFar = {
  /** Whether the turn has ended, by Codex's word or with its process. */
  settled: boolean;
  /** The turn's requests that wait for an answer. */
  pendingRequests: number;
  /** How often `turn/interrupt` was sent, and milliseconds since the first time. */
  interrupts: number;
  elapsedMs: number;
  /** The other threads of the process in which a turn runs. */
  others: readonly string[];
  /** Whether the sender confirmed that their turns may be cut. */
  forced: boolean;
};

/**
 * What is done next for a turn that is to end.
 *
 * @param stop - how far it has come
 * @returns one step: it is asked again when that is done
 * @throws CoreError where the core trapped: a bug of this software
 */
export function planStop(stop: StopSoFar): wasm.StopStep {
  const { settled, pendingRequests, interrupts, elapsedMs, others, forced } = stop;
  return instance.ask(() => wasm.planStop(settled, pendingRequests, interrupts, elapsedMs, [...others], forced));
}
