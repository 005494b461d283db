/** Events whose payload is wrong, and batches that are large. */
import { getDocumentSize, type Value } from "convex/values";
import { describe, expect, test } from "vitest";
import type { MessageRow } from "../../convex/validators.js";
import {
  agentMessage,
  api,
  batch,
  command,
  countRows,
  dump,
  dumpWithoutBeats,
  ingest,
  ingestOk,
  lifecycle,
  messagesOf,
  OWNER,
  startComponent,
  startThread,
  STREAM,
  textsOf,
  THREAD,
  turnOf,
  TurnStream,
  type Component,
} from "./build.js";

const MiB = 1024 * 1024;
const long = (unit: string, length: number) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length);

describe("an event whose payload is malformed", () => {
  const KIND = "item/agentMessage/delta";
  const delta = { threadId: THREAD, turnId: "turn_1", itemId: "msg_1", delta: "x" };
  const payload = (method: unknown, params: unknown) => JSON.stringify({ method, params });
  const cases: [what: string, kind: string, payloadJson: string][] = [
    ["is no JSON", KIND, '{"method":'],
    ["is empty", KIND, ""],
    ["is a number", KIND, "5"],
    ["is an array", KIND, "[]"],
    ["has something behind it", KIND, `${payload(KIND, delta)}{}`],
    ["names no method", KIND, JSON.stringify({ params: delta })],
    ["names another method", KIND, payload("item/plan/delta", delta)],
    ["has params null", KIND, payload(KIND, null)],
    ["has params that are a list", KIND, payload(KIND, [delta])],
    ["names another thread", KIND, payload(KIND, { ...delta, threadId: "th_2" })],
    ["names another turn", KIND, payload(KIND, { ...delta, turnId: "turn_2" })],
    ["lacks its item's id", KIND, payload(KIND, { ...delta, itemId: undefined })],
    ["lacks its delta", KIND, payload(KIND, { ...delta, delta: undefined })],
    ["has a delta that is a number", KIND, payload(KIND, { ...delta, delta: 5 })],
    ["has a delta that is null", KIND, payload(KIND, { ...delta, delta: null })],
    ["lacks its item", "item/completed", payload("item/completed", { ...delta, item: undefined })],
    ["has an item that is null", "item/started", payload("item/started", { ...delta, item: null })],
    ["has an item without a type", "item/started", payload("item/started", { ...delta, item: { id: "i" } })],
    ["has an item whose id is a number", "item/started", payload("item/started", { ...delta, item: { id: 1, type: "plan" } })],
    ["lacks its turn", "turn/completed", payload("turn/completed", { threadId: THREAD, turnId: "turn_1" })],
    ["lacks its turn's status", "turn/completed", payload("turn/completed", { threadId: THREAD, turn: { id: "turn_1" } })],
    ["lacks its error's message", "error", payload("error", { threadId: THREAD, turnId: "turn_1", error: {}, willRetry: false })],
  ];

  test.each(cases)("%s: kept as it came, and the other 39 are applied", async (_what, kind, payloadJson) => {
    const component = startComponent();
    await ingest(component, [], {}, [lifecycle(0, "thread/status/changed", {})]);
    const turn = new TurnStream();
    const words = Array.from({ length: 37 }, (_, at) => `${at} `);
    const events = [turn.started(), turn.itemStarted(agentMessage("msg_1", ""))];
    for (const [at, word] of words.entries()) {
      if (at === 20) events.push(turn.raw(kind, payloadJson));
      events.push(turn.text("msg_1", word));
    }
    expect(events).toHaveLength(40);
    const bad = events[22]!;
    const answer = await ingest(component, events);
    expect(answer).toMatchObject({ status: "partial", ingestStatus: "partial", ackedStreams: [{ streamId: STREAM, ackCursorEnd: 40 }] });
    expect(answer.errors).toEqual([
      {
        code: "UNKNOWN",
        errorCode: "E_SYNC_MALFORMED_EVENT",
        message: expect.stringMatching(/^\[E_SYNC_MALFORMED_EVENT\] /),
        recoverable: false,
        eventId: bad.eventId,
        streamId: STREAM,
      },
    ]);
    expect(await textsOf(component)).toEqual([["msg_1", "streaming", words.join("")]]);
    expect((await turnOf(component)).status).toBe("inProgress");
    const rows = await dump(component);
    expect(rows.quarantine).toMatchObject([{ threadId: THREAD, eventId: bad.eventId, turnId: "turn_1", streamId: STREAM, kind }]);
    const parts = rows.parts.filter(({ owner }) => owner === rows.quarantine[0]!._id);
    expect(parts.map(({ text }) => text).join("")).toBe(payloadJson);
    expect(await ingest(component, events)).toEqual(answer);
    expect(await dump(component)).toEqual(rows);
    await ingestOk(component, [turn.text("msg_1", "on")]);
  });

  test("of the thread's lifecycle is kept, and named without a stream", async () => {
    const component = await startThread();
    const bad = { ...lifecycle(0, "thread/archived", {}), payloadJson: "{" };
    const answer = await ingest(component, [], {}, [bad, lifecycle(1, "thread/name/updated", { threadName: "N" })]);
    expect(answer).toMatchObject({ status: "partial", errors: [{ errorCode: "E_SYNC_MALFORMED_EVENT", eventId: bad.eventId }] });
    expect(answer.errors[0]).not.toHaveProperty("streamId");
    expect((await dump(component)).threads[0]).toMatchObject({ status: "active", name: "N" });
    const before = await dump(component);
    expect(await ingest(component, [], {}, [bad, lifecycle(1, "thread/name/updated", { threadName: "N" })])).toEqual(answer);
    expect(await dump(component)).toEqual(before);
  });

  test.each(["item/reasoning/textDelta", "item/reasoning/summaryTextDelta", "item/started"])(
    "%s that is reasoning is named and not kept where no reasoning is",
    async (kind) => {
      const component = await startThread();
      const turn = new TurnStream();
      const bad = turn.raw(kind, `{"method":"${kind}","params":{"item":{"type":"reasoning","content":["secret"]},"delta":["secret"]}}`);
      const events = [turn.started(), bad];
      const answer = await ingest(component, events, { runtime: { saveReasoningDeltas: false } });
      expect(answer).toMatchObject({ status: "partial", errors: [{ errorCode: "E_SYNC_MALFORMED_EVENT", eventId: bad.eventId }] });
      expect(answer.ackedStreams).toEqual([{ streamId: STREAM, ackCursorEnd: 2 }]);
      expect(JSON.stringify(await dump(component))).not.toContain("secret");
      expect(await ingest(component, events, { runtime: { saveReasoningDeltas: false } })).toEqual(answer);
    },
  );

  test("makes no turn", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    expect((await ingest(component, [turn.raw("turn/started", "{")])).status).toBe("partial");
    expect(await countRows(component)).toMatchObject({ quarantine: 1, streamHeads: 1 });
    expect((await dump(component)).turns).toEqual([]);
  });

  test("is kept whole where it is large", async () => {
    const component = await startThread();
    const broken = `{"method":"${long("é😀x", 1_070_000)}`;
    await ingest(component, [new TurnStream().raw(KIND, broken)]);
    const { parts } = await dump(component);
    expect(parts.map(({ text }) => text).join("") === broken).toBe(true);
    await expectSmallDocuments(component);
  });

  test("of the 201st kind takes the place of the oldest", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const events = Array.from({ length: 205 }, () => turn.raw(KIND, "{"));
    await ingest(component, events.slice(0, 198));
    await ingest(component, events.slice(198));
    const rows = await dump(component);
    expect(rows.quarantine.map(({ eventId }) => eventId)).toEqual(events.slice(5).map(({ eventId }) => eventId));
    expect(rows.parts).toHaveLength(200);
  });

  test("of an unknown kind is none: it moves the cursor and leaves nothing", async () => {
    const component = await startThread();
    await ingestOk(component, [new TurnStream().event("thread/brandNew", { anything: [1] })]);
    const rows = await dump(component);
    expect([rows.turns, rows.messages, rows.quarantine, rows.chunks[0]!.kept]).toEqual([[], [], [], []]);
    expect(rows.streamHeads[0]!.latest).toBe(1);
  });
});

