/** What goes, and when: each sweep by itself, in bounded batches, without anyone ingesting. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { FunctionReference } from "convex/server";
import crons from "../../convex/crons.js";
import {
  agentMessage,
  api,
  countRows,
  dump,
  ingest,
  ingestOk,
  internal,
  lifecycle,
  modules,
  OWNER,
  SESSION,
  startComponent,
  startThread,
  STREAM,
  textsOf,
  THREAD,
  TURN,
  turnOf,
  TurnStream,
  type Component,
} from "./build.js";

const MINUTE = 60_000;
const COUNTS = { totalTokens: 7, inputTokens: 6, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0 };
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

beforeEach(() => vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

type Sweeping<Args extends Record<string, unknown>, Swept> = FunctionReference<"mutation", "internal", Args, Swept>;

/** Runs a sweep and what it schedules, to the end; answers what the first call did. Every argument of a sweep is optional. */
async function sweep<Args extends Record<string, unknown>, Swept>(component: Component, reference: Sweeping<Args, Swept>): Promise<Swept> {
  const first = await component.mutation(reference as unknown as Sweeping<Record<string, never>, Swept>, {});
  await component.finishAllScheduledFunctions(vi.runAllTimers);
  return first;
}

const beat = (component: Component) =>
  component.mutation(api.sync.heartbeat, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
const replay = (component: Component, cursor: number) =>
  component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById: [{ streamId: STREAM, cursor }] });

/** A turn in progress with a message of `count` chunks, ten minutes apart. */
async function busy(count: number) {
  const component = await startThread();
  const turn = new TurnStream();
  await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
  let text = "";
  for (let at = 0; at < count; at++) {
    pass(10 * MINUTE);
    text += `<${String(at)}>`;
    await ingest(component, [turn.text("m", `<${String(at)}>`)]);
  }
  return { component, turn, text };
}

