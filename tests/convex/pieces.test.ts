/** Texts and payloads of any length are read whole, by pieces, over no limit of Convex. */
import { getDocumentSize, type Value } from "convex/values";
import { describe, expect, test } from "vitest";
import { agentMessage, api, command, dump, ingest, ingestOk, messagesOf, OWNER, reasoning, refusal, startThread, THREAD, TURN, TurnStream, type Component } from "./build.js";

const KiB = 1024;
const MiB = 1024 * KiB;
const FACES = "😀";

type What = "getText" | "getPayload";
type Piece = { text: string; bytes: number; isDone: boolean; continueCursor: string; status: string };

const bytesOf = (text: string) => new TextEncoder().encode(text).length;

async function piece(component: Component, what: What, messageId: string, cursor?: string | null): Promise<Piece | null> {
  const of = { actor: OWNER, threadId: THREAD, turnId: TURN, messageId, ...(cursor === undefined ? {} : { cursor }) };
  const read = what === "getText" ? await component.query(api.messages.getText, of) : await component.query(api.messages.getPayload, of);
  if (read === null) return null;
  expect(read.text.isWellFormed()).toBe(true);
  expect(read.bytes).toBe(bytesOf(read.text));
  expect(read.bytes).toBeLessThanOrEqual(MiB);
  return read;
}

/** All pieces from the beginning on; `between` is done before each one but the first. */
async function pieces(component: Component, what: What, messageId: string, between: () => Promise<unknown> = () => Promise.resolve()): Promise<Piece[]> {
  const read: Piece[] = [];
  for (let cursor: string | null = null; ; ) {
    const next: Piece | null = await piece(component, what, messageId, cursor);
    read.push(next!);
    if (next!.isDone) return read;
    cursor = next!.continueCursor;
    await between();
  }
}
const joined = (read: Piece[]) => read.map(({ text }) => text).join("");
const whole = async (component: Component, what: What, messageId: string) => joined(await pieces(component, what, messageId));

async function expectSmall(component: Component) {
  for (const rows of Object.values(await dump(component))) {
    for (const row of rows) expect(getDocumentSize(row as unknown as Record<string, Value>)).toBeLessThan(MiB);
  }
}

describe("read whole", () => {
  test("a message of 600 KB, which lists cut", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const text = "zażółć 🐍 ".repeat(40_000);
    expect(bytesOf(text)).toBeGreaterThan(600_000);
    await ingestOk(component, [turn.started(), ...turn.reply("m", [text])]);
    expect((await messagesOf(component))[0]).toMatchObject({ textTruncated: true, textBytes: bytesOf(text) });
    expect(await pieces(component, "getText", "m")).toMatchObject([{ text, status: "completed" }]);
    expect(JSON.parse(await whole(component, "getPayload", "m"))).toMatchObject({ id: "m", text: { $text: true } });
    await expectSmall(component);
  });

  test("a command's output of 1.2 MB, which lists leave out", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const output = "line\n".repeat(240_000);
    const item = command("c", "make", "completed", output);
    await ingestOk(component, [turn.started(), turn.itemCompleted(item)]);
    expect((await messagesOf(component))[0]).toMatchObject({ text: "make", payloadTruncated: true });
    expect(await whole(component, "getText", "c")).toBe("make");
    const read = await pieces(component, "getPayload", "c");
    expect(JSON.parse(joined(read))).toEqual(item);
    expect(read.map(({ bytes }) => bytes)).toEqual([MiB, bytesOf(JSON.stringify(item)) - MiB]);
    await expectSmall(component);
  });

  test("a payload of 1.07 MB in characters of three bytes", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const item = { type: "brandNew", id: "x", data: "日本語".repeat(120_000) };
    await ingestOk(component, [turn.started(), turn.itemCompleted(item)]);
    const read = await pieces(component, "getPayload", "x");
    expect(JSON.parse(joined(read))).toEqual(item);
    expect(read.length).toBe(2);
    await expectSmall(component);
  });

  test("the largest event, 3 MiB", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const text = `a${FACES.repeat(700 * KiB)}`;
    await ingestOk(component, [turn.started(), turn.itemCompleted(agentMessage("m", text))]);
    const read = await pieces(component, "getText", "m");
    expect(joined(read)).toBe(text);
    expect(read.map(({ bytes }) => bytes).slice(0, -1).every((bytes) => bytes > MiB - 16 * 4)).toBe(true);
  });

  test("what is empty, and what is not there", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("n", "words")]);
    expect(await piece(component, "getText", "m")).toMatchObject({ text: "", bytes: 0, isDone: true, status: "streaming" });
    expect(await piece(component, "getPayload", "n")).toMatchObject({ text: "", bytes: 0, isDone: true });
    for (const what of ["getText", "getPayload"] as const) {
      expect(await piece(component, what, "none")).toBeNull();
      const of = { actor: OWNER, threadId: THREAD, turnId: "none", messageId: "m" };
      expect(await refusal(component.query(api.messages[what], of))).toMatchObject({ code: "E_AUTH_TURN_FORBIDDEN" });
      expect(await refusal(component.query(api.messages[what], { ...of, threadId: "none" }))).toMatchObject({ code: "E_AUTH_THREAD_FORBIDDEN" });
    }
  });

  test("nothing of a turn that is hidden", async () => {
    const component = await startThread();
    for (const turnId of ["t0", TURN]) {
      const turn = new TurnStream({ turnId });
      await ingestOk(component, [turn.started(), ...turn.reply("m", ["words"]), turn.completed()]);
    }
    await component.mutation(api.threads.revert, { actor: OWNER, threadId: THREAD, turnId: "t0" });
    expect(await refusal(piece(component, "getText", "m"))).toMatchObject({ code: "E_AUTH_TURN_FORBIDDEN" });
  });

  test("a use of an id that is used twice, each by its own name", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...turn.reply("m", ["first"]), turn.itemStarted(agentMessage("m", "")), turn.text("m", "second")]);
    expect([await whole(component, "getText", "m"), await whole(component, "getText", "m#2")]).toEqual(["first", "second"]);
  });
});

