/** Turns: how they begin, whose word ends them, what ends with them. */
import { describe, expect, test } from "vitest";
import {
  agentMessage,
  api,
  command,
  dump,
  dumpWithoutBeats,
  ingest,
  ingestOk,
  lifecycle,
  messagesOf,
  OWNER,
  refusal,
  startThread,
  STREAM,
  textsOf,
  THREAD,
  TURN,
  turnOf,
  TurnStream,
  type Component,
  type StreamEvent,
} from "./build.js";

const DAY_MS = 86_400_000;

const interrupt = (component: Component, reason?: string) =>
  component.mutation(api.turns.interrupt, { actor: OWNER, threadId: THREAD, turnId: TURN, ...(reason === undefined ? {} : { reason }) });

const start = (component: Component, idempotencyKey: string, turnId = TURN, threadId = THREAD) =>
  component.mutation(api.turns.start, { actor: OWNER, threadId, turnId, input: [{ type: "text", text: "Do it." }], idempotencyKey });

describe("the end of a turn", () => {
  type Word = { status: "completed" | "interrupted" | "failed"; source: "codex" | "local" | "client" };
  const words: Word[] = (["completed", "interrupted", "failed"] as const).flatMap((status) => [
    { status, source: "codex" as const },
    { status, source: "local" as const },
  ]);
  words.push({ status: "interrupted", source: "client" });
  const RANK = { completed: 1, interrupted: 2, failed: 3 };
  const WEIGHT = { client: 1, local: 2, codex: 3 };
  /** As it is decided: a source's own word only rises, a weightier source's replaces, `client` says it only of an open turn. */
  const final = (first: Word, second: Word): Word => {
    if (second.source === "client") return first;
    if (first.source === second.source) return RANK[second.status] > RANK[first.status] ? second : first;
    return WEIGHT[second.source] > WEIGHT[first.source] ? second : first;
  };
  const pairs = words.flatMap((first) => words.map((second) => [first, second] as const));
  const said = ({ status, source }: Word) => `${status} by ${source}`;

  const eventOf = (turn: TurnStream, { status, source }: Word): StreamEvent =>
    turn.completed(status, status === "failed" ? `it failed (${source})` : undefined, source === "local" ? { synthesized: true } : {});

  const expectEnd = async (component: Component, end: Word) => {
    const turn = await turnOf(component);
    expect(turn).toMatchObject(end);
    expect(turn.completedAt).toBeTypeOf("number");
    const wantedError = { completed: undefined, failed: `it failed (${end.source})`, interrupted: end.source === "client" ? "interrupted" : undefined };
    expect(turn.error).toBe(wantedError[end.status]);
    expect(await textsOf(component)).toEqual([["done", "completed", "said"], ["open", end.status, "half"]]);
    const rows = await dump(component);
    expect(rows.streams.map(({ state }) => state)).toEqual([end.status === "completed" ? "finished" : "aborted"]);
    expect(rows.streamHeads[0]).toMatchObject({ closed: true, open: [] });
    expect((await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD })).activeStreams).toEqual([]);
  };
  const begin = (turn: TurnStream) => [turn.started(), ...turn.reply("done", ["said"]), turn.itemStarted(agentMessage("open", "")), turn.text("open", "half")];

  test.each(pairs.map(([first, second]) => [said(first), said(second), first, second] as const))(
    "%s, then %s, in two batches",
    async (_first, _second, first, second) => {
      const component = await startThread();
      const turn = new TurnStream();
      await ingestOk(component, begin(turn));
      for (const word of [first, second]) {
        if (word.source === "client") await interrupt(component);
        else await ingestOk(component, [eventOf(turn, word)]);
      }
      await expectEnd(component, final(first, second));
    },
  );

  const inOneBatch = pairs.filter(([first, second]) => first.source !== "client" && second.source !== "client");
  test.each(inOneBatch.map(([first, second]) => [said(first), said(second), first, second] as const))(
    "%s, then %s, in one batch",
    async (_first, _second, first, second) => {
      const component = await startThread();
      const turn = new TurnStream();
      await ingestOk(component, [...begin(turn), eventOf(turn, first), eventOf(turn, second)]);
      await expectEnd(component, final(first, second));
    },
  );

  test("an error that is tried again is a warning: the turn and its message complete", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "He"), turn.failed("Reconnecting... 1/2", true)]);
    expect(await turnOf(component)).toMatchObject({ status: "inProgress", warning: "Reconnecting... 1/2" });
    expect((await turnOf(component)).error).toBeUndefined();
    await ingestOk(component, [turn.itemCompleted(agentMessage("m", "Hello")), turn.completed()]);
    expect(await turnOf(component)).toMatchObject({ status: "completed", source: "codex", warning: "Reconnecting... 1/2" });
    expect(await textsOf(component)).toEqual([["m", "completed", "Hello"]]);
  });

  test("an error that is final fails the turn, and the turn/completed behind it says the same", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.failed("bad_param", false)]);
    expect(await turnOf(component)).toMatchObject({ status: "failed", error: "bad_param" });
    await ingestOk(component, [turn.completed("failed", "bad_param")]);
    expect(await turnOf(component)).toMatchObject({ status: "failed", error: "bad_param" });
  });

  test("without its items' ends closes them with it, and their later ends are their own", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(command("c", "make", "inProgress")), turn.itemStarted(agentMessage("m", "")), turn.text("m", "Hal")]);
    await ingestOk(component, [turn.completed("interrupted")]);
    expect(await textsOf(component)).toEqual([["c", "interrupted", "make"], ["m", "interrupted", "Hal"]]);
    await ingestOk(component, [turn.itemCompleted(command("c", "make", "completed", "built")), turn.itemCompleted(agentMessage("m", "Half."))]);
    expect(await textsOf(component)).toEqual([["c", "completed", "make"], ["m", "completed", "Half."]]);
    expect((await turnOf(component)).status).toBe("interrupted");
  });

  test("says why in the messages that it closed, as long as it is their end", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const errors = async () => {
      const listed = (await messagesOf(component)).map(({ messageId, error }) => [messageId, error]);
      const byTurn = await component.query(api.messages.getByTurn, { actor: OWNER, threadId: THREAD, turnId: TURN });
      expect(byTurn.map(({ messageId, error }) => [messageId, error])).toEqual(listed);
      return listed;
    };
    await ingestOk(component, [turn.started(), turn.itemCompleted(command("c", "make", "failed")), turn.itemStarted(agentMessage("m", "")), turn.itemStarted(agentMessage("n", ""))]);
    expect(await errors()).toEqual([["c", undefined], ["m", undefined], ["n", undefined]]);
    await interrupt(component, "enough");
    expect(await errors()).toEqual([["c", undefined], ["m", "enough"], ["n", "enough"]]);
    await ingestOk(component, [turn.completed("failed", "bad_param")]);
    expect(await errors()).toEqual([["c", undefined], ["m", "bad_param"], ["n", "bad_param"]]);
    await ingestOk(component, [turn.itemCompleted(agentMessage("m", "Done."))]);
    expect(await errors()).toEqual([["c", undefined], ["m", undefined], ["n", "bad_param"]]);
  });

  test("that was well leaves no error of an earlier one in them", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    await interrupt(component, "enough");
    await ingestOk(component, [turn.completed("completed")]);
    expect((await messagesOf(component)).map(({ status, error }) => [status, error])).toEqual([["completed", undefined]]);
  });

  test("is read once for all of its messages in a page", async () => {
    const limits: Record<string, number> = {};
    const component = await startThread(THREAD, limits);
    const turn = new TurnStream();
    const rows = 60;
    await ingestOk(component, [turn.started(), ...Array.from({ length: rows }, (_, at) => turn.itemStarted(agentMessage(`m${String(at)}`, "")))]);
    await ingestOk(component, [turn.completed("failed", "bad_param")]);
    // The thread, its messages with their payloads, the two chunks that each looks into, and the turn.
    Object.assign(limits, { documentsRead: 1 + 2 * rows + 2 * rows + 1 });
    expect(new Set((await messagesOf(component)).map(({ error }) => error))).toEqual(new Set(["bad_param"]));
  });

  test("is not undone by what comes after it: late deltas land on their item, a new item has the turn's status", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "on time"), turn.completed("interrupted")]);
    await ingestOk(component, [turn.text("m", ", and late"), turn.itemStarted(agentMessage("n", "")), turn.text("n", "new")]);
    await ingestOk(component, [turn.text("n", "er"), turn.started()]);
    expect(await textsOf(component)).toEqual([["m", "interrupted", "on time, and late"], ["n", "interrupted", "newer"]]);
    expect((await turnOf(component)).status).toBe("interrupted");
    expect((await dump(component)).streams.map(({ state }) => state)).toEqual(["aborted"]);
  });

  test("closes every stream of the turn, and none of another turn", async () => {
    const component = await startThread();
    const main = new TurnStream();
    const side = new TurnStream({ streamId: `${THREAD}:${TURN}:1` });
    const other = new TurnStream({ turnId: "turn_2" });
    await ingestOk(component, [main.started(), side.text("s", "side"), other.started(), other.itemStarted(agentMessage("o", ""))]);
    await ingestOk(component, [main.completed()]);
    expect((await dump(component)).streams.map(({ streamId, state }) => [streamId, state])).toEqual([
      [STREAM, "finished"],
      [`${THREAD}:${TURN}:1`, "finished"],
      [`${THREAD}:turn_2:0`, "streaming"],
    ]);
    expect((await turnOf(component, "turn_2")).status).toBe("inProgress");
  });

  test("by a lifecycle event ends it all the same", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    const end = JSON.parse(turn.completed().payloadJson);
    await ingestOk(component, [], {}, [lifecycle(0, "turn/completed", end.params, TURN)]);
    expect((await turnOf(component)).status).toBe("completed");
    expect(await textsOf(component)).toEqual([["m", "completed", ""]]);
  });

  test("is known of a turn that nothing else was heard of", async () => {
    const component = await startThread();
    await ingestOk(component, [new TurnStream().completed("failed", "gone")]);
    expect(await turnOf(component)).toMatchObject({ status: "failed", error: "gone", source: "codex" });
    expect((await dump(component)).streams[0]!.state).toBe("aborted");
  });

  test.each([
    [NaN, 300_000],
    [Infinity, 300_000],
    [-Infinity, 300_000],
    [-5, 0],
    [0, 0],
    [1_000, 1_000],
    [1e300, 7 * DAY_MS],
    [undefined, 300_000],
  ])("is not lost to finishedStreamDeleteDelayMs %s", async (finishedStreamDeleteDelayMs, delay) => {
    const component = await startThread();
    const runtime = finishedStreamDeleteDelayMs === undefined ? {} : { finishedStreamDeleteDelayMs };
    await ingestOk(component, new TurnStream().whole(), { runtime });
    expect((await turnOf(component)).status).toBe("completed");
    const stream = (await dump(component)).streams[0]!;
    expect([stream.state, stream.expiresAt! - stream.finishedAt!]).toEqual(["finished", delay]);
  });

  test.each([
    ["maxDeltasPerStreamRead", NaN],
    ["maxDeltasPerRequestRead", -1],
    ["maxDeltasPerStreamRead", Infinity],
  ])("is not lost to %s %d", async (option, value) => {
    const component = await startThread();
    await ingestOk(component, new TurnStream().whole(), { runtime: { [option]: value } });
    expect((await turnOf(component)).status).toBe("completed");
  });

  test("of a review ends the run's other id, which lists omit until it has an item of its own", async () => {
    const component = await startThread();
    const [asked, run] = [new TurnStream({ turnId: "asked" }), new TurnStream({ turnId: "run" })];
    await ingestOk(component, [asked.started()]);
    await ingestOk(component, [run.started(), ...run.reply("m", ["fine"]), run.completed()]);
    const turns = async () => (await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD })).turns.map(({ turnId, status }) => [turnId, status]);
    expect(await turns()).toEqual([["run", "completed"]]);
    expect((await dump(component)).streams.map(({ state }) => state)).toEqual(["finished", "finished"]);
    await ingestOk(component, [asked.itemStarted(agentMessage("own", ""))]);
    expect(await turns()).toEqual([["run", "completed"], ["asked", "inProgress"]]);
    expect(await turnOf(component, "asked")).not.toHaveProperty("completedAt");
    const streams = (await dump(component)).streams.map(({ turnId, state, finishedAt }) => [turnId, state, finishedAt !== undefined]);
    expect(streams).toEqual([["asked", "streaming", false], ["run", "finished", true]]);
  });
});

