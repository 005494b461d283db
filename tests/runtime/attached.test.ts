/** A runtime that is attached to somebody else's app-server, whose turns go on when it ends: a restart in the middle of one loses nothing of it. */
import { expect, it, vi } from "vitest";
import { STOP_FLUSH_MS } from "../../js-wrapper/runtime/session.js";
import { dump, messagesOf, startComponent, type Component } from "../convex/build.js";
import { folder } from "../outbox/build.js";
import { AttachableCodex, THREAD } from "./attachable-codex.js";
import { persistenceOver, runtimeOver, runtimeWith, START } from "./build.js";
import { Lid } from "./lid.js";
import { said, startMachine } from "./machine.js";

const WAIT = { timeout: 20_000, interval: 20 };
/** When a turn is interrupted once more, and when its stop has an outcome, in milliseconds. */
const [STOP_AGAIN_MS, STOP_RESTART_MS] = [5_000, 15_000];

/** Runtimes over one component and one outbox, attached to one app-server. */
async function build() {
  const component = startComponent();
  const codex = await AttachableCodex.serve();
  const outboxFolder = await folder();
  const start = async () => {
    const { runtime, problems } = runtimeOver(component, { outboxFolder, bridge: { attach: codex.attach } });
    await runtime.start({ ...START, runtimeThreadId: THREAD });
    await runtime.ready();
    return { runtime, problems, outboxFolder };
  };
  const reads = readsOf(component);
  /** A start, in whose thread a turn has said something. */
  const startInTurn = async () => {
    const started = await start();
    codex.begin("u");
    codex.say("one ");
    await reads([["one ", "streaming"]]);
    return started;
  };
  return { component, codex, start, startInTurn, reads, turns: turnsOf(component) };
}

const textsOf = async (component: Component) => {
  const [thread] = (await dump(component)).threads;
  return (await messagesOf(component, thread!.threadId)).map(({ text, status }) => [text, status]);
};
const readsOf = (component: Component) => (want: [text: string, status: string][]) => vi.waitFor(async () => expect(await textsOf(component)).toEqual(want), WAIT);
const turnsOf = (component: Component) => async () => (await dump(component)).turns.map(({ status, source }) => [status, source]);

/** Nothing of any stream is missing, refused, or there twice. */
async function expectWhole(component: Component) {
  const { streamHeads, quarantine } = await dump(component);
  expect(streamHeads.map(({ holes, latest, eventCount }) => [holes, latest - eventCount])).toEqual(streamHeads.map(() => [[], 0]));
  expect(quarantine).toEqual([]);
}

it("stopped and started in the middle of a turn goes on in it, and ends it when codex does", async () => {
  const { component, codex, start, startInTurn, reads, turns } = await build();
  const first = await startInTurn();
  await first.runtime.stop();
  expect(await turns()).toEqual([["inProgress", undefined]]);
  codex.say("two ");
  const second = await start();
  await vi.waitFor(() => expect(second.runtime.getState()).toMatchObject({ phase: "running", turnId: "u", turnInFlight: true }), WAIT);
  codex.say("three");
  await reads([["one three", "streaming"]]);
  expect(await turns()).toEqual([["inProgress", undefined]]);
  codex.end();
  await reads([["one two three", "completed"]]);
  await vi.waitFor(async () => expect(await turns()).toEqual([["completed", "codex"]]), WAIT);
  await vi.waitFor(() => expect(second.runtime.getState()).toMatchObject({ phase: "ready", turnInFlight: false }), WAIT);
  await expectWhole(component);
  expect([first.problems, second.problems]).toEqual([[], []]);
});

it("shows what was over in a turn while nobody was attached as soon as it is started, though the turn runs on, and once", async () => {
  const { component, codex, start, startInTurn, reads, turns } = await build();
  const first = await startInTurn();
  codex.remark("Heard.");
  await reads([["one ", "streaming"], ["Heard.", "completed"]]);
  await first.runtime.stop();
  codex.remark("Missed.");
  codex.say("two ");
  const second = await start();
  await reads([["one ", "streaming"], ["Heard.", "completed"], ["Missed.", "completed"]]);
  expect(await turns()).toEqual([["inProgress", undefined]]);
  codex.remark("Heard again.");
  codex.say("three");
  codex.end();
  await reads([["one two three", "completed"], ["Heard.", "completed"], ["Missed.", "completed"], ["Heard again.", "completed"]]);
  await vi.waitFor(async () => expect(await turns()).toEqual([["completed", "codex"]]), WAIT);
  await expectWhole(component);
  expect([first.problems, second.problems]).toEqual([[], []]);
});

