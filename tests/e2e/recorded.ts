/** What a recording of the real app-server says that a thread must look like; made of the recording alone. */
import { readdirSync, readFileSync } from "node:fs";

const RECORDINGS = new URL("../fixtures/transcripts/", import.meta.url);

type Item = { type: string; id: string; status?: string | null } & Record<string, unknown>;
type Turn = { id: string; status: string; error: { message: string } | null };
type Message = {
  method?: string;
  id?: unknown;
  params?: { threadId?: string; turnId?: string; item?: Item; turn?: Turn; thread?: { id: string } };
};
type Entry = { dir: "in" | "out" | "proc"; msg: Message & { event?: string } };

export type ExpectedItem = { turnId: string; itemId: string; text: string; status: string; type: string };
export type Expected = {
  /** Completed items in the order in which they were completed, one for every time that an id was used. */
  items: Map<string, ExpectedItem[]>;
  /** The end of each turn that ended by its own word. */
  turns: Map<string, Map<string, string>>;
  processes: number;
  /** Every thread that a notification or a request of the server names. */
  threads: Set<string>;
};

export const recordings = readdirSync(RECORDINGS)
  .filter((name) => name.endsWith(".jsonl"))
  .map((name) => name.replace(/\.jsonl$/, ""));

export function expectedOf(name: string): Expected {
  const lines = readFileSync(new URL(`${name}.jsonl`, RECORDINGS), "utf8").trim().split("\n");
  const entries = lines.map((line) => JSON.parse(line) as Entry);
  const expected: Expected = { items: new Map(), turns: new Map(), processes: 0, threads: new Set() };
  for (const { dir, msg } of entries) {
    if (dir === "proc" && msg.event === "start") expected.processes += 1;
    const { method, params } = msg;
    const threadId = params?.threadId;
    const named = threadId ?? params?.thread?.id;
    if (dir === "in" && method !== undefined && named !== undefined) expected.threads.add(named);
    if (dir !== "in" || threadId === undefined) continue;
    if (method === "item/completed" && params?.item && params.turnId !== undefined) {
      const list = expected.items.get(threadId) ?? [];
      expected.items.set(threadId, list);
      const { item, turnId } = params;
      list.push({ turnId, itemId: item.id, type: item.type, text: textOf(item), status: statusOf(item) });
    }
    if (method === "turn/completed" && params?.turn) {
      const turns = expected.turns.get(threadId) ?? new Map<string, string>();
      expected.turns.set(threadId, turns.set(params.turn.id, params.turn.status));
    }
  }
  return expected;
}

function statusOf(item: Item): string {
  if (item.status === "failed") return "failed";
  return item.status === "declined" ? "interrupted" : "completed";
}

function textOf(item: Item): string {
  switch (item.type) {
    case "userMessage":
      return (item["content"] as { type: string; text: string }[]).map(({ text }) => text).join("\n");
    case "agentMessage":
    case "plan":
      return item["text"] as string;
    case "reasoning":
      return (item["summary"] as string[]).join("\n\n");
    case "commandExecution":
      return item["command"] as string;
    case "fileChange": {
      const paths = (item["changes"] as { path: string }[]).map(({ path }) => path);
      return `${String(paths.length)} ${paths.length === 1 ? "file" : "files"}: ${paths.join(", ")}`;
    }
    case "mcpToolCall":
    case "dynamicToolCall":
    case "collabAgentToolCall":
      return item["tool"] as string;
    case "subAgentActivity":
      return item["agentPath"] as string;
    case "webSearch":
      return item["query"] as string;
    case "enteredReviewMode":
    case "exitedReviewMode":
      return item["review"] as string;
    case "contextCompaction":
      return "";
    default:
      throw new Error(`a recording brings an item type that this test does not know: ${item.type}`);
  }
}
