import { act, cleanup, render, renderHook } from "@testing-library/react";
import { ConvexProvider } from "convex/react";
import { anyApi } from "convex/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CodexUIMessage, UseCodexMessagesResult } from "../../js-wrapper/react/index.js";
import { useCodexMessages } from "../../js-wrapper/react/index.js";
import { FakeConvex, FakeHost, isOverlay } from "./fake-convex.js";
import { inStrictMode } from "./in-strict-mode.js";

const ACTOR = { tenantId: "demo", userId: "demo", deviceId: "web-1" };
const THREAD = "thread";
/** What many answers may take where the machine is busy. */
const MANY_TIMEOUT_MS = 30_000;

let host: FakeHost;
let convex: FakeConvex;

beforeEach(() => {
  host = new FakeHost();
  convex = new FakeConvex(host.serve);
});
afterEach(cleanup);

describe("durable pages", () => {
  it("loads the newest, shows them oldest first", async () => {
    for (const messageId of ["a", "b", "c"]) host.put(THREAD, { messageId });
    const view = follow({ initialNumItems: 2 });
    expect(view.current).toMatchObject({
      status: "LoadingFirstPage",
      isLoading: true,
      results: [],
    });
    await settle();
    expect(ids(view.current)).toEqual(["b", "c"]);
    expect(view.current).toMatchObject({
      status: "CanLoadMore",
      isLoading: false,
      threadStatus: "active",
    });
  });

  it("no row is lost or doubled while newer ones arrive", async () => {
    for (const n of [1, 2, 3, 4, 5]) host.put(THREAD, { messageId: `m${n}` });
    const view = follow({ initialNumItems: 2 });
    await settle();
    act(() => view.current.loadMore(2));
    expect(view.current).toMatchObject({ status: "LoadingMore", isLoading: true });
    expect(ids(view.current)).toEqual(["m4", "m5"]);
    await settle();
    expect(ids(view.current)).toEqual(["m2", "m3", "m4", "m5"]);
    for (const n of [6, 7, 8]) host.put(THREAD, { messageId: `m${n}` });
    await settle();
    expect(ids(view.current)).toEqual(["m2", "m3", "m4", "m5", "m6", "m7", "m8"]);
    act(() => view.current.loadMore(2));
    await settle();
    expect(ids(view.current)).toEqual(["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"]);
    expect(view.current.status).toBe("Exhausted");
  });

  it("no row is missing at any moment while a page grows out of what a page may hold, again and again", async () => {
    const put = (n: number) => host.put(THREAD, { messageId: `m${n}` });
    for (let n = 1; n <= 20; n += 1) put(n);
    host.pageRowsMax = 8;
    const seen: string[][] = [];
    const view = follow({ initialNumItems: 4, onRender: (result) => seen.push(ids(result)) });
    await settle();
    act(() => view.current.loadMore(4));
    await settle();
    expect(ids(view.current)[0]).toBe("m13");
    seen.length = 0;
    for (let n = 21; n <= 60; n += 1) {
      put(n);
      await settle();
      expect(ids(view.current)).toEqual(named(13, n));
    }
    expect(seen.filter((shown) => shown.join() !== named(13, 12 + shown.length).join())).toEqual([]);
  });

  it.each([3, 40])("what was shown stays where more than was asked for comes, in a thread of %d", async (count) => {
    const put = (n: number) => host.put(THREAD, { messageId: `m${n}` });
    for (let n = 1; n <= count; n += 1) put(n);
    const seen: string[][] = [];
    const view = follow({ initialNumItems: 30, onRender: (result) => seen.push(ids(result)) });
    await settle();
    seen.length = 0;
    const oldest = Math.max(1, count - 29);
    for (let n = count + 1; n <= count + 100; n += 1) {
      put(n);
      await settle();
      expect(ids(view.current)).toEqual(named(oldest, n));
      expect(view.current.status).toBe(count < 30 ? "Exhausted" : "CanLoadMore");
    }
    expect(seen.filter((shown) => shown[0] !== `m${oldest}`)).toEqual([]);
  });

  it("a whole thread that fits is one subscription; one that has grown, and can be gone on with, is its pages", async () => {
    for (let n = 1; n <= 40; n += 1) host.put(THREAD, { messageId: `m${n}` });
    const view = follow({ initialNumItems: 30, stream: false });
    await settle();
    expect(convex.active).toHaveLength(1);
    host.put(THREAD, { messageId: "m41" });
    await settle();
    expect(convex.active).toHaveLength(1);
    act(() => view.current.loadMore(30));
    await settle();
    expect(convex.active).toHaveLength(2);
    expect(ids(view.current)).toEqual(named(1, 41));
  });

  it("what was read stays while its query fails", async () => {
    for (let n = 1; n <= 4; n += 1) host.put(THREAD, { messageId: `m${n}` });
    const view = follow({ initialNumItems: 2 });
    await settle();
    act(() => view.current.loadMore(1));
    await settle();
    host.error = new Error("signed out");
    await settle();
    expect(view.current).toMatchObject({ status: "CanLoadMore", isLoading: false, threadStatus: "active", error: { message: "signed out" } });
    expect(ids(view.current)).toEqual(named(2, 4));
    host.error = undefined;
    host.put(THREAD, { messageId: "m5" });
    await settle();
    expect(view.current.error).toBeUndefined();
    expect(ids(view.current)).toEqual(named(2, 5));
  });

  it("nothing of a thread is kept for another whose query fails", async () => {
    host.put("one", { messageId: "m" });
    convex = new FakeConvex((args) => {
      if (args["threadId"] === "two") throw new Error("no");
      return host.serve(args);
    });
    const view = follow({ threadId: "one" });
    await settle();
    view.rerender({ threadId: "two" });
    await settle();
    expect(view.current).toMatchObject({ results: [], status: "Exhausted", error: { message: "no" } });
  });

  it("an app that turns `results` around in place spoils no message that comes later", async () => {
    host.put(THREAD, { messageId: "a", status: "completed", text: "old" });
    host.put(THREAD, { messageId: "b", status: "streaming", text: "" });
    host.stream(THREAD);
    const view = follow({ initialNumItems: 5 });
    await settle();
    view.current.results.reverse();
    host.say(THREAD, "b", "new");
    await settle();
    expect(view.current.results.map(({ text }) => text)).toEqual(["old", "new"]);
  });

  it("loadMore twice in a row loads once", async () => {
    for (const n of [1, 2, 3, 4]) host.put(THREAD, { messageId: `m${n}` });
    const view = follow({ initialNumItems: 1 });
    await settle();
    act(() => {
      view.current.loadMore(1);
      view.current.loadMore(1);
    });
    await settle();
    expect(ids(view.current)).toEqual(["m3", "m4"]);
  });

  it("starts again when a cursor is no longer valid", async () => {
    for (const n of [1, 2, 3, 4]) host.put(THREAD, { messageId: `m${n}` });
    const view = follow({ initialNumItems: 2 });
    await settle();
    act(() => view.current.loadMore(1));
    await settle();
    host.rows.set(THREAD, []);
    host.put(THREAD, { messageId: "other" });
    await settle();
    expect(ids(view.current)).toEqual(["other"]);
    expect(view.current.error).toBeUndefined();
  });

  it("a failure is a value, never an exception in render, and passes", async () => {
    host.put(THREAD, { messageId: "a" });
    host.error = new Error("no such function");
    const view = follow();
    await settle();
    expect(view.current.error?.message).toBe("no such function");
    expect(view.current).toMatchObject({ results: [], isLoading: false });
    host.error = undefined;
    await settle();
    expect(view.current.error).toBeUndefined();
    expect(ids(view.current)).toEqual(["a"]);
  });

  it("a missing thread is the empty result and says so", async () => {
    const view = follow();
    await settle();
    expect(view.current).toMatchObject({
      results: [],
      threadStatus: "missing",
      status: "Exhausted",
    });
  });

  it.each([0, -1, Number.NaN, 0.5])(
    "initialNumItems %s does not throw",
    async (initialNumItems) => {
      host.put(THREAD, { messageId: "a" });
      const view = follow({ initialNumItems });
      await settle();
      expect(ids(view.current)).toEqual(["a"]);
    },
  );

  it("arguments written in place, undefined ones too, subscribe once", async () => {
    host.put(THREAD, { messageId: "a" });
    const view = follow({ args: { runtime: undefined } });
    await settle();
    view.rerender();
    view.rerender();
    await settle();
    expect(pagesAsked()).toHaveLength(1);
  });
});

