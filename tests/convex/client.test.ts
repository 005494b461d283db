/** `./client` on the real component, called across its border from an app's function. */
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import type { FunctionReturnType } from "convex/server";
import * as client from "../../js-wrapper/client/index.js";
import type { CodexMessageDoc, CodexMutationRunner, CodexQueryRunner } from "../../js-wrapper/client/index.js";
import type { api } from "../../convex/_generated/api.js";
import { codexLocal, startApp, type App, type AppCtx } from "./app.js";
import { batch, lifecycle, OWNER as actor, reasoning, refusal, STREAM, THREAD as threadId, TURN as turnId, TurnStream } from "./build.js";

const inThread = { actor, threadId };
const inTurn = { ...inThread, turnId };
const paginationOpts = { cursor: null, numItems: 10 };
const COUNTS = { totalTokens: 7, inputTokens: 6, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0 };

type Call<Args, Answer> = (ctx: AppCtx, component: typeof codexLocal, args: Args) => Promise<Answer>;

/** Calls a client function from a mutation of the app. */
function within(app: App) {
  return <Args, Answer>(call: Call<Args, Answer>, args: Args): Promise<Answer> => app.run((ctx) => call(ctx as unknown as AppCtx, codexLocal, args));
}

/** A thread with a turn that says "Hello." and goes on. */
async function working() {
  const app = startApp();
  const call = within(app);
  expect(await call(client.createThread, { ...inThread, model: "gpt", cwd: undefined })).toEqual({ threadId });
  const started = { ...inTurn, input: [{ type: "text", text: "Say hello." }], idempotencyKey: "key", options: { effort: "low" as const } };
  expect(await call(client.startTurn, started)).toEqual({ turnId, accepted: true });
  const turn = new TurnStream();
  const usage = turn.event("thread/tokenUsage/updated", { tokenUsage: { total: COUNTS, last: COUNTS } });
  const events = [turn.started(), ...turn.prompt("Say hello."), ...turn.reply("msg_1", ["Hel", "lo."]), usage];
  const ingested = await app.run((ctx) => ctx.runMutation(codexLocal.sync.ingestSafe, batch(events, [lifecycle(0, "thread/name/updated", { threadName: "named" })])));
  expect(ingested).toMatchObject({ errors: [] });
  return { app, call };
}

describe("threads", () => {
  it("are made, resolved, read, named, listed, archived and taken up again", async () => {
    const { call } = await working();
    expect(await call(client.getThread, inThread)).toMatchObject({ threadId, status: "active", name: "named", model: "gpt", usage: { total: COUNTS } });
    expect(await call(client.renameThread, { ...inThread, name: "other" })).toBeNull();
    expect(await call(client.getThread, inThread)).toHaveProperty("name", "other");
    expect(await call(client.archiveThread, inThread)).toEqual({ threadId, status: "archived" });
    expect(await call(client.getThreadState, inThread)).toHaveProperty("threadStatus", "archived");
    expect(await call(client.unarchiveThread, inThread)).toEqual({ threadId, status: "active" });
    expect(await call(client.archiveThread, inThread)).toHaveProperty("status", "archived");
    expect(await call(client.resumeThread, inThread)).toEqual({ threadId, status: "active" });
    const made = await call(client.resolveThread, { actor, externalThreadId: "external" });
    expect(made).toMatchObject({ externalThreadId: "external", created: true });
    expect(await call(client.resolveThread, { actor, externalThreadId: "external" })).toEqual({ ...made, created: false });
    expect(await call(client.resolveThreadByExternalId, { actor, externalThreadId: "external" })).toEqual({ threadId: made.threadId, externalThreadId: "external" });
    expect(await call(client.resolveThreadByExternalId, { actor, externalThreadId: "other" })).toBeNull();
    expect(await call(client.getExternalThreadMapping, { actor, threadId: made.threadId })).toEqual({ threadId: made.threadId, externalThreadId: "external" });
    expect(await call(client.getExternalThreadMapping, inThread)).toBeNull();
    const { page } = await call(client.listThreads, { actor, paginationOpts });
    expect(page.map((thread) => thread.threadId).sort()).toEqual([made.threadId, threadId].sort());
    expect(await call(client.listTokenUsage, { ...inThread, paginationOpts })).toMatchObject({ page: [{ turnId, total: COUNTS }], thread: { last: COUNTS } });
  });

  it("and turns are deleted and taken back", async () => {
    vi.useFakeTimers();
    try {
      const { app, call } = await working();
      const { deletionJobId } = await call(client.scheduleThreadDeletion, { ...inThread, delayMs: 60_000 });
      expect(await call(client.getDeletionJobStatus, { actor, deletionJobId })).toMatchObject({ kind: "thread", status: "scheduled", threadId });
      expect(await call(client.cancelScheduledDeletion, { actor, deletionJobId })).toEqual({ deletionJobId, cancelled: true });
      const turn = await call(client.scheduleTurnDeletion, { ...inTurn, reason: undefined });
      await call(client.forceRunScheduledDeletion, { actor, deletionJobId: turn.deletionJobId });
      await call(client.deleteTurn, inTurn);
      const purge = await call(client.schedulePurgeActorData, { actor, delayMs: 60_000 });
      expect(await call(client.getDeletionJobStatus, { actor, deletionJobId: purge.deletionJobId })).toMatchObject({ kind: "actor", status: "scheduled" });
      expect((await call(client.purgeActorData, { actor })).deletionJobId).toBe(purge.deletionJobId);
      await app.finishAllScheduledFunctions(() => vi.runAllTimers());
      expect(await call(client.listThreads, { actor, paginationOpts })).toHaveProperty("page", []);
      expect(await refusal(call(client.deleteThread, inThread))).toHaveProperty("code", "E_THREAD_DELETED");
    } finally {
      vi.useRealTimers();
    }
  });

  it("go back to a turn", async () => {
    const { call } = await working();
    expect(await call(client.revertThread, inTurn)).toEqual({});
  });
});

