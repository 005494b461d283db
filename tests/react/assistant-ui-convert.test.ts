import { fromThreadMessageLike } from "@assistant-ui/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { decisionOf, type AskedApproval, type AskedQuestion } from "../../js-wrapper/assistant-ui/asked.js";
import { convertCodexMessages, NO_THREAD_MESSAGES, type CodexThreadSource } from "../../js-wrapper/assistant-ui/index.js";
import { inputOfAppended } from "../../js-wrapper/assistant-ui/use-codex-external-store.js";
import { codexMessageKey } from "../../js-wrapper/mapping/index.js";
import type { CodexUIMessage } from "../../js-wrapper/react/index.js";

afterEach(() => {
  vi.restoreAllMocks();
});

let order = 0;
const said = (messageId: string, given: Partial<CodexUIMessage> = {}): CodexUIMessage => ({
  _id: codexMessageKey(given.turnId ?? "t", messageId),
  messageId,
  turnId: "t",
  role: "assistant",
  status: "completed",
  text: messageId,
  orderInTurn: order++,
  createdAt: 1,
  updatedAt: 1,
  ...given,
});
const item = (fields: object) => JSON.stringify({ item: fields });
const user = (messageId: string, given: Partial<CodexUIMessage> = {}) => said(messageId, { role: "user", sourceItemType: "userMessage", ...given });
const command = (messageId: string, fields: object = {}, given: Partial<CodexUIMessage> = {}) =>
  said(messageId, {
    role: "tool",
    sourceItemType: "commandExecution",
    text: "ls",
    payloadJson: item({ type: "commandExecution", id: messageId, command: "ls", cwd: "/src", status: "completed", processId: null, source: "agent", ...fields }),
    ...given,
  });
const approval = (given: Partial<AskedApproval> = {}): AskedApproval => {
  const params = { threadId: "th", turnId: "t", itemId: "c", command: "ls -a", cwd: "/src", reason: "to look" };
  return { threadId: "th", turnId: "t", itemId: "c", kind: "commandExecution", requestId: 0, method: "item/commandExecution/requestApproval", createdAt: 1, payloadJson: JSON.stringify({ params }), ...given };
};

const convert = (source: CodexThreadSource | CodexUIMessage[], previous = NO_THREAD_MESSAGES) =>
  convertCodexMessages(Array.isArray(source) ? { messages: source } : source, previous);
const messagesOf = (source: CodexThreadSource | CodexUIMessage[]) => convert(source).messages;
const shape = (source: CodexThreadSource | CodexUIMessage[]) =>
  messagesOf(source).map(({ role, content, status }) => [role, typeof content === "string" ? content : content.map((part) => part.type), ...(status ? [status.type] : [])]);
const partsOf = (...messages: CodexUIMessage[]) => messagesOf(messages).flatMap(({ content }) => (typeof content === "string" ? [] : content));

describe("a review", () => {
  it("is one text, though codex says it as its own item and as an answer", () => {
    const review = said("r", { sourceItemType: "exitedReviewMode", text: "wrong" });
    const answer = said("a", { sourceItemType: "agentMessage", text: "wrong" });
    expect(partsOf(review, answer)).toMatchObject([{ type: "text", text: "wrong" }]);
    expect(partsOf(answer, said("b", { sourceItemType: "agentMessage", text: "wrong" }))).toHaveLength(2);
  });
});

describe("a command that its turn's end cut off", () => {
  it("gives back what it had put out", () => {
    expect(partsOf(command("c", { aggregatedOutput: null }, { status: "interrupted", output: "tick" }))).toMatchObject([{ result: { status: "interrupted", aggregatedOutput: "tick" } }]);
  });
});

describe("grouping", () => {
  it("makes all of a turn's answer one message, and parts it where the user says more", () => {
    const turn = [user("u"), said("r", { sourceItemType: "reasoning" }), command("c"), said("a"), user("steer"), said("b")];
    expect(shape([...turn, user("u2", { turnId: "t2" }), said("a2", { turnId: "t2" }), said("a3", { turnId: "t3" })])).toEqual([
      ["user", ["text"]],
      ["assistant", ["reasoning", "tool-call", "text"], "complete"],
      ["user", ["text"]],
      ["assistant", ["text"], "complete"],
      ["user", ["text"]],
      ["assistant", ["text"], "complete"],
      ["assistant", ["text"], "complete"],
    ]);
  });

  it("gives every message an id of its own, which earlier pages do not change", () => {
    const turn = [user("u"), said("a"), user("steer"), said("b"), said("c", { turnId: "t2" }), said("d")];
    const ids = messagesOf(turn).map(({ id }) => id);
    expect(new Set(ids).size).toBe(6);
    expect(messagesOf(turn.slice(1)).map(({ id }) => id)).toEqual(ids.slice(1));
    expect(messagesOf([user("u"), said("a"), said("b")])[1]?.id).toBe(messagesOf([said("b")])[0]?.id);
  });
});

