import { useMemo } from "react";
import { MESSAGES_FOLDING, messagesStreamed } from "../mapping/streamed.js";
import { useStableSubscription } from "./subscription.js";
import type {
  CodexStreamsQuery,
  CodexStreamsQueryArgs,
  UseCodexStreamingMessagesResult,
  UseCodexStreamingOptions,
} from "./types.js";
import { useSame, useStreamed } from "./use-streamed.js";

/**
 * Follows the messages and plans that the agent is writing, by the thread's streams alone: no durable
 * row is read. For a thread with its history use {@link useCodexMessages}.
 *
 * A message whose beginning the server no longer has is left out until it ends, when its whole text is
 * told. What a turn wrote stays when it ends, as it ended, for the newest twenty turns that were
 * followed; a turn that had ended before is not shown. Nothing is thrown while rendering, and while
 * a query fails, which is `error`, what was read stays.
 *
 * @param query A host query of streams, e.g. `api.chat.listThreadMessagesForHooks`.
 * @param args Its arguments without `paginationOpts` and `streamArgs`, or `"skip"`.
 * @param options Which turns to follow, and whether any.
 * @returns The messages, each turn's by `lastCursor`, the streams that are followed now, and `reset`.
 *
 * @example
 * ```tsx
 * const { results, streamIds } = useCodexStreamingMessages(api.chat.listThreadMessagesForHooks, { threadId });
 * const isWriting = streamIds.length > 0;
 * ```
 */
export function useCodexStreamingMessages<Query extends CodexStreamsQuery>(
  query: Query,
  args: CodexStreamsQueryArgs<Query> | "skip",
  options: UseCodexStreamingOptions = {},
): UseCodexStreamingMessagesResult {
  const subscription = useStableSubscription(query, args);
  const { streamed, streamIds, error, reset } = useStreamed(subscription, options, MESSAGES_FOLDING);
  const lists = useSame(useMemo(() => messagesStreamed(streamed, options.startOrder), [streamed, options.startOrder]));
  return useMemo(
    () => ({ results: lists.flat(), streamIds: [...streamIds], reset, ...(error !== undefined && { error }) }),
    [lists, streamIds, reset, error],
  );
}
