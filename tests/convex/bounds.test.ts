/** What is large, late or used twice makes no row too large and loses nothing. */
import { getDocumentSize, type Value } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  agentMessage,
  api,
  command,
  dump,
  ingest,
  ingestOk,
  lifecycle,
  messagesOf,
  OWNER,
  startThread,
  STREAM,
  textsOf,
  THREAD,
  TURN,
  TurnStream,
  type Component,
} from "./build.js";

const MiB = 1024 * 1024;
const OPEN_ITEMS_MAX = 64;

async function expectSmall(component: Component) {
  for (const rows of Object.values(await dump(component))) {
    for (const row of rows) expect(getDocumentSize(row as unknown as Record<string, Value>)).toBeLessThan(MiB);
  }
}

describe("a hole that is filled", () => {
  test("an item whose first events fill it reads in cursor order, at its own place", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const events = [turn.started(), turn.itemStarted(agentMessage("m", "")), ...["a", "b", "c"].map((text) => turn.text("m", text))];
    await ingest(component, events.slice(3));
    await ingestOk(component, events.slice(0, 3));
    expect(await textsOf(component)).toEqual([["m", "streaming", "abc"]]);
    expect((await messagesOf(component))[0]?.orderInTurn).toBe(1);
  });

  test("two items of one id keep their texts and places while the second still streams", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const events = [turn.started(), ...turn.reply("m", ["a"]), turn.itemStarted(agentMessage("m", "")), turn.text("m", "b")];
    await ingest(component, [...events.slice(0, 2), ...events.slice(4)]);
    expect(await textsOf(component)).toEqual([["m", "streaming", "b"]]);
    await ingestOk(component, events.slice(2, 4));
    expect(await textsOf(component)).toEqual([
      ["m#2", "completed", "a"],
      ["m", "streaming", "b"],
    ]);
    await ingestOk(component, [turn.itemCompleted(agentMessage("m", "b."))]);
    expect((await messagesOf(component)).map(({ text, orderInTurn }) => [text, orderInTurn])).toEqual([
      ["a", 1],
      ["b.", 4],
    ]);
  });

  test("text that comes before what was folded is shown, and folded again", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    const early = turn.text("m", "early ");
    await ingest(component, [turn.itemStarted(agentMessage("m", ""))]);
    const long = "x".repeat(70_000);
    for (let at = 0; at < 2; at++) await ingest(component, [turn.text("m", long)]);
    expect((await dump(component)).messages[0]?.foldCursor).toBe(5);
    await ingestOk(component, [early]);
    expect(await textsOf(component)).toEqual([["m", "streaming", `early ${long}${long}`]]);
    await ingestOk(component, [turn.text("m", long)]);
    expect((await dump(component)).messages[0]?.foldCursor).toBe(6);
    expect(await textsOf(component)).toEqual([["m", "streaming", `early ${long}${long}${long}`]]);
  });

  test("two items of one id keep their texts when the second came first", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const events = [turn.started(), ...turn.reply("m", ["a"]), ...turn.reply("m", ["b"]), turn.completed()];
    await ingest(component, events.slice(4));
    await ingestOk(component, events.slice(0, 4));
    expect((await messagesOf(component)).map(({ text }) => text)).toEqual(["a", "b"]);
  });
});

