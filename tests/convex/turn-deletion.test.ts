/** Turns that are deleted, or reverted: hidden at once, gone in batches; what still comes of them has no effect. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isHidden, shownPlaces } from "../../convex/model/visible.js";
import { agentMessage, api, countRows, dump, ingest, ingestOk, internal, lifecycle, messagesOf, OWNER, refusal, runScheduledNow, startThread, stepDeletion, THREAD, TurnStream, type Component } from "./build.js";

const DAY = 24 * 60 * 60_000;
const COUNTS = { totalTokens: 7, inputTokens: 6, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0 };
const inThread = { actor: OWNER, threadId: THREAD };

beforeEach(() => vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const finish = (component: Component) => component.finishAllScheduledFunctions(vi.runAllTimers);
const stream = (turnId: string, cursor = 0) => Object.assign(new TurnStream({ turnId }), { cursor });
const remove = (component: Component, turnId: string) => component.mutation(api.turns.deleteCascade, { ...inThread, turnId });
const revert = (component: Component, turnId: string | null) => component.mutation(api.threads.revert, { ...inThread, turnId });
const status = (component: Component, deletionJobId: string) => component.query(api.threads.getDeletionJobStatus, { actor: OWNER, deletionJobId });

/** Turns `a`, `b`, … of a user's and an agent's message each, with everything that a turn can have. */
async function startTurns(turnIds: string): Promise<Component> {
  const component = await startThread();
  for (const turnId of turnIds) {
    const turn = stream(turnId);
    await component.mutation(api.turns.start, { ...inThread, turnId, input: [{ type: "text", text: turnId }], idempotencyKey: `key_${turnId}` });
    const usage = turn.event("thread/tokenUsage/updated", { tokenUsage: { total: COUNTS, last: COUNTS } });
    await ingest(component, [turn.started(), usage, turn.event("turn/diff/updated", { diff: "d" }), ...turn.prompt(turnId), ...turn.reply("m", [turnId]), turn.raw("error", "{")], { runtime: { saveStreamDeltas: true } });
    await component.mutation(api.sync.upsertCheckpoint, { ...inThread, streamId: turn.streamId, cursor: 2 });
    const asked = { requestId: turnId, method: "item/commandExecution/requestApproval", payloadJson: "p".repeat(70_000), requestedAt: 1 };
    await component.mutation(api.serverRequests.upsertPending, { ...inThread, turnId, itemId: "m", ...asked });
  }
  return component;
}

/** The turns that every list of the thread names, oldest first, by list. */
async function listed(component: Component) {
  const state = await component.query(api.threads.getState, inThread);
  const messages = await messagesOf(component);
  const pages: string[] = [];
  for (let cursor: string | null = null, done = false; !done; ) {
    const page: { page: { turnId: string }[]; isDone: boolean; continueCursor: string } = await component.query(api.messages.listByThread, { ...inThread, paginationOpts: { cursor, numItems: 1 } });
    pages.unshift(...page.page.map(({ turnId }) => turnId));
    [cursor, done] = [page.continueCursor, page.isDone];
  }
  const paginationOpts = { cursor: null, numItems: 50 };
  const usage = await component.query(api.tokenUsage.listByThread, { ...inThread, paginationOpts });
  const approvals = await component.query(api.approvals.listPending, { ...inThread, paginationOpts });
  const everywhere = await component.query(api.approvals.listPending, { actor: OWNER, paginationOpts });
  const requests = await component.query(api.serverRequests.listPending, { actor: OWNER });
  const replay = await component.query(api.sync.replay, { ...inThread, streamCursorsById: [] });
  const names = (rows: { turnId: string }[]) => [...new Set(rows.map(({ turnId }) => turnId))].sort().join("");
  const ofStreams = (rows: { streamId: string }[]) => names(rows.map(({ streamId }) => ({ turnId: streamId.split(":")[1]! })));
  return new Set([
    names(state.turns),
    ofStreams(state.allStreams),
    names(state.recentMessages),
    names(state.pendingApprovals),
    names(messages),
    [...new Set(pages)].join(""),
    names(usage.page),
    names(approvals.page),
    names(everywhere.page),
    names(requests),
    ofStreams(replay.streams),
  ]);
}

