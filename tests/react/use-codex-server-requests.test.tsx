import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readCodexServerRequest, useCodexDynamicTools, useCodexServerRequests, type CodexToolHandlers } from "../../js-wrapper/react/index.js";
import { api, startChat, THREAD, TURN, type ChatApp } from "./chat-app.js";
import { inStrictMode } from "./in-strict-mode.js";

const { listPendingServerRequestsForHooks: list, sendCommand } = api.chat;
const QUESTION = { id: "q", header: "h", question: "?", isOther: false, isSecret: false, options: [{ label: "a", description: "d" }] };

let chat: ChatApp;

beforeEach(async () => {
  chat = await startChat();
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
});
afterEach(async () => {
  vi.restoreAllMocks();
  cleanup();
  await chat.loopback.close();
});

async function open(args: { threadId?: string; limit?: number } | "skip" = { threadId: THREAD }) {
  const { result } = renderHook(() => useCodexServerRequests(list, args, sendCommand), { wrapper: inStrictMode(chat.loopback.connect()) });
  await chat.settle();
  return result;
}

/** What the machine would answer codex, by the requests' ids. */
async function answers() {
  const leased = await chat.lease();
  return leased.map(({ payloadJson }) => {
    const { requestId, answer } = JSON.parse(payloadJson) as { requestId: unknown; answer: unknown };
    return [requestId, answer];
  });
}

describe("a request", () => {
  it("is read for the page, and answered in its form", async () => {
    await chat.ask("item/tool/requestUserInput", { questions: [QUESTION, { ...QUESTION, id: "p" }] }, 1);
    await chat.ask("mcpServer/elicitation/request", { serverName: "s", mode: "form", message: "m" }, 2);
    await chat.ask("item/tool/call", { callId: "c", namespace: null, tool: "t", arguments: {} }, 3);
    // Of whichever thread: each is answered in its own.
    const page = await open({ limit: 50 });
    const of = (id: number) => page.current.results.find(({ requestId }) => requestId === id)!;
    expect(page.current).toMatchObject({ isLoading: false, error: undefined });
    expect(of(1)).toMatchObject({ kind: "question", canAnswer: true, asked: [QUESTION, { id: "p" }], isAnswering: false });
    expect(of(2)).toMatchObject({ kind: "elicitation", canAnswer: true, params: { serverName: "s" } });
    expect(of(3)).toMatchObject({ kind: "toolCall", call: { callId: "c", tool: "t" } });
    const untouched = of(3);
    const { commandId } = await chat.does(() => page.current.answerQuestions(of(1), { q: "a", p: ["x", "y"] }));
    expect(of(1)).toMatchObject({ isAnswering: false, answerCommandId: commandId });
    await chat.ask("item/tool/call", { callId: "d", namespace: null, tool: "t", arguments: {} }, 4, TURN, "item_4");
    await chat.settle();
    expect(of(4)).toBeDefined();
    expect(of(3)).toBe(untouched);
    await chat.does(() => page.current.answerElicitation(of(2), "accept", { name: "n" }));
    await chat.does(() => page.current.answerToolCall(of(3), { success: true, contentItems: [] }));
    expect(await answers()).toEqual([
      [1, { answers: { q: { answers: ["a"] }, p: { answers: ["x", "y"] } } }],
      [2, { action: "accept", content: { name: "n" }, _meta: null }],
      [3, { success: true, contentItems: [] }],
    ]);
  });

  it("for a secret is answered at the machine, and an approval is decided", async () => {
    await chat.ask("item/tool/requestUserInput", { questions: [{ ...QUESTION, isSecret: true }] }, 1);
    await chat.ask("item/commandExecution/requestApproval", { command: "ls" }, 2);
    const page = await open();
    expect(page.current.results.map(({ kind, canAnswer }) => [kind, canAnswer]).sort()).toEqual([
      ["approval", false],
      ["question", false],
    ]);
    const [, secret] = page.current.results;
    await act(() => expect(page.current.answerQuestions(secret!, { q: "a" })).rejects.toMatchObject({ data: { code: "E_COMMAND_NOT_ALLOWED" } }));
    expect(page.current.results.map(({ answerError }) => answerError !== undefined)).toEqual([false, true]);
  });

  it("that cannot be read is shown as what it is", () => {
    expect(readCodexServerRequest({ method: "toString", payloadJson: "no json" })).toEqual({ kind: "other", params: {}, asked: [], call: undefined, canAnswer: true });
    expect(readCodexServerRequest({ method: "item/tool/requestUserInput", payloadJson: '{"params":{"questions":[1,{"id":2}]}}' }).asked).toEqual([
      { id: "", header: "", question: "", isOther: false, isSecret: false, options: [] },
    ]);
    expect(readCodexServerRequest({ method: "item/tool/call", payloadJson: '{"params":{}}' }).call).toBeUndefined();
    expect(readCodexServerRequest({ method: "account/chatgptAuthTokens/refresh", payloadJson: "{}" }).canAnswer).toBe(false);
  });

  it("is asked for by nobody with skip", async () => {
    const page = await open("skip");
    expect(page.current).toMatchObject({ results: [], isLoading: false });
  });
});

