/** A batch at the component: repeats, order, holes, refusals. */
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  agentMessage,
  api,
  batch,
  dump,
  dumpWithoutBeats,
  ingest,
  ingestOk,
  lifecycle,
  messagesOf,
  refusal,
  startComponent,
  startThread,
  STREAM,
  textsOf,
  THREAD,
  turnOf,
  TurnStream,
} from "./build.js";

const HOUR_MS = 3_600_000;

afterEach(() => vi.useRealTimers());

describe("the same again", () => {
  const events = new TurnStream().whole();
  const named = [lifecycle(0, "thread/name/updated", { threadName: "Greetings" }), lifecycle(1, "thread/archived", {})];

  test.each([{}, { saveStreamDeltas: true }])("a batch changes no row the second time, %o", async (runtime) => {
    const component = await startThread();
    const first = await ingestOk(component, events, { runtime }, named);
    const before = await dump(component);
    expect(await ingestOk(component, events, { runtime }, named)).toEqual(first);
    expect(await dump(component)).toEqual(before);
    expect(first.ackedStreams).toEqual([{ streamId: STREAM, ackCursorEnd: events.length }]);
  });

  test("an hour later only the session's beat moves", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const component = await startThread();
    await ingestOk(component, events, {}, named);
    const [rows, { sessions }] = [await dumpWithoutBeats(component), await dump(component)];
    vi.setSystemTime(Date.now() + HOUR_MS);
    await ingestOk(component, events, {}, named);
    expect(await dumpWithoutBeats(component)).toEqual(rows);
    expect((await dump(component)).sessions[0]!.lastBeatAt).toBe(sessions[0]!.lastBeatAt + HOUR_MS);
  });

  test("a batch in a turn that goes on changes no row, whatever came after it", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const first = [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "One ")];
    const second = [turn.text("m", "two "), turn.text("m", "three.")];
    await ingestOk(component, first);
    await ingestOk(component, second);
    const before = await dump(component);
    for (const again of [first, second, first]) await ingestOk(component, again);
    expect(await dump(component)).toEqual(before);
    expect(await textsOf(component)).toEqual([["m", "streaming", "One two three."]]);
  });

  test("an event twice in a batch is one event", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const [start, item, delta] = [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "once")];
    const name = lifecycle(0, "thread/name/updated", { threadName: "N" });
    await ingestOk(component, [start, item, delta, delta, item], {}, [name, name]);
    expect(await textsOf(component)).toEqual([["m", "streaming", "once"]]);
    expect((await dump(component)).streamHeads[0]!.eventCount).toBe(3);
  });

  test("lifecycle events with ids that are not the bridge's are applied once", async () => {
    const component = await startThread();
    const foreign = { ...lifecycle(0, "thread/name/updated", { threadName: "N" }), eventId: "some-uuid" };
    await ingestOk(component, [], {}, [foreign]);
    await component.mutation(api.threads.create, { actor: batch([]).actor, threadId: THREAD, model: "later" });
    const before = await dump(component);
    await ingestOk(component, [], {}, [foreign]);
    expect(await dump(component)).toEqual(before);
    expect(before.lifecycleIds).toHaveLength(1);
  });

  test("a lower lifecycle number is a repeat, another runtime's is not", async () => {
    const component = await startThread();
    const named = (n: number, threadName: string) => lifecycle(n, "thread/name/updated", { threadName });
    await ingestOk(component, [], {}, [named(5, "five")]);
    await ingestOk(component, [], {}, [named(3, "three")]);
    expect((await dump(component)).threads[0]!.name).toBe("five");
    await ingestOk(component, [], {}, [{ ...named(0, "other"), eventId: `rt2:${THREAD}:L0` }]);
    expect((await dump(component)).threads[0]!.name).toBe("other");
  });
});

