import { useQueries } from "convex/react";
import { getFunctionName, type FunctionArgs, type FunctionReference, type FunctionReturnType } from "convex/server";
import { convexToJson, type Value } from "convex/values";
import { useMemo } from "react";

/** What a query answers: undefined while it loads, and where it failed or nothing is asked. */
export interface Answered<Answer> {
  data: Answer | undefined;
  error: Error | undefined;
}

/** Follows a query. Unlike `useQuery` it throws nothing while rendering: what failed is one part of the page, not all of it. */
export function useAnswer<Query extends FunctionReference<"query">>(
  query: Query,
  args: FunctionArgs<Query> | "skip",
): Answered<FunctionReturnType<Query>> {
  const given = args === "skip" ? null : (args as Record<string, Value>);
  const key = given && JSON.stringify([getFunctionName(query), convexToJson(given)]);
  const queries = useMemo(
    () => (given === null ? {} : { answer: { query, args: given } }),
    // The key stands for query and arguments.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [key],
  );
  const answer = useQueries(queries)["answer"] as FunctionReturnType<Query> | Error | undefined;
  if (answer instanceof Error) return { data: undefined, error: answer };
  return { data: answer, error: undefined };
}
