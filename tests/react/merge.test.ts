import { describe, expect, it } from "vitest";
import type {
  CodexDurableMessageLike,
  CodexOverlay,
  CodexStreamText,
} from "../../js-wrapper/mapping/index.js";
import {
  codexMessageKey,
  EMPTY_OVERLAY,
  foldOverlay,
  mergeCodexMessages,
  toCodexUIMessage,
} from "../../js-wrapper/mapping/index.js";

describe("merging durable rows with live text", () => {
  it.each([
    ["the live text goes on", "Hel", "Hello", "streaming", "Hello"],
    ["the row has nothing yet", "", "Hello", "streaming", "Hello"],
    ["the row is ahead", "Hello", "Hel", "streaming", "Hello"],
    ["they contradict each other", "Hxllo", "Hello!", "streaming", "Hxllo"],
    ["completed", "Hi", "Hi there", "completed", "Hi"],
    ["failed", "Hi", "Hi there", "failed", "Hi"],
    ["interrupted", "Hi", "Hi there", "interrupted", "Hi"],
  ] as const)("%s", (_, durable, live, status, shown) => {
    const { messages } = mergeCodexMessages(
      [row({ text: durable, status })],
      overlayOf([run(live)]),
    );
    expect(messages.map(({ text }) => text)).toEqual([shown]);
  });

  it("final message arrives while the streaming row is still there: one row", () => {
    const rows = [
      row({ status: "completed", text: "all of it" }),
      row({ status: "streaming", text: "all" }),
    ];
    for (const order of [rows, [...rows].reverse()]) {
      const { messages } = mergeCodexMessages(order, overlayOf([run("all of")]));
      expect(messages).toHaveLength(1);
      expect(messages[0]).toMatchObject({ status: "completed", text: "all of it" });
    }
  });

  it("lays no text over a message that began before text was lost", () => {
    const overlay = overlayOf([run("tail", { cursorStart: 41 })], { status: "rebased", from: 40 });
    const old = mergeCodexMessages([row({ text: "", orderInTurn: 3 })], overlay);
    expect(old.messages[0]?.text).toBe("");
    const young = mergeCodexMessages([row({ text: "", orderInTurn: 40 })], overlay);
    expect(young.messages[0]?.text).toBe("tail");
  });

  it("shows a command's live output only while it runs", () => {
    const overlay = overlayOf([run("a.txt", { channel: "output" })]);
    const running = mergeCodexMessages([row({ text: "ls" })], overlay);
    expect(running.messages[0]).toMatchObject({ text: "ls", output: "a.txt" });
    const done = mergeCodexMessages([row({ text: "ls", status: "completed" })], overlay);
    expect(done.messages[0]).not.toHaveProperty("output");
  });

  it("keeps what a command has put out where its turn ends first, until the command's own end comes", () => {
    const running = mergeCodexMessages([row({ text: "ls", payloadJson: JSON.stringify({ item: { aggregatedOutput: null } }) })], overlayOf([run("a.txt", { channel: "output" })]));
    const outputs = (["interrupted", "failed", "completed"] as const).map((status) => {
      const ended = mergeCodexMessages([row({ text: "ls", status })], EMPTY_OVERLAY, running);
      expect(mergeCodexMessages([...ended.rows], EMPTY_OVERLAY, ended).messages).toEqual(ended.messages);
      return ended.messages[0]?.output;
    });
    expect(outputs).toEqual(["a.txt", "a.txt", undefined]);
    const ends: Partial<CodexDurableMessageLike>[] = [{ payloadJson: JSON.stringify({ item: { aggregatedOutput: "a.txt b.txt" } }) }, { payloadTruncated: true }];
    for (const end of ends) {
      const own = mergeCodexMessages([row({ text: "ls", status: "failed", ...end })], EMPTY_OVERLAY, running);
      expect(own.messages[0]).not.toHaveProperty("output");
    }
  });

  it("tells that the list left a payload out", () => {
    expect(toCodexUIMessage(row({ payloadTruncated: true }))).toHaveProperty("payloadTruncated", true);
    expect(toCodexUIMessage(row({}))).not.toHaveProperty("payloadTruncated");
  });

  it("a text that the list cuts off is whole while it is live", () => {
    const cut = row({ text: "beg", textTruncated: true, textBytes: 9 });
    const whole = mergeCodexMessages([cut], overlayOf([run("beginning")]));
    expect(whole.messages[0]).not.toHaveProperty("textTruncated");
    const alone = mergeCodexMessages([cut], EMPTY_OVERLAY);
    expect(alone.messages[0]).toMatchObject({ textTruncated: true, textBytes: 9 });
  });

  it("makes up no row for live text alone", () => {
    expect(mergeCodexMessages([], overlayOf([run("text")])).messages).toEqual([]);
  });

  it("turns the pages' order, newest first, into oldest first", () => {
    const rows = ["c", "b", "a"].map((messageId) => row({ messageId }));
    const { messages } = mergeCodexMessages(rows, EMPTY_OVERLAY);
    expect(messages.map(({ messageId }) => messageId)).toEqual(["a", "b", "c"]);
  });

  it("the same item id in two turns is two messages", () => {
    const rows = [row({ turnId: "t2" }), row({ turnId: "t1" })];
    const { messages } = mergeCodexMessages(rows, EMPTY_OVERLAY);
    expect(new Set(messages.map(({ _id }) => _id)).size).toBe(2);
  });

  it("keys cannot be confused, whatever characters an id has", () => {
    expect(codexMessageKey('a","b', "c")).not.toBe(codexMessageKey("a", 'b","c'));
    expect(codexMessageKey("a:b", "c")).not.toBe(codexMessageKey("a", "b:c"));
    expect(() => mergeCodexMessages([row({ turnId: "__proto__" })], EMPTY_OVERLAY)).not.toThrow();
  });

  it("a row of the seed's day, without the newer fields", () => {
    const { sourceItemType, payloadJson, turnOrder, ...old } = row({});
    expect(toCodexUIMessage(old)).not.toHaveProperty("payloadJson");
  });
});

