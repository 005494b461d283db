import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  extractCodexOverlayMessages,
  extractCodexReasoningOverlaySegments,
  type CodexStreamDeltaLike,
  type CodexStreamsResult,
  type CodexStreamText,
} from "../../js-wrapper/mapping/index.js";
import {
  foldStreamed,
  MESSAGES_FOLDING,
  messagesStreamed as messageListsStreamed,
  nothingStreamed,
  REASONING_FOLDING,
  reasoningStreamed as reasoningListsStreamed,
  type Streamed,
  type StreamedFolding,
  type StreamedMessages,
  type StreamedReasoning,
} from "../../js-wrapper/mapping/streamed.js";
import { entriesPut } from "./entries-put.js";

const STREAM = "s";
type News = { events?: CodexStreamDeltaLike[]; texts?: CodexStreamText[]; state?: "streaming" | "finished" | "aborted" };

/** An event of one cursor. */
function event(at: number, kind: string, params: object, turnId = "t"): CodexStreamDeltaLike {
  return { streamId: STREAM, cursorStart: at, cursorEnd: at + 1, kind, payloadJson: JSON.stringify({ params: { turnId, ...params } }) };
}

function run(at: number, text: string, given: Partial<CodexStreamText> = {}): CodexStreamText {
  return { streamId: STREAM, turnId: "t", messageId: "a", channel: "text", cursorStart: at, cursorEnd: at + 1, text, ...given };
}

const started = (at: number, id = "a", type = "agentMessage", given: object = {}) => event(at, "item/started", { item: { id, type, ...given } });
const completed = (at: number, id = "a", given: object = {}) => event(at, "item/completed", { item: { id, type: "agentMessage", ...given } });

function answer(from: number, end: number, { events = [], texts = [], state = "streaming" }: News, status: "ok" | "rebased" | "stale" = "ok"): CodexStreamsResult {
  return {
    kind: "deltas",
    streams: [{ streamId: STREAM, state }],
    streamWindows: [{ streamId: STREAM, status, serverCursorStart: from, serverCursorEnd: end }],
    nextCheckpoints: [{ streamId: STREAM, cursor: end }],
    deltas: events,
    texts,
  };
}

/** Follows the stream by answers that end at `ends`, as a reader does. */
function follow<Live>(folding: StreamedFolding<Live>, news: News, ends: readonly number[]): Streamed<Live> {
  const { events = [], texts = [] } = news;
  let streamed = foldStreamed(nothingStreamed<Live>(), [], answer(0, 0, {}), folding);
  for (const end of ends) {
    const from = streamed.cursors[0]?.cursor ?? 0;
    const isIn = ({ cursorStart }: { cursorStart: number }) => cursorStart >= from && cursorStart < end;
    const part = answer(from, end, { ...news, state: "streaming", events: events.filter(isIn), texts: texts.filter(isIn) });
    streamed = foldStreamed(streamed, streamed.cursors, part, folding);
  }
  return streamed;
}

const messagesStreamed = (streamed: Streamed<StreamedMessages>) => messageListsStreamed(streamed).flat();
const reasoningStreamed = (streamed: Streamed<StreamedReasoning>, options?: { includeRaw?: boolean | undefined }) => reasoningListsStreamed(streamed, options).flat();
const messagesOf = (news: News, ends: readonly number[]) => messagesStreamed(follow(MESSAGES_FOLDING, news, ends));

