/** History imports: pages of what the app-server has kept become turns and messages, once, wherever they are taken up again. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Numbering } from "../../js-wrapper/bridge/numbering.js";
import { storableItem } from "../../js-wrapper/host/oversize.js";
import {
  agentMessage,
  api,
  batch,
  dump,
  ingestOk,
  messagesOf,
  OWNER,
  refusal,
  SESSION,
  startComponent,
  startThread,
  THREAD,
  TURN,
  TurnStream,
  userMessage,
  type Component,
} from "./build.js";

const MiB = 1024 * 1024;
const BOB = { ...OWNER, userId: "bob" };

type Item = { id: string; type: string; text?: string; content?: { text: string }[]; startedAtMs?: number | null };
type Turn = { id: string; status: string; error: { message: string } | null; startedAt: number; completedAt: number | null; items: Item[] };
type Thread = { id: string; historyMode: string; turns: Turn[] };
type Message = { method?: string; id?: number; emittedAtMs?: number; params?: { threadId?: string; turnId?: string; turn?: Turn }; result?: { thread?: Thread } };
type Entry = { dir: string; msg: Message };

beforeEach(() => vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

const entriesOf = (name: string) =>
  readFileSync(path.join(process.cwd(), `tests/fixtures/transcripts/${name}.jsonl`), "utf8").trim().split("\n").map((line) => JSON.parse(line) as Entry);

/** The last answer to `thread/read` with turns in a recording, and what came of the thread before it. */
function recordedHistory(name: string): { thread: Thread; before: Message[] } {
  const entries = entriesOf(name);
  const at = entries.findLastIndex(({ dir, msg }) => dir === "in" && "readState" in (msg.result ?? {}) && (msg.result?.thread?.turns.length ?? 0) > 0);
  const thread = entries[at]!.msg.result!.thread!;
  const before = entries.slice(0, at).filter(({ dir, msg }) => dir === "in" && msg.method !== undefined && msg.params?.threadId === thread.id);
  return { thread, before: before.map(({ msg }) => msg) };
}

const pageOf = (turns: Turn[]) => turns.map(({ items, ...turn }) => ({ turnId: turn.id, turnJson: JSON.stringify({ ...turn, items: [] }), items: items.map((item) => JSON.stringify(item)) }));
const turnOf = (id: string, items: object[], more: object = {}): Turn => ({ id, status: "completed", error: null, startedAt: 1, completedAt: 2, items: items as Item[], ...more });
const importPage = (component: Component, turns: ReturnType<typeof pageOf>, more: object = {}) =>
  component.mutation(api.imports.importHistory, { actor: OWNER, sessionId: SESSION, threadId: THREAD, position: { turn: 0, item: 0 }, turns, ...more });
const statusOf = (component: Component, threadId = THREAD) => component.query(api.imports.getImportStatus, { actor: OWNER, threadId });
const read = async (component: Component, threadId = THREAD) => (await messagesOf(component, threadId)).map(({ turnId, messageId, status, text }) => [turnId, messageId, status, text]);
const turnsOf = async (component: Component, threadId = THREAD) =>
  (await dump(component)).turns.filter((turn) => turn.threadId === threadId).sort((one, other) => one.turnOrder - other.turnOrder);
const textOf = ({ text, content }: Item) => text ?? content?.map((part) => part.text).join("\n") ?? "";

/** Sends a history to its end, as a sender does that forgets where it is between two calls. */
async function send(component: Component, turns: ReturnType<typeof pageOf>, more: object = {}, threadId = THREAD): Promise<number> {
  let position = { turn: 0, item: 0 };
  for (let calls = 1; ; calls++) {
    const rest = turns.slice(position.turn).map((turn, at) => (at === 0 ? { ...turn, items: turn.items.slice(position.item) } : turn));
    const answer = await importPage(component, rest, { position, atEnd: true, threadId, ...more });
    expect(await statusOf(component, threadId)).toEqual(answer);
    if (answer.status === "completed") return calls;
    expect(answer.position).not.toEqual(position);
    position = answer.position;
  }
}

