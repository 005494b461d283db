/** Pages of messages and of threads. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { agentMessage, api, command, ingest, ingestOk, OWNER, reasoning, refusal, startComponent, startThread, THREAD, TurnStream, type Component } from "./build.js";

type Opts = { numItems: number; cursor: string | null; endCursor?: string | null };
type Listing = {
  what: string;
  /** A deployment with `count` rows, and a way to add one more. */
  make: (count: number) => Promise<{ component: Component; add: (name: string) => Promise<unknown> }>;
  page: (component: Component, opts: Opts) => Promise<{ rows: string[]; isDone: boolean; continueCursor: string }>;
};

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const lists: Listing[] = [
  {
    what: "messages.listByThread",
    make: async (count) => {
      const component = await startThread();
      const add = (name: string) => {
        const turn = new TurnStream({ turnId: name });
        return ingestOk(component, [turn.started(), ...turn.reply(name, [name])]);
      };
      for (let at = 0; at < count; at++) await add(`row_${at}`);
      return { component, add };
    },
    page: async (component, paginationOpts) => {
      const { page, ...rest } = await component.query(api.messages.listByThread, { actor: OWNER, threadId: THREAD, paginationOpts });
      return { rows: page.map(({ messageId }) => messageId), ...rest };
    },
  },
  {
    what: "reasoning.listByThread",
    make: async (count) => {
      const component = await startThread();
      const add = (name: string) => {
        const turn = new TurnStream({ turnId: name });
        return ingestOk(component, [turn.started(), turn.itemCompleted(reasoning(name, [name], []))]);
      };
      for (let at = 0; at < count; at++) await add(`row_${at}`);
      return { component, add };
    },
    page: async (component, paginationOpts) => {
      const { page, ...rest } = await component.query(api.reasoning.listByThread, { actor: OWNER, threadId: THREAD, paginationOpts });
      return { rows: page.map(({ text }) => text), ...rest };
    },
  },
  {
    what: "quarantine.list",
    make: async (count) => {
      const component = await startThread();
      const turn = new TurnStream();
      const add = (name: string) => ingest(component, [{ ...turn.raw("turn/started", "{"), eventId: name }]);
      for (let at = 0; at < count; at++) await add(`row_${at}`);
      return { component, add };
    },
    page: async (component, paginationOpts) => {
      const { page, ...rest } = await component.query(api.quarantine.list, { actor: OWNER, threadId: THREAD, paginationOpts });
      return { rows: page.map(({ eventId }) => eventId), ...rest };
    },
  },
  {
    what: "threads.list",
    make: async (count) => {
      const component = startComponent();
      const add = async (threadId: string) => {
        vi.setSystemTime(Date.now() + 1);
        await component.mutation(api.threads.create, { actor: OWNER, threadId });
      };
      for (let at = 0; at < count; at++) await add(`row_${at}`);
      return { component, add };
    },
    page: async (component, paginationOpts) => {
      const { page, ...rest } = await component.query(api.threads.list, { actor: OWNER, paginationOpts });
      return { rows: page.map(({ threadId }) => threadId), ...rest };
    },
  },
];

const rows = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, at) => `row_${from - at}`);

