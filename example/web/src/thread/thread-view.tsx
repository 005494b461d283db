import {
  useCodexMessages,
  useCodexThread,
  useCodexThreadPresence,
  type CodexThreadRow,
} from "convex-codex-local/react";
import { useEffect } from "react";
import { api } from "../api.js";
import { Sending } from "../composer/sending.js";
import type { Connection } from "../connection.js";
import { ReadersContext } from "../items/readers.js";
import { Requests } from "../requests/requests.js";
import { titleOf } from "../thread-title.js";
import { Header } from "./header.js";
import { NewestTurn } from "./newest-turn.js";
import { useStickToEnd } from "./stick-to-end.js";
import { Transcript } from "./transcript.js";
import { useReaders } from "./use-readers.js";
import { turnState } from "../turns.js";

const INITIAL_MESSAGES = 30;

export interface ThreadViewProps {
  threadId: string;
  /** How the list calls it: what is loaded of a long thread does not begin where it began. */
  listed: CodexThreadRow | undefined;
  connection: Connection;
  onList: () => void;
}

/** A thread: what was said and done, what Codex waits for, and what it can be told. */
export function ThreadView({ threadId, listed, connection, onList }: ThreadViewProps) {
  const messages = useCodexMessages(
    api.chat.listThreadMessagesForHooks,
    { threadId },
    { initialNumItems: INITIAL_MESSAGES, stream: true },
  );
  const { thread } = useCodexThread(api.chat.getThread, { threadId });
  const { reach } = useCodexThreadPresence(api.chat.getPresence, { threadId });
  const { results, threadStatus } = messages;
  const turn = results.length === 0 ? undefined : turnState(results, thread?.turn?.status);
  const readers = useReaders(threadId);
  const scroll = useStickToEnd();
  const title = titleOf({ threadId, ...listed });

  useEffect(() => {
    document.title = `${turn === "working" ? "● " : ""}${title}`;
  }, [turn, title]);

  return (
    <div className="page">
      <Header
        threadId={threadId}
        title={title}
        thread={thread}
        threadStatus={threadStatus}
        turn={turn}
        connection={connection}
        onList={onList}
      />
      <main className="scroll" ref={scroll.viewportRef} tabIndex={0}>
        <div className="transcript" ref={scroll.content}>
          <ReadersContext value={readers}>
            <Transcript messages={messages} viewport={scroll.viewport} />
          </ReadersContext>
          {thread?.turn !== undefined && <NewestTurn threadId={threadId} turnId={thread.turn.turnId} />}
        </div>
      </main>
      <div className="foot">
        {!scroll.isAtEnd && (
          <button type="button" className="to-end" onClick={scroll.toEnd}>
            {turn === "working" && <span className="lamp" />}
            Latest
            <svg viewBox="0 0 12 12" aria-hidden="true">
              <path d="M2.5 4.5 6 8l3.5-3.5" />
            </svg>
          </button>
        )}
        <ReadersContext value={readers}>
          <Requests threadId={threadId} messages={results} />
        </ReadersContext>
        <Sending threadId={threadId} thread={thread} reach={reach} isMissing={threadStatus === "missing"} />
      </div>
    </div>
  );
}
