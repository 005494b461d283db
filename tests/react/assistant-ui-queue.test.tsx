import { AssistantRuntimeProvider, ComposerPrimitive, MessagePrimitive, QueueItemPrimitive, ThreadPrimitive, useAui, useExternalStoreRuntime, type AppendMessage, type AttachmentAdapter } from "@assistant-ui/react";
import { act, cleanup, fireEvent, render, renderHook, screen, within } from "@testing-library/react";
import { useEffect, useState, type ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { codexQueueItemStatus, useCodexAssistantRuntime, useCodexExternalStore, type CodexAssistantRuntimeOptions, type CodexExternalStore } from "../../js-wrapper/assistant-ui/index.js";
import { useCodexQueue } from "../../js-wrapper/assistant-ui/use-codex-queue.js";
import { CodexProvider, useCodex, type CodexApi, type UseCodexResult } from "../../js-wrapper/react/index.js";
import { api, startChat, THREAD, TURN, type ChatApp } from "./chat-app.js";
import { inStrictMode } from "./in-strict-mode.js";

/** All of assistant-ui is drawn, on a machine that may be busy. */
const TIMEOUT_MS = 60_000;
vi.setConfig({ testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS });

let chat: ChatApp;

beforeEach(async () => {
  chat = await startChat();
});
afterEach(async () => {
  cleanup();
  await chat.loopback.close();
});

const Message = () => (
  <MessagePrimitive.Root data-testid="message">
    <MessagePrimitive.Parts components={{ Text: ({ text }) => <p>{text}</p> }} />
  </MessagePrimitive.Root>
);

/** What waits is sent by `Queue`; `Send` is assistant-ui's own. */
function Composer() {
  const aui = useAui();
  return (
    <ComposerPrimitive.Root>
      <ComposerPrimitive.Queue>
        {({ queueItem }) => (
          <div data-testid="waiting" data-status={codexQueueItemStatus(queueItem)}>
            <QueueItemPrimitive.Text />
            <QueueItemPrimitive.Steer aria-label="steer" />
            <QueueItemPrimitive.Remove aria-label="remove" />
          </div>
        )}
      </ComposerPrimitive.Queue>
      <ComposerPrimitive.Input aria-label="words" />
      <ComposerPrimitive.Send>Send</ComposerPrimitive.Send>
      <button type="button" onClick={() => aui.composer.send({ steer: false })}>Queue</button>
      <button type="button" onClick={() => void aui.composer.addAttachment(new File(["x"], "a.png", { type: "image/png" }))}>Attach</button>
      <ComposerPrimitive.Cancel>Stop</ComposerPrimitive.Cancel>
    </ComposerPrimitive.Root>
  );
}

const Thread = ({ runtime }: { runtime: ReturnType<typeof useCodexAssistantRuntime> }) => (
  <AssistantRuntimeProvider runtime={runtime}>
    <ThreadPrimitive.Root>
      <ThreadPrimitive.Messages>{() => <Message />}</ThreadPrimitive.Messages>
      <Composer />
    </ThreadPrimitive.Root>
  </AssistantRuntimeProvider>
);

const Chat = ({ options }: { options?: CodexAssistantRuntimeOptions }) => <Thread runtime={useCodexAssistantRuntime({ threadId: THREAD }, options)} />;

/** What an app does that has the store, and `useCodex`, itself. */
function WithStore({ stores }: { stores: { store: CodexExternalStore; error: Error | undefined }[] }) {
  const codex = useCodex({ threadId: THREAD });
  const store = useCodexExternalStore(codex);
  useEffect(() => {
    stores.push({ store, error: codex.error });
  }, [stores, store, codex.error]);
  return <Thread runtime={useExternalStoreRuntime(store)} />;
}

/** A tab of its own. */
async function open(element: ReactNode = <Chat />, functions: CodexApi = api.chat) {
  const Strict = inStrictMode(chat.loopback.connect());
  const { container } = render(
    <Strict>
      <CodexProvider api={functions}>{element}</CodexProvider>
    </Strict>,
  );
  await chat.settle();
  const page = within(container);
  const press = async (name: string) => {
    fireEvent.click(page.getByText(name));
    await chat.settle();
  };
  const itemOf = (text: string) => within(page.getByText(text).closest<HTMLElement>("[data-testid=waiting]")!);
  return {
    press,
    waiting: () => page.queryAllByTestId("waiting").map(({ textContent }) => textContent),
    statuses: () => page.queryAllByTestId("waiting").map(({ dataset }) => dataset["status"]),
    /** Without assistant-ui's own sign for a turn that runs. */
    messages: () => page.queryAllByTestId("message").flatMap(({ textContent }) => textContent || []),
    words: () => page.getByLabelText<HTMLTextAreaElement>("words").value,
    type: async (text: string) => {
      fireEvent.change(page.getByLabelText("words"), { target: { value: text } });
      await chat.settle();
    },
    /** Types a message, and presses a button of the composer's. */
    say: async (text: string, button: "Send" | "Queue" = "Queue") => {
      fireEvent.change(page.getByLabelText("words"), { target: { value: text } });
      await chat.settle();
      await press(button);
    },
    /** Presses a button of an item's. */
    act: async (text: string, button: "steer" | "remove") => {
      fireEvent.click(itemOf(text).getByLabelText(button));
      await chat.settle();
    },
  };
}

async function openWithStore(functions?: CodexApi) {
  const stores: { store: CodexExternalStore; error: Error | undefined }[] = [];
  const page = await open(<WithStore stores={stores} />, functions);
  const queue = () => stores.at(-1)!.store.queue!;
  return {
    ...page,
    stores,
    queue,
    idOf: (text: string) => [...queue().items, ...queue().steerItems].find(({ parts }) => parts.some((part) => part.type === "text" && part.text === text))!.id,
    error: () => stores.at(-1)!.error,
    does: (call: () => void) =>
      chat.does(() => {
        call();
        return Promise.resolve();
      }),
  };
}

const begin = (turnId = TURN) => chat.say("turn/started", { turn: { id: turnId, status: "inProgress", items: [] } }, turnId);
const end = (turnId = TURN) => chat.say("turn/completed", { turn: { id: turnId, status: "completed", items: [] } }, turnId);
const release = () =>
  chat.does(() => {
    chat.loopback.release();
    return Promise.resolve();
  });
const beat = () => chat.beat({ threads: [{ threadId: THREAD, pendingRequests: 0, outboxEvents: 0 }] });
const sent = async () => {
  const { page } = await chat.ann.query(api.chat.listCommands, { threadId: THREAD, paginationOpts: { cursor: null, numItems: 20 } });
  return page.map(({ kind, state, payloadJson }) => [kind, state, (JSON.parse(payloadJson) as { input?: { text: string }[] }).input?.[0]?.text]).reverse();
};
/** From elsewhere. */
const sendSteers = async (count: number) => {
  for (let i = 0; i < count; i += 1) {
    const payloadJson = JSON.stringify({ expectedTurnId: TURN, input: [{ type: "text", text: String(i) }] });
    await chat.ann.mutation(api.chat.sendCommand, { threadId: THREAD, commandId: crypto.randomUUID(), kind: "steer", payloadJson });
  }
};
const message = (text: string) => ({ role: "user", content: [{ type: "text", text }], attachments: [] }) as unknown as AppendMessage;

describe("a message that is sent while a turn runs", () => {
  beforeEach(async () => {
    await begin();
    await beat();
  });

  it("waits in the queue until the machine has it, and then is in the transcript: once", async () => {
    const page = await open();
    await page.say("then this");
    await page.say("and that");
    expect([page.waiting(), page.messages(), page.words()]).toEqual([["then this", "and that"], [], ""]);
    expect(await sent()).toEqual([["turn", "queued", "then this"], ["turn", "queued", "and that"]]);
    await end();
    await chat.settle();
    expect([page.waiting(), page.messages()]).toEqual([["and that"], ["then this"]]);
    const [leased] = await chat.lease();
    await chat.report(leased!, "delivered");
    await chat.settle();
    expect([page.waiting(), page.messages()]).toEqual([["and that"], ["then this"]]);
    await begin("turn_2");
    await chat.say("item/completed", { item: { id: "u", type: "userMessage", clientId: leased!.commandId, content: [{ type: "text", text: "then this" }] } }, "turn_2");
    await chat.report(leased!, "accepted", { turnId: "turn_2" });
    await chat.settle();
    expect([page.waiting(), page.messages()]).toEqual([["and that"], ["then this"]]);
  });

  it("steers the turn by assistant-ui's own button, and is in the transcript until codex comes to it: once", async () => {
    const page = await open();
    await chat.say("item/completed", { item: { id: "first", type: "userMessage", content: [{ type: "text", text: "so" }] } });
    await page.say("rather so", "Send");
    expect(await sent()).toEqual([["steer", "queued", "rather so"]]);
    expect([page.waiting(), page.messages()]).toEqual([["rather so"], ["so"]]);
    const [leased] = await chat.lease();
    const seen = async () => {
      await chat.settle();
      return [page.waiting(), page.messages()];
    };
    expect(await seen()).toEqual([[], ["so", "rather so"]]);
    await chat.report(leased!, "delivered");
    await chat.report(leased!, "accepted", { turnId: TURN });
    expect(await seen()).toEqual([[], ["so", "rather so"]]);
    await chat.say("item/completed", { item: { id: "u", type: "userMessage", clientId: leased!.commandId, content: [{ type: "text", text: "rather so" }] } });
    expect(await seen()).toEqual([[], ["so", "rather so"]]);
  });

  it("is taken back", async () => {
    const page = await open();
    await page.say("then this");
    await page.say("rather so", "Send");
    await page.act("then this", "remove");
    await page.act("rather so", "remove");
    expect(page.waiting()).toEqual([]);
    expect(await sent()).toEqual([["turn", "cancelled", "then this"], ["steer", "cancelled", "rather so"]]);
  });

  it("is there, and is taken back, however much was sent after it", async () => {
    const page = await open();
    await page.say("then this");
    await sendSteers(31);
    await chat.settle();
    expect(page.waiting()).toHaveLength(32);
    expect(page.waiting().at(-1)).toBe("then this");
    await page.act("then this", "remove");
    expect(page.waiting()).not.toContain("then this");
    await page.say("and that");
    await sendSteers(31);
    await chat.settle();
    await page.press("Stop");
    const { page: turns } = await chat.ann.query(api.chat.listCommands, { threadId: THREAD, paginationOpts: { cursor: null, numItems: 100 } });
    expect(turns.flatMap(({ kind, state }) => (kind === "turn" ? state : []))).toEqual(["cancelled", "cancelled"]);
    expect(page.waiting()).toContain("and that");
  });

  it("waits as long as a turn may take, also one that was to steer a turn which has ended", async () => {
    const waits = async () => {
      const { page: commands } = await chat.ann.query(api.chat.listCommands, { threadId: THREAD, paginationOpts: { cursor: null, numItems: 20 } });
      return commands.flatMap(({ kind, payloadJson }) => (kind === "turn" ? [(JSON.parse(payloadJson) as { waitForMachine?: boolean }).waitForMachine] : []));
    };
    const page = await open();
    await page.say("then this");
    expect(await waits()).toEqual([true]);
    chat.loopback.held = [];
    await page.say("rather so", "Send");
    await end();
    await begin("turn_2");
    await release();
    expect(await waits()).toEqual([true, true]);
  });

  it("is looked for no more once codex has it, however much is sent after it", async () => {
    await beat();
    const loaded: number[] = [];
    function Counting() {
      const codex = useCodex({ threadId: THREAD });
      useEffect(() => {
        loaded.push(codex.commands.results.length);
      }, [codex.commands.results]);
      return <Thread runtime={useExternalStoreRuntime(useCodexExternalStore(codex))} />;
    }
    const page = await open(<Counting />);
    await page.say("rather so", "Send");
    const [leased] = await chat.lease();
    await chat.report(leased!, "delivered");
    await chat.report(leased!, "accepted", { turnId: TURN });
    await chat.settle();
    await sendSteers(31);
    await chat.settle();
    expect(loaded.at(-1)).toBe(30);
  });

  it("is turned into a steer", async () => {
    const page = await open();
    await page.say("then this");
    await page.say("and that");
    await page.act("and that", "steer");
    expect(page.waiting()).toEqual(["and that", "then this"]);
    expect(await sent()).toEqual([["turn", "queued", "then this"], ["steer", "queued", "and that"]]);
  });

  it("is the same in both tabs, whichever of them does something with it", async () => {
    const [one, other] = [await open(), await open()];
    await one.say("then this");
    await other.say("and that");
    expect([one.waiting(), other.waiting()]).toEqual([["then this", "and that"], ["then this", "and that"]]);
    await other.act("then this", "remove");
    expect([one.waiting(), other.waiting()]).toEqual([["and that"], ["and that"]]);
    await one.act("and that", "steer");
    expect(await sent()).toEqual([["turn", "cancelled", "then this"], ["steer", "queued", "and that"]]);
    expect([one.waiting(), other.waiting()]).toEqual([["and that"], ["and that"]]);
  });

  it("is seen from the press on, and can be taken back before it arrives", async () => {
    const page = await open();
    chat.loopback.held = [];
    await page.say("slow");
    expect([page.waiting(), page.statuses(), page.messages(), await sent()]).toEqual([["slow"], ["sending"], [], []]);
    await page.act("slow", "remove");
    const { held } = chat.loopback;
    chat.loopback.held = undefined;
    held.forEach((release) => release());
    await chat.settle();
    expect([page.waiting(), await sent()]).toEqual([[], [["turn", "cancelled", "slow"]]]);
  });

  it("is gone when it was taken back on its way, and is refused", async () => {
    const page = await open();
    chat.loopback.held = [];
    await page.say("slow");
    await page.act("slow", "remove");
    await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
    const { held } = chat.loopback;
    chat.loopback.held = undefined;
    held.forEach((release) => release());
    await chat.settle();
    expect([page.waiting(), await sent()]).toEqual([[], []]);
  });

  it("begins a turn where the one that it was to steer has ended on the way", async () => {
    const page = await open();
    chat.loopback.held = [];
    await page.say("rather so", "Send");
    await end();
    const { held } = chat.loopback;
    chat.loopback.held = undefined;
    held.forEach((release) => release());
    await chat.settle();
    expect(await sent()).toEqual([["turn", "queued", "rather so"]]);
    expect([page.waiting(), page.messages()]).toEqual([[], ["rather so"]]);
  });

  it("is edited, and moved", async () => {
    const page = await openWithStore();
    for (const text of ["a", "b", "c"]) await page.say(text);
    await page.does(() => page.queue().edit(page.idOf("a"), message("a, rather")));
    expect(page.waiting()).toEqual(["a, rather", "b", "c"]);
    await page.does(() => page.queue().move(page.idOf("a, rather"), { insertAfter: page.idOf("b") }));
    expect(page.waiting()).toEqual(["b", "a, rather", "c"]);
    await page.does(() => page.queue().move(page.idOf("c"), { lane: "queue", insertAfter: null }));
    expect(page.waiting()).toEqual(["c", "b", "a, rather"]);
    await end();
    expect(await chat.lease()).toMatchObject([{ kind: "turn", payloadJson: expect.stringContaining('"c"') as string }]);
  });

  it("keeps what no item shows when it is edited, also once a stop has taken it back", async () => {
    const text = (words: string) => ({ type: "text", text: words, text_elements: [] });
    const [skill, far] = [{ type: "skill", name: "s", path: "/s" }, { type: "image", url: "https://a.test/a.png" }];
    const payloadJson = JSON.stringify({ input: [text("a"), skill, { type: "image", url: "data:image/png;base64,AA==" }, far], clientTurnId: "c" });
    await chat.ann.mutation(api.chat.sendCommand, { threadId: THREAD, commandId: "c", kind: "turn", payloadJson });
    const page = await openWithStore();
    const inputs = async () => {
      const { page: rows } = await chat.ann.query(api.chat.listCommands, { threadId: THREAD, paginationOpts: { cursor: null, numItems: 1 } });
      return rows.map((row) => (JSON.parse(row.payloadJson) as { input: unknown }).input);
    };
    await page.does(() => page.queue().edit("c", message("b")));
    expect(await inputs()).toEqual([[{ type: "text", text: "b", text_elements: [] }, skill, far]]);
    await page.press("Stop");
    await end();
    await chat.settle();
    expect(page.statuses()).toEqual(["held"]);
    await page.does(() => page.queue().edit("c", message("d")));
    await page.act("d", "steer");
    expect(await inputs()).toEqual([[{ type: "text", text: "d", text_elements: [] }, skill, far]]);
  });

  it("is moved among the steers, to the place that is named", async () => {
    const page = await openWithStore();
    for (const text of ["s", "t"]) await page.say(text, "Send");
    for (const text of ["a", "b", "c"]) await page.say(text);
    const moves = (text: string, placement: object) => page.does(() => page.queue().move(page.idOf(text), { lane: "steer", ...placement }));
    const { move } = page.queue();
    const [a, s, t] = ["a", "s", "t"].map(page.idOf) as [string, string, string];
    expect(() => move(a, { lane: "steer", insertAfter: "gone" })).toThrow("`gone` does not wait there");
    expect(() => move(a, { lane: "steer", insertAfter: t, insertBefore: s })).toThrow("no place");
    await moves("a", { insertBefore: null });
    expect(page.waiting()).toEqual(["s", "t", "a", "b", "c"]);
    await moves("b", { insertAfter: s });
    expect(page.waiting()).toEqual(["s", "b", "t", "a", "c"]);
    await moves("c", {});
    expect(page.waiting()).toEqual(["c", "s", "b", "t", "a"]);
  });

  it("is moved behind the turn that begins next where nothing runs", async () => {
    const page = await openWithStore();
    for (const text of ["a", "b", "c"]) await page.say(text);
    await end();
    await chat.settle();
    expect([page.messages(), page.waiting()]).toEqual([["a"], ["b", "c"]]);
    await page.does(() => page.queue().move(page.idOf("c"), { insertAfter: null }));
    expect([page.messages(), page.waiting()]).toEqual([["a"], ["c", "b"]]);
  });

  it("is not moved to where it cannot go, nor when it does not wait any more", async () => {
    const page = await openWithStore();
    await page.say("rather so", "Send");
    const { move, edit } = page.queue();
    const id = page.idOf("rather so");
    expect(() => move(id, { lane: "queue" })).toThrow("does not wait for its end");
    expect(() => move(id, { insertAfter: "gone" })).toThrow("`gone` does not wait there");
    await chat.lease();
    await chat.settle();
    expect(() => move(id, { insertAfter: null })).toThrow("does not wait any more");
    expect(() => edit("gone", message("x"))).toThrow("does not wait any more");
  });

  it("is only sent and shown where the app has no functions for more", async () => {
    const { listThreadMessagesForHooks, sendCommand, listCommands, threadSnapshot } = api.chat;
    const page = await openWithStore({ listThreadMessagesForHooks, sendCommand, listCommands, threadSnapshot });
    await page.say("then this");
    const id = page.idOf("then this");
    expect(() => page.queue().remove(id)).toThrow("`cancelCommand`");
    expect(() => page.queue().edit(id, message("x"))).toThrow("`editCommand`");
    expect(() => page.queue().move(id, { lane: "steer" })).toThrow("`promoteCommand`");
  });

  it("keeps its item while nothing of it changes, whatever codex says meanwhile", async () => {
    const page = await openWithStore();
    await page.say("then this");
    const before = page.queue();
    await chat.say("item/started", { item: { id: "a", type: "agentMessage", text: "" } });
    await chat.say("item/agentMessage/delta", { itemId: "a", delta: "Hel" });
    await chat.settle();
    expect(page.messages()).toEqual(["Hel"]);
    expect(page.queue()).toBe(before);
  });
});

describe("what was typed is not lost", () => {
  beforeEach(async () => {
    await begin();
  });

  it("where it is refused: it is in the queue, is sent again from there, and taken away", async () => {
    const page = await openWithStore();
    await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
    await page.say("one");
    await page.say("two");
    expect([page.waiting(), page.words(), await sent()]).toEqual([["one", "two"], "", []]);
    expect(page.error()).toBeInstanceOf(Error);
    await page.does(() => page.queue().edit(page.idOf("two"), message("two, rather")));
    await page.act("one", "remove");
    expect(page.waiting()).toEqual(["two, rather"]);
    await chat.ann.mutation(api.chat.unarchiveThread, { threadId: THREAD });
    await page.act("two, rather", "steer");
    expect([page.waiting(), await sent()]).toEqual([["two, rather"], [["steer", "queued", "two, rather"]]]);
  });

  it("where codex takes no such part: it stays in the composer", async () => {
    const page = await openWithStore();
    const file = { role: "user", content: [{ type: "file", data: "", mimeType: "a/b" }], attachments: [] } as unknown as AppendMessage;
    expect(() => page.queue().enqueue(file)).toThrow(expect.objectContaining({ name: "MessageNotSentError", message: "codex takes texts and images, no `file`" }) as Error);
  });

  it("where the machine refuses it", async () => {
    await beat();
    const page = await open();
    await page.say("rather so", "Send");
    const [leased] = await chat.lease();
    await chat.report(leased!, "refused", { code: "E_COMMAND_TARGET_GONE" });
    await chat.settle();
    expect([page.waiting(), page.messages()]).toEqual([["rather so"], []]);
    await page.act("rather so", "remove");
    expect(page.waiting()).toEqual([]);
  });

  it("where the machine refuses it: it is sent again under the id that follows from it", async () => {
    await beat();
    const page = await open();
    await page.say("then this");
    await end();
    const [leased] = await chat.lease();
    await chat.report(leased!, "refused", { code: "E_COMMAND_TARGET_GONE" });
    await chat.settle();
    expect([page.waiting(), page.messages()]).toEqual([["then this"], []]);
    await page.act("then this", "steer");
    expect([page.waiting(), page.messages()]).toEqual([[], ["then this"]]);
    const { page: commands } = await chat.ann.query(api.chat.listCommands, { threadId: THREAD, paginationOpts: { cursor: null, numItems: 20 } });
    expect(commands.map(({ commandId }) => commandId)).toEqual([`${leased!.commandId}~2`, leased!.commandId]);
  });

  it("where nobody knows what became of it: it is in the queue until codex gives it back", async () => {
    await beat();
    const page = await open();
    await page.say("rather so", "Send");
    const [leased] = await chat.lease();
    await chat.report(leased!, "unknown");
    await chat.settle();
    expect([page.waiting(), page.statuses(), page.messages()]).toEqual([["rather so"], ["unknown"], []]);
    await chat.say("item/completed", { item: { id: "u", type: "userMessage", clientId: leased!.commandId, content: [{ type: "text", text: "rather so" }] } });
    await chat.settle();
    expect([page.waiting(), page.messages()]).toEqual([[], ["rather so"]]);
  });

  it("where an edit is too late: the new words are in the queue", async () => {
    await beat();
    const page = await openWithStore();
    await page.say("a", "Send");
    const id = page.idOf("a");
    const { edit } = page.queue();
    await chat.lease();
    await page.does(() => edit(id, message("a, rather")));
    expect([page.waiting(), page.messages()]).toEqual([["a, rather"], ["a"]]);
    expect(page.error()).toMatchObject({ data: { code: "E_COMMAND_TOO_LATE" } });
  });

  it("where the turn is stopped: nothing of it begins, and it waits until it is wanted", async () => {
    const page = await open();
    const other = await open();
    await page.say("then this");
    await other.say("and that");
    await page.press("Stop");
    expect((await sent()).slice(0, 2)).toEqual([["turn", "cancelled", "then this"], ["turn", "cancelled", "and that"]]);
    expect([page.waiting(), other.waiting()]).toEqual([["then this", "and that"], []]);
    await chat.say("turn/completed", { turn: { id: TURN, status: "interrupted", items: [] } });
    await chat.settle();
    expect([page.waiting(), page.statuses()]).toEqual([["then this", "and that"], ["held", "held"]]);
    await page.act("and that", "steer");
    expect([page.waiting(), page.messages()]).toEqual([["then this"], ["and that"]]);
    expect((await sent()).at(-1)).toEqual(["turn", "queued", "and that"]);
  });

  it("where the turn is stopped while it is on its way: nothing of it begins when it arrives", async () => {
    const page = await open();
    await page.say("there");
    chat.loopback.held = [];
    await page.say("slow");
    await page.say("slower", "Send");
    await page.press("Stop");
    expect(page.waiting()).toEqual(["slower", "there", "slow"]);
    await end();
    await release();
    expect(page.waiting()).toEqual(["there", "slow", "slower"]);
    expect((await sent()).filter(([kind]) => kind !== "interrupt")).toEqual([["turn", "cancelled", "there"], ["turn", "cancelled", "slow"]]);
    await page.act("slow", "remove");
    await page.act("slower", "steer");
    expect([page.waiting(), page.messages()]).toEqual([["there"], ["slower"]]);
  });

  it("where it is taken away after a stop on its way: it comes to nothing", async () => {
    const page = await open();
    chat.loopback.held = [];
    await page.say("slow");
    await page.press("Stop");
    await page.act("slow", "remove");
    await release();
    expect([page.waiting(), (await sent())[0]]).toEqual([[], ["turn", "cancelled", "slow"]]);
  });

  it("where another thread is looked at meanwhile, and is not sent there", async () => {
    function Switching() {
      const [threadId, setThreadId] = useState(THREAD);
      const runtime = useCodexAssistantRuntime({ threadId });
      return (
        <>
          <Thread runtime={runtime} />
          {[THREAD, "th_2"].map((id) => <button key={id} onClick={() => setThreadId(id)}>{id}</button>)}
        </>
      );
    }
    await chat.app.mutation(api.chat.ensureThread, { ...chat.bridge, threadId: "th_2" });
    const page = await open(<Switching />);
    await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
    await page.say("refused");
    expect(page.waiting()).toEqual(["refused"]);
    await page.press("th_2");
    expect(page.waiting()).toEqual([]);
    await page.press(THREAD);
    expect(page.waiting()).toEqual(["refused"]);
  });

  it("nor is it brought back when somebody took it away", async () => {
    const [one, other] = [await open(), await open()];
    await one.say("then this");
    await other.act("then this", "remove");
    expect([one.waiting(), other.waiting()]).toEqual([[], []]);
  });
});

describe("a store", () => {
  it("gives back what could not be sent while nothing runs, and has no queue then", async () => {
    const page = await openWithStore();
    expect(page.stores.at(-1)!.store.queue).toBeUndefined();
    await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
    await page.say("lost?", "Send");
    expect([page.words(), page.waiting(), page.messages()]).toEqual(["lost?", [], []]);
  });

  it("sends nothing more while the first is on its way, which it gives back", async () => {
    const page = await openWithStore();
    chat.loopback.held = [];
    await page.say("first", "Send");
    expect(page.stores.at(-1)!.store).toMatchObject({ isRunning: true, queue: undefined });
    await page.type("second");
    expect(screen.getByText<HTMLButtonElement>("Send").disabled).toBe(true);
    await page.press("Send");
    await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
    await release();
    expect([page.words(), page.waiting(), await sent()]).toEqual(["first\nsecond", [], []]);
  });

  it("keeps what is refused in the queue where something was sent after it: the library gives back only what was sent last", async () => {
    const page = await openWithStore();
    chat.loopback.held = [];
    await page.say("first", "Send");
    await begin("another tab's");
    await page.say("second");
    await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
    await release();
    expect([page.words(), page.waiting(), page.statuses()]).toEqual(["", ["second", "first"], ["refused", "refused"]]);
    await page.act("first", "remove");
    expect(page.waiting()).toEqual(["second"]);
  });

  it.each([true, false])("keeps what is refused in the queue where something was sent after it whose attachments are still on their way (while a turn runs: %s)", async (isRunning) => {
    let uploaded: () => void = () => undefined;
    const attachments: AttachmentAdapter = {
      accept: "image/png",
      add: ({ file }) => Promise.resolve({ id: "a", type: "image", name: file.name, contentType: file.type, file, status: { type: "requires-action", reason: "composer-send" } }),
      send: (attachment) => new Promise((resolve) => (uploaded = () => resolve({ ...attachment, status: { type: "complete" }, content: [{ type: "image", image: "data:image/png;base64,AA==" }] }))),
      remove: () => Promise.resolve(),
    };
    const page = await open(<Chat options={{ adapters: { attachments } }} />);
    chat.loopback.held = [];
    await page.say("first", "Send");
    await begin("another tab's");
    await page.press("Attach");
    await page.say("second", "Send");
    if (!isRunning) await end("another tab's");
    await chat.settle();
    await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
    await release();
    expect([page.words(), page.waiting(), page.statuses()]).toEqual(["", ["first"], ["refused"]]);
    await chat.does(async () => {
      uploaded();
      await Promise.resolve();
    });
    expect([page.words(), page.waiting(), page.statuses()]).toEqual(["", ["first", "second"], ["refused", "refused"]]);
  });

  it("has a queue while what was sent waits for a machine", async () => {
    const page = await openWithStore();
    await page.say("first", "Send");
    expect(page.stores.at(-1)!.store.queue).toBeDefined();
    await page.say("second");
    expect([page.messages(), page.waiting()]).toEqual([["first"], ["second"]]);
  });

  it.each([undefined, { items: [], steerItems: [], enqueue: vi.fn(), steer: vi.fn(), move: vi.fn(), edit: vi.fn(), remove: vi.fn() }])("has the app's own queue in the place of its own, or none (%#)", async (queue) => {
    await begin();
    const page = await open(<Chat options={{ queue }} />);
    await chat.ann.mutation(api.chat.sendCommand, { threadId: THREAD, commandId: "k", kind: "turn", payloadJson: JSON.stringify({ clientTurnId: "ct", input: [{ type: "text", text: "then this" }] }) });
    await chat.settle();
    expect([page.waiting(), page.messages()]).toEqual([[], ["then this"]]);
    expect(screen.getByText<HTMLButtonElement>("Send").disabled).toBe(true);
    await page.say("and that", "Send");
    expect(queue?.steer.mock.calls.length ?? 0).toBe(queue === undefined ? 0 : 1);
    expect(await sent()).toHaveLength(1);
    await page.press("Stop");
    expect([page.waiting(), (await sent())[0]]).toEqual([[], ["turn", "cancelled", "then this"]]);
  });
});

it("a message whose command is among none of those that are loaded is looked for once", async () => {
  const loadMore = vi.fn();
  const codexOf = (status: UseCodexResult["commands"]["status"]) => {
    const none = { results: [], status, loadMore };
    return { threadId: THREAD, runningTurnId: TURN, commands: none, requests: none, openCommands: [], send: () => Promise.resolve({}), codex: {} } as unknown as UseCodexResult;
  };
  const noCommands: [] = [];
  const isSaid = () => false;
  const inputOf = () => [];
  const page = renderHook(({ status }) => useCodexQueue(codexOf(status), noCommands, isSaid, inputOf), {
    initialProps: { status: "CanLoadMore" as UseCodexResult["commands"]["status"] },
  });
  await act(async () => page.result.current.queue?.enqueue(message("then this")));
  expect(loadMore).toHaveBeenCalledOnce();
  for (const status of ["Exhausted", "LoadingFirstPage", "CanLoadMore"] as const) page.rerender({ status });
  expect(loadMore).toHaveBeenCalledOnce();
});
