import type { RequestForQueries } from "convex/react";
import { useQueries } from "convex/react";
import { useCallback, useEffect, useMemo, useState } from "react";
import type { CodexStreamCursor, CodexStreamsResult } from "../mapping/index.js";
import type { Subscription } from "./subscription.js";

/** A reader of streams reads no rows of its own. */
export const NO_ROWS = { cursor: null, numItems: 0 };

/** What was read of streams, and where to go on. */
interface Followed {
  readonly cursors: readonly CodexStreamCursor[];
}

/** Folds the answer to `asked` into what was read; the same object when it holds nothing new. */
export type Fold<State extends Followed> = (
  state: State,
  asked: readonly CodexStreamCursor[],
  answer: CodexStreamsResult,
) => State;

/**
 * Follows a subscription's streams, by one query at the cursors read so far. While that query loads
 * or fails, what was folded before stays.
 *
 * @param subscription What to follow; null follows nothing.
 * @param none What is read where nothing is.
 * @param fold Pure. Another function folds the last answer once more.
 * @returns What was read, what the query failed with, and what forgets what was read: the streams are then read anew from their
 *   beginning.
 */
export function useFollowed<State extends Followed>(
  subscription: Subscription | null,
  none: State,
  fold: Fold<State>,
): { followed: State; error: Error | undefined; reset: () => void } {
  const key = subscription?.key ?? null;
  const [state, setState] = useState({ key, followed: none });
  let { followed } = state;
  if (state.key !== key) {
    followed = none;
    setState({ key, followed });
  }

  const { cursors } = followed;
  const queries = useMemo((): RequestForQueries => {
    if (subscription === null) return {};
    const { query, args } = subscription;
    const streamArgs = { kind: "deltas", cursors: cursors.map((cursor) => ({ ...cursor })) };
    return { streams: { query, args: { ...args, paginationOpts: NO_ROWS, streamArgs } } };
  }, [subscription, cursors]);
  const answer = useQueries(queries)["streams"] as { streams?: CodexStreamsResult } | Error | null | undefined;

  useEffect(() => {
    if (answer === undefined || answer === null || answer instanceof Error) return;
    setState((before) => {
      // What was read of another subscription is no part of it.
      const read = before.key === key ? before.followed : none;
      const next = fold(read, cursors, answer.streams);
      return next === before.followed ? before : { key, followed: next };
    });
  }, [key, none, cursors, answer, fold]);

  /** One that is of a subscription that was left does nothing. */
  const reset = useCallback(() => setState((before) => (before.key === key ? { key, followed: none } : before)), [key, none]);
  return { followed, error: answer instanceof Error ? answer : undefined, reset };
}