describe("expired chunks", () => {
  test("of a session that is busy go, the text stays whole, and readers go on", async () => {
    const { component, turn, text } = await busy(300);
    await expect(replay(component, 100)).resolves.toMatchObject({ streamWindows: [{ status: "ok" }] });
    const swept = await sweep(component, internal.streams.cleanupExpiredDeltas);
    expect(swept).toEqual({ streams: 1, hasMore: true });
    const { chunks, messages } = await dump(component);
    expect(Math.min(...chunks.map(({ expiresAt }) => expiresAt))).toBeGreaterThan(Date.now());
    expect(chunks).toHaveLength(301 - 157);
    expect(messages[0]!.foldCursor, "batches had folded it further").toBe(259);
    expect(await textsOf(component)).toEqual([["m", "streaming", text]]);
    const trimmed = await replay(component, 100);
    expect(trimmed.streamWindows).toMatchObject([{ status: "rebased", serverCursorStart: 158 }]);
    await ingestOk(component, [turn.text("m", "!")]);
    expect(await textsOf(component)).toEqual([["m", "streaming", `${text}!`]]);
    await expect(replay(component, trimmed.nextCheckpoints[0]!.cursor)).resolves.toMatchObject({ streamWindows: [{ status: "ok" }] });
    expect(await sweep(component, internal.streams.cleanupExpiredDeltas)).toEqual({ streams: 0, hasMore: false });
  });

  test("are swept in batches that do not grow with what there is", async () => {
    const component = startComponent({ documentsRead: 450, documentsWritten: 220 });
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
    await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    for (let at = 0; at < 700; at++) await ingestOk(component, [turn.text("m", "x")]);
    pass(DAY);
    const first = await component.run((ctx) => ctx.db.query("chunks").first());
    const asked = { chunks: [first!._id], nowMs: Date.now() };
    expect(await component.mutation(internal.streams.cleanupExpiredStream, asked)).toEqual({ deleted: 200, hasMore: true });
    expect(await sweep(component, internal.streams.cleanupExpiredDeltas)).toEqual({ streams: 1, hasMore: true });
    expect((await countRows(component)).chunks).toBeUndefined();
    expect(await textsOf(component)).toEqual([["m", "streaming", "x".repeat(700)]]);
  });

  test("behind a hole that nobody filled for a day go with it", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "a")]);
    const lost = turn.text("m", "lost");
    expect((await ingest(component, [turn.text("m", "b")])).status).toBe("partial");
    pass(DAY - 1);
    await sweep(component, internal.streams.cleanupExpiredDeltas);
    expect((await countRows(component)).chunks).toBe(2);
    pass(1);
    await sweep(component, internal.streams.cleanupExpiredDeltas);
    const { chunks, streamHeads } = await dump(component);
    expect([chunks, streamHeads[0]!.holes]).toEqual([[], []]);
    expect(await textsOf(component)).toEqual([["m", "streaming", "ab"]]);
    await ingestOk(component, [lost]);
    expect(await textsOf(component)).toEqual([["m", "streaming", "ab"]]);
  });

  test("that stand behind any number of chunks that have not expired go, and keep no other from going", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    const late = Array.from({ length: 450 }, () => turn.text("m", "x"));
    await ingest(component, [turn.text("m", "end")]);
    const other = new TurnStream({ threadId: "th_2" });
    pass(1);
    await ingest(component, [other.started()], { threadId: "th_2" });
    pass(DAY / 2);
    for (const event of late) await ingest(component, [event]);
    pass(DAY / 2);
    await sweep(component, internal.streams.cleanupExpiredDeltas);
    const { chunks } = await dump(component);
    expect([chunks.length, chunks.filter(({ expiresAt }) => expiresAt <= Date.now())]).toEqual([450, []]);
    expect(await textsOf(component)).toEqual([["m", "streaming", `${"x".repeat(450)}end`]]);
  });

  test("of other threads, and parts of theirs, go too, and nothing else does", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const big = "y".repeat(200_000);
    await ingestOk(component, [turn.started(), turn.itemCompleted(agentMessage("m", big)), turn.completed()]);
    const other = new TurnStream({ threadId: "th_2" });
    await ingest(component, [other.started(), ...other.reply("o", ["hi"])], { threadId: "th_2" });
    pass(DAY);
    await sweep(component, internal.streams.cleanupExpiredDeltas);
    const left = await countRows(component);
    expect([left.chunks, left.messages, left.streamHeads, left.streams]).toEqual([undefined, 2, 2, 2]);
    expect((await dump(component)).parts.every(({ kind }) => kind === "text" || kind === "payload")).toBe(true);
  });
});

