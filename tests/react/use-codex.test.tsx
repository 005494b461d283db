import { act, cleanup, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { ConvexProvider, ConvexReactClient } from "convex/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CodexProvider, useCodex, type CodexApi } from "../../js-wrapper/react/index.js";
import { api, startChat, THREAD, TURN, type ChatApp } from "./chat-app.js";
import { inStrictMode } from "./in-strict-mode.js";

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
    for (let i = 0; i < 30; i += 1) {
      const payloadJson = JSON.stringify({ expectedTurnId: TURN, input: [{ type: "text", text: "so" }] });
      await chat.ann.mutation(api.chat.sendCommand, { threadId: THREAD, commandId: `s${String(i)}`, kind: "steer", payloadJson });
    }
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

it("tells of its own thread alone when another one is looked at meanwhile", async () => {
  const client = chat.loopback.connect();
  const Strict = inStrictMode(client);
  const wrapper = ({ children }: { children: ReactNode }) => (
    <Strict>
      <CodexProvider api={api.chat}>{children}</CodexProvider>
    </Strict>
  );
  await chat.ann.mutation(api.chat.createThread, { threadId: "th_2" });
  const { result: page, rerender } = renderHook(({ threadId }) => useCodex({ threadId }), { initialProps: { threadId: THREAD }, wrapper });
  await chat.settle();
  chat.loopback.held = [];
  const sent = page.current.send("one");
  await chat.settle();
  expect(page.current.status).toBe("submitted");
  rerender({ threadId: "th_2" });
  await chat.settle();
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

it("works with the three functions that a chat cannot do without", async () => {
  const { listThreadMessagesForHooks, sendCommand, listCommands } = api.chat;
  const page = await open({ threadId: THREAD }, { listThreadMessagesForHooks, sendCommand, listCommands });
  await chat.does(() => page.current.send("one"));
  expect(page.current).toMatchObject({ status: "submitted", reach: undefined, error: undefined, approvals: { results: [] }, requests: { results: [] } });
  expect(page.current.codex.cancel).toBeUndefined();
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
