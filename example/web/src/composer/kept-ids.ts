import { useKept } from "../kept.js";

const NONE: ReadonlySet<string> = new Set();

/**
 * Ids of commands that the page remembers: `dismissed`, those that somebody does not want to see any more; `stopped`, those that
 * were waiting when the turn before them was stopped, and are not to be lost.
 */
export function useKeptIds(name: "dismissed" | "stopped"): readonly [ReadonlySet<string>, (...ids: string[]) => void] {
  const [ids, change] = useKept(name, NONE);
  return [ids, (...added) => change((before) => new Set([...before, ...added]))];
}
