import { messageOf } from "../coded-error.js";
import { redactMessage } from "../core/bridge.js";

/** What became of a batch. */
export type Verdict =
  /** Convex has it. */
  | { readonly type: "acknowledged" }
  /** Nobody knows, or it can be otherwise later: the same batch again. */
  | { readonly type: "again"; readonly reason: string }
  /** It is as it is: after some tries the events that it lies at are given up. */
  | { readonly type: "refused"; readonly code: string; readonly message: string }
  /** The thread was deleted. */
  | { readonly type: "deleted"; readonly message: string }
  /** Another session writes the thread. */
  | { readonly type: "taken"; readonly message: string };

/** What `ingestSafe` answers, as far as it decides. */
interface IngestAnswer {
  readonly status: "ok" | "partial" | "session_recovered" | "rejected";
  readonly errors: readonly { readonly code: string; readonly message: string; readonly recoverable: boolean; readonly errorCode?: string }[];
}

/** What becomes of a batch by the answer of `ingestSafe`; a recoverable rejection is for whoever can ensure the session. */
export function verdictOfAnswer({ status, errors }: IngestAnswer): Verdict {
  const [error] = errors;
  if (status !== "rejected") return { type: "acknowledged" };
  if (error === undefined) return { type: "again", reason: "it was rejected, and nothing says why" };
  const code = error.errorCode ?? error.code;
  if (code === "E_THREAD_DELETED") return { type: "deleted", message: error.message };
  if (code === "E_SYNC_SESSION_DEVICE_MISMATCH") return { type: "taken", message: error.message };
  if (error.recoverable || !liesAtEvents(code)) return { type: "again", reason: error.message };
  return { type: "refused", code, message: error.message };
}

/** HTTP statuses of what is wrong with a request itself; any other one may be a proxy's, or pass. */
const REFUSING_STATUSES: ReadonlySet<number> = new Set([400, 413, 422]);

/** Codes beside E_SYNC_… that say what is wrong with events: the same batch meets them again, whoever sends it, and when. */
const REFUSING_CODES: ReadonlySet<string> = new Set(["E_ARGUMENTS", "E_AUTH_TURN_FORBIDDEN", "E_INTERNAL"]);

/** Any other code is of who sends, of the session, of room, or an app's own: what is given up for it would be lost for what passes. */
function liesAtEvents(code: string): boolean {
  return REFUSING_CODES.has(code) || (code.startsWith("E_SYNC_") && !code.startsWith("E_SYNC_SESSION_"));
}

/**
 * What becomes of a batch that was not answered.
 *
 * What says nothing of itself is the network's. A ConvexError is refused where its code lies at the events, unless its data say
 * `retryable`; so are arguments that the validators do not take, and E_INTERNAL, a bug that the same batch may meet again.
 */
export function verdictOfError(thrown: unknown): Verdict {
  // It is kept, with dead letters and with threads.
  const message = redactMessage(messageOf(thrown));
  const { status } = (thrown ?? {}) as { status?: unknown };
  if (typeof status === "number") return REFUSING_STATUSES.has(status) ? { type: "refused", code: `HTTP_${String(status)}`, message } : { type: "again", reason: message };
  const coded = codedOf(thrown);
  if (coded !== undefined) {
    const { code } = coded;
    if (code === "E_THREAD_DELETED") return { type: "deleted", message };
    if (code === "E_SYNC_SESSION_DEVICE_MISMATCH") return { type: "taken", message };
    const isRetryable = coded.isRetryable && code !== "E_INTERNAL";
    return isRetryable || !liesAtEvents(code) ? { type: "again", reason: `[${code}] ${message}` } : { type: "refused", code, message };
  }
  // SOURCE: convex 1.48, what a client throws of arguments and of a function that threw. Production says "Server Error" alone.
  if (message.includes("ArgumentValidationError")) return { type: "refused", code: "E_ARGUMENTS", message };
  return { type: "again", reason: message };
}

/** Codes beside those that say `retryable` which another try may not meet again: with another credential, or when the user has room. */
const PASSING_CODES: ReadonlySet<string> = new Set(["E_AUTH_EXPIRED", "E_AUTH_SIGNED_OUT", "E_AUTH_DEVICE_FORBIDDEN", "E_QUOTA"]);

/** Whether what failed, and is no batch, may succeed at another try: what waits behind it waits no longer for any other no. */
export function mayPass(thrown: unknown): boolean {
  if (verdictOfError(thrown).type !== "again") return false;
  const coded = codedOf(thrown);
  return coded === undefined || coded.isRetryable || PASSING_CODES.has(coded.code);
}

/** What a ConvexError says with a code; undefined of whatever else was thrown. */
function codedOf(thrown: unknown): { code: string; isRetryable: boolean } | undefined {
  const { data } = (thrown ?? {}) as { data?: unknown };
  if (data === null || typeof data !== "object" || !("code" in data) || typeof data.code !== "string") return undefined;
  return { code: data.code, isRetryable: "retryable" in data && data.retryable === true };
}