describe("messages that streams tell of", () => {
  it("have the text of their runs, and how they ended", () => {
    const events = [started(0), started(3, "b"), completed(4, "a", { text: "Hello!" })];
    const texts = [run(1, "Hel"), run(2, "lo")];
    expect(messagesOf({ events, texts }, [2])).toEqual([{ turnId: "t", messageId: "a", text: "Hel", status: "streaming", lastCursor: 2 }]);
    expect(messagesOf({ events, texts }, [2, 5])).toEqual([
      { turnId: "t", messageId: "b", text: "", status: "streaming", lastCursor: 4 },
      { turnId: "t", messageId: "a", text: "Hello!", status: "completed", lastCursor: 5 },
    ]);
  });

  it("are no reasoning, no command and no user's words", () => {
    const events = [started(0, "r", "reasoning"), started(1, "c", "commandExecution"), started(2, "u", "userMessage")];
    const texts = [run(3, "thought", { messageId: "r" }), run(4, "out", { messageId: "c", channel: "output" }), run(5, "unknown")];
    expect(messagesOf({ events, texts }, [6])).toEqual([]);
  });

  it.each([
    ["completed", { turn: { id: "t", status: "completed" } }, "completed", undefined],
    ["interrupted", { turn: { id: "t", status: "interrupted", error: null } }, "interrupted", undefined],
    ["failed", { turn: { id: "t", status: "failed", error: { message: "no" } } }, "failed", "no"],
  ])("end with their turn: %s", (_, params, status, error) => {
    const events = [started(0), event(2, "turn/completed", params)];
    const [message] = messagesOf({ events, texts: [run(1, "half", { pendingHigh: 0xd83d })] }, [3]);
    expect(message).toEqual({ turnId: "t", messageId: "a", text: "half\uFFFD", status, lastCursor: 2, ...(error && { error }) });
  });

  it("an error that is tried again ends nothing", () => {
    const events = [started(0), event(1, "error", { willRetry: true, error: { message: "again" } })];
    expect(messagesOf({ events }, [2])).toMatchObject([{ status: "streaming" }]);
  });

  it("a surrogate pair split between deltas is one character, in one answer and in two", () => {
    const texts = [run(1, "a", { pendingHigh: 0xd83d }), run(2, "b", { leadingLow: 0xde00 })];
    for (const ends of [[3], [2, 3]]) expect(messagesOf({ events: [started(0)], texts }, ends)).toMatchObject([{ text: "a😀b" }]);
  });

  it("an item's id that is used again is another message", () => {
    const events = [started(0), completed(1, "a", { text: "one" }), started(2)];
    const texts = [run(3, "two", { messageId: "a#2" })];
    const found = messagesOf({ events, texts }, [2, 4]).map(({ messageId, text }) => [messageId, text]);
    expect(found).toEqual([["a", "one"], ["a#2", "two"]]);
  });

  it("a redelivered start takes no text away", () => {
    const events = [started(0), started(2, "a", "agentMessage", { text: "" })];
    expect(messagesOf({ events, texts: [run(1, "text"), run(3, "!")] }, [2, 4])).toMatchObject([{ text: "text!" }]);
  });

  it("history trimmed under a live cursor: what lacks its beginning is left out until it ends", () => {
    const lost = answer(40, 43, { texts: [run(41, "tail")] }, "rebased");
    let streamed = foldStreamed(follow(MESSAGES_FOLDING, { events: [started(0)], texts: [run(1, "head")] }, [2]), [{ streamId: STREAM, cursor: 2 }], lost, MESSAGES_FOLDING);
    expect(messagesStreamed(streamed)).toEqual([]);
    streamed = foldStreamed(streamed, streamed.cursors, answer(43, 44, { events: [completed(43, "a", { text: "head, tail" })] }), MESSAGES_FOLDING);
    expect(messagesStreamed(streamed)).toMatchObject([{ text: "head, tail", status: "completed" }]);
  });

  it("stale: the stream's messages are dropped, and the reading goes on, backwards too", () => {
    const before = follow(MESSAGES_FOLDING, { events: [started(0)], texts: [run(1, "x")] }, [2]);
    const after = foldStreamed(before, before.cursors, answer(2, 1, {}, "stale"), MESSAGES_FOLDING);
    expect([messagesStreamed(after), after.cursors]).toEqual([[], [{ streamId: STREAM, cursor: 1 }]]);
  });

  it("an event below the cursor, and what a command prints, are no news", () => {
    const before = follow(MESSAGES_FOLDING, { events: [started(0)], texts: [run(1, "x")] }, [2]);
    const news = { events: [completed(1, "a", { text: "old" })], texts: [run(2, "printed", { channel: "output" })] };
    expect(messagesStreamed(foldStreamed(before, before.cursors, answer(2, 3, news), MESSAGES_FOLDING))).toEqual(messagesStreamed(before));
  });

  it("a message without a start is one whose beginning was read, where the reading began at the stream's", () => {
    const delta = (at: number) => event(at, "item/agentMessage/delta", { itemId: "a", delta: "x" });
    expect(messagesOf({ events: [delta(0)], texts: [run(0, "x")] }, [1])).toMatchObject([{ text: "x" }]);
    const begun = follow(MESSAGES_FOLDING, {}, []);
    const lost = answer(40, 41, { events: [delta(40)], texts: [run(40, "x")] }, "rebased");
    expect(messagesStreamed(foldStreamed(begun, begun.cursors, lost, MESSAGES_FOLDING))).toEqual([]);
  });

  it("a run that reaches back below the cursor would double text: its message waits for its end", () => {
    const before = follow(MESSAGES_FOLDING, { events: [started(0)], texts: [run(1, "x")] }, [2]);
    const texts = [run(1, "xy", { cursorEnd: 4 })];
    expect(messagesStreamed(foldStreamed(before, before.cursors, answer(2, 4, { texts }), MESSAGES_FOLDING))).toEqual([]);
  });

  it("an answer folded twice, and one to cursors that were left behind, change nothing", () => {
    const before = follow(MESSAGES_FOLDING, { events: [started(0)] }, [1]);
    const news = answer(1, 2, { texts: [run(1, "x")] });
    const after = foldStreamed(before, before.cursors, news, MESSAGES_FOLDING);
    expect(foldStreamed(after, before.cursors, news, MESSAGES_FOLDING)).toBe(after);
    expect(foldStreamed(after, after.cursors, answer(2, 2, {}), MESSAGES_FOLDING)).toBe(after);
  });

  it.each([
    ["aborted", "interrupted"],
    ["finished", "completed"],
  ] as const)("a stream that is %s without a word leaves its messages %s", (state, status) => {
    const before = follow(MESSAGES_FOLDING, { events: [started(0)], texts: [run(1, "half")] }, [2]);
    const after = foldStreamed(before, before.cursors, answer(2, 2, { state }), MESSAGES_FOLDING);
    expect(after.cursors).toEqual([]);
    expect(messagesStreamed(after)).toMatchObject([{ text: "half", status }]);
  });

  it("a stream that is listed no more takes its messages with it", () => {
    const before = follow(MESSAGES_FOLDING, { events: [started(0)] }, [1]);
    const gone = { ...(answer(1, 1, {}) as object), streams: [] } as unknown as CodexStreamsResult;
    expect(messagesStreamed(foldStreamed(before, before.cursors, gone, MESSAGES_FOLDING))).toEqual([]);
  });

  it("a stream that speaks again is read anew, and shown once", () => {
    const news = { events: [started(0)], texts: [run(1, "half")] };
    let streamed = follow(MESSAGES_FOLDING, news, [2]);
    streamed = foldStreamed(streamed, streamed.cursors, answer(2, 2, { state: "aborted" }), MESSAGES_FOLDING);
    streamed = foldStreamed(streamed, streamed.cursors, answer(0, 0, {}), MESSAGES_FOLDING);
    streamed = foldStreamed(streamed, streamed.cursors, answer(0, 2, news), MESSAGES_FOLDING);
    expect(messagesStreamed(streamed)).toMatchObject([{ text: "half", status: "streaming" }]);
  });

  it("of the streams that ended the newest twenty are kept", () => {
    let streamed = nothingStreamed<(typeof MESSAGES_FOLDING)["none"]>();
    const ofStream = (streamId: string, from: number, end: number, events: CodexStreamDeltaLike[], state: "streaming" | "finished"): CodexStreamsResult => ({
      kind: "deltas",
      streams: [{ streamId, state }],
      streamWindows: [{ streamId, status: "ok", serverCursorStart: from, serverCursorEnd: end }],
      nextCheckpoints: [{ streamId, cursor: end }],
      deltas: events,
    });
    for (let n = 0; n < 25; n += 1) {
      const id = `s${n}`;
      const begun = { ...started(0, id), streamId: id };
      streamed = foldStreamed(streamed, streamed.cursors, ofStream(id, 0, 0, [], "streaming"), MESSAGES_FOLDING);
      streamed = foldStreamed(streamed, streamed.cursors, ofStream(id, 0, 1, [begun], "streaming"), MESSAGES_FOLDING);
      streamed = foldStreamed(streamed, streamed.cursors, ofStream(id, 1, 1, [], "finished"), MESSAGES_FOLDING);
    }
    expect(messagesStreamed(streamed).map(({ messageId }) => messageId)).toEqual(Array.from({ length: 20 }, (_, n) => `s${n + 5}`));
  });

  it("a message that did not change is the same object while another one grows", () => {
    const events = [started(0), started(1, "b")];
    const before = follow(MESSAGES_FOLDING, { events }, [2]);
    const after = foldStreamed(before, before.cursors, answer(2, 3, { texts: [run(2, "x", { messageId: "b" })] }), MESSAGES_FOLDING);
    expect(messagesStreamed(after)[0]).toBe(messagesStreamed(before)[0]);
    expect(messagesStreamed(after)[1]).toMatchObject({ text: "x" });
  });
});

