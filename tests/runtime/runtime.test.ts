import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { ConvexError } from "convex/values";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { ClientInfo } from "../../js-wrapper/bridge/index.js";
import { type BridgeConfig, type BridgeHandlers, CodexLocalBridge } from "../../js-wrapper/bridge/index.js";
import { RETRY_MAX_MS } from "../../js-wrapper/clock.js";
import { given } from "../../js-wrapper/given.js";
import { NOT_TAKEN_TOLD } from "../../js-wrapper/outbox/sender.js";
import { OutboxStore } from "../../js-wrapper/outbox/store.js";
import { STOP_FLUSH_MS } from "../../js-wrapper/runtime/session.js";
import type { CodexHostPersistence, CodexHostRuntimeOptions, CodexHostState, RuntimeBridge } from "../../js-wrapper/runtime/types.js";
import packageJson from "../../package.json" with { type: "json" };
import { THREADS_MAX } from "../../convex/model/tally.js";
import { api, dump, messagesOf, OWNER, startComponent, type Component } from "../convex/build.js";
import { folder, open } from "../outbox/build.js";
import { persistenceOver, runtimeOver, runtimeWith, STAND_IN, START } from "./build.js";
import { Lid } from "./lid.js";

const WAIT = { timeout: 20_000, interval: 20 };

/** What stands in the thread of the runtime, as soon as it is as it should be. */
const reads = (component: Component, threadId: string, want: [text: string, status: string][]) =>
  vi.waitFor(async () => expect((await messagesOf(component, threadId)).map(({ text, status }) => [text, status])).toEqual(want), WAIT);
/** What a raw log has, so far as it is whole. */
const logged = (file: string) =>
  readFileSync(file, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line) as { dir: string; msg: { method?: string; params?: { clientInfo?: object } } });
const turnsOf = async (component: Component) => (await dump(component)).turns.map(({ status, source }) => [status, source]);