describe("a finished stream", () => {
  const finished = async (end: "completed" | "interrupted" = "completed") => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "Hel")]);
    await ingestOk(component, [turn.text("m", "lo"), turn.completed(end)]);
    return { component, turn };
  };

  test("is listed for five minutes, then goes with its chunks and checkpoints; its head and its texts stay", async () => {
    const { component } = await finished();
    for (const deviceId of ["laptop", "phone"]) {
      await component.mutation(api.sync.upsertCheckpoint, { actor: { ...OWNER, deviceId }, threadId: THREAD, streamId: STREAM, cursor: 3 });
    }
    pass(5 * MINUTE - 1);
    expect(await sweep(component, internal.streams.cleanupFinishedStreams)).toEqual({ streams: 0, hasMore: false });
    expect((await replay(component, 0)).streams).toHaveLength(1);
    pass(1);
    expect(await sweep(component, internal.streams.cleanupFinishedStreams)).toEqual({ streams: 1, hasMore: false });
    const left = await countRows(component);
    expect([left.streams, left.chunks, left.checkpoints, left.streamHeads]).toEqual([undefined, undefined, undefined, 1]);
    expect(await textsOf(component)).toEqual([["m", "completed", "Hello"]]);
    expect(await replay(component, 1)).toMatchObject({ streams: [], streamWindows: [{ status: "stale" }], nextCheckpoints: [{ cursor: 5 }] });
  });

  test("of an app that wants it longer stays longer", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, turn.whole(), { runtime: { finishedStreamDeleteDelayMs: 2 * DAY } });
    pass(2 * DAY - 1);
    await sweep(component, internal.streams.cleanupExpiredDeltas);
    await sweep(component, internal.streams.cleanupFinishedStreams);
    await expect(replay(component, 0)).resolves.toMatchObject({ streams: [{ streamId: STREAM }], streamWindows: [{ status: "ok" }] });
    pass(1);
    await sweep(component, internal.streams.cleanupFinishedStreams);
    expect((await replay(component, 0)).streams).toEqual([]);
  });

  test("takes late output, which goes a day later", async () => {
    const { component, turn } = await finished();
    pass(5 * MINUTE);
    await sweep(component, internal.streams.cleanupFinishedStreams);
    await ingestOk(component, [turn.text("m", " World")]);
    expect(await textsOf(component)).toEqual([["m", "completed", "Hello World"]]);
    pass(DAY);
    await sweep(component, internal.streams.cleanupExpiredDeltas);
    expect((await countRows(component)).chunks).toBeUndefined();
    expect(await textsOf(component)).toEqual([["m", "completed", "Hello World"]]);
  });

  test("with a hole goes, and what lies behind the hole a day later", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "a")]);
    turn.text("m", "lost");
    await ingest(component, [turn.text("m", "b"), turn.completed()]);
    pass(5 * MINUTE);
    await sweep(component, internal.streams.cleanupFinishedStreams);
    const { chunks, streams } = await countRows(component);
    expect([chunks, streams]).toEqual([1, undefined]);
    expect(await textsOf(component)).toEqual([["m", "completed", "ab"]]);
    pass(DAY);
    await sweep(component, internal.streams.cleanupExpiredDeltas);
    expect((await countRows(component)).chunks).toBeUndefined();
    expect(await textsOf(component)).toEqual([["m", "completed", "ab"]]);
  });

  test("is cleaned up by its row, in batches, when it is due and not before", async () => {
    const { component } = await finished();
    const { streams } = await dump(component);
    const cleanUp = () => component.mutation(internal.streams.cleanupFinishedStream, { stream: streams[0]!._id, batchSize: 1 });
    expect(await cleanUp()).toEqual({ deletedDeltas: 0, streamDeleted: false, hasMore: false });
    pass(5 * MINUTE);
    expect(await cleanUp()).toEqual({ deletedDeltas: 1, streamDeleted: false, hasMore: true });
    expect(await textsOf(component)).toEqual([["m", "completed", "Hello"]]);
    expect(await cleanUp()).toEqual({ deletedDeltas: 1, streamDeleted: true, hasMore: false });
    expect(await cleanUp()).toEqual({ deletedDeltas: 0, streamDeleted: false, hasMore: false });
  });
});

