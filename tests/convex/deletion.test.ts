/** Deletion of threads: hidden at once, gone in batches, and never back. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import schema from "../../convex/schema.js";
import {
  agentMessage,
  api,
  batch,
  countRows,
  dump,
  ingest,
  internal,
  lifecycle,
  messagesOf,
  OWNER,
  refusal,
  SESSION,
  startComponent,
  stepDeletion as step,
  STREAM,
  THREAD,
  TURN,
  TurnStream,
  type Component,
} from "./build.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const BOB = { ...OWNER, userId: "bob" };
const COUNTS = { totalTokens: 7, inputTokens: 6, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0 };
/** What deletions of threads leave: the machines of their users, too. */
const LEFT = ["presence", "deviceTokens", "deletions", "forks", "tombstones"];

beforeEach(() => vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const finish = (component: Component) => component.finishAllScheduledFunctions(vi.runAllTimers);
const create = (component: Component, more: object = {}) => component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD, ...more });
const resolve = (component: Component, more: object = {}) => component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: "ext", ...more });
const remove = (component: Component, actor = OWNER, threadId = THREAD) => component.mutation(api.threads.deleteCascade, { actor, threadId });
const schedule = (component: Component, delayMs?: number) =>
  component.mutation(api.threads.scheduleDeleteCascade, { actor: OWNER, threadId: THREAD, ...(delayMs === undefined ? {} : { delayMs }) });
const cancel = (component: Component, deletionJobId: string, actor = OWNER) => component.mutation(api.threads.cancelScheduledDeletion, { actor, deletionJobId });
const force = (component: Component, deletionJobId: string) => component.mutation(api.threads.forceRunScheduledDeletion, { actor: OWNER, deletionJobId });
const status = (component: Component, deletionJobId: string, actor = OWNER) => component.query(api.threads.getDeletionJobStatus, { actor, deletionJobId });

/** A thread with rows in every table that has rows of threads. */
async function workOn(component: Component, actor = OWNER, threadId = THREAD): Promise<void> {
  const inThread = { actor, threadId };
  await component.mutation(api.threads.create, inThread);
  await component.mutation(api.turns.start, { ...inThread, turnId: TURN, input: [{ type: "text", text: "hi" }], idempotencyKey: "key" });
  const turn = new TurnStream({ threadId });
  const tokenUsage = { total: COUNTS, last: COUNTS };
  const events = [turn.started(), turn.event("thread/tokenUsage/updated", { tokenUsage }), turn.event("turn/diff/updated", { diff: "d" }), ...turn.prompt("hi"), turn.itemStarted(agentMessage("m", "")), turn.text("m", "x".repeat(70_000)), turn.raw("error", "{")];
  const named = { ...lifecycle(0, "thread/name/updated", { threadName: "n", threadId }), eventId: `rt:${threadId}:L0` };
  const goal = { ...lifecycle(0, "thread/goal/updated", { goal: { objective: "g" }, threadId }), eventId: "foreign" };
  await component.mutation(api.sync.ingestSafe, batch(events, [named, goal], { ...inThread, sessionId: SESSION, runtime: { saveStreamDeltas: true } }));
  await component.mutation(api.sync.upsertCheckpoint, { ...inThread, streamId: turn.streamId, cursor: 2 });
  const asked = { requestId: 0, method: "item/commandExecution/requestApproval", payloadJson: "p".repeat(70_000), requestedAt: 1 };
  await component.mutation(api.serverRequests.upsertPending, { ...inThread, turnId: TURN, itemId: "m", ...asked });
  const gone = new TurnStream({ threadId, turnId: "turn_gone" });
  await component.mutation(api.sync.ingestSafe, batch(gone.whole(), [], { ...inThread, sessionId: SESSION }));
  await component.mutation(api.turns.deleteCascade, { ...inThread, turnId: "turn_gone" });
  const wish = { input: [{ type: "text", text: "w".repeat(9_000) }], clientTurnId: "wish" };
  await component.mutation(api.commands.send, { ...inThread, commandId: `wish_${threadId}`, kind: "turn", payloadJson: JSON.stringify(wish) });
  await component.run(async (ctx) => {
    const { tenantId, userId } = actor;
    await ctx.db.insert("bindings", { tenantId, userId, threadId, externalThreadId: "ext", updatedAt: 0 });
    const [thread] = await ctx.db.query("threads").order("desc").take(1);
    const fork = { tenantId, userId, threadId, newThreadId: "th_copy", turnId: TURN, source: thread!._id, copy: thread!._id, state: "completed" as const };
    await ctx.db.insert("imports", { tenantId, userId, threadId, state: "running", position: { turn: 1, item: 0 }, importedItems: 1, quarantined: 0, updatedAt: 0 });
    await ctx.db.insert("forks", { ...fork, before: 0, copiedTurns: 1, copiedMessages: 1, createdAt: 0, endedAt: 0 });
    const threads = [threadId, "th_elsewhere"].map((threadId) => ({ threadId, pendingRequests: 0, behind: 0, catchingUp: false }));
    const told = { phase: "ready", login: "in", threads, beatAt: 0, awayAt: 0, expiresAt: 1, away: true } as const;
    const token = { deviceId: "d", hash: threadId, issuedBy: "web", createdAt: 0, expiresAt: Date.now() };
    await ctx.db.insert("deviceTokens", { tenantId, userId, ...token });
    await ctx.db.insert("presence", { tenantId, userId, runtimeId: `rt_${threadId}`, deviceId: "d", generation: 1, ...told });
  });
}

