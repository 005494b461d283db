import { AssistantRuntimeProvider, ComposerPrimitive, ErrorPrimitive, MessagePrimitive, ThreadPrimitive, useExternalStoreRuntime, type ToolCallMessagePartProps } from "@assistant-ui/react";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { ConvexProvider } from "convex/react";
import { useEffect, type ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useCodexAssistantRuntime, useCodexExternalStore, type CodexAssistantRuntimeOptions, type CodexExternalStore } from "../../js-wrapper/assistant-ui/index.js";
import { CodexProvider, useCodex } from "../../js-wrapper/react/index.js";
import { api, startChat, THREAD, TURN, type ChatApp } from "./chat-app.js";
import { inStrictMode } from "./in-strict-mode.js";

/** All of assistant-ui is drawn, on a machine that may be busy. */
const TIMEOUT_MS = 60_000;
vi.setConfig({ testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS });

vi.mock("@assistant-ui/react", async (original) => {
  const library = await original<{ useExternalStoreRuntime: typeof useExternalStoreRuntime }>();
  return { ...library, useExternalStoreRuntime: vi.fn(library.useExternalStoreRuntime) };
});

let chat: ChatApp;

beforeEach(async () => {
  chat = await startChat();
});
afterEach(async () => {
  cleanup();
  await chat.loopback.close();
});

const Words = ({ text }: { text: string }) => <p>{text}</p>;
const Thought = ({ text }: { text: string }) => <em>{text}</em>;

function Tool({ toolName, argsText, result, status, approval, respondToApproval }: ToolCallMessagePartProps) {
  const isOpen = approval !== undefined && approval.approved === undefined;
  return (
    <section aria-label={toolName} data-status={status.type}>
      <code>{argsText}</code>
      <output>{JSON.stringify(result)}</output>
      {isOpen && <button onClick={() => void respondToApproval({ approved: true })}>Allow</button>}
      {isOpen && approval.options?.map(({ id, label }) => <button key={id} onClick={() => void respondToApproval({ optionId: id })}>{label}</button>)}
      {approval?.questions?.map(({ id, prompt }) => <button key={id} onClick={() => void respondToApproval({ answers: { [id]: { optionIds: ["A"] } } })}>{prompt}</button>)}
    </section>
  );
}

const UserMessage = () => (
  <MessagePrimitive.Root data-testid="user">
    <MessagePrimitive.Parts components={{ Text: Words }} />
  </MessagePrimitive.Root>
);
const AssistantMessage = () => (
  <MessagePrimitive.Root data-testid="assistant">
    <MessagePrimitive.Parts components={{ Text: Words, Reasoning: Thought, tools: { Fallback: Tool } }} />
    <MessagePrimitive.Error>
      <ErrorPrimitive.Root>
        <ErrorPrimitive.Message />
      </ErrorPrimitive.Root>
    </MessagePrimitive.Error>
  </MessagePrimitive.Root>
);

function Chat({ args = { threadId: THREAD }, options }: { args?: { threadId: string } | "skip"; options?: CodexAssistantRuntimeOptions }) {
  const runtime = useCodexAssistantRuntime(args, options);
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <ThreadPrimitive.Root>
        <ThreadPrimitive.Messages>{({ message }) => (message.role === "user" ? <UserMessage /> : <AssistantMessage />)}</ThreadPrimitive.Messages>
        <ComposerPrimitive.Root>
          <ComposerPrimitive.Input aria-label="words" />
          <ComposerPrimitive.Send>Send</ComposerPrimitive.Send>
          <ComposerPrimitive.Cancel>Stop</ComposerPrimitive.Cancel>
        </ComposerPrimitive.Root>
      </ThreadPrimitive.Root>
    </AssistantRuntimeProvider>
  );
}

async function open(chatElement: ReactNode = <Chat />) {
  const Strict = inStrictMode(chat.loopback.connect());
  const wrapper = ({ children }: { children: ReactNode }) => (
    <Strict>
      <CodexProvider api={api.chat}>{children}</CodexProvider>
    </Strict>
  );
  const page = render(chatElement, { wrapper });
  await chat.settle();
  return page;
}

const shown = (who: string) => screen.queryAllByTestId(who).map(({ textContent }) => textContent);
const press = async (name: string) => {
  fireEvent.click(screen.getByText(name));
  await chat.settle();
};
const type = async (text: string) => {
  fireEvent.change(screen.getByLabelText("words"), { target: { value: text } });
  await chat.settle();
};
const words = () => screen.getByLabelText<HTMLTextAreaElement>("words").value;
const begin = async () => {
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
};
const commands = async () => (await chat.ann.query(api.chat.listCommands, { threadId: THREAD, paginationOpts: { cursor: null, numItems: 10 } })).page;

