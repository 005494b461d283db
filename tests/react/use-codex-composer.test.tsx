import { act, cleanup, renderHook } from "@testing-library/react";
import { useMutation, useQuery } from "convex/react";
import { anyApi, type FunctionReference } from "convex/server";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { optimisticallySendCodexMessage, useCodexComposer, useCodexInterruptTurn, useCodexMessages } from "../../js-wrapper/react/index.js";
import { api, startChat, THREAD, TURN, type ChatApp } from "./chat-app.js";
import { inStrictMode } from "./in-strict-mode.js";
import { Loopback } from "./loopback-convex.js";

const { listThreadMessagesForHooks: messagesQuery, registerTurnStart, interruptTurnForHooks } = api.chat;

let chat: ChatApp;

beforeEach(async () => {
  chat = await startChat();
});
afterEach(async () => {
  cleanup();
  await chat.loopback.close();
});

async function shown<Result>(hook: () => Result) {
  const { result } = renderHook(hook, { wrapper: inStrictMode(chat.loopback.connect()) });
  await chat.settle();
  return result;
}

const sent = () => chat.loopback.mutations.map(({ args }) => args);

describe("the composer", () => {
  const open = () => shown(() => useCodexComposer(registerTurnStart, { inputName: "inputText", initialValue: "draft" }));

  it("begins a turn with what is written, and is empty then", async () => {
    const page = await open();
    expect(page.current).toMatchObject({ value: "draft", isSending: false, error: undefined });
    act(() => page.current.setValue("Go \uD83D on."));
    const answer = await chat.does(() => page.current.sendText({ threadId: THREAD }));
    expect(answer).toMatchObject({ accepted: true });
    expect(sent()).toEqual([{ threadId: THREAD, inputText: "Go \uFFFD on.", turnId: answer!.turnId, idempotencyKey: expect.any(String) }]);
    expect(page.current.value).toBe("");
  });

  it("begins a turn with whatever Convex takes", async () => {
    const page = await open();
    // The app of this test refuses it.
    await act(() => expect(page.current.sendText({ threadId: THREAD, size: 1n } as { threadId: string }, "go")).rejects.toThrow("size"));
    expect(sent()).toMatchObject([{ size: 1n, inputText: "go" }]);
  });

  it("sends nothing that is blank", async () => {
    const page = await open();
    expect(await chat.does(() => page.current.sendText({ threadId: THREAD }, " \n"))).toBeNull();
    expect(sent()).toEqual([]);
    expect(page.current.value).toBe("draft");
  });

  it("begins one turn where the button is pressed twice, and keeps what is written meanwhile", async () => {
    const page = await open();
    chat.loopback.held = [];
    const both = Promise.all([page.current.sendText({ threadId: THREAD }), page.current.sendText({ threadId: THREAD })]);
    await chat.settle();
    expect(page.current.isSending).toBe(true);
    act(() => page.current.setValue("and then"));
    chat.loopback.release();
    const [one, other] = await chat.does(() => both);
    expect(one).toEqual(other);
    expect(page.current).toMatchObject({ value: "and then", isSending: false });
  });

  it("that failed says so, keeps what is written, and begins the same turn at the next attempt", async () => {
    const page = await open();
    await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
    await act(() => expect(page.current.sendText({ threadId: THREAD })).rejects.toMatchObject({ data: { code: "E_THREAD_ARCHIVED" } }));
    expect(page.current).toMatchObject({ value: "draft", isSending: false, error: { data: { code: "E_THREAD_ARCHIVED" } } });
    act(() => page.current.setValue("other"));
    act(() => page.current.reset());
    expect(page.current).toMatchObject({ value: "draft", error: undefined });
    await chat.ann.mutation(api.chat.unarchiveThread, { threadId: THREAD });
    await chat.does(() => page.current.sendText({ threadId: THREAD }));
    expect(sent()[0]).toEqual(sent()[1]);
  });

  it("takes an app's own ids, and its own input", async () => {
    type Start = { threadId: string; turnId: string; idempotencyKey: string; input: { type: string; text: string }[]; model?: string };
    const start = anyApi["app"]!["start"] as unknown as FunctionReference<"mutation", "public", Start, { turnId: string }>;
    const loopback = new Loopback({ query: () => null, mutation: (_name, args) => args });
    const { result: page } = renderHook(
      () => useCodexComposer(start, { createTurnId: () => "turn", createIdempotencyKey: () => "key" }),
      { wrapper: inStrictMode(loopback.connect()) },
    );
    await act(() => page.current.sendText({ threadId: "t", model: "m" }, "hi"));
    await act(() => page.current.send({ threadId: "t", input: [], turnId: "own" }));
    expect(loopback.mutations.map(({ args }) => args)).toEqual([
      { threadId: "t", model: "m", input: [{ type: "text", text: "hi" }], turnId: "turn", idempotencyKey: "key" },
      { threadId: "t", input: [], turnId: "own", idempotencyKey: "key" },
    ]);
    expectTypeOf<Parameters<typeof useCodexComposer<typeof start>>[1]>().toExtend<{ inputName?: "input" | undefined } | undefined>();
    type Composer = ReturnType<typeof useCodexComposer<typeof start>>;
    expectTypeOf<Parameters<Composer["sendText"]>[0]>().toEqualTypeOf<{ threadId: string; model?: string; turnId?: string; idempotencyKey?: string }>();
    await loopback.close();
  });
});

