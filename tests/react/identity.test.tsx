// While nothing changed, what a hook returns is the same object at every render: `memo` and effects of an app rely on it.
import { act, cleanup, render, renderHook } from "@testing-library/react";
import { anyApi, type ApiFromModules } from "convex/server";
import { memo, type ReactNode } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { useCodexExternalStore } from "../../js-wrapper/assistant-ui/index.js";
import type { defineCodexHost } from "../../js-wrapper/host/convex.js";
import type { CodexServerRequest } from "../../js-wrapper/host/component.js";
import {
  CodexProvider,
  useCodex,
  useCodexAccount,
  useCodexActivity,
  useCodexApprovals,
  useCodexAutoResume,
  useCodexCommands,
  useCodexComposer,
  useCodexDecisions,
  useCodexDynamicTools,
  useCodexIngestHealth,
  useCodexInterruptTurn,
  useCodexMessages,
  useCodexPresence,
  useCodexReasoning,
  useCodexSend,
  useCodexServerRequests,
  useCodexStreamingMessages,
  useCodexStreamingReasoning,
  useCodexThread,
  useCodexThreadPresence,
  useCodexThreads,
  useCodexThreadState,
  useCodexTokenUsage,
  useCodexTurn,
} from "../../js-wrapper/react/index.js";
import { useRequests } from "../../js-wrapper/react/use-codex-server-requests.js";
import { useList } from "../../js-wrapper/react/use-list.js";
import { startChat, THREAD, TURN, type ChatApp } from "./chat-app.js";
import { FakeConvex } from "./fake-convex.js";
import { inStrictMode } from "./in-strict-mode.js";

/** They render every hook over the component. */
vi.setConfig({ testTimeout: 60_000 });

const api = anyApi as unknown as ApiFromModules<{ chat: ReturnType<typeof defineCodexHost> }>;
const SOME = { initialNumItems: 10 };
const ARGS = { threadId: THREAD };
const TURN_ARGS = { threadId: THREAD, turnId: TURN };

afterEach(cleanup);

describe("a list", () => {
  const { chat } = api;
  const counts = { total: { totalTokens: 1 }, last: { totalTokens: 1 } };
  const request = { threadId: THREAD, turnId: TURN, itemId: "i", method: "item/tool/call", payloadJson: "{}", createdAt: 1 };
  const lists: [string, () => { results: readonly object[] }, object][] = [
    ["useCodexThreads", () => useCodexThreads(chat.listThreadsForHooks, {}, SOME), { status: "active" }],
    ["useCodexCommands", () => useCodexCommands(chat.listCommands, ARGS, SOME), { kind: "turn", state: "queued", payloadJson: "{}" }],
    ["useCodexDecisions", () => useCodexDecisions(chat.listDecidedRequestsForHooks, ARGS, SOME), request],
    ["useCodexApprovals", () => useCodexApprovals(chat.listPendingApprovalsForHooks, ARGS, chat.respondApprovalForHooks, SOME), request],
    ["useCodexTokenUsage", () => useCodexTokenUsage(chat.listTokenUsage, ARGS, SOME), counts],
  ];

  it.each(lists)("of %s: rows that arrive anew are the same objects, in the same list", async (_, hook, told) => {
    const rows = [0, 1, 2].map((id) => ({ ...told, threadId: `th_${id}`, commandId: `c_${id}`, turnId: `t_${id}`, requestId: id, updatedAt: 1 }));
    let answer = { page: rows, isDone: true, continueCursor: "a", thread: null };
    const convex = new FakeConvex(() => answer);
    const settle = async () => {
      for (let i = 0; i < 5; i += 1) await act(() => convex.flush());
    };
    const { result, rerender } = renderHook(hook, { wrapper: inStrictMode(convex.client) });
    await settle();
    const before = result.current;
    expect(before.results).toHaveLength(3);
    rerender();
    expect(result.current).toBe(before);

    answer = { ...answer, continueCursor: "b" };
    await settle();
    expect(result.current.results).toBe(before.results);

    answer = { ...answer, page: rows.map((row, at) => (at === 1 ? { ...row, updatedAt: 2 } : row)) };
    await settle();
    expect(result.current.results).not.toBe(before.results);
    expect(result.current.results.map((row, at) => row === before.results[at])).toEqual([true, false, true]);
  });

  it("is the same object while it waits for more, and while it has more", async () => {
    const convex = new FakeConvex((args) => {
      const isFirst = (args["paginationOpts"] as { cursor: string | null }).cursor === null;
      return { page: [{ threadId: isFirst ? "a" : "b", updatedAt: 1 }], isDone: !isFirst, continueCursor: isFirst ? "next" : "end" };
    });
    const settle = async () => {
      for (let i = 0; i < 5; i += 1) await act(() => convex.flush());
    };
    const { result, rerender } = renderHook(() => useCodexThreads(chat.listThreadsForHooks, {}, SOME), { wrapper: inStrictMode(convex.client) });
    const isSame = (status: string) => {
      const before = result.current;
      expect(before.status).toBe(status);
      rerender();
      return result.current === before;
    };
    expect(isSame("LoadingFirstPage")).toBe(true);
    await settle();
    expect(isSame("CanLoadMore")).toBe(true);
    convex.hold((args) => (args["paginationOpts"] as { cursor: string | null }).cursor !== null);
    act(() => result.current.loadMore(1));
    expect(isSame("LoadingMore")).toBe(true);
    await settle();
    expect(isSame("LoadingMore")).toBe(true);
    convex.hold(() => false);
    await settle();
    expect(isSame("Exhausted")).toBe(true);
  });

  it("is made once of what arrived, not at every render", async () => {
    const convex = new FakeConvex(() => ({ page: [{ id: "a" }, { id: "b" }], isDone: true, continueCursor: "" }));
    const subscription = { key: "k", query: chat.listCommands, args: {} };
    let asked = 0;
    const keyOf = ({ id }: { id: string }) => {
      asked += 1;
      return id;
    };
    const show = (row: { id: string }) => ({ ...row });
    const { result, rerender } = renderHook(() => useList(subscription, 10, keyOf, show), { wrapper: inStrictMode(convex.client) });
    for (let i = 0; i < 5; i += 1) await act(() => convex.flush());
    const [before, askedBefore] = [result.current, asked];
    expect(before.results).toHaveLength(2);
    rerender();
    expect(result.current).toBe(before);
    expect(asked).toBe(askedBefore);
  });
});

