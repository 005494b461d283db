// Items that are about agents lead to these agents' threads.
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { agentsAmong, AgentsContext } from "../../example/web/src/items/agents.js";
import { Item } from "../../example/web/src/items/item.js";
import { message } from "./build.js";

afterEach(() => {
  cleanup();
  location.hash = "";
});

const row = (threadId: string, given: object) => ({ threadId, status: "active" as const, updatedAt: 1, ...given });
const LISTED = agentsAmong([
  row("parent", { localThreadId: "local parent" }),
  row("one", { localThreadId: "local one", parentThreadId: "parent", name: "Counts lines" }),
  row("two", { localThreadId: "local two", parentThreadId: "parent" }),
  row("unnamed", { parentThreadId: "parent" }),
]);

function links(item: object, sourceItemType = "collabAgentToolCall"): string[] {
  const shown = message({ role: "tool", sourceItemType, item });
  render(
    <AgentsContext value={LISTED}>
      <Item message={shown} />
    </AgentsContext>,
  );
  return screen.queryAllByRole("button").map(({ textContent }) => textContent);
}

it.each<[string, object, string[], string?]>([
  ["of the first kind", { tool: "spawnAgent", receiverThreadIds: ["local one"] }, ["↓ Counts lines"]],
  ["of the second kind", { kind: "started", agentThreadId: "local one" }, ["↓ Counts lines"], "subAgentActivity"],
  ["of more than one agent, each once", { receiverThreadIds: ["local two", "local one", "local two"] }, ["↓ Agent two", "↓ Counts lines"]],
  ["of an agent that is not listed", { receiverThreadIds: ["local three"] }, []],
  ["of a thread that is no agent's", { receiverThreadIds: ["local parent"] }, []],
  ["of no form that is known", { receiverThreadIds: { length: 1 }, agentThreadId: 7 }, []],
  ["of no agent", { tool: "echo" }, []],
])("an item %s", (_what, item, want, type) => {
  expect(links(item, type)).toEqual(want);
});

it("is left for the agent's thread by a click", () => {
  links({ agentThreadId: "local one" });
  fireEvent.click(screen.getByRole("button"));
  expect(new URLSearchParams(location.hash.slice(1)).get("thread")).toBe("one");
});