it("shows a turn from the wish to the answer", async () => {
  await open();
  await type("Say hello");
  await press("Send");
  expect(shown("user")).toEqual(["Say hello"]);
  expect(words()).toBe("");
  await chat.beat({ threads: [{ threadId: THREAD, pendingRequests: 0, outboxEvents: 0 }] });
  const [leased] = await chat.lease();
  await chat.report(leased!, "delivered");
  await begin();
  const clientId = leased!.commandId;
  await chat.say("item/completed", { item: { id: "u", type: "userMessage", clientId, content: [{ type: "text", text: "Say hello" }] } });
  await chat.settle();
  expect(shown("user")).toEqual(["Say hello"]);
  await chat.report(leased!, "accepted", { turnId: TURN });
  await chat.say("item/completed", { item: { id: "r", type: "reasoning", summary: ["It greets."], content: [] } });
  const command = { id: "c", type: "commandExecution", command: "ls", cwd: "/src", status: "inProgress" };
  await chat.say("item/started", { item: command });
  await chat.settle();
  expect(shown("user")).toEqual(["Say hello"]);
  const tool = () => screen.getByLabelText("commandExecution");
  expect(tool().dataset["status"]).toBe("running");
  expect(tool().textContent).toBe('{"command":"ls","cwd":"/src"}');
  await chat.say("item/completed", { item: { ...command, status: "completed", aggregatedOutput: "a.ts", exitCode: 0 } });
  await chat.say("item/started", { item: { id: "a", type: "agentMessage", text: "" } });
  for (const delta of ["Hel", "lo"]) {
    await chat.say("item/agentMessage/delta", { itemId: "a", delta });
    await chat.settle();
  }
  expect(tool().dataset["status"]).toBe("complete");
  expect(shown("assistant")).toHaveLength(1);
  expect(shown("assistant")[0]).toMatch(/^It greets\..*"exitCode":0.*Hello$/);
  await chat.say("turn/completed", { turn: { id: TURN, status: "completed", items: [] } });
  await chat.settle();
  expect(screen.getByText<HTMLButtonElement>("Stop").disabled).toBe(true);
});

it("stops what runs", async () => {
  await begin();
  await open();
  await press("Stop");
  expect(await commands()).toMatchObject([{ kind: "interrupt", payloadJson: JSON.stringify({ turnId: TURN }) }]);
});

it("gives back what could not be sent, and shows nothing of it", async () => {
  await open();
  await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
  await type("lost?");
  await press("Send");
  expect(words()).toBe("lost?");
  expect(shown("user")).toEqual([]);
});

it("decides an approval, with the hash of what was shown", async () => {
  await begin();
  await chat.say("item/started", { item: { id: "item_1", type: "commandExecution", command: "ls", cwd: "/src", status: "inProgress" } });
  await chat.ask("item/commandExecution/requestApproval", { command: "rm -r x", cwd: "/" });
  await open();
  const tool = screen.getByLabelText("commandExecution");
  expect(tool.dataset["status"]).toBe("requires-action");
  expect(tool.textContent).toContain("rm -r x");
  await press("Allow");
  expect(screen.queryByText("Allow")).toBeNull();
  expect((await commands()).map(({ kind, payloadJson }) => [kind, (JSON.parse(payloadJson) as { decision: unknown }).decision])).toEqual([["decide", "accept"]]);
});

it("decides in one of the words that are offered", async () => {
  await begin();
  await chat.ask("item/commandExecution/requestApproval", { command: "ls" });
  await open();
  await press("Decline, and stop the turn");
  expect((await commands()).map(({ payloadJson }) => (JSON.parse(payloadJson) as { decision: unknown }).decision)).toEqual(["cancel"]);
});

it("answers questions", async () => {
  await begin();
  await chat.ask("item/tool/requestUserInput", { questions: [{ id: "q", header: "H", question: "Which?", isOther: false, isSecret: false, options: [{ label: "A", description: "" }] }] });
  await open();
  await press("Which?");
  expect(await commands()).toMatchObject([{ kind: "answer" }]);
  expect(JSON.parse((await commands())[0]!.payloadJson)).toMatchObject({ answer: { answers: { q: { answers: ["A"] } } } });
  expect(screen.queryByText("Which?")).toBeNull();
});

