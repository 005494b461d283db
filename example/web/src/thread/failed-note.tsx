import { isTakenBack } from "../failure.js";
import { FailureNote } from "../items/failure-note.js";
import { Visible } from "../items/visible.js";
import type { PlacedTurn } from "./failed-turns.js";

const ASKED_UNITS_MAX = 300;

/** Tells of turns that failed, where they did. */
export function FailedNotes({ turns }: { turns: readonly PlacedTurn[] | undefined }) {
  return turns?.map(({ turnId, error, asked, isAlone }) => (
    <div key={turnId} className="failed-turn">
      {isAlone && asked !== undefined && asked !== "" && (
        <p className="aside">
          Asked for: <Visible text={asked.slice(0, ASKED_UNITS_MAX)} />
        </p>
      )}
      <FailureNote error={error} kind={isTakenBack(error) ? "reason" : "failure"} />
    </div>
  ));
}
