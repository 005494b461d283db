import { useMutation } from "convex/react";
import { useCallback, useEffect, useState } from "react";
import { api } from "../api.js";
import { useAnswer } from "../use-answer.js";

/** How long a deletion waits, and can be taken back, in milliseconds. */
export const GRACE_MS = 10 * 60_000;

/** A thread's deletion, as far as this browser knows of one. */
export interface Deletion {
  /** When it begins, in milliseconds since 1970; undefined where none waits. */
  scheduledFor: number | undefined;
  /** Why it is not known whether one waits that was asked for. */
  error: Error | undefined;
  /** Asks for it. Asked twice, also from elsewhere, it is one deletion. */
  ask: () => Promise<void>;
  /** Takes it back, while it waits. */
  takeBack: () => Promise<void>;
}

/** Follows the deletion that this browser asked for. The deployment lists none: the job's id is kept here, over a reload too. */
export function useDeletion(threadId: string): Deletion {
  const [jobId, setJobId] = useState(() => recall(threadId));
  const schedule = useMutation(api.chat.scheduleThreadDeletion);
  const cancel = useMutation(api.chat.cancelDeletion);
  const { data: job, error } = useAnswer(api.chat.getDeletionJobStatus, jobId === null ? "skip" : { deletionJobId: jobId });

  const isOver = job?.status === "completed" || job?.status === "cancelled";
  // Null of another user's, or another deployment's: theirs stays for them.
  const isNone = job === null;
  useEffect(() => {
    if (isOver) remember(threadId, null);
    if (isOver || isNone) setJobId(null);
  }, [isOver, isNone, threadId]);

  const ask = useCallback(async () => {
    const { deletionJobId } = await schedule({ threadId, delayMs: GRACE_MS });
    remember(threadId, deletionJobId);
    setJobId(deletionJobId);
  }, [schedule, threadId]);
  const takeBack = useCallback(async () => {
    if (jobId !== null) await cancel({ deletionJobId: jobId });
  }, [cancel, jobId]);
  return { scheduledFor: job?.status === "scheduled" ? job.scheduledFor : undefined, error, ask, takeBack };
}

const nameFor = (threadId: string) => `codex deletion of ${threadId}`;

/** A browser may keep nothing for a page: then the deletion is known until a reload. */
function recall(threadId: string): string | null {
  try {
    return localStorage.getItem(nameFor(threadId));
  } catch {
    return null;
  }
}

function remember(threadId: string, jobId: string | null): void {
  try {
    if (jobId === null) localStorage.removeItem(nameFor(threadId));
    else localStorage.setItem(nameFor(threadId), jobId);
  } catch {
    // As above.
  }
}
