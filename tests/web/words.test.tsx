// Plans, failures, searches, tools, images: read from whatever came, and told in words.
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { describeFailure } from "../../example/web/src/failure.js";
import { FailureNote } from "../../example/web/src/items/failure-note.js";
import { Item } from "../../example/web/src/items/item.js";
import { STEPS_MAX, TurnPlan } from "../../example/web/src/items/plan-steps.js";
import { imageOf, readItem, readResult } from "../../example/web/src/payload.js";
import { planOf, readPlan } from "../../example/web/src/plan.js";
import { message } from "./build.js";

afterEach(cleanup);

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** The params of a recorded session's notifications. */
function recorded(name: string, method: string): Record<string, unknown>[] {
  const lines = readFileSync(`tests/fixtures/transcripts/${name}.jsonl`, "utf8").trim().split("\n");
  return lines
    .map(
      (line) =>
        (JSON.parse(line) as { msg: { method?: string; params?: Record<string, unknown> } }).msg,
    )
    .filter((msg) => msg.method === method)
    .map((msg) => msg.params ?? {});
}

describe("a plan", () => {
  it("is what the app-server said last", () => {
    const [first] = recorded("todo", "turn/plan/updated");
    expect(readPlan(JSON.stringify(first))).toEqual({
      explanation: "Two files",
      steps: [
        { text: "Write a.txt", state: "inProgress" },
        { text: "Write b.txt", state: "pending" },
      ],
    });
    const { container } = render(<TurnPlan planJson={JSON.stringify(first)} />);
    expect(container.textContent).toContain("0 of 2 done");
    expect(container.querySelector("[aria-current='step']")?.textContent).toBe("◐Write a.txt");
    expect(screen.getByLabelText("in progress")).toBeDefined();
  });

  it("is read from a list of things to do as well", () => {
    expect(
      planOf({
        items: [
          { text: "a", completed: true },
          { text: "b", completed: false },
        ],
      })?.steps,
    ).toEqual([
      { text: "a", state: "completed" },
      { text: "b", state: "pending" },
    ]);
  });

  it.each([
    undefined,
    "",
    "no JSON",
    "null",
    "[]",
    '{"plan":{}}',
    '{"plan":[]}',
    '{"__proto__":{"plan":[{}]}}',
  ])("%j is none", (planJson) => {
    expect(readPlan(planJson)).toBeUndefined();
    expect(render(<TurnPlan planJson={planJson} />).container.textContent).toBe("");
  });

  it("of 100,000 steps is listed so far", () => {
    const plan = Array.from({ length: 100_000 }, (_, i) => ({
      step: `<b>${i}</b>`,
      status: "constructor",
    }));
    const { container } = render(<TurnPlan planJson={JSON.stringify({ plan })} />);
    expect(container.querySelectorAll("li")).toHaveLength(STEPS_MAX);
    expect(container.querySelector("b")).toBeNull();
  });
});

