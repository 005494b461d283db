import type { CodexUIMessage } from "convex-codex-local/react";
import { FailureNote } from "../items/failure-note.js";
import { FailureLine } from "../notice.js";
import { isStopToldBy, type Turn, type Turns } from "./past-turns.js";
import { TurnNote } from "./turn-note.js";

interface NewestTurnProps extends Pick<Turns, "newest" | "said"> {
  /** The newest of all messages. */
  last: CodexUIMessage | undefined;
}

/** What the newest turn says beside its messages: its plan, that it tries again, why it failed. */
export function NewestTurn({ newest: { data: turn, error }, said, last }: NewestTurnProps) {
  if (error !== undefined) {
    return (
      <>
        {said !== undefined && <TurnNote turn={said} isStopTold={isToldBy(said, last)} />}
        <FailureLine title="How the turn stands could not be read" error={error} />
      </>
    );
  }
  if (turn === undefined || turn === null) return null;
  return (
    <div className="newest-turn">
      <TurnNote turn={turn} isStopTold={isToldBy(turn, last)} />
      {turn.status === "inProgress" && turn.warning !== undefined && <FailureNote error={turn.warning} kind="retry" />}
    </div>
  );
}

/** Whether a message that is of the turn says that it was stopped. */
function isToldBy(turn: Pick<Turn, "turnId" | "status" | "error">, last: CodexUIMessage | undefined): boolean {
  return last?.turnId === turn.turnId && isStopToldBy(turn, last);
}