/** Rows by table that name a turn. */
async function rowsOf(component: Component, turnId: string): Promise<Record<string, number>> {
  const rows = Object.entries(await dump(component)).map(([table, docs]) => [table, docs.filter((row) => "turnId" in row && row.turnId === turnId).length] as const);
  const owners = new Set(Object.values(await dump(component)).flat().map(({ _id }) => _id as string));
  const orphans = (await dump(component)).parts.filter(({ owner }) => !owners.has(owner)).length;
  return Object.fromEntries([...rows, ["orphans", orphans] as const].filter(([, count]) => count > 0));
}

const reads = (turnId: string) => [
  ["turns.get", (component: Component) => component.query(api.turns.get, { ...inThread, turnId })],
  ["messages.getByTurn", (component: Component) => component.query(api.messages.getByTurn, { ...inThread, turnId })],
  ["turns.interrupt", (component: Component) => component.mutation(api.turns.interrupt, { ...inThread, turnId })],
  ["turns.start", (component: Component) => component.mutation(api.turns.start, { ...inThread, turnId, input: [], idempotencyKey: "other" })],
  ["approvals.respond", (component: Component) => component.mutation(api.approvals.respond, { ...inThread, turnId, itemId: "m", decision: "declined" })],
  ["serverRequests.resolve", (component: Component) => component.mutation(api.serverRequests.resolve, { ...inThread, requestId: turnId, status: "expired", resolvedAt: 1 })],
  ["sync.upsertCheckpoint", (component: Component) => component.mutation(api.sync.upsertCheckpoint, { ...inThread, streamId: stream(turnId).streamId, cursor: 4 })],
] as const;

async function expectUnreadable(component: Component, turnId: string): Promise<void> {
  for (const [name, read] of reads(turnId)) {
    expect([name, (await refusal(read(component))).code]).toEqual([name, expect.stringMatching(/^E_(AUTH_TURN_FORBIDDEN|APPROVAL_NOT_FOUND|REQUEST_NOT_FOUND|SYNC_STREAM_UNKNOWN)$/)]);
  }
  const streamCursorsById = [{ streamId: stream(turnId).streamId, cursor: 0 }];
  const replay = await component.query(api.sync.replay, { ...inThread, streamCursorsById });
  expect([replay.texts, replay.deltas, replay.snapshots]).toEqual([[], [], []]);
}

test("the places that a thread shows are those that no job hides, newest first, whatever the jobs' order", () => {
  const ranges = [{ from: 1, to: 2 }, { from: 4, to: 5 }, { from: 5, to: 6 }, { from: 3, to: 8 }, { from: 7, to: 8 }];
  for (let seed = 0; seed < 120; seed++) {
    const left = [...ranges];
    const shuffled = ranges.map((_, at) => left.splice((seed * 7 + at * 3) % left.length, 1)[0]!).slice(0, 1 + (seed % 5));
    const hidden = shuffled.map((range) => ({ ...range, job: "job" as never }));
    const places = shownPlaces({ hidden });
    const want = Array.from({ length: 12 }, (_, at) => 11 - at).filter((place) => !isHidden({ hidden }, place));
    const shown = places.flatMap(({ from, to }) => Array.from({ length: Math.min(to, 12) - from }, (_, at) => Math.min(to, 12) - 1 - at));
    expect(shown, JSON.stringify(shuffled)).toEqual(want);
  }
  expect(shownPlaces({})).toEqual([{ from: 0, to: Infinity }]);
  expect(shownPlaces({ hidden: [{ from: 0, to: 3, job: "job" as never }] })).toEqual([{ from: 3, to: Infinity }]);
  expect([-1, 2, 3, undefined].map((place) => isHidden({ hidden: [{ from: 0, to: 3, job: "job" as never }] }, place))).toEqual([false, true, false, false]);
});

