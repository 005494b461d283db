/**
 * An owner with some of everything, strangers, and every public function with what a stranger could guess for its arguments. The
 * functions are found in the component's modules, so that a new one is tried too: it fails until `GIVEN` has a value for each of its
 * arguments.
 */
import { convexToJson, type Value } from "convex/values";
import { makeFunctionReference, type FunctionReference } from "convex/server";
import { expect } from "vitest";
import type { Actor } from "../../convex/validators.js";
import { agentMessage, api, componentFunctions, dump, ingest, lifecycle, OWNER, reasoning, SESSION, STREAM, THREAD, TURN, TurnStream, type Component } from "./build.js";

export const SECRET = "the owner's words";
const EXTERNAL = "external_1";
/** Answers that are row ids, or hold some. */
const RANDOM = new Set(["continueCursor", "deletionJobId", "forkJobId", "tokenId", "token"]);
const COMMAND = "command_1";
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

const COUNTS = { totalTokens: 7, inputTokens: 6, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0 };

export const STRANGERS: [who: string, actor: Actor][] = [
  ["another user of the same tenant", { ...OWNER, userId: "bob" }],
  ["the same user id in another tenant", { ...OWNER, tenantId: "other" }],
  ["a user whose joined name is the same", { ...OWNER, tenantId: "acm", userId: "eann" }],
];

/** Who is no stranger: the owner, on a device that is not the one whose bridge writes the thread. */
export const OTHER_DEVICE: Actor = { ...OWNER, deviceId: "desk" };

/** What that device may do: read as the first one does, do what people do, tell of what is its own; and not act as the first one's bridge. */
export const OF_OTHER_DEVICE = {
  reads: [
    ...["approvals.listPending", "commands.get", "commands.list", "devices.list", "imports.getImportStatus", "messages.getByTurn", "messages.getPayload"],
    ...["messages.getText", "messages.listByThread", "presence.get", "presence.list", "quarantine.list", "reasoning.listByThread"],
    ...["readers.replay", "readers.resumeReplay", "serverRequests.listDecided", "serverRequests.listPending"],
    ...["stats.usage", "sync.replay", "sync.resumeReplay", "threads.get", "threads.getDeletionJobStatus", "threads.getExternalMapping", "threads.getForkStatus"],
    ...["threads.getState", "threads.list", "threads.resolveByExternalId", "tokenUsage.listByThread", "turns.get", "turns.list"],
  ],
  does: [
    ...["approvals.respond", "commands.cancel", "commands.edit", "commands.promote", "commands.send", "devices.issueToken", "devices.revokeToken"],
    ...["quarantine.drop", "threads.archive", "threads.cancelScheduledDeletion", "threads.create", "threads.deleteCascade", "threads.forceRunScheduledDeletion"],
    ...["threads.fork", "threads.purgeActorData", "threads.rename", "threads.resolve", "threads.resume", "threads.revert", "threads.scheduleDeleteCascade"],
    ...["threads.schedulePurgeActorData", "threads.unarchive", "turns.deleteCascade", "turns.interrupt", "turns.scheduleDeleteCascade", "turns.start"],
    // A bridge's, for whichever of the user's: it takes the thread over, or tells of it. `defineCodexHost` asks for a bridge's credential.
    ...["imports.importHistory", "serverRequests.resolve", "serverRequests.upsertPending", "sync.ensureSession", "tokenUsage.upsert"],
  ],
  itsOwn: ["sync.listCheckpoints", "sync.upsertCheckpoint"],
  refused: ["commands.lease", "commands.report", "presence.beat", "sync.heartbeat", "sync.ingest", "sync.ingestSafe"],
};

type Given = Record<string, Value | undefined>;
type Callable<Kind extends "query" | "mutation"> = FunctionReference<Kind, "public", Given, Value>;
export type Found = { name: string; args: string[]; more?: Given; call: (component: Component, given: Given) => Promise<Value> };

/** The owner's last deletion, fork and device token. */
let deletionJobId = "none";
let tokenId = "none";
let forkJobId = "none";

/** What may be left out, and asks for something else of the owner's. */
const MORE: Record<string, Record<string, Value>[]> = {
  "threads.create": [{ parentThreadId: "th_copy" }],
  "threads.resolve": [{ parentThreadId: "th_copy" }],
  "threads.list": [{ parentThreadId: "th_copy" }, { parentThreadId: null }, { summary: true }],
};

