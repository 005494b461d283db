import type { FunctionArgs, FunctionReturnType } from "convex/server";
import { useStableSubscription } from "./subscription.js";
import type { CodexThreadStateQuery } from "./types.js";
import { useAnswer } from "./use-answer.js";

/**
 * Follows what a thread is at: its newest turns, its streams, the approvals that wait.
 *
 * @param query The host's query, e.g. `api.chat.threadSnapshot`.
 * @param args Its arguments, or `"skip"`.
 * @returns What the query answers; undefined until it does, and while it fails.
 *
 * @example
 * ```tsx
 * const state = useCodexThreadState(api.chat.threadSnapshot, { threadId });
 * const isArchived = state?.threadStatus === "archived";
 * ```
 */
export function useCodexThreadState<Query extends CodexThreadStateQuery>(
  query: Query,
  args: FunctionArgs<Query> | "skip",
): FunctionReturnType<Query> | undefined {
  return useAnswer<FunctionReturnType<Query>>(useStableSubscription(query, args)).data;
}
