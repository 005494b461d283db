/** How an item, or a turn, ended. As `src/event/item.rs` has it. */
import { fieldsOf } from "./fields.js";

/** How a finished item, or a turn, ended. */
export type MessageOutcome = "completed" | "failed" | "interrupted";

/** How a finished item ended: by its status; where that says no end, by whether the item tells of a failure. */
export function outcomeOf(item: unknown): MessageOutcome {
  const { status, error, failure, success } = fieldsOf(item) ?? {};
  switch (status) {
    case "declined":
    case "interrupted":
    case "cancelled":
      return "interrupted";
    case "failed":
      return "failed";
    default:
      return fieldsOf(error) !== undefined || fieldsOf(failure) !== undefined || success === false ? "failed" : "completed";
  }
}
