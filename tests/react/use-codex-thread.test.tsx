import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  useCodexAccount,
  useCodexActivity,
  useCodexIngestHealth,
  useCodexMessages,
  useCodexPresence,
  useCodexThread,
  useCodexThreadPresence,
  useCodexTokenUsage,
} from "../../js-wrapper/react/index.js";
import { api, startChat, THREAD, TURN, type ChatApp } from "./chat-app.js";
import { inStrictMode } from "./in-strict-mode.js";

let chat: ChatApp;

beforeEach(async () => {
  chat = await startChat();
});
afterEach(async () => {
  cleanup();
  await chat.loopback.close();
});

async function open(args: { threadId: string } | "skip" = { threadId: THREAD }) {
  const isSkipped = args === "skip";
  const { result } = renderHook(
    () => {
      const messages = useCodexMessages(api.chat.listThreadMessagesForHooks, args, { initialNumItems: 10 });
      const reached = useCodexThreadPresence(api.chat.getPresence, args);
      return {
        thread: useCodexThread(api.chat.getThread, args),
        usage: useCodexTokenUsage(api.chat.listTokenUsage, args, { initialNumItems: 10 }),
        presence: useCodexPresence(api.chat.listPresence, isSkipped ? "skip" : {}),
        account: useCodexAccount(api.chat.listPresence, isSkipped ? "skip" : {}),
        reached,
        ingest: useCodexIngestHealth(api.chat.getPresence, args),
        activity: useCodexActivity({ messages: messages.results, presence: reached.presence }),
      };
    },
    { wrapper: inStrictMode(chat.loopback.connect()) },
  );
  await act(() => chat.settle());
  return result;
}

it("a thread is told of: its name, its goal and settings, its tokens", async () => {
  const page = await open();
  expect(page.current.thread).toMatchObject({ thread: { threadId: THREAD, status: "active" }, isLoading: false, error: undefined });
  expect(page.current.usage).toMatchObject({ results: [], thread: null, contextUsed: undefined });
  await chat.ann.mutation(api.chat.renameThread, { threadId: THREAD, name: "Plans" });
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  const counts = { totalTokens: 30, inputTokens: 20, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 10, reasoningOutputTokens: 0 };
  await chat.say("thread/tokenUsage/updated", { tokenUsage: { total: counts, last: counts, modelContextWindow: 120 } });
  await chat.say("thread/goal/updated", { goal: { threadId: THREAD, objective: "ship" } });
  await chat.settle();
  expect(page.current.thread).toMatchObject({ error: undefined, thread: { name: "Plans" } });
  expect(JSON.stringify(page.current.thread.thread?.goal)).toContain("ship");
  expect(page.current.usage).toMatchObject({ results: [{ turnId: TURN, total: counts }], thread: { total: counts }, contextUsed: 0.25 });
  const [before] = page.current.usage.results;
  await chat.say("warning", { message: "careful" });
  await chat.settle();
  expect(page.current.usage.results[0]).toBe(before);
});

it("a machine is told of: its login, its threads, and whether what is sent arrives", async () => {
  const page = await open();
  expect(page.current.presence).toMatchObject({ machines: [], isLoading: false });
  expect(page.current.reached).toMatchObject({ reach: "never", current: undefined });
  expect(page.current.ingest.health).toMatchObject({ status: "never" });
  await chat.beat({ threads: [{ threadId: THREAD, turnId: TURN, pendingRequests: 0, outboxEvents: 500, oldestEventAt: 5 }] });
  await chat.settle();
  expect(page.current.presence.threads.get(THREAD)).toMatchObject({ turnId: TURN, behind: 500, away: false });
  expect(page.current.account).toMatchObject({ login: "in", machines: [{ runtimeId: "runtime_1", login: "in" }] });
  expect(page.current.reached).toMatchObject({ reach: "reachable", current: { turnId: TURN } });
  expect(page.current.ingest.health).toEqual({ status: "catchingUp", behind: 500, oldestEventAt: 5 });
  expect(page.current.activity).toEqual({ kind: "thinking", text: "", turnId: TURN });
  await chat.beat({ login: "out" });
  await chat.settle();
  expect(page.current.account.login).toBe("out");
  expect(page.current.reached.reach).toBe("signedOut");
});

it("what codex does is the same object while a message grows", async () => {
  const page = await open();
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  await chat.say("item/started", { item: { id: "i", type: "agentMessage", text: "" } });
  await chat.settle();
  const before = page.current.activity;
  expect(before).toEqual({ kind: "writing", text: "", turnId: TURN, messageId: "i" });
  await chat.say("item/agentMessage/delta", { itemId: "i", delta: "Hello" });
  await chat.settle();
  expect(page.current.activity).toBe(before);
});

it("nothing is asked with skip, and a thread that is not there is null", async () => {
  const skipped = await open("skip");
  expect(skipped.current.thread).toEqual({ thread: undefined, isLoading: false, error: undefined });
  expect(skipped.current.presence).toMatchObject({ machines: [], isLoading: false });
  const missing = await open({ threadId: "th_2" });
  expect(missing.current.thread.thread).toBeNull();
  expect(missing.current.usage).toMatchObject({ results: [], thread: null });
});
