import { useState } from "react";
import type { DiffLine } from "../diff.js";
import { spellOut } from "./visible-parts.js";

/** Lines that are drawn before more are asked for, and again at each time. */
export const DIFF_LINES_SHOWN = 400;
/** What is shown of a line, in UTF-16 units. */
export const DIFF_UNITS_SHOWN = 2_000;

const SIGN: Record<DiffLine["type"], string> = { add: "+", delete: "−", context: " ", hunk: "" };
/** Those who cannot see the colours are told as well. */
const ELEMENT = { add: "ins", delete: "del", context: "div", hunk: "div" } as const;

/** The lines of a change, one element each: signs and numbers are drawn by the style sheet, so that a copy is without them. */
export function Diff({ lines, path }: { lines: readonly DiffLine[]; path: string }) {
  const [shown, setShown] = useState(DIFF_LINES_SHOWN);
  const left = lines.length - shown;
  return (
    <>
      <div className="diff" tabIndex={0} role="region" aria-label={`Changes of ${spellOut(path)}`}>
        <div>
          {lines.slice(0, shown).map((line, i) => (
            <Line key={i} line={line} />
          ))}
        </div>
      </div>
      {left > 0 && (
        <button type="button" className="fold" onClick={() => setShown(shown + DIFF_LINES_SHOWN)}>
          {left.toLocaleString()} more lines
        </button>
      )}
    </>
  );
}

/** All of a change at once, each line to its end: nothing scrolls in it but what it stands in. */
export function WholeDiff({ lines }: { lines: readonly DiffLine[] }) {
  return (
    <div className="diff diff-whole">
      <div>
        {lines.map((line, i) => (
          <Line key={i} line={line} unitsMax={Infinity} />
        ))}
      </div>
    </div>
  );
}

function Line({ line: { type, text, before, after }, unitsMax = DIFF_UNITS_SHOWN }: { line: DiffLine; unitsMax?: number }) {
  const Element = ELEMENT[type];
  const rest = text.length - unitsMax;
  return (
    <Element className={`diff-${type}`} data-number={after || before || ""} data-sign={SIGN[type]}>
      {spellOut(text.slice(0, unitsMax))}
      {rest > 0 && `  … ${rest.toLocaleString()} more characters`}
      {"\n"}
    </Element>
  );
}
