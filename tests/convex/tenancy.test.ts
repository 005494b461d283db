/**
 * Nobody learns of, or touches, another user's rows. The functions are found in the component's modules, so that a new
 * one is tried too: it fails here until `GIVEN` has a value for each of its arguments.
 */
import { convexToJson, type Value } from "convex/values";
import type { FunctionReference } from "convex/server";
import { makeFunctionReference } from "convex/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Actor } from "../../convex/validators.js";
import { agentMessage, api, batch, componentFunctions, dump, ingest, lifecycle, messagesOf, OWNER, reasoning, SESSION, startComponent, STREAM, textsOf, THREAD, TURN, TurnStream, type Component } from "./build.js";

const NOW_MS = 1_800_000_000_000;
const SECRET = "the owner's words";
const EXTERNAL = "external_1";
/** Answers that are row ids, or hold some. */
const RANDOM = new Set(["continueCursor", "deletionJobId", "forkJobId", "tokenId", "token"]);
const COMMAND = "command_1";
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

const COUNTS = { totalTokens: 7, inputTokens: 6, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0 };

const STRANGERS: [who: string, actor: Actor][] = [
  ["another user of the same tenant", { ...OWNER, userId: "bob" }],
  ["the same user id in another tenant", { ...OWNER, tenantId: "other" }],
  ["a user whose joined name is the same", { ...OWNER, tenantId: "acm", userId: "eann" }],
];

type Given = Record<string, Value | undefined>;
type Callable<Kind extends "query" | "mutation"> = FunctionReference<Kind, "public", Given, Value>;
type Found = { name: string; args: string[]; call: (component: Component, given: Given) => Promise<Value> };

/** The owner's last deletion, fork and device token. */
let deletionJobId = "none";
let tokenId = "none";
let forkJobId = "none";

const functions: Found[] = [];
const queries: string[] = [];
for (const { name, kind, visibility, args: shape } of await componentFunctions()) {
  if (visibility !== "public") continue;
  const given = shape as { value: Record<string, { optional: boolean }> };
  const args = Object.entries(given.value).flatMap(([arg, { optional }]) => (optional && !(arg in GIVEN()) ? [] : [arg]));
  const reference = makeFunctionReference<never>(name.replace(".", ":")) as unknown;
  const call: Found["call"] = (component, given) =>
    kind === "query" ? component.query(reference as Callable<"query">, given) : component.mutation(reference as Callable<"mutation">, given);
  functions.push({ name, args, call });
  if (kind === "query") queries.push(name);
}

/** What a stranger passes: the owner's ids, and on the owner's stream an event behind its end. */
function GIVEN(): Record<string, Value> {
  const turn = new TurnStream();
  turn.cursor = 100;
  return {
    threadId: THREAD,
    turnId: TURN,
    streamId: STREAM,
    sessionId: SESSION,
    externalThreadId: EXTERNAL,
    itemId: "msg_1",
    messageId: "msg_1",
    cursor: 3,
    fromCursor: 0,
    lastEventCursor: 50,
    streamDeltas: [turn.text("msg_1", "injected"), turn.completed("failed", "injected")],
    lifecycleEvents: [lifecycle(7, "thread/name/updated", { threadName: "injected" })],
    streamCursorsById: [{ streamId: STREAM, cursor: 0 }],
    paginationOpts: { cursor: null, numItems: 50 },
    input: [{ type: "text", text: "injected" }],
    idempotencyKey: "key_1",
    total: COUNTS,
    last: COUNTS,
    reason: "injected",
    model: "injected",
    requestId: 0,
    method: "item/commandExecution/requestApproval",
    payloadJson: '{"turnId":"turn_1","input":[{"text":"injected"}]}',
    requestedAt: 1,
    resolvedAt: 1,
    status: "expired",
    responseJson: "{}",
    decision: "declined",
    deletionJobId,
    tokenId,
    token: "injected",
    deviceId: "injected",
    entropy: "e".repeat(43),
    forkJobId,
    newThreadId: "th_copy",
    position: { turn: 0, item: 0 },
    turns: [{ turnId: TURN, turnJson: JSON.stringify({ id: TURN, status: "failed" }), items: [JSON.stringify(agentMessage("injected", "injected"))] }],
    name: "injected",
    commandId: COMMAND,
    kind: "interrupt",
    runtimeId: "rt",
    generation: 1,
    limit: 10,
    leaseToken: "injected",
    state: "refused",
    phase: "ready",
    threads: [{ threadId: THREAD, turnId: TURN, pendingRequests: 1, outboxEvents: 1 }],
  };
}