/** Ingests what a recording says of its thread. */
async function live(component: Component, messages: Message[]): Promise<void> {
  const numbering = new Numbering("rt", 0);
  numbering.beginGeneration(1);
  for (const { emittedAtMs: _, ...payload } of messages) {
    const { method = "", params } = payload;
    const turnId = params?.turnId ?? params?.turn?.id;
    const named = turnId === undefined ? {} : { turnId };
    const opensTurn = turnId !== undefined && (method === "turn/started" || method.startsWith("item/"));
    const threadId = params?.threadId ?? "";
    const { eventId, streamId, cursorStart, cursorEnd } = numbering.number({ threadId, opensTurn, endsTurn: method === "turn/completed", ...named });
    const event = { eventId, kind: method, payloadJson: JSON.stringify(payload), createdAt: 1, ...named };
    const deltas = streamId === undefined || turnId === undefined ? [] : [{ type: "stream_delta" as const, ...event, turnId, streamId, cursorStart, cursorEnd }];
    await component.mutation(api.sync.ingestSafe, batch(deltas, deltas.length > 0 ? [] : [{ type: "lifecycle_event", ...event }], { threadId }));
  }
}

describe("a recorded history", () => {
  test.each(["lifecycle", "legacy", "crash", "same-ids", "big-output", "interrupt-command"])("%s: reads as Codex has it", async (name) => {
    const { thread } = recordedHistory(name);
    const component = startComponent();
    await send(component, pageOf(thread.turns), { historyMode: thread.historyMode }, thread.id);
    const messages = await messagesOf(component, thread.id);
    const items = thread.turns.flatMap(({ id, items }) => items.map((item) => ({ turnId: id, ...item })));
    expect(messages.map(({ turnId, sourceItemType }) => [turnId, sourceItemType])).toEqual(items.map(({ turnId, type }) => [turnId, type]));
    const said = items.filter(({ type }) => type === "agentMessage" || type === "userMessage");
    expect(messages.filter(({ sourceItemType }) => sourceItemType === "agentMessage" || sourceItemType === "userMessage").map(({ text }) => text)).toEqual(said.map(textOf));
    const turns = await turnsOf(component, thread.id);
    expect(turns.map(({ turnId, status, error, startedAt }) => [turnId, status, error, startedAt])).toEqual(
      thread.turns.map(({ id, status, error, startedAt }) => [id, status, error?.message, startedAt * 1000]),
    );
    expect(turns.map(({ completedAt }) => completedAt)).toEqual(thread.turns.map(({ startedAt, completedAt }) => (completedAt ?? startedAt) * 1000));
    expect((await dump(component)).quarantine).toEqual([]);
    expect((await dump(component)).streams.filter(({ state }) => state === "streaming")).toEqual([]);
  });

  test.each(["lifecycle", "crash", "same-ids", "big-output"])("%s: adds nothing to what came live", async (name) => {
    const { thread, before } = recordedHistory(name);
    const component = startComponent();
    await live(component, before);
    const said = async () => (await messagesOf(component, thread.id)).map(({ turnId, messageId, text, payloadJson, orderInTurn }) => ({ turnId, messageId, text, payloadJson, orderInTurn }));
    const places = async () => (await turnsOf(component, thread.id)).map(({ turnId, turnOrder }) => [turnId, turnOrder]);
    const [messages, turns] = [await said(), await places()];
    await send(component, pageOf(thread.turns), {}, thread.id);
    expect(await said()).toEqual(messages);
    expect(await places()).toEqual(turns);
    // What died with its process is ended by the history.
    expect((await turnsOf(component, thread.id)).slice(0, thread.turns.length).map(({ status }) => status)).toEqual(thread.turns.map(({ status }) => status));
  });

  test("of a legacy thread is refused where its turns came live: its items have other ids", async () => {
    const { thread, before } = recordedHistory("legacy");
    const component = startComponent();
    await live(component, before);
    const rows = await dump(component);
    const page = { threadId: thread.id, historyMode: thread.historyMode };
    expect(await refusal(importPage(component, pageOf(thread.turns), page))).toMatchObject({ code: "E_THREAD_NOT_EMPTY", threadId: thread.id });
    expect(await dump(component)).toEqual(rows);
    expect(await statusOf(component, thread.id)).toBeNull();
  });
});

