// What Codex waits for, over the real component: what answers come to, how long it waits, where the focus goes, and what is told.
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { ConvexProvider } from "convex/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { QuestionCard } from "../../example/web/src/requests/question-card.js";
import { RetryContext } from "../../example/web/src/retry.js";
import { Requests } from "../../example/web/src/requests/requests.js";
import { readCodexServerRequest, type CodexServerRequestView } from "../../js-wrapper/react/index.js";
import { api, startChat, THREAD, TURN, type ChatApp } from "../react/chat-app.js";
import { Loopback } from "../react/loopback-convex.js";
import { stubInView } from "./in-view.js";

const COMMAND = "item/commandExecution/requestApproval";
const QUESTION = "item/tool/requestUserInput";
const question = (labels: string[], more: object = {}) => ({
  ...{ id: "q", header: "h", question: "Which?", isOther: true, isSecret: false },
  options: labels.map((label) => ({ label, description: "" })),
  ...more,
});

beforeEach(() => void stubInView({ isInView: true }));
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function page(loopback: Loopback) {
  return render(
    <ConvexProvider client={loopback.connect()}>
      <main tabIndex={0}>the thread</main>
      <Requests threadId={THREAD} messages={{ results: [], status: "Exhausted", loadMore: () => undefined }} />
      <form className="composer">
        <textarea aria-label="Message" />
      </form>
    </ConvexProvider>,
  );
}

