import { useConvex } from "convex/react";
import { createContext, useCallback, useContext, useSyncExternalStore } from "react";

/** What the page keeps of one deployment and user for as long as it is open, whichever thread is shown. */
export class Kept {
  readonly #values = new Map<string, unknown>();
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get(name: string): unknown {
    return this.#values.get(name);
  }

  set(name: string, value: unknown): void {
    this.#values.set(name, value);
    for (const listener of this.#listeners) listener();
  }
}

/** The page's own: it stays where a new client takes the place of one that failed. */
export const KeptContext = createContext<Kept | undefined>(undefined);

/** Of what is shown without the page; a client is of one address and one user. */
const ofClients = new WeakMap<object, Kept>();

function keptOf(client: object): Kept {
  const kept = ofClients.get(client) ?? new Kept();
  ofClients.set(client, kept);
  return kept;
}

/**
 * A state that outlives its component: it is there again when a thread is shown again, until the page is left.
 *
 * @param name what it is of: the same name is the same state, in every component
 * @param initial what it begins with; the same object at every render
 * @returns the state, and how it is changed, also after the component is gone
 */
export function useKept<Value>(name: string, initial: Value): readonly [Value, (act: (before: Value) => Value) => void] {
  const client = useConvex();
  const kept = useContext(KeptContext) ?? keptOf(client);
  const value = useSyncExternalStore(kept.subscribe, () => (kept.get(name) as Value | undefined) ?? initial);
  const change = useCallback(
    (act: (before: Value) => Value) => kept.set(name, act((kept.get(name) as Value | undefined) ?? initial)),
    [kept, name, initial],
  );
  return [value, change];
}
