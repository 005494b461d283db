import { act, cleanup, render, renderHook } from "@testing-library/react";
import { ConvexProvider } from "convex/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  useCodexStreamingMessages,
  useCodexStreamingReasoning,
  type UseCodexStreamingReasoningOptions,
} from "../../js-wrapper/react/index.js";
import { FakeConvex, FakeHost } from "./fake-convex.js";
import { api } from "./host-api.js";
import { inStrictMode } from "./in-strict-mode.js";

const THREAD = "thread";
/** What many answers may take where the machine is busy. */
const MANY_TIMEOUT_MS = 30_000;

let host: FakeHost;
let convex: FakeConvex;

beforeEach(() => {
  host = new FakeHost();
  host.rows.set(THREAD, []);
  convex = new FakeConvex(host.serve);
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const HOOKS = { messages: useCodexStreamingMessages, reasoning: useCodexStreamingReasoning };
type Which = keyof typeof HOOKS;

interface Given {
  threadId?: string;
  skip?: boolean;
  options?: UseCodexStreamingReasoningOptions;
}

function follow(which: Which, initial: Given = {}) {
  const use = HOOKS[which];
  let renders = 0;
  const hook = renderHook(
    ({ threadId = THREAD, skip = false, options }: Given) => {
      renders += 1;
      return use(api.chat.listThreadMessagesForHooks, skip ? "skip" : { threadId }, options);
    },
    { initialProps: initial, wrapper: inStrictMode(convex.client) },
  );
  return {
    get current() {
      return hook.result.current;
    },
    get texts() {
      return hook.result.current.results.map(({ text }) => text);
    },
    get renders() {
      return renders;
    },
    rerender: hook.rerender,
    unmount: hook.unmount,
  };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await act(() => convex.flush());
}

/** Says it in the way that the hook reads: as a run of a message, or as an event of reasoning. */
function say(which: Which, text: string, threadId = THREAD): void {
  if (which === "messages") host.say(threadId, "m", text);
  else host.tell(threadId, "item/reasoning/summaryTextDelta", { itemId: "m", delta: text, summaryIndex: 0 });
}

function begin(which: Which, threadId = THREAD): void {
  const type = which === "messages" ? "agentMessage" : "reasoning";
  host.tell(threadId, "item/started", { item: { id: "m", type } });
}

const cursorsAsked = () =>
  convex.subscribed.map((args) => (args["streamArgs"] as { cursors?: { streamId: string; cursor: number }[] }).cursors);

describe.each(["messages", "reasoning"] as const)("what streams alone tell: %s", (which) => {
  it("appears as it comes, and no durable row is read", async () => {
    const view = follow(which);
    begin(which);
    say(which, "Hel");
    await settle();
    expect(view.texts).toEqual(["Hel"]);
    say(which, "lo");
    await settle();
    expect(view.texts).toEqual(["Hello"]);
    expect(view.current.streamIds).toEqual(["thread:turn:0"]);
    expect(convex.subscribed.every(({ paginationOpts }) => JSON.stringify(paginationOpts) === '{"cursor":null,"numItems":0}')).toBe(true);
    expect(convex.active).toHaveLength(1);
  });

  it('"skip", and not enabled: nothing subscribed, nothing shown', async () => {
    begin(which);
    say(which, "x");
    const view = follow(which, { skip: true });
    await settle();
    view.rerender({ options: { enabled: false } });
    await settle();
    expect([convex.subscribed, view.current.results, view.current.streamIds]).toEqual([[], [], []]);
    view.rerender({});
    await settle();
    expect(view.texts).toEqual(["x"]);
    view.rerender({ options: { enabled: false } });
    expect(view.texts).toEqual([]);
    await settle();
    expect(convex.active).toEqual([]);
  });

  it.each([
    ["of all streams", {}],
    ["of those of the newest turns", { startOrder: 0 }],
  ])("a missing thread, and a query %s that fails, are nothing, and pass; the failure is told", async (_what, options) => {
    host.error = new Error("no such function");
    const view = follow(which, { options });
    await settle();
    expect(view.current).toMatchObject({ results: [], error: { message: "no such function" } });
    host.error = undefined;
    begin(which);
    say(which, "x");
    await settle();
    expect([view.texts, view.current.error]).toEqual([["x"], undefined]);
    host.error = new Error("away");
    await settle();
    expect([view.texts, view.current.error?.message]).toEqual([["x"], "away"]);
  });

  it("another thread chosen mid-stream: no mixing", async () => {
    for (const threadId of ["one", "two"]) {
      begin(which, threadId);
      say(which, `of ${threadId}`, threadId);
    }
    const view = follow(which, { threadId: "one" });
    await settle();
    expect(view.texts).toEqual(["of one"]);
    view.rerender({ threadId: "two" });
    expect(view.texts).toEqual([]);
    await settle();
    expect(view.texts).toEqual(["of two"]);
    expect(convex.active.map(({ threadId }) => threadId)).toEqual(["two"]);
  });

  it("two threads on one page, and two streams in one mount: each its own", async () => {
    for (const threadId of ["one", "two"]) {
      begin(which, threadId);
      say(which, `of ${threadId}`, threadId);
    }
    const params = which === "messages" ? { item: { id: "n", type: "agentMessage", text: "second" } } : { itemId: "n", delta: "second", summaryIndex: 0 };
    host.tell("one", which === "messages" ? "item/completed" : "item/reasoning/summaryTextDelta", { turnId: "turn-2", ...params }, "one:turn-2:0");
    const use = HOOKS[which];
    function Shown({ threadId }: { threadId: string }) {
      const { results } = use(api.chat.listThreadMessagesForHooks, { threadId });
      return <p>{results.map(({ text }) => text).sort().join()}</p>;
    }
    const { container } = render(
      <ConvexProvider client={convex.client}>
        <Shown threadId="one" />
        <Shown threadId="two" />
      </ConvexProvider>,
    );
    await settle();
    expect([...container.querySelectorAll("p")].map((p) => p.textContent)).toEqual(["of one,second", "of two"]);
  });

  it("a stream without deltas, cursor 0: no re-render loop", async () => {
    host.stream(THREAD);
    const view = follow(which);
    await settle();
    const { renders } = view;
    await settle();
    expect(view.renders).toBe(renders);
    expect(cursorsAsked().at(-1)).toEqual([{ streamId: "thread:turn:0", cursor: 0 }]);
  });

  it("a gap in the deltas, history trimmed under a live cursor: a value, never an exception in render", async () => {
    begin(which);
    say(which, "before");
    const view = follow(which);
    await settle();
    Object.assign(host.stream(THREAD), { latest: 500, keptFrom: 500 });
    say(which, "tail");
    await settle();
    expect(view.texts).toEqual([]);
    host.tell(THREAD, "item/started", { item: { id: "later", type: which === "messages" ? "plan" : "reasoning" } });
    if (which === "messages") host.say(THREAD, "later", "whole");
    else host.tell(THREAD, "item/reasoning/summaryTextDelta", { itemId: "later", delta: "whole", summaryIndex: 0 });
    await settle();
    expect(view.texts).toEqual(["whole"]);
  });

  it("stop before the first delta: the stream is followed to its end and left", async () => {
    const stream = host.stream(THREAD);
    const view = follow(which);
    await settle();
    stream.state = "aborted";
    await settle();
    expect([view.current.results, view.current.streamIds, cursorsAsked().at(-1)]).toEqual([[], [], []]);
  });

  it("stop after a reload: a fresh reader of a stopped turn follows nothing", async () => {
    begin(which);
    say(which, "half");
    host.stream(THREAD).state = "aborted";
    const view = follow(which);
    await settle();
    expect([view.current.results, new Set(cursorsAsked().map((asked) => JSON.stringify(asked)))]).toEqual([[], new Set(["[]"])]);
  });

  it("what a turn wrote stays when it ends; reset forgets it", async () => {
    begin(which);
    say(which, "half");
    const view = follow(which);
    await settle();
    host.stream(THREAD).state = "aborted";
    await settle();
    expect(view.texts).toEqual(["half"]);
    act(() => view.current.reset());
    expect(view.texts).toEqual([]);
    await settle();
    expect(view.texts).toEqual([]);
  });

  it("reset reads what is live anew", async () => {
    begin(which);
    say(which, "live");
    const view = follow(which);
    await settle();
    act(() => view.current.reset());
    expect(view.texts).toEqual([]);
    await settle();
    expect(view.texts).toEqual(["live"]);
  });

  it("reset of another thread forgets nothing of this one", async () => {
    for (const threadId of ["one", "two"]) {
      begin(which, threadId);
      say(which, threadId, threadId);
    }
    const view = follow(which, { threadId: "one" });
    await settle();
    const { reset } = view.current;
    view.rerender({ threadId: "two" });
    await settle();
    const before = view.current;
    act(() => reset());
    expect([view.texts, view.current === before]).toEqual([["two"], true]);
  });

  it.each([1_001, 10_001])("%i deltas, then an abort: each is served once, and the text is whole", async (count) => {
    begin(which);
    const view = follow(which);
    await settle();
    for (let said = 0; said < count; ) {
      for (let i = 0; i < 1_000 && said < count; i += 1, said += 1) say(which, "x");
      await settle();
    }
    host.stream(THREAD).state = "aborted";
    await settle();
    expect(view.texts.map((text) => text.length)).toEqual([count]);
    expect(host.served).toBe(count + 1);
  }, MANY_TIMEOUT_MS);

  it("each update parses what is new, not what is there", async () => {
    begin(which);
    const view = follow(which);
    for (let i = 0; i < 200; i += 1) say(which, "x");
    await settle();
    host.tell(THREAD, "item/started", { item: { id: "next", type: "plan" } });
    const payloads = host.stream(THREAD).events.map(({ payloadJson }) => payloadJson);
    const parse = vi.spyOn(JSON, "parse");
    await settle();
    const parsed = parse.mock.calls.map(([text]) => text).filter((text) => payloads.includes(text));
    // Once, and once more: strict mode runs an update twice.
    expect(new Set(parsed)).toEqual(new Set(payloads.slice(-1)));
    expect(parsed.length).toBeLessThanOrEqual(2);
    expect(view.texts[0]).toHaveLength(200);
  });

  it("a render for another reason changes nothing", async () => {
    begin(which);
    say(which, "x");
    const view = follow(which);
    await settle();
    const before = view.current;
    view.rerender({});
    expect(view.current).toBe(before);
  });

  it("a row that did not change is the same object while another one grows", async () => {
    const type = which === "messages" ? "agentMessage" : "reasoning";
    for (const id of ["a", "b"]) host.tell(THREAD, "item/started", { item: { id, type } });
    const grow = (id: string, text: string) =>
      which === "messages" ? host.say(THREAD, id, text) : host.tell(THREAD, "item/reasoning/summaryTextDelta", { itemId: id, delta: text, summaryIndex: 0 });
    grow("a", "done");
    grow("b", "li");
    const view = follow(which);
    await settle();
    const [a, b] = view.current.results;
    grow("b", "ve");
    await settle();
    expect(view.texts).toEqual(["done", "live"]);
    expect([view.current.results[0] === a, view.current.results[1] === b]).toEqual([true, false]);
  });

  it("startOrder: only the streams of turns at or after it are read", async () => {
    host.stream(THREAD).turnOrder = 3;
    begin(which);
    say(which, "old");
    const later = host.stream(THREAD, "thread:later:0");
    later.turnOrder = 4;
    const params = which === "messages" ? { item: { id: "n", type: "agentMessage", text: "new" } } : { itemId: "n", delta: "new", summaryIndex: 0 };
    host.tell(THREAD, which === "messages" ? "item/completed" : "item/reasoning/summaryTextDelta", { turnId: "later", ...params }, "thread:later:0");
    const view = follow(which, { options: { startOrder: 4 } });
    await settle();
    expect(view.texts).toEqual(["new"]);
    expect(view.current.streamIds).toEqual(["thread:later:0"]);
    expect(JSON.stringify(cursorsAsked())).not.toContain("thread:turn:0");
    view.rerender({ options: { startOrder: 0 } });
    // What is shown stays while another list loads.
    expect(view.texts).toEqual(["new"]);
    await settle();
    expect(view.texts).toEqual(["old", "new"]);
    const together = follow(which);
    await settle();
    expect(together.texts).toEqual(["old", "new"]);
  });

  it("startOrder is raised: what ended before it is shown no more, what ended behind it is", async () => {
    begin(which);
    say(which, "old");
    const view = follow(which, { options: { startOrder: 0 } });
    await settle();
    host.stream(THREAD).state = "finished";
    await settle();
    expect(view.texts).toEqual(["old"]);
    view.rerender({ options: { startOrder: 1 } });
    await settle();
    expect(view.texts).toEqual([]);
    view.rerender({ options: { startOrder: 0 } });
    await settle();
    expect(view.texts).toEqual(["old"]);
  });

  it("startOrder of another thread: nothing is followed until that thread's list is there", async () => {
    for (const threadId of ["one", "two"]) begin(which, threadId);
    const view = follow(which, { threadId: "one", options: { startOrder: 0 } });
    await settle();
    convex.hold(({ threadId, streamArgs }) => threadId === "two" && (streamArgs as { kind: string }).kind === "list");
    view.rerender({ threadId: "two", options: { startOrder: 0 } });
    await settle();
    expect(convex.active.map(({ threadId, streamArgs }) => [threadId, (streamArgs as { kind: string }).kind])).toEqual([["two", "list"]]);
  });

  it("news of something else changes nothing", async () => {
    begin(which);
    say(which, "x");
    const view = follow(which);
    await settle();
    const before = view.current;
    host.tell(THREAD, "item/started", { item: { id: "c", type: "commandExecution" } });
    await settle();
    expect(cursorsAsked().at(-1)).toEqual([{ streamId: "thread:turn:0", cursor: 3 }]);
    expect(view.current).toBe(before);
  });

  it("leaves nothing subscribed when it goes", async () => {
    begin(which);
    const view = follow(which, { options: { startOrder: 0 } });
    await settle();
    view.unmount();
    expect(convex.active).toEqual([]);
  });
});

it("a message that ends says how; raw reasoning is shown where it is asked for", async () => {
  begin("messages");
  host.say(THREAD, "m", "half");
  host.tell(THREAD, "turn/completed", { turn: { id: "turn", status: "failed", error: { message: "no quota" } } });
  const { current } = follow("messages");
  expect(current.results).toEqual([]);
  const messages = follow("messages");
  await settle();
  expect(messages.current.results).toEqual([{ turnId: "turn", messageId: "m", text: "half", status: "failed", error: "no quota", lastCursor: 2 }]);

  host.tell("raw", "item/reasoning/textDelta", { itemId: "r", delta: "in full", contentIndex: 0 });
  const reasoning = follow("reasoning", { threadId: "raw" });
  await settle();
  expect(reasoning.texts).toEqual([]);
  reasoning.rerender({ threadId: "raw", options: { includeRaw: true } });
  expect(reasoning.texts).toEqual(["in full"]);
});
