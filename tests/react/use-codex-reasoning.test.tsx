import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CodexLiveMessage, CodexReasoningSegmentLike } from "../../js-wrapper/mapping/index.js";
import { EMPTY_OVERLAY, foldOverlay } from "../../js-wrapper/mapping/index.js";
import { LayeredMap } from "../../js-wrapper/mapping/layered-map.js";
import { mergeCodexReasoning } from "../../js-wrapper/mapping/merge-reasoning.js";
import { useCodexReasoning, type CodexReasoningPage } from "../../js-wrapper/react/index.js";
import { entriesPut } from "./entries-put.js";
import { FakeConvex, FakeHost, isOverlay } from "./fake-convex.js";
import { api } from "./host-api.js";
import { inStrictMode } from "./in-strict-mode.js";

const THREAD = "thread";

let host: FakeHost;
let convex: FakeConvex;
/** Newest first, as the host's query answers. */
let pieces: CodexReasoningSegmentLike[];

beforeEach(() => {
  host = new FakeHost();
  host.rows.set(THREAD, []);
  pieces = [];
  convex = new FakeConvex((args) => {
    const answer = host.serve(args);
    const isAsked = (args["paginationOpts"] as { numItems: number }).numItems > 0;
    const isFollowed = (args["streamArgs"] as { kind: string } | undefined)?.kind === "followed";
    const asked = pieces.map((piece) => (isFollowed ? piece : { ...piece, text: textSoFar(piece), tail: undefined }));
    const shown = args["includeRaw"] === true ? asked : asked.filter(({ channel }) => channel === "summary");
    return { ...answer, page: isAsked && answer.threadStatus !== "missing" ? shown : [] } satisfies CodexReasoningPage;
  });
});
afterEach(cleanup);

/** An item that goes on: its text so far. */
function streaming(itemId: string, text: string, given: Partial<CodexReasoningSegmentLike> = {}): CodexReasoningSegmentLike {
  return piece(itemId, text, { status: "streaming", ...given });
}

/** One that goes on in its stream, for who follows: nothing before `cursor` is read. */
function folded(itemId: string, text: string, cursor: number): CodexReasoningSegmentLike {
  return streaming(itemId, text, { tail: { streamId: `${THREAD}:turn:0`, cursor } });
}

/** A piece's text with what its stream has behind it: what one gets who does not follow. */
function textSoFar({ text, tail, messageId }: CodexReasoningSegmentLike): string {
  if (tail === undefined) return text;
  const runs = host.stream(THREAD).runs.filter((run) => run.messageId === messageId && run.cursorStart >= tail.cursor);
  return text + runs.map((run) => run.text).join("");
}

function piece(itemId: string, text: string, given: Partial<CodexReasoningSegmentLike> = {}): CodexReasoningSegmentLike {
  const { channel = "summary", segmentType = "textDelta", summaryIndex, contentIndex } = given;
  const segmentId = JSON.stringify([itemId, channel, segmentType, summaryIndex ?? contentIndex ?? 0]);
  return { segmentId, messageId: itemId, turnId: "turn", itemId, channel, segmentType, text, cursorStart: 0, cursorEnd: 1, status: "completed", ...given };
}

/** An item that ended, in two parts, as a page has it. */
function ended(itemId: string, first: string, second: string): CodexReasoningSegmentLike[] {
  return [piece(itemId, second, { summaryIndex: 1 }), piece(itemId, "", { summaryIndex: 1, segmentType: "sectionBreak" }), piece(itemId, first, { summaryIndex: 0 })];
}

interface Given {
  threadId?: string;
  skip?: boolean;
  includeRaw?: boolean;
  stream?: boolean;
}