/** What is called otherwise there. */
const GIVEN_TO: Record<string, Record<string, Value>> = {
  "messages.getText": { cursor: null },
  "messages.getPayload": { cursor: null },
};

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: NOW_MS }));
afterEach(() => vi.useRealTimers());

async function ownerWorks(component: Component): Promise<void> {
  await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
  await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
  await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: EXTERNAL });
  await component.run((ctx) => ctx.db.insert("bindings", { tenantId: OWNER.tenantId, userId: OWNER.userId, threadId: THREAD, externalThreadId: "external_2", updatedAt: 0 }));
  await component.mutation(api.turns.start, { actor: OWNER, threadId: THREAD, turnId: TURN, input: [{ type: "text", text: SECRET }], idempotencyKey: "key_1" });
  const turn = new TurnStream();
  const events = [turn.started(), turn.event("thread/tokenUsage/updated", { tokenUsage: { total: COUNTS, last: COUNTS } }), turn.event("turn/diff/updated", { diff: SECRET }), ...turn.prompt(SECRET), turn.itemCompleted(reasoning("rs_1", [SECRET], [])), turn.itemStarted(agentMessage("msg_1", "")), turn.text("msg_1", SECRET), turn.raw("error", "{")];
  await ingest(component, events, { runtime: { saveStreamDeltas: true } }, [lifecycle(0, "thread/name/updated", { threadName: SECRET })]);
  await component.mutation(api.sync.upsertCheckpoint, { actor: OWNER, threadId: THREAD, streamId: STREAM, cursor: 2 });
  const approval = { requestId: 0, method: "item/commandExecution/requestApproval", payloadJson: SECRET, requestedAt: 1 };
  await component.mutation(api.serverRequests.upsertPending, { actor: OWNER, threadId: THREAD, turnId: TURN, itemId: "msg_1", ...approval });
  const payloadJson = JSON.stringify({ clientTurnId: "wish", input: [{ text: SECRET }] });
  await component.mutation(api.commands.send, { actor: OWNER, threadId: THREAD, commandId: COMMAND, kind: "turn", payloadJson });
  const threads = [{ threadId: THREAD, turnId: TURN, pendingRequests: 1, outboxEvents: 1 }];
  await component.mutation(api.presence.beat, { actor: OWNER, runtimeId: "rt", generation: 1, phase: "running", threads });
  ({ tokenId } = await component.mutation(api.devices.issueToken, { actor: OWNER, deviceId: "laptop", label: SECRET, entropy: "e".repeat(43) }));
  const old = { turnId: "old", turnJson: JSON.stringify({ id: "old", status: "completed" }), items: [JSON.stringify(agentMessage("old", SECRET))] };
  await component.mutation(api.imports.importHistory, { actor: OWNER, sessionId: SESSION, threadId: THREAD, position: { turn: 0, item: 0 }, turns: [old] });
  ({ forkJobId } = await component.mutation(api.threads.fork, { actor: OWNER, threadId: THREAD, newThreadId: "th_copy" }));
  ({ deletionJobId } = await component.mutation(api.threads.scheduleDeleteCascade, { actor: OWNER, threadId: THREAD, reason: SECRET }));
}

