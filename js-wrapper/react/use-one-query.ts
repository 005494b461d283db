import type { RequestForQueries } from "convex/react";
import { useQueries } from "convex/react";
import type { FunctionArgs, FunctionReference, FunctionReturnType } from "convex/server";
import { useMemo } from "react";
import { useStableSubscription } from "./subscription.js";

/**
 * Subscribes to one query, which is `useQuery` but for its failures: one is a value, not an exception in a render.
 *
 * @param query What to ask.
 * @param args Its arguments, or `"skip"`.
 * @returns The answer, the error that there is in its place, or undefined until there is either.
 */
export function useOneQuery<Query extends FunctionReference<"query">>(
  query: Query,
  args: FunctionArgs<Query> | "skip",
): FunctionReturnType<Query> | Error | undefined {
  const subscription = useStableSubscription(query, args);
  const queries = useMemo(
    (): RequestForQueries => (subscription === null ? {} : { one: { query: subscription.query, args: subscription.args } }),
    [subscription],
  );
  return useQueries(queries)["one"] as FunctionReturnType<Query> | Error | undefined;
}