describe("a thread's deletion", () => {
  test("takes the rows of every table away, and of no other thread", async () => {
    const component = startComponent();
    await workOn(component);
    const filled = Object.keys(await countRows(component));
    expect(filled.sort(), "a new table needs rows here, and a line in `convex/model/removal.ts`").toEqual(Object.keys(schema.tables).filter((table) => table !== "tombstones").sort());
    for (const [actor, threadId] of [[BOB, THREAD], [OWNER, "th_2"]] as const) {
      await workOn(component, actor, threadId);
    }
    await finish(component);
    const others = startComponent();
    for (const [actor, threadId] of [[BOB, THREAD], [OWNER, "th_2"]] as const) await workOn(others, actor, threadId);
    await finish(others);
    await remove(component);
    await finish(component);
    const rest = async (of: Component) => Object.entries(await countRows(of)).filter(([table]) => !LEFT.includes(table));
    expect(await rest(component)).toEqual(await rest(others));
    expect(Object.values(await dump(component)).flat().filter((row) => "threadId" in row && row.threadId === THREAD && row.userId === "ann")).toEqual([]);
    const machines = (await dump(component)).presence.map(({ userId, threads }) => [userId, ...threads.map(({ threadId }) => threadId)]);
    expect(machines).toEqual([["ann", "th_elsewhere"], ["bob", THREAD, "th_elsewhere"], ["ann", "th_2", "th_elsewhere"]]);
  });

  test("hides it at once, from every read", async () => {
    const component = startComponent();
    await workOn(component);
    const { deletionJobId } = await remove(component);
    const inThread = { actor: OWNER, threadId: THREAD };
    const paginationOpts = { cursor: null, numItems: 50 };
    const reads = [
      component.query(api.threads.get, inThread),
      component.query(api.threads.getState, inThread),
      component.query(api.messages.listByThread, { ...inThread, paginationOpts }),
      component.query(api.messages.getByTurn, { ...inThread, turnId: TURN }),
      component.query(api.turns.get, { ...inThread, turnId: TURN }),
      component.query(api.sync.replay, { ...inThread, streamCursorsById: [{ streamId: STREAM, cursor: 0 }] }),
      component.query(api.sync.listCheckpoints, inThread),
      component.query(api.tokenUsage.listByThread, { ...inThread, paginationOpts }),
      component.query(api.approvals.listPending, { ...inThread, paginationOpts }),
      component.query(api.serverRequests.listPending, inThread),
      component.mutation(api.approvals.respond, { ...inThread, turnId: TURN, itemId: "m", decision: "accepted" }),
      component.mutation(api.turns.interrupt, { ...inThread, turnId: TURN }),
      component.query(api.commands.list, { ...inThread, paginationOpts }),
      component.mutation(api.commands.lease, { ...inThread, runtimeId: "rt", generation: 1, limit: 1 }),
      component.mutation(api.sync.heartbeat, { ...inThread, sessionId: SESSION, lastEventCursor: 0 }),
    ];
    const codes = await Promise.all(reads.map(async (read) => (await refusal(read)).code));
    expect(new Set(codes)).toEqual(new Set(["E_AUTH_THREAD_FORBIDDEN"]));
    expect((await component.query(api.threads.list, { actor: OWNER, paginationOpts })).page).toEqual([]);
    const commandId = `wish_${THREAD}`;
    for (const touch of [component.query(api.commands.get, { actor: OWNER, commandId }), component.mutation(api.commands.cancel, { actor: OWNER, commandId })]) {
      expect((await refusal(touch)).code).toBe("E_COMMAND_NOT_FOUND");
    }
    expect((await component.query(api.approvals.listPending, { actor: OWNER, paginationOpts })).page).toEqual([]);
    expect(await component.query(api.serverRequests.listPending, { actor: OWNER })).toEqual([]);
    expect((await countRows(component)).messages, "its rows are still there").toBeGreaterThan(0);
    expect(await status(component, deletionJobId)).toMatchObject({ status: "running", kind: "thread", threadId: THREAD, startedAt: Date.now() });
  });

  test("goes on in bounded batches: a thread of 3,000 rows", async () => {
    const limits: Record<string, number> = {};
    const component = startComponent(limits);
    await create(component);
    for (let at = 0; at < 60; at++) {
      const turn = new TurnStream({ turnId: `turn_${at}` });
      const replies = Array.from({ length: 11 }, (_, reply) => turn.reply(`m_${reply}`, [`${reply}`]));
      await ingest(component, [turn.started(), ...replies.flat(), turn.completed()]);
    }
    const { tallies: _, ...counts } = await countRows(component);
    const rows = Object.values(counts).reduce((sum, count) => sum + count, 0);
    for (let at = rows; at < 3_000; at++) await component.run((ctx) => ctx.db.insert("turnKeys", { tenantId: "acme", userId: "ann", threadId: THREAD, idempotencyKey: `k${at}`, turnId: "t" }));
    Object.assign(limits, { documentsWritten: 510, documentsRead: 1_100, databaseQueries: 1_100 });
    const { deletionJobId } = await remove(component);
    let batches = 0;
    for (let more = true; more; batches++) {
      const outcome = await step(component, deletionJobId);
      expect(outcome.deleted).toBeLessThanOrEqual(500);
      more = outcome.hasMore;
    }
    expect(batches).toBe(6);
    expect(await countRows(component)).toEqual({ deletions: 1, tombstones: 1 });
    expect(await status(component, deletionJobId)).toMatchObject({ status: "completed", deletedRows: 3_000 });
  });

  test("reads a bounded number of bytes in one batch", async () => {
    const limits: Record<string, number> = {};
    const component = startComponent(limits);
    await create(component);
    for (let at = 0; at < 12; at++) {
      const turn = new TurnStream({ turnId: `turn_${at}` });
      const item = { type: "commandExecution", id: "c", command: "ls", status: "completed", aggregatedOutput: "€".repeat(700_000) };
      await ingest(component, [turn.started(), turn.itemCompleted(item), turn.completed()]);
    }
    Object.assign(limits, { bytesRead: 16 * 1024 * 1024, bytesWritten: 16 * 1024 * 1024 });
    const { deletionJobId } = await remove(component);
    let batches = 0;
    for (let more = true; more; batches++) more = (await step(component, deletionJobId)).hasMore;
    expect(batches).toBeGreaterThan(3);
    expect(await countRows(component)).toEqual({ deletions: 1, tombstones: 1 });
  });

  test("a second one, at once or later, is the same job", async () => {
    const component = startComponent();
    await workOn(component);
    const first = await remove(component);
    expect(await remove(component)).toEqual(first);
    expect(await schedule(component)).toEqual(first);
    await finish(component);
    expect(await refusal(remove(component))).toMatchObject({ code: "E_THREAD_DELETED", threadId: THREAD });
    expect((await dump(component)).deletions.filter(({ kind }) => kind === "thread")).toHaveLength(1);
  });

  test("of what is not there is refused, as that of another user's", async () => {
    const component = startComponent();
    await workOn(component, BOB);
    expect(await refusal(remove(component))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN", threadId: THREAD });
    await finish(component);
    expect(await messagesOf(component, THREAD, BOB)).toHaveLength(2);
  });

  test("that failed in the middle is taken up by the sweep", async () => {
    const component = startComponent();
    await workOn(component);
    await finish(component);
    const { deletionJobId } = await remove(component);
    // As if the process had died: nothing of what was scheduled runs.
    vi.clearAllTimers();
    expect(await component.mutation(internal.deletions.goOn, {})).toEqual({ takenUp: 0, hasMore: false });
    pass(5 * MINUTE);
    expect(await component.mutation(internal.deletions.goOn, {})).toEqual({ takenUp: 1, hasMore: false });
    vi.runAllTimers();
    for (let more = true; more; ) more = (await step(component, deletionJobId)).hasMore;
    expect(await status(component, deletionJobId)).toMatchObject({ status: "completed" });
  });

  test("is gone on with by one call at a time, whoever forced it or took it up", async () => {
    const component = startComponent();
    await workOn(component);
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "other" });
    const { deletionJobId, scheduledFor } = await schedule(component, MINUTE);
    await force(component, deletionJobId);
    vi.clearAllTimers();
    pass(MINUTE);
    const call = (dueAt: number) => component.mutation(internal.deletions.step, { job: deletionJobId, dueAt });
    expect(await call(scheduledFor), "of the time that it would have begun at").toEqual({ deleted: 0, hasMore: false });
    const { dueAt = 0 } = (await dump(component)).deletions[0]!;
    expect((await call(dueAt)).deleted).toBeGreaterThan(0);
    expect(await call(dueAt), "the same call again").toEqual({ deleted: 0, hasMore: false });
  });

  test("is taken up by the sweep however many stand before it", async () => {
    const component = startComponent();
    const threads = Array.from({ length: 21 }, (_, at) => `th_${String(at)}`);
    for (const threadId of threads) {
      await component.mutation(api.threads.create, { actor: OWNER, threadId });
      await component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId });
    }
    vi.clearAllTimers();
    pass(5 * MINUTE);
    expect(await component.mutation(internal.deletions.goOn, {})).toEqual({ takenUp: 20, hasMore: true });
    await finish(component);
    expect((await dump(component)).deletions.filter(({ dueAt }) => dueAt !== undefined)).toEqual([]);
  });

  test("leaves a row that names nothing, for a week", async () => {
    const component = startComponent();
    await workOn(component);
    const { deletionJobId } = await component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId: THREAD, reason: "asked by ann" });
    await finish(component);
    const rows = JSON.stringify((await dump(component)).deletions);
    for (const word of [THREAD, TURN, "asked by"]) expect(rows).not.toContain(word);
    pass(7 * DAY - 1);
    await component.mutation(internal.retention.cleanupDeletions, {});
    expect(await status(component, deletionJobId)).not.toBeNull();
    pass(1);
    await component.mutation(internal.retention.cleanupDeletions, {});
    expect(await status(component, deletionJobId)).toBeNull();
  });
});

