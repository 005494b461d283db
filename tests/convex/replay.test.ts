/** What a reader gets of streams, and how far it has read. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { agentMessage, api, dump, ingest, ingestOk, messagesOf, OWNER, refusal, reasoning, startThread, STREAM, textsOf, THREAD, TURN, TurnStream, type Component } from "./build.js";

const STRANGER = { ...OWNER, userId: "bob" };
const PHONE = { ...OWNER, deviceId: "phone" };

type Options = { streamId?: string; runtime?: Record<string, number | boolean> };

const replay = (component: Component, cursor: number, { streamId = STREAM, runtime = {} }: Options = {}) =>
  component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById: [{ streamId, cursor }], runtime });

const resume = (component: Component, fromCursor: number, runtime: Record<string, number> = {}, turnId = TURN) =>
  component.query(api.sync.resumeReplay, { actor: OWNER, threadId: THREAD, turnId, fromCursor, runtime });

afterEach(() => vi.useRealTimers());

/** 0 started, 1 item, then twelve words as 2, 3, …; `keep` says which cursors arrive, `apart` where batches begin. */
type Spoken = { save?: boolean; keep?: (at: number) => boolean; apart?: number[]; width?: number };

async function spoken({ save = true, keep = () => true, apart = [], width = 1 }: Spoken = {}) {
  const component = await startThread();
  const turn = new TurnStream();
  const events = [turn.started(), turn.itemStarted(agentMessage("m", ""))];
  for (let at = 2; at < 14; at++) {
    const event = turn.text("m", `w${at} `);
    const cursorStart = 2 + (at - 2) * width;
    events.push({ ...event, cursorStart, cursorEnd: cursorStart + width });
  }
  const arriving = events.filter(({ cursorStart }) => keep(cursorStart));
  for (const [at, start] of [0, ...apart].entries()) {
    const end = apart[at] ?? Infinity;
    const batch = arriving.filter(({ cursorStart }) => cursorStart >= start && cursorStart < end);
    await ingest(component, batch, { runtime: { saveStreamDeltas: save } });
  }
  return component;
}