describe("order", () => {
  const script = () => {
    const turn = new TurnStream();
    const head = [turn.started(), turn.itemStarted(agentMessage("m", ""))];
    return [...head, ...["a", "b", "c", "d", "e"].map((text) => turn.text("m", text))];
  };

  test("an overlapping resend skips what is there and applies the rest", async () => {
    const component = await startThread();
    const events = script();
    await ingestOk(component, events.slice(0, 5));
    await ingestOk(component, events.slice(2, 7));
    expect(await textsOf(component)).toEqual([["m", "streaming", "abcde"]]);
    const { chunks, streamHeads } = await dump(component);
    expect(chunks.map(({ cursorStart, cursorEnd }) => [cursorStart, cursorEnd])).toEqual([[0, 5], [5, 7]]);
    expect(streamHeads[0]).toMatchObject({ latest: 7, eventCount: 7, holes: [] });
  });

  test.each([
    ["in the middle of what is there", 3, 4],
    ["over its end", 4, 6],
    ["wider than what is there", 2, 4],
  ])("another event %s is refused, and nothing is written", async (_where, cursorStart, cursorEnd) => {
    const component = await startThread();
    const events = script();
    await ingestOk(component, events.slice(0, 5));
    const before = await dump(component);
    const other = { ...events[3]!, eventId: "somebody-else", cursorStart, cursorEnd };
    const answer = await ingest(component, [other, ...events.slice(5)]);
    expect(answer).toMatchObject({ status: "rejected", ingestStatus: "partial", ackedStreams: [] });
    expect(answer.errors).toEqual([
      {
        code: "OUT_OF_ORDER",
        errorCode: "E_SYNC_OUT_OF_ORDER",
        message: expect.stringMatching(/^\[E_SYNC_OUT_OF_ORDER\] /),
        recoverable: false,
        eventId: "somebody-else",
        streamId: STREAM,
      },
    ]);
    expect(await dump(component)).toEqual(before);
    await ingestOk(component, events.slice(5));
    expect(await textsOf(component)).toEqual([["m", "streaming", "abcde"]]);
  });

  test("two events that overlap in one batch are refused", async () => {
    const component = await startThread();
    const events = script();
    const before = await dump(component);
    const answer = await ingest(component, [...events, { ...events[4]!, eventId: "rival" }]);
    expect(answer).toMatchObject({ status: "rejected", errors: [{ errorCode: "E_SYNC_OUT_OF_ORDER" }] });
    expect(await dump(component)).toEqual(before);
  });

  test("one eventId at two places of a batch is refused", async () => {
    const component = await startThread();
    const events = script();
    const before = await dump(component);
    const answer = await ingest(component, [...events.slice(0, 6), { ...events[6]!, eventId: events[5]!.eventId }]);
    expect(answer).toMatchObject({ status: "rejected", errors: [{ code: "OUT_OF_ORDER", errorCode: "E_SYNC_DUP_EVENT_IN_BATCH" }] });
    expect(await dump(component)).toEqual(before);
  });

  test("the order is the cursors', not the array's nor the clock's", async () => {
    const component = await startThread();
    const backwards = script().reverse().map((event, at) => ({ ...event, createdAt: 1_000 + at }));
    await ingestOk(component, backwards);
    expect(await textsOf(component)).toEqual([["m", "streaming", "abcde"]]);
  });

  test("user before assistant, at equal milliseconds and when the clock steps back", async () => {
    const component = await startThread();
    const events = new TurnStream().whole();
    await ingestOk(component, events.map((event, at) => ({ ...event, createdAt: at < 2 ? 2_000 : 1_000 })));
    expect((await messagesOf(component)).map(({ role }) => role)).toEqual(["user", "assistant"]);
  });

  test("the second batch before the first: a hole, filled later, in cursor order", async () => {
    const component = await startThread();
    const events = script();
    const [begun, first, second] = [events.slice(0, 2), events.slice(2, 4), events.slice(4)];
    await ingestOk(component, begun);
    const early = await ingest(component, second);
    const gap = { code: "REPLAY_GAP", errorCode: "E_SYNC_REPLAY_GAP", recoverable: false, streamId: STREAM };
    expect(early).toMatchObject({ status: "partial", ingestStatus: "partial", errors: [gap] });
    expect(early.ackedStreams).toEqual([{ streamId: STREAM, ackCursorEnd: 7 }]);
    expect(early.errors[0]).not.toHaveProperty("eventId");
    expect(await textsOf(component)).toEqual([["m", "streaming", "cde"]]);
    const beforeAgain = await dump(component);
    expect(await ingest(component, second)).toEqual(early);
    expect(await dump(component)).toEqual(beforeAgain);

    expect((await ingestOk(component, first)).ackedStreams).toEqual([{ streamId: STREAM, ackCursorEnd: 4 }]);
    expect(await textsOf(component)).toEqual([["m", "streaming", "abcde"]]);
    const filled = await dump(component);
    await ingestOk(component, second);
    expect(await dump(component)).toEqual(filled);
  });

  test("a stream with a hole says so only to batches that lie above it", async () => {
    const component = await startThread();
    const events = script();
    await ingestOk(component, events.slice(0, 3));
    expect((await ingest(component, events.slice(5))).status).toBe("partial");
    expect((await ingest(component, events.slice(0, 3))).status).toBe("ok");
    await ingestOk(component, events.slice(3, 5));
    expect((await dump(component)).streamHeads[0]!.holes).toEqual([]);
    expect(await textsOf(component)).toEqual([["m", "streaming", "abcde"]]);
  });

  test("a batch with a hole inside makes a chunk on each side of it", async () => {
    const component = await startThread();
    const events = script();
    expect((await ingest(component, [...events.slice(0, 3), ...events.slice(5)])).status).toBe("partial");
    expect((await dump(component)).chunks.map(({ cursorStart, cursorEnd }) => [cursorStart, cursorEnd])).toEqual([[0, 3], [5, 7]]);
  });

  test("a completed message that came before the rest of its stream stays as it is", async () => {
    const component = await startThread();
    const events = new TurnStream().whole(["Hel", "lo."]);
    expect((await ingest(component, events.slice(4))).status).toBe("partial");
    await ingestOk(component, events.slice(0, 4));
    expect((await textsOf(component)).at(-1)).toEqual(["msg_1", "completed", "Hello."]);
    expect((await turnOf(component)).status).toBe("completed");
    expect((await messagesOf(component)).map(({ messageId }) => messageId)).toEqual(["turn_1_prompt", "msg_1"]);
  });
});

