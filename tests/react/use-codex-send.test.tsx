import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { shownSha256Of, useCodexCommands, useCodexSend, type UseCodexCommandsResult } from "../../js-wrapper/react/index.js";
import { newCommandId, sentAgain } from "../../js-wrapper/react/sending.js";
import { api, startChat, THREAD, TURN, type ChatApp } from "./chat-app.js";
import { inStrictMode } from "./in-strict-mode.js";
import { Loopback } from "./loopback-convex.js";

const MUTATIONS = { cancel: api.chat.cancelCommand, edit: api.chat.editCommand, promote: api.chat.promoteCommand };

let chat: ChatApp;

beforeEach(async () => {
  chat = await startChat();
});
afterEach(async () => {
  cleanup();
  await chat.loopback.close();
});

/** A tab of the page, once what it asks for has arrived. */
async function open(args: { threadId: string } | "skip" = { threadId: THREAD }) {
  const { result } = renderHook(
    () => ({
      send: useCodexSend(api.chat.sendCommand, args, MUTATIONS),
      commands: useCodexCommands(api.chat.listCommands, args, { initialNumItems: 10 }),
    }),
    { wrapper: inStrictMode(chat.loopback.connect()) },
  );
  await chat.settle();
  return result;
}

type Page = Awaited<ReturnType<typeof open>>;

const shown = ({ results }: UseCodexCommandsResult) => results.map(({ kind, state, text }) => [kind, state, text]);
const payloads = (page: Page) => page.current.commands.results.map(({ payloadJson }) => JSON.parse(payloadJson) as unknown);

describe("a turn", () => {
  it("is sent, and its fate is followed to its end", async () => {
    const page = await open();
    expect(page.current.commands).toMatchObject({ results: [], status: "Exhausted" });
    const { clientTurnId, state } = await chat.does(() => page.current.send.sendTurn("Go on."));
    expect(state).toBe("queued");
    expect(page.current.commands.results).toMatchObject([
      { kind: "turn", state: "queued", text: "Go on.", isOpen: true, isQueued: true, isFailed: false, clientTurnId },
    ]);
    expect(payloads(page)).toEqual([{ input: [{ type: "text", text: "Go on.", text_elements: [] }], clientTurnId }]);
    const [leased] = await chat.lease();
    await chat.settle();
    expect(page.current.commands.results).toMatchObject([{ state: "leased", isOpen: true, isQueued: false }]);
    await chat.report(leased!, "delivered");
    await chat.report(leased!, "accepted", { turnId: TURN });
    await chat.settle();
    expect(page.current.commands.results).toMatchObject([{ state: "accepted", turnId: TURN, isOpen: false, isFailed: false }]);
  });

  it("carries whatever Convex takes as the app's own arguments", async () => {
    const page = await open({ threadId: THREAD, size: 1n } as { threadId: string });
    // The app of this test refuses it.
    await act(() => expect(page.current.send.sendTurn("Go on.")).rejects.toThrow("size"));
    expect(chat.loopback.mutations).toMatchObject([{ args: { size: 1n } }]);
  });

  it("carries its settings, and strings that Convex takes", async () => {
    const page = await open();
    await chat.does(() => page.current.send.sendTurn("half \uD83D", { model: "gpt-5", effort: undefined, waitForMachine: true, ttlMs: 1_000 }));
    expect(payloads(page)).toMatchObject([{ input: [{ text: "half \uFFFD" }], model: "gpt-5", waitForMachine: true }]);
    expect(payloads(page)[0]).not.toHaveProperty("ttlMs");
    expect(page.current.commands.results[0]).not.toHaveProperty("ttlMs");
  });

  it("is sent once by a button that is pressed twice, and again when it is meant again", async () => {
    const page = await open();
    chat.loopback.held = [];
    const { sendTurn } = page.current.send;
    const both = Promise.all([sendTurn("Go on."), sendTurn("Go on.")]);
    await chat.settle();
    expect(page.current.send.isSending).toBe(true);
    expect(chat.loopback.mutations).toHaveLength(1);
    chat.loopback.release();
    const [one, other] = await chat.does(() => both);
    expect(other).toEqual(one);
    expect(page.current.send.isSending).toBe(false);
    expect(shown(page.current.commands)).toEqual([["turn", "queued", "Go on."]]);
    const third = await chat.does(() => sendTurn("Go on."));
    expect(third.commandId).not.toBe(one.commandId);
    expect(page.current.commands.results).toHaveLength(2);
  });

  it("that failed is the same command when it is tried again", async () => {
    const page = await open();
    await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
    await act(() => expect(page.current.send.sendTurn("Go on.")).rejects.toMatchObject({ data: { code: "E_THREAD_ARCHIVED" } }));
    expect(page.current.send.error).toMatchObject({ data: { code: "E_THREAD_ARCHIVED" } });
    await chat.ann.mutation(api.chat.unarchiveThread, { threadId: THREAD });
    await chat.does(() => page.current.send.sendTurn("Go on."));
    expect(page.current.send.error).toBeUndefined();
    const ids = chat.loopback.mutations.map(({ args }) => args["commandId"]);
    expect(ids).toHaveLength(2);
    expect(ids[0]).toBe(ids[1]);
  });

  it("is stopped before codex has begun it, and the next one is not begun by that", async () => {
    const page = await open();
    const { clientTurnId } = await chat.does(() => page.current.send.sendTurn("one"));
    await chat.does(() => page.current.send.sendTurn("two"));
    await chat.does(() => page.current.send.interrupt(clientTurnId));
    expect(shown(page.current.commands)).toEqual([
      ["interrupt", "accepted", ""],
      ["turn", "queued", "two"],
      ["turn", "cancelled", "one"],
    ]);
    expect(page.current.commands.results.at(-1)).toMatchObject({ isFailed: false, isOpen: false });
  });

  it("that a reloaded page finds running is stopped there", async () => {
    await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
    const reloaded = await open();
    await chat.does(() => reloaded.current.send.interrupt(TURN, { force: true }));
    expect(payloads(reloaded)).toEqual([{ turnId: TURN, force: true }]);
    expect(await chat.lease()).toMatchObject([{ kind: "interrupt", turnId: TURN }]);
  });
});

