import { useCodexServerRequests, useCodexThreads } from "convex-codex-local/react";
import { useContext, useEffect, useMemo, useState } from "react";
import { api } from "./api.js";
import { Boundary } from "./boundary.js";
import { chooseThread } from "./config.js";
import { useConnection } from "./connection.js";
import { agentsAmong, AgentsContext } from "./items/agents.js";
import { FailureNotice, Notice } from "./notice.js";
import { RetryContext } from "./retry.js";
import { Sidebar } from "./sidebar/sidebar.js";
import { ThreadView } from "./thread/thread-view.js";

const THREADS_LISTED = 30;

/** The threads beside the one that is shown; on a phone one of the two. */
export function Shell({ threadId }: { threadId: string | null }) {
  const threads = useCodexThreads(
    api.chat.listThreadsForHooks,
    { summary: true },
    { initialNumItems: THREADS_LISTED },
  );
  const asking = useAsking();
  const agents = useMemo(() => agentsAmong(threads.results), [threads.results]);
  const connection = useConnection();
  const retry = useContext(RetryContext);
  const newest = threads.results.find(({ parentThreadId }) => parentThreadId === undefined)?.threadId;
  const [opened, setOpened] = useState<string>();
  // Two threads at work are the newest in turns: the one that was is kept.
  if (opened === undefined && threadId === null && newest !== undefined) setOpened(newest);
  const shown = threadId ?? opened;

  const [isListOpen, setListOpen] = useState(false);
  useEffect(() => setListOpen(false), [shown]);
  useEffect(() => {
    const close = (event: KeyboardEvent) => {
      if (event.key === "Escape") setListOpen(false);
    };
    addEventListener("keydown", close);
    return () => removeEventListener("keydown", close);
  }, []);

  return (
    <div className="shell" data-list={isListOpen ? "open" : undefined}>
      <Sidebar
        threads={threads}
        asking={asking}
        shown={shown}
        onChoose={(chosen) => {
          chooseThread(chosen);
          setListOpen(false);
        }}
      />
      <button type="button" className="veil" aria-label="Close the list" onClick={() => setListOpen(false)} />
      {shown === undefined ? (
        <main className="page">
          {threads.error !== undefined ? (
            <FailureNotice title="The threads could not be read" error={threads.error} />
          ) : threads.status === "LoadingFirstPage" ? (
            <Notice title={connection === "lost" ? "No connection" : "Connecting"} isBusy />
          ) : (
            <Notice title="No thread yet" isBusy>
              Start Codex on your machine. Its thread appears here by itself.
            </Notice>
          )}
        </main>
      ) : (
        <AgentsContext value={agents}>
          <Boundary key={shown} onRetry={retry}>
            <ThreadView
              threadId={shown}
              listed={threads.results.find((thread) => thread.threadId === shown)}
              connection={connection}
              onList={() => setListOpen((isOpen) => !isOpen)}
            />
          </Boundary>
        </AgentsContext>
      )}
    </div>
  );
}

/** How many things each thread waits for a person with. */
function useAsking(): ReadonlyMap<string, number> {
  const { listPendingServerRequestsForHooks, sendCommand } = api.chat;
  // Approvals are among the requests; one that was decided waits for the machine.
  const { results } = useCodexServerRequests(listPendingServerRequestsForHooks, {}, sendCommand);
  return useMemo(() => {
    const asking = new Map<string, number>();
    for (const { threadId, status } of results) {
      if (status === "pending") asking.set(threadId, (asking.get(threadId) ?? 0) + 1);
    }
    return asking;
  }, [results]);
}
