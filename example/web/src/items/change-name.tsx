import type { FileChange } from "../diff.js";
import { Visible } from "./visible.js";

const KIND_GLYPH: Record<FileChange["kind"], string> = { add: "A", update: "M", delete: "D" };
const KIND_NAME: Record<FileChange["kind"], string> = {
  add: "added",
  update: "modified",
  delete: "deleted",
};

/** Which file a change is of, what becomes of it, and where it goes. */
export function ChangeName({ change: { path, kind, movedTo } }: { change: FileChange }) {
  const cut = path.lastIndexOf("/") + 1;
  return (
    <>
      <span
        className={`glyph glyph-${kind}`}
        role="img"
        aria-label={KIND_NAME[kind]}
        title={KIND_NAME[kind]}
      >
        {KIND_GLYPH[kind]}
      </span>
      <span className="line path">
        <span className="folder">
          <Visible text={path.slice(0, cut)} />
        </span>
        <b>
          <Visible text={path.slice(cut)} />
        </b>
        {movedTo !== undefined && (
          <span className="moved">
            {" → "}
            <Visible text={movedTo} />
          </span>
        )}
      </span>
    </>
  );
}