it("takes a mutation without types, whichever input that has", async () => {
  const loopback = new Loopback({ query: () => null, mutation: () => null });
  const start = anyApi["app"]!["start"]!;
  const { result: page } = renderHook(
    () => ({ list: useCodexComposer(start), text: useCodexComposer(start, { inputName: "inputText" }) }),
    { wrapper: inStrictMode(loopback.connect()) },
  );
  await act(() => page.current.list.sendText({ threadId: "t" }, "hi"));
  await act(() => page.current.text.sendText({ threadId: "t" }, "hi"));
  expect(loopback.mutations.map(({ args }) => args)).toMatchObject([{ input: [{ type: "text", text: "hi" }] }, { inputText: "hi" }]);
  expectTypeOf<Parameters<typeof useCodexComposer<typeof registerTurnStart>>[1]>().toExtend<{ inputName: "inputText" }>();
  await loopback.close();
});

describe("a message", () => {
  const open = () =>
    shown(() => ({
      messages: useCodexMessages(messagesQuery, { threadId: THREAD }, { initialNumItems: 10, stream: true }),
      streams: useQuery(messagesQuery, { threadId: THREAD, paginationOpts: { cursor: null, numItems: 5 }, streamArgs: { kind: "list" } }),
      start: useMutation(registerTurnStart).withOptimisticUpdate((store, { threadId, turnId, inputText: text }) =>
        optimisticallySendCodexMessage(messagesQuery)(store, { threadId, turnId, text, includeAssistantPlaceholder: true }),
      ),
    }));
  const start = (page: Awaited<ReturnType<typeof open>>) => page.current.start({ threadId: THREAD, turnId: TURN, inputText: "hi", idempotencyKey: "k" });
  const words = (page: Awaited<ReturnType<typeof open>>) => page.current.messages.results.map(({ role, status, text }) => [role, status, text]);

  it("is shown before the server has it, with a place for the answer", async () => {
    await chat.say("item/completed", { item: { id: "old", type: "agentMessage", text: "old" } }, "turn_0");
    const page = await open();
    chat.loopback.held = [];
    const started = start(page);
    await chat.settle();
    expect(words(page)).toEqual([
      ["assistant", "completed", "old"],
      ["user", "completed", "hi"],
      ["assistant", "streaming", ""],
    ]);
    expect(page.current.streams?.page).toHaveLength(1);
    chat.loopback.release();
    await chat.does(() => started);
    expect(words(page)).toEqual([["assistant", "completed", "old"]]);
  });

  it("is the same message until the server has it, whatever that says meanwhile", async () => {
    const page = await open();
    chat.loopback.held = [];
    const started = [start(page), page.current.start({ threadId: THREAD, turnId: TURN, inputText: "and", idempotencyKey: "l" })];
    await chat.settle();
    const own = () => page.current.messages.results.filter(({ turnId, role }) => turnId === TURN && role === "user");
    const before = own();
    expect([before.map(({ text }) => text).sort(), new Set(before.map(({ _id }) => _id)).size]).toEqual([["and", "hi"], 2]);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await chat.say("item/completed", { item: { id: "old", type: "agentMessage", text: "old" } }, "turn_0");
    await chat.settle();
    expect(page.current.messages.results.map(({ text }) => text)).toContain("old");
    expect(own().map(({ _id, createdAt }) => [_id, createdAt])).toEqual(before.map(({ _id, createdAt }) => [_id, createdAt]));
    chat.loopback.release();
    await chat.does(() => Promise.all(started));
  });

  it("that codex has said by then is one row", async () => {
    const page = await open();
    chat.loopback.held = [];
    const started = start(page);
    await chat.say("item/completed", { item: { id: "u", type: "userMessage", content: [{ type: "text", text: "hi", text_elements: [] }] } });
    await chat.settle();
    expect(words(page)).toEqual([["user", "completed", "hi"]]);
    chat.loopback.release();
    await chat.does(() => started);
    expect(words(page)).toEqual([["user", "completed", "hi"]]);
  });
});

describe("a stop", () => {
  const open = () =>
    shown(() => ({
      messages: useCodexMessages(messagesQuery, { threadId: THREAD }, { initialNumItems: 10, stream: true }),
      interrupt: useCodexInterruptTurn(interruptTurnForHooks, { optimisticMessagesQuery: messagesQuery }),
    }));

  it("is seen at once, in that turn alone, and is what the server says then", async () => {
    await chat.say("item/started", { item: { id: "other", type: "agentMessage", text: "" } }, "turn_0");
    await chat.say("item/completed", { item: { id: "done", type: "agentMessage", text: "done" } });
    await chat.say("item/started", { item: { id: "i", type: "agentMessage", text: "" } });
    await chat.say("item/agentMessage/delta", { itemId: "i", delta: "Hel" });
    const page = await open();
    const statuses = () => page.current.messages.results.map(({ messageId, status, error }) => [messageId, status, error]);
    const texts = () => page.current.messages.results.map(({ text }) => text);
    expect(texts()).toEqual(["", "done", "Hel"]);
    chat.loopback.held = [];
    const stopped = page.current.interrupt({ threadId: THREAD, turnId: TURN, reason: "enough" });
    await chat.settle();
    const after = [
      ["other", "streaming", undefined],
      ["done", "completed", undefined],
      ["i", "interrupted", "enough"],
    ];
    expect(statuses()).toEqual(after);
    expect(texts()).toEqual(["", "done", "Hel"]);
    chat.loopback.release();
    expect(await chat.does(() => stopped)).toBeNull();
    expect(statuses()).toEqual(after);
  });

  it("is the same function at each render, and rejects with what was refused", async () => {
    const page = await open();
    const { interrupt } = page.current;
    await act(() => expect(interrupt({ threadId: THREAD, turnId: "none" })).rejects.toMatchObject({ data: { code: "E_AUTH_TURN_FORBIDDEN" } }));
    expect(page.current.interrupt).toBe(interrupt);
  });
});