describe("turns.interrupt", () => {
  test("right after turns.start", async () => {
    const component = await startThread();
    await start(component, "key");
    expect(await interrupt(component, "changed my mind")).toBeNull();
    expect(await turnOf(component)).toMatchObject({ status: "interrupted", source: "client", error: "changed my mind" });
  });

  test("of a turn that goes on ends its messages and streams in the same transaction", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "Ha")]);
    await interrupt(component);
    expect(await textsOf(component)).toEqual([["m", "interrupted", "Ha"]]);
    const state = await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD });
    expect([state.activeStreams, state.turns[0]!.status]).toEqual([[], "interrupted"]);
    await ingestOk(component, [turn.text("m", "lf"), turn.completed("completed")]);
    expect(await textsOf(component)).toEqual([["m", "completed", "Half"]]);
    expect((await turnOf(component)).status).toBe("completed");
  });

  test.each(["completed", "failed", "interrupted"])("of a turn that is %s changes nothing", async (status) => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.completed(status, "why")]);
    const before = await dump(component);
    expect(await interrupt(component, "too late")).toBeNull();
    expect(await dump(component)).toEqual(before);
  });

  test("of a turn that is not there", async () => {
    const component = await startThread();
    const before = await dump(component);
    expect(await refusal(interrupt(component))).toMatchObject({ code: "E_AUTH_TURN_FORBIDDEN", message: expect.stringMatching(/^\[E_AUTH_TURN_FORBIDDEN\] /) });
    expect(await dump(component)).toEqual(before);
  });
});

