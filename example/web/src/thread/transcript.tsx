import type { CodexUIMessage, UseCodexMessagesResult } from "convex-codex-local/react";
import { useEffect, useRef } from "react";
import { hasMore, MoreButton } from "../more-button.js";
import { FailureLine, FailureNotice, Notice } from "../notice.js";
import { MORE_MESSAGES } from "./more-messages.js";
import { NO_PAST, placeTurns, type PastTurns } from "./past-turns.js";
import { Rows } from "./rows.js";
import { TurnNotes } from "./turn-note.js";

export interface TranscriptProps {
  messages: UseCodexMessagesResult;
  /** Its messages in outline. */
  outline: readonly CodexUIMessage[];
  /** The turns that are over; none where nothing is said. */
  past?: PastTurns;
  /** What scrolls it. */
  viewport: HTMLElement | null;
}

/** What was said and done, oldest first. */
export function Transcript({ messages, outline, past = NO_PAST, viewport }: TranscriptProps) {
  const { results, isLoading, status, error, threadStatus } = messages;
  if (results.length === 0) {
    if (error !== undefined) return <FailureNotice title="The messages could not be read" error={error} />;
    if (isLoading) return <Skeleton />;
    if (threadStatus === "missing") {
      return (
        <Notice title="No such thread">
          It may have been deleted, or it belongs to someone else. Should it appear, it shows here.
        </Notice>
      );
    }
    if (past.turns.length > 0) return <TurnNotes turns={placeTurns(results, past, true).get(-1)} />;
    return (
      <Notice title="Nothing yet" isBusy>
        What Codex says and does appears here as it happens.
      </Notice>
    );
  }
  return (
    <>
      <Earlier messages={messages} viewport={viewport} />
      <Rows messages={results} outline={outline} isWhole={status === "Exhausted"} past={past} viewport={viewport} />
      {error !== undefined && <FailureLine title="Messages could not be read" error={error} />}
    </>
  );
}

/** What came before is loaded as its reader comes near, or asks for it. All its states are of one height: no row moves. */
function Earlier({ messages: { results, status, loadMore }, viewport }: Pick<TranscriptProps, "messages" | "viewport">) {
  const { length } = results;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (status !== "CanLoadMore" || place.current === null || viewport === null) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) loadMore(MORE_MESSAGES);
      },
      { root: viewport, rootMargin: "100% 0px 0px" },
    );
    // Its first word is where it is: after a load that leaves it near, it is asked anew.
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [length, status, loadMore, viewport]);
  return (
    <div className="earlier" ref={place}>
      {hasMore(status) && (
        <MoreButton status={status} onMore={() => loadMore(MORE_MESSAGES)}>
          Earlier messages
        </MoreButton>
      )}
      {status === "Exhausted" && <p>Start of the thread</p>}
    </div>
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
