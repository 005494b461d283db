import type { CodexOverlay } from "../mapping/index.js";
import { EMPTY_OVERLAY, foldOverlay } from "../mapping/index.js";
import type { Subscription } from "./subscription.js";
import { useFollowed } from "./use-followed.js";

/**
 * Follows the live text of a subscription's streams.
 *
 * @param subscription What to follow; null follows nothing.
 */
export function useOverlay(subscription: Subscription | null): CodexOverlay {
  return useFollowed(subscription, EMPTY_OVERLAY, foldOverlay).followed;
}