describe("a window", () => {
  type Case = [what: string, component: () => Promise<Component>, cursor: number, window: [string, number, number], next: number, starts: number[]];
  const starts = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
  const expire = async (component: Component, below: number) => {
    await component.run(async (ctx) => {
      for (const chunk of await ctx.db.query("chunks").collect()) if (chunk.cursorEnd <= below) await ctx.db.delete(chunk._id);
    });
    return component;
  };
  const cases: Case[] = [
    ["covered at the cursor", () => spoken(), 5, ["ok", 5, 14], 14, starts(5, 14)],
    ["from the beginning", () => spoken(), 0, ["ok", 0, 14], 14, starts(0, 14)],
    ["covered, over later holes without a stop", () => spoken({ keep: (at) => at < 6 || at > 8 }), 4, ["ok", 4, 14], 14, [4, 5, 9, 10, 11, 12, 13]],
    ["inside a delta", () => spoken({ width: 10 }), 27, ["rebased", 22, 122], 122, starts(2, 12).map((at) => at * 10 + 2)],
    ["inside a delta of another chunk", () => spoken({ width: 10, apart: [22] }), 27, ["rebased", 22, 122], 122, starts(2, 12).map((at) => at * 10 + 2)],
    ["in a hole", () => spoken({ keep: (at) => at < 6 || at > 8 }), 7, ["rebased", 9, 14], 14, starts(9, 14)],
    ["below what has gone", async () => expire(await spoken({ apart: [5, 9] }), 5), 1, ["rebased", 5, 14], 14, starts(5, 14)],
    ["gone, with none beyond", async () => expire(await spoken(), 14), 3, ["stale", 3, 3], 14, []],
    ["beyond the latest", () => spoken(), 99, ["stale", 99, 99], 14, []],
    ["at the latest", () => spoken(), 14, ["ok", 14, 14], 14, []],
    ["at the latest of a stream whose chunks are gone", async () => expire(await spoken(), 14), 14, ["ok", 14, 14], 14, []],
    ["covered where no delta is kept", () => spoken({ save: false }), 5, ["ok", 5, 14], 14, []],
  ];
  test.each(cases)("%s", async (_what, make, cursor, [status, serverCursorStart, serverCursorEnd], next, deltaStarts) => {
    const component = await make();
    const answer = await replay(component, cursor);
    const holes = (await dump(component)).streamHeads[0]!.holes.map(({ start, end }) => ({ cursorStart: start, cursorEnd: end }));
    const missing = holes.length > 0 ? { holes } : {};
    expect(answer.streamWindows).toEqual([{ streamId: STREAM, status, serverCursorStart, serverCursorEnd, ...missing }]);
    expect(answer.nextCheckpoints).toEqual([{ streamId: STREAM, cursor: next }]);
    expect(answer.deltas.map(({ cursorStart }) => cursorStart)).toEqual(deltaStarts);
    const ofStream = <Row extends { streamId: string }>(rows: Row[]) => rows.map(({ streamId: _, ...row }) => row);
    expect(await resume(component, cursor)).toEqual({
      ...{ streamWindow: answer.streamWindows[0], nextCursor: next, deltas: ofStream(answer.deltas), texts: ofStream(answer.texts) },
    });
  });

  test.each([NaN, Infinity, -Infinity, -1, 0.5, 2 ** 53])("asked for at %d is a value, never an exception", async (cursor) => {
    const answer = await replay(await spoken(), cursor);
    expect(answer.streamWindows).toHaveLength(1);
    expect(answer.nextCheckpoints).toEqual([{ streamId: STREAM, cursor: 14 }]);
  });

  test("of a stream that nobody knows", async () => {
    const component = await spoken();
    expect(await replay(component, 0, { streamId: "unknown" })).toMatchObject({
      streamWindows: [{ streamId: "unknown", status: "ok", serverCursorStart: 0, serverCursorEnd: 0 }],
      nextCheckpoints: [{ streamId: "unknown", cursor: 0 }],
      deltas: [],
      texts: [],
    });
    expect(await replay(component, 5, { streamId: "unknown" })).toMatchObject({
      streamWindows: [{ status: "stale", serverCursorStart: 5, serverCursorEnd: 5 }],
      nextCheckpoints: [{ cursor: 0 }],
    });
  });

  test("of a stream of another thread, or of another user, is that of an unknown one", async () => {
    const component = await spoken();
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2" });
    await component.mutation(api.threads.create, { actor: STRANGER, threadId: THREAD });
    for (const cursor of [0, 5]) {
      const [mine, theirs, unknown] = await Promise.all(
        [
          { actor: OWNER, threadId: "th_2", streamCursorsById: [{ streamId: STREAM, cursor }] },
          { actor: STRANGER, threadId: THREAD, streamCursorsById: [{ streamId: STREAM, cursor }] },
          { actor: OWNER, threadId: "th_2", streamCursorsById: [{ streamId: "unknown", cursor }] },
        ].map((args) => component.query(api.sync.replay, args)),
      );
      const named = JSON.parse(JSON.stringify(unknown).replaceAll("unknown", STREAM));
      expect([mine, theirs]).toEqual([named, named]);
    }
  });

  test("says what is missing of what was read, and no more once that has come", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const at = async (cursor: number, ...words: string[]) => {
      turn.cursor = cursor;
      await ingest(component, words.map((word) => turn.text("m", word)));
    };
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "a")]);
    await at(5, "d");
    await at(10, "f");
    const missing = async (cursor: number, runtime = {}) => (await replay(component, cursor, { runtime })).streamWindows[0]!.holes;
    expect(await missing(0)).toEqual([{ cursorStart: 3, cursorEnd: 5 }, { cursorStart: 6, cursorEnd: 10 }]);
    expect(await missing(6)).toEqual(await missing(0));
    expect(await missing(0, { maxDeltasPerStreamRead: 2 })).toEqual(undefined);
    await at(3, "b", "c");
    expect(await missing(6)).toEqual([{ cursorStart: 6, cursorEnd: 10 }]);
    await at(6, "e", "e", "e", "e");
    expect((await replay(component, 6)).streamWindows[0]).not.toHaveProperty("holes");
  });

  test("is there for every stream that is asked for, also twice", async () => {
    const component = await spoken();
    const streamCursorsById = [
      { streamId: STREAM, cursor: 3 },
      { streamId: "unknown", cursor: 0 },
      { streamId: STREAM, cursor: 14 },
    ];
    const answer = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById });
    expect(answer.streamWindows.map(({ streamId, status }) => [streamId, status])).toEqual([[STREAM, "ok"], ["unknown", "ok"], [STREAM, "ok"]]);
    expect(answer.nextCheckpoints.map(({ cursor }) => cursor)).toEqual([14, 0, 14]);
  });
});