describe("identity", () => {
  it("is that of a message of which nothing changed, and of the list", () => {
    const messages = [user("u"), command("c"), said("a", { turnId: "t2" }), said("b", { turnId: "t3", status: "streaming" })];
    const first = convert({ messages, approvals: [approval()] });
    const again = convert({ messages: [...messages], approvals: [...[...first.known.asked.values()].map(({ row }) => row as AskedApproval)] }, first);
    expect(again.messages).toBe(first.messages);
    const grown = convert({ messages: [...messages.slice(0, 3), { ...messages[3]!, text: "more" }], approvals: [...first.known.asked.values()].map(({ row }) => row as AskedApproval) }, first);
    expect(grown.messages.slice(0, 3).map((message, at) => message === first.messages[at])).toEqual([true, true, true]);
    expect(grown.messages[3]).not.toBe(first.messages[3]);
  });

  it("costs no payload and no argument of what is there, however often a message grows", () => {
    const messages = [user("u"), ...Array.from({ length: 50 }, (_, at) => command(`c${at}`)), command("run", {}, { status: "streaming" })];
    let converted = convert({ messages, approvals: [] });
    const [parse, stringify] = [vi.spyOn(JSON, "parse"), vi.spyOn(JSON, "stringify")];
    for (let at = 0; at < 1_000; at += 1) {
      const last = { ...messages.at(-1)!, output: "x".repeat(at + 1) };
      converted = convert({ messages: [...messages.slice(0, -1), last] }, converted);
    }
    expect([parse.mock.calls.length, stringify.mock.calls.length]).toEqual([0, 0]);
    expect(converted.messages.at(-1)?.content.at(-1)).toMatchObject({ result: { aggregatedOutput: "x".repeat(1_000) } });
  });
});

describe("what a piece of text costs", () => {
  /** What is read of the messages that stay as they are while the last one grows. */
  function readsWhileGrowing(others: readonly CodexUIMessage[], source: Omit<CodexThreadSource, "messages"> = {}): number {
    let reads = 0;
    const counted = others.map(
      (one) =>
        new Proxy(one, {
          get(target, name) {
            reads += 1;
            return Reflect.get(target, name) as unknown;
          },
        }),
    );
    const last = said("last", { turnId: "t0", status: "streaming" });
    const thread = (text: string) => ({ ...source, messages: [...counted, { ...last, text }] });
    let converted = convert(thread(""));
    reads = 0;
    for (let at = 1; at <= 10; at += 1) converted = convert({ ...thread("word ".repeat(at)), turns: source.turns?.map((turn) => ({ ...turn })) }, converted);
    expect(converted.messages.at(source.commands === undefined ? -1 : -2)?.content.at(-1)).toMatchObject({ text: "word ".repeat(10) });
    return reads;
  }
  const turns = (count: number) =>
    Array.from({ length: count }, (_, at) => [user(`u${count - at}`, { turnId: `t${count - at}` }), command(`c${count - at}`, {}, { turnId: `t${count - at}` }), said(`a${count - at}`, { turnId: `t${count - at}` })]).flat();
  const sent = { commandId: "k", kind: "turn", state: "queued", isQueued: true, isOpen: true, isFailed: false, text: "go", payloadJson: "{}", createdAt: 5, clientTurnId: "ct", order: 0, rank: 0 } as const;

  it.each<[string, Omit<CodexThreadSource, "messages">]>([
    ["in a thread", {}],
    ["where its turns are listed anew", { runningTurnId: "t0", turns: [{ turnId: "t0", status: "inProgress" }, { turnId: "t1", status: "completed" }] }],
    ["where a message waits", { runningTurnId: "t0", commands: [sent] }],
  ])("is the same in a long one as in a short one, %s", (_, source) => {
    expect(readsWhileGrowing(turns(400), source)).toBe(readsWhileGrowing(turns(4), source));
  });

  it("is the same in a long turn as in a short one", () => {
    const inTurn = (count: number) => Array.from({ length: count }, (_, at) => command(`c${at}`, {}, { turnId: "t0" }));
    expect(readsWhileGrowing(inTurn(1_000))).toBe(readsWhileGrowing(inTurn(10)));
  });
});