describe("turns.start", () => {
  test("after ingest made the turn adopts it", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...turn.reply("m", ["Hi"])]);
    expect(await start(component, "key")).toEqual({ turnId: TURN, accepted: true });
    expect(await turnOf(component)).toMatchObject({ status: "inProgress", inputSummary: "Do it.", turnOrder: 0 });
    await ingestOk(component, [turn.completed()]);
    expect((await turnOf(component)).status).toBe("completed");
  });

  test("before ingest makes one row too, which ingest begins", async () => {
    const component = await startThread();
    await start(component, "key");
    expect(await turnOf(component)).toMatchObject({ status: "queued", inputSummary: "Do it." });
    await ingestOk(component, [new TurnStream().started()]);
    expect(await turnOf(component)).toMatchObject({ status: "inProgress", inputSummary: "Do it.", startedAt: expect.any(Number) });
    await ingestOk(component, new TurnStream().whole());
    expect(await turnOf(component)).toMatchObject({ status: "completed", inputSummary: "Do it." });
  });

  test("twice with two keys is one turn, and both keys know it", async () => {
    const component = await startThread();
    await start(component, "one");
    await start(component, "two");
    expect((await dump(component)).turns).toHaveLength(1);
    for (const key of ["one", "two"]) expect(await start(component, key, "another")).toEqual({ turnId: TURN, accepted: true });
    expect((await dump(component)).turns).toHaveLength(1);
  });

  test("under 16 keys is one turn, under one more it is refused, and the 16 stay", async () => {
    const component = await startThread();
    const keys = Array.from({ length: 16 }, (_, at) => `key_${String(at)}`);
    for (const key of keys) expect(await start(component, key)).toEqual({ turnId: TURN, accepted: true });
    expect(await refusal(start(component, "one more"))).toMatchObject({ code: "E_QUOTA" });
    for (const key of keys) expect(await start(component, key)).toEqual({ turnId: TURN, accepted: true });
    expect(await start(component, "one more", "turn_2")).toEqual({ turnId: "turn_2", accepted: true });
    expect((await dump(component)).turnKeys).toHaveLength(17);
  });

  test("twice with one key is the first call's turn", async () => {
    const component = await startThread();
    await start(component, "key");
    const before = await dump(component);
    expect(await start(component, "key", "turn_2")).toEqual({ turnId: TURN, accepted: true });
    expect(await dump(component)).toEqual(before);
  });

  test("with the same key in another thread is another turn", async () => {
    const component = await startThread();
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_2" });
    await start(component, "key");
    expect(await start(component, "key", "turn_2", "th_2")).toEqual({ turnId: "turn_2", accepted: true });
    expect((await dump(component)).turns.map(({ threadId, turnId }) => [threadId, turnId])).toEqual([[THREAD, TURN], ["th_2", "turn_2"]]);
  });

  test("orders turns by when their rows were made, by whomever", async () => {
    const component = await startThread();
    await start(component, "one", "a");
    await ingestOk(component, [new TurnStream({ turnId: "b" }).started(), new TurnStream({ turnId: "c" }).completed()]);
    await start(component, "two", "d");
    await ingestOk(component, [new TurnStream({ turnId: "a" }).started()]);
    expect((await dump(component)).turns.map(({ turnId, turnOrder }) => [turnId, turnOrder])).toEqual([["a", 0], ["b", 1], ["c", 2], ["d", 3]]);
  });

  test("in an archived thread is refused, and ingest goes on without un-archiving it", async () => {
    const component = await startThread();
    await ingestOk(component, [], {}, [lifecycle(0, "thread/archived", {})]);
    const before = await dump(component);
    expect(await refusal(start(component, "key"))).toMatchObject({ code: "E_THREAD_ARCHIVED" });
    expect(await dump(component)).toEqual(before);
    await ingestOk(component, new TurnStream().whole());
    expect((await dump(component)).threads[0]!.status).toBe("archived");
    expect(await messagesOf(component)).toHaveLength(2);
    await ingestOk(component, [], {}, [lifecycle(1, "thread/unarchived", {})]);
    await start(component, "key", "turn_2");
  });

  test("keeps what it was asked with", async () => {
    const component = await startThread();
    const options = { model: "gpt-5.5", effort: "high" as const, approvalPolicy: "never" };
    await component.mutation(api.turns.start, {
      actor: OWNER,
      threadId: THREAD,
      turnId: TURN,
      input: [{ type: "text", text: "Look at" }, { type: "localImage", path: "/a.png" }, { type: "text", text: "this" }],
      options,
      idempotencyKey: "key",
    });
    const turn = await turnOf(component);
    expect([turn.inputSummary, JSON.parse(turn.options!)]).toEqual(["Look at\nthis", options]);
  });
});

