/**
 * What `defineCodexHost` lets whom do, on the real component: nobody says who they are, readers are not bridges, and what is kept
 * or read is the server's choice.
 */
import type { ApiFromModules, FunctionArgs, FunctionReturnType, UserIdentity } from "convex/server";
import { anyApi, makeFunctionReference, mutationGeneric } from "convex/server";
import type { PropertyValidators } from "convex/values";
import { describe, expect, expectTypeOf, test, vi } from "vitest";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";
import { defineCodexHost, resolveActorFromAuth, type CodexHostOptions, type HostActorContext } from "../../js-wrapper/host/convex.js";
import { shownSha256Of } from "../../js-wrapper/mapping/index.js";
import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";
import type { CodexMessagesPage } from "../../js-wrapper/react/types.js";
import { codexLocal, startApp, type App } from "./app.js";
import { agentMessage, reasoning, refusal, SESSION, STREAM, THREAD, TURN, TurnStream } from "./build.js";

const ANN = { subject: "ann", issuer: "https://id.test", tokenIdentifier: "https://id.test|ann", sid: "browser" } satisfies Partial<UserIdentity>;
const BOB = { ...ANN, subject: "bob", tokenIdentifier: "https://id.test|bob" };
const paginationOpts = { cursor: null, numItems: 50 };
const RUNTIME = { runtimeId: "rt", generation: 1 };
const ASKED = { itemId: "cmd", requestId: 0, method: "item/commandExecution/requestApproval", payloadJson: '{"command":"ls"}', requestedAt: 1 };

const define = (options: Partial<CodexHostOptions> = {}) => defineCodexHost(codexLocal, { actor: resolveActorFromAuth, ...options });
const chat = define();
type Chat = ApiFromModules<{ chat: typeof chat }>["chat"];
const host = anyApi["chat"] as unknown as Chat;

/** The functions that take a bridge's credential. */
const OF_BRIDGES = {
  ensureThread: { threadId: THREAD },
  resolveThread: { externalThreadId: "ext" },
  ensureSession: { sessionId: SESSION, threadId: THREAD },
  heartbeat: { sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 },
  ingestBatch: { sessionId: SESSION, threadId: THREAD, deltas: new TurnStream().whole() },
  upsertPendingServerRequestForHooks: { threadId: THREAD, turnId: TURN, ...ASKED },
  resolvePendingServerRequestForHooks: { threadId: THREAD, requestId: 0, status: "expired", resolvedAt: 1 },
  listPendingServerRequestsForBridge: {},
  forkThread: { threadId: THREAD, newThreadId: "fork" },
  revertThreadForBridge: { threadId: THREAD, turnId: TURN },
  importHistory: { sessionId: SESSION, threadId: THREAD, position: { turn: 0, item: 0 }, turns: [], atEnd: true },
  getImportStatusForBridge: { threadId: THREAD },
  listOpenCommandsForBridge: { threadId: THREAD },
  leaseCommands: { ...RUNTIME, threadId: THREAD, limit: 1 },
  reportCommand: { commandId: "c", leaseToken: "l", state: "delivered" },
  beatPresence: { ...RUNTIME, phase: "ready", threads: [] },
} as const;

type Registered = { isQuery?: true; exportArgs: () => string };
const argsOf = (name: string) => Object.keys((JSON.parse((chat as unknown as Record<string, Registered>)[name]!.exportArgs()) as { value: object }).value);

/** Ann's browser, her bridge's token, and what her bridge has told so far. */
async function working(options: Partial<CodexHostOptions> = {}) {
  const app = startApp({ chat: define(options) });
  const ann = app.withIdentity(ANN);
  const { token: deviceToken } = await ann.mutation(host.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() });
  await app.mutation(host.ensureThread, { deviceToken, threadId: THREAD });
  await app.mutation(host.ensureSession, { deviceToken, sessionId: SESSION, threadId: THREAD, ...RUNTIME });
  return { app, ann, deviceToken };
}

async function tell(app: App, deviceToken: string, deltas: FunctionArgs<Chat["ingestBatch"]>["deltas"]) {
  const answer = await app.mutation(host.ingestBatch, { deviceToken, sessionId: SESSION, threadId: THREAD, deltas });
  expect(answer).toMatchObject({ status: "ok", errors: [] });
}

/** Every row of the component, as its bookkeeping has them. */
const messagesOf = async (reader: Pick<App, "query">, threadId = THREAD) =>
  (await reader.query(host.listThreadMessagesForHooks, { threadId, paginationOpts })).page.map(({ text }) => text);

