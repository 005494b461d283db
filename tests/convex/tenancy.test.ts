/** Nobody learns of, or touches, another user's rows. In the pushed bundle: `tests/bundle/strangers.test.ts`. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api, batch, dump, ingest, lifecycle, messagesOf, OWNER, refusal, SESSION, startComponent, STREAM, textsOf, THREAD, TURN, TurnStream } from "./build.js";
import { answerOf, functions, functionsWithMore, OF_OTHER_DEVICE, OTHER_DEVICE, ownerWorks, PREPARED, queries, rowsOf, SECRET, shapesOf, STRANGERS, strangerWorks, type Found } from "./strangers.js";

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 }));
afterEach(() => vi.useRealTimers());

test("the component's functions are found", () => {
  const names = functions.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["sync.ingest", "sync.ingestSafe", "sync.replay", "messages.listByThread", "messages.getText", "messages.getPayload", "reasoning.listByThread", "quarantine.list", "quarantine.drop", "stats.usage", "threads.list", "turns.interrupt", "approvals.respond", "serverRequests.resolve", "commands.send", "commands.lease", "presence.beat"]));
  expect(new Set(names).size).toBe(names.length);
});

const nameOf = ({ name, more }: Found) => (more === undefined ? name : `${name} with ${JSON.stringify(more)}`);

describe.each(STRANGERS)("%s", (_who, stranger) => {
  describe.each(PREPARED)("%s", (_how, prepare) => {
    test.each([...functions, ...functionsWithMore].map((found) => [nameOf(found), found] as const))("%s: sees and changes nothing of the owner's", async (_name, found) => {
      const [beside, alone] = [startComponent(), startComponent()];
      await ownerWorks(beside);
      for (const component of [beside, alone]) await prepare(component, stranger);
      const before = await rowsOf(beside, OWNER);
      const answer = await answerOf(beside, found, stranger);
      expect(JSON.stringify(answer)).not.toContain(SECRET);
      expect(await rowsOf(beside, OWNER)).toEqual(before);
      expect(answer).toEqual(await answerOf(alone, found, stranger));
      expect(await shapesOf(beside, stranger)).toEqual(await shapesOf(alone, stranger));
    });
  });
});

describe("the owner", () => {
  // Without an actor: whoever has a token is its device.
  const reads = [...functions, ...functionsWithMore].filter(({ name, args }) => queries.includes(name) && args.includes("actor"));
  test.each(reads.map((found) => [nameOf(found), found] as const))("%s: sees what strangers do not", async (_name, found) => {
    const component = startComponent();
    await ownerWorks(component);
    await strangerWorks(component, STRANGERS[0]![1]);
    expect(await answerOf(component, found, OWNER)).not.toEqual(await answerOf(component, found, STRANGERS[0]![1]));
  });
});

describe("another device of the owner's", () => {
  const named = (names: string[]) => names.map((name) => [name, functions.find((found) => found.name === name) ?? expect.fail(`${name} is no function`)] as const);
  const works = async () => {
    const component = startComponent();
    await ownerWorks(component);
    return component;
  };

  test("has a line for every function", () => {
    const actors = functions.filter(({ args }) => args.includes("actor")).map(({ name }) => name);
    expect(Object.values(OF_OTHER_DEVICE).flat().toSorted(), "a new function needs one in `OF_OTHER_DEVICE`").toEqual(actors.toSorted());
    expect(OF_OTHER_DEVICE.reads.filter((name) => !queries.includes(name))).toEqual([]);
  });

  test.each(named(OF_OTHER_DEVICE.reads))("%s: reads as the first one", async (_name, found) => {
    const component = await works();
    const before = await rowsOf(component, OWNER);
    const answer = await answerOf(component, found, OTHER_DEVICE);
    expect(answer).toEqual(await answerOf(component, found, OWNER));
    expect(answer).toHaveProperty("value");
    expect(await rowsOf(component, OWNER)).toEqual(before);
  });

  test.each(named(OF_OTHER_DEVICE.does))("%s: does as the first one", async (_name, found) => {
    const [desk, first] = [await works(), await works()];
    expect(await answerOf(desk, found, OTHER_DEVICE)).toEqual(await answerOf(first, found, OWNER));
    expect(await shapesOf(desk, OWNER)).toEqual(await shapesOf(first, OWNER));
  });

  test.each(named(OF_OTHER_DEVICE.refused))("%s: is none of its business", async (_name, found) => {
    const component = await works();
    const before = await rowsOf(component, OWNER);
    expect(JSON.stringify(await answerOf(component, found, OTHER_DEVICE))).toMatch(/"(code|errorCode)":"E_SYNC_SESSION_DEVICE_MISMATCH"/);
    expect(await rowsOf(component, OWNER)).toEqual(before);
    expect(JSON.stringify(await answerOf(component, found, OWNER)), "the first one may").not.toContain("E_SYNC_SESSION_DEVICE_MISMATCH");
  });

  test.each(named(OF_OTHER_DEVICE.itsOwn))("%s: is of its own checkpoints", async (_name, found) => {
    const component = await works();
    const before = (await dump(component)).checkpoints;
    expect(await answerOf(component, found, OTHER_DEVICE)).toEqual({ value: found.name === "sync.listCheckpoints" ? [] : { ok: true } });
    const after = (await dump(component)).checkpoints;
    expect(after.filter(({ deviceId }) => deviceId === OWNER.deviceId)).toEqual(before);
    expect(after.filter(({ deviceId }) => deviceId === OTHER_DEVICE.deviceId).map(({ cursor }) => cursor)).toEqual(found.name === "sync.listCheckpoints" ? [] : [3]);
  });

  test("does not go on with an import that the first one's bridge began", async () => {
    const component = await works();
    const before = await rowsOf(component, OWNER);
    const turns = [{ turnId: "next", turnJson: JSON.stringify({ id: "next", status: "completed" }), items: [] }];
    const page = { sessionId: SESSION, threadId: THREAD, position: { turn: 1, item: 0 }, turns };
    expect((await refusal(component.mutation(api.imports.importHistory, { actor: OTHER_DEVICE, ...page }))).code).toBe("E_SYNC_SESSION_DEVICE_MISMATCH");
    expect(await rowsOf(component, OWNER)).toEqual(before);
    await component.mutation(api.imports.importHistory, { actor: OWNER, ...page });
  });
});

test("two users with threads, turns, items and streams of the same names have two of each", async () => {
  const component = startComponent();
  const [, bob] = STRANGERS[0]!;
  for (const actor of [OWNER, bob]) {
    const said = `${actor.userId} says`;
    const args = batch(new TurnStream().whole([said, " so"]), [lifecycle(0, "thread/name/updated", { threadName: said })], { actor });
    expect(await component.mutation(api.sync.ingestSafe, args)).toMatchObject({ status: "session_recovered", errors: [] });
  }
  for (const actor of [OWNER, bob]) {
    expect((await messagesOf(component, THREAD, actor)).map(({ text }) => text)).toEqual(["Say hello.", `${actor.userId} says so`]);
    const read = await component.query(api.sync.replay, { actor, threadId: THREAD, streamCursorsById: [{ streamId: STREAM, cursor: 0 }] });
    expect(read.texts.map(({ text }) => text).join("")).toBe(`${actor.userId} says so`);
  }
  expect((await dump(component)).threads.map(({ name }) => name)).toEqual(["ann says", "bob says"]);
});

test("an owner's stream that a stranger's own thread names is a stream of the stranger's", async () => {
  const component = startComponent();
  await ownerWorks(component);
  const [, bob] = STRANGERS[0]!;
  await strangerWorks(component, bob);
  const turn = new TurnStream();
  const answer = await ingest(component, [turn.started(), ...turn.reply("msg_1", ["injected"]), turn.completed()], { actor: bob, sessionId: "theirs" });
  expect(answer).toMatchObject({ status: "ok", errors: [] });
  expect(await textsOf(component)).toEqual([
    [`${TURN}_prompt`, "completed", SECRET],
    ["rs_1", "completed", SECRET],
    ["msg_1", "streaming", SECRET],
    ["old", "completed", SECRET],
  ]);
});

test("another user's rows cost mine nothing", async () => {
  const cost = async (others: number) => {
    const limits: Record<string, number> = {};
    const component = startComponent(limits);
    for (let at = 0; at < others; at++) {
      const actor = { ...OWNER, userId: `other_${at}` };
      await ingest(component, new TurnStream().whole(), { actor });
      const approval = { requestId: 0, method: "item/commandExecution/requestApproval", payloadJson: "{}", requestedAt: 1 };
      await component.mutation(api.serverRequests.upsertPending, { actor, threadId: THREAD, turnId: "t", itemId: "i", ...approval });
    }
    await ingest(component, new TurnStream().whole());
    Object.assign(limits, { documentsRead: 40, databaseQueries: 30 });
    await component.query(api.threads.list, { actor: OWNER, paginationOpts: { cursor: null, numItems: 50 } });
    await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD });
    await component.query(api.messages.listByThread, { actor: OWNER, threadId: THREAD, paginationOpts: { cursor: null, numItems: 50 } });
    await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById: [{ streamId: STREAM, cursor: 0 }] });
    await component.query(api.approvals.listPending, { actor: OWNER, paginationOpts: { cursor: null, numItems: 50 } });
    await component.query(api.serverRequests.listPending, { actor: OWNER });
  };
  await cost(0);
  await cost(60);
});
