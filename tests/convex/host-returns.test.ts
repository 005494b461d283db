/** What the functions of `defineCodexHost` say that they answer, and what they answer: convex-test holds each call to its `returns`. */
import { makeFunctionReference, type UserIdentity } from "convex/server";
import type { Infer, Value } from "convex/values";
import { expect, test } from "vitest";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";
import { defineCodexHost, resolveActorFromAuth, vHostReturns } from "../../js-wrapper/host/convex.js";
import { shownSha256Of } from "../../js-wrapper/mapping/index.js";
import { codexLocal, startApp } from "./app.js";
import { agentMessage, lifecycle, reasoning, SESSION, STREAM, THREAD, TURN, TurnStream } from "./build.js";

const ANN = { subject: "ann", issuer: "https://id.test", tokenIdentifier: "https://id.test|ann" } satisfies Partial<UserIdentity>;
const chat = defineCodexHost(codexLocal, { actor: resolveActorFromAuth, includeRaw: true, ingest: { saveStreamDeltas: true, exposeRawReasoningDeltas: true } });
type Name = keyof typeof chat;
type Registered = { isQuery?: true; exportReturns: () => string };
const registered = chat as unknown as Record<Name, Registered>;
const NAMES = Object.keys(chat) as Name[];

const paginationOpts = { cursor: null, numItems: 50 };
const RUNTIME = { runtimeId: "rt", generation: 1 };
const INPUT = JSON.stringify({ clientTurnId: "wish", input: [{ type: "text", text: "more" }] });
const COUNTS = { totalTokens: 7, inputTokens: 6, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0 };
const APPROVAL = { itemId: "cmd", requestId: 0, method: "item/commandExecution/requestApproval", payloadJson: '{"command":"ls"}', requestedAt: 1, reason: "why" };
const QUESTION = { itemId: "ask", requestId: 1, method: "item/tool/requestUserInput", payloadJson: '{"params":{"questions":[]}}', questionsJson: "[]", requestedAt: 1 };
const ORIGIN = { ...RUNTIME, appGeneration: 1 };

/** Events of all that a list shows. */
function told() {
  const turn = new TurnStream();
  const opening = [turn.started(), turn.event("thread/tokenUsage/updated", { tokenUsage: { total: COUNTS, last: COUNTS, modelContextWindow: 9 } })];
  const kept = [turn.event("turn/diff/updated", { diff: "d" }), turn.event("turn/plan/updated", { plan: [] }), ...turn.prompt("hello")];
  const thought = [turn.itemCompleted(reasoning("rs_1", ["summary"], ["raw"]))];
  return [...opening, ...kept, ...thought, turn.itemStarted(agentMessage("msg_1", "")), turn.text("msg_1", "hi"), turn.raw("error", "{")];
}

/** An app, and how its functions are called by a name: for people as Ann, for bridges with her machine's token. */
async function start() {
  const app = startApp({ chat });
  const ann = app.withIdentity(ANN);
  let deviceToken = "";
  const called = new Set<Name>();
  const call = async <Called extends Name>(name: Called, args: Record<string, Value | undefined> = {}) => {
    called.add(name);
    const given = ofBridge(name) ? { ...args, deviceToken } : args;
    const as = ofBridge(name) ? app : ann;
    const reference = `chat:${name}`;
    const answer: unknown = await (registered[name].isQuery === true
      ? as.query(makeFunctionReference<"query">(reference), given)
      : as.mutation(makeFunctionReference<"mutation">(reference), given));
    return answer as Infer<(typeof vHostReturns)[Called]>;
  };
  ({ token: deviceToken } = await call("issueDeviceToken", { deviceId: "laptop", label: "mine", entropy: createDeviceEntropy() }));
  return { call, called };
}
const ofBridge = (name: Name) => (registered[name] as unknown as { exportArgs: () => string }).exportArgs().includes('"deviceToken"');

test("every function has a validator of what it answers, by its name", () => {
  expect(Object.keys(vHostReturns).sort()).toEqual([...NAMES].sort());
  for (const name of NAMES) expect(JSON.parse(registered[name].exportReturns()), name).toEqual(JSON.parse(JSON.stringify((vHostReturns[name] as unknown as { json: object }).json)));
});

