import type { CodexUIMessage } from "convex-codex-local/react";
import { useState } from "react";

/**
 * Messages, for what does not depend on how much of them is written.
 *
 * @returns the same list until one comes or goes, is interrupted, or the end of its turn is told of one
 */
export function useOutline(messages: readonly CodexUIMessage[]): readonly CodexUIMessage[] {
  const [kept, setKept] = useState(messages);
  if (kept === messages || isSameOutline(kept, messages)) return kept;
  setKept(messages);
  return messages;
}

function isSameOutline(before: readonly CodexUIMessage[], after: readonly CodexUIMessage[]): boolean {
  return (
    before.length === after.length &&
    after.every((one, at) => {
      const other = before[at];
      return one === other || (one._id === other?._id && one.turnId === other.turnId && one.error === other.error && isStopped(one) === isStopped(other));
    })
  );
}

function isStopped({ status }: CodexUIMessage): boolean {
  return status === "interrupted";
}
