import type { ReactNode } from "react";
import { formatUnits } from "../format.js";
import { handOver } from "../hand-over.js";
import type { ReadPiece } from "../whole.js";
import { Pages } from "./pages.js";
import { useWhole, type Reading } from "./use-whole.js";

export interface WholeTextProps {
  /** What it is all of: `Output`. */
  label: string;
  read: ReadPiece;
  /** How it is drawn once it is there; by pages, as it is, where nothing is said. */
  draw?: (whole: string) => ReactNode;
}

/** A text that is too large for a list: read on request, piece by piece, and shown in its place. */
export function WholeText({ label, read, draw }: WholeTextProps) {
  const [reading, start] = useWhole(read, undefined);
  if (reading.name === "read") {
    const { text, isCut } = reading.whole;
    return (
      <>
        {draw === undefined ? <Pages text={text} label={label} /> : draw(text)}
        {isCut && <p className="aside">This is its beginning: the rest is too long for a page.</p>}
      </>
    );
  }
  return <ReadAll reading={reading} onStart={start} />;
}

/** The button that reads something whole, and how far that is. */
export function ReadAll({ reading, onStart }: { reading: Exclude<Reading, { name: "read" }>; onStart: () => void }) {
  const isReading = reading.name === "reading";
  return (
    <p className="aside whole" role="status">
      <button ref={handOver} type="button" className="more" aria-disabled={isReading} onClick={isReading ? undefined : onStart}>
        {isReading ? <>Reading … {formatUnits(reading.units)}</> : reading.name === "failed" ? "It could not be read. Try again" : "Read all of it"}
      </button>
      {reading.name === "missing" && <> It is no longer there.</>}
    </p>
  );
}
