import type { PaginationResult } from "convex/server";
import { ConvexError } from "convex/values";
import { isCodexError, type HostErrorCode } from "./codex-error.js";

/** An error as the component throws it: production shows clients nothing but its data. */
export function hostError(code: HostErrorCode, message: string, detail: Record<string, string> = {}): ConvexError<Record<string, string | boolean>> {
  return new ConvexError({ code, message: `[${code}] ${message}`, retryable: false, ...detail });
}

export const THREAD_IS_MISSING = ["E_AUTH_THREAD_FORBIDDEN"];
export const TURN_IS_MISSING = ["E_AUTH_THREAD_FORBIDDEN", "E_AUTH_TURN_FORBIDDEN"];

/** The answer, or `missing` where the component says by one of `codes` that there is nothing for this actor. */
export async function orMissing<Answer>(answer: Promise<Answer>, codes: readonly string[], missing: () => Answer): Promise<Answer> {
  try {
    return await answer;
  } catch (thrown) {
    if (!isCodexError(thrown) || !codes.includes(thrown.data.code)) throw thrown;
    return missing();
  }
}

/** A page; of a thread that is not there (yet) an empty one that says so. */
export function pageOrMissing<Row>(page: Promise<PaginationResult<Row>>): Promise<PaginationResult<Row> & { threadStatus?: "missing" }> {
  const missing = { page: [], isDone: true, continueCursor: "", threadStatus: "missing" as const };
  return orMissing<PaginationResult<Row> & { threadStatus?: "missing" }>(page, THREAD_IS_MISSING, () => missing);
}
