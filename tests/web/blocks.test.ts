// An answer is cut into blocks: what is complete stays the same object, and what is not is never long.
import { describe, expect, it } from "vitest";
import type { Block, Blocks } from "../../example/web/src/markdown/blocks.js";
import {
  BLOCK_UNITS_MAX,
  GROUP_SIZE,
  NO_BLOCKS,
  growBlocks,
} from "../../example/web/src/markdown/blocks.js";

const all = ({ groups, closed, open }: Blocks): Block[] => [
  ...groups.flat(),
  ...closed,
  ...(open === undefined ? [] : [open]),
];
const cut = (text: string) => all(growBlocks(NO_BLOCKS, text));

describe("blocks", () => {
  it.each([
    ["paragraphs", "One\nline.\n\nTwo.\n\n\nThree.", ["One\nline.\n", "Two.\n", "\nThree."]],
    [
      "a list with empty lines",
      "1. a\n\n2. b\n\n   more\n\nend of it all",
      ["1. a\n\n2. b\n\n   more\n", "end of it all"],
    ],
    [
      "a list under a line",
      "Steps:\n- a\n\n- b\n\nThat was all.",
      ["Steps:\n- a\n\n- b\n", "That was all."],
    ],
    ["a rule after a list", "- a\n\n---\n\nend of it all", ["- a\n", "---\n", "end of it all"]],
    [
      "code in a list",
      "- a\n\n  ```\n  x\n  ```\n\nend of it all",
      ["- a\n\n  ```\n  x\n  ```\n", "end of it all"],
    ],
    ["nothing", "", []],
    ["nothing but empty lines", "\n\n \n", [" \n"]],
  ])("%s", (_, text, texts) => {
    expect(
      cut(text)
        .map((block) => block.text)
        .filter((part) => part !== ""),
    ).toEqual(texts);
  });

  it("code between fences is code, whatever is in it", () => {
    const [before, code, after] = cut("See:\n```ts title=x\na\n\n- b\n~~~\n```\nand so on");
    expect(before).toEqual({ at: 0, text: "See:\n" });
    expect(code).toMatchObject({
      text: "a\n\n- b\n~~~",
      code: { language: "ts", isFirst: true, isLast: true },
    });
    expect(after?.text).toBe("and so on");
  });

  it.each([
    ["a fence that is still open", "```\nhalf", "half", false],
    ["one whose end has no line feed", "```\nwhole\n```", "whole", true],
    ["one without a line in it", "~~~\n~~~", "", true],
    ["a longer one around a shorter", "````\n```\n````", "```", true],
  ])("%s", (_, text, content, isLast) => {
    expect(cut(text)).toEqual([
      {
        at: 4 + (text.startsWith("````") ? 1 : 0),
        text: content,
        code: { language: "", isFirst: true, isLast },
      },
    ]);
  });

  it("however it is written, it is cut alike", () => {
    const text =
      "# A\n\npara\n\n- x\n\n- y\n\n```js\na\n\nb\n```\n\n| a |\n| - |\n| 1 |\n\n> q\n\nend\n";
    const whole = cut(text).map((block) => block.text);
    for (const step of [1, 2, 3, 7]) {
      let blocks = NO_BLOCKS;
      for (let end = step; end < text.length + step; end += step)
        blocks = growBlocks(blocks, text.slice(0, end));
      expect(all(blocks).map((block) => block.text)).toEqual(whole);
    }
  });

  it(
    "10,000 deltas: every complete block keeps its object, and what is open is never long",
    { timeout: 60_000 },
    () => {
      const sentence = "A sentence of an answer that goes on and on. ";
      let text = "";
      let blocks = NO_BLOCKS;
      const seen = new Map<number, Block>();
      let longest = 0;
      let changed = 0;
      for (let i = 1; i <= 10_000; i += 1) {
        text += i % 20 === 0 ? "\n\n" : sentence;
        const { groups } = blocks;
        blocks = growBlocks(blocks, text);
        longest = Math.max(longest, blocks.open?.text.length ?? 0, blocks.closed.length);
        if (blocks.groups.length === groups.length && blocks.groups !== groups) changed += 1;
        for (const block of blocks.closed) {
          if (seen.has(block.at) && seen.get(block.at) !== block) changed += 1;
          seen.set(block.at, block);
        }
      }
      for (const block of blocks.groups.flat()) if (seen.get(block.at) !== block) changed += 1;
      // Each group was `closed` until it was full: its last block was never seen there.
      expect(changed).toBe(blocks.groups.length);
      expect(longest).toBeLessThan(2 * 20 * sentence.length);
      expect(blocks.groups).toHaveLength(Math.floor(499 / GROUP_SIZE));
    },
  );

  it.each([
    ["one line", "x".repeat(1_000_000)],
    ["one line of words", "word ".repeat(200_000)],
    ["one paragraph", "a line of a paragraph\n".repeat(50_000)],
    ["one fence", `\`\`\`\n${"code\n".repeat(200_000)}`],
    ["one line of pairs", "😀".repeat(250_000)],
    ["one list", "- an item\n\n".repeat(50_000)],
  ])("a megabyte in %s is cut, and nothing of it is lost", (_, text) => {
    const blocks = cut(text);
    for (const block of blocks) expect(block.text.length).toBeLessThanOrEqual(BLOCK_UNITS_MAX);
    const joined = blocks.map((block) => block.text).join("");
    expect(joined.replaceAll("\n", "")).toBe(text.replace(/^```/, "").replaceAll("\n", ""));
    expect(joined.isWellFormed()).toBe(true);
  });

  it("another text is cut anew", () => {
    const blocks = growBlocks(NO_BLOCKS, "One.\n\nTwo, and more of it.");
    expect(all(growBlocks(blocks, "Other."))).toEqual([{ at: 0, text: "Other." }]);
    expect(growBlocks(blocks, blocks.text)).toBe(blocks);
  });
});