describe("a dynamic tool", () => {
  const ask = (tool: string, id: number, namespace: string | null = null) => chat.ask("item/tool/call", { callId: `c${String(id)}`, namespace, tool, arguments: { n: id } }, id);

  async function serve(handlers: () => CodexToolHandlers, client = chat.loopback.connect()) {
    const hook = renderHook(() => useCodexDynamicTools(list, { threadId: THREAD }, sendCommand, handlers()), { wrapper: inStrictMode(client) });
    await chat.settle();
    return hook;
  }

  it("answers by its name, once, with what its handler says", async () => {
    const calls: unknown[] = [];
    const handlers = {
      add: (args: unknown, { callId, threadId, turnId }: { callId: string; threadId: string; turnId: string }) => {
        calls.push([args, callId, threadId, turnId]);
        return "3";
      },
      "maths/parts": async () => [{ type: "inputText" as const, text: "p" }],
      whole: () => ({ success: false, contentItems: [] }),
      fails: () => Promise.reject(new Error("no")),
    };
    await ask("add", 1);
    const page = await serve(() => ({ ...handlers }));
    await ask("parts", 2, "maths");
    await ask("whole", 3);
    await ask("fails", 4);
    await ask("parts", 5);
    await ask("constructor", 6);
    await chat.settle();
    expect(calls).toEqual([[{ n: 1 }, "c1", THREAD, TURN]]);
    expect((await answers()).sort()).toEqual([
      [1, { success: true, contentItems: [{ type: "inputText", text: "3" }] }],
      [2, { success: true, contentItems: [{ type: "inputText", text: "p" }] }],
      [3, { success: false, contentItems: [] }],
      [4, { success: false, contentItems: [{ type: "inputText", text: "no" }] }],
    ]);
    expect(page.result.current).toEqual({ running: [], error: undefined });
  });

  it("of two tabs answers once for codex, whatever each says", async () => {
    const tabs = [await serve(() => ({ pick: () => "one" })), await serve(() => ({ pick: () => "other" }))];
    await ask("pick", 1);
    await chat.settle();
    expect(chat.loopback.mutations).toHaveLength(2);
    expect(await answers()).toHaveLength(1);
    for (const tab of tabs) expect(tab.result.current).toEqual({ running: [], error: undefined });
  });

  it("is answered when there is room again, without being run again", async () => {
    const later: (() => void)[] = [];
    const { setTimeout: now } = globalThis;
    vi.spyOn(globalThis, "setTimeout").mockImplementation(((act: () => void, ms = 0) => (ms === 1_000 ? later.push(act) : now(act, ms))) as typeof setTimeout);
    const input = [{ type: "text", text: "x" }];
    for (let i = 0; i < 100; i += 1) {
      await chat.ann.mutation(sendCommand, { threadId: THREAD, commandId: `c${String(i)}`, kind: "turn", payloadJson: JSON.stringify({ input, clientTurnId: `c${String(i)}` }) });
    }
    let runs = 0;
    await ask("once", 1);
    const page = await serve(() => ({ once: () => `run ${String((runs += 1))}` }));
    expect(page.result.current).toMatchObject({ running: ["c1"], error: { data: { code: "E_QUOTA" } } });
    await chat.ann.mutation(api.chat.cancelCommand, { commandId: "c0" });
    later.forEach((act) => act());
    await chat.settle();
    expect([runs, later.length, page.result.current]).toEqual([1, 1, { running: [], error: undefined }]);
    expect((await chat.lease(100)).map(({ kind }) => kind)).toContain("answer");
  });

  it("of another thread is none of this one's, nor is what it failed with", async () => {
    await chat.ann.mutation(api.chat.createThread, { threadId: "th_2" });
    let finish: (text: string) => void = () => undefined;
    const slow = () => new Promise<string>((resolve) => (finish = resolve));
    const { result, rerender } = renderHook(({ threadId }) => useCodexDynamicTools(list, { threadId }, sendCommand, { slow }), {
      initialProps: { threadId: THREAD },
      wrapper: inStrictMode(chat.loopback.connect()),
    });
    await chat.settle();
    await ask("slow", 1);
    await chat.settle();
    await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
    expect(result.current.running).toEqual(["c1"]);
    rerender({ threadId: "th_2" });
    expect(result.current).toEqual({ running: [], error: undefined });
    finish("done");
    await chat.settle();
    expect(result.current).toEqual({ running: [], error: undefined });
    rerender({ threadId: THREAD });
    await chat.settle();
    expect(result.current).toMatchObject({ running: [], error: { data: { code: "E_THREAD_ARCHIVED" } } });
  });

  it("that is at work when its component goes, and comes again, is not run again", async () => {
    let finish: (text: string) => void = () => undefined;
    let runs = 0;
    const slow = () => new Promise<string>((resolve) => ((runs += 1), (finish = resolve)));
    const client = chat.loopback.connect();
    const first = await serve(() => ({ slow }), client);
    await ask("slow", 1);
    await chat.settle();
    expect(first.result.current.running).toEqual(["c1"]);
    first.unmount();
    await serve(() => ({ slow }), client);
    finish("done");
    await chat.settle();
    expect(runs).toBe(1);
    expect(await answers()).toMatchObject([[1, { success: true }]]);
  });
});