describe("what runs", () => {
  it("is steered, by the turn's id", async () => {
    await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
    const page = await open();
    await chat.does(() => page.current.send.steer("rather so", { expectedTurnId: TURN }));
    expect(payloads(page)).toEqual([{ expectedTurnId: TURN, input: [{ type: "text", text: "rather so", text_elements: [] }] }]);
    expect(shown(page.current.commands)).toEqual([["steer", "queued", "rather so"]]);
    await act(() => expect(page.current.send.steer("x", { expectedTurnId: "gone" })).rejects.toMatchObject({ data: { code: "E_AUTH_TURN_FORBIDDEN" } }));
  });

  it("asks, and is decided by what was shown", async () => {
    await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
    await chat.ask("item/commandExecution/requestApproval", { command: "ls" });
    const [asked] = await chat.ann.query(api.chat.listPendingServerRequestsForHooks, { threadId: THREAD });
    const page = await open();
    await chat.does(() => page.current.send.decide(asked!, "acceptForSession"));
    expect(payloads(page)).toEqual([{ requestId: 0, decision: "acceptForSession", shownSha256: await shownSha256Of(asked!.payloadJson) }]);
    const other = { ...asked!, payloadJson: "{}" };
    await act(() => expect(page.current.send.decide(other, "accept")).rejects.toMatchObject({ data: { code: expect.stringMatching(/^E_APPROVAL/) } }));
  });

  it("asks, and is answered", async () => {
    await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
    await chat.ask("item/tool/requestUserInput", { questions: [{ id: "q", header: "h", question: "?", isOther: false, isSecret: false, options: null }] }, "r");
    const [asked] = await chat.ann.query(api.chat.listPendingServerRequestsForHooks, { threadId: THREAD });
    const page = await open();
    await chat.does(() => page.current.send.answer(asked!, { answers: { q: { answers: ["yes"] } } }));
    expect(payloads(page)).toEqual([
      { requestId: "r", answer: { answers: { q: { answers: ["yes"] } } }, shownSha256: await shownSha256Of(asked!.payloadJson) },
    ]);
  });
});

