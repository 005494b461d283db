// Markdown: what it looks like, what it is while it is written, and that nothing in it runs or grows without bound.
import { cleanup, fireEvent, render } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DEPTH_MAX, ELEMENTS_MAX } from "../../example/web/src/items/markdown-block.js";
import { GROUPS_SHOWN, Markdown } from "../../example/web/src/items/markdown.js";
import { readTarget } from "../../example/web/src/links.js";
import {
  BLOCK_ELEMENTS_MAX,
  BLOCK_UNITS_MAX,
  GROUP_ELEMENTS_MAX,
  GROUP_SIZE,
  NO_BLOCKS,
  growBlocks,
} from "../../example/web/src/markdown/blocks.js";
import { elementsIn } from "./build.js";

afterEach(cleanup);

const draw = (text: string, isWriting = false) =>
  render(<Markdown text={text} isWriting={isWriting} />).container;

describe("Markdown", () => {
  it.each([
    ["headings below the page's own", "# A\n\n###### B", "h3", "A"],
    ["strong text", "a **b** c", "strong", "b"],
    ["a list from its number on", "3. a\n4. b", "ol[start='3'] li + li", "b"],
    ["a table", "| a | b |\n| - | -: |\n| 1 | 2 |", "td.align-right", "2"],
    ["things to do", "- [x] a\n- [ ] b", "li.task [aria-label='done']", "☑"],
    ["code", "```ts\nlet x;\n```", ".code pre", "let x;"],
    ["inline code", "a `b` c", "code", "b"],
    ["a quote", "> a", "blockquote p", "a"],
    ["~about~ is no strike, ~~this~~ is", "~1 and ~2, ~~3~~", "del", "3"],
  ])("%s", (_, text, selector, shown) => {
    expect(draw(text).querySelector(selector)?.textContent).toBe(shown);
  });

  it.each([
    ["bold that is begun", "a **bo", "strong", "bo"],
    ["code that is begun", "a `co", "code", "co"],
    ["a fence that is begun", "a\n\n```ts\nlet", "pre", "let"],
    ["a list's item that is begun", "- a\n- **b", "li strong", "b"],
  ])("while it is written: %s", (_, text, selector, shown) => {
    const container = draw(text, true);
    expect(container.querySelector(selector)?.textContent).toBe(shown);
    expect(container.querySelectorAll(".caret")).toHaveLength(1);
  });

  it("a link that is begun is its text, and a paragraph is no heading before its rule is there", () => {
    const link = draw("see [the docs](https://exa", true);
    expect(link.querySelector("a")).toBeNull();
    expect(link.textContent).toBe("see the docs");
    expect(draw("A line\n-", true).querySelector("h4")).toBeNull();
  });

  it("a delta draws the block that it falls into, and no other", () => {
    const complete = "One paragraph.\n\n".repeat(100);
    const { container, rerender } = render(<Markdown text={complete} isWriting />);
    const observer = new MutationObserver(() => undefined);
    rerender(<Markdown text={`${complete}The last paragraph`} isWriting />);
    const before = [...container.querySelectorAll("p")];
    observer.observe(container, { subtree: true, childList: true, characterData: true });
    rerender(<Markdown text={`${complete}The last paragraph goes on`} isWriting />);
    const after = [...container.querySelectorAll("p")];
    expect(after.slice(0, -1)).toEqual(before.slice(0, -1));
    const touched = new Set(observer.takeRecords().map(({ target }) => target));
    expect(
      [...touched].every((node) => node === after.at(-1) || node.parentNode === after.at(-1)),
    ).toBe(true);
    expect(after.at(-1)?.textContent).toBe("The last paragraph goes on");
  });
});

