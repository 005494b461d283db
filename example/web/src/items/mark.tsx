import type { ItemProps } from "./item.js";

const LABEL = new Map([
  ["contextCompaction", "Context compacted"],
  ["enteredReviewMode", "Review started"],
]);

/** A point in the thread, rather than something said. */
export function MarkItem({ message }: ItemProps) {
  const label = LABEL.get(message.sourceItemType ?? "");
  return (
    <p className="mark">
      <span>{label ?? message.text}</span>
    </p>
  );
}