describe("the overlay", () => {
  it("the text of a running message appears as it is written", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming" });
    const view = follow();
    await settle();
    host.say(THREAD, "m", "Hel");
    await settle();
    expect(textOf(view.current, "m")).toBe("Hel");
    host.say(THREAD, "m", "lo");
    await settle();
    expect(textOf(view.current, "m")).toBe("Hello");
  });

  it("asks for deltas with no rows of its own, by one subscription at a time", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming" });
    host.say(THREAD, "m", "x");
    follow();
    await settle();
    const [asked, ...others] = convex.active.filter(isOverlay);
    expect(others).toEqual([]);
    expect(asked).toMatchObject({
      paginationOpts: { cursor: null, numItems: 0 },
      streamArgs: { kind: "deltas", cursors: [{ streamId: "thread:turn:0", cursor: 1 }] },
    });
  });

  it("without `stream` there is no overlay", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming" });
    host.say(THREAD, "m", "x");
    const view = follow({ stream: false });
    await settle();
    expect(textOf(view.current, "m")).toBe("");
    expect(overlaysAsked()).toEqual([]);
  });

  it("the stream's query is not yet loaded: durable rows shown", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming", text: "durable" });
    host.say(THREAD, "m", "durable and live");
    convex.hold((args) => isOverlay(args));
    const view = follow();
    await settle();
    expect(view.current.isLoading).toBe(false);
    expect(textOf(view.current, "m")).toBe("durable");
    convex.hold(() => false);
    await settle();
    expect(textOf(view.current, "m")).toBe("durable and live");
  });

  it("the overlay waits for the first page", async () => {
    convex.hold((args) => !isOverlay(args));
    follow();
    await settle();
    expect(overlaysAsked()).toEqual([]);
  });

  it("the overlay's failure leaves the durable rows, is told, and passes", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming", text: "durable" });
    let isDown = true;
    convex = new FakeConvex((args) => {
      if (isDown && isOverlay(args)) throw new Error("streams are down");
      return host.serve(args);
    });
    const view = follow();
    await settle();
    expect(textOf(view.current, "m")).toBe("durable");
    expect(view.current).toMatchObject({ status: "Exhausted", error: { message: "streams are down" } });
    isDown = false;
    await settle();
    expect(view.current.error).toBeUndefined();
  });

  it("a gap in the deltas is a value, never an exception in render", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming", text: "durable" });
    host.say(THREAD, "m", "durable");
    const view = follow();
    await settle();
    const stream = host.stream(THREAD);
    stream.latest = 500;
    stream.keptFrom = 500;
    host.say(THREAD, "m", "after the gap");
    host.put(THREAD, { messageId: "m", text: "durable and some" });
    await settle();
    expect(textOf(view.current, "m")).toBe("durable and some");
    host.put(THREAD, { messageId: "young", status: "streaming", orderInTurn: 501 });
    host.say(THREAD, "young", "whole");
    await settle();
    expect(textOf(view.current, "young")).toBe("whole");
  });

  it("stale, backwards: the stream's overlay is dropped and the reader goes on", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming" });
    for (const word of ["a", "b", "c"]) host.say(THREAD, "m", word);
    const view = follow();
    await settle();
    expect(textOf(view.current, "m")).toBe("abc");
    Object.assign(host.stream(THREAD), { runs: [], latest: 1 });
    await settle();
    expect(textOf(view.current, "m")).toBe("");
    host.put(THREAD, { messageId: "n", status: "streaming", orderInTurn: 1 });
    host.say(THREAD, "n", "on");
    await settle();
    expect(textOf(view.current, "n")).toBe("on");
  });

  it("final message arrives while the streaming row is still there: one row", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming" });
    host.say(THREAD, "m", "Hello, wor");
    const view = follow();
    await settle();
    host.put(THREAD, { messageId: "m", status: "completed", text: "Hello" });
    await settle();
    expect(view.current.results).toHaveLength(1);
    expect(textOf(view.current, "m")).toBe("Hello");
  });

  it("stop before the first delta: the stream is followed to its end and left", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming" });
    const stream = host.stream(THREAD);
    const view = follow();
    await settle();
    stream.state = "aborted";
    host.put(THREAD, { messageId: "m", status: "interrupted" });
    await settle();
    expect(view.current.results[0]?.status).toBe("interrupted");
    expect(overlaysAsked().at(-1)).toEqual([]);
  });

  it("stop after a reload: a fresh reader of a stopped turn follows nothing", async () => {
    host.put(THREAD, { messageId: "m", status: "interrupted", text: "half" });
    host.say(THREAD, "m", "half of");
    host.stream(THREAD).state = "aborted";
    const view = follow();
    await settle();
    expect(textOf(view.current, "m")).toBe("half");
    expect(overlaysAsked()).toEqual([[]]);
  });

  it("a stream without deltas, cursor 0: no re-render loop", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming" });
    host.stream(THREAD);
    const view = follow();
    await settle();
    const { renders } = view;
    for (let i = 0; i < 20; i += 1) await settle();
    expect(view.renders).toBe(renders);
    expect(overlaysAsked()).toEqual([[], [{ streamId: "thread:turn:0", cursor: 0 }]]);
  });

  it("10,000 deltas in one message: each update costs what is new, not what is there", async () => {
    const batches = 100;
    const runsPerBatch = 100;
    host.put(THREAD, { messageId: "m", status: "streaming" });
    const view = follow();
    await settle();
    for (let batch = 0; batch < batches; batch += 1) {
      for (let i = 0; i < runsPerBatch; i += 1) host.say(THREAD, "m", "x");
      const before = host.runsServed;
      await settle();
      expect(host.runsServed - before).toBe(runsPerBatch);
    }
    expect(textOf(view.current, "m")).toHaveLength(batches * runsPerBatch);
    expect(host.runsServed).toBe(batches * runsPerBatch);
  }, MANY_TIMEOUT_MS);

  it("10,001 deltas, then an abort: each is served once, and the row that ended is the truth", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming" });
    const view = follow();
    await settle();
    for (let said = 0; said < 10_001; ) {
      for (let i = 0; i < 500 && said < 10_001; i += 1, said += 1) host.say(THREAD, "m", "x");
      await settle();
    }
    expect(textOf(view.current, "m")).toHaveLength(10_001);
    host.stream(THREAD).state = "aborted";
    host.put(THREAD, { messageId: "m", status: "interrupted", text: "x".repeat(10_000) });
    await settle();
    expect(view.current.results).toMatchObject([{ status: "interrupted" }]);
    expect(textOf(view.current, "m")).toHaveLength(10_000);
    expect([host.runsServed, overlaysAsked().at(-1)]).toEqual([10_001, []]);
  }, MANY_TIMEOUT_MS);

  it("a delta makes the row anew that it is of, and no other", async () => {
    for (let n = 0; n < 50; n += 1) host.put(THREAD, { messageId: `old${n}`, text: "done" });
    host.put(THREAD, { messageId: "m", status: "streaming" });
    const view = follow({ initialNumItems: 100 });
    await settle();
    let made = 0;
    for (let n = 0; n < 20; n += 1) {
      const before = new Set(view.current.results);
      host.say(THREAD, "m", "x");
      await settle();
      made += view.current.results.filter((row) => !before.has(row)).length;
    }
    expect(made).toBe(20);
  });

  it("two streams in one mount: each message has its own text", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming" });
    host.put(THREAD, { messageId: "m", turnId: "turn-2", status: "streaming" });
    host.rows.get(THREAD)?.push({ ...host.rows.get(THREAD)![0]!, turnId: "turn" });
    host.say(THREAD, "m", "of one");
    const second = host.stream(THREAD, `${THREAD}:turn-2:0`);
    second.latest = 1;
    second.runs.push({ streamId: `${THREAD}:turn-2:0`, turnId: "turn-2", messageId: "m", channel: "text", cursorStart: 0, cursorEnd: 1, text: "of two" });
    const view = follow();
    await settle();
    expect(view.current.results.map(({ turnId, text }) => [turnId, text])).toEqual([
      ["turn-2", "of two"],
      ["turn", "of one"],
    ]);
  });

  it("an empty answer, and a delta without text, change nothing", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming" });
    host.say(THREAD, "m", "x");
    const view = follow();
    await settle();
    const [before] = view.current.results;
    host.say(THREAD, "m", "");
    await settle();
    expect(view.current.results[0]).toBe(before);
    expect(overlaysAsked().at(-1)).toEqual([{ streamId: "thread:turn:0", cursor: 2 }]);
  });

  it("equal timestamps: the order is the server's", async () => {
    for (const messageId of ["b", "a", "c"]) host.put(THREAD, { messageId, createdAt: 7, updatedAt: 7 });
    const view = follow();
    await settle();
    expect(ids(view.current)).toEqual(["b", "a", "c"]);
  });

  it("catches up with a long stream in several answers", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming" });
    for (let i = 0; i < 1_001; i += 1) host.say(THREAD, "m", "x");
    const view = follow();
    await settle();
    expect(textOf(view.current, "m")).toHaveLength(1_001);
  });
});

