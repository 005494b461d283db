/** Presence: what a beat writes, when a machine is away, what readers see, and what it costs them. */
import type { FunctionArgs } from "convex/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Actor } from "../../convex/validators.js";
import { api, dump, internal, OWNER, refusal, SESSION, startComponent, startThread, sweepCommands, THREAD, TURN, type Component } from "./build.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const BEAT_MS = 15 * SECOND;
const RUNTIME = { runtimeId: "rt", generation: 1 };
const DESK: Actor = { ...OWNER, deviceId: "desk" };
const STRANGER: Actor = { ...OWNER, userId: "bob" };
const AT = { threadId: THREAD, pendingRequests: 0, outboxEvents: 0 };

beforeEach(() => vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: 1_800_000_000_000 }));
afterEach(() => vi.useRealTimers());

/** Time passes, and what is scheduled in it runs. */
async function pass(component: Component, ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  await component.finishInProgressScheduledFunctions();
}

type Beat = Partial<FunctionArgs<typeof api.presence.beat>>;
const beat = (component: Component, args: Beat = {}) =>
  component.mutation(api.presence.beat, { actor: OWNER, ...RUNTIME, phase: "ready", login: "in", threads: [AT], ...args });
type Get = Partial<FunctionArgs<typeof api.presence.get>>;
const get = (component: Component, args: Get = {}) => component.query(api.presence.get, { actor: OWNER, threadId: THREAD, ...args });
const list = (component: Component, actor = OWNER) => component.query(api.presence.list, { actor });
/** Expiries that are on their way. */
const scheduled = (component: Component) =>
  component.run(async (ctx) => (await ctx.db.system.query("_scheduled_functions").collect()).filter(({ state }) => state.kind === "pending").length);

