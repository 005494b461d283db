// Changes of files: read by their headers, counted, folded, bounded.
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import type { FileChange } from "../../example/web/src/diff.js";
import { fileChanges, readDiff } from "../../example/web/src/diff.js";
import { DIFF_LINES_SHOWN, DIFF_UNITS_SHOWN } from "../../example/web/src/items/diff.js";
import { Item } from "../../example/web/src/items/item.js";
import { elementsIn, message } from "./build.js";

afterEach(cleanup);

const update = (diff: string, more: Partial<FileChange> = {}): FileChange => ({
  path: "a",
  kind: "update",
  movedTo: undefined,
  diff,
  ...more,
});
const draw = (changes: object[], more = {}) =>
  render(
    <Item
      message={message({ role: "tool", sourceItemType: "fileChange", item: { changes, ...more } })}
    />,
  ).container;

describe("a diff", () => {
  it("is read by its hunks, with the numbers of its lines", () => {
    const diff =
      "--- a\n+++ b\n@@ -3,3 +3,4 @@ fn\n one\n--- two\n+++ two\n+2.5\n three\n\\ No newline at end of file\n";
    const { lines, added, deleted, form } = readDiff(update(diff));
    expect({ added, deleted, form }).toEqual({ added: 2, deleted: 1, form: "lines" });
    expect(lines.slice(1)).toEqual([
      { type: "context", text: "one", before: 3, after: 3 },
      { type: "delete", text: "-- two", before: 4, after: 0 },
      { type: "add", text: "++ two", before: 0, after: 4 },
      { type: "add", text: "2.5", before: 0, after: 5 },
      { type: "context", text: "three", before: 5, after: 6 },
    ]);
  });

  it.each([
    ["a file that came whole", update("+1\n\n", { kind: "add" }), ["+1", ""], 2, 0, "lines"],
    ["one that went whole", update("x", { kind: "delete" }), ["x"], 0, 1, "lines"],
    ["an empty file", update("", { kind: "add" }), [], 0, 0, "lines"],
    ["only a name", update("\n\nMoved to: b", { movedTo: "b" }), [], 0, 0, "lines"],
    [
      "a name as well",
      update("@@ -1 +1 @@\n-x\n+y\n\n\nMoved to: b", { movedTo: "b" }),
      ["@@ -1,1 +1,1 @@", "x", "y"],
      1,
      1,
      "lines",
    ],
    ["a binary file", update("Binary files a/x and b/x differ"), [], 0, 0, "binary"],
    ["content that is binary", update("a\0b", { kind: "add" }), [], 0, 0, "binary"],
    [
      "headers that are not true",
      update("@@ -1 +1 @@\n-x\n+y\n z\n"),
      ["@@ -1 +1 @@", "x", "y", "z"],
      0,
      0,
      "unreadable",
    ],
    ["no diff at all", update("what?"), ["hat?"], 0, 0, "unreadable"],
  ] as const)("%s", (name, change, texts, added, deleted, form) => {
    const diff = readDiff(change);
    expect(diff).toMatchObject({ added, deleted, form });
    expect(diff.lines.map(({ text }) => text)).toEqual(
      name === "no diff at all" ? ["what?"] : texts,
    );
  });

  it("of 100,000 lines: counted, closed, and opened so many at a time", () => {
    const diff = "x\n".repeat(100_000);
    const container = draw([{ path: "src/big.ts", kind: { type: "add" }, diff }]);
    expect(container.querySelector(".counts")?.textContent).toBe("+100,000");
    expect(container.querySelectorAll("ins")).toHaveLength(0);
    const details = container.querySelector("details")!;
    details.open = true;
    fireEvent(details, new Event("toggle"));
    expect(container.querySelectorAll("ins")).toHaveLength(DIFF_LINES_SHOWN);
    fireEvent.click(
      screen.getByText(`${(100_000 - DIFF_LINES_SHOWN).toLocaleString()} more lines`),
    );
    expect(container.querySelectorAll("ins")).toHaveLength(2 * DIFF_LINES_SHOWN);
    expect(elementsIn(container)).toBeLessThan(2 * DIFF_LINES_SHOWN + 40);
  });

  it("of one line of a megabyte: its beginning", () => {
    const container = draw([{ path: "a", kind: { type: "add" }, diff: "x".repeat(1_000_000) }]);
    expect(container.querySelector("ins")?.textContent.length).toBeLessThan(DIFF_UNITS_SHOWN + 40);
    expect(container.textContent).toContain("998,000 more characters");
  });

  it("of 10,000 files: so many, and more on request", () => {
    const changes = Array.from({ length: 10_000 }, (_, i) => ({
      path: `f${i}`,
      kind: { type: "add" },
      diff: "x\n",
    }));
    const container = draw(changes);
    expect(container.querySelectorAll("details")).toHaveLength(50);
    fireEvent.click(screen.getByText("9,950 more files"));
    expect(container.querySelectorAll("details")).toHaveLength(100);
  });

  it("says what was declined, and where a file went", () => {
    const container = render(
      <Item
        message={message({
          role: "tool",
          sourceItemType: "fileChange",
          status: "interrupted",
          item: {
            status: "declined",
            changes: [{ path: "a/b", kind: { type: "update", move_path: "c/b" }, diff: "" }],
          },
        })}
      />,
    ).container;
    expect(container.querySelector(".state")?.textContent).toBe("declined");
    expect(container.querySelector(".path")?.textContent).toBe("a/b → c/b");
    expect(container.textContent).toContain("Only its name changed.");
  });

  it.each([
    [
      {
        changes: [
          null,
          1,
          "x",
          {},
          { kind: "__proto__" },
          { kind: { type: "constructor" }, diff: 7 },
        ],
      },
    ],
    [{ changes: {} }],
    [{}],
  ])("%j is no change, and breaks nothing", (item) => {
    expect(() => fileChanges(item).map(readDiff)).not.toThrow();
  });
});
