// The part of the page that says something to Codex, on the real component: what waits, what is changed, taken back, stopped, sent again.
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { ConvexProvider, type ConvexReactClient } from "convex/react";
import { useCodexMessages, useCodexThread, useCodexThreadPresence } from "convex-codex-local/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { IDS_KEPT } from "../../example/web/src/composer/kept-ids.js";
import { Reach } from "../../example/web/src/composer/reach.js";
import { Sending } from "../../example/web/src/composer/sending.js";
import { api, startChat, THREAD, TURN, type ChatApp } from "../react/chat-app.js";

/** Every step asks all that the page follows anew. */
vi.setConfig({ testTimeout: 30_000 });

const OTHER = "th_2";

let chat: ChatApp;
let client: ConvexReactClient;

beforeEach(async () => {
  chat = await startChat();
  client = chat.loopback.connect();
  await chat.ann.mutation(api.chat.createThread, { threadId: OTHER });
});
afterEach(async () => {
  cleanup();
  localStorage.clear();
  await chat.loopback.close();
});

/** When the turn that is shown was made. */
let begunAt: number | undefined = 0;
afterEach(() => {
  begunAt = 0;
});

function Thread({ threadId }: { threadId: string }) {
  const { thread } = useCodexThread(api.chat.getThread, { threadId });
  const { reach } = useCodexThreadPresence(api.chat.getPresence, { threadId });
  const messages = useCodexMessages(api.chat.listThreadMessagesForHooks, { threadId }, { initialNumItems: 30, stream: true });
  return <Sending threadId={threadId} thread={thread} reach={reach} begunAt={begunAt} messages={messages} isMissing={false} />;
}

/** The page with one of the threads, and another one in its place. */
async function open(threadId = THREAD) {
  const page = (shown: string) => (
    <StrictMode>
      <ConvexProvider client={client}>
        <Thread key={shown} threadId={shown} />
      </ConvexProvider>
    </StrictMode>
  );
  const { rerender } = render(page(threadId));
  await chat.settle();
  return async (shown: string) => {
    rerender(page(shown));
    await chat.settle();
  };
}

const start = async () => {
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  await chat.settle();
};
const end = async () => {
  await chat.say("turn/completed", { turn: { id: TURN, status: "interrupted", items: [] } });
  await chat.settle();
};
const field = () => screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
const write = (text: string) => fireEvent.change(field(), { target: { value: text } });
const press = async (name: string) => {
  await act(async () => fireEvent.click(screen.getByRole("button", { name })));
  await chat.settle();
};
const queue = async (text: string) => {
  write(text);
  await press("Queue");
};
const listed = () => screen.queryAllByRole("listitem").map((row) => row.querySelector(".wish, textarea")?.textContent);
const buttons = () => screen.getAllByRole("button").map(({ textContent }) => textContent);
const commands = async () => {
  const { page } = await chat.ann.query(api.chat.listCommands, { threadId: THREAD, paginationOpts: { cursor: null, numItems: 100 } });
  return page.map(({ kind, state, payloadJson }) => ({ kind, state, payload: JSON.parse(payloadJson) as { [name: string]: unknown } }));
};

describe("Enter", () => {
  it.each([
    ["is of the method that composes", { isComposing: true }, 0],
    ["is of one that has just composed, in Safari", { keyCode: 229 }, 0],
    ["begins a line", { shiftKey: true }, 0],
    ["sends", { keyCode: 13 }, 1],
  ])("%s", async (_what, given, sent) => {
    await open();
    write("words");
    fireEvent.keyDown(field(), { key: "Enter", ...given });
    await chat.settle();
    expect(await commands()).toHaveLength(sent);
  });
});

it("a message that does not fit into its line is read whole on request", async () => {
  await open();
  const words = `${"a long message ".repeat(20)}\nand its end`;
  write(words);
  await press("Send");
  const shown = () => screen.getByRole("listitem").querySelector(".wish")!;
  expect(shown().className).toBe("wish");
  await press("Show all");
  expect([shown().textContent, shown().className]).toEqual([words, "wish wish-open"]);
  await press("Show all");
  expect(shown().className).toBe("wish");
});

it("why what is sent may not arrive has its place before its words", async () => {
  render(<Reach reach={undefined} />);
  const place = screen.getByRole("status");
  cleanup();
  const { rerender } = render(<Reach reach="reachable" />);
  const region = screen.getByRole("status");
  expect([place.textContent, region.textContent]).toEqual(["", ""]);
  rerender(<Reach reach="away" />);
  expect([screen.getByRole("status"), region.textContent]).toEqual([region, expect.stringContaining("Its machine is away.")]);
});

