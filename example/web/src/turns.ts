import type { CodexUIMessage } from "convex-codex-local/react";

/** What the thread is doing, as far as its messages tell. */
export type TurnState = "idle" | "working" | "failed" | "interrupted";

/**
 * Only the last turn counts, and only how it ended: a command that failed on the way did not fail it.
 *
 * @param newest how the newest turn stands, where that is known: a turn that waits has no message that grows
 */
export function turnState(messages: readonly CodexUIMessage[], newest?: string): TurnState {
  if (newest === "inProgress") return "working";
  // It may have ended before its first word.
  if (newest === "failed" || newest === "interrupted") return newest;
  const last = messages.at(-1);
  if (last === undefined) return "idle";
  const before = messages.findLastIndex(({ turnId }) => turnId !== last.turnId);
  if (messages.slice(before + 1).some(({ status }) => status === "streaming")) return "working";
  return last.role !== "tool" && (last.status === "failed" || last.status === "interrupted")
    ? last.status
    : "idle";
}
