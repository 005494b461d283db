/** Every scenario of tools/codex-kit with the real codex, through the runtime: in the end Convex has what codex itself answers. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { ClientRequestResult } from "../../js-wrapper/app-server/index.js";
import { api, dump, messagesOf, OWNER, startComponent, type Component } from "../convex/build.js";
import { ScenarioRun } from "./scenario.js";

const codexBin = process.env["CODEX_BIN"];
const TIMEOUT_MS = 120_000;
/** What is said on the wire itself is the bridge's. */
const NOT_OURS = ["errors"];
const WITHOUT_TURNS = ["queries", "exec"];
/** What is told of a scenario: a process that is killed in it, methods that it asks for and this codex lacks. */
const PROBLEMS: Record<string, readonly string[]> = {
  crash: ["E_BRIDGE_PROCESS_EXITED"],
  queries: ["E_UNSUPPORTED_BY_APP_SERVER `thread/rollback`", "E_UNSUPPORTED_BY_APP_SERVER `no/such/method`"],
};

const names = readdirSync(path.join(import.meta.dirname, "../../tools/codex-kit/scenarios")).map((file) => path.basename(file, ".json"));

type Turn = ClientRequestResult<"thread/turns/list">["data"][number];

/** The turns of a thread as codex has them, oldest first; none where it has no such history. */
async function turnsOf(run: ScenarioRun, threadId: string): Promise<Turn[] | undefined> {
  try {
    const { data } = await run.runtime.appServer.request("thread/turns/list", { threadId, limit: 100, sortDirection: "asc", itemsView: "full" });
    return data;
  } catch {
    return undefined;
  }
}

/** What people read of an item, as codex has it; undefined where its type is shown by other words than its own. */
function textOf(item: Turn["items"][number]): string | undefined {
  if (item.type === "agentMessage" || item.type === "plan") return item.text;
  if (item.type === "userMessage") return item.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  return undefined;
}

/** Holds a thread in Convex against codex's. @returns how many items were compared */
async function compare(component: Component, localThreadId: string, turns: Turn[]): Promise<number> {
  const { threads } = await dump(component);
  const thread = threads.find((row) => row.localThreadId === localThreadId || row.threadId === localThreadId);
  expect(thread, localThreadId).toBeDefined();
  const threadId = thread!.threadId;
  const shown = await messagesOf(component, threadId);
  const { turns: known } = await component.query(api.threads.getState, { actor: OWNER, threadId });
  // A review has two names, of which codex calls one interrupted: they are one run here, which ended as the review did.
  const reviews = turns.filter(({ items }) => items.some(({ type }) => type === "enteredReviewMode"));
  const happened = reviews.length > 0 ? reviews : turns;
  expect(known.map(({ turnId, status }) => [turnId, status]).reverse()).toEqual(happened.map(({ id, status }) => [id, status]));
  for (const { id, items } of happened) {
    const messages = shown.filter(({ turnId }) => turnId === id);
    for (const item of items) {
      const text = textOf(item);
      const found = messages.filter(({ messageId, text: words }) => messageId === item.id || (text !== undefined && words === text));
      expect(found.map(({ text: words }) => words), `${item.type} ${item.id}`).toContainEqual(text ?? expect.any(String));
    }
    expect(messages.filter(({ status }) => status === "streaming")).toEqual([]);
  }
  return happened.reduce((sum, { items }) => sum + items.length, 0);
}

describe.skipIf(codexBin === undefined)("the real codex (skipped without CODEX_BIN)", { timeout: TIMEOUT_MS }, () => {
  test.each(names.filter((name) => !NOT_OURS.includes(name)))("%s", async (name) => {
    const component = startComponent();
    const run = await ScenarioRun.start(component, name, codexBin!);
    await run.play();
    const { data: listed } = await run.runtime.appServer.request("thread/loaded/list", {});
    const histories = await Promise.all(listed.map(async (id) => [id, await turnsOf(run, id)] as const));
    await run.runtime.stop();
    let items = 0;
    for (const [id, turns = []] of histories) if (turns.length > 0) items += await compare(component, id, turns);
    expect(items > 0, String(items)).toBe(!WITHOUT_TURNS.includes(name));
    expect(run.problems).toEqual((PROBLEMS[name] ?? []).map((problem) => expect.stringContaining(problem) as unknown));
  });
});
