/** Agents that codex begins of itself, each in a thread of its own, through the runtime. */
import { mutationGeneric } from "convex/server";
import { v } from "convex/values";
import { describe, expect, it, vi } from "vitest";
import { ensureThreadByCreate, resolveActorFromDeviceToken } from "../../js-wrapper/host/convex.js";
import { shownSha256Of } from "../../js-wrapper/mapping/index.js";
import { api, dump, messagesOf, OWNER, startComponent, type Component } from "../convex/build.js";
import { codexLocal } from "../convex/app.js";
import { persistenceOver, runtimeOver, runtimeWith, START } from "./build.js";
import { chat, host, said, startMachine, WAIT } from "./machine.js";

/** A turn that waits for its agent, whose turn asks whether a command may run. */
const standIn = { agentIn: "u1", askIn: "u2", holdIn: "u1" };
const AGENT = "019a3b5c-0000-7000-8000-000000000009";

const textsOf = async (component: Component, threadId: string) => (await messagesOf(component, threadId)).map(({ text, status }) => [text, status]);

const familyOf = async (component: Component) => (await dump(component)).threads.map(({ threadId, localThreadId, parentThreadId }) => [threadId, localThreadId, parentThreadId]);

describe("a sub-agent's thread", () => {
  it("has its own in Convex: events, approvals and turns of each are its own, and its turn's end leaves the parent's in flight", async () => {
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component, { standIn });
    await runtime.start(START);
    await runtime.ready();
    const { threadId: parent, runtimeThreadId } = runtime.getState();
    runtime.sendTurn("Ask it.");
    await vi.waitFor(() => expect(runtime.getState().pendingServerRequestCount).toBe(1), WAIT);
    const { turnId } = runtime.getState();
    expect([runtime.listPendingServerRequests(AGENT).length, runtime.listPendingServerRequests(runtimeThreadId!).length]).toEqual([1, 0]);
    const approvals = (threadId?: string) => component.query(api.approvals.listPending, { actor: OWNER, ...(threadId === undefined ? {} : { threadId }), paginationOpts: { cursor: null, numItems: 10 } });
    await vi.waitFor(async () => expect((await approvals()).page).toHaveLength(1), WAIT);
    const { threadId: agent } = (await approvals()).page[0]!;
    expect((await approvals(parent!)).page).toEqual([]);
    expect(await familyOf(component)).toEqual([[parent, runtimeThreadId, undefined], [agent, AGENT, parent]]);

    runtime.respondCommandApproval({ requestId: 0, decision: "accept" });
    await vi.waitFor(async () => expect(await textsOf(component, agent)).toEqual([["Look.", "completed"], ["you said: Look.", "completed"], ["ls", "completed"]]), WAIT);
    // The agent's turn has ended; the parent's is the one that runs.
    expect(runtime.getState()).toMatchObject({ phase: "running", turnInFlight: true, turnId, pendingServerRequestCount: 0 });
    await vi.waitFor(async () => expect(await textsOf(component, parent!)).toEqual([["Ask it.", "completed"], ["you said: ", "streaming"], ["spawnAgent", "completed"]]), WAIT);
    await runtime.appServer.request("turn/steer", { threadId: runtimeThreadId!, expectedTurnId: turnId!, input: [{ type: "text", text: "Enough.", text_elements: [] }] });
    await vi.waitFor(async () => expect(await textsOf(component, parent!)).toEqual([["Ask it.", "completed"], ["you said: Ask it.", "completed"], ["spawnAgent", "completed"], ["Enough.", "completed"]]), WAIT);

    const { turns, streamHeads, serverRequests, quarantine } = await dump(component);
    const ofEach = <Row extends { threadId: string }>(rows: Row[]) => [parent, agent].map((thread) => rows.filter(({ threadId }) => threadId === thread));
    expect(ofEach(turns)).toMatchObject([[{ turnId, status: "completed", source: "codex" }], [{ status: "completed", source: "codex" }]]);
    expect(ofEach(streamHeads)).toMatchObject([[{ streamId: `${runtimeThreadId!}:${turnId!}:0` }], [{ streamId: expect.stringMatching(`^${AGENT}:`) as unknown }]]);
    expect(serverRequests).toMatchObject([{ threadId: agent, status: "answered" }]);
    expect([quarantine, problems]).toEqual([[], []]);
  });

  it("is steered from afar as its parent's is: its approval is the same people's, and a turn goes into it while the parent's runs", async () => {
    const { ann, runtime, runs, threadId: parent, says, problems } = await startMachine({ standIn });
    runtime.sendTurn("Ask it.");
    await runs();
    const page = { cursor: null, numItems: 10 };
    const pending = async () => (await ann.query(host.listPendingApprovalsForHooks, { paginationOpts: page })).page;
    await vi.waitFor(async () => expect(await pending()).toHaveLength(1), WAIT);
    const { threadId, turnId, itemId, payloadJson } = (await pending())[0]!;
    expect(threadId).not.toBe(parent);
    const listed = async (parentThreadId: string | null) => (await ann.query(host.listThreadsForHooks, { parentThreadId, paginationOpts: page })).page;
    expect([await listed(parent), await listed(null)]).toMatchObject([[{ threadId, parentThreadId: parent }], [{ threadId: parent }]]);
    expect(await ann.query(host.getThread, { threadId })).toMatchObject({ parentThreadId: parent });
    await vi.waitFor(async () => expect(await ann.query(host.getPresence, { threadId })).toMatchObject({ thread: "here", current: { turnId, pendingRequests: 1 } }), WAIT);
    await ann.mutation(host.respondApprovalForHooks, { threadId, turnId, itemId, decision: "accepted", shownSha256: await shownSha256Of(payloadJson) });
    const shown = async () => (await ann.query(host.listThreadMessagesForHooks, { threadId, paginationOpts: page })).page.map(({ text }) => text).reverse();
    await vi.waitFor(async () => expect(await shown()).toEqual(["Look.", "you said: Look.", "ls"]), WAIT);
    await ann.mutation(host.sendCommand, { threadId, commandId: "more", kind: "turn", payloadJson: JSON.stringify(said("Look again.")) });
    await vi.waitFor(async () => expect(await shown()).toEqual(["Look.", "you said: Look.", "ls", "Look again.", "you said: Look again."]), WAIT);
    expect(await ann.query(host.getCommand, { commandId: "more" })).toMatchObject({ state: "accepted" });
    expect(runtime.getState()).toMatchObject({ phase: "running", turnInFlight: true });
    await says(["Ask it.", "you said: ", "spawnAgent"]);
    expect(problems).toEqual([]);
  });

  it.each([
    ["by an item alone, behind the agent's first events", "late"],
    ["by the start of its thread", "start"],
  ])("is its parent's also where codex says so %s", async (_how, agentTold) => {
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component, { standIn: { agentIn: "u1", agentTold } });
    await runtime.start(START);
    await runtime.ready();
    runtime.sendTurn("Ask it.");
    const { threadId: parent, runtimeThreadId } = runtime.getState();
    await vi.waitFor(async () => expect(await familyOf(component)).toEqual([[parent, runtimeThreadId, undefined], [expect.any(String), AGENT, parent]]), WAIT);
    expect(problems).toEqual([]);
  });

  it("is its parent's when that comes to Convex, where the agent's events were there first", async () => {
    const component = startComponent();
    const persistence = persistenceOver(component);
    const asked: unknown[] = [];
    // The parent cannot be made before its agent is there.
    const ensureThread: typeof persistence.ensureThread = async (args) => {
      asked.push([args.localThreadId, args.parentThreadId]);
      if (args.localThreadId !== AGENT && (await dump(component)).threads.length === 0) throw new TypeError("fetch failed");
      return persistence.ensureThread(args);
    };
    const { runtime } = runtimeWith({ ...persistence, ensureThread }, { standIn: { agentIn: "u1" } });
    await runtime.start(START);
    await vi.waitFor(() => expect(runtime.getState().runtimeThreadId).not.toBeNull(), WAIT);
    const { runtimeThreadId } = runtime.getState();
    await runtime.appServer.request("turn/start", { threadId: runtimeThreadId!, input: [{ type: "text", text: "Ask it.", text_elements: [] }] });
    await runtime.ready();
    const parent = runtime.getState().threadId;
    await vi.waitFor(async () => expect(await familyOf(component)).toEqual([[expect.any(String), AGENT, parent], [parent, runtimeThreadId, undefined]]), WAIT);
    expect(asked.filter((args) => JSON.stringify(args).includes(AGENT))).toEqual([[AGENT, undefined]]);
  });

  it("is its parent's where an app follows it, as codex answers whose it is", async () => {
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component);
    await runtime.start(START);
    await runtime.ready();
    await runtime.followThread(AGENT);
    const { threadId: parent, runtimeThreadId } = runtime.getState();
    expect(await familyOf(component)).toEqual([[parent, runtimeThreadId, undefined], [expect.any(String), AGENT, parent]]);
    expect(problems).toEqual([]);
  });

  it("stands by itself, with all that happens in it, in an app whose functions are older than parents", async () => {
    const ensureThread = mutationGeneric({
      args: { deviceToken: v.optional(v.string()), threadId: v.string(), model: v.optional(v.string()), cwd: v.optional(v.string()) },
      handler: async (ctx, { deviceToken, ...args }) => ensureThreadByCreate(ctx, codexLocal, { ...args, actor: await resolveActorFromDeviceToken(ctx, codexLocal, deviceToken) }),
    });
    const { ann, runtime, runs, threadId: parent, problems } = await startMachine({ standIn: { ...standIn, askIn: undefined } }, {}, { ...chat, ensureThread });
    runtime.sendTurn("Ask it.");
    await runs();
    const page = { cursor: null, numItems: 10 };
    const texts = async () => (await ann.query(host.listThreadMessagesForHooks, { threadId: AGENT, paginationOpts: page })).page.map(({ text }) => text).reverse();
    await vi.waitFor(async () => expect(await texts()).toEqual(["Look.", "you said: Look."]), WAIT);
    expect((await ann.query(host.listThreadsForHooks, { parentThreadId: null, paginationOpts: page })).page.map(({ threadId }) => threadId).sort()).toEqual([AGENT, parent].sort());
    await ann.mutation(host.sendCommand, { threadId: AGENT, commandId: "more", kind: "turn", payloadJson: JSON.stringify(said("Look again.")) });
    await vi.waitFor(() => expect(problems.map(({ code }) => code)).toEqual(["E_RUNTIME_THREAD_UNLINKED"]), WAIT);
    expect(runtime.getState()).toMatchObject({ phase: "running", lastError: null });
  });
});