it("ends a turn that ended while nobody was attached as codex has it, once, its text whole", async () => {
  const { component, codex, start, startInTurn, reads, turns } = await build();
  const first = await startInTurn();
  await first.runtime.stop();
  codex.say("two");
  codex.end();
  const second = await start();
  await reads([["one two", "completed"]]);
  await vi.waitFor(async () => expect(await turns()).toEqual([["completed", "local"]]), WAIT);
  await second.runtime.stop();
  const third = await start();
  codex.begin("v");
  codex.end();
  await vi.waitFor(async () => expect(await turns()).toEqual([["completed", "local"], ["completed", "codex"]]), WAIT);
  expect((await dump(component)).streamHeads[0]).toMatchObject({ latest: 5 });
  await expectWhole(component);
  expect([first, second, third].map(({ problems }) => problems)).toEqual([[], [], []]);
});

it("numbers on what comes of a turn that ended before it was stopped", async () => {
  const { component, codex, start, reads } = await build();
  const first = await start();
  const printed = (delta: string) => codex.tell("item/commandExecution/outputDelta", { turnId: "u", itemId: "c", delta });
  codex.begin("u");
  codex.end();
  printed("1");
  await vi.waitFor(async () => expect((await dump(component)).streamHeads[0]).toMatchObject({ latest: 5 }), WAIT);
  await first.runtime.stop();
  const second = await start();
  printed("2");
  await vi.waitFor(async () => expect((await dump(component)).streamHeads[0]).toMatchObject({ latest: 6 }), WAIT);
  await reads([["", "completed"], ["", "completed"]]);
  await expectWhole(component);
  expect([first.problems, second.problems]).toEqual([[], []]);
});

it("goes on in a turn in whose middle the connection is lost, and shows what was over meanwhile as soon as it is back", async () => {
  const { component, codex, startInTurn, reads, turns } = await build();
  const { runtime, problems } = await startInTurn();
  const stood: string[] = [];
  runtime.subscribe(({ phase, turnInFlight }) => void stood.push(`${phase}${turnInFlight ? ", a turn runs" : ""}`));
  codex.cut();
  codex.remark("Missed.");
  codex.say("two ");
  await reads([["one ", "streaming"], ["Missed.", "completed"]]);
  expect(await turns()).toEqual([["inProgress", undefined]]);
  await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ phase: "running", turnId: "u", turnInFlight: true }), WAIT);
  codex.say("three");
  await reads([["one three", "streaming"], ["Missed.", "completed"]]);
  expect([...new Set(stood)]).toEqual(["running, a turn runs", "reconnecting, a turn runs"]);
  codex.end();
  await reads([["one two three", "completed"], ["Missed.", "completed"]]);
  await vi.waitFor(async () => expect(await turns()).toEqual([["completed", "codex"]]), WAIT);
  await expectWhole(component);
  expect(problems.map(({ code }) => code)).toEqual(["E_BRIDGE_PROCESS_EXITED"]);
});

it.each(["completed", "interrupted"] as const)("has a turn that ended while the connection was lost end as codex has it: %s", async (status) => {
  const { component, codex, startInTurn, reads, turns } = await build();
  const { runtime, problems } = await startInTurn();
  codex.cut();
  codex.say("two");
  codex.end(status);
  await reads([["one two", "completed"]]);
  await vi.waitFor(async () => expect(await turns()).toEqual([[status, "local"]]), WAIT);
  await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ phase: "ready", turnInFlight: false }), WAIT);
  await expectWhole(component);
  expect(problems.map(({ code }) => code)).toEqual(["E_BRIDGE_PROCESS_EXITED"]);
});

it("interrupts a turn also where the connection is lost when that is asked", async () => {
  const { codex, startInTurn } = await build();
  const lid = new Lid();
  const { runtime } = await startInTurn();
  codex.cut();
  await vi.waitFor(() => expect(runtime.getState().phase).toBe("reconnecting"), WAIT);
  runtime.interrupt();
  await vi.waitFor(() => expect(codex.listeners).toBe(1), WAIT);
  lid.goOn(STOP_AGAIN_MS);
  await vi.waitFor(() => expect(codex.asked).toContain("turn/interrupt"), WAIT);
});

