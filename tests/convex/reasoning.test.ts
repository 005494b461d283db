/** What readers get of what the model thought: all of it, each piece once, also when the chunks that brought it are gone. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Numbering } from "../../js-wrapper/bridge/numbering.js";
import { agentMessage, api, dump, ingest, ingestOk, OWNER, reasoning, refusal, startComponent, startThread, THREAD, TURN, TurnStream, type Component, type StreamEvent } from "./build.js";

const KiB = 1024;
const MiB = 1024 * KiB;
const RAW = { exposeRawReasoningDeltas: true };
const ALL = { cursor: null, numItems: 1_000 };

type Listing = { includeRaw?: boolean; threadId?: string; paginationOpts?: { numItems: number; cursor: string | null; endCursor?: string | null } };

const list = (component: Component, { paginationOpts = ALL, threadId = THREAD, ...more }: Listing = {}) =>
  component.query(api.reasoning.listByThread, { actor: OWNER, threadId, paginationOpts, ...more });
const segmentsOf = async (component: Component, more: Listing = {}) => (await list(component, more)).page;

/** What a reader sees, in the order in which it was thought: item, channel, place, words; a break is `---`. */
const seen = async (component: Component, more: Listing = {}) =>
  (await segmentsOf(component, more))
    .reverse()
    .map(({ itemId, channel, segmentType, summaryIndex, contentIndex, text }) => [itemId, channel, summaryIndex ?? contentIndex, segmentType === "sectionBreak" ? `---${text}` : text]);

/** An item that is thought in two parts, and in full. */
function thought(turn: TurnStream, id: string, [first, second]: [string, string], raw: string): StreamEvent[] {
  const grew = (kind: string, delta: string, place: object) => turn.event(`item/reasoning/${kind}`, { itemId: id, delta, ...place });
  return [
    turn.itemStarted(reasoning(id, [], [])),
    turn.event("item/reasoning/summaryPartAdded", { itemId: id, summaryIndex: 0 }),
    grew("summaryTextDelta", first, { summaryIndex: 0 }),
    turn.event("item/reasoning/summaryPartAdded", { itemId: id, summaryIndex: 1 }),
    grew("summaryTextDelta", second, { summaryIndex: 1 }),
    grew("textDelta", raw, { contentIndex: 0 }),
    turn.itemCompleted(reasoning(id, [first, second], [raw])),
  ];
}

const SUMMARY = [
  ["r", "summary", 0, "one"],
  ["r", "summary", 1, "---"],
  ["r", "summary", 1, "two"],
];

/** Takes every chunk away, as their sweeps do when they have expired. */
const loseChunks = (component: Component) =>
  component.run(async (ctx) => {
    for await (const chunk of ctx.db.query("chunks")) await ctx.db.delete(chunk._id);
  });

/** Asserts that a call reads exactly so many documents. */
async function expectReads<Answer>(limits: Record<string, number>, documents: number, call: () => Promise<Answer>): Promise<Answer> {
  Object.assign(limits, { documentsRead: documents - 1 });
  await expect(call()).rejects.toThrow("too many documents");
  Object.assign(limits, { documentsRead: documents });
  const answer = await call();
  delete limits.documentsRead;
  return answer;
}

