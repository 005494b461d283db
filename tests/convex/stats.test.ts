/** What a user has: exact as far as it is counted, within a bounded number of ranges and rows. */
import { describe, expect, test } from "vitest";
import { api, ingest, ingestOk, lifecycle, OWNER, refusal, startComponent, startThread, THREAD, TURN, TurnStream, type Component } from "./build.js";

const NONE = { count: 0, more: false };
const EMPTY = {
  threads: NONE,
  openCommands: { count: 0, max: 100 },
  pendingApprovals: NONE,
  pendingRequests: NONE,
  thread: null,
};
const COUNTS = { totalTokens: 7, inputTokens: 6, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0 };

const usage = (component: Component, threadId?: string, actor = OWNER) =>
  component.query(api.stats.usage, { actor, ...(threadId === undefined ? {} : { threadId }) });

const ask = (component: Component, requestId: number, method: string, payloadJson = "{}", threadId = THREAD, turnId = TURN, actor = OWNER) =>
  component.mutation(api.serverRequests.upsertPending, { actor, threadId, turnId, itemId: "i", requestId, method, payloadJson, requestedAt: 1 });
const APPROVAL = "item/commandExecution/requestApproval";
const QUESTION = "item/tool/requestUserInput";

const send = (component: Component, commandId: string) =>
  component.mutation(api.commands.send, { actor: OWNER, threadId: THREAD, commandId, kind: "turn", payloadJson: JSON.stringify({ clientTurnId: commandId, input: [{ text: "x" }] }) });

test("of who has nothing is nothing", async () => {
  expect(await usage(startComponent())).toEqual(EMPTY);
});

test("counts what there is, of the user and of the thread that is named", async () => {
  const component = await startThread();
  await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2" });
  await component.mutation(api.threads.archive, { actor: OWNER, threadId: "th_2" });
  const turn = new TurnStream();
  await ingest(component, [turn.started(), turn.event("thread/tokenUsage/updated", { tokenUsage: { total: COUNTS, last: COUNTS } }), turn.raw("error", "{"), turn.raw("error", '{"é"')]);
  await ask(component, 0, APPROVAL);
  await ask(component, 1, APPROVAL);
  await ask(component, 2, QUESTION);
  await send(component, "c1");
  const all = {
    threads: { count: 2, more: false },
    openCommands: { count: 1, max: 100 },
    pendingApprovals: { count: 2, more: false },
    pendingRequests: { count: 1, more: false },
  };
  expect(await usage(component)).toEqual({ ...all, thread: null });
  expect(await usage(component, THREAD)).toEqual({
    ...all,
    thread: {
      turns: 2,
      tokens: { total: COUNTS, last: COUNTS, updatedAt: expect.any(Number) as number },
      openCommands: { count: 1, max: 100 },
      quarantine: { events: { count: 2, max: 200 }, bytes: { count: 6, max: 4 * 1024 * 1024 } },
    },
  });
  expect((await usage(component, "th_2")).thread).toEqual({
    turns: 0,
    tokens: null,
    openCommands: { count: 0, max: 100 },
    quarantine: { events: { count: 0, max: 200 }, bytes: { count: 0, max: 4 * 1024 * 1024 } },
  });
});