test("every function answers what it says: where there is some of everything", async () => {
  const { call, called } = await start();
  const inThread = { threadId: THREAD };
  const inTurn = { ...inThread, turnId: TURN };
  const message = { ...inTurn, messageId: "msg_1" };
  const page = { ...inThread, paginationOpts };
  await call("ensureThread", { ...inThread, model: "m", cwd: "/" });
  expect(await call("resolveThread", { externalThreadId: "ext", localThreadId: "th_local" })).toMatchObject({ created: true });
  const { threadId: resolved } = await call("resolveThread", { externalThreadId: "ext" });
  await call("createThread", { threadId: "th_2" });
  await call("ensureSession", { sessionId: SESSION, ...inThread, ...RUNTIME });
  await call("heartbeat", { sessionId: SESSION, ...inThread, lastEventCursor: 0 });
  await call("registerTurnStart", { ...inTurn, inputText: "hello", idempotencyKey: "k" });
  const deltas = [...told(), lifecycle(0, "thread/name/updated", { threadName: "named" })] as unknown as Value;
  expect(await call("ingestBatch", { sessionId: SESSION, ...inThread, deltas })).toMatchObject({ status: "partial", errors: [{ code: "UNKNOWN" }] });
  for (const asked of [APPROVAL, QUESTION]) await call("upsertPendingServerRequestForHooks", { ...inTurn, ...asked, ...ORIGIN });
  await call("beatPresence", { ...RUNTIME, phase: "running", login: "in", threads: [{ ...inTurn, pendingRequests: 1, outboxEvents: 1, oldestEventAt: 1 }] });
  for (const commandId of ["c_1", "c_2", "c_3"]) await call("sendCommand", { ...inThread, commandId, kind: "turn", payloadJson: INPUT.replace("wish", `wish ${commandId}`) });

  // Reads, each of something.
  for (const streamArgs of [undefined, { kind: "list" }, { kind: "deltas", cursors: [{ streamId: STREAM, cursor: 0 }] }]) {
    for (const name of ["listThreadMessagesForHooks", "listThreadReasoningForHooks"] as const) {
      const { page: rows, streams } = await call(name, { ...page, streamArgs, ...(name === "listThreadReasoningForHooks" ? { includeRaw: true } : {}) });
      expect([rows.length > 0, streams?.kind, streams?.streams.length]).toEqual([true, streamArgs?.kind, streamArgs && 1]);
    }
  }
  expect(await call("listTurnMessagesForHooks", inTurn)).toHaveLength(3);
  expect((await call("resumeStreamReplay", { ...inTurn, fromCursor: 0 }))?.deltas.length).toBeGreaterThan(0);
  expect((await call("listThreadsForHooks", { paginationOpts })).page).toHaveLength(3);
  expect(await call("threadSnapshot", inThread)).toMatchObject({ threadStatus: "active", pendingApprovals: [{ reason: "why" }], streamStats: [{}], recentMessages: [{}, {}, {}] });
  expect(await call("getThread", inThread)).toMatchObject({ name: "named", model: "m", usage: { modelContextWindow: 9 } });
  expect(await call("listTurns", inThread)).toContainEqual(expect.objectContaining({ turnId: inTurn.turnId, status: "inProgress" }));
  expect(await call("getTurn", inTurn)).toMatchObject({ diff: "d", inputSummary: "hello" });
  for (const name of ["getMessageText", "getMessagePayload"] as const) expect(await call(name, message)).toMatchObject({ isDone: true });
  expect(await call("getExternalMapping", { threadId: resolved })).toEqual({ threadId: resolved, externalThreadId: "ext" });
  expect(await call("resolveByExternalId", { externalThreadId: "ext" })).toEqual({ threadId: resolved, externalThreadId: "ext" });
  expect(await call("getUsage", inThread)).toMatchObject({ thread: { quarantine: { events: { count: 1 } } } });
  expect(await call("listTokenUsage", page)).toMatchObject({ page: [{ total: COUNTS }], thread: { total: COUNTS } });
  expect((await call("listQuarantine", page)).page).toHaveLength(1);
  expect(await call("persistenceStats", inThread)).toMatchObject({ streamCount: 1 });
  expect(await call("durableHistoryStats", inThread)).toMatchObject({ messageCountInPage: 3 });
  expect(await call("dataHygiene", inThread)).toMatchObject({ scannedStreamStats: 1 });
  expect((await call("listPendingApprovalsForHooks", page)).page).toHaveLength(1);
  for (const name of ["listPendingServerRequestsForHooks", "listPendingServerRequestsForBridge"] as const) expect(await call(name, inThread)).toHaveLength(2);
  expect(await call("getCommand", { commandId: "c_1" })).toMatchObject({ clientTurnId: "wish c_1" });
  expect((await call("listCommands", page)).page).toHaveLength(3);
  expect(await call("listOpenCommandsForBridge", inThread)).toHaveLength(3);
  expect(await call("listPresence")).toMatchObject([{ threads: [{ turnId: TURN }] }]);
  expect(await call("getPresence", inThread)).toMatchObject({ thread: "here", current: {} });
  expect(await call("listDeviceTokens")).toMatchObject([{ label: "mine" }]);

  // What people and bridges do, each to something.
  await call("editCommand", { commandId: "c_2", payloadJson: INPUT.replace("wish", "wish c_2") });
  await call("promoteCommand", { commandId: "c_2" });
  await call("cancelCommand", { commandId: "c_3" });
  await call("respondApprovalForHooks", { ...inTurn, itemId: "cmd", requestId: 0, decision: "accepted", shownSha256: await shownSha256Of(APPROVAL.payloadJson) });
  const resolution = { requestId: 1, status: "answered", resolvedAt: 2, responseJson: "{}", policy: "mine" };
  await call("resolvePendingServerRequestForHooks", { ...inThread, ...resolution, ...ORIGIN });
  expect((await call("listDecidedRequestsForHooks", page)).page).toMatchObject([{ requestId: 1, decidedByPolicy: "mine" }, { requestId: 0, decisionJson: '"accept"' }]);
  const [leased] = await call("leaseCommands", { ...RUNTIME, ...inThread, limit: 1 });
  await call("reportCommand", { commandId: leased!.commandId, leaseToken: leased!.leaseToken, state: "delivered" });
  await call("interruptTurnForHooks", { ...inTurn, reason: "enough" });
  const old = { turnId: "old", turnJson: '{"id":"old","status":"completed"}', items: [JSON.stringify(agentMessage("old", "before"))] };
  await call("importHistory", { sessionId: SESSION, ...inThread, position: { turn: 0, item: 0 }, turns: [old], atEnd: true });
  for (const name of ["getImportStatus", "getImportStatusForBridge"] as const) expect(await call(name, inThread)).toMatchObject({ status: "completed" });
  const { forkJobId } = await call("forkThread", { ...inThread, newThreadId: "th_copy", turnId: TURN, model: "m" });
  expect(await call("getForkStatus", { forkJobId })).toMatchObject({ turnId: TURN });
  await call("renameThread", { ...inThread, name: "other" });
  await call("archiveThread", inThread);
  await call("unarchiveThread", inThread);
  expect(await call("dropQuarantine", inThread)).toEqual({ dropped: 1 });
  expect(await call("revertThreadForBridge", { ...inThread, turnId: "old" })).toEqual({});
  const { deletionJobId } = await call("revertThread", inTurn);
  expect(await call("getDeletionJobStatus", { deletionJobId })).toMatchObject({ kind: "revert", turnId: TURN });
  await call("cancelDeletion", { deletionJobId });
  await call("scheduleTurnDeletion", { ...inTurn, reason: "why", delayMs: 1_000 });
  await call("deleteTurn", inTurn);
  const scheduled = await call("scheduleThreadDeletion", { ...inThread, delayMs: 1_000 });
  await call("forceDeletion", { deletionJobId: scheduled.deletionJobId });
  await call("deleteThread", { threadId: "th_2" });
  await call("purgeData", { delayMs: 1_000 });
  await call("revokeDeviceToken", { tokenId: "none" });
  expect(NAMES.filter((name) => !called.has(name))).toEqual([]);
});

