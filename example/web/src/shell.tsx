import { useCodexServerRequests, useCodexThreads } from "convex-codex-local/react";
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { api } from "./api.js";
import { Boundary } from "./boundary.js";
import { chooseThread } from "./config.js";
import { useConnection } from "./connection.js";
import { isFocusLost } from "./hand-over.js";
import { agentsAmong, AgentsContext } from "./items/agents.js";
import { FailureNotice, Notice } from "./notice.js";
import { pageTitle } from "./page-title.js";
import { ListButton, type Drawer } from "./sidebar/list-button.js";
import { Sidebar } from "./sidebar/sidebar.js";
import { ThreadView } from "./thread/thread-view.js";
import { useAnswer } from "./use-answer.js";

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
  const newest = threads.results.find(({ parentThreadId }) => parentThreadId === undefined)?.threadId;
  const [opened, setOpened] = useState<string>();
  // Two threads at work are the newest in turns: the one that was is kept.
  if (opened === undefined && threadId === null && newest !== undefined) setOpened(newest);
  const shown = threadId ?? opened;
  // One that is not listed may be older than those that are, or gone.
  const isListed = threads.results.some((thread) => thread.threadId === opened);
  const found = useAnswer(api.chat.getThread, threadId !== null || opened === undefined || isListed ? "skip" : { threadId: opened });
  if (found.data === null) setOpened(undefined);

  const waiting = [...asking.values()].reduce((sum, one) => sum + one, 0);
  useEffect(() => {
    if (shown === undefined) document.title = pageTitle({ waiting });
  }, [shown, waiting]);

  useFocusInThread(shown);
  const { list, close, ...opening } = useDrawer(shown);
  const drawer = { ...opening, askingElsewhere: waiting - (asking.get(shown ?? "") ?? 0) };

  return (
    <div className="shell" data-list={drawer.isOpen ? "open" : undefined}>
      <Sidebar
        ref={list}
        threads={threads}
        asking={asking}
        shown={shown}
        onChoose={(chosen) => {
          chooseThread(chosen);
          // Another thread closes it when it is there: its own button has the focus then.
          if (chosen === shown) close();
        }}
      />
      <button type="button" className="veil" aria-label="Close the list" onClick={close} />
      <div className="behind" inert={drawer.isOpen}>
        {shown === undefined ? (
          <Alone drawer={drawer}>
            {threads.error !== undefined ? (
              <FailureNotice title="The threads could not be read" error={threads.error} />
            ) : threads.status === "LoadingFirstPage" ? (
              <Notice title={connection === "lost" ? "No connection" : "Connecting"} isBusy />
            ) : (
              <Notice title="No thread yet" isBusy>
                Start Codex on your machine. Its thread appears here by itself.
              </Notice>
            )}
          </Alone>
        ) : (
          <AgentsContext value={agents}>
            <Boundary key={shown} around={(failure) => <Alone drawer={drawer}>{failure}</Alone>}>
              <ThreadView
                threadId={shown}
                listed={threads.results.find((thread) => thread.threadId === shown)}
                connection={connection}
                drawer={drawer}
                waiting={waiting}
              />
            </Boundary>
          </AgentsContext>
        )}
      </div>
    </div>
  );
}

/** What is shown where no thread is; on a phone with the button that opens the list all the same. */
function Alone({ drawer, children }: { drawer: Drawer; children: ReactNode }) {
  return (
    <div className="page">
      <header className="header header-alone">
        <div className="header-row">
          <ListButton {...drawer} />
        </div>
      </header>
      <main>{children}</main>
    </div>
  );
}

/** The widest page that has the list as a drawer, in pixels. SOURCE: styles/shell.css. */
const DRAWER_WIDTH_MAX = 860;

/** The list as a drawer: open or not. It has the focus while it is open, gives it back, and goes by Escape and with another thread. */
function useDrawer(shown: string | undefined) {
  const [isOpen, setOpen] = useState(false);
  const list = useRef<HTMLElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = useCallback(() => setOpen(false), []);
  const toggle = useCallback(() => setOpen((before) => !before), []);
  useEffect(close, [close, shown]);
  useEffect(() => {
    if (!isOpen) return undefined;
    const onKey = ({ key }: KeyboardEvent) => {
      if (key === "Escape") close();
    };
    // On a page as wide as a desk it is no drawer.
    const onResize = () => {
      if (innerWidth > DRAWER_WIDTH_MAX) close();
    };
    const opener = button;
    list.current?.focus();
    addEventListener("keydown", onKey);
    addEventListener("resize", onResize);
    return () => {
      removeEventListener("keydown", onKey);
      removeEventListener("resize", onResize);
      // With another thread it is another button.
      opener.current?.focus();
    };
  }, [isOpen, close]);
  return { isOpen, list, button, close, toggle };
}

/** Who chose another thread from inside of one begins with its name: what had the focus is gone. */
function useFocusInThread(shown: string | undefined): void {
  const before = useRef(shown);
  useEffect(() => {
    const isOther = before.current !== undefined && before.current !== shown;
    before.current = shown;
    if (isOther && isFocusLost()) document.querySelector<HTMLElement>(".header h2")?.focus();
  }, [shown]);
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