describe("reasoning that streams tell of", () => {
  const summary = (at: number, delta: string, summaryIndex?: number) => event(at, "item/reasoning/summaryTextDelta", { itemId: "r", delta, summaryIndex });
  const events = [
    started(0, "r", "reasoning"),
    event(1, "item/reasoning/summaryPartAdded", { itemId: "r", summaryIndex: 0 }),
    summary(2, "first", 0),
    event(3, "item/reasoning/textDelta", { itemId: "r", delta: "raw", contentIndex: 0 }),
    event(4, "item/reasoning/summaryPartAdded", { itemId: "r", summaryIndex: 1 }),
    summary(5, "sec", 1),
    summary(6, "ond", 1),
  ];
  const texts = (streamed: Streamed<(typeof REASONING_FOLDING)["none"]>, includeRaw?: boolean) =>
    reasoningStreamed(streamed, { includeRaw }).map(({ text }) => text);

  it("is joined by section, raw thoughts only where they are asked for", () => {
    const streamed = follow(REASONING_FOLDING, { events }, [3, 6, 7]);
    expect(texts(streamed)).toEqual(["first", "second"]);
    expect(texts(streamed, true)).toEqual(["first", "raw", "second"]);
  });

  it("that lacks its beginning is left out, and what begins later is not", () => {
    const begun = follow(REASONING_FOLDING, {}, []);
    const lost = answer(40, 42, { events: [summary(40, "tail", 0), started(41, "q", "reasoning")] }, "rebased");
    let streamed = foldStreamed(begun, begun.cursors, lost, REASONING_FOLDING);
    const later = event(42, "item/reasoning/summaryTextDelta", { itemId: "q", delta: "whole", summaryIndex: 0 });
    streamed = foldStreamed(streamed, streamed.cursors, answer(42, 43, { events: [later] }), REASONING_FOLDING);
    expect(texts(streamed)).toEqual(["whole"]);
  });

  it("a section that did not change is the same object while another one grows", () => {
    const before = follow(REASONING_FOLDING, { events }, [6]);
    const after = foldStreamed(before, before.cursors, answer(6, 7, { events: events.slice(6) }), REASONING_FOLDING);
    expect(reasoningStreamed(after)[0]).toBe(reasoningStreamed(before)[0]);
    expect(reasoningStreamed(after)[1]).not.toBe(reasoningStreamed(before)[1]);
  });
});