test("a turn begins and ends in the call that says so: nothing of it is left to what is scheduled", async () => {
  const component = await startThread();
  await start(component, "key");
  const turn = new TurnStream();
  await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("msg", ""))]);
  expect((await turnOf(component)).status).toBe("inProgress");
  await ingestOk(component, [turn.completed()]);
  expect([(await turnOf(component)).status, ...(await textsOf(component))]).toEqual(["completed", ["msg", "completed", ""]]);
  await start(component, "key 2", "turn_2");
  await component.mutation(api.turns.interrupt, { actor: OWNER, threadId: THREAD, turnId: "turn_2" });
  expect(await component.run((ctx) => ctx.db.system.query("_scheduled_functions").collect())).toEqual([]);
});

test.each([NaN, Infinity, -Infinity])("a sender's clock of %d is stored nowhere", async (createdAt) => {
  const component = await startThread();
  const turn = new TurnStream();
  const events = [...turn.whole(), turn.itemCompleted(agentMessage("late", ""))];
  await ingestOk(component, events.map((event) => ({ ...event, createdAt })));
  const numbers: number[] = [];
  JSON.stringify(await dump(component), (_key, value: unknown) => (typeof value === "number" && numbers.push(value), value));
  expect(numbers.filter((number) => !Number.isFinite(number))).toEqual([]);
});

