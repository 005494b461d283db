/** Threads that are archived and taken back, by a client or by Codex, and their names. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api, dump, ingest, ingestOk, lifecycle, messagesOf, OWNER, refusal, startThread, THREAD, TURN, TurnStream, type Component } from "./build.js";

const inThread = { actor: OWNER, threadId: THREAD };

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const later = () => vi.setSystemTime(Date.now() + 1_000);
const threadRow = async (component: Component) => (await dump(component)).threads[0]!;
const start = (component: Component, turnId = "turn_2") =>
  component.mutation(api.turns.start, { ...inThread, turnId, input: [{ type: "text", text: "hi" }], idempotencyKey: turnId });

describe("an archived thread", () => {
  test("refuses new turns, and takes everything else as before", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...turn.prompt("hi")]);
    const asked = { requestId: 0, method: "item/fileChange/requestApproval", payloadJson: "{}", requestedAt: 1 };
    await component.mutation(api.serverRequests.upsertPending, { ...inThread, turnId: TURN, itemId: "f", ...asked });
    expect(await component.mutation(api.threads.archive, inThread)).toEqual({ threadId: THREAD, status: "archived" });
    expect(await refusal(start(component))).toMatchObject({ code: "E_THREAD_ARCHIVED", threadId: THREAD });
    await ingestOk(component, [...turn.reply("m", ["a"]), turn.completed()]);
    expect((await messagesOf(component)).map(({ text }) => text)).toEqual(["hi", "a"]);
    await component.mutation(api.serverRequests.resolve, { ...inThread, requestId: 0, status: "answered", resolvedAt: 1 });
    await component.mutation(api.threads.create, inThread);
    expect((await threadRow(component)).status).toBe("archived");
  });

  test("answers an approval", async () => {
    const component = await startThread();
    const asked = { requestId: 0, method: "item/fileChange/requestApproval", payloadJson: "{}", requestedAt: 1 };
    await component.mutation(api.serverRequests.upsertPending, { ...inThread, turnId: TURN, itemId: "f", ...asked });
    await component.mutation(api.threads.archive, inThread);
    await component.mutation(api.approvals.respond, { ...inThread, turnId: TURN, itemId: "f", decision: "accepted" });
    expect((await dump(component)).serverRequests).toMatchObject([{ status: "answering" }]);
    expect((await threadRow(component)).status).toBe("archived");
  });

  test.each([
    ["threads.unarchive", (component: Component) => component.mutation(api.threads.unarchive, inThread)],
    ["threads.resume", (component: Component) => component.mutation(api.threads.resume, inThread)],
    ["thread/unarchived", (component: Component) => ingest(component, [], {}, [lifecycle(0, "thread/unarchived", {})])],
  ] as const)("is taken back by %s", async (name, takeBack) => {
    const component = await startThread();
    await component.mutation(api.threads.archive, inThread);
    const answer = await takeBack(component);
    if (name !== "thread/unarchived") expect(answer).toEqual({ threadId: THREAD, status: "active" });
    expect((await threadRow(component)).status).toBe("active");
    expect(await start(component)).toEqual({ turnId: "turn_2", accepted: true });
  });

  test("is the same whether a client or Codex says so", async () => {
    const component = await startThread();
    await ingestOk(component, [], {}, [lifecycle(0, "thread/archived", {})]);
    const before = await threadRow(component);
    expect(before.status).toBe("archived");
    later();
    await component.mutation(api.threads.archive, inThread);
    expect(await threadRow(component), "what is so already is not written").toEqual(before);
  });
});

test("a thread's name is given, changed and taken away, and moves it in the list", async () => {
  const component = await startThread();
  const rename = (name: string) => component.mutation(api.threads.rename, { ...inThread, name });
  later();
  await rename("first");
  expect(await component.query(api.threads.get, inThread)).toMatchObject({ name: "first", updatedAt: Date.now() });
  await ingestOk(component, [], {}, [lifecycle(0, "thread/name/updated", { threadName: "Codex's" })]);
  expect((await threadRow(component)).name).toBe("Codex's");
  const before = await threadRow(component);
  later();
  await rename("Codex's");
  expect(await threadRow(component)).toEqual(before);
  await rename("");
  expect(await threadRow(component)).not.toHaveProperty("name");
  await rename("x".repeat(100_000));
  expect((await threadRow(component)).name).toBe("x".repeat(4_096));
});

test("a thread that is not there is neither archived nor named", async () => {
  const component = await startThread();
  const there = { actor: { ...OWNER, userId: "bob" }, threadId: THREAD };
  for (const call of [api.threads.archive, api.threads.unarchive, api.threads.resume]) {
    expect(await refusal(component.mutation(call, there))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN", threadId: THREAD });
  }
  expect((await refusal(component.mutation(api.threads.rename, { ...there, name: "n" }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
});