describe("a turn's deletion", () => {
  test("takes what it was asked by along, and a command that waits with it", async () => {
    const component = await startTurns("ab");
    const send = (commandId: string) =>
      component.mutation(api.commands.send, { ...inThread, commandId, kind: "turn", payloadJson: JSON.stringify({ clientTurnId: `wish_${commandId}`, input: [{ type: "text", text: "secret" }] }) });
    for (const commandId of ["taken", "waits", "stays"]) await send(commandId);
    await component.run(async (ctx) => {
      const taken = (await ctx.db.query("commands").collect()).find(({ commandId }) => commandId === "taken")!;
      await ctx.db.patch(taken._id, { state: "accepted", open: false, turnId: "a" });
    });
    const found = async (commandId: string) => component.query(api.commands.get, { actor: OWNER, commandId }).then(() => true, () => false);
    await remove(component, "a");
    await remove(component, "wish_waits");
    expect(await Promise.all(["taken", "waits", "stays"].map(found))).toEqual([false, false, true]);
    const list = await component.query(api.commands.list, { ...inThread, paginationOpts: { cursor: null, numItems: 9 } });
    expect(list.page.map(({ commandId }) => commandId)).toEqual(["stays"]);
    await finish(component);
    expect((await dump(component)).commands.map(({ commandId }) => commandId)).toEqual(["stays"]);
    expect(await rowsOf(component, "a")).toEqual({ deletedTurns: 1 });
  });

  test.each(["a", "wish of a"])("takes what named it along, by its id %s: steers, interrupts, decisions, answers", async (named) => {
    const component = await startTurns("ab");
    await component.run(async (ctx) => {
      const turn = (await ctx.db.query("turns").collect()).find(({ turnId }) => turnId === "a")!;
      await ctx.db.patch(turn._id, { clientTurnId: "wish of a" });
    });
    // A client may say once more that it wants the turn, by the id that it knows.
    await component.mutation(api.turns.start, { ...inThread, turnId: "wish of a", input: [], idempotencyKey: "wished" });
    const question = { method: "item/tool/call", payloadJson: "{}", requestedAt: 1 };
    for (const turnId of ["a", "b"]) await component.mutation(api.serverRequests.upsertPending, { ...inThread, turnId, itemId: "q", requestId: `q of ${turnId}`, ...question });
    const send = (commandId: string, kind: string, payload: object) => component.mutation(api.commands.send, { ...inThread, commandId, kind, payloadJson: JSON.stringify(payload) });
    const input = [{ type: "text", text: "secret" }];
    for (const [turnId, id] of [["a", named], ["b", "b"]] as const) {
      await send(`steer ${turnId}`, "steer", { expectedTurnId: id, input });
      await send(`interrupt ${turnId}`, "interrupt", { turnId: id });
      await send(`decide ${turnId}`, "decide", { requestId: turnId, decision: "decline" });
      await send(`answer ${turnId}`, "answer", { requestId: `q of ${turnId}`, answer: { text: "secret" } });
    }
    await send("promoted", "turn", { input });
    await component.mutation(api.commands.promote, { actor: OWNER, commandId: "promoted", expectedTurnId: "b" });
    const ofB = ["steer b", "interrupt b", "decide b", "answer b", "promoted"];
    const listed = async (open: object) => (await component.query(api.commands.list, { ...inThread, ...open, paginationOpts: { cursor: null, numItems: 20 } })).page.map(({ commandId }) => commandId).reverse();
    expect(await listed({})).toHaveLength(9);
    await remove(component, "a");
    for (const when of ["while its rows go", "when they are gone"]) {
      if (when === "when they are gone") await finish(component);
      expect([(await listed({})).toSorted(), (await listed({ open: true })).toSorted()], when).toEqual([ofB.toSorted(), ofB.toSorted()]);
    }
    expect((await dump(component)).commands.map(({ commandId }) => commandId)).toEqual(ofB);
    await remove(component, "b");
    await finish(component);
    expect((await dump(component)).commands).toEqual([]);
    expect((await dump(component)).turnKeys).toEqual([]);
    expect(JSON.stringify((await dump(component)).deletions)).not.toContain("wish of a");
  });

  test("hides it at once, takes all its rows, and leaves the others", async () => {
    const component = await startTurns("abc");
    const before = await rowsOf(component, "a");
    const { deletionJobId } = await remove(component, "b");
    expect(await listed(component)).toEqual(new Set(["ac"]));
    await expectUnreadable(component, "b");
    expect((await rowsOf(component, "b")).messages, "its rows are still there").toBe(2);
    await finish(component);
    expect(await rowsOf(component, "b")).toEqual({ deletedTurns: 1 });
    expect(await rowsOf(component, "a")).toEqual(before);
    expect(await listed(component)).toEqual(new Set(["ac"]));
    await expectUnreadable(component, "b");
    expect(await status(component, deletionJobId)).toMatchObject({ status: "completed", kind: "turn" });
    expect((await dump(component)).threads[0]).not.toHaveProperty("hidden");
  });

  test("of what its events bring later, nothing has an effect, and all is acknowledged", async () => {
    const component = await startTurns("ab");
    const { deletionJobId } = await remove(component, "b");
    for (const when of ["while its rows go", "when they are gone"]) {
      if (when === "when they are gone") await finish(component);
      const before = await dump(component);
      const turn = stream("b", 40);
      const late = [turn.text("m", "late"), turn.itemStarted(agentMessage("n", "")), turn.completed()];
      const answer = await ingestOk(component, late);
      expect(answer.ackedStreams, when).toEqual([{ streamId: turn.streamId, ackCursorEnd: 43 }]);
      expect(await ingestOk(component, late), "again").toEqual(answer);
      expect(await ingestOk(component, [stream("b").started()])).toMatchObject({ ackedStreams: [{ ackCursorEnd: 1 }] });
      await component.mutation(api.tokenUsage.upsert, { ...inThread, turnId: "b", total: { ...COUNTS, totalTokens: 9 }, last: COUNTS });
      const asked = { requestId: 5, method: "item/fileChange/requestApproval", payloadJson: "{}", requestedAt: 1 };
      await component.mutation(api.serverRequests.upsertPending, { ...inThread, turnId: "b", itemId: "m", ...asked });
      expect(await dump(component), when).toEqual(before);
    }
    const ended = lifecycle(0, "turn/completed", { turn: { id: "b", status: "completed" } }, "b");
    await ingestOk(component, [], {}, [ended]);
    expect(Object.keys(await rowsOf(component, "b"))).toEqual(["deletedTurns"]);
    await ingestOk(component, new TurnStream({ turnId: "c" }).whole());
    expect((await component.query(api.threads.getState, inThread)).turns.map(({ turnId }) => turnId)).toEqual(["c", "a"]);
    expect(await status(component, deletionJobId)).toMatchObject({ status: "completed" });
  });

  test("that waits its grace is cancelled, or takes what came meanwhile", async () => {
    const component = await startTurns("ab");
    const schedule = (turnId: string) => component.mutation(api.turns.scheduleDeleteCascade, { ...inThread, turnId, delayMs: 1_000 });
    const [first, second] = [await schedule("a"), await schedule("b")];
    expect(await listed(component)).toEqual(new Set(["ab"]));
    await component.mutation(api.threads.cancelScheduledDeletion, { actor: OWNER, deletionJobId: first.deletionJobId });
    await ingest(component, [stream("b", 9).text("m", "more")]);
    pass(1_000);
    await finish(component);
    expect(await status(component, second.deletionJobId)).toMatchObject({ status: "completed" });
    expect(await listed(component)).toEqual(new Set(["a"]));
    expect(await rowsOf(component, "b")).toEqual({ deletedTurns: 1 });
  });

  test("ends with its thread's", async () => {
    const component = await startTurns("ab");
    const { deletionJobId } = await remove(component, "b");
    await component.mutation(api.threads.deleteCascade, inThread);
    expect((await refusal(remove(component, "a"))).code).toBe("E_THREAD_DELETED");
    await finish(component);
    expect(await countRows(component)).toEqual({ deletions: 2, tombstones: 1 });
    expect(await status(component, deletionJobId)).toMatchObject({ status: "completed" });
  });

  test("that waits, and a revert, end with their thread's, and name it no more", async () => {
    const component = await startTurns("abc");
    const waiting = await component.mutation(api.turns.scheduleDeleteCascade, { ...inThread, turnId: "a" });
    const reverted = await revert(component, "b");
    const whole = await component.mutation(api.threads.deleteCascade, inThread);
    for (let more = true; more; ) more = (await stepDeletion(component, whole.deletionJobId)).hasMore;
    for (const id of [waiting.deletionJobId, reverted.deletionJobId!]) expect(await status(component, id)).toMatchObject({ status: "completed" });
    expect(JSON.stringify((await dump(component)).deletions)).not.toContain(THREAD);
  });

  test("takes nothing of a turn that uses a stream's id again", async () => {
    const component = await startThread();
    const streamId = "s";
    const [old, next] = [new TurnStream({ turnId: "a", streamId }), new TurnStream({ turnId: "b", streamId })];
    await ingest(component, [old.started(), old.itemStarted(agentMessage("m", "")), old.text("m", "old")]);
    await remove(component, "a");
    await ingestOk(component, [next.started(), next.itemStarted(agentMessage("m", "")), next.text("m", "new")]);
    await finish(component);
    expect((await messagesOf(component)).map(({ turnId, text }) => [turnId, text])).toEqual([["b", "new"]]);
    expect(await rowsOf(component, "a")).toEqual({ deletedTurns: 1 });
  });

  test("of one that has hundreds of streams takes every one", async () => {
    const component = await startThread();
    for (let at = 0; at < 100; at++) {
      const turn = new TurnStream({ turnId: "a", streamId: `s_${at}` });
      await ingest(component, [turn.started(), turn.text("m", "x")]);
    }
    await remove(component, "a");
    await finish(component);
    expect(await rowsOf(component, "a")).toEqual({ deletedTurns: 1 });
  });

  test("of what is not there is refused", async () => {
    const component = await startTurns("a");
    expect((await refusal(remove(component, "z"))).code).toBe("E_AUTH_TURN_FORBIDDEN");
    const elsewhere = component.mutation(api.turns.deleteCascade, { ...inThread, threadId: "none", turnId: "a" });
    expect((await refusal(elsewhere)).code).toBe("E_AUTH_THREAD_FORBIDDEN");
  });

  test("is remembered for 30 days", async () => {
    const component = await startTurns("ab");
    await remove(component, "b");
    await finish(component);
    pass(30 * DAY - 1);
    expect(await component.mutation(internal.retention.cleanupDeletedTurns, {})).toEqual({ deleted: 0, hasMore: false });
    pass(1);
    expect(await component.mutation(internal.retention.cleanupDeletedTurns, {})).toEqual({ deleted: 1, hasMore: false });
  });
});