export const functions: Found[] = [];
/** The same with more arguments. */
export const functionsWithMore: Found[] = [];
export const queries: string[] = [];
for (const { name, kind, visibility, args: shape } of await componentFunctions()) {
  if (visibility !== "public") continue;
  const given = shape as { value: Record<string, { optional: boolean }> };
  const args = Object.entries(given.value).flatMap(([arg, { optional }]) => (optional && !(arg in GIVEN()) ? [] : [arg]));
  const reference = makeFunctionReference<never>(name.replace(".", ":")) as unknown;
  const call: Found["call"] = (component, given) =>
    kind === "query" ? component.query(reference as Callable<"query">, given) : component.mutation(reference as Callable<"mutation">, given);
  functions.push({ name, args, call });
  for (const more of MORE[name] ?? []) functionsWithMore.push({ name, args: [...args, ...Object.keys(more)], more, call });
  if (kind === "query") queries.push(name);
}

/** What a stranger passes: the owner's ids, and on the owner's stream an event behind its end. */
function GIVEN(): Record<string, Value> {
  const turn = new TurnStream();
  turn.cursor = 100;
  return {
    threadId: THREAD,
    turnId: TURN,
    streamId: STREAM,
    sessionId: SESSION,
    externalThreadId: EXTERNAL,
    itemId: "msg_1",
    messageId: "msg_1",
    cursor: 3,
    fromCursor: 0,
    lastEventCursor: 50,
    streamDeltas: [turn.text("msg_1", "injected"), turn.completed("failed", "injected")],
    lifecycleEvents: [lifecycle(7, "thread/name/updated", { threadName: "injected" })],
    streamCursorsById: [{ streamId: STREAM, cursor: 0 }],
    paginationOpts: { cursor: null, numItems: 50 },
    input: [{ type: "text", text: "injected" }],
    idempotencyKey: "key_1",
    total: COUNTS,
    last: COUNTS,
    reason: "injected",
    model: "injected",
    requestId: 0,
    method: "item/commandExecution/requestApproval",
    payloadJson: '{"turnId":"turn_1","input":[{"text":"injected"}]}',
    requestedAt: 1,
    resolvedAt: 1,
    status: "expired",
    responseJson: "{}",
    decision: "declined",
    deletionJobId,
    tokenId,
    token: "injected",
    deviceId: "injected",
    entropy: "e".repeat(43),
    forkJobId,
    newThreadId: "th_copy",
    position: { turn: 0, item: 0 },
    turns: [{ turnId: TURN, turnJson: JSON.stringify({ id: TURN, status: "failed" }), items: [JSON.stringify(agentMessage("injected", "injected"))] }],
    name: "injected",
    commandId: COMMAND,
    kind: "interrupt",
    runtimeId: "rt",
    generation: 1,
    limit: 10,
    leaseToken: "injected",
    state: "refused",
    phase: "ready",
    threads: [{ threadId: THREAD, turnId: TURN, pendingRequests: 1, outboxEvents: 1 }],
  };
}

/** What is called otherwise there. */
const GIVEN_TO: Record<string, Record<string, Value>> = {
  "messages.getText": { cursor: null },
  "messages.getPayload": { cursor: null },
};

