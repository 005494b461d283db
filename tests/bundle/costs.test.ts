/**
 * What every function costs, counted at its syscalls in the pushed bundle: the same whatever else is there. The numbers are kept in
 * costs.json: `npm run bench:cost` compares them, `npm run bench:cost -- -u` keeps new ones.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Usage } from "../../tools/embedded-convex/index.mjs";
import crons from "../../convex/crons.js";
import { agentMessage, api, SESSION } from "../convex/build.js";
import { callMutations, callPurges, callQueries, type Called } from "./calls.js";
import { callOf, DELTAS_A_BATCH, functionsOf, LIVE, LIVE_ITEM, PAGE, RUNTIME, SMALLEST, startWorld, texts, type Size, type World } from "./world.js";

const NOW_MS = 1_800_000_000_000;
const SIZES: Record<keyof Size, number[]> = {
  turns: [10, 100, 1_000],
  threads: [10, 100, 1_000],
  users: [10, 100, 1_000],
  tenants: [10, 100, 1_000],
  deltas: [200, 2_000, 10_000],
};

/** Thousands of rows are made for each. */
const WORLDS_TIMEOUT_MS = 900_000;

/** The functions that `crons.ts` names. */
const SWEEPS = new Set(Object.values(crons.crons).map(({ name }) => name.replace(":", ".")));

/** What a scheduled function would cost is none of the call's. */
beforeEach(() => vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: NOW_MS }));
afterEach(() => vi.useRealTimers());

const LAST_PAGE = 60;
/** UTF-16 units. Those of `sync` alone; each door that comes along is 50,000 and more. */
const BATCH_SOURCE_MAX = 480_000;
const READER_SOURCE_MAX = 180_000;

type Costs = Record<string, Usage>;

async function callAll(world: World): Promise<Called[]> {
  return [...(await callQueries(world)), ...(await callMutations(world)), ...(await callPurges(world))];
}

let ofSmallest: Promise<Costs> | undefined;
const smallestCosts = () => (ofSmallest ??= costsIn(SMALLEST));

async function costsIn(size: Size): Promise<Costs> {
  const called = await callAll(await startWorld(size));
  return Object.fromEntries(called.map(({ label, record }) => [label, record.totalUsage]));
}

test("every public function is called", async () => {
  const called = await callAll(await startWorld());
  expect([...new Set(called.map(({ name }) => name))].sort()).toEqual(await functionsOf("public"));
});

/** What grows with what it shows, up to a bound: documents. */
const BOUNDED: Partial<Record<keyof Size, Record<string, number>>> = {
  // It shows 50 turns, 200 streams with a head each; a replay without `startOrder` lists the streams.
  turns: { "threads.getState": 1_000, "turns.list": 60, "readers.replay, the list of streams": 202, "readers.replay, the newest 20 deltas": 210 },
  // It counts up to 100.
  threads: { "stats.usage": 110, "stats.usage, of a thread": 120 },
  // The text that was not folded yet is in chunks: 128 of them, and those of the batch that folds.
  deltas: { "threads.getState": 260, "messages.listByThread": 180, "messages.listByThread, for one who follows the streams": 66, "messages.getByTurn, the turn that runs": 140, "messages.getText, of the turn that runs": 140 },
};

describe("flat", () => {
  test.each(Object.entries(SIZES))("%s", async (dimension, sizes) => {
    const bounded = BOUNDED[dimension as keyof Size] ?? {};
    const smallest = await smallestCosts();
    for (const size of sizes) {
      const costs = await costsIn({ ...SMALLEST, [dimension]: size });
      for (const [label, cost] of Object.entries(costs)) {
        const what = `${label}: ${String(size)} ${dimension}`;
        if (label in bounded) expect(cost.documentsRead, what).toBeLessThanOrEqual(bounded[label]!);
        else expect({ ...cost, ...ofNames(dimension, smallest[label]!) }, what).toEqual(smallest[label]);
      }
    }
  }, WORLDS_TIMEOUT_MS);
});

/** Cursors stand in ids of events, so that a later one takes a byte more. */
function ofNames(dimension: string, { bytesRead, bytesWritten }: Usage): Partial<Usage> {
  return dimension === "deltas" ? { bytesRead, bytesWritten } : {};
}