describe("a turn", () => {
  const running = async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "Hel")]);
    return { component, turn };
  };
  const statesOf = async (component: Component) => {
    const { status, source } = await turnOf(component);
    const { streams } = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById: [] });
    return [status, source, (await textsOf(component))[0]![1], streams.map(({ state }) => state).join()];
  };

  test("of which nothing was heard for a day is ended, and goes on with the next event", async () => {
    const { component, turn } = await running();
    pass(DAY - 1);
    expect(await sweep(component, internal.silence.endSilentTurns)).toEqual({ asked: 0, hasMore: false });
    pass(1);
    expect(await sweep(component, internal.silence.endSilentTurns)).toEqual({ asked: 1, hasMore: false });
    expect(await statesOf(component)).toEqual(["interrupted", "sweep", "interrupted", "aborted"]);
    expect((await turnOf(component)).error).toBe("no event and no beat for 24 h");
    expect(await sweep(component, internal.silence.endSilentTurns)).toEqual({ asked: 0, hasMore: false });
    await ingest(component, [turn.text("m", "lo")]);
    expect(await statesOf(component)).toEqual(["inProgress", undefined, "streaming", "streaming"]);
    const revived = await turnOf(component);
    expect([revived.error, revived.completedAt, revived.silentAt]).toEqual([undefined, undefined, Date.now() + DAY]);
    const { messages, streams } = await dump(component);
    expect([messages[0]!.completedAt, streams[0]!.expiresAt, streams[0]!.finishedAt]).toEqual([undefined, undefined, undefined]);
    expect(await textsOf(component)).toEqual([["m", "streaming", "Hello"]]);
    await ingestOk(component, [turn.itemCompleted(agentMessage("m", "Hello.")), turn.completed()]);
    expect(await statesOf(component)).toEqual(["completed", "codex", "completed", "finished"]);
  });

  test("goes on where its stream was cleaned up in between", async () => {
    const { component, turn } = await running();
    pass(DAY);
    await sweep(component, internal.silence.endSilentTurns);
    pass(HOUR);
    await sweep(component, internal.streams.cleanupFinishedStreams);
    expect(await statesOf(component)).toEqual(["interrupted", "sweep", "interrupted", ""]);
    await ingest(component, [turn.text("m", "lo")]);
    expect(await statesOf(component)).toEqual(["inProgress", undefined, "streaming", "streaming"]);
    expect(await textsOf(component)).toEqual([["m", "streaming", "Hello"]]);
    await ingestOk(component, [turn.completed()]);
    expect(await statesOf(component)).toEqual(["completed", "codex", "completed", "finished"]);
  });

  test("of a machine that beats, or sleeps for a night, is not ended", async () => {
    const { component } = await running();
    for (let hours = 0; hours < 50; hours += 10) {
      pass(10 * HOUR);
      await beat(component);
      await sweep(component, internal.silence.endSilentTurns);
      expect((await turnOf(component)).status).toBe("inProgress");
    }
    pass(DAY - 1);
    await sweep(component, internal.silence.endSilentTurns);
    expect((await turnOf(component)).status).toBe("inProgress");
    pass(1);
    expect(await sweep(component, internal.silence.endSilentTurns)).toEqual({ asked: 1, hasMore: false });
  });

  test("that was asked for and never began is ended too, and what has ended is not looked at", async () => {
    const component = await startThread();
    const input = [{ type: "text", text: "hi" }];
    await component.mutation(api.turns.start, { actor: OWNER, threadId: THREAD, turnId: "turn_1", input, idempotencyKey: "k" });
    const done = new TurnStream({ turnId: "turn_2" });
    await ingestOk(component, done.whole());
    expect((await dump(component)).turns.map(({ silentAt }) => silentAt)).toEqual([Date.now() + DAY, undefined]);
    pass(DAY);
    expect(await sweep(component, internal.silence.endSilentTurns)).toEqual({ asked: 1, hasMore: false });
    expect((await turnOf(component)).status).toBe("interrupted");
  });

  test("whose thread is gone is left alone, and keeps no other from its end", async () => {
    const { component } = await running();
    const other = new TurnStream({ threadId: "th_2" });
    await ingest(component, [other.started()], { threadId: "th_2" });
    await component.run(async (ctx) => {
      for (const thread of await ctx.db.query("threads").collect()) if (thread.threadId === THREAD) await ctx.db.delete("threads", thread._id);
    });
    pass(DAY);
    expect(await sweep(component, internal.silence.endSilentTurns)).toEqual({ asked: 2, hasMore: false });
    expect((await dump(component)).turns.map(({ threadId, status, silentAt }) => [threadId, status, silentAt])).toEqual([
      [THREAD, "inProgress", undefined],
      ["th_2", "interrupted", undefined],
    ]);
  });

  test("that ended with more open messages than one call closes is swept until none is open", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    const open = async () => (await dump(component)).messages.filter(({ closing }) => closing === "open").length;
    for (let at = 0; at < 3; at++) {
      await ingestOk(component, Array.from({ length: 700 }, (_, item) => turn.itemStarted(agentMessage(`m${String(at)}-${String(item)}`, ""))));
    }
    await ingestOk(component, [turn.completed()]);
    expect(await open()).toBe(1_100);
    const before = await turnOf(component);
    await sweep(component, internal.silence.endSilentTurns);
    expect(await open()).toBe(0);
    const { silentAt: _, ...after } = await turnOf(component);
    expect({ ...after, silentAt: before.silentAt }).toEqual(before);
    expect((await turnOf(component)).silentAt).toBeUndefined();
    expect((await dump(component)).messages.every(({ status, closing }) => status === "completed" && closing === "turn")).toBe(true);
  });

  test("is ended by its stream where somebody says why", async () => {
    const { component, turn } = await running();
    const [stream] = (await dump(component)).streams;
    expect(await component.mutation(internal.streams.timeoutStream, { stream: stream!._id, reason: "asked for" })).toEqual({ timedOut: true });
    expect(await statesOf(component)).toEqual(["interrupted", "sweep", "interrupted", "aborted"]);
    expect((await turnOf(component)).error).toBe("asked for");
    expect(await component.mutation(internal.streams.timeoutStream, { stream: stream!._id })).toEqual({ timedOut: false });
    await ingestOk(component, [turn.text("m", "lo")]);
    expect(await statesOf(component)).toEqual(["inProgress", undefined, "streaming", "streaming"]);
  });

  test("that a client interrupts after the sweep stays ended", async () => {
    const { component, turn } = await running();
    pass(DAY);
    await sweep(component, internal.silence.endSilentTurns);
    await component.mutation(api.turns.interrupt, { actor: OWNER, threadId: THREAD, turnId: turn.turnId });
    await ingest(component, [turn.text("m", "lo")]);
    expect(await statesOf(component)).toEqual(["interrupted", "client", "interrupted", "aborted"]);
  });
});