describe("how much a batch may hold", () => {
  const deltas = (turn: TurnStream, count: number) => Array.from({ length: count }, (_, at) => turn.text("m", `${at},`));

  test("4,096 deltas: ranges and writes by batch and stream, not by delta", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    const before = await dump(component);
    const events = deltas(turn, 4_096);
    await ingestOk(component, events);
    const after = await dump(component);
    expect(after.chunks.length - before.chunks.length).toBe(8);
    for (const untouched of ["threads", "turns", "messages", "parts", "streams", "sessions", "lifecycleMarks"] as const) {
      expect(after[untouched]).toEqual(before[untouched]);
    }
    expect((await messagesOf(component))[0]!.text).toBe(events.map((_, at) => `${at},`).join(""));
    await ingestOk(component, events);
    expect(await dump(component)).toEqual(after);
    await expectSmallDocuments(component);
  });

  test("a steady batch writes two rows and reads three, whatever the age of the stream", async () => {
    const limits: Record<string, number> = {};
    const component = startComponent(limits);
    const turn = new TurnStream();
    await ingest(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    for (let at = 0; at < 30; at++) await ingestOk(component, deltas(turn, 3));
    // The thread, the session and the head; the patch of the head counts as a read too.
    Object.assign(limits, { documentsWritten: 2, documentsRead: 4, databaseQueries: 3 });
    await ingestOk(component, deltas(turn, 3));
    await ingestOk(component, deltas(turn, 300));
  });

  test("4,097 events are too many, of both sorts together too", async () => {
    const component = await startThread();
    const events = deltas(new TurnStream(), 4_097);
    const before = await dump(component);
    const tooLarge = { status: "rejected", errors: [{ code: "UNKNOWN", errorCode: "E_SYNC_BATCH_TOO_LARGE", recoverable: false }] };
    expect(await ingest(component, events)).toMatchObject(tooLarge);
    expect(await ingest(component, events.slice(1), {}, [lifecycle(0, "thread/archived", {})])).toMatchObject(tooLarge);
    expect(await dump(component)).toEqual(before);
  });

  test("64 streams are taken, 65 are too many", async () => {
    const component = await startThread();
    const events = Array.from({ length: 65 }, (_, at) => new TurnStream({ turnId: `turn_${at}` }).started());
    const before = await dump(component);
    expect(await ingest(component, events)).toMatchObject({ status: "rejected", errors: [{ errorCode: "E_SYNC_BATCH_TOO_LARGE" }] });
    expect(await dump(component)).toEqual(before);
    expect((await ingestOk(component, events.slice(0, 64))).ackedStreams).toHaveLength(64);
    expect((await dump(component)).turns).toHaveLength(64);
  });

  test("more than 8 MiB are too much", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const events = Array.from({ length: 9 }, () => turn.text("m", long("x", MiB)));
    const before = await dump(component);
    expect(await ingest(component, events)).toMatchObject({ status: "rejected", errors: [{ errorCode: "E_SYNC_BATCH_TOO_LARGE" }] });
    expect(await dump(component)).toEqual(before);
  });
});

