import type { RequestForQueries } from "convex/react";
import { useQueries } from "convex/react";
import { useEffect, useMemo, useState } from "react";
import type { CodexOverlay } from "../mapping/index.js";
import { EMPTY_OVERLAY, foldOverlay } from "../mapping/index.js";
import type { Subscription } from "./subscription.js";
import type { CodexMessagesPage } from "./types.js";

/** The overlay reads no rows of its own. */
const NO_ROWS = { cursor: null, numItems: 0 };

/**
 * Follows the live text of a subscription's streams, by one query at the cursors read so far.
 * While that query loads or fails, what was folded before stays.
 *
 * @param subscription What to follow; null follows nothing.
 */
export function useOverlay(subscription: Subscription | null): CodexOverlay {
  const key = subscription?.key ?? null;
  const [state, setState] = useState({ key, overlay: EMPTY_OVERLAY });
  let { overlay } = state;
  if (state.key !== key) {
    overlay = EMPTY_OVERLAY;
    setState({ key, overlay });
  }

  const { cursors } = overlay;
  const queries = useMemo((): RequestForQueries => {
    if (subscription === null) return {};
    const { query, args } = subscription;
    const streamArgs = { kind: "deltas", cursors: cursors.map((cursor) => ({ ...cursor })) };
    return { overlay: { query, args: { ...args, paginationOpts: NO_ROWS, streamArgs } } };
  }, [subscription, cursors]);
  const answer = useQueries(queries)["overlay"] as CodexMessagesPage | Error | undefined;

  useEffect(() => {
    if (answer === undefined || answer instanceof Error) return;
    setState((before) => {
      const folded = foldOverlay(before.overlay, cursors, answer.streams);
      return folded === before.overlay ? before : { ...before, overlay: folded };
    });
  }, [cursors, answer]);
  return overlay;
}
