import { useEffect, useMemo, useRef } from "react";
import { isSameRow } from "../mapping/identity.js";
import { codexActivity, type CodexActivity, type CodexActivityInput } from "./activity.js";

/**
 * Tells what codex is doing now, out of what the page's other hooks return. It asks nothing itself.
 *
 * @param input What the page knows; see {@link codexActivity}.
 * @returns The activity, the same object while it says the same: a message that grows does not change it.
 *
 * @example
 * ```tsx
 * const activity = useCodexActivity({ messages: messages.results, turns: state?.turns, approvals: approvals.results });
 * const line = activity.kind === "runningCommand" ? `Running ${activity.text}` : activity.kind;
 * ```
 */
export function useCodexActivity(input: CodexActivityInput): CodexActivity {
  const { messages, turns, presence, approvals, questions, openCommands } = input;
  const previous = useRef<CodexActivity>(undefined);
  const activity = useMemo(() => {
    const told = codexActivity({ messages, turns, presence, approvals, questions, openCommands });
    return previous.current !== undefined && isSameRow(previous.current, told) ? previous.current : told;
  }, [messages, turns, presence, approvals, questions, openCommands]);
  useEffect(() => {
    previous.current = activity;
  }, [activity]);
  return activity;
}
