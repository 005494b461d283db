/**
 * Who disturbs whom, from the index ranges that each call read and the rows that it wrote in the pushed bundle: the backend runs a
 * subscription again, and a mutation that was overtaken, where a row that was written lies in a range that was read.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { firstTouch } from "../../tools/embedded-convex/index.mjs";
import { callMutations, callPurges, callQueries, type Called } from "./calls.js";
import { named, placeOfOther, SMALLEST, startPlace, startWorld, type Place, type World } from "./world.js";

const NOW_MS = 1_800_000_000_000;
const FOOTPRINTS = true;
/** Of all threads of a user, not of one. */
const OF_A_USER = new Set(["threads.list", "threads.list, with summaries", "presence.list", "presence.get", "approvals.listPending", "serverRequests.listPending", "stats.usage", "stats.usage, of a thread", "devices.list"]);

beforeEach(() => vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: NOW_MS }));
afterEach(() => vi.useRealTimers());

/** The first row that one of them wrote and the other had read, with who they are; undefined where neither disturbs the other. */
function disturbance({ backend }: World, one: Called, other: Called) {
  const [of, by] = [one.record.footprint!, other.record.footprint!];
  const touch = firstTouch(of.reads, by.writes, backend.fieldsOf) ?? firstTouch(by.reads, of.writes, backend.fieldsOf);
  return touch && { one: one.label, other: other.label, ...touch };
}

/** Queries that run again because of a call. */
function rerun({ backend }: World, queries: Called[], by: Called): string[] {
  return queries.filter(({ record }) => firstTouch(record.footprint!.reads, by.record.footprint!.writes, backend.fieldsOf)).map(({ label }) => label);
}

type OwnCalls = { world: World; queries: Called[]; mutations: Called[] };
let ownOnce: Promise<OwnCalls> | undefined;

/** All calls of one owner in a world of their own: what they touched is read by several tests. */
function ownCalls(): Promise<OwnCalls> {
  return (ownOnce ??= (async () => {
    const world = await startWorld(SMALLEST, FOOTPRINTS);
    const queries = await callQueries(world);
    return { world, queries, mutations: [...(await callMutations(world)), ...(await callPurges(world))] };
  })());
}

function find(called: Called[], label: string): Called {
  return called.find((one) => one.label === label) ?? expect.fail(`nothing is called ${label}`);
}

test.each([
  ["another user of the tenant", { userId: named("ann", 0) }],
  ["the user of that name in another tenant", { tenantId: named("acme", 0) }],
])("%s: no call of theirs disturbs any of mine", async (_who, actor) => {
  const world = await startWorld(SMALLEST, FOOTPRINTS);
  const theirs = placeOfOther(world.place, actor);
  const all = async (place: Place) => [...(await callQueries(world, place)), ...(await callMutations(world, place)), ...(await callPurges(world, place))];
  const other = await all(theirs);
  const own = await all(world.place);
  for (const one of own) for (const two of other) expect(disturbance(world, one, two)).toBeUndefined();
});

test("another thread of mine: no call of it disturbs an ingest, or makes a query of this one run again", async () => {
  const world = await startWorld(SMALLEST, FOOTPRINTS);
  const elsewhere = await startPlace(world, "th_elsewhere");
  const queries = (await callQueries(world)).filter(({ label }) => !OF_A_USER.has(label));
  const other = [...(await callQueries(world, elsewhere)), ...(await callMutations(world, elsewhere))];
  // Two threads of a user that begin at once meet in the count of the user's threads.
  const ingests = (await callMutations(world)).filter(({ name, label }) => name.startsWith("sync.ingest") && !label.endsWith("a thread begins"));
  expect(ingests).toHaveLength(4);
  for (const two of other) {
    for (const one of ingests) expect(disturbance(world, one, two)).toBeUndefined();
    expect(rerun(world, queries, two), two.label).toEqual([]);
  }
});

describe("ranges", () => {
  test("every one is of one user, of one row, or of one hash", async () => {
    const { queries, mutations } = await ownCalls();
    for (const { label, record } of [...queries, ...mutations]) {
      for (const { table, index, range } of record.footprint!.reads) {
        const [first, second] = range.map(({ type, fieldPath }) => `${type} ${fieldPath}`);
        const isOfOne = first === "Eq tenantId" ? second === "Eq userId" : ["Eq _id", "Eq owner", "Eq hash", "Eq parent"].includes(first ?? "");
        expect([label, table, index, isOfOne]).toEqual([label, table, index, true]);
      }
    }
  });

  test("no mutation reads chunks to the open end of their stream, where the next batch goes", async () => {
    const { mutations } = await ownCalls();
    for (const { label, record } of mutations) {
      const open = record.footprint!.reads.filter(({ table, range, last }) => table === "chunks" && last === undefined && !range.some(({ type }) => type.startsWith("L")));
      expect([label, open]).toEqual([label, []]);
    }
  });
});

describe("what runs again", () => {
  async function after(label: string): Promise<string[]> {
    const { world, queries, mutations } = await ownCalls();
    return rerun(world, queries, find(mutations, label));
  }

  test("by a text batch: what shows the item, and nothing else", async () => {
    expect(await after("sync.ingestSafe, 20 text deltas")).toEqual([
      "messages.listByThread",
      "messages.getByTurn, the turn that runs",
      "messages.getText, of the turn that runs",
      "readers.replay, the newest 20 deltas",
      "readers.replay, for one who follows",
      "readers.resumeReplay, the newest 20 deltas",
      "sync.replay, by the seed's name",
      "sync.resumeReplay, by the seed's name",
      "threads.getState",
    ]);
  });

  test("by the heartbeat of a session: nothing", async () => {
    expect(await after("sync.heartbeat")).toEqual([]);
  });

  test("by a beat of the runtime: what shows it", async () => {
    expect(await after("presence.beat")).toEqual(["presence.list", "presence.get"]);
  });

  test("by a reader's checkpoint: the list of them", async () => {
    expect(await after("sync.upsertCheckpoint")).toEqual(["sync.listCheckpoints"]);
  });
});