describe("what is large", () => {
  test("a message of 600 KB is stored whole, and a list shows its first 256 KiB", async () => {
    const component = await startThread();
    const text = long("0123456789abcdé😀", 600_000);
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...turn.reply("m", [text]), turn.completed()]);
    await expectWhole(component, "m", text);
    const [message] = await messagesOf(component);
    const bytes = new TextEncoder().encode(text).length;
    expect(message).toMatchObject({ textTruncated: true, textBytes: bytes, payloadJson: expect.stringContaining('"$text":true') });
    expect(text.startsWith(message!.text)).toBe(true);
    const shown = new TextEncoder().encode(message!.text).length;
    expect(shown).toBeLessThanOrEqual(256 * 1024);
    expect(shown).toBeGreaterThan(256 * 1024 - 4);
    await expectSmallDocuments(component);
  });

  test("a text that streams over 256 KiB is cut the same way", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const pieces = Array.from({ length: 10 }, (_, at) => long(`${at}é`, 40_000));
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    for (const piece of pieces) await ingestOk(component, [turn.text("m", piece)]);
    const [message] = await messagesOf(component);
    expect(message).toMatchObject({ status: "streaming", textTruncated: true });
    expect(pieces.join("").startsWith(message!.text)).toBe(true);
    expect(new TextEncoder().encode(message!.text).length).toBeGreaterThan(256 * 1024 - 4);
  });

  test("a command's output of 1.2 MB", async () => {
    const component = await startThread();
    const output = long("line of output with \"quotes\" and é\n", 1_200_000);
    const turn = new TurnStream();
    const item = command("c", "make", "completed", output);
    await ingestOk(component, [turn.started(), turn.itemStarted(command("c", "make", "inProgress")), turn.itemCompleted(item), turn.completed()]);
    const [message] = await messagesOf(component);
    expect(message).toMatchObject({ text: "make", status: "completed", payloadTruncated: true });
    const rows = await dump(component);
    const stored = rows.parts.filter(({ owner, kind }) => owner === rows.messages[0]!._id && kind === "payload");
    expect(JSON.parse(stored.map(({ text }) => text).join(""))).toEqual(item);
    await expectSmallDocuments(component);
  });

  test("a delta of 1 MiB of text, with every option that keeps it", async () => {
    const component = await startThread();
    const text = long("aé😀", MiB);
    const turn = new TurnStream();
    const runtime = { saveStreamDeltas: true };
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", text)], { runtime });
    expect((await messagesOf(component))[0]!.textTruncated).toBe(true);
    await expectSmallDocuments(component);
    const { deltas, texts } = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById: [{ streamId: STREAM, cursor: 2 }] });
    expect(JSON.parse(deltas[0]!.payloadJson).params.delta === text).toBe(true);
    expect(texts.map((run) => run.text).join("") === text).toBe(true);
  });

  test("a payload of 1.07 MB of an unknown item type", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const item = { type: "somethingNew", id: "n", blob: long("z", 1_070_000) };
    await ingestOk(component, [turn.started(), turn.itemCompleted(item)]);
    const [message] = await messagesOf(component);
    expect(message).toMatchObject({ role: "tool", status: "completed", text: "", sourceItemType: "somethingNew", payloadTruncated: true });
    expect(JSON.parse(message!.payloadJson)).toMatchObject({ type: "somethingNew", id: "n" });
    await expectSmallDocuments(component);
  });

  describe("a turn of 20 MB", () => {
    const all = { saveStreamDeltas: true };
    const burst = (turn: TurnStream) =>
      Array.from({ length: 100 }, () => turn.event("item/commandExecution/outputDelta", { itemId: "c", delta: long("out ", 5_000) }));
    const grown = async () => {
      const component = await startThread();
      const turn = new TurnStream();
      await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "Wait.")]);
      await ingestOk(component, [turn.itemStarted(command("c", "make", "inProgress"))]);
      for (let at = 0; at < 40; at++) await ingestOk(component, burst(turn), { runtime: all });
      return { component, turn };
    };

    test("is listed while it goes on and when it is over, with a text that is known to be whole", async () => {
      const { component, turn } = await grown();
      for (const end of [[], [turn.completed()]]) {
        if (end.length > 0) await ingestOk(component, end);
        const rows: MessageRow[] = [];
        for (let cursor: string | null = null; ; ) {
          const page: { page: MessageRow[]; isDone: boolean; continueCursor: string } = await component.query(
            api.messages.listByThread,
            { actor: OWNER, threadId: THREAD, paginationOpts: { cursor, numItems: 10 } },
          );
          rows.push(...page.page);
          if (page.isDone) break;
          cursor = page.continueCursor;
        }
        expect(rows.map(({ messageId, text }) => [messageId, text])).toEqual([["c", "make"], ["m", "Wait."]]);
        expect(rows.map(({ textTruncated }) => textTruncated)).toEqual([undefined, undefined]);
        const state = await component.query(api.threads.getState, { actor: OWNER, threadId: THREAD });
        expect(state.recentMessages).toHaveLength(2);
        expect(await component.query(api.messages.getByTurn, { actor: OWNER, threadId: THREAD, turnId: turn.turnId })).toHaveLength(2);
      }
    });

    test("is replayed to its end in answers of a few MB", async () => {
      const { component, turn } = await grown();
      const starts: number[] = [];
      for (let cursor = 0; ; ) {
        const read = await component.query(api.sync.replay, {
          actor: OWNER,
          threadId: THREAD,
          streamCursorsById: [{ streamId: STREAM, cursor }],
          runtime: { maxDeltasPerStreamRead: 1_000 },
        });
        starts.push(...read.deltas.map(({ cursorStart }) => cursorStart));
        const next = read.nextCheckpoints[0]!.cursor;
        if (next === cursor) break;
        cursor = next;
      }
      expect(cursorsOf(starts)).toEqual({ count: 4_003, first: 0, last: turn.cursor - 1 });
    });
  });

  test("snapshots of 100 items of 200 KB: the newest payloads that fit, a stub for the rest", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const item = (at: number, status: string) => command(`c${at}`, "ls", status, status === "completed" ? long("x", 200_000) : null);
    await ingestOk(component, [turn.started(), ...Array.from({ length: 99 }, (_, at) => turn.itemStarted(item(at, "inProgress")))]);
    for (let at = 0; at < 99; at++) await ingestOk(component, [turn.itemCompleted(item(at, "completed"))]);
    const read = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById: [{ streamId: STREAM, cursor: 0 }] });
    expect(read.snapshots).toHaveLength(99);
    expect(read.snapshots.filter(({ payloadJson }) => payloadJson.includes("$payload")).length).toBeGreaterThan(70);
  });

  test("500 events with ids of 500 characters, each with a text and a payload that are kept", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const events = [turn.started(), turn.itemStarted(agentMessage("m", ""))];
    for (let at = 0; at < 500; at++) events.push(turn.text(`item-${at % 50}`, long(`${at} `, 1_000)));
    const named = events.map((event) => ({ ...event, eventId: long(`${event.eventId}/`, 500) + String(event.cursorStart) }));
    await ingestOk(component, named, { runtime: { saveStreamDeltas: true } });
    await expectSmallDocuments(component);
  });

  test("a turn's input of any length is summarised", async () => {
    const component = await startThread();
    const input = [{ type: "text", text: long("words ", 400) }, { type: "text", text: long("more ", 400) }];
    await component.mutation(api.turns.start, { actor: OWNER, threadId: THREAD, turnId: "t", input, idempotencyKey: "k" });
    expect((await turnOf(component, "t")).inputSummary).toBe(input.map(({ text }) => text).join("\n").slice(0, 500));
  });
});

