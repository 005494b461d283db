import type { CodexThreadStatus, UseCodexThreadResult } from "convex-codex-local/react";
import { useRef } from "react";
import { chooseThread } from "../config.js";
import type { Connection } from "../connection.js";
import { shortId } from "../format.js";
import { Visible } from "../items/visible.js";
import { useKept } from "../kept.js";
import { Decisions } from "../requests/decisions.js";
import { ListButton, type Drawer } from "../sidebar/list-button.js";
import type { TurnState } from "../turns.js";
import type { Deletion } from "./deletion.js";
import { ThreadMenu } from "./thread-menu.js";

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
  /** How the thread is called. */
  title: string;
  thread: UseCodexThreadResult["thread"];
  threadStatus: CodexThreadStatus | undefined;
  /** Unknown until there are messages. */
  turn: TurnState | undefined;
  connection: Connection;
  deletion: Deletion;
  drawer: Drawer;
}

export function Header({ threadId, title, thread, threadStatus, turn, connection, deletion, drawer }: HeaderProps) {
  const { tokens, context } = usageWords(thread);
  const name = useRef<HTMLHeadingElement>(null);
  // Codex takes no warning back; another one is shown.
  const [dismissed, dismiss] = useKept<string | undefined>(`warning ${threadId}`, undefined);
  const dismissWarning = (warning: string | undefined) => {
    dismiss(() => warning);
    name.current?.focus();
  };
  return (
    <header className="header">
      <div className="header-row">
        <ListButton {...drawer} />
        <div className="thread">
          <h2 ref={name} dir="auto" tabIndex={-1}>
            {title}
          </h2>
          <p className="thread-about">
            <span className="thread-id" title={threadId}>
              {shortId(threadId)}
            </span>
            {thread?.cwd !== undefined && (
              <span className="thread-folder">
                <span>
                  <Visible text={thread.cwd} />
                </span>
              </span>
            )}
            {tokens !== undefined && <span className="thread-tokens">{tokens}</span>}
            {context !== undefined && <span>{context}</span>}
          </p>
        </div>
        {threadStatus !== undefined && threadStatus !== "active" && (
          <span className={`chip chip-${threadStatus}`}>{threadStatus}</span>
        )}
        {thread?.parentThreadId !== undefined && <ParentButton parentThreadId={thread.parentThreadId} />}
        <Decisions threadId={threadId} />
        {thread && (
          <ThreadMenu
            threadId={threadId}
            title={title}
            name={thread.name}
            isArchived={thread.status === "archived"}
            deletion={deletion}
          />
        )}
        {turn !== undefined && (
          // What a turn ends with is told once, and with its answer: by the announcer.
          <span className={`turn turn-${turn}`} role="status" aria-live="off">
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
      {thread?.warning !== undefined && thread.warning !== dismissed && (
        <p className="header-warning">
          <Visible text={thread.warning} />{" "}
          <button type="button" className="link-button" onClick={() => dismissWarning(thread.warning)}>
            Dismiss
          </button>
        </p>
      )}
    </header>
  );
}

/** Goes to the thread whose agent this one is. */
function ParentButton({ parentThreadId }: { parentThreadId: string }) {
  return (
    <button
      type="button"
      className="pill-button"
      aria-label="Parent thread"
      title="The thread whose agent this is"
      onClick={() => chooseThread(parentThreadId)}
    >
      ↑
    </button>
  );
}

/** What the thread has used, and how full the model's context is. */
function usageWords(thread: UseCodexThreadResult["thread"]): { tokens?: string; context?: string } {
  if (thread?.usage === undefined) return {};
  const { total, last, modelContextWindow } = thread.usage;
  const tokens = `${total.totalTokens.toLocaleString()} tokens`;
  if (modelContextWindow === undefined || modelContextWindow <= 0) return { tokens };
  return { tokens, context: `context ${Math.min(100, Math.round((100 * last.totalTokens) / modelContextWindow))} %` };
}