export async function ownerWorks(component: Component): Promise<void> {
  await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
  await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
  await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: EXTERNAL });
  await component.run((ctx) => ctx.db.insert("bindings", { tenantId: OWNER.tenantId, userId: OWNER.userId, threadId: THREAD, externalThreadId: "external_2", updatedAt: 0 }));
  await component.mutation(api.turns.start, { actor: OWNER, threadId: THREAD, turnId: TURN, input: [{ type: "text", text: SECRET }], idempotencyKey: "key_1" });
  const turn = new TurnStream();
  const events = [turn.started(), turn.event("thread/tokenUsage/updated", { tokenUsage: { total: COUNTS, last: COUNTS } }), turn.event("turn/diff/updated", { diff: SECRET }), ...turn.prompt(SECRET), turn.itemCompleted(reasoning("rs_1", [SECRET], [])), turn.itemStarted(agentMessage("msg_1", "")), turn.text("msg_1", SECRET), turn.raw("error", "{")];
  await ingest(component, events, { runtime: { saveStreamDeltas: true } }, [lifecycle(0, "thread/name/updated", { threadName: SECRET })]);
  await component.mutation(api.sync.upsertCheckpoint, { actor: OWNER, threadId: THREAD, streamId: STREAM, cursor: 2 });
  const approval = { requestId: 0, method: "item/commandExecution/requestApproval", payloadJson: SECRET, requestedAt: 1 };
  await component.mutation(api.serverRequests.upsertPending, { actor: OWNER, threadId: THREAD, turnId: TURN, itemId: "msg_1", ...approval });
  const decided = { requestId: 9, method: "item/commandExecution/requestApproval", requestedAt: 1, payloadJson: SECRET };
  await component.mutation(api.serverRequests.upsertPending, { actor: OWNER, threadId: THREAD, turnId: TURN, itemId: "decided", ...decided });
  await component.mutation(api.approvals.respond, { actor: OWNER, threadId: THREAD, turnId: TURN, itemId: "decided", decision: "declined" });
  const payloadJson = JSON.stringify({ clientTurnId: "wish", input: [{ text: SECRET }] });
  await component.mutation(api.commands.send, { actor: OWNER, threadId: THREAD, commandId: COMMAND, kind: "turn", payloadJson });
  const threads = [{ threadId: THREAD, turnId: TURN, pendingRequests: 1, outboxEvents: 1 }];
  await component.mutation(api.presence.beat, { actor: OWNER, runtimeId: "rt", generation: 1, phase: "running", threads });
  ({ tokenId } = await component.mutation(api.devices.issueToken, { actor: OWNER, deviceId: "laptop", label: SECRET, entropy: "e".repeat(43) }));
  const old = { turnId: "old", turnJson: JSON.stringify({ id: "old", status: "completed" }), items: [JSON.stringify(agentMessage("old", SECRET))] };
  await component.mutation(api.imports.importHistory, { actor: OWNER, sessionId: SESSION, threadId: THREAD, position: { turn: 0, item: 0 }, turns: [old] });
  ({ forkJobId } = await component.mutation(api.threads.fork, { actor: OWNER, threadId: THREAD, newThreadId: "th_copy" }));
  ({ deletionJobId } = await component.mutation(api.threads.scheduleDeleteCascade, { actor: OWNER, threadId: THREAD, reason: SECRET }));
}

export async function strangerWorks(component: Component, actor: Actor): Promise<void> {
  await component.mutation(api.threads.create, { actor, threadId: THREAD });
  await component.mutation(api.sync.ensureSession, { actor, sessionId: "theirs", threadId: THREAD, lastEventCursor: 0 });
}

/** What an actor passes to a function. */
export function givenTo({ name, args, more }: Found, actor: Actor): Given {
  const all = { ...GIVEN(), ...GIVEN_TO[name], ...more, actor };
  const given = Object.fromEntries(args.map((arg) => [arg, all[arg as never] as Value | undefined]));
  for (const arg of args) expect(given[arg], `GIVEN has no value for the argument ${arg}`).toBeDefined();
  return given;
}

/** A call's answer, or the data that it is refused with; without what is random in it, and the row ids in page cursors. */
export async function answerOf(component: Component, found: Found, actor: Actor): Promise<unknown> {
  const answer = await found.call(component, givenTo(found, actor)).then(
    (value: Value) => ({ value: convexToJson(value) }),
    (error: unknown) => ({ refused: (error as { data?: unknown }).data ?? expect.fail(String(error)) }),
  );
  return JSON.parse(JSON.stringify(answer).replace(UUID, "<uuid>"), (key, value: unknown) => (RANDOM.has(key) ? `<${key}>` : value));
}

/** The rows of one user. Every row but a part says whose it is, and a part's row says its owner; a tombstone is a hash. */
export async function rowsOf(component: Component, { tenantId, userId }: Actor) {
  const { parts, tombstones: _, ...owned } = await dump(component);
  const mine = Object.values(owned).flatMap((rows: { _id: string; tenantId: string; userId: string }[]) =>
    rows.filter((row) => row.tenantId === tenantId && row.userId === userId),
  );
  const ids = new Set(mine.map(({ _id }) => _id));
  return [...mine, ...parts.filter(({ owner }) => ids.has(owner))];
}

export async function shapesOf(component: Component, actor: Actor) {
  return (await rowsOf(component, actor)).map((row) => Object.keys(row));
}

/** Whether the stranger has something of their own where they look. */
export const PREPARED: [how: string, prepare: (component: Component, stranger: Actor) => Promise<void>][] = [
  ["who has nothing", () => Promise.resolve()],
  ["through a thread of the same id of their own", strangerWorks],
];