describe("a runtime", () => {
  it("starts a thread, and what happens in it is in Convex", async () => {
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component);
    const phases: string[] = [];
    runtime.subscribe(({ phase }) => {
      if (phases.at(-1) !== phase) phases.push(phase);
    });
    await runtime.start(START);
    await runtime.ready();
    const { threadId, externalThreadId } = runtime.getState() as CodexHostState & { threadId: string };
    expect(await component.query(api.threads.resolveByExternalId, { actor: OWNER, externalThreadId: "mine" })).toMatchObject({ threadId });
    expect(externalThreadId).toBe("mine");
    runtime.sendTurn("Hello.");
    await reads(component, threadId, [["Hello.", "completed"], ["you said: Hello.", "completed"]]);
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ phase: "ready", turnInFlight: false, lastError: null, pendingServerRequestCount: 0 }));
    expect(runtime.getState().ingestMetrics).toMatchObject({ skippedEventCount: 0, enqueuedByKind: expect.arrayContaining([{ kind: "item/agentMessage/delta", count: 2 }]) as unknown });
    await runtime.stop();
    expect(phases).toEqual(["starting", "ready", "running", "ready", "stopping", "idle"]);
    expect(problems).toEqual([]);
  });

  it("goes on, and stops, whatever a listener throws: that is told", async () => {
    const { runtime, problems } = runtimeOver(startComponent());
    const phases: string[] = [];
    runtime.subscribe(() => {
      throw new Error("a listener's own");
    });
    runtime.subscribe(({ phase }) => void phases.push(phase));
    await runtime.start(START);
    await runtime.ready();
    await runtime.stop();
    expect(phases.at(-1)).toBe("idle");
    expect([...new Set(problems.map(({ message }) => message))]).toEqual(["a listener's own"]);
  });

  it("keeps what is said on the wire in a raw log, where it is told to", async () => {
    const rawLog = path.join(await folder(), "raw.jsonl");
    const { runtime } = runtimeOver(startComponent(), { rawLog });
    await runtime.start(START);
    await runtime.ready();
    await vi.waitFor(() => expect(readFileSync(rawLog, "utf8")).toContain("thread/started"), WAIT);
    await runtime.stop();
    const said = readFileSync(rawLog, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as { dir: string; msg: { method?: string } });
    expect(said.map(({ dir, msg: { method } }) => [dir, method])).toEqual([
      ["out", "initialize"],
      ["in", undefined],
      ["out", "initialized"],
      ["out", "thread/start"],
      ["in", undefined],
      ["in", "thread/started"],
    ]);
  });

  it("that cannot start says why, leaves nothing behind, and can start then", async () => {
    const component = startComponent();
    const outboxFolder = await folder();
    const nowhere = runtimeOver(component, { bridge: { codexBin: "/nowhere/codex" }, outboxFolder });
    await expect(nowhere.runtime.start(START)).rejects.toMatchObject({ code: "E_CODEX_NOT_FOUND" });
    expect(nowhere.runtime.getState()).toMatchObject({ phase: "failed", running: false, lastError: expect.stringContaining("E_CODEX_NOT_FOUND") as unknown });
    expect(() => nowhere.runtime.sendTurn("x")).toThrow(expect.objectContaining({ code: "E_RUNTIME_NOT_RUNNING" }));
    const { runtime } = runtimeOver(component, { outboxFolder });
    await runtime.start(START);
    await expect(runtime.start(START)).rejects.toMatchObject({ code: "E_RUNTIME_RUNNING" });
    await runtime.ready();
  });

  it("that codex refuses a thread says so, to whoever waits for it", async () => {
    const { runtime, problems } = runtimeOver(startComponent(), { standIn: { refuse: "thread/start" } });
    await runtime.start(START);
    await expect(runtime.ready()).rejects.toMatchObject({ code: "E_APP_SERVER_REFUSED" });
    expect(problems.map(({ code }) => code)).toEqual(["E_APP_SERVER_REFUSED"]);
    expect(runtime.getState()).toMatchObject({ phase: "ready", running: true, runtimeThreadId: null, lastError: expect.stringContaining("E_APP_SERVER_REFUSED") as unknown });
  });

  it("whose outbox another one has says so, leaves nothing behind, and can start then", async () => {
    const outboxFolder = await folder();
    const { outbox: other } = await open({ folder: outboxFolder });
    const { runtime } = runtimeOver(startComponent(), { outboxFolder });
    await expect(runtime.start(START)).rejects.toMatchObject({ code: "E_OUTBOX_LOCKED" });
    expect(runtime.getState()).toMatchObject({ phase: "failed", running: false, lastError: expect.stringContaining("E_OUTBOX_LOCKED") as unknown });
    await other.close();
    await runtime.start(START);
    await runtime.ready();
  });

  it("whose bridge cannot be made leaves no folder of its own", async () => {
    const [before, tmp] = [process.env["TMPDIR"], await folder()];
    process.env["TMPDIR"] = tmp;
    onTestFinished(() => {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
    });
    const { runtime } = runtimeOver(startComponent(), {
      bridgeFactory: () => {
        throw new Error("no bridge");
      },
    });
    await expect(runtime.start(START)).rejects.toThrow("no bridge");
    expect([readdirSync(tmp), runtime.getState().phase]).toEqual([[], "failed"]);
  });

  it("that Convex refuses a thread says so, to whoever waits for it", async () => {
    const component = startComponent();
    const refused = new ConvexError({ code: "E_THREAD_DELETED", message: "[E_THREAD_DELETED] it was deleted", retryable: false });
    const { runtime, problems } = runtimeOver(component, { persistence: { ...persistenceOver(component), ensureThread: () => Promise.reject(refused) } });
    await runtime.start(START);
    await expect(runtime.ready()).rejects.toBe(refused);
    expect(problems.filter(({ code }) => code === "E_THREAD_DELETED")).toHaveLength(1);
    expect(runtime.getState()).toMatchObject({ phase: "ready", threadId: null, lastError: expect.stringContaining("E_THREAD_DELETED") as unknown });
  });

  it("waits for Convex as long as it is away", async () => {
    const component = startComponent();
    const real = persistenceOver(component);
    let isAway = true;
    const orAway = <Answer>(call: () => Promise<Answer>) => (isAway ? Promise.reject(new TypeError("fetch failed")) : call());
    const persistence: CodexHostPersistence = {
      ...real,
      ensureThread: (args) => orAway(() => real.ensureThread(args)),
      ingestSafe: (args) => orAway(() => real.ingestSafe(args)),
    };
    const { runtime } = runtimeOver(component, { persistence });
    await runtime.start(START);
    await vi.waitFor(() => expect(runtime.getState().lastError).toContain("fetch failed"), WAIT);
    isAway = false;
    await runtime.ready();
    runtime.sendTurn("Still here.");
    await reads(component, runtime.getState().threadId!, [["Still here.", "completed"], ["you said: Still here.", "completed"]]);
    expect(runtime.getState().lastError).toBeNull();
  });

  it("says that codex is there where the user has no room for its first thread, and goes on in it when there is", async () => {
    const component = startComponent();
    const real = persistenceOver(component);
    let isFull = true;
    const full = new ConvexError({ code: "E_QUOTA", message: "[E_QUOTA] at most 100000 threads", retryable: true });
    const lid = new Lid();
    const { runtime, problems } = runtimeWith({ ...real, ensureThread: (args) => (isFull ? Promise.reject(full) : real.ensureThread(args)) });
    await runtime.start(START);
    const isReady = runtime.ready();
    await vi.waitFor(() => expect(problems.map(({ code }) => code)).toEqual(["E_QUOTA"]), WAIT);
    expect(runtime.getState()).toMatchObject({ phase: "ready", threadId: null, lastError: expect.stringContaining("[E_QUOTA]") as unknown });
    isFull = false;
    lid.goOn(RETRY_MAX_MS);
    await isReady;
    expect(runtime.getState()).toMatchObject({ phase: "ready", threadId: expect.any(String) as unknown, lastError: null });
  });

  it("tells at once of a thread that the user has no room for, holds up no other, and goes on in it when there is", async () => {
    const component = startComponent();
    const room = (threads: number) =>
      component.run(async (ctx) => {
        const tally = await ctx.db.query("tallies").first();
        await ctx.db.patch("tallies", tally!._id, { threads });
      });
    const noRoom = (id: unknown) => ({ code: "E_QUOTA", message: expect.stringMatching(new RegExp(`the thread ${String(id)} is not in Convex until there is room for it: .*at most 100000 threads`)) as unknown });
    const { runtime, problems } = runtimeOver(component);
    await runtime.start(START);
    await runtime.ready();
    const { threadId: first, runtimeThreadId: own } = runtime.getState();
    await room(THREADS_MAX);
    const moved = runtime.resumeThread("019a3b5c-0000-7000-8000-00000000beef");
    await vi.waitFor(() => expect(runtime.getState().runtimeThreadId).not.toBe(own), WAIT);
    const { runtimeThreadId: crowdedOut } = runtime.getState();
    runtime.sendTurn("No room.");
    await vi.waitFor(() => expect(problems).toEqual([noRoom(crowdedOut)]), WAIT);
    expect(runtime.getState()).toMatchObject({ threadId: null, lastError: expect.stringContaining("[E_QUOTA]") as unknown });
    await runtime.resumeThread(own!);
    runtime.sendTurn("Beside it.");
    await reads(component, first!, [["Beside it.", "completed"], ["you said: Beside it.", "completed"]]);
    expect(runtime.backlog()).toMatchObject([{ threadId: crowdedOut }]);
    await room(1);
    await moved;
    await vi.waitFor(() => expect(runtime.backlog()).toEqual([]), WAIT);
    const { threads } = await dump(component);
    const late = threads.find(({ localThreadId }) => localThreadId === crowdedOut)!;
    await reads(component, late.threadId, [["No room.", "completed"], ["you said: No room.", "completed"]]);
    expect([problems.length, runtime.getState().lastError]).toEqual([1, null]);
  });

  it("sends what waits as soon as its persistence says that Convex can be reached again", async () => {
    const component = startComponent();
    const real = persistenceOver(component);
    let [tries, isAway] = [0, true];
    const followed = new Set<() => void>();
    const lid = new Lid();
    const { runtime } = runtimeWith({
      ...real,
      ingestSafe: (batch) => (isAway ? Promise.reject((tries++, new TypeError("fetch failed"))) : real.ingestSafe(batch)),
      onConnected: (call) => {
        followed.add(call);
        return () => void followed.delete(call);
      },
    });
    await runtime.start(START);
    await runtime.ready();
    runtime.sendTurn("Still here.");
    const goOn = async (ms: number) => {
      lid.goOn(ms);
      await new Promise((resolve) => setImmediate(resolve));
    };
    while (tries < 2 * NOT_TAKEN_TOLD) await goOn(RETRY_MAX_MS);
    isAway = false;
    for (const call of followed) call();
    // The next try would be half of the longest wait away, and more.
    let left = RETRY_MAX_MS / 4;
    for (let step = 0; step < 200_000 && runtime.backlog().length > 0; step++) await goOn(left > 0 ? (left -= 10, 10) : 0);
    expect(runtime.backlog()).toEqual([]);
    expect(followed.size).toBe(1);
    await runtime.stop();
    expect(followed.size).toBe(0);
  });

  it("tells of events that Convex does not take without end, once, as long as it is so, and gives none up", async () => {
    const component = startComponent();
    const real = persistenceOver(component);
    let tries = 0;
    let isBusy = true;
    const busy = new ConvexError({ code: "E_QUOTA", message: "[E_QUOTA] later", retryable: true });
    const lid = new Lid();
    const { runtime, problems } = runtimeWith({ ...real, ingestSafe: (batch) => (isBusy ? Promise.reject((tries++, busy)) : real.ingestSafe(batch)) });
    await runtime.start(START);
    await runtime.ready();
    const { threadId, runtimeThreadId } = runtime.getState();
    runtime.sendTurn("Take it.");
    const passing = async (isSo: () => boolean) => {
      while (!isSo()) {
        lid.goOn(RETRY_MAX_MS);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await passing(() => tries > 2 * NOT_TAKEN_TOLD);
    expect(problems).toEqual([{ code: "E_OUTBOX_NOT_TAKEN", message: expect.stringContaining("[E_QUOTA] later") as unknown }]);
    expect(runtime.getState().lastError).toContain("[E_OUTBOX_NOT_TAKEN]");
    expect(runtime.backlog()).toMatchObject([{ threadId: runtimeThreadId, notTaken: expect.stringContaining("[E_QUOTA] later") as unknown }]);
    isBusy = false;
    await passing(() => runtime.backlog().length === 0);
    await reads(component, threadId!, [["Take it.", "completed"], ["you said: Take it.", "completed"]]);
    expect([runtime.getState().lastError, problems.length]).toEqual([null, 1]);
  });

  it("starts codex again that died, its turn being interrupted, and says what was to be said meanwhile", async () => {
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component, { standIn: { dieOnce: path.join(await folder(), "died") } });
    await runtime.start(START);
    await runtime.ready();
    const threadId = runtime.getState().threadId!;
    const phases: string[] = [];
    runtime.subscribe(({ phase }) => {
      if (phases.at(-1) !== phase) phases.push(phase);
    });
    runtime.sendTurn("Die.");
    await vi.waitFor(() => expect(runtime.getState().phase).toBe("reconnecting"), WAIT);
    runtime.sendTurn("Again.");
    await reads(component, threadId, [["Die.", "completed"], ["you said: ", "interrupted"], ["Again.", "completed"], ["you said: Again.", "completed"]]);
    await vi.waitFor(() => expect(phases).toEqual(["running", "reconnecting", "ready", "running", "ready"]), WAIT);
    expect(await turnsOf(component)).toEqual([["interrupted", "local"], ["completed", "codex"]]);
    expect(problems.map(({ code }) => code)).toEqual(["E_BRIDGE_PROCESS_EXITED"]);
    expect(runtime.getState()).toMatchObject({ turnInFlight: false, lastError: null });
  });

  it("ends what an earlier process of the host had begun, and sends what that had not", async () => {
    const component = startComponent();
    const outboxFolder = await folder();
    const real = persistenceOver(component);
    const first = runtimeOver(component, { outboxFolder, standIn: { askIn: "u1" }, persistence: { ...real, ingestSafe: () => Promise.reject(new TypeError("fetch failed")) } });
    await first.runtime.start(START);
    await first.runtime.ready();
    first.runtime.sendTurn("Wait.");
    await vi.waitFor(() => expect(first.runtime.getState().pendingServerRequestCount).toBe(1), WAIT);
    await first.runtime.stop();
    const second = runtimeOver(component, { outboxFolder });
    await second.runtime.start({ ...START, runtimeThreadId: first.runtime.getState().runtimeThreadId! });
    await second.runtime.ready();
    const { threadId } = second.runtime.getState();
    expect(threadId).toBe(first.runtime.getState().threadId);
    await reads(component, threadId!, [["Wait.", "completed"], ["you said: ", "interrupted"], ["ls", "interrupted"]]);
    second.runtime.sendTurn("Go on.");
    await vi.waitFor(async () => expect((await messagesOf(component, threadId!)).at(-1)).toMatchObject({ text: "you said: Go on.", status: "completed" }), WAIT);
  });

  it("stops when another device takes its thread, and leaves it to that one", async () => {
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component);
    await runtime.start(START);
    await runtime.ready();
    const threadId = runtime.getState().threadId!;
    await component.mutation(api.sync.ensureSession, { actor: { ...OWNER, deviceId: "desk" }, sessionId: "theirs", threadId, lastEventCursor: 0 });
    runtime.sendTurn("Mine.");
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ phase: "failed", running: false, lastError: expect.stringContaining("E_SYNC_SESSION_DEVICE_MISMATCH") as unknown }), WAIT);
    expect(problems.map(({ code }) => code)).toContain("E_SYNC_SESSION_DEVICE_MISMATCH");
    expect((await dump(component)).sessions.map(({ deviceId }) => deviceId).at(-1)).toBe("desk");
    expect(await messagesOf(component, threadId)).toEqual([]);
  });

  it("sends what an earlier start had left, and takes no thread for that which another device writes by then, until it goes on there", async () => {
    const component = startComponent();
    const outboxFolder = await folder();
    const real = persistenceOver(component);
    const [shop, other] = ["019a3b5c-0000-7000-8000-00000000abcd", "019a3b5c-0000-7000-8000-00000000abce"];
    const first = runtimeOver(component, { outboxFolder, persistence: { ...real, ingestSafe: () => Promise.reject(new TypeError("fetch failed")) } });
    await first.runtime.start(START);
    await first.runtime.ready();
    for (const threadId of [shop, other]) {
      await first.runtime.followThread(threadId);
      await first.runtime.appServer.request("turn/start", { threadId, input: [{ type: "text", text: "Before.", text_elements: [] }] });
    }
    await vi.waitFor(() => expect(first.runtime.backlog().map(({ events }) => events)).toEqual([expect.any(Number), 7, 7]), WAIT);
    await first.runtime.stop();
    const threadIdOf = async (id: string) => (await dump(component)).threads.find(({ localThreadId }) => localThreadId === id)!.threadId;
    const writerOf = async (threadId: string) => (await dump(component)).sessions.filter((session) => session.threadId === threadId).sort((one, two) => two.epoch - one.epoch)[0]!.deviceId;
    const threadId = await threadIdOf(shop);
    await component.mutation(api.sync.ensureSession, { actor: { ...OWNER, deviceId: "desk" }, sessionId: "theirs", threadId, lastEventCursor: 0 });
    const { runtime, problems } = runtimeOver(component, { outboxFolder });
    await runtime.start({ ...START, externalThreadId: "another" });
    await runtime.ready();
    await reads(component, await threadIdOf(other), [["Before.", "completed"], ["you said: Before.", "completed"]]);
    await vi.waitFor(() => expect(runtime.backlog()).toMatchObject([{ threadId: shop, isHalted: false }]), WAIT);
    expect([await writerOf(threadId), await messagesOf(component, threadId), runtime.getState().phase]).toEqual(["desk", [], "ready"]);
    expect(problems).toEqual([]);
    await runtime.followThread(shop);
    await reads(component, threadId, [["Before.", "completed"], ["you said: Before.", "completed"]]);
  });

  it("goes on in a followed thread that another device had taken, when it is followed again", async () => {
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component);
    await runtime.start(START);
    await runtime.ready();
    const other = "019a3b5c-0000-7000-8000-00000000abcd";
    const says = (text: string) => runtime.appServer.request("turn/start", { threadId: other, input: [{ type: "text", text, text_elements: [] }] });
    await runtime.followThread(other);
    const { threadId } = (await dump(component)).threads.find(({ localThreadId }) => localThreadId === other)!;
    await component.mutation(api.sync.ensureSession, { actor: { ...OWNER, deviceId: "desk" }, sessionId: "theirs", threadId, lastEventCursor: 0 });
    await says("Meanwhile.");
    await vi.waitFor(() => expect(runtime.backlog()).toMatchObject([{ threadId: other, isHalted: true }]), WAIT);
    // The others of the runtime go on, and nobody fights for this one.
    expect(runtime.getState().phase).toBe("ready");
    expect(problems.map(({ code }) => code)).toEqual(["E_SYNC_SESSION_DEVICE_MISMATCH"]);
    await runtime.followThread(other);
    await reads(component, threadId, [["Meanwhile.", "completed"], ["you said: Meanwhile.", "completed"]]);
    await says("Again.");
    await vi.waitFor(async () => expect((await messagesOf(component, threadId)).at(-1)).toMatchObject({ text: "you said: Again.", status: "completed" }), WAIT);
    await vi.waitFor(() => expect(runtime.backlog()).toEqual([]), WAIT);
    expect(problems).toHaveLength(1);
  });

  it("follows another thread beside its own, and says how much waits", async () => {
    const component = startComponent();
    const over = persistenceOver(component);
    let isAway = Promise.resolve();
    const ingestSafe: typeof over.ingestSafe = async (batch) => isAway.then(() => over.ingestSafe(batch));
    const { runtime, problems } = runtimeWith({ ...over, ingestSafe });
    expect(runtime.backlog()).toEqual([]);
    await runtime.start(START);
    await runtime.ready();
    const before = runtime.getState();
    const other = "019a3b5c-0000-7000-8000-00000000abcd";
    expect(await runtime.followThread(other)).toMatchObject({ thread: { id: other } });
    expect(runtime.getState()).toEqual({ ...before, ingestMetrics: expect.anything() as unknown });
    // It is there before anything happens in it.
    expect((await dump(component)).threads.map(({ localThreadId }) => localThreadId)).toContain(other);
    runtime.sendTurn("Here.");
    await reads(component, before.threadId!, [["Here.", "completed"], ["you said: Here.", "completed"]]);
    let back: () => void = () => undefined;
    isAway = new Promise((resolve) => {
      back = resolve;
    });
    await runtime.appServer.request("turn/start", { threadId: other, input: [{ type: "text", text: "There.", text_elements: [] }] });
    await vi.waitFor(() => expect(runtime.backlog()).toEqual([expect.objectContaining({ threadId: other, events: 7, isHalted: false })]), WAIT);
    back();
    const inConvex = (await dump(component)).threads.find(({ localThreadId }) => localThreadId === other)!.threadId;
    await reads(component, inConvex, [["There.", "completed"], ["you said: There.", "completed"]]);
    await vi.waitFor(() => expect(runtime.backlog()).toEqual([]), WAIT);
    await expect(runtime.followThread("foo")).rejects.toThrow(/^Invalid threadId for app-server request/);
    expect(problems).toEqual([]);
  });

  it("goes on in another thread, whose events are its own, and in a copy", async () => {
    const component = startComponent();
    const { runtime } = runtimeOver(component);
    await runtime.start(START);
    await runtime.ready();
    const [first, mine] = [runtime.getState().runtimeThreadId!, runtime.getState().threadId!];
    const other = "019A3B5C-0000-7000-8000-00000000ABCD";
    expect(await runtime.resumeThread(other)).toMatchObject({ thread: { id: other } });
    expect(runtime.getState()).toMatchObject({ runtimeThreadId: other, turnId: null });
    runtime.sendTurn("There.");
    await reads(component, runtime.getState().threadId!, [["There.", "completed"], ["you said: There.", "completed"]]);
    const { thread } = await runtime.forkThread(other);
    expect(thread.id).not.toBe(other);
    runtime.sendTurn("In the copy.");
    const copied: [string, string][] = [["There.", "completed"], ["you said: There.", "completed"]];
    await reads(component, runtime.getState().threadId!, [...copied, ["In the copy.", "completed"], ["you said: In the copy.", "completed"]]);
    expect(await messagesOf(component, mine)).toEqual([]);
    await expect(runtime.resumeThread(mine.slice(1))).rejects.toThrow(/^Invalid threadId for app-server request/);
    await expect(runtime.readThread(first)).rejects.toMatchObject({ code: "E_UNSUPPORTED_BY_APP_SERVER", method: "thread/read" });
  });

  it("copies a history when there is room for it, says once that there was none, and the copy's own events come behind it", async () => {
    const component = startComponent();
    const persistence = persistenceOver(component);
    let full = 2;
    const forkThread: typeof persistence.forkThread = async (args) => {
      if (full-- > 0) throw new ConvexError({ code: "E_QUOTA", message: "[E_QUOTA] at most 100 forks at once", retryable: true });
      await persistence.forkThread!(args);
    };
    const { runtime, problems } = runtimeWith({ ...persistence, forkThread });
    await runtime.start(START);
    await runtime.ready();
    runtime.sendTurn("There.");
    const there: [string, string][] = [["There.", "completed"], ["you said: There.", "completed"]];
    await reads(component, runtime.getState().threadId!, there);
    const forked = runtime.forkThread(runtime.getState().runtimeThreadId!);
    await vi.waitFor(() => expect(runtime.getState().lastError).toContain("[E_QUOTA]"), WAIT);
    await forked;
    expect(runtime.getState().lastError).toBeNull();
    runtime.sendTurn("In the copy.");
    await reads(component, runtime.getState().threadId!, [...there, ["In the copy.", "completed"], ["you said: In the copy.", "completed"]]);
    expect(problems.filter(({ code }) => code === "E_QUOTA")).toMatchObject([{ message: expect.stringContaining("at most 100 forks") as unknown }]);
  });

  it("copies a history that it had no room for until its end, when it is started again", async () => {
    const component = startComponent();
    const persistence = persistenceOver(component);
    const outboxFolder = await folder();
    const full = async () => Promise.reject(new ConvexError({ code: "E_QUOTA", message: "[E_QUOTA] at most 100 forks at once", retryable: true }));
    const first = runtimeWith({ ...persistence, forkThread: full }, { outboxFolder }).runtime;
    await first.start(START);
    await first.ready();
    const { runtimeThreadId, threadId } = first.getState();
    first.sendTurn("There.");
    const there: [string, string][] = [["There.", "completed"], ["you said: There.", "completed"]];
    await reads(component, threadId!, there);
    const forked = first.forkThread(runtimeThreadId!);
    await vi.waitFor(() => expect(first.getState().lastError).toContain("[E_QUOTA]"), WAIT);
    await first.stop();
    const { thread } = await forked;
    // It goes on where it was, and not in the copy.
    const { runtime, problems } = runtimeWith(persistence, { outboxFolder });
    await runtime.start({ ...START, runtimeThreadId: runtimeThreadId! });
    await runtime.ready();
    await reads(component, thread.id, there);
    expect([runtime.getState().threadId, problems]).toEqual([threadId, []]);
  });

  it("copies what had happened without a network when there is one, and its last turn too", async () => {
    const component = startComponent();
    const persistence = persistenceOver(component);
    const outboxFolder = await folder();
    let isAway = false;
    const reached = <Args, Answer>(call: (args: Args) => Promise<Answer>) => (args: Args) => (isAway ? Promise.reject(new TypeError("fetch failed")) : call(args));
    const over: CodexHostPersistence = {
      ...persistence,
      ensureThread: reached((args) => persistence.ensureThread(args)),
      ensureSession: reached((args) => persistence.ensureSession(args)),
      ingestSafe: reached((args) => persistence.ingestSafe(args)),
      forkThread: reached((args) => persistence.forkThread!(args)),
    };
    const first = runtimeWith(over, { outboxFolder }).runtime;
    await first.start(START);
    await first.ready();
    const { runtimeThreadId } = first.getState();
    isAway = true;
    first.sendTurn("There.");
    await vi.waitFor(() => expect(first.getState()).toMatchObject({ phase: "ready", turnInFlight: false, turnId: expect.any(String) as unknown }), WAIT);
    const forked = first.forkThread(runtimeThreadId!);
    await vi.waitFor(() => expect(first.getState().runtimeThreadId).not.toBe(runtimeThreadId), WAIT);
    const lid = new Lid();
    const stopped = first.stop();
    await vi.waitFor(() => {
      lid.goOn(STOP_FLUSH_MS);
      expect(first.getState().phase).toBe("idle");
    }, WAIT);
    await stopped;
    const { thread } = await forked;
    isAway = false;
    const { runtime, problems } = runtimeWith(over, { outboxFolder });
    await runtime.start({ ...START, runtimeThreadId: runtimeThreadId! });
    await runtime.ready();
    await reads(component, thread.id, [["There.", "completed"], ["you said: There.", "completed"]]);
    expect(problems).toEqual([]);
  });

  it.each(["resume", "fork"] as const)("asks codex for no thread that nobody named: %s", async (threadStrategy) => {
    const { runtime } = runtimeOver(startComponent());
    await runtime.start({ threadStrategy });
    await expect(runtime.ready()).rejects.toMatchObject({ code: "E_REQUEST_INVALID", message: `threadStrategy ${threadStrategy} needs the runtimeThreadId of a thread` });
  });

  it.each<[string, { externalThreadId?: string }, number]>([
    ["with what of the other thread is in Convex", {}, 2],
    ["and without it where the app has a name for its thread", { externalThreadId: "copy" }, 0],
  ])("begins in a copy %s", async (_, names, copied) => {
    const component = startComponent();
    // Where the other thread is in Convex, its outbox knows.
    const outboxFolder = await folder();
    const { runtime } = runtimeOver(component, { outboxFolder });
    await runtime.start(START);
    await runtime.ready();
    const { runtimeThreadId, threadId } = runtime.getState();
    runtime.sendTurn("There.");
    await reads(component, threadId!, [["There.", "completed"], ["you said: There.", "completed"]]);
    await runtime.stop();
    const { externalThreadId: __, ...start } = START;
    const copy = runtimeOver(component, { outboxFolder }).runtime;
    await copy.start({ ...start, ...names, threadStrategy: "fork", runtimeThreadId: runtimeThreadId! });
    await copy.ready();
    expect(await messagesOf(component, copy.getState().threadId!)).toHaveLength(copied);
  });

  it("tells what its codex lacks once for each method and process, with its version, and whoever asks for it each time", async () => {
    const died = path.join(await folder(), "died");
    const { runtime, problems } = runtimeOver(startComponent(), { standIn: { version: "0.90.0", deadOnce: died } });
    await runtime.start(START);
    await runtime.ready();
    const { runtimeThreadId } = runtime.getState();
    // It asks which turns a copy has, and goes on without.
    await runtime.forkThread(runtimeThreadId!);
    const lacks = (method: string) => ({ code: "E_UNSUPPORTED_BY_APP_SERVER", message: `\`${method}\`: codex 0.90.0 does not know it` });
    expect(problems).toEqual([lacks("thread/turns/list")]);
    for (let times = 0; times < 2; times += 1) await expect(runtime.readThread(runtimeThreadId!)).rejects.toMatchObject(lacks("thread/read"));
    await runtime.forkThread(runtimeThreadId!);
    expect(problems).toEqual([lacks("thread/turns/list"), lacks("thread/read")]);
    expect(runtime.getState().lastError).toBeNull();
    runtime.sendTurn("Die.");
    await vi.waitFor(() => expect(runtime.getState().phase).toBe("reconnecting"), WAIT);
    await runtime.ready();
    await expect(runtime.readThread(runtimeThreadId!)).rejects.toMatchObject(lacks("thread/read"));
    expect(problems.filter(({ code }) => code === "E_UNSUPPORTED_BY_APP_SERVER")).toHaveLength(3);
  });

  it("takes a thread back, to a turn and to nothing, and goes on in it", async () => {
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component, { standIn: { reverts: true } });
    await runtime.start(START);
    await runtime.ready();
    const { threadId, runtimeThreadId } = runtime.getState();
    const whole = (text: string): [string, string][] => [[text, "completed"], [`you said: ${text}`, "completed"]];
    for (const text of ["One.", "Two."]) runtime.sendTurn(text);
    await reads(component, threadId!, [...whole("One."), ...whole("Two.")]);
    await runtime.rollbackThread(runtimeThreadId!, 1);
    await reads(component, threadId!, whole("One."));
    await runtime.rollbackThread(runtimeThreadId!, 9);
    runtime.sendTurn("Anew.");
    await reads(component, threadId!, whole("Anew."));
    expect(await runtime.rollbackThread(runtimeThreadId!, 1)).toMatchObject({ thread: { id: runtimeThreadId } });
    await reads(component, threadId!, []);
    expect(await runtime.rollbackThread(runtimeThreadId!, 1)).toBeNull();
    expect(problems).toEqual([]);
  });

  it("stops at any moment, and starts again after it", async () => {
    const component = startComponent();
    const { runtime } = runtimeOver(component);
    await runtime.stop();
    const starting = runtime.start(START);
    const stopping = runtime.stop();
    expect(runtime.stop()).toBe(stopping);
    const refused = runtime.start(START);
    await expect(refused).rejects.toMatchObject({ code: "E_RUNTIME_RUNNING" });
    await expect(starting).rejects.toMatchObject({ code: "E_RUNTIME_NOT_RUNNING" });
    await stopping;
    const isStarting = new Promise<void>((resolve) => {
      runtime.subscribe(({ phase }) => {
        if (phase === "starting") resolve();
      });
    });
    const begun = runtime.start(START);
    await isStarting;
    const ended = runtime.stop();
    await Promise.all([begun, ended]);
    expect(runtime.getState()).toMatchObject({ phase: "idle", running: false });
    await runtime.start(START);
    await runtime.ready();
    const again = runtime.stop();
    const restarted = runtime.start(START);
    await Promise.all([again, restarted]);
    await runtime.ready();
    expect(runtime.getState().phase).toBe("ready");
    const last = runtime.stop();
    const late = runtime.start(START);
    expect(runtime.stop()).toBe(last);
    await expect(late).rejects.toMatchObject({ code: "E_RUNTIME_NOT_RUNNING" });
    expect(runtime.getState()).toMatchObject({ phase: "idle", running: false });
  });

  it("stops over a disk that syncs nothing, says so once, and starts again on the same folder", async () => {
    const { runtime, problems } = runtimeOver(startComponent(), { outboxFolder: await folder() });
    await runtime.start(START);
    await runtime.ready();
    await vi.waitFor(() => expect(runtime.backlog()).toEqual([]), WAIT);
    const disk = vi.spyOn(OutboxStore.prototype, "sync").mockRejectedValue(new Error("ENOSPC"));
    onTestFinished(() => disk.mockRestore());
    await runtime.stop();
    expect([runtime.getState().phase, problems.map(({ code }) => code)]).toEqual(["idle", ["E_OUTBOX_WRITE_FAILED"]]);
    disk.mockRestore();
    await runtime.start(START);
    await runtime.ready();
  });

  it("stops whatever fails on the way, says so, and starts again", async () => {
    let fails = true;
    const bridgeFactory = (config: BridgeConfig, handlers: BridgeHandlers): RuntimeBridge => {
      const bridge = new CodexLocalBridge(config, handlers);
      const stop = async () => {
        await bridge.stop();
        if (fails) throw new Error("no such process");
      };
      return { start: () => bridge.start(), stop, send: (message) => bridge.send(message) };
    };
    const { runtime, problems } = runtimeOver(startComponent(), { bridgeFactory, outboxFolder: await folder() });
    await runtime.start(START);
    await runtime.ready();
    await runtime.stop();
    expect([runtime.getState().phase, problems.map(({ message }) => message)]).toEqual(["idle", ["no such process"]]);
    fails = false;
    await runtime.start(START);
    await runtime.ready();
  });
});

