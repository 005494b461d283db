/** What is sent to which function of the app's, and how a thread's commands are followed. */
import type { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi, getFunctionName, type ApiFromModules, type FunctionReference } from "convex/server";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import type { defineCodexHost } from "../../js-wrapper/host/convex.js";
import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";
import { FOLLOW_EVERY_MS } from "../../js-wrapper/runtime/following.js";
import { createConvexPersistence, type CodexBridgeApi, type CodexBridgeClient, type CodexPersistence } from "../../js-wrapper/runtime/persistence.js";
import { ManualClock, settle } from "./manual-clock.js";

const api = anyApi["chat"] as unknown as CodexBridgeApi;
const actor = { tenantId: "t", userId: "u", deviceId: "d" };
const nameOf = (reference: unknown) => getFunctionName(reference as FunctionReference<"query">).replace("chat:", "");

/** Keeps what is called, and answers what it is told to. */
class FakeClient {
  readonly calls: [name: string, args: unknown][] = [];
  readonly answers: Record<string, unknown> = {};
  readonly client = { query: this.#call.bind(this), mutation: this.#call.bind(this) } as CodexBridgeClient;

  async #call(reference: unknown, args: unknown): Promise<never> {
    const name = nameOf(reference);
    this.calls.push([name, args]);
    const answer = this.answers[name] ?? null;
    if (answer instanceof Error) throw answer;
    return answer as never;
  }
}

const sent = async (call: (persistence: CodexPersistence) => Promise<unknown>, answers: Record<string, unknown> = {}) => {
  const fake = new FakeClient();
  Object.assign(fake.answers, answers);
  const answer = await call(createConvexPersistence(fake.client, api, { deviceToken: "token" }));
  return { calls: fake.calls, answer };
};

