// What a program printed for a terminal: colours are kept, and nothing else that a terminal would do.
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { Item } from "../../example/web/src/items/item.js";
import { Output } from "../../example/web/src/items/output.js";
import {
  PAGE_LINES_MAX,
  PAGE_UNITS_MAX,
  countLines,
  pagesOf,
  tailStart,
} from "../../example/web/src/pages.js";
import { RUNS_MAX, plainOutput, readRuns } from "../../example/web/src/terminal.js";
import { elementsIn, message } from "./build.js";

afterEach(cleanup);

const MEGABYTE = 1_000_000;

describe("a terminal's output", () => {
  it.each([
    ["colours", "\u001b[31mred\u001b[0m", "red"],
    ["a title", "\u001b]0;title\u0007text", "text"],
    ["a title that has no end", "\u001b]0;title\ntext", "\ntext"],
    ["a link of the terminal", "\u001b]8;;http://x\u001b\\text\u001b]8;;\u001b\\", "text"],
    [
      "a cleared screen, and a cursor that moves",
      "a\u001b[2J\u001b[H\u001b[10Ab\u001b[?25lc",
      "abc",
    ],
    ["a device's strings", "\u001bP1;2|x\u001b\\a\u001b_x\u001b\\b\u001b^x\u001b\\c", "abc"],
    ["sequences of two", "\u001bca\u001b(Bb\u001b7c", "abc"],
    ["a sequence that is torn", "a\u001b[31", "a"],
    ["an escape alone", "a\u001b", "a"],
    ["a line written over", "10 %\r50 %\r100 %\ndone", "100 %\ndone"],
    ["line ends of Windows", "a\r\nb\r\n", "a\nb\n"],
    ["a last line that is about to be written over", "a\n50 %\r", "a\n50 %"],
    ["tabs, bells, and backspaces", "a\tb\u0007\u0008", "a\tb"],
  ])("%s", (_, given, shown) => {
    expect(plainOutput(given)).toBe(shown);
  });

  it("keeps colours by their names, and those without one as they are", () => {
    expect(
      readRuns(
        "\u001b[1;31mFAIL\u001b[0m a \u001b[38;2;300;0;7mb\u001b[38;5;21mc\u001b[39m\u001b[8;40md",
      ),
    ).toEqual([
      { text: "FAIL", look: "ansi-bold ansi-red" },
      { text: " a ", look: "" },
      { text: "b", look: "ansi-other", colour: "rgb(255 0 7)" },
      { text: "c", look: "ansi-other", colour: "#0000ff" },
      { text: "d", look: "ansi-marked" },
    ]);
  });

  it("keeps the colour that a line was begun with before it was written over", () => {
    expect(readRuns("\u001b[32m10 %\r100 %\u001b[0m")).toEqual([
      { text: "100 %", look: "ansi-green" },
    ]);
  });

  it.each([
    ["a colour for each character", "\u001b[31ma\u001b[32mb".repeat(20_000)],
    ["colours without end", `\u001b[${"1;".repeat(20_000)}m`.repeat(3)],
    ["colours that are none", "\u001b[38;5;999;38;2;1;48;5;mx\u001b[38;5;__proto__my"],
    ["escapes", "\u001b".repeat(40_000)],
    ["brackets of escapes", "\u001b[".repeat(20_000)],
    ["titles without end", "\u001b]0;".repeat(10_000)],
  ])("a bomb of %s: %s runs at the most", (_, bomb) => {
    const runs = readRuns(bomb);
    expect(runs.length).toBeLessThanOrEqual(RUNS_MAX + 1);
    expect(runs.map(({ text }) => text).join("")).toBe(plainOutput(bomb));
    for (const { text } of runs) expect(text).not.toContain("\u001b");
  });

  it("one long line, or nothing but carriage returns, is gone through once", () => {
    expect(plainOutput("x".repeat(MEGABYTE))).toHaveLength(MEGABYTE);
    expect(plainOutput("\r".repeat(MEGABYTE) + "x")).toBe("x");
  });
});

