import {
  useCodexMessages,
  useCodexThread,
  useCodexThreadPresence,
  type CodexThreadRow,
  type UseCodexThreadResult,
} from "convex-codex-local/react";
import { useEffect, useState } from "react";
import { api } from "../api.js";
import { Sending } from "../composer/sending.js";
import type { Connection } from "../connection.js";
import { ReadersContext } from "../items/readers.js";
import { FailureLine } from "../notice.js";
import { pageTitle } from "../page-title.js";
import { Requests } from "../requests/requests.js";
import type { Drawer } from "../sidebar/list-button.js";
import { titleOf } from "../thread-title.js";
import { Announcer } from "./announcer.js";
import { useDeletion } from "./deletion.js";
import { Header } from "./header.js";
import { NewestTurn } from "./newest-turn.js";
import { useOutline } from "./outline.js";
import { useTurns, type Turns } from "./past-turns.js";
import { Standing } from "./standing.js";
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
  drawer: Drawer;
  /** How many things wait for a person, in any thread. */
  waiting: number;
}

/** A thread: what was said and done, what Codex waits for, and what it can be told. */
export function ThreadView({ threadId, listed, connection, drawer, waiting }: ThreadViewProps) {
  const messages = useCodexMessages(
    api.chat.listThreadMessagesForHooks,
    { threadId },
    { initialNumItems: INITIAL_MESSAGES, stream: true },
  );
  const { thread, error: threadError } = useCodexThread(api.chat.getThread, { threadId });
  const { reach, error: presenceError } = useCodexThreadPresence(api.chat.getPresence, { threadId });
  const { results, status, error, threadStatus } = messages;
  const outline = useOutline(results);
  const newest = thread?.turn?.status;
  const turn = results.length === 0 && newest === undefined ? undefined : turnState(results, newest);
  const turns = useTurns(threadId, thread?.turn?.turnId, outline);
  const readers = useReaders(threadId);
  const deletion = useDeletion(threadId);
  const scroll = useStickToEnd();
  const known = useLastKnown(listed);
  const title = titleOf({ threadId, ...known, ...(thread && nameOf(thread)) });

  const toLatest = () => {
    scroll.toEnd();
    // The button goes.
    scroll.viewport?.focus({ preventScroll: true });
  };

  useEffect(() => {
    document.title = pageTitle({ title, isWorking: turn === "working", waiting });
  }, [turn, title, waiting]);

  return (
    <div className="page">
      <Header
        threadId={threadId}
        title={title}
        thread={thread}
        threadStatus={threadStatus}
        turn={turn}
        connection={connection}
        deletion={deletion}
        drawer={drawer}
      />
      <main className="scroll" ref={scroll.viewportRef} tabIndex={0}>
        <div className="transcript" ref={scroll.content}>
          <ReadersContext value={readers}>
            <Transcript messages={messages} outline={outline} past={turns.past} viewport={scroll.viewport} />
          </ReadersContext>
          {turns.error !== undefined && turns.newest.error === undefined && (
            <FailureLine title="How earlier turns went could not be read" error={turns.error} />
          )}
          <NewestTurn newest={turns.newest} said={turns.said} last={outline.at(-1)} />
        </div>
      </main>
      <div className="foot">
        <Announcer messages={results} turn={turn} />
        {!scroll.isAtEnd && (
          <button type="button" className="to-end" onClick={toLatest}>
            {turn === "working" && <span className="lamp" />}
            Latest
            <svg viewBox="0 0 12 12" aria-hidden="true">
              <path d="M2.5 4.5 6 8l3.5-3.5" />
            </svg>
          </button>
        )}
        <ReadersContext value={readers}>
          <Requests threadId={threadId} messages={messages} />
        </ReadersContext>
        {threadStatus !== "missing" && (
          <Standing threadId={threadId} isArchived={thread?.status === "archived"} deletion={deletion} />
        )}
        {deletion.error !== undefined && <FailureLine title="Whether the thread will be deleted could not be read" error={deletion.error} />}
        {threadError !== undefined && <FailureLine title="How the thread stands could not be read" error={threadError} />}
        {presenceError !== undefined && <FailureLine title="Whether its machine is there could not be read" error={presenceError} />}
        <Sending
          threadId={threadId}
          thread={thread}
          reach={reach}
          begunAt={begunAtOf(thread, turns)}
          messages={{ results: outline, status, ...(error !== undefined && { error }) }}
          isMissing={threadStatus === "missing"}
        />
      </div>
    </div>
  );
}

/** When the turn that is shown was made; undefined while that is not known, 0 where it cannot be. */
function begunAtOf(thread: UseCodexThreadResult["thread"], { newest: { data, error } }: Turns): number | undefined {
  if (thread === undefined) return undefined;
  return thread?.turn === undefined || error !== undefined ? 0 : data?.createdAt;
}

/** What the list said of the thread, also when it is no longer among those that are loaded. */
function useLastKnown(listed: CodexThreadRow | undefined): CodexThreadRow | undefined {
  const [known, setKnown] = useState(listed);
  if (listed !== undefined && listed !== known) setKnown(listed);
  return listed ?? known;
}

/** What a thread itself says of how it is called: it is there whether or not the thread is listed. */
function nameOf({ name, parentThreadId }: Pick<CodexThreadRow, "name" | "parentThreadId">) {
  return { name, ...(parentThreadId !== undefined && { parentThreadId }) };
}
