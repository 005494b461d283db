import { act, cleanup, renderHook } from "@testing-library/react";
import { getFunctionName } from "convex/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CodexDurableMessageLike } from "../../js-wrapper/mapping/index.js";
import { codexTurnStatus, useCodexThreadState, useCodexTurn } from "../../js-wrapper/react/index.js";
import { FakeConvex } from "./fake-convex.js";
import { api } from "./host-api.js";
import { inStrictMode } from "./in-strict-mode.js";

let rows: CodexDurableMessageLike[];
let state: object;
let error: Error | undefined;
let convex: FakeConvex;

beforeEach(() => {
  rows = [];
  state = { threadId: "t", threadStatus: "active", turns: [] };
  error = undefined;
  convex = new FakeConvex((args) => {
    if (error !== undefined) throw error;
    return "turnId" in args ? rows : state;
  });
});
afterEach(cleanup);

function row(messageId: string, given: Partial<CodexDurableMessageLike> = {}): CodexDurableMessageLike {
  return { messageId, turnId: "turn", role: "assistant", status: "completed", text: messageId, orderInTurn: 0, createdAt: 0, updatedAt: 0, ...given };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await act(() => convex.flush());
}

const wrapper = () => inStrictMode(convex.client);
const followTurn = (skip = false) =>
  renderHook(
    (given: { skip: boolean }) =>
      useCodexTurn(
        api.chat.listTurnMessagesForHooks,
        given.skip ? "skip" : { threadId: "t", turnId: "turn" },
        api.chat.threadSnapshot,
        given.skip ? "skip" : { threadId: "t" },
      ),
    { initialProps: { skip }, wrapper: wrapper() },
  );

describe("a turn", () => {
  it.each([
    ["unknown", []],
    ["completed", ["completed", "completed"]],
    ["streaming", ["completed", "streaming"]],
    ["interrupted", ["streaming", "interrupted"]],
    ["failed", ["interrupted", "failed", "streaming"]],
  ] as const)("is %s by its messages", (status, statuses) => {
    expect(codexTurnStatus(statuses.map((one) => ({ status: one })))).toBe(status);
  });

  it("has its messages, oldest first, and its thread's state beside them", async () => {
    rows = [row("a", { role: "user" }), row("b", { status: "streaming" })];
    const { result } = followTurn();
    expect(result.current).toEqual({ messages: [], status: "unknown", threadState: undefined });
    await settle();
    expect(result.current).toMatchObject({ messages: [{ messageId: "a" }, { messageId: "b" }], status: "streaming", threadState: state });
  });

  it("a message that did not change is the same object, and a render for another reason changes nothing", async () => {
    rows = [row("a"), row("b", { status: "streaming" })];
    const { result, rerender } = followTurn();
    await settle();
    const before = result.current;
    rerender({ skip: false });
    expect(result.current).toBe(before);
    rows = [row("a"), row("b", { text: "all" })];
    await settle();
    expect(result.current.messages.map((message, at) => message === before.messages[at])).toEqual([true, false]);
    expect(result.current.status).toBe("completed");
  });

  it('"skip": nothing subscribed', async () => {
    const { result, rerender } = followTurn(true);
    await settle();
    expect([convex.subscribed, result.current.status]).toEqual([[], "unknown"]);
    rows = [row("a")];
    rerender({ skip: false });
    await settle();
    expect(result.current.status).toBe("completed");
    rerender({ skip: true });
    await settle();
    expect(result.current).toEqual({ messages: [], status: "unknown", threadState: undefined });
    expect(convex.active).toEqual([]);
  });

  it("a query that fails is one that has not answered, and passes", async () => {
    error = new Error("away");
    const { result } = followTurn();
    await settle();
    expect(result.current).toEqual({ messages: [], status: "unknown", threadState: undefined });
    error = undefined;
    rows = [row("a")];
    await settle();
    expect(result.current.status).toBe("completed");
  });
});

describe("a thread's state", () => {
  const followState = () => renderHook(() => useCodexThreadState(api.chat.threadSnapshot, { threadId: "t" }), { wrapper: wrapper() });

  it("is what the query answers, and is subscribed to once", async () => {
    const { result, rerender } = followState();
    expect(result.current).toBeUndefined();
    await settle();
    expect(result.current).toEqual(state);
    rerender();
    expect(convex.active).toEqual([{ threadId: "t" }]);
    expect(getFunctionName(api.chat.threadSnapshot)).toBe("chat:threadSnapshot");
  });

  it("is undefined while the query fails, never an exception in render", async () => {
    error = new Error("away");
    const { result } = followState();
    await settle();
    expect(result.current).toBeUndefined();
    error = undefined;
    await settle();
    expect(result.current).toEqual(state);
  });
});