describe("what an answer costs", () => {
  /** Counts how often something is read of rows. */
  function readsOf(rows: readonly object[]): () => number {
    let count = 0;
    for (const row of rows)
      for (const [name, value] of Object.entries(row))
        Object.defineProperty(row, name, {
          get: () => {
            count += 1;
            return value as unknown;
          },
        });
    return () => count;
  }

  const RUNS = 50;
  const open = (size: number) => event(2 * size, "item/reasoning/summaryPartAdded", { itemId: `r${size}`, summaryIndex: 0 });

  /** One piece of text more, `RUNS` times, behind `size` items that have ended: what each answer puts, and what it reads of rows that are there. */
  function costs<Live>(folding: StreamedFolding<Live>, listsOf: (streamed: Streamed<Live>) => (readonly { text: string }[])[], size: number) {
    const ended = Array.from({ length: size }, (_, n) => [
      ...[started(2 * n, `m${n}`), event(2 * n, "item/reasoning/summaryTextDelta", { itemId: `r${n}`, delta: "thought", summaryIndex: 0 })].slice(folding === (MESSAGES_FOLDING as unknown) ? 0 : 1),
      completed(2 * n + 1, `m${n}`, { text: "said" }),
    ]).flat();
    const begin = 2 * size;
    const more = folding === (MESSAGES_FOLDING as unknown) ? started(begin, "live") : open(size);
    let streamed = follow(folding, { events: [...ended, more] }, [...Array.from({ length: size }, (_, n) => 2 * n + 2), begin + 1]);
    const say = (at: number) => {
      const delta = event(at, "item/reasoning/summaryTextDelta", { itemId: `r${size}`, delta: "x", summaryIndex: 0 });
      const texts = [run(at, "x", { messageId: "live" })];
      streamed = foldStreamed(streamed, streamed.cursors, answer(at, at + 1, { events: [delta], texts }), folding);
    };
    // The first piece finds what the answers before it wrote.
    for (const at of [begin + 1, begin + 2]) say(at);
    const reads = readsOf(listsOf(streamed).flat().slice(0, size));
    const put = Array.from({ length: RUNS }, (_, n) => entriesPut(() => say(begin + 3 + n)));
    expect(listsOf(streamed).flat()).toHaveLength(size + 1);
    const read = reads();
    expect(listsOf(streamed).flat().at(-1)?.text).toBe("x".repeat(RUNS + 2));
    return { put, read };
  }

  it.each([
    ["messages", (size: number) => costs(MESSAGES_FOLDING, messageListsStreamed, size)],
    ["reasoning", (size: number) => costs(REASONING_FOLDING, reasoningListsStreamed, size)],
  ])("of %s does not grow with what has ended", (_, costsOf) => {
    const few = costsOf(3);
    // The one that it is behind.
    expect(few.read).toBeLessThanOrEqual(RUNS);
    expect(Math.max(...few.put)).toBeLessThan(30);
    expect(costsOf(1_000)).toEqual(few);
  });

  it("copies an entry as often as sizes double where each answer ends an item", () => {
    const size = 1_024;
    const events = Array.from({ length: size }, (_, n) => [started(2 * n, `m${n}`), completed(2 * n + 1, `m${n}`, { text: "said" })]).flat();
    const ends = Array.from({ length: size }, (_, n) => 2 * n + 2);
    const put = entriesPut(() => follow(MESSAGES_FOLDING, { events }, ends));
    // Two maps, each of which holds every item, and what an answer itself is read with.
    expect(put).toBeLessThan(size * (2 * Math.log2(size) + 30));
  });

  it("is the same list while nothing in it changed, whatever else the stream tells", () => {
    const before = follow(MESSAGES_FOLDING, { events: [started(0)], texts: [run(1, "x")] }, [2]);
    const after = foldStreamed(before, before.cursors, answer(2, 3, { events: [started(2, "c", "commandExecution")] }), MESSAGES_FOLDING);
    expect(after).not.toBe(before);
    expect(messageListsStreamed(after)[0]).toBe(messageListsStreamed(before)[0]);
  });
});