describe("threads", () => {
  it('"skip": nothing subscribed', async () => {
    host.put(THREAD, { messageId: "a" });
    const view = follow({ skip: true });
    await settle();
    expect(convex.subscribed).toEqual([]);
    expect(view.current).toMatchObject({
      status: "LoadingFirstPage",
      isLoading: true,
      results: [],
    });
  });

  it('from "skip" to a thread and back', async () => {
    host.put(THREAD, { messageId: "a" });
    const view = follow({ skip: true });
    view.rerender({ skip: false });
    await settle();
    expect(ids(view.current)).toEqual(["a"]);
    view.rerender({ skip: true });
    await settle();
    expect(view.current.results).toEqual([]);
    expect(convex.active).toEqual([]);
  });

  it("another thread chosen mid-stream: no mixing, the overlay starts anew", async () => {
    host.put("one", { messageId: "m", status: "streaming" });
    host.say("one", "m", "of one");
    host.put("two", { messageId: "m", status: "streaming" });
    host.say("two", "m", "of two");
    const seen: string[] = [];
    const view = follow({
      threadId: "one",
      onRender: ({ results }, threadId) => {
        for (const { text } of results) if (text !== "") seen.push(`${threadId}: ${text}`);
      },
    });
    await settle();
    expect(textOf(view.current, "m")).toBe("of one");
    const old = view.current.loadMore;
    view.rerender({ threadId: "two" });
    expect(view.current.results).toEqual([]);
    act(() => old(5));
    await settle();
    expect(textOf(view.current, "m")).toBe("of two");
    expect(new Set(seen)).toEqual(new Set(["one: of one", "two: of two"]));
    expect(convex.active.every(({ threadId }) => threadId === "two")).toBe(true);
  });

  it("the pages of a thread that was left are not asked of the next one", async () => {
    for (const threadId of ["one", "two"]) {
      for (const n of [1, 2, 3, 4]) host.put(threadId, { messageId: `${threadId}-${n}` });
    }
    const view = follow({ threadId: "one", initialNumItems: 1 });
    await settle();
    act(() => view.current.loadMore(1));
    await settle();
    const old = view.current.loadMore;
    view.rerender({ threadId: "two" });
    await settle();
    expect(ids(view.current)).toEqual(["two-4"]);
    act(() => old(2));
    await settle();
    expect(ids(view.current)).toEqual(["two-4"]);
    expect(convex.active.every(({ threadId }) => threadId === "two")).toBe(true);
  });

  it("two threads on one page: independent", async () => {
    for (const threadId of ["one", "two"]) {
      host.put(threadId, { messageId: "m", status: "streaming" });
      host.say(threadId, "m", `of ${threadId}`);
    }
    function Thread({ threadId }: { threadId: string }) {
      const { results } = useMessages(threadId);
      return <p>{results.map(({ text }) => text)}</p>;
    }
    const { container } = render(
      <ConvexProvider client={convex.client}>
        <Thread threadId="one" />
        <Thread threadId="two" />
      </ConvexProvider>,
    );
    await settle();
    expect([...container.querySelectorAll("p")].map((p) => p.textContent)).toEqual([
      "of one",
      "of two",
    ]);
  });

  it("leaves nothing subscribed when it goes", async () => {
    host.put(THREAD, { messageId: "m", status: "streaming" });
    host.say(THREAD, "m", "x");
    const view = follow();
    await settle();
    view.unmount();
    expect(convex.active).toEqual([]);
  });
});