describe.each(lists)("$what", ({ make, page }) => {
  test("reads newest first, page by page, to the end", async () => {
    const { component } = await make(7);
    const first = await page(component, { numItems: 3, cursor: null });
    expect(first).toMatchObject({ rows: rows(6, 4), isDone: false });
    const second = await page(component, { numItems: 3, cursor: first.continueCursor });
    expect(second).toMatchObject({ rows: rows(3, 1), isDone: false });
    const third = await page(component, { numItems: 3, cursor: second.continueCursor });
    expect(third).toMatchObject({ rows: rows(0, 0), isDone: true });
    expect(await page(component, { numItems: 3, cursor: third.continueCursor })).toMatchObject({ rows: [], isDone: true });
  });

  test("is done with a last page that is full", async () => {
    const { component } = await make(3);
    expect(await page(component, { numItems: 3, cursor: null })).toMatchObject({ rows: rows(2, 0), isDone: true });
  });

  test("of nothing is done", async () => {
    const { component } = await make(0);
    expect(await page(component, { numItems: 3, cursor: null })).toEqual({ rows: [], isDone: true, continueCursor: "" });
  });

  test.each([0, -1, NaN])("of numItems %d reads nothing", async (numItems) => {
    const { component } = await make(2);
    expect(await page(component, { numItems, cursor: null })).toEqual({ rows: [], isDone: false, continueCursor: "" });
    expect(await page(component, { numItems, cursor: "" })).toEqual({ rows: [], isDone: false, continueCursor: "" });
    const { continueCursor } = await page(component, { numItems: 1, cursor: null });
    expect(await page(component, { numItems, cursor: continueCursor })).toEqual({ rows: [], isDone: false, continueCursor });
  });

  test.each([Infinity, 1e9, 2.5])("of numItems %d reads", async (numItems) => {
    const { component } = await make(3);
    expect(await page(component, { numItems, cursor: null })).toMatchObject({ rows: rows(2, 0), isDone: true });
  });

  test('takes the cursor "" for the beginning', async () => {
    const { component } = await make(2);
    expect((await page(component, { numItems: 5, cursor: "" })).rows).toEqual(rows(1, 0));
    expect((await page(component, { numItems: 5, cursor: null, endCursor: "" })).rows).toEqual(rows(1, 0));
  });

  const bad = ["nonsense", "{}", "[]", "null", "5", '"x"', "[{}]", '[{"$integer":"x"}]', '["a",true,null,5]', JSON.stringify(Array.from({ length: 9 }, () => 1))];
  test.each(bad)("refuses the cursor %s so that hooks start again", async (cursor) => {
    const { component } = await make(2);
    const want = { code: "E_CURSOR_INVALID", isConvexSystemError: true, paginationError: "InvalidCursor", retryable: false };
    expect(await refusal(page(component, { numItems: 5, cursor }))).toMatchObject(want);
    expect(await refusal(page(component, { numItems: 5, cursor: null, endCursor: cursor }))).toMatchObject(want);
  });

  test("pinned by endCursor stays adjacent while newer rows arrive", async () => {
    const { component, add } = await make(6);
    const first = await page(component, { numItems: 2, cursor: null });
    const second = await page(component, { numItems: 2, cursor: first.continueCursor });
    for (const name of ["row_6", "row_7", "row_8"]) await add(name);
    const pinned = await page(component, { numItems: 2, cursor: null, endCursor: first.continueCursor });
    expect(pinned).toEqual({ rows: rows(8, 4), isDone: false, continueCursor: first.continueCursor });
    expect(await page(component, { numItems: 2, cursor: first.continueCursor, endCursor: second.continueCursor })).toEqual(second);
    expect((await page(component, { numItems: 2, cursor: null })).rows).toEqual(rows(8, 7));
  });
});

describe("messages.listByThread", () => {
  const list = (component: Component, paginationOpts: Opts) =>
    component.query(api.messages.listByThread, { actor: OWNER, threadId: THREAD, paginationOpts });

  test("ends a page at 4 MiB, and goes on behind it without a loss", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    for (let at = 0; at < 40; at++) await ingestOk(component, turn.reply(`m${at}`, [`${at}`.padEnd(300_000, "x")]));
    const sizes: number[] = [];
    const seen: string[] = [];
    for (let cursor: string | null = null; ; ) {
      const page = await list(component, { numItems: 100, cursor });
      const bytes = page.page.reduce((sum, { text, payloadJson }) => sum + text.length + payloadJson.length, 0);
      expect(bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
      sizes.push(page.page.length);
      seen.push(...page.page.map(({ messageId }) => messageId));
      if (page.isDone) break;
      cursor = page.continueCursor;
    }
    expect(seen).toEqual(Array.from({ length: 40 }, (_, at) => `m${39 - at}`));
    expect(sizes).toEqual([15, 15, 10]);
  });

  test("counts payloads in bytes too, not in the units of JavaScript's strings", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    // A character of three bytes: 600,000 bytes are 200,000 units.
    for (let at = 0; at < 10; at++) await ingestOk(component, [turn.itemCompleted(command(`c${at}`, "ls", "completed", "\u3042".repeat(200_000)))]);
    const { page, isDone } = await list(component, { numItems: 100, cursor: null });
    const bytes = page.reduce((sum, { payloadJson }) => sum + new TextEncoder().encode(payloadJson).length, 0);
    expect(bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect([page.length, isDone]).toEqual([6, false]);
  });

  test("pinned to a range that has grown over 4 MiB ends early too, and loses nothing", async () => {
    const component = await startThread();
    const say = (name: string) => {
      const turn = new TurnStream({ turnId: name });
      return ingestOk(component, [turn.started(), ...turn.reply(name, ["x".repeat(300_000)])]);
    };
    for (let at = 0; at < 3; at++) await say(`row_${at}`);
    const first = await list(component, { numItems: 2, cursor: null });
    for (let at = 3; at < 25; at++) await say(`row_${at}`);
    const seen: string[] = [];
    for (let cursor: string | null = null; ; ) {
      const page = await list(component, { numItems: 2, cursor, endCursor: first.continueCursor });
      seen.push(...page.page.map(({ messageId }) => messageId));
      cursor = page.continueCursor;
      if (cursor === first.continueCursor) break;
    }
    expect(seen).toEqual(rows(24, 1));
  });

  test("orders by turn, then by place in the turn", async () => {
    const component = await startThread();
    const [one, two] = [new TurnStream({ turnId: "b" }), new TurnStream({ turnId: "a" })];
    await ingestOk(component, [one.started(), ...one.reply("1", ["x"])]);
    await ingestOk(component, [two.started(), ...two.reply("2", ["x"])]);
    await ingestOk(component, one.reply("3", ["x"]));
    const { page } = await list(component, { numItems: 10, cursor: null });
    expect(page.map(({ turnId, messageId }) => [turnId, messageId])).toEqual([["a", "2"], ["b", "3"], ["b", "1"]]);
  });

  test("of a thread that is not there", async () => {
    expect(await refusal(list(startComponent(), { numItems: 1, cursor: null }))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN" });
  });

  test("a page costs what it returns", async () => {
    const limits: Record<string, number> = {};
    const component = startComponent(limits);
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
    await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: "session_1", threadId: THREAD, lastEventCursor: 0 });
    for (let at = 0; at < 60; at++) await ingestOk(component, new TurnStream({ turnId: `t${at}` }).whole());
    // A thread, then of each message its row, its text and its payload; one row more says whether the list goes on.
    Object.assign(limits, { documentsRead: 1 + 5 * 3 + 1, databaseQueries: 2 + 5 * 2 + 8 });
    const { continueCursor } = await list(component, { numItems: 5, cursor: null });
    expect((await list(component, { numItems: 5, cursor: continueCursor })).page).toHaveLength(5);
  });
});

