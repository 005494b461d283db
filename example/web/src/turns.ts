import type { CodexUIMessage } from "convex-codex-local/react";

/** What the thread is doing, as far as its messages tell. */
export type TurnState = "idle" | "working" | "failed" | "interrupted";

export interface Turn {
  turnId: string;
  messages: CodexUIMessage[];
}

export function groupByTurn(messages: readonly CodexUIMessage[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    const last = turns.at(-1);
    if (last?.turnId === message.turnId) last.messages.push(message);
    else turns.push({ turnId: message.turnId, messages: [message] });
  }
  return turns;
}

/**
 * Only the last turn counts, and only how it ended: a command that failed on the way did not fail it.
 *
 * @param newest how the newest turn stands, where that is known: a turn that waits has no message that grows
 */
export function turnState(messages: readonly CodexUIMessage[], newest?: string): TurnState {
  if (newest === "inProgress") return "working";
  const last = messages.at(-1);
  if (last === undefined) return "idle";
  const isWorking = messages.some(
    ({ turnId, status }) => turnId === last.turnId && status === "streaming",
  );
  if (isWorking) return "working";
  return last.role !== "tool" && (last.status === "failed" || last.status === "interrupted")
    ? last.status
    : "idle";
}
