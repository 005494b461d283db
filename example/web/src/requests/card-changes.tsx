import { useMemo } from "react";
import { wholeDiff, type WholeChange } from "../diff.js";
import { ChangeName } from "../items/change-name.js";
import { WholeDiff } from "../items/diff.js";
import { Visible } from "../items/visible.js";
import { membersOf } from "./approval.js";

/** Changes that are decided on: every file, every line, to its end, nothing folded. */
export function CardChanges({ changes }: { changes: readonly WholeChange[] }) {
  return (
    <div className="box">
      {changes.map((one, i) => (
        <CardChange key={i} {...one} />
      ))}
    </div>
  );
}

function CardChange({ change, others }: WholeChange) {
  const lines = useMemo(() => wholeDiff(change), [change]);
  const more = membersOf(others) ?? "";
  return (
    <div className="change">
      <div className="box-head">
        <ChangeName change={change} />
      </div>
      {more !== "" && (
        <p className="aside">
          <Visible text={more} />
        </p>
      )}
      {lines.length === 0 ? <p className="aside">{withoutLines(change)}</p> : <WholeDiff lines={lines} />}
    </div>
  );
}

function withoutLines({ kind, movedTo }: WholeChange["change"]): string {
  if (kind !== "update") return "An empty file.";
  return movedTo === undefined ? "No line of it changes." : "Only its name changes.";
}
