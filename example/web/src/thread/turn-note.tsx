import { isTakenBack } from "../failure.js";
import { FailureNote } from "../items/failure-note.js";
import { TurnPlan } from "../items/plan-steps.js";
import { Visible } from "../items/visible.js";
import { isOver, STOPPED, type PlacedTurn, type Turn } from "./past-turns.js";

const ASKED_UNITS_MAX = 300;

interface TurnNoteProps {
  turn: { status: Turn["status"]; error?: string | undefined; planJson?: string | undefined };
  /** Its last message says that it was stopped. */
  isStopTold?: boolean;
}

/** What a turn tells beside its messages: its plan, and that it failed or was stopped, and why. */
export function TurnNote({ turn: { status, error, planJson }, isStopTold = false }: TurnNoteProps) {
  const isStopped = status === "interrupted";
  return (
    <>
      <TurnPlan planJson={planJson} isOver={isOver(status)} />
      {(status === "failed" || (isStopped && !isStopTold)) && (
        <FailureNote error={error ?? (isStopped ? STOPPED : undefined)} kind={isStopped || isTakenBack(error) ? "reason" : "failure"} />
      )}
    </>
  );
}

/** Tells of turns that are over, where they were. */
export function TurnNotes({ turns }: { turns: readonly PlacedTurn[] | undefined }) {
  return turns?.map((turn) => (
    <div key={turn.turnId} className="past-turn">
      {turn.isAlone && turn.asked !== undefined && turn.asked !== "" && (
        <p className="aside">
          Asked for: <Visible text={turn.asked.slice(0, ASKED_UNITS_MAX)} />
        </p>
      )}
      <TurnNote turn={turn} isStopTold={turn.isStopTold} />
    </div>
  ));
}