describe("while it streams", () => {
  /** A message that streams, and what it said so far. */
  async function begun() {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    let said = "";
    const say = async (...deltas: string[]) => {
      said += deltas.join("");
      return ingest(component, deltas.map((delta) => turn.text("m", delta)));
    };
    return { component, turn, say, said: () => said };
  }

  test("a text of 5 MiB is whole at every moment, folded or not", async () => {
    const { component, say, said } = await begun();
    for (let at = 0; at < 20; at++) {
      await say(`<${at}>${"é".repeat(100_000)}`, FACES.repeat(15_000 + at));
      if (at % 4 === 3) expect(await whole(component, "getText", "m")).toBe(said());
    }
    await say("and a tail");
    expect(await whole(component, "getText", "m")).toBe(said());
    const { textBytes, foldCursor } = (await dump(component)).messages[0]!;
    expect([textBytes > 4 * MiB, foldCursor !== undefined, textBytes < bytesOf(said())]).toEqual([true, true, true]);
  });

  test("a tail of 12 MiB behind a hole, which nothing folds, is whole, and no piece reads it from its beginning", async () => {
    const { component, turn, say, said } = await begun();
    turn.cursor += 1;
    for (let at = 0; at < 12; at++) await say(`${at}`.repeat(500_000), `é`.repeat(250_000));
    expect((await dump(component)).messages[0]!.textBytes).toBe(0);
    const read = await pieces(component, "getText", "m");
    expect(joined(read)).toBe(said());
    expect(read.slice(0, -1).every(({ bytes }) => bytes > MiB - 4)).toBe(true);
  });

  test("runs that lie far apart, between what other items said, are found a bounded reading at a time", async () => {
    const { component, turn, say, said } = await begun();
    turn.cursor += 1;
    await say("a");
    for (let at = 0; at < 6; at++) {
      await ingest(component, [turn.itemCompleted(command(`c${at}`, "ls", "completed", "x".repeat(2 * MiB)))]);
      await say(`${at}`);
    }
    const read = await pieces(component, "getText", "m");
    expect(joined(read)).toBe(said());
    expect(read.length).toBeGreaterThan(3);
  });

  test("text that is folded between two pieces is neither lost nor doubled", async () => {
    const { component, say, said } = await begun();
    await say("x".repeat(900 * KiB), "y".repeat(900 * KiB), "z".repeat(900 * KiB));
    const folds: (number | undefined)[] = [];
    const read = await pieces(component, "getText", "m", async () => {
      if (folds.length < 4) await say(`${folds.length}é`.repeat(20 * KiB));
      folds.push((await dump(component)).messages[0]!.foldCursor);
    });
    expect(joined(read)).toBe(said());
    expect(new Set(folds).size).toBeGreaterThan(1);
  });

  test("goes on behind its last piece as it grows, and begins again where its item's end replaced it", async () => {
    const { component, turn, say } = await begun();
    await say("one ");
    const first = await piece(component, "getText", "m");
    expect(first).toMatchObject({ text: "one ", isDone: true, status: "streaming" });
    expect(await piece(component, "getText", "m", first!.continueCursor)).toMatchObject({ text: "", isDone: true });
    await say("two ");
    const second = await piece(component, "getText", "m", first!.continueCursor);
    expect(second).toMatchObject({ text: "two ", isDone: true });
    await say("x".repeat(80 * KiB), "y".repeat(80 * KiB));
    await say("z");
    expect((await dump(component)).messages[0]!.foldCursor, "what was read is folded").toBeGreaterThan(4);
    expect((await piece(component, "getText", "m", second!.continueCursor))!.text).toBe(`${"x".repeat(80 * KiB)}${"y".repeat(80 * KiB)}z`);
    await ingestOk(component, [turn.itemCompleted(agentMessage("m", "All of it."))]);
    expect(await refusal(piece(component, "getText", "m", second!.continueCursor))).toMatchObject({ code: "E_CURSOR_INVALID" });
    expect(await piece(component, "getText", "m", "")).toMatchObject({ text: "All of it.", isDone: true, status: "completed" });
  });

  test("a piece that ends inside of what is not folded is gone on with there, not where the fold stands", async () => {
    const { component, say, said } = await begun();
    await say("ten bytes.");
    const first = await piece(component, "getText", "m");
    await say("x".repeat(MiB - 10));
    await say("tail ".repeat(8 * KiB));
    const { foldCursor, textBytes } = (await dump(component)).messages[0]!;
    expect([foldCursor, textBytes], "the tail alone is not folded").toEqual([4, MiB]);
    const second = await piece(component, "getText", "m", first!.continueCursor);
    expect(second).toMatchObject({ bytes: MiB, isDone: false });
    const third = await piece(component, "getText", "m", second!.continueCursor);
    expect(first!.text + second!.text + third!.text).toBe(said());
  });

  test("a character at the end of a part, for which a piece has no room, is the next one's", async () => {
    const { component, say, said } = await begun();
    await say("x".repeat(64 * KiB - 1));
    const first = await piece(component, "getText", "m");
    expect(first).toMatchObject({ bytes: 64 * KiB - 1, isDone: true });
    await say(`${"x".repeat(MiB - 1)}é`, "y".repeat(100));
    const second = await piece(component, "getText", "m", first!.continueCursor);
    expect(second).toMatchObject({ bytes: MiB - 1, isDone: false });
    const third = await piece(component, "getText", "m", second!.continueCursor);
    expect(third!.text).toBe(`é${"y".repeat(100)}`);
    expect(first!.text + second!.text + third!.text).toBe(said());
  });

  test("a text whose beginning came late begins again", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started()]);
    const early = turn.text("m", "early ");
    await ingest(component, [turn.text("m", "late")]);
    const read = await piece(component, "getText", "m");
    expect(read!.text).toBe("late");
    await ingestOk(component, [early]);
    expect(await refusal(piece(component, "getText", "m", read!.continueCursor))).toMatchObject({ code: "E_CURSOR_INVALID" });
    expect(await whole(component, "getText", "m")).toBe("early late");
  });

  test("a payload that was replaced between two pieces begins again", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const item = (output: string) => command("c", "ls", "inProgress", output);
    await ingestOk(component, [turn.started(), turn.itemStarted(item("x".repeat(2 * MiB)))]);
    const { continueCursor } = (await piece(component, "getPayload", "c"))!;
    await ingestOk(component, [turn.itemCompleted(item("y".repeat(2 * MiB)))]);
    expect(await refusal(piece(component, "getPayload", "c", continueCursor))).toMatchObject({ code: "E_CURSOR_INVALID" });
  });

  test("half a character at its end waits, and is U+FFFD when nothing more comes", async () => {
    const { component, turn } = await begun();
    const half = (delta: string) => {
      const params = `"threadId":"${THREAD}","turnId":"${TURN}","itemId":"m","delta":"${delta}"`;
      return turn.raw("item/agentMessage/delta", `{"method":"item/agentMessage/delta","params":{${params}}}`);
    };
    await ingestOk(component, [half("a\\uD83D")]);
    const first = await piece(component, "getText", "m");
    expect(first!.text).toBe("a");
    await ingestOk(component, [half("\\uDE00b\\uD83D")]);
    const second = await piece(component, "getText", "m", first!.continueCursor);
    expect(second!.text).toBe("😀b");
    await ingestOk(component, [turn.completed()]);
    const last = await piece(component, "getText", "m", second!.continueCursor);
    expect(last).toMatchObject({ text: "\uFFFD", isDone: true, status: "completed" });
    expect((await piece(component, "getText", "m", last!.continueCursor))!.text).toBe("");
    expect(await whole(component, "getText", "m")).toBe("a😀b\uFFFD");
  });

  test("a half that waits at a piece's very end is in the next one", async () => {
    const { component, turn, say } = await begun();
    await say("x".repeat(MiB - 2));
    const params = `"threadId":"${THREAD}","turnId":"${TURN}","itemId":"m","delta":"\\uD83D"`;
    await ingestOk(component, [turn.raw("item/agentMessage/delta", `{"method":"item/agentMessage/delta","params":{${params}}}`)]);
    await ingestOk(component, [turn.completed()]);
    const read = await pieces(component, "getText", "m");
    expect(read.map(({ bytes, isDone }) => [bytes, isDone])).toEqual([[MiB - 2, false], [3, true]]);
    expect(joined(read)).toBe(`${"x".repeat(MiB - 2)}\uFFFD`);
  });

  test("by pieces and batches of any size, read at any moment, it is what was said", async () => {
    let state = 20_261_126;
    const below = (bound: number) => (state = (state * 48_271) % 2_147_483_647) % bound;
    const characters = ["a", "é", "日", FACES];
    for (let run = 0; run < 6; run++) {
      const { component, turn, say, said } = await begun();
      if (run % 2 === 1) turn.cursor += 1;
      const speak = () => say(...Array.from({ length: 1 + below(4) }, () => characters[below(4)]!.repeat(below(150_000))));
      for (let at = 0; at < 4; at++) await speak();
      const read = await pieces(component, "getText", "m", () => (below(3) === 0 && said().length < 4_000_000 ? speak() : Promise.resolve()));
      expect(joined(read) === said(), `run ${run}`).toBe(true);
    }
  });
});

