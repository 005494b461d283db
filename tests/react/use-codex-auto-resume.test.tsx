import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { useCodexAutoResume, type CodexResumedStream, type UseCodexAutoResumeOptions } from "../../js-wrapper/react/index.js";
import { foldResumed, resumeAt } from "../../js-wrapper/react/resumed.js";
import { FakeConvex } from "./fake-convex.js";
import { api } from "./host-api.js";
import { inStrictMode } from "./in-strict-mode.js";

/** Events that one answer holds at most. */
const EVENTS_PER_ANSWER = 1_000;

let latest: number;
let keptFrom: number;
let served: number;
let error: Error | undefined;
let convex: FakeConvex;

beforeEach(() => {
  latest = 0;
  keptFrom = 0;
  served = 0;
  error = undefined;
  convex = new FakeConvex(({ threadId, turnId, fromCursor }) => {
    if (error !== undefined) throw error;
    if (threadId === "missing") return null;
    return serve(String(turnId), Number(fromCursor));
  });
});
afterEach(cleanup);

/** A FAKE host: `resumeStreamReplay` over a stream whose every cursor is an event and a character. */
function serve(turnId: string, fromCursor: number): CodexResumedStream {
  const isStale = fromCursor > latest;
  const from = Math.max(fromCursor, keptFrom);
  const end = isStale ? latest : Math.min(latest, from + EVENTS_PER_ANSWER);
  const cursors = isStale ? [] : Array.from({ length: end - from }, (_, at) => ({ cursorStart: from + at, cursorEnd: from + at + 1 }));
  served += cursors.length;
  const status = isStale ? "stale" : from === fromCursor ? "ok" : "rebased";
  return {
    streamWindow: { streamId: `t:${turnId}:0`, status, serverCursorStart: from, serverCursorEnd: end },
    deltas: cursors.map((range) => ({ ...range, kind: "k", payloadJson: "{}" })),
    texts: cursors.map((range) => ({ ...range, turnId, messageId: "m", channel: "text", text: "x" })),
    nextCursor: end,
  };
}

interface Given {
  threadId?: string;
  turnId?: string;
  skip?: boolean;
  options?: UseCodexAutoResumeOptions;
}

function follow(initial: Given = {}) {
  const hook = renderHook(
    ({ threadId = "t", turnId = "turn", skip = false, options }: Given) =>
      useCodexAutoResume(api.chat.resumeStreamReplay, skip ? "skip" : { threadId, turnId }, options),
    { initialProps: initial, wrapper: inStrictMode(convex.client) },
  );
  return {
    get current() {
      return hook.result.current;
    },
    get starts() {
      return hook.result.current.deltas.map(({ cursorStart }) => cursorStart);
    },
    rerender: hook.rerender,
  };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await act(() => convex.flush());
}

describe("a stream that is read from a cursor on", () => {
  it("cursor 0 is a value: it is read from its beginning and followed, with the live text", async () => {
    latest = 2;
    const view = follow();
    expect(view.current).toMatchObject({ deltas: [], texts: [], cursor: 0 });
    await settle();
    expect([view.starts, view.current.cursor, view.current.texts.length]).toEqual([[0, 1], 2, 2]);
    latest = 3;
    await settle();
    expect([view.starts, view.current.cursor]).toEqual([[0, 1, 2], 3]);
  });

  it.each([1_001, 10_001])("%i deltas: each is served once, in several answers, and the newest are kept", async (count) => {
    latest = count;
    const view = follow();
    await settle();
    expect([view.current.cursor, served]).toEqual([count, count]);
    expect([view.starts[0], view.starts.at(-1), view.starts.length]).toEqual([Math.max(0, count - 5_000), count - 1, Math.min(count, 5_000)]);
    const before = view.current.deltas;
    latest += 1;
    await settle();
    // One event more is one served, and no other is another object.
    expect(served).toBe(count + 1);
    expect(view.current.deltas.slice(0, -1).every((delta) => before.includes(delta))).toBe(true);
  });

  it("begins where it is told, and keeps as many as it is told", async () => {
    latest = 10;
    const view = follow({ options: { initialCursor: 4, maxDeltas: 3 } });
    await settle();
    expect([view.starts, served]).toEqual([[7, 8, 9], 6]);
    view.rerender({ options: { initialCursor: 0, maxDeltas: 100 } });
    expect(view.starts).toEqual([]);
    await settle();
    expect(view.starts).toHaveLength(10);
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])("a cursor and a bound of %s are those of the default", async (odd) => {
    latest = 1;
    const view = follow({ options: { initialCursor: odd, maxDeltas: odd } });
    await settle();
    expect(view.starts).toEqual([0]);
  });

  it('"skip", and not enabled: nothing subscribed', async () => {
    latest = 1;
    const view = follow({ skip: true });
    await settle();
    view.rerender({ options: { enabled: false } });
    await settle();
    expect(convex.subscribed).toEqual([]);
    view.rerender({});
    await settle();
    expect(view.starts).toEqual([0]);
    view.rerender({ options: { enabled: false } });
    await settle();
    expect([view.starts, convex.active]).toEqual([[0], []]);
  });

  it("another turn, another thread: no mixing", async () => {
    latest = 2;
    const view = follow();
    await settle();
    view.rerender({ turnId: "next" });
    expect([view.starts, view.current.cursor]).toEqual([[], 0]);
    await settle();
    expect(view.current.texts.map(({ turnId }) => turnId)).toEqual(["next", "next"]);
    view.rerender({ threadId: "missing" });
    await settle();
    expect([view.starts, view.current.cursor]).toEqual([[], 0]);
  });

  it("history trimmed under a live cursor: what was read is dropped, and the reading goes on", async () => {
    latest = 2;
    const view = follow();
    await settle();
    [latest, keptFrom] = [7, 5];
    await settle();
    expect([view.starts, view.current.cursor]).toEqual([[5, 6], 7]);
  });

  it("stale: what was read is dropped, and the reading goes on, backwards too", async () => {
    latest = 5;
    const view = follow();
    await settle();
    latest = 1;
    await settle();
    expect([view.starts, view.current.cursor]).toEqual([[], 1]);
    latest = 2;
    await settle();
    expect(view.starts).toEqual([1]);
  });

  it("resetToDurable forgets what was read, and reads it no more", async () => {
    latest = 2;
    const view = follow();
    await settle();
    act(() => view.current.resetToDurable());
    expect([view.starts, view.current.texts, view.current.cursor]).toEqual([[], [], 2]);
    latest = 3;
    await settle();
    expect([view.starts, served]).toEqual([[2], 3]);
  });

  it("a failure is a value, never an exception in render, and passes", async () => {
    latest = 1;
    const view = follow();
    await settle();
    error = new Error("away");
    await settle();
    expect(view.starts).toEqual([0]);
    error = undefined;
    latest = 2;
    await settle();
    expect(view.starts).toEqual([0, 1]);
  });

  it("a render for another reason changes nothing", async () => {
    latest = 1;
    const view = follow();
    await settle();
    const before = view.current;
    view.rerender({});
    expect(view.current).toBe(before);
  });

  it("an answer folded twice, and one to another cursor, change nothing", () => {
    latest = 2;
    const answer = serve("turn", 0);
    const after = foldResumed(resumeAt(0), 0, answer, 10);
    expect(foldResumed(after, 0, answer, 10)).toBe(after);
    expect(foldResumed(after, 2, serve("turn", 2), 10)).toBe(after);
    latest = 9;
    expect(foldResumed(after, 0, serve("turn", 0), 10)).toBe(after);
  });
});
