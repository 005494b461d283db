import { describe, expect, it } from "vitest";
import type { CodexStreamsResult, CodexStreamText } from "../../js-wrapper/mapping/index.js";
import { codexMessageKey, EMPTY_OVERLAY, foldOverlay } from "../../js-wrapper/mapping/index.js";
import type { CodexOverlay } from "../../js-wrapper/mapping/index.js";
import { findLiveMessage } from "../../js-wrapper/mapping/overlay.js";
import { entriesPut } from "./entries-put.js";

type Deltas = Extract<CodexStreamsResult, { kind: "deltas" }>;
type State = Deltas["streams"][number]["state"];

const STREAM = "thread:turn:0";

describe("folding an answer into the overlay", () => {
  it("learns the streams that are streaming, and asks for them from 0", () => {
    const overlay = fold(
      EMPTY_OVERLAY,
      answer({ states: { live: "streaming", done: "finished", gone: "aborted" } }),
    );
    expect(overlay.cursors).toEqual([{ streamId: "live", cursor: 0 }]);
  });

  it("learns streams from a list too", () => {
    const list: CodexStreamsResult = {
      kind: "list",
      streams: [{ streamId: STREAM, state: "streaming" }],
    };
    expect(fold(EMPTY_OVERLAY, list).cursors).toEqual([{ streamId: STREAM, cursor: 0 }]);
  });

  it("joins the halves of a character over two answers, and shows none that waits", () => {
    const low = (text: string) => ({ ...run(2, text), leadingLow: 0xde00 });
    const half = fold(followed(), answer({ window: ["ok", 0, 2], next: 2, texts: [{ ...run(1, "a"), pendingHigh: 0xd83d }] }));
    expect(textOf(half)).toBe("a");
    expect(textOf(fold(half, answer({ window: ["ok", 2, 3], next: 3, texts: [low("b")] })))).toBe("a😀b");
    expect(textOf(fold(half, answer({ window: ["ok", 2, 3], next: 3, texts: [run(2, "b")] })))).toBe("a\uFFFDb");
    expect(textOf(fold(half, answer({ window: ["rebased", 2, 3], next: 3, texts: [low("b")] })))).toBe("\uFFFDb");
  });

  it("appends the runs in order and moves on to the checkpoint", () => {
    let overlay = followed();
    overlay = fold(
      overlay,
      answer({ window: ["ok", 0, 3], next: 3, texts: [run(1, "Hel"), run(2, "lo")] }),
    );
    overlay = fold(overlay, answer({ window: ["ok", 3, 5], next: 5, texts: [run(4, "!")] }));
    expect(textOf(overlay)).toBe("Hello!");
    expect(overlay.cursors).toEqual([{ streamId: STREAM, cursor: 5 }]);
  });

  it("keeps a command's output apart from its text", () => {
    const overlay = fold(
      followed(),
      answer({
        window: ["ok", 0, 3],
        next: 3,
        texts: [run(1, "ls"), { ...run(2, "a.txt"), channel: "output" }],
      }),
    );
    expect(textOf(overlay)).toBe("ls");
    expect(textOf(overlay, "output")).toBe("a.txt");
  });

  it("believes the window, not the distance between two runs", () => {
    let overlay = followed();
    overlay = fold(overlay, answer({ window: ["ok", 0, 2], next: 2, texts: [run(1, "a")] }));
    overlay = fold(overlay, answer({ window: ["ok", 2, 90], next: 90, texts: [run(80, "b")] }));
    expect(textOf(overlay)).toBe("ab");
  });

  it("folds an answer once, however often it is given", () => {
    const before = followed();
    const once = answer({ window: ["ok", 0, 2], next: 2, texts: [run(1, "a")] });
    const after = fold(before, once);
    expect(foldOverlay(after, before.cursors, once)).toBe(after);
  });

  it("folds what is pushed to the same cursors later", () => {
    const overlay = followed();
    const quiet = fold(overlay, answer({ window: ["ok", 0, 0], next: 0 }));
    expect(quiet).toBe(overlay);
    const pushed = fold(quiet, answer({ window: ["ok", 0, 2], next: 2, texts: [run(1, "a")] }));
    expect(textOf(pushed)).toBe("a");
  });

  it("a stream with no delta yet: an answer without news is the same overlay", () => {
    const overlay = followed();
    expect(fold(overlay, answer({ window: ["ok", 0, 0], next: 0 }))).toBe(overlay);
  });

  it("rebased: drops what was folded and goes on from the window's start", () => {
    let overlay = followed();
    overlay = fold(overlay, answer({ window: ["ok", 0, 2], next: 2, texts: [run(1, "lost ")] }));
    overlay = fold(
      overlay,
      answer({ window: ["rebased", 40, 42], next: 42, texts: [run(41, "tail")] }),
    );
    expect(live(overlay)?.text).toMatchObject({ text: "tail", since: 40 });
    expect(overlay.cursors).toEqual([{ streamId: STREAM, cursor: 42 }]);
    overlay = fold(overlay, answer({ window: ["ok", 42, 43], next: 43, texts: [run(42, "s")] }));
    expect(live(overlay)?.text).toMatchObject({ text: "tails", since: 40 });
  });

  it("rebased: a message first seen later began after the loss or before it, who knows", () => {
    let overlay = fold(followed(), answer({ window: ["rebased", 40, 41], next: 41 }));
    overlay = fold(overlay, answer({ window: ["ok", 41, 42], next: 42, texts: [run(41, "x")] }));
    expect(live(overlay)?.text).toMatchObject({ text: "x", since: 40 });
  });

  it.each(["rebased", "stale"] as const)(
    "an answer to cursors left behind is ignored: %s",
    (status) => {
      const before = followed();
      const late = answer({ window: [status, 0, 0], next: 0 });
      const after = fold(before, answer({ window: ["ok", 0, 2], next: 2, texts: [run(1, "a")] }));
      expect(foldOverlay(after, before.cursors, late)).toBe(after);
    },
  );

  it("rebased to the start of a delta: its text is not doubled", () => {
    let overlay = followed();
    overlay = fold(overlay, answer({ window: ["ok", 0, 4], next: 4, texts: [run(0, "abcd", 4)] }));
    overlay = fold(
      overlay,
      answer({ window: ["rebased", 2, 6], next: 6, texts: [run(2, "cdef", 6)] }),
    );
    expect(live(overlay)?.text).toMatchObject({ text: "cdef", since: 2 });
  });

  it("rebased to 0 is whole again", () => {
    let overlay = fold(followed(), answer({ window: ["ok", 0, 2], next: 2, texts: [run(1, "x")] }));
    overlay = fold(overlay, answer({ window: ["rebased", 0, 3], next: 3, texts: [run(1, "xyz")] }));
    expect(live(overlay)?.text).toMatchObject({ text: "xyz", since: 0 });
  });

  it("a run that reaches back below the cursor replaces the text, and is not whole", () => {
    let overlay = followed();
    overlay = fold(overlay, answer({ window: ["ok", 0, 4], next: 4, texts: [run(0, "abcd", 4)] }));
    overlay = fold(overlay, answer({ window: ["ok", 4, 6], next: 6, texts: [run(2, "cdef", 6)] }));
    expect(live(overlay)?.text).toMatchObject({ text: "cdef", since: 2 });
  });

  it("a run wholly below the cursor is ignored", () => {
    let overlay = followed();
    overlay = fold(overlay, answer({ window: ["ok", 0, 4], next: 4, texts: [run(0, "abcd", 4)] }));
    overlay = fold(overlay, answer({ window: ["ok", 4, 5], next: 5, texts: [run(2, "cd", 4)] }));
    expect(textOf(overlay)).toBe("abcd");
  });

  it.each([
    ["forwards", 900],
    ["backwards", 1],
  ])("stale: drops the stream's overlay and takes the checkpoint, %s", (_, latest) => {
    let overlay = fold(followed(), answer({ window: ["ok", 0, 5], next: 5, texts: [run(1, "x")] }));
    overlay = fold(overlay, answer({ window: ["stale", 5, 5], next: latest }));
    expect(live(overlay)).toBeUndefined();
    expect(overlay.cursors).toEqual([{ streamId: STREAM, cursor: latest }]);
    const at = latest;
    overlay = fold(
      overlay,
      answer({ window: ["ok", at, at + 1], next: at + 1, texts: [run(at, "y")] }),
    );
    expect(live(overlay)?.text).toMatchObject({ text: "y", since: at });
  });

  it("a stale window touches no other stream", () => {
    let overlay = followed("a", "b");
    overlay = fold(overlay, {
      ...answer({ states: { b: "streaming", a: "streaming" } }),
      streamWindows: [
        { streamId: "a", status: "ok", serverCursorStart: 0, serverCursorEnd: 2 },
        { streamId: "b", status: "stale", serverCursorStart: 0, serverCursorEnd: 0 },
      ],
      nextCheckpoints: [
        { streamId: "a", cursor: 2 },
        { streamId: "b", cursor: 7 },
      ],
      texts: [{ ...run(1, "kept"), streamId: "a" }],
    });
    expect(textOf(overlay)).toBe("kept");
    expect(overlay.cursors).toEqual([
      { streamId: "a", cursor: 2 },
      { streamId: "b", cursor: 7 },
    ]);
  });

  it("follows a stream that ended until nothing newer comes, then drops it", () => {
    const ended = { [STREAM]: "finished" } as const;
    let overlay = followed();
    overlay = fold(
      overlay,
      answer({ states: ended, window: ["ok", 0, 2], next: 2, texts: [run(1, "a")] }),
    );
    expect(overlay.cursors).toEqual([{ streamId: STREAM, cursor: 2 }]);
    overlay = fold(
      overlay,
      answer({ states: ended, window: ["ok", 2, 3], next: 3, texts: [run(2, "b")] }),
    );
    expect(textOf(overlay)).toBe("ab");
    const last = answer({ states: ended, window: ["ok", 3, 3], next: 3 });
    const dropped = fold(overlay, last);
    expect(dropped.cursors).toEqual([]);
    expect(live(dropped)).toBeUndefined();
    expect(foldOverlay(dropped, overlay.cursors, last)).toBe(dropped);
  });

  it("a stream that is no longer listed has ended", () => {
    const overlay = fold(followed(), answer({ states: {}, window: ["ok", 0, 0], next: 0 }));
    expect(overlay.cursors).toEqual([]);
  });

  it("does not take the answer to a list for the end of a stream", () => {
    const list: CodexStreamsResult = { kind: "list", streams: [] };
    const overlay = followed();
    expect(fold(overlay, list)).toBe(overlay);
  });

  it.each([
    ["no streams at all", undefined],
    ["null", null],
    [
      "a host of the seed's day, without texts",
      { ...answer({ window: ["ok", 0, 4], next: 4 }), texts: undefined },
    ],
    ["fields missing", { kind: "deltas" }],
  ])("never crashes: %s", (_, odd) => {
    expect(() => fold(followed(), odd as CodexStreamsResult)).not.toThrow();
  });

  it("10,000 deltas in one message: every run is read once", () => {
    const deltas = 10_000;
    let reads = 0;
    let overlay = followed();
    for (let at = 0; at < deltas; at += 1) {
      const counted = {
        ...run(at, ""),
        get text() {
          reads += 1;
          return "x";
        },
      };
      const given = answer({ window: ["ok", at, at + 1], next: at + 1, texts: [counted] });
      const { cursors } = overlay;
      overlay = foldOverlay(overlay, cursors, given);
      overlay = foldOverlay(overlay, cursors, given);
    }
    expect(reads).toBe(deltas);
    expect(textOf(overlay)).toHaveLength(deltas);
  });
});

