import { useEffect, useMemo, useRef } from "react";
import { mergeCodexMessages, NO_MESSAGES } from "../mapping/merge.js";
import { useStableSubscription } from "./subscription.js";
import type {
  CodexMessagesPage,
  CodexMessagesQuery,
  CodexMessagesQueryArgs,
  UseCodexMessagesOptions,
  UseCodexMessagesResult,
} from "./types.js";
import { FOLLOWED, useOverlay } from "./use-overlay.js";
import { useListResult, usePages } from "./use-pages.js";

/**
 * Follows the messages of a thread, live.
 *
 * A message that did not change is the same object at the next render, and so is `results`.
 * Nothing is thrown while rendering: a failure of a query, also of the streams', is `error`, a thread that is not there
 * is `threadStatus: "missing"`.
 *
 * @param query The host's query, e.g. `api.chat.listThreadMessagesForHooks`.
 * @param args Its arguments without `paginationOpts` and `streamArgs`, or `"skip"`.
 * @param options How many messages to load first, and whether to follow running turns.
 * @returns The result of `usePaginatedQuery`, its `results` oldest first.
 *
 * @example
 * ```tsx
 * const messages = useCodexMessages(
 *   api.chat.listThreadMessagesForHooks,
 *   { actor, threadId },
 *   { initialNumItems: 30, stream: true },
 * );
 * ```
 */
export function useCodexMessages<Query extends CodexMessagesQuery>(
  query: Query,
  args: CodexMessagesQueryArgs<Query> | "skip",
  options: UseCodexMessagesOptions,
): UseCodexMessagesResult {
  const subscription = useStableSubscription(query, args);
  const isFollowing = options.stream === true;
  const pages = usePages<CodexMessagesPage>(subscription, options.initialNumItems, false, isFollowing ? FOLLOWED : undefined);
  const { overlay, error } = useOverlay(isFollowing && pages.first !== undefined ? subscription : null, pages.rows);

  const previous = useRef(NO_MESSAGES);
  const merged = useMemo(
    () => mergeCodexMessages(pages.rows, overlay, previous.current),
    [pages.rows, overlay],
  );
  useEffect(() => {
    previous.current = merged;
  }, [merged]);

  return useListResult(pages, merged.messages, error);
}
