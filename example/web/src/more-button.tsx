import type { PaginationStatus } from "convex/react";
import type { ReactNode } from "react";
import { handOver } from "./hand-over.js";

export interface MoreButtonProps {
  status: PaginationStatus;
  onMore: () => void;
  children: ReactNode;
}

/** Whether a list has more, or is about to. */
export function hasMore(status: PaginationStatus): boolean {
  return status === "CanLoadMore" || status === "LoadingMore";
}

/** Loads more of a list, where that {@link hasMore}. While it does the button stays, and keeps the focus. */
export function MoreButton({ status, onMore, children }: MoreButtonProps) {
  const isLoading = status === "LoadingMore";
  return (
    <button ref={handOver} type="button" className="more" aria-disabled={isLoading} onClick={isLoading ? undefined : onMore}>
      {isLoading ? "Loading …" : children}
    </button>
  );
}
