import { useMemo } from "react";
import { REASONING_FOLDING, reasoningStreamed } from "../mapping/streamed.js";
import { useStableSubscription } from "./subscription.js";
import type {
  CodexStreamsQuery,
  CodexStreamsQueryArgs,
  UseCodexStreamingReasoningOptions,
  UseCodexStreamingReasoningResult,
} from "./types.js";
import { useSame, useStreamed } from "./use-streamed.js";

/**
 * Follows what the agent is thinking, by the thread's streams alone: no durable row is read. For what
 * was thought before use {@link useCodexReasoning}.
 *
 * It needs the events that ingest keeps with `saveReasoningDeltas`, which is the default; raw reasoning
 * is there only with `exposeRawReasoningDeltas`. A section whose beginning the server no longer has is
 * left out. What was thought in a turn stays when it ends, for the newest twenty turns that were followed.
 *
 * @param query A host query of streams, e.g. `api.chat.listThreadMessagesForHooks`.
 * @param args Its arguments without `paginationOpts` and `streamArgs`, or `"skip"`.
 * @param options Which turns to follow, whether any, and whether raw reasoning is shown.
 * @returns The sections in the order in which they began, the streams that are followed now, and `reset`.
 *
 * @example
 * ```tsx
 * const { results } = useCodexStreamingReasoning(api.chat.listThreadMessagesForHooks, { threadId });
 * const thought = results.at(-1)?.text;
 * ```
 */
export function useCodexStreamingReasoning<Query extends CodexStreamsQuery>(
  query: Query,
  args: CodexStreamsQueryArgs<Query> | "skip",
  options: UseCodexStreamingReasoningOptions = {},
): UseCodexStreamingReasoningResult {
  const { includeRaw = false, startOrder } = options;
  const subscription = useStableSubscription(query, args);
  const { streamed, streamIds, error, reset } = useStreamed(subscription, options, REASONING_FOLDING);
  const lists = useSame(useMemo(() => reasoningStreamed(streamed, { includeRaw }, startOrder), [streamed, includeRaw, startOrder]));
  return useMemo(
    () => ({ results: lists.flat(), streamIds: [...streamIds], reset, ...(error !== undefined && { error }) }),
    [lists, streamIds, reset, error],
  );
}
