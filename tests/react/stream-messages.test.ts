/** What kept events say of messages and reasoning: made-up ones, and recorded ones against the items that end them. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  aggregateCodexReasoningSegments,
  codexMessageKey,
  extractCodexOverlayMessages,
  extractCodexReasoningOverlaySegments,
  mergeCodexDurableAndStreamMessages,
  type CodexDurableMessageLike,
  type CodexReasoningSegmentLike,
  type CodexStreamDeltaLike,
} from "../../js-wrapper/mapping/index.js";

const TURN = "turn_1";
const key = (messageId: string, turnId = TURN) => codexMessageKey(turnId, messageId);

/** A stream's events, one after another from a cursor on. */
function stream(events: [kind: string, params: object][], { from = 0, streamId = "s", turnId = TURN } = {}): CodexStreamDeltaLike[] {
  return events.map(([kind, params], at) => {
    const payloadJson = JSON.stringify({ method: kind, params: { threadId: "t", turnId, ...params } });
    return { streamId, cursorStart: from + at, cursorEnd: from + at + 1, kind, payloadJson };
  });
}
const started = (id: string, type = "agentMessage"): [string, object] => ["item/started", { item: { id, type, text: "" } }];
const delta = (itemId: string, text: string): [string, object] => ["item/agentMessage/delta", { itemId, delta: text }];
const completed = (id: string, text: string, more: object = {}): [string, object] => ["item/completed", { item: { id, type: "agentMessage", text, ...more } }];
const turnEnds = (status: string, message?: string): [string, object] => ["turn/completed", { turnId: undefined, turn: { id: TURN, status, error: message === undefined ? null : { message } } }];

function overlay(events: [string, object][]) {
  return Array.from(extractCodexOverlayMessages(stream(events)).values(), ({ messageId, text, status, error }) => [messageId, text, status, ...(error === undefined ? [] : [error])]);
}

describe("messages of a stream's events", () => {
  it.each<[string, [string, object][], unknown[]]>([
    ["grow", [started("m"), delta("m", "Hel"), delta("m", "lo")], [["m", "Hello", "streaming"]]],
    ["have their item's last word", [started("m"), delta("m", "Hel"), completed("m", "Hello.")], [["m", "Hello.", "completed"]]],
    ["fail or are declined with their item", [completed("m", "a", { status: "failed" }), completed("n", "b", { status: "declined" })], [["m", "a", "failed"], ["n", "b", "interrupted"]]],
    ["are interrupted with it", [completed("m", "a", { status: "interrupted" }), completed("n", "b", { status: "cancelled" })], [["m", "a", "interrupted"], ["n", "b", "interrupted"]]],
    ["fail with what it tells of", [completed("m", "a", { error: { message: "no" } }), completed("n", "b", { success: false })], [["m", "a", "failed"], ["n", "b", "failed"]]],
    ["grow no more behind their end", [completed("m", "a"), delta("m", "b")], [["m", "a", "completed"]]],
    ["join halves of a character", [started("m"), delta("m", "\ud83d"), delta("m", "\ude00")], [["m", "😀", "streaming"]]],
    ["are two where an id is used again", [completed("m", "a"), started("m"), delta("m", "b")], [["m", "a", "completed"], ["m#2", "b", "streaming"]]],
    ["are one where a start is repeated", [started("m"), delta("m", "a"), started("m"), delta("m", "b")], [["m", "ab", "streaming"]]],
    ["are named as the component names them", [delta("m#2", "a")], [["m#2#1", "a", "streaming"]]],
    ["end with their turn", [delta("m", "a"), turnEnds("interrupted", "stop")], [["m", "a", "interrupted", "stop"]]],
    ["that ended stay as they are", [completed("m", "a"), turnEnds("failed", "no")], [["m", "a", "completed"]]],
    ["fail with an error", [delta("m", "a"), ["error", { error: { message: "no" }, willRetry: false }]], [["m", "a", "failed", "no"]]],
    ["do not fail where Codex tries again", [delta("m", "a"), ["error", { error: { message: "no" }, willRetry: true }]], [["m", "a", "streaming"]]],
    ["are plans too", [["item/plan/delta", { itemId: "p", delta: "1." }]], [["p", "1.", "streaming"]]],
    ["are nothing else", [started("c", "commandExecution"), ["item/commandExecution/outputDelta", { itemId: "c", delta: "x" }]], []],
  ])("%s", (_, events, want) => expect(overlay(events)).toEqual(want));

  it("are read in the order of their cursors, each event once", () => {
    const events = stream([started("m"), delta("m", "a"), delta("m", "b")]);
    const [first, second, third] = events as [CodexStreamDeltaLike, CodexStreamDeltaLike, CodexStreamDeltaLike];
    const found = extractCodexOverlayMessages([third, second, first, second]);
    expect(found.get(key("m"))).toEqual({ turnId: TURN, messageId: "m", text: "ab", status: "streaming", lastCursor: 3 });
  });

  it("keep turns and streams apart", () => {
    const found = extractCodexOverlayMessages([...stream([delta("m", "a")]), ...stream([delta("m", "b")], { streamId: "r", turnId: "turn_2" })]);
    expect([...found.keys()]).toEqual([key("m"), key("m", "turn_2")]);
    expect(Array.from(found.values(), ({ text }) => text)).toEqual(["a", "b"]);
  });

  it("leave out what cannot be read", () => {
    const [event] = stream([delta("m", "a")]) as [CodexStreamDeltaLike];
    for (const payloadJson of ["{", "null", "1", "{}", '{"params":null}', '{"params":{"turnId":1}}', '{"params":{"turnId":"u","itemId":1,"delta":"a"}}', '{"params":{"turnId":"u","itemId":"m"}}']) {
      expect(extractCodexOverlayMessages([{ ...event, payloadJson }]).size, payloadJson).toBe(0);
    }
    for (const item of ["null", "{}", '{"id":"m"}', '{"id":1,"type":"agentMessage"}']) {
      const payloadJson = `{"params":{"turnId":"u","item":${item}}}`;
      expect(extractCodexOverlayMessages([{ ...event, kind: "item/started", payloadJson }]).size, item).toBe(0);
    }
  });
});

