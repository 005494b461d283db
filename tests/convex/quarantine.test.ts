/** Malformed events: their user reads them as they came, and forgets them. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { agentMessage, api, dump, ingest, ingestOk, lifecycle, OWNER, refusal, startComponent, startThread, STREAM, THREAD, TURN, TurnStream, type Component } from "./build.js";

const MiB = 1024 * 1024;
const NOW_MS = 1_800_000_000_000;
const ALL = { cursor: null, numItems: 1_000 };

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: NOW_MS }));
afterEach(() => vi.useRealTimers());

const list = (component: Component, paginationOpts: { cursor: string | null; numItems: number } = ALL, actor = OWNER) =>
  component.query(api.quarantine.list, { actor, threadId: THREAD, paginationOpts });
const drop = (component: Component, eventId?: string, actor = OWNER) =>
  component.mutation(api.quarantine.drop, { actor, threadId: THREAD, ...(eventId === undefined ? {} : { eventId }) });
const idsOf = async (component: Component) => (await list(component)).page.map(({ eventId }) => eventId);

/** One of 40 is malformed, and so is a lifecycle event. */
async function quarantined() {
  const component = await startThread();
  const turn = new TurnStream();
  const bad = { ...turn.raw("item/started", '{"method":"item/started","params":{'), cursorStart: 1, cursorEnd: 2, eventId: "bad" };
  turn.cursor = 0;
  const begin = turn.started();
  turn.cursor = 2;
  const batch = [begin, bad, ...turn.reply("m", ["x"])];
  const beside = { ...lifecycle(0, "thread/archived", {}), payloadJson: "{" };
  expect((await ingest(component, batch, {}, [beside])).status).toBe("partial");
  return { component, turn, batch, beside };
}

describe("the list", () => {
  test("shows each event as it came, what is wrong with it and when it came, the last one first", async () => {
    const { component, batch, beside } = await quarantined();
    const fault = { code: "E_SYNC_MALFORMED_EVENT", message: "the payload is not JSON", receivedAt: NOW_MS };
    expect((await list(component)).page).toEqual([
      { ...fault, eventId: beside.eventId, kind: "thread/archived", payloadJson: "{", bytes: 1 },
      { ...fault, eventId: "bad", turnId: TURN, streamId: STREAM, kind: "item/started", payloadJson: batch[1]!.payloadJson, bytes: 35 },
    ]);
  });

  test("gives a payload of 6 MiB whole, beside which no other is kept", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const payload = `{"日本語":"${"é".repeat(MiB)}`;
    for (let at = 0; at < 2; at++) await ingest(component, [turn.raw("item/started", payload.slice(at))]);
    const first = await list(component, { cursor: null, numItems: 10 });
    expect(first.page.map(({ payloadJson }) => payloadJson)).toEqual([payload.slice(1)]);
    await ingest(component, [turn.raw("item/started", "é".repeat(3 * MiB))]);
    const { page, isDone } = await list(component);
    expect([page.length, page[0]!.payloadJson === "é".repeat(3 * MiB), page[0]!.bytes, isDone]).toEqual([1, true, 6 * MiB, true]);
    expect(await drop(component)).toEqual({ dropped: 1 });
    expect((await dump(component)).parts.filter(({ kind }) => kind === "payload")).toEqual([]);
  });

  test("shows nothing of a turn that is hidden, and the thread's own", async () => {
    const { component } = await quarantined();
    const later = new TurnStream({ turnId: "later" });
    await ingest(component, [later.started(), later.raw("error", "{")]);
    expect(await idsOf(component)).toHaveLength(3);
    await component.mutation(api.threads.revert, { actor: OWNER, threadId: THREAD, turnId: TURN });
    expect(await idsOf(component)).toEqual([`rt:${THREAD}:L0`, "bad"]);
  });

  test("costs what it returns, and no more than the thread", async () => {
    const limits: Record<string, number> = {};
    const component = startComponent(limits);
    for (const actor of [OWNER, { ...OWNER, userId: "bob" }]) {
      const turn = new TurnStream();
      await ingest(component, [turn.started(), ...Array.from({ length: 20 }, () => turn.raw("error", "{"))], { actor });
    }
    // A thread; of each event its row and a part; one row more says whether the list goes on.
    Object.assign(limits, { documentsRead: 1 + 5 * 2 });
    await expect(list(component, { cursor: null, numItems: 5 })).rejects.toThrow("too many documents");
    Object.assign(limits, { documentsRead: 1 + 5 * 2 + 1 });
    expect((await list(component, { cursor: null, numItems: 5 })).page).toHaveLength(5);
  });

  test("of a thread that is not there", async () => {
    const component = startComponent();
    expect(await refusal(list(component))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN" });
    expect(await refusal(drop(component))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN" });
  });
});

describe("an event that is dropped", () => {
  test("goes alone, with its payload, and once", async () => {
    const { component, beside } = await quarantined();
    expect(await drop(component, "none")).toEqual({ dropped: 0 });
    expect(await drop(component, "bad")).toEqual({ dropped: 1 });
    expect(await idsOf(component)).toEqual([beside.eventId]);
    expect(await drop(component, "bad")).toEqual({ dropped: 0 });
    const { parts, quarantine } = await dump(component);
    expect(parts.filter(({ text }) => text.includes("item/started"))).toEqual([]);
    expect(parts.filter(({ owner }) => owner === quarantine[0]!._id).map(({ text }) => text)).toEqual(["{"]);
  });

  test("does not come back when it is sent again, and the batch answers as before", async () => {
    const { component, batch, beside } = await quarantined();
    await drop(component);
    const before = await dump(component);
    const answer = await ingest(component, batch, {}, [beside]);
    expect([answer.status, answer.errors.length]).toEqual(["partial", 2]);
    expect(await dump(component)).toEqual(before);
  });

  test("is every one of 200 where none is named, and of this thread and user alone", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingest(component, [turn.started(), ...Array.from({ length: 260 }, () => turn.raw("item/started", `{"x":"${"y".repeat(70_000).slice(0, 20_000)}`))]);
    const bob = { ...OWNER, userId: "bob" };
    const other = new TurnStream();
    await ingest(component, [other.started(), other.raw("error", "{")], { actor: bob, sessionId: "theirs" });
    expect(await drop(component)).toEqual({ dropped: 200 });
    expect(await idsOf(component)).toEqual([]);
    expect((await list(component, ALL, bob)).page).toHaveLength(1);
    const { quarantine, parts } = await dump(component);
    expect(parts.filter(({ kind, text }) => kind === "payload" && text.startsWith('{"x"'))).toEqual([]);
    expect(quarantine.map(({ userId }) => userId)).toEqual(["bob"]);
  });

  test("leaves the thread as it is", async () => {
    const { component, turn } = await quarantined();
    const { quarantine: _, parts: __, ...before } = await dump(component);
    await drop(component);
    const { quarantine: ___, parts: ____, ...after } = await dump(component);
    expect(after).toEqual(before);
    await ingestOk(component, [turn.itemCompleted(agentMessage("n", "on it goes"))]);
  });
});
