import { FailureNote } from "../items/failure-note.js";
import { FailureLine } from "../notice.js";
import type { Turns } from "./past-turns.js";
import { TurnNote } from "./turn-note.js";

/** What the newest turn says beside its messages: its plan, that it tries again, why it failed. */
export function NewestTurn({ newest: { data: turn, error }, said }: Pick<Turns, "newest" | "said">) {
  if (error !== undefined) {
    return (
      <>
        {said !== undefined && <TurnNote turn={said} />}
        <FailureLine title="How the turn stands could not be read" error={error} />
      </>
    );
  }
  if (turn === undefined || turn === null) return null;
  return (
    <div className="newest-turn">
      <TurnNote turn={turn} />
      {turn.status === "inProgress" && turn.warning !== undefined && <FailureNote error={turn.warning} kind="retry" />}
    </div>
  );
}