it("stopped while the connection is lost leaves the turn to the next start", async () => {
  const { component, codex, start, startInTurn, reads, turns } = await build();
  const first = await startInTurn();
  codex.cut();
  await vi.waitFor(() => expect(first.runtime.getState().phase).toBe("reconnecting"), WAIT);
  await first.runtime.stop();
  expect(await turns()).toEqual([["inProgress", undefined]]);
  codex.say("two");
  codex.end();
  await start();
  await reads([["one two", "completed"]]);
  await vi.waitFor(async () => expect(await turns()).toEqual([["completed", "local"]]), WAIT);
  await expectWhole(component);
});

it("gives up an app-server that is gone, and its turn reads interrupted then", async () => {
  const { component, codex, startInTurn, reads, turns } = await build();
  const lid = new Lid();
  const { runtime, problems } = await startInTurn();
  codex.leave();
  await vi.waitFor(() => expect(runtime.getState().phase).toBe("reconnecting"), WAIT);
  expect(await turns()).toEqual([["inProgress", undefined]]);
  await vi.waitFor(() => {
    lid.goOn(1_000);
    expect(runtime.getState()).toMatchObject({ phase: "failed", lastError: expect.stringContaining("E_RUNTIME_GAVE_UP") as unknown });
  }, WAIT);
  await reads([["one ", "interrupted"]]);
  expect(await turns()).toEqual([["interrupted", "local"]]);
  await expectWhole(component);
  // The connection that was lost, and ten that nobody took: each is told once.
  expect(problems.map(({ code }) => code)).toEqual(["E_BRIDGE_PROCESS_EXITED", ...Array.from({ length: 10 }, () => "E_BRIDGE_ATTACH_FAILED")]);
});

it("asks again of a turn of which it has heard nothing yet when the connection is lost, and does not end it", async () => {
  const { component, codex, start, startInTurn, reads, turns } = await build();
  const first = await startInTurn();
  await first.runtime.stop();
  const { runtime } = await start();
  const runs = () => vi.waitFor(() => expect(runtime.getState()).toMatchObject({ phase: "running", turnId: "u", turnInFlight: true }), WAIT);
  await runs();
  let resume: () => void = () => undefined;
  codex.resumable = new Promise((resolve) => {
    resume = resolve;
  });
  codex.cut();
  const asked = codex.asked.length;
  const reconnects = () => expect(runtime.getState()).toMatchObject({ phase: "reconnecting", turnInFlight: true });
  await vi.waitFor(reconnects, WAIT);
  // That it runs is known before its thread is heard of again.
  await vi.waitFor(() => expect(codex.asked.slice(asked)).toContain("thread/resume"), WAIT);
  reconnects();
  resume();
  await runs();
  codex.say("two");
  await reads([["one two", "streaming"]]);
  codex.end();
  await vi.waitFor(async () => expect(await turns()).toEqual([["completed", "codex"]]), WAIT);
  expect((await dump(component)).streamHeads.map(({ latest, eventCount }) => [latest, eventCount])).toEqual([[6, 6]]);
});

it("asks nothing twice that codex asks again when its thread is resumed", async () => {
  const { component, codex, startInTurn } = await build();
  const { runtime, problems } = await startInTurn();
  codex.ask();
  const rows = async () => (await dump(component)).serverRequests.map(({ status, appGeneration }) => [status, appGeneration]);
  await vi.waitFor(async () => expect(await rows()).toEqual([["pending", 1]]), WAIT);
  await runtime.resumeThread(THREAD);
  codex.say("two");
  await vi.waitFor(async () => expect((await dump(component)).streamHeads).toMatchObject([{ holes: [], latest: 6 }]), WAIT);
  expect([await rows(), runtime.listPendingServerRequests().length]).toEqual([[["pending", 1]], 1]);
  runtime.respondCommandApproval({ requestId: 0, decision: "accept" });
  await vi.waitFor(async () => expect(await rows()).toEqual([["answered", 1]]), WAIT);
  codex.end();
  await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ turnInFlight: false, pendingServerRequestCount: 0 }), WAIT);
  await expectWhole(component);
  expect([codex.answers, problems]).toEqual([[{ decision: "accept" }], []]);
});