it("comes to the same as a conversion of nothing before, whatever happens", () => {
  const echo = (clientId: string, given: Partial<CodexUIMessage> = {}) => user(`e-${clientId}`, { turnId: "t2", payloadJson: item({ type: "userMessage", clientId, content: [] }), ...given });
  const sent = { commandId: "k", kind: "turn", state: "queued", isQueued: true, isOpen: true, isFailed: false, text: "go", payloadJson: "{}", createdAt: 5, clientTurnId: "ct", order: 0, rank: 0 } as const;
  const [u, c, a, b] = [user("u"), command("c", {}, { status: "streaming" }), said("a", { status: "streaming" }), said("b", { turnId: "t2", status: "streaming" })];
  const grown = (one: CodexUIMessage, given: Partial<CodexUIMessage>) => ({ ...one, ...given });
  const inProgress = { runningTurnId: "t" };
  const steps: CodexThreadSource[] = [
    { messages: [] },
    { messages: [], approvals: [approval()], runningTurnId: "t" },
    { messages: [u, c, a], ...inProgress },
    { messages: [u, grown(c, { output: "x" }), grown(a, { text: "a word" })], ...inProgress },
    { messages: [u, grown(c, { output: "x" }), grown(a, { text: "a word more" })], ...inProgress, approvals: [approval()] },
    { messages: [u, grown(c, { status: "failed", error: "no" }), grown(a, { text: "a word more", status: "completed" })], commands: [sent] },
    { messages: [u, c, a], turns: [{ turnId: "t", status: "failed" }], commands: [sent] },
    { messages: [u], turns: [{ turnId: "t", status: "failed" }] },
    { messages: [grown(u, { text: "other words" })], turns: [{ turnId: "t", status: "failed" }] },
    { messages: [u, c, a, b], commands: [sent] },
    { messages: [u, c, a, grown(b, { role: "user" })], commands: [sent] },
    { messages: [u, c, a, echo("else"), b], commands: [sent] },
    { messages: [u, c, a, grown(echo("ct"), { _id: echo("else")._id }), b], commands: [sent] },
    { messages: [u, c, a, grown(echo("else"), { text: "t" }), grown(b, { turnId: "t3" })], commands: [sent], hasQueue: true },
    { messages: [u, u, c], commands: [sent] },
    { messages: [u, c, a, a], commands: [sent] },
    { messages: [u, c, grown(a, { text: "more" }), grown(a, { text: "most" })] },
  ];
  let converted = NO_THREAD_MESSAGES;
  for (const step of steps) {
    converted = convert(step, converted);
    expect(converted.messages).toEqual(messagesOf(step));
  }
});

describe("a tool's call", () => {
  it("has what a command was asked, and what came of it", () => {
    const done = command("c", { aggregatedOutput: "a.ts", exitCode: 0 });
    expect(partsOf(done)).toEqual([
      {
        type: "tool-call",
        toolCallId: done._id,
        toolName: "commandExecution",
        args: { command: "ls", cwd: "/src" },
        argsText: '{"command":"ls","cwd":"/src"}',
        result: { status: "completed", aggregatedOutput: "a.ts", exitCode: 0 },
        artifact: { message: done },
      },
    ]);
  });

  it("that runs has no result, or the output so far", () => {
    const [quiet, loud] = partsOf(command("c", {}, { status: "streaming" }), command("d", {}, { status: "streaming", output: "a" }));
    expect(quiet).not.toHaveProperty("result");
    expect(loud).toMatchObject({ result: { aggregatedOutput: "a" }, isPreliminary: true });
  });

  it.each([
    [{ type: "mcpToolCall", tool: "find", server: "s", arguments: { q: 1 }, result: { content: [] } }, { toolName: "find", args: { q: 1 }, result: { status: "completed", result: { content: [] } } }],
    [{ type: "dynamicToolCall", tool: "ask", arguments: ["a"], success: true }, { toolName: "ask", args: { arguments: ["a"] }, result: { success: true } }],
    [{ type: "fileChange", changes: [{ path: "a" }] }, { toolName: "fileChange", args: { changes: [{ path: "a" }] }, result: { status: "completed" } }],
    [{ type: "imageView", id: "i", $payload: { units: 9 } }, { toolName: "imageView", args: { text: "words" } }],
    [{ type: "imageView", path: "a.png" }, { toolName: "imageView", args: { path: "a.png" } }],
    [{ type: "constructor", id: "i", odd: 1 }, { toolName: "constructor", args: { odd: 1 } }],
    [{ type: "fileChange", id: "i", $payload: { units: 9 } }, { toolName: "fileChange", args: { text: "words" } }],
  ])("reads %j", (fields, expected) => {
    expect(partsOf(said("m", { role: "tool", sourceItemType: fields.type, text: "words", payloadJson: item(fields) }))).toMatchObject([expected]);
  });

  it.each(["", "{", "null", "[]", `{"item":{"deep":${"[".repeat(9_000)}${"]".repeat(9_000)}}}`])("that cannot be read is there all the same (%#)", (payloadJson) => {
    expect(partsOf(said("m", { role: "tool", sourceItemType: "later", payloadJson, status: "failed", error: "no" }))).toMatchObject([{ toolName: "later", isError: true, result: { status: "failed", error: "no" } }]);
  });
});

