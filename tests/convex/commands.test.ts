/** Commands: who sends, who leases, what becomes of each, and what the thread shows of it. */
import { createHash } from "node:crypto";
import type { FunctionArgs } from "convex/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Actor } from "../../convex/validators.js";
import {
  agentMessage,
  api,
  dump,
  ingest,
  ingestOk,
  internal,
  lifecycle,
  messagesOf,
  OWNER,
  refusal,
  SESSION,
  startComponent,
  startThread,
  stepDeletion,
  sweepCommands,
  THREAD,
  TURN,
  turnOf,
  TurnStream,
  type Component,
} from "./build.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const PHONE: Actor = { ...OWNER, deviceId: "phone" };
const STRANGER: Actor = { ...OWNER, userId: "bob" };
const RUNTIME = { runtimeId: "rt", generation: 1 };

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** A thread that a runtime on the laptop writes. */
async function startBound(runtime: Partial<typeof RUNTIME> = RUNTIME): Promise<Component> {
  const component = await startThread();
  await bind(component, runtime);
  return component;
}

const bind = (component: Component, runtime: Partial<typeof RUNTIME> = RUNTIME, actor = OWNER) =>
  component.mutation(api.sync.ensureSession, { actor, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0, ...runtime });

const input = (text: string) => [{ type: "text", text }];
const wish = (commandId: string, extra: object = {}) => JSON.stringify({ clientTurnId: `turn of ${commandId}`, input: input(`do ${commandId}`), ...extra });

type Send = Partial<FunctionArgs<typeof api.commands.send>>;
const send = (component: Component, commandId: string, args: Send = {}) =>
  component.mutation(api.commands.send, { actor: PHONE, threadId: THREAD, commandId, kind: "turn", payloadJson: wish(commandId), ...args });
const steer = (component: Component, commandId: string, expectedTurnId = TURN) =>
  send(component, commandId, { kind: "steer", payloadJson: JSON.stringify({ expectedTurnId, input: input("rather this") }) });
const stop = (component: Component, commandId: string, turnId = TURN) => send(component, commandId, { kind: "interrupt", payloadJson: JSON.stringify({ turnId }) });

type Lease = Partial<FunctionArgs<typeof api.commands.lease>>;
const lease = (component: Component, args: Lease = {}) =>
  component.mutation(api.commands.lease, { actor: OWNER, ...RUNTIME, threadId: THREAD, limit: 10, ...args });
const leasedIds = async (component: Component, args: Lease = {}) => (await lease(component, args)).map(({ commandId }) => commandId);

type Report = Partial<FunctionArgs<typeof api.commands.report>>;
const report = (component: Component, commandId: string, leaseToken: string, state: string, args: Report = {}) =>
  component.mutation(api.commands.report, { actor: OWNER, commandId, leaseToken, state, ...args });

/** Leases what is next, alone, and says that Codex gets it. */
async function deliver(component: Component): Promise<{ commandId: string; token: string }> {
  const [next] = await lease(component, { limit: 1 });
  const { commandId, leaseToken: token } = next ?? expect.fail("nothing waits");
  await report(component, commandId, token, "delivered");
  return { commandId, token };
}

const get = (component: Component, commandId: string, actor = PHONE) => component.query(api.commands.get, { actor, commandId });
/** State and code of each command, in the order of sending. */
const states = async (component: Component) =>
  (await dump(component)).commands.map(({ commandId, state, code }) => (code === undefined ? [commandId, state] : [commandId, state, code]));

/** As many turns as a user can send. */
async function fill(component: Component): Promise<void> {
  for (let at = 0; at < 100; at++) await send(component, `c${at}`, { payloadJson: '{"input":[{}]}' });
}

/** A turn that runs, as Codex knows it. */
async function running(component: Component, turnId = TURN): Promise<TurnStream> {
  const turn = new TurnStream({ turnId });
  await ingestOk(component, [turn.started()]);
  return turn;
}

