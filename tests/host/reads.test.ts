import { describe, expect, it } from "vitest";
import {
  computeDataHygiene,
  computeDurableHistoryStats,
  computePersistenceStats,
  dataHygiene,
  durableHistoryStats,
  isStreamStatSummary,
  listThreadMessagesForHooks,
  listThreadMessagesForHooksForActor,
  listThreadsForHooksForActor,
  listTurnMessagesForHooksForActor,
  persistenceStats,
  threadSnapshot,
} from "../../js-wrapper/host/convex.js";
import { coded, FakeComponent } from "./fake-component.js";

const actor = { tenantId: "tenant", userId: "user", deviceId: "device" };
const inThread = { actor, threadId: "t" };
const paginationOpts = { numItems: 10, cursor: null };
const page = { page: [{ messageId: "m" }], isDone: true, continueCursor: "c" };
const replay = {
  streams: [{ streamId: "s", state: "streaming" }],
  streamWindows: [{ streamId: "s", status: "ok", serverCursorStart: 0, serverCursorEnd: 2 }],
  nextCheckpoints: [{ streamId: "s", cursor: 2 }],
  deltas: [{ streamId: "s", cursorStart: 0, cursorEnd: 1, kind: "k", payloadJson: "{}" }],
  texts: [{ streamId: "s", turnId: "u", messageId: "m", channel: "text", cursorStart: 1, cursorEnd: 2, text: "a" }],
  snapshots: [],
};
const found = () => new FakeComponent({ "messages.listByThread": page, "readers.replay": replay });
const missing = () => {
  const error = coded("E_AUTH_THREAD_FORBIDDEN");
  return new FakeComponent({ "messages.listByThread": error, "readers.replay": error, "messages.getByTurn": error, "threads.getState": error });
};

describe("the messages for hooks", () => {
  it("are the page alone where no streams are asked for", async () => {
    const fake = found();
    const answer = await listThreadMessagesForHooksForActor(fake.ctx, fake.component, { ...inThread, paginationOpts, streamArgs: undefined });
    expect(answer).toEqual({ ...page, streams: undefined });
    expect(Object.keys(answer)).toContain("streams");
    expect(fake.calls).toEqual([["messages.listByThread", { ...inThread, paginationOpts }]]);
    expect(listThreadMessagesForHooks).toBe(listThreadMessagesForHooksForActor);
  });

  it("list the streams of turns from startOrder on, 0 included", async () => {
    for (const startOrder of [0, 7, undefined]) {
      const fake = found();
      const streamArgs = { kind: "list" as const, ...(startOrder === undefined ? {} : { startOrder }) };
      const answer = await listThreadMessagesForHooksForActor(fake.ctx, fake.component, { ...inThread, paginationOpts, streamArgs });
      expect(answer).toEqual({ ...page, streams: { kind: "list", streams: replay.streams } });
      expect(fake.calls).toContainEqual([
        "readers.replay",
        { ...inThread, streamCursorsById: [], snapshots: false, ...(startOrder === undefined ? {} : { startOrder }) },
      ]);
    }
  });

  it("hold what is live from the cursors on, and read no page for the overlay", async () => {
    const fake = found();
    const cursors = [{ streamId: "s", cursor: 0 }];
    const runtime = { maxDeltasPerRequestRead: 5 };
    const answer = await listThreadMessagesForHooksForActor(fake.ctx, fake.component, {
      ...inThread,
      paginationOpts: { numItems: 0, cursor: null },
      streamArgs: { kind: "deltas", cursors },
      runtime,
    });
    const { snapshots: _, ...live } = replay;
    expect(answer).toEqual({ page: [], isDone: false, continueCursor: "", streams: { kind: "deltas", ...live } });
    expect(fake.calls).toEqual([["readers.replay", { ...inThread, streamCursorsById: cursors, snapshots: false, runtime, liveOnly: true }]]);
  });

  it("of a thread that is not there are empty, with a status", async () => {
    const read = (streamArgs?: Parameters<typeof listThreadMessagesForHooks>[2]["streamArgs"]) => {
      const fake = missing();
      return listThreadMessagesForHooksForActor(fake.ctx, fake.component, { ...inThread, paginationOpts, streamArgs });
    };
    const empty = { page: [], isDone: true, continueCursor: "", threadStatus: "missing" };
    expect(await read()).toEqual({ ...empty, streams: undefined });
    expect(await read({ kind: "list" })).toEqual({ ...empty, streams: { kind: "list", streams: [] } });
    expect(await read({ kind: "deltas", cursors: [{ streamId: "s", cursor: 1 }] })).toEqual({
      ...empty,
      streams: { kind: "deltas", streams: [], deltas: [], texts: [], streamWindows: [], nextCheckpoints: [] },
    });
  });

  it("throw every other error as it is", async () => {
    for (const error of [coded("E_CURSOR_INVALID"), coded("E_AUTH_TURN_FORBIDDEN"), new Error("E_AUTH_THREAD_FORBIDDEN"), Object.assign(new Error("x"), { data: null })]) {
      const fake = new FakeComponent({ "messages.listByThread": error });
      await expect(listThreadMessagesForHooksForActor(fake.ctx, fake.component, { ...inThread, paginationOpts })).rejects.toBe(error);
    }
  });

  it("of a turn are none where the turn or the thread is not there", async () => {
    const args = { ...inThread, turnId: "u" };
    for (const error of [coded("E_AUTH_TURN_FORBIDDEN"), coded("E_AUTH_THREAD_FORBIDDEN")]) {
      const fake = new FakeComponent({ "messages.getByTurn": error });
      expect(await listTurnMessagesForHooksForActor(fake.ctx, fake.component, args)).toEqual([]);
    }
    const fake = new FakeComponent({ "messages.getByTurn": page.page });
    expect(await listTurnMessagesForHooksForActor(fake.ctx, fake.component, args)).toEqual(page.page);
    expect(fake.calls).toEqual([["messages.getByTurn", args]]);
  });
});

