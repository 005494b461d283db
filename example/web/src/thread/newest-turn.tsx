import { api } from "../api.js";
import { isTakenBack } from "../failure.js";
import { FailureNote } from "../items/failure-note.js";
import { TurnPlan } from "../items/plan-steps.js";
import { FailureLine } from "../notice.js";
import { useAnswer } from "../use-answer.js";

/** A turn that no machine began is ended with its command's code; what else ends one is said by its messages. */
const COMMAND_CODE = /^E_/;

/** What the newest turn says beside its messages: its plan, that it tries again, why it failed. */
export function NewestTurn({ threadId, turnId }: { threadId: string; turnId: string }) {
  const { data: turn, error } = useAnswer(api.chat.getTurn, { threadId, turnId });
  if (error !== undefined) return <FailureLine title="How the turn stands could not be read" error={error} />;
  if (turn === undefined || turn === null) return null;
  const isRunning = turn.status === "inProgress";
  return (
    <div className="newest-turn">
      <TurnPlan planJson={turn.planJson} />
      {isRunning && turn.warning !== undefined && <FailureNote error={turn.warning} kind="retry" />}
      {turn.status === "failed" && <FailureNote error={turn.error} kind={isTakenBack(turn.error) ? "reason" : "failure"} />}
      {turn.status === "interrupted" && turn.error !== undefined && COMMAND_CODE.test(turn.error) && (
        <FailureNote error={turn.error} kind="reason" />
      )}
    </div>
  );
}
