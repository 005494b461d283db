import { describe, expect, it } from "vitest";
import type { CodexPresence, CodexMachine } from "../../js-wrapper/host/component.js";
import { codexActivity, codexContextUsed, codexIngestHealth, codexLogin, codexPresentThreads, codexReach } from "../../js-wrapper/react/index.js";

const HERE: CodexPresence = { machine: "here", bridge: "up", codex: "up", login: "in", thread: "here" };
const AWAY: CodexPresence = { machine: "away", bridge: "unknown", codex: "unknown", login: "unknown", thread: "nowhere" };
const CURRENT = { threadId: "t", pendingRequests: 0, behind: 0, catchingUp: false };

it.each([
  [{}, "reachable"],
  [{ login: "unknown" as const }, "reachable"],
  [{ thread: "elsewhere" as const }, "elsewhere"],
  [{ thread: "nowhere" as const }, "notLoaded"],
  [{ login: "out" as const, thread: "nowhere" as const }, "signedOut"],
  [{ codex: "starting" as const, login: "out" as const }, "starting"],
  [{ codex: "down" as const }, "stopped"],
  [{ bridge: "stopped" as const, codex: "starting" as const }, "stopped"],
  [{ bridge: "failed" as const, codex: "down" as const }, "failed"],
  [AWAY, "away"],
  [{ ...AWAY, machine: "never" as const }, "never"],
])("a machine with %o is %s", (change, word) => {
  expect(codexReach({ ...HERE, ...change })).toBe(word);
});

describe("events", () => {
  it.each([
    [HERE, undefined, "live", 0],
    [{ ...HERE, current: { ...CURRENT, behind: 3 } }, undefined, "live", 3],
    [{ ...HERE, current: { ...CURRENT, behind: 300, catchingUp: true, oldestEventAt: 5 } }, undefined, "catchingUp", 300],
    [AWAY, undefined, "away", 0],
    [AWAY, { activeStreams: [{ streamId: "s", state: "streaming" as const }] }, "cut", 0],
    [{ ...AWAY, current: { ...CURRENT, behind: 1 } }, null, "cut", 1],
    [{ ...AWAY, current: { ...CURRENT, turnId: "u" } }, null, "cut", 0],
    [{ ...AWAY, machine: "never" as const }, null, "never", 0],
  ])("of %o with %o are %s, %i behind", (given, state, status, behind) => {
    const presence: CodexPresence = given;
    expect(codexIngestHealth(presence, state)).toEqual({ status, behind, oldestEventAt: presence.current?.oldestEventAt });
  });
});

describe("machines", () => {
  const machine = (runtimeId: string, away: boolean, login: CodexMachine["login"], turnId?: string): CodexMachine => ({
    ...{ runtimeId, deviceId: "d", generation: 1, phase: "ready", login, away, beatAt: 1 },
    threads: [{ ...CURRENT, ...(turnId !== undefined && { turnId }) }],
  });

  it("tell of threads, the one that is here first", () => {
    const threads = codexPresentThreads([machine("gone", true, "in"), machine("here", false, "in", "u"), machine("other", false, "in")]);
    expect([...threads]).toEqual([["t", { ...CURRENT, turnId: "u", runtimeId: "here", deviceId: "d", away: false }]]);
  });

  it.each([
    [[], "unknown"],
    [[machine("a", false, "out"), machine("b", false, "in")], "in"],
    [[machine("a", false, "out"), machine("b", true, "in")], "out"],
    [[machine("a", false, "unknown")], "unknown"],
  ])("%# say whether codex is signed in", (machines, login) => {
    expect(codexLogin(machines)).toBe(login);
  });
});

describe("codex", () => {
  const item = (sourceItemType: string, status: "streaming" | "completed" = "streaming", turnId = "u") => ({ turnId, messageId: sourceItemType, status, sourceItemType, text: "words" });
  const running = { turns: [{ turnId: "u", status: "inProgress" as const }] };

  it.each([
    ["reasoning", "thinking", ""],
    ["agentMessage", "writing", ""],
    ["plan", "planning", ""],
    ["commandExecution", "runningCommand", "words"],
    ["fileChange", "editingFiles", "words"],
    ["mcpToolCall", "callingTool", "words"],
    ["webSearch", "searching", "words"],
    ["contextCompaction", "compacting", "words"],
    ["constructor", "working", "words"],
  ])("at a %s is %s", (type, kind, text) => {
    expect(codexActivity({ messages: [item("agentMessage", "completed"), item(type)] })).toEqual({ kind, text, turnId: "u", messageId: type });
  });

  it("is at nothing, thinks between two items, and is not at a turn of before", () => {
    const done = [item("agentMessage", "completed")];
    expect(codexActivity({ messages: [] })).toEqual({ kind: "idle", text: "" });
    expect(codexActivity({ messages: done, ...running })).toEqual({ kind: "thinking", text: "", turnId: "u" });
    expect(codexActivity({ messages: [item("agentMessage"), item("userMessage", "completed", "v")], turns: [] })).toMatchObject({ kind: "idle" });
    expect(codexActivity({ messages: done, presence: { ...HERE, current: { ...CURRENT, turnId: "w" } } })).toMatchObject({ kind: "thinking", turnId: "w" });
    const told = { messages: done, presence: { ...HERE, current: { ...CURRENT, turnId: "w" } } };
    expect(codexActivity({ ...told, turns: [{ turnId: "w", status: "completed" }] })).toEqual({ kind: "idle", text: "" });
    expect(codexActivity({ ...told, turns: [{ turnId: "x", status: "queued" }, { turnId: "w", status: "interrupted" }] })).toEqual({ kind: "queued", text: "" });
    expect(codexActivity({ ...told, turns: [{ turnId: "w", status: "queued" }] })).toMatchObject({ kind: "thinking", turnId: "w" });
    expect(codexActivity({ messages: done, presence: { ...AWAY, current: { ...CURRENT, turnId: "w" } } })).toMatchObject({ kind: "idle" });
  });

  it("waits for people before anything else, and for the machine where none takes what was sent", () => {
    const messages = [item("commandExecution")];
    expect(codexActivity({ messages, approvals: [1], questions: [1] })).toMatchObject({ kind: "waitingForApproval", turnId: "u" });
    expect(codexActivity({ messages, questions: [1] })).toMatchObject({ kind: "waitingForAnswer" });
    expect(codexActivity({ messages: [], openCommands: [1], presence: HERE })).toEqual({ kind: "queued", text: "" });
    expect(codexActivity({ messages: [], openCommands: [1] })).toMatchObject({ kind: "queued" });
    expect(codexActivity({ messages: [], turns: [{ turnId: "q", status: "queued" }], presence: AWAY })).toEqual({ kind: "waitingForMachine", text: "", reach: "away" });
  });
});

it("tells how full the context is", () => {
  const counts = { totalTokens: 50, inputTokens: 0, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 0, reasoningOutputTokens: 0 };
  expect(codexContextUsed({ total: counts, last: counts, modelContextWindow: 200 })).toBe(0.25);
  expect(codexContextUsed({ total: counts, last: counts, modelContextWindow: 20 })).toBe(1);
  expect([codexContextUsed({ total: counts, last: counts }), codexContextUsed({ total: counts, last: counts, modelContextWindow: 0 })]).toEqual([undefined, undefined]);
});
