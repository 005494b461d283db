/** Threads that another process of codex on this machine writes, a terminal's: what the runtime says of them, and how it goes on. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, vi } from "vitest";
import { messagesOf, startComponent, type Component } from "../convex/build.js";
import { folder } from "../outbox/build.js";
import { runtimeOver, START } from "./build.js";
import { host, said, startMachine, WAIT } from "./machine.js";

const THEIRS = "019a3b5c-0000-7000-8000-00000000abcd";
const OURS = "019a3b5c-0000-7000-8000-00000000beef";
const WAYS_ON = /already has an active writer.*Wait for it, close it there, attach to it \(`attach`\), or go on in a copy \(`thread\/fork`\)/;
const BUSY = { code: "E_THREAD_BUSY", message: expect.stringMatching(WAYS_ON) as string };

/** What a stand-in is told, what it was asked for so far, and who has its threads. */
async function shared() {
  const at = await folder();
  const [busy, rawLog] = [path.join(at, "busy"), path.join(at, "raw.jsonl")];
  const asked = (method: string, of = "") => readFileSync(rawLog, "utf8").split("\n").filter((line) => [`"out"`, `"${method}"`, of].every((part) => line.includes(part))).length;
  return { busy, rawLog, asked, takes: () => writeFileSync(busy, THEIRS), lets: () => rmSync(busy), died: path.join(at, "died") };
}

const reads = (component: Component, threadId: string, want: string[]) =>
  vi.waitFor(async () => expect((await messagesOf(component, threadId)).map(({ text }) => text)).toEqual(want), WAIT);

describe("a thread that the terminal's codex holds", () => {
  it("is `E_THREAD_BUSY` with the ways on, asked for once, and it is gone on with when it is free", async () => {
    const { busy, rawLog, asked, takes, lets } = await shared();
    takes();
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component, { standIn: { busy }, rawLog });
    await runtime.start({ ...START, runtimeThreadId: THEIRS });
    await expect(runtime.ready()).rejects.toMatchObject(BUSY);
    expect(problems).toEqual([BUSY]);
    expect(runtime.getState()).toMatchObject({ phase: "ready", running: true, threadId: null, lastError: expect.stringContaining("[E_THREAD_BUSY]") as unknown });
    await expect(runtime.resumeThread(THEIRS)).rejects.toMatchObject(BUSY);
    expect(asked("thread/resume")).toBe(2);
    lets();
    await runtime.resumeThread(THEIRS);
    await runtime.ready();
    runtime.sendTurn("Mine now.");
    await reads(component, runtime.getState().threadId!, ["Mine now.", "you said: Mine now."]);
    expect([runtime.getState(), problems.length]).toMatchObject([{ runtimeThreadId: THEIRS, lastError: null }, 1]);
  });

  it("is gone on from in a copy", async () => {
    const { busy, takes } = await shared();
    takes();
    const component = startComponent();
    const { runtime } = runtimeOver(component, { standIn: { busy } });
    await runtime.start({ ...START, runtimeThreadId: THEIRS });
    await expect(runtime.ready()).rejects.toMatchObject(BUSY);
    const { thread } = await runtime.forkThread(THEIRS);
    runtime.sendTurn("In the copy.");
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ phase: "ready", runtimeThreadId: thread.id, turnInFlight: false }), WAIT);
    await reads(component, runtime.getState().threadId!, ["In the copy.", "you said: In the copy."]);
  });

  it("is not followed, and the runtime's own goes on beside it", async () => {
    const { busy, takes } = await shared();
    takes();
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component, { standIn: { busy } });
    await runtime.start(START);
    await runtime.ready();
    await expect(runtime.followThread(THEIRS)).rejects.toMatchObject(BUSY);
    runtime.sendTurn("Here.");
    await reads(component, runtime.getState().threadId!, ["Here.", "you said: Here."]);
    expect(problems).toEqual([]);
  });

  it("since codex was started again is not begun anew, commands are refused with that, and it is gone on with when it is free", async () => {
    const { busy, rawLog, asked, takes, lets, died } = await shared();
    // It dies before anything happened here.
    const { runtime, threadId, problems, send, ends, says, present } = await startMachine({ standIn: { busy, deadOnce: died }, rawLog }, { runtimeThreadId: THEIRS });
    takes();
    runtime.sendTurn("Die.");
    await vi.waitFor(() => expect(problems).toContainEqual(BUSY), WAIT);
    await expect(runtime.ready()).rejects.toMatchObject(BUSY);
    await ends(await send("turn", said("While it is there.")), { state: "refused", code: "E_THREAD_BUSY" });
    await vi.waitFor(async () => expect(await present()).toMatchObject({ bridge: "up", codex: "up" }), WAIT);
    expect(runtime.getState()).toMatchObject({ phase: "ready", threadId, lastError: expect.stringContaining("[E_THREAD_BUSY]") as unknown });
    expect([asked("thread/resume"), asked("thread/start")]).toEqual([2, 0]);
    lets();
    await runtime.resumeThread(THEIRS);
    await ends(await send("turn", said("Again.")), { state: "accepted" });
    await says(["Again.", "you said: Again."]);
    await vi.waitFor(async () => expect(await present()).toMatchObject({ codex: "up", thread: "here" }), WAIT);
    expect(runtime.getState()).toMatchObject({ threadId, runtimeThreadId: THEIRS, phase: "ready", lastError: null });
    expect(problems.map(({ code }) => code).sort()).toEqual(["E_APP_SERVER_GONE", "E_BRIDGE_PROCESS_EXITED", "E_THREAD_BUSY"]);
  });

  it("keeps nobody from steering, and stopping, another one of the runtime's since codex was started again", async () => {
    const { busy, takes, died } = await shared();
    const { runtime, problems, ann, ends } = await startMachine({ standIn: { busy, deadOnce: died, holdIn: "u1" } }, { runtimeThreadId: THEIRS });
    await runtime.followThread(OURS);
    takes();
    runtime.sendTurn("Die.");
    await vi.waitFor(() => expect(problems).toContainEqual(BUSY), WAIT);
    const send = (commandId: string, kind: "turn" | "interrupt", payload: object) =>
      ann.mutation(host.sendCommand, { threadId: OURS, commandId, kind, payloadJson: JSON.stringify(payload) });
    await send("begin", "turn", said("Go on."));
    await ends("begin", { state: "accepted" });
    const { turnId } = (await ann.query(host.getCommand, { commandId: "begin" }))!;
    const isIn = (turn: unknown) => vi.waitFor(async () => expect(await ann.query(host.getTurn, { threadId: OURS, turnId: turnId! })).toMatchObject(turn as object), WAIT);
    await isIn({ status: "inProgress" });
    await send("stop", "interrupt", { turnId });
    await ends("stop", { state: "accepted" });
    await isIn({ status: "interrupted" });
  });

  it("holds up no other thread of the runtime's when codex is started again", async () => {
    const { busy, rawLog, asked, takes, died } = await shared();
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component, { standIn: { busy, dieOnce: died }, rawLog });
    await runtime.start({ ...START, runtimeThreadId: THEIRS });
    await runtime.ready();
    await runtime.followThread(OURS);
    takes();
    runtime.sendTurn("Die.");
    await vi.waitFor(() => expect(problems).toContainEqual(BUSY), WAIT);
    expect([asked("thread/resume", THEIRS), asked("thread/resume", OURS)]).toEqual([2, 2]);
  });
});
