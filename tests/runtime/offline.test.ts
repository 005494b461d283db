/** A machine whose network is gone for an hour, with the real client that keeps what it cannot send. */
import { setImmediate, setTimeout as rest } from "node:timers/promises";
import { anyApi } from "convex/server";
import { expect, it, onTestFinished, vi } from "vitest";
import { ConvexDelivery } from "../../js-wrapper/runtime/convex-delivery.js";
import { Heartbeat } from "../../js-wrapper/runtime/heartbeat.js";
import { Ownership } from "../../js-wrapper/runtime/ownership.js";
import { type CodexBridgeApi, type CodexBridgeClient, createConvexPersistence } from "../../js-wrapper/runtime/persistence.js";
import { Reports } from "../../js-wrapper/runtime/reports.js";
import { SessionBeats } from "../../js-wrapper/runtime/session-beats.js";
import { SYSTEM_CLOCK } from "../../js-wrapper/clock.js";
import { delta, open, range } from "../outbox/build.js";
import { Loopback } from "../react/loopback-convex.js";

const MINUTE_MS = 60_000;
const STEP_MS = 500;
/** What a batch needs of the time that is told here, from the moment that the connection is there: an outbox that is not told waits up to 30 s. */
const AT_ONCE_MS = 4 * STEP_MS;
/** What the disk gets of real time, in milliseconds, in each step of the time that is told while something is waited for. */
const DISK_MS = 10;
const THREADS = ["t", "s"];
const ANSWERS: Record<string, unknown> = {
  ensureSession: { status: "active" },
  ingestBatch: { status: "ok", errors: [] },
  beatPresence: { now: 0, commandsWaiting: 0 },
};

/** A program's client without what an older one has not. */
const olderClient = (client: CodexBridgeClient): CodexBridgeClient => ({ query: client.query.bind(client), mutation: client.mutation.bind(client) });

it.each(["noted", "new"])("tells within two minutes that nothing is taken where it starts without a network, of threads that are %s", async (what) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const convex = new Loopback({ query: () => null, mutation: () => null });
  onTestFinished(() => convex.close());
  convex.isGone = true;
  const persistence = createConvexPersistence(convex.connectProgram(), anyApi["chat"] as unknown as CodexBridgeApi);
  const ownership = new Ownership({ runtimeId: "rt", owner: "ann", keepOwner: () => undefined }, persistence);
  const { outbox, errors } = await open({ deliver: (batch) => delivery.deliver(batch), onConnected: persistence.onConnected });
  const delivery = new ConvexDelivery(ownership.before(persistence), { actor: { tenantId: "", userId: "", deviceId: "" }, sessionId: "session", goesOn: () => false }, outbox);
  if (what === "noted") outbox.keepNote("t", { bound: { threadId: "th" } });
  outbox.append(delta(0, { kind: "turn/completed" }));
  for (let passed = 0; passed < 2 * MINUTE_MS && errors.length === 0; passed += STEP_MS) {
    await vi.advanceTimersByTimeAsync(STEP_MS);
    await rest(DISK_MS);
  }
  expect(errors.map(({ code }) => code)).toEqual(["E_OUTBOX_NOT_TAKEN"]);
});