test("usage, diff, plan and warnings of a turn that is not known make none", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  await ingestOk(component, [
    turn.event("thread/tokenUsage/updated", { tokenUsage: { total: {}, last: {}, modelContextWindow: 1 } }),
    turn.event("turn/diff/updated", { diff: "d" }),
    turn.event("turn/plan/updated", { explanation: null, plan: [] }),
    turn.failed("Reconnecting", true),
  ]);
  expect((await dump(component)).turns).toEqual([]);
  expect((await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD })).turns).toEqual([]);
});

test("a stream that began before its turn was known is listed under the turn's place", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  await ingestOk(component, [turn.failed("Reconnecting", true)]);
  await ingestOk(component, [turn.started()]);
  expect((await dump(component)).streams[0]).toMatchObject({ turnOrder: 0, state: "streaming" });
});

test("a batch after the end of a turn leaves the rows of the turn as they are", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  await ingestOk(component, turn.whole());
  const { chunks: _, streamHeads: __, ...before } = await dumpWithoutBeats(component);
  expect((await ingest(component, [turn.event("hook/completed", { run: { id: "late" } })])).status).toBe("ok");
  const { chunks: _chunks, streamHeads: _heads, ...after } = await dumpWithoutBeats(component);
  expect(after).toEqual(before);
});
