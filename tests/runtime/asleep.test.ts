/** A laptop that is shut for an hour, and everything of it that waits for a time: beats, leases, batches, requests. */
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { BEAT_EVERY_MS } from "../../js-wrapper/runtime/heartbeat.js";
import type { Beat, CodexPersistence } from "../../js-wrapper/runtime/persistence.js";
import type { RemotePersistence } from "../../js-wrapper/runtime/remote-control.js";
import { api, dump, internal, messagesOf, OWNER, startComponent, type Component } from "../convex/build.js";
import { persistenceOver, runtimeWith, START } from "./build.js";
import { Lid } from "./lid.js";
import { said, WAIT } from "./machine.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PHONE = { ...OWNER, deviceId: "phone" };
const FIRST = { cursor: null, numItems: 20 };
/** Timers of the machine's, when it is opened again: as on Linux and macOS, and as on Windows. */
const TIMERS = [["go on where they stood", { atOnce: false }], ["all go off at once", { atOnce: true }]] as const;

/** The functions of remote control, as the host has them. */
function remoteOver(component: Component, lid: Lid): RemotePersistence {
  const followCommands: CodexPersistence["followCommands"] = ([threadId = ""], listener) => {
    const timer = setInterval(() => {
      if (lid.isShut) return;
      const asked = lid.toServer("listCommands", () => component.query(api.commands.list, { actor: OWNER, threadId, open: true, paginationOpts: FIRST }));
      asked.then(({ page }) => listener(threadId, page), () => undefined);
    }, 50);
    onTestFinished(() => clearInterval(timer));
    return () => clearInterval(timer);
  };
  return {
    followCommands,
    leaseCommands: (lease) => component.mutation(api.commands.lease, { actor: OWNER, ...lease }),
    reportCommand: async (report) => {
      await component.mutation(api.commands.report, { actor: OWNER, ...report });
    },
    beat: (beat) => component.mutation(api.presence.beat, { actor: OWNER, ...beat }),
  };
}

/** Every call of a machine to the server goes through its lid. */
function through<Functions extends object>(lid: Lid, functions: Functions): Functions {
  const wrapped = Object.entries(functions).map(([name, call]: [string, (...args: unknown[]) => Promise<unknown>]) =>
    [name, name === "followCommands" ? call : (...args: unknown[]) => lid.toServer(name, () => call(...args))] as const);
  return Object.fromEntries(wrapped) as Functions;
}

async function begin(standIn: object) {
  const lid = new Lid();
  const component = startComponent();
  const remote = remoteOver(component, lid);
  const beats: Beat[] = [];
  const beat: RemotePersistence["beat"] = (one) => {
    beats.push(one);
    return remote.beat(one);
  };
  const answers: unknown[] = [];
  const problems: { code: string; message: string }[] = [];
  const { runtime } = runtimeWith(through(lid, { ...persistenceOver(component), ...remote, beat }), {
    standIn,
    handlers: {
      onGlobalMessage: (message) => {
        if ("method" in message && message.method === "test/answered") answers.push(message.params);
      },
      onProtocolError: ({ code, message }) => void problems.push({ code, message }),
    },
  });
  await runtime.start(START);
  await runtime.ready();
  const threadId = runtime.getState().threadId!;
  const texts = async () => (await messagesOf(component, threadId)).map(({ text }) => text);
  const says = (want: string[]) => vi.waitFor(async () => expect(await texts()).toEqual(want), WAIT);
  const send = (commandId: string, text: string, extra: object = {}) =>
    component.mutation(api.commands.send, { actor: PHONE, threadId, commandId, kind: "turn", payloadJson: JSON.stringify({ ...said(text), ...extra }) });
  const command = (commandId: string) => component.query(api.commands.get, { actor: PHONE, commandId });
  const ends = (commandId: string, end: object) => vi.waitFor(async () => expect(await command(commandId)).toMatchObject(end), WAIT);
  const present = () => component.query(api.presence.get, { actor: PHONE, threadId });
  const isHere = (current: object = {}) => vi.waitFor(async () => expect(await present()).toMatchObject({ machine: "here", bridge: "up", thread: "here", ...current }), WAIT);
  /** The server's time, and its crons. */
  const pass = async (ms: number) => {
    const settle = () => component.finishInProgressScheduledFunctions();
    await lid.pass(ms, settle);
    const { sessions, silence, commands, streams } = internal;
    for (const sweep of [sessions.timeoutStaleSessions, silence.endSilentTurns, commands.expireCommands, streams.cleanupExpiredDeltas, streams.cleanupFinishedStreams]) {
      await lid.atServer(() => component.mutation(sweep, {}));
    }
    await lid.pass(0, settle);
  };
  await vi.waitFor(() => expect(lid.inFlight).toBe(0), WAIT);
  return { lid, component, runtime, problems, beats, answers, threadId, texts, says, send, command, ends, present, isHere, pass };
}