it("requests are read once, in the same list while the rows are the same, and one that did not change is the same object", () => {
  const row = (requestId: number, payloadJson = "{}") =>
    ({ requestId, threadId: THREAD, turnId: TURN, itemId: "i", method: "item/tool/call", payloadJson, createdAt: 1 }) as CodexServerRequest;
  const { result, rerender } = renderHook((rows: readonly CodexServerRequest[]) => useRequests(rows), { initialProps: [row(1), row(2)] });
  const before = result.current;
  const rows = [row(1), row(2, '{"params":{}}')];
  rerender(rows);
  const after = result.current;
  expect(after[0]).toBe(before[0]);
  expect(after[1]).not.toBe(before[1]);
  rerender(rows);
  expect(result.current).toBe(after);
});

describe("what a hook returns", () => {
  let chat: ChatApp | undefined;
  afterEach(async () => {
    await chat?.loopback.close();
  });

  const functions = api.chat;
  const handlers = {};
  const useEverything = (args: { threadId: string } | "skip") => {
    const turn = args === "skip" ? "skip" : TURN_ARGS;
    const none = args === "skip" ? "skip" : {};
    const codex = useCodex(args === "skip" ? "skip" : { ...args });
    const messages = useCodexMessages(functions.listThreadMessagesForHooks, args, { ...SOME, stream: true });
    return {
      codex,
      store: useCodexExternalStore(codex),
      messages,
      activity: useCodexActivity({ messages: messages.results }),
      commands: useCodexCommands(functions.listCommands, args, SOME),
      threads: useCodexThreads(functions.listThreadsForHooks, none, SOME),
      decisions: useCodexDecisions(functions.listDecidedRequestsForHooks, args, SOME),
      approvals: useCodexApprovals(functions.listPendingApprovalsForHooks, args, functions.respondApprovalForHooks, SOME),
      requests: useCodexServerRequests(functions.listPendingServerRequestsForHooks, args, functions.sendCommand),
      tools: useCodexDynamicTools(functions.listPendingServerRequestsForHooks, args, functions.sendCommand, handlers),
      send: useCodexSend(functions.sendCommand, args, { cancel: functions.cancelCommand }),
      sendAlone: useCodexSend(functions.sendCommand, args),
      composer: useCodexComposer(functions.registerTurnStart, { inputName: "inputText", initialValue: "draft" }),
      interrupt: useCodexInterruptTurn(functions.interruptTurnForHooks, { optimisticMessagesQuery: functions.listThreadMessagesForHooks }),
      reasoning: useCodexReasoning(functions.listThreadReasoningForHooks, args, SOME),
      streaming: useCodexStreamingMessages(functions.listThreadMessagesForHooks, args),
      streamingReasoning: useCodexStreamingReasoning(functions.listThreadReasoningForHooks, args),
      turn: useCodexTurn(functions.listTurnMessagesForHooks, turn, functions.threadSnapshot, args),
      state: useCodexThreadState(functions.threadSnapshot, args),
      thread: useCodexThread(functions.getThread, args),
      usage: useCodexTokenUsage(functions.listTokenUsage, args, SOME),
      presence: useCodexPresence(functions.listPresence, none),
      account: useCodexAccount(functions.listPresence, none),
      reached: useCodexThreadPresence(functions.getPresence, args),
      health: useCodexIngestHealth(functions.getPresence, args),
      resumed: useCodexAutoResume(functions.resumeStreamReplay, turn),
    };
  };

  async function open(args: { threadId: string } | "skip") {
    chat = await startChat();
    await chat.beat({ threads: [{ threadId: THREAD, turnId: TURN, pendingRequests: 0, outboxEvents: 0 }] });
    await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
    await chat.say("item/started", { item: { id: "i", type: "agentMessage", text: "" } });
    await chat.say("item/agentMessage/delta", { itemId: "i", delta: "Hello" });
    await chat.say("item/reasoning/summaryTextDelta", { itemId: "r", summaryIndex: 0, delta: "Hm" });
    await chat.ask("item/commandExecution/requestApproval", { command: "ls" }, 1);
    await chat.ask("item/tool/call", { callId: "c", namespace: null, tool: "t", arguments: {} }, 2, TURN, "item_2");
    const Strict = inStrictMode(chat.loopback.connect());
    const wrapper = ({ children }: { children: ReactNode }) => (
      <Strict>
        <CodexProvider api={functions}>{children}</CodexProvider>
      </Strict>
    );
    const page = renderHook(() => useEverything(args), { wrapper });
    await chat.settle();
    return { chat, ...page };
  }

  it.each([
    ["of a thread", ARGS],
    ["with skip", "skip" as const],
  ])("%s is the same object when the page renders for another reason", async (_, args) => {
    const { result, rerender } = await open(args);
    const before = result.current;
    if (args !== "skip") {
      expect(before.messages.results).not.toEqual([]);
      expect(before.approvals.results).toHaveLength(1);
      expect(before.requests.results).toHaveLength(2);
    }
    rerender();
    const names = Object.keys(before) as (keyof typeof before)[];
    expect(names.filter((name) => result.current[name] !== before[name])).toEqual([]);
  });

  it("lists the same rows while one that is not listed is answered", async () => {
    const { chat: app, result } = await open(ARGS);
    const { approvals, requests } = result.current;
    const gone = { ...requests.results[0]!, requestId: "gone" };
    await app.does(() => expect(requests.answer(gone, {})).rejects.toThrow());
    await app.does(() => expect(approvals.decline({ ...approvals.results[0]!, requestId: "gone" })).rejects.toThrow());
    expect(result.current.requests.results).toBe(requests.results);
    expect(result.current.approvals.results).toBe(approvals.results);
  });

  it("is not drawn again because the provider is", async () => {
    chat = await startChat();
    let drawn = 0;
    const Chat = memo(function Chat() {
      useCodex("skip");
      drawn += 1;
      return null;
    });
    const Strict = inStrictMode(chat.loopback.connect());
    const page = () => (
      <Strict>
        <CodexProvider api={functions}>
          <Chat />
        </CodexProvider>
      </Strict>
    );
    const { rerender } = render(page());
    await chat.settle();
    const before = drawn;
    rerender(page());
    expect(drawn).toBe(before);
  });

  it("has the same functions while what it tells of changes", async () => {
    const { chat: app, result } = await open(ARGS);
    const functionsOf = (value: object | undefined) => Object.entries(value ?? {}).filter(([, one]) => typeof one === "function");
    const before = result.current;
    await app.say("item/agentMessage/delta", { itemId: "i", delta: " and more" });
    await app.does(() => result.current.send.sendTurn("Go on."));
    await app.does(() => result.current.approvals.accept(result.current.approvals.results[0]!));
    await app.does(() => result.current.requests.answerToolCall(result.current.requests.results[0]!, { success: true, contentItems: [] }).catch(() => undefined));
    act(() => result.current.composer.setValue("and then"));
    const after = result.current;
    expect(after.messages).not.toBe(before.messages);
    expect(after.approvals).not.toBe(before.approvals);
    expect(after.requests).not.toBe(before.requests);
    expect(after.interrupt).toBe(before.interrupt);
    const changed = (Object.keys(before) as (keyof typeof before)[]).flatMap((name) => {
      const now = new Map(functionsOf(after[name]));
      return functionsOf(before[name]).flatMap(([key, one]) => (now.get(key) === one ? [] : [`${name}.${key}`]));
    });
    // It sends what is written.
    expect(changed).toEqual(["composer.sendText"]);
  });
});
