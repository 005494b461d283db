/** The runtime with the real codex and a scripted model, over the real component. Skipped, and said so, without CODEX_BIN. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { shownSha256Of } from "../../js-wrapper/mapping/index.js";
import { createCodexHostRuntime } from "../../js-wrapper/runtime/runtime.js";
import { mockEnvironment, writeConfig } from "../../tools/codex-kit/codex-home.mjs";
import { startMock } from "../../tools/codex-kit/mock-responses-server.mjs";
import { dump, messagesOf, startComponent } from "../convex/build.js";
import { folder } from "../outbox/build.js";
import { CodexLocalBridge } from "../../js-wrapper/bridge/index.js";
import { Recorder } from "../bridge/recorder.js";
import { persistenceOver, runtimeOver, START } from "./build.js";
import { host, said, startMachine } from "./machine.js";
import { scenarioOf } from "./scenario.js";

const codexBin = process.env["CODEX_BIN"];
const TIMEOUT_MS = 120_000;
const WAIT = { timeout: 30_000, interval: 50 };

type Reply = { steps: Record<string, unknown>[] };
const reply = (say: string): Reply => ({ steps: [{ say, chunks: 4 }] });

/** What codex is run with: a home of its own, and a model that replies so, once a request. */
async function scripted(replies: Reply[], config: object = {}) {
  const root = await mkdtemp(path.join(tmpdir(), "codex-runtime-"));
  const [home, workspace, temporary] = ["home", "workspace", "tmp"].map((name) => path.join(root, name)) as [string, string, string];
  for (const made of [home, workspace, temporary]) await mkdir(made);
  const mock = await startMock({ replies });
  onTestFinished(async () => {
    await mock.close();
    await rm(root, { recursive: true, force: true });
  });
  writeConfig(home, mock.baseUrl, config);
  return { codexBin: codexBin!, cwd: workspace, env: { ...mockEnvironment(home), TMPDIR: temporary } };
}

/** An app-server of somebody else's, on a socket. */
async function listening(replies: Reply[]) {
  const { cwd, env } = await scripted(replies);
  const socket = path.join(await folder(), "app.sock");
  const theirs = spawn(codexBin!, ["app-server", "--listen", `unix://${socket}`], { cwd, env: { ...process.env, ...env }, stdio: "ignore" });
  onTestFinished(() => void theirs.kill("SIGKILL"));
  await vi.waitFor(() => expect(existsSync(socket)).toBe(true), WAIT);
  return { cwd, theirs, attach: `unix://${socket}` };
}

/** A cable to a socket, which can be pulled out and put back. */
async function cabled(attach: string) {
  const plugged = new Set<Socket>();
  let isOut = false;
  const server = createServer((near) => {
    if (isOut) {
      near.destroy();
      return;
    }
    const far = connect(attach.slice("unix://".length));
    for (const [end, other] of [[near, far], [far, near]] as const) {
      plugged.add(end);
      end.pipe(other);
      end.on("error", () => other.destroy()).on("close", () => other.destroy());
    }
  });
  const socket = path.join(await folder(), "cable.sock");
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const pull = () => {
    isOut = true;
    for (const end of plugged) end.destroy();
  };
  onTestFinished(() => {
    pull();
    server.close();
  });
  return { attach: `unix://${socket}`, pull, plug: () => void (isOut = false) };
}

/** Whoever is attached to it besides. */
function attachTerminal(attach: string) {
  const terminal = new Recorder();
  const desk = new CodexLocalBridge({ attach }, terminal.handlers());
  onTestFinished(() => desk.stop());
  desk.start();
  return { terminal, desk };
}

const call = (cmd: string): Reply => ({ steps: [{ call: "exec_command", args: { cmd } }] });