describe("the persistence", () => {
  const deviceToken = "token";
  const session = { sessionId: "s", threadId: "th" };
  const event: NormalizedEvent = { eventId: "e", threadId: "th", cursorStart: 0, cursorEnd: 1, kind: "k", payloadJson: "{}", createdAt: 1 };
  const asked = { requestId: 0, threadId: "th", turnId: "tu", itemId: "i", method: "m", payloadJson: "{}", requestedAt: 1 };
  const origin = { runtimeId: "rt", generation: 1, appGeneration: 2 };
  const resolved = { threadId: "th", requestId: 0, status: "answered" as const, resolvedAt: 2 };
  const page = { position: { turn: 0, item: 0 }, turns: [{ turnId: "u", turnJson: "{}", items: ["{}"] }], atEnd: true };
  const beat = { runtimeId: "rt", generation: 1, phase: "ready" as const, threads: [] };
  const cases: [what: string, call: (persistence: CodexPersistence) => Promise<unknown>, name: string, args: object][] = [
    ["a session", (p) => p.ensureSession({ actor, ...session, lastEventCursor: 7 }), "ensureSession", session],
    ["a session of a runtime", (p) => p.ensureSession({ ...session, runtimeId: "rt", generation: 1 }), "ensureSession", { ...session, runtimeId: "rt", generation: 1 }],
    ["events", (p) => p.ingestSafe({ actor, ...session, deltas: [event], runtime: { saveStreamDeltas: true } }), "ingestBatch", { ...session, deltas: [event] }],
    ["a request", (p) => p.upsertPendingServerRequest({ actor, request: { ...asked, ...origin } }), "upsertPendingServerRequestForHooks", { ...asked, ...origin }],
    ["its end", (p) => p.resolvePendingServerRequest({ actor, ...resolved, responseJson: "{}" }), "resolvePendingServerRequestForHooks", { ...resolved, responseJson: "{}" }],
    ["the requests", (p) => p.listPendingServerRequests({ actor, threadId: "th" }), "listPendingServerRequestsForBridge", { threadId: "th" }],
    ["all requests", (p) => p.listPendingServerRequests({ actor }), "listPendingServerRequestsForBridge", {}],
    ["a session's beat", (p) => p.heartbeat({ ...session, lastEventCursor: 0 }), "heartbeat", { ...session, lastEventCursor: 0 }],
    ["a fork", (p) => p.forkThread({ actor, threadId: "th", newThreadId: "n" }), "forkThread", { threadId: "th", newThreadId: "n" }],
    ["a revert", (p) => p.revertThread({ actor, threadId: "th", turnId: "tu" }), "revertThreadForBridge", { threadId: "th", turnId: "tu" }],
    ["a revert to nothing", (p) => p.revertThread({ actor, threadId: "th", turnId: null }), "revertThreadForBridge", { threadId: "th", turnId: null }],
    ["a history's page", (p) => p.importHistory({ actor, ...session, ...page }), "importHistory", { ...session, ...page }],
    ["how far that is", (p) => p.getImportStatus({ actor, threadId: "th" }), "getImportStatusForBridge", { threadId: "th" }],
    ["a lease", (p) => p.leaseCommands({ runtimeId: "rt", generation: 1, threadId: "th", limit: 1 }), "leaseCommands", { runtimeId: "rt", generation: 1, threadId: "th", limit: 1 }],
    ["a report", (p) => p.reportCommand({ commandId: "c", leaseToken: "l", state: "accepted", turnId: "tu" }), "reportCommand", { commandId: "c", leaseToken: "l", state: "accepted", turnId: "tu" }],
    ["a beat", (p) => p.beat(beat), "beatPresence", beat],
  ];
  it.each(cases)("sends %s, with the credential and without an actor", async (_what, call, name, args) => {
    expect((await sent(call)).calls).toStrictEqual([[name, { ...args, deviceToken }]]);
  });

  it("finds a thread by the app's id, makes it by the app-server's, and makes a new one without either", async () => {
    const found = { threadId: "uuid", externalThreadId: "ext", created: true };
    const byExternal = await sent((p) => p.ensureThread({ actor, externalThreadId: "ext", localThreadId: "th", cwd: "/w" }), { resolveThread: found });
    expect(byExternal).toEqual({ calls: [["resolveThread", { externalThreadId: "ext", localThreadId: "th", cwd: "/w", deviceToken }]], answer: found });
    const byLocal = await sent((p) => p.ensureThread({ localThreadId: "th", model: "m" }), { ensureThread: { threadId: "th" } });
    expect(byLocal).toEqual({ calls: [["ensureThread", { threadId: "th", model: "m", deviceToken }]], answer: { threadId: "th", created: false } });
    expect((await sent((p) => p.ensureThread({}))).calls).toStrictEqual([["resolveThread", { deviceToken }]]);
  });

  it("says of an agent's thread whose it is, where it is made and later", async () => {
    const [made, { calls }] = [{ threadId: "th" }, await sent((p) => p.ensureThread({ localThreadId: "th", parentThreadId: "top" }), { ensureThread: { threadId: "th" } })];
    expect(calls).toStrictEqual([["ensureThread", { ...made, parentThreadId: "top", deviceToken }]]);
    const later = await sent((p) => p.linkThread({ actor, localThreadId: "th", parentThreadId: "top" }), { ensureThread: made });
    expect(later).toStrictEqual({ calls, answer: undefined });
    const named = await sent((p) => p.linkThread({ externalThreadId: "ext", localThreadId: "th", parentThreadId: "top" }));
    expect(named.calls).toStrictEqual([["resolveThread", { externalThreadId: "ext", localThreadId: "th", parentThreadId: "top", deviceToken }]]);
  });

  it("asks for the credential at each call, and sends none where there is none", async () => {
    const fake = new FakeClient();
    const tokens = ["first", "second"];
    const persistence = createConvexPersistence(fake.client, api, { deviceToken: () => tokens.shift() });
    for (let call = 0; call < 3; call++) await persistence.beat(beat);
    expect(fake.calls.map(([, args]) => args)).toEqual([{ ...beat, deviceToken: "first" }, { ...beat, deviceToken: "second" }, beat]);
  });

  it("sends no ill-formed text, and rejects with what the function threw", async () => {
    const { calls } = await sent((p) => p.upsertPendingServerRequest({ request: { ...asked, payloadJson: "\ud800", reason: "a\udc00" } }));
    expect(calls).toMatchObject([[expect.anything(), { payloadJson: "\ufffd", reason: "a\ufffd" }]]);
    await expect(sent((p) => p.beat(beat), { beatPresence: new Error("away") })).rejects.toThrow("away");
  });

  describe("of a batch", () => {
    const batch = (...eventIds: string[]) => ({ actor, ...session, deltas: eventIds.map((eventId) => ({ ...event, eventId })) });

    it("makes one call while it is on its way, and a further one for whoever asks after its end", async () => {
      const ends: [resolve: (answer: never) => void, reject: (thrown: Error) => void][] = [];
      const mutation = vi.fn(() => new Promise<never>((resolve, reject) => ends.push([resolve, reject])));
      const { ingestSafe } = createConvexPersistence({ ...new FakeClient().client, mutation }, api);
      const asked = [ingestSafe(batch("e", "f")), ingestSafe(batch("e", "f"))];
      expect(mutation).toHaveBeenCalledTimes(1);
      // Others are others.
      void ingestSafe(batch("e"));
      void ingestSafe({ ...batch("e", "f"), threadId: "other" });
      expect(mutation).toHaveBeenCalledTimes(3);
      const answer = { status: "ok" } as never;
      ends[0]![0](answer);
      expect(await Promise.all(asked)).toEqual([answer, answer]);
      const failing = ingestSafe(batch("e", "f"));
      ends[3]![1](new TypeError("fetch failed"));
      await expect(failing).rejects.toThrow("fetch failed");
      void ingestSafe(batch("e", "f"));
      expect(mutation).toHaveBeenCalledTimes(5);
    });

    it.each([
      ["is up", { isWebSocketConnected: true, hasEverConnected: true, connectionRetries: 0 }, 1],
      ["is made for the first time", { isWebSocketConnected: false, hasEverConnected: false, connectionRetries: 0 }, 1],
      ["is down", { isWebSocketConnected: false, hasEverConnected: true, connectionRetries: 0 }, 0],
      ["could not be made", { isWebSocketConnected: false, hasEverConnected: false, connectionRetries: 1 }, 0],
      ["is down, as little as an older client says of it", { isWebSocketConnected: false }, 0],
    ])("where the connection %s", async (_what, state, calls) => {
      const fake = new FakeClient();
      const { ingestSafe } = createConvexPersistence({ ...fake.client, connectionState: () => state }, api);
      const told = await ingestSafe(batch("e")).then(() => "answered", String);
      expect([told, fake.calls.length]).toEqual([calls === 1 ? "answered" : "Error: the connection to Convex is down", calls]);
    });
  });

  it("takes both clients of Convex, and the api of a file that exports the functions", () => {
    expectTypeOf<CodexBridgeApi>().not.toBeAny();
    expectTypeOf<CodexBridgeClient>().not.toBeAny();
    expectTypeOf<ConvexClient>().toExtend<CodexBridgeClient>();
    expectTypeOf<ConvexHttpClient>().toExtend<CodexBridgeClient>();
    expectTypeOf<ApiFromModules<{ chat: ReturnType<typeof defineCodexHost> }>["chat"]>().toExtend<CodexBridgeApi>();
  });
});