function follow(initial: Given = {}) {
  const hook = renderHook(
    ({ threadId = THREAD, skip = false, includeRaw, stream = true }: Given) =>
      useCodexReasoning(
        api.chat.listThreadReasoningForHooks,
        skip ? "skip" : { threadId, ...(includeRaw !== undefined && { includeRaw }) },
        { initialNumItems: 10, stream },
      ),
    { initialProps: initial, wrapper: inStrictMode(convex.client) },
  );
  return {
    get current() {
      return hook.result.current;
    },
    get texts() {
      return hook.result.current.results.map(({ text }) => text);
    },
    rerender: hook.rerender,
  };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await act(() => convex.flush());
}

describe("what was thought", () => {
  it("is joined by section, oldest first", async () => {
    pieces = [streaming("new", "now"), ...ended("old", "first", "second")];
    const view = follow();
    expect(view.current).toMatchObject({ status: "LoadingFirstPage", isLoading: true, results: [] });
    await settle();
    expect(view.current.results.map(({ itemId, index, text, status }) => [itemId, index, text, status])).toEqual([
      ["old", 0, "first", "completed"],
      ["old", 1, "second", "completed"],
      ["new", 0, "now", "streaming"],
    ]);
    expect(view.current).toMatchObject({ threadStatus: "active", isLoading: false });
  });

  it("in full is shown where it is asked for by the arguments", async () => {
    pieces = [piece("r", "in full", { channel: "raw", contentIndex: 0 }), piece("r", "in short", { summaryIndex: 0 })];
    const view = follow();
    await settle();
    expect(view.texts).toEqual(["in short"]);
    view.rerender({ includeRaw: true });
    await settle();
    expect(view.texts).toEqual(["in short", "in full"]);
    expect(convex.active.every(({ includeRaw }) => includeRaw === true)).toBe(true);
  });

  it("in full is not shown by a host that sends it unasked", async () => {
    pieces = [piece("r", "in full", { channel: "raw", contentIndex: 0 })];
    convex = new FakeConvex((args) => ({ ...host.serve(args), page: pieces }));
    const view = follow();
    await settle();
    expect(view.texts).toEqual([]);
  });

  it("goes on live where it streams, and only with `stream`", async () => {
    host.say(THREAD, "r", "I th");
    pieces = [folded("r", "I th", 1)];
    const view = follow();
    await settle();
    host.say(THREAD, "r", "ink");
    await settle();
    expect(view.texts).toEqual(["I think"]);
    host.say(THREAD, "r", ", so");
    await settle();
    expect([view.texts, host.runsServed]).toEqual([["I think, so"], 2]);
    view.rerender({ stream: false });
    await settle();
    expect(view.texts).toEqual(["I think, so"]);
    const served = host.runsServed;
    host.say(THREAD, "r", ".");
    pieces = [folded("r", "I th", 1)];
    await settle();
    expect([view.texts, host.runsServed]).toEqual([["I think, so."], served]);
    pieces = ended("r", "I think", "I am");
    view.rerender({});
    await settle();
    expect(view.texts).toEqual(["I think", "I am"]);
  });

  it("of an item that has said nothing yet is shown with its first word, and its page is not read again", async () => {
    pieces = [folded("r", "", 0)];
    host.stream(THREAD);
    const view = follow();
    await settle();
    expect(view.texts).toEqual([]);
    const pages = convex.subscribed.length;
    host.say(THREAD, "r", "Hm");
    await settle();
    expect(view.texts).toEqual(["Hm"]);
    expect(convex.subscribed.slice(pages).filter((args) => !isOverlay(args))).toEqual([]);
  });

  it('"skip": nothing subscribed', async () => {
    const view = follow({ skip: true });
    await settle();
    expect([convex.subscribed, view.current.results]).toEqual([[], []]);
  });

  it("of a missing thread is nothing and says so; a failure is a value, and passes", async () => {
    const view = follow({ threadId: "new" });
    await settle();
    expect(view.current).toMatchObject({ results: [], threadStatus: "missing" });
    host.error = new Error("no such function");
    await settle();
    expect(view.current.error?.message).toBe("no such function");
    host.error = undefined;
    await settle();
    expect(view.current.error).toBeUndefined();
  });

  it("a failure of the streams alone is told, and passes", async () => {
    let isDown = true;
    convex = new FakeConvex((args) => {
      if (isDown && isOverlay(args)) throw new Error("streams are down");
      return host.serve(args);
    });
    host.put(THREAD, { messageId: "m" });
    const view = follow();
    await settle();
    expect(view.current).toMatchObject({ status: "Exhausted", error: { message: "streams are down" } });
    isDown = false;
    await settle();
    expect(view.current.error).toBeUndefined();
  });

  it("another thread chosen mid-stream: no mixing", async () => {
    pieces = [streaming("r", "of one")];
    const view = follow();
    await settle();
    host.rows.set("two", []);
    pieces = [streaming("r", "of two")];
    view.rerender({ threadId: "two" });
    expect(view.texts).toEqual([]);
    await settle();
    expect(view.texts).toEqual(["of two"]);
  });

  it("the stream's query is not yet loaded: durable pieces shown", async () => {
    pieces = [folded("r", "durable", 1)];
    for (const text of ["durable", " and live"]) host.say(THREAD, "r", text);
    convex.hold(isOverlay);
    const view = follow();
    await settle();
    expect(view.texts).toEqual(["durable"]);
    convex.hold(() => false);
    await settle();
    expect(view.texts).toEqual(["durable and live"]);
  });

  it("a section that did not change is the same object while another one grows, and so is the list", async () => {
    pieces = [streaming("new", "n"), ...ended("old", "first", "second")];
    const view = follow();
    await settle();
    const before = view.current.results;
    view.rerender({});
    await settle();
    expect(view.current.results).toBe(before);
    pieces = [streaming("new", "now"), ...ended("old", "first", "second")];
    await settle();
    expect(view.texts).toEqual(["first", "second", "now"]);
    expect(view.current.results.map((section, at) => section === before[at])).toEqual([true, true, false]);
  });
});