describe("pages", () => {
  it.each([
    ["nothing", ""],
    ["lines", "line\n".repeat(100_000)],
    ["one line", "x".repeat(MEGABYTE)],
    ["pairs", "x" + "😀".repeat(MEGABYTE / 4)],
    ["coloured characters", "\u001b[31mx".repeat(MEGABYTE / 8)],
    ["long lines", `${"x".repeat(PAGE_UNITS_MAX - 1)}\n`.repeat(5)],
    ["lines that are too long by one", `${"x".repeat(PAGE_UNITS_MAX)}\n`.repeat(5)],
  ])("of %s: bounded, without a gap, nothing torn", (_, text) => {
    const pages = pagesOf(text).map(({ from, to }) => text.slice(from, to));
    expect(pages.join("")).toBe(text);
    for (const page of pages) {
      expect(page.length).toBeLessThanOrEqual(PAGE_UNITS_MAX);
      expect(countLines(page)).toBeLessThanOrEqual(PAGE_LINES_MAX);
      expect(page.isWellFormed()).toBe(true);
      expect(plainOutput(page)).not.toMatch(/\[31m|^\d*m/);
    }
  });

  it.each([
    ["a\nb\nc\n", 2, 99, "b\nc\n"],
    ["a\nb\nc", 2, 99, "b\nc"],
    ["a", 2, 99, "a"],
    ["", 2, 99, ""],
    ["\n\n\n", 2, 99, "\n\n"],
    ["aaaa\nbbbb\ncc", 3, 8, "bbbb\ncc"],
    ["aaaa\nbbbbbbbb", 3, 4, "bbbb"],
    ["a😀", 1, 1, "😀"],
  ])("the end of %j in %i lines and %i units is %j", (text, lines, units, shown) => {
    expect(text.slice(tailStart(text, lines, units))).toBe(shown);
  });
});

describe("an output on the page", () => {
  it("shows its end, and all of it by pages", () => {
    const output = Array.from({ length: 40_000 }, (_, i) => `line ${i + 1}`).join("\n");
    const { container } = render(<Output output={output} />);
    expect(container.querySelector("pre")?.textContent.split("\n")).toHaveLength(12);
    fireEvent.click(screen.getByText("Show all 40,000 lines"));
    expect(screen.getByText("page 100 of 100")).toBeDefined();
    expect(container.querySelector("pre")?.textContent.trim().split("\n")).toHaveLength(400);
    fireEvent.click(screen.getByText("Previous"));
    expect(container.querySelector("pre")?.textContent).toMatch(/^line 39201\n/);
    expect(elementsIn(container)).toBe(7);
  });

  it.each([
    ["a line of a megabyte", "x".repeat(MEGABYTE)],
    ["a megabyte of colours", "\u001b[31ma\u001b[32mb".repeat(MEGABYTE / 12)],
    ["a megabyte of overrides", "\u202e".repeat(MEGABYTE)],
  ])("%s: folded, opened and live, its elements are bounded", (_, output) => {
    for (const isLive of [false, true]) {
      const { container } = render(<Output output={output} isLive={isLive} />);
      expect(elementsIn(container)).toBeLessThanOrEqual(RUNS_MAX + 4);
      fireEvent.click(container.querySelector("button")!);
      expect(elementsIn(container)).toBeLessThanOrEqual(RUNS_MAX + 10);
      cleanup();
    }
  });

  it("nothing that a terminal would do is done, and nothing is a link", () => {
    const output =
      "\u001b]8;;javascript:alert(1)\u0007click\u001b]8;;\u0007 https://a.example <b>x</b>\u001b]0;t\u0007 \u202ex";
    const { container } = render(
      <Item
        message={message({
          role: "tool",
          sourceItemType: "commandExecution",
          text: "cat x",
          item: { aggregatedOutput: output },
        })}
      />,
    );
    expect(container.querySelector("a, b")).toBeNull();
    expect(container.querySelector("pre")?.textContent).toBe(
      "click https://a.example <b>x</b> ⟨U+202E⟩x",
    );
  });
});
