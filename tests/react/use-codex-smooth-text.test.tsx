import { act, cleanup, renderHook } from "@testing-library/react";
import { StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useCodexSmoothText, type CodexSmoothTextOptions } from "../../js-wrapper/react/index.js";

/** A frame of the clock that stands in for the browser's. */
const FRAME_MS = 16;

let isStill: boolean;
let onChange: (() => void)[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["requestAnimationFrame", "cancelAnimationFrame", "performance"] });
  isStill = false;
  onChange = [];
  // jsdom has no media queries.
  vi.stubGlobal("matchMedia", () => ({
    get matches() {
      return isStill;
    },
    addEventListener: (_: string, listener: () => void) => onChange.push(listener),
    removeEventListener: (_: string, listener: () => void) => (onChange = onChange.filter((other) => other !== listener)),
  }));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

interface Given extends CodexSmoothTextOptions {
  text: string;
}

function show(initial: Given) {
  const seen: string[] = [];
  const hook = renderHook(
    ({ text, ...options }: Given) => {
      const shown = useCodexSmoothText(text, options);
      if (seen.at(-1) !== shown) seen.push(shown);
      return shown;
    },
    { initialProps: initial, wrapper: StrictMode },
  );
  return {
    seen,
    get shown() {
      return hook.result.current;
    },
    rerender: hook.rerender,
    unmount: hook.unmount,
  };
}

function frames(count: number): void {
  for (let n = 0; n < count; n += 1) act(() => void vi.advanceTimersByTime(FRAME_MS));
}