describe("a failure", () => {
  it("is told in words, as it was recorded", () => {
    const [retry, refused, quota] = recorded("errors", "error");
    expect(describeFailure(retry)).toEqual({
      title: "The connection to the model broke off",
      detail:
        "Reconnecting... 1/2\nstream disconnected before completion: Transport error: network error: error decoding response body",
    });
    expect(describeFailure(refused)).toEqual({
      title: undefined,
      detail: "mock: unsupported parameter",
    });
    expect(describeFailure(quota)).toEqual({
      title: "The account's usage limit is reached",
      detail: "Quota exceeded. Check your plan and billing details.",
    });
  });

  it.each([
    ["a sentence", { title: undefined, detail: "a sentence" }],
    [
      { codexErrorInfo: { httpConnectionFailed: { httpStatusCode: 503 } } },
      { title: "The model could not be reached (HTTP 503)", detail: undefined },
    ],
    [
      { codexErrorInfo: "constructor", message: "x" },
      { title: undefined, detail: "x" },
    ],
    [{ codexErrorInfo: { toString: null } }, { title: undefined, detail: undefined }],
    ['{"message":', { title: undefined, detail: '{"message":' }],
    [null, { title: undefined, detail: undefined }],
    [7, { title: undefined, detail: undefined }],
  ])("%j", (error, told) => {
    expect(describeFailure(error)).toEqual(told);
  });

  it("that Codex tries again after is no alarm, and one without words says that it was one", () => {
    const { container, rerender } = render(
      <FailureNote error="Reconnecting... 1/2" kind="retry" />,
    );
    expect(container.textContent).toBe(
      "Something went wrong on the way; Codex is trying again.Reconnecting... 1/2",
    );
    expect(container.querySelector("[role='status']")).not.toBeNull();
    rerender(<FailureNote error={null} />);
    expect(container.textContent).toBe("Codex reported an error.");
  });

  it("says what cannot be seen in Codex's words, and lets nothing reorder the page", () => {
    const { container, rerender } = render(<FailureNote error={"a\u202eb"} />);
    expect(container.textContent).toContain("U+202E");
    expect(container.querySelector("bdi")).not.toBeNull();
    rerender(<FailureNote error={"a\u202eb"} kind="reason" />);
    expect(container.textContent).toContain("U+202E");
  });

  it("nested without end, or as long as a book, is told so far", () => {
    let error: object = { message: "deep" };
    for (let i = 0; i < 5_000; i += 1) error = { error };
    expect(() => describeFailure(error)).not.toThrow();
    const { container } = render(<FailureNote error={"x".repeat(1_000_000)} />);
    expect(container.textContent.length).toBeLessThan(5_000);
  });
});

describe("a tool", () => {
  it("shows what it was given and what it gave back", () => {
    const item = {
      server: "tickets",
      tool: "lookup",
      arguments: { id: "T-7" },
      result: {
        content: [
          { type: "text", text: "found" },
          { type: "resource", uri: "x:y" },
        ],
        structuredContent: { a: 1 },
      },
      durationMs: 82,
    };
    const { container } = render(
      <Item
        message={message({ role: "tool", sourceItemType: "mcpToolCall", text: "lookup", item })}
      />,
    );
    expect(container.querySelector(".line")?.textContent).toBe("MCP tickets.lookup");
    expect([...container.querySelectorAll("pre")].map((pre) => pre.textContent)).toEqual([
      '{"id":"T-7"}',
      'found\n{"type":"resource","uri":"x:y"}\n{"a":1}',
    ]);
  });

  it.each([
    [{ contentItems: [{ type: "inputText", text: "a" }] }, "a"],
    [{ result: "plain" }, "plain"],
    [{ result: { any: 1 } }, '{"any":1}'],
    [{ error: { message: "it broke" } }, "it broke"],
    [{ output: "said" }, "said"],
    [{ result: { content: [null, 1] } }, "{}\n{}"],
    [{}, undefined],
  ])("%j gave %j", (item, text) => {
    expect(readResult(item).text).toBe(text);
  });

  it("nested deeper than a stack breaks nothing", () => {
    const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    const payloadJson = `{"arguments":${deep},"result":{"content":${deep},"structuredContent":${deep}},"error":${deep}}`;
    for (const sourceItemType of [
      "mcpToolCall",
      "__proto__",
      "constructor",
      "toString",
      "fileChange",
      "webSearch",
      "todoList",
      "userMessage",
    ]) {
      expect(() =>
        render(<Item message={message({ role: "tool", sourceItemType, payloadJson })} />),
      ).not.toThrow();
    }
  });

  it("a search, a page, and a page that may not be opened", () => {
    const search = (action: object) =>
      render(
        <Item
          message={message({
            role: "tool",
            sourceItemType: "webSearch",
            text: "query",
            item: { action },
          })}
        />,
      ).container;
    expect(search({ type: "search", query: "a <b>" }).querySelector(".line")?.textContent).toBe(
      "Search a <b>",
    );
    expect(search({ type: "openPage", url: "https://a.example/x" }).querySelector("a")?.href).toBe(
      "https://a.example/x",
    );
    expect(search({ type: "openPage", url: "javascript:alert(1)" }).querySelector("a")).toBeNull();
    expect(
      search({ type: "findInPage", url: "https://a.example/", pattern: "x" }).textContent,
    ).toContain("“x” in");
  });
});