function fold(overlay: CodexOverlay, given: CodexStreamsResult): CodexOverlay {
  return foldOverlay(overlay, overlay.cursors, given);
}

function followed(...streamIds: string[]): CodexOverlay {
  const ids = streamIds.length === 0 ? [STREAM] : streamIds;
  const states = Object.fromEntries(ids.map((id) => [id, "streaming" as const]));
  return fold(EMPTY_OVERLAY, answer({ states }));
}

function answer(given: {
  states?: Record<string, State>;
  window?: ["ok" | "rebased" | "stale", number, number];
  next?: number;
  texts?: CodexStreamText[];
}): Deltas {
  const { states = { [STREAM]: "streaming" }, window, next, texts = [] } = given;
  return {
    kind: "deltas",
    streams: Object.entries(states).map(([streamId, state]) => ({ streamId, state })),
    streamWindows: window
      ? [
          {
            streamId: STREAM,
            status: window[0],
            serverCursorStart: window[1],
            serverCursorEnd: window[2],
          },
        ]
      : [],
    nextCheckpoints: next === undefined ? [] : [{ streamId: STREAM, cursor: next }],
    texts,
  };
}

function run(cursorStart: number, text: string, cursorEnd = cursorStart + 1): CodexStreamText {
  return {
    streamId: STREAM,
    turnId: "turn",
    messageId: "m1",
    channel: "text",
    cursorStart,
    cursorEnd,
    text,
  };
}

