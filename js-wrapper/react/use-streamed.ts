import type { RequestForQueries } from "convex/react";
import { useQueries } from "convex/react";
import { useEffect, useMemo, useRef, useState } from "react";
import { isSameList } from "../mapping/identity.js";
import type { CodexStreamsResult } from "../mapping/index.js";
import { foldStreamed, nothingStreamed, type Streamed, type StreamedFolding } from "../mapping/streamed.js";
import type { Subscription } from "./subscription.js";
import type { UseCodexStreamingOptions } from "./types.js";
import { NO_ROWS, useFollowed, type Fold } from "./use-followed.js";

/** Which streams to follow: those listed; "all" that are live; null while the list is not there. */
type Listed = ReadonlySet<string> | "all" | null;

/**
 * Follows what a subscription's streams alone tell.
 *
 * @param subscription What to follow; null follows nothing.
 * @param options Which streams, and whether any.
 * @param folding How what is read is kept: a constant.
 */
export function useStreamed<Live>(
  subscription: Subscription | null,
  { startOrder, enabled = true }: UseCodexStreamingOptions,
  folding: StreamedFolding<Live>,
): { streamed: Streamed<Live>; streamIds: readonly string[]; error: Error | undefined; reset: () => void } {
  const given = enabled ? subscription : null;
  const { listed, error: listError } = useListed(given, startOrder);
  const fold = useMemo<Fold<Streamed<Live>>>(
    () => (streamed, asked, answer) => foldStreamed(streamed, asked, listedOnly(answer, listed), folding),
    [listed, folding],
  );
  const { followed: streamed, error, reset } = useFollowed(listed === null ? null : given, nothingStreamed<Live>(), fold);
  const streamIds = useMemo(() => [...streamed.following.streams.keys()], [streamed]);
  return { streamed, streamIds: useSame(streamIds), error: listError ?? error, reset };
}

/** The list as it was before where nothing in it is another. */
export function useSame<Row>(rows: readonly Row[]): readonly Row[] {
  const previous = useRef(rows);
  const same = useMemo(() => {
    const { current } = previous;
    return isSameList(current, rows) ? current : rows;
  }, [rows]);
  useEffect(() => {
    previous.current = same;
  }, [same]);
  return same;
}

/** The streams of turns at or after `startOrder`; those known before while another list loads. */
function useListed(subscription: Subscription | null, startOrder: number | undefined): { listed: Listed; error: Error | undefined } {
  const queries = useMemo((): RequestForQueries => {
    if (subscription === null || startOrder === undefined) return {};
    const { query, args } = subscription;
    const streamArgs = { kind: "list", startOrder };
    return { list: { query, args: { ...args, paginationOpts: NO_ROWS, streamArgs } } };
  }, [subscription, startOrder]);
  const answer = useQueries(queries)["list"] as { streams?: CodexStreamsResult } | Error | null | undefined;

  const key = subscription?.key ?? null;
  const [known, setKnown] = useState<{ key: string | null; ids: ReadonlySet<string> | null }>({ key, ids: null });
  useEffect(() => {
    if (answer === undefined || answer === null || answer instanceof Error) return;
    const ids = new Set(answer.streams?.streams.map(({ streamId }) => streamId));
    setKnown((before) => {
      const isSame = before.key === key && before.ids?.size === ids.size && [...ids].every((id) => before.ids?.has(id));
      return isSame ? before : { key, ids };
    });
  }, [key, answer]);
  const error = answer instanceof Error ? answer : undefined;
  if (startOrder === undefined) return { listed: "all", error };
  return { listed: known.key === key ? known.ids : null, error };
}

function listedOnly(answer: CodexStreamsResult, listed: Listed): CodexStreamsResult {
  if (listed === "all" || answer === undefined) return answer;
  return { ...answer, streams: answer.streams.filter(({ streamId }) => listed?.has(streamId)) };
}