it("stops reading codex while the disk takes nothing, and reads on when it does", async () => {
  const held: boolean[] = [];
  const bridgeFactory = (config: BridgeConfig, handlers: BridgeHandlers): RuntimeBridge => {
    const bridge = new CodexLocalBridge(config, handlers);
    const hold = (isHeld: boolean) => {
      held.push(isHeld);
      bridge.hold(isHeld);
    };
    return { start: () => bridge.start(), stop: () => bridge.stop(), send: (message) => bridge.send(message), hold };
  };
  const component = startComponent();
  const { runtime } = runtimeOver(component, { bridgeFactory });
  await runtime.start(START);
  await runtime.ready();
  const disk = vi.spyOn(OutboxStore.prototype, "write").mockRejectedValue(new Error("ENOSPC"));
  onTestFinished(() => disk.mockRestore());
  runtime.sendTurn("Hello.");
  await vi.waitFor(() => expect(held).toEqual([true]), WAIT);
  disk.mockRestore();
  await reads(component, runtime.getState().threadId!, [["Hello.", "completed"], ["you said: Hello.", "completed"]]);
  expect(held).toEqual([true, false]);
});

it("sends what stands for what is too large, keeps that, and lets nobody accept what they cannot be shown", async () => {
  const component = startComponent();
  const outboxFolder = await folder();
  const { runtime, problems } = runtimeOver(component, { standIn: { largeIn: "u1" }, outboxFolder });
  await runtime.start(START);
  await runtime.ready();
  runtime.sendTurn("Print.");
  const { threadId } = runtime.getState();
  await reads(component, threadId!, [["Print.", "completed"], ["you said: Print.", "completed"], ["ls", "interrupted"]]);
  await vi.waitFor(() => expect(runtime.getState().turnInFlight).toBe(false), WAIT);
  expect(runtime.listPendingServerRequests()).toEqual([]);
  const shown = await messagesOf(component, threadId!);
  expect(shown.map(({ payloadTruncated }) => payloadTruncated)).toEqual([undefined, undefined, true]);
  expect(problems.map(({ code }) => code)).toEqual(["E_BRIDGE_EVENT_TOO_LARGE", "E_BRIDGE_EVENT_TOO_LARGE"]);
  await runtime.stop();
  const { outbox } = await open({ folder: outboxFolder });
  const letters = await outbox.letters();
  expect(letters.map(({ code, event }) => [code, event.kind, event.payloadJson.length > 4 * 1024 * 1024])).toEqual([
    ["E_BRIDGE_EVENT_TOO_LARGE", "item/commandExecution/requestApproval", true],
    ["E_BRIDGE_EVENT_TOO_LARGE", "item/completed", true],
  ]);
});