it("a stop that came to nothing is gone with the next turn, and a message stays", async () => {
  await start();
  const show = await open();
  await queue("next");
  const stop = { commandId: "stop-1", threadId: THREAD, kind: "interrupt" as const, payloadJson: JSON.stringify({ turnId: TURN }) };
  await chat.ann.mutation(api.chat.sendCommand, stop);
  for (const leased of await chat.lease()) await chat.report(leased, "refused", { code: "E_COMMAND_NOT_ALLOWED" });
  await end();
  for (const leased of await chat.lease()) await chat.report(leased, "refused", { code: "E_COMMAND_NOT_ALLOWED" });
  await chat.settle();
  expect(listed()).toEqual(["next", "Stop"]);
  // Nothing comes and goes while it is not known.
  for (const at of [Date.now() + 1, undefined]) {
    begunAt = at;
    await show(OTHER);
    await show(THREAD);
    expect(listed()).toEqual(["next"]);
  }
});

describe("while a turn runs", () => {
  beforeEach(start);

  it("it can be stopped and steered, whatever is queued behind it or taken back", async () => {
    await open();
    await queue("next");
    expect(buttons()).toEqual(["Change", "Take back", "Stop", "Queue", "Send now"]);
    await press("Take back");
    expect(buttons()).toEqual(["Stop", "Queue", "Send now"]);
    write("rather so");
    await press("Send now");
    expect((await commands())[0]).toMatchObject({ kind: "steer", payload: { expectedTurnId: TURN } });
  });

  it("what is queued waits a day, and a stop begins nothing of it: it is kept, and sent again when it is wanted", async () => {
    await open();
    await queue("next");
    expect((await commands())[0]).toMatchObject({ kind: "turn", payload: { waitForMachine: true } });
    await press("Stop");
    expect(document.activeElement).toBe(screen.getByRole("form", { name: "Message to Codex" }));
    const [stop, ...others] = await chat.lease();
    expect([stop, others]).toMatchObject([{ kind: "interrupt", turnId: TURN }, []]);
    await chat.report(stop!, "delivered");
    await chat.report(stop!, "accepted");
    await end();
    expect(await chat.lease()).toEqual([]);
    expect(screen.getByRole("listitem").textContent).toContain("nexttaken back");
    await press("Send again");
    expect((await commands()).filter(({ kind }) => kind === "turn").map(({ state }) => state)).toEqual(["queued", "cancelled"]);
    expect(listed()).toEqual(["next"]);
  });

  it("begins a turn with what was to steer one that ended before the page knew", async () => {
    await open();
    write("rather so");
    chat.loopback.held = [];
    await press("Send now");
    await chat.say("turn/completed", { turn: { id: TURN, status: "completed", items: [] } });
    const { held } = chat.loopback;
    chat.loopback.held = undefined;
    held.forEach((release) => release());
    await chat.settle();
    expect([field().value, (await commands())[0]]).toMatchObject(["", { kind: "turn", state: "queued" }]);
  });

  it("is stopped with force where the machine asks for that", async () => {
    await chat.beat({ threads: [{ threadId: THREAD, turnId: TURN, pendingRequests: 0, outboxEvents: 0 }] });
    await open();
    await press("Stop");
    const [leased] = await chat.lease();
    await chat.report(leased!, "refused", { code: "E_COMMAND_NEEDS_FORCE" });
    await chat.settle();
    await press("Stop anyway");
    expect((await commands())[0]).toMatchObject({ kind: "interrupt", payload: { turnId: TURN, force: true } });
    expect(buttons()).not.toContain("Stop anyway");
  });
});

describe("what was said to a turn, and handed to Codex", () => {
  beforeEach(start);

  const hand = async (text: string) => {
    write(text);
    await press("Send now");
    const [leased] = await chat.lease();
    await chat.report(leased!, "delivered");
    await chat.report(leased!, "accepted", { turnId: TURN });
    await chat.settle();
    return leased!.commandId;
  };
  const told = () => screen.queryAllByRole("listitem").map(({ textContent }) => textContent);
  const sayBack = async (clientId: string) => {
    await chat.say("item/completed", { item: { id: `echo of ${clientId}`, type: "userMessage", clientId, content: [{ type: "text", text: "so" }] } });
    await chat.settle();
  };

  it("stands there until Codex says it back", async () => {
    await open();
    const [first, second] = [await hand("rather so"), await hand("or so")];
    expect(told()).toEqual(["rather soCodex reads it at its next step", "or soCodex reads it at its next step"]);
    await sayBack(first);
    expect(told()).toEqual(["or soCodex reads it at its next step"]);
    await sayBack(second);
    expect(told()).toEqual([]);
    await end();
    expect(told()).toEqual([]);
  });

  it("is not told again by who comes when what says it back is no longer loaded, whatever the machine's clock said", async () => {
    await open();
    const commandId = await hand("rather so");
    await sayBack(commandId);
    cleanup();
    for (let n = 0; n < 31; n += 1) await chat.say("item/completed", { item: { id: `later ${String(n)}`, type: "agentMessage", text: "." } });
    await open();
    expect(told()).toEqual([]);
  });

  it("is not lost where the turn ends before: it is sent again, or dismissed", async () => {
    await open();
    await hand("rather so");
    await hand("or so");
    await end();
    expect(told()).toEqual(["rather so", "or so"].map((text) => `${text}the turn ended before Codex read itSend againDismiss`));
    await act(async () => fireEvent.click(screen.getAllByRole("button", { name: "Send again" })[0]!));
    await chat.settle();
    expect((await commands())[0]).toMatchObject({ kind: "turn", state: "queued" });
    await press("Dismiss");
    expect(listed()).toEqual(["rather so"]);
  });
});