describe("nobody says who they are", () => {
  test("no function takes an actor, tenant, user or device, and no bridge's an option of what is kept", () => {
    for (const name of Object.keys(chat)) {
      expect(argsOf(name).filter((arg) => ["actor", "tenantId", "userId", "issuedBy"].includes(arg)), name).toEqual([]);
      expect(argsOf(name).includes("deviceToken"), name).toBe(name in OF_BRIDGES);
    }
    expect(Object.keys(OF_BRIDGES).filter((name) => argsOf(name).includes("runtime"))).toEqual([]);
    // The device that a token is for, and it alone, is its user's to name.
    expect(Object.keys(chat).filter((name) => argsOf(name).includes("deviceId"))).toEqual(["issueDeviceToken"]);
  });

  test("an actor in the arguments is refused", async () => {
    const { ann } = await working();
    const given = { threadId: THREAD, paginationOpts, actor: { tenantId: "default", userId: BOB.tokenIdentifier, deviceId: "d" } };
    await expect(ann.query(host.listThreadMessagesForHooks, given)).rejects.toThrow();
  });

  test("who is signed in reads what is theirs alone, and who is not reads nothing", async () => {
    const { app, ann, deviceToken } = await working();
    await tell(app, deviceToken, new TurnStream().whole());
    expect(await messagesOf(ann)).toEqual(["Hello.", "Say hello."]);
    expect(await app.withIdentity(BOB).query(host.listThreadMessagesForHooks, { threadId: THREAD, paginationOpts })).toMatchObject({ page: [], threadStatus: "missing" });
    await app.mutation(host.ensureThread, { deviceToken, threadId: "agent", parentThreadId: THREAD });
    expect((await ann.query(host.listThreadsForHooks, { parentThreadId: THREAD, paginationOpts })).page).toMatchObject([{ threadId: "agent", parentThreadId: THREAD }]);
    expect(await app.withIdentity(BOB).query(host.listThreadsForHooks, { parentThreadId: THREAD, paginationOpts })).toMatchObject({ page: [], threadStatus: "missing" });
    expect((await refusal(app.query(host.listThreadMessagesForHooks, { threadId: THREAD, paginationOpts }))).code).toBe("E_AUTH_SIGNED_OUT");
  });
});

