import type { CodexUIMessage, UseCodexMessagesResult } from "convex-codex-local/react";
import { useCodexMessages, useCodexThread, useCodexThreadPresence, type CodexReach } from "convex-codex-local/react";
import { useEffect, useMemo } from "react";
import { api } from "../api.js";
import { Composer } from "../composer/composer.js";
import { OnItsWay } from "../composer/on-its-way.js";
import type { Connection } from "../connection.js";
import { Item } from "../items/item.js";
import { Notice } from "../notice.js";
import { Requests } from "../requests/requests.js";
import { titleOf } from "../sidebar/sidebar.js";
import { Header } from "./header.js";
import { useStickToEnd } from "./stick-to-end.js";
import { groupByTurn, turnState } from "./turns.js";

const INITIAL_MESSAGES = 30;
const MORE_MESSAGES = 50;

export interface ThreadViewProps {
  threadId: string;
  connection: Connection;
  onList: () => void;
}

/** A thread: what was said and done, what Codex waits for, and what it can be told. */
export function ThreadView({ threadId, connection, onList }: ThreadViewProps) {
  const messages = useCodexMessages(
    api.chat.listThreadMessagesForHooks,
    { threadId },
    { initialNumItems: INITIAL_MESSAGES, stream: true },
  );
  const { thread } = useCodexThread(api.chat.getThread, { threadId });
  const { reach } = useCodexThreadPresence(api.chat.getPresence, { threadId });
  const { results, threadStatus } = messages;
  const turn = results.length === 0 ? undefined : turnState(results);
  const scroll = useStickToEnd(results[0]?._id);
  const first = results.find(({ role }) => role === "user")?.text;
  const title = titleOf({ threadId, ...(thread?.name !== undefined && { name: thread.name }), ...(first !== undefined && { preview: first }) });

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
      <main className="scroll" ref={scroll.viewport} tabIndex={-1}>
        <div className="transcript" ref={scroll.content}>
          <Earlier messages={messages} />
          <Transcript messages={messages} />
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
        <Requests threadId={threadId} messages={results} />
        <OnItsWay threadId={threadId} />
        {threadStatus !== "missing" && (
          <>
            <Reach reach={reach} />
            <Composer threadId={threadId} thread={thread} />
          </>
        )}
      </div>
    </div>
  );
}

const REACH_WORDS: Record<CodexReach, string> = {
  reachable: "",
  elsewhere: "",
  starting: "Codex is starting on its machine: what you send waits for it.",
  notLoaded: "No machine that is here has this thread open.",
  signedOut: "Codex is signed out on its machine.",
  stopped: "The bridge on its machine has stopped: what you send waits for it.",
  failed: "The bridge on its machine has failed: what you send waits for it.",
  away: "Its machine is away: what you send waits for it.",
  never: "No machine has this thread.",
};

/** Why what is sent may not arrive. */
function Reach({ reach }: { reach: CodexReach | undefined }) {
  if (reach === undefined || REACH_WORDS[reach] === "") return null;
  return (
    <p className="reach" role="status">
      {REACH_WORDS[reach]}
    </p>
  );
}

function Earlier({ messages }: { messages: UseCodexMessagesResult }) {
  if (messages.results.length === 0) return null;
  if (messages.status === "CanLoadMore") {
    return (
      <button type="button" className="earlier" onClick={() => messages.loadMore(MORE_MESSAGES)}>
        Earlier messages
      </button>
    );
  }
  if (messages.status === "LoadingMore") return <p className="earlier">Loading …</p>;
  return <p className="earlier">Start of the thread</p>;
}

function Transcript({ messages }: { messages: UseCodexMessagesResult }) {
  const { results, isLoading, error, threadStatus } = messages;
  const turns = useMemo(() => groupByTurn(results), [results]);

  if (error !== undefined && results.length === 0) {
    return (
      <Notice title="The messages could not be read">
        <code>{error.message}</code>
      </Notice>
    );
  }
  if (isLoading && results.length === 0) return <Skeleton />;
  if (threadStatus === "missing") {
    return (
      <Notice title="No such thread">
        It may have been deleted, or it belongs to someone else. Should it appear, it shows here.
      </Notice>
    );
  }
  if (results.length === 0) {
    return (
      <Notice title="Nothing yet" isBusy>
        What Codex says and does appears here as it happens.
      </Notice>
    );
  }
  return (
    <>
      {turns.map((turn) => (
        <section className="turn-group" key={turn.messages[0]?._id}>
          {turn.messages.map((message: CodexUIMessage) => (
            <Item key={message._id} message={message} />
          ))}
        </section>
      ))}
      {error !== undefined && <p className="error">{error.message}</p>}
    </>
  );
}

function Skeleton() {
  return (
    <div className="skeleton" aria-label="Loading">
      <i />
      <i />
      <i />
      <i />
    </div>
  );
}
