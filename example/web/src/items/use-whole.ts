import { useCallback, useEffect, useRef, useState } from "react";
import type { ReadPiece, Whole } from "../whole.js";
import { readWhole } from "../whole.js";

/** How far the reading of something whole has come. */
export type Reading =
  | { name: "idle" }
  | { name: "reading"; units: number }
  | { name: "read"; whole: Whole }
  | { name: "missing" }
  | { name: "failed" };

const IDLE: Reading = { name: "idle" };

/**
 * Reads something whole, on request.
 *
 * @param read a piece of it
 * @param of what is read, the same value while it is the same: what was read of something else is not kept
 * @returns how far it is, and what begins it
 */
export function useWhole(read: ReadPiece, of: unknown): [reading: Reading, start: () => void] {
  const [state, setState] = useState<{ of: unknown; reading: Reading }>();
  const ending = useRef<AbortController>(undefined);
  const latest = useRef(read);
  useEffect(() => {
    latest.current = read;
  });
  useEffect(() => () => ending.current?.abort(), [of]);

  const start = useCallback(() => {
    ending.current?.abort();
    const own = new AbortController();
    ending.current = own;
    const say = (reading: Reading) => {
      if (!own.signal.aborted) setState({ of, reading });
    };
    say({ name: "reading", units: 0 });
    readWhole(latest.current, (units) => say({ name: "reading", units }), own.signal).then(
      (whole) => say(whole === undefined ? { name: "missing" } : { name: "read", whole }),
      () => say({ name: "failed" }),
    );
  }, [of]);
  return [state !== undefined && state.of === of ? state.reading : IDLE, start];
}