describe("events laid over durable rows", () => {
  const row = (fields: Partial<CodexDurableMessageLike> = {}): CodexDurableMessageLike => ({
    ...{ messageId: "m", turnId: TURN, role: "assistant", status: "streaming", text: "", orderInTurn: 0, createdAt: 0, updatedAt: 0 },
    ...fields,
  });
  const merged = (fields: Partial<CodexDurableMessageLike>, events: [string, object][], from = 0) =>
    mergeCodexDurableAndStreamMessages([row(fields)], stream(events, { from })).map(({ text }) => text);

  it("are the longer text where one begins with the other, and else nothing", () => {
    expect(merged({ text: "Hel" }, [started("m"), delta("m", "Hello")])).toEqual(["Hello"]);
    expect(merged({ text: "Hello" }, [started("m"), delta("m", "Hel")])).toEqual(["Hello"]);
    expect(merged({ text: "Hxl" }, [started("m"), delta("m", "Hello")])).toEqual(["Hxl"]);
    expect(merged({ text: "Hi", status: "completed" }, [started("m"), delta("m", "Hi there")])).toEqual(["Hi"]);
  });

  it("are no text that lacks its beginning", () => {
    expect(merged({}, [delta("m", "lo")], 5)).toEqual([""]);
    expect(merged({ orderInTurn: 5 }, [delta("m", "Hel")], 5)).toEqual(["Hel"]);
    expect(merged({ orderInTurn: 900 }, [started("m"), delta("m", "Hel")], 5)).toEqual(["Hel"]);
  });

  it("make no row up, and turn the page's order", () => {
    expect(mergeCodexDurableAndStreamMessages([], stream([delta("m", "a")]))).toEqual([]);
    const rows = mergeCodexDurableAndStreamMessages([row({ messageId: "n" }), row()], []);
    expect(rows.map(({ messageId, _id }) => [messageId, _id])).toEqual([["m", key("m")], ["n", key("n")]]);
  });
});

const REASONING: [string, object][] = [
  ["item/started", { item: { id: "r", type: "reasoning" } }],
  ["item/reasoning/summaryPartAdded", { itemId: "r", summaryIndex: 0 }],
  ["item/reasoning/summaryTextDelta", { itemId: "r", delta: "**Loo", summaryIndex: 0 }],
  ["item/reasoning/textDelta", { itemId: "r", delta: "hm", contentIndex: 0 }],
  ["item/reasoning/summaryTextDelta", { itemId: "r", delta: "king**", summaryIndex: 0 }],
  ["item/reasoning/summaryPartAdded", { itemId: "r", summaryIndex: 1 }],
  ["item/reasoning/summaryTextDelta", { itemId: "r", delta: "Then", summaryIndex: 1 }],
  ["item/reasoning/summaryPartAdded", { itemId: "r", summaryIndex: 2 }],
];

describe("reasoning of a stream's events", () => {
  const sections = (events: [string, object][], includeRaw?: boolean) =>
    Array.from(extractCodexReasoningOverlaySegments(stream(events), { includeRaw }).values(), ({ itemId, channel, index, text }) => [itemId, channel, index, text]);

  it("is joined by section, without raw thoughts and empty sections", () => {
    expect(sections(REASONING)).toEqual([["r", "summary", 0, "**Looking**"], ["r", "summary", 1, "Then"]]);
    const found = extractCodexReasoningOverlaySegments(stream(REASONING));
    for (const [name, section] of found) expect(section.key).toBe(name);
    expect([...found.values()][0]).toMatchObject({ turnId: TURN, cursorStart: 1, cursorEnd: 5 });
  });

  it("holds raw thoughts where they are asked for", () => {
    expect(sections(REASONING, true)).toContainEqual(["r", "raw", 0, "hm"]);
    expect(sections(REASONING, false)).toHaveLength(2);
  });

  it("keeps two uses of an id apart, and leaves out what cannot be read", () => {
    const again = [...REASONING, ["item/completed", { item: { id: "r", type: "reasoning" } }], ...REASONING] as [string, object][];
    expect(sections(again).map(([, , , text]) => text)).toEqual(["**Looking**", "Then", "**Looking**", "Then"]);
    expect(sections([["item/reasoning/textDelta", { delta: "x" }], ["item/reasoning/textDelta", { itemId: "r" }]], true)).toEqual([]);
  });
});