it.each([
  ["a client that says how its connection stands", (client: CodexBridgeClient) => client],
  ["one that does not", olderClient],
])("keeps one call of each kind on its way with %s, and all arrives once, in order", async (_what, asIs) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const convex = new Loopback({
    query: () => null,
    mutation: (name, { threadId }) => (name.endsWith("ensureThread") ? { threadId } : (ANSWERS[name.replace("chat:", "")] ?? null)),
  });
  onTestFinished(() => convex.close());
  const client = convex.connectProgram();
  const persistence = createConvexPersistence(asIs(client), anyApi["chat"] as unknown as CodexBridgeApi);
  const { outbox, batches, errors } = await open({ deliver: (batch) => delivery.deliver(batch), onConnected: persistence.onConnected });
  const target = { actor: { tenantId: "", userId: "", deviceId: "" }, sessionId: "session" };
  const delivery = new ConvexDelivery(persistence, target, outbox);
  const runtime = { runtimeId: "rt", generation: 1 };
  const heartbeat = new Heartbeat({ ...runtime, persistence, tell: () => ({ phase: "running", threads: [] }) });
  const beats = new SessionBeats({ running: () => THREADS, beat: (threadId) => persistence.heartbeat({ sessionId: "session", threadId, lastEventCursor: 0 }) });
  const over = new AbortController();
  onTestFinished(() => over.abort());
  const reports = new Reports({ persistence, clock: SYSTEM_CLOCK, signal: over.signal, onError: () => undefined });
  heartbeat.start();
  beats.start();
  onTestFinished(() => heartbeat.stop());
  onTestFinished(() => beats.stop());

  /** Time goes on, step by step. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await vi.advanceTimersByTimeAsync(STEP_MS);
      await setImmediate();
    }
  };
  /** As {@link pass}, until something is so; the disk, whose time is the real one, keeps up. */
  const passUntil = async (isSo: () => boolean, ms: number, stepMs = STEP_MS) => {
    for (let passed = 0; passed < ms && !isSo(); passed += stepMs) {
      await vi.advanceTimersByTimeAsync(stepMs);
      await rest(DISK_MS);
    }
  };
  const arrived = (threadId: string) =>
    convex.mutations.filter(({ name, args }) => name.endsWith("ingestBatch") && args["threadId"] === threadId).map(({ args }) => (args["deltas"] as { cursorStart: number }[]).map(({ cursorStart }) => cursorStart));
  const says = (at: number) => THREADS.forEach((threadId) => outbox.append(delta(at, { threadId, kind: "turn/completed" })));
  /** The disk has so many events of each thread. */
  const waits = async (count: number) => {
    while (outbox.backlog().filter(({ events }) => events === count).length < THREADS.length) await setImmediate();
  };
  const isIdle = () => outbox.backlog().length === 0;

  says(0);
  await passUntil(() => THREADS.every((threadId) => arrived(threadId).length === 1) && isIdle(), 10 * MINUTE_MS);
  expect(THREADS.map(arrived)).toEqual([[[0]], [[0]]]);

  // Nobody notices at first: what is sent is lost.
  convex.isGone = true;
  says(1);
  while (batches.length < 2 * THREADS.length) await setImmediate();
  const reported = reports.send({ commandId: "c", leaseToken: "l", state: "accepted" });
  for (const at of range(2, 8)) {
    await pass(10 * MINUTE_MS);
    says(at);
    await waits(at);
  }
  // A batch and a session's beat of each thread, the machine's beat, the report.
  expect(client.connectionState()).toMatchObject({ isWebSocketConnected: false, inflightMutations: 6 });
  expect(errors.map(({ code }) => code)).toEqual(THREADS.map(() => "E_OUTBOX_NOT_TAKEN"));

  convex.isGone = false;
  const before = convex.mutations.length;
  await passUntil(isIdle, 2 * MINUTE_MS);
  expect(THREADS.map(arrived)).toEqual([[[0], [1], range(2, 8)], [[0], [1], range(2, 8)]]);
  expect(await reported).toBe("written");
  expect(convex.mutations.slice(before).filter(({ name }) => name.endsWith("reportCommand"))).toHaveLength(1);

  // It is noticed before anything is sent, and what comes meanwhile is sent as soon as there is a connection.
  convex.isGone = true;
  await passUntil(() => !client.connectionState().isWebSocketConnected, 10 * MINUTE_MS);
  says(8);
  await waits(1);
  await pass(10 * MINUTE_MS);
  convex.isGone = false;
  await passUntil(() => client.connectionState().isWebSocketConnected, 2 * MINUTE_MS);
  await passUntil(isIdle, AT_ONCE_MS, DISK_MS);
  expect(THREADS.map((threadId) => arrived(threadId).at(-1))).toEqual([[8], [8]]);
});