describe("an item of reasoning", () => {
  test("that has ended is its summary's parts with a break between them, newest first", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...thought(turn, "r", ["one", "two"], "RAW"), ...turn.reply("m", ["Answer."])]);
    expect(await seen(component)).toEqual(SUMMARY);
    const page = await segmentsOf(component);
    const item = { turnId: TURN, itemId: "r", messageId: "r", channel: "summary", cursorStart: 1, cursorEnd: 8, status: "completed", createdAt: expect.any(Number) as number };
    const id = (place: number, ...rest: string[]) => JSON.stringify([TURN, "r", "summary", place, ...rest]);
    expect(page).toEqual([
      { ...item, segmentId: id(1), eventId: id(1), segmentType: "textDelta", text: "two", summaryIndex: 1 },
      { ...item, segmentId: id(1, "break"), eventId: id(1, "break"), segmentType: "sectionBreak", text: "", summaryIndex: 1 },
      { ...item, segmentId: id(0), eventId: id(0), segmentType: "textDelta", text: "one", summaryIndex: 0 },
    ]);
  });

  test("reads the same when its chunks are gone", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...thought(turn, "r", ["one", "two"], "RAW"), turn.completed()], { runtime: RAW });
    const before = await segmentsOf(component, { includeRaw: true });
    await loseChunks(component);
    expect(await segmentsOf(component, { includeRaw: true })).toEqual(before);
    expect(await seen(component, { includeRaw: true })).toEqual([...SUMMARY, ["r", "raw", 0, "RAW"]]);
  });

  test("that streams is its text so far, whose id the first part of its summary gets", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const begin = turn.started();
    const events = thought(turn, "r", ["one", "two"], "RAW");
    await ingestOk(component, [begin, events[0]!]);
    expect(await seen(component), "nothing is said yet").toEqual([]);
    await ingestOk(component, events.slice(1, 3));
    expect(await seen(component)).toEqual([["r", "summary", undefined, "one"]]);
    const [first] = await segmentsOf(component);
    expect(first).toMatchObject({ status: "streaming", cursorStart: 1, cursorEnd: 4, segmentType: "textDelta" });
    await ingestOk(component, events.slice(3, 6), { runtime: RAW });
    expect(await seen(component, { includeRaw: true })).toEqual([["r", "summary", undefined, "one\n\ntwo"]]);
    await ingestOk(component, events.slice(6));
    expect(await seen(component)).toEqual(SUMMARY);
    const last = (await segmentsOf(component)).at(-1)!;
    expect([last.segmentId, last.text, last.status]).toEqual([first!.segmentId, "one", "completed"]);
  });

  test("that its turn cut is its text, before and behind its chunks' end", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const long = "x".repeat(70 * KiB);
    const say = (delta: string) => turn.event("item/reasoning/summaryTextDelta", { itemId: "r", delta, summaryIndex: 0 });
    await ingestOk(component, [turn.started(), turn.itemStarted(reasoning("r", [], []))]);
    await ingestOk(component, [say(long)]);
    await ingestOk(component, [say(long)]);
    await ingestOk(component, [turn.completed("interrupted")]);
    const [segment] = await segmentsOf(component);
    expect(segment).toMatchObject({ text: long + long, status: "interrupted" });
    expect((await dump(component)).messages[0]?.foldCursor).toBe(4);
    await loseChunks(component);
    expect(await segmentsOf(component)).toEqual([segment]);
  });

  test("that is used twice is two, each of them once", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...thought(turn, "r", ["a", "b"], ""), ...thought(turn, "r", ["c", "d"], "")]);
    const page = (await segmentsOf(component)).reverse();
    expect(page.filter(({ text }) => text !== "").map(({ itemId, messageId, text }) => [itemId, messageId, text])).toEqual([
      ["r", "r", "a"],
      ["r", "r", "b"],
      ["r", "r#2", "c"],
      ["r", "r#2", "d"],
    ]);
    expect(new Set(page.map(({ segmentId }) => segmentId)).size).toBe(page.length);
  });

  test("of which an import and a stream tell is one", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const again = new TurnStream({ streamId: `${THREAD}:${TURN}:import` });
    await ingestOk(component, [turn.started(), ...thought(turn, "r", ["one", "two"], ""), turn.completed()]);
    await ingestOk(component, [again.itemCompleted(reasoning("r", ["one", "two"], []))]);
    expect(await seen(component)).toEqual(SUMMARY);
  });

  test("whose part is over 256 KiB is cut, says so, and is whole in its text", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const long = "é".repeat(200 * KiB);
    await ingestOk(component, [turn.started(), turn.itemCompleted(reasoning("r", ["short", long], [long]))], { runtime: RAW });
    const page = (await segmentsOf(component, { includeRaw: true })).reverse();
    expect(page.map(({ text, textTruncated, textBytes }) => [text.length, textTruncated, textBytes])).toEqual([
      [5, undefined, undefined],
      [0, undefined, undefined],
      [128 * KiB, true, 400 * KiB],
      [128 * KiB, true, 400 * KiB],
    ]);
    const { messageId } = page[0]!;
    const whole = await component.query(api.messages.getText, { actor: OWNER, threadId: THREAD, turnId: TURN, messageId });
    expect(whole).toMatchObject({ text: `short\n\n${long}`, isDone: true });
  });

  test("whose strings are ill-formed is well-formed", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const item = JSON.stringify(reasoning("r", ["HALF"], [])).replace("HALF", "\\uD83D");
    await ingestOk(component, [turn.started(), turn.raw("item/completed", `{"method":"item/completed","params":{"threadId":"${THREAD}","turnId":"${TURN}","item":${item}}}`)]);
    expect(await seen(component)).toEqual([["r", "summary", 0, "\uFFFD"]]);
  });
});