describe("a table longer than a block", () => {
  const line = (i: number) => `| ${"many words ".repeat(8)}no. ${i} | **${i}00** |\n`;
  const table = `| text | count |\n| - | -: |\n${Array.from({ length: 200 }, (_, i) => line(i)).join("")}`;

  it("is tables of the same columns, each under its header", () => {
    const container = draw(`${table}\nand so on`);
    const regions = [...container.querySelectorAll(".table")];
    expect(regions.length).toBeGreaterThan(2);
    expect(regions.map((region) => region.getAttribute("aria-label"))).toEqual([
      "Table",
      ...regions.slice(1).map(() => "Table, continued"),
    ]);
    for (const region of regions) {
      const heads = [...region.querySelectorAll("thead th")];
      expect(heads.map((head) => head.textContent)).toEqual(["text", "count"]);
      expect(heads[1]?.className).toBe("align-right");
    }
    expect(container.querySelectorAll("tbody tr")).toHaveLength(200);
    expect(container.querySelectorAll("td.align-right > strong")).toHaveLength(200);
    expect([...container.querySelectorAll("p")].map((p) => p.textContent)).toEqual(["and so on"]);
  });

  it("has its newest row while that is written, and no header where none is left to come", () => {
    const last = (text: string) => {
      cleanup();
      const row = [...draw(text, true).querySelectorAll("tbody tr")].at(-1);
      return [...(row?.children ?? [])].map((cell) => cell.textContent);
    };
    const { closed } = growBlocks(NO_BLOCKS, table);
    const at = closed[1]!.at;
    expect(last(`${table.slice(0, at)}| ne`)).toEqual(["ne"]);
    expect(last(`${table.slice(0, at)}| new | **12`)).toEqual(["new", "12"]);
    for (const next of ["\n", "#", "# A", "- a", "> a"]) {
      cleanup();
      const container = draw(`${table.slice(0, at)}${next.padEnd(BLOCK_UNITS_MAX)}`, true);
      expect(container.querySelectorAll(".table")).toHaveLength(1);
    }
  });
});

describe("links", () => {
  it.each([
    ["https://a.example/b", "https://a.example/b", undefined],
    ["https://a.example/b", "a.example", undefined],
    ["https://evil.example/", "your bank", "evil.example"],
    ["https://evil.example/", "https://bank.example", "evil.example"],
    ["https://bank.example@evil.example/", "https://bank.example@evil.example/", "evil.example"],
    ["https://bänk.example/", "https://bank.example", "xn--bnk-qla.example"],
    ["mailto:a@b.example", "write to us", "a@b.example"],
  ])("%s, as %s, says where it leads: %s", (url, text, shown) => {
    expect(readTarget(url, text)?.shown).toBe(shown);
  });

  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "\u0001javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://a.example/x",
    "//evil.example",
    "src/index.ts:12",
    "",
  ])("%j is none", (url) => {
    expect(readTarget(url, "x")).toBeUndefined();
  });

  it("are followed apart from this page, and images are links", () => {
    const container = draw(
      "[a](https://a.example) ![cat](https://img.example/cat.png) [x](javascript:alert(1)) <https://b.example> [r]\n\n[r]: javascript:alert(2)",
    );
    const links = [...container.querySelectorAll("a")];
    expect(links.map((link) => link.getAttribute("href"))).toEqual([
      "https://a.example/",
      "https://img.example/cat.png",
      "https://b.example/",
    ]);
    for (const link of links) {
      expect(link.rel).toBe("noopener noreferrer");
      expect(link.title).toBe(link.href);
    }
    expect(container.querySelector("img")).toBeNull();
    expect(container.textContent).toContain("image: cat (img.example)");
    expect(container.textContent).toContain("javascript:alert(1)");
  });
});