describe("many", () => {
  test("600 silent sessions are marked, beat again, and are forgotten after a week", async () => {
    const component = startComponent({ documentsRead: 700, documentsWritten: 250 });
    const bind = (at: number, tenantId = OWNER.tenantId) => {
      const actor = { ...OWNER, tenantId };
      return component.mutation(api.sync.ensureSession, { actor, sessionId: `s_${String(at)}`, threadId: threadOf(at), lastEventCursor: 7 });
    };
    const threadOf = (at: number) => `th_${String(at % 12)}`;
    for (const tenantId of [OWNER.tenantId, "other"]) {
      for (let at = 0; at < 12; at++) await component.mutation(api.threads.create, { actor: { ...OWNER, tenantId }, threadId: threadOf(at) });
    }
    for (let at = 0; at < 600; at++) await bind(at);
    await bind(0, "other");
    pass(45_000);
    expect(await sweep(component, internal.sessions.timeoutStaleSessions)).toEqual({ timedOut: 0, hasMore: false });
    pass(1);
    const ofOther = { tenantId: "other", staleBeforeMs: Date.now() - 45_000 };
    expect(await component.mutation(internal.sessions.timeoutStaleSessions, ofOther)).toEqual({ timedOut: 1, hasMore: false });
    expect(await sweep(component, internal.sessions.timeoutStaleSessions)).toEqual({ timedOut: 200, hasMore: true });
    const marked = async () => (await dump(component)).sessions.filter(({ timedOutAt }) => timedOutAt !== undefined).length;
    expect(await marked()).toBe(601);
    expect(await bind(599)).toMatchObject({ status: "active" });
    expect(await marked()).toBe(600);
    pass(7 * DAY);
    await sweep(component, internal.sessions.forgetOldSessions);
    expect(await marked()).toBe(600);
    pass(1);
    expect(await sweep(component, internal.sessions.forgetOldSessions)).toEqual({ deleted: 200, hasMore: true });
    expect((await dump(component)).sessions.map(({ sessionId, lastEventCursor }) => [sessionId, lastEventCursor])).toEqual([["s_599", 7]]);
  });

  test("3,000 checkpoints go a week after they were last raised", async () => {
    const component = startComponent({ documentsRead: 1_100, documentsWritten: 550 });
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
    await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    const raise = (at: number, cursor: number) =>
      component.mutation(api.sync.upsertCheckpoint, { actor: { ...OWNER, deviceId: `d_${String(at)}` }, threadId: THREAD, streamId: STREAM, cursor });
    await raise(0, 1);
    const [first] = (await dump(component)).checkpoints;
    const { _id, _creationTime, ...row } = first!;
    for (let from = 1; from < 3_000; from += 500) {
      await component.run(async (ctx) => {
        for (let at = from; at < Math.min(from + 500, 3_000); at++) await ctx.db.insert("checkpoints", { ...row, deviceId: `d_${String(at)}` });
      });
    }
    pass(DAY);
    await raise(0, 2);
    pass(6 * DAY - 1);
    expect(await sweep(component, internal.retention.cleanupCheckpoints)).toEqual({ deleted: 0, hasMore: false });
    pass(1);
    expect(await sweep(component, internal.retention.cleanupCheckpoints)).toEqual({ deleted: 500, hasMore: true });
    expect((await dump(component)).checkpoints.map(({ deviceId }) => deviceId)).toEqual(["d_0"]);
  });

  test("readers of one finished stream have their checkpoints deleted with it, in batches", async () => {
    const component = startComponent({ documentsRead: 1_100, documentsWritten: 600 });
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
    await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
    await ingestOk(component, new TurnStream().whole());
    for (let at = 0; at < 700; at++) {
      await component.mutation(api.sync.upsertCheckpoint, { actor: { ...OWNER, deviceId: `d_${String(at)}` }, threadId: THREAD, streamId: STREAM, cursor: 1 });
    }
    pass(5 * MINUTE);
    await sweep(component, internal.streams.cleanupFinishedStreams);
    const left = await countRows(component);
    expect([left.checkpoints, left.streams]).toEqual([undefined, undefined]);
  });

  test("ids of lifecycle events of another form are forgotten after 15 days, and count as new then", async () => {
    const component = await startThread();
    const named = (name: string) => [{ ...lifecycle(0, "thread/name/updated", { threadName: name }), eventId: "theirs" }];
    await ingestOk(component, [], {}, named("first"));
    pass(15 * DAY - 1);
    await sweep(component, internal.retention.cleanupLifecycleIds);
    expect((await countRows(component)).lifecycleIds).toBe(1);
    pass(1);
    expect(await sweep(component, internal.retention.cleanupLifecycleIds)).toEqual({ deleted: 1, hasMore: false });
    await ingest(component, [], {}, named("second"));
    expect((await dump(component)).threads[0]!.name).toBe("second");
  });
});

