import { useContext, useMemo } from "react";
import { chooseThread } from "../config.js";
import type { Fields } from "../payload.js";
import { titleOf } from "../thread-title.js";
import { agentIdsOf, AgentsContext } from "./agents.js";

/** Goes to the threads of the agents that an item is about, as far as they are listed. */
export function AgentLinks({ item }: { item: Fields }) {
  const ids = useMemo(() => agentIdsOf(item), [item]);
  // Most items are about none, and are not drawn again with the list.
  return ids.length === 0 ? null : <Links ids={ids} />;
}

function Links({ ids }: { ids: readonly string[] }) {
  const agents = useContext(AgentsContext);
  const found = ids.flatMap((id) => agents.get(id) ?? []);
  if (found.length === 0) return null;
  return (
    <div className="agents">
      {found.map((thread) => (
        <button
          key={thread.threadId}
          type="button"
          className="pill-button"
          title="The agent's thread"
          onClick={() => chooseThread(thread.threadId)}
        >
          <span aria-hidden="true">↓ </span>
          <bdi>{titleOf(thread)}</bdi>
        </button>
      ))}
    </div>
  );
}