describe("turns", () => {
  it("are read with their messages and what is live, and end", async () => {
    const { call } = await working();
    const texts = (messages: CodexMessageDoc[]) => messages.map(({ text }) => text);
    expect(texts((await call(client.listMessages, { ...inThread, paginationOpts })).page)).toEqual(["Hello.", "Say hello."]);
    expect(texts(await call(client.listTurnMessages, inTurn))).toEqual(["Say hello.", "Hello."]);
    expect(await call(client.getTurn, inTurn)).toMatchObject({ turnId, status: "inProgress", usage: { total: COUNTS } });
    const replayed = await call(client.replayStreams, { ...inThread, streamCursorsById: [{ streamId: STREAM, cursor: 0 }], runtime: undefined });
    expect(replayed.texts.map(({ text }) => text).join("")).toBe("Hello.");
    expect(replayed.nextCheckpoints).toEqual([{ streamId: STREAM, cursor: 8 }]);
    const resumed = await call(client.resumeStreamReplay, { ...inTurn, fromCursor: 0 });
    expect(resumed).toMatchObject({ streamWindow: { streamId: STREAM, status: "ok" }, nextCursor: 8 });
    expect(resumed.texts.map(({ text }) => text).join("")).toBe("Hello.");
    expect([...resumed.deltas, ...resumed.texts].some((row) => "streamId" in row)).toBe(false);
    expect(await call(client.interruptTurn, { ...inTurn, reason: "enough" })).toBeNull();
    expect(await call(client.getTurn, inTurn)).toMatchObject({ status: "interrupted", error: "enough" });
  });
});

describe("what was thought, what is long and what was malformed", () => {
  it("is read", async () => {
    const { app, call } = await working();
    const turn = new TurnStream();
    turn.cursor = 8;
    const events = [turn.itemCompleted(reasoning("r", ["one"], [])), turn.raw("error", "{")];
    await app.run((ctx) => ctx.runMutation(codexLocal.sync.ingestSafe, batch(events)));
    expect((await call(client.listReasoningByThread, { ...inThread, paginationOpts, includeRaw: undefined })).page).toMatchObject([{ itemId: "r", text: "one" }]);
    const message = { ...inTurn, messageId: "msg_1" };
    expect(await call(client.getMessageText, message)).toMatchObject({ text: "Hello.", isDone: true });
    expect((await call(client.getMessagePayload, message))?.text).toContain("agentMessage");
    expect((await call(client.listQuarantine, { ...inThread, paginationOpts })).page).toMatchObject([{ payloadJson: "{" }]);
    expect(await call(client.getUsage, inThread)).toMatchObject({ threads: { count: 1 }, thread: { turns: 1 } });
    expect(await call(client.dropQuarantine, inThread)).toEqual({ dropped: 1 });
  });
});