describe("a text that grows in jumps", () => {
  it("is revealed in steps, to its end", () => {
    const view = show({ text: "" });
    view.rerender({ text: "Hello, world" });
    expect(view.shown).toBe("");
    frames(20);
    expect(view.shown).toBe("Hello, world");
    expect(view.seen.length).toBeGreaterThan(3);
    expect(view.seen.every((shown) => "Hello, world".startsWith(shown))).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("goes on where it is when more comes, and after a rest begins with its time", () => {
    const view = show({ text: "" });
    view.rerender({ text: "abcdefghij" });
    frames(3);
    const { shown } = view;
    expect(shown.length).toBeGreaterThan(0);
    view.rerender({ text: "abcdefghijklmnop" });
    expect(view.shown).toBe(shown);
    frames(20);
    expect(view.shown).toBe("abcdefghijklmnop");
    frames(1_000);
    view.rerender({ text: `abcdefghijklmnop${"x".repeat(20)}` });
    frames(2);
    // Two frames: the first begins, the second shows what 16 ms are worth.
    expect(view.shown).toHaveLength(16 + 3);
  });

  it("is revealed though it grows at every frame", () => {
    const view = show({ text: "" });
    for (let n = 1; n <= 50; n += 1) {
      view.rerender({ text: "x".repeat(n * 4) });
      frames(1);
    }
    expect(view.shown.length).toBeGreaterThan(100);
  });

  it("that was there at mount is shown at once", () => {
    const view = show({ text: "restored" });
    expect([view.seen, vi.getTimerCount()]).toEqual([["restored"], 0]);
    view.rerender({ text: "restored, and more" });
    frames(1);
    expect(view.shown.startsWith("restored")).toBe(true);
  });

  it("that is not streaming is shown at once", () => {
    const view = show({ text: "", isStreaming: false });
    view.rerender({ text: "all of it", isStreaming: false });
    expect([view.seen, vi.getTimerCount()]).toEqual([["", "all of it"], 0]);
  });

  it("that ends while it is revealed is shown whole at once", () => {
    const view = show({ text: "" });
    view.rerender({ text: "x".repeat(1_000) });
    frames(3);
    view.rerender({ text: "x".repeat(1_000), isStreaming: false });
    expect([view.shown.length, vi.getTimerCount()]).toEqual([1_000, 0]);
  });

  it("that does not begin with what is shown is shown whole at once", () => {
    const view = show({ text: "one" });
    view.rerender({ text: "two, of another message" });
    expect(view.shown).toBe("two, of another message");
    view.rerender({ text: "" });
    expect(view.shown).toBe("");
  });

  it("that changes ahead of what is shown is never mixed", () => {
    const view = show({ text: "", minCommitMs: 1_000 });
    view.rerender({ text: "abc", minCommitMs: 1_000 });
    frames(30);
    view.rerender({ text: "abcdefghijklmnopqrstuvwxyz".repeat(10), minCommitMs: 1_000 });
    frames(3);
    expect(view.shown).toBe("abc");
    view.rerender({ text: "abc!", minCommitMs: 1_000 });
    frames(30);
    expect(view.shown).toBe("abc!");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("that changes ahead of what is shown is not cut where the one before would have been", () => {
    const family = "👨‍👩‍👧‍👦";
    const view = show({ text: "abc", minCommitMs: 100 });
    view.rerender({ text: `abc${"x".repeat(400)}`, minCommitMs: 100 });
    frames(4);
    const base = view.shown;
    expect(base.length).toBeGreaterThan(3);
    view.rerender({ text: base + family.repeat(40), minCommitMs: 100 });
    frames(400);
    const cuts = view.seen.slice(view.seen.indexOf(base)).map((shown) => (shown.length - base.length) % family.length);
    expect(cuts.length).toBeGreaterThan(2);
    expect(new Set(cuts)).toEqual(new Set([0]));
  });

  it("no pair and no cluster is cut in half", () => {
    const family = "👨‍👩‍👧‍👦";
    const view = show({ text: "" });
    view.rerender({ text: family.repeat(10) });
    frames(400);
    expect(view.seen.map((shown) => shown.length % family.length)).toEqual(view.seen.map(() => 0));
    expect(view.seen.length).toBeGreaterThan(2);
  });

  it("is shown at once to who prefers reduced motion, also from now on", () => {
    const view = show({ text: "" });
    view.rerender({ text: "x".repeat(1_000) });
    frames(2);
    isStill = true;
    act(() => onChange.forEach((listener) => listener()));
    expect([view.shown.length, vi.getTimerCount()]).toEqual([1_000, 0]);
    view.rerender({ text: "x".repeat(2_000) });
    expect(view.shown).toHaveLength(2_000);
  });

  it("is rendered once each minCommitMs, and at its end", () => {
    const text = "x".repeat(100);
    const view = show({ text: "", minCommitMs: 100 });
    view.rerender({ text, minCommitMs: 100 });
    frames(60);
    // 250 ms and the slow end, by 100 ms.
    expect(view.shown).toBe(text);
    expect(view.seen.length).toBeLessThanOrEqual(8);
    expect(view.seen.length).toBeGreaterThan(3);
  });

  it("is bounded for each frame by maxCharsPerFrame", () => {
    const view = show({ text: "" });
    view.rerender({ text: "x".repeat(100), maxCharsPerFrame: 3 });
    frames(100);
    const steps = view.seen.map((shown) => shown.length);
    expect(steps.slice(1).map((length, at) => length - (steps[at] ?? 0))).toEqual([...Array.from({ length: 33 }, () => 3), 1]);
  });

  it.each([0, -1, Number.NaN])("options of %s are those of the default", (odd) => {
    const view = show({ text: "" });
    view.rerender({ text: "Hello", drainMs: odd, maxCharIntervalMs: odd, maxCharsPerFrame: odd, minCommitMs: odd });
    frames(10);
    expect(view.shown).toBe("Hello");
  });

  it("is compared when it changes, and at no frame", () => {
    const view = show({ text: "", minCommitMs: 2 * FRAME_MS });
    const long = "word ".repeat(1_000);
    view.rerender({ text: long, minCommitMs: 2 * FRAME_MS });
    const compared = vi.spyOn(String.prototype, "startsWith");
    frames(8);
    expect(view.seen.length).toBeGreaterThan(3);
    expect(view.shown.length).toBeLessThan(long.length);
    const ofText = compared.mock.contexts.filter((context) => String(context) === long);
    expect(ofText).toEqual([]);
    compared.mockRestore();
    frames(400);
    expect(view.shown).toBe(long);
  });

  it("leaves no frame behind when it goes", () => {
    const view = show({ text: "" });
    view.rerender({ text: "x".repeat(1_000) });
    frames(2);
    view.unmount();
    expect([vi.getTimerCount(), onChange]).toEqual([0, []]);
  });
});

it("a server, and a place without media queries, shows the text itself", () => {
  vi.stubGlobal("matchMedia", undefined);
  vi.stubGlobal("requestAnimationFrame", undefined);
  function Shown() {
    return <p>{useCodexSmoothText("all of it")}</p>;
  }
  expect(renderToString(<Shown />)).toBe("<p>all of it</p>");
  expect(show({ text: "client" }).shown).toBe("client");
});

it("asks the browser once how much motion is preferred, however often it renders", () => {
  const ask = vi.spyOn(globalThis, "matchMedia");
  const view = renderHook(({ text }: Given) => useCodexSmoothText(text), { initialProps: { text: "a" } });
  for (const text of ["ab", "abc", "abcd"]) {
    view.rerender({ text });
    frames(2);
  }
  expect(ask).toHaveBeenCalledOnce();
});