function live(overlay: CodexOverlay) {
  return findLiveMessage(overlay, codexMessageKey("turn", "m1"));
}

function textOf(overlay: CodexOverlay, channel: "text" | "output" = "text"): string | undefined {
  return live(overlay)?.[channel]?.text;
}

it("an answer's cost does not grow with the texts of the turn that have ended", () => {
  const putBy = (size: number) => {
    const runs = Array.from({ length: size + 1 }, (_, n) => ({ ...run(n, "x"), messageId: `m${n}` }));
    const more = (at: number) => answer({ window: ["ok", at, at + 1], next: at + 1, texts: [{ ...run(at, "y"), messageId: `m${size}` }] });
    let overlay = fold(followed(), answer({ window: ["ok", 0, size + 1], next: size + 1, texts: runs }));
    for (const at of [size + 1, size + 2]) overlay = fold(overlay, more(at));
    const put = entriesPut(() => {
      for (let at = size + 3; at < size + 10; at += 1) overlay = fold(overlay, more(at));
    });
    expect(findLiveMessage(overlay, codexMessageKey("turn", `m${size}`))?.text?.text).toBe(`x${"y".repeat(9)}`);
    expect(findLiveMessage(overlay, codexMessageKey("turn", "m0"))?.text?.text).toBe("x");
    return put;
  };
  expect(putBy(1_000)).toBe(putBy(3));
});