it.each([
  ["as the runtime is told", { clientInfo: { name: "app", version: "2" } }, { name: "app", title: null, version: "2" }],
  ["as its bridge is told", { bridged: { name: "shell", version: "3" } }, { name: "shell", title: null, version: "3" }],
  ["as the runtime is told, whatever its bridge is", { clientInfo: { name: "app", version: "2" }, bridged: { name: "shell", version: "3" } }, { name: "app", title: null, version: "2" }],
  ["by the package's name else", {}, { name: "convex_codex_local", title: "Convex Codex Local", version: packageJson.version }],
])("says who it is in the one initialize that codex hears: %s", async (_how, { clientInfo, bridged }: { clientInfo?: ClientInfo; bridged?: ClientInfo }, said) => {
  const rawLog = path.join(await folder(), "raw.jsonl");
  const bridge = { codexBin: process.execPath, args: [STAND_IN, "{}"], ...given({ clientInfo: bridged }) };
  const { runtime } = runtimeOver(startComponent(), { rawLog, bridge, ...given({ clientInfo }) });
  await runtime.start(START);
  await runtime.ready();
  await runtime.stop();
  const lines = logged(rawLog);
  const initialize = lines.filter(({ dir, msg }) => dir === "out" && msg.method === "initialize");
  expect(initialize.map(({ msg }) => msg.params?.clientInfo)).toEqual([said]);
  expect(lines[0]).toEqual(initialize[0]);
});