describe("requests", () => {
  it("are told of, listed, decided and ended", async () => {
    const { call } = await working();
    const asks = (requestId: number, method: string) => ({ ...inTurn, itemId: `item_${String(requestId)}`, requestId, method, payloadJson: "{}", requestedAt: 1 });
    await call(client.upsertPendingServerRequest, asks(0, "item/commandExecution/requestApproval"));
    await call(client.upsertPendingServerRequest, asks(1, "item/tool/requestUserInput"));
    expect((await call(client.listPendingApprovals, { actor, threadId: undefined, paginationOpts })).page).toMatchObject([{ requestId: 0 }]);
    expect(await call(client.listPendingServerRequests, { ...inThread, limit: 5 })).toHaveLength(2);
    expect(await call(client.respondToApproval, { ...inTurn, itemId: "item_0", decision: "declined" })).toBeNull();
    expect((await call(client.listPendingApprovals, { actor, paginationOpts })).page).toEqual([]);
    expect(await call(client.resolvePendingServerRequest, { ...inThread, requestId: 1, status: "expired", resolvedAt: 2 })).toBeNull();
    expect(await call(client.listDecidedRequests, { ...inThread, paginationOpts })).toMatchObject({ isDone: true });
    expect((await call(client.listPendingServerRequests, { actor })).map(({ requestId }) => requestId)).toEqual([0]);
  });
});

describe("device tokens", () => {
  it("are issued, listed and revoked", async () => {
    const call = within(startApp());
    const { tokenId, token } = await call(client.issueDeviceToken, { actor, deviceId: "laptop", entropy: "e".repeat(43), label: undefined });
    expect(token).toMatch(/^cdxd_/);
    expect(await call(client.listDeviceTokens, { actor })).toMatchObject([{ tokenId, deviceId: "laptop", issuedBy: actor.deviceId }]);
    expect(await call(client.revokeDeviceToken, { actor, tokenId })).toEqual({ revoked: true });
    expect(await call(client.listDeviceTokens, { actor })).toEqual([]);
  });
});

describe("every one", () => {
  it("throws what the component throws", async () => {
    const call = within(startApp());
    expect(await refusal(call(client.getThreadState, inThread))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN", message: expect.stringMatching(/^\[E_AUTH_THREAD_FORBIDDEN\] /) as string });
    expect(await refusal(call(client.interruptTurn, inTurn))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN" });
  });

  it("answers what the component's validator says", () => {
    expectTypeOf<Awaited<ReturnType<typeof client.listMessages>>["page"]>().toEqualTypeOf<FunctionReturnType<typeof api.messages.listByThread>["page"]>();
    expectTypeOf<Parameters<typeof client.listThreads>[0]>().toEqualTypeOf<CodexQueryRunner>();
    expectTypeOf<Parameters<typeof client.startTurn>[0]>().toEqualTypeOf<CodexMutationRunner>();
    expectTypeOf<{ actor: typeof actor; threadId: string; model: undefined }>().toExtend<Parameters<typeof client.createThread>[2]>();
  });

  it("is there: what the component's clients may call, and nothing of the bridge's", () => {
    expect(Object.keys(client).sort()).toEqual(NAMES.sort());
  });
});

/** The seed's, and what came since. */
const NAMES = [
  ...["listMessages", "listTurnMessages", "listPendingApprovals", "respondToApproval", "listDecidedRequests", "listPendingServerRequests", "upsertPendingServerRequest"],
  ...["resolvePendingServerRequest", "startTurn", "interruptTurn", "replayStreams", "createThread", "resolveThread", "resumeThread", "getThreadState", "listThreads"],
  ...["resumeStreamReplay", "resolveThreadByExternalId", "getExternalThreadMapping", "issueDeviceToken", "revokeDeviceToken", "listDeviceTokens", "createDeviceEntropy"],
  ...["listReasoningByThread", "getMessageText", "getMessagePayload", "listQuarantine", "dropQuarantine", "getUsage"],
  ...["getThread", "getTurn", "listTurns", "listTokenUsage", "archiveThread", "unarchiveThread", "renameThread", "revertThread"],
  ...["deleteThread", "scheduleThreadDeletion", "deleteTurn", "scheduleTurnDeletion", "purgeActorData", "schedulePurgeActorData"],
  ...["cancelScheduledDeletion", "forceRunScheduledDeletion", "getDeletionJobStatus"],
  ...["sendCommand", "cancelCommand", "editCommand", "promoteCommand", "getCommand", "listCommands", "listPresence", "getPresence"],
  ...["isCodexError", "parseCodexErrorCode"],
];
