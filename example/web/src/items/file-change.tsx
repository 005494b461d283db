import { useMemo, useState } from "react";
import type { DiffLine, FileChange } from "../diff.js";
import { fileChanges, readDiff } from "../diff.js";
import type { Fields } from "../payload.js";
import { readItem } from "../payload.js";
import { ChangeName } from "./change-name.js";
import { Diff } from "./diff.js";
import type { ItemProps } from "./item.js";
import { Output } from "./output.js";
import { Status } from "./status.js";
import { TooLarge } from "./too-large.js";
import { Visible } from "./visible.js";

/** A longer diff is closed until it is asked for, in lines. */
const OPEN_LINES_MAX = 40;
/** Files that are listed before more are asked for. */
const FILES_SHOWN = 50;

export function FileChangeItem({ message }: ItemProps) {
  const { payloadJson, payloadTruncated, output, text } = message;
  const item = useMemo(() => readItem(payloadJson), [payloadJson]);
  if (payloadTruncated === true || !Array.isArray(item["changes"])) {
    return (
      <div className="box">
        <div className="box-head">
          <span className="glyph" aria-hidden="true">
            ±
          </span>
          <span className="line">
            <Visible text={text === "" ? "files" : text} />
          </span>
          <Status status={message.status} />
        </div>
        {payloadTruncated === true && (
          <TooLarge
            message={message}
            label="Changes"
            draw={(whole) => <Changes item={whole} message={message} />}
          />
        )}
      </div>
    );
  }
  return (
    <div className="box">
      <Changes item={item} message={message} />
      {output !== undefined && <Output output={output} isLive />}
    </div>
  );
}

function Changes({ item, message }: ItemProps & { item: Fields }) {
  const changes = useMemo(() => fileChanges(item), [item]);
  const [shown, setShown] = useState(FILES_SHOWN);
  const isDeclined = item["status"] === "declined";
  return (
    <>
      {changes.slice(0, shown).map((change, i) => (
        <Change key={i} change={change} message={message} isDeclined={isDeclined} />
      ))}
      {changes.length > shown && (
        <button type="button" className="fold" onClick={() => setShown(shown + FILES_SHOWN)}>
          {(changes.length - shown).toLocaleString()} more files
        </button>
      )}
    </>
  );
}

interface ChangeProps extends ItemProps {
  change: FileChange;
  isDeclined: boolean;
}

function Change({ change, message, isDeclined }: ChangeProps) {
  const { path, movedTo } = change;
  const { lines, added, deleted, form } = useMemo(() => readDiff(change), [change]);
  const [isOpen, setIsOpen] = useState(lines.length <= OPEN_LINES_MAX);
  return (
    <details
      className="change"
      open={isOpen}
      onToggle={(event) => setIsOpen(event.currentTarget.open)}
    >
      <summary className="box-head">
        <ChangeName change={change} />
        <span className="counts">
          {added > 0 && <span className="count-add">+{added.toLocaleString()}</span>}
          {deleted > 0 && <span className="count-delete">−{deleted.toLocaleString()}</span>}
          {form === "binary" && <span>binary</span>}
        </span>
        {message.status !== "completed" && (
          <Status status={message.status} isDeclined={isDeclined} />
        )}
      </summary>
      {isOpen && <Body lines={lines} form={form} isMoved={movedTo !== undefined} path={path} />}
    </details>
  );
}

interface BodyProps {
  lines: readonly DiffLine[];
  form: "lines" | "binary" | "unreadable";
  isMoved: boolean;
  path: string;
}

function Body({ lines, form, isMoved, path }: BodyProps) {
  if (form === "binary") return <p className="aside">A binary file has no lines to show.</p>;
  if (lines.length === 0) {
    return <p className="aside">{isMoved ? "Only its name changed." : "An empty file."}</p>;
  }
  return (
    <>
      {form === "unreadable" && (
        <p className="aside">This diff is not what its headers say: it is shown as it came.</p>
      )}
      <Diff lines={lines} path={path} />
    </>
  );
}
