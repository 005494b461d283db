import type { CodexThreadRow, UseCodexThreadsResult } from "convex-codex-local/react";
import { useMemo, useState, type Ref } from "react";
import { formatTime } from "../format.js";
import { hasMore, MoreButton } from "../more-button.js";
import { FailureLine } from "../notice.js";
import { titleOf } from "../thread-title.js";
import { familiesOf } from "./families.js";
import { SIDEBAR_ID } from "./list-button.js";
import { Machines } from "./machines.js";
import { Viewer } from "./viewer.js";

const MORE_THREADS = 50;
/** How far the threads of agents stand in, and of how many agents' agents that is seen. */
const INDENT_PX = 14;
const DEPTH_MAX = 4;

export interface SidebarProps {
  ref: Ref<HTMLElement>;
  threads: UseCodexThreadsResult;
  /** How many things each thread waits for a person with. */
  asking: ReadonlyMap<string, number>;
  shown: string | undefined;
  onChoose: (threadId: string) => void;
}

export function Sidebar({ ref, threads, asking, shown, onChoose }: SidebarProps) {
  const [search, setSearch] = useState("");
  const { results, status, error, loadMore } = threads;
  const found = useMemo(
    () => familiesOf(results.filter((thread) => matches(thread, search))),
    [results, search],
  );
  const isSearching = search.trim() !== "";
  return (
    <nav ref={ref} id={SIDEBAR_ID} className="sidebar" tabIndex={-1} aria-label="Threads and machines">
      <div className="sidebar-head">
        <h1>Codex</h1>
        <input
          type="search"
          aria-label="Search the threads"
          placeholder="Search"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      </div>
      {/* Without a thread the page beside it says so. */}
      {error !== undefined && shown !== undefined && <FailureLine title="The threads could not be read" error={error} />}
      <ul className="threads">
        {found.map(({ thread, depth }) => (
          <li key={thread.threadId} style={{ paddingInlineStart: Math.min(depth, DEPTH_MAX) * INDENT_PX }}>
            <button
              type="button"
              className="thread-row"
              aria-current={thread.threadId === shown ? "page" : undefined}
              onClick={() => onChoose(thread.threadId)}
            >
              <span className="thread-name" dir="auto">
                {titleOf(thread)}
              </span>
              <span className="thread-state">
                <State thread={thread} waiting={asking.get(thread.threadId) ?? 0} />
                <time dateTime={new Date(thread.updatedAt).toISOString()}>
                  {formatTime(thread.updatedAt)}
                </time>
              </span>
            </button>
          </li>
        ))}
        {isSearching && error === undefined && (
          <li className="aside" role="status">
            {searchWords({ status, loaded: results.length, found: found.length })}
          </li>
        )}
        {hasMore(status) && (
          <li>
            <MoreButton status={status} onMore={() => loadMore(MORE_THREADS)}>
              {isSearching ? "Search further" : "More threads"}
            </MoreButton>
          </li>
        )}
      </ul>
      <Machines />
      <Viewer />
    </nav>
  );
}

/** How far a search went: the threads that are loaded are searched, and no others. */
function searchWords({ status, loaded, found }: { status: UseCodexThreadsResult["status"]; loaded: number; found: number }): string {
  if (status === "LoadingFirstPage" || status === "LoadingMore") return "Searching further …";
  const nothing = found === 0 ? "Nothing found" : "";
  if (status === "Exhausted") return nothing === "" ? "All threads were searched." : `${nothing}.`;
  return nothing === "" ? `Only the newest ${loaded} threads were searched.` : `${nothing} among the newest ${loaded} threads.`;
}

function matches(thread: CodexThreadRow, search: string): boolean {
  const wanted = search.trim().toLocaleLowerCase();
  return wanted === "" || `${titleOf(thread)} ${thread.threadId}`.toLocaleLowerCase().includes(wanted);
}

const TURN_WORDS = {
  queued: "waits for the machine",
  inProgress: "working",
  completed: "",
  interrupted: "interrupted",
  failed: "failed",
} as const;

function State({ thread, waiting }: { thread: CodexThreadRow; waiting: number }) {
  const turn = thread.turn?.status;
  if (waiting > 0) return <span className="asks">asks you {waiting > 1 && `(${waiting})`}</span>;
  if (thread.status === "archived") return <span>archived</span>;
  if (turn === undefined || turn === "completed") return null;
  return (
    <span className={`state-${turn}`}>
      {turn === "inProgress" && <span className="lamp" />}
      {TURN_WORDS[turn]}
    </span>
  );
}
