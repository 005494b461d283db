import { describe, expect, it } from "vitest";
import { agentsIn, LoadedThreads, settingsOf } from "../../js-wrapper/runtime/threads.js";
import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";

const event = (kind: string, turnId?: string, params: object = {}, threadId = "t"): NormalizedEvent => ({
  ...{ eventId: "e", threadId, kind, payloadJson: JSON.stringify({ method: kind, params }), cursorStart: 0, cursorEnd: 1, createdAt: 1 },
  ...(turnId === undefined ? {} : { turnId }),
});

function loaded(...ids: string[]) {
  const threads = new LoadedThreads();
  for (const id of ids) threads.load(id);
  return threads;
}

describe("the turn of a thread", () => {
  it("runs from its start to its end", () => {
    const threads = loaded("t");
    expect(threads.saw(event("turn/started", "u"))).toEqual([]);
    expect([threads.running("t"), threads.runningAs("t", "u"), threads.running("s")]).toEqual(["u", "u", undefined]);
    expect(threads.saw(event("turn/completed", "u"))).toEqual(["u"]);
    expect(threads.running("t")).toBeUndefined();
  });

  it("is a review's by the id of its start, whichever is named, and ends by either", () => {
    const threads = loaded("t");
    threads.saw(event("item/started", "A"));
    threads.saw(event("turn/started", "B"));
    threads.saw(event("item/completed", "A"));
    expect([threads.runningAs("t", "A"), threads.runningAs("t", "B"), threads.runningAs("t", "C")]).toEqual(["B", "B", "C"]);
    expect(threads.saw(event("turn/completed", "A"))).toEqual(["A", "B"]);
    expect([threads.running("t"), threads.runningAs("t", "A")]).toEqual([undefined, "A"]);
  });

  it("is not another name of the one before, of which something comes late", () => {
    const threads = loaded("t");
    threads.saw(event("turn/started", "u"));
    threads.saw(event("turn/completed", "u"));
    threads.saw(event("turn/started", "v"));
    threads.saw(event("item/commandExecution/outputDelta", "u"));
    threads.saw(event("turn/started", "u"));
    expect([threads.running("t"), threads.runningAs("t", "u")]).toEqual(["v", "u"]);
  });

  it("runs as soon as codex has taken it, unless its end came before that, or one runs that it steers", () => {
    const threads = loaded("t");
    threads.taken("t", "u");
    expect(threads.running("t")).toBe("u");
    threads.saw(event("turn/started", "v"));
    threads.taken("t", "A");
    expect(threads.running("t")).toBe("v");
    threads.saw(event("turn/completed", "v"));
    threads.taken("t", "v");
    expect(threads.running("t")).toBeUndefined();
  });

  it("is over with its process, and told to be where nobody tells of it", () => {
    const threads = loaded("t", "s");
    threads.taken("t", "u");
    expect([threads.processEnded(), threads.running("t"), threads.processEnded()]).toEqual([[["t", "u"]], undefined, []]);
  });

  it("of a thread that is not loaded ends all the same", () => {
    const threads = loaded();
    expect([threads.saw(event("turn/completed", "u")), threads.isLoaded("t")]).toEqual([["u"], false]);
  });

  it("says that its thread is loaded: of an agent's, codex tells no start", () => {
    const threads = loaded();
    threads.saw(event("thread/status/changed", undefined, { status: { type: "idle" } }));
    threads.saw(event("turn/started", "u"));
    expect([threads.isLoaded("t"), threads.running("t"), threads.list()]).toEqual([true, "u", ["t"]]);
  });
});

describe("the threads of a process", () => {
  it("come and go", () => {
    const threads = loaded("t");
    threads.saw(event("thread/started", undefined, { thread: { id: "s" } }, "s"));
    expect([threads.list(), threads.isLoaded("s")]).toEqual([["t", "s"], true]);
    for (const kind of ["thread/closed", "thread/archived", "thread/deleted"]) {
      threads.load("s");
      threads.saw(event(kind, undefined, {}, "s"));
      expect(threads.list()).toEqual(["t"]);
    }
  });

  it("that are loaded again keep what runs in them", () => {
    const threads = loaded("t");
    threads.saw(event("turn/started", "u"));
    threads.load("t");
    expect(threads.running("t")).toBe("u");
  });

  it("are others where a turn runs in them, but for a thread's own agents, however deep", () => {
    const threads = loaded("t", "other", "idle");
    threads.saw(event("thread/started", undefined, { thread: { id: "agent", parentThreadId: "t" } }, "agent"));
    threads.saw(event("thread/started", undefined, { thread: { id: "its", parentThreadId: "agent" } }, "its"));
    for (const id of ["t", "other", "agent", "its"]) threads.saw(event("turn/started", `u of ${id}`, {}, id));
    expect(threads.othersThatRun("t")).toEqual(["other"]);
    expect(threads.othersThatRun("agent")).toEqual(["t", "other"]);
    expect(threads.othersThatRun("other")).toEqual(["t", "agent", "its"]);
  });

  it("are a thread's agents also where that is known later, and stay those of whom was said first", () => {
    const threads = loaded("t", "agent", "named");
    for (const id of ["t", "agent", "named"]) threads.saw(event("turn/started", `u of ${id}`, {}, id));
    expect(threads.othersThatRun("t")).toEqual(["agent", "named"]);
    threads.load("agent", { parentId: "t" });
    threads.saw(event("item/completed", "u of t", { item: { type: "subAgentActivity", kind: "started", agentThreadId: "named" } }));
    expect(threads.othersThatRun("t")).toEqual([]);
    threads.load("agent", { parentId: "other" });
    threads.load("agent");
    expect(threads.othersThatRun("t")).toEqual([]);
    threads.unload("named");
    threads.load("named");
    threads.saw(event("turn/started", "v", {}, "named"));
    expect(threads.othersThatRun("t")).toEqual([]);
  });

  it("that name each other as parents are not followed for ever", () => {
    const threads = new LoadedThreads();
    threads.load("a", { parentId: "b" });
    threads.load("b", { parentId: "a" });
    for (const id of ["a", "b"]) threads.saw(event("turn/started", "u", {}, id));
    expect(threads.othersThatRun("other")).toEqual(["a", "b"]);
  });

  it("are known by their names in Convex", () => {
    const threads = loaded("t");
    threads.bind("t", "k1");
    expect([threads.inConvex("t"), threads.idOf("k1"), threads.inConvex("k1"), threads.idOf("t")]).toEqual(["k1", "t", undefined, undefined]);
  });
});