describe("a command that is sent", () => {
  test("is queued, shown to its sender's every device with what was asked for, and made once", async () => {
    const component = await startBound();
    vi.setSystemTime(1_000);
    expect(await send(component, "a")).toEqual({ commandId: "a", state: "queued" });
    const row = {
      ...{ commandId: "a", threadId: THREAD, kind: "turn", payloadJson: wish("a"), state: "queued", deviceId: "phone" },
      ...{ clientTurnId: "turn of a", order: 0, rank: 0, lapses: 0, createdAt: 1_000, updatedAt: 1_000, expiresAt: 1_000 + 10 * MINUTE },
    };
    expect(await get(component, "a", OWNER)).toEqual(row);
    const page = (open?: true) =>
      component.query(api.commands.list, { actor: OWNER, threadId: THREAD, paginationOpts: { cursor: null, numItems: 10 }, ...(open && { open }) });
    expect((await page()).page).toEqual([row]);
    expect((await page(true)).page).toEqual([row]);
    await component.mutation(api.commands.cancel, { actor: OWNER, commandId: "a" });
    expect((await page()).page).toMatchObject([{ commandId: "a", state: "cancelled", code: "E_COMMAND_CANCELLED", endedAt: 1_000 }]);
    expect((await page(true)).page).toEqual([]);
  });

  test("the same id again changes nothing, with other content it is refused", async () => {
    const component = await startBound();
    await send(component, "a");
    const before = await dump(component);
    pass(MINUTE);
    await send(component, "a");
    expect(await dump(component)).toEqual(before);
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2" });
    const made = await dump(component);
    for (const other of [{ payloadJson: wish("b") }, { kind: "steer" }, { ttlMs: 5 }, { threadId: "th_2" }]) {
      expect(await refusal(send(component, "a", other))).toMatchObject({ code: "E_COMMAND_ID_REUSED", commandId: "a" });
    }
    expect(await dump(component)).toEqual(made);
  });

  test("the same id again after an edit is compared with what was sent first, and says where it stands", async () => {
    const component = await startBound();
    await send(component, "a");
    const edited = wish("a", { input: input("no, this") });
    for (const payloadJson of [wish("a", { input: input("that") }), edited]) await component.mutation(api.commands.edit, { actor: PHONE, commandId: "a", payloadJson });
    await lease(component);
    expect(await send(component, "a")).toEqual({ commandId: "a", state: "leased" });
    expect((await refusal(send(component, "a", { payloadJson: edited }))).code).toBe("E_COMMAND_ID_REUSED");
    expect((await get(component, "a")).payloadJson).toBe(edited);
  });

  test("of another user is invisible, and their id is nobody else's", async () => {
    const component = await startBound();
    await send(component, "a");
    const commandId = "a";
    const { mutation, query } = component;
    for (const call of [
      () => query(api.commands.get, { actor: STRANGER, commandId }),
      () => mutation(api.commands.cancel, { actor: STRANGER, commandId }),
      () => mutation(api.commands.edit, { actor: STRANGER, commandId, payloadJson: wish("a") }),
      () => mutation(api.commands.promote, { actor: STRANGER, commandId }),
      () => report(component, "a", "t", "accepted", { actor: STRANGER, turnId: TURN }),
    ]) {
      expect((await refusal(call())).code).toBe("E_COMMAND_NOT_FOUND");
    }
    expect((await refusal(send(component, "a", { actor: STRANGER }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    expect((await refusal(lease(component, { actor: STRANGER }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    await mutation(api.threads.create, { actor: STRANGER, threadId: THREAD });
    expect(await send(component, "a", { actor: STRANGER, payloadJson: wish("b") })).toEqual({ commandId: "a", state: "queued" });
    expect((await get(component, "a")).payloadJson).toBe(wish("a"));
    expect(await leasedIds(component)).toEqual(["a"]);
  });

  test("to an archived thread is refused", async () => {
    const component = await startBound();
    await ingestOk(component, [], {}, [lifecycle(0, "thread/archived", {})]);
    expect((await refusal(send(component, "a"))).code).toBe("E_THREAD_ARCHIVED");
    await ingestOk(component, [], {}, [lifecycle(1, "thread/unarchived", {})]);
    expect((await send(component, "a")).state).toBe("queued");
  });

  test("a user has 100 open, whatever the thread, and an end makes room", async () => {
    const component = await startBound();
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2" });
    for (let at = 0; at < 100; at++) await send(component, `c${at}`, { threadId: at % 2 === 0 ? THREAD : "th_2" });
    expect((await refusal(send(component, "one more"))).code).toBe("E_QUOTA");
    expect((await send(component, "c7", { threadId: "th_2" })).state).toBe("queued");
    await component.mutation(api.threads.create, { actor: STRANGER, threadId: THREAD });
    await send(component, "theirs", { actor: STRANGER });
    await component.mutation(api.commands.cancel, { actor: PHONE, commandId: "c7" });
    await send(component, "one more");
    expect((await refusal(send(component, "and one"))).code).toBe("E_QUOTA");
  });

  test.each([
    ["a kind that is none", { kind: "shell" }, "E_COMMAND_INVALID"],
    ["a payload that is none", { payloadJson: "[]" }, "E_COMMAND_INVALID"],
    ["a payload over 64 KiB", { payloadJson: wish("a", { input: input("x".repeat(65_536)) }) }, "E_COMMAND_TOO_LARGE"],
    ["a turn that does not exist", { kind: "interrupt", payloadJson: '{"turnId":"nobody"}' }, "E_AUTH_TURN_FORBIDDEN"],
    ["a request that does not exist", { kind: "decide", payloadJson: '{"requestId":0,"decision":"accept"}' }, "E_COMMAND_TARGET_GONE"],
    ["a thread that does not exist", { threadId: "nowhere" }, "E_AUTH_THREAD_FORBIDDEN"],
  ])("with %s is refused, and nothing is written", async (_case, args, code) => {
    const component = await startBound();
    const before = await dump(component);
    expect((await refusal(send(component, "a", args))).code).toBe(code);
    expect(await dump(component)).toEqual(before);
  });

  test.each([
    [false, "queued"],
    [true, "E_COMMAND_NOT_ALLOWED"],
  ])("answers a question from afar unless it is secret: %s", async (isSecret, want) => {
    const component = await startBound();
    const payloadJson = JSON.stringify({ id: 0, method: "item/tool/requestUserInput", params: { questions: [{ id: "q", isSecret }] } });
    const asked = { requestId: 0, threadId: THREAD, turnId: TURN, itemId: "call_1", method: "item/tool/requestUserInput", payloadJson, requestedAt: 1 };
    await component.mutation(api.serverRequests.upsertPending, { actor: OWNER, ...asked });
    const answer = send(component, "a", { kind: "answer", payloadJson: '{"requestId":0,"answer":{}}' });
    expect(isSecret ? (await refusal(answer)).code : (await answer).state).toBe(want);
  });

  test.each(["item/tool/call", "mcpServer/elicitation/request"])("answers %s from afar: it asks no question that could be secret", async (method) => {
    const component = await startBound();
    const payloadJson = JSON.stringify({ id: 0, method, params: { threadId: THREAD, turnId: TURN, tool: "lookup", message: "which?" } });
    await component.mutation(api.serverRequests.upsertPending, { actor: OWNER, requestId: 0, threadId: THREAD, turnId: TURN, itemId: "call_1", method, payloadJson, requestedAt: 1 });
    expect((await send(component, "a", { kind: "answer", payloadJson: '{"requestId":0,"answer":{"success":true}}' })).state).toBe("queued");
    expect(await lease(component)).toMatchObject([{ kind: "answer" }]);
  });
});

describe("a lease", () => {
  test("hands a command to its runtime alone, once, with what it needs", async () => {
    const component = await startBound();
    vi.setSystemTime(1_000);
    await send(component, "a");
    const [handed, ...others] = await lease(component);
    expect(others).toEqual([]);
    expect(handed).toEqual({
      ...{ commandId: "a", kind: "turn", payloadJson: wish("a"), lapses: 0, leaseExpiresAt: 1_000 + MINUTE },
      leaseToken: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    });
    expect(await get(component, "a")).toMatchObject({ state: "leased", runtimeId: "rt" });
    expect(await lease(component)).toEqual([]);
  });

  test("by two runtimes: the thread's writer alone gets it", async () => {
    const component = await startBound();
    await send(component, "a");
    const other = { ...OWNER, deviceId: "desk" };
    for (const args of [{ actor: other }, { runtimeId: "rt2" }, { generation: 0 }, { generation: 0.5 }, { runtimeId: "" }]) {
      expect((await refusal(lease(component, args))).code, JSON.stringify(args)).toBe("E_SYNC_SESSION_DEVICE_MISMATCH");
    }
    await bind(component, { runtimeId: "rt2", generation: 1 }, other);
    expect((await refusal(lease(component))).code).toBe("E_SYNC_SESSION_DEVICE_MISMATCH");
    expect(await leasedIds(component, { actor: other, runtimeId: "rt2" })).toEqual(["a"]);
    expect((await refusal(report(component, "a", "t", "delivered"))).code).toBe("E_SYNC_SESSION_DEVICE_MISMATCH");
  });

  test("where the session names no runtime, the first of its device that leases has the thread from then on", async () => {
    const component = await startBound({});
    await send(component, "a");
    expect((await refusal(lease(component, { actor: { ...OWNER, deviceId: "desk" } }))).code).toBe("E_SYNC_SESSION_DEVICE_MISMATCH");
    expect(await leasedIds(component)).toEqual(["a"]);
    expect((await dump(component)).sessions).toMatchObject([RUNTIME]);
    expect((await refusal(lease(component, { runtimeId: "rt2" }))).code).toBe("E_SYNC_SESSION_DEVICE_MISMATCH");
    // A batch of the session leaves that, a new start of the seed's runtime does not.
    await ingestOk(component, [new TurnStream().started()]);
    expect((await dump(component)).sessions).toMatchObject([RUNTIME]);
    await bind(component, {});
    await ingestOk(component, [], {}, [lifecycle(0, "thread/name/updated", { threadName: "n" })]);
    expect((await dump(component)).sessions[0]).not.toHaveProperty("runtimeId");
    expect(await lease(component, { runtimeId: "rt2" })).toEqual([]);
    expect((await dump(component)).sessions).toMatchObject([{ runtimeId: "rt2" }]);
  });

  test("a session that is recovered by a batch is its runtime's still, and another device's is nobody's yet", async () => {
    const component = await startBound();
    const desk = { ...OWNER, deviceId: "desk" };
    await component.mutation(api.sync.ensureSession, { actor: desk, sessionId: "s2", threadId: THREAD, lastEventCursor: 0, runtimeId: "rt2", generation: 1 });
    pass(MINUTE);
    const turn = new TurnStream();
    expect((await ingest(component, [turn.started()])).status).toBe("session_recovered");
    const runtimes = async () => (await dump(component)).sessions.map(({ deviceId, runtimeId }) => [deviceId, runtimeId]);
    expect(await runtimes()).toEqual([["laptop", "rt"], ["desk", "rt2"]]);
    pass(MINUTE);
    expect((await ingest(component, [turn.text("m", "x")], { actor: desk })).status).toBe("session_recovered");
    expect(await runtimes()).toEqual([["desk", undefined], ["desk", "rt2"]]);
  });

  test("of an older start is over when a newer one leases, and the older one gets nothing more", async () => {
    const component = await startBound();
    await send(component, "a");
    const [old] = await lease(component);
    expect(await lease(component, { generation: 2 })).toMatchObject([{ commandId: "a", lapses: 1 }]);
    expect((await refusal(report(component, "a", old!.leaseToken, "delivered"))).code).toBe("E_COMMAND_LEASE_LOST");
    expect((await refusal(lease(component))).code).toBe("E_SYNC_SESSION_DEVICE_MISMATCH");
  });

  test("that lapses three times goes back into the queue, then the command is abandoned", async () => {
    const component = await startBound();
    await send(component, "a", { payloadJson: wish("a", { waitForMachine: true }) });
    for (const lapses of [0, 1, 2, 3]) {
      expect(await lease(component)).toMatchObject([{ commandId: "a", lapses }]);
      pass(MINUTE - 1);
      expect(await sweepCommands(component)).toBe(0);
      pass(1);
      expect(await sweepCommands(component)).toBe(1);
    }
    expect(await states(component)).toEqual([["a", "refused", "E_COMMAND_ABANDONED"]]);
    expect(await turnOf(component, "turn of a")).toMatchObject({ status: "failed", error: "E_COMMAND_ABANDONED", source: "sweep" });
    expect(await lease(component)).toEqual([]);
  });

  test("that lapsed proves nothing any more", async () => {
    const component = await startBound();
    await send(component, "a");
    const [old] = await lease(component);
    pass(MINUTE);
    const [now] = await lease(component);
    expect(now).toMatchObject({ commandId: "a", lapses: 1 });
    expect((await refusal(report(component, "a", old!.leaseToken, "delivered"))).code).toBe("E_COMMAND_LEASE_LOST");
    await report(component, "a", now!.leaseToken, "delivered");
    expect((await get(component, "a")).state).toBe("delivered");
  });

  test("is serial in a thread, interrupts first, and threads do not wait for each other", async () => {
    const component = await startBound();
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2" });
    await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: "th_2", lastEventCursor: 0, ...RUNTIME });
    for (const id of ["a", "b"]) await send(component, id);
    await send(component, "elsewhere", { threadId: "th_2" });
    expect(await leasedIds(component)).toEqual(["a"]);
    expect(await leasedIds(component)).toEqual([]);
    expect(await leasedIds(component, { threadId: "th_2" })).toEqual(["elsewhere"]);
    const turn = await running(component);
    for (const id of ["stop 1", "stop 2"]) await stop(component, id);
    await steer(component, "s");
    expect(await lease(component)).toMatchObject([
      { commandId: "stop 1", turnId: TURN },
      { commandId: "stop 2", turnId: TURN },
    ]);
    await ingestOk(component, [turn.completed("interrupted")]);
    pass(MINUTE);
    // The lease of the first lapsed; what names the turn died with it.
    expect(await lease(component)).toMatchObject([{ commandId: "a", lapses: 1 }]);
    expect(await states(component)).toEqual([
      ["a", "leased"],
      ["b", "queued"],
      ["elsewhere", "leased"],
      ["stop 1", "expired", "E_COMMAND_TARGET_GONE"],
      ["stop 2", "expired", "E_COMMAND_TARGET_GONE"],
      ["s", "refused", "E_COMMAND_TARGET_GONE"],
    ]);
  });

  test("while a turn runs, a steer goes now and a turn waits for its end", async () => {
    const component = await startBound();
    const turn = await running(component);
    await send(component, "after");
    await steer(component, "now");
    expect(await lease(component)).toMatchObject([{ commandId: "now", kind: "steer", turnId: TURN }]);
    await report(component, "now", (await dump(component)).commands[1]!.lease!.token, "accepted", { turnId: TURN });
    expect(await leasedIds(component)).toEqual([]);
    await ingestOk(component, [turn.completed()]);
    expect(await leasedIds(component)).toEqual(["after"]);
  });

  test("waits for a turn that the machine has told of and whose events are still on their way", async () => {
    const component = await startBound();
    await send(component, "a");
    const beat = (turnId?: string) => {
      const told = { threadId: THREAD, pendingRequests: 0, outboxEvents: 3, ...(turnId === undefined ? {} : { turnId }) };
      return component.mutation(api.presence.beat, { actor: OWNER, ...RUNTIME, phase: "running", threads: [told] });
    };
    await beat("unheard of");
    expect(await lease(component)).toEqual([]);
    // The rows know better than an older beat.
    await beat(TURN);
    await ingestOk(component, new TurnStream().whole());
    expect(await leasedIds(component)).toEqual(["a"]);
  });

  test("waits for a turn that Codex took and that has told of nothing yet", async () => {
    const component = await startBound();
    for (const id of ["a", "b", "c"]) await send(component, id);
    for (const turnId of ["t1", "t2"]) {
      const { commandId, token } = await deliver(component);
      await report(component, commandId, token, "accepted", { turnId });
      pass(MINUTE - 1);
      expect(await lease(component)).toEqual([]);
      if (turnId === "t1") await ingestOk(component, new TurnStream({ turnId }).whole());
    }
    // The second never tells.
    pass(1);
    expect(await leasedIds(component)).toEqual(["c"]);
  });

  test("costs what is open, not what is done", async () => {
    const limits: Record<string, number> = {};
    const component = startComponent(limits);
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
    await bind(component);
    for (let at = 0; at < 150; at++) {
      await send(component, `c${at}`);
      await component.mutation(api.commands.cancel, { actor: PHONE, commandId: `c${at}` });
    }
    Object.assign(limits, { documentsRead: 20, databaseQueries: 20 });
    await send(component, "a");
    expect(await leasedIds(component)).toEqual(["a"]);
    await component.mutation(internal.commands.expireCommands, {});
    await component.query(api.commands.get, { actor: OWNER, commandId: "a" });
  });
});

describe("a report", () => {
  test("leads on: delivered, accepted with Codex's turn; the same again is no error, backwards is", async () => {
    const component = await startBound();
    await send(component, "a");
    const { token } = await deliver(component);
    await report(component, "a", token, "delivered");
    expect((await refusal(report(component, "a", token, "accepted"))).code).toBe("E_COMMAND_INVALID");
    await report(component, "a", token, "accepted", { turnId: TURN });
    const before = await dump(component);
    await report(component, "a", token, "accepted", { turnId: TURN });
    expect(await dump(component)).toEqual(before);
    for (const state of ["delivered", "refused"]) {
      expect(await refusal(report(component, "a", token, state))).toMatchObject({ code: "E_COMMAND_LEASE_LOST", state: "accepted" });
    }
    expect(await get(component, "a")).toMatchObject({ state: "accepted", turnId: TURN });
  });

  test("is taken by its token where the session no longer says which runtime writes", async () => {
    const component = await startBound();
    await send(component, "a");
    const { token } = await deliver(component);
    await bind(component, {});
    expect((await refusal(report(component, "a", "another", "accepted", { turnId: TURN }))).code).toBe("E_COMMAND_LEASE_LOST");
    await report(component, "a", token, "accepted", { turnId: TURN });
    expect(await states(component)).toEqual([["a", "accepted"]]);
  });

  test("refused says why, and the turn that showed it failed so", async () => {
    const component = await startBound();
    await send(component, "a");
    const { token } = await deliver(component);
    await report(component, "a", token, "refused", { code: "E_COMMAND_NOT_ALLOWED" });
    expect(await states(component)).toEqual([["a", "refused", "E_COMMAND_NOT_ALLOWED"]]);
    expect(await turnOf(component, "turn of a")).toMatchObject({ status: "failed", error: "E_COMMAND_NOT_ALLOWED" });
  });

  test("delivered and then silence is unknown, never sent again, and settled by what is found", async () => {
    const component = await startBound();
    await send(component, "a");
    const { token } = await deliver(component);
    pass(MINUTE);
    await sweepCommands(component);
    expect(await states(component)).toEqual([["a", "unknown", "E_COMMAND_UNKNOWN"]]);
    expect(await turnOf(component, "turn of a")).toMatchObject({ status: "failed", error: "E_COMMAND_UNKNOWN" });
    expect(await lease(component)).toEqual([]);
    await report(component, "a", token, "accepted", { turnId: TURN });
    expect(await states(component)).toEqual([["a", "accepted"]]);
    const turn = await turnOf(component);
    expect(turn).toMatchObject({ status: "queued", clientTurnId: "turn of a", inputSummary: "do a" });
    expect(turn).not.toHaveProperty("error");
    expect(turn).not.toHaveProperty("completedAt");
  });
});

describe("time", () => {
  const cases: [what: string, kind: string, payload: object, ms: number][] = [
    ["a turn", "turn", { input: input("x") }, 10 * MINUTE],
    ["a turn that waits for its machine", "turn", { input: input("x"), waitForMachine: true }, 24 * HOUR],
    ["a steer", "steer", { expectedTurnId: TURN, input: input("x") }, 10 * MINUTE],
    ["an interrupt", "interrupt", { turnId: TURN }, 2 * MINUTE],
  ];
  test.each(cases)("%s expires at its time, by the sweep", async (_what, kind, payload, ms) => {
    const component = await startBound();
    await running(component);
    await send(component, "a", { kind, payloadJson: JSON.stringify(payload) });
    pass(ms - 1);
    expect(await sweepCommands(component)).toBe(0);
    pass(1);
    expect(await sweepCommands(component)).toBe(1);
    expect(await states(component)).toEqual([["a", "expired", "E_COMMAND_EXPIRED"]]);
    expect(await sweepCommands(component)).toBe(0);
  });

  test("a lease looks at it before any sweep, and its sender can shorten it", async () => {
    const component = await startBound();
    await send(component, "a", { ttlMs: 5 * SECOND });
    await send(component, "b");
    pass(5 * SECOND);
    expect(await leasedIds(component)).toEqual(["b"]);
    expect(await states(component)).toEqual([
      ["a", "expired", "E_COMMAND_EXPIRED"],
      ["b", "leased"],
    ]);
  });

  test("nothing is given to Codex after it", async () => {
    const component = await startBound();
    await send(component, "a", { ttlMs: 5 * SECOND });
    const [handed] = await lease(component);
    pass(5 * SECOND);
    expect((await refusal(report(component, "a", handed!.leaseToken, "delivered"))).code).toBe("E_COMMAND_EXPIRED");
  });

  test("a decision lives as long as its request", async () => {
    const component = await startBound();
    const turn = await running(component);
    const method = "item/commandExecution/requestApproval";
    await ingestOk(component, [turn.raw(method, JSON.stringify({ method, id: 0, params: { threadId: THREAD, turnId: TURN, itemId: "i" } }))]);
    await send(component, "a", { kind: "decide", payloadJson: '{"requestId":0,"decision":"decline"}' });
    pass(48 * HOUR);
    expect(await sweepCommands(component)).toBe(0);
    expect(await states(component)).toEqual([["a", "queued"]]);
    await ingestOk(component, [turn.completed()]);
    pass(10 * MINUTE);
    expect(await sweepCommands(component)).toBe(1);
    expect(await states(component)).toEqual([["a", "expired", "E_COMMAND_TARGET_GONE"]]);
  });

  test("a decision is of the process that asked, where it says which", async () => {
    const component = await startBound();
    const turn = await running(component);
    const method = "item/commandExecution/requestApproval";
    await ingestOk(component, [turn.raw(method, JSON.stringify({ method, id: 0, params: { threadId: THREAD, turnId: TURN, itemId: "i" } }))]);
    const decision = (generation: number) => JSON.stringify({ requestId: 0, runtimeId: "rt", generation, decision: "decline" });
    expect((await refusal(send(component, "a", { kind: "decide", payloadJson: decision(2) }))).code).toBe("E_COMMAND_TARGET_GONE");
    await send(component, "a", { kind: "decide", payloadJson: decision(1) });
    expect(await leasedIds(component)).toEqual(["a"]);
  });

  test("a sweep goes on where there is more than a batch", async () => {
    const component = await startBound();
    const others = Array.from({ length: 3 }, (_, at) => ({ ...PHONE, userId: `user ${at}` }));
    for (const actor of others) {
      await component.mutation(api.threads.create, { actor, threadId: THREAD });
      for (let at = 0; at < 40; at++) await send(component, `c${at}`, { actor });
    }
    pass(10 * MINUTE);
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() });
    expect(await component.mutation(internal.commands.expireCommands, {})).toEqual({ asked: 100, hasMore: true });
    await component.finishAllScheduledFunctions(vi.runAllTimers);
    expect((await dump(component)).commands.map(({ state }) => state)).toEqual(Array.from({ length: 120 }, () => "expired"));
  });
});

describe("what is still queued", () => {
  const tooLate = [
    ["edit", (component: Component) => component.mutation(api.commands.edit, { actor: PHONE, commandId: "a", payloadJson: wish("a") })],
    ["promote", (component: Component) => component.mutation(api.commands.promote, { actor: PHONE, commandId: "a" })],
    ["cancel", (component: Component) => component.mutation(api.commands.cancel, { actor: PHONE, commandId: "a" })],
  ] as const;
  test.each(tooLate)("%s comes too late once it is leased, delivered or over", async (_what, call) => {
    const component = await startBound();
    await send(component, "a");
    const [handed] = await lease(component);
    expect(await refusal(call(component))).toMatchObject({ code: "E_COMMAND_TOO_LATE", state: "leased" });
    await report(component, "a", handed!.leaseToken, "delivered");
    expect(await refusal(call(component))).toMatchObject({ code: "E_COMMAND_TOO_LATE", state: "delivered" });
    await report(component, "a", handed!.leaseToken, "accepted", { turnId: TURN });
    expect(await refusal(call(component))).toMatchObject({ code: "E_COMMAND_TOO_LATE", state: "accepted" });
  });

  test("can be edited, and is handed out and shown as it was edited", async () => {
    const component = await startBound();
    await send(component, "a");
    const payloadJson = wish("a", { input: input("no, this") });
    await component.mutation(api.commands.edit, { actor: OWNER, commandId: "a", payloadJson });
    expect(await turnOf(component, "turn of a")).toMatchObject({ inputSummary: "no, this" });
    expect(await lease(component)).toMatchObject([{ payloadJson }]);
    const other = wish("a", { clientTurnId: "another turn" });
    await send(component, "b");
    expect((await refusal(component.mutation(api.commands.edit, { actor: OWNER, commandId: "b", payloadJson: other }))).code).toBe("E_COMMAND_INVALID");
  });

  test("can be promoted before the others, the last promoted first", async () => {
    const component = await startBound();
    for (const id of ["a", "b", "c"]) await send(component, id, { payloadJson: JSON.stringify({ input: input(id) }) });
    for (const commandId of ["b", "c"]) await component.mutation(api.commands.promote, { actor: PHONE, commandId });
    const order = [];
    for (const turnId of ["t1", "t2", "t3"]) {
      const { commandId, token } = await deliver(component);
      await report(component, commandId, token, "accepted", { turnId });
      await ingestOk(component, new TurnStream({ turnId }).whole());
      order.push(commandId);
    }
    expect(order).toEqual(["c", "b", "a"]);
  });

  test("can be turned into a steer of a turn that is named by its client's id", async () => {
    const component = await startBound();
    await send(component, "a");
    const { token } = await deliver(component);
    await report(component, "a", token, "accepted", { turnId: TURN });
    await running(component);
    await send(component, "b");
    await component.mutation(api.commands.promote, { actor: PHONE, commandId: "b", expectedTurnId: "turn of a" });
    expect(await lease(component)).toMatchObject([{ commandId: "b", kind: "steer", turnId: TURN }]);
  });

  test("can be turned into a steer of the turn that runs, and of no other", async () => {
    const component = await startBound();
    await running(component);
    await send(component, "a");
    const promote = (expectedTurnId: string) => component.mutation(api.commands.promote, { actor: PHONE, commandId: "a", expectedTurnId });
    expect((await refusal(promote("another"))).code).toBe("E_COMMAND_TARGET_GONE");
    await promote(TURN);
    const { token } = await deliver(component);
    await report(component, "a", token, "accepted", { turnId: TURN });
    expect(await get(component, "a")).toMatchObject({ kind: "steer", state: "accepted", turnId: TURN });
    // Its message belongs to the running turn; what was sent is compared as it was sent.
    expect((await dump(component)).turns.map(({ turnId }) => turnId)).toEqual([TURN]);
    expect((await send(component, "a")).state).toBe("accepted");
  });
});

describe("the queued turn that shows a command", () => {
  const turns = async (component: Component) => (await dump(component)).turns.map(({ turnId, clientTurnId, status }) => [turnId, clientTurnId, status]);

  test("takes Codex's id when that is known, and is found by either", async () => {
    const component = await startBound();
    await send(component, "a");
    expect(await turns(component)).toEqual([["turn of a", "turn of a", "queued"]]);
    const { token } = await deliver(component);
    await report(component, "a", token, "accepted", { turnId: TURN });
    await ingestOk(component, new TurnStream().whole());
    expect(await turns(component)).toEqual([[TURN, "turn of a", "completed"]]);
    for (const turnId of [TURN, "turn of a"]) {
      expect(await component.query(api.turns.get, { actor: OWNER, threadId: THREAD, turnId })).toMatchObject({ turnId: TURN, clientTurnId: "turn of a", inputSummary: "do a" });
      expect(await component.query(api.messages.getByTurn, { actor: OWNER, threadId: THREAD, turnId })).toHaveLength(2);
    }
  });

  test("has the thread's next place", async () => {
    const component = await startBound();
    for (const id of ["a", "b"]) await send(component, id);
    await running(component);
    expect((await dump(component)).turns.map(({ turnId, turnOrder }) => [turnId, turnOrder])).toEqual([["turn of a", 0], ["turn of b", 1], [TURN, 2]]);
  });

  test("cannot be interrupted at Codex before Codex knows it, and then is by Codex's id", async () => {
    const component = await startBound();
    await send(component, "a");
    const { token } = await deliver(component);
    await stop(component, "stop", "turn of a");
    expect(await lease(component)).toEqual([]);
    await report(component, "a", token, "accepted", { turnId: TURN });
    expect(await lease(component)).toMatchObject([{ commandId: "stop", turnId: TURN }]);
  });

  test("joins the turn that ingest made before the answer came", async () => {
    const component = await startBound();
    await send(component, "a");
    const { token } = await deliver(component);
    await ingestOk(component, new TurnStream().whole());
    await report(component, "a", token, "accepted", { turnId: TURN });
    expect(await turns(component)).toEqual([[TURN, "turn of a", "completed"]]);
    expect(await turnOf(component)).toMatchObject({ inputSummary: "do a" });
    expect(await messagesOf(component)).toHaveLength(2);
  });

  test("goes where Codex steered a running turn instead", async () => {
    const component = await startBound();
    await send(component, "a");
    const [handed] = await lease(component);
    // It began at the machine meanwhile.
    const turn = await running(component);
    await ingestOk(component, [turn.itemStarted(agentMessage("m", ""))]);
    pass(1);
    await report(component, "a", handed!.leaseToken, "delivered");
    await report(component, "a", handed!.leaseToken, "accepted", { turnId: TURN });
    expect(await turns(component)).toEqual([[TURN, undefined, "inProgress"]]);
    expect(await get(component, "a")).toMatchObject({ state: "accepted", turnId: TURN });
  });

  test("is the one of turns.start where that was called first", async () => {
    const component = await startBound();
    const started = { actor: PHONE, threadId: THREAD, turnId: "turn of a", input: [{ type: "text", text: "do a" }], idempotencyKey: "k" };
    await component.mutation(api.turns.start, started);
    await send(component, "a");
    const { token } = await deliver(component);
    await report(component, "a", token, "accepted", { turnId: TURN });
    await component.mutation(api.turns.start, { ...started, idempotencyKey: "k2" });
    expect(await turns(component)).toEqual([[TURN, "turn of a", "queued"]]);
  });

  test("fails with its command's code, and every other source replaces that", async () => {
    const component = await startBound();
    await send(component, "a");
    pass(10 * MINUTE);
    await sweepCommands(component);
    expect(await turnOf(component, "turn of a")).toMatchObject({ status: "failed", error: "E_COMMAND_EXPIRED", source: "sweep" });
    await component.mutation(api.turns.interrupt, { actor: PHONE, threadId: THREAD, turnId: "turn of a" });
    expect(await turnOf(component, "turn of a")).toMatchObject({ status: "interrupted", source: "client" });
  });

  test("says the last word of its command", async () => {
    const component = await startBound();
    await send(component, "a");
    const { token } = await deliver(component);
    pass(MINUTE);
    await sweepCommands(component);
    await report(component, "a", token, "refused", { code: "E_BRIDGE_LATE" });
    expect(await turnOf(component, "turn of a")).toMatchObject({ status: "failed", error: "E_BRIDGE_LATE", source: "sweep" });
  });

  test("that a client interrupted stays interrupted, whatever becomes of its command", async () => {
    const component = await startBound();
    await send(component, "a");
    const [handed] = await lease(component);
    await component.mutation(api.turns.interrupt, { actor: PHONE, threadId: THREAD, turnId: "turn of a" });
    expect(await states(component)).toEqual([["a", "leased"], [expect.stringMatching(/^interrupt:/), "queued"]]);
    await report(component, "a", handed!.leaseToken, "refused");
    expect(await turnOf(component, "turn of a")).toMatchObject({ status: "interrupted", source: "client" });
  });

  test("is taken out of the queue by an interrupt, with or without a machine", async () => {
    for (const component of [await startBound(), await startThread()]) {
      await send(component, "a");
      await component.mutation(api.turns.interrupt, { actor: OWNER, threadId: THREAD, turnId: "turn of a" });
      expect(await states(component)).toEqual([["a", "cancelled", "E_COMMAND_CANCELLED"]]);
      await send(component, "b");
      await stop(component, "stop", "turn of b");
      expect(await states(component)).toMatchObject([{}, ["b", "cancelled", "E_COMMAND_CANCELLED"], ["stop", "accepted"]]);
      expect(await turns(component)).toEqual([
        ["turn of a", "turn of a", "interrupted"],
        ["turn of b", "turn of b", "interrupted"],
      ]);
    }
  });
});

describe("a revert takes nothing out of the queue", () => {
  const turns = async (component: Component) => (await component.query(api.turns.list, { actor: OWNER, threadId: THREAD })).map(({ turnId }) => turnId);
  const revert = (component: Component, turnId: string | null = "a") => component.mutation(api.threads.revert, { actor: OWNER, threadId: THREAD, turnId });
  const ended = (component: Component, turnId: string) => ingestOk(component, new TurnStream({ turnId }).whole());
  async function startReverted(steps: (component: Component) => Promise<unknown>) {
    const component = await startBound();
    for (const turnId of ["a", "b"]) await ended(component, turnId);
    await send(component, "q");
    const known = await steps(component);
    await ended(component, "c");
    const { deletionJobId = "" } = await revert(component);
    return { component, known, deletionJobId };
  }

  test("queued", async () => {
    const { component } = await startReverted(() => Promise.resolve());
    expect(await turns(component)).toEqual(["turn of q", "a"]);
    expect(await get(component, "q")).toMatchObject({ state: "queued" });
    const { token } = await deliver(component);
    await report(component, "q", token, "accepted", { turnId: TURN });
    await ingestOk(component, new TurnStream().whole());
    expect(await turns(component)).toEqual([TURN, "a"]);
    expect(await messagesOf(component)).toHaveLength(4);
  });

  test("leased", async () => {
    const { component, known } = await startReverted((started) => lease(started));
    const [handed] = known as Awaited<ReturnType<typeof lease>>;
    expect(await turns(component)).toEqual(["turn of q", "a"]);
    await report(component, "q", handed!.leaseToken, "delivered");
    expect(await get(component, "q")).toMatchObject({ state: "delivered" });
  });

  test("delivered: it joins the turn that codex makes of it", async () => {
    const { component, known } = await startReverted(deliver);
    expect(await turns(component)).toEqual(["turn of q", "a"]);
    await ended(component, "d");
    await report(component, "q", (known as { token: string }).token, "accepted", { turnId: "d" });
    expect(await turns(component)).toEqual(["d", "a"]);
    expect(await component.query(api.turns.get, { actor: OWNER, threadId: THREAD, turnId: "turn of q" })).toMatchObject({ turnId: "d", inputSummary: "do q" });
  });

  test("delivered, and stopped before codex knew it: the stop goes out", async () => {
    const { component, known } = await startReverted(async (started) => {
      const delivered = await deliver(started);
      await started.mutation(api.turns.interrupt, { actor: PHONE, threadId: THREAD, turnId: "turn of q" });
      return delivered;
    });
    await report(component, "q", (known as { token: string }).token, "accepted", { turnId: TURN });
    expect(await lease(component)).toMatchObject([{ kind: "interrupt", turnId: TURN }]);
  });

  test("accepted, and not begun", async () => {
    const { component } = await startReverted(async (started) => {
      const { token } = await deliver(started);
      await report(started, "q", token, "accepted", { turnId: TURN });
    });
    await running(component);
    expect(await turns(component)).toEqual([TURN, "a"]);
  });

  test("and what is the last keeps its place: the same again is the same job, until codex has begun it", async () => {
    const component = await startBound();
    for (const turnId of ["a", "b"]) await ended(component, turnId);
    for (const id of ["q", "r"]) await send(component, id);
    const first = await revert(component);
    const places = async () => (await dump(component)).turns.map(({ turnId, turnOrder }) => [turnId, turnOrder]);
    expect(await places()).toEqual([["a", 0], ["b", 1], ["turn of q", 2], ["turn of r", 3]]);
    expect(await revert(component)).toEqual(first);
    expect(await revert(component, null)).not.toEqual(first);
    expect(await turns(component)).toEqual(["turn of r", "turn of q"]);
    const { token } = await deliver(component);
    await report(component, "q", token, "accepted", { turnId: TURN });
    await ingestOk(component, new TurnStream().whole());
    await revert(component, null);
    expect(await turns(component)).toEqual(["turn of r"]);
    expect(await places()).toEqual([["a", 0], ["b", 1], [TURN, 2], ["turn of r", 3]]);
  });

  test("and what is not the last comes behind all others, for good", async () => {
    const { component, deletionJobId } = await startReverted((started) => send(started, "r"));
    const places = async () => (await dump(component)).turns.map(({ turnId, turnOrder }) => [turnId, turnOrder]);
    expect(await places()).toEqual([["a", 0], ["b", 1], ["turn of q", 5], ["turn of r", 6], ["c", 4]]);
    expect(await revert(component), "the same again").toMatchObject({ deletionJobId });
    await ended(component, "d");
    expect(await turns(component)).toEqual(["d", "turn of r", "turn of q", "a"]);
    pass(24 * HOUR);
    const job = (await dump(component)).deletions[0]!._id;
    for (let more = true; more; ) more = (await stepDeletion(component, job)).hasMore;
    expect(await places()).toEqual([["a", 0], ["turn of q", 5], ["turn of r", 6], ["d", 7]]);
  });

  test("but what is to be deleted is, wherever it has come", async () => {
    const { component } = await startReverted((started) =>
      started.mutation(api.turns.scheduleDeleteCascade, { actor: OWNER, threadId: THREAD, turnId: "turn of q", delayMs: MINUTE }),
    );
    expect(await turns(component)).toEqual(["turn of q", "a"]);
    pass(MINUTE);
    const { deletions } = await dump(component);
    await stepDeletion(component, deletions.find(({ kind }) => kind === "turn")!._id);
    expect(await turns(component)).toEqual(["a"]);
  });
});

describe("turns.interrupt", () => {
  const interrupt = (component: Component, turnId = TURN) => component.mutation(api.turns.interrupt, { actor: PHONE, threadId: THREAD, turnId });

  test("sends the command where a runtime is bound", async () => {
    const component = await startBound();
    await running(component);
    await interrupt(component);
    expect(await lease(component)).toMatchObject([{ kind: "interrupt", turnId: TURN, payloadJson: JSON.stringify({ turnId: TURN }) }]);
    expect(await turnOf(component)).toMatchObject({ status: "interrupted", source: "client" });
  });

  test("only marks the turn where none is, or where Codex has ended it", async () => {
    const unbound = await startThread();
    await running(unbound);
    await interrupt(unbound);
    expect(await states(unbound)).toEqual([]);
    const component = await startBound();
    await ingestOk(component, new TurnStream().whole());
    await interrupt(component);
    expect(await states(component)).toEqual([]);
  });

  test("sends the command, and a client its own, where no more commands can be sent, and both are handed out before all others", async () => {
    const component = await startBound();
    await running(component);
    await fill(component);
    await interrupt(component);
    await stop(component, "mine");
    expect((await refusal(send(component, "one more"))).code).toBe("E_QUOTA");
    expect(await turnOf(component)).toMatchObject({ status: "interrupted" });
    const [first, second, ...others] = await lease(component);
    expect([first?.kind, second?.commandId, others]).toEqual(["interrupt", "mine", []]);
    const beat = await component.mutation(api.presence.beat, { actor: OWNER, ...RUNTIME, phase: "running", threads: [{ threadId: THREAD, pendingRequests: 0, outboxEvents: 0 }] });
    expect(beat.commandsWaiting).toBe(100);
    const { openCommands } = await component.query(api.stats.usage, { actor: OWNER, threadId: THREAD });
    expect(openCommands).toEqual({ count: 100, max: 100 });
  });
});

describe("approvals.respond", () => {
  const METHOD = "item/commandExecution/requestApproval";
  async function asking(component: Component): Promise<TurnStream> {
    const turn = await running(component);
    const params = { threadId: THREAD, turnId: TURN, itemId: "i", command: "ls", cwd: "/w" };
    await ingestOk(component, [turn.raw(METHOD, JSON.stringify({ method: METHOD, id: 0, params }))]);
    return turn;
  }
  const respond = (component: Component, decision: "accepted" | "declined" = "accepted") =>
    component.mutation(api.approvals.respond, { actor: PHONE, threadId: THREAD, turnId: TURN, itemId: "i", decision });

  test("sends the decision once where a runtime is bound, as the app-server writes it", async () => {
    const component = await startBound();
    await asking(component);
    await respond(component);
    await respond(component);
    const shownSha256 = createHash("sha256").update((await dump(component)).serverRequests[0]!.payloadJson!).digest("hex");
    const payloadJson = JSON.stringify({ requestId: 0, runtimeId: "rt", generation: 1, decision: "accept", shownSha256 });
    expect(await lease(component)).toMatchObject([{ kind: "decide", payloadJson }]);
    expect((await refusal(respond(component, "declined"))).code).toBe("E_APPROVAL_NOT_PENDING");
    expect((await dump(component)).commands).toMatchObject([{ deviceId: "phone", state: "leased" }]);
  });

  test("sends it where no more commands can be sent", async () => {
    const component = await startBound();
    await asking(component);
    await fill(component);
    await respond(component);
    expect((await dump(component)).serverRequests).toMatchObject([{ status: "answering" }]);
    expect((await states(component)).slice(100)).toEqual([[expect.stringMatching(/^decide:/), "queued"]]);
  });

  test("stores no decision that is more than a command holds", async () => {
    const component = await startBound();
    const turn = await running(component);
    const amendment = { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["x".repeat(65_536)] } };
    const params = { threadId: THREAD, turnId: TURN, itemId: "i", availableDecisions: ["accept", amendment, "decline"] };
    await ingestOk(component, [turn.raw(METHOD, JSON.stringify({ method: METHOD, id: 0, params }))]);
    const said = { actor: PHONE, threadId: THREAD, turnId: TURN, itemId: "i", decision: { json: JSON.stringify(amendment) } };
    expect(await refusal(component.mutation(api.approvals.respond, said))).toMatchObject({ code: "E_COMMAND_TOO_LARGE", requestId: 0 });
    expect((await dump(component)).serverRequests).toMatchObject([{ status: "pending" }]);
    await respond(component);
    expect((await dump(component)).serverRequests).toMatchObject([{ status: "answering" }]);
  });

  describe("by a command that a client sends itself", () => {
    const decision = (decision: unknown, more: object = {}) => ({ kind: "decide", payloadJson: JSON.stringify({ requestId: 0, decision, ...more }) });
    const shown = async (component: Component) => {
      const paginationOpts = { cursor: null, numItems: 1 };
      const { payloadJson } = (await component.query(api.approvals.listPending, { actor: PHONE, paginationOpts })).page[0]!;
      return createHash("sha256").update(payloadJson).digest("hex");
    };

    test("is recorded as its decision, and stands against another", async () => {
      const component = await startBound();
      await asking(component);
      const sent = decision("accept", { shownSha256: await shown(component) });
      for (let again = 0; again < 2; again++) await send(component, "a", sent);
      expect((await dump(component)).serverRequests).toMatchObject([{ status: "answering", decisionJson: '"accept"', decidedBy: OWNER.userId }]);
      expect(await refusal(send(component, "b", decision("decline")))).toMatchObject({ code: "E_APPROVAL_NOT_PENDING", decidedBy: OWNER.userId });
      expect((await refusal(respond(component, "declined"))).code).toBe("E_APPROVAL_NOT_PENDING");
      expect(await states(component)).toEqual([["a", "queued"]]);
    });

    test("is of what was shown, among what was offered, and of no more than anybody has read", async () => {
      const component = await startBound();
      const turn = await running(component);
      const params = { threadId: THREAD, turnId: TURN, itemId: "i", command: "ls", availableDecisions: ["accept", "decline"] };
      await ingestOk(component, [turn.raw(METHOD, JSON.stringify({ method: METHOD, id: 0, params }))]);
      expect((await refusal(send(component, "a", decision("accept", { shownSha256: "00" })))).code).toBe("E_APPROVAL_CHANGED");
      expect((await refusal(send(component, "a", decision("acceptForSession")))).code).toBe("E_APPROVAL_NOT_OFFERED");
      const large = { ...params, itemId: "j", command: "x".repeat(300 * 1024) };
      await ingestOk(component, [turn.raw(METHOD, JSON.stringify({ method: METHOD, id: 1, params: large }))]);
      expect((await refusal(send(component, "a", { ...decision("accept", { requestId: 1 }) }))).code).toBe("E_APPROVAL_TOO_LARGE");
      expect(await states(component)).toEqual([]);
      expect((await dump(component)).serverRequests.map(({ status }) => status)).toEqual(["pending", "pending"]);
      await send(component, "a", decision("decline", { requestId: 1 }));
      expect(await states(component)).toEqual([["a", "queued"]]);
    });

    test("is none by an answer", async () => {
      const component = await startBound();
      await asking(component);
      const answer = { kind: "answer", payloadJson: '{"requestId":0,"answer":{"decision":"accept"}}' };
      expect((await refusal(send(component, "a", answer))).code).toBe("E_COMMAND_NOT_ALLOWED");
    });
  });

  test("works in an archived thread, and only stores the decision where no runtime is bound", async () => {
    const archived = await startBound();
    await asking(archived);
    await ingestOk(archived, [], {}, [lifecycle(0, "thread/archived", {})]);
    await respond(archived);
    expect(await states(archived)).toEqual([[expect.stringMatching(/^decide:/), "queued"]]);
    const unbound = await startThread();
    await asking(unbound);
    await respond(unbound);
    const { commands, serverRequests } = await dump(unbound);
    expect(commands).toEqual([]);
    expect(serverRequests).toMatchObject([{ status: "answering", decidedByDevice: "phone" }]);
  });

  test("dies with its request", async () => {
    const component = await startBound();
    const turn = await asking(component);
    await respond(component);
    await ingestOk(component, [turn.completed()]);
    expect(await lease(component)).toEqual([]);
    expect(await states(component)).toEqual([[expect.stringMatching(/^decide:/), "expired", "E_COMMAND_TARGET_GONE"]]);
  });
});