describe("names", () => {
  const odd = ["a:b", "a/b", 'quo"te', "ünïcödé-名前", "a\\b", "x#2", "$x", "_x", "__proto__", "constructor", " ", long("long", 500)];

  test.each(odd)("%j is a thread, a turn, an item, a session and an external id like any other", async (name) => {
    const component = startComponent();
    const turn = new TurnStream({ threadId: name, turnId: name });
    const events = [turn.started(), ...turn.reply(name, ["Hel", "lo"]), turn.completed()];
    const args = { ...batch(events), threadId: name, sessionId: name };
    expect((await component.mutation(api.sync.ingestSafe, args)).status).toBe("session_recovered");
    const before = await dumpWithoutBeats(component);
    expect((await component.mutation(api.sync.ingestSafe, args)).status).toBe("ok");
    expect(await dumpWithoutBeats(component)).toEqual(before);
    // An id that ends as that of a second use does has its own use said too.
    const messageId = /#\d+$/.test(name) ? `${name}#1` : name;
    expect(await messagesOf(component, name)).toMatchObject([{ messageId, turnId: name, text: "Hello", status: "completed" }]);
    expect(await component.query(api.messages.getByTurn, { actor: OWNER, threadId: name, turnId: name })).toHaveLength(1);
    const streamCursorsById = [{ streamId: turn.streamId, cursor: 0 }];
    const replay = await component.query(api.sync.replay, { actor: OWNER, threadId: name, streamCursorsById });
    expect(replay.streamWindows).toMatchObject([{ status: "ok", serverCursorEnd: events.length }]);
    expect(replay.snapshots).toMatchObject([{ itemId: name, turnId: name }]);
    const { threadId } = await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: name });
    expect(await component.mutation(api.threads.resolve, { actor: OWNER, externalThreadId: name })).toMatchObject({ threadId, created: false });
  });

  test("names that would be one if they were joined are two", async () => {
    const component = startComponent();
    for (const [threadId, turnId] of [["a:b", "c"], ["a", "b:c"]] as const) {
      const turn = new TurnStream({ threadId, turnId, streamId: `of ${threadId} ${turnId}` });
      await ingest(component, [turn.started(), ...turn.reply("m", [threadId])], { threadId });
    }
    expect((await messagesOf(component, "a:b")).map(({ text }) => text)).toEqual(["a:b"]);
    expect((await messagesOf(component, "a")).map(({ text }) => text)).toEqual(["a"]);
  });
});

/** No row is over what Convex stores. */
async function expectSmallDocuments(component: Component) {
  for (const rows of Object.values(await dump(component))) {
    for (const row of rows) expect(getDocumentSize(row as unknown as Record<string, Value>)).toBeLessThan(MiB);
  }
}

function cursorsOf(starts: readonly number[]) {
  return { count: new Set(starts).size, first: starts[0], last: starts.at(-1) };
}

async function expectWhole(component: Component, messageId: string, text: string) {
  const rows = await dump(component);
  const message = rows.messages.find((row) => row.messageId === messageId)!;
  const parts = rows.parts.filter(({ owner, kind }) => owner === message._id && kind === "text").sort((one, other) => one.part - other.part);
  expect(parts.map((part) => part.text).join("") === text).toBe(true);
}