describe("over the component", () => {
  let chat: ChatApp;
  beforeEach(async () => {
    chat = await startChat();
    await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
  });
  afterEach(() => chat.loopback.close());
  const open = async () => {
    const { container } = page(chat.loopback);
    await chat.settle();
    return container;
  };
  const press = (name: string) => chat.does(async () => void fireEvent.click(screen.getByRole("button", { name })));

  it("an answer that the machine refuses can be given again", async () => {
    await chat.ask(QUESTION, { questions: [question(["a", "b"])] }, 1);
    await open();
    fireEvent.click(screen.getByLabelText("a"));
    await press("Answer");
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "On its way" }).disabled).toBe(true);
    const [leased] = await chat.lease();
    await chat.report(leased!, "refused", { code: "E_COMMAND_NOT_ALLOWED" });
    await chat.settle();
    expect(screen.getByRole("alert").textContent).toBe("Your answer did not reach Codex. The machine does not allow it from afar. You can answer again.");
    fireEvent.click(screen.getByLabelText("b"));
    await press("Answer");
    expect(JSON.parse((await chat.lease())[0]!.payloadJson)).toMatchObject({ answer: { answers: { q: { answers: ["b"] } } } });
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("an answer that the machine refuses can be given again, however much was sent after it", async () => {
    await chat.ask(QUESTION, { questions: [question(["a"])] }, 1);
    await open();
    fireEvent.click(screen.getByLabelText("a"));
    await press("Answer");
    const [leased] = await chat.lease();
    for (let i = 0; i < 25; i += 1) {
      const payloadJson = JSON.stringify({ expectedTurnId: TURN, input: [{ type: "text", text: "so" }] });
      await chat.ann.mutation(api.chat.sendCommand, { threadId: THREAD, commandId: `s${String(i)}`, kind: "steer", payloadJson });
    }
    await chat.report(leased!, "refused", { code: "E_COMMAND_REFUSED" });
    await chat.settle();
    expect(screen.getByRole("alert").textContent).toBe("Your answer did not reach Codex. Codex refused it. You can answer again.");
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Answer" }).disabled).toBe(false);
  });

  it("a form that the machine refuses can be answered again", async () => {
    await chat.ask("mcpServer/elicitation/request", { serverName: "shop", mode: "form", message: "m", requestedSchema: { type: "object", properties: {} } }, 1);
    await open();
    await press("Accept");
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "On its way" }).disabled).toBe(true);
    const [leased] = await chat.lease();
    await chat.report(leased!, "refused", { code: "E_COMMAND_REFUSED" });
    await chat.settle();
    await press("Decline");
    expect(JSON.parse((await chat.lease())[0]!.payloadJson)).toMatchObject({ answer: { action: "decline" } });
  });

  it("who decided is taken to the next card, and behind the last one to the composer", async () => {
    await chat.ask(COMMAND, { command: "one" }, 0, TURN, "item_1");
    await chat.ask(COMMAND, { command: "two" }, 1, TURN, "item_2");
    await open();
    const decline = () => screen.getAllByRole("button", { name: "Decline" })[0]!;
    decline().focus();
    // As a browser does it when the button is disabled.
    await chat.does(async () => {
      fireEvent.click(decline());
      decline().blur();
    });
    expect(screen.getAllByRole("heading")).toHaveLength(1);
    expect(document.activeElement).toBe(screen.getByRole("heading"));
    decline().focus();
    await press("Decline");
    expect(document.activeElement).toBe(screen.getByLabelText("Message"));
  });

  it("who was elsewhere stays there", async () => {
    await chat.ask(COMMAND, { command: "one" }, 0, TURN, "item_1");
    await open();
    screen.getByRole("button", { name: "Decline" }).focus();
    screen.getByText("the thread").focus();
    await chat.say("turn/completed", { turn: { id: TURN, status: "completed", items: [] } });
    await chat.settle();
    expect(screen.queryByRole("heading")).toBeNull();
    expect(document.activeElement).toBe(screen.getByText("the thread"));
  });

  it("what still waits is not told again when another is answered or comes", async () => {
    await chat.ask(COMMAND, { command: "one" }, 0, TURN, "item_1");
    await chat.ask(COMMAND, { command: "two" }, 1, TURN, "item_2");
    const container = await open();
    const told = container.querySelector('[aria-live="polite"]')!;
    expect(told.getAttribute("aria-atomic")).toBe("false");
    const added: (string | null)[] = [];
    const observer = new MutationObserver((changes) => {
      for (const { type, addedNodes, target } of changes) added.push(...(type === "characterData" ? [target] : [...addedNodes]).map(({ textContent }) => textContent));
    });
    observer.observe(told, { childList: true, subtree: true, characterData: true });
    await chat.does(async () => void fireEvent.click(screen.getAllByRole("button", { name: "Decline" })[0]!));
    expect([told.textContent, added]).toEqual(["Codex wants to run a command. ", []]);
    await chat.ask(QUESTION, { questions: [question(["a"])] }, 2);
    await chat.settle();
    expect(added).toEqual(["Codex asks you. "]);
    observer.disconnect();
  });

  it("those that were asked first can be had, however many wait", async () => {
    for (let at = 0; at < 22; at += 1) await chat.ask(COMMAND, { command: `command ${at}.` }, at, TURN, `item_${at}`);
    await open();
    expect(screen.queryByText("command 1.")).toBeNull();
    await press("More was asked before these");
    screen.getByText("command 0.");
    expect(screen.queryByRole("button", { name: /More was asked|Loading/ })).toBeNull();
  });

  it("what comes is told in a place that was there before", async () => {
    const container = await open();
    const told = container.querySelector('[aria-live="polite"]');
    expect(told?.textContent).toBe("");
    await chat.ask(QUESTION, { questions: [question(["a"])], autoResolutionMs: 90_000 }, 1);
    await chat.ask(COMMAND, { command: "one" }, 2, TURN, "item_2");
    await chat.settle();
    expect(container.querySelector('[aria-live="polite"]')).toBe(told);
    expect(told?.textContent).toBe("Codex wants to run a command. Codex asks you, and goes on without an answer after 1 min 30 s. ");
    expect(screen.getByRole("region", { name: "Codex waits for you" }).closest("[aria-live]")).toBeNull();
  });
});

it("requests that cannot be read are said to be so, with a way to try again", async () => {
  const loopback = new Loopback({
    query: (name) => {
      if (/Approvals/.test(name)) throw new Error("no such index");
      return [];
    },
    mutation: () => null,
  });
  const retry = vi.fn();
  render(
    <RetryContext value={retry}>
      <ConvexProvider client={loopback.connect()}>
        <Requests threadId={THREAD} messages={{ results: [], status: "Exhausted", loadMore: () => undefined }} />
      </ConvexProvider>
    </RetryContext>,
  );
  for (let i = 0; i < 8; i += 1) await act(() => new Promise((resolve) => setTimeout(resolve, 0)));
  expect(screen.getByRole("alert").textContent).toMatch(/^What Codex waits for could not be read/);
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(retry).toHaveBeenCalledOnce();
  await loopback.close();
});