describe("no row is too large", () => {
  const big = "x".repeat(2 * MiB);
  const cases: [string, (component: Component, turn: TurnStream) => Promise<unknown>][] = [
    ["an error's message", (component, turn) => ingest(component, [turn.started(), turn.failed(big, true), turn.failed(big, false)])],
    ["an item's id", (component, turn) => ingest(component, [turn.started(), turn.itemCompleted(agentMessage(big, "x"))])],
    ["an item's type", (component, turn) => ingest(component, [turn.started(), turn.itemCompleted({ type: big, id: "i" })])],
    ["a thread's name", (component) => ingest(component, [], {}, [lifecycle(0, "thread/name/updated", { threadName: big })])],
    ["an eventId", (component, turn) => ingest(component, [{ ...turn.started(), eventId: big }])],
    ["a kind that is malformed", (component, turn) => ingest(component, [turn.raw(big, "{")])],
    [
      "an interrupt's reason",
      async (component, turn) => {
        await ingest(component, [turn.started()]);
        await component.mutation(api.turns.interrupt, { actor: OWNER, threadId: THREAD, turnId: TURN, reason: big });
      },
    ],
  ];
  test.each(cases)("%s", async (_what, send) => {
    const component = await startThread();
    await send(component, new TurnStream());
    await expectSmall(component);
  });

  test("the list of open items is bounded, and what is beyond it goes on all the same", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingest(component, [turn.started()]);
    await ingestOk(component, Array.from({ length: 300 }, (_, at) => turn.itemStarted(agentMessage(`m${String(at)}`, ""))));
    await ingestOk(component, [turn.text("m299", "still here")]);
    expect((await dump(component)).streamHeads[0]?.open).toHaveLength(OPEN_ITEMS_MAX);
    expect((await textsOf(component)).find(([id]) => id === "m299")).toEqual(["m299", "streaming", "still here"]);
  });
});

test("260 malformed events block no thread, and sent again they change nothing", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  const batch = [turn.started(), ...Array.from({ length: 260 }, () => turn.raw("item/started", "{"))];
  expect((await ingest(component, batch)).status).toBe("partial");
  const before = await dump(component);
  expect(before.quarantine).toHaveLength(200);
  expect((await ingest(component, batch)).errors).toHaveLength(260);
  expect(await dump(component)).toEqual(before);
});

test("malformed events that were let go do not come back when they are sent again", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  const malformed = (count: number) => Array.from({ length: count }, () => turn.raw("item/started", "{"));
  const old = [turn.started(), ...malformed(70)];
  await ingest(component, old);
  await ingest(component, malformed(200));
  const before = await dump(component);
  expect((await ingest(component, old)).errors).toHaveLength(70);
  expect(await dump(component)).toEqual(before);
});

test("a command's text is known without its stream", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  await ingestOk(component, [turn.started(), turn.itemStarted(command("c", "make", "inProgress"))]);
  expect((await dump(component)).messages[0]?.textWhole).toBe(true);
});

describe("one run with two turn ids", () => {
  test("a word that changes nothing of its turn ends no other", async () => {
    const component = await startThread();
    const one = new TurnStream();
    const two = new TurnStream({ turnId: "turn_2" });
    await ingestOk(component, [one.started(), ...one.reply("m", ["a"]), one.completed()]);
    await ingestOk(component, [two.started()]);
    await ingestOk(component, [one.completed()]);
    const state = await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD });
    expect(state.turns.find(({ turnId }) => turnId === "turn_2")?.status).toBe("inProgress");
  });

  test("the end of one that nothing was heard of before ends the other", async () => {
    const component = await startThread();
    const run = new TurnStream({ turnId: "turn_2" });
    await ingestOk(component, [run.started()]);
    await ingestOk(component, [], {}, [lifecycle(0, "turn/completed", { turn: { id: TURN, status: "interrupted" } }, TURN)]);
    const { turns } = await dump(component);
    expect(turns.map(({ turnId, status, sameRunAs }) => [turnId, status, sameRunAs])).toEqual([
      ["turn_2", "interrupted", TURN],
      [TURN, "interrupted", undefined],
    ]);
  });
});

