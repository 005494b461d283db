import { codexSaidBack, joinCodexCommands, useCodexCommands, type CodexCommandView, type CodexReach, type CodexUIMessage, type UseCodexMessagesResult, type UseCodexThreadResult } from "convex-codex-local/react";
import { useCallback, useMemo, useRef } from "react";
import { api } from "../api.js";
import { FailureLine } from "../notice.js";
import { Composer } from "./composer.js";
import { OnItsWay } from "./on-its-way.js";
import { Reach } from "./reach.js";

const LISTED = 20;
/** A user has no more open at once, in all threads. */
const OPEN_LISTED = 100;
const NONE: ReadonlySet<string> = new Set();

export interface SendingProps {
  threadId: string;
  thread: UseCodexThreadResult["thread"];
  reach: CodexReach | undefined;
  /** When the newest turn began, in milliseconds of Unix time. */
  begunAt?: number | undefined;
  /** Its messages, in outline. */
  messages: Pick<UseCodexMessagesResult, "status" | "error"> & { results: readonly CodexUIMessage[] };
  /** The thread is not there: nothing can be said to it. */
  isMissing: boolean;
}

/** What is said to Codex: what is on its way there, and what is written. */
export function Sending({ threadId, thread, reach, begunAt, messages, isMissing }: SendingProps) {
  const { commands, isKnown, error } = useSent(threadId);
  const running = thread?.turn?.status === "inProgress" ? thread.turn.turnId : undefined;
  const unread = useUnread(messages, commands);
  const form = useRef<HTMLFormElement>(null);
  // Where a button goes that was pressed, the keyboard would begin at the top of the page again. The field itself would open a phone's.
  const toForm = useCallback(() => form.current?.focus(), []);
  return (
    <>
      {error !== undefined && <FailureLine title="What is on its way could not be read" error={error} />}
      <OnItsWay threadId={threadId} commands={commands} isKnown={isKnown} running={running} begunAt={begunAt} unread={thread === undefined ? NONE : unread} onDone={toForm} />
      {!isMissing && (
        <>
          <Reach reach={reach} />
          <Composer threadId={threadId} thread={thread} running={running} reach={reach} commands={commands} isKnown={isKnown || error !== undefined} form={form} />
        </>
      )}
    </>
  );
}

/** What was sent to a thread, as far as it can be told. */
interface Sent {
  /** The newest commands, and behind them those that are still open, however much was sent after them: newest first. */
  commands: readonly CodexCommandView[];
  /** Whether these are all that is open. */
  isKnown: boolean;
  error: Error | undefined;
}

function useSent(threadId: string): Sent {
  const newest = useCodexCommands(api.chat.listCommands, { threadId }, { initialNumItems: LISTED });
  const open = useCodexCommands(api.chat.listCommands, { threadId, open: true }, { initialNumItems: OPEN_LISTED });
  const commands = useMemo(() => joinCodexCommands(newest.results, open.results), [newest.results, open.results]);
  const error = newest.error ?? open.error;
  const isLoading = newest.status === "LoadingFirstPage" || open.status === "LoadingFirstPage";
  return { commands, isKnown: error === undefined && !isLoading, error };
}

/** What was to be said to a turn, and was handed to Codex, which has not said it back: by the ids of its commands. */
function useUnread({ results: outline, status, error }: SendingProps["messages"], commands: readonly CodexCommandView[]): ReadonlySet<string> {
  const isRead = status !== "LoadingFirstPage" && (error === undefined || outline.length > 0);
  return useMemo(() => {
    const handed = commands.filter(({ kind, state }) => kind === "steer" && state === "accepted");
    if (handed.length === 0 || !isRead) return NONE;
    // It may have been said back among what is not loaded, unless its turn is loaded from before its start, or a message that was there
    // when it was sent, by the server's clock: `createdAt` of a message is its machine's.
    const isWhole = status === "Exhausted" || outline.length === 0;
    const isTurnWhole = ({ turnId }: CodexCommandView) => outline[0]?.turnId !== turnId && outline.some((message) => message.turnId === turnId);
    const isLoaded = (command: CodexCommandView) => isWhole || isTurnWhole(command) || outline.some(({ updatedAt }) => updatedAt <= command.createdAt);
    const isSaid = codexSaidBack(outline);
    return new Set(handed.filter((command) => isLoaded(command) && !isSaid(command)).map(({ commandId }) => commandId));
  }, [outline, isRead, status, commands]);
}
