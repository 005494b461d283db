import { useEffect, useMemo, useRef } from "react";
import type { CodexThreadRow } from "../host/component.js";
import { useStableSubscription } from "./subscription.js";
import type {
  CodexThreadsPage,
  CodexThreadsQuery,
  CodexThreadsQueryArgs,
  UseCodexThreadsResult,
} from "./types.js";
import { pageStatus, usePages } from "./use-pages.js";

const NO_THREADS: readonly CodexThreadRow[] = [];

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
  const pages = usePages<CodexThreadsPage>(subscription, options.initialNumItems);

  const previous = useRef(NO_THREADS);
  const threads = useMemo(() => keepThreads(pages.rows, previous.current), [pages.rows]);
  useEffect(() => {
    previous.current = threads;
  }, [threads]);

  const { first, error, loadMore } = pages;
  const status = pageStatus(pages);
  return useMemo(
    () => ({
      results: threads as CodexThreadRow[],
      loadMore,
      ...status,
      ...(first?.threadStatus !== undefined && { threadStatus: first.threadStatus }),
      ...(error !== undefined && { error }),
    }),
    [threads, loadMore, status, first?.threadStatus, error],
  );
}

/** The threads as they are now, each as the object that it was where nothing of it changed. */
function keepThreads(
  rows: readonly CodexThreadRow[],
  before: readonly CodexThreadRow[],
): readonly CodexThreadRow[] {
  const known = new Map(before.map((thread) => [thread.threadId, thread]));
  const kept = rows.map((row) => {
    const thread = known.get(row.threadId);
    return thread !== undefined && isSame(thread, row) ? thread : row;
  });
  const isAsBefore = kept.length === before.length && kept.every((row, at) => row === before[at]);
  return isAsBefore ? before : kept;
}

function isSame(one: CodexThreadRow, other: CodexThreadRow): boolean {
  return (
    one.status === other.status &&
    one.updatedAt === other.updatedAt &&
    one.parentThreadId === other.parentThreadId &&
    one.name === other.name &&
    one.preview === other.preview &&
    one.turn?.turnId === other.turn?.turnId &&
    one.turn?.status === other.turn?.status
  );
}
