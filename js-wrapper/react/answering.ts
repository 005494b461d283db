/** Which rows of a list are being answered, and what that failed with. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { isSameList } from "../mapping/identity.js";
import { asError } from "./calls.js";

/** How it stands with the answer to a row, as far as this page gave it. */
export interface Answering {
  /** An answer is on its way to the server. */
  readonly isAnswering: boolean;
  /** The command that carries the answer to the machine, where it is one: what became of it is among the thread's commands. */
  readonly answerCommandId?: string;
  /** What the last answer failed with. */
  readonly answerError?: Error;
}

type States = ReadonlyMap<string, Answering>;

const AT_REST: Answering = { isAnswering: false };
const UNDER_WAY: Answering = { isAnswering: true };

/**
 * Follows answers by the key of the row that they are for.
 *
 * @returns how it stands with each, and what each answer is given through, the same at each render: it answers, or rejects, as the call does
 */
export function useAnswering(): readonly [States, <Answer>(key: string, call: () => Promise<Answer>) => Promise<Answer>] {
  const [states, setStates] = useState<States>(new Map());
  const follow = useCallback(async <Answer>(key: string, call: () => Promise<Answer>): Promise<Answer> => {
    const put = (state: Answering) => setStates((before) => new Map([...before].concat([[key, state]])));
    put(UNDER_WAY);
    try {
      const answer = await call();
      put(isSent(answer) ? { isAnswering: false, answerCommandId: answer.commandId } : AT_REST);
      return answer;
    } catch (thrown) {
      put({ isAnswering: false, answerError: asError(thrown) });
      throw thrown;
    }
  }, []);
  return [states, follow];
}

function isSent(answer: unknown): answer is { commandId: string } {
  return typeof answer === "object" && answer !== null && "commandId" in answer;
}

/**
 * Says of each row how it stands with its answer. What did not change is the same object at the next render.
 *
 * @param rows each the same object while nothing of it changes
 * @param keyOf names a row; the same function at every render
 */
export function useWithAnswers<Row extends object>(rows: readonly Row[], states: States, keyOf: (row: Row) => string): (Row & Answering)[] {
  type Known = ReadonlyMap<Row, { readonly state: Answering; readonly item: Row & Answering }>;
  const previous = useRef<{ items: (Row & Answering)[]; known: Known }>({ items: [], known: new Map() });
  const shown = useMemo(() => {
    const before = previous.current;
    const known = new Map(
      rows.map((row) => {
        const state = states.get(keyOf(row)) ?? AT_REST;
        const was = before.known.get(row);
        return [row, was?.state === state ? was : { state, item: { ...row, ...state } }] as const;
      }),
    );
    const items = Array.from(known.values(), ({ item }) => item);
    return { items: isSameList(items, before.items) ? before.items : items, known };
  }, [rows, states, keyOf]);
  useEffect(() => {
    previous.current = shown;
  }, [shown]);
  return shown.items;
}
