/** Every recording of the real app-server, through the bridge, the host and the component, and back. */
import type { FunctionReturnType } from "convex/server";
import { describe, expect, test } from "vitest";
import { api } from "../../example/convex/_generated/api.js";
import type { NormalizedEvent } from "../../js-wrapper/bridge/index.js";
import { startApp, type Deployment } from "./app.js";
import { expectedOf, recordings, type ExpectedItem } from "./recorded.js";
import { batchesOf, eventsOf } from "./recorded-events.js";

const RECORDINGS_MIN = 31;
const SESSION = "session-1";

async function ingest({ app, deviceToken }: Deployment, events: readonly NormalizedEvent[]) {
  const statuses = [];
  for (const { threadId, deltas } of batchesOf(events)) {
    statuses.push(await app.mutation(api.chat.ingestBatch, { deviceToken, sessionId: SESSION, threadId, deltas }));
  }
  return statuses;
}

type Listing = FunctionReturnType<typeof api.chat.listThreadMessagesForHooks>;

async function messagesOf({ reader }: Deployment, threadId: string) {
  const rows: Listing["page"] = [];
  let cursor: string | null = null;
  for (;;) {
    const paginationOpts = { cursor, numItems: 7 };
    const page: Listing = await reader.query(api.chat.listThreadMessagesForHooks, { threadId, paginationOpts, streamArgs: { kind: "list" } });
    rows.push(...page.page);
    if (page.isDone) return { rows: rows.reverse(), streams: page.streams };
    cursor = page.continueCursor;
  }
}

test("there are recordings, and most of them speak of threads", () => {
  expect(recordings.length).toBeGreaterThanOrEqual(RECORDINGS_MIN);
  expect(recordings.filter((name) => expectedOf(name).items.size === 0)).toEqual(["exec", "queries"]);
});

describe.each(recordings)("%s", (name) => {
  const expected = expectedOf(name);

  test("reads as it was recorded, and the same batches again change nothing", async () => {
    const app = await startApp();
    const all: NormalizedEvent[] = [];
    for (let at = 1; at <= expected.processes; at++) {
      const { events, errors } = await eventsOf(name, at);
      // The player ends when its recording does.
      expect(errors).toEqual(["E_BRIDGE_PROCESS_EXITED"]);
      all.push(...events);
    }
    for (const { status, errors } of await ingest(app, all)) {
      expect(errors).toEqual([]);
      expect(["ok", "session_recovered"]).toContain(status);
    }
    const threads = new Set(all.map((event) => event.threadId));
    expect(threads).toEqual(expected.threads);
    const before = new Map<string, unknown>();
    for (const threadId of threads) {
      const { rows, streams } = await messagesOf(app, threadId);
      before.set(threadId, rows);
      const items = expected.items.get(threadId) ?? [];
      const read = items.map((item, at) => {
        const row = rows.find(({ turnId, messageId }) => turnId === item.turnId && messageId === messageIdOf(items, at));
        return { ...item, text: row?.text, status: row?.status, type: row?.sourceItemType };
      });
      expect(read).toEqual(items);
      expect(rows.filter(({ status }) => status === "streaming")).toEqual([]);
      expect(streams?.streams.filter(({ state }) => state === "streaming")).toEqual([]);
      const ordered = rows.map(({ turnOrder, orderInTurn }) => turnOrder * 1e6 + orderInTurn);
      expect(ordered).toEqual([...ordered].sort((one, other) => one - other));
      await expectTurns(app, threadId, expected.turns.get(threadId) ?? new Map<string, string>());
    }
    for (const { status, errors } of await ingest(app, all)) expect({ status, errors }).toEqual({ status: "ok", errors: [] });
    for (const threadId of threads) expect((await messagesOf(app, threadId)).rows).toEqual(before.get(threadId));
  });
});

/** The nth item of one id in one turn is the message `id`, `id#2`, `id#3`… */
function messageIdOf(items: readonly ExpectedItem[], at: number): string {
  const item = items[at];
  const same = items.slice(0, at + 1).filter(({ turnId, itemId }) => turnId === item?.turnId && itemId === item.itemId);
  return same.length > 1 ? `${String(item?.itemId)}#${String(same.length)}` : String(item?.itemId);
}

async function expectTurns({ reader }: Deployment, threadId: string, turns: ReadonlyMap<string, string>) {
  const state = await reader.query(api.chat.threadSnapshot, { threadId });
  const ended = new Map(state.turns.map(({ turnId, status }) => [turnId, status]));
  expect([...ended.values()].filter((status) => status === "inProgress" || status === "queued")).toEqual([]);
  expect(Object.fromEntries([...turns.keys()].map((turnId) => [turnId, ended.get(turnId)]))).toEqual(Object.fromEntries(turns));
}
