/** `./protocol` reads a finished item as the component keeps it: held together by every recording. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { Numbering } from "../../js-wrapper/bridge/numbering.js";
import { durableMessageForMessage, extractThreadId, extractTurnId, type CanonicalDurableMessage, type CodexWireMessage } from "../../js-wrapper/protocol/index.js";
import { api, messagesOf, OWNER, SESSION, startComponent, type Component, type StreamEvent, type ThreadEvent } from "./build.js";

const RECORDINGS = path.join(process.cwd(), "tests/fixtures/transcripts");
const EVENTS_OF_BATCH = 500;

type Message = { method: string; params: object; emittedAtMs?: number };
type Entry = { dir: "in" | "out" | "proc"; msg: Message & { event?: string } };

interface Thread {
  readonly events: { delta?: StreamEvent; beside?: ThreadEvent }[];
  /** By turn, the last word on each use of an item, in their order. */
  readonly ended: CanonicalDurableMessage[];
}

/** The events of each thread of a recording, numbered as the bridge does. */
function threadsOf(name: string): Map<string, Thread> {
  const threads = new Map<string, Thread>();
  const numbering = new Numbering("rt", 0);
  let generation = 0;
  for (const line of readFileSync(path.join(RECORDINGS, name), "utf8").trim().split("\n")) {
    const { dir, msg } = JSON.parse(line) as Entry;
    if (dir === "proc" && msg.event === "start") numbering.beginGeneration(++generation);
    const { emittedAtMs: _, ...payload } = msg;
    const message = payload as CodexWireMessage;
    const [threadId, turnId] = [extractThreadId(message), extractTurnId(message)];
    if (dir !== "in" || !("method" in message) || threadId === undefined) continue;
    const kind = message.method;
    const opensTurn = turnId !== undefined && (kind === "turn/started" || kind.startsWith("item/"));
    const number = numbering.number({ threadId, opensTurn, endsTurn: turnId !== undefined && kind === "turn/completed", ...(turnId === undefined ? {} : { turnId }) });
    const { eventId, streamId, cursorStart, cursorEnd } = number;
    const event = { eventId, kind, payloadJson: JSON.stringify(payload), createdAt: 1 };
    const thread = threads.get(threadId) ?? { events: [], ended: [] };
    threads.set(threadId, thread);
    thread.events.push(
      streamId === undefined || turnId === undefined
        ? { beside: { type: "lifecycle_event", ...event, ...(turnId === undefined ? {} : { turnId }) } }
        : { delta: { type: "stream_delta", ...event, turnId, streamId, cursorStart, cursorEnd } },
    );
    const durable = durableMessageForMessage(message);
    if (durable !== null) thread.ended.push(durable);
  }
  return threads;
}

async function ingest(component: Component, threadId: string, events: Thread["events"]): Promise<void> {
  const options = { actor: OWNER, sessionId: SESSION, threadId };
  await component.mutation(api.threads.create, { actor: OWNER, threadId });
  await component.mutation(api.sync.ensureSession, { ...options, lastEventCursor: 0 });
  for (let from = 0; from < events.length; from += EVENTS_OF_BATCH) {
    const some = events.slice(from, from + EVENTS_OF_BATCH);
    const streamDeltas = some.flatMap(({ delta }) => delta ?? []);
    const lifecycleEvents = some.flatMap(({ beside }) => beside ?? []);
    expect((await component.mutation(api.sync.ingestSafe, { ...options, streamDeltas, lifecycleEvents })).errors).toEqual([]);
  }
}

const recordings = readdirSync(RECORDINGS);
const seen = new Set<string>();

test.each(recordings)("%s: an item that ended is the component's message", async (name) => {
  for (const [threadId, { events, ended }] of threadsOf(name)) {
    const component = startComponent();
    await ingest(component, threadId, events);
    const kept = await messagesOf(component, threadId);
    const uses = new Map<string, number>();
    for (const { messageId, turnId, role, status, sourceItemType, text } of ended) {
      const key = JSON.stringify([turnId, messageId]);
      const use = (uses.get(key) ?? 0) + 1;
      uses.set(key, use);
      const id = use === 1 ? messageId : `${messageId}#${String(use)}`;
      const row = kept.find((message) => message.turnId === turnId && message.messageId === id);
      expect(row, id).toMatchObject({ role, status, sourceItemType, text });
      seen.add(sourceItemType);
    }
  }
});

test("the recordings have items of many types", () => {
  expect([...seen].sort()).toEqual([
    ...["agentMessage", "collabAgentToolCall", "commandExecution", "contextCompaction", "dynamicToolCall", "enteredReviewMode", "exitedReviewMode"],
    ...["fileChange", "mcpToolCall", "plan", "reasoning", "subAgentActivity", "userMessage", "webSearch"],
  ]);
});
