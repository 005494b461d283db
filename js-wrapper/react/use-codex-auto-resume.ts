import type { RequestForQueries } from "convex/react";
import { useQueries } from "convex/react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { foldResumed, resumeAt, withoutRead, type Resumed } from "./resumed.js";
import { useStableSubscription } from "./subscription.js";
import type {
  CodexResumedStream,
  CodexResumeStreamQuery,
  CodexResumeStreamQueryArgs,
  UseCodexAutoResumeOptions,
  UseCodexAutoResumeResult,
} from "./types.js";

const DELTAS_KEPT = 5_000;

/**
 * Reads one turn's stream from a cursor on and follows it: for a reader who keeps its own place. For
 * messages use {@link useCodexMessages}, which does this by itself.
 *
 * Each event is read once. Where the server no longer has what comes next (its window is not `ok`), what
 * was read is dropped and the reading goes on where the server says. Another thread or turn, or another
 * `initialCursor`, begins anew. Nothing is thrown while rendering; while the query fails what was read stays.
 *
 * @param query The host's query, e.g. `api.chat.resumeStreamReplay`.
 * @param args Its arguments without `fromCursor`, or `"skip"`.
 * @param options Where to begin, how much to keep, and whether to read at all.
 * @returns The events and the text that were read, how far, and `resetToDurable`.
 *
 * @example
 * ```tsx
 * const { deltas, cursor } = useCodexAutoResume(api.chat.resumeStreamReplay, { threadId, turnId });
 * const kinds = deltas.map(({ kind }) => kind);
 * ```
 */
export function useCodexAutoResume<Query extends CodexResumeStreamQuery>(
  query: Query,
  args: CodexResumeStreamQueryArgs<Query> | "skip",
  options: UseCodexAutoResumeOptions = {},
): UseCodexAutoResumeResult {
  const { enabled = true } = options;
  const initialCursor = countOr(options.initialCursor, 0);
  const maxDeltas = countOr(options.maxDeltas, DELTAS_KEPT);
  const given = useStableSubscription(query, args);
  const subscription = enabled ? given : null;
  const key = given === null ? null : JSON.stringify([given.key, initialCursor]);

  const [state, setState] = useState(() => ({ key, resumed: resumeAt(initialCursor) }));
  let { resumed } = state;
  if (state.key !== key) {
    resumed = resumeAt(initialCursor);
    setState({ key, resumed });
  }

  const { cursor } = resumed;
  const queries = useMemo(
    (): RequestForQueries =>
      subscription === null
        ? {}
        : { stream: { query: subscription.query, args: { ...subscription.args, fromCursor: cursor } } },
    [subscription, cursor],
  );
  const answer = useQueries(queries)["stream"] as CodexResumedStream | Error | null | undefined;
  const update = useCallback(
    (next: (resumed: Resumed) => Resumed) =>
      setState((before) => {
        const after = before.key === key ? next(before.resumed) : before.resumed;
        return after === before.resumed ? before : { ...before, resumed: after };
      }),
    [key],
  );
  useEffect(() => {
    if (answer === undefined || answer === null || answer instanceof Error) return;
    update((before) => foldResumed(before, cursor, answer, maxDeltas));
  }, [update, cursor, answer, maxDeltas]);

  const resetToDurable = useCallback(() => update(withoutRead), [update]);
  const { deltas, texts } = resumed;
  return useMemo(() => ({ deltas, texts, cursor, resetToDurable }), [deltas, texts, cursor, resetToDurable]);
}

function countOr(given: number | undefined, otherwise: number): number {
  return given !== undefined && Number.isFinite(given) && given >= 0 ? Math.floor(given) : otherwise;
}
