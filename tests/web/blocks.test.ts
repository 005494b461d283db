// An answer is cut into blocks: what is complete stays the same object, and what is not is never long.
import { describe, expect, it } from "vitest";
import type { Block, Blocks } from "../../example/web/src/markdown/blocks.js";
import {
  BLOCK_ELEMENTS_MAX,
  BLOCK_UNITS_MAX,
  GROUP_ELEMENTS_MAX,
  GROUP_SIZE,
  NO_BLOCKS,
  growBlocks,
} from "../../example/web/src/markdown/blocks.js";
import { parseBlock } from "../../example/web/src/markdown/parse.js";
import { HEAD_UNITS_MAX, headAfter } from "../../example/web/src/markdown/table-head.js";

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
    expect(before).toMatchObject({ at: 0, text: "See:\n" });
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

  it.each(["```", "~~~"])("code between %s whose lines end in carriage returns", (fence) => {
    const blocks = cut(`${fence}js\r\na\r\n\r\nb\r\n${fence}\r\n`);
    expect(blocks).toMatchObject([{ text: "a\r\n\r\nb\r", code: { language: "js" } }]);
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

  it("a long list is cut before an item, so that what is in an item stays in it", () => {
    const item = (i: number) => `${i}. item\n    - one\n    - two\n\n      more of it\n`;
    const text = Array.from({ length: 500 }, (_, i) => item(i)).join("");
    const blocks = cut(text);
    expect(blocks.length).toBeGreaterThan(2);
    expect(blocks.map((block) => block.text).join("")).toBe(text);
    for (const block of blocks) {
      expect(block.text).toMatch(/^\d+\. item/);
      expect(block.text.length).toBeLessThanOrEqual(BLOCK_UNITS_MAX);
    }
    const long = cut(`- a\n- b\n${"  words of it\n".repeat(2_000)}`);
    expect(long.map((block) => block.text.slice(0, 4))).toEqual(["- a\n", "- b\n", "  wo", "  wo", "  wo"]);
  });

  it("a list of many short items is cut before it is too many elements", () => {
    const items = (count: number) =>
      Array.from({ length: count }, (_, i) => `${i}. \`a\`\n`).join("");
    const blocks = cut(items(1_000));
    expect(blocks.map((block) => block.text).join("")).toBe(items(1_000));
    expect(blocks.length).toBeGreaterThan(5);
    for (const { text } of blocks) {
      expect(text).toMatch(/^\d+\. /);
      // An item, what is in it, and code.
      expect(text.match(/`a`/g)!.length * 4).toBeLessThanOrEqual(BLOCK_ELEMENTS_MAX);
    }
    // What has no place to be cut at is not cut.
    expect(cut(`- a\n${"    - b\n".repeat(800)}`)).toHaveLength(1);
    expect(cut("*a* `b` **c**\n".repeat(400))).toHaveLength(1);
  });

  it("a group is full once it is very many elements", () => {
    const { groups } = growBlocks(NO_BLOCKS, "- a\n".repeat(20_000));
    expect(groups.length).toBeGreaterThan(20);
    for (const group of groups) {
      const sum = group.reduce((elements, block) => elements + block.elements!, 0);
      expect(sum).toBeGreaterThanOrEqual(GROUP_ELEMENTS_MAX);
      expect(sum).toBeLessThanOrEqual(GROUP_ELEMENTS_MAX + BLOCK_ELEMENTS_MAX);
    }
  });

  it.each([
    ["a number that begins a line of a paragraph", "in the year\n1984. It was\n"],
    ["a dash that underlines a heading", "a heading\n-\n"],
  ])("a long block is not cut before %s", (_, unit) => {
    const words = "words of a paragraph\n".repeat(BLOCK_UNITS_MAX / 42);
    const [first] = cut(`${words}${unit}${words}${words}`);
    expect(first?.text.includes(unit)).toBe(true);
  });

  it("another text is cut anew", () => {
    const blocks = growBlocks(NO_BLOCKS, "One.\n\nTwo, and more of it.");
    expect(all(growBlocks(blocks, "Other."))).toEqual([{ at: 0, text: "Other." }]);
    expect(growBlocks(blocks, blocks.text)).toBe(blocks);
  });
});

