import type { CSSProperties } from "react";
import { memo, useMemo, useState } from "react";
import { PAGE_LINES_MAX, PAGE_UNITS_MAX, countLines, tailStart } from "../pages.js";
import { plainOutput, readRuns } from "../terminal.js";
import { Pages } from "./pages.js";
import { spellOut } from "./visible-parts.js";

/** What is shown of an output that was not opened, in lines and in UTF-16 units. */
const FOLDED_LINES = 12;
const FOLDED_UNITS = 4_096;

export interface OutputProps {
  output: string;
  /** Still printing: only its end is looked at, whatever has been printed before. */
  isLive?: boolean;
  label?: string;
}

/** What a command printed: its end, and all of it on request. */
export function Output({ output, isLive = false, label = "Output" }: OutputProps) {
  const [isOpen, setIsOpen] = useState(false);
  const lines = useMemo(() => (isLive ? undefined : countLines(output)), [isLive, output]);
  const start = tailStart(
    output,
    isOpen ? PAGE_LINES_MAX : FOLDED_LINES,
    isOpen ? PAGE_UNITS_MAX : FOLDED_UNITS,
  );
  const tail = output.slice(start).replace(/\n$/, "");
  if (start === 0 && plainOutput(tail).trim() === "") return null;
  const isLong = isOpen || start > 0;
  return (
    <div className={isOpen ? "output output-open" : "output"}>
      {isLong && (
        <button
          type="button"
          className="fold"
          aria-expanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        >
          {isOpen
            ? "Show its end only"
            : lines === undefined
              ? "Show more"
              : `Show all ${linesOf(lines)}`}
        </button>
      )}
      {isOpen && !isLive ? (
        <Pages text={output} label={label} from="end" draw={(page) => <Runs text={page} />} />
      ) : (
        <pre {...(isOpen ? { tabIndex: 0, role: "region", "aria-label": label } : {})}>
          <Runs text={tail} />
        </pre>
      )}
      {isOpen && isLive && start > 0 && (
        <p className="aside">What came before can be read when it has ended.</p>
      )}
    </div>
  );
}

function linesOf(lines: number): string {
  return lines === 1 ? "of one line" : `${lines.toLocaleString()} lines`;
}

/** An element for each look: what cannot be seen is named in the text itself. */
const Runs = memo(function Runs({ text }: { text: string }) {
  return readRuns(text).map(({ text: run, look, colour }, i) =>
    look === "" ? (
      spellOut(run)
    ) : (
      <span key={i} className={look} style={styleOf(colour)}>
        {spellOut(run)}
      </span>
    ),
  );
});

function styleOf(colour: string | undefined): CSSProperties | undefined {
  return colour === undefined ? undefined : ({ "--colour": colour } as CSSProperties);
}
