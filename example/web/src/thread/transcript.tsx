import type { CodexUIMessage, UseCodexMessagesResult } from "convex-codex-local/react";
import { useMemo } from "react";
import { Item } from "../items/item.js";
import { Notice } from "../notice.js";
import { groupByTurn } from "../turns.js";

const MORE_MESSAGES = 50;

/** What was said and done, oldest first. */
export function Transcript({ messages }: { messages: UseCodexMessagesResult }) {
  return (
    <>
      <Earlier messages={messages} />
      <Turns messages={messages} />
    </>
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

function Turns({ messages }: { messages: UseCodexMessagesResult }) {
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