describe("a reader of many or heavy streams", () => {
  test("is given what one answer has room for, and reaches the end", async () => {
    const component = await startThread();
    const streams = Array.from({ length: 6 }, (_, at) => new TurnStream({ turnId: `turn_${String(at)}` }));
    for (const stream of streams) {
      await ingestOk(component, [stream.started(), stream.itemCompleted(agentMessage("m", "x".repeat(2.9 * MiB)))]);
    }
    let cursors = streams.map(({ streamId }) => ({ streamId, cursor: 0 }));
    const read = new Map<string, number>();
    for (let call = 0; call < 2 * streams.length; call++) {
      const answer = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById: cursors, snapshots: false });
      expect(answer.streamWindows.map(({ status }) => status)).not.toContain("stale");
      for (const { streamId, payloadJson } of answer.deltas) read.set(streamId, (read.get(streamId) ?? 0) + payloadJson.length);
      cursors = answer.nextCheckpoints;
    }
    expect(cursors.map(({ cursor }) => cursor)).toEqual(streams.map(() => 2));
    expect([...read.values()].every((units) => units > 2.9 * MiB)).toBe(true);
    expect(read.size).toBe(streams.length);
  });

  test("has the newest state of as many items as a query may read: each takes two index ranges", async () => {
    // Half of what a query may read: a test of twice as many items would take minutes.
    const component = await startThread(THREAD, { databaseQueries: 2_048 });
    const [streams, items] = [Array.from({ length: 6 }, (_, at) => new TurnStream({ turnId: `turn_${String(at)}` })), 200];
    for (const stream of streams) {
      await ingestOk(component, [stream.started(), ...Array.from({ length: items }, (_, at) => stream.itemCompleted(command(`${stream.streamId}/${String(at)}`, "ls", "completed")))]);
    }
    const streamCursorsById = streams.map(({ streamId }) => ({ streamId, cursor: 0 }));
    const answer = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById, runtime: { maxDeltasPerStreamRead: 1_000, maxDeltasPerRequestRead: 4_000 } });
    expect(answer.nextCheckpoints.map(({ cursor }) => cursor)).toEqual([201, 201, 201, 201, 0, 0]);
    expect(answer.snapshots).toHaveLength(800);
  });

  test("has it of outputs in an alphabet of three bytes a letter, a stub where they are too many", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    const events = Array.from({ length: 60 }, (_, at) => turn.itemCompleted(command(String(at), "ls", "completed", "\u6f22".repeat(60_000))));
    for (let from = 0; from < events.length; from += 8) await ingestOk(component, events.slice(from, from + 8));
    let cursor = 0;
    const seen = new Set<string>();
    for (let moves = true; moves; ) {
      const { snapshots, nextCheckpoints } = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById: [{ streamId: STREAM, cursor }] });
      for (const { itemId } of snapshots) seen.add(itemId);
      const next = nextCheckpoints[0]!.cursor;
      [moves, cursor] = [next > cursor, next];
    }
    expect([cursor, seen.size]).toEqual([61, 60]);
  });

  test("may name more streams than one answer reads", async () => {
    const component = await startThread();
    const streamCursorsById = Array.from({ length: 4_100 }, (_, at) => ({ streamId: `none_${String(at)}`, cursor: 0 }));
    const answer = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById });
    expect(answer.streamWindows).toHaveLength(4_100);
  });

  test("is told of a cursor that is none, wherever it stands in a list that is too long", async () => {
    const component = await startThread();
    const streamCursorsById = Array.from({ length: 300 }, (_, at) => ({ streamId: `none_${String(at)}`, cursor: at === 299 ? Number.NaN : 0 }));
    const answer = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById });
    expect(answer.streamWindows.at(-1)?.status).toBe("ok");
  });
});

test("a batch that names more rows than a call reads is refused, and its half is not", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  const batch = Array.from({ length: 2_000 }, (_, at) => turn.itemCompleted(agentMessage(`m${String(at)}`, "x")));
  const refused = await ingest(component, batch);
  expect([refused.status, refused.errors[0]?.errorCode]).toEqual(["rejected", "E_SYNC_BATCH_TOO_LARGE"]);
  await ingestOk(component, batch.slice(0, 1_000));
});

test("events sent again from both ends of a long stream read nothing between them", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  const first = turn.started();
  await ingestOk(component, [first]);
  await ingestOk(component, [turn.itemStarted(agentMessage("m", ""))]);
  let last = first;
  for (let batch = 0; batch < 320; batch++) {
    last = turn.text("m", "x".repeat(55_000));
    await ingestOk(component, [last]);
  }
  await ingestOk(component, [first, last]);
});

test("a final error of a turn that nothing is known of makes no turn and ends none", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  await ingestOk(component, [turn.started()]);
  await ingest(component, [], {}, [{ ...lifecycle(0, "error", { error: { message: "gone" }, willRetry: false, turnId: "ghost" }), turnId: "ghost" }]);
  const state = await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD });
  expect(state.turns.map(({ turnId, status }) => [turnId, status])).toEqual([[TURN, "inProgress"]]);
});