describe("a reader that follows nextCheckpoints", () => {
  async function readAll(component: Component, runtime: Record<string, number>) {
    const deltas: number[] = [];
    let [text, cursor, calls] = ["", 0, 0];
    for (;;) {
      const answer = await replay(component, cursor, { runtime });
      deltas.push(...answer.deltas.map(({ cursorStart }) => cursorStart));
      text += answer.texts.map((run) => run.text).join("");
      const next = answer.nextCheckpoints[0]!.cursor;
      calls += 1;
      if (next === cursor) return { deltas, text, calls, end: cursor };
      expect(next).toBeGreaterThan(cursor);
      cursor = next;
    }
  }
  const said = (cursors: number[]) => cursors.filter((at) => at >= 2).map((at) => `w${at} `).join("");

  test.each([1, 2, 3, 5, 100])("by %d deltas a call sees each delta and each word once", async (maxDeltasPerStreamRead) => {
    const component = await spoken({ apart: [4, 5, 11] });
    const all = Array.from({ length: 14 }, (_, at) => at);
    const read = await readAll(component, { maxDeltasPerStreamRead });
    expect(read).toMatchObject({ deltas: all, end: 14 });
    expect(read.calls).toBeLessThanOrEqual(all.length + 2);
    expect(read.text).toBe(said(all));
  });

  test.each([1, 2, 7])("by %d deltas a call gets over 81 holes in calls by deltas", async (maxDeltasPerStreamRead) => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    const starts: number[] = [];
    for (let at = 0; at < 81; at++) {
      turn.cursor += 1_000;
      starts.push(turn.cursor);
      await ingest(component, [turn.text("m", "x")], { runtime: { saveStreamDeltas: true } });
    }
    const read = await readAll(component, { maxDeltasPerStreamRead });
    expect(read).toMatchObject({ deltas: [0, 1, ...starts], text: "x".repeat(81), end: turn.cursor });
    expect(read.calls).toBeLessThanOrEqual(83 / maxDeltasPerStreamRead + 3);
  });

  test("without kept deltas still gets every word", async () => {
    const component = await spoken({ save: false, apart: [4, 5, 6, 7, 8, 9, 10, 11] });
    for (const maxDeltasPerStreamRead of [1, 3]) {
      const read = await readAll(component, { maxDeltasPerStreamRead });
      expect(read.text).toBe(said(Array.from({ length: 14 }, (_, at) => at)));
      expect(read.text).toBe((await messagesOf(component))[0]!.text);
    }
  });

  test("of many streams with a budget for few starves none", async () => {
    const component = await startThread();
    const turns = Array.from({ length: 20 }, (_, at) => new TurnStream({ turnId: `turn_${at}` }));
    for (const turn of turns) await ingestOk(component, turn.whole(["a", "b", "c"]), { runtime: { saveStreamDeltas: true } });
    const streamCursorsById = turns.map(({ streamId }) => ({ streamId, cursor: 0 }));
    const answer = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById, runtime: { maxDeltasPerRequestRead: 5 } });
    expect(answer.streamWindows.map(({ serverCursorEnd }) => serverCursorEnd)).toEqual(turns.map(() => 1));
  });

  test.each([NaN, -3, Infinity, 0])("with a budget of %d gets on", async (budget) => {
    const component = await spoken();
    const read = await readAll(component, { maxDeltasPerStreamRead: budget, maxDeltasPerRequestRead: budget });
    expect(read.end).toBe(14);
  });
});