/** Turns behind `b`, each taken back before the next. */
async function revertOften(component: Component, times: number): Promise<string[]> {
  const jobs: string[] = [];
  for (let at = 0; at < times; at++) {
    await ingest(component, new TurnStream({ turnId: `again ${String(at)} ${String(Date.now())}` }).whole());
    jobs.push((await revert(component, "b")).deletionJobId!);
    pass(1);
  }
  return jobs;
}

describe("a revert", () => {
  test("hides the turns behind one at once, and deletes them a day later", async () => {
    const component = await startTurns("abcd");
    const { deletionJobId, scheduledFor } = await revert(component, "b");
    expect(scheduledFor).toBe(Date.now() + DAY);
    expect(await listed(component)).toEqual(new Set(["ab"]));
    for (const turnId of "cd") await expectUnreadable(component, turnId);
    expect(await revert(component, "b"), "the same again").toEqual({ deletionJobId, scheduledFor });
    await ingestOk(component, new TurnStream({ turnId: "e" }).whole());
    expect((await messagesOf(component)).map(({ turnId }) => turnId)).toEqual(["a", "a", "b", "b", "e", "e"]);
    await ingest(component, [stream("d", 9).text("m", "late")]);
    expect((await messagesOf(component)).map(({ turnId }) => turnId)).toEqual(["a", "a", "b", "b", "e", "e"]);
    await finish(component);
    for (const turnId of "cd") expect(await rowsOf(component, turnId)).toEqual({ deletedTurns: 1 });
    expect((await messagesOf(component)).map(({ turnId }) => turnId)).toEqual(["a", "a", "b", "b", "e", "e"]);
    expect(await status(component, deletionJobId!)).toMatchObject({ status: "completed", kind: "revert" });
    expect((await dump(component)).threads[0]).not.toHaveProperty("hidden");
  });

  test("is taken back within the day", async () => {
    const component = await startTurns("abc");
    const { deletionJobId } = await revert(component, "a");
    expect(await listed(component)).toEqual(new Set(["a"]));
    await component.mutation(api.threads.cancelScheduledDeletion, { actor: OWNER, deletionJobId: deletionJobId! });
    expect(await listed(component)).toEqual(new Set(["abc"]));
    pass(2 * DAY);
    await finish(component);
    expect(await listed(component)).toEqual(new Set(["abc"]));
  });

  test("of a revert hides more, and the first taken back shows nothing that the second hides", async () => {
    const component = await startTurns("abcd");
    const first = await revert(component, "c");
    const second = await revert(component, "a");
    expect(second.deletionJobId).not.toBe(first.deletionJobId);
    expect(await listed(component)).toEqual(new Set(["a"]));
    await component.mutation(api.threads.cancelScheduledDeletion, { actor: OWNER, deletionJobId: first.deletionJobId! });
    expect(await listed(component)).toEqual(new Set(["a"]));
    await finish(component);
    expect(await listed(component)).toEqual(new Set(["a"]));
    for (const turnId of "bcd") expect(await rowsOf(component, turnId)).toEqual({ deletedTurns: 1 });
  });

  test("beyond the hundredth that waits makes the oldest begin, and none is refused", async () => {
    const component = await startTurns("ab");
    const jobs = await revertOften(component, 102);
    const waiting = async () => (await dump(component)).deletions.filter(({ state }) => state === "scheduled").map(({ _id }) => _id as string);
    expect(await waiting()).toEqual(jobs.slice(2));
    expect(await listed(component)).toEqual(new Set(["ab"]));
    for (const _of of ["the first", "the second"]) await runScheduledNow(component);
    expect((await dump(component)).turns.map(({ turnOrder }) => turnOrder).slice(0, 3), "the places of the first two are gone").toEqual([0, 1, 4]);
    expect((await dump(component)).threads[0]!.hidden).toHaveLength(100);
  });

  test("beyond the hundredth hides nothing for ever, where the oldest finds its turns gone", async () => {
    const component = await startTurns("ab");
    const jobs = await revertOften(component, 100);
    await component.mutation(api.threads.forceRunScheduledDeletion, { actor: OWNER, deletionJobId: jobs[98]! });
    for (const _of of ["two batches", "of fifty turns"]) await runScheduledNow(component);
    expect(await status(component, jobs[98]!)).toMatchObject({ status: "completed" });
    jobs.push(...(await revertOften(component, 2)));
    expect(await status(component, jobs[0]!)).toMatchObject({ status: "completed", deletedRows: 0 });
    expect((await dump(component)).threads[0]!.hidden!.map(({ job }) => job as string)).toEqual(jobs.filter((_id, at) => at !== 0 && at !== 98));
  });

  test("to the last turn, or to one that is hidden", async () => {
    const component = await startTurns("abc");
    expect(await revert(component, "c")).toEqual({});
    expect(await countRows(component)).not.toHaveProperty("deletions");
    await revert(component, "a");
    expect((await refusal(revert(component, "b"))).code).toBe("E_AUTH_TURN_FORBIDDEN");
    expect((await refusal(remove(component, "c"))).code).toBe("E_AUTH_TURN_FORBIDDEN");
  });

  test("to nothing hides every turn at once, and none that comes then", async () => {
    const component = await startTurns("abc");
    const { deletionJobId } = await revert(component, null);
    expect(await listed(component)).toEqual(new Set([""]));
    for (const turnId of "abc") await expectUnreadable(component, turnId);
    expect(await revert(component, null), "the same again").toMatchObject({ deletionJobId });
    await component.mutation(api.threads.cancelScheduledDeletion, { actor: OWNER, deletionJobId: deletionJobId! });
    expect(await listed(component)).toEqual(new Set(["abc"]));
    await revert(component, null);
    await ingestOk(component, new TurnStream({ turnId: "d" }).whole());
    expect((await messagesOf(component)).map(({ turnId }) => turnId)).toEqual(["d", "d"]);
    await finish(component);
    for (const turnId of "abc") expect(await rowsOf(component, turnId)).toEqual({ deletedTurns: 1 });
    expect((await messagesOf(component)).map(({ turnId }) => turnId)).toEqual(["d", "d"]);
  });

  test("of a thread without turns deletes nothing, and of none is refused", async () => {
    const component = await startThread();
    expect(await revert(component, null)).toEqual({});
    expect(await countRows(component)).not.toHaveProperty("deletions");
    expect((await refusal(component.mutation(api.threads.revert, { actor: OWNER, threadId: "nowhere", turnId: null }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
  });

  test("of hundreds of turns leaves the lists as long as before", async () => {
    const component = await startThread();
    for (let at = 0; at < 260; at++) await ingest(component, new TurnStream({ turnId: `t${at}` }).whole());
    await revert(component, "t39");
    const state = await component.query(api.threads.getState, inThread);
    expect([state.turns.length, state.allStreams.length, state.recentMessages[0]?.turnId]).toEqual([40, 40, "t39"]);
    const { page } = await component.query(api.messages.listByThread, { ...inThread, paginationOpts: { cursor: null, numItems: 10 } });
    expect(page.map(({ turnId }) => turnId)).toEqual(["t39", "t39", "t38", "t38", "t37", "t37", "t36", "t36", "t35", "t35"]);
    await finish(component);
    expect(await countRows(component)).toMatchObject({ turns: 40, messages: 80, streamHeads: 40, deletedTurns: 220 });
  });

  test("pages stay adjacent over what is hidden, whatever their size", async () => {
    const component = await startTurns("abcdef");
    await remove(component, "b");
    await remove(component, "d");
    await remove(component, "e");
    const whole = (await messagesOf(component)).map(({ turnId, messageId }) => turnId + messageId).reverse();
    expect(whole.map(([turnId]) => turnId).join("")).toBe("ffccaa");
    for (let numItems = 1; numItems <= 7; numItems++) {
      const seen: string[] = [];
      const ends: string[] = [];
      for (let cursor: string | null = null, done = false; !done; ) {
        const opts: { cursor: string | null; numItems: number } = { cursor, numItems };
        const page: { page: { turnId: string; messageId: string }[]; isDone: boolean; continueCursor: string } = await component.query(api.messages.listByThread, { ...inThread, paginationOpts: opts });
        const rows = page.page.map(({ turnId, messageId }) => turnId + messageId);
        const pinned = await component.query(api.messages.listByThread, { ...inThread, paginationOpts: { ...opts, endCursor: page.continueCursor } });
        expect(pinned.page.map(({ turnId, messageId }) => turnId + messageId)).toEqual(rows);
        seen.push(...rows);
        ends.push(page.continueCursor);
        [cursor, done] = [page.continueCursor, page.isDone];
      }
      expect(seen, `${numItems} a page`).toEqual(whole);
    }
  });
});