describe("a beat", () => {
  test("writes one row of one table, and is told the server's clock", async () => {
    const component = await startThread();
    await beat(component);
    const before = await dump(component);
    await pass(component, BEAT_MS);
    const threads = [{ ...AT, turnId: TURN, pendingRequests: 1, outboxEvents: 101, oldestEventAt: 5 }];
    expect(await beat(component, { phase: "running", threads })).toEqual({ now: Date.now(), commandsWaiting: 0 });
    const after = await dump(component);
    expect(after.presence).toHaveLength(1);
    expect({ ...after, presence: before.presence }).toEqual(before);
    const row = { runtimeId: "rt", deviceId: "laptop", generation: 1, phase: "running", login: "in", away: false, beatAt: Date.now() };
    const told = { threadId: THREAD, turnId: TURN, pendingRequests: 1, behind: 101, catchingUp: true, oldestEventAt: 5 };
    expect(await list(component)).toEqual([{ ...row, threads: [told] }]);
    expect((await get(component)).current).toEqual(told);
  });

  test("does not tell of a thread that is not there, nor of one that was deleted", async () => {
    const component = await startThread();
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2" });
    const threads = [AT, { ...AT, threadId: "th_2", turnId: TURN }, { ...AT, threadId: "nowhere" }];
    await beat(component, { threads });
    const { tenantId, userId } = OWNER;
    // 60 more machines have beaten since.
    await component.run(async (ctx) => {
      const told = { phase: "ready", login: "in", generation: 1, deviceId: "d", awayAt: 0, expiresAt: Date.now() + MINUTE, away: true } as const;
      for (let at = 0; at < 60; at++) await ctx.db.insert("presence", { tenantId, userId, runtimeId: `rt_${String(at)}`, ...told, beatAt: Date.now() + at, threads: [] });
    });
    const shown = async () => (await dump(component)).presence.find(({ runtimeId }) => runtimeId === "rt")?.threads.map(({ threadId }) => threadId);
    expect(await shown()).toEqual([THREAD, "th_2"]);
    await component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId: "th_2" });
    expect(await shown(), "at once").toEqual([THREAD]);
    await beat(component, { threads });
    expect(await shown(), "while its rows go").toEqual([THREAD]);
    await component.finishAllScheduledFunctions(() => vi.advanceTimersByTime(1));
    await beat(component, { threads });
    expect(await shown(), "when they are gone").toEqual([THREAD]);
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "nowhere" });
    await beat(component, { threads });
    expect(await shown()).toEqual([THREAD, "nowhere"]);
  });

  test("forgets what it does not tell", async () => {
    const component = await startThread();
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2" });
    await beat(component, { threads: [AT, { ...AT, threadId: "th_2" }] });
    await beat(component, { login: "strange", phase: "strange", threads: [] });
    expect(await list(component)).toMatchObject([{ phase: "unknown", login: "unknown", threads: [] }]);
  });

  test("of an older start changes nothing, of a newer one takes the row", async () => {
    const component = await startThread();
    await beat(component, { generation: 2 });
    const before = await dump(component);
    await pass(component, 1);
    await beat(component, { generation: 1, phase: "failed" });
    expect(await dump(component)).toEqual(before);
    await beat(component, { generation: 3, phase: "starting" });
    expect(await list(component)).toMatchObject([{ generation: 3, phase: "starting" }]);
  });

  test("of another device is refused until that runtime is away", async () => {
    const component = await startThread();
    await beat(component);
    expect((await refusal(beat(component, { actor: DESK, generation: 2 }))).code).toBe("E_SYNC_SESSION_DEVICE_MISMATCH");
    await pass(component, MINUTE);
    await beat(component, { actor: DESK, generation: 2 });
    expect(await list(component)).toMatchObject([{ deviceId: "desk", generation: 2, away: false }]);
  });

  test.each([{ runtimeId: "" }, { generation: -1 }, { generation: 0.5 }, { generation: Number.NaN }])("of nobody is refused: %j", async (args) => {
    const component = await startThread();
    expect((await refusal(beat(component, args))).code).toBe("E_COMMAND_INVALID");
    expect((await dump(component)).presence).toEqual([]);
  });

  test("of another user makes a row of theirs, and is not seen", async () => {
    const component = await startThread();
    await beat(component);
    await beat(component, { actor: STRANGER, phase: "failed" });
    expect(await list(component)).toMatchObject([{ phase: "ready" }]);
    expect(await list(component, STRANGER)).toMatchObject([{ phase: "failed" }]);
    expect(await get(component, { actor: { ...OWNER, tenantId: "other" } })).toMatchObject({ machine: "never" });
  });
});

describe("runtimes of a user", () => {
  const others = (component: Component, count: number, row: { beatAt: number; awayAt: number; away: boolean }) =>
    component.run(async (ctx) => {
      const { tenantId, userId, deviceId } = OWNER;
      for (let at = 0; at < count; at++) {
        const told = { phase: "ready", login: "in", generation: 1, deviceId, expiresAt: Date.now() + MINUTE } as const;
        await ctx.db.insert("presence", { tenantId, userId, runtimeId: `rt_${String(at)}`, threads: [], ...told, ...row, beatAt: row.beatAt + at });
      }
    });
  const idsOf = async (component: Component) => (await dump(component)).presence.map(({ runtimeId }) => runtimeId);

  test("are 100, of which the one that is away longest makes room", async () => {
    const component = await startThread();
    await others(component, 100, { beatAt: Date.now() - MINUTE, awayAt: Date.now(), away: true });
    await beat(component);
    const ids = await idsOf(component);
    expect(ids).toHaveLength(100);
    expect(ids).toEqual(expect.arrayContaining(["rt", "rt_1", "rt_99"]));
    expect(ids).not.toContain("rt_0");
    await beat(component);
    expect(await idsOf(component)).toEqual(ids);
  });

  test("that beat are 100, and no more; those of others do not count", async () => {
    const component = await startThread();
    await others(component, 100, { beatAt: Date.now(), awayAt: Date.now() + MINUTE, away: false });
    expect(await refusal(beat(component))).toMatchObject({ code: "E_QUOTA" });
    expect(await idsOf(component)).toHaveLength(100);
    await beat(component, { actor: STRANGER });
    await beat(component, { runtimeId: "rt_7" });
    expect(await idsOf(component)).toHaveLength(101);
  });

  test("are forgotten a month after their last beat", async () => {
    const component = await startThread();
    await beat(component);
    vi.setSystemTime(Date.now() + 30 * 24 * 60 * MINUTE - 1);
    await beat(component, { runtimeId: "another" });
    expect(await component.mutation(internal.retention.cleanupPresence, {})).toEqual({ deleted: 0, hasMore: false });
    vi.setSystemTime(Date.now() + 1);
    expect(await component.mutation(internal.retention.cleanupPresence, {})).toEqual({ deleted: 1, hasMore: false });
    expect(await idsOf(component)).toEqual(["another"]);
  });
});