describe("bounds", () => {
  test("a steady batch of 20 text deltas reads at most 6 documents, a patch being one, and writes at most 2", async () => {
    const { "sync.ingestSafe, 20 text deltas": cost } = await smallestCosts();
    expect(cost!.readsWithPatches).toBeLessThanOrEqual(6);
    expect(cost!.documentsWritten).toBeLessThanOrEqual(2);
  });

  test("a call crosses into the core twice at most", async () => {
    const more = Object.entries(await smallestCosts()).filter(([, { crossings }]) => crossings > 2);
    expect(more.map(([label, { crossings }]) => `${label}: ${String(crossings)}`)).toEqual([]);
  });

  test("a batch loads what its rules need, and no door of other calls", async () => {
    const world = await startWorld();
    const { actor, threadId, live } = world.place;
    const { record } = await callOf(world, "sync.ingestSafe", { actor, threadId, sessionId: SESSION, streamDeltas: texts(live), lifecycleEvents: [] });
    expect(record.moduleBytes).toBeLessThan(BATCH_SOURCE_MAX);
  });

  test("a reader who follows loads nothing of what takes batches", async () => {
    const world = await startWorld();
    const { actor, threadId, live } = world.place;
    const { record } = await callOf(world, "readers.replay", { actor, threadId, streamCursorsById: [{ streamId: live.streamId, cursor: 0 }], liveOnly: true });
    expect(record.moduleBytes).toBeLessThan(READER_SOURCE_MAX);
  });

  test("a page of decisions costs what it shows, however many were made, and none that waits", async () => {
    const world = await startWorld(SMALLEST);
    const { actor, threadId } = world.place;
    const asked = { actor, threadId, turnId: LIVE, method: "item/commandExecution/requestApproval", payloadJson: "{}", requestedAt: 1, ...RUNTIME };
    await world.backend.quickly(async () => {
      for (let requestId = 100; requestId < 100 + 3 * PAGE.numItems; requestId++) {
        const itemId = `decided ${requestId}`;
        await world.component.mutation(api.serverRequests.upsertPending, { ...asked, itemId, requestId });
        await world.component.mutation(api.approvals.respond, { actor, threadId, turnId: LIVE, itemId, decision: "declined" });
      }
    });
    const costs: Usage[] = [];
    for (let cursor: string | null = null; costs.length < 3; ) {
      const { value, record } = await callOf(world, "serverRequests.listDecided", { actor, threadId, paginationOpts: { ...PAGE, cursor } });
      const read = value as { page: unknown[]; continueCursor: string };
      expect(read.page).toHaveLength(PAGE.numItems);
      costs.push(record.totalUsage);
      cursor = read.continueCursor;
    }
    // The thread, its turn, what is shown, and one more, which tells whether there are more.
    const most = PAGE.numItems + 3;
    expect(costs.map(({ documentsRead }) => documentsRead)).toEqual([most, most, most - 1]);
  });

  test("page 60 of a thread costs what page 1 costs, and page 2 to the byte", async () => {
    const world = await startWorld({ ...SMALLEST, turns: 700 });
    const { actor, threadId, live } = world.place;
    // What is being written has a tail.
    const end = [live.itemCompleted(agentMessage(LIVE_ITEM, "Done.")), live.completed()];
    await world.backend.quickly(() => world.component.mutation(api.sync.ingestSafe, { actor, threadId, sessionId: SESSION, streamDeltas: end, lifecycleEvents: [] }));
    const costs = new Map<number, Usage>();
    let cursor: string | null = null;
    for (let page = 1; page <= LAST_PAGE; page++) {
      const args = { actor, threadId, paginationOpts: { ...PAGE, cursor } };
      let read: { page: unknown[]; continueCursor: string };
      if ([1, 2, LAST_PAGE].includes(page)) {
        const { value, record } = await callOf(world, "messages.listByThread", args);
        read = value as typeof read;
        costs.set(page, record.totalUsage);
      } else {
        read = await world.backend.quickly(() => world.component.query(api.messages.listByThread, args));
      }
      expect(read.page).toHaveLength(PAGE.numItems);
      cursor = read.continueCursor;
    }
    const [first, last] = [costs.get(1)!, costs.get(LAST_PAGE)!];
    expect(last.documentsRead).toBe(first.documentsRead);
    // Behind a cursor of three fields lie three ranges more, wherever it is.
    expect(last.ranges).toBe(first.ranges + 3);
    expect(last).toEqual(costs.get(2));
  });

  test("a live viewer of 400 deltas reads at most twice what was written", async () => {
    const world = await startWorld();
    const { actor, threadId, live } = world.place;
    const sum = { written: 0, read: 0, bytesWritten: 0, bytesRead: 0 };
    let cursors = [{ streamId: live.streamId, cursor: live.cursor }];
    for (let at = 0; at < 400 / DELTAS_A_BATCH; at++) {
      const batch = { actor, threadId, sessionId: SESSION, streamDeltas: texts(live), lifecycleEvents: [] };
      const { totalUsage: wrote } = (await callOf(world, "sync.ingestSafe", batch)).record;
      const { value, record } = await callOf(world, "readers.replay", { actor, threadId, streamCursorsById: cursors, liveOnly: true, snapshots: false });
      const { nextCheckpoints, texts: runs } = value as { nextCheckpoints: typeof cursors; texts: { text: string }[] };
      expect(runs.map(({ text }) => text).join("")).toBe("word ".repeat(DELTAS_A_BATCH));
      cursors = nextCheckpoints;
      sum.written += wrote.documentsWritten;
      sum.bytesWritten += wrote.bytesWritten;
      sum.read += record.totalUsage.documentsRead;
      sum.bytesRead += record.totalUsage.bytesRead;
    }
    expect(sum.bytesRead).toBeLessThanOrEqual(2 * sum.bytesWritten);
    expect(sum.read).toBeLessThanOrEqual(2 * sum.written);
  });

  test("a sweep reads nothing where nothing is due", async () => {
    const world = await startWorld({ ...SMALLEST, turns: 100, threads: 100, users: 10 });
    expect(await functionsOf("internal")).toEqual(expect.arrayContaining([...SWEEPS]));
    for (const name of SWEEPS) {
      const { record } = await callOf(world, name, {});
      expect([name, record.totalUsage.documentsRead, record.totalUsage.documentsWritten]).toEqual([name, 0, 0]);
    }
  });
});

test("the numbers that are kept", async () => {
  await expect(`${JSON.stringify(await smallestCosts(), null, 1)}\n`).toMatchFileSnapshot("costs.json");
});