describe("an import", () => {
  const history = [turnOf("one", [userMessage("u1", "hi"), agentMessage("m", "one")]), turnOf("two", [agentMessage("m", "two"), agentMessage("m", "again")])];
  const want = [["one", "u1", "completed", "hi"], ["one", "m", "completed", "one"], ["two", "m", "completed", "two"], ["two", "m#2", "completed", "again"]];

  test("makes its thread, keeps the history's order, and tells items of one id apart", async () => {
    const component = startComponent();
    const page = pageOf(history);
    expect(await importPage(component, page)).toEqual({ status: "running", position: { turn: 2, item: 0 }, importedItems: 4, quarantined: 0, updatedAt: Date.now() });
    expect(await read(component)).toEqual(want);
    expect((await turnsOf(component)).map(({ turnId, turnOrder }) => [turnId, turnOrder])).toEqual([["one", 0], ["two", 1]]);
    const rows = await dump(component);
    expect(await importPage(component, page), "again: nothing happens").toMatchObject({ status: "running", position: { turn: 2, item: 0 }, importedItems: 4 });
    expect(await dump(component)).toEqual(rows);
    expect(await importPage(component, page, { atEnd: true })).toMatchObject({ status: "completed" });
    expect(await importPage(component, page), "once completed").toMatchObject({ status: "completed", importedItems: 4 });
    expect(await read(component)).toEqual(want);
  });

  test("goes on where it is, from whatever page, in whatever pieces", async () => {
    const [first, second] = pageOf(history) as [ReturnType<typeof pageOf>[number], ReturnType<typeof pageOf>[number]];
    const component = startComponent();
    expect((await importPage(component, [{ ...first, items: first.items.slice(0, 1), more: true } as never])).position).toEqual({ turn: 0, item: 1 });
    expect((await turnsOf(component)).map(({ status }) => status)).toEqual(["inProgress"]);
    expect(await refusal(importPage(component, [second], { position: { turn: 1, item: 0 } }))).toMatchObject({ code: "E_SYNC_OUT_OF_ORDER", turn: 0, item: 1 });
    // A page that begins before, as after a crash.
    expect((await importPage(component, [first])).position).toEqual({ turn: 1, item: 0 });
    expect((await importPage(component, [{ ...second, items: [second.items[0]!], more: true } as never], { position: { turn: 1, item: 0 } })).position).toEqual({ turn: 1, item: 1 });
    expect(await importPage(component, [{ ...second, items: [second.items[1]!] }], { position: { turn: 1, item: 1 }, atEnd: true })).toMatchObject({ status: "completed", position: { turn: 2, item: 0 }, importedItems: 4 });
    expect(await read(component)).toEqual(want);
    expect((await turnsOf(component)).map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect((await dump(component)).streamHeads.map(({ holes }) => holes)).toEqual([[], []]);
  });

  test("may begin again, and leaves what is there alone", async () => {
    const component = startComponent();
    await send(component, pageOf(history));
    const before = await read(component);
    const grown = pageOf([...history, turnOf("three", [agentMessage("m3", "three")], { status: "failed", error: { message: "no" } })]);
    expect(await importPage(component, grown, { restart: true, atEnd: true })).toEqual({ status: "completed", position: { turn: 3, item: 0 }, importedItems: 5, quarantined: 0, updatedAt: Date.now() });
    expect(await read(component)).toEqual([...before, ["three", "m3", "completed", "three"]]);
    expect((await turnsOf(component)).at(-1)).toMatchObject({ status: "failed", error: "no", source: "codex" });
  });

  test("that met a turn that ran brings the rest of it the next time", async () => {
    const component = startComponent();
    const running = (...texts: string[]) => turnOf("two", texts.map((text) => agentMessage(text, text)), { status: "inProgress", completedAt: null });
    const one = turnOf("one", [agentMessage("a", "a")]);
    expect(await importPage(component, pageOf([one, running("b")]), { atEnd: true })).toMatchObject({ status: "completed", position: { turn: 1, item: 0 } });
    expect(await importPage(component, pageOf([one, running("b", "c")]), { atEnd: true })).toMatchObject({ status: "completed", position: { turn: 1, item: 0 } });
    const ended = [one, turnOf("two", ["b", "c", "d"].map((text) => agentMessage(text, text)))];
    expect(await importPage(component, pageOf(ended), { atEnd: true })).toMatchObject({ status: "completed", position: { turn: 2, item: 0 } });
    expect((await read(component)).map(([, id, status]) => [id, status])).toEqual(["a", "b", "c", "d"].map((id) => [id, "completed"]));
    expect((await turnsOf(component)).map(({ status }) => status)).toEqual(["completed", "completed"]);
  });

  test("that met an item that ran brings its end the next time", async () => {
    const component = startComponent();
    const command = (status: string, aggregatedOutput: string | null) => ({ type: "commandExecution", id: "c", command: "make", cwd: "/w", status, commandActions: [], aggregatedOutput, exitCode: null, durationMs: null });
    const turn = (items: object[], more: object = {}) => turnOf("one", [agentMessage("a", "a"), ...(items as never[])], more);
    const running = turn([command("inProgress", null), agentMessage("b", "b")], { status: "inProgress", completedAt: null });
    expect(await importPage(component, pageOf([running]), { atEnd: true })).toMatchObject({ status: "completed", position: { turn: 0, item: 0 } });
    expect(await read(component)).toEqual([["one", "a", "completed", "a"], ["one", "c", "streaming", "make"], ["one", "b", "completed", "b"]]);
    const ended = turn([command("completed", "abc"), agentMessage("b", "b")]);
    expect(await importPage(component, pageOf([ended]), { atEnd: true })).toMatchObject({ status: "completed", position: { turn: 1, item: 0 } });
    expect(await read(component)).toEqual([["one", "a", "completed", "a"], ["one", "c", "completed", "make"], ["one", "b", "completed", "b"]]);
    const { messages, parts } = await dump(component);
    const { _id } = messages.find(({ messageId }) => messageId === "c")!;
    expect(JSON.stringify([messages.find(({ messageId }) => messageId === "c"), parts.filter(({ owner }) => owner === _id)])).toContain("abc");
  });

  test("brings a turn whole that took the place of one that ran", async () => {
    const component = startComponent();
    const of = (id: string, texts: string[], more: object = {}) => turnOf(id, texts.map((text) => agentMessage(text, text)), more);
    await importPage(component, pageOf([of("one", ["a"]), of("two", ["b", "c", "d"], { status: "inProgress", completedAt: null })]), { atEnd: true });
    expect(await importPage(component, pageOf([of("one", ["a"]), of("three", ["e", "f", "g", "h"])]), { atEnd: true })).toMatchObject({ status: "completed", position: { turn: 2, item: 0 } });
    expect((await read(component)).map(([turnId, id]) => [turnId, id])).toEqual(expect.arrayContaining(["e", "f", "g", "h"].map((id) => ["three", id])));
    expect((await turnsOf(component)).find(({ turnId }) => turnId === "three")).toMatchObject({ status: "completed" });
  });

  test("leaves items alone that came live, and a turn that runs goes on", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "live")]);
    const running = turnOf(TURN, [userMessage("u", "asked"), agentMessage("m", "of before")], { status: "inProgress", completedAt: null });
    await importPage(component, pageOf([turnOf("old", [agentMessage("m", "old")]), running]));
    expect(await read(component)).toEqual([[TURN, "m", "streaming", "live"], [TURN, "u", "completed", "asked"], ["old", "m", "completed", "old"]]);
    expect((await turnsOf(component)).map(({ turnId, status }) => [turnId, status])).toEqual([[TURN, "inProgress"], ["old", "completed"]]);
    await ingestOk(component, [turn.text("m", " and on"), turn.itemCompleted(agentMessage("m", "live and on")), turn.completed()]);
    expect((await read(component))[0]).toEqual([TURN, "m", "completed", "live and on"]);
  });

  test("puts what is malformed aside, and imports the rest", async () => {
    const component = startComponent();
    const [page] = pageOf([turnOf("one", [agentMessage("a", "a"), agentMessage("b", "b")])]);
    const items = [page!.items[0]!, "{", `{"id":"x","type":"t"},"turnId":"other"`, '{"type":"t"}', page!.items[1]!];
    const broken = { turnId: "two", turnJson: '{"id":', items: [JSON.stringify(agentMessage("c", "c"))] };
    const liar = { turnId: "three", turnJson: JSON.stringify(turnOf("other", [])), items: [] };
    expect(await importPage(component, [{ ...page!, items }, broken, liar], { atEnd: true })).toMatchObject({ status: "completed", importedItems: 6, quarantined: 7 });
    expect(await read(component)).toEqual([["one", "a", "completed", "a"], ["one", "b", "completed", "b"], ["two", "c", "completed", "c"]]);
    expect((await turnsOf(component)).map(({ turnId, status }) => [turnId, status])).toEqual([["one", "completed"], ["two", "inProgress"]]);
    const { quarantine, parts } = await dump(component);
    expect(quarantine.map(({ turnId, kind }) => [turnId, kind])).toEqual([
      ["one", "item/completed"],
      ["one", "item/completed"],
      ["one", "item/completed"],
      ["two", "turn/started"],
      ["two", "turn/completed"],
      ["three", "turn/started"],
      ["three", "turn/completed"],
    ]);
    const kept = quarantine.map(({ _id }) => parts.find(({ owner }) => owner === _id)!.text);
    expect(kept[0]).toBe(`{"method":"item/completed","params":{"threadId":"${THREAD}","turnId":"one","item":"{"}}`);
  });

  test("takes a turn of several MiB and hundreds of items in bounded calls", async () => {
    const component = startComponent();
    const large = turnOf("large", Array.from({ length: 7 }, (_, at) => agentMessage(`l${at}`, `${at}${"é".repeat(MiB / 2)}`)));
    const many = turnOf("many", Array.from({ length: 450 }, (_, at) => agentMessage(`m${at}`, `text ${at}`)));
    const short = Array.from({ length: 51 }, (_, at) => turnOf(`s${at}`, []));
    // A MiB an item, two and what exceeds them a call; 200 items; 50 turns, of which the last of the many is one.
    expect(await send(component, pageOf([large, many, ...short]))).toBe(3 + 3 + 1);
    const messages = await read(component);
    expect(messages).toHaveLength(457);
    expect(messages.slice(7).map(([, messageId]) => messageId)).toEqual(many.items.map(({ id }) => id));
    const whole = await component.query(api.messages.getByTurn, { actor: OWNER, threadId: THREAD, turnId: "large" });
    expect(whole.map(({ textBytes }) => textBytes)).toEqual(Array(7).fill(MiB + 1));
    expect(await turnsOf(component)).toHaveLength(53);
  });

  test("of an item that is too large shows what stands for it, and says that there was more", async () => {
    const component = await startThread();
    const command = { id: "c", type: "commandExecution", status: "failed", command: "make" };
    const items = [{ ...command, aggregatedOutput: "x".repeat(10 * MiB) }, { ...command, id: "d", note: '"oversize":{' }, { ...command, id: "e", nested: { oversize: { bytes: 1 } } }];
    const stored = await Promise.all(items.map(storableItem));
    await importPage(component, [{ ...pageOf([turnOf("one", [])])[0]!, items: stored }]);
    const messages = await messagesOf(component);
    expect(messages.map(({ messageId, status, text, payloadTruncated }) => [messageId, status, text, payloadTruncated])).toEqual([
      ["c", "failed", "make", true],
      ["d", "failed", "make", undefined],
      ["e", "failed", "make", undefined],
    ]);
    expect(JSON.parse(messages[0]!.payloadJson)).toEqual({ ...command, oversize: { bytes: JSON.stringify(items[0]).length, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string } });
  });

  test("costs the rows of its items, and nine beside them", async () => {
    const page = pageOf([turnOf("many", Array.from({ length: 200 }, (_, at) => agentMessage(`m${at}`, `text ${at}`)))]);
    // An item is its message, its text and its payload.
    const rows = 3 * 200 + 9;
    await importPage(startComponent({ documentsWritten: rows }), page);
    await expect(importPage(startComponent({ documentsWritten: rows - 1 }), page)).rejects.toThrow("Wrote too many documents");
  });

  test("of a legacy thread leaves turns out that came live meanwhile", async () => {
    const component = startComponent();
    const legacy = { historyMode: "legacy" };
    const page = pageOf([turnOf("one", [agentMessage("item-1", "one")]), turnOf("two", [agentMessage("item-2", "two")])]);
    await importPage(component, page.slice(0, 1), legacy);
    const turn = new TurnStream({ turnId: "two" });
    await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
    await ingestOk(component, [turn.started(), ...turn.reply("msg_1", ["two"]), turn.completed()]);
    expect(await importPage(component, page, { ...legacy, atEnd: true })).toMatchObject({ status: "completed", importedItems: 1 });
    expect(await read(component)).toEqual([["one", "item-1", "completed", "one"], ["two", "msg_1", "completed", "two"]]);
  });

  test("is the writer's alone, and of one's own thread", async () => {
    const component = await startThread();
    const page = pageOf(history);
    const elsewhere = { actor: { ...OWNER, deviceId: "phone" } };
    expect(await refusal(importPage(component, page, elsewhere))).toMatchObject({ code: "E_SYNC_SESSION_DEVICE_MISMATCH" });
    expect(await statusOf(component)).toBeNull();
    await importPage(component, page, { actor: BOB });
    expect(await read(component)).toEqual([]);
    expect(await messagesOf(component, THREAD, BOB)).toHaveLength(4);
    expect((await refusal(component.query(api.imports.getImportStatus, { actor: OWNER, threadId: "nowhere" }))).code).toBe("E_AUTH_THREAD_FORBIDDEN");
    expect((await refusal(importPage(component, page, { position: { turn: 0.5, item: 0 } }))).code).toBe("E_SYNC_INVALID_CURSOR_RANGE");
  });

  test("is the writer's alone where a page brings nothing", async () => {
    const component = await startThread();
    await send(component, pageOf([turnOf("one", [agentMessage("m", "one")])]));
    const before = await statusOf(component);
    const other = { actor: { ...OWNER, deviceId: "phone" }, sessionId: "session_2" };
    for (const more of [{ restart: true }, { restart: true, atEnd: true }]) {
      expect((await refusal(importPage(component, [], { ...other, ...more }))).code).toBe("E_SYNC_SESSION_DEVICE_MISMATCH");
    }
    expect(await statusOf(component)).toEqual(before);
    expect(await importPage(component, [], { restart: true })).toMatchObject({ importedItems: 0, position: { turn: 0, item: 0 } });
  });

  test("of nothing makes no thread", async () => {
    const component = startComponent();
    expect(await importPage(component, [], { atEnd: true })).toMatchObject({ status: "completed", importedItems: 0 });
    expect(Object.values(await dump(component)).flat()).toEqual([]);
  });

  test("brings nothing back that was deleted", async () => {
    const component = startComponent();
    const page = pageOf(history);
    await importPage(component, page.slice(0, 1));
    await component.mutation(api.turns.deleteCascade, { actor: OWNER, threadId: THREAD, turnId: "one" });
    await importPage(component, page, { restart: true });
    expect((await read(component)).map(([turnId]) => turnId)).toEqual(["two", "two"]);
    await component.mutation(api.threads.deleteCascade, { actor: OWNER, threadId: THREAD });
    expect((await refusal(importPage(component, page, { restart: true }))).code).toBe("E_THREAD_DELETED");
    await component.finishAllScheduledFunctions(vi.runAllTimers);
    expect((await refusal(importPage(component, page))).code).toBe("E_THREAD_DELETED");
    expect((await dump(component)).imports).toEqual([]);
  });

  test("onto a fork's copy adds what that lacks", async () => {
    const component = startComponent();
    await importPage(component, pageOf(history));
    await component.mutation(api.threads.fork, { actor: OWNER, threadId: THREAD, newThreadId: "th_copy", turnId: "one" });
    await importPage(component, pageOf(history), { threadId: "th_copy" });
    expect(await read(component, "th_copy")).toEqual(want);
  });
});