it("asks again where the answer was refused, however much was sent after it", async () => {
  await begin();
  await chat.beat({ threads: [{ threadId: THREAD, turnId: TURN, pendingRequests: 1, outboxEvents: 0 }] });
  await chat.ask("item/tool/requestUserInput", { questions: [{ id: "q", header: "H", question: "Which?", isOther: false, isSecret: false, options: [{ label: "A", description: "" }] }] });
  await open();
  await press("Which?");
  const [leased] = await chat.lease();
  for (let i = 0; i < 31; i += 1) {
    const payloadJson = JSON.stringify({ expectedTurnId: TURN, input: [{ type: "text", text: String(i) }] });
    await chat.ann.mutation(api.chat.sendCommand, { threadId: THREAD, commandId: crypto.randomUUID(), kind: "steer", payloadJson });
  }
  await chat.settle();
  expect(screen.queryByText("Which?")).toBeNull();
  await chat.report(leased!, "refused", { code: "E_INTERNAL" });
  await chat.settle();
  expect(screen.queryByText("Which?")).not.toBeNull();
});

it("says why a turn failed, also one that failed before its first word", async () => {
  await begin();
  await chat.say("item/completed", { item: { id: "u", type: "userMessage", content: [{ type: "text", text: "Go" }] } });
  await chat.say("turn/completed", { turn: { id: TURN, status: "failed", error: { message: "no quota" }, items: [] } });
  await open();
  expect(shown("user")).toEqual(["Go"]);
  expect(shown("assistant")).toHaveLength(1);
});

it("adds what the app gives, and asks nothing with skip", async () => {
  const onCancel = vi.fn(() => Promise.resolve());
  await begin();
  await open(<Chat options={{ onCancel, initialNumItems: 5 }} />);
  await press("Stop");
  expect(onCancel).toHaveBeenCalledOnce();
  expect(await commands()).toEqual([]);
  cleanup();
  await open(<Chat args="skip" />);
  expect([shown("user"), shown("assistant")]).toEqual([[], []]);
});

it("is the same store while nothing in it changes, also with options written in place", async () => {
  vi.mocked(useExternalStoreRuntime).mockClear();
  const element = (onCancel: () => Promise<void>) => <Chat options={{ onCancel, initialNumItems: 5 }} />;
  const [none, other] = [() => Promise.resolve(), () => Promise.resolve()];
  const page = await open(element(none));
  const last = () => vi.mocked(useExternalStoreRuntime).mock.lastCall?.[0];
  const first = last();
  page.rerender(element(none));
  expect(last()).toBe(first);
  page.rerender(element(other));
  expect(last()?.onCancel).toBe(other);
});

it("is rendered on a server", () => {
  const html = renderToString(
    <ConvexProvider client={chat.loopback.connect()}>
      <CodexProvider api={api.chat}>
        <Chat />
      </CodexProvider>
    </ConvexProvider>,
  );
  expect(html).toContain("Send");
});

it("draws nothing anew but the message that grows", async () => {
  const drawn: string[] = [];
  const Counted = ({ text }: { text: string }) => {
    drawn.push(text);
    return <p>{text}</p>;
  };
  const stores: CodexExternalStore[] = [];
  const Answer = () => <MessagePrimitive.Parts components={{ Text: Counted }} />;
  function Counting() {
    const store = useCodexExternalStore(useCodex({ threadId: THREAD }));
    useEffect(() => {
      stores.push(store);
    }, [store]);
    return (
      <AssistantRuntimeProvider runtime={useExternalStoreRuntime(store)}>
        <ThreadPrimitive.Messages>{() => <Answer />}</ThreadPrimitive.Messages>
      </AssistantRuntimeProvider>
    );
  }
  await chat.say("item/completed", { item: { id: "first", type: "agentMessage", text: "Before." } }, "turn_0");
  await chat.say("turn/completed", { turn: { id: "turn_0", status: "completed", items: [] } }, "turn_0");
  await begin();
  await chat.say("item/started", { item: { id: "a", type: "agentMessage", text: "" } });
  await chat.say("item/agentMessage/delta", { itemId: "a", delta: "Hel" });
  await open(<Counting />);
  await act(() => Promise.resolve(drawn.splice(0)));
  const before = stores.at(-1)?.messages;
  await chat.say("item/agentMessage/delta", { itemId: "a", delta: "lo" });
  await chat.settle();
  expect(new Set(drawn)).toEqual(new Set(["Hello"]));
  const after = stores.at(-1)?.messages;
  expect([after?.[0] === before?.[0], after?.[1] === before?.[1]]).toEqual([true, false]);
});