describe("a message that waits", () => {
  beforeEach(start);

  it("is changed, with its lines, and without what a page cannot show being lost", async () => {
    const image = { type: "image", url: "https://a.test/a.png" };
    const payload = { input: [image, { type: "text", text: "one\ntwo", text_elements: [] }], clientTurnId: "c" };
    await chat.ann.mutation(api.chat.sendCommand, { threadId: THREAD, commandId: "c", kind: "turn", payloadJson: JSON.stringify(payload) });
    await open();
    await press("Change");
    const words = screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Other words" });
    expect([words.value, document.activeElement]).toEqual(["one\ntwo", words]);
    fireEvent.change(words, { target: { value: "one\nthree" } });
    await press("Save");
    expect((await commands())[0]!.payload["input"]).toEqual([image, { type: "text", text: "one\nthree", text_elements: [] }]);
    expect(screen.queryByRole("textbox", { name: "Other words" })).toBeNull();
  });

  it("keeps its other words when the machine takes it meanwhile, and when another thread is shown", async () => {
    const show = await open();
    await queue("one");
    await press("Change");
    fireEvent.change(screen.getByRole("textbox", { name: "Other words" }), { target: { value: "two" } });
    await end();
    await chat.lease();
    await chat.settle();
    await show(OTHER);
    await show(THREAD);
    expect(screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Other words" }).value).toBe("two");
    await press("Send as a new message");
    expect((await commands()).map(({ payload }) => (payload["input"] as { text: string }[])[0]?.text)).toEqual(["two", "one"]);
    expect(screen.queryByRole("textbox", { name: "Other words" })).toBeNull();
  });

  it("is there, however much was sent after it", async () => {
    await chat.ann.mutation(api.chat.sendCommand, { threadId: THREAD, commandId: "c", kind: "turn", payloadJson: JSON.stringify({ input: [{ type: "text", text: "the first" }], clientTurnId: "c" }) });
    for (let i = 0; i < 25; i += 1) {
      const payloadJson = JSON.stringify({ expectedTurnId: TURN, input: [{ type: "text", text: "so" }] });
      await chat.ann.mutation(api.chat.sendCommand, { threadId: THREAD, commandId: `s${String(i)}`, kind: "steer", payloadJson });
    }
    await open();
    expect([listed()[0], listed().length]).toEqual(["the first", 26]);
  });
});

describe("what a thread keeps while another one is shown", () => {
  it("what is written: each has its own, and what is sent meanwhile is gone from its own alone", async () => {
    const show = await open();
    write("for the first");
    await show(OTHER);
    expect(field().value).toBe("");
    write("for the other");
    await show(THREAD);
    expect(field().value).toBe("for the first");
    chat.loopback.held = [];
    await press("Send");
    await show(OTHER);
    chat.loopback.release();
    await chat.settle();
    expect(field().value).toBe("for the other");
    await show(THREAD);
    expect(field().value).toBe("");
  });

  it("what was dismissed", async () => {
    const show = await open();
    write("one");
    await press("Send");
    const [leased] = await chat.lease();
    await chat.report(leased!, "refused", { code: "E_COMMAND_REFUSED" });
    await chat.settle();
    expect(within(screen.getByRole("listitem")).getByText(/Codex refused it/)).toBeDefined();
    await press("Dismiss");
    expect([listed(), document.activeElement]).toEqual([[], screen.getByRole("form", { name: "Message to Codex" })]);
    await show(OTHER);
    await show(THREAD);
    expect(listed()).toEqual([]);
    // As a reload does.
    cleanup();
    client = chat.loopback.connect();
    await open();
    expect(listed()).toEqual([]);
  });

  it.each(["no JSON", "null", "{}", '[1, null, "other"]', JSON.stringify(Array.from({ length: IDS_KEPT }, (_, at) => `id ${at}`))])(
    "what a browser keeps of it is bounded, whatever was there (%#)",
    async (before) => {
      localStorage.setItem("codex dismissed commands", before);
      await open();
      write("one");
      await press("Send");
      const [leased] = await chat.lease();
      await chat.report(leased!, "refused", { code: "E_COMMAND_REFUSED" });
      await chat.settle();
      await press("Dismiss");
      const kept = JSON.parse(localStorage.getItem("codex dismissed commands") ?? "") as string[];
      expect([kept.at(-1), kept.length <= IDS_KEPT, listed()]).toEqual([leased!.commandId, true, []]);
    },
  );
});

it("what is on its way is read out: its place is there before it", async () => {
  const page = await open();
  const place = document.querySelector("[aria-live=polite]");
  expect([place?.childElementCount, page]).toEqual([0, expect.any(Function)]);
  write("one");
  await press("Send");
  expect(document.querySelector("[aria-live=polite]")).toBe(place);
  expect(place?.textContent).toContain("one");
});