describe("the agents that an event names", () => {
  const spawn = { type: "collabAgentToolCall", tool: "spawnAgent", senderThreadId: "t", receiverThreadIds: ["a", "b"] };
  const activity = { type: "subAgentActivity", kind: "started", agentThreadId: "a", agentPath: "/a" };

  it.each<[what: string, event: NormalizedEvent, agents: object[]]>([
    ["of a thread's start is the thread", event("thread/started", undefined, { thread: { id: "a", parentThreadId: "t" } }, "a"), [{ id: "a", parentId: "t" }]],
    ["of one that is no agent's are none", event("thread/started", undefined, { thread: { id: "a", parentThreadId: null } }, "a"), []],
    ["of an older codex that does not say it are none", event("thread/started", undefined, {}, "a"), []],
    ["of a spawn are those that were begun", event("item/completed", "u", { item: spawn }), [{ id: "a", parentId: "t" }, { id: "b", parentId: "t" }]],
    ["of a spawn that has not begun them are none", event("item/started", "u", { item: { ...spawn, receiverThreadIds: [] } }), []],
    ["of another call are none: it may be anyone's", event("item/completed", "u", { item: { ...spawn, tool: "sendInput" } }), []],
    ["of an activity is the one that it began", event("item/completed", "u", { item: activity }), [{ id: "a", parentId: "t" }]],
    ["of another activity are none", event("item/completed", "u", { item: { ...activity, kind: "interacted" } }), []],
    ["are no ids that are none", event("item/completed", "u", { item: { ...spawn, receiverThreadIds: [1, "", null, "t"] } }), []],
    ["are none where nobody is said to have begun them", event("item/completed", "u", { item: { ...spawn, senderThreadId: null } }), []],
    ["of a text that speaks of them are none", event("item/completed", "u", { item: { type: "agentMessage", text: "collabAgentToolCall" } }), []],
    ["of an item that was cut are none", event("item/completed", "u", { itemId: "subAgentActivity" }), []],
    ["of something else that has an item are none", event("rawResponseItem/completed", "u", { item: activity }), []],
  ])("%s", (_what, seen, agents) => expect(agentsIn(seen)).toEqual(agents));
});

describe("the settings of a thread", () => {
  const answer = { cwd: "/w", approvalPolicy: "never", sandbox: { type: "readOnly" } };

  it("are what codex answered, then what it said last", () => {
    const threads = new LoadedThreads();
    threads.load("t", { settings: settingsOf(answer) });
    expect(threads.settings("t")).toEqual({ cwd: "/w", approvalPolicy: "never", sandboxPolicy: { type: "readOnly" } });
    threads.load("t");
    threads.saw(event("thread/settings/updated", undefined, { threadSettings: { cwd: "/v", approvalPolicy: "on-request", sandboxPolicy: { type: "dangerFullAccess" } } }));
    expect(threads.settings("t")).toEqual({ cwd: "/v", approvalPolicy: "on-request", sandboxPolicy: { type: "dangerFullAccess" } });
    threads.saw(event("thread/settings/updated", undefined, { threadSettings: null }));
    expect(threads.settings("t")).toMatchObject({ cwd: "/v" });
  });

  it("of a thread that somebody else began are its folder, and no more, and what codex says later is not undone by it", () => {
    const threads = new LoadedThreads();
    const start = event("thread/started", undefined, { thread: { id: "t", cwd: "/else" } });
    threads.saw(start);
    expect(threads.settings("t")).toEqual({ cwd: "/else", approvalPolicy: null, sandboxPolicy: null });
    threads.load("t", { settings: settingsOf(answer) });
    threads.saw(start);
    expect(threads.settings("t")).toMatchObject({ cwd: "/w", approvalPolicy: "never" });
  });

  it("of an agent of which nothing is told are its parent's folder", () => {
    const threads = new LoadedThreads();
    threads.load("p", { settings: settingsOf(answer) });
    threads.load("a", { parentId: "p" });
    expect(threads.settings("a")).toEqual({ cwd: "/w", approvalPolicy: null, sandboxPolicy: null });
    threads.load("a", { settings: settingsOf({ ...answer, cwd: "/a" }) });
    expect(threads.settings("a")).toMatchObject({ cwd: "/a", approvalPolicy: "never" });
  });

  it("that codex does not tell are not known", () => {
    const unknown = [settingsOf(null), settingsOf({ ...answer, cwd: 1 }), settingsOf("x"), loaded("t").settings("t"), loaded().settings("t")];
    expect(unknown).toEqual(unknown.map(() => undefined));
    expect(settingsOf({ cwd: "/w" })).toEqual({ cwd: "/w", approvalPolicy: null, sandboxPolicy: null });
  });
});
