// The example's page: what a repository may have written is shown, and is nothing but text.
import { cleanup, render } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { Item } from "../../example/web/src/items/item.js";
import { bareCommand, diffLines, fileChanges, readItem } from "../../example/web/src/payload.js";
import { cutText, plainOutput, tailLines } from "../../example/web/src/text.js";
import { turnState } from "../../example/web/src/turns.js";
import type { CodexUIMessage } from "../../js-wrapper/mapping/index.js";

afterEach(cleanup);

describe("the page runs nothing of what Codex prints", () => {
  const HOSTILE = '<img src=x onerror="alert(1)"><script>alert(1)</script>';

  it.each([
    ["userMessage", "user"],
    ["agentMessage", "assistant"],
    ["reasoning", "assistant"],
    ["commandExecution", "tool"],
    ["fileChange", "tool"],
    ["mcpToolCall", "tool"],
    ["constructor", "tool"],
    ["contextCompaction", "system"],
  ] as const)("%s: markup is text", (sourceItemType, role) => {
    const payload = {
      aggregatedOutput: HOSTILE,
      arguments: { x: HOSTILE },
      result: HOSTILE,
      changes: [{ path: HOSTILE, kind: { type: "add" }, diff: HOSTILE }],
    };
    const { container } = render(
      <Item
        message={message({
          role,
          sourceItemType,
          text: `${HOSTILE}\n${HOSTILE}`,
          error: HOSTILE,
          payloadJson: JSON.stringify(payload),
        })}
      />,
    );
    expect(container.querySelector("img, script")).toBeNull();
    expect(container.textContent).toContain("<script>");
  });

  it("links to http(s) alone, shows where to, and tells nobody where from", () => {
    const text =
      "javascript:alert(1) data:text/html,x file:///etc [x](javascript:1) https://a.example/b.";
    const { container } = render(<Item message={message({ text })} />);
    const links = [...container.querySelectorAll("a")];
    expect(links.map((link) => link.getAttribute("href"))).toEqual(["https://a.example/b"]);
    expect(links[0]?.textContent).toBe("https://a.example/b");
    expect(links[0]?.rel).toBe("noopener noreferrer");
  });

  it.each(["no JSON", "null", "[]", '{"changes":[null,1]}', '{"arguments":{"content":[null]}}'])(
    "a payload that is %s breaks nothing",
    (payloadJson) => {
      for (const sourceItemType of ["commandExecution", "fileChange", "dynamicToolCall", "new"]) {
        expect(() =>
          render(<Item message={message({ role: "tool", sourceItemType, payloadJson })} />),
        ).not.toThrow();
      }
    },
  );
});

describe("text", () => {
  it.each([
    ["colours", "\u001b[31mred\u001b[0m", "red"],
    ["a title", "\u001b]0;title\u0007text", "text"],
    ["a link of the terminal", "\u001b]8;;http://x\u001b\\text\u001b]8;;\u001b\\", "text"],
    ["a line written over", "10 %\r50 %\r100 %\ndone", "100 %\ndone"],
    ["line ends of Windows", "a\r\nb\r\n", "a\nb\n"],
    ["a last line that is about to be written over", "a\n50 %\r", "a\n50 %"],
    ["tabs, and bells", "a\tb\u0007", "a\tb"],
  ])("plain output: %s", (_, given, shown) => {
    expect(plainOutput(given)).toBe(shown);
  });

  it("output of one long line, or of nothing but carriage returns, takes no time worth telling", () => {
    const length = 1_000_000;
    expect(plainOutput("x".repeat(length))).toHaveLength(length);
    expect(plainOutput("\r".repeat(length) + "x")).toBe("x");
    expect(cutText("*".repeat(length))).toHaveLength(1);
    expect(cutText("`a`".repeat(length / 2))).toHaveLength(length / 2);
  });

  it("shows the last lines and counts the others", () => {
    expect(tailLines("a\nb\nc\n", 2)).toEqual({ text: "b\nc", linesHidden: 1 });
    expect(tailLines("a", 2)).toEqual({ text: "a", linesHidden: 0 });
  });

  it("sets code apart, also in a block that is still being written", () => {
    expect(cutText("see `a` and **b**:\n\n```ts\nx\n\ny\n```\n\nend")).toEqual([
      { type: "text", text: "see " },
      { type: "code", text: "a" },
      { type: "text", text: " and " },
      { type: "strong", text: "b" },
      { type: "text", text: ":" },
      { type: "fence", text: "x\n\ny" },
      { type: "text", text: "end" },
    ]);
    expect(cutText("```\nhalf").at(-1)).toEqual({ type: "fence", text: "half" });
    expect(cutText("2 ** 3 ** 4 ` 5")).toEqual([{ type: "text", text: "2 ** 3 ** 4 ` 5" }]);
  });
});

describe("payloads", () => {
  it("finds the item in an event and by itself", () => {
    expect(readItem('{"params":{"item":{"exitCode":1}}}')).toEqual({ exitCode: 1 });
    expect(readItem('{"exitCode":1}')).toEqual({ exitCode: 1 });
  });

  it.each([
    ["/bin/bash -lc 'rm -rf build'", "rm -rf build"],
    [`/bin/zsh -c "echo 'a'"`, "echo 'a'"],
    [`bash -lc 'echo '"'"'a'"'"''`, "echo 'a'"],
    ["git status", "git status"],
    ["bash script.sh", "bash script.sh"],
  ])("the command of %s", (command, bare) => {
    expect(bareCommand(command)).toBe(bare);
  });

  it("reads diffs, and files that came whole", () => {
    const [update, add] = fileChanges({
      changes: [
        { path: "a", kind: { type: "update" }, diff: "--- a\n+++ a\n@@ -1 +1 @@\n-x\n+y\n z\n" },
        { path: "b", kind: { type: "add" }, diff: "+1\n\n" },
      ],
    });
    expect(update && diffLines(update).map(({ type }) => type)).toEqual([
      "hunk",
      "delete",
      "add",
      "context",
    ]);
    expect(add && diffLines(add)).toEqual([
      { type: "add", text: "+1" },
      { type: "add", text: "" },
    ]);
  });
});

describe("the state of the turn", () => {
  it.each([
    ["nothing", [], "idle"],
    ["all done", [message({})], "idle"],
    ["something runs", [message({ status: "streaming" }), message({})], "working"],
    [
      "an earlier turn never ended",
      [message({ turnId: "t0", status: "streaming" }), message({})],
      "idle",
    ],
    ["it failed", [message({ status: "failed" })], "failed"],
    ["it was stopped", [message({ status: "interrupted" })], "interrupted"],
    ["a command failed", [message({ role: "tool", status: "failed" })], "idle"],
  ] as const)("%s", (_, messages, state) => {
    expect(turnState(messages)).toBe(state);
  });
});

function message(given: Partial<CodexUIMessage>): CodexUIMessage {
  return {
    _id: "m",
    messageId: "m",
    turnId: "t",
    role: "assistant",
    status: "completed",
    text: "",
    orderInTurn: 0,
    createdAt: 0,
    updatedAt: 0,
    ...given,
  };
}