test("and where there is no such thread, turn, message, command or job", async () => {
  const { call } = await start();
  const inThread = { threadId: THREAD };
  const inTurn = { ...inThread, turnId: TURN };
  const message = { ...inTurn, messageId: "m" };
  const page = { ...inThread, paginationOpts };
  for (const streamArgs of [undefined, { kind: "list" }, { kind: "deltas", cursors: [] }]) {
    for (const name of ["listThreadMessagesForHooks", "listThreadReasoningForHooks"] as const) {
      expect(await call(name, { ...page, streamArgs })).toMatchObject({ page: [], threadStatus: "missing" });
    }
  }
  for (const name of ["listQuarantine", "listPendingApprovalsForHooks", "listDecidedRequestsForHooks", "listCommands"] as const) {
    expect(await call(name, page)).toMatchObject({ page: [], threadStatus: "missing" });
  }
  expect(await call("listTokenUsage", page)).toMatchObject({ page: [], thread: null });
  for (const name of ["threadSnapshot", "getUsage"] as const) expect(await call(name, inThread)).toMatchObject({ threadStatus: "missing" });
  const nothing: [Name, Record<string, Value>][] = [
    ...(["getThread", "getImportStatus", "getExternalMapping"] as const).map((name): [Name, Record<string, Value>] => [name, inThread]),
    ...[["getTurn", inTurn], ["listTurns", inThread], ["resumeStreamReplay", { ...inTurn, fromCursor: 0 }], ["getMessageText", message], ["getMessagePayload", message]] as [Name, Record<string, Value>][],
    ...[["resolveByExternalId", { externalThreadId: "e" }], ["getCommand", { commandId: "c" }], ["getForkStatus", { forkJobId: "f" }], ["getDeletionJobStatus", { deletionJobId: "d" }]] as [Name, Record<string, Value>][],
  ];
  for (const [name, args] of nothing) expect(await call(name, args), name).toBeNull();
  for (const name of ["listTurnMessagesForHooks", "listPendingServerRequestsForHooks", "listOpenCommandsForBridge"] as const) {
    expect(await call(name, name === "listTurnMessagesForHooks" ? inTurn : inThread), name).toEqual([]);
  }
  for (const name of ["persistenceStats", "durableHistoryStats", "dataHygiene"] as const) await call(name, inThread);
  expect(await call("listPresence")).toEqual([]);
  expect(await call("getPresence", inThread)).toMatchObject({ machine: "never" });
});