describe("identity between renders", () => {
  it("a render for another reason changes nothing", async () => {
    host.put(THREAD, { messageId: "a" });
    const view = follow();
    await settle();
    const before = view.current;
    view.rerender();
    expect(view.current).toBe(before);
  });

  it("a row that did not change is the same object while another one grows", async () => {
    host.put(THREAD, { messageId: "a", text: "done" });
    host.put(THREAD, { messageId: "b", status: "streaming" });
    const view = follow();
    await settle();
    const before = view.current.results;
    host.say(THREAD, "b", "live");
    await settle();
    expect(view.current.results).not.toBe(before);
    expect(view.current.results[0]).toBe(before[0]);
    host.put(THREAD, { messageId: "b", text: "live", updatedAt: 9 });
    await settle();
    expect(view.current.results[0]).toBe(before[0]);
    expect(view.current.results[1]).toMatchObject({ updatedAt: 9 });
  });
});

type Options = {
  threadId?: string;
  skip?: boolean;
  args?: object;
  initialNumItems?: number;
  stream?: boolean;
  onRender?: (result: UseCodexMessagesResult, threadId: string) => void;
};

function useMessages(threadId: string, options: Options = {}): UseCodexMessagesResult {
  const { skip = false, args, initialNumItems = 30, stream = true } = options;
  return useCodexMessages(
    anyApi["chat"]!["listThreadMessagesForHooks"] as never,
    skip ? "skip" : ({ actor: { ...ACTOR }, threadId, ...args } as never),
    { initialNumItems, stream },
  );
}

