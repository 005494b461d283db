import { useMemo, useState } from "react";
import { plainOutput, tailLines } from "../text.js";

const LINES_SHOWN = 12;
/** More than this slows a page down, in lines. */
const LINES_MAX = 5_000;

/** What a command printed: its end, and all of it on request. */
export function Output({ output }: { output: string }) {
  const [isWhole, setIsWhole] = useState(false);
  const plain = useMemo(() => plainOutput(output), [output]);
  const { text, linesHidden } = tailLines(plain, isWhole ? LINES_MAX : LINES_SHOWN);
  if (plain.trim() === "") return null;
  return (
    <div className="output">
      {linesHidden > 0 && (
        <button type="button" disabled={isWhole} onClick={() => setIsWhole(true)}>
          {linesHidden.toLocaleString()} earlier {linesHidden === 1 ? "line" : "lines"}
        </button>
      )}
      <pre>{text}</pre>
    </div>
  );
}
