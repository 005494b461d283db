import type { ItemProps } from "./item.js";

const LABEL = new Map([
  ["contextCompaction", "Context compacted"],
  ["enteredReviewMode", "Review of"],
]);
const COMPACTING = "Compacting the context";
const UNITS_MAX = 300;

/** A point in the thread, rather than something said. */
export function MarkItem({ message }: ItemProps) {
  const { sourceItemType = "", status, text } = message;
  const isCompacting = sourceItemType === "contextCompaction" && status === "streaming";
  const label = isCompacting ? COMPACTING : LABEL.get(sourceItemType);
  const said = text.slice(0, UNITS_MAX);
  return (
    <p className="mark">
      <span>
        {label} {said !== "" && <bdi>{said}</bdi>}
      </span>
    </p>
  );
}