describe("raw thought", () => {
  test("is shown to who asks for it, where it was stored, and is stored only where the server said so", async () => {
    for (const [runtime, includeRaw, raw] of [
      [RAW, true, [["r", "raw", 0, "RAW"]]],
      [RAW, false, []],
      [RAW, undefined, []],
      [{}, true, []],
    ] as const) {
      const component = await startThread();
      const turn = new TurnStream();
      await ingestOk(component, [turn.started(), ...thought(turn, "r", ["one", "two"], "RAW")], { runtime });
      expect(await seen(component, includeRaw === undefined ? {} : { includeRaw }), JSON.stringify([runtime, includeRaw])).toEqual([...SUMMARY, ...raw]);
    }
  });

  test("alone makes an item of no segment to who does not ask", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemCompleted(reasoning("r", [], ["RAW"]))], { runtime: RAW });
    expect(await list(component)).toMatchObject({ page: [], isDone: true });
    expect(await seen(component, { includeRaw: true })).toEqual([["r", "raw", 0, "RAW"]]);
  });
});

test("saveReasoningDeltas: false keeps no reasoning anywhere", async () => {
  for (const beside of [{}, RAW, { saveStreamDeltas: true, ...RAW }]) {
    const component = await startThread();
    const turn = new TurnStream();
    const events = [turn.started(), ...thought(turn, "r", ["one", "two"], "RAW"), ...turn.reply("m", ["Answer."])];
    for (const event of events) await ingestOk(component, [event], { runtime: { ...beside, saveReasoningDeltas: false } });
    expect(await list(component, { includeRaw: true })).toMatchObject({ page: [], isDone: true });
    expect(JSON.stringify(await dump(component))).not.toMatch(/RAW|reasoning|"one"|"two"/);
  }
});

test("what a real app-server thought reads as a person expects it", async () => {
  const component = startComponent();
  const numbering = new Numbering("rt", 0);
  numbering.beginGeneration(1);
  let threadId = "";
  const lines = readFileSync(path.join(process.cwd(), "tests/fixtures/transcripts/reasoning.jsonl"), "utf8").trim().split("\n");
  for (const line of lines) {
    type Message = { method?: string; params?: { threadId?: string; turnId?: string; turn?: { id: string } }; emittedAtMs?: number };
    const { dir, msg } = JSON.parse(line) as { dir: string; msg: Message };
    const { emittedAtMs: _, ...payload } = msg;
    const { method, params } = payload;
    if (dir !== "in" || method === undefined || params?.threadId === undefined) continue;
    ({ threadId } = params as { threadId: string });
    const turnId = params.turnId ?? params.turn?.id;
    const of = turnId === undefined ? {} : { turnId };
    const number = numbering.number({ threadId, opensTurn: turnId !== undefined && (method === "turn/started" || method.startsWith("item/")), endsTurn: method === "turn/completed", ...of });
    const event = { eventId: number.eventId, kind: method, payloadJson: JSON.stringify(payload), createdAt: 1 };
    const { streamId, cursorStart, cursorEnd } = number;
    const streamed = streamId !== undefined && turnId !== undefined;
    const answer = await ingest(
      component,
      streamed ? [{ type: "stream_delta", ...event, turnId, streamId, cursorStart, cursorEnd }] : [],
      { threadId, runtime: RAW },
      streamed ? [] : [{ type: "lifecycle_event", ...event, ...of }],
    );
    expect(answer.errors).toEqual([]);
  }
  const summary = [
    ["rs_mock0002", "summary", 0, "**Looking at the queue**\n\nThe queue drains in order, so the second write waits."],
    ["rs_mock0002", "summary", 1, "---"],
    ["rs_mock0002", "summary", 1, "**Checking the lock**\n\nNo lock is held across the await."],
  ];
  expect(await seen(component, { threadId })).toEqual(summary);
  const raw = ["rs_mock0002", "raw", 0, "First I consider the queue. Then I consider the lock. Neither blocks."];
  expect(await seen(component, { threadId, includeRaw: true })).toEqual([...summary, raw]);
});