describe("what was said", () => {
  const png = "data:image/png;base64,AAAA";
  it("keeps images that it holds, and never loads one that lies elsewhere", () => {
    const content = [{ type: "text", text: "u" }, { type: "image", url: png }, { type: "image", url: "https://x.test/a.png" }, { type: "image", url: "data:image/svg+xml;base64,AAAA" }, { type: "skill", name: "s" }];
    expect(partsOf(user("u", { payloadJson: item({ content }) }))).toMatchObject([
      { type: "text", text: "u" },
      { type: "image", image: png },
      { type: "data", name: "image" },
      { type: "data", name: "image" },
      { type: "data", name: "skill", data: { name: "s" } },
    ]);
  });

  const sent = { commandId: "k", kind: "turn", state: "queued", isQueued: true, isOpen: true, isFailed: false, text: "go", payloadJson: '{"input":[{"type":"text","text":"go"}]}', createdAt: 5, clientTurnId: "ct", order: 0, rank: 0 } as const;
  const newer = { ...sent, commandId: "k2", text: "then", clientTurnId: "ct2", order: 1 };
  const wordsOf = (source: CodexThreadSource) => messagesOf(source).map(({ content }) => (content[0] as { text?: string }).text);

  it("waits as what the user says until codex gives it back", () => {
    const others = [{ ...sent, commandId: "s", kind: "interrupt" as const }, { ...sent, commandId: "d", isOpen: false, isQueued: false, state: "refused" as const }];
    const shown = messagesOf({ messages: [user("u")], commands: [newer, sent, ...others] });
    expect(shown.slice(1)).toMatchObject([{ role: "user", content: [{ text: "go" }] }, { role: "user", content: [{ text: "then" }] }]);
    const echo = user("e", { payloadJson: item({ type: "userMessage", clientId: "ct", content: [] }) });
    expect(messagesOf({ messages: [echo], commands: [sent] })).toHaveLength(1);
  });

  it("is no message while a queue shows it, and is one once the machine has it, or nothing is before it", () => {
    const steer = { ...sent, commandId: "s", kind: "steer", text: "rather so", clientTurnId: "s", order: 2 } as const;
    const commands = [steer, newer, sent];
    expect(wordsOf({ messages: [], commands, hasQueue: true, runningTurnId: "t" })).toEqual([]);
    expect(wordsOf({ messages: [], commands, hasQueue: true })).toEqual(["go"]);
    expect(wordsOf({ messages: [], commands, runningTurnId: "t" })).toEqual(["go", "then", "rather so"]);
    const leased = { state: "leased", isQueued: false } as const;
    expect(wordsOf({ messages: [], commands: [{ ...steer, ...leased }, newer, { ...sent, ...leased }], hasQueue: true })).toEqual(["go", "rather so"]);
  });

  it("is a message from when it was taken into the turn that runs until codex comes to it", () => {
    const steer = { ...sent, commandId: "s", kind: "steer", state: "accepted", isQueued: false, isOpen: false, turnId: "t", clientTurnId: "s" } as const;
    // The turn's start is before it.
    const first = user("u", { orderInTurn: 1, updatedAt: steer.createdAt });
    const shown = (source: Partial<CodexThreadSource>) => wordsOf({ messages: [first], commands: [steer], runningTurnId: "t", hasQueue: true, ...source });
    expect(shown({})).toEqual(["u", "go"]);
    expect(shown({ messages: [first, user("e", { payloadJson: item({ type: "userMessage", clientId: "s", content: [] }) })] })).toEqual(["u", "e"]);
    // Its echo may be among what is not loaded.
    expect(shown({ messages: [user("u", { orderInTurn: 7, updatedAt: steer.createdAt + 1 })] })).toEqual(["u"]);
    expect(shown({ messages: [user("u", { orderInTurn: 7, updatedAt: steer.createdAt + 1 })], isWhole: true })).toEqual(["u", "go"]);
    expect(shown({ messages: [user("u", { turnId: "before", updatedAt: steer.createdAt + 1 })] })).toEqual(["u", "go"]);
    expect(shown({ runningTurnId: "later" })).toEqual(["u"]);
    expect(shown({ commands: [{ ...steer, state: "refused", isFailed: true }] })).toEqual(["u"]);
  });

  it("makes marks of the system's words", () => {
    expect(partsOf(said("m", { role: "system", sourceItemType: "contextCompaction", text: "" }))).toMatchObject([{ type: "data", name: "contextCompaction" }]);
  });
});

