/** As many commands as a user may have open, about requests that are large or many: no call that reads them is stopped by it. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api, dump, ingestOk, OWNER, SESSION, startComponent, sweepCommands, THREAD, TURN, TurnStream, type Component } from "./build.js";

const QUESTION = "item/tool/requestUserInput";
const RUNTIME = { runtimeId: "rt", generation: 1 };
const TEN_MINUTES = 10 * 60 * 1000;
const FAT = "\u6f22".repeat(60_000);

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const ask = (component: Component, requestId: number, question: string, appGeneration?: number) =>
  component.mutation(api.serverRequests.upsertPending, {
    ...{ actor: OWNER, threadId: THREAD, turnId: TURN, itemId: `call_${String(requestId)}`, requestId, method: QUESTION, requestedAt: 1 },
    ...(appGeneration === undefined ? {} : { ...RUNTIME, appGeneration }),
    payloadJson: JSON.stringify({ method: QUESTION, id: requestId, params: { questions: [{ id: "q", question, isSecret: false }] } }),
  });
const answer = (component: Component, at: number, requestId: number) =>
  component.mutation(api.commands.send, {
    actor: { ...OWNER, deviceId: "phone" },
    ...{ threadId: THREAD, commandId: `c_${String(at)}`, kind: "answer", payloadJson: JSON.stringify({ requestId, answer: {} }) },
  });

async function startBound(limits: Record<string, number> = {}): Promise<Component> {
  const component = startComponent(limits);
  await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
  await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0, ...RUNTIME });
  await ingestOk(component, [new TurnStream().started()]);
  return component;
}

/** What reads the commands: a beat, a lease and the sweep. */
async function readAll(component: Component) {
  const thread = { threadId: THREAD, pendingRequests: 0, outboxEvents: 0 };
  const beat = await component.mutation(api.presence.beat, { actor: OWNER, ...RUNTIME, phase: "ready", threads: [thread] });
  const leased = await component.mutation(api.commands.lease, { actor: OWNER, ...RUNTIME, threadId: THREAD, limit: 100 });
  vi.setSystemTime(Date.now() + TEN_MINUTES);
  const moved = await sweepCommands(component);
  return { waiting: beat.commandsWaiting, leased: leased.length, moved };
}

test("100 answers to 60 questions of 180 KB stop no beat, no lease and no sweep", async () => {
  const component = await startBound();
  for (let id = 0; id < 60; id++) await ask(component, id, FAT);
  for (let at = 0; at < 100; at++) await answer(component, at, at % 60);
  expect(await readAll(component)).toEqual({ waiting: 100, leased: 100, moved: 100 });
});

test("a request that many commands name is read once, and no other of its id", async () => {
  const limits: Record<string, number> = {};
  const component = await startBound(limits);
  for (let process = 1; process <= 8; process++) await ask(component, 0, "which?", process);
  for (let at = 0; at < 50; at++) await answer(component, at, 0);
  expect((await dump(component)).serverRequests).toHaveLength(8);
  // A command's row, its payload and what its lease rewrites; 8 requests for each were 400 more.
  Object.assign(limits, { documentsRead: 250 });
  expect(await readAll(component)).toEqual({ waiting: 50, leased: 50, moved: 50 });
});

test("commands that name more requests than one call has room for are swept, each by itself", async () => {
  const limits: Record<string, number> = {};
  const component = await startBound(limits);
  const requests = 60;
  for (let id = 0; id < requests; id++) for (let process = 1; process <= 8; process++) await ask(component, id, "which?", process);
  for (let id = 0; id < requests; id++) await answer(component, id, id);
  // Each names a process that nobody knows: all eight of its id are looked at.
  await component.run(async (ctx) => {
    for (const { _id, request } of await ctx.db.query("commands").collect()) {
      if (request !== undefined) await ctx.db.patch("commands", _id, { request: { ...request, ...RUNTIME, appGeneration: 99 }, dueAt: Date.now() });
    }
  });
  // The commands as they are listed; of one its row, eight of requests and what is written.
  Object.assign(limits, { documentsRead: requests + 10 });
  expect(await sweepCommands(component)).toBe(requests);
  expect((await component.run((ctx) => ctx.db.query("commands").collect())).filter(({ open }) => open)).toEqual([]);
});