describe("what is kept", () => {
  const script = () => {
    const turn = new TurnStream();
    const grew = (kind: string, itemId: string, extra = {}) => turn.event(`item/${kind}`, { itemId, delta: `${kind} `, ...extra });
    return [
      ...[turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "text ")],
      ...[grew("plan/delta", "p"), grew("commandExecution/outputDelta", "c"), grew("fileChange/outputDelta", "f")],
      ...[turn.itemStarted(reasoning("r", [], [])), grew("reasoning/summaryTextDelta", "r", { summaryIndex: 0 }), grew("reasoning/textDelta", "r", { contentIndex: 0 })],
      ...[turn.failed("Reconnecting", true), turn.event("turn/diff/updated", { diff: "d" }), turn.event("thread/brandNew", {}), turn.completed()],
    ];
  };
  const ALWAYS = ["turn/started", "item/started", "error", "turn/completed"];
  const STREAMED = ["item/agentMessage/delta", "item/plan/delta", "item/commandExecution/outputDelta", "item/fileChange/outputDelta"];
  const SUMMARY = "item/reasoning/summaryTextDelta";
  const RAW = "item/reasoning/textDelta";

  test.each([
    [{}, [...ALWAYS, SUMMARY]],
    [{ saveStreamDeltas: true }, [...ALWAYS, ...STREAMED, SUMMARY]],
    [{ saveReasoningDeltas: false }, ALWAYS],
    [{ exposeRawReasoningDeltas: true }, [...ALWAYS, SUMMARY, RAW]],
    [{ exposeRawReasoningDeltas: true, saveReasoningDeltas: false }, ALWAYS],
  ])("with %o", async (runtime, kinds) => {
    const component = await startThread();
    const events = script();
    await ingestOk(component, events, { runtime });
    const { deltas } = await replay(component, 0);
    expect(new Set(deltas.map(({ kind }) => kind))).toEqual(new Set(kinds));
    for (const delta of deltas) expect(delta.payloadJson).toBe(events[delta.cursorStart]!.payloadJson);
  });

  test("a reader cannot raise what was kept", async () => {
    const component = await startThread();
    await ingestOk(component, script());
    const everything = { saveStreamDeltas: true, exposeRawReasoningDeltas: true, saveReasoningDeltas: true };
    expect(await replay(component, 0, { runtime: everything })).toEqual(await replay(component, 0));
  });

  test("the live output of a command, apart from its text, where deltas are saved", async () => {
    const component = await startThread();
    await ingestOk(component, script(), { runtime: { saveStreamDeltas: true } });
    const { texts } = await replay(component, 0);
    expect(texts.filter(({ channel }) => channel === "output").map(({ messageId, text }) => [messageId, text])).toEqual([
      ["c", "commandExecution/outputDelta "],
      ["f", "fileChange/outputDelta "],
    ]);
    expect((await messagesOf(component)).find(({ messageId }) => messageId === "c")!.text).toBe("");
  });
});

