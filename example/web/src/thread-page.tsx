import type { CodexUIMessage, UseCodexMessagesResult } from "convex-codex-local/react";
import { useEffect, useMemo } from "react";
import type { HeaderProps } from "./header.js";
import { Header } from "./header.js";
import { Item } from "./items/item.js";
import { Notice } from "./notice.js";
import { useStickToEnd } from "./stick-to-end.js";
import { groupByTurn, turnState } from "./turns.js";

const MORE_MESSAGES = 50;

export interface ThreadPageProps extends Omit<HeaderProps, "threadStatus" | "turn"> {
  messages: UseCodexMessagesResult;
}

export function ThreadPage({ messages, ...header }: ThreadPageProps) {
  const { results, threadStatus } = messages;
  const turn = results.length === 0 ? undefined : turnState(results);
  const scroll = useStickToEnd(results[0]?._id);

  useEffect(() => {
    document.title = turn === "working" ? "● Codex" : "Codex";
  }, [turn]);

  return (
    <div className="page">
      <Header {...header} threadStatus={threadStatus} turn={turn} />
      <main className="scroll" ref={scroll.viewport}>
        <div className="transcript" ref={scroll.content}>
          <Earlier messages={messages} />
          <Transcript messages={messages} />
        </div>
      </main>
      {!scroll.isAtEnd && (
        <button type="button" className="to-end" onClick={scroll.toEnd}>
          {turn === "working" && <span className="lamp" />}
          Latest
          <svg viewBox="0 0 12 12" aria-hidden="true">
            <path d="M2.5 4.5 6 8l3.5-3.5" />
          </svg>
        </button>
      )}
    </div>
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
