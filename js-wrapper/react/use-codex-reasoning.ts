import { useEffect, useMemo, useRef } from "react";
import { mergeCodexReasoning, NO_REASONING, tailsOfReasoning } from "../mapping/merge-reasoning.js";
import { useStableSubscription } from "./subscription.js";
import type {
  CodexReasoningPage,
  CodexReasoningQuery,
  CodexReasoningQueryArgs,
  UseCodexReasoningOptions,
  UseCodexReasoningResult,
} from "./types.js";
import { FOLLOWED, useOverlay } from "./use-overlay.js";
import { useListResult, usePages } from "./use-pages.js";

/**
 * Follows what was thought in a thread, live: sections, each joined of its pieces.
 *
 * Raw reasoning is shown where `includeRaw` is among `args`, the server consents, and it was kept. A
 * section that did not change is the same object at the next render, and so is `results`. Nothing is
 * thrown while rendering: a failure of a query, also of the streams', is `error`, a thread that is not there is
 * `threadStatus: "missing"`.
 *
 * @param query The host's query, e.g. `api.chat.listThreadReasoningForHooks`.
 * @param args Its arguments without `paginationOpts` and `streamArgs`, or `"skip"`.
 * @param options How many items to load first, and whether to follow running turns.
 * @returns The result of `usePaginatedQuery`, its `results` oldest first.
 *
 * @example
 * ```tsx
 * const reasoning = useCodexReasoning(
 *   api.chat.listThreadReasoningForHooks,
 *   { threadId, includeRaw: true },
 *   { initialNumItems: 20, stream: true },
 * );
 * ```
 */
export function useCodexReasoning<Query extends CodexReasoningQuery>(
  query: Query,
  args: CodexReasoningQueryArgs<Query> | "skip",
  options: UseCodexReasoningOptions,
): UseCodexReasoningResult {
  const includeRaw = args !== "skip" && (args as { includeRaw?: unknown }).includeRaw === true;
  const subscription = useStableSubscription(query, args);
  const isFollowing = options.stream === true;
  const pages = usePages<CodexReasoningPage>(subscription, options.initialNumItems, false, isFollowing ? FOLLOWED : undefined);
  const tails = useMemo(() => tailsOfReasoning(pages.rows), [pages.rows]);
  const { overlay, error } = useOverlay(isFollowing && pages.first !== undefined ? subscription : null, tails);

  const previous = useRef(NO_REASONING);
  const merged = useMemo(
    () => mergeCodexReasoning(pages.rows, overlay, { includeRaw }, previous.current),
    [pages.rows, overlay, includeRaw],
  );
  useEffect(() => {
    previous.current = merged;
  }, [merged]);

  return useListResult(pages, merged.sections, error);
}
