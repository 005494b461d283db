import type { CodexUIMessage } from "convex-codex-local/react";
import { useConvex } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { useEffect, useMemo, useRef, useState } from "react";
import { api } from "../api.js";
import { useAnswer, type Answered } from "../use-answer.js";

export type Turn = NonNullable<FunctionReturnType<typeof api.chat.getTurn>>;

/** A turn that is over, and is not the newest, as far as it has something to tell. */
export interface PastTurn extends Pick<Turn, "turnId" | "status"> {
  error: string | undefined;
  planJson?: string | undefined;
  /** What was asked for, as far as it is kept. */
  asked?: string | undefined;
}

/** The turns of a thread as far as they are known. */
export interface PastTurns {
  /** Ids of turns, oldest first. */
  order: readonly string[];
  turns: readonly PastTurn[];
  /** The turn that is told of below all messages. */
  newest: string | undefined;
}

/** What a turn ends with that was stopped without a word. */
export const STOPPED = "interrupted";

export const NO_PAST: PastTurns = { order: [], turns: [], newest: undefined };

export interface Turns {
  past: PastTurns;
  newest: Answered<Turn | null>;
  /** How the newest one stands, where it could not be read. */
  said: Pick<Turn, "turnId" | "status" | "error"> | undefined;
  /** Why earlier ones are not known. */
  error: Error | undefined;
}

const NONE_READ: ReadonlyMap<string, Turn> = new Map();

/**
 * The newest turn, and those before it among the newest 50. How each of these ended is followed; its plan, and what was asked for where
 * it came to nothing, are read once: a turn that is over says no more.
 *
 * @param newestId undefined where there is none yet
 * @param outline of all messages that are loaded: of a turn that has none here only a failure, or a stop, is told
 */
export function useTurns(threadId: string, newestId: string | undefined, outline: readonly CodexUIMessage[]): Turns {
  const newest = useAnswer(api.chat.getTurn, newestId === undefined ? "skip" : { threadId, turnId: newestId });
  const listed = useAnswer(api.chat.listTurns, newestId === undefined ? "skip" : { threadId });
  const left = useLeft(newest.data ?? undefined, newestId);

  const over = useMemo(
    () => (listed.data ?? []).filter(({ turnId, status }) => turnId !== newestId && isOver(status)),
    [listed.data, newestId],
  );
  const wanted = useMemo(() => {
    const shown = new Set(outline.map(({ turnId }) => turnId));
    const isWanted = ({ turnId, status, hasPlan }: (typeof over)[number]) => (shown.has(turnId) ? hasPlan || status === "failed" : status !== "completed");
    return over.filter(isWanted).map(({ turnId }) => turnId);
  }, [over, outline]);
  const { read, error } = useRead(threadId, wanted);

  const past = useMemo(() => {
    const turns = over.map((turn): PastTurn => {
      const { turnId, status } = turn;
      const row = read.get(turnId) ?? left.get(turnId);
      return { turnId, status, error: turn.error ?? row?.error, planJson: row?.planJson, asked: row?.inputSummary };
    });
    const order = (listed.data ?? []).map(({ turnId }) => turnId);
    return { order: order.reverse(), turns: turns.filter(isTold).reverse(), newest: newestId };
  }, [over, listed.data, newestId, read, left]);
  // What the list says of it, where it cannot be read itself.
  const said = newest.error === undefined ? undefined : listed.data?.find(({ turnId }) => turnId === newestId);
  return { past, newest, said, error: listed.error ?? error };
}

/** What was told last of those that were the newest: it goes on being told until it is read. */
function useLeft(newest: Turn | undefined, newestId: string | undefined): ReadonlyMap<string, Turn> {
  const [{ last, left }, setKnown] = useState({ last: newest, left: NONE_READ });
  const gone = last?.turnId === newestId ? undefined : last;
  if (newest !== undefined && newest !== last) setKnown({ last: newest, left: withTurn(left, gone) });
  return useMemo(() => withTurn(left, gone), [left, gone]);
}

function withTurn(turns: ReadonlyMap<string, Turn>, turn: Turn | undefined): ReadonlyMap<string, Turn> {
  return turn === undefined ? turns : new Map([...turns, [turn.turnId, turn]]);
}

