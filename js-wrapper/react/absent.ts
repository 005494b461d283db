/** Functions that an app may not have, as the failures of queries tell. */
import { useMemo } from "react";
import { isUntoldFailure, missingFunctionIn } from "../missing-function.js";

const NOT_TAKEN = /\bArgumentValidationError\b/;

/**
 * Whether a query failed because the app does not have it. A production deployment does not say why: there each such failure counts
 * as that, where nobody said that the app has it.
 *
 * @param error what it failed with
 * @param isNamed the app's functions are an object that names this one: a generated `api` answers to every name, and has none
 */
export function isAbsent(error: Error | undefined, isNamed: boolean): boolean {
  return error !== undefined && (missingFunctionIn(error.message) !== undefined || (!isNamed && isUntoldFailure(error.message)));
}

/** Whether a query failed because it does not take all that it was asked with, as far as the deployment says why. */
export function isNotTaken(error: Error | undefined): boolean {
  return error !== undefined && (NOT_TAKEN.test(error.message) || isUntoldFailure(error.message));
}

/** What a hook returns, without the failure of a query that the app does not have; `isNamed` as {@link isAbsent} takes it. */
export function useWithoutAbsent<Result extends { readonly error?: Error | undefined }>(result: Result, isNamed: boolean): Result {
  return useMemo(() => {
    const { error, ...others } = result;
    return isAbsent(error, isNamed) ? ({ ...others, error: undefined } as unknown as Result) : result;
  }, [result, isNamed]);
}
