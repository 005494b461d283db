import type { RequestForQueries } from "convex/react";
import { useQueries } from "convex/react";
import { useMemo } from "react";
import type { Subscription } from "./subscription.js";

/** What a query answers: undefined while it loads, and where nothing is asked. */
interface Answered<Answer> {
  readonly data: Answer | undefined;
  /** The query failed. It stays subscribed, and recovers when the server does. */
  readonly error: Error | undefined;
  readonly isLoading: boolean;
}

/** Follows a query. Unlike `useQuery` it throws nothing while rendering. @param subscription what to ask; null asks nothing */
export function useAnswer<Answer>(subscription: Subscription | null): Answered<Answer> {
  const queries = useMemo((): RequestForQueries => {
    if (subscription === null) return {};
    const { query, args } = subscription;
    return { answer: { query, args } };
  }, [subscription]);
  const answer = useQueries(queries)["answer"] as Answer | Error | undefined;
  if (answer instanceof Error) return { data: undefined, error: answer, isLoading: false };
  return { data: answer, error: undefined, isLoading: subscription !== null && answer === undefined };
}