/** Reads each turn once, and one that could not be read again with another client: when the reader tries again. */
function useRead(threadId: string, turnIds: readonly string[]): { read: ReadonlyMap<string, Turn>; error: Error | undefined } {
  const convex = useConvex();
  const [read, setRead] = useState(NONE_READ);
  const [failure, setFailure] = useState<{ of: object; error: Error }>();
  const asked = useRef<{ of: object; turnIds: Set<string> }>(undefined);
  useEffect(() => {
    if (asked.current?.of !== convex) asked.current = { of: convex, turnIds: new Set(read.keys()) };
    const readTurn = async (turnId: string) => {
      try {
        // It throws at once where it is still followed, and that failed.
        return await convex.query(api.chat.getTurn, { threadId, turnId });
      } catch (error) {
        setFailure({ of: convex, error: error instanceof Error ? error : new Error(String(error)) });
        return null;
      }
    };
    const { turnIds: known } = asked.current;
    const wanted = turnIds.filter((turnId) => !known.has(turnId));
    for (const turnId of wanted) known.add(turnId);
    if (wanted.length === 0) return;
    // All at once: each answer places the turns anew.
    void Promise.all(wanted.map(readTurn)).then((turns) => setRead((before) => turns.reduce((all, turn) => withTurn(all, turn ?? undefined), before)));
  }, [convex, threadId, turnIds, read]);
  return { read, error: failure?.of === convex ? failure.error : undefined };
}

export function isOver(status: Turn["status"]): boolean {
  return status !== "queued" && status !== "inProgress";
}

function isTold({ status, error, planJson }: PastTurn): boolean {
  return status === "failed" || status === "interrupted" || error !== undefined || planJson !== undefined;
}

/** A turn that is over, in its place among the messages. */
export interface PlacedTurn extends PastTurn {
  /** It has no message: nothing else tells that it was. */
  isAlone: boolean;
  /** Its last message says that it was stopped. */
  isStopTold: boolean;
}

/**
 * Where turns are told of: behind their last message, or where their first would have been.
 *
 * @param messages all that are loaded, oldest first; of a turn that is not known they say what it ended with
 * @param isWhole nothing came before the first of them
 * @returns the turns, by the index of the message that they stand behind, -1 before the first one; those that are before what is loaded
 *   are left out
 */
export function placeTurns(messages: readonly CodexUIMessage[], { order, turns, newest }: PastTurns, isWhole: boolean): ReadonlyMap<number, readonly PlacedTurn[]> {
  const spans = new Map<string, { from: number; to: number; ended?: CodexUIMessage }>();
  messages.forEach((message, to) => {
    const span = spans.get(message.turnId);
    const ended = span?.ended ?? (message.error === undefined ? undefined : message);
    spans.set(message.turnId, { from: span?.from ?? to, to, ...(ended && { ended }) });
  });
  const placed = new Map<number, PlacedTurn[]>();
  const place = (at: number, turn: PlacedTurn) => {
    const here = placed.get(at);
    if (here === undefined) placed.set(at, [turn]);
    else here.push(turn);
  };

  const known = new Set(order);
  for (const [turnId, { to, ended }] of spans) {
    if (ended === undefined || known.has(turnId) || turnId === newest) continue;
    place(to, { turnId, status: ended.status === "failed" ? "failed" : "interrupted", error: ended.error, isAlone: false, isStopTold: false });
  }

  const told = new Map(turns.map((turn) => [turn.turnId, turn]));
  const behind = firstBehind(order, spans);
  let last = -1;
  order.forEach((turnId, rank) => {
    const span = spans.get(turnId);
    last = Math.max(last, span?.to ?? -1);
    const turn = told.get(turnId);
    const isStopTold = span !== undefined && turn !== undefined && isStopToldBy(turn, messages[span.to]);
    if (turn === undefined || (isStopTold && turn.planJson === undefined)) return;
    const next = behind[rank];
    // Messages of turns before those that are known stand before all that are.
    const at = span?.to ?? (last !== -1 ? last : next === undefined ? messages.length - 1 : next - 1);
    if (last !== -1 || at !== -1 || isWhole) place(at, { ...turn, isAlone: span === undefined, isStopTold });
  });
  return placed;
}

/** Whether a turn that was stopped without a word has an answer at its end that says so itself; thoughts do not. */
export function isStopToldBy({ status, error = STOPPED }: Pick<PastTurn, "status"> & { error?: string | undefined }, last: CodexUIMessage | undefined): boolean {
  return status === "interrupted" && error === STOPPED && last?.status === "interrupted" && last.role === "assistant" && last.sourceItemType !== "reasoning";
}

/** Of each turn the first message of a later one. */
function firstBehind(order: readonly string[], spans: ReadonlyMap<string, { from: number }>): (number | undefined)[] {
  const behind: (number | undefined)[] = [];
  let first: number | undefined;
  for (let rank = order.length - 1; rank >= 0; rank -= 1) {
    behind[rank] = first;
    const own = spans.get(order[rank] ?? "")?.from;
    if (own !== undefined) first = Math.min(own, first ?? own);
  }
  return behind;
}