describe("streams and snapshots", () => {
  test("of 250 streams the live one is listed, wherever it is", async () => {
    for (const live of [0, 249]) {
      const component = await startThread();
      for (let at = 0; at < 250; at += 50) {
        const turns = Array.from({ length: 50 }, (_, offset) => new TurnStream({ turnId: `turn_${at + offset}` }));
        await ingestOk(component, turns.flatMap((turn) => (turn.turnId === `turn_${live}` ? [turn.started(), turn.text("m", "x")] : [turn.started(), turn.text("m", "x"), turn.completed()])));
      }
      const { streams } = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById: [] });
      expect(streams).toHaveLength(200);
      expect(streams[0]).toEqual({ streamId: `${THREAD}:turn_${live}:0`, state: "streaming", turnOrder: live });
      expect(new Set(streams.map(({ streamId }) => streamId)).size).toBe(200);
    }
  });

  test("startOrder lists streams of turns at or after it only", async () => {
    const component = await startThread();
    for (let at = 0; at < 5; at++) await ingestOk(component, new TurnStream({ turnId: `turn_${at}` }).whole());
    const { streams } = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById: [], startOrder: 3 });
    expect(streams.map(({ streamId }) => streamId)).toEqual([`${THREAD}:turn_4:0`, `${THREAD}:turn_3:0`]);
  });

  test("a snapshot is the newest state of an item that the deltas name", async () => {
    const component = await startThread();
    const events = new TurnStream().whole();
    await ingestOk(component, events.slice(0, 5));
    const item = { itemId: "msg_1", itemType: "agentMessage", turnId: TURN, streamId: STREAM };
    const early = (await replay(component, 0)).snapshots;
    expect(early).toMatchObject([{ itemId: `${TURN}_prompt`, itemType: "userMessage", status: "completed" }, { ...item, status: "streaming" }]);
    await ingestOk(component, events.slice(5));
    expect((await replay(component, 0)).snapshots[1]).toMatchObject({ ...item, status: "completed" });
    expect((await replay(component, events.length)).snapshots).toEqual([]);
    const without = { actor: OWNER, threadId: THREAD, streamCursorsById: [{ streamId: STREAM, cursor: 0 }], snapshots: false };
    expect((await component.query(api.sync.replay, without)).snapshots).toEqual([]);
  });
});

describe("checkpoints", () => {
  const raise = (component: Component, cursor: number, { actor = OWNER, threadId = THREAD, streamId = STREAM } = {}) =>
    component.mutation(api.sync.upsertCheckpoint, { actor, threadId, streamId, cursor });
  const list = (component: Component, actor = OWNER) => component.query(api.sync.listCheckpoints, { actor, threadId: THREAD });

  test("only rise", async () => {
    const component = await spoken();
    expect(await list(component)).toEqual([]);
    for (const [cursor, now] of [[0, 0], [5, 5], [3, 5], [5, 5], [9, 9]] as const) {
      expect(await raise(component, cursor)).toEqual({ ok: true });
      expect(await list(component)).toEqual([{ streamId: STREAM, cursor: now }]);
    }
    expect((await dump(component)).checkpoints).toHaveLength(1);
  });

  test.each([NaN, Infinity, -Infinity, 1e308, -1, 0.5, 2 ** 53])("refuse the cursor %d", async (cursor) => {
    const component = await spoken();
    await raise(component, 4);
    const before = await dump(component);
    expect(await refusal(raise(component, cursor))).toMatchObject({ code: "E_SYNC_INVALID_CURSOR" });
    expect(await dump(component)).toEqual(before);
  });

  test("refuse a stream that the thread does not have, whoever else has it", async () => {
    const component = await spoken();
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2" });
    await component.mutation(api.threads.create, { actor: STRANGER, threadId: THREAD });
    const before = await dump(component);
    for (const call of [raise(component, 1, { streamId: "invented" }), raise(component, 1, { threadId: "th_2" }), raise(component, 1, { actor: STRANGER })]) {
      expect(await refusal(call)).toMatchObject({ code: "E_SYNC_STREAM_UNKNOWN" });
    }
    expect(await refusal(raise(component, 1, { threadId: "absent" }))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN" });
    expect(await dump(component)).toEqual(before);
  });

  test("are the device's own", async () => {
    const component = await spoken();
    await raise(component, 5);
    expect(await list(component, PHONE)).toEqual([]);
    await raise(component, 2, { actor: PHONE });
    expect([await list(component), await list(component, PHONE)]).toEqual([[{ streamId: STREAM, cursor: 5 }], [{ streamId: STREAM, cursor: 2 }]]);
  });

  test("live for seven days after they were last raised", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const component = await spoken();
    await raise(component, 5);
    vi.setSystemTime(Date.now() + 1_000);
    await raise(component, 6);
    expect((await dump(component)).checkpoints[0]!.expiresAt).toBe(Date.now() + 7 * 86_400_000);
  });
});

