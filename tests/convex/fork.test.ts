/** Forks: what is copied, what is not, in bounded batches, and what comes of the copy afterwards. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Numbering } from "../../js-wrapper/bridge/numbering.js";
import type { Doc, Id } from "../../convex/_generated/dataModel.js";
import {
  agentMessage,
  api,
  batch,
  command,
  countRows,
  dump,
  ingest,
  ingestOk,
  internal,
  lifecycle,
  messagesOf,
  OWNER,
  refusal,
  SESSION,
  startComponent,
  startThread,
  stepDeletion,
  stepFork as step,
  STREAM,
  THREAD,
  TURN,
  TurnStream,
  type Component,
} from "./build.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const COPY = "th_copy";
const BOB = { ...OWNER, userId: "bob" };
const COUNTS = { totalTokens: 7, inputTokens: 6, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0 };
/** UTF-8 bytes of a part of a text. */
const PART = 64 * 1024;
/** Messages of three rows each that fit the 500 of a batch beside their turn, six left for the next. SOURCE: `src/limits.rs`, FORK_ROWS_MAX. */
const MESSAGES_IN_BATCH = 165;
const MESSAGES = 300;

beforeEach(() => vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const finish = (component: Component) => component.finishAllScheduledFunctions(vi.runAllTimers);
const fork = (component: Component, more: object = {}, actor = OWNER) => component.mutation(api.threads.fork, { actor, threadId: THREAD, newThreadId: COPY, ...more });
const status = (component: Component, forkJobId: string, actor = OWNER) => component.query(api.threads.getForkStatus, { actor, forkJobId });
const get = (component: Component, threadId = COPY) => component.query(api.threads.get, { actor: OWNER, threadId });
const stateOf = (component: Component, threadId = COPY) => component.query(api.threads.getState, { actor: OWNER, threadId });

/** A turn with what the model says. */
const talk = (component: Component, turnId: string, words: string[], hasPlan = false) => {
  const turn = new TurnStream({ turnId });
  return ingestOk(component, [turn.started(), ...(hasPlan ? [turn.event("turn/plan/updated", { plan: [] })] : []), ...turn.prompt("hi"), ...words.flatMap((word, at) => turn.reply(`${turnId}_${at}`, [word])), turn.completed()]);
};

/** Messages of a thread as they read, without the row's own times. */
const read = async (component: Component, threadId = COPY) =>
  (await messagesOf(component, threadId)).map(({ turnId, messageId, status, text }) => [turnId, messageId, status, text]);
/** Every message as it reads. */
const readWhole = (component: Component, threadId: string) => messagesOf(component, threadId);
const rowsOf = async (component: Component, table: "turns" | "messages", threadId: string): Promise<Doc<"turns" | "messages">[]> =>
  (await dump(component))[table].filter((row) => row.threadId === threadId);
const partsOf = async (component: Component, threadId: string) => {
  const { parts, messages, turns } = await dump(component);
  const owners = new Map([...messages, ...turns].map((row) => [row._id as string, row]));
  const mine = parts.filter(({ owner }) => owners.get(owner)?.threadId === threadId);
  return mine.map(({ owner, kind, part, text }) => ({ of: nameOf(owners.get(owner)!), kind, part, text })).sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
};
const nameOf = (row: Doc<"messages"> | Doc<"turns">) => ("messageId" in row ? `${row.turnId}/${row.messageId}` : row.turnId);

/** Runs a job to its end; answers what each batch copied. */
async function stepThrough(component: Component, forkJobId: string): Promise<number[]> {
  const copied: number[] = [];
  vi.clearAllTimers();
  for (let more = true; more; ) {
    const batch = await step(component, forkJobId);
    copied.push(batch.copied);
    more = batch.hasMore;
    vi.clearAllTimers();
  }
  return copied;
}

describe("a fork", () => {
  test("copies turns and messages with their ids, places, texts and payloads, and nothing else", async () => {
    const component = await startThread();
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD, model: "gpt", cwd: "/w", personality: "p" });
    await component.mutation(api.threads.rename, { actor: OWNER, threadId: THREAD, name: "two" });
    const first = new TurnStream();
    await component.mutation(api.turns.start, { actor: OWNER, threadId: THREAD, turnId: TURN, input: [{ type: "text", text: "hi" }], idempotencyKey: "key" });
    const usage = first.event("thread/tokenUsage/updated", { tokenUsage: { total: COUNTS, last: COUNTS } });
    const diff = first.event("turn/diff/updated", { diff: "d".repeat(70_000) });
    const run = [first.itemStarted(command("run", "ls", "inProgress")), first.itemCompleted(command("run", "ls", "completed", "o".repeat(70_000)))];
    const twice = [...first.reply("m", ["x".repeat(70_000), "é"]), ...first.reply("m", ["again"])];
    await ingestOk(component, [first.started(), ...first.prompt("hi"), ...run, ...twice, usage, diff, first.completed("failed", "no")]);
    await talk(component, "turn_2", ["two"]);
    const asked = { requestId: 0, method: "item/commandExecution/requestApproval", payloadJson: "{}", requestedAt: 1 };
    await component.mutation(api.serverRequests.upsertPending, { actor: OWNER, threadId: THREAD, turnId: TURN, itemId: "run", ...asked });
    await component.mutation(api.commands.send, { actor: OWNER, threadId: THREAD, commandId: "c", kind: "turn", payloadJson: '{"input":[{"text":"w"}],"clientTurnId":"wish"}' });
    const before = await dump(component);

    const job = await fork(component);
    expect(job).toEqual({ forkJobId: job.forkJobId, threadId: THREAD, newThreadId: COPY, status: "completed", copiedTurns: 2, copiedMessages: 6, createdAt: Date.now(), endedAt: Date.now() });
    expect(await readWhole(component, COPY)).toEqual(await readWhole(component, THREAD));
    expect(await partsOf(component, COPY)).toEqual(await partsOf(component, THREAD));
    const bare = (rows: Doc<"turns" | "messages">[]) => rows.map(({ _id, _creationTime, threadId: _, ...row }) => row).sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
    const shown = (await rowsOf(component, "turns", THREAD)).filter((turn) => turn.status !== "queued");
    expect(bare(await rowsOf(component, "turns", COPY))).toEqual(bare(shown));
    expect((await get(component)).usage).toBeUndefined();
    // The wish that waits is the original's alone.
    const own = { threadId: COPY, turn: { turnId: "turn_2", status: "completed" }, usage: undefined, createdAt: Date.now(), updatedAt: Date.now() };
    expect(await get(component)).toEqual({ ...(await get(component, THREAD)), ...own });

    const after = await dump(component);
    const grown = Object.entries(after).flatMap(([table, rows]) => (rows.length === before[table as keyof typeof before].length ? [] : [table]));
    expect(grown.sort()).toEqual(["forks", "messages", "parts", "threads", "turns"]);
    // The count of threads is one row, which grows.
    const { tallies: _, ...earlier } = before as Record<string, unknown[]>;
    const later = after as Record<string, unknown[]>;
    for (const [table, rows] of Object.entries(earlier)) expect(later[table]).toEqual(expect.arrayContaining(rows));
  });

  test("ends with the turn that is named, by either of its ids", async () => {
    const component = await startThread();
    for (const turnId of ["one", "two", "three"]) await talk(component, turnId, [turnId]);
    expect(await fork(component, { turnId: "two", model: "other" })).toMatchObject({ status: "completed", turnId: "two", copiedTurns: 2 });
    expect((await read(component)).map(([turnId, , , text]) => [turnId, text])).toEqual([["one", "hi"], ["one", "one"], ["two", "hi"], ["two", "two"]]);
    expect(await get(component)).toMatchObject({ model: "other" });
    const [thread] = (await dump(component)).threads.filter(({ threadId }) => threadId === COPY);
    expect(thread!.nextTurnOrder).toBe(2);
  });

  test("leaves out what was reverted or deleted, in whatever batch", async () => {
    const component = await startThread();
    for (const turnId of ["one", "two", "three", "four"]) await talk(component, turnId, [turnId]);
    await component.mutation(api.turns.deleteCascade, { actor: OWNER, threadId: THREAD, turnId: "two" });
    await component.mutation(api.threads.revert, { actor: OWNER, threadId: THREAD, turnId: "three" });
    expect((await refusal(fork(component, { turnId: "four" }))).code).toBe("E_AUTH_TURN_FORBIDDEN");
    await fork(component);
    expect((await stateOf(component)).turns.map(({ turnId }) => turnId)).toEqual(["three", "one"]);
    expect(await read(component)).toEqual((await read(component, THREAD)));
  });

  test("ends what goes on, with the text so far, and leaves the source alone", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...turn.prompt("hi"), turn.itemStarted(agentMessage("m", ""))]);
    await ingestOk(component, ["x".repeat(PART - 1), "é", "tail"].map((text) => turn.text("m", text)));
    await ingestOk(component, [turn.text("m", " and more"), turn.raw("item/agentMessage/delta", `{"method":"item/agentMessage/delta","params":{"threadId":"${THREAD}","turnId":"${TURN}","itemId":"m","delta":"\\ud83d"}}`)]);
    const before = await dump(component);
    await fork(component);
    const text = `${"x".repeat(PART - 1)}étail and more\uFFFD`;
    expect(await read(component)).toEqual([[TURN, `${TURN}_prompt`, "completed", "hi"], [TURN, "m", "interrupted", text]]);
    expect((await stateOf(component)).turns).toMatchObject([{ turnId: TURN, status: "interrupted" }]);
    const [row] = (await dump(component)).messages.filter(({ threadId, messageId }) => threadId === COPY && messageId === "m");
    expect(row).toMatchObject({ closing: "turn", textWhole: true, textBytes: new TextEncoder().encode(text).length });
    expect(row!.streamId).toBeUndefined();
    const cut = (await partsOf(component, COPY)).filter(({ of, kind }) => of === `${TURN}/m` && kind === "text").map(({ text }) => text.length);
    expect(cut, "cut as the whole text is").toEqual([PART - 1, text.length - PART + 1]);
    const later = (await dump(component)) as Record<string, unknown[]>;
    for (const table of ["streams", "streamHeads", "chunks", "messages", "turns"]) expect(later[table]).toEqual(expect.arrayContaining((before as Record<string, unknown[]>)[table]!));
    await ingestOk(component, [turn.itemCompleted(agentMessage("m", "done")), turn.completed()]);
    expect((await read(component, THREAD))[1]).toEqual([TURN, "m", "completed", "done"]);
    expect((await read(component))[1]).toEqual([TURN, "m", "interrupted", text]);
  });

  test("of a turn that waits copies nothing of it", async () => {
    const component = await startThread();
    await component.mutation(api.turns.start, { actor: OWNER, threadId: THREAD, turnId: "waits", input: [{ type: "text", text: "hi" }], idempotencyKey: "key" });
    expect(await fork(component)).toMatchObject({ status: "completed", copiedTurns: 0, copiedMessages: 0 });
    expect((await stateOf(component)).turns).toEqual([]);
  });

  test("once more is the same job, with other arguments it is refused", async () => {
    const component = await startThread();
    await talk(component, "one", ["a"]);
    const job = await fork(component);
    const before = await dump(component);
    expect(await fork(component)).toEqual(job);
    expect(await refusal(fork(component, { turnId: "one" }))).toMatchObject({ code: "E_THREAD_NOT_EMPTY", newThreadId: COPY });
    await component.mutation(api.threads.create, { actor: OWNER, threadId: "th_other" });
    expect((await refusal(fork(component, { threadId: "th_other" }))).code).toBe("E_THREAD_NOT_EMPTY");
    expect((await refusal(fork(component, { newThreadId: THREAD }))).code).toBe("E_THREAD_NOT_EMPTY");
    expect((await dump(component)).forks).toEqual(before.forks);
    await talk(component, "two", ["b"]);
    expect(await fork(component), "whatever the source says by then").toEqual(job);
  });

  test("onto a thread that has had turns, of one that is not there, was deleted, or is another user's is refused", async () => {
    const component = await startThread();
    await talk(component, "one", ["a"]);
    await component.mutation(api.turns.deleteCascade, { actor: OWNER, threadId: THREAD, turnId: "one" });
    await component.mutation(api.threads.create, { actor: OWNER, threadId: COPY });
    const onto = { threadId: COPY, newThreadId: THREAD };
    expect((await refusal(fork(component, onto))).code).toBe("E_THREAD_NOT_EMPTY");
    expect((await refusal(fork(component, { threadId: "nowhere" }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    expect((await refusal(fork(component, {}, BOB))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    await component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId: THREAD });
    expect((await refusal(fork(component))).code).toBe("E_THREAD_DELETED");
    expect(await refusal(fork(component, onto))).toMatchObject({ code: "E_THREAD_DELETED", threadId: THREAD });
    expect((await countRows(component)).forks).toBeUndefined();
  });

  test("may fill a thread that was made before, and keeps what that says of itself", async () => {
    const component = await startThread();
    await talk(component, "one", ["a"]);
    await component.mutation(api.threads.rename, { actor: OWNER, threadId: THREAD, name: "old" });
    const named = { ...lifecycle(0, "thread/name/updated", { threadName: "its own", threadId: COPY }), eventId: "rt:copy:L0" };
    await component.mutation(api.sync.ingestSafe, batch([], [named], { threadId: COPY }));
    await fork(component, { cwd: "/new" });
    expect(await get(component)).toMatchObject({ name: "its own", cwd: "/new" });
    expect(await read(component)).toHaveLength(2);
  });

  test("beyond a hundred open ones is refused", async () => {
    const component = await startThread();
    await component.run(async (ctx) => {
      const [thread] = await ctx.db.query("threads").collect();
      const row = { tenantId: OWNER.tenantId, userId: OWNER.userId, source: thread!._id, copy: thread!._id, before: 0, copiedTurns: 0, copiedMessages: 0, createdAt: 0 };
      for (let at = 0; at < 100; at++) await ctx.db.insert("forks", { ...row, state: at % 2 === 0 ? "running" : "scheduled" });
    });
    expect((await refusal(fork(component))).code).toBe("E_QUOTA");
    expect((await countRows(component)).threads).toBe(1);
  });
});

describe("a fork's batches", () => {
  /** 300 messages in one turn, and a turn before it. */
  async function long(component: Component, shortHasPlan = false) {
    await talk(component, "short", ["a"], shortHasPlan);
    const turn = new TurnStream({ turnId: "long" });
    await ingestOk(component, [turn.started()]);
    for (let at = 0; at < MESSAGES; at += 100) {
      await ingestOk(component, Array.from({ length: 100 }, (_, n) => turn.itemCompleted(agentMessage(`m${at + n}`, `text ${at + n}`))));
    }
    await ingestOk(component, [turn.completed()]);
  }

  test("are bounded in rows: the newest turns are there first, and new ones come behind all", async () => {
    const component = await startThread();
    await long(component);
    const { forkJobId, ...job } = await fork(component);
    expect(job).toMatchObject({ status: "running", copiedTurns: 1, copiedMessages: MESSAGES_IN_BATCH });
    expect(await get(component)).toMatchObject({ filling: true });
    expect(await stateOf(component)).toMatchObject({ filling: true, turns: [{ turnId: "long" }] });
    const turn = new TurnStream({ threadId: COPY, turnId: "new" });
    await component.mutation(api.sync.ingestSafe, batch(turn.whole(["new"]), [], { threadId: COPY }));
    vi.clearAllTimers();
    expect(await stepThrough(component, forkJobId), "the rest, and a turn of two messages").toEqual([MESSAGES - MESSAGES_IN_BATCH + 3]);
    expect(await status(component, forkJobId)).toMatchObject({ status: "completed", copiedTurns: 2, copiedMessages: MESSAGES + 2 });
    expect(await get(component)).not.toHaveProperty("filling");
    expect(await stateOf(component)).not.toHaveProperty("filling");
    const theirs = await read(component);
    expect(theirs.slice(0, -2)).toEqual(await read(component, THREAD));
    expect(theirs.slice(-2).map(([turnId]) => turnId)).toEqual(["new", "new"]);
  });

  test("cost the rows that they copy, and five beside them", async () => {
    for (const [spare, fits] of [[5, true], [4, false]] as const) {
      const limits: Record<string, number> = {};
      const component = startComponent(limits);
      await ingest(component, [new TurnStream().started()]);
      await long(component);
      Object.assign(limits, { documentsWritten: 1 + 3 * MESSAGES_IN_BATCH + spare });
      if (fits) await fork(component);
      else await expect(fork(component)).rejects.toThrow("Wrote too many documents");
    }
  });

  test("copy a text of many MiB in pieces, which reads interrupted until it is whole", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const text = "é".repeat(1_500_000);
    await ingestOk(component, [turn.started(), turn.itemCompleted(agentMessage("m", text)), turn.completed()]);
    const { forkJobId } = await fork(component);
    vi.clearAllTimers();
    const [begun] = await readWhole(component, COPY);
    expect(begun).toMatchObject({ status: "interrupted", payloadJson: (await readWhole(component, THREAD))[0]!.payloadJson, textTruncated: true });
    expect(begun!.textBytes).toBeLessThan(3_000_000);
    expect(begun!.textBytes! % PART).toBe(0);
    // 32 Ki units a part, and a MiUnit a batch.
    expect(await stepThrough(component, forkJobId)).toEqual([1]);
    expect(await readWhole(component, COPY)).toEqual(await readWhole(component, THREAD));
    expect(await partsOf(component, COPY)).toEqual(await partsOf(component, THREAD));
  });

  test("copy a text that grows meanwhile as far as it had come, or anew where it was ended", async () => {
    for (const ends of [false, true]) {
      const component = await startThread();
      const turn = new TurnStream();
      await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
      const piece = "x".repeat(400_000);
      for (let at = 0; at < 4; at++) await ingestOk(component, [turn.text("m", `${at}${piece}`)]);
      const before = (await read(component, THREAD))[0]!;
      const { forkJobId, status: begun } = await fork(component);
      expect(begun).toBe("running");
      vi.clearAllTimers();
      await ingestOk(component, [turn.text("m", `4${piece}`), ...(ends ? [turn.itemCompleted(agentMessage("m", "short"))] : [])]);
      await ingestOk(component, [turn.itemStarted(agentMessage("later", "later"))]);
      await stepThrough(component, forkJobId);
      const [row, later] = await readWhole(component, COPY);
      expect(later, "what came later is not copied").toBeUndefined();
      if (ends) expect(row).toMatchObject({ status: "completed", text: "short" });
      else expect(row).toMatchObject({ status: "interrupted", text: before[3], textTruncated: true });
      const parts = (await partsOf(component, COPY)).filter(({ kind }) => kind === "text").sort((one, other) => one.part - other.part);
      const whole = parts.map(({ text }) => text).join("");
      const grown = Array.from({ length: 5 }, (_, at) => `${at}${piece}`).join("");
      expect(whole).toBe(ends ? "short" : grown.slice(0, whole.length));
      expect(whole.length).toBeGreaterThanOrEqual(ends ? 5 : 4 * (piece.length + 1));
      expect((await rowsOf(component, "messages", COPY))[0]).toMatchObject({ textBytes: whole.length });
    }
  });

  test("copy a tail that is longer than a batch reads", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    // Text behind a hole is not folded.
    turn.cursor += 1;
    for (let at = 0; at < 8; at++) await ingest(component, [turn.text("m", `${at}${"y".repeat(700_000)}`)]);
    const { forkJobId } = await fork(component);
    expect(await stepThrough(component, forkJobId), "three chunks a batch; the last finds nothing more").toEqual([0, 1, 0]);
    const parts = (await partsOf(component, COPY)).filter(({ of, kind }) => of === `${TURN}/m` && kind === "text").sort((one, other) => one.part - other.part);
    const want = Array.from({ length: 8 }, (_, at) => `${at}${"y".repeat(700_000)}`).join("");
    expect(parts.map(({ text }) => text.length)).toEqual([...Array<number>(Math.floor(want.length / PART)).fill(PART), want.length % PART]);
    expect(parts.map(({ text }) => text).join("")).toBe(want);
    expect((await messagesOf(component, COPY)).find(({ messageId }) => messageId === "m")).toMatchObject({ status: "interrupted", textBytes: want.length });
  });

  test("copy a message anew whose tail is being copied where its item ends", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    // Text behind a hole is not folded.
    turn.cursor += 1;
    const piece = (at: number) => `${at}${"y".repeat(700_000)}`;
    for (let at = 0; at < 5; at++) await ingest(component, [turn.text("m", piece(at))]);
    const { forkJobId } = await fork(component);
    vi.clearAllTimers();
    // What it is told to be in the end is another text than that which came.
    const want = Array.from({ length: 5 }, (_, at) => `${at}${"z".repeat(700_000)}`).join("");
    await ingest(component, [turn.itemCompleted(agentMessage("m", want))]);
    await stepThrough(component, forkJobId);
    const parts = (await partsOf(component, COPY)).filter(({ of, kind }) => of === `${TURN}/m` && kind === "text").sort((one, other) => one.part - other.part);
    const copied = parts.map(({ text }) => text).join("");
    expect([copied.length, copied === want]).toEqual([want.length, true]);
    expect((await messagesOf(component, COPY)).find(({ messageId }) => messageId === "m")).toMatchObject({ status: "completed", textBytes: want.length });
  });

  test("that failed in the middle are taken up by the sweep", async () => {
    const component = await startThread();
    await long(component);
    const { forkJobId } = await fork(component);
    // As if the process had died: nothing of what was scheduled runs.
    vi.clearAllTimers();
    expect(await component.mutation(internal.forks.goOn, {})).toEqual({ takenUp: 0, hasMore: false });
    pass(5 * MINUTE);
    expect(await component.mutation(internal.forks.goOn, {})).toEqual({ takenUp: 1, hasMore: false });
    await stepThrough(component, forkJobId);
    expect(await step(component, forkJobId), "it has ended").toEqual({ copied: 0, hasMore: false });
    expect(await read(component)).toEqual(await read(component, THREAD));
    pass(5 * MINUTE);
    expect(await component.mutation(internal.forks.goOn, {})).toEqual({ takenUp: 0, hasMore: false });
  });

  test("are gone on with by one call at a time", async () => {
    const component = await startThread();
    await long(component);
    const { forkJobId } = await fork(component);
    vi.clearAllTimers();
    const job = forkJobId as Id<"forks">;
    const { dueAt = 0 } = (await dump(component)).forks[0]!;
    pass(5 * MINUTE);
    const call = () => component.mutation(internal.forks.step, { job, dueAt });
    expect((await call()).copied, "the sweep's, say").toBeGreaterThan(0);
    expect(await call(), "the one that came late").toEqual({ copied: 0, hasMore: false });
  });

  test("leave alone what the copy has by then: its turn keeps its place, its items their words", async () => {
    const component = await startThread();
    await long(component, true);
    const { forkJobId } = await fork(component);
    vi.clearAllTimers();
    const turn = new TurnStream({ threadId: COPY, turnId: "short" });
    const own = [turn.started(), ...turn.reply("short_0", ["its own"]), turn.event("turn/diff/updated", { diff: "d" })];
    await component.mutation(api.sync.ingestSafe, batch(own, [], { threadId: COPY }));
    await stepThrough(component, forkJobId);
    expect(await status(component, forkJobId)).toMatchObject({ status: "completed", copiedTurns: 1, copiedMessages: MESSAGES + 1 });
    // Its stream counts from 0, so that its items stand by their own cursors among the copied ones.
    expect(new Set((await read(component)).slice(MESSAGES))).toEqual(new Set([["short", "short_prompt", "completed", "hi"], ["short", "short_0", "completed", "its own"]]));
    expect((await stateOf(component)).turns.map(({ turnId, status }) => [turnId, status])).toEqual([["short", "inProgress"], ["long", "completed"]]);
    // A plan that it had none of it has.
    const listed = await component.query(api.turns.list, { actor: OWNER, threadId: COPY });
    expect(listed.map(({ turnId, hasPlan }) => [turnId, hasPlan])).toEqual([["short", true], ["long", false]]);
  });

  test("of a thread that is being filled wait for it", async () => {
    const component = await startThread();
    await long(component);
    const first = await fork(component);
    const second = await fork(component, { threadId: COPY, newThreadId: "th_second" });
    expect(second).toMatchObject({ status: "scheduled", copiedTurns: 0 });
    expect(await get(component, "th_second")).toMatchObject({ filling: true });
    expect(await step(component, second.forkJobId)).toEqual({ copied: 0, hasMore: true });
    await finish(component);
    for (const { forkJobId } of [first, second]) expect(await status(component, forkJobId)).toMatchObject({ status: "completed", copiedMessages: MESSAGES + 2 });
    expect(await read(component, "th_second")).toEqual(await read(component, THREAD));
  });

  test("are remembered for a week", async () => {
    const component = await startThread();
    await talk(component, "one", ["a"]);
    const { forkJobId } = await fork(component);
    expect(await status(component, forkJobId, BOB)).toBeNull();
    expect(await status(component, "nonsense")).toBeNull();
    pass(7 * DAY - 1);
    await component.mutation(internal.retention.cleanupForks, {});
    expect(await status(component, forkJobId)).toMatchObject({ status: "completed" });
    pass(1);
    expect(await component.mutation(internal.retention.cleanupForks, {})).toEqual({ deleted: 1, hasMore: false });
    expect(await status(component, forkJobId)).toBeNull();
    expect((await refusal(fork(component))).code).toBe("E_THREAD_NOT_EMPTY");
  });

  describe("while something is deleted", () => {
    const remove = (component: Component, threadId: string) => component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId });

    test("end with the source: the copy keeps what it has, and gets nothing more", async () => {
      const component = await startThread();
      await long(component);
      const { forkJobId, copiedMessages } = await fork(component);
      const before = await read(component);
      await remove(component, THREAD);
      expect(await step(component, forkJobId)).toEqual({ copied: 0, hasMore: false });
      expect(await status(component, forkJobId)).toMatchObject({ status: "failed", code: "E_THREAD_DELETED", copiedMessages });
      expect(await get(component)).not.toHaveProperty("filling");
      await finish(component);
      expect(await read(component)).toEqual(before);
      const job = await status(component, forkJobId);
      for (const name of ["threadId", "newThreadId"]) expect(job, "names nobody any more").not.toHaveProperty(name);
    });

    test("end with the copy, of which nothing comes back", async () => {
      for (const first of ["job", "deletion"]) {
        const component = await startThread();
        await long(component);
        const { forkJobId } = await fork(component);
        const { deletionJobId } = await remove(component, COPY);
        if (first === "job") expect(await step(component, forkJobId)).toEqual({ copied: 0, hasMore: false });
        else {
          vi.clearAllTimers();
          while ((await stepDeletion(component, deletionJobId)).hasMore) vi.clearAllTimers();
        }
        await finish(component);
        expect(await status(component, forkJobId)).toMatchObject({ status: "failed", code: "E_THREAD_DELETED" });
        const rows = Object.values(await dump(component)).flat();
        expect(rows.filter((row) => JSON.stringify(row).includes(COPY))).toEqual([]);
        expect((await refusal(fork(component))).code).toBe("E_THREAD_DELETED");
      }
    });

    test("bring no turn back of which the last row is gone from the copy", async () => {
      const component = await startThread();
      await long(component);
      const { forkJobId } = await fork(component);
      vi.clearAllTimers();
      const turn = new TurnStream({ threadId: COPY, turnId: "short" });
      await component.mutation(api.sync.ingestSafe, batch([turn.started()], [], { threadId: COPY }));
      for (const turnId of ["long", "short"]) {
        const { deletionJobId } = await component.mutation(api.turns.deleteCascade, { actor: OWNER, threadId: COPY, turnId });
        vi.clearAllTimers();
        while ((await stepDeletion(component, deletionJobId)).hasMore) vi.clearAllTimers();
      }
      vi.clearAllTimers();
      expect((await dump(component)).threads.find(({ threadId }) => threadId === COPY)).not.toHaveProperty("hidden");
      expect(await stepThrough(component, forkJobId)).toEqual([0]);
      expect(await read(component)).toEqual([]);
      expect((await stateOf(component)).turns).toEqual([]);
    });

    test("leave the turn out that goes, of the source or of the copy", async () => {
      for (const threadId of [THREAD, COPY]) {
        const component = await startThread();
        await long(component);
        const { forkJobId } = await fork(component);
        await component.mutation(api.turns.deleteCascade, { actor: OWNER, threadId, turnId: "long" });
        await finish(component);
        expect(await status(component, forkJobId)).toMatchObject({ status: "completed", copiedTurns: 2, copiedMessages: MESSAGES_IN_BATCH + 2 });
        const kept = (await read(component)).filter(([turnId]) => turnId === "long");
        expect(kept).toHaveLength(threadId === THREAD ? MESSAGES_IN_BATCH : 0);
        expect((await rowsOf(component, "messages", threadId)).filter(({ turnId }) => turnId === "long")).toEqual([]);
        expect((await read(component)).filter(([turnId]) => turnId === "short")).toHaveLength(2);
      }
    });
  });
});

