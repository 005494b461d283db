/** Threads: made once, found by their external id, seen as a whole. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { agentMessage, api, dump, ingestOk, lifecycle, OWNER, refusal, startComponent, startThread, STREAM, THREAD, TURN, TurnStream, type Component } from "./build.js";

const STRANGER = { ...OWNER, userId: "bob" };

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const later = () => vi.setSystemTime(Date.now() + 1_000);
const threadRow = async (component: Component) => (await dump(component)).threads[0]!;

describe("threads.create", () => {
  test("makes a thread, once", async () => {
    const component = startComponent();
    expect(await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD, model: "m" })).toEqual({ threadId: THREAD });
    const made = await threadRow(component);
    expect(made).toMatchObject({ tenantId: "acme", userId: "ann", threadId: THREAD, status: "active", model: "m", createdAt: Date.now(), updatedAt: Date.now() });
    later();
    await component.mutation(api.threads.create, { actor: { ...OWNER, deviceId: "phone" }, threadId: THREAD });
    expect((await dump(component)).threads).toEqual([{ ...made, updatedAt: Date.now() }]);
  });

  test("overwrites optional fields only where they are given", async () => {
    const component = startComponent();
    const all = { model: "m", cwd: "/a", personality: "p", localThreadId: "local" };
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD, ...all });
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD, cwd: "/b" });
    expect(await threadRow(component)).toMatchObject({ ...all, cwd: "/b" });
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD, model: "" });
    expect(await threadRow(component)).toMatchObject({ ...all, cwd: "/b", model: "" });
  });

  test("keeps the status, the name and the turns' places", async () => {
    const component = await startThread();
    const named = lifecycle(0, "thread/name/updated", { threadName: "Name" });
    await ingestOk(component, new TurnStream().whole(), {}, [named, lifecycle(1, "thread/archived", {})]);
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
    expect(await threadRow(component)).toMatchObject({ status: "archived", name: "Name", nextTurnOrder: 1 });
    await ingestOk(component, [], {}, [lifecycle(2, "thread/name/updated", {})]);
    expect(await threadRow(component)).not.toHaveProperty("name");
  });
});

describe("threads.resolve", () => {
  test("binds an external id to a new thread, and finds it again", async () => {
    const component = startComponent();
    const first = await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "ext", model: "m" });
    expect(first).toEqual({ threadId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/), externalThreadId: "ext", created: true });
    later();
    const again = await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "ext", cwd: "/c" });
    expect(again).toEqual({ ...first, created: false });
    const { threads, bindings } = await dump(component);
    expect(threads).toMatchObject([{ threadId: first.threadId, model: "m", cwd: "/c", updatedAt: Date.now() }]);
    expect(bindings).toMatchObject([{ threadId: first.threadId, externalThreadId: "ext", updatedAt: Date.now() }]);
  });

  test("without an external id makes a new thread every time", async () => {
    const component = startComponent();
    const made = [await component.mutation(api.threads.resolve, { actor: OWNER }), await component.mutation(api.threads.resolve, { actor: OWNER })];
    for (const answer of made) expect(answer).toEqual({ threadId: expect.any(String), created: true });
    expect(made[0]!.threadId).not.toBe(made[1]!.threadId);
    expect((await dump(component)).bindings).toEqual([]);
  });

  test("of the same external id by another user is another thread", async () => {
    const component = startComponent();
    const mine = await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "ext" });
    const theirs = await component.mutation(api.threads.resolve, { actor: STRANGER, externalThreadId: "ext" });
    expect(theirs.created).toBe(true);
    expect(theirs.threadId).not.toBe(mine.threadId);
  });
});

describe("threads.getState", () => {
  const state = (component: Component) => component.query(api.threads.getState, { actor: OWNER, threadId: THREAD });

  test("of a thread that has nothing yet", async () => {
    const component = await startThread();
    expect(await state(component)).toEqual({
      threadId: THREAD,
      threadStatus: "active",
      turns: [],
      activeStreams: [],
      allStreams: [],
      streamStats: [],
      pendingApprovals: [],
      recentMessages: [],
    });
  });

  test("of a turn that goes on, then ends", async () => {
    const component = await startThread();
    const events = new TurnStream().whole();
    await ingestOk(component, events.slice(0, 5));
    const going = await state(component);
    expect(going).toMatchObject({
      turns: [{ turnId: TURN, status: "inProgress", startedAt: events[0]!.createdAt }],
      activeStreams: [{ streamId: STREAM, state: "streaming" }],
      allStreams: [{ streamId: STREAM, state: "streaming" }],
      streamStats: [{ streamId: STREAM, state: "streaming", deltaCount: 5, latestCursor: 5 }],
    });
    expect(going.recentMessages).toMatchObject([
      { messageId: "msg_1", role: "assistant", status: "streaming", text: "Hel" },
      { messageId: "turn_1_prompt", role: "user", status: "completed", text: "Say hello." },
    ]);
    await ingestOk(component, events.slice(5));
    expect(await state(component)).toMatchObject({
      turns: [{ turnId: TURN, status: "completed" }],
      activeStreams: [],
      allStreams: [{ streamId: STREAM, state: "finished" }],
      streamStats: [{ deltaCount: events.length, latestCursor: events.length }],
      recentMessages: [{ status: "completed", text: "Hello." }, {}],
    });
  });

  test("shows the 50 newest turns and the 20 newest messages, newest first", async () => {
    const component = await startThread();
    for (let at = 0; at < 55; at++) await ingestOk(component, new TurnStream({ turnId: `turn_${at}` }).whole([`said ${at}`]));
    const { turns, recentMessages, allStreams } = await state(component);
    expect(turns.map(({ turnId }) => turnId)).toEqual(Array.from({ length: 50 }, (_, at) => `turn_${54 - at}`));
    expect(recentMessages).toHaveLength(20);
    expect(recentMessages[0]).toMatchObject({ turnId: "turn_54", role: "assistant", text: "said 54" });
    expect(allStreams).toHaveLength(55);
  });

  test("reads the texts of large messages, and not their payloads", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    for (let at = 0; at < 20; at++) {
      const output = "é€".repeat(125_000);
      const item = { type: "commandExecution", id: `c${at}`, command: "ls", status: "completed", aggregatedOutput: output };
      await ingestOk(component, [turn.itemCompleted(item), turn.itemCompleted(agentMessage(`m${at}`, output))]);
    }
    expect((await state(component)).recentMessages).toHaveLength(20);
  });

  test("of a thread that is not there", async () => {
    expect(await refusal(state(startComponent()))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN", threadId: THREAD });
  });
});

describe("messages.getByTurn", () => {
  test("is one turn's messages in their order", async () => {
    const component = await startThread();
    for (const turnId of [TURN, "turn_2"]) await ingestOk(component, new TurnStream({ turnId }).whole([turnId]));
    const rows = await component.query(api.messages.getByTurn, { actor: OWNER, threadId: THREAD, turnId: TURN });
    expect(rows.map(({ turnId, role, text, orderInTurn, turnOrder }) => [turnId, role, text, orderInTurn, turnOrder])).toEqual([
      [TURN, "user", "Say hello.", 1, 0],
      [TURN, "assistant", TURN, 3, 0],
    ]);
  });

  test("of a turn without messages is empty, of one that is not there refused", async () => {
    const component = await startThread();
    await ingestOk(component, [new TurnStream().started()]);
    expect(await component.query(api.messages.getByTurn, { actor: OWNER, threadId: THREAD, turnId: TURN })).toEqual([]);
    const absent = component.query(api.messages.getByTurn, { actor: OWNER, threadId: THREAD, turnId: "turn_2" });
    expect(await refusal(absent)).toMatchObject({ code: "E_AUTH_TURN_FORBIDDEN", turnId: "turn_2" });
  });

  test("of a turn of more than 500 is its newest 500: how it ended is among them", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    for (let from = 0; from < 510; from += 102) {
      await ingestOk(component, Array.from({ length: 102 }, (_, at) => turn.itemCompleted(agentMessage(`m${from + at}`, String(from + at)))));
    }
    await ingestOk(component, [turn.itemStarted(agentMessage("last", ""))]);
    const rows = await component.query(api.messages.getByTurn, { actor: OWNER, threadId: THREAD, turnId: TURN });
    expect([rows.length, rows[0]?.messageId, rows.at(-1)?.messageId, rows.at(-1)?.status]).toEqual([500, "m11", "last", "streaming"]);
  });

  test("of a turn that is larger than a query may read leaves out the texts behind 4 MiB, and says so", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    for (let at = 0; at < 60; at++) await ingestOk(component, turn.reply(`m${at}`, ["x".repeat(300_000)]));
    const rows = await component.query(api.messages.getByTurn, { actor: OWNER, threadId: THREAD, turnId: TURN });
    expect(rows.map(({ messageId }) => messageId)).toEqual(Array.from({ length: 60 }, (_, at) => `m${at}`));
    expect(rows.filter(({ text }) => text !== "")).toHaveLength(16);
    expect(rows.at(-1)).toMatchObject({ text: "", textTruncated: true, textBytes: 300_000, payloadTruncated: true });
  });
});

describe("an external id", () => {
  const find = (component: Component, externalThreadId: string, actor = OWNER) => component.query(api.threads.resolveByExternalId, { actor, externalThreadId });

  test("is looked up both ways, and nothing is made", async () => {
    const component = await startThread();
    const { threadId } = await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "ext" });
    const before = await dump(component);
    const mapping = { threadId, externalThreadId: "ext" };
    expect(await find(component, "ext")).toEqual(mapping);
    expect(await component.query(api.threads.getExternalMapping, { actor: OWNER, threadId })).toEqual(mapping);
    expect(await find(component, "none")).toBeNull();
    expect(await find(component, "ext", STRANGER)).toBeNull();
    expect(await component.query(api.threads.getExternalMapping, { actor: OWNER, threadId: THREAD })).toBeNull();
    expect(await refusal(component.query(api.threads.getExternalMapping, { actor: STRANGER, threadId }))).toHaveProperty("code", "E_AUTH_THREAD_FORBIDDEN");
    expect(await dump(component)).toEqual(before);
  });

  test("of a thread whose row is gone names nothing", async () => {
    const component = await startThread();
    const { threadId } = await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "ext" });
    await component.run(async (ctx) => {
      for (const thread of await ctx.db.query("threads").collect()) if (thread.threadId === threadId) await ctx.db.delete(thread._id);
    });
    expect(await find(component, "ext")).toBeNull();
  });
});

describe("threads.list with summaries", () => {
  const rows = async (component: Component) => (await component.query(api.threads.list, { actor: OWNER, summary: true, paginationOpts: { cursor: null, numItems: 10 } })).page;

  test("says how a thread began, how it is called once it is, and how its newest turn stands", async () => {
    const component = await startThread();
    const row = { threadId: THREAD, status: "active", updatedAt: expect.any(Number) };
    expect(await rows(component)).toEqual([row]);
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD, localThreadId: "019a" });
    const bare = { ...row, localThreadId: "019a" };
    expect(await rows(component)).toEqual([bare]);
    const first = new TurnStream();
    await ingestOk(component, [first.started(), ...first.prompt("Fix the cart."), ...first.reply("m", ["Done."])]);
    expect(await rows(component)).toEqual([{ ...bare, preview: "Fix the cart.", turn: { turnId: TURN, status: "inProgress" } }]);
    const second = new TurnStream({ turnId: "turn_2" });
    await ingestOk(component, [first.completed()]);
    await ingestOk(component, [second.started(), ...second.prompt("And now the wheels."), second.completed("failed", "no wheels")]);
    expect(await rows(component)).toEqual([{ ...bare, preview: "Fix the cart.", turn: { turnId: "turn_2", status: "failed" } }]);
    await ingestOk(component, [], {}, [lifecycle(0, "thread/name/updated", { threadName: "The cart" })]);
    expect(await rows(component)).toEqual([{ ...bare, name: "The cart", turn: { turnId: "turn_2", status: "failed" } }]);
    expect(await component.query(api.threads.get, { actor: OWNER, threadId: THREAD })).toMatchObject({ turn: { turnId: "turn_2", status: "failed" } });
    expect((await component.query(api.threads.list, { actor: OWNER, paginationOpts: { cursor: null, numItems: 10 } })).page).toEqual([row]);
  });

  test("tells of the turn that runs, whatever is queued behind it or was taken back, and not of one that is hidden", async () => {
    const component = await startThread();
    const turnsOf = async () => {
      const [row = {}] = await rows(component);
      return ["turn" in row ? row.turn : undefined, (await component.query(api.threads.get, { actor: OWNER, threadId: THREAD })).turn];
    };
    const send = (commandId: string) =>
      component.mutation(api.commands.send, { actor: OWNER, threadId: THREAD, commandId, kind: "turn", payloadJson: JSON.stringify({ input: [{ type: "text", text: "next" }], clientTurnId: commandId }) });
    const waiting = { turnId: "a", status: "queued" };
    await send("a");
    expect(await turnsOf()).toEqual([waiting, waiting]);
    const running = { turnId: TURN, status: "inProgress" };
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    await send("b");
    expect(await turnsOf()).toEqual([running, running]);
    await component.mutation(api.commands.cancel, { actor: OWNER, commandId: "b" });
    expect(await turnsOf()).toEqual([running, running]);
    await component.mutation(api.turns.deleteCascade, { actor: OWNER, threadId: THREAD, turnId: TURN });
    const [newest] = await turnsOf();
    expect(newest).toMatchObject({ turnId: "b" });
  });

  test("ends a page where as many ranges are read as a call has room for", async () => {
    const component = await startThread();
    await component.run(async (ctx) => {
      for (let i = 0; i < 600; i += 1) {
        await ctx.db.insert("threads", { tenantId: OWNER.tenantId, userId: OWNER.userId, threadId: `other_${String(i)}`, status: "active", nextTurnOrder: 0, createdAt: i, updatedAt: i });
      }
    });
    const page = (summary: boolean) => component.query(api.threads.list, { actor: OWNER, summary, paginationOpts: { cursor: null, numItems: 1_000 } });
    expect(await page(false)).toMatchObject({ isDone: true });
    const { page: listed, isDone } = await page(true);
    expect([listed.length, isDone]).toEqual([512, false]);
  });

  test("tells nothing of a turn that is deleted or reverted", async () => {
    const component = await startThread();
    for (const turnId of ["a", "b", "c"]) {
      const turn = new TurnStream({ turnId });
      await ingestOk(component, [turn.started(), ...turn.prompt(`say ${turnId}`), turn.completed()]);
    }
    await component.mutation(api.turns.deleteCascade, { actor: OWNER, threadId: THREAD, turnId: "a" });
    await component.mutation(api.threads.revert, { actor: OWNER, threadId: THREAD, turnId: "b" });
    expect(await rows(component)).toMatchObject([{ preview: "say b", turn: { turnId: "b", status: "completed" } }]);
  });

  test("cuts what was said first between two characters", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...turn.prompt(`x${"😀".repeat(1_000)}`)]);
    expect(await rows(component)).toMatchObject([{ preview: `x${"😀".repeat(99)}` }]);
  });
});
