/** What one user leaves behind stops no sweep: neither of their own rows, nor of another user's. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Actor } from "../../convex/validators.js";
import { agentMessage, api, ingest, ingestOk, internal, OWNER, SESSION, startComponent, THREAD, TURN, TurnStream, type Component } from "./build.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const OTHER: Actor = { ...OWNER, tenantId: "other", userId: "bob" };

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const finish = (component: Component) => component.finishAllScheduledFunctions(vi.runAllTimers);
const count = (component: Component, table: "chunks" | "streams", actor: Actor) =>
  component.run(async (ctx) => {
    let rows = 0;
    for await (const row of ctx.db.query(table)) if (row.userId === actor.userId) rows += 1;
    return rows;
  });

/** A deployment in which two users have a thread each. */
async function startTwo(limits: true | Record<string, number> = true): Promise<Component> {
  const component = startComponent(limits);
  for (const actor of [OWNER, OTHER]) {
    await component.mutation(api.threads.create, { actor, threadId: THREAD });
    await component.mutation(api.sync.ensureSession, { actor, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
  }
  return component;
}

const items = (turn: TurnStream, from: number, to: number, text: string) =>
  Array.from({ length: to - from }, (_, at) => turn.text(`m${String(from + at)}`, text));

/** Texts of the owner's messages, by their parts and chunks. */
async function textLengths(component: Component): Promise<Set<number>> {
  const lengths = new Set<number>();
  for (let cursor: string | null = null, isDone = false; !isDone; ) {
    const read: { page: { text: string }[]; isDone: boolean; continueCursor: string } = await component.query(api.messages.listByThread, {
      actor: OWNER,
      threadId: THREAD,
      paginationOpts: { cursor, numItems: 100 },
    });
    for (const { text } of read.page) lengths.add(text.length);
    ({ isDone, continueCursor: cursor } = read);
  }
  return lengths;
}

test("a stream whose every delta is of another item lets its chunks go, and another user's", async () => {
  const limits: Record<string, number> = {};
  const component = await startTwo(limits);
  const turn = new TurnStream();
  await ingestOk(component, [turn.started()]);
  for (const from of [0, 512]) await ingestOk(component, items(turn, from, from + 512, "x"));
  pass(1);
  await ingestOk(component, new TurnStream().whole().slice(0, -1), { actor: OTHER });
  pass(DAY);
  // All at once took 3,100 ranges: it is to grow no further than two chunks.
  Object.assign(limits, { databaseQueries: 2_000 });
  await component.mutation(internal.streams.cleanupExpiredDeltas, {});
  await finish(component);
  expect([await count(component, "chunks", OWNER), await count(component, "chunks", OTHER)]).toEqual([0, 0]);
  const folded = await component.run(async (ctx) => (await ctx.db.query("parts").collect()).filter(({ kind, text }) => kind === "text" && text === "x"));
  expect(folded).toHaveLength(1_024);
});

test("a chunk of which every text has a part that is nearly full goes, a few texts at a time", async () => {
  const limits: Record<string, number> = {};
  const component = await startTwo(limits);
  const turn = new TurnStream();
  const rows = 60;
  await ingestOk(component, [turn.started(), ...Array.from({ length: rows }, (_, at) => turn.itemStarted(agentMessage(`m${String(at)}`, "")))]);
  await ingestOk(component, items(turn, 0, rows, "x".repeat(60_000)));
  pass(DAY);
  await component.mutation(internal.streams.cleanupExpiredDeltas, {});
  await finish(component);
  expect(await count(component, "chunks", OWNER)).toBe(0);
  await ingestOk(component, items(turn, 0, rows, "y"));
  pass(DAY);
  // 3.6 MB of last parts, each read more than once.
  Object.assign(limits, { bytesRead: 2.5 * 1024 * 1024 });
  await component.mutation(internal.streams.cleanupExpiredDeltas, {});
  await finish(component);
  Object.assign(limits, { bytesRead: 16 * 1024 * 1024 });
  expect(await count(component, "chunks", OWNER)).toBe(0);
  expect(await textLengths(component)).toEqual(new Set([60_001]));
});

describe("rows of a user that no call has room for", () => {
  const failed = async () => {
    const limits: Record<string, number> = {};
    const component = await startTwo(limits);
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    await ingestOk(component, items(turn, 0, 300, "x"));
    pass(1);
    const other = new TurnStream();
    await ingestOk(component, [other.started(), ...other.reply("m", ["hi"])], { actor: OTHER });
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    return { component, limits, turn, other };
  };
  afterEach(() => void vi.restoreAllMocks());
  /** Sweeps, all that this asks for included, with little room, and gives the room back. */
  const sweep = async ({ component, limits }: Awaited<ReturnType<typeof failed>>, run: () => Promise<unknown>, documentsRead = 150) => {
    Object.assign(limits, { documentsRead });
    await run();
    await finish(component);
    Object.assign(limits, { documentsRead: 32_000 });
  };

  test("keep no chunks of another", async () => {
    const two = await failed();
    const { component } = two;
    pass(DAY);
    await sweep(two, () => component.mutation(internal.streams.cleanupExpiredDeltas, {}));
    expect([await count(component, "chunks", OWNER), await count(component, "chunks", OTHER)]).toEqual([2, 0]);
  });

  test("keep no finished stream of another", async () => {
    const two = await failed();
    const { component, turn, other } = two;
    await ingestOk(component, [turn.completed()]);
    pass(1);
    await ingestOk(component, [other.completed()], { actor: OTHER });
    pass(5 * MINUTE);
    await sweep(two, () => component.mutation(internal.streams.cleanupFinishedStreams, {}));
    expect([await count(component, "streams", OWNER), await count(component, "streams", OTHER)]).toEqual([1, 0]);
  });

  test("keep no command of another", async () => {
    const two = await failed();
    const { component } = two;
    const method = "item/tool/requestUserInput";
    for (let appGeneration = 1; appGeneration <= 8; appGeneration++) {
      const asked = { turnId: TURN, itemId: "i", requestId: 0, method, requestedAt: 1, runtimeId: "rt", generation: 1, appGeneration };
      await component.mutation(api.serverRequests.upsertPending, { actor: OWNER, threadId: THREAD, ...asked, payloadJson: '{"params":{"questions":[]}}' });
    }
    const send = (actor: Actor, kind: string, payload: object) =>
      component.mutation(api.commands.send, { actor, threadId: THREAD, commandId: "c", kind, payloadJson: JSON.stringify(payload), ttlMs: MINUTE });
    await send(OWNER, "answer", { requestId: 0, answer: {} });
    await component.run(async (ctx) => {
      // Of a process that nobody knows: each request of its id is looked at.
      const command = (await ctx.db.query("commands").first())!;
      await ctx.db.patch("commands", command._id, { request: { requestId: 0, runtimeId: "rt", generation: 1, appGeneration: 99 }, dueAt: Date.now() });
    });
    pass(1);
    await send(OTHER, "steer", { expectedTurnId: TURN, input: [{ type: "text", text: "on" }] });
    pass(MINUTE);
    await sweep(two, () => component.mutation(internal.commands.expireCommands, {}), 8);
    const states = await component.run(async (ctx) => (await ctx.db.query("commands").collect()).map(({ userId, state }) => [userId, state]));
    expect(states).toEqual([
      [OWNER.userId, "queued"],
      [OTHER.userId, "expired"],
    ]);
  });

  test("keep no silent turn of another", async () => {
    const two = await failed();
    const { component } = two;
    pass(DAY);
    await sweep(two, () => component.mutation(internal.silence.endSilentTurns, {}));
    const statuses = await component.run(async (ctx) => (await ctx.db.query("turns").collect()).map(({ userId, status }) => [userId, status]));
    expect(statuses).toEqual([
      [OWNER.userId, "inProgress"],
      [OTHER.userId, "interrupted"],
    ]);
  });
});

test("more is due than one call asks for: all of it goes, also what was due at one time", async () => {
  const component = await startTwo();
  const turns = Array.from({ length: 120 }, (_, at) => new TurnStream({ turnId: `turn_${String(at)}` }));
  for (const [at, turn] of turns.entries()) {
    // Fifty are due at once, where a page ends in their midst.
    if (at < 40 || at > 90) pass(1);
    await ingest(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.completed()]);
  }
  pass(5 * MINUTE);
  expect(await component.mutation(internal.streams.cleanupFinishedStreams, {})).toEqual({ streams: 100, hasMore: true });
  await finish(component);
  expect(await count(component, "streams", OWNER)).toBe(0);
});
