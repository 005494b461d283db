import type { CodexThreadRow } from "convex-codex-local/react";
import { createContext } from "react";
import { stringOf, type Fields } from "../payload.js";

/** The threads of this page's list that agents work in, by the names that Codex gives them. */
export const AgentsContext = createContext<ReadonlyMap<string, CodexThreadRow>>(new Map());

/** The agents among threads. */
export function agentsAmong(threads: readonly CodexThreadRow[]): ReadonlyMap<string, CodexThreadRow> {
  return new Map(
    threads.flatMap((thread) => {
      const { localThreadId, parentThreadId } = thread;
      return localThreadId === undefined || parentThreadId === undefined ? [] : [[localThreadId, thread] as const];
    }),
  );
}

/** The agents' threads that an item is about, as Codex names them, each once. */
export function agentIdsOf({ receiverThreadIds, agentThreadId }: Fields): string[] {
  const named = [agentThreadId, ...(Array.isArray(receiverThreadIds) ? (receiverThreadIds as unknown[]) : [])];
  return [...new Set(named.map(stringOf))].filter((id) => id !== undefined);
}