describe("merging pieces of reasoning with live text", () => {
  const overlayOf = (text: string, since = 0) => ({
    ...EMPTY_OVERLAY,
    streams: new Map([["s", { cursor: 9, since, gone: 0, holes: [], live: new LayeredMap<string, CodexLiveMessage>().set('["turn","r"]', { text: { text, pendingHigh: undefined, since, from: since, end: 9, origin: {} } }) }]]),
  });

  it.each([
    ["goes on", streaming("r", "Hel"), "Hello", 0, "Hello"],
    ["is behind", streaming("r", "Hello"), "Hel", 0, "Hello"],
    ["contradicts", streaming("r", "Hxl"), "Hello", 0, "Hxl"],
    ["lacks its beginning", streaming("r", "", { cursorStart: 3 }), "lo", 4, undefined],
    ["is of an item that ended", piece("r", "Hel"), "Hello", 0, "Hel"],
  ])("live text that %s", (_, durable, live, since, shown) => {
    const { sections } = mergeCodexReasoning([durable], overlayOf(live, since));
    expect(sections[0]?.text).toBe(shown);
  });

  it("a text that the list cuts off is whole while it is live", () => {
    const { sections } = mergeCodexReasoning([streaming("r", "Hel", { textTruncated: true })], overlayOf("Hello"));
    expect(sections).toMatchObject([{ text: "Hello" }]);
    expect(sections[0]).not.toHaveProperty("textTruncated");
  });

  it("looks at no item that has ended while the pieces are the same, however many there are", () => {
    let looks = 0;
    const watched = (given: CodexReasoningSegmentLike) => new Proxy(given, { get: (target, name) => ((looks += 1), Reflect.get(target, name) as unknown) });
    const pieces = [streaming("r", "H"), ...Array.from({ length: 1_000 }, (_, n) => watched(piece(`old${n}`, "thought")))];
    let merged = mergeCodexReasoning(pieces, EMPTY_OVERLAY);
    for (const one of merged.sections) if (one.itemId !== "r") Object.defineProperty(one, "text", { get: () => ((looks += 1), "thought") });
    looks = 0;
    const put = entriesPut(() => {
      for (const text of ["He", "Hel", "Hell"]) {
        const before = merged;
        merged = mergeCodexReasoning(pieces, overlayOf(text), {}, before);
        expect(merged.sections.at(-1)?.text).toBe(text);
        expect(merged.sections[0]).toBe(before.sections[0]);
        expect(mergeCodexReasoning(pieces, overlayOf(text), {}, merged).sections).toBe(merged.sections);
      }
    });
    expect(looks).toBe(0);
    expect(put).toBeLessThan(1_000);
  });

  it("a first word makes a section where there was none, at its place", () => {
    const pieces = [streaming("r", ""), piece("old", "thought")];
    const before = mergeCodexReasoning(pieces, EMPTY_OVERLAY);
    expect(before.sections.map(({ text }) => text)).toEqual(["thought"]);
    const after = mergeCodexReasoning(pieces, overlayOf("Hm"), {}, before);
    expect(after.sections.map(({ text }) => text)).toEqual(["thought", "Hm"]);
    expect(mergeCodexReasoning(pieces, overlayOf("Hmm"), {}, after).sections.map(({ text }) => text)).toEqual(["thought", "Hmm"]);
  });

  it("pieces that arrive anew with the same content are the same sections, in the same list", () => {
    const before = mergeCodexReasoning(ended("r", "first", "second"), EMPTY_OVERLAY);
    const same = mergeCodexReasoning(structuredClone(ended("r", "first", "second")), EMPTY_OVERLAY, {}, before);
    expect(same.sections).toBe(before.sections);
    const other = mergeCodexReasoning(ended("r", "first", "another"), EMPTY_OVERLAY, {}, before);
    expect(other.sections.map((section, at) => section === before.sections[at])).toEqual([true, false]);
  });

  it("what is asked for changes what the same pieces are joined to", () => {
    const rows = [piece("r", "in full", { channel: "raw", contentIndex: 0 })];
    const before = mergeCodexReasoning(rows, EMPTY_OVERLAY);
    expect([before.sections, mergeCodexReasoning(rows, EMPTY_OVERLAY, { includeRaw: true }, before).sections]).toMatchObject([[], [{ text: "in full" }]]);
  });

  it("a growing item is joined anew, and no other is looked at", () => {
    let looks = 0;
    const counted = (one: CodexReasoningSegmentLike) => new Proxy(one, { get: (target, name) => ((looks += 1), Reflect.get(target, name) as unknown) });
    const old = Array.from({ length: 100 }, (_, n) => counted(piece(`old${n}`, "done")));
    const rows = [streaming("r", "H"), ...old];
    const news = (end: number, text: string) => ({
      kind: "deltas" as const,
      streams: [{ streamId: "s", state: "streaming" as const }],
      streamWindows: [{ streamId: "s", status: "ok" as const, serverCursorStart: end - 1, serverCursorEnd: end }],
      nextCheckpoints: [{ streamId: "s", cursor: end }],
      texts: [{ streamId: "s", turnId: "turn", messageId: "r", channel: "text" as const, cursorStart: end - 1, cursorEnd: end, text }],
    });
    let overlay = foldOverlay(EMPTY_OVERLAY, [], { kind: "list", streams: [{ streamId: "s", state: "streaming" }] });
    overlay = foldOverlay(overlay, overlay.cursors, news(1, "He"));
    let merged = mergeCodexReasoning(rows, overlay);
    expect(looks).toBeGreaterThan(old.length);
    looks = 0;
    for (let end = 2; end <= 50; end += 1) {
      overlay = foldOverlay(overlay, overlay.cursors, news(end, "l"));
      merged = mergeCodexReasoning(rows, overlay, {}, merged);
    }
    expect(merged.sections.at(-1)?.text).toHaveLength(51);
    expect(looks).toBe(0);
  });
});
