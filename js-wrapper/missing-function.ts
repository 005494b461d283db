/** What a deployment says of a function that the app does not have: the one place that knows. It runs in a page, too. */

/**
 * A development deployment names it. Whether it says `public` depends on who asked.
 *
 * SOURCE: convex-backend, `missing_or_internal_error`; get-convex/convex-js#164.
 */
const NAMED = /\bCould not find (?:public )?function for ['`"]?([\w/.:-]+)/;
/** What a production deployment makes of that, as of every failure that has no data of its own; behind what was called, where its client says that. */
const UNNAMED = /^(?:\[CONVEX [QMA]\([^)]*\)\] )?\[Request ID: [^\]]*\] Server Error\s*(?:Called by client)?\s*$/;

/** The function that a failure says to be missing; undefined where it says no such thing. */
export function missingFunctionIn(message: string): string | undefined {
  return NAMED.exec(message)?.[1]?.replace(/[.:]+$/, "");
}

/** Whether a failure says nothing of its cause: a function may be missing, or anything else be wrong. */
export function isUntoldFailure(message: string): boolean {
  return UNNAMED.test(message);
}
