import type { Fields } from "./payload.js";
import { fields, listOf, stringOf } from "./payload.js";

/** How far a step of a plan has come. */
export type StepState = "pending" | "inProgress" | "completed";

/** What Codex has set out to do in a turn. */
export interface Plan {
  explanation: string | undefined;
  steps: { text: string; state: StepState }[];
}

/**
 * Reads a turn's plan: `planJson` of the turn, the `params` of its newest `turn/plan/updated`.
 *
 * @param planJson as `turns.get` answers it
 * @returns the plan; undefined where there is none, or one without steps
 */
export function readPlan(planJson: string | undefined): Plan | undefined {
  if (planJson === undefined) return undefined;
  try {
    return planOf(fields(JSON.parse(planJson)));
  } catch {
    return undefined;
  }
}

/** The plan of such an object, or of a list of things to do as `codex exec` prints it. */
export function planOf(plan: Fields): Plan | undefined {
  const params = fields(plan["params"]);
  const given = Array.isArray(params["plan"]) ? params : plan;
  const steps = listOf(given["plan"] ?? given["items"]).map((step) => ({
    text: stringOf(step["step"]) ?? stringOf(step["text"]) ?? "",
    state: stateOf(step),
  }));
  return steps.length === 0 ? undefined : { explanation: stringOf(given["explanation"]), steps };
}

function stateOf(step: Fields): StepState {
  const status = step["status"];
  if (status === "completed" || step["completed"] === true) return "completed";
  return status === "inProgress" || status === "in_progress" ? "inProgress" : "pending";
}