describe("identity between merges", () => {
  it("rows that arrive anew with the same content are the same messages, in the same array", () => {
    const before = mergeCodexMessages([row({ messageId: "b" }), row({})], EMPTY_OVERLAY);
    const after = mergeCodexMessages([row({ messageId: "b" }), row({})], EMPTY_OVERLAY, before);
    expect(after.messages).toBe(before.messages);
  });

  it("only the message whose text grew is another", () => {
    const rows = [row({ text: "" }), row({ messageId: "m0", status: "completed", text: "old" })];
    const before = mergeCodexMessages(rows, overlayOf([run("a")]));
    const after = mergeCodexMessages(rows, overlayOf([run("ab")]), before);
    expect(after.messages).not.toBe(before.messages);
    expect(after.messages[0]).toBe(before.messages[0]);
    expect(after.messages[1]?.text).toBe("ab");
  });

  it("a field that comes or goes makes another message", () => {
    const before = mergeCodexMessages([row({})], EMPTY_OVERLAY);
    const after = mergeCodexMessages([row({ error: "no" })], EMPTY_OVERLAY, before);
    expect(after.messages[0]).toMatchObject({ error: "no" });
    const again = mergeCodexMessages([row({})], EMPTY_OVERLAY, after);
    expect(again.messages[0]).not.toHaveProperty("error");
  });

  it("looks at no row that has ended again while the rows are the same, however many there are", () => {
    let looks = 0;
    const watched = (ended: CodexDurableMessageLike) =>
      new Proxy(ended, { get: (target, name) => ((looks += 1), Reflect.get(target, name) as unknown) });
    const ended = Array.from({ length: 5_000 }, (_, i) => watched(row({ messageId: `old${i}`, status: "completed" })));
    const rows = [row({ text: "" }), ...ended];
    let overlay = overlayOf([run("a")]);
    let merged = mergeCodexMessages(rows, overlay);
    looks = 0;
    for (let cursor = 2; cursor < 10; cursor += 1) {
      overlay = foldOverlay(overlay, overlay.cursors, answer([run("b", { cursorStart: cursor })], cursor, cursor + 1));
      const before = merged;
      merged = mergeCodexMessages(rows, overlay, before);
      expect(merged.messages).toHaveLength(5_001);
      expect(merged.messages.at(-1)?.text).toBe(`a${"b".repeat(cursor - 1)}`);
      expect(merged.messages[0]).toBe(before.messages[0]);
      expect(mergeCodexMessages(rows, overlay, merged).messages).toBe(merged.messages);
    }
    expect(looks).toBe(0);
    const whole = mergeCodexMessages([...rows], overlay, merged);
    expect(whole.messages).toBe(merged.messages);
  });

  it("compares a growing text with its row once, not at every update", () => {
    const grown = overlayOf([run("abc")]);
    const streaming = row({ text: "ab" });
    let comparisons = 0;
    const text = { toString: () => ((comparisons += 1), "ab") } as unknown as string;
    const counted = { ...streaming, text };
    let merged = mergeCodexMessages([counted], grown);
    const asked = grown.cursors;
    const next = foldOverlay(grown, asked, answer([run("d", { cursorStart: 2 })], 2, 3));
    expect(next).not.toBe(grown);
    merged = mergeCodexMessages([counted], next, merged);
    expect(merged.messages[0]?.text).toBe("abcd");
    expect(comparisons).toBe(1);
  });
});

function row(given: Partial<CodexDurableMessageLike>): CodexDurableMessageLike {
  return {
    messageId: "m1",
    turnId: "turn",
    turnOrder: 0,
    orderInTurn: 1,
    role: "assistant",
    status: "streaming",
    text: "text",
    sourceItemType: "agentMessage",
    payloadJson: "{}",
    createdAt: 1,
    updatedAt: 1,
    ...given,
  };
}

const STREAM = "s";

function run(text: string, given: Partial<CodexStreamText> = {}): CodexStreamText {
  const { cursorStart = 1 } = given;
  return {
    streamId: STREAM,
    turnId: "turn",
    messageId: "m1",
    channel: "text",
    cursorStart,
    cursorEnd: cursorStart + 1,
    text,
    ...given,
  };
}

function answer(
  texts: CodexStreamText[],
  from: number,
  to: number,
  status: "ok" | "rebased" = "ok",
) {
  return {
    kind: "deltas" as const,
    streams: [{ streamId: STREAM, state: "streaming" as const }],
    streamWindows: [{ streamId: STREAM, status, serverCursorStart: from, serverCursorEnd: to }],
    nextCheckpoints: [{ streamId: STREAM, cursor: to }],
    texts,
  };
}

function overlayOf(
  texts: CodexStreamText[],
  { status = "ok", from = 0 }: { status?: "ok" | "rebased"; from?: number } = {},
): CodexOverlay {
  const to = Math.max(...texts.map(({ cursorEnd }) => cursorEnd));
  const learned = foldOverlay(EMPTY_OVERLAY, [], answer([], 0, 0));
  return foldOverlay(learned, learned.cursors, answer(texts, from, to, status));
}
