/** A turn whose bridge lost its thread to another, and one that Codex does not run though its row says so. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { agentMessage, api, dump, ingest, ingestOk, internal, messagesOf, OWNER, runScheduledNow, SESSION, startThread, THREAD, TURN, turnOf, TurnStream, type Component } from "./build.js";

const DAY = 24 * 60 * 60_000;
/** The runtime that {@link TurnStream} writes of, and the one that takes its thread. */
const [FIRST, SECOND] = [{ runtimeId: "rt", generation: 1 }, { runtimeId: "other", generation: 1 }];
const DESK = { ...OWNER, deviceId: "desk" };

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const bind = (component: Component, runtime: typeof FIRST, actor = OWNER, sessionId = SESSION) =>
  component.mutation(api.sync.ensureSession, { actor, sessionId, threadId: THREAD, lastEventCursor: 0, ...runtime });
const send = (component: Component, commandId: string, kind: string, payload: object) =>
  component.mutation(api.commands.send, { actor: OWNER, threadId: THREAD, commandId, kind, payloadJson: JSON.stringify(payload) });
const lease = (component: Component, runtime: typeof FIRST, actor = OWNER) =>
  component.mutation(api.commands.lease, { actor, ...runtime, threadId: THREAD, limit: 5 });
const run = async (component: Component) => {
  for (let calls = 0; calls < 2; calls++) await runScheduledNow(component);
};

/** A thread in the middle of a turn that its runtime tells of, and a remote turn behind it. */
async function inTurn(): Promise<{ component: Component; turn: TurnStream }> {
  const component = await startThread();
  await bind(component, FIRST);
  const turn = new TurnStream();
  await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "Hel")]);
  await send(component, "next", "turn", { input: [{ type: "text", text: "go on" }] });
  expect(await lease(component, FIRST)).toEqual([]);
  return { component, turn };
}

describe("a turn whose thread another runtime takes", () => {
  test.each([
    ["another machine's", DESK, "desk's"],
    ["the same machine's, whose state folder was lost", OWNER, SESSION],
  ])("ends at once where that is %s, and what waited behind it is handed out", async (_, actor, sessionId) => {
    const { component } = await inTurn();
    await bind(component, SECOND, actor, sessionId);
    await run(component);
    expect(await turnOf(component)).toMatchObject({ status: "interrupted", source: "sweep", error: "another runtime writes the thread" });
    expect((await messagesOf(component)).map(({ status, text }) => [status, text])).toEqual([["interrupted", "Hel"]]);
    expect(await lease(component, SECOND, actor)).toMatchObject([{ commandId: "next" }]);
  });

  test("ends where nothing was heard of it for so long that all it told is folded and gone", async () => {
    const component = await startThread();
    await bind(component, FIRST);
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "Hel")]);
    for (let hours = 0; hours < 30; hours += 10) {
      vi.setSystemTime(Date.now() + 10 * 60 * 60_000);
      await component.mutation(api.sync.heartbeat, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
      await component.mutation(internal.streams.cleanupExpiredDeltas, {});
      await component.mutation(internal.silence.endSilentTurns, {});
      await run(component);
    }
    expect((await dump(component)).chunks).toEqual([]);
    expect((await turnOf(component)).status, "its machine is there").toBe("inProgress");
    await send(component, "next", "turn", { input: [{ type: "text", text: "go on" }] });
    await bind(component, SECOND, DESK, "desk's");
    await run(component);
    expect(await turnOf(component)).toMatchObject({ status: "interrupted", error: "another runtime writes the thread" });
    expect(await lease(component, SECOND, DESK)).toMatchObject([{ commandId: "next" }]);
  });

  test("ends too where the other is known by its first lease", async () => {
    const { component } = await inTurn();
    await component.mutation(api.sync.ensureSession, { actor: DESK, sessionId: "desk's", threadId: THREAD, lastEventCursor: 0 });
    await lease(component, SECOND, DESK);
    await run(component);
    expect((await turnOf(component)).status).toBe("interrupted");
  });

  test("goes on where its own runtime has the thread again, and tells of it", async () => {
    const { component, turn } = await inTurn();
    await bind(component, SECOND, DESK, "desk's");
    await run(component);
    await bind(component, FIRST);
    await run(component);
    expect((await turnOf(component)).status).toBe("interrupted");
    await ingest(component, [turn.text("m", "lo.")]);
    expect((await turnOf(component)).status).toBe("inProgress");
    await ingest(component, [turn.itemCompleted(agentMessage("m", "Hello.")), turn.completed()]);
    expect(await turnOf(component)).toMatchObject({ status: "completed", source: "codex" });
  });

  test("ends with the cron, where the call at the binding failed", async () => {
    const { component } = await inTurn();
    await bind(component, SECOND, DESK, "desk's");
    // As if the call at the binding had failed: the cron asks.
    await component.mutation(internal.silence.endSilentTurns, {});
    await run(component);
    expect((await turnOf(component)).status).toBe("interrupted");
  });

  test("is left alone by its own runtime's next start, and by one of a runtime that nobody named", async () => {
    const { component } = await inTurn();
    await bind(component, { ...FIRST, generation: 2 });
    await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
    await run(component);
    expect((await turnOf(component)).status).toBe("inProgress");
    vi.setSystemTime(Date.now() + DAY);
    await component.mutation(internal.silence.endSilentTurns, {});
    await run(component);
    expect(await turnOf(component)).toMatchObject({ status: "interrupted", error: "no event and no beat for 24 h" });
  });
});

describe("an interrupt that Codex answers with gone", () => {
  const stop = async (component: Component, ...states: [state: string, code?: string][]) => {
    await send(component, "stop", "interrupt", { turnId: TURN });
    const [handed] = await lease(component, FIRST);
    for (const [state, code] of states) {
      await component.mutation(api.commands.report, { actor: OWNER, commandId: "stop", leaseToken: handed!.leaseToken, state, ...(code === undefined ? {} : { code }) });
    }
    await run(component);
  };

  test("ends the turn's row, and the next turn is handed out", async () => {
    const { component } = await inTurn();
    await stop(component, ["delivered"], ["refused", "E_COMMAND_TARGET_GONE"]);
    expect(await turnOf(component)).toMatchObject({ status: "interrupted", source: "sweep", error: "codex does not run it" });
    expect(await lease(component, FIRST)).toMatchObject([{ commandId: "next" }]);
  });

  test("and which was only late is replaced by the end that was on its way", async () => {
    const { component, turn } = await inTurn();
    await stop(component, ["delivered"], ["refused", "E_COMMAND_TARGET_GONE"]);
    await ingest(component, [turn.itemCompleted(agentMessage("m", "Hello.")), turn.completed()]);
    expect(await turnOf(component)).toMatchObject({ status: "completed", source: "codex" });
  });

  test("is another than one that was refused for a reason of its own", async () => {
    const { component } = await inTurn();
    await stop(component, ["refused", "E_COMMAND_NOT_ALLOWED"]);
    expect((await turnOf(component)).status).toBe("inProgress");
    expect((await dump(component)).commands).toMatchObject([{ commandId: "next", state: "queued" }, { commandId: "stop", state: "refused" }]);
  });
});