describe("what is queued", () => {
  it("is edited, and keeps its turn and its settings", async () => {
    const page = await open();
    const { clientTurnId } = await chat.does(() => page.current.send.sendTurn("Go on.", { model: "gpt-5" }));
    await chat.does(() => page.current.send.edit(page.current.commands.results[0]!, "Go back."));
    expect(shown(page.current.commands)).toEqual([["turn", "queued", "Go back."]]);
    expect(payloads(page)).toMatchObject([{ clientTurnId, model: "gpt-5" }]);
  });

  it("keeps its images, files and skills where a text takes the place of its texts, and nothing that a list does not name", async () => {
    const page = await open();
    const [image, skill] = [{ type: "image", url: "https://a.test/a.png" }, { type: "skill", name: "s", path: "/s" }] as const;
    const text = (words: string) => ({ type: "text" as const, text: words, text_elements: [] });
    const edit = async (input: Parameters<Page["current"]["send"]["edit"]>[1]) => {
      await chat.does(() => page.current.send.edit(page.current.commands.results[0]!, input));
      return (payloads(page)[0] as { input: unknown }).input;
    };
    await chat.does(() => page.current.send.sendTurn([image, text("Go"), skill, text("on.")]));
    expect(await edit("Go\nback.")).toEqual([image, text("Go\nback."), skill]);
    expect(await edit([image, skill])).toEqual([image, skill]);
    expect(await edit("Look.")).toEqual([text("Look."), image, skill]);
    expect(await edit([text("Only this.")])).toEqual([text("Only this.")]);
  });

  it("is promoted, or becomes a steer of the turn that runs", async () => {
    await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
    const page = await open();
    const first = await chat.does(() => page.current.send.sendTurn("one"));
    await chat.does(() => page.current.send.promote(first.commandId));
    expect(page.current.commands.results[0]!.rank).toBeGreaterThan(0);
    await chat.does(() => page.current.send.promote(first.commandId, { expectedTurnId: TURN }));
    expect(shown(page.current.commands)).toEqual([["steer", "queued", "one"]]);
  });

  it("is taken back, and is too late once the machine has it", async () => {
    const page = await open();
    const { commandId } = await chat.does(() => page.current.send.sendTurn("one"));
    await chat.does(() => page.current.send.cancel(commandId));
    expect(shown(page.current.commands)).toEqual([["turn", "cancelled", "one"]]);
    const other = await chat.does(() => page.current.send.sendTurn("two"));
    await chat.lease();
    await act(() => expect(page.current.send.cancel(other.commandId)).rejects.toMatchObject({ data: { code: "E_COMMAND_TOO_LATE" } }));
    expect(page.current.send.error).toMatchObject({ data: { code: "E_COMMAND_TOO_LATE" } });
  });
});

