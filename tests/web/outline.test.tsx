// What of a thread's messages does not change with a piece of text.
import { renderHook } from "@testing-library/react";
import type { CodexUIMessage } from "convex-codex-local/react";
import { describe, expect, it } from "vitest";
import { useOutline } from "../../example/web/src/thread/outline.js";
import { message } from "./build.js";

const thread = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => message({ _id: `m${from + at}` }));

describe("the outline of messages", () => {
  const before: readonly CodexUIMessage[] = thread(0, 3);
  const outlineOf = (messages: readonly CodexUIMessage[]) => {
    const view = renderHook(useOutline, { initialProps: before });
    view.rerender(messages);
    return view.result.current;
  };

  it("is as it was while messages only grow", () => {
    expect(outlineOf([...before])).toBe(before);
    expect(outlineOf([before[0]!, before[1]!, { ...before[2]!, text: "more", status: "streaming" }])).toBe(before);
  });

  it.each([
    ["comes", thread(0, 4)],
    ["goes", thread(0, 2)],
    ["comes where another one goes", thread(1, 4)],
    ["moves", [before[1]!, before[0]!, before[2]!]],
    ["fails", [before[0]!, { ...before[1]!, error: "why" }, before[2]!]],
    ["is interrupted", [before[0]!, { ...before[1]!, status: "interrupted" as const }, before[2]!]],
    ["is of another turn", [before[0]!, { ...before[1]!, turnId: "other" }, before[2]!]],
  ])("is another where one %s", (_, messages) => {
    expect(outlineOf(messages)).toBe(messages);
  });
});