test("a quarantine of 4 MiB lets the oldest go, with their parts", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  await ingestOk(component, [turn.started()]);
  for (let at = 0; at < 6; at++) await ingest(component, [turn.raw("item/started", "{".repeat(1024 * 1024))]);
  const { quarantine, parts } = await dump(component);
  expect(quarantine.map(({ eventId, bytes }) => [eventId.split(":").at(-1), bytes])).toEqual([3, 4, 5, 6].map((at) => [String(at), 1024 * 1024]));
  expect(new Set(parts.map(({ owner }) => owner))).toEqual(new Set(quarantine.map(({ _id }) => _id)));
});

test("an audit names heads without a turn", async () => {
  const component = await startThread();
  await ingestOk(component, new TurnStream().whole());
  const audit = (args = {}) => component.query(internal.streams.auditDataHygiene, { tenantId: OWNER.tenantId, ...args });
  expect(await audit()).toEqual({ scannedStreamStats: 1, streamStatOrphans: 0, orphanStreamIds: [] });
  await component.run(async (ctx) => ctx.db.delete("turns", (await ctx.db.query("turns").first())!._id));
  expect(await audit()).toEqual({ scannedStreamStats: 1, streamStatOrphans: 1, orphanStreamIds: [STREAM] });
  await ingestOk(component, new TurnStream({ turnId: "turn_2" }).whole());
  const scanned = async (sampleSize: number) => (await audit({ sampleSize })).scannedStreamStats;
  expect(await Promise.all([Number.NaN, Infinity, -1, 0.5, 1, 2].map(scanned))).toEqual([2, 2, 1, 2, 1, 2]);
});