describe.each(TIMERS)("a laptop asleep for an hour, whose timers %s,", (_, how) => {
  it("goes on in mid-turn: nobody closed it, nothing is doubled or lost, and it is seen as it is", async () => {
    const { lid, component, runtime, problems, beats, answers, threadId, texts, says, send, command, ends, present, isHere, pass } = await begin({ holdIn: "u1", refreshIn: "u1" });
    lid.losing.add("ingestSafe");
    runtime.sendTurn("Wait.");
    await says(["Wait.", "you said: "]);
    const { turnId, runtimeThreadId } = runtime.getState();
    const codex = Number(turnId!.split("-")[1]);
    await isHere({ current: { turnId } });

    lid.shut();
    process.kill(codex, "SIGSTOP");
    await pass(HOUR / 2);
    await send("short", "In ten minutes.");
    await send("later", "Later.", { waitForMachine: true });
    await pass(HOUR / 2);
    expect(await present()).toMatchObject({ machine: "away" });
    expect(await component.query(api.turns.get, { actor: PHONE, threadId, turnId: turnId! })).toMatchObject({ status: "inProgress" });
    expect(await texts()).toEqual(["Wait.", "you said: "]);
    expect(await command("short")).toMatchObject({ state: "expired", code: "E_COMMAND_EXPIRED" });
    expect(await command("later")).toMatchObject({ state: "queued" });
    expect(runtime.backlog()).toMatchObject([{ threadId: runtimeThreadId, isHalted: false }]);

    const before = beats.length;
    lid.open(how);
    process.kill(codex, "SIGCONT");
    lid.goOn(BEAT_EVERY_MS);
    await isHere({ current: { turnId } });
    await vi.waitFor(() => expect(runtime.backlog()).toEqual([]), WAIT);
    expect(beats.length - before).toBeLessThanOrEqual(2);
    expect(runtime.getState()).toMatchObject({ phase: "running", turnId, turnInFlight: true });
    runtime.respondChatgptAuthTokensRefresh({ requestId: 7, accessToken: "new", chatgptAccountId: "a", chatgptPlanType: "pro" });
    await runtime.appServer.request("turn/steer", { threadId: runtimeThreadId!, expectedTurnId: turnId!, input: [{ type: "text", text: "Go on.", text_elements: [] }] });
    await ends("later", { state: "accepted" });
    await says(["Wait.", "you said: Wait.", "Go on.", "Later.", "you said: Later."]);
    await vi.waitFor(() => expect([runtime.backlog(), runtime.getState().phase]).toEqual([[], "ready"]), WAIT);
    // The same process of codex did both.
    const { turns, quarantine } = await dump(component);
    expect(turns.filter(({ status }) => status !== "failed")).toMatchObject([
      { turnId, status: "completed", source: "codex" },
      { turnId: `u2-${String(codex)}`, status: "completed", source: "codex" },
    ]);
    expect([answers, quarantine, problems]).toEqual([[{ id: 7, result: { accessToken: "new", chatgptAccountId: "a", chatgptPlanType: "pro" } }], [], []]);
  });

  it("does a command whose lease's answer was lost, once: the lease lapsed meanwhile", async () => {
    const { lid, problems, says, send, command, ends, isHere, pass } = await begin({});
    lid.losing.add("leaseCommands").add("beat");
    await send("later", "Later.", { waitForMachine: true });
    await ends("later", { state: "leased" });
    lid.shut();
    await pass(HOUR);
    expect(await command("later")).toMatchObject({ state: "queued" });
    lid.open(how);
    lid.goOn(BEAT_EVERY_MS);
    await ends("later", { state: "accepted" });
    await says(["Later.", "you said: Later."]);
    await isHere();
    expect(problems.filter(({ message }) => message !== "fetch failed")).toEqual([]);
  });

  it.each(["losing", "delaying"] as const)("does not do a command that had just been told to be on its way, whose sender was told that its fate is unknown (%s the answer)", async (fate) => {
    const { lid, problems, says, send, command, ends, pass } = await begin({});
    lid[fate].add("reportCommand");
    await send("lost", "Lost.", { waitForMachine: true });
    await ends("lost", { state: "delivered" });
    lid.shut();
    await pass(HOUR);
    expect(await command("lost")).toMatchObject({ state: "unknown", code: "E_COMMAND_UNKNOWN" });
    lid.open(how);
    await send("next", "Next.");
    await ends("next", { state: "accepted" });
    await says(["Next.", "you said: Next."]);
    expect(await command("lost")).toMatchObject({ state: "unknown" });
    expect(problems.filter(({ message }) => message !== "fetch failed")).toEqual([]);
  });
});