describe("pieces of reasoning", () => {
  const piece = (cursorStart: number, text: string, more: Partial<CodexReasoningSegmentLike> = {}): CodexReasoningSegmentLike => ({
    ...{ turnId: TURN, itemId: "r", channel: "summary", segmentType: "textDelta", text, cursorStart, cursorEnd: cursorStart + 1 },
    ...more,
  });

  it("are joined in the order of their cursors, each once", () => {
    const pieces = [piece(2, "b", { summaryIndex: 0 }), piece(1, "a", { summaryIndex: 0 }), piece(2, "b", { summaryIndex: 0 }), piece(3, "c", { summaryIndex: 1 })];
    expect(aggregateCodexReasoningSegments(pieces).map(({ text, cursorStart, cursorEnd }) => [text, cursorStart, cursorEnd])).toEqual([["ab", 1, 3], ["c", 3, 4]]);
  });

  it("without an index are told apart by breaks", () => {
    const breakAt = (at: number) => piece(at, "", { segmentType: "sectionBreak" });
    const texts = (pieces: CodexReasoningSegmentLike[]) => aggregateCodexReasoningSegments(pieces).map(({ index, text }) => [index, text]);
    expect(texts([breakAt(0), piece(1, "a"), piece(2, "b"), breakAt(3), piece(4, "c")])).toEqual([[0, "ab"], [1, "c"]]);
    expect(texts([piece(1, "a"), piece(2, "b")])).toEqual([[0, "ab"]]);
  });

  it("that all say what their item covers are in the order of their places, each once, as a page has them", () => {
    const covers = { cursorStart: 1, cursorEnd: 8 };
    const page = [
      piece(0, "two", { ...covers, segmentId: "2", summaryIndex: 1 }),
      piece(0, "", { ...covers, segmentId: "b", segmentType: "sectionBreak", summaryIndex: 1 }),
      piece(0, "one", { ...covers, segmentId: "1", summaryIndex: 0 }),
    ];
    const read = aggregateCodexReasoningSegments([...page, ...page]);
    expect(read.map(({ index, text }) => [index, text])).toEqual([[0, "one"], [1, "two"]]);
    expect(read[0]).not.toHaveProperty("textTruncated");
  });

  it("of two uses of an id are kept apart, and say that they are cut", () => {
    const pieces = [piece(0, "a", { messageId: "r", summaryIndex: 0 }), piece(4, "b", { messageId: "r#2", summaryIndex: 0, textTruncated: true })];
    const read = aggregateCodexReasoningSegments(pieces);
    expect(read.map(({ text, textTruncated }) => [text, textTruncated])).toEqual([["a", undefined], ["b", true]]);
    expect(new Set(read.map(({ key }) => key)).size).toBe(2);
  });

  it("of turns, items and channels are kept apart", () => {
    const pieces = [piece(0, "a"), piece(0, "b", { itemId: "q" }), piece(0, "c", { turnId: "turn_2" }), piece(1, "raw", { channel: "raw", contentIndex: 3 })];
    expect(aggregateCodexReasoningSegments(pieces).map(({ text }) => text)).toEqual(["a", "b", "c"]);
    expect(aggregateCodexReasoningSegments(pieces, { includeRaw: true }).map(({ text, index }) => [text, index])).toContainEqual(["raw", 3]);
  });
});

describe("recorded events", () => {
  it.each(["plain", "reasoning", "multi-turn", "long"])("of %s end as their items do", (name) => {
    const lines = readFileSync(path.join(import.meta.dirname, `../fixtures/transcripts/${name}.jsonl`), "utf8").trim().split("\n");
    type Message = { method?: string; params?: { turnId?: string; item?: { type: string; id: string; text: string; summary: string[] } } };
    const messages = lines.map((line) => (JSON.parse(line) as { msg: Message }).msg).filter(({ method, params }) => method !== undefined && params !== undefined);
    const deltas = messages.map((msg, at) => ({ streamId: "s", cursorStart: at, cursorEnd: at + 1, kind: msg.method ?? "", payloadJson: JSON.stringify(msg) }));
    const ends = messages.flatMap(({ method, params }) => (method === "item/completed" && params?.item !== undefined ? [params.item] : []));
    const withoutEnds = deltas.filter(({ kind }) => kind !== "item/completed");
    const said = ends.filter(({ type }) => type === "agentMessage").map(({ text }) => text);
    expect(said.length).toBeGreaterThan(0);
    expect(Array.from(extractCodexOverlayMessages(withoutEnds).values(), ({ text }) => text)).toEqual(said);
    const thought = ends.filter(({ type }) => type === "reasoning").flatMap(({ summary }) => summary);
    expect(Array.from(extractCodexReasoningOverlaySegments(withoutEnds).values(), ({ text }) => text)).toEqual(thought);
  });
});