test("a thread says of each stream that it lists how far it is, whatever went; of what no turn is known the audit tells", async () => {
  const component = await startThread();
  const found = async () => {
    const { allStreams, streamStats } = await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD });
    expect(streamStats.map(({ streamId }) => streamId)).toEqual(allStreams.map(({ streamId }) => streamId));
    const audit = await component.query(internal.streams.auditDataHygiene, { tenantId: OWNER.tenantId });
    return { inState: streamStats.map(({ streamId, latestCursor }) => [streamId, latestCursor]), heads: [audit.scannedStreamStats, audit.orphanStreamIds] };
  };
  const [first, second] = [new TurnStream(), new TurnStream({ turnId: "turn_2" })];
  await ingestOk(component, [first.started(), ...first.reply("m", ["hi"])]);
  await ingestOk(component, second.whole());
  expect(await found()).toEqual({ inState: [[first.streamId, 4], [second.streamId, 8]], heads: [2, []] });
  await ingestOk(component, [first.completed()]);
  pass(5 * MINUTE);
  await sweep(component, internal.streams.cleanupFinishedStreams);
  // Listed no more, and how far they are is kept with their turns.
  expect(await found()).toEqual({ inState: [], heads: [2, []] });
  await component.mutation(api.turns.deleteCascade, { actor: OWNER, threadId: THREAD, turnId: TURN });
  await component.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await found()).toEqual({ inState: [], heads: [1, []] });
  // Usage of a turn that nobody told of makes none.
  const early = new TurnStream({ turnId: "turn_3" });
  await ingestOk(component, [early.event("thread/tokenUsage/updated", { tokenUsage: { total: COUNTS, last: COUNTS } })]);
  expect(await found()).toEqual({ inState: [[early.streamId, 1]], heads: [2, [early.streamId]] });
  await ingestOk(component, [early.started()]);
  expect(await found()).toEqual({ inState: [[early.streamId, 2]], heads: [2, []] });
});

