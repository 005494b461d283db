import type { CodexThreadRow } from "convex-codex-local/react";

/** A thread in a list, and how many of those whose agent it is stand above it there. */
export interface Listed {
  thread: CodexThreadRow;
  depth: number;
}

/**
 * The threads of a list, each agent's below the thread that began it, where that is listed too. A family stands where the first of it
 * stood, agents in the order of the list.
 */
export function familiesOf(threads: readonly CodexThreadRow[]): Listed[] {
  const byId = new Map(threads.map((thread) => [thread.threadId, thread]));
  const parentOf = ({ parentThreadId = "" }: CodexThreadRow) => byId.get(parentThreadId);
  const agents = new Map<CodexThreadRow, CodexThreadRow[]>();
  for (const thread of threads) {
    const parent = parentOf(thread);
    if (parent !== undefined) agents.set(parent, [...(agents.get(parent) ?? []), thread]);
  }
  const listed: Listed[] = [];
  const seen = new Set<CodexThreadRow>();
  const list = (thread: CodexThreadRow, depth: number) => {
    if (seen.has(thread)) return;
    seen.add(thread);
    listed.push({ thread, depth });
    for (const agent of agents.get(thread) ?? []) list(agent, depth + 1);
  };
  for (const thread of threads) {
    let first = thread;
    // While a page loads anew, two rows could be of different times: no more steps than there are threads.
    for (let left = threads.length, parent = parentOf(first); left > 0 && parent !== undefined; left--) {
      first = parent;
      parent = parentOf(first);
    }
    list(first, 0);
  }
  return listed;
}
