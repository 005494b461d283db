import { useMemo } from "react";
import type { Plan, StepState } from "../plan.js";
import { planOf, readPlan } from "../plan.js";
import { readItem } from "../payload.js";
import type { ItemProps } from "./item.js";

/** Steps that are listed. */
export const STEPS_MAX = 100;
const UNITS_MAX = 1_000;

const GLYPH: Record<StepState, string> = { pending: "○", inProgress: "◐", completed: "●" };
const NAME: Record<StepState, string> = {
  pending: "to do",
  inProgress: "in progress",
  completed: "done",
};

/**
 * A turn's plan, with how far each step has come.
 *
 * ```tsx
 * <TurnPlan planJson={turn.planJson} />
 * ```
 *
 * @param props.planJson of the turn
 * @param props.isOver nobody works at a step any more
 */
export function TurnPlan({ planJson, isOver = false }: { planJson: string | undefined; isOver?: boolean }) {
  const plan = useMemo(() => readPlan(planJson), [planJson]);
  return plan === undefined ? null : <Steps plan={plan} isOver={isOver} />;
}

/** The same, of an item. */
export function TodoItem({ message }: ItemProps) {
  const plan = useMemo(() => planOf(readItem(message.payloadJson)), [message.payloadJson]);
  return plan === undefined ? null : <Steps plan={plan} />;
}

function Steps({ plan: { explanation, steps }, isOver = false }: { plan: Plan; isOver?: boolean }) {
  const done = steps.filter(({ state }) => state === "completed").length;
  return (
    <section className="steps" aria-label="Plan">
      <h2 className="label">
        Plan{" "}
        <span className="steps-count">
          {done} of {steps.length} done
        </span>
      </h2>
      {explanation !== undefined && <p className="aside"><bdi>{explanation.slice(0, UNITS_MAX)}</bdi></p>}
      <ol>
        {steps.slice(0, STEPS_MAX).map(({ text, state }, i) => (
          <li
            key={i}
            className={`step step-${state}`}
            aria-current={state === "inProgress" && !isOver ? "step" : undefined}
          >
            <span role="img" aria-label={isOver && state === "inProgress" ? "begun" : NAME[state]}>
              {GLYPH[state]}
            </span>
            <bdi>{text.slice(0, UNITS_MAX)}</bdi>
          </li>
        ))}
      </ol>
      {steps.length > STEPS_MAX && <p className="aside">{steps.length - STEPS_MAX} more steps</p>}
    </section>
  );
}
