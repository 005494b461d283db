import { useState } from "react";
import { useKept } from "../kept.js";

type Name = "dismissed" | "stopped";

/** The last of each that a browser keeps: what is older is no longer listed. */
export const IDS_KEPT = 200;

/**
 * Ids of commands that are remembered, over a reload too: `dismissed`, those that somebody does not want to see any more; `stopped`,
 * those that were waiting when the turn before them was stopped, and are not to be lost.
 */
export function useKeptIds(name: Name): readonly [ReadonlySet<string>, (...ids: string[]) => void] {
  const [recalled] = useState(() => recall(name));
  const [ids, change] = useKept(name, recalled);
  return [
    ids,
    (...added) => {
      change((before) => new Set([...before, ...added]));
      // Another tab has its own.
      remember(name, new Set([...recall(name), ...added]));
    },
  ];
}

const nameFor = (name: Name) => `codex ${name} commands`;

/** A browser may keep nothing for a page, or what is no list: then they are known until a reload. */
function recall(name: Name): ReadonlySet<string> {
  try {
    return new Set(JSON.parse(localStorage.getItem(nameFor(name)) ?? "[]") as string[]);
  } catch {
    return new Set();
  }
}

function remember(name: Name, ids: ReadonlySet<string>): void {
  try {
    localStorage.setItem(nameFor(name), JSON.stringify([...ids].slice(-IDS_KEPT)));
  } catch {
    // As above.
  }
}
