import type { ReactNode } from "react";
import { useEffect, useRef, useState } from "react";
import { formatUnits } from "../format.js";
import type { ReadPiece, Whole } from "../whole.js";
import { readWhole } from "../whole.js";
import { Pages } from "./pages.js";

export interface WholeTextProps {
  /** What it is all of: `Output`. */
  label: string;
  read: ReadPiece;
  /** How it is drawn once it is there; by pages, as it is, where nothing is said. */
  draw?: (whole: string) => ReactNode;
}

type State =
  | { name: "idle" }
  | { name: "reading"; units: number }
  | { name: "read"; whole: Whole }
  | { name: "missing" }
  | { name: "failed" };

/** A text that is too large for a list: read on request, piece by piece, and shown in its place. */
export function WholeText({ label, read, draw }: WholeTextProps) {
  const [state, setState] = useState<State>({ name: "idle" });
  const ending = useRef<AbortController>(undefined);
  useEffect(() => () => ending.current?.abort(), []);

  const start = async () => {
    ending.current?.abort();
    const own = new AbortController();
    ending.current = own;
    const say = (next: State) => {
      if (!own.signal.aborted) setState(next);
    };
    say({ name: "reading", units: 0 });
    try {
      const whole = await readWhole(read, (units) => say({ name: "reading", units }), own.signal);
      say(whole === undefined ? { name: "missing" } : { name: "read", whole });
    } catch {
      say({ name: "failed" });
    }
  };

  if (state.name === "read") {
    const { text, isCut } = state.whole;
    return (
      <>
        {draw === undefined ? <Pages text={text} label={label} /> : draw(text)}
        {isCut && <p className="aside">This is its beginning: the rest is too long for a page.</p>}
      </>
    );
  }
  return (
    <p className="aside whole" role="status">
      {state.name === "reading" ? (
        <>Reading … {formatUnits(state.units)}</>
      ) : (
        <button type="button" className="more" onClick={() => void start()}>
          {state.name === "failed" ? "It could not be read. Try again" : "Read all of it"}
        </button>
      )}
      {state.name === "missing" && <> It is no longer there.</>}
    </p>
  );
}
