/** One call, or more, of every public function by the owner of a world, each of which succeeds. */
import { agentMessage, SESSION, TurnStream } from "../convex/build.js";
import { callOf, COUNTS, DONE, INPUT, LIVE, LIVE_ITEM, PAGE, RUNTIME, texts, type Name, type Place, type World } from "./world.js";
import type { CallRecord } from "../../tools/embedded-convex/index.mjs";

/** What came of a call, by its name and what is special about it. */
export interface Called {
  name: Name;
  label: string;
  record: CallRecord;
}

export async function callQueries(world: World, { actor, threadId, live, prefix }: Place = world.place): Promise<Called[]> {
  const { call, called } = caller(world);
  const of = { actor, threadId };
  const { streamId, cursor } = live;
  await call("approvals.listPending", { actor, paginationOpts: PAGE });
  await call("approvals.listPending", { ...of, paginationOpts: PAGE }, "of a thread");
  await call("commands.get", { actor, commandId: `${prefix} waits` });
  await call("commands.list", { ...of, paginationOpts: PAGE });
  await call("messages.listByThread", { ...of, paginationOpts: PAGE });
  await call("messages.listByThread", { ...of, paginationOpts: PAGE, followed: true }, "for one who follows the streams");
  await call("messages.getByTurn", { ...of, turnId: DONE });
  await call("messages.getByTurn", { ...of, turnId: LIVE }, "the turn that runs");
  await call("messages.getText", { ...of, turnId: DONE, messageId: "msg_1" });
  await call("messages.getText", { ...of, turnId: LIVE, messageId: LIVE_ITEM }, "of the turn that runs");
  await call("messages.getPayload", { ...of, turnId: DONE, messageId: "msg_1" });
  await call("reasoning.listByThread", { ...of, paginationOpts: PAGE });
  await call("reasoning.listByThread", { ...of, paginationOpts: PAGE, followed: true }, "for one who follows the streams");
  await call("quarantine.list", { ...of, paginationOpts: PAGE });
  await call("stats.usage", { actor });
  await call("stats.usage", of, "of a thread");
  await call("presence.list", { actor });
  await call("presence.get", { actor, threadId });
  await call("serverRequests.listDecided", { ...of, paginationOpts: PAGE });
  await call("serverRequests.listPending", { actor });
  await call("serverRequests.listPending", of, "of a thread");
  await call("readers.replay", { ...of, streamCursorsById: [{ streamId, cursor: cursor - 20 }] }, "the newest 20 deltas");
  await call("readers.replay", { ...of, streamCursorsById: [{ streamId, cursor: cursor - 20 }], liveOnly: true }, "for one who follows");
  await call("readers.replay", { ...of, streamCursorsById: [] }, "the list of streams");
  await call("readers.resumeReplay", { ...of, turnId: LIVE, fromCursor: cursor - 20 }, "the newest 20 deltas");
  await call("sync.replay", { ...of, streamCursorsById: [{ streamId, cursor: cursor - 20 }], liveOnly: true }, "by the seed's name");
  await call("sync.resumeReplay", { ...of, turnId: LIVE, fromCursor: cursor - 20 }, "by the seed's name");
  await call("sync.listCheckpoints", of);
  await call("threads.list", { actor, paginationOpts: PAGE });
  await call("threads.list", { actor, parentThreadId: threadId, paginationOpts: PAGE }, "of a parent");
  await call("threads.list", { actor, summary: true, paginationOpts: PAGE }, "with summaries");
  await call("threads.get", of);
  await call("threads.getState", of);
  await call("threads.resolveByExternalId", { actor, externalThreadId: `external ${threadId}` });
  await call("threads.getExternalMapping", of);
  await call("devices.list", { actor });
  await call("tokenUsage.listByThread", { ...of, paginationOpts: PAGE });
  await call("turns.get", { ...of, turnId: DONE });
  await call("turns.list", of);
  await call("turns.get", { ...of, turnId: LIVE }, "the one that runs");
  return called;
}

