import { useMutation } from "convex/react";
import type { ReactNode } from "react";
import { api } from "../api.js";
import { failureWords } from "../failure.js";
import { formatTime } from "../format.js";
import { useAttempt } from "../use-attempt.js";
import type { Deletion } from "./deletion.js";

export interface StandingProps {
  threadId: string;
  isArchived: boolean;
  deletion: Deletion;
}

/** Why a thread does not go on, and the way back. */
export function Standing({ threadId, isArchived, deletion }: StandingProps) {
  const unarchive = useMutation(api.chat.unarchiveThread);
  return (
    // It is there before its words: what comes in together with them is commonly not told. Of two of them the one that comes is told.
    <div role="status" aria-atomic={false}>
      {deletion.scheduledFor !== undefined && (
        <Note button="Do not delete" onUndo={deletion.takeBack}>
          This thread will be deleted at {formatTime(deletion.scheduledFor)}.
        </Note>
      )}
      {isArchived && (
        <Note button="Bring back" onUndo={() => unarchive({ threadId })}>
          This thread is archived: it takes no new turn.
        </Note>
      )}
    </div>
  );
}

function Note({ button, onUndo, children }: { button: string; onUndo: () => Promise<unknown>; children: ReactNode }) {
  const { isPending, error, attempt } = useAttempt();
  return (
    <div className="standing">
      <p>
        {children} {error !== undefined && failureWords(error)}
      </p>
      <button type="button" className="secondary" disabled={isPending} onClick={() => void attempt(onUndo)}>
        {button}
      </button>
    </div>
  );
}