/** Follows a thread under StrictMode, whose second run of every effect must change nothing. */
function follow(initial: Options = {}) {
  let renders = 0;
  const hook = renderHook(
    (given: Options) => {
      renders += 1;
      const options = { ...initial, ...given };
      const threadId = options.threadId ?? THREAD;
      const result = useMessages(threadId, options);
      options.onRender?.(result, threadId);
      return result;
    },
    {
      initialProps: initial,
      wrapper: inStrictMode(convex.client),
    },
  );
  return {
    get current() {
      return hook.result.current;
    },
    get renders() {
      return renders;
    },
    rerender: hook.rerender,
    unmount: hook.unmount,
  };
}

/** More transitions than any test needs to come to rest. */
const TRANSITIONS_MAX = 20;

async function settle(): Promise<void> {
  for (let i = 0; i < TRANSITIONS_MAX; i += 1) await act(() => convex.flush());
}

function ids({ results }: UseCodexMessagesResult): string[] {
  return results.map(({ messageId }) => messageId);
}

function named(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => `m${from + at}`);
}

function textOf({ results }: UseCodexMessagesResult, messageId: string): string | undefined {
  return results.find((message: CodexUIMessage) => message.messageId === messageId)?.text;
}

function pagesAsked(): unknown[] {
  return asked((args) => !isOverlay(args)).map((args) => args["paginationOpts"]);
}

function overlaysAsked(): unknown[] {
  return asked((args) => isOverlay(args)).map(
    (args) => (args["streamArgs"] as { cursors: unknown }).cursors,
  );
}

/** StrictMode subscribes, lets go and subscribes again: that counts as one. */
function asked(isAsked: (args: Record<string, unknown>) => boolean) {
  const all = convex.subscribed.filter(isAsked);
  return all.filter((args, i) => JSON.stringify(args) !== JSON.stringify(all[i - 1]));
}