/** In an order in which each finds what it needs; the last ones take the place's other thread down. */
export async function callMutations(world: World, { actor, threadId, otherThreadId, live, prefix }: Place = world.place): Promise<Called[]> {
  const { call, called } = caller(world);
  const of = { actor, threadId };
  const ofOther = { actor, threadId: otherThreadId };
  const batchOf = (streamDeltas: object[]) => ({ ...of, sessionId: SESSION, streamDeltas, lifecycleEvents: [] });
  const request = { ...of, turnId: LIVE, itemId: "call_2", method: "item/tool/requestUserInput", payloadJson: "{}", requestedAt: 1, requestId: 7, ...RUNTIME };
  const approval = { ...request, itemId: "call_3", method: "item/fileChange/requestApproval", requestId: 8 };
  const [made, fresh, steer, begun] = ["made", "fresh", "steer", "begun"].map((name) => `${prefix} ${name}`) as [string, string, string, string];
  const beat = { actor, ...RUNTIME, phase: "running", threads: [{ threadId, turnId: LIVE, pendingRequests: 1, outboxEvents: 0 }] };
  await call("presence.beat", beat);
  await call("sync.heartbeat", { ...of, sessionId: SESSION, lastEventCursor: 0 });
  await call("sync.ensureSession", { ...of, sessionId: SESSION, lastEventCursor: 0, ...RUNTIME });
  await call("sync.ingestSafe", batchOf(texts(live)), "20 text deltas");
  await call("sync.ingest", batchOf(texts(live)), "20 text deltas");
  await call("sync.ingestSafe", batchOf([live.itemStarted(agentMessage("msg_next", ""))]), "an item begins");
  await call("sync.ingestSafe", batchOf([live.itemCompleted(agentMessage("msg_next", "Done."))]), "an item ends");
  const first = new TurnStream({ threadId: begun, turnId: LIVE });
  const opening = { actor, threadId: begun, sessionId: `${prefix} session`, lifecycleEvents: [], streamDeltas: [first.started(), ...first.prompt("Go.")] };
  await call("sync.ingestSafe", opening, "a thread begins");
  await call("sync.upsertCheckpoint", { ...of, streamId: live.streamId, cursor: 5 });
  await call("serverRequests.upsertPending", request);
  await call("serverRequests.resolve", { ...of, requestId: 7, status: "expired", resolvedAt: 2, ...RUNTIME });
  await call("approvals.respond", { ...of, turnId: LIVE, itemId: "call_1", requestId: 0, decision: "accepted" });
  await call("tokenUsage.upsert", { ...of, turnId: DONE, total: COUNTS, last: COUNTS });
  await call("quarantine.drop", of);
  await call("commands.send", { ...of, commandId: fresh, kind: "turn", payloadJson: JSON.stringify({ input: INPUT }) });
  await call("commands.edit", { actor, commandId: fresh, payloadJson: JSON.stringify({ input: INPUT, model: "m" }) });
  await call("commands.promote", { actor, commandId: fresh });
  await call("commands.cancel", { actor, commandId: fresh });
  await call("commands.send", { ...of, commandId: steer, kind: "steer", payloadJson: JSON.stringify({ expectedTurnId: LIVE, input: INPUT }) }, "a steer");
  await call("serverRequests.upsertPending", approval, "an approval");
  const decision = { requestId: 8, ...RUNTIME, decision: "decline" };
  await call("commands.send", { ...of, commandId: `${prefix} decision`, kind: "decide", payloadJson: JSON.stringify(decision) }, "a decision");
  const leased = await call("commands.lease", { ...of, ...RUNTIME, limit: 10 });
  const [{ leaseToken, commandId }] = leased as [{ leaseToken: string; commandId: string }];
  await call("commands.report", { actor, commandId, leaseToken, state: "delivered" });
  await call("threads.create", of, "one that is there");
  await call("threads.create", { actor, threadId: made });
  await call("threads.create", { actor, threadId: made, parentThreadId: threadId }, "one that gets a parent");
  await call("threads.resolve", { actor, externalThreadId: `external ${threadId}` });
  await call("threads.rename", { ...ofOther, name: "A name" });
  await call("threads.archive", ofOther);
  await call("threads.unarchive", ofOther);
  await call("threads.resume", ofOther);
  const start = { ...ofOther, input: INPUT };
  await call("turns.start", { ...start, turnId: "turn_new", idempotencyKey: "key_new" });
  await call("turns.interrupt", { ...ofOther, turnId: "turn_new" });
  const issued = await call("devices.issueToken", { actor, deviceId: "laptop", entropy: "e".repeat(43) });
  const { token, tokenId } = issued as { token: string; tokenId: string };
  await call("devices.check", { token });
  await call("devices.revokeToken", { actor, tokenId });
  const turns = [{ turnId: "turn_old", turnJson: JSON.stringify({ id: "turn_old", status: "completed" }), items: [JSON.stringify(agentMessage("msg_old", "Old."))] }];
  const page = { position: { turn: 0, item: 0 }, turns, atEnd: true };
  await call("imports.importHistory", { ...of, sessionId: SESSION, ...page });
  await call("imports.importHistory", { actor, threadId: `${prefix} imported`, sessionId: `${prefix} imports`, ...page }, "a thread begins");
  await call("imports.getImportStatus", of);
  const { forkJobId } = (await call("threads.fork", { ...ofOther, newThreadId: `${prefix} copy` })) as { forkJobId: string };
  await call("threads.getForkStatus", { actor, forkJobId });
  const job = async (name: Name, args: object) => ((await call(name, args)) as { deletionJobId: string }).deletionJobId;
  const ofTurn = await job("turns.scheduleDeleteCascade", { ...of, turnId: DONE });
  await call("threads.getDeletionJobStatus", { actor, deletionJobId: ofTurn });
  await call("threads.cancelScheduledDeletion", { actor, deletionJobId: ofTurn });
  await call("turns.deleteCascade", { ...of, turnId: DONE });
  await call("threads.revert", { ...ofOther, turnId: DONE });
  const ofThread = await job("threads.scheduleDeleteCascade", { actor, threadId: made });
  await call("threads.forceRunScheduledDeletion", { actor, deletionJobId: ofThread });
  await call("threads.deleteCascade", ofOther);
  return called;
}

/** What takes away all of a user's. */
export async function callPurges(world: World, { actor }: Place = world.place): Promise<Called[]> {
  const { call, called } = caller(world);
  const { deletionJobId } = (await call("threads.schedulePurgeActorData", { actor })) as { deletionJobId: string };
  await call("threads.cancelScheduledDeletion", { actor, deletionJobId }, "of a user");
  await call("threads.purgeActorData", { actor });
  return called;
}

function caller(world: World) {
  const called: Called[] = [];
  async function call(name: Name, args: object, special?: string) {
    const { value, record } = await callOf(world, name, args);
    called.push({ name, label: special === undefined ? name : `${name}, ${special}`, record });
    return value;
  }
  return { call, called };
}

