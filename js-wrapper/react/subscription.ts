import type { FunctionReference } from "convex/server";
import { getFunctionName } from "convex/server";
import { convexToJson } from "convex/values";
import type { Value } from "convex/values";
import { useMemo } from "react";

/** A query with the app's own arguments: what pages and overlay are asked of. */
export interface Subscription {
  /** The same for the same function and equal arguments. */
  readonly key: string;
  readonly query: FunctionReference<"query">;
  readonly args: Record<string, Value>;
}

/**
 * Gives query and arguments an identity: `api.x.y` is a new object at every mention, and so are
 * arguments written in place.
 *
 * @returns The subscription, the same object while its key is the same; null for `"skip"`.
 */
export function useStableSubscription(
  query: FunctionReference<"query">,
  args: object | "skip",
): Subscription | null {
  const given = args === "skip" ? null : (args as Record<string, Value>);
  const key = given && JSON.stringify([getFunctionName(query), convexToJson(given)]);
  return useMemo(
    () => (key === null || given === null ? null : { key, query, args: given }),
    // The key stands for query and arguments.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [key],
  );
}