test("threads.list tells threads of one millisecond apart", async () => {
  const component = startComponent();
  for (const threadId of ["a", "b", "c", "d", "e"]) await component.mutation(api.threads.create, { actor: OWNER, threadId });
  const seen: string[] = [];
  for (let cursor: string | null = null; ; ) {
    const page: { page: { threadId: string }[]; isDone: boolean; continueCursor: string } = await component.query(api.threads.list, { actor: OWNER, paginationOpts: { numItems: 2, cursor } });
    seen.push(...page.page.map(({ threadId }) => threadId));
    if (page.isDone) break;
    cursor = page.continueCursor;
  }
  expect(seen).toEqual(["e", "d", "c", "b", "a"]);
});

test("a page that ends early because its rows are heavy has read few of those that it does not show", async () => {
  const limits: Record<string, number> = {};
  const component = await startThread(THREAD, limits);
  const turn = new TurnStream();
  await ingestOk(component, [turn.started()]);
  const rows = 300;
  for (let at = 0; at < rows; at += 50) {
    await ingestOk(component, Array.from({ length: 50 }, (_, of) => turn.itemCompleted(agentMessage(`m${String(at + of)}`, "x".repeat(50 * 1024)))));
  }
  // What a page of 4 MiB shows (about 41 rows, with their texts and payloads), and a step of 100 rows.
  Object.assign(limits, { documentsRead: 300 });
  const read = [];
  for (let cursor: string | null = null, isDone = false; !isDone; ) {
    const page: { page: { messageId: string }[]; isDone: boolean; continueCursor: string } = await component.query(api.messages.listByThread, {
      actor: OWNER,
      threadId: THREAD,
      paginationOpts: { cursor, numItems: 1_000 },
    });
    read.push(...page.page.map(({ messageId }) => messageId));
    ({ isDone, continueCursor: cursor } = page);
  }
  expect(read).toEqual(Array.from({ length: rows }, (_, at) => `m${String(rows - 1 - at)}`));
});

test("rows that one step does not hold are on the page all the same", async () => {
  const component = startComponent();
  for (let at = 0; at < 250; at++) await component.mutation(api.threads.create, { actor: OWNER, threadId: `th_${String(at)}` });
  const { page, isDone } = await component.query(api.threads.list, { actor: OWNER, paginationOpts: { cursor: null, numItems: 1_000 } });
  expect([new Set(page.map(({ threadId }) => threadId)).size, page.length, isDone]).toEqual([250, 250, true]);
});
