import { useCodexCommands, type CodexCommandView, type CodexReach, type UseCodexThreadResult } from "convex-codex-local/react";
import { useCallback, useMemo, useRef } from "react";
import { api } from "../api.js";
import { Composer } from "./composer.js";
import { OnItsWay } from "./on-its-way.js";
import { Reach } from "./reach.js";

const LISTED = 20;
/** A user has no more open at once, in all threads. */
const OPEN_LISTED = 100;

export interface SendingProps {
  threadId: string;
  thread: UseCodexThreadResult["thread"];
  reach: CodexReach | undefined;
  /** The thread is not there: nothing can be said to it. */
  isMissing: boolean;
}

/** What is said to Codex: what is on its way there, and what is written. */
export function Sending({ threadId, thread, reach, isMissing }: SendingProps) {
  const commands = useSent(threadId);
  const running = thread?.turn?.status === "inProgress" ? thread.turn.turnId : undefined;
  const form = useRef<HTMLFormElement>(null);
  // Where a button goes that was pressed, the keyboard would begin at the top of the page again. The field itself would open a phone's.
  const toForm = useCallback(() => form.current?.focus(), []);
  return (
    <>
      <OnItsWay threadId={threadId} commands={commands} running={running} onDone={toForm} />
      {!isMissing && (
        <>
          <Reach reach={reach} />
          <Composer threadId={threadId} thread={thread} running={running} reach={reach} commands={commands} form={form} />
        </>
      )}
    </>
  );
}

/** The newest commands, and behind them those that are still open, however much was sent after them: newest first. */
function useSent(threadId: string): readonly CodexCommandView[] {
  const newest = useCodexCommands(api.chat.listCommands, { threadId }, { initialNumItems: LISTED });
  const open = useCodexCommands(api.chat.listCommands, { threadId, open: true }, { initialNumItems: OPEN_LISTED });
  return useMemo(() => {
    const known = new Set(newest.results.map(({ commandId }) => commandId));
    return [...newest.results, ...open.results.filter(({ commandId }) => !known.has(commandId))];
  }, [newest.results, open.results]);
}