describe("hostile Markdown", () => {
  const MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<style>*{display:none}</style>",
    "<a href=javascript:alert(1)>x</a>",
    "<!-- <b>x</b> -->",
    "<details open ontoggle=alert(1)>",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
  ];

  it.each(MARKUP)("%s is text", (markup) => {
    for (const text of [
      markup,
      `a ${markup} b`,
      `| a |\n| - |\n| ${markup} |`,
      `- ${markup}\n`,
      `> ${markup}`,
    ]) {
      for (const isWriting of [false, true]) {
        const container = draw(text, isWriting);
        expect(
          container.querySelector("script, img, svg, iframe, style, details, [onerror], [onload]"),
        ).toBeNull();
        for (const link of container.querySelectorAll("a"))
          expect(link.protocol).toMatch(/^https?:$/);
        cleanup();
      }
    }
  });

  it.each([
    ["emphasis", "*a* "],
    ["links", "[a](https://b) "],
    ["refused links", "[a](b) "],
    ["paragraphs", "a\n\n"],
    ["rules", "---\n\n"],
    ["code", "`a` "],
    ["fences", "```\na\n```\n"],
    ["brackets", "["],
    ["quotes", ">"],
    ["stars", "*a _"],
    ["autolinks", "https://a.b "],
    ["definitions", "[a]: b\n"],
    ["breaks", "a\\\n"],
  ])("two blocks' length of %s: its elements are bounded", { timeout: 60_000 }, (_, unit) => {
    const container = draw(unit.repeat((2 * BLOCK_UNITS_MAX) / unit.length));
    const groups = (GROUPS_SHOWN + 1) * GROUP_SIZE;
    // Two or three blocks of as many elements as may be, or all the short ones that are shown, each of ten at the most.
    const isShort = unit.endsWith("\n\n") || unit.startsWith("```");
    expect(elementsIn(container)).toBeLessThanOrEqual(
      isShort ? groups * 10 : 3 * (ELEMENTS_MAX + 10),
    );
    expect(container.textContent).not.toBe("");
  });

  it.each([
    ["lists", "- `a`\n", "li", 1],
    ["rows", "| `a` | b |\n| - | - |\n", "tr", 2],
  ])("two blocks' length of %s: all of it is drawn", { timeout: 60_000 }, (_, unit, row, each) => {
    const count = Math.ceil((2 * BLOCK_UNITS_MAX) / unit.length);
    const container = draw(unit.repeat(count));
    expect(container.querySelectorAll(row).length).toBeGreaterThanOrEqual(each * (count - 1));
    expect(container.textContent).not.toContain("`");
    expect(container.querySelector(".as-written")).toBeNull();
  });

  it("a list without end: its elements are bounded", { timeout: 60_000 }, () => {
    const container = draw("- `a`\n".repeat(20_000));
    expect(elementsIn(container)).toBeLessThanOrEqual(
      (GROUPS_SHOWN + 1) * (GROUP_ELEMENTS_MAX + BLOCK_ELEMENTS_MAX),
    );
    const shown = container.querySelectorAll("li").length;
    const more = container.querySelector("button")!;
    const hidden = Number.parseInt(more.textContent.replaceAll(",", ""), 10);
    expect(hidden).toBeGreaterThan(GROUP_SIZE);
    fireEvent.click(more);
    expect(container.querySelectorAll("li").length).toBeGreaterThan(shown);
  });

  it("a table of very many columns: its elements are bounded, and nothing of it is lost", () => {
    for (const columns of [300, 500, 700]) {
      const row = (cell: string) => `${`|${cell}`.repeat(columns)}|\n`;
      const container = draw(`${row("a")}${row("-")}${row("1").repeat(3)}`);
      expect(elementsIn(container)).toBeLessThanOrEqual(3 * (ELEMENTS_MAX + 10));
      expect(container.textContent.match(/1/g)).toHaveLength(3 * columns);
      cleanup();
    }
  });

  it("a row that is cut, of more columns than are drawn: nothing is shown that was not written", () => {
    const row = (cell: string) => `${`|${cell}`.repeat(310)}|\n`;
    const container = draw(`${row("a")}${row("-")}${row("x".repeat(30))}`);
    expect(container.textContent.match(/x/g)).toHaveLength(30 * 310);
    expect(container.textContent).not.toMatch(/\| \|/);
  });

  it("a nest as deep as a block is long is drawn so deep, and then as it was written", () => {
    for (const nest of [
      ">".repeat(8_000),
      "- ".repeat(4_000),
      "*a **b ".repeat(200),
      `${"[".repeat(400)}a${"](b)".repeat(400)}`,
    ]) {
      const container = draw(`${nest}x`);
      let depth = 0;
      for (let node = container.firstElementChild; node !== null; node = node.firstElementChild)
        depth += 1;
      expect(depth).toBeLessThanOrEqual(DEPTH_MAX + 6);
      expect(container.textContent).toContain("x");
      cleanup();
    }
  });

  it("one block of many elements: so many, and the rest as it was written", () => {
    const container = draw("*a* ".repeat(2_000));
    expect(container.querySelectorAll("em")).toHaveLength(ELEMENTS_MAX - 1);
    expect(container.textContent).toContain("*a* *a*");
  });

  it("many paragraphs: the last ones, and more on request", () => {
    const container = draw("a\n\n".repeat(2_000));
    const shown = container.querySelectorAll("p").length;
    expect(shown).toBeLessThanOrEqual((GROUPS_SHOWN + 1) * GROUP_SIZE);
    fireEvent.click(container.querySelector("button")!);
    expect(container.querySelectorAll("p")).toHaveLength(shown + GROUPS_SHOWN * GROUP_SIZE);
  });

  it("text that turns its direction stays in its paragraph", () => {
    const container = draw("a \u202e b\n\nc [\u202ex](https://a.example)");
    expect(container.querySelectorAll("p")).toHaveLength(2);
    expect(container.querySelector("a > bdi")).not.toBeNull();
  });

  it("code is copied as it is", async () => {
    const writeText = vi.fn(() => Promise.resolve());
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    const container = draw("```\na\u202eb\n```");
    expect(container.querySelector("pre")?.textContent).toBe("aU+202Eb");
    fireEvent.click(container.querySelector("button.copy")!);
    await vi.waitFor(() =>
      expect(container.querySelector("button.copy")?.textContent).toBe("Copied"),
    );
    expect(writeText).toHaveBeenCalledWith("a\u202eb");
    vi.unstubAllGlobals();
  });
});