describe("a cursor", () => {
  const bad = ["nonsense", "{}", "[]", "null", "[0]", "[0,1,0,0]", "[0,1,0,0,0,0]", "[0,2,0,0,0]", "[1,1,0,0,0]", "[0,1,-1,0,0]", "[0,1,0,0.5,0]", '[0,1,"0",0,0]', "[0,1,0,0,65537]", "[0,1,0,0,0,2,0,55295]", "[0,1,0,0,0,2,0,56320]", "[0,1,0,0,0,2,1,0]"];
  test.each(bad)("%s of a text is refused so that clients begin again", async (cursor) => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", FACES)]);
    expect((await piece(component, "getText", "m", "[0,1,0,0,0]"))!.text, "is one").toBe(FACES);
    const want = { code: "E_CURSOR_INVALID", isConvexSystemError: true, paginationError: "InvalidCursor", retryable: false };
    expect(await refusal(piece(component, "getText", "m", cursor))).toMatchObject(want);
  });

  test("in the middle of a character is refused", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...turn.reply("m", [FACES])]);
    expect(await refusal(piece(component, "getText", "m", "[1,1,0,1,4]"))).toMatchObject({ code: "E_CURSOR_INVALID" });
  });

  test.each(["nonsense", "[]", "[1,5,0]", "[0,2,0]", "[1,2]", "[1,2,-1]", "[1,2,0,0]"])("%s of a payload is refused", async (cursor) => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...turn.reply("m", ["x"])]);
    expect(await refusal(piece(component, "getPayload", "m", cursor))).toMatchObject({ code: "E_CURSOR_INVALID" });
  });
});

test("a piece costs what it returns, however long the text is", async () => {
  const limits: Record<string, number> = {};
  const component = await startThread(THREAD, limits);
  const turn = new TurnStream();
  await ingestOk(component, [turn.started(), ...turn.reply("m", ["x".repeat(3.5 * MiB)])]);
  await ingestOk(component, [turn.itemCompleted(reasoning("r", [], ["y".repeat(2.5 * MiB)]))], { runtime: { exposeRawReasoningDeltas: true } });
  const count = async (documents: number, read: () => Promise<Piece | null>) => {
    Object.assign(limits, { documentsRead: documents - 1 });
    await expect(read()).rejects.toThrow("too many documents");
    Object.assign(limits, { documentsRead: documents });
    return (await read())!;
  };
  // A thread, a turn, a message; then 16 parts of 64 KiB, and one that says that there is more.
  let cursor: string | null = null;
  for (const documents of [3 + 17, 3 + 17, 3 + 17, 3 + 8]) {
    const read: Piece = await count(documents, () => piece(component, "getText", "m", cursor));
    cursor = read.continueCursor;
  }
  const payload = await count(3 + 17, () => piece(component, "getPayload", "r"));
  expect([payload.bytes, payload.isDone]).toEqual([MiB, false]);
});