describe("commands are followed", () => {
  const row = (state: string) => [{ commandId: "c", kind: "turn", state, rank: 0, updatedAt: 1 }];

  it("by a subscription for each thread, where the client has them", () => {
    const open = new Map<string, (answer: unknown) => void>();
    const errors: unknown[] = [];
    let fail: (error: Error) => unknown = () => expect.fail();
    const onUpdate: CodexBridgeClient["onUpdate"] = (query, args, onAnswer, onError) => {
      const { threadId } = args as { threadId: string };
      expect([nameOf(query), args]).toEqual(["listOpenCommandsForBridge", { threadId, deviceToken: "token" }]);
      open.set(threadId, onAnswer);
      fail = onError;
      return () => open.delete(threadId);
    };
    const { client } = new FakeClient();
    const persistence = createConvexPersistence({ ...client, onUpdate }, api, { deviceToken: "token", onError: (error) => errors.push(error) });
    const told: unknown[] = [];
    const end = persistence.followCommands(["a", "b"], (threadId, commands) => told.push([threadId, commands]));
    open.get("b")!(row("queued"));
    open.get("a")!([]);
    expect(told).toEqual([["b", row("queued")], ["a", []]]);
    fail(new Error("away"));
    expect(errors).toEqual([new Error("away")]);
    end();
    expect(open.size).toBe(0);
  });

  it("by another subscription with the credential of then where one fails, and are not known meanwhile", async () => {
    const clock = new ManualClock();
    let token = "old";
    const made: { token: unknown; isOpen: boolean; onAnswer: (answer: unknown) => unknown; onError: (error: Error) => unknown }[] = [];
    const onUpdate: CodexBridgeClient["onUpdate"] = (_, args, onAnswer, onError) => {
      const one = { token: (args as { deviceToken?: unknown }).deviceToken, isOpen: true, onAnswer, onError };
      made.push(one);
      return () => void (one.isOpen = false);
    };
    const [told, errors]: [unknown[], unknown[]] = [[], []];
    const { client } = new FakeClient();
    const persistence = createConvexPersistence({ ...client, onUpdate }, api, { clock, deviceToken: () => token, onError: (error) => errors.push(error) });
    const end = persistence.followCommands(["a"], (_, commands) => told.push(commands));
    made[0]!.onAnswer([]);
    token = "new";
    made[0]!.onError(new Error("E_AUTH_DEVICE_FORBIDDEN"));
    expect([told, errors.length, made.length]).toEqual([[[], undefined], 1, 1]);
    await clock.pass(FOLLOW_EVERY_MS);
    expect(made.map(({ token, isOpen }) => [token, isOpen])).toEqual([["old", false], ["new", true]]);
    made[1]!.onAnswer(row("queued"));
    expect(told).toEqual([[], undefined, row("queued")]);
    made[1]!.onError(new Error("a fault"));
    // It goes again by itself: it is not made anew.
    made[1]!.onAnswer([]);
    await clock.pass(60_000);
    expect(made).toHaveLength(2);
    made[1]!.onError(new Error("a fault"));
    end();
    await clock.pass(60_000);
    expect([made.length, made.filter(({ isOpen }) => isOpen), clock.waiting]).toEqual([2, [], 0]);
  });

  it("by asking every 5 s where it has none, telling what changed, with growing waits while it fails", async () => {
    const clock = new ManualClock();
    const fake = new FakeClient();
    const [told, errors]: [unknown[], unknown[]] = [[], []];
    const answer = (commands: unknown) => (fake.answers["listOpenCommandsForBridge"] = commands);
    answer(row("queued"));
    const persistence = createConvexPersistence(fake.client, api, { clock, onError: (error) => errors.push(error) });
    const end = persistence.followCommands(["a"], (_, commands) => told.push(commands));
    await settle();
    await clock.pass(FOLLOW_EVERY_MS - 1);
    expect([told, fake.calls.length]).toEqual([[row("queued")], 1]);
    await clock.pass(1);
    expect([told, fake.calls.length]).toEqual([[row("queued")], 2]);
    answer([]);
    await clock.pass(FOLLOW_EVERY_MS);
    expect(told).toEqual([row("queued"), []]);
    answer(new Error("away"));
    await clock.pass(FOLLOW_EVERY_MS);
    expect([errors.length, fake.calls.length]).toEqual([1, 4]);
    await clock.pass(FOLLOW_EVERY_MS);
    expect(errors).toHaveLength(2);
    // Now twice as long, and at most 30 s.
    await clock.pass(2 * FOLLOW_EVERY_MS - 1);
    expect(errors).toHaveLength(2);
    await clock.pass(1);
    expect(errors).toHaveLength(3);
    await clock.pass(10 * 60_000);
    expect(errors.length).toBeGreaterThanOrEqual(3 + 19);
    answer(row("leased"));
    await clock.pass(30_000);
    expect(told).toEqual([row("queued"), [], row("leased")]);
    const asked = fake.calls.length;
    await clock.pass(FOLLOW_EVERY_MS);
    expect(fake.calls).toHaveLength(asked + 1);
    // The waits begin again.
    answer(new Error("away"));
    const failed = errors.length;
    await clock.pass(2 * FOLLOW_EVERY_MS);
    expect(errors).toHaveLength(failed + 2);
    end();
    await clock.pass(60_000);
    expect([fake.calls.length, clock.waiting]).toEqual([asked + 3, 0]);
  });

  it("and nothing is told after the end, whatever was asked before", async () => {
    const clock = new ManualClock();
    const fake = new FakeClient();
    fake.answers["listOpenCommandsForBridge"] = row("queued");
    const told: unknown[] = [];
    const end = createConvexPersistence(fake.client, api, { clock, onError: (error) => told.push(error) }).followCommands(["a"], (threadId) => told.push(threadId));
    end();
    await settle();
    expect([told, fake.calls.length, clock.waiting]).toEqual([[], 1, 0]);
  });
});