it("expires what an earlier one had asked and could not say so of, at once, and not the turn", async () => {
  const component = startComponent();
  const codex = await AttachableCodex.serve();
  const real = persistenceOver(component);
  let isAway = false;
  const resolvePendingServerRequest: typeof real.resolvePendingServerRequest = (args) => (isAway ? Promise.reject(new TypeError("fetch failed")) : real.resolvePendingServerRequest(args));
  const options = { outboxFolder: await folder(), bridge: { attach: codex.attach } };
  const start = async () => {
    const { runtime } = runtimeWith({ ...real, resolvePendingServerRequest }, options);
    await runtime.start({ ...START, runtimeThreadId: THREAD });
    await runtime.ready();
    return runtime;
  };
  const first = await start();
  codex.begin("u");
  codex.ask();
  const rows = async () => (await dump(component)).serverRequests.map(({ status, cause, appGeneration }) => [status, cause, appGeneration]);
  await vi.waitFor(async () => expect([await rows(), first.backlog()]).toEqual([[["pending", undefined, 1]], []]), WAIT);
  isAway = true;
  const lid = new Lid();
  const stopped = first.stop();
  // Told to nobody in all the time that a stop takes.
  await vi.waitFor(() => expect(first.getState().lastError).toContain("fetch failed"), WAIT);
  lid.goOn(STOP_FLUSH_MS);
  await stopped;
  codex.resolve(0);
  isAway = false;
  expect(await rows()).toEqual([["pending", undefined, 1]]);
  const second = await start();
  await vi.waitFor(async () => expect(await rows()).toEqual([["expired", "reported", 1]]), WAIT);
  expect([await turnsOf(component)(), second.getState().lastError]).toEqual([[["inProgress", undefined]], null]);
});

it("settles what an earlier one left in threads that it does not load itself", async () => {
  const { component, codex, start, reads, turns } = await build();
  const first = await start();
  codex.begin("u");
  await reads([["", "streaming"]]);
  await first.runtime.stop();
  codex.say("done");
  codex.end();
  const { runtime, problems } = runtimeOver(component, { outboxFolder: first.outboxFolder, bridge: { attach: codex.attach } });
  await runtime.start({ ...START, externalThreadId: "another", threadStrategy: "fork", runtimeThreadId: THREAD });
  await runtime.ready();
  await reads([["done", "completed"]]);
  await vi.waitFor(async () => expect(await turns()).toEqual([["completed", "local"]]), WAIT);
  expect(problems).toEqual([]);
});

it("says that a turn which no interrupt ends is not its own to end, and leaves it running", async () => {
  const { codex, start, reads, turns } = await build();
  const lid = new Lid();
  const { runtime, problems } = await start();
  codex.begin("u");
  codex.say("on and ");
  await vi.waitFor(() => expect(runtime.getState().turnInFlight).toBe(true), WAIT);
  runtime.interrupt({ force: true });
  const interrupts = (count: number) => vi.waitFor(() => expect(codex.asked.filter((method) => method === "turn/interrupt")).toHaveLength(count), WAIT);
  await interrupts(1);
  lid.goOn(STOP_AGAIN_MS);
  await interrupts(2);
  lid.goOn(STOP_RESTART_MS - STOP_AGAIN_MS);
  await vi.waitFor(() => expect(problems).toEqual([{ code: "E_COMMAND_TURN_STUCK", message: expect.stringContaining("u does not end") as unknown }]), WAIT);
  codex.say("on");
  await reads([["on and on", "streaming"]]);
  expect([codex.connections, await turns()]).toEqual([1, [["inProgress", undefined]]]);
});

/** A machine that is attached, with a phone. */
async function machine() {
  const codex = await AttachableCodex.serve();
  codex.takesTurns = true;
  return { codex, ...(await startMachine({ bridge: { attach: codex.attach } }, { runtimeThreadId: THREAD })) };
}

it("asks after a turn that it was only given when the connection is lost, and takes the next one", async () => {
  const { codex, runtime, send, ends } = await machine();
  await ends(await send("turn", said("Look.")), { state: "accepted" });
  codex.cut();
  codex.end();
  await vi.waitFor(() => expect(runtime.getState().phase).toBe("reconnecting"), WAIT);
  await vi.waitFor(() => expect(runtime.getState().phase).toBe("ready"), WAIT);
  await ends(await send("turn", said("And now?")), { state: "accepted" });
  expect(codex.turns.map(({ id }) => id)).toEqual(["u1", "u0"]);
});

it("knows that no turn runs once codex says so to a stop, and takes the next one", async () => {
  const { codex, runtime, send, ends, runs } = await machine();
  codex.begin("u");
  const turnId = await runs();
  codex.forget();
  await ends(await send("interrupt", { turnId }), { state: "refused", code: "E_COMMAND_TARGET_GONE" });
  await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ phase: "ready", turnInFlight: false }), WAIT);
  await ends(await send("turn", said("And now?")), { state: "accepted" });
});