describe("what came to nothing", () => {
  it("is sent again once, from two tabs and by two presses", async () => {
    const [one, other] = [await open(), await open()];
    await chat.does(() => one.current.send.sendTurn("Go on."));
    const [leased] = await chat.lease();
    await chat.report(leased!, "refused", { code: "E_COMMAND_NOT_ALLOWED" });
    await chat.settle();
    const [failed] = one.current.commands.results;
    expect(failed).toMatchObject({ state: "refused", code: "E_COMMAND_NOT_ALLOWED", isFailed: true, isOpen: false });
    const sent = await chat.does(() => Promise.all([one.current.send.sendAgain(failed!), other.current.send.sendAgain(failed!), other.current.send.sendAgain(failed!)]));
    expect(new Set(sent.map(({ commandId }) => commandId)).size).toBe(1);
    for (const tab of [one, other]) {
      expect(shown(tab.current.commands)).toEqual([
        ["turn", "queued", "Go on."],
        ["turn", "refused", "Go on."],
      ]);
    }
    expect(one.current.commands.results[1]).toBe(failed);
  });

  it("steers the turn again while that runs, and begins one where it has ended: once, whoever asks and when", async () => {
    await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
    const [one, other] = [await open(), await open()];
    await chat.does(() => one.current.send.steer("rather so", { expectedTurnId: TURN }));
    const refuse = async () => {
      const [leased] = await chat.lease();
      await chat.report(leased!, "refused", { code: "E_COMMAND_REFUSED" });
      await chat.settle();
      return one.current.commands.results[0]!;
    };
    const first = await refuse();
    await chat.does(() => one.current.send.sendAgain(first));
    expect(shown(one.current.commands)[0]).toEqual(["steer", "queued", "rather so"]);
    const second = await refuse();
    await chat.say("turn/completed", { turn: { id: TURN, status: "completed", items: [] } });
    const sent = await chat.does(() => one.current.send.sendAgain(second));
    expect(sent.commandId).toBe(`${first.commandId}~3`);
    expect(await chat.does(() => other.current.send.sendAgain(second))).toEqual(sent);
    expect([one.current.send.error, other.current.send.error]).toEqual([undefined, undefined]);
    expect(shown(one.current.commands)).toEqual([
      ["turn", "queued", "rather so"],
      ["steer", "refused", "rather so"],
      ["steer", "refused", "rather so"],
    ]);
    expect(payloads(one)[0]).toEqual({ input: [{ type: "text", text: "rather so", text_elements: [] }], clientTurnId: sent.commandId });
  });

  it("has an id that follows from the first, whatever that holds, and a promoted turn is a turn again", () => {
    const again = (commandId: string, payload: object = {}, kind: "turn" | "steer" = "steer") =>
      sentAgain({ commandId, kind, payloadJson: JSON.stringify(payload) });
    expect(again("a").commandId).toBe("a~2");
    expect(again("a~2").commandId).toBe("a~3");
    expect(again("a~b\n~9").commandId).toBe("a~b\n~10");
    expect(again("a", { clientTurnId: "t", input: [1] })).toEqual({ commandId: "a~2", kind: "turn", payload: { clientTurnId: "a~2", input: [1] } });
    const asTurn = { kind: "turn", payload: { clientTurnId: "a~2" } };
    expect(again("a", { expectedTurnId: "t" })).toEqual({ commandId: "a~2", kind: "steer", payload: { expectedTurnId: "t" }, asTurn });
  });
});

it("sends nothing with skip, and asks for nothing", async () => {
  const page = await open("skip");
  expect(page.current.commands).toMatchObject({ results: [], status: "LoadingFirstPage" });
  await act(() => expect(page.current.send.sendTurn("Go on.")).rejects.toThrow("skip"));
  expect(chat.loopback.mutations).toEqual([]);
});

it("tells of the calls of its thread alone, also when another one is looked at meanwhile", async () => {
  await chat.ann.mutation(api.chat.createThread, { threadId: "th_2" });
  await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
  const { result: page, rerender } = renderHook(({ threadId }) => useCodexSend(api.chat.sendCommand, { threadId }), {
    initialProps: { threadId: THREAD },
    wrapper: inStrictMode(chat.loopback.connect()),
  });
  const show = (threadId: string) => {
    rerender({ threadId });
    return [page.current.isSending, page.current.error !== undefined];
  };
  chat.loopback.held = [];
  const refused = expect(page.current.sendTurn("Go on.")).rejects.toThrow();
  await chat.settle();
  expect([show(THREAD), show("th_2"), show(THREAD)]).toEqual([[true, false], [false, false], [true, false]]);
  show("th_2");
  chat.loopback.release();
  await chat.does(() => refused);
  expect([show("th_2"), show(THREAD), show("th_2")]).toEqual([[false, false], [false, true], [false, false]]);
  await chat.does(() => page.current.sendTurn("Go on there."));
  expect([show("th_2"), show(THREAD)]).toEqual([[false, false], [false, true]]);
  await chat.ann.mutation(api.chat.unarchiveThread, { threadId: THREAD });
  await chat.does(() => page.current.sendTurn("Go on."));
  expect(show(THREAD)).toEqual([false, false]);
});

