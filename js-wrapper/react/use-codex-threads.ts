import type { CodexThreadRow } from "../host/component.js";
import { useStableSubscription } from "./subscription.js";
import type { CodexThreadsQuery, CodexThreadsQueryArgs, UseCodexThreadsResult } from "./types.js";
import { useList } from "./use-list.js";

/**
 * Follows the user's threads, live, the one last written to first.
 *
 * All of them; with `parentThreadId` in `args` the agents of that thread; with null there those that
 * are no agents. With `summary` in `args` each says how it is called or began, and how its newest turn
 * stands. A thread that did not change is the same object at the next render, and so is
 * `results`. Nothing is thrown while rendering: a failure of the query is `error`, a parent that is
 * not there is `threadStatus: "missing"`.
 *
 * @param query The host's query, e.g. `api.chat.listThreadsForHooks`.
 * @param args Its arguments without `paginationOpts`, or `"skip"`.
 * @param options How many threads to load first.
 * @returns The result of `usePaginatedQuery`.
 *
 * @example
 * ```tsx
 * const agents = useCodexThreads(
 *   api.chat.listThreadsForHooks,
 *   { parentThreadId: threadId },
 *   { initialNumItems: 20 },
 * );
 * ```
 */
export function useCodexThreads<Query extends CodexThreadsQuery>(
  query: Query,
  args: CodexThreadsQueryArgs<Query> | "skip",
  options: { initialNumItems: number },
): UseCodexThreadsResult {
  const subscription = useStableSubscription(query, args);
  return useList(subscription, options.initialNumItems, idOf, same);
}

function idOf({ threadId }: CodexThreadRow): string {
  return threadId;
}

function same(thread: CodexThreadRow): CodexThreadRow {
  return thread;
}
