// The example's page: what a repository may have written is shown, and is nothing but text.
import { cleanup, fireEvent, render } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { Item } from "../../example/web/src/items/item.js";
import { TurnNote } from "../../example/web/src/thread/turn-note.js";
import { turnState } from "../../example/web/src/turns.js";
import { message } from "./build.js";

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
      <>
        <Item
          message={message({
            role,
            sourceItemType,
            text: `${HOSTILE}\n${HOSTILE}`,
            payloadJson: JSON.stringify(payload),
          })}
        />
        <TurnNote turn={{ status: "failed", error: HOSTILE, planJson: JSON.stringify({ plan: [{ step: HOSTILE }] }) }} />
      </>,
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

describe("what Codex made and asks", () => {
  const PNG = "iVBORw0KGgoAAAANSUhEUg==";
  const made = (item: object) => render(<Item message={message({ role: "tool", sourceItemType: "imageGeneration", text: "a cat", item: { type: "imageGeneration", ...item } })} />).container;

  it("a picture is shown on request, and where it lies; never its bytes as text", () => {
    const container = made({ result: PNG, savedPath: "/tmp/cat.png" });
    fireEvent.click(container.querySelector("button")!);
    expect(container.querySelector("img")?.getAttribute("src")).toBe(`data:image/png;base64,${PNG}`);
    expect(container.textContent).toContain("/tmp/cat.png");
    expect(container.textContent).not.toContain("iVBOR");
  });

  it.each(["PHN2ZyB4bWxucz0i", "", "iVBORw0KGgo<script>"])("what is no picture that is known is not shown: %j", (result) => {
    const container = made({ result, failure: { type: "usageLimitExceeded" } });
    expect(container.querySelector("img")).toBeNull();
    expect(container.textContent).toContain("usageLimitExceeded");
    expect(container.textContent).not.toContain("PHN2Z");
  });

  it("what an agent did is said", () => {
    const words = ["started", "interrupted"].map((kind) => render(<Item message={message({ role: "tool", sourceItemType: "subAgentActivity", text: "/root/counter", item: { kind } })} />).container.textContent);
    expect(words).toEqual([expect.stringContaining("/root/counter started"), expect.stringContaining("/root/counter interrupted")]);
  });

  it("what it asks beside its words stands under them", () => {
    const questions = [{ title: "Which branch?", options: ["main", "<b>next</b>"] }, { title: "Why?", options: null }, null];
    const { container } = render(<Item message={message({ sourceItemType: "agentMessage", text: "Done.", item: { questions } })} />);
    expect([...container.querySelectorAll("li")].map(({ textContent }) => textContent)).toEqual(["Which branch? main, <b>next</b>", "Why?", ""]);
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

  it.each([
    ["the newest failed before its first word", [message({})], "failed", "failed"],
    ["it was taken back before it", [message({})], "interrupted", "interrupted"],
    ["nothing was ever said", [], "failed", "failed"],
    ["the newest waits behind one that failed", [message({ status: "failed" })], "queued", "failed"],
    ["it ended well", [message({})], "completed", "idle"],
  ] as const)("%s", (_, messages, newest, state) => {
    expect(turnState(messages, newest)).toBe(state);
  });
});
