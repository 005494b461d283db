import { useMemo, useState } from "react";
import type { DiffLine, FileChange } from "../payload.js";
import { diffLines, fileChanges, readItem, tooLarge } from "../payload.js";
import type { ItemProps } from "./item.js";
import { Status } from "./status.js";

/** A longer diff is closed until it is asked for, in lines. */
const OPEN_LINES_MAX = 40;
/** More than this slows a page down, in lines. */
const LINES_MAX = 2_000;

const KIND_GLYPH: Record<FileChange["kind"], string> = { add: "A", update: "M", delete: "D" };
const KIND_NAME: Record<FileChange["kind"], string> = {
  add: "added",
  update: "modified",
  delete: "deleted",
};
const SIGN: Record<DiffLine["type"], string> = { add: "+", delete: "−", context: " ", hunk: "" };

export function FileChangeItem({ message }: ItemProps) {
  const { payloadJson, status, text } = message;
  const item = useMemo(() => readItem(payloadJson), [payloadJson]);
  const changes = useMemo(() => fileChanges(item), [item]);
  if (changes.length === 0) {
    return (
      <div className="box">
        <div className="box-head">
          <span className="glyph">±</span>
          <span className="line">{text}</span>
          <Status status={status} />
        </div>
        {message.payloadTruncated === true && <p className="aside">{tooLarge(item)}</p>}
      </div>
    );
  }
  return (
    <div className="box">
      {changes.map((change, i) => (
        <Change key={`${i} ${change.path}`} change={change} message={message} />
      ))}
    </div>
  );
}

function Change({ change, message }: ItemProps & { change: FileChange }) {
  const lines = useMemo(() => diffLines(change), [change]);
  const [isOpen, setIsOpen] = useState(lines.length <= OPEN_LINES_MAX);
  const added = lines.filter(({ type }) => type === "add").length;
  const deleted = lines.filter(({ type }) => type === "delete").length;
  const cut = change.path.lastIndexOf("/") + 1;
  return (
    <details
      className="change"
      open={isOpen}
      onToggle={(event) => setIsOpen(event.currentTarget.open)}
    >
      <summary className="box-head">
        <span className={`glyph glyph-${change.kind}`} title={KIND_NAME[change.kind]}>
          {KIND_GLYPH[change.kind]}
        </span>
        <span className="line path" title={change.path}>
          <span className="folder">{change.path.slice(0, cut)}</span>
          <b>{change.path.slice(cut)}</b>
          {change.movedTo !== undefined && <span> → {change.movedTo}</span>}
        </span>
        <span className="counts">
          {added > 0 && <span className="count-add">+{added}</span>}
          {deleted > 0 && <span className="count-delete">−{deleted}</span>}
        </span>
        {message.status !== "completed" && <Status status={message.status} />}
      </summary>
      {isOpen && lines.length > 0 && <Diff lines={lines} />}
    </details>
  );
}

function Diff({ lines }: { lines: readonly DiffLine[] }) {
  return (
    <div className="diff">
      <div>
        {lines.slice(0, LINES_MAX).map(({ type, text }, i) => (
          <div key={i} className={`diff-${type}`}>
            <span aria-hidden="true">{SIGN[type]}</span>
            {text}
            {"\n"}
          </div>
        ))}
        {lines.length > LINES_MAX && (
          <div className="diff-hunk">… {lines.length - LINES_MAX} more lines</div>
        )}
      </div>
    </div>
  );
}
