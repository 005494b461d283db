/** Functions that an app may not have, as the failures of queries tell. */
import { useMemo } from "react";

/** SOURCE: convex-backend, `missing_or_internal_error`. */
const NOT_FOUND = /\bCould not find public function for\b/;
const NOT_TAKEN = /\bArgumentValidationError\b/;
/** What a production deployment makes of these, as of every failure that has no data of its own. */
const HIDDEN = /^\[CONVEX Q\([^)]*\)\] \[Request ID: [^\]]*\] Server Error\s*(?:Called by client)?\s*$/;

/**
 * Whether a query failed because the app does not have it. A production deployment does not say why: there each such failure counts
 * as that, where nobody said that the app has it.
 *
 * @param error what it failed with
 * @param isNamed the app's functions are an object that names this one: a generated `api` answers to every name, and has none
 */
export function isAbsent(error: Error | undefined, isNamed: boolean): boolean {
  return error !== undefined && (NOT_FOUND.test(error.message) || (!isNamed && HIDDEN.test(error.message)));
}

/** Whether a query failed because it does not take all that it was asked with, as far as the deployment says why. */
export function isNotTaken(error: Error | undefined): boolean {
  return error !== undefined && (NOT_TAKEN.test(error.message) || HIDDEN.test(error.message));
}

/** What a hook returns, without the failure of a query that the app does not have. */
export function useWithoutNotFound<Result extends { readonly error?: Error | undefined }>(result: Result): Result {
  return useMemo(() => {
    const { error, ...others } = result;
    return error !== undefined && NOT_FOUND.test(error.message) ? ({ ...others, error: undefined } as unknown as Result) : result;
  }, [result]);
}