describe("an answer of which nothing is known", () => {
  const row = { requestId: 1, method: QUESTION, threadId: THREAD, turnId: TURN, itemId: "i", status: "pending", createdAt: 1, updatedAt: 1 };
  const asked = { ...row, payloadJson: JSON.stringify({ method: QUESTION, id: 1, params: { questions: [question(["a"])] } }) };

  async function answered(getCommand: () => unknown) {
    const loopback = new Loopback({
      query: (name) => (/getCommand/.test(name) ? getCommand() : /Approvals/.test(name) ? { page: [], isDone: true, continueCursor: "" } : [asked]),
      mutation: () => ({ commandId: "c", state: "queued" }),
    });
    page(loopback);
    fireEvent.click(await screen.findByLabelText("a"));
    fireEvent.click(screen.getByRole("button", { name: "Answer" }));
    const said = (await screen.findByRole("alert")).textContent;
    const isLocked = screen.getByRole<HTMLButtonElement>("button", { name: /Answer|On its way/ }).disabled;
    await loopback.close();
    return { said, isLocked };
  }

  it("as its command is no longer kept, can be given again", async () => {
    const { said, isLocked } = await answered(() => null);
    expect([said, isLocked]).toEqual(["What became of your answer is no longer known. You can answer again.", false]);
  });

  it("as its command cannot be read, is said to be so", async () => {
    const { said, isLocked } = await answered(() => {
      throw new Error("no such index");
    });
    expect(said).toMatch(/^What became of your answer could not be read\./);
    expect(isLocked).toBe(true);
  });
});

describe("the card of a question", () => {
  function show(params: object, more: Partial<CodexServerRequestView> = {}) {
    const onAnswer = vi.fn();
    const payloadJson = JSON.stringify({ method: QUESTION, id: 1, params });
    const row = { requestId: 1, method: QUESTION, threadId: "t", turnId: "", itemId: "", payloadJson, status: "pending", createdAt: 0, updatedAt: 0 } as const;
    render(<QuestionCard request={{ ...row, ...readCodexServerRequest(row), isAnswering: false, ...more }} onAnswer={onAnswer} />);
    return onAnswer;
  }

  it.each([
    ["other", "other"],
    ["", ""],
    ["-1", "-1"],
  ])("has an option labelled %j like any other", (label, answer) => {
    const onAnswer = show({ questions: [question(["a", label])] });
    const [, option] = screen.getAllByRole<HTMLInputElement>("radio");
    fireEvent.click(option!);
    expect(option!.checked).toBe(true);
    expect(screen.queryByRole("textbox")).toBeNull();
    fireEvent.submit(screen.getByRole("button", { name: "Answer" }).closest("form")!);
    expect(onAnswer).toHaveBeenCalledExactlyOnceWith({ q: [answer] });
  });

  it("takes another answer than its options, and words where it has none", () => {
    const onAnswer = show({ questions: [question(["a", "other"]), question([], { id: "p" })] });
    fireEvent.click(screen.getByLabelText("Another answer"));
    const [first, second] = screen.getAllByRole("textbox", { name: "Your answer" });
    fireEvent.change(first!, { target: { value: "mine" } });
    fireEvent.change(second!, { target: { value: "words" } });
    fireEvent.submit(screen.getByRole("button", { name: "Answer" }).closest("form")!);
    expect(onAnswer).toHaveBeenCalledExactlyOnceWith({ q: ["mine"], p: ["words"] });
  });

  it("can be scrolled by the keyboard", () => {
    show({ questions: [question(["a"])] });
    expect(screen.getByRole("group", { name: "What is asked" }).tabIndex).toBe(0);
  });

  it("says how long codex waits, once a second, and tells it to nobody each second", () => {
    vi.useFakeTimers({ now: 10_500 });
    show({ questions: [question(["a"])] }, { createdAt: 10_000, autoResolutionMs: 62_000 });
    const timer = screen.getByRole("timer");
    const saysAfter = (ms: number) => {
      act(() => void vi.advanceTimersByTime(ms));
      return timer.textContent.slice("Codex goes on without an answer".length);
    };
    expect(saysAfter(0)).toBe(" in 1 min 2 s.");
    expect(saysAfter(400)).toBe(" in 1 min 2 s.");
    expect(saysAfter(100)).toBe(" in 1 min 1 s.");
    expect(saysAfter(999)).toBe(" in 1 min 1 s.");
    expect(saysAfter(1)).toBe(" in 1 min 0 s.");
    for (let left = 59; left > 0; left -= 1) expect(saysAfter(1_000)).toBe(` in ${left} s.`);
    expect(saysAfter(1_000)).toBe(".");
    expect(timer.closest("[aria-live], [role=status], [role=alert]")).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("says nothing of time where codex waits", () => {
    show({ questions: [question(["a"])] });
    expect(screen.queryByRole("timer")).toBeNull();
  });
});
