import type { CodexUIMessage } from "convex-codex-local/react";
import { useConvex } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { useEffect, useState } from "react";
import { api } from "../api.js";

/** A turn that failed, and is no longer the newest: that one is followed by itself. */
export interface FailedTurn {
  turnId: string;
  error: string | undefined;
  /** What was asked for, as far as it is kept. */
  asked: string | undefined;
}

/** The turns of a thread as far as they are known, and which of them failed. */
export interface Failed {
  /** Ids of turns, oldest first. */
  order: readonly string[];
  turns: readonly FailedTurn[];
}

export const NONE_FAILED: Failed = { order: [], turns: [] };

/**
 * The turns that failed among the newest 50. They are read once for each turn that begins, and not followed: a turn that is over does not
 * change.
 *
 * @param newest the id of the newest turn; undefined where there is none yet
 */
export function useFailedTurns(threadId: string, newest: string | undefined): Failed {
  const convex = useConvex();
  const [failed, setFailed] = useState(NONE_FAILED);
  useEffect(() => {
    if (newest === undefined) return undefined;
    let isLeft = false;
    const read = async () => {
      const turns = (await convex.query(api.chat.listTurns, { threadId })) ?? [];
      const ids = turns.filter(({ turnId, status }) => status === "failed" && turnId !== newest).map(({ turnId }) => turnId);
      const rows = await Promise.all(ids.map((turnId) => convex.query(api.chat.getTurn, { threadId, turnId })));
      const order = turns.map(({ turnId }) => turnId).reverse();
      if (!isLeft) setFailed({ order, turns: rows.filter((row) => row !== null).map(failedTurn).reverse() });
    };
    // What the page cannot read it says of the messages; this is read again with the next turn.
    read().catch(() => undefined);
    return () => {
      isLeft = true;
    };
  }, [convex, threadId, newest]);
  return failed;
}

function failedTurn({ turnId, error, inputSummary }: NonNullable<FunctionReturnType<typeof api.chat.getTurn>>): FailedTurn {
  return { turnId, error, asked: inputSummary };
}

/** A turn that failed, in its place among the messages. */
export interface PlacedTurn extends FailedTurn {
  /** It has no message: nothing else tells that it was. */
  isAlone: boolean;
}

/**
 * Where turns that failed are told: behind their last message, or where their first would have been.
 *
 * @param messages all that are loaded, oldest first
 * @param isWhole nothing came before the first of them
 * @returns the turns, by the index of the message that they stand behind, -1 before the first one; those that are before what is loaded
 *   are left out
 */
export function placeFailed(messages: readonly CodexUIMessage[], { order, turns }: Failed, isWhole: boolean): ReadonlyMap<number, readonly PlacedTurn[]> {
  const placed = new Map<number, PlacedTurn[]>();
  if (turns.length === 0) return placed;
  const rank = new Map(order.map((turnId, at) => [turnId, at]));
  for (const turn of turns) {
    const own = rank.get(turn.turnId) ?? 0;
    const isAtOrBefore = ({ turnId }: CodexUIMessage) => (rank.get(turnId) ?? Infinity) <= own;
    const isBehind = ({ turnId }: CodexUIMessage) => (rank.get(turnId) ?? -1) > own;
    const last = messages.findLastIndex(isAtOrBefore);
    const next = messages.findIndex(isBehind);
    // Messages of turns before those that are known stand before all that are.
    const at = last !== -1 ? last : next === -1 ? messages.length - 1 : next - 1;
    if (last === -1 && at === -1 && !isWhole) continue;
    const before = messages[last];
    // Its message told it already.
    if (before?.turnId === turn.turnId && before.error === turn.error) continue;
    placed.set(at, [...(placed.get(at) ?? []), { ...turn, isAlone: before?.turnId !== turn.turnId }]);
  }
  return placed;
}