describe("a deletion that is scheduled", () => {
  test("waits its grace, in which everything is as it was", async () => {
    const component = startComponent();
    await workOn(component);
    await finish(component);
    const { deletionJobId, scheduledFor } = await schedule(component);
    expect(scheduledFor).toBe(Date.now() + 10 * MINUTE);
    expect(await status(component, deletionJobId)).toMatchObject({ status: "scheduled", deletedRows: 0, scheduledFor });
    expect(await messagesOf(component)).toHaveLength(2);
    expect(await step(component, deletionJobId), "not due").toEqual({ deleted: 0, hasMore: false });
    expect((await countRows(component)).threads).toBe(1);
    await finish(component);
    expect(await status(component, deletionJobId)).toMatchObject({ status: "completed" });
    expect((await countRows(component)).threads).toBeUndefined();
  });

  test("is cancelled until its first row is gone", async () => {
    const component = startComponent();
    await workOn(component);
    await finish(component);
    const { deletionJobId } = await schedule(component, MINUTE);
    for (const _again of [1, 2]) expect(await cancel(component, deletionJobId)).toEqual({ deletionJobId, cancelled: true });
    expect(await status(component, deletionJobId)).toMatchObject({ status: "cancelled", endedAt: Date.now() });
    pass(DAY);
    await finish(component);
    expect(await messagesOf(component)).toHaveLength(2);
    const second = await remove(component);
    expect(second.deletionJobId).not.toBe(deletionJobId);
    expect((await refusal(cancel(component, second.deletionJobId))).code).toBe("E_JOB_TOO_LATE");
    await finish(component);
    expect((await refusal(cancel(component, second.deletionJobId))).code).toBe("E_JOB_TOO_LATE");
    expect((await refusal(force(component, deletionJobId))).code).toBe("E_JOB_TOO_LATE");
    expect((await countRows(component)).messages).toBeUndefined();
  });

  test("is forced, or begun by a deletion without grace", async () => {
    for (const begin of [(component: Component, job: string) => force(component, job), (component: Component) => remove(component)]) {
      const component = startComponent();
      await workOn(component);
      const { deletionJobId } = await schedule(component, DAY);
      expect(await begin(component, deletionJobId)).toEqual({ deletionJobId, scheduledFor: Date.now() });
      expect(await status(component, deletionJobId)).toMatchObject({ status: "running" });
      expect((await refusal(messagesOf(component))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
      await force(component, deletionJobId);
      await finish(component);
      expect(await status(component, deletionJobId)).toMatchObject({ status: "completed" });
    }
  });

  test("of another user is not there", async () => {
    const component = startComponent();
    await workOn(component);
    const { deletionJobId } = await schedule(component);
    expect(await status(component, deletionJobId, BOB)).toBeNull();
    expect(await status(component, "nonsense")).toBeNull();
    expect((await refusal(cancel(component, deletionJobId, BOB))).code).toBe("E_JOB_NOT_FOUND");
    expect(await status(component, deletionJobId)).toMatchObject({ status: "scheduled" });
  });
});

describe("what was deleted does not come back", () => {
  test("while batches still come: they are rejected for good, and write nothing", async () => {
    const component = startComponent();
    await workOn(component);
    const turn = new TurnStream();
    turn.cursor = 50;
    const { deletionJobId } = await remove(component);
    for (let more = true; more; ) {
      const before = await dump(component);
      const answer = await ingest(component, [turn.text("m", "late"), turn.completed()], {}, [lifecycle(9, "thread/name/updated", { threadName: "late" })]);
      expect(answer).toMatchObject({ status: "rejected", ackedStreams: [], errors: [{ code: "UNKNOWN", errorCode: "E_THREAD_DELETED", recoverable: false }] });
      expect(answer.errors[0]!.message).toContain("[E_THREAD_DELETED]");
      expect((await refusal(component.mutation(api.sync.ingest, batch([turn.text("m", "late")])))).code).toBe("E_THREAD_DELETED");
      expect(await dump(component)).toEqual(before);
      more = (await step(component, deletionJobId)).hasMore;
    }
    await finish(component);
    expect(await ingest(component, [turn.started()])).toMatchObject({ status: "rejected", errors: [{ errorCode: "E_THREAD_DELETED" }] });
    expect(Object.keys(await countRows(component))).toEqual(LEFT);
  });

  test("when the golden loop starts again", async () => {
    const component = startComponent();
    await workOn(component);
    await remove(component);
    for (const whole of [false, true]) {
      if (whole) await finish(component);
      expect(await refusal(create(component))).toMatchObject({ code: "E_THREAD_DELETED", threadId: THREAD });
      expect(await refusal(resolve(component))).toMatchObject({ code: "E_THREAD_DELETED", externalThreadId: "ext" });
      const session = { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 };
      expect((await refusal(component.mutation(api.sync.ensureSession, session))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
      const upsert = { requestId: 0, method: "m", payloadJson: "{}", requestedAt: 1, turnId: TURN, itemId: "m" };
      expect((await refusal(component.mutation(api.serverRequests.upsertPending, { actor: OWNER, threadId: THREAD, ...upsert }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    }
    expect(Object.keys(await countRows(component))).toEqual(LEFT);
  });

  test("unless it is asked for, when all of it is gone", async () => {
    const component = startComponent();
    await workOn(component);
    const { deletionJobId } = await remove(component);
    expect(await refusal(create(component, { recreate: true }))).toMatchObject({ code: "E_THREAD_DELETED", retryable: true });
    for (let more = true; more; ) more = (await step(component, deletionJobId)).hasMore;
    await create(component, { recreate: true });
    expect(await messagesOf(component)).toEqual([]);
    const made = await resolve(component, { recreate: true });
    expect(made).toMatchObject({ externalThreadId: "ext", created: true });
    expect(await resolve(component)).toEqual({ ...made, created: false });
    await ingest(component, new TurnStream().whole());
    expect(await messagesOf(component)).toHaveLength(2);
    await finish(component);
    expect(await messagesOf(component), "the old job has ended").toHaveLength(2);
    expect((await countRows(component)).tombstones).toBeUndefined();
    await remove(component);
    expect((await refusal(create(component))).code, "and goes again").toBe("E_THREAD_DELETED");
  });

  test("for 30 days", async () => {
    const component = startComponent();
    await workOn(component);
    await remove(component);
    await finish(component);
    pass(30 * DAY - 1);
    await component.mutation(internal.retention.cleanupTombstones, {});
    expect((await refusal(create(component))).code).toBe("E_THREAD_DELETED");
    pass(1);
    expect(await component.mutation(internal.retention.cleanupTombstones, {})).toEqual({ deleted: 2, hasMore: false });
    await create(component);
  });

  test("and while it is being deleted, its tombstone outlives every sweep", async () => {
    const component = startComponent();
    await workOn(component);
    await remove(component);
    vi.clearAllTimers();
    pass(365 * DAY);
    await component.mutation(internal.retention.cleanupTombstones, {});
    expect((await refusal(create(component))).code).toBe("E_THREAD_DELETED");
  });

  test("a tombstone holds no name", async () => {
    const component = startComponent();
    await workOn(component);
    await remove(component);
    await finish(component);
    const { tombstones } = await dump(component);
    expect(tombstones).toHaveLength(2);
    for (const { _id, _creationTime, ...tombstone } of tombstones) {
      expect(tombstone).toEqual({ hash: expect.stringMatching(/^[0-9a-f]{64}$/), expiresAt: Date.now() + 30 * DAY });
    }
  });
});

describe("a user's data", () => {
  test("counts for none of the deletions that its user may ask for meanwhile", async () => {
    const component = startComponent();
    for (let at = 0; at < 101; at++) await create(component, { threadId: `thread ${at}` });
    const { deletionJobId } = await component.mutation(api.threads.purgeActorData, { actor: OWNER });
    vi.clearAllTimers();
    const running = async () => (await dump(component)).deletions.filter(({ kind, state }) => kind === "thread" && state === "running").length;
    while ((await running()) < 101) await step(component, deletionJobId);
    await create(component, { threadId: "made since" });
    await remove(component, OWNER, "made since");
    expect(await component.query(api.threads.get, { actor: OWNER, threadId: "made since" }).catch((error: unknown) => String(error))).toMatch(/E_AUTH_THREAD_FORBIDDEN/);
  });

  test("goes as a whole; what is made meanwhile stays, and so does everybody else's", async () => {
    const component = startComponent();
    for (const threadId of [THREAD, "th_2", "th_3"]) await workOn(component, OWNER, threadId);
    await workOn(component, BOB);
    await component.mutation(api.threads.scheduleDeleteCascade, { actor: OWNER, threadId: "th_2", delayMs: DAY });
    const first = await component.mutation(api.threads.purgeActorData, { actor: OWNER });
    expect(await component.mutation(api.threads.purgeActorData, { actor: OWNER })).toEqual(first);
    pass(1);
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_new" });
    await ingest(component, new TurnStream({ threadId: "th_new" }).whole(), { threadId: "th_new" });
    expect((await step(component, first.deletionJobId)).hasMore).toBe(true);
    const paginationOpts = { cursor: null, numItems: 50 };
    expect((await component.query(api.threads.list, { actor: OWNER, paginationOpts })).page.map(({ threadId }) => threadId)).toEqual(["th_new"]);
    await finish(component);
    expect(await status(component, first.deletionJobId)).toMatchObject({ status: "completed", kind: "actor" });
    expect(await messagesOf(component, "th_new")).toHaveLength(2);
    expect(await messagesOf(component, THREAD, BOB)).toHaveLength(2);
    const rows = Object.values(await dump(component)).flat();
    const mine = rows.filter((row) => "userId" in row && row.userId === "ann");
    expect(new Set(mine.map((row) => ("threadId" in row ? row.threadId : undefined)))).toEqual(new Set(["th_new", undefined]));
    expect((await dump(component)).presence.map(({ userId }) => userId), "what machines told of themselves").toEqual(["bob"]);
    expect((await dump(component)).deviceTokens.map(({ userId }) => userId), "what machines prove themselves by").toEqual(["bob"]);
    for (const threadId of [THREAD, "th_2", "th_3"]) {
      expect((await refusal(component.mutation(api.threads.create, { actor: OWNER, threadId }))).code).toBe("E_THREAD_DELETED");
    }
  });

  test("is gone when its job says so, with a thread that was being deleted before", async () => {
    const component = startComponent();
    await workOn(component);
    const thread = await remove(component);
    vi.clearAllTimers();
    const all = await component.mutation(api.threads.purgeActorData, { actor: OWNER });
    vi.clearAllTimers();
    for (let more = true; more; ) more = (await step(component, all.deletionJobId)).hasMore;
    expect(await status(component, all.deletionJobId)).toMatchObject({ status: "completed" });
    expect(await status(component, thread.deletionJobId)).toMatchObject({ status: "completed" });
    expect(Object.keys(await countRows(component))).toEqual(["deletions", "forks", "tombstones"]);
  });

  test("of many threads is hidden in bounded batches", async () => {
    const component = startComponent();
    for (let at = 0; at < 120; at++) await component.mutation(api.threads.create, { actor: OWNER, threadId: `th_${at}` });
    const { deletionJobId } = await component.mutation(api.threads.schedulePurgeActorData, { actor: OWNER, delayMs: 1 });
    await force(component, deletionJobId);
    expect((await step(component, deletionJobId)).deleted).toBe(50);
    await component.finishAllScheduledFunctions(vi.runAllTimers, 200);
    expect(await status(component, deletionJobId)).toMatchObject({ status: "completed", deletedRows: 120 });
    expect(await countRows(component)).toEqual({ deletions: 121, tombstones: 120 });
  });

  test("of a user who has none is done at once", async () => {
    const component = startComponent();
    const { deletionJobId } = await component.mutation(api.threads.purgeActorData, { actor: OWNER });
    await finish(component);
    expect(await status(component, deletionJobId)).toMatchObject({ status: "completed", deletedRows: 0 });
  });
});
