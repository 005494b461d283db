import type { CodexErrorCode } from "convex-codex-local/react";
import { parseCodexErrorCode } from "convex-codex-local/react";
import { fields, numberOf, stringOf } from "./payload.js";

/** Why something failed, in words, and what was said of it. */
export interface Failure {
  /** Undefined where no code says it. */
  title: string | undefined;
  /** Codex's own words. */
  detail: string | undefined;
}

/** Codes that a machine refuses a command with, beside those of the deployment. */
type MachineCode = "E_THREAD_BUSY" | "E_COMMAND_NEEDS_FORCE" | "E_COMMAND_TURN_STUCK" | "E_UNSUPPORTED_BY_APP_SERVER";

/** What a person at the page can meet. */
const CODE_WORDS: ReadonlyMap<string, string> = new Map<CodexErrorCode | MachineCode, string>([
  ["E_AUTH_SIGNED_OUT", "You are signed out, or your sign-in has expired."],
  ["E_AUTH_ACTOR_INVALID", "The deployment cannot tell who you are."],
  ["E_AUTH_THREAD_FORBIDDEN", "There is no such thread, or it belongs to someone else."],
  ["E_AUTH_TURN_FORBIDDEN", "That turn is no longer there."],
  ["E_THREAD_ARCHIVED", "The thread is archived: it takes no new turn."],
  ["E_THREAD_DELETED", "The thread was deleted."],
  ["E_THREAD_BUSY", "Another Codex has the thread."],
  ["E_COMMAND_NOT_FOUND", "It is no longer there."],
  ["E_COMMAND_NOT_ALLOWED", "The machine does not allow it from afar."],
  ["E_COMMAND_ABANDONED", "The machine took it three times and did nothing."],
  ["E_COMMAND_TARGET_GONE", "What it was about is over."],
  ["E_COMMAND_REFUSED", "Codex refused it."],
  ["E_COMMAND_NEEDS_FORCE", "To end it, turns of other threads would have to be cut."],
  ["E_COMMAND_TURN_STUCK", "The turn does not end, and its Codex is not the bridge’s to start anew."],
  ["E_UNSUPPORTED_BY_APP_SERVER", "This Codex does not know how."],
  ["E_COMMAND_INVALID", "Codex could not read it."],
  ["E_COMMAND_TOO_LARGE", "It is longer than 64 KiB: put it into a file on the machine."],
  ["E_COMMAND_ID_REUSED", "Something else was sent in its place before."],
  ["E_COMMAND_TOO_LATE", "It is on its way already, or done."],
  ["E_COMMAND_EXPIRED", "No machine took it in time."],
  ["E_COMMAND_CANCELLED", "It was taken back before Codex had it."],
  ["E_COMMAND_UNKNOWN", "Nobody knows whether Codex got it."],
  ["E_APPROVAL_NOT_FOUND", "It is no longer asked."],
  ["E_APPROVAL_NOT_PENDING", "It was decided elsewhere, or waits no more."],
  ["E_APPROVAL_CHANGED", "What is asked has changed: look at it again."],
  ["E_APPROVAL_NOT_OFFERED", "Codex does not offer this decision."],
  ["E_APPROVAL_TOO_LARGE", "It is over 256 KiB: it can only be declined."],
  ["E_APPROVAL_REDACTED", "Parts of it look like secrets and were left out: it can only be declined here."],
  ["E_REQUEST_NOT_FOUND", "It is no longer asked."],
  ["E_REQUEST_NOT_PENDING", "It was answered elsewhere, or waits no more."],
  ["E_QUOTA", "There is no room for another: finish, take back or delete something first."],
  ["E_JOB_NOT_FOUND", "There is no such deletion any more."],
  ["E_JOB_TOO_LATE", "The deletion has begun: it cannot be taken back."],
  ["E_CURSOR_INVALID", "What was being read has changed: read it anew."],
  ["E_INTERNAL", "A fault of the deployment’s software: nothing was changed."],
]);
const CODE = /^E_[A-Z0-9]+(?:_[A-Z0-9]+)*$/;