describe("a request of the app-server", () => {
  const asks = async () => {
    const component = startComponent();
    const answers: unknown[] = [];
    const made = runtimeOver(component, {
      standIn: { askIn: "u1" },
      handlers: {
        onGlobalMessage: (message) => {
          if ("method" in message && message.method === "test/answered") answers.push(message.params);
        },
      },
    });
    await made.runtime.start(START);
    await made.runtime.ready();
    made.runtime.sendTurn("List.");
    await vi.waitFor(() => expect(made.runtime.getState().pendingServerRequestCount).toBe(1), WAIT);
    const pending = () => component.query(api.approvals.listPending, { actor: OWNER, paginationOpts: { cursor: null, numItems: 10 } });
    await vi.waitFor(async () => expect((await pending()).page).toHaveLength(1), WAIT);
    return { ...made, component, answers, pending };
  };

  /** A runtime in whose turn codex asks for new tokens, and what it is answered. */
  const asksForTokens = async (options: Pick<CodexHostRuntimeOptions, "handlers">) => {
    const rawLog = path.join(await folder(), "raw.jsonl");
    const made = runtimeOver(startComponent(), { rawLog, standIn: { refreshIn: "u1", holdIn: "u1" }, ...options });
    await made.runtime.start(START);
    await made.runtime.ready();
    made.runtime.sendTurn("Wait.");
    await vi.waitFor(() => expect(made.runtime.getState().turnInFlight).toBe(true), WAIT);
    const answers = () => logged(rawLog).filter(({ msg }) => msg.method === "test/answered").map(({ msg }) => msg.params);
    return { ...made, answers };
  };

  it("that is of no thread is refused, and told, where the app brought nothing to hear of it", async () => {
    const problems: object[] = [];
    const { runtime, answers } = await asksForTokens({ handlers: { onProtocolError: ({ code, message }) => void problems.push({ code, message }) } });
    await vi.waitFor(() => expect(answers()).toMatchObject([{ id: 7, error: { code: -32_601 } }]), WAIT);
    expect(problems).toEqual([{ code: "E_UNSUPPORTED_SERVER_REQUEST", message: expect.stringContaining("nobody here answers `account/chatgptAuthTokens/refresh`") as unknown }]);
    expect([runtime.listPendingServerRequests(), runtime.getState().pendingServerRequestCount]).toEqual([[], 0]);
  });

  it("that is of no thread waits for an app that hears of it, which answers when it likes", async () => {
    const heard: unknown[] = [];
    const { runtime, problems, answers } = await asksForTokens({
      handlers: {
        onGlobalMessage: (message) => {
          if ("method" in message && "id" in message) heard.push(message.method);
        },
      },
    });
    await vi.waitFor(() => expect(runtime.listPendingServerRequests()).toMatchObject([{ id: 7, method: "account/chatgptAuthTokens/refresh" }]), WAIT);
    expect([heard, answers()]).toEqual([["account/chatgptAuthTokens/refresh"], []]);
    runtime.respondChatgptAuthTokensRefresh({ requestId: 7, accessToken: "a", chatgptAccountId: "b", chatgptPlanType: "pro" });
    await vi.waitFor(() => expect(answers()).toMatchObject([{ id: 7, result: { chatgptAccountId: "b" } }]), WAIT);
    expect([runtime.listPendingServerRequests(), problems]).toEqual([[], []]);
  });

  it("of a thread that was deleted in Convex is withdrawn, and so is what that asks later: codex does not wait for nobody", async () => {
    const component = startComponent();
    const problems: string[] = [];
    const ended: string[] = [];
    const { runtime } = runtimeOver(component, {
      standIn: { askIn: ["u1", "u2"] },
      handlers: {
        onProtocolError: ({ code }) => void problems.push(code),
        onEvent: ({ kind }) => {
          if (kind === "turn/completed") ended.push(kind);
        },
      },
    });
    await runtime.start(START);
    await runtime.ready();
    const { threadId } = runtime.getState();
    await component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId: threadId! });
    for (const turns of [1, 2]) {
      runtime.sendTurn("List.");
      await vi.waitFor(() => expect(ended).toHaveLength(turns), WAIT);
      expect([runtime.listPendingServerRequests(), runtime.getState()]).toMatchObject([[], { turnInFlight: false, pendingServerRequestCount: 0 }]);
    }
    await runtime.stop();
    // The first was on its way to Convex before it was known; of the second nothing is told.
    expect(problems.sort()).toEqual(["E_AUTH_THREAD_FORBIDDEN", "E_THREAD_DELETED"]);
  });

  it("waits in Convex, is answered once, and is answered there", async () => {
    const { runtime, component, answers, pending } = await asks();
    expect(runtime.listPendingServerRequests()).toMatchObject([{ id: 0, method: "item/commandExecution/requestApproval" }]);
    runtime.respondCommandApproval({ requestId: 0, decision: "accept" });
    expect(() => runtime.respondCommandApproval({ requestId: 0, decision: "decline" })).toThrow(expect.objectContaining({ code: "E_SERVER_REQUEST_NOT_PENDING" }));
    await vi.waitFor(async () => expect((await dump(component)).serverRequests).toMatchObject([{ status: "answered", responseJson: '{"decision":"accept"}' }]), WAIT);
    expect((await pending()).page).toEqual([]);
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ pendingServerRequestCount: 0, turnInFlight: false }), WAIT);
    expect(answers).toEqual([{ id: 0, result: { decision: "accept" } }]);
  });

  it("of a thread for which there is no room is told when there is", async () => {
    const component = startComponent();
    const real = persistenceOver(component);
    let isRoom = false;
    const noRoom = new ConvexError({ code: "E_QUOTA", message: "[E_QUOTA] full", retryable: true });
    const shown: unknown[] = [];
    const persistence: CodexHostPersistence = {
      ...real,
      ensureThread: (args) => (isRoom ? real.ensureThread(args) : Promise.reject(noRoom)),
      upsertPendingServerRequest: (args) => {
        shown.push(args.request.method);
        return real.upsertPendingServerRequest(args);
      },
    };
    const { runtime } = runtimeOver(component, { persistence, standIn: { askIn: "u1" } });
    await runtime.start(START);
    await vi.waitFor(() => expect(runtime.getState().lastError).toContain("E_QUOTA"), WAIT);
    const threadId = runtime.getState().runtimeThreadId!;
    await runtime.appServer.request("turn/start", { threadId, input: [{ type: "text", text: "List.", text_elements: [] }] });
    await vi.waitFor(() => expect(runtime.getState().pendingServerRequestCount).toBe(1), WAIT);
    expect(shown).toEqual([]);
    isRoom = true;
    await vi.waitFor(() => expect(shown).toEqual(["item/commandExecution/requestApproval"]), WAIT);
  });

  it("is expired in Convex when the runtime stops", async () => {
    const { runtime, component, pending } = await asks();
    await runtime.stop();
    expect((await dump(component)).serverRequests).toMatchObject([{ status: "expired" }]);
    expect((await pending()).page).toEqual([]);
    expect(await turnsOf(component)).toEqual([["interrupted", "local"]]);
  });
});