describe("a machine is away", () => {
  test("60 s after its last beat, and not before", async () => {
    const component = await startThread();
    await beat(component);
    await pass(component, MINUTE - 1);
    expect(await get(component)).toMatchObject({ machine: "here" });
    await pass(component, 1);
    expect(await get(component)).toEqual({ machine: "away", bridge: "unknown", codex: "unknown", login: "unknown", thread: "nowhere", runtimeId: "rt", deviceId: "laptop", current: { threadId: THREAD, pendingRequests: 0, behind: 0, catchingUp: false } });
    expect(await scheduled(component)).toBe(0);
  });

  test("each beat moves that, and one expiry is on its way however many there are", async () => {
    const component = await startThread();
    for (let at = 0; at < 20; at++) {
      await beat(component);
      expect(await scheduled(component)).toBe(1);
      await pass(component, BEAT_MS);
      expect(await get(component)).toMatchObject({ machine: "here" });
    }
    await pass(component, MINUTE - BEAT_MS - 1);
    expect(await get(component)).toMatchObject({ machine: "here" });
    await pass(component, 1);
    expect(await get(component)).toMatchObject({ machine: "away" });
    await beat(component);
    expect(await get(component)).toMatchObject({ machine: "here" });
    expect(await scheduled(component)).toBe(1);
  });

  test("by what is written, not by the reader's clock", async () => {
    const component = await startThread();
    await beat(component);
    const [seen, listed] = [await get(component), await list(component)];
    vi.setSystemTime(Date.now() + 10 * MINUTE);
    expect(await get(component)).toEqual(seen);
    expect(await list(component)).toEqual(listed);
  });
});

describe("a reader", () => {
  test("sees machine, bridge, Codex and thread apart", async () => {
    const component = await startThread();
    expect(await get(component)).toEqual({ machine: "never", bridge: "unknown", codex: "unknown", login: "unknown", thread: "nowhere" });
    await beat(component, { phase: "reconnecting", login: "out", threads: [] });
    const seen = { machine: "here", bridge: "up", codex: "starting", login: "out", runtimeId: "rt", deviceId: "laptop" };
    expect(await get(component)).toEqual({ ...seen, thread: "nowhere" });
    await beat(component, { actor: DESK, runtimeId: "rt2" });
    expect(await get(component, { runtimeId: "rt" })).toEqual({ ...seen, thread: "elsewhere" });
    expect(await get(component)).toMatchObject({ runtimeId: "rt2", deviceId: "desk", thread: "here" });
    expect(await get(component, { runtimeId: "rt3" })).toEqual({ machine: "never", bridge: "unknown", codex: "unknown", login: "unknown", thread: "elsewhere" });
  });

  test("sees one that beat before fifty others", async () => {
    const component = await startThread();
    await beat(component, { threads: [] });
    for (let at = 0; at < 50; at++) {
      vi.setSystemTime(Date.now() + 1);
      await beat(component, { runtimeId: `other ${at}` });
    }
    expect((await list(component)).map(({ runtimeId }) => runtimeId)).not.toContain("rt");
    expect(await list(component)).toHaveLength(50);
    expect(await get(component, { runtimeId: "rt" })).toMatchObject({ machine: "here", runtimeId: "rt", thread: "elsewhere" });
  });

  test("reads rows of presence alone, however much else there is", async () => {
    const limits: Record<string, number> = {};
    const component = startComponent(limits);
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
    await beat(component);
    await beat(component, { runtimeId: "rt2" });
    Object.assign(limits, { documentsRead: 2, databaseQueries: 1 });
    await list(component);
    await get(component);
    Object.assign(limits, { documentsRead: 3, databaseQueries: 2 });
    await get(component, { runtimeId: "rt" });
  });
});

