import { fields, numberOf, stringOf } from "./payload.js";

/** Why something failed, in words, and what was said of it. */
export interface Failure {
  /** Undefined where no code says it. */
  title: string | undefined;
  /** Codex's own words. */
  detail: string | undefined;
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
  const { message, info, more } = innermost(error, NESTING_MAX);
  const [code, status] = codeOf(info);
  const known = WORDS.get(code ?? "");
  const title = known === undefined || status === undefined ? known : `${known} (HTTP ${status})`;
  const detail = [message, more].filter((part) => part !== undefined && part !== "").join("\n");
  return { title, detail: detail === "" ? undefined : detail };
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