async function strangerWorks(component: Component, actor: Actor): Promise<void> {
  await component.mutation(api.threads.create, { actor, threadId: THREAD });
  await component.mutation(api.sync.ensureSession, { actor, sessionId: "theirs", threadId: THREAD, lastEventCursor: 0 });
}

/** A call's answer, or the data that it is refused with; without what is random in it, and the row ids in page cursors. */
async function answerOf(component: Component, { name, args, call }: Found, actor: Actor): Promise<unknown> {
  const all = { ...GIVEN(), ...GIVEN_TO[name], actor };
  const given = Object.fromEntries(args.map((arg) => [arg, all[arg as never] as Value | undefined]));
  for (const arg of args) expect(given[arg], `GIVEN has no value for the argument ${arg}`).toBeDefined();
  const answer = await call(component, given).then(
    (value: Value) => ({ value: convexToJson(value) }),
    (error: unknown) => ({ refused: (error as { data?: unknown }).data ?? expect.fail(String(error)) }),
  );
  return JSON.parse(JSON.stringify(answer).replace(UUID, "<uuid>"), (key, value: unknown) => (RANDOM.has(key) ? `<${key}>` : value));
}

/** The rows of one user. Every row but a part says whose it is, and a part's row says its owner; a tombstone is a hash. */
async function rowsOf(component: Component, { tenantId, userId }: Actor) {
  const { parts, tombstones: _, ...owned } = await dump(component);
  const mine = Object.values(owned).flatMap((rows: { _id: string; tenantId: string; userId: string }[]) =>
    rows.filter((row) => row.tenantId === tenantId && row.userId === userId),
  );
  const ids = new Set(mine.map(({ _id }) => _id));
  return [...mine, ...parts.filter(({ owner }) => ids.has(owner))];
}

test("the component's functions are found", () => {
  const names = functions.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["sync.ingest", "sync.ingestSafe", "sync.replay", "messages.listByThread", "messages.getText", "messages.getPayload", "reasoning.listByThread", "quarantine.list", "quarantine.drop", "stats.usage", "threads.list", "turns.interrupt", "approvals.respond", "serverRequests.resolve", "commands.send", "commands.lease", "presence.beat"]));
  expect(new Set(names).size).toBe(names.length);
});

describe.each(STRANGERS)("%s", (_who, stranger) => {
  describe.each([
    ["who has nothing", () => Promise.resolve()],
    ["through a thread of the same id of their own", (component: Component) => strangerWorks(component, stranger)],
  ])("%s", (_how, prepare) => {
    test.each(functions.map((found) => [found.name, found] as const))("%s: sees and changes nothing of the owner's", async (_name, found) => {
      const [beside, alone] = [startComponent(), startComponent()];
      await ownerWorks(beside);
      for (const component of [beside, alone]) await prepare(component);
      const before = await rowsOf(beside, OWNER);
      const answer = await answerOf(beside, found, stranger);
      expect(JSON.stringify(answer)).not.toContain(SECRET);
      expect(await rowsOf(beside, OWNER)).toEqual(before);
      expect(answer).toEqual(await answerOf(alone, found, stranger));
      expect(await shapesOf(beside, stranger)).toEqual(await shapesOf(alone, stranger));
    });
  });
});

async function shapesOf(component: Component, actor: Actor) {
  return (await rowsOf(component, actor)).map((row) => Object.keys(row));
}

describe("the owner", () => {
  // Without an actor: whoever has a token is its device.
  const reads = functions.filter(({ name, args }) => queries.includes(name) && args.includes("actor"));
  test.each(reads.map((found) => [found.name, found] as const))("%s: sees what strangers do not", async (_name, found) => {
    const component = startComponent();
    await ownerWorks(component);
    await strangerWorks(component, STRANGERS[0]![1]);
    expect(await answerOf(component, found, OWNER)).not.toEqual(await answerOf(component, found, STRANGERS[0]![1]));
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