describe.skipIf(codexBin === undefined)("the real codex (skipped without CODEX_BIN)", { timeout: TIMEOUT_MS }, () => {
  test("what it says is in Convex as it has it itself, before and after a restart, and a turn is taken back", async () => {
    const component = startComponent();
    const bridge = await scripted([reply("One."), reply("Two."), reply("Three.")]);
    const problems: string[] = [];
    const runtime = createCodexHostRuntime({
      ...{ persistence: persistenceOver(component), bridge, outboxFolder: await folder() },
      handlers: {
        onProtocolError: ({ code, message }) => void problems.push(`${code} ${message}`),
        // Of what the runtime asks by itself, as of a thread with its whole history.
        onGlobalMessage: (message) => {
          if ("method" in message && message.method === "deprecationNotice") problems.push(JSON.stringify(message));
        },
      },
    });
    onTestFinished(() => runtime.stop());
    const says = async (question: string, want: string[]) => {
      runtime.sendTurn(question);
      await vi.waitFor(async () => expect((await messagesOf(component, runtime.getState().threadId!)).map(({ text }) => text)).toEqual(want), WAIT);
      await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ turnInFlight: false, phase: "ready" }), WAIT);
    };
    await runtime.start(START);
    await runtime.ready();
    await says("First?", ["First?", "One."]);
    await says("Second?", ["First?", "One.", "Second?", "Two."]);
    const { runtimeThreadId, threadId } = runtime.getState();
    await runtime.stop();
    await runtime.start({ ...START, runtimeThreadId: runtimeThreadId! });
    await runtime.ready();
    expect(runtime.getState()).toMatchObject({ runtimeThreadId, threadId });
    await says("Third?", ["First?", "One.", "Second?", "Two.", "Third?", "Three."]);
    const { data } = await runtime.appServer.request("thread/turns/list", { threadId: runtimeThreadId!, sortDirection: "asc" });
    const turnsInConvex = async () => (await dump(component)).turns.map(({ turnId, status }) => [turnId, status]);
    await vi.waitFor(async () => expect(await turnsInConvex()).toEqual(data.map(({ id, status }) => [id, status])), WAIT);
    expect(await runtime.rollbackThread(runtimeThreadId!, 2)).toMatchObject({ thread: { id: runtimeThreadId } });
    const left = await runtime.appServer.request("thread/turns/list", { threadId: runtimeThreadId! });
    expect(left.data.map(({ id }) => id)).toEqual([data[0]!.id]);
    await vi.waitFor(async () => expect((await messagesOf(component, threadId!)).map(({ text }) => text)).toEqual(["First?", "One."]), WAIT);
    await runtime.rollbackThread(runtimeThreadId!, 1);
    expect(await runtime.appServer.request("thread/turns/list", { threadId: runtimeThreadId! })).toMatchObject({ data: [] });
    await vi.waitFor(async () => expect(await messagesOf(component, threadId!)).toEqual([]), WAIT);
    expect(problems).toEqual([]);
  });

  test("does what is sent from another device, asks there, and is stopped from there", async () => {
    const bridge = await scripted([call("touch made.txt && echo made"), reply("Made."), { steps: [{ say: { repeat: ["word # ", 200] }, chunks: 200, delayMs: 20 }, { hang: true }] }]);
    const start = { approvalPolicy: "untrusted", sandbox: "danger-full-access" } as const;
    const { ann, send, ends, says, runs, threadId, runtime, problems } = await startMachine({ bridge }, start);
    const turn = await send("turn", said("Make it."));
    const pending = async () => (await ann.query(host.listPendingApprovalsForHooks, { threadId, paginationOpts: { cursor: null, numItems: 10 } })).page;
    await vi.waitFor(async () => expect(await pending()).toHaveLength(1), WAIT);
    const { turnId, itemId, payloadJson } = (await pending())[0]!;
    await ends(turn, { state: "accepted", turnId });
    await ann.mutation(host.respondApprovalForHooks, { threadId, turnId, itemId, decision: "accepted", shownSha256: await shownSha256Of(payloadJson) });
    await says(["Make it.", expect.stringContaining("touch made.txt") as string, "Made."]);
    await vi.waitFor(() => expect(existsSync(path.join(bridge.cwd, "made.txt"))).toBe(true), WAIT);
    // Else the turn that runs may still be that one.
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ turnInFlight: false }), WAIT);
    await send("turn", said("Write for ever."));
    const running = await runs();
    await ends(await send("interrupt", { turnId: running }), { state: "accepted", turnId: running });
    await vi.waitFor(async () => expect(await ann.query(host.getTurn, { threadId, turnId: running })).toMatchObject({ status: "interrupted" }), WAIT);
    const { data } = await runtime.appServer.request("thread/turns/list", { threadId: runtime.getState().runtimeThreadId!, sortDirection: "asc" });
    expect(data.map(({ id, status }) => [id, status])).toEqual([[turnId, "completed"], [running, "interrupted"]]);
    expect(problems).toEqual([]);
  });

  test.each([
    { name: "sub-agent-v1", parentSays: ["I will have it counted.", "spawnAgent", "Somebody counts them."], agentHears: ["Count the lines of notes.txt."], takesTurns: true },
    { name: "sub-agent-v2", parentSays: ["I will have it counted.", "/root/counter", "wait", "/root/counter", "It counted three lines."], agentHears: [], takesTurns: false },
  ])("has an agent that codex begins of itself as its thread's child, whose approval is answered from afar: $name", async ({ name, parentSays, agentHears, takesTurns }) => {
    const { model, config = {}, files = {} } = scenarioOf(name);
    const bridge = await scripted(model!.replies as Reply[], { config });
    for (const [file, text] of Object.entries(files)) await writeFile(path.join(bridge.cwd, file), text);
    const start = { approvalPolicy: "untrusted", sandbox: "danger-full-access" } as const;
    const { ann, send, ends, says, threadId: parent, problems } = await startMachine({ bridge }, start);
    const page = { cursor: null, numItems: 10 };
    await send("turn", said("Have somebody count the lines of notes.txt."));
    const pending = async () => (await ann.query(host.listPendingApprovalsForHooks, { paginationOpts: page })).page;
    await vi.waitFor(async () => expect(await pending()).toHaveLength(1), WAIT);
    const { threadId, turnId, itemId, payloadJson } = (await pending())[0]!;
    const children = async () => (await ann.query(host.listThreadsForHooks, { parentThreadId: parent, paginationOpts: page })).page;
    await vi.waitFor(async () => expect((await children()).map((child) => child.threadId)).toEqual([threadId]), WAIT);
    await vi.waitFor(async () => expect(await ann.query(host.getPresence, { threadId })).toMatchObject({ thread: "here", current: { turnId, pendingRequests: 1 } }), WAIT);
    await ann.mutation(host.respondApprovalForHooks, { threadId, turnId, itemId, decision: "accepted", shownSha256: await shownSha256Of(payloadJson) });
    const shown = async () => (await ann.query(host.listThreadMessagesForHooks, { threadId, paginationOpts: page })).page.map(({ text }) => text).reverse();
    const counted = [...agentHears, "I count the lines.", expect.stringContaining("wc -l notes.txt"), "There are three lines."];
    await vi.waitFor(async () => expect(await shown()).toEqual(counted), WAIT);
    await says(["Have somebody count the lines of notes.txt.", ...parentSays]);
    await ann.mutation(host.sendCommand, { threadId, commandId: "again", kind: "turn", payloadJson: JSON.stringify(said("Count again.")) });
    await ends("again", takesTurns ? { state: "accepted" } : { state: "refused", code: "E_COMMAND_REFUSED" });
    await vi.waitFor(async () => expect(await shown()).toEqual([...counted, ...(takesTurns ? ["Count again.", "Still three."] : [])]), WAIT);
    expect(problems).toEqual([]);
  });

  test("refuses a thread that another codex holds, and goes on in it when that is gone", async () => {
    const component = startComponent();
    const bridge = await scripted([reply("Theirs."), reply("Mine.")]);
    const [terminal, ours] = [runtimeOver(startComponent(), { bridge }), runtimeOver(component, { bridge })];
    await terminal.runtime.start(START);
    await terminal.runtime.ready();
    terminal.runtime.sendTurn("From the terminal.");
    await vi.waitFor(() => expect(terminal.runtime.getState()).toMatchObject({ phase: "ready", turnInFlight: false, turnId: expect.any(String) as unknown }), WAIT);
    const runtimeThreadId = terminal.runtime.getState().runtimeThreadId!;
    await ours.runtime.start({ ...START, runtimeThreadId });
    await expect(ours.runtime.ready()).rejects.toMatchObject({ code: "E_THREAD_BUSY" });
    await terminal.runtime.stop();
    await ours.runtime.resumeThread(runtimeThreadId);
    ours.runtime.sendTurn("From here.");
    await vi.waitFor(async () => expect((await messagesOf(component, ours.runtime.getState().threadId!)).map(({ text }) => text)).toEqual(["From here.", "Mine."]), WAIT);
    expect(ours.problems.map(({ code }) => code)).toEqual(["E_THREAD_BUSY"]);
  });

  test("follows and steers a thread of an app-server that somebody else runs, which goes on when it is gone", async () => {
    const { theirs, attach } = await listening([reply("Theirs."), reply("Mine.")]);
    const { terminal, desk } = attachTerminal(attach);
    desk.send({ method: "thread/start", id: "start", params: {} });
    await terminal.until(() => terminal.globals.some(({ message }) => "id" in message && message.id === "start"));
    const { result } = terminal.globals.find(({ message }) => "id" in message && message.id === "start")!.message as { result: { thread: { id: string } } };
    const threadId = result.thread.id;
    const turn = (text: string) => ({ method: "turn/start", id: text, params: { threadId, input: [{ type: "text", text, text_elements: [] }] } });
    desk.send(turn("From the desk."));
    await terminal.until(() => terminal.events.some(({ kind }) => kind === "turn/completed"));
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component, { bridge: { attach } });
    await runtime.start({ ...START, runtimeThreadId: threadId });
    await runtime.ready();
    runtime.sendTurn("From here.");
    await vi.waitFor(async () => expect((await messagesOf(component, runtime.getState().threadId!)).map(({ text }) => text)).toEqual(["From here.", "Mine."]), WAIT);
    await terminal.until(() => terminal.events.filter(({ kind }) => kind === "turn/completed").length === 2);
    await runtime.stop();
    expect([theirs.exitCode, problems]).toEqual([null, []]);
  });

  test("shows what was over in a turn of somebody else's app-server while it was stopped, though the turn runs on", async () => {
    const { attach } = await listening([{ steps: [{ wait: 1_500 }, { say: "Counted.", chunks: 2 }, { call: "exec_command", args: { cmd: "echo one" } }] }, { steps: [{ say: { repeat: ["word # ", 600] }, chunks: 600, delayMs: 20 }] }]);
    const component = startComponent();
    const options = { bridge: { attach }, outboxFolder: await folder() };
    const first = runtimeOver(component, options);
    await first.runtime.start({ ...START, approvalPolicy: "never", sandbox: "danger-full-access" });
    await first.runtime.ready();
    const runtimeThreadId = first.runtime.getState().runtimeThreadId!;
    const texts = async () => (await messagesOf(component, first.runtime.getState().threadId!)).map(({ text }) => text);
    first.runtime.sendTurn("Count.");
    await vi.waitFor(async () => expect(await texts()).toEqual(["Count."]), WAIT);
    await first.runtime.stop();
    const { terminal, desk } = attachTerminal(attach);
    desk.send({ method: "thread/resume", id: "resume", params: { threadId: runtimeThreadId } });
    await terminal.until(() => terminal.events.some(({ kind, payloadJson }) => kind === "item/agentMessage/delta" && payloadJson.includes("word 9 ")));
    const second = runtimeOver(component, options);
    await second.runtime.start({ ...START, runtimeThreadId });
    await second.runtime.ready();
    await vi.waitFor(async () => expect(await texts()).toEqual(["Count.", "Counted.", expect.stringContaining("echo one"), expect.stringContaining("word ")]), WAIT);
    expect(second.runtime.getState()).toMatchObject({ phase: "running", turnInFlight: true });
    expect([first.problems, second.problems]).toEqual([[], []]);
  });

  test("goes on in a turn of somebody else's app-server over a connection that is lost, with what was over meanwhile", async () => {
    const words = Array.from({ length: 300 }, (_, at) => `word ${String(at + 1)} `).join("");
    const { attach } = await listening([{ steps: [{ wait: 1_500 }, { say: "Counted.", chunks: 2 }, { call: "exec_command", args: { cmd: "echo one" } }] }, { steps: [{ say: { repeat: ["word # ", 300] }, chunks: 300, delayMs: 20 }] }]);
    const { attach: cable, pull, plug } = await cabled(attach);
    const component = startComponent();
    const { runtime, problems } = runtimeOver(component, { bridge: { attach: cable } });
    await runtime.start({ ...START, approvalPolicy: "never", sandbox: "danger-full-access" });
    await runtime.ready();
    const { runtimeThreadId, threadId } = runtime.getState();
    const texts = async () => (await messagesOf(component, threadId!)).map(({ text }) => text);
    runtime.sendTurn("Count.");
    await vi.waitFor(async () => expect(await texts()).toEqual(["Count."]), WAIT);
    pull();
    const { terminal, desk } = attachTerminal(attach);
    desk.send({ method: "thread/resume", id: "resume", params: { threadId: runtimeThreadId } });
    await terminal.until(() => terminal.events.some(({ kind, payloadJson }) => kind === "item/agentMessage/delta" && payloadJson.includes("word 9 ")));
    expect([runtime.getState().phase, (await dump(component)).turns.map(({ status }) => status)]).toEqual(["reconnecting", ["inProgress"]]);
    plug();
    await vi.waitFor(() => expect(runtime.getState()).toMatchObject({ phase: "running", turnInFlight: true }), WAIT);
    expect(terminal.events.some(({ kind }) => kind === "turn/completed")).toBe(false);
    await vi.waitFor(async () => expect(await texts()).toEqual(["Count.", "Counted.", expect.stringContaining("echo one"), words]), WAIT);
    await vi.waitFor(async () => expect((await dump(component)).turns.map(({ status, source }) => [status, source])).toEqual([["completed", "codex"]]), WAIT);
    expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(["E_BRIDGE_PROCESS_EXITED", "E_BRIDGE_ATTACH_FAILED"]));
  });

  test("asks anew, once, what it waits for when its thread is resumed, and goes on with the answer", async () => {
    const { cwd, attach } = await listening([call("touch made.txt && echo made"), reply("Made.")]);
    const component = startComponent();
    const options = { bridge: { attach }, outboxFolder: await folder() };
    const first = runtimeOver(component, options);
    await first.runtime.start({ ...START, approvalPolicy: "untrusted", sandbox: "danger-full-access" });
    await first.runtime.ready();
    const runtimeThreadId = first.runtime.getState().runtimeThreadId!;
    first.runtime.sendTurn("Make it.");
    const requests = async () => (await dump(component)).serverRequests.map(({ status, generation }) => [status, generation]);
    await vi.waitFor(async () => expect(await requests()).toEqual([["pending", 1]]), WAIT);
    await first.runtime.resumeThread(runtimeThreadId);
    expect([await requests(), first.runtime.listPendingServerRequests().length]).toEqual([[["pending", 1]], 1]);
    await first.runtime.stop();
    const second = runtimeOver(component, options);
    await second.runtime.start({ ...START, runtimeThreadId });
    await second.runtime.ready();
    await vi.waitFor(async () => expect(await requests()).toEqual([["expired", 1], ["pending", 2]]), WAIT);
    second.runtime.respondCommandApproval({ requestId: second.runtime.listPendingServerRequests()[0]!.id, decision: "accept" });
    const texts = async () => (await messagesOf(component, second.runtime.getState().threadId!)).map(({ text }) => text);
    await vi.waitFor(async () => expect(await texts()).toEqual(["Make it.", expect.stringContaining("touch made.txt"), "Made."]), WAIT);
    expect(await requests()).toEqual([["expired", 1], ["answered", 2]]);
    expect([existsSync(path.join(cwd, "made.txt")), first.problems, second.problems]).toEqual([true, [], []]);
  });
});
