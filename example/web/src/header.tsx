import type { CodexThreadStatus } from "convex-codex-local/react";
import type { ThreadSummary } from "./api.js";
import { formatTime, shortId } from "./format.js";
import type { TurnState } from "./turns.js";

export type Connection = "connecting" | "live" | "lost";

const CONNECTION_LABEL: Record<Connection, string> = {
  connecting: "Connecting",
  live: "Live",
  lost: "Reconnecting",
};
const TURN_LABEL: Record<TurnState, string> = {
  idle: "Idle",
  working: "Working",
  failed: "Failed",
  interrupted: "Interrupted",
};

export interface HeaderProps {
  threadId: string;
  threadStatus: CodexThreadStatus | undefined;
  /** Unknown until there are messages. */
  turn: TurnState | undefined;
  threads: readonly ThreadSummary[];
  connection: Connection;
  onChoose: (threadId: string) => void;
}

export function Header({
  threadId,
  threadStatus,
  turn,
  threads,
  connection,
  onChoose,
}: HeaderProps) {
  return (
    <header className="header">
      <div className="header-row">
        <span className="brand" aria-hidden="true">
          <svg viewBox="0 0 20 20">
            <path d="M5 5.5 9.5 10 5 14.5M11 14.5h4.5" />
          </svg>
        </span>
        <div className="thread">
          <h1>Codex</h1>
          <ThreadChoice threadId={threadId} threads={threads} onChoose={onChoose} />
        </div>
        {threadStatus !== undefined && threadStatus !== "active" && (
          <span className={`chip chip-${threadStatus}`}>{threadStatus}</span>
        )}
        {turn !== undefined && (
          <span className={`turn turn-${turn}`} role="status">
            <span className="lamp" />
            {TURN_LABEL[turn]}
          </span>
        )}
        <span
          className={`connection connection-${connection}`}
          title={CONNECTION_LABEL[connection]}
          role="status"
        >
          <span className="bars" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <span className="connection-label">{CONNECTION_LABEL[connection]}</span>
        </span>
      </div>
    </header>
  );
}

function ThreadChoice({
  threadId,
  threads,
  onChoose,
}: Pick<HeaderProps, "threadId" | "threads" | "onChoose">) {
  const isListed = threads.some((thread) => thread.threadId === threadId);
  if (threads.length === 0 || (threads.length === 1 && isListed)) {
    return (
      <span className="thread-id" title={threadId}>
        {shortId(threadId)}
      </span>
    );
  }
  return (
    <select
      className="thread-id"
      aria-label="Thread"
      title={threadId}
      value={threadId}
      onChange={(event) => onChoose(event.target.value)}
    >
      {!isListed && <option value={threadId}>{shortId(threadId)}</option>}
      {threads.map((thread) => (
        <option key={thread.threadId} value={thread.threadId}>
          {shortId(thread.threadId)} · {formatTime(thread.updatedAt)}
          {thread.status === "active" ? "" : ` · ${thread.status}`}
        </option>
      ))}
    </select>
  );
}