describe("a reader of one turn", () => {
  test("gets as many deltas as an answer may hold, whatever a stream of many may", async () => {
    const component = await spoken();
    const starts = async (runtime: Record<string, number>) => (await resume(component, 0, runtime)).deltas.map(({ cursorStart }) => cursorStart);
    expect(await starts({ maxDeltasPerStreamRead: 2 })).toHaveLength(14);
    expect(await starts({ maxDeltasPerRequestRead: 3 })).toEqual([0, 1, 2]);
    expect(await resume(component, 0, { maxDeltasPerRequestRead: 3 })).toHaveProperty("nextCursor", 3);
  });

  test("gets up to 4,000 deltas where its app allows them, one stream having the whole answer", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingest(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))], { runtime: { saveStreamDeltas: true } });
    for (let at = 0; at < 3; at++) {
      const words = Array.from({ length: 400 }, () => turn.text("m", "w"));
      await ingest(component, words, { runtime: { saveStreamDeltas: true } });
    }
    const many = { maxDeltasPerRequestRead: 1e9, maxDeltasPerStreamRead: 1 };
    expect((await resume(component, 0, many)).deltas).toHaveLength(1_202);
    expect((await resume(component, 0)).deltas).toHaveLength(1_000);
    expect((await replay(component, 0, { runtime: { ...many, maxDeltasPerStreamRead: 1e9 } })).deltas).toHaveLength(1_000);
  });

  test("of a turn that is not there (yet) gets nothing, and waits where it is", async () => {
    const component = await spoken();
    expect(await resume(component, 0, {}, "turn_none")).toMatchObject({ streamWindow: { streamId: `${THREAD}:turn_none:0`, status: "ok" }, deltas: [], texts: [], nextCursor: 0 });
  });

  test("finds it by the id that its client invented", async () => {
    const component = await spoken();
    await component.run(async (ctx) => ctx.db.patch((await ctx.db.query("turns").first())!._id, { clientTurnId: "wish" }));
    expect(await resume(component, 0, {}, "wish")).toEqual(await resume(component, 0));
    expect((await resume(component, 0, {}, "wish")).deltas).toHaveLength(14);
  });
});

test("the device that ingests reads every delta too", async () => {
  const component = await spoken({ apart: [4, 8] });
  await component.mutation(api.sync.upsertCheckpoint, { actor: OWNER, threadId: THREAD, streamId: STREAM, cursor: 14 });
  expect((await replay(component, 0)).deltas).toHaveLength(14);
  expect(await textsOf(component)).toEqual([["m", "streaming", expect.stringMatching(/^w2 .* w13 $/)]]);
});

test("a thread that is not there is refused by every reader", async () => {
  const component = await spoken();
  const absent = { actor: OWNER, threadId: "absent" };
  for (const call of [component.query(api.sync.replay, { ...absent, streamCursorsById: [] }), component.query(api.sync.listCheckpoints, absent), component.query(api.sync.resumeReplay, { ...absent, turnId: TURN, fromCursor: 0 })]) {
    expect(await refusal(call)).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN" });
  }
});