describe("an image", () => {
  it.each([
    [{ imageUrl: `data:image/png;base64,${PIXEL}` }, true],
    [{ type: "image", mimeType: "image/png", data: PIXEL }, true],
    [{ url: "https://a.example/x.png" }, false],
    [{ url: "data:image/svg+xml;base64,PHN2Zz4=" }, false],
    [{ url: "data:text/html;base64,PHN2Zz4=" }, false],
    [{ mimeType: "image/png,<script>", data: PIXEL }, false],
    [{ mimeType: "image/png", data: 'x" onerror=' }, false],
    [{ url: "blob:x" }, false],
  ])("%j: %s", (part, isOne) => {
    expect(imageOf(part) !== undefined).toBe(isOne);
  });

  it("of a tool is decoded on request, of the reader at once, of the web never", () => {
    const content = [{ type: "image", mimeType: "image/png", data: PIXEL }];
    const tool = render(
      <Item
        message={message({
          role: "tool",
          sourceItemType: "mcpToolCall",
          item: { result: { content } },
        })}
      />,
    );
    expect(tool.container.querySelector("img")).toBeNull();
    fireEvent.click(screen.getByText(/Show image 1/));
    expect(tool.container.querySelector("img")?.alt).toBe("Image 1");
    cleanup();
    const inputs = [
      { type: "image", url: `data:image/png;base64,${PIXEL}` },
      { type: "image", url: "https://a.example/x.png" },
      { type: "localImage", path: "/a/b.png" },
    ];
    const { container } = render(
      <Item
        message={message({
          role: "user",
          sourceItemType: "userMessage",
          text: "see",
          item: { content: inputs },
        })}
      />,
    );
    expect([...container.querySelectorAll("img")].map((image) => image.src.slice(0, 10))).toEqual([
      "data:image",
    ]);
    expect(container.textContent).toContain("image https://a.example/x.png");
    expect(container.textContent).toContain("image /a/b.png");
  });
});

describe("a payload", () => {
  it("is an event's item, or one by itself", () => {
    expect(readItem('{"params":{"item":{"exitCode":1}}}')).toEqual({ exitCode: 1 });
    expect(readItem('{"exitCode":1}')).toEqual({ exitCode: 1 });
  });
});

describe("an item", () => {
  it("what was said to Codex is shown by the letter, and a book of it by pages", () => {
    const text = "# no heading\n\n    indented *as it is* <b>x</b> [x](javascript:1)";
    const { container } = render(
      <Item message={message({ role: "user", sourceItemType: "userMessage", text })} />,
    );
    expect(container.querySelector(".said")?.textContent).toBe(text);
    expect(container.querySelector("h3, em, b, a, code")).toBeNull();
    cleanup();
    render(
      <Item
        message={message({
          role: "user",
          sourceItemType: "userMessage",
          text: "line\n".repeat(50_000),
        })}
      />,
    );
    expect(screen.getByText("page 1 of 125")).toBeDefined();
  });

  it("a thought is folded once it is there, under its title", () => {
    const text = "**Looking**\n\nThe *queue* drains.";
    const { container, rerender } = render(
      <Item message={message({ sourceItemType: "reasoning", text, status: "streaming" })} />,
    );
    expect(container.querySelector("details")?.open).toBe(true);
    rerender(<Item message={message({ sourceItemType: "reasoning", text })} />);
    expect(container.querySelector("details")?.open).toBe(false);
    expect(container.querySelector(".rich")).toBeNull();
    fireEvent.click(screen.getByText("Looking"));
    expect(container.querySelector(".rich em")?.textContent).toBe("queue");
  });

  it("of a time that is no date is drawn", () => {
    const { container, rerender } = render(<Item message={message({ text: "**fine**" })} />);
    expect(container.querySelector("strong")).not.toBeNull();
    rerender(<Item message={message({ text: "x", createdAt: Number.NaN, role: "user" })} />);
    expect(container.textContent).toContain("x");
  });
});