it("the cursors of two streams say nothing of each other: a turn's messages come behind those of the turn that ended before", () => {
  const long = follow(MESSAGES_FOLDING, { events: [started(0), completed(900, "a", { text: "the turn before" })] }, [901]);
  const next = "next";
  const states = { streams: [{ streamId: STREAM, state: "finished" }, { streamId: next, state: "streaming" }] };
  const listed = { ...(answer(901, 901, {}) as object), ...states } as CodexStreamsResult;
  let streamed = foldStreamed(long, long.cursors, listed, MESSAGES_FOLDING);
  const begun = { ...started(0, "b"), streamId: next };
  const news = {
    ...states,
    kind: "deltas",
    streamWindows: [{ streamId: next, status: "ok", serverCursorStart: 0, serverCursorEnd: 2 }],
    nextCheckpoints: [{ streamId: next, cursor: 2 }],
    deltas: [begun],
    texts: [run(1, "this turn", { streamId: next, messageId: "b" })],
  } as CodexStreamsResult;
  streamed = foldStreamed(streamed, streamed.cursors, news, MESSAGES_FOLDING);
  expect(messagesStreamed(streamed).map(({ text }) => text)).toEqual(["the turn before", "this turn"]);
});

describe("recorded events, in answers of any size", () => {
  const KEPT = /^(item\/(started|completed|agentMessage\/delta|plan\/delta|reasoning\/.*)|turn\/(started|completed)|error)$/;

  it.each(["plain", "reasoning", "multi-turn", "long"])("of %s fold to what reading them all at once says", (name) => {
    const lines = readFileSync(path.join(import.meta.dirname, `../fixtures/transcripts/${name}.jsonl`), "utf8").trim().split("\n");
    const messages = lines.map((line) => (JSON.parse(line) as { msg: { method?: string; params?: Record<string, unknown> } }).msg);
    const events = messages.flatMap(({ method, params }, at): CodexStreamDeltaLike[] =>
      method === undefined || !KEPT.test(method)
        ? []
        : [{ streamId: STREAM, cursorStart: at, cursorEnd: at + 1, kind: method, payloadJson: JSON.stringify({ params }) }],
    );
    const texts = messages.flatMap(({ method, params }, at) => {
      if (method !== "item/agentMessage/delta" && method !== "item/plan/delta") return [];
      const { turnId, itemId, delta } = params as Record<string, string>;
      return [run(at, delta ?? "", { turnId: turnId ?? "", messageId: itemId ?? "" })];
    });
    const byCursor = [...extractCodexOverlayMessages(events).values()].sort((a, b) => a.lastCursor - b.lastCursor);
    const sections = [...extractCodexReasoningOverlaySegments(events, { includeRaw: true }).values()];
    expect(byCursor.length).toBeGreaterThan(0);
    for (const step of [1, 7, messages.length]) {
      const ends = Array.from({ length: Math.ceil(messages.length / step) }, (_, n) => Math.min((n + 1) * step, messages.length));
      expect(messagesStreamed(follow(MESSAGES_FOLDING, { events, texts }, ends))).toEqual(byCursor);
      expect(reasoningStreamed(follow(REASONING_FOLDING, { events }, ends), { includeRaw: true })).toEqual(sections);
    }
  });
});