describe("a stream whose turn nobody tells of", () => {
  const usage = (turn: TurnStream) => turn.event("thread/tokenUsage/updated", { tokenUsage: { total: COUNTS, last: COUNTS } });
  const listed = async (component: Component) =>
    (await dump(component)).streams.map(({ streamId, state, turnOrder, expiresAt }) => ({ streamId, state, turnOrder, expires: expiresAt !== undefined }));
  const streaming = { streamId: STREAM, state: "streaming" };
  /** Both sweeps, as the crons run them. */
  const sweepBoth = async (component: Component) => {
    await sweep(component, internal.streams.cleanupExpiredDeltas);
    return sweep(component, internal.streams.cleanupFinishedStreams);
  };

  /** Usage that comes of a turn of which nothing else does. */
  async function unknown() {
    const component = await startThread();
    const turn = new TurnStream();
    const sent = [usage(turn)];
    await ingestOk(component, sent);
    return { component, turn, sent };
  }

  test("is listed for a day behind its last event, and its head stays: what is sent again changes nothing", async () => {
    const { component, turn, sent } = await unknown();
    await component.mutation(api.sync.upsertCheckpoint, { actor: OWNER, threadId: THREAD, streamId: STREAM, cursor: 1 });
    pass(20 * HOUR);
    const more = [usage(turn)];
    await ingestOk(component, more);
    pass(DAY - 1);
    await sweepBoth(component);
    expect((await replay(component, 2)).streams).toEqual([{ streamId: STREAM, state: "streaming" }]);
    expect((await dump(component)).streams[0]!.expiresAt, "it is not due before its chunk is").toBe(Date.now() + 1);
    pass(1);
    // The chunk is there: it is asked again.
    expect(await sweep(component, internal.streams.cleanupFinishedStreams)).toEqual({ streams: 1, hasMore: false });
    expect(await listed(component)).toHaveLength(1);
    await sweepBoth(component);
    const { streams, chunks, checkpoints, streamHeads, turns } = await countRows(component);
    expect({ streams, chunks, checkpoints, streamHeads, turns }).toEqual({ streamHeads: 1 });
    expect((await replay(component, 2)).streams).toEqual([]);
    await beat(component);
    const before = await dump(component);
    for (const again of [sent, more, [...sent, ...more]]) await ingestOk(component, again);
    expect(await dump(component)).toEqual(before);
  });

  test("is listed again with the turn, when it is told of after all", async () => {
    const { component, turn } = await unknown();
    pass(2 * DAY);
    await sweepBoth(component);
    expect(await listed(component)).toEqual([]);
    // It is live for who reads it, and ends with its turn.
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "Hello")]);
    expect(await listed(component)).toEqual([{ ...streaming, turnOrder: 0, expires: false }]);
    expect((await replay(component, 1)).texts).toMatchObject([{ messageId: "m", text: "Hello" }]);
    pass(10 * DAY);
    await beat(component);
    await sweepBoth(component);
    expect(await listed(component)).toEqual([{ ...streaming, turnOrder: 0, expires: false }]);
    await ingestOk(component, [turn.completed()]);
    expect(await listed(component)).toEqual([{ streamId: STREAM, state: "finished", turnOrder: 0, expires: true }]);
    expect(await textsOf(component)).toEqual([["m", "completed", "Hello"]]);
  });

  test("is not listed again where its turn is told of with its end", async () => {
    const { component, turn } = await unknown();
    pass(2 * DAY);
    await sweepBoth(component);
    await ingestOk(component, [...turn.reply("m", ["Hello"]), turn.completed()]);
    expect(await listed(component)).toEqual([]);
    expect(await textsOf(component)).toEqual([["m", "completed", "Hello"]]);
    expect((await turnOf(component)).status).toBe("completed");
  });

  test("goes on with its turn where that is told of on it in time, and in its place", async () => {
    const { component, turn } = await unknown();
    await ingestOk(component, [turn.started()]);
    expect(await listed(component)).toEqual([{ ...streaming, turnOrder: 0, expires: false }]);
    await ingestOk(component, [turn.completed()]);
    const { expiresAt } = (await dump(component)).streams[0]!;
    expect(expiresAt).toBe(Date.now() + 5 * MINUTE);
  });

  test("ends with its turn where one batch tells of both", async () => {
    const { component, turn } = await unknown();
    await ingestOk(component, [turn.started(), turn.completed()]);
    expect(await listed(component)).toEqual([{ streamId: STREAM, state: "finished", turnOrder: 0, expires: true }]);
  });

  test("is its turn's where that is told of elsewhere", async () => {
    const { component, turn } = await unknown();
    await component.mutation(api.turns.start, { actor: OWNER, threadId: THREAD, turnId: TURN, input: [], idempotencyKey: "k" });
    pass(DAY);
    await sweepBoth(component);
    expect(await listed(component)).toEqual([{ ...streaming, turnOrder: 0, expires: false }]);
    await ingestOk(component, [turn.started(), turn.completed()]);
    expect(await listed(component)).toEqual([{ streamId: STREAM, state: "finished", turnOrder: 0, expires: true }]);
  });

  test("goes with any number of others, and no other stream does", async () => {
    const component = await startThread();
    const known = new TurnStream({ turnId: "known" });
    await ingestOk(component, [known.started()]);
    for (let at = 0; at < 250; at += 50) {
      await ingestOk(component, Array.from({ length: 50 }, (_, more) => usage(new TurnStream({ turnId: `turn_${String(at + more)}` }))));
    }
    pass(DAY);
    await beat(component);
    await sweep(component, internal.streams.cleanupExpiredDeltas);
    expect(await sweep(component, internal.streams.cleanupFinishedStreams)).toEqual({ streams: 100, hasMore: true });
    expect((await listed(component)).map(({ streamId }) => streamId)).toEqual([known.streamId]);
    expect((await countRows(component)).streamHeads).toBe(251);
  });
});

test("the crons name every sweep, and nothing else", async () => {
  const sweeps: string[] = [];
  for (const [path, load] of Object.entries(modules)) {
    const module = path.replace(/^.*\/convex\//, "").replace(/\.ts$/, "");
    if (module.startsWith("_generated/")) continue;
    for (const [name, exported] of Object.entries((await load()) as Record<string, { isInternal?: boolean; isMutation?: boolean } | undefined>)) {
      if (exported?.isInternal === true && exported.isMutation === true) sweeps.push(`${module}:${name}`);
    }
  }
  // These are of one stream, turn, command or job, which its caller names, of one thread's decisions, of one runtime, whose beats move them, and of one token.
  const ofStreams = ["streams:cleanupExpiredStream", "streams:cleanupFinishedStream", "streams:timeoutStream"];
  const ofOne = ["commands:expireCommand", "commands:sendUnsent", "devices:expire", "forks:step", ...ofStreams, "silence:endSilentTurn", "deletions:step", "presence:expire"];
  const named = Object.values(crons.crons).map(({ name }) => name);
  expect(named.sort()).toEqual(sweeps.filter((name) => !ofOne.includes(name)).sort());
});
