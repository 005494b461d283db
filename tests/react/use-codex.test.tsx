import { act, cleanup, render, renderHook } from "@testing-library/react";
import { memo, useEffect, type ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { ConvexProvider, ConvexReactClient } from "convex/react";
import { anyApi, makeFunctionReference } from "convex/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CodexProvider, useCodex, type CodexApi } from "../../js-wrapper/react/index.js";
import { api, startChat, THREAD, TURN, type ChatApp } from "./chat-app.js";
import { inStrictMode } from "./in-strict-mode.js";
import { Loopback } from "./loopback-convex.js";

let chat: ChatApp;

beforeEach(async () => {
  chat = await startChat();
});
afterEach(async () => {
  vi.restoreAllMocks();
  cleanup();
  await chat.loopback.close();
});

async function open(args: { threadId: string } | "skip" = { threadId: THREAD }, functions: CodexApi = api.chat) {
  const Strict = inStrictMode(chat.loopback.connect());
  const wrapper = ({ children }: { children: ReactNode }) => (
    <Strict>
      <CodexProvider api={functions}>{children}</CodexProvider>
    </Strict>
  );
  const { result } = renderHook(() => useCodex(args), { wrapper });
  await chat.settle();
  return result;
}

type Page = Awaited<ReturnType<typeof open>>;
const commands = (page: Page) => page.current.commands.results.map(({ kind, state, text }) => [kind, state, text]);

it("follows a chat from the wish to the answer", async () => {
  const page = await open();
  expect(page.current).toMatchObject({ status: "ready", activity: { kind: "idle" }, reach: "never", error: undefined });
  await chat.does(() => page.current.send("Say hello"));
  expect(page.current).toMatchObject({ status: "submitted", activity: { kind: "waitingForMachine", reach: "never" } });
  await chat.beat({ threads: [{ threadId: THREAD, pendingRequests: 0, outboxEvents: 0 }] });
  const [leased] = await chat.lease();
  await chat.report(leased!, "delivered");
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  await chat.report(leased!, "accepted", { turnId: TURN });
  await chat.settle();
  expect(page.current).toMatchObject({ status: "submitted", activity: { kind: "thinking", turnId: TURN }, runningTurnId: TURN, reach: "reachable" });
  await chat.say("item/started", { item: { id: "i", type: "agentMessage", text: "" } });
  await chat.say("item/agentMessage/delta", { itemId: "i", delta: "Hello" });
  await chat.settle();
  expect(page.current).toMatchObject({ status: "streaming", activity: { kind: "writing" }, messages: { results: [{ text: "Hello" }] } });
  await chat.ask("item/commandExecution/requestApproval", { command: "ls" });
  await chat.settle();
  expect(page.current).toMatchObject({ activity: { kind: "waitingForApproval" }, approvals: { results: [{ itemId: "item_1" }] } });
  await chat.does(() => page.current.approvals.accept(page.current.approvals.results[0]!));
  expect(page.current.approvals.results).toEqual([]);
  await chat.say("turn/completed", { turn: { id: TURN, status: "completed", items: [] } });
  await chat.settle();
  expect(page.current).toMatchObject({ status: "ready", activity: { kind: "idle" }, runningTurnId: undefined });
});

it("has the words of a message from when it is sent until codex says them back", async () => {
  const page = await open();
  const pending = () => page.current.pendingMessages.map(({ text }) => text);
  const { commandId } = await chat.does(() => page.current.send("Say hello"));
  const waiting = pending();
  const [leased] = await chat.lease();
  await chat.report(leased!, "delivered");
  await chat.report(leased!, "accepted", { turnId: TURN });
  await chat.settle();
  const taken = pending();
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  await chat.settle();
  const begun = pending();
  const before = page.current.pendingMessages;
  await chat.say("item/started", { item: { id: "i", type: "agentMessage", text: "" } });
  await chat.say("item/agentMessage/delta", { itemId: "i", delta: "Hello" });
  await chat.settle();
  expect([waiting, taken, begun]).toEqual([["Say hello"], ["Say hello"], ["Say hello"]]);
  expect(page.current.pendingMessages).toBe(before);
  await chat.say("item/completed", { item: { id: "u", type: "userMessage", clientId: commandId, content: [{ type: "text", text: "Say hello" }] } });
  await chat.settle();
  expect(pending()).toEqual([]);
  expect(page.current.messages.results.map(({ text }) => text)).toContain("Say hello");
});

/** As much as a page lists at first, to the turn that runs. */
async function sendMuch(): Promise<void> {
  for (let i = 0; i < 30; i += 1) {
    const payloadJson = JSON.stringify({ expectedTurnId: TURN, input: [{ type: "text", text: "so" }] });
    await chat.ann.mutation(api.chat.sendCommand, { threadId: THREAD, commandId: `s${String(i)}`, kind: "steer", payloadJson });
  }
}

it("has what waits at every render, also when it is the first that is not loaded with the newest any more", async () => {
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  const payloadJson = JSON.stringify({ input: [{ type: "text", text: "first" }], clientTurnId: "first" });
  await chat.ann.mutation(api.chat.sendCommand, { threadId: THREAD, commandId: "first", kind: "turn", payloadJson });
  const sendSteers = async (from: number, to: number) => {
    for (let i = from; i < to; i += 1) {
      const steer = JSON.stringify({ expectedTurnId: TURN, input: [{ type: "text", text: "so" }] });
      await chat.ann.mutation(api.chat.sendCommand, { threadId: THREAD, commandId: `s${String(i)}`, kind: "steer", payloadJson: steer });
    }
  };
  await sendSteers(0, 28);
  const seen: boolean[] = [];
  const Strict = inStrictMode(chat.loopback.connect());
  function Page() {
    const { openCommands, messages } = useCodex({ threadId: THREAD });
    useEffect(() => {
      if (messages.status !== "LoadingFirstPage") seen.push(openCommands.some(({ commandId }) => commandId === "first"));
    }, [openCommands, messages.status]);
    return null;
  }
  render(<Page />, { wrapper: ({ children }) => <Strict><CodexProvider api={api.chat}>{children}</CodexProvider></Strict> });
  await chat.settle();
  const from = seen.length;
  await sendSteers(28, 31);
  await chat.settle();
  expect([seen.length > from, from > 0, seen.slice(from - 1).includes(false)]).toEqual([true, true, false]);
});

describe("a stop", () => {
  const run = async () => {
    await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
    await chat.settle();
  };

  it("ends what runs, also after a reload, and begins nothing that waits", async () => {
    await run();
    const first = await open();
    await chat.does(() => first.current.send("next"));
    const reloaded = await open();
    await chat.does(() => reloaded.current.stop());
    expect(commands(reloaded)).toEqual([
      ["interrupt", "queued", ""],
      ["interrupt", "accepted", ""],
      ["turn", "cancelled", "next"],
    ]);
    expect(await chat.lease()).toMatchObject([{ kind: "interrupt", turnId: TURN }]);
  });

  it("takes back what waits, however much was sent after it", async () => {
    await run();
    const first = await open();
    await chat.does(() => first.current.send("next"));
    await sendMuch();
    const page = await open();
    expect(commands(page)).not.toContainEqual(["turn", "queued", "next"]);
    expect([page.current.openCommands.length, page.current.openCommands.at(-1)?.text]).toEqual([31, "next"]);
    await chat.does(() => page.current.stop());
    expect(page.current.openCommands.map(({ kind }) => kind)).not.toContain("turn");
  });

  it("asks for what is open of its own alone where not all is loaded", async () => {
    const asked = vi.spyOn(ConvexReactClient.prototype, "watchQuery");
    await run();
    const page = await open();
    await chat.does(() => page.current.send("next"));
    expect([page.current.openCommands.length, asked.mock.calls.filter(([, args]) => "open" in (args as object))]).toEqual([1, []]);
    expect(asked).toHaveBeenCalled();
  });

  it("that keeps the queue leaves what waits", async () => {
    await run();
    const page = await open();
    await chat.does(() => page.current.send("next"));
    await chat.does(() => page.current.stop({ keepQueue: true }));
    expect(commands(page)).toEqual([
      ["interrupt", "queued", ""],
      ["turn", "queued", "next"],
    ]);
  });

  const interrupted = (page: Page) =>
    page.current.commands.results.filter(({ kind }) => kind === "interrupt").map(({ payloadJson }) => (JSON.parse(payloadJson) as { turnId: string }).turnId);
  const register = () => chat.ann.mutation(api.chat.registerTurnStart, { threadId: THREAD, turnId: "registered", inputText: "later", idempotencyKey: "k" });

  it("ends a turn that was registered, and that no command carries", async () => {
    await register();
    const page = await open();
    expect(page.current).toMatchObject({ status: "submitted", openCommands: [] });
    await chat.does(() => page.current.stop());
    expect(interrupted(page)).toEqual(["registered"]);
  });

  it("ends a turn whose command the machine is done with, before codex has begun it", async () => {
    const page = await open();
    const { commandId } = await chat.does(() => page.current.send("one"));
    const [leased] = await chat.lease();
    await chat.report(leased!, "delivered");
    await chat.report(leased!, "accepted", { turnId: TURN });
    await chat.settle();
    expect(page.current).toMatchObject({ openCommands: [], turns: [{ turnId: TURN, clientTurnId: commandId, status: "queued" }] });
    await chat.does(() => page.current.stop());
    expect(interrupted(page)).toEqual([TURN]);
  });

  it("that keeps the queue leaves a turn that was registered behind the one that runs", async () => {
    await run();
    await register();
    const page = await open();
    await chat.does(() => page.current.stop({ keepQueue: true }));
    expect(interrupted(page)).toEqual([TURN]);
  });

  it("in the moment in which the page is there begins nothing that waits, either", async () => {
    await run();
    const first = await open();
    await chat.does(() => first.current.send("next"));
    await sendMuch();
    const Strict = inStrictMode(chat.loopback.connect());
    const wrapper = ({ children }: { children: ReactNode }) => (
      <Strict>
        <CodexProvider api={api.chat}>{children}</CodexProvider>
      </Strict>
    );
    const { result: page } = renderHook(() => useCodex({ threadId: THREAD }), { wrapper });
    expect(page.current).toMatchObject({ openCommands: [], turns: undefined });
    await chat.does(() => page.current.stop());
    expect(first.current.openCommands.map(({ kind }) => kind)).not.toContain("turn");
    expect(interrupted(first)).toContain(TURN);
  });

  it("of nothing, and of a turn that the machine has taken and not begun, is a stop too", async () => {
    const page = await open();
    await chat.does(() => page.current.stop());
    expect(commands(page)).toEqual([]);
    const { commandId } = await chat.does(() => page.current.send("one"));
    await chat.lease();
    await chat.settle();
    await chat.does(() => page.current.stop());
    expect(page.current.commands.results[0]).toMatchObject({ kind: "interrupt", isOpen: true });
    expect(JSON.parse(page.current.commands.results[0]!.payloadJson)).toEqual({ turnId: commandId });
  });
});

it("steers what runs, and begins a turn where nothing does", async () => {
  const page = await open();
  await chat.does(() => page.current.steer("one"));
  expect(commands(page)).toEqual([["turn", "queued", "one"]]);
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  await chat.settle();
  await chat.does(() => page.current.steer("rather so"));
  expect(commands(page)[0]).toEqual(["steer", "queued", "rather so"]);
});

it("begins a turn where the one that it was to steer ended before the page knew", async () => {
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  const page = await open();
  chat.loopback.held = [];
  const steered = page.current.steer("rather so");
  await chat.settle();
  await chat.say("turn/completed", { turn: { id: TURN, status: "completed", items: [] } });
  const { held } = chat.loopback;
  chat.loopback.held = undefined;
  held.forEach((release) => release());
  await chat.does(() => steered);
  expect([commands(page), page.current.error]).toEqual([[["turn", "queued", "rather so"]], undefined]);
});

it("knows what it returns from when it returns it: a child's effect, which comes before its parent's, steers the turn that it is shown", async () => {
  const Strict = inStrictMode(chat.loopback.connect());
  const sent = new Set<string>();
  function Child({ runningTurnId, steer }: Pick<ReturnType<typeof useCodex>, "runningTurnId" | "steer">) {
    useEffect(() => {
      if (runningTurnId === undefined || sent.has(runningTurnId)) return;
      sent.add(runningTurnId);
      void steer("rather so");
    }, [runningTurnId, steer]);
    return null;
  }
  function Parent() {
    const { runningTurnId, steer } = useCodex({ threadId: THREAD });
    return <Child runningTurnId={runningTurnId} steer={steer} />;
  }
  render(<Parent />, { wrapper: ({ children }) => <Strict><CodexProvider api={api.chat}>{children}</CodexProvider></Strict> });
  await chat.settle();
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  await chat.settle();
  const { page } = await chat.ann.query(api.chat.listCommands, { threadId: THREAD, paginationOpts: { cursor: null, numItems: 10 } });
  expect(page).toMatchObject([{ kind: "steer", payloadJson: expect.stringContaining(TURN) as string }]);
});

it("waits a day for a machine that is away and for the turn that runs, and ten minutes where it is there", async () => {
  const page = await open();
  const waits = async (text: string, waitForMachine?: boolean) => {
    await chat.does(() => page.current.send(text, { waitForMachine }));
    return (JSON.parse(page.current.commands.results[0]!.payloadJson) as { waitForMachine?: boolean }).waitForMachine;
  };
  expect([await waits("to nobody"), await waits("to nobody now", false)]).toEqual([true, false]);
  await chat.does(() => page.current.stop());
  await chat.beat({ threads: [{ threadId: THREAD, pendingRequests: 0, outboxEvents: 0 }] });
  await chat.settle();
  expect(page.current.reach).toBe("reachable");
  expect([await waits("now"), await waits("behind what waits")]).toEqual([undefined, true]);
  await chat.does(() => page.current.stop());
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  await chat.settle();
  expect(await waits("behind what runs")).toBe(true);
});

/** A page on the thread, which may look at another one. */
async function openAmongTwo() {
  const Strict = inStrictMode(chat.loopback.connect());
  const wrapper = ({ children }: { children: ReactNode }) => (
    <Strict>
      <CodexProvider api={api.chat}>{children}</CodexProvider>
    </Strict>
  );
  await chat.ann.mutation(api.chat.createThread, { threadId: "th_2" });
  const { result: page, rerender } = renderHook(({ threadId }) => useCodex({ threadId }), { initialProps: { threadId: THREAD }, wrapper });
  await chat.settle();
  const lookAt = async (threadId: string) => {
    rerender({ threadId });
    await chat.settle();
    return page.current.status;
  };
  return { page, lookAt };
}

it("tells of its own thread alone when another one is looked at meanwhile", async () => {
  const { page, lookAt } = await openAmongTwo();
  chat.loopback.held = [];
  const sent = page.current.send("one");
  await chat.settle();
  expect(page.current.status).toBe("submitted");
  await lookAt("th_2");
  expect(page.current).toMatchObject({ status: "ready", error: undefined });
  await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
  chat.loopback.release();
  await act(() => expect(sent).rejects.toThrow());
  await chat.settle();
  expect(page.current).toMatchObject({ threadId: "th_2", status: "ready", error: undefined });
});

it("tells what was refused, and goes on", async () => {
  const page = await open();
  await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
  await act(() => expect(page.current.send("x")).rejects.toThrow());
  expect(page.current).toMatchObject({ status: "error", error: { data: { code: "E_THREAD_ARCHIVED" } } });
});

it("tells a refusal that is of no message in `error` alone", async () => {
  const page = await open();
  const { commandId } = await chat.does(() => page.current.send("one"));
  const [leased] = await chat.lease();
  await act(() => expect(page.current.codex.cancel!(commandId)).rejects.toThrow());
  await chat.report(leased!, "delivered");
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  await chat.report(leased!, "accepted", { turnId: TURN });
  await chat.say("turn/completed", { turn: { id: TURN, status: "completed", items: [] } });
  await chat.settle();
  expect(page.current).toMatchObject({ status: "ready", error: { data: { code: "E_COMMAND_TOO_LATE" } }, codex: { sendError: undefined } });
});

it("steers and stops its own thread, also from a call that was kept when another thread is looked at", async () => {
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  const { page, lookAt } = await openAmongTwo();
  const { steer, stop } = page.current;
  await lookAt("th_2");
  await chat.does(() => steer("rather so"));
  await chat.does(() => stop());
  const sentTo = async (threadId: string) => {
    const { page: rows } = await chat.ann.query(api.chat.listCommands, { threadId, paginationOpts: { cursor: null, numItems: 10 } });
    return rows.map(({ kind, payloadJson }) => [kind, payloadJson.includes(TURN)]);
  };
  expect([await sentTo(THREAD), await sentTo("th_2")]).toEqual([[["interrupt", true], ["steer", true]], []]);
});

it("is at no error again that a newer turn came after, when another thread was looked at meanwhile", async () => {
  const { page, lookAt } = await openAmongTwo();
  const fail = () => act(() => expect(page.current.codex.steer("so", { expectedTurnId: "gone" })).rejects.toThrow());
  await fail();
  expect([await lookAt("th_2"), await lookAt(THREAD)]).toEqual(["ready", "error"]);
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  await chat.say("turn/completed", { turn: { id: TURN, status: "completed", items: [] } });
  await chat.settle();
  expect([page.current.status, await lookAt("th_2"), await lookAt(THREAD)]).toEqual(["ready", "ready", "ready"]);
  await fail();
  expect(page.current.status).toBe("error");
});

it("is at an error for as long as no turn is newer than what could not be sent", async () => {
  const page = await open();
  await act(() => expect(page.current.codex.steer("so", { expectedTurnId: "gone" })).rejects.toThrow());
  expect(page.current.status).toBe("error");
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  await chat.settle();
  expect(page.current.status).toBe("submitted");
  await chat.say("turn/completed", { turn: { id: TURN, status: "completed", items: [] } });
  await chat.settle();
  expect(page.current).toMatchObject({ status: "ready", error: page.current.codex.sendError });
  await act(() => expect(page.current.codex.sendAgain({ commandId: "s", kind: "steer", payloadJson: "{}" })).rejects.toThrow());
  expect(page.current.status).toBe("error");
});

it("works with the three functions that a chat cannot do without", async () => {
  const { listThreadMessagesForHooks, sendCommand, listCommands } = api.chat;
  const page = await open({ threadId: THREAD }, { listThreadMessagesForHooks, sendCommand, listCommands });
  await chat.does(() => page.current.send("one"));
  expect(page.current).toMatchObject({ status: "submitted", reach: undefined, error: undefined, approvals: { results: [] }, requests: { results: [] } });
  expect(page.current.codex.cancel).toBeUndefined();
});

describe("an app that does not export all", () => {
  /** What a deployment answers with, as its client tells it: a development deployment says why, a production one does not. */
  class Failure extends Error {
    override toString() {
      return this.message;
    }
  }
  const notFound = (name: string) =>
    new Failure(`[Request ID: 1f] Server Error\nCould not find public function for '${name}'. Did you forget to run \`npx convex dev\` or \`npx convex deploy\`?`);
  const hidden = () => new Failure("[Request ID: 1f] Server Error");
  type Call = (reference: unknown, args: unknown) => Promise<unknown>;

  async function openWith(exported: readonly string[], functions: CodexApi, failure: (name: string) => Failure) {
    const asked = new Set<string>();
    const called = (call: unknown) => async (name: string, args: object) => {
      asked.add(name);
      if (!exported.includes(name.replace("chat:", ""))) throw failure(name);
      return await (call as Call)(makeFunctionReference(name), args);
    };
    const loopback = new Loopback({ query: called(chat.ann.query), mutation: called(chat.ann.mutation) });
    const Strict = inStrictMode(loopback.connect());
    const wrapper = ({ children }: { children: ReactNode }) => (
      <Strict>
        <CodexProvider api={functions}>{children}</CodexProvider>
      </Strict>
    );
    const { result: page } = renderHook(() => useCodex({ threadId: THREAD }), { wrapper });
    for (let i = 0; i < 3; i += 1) {
      await chat.settle();
      await act(() => loopback.refresh());
    }
    return { page, asked, close: () => loopback.close() };
  }
  const NEEDED = ["listThreadMessagesForHooks", "sendCommand", "listCommands"];
  const nothingElse = { turns: undefined, presence: undefined, reach: undefined, approvals: { results: [] }, requests: { results: [] } };

  const notFoundAtAll = (name: string) => new Failure(`[Request ID: 1f] Server Error\nCould not find function for '${name}'. Did you forget to run \`npx convex dev\`?`);

  it.each([notFound, notFoundAtAll, hidden])("has no more than it exports, with the `api` that is generated of it (%#)", async (failure) => {
    const { page, close } = await openWith(NEEDED, anyApi["chat"] as unknown as CodexApi, failure);
    expect(page.current).toMatchObject({ status: "ready", error: undefined, ...nothingElse });
    expect([page.current.approvals.error, page.current.requests.error]).toEqual([undefined, undefined]);
    await close();
  });

  it("tells its turns by `threadSnapshot` where it has no `listTurns`, and asks that alone where it has", async () => {
    await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
    const without = await openWith([...NEEDED, "threadSnapshot"], anyApi["chat"] as unknown as CodexApi, notFound);
    expect(without.page.current).toMatchObject({ status: "submitted", error: undefined, turns: [{ turnId: TURN }] });
    await without.close();
    const all = await openWith([...NEEDED, "threadSnapshot", "listTurns"], anyApi["chat"] as unknown as CodexApi, notFound);
    expect(all.page.current).toMatchObject({ turns: [{ turnId: TURN }] });
    expect([all.asked.has("chat:listTurns"), all.asked.has("chat:threadSnapshot")]).toEqual([true, false]);
    await all.close();
  });

  it("is at an error in production, which does not say why, only of what it named itself", async () => {
    const { listThreadMessagesForHooks, sendCommand, listCommands, getPresence } = api.chat;
    const named = await openWith(NEEDED, { listThreadMessagesForHooks, sendCommand, listCommands, getPresence }, hidden);
    expect(named.page.current.error?.message).toContain("[CONVEX Q(chat:getPresence)]");
    await named.close();
  });

  it.each([
    ["a function that it cannot do without", ["sendCommand", "listCommands"], notFound, "chat:listThreadMessagesForHooks"],
    ["a failure of one that is there", NEEDED, () => new Failure("[Request ID: 1f] Server Error\nUncaught TypeError: x"), "Uncaught TypeError: x"],
  ])("tells of %s", async (_what, exported, failure, words) => {
    const { page, close } = await openWith(exported, anyApi["chat"] as unknown as CodexApi, failure);
    expect(page.current.error?.message).toContain(words);
    await close();
  });
});

it("renders what is below its provider once, however often that is rendered, with functions and arguments written in place", async () => {
  const client = chat.loopback.connect();
  let renders = 0;
  const Chat = memo(function Chat() {
    useCodex("skip");
    renders += 1;
    return null;
  });
  const app = (functions: CodexApi, args: object) => (
    <ConvexProvider client={client}>
      <CodexProvider api={functions} args={args}>
        <Chat />
      </CodexProvider>
    </ConvexProvider>
  );
  const { rerender } = render(app(api.chat, { tenant: "a" }));
  const first = renders;
  rerender(app(api.chat, { tenant: "a" }));
  expect(renders).toBe(first);
  rerender(app(api.chat, { tenant: "b" }));
  expect(renders).toBe(first + 1);
  const { listThreadMessagesForHooks, sendCommand, listCommands } = api.chat;
  rerender(app({ listThreadMessagesForHooks, sendCommand, listCommands }, { tenant: "b" }));
  expect(renders).toBe(first + 2);
});

it("asks nothing with skip, keeps its functions, and says what is missing above it", async () => {
  const page = await open("skip");
  const before = page.current;
  await chat.settle();
  expect(page.current).toBe(before);
  expect(page.current).toMatchObject({ status: "ready", messages: { results: [] } });
  const client = chat.loopback.connect();
  const wrapper = ({ children }: { children: ReactNode }) => <ConvexProvider client={client}>{children}</ConvexProvider>;
  expect(() => renderHook(() => useCodex({ threadId: THREAD }), { wrapper })).toThrow("CodexProvider");
});

it("is rendered on a server", () => {
  const Status = () => <p>{useCodex({ threadId: THREAD }).status}</p>;
  const html = renderToString(
    <ConvexProvider client={chat.loopback.connect()}>
      <CodexProvider api={api.chat}>
        <Status />
      </CodexProvider>
    </ConvexProvider>,
  );
  expect(html).toBe("<p>ready</p>");
});
