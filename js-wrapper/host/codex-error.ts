/** Errors of this package, as an app catches them: told by their code, never by their text. */
import type { Code } from "#wasm/devices";

/** The errors that the host helpers themselves throw. */
export type HostErrorCode =
  | "E_AUTH_SIGNED_OUT"
  | "E_AUTH_ACTOR_INVALID"
  | "E_AUTH_DEVICE_FORBIDDEN"
  | "E_SYNC_EMPTY_BATCH"
  | "E_SYNC_THREAD_MISMATCH";

/** A code of the component or of the host. A newer version may answer one that this type does not know. */
export type CodexErrorCode = Code | HostErrorCode;

/** What a coded error tells its client; in production nothing else arrives. */
export interface CodexErrorData {
  code: CodexErrorCode;
  /** Begins with `[code]`. */
  message: string;
  /** Whether the same call may succeed later. */
  retryable: boolean;
  /** What it is about: ids, who decided, what is too large. */
  [detail: string]: unknown;
}

/** An error with a code: a `ConvexError`, by whichever copy of `convex/values` it was made. */
export type CodexError = Error & { data: CodexErrorData };

const CODE = /^E_[A-Z0-9]+(?:_[A-Z0-9]+)*$/;
/** As the seed's strings have it, wherever the platform puts words around them. */
const CODE_IN_TEXT = /\[(E_[A-Z0-9]+(?:_[A-Z0-9]+)*)\]/;

/**
 * Whether a thrown value is a coded error of this package, with `data.code`, `data.message` and `data.retryable`.
 *
 * @param error what was caught
 * @example
 * ```ts
 * try {
 *   await interrupt({ threadId, turnId });
 * } catch (error) {
 *   if (!isCodexError(error) || error.data.code !== "E_AUTH_TURN_FORBIDDEN") throw error;
 * }
 * ```
 */
export function isCodexError(error: unknown): error is CodexError {
  return error instanceof Error && "data" in error && isCodexErrorData(error.data);
}

/**
 * The code of a thrown value, in either form: the data of a `ConvexError`, also where it arrived as JSON, or a text with
 * `[E_…]` in it, as the seed's package threw.
 *
 * @param error what was caught: an error, its message, or its data
 * @returns the code; null where there is none
 */
export function parseCodexErrorCode(error: unknown): CodexErrorCode | null {
  if (typeof error === "string") return codeInText(error);
  if (isCodexErrorData(error)) return error.code;
  if (typeof error !== "object" || error === null) return null;
  const { data, message } = error as { data?: unknown; message?: unknown };
  if (isCodexErrorData(data)) return data.code;
  return (typeof data === "string" ? codeInText(data) : null) ?? (typeof message === "string" ? codeInText(message) : null);
}

function codeInText(text: string): CodexErrorCode | null {
  return (CODE_IN_TEXT.exec(text)?.[1] as CodexErrorCode | undefined) ?? null;
}

/** By shape: the code is at the beginning of the message too, so that an error of the app itself is not taken for ours. */
function isCodexErrorData(data: unknown): data is CodexErrorData {
  if (typeof data !== "object" || data === null) return false;
  const { code, message, retryable } = data as Record<string, unknown>;
  if (typeof code !== "string" || typeof message !== "string" || typeof retryable !== "boolean") return false;
  return CODE.test(code) && message.startsWith(`[${code}]`);
}