describe("the threads for hooks", () => {
  it("are the component's page", async () => {
    const fake = new FakeComponent({ "threads.list": page });
    expect(await listThreadsForHooksForActor(fake.ctx, fake.component, { actor, paginationOpts })).toEqual(page);
    expect(fake.calls).toEqual([["threads.list", { actor, paginationOpts }]]);
  });

  it("are a parent's agents, or what is no agent, where that is asked for", async () => {
    const fake = new FakeComponent({ "threads.list": page });
    for (const parentThreadId of ["t", null]) await listThreadsForHooksForActor(fake.ctx, fake.component, { actor, parentThreadId, paginationOpts });
    expect(fake.calls).toEqual(["t", null].map((parentThreadId) => ["threads.list", { actor, parentThreadId, paginationOpts }]));
  });

  it("of a parent that is not there are none; another refusal is told", async () => {
    const missing = new FakeComponent({ "threads.list": coded("E_AUTH_THREAD_FORBIDDEN") });
    expect(await listThreadsForHooksForActor(missing.ctx, missing.component, { actor, parentThreadId: "t", paginationOpts })).toEqual({ page: [], isDone: true, continueCursor: "", threadStatus: "missing" });
    const wrong = new FakeComponent({ "threads.list": coded("E_CURSOR_INVALID") });
    await expect(listThreadsForHooksForActor(wrong.ctx, wrong.component, { actor, parentThreadId: "t", paginationOpts })).rejects.toThrow("E_CURSOR_INVALID");
  });
});

const message = (n: number) => ({ messageId: `m${n}`, turnId: "u", role: "user", status: "completed", text: `${n}`, createdAt: n });
const state = {
  threadId: "t",
  threadStatus: "active",
  turns: [],
  activeStreams: [],
  allStreams: [{ streamId: "a", state: "finished" as const }],
  streamStats: [
    { streamId: "a", state: "finished", deltaCount: 3, latestCursor: 4 },
    { streamId: "gone", state: "finished", deltaCount: 0, latestCursor: 0 },
  ],
  pendingApprovals: [],
  recentMessages: [1, 2, 3, 4, 5, 6].map(message),
};

describe("the state of a thread", () => {
  it("is counted", async () => {
    const fake = new FakeComponent({ "threads.getState": state });
    const persistence = {
      streamCount: 2,
      deltaCount: 3,
      latestCursorByStream: [{ streamId: "a", cursor: 4 }, { streamId: "gone", cursor: 0 }],
    };
    expect(await persistenceStats(fake.ctx, fake.component, inThread)).toEqual(persistence);
    const history = await durableHistoryStats(fake.ctx, fake.component, inThread);
    expect(history.messageCountInPage).toBe(6);
    expect(history.latest).toEqual([1, 2, 3, 4, 5].map(message).map(({ createdAt: _, ...row }) => row));
    expect(await dataHygiene(fake.ctx, fake.component, inThread)).toEqual({ scannedStreamStats: 2, streamStatOrphans: 1, orphanStreamIds: ["gone"] });
    expect(await threadSnapshot(fake.ctx, fake.component, { ...inThread, more: 1 } as typeof inThread)).toEqual(state);
    expect(fake.calls.at(-1)).toEqual(["threads.getState", inThread]);
  });

  it("is empty where the thread is not there", async () => {
    const fake = missing();
    expect(await threadSnapshot(fake.ctx, fake.component, inThread)).toMatchObject({ threadId: "t", threadStatus: "missing", turns: [] });
    expect(await persistenceStats(fake.ctx, fake.component, inThread)).toEqual({ streamCount: 0, deltaCount: 0, latestCursorByStream: [] });
  });

  it("may lack rows, or have malformed ones", () => {
    const malformed = [null, 1, "s", {}, { streamId: 1, deltaCount: 1, latestCursor: 1 }, { streamId: "s", deltaCount: Number.NaN, latestCursor: 1 }, { streamId: "s", deltaCount: 1, latestCursor: "1" }];
    expect(malformed.filter(isStreamStatSummary)).toEqual([]);
    expect(isStreamStatSummary({ streamId: "", deltaCount: 0, latestCursor: 0 })).toBe(true);
    expect(computePersistenceStats({ streamStats: malformed })).toEqual({ streamCount: 0, deltaCount: 0, latestCursorByStream: [] });
    expect(computeDataHygiene({ streamStats: [...malformed, state.streamStats[0]] })).toEqual({ scannedStreamStats: 1, streamStatOrphans: 1, orphanStreamIds: ["a"] });
    expect(computePersistenceStats({})).toEqual({ streamCount: 0, deltaCount: 0, latestCursorByStream: [] });
    expect(computeDataHygiene({})).toEqual({ scannedStreamStats: 0, streamStatOrphans: 0, orphanStreamIds: [] });
    expect(computeDurableHistoryStats({})).toEqual({ messageCountInPage: 0, latest: [] });
  });
});