describe("tables longer than a block", () => {
  const HEADER = "| city | people |\n| :--- | -----: |\n";
  const HEAD = "| city | people |\n|:-|-:|\n";
  const rowsOf = (count: number) =>
    Array.from({ length: count }, (_, i) => `| city no. ${i} | ${i}00 |\n`).join("");
  /** The rows of all blocks, as the parser sees them; each block's first is its header. */
  const rows = (blocks: readonly Block[]) =>
    blocks.flatMap(({ text, head }) => {
      const { root } = parseBlock(text, false, head);
      const tables = root.children.filter((node) => node.type === "table");
      return tables.flatMap((table) => table.children.slice(1));
    });

  it.each([
    ["line feeds", "\n"],
    ["carriage returns as well", "\r\n"],
  ])("are cut between rows, and each part has the header before it: %s", (_, lineEnd) => {
    const text = `${HEADER}${rowsOf(1_000)}`.replaceAll("\n", lineEnd);
    const [first, ...others] = cut(text);
    expect(first?.head).toBeUndefined();
    expect(others.length).toBeGreaterThan(2);
    for (const { head, text: part } of others) {
      expect(head).toBe(HEAD);
      expect(part.startsWith("| city no. ")).toBe(true);
      expect(part.endsWith(lineEnd)).toBe(true);
      expect(HEAD.length + part.length).toBeLessThanOrEqual(BLOCK_UNITS_MAX);
    }
    const blocks = cut(text);
    expect(blocks.map((block) => block.text).join("")).toBe(text);
    expect(rows(blocks)).toHaveLength(1_000);
  });

  it("10,000 deltas: every complete block keeps its object, and however it is written, it is cut alike", () => {
    const text = `${HEADER}${rowsOf(4_000)}`;
    const step = Math.floor(text.length / 10_000);
    const seen = new Map<number, Block>();
    let blocks = NO_BLOCKS;
    let longest = 0;
    let changed = 0;
    for (let end = step; end < text.length + step; end += step) {
      blocks = growBlocks(blocks, text.slice(0, end));
      const { open, closed } = blocks;
      longest = Math.max(longest, (open?.text.length ?? 0) + (open?.head?.length ?? 0));
      for (const block of closed) {
        if (seen.has(block.at) && seen.get(block.at) !== block) changed += 1;
        seen.set(block.at, block);
      }
    }
    expect(changed).toBe(0);
    expect(longest).toBeLessThanOrEqual(BLOCK_UNITS_MAX);
    expect(seen.size).toBeGreaterThan(6);
    expect(all(blocks)).toEqual(cut(text));
  });

  it("are cut before they are too many elements, and written row by row no row moves", () => {
    const text = `${HEADER}${"| `a` | **b** |\n".repeat(1_000)}`;
    const whole = cut(text);
    expect(whole.map((block) => block.text).join("")).toBe(text);
    expect(rows(whole)).toHaveLength(1_000);
    // A row, its cells, code, and bold words.
    for (const block of whole)
      expect(rows([block]).length * 6).toBeLessThanOrEqual(BLOCK_ELEMENTS_MAX);
    let blocks = NO_BLOCKS;
    const places = new Set<number>();
    for (let end = HEADER.length; end <= text.length; end += 8) {
      blocks = growBlocks(blocks, text.slice(0, end));
      places.add(blocks.open!.at);
    }
    expect(all(blocks)).toEqual(whole);
    expect([...places]).toEqual(whole.map((block) => block.at));
  });

  it("a row that is half there is a row", () => {
    const text = `${HEADER}${rowsOf(1_000)}`;
    const [, second] = cut(text);
    const half = cut(text.slice(0, second!.at + 8)).at(-1)!;
    expect(half).toEqual({ at: second!.at, text: "| city n", head: HEAD });
    expect(rows([half])).toHaveLength(1);
  });

  it("a row longer than a block goes on in the column where it is cut", () => {
    const long = "word ".repeat(4_000);
    const [, , ...parts] = cut(`${HEADER}${rowsOf(10)}| a \\| b | ${long} | end |\n| c | d |\n`);
    expect(parts.map(({ head }) => head)).toEqual(parts.map(() => `${HEAD}| | `));
    const cells = rows(parts).map(({ children }) => children.length);
    expect(cells).toEqual([2, 3, 2]);
    const escaped = cut(`| a | b | c |\n|-|-|-|\n${rowsOf(10)}| a \\| b \\\\| ${long}|\n`);
    expect(escaped.at(-1)?.head).toBe("| a | b | c |\n|-|-|-|\n| | ");
    const many = cut(`${HEADER}${rowsOf(10)}${"|".repeat(50_000)}\n`);
    for (const { head = "" } of many.slice(2)) expect(head).toBe(`${HEAD}| | `);
  });

  it("a long header is repeated with its cells cut short, and one of very many columns is not", () => {
    const columns = (count: number, cell: string) =>
      `${`| ${cell} `.repeat(count)}|\n${"| :-: ".repeat(count)}|\n${"| 1 ".repeat(count)}|\n`.concat(
        `${"| 1 ".repeat(count)}|\n`.repeat(Math.ceil(BLOCK_UNITS_MAX / (4 * count))),
      );
    for (const name of ["a name ", "😀", "x😀"]) {
      const [, second] = cut(columns(10, `**${name}${"😀".repeat(180)}**`));
      expect(second?.head?.length).toBeLessThanOrEqual(HEAD_UNITS_MAX);
      expect(second?.head?.isWellFormed()).toBe(true);
      expect(second?.head).not.toContain("*");
      expect(rows([second!]).map(({ children }) => children.length)).toContain(10);
    }
    const wide = cut(columns(500, "a"));
    expect(wide.length).toBeGreaterThan(1);
    for (const { head } of wide) expect(head).toBeUndefined();
  });

  it.each([
    ["in a list", `- a\n\n${`${HEADER}${rowsOf(1_000)}`.replaceAll(/^/gm, "  ")}`],
    ["in a quote", `${HEADER}${rowsOf(1_000)}`.replaceAll(/^/gm, "> ")],
    ["in code", `~~~\n${HEADER}${rowsOf(1_000)}`],
    ["of no delimiters", rowsOf(1_000)],
    ["of delimiters that are too few", `| a | b |\n| - |\n${rowsOf(1_000)}`],
    ["of a header longer than a block", `| ${"a".repeat(9_000)} | b |\n| - | - |\n| 1 | 2 |\n`],
  ])("what is %s has no header to repeat", (_, text) => {
    const blocks = cut(text);
    expect(blocks.length).toBeGreaterThan(1);
    for (const { head } of blocks) expect(head).toBeUndefined();
  });

  it.each([
    "| 1 | 2 |",
    "one cell",
    "#no heading",
    "-no item",
    "[a]: b",
    "| - | - |",
    "===",
    "# A",
    "> a",
    "- a",
    "-",
    "2. a",
    "2)",
    "***",
    "_ _ _",
    "    a",
    "\ta",
    "<div>",
    "<!-- a",
    "</p>",
    "[^1]: a",
    "",
    "- | a",
  ])("whether %j goes on with a table is what the parser says", (line) => {
    for (const end of ["\n", "\r\n"]) {
      const text = `${HEADER}| 1 | 2 |\n${line}${end}`;
      const { children } = parseBlock(text, false).root;
      const [table] = children;
      const isRow = table?.type === "table" && table.children.length === 3;
      expect(headAfter(text)).toBe(isRow ? HEAD : undefined);
    }
  });

  it("what follows a table without an empty line has no header before it", () => {
    const text = `${HEADER}${rowsOf(1_000)}`;
    const [, second] = cut(text);
    for (const next of ["# A heading", "- an item", "> a quote", "\n"]) {
      const last = cut(`${text.slice(0, second!.at)}${next}`.padEnd(BLOCK_UNITS_MAX + 8)).at(-1)!;
      const { root } = parseBlock(last.text, false, last.head);
      expect(root.children.map(({ type }) => type)).not.toContain("table");
    }
    const after = cut(`${text}\n${"word ".repeat(4_000)}`);
    expect(after.at(-1)?.head).toBeUndefined();
    expect(cut(`${text}# A\n${"a line\n".repeat(3_000)}`).at(-1)?.head).toBeUndefined();
  });

  it("a header is not parted from what is below it", { timeout: 60_000 }, () => {
    const before = "a line of a paragraph\n".repeat(372);
    expect(BLOCK_UNITS_MAX - before.length).toBe(8);
    for (const shift of [0, 4, 8, 12, 20, 28, 36]) {
      const text = `${before.slice(shift)}${HEADER}${rowsOf(10)}`;
      expect(rows(cut(text))).toHaveLength(10);
    }
  });
});