it("sends one command where the words are tried again and do not have to wait any more", async () => {
  const page = await open();
  await chat.ann.mutation(api.chat.archiveThread, { threadId: THREAD });
  await act(() => expect(page.current.send.sendTurn("Go on.", { waitForMachine: true })).rejects.toThrow());
  await chat.ann.mutation(api.chat.unarchiveThread, { threadId: THREAD });
  await chat.does(() => page.current.send.sendTurn("Go on."));
  const ids = chat.loopback.mutations.map(({ args }) => args["commandId"]);
  expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
  expect(payloads(page)[0]).not.toHaveProperty("waitForMachine");
});

it("sends the same payload again where no answer came, though it would not have to wait any more", async () => {
  let isLost = true;
  const loopback = new Loopback({
    query: () => null,
    mutation: () => {
      if (isLost) throw new Error("lost");
      return { commandId: "c", state: "queued" };
    },
  });
  const { result } = renderHook(() => useCodexSend(api.chat.sendCommand, { threadId: THREAD }), { wrapper: inStrictMode(loopback.connect()) });
  await act(() => expect(result.current.sendTurn("Go on.", { waitForMachine: true })).rejects.toThrow("lost"));
  isLost = false;
  await act(() => result.current.sendTurn("Go on."));
  const [first, second] = loopback.mutations.map(({ args }) => [args["commandId"], args["payloadJson"]]);
  expect(second).toEqual(first);
  await loopback.close();
});

it("a thread that is not there is told, and its list begins when it is", async () => {
  const page = await open({ threadId: "th_2" });
  expect(page.current.commands).toMatchObject({ results: [], threadStatus: "missing", status: "Exhausted" });
  await chat.ann.mutation(api.chat.createThread, { threadId: "th_2" });
  await chat.settle();
  expect(page.current.commands).not.toHaveProperty("threadStatus");
});

it("keeps its functions and its rows over renders", async () => {
  const page = await open();
  await chat.does(() => page.current.send.sendTurn("one"));
  const before = page.current;
  await chat.does(() => page.current.send.sendTurn("two"));
  expect(page.current.send.sendTurn).toBe(before.send.sendTurn);
  expect(page.current.commands.results[1]).toBe(before.commands.results[0]);
  await chat.settle();
  const { results } = page.current.commands;
  await chat.settle();
  expect(page.current.commands.results).toBe(results);
});

it("makes a UUID where the page is not served securely", () => {
  const ofCrypto = Object.getOwnPropertyDescriptor(crypto, "randomUUID");
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  try {
    const ids = [newCommandId(), newCommandId()];
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(ids[0]).not.toBe(ids[1]);
  } finally {
    if (ofCrypto === undefined) delete (crypto as Partial<Crypto>).randomUUID;
    else Object.defineProperty(crypto, "randomUUID", ofCrypto);
  }
});

it("has what the app gave, by type", () => {
  type Sending = typeof useCodexSend<typeof api.chat.sendCommand, typeof MUTATIONS>;
  expectTypeOf<Parameters<Sending>[1]>().toEqualTypeOf<{ threadId: string } | "skip">();
  expectTypeOf<ReturnType<Sending>["cancel"]>().toEqualTypeOf<(commandId: string) => Promise<null>>();
  expectTypeOf<ReturnType<typeof useCodexSend<typeof api.chat.sendCommand>>["cancel"]>().toEqualTypeOf<undefined>();
});