/** What Convex puts around a failure of a function. */
const OF_CONVEX = /^\[CONVEX /;
const NO_SUCH_FUNCTION = /Could not find public function/;
const NAMELESS = "It did not work.";
const SAID_UNITS_MAX = 300;

/**
 * Says in a sentence why something did not work: a query that failed, a call that was refused, a command or a turn that ended with a code.
 *
 * ```ts
 * failureWords("E_COMMAND_EXPIRED"); // "No machine took it in time."
 * failureWords(threads.error); // "You are signed out, or your sign-in has expired."
 * ```
 *
 * @param error what was caught, or a code by itself
 * @returns the sentence; what an app says in an error of its own is said as it is
 */
export function failureWords(error: unknown): string {
  const code = typeof error === "string" && CODE.test(error) ? error : parseCodexErrorCode(error);
  if (code !== null) return CODE_WORDS.get(code) ?? `It did not work (${code}).`;
  const { data, message } = fields(error);
  const said = stringOf(data) ?? stringOf(fields(data)["message"]) ?? stringOf(message) ?? stringOf(error) ?? "";
  if (NO_SUCH_FUNCTION.test(said)) return "The deployment does not have what this page asks for: its functions are older, or another app’s.";
  if (OF_CONVEX.test(said)) return "The deployment failed at it.";
  return said === "" ? NAMELESS : said.slice(0, SAID_UNITS_MAX);
}

// A map: the code is Codex's to choose.
const WORDS = new Map([
  ["contextWindowExceeded", "The conversation has become too long for the model"],
  ["sessionBudgetExceeded", "The session's budget is used up"],
  ["usageLimitExceeded", "The account's usage limit is reached"],
  ["rateLimitExceeded", "Too many requests in a short time"],
  ["flexUnavailable", "The cheaper service has no room at the moment"],
  ["serverOverloaded", "The model's servers are overloaded"],
  ["modelNotFound", "There is no such model"],
  ["policyCapacityUnavailable", "The model's servers are overloaded"],
  ["inferenceHookDenied", "A hook did not let the request pass"],
  ["cyberPolicy", "The request was refused by a policy of the model's provider"],
  ["misalignmentPolicyViolation", "The turn was stopped by a policy of the model's provider"],
  ["tooManyDenials", "Too many requests were declined"],
  ["httpConnectionFailed", "The model could not be reached"],
  ["responseStreamConnectionFailed", "The model could not be reached"],
  ["internalServerError", "The model's servers failed"],
  ["unauthorized", "Codex is not signed in, or its sign-in is no longer valid"],
  ["badRequest", "The model did not accept the request"],
  ["threadRollbackFailed", "The thread could not be taken back"],
  ["sandboxError", "The sandbox failed"],
  ["responseStreamDisconnected", "The connection to the model broke off"],
  ["responseTooManyFailedAttempts", "The model did not answer, after several tries"],
  ["activeTurnNotSteerable", "What runs at the moment takes no further input"],
]);
/** A provider's answer may hold another one, and that a third. */
const NESTING_MAX = 6;

/** Whether a turn ended because its sender took it back: nothing went wrong. */
export function isTakenBack(error: unknown): boolean {
  return error === "E_COMMAND_CANCELLED";
}

/**
 * Puts an error of Codex into words.
 *
 * ```ts
 * describeFailure({ message: "Quota exceeded.", codexErrorInfo: "usageLimitExceeded" });
 * // { title: "The account's usage limit is reached", detail: "Quota exceeded." }
 * ```
 *
 * @param error a turn's or a message's `error`, or the app-server's error object, or either as JSON
 * @returns what is said of it
 */
export function describeFailure(error: unknown): Failure {
  // What a turn ends with that somebody stopped without a word.
  if (error === "interrupted") return { title: "Interrupted", detail: undefined };
  // A turn that never began has its command's.
  if (typeof error === "string" && CODE.test(error)) return { title: withoutStop(failureWords(error)), detail: undefined };
  const { message, info, more } = innermost(error, NESTING_MAX);
  const [code, status] = codeOf(info);
  const known = WORDS.get(code ?? "");
  const title = known === undefined || status === undefined ? known : `${known} (HTTP ${status})`;
  const detail = [message, more].filter((part) => part !== undefined && part !== "").join("\n");
  return { title, detail: detail === "" ? undefined : detail };
}

/** A title gets its full stop where it is shown. */
function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}

interface Told {
  message: string | undefined;
  info: unknown;
  more: string | undefined;
}

function innermost(error: unknown, nesting: number): Told {
  if (typeof error === "string") {
    const parsed = nesting > 0 ? parseObject(error) : undefined;
    return parsed === undefined
      ? { message: error, info: undefined, more: undefined }
      : innermost(parsed, nesting - 1);
  }
  const { error: inner, message, codexErrorInfo, additionalDetails } = fields(error);
  if (inner !== undefined && inner !== null && nesting > 0) return innermost(inner, nesting - 1);
  const told = stringOf(message);
  return {
    message:
      told === undefined || nesting === 0 ? told : (innermost(told, nesting - 1).message ?? told),
    info: codexErrorInfo,
    more: stringOf(additionalDetails),
  };
}

function parseObject(text: string): object | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return fields(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function codeOf(info: unknown): [code: string | undefined, status: number | undefined] {
  if (typeof info === "string") return [info, undefined];
  const [entry] = Object.entries(fields(info));
  return entry === undefined
    ? [undefined, undefined]
    : [entry[0], numberOf(fields(entry[1])["httpStatusCode"])];
}