describe("what is refused as a whole", () => {
  const cursors: [number, number][] = [
    [NaN, 5],
    [4, NaN],
    [4, Infinity],
    [-Infinity, 5],
    [-1, 5],
    [4, 4.5],
    [0.5, 5],
    [4, 2 ** 53],
    [2 ** 53, 2 ** 53 + 2],
    [4, 4],
    [5, 4],
  ];

  test.each(cursors)("a delta over [%d, %d)", async (cursorStart, cursorEnd) => {
    const component = await startThread();
    const events = new TurnStream().whole();
    await ingestOk(component, events.slice(0, 4));
    const before = await dump(component);
    const answer = await ingest(component, [...events.slice(4, -1), { ...events.at(-1)!, cursorStart, cursorEnd }]);
    const fault = { code: "OUT_OF_ORDER", errorCode: "E_SYNC_INVALID_CURSOR_RANGE", eventId: events.at(-1)!.eventId };
    expect(answer).toMatchObject({ status: "rejected", errors: [fault] });
    expect(await dump(component)).toEqual(before);
    await ingestOk(component, events.slice(4));
    expect((await textsOf(component)).at(-1)).toEqual(["msg_1", "completed", "Hello."]);
  });

  test("an empty batch", async () => {
    const component = startComponent();
    expect(await ingest(component, [])).toMatchObject({ status: "rejected", errors: [{ code: "UNKNOWN", errorCode: "E_SYNC_EMPTY_BATCH" }] });
    expect(Object.values(await dump(component)).flat()).toEqual([]);
  });

  test("a batch whose last event is wrong makes no session and no thread either", async () => {
    const component = startComponent();
    const events = new TurnStream().whole();
    const answer = await ingest(component, [...events, { ...events.at(-1)!, eventId: "rival" }], {}, [
      lifecycle(0, "thread/name/updated", { threadName: "N" }),
    ]);
    expect(answer.status).toBe("rejected");
    expect(Object.values(await dump(component)).flat()).toEqual([]);
  });

  test("events of two turns in one stream", async () => {
    const component = await startThread();
    const events = new TurnStream().whole();
    const before = await dump(component);
    const answer = await ingest(component, [...events.slice(0, -1), { ...events.at(-1)!, turnId: "turn_2" }]);
    expect(answer).toMatchObject({ status: "rejected", errors: [{ code: "UNKNOWN", errorCode: "E_SYNC_STREAM_FORBIDDEN" }] });
    expect(await dump(component)).toEqual(before);
  });

  test("a stream of another thread of the same user", async () => {
    const component = await startThread();
    await ingestOk(component, new TurnStream().whole());
    await component.mutation(api.threads.create, { actor: batch([]).actor, threadId: "th_2" });
    await component.mutation(api.sync.ensureSession, { actor: batch([]).actor, sessionId: "session_1", threadId: "th_2", lastEventCursor: 0 });
    const before = await dumpWithoutBeats(component);
    const intruder = new TurnStream({ threadId: "th_2", turnId: "turn_1", streamId: STREAM });
    intruder.cursor = 100;
    const answer = await ingest(component, [intruder.text("msg_1", "injected")], { threadId: "th_2" });
    expect(answer).toMatchObject({ status: "rejected", errors: [{ errorCode: "E_SYNC_STREAM_FORBIDDEN" }] });
    expect(await dumpWithoutBeats(component)).toEqual(before);
  });

  test("a thread that is not there, of events that name it otherwise, is not made: nothing is written", async () => {
    const component = startComponent();
    const events = new TurnStream().whole();
    const answer = await ingest(component, events, { threadId: "of the deployment before" });
    expect(answer).toMatchObject({ status: "rejected", ackedStreams: [], errors: [{ errorCode: "E_AUTH_THREAD_FORBIDDEN", recoverable: false }] });
    expect(Object.values(await dump(component)).flat()).toEqual([]);
    expect((await ingest(component, events)).status).toBe("session_recovered");
  });

  test("strict ingest throws the code, with the event and its stream, and makes no thread", async () => {
    const component = startComponent();
    const events = new TurnStream().whole();
    expect(await refusal(component.mutation(api.sync.ingest, batch(events)))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN" });
    expect(Object.values(await dump(component)).flat()).toEqual([]);
    const open = await startThread();
    expect(await open.mutation(api.sync.ingest, batch(events))).toEqual({
      ackedStreams: [{ streamId: STREAM, ackCursorEnd: events.length }],
      ingestStatus: "ok",
    });
    const before = await dump(open);
    const rival = { ...events[3]!, eventId: "rival" };
    expect(await refusal(open.mutation(api.sync.ingest, batch([rival])))).toMatchObject({
      code: "E_SYNC_OUT_OF_ORDER",
      eventId: "rival",
      streamId: STREAM,
      retryable: false,
      message: expect.stringMatching(/^\[E_SYNC_OUT_OF_ORDER\] /),
    });
    expect(await dump(open)).toEqual(before);
  });
});

describe("the thread that ingest makes", () => {
  test("is one, whatever its session, and takes the app-server's name from its own", async () => {
    const component = startComponent();
    const answer = await ingest(component, new TurnStream().whole());
    expect(answer).toMatchObject({ status: "session_recovered", ingestStatus: "ok", errors: [] });
    expect(answer.recovery).toEqual({ action: "session_rebound", sessionId: "session_1", threadId: THREAD });
    expect((await dump(component)).threads).toMatchObject([{ threadId: THREAD, localThreadId: THREAD, status: "active" }]);
  });

  test("a resumed thread repeats its last turn's usage: ok, and no turn of it", async () => {
    const component = await startThread();
    const tokenUsage = { total: { totalTokens: 120 }, last: { totalTokens: 120 }, modelContextWindow: 258_400 };
    await ingestOk(component, [], {}, [lifecycle(0, "thread/tokenUsage/updated", { turnId: "old", tokenUsage }, "old")]);
    expect((await dump(component)).turns).toEqual([]);
  });
});