describe("a page", () => {
  test("of items of many turns is newest first, each item whole and once", async () => {
    const component = await startThread();
    for (let at = 0; at < 5; at++) {
      const turn = new TurnStream({ turnId: `t${at}` });
      const items = [...thought(turn, "r", [`${at}a`, `${at}b`], ""), ...turn.reply("m", ["x"]), ...thought(turn, "s", [`${at}c`, `${at}d`], "")];
      await ingestOk(component, [turn.started(), ...items, turn.completed()]);
    }
    const words: string[] = [];
    const sizes: number[] = [];
    for (let cursor: string | null = null; ; ) {
      const page = await list(component, { paginationOpts: { numItems: 3, cursor } });
      sizes.push(page.page.length);
      words.push(...page.page.map(({ text }) => text));
      if (page.isDone) break;
      cursor = page.continueCursor;
    }
    expect(words.filter((text) => text !== "")).toEqual([4, 3, 2, 1, 0].flatMap((at) => ["d", "c", "b", "a"].map((part) => `${at}${part}`)));
    expect(sizes).toEqual([9, 9, 9, 3]);
  });

  test("costs what it returns, whatever else the thread holds", async () => {
    const limits: Record<string, number> = {};
    const component = await startThread(THREAD, limits);
    for (let at = 0; at < 30; at++) {
      const turn = new TurnStream({ turnId: `t${at}` });
      await ingestOk(component, [turn.started(), ...thought(turn, "r", ["a", "b"], "c"), ...turn.reply("m", ["x"]), ...turn.reply("n", ["y"]), turn.completed()], { runtime: RAW });
    }
    // A thread, then of each item its row and its payload; one row more says whether the list goes on.
    for (const includeRaw of [false, true]) {
      const read = () => list(component, { includeRaw, paginationOpts: { numItems: 5, cursor: null } });
      const { continueCursor, page } = await expectReads(limits, 1 + 5 * 2 + 1, read);
      expect(page).toHaveLength(includeRaw ? 20 : 15);
      await expectReads(limits, 1 + 5 * 2 + 1, () => list(component, { includeRaw, paginationOpts: { numItems: 5, cursor: continueCursor } }));
    }
    await expectReads(limits, 1, () => list(component, { paginationOpts: { numItems: 0, cursor: null } }));
  });

  test("of an item that streams costs its tail; its payload where raw thought is asked for", async () => {
    const limits: Record<string, number> = {};
    const component = await startThread(THREAD, limits);
    const turn = new TurnStream();
    const begin = turn.started();
    await ingestOk(component, [begin, ...thought(turn, "r", ["one", "two"], "").slice(0, 3)]);
    // A thread, the item's row, its one chunk.
    await expectReads(limits, 3, () => list(component));
    await expectReads(limits, 4, () => list(component, { includeRaw: true }));
  });

  test("ends at 4 MiB, reads nothing that it has no room for, and loses nothing", async () => {
    const limits: Record<string, number> = {};
    const component = await startThread(THREAD, limits);
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    for (let at = 0; at < 5; at++) await ingestOk(component, [turn.itemCompleted(reasoning(`r${at}`, [`${at}`.padEnd(1.5 * MiB, "x")], []))]);
    const seen: string[][] = [];
    Object.assign(limits, { bytesRead: 3.2 * MiB });
    for (let cursor: string | null = null; ; ) {
      const page = await list(component, { paginationOpts: { numItems: 100, cursor } });
      seen.push(page.page.map(({ itemId }) => itemId));
      if (page.isDone) break;
      cursor = page.continueCursor;
    }
    expect(seen).toEqual([["r4", "r3"], ["r2", "r1"], ["r0"]]);
  });

  test("holds no more elements than an array of Convex does, whatever an item is made of", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const words = Array.from({ length: 3_000 }, () => "w");
    await ingestOk(component, [turn.started()]);
    for (let at = 0; at < 4; at++) await ingestOk(component, [turn.itemCompleted(reasoning(`r${at}`, words, words))], { runtime: RAW });
    const first = await list(component, { includeRaw: true });
    expect(first.page).toHaveLength(2_999);
    expect([first.page[0]!.text, first.page.at(-1)!.text]).toEqual([Array.from({ length: 2_001 }, () => "w").join("\n\n"), "w"]);
    expect(first.isDone).toBe(false);
    const second = await list(component, { includeRaw: true, paginationOpts: { ...ALL, cursor: first.continueCursor } });
    expect(new Set(second.page.map(({ itemId }) => itemId))).toEqual(new Set(["r2"]));
  });

  test("shows nothing of turns that are hidden, and costs nothing for them", async () => {
    const component = await startThread();
    for (let at = 0; at < 4; at++) {
      const turn = new TurnStream({ turnId: `t${at}` });
      await ingestOk(component, [turn.started(), turn.itemCompleted(reasoning("r", [`${at}`], [])), turn.completed()]);
    }
    await component.mutation(api.threads.revert, { actor: OWNER, threadId: THREAD, turnId: "t1" });
    expect((await segmentsOf(component)).map(({ text }) => text)).toEqual(["1", "0"]);
  });

  test("of a thread that is not there", async () => {
    expect(await refusal(list(startComponent()))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN" });
  });

  test("is not disturbed by an agent's text of the same turn", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "hi")]);
    expect(await list(component)).toEqual({ page: [], isDone: true, continueCursor: "" });
  });
});