describe("how an answer stands", () => {
  const stands = (source: CodexThreadSource) => messagesOf(source).at(-1)?.status;
  it.each([
    [[said("a", { status: "streaming" })], { type: "running" }],
    [[said("a")], { type: "complete", reason: "stop" }],
    [[said("a", { status: "failed", error: "quota" })], { type: "incomplete", reason: "error", error: "quota" }],
    [[said("a", { status: "interrupted" })], { type: "incomplete", reason: "cancelled" }],
    [[command("c", {}, { status: "failed" })], { type: "complete", reason: "stop" }],
  ])("is told by its messages (%#)", (messages, status) => {
    expect(stands({ messages })).toEqual(status);
  });

  it("is that of its turn, where that is known", () => {
    const messages = [user("u"), said("a")];
    expect(stands({ messages, runningTurnId: "t" })).toEqual({ type: "running" });
    expect(stands({ messages, turns: [{ turnId: "t", status: "interrupted" }] })).toMatchObject({ reason: "cancelled" });
    expect(stands({ messages: [said("a", { status: "streaming" })], turns: [{ turnId: "t", status: "completed" }] })).toMatchObject({ type: "complete" });
    expect(messagesOf({ messages: [user("u"), said("a"), user("s"), said("b")], turns: [{ turnId: "t", status: "failed" }] }).map(({ status }) => status?.type)).toEqual([undefined, "complete", undefined, "incomplete"]);
  });

  it("is told by an empty one, where a turn ends before codex says a word", () => {
    expect(shape({ messages: [user("u")], turns: [{ turnId: "t", status: "failed" }] })).toEqual([["user", ["text"]], ["assistant", [], "incomplete"]]);
    expect(shape({ messages: [user("u")], turns: [{ turnId: "t", status: "inProgress" }] })).toEqual([["user", ["text"]]]);
  });
});