describe("a beat and the commands of its threads", () => {
  const send = (component: Component, commandId: string, threadId = THREAD) =>
    component.mutation(api.commands.send, { actor: OWNER, threadId, commandId, kind: "turn", payloadJson: '{"input":[{}],"waitForMachine":true}' });
  const lease = (component: Component, args: Partial<FunctionArgs<typeof api.commands.lease>> = {}) =>
    component.mutation(api.commands.lease, { actor: OWNER, ...RUNTIME, threadId: THREAD, limit: 10, ...args });
  const ensure = (component: Component, threadId = THREAD, actor = OWNER, runtimeId = "rt") =>
    component.mutation(api.sync.ensureSession, { actor, sessionId: SESSION, threadId, lastEventCursor: 0, runtimeId, generation: 1 });
  const stateOf = async (component: Component) => (await dump(component)).commands.map(({ state }) => state);

  test("renews the leases of its own, and of them alone", async () => {
    const component = await startThread();
    await ensure(component);
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2" });
    await ensure(component, "th_2", DESK, "rt2");
    await send(component, "a");
    await send(component, "b", "th_2");
    await lease(component);
    await lease(component, { actor: DESK, runtimeId: "rt2", threadId: "th_2" });
    for (let at = 0; at < 8; at++) {
      await pass(component, BEAT_MS);
      // The desk's thread is none that this one writes, whatever it says.
      await beat(component, { threads: [AT, { ...AT, threadId: "th_2" }] });
    }
    await sweepCommands(component);
    expect(await stateOf(component)).toEqual(["leased", "queued"]);
    await pass(component, MINUTE);
    await sweepCommands(component);
    expect(await stateOf(component)).toEqual(["queued", "queued"]);
  });

  test("lets those of a thread lapse that says so, which is there all the same", async () => {
    const component = await startThread();
    await ensure(component);
    await send(component, "a");
    await lease(component);
    for (let at = 0; at < 8; at++) {
      await pass(component, BEAT_MS);
      await beat(component, { threads: [{ ...AT, letsLapse: true }] });
    }
    await sweepCommands(component);
    expect(await stateOf(component)).toEqual(["queued"]);
    expect(await component.query(api.presence.get, { actor: OWNER, threadId: THREAD })).toMatchObject({ machine: "here", thread: "here" });
  });

  test("counts what waits in the threads that it writes", async () => {
    const component = await startThread();
    await ensure(component);
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2" });
    await ensure(component, "th_2", DESK, "rt2");
    for (const [id, threadId] of [["a", THREAD], ["b", THREAD], ["c", "th_2"]] as const) await send(component, id, threadId);
    const threads = [AT, { ...AT, threadId: "th_2" }];
    expect(await beat(component, { threads })).toMatchObject({ commandsWaiting: 2 });
    expect(await beat(component, { threads: [] })).toMatchObject({ commandsWaiting: 0 });
    expect(await beat(component, { actor: DESK, runtimeId: "rt2", threads })).toMatchObject({ commandsWaiting: 1 });
    await lease(component);
    expect(await beat(component, { threads })).toMatchObject({ commandsWaiting: 1 });
  });

  test("costs a beat no more where its threads have none", async () => {
    const limits: Record<string, number> = {};
    const component = startComponent(limits);
    const threads = Array.from({ length: 64 }, (_, at) => ({ ...AT, threadId: `th_${at}` }));
    for (const { threadId } of threads) await component.mutation(api.threads.create, { actor: OWNER, threadId });
    await beat(component, { threads });
    Object.assign(limits, { documentsRead: 2, databaseQueries: 2 });
    await beat(component, { threads });
  });
});