describe("what comes of a fork", () => {
  const ofCopy = { threadId: COPY };

  test("says its history again: nothing is doubled", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [...turn.whole(["Hel", "lo."])]);
    const open = new TurnStream({ turnId: "open" });
    await ingestOk(component, [open.started(), open.itemStarted(agentMessage("m", "")), open.text("m", "so far")]);
    await fork(component);
    const before = await read(component);
    const again = new TurnStream(ofCopy);
    const answer = await component.mutation(api.sync.ingestSafe, batch(again.whole(["Hel", "lo."]), [], ofCopy));
    expect(answer).toMatchObject({ errors: [] });
    expect(await read(component)).toEqual(before);
    expect((await stateOf(component)).turns).toHaveLength(2);
    const late = new TurnStream({ ...ofCopy, turnId: "open" });
    await component.mutation(api.sync.ingestSafe, batch([late.itemStarted(agentMessage("m", "")), late.text("m", "so far and on")], [], ofCopy));
    expect(await read(component)).toEqual(before);
    await component.mutation(api.sync.ingestSafe, batch([late.itemCompleted(agentMessage("m", "all of it"))], [], ofCopy));
    expect((await read(component)).at(-1)).toEqual(["open", "m", "completed", "all of it"]);
    expect(await read(component)).toHaveLength(before.length);
  });

  test("is what Codex says of it: the recorded fork reads as its history and goes on", async () => {
    const RECORDING = path.join(process.cwd(), "tests/fixtures/transcripts/lifecycle.jsonl");
    type Turn = { id: string; status: string; items: { id: string; type: string; text?: string; content?: { text: string }[] }[] };
    type Message = { method?: string; id?: number; emittedAtMs?: number; params?: { threadId?: string; turnId?: string; turn?: Turn }; result?: { thread?: { id: string; forkedFromId: string | null; turns: Turn[] } } };
    const entries = readFileSync(RECORDING, "utf8").trim().split("\n").map((line) => JSON.parse(line) as { dir: string; msg: Message });
    const component = startComponent();
    const numbering = new Numbering("rt", 0);
    numbering.beginGeneration(1);
    let forked: { id: string; forkedFromId: string | null; turns: Turn[] } | undefined;
    let usages = 0;
    const sent = new Set<string>();
    for (const { dir, msg } of entries.filter((_, at, all) => at < all.findLastIndex(({ dir }) => dir === "proc"))) {
      if (dir !== "in") continue;
      const thread = msg.result?.thread;
      if (thread !== undefined && thread.forkedFromId !== null && forked === undefined) {
        forked = thread;
        const job = await component.mutation(api.threads.fork, { actor: OWNER, threadId: thread.forkedFromId, newThreadId: thread.id });
        expect(job).toMatchObject({ status: "completed", copiedTurns: 2, copiedMessages: 4 });
        const words = (turns: Turn[]) => turns.flatMap(({ id, items }) => items.map((item) => [id, item.id, "completed", item.text ?? item.content?.map(({ text }) => text).join("\n")]));
        expect(await read(component, thread.id)).toEqual(words(thread.turns));
      }
      const { method, params } = msg;
      const threadId = params?.threadId;
      if (method === undefined || threadId === undefined) continue;
      const { emittedAtMs: _, ...payload } = msg;
      const turnId = params?.turnId ?? params?.turn?.id;
      const opensTurn = turnId !== undefined && (method === "turn/started" || method.startsWith("item/"));
      const { eventId, streamId, cursorStart, cursorEnd } = numbering.number({ threadId, opensTurn, endsTurn: method === "turn/completed", ...(turnId === undefined ? {} : { turnId }) });
      const event = { eventId, kind: method, payloadJson: JSON.stringify(payload), createdAt: 1, ...(turnId === undefined ? {} : { turnId }) };
      const deltas = streamId === undefined || turnId === undefined ? [] : [{ type: "stream_delta" as const, ...event, turnId, streamId, cursorStart, cursorEnd }];
      const beside = deltas.length > 0 ? [] : [{ type: "lifecycle_event" as const, ...event }];
      const answer = await component.mutation(api.sync.ingestSafe, batch(deltas, beside, { threadId, sessionId: SESSION }));
      expect(answer.errors).toEqual([]);
      if (threadId === forked?.id) sent.add(method);
      if (threadId === forked?.id && method === "thread/tokenUsage/updated") usages += 1;
    }
    expect(usages).toBe(2);
    expect([...sent]).toEqual(expect.arrayContaining(["thread/tokenUsage/updated", "turn/completed"]));
    const messages = await read(component, forked!.id);
    expect(messages.map(([, , status, text]) => [status, text])).toEqual(
      ["Question one", "Answer one.", "Question two", "Answer two.", "Question in the fork", "Answer in the fork."].map((text) => ["completed", text]),
    );
    expect((await get(component, forked!.id)).usage?.total.totalTokens).toBe(360);
  });

  test("has streams of its own: the source's are not read for it", async () => {
    const component = await startThread();
    await talk(component, TURN, ["a"]);
    await fork(component);
    expect((await stateOf(component)).allStreams).toEqual([]);
    const replay = { actor: OWNER, threadId: COPY, streamCursorsById: [{ streamId: STREAM, cursor: 0 }] };
    expect((await component.query(api.sync.replay, replay)).deltas).toEqual([]);
    await ingest(component, [new TurnStream({ turnId: "two" }).started()]);
    expect((await stateOf(component)).turns.map(({ turnId }) => turnId)).toEqual([TURN]);
  });
});