describe("what is no longer there", () => {
  test("is not counted: decided, answered, cancelled, dropped", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingest(component, [turn.started(), turn.raw("error", "{")]);
    await ask(component, 0, APPROVAL);
    await ask(component, 1, QUESTION);
    await send(component, "c1");
    await component.mutation(api.approvals.respond, { actor: OWNER, threadId: THREAD, turnId: TURN, itemId: "i", requestId: 0, decision: "accepted" });
    await component.mutation(api.serverRequests.resolve, { actor: OWNER, threadId: THREAD, requestId: 1, status: "expired", resolvedAt: 1 });
    // The decision is a command of its own, on its way.
    for (const { commandId } of (await component.query(api.commands.list, { actor: OWNER, threadId: THREAD, open: true, paginationOpts: { cursor: null, numItems: 10 } })).page) {
      await component.mutation(api.commands.cancel, { actor: OWNER, commandId });
    }
    await component.mutation(api.quarantine.drop, { actor: OWNER, threadId: THREAD });
    const { pendingApprovals, pendingRequests, openCommands, thread } = await usage(component, THREAD);
    expect([pendingApprovals, pendingRequests, openCommands.count, thread?.quarantine.events.count]).toEqual([NONE, NONE, 0, 0]);
  });

  test("nor are requests of a turn that is hidden", async () => {
    const component = await startThread();
    for (const [at, turnId] of [TURN, "later"].entries()) {
      await ingestOk(component, [new TurnStream({ turnId }).started()]);
      await ask(component, at, APPROVAL, "{}", THREAD, turnId);
    }
    expect((await usage(component)).pendingApprovals.count).toBe(2);
    await component.mutation(api.threads.revert, { actor: OWNER, threadId: THREAD, turnId: TURN });
    expect((await usage(component)).pendingApprovals).toEqual({ count: 1, more: false });
  });

  test("nor is a thread that is being deleted, whose usage nobody reads", async () => {
    const component = await startThread();
    await component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId: THREAD });
    expect((await usage(component)).threads).toEqual(NONE);
    expect(await refusal(usage(component, THREAD))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN" });
  });
});

test("counts to 100, and says that there are more", async () => {
  const component = startComponent();
  const upTo = async (from: number, to: number) => {
    for (let at = from; at < to; at++) {
      await component.mutation(api.threads.create, { actor: OWNER, threadId: `t${at}` });
      await ask(component, 0, APPROVAL, "{}", `t${at}`);
      await ask(component, 1, QUESTION, "{}", `t${at}`);
    }
    const { threads, pendingApprovals, pendingRequests } = await usage(component);
    return [threads, pendingApprovals, pendingRequests];
  };
  expect(await upTo(0, 99)).toEqual(Array.from({ length: 3 }, () => ({ count: 99, more: false })));
  expect(await upTo(99, 100)).toEqual(Array.from({ length: 3 }, () => ({ count: 100, more: false })));
  expect(await upTo(100, 101)).toEqual(Array.from({ length: 3 }, () => ({ count: 100, more: true })));
});

test("counts large requests as it counts small ones: it reads no payload", async () => {
  const limits: Record<string, number> = {};
  const component = startComponent(limits);
  await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
  const payload = "x".repeat(64 * 1024);
  for (let at = 0; at < 40; at++) await ask(component, at, APPROVAL, payload);
  Object.assign(limits, { bytesRead: 128 * 1024 });
  expect((await usage(component)).pendingApprovals).toEqual({ count: 40, more: false });
});

test("costs what it counts: other users' rows nothing", async () => {
  const limits: Record<string, number> = {};
  const component = startComponent(limits);
  for (const userId of ["bob", "cy", "ann"]) {
    const actor = { ...OWNER, userId };
    for (let at = 0; at < 5; at++) {
      const turn = new TurnStream({ turnId: `t${at}` });
      await ingest(component, [turn.started(), ...turn.reply("m", ["x"]), turn.raw("error", "{")], { actor, sessionId: userId }, [lifecycle(at, "thread/name/updated", { threadName: "x" })]);
    }
    await ask(component, 0, APPROVAL, "{}", THREAD, "t4", actor);
  }
  // Of the user a thread, an approval and its thread; of the thread itself, and five malformed events.
  Object.assign(limits, { documentsRead: 3 + 1 + 5 - 1 });
  await expect(usage(component, THREAD)).rejects.toThrow("too many documents");
  Object.assign(limits, { documentsRead: 3 + 1 + 5, databaseQueries: 9 });
  const { threads, pendingApprovals, thread } = await usage(component, THREAD);
  expect([threads.count, pendingApprovals.count, thread?.turns, thread?.quarantine.events.count]).toEqual([1, 1, 5, 5]);
});
