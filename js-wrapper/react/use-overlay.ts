import { useCallback, useMemo } from "react";
import type { CodexOverlay, CodexStreamCursor, CodexStreamsResult, CodexTailedText } from "../mapping/index.js";
import { foldOverlay, overlayOf } from "../mapping/index.js";
import type { Subscription } from "./subscription.js";
import { useFollowed } from "./use-followed.js";

/** How pages are asked for beside an overlay: what is read of the streams need not come with the rows as well, again with each piece of it. */
export const FOLLOWED = { streamArgs: { kind: "followed" } };

/**
 * Follows the live text of a subscription's streams.
 *
 * @param subscription What to follow; null follows nothing.
 * @param rows The loaded rows, asked for with `kind: "followed"`: their texts are gone on with.
 */
export function useOverlay(subscription: Subscription | null, rows: readonly CodexTailedText[]): { overlay: CodexOverlay; error: Error | undefined } {
  const tailed = useMemo(() => rows.filter(({ tail }) => tail !== undefined), [rows]);
  const none = useMemo(() => overlayOf(tailed), [tailed]);
  const fold = useCallback(
    (overlay: CodexOverlay, asked: readonly CodexStreamCursor[], answer: CodexStreamsResult) => foldOverlay(overlay, asked, answer, tailed),
    [tailed],
  );
  const { followed: overlay, error } = useFollowed(subscription, none, fold);
  return { overlay, error };
}