describe("readers are not bridges", () => {
  const names = Object.keys(OF_BRIDGES) as (keyof typeof OF_BRIDGES)[];
  const call = (as: Pick<App, "query" | "mutation">, name: keyof typeof OF_BRIDGES, deviceToken?: string) => {
    const args = { ...OF_BRIDGES[name], ...(deviceToken === undefined ? {} : { deviceToken }) };
    const reference = `chat:${name}`;
    return (chat[name] as unknown as Registered).isQuery === true
      ? as.query(makeFunctionReference<"query">(reference), args)
      : as.mutation(makeFunctionReference<"mutation">(reference), args);
  };

  test.each(names)("%s: who is signed in has no token, a made-up one, a revoked one or one that expired, and is refused", async (name) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const { ann } = await working();
      const issue = (ttlMs: number) => ann.mutation(host.issueDeviceToken, { deviceId: "d", entropy: createDeviceEntropy(), ttlMs });
      const [revoked, expired] = [await issue(600_000), await issue(60_000)];
      await ann.mutation(host.revokeDeviceToken, { tokenId: revoked.tokenId });
      vi.setSystemTime(expired.expiresAt);
      for (const token of [undefined, "", "cdxd_".padEnd(69, "0"), revoked.token, expired.token, revoked.tokenId]) {
        expect(await refusal(call(ann, name, token)), String(token)).toMatchObject({ code: "E_AUTH_DEVICE_FORBIDDEN", retryable: false });
      }
    } finally {
      vi.useRealTimers();
    }
  });

  test.each(names)("%s: a bridge with a token is heard, signed in or not", async (name) => {
    const { app, deviceToken } = await working();
    const answer = await call(app, name, deviceToken).then(
      () => "answered",
      (error: unknown) => (error as { data: { code: string } }).data.code,
    );
    const found: Partial<Record<string, string>> = { resolvePendingServerRequestForHooks: "E_REQUEST_NOT_FOUND", reportCommand: "E_COMMAND_NOT_FOUND", revertThreadForBridge: "E_AUTH_TURN_FORBIDDEN" };
    expect(answer).toBe(found[name] ?? "answered");
  });

  test("a token is of its user's threads, and of its device", async () => {
    const { app, ann, deviceToken } = await working();
    const bobs = await app.withIdentity(BOB).mutation(host.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() });
    const theirs = { deviceToken: bobs.token, sessionId: SESSION, threadId: THREAD };
    expect((await refusal(app.mutation(host.ensureSession, theirs))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    expect((await refusal(app.mutation(host.ensureThread, { deviceToken: bobs.token, threadId: "agent", parentThreadId: THREAD }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    expect((await refusal(app.mutation(host.resolveThread, { deviceToken: bobs.token, externalThreadId: "agent", parentThreadId: THREAD }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    const phone = await ann.mutation(host.issueDeviceToken, { deviceId: "phone", entropy: createDeviceEntropy() });
    const stolen = await app.mutation(host.ingestBatch, { deviceToken: phone.token, sessionId: SESSION, threadId: THREAD, deltas: new TurnStream().whole() });
    expect(stolen).toMatchObject({ status: "rejected", errors: [{ code: "SESSION_DEVICE_MISMATCH" }] });
    await app.mutation(host.beatPresence, { deviceToken, ...RUNTIME, phase: "ready", threads: [] });
    expect(await ann.query(host.listPresence, {})).toMatchObject([{ runtimeId: "rt", deviceId: "laptop" }]);
  });

  test("a token opens nothing that is for people", async () => {
    const { app, deviceToken } = await working();
    expect((await refusal(app.mutation(host.revokeDeviceToken, { tokenId: "none" }))).code).toBe("E_AUTH_SIGNED_OUT");
    await expect(app.query(host.listDeviceTokens, { deviceToken } as never)).rejects.toThrow();
  });

  test("an app's own check takes the token's place", async () => {
    const bridge = async (ctx: Parameters<typeof resolveActorFromAuth>[0], { deviceToken }: { deviceToken: string | undefined }) => {
      const actor = await resolveActorFromAuth(ctx, { deviceId: "from the app" });
      if (deviceToken !== "open") throw new Error("not a bridge");
      return actor;
    };
    const app = startApp({ chat: define({ bridge }) });
    const ann = app.withIdentity(ANN);
    await expect(ann.mutation(host.ensureThread, { threadId: THREAD })).rejects.toThrow("not a bridge");
    await ann.mutation(host.ensureThread, { threadId: THREAD, deviceToken: "open" });
    await ann.mutation(host.beatPresence, { deviceToken: "open", ...RUNTIME, phase: "ready", threads: [] });
    expect(await ann.query(host.listPresence, {})).toMatchObject([{ deviceId: "from the app" }]);
  });
});

describe("the server says what is kept and how much is read", () => {
  const thought = () => {
    const turn = new TurnStream();
    const events = [turn.started(), turn.itemStarted(reasoning("r", [], [])), turn.event("item/reasoning/textDelta", { itemId: "r", delta: "raw thought", contentIndex: 0 })];
    return [...events, turn.itemStarted(agentMessage("m", "")), ...Array.from({ length: 120 }, () => turn.text("m", "w"))];
  };
  const live = async (options: Partial<CodexHostOptions>, runtime?: FunctionArgs<Chat["listThreadMessagesForHooks"]>["runtime"]) => {
    const { app, ann, deviceToken } = await working(options);
    await tell(app, deviceToken, thought());
    const asked = { threadId: THREAD, paginationOpts: { cursor: null, numItems: 0 }, streamArgs: { kind: "deltas" as const, cursors: [{ streamId: STREAM, cursor: 0 }] } };
    const { streams } = await ann.query(host.listThreadMessagesForHooks, { ...asked, ...(runtime === undefined ? {} : { runtime }) });
    return streams?.kind === "deltas" ? streams.deltas.map(({ kind }) => kind) : expect.fail("no deltas");
  };

  test("a bridge cannot ask for raw reasoning to be kept, the server can", async () => {
    const { app, deviceToken } = await working();
    const runtime = { exposeRawReasoningDeltas: true, saveStreamDeltas: true };
    const asked = { deviceToken, sessionId: SESSION, threadId: THREAD, deltas: thought(), runtime };
    await expect(app.mutation(host.ingestBatch, asked)).rejects.toThrow();
    expect(await live({})).not.toContain("item/reasoning/textDelta");
    expect(await live({ includeRaw: true })).not.toContain("item/reasoning/textDelta");
    expect(await live({ includeRaw: true, ingest: runtime })).toContain("item/reasoning/textDelta");
    expect(await live({ ingest: runtime })).not.toContain("item/reasoning/textDelta");
  });

  test("a reader asks for less, never for more", async () => {
    const kept = { ingest: { saveStreamDeltas: true } };
    expect(await live(kept)).toHaveLength(100);
    expect(await live(kept, { maxDeltasPerStreamRead: 1_000, maxDeltasPerRequestRead: 4_000 })).toHaveLength(100);
    expect(await live(kept, { maxDeltasPerStreamRead: 7 })).toHaveLength(7);
    expect(await live(kept, { maxDeltasPerRequestRead: 5 })).toHaveLength(5);
    expect(await live(kept, { maxDeltasPerStreamRead: Number.NaN })).toHaveLength(100);
    const read = { maxDeltasPerStreamRead: 110 };
    expect(await live({ ...kept, read }, { maxDeltasPerStreamRead: 111 })).toHaveLength(110);
    for (const wished of [-Infinity, Infinity, Number.NaN]) {
      const few = { maxDeltasPerStreamRead: 7, maxDeltasPerRequestRead: 5 };
      expect(await live({ ...kept, read: few }, { maxDeltasPerStreamRead: wished, maxDeltasPerRequestRead: wished }), String(wished)).toHaveLength(5);
      // What the server says so is none of its own: the default holds.
      expect(await live({ ...kept, read: { maxDeltasPerStreamRead: wished } }, { maxDeltasPerStreamRead: 111 }), String(wished)).toHaveLength(100);
    }
    expect(await live({ ...kept, read, includeRaw: true }, { exposeRawReasoningDeltas: true })).not.toContain("item/reasoning/textDelta");
  });

  test("raw reasoning is shown where the reader asks and the server consents", async () => {
    const raw = async (options: Partial<CodexHostOptions>, includeRaw?: boolean) => {
      const { app, ann, deviceToken } = await working({ ingest: { exposeRawReasoningDeltas: true }, ...options });
      const turn = new TurnStream();
      await tell(app, deviceToken, [turn.started(), turn.itemCompleted(reasoning("r", ["summary"], ["raw"]))]);
      const { page } = await ann.query(host.listThreadReasoningForHooks, { threadId: THREAD, paginationOpts, ...(includeRaw === undefined ? {} : { includeRaw }) });
      return page.map(({ text }) => text).sort();
    };
    expect([await raw({}), await raw({}, true), await raw({ includeRaw: true })]).toEqual([["summary"], ["summary"], ["summary"]]);
    expect(await raw({ includeRaw: true }, false)).toEqual(["summary"]);
    expect(await raw({ includeRaw: true }, true)).toEqual(["raw", "summary"]);
    expect(await raw({ includeRaw: true, ingest: {} }, true)).toEqual(["summary"]);
  });

  test("and of one turn alone", async () => {
    const { app, ann, deviceToken } = await working({ ingest: { saveStreamDeltas: true }, read: { maxDeltasPerRequestRead: 50 } });
    await tell(app, deviceToken, thought());
    const resume = async (runtime?: object) => (await ann.query(host.resumeStreamReplay, { threadId: THREAD, turnId: TURN, fromCursor: 0, ...(runtime === undefined ? {} : { runtime }) }))?.deltas.length;
    expect([await resume(), await resume({ maxDeltasPerRequestRead: 51 }), await resume({ maxDeltasPerRequestRead: 49 })]).toEqual([50, 50, 49]);
    expect(await app.withIdentity(BOB).query(host.resumeStreamReplay, { threadId: THREAD, turnId: TURN, fromCursor: 0 })).toBeNull();
  });
});

describe("an approval is of what was shown", () => {
  const respond = async (more: object) => {
    const { app, ann, deviceToken } = await working();
    await tell(app, deviceToken, [new TurnStream().started()]);
    await app.mutation(host.upsertPendingServerRequestForHooks, { deviceToken, threadId: THREAD, turnId: TURN, ...ASKED });
    const { page } = await ann.query(host.listPendingApprovalsForHooks, { threadId: THREAD, paginationOpts });
    expect(page.map(({ payloadJson }) => payloadJson)).toEqual([ASKED.payloadJson]);
    const given = { threadId: THREAD, turnId: TURN, itemId: ASKED.itemId, decision: "accepted" as const, ...more };
    const answer = await ann.mutation(host.respondApprovalForHooks, given).then(
      () => "stored",
      (error: unknown) => (error as { data: { code: string } }).data.code,
    );
    const requests = await ann.query(host.listPendingServerRequestsForHooks, {});
    return [answer, ...requests.map(({ status, decidedByDevice }) => [status, decidedByDevice])];
  };

  test.each([
    ["accepted without saying so", {}, "E_APPROVAL_CHANGED"],
    ["accepted as another", { shownSha256: "0".repeat(64) }, "E_APPROVAL_CHANGED"],
    ["decided otherwise without saying so", { decision: { json: '"acceptForSession"' } }, "E_APPROVAL_CHANGED"],
    ["decided with what is no JSON", { decision: { json: "decline" } }, "E_APPROVAL_NOT_OFFERED"],
    ["declined as another", { decision: "declined", shownSha256: "0".repeat(64) }, "E_APPROVAL_CHANGED"],
  ])("%s it is refused, and waits on", async (_, more, code) => {
    expect(await respond(more)).toEqual([code, ["pending", undefined]]);
  });

  test.each(["declined", { json: '"decline"' }, { json: ' "cancel" ' }])("by %j it lets nothing happen: it is stored without", async (decision) => {
    expect(await respond({ decision })).toEqual(["stored", ["answering", "browser"]]);
  });

  test("as it was shown it is stored, with the device of who decided", async () => {
    expect(await respond({ shownSha256: await shownSha256Of(ASKED.payloadJson) })).toEqual(["stored", ["answering", "browser"]]);
  });

  test("by a command too", async () => {
    const { app, ann, deviceToken } = await working();
    await tell(app, deviceToken, [new TurnStream().started()]);
    await app.mutation(host.upsertPendingServerRequestForHooks, { deviceToken, threadId: THREAD, turnId: TURN, ...ASKED });
    const decide = (more: object) =>
      ann.mutation(host.sendCommand, { threadId: THREAD, commandId: "c", kind: "decide", payloadJson: JSON.stringify({ requestId: 0, decision: "accept", ...more }) });
    for (const more of [{}, { decision: "acceptForSession" }, { shownSha256: "0".repeat(64) }]) expect((await refusal(decide(more))).code).toBe("E_APPROVAL_CHANGED");
    const lease = () => app.mutation(host.leaseCommands, { deviceToken, ...RUNTIME, threadId: THREAD, limit: 1 });
    expect(await lease()).toEqual([]);
    expect(await ann.query(host.listPendingServerRequestsForHooks, {})).toMatchObject([{ status: "pending" }]);
    const shown = { shownSha256: await shownSha256Of(ASKED.payloadJson) };
    await decide(shown);
    expect((await lease()).map(({ payloadJson }) => JSON.parse(payloadJson) as object)).toEqual([{ requestId: 0, decision: "accept", ...shown }]);
  });

  test("declined it needs no word of it", async () => {
    expect(await respond({ decision: "declined" })).toEqual(["stored", ["answering", "browser"]]);
  });
});

describe("what is gone stays gone", () => {
  test("for its bridge, which is told so, and for whoever makes it again", async () => {
    vi.useFakeTimers();
    try {
      const { app, ann, deviceToken } = await working();
      const turn = new TurnStream();
      await tell(app, deviceToken, turn.whole());
      await ann.mutation(host.deleteThread, { threadId: THREAD });
      expect(await messagesOf(ann)).toEqual([]);
      // And no further: the token has its end too.
      await app.finishAllScheduledFunctions(() => vi.advanceTimersByTime(1));
      const late = await app.mutation(host.ingestBatch, { deviceToken, sessionId: SESSION, threadId: THREAD, deltas: [turn.started()] });
      expect(late).toMatchObject({ status: "rejected", errors: [{ errorCode: "E_THREAD_DELETED", recoverable: false }] });
      expect((await refusal(app.mutation(host.ensureThread, { deviceToken, threadId: THREAD }))).code).toBe("E_THREAD_DELETED");
      expect((await refusal(ann.mutation(host.createThread, { threadId: THREAD }))).code).toBe("E_THREAD_DELETED");
    } finally {
      vi.useRealTimers();
    }
  });

  test("with all of a user's go the tokens of their machines", async () => {
    vi.useFakeTimers();
    try {
      const { app, ann, deviceToken } = await working();
      await ann.mutation(host.purgeData, {});
      await app.finishAllScheduledFunctions(() => vi.runAllTimers());
      expect(await ann.query(host.listDeviceTokens, {})).toEqual([]);
      expect((await refusal(app.mutation(host.ensureThread, { deviceToken, threadId: "th_2" }))).code).toBe("E_AUTH_DEVICE_FORBIDDEN");
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("bounds", () => {
  test("of a user's commands and tokens are that user's alone", async () => {
    const { app, ann } = await working();
    const send = (commandId: string) => ann.mutation(host.sendCommand, { threadId: THREAD, commandId, kind: "turn", payloadJson: '{"input":[{"type":"text","text":"a"}]}' });
    for (let at = 0; at < 100; at++) await send(`c${String(at)}`);
    expect((await refusal(send("one more"))).code).toBe("E_QUOTA");
    for (let at = 1; at < 50; at++) await ann.mutation(host.issueDeviceToken, { deviceId: "d", entropy: createDeviceEntropy() });
    expect((await refusal(ann.mutation(host.issueDeviceToken, { deviceId: "d", entropy: createDeviceEntropy() }))).code).toBe("E_QUOTA");
    await app.withIdentity(BOB).mutation(host.issueDeviceToken, { deviceId: "d", entropy: createDeviceEntropy() });
  });
});

describe("the actor of who is signed in", () => {
  const resolve = (identity: Partial<UserIdentity> | undefined, options?: Parameters<typeof resolveActorFromAuth>[1]) => {
    const app = startApp();
    const as = identity === undefined ? app : app.withIdentity(identity);
    return as.mutation((ctx): Promise<HostActorContext> => resolveActorFromAuth(ctx, options));
  };

  test("is their token's identifier, their session, and the app's one tenant", async () => {
    expect(await resolve(ANN)).toEqual({ tenantId: "default", userId: ANN.tokenIdentifier, deviceId: "browser" });
    const { sid: _, ...without } = ANN;
    expect(await resolve(without)).toEqual({ tenantId: "default", userId: ANN.tokenIdentifier, deviceId: "web" });
  });

  test("is mapped as the app says", async () => {
    const options = { tenantId: ({ org }: UserIdentity) => org, userId: ({ subject }: UserIdentity) => subject, deviceId: "kiosk" };
    expect(await resolve({ ...ANN, org: "acme" }, options)).toEqual({ tenantId: "acme", userId: "ann", deviceId: "kiosk" });
    expect(await resolve(ANN, { tenantId: "one" })).toMatchObject({ tenantId: "one" });
  });

  test.each([
    ["tenantId", { tenantId: ({ org }: UserIdentity) => org }],
    ["tenantId", { tenantId: "" }],
    ["userId", { userId: () => 7 }],
    ["userId", { userId: () => "" }],
    ["deviceId", { deviceId: () => null }],
  ])("has a text for its %s, or is none", async (field, options) => {
    expect(await refusal(resolve(ANN, options))).toMatchObject({ code: "E_AUTH_ACTOR_INVALID", field });
  });

  test("is none where nobody is signed in", async () => {
    expect(await refusal(resolve(undefined))).toMatchObject({ code: "E_AUTH_SIGNED_OUT", message: expect.stringMatching(/^\[E_AUTH_SIGNED_OUT\] /) as string });
  });
});

describe("an app's own builders", () => {
  test("make the functions", async () => {
    const seen: string[] = [];
    const mutation = (definition: { args: PropertyValidators; handler: (ctx: never, args: never) => unknown }) =>
      mutationGeneric({ ...definition, handler: async (ctx, args) => [seen.push("wrapped"), await definition.handler(ctx as never, args as never)][1] });
    const app = startApp({ chat: define({ mutation }) });
    await app.withIdentity(ANN).mutation(host.createThread, { threadId: THREAD });
    expect(seen).toEqual(["wrapped"]);
    expect(await messagesOf(app.withIdentity(ANN))).toEqual([]);
  });
});

test("the functions have the types that hooks and bridge expect", () => {
  expectTypeOf<FunctionReturnType<Chat["listThreadMessagesForHooks"]>>().toExtend<CodexMessagesPage>();
  expectTypeOf<{ deltas: NormalizedEvent[] }>().toExtend<Pick<FunctionArgs<Chat["ingestBatch"]>, "deltas">>();
  expectTypeOf<FunctionArgs<Chat["listThreadMessagesForHooks"]>>().toHaveProperty("threadId").toEqualTypeOf<string>();
  expectTypeOf<FunctionArgs<Chat["ensureSession"]>["deviceToken"]>().toEqualTypeOf<string | undefined>();
  expectTypeOf<"actor">().not.toExtend<keyof FunctionArgs<Chat["ensureSession"]>>();
  expectTypeOf<FunctionReturnType<Chat["issueDeviceToken"]>["token"]>().toEqualTypeOf<string>();
});