describe("what waits", () => {
  it("is the approval of the call that it is about, with all that is decided on", () => {
    const [message] = messagesOf({ messages: [command("c", {}, { status: "streaming" })], approvals: [approval()], runningTurnId: "t" });
    expect(message?.status).toEqual({ type: "requires-action", reason: "interrupt" });
    expect(message?.content).toMatchObject([{ toolName: "commandExecution", args: { command: "ls -a", cwd: "/src", reason: "to look" }, approval: { options: [{ kind: "allow-once" }, { kind: "allow-always" }, { kind: "reject-once" }, { kind: "reject-once" }] }, artifact: { request: { requestId: 0 } } }]);
  });

  it("is a call of its own where it is about no call, or a second time about one", () => {
    const waits = command("c", {}, { status: "streaming" });
    expect(shape({ messages: [user("u"), waits], approvals: [approval({ requestId: 2, createdAt: 2 }), approval()] })).toEqual([["user", ["text"]], ["assistant", ["tool-call", "tool-call"], "requires-action"]]);
    expect(shape({ messages: [user("u")], approvals: [approval()] })).toEqual([["user", ["text"]], ["assistant", ["tool-call"], "requires-action"]]);
    expect(shape({ messages: [], approvals: [approval()] })).toEqual([["assistant", ["tool-call"], "requires-action"]]);
  });

  it("is about the use of its item that waits, not about one that has ended", () => {
    const asks = (...messages: CodexUIMessage[]) => {
      const content = messagesOf({ messages, approvals: [approval()] })[0]!.content as readonly { type: string; approval?: unknown; artifact?: { message?: CodexUIMessage } }[];
      return content.filter((part) => part.approval !== undefined).map((part) => part.artifact?.message?.messageId);
    };
    const ended = command("c");
    expect(asks(ended, command("c#2", {}, { status: "streaming" }))).toEqual(["c#2"]);
    expect(asks(ended)).toEqual([undefined]);
  });

  it("may be questions", () => {
    const asked = [{ id: "q", header: "H", question: "Which?", isOther: false, isSecret: false, options: [{ label: "A", description: "a" }] }];
    const question: AskedQuestion = { threadId: "th", turnId: "t", itemId: "x", requestId: 1, createdAt: 1, method: "item/tool/requestUserInput", kind: "question", status: "pending", asked, canAnswer: true, isAnswering: false };
    const [message] = messagesOf({ messages: [], requests: [question] });
    expect(message?.content).toMatchObject([{ approval: { display: "questions", questions: [{ id: "q", prompt: "Which?", allowFreeform: false, options: [{ id: "A", label: "A" }] }] } }]);
    for (const other of [{ canAnswer: false }, { status: "answering" as const }, { isAnswering: true }, { answerCommandId: "k" }, { kind: "elicitation" as const }]) {
      expect(messagesOf({ messages: [], requests: [{ ...question, ...other }] })).toEqual([]);
    }
    const refused = { commandId: "k", kind: "answer", state: "refused", isOpen: false, isQueued: false, isFailed: true, text: "", payloadJson: "{}", createdAt: 1, order: 0, rank: 0 } as const;
    expect(messagesOf({ messages: [], requests: [{ ...question, answerCommandId: "k" }], commands: [refused] })).toHaveLength(1);
    const cancelled = { ...refused, state: "cancelled" as const, isFailed: false };
    expect(messagesOf({ messages: [], requests: [{ ...question, answerCommandId: "k" }], commands: [cancelled] })).toHaveLength(1);
  });

  it("is decided in the words of the one who asks", () => {
    const amendment = { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["ls"] } };
    const row = approval({ payloadJson: JSON.stringify({ params: { availableDecisions: ["accept", amendment, "decline", "cancel"] } }) });
    const decide = (approved: boolean, optionId?: unknown) => decisionOf(row, { approved, ...(optionId !== undefined && { optionId: JSON.stringify(optionId) }) });
    expect([decide(true), decide(false), decide(true, "accept"), decide(false, "decline")]).toEqual(["accepted", "declined", "accepted", "declined"]);
    expect([decide(true, amendment), decide(false, "cancel")]).toEqual([{ json: JSON.stringify(amendment) }, { json: '"cancel"' }]);
    expect(() => decide(true, "acceptForSession")).toThrow("not among the decisions");
    const [message] = messagesOf({ messages: [], approvals: [row] });
    expect(message?.content[0]).toMatchObject({ approval: { options: [{}, { kind: "allow-always", grants: ['{"execpolicy_amendment":["ls"]}'], confirm: true }, {}, {}] } });
  });
});

it("sends texts and images, and refuses what codex does not take", () => {
  const content = [{ type: "text", text: "look" }, { type: "image", image: "data:image/png;base64,AAAA" }] as const;
  expect(inputOfAppended({ content, attachments: [] })).toEqual([{ type: "text", text: "look", text_elements: [] }, { type: "image", url: "data:image/png;base64,AAAA" }]);
  expect(() => inputOfAppended({ content: [{ type: "file", data: "", mimeType: "a/b" }], attachments: [] })).toThrow("`file`");
});

it("is taken by assistant-ui as it is", () => {
  const all = messagesOf({ messages: [user("u"), command("c"), said("m", { role: "system" }), said("r", { sourceItemType: "reasoning" })], approvals: [approval()] });
  // What the library itself reads every message with.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  for (const message of all) expect(fromThreadMessageLike(message, "x", { type: "running" }).id).toBe(message.id);
});
