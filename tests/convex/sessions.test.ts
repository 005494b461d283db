/** Sessions: who may write a thread, and what a beat does. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api, batch, dump, ingest, lifecycle, OWNER, refusal, SESSION, startComponent, textsOf, THREAD, TurnStream, type Component } from "./build.js";

const DESK = { ...OWNER, deviceId: "desk" };
const OTHER_THREAD = "th_2";
const STALE_MS = 45_000;
const BEAT_MS = 15_000;

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

async function start(): Promise<Component> {
  const component = startComponent();
  for (const threadId of [THREAD, OTHER_THREAD]) await component.mutation(api.threads.create, { actor: OWNER, threadId });
  return component;
}

const ensure = (component: Component, { actor = OWNER, sessionId = SESSION, threadId = THREAD, lastEventCursor = 0 } = {}) =>
  component.mutation(api.sync.ensureSession, { actor, sessionId, threadId, lastEventCursor });
const beat = (component: Component, { actor = OWNER, sessionId = SESSION, threadId = THREAD, lastEventCursor = 0 } = {}) =>
  component.mutation(api.sync.heartbeat, { actor, sessionId, threadId, lastEventCursor });
const sessionsOf = async (component: Component) =>
  (await dump(component)).sessions.map(({ sessionId, threadId, deviceId, epoch }) => [sessionId, threadId, deviceId, epoch]);

describe("who may ingest", () => {
  type Before = (component: Component) => Promise<unknown>;
  const cases: [what: string, before: Before, strict: string, safe: string][] = [
    ["a session that nobody knows", () => Promise.resolve(), "E_SYNC_SESSION_NOT_FOUND", "session_recovered"],
    ["a session that is bound to another thread only", (c) => ensure(c, { threadId: OTHER_THREAD }), "E_SYNC_SESSION_THREAD_MISMATCH", "session_recovered"],
    ["the writer", (c) => ensure(c), "ok", "ok"],
    ["the writer after a day", async (c) => (await ensure(c), pass(86_400_000)), "ok", "ok"],
    ["a session of another device", (c) => ensure(c, { actor: DESK }), "E_SYNC_SESSION_DEVICE_MISMATCH", "rejected"],
    ["a session of another device, stale", async (c) => (await ensure(c, { actor: DESK }), pass(STALE_MS + 1)), "E_SYNC_SESSION_DEVICE_MISMATCH", "session_recovered"],
    ["a session of another device, not yet stale", async (c) => (await ensure(c, { actor: DESK }), pass(STALE_MS)), "E_SYNC_SESSION_DEVICE_MISMATCH", "rejected"],
    [
      "the loser of a takeover",
      async (c) => (await ensure(c), await ensure(c, { actor: DESK, sessionId: "desk_1" })),
      "E_SYNC_SESSION_DEVICE_MISMATCH",
      "rejected",
    ],
    [
      "the loser of a takeover whose winner is stale",
      async (c) => (await ensure(c), await ensure(c, { actor: DESK, sessionId: "desk_1" }), pass(STALE_MS + 1)),
      "E_SYNC_SESSION_DEVICE_MISMATCH",
      "session_recovered",
    ],
    ["an unknown session where another device writes", (c) => ensure(c, { actor: DESK, sessionId: "desk_1" }), "E_SYNC_SESSION_NOT_FOUND", "rejected"],
    ["an unknown session of the device that writes", (c) => ensure(c, { sessionId: "older" }), "E_SYNC_SESSION_NOT_FOUND", "session_recovered"],
    [
      "an unknown session where a stale device wrote",
      async (c) => (await ensure(c, { actor: DESK, sessionId: "desk_1" }), pass(STALE_MS + 1)),
      "E_SYNC_SESSION_NOT_FOUND",
      "session_recovered",
    ],
  ];

  test.each(cases)("%s, strict", async (_what, before, strict) => {
    const component = await start();
    await before(component);
    const rows = await dump(component);
    const answer = component.mutation(api.sync.ingest, batch(new TurnStream().whole()));
    if (strict === "ok") expect(await answer).toMatchObject({ ingestStatus: "ok" });
    else {
      expect(await refusal(answer)).toMatchObject({ code: strict });
      expect(await dump(component)).toEqual(rows);
    }
  });

  test.each(cases)("%s, safe", async (_what, before, _strict, safe) => {
    const component = await start();
    await before(component);
    const rows = await dump(component);
    const answer = await ingest(component, new TurnStream().whole());
    expect(answer.status).toBe(safe);
    if (safe === "rejected") {
      const code = "SESSION_DEVICE_MISMATCH";
      expect(answer).toMatchObject({ ackedStreams: [], errors: [{ code, errorCode: `E_SYNC_${code}`, recoverable: true }] });
      expect(await dump(component)).toEqual(rows);
      return;
    }
    expect(answer.errors).toEqual([]);
    expect(answer.recovery).toEqual(safe === "ok" ? undefined : { action: "session_rebound", sessionId: SESSION, threadId: THREAD });
    const { sessions } = await dump(component);
    const writer = sessions.filter(({ threadId }) => threadId === THREAD).sort((one, other) => other.epoch - one.epoch)[0];
    expect(writer).toMatchObject({ sessionId: SESSION, deviceId: OWNER.deviceId });
    expect((await ingest(component, new TurnStream().whole())).status).toBe("ok");
  });
});

describe("ensureSession", () => {
  test("creates, then refreshes, and raises the epoch", async () => {
    const component = await start();
    expect(await ensure(component)).toEqual({ sessionId: SESSION, threadId: THREAD, status: "created" });
    expect(await ensure(component)).toEqual({ sessionId: SESSION, threadId: THREAD, status: "active" });
    expect(await sessionsOf(component)).toEqual([[SESSION, THREAD, "laptop", 2]]);
  });

  test("takes a thread from another device, which stops, and takes it back when asked", async () => {
    const component = await start();
    await ensure(component);
    const turn = new TurnStream();
    const [first, second, third] = [[turn.started()], turn.reply("m", ["mine"]), turn.reply("n", ["mine again"])];
    await ingest(component, first);
    await ensure(component, { actor: DESK, sessionId: "desk_1" });
    const rows = await dump(component);
    const lost = await ingest(component, second);
    expect(lost).toMatchObject({ status: "rejected", errors: [{ code: "SESSION_DEVICE_MISMATCH" }] });
    expect(await refusal(beat(component))).toMatchObject({ code: "E_SYNC_SESSION_DEVICE_MISMATCH" });
    expect(await dump(component)).toEqual(rows);
    expect(await ingest(component, second, { actor: DESK, sessionId: "desk_1" })).toMatchObject({ status: "ok" });
    expect(await ensure(component)).toMatchObject({ status: "active" });
    expect(await ingest(component, third)).toMatchObject({ status: "ok" });
    expect((await ingest(component, [], { actor: DESK, sessionId: "desk_1" }, [lifecycle(0, "thread/archived", {})])).status).toBe("rejected");
    expect(await textsOf(component)).toEqual([["m", "completed", "mine"], ["n", "completed", "mine again"]]);
  });

  test("takes a session's own id to another device", async () => {
    const component = await start();
    await ensure(component);
    await ensure(component, { actor: DESK });
    expect(await sessionsOf(component)).toEqual([[SESSION, THREAD, "desk", 2]]);
    expect((await ingest(component, new TurnStream().whole())).status).toBe("rejected");
    expect((await ingest(component, new TurnStream().whole(), { actor: DESK })).status).toBe("ok");
  });

  test("holds many threads under one session", async () => {
    const component = await start();
    await ensure(component);
    await ensure(component, { threadId: OTHER_THREAD });
    expect(await sessionsOf(component)).toEqual([[SESSION, THREAD, "laptop", 1], [SESSION, OTHER_THREAD, "laptop", 1]]);
    expect((await ingest(component, new TurnStream().whole())).status).toBe("ok");
    expect((await ingest(component, new TurnStream({ threadId: OTHER_THREAD }).whole(), { threadId: OTHER_THREAD })).status).toBe("ok");
  });

  test("keeps a thread's 50 newest bindings, and the one that lost long ago is a new one", async () => {
    const component = await start();
    await ensure(component, { threadId: OTHER_THREAD });
    for (let at = 1; at <= 51; at++) await ensure(component, { sessionId: `session_${String(at)}` });
    const kept = (await sessionsOf(component)).filter(([, threadId]) => threadId === THREAD).map(([sessionId]) => sessionId);
    expect(kept).toEqual(Array.from({ length: 50 }, (_, at) => `session_${String(at + 2)}`));
    expect(await refusal(beat(component, { sessionId: "session_1" }))).toMatchObject({ code: "E_SYNC_SESSION_NOT_FOUND" });
    expect(await refusal(beat(component, { sessionId: "session_2" }))).toMatchObject({ code: "E_SYNC_SESSION_DEVICE_MISMATCH" });
    for (let again = 0; again < 3; again++) await ensure(component, { sessionId: "session_51" });
    expect(await sessionsOf(component)).toHaveLength(51);
    expect(await sessionsOf(component)).toContainEqual([SESSION, OTHER_THREAD, OWNER.deviceId, 1]);
  });

  test("revives a stale session", async () => {
    const component = await start();
    await ensure(component);
    pass(STALE_MS * 10);
    await ensure(component);
    expect((await dump(component)).sessions[0]!.lastBeatAt).toBe(Date.now());
  });

  test("of a thread that is not there", async () => {
    const component = startComponent();
    for (const call of [ensure(component), beat(component)]) expect(await refusal(call)).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN" });
    expect((await dump(component)).sessions).toEqual([]);
  });

  test("never lowers lastEventCursor, and ingest leaves it alone", async () => {
    const component = await start();
    const cursor = async () => (await dump(component)).sessions[0]!.lastEventCursor;
    await ensure(component, { lastEventCursor: 7 });
    await ensure(component, { lastEventCursor: 3 });
    expect(await cursor()).toBe(7);
    await beat(component, { lastEventCursor: 9 });
    await beat(component, { lastEventCursor: 8 });
    for (const lastEventCursor of [NaN, Infinity, -Infinity]) await beat(component, { lastEventCursor });
    expect(await cursor()).toBe(9);
    pass(BEAT_MS + 1);
    await ingest(component, new TurnStream().whole());
    expect(await cursor()).toBe(9);
  });
});

describe("heartbeat", () => {
  test("refreshes, and nothing else", async () => {
    const component = await start();
    await ensure(component);
    const [{ sessions: before, ...rest }] = [await dump(component)];
    pass(BEAT_MS);
    expect(await beat(component)).toBeNull();
    const { sessions: after, ...others } = await dump(component);
    expect(after).toEqual(before.map((session) => ({ ...session, lastBeatAt: Date.now() })));
    expect(others).toEqual(rest);
  });

  test.each([
    ["an unknown session", { sessionId: "unknown" }, "E_SYNC_SESSION_NOT_FOUND"],
    ["a session's other thread", { threadId: OTHER_THREAD }, "E_SYNC_SESSION_NOT_FOUND"],
    ["another device", { actor: DESK }, "E_SYNC_SESSION_DEVICE_MISMATCH"],
  ])("of %s creates and rebinds nothing, however stale", async (_what, by, code) => {
    const component = await start();
    await ensure(component);
    pass(STALE_MS * 2);
    const before = await dump(component);
    expect(await refusal(beat(component, by))).toMatchObject({ code });
    expect(await dump(component)).toEqual(before);
  });

  test("keeps a quiet session from going stale", async () => {
    const component = await start();
    await ensure(component);
    for (let at = 0; at < 4; at++) {
      pass(STALE_MS - 1);
      await beat(component);
    }
    expect((await ingest(component, new TurnStream().whole(), { actor: DESK, sessionId: "desk_1" })).status).toBe("rejected");
  });
});

describe("ingest counts as a beat", () => {
  test.each([
    [BEAT_MS, false],
    [BEAT_MS + 1, true],
  ])("%d ms after the last one: %s", async (ms, beats) => {
    const component = await start();
    await ensure(component);
    const before = Date.now();
    pass(ms);
    await ingest(component, new TurnStream().whole());
    expect((await dump(component)).sessions[0]!.lastBeatAt).toBe(beats ? before + ms : before);
  });

  test("not when the batch is rejected", async () => {
    const component = await start();
    await ensure(component);
    pass(BEAT_MS * 2);
    const before = await dump(component);
    const [event] = new TurnStream().whole();
    expect((await ingest(component, [{ ...event!, cursorEnd: 0 }])).status).toBe("rejected");
    expect(await dump(component)).toEqual(before);
  });
});
