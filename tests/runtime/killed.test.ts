/** A runtime whose host is killed in the middle of a turn, and that is started again on the same outbox. */
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { CodexHostPersistence } from "../../js-wrapper/runtime/types.js";
import { dump, messagesOf, startComponent, type Component } from "../convex/build.js";
import { folder } from "../outbox/build.js";
import { AttachableCodex, THREAD } from "./attachable-codex.js";
import { persistenceOver, runtimeWith, START } from "./build.js";

const WAIT = { timeout: 20_000, interval: 20 };
const HOST = path.join(import.meta.dirname, "host.mjs");
const ASKED = "item/commandExecution/requestApproval";
const UNTIL_ASKED = ["turn/started", "item/completed", "item/started", "item/agentMessage/delta", "item/started", ASKED];

type Ingest = Parameters<CodexHostPersistence["ingestSafe"]>[0];

/** The component as a host's functions have it, which of them nobody reaches, and the events that it has taken. */
class Convex {
  readonly component: Component = startComponent();
  readonly away = new Set<string>();
  readonly taken: Ingest["deltas"] = [];
  readonly #real = persistenceOver(this.component);
  readonly persistence: CodexHostPersistence = {
    ...this.#real,
    ingestSafe: async (args) => {
      const answer = await this.#orAway("ingestSafe", () => this.#real.ingestSafe(args));
      this.taken.push(...args.deltas);
      return answer;
    },
    upsertPendingServerRequest: (args) => this.#orAway("upsertPendingServerRequest", () => this.#real.upsertPendingServerRequest(args)),
    resolvePendingServerRequest: (args) => this.#orAway("resolvePendingServerRequest", () => this.#real.resolvePendingServerRequest(args)),
  };

  #orAway<Answer>(name: string, call: () => Promise<Answer>): Promise<Answer> {
    return this.away.has(name) ? Promise.reject(new TypeError("fetch failed")) : call();
  }

  /** Serves it to another process. @returns its address */
  async serve(): Promise<string> {
    const server = createServer((request, response) => {
      const functions = this.persistence as unknown as Record<string, (args: unknown) => Promise<unknown>>;
      read(request)
        .then((args) => functions[(request.url ?? "").slice(1)]!(args))
        .then((answer) => response.end(JSON.stringify(answer ?? null)), () => request.socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  }
}

async function read(request: IncomingMessage): Promise<unknown> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
  return JSON.parse(body);
}

/** Starts a host that sends one turn. @returns how many events are on its disk, and what kills it, and waits until it is gone */
async function host(convex: Convex, options: object): Promise<{ waiting: () => number; kill: () => Promise<void> }> {
  const child = spawn(process.execPath, [HOST, await convex.serve(), JSON.stringify(options), JSON.stringify(START)], { stdio: ["ignore", "pipe", "inherit"] });
  let waiting = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    waiting = Number(line);
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(kill);
  return { waiting: () => waiting, kill };
}

describe("a runtime whose host is killed in the middle of a turn, with a question open", () => {
  it.each([
    ["had taken everything", []],
    ["had the question alone", ["ingestSafe"]],
    ["had nothing of it", ["ingestSafe", "upsertPendingServerRequest"]],
  ])("ends the turn and its question once, behind what was left, where Convex %s", async (_what, away) => {
    const convex = new Convex();
    for (const name of away) convex.away.add(name);
    const outboxFolder = await folder();
    const { waiting, kill } = await host(convex, { outboxFolder, standIn: { askIn: "u1" } });
    if (away.length === 0) await vi.waitFor(() => expect(convex.taken.map(({ kind }) => kind)).toContain(ASKED), WAIT);
    // The thread's start, and what the turn says until it asks.
    else await vi.waitFor(() => expect(waiting()).toBe(1 + UNTIL_ASKED.length), WAIT);
    const { component } = convex;
    const requests = async () => (await dump(component)).serverRequests.map(({ status }) => status);
    await vi.waitFor(async () => expect(await requests()).toEqual(away.includes("upsertPendingServerRequest") ? [] : ["pending"]), WAIT);
    await kill();
    convex.away.clear();

    const { runtime, problems } = runtimeWith(convex.persistence, { outboxFolder });
    await runtime.start({ ...START, runtimeThreadId: (await dump(component)).threads[0]!.localThreadId! });
    await runtime.ready();
    const threadId = runtime.getState().threadId!;
    const texts = async () => (await messagesOf(component, threadId)).map(({ text, status }) => [text, status]);
    const cut = [["Wait.", "completed"], ["you said: ", "interrupted"], ["ls", "interrupted"]];
    await vi.waitFor(async () => expect(await texts()).toEqual(cut), WAIT);
    expect(await requests()).toEqual(["expired"]);

    runtime.sendTurn("Go on.");
    await vi.waitFor(async () => expect(await texts()).toEqual([...cut, ["Go on.", "completed"], ["you said: Go on.", "completed"]]), WAIT);
    await vi.waitFor(() => expect(runtime.backlog()).toEqual([]), WAIT);
    const { turns, streamHeads, quarantine } = await dump(component);
    expect(turns.map(({ status, source }) => [status, source])).toEqual([["interrupted", "local"], ["completed", "codex"]]);
    // Each once, and in order: the end last.
    expect(streamHeads.map(({ holes, latest, eventCount }) => [holes, latest - eventCount])).toEqual([[[], 0], [[], 0]]);
    const ofTurn = convex.taken.filter((event) => event.type === "stream_delta" && event.turnId === turns[0]!.turnId);
    const once = ofTurn.filter(({ eventId }, at) => ofTurn.findIndex((event) => event.eventId === eventId) === at);
    expect(once.map(({ kind }) => kind)).toEqual([...UNTIL_ASKED, "turn/completed"]);
    // What the killed host was not answered of is sent once more.
    expect(ofTurn.length - once.length).toBeLessThanOrEqual(UNTIL_ASKED.length);
    expect([await requests(), quarantine, problems]).toEqual([["expired"], [], []]);
  });
});

describe("what a killed host's codex asked without a turn", () => {
  /** A host that has asked, killed, and all but its outbox and Convex gone. */
  async function killed(away: string[]) {
    const convex = new Convex();
    for (const name of away) convex.away.add(name);
    const outboxFolder = await folder();
    const { waiting, kill } = await host(convex, { outboxFolder, standIn: { askIn: "u1", asksFreely: true } });
    if (away.length === 0) await vi.waitFor(() => expect(convex.taken.map(({ kind }) => kind)).toContain("mcpServer/elicitation/request"), WAIT);
    else await vi.waitFor(() => expect(waiting()).toBe(1 + UNTIL_ASKED.length), WAIT);
    const requests = async () => (await dump(convex.component)).serverRequests.map(({ status }) => status);
    await vi.waitFor(async () => expect(await requests()).toEqual(away.length === 2 ? [] : ["pending"]), WAIT);
    await kill();
    const again = (standIn: object = {}) => runtimeWith(convex.persistence, { outboxFolder, standIn });
    const start = async () => ({ ...START, runtimeThreadId: (await dump(convex.component)).threads[0]!.localThreadId! });
    return { convex, requests, again, start };
  }

  it.each([
    ["had taken everything", []],
    ["had the question alone", ["ingestSafe"]],
    ["had nothing of it", ["ingestSafe", "upsertPendingServerRequest"]],
  ])("is expired by the next start, before that codex says a word, where Convex %s", async (_what, away) => {
    const { convex, requests, again, start } = await killed(away);
    convex.away.clear();
    const { runtime, problems } = again();
    await runtime.start(await start());
    await runtime.ready();
    await vi.waitFor(async () => expect([await requests(), runtime.backlog()]).toEqual([["expired"], []]), WAIT);
    expect((await dump(convex.component)).serverRequests[0]).toMatchObject({ cause: "reported" });
    await runtime.stop();
    // It is settled: the next one has nothing to say of it.
    convex.away.add("resolvePendingServerRequest");
    const third = again();
    await third.runtime.start(await start());
    await third.runtime.ready();
    await third.runtime.stop();
    expect([problems, third.problems]).toEqual([[], []]);
  });

  it("is not taken for what the next codex asks by the same id, of which Convex has the event alone", async () => {
    const { convex, requests, again, start } = await killed([]);
    for (const name of ["upsertPendingServerRequest", "resolvePendingServerRequest"]) convex.away.add(name);
    const { runtime } = again({ askIn: "u1", asksFreely: true });
    await runtime.start(await start());
    await runtime.ready();
    runtime.sendTurn("Ask again.");
    await vi.waitFor(async () => expect([await requests(), runtime.backlog()]).toEqual([["expired", "pending"], []]), WAIT);
    convex.away.clear();
    await vi.waitFor(async () => expect((await dump(convex.component)).serverRequests[1]).toHaveProperty("appGeneration"), WAIT);
    expect(await requests()).toEqual(["expired", "pending"]);
    runtime.respond(0, { action: "decline", content: null, _meta: null });
    await vi.waitFor(async () => expect(await requests()).toEqual(["expired", "answered"]), WAIT);
  });
});

describe("a runtime that is attached, whose host is killed in the middle of a turn", () => {
  it.each([
    ["waits for its answer, is asked anew and answered once", true, ["expired", "answered"]],
    ["was answered by somebody else meanwhile, waits for nobody", false, ["expired"]],
  ])("what it had asked and %s", async (_what, waits, want) => {
    const convex = new Convex();
    const codex = await AttachableCodex.serve();
    const options = { outboxFolder: await folder(), bridge: { attach: codex.attach } };
    const { kill } = await host(convex, options);
    await vi.waitFor(() => expect(codex.listeners).toBe(1), WAIT);
    codex.begin("u");
    codex.ask();
    const { component } = convex;
    const requests = async () => (await dump(component)).serverRequests.map(({ status }) => status);
    await vi.waitFor(async () => expect((await dump(component)).serverRequests).toMatchObject([{ status: "pending", generation: 1, appGeneration: 1 }]), WAIT);
    await kill();
    if (!waits) codex.resolve(0);

    const { runtime, problems } = runtimeWith(convex.persistence, options);
    await runtime.start({ ...START, runtimeThreadId: THREAD });
    await runtime.ready();
    if (waits) {
      await vi.waitFor(async () => expect(await requests()).toEqual(["expired", "pending"]), WAIT);
      await vi.waitFor(async () => expect((await dump(component)).serverRequests[1]).toMatchObject({ appGeneration: 1, generation: 2 }), WAIT);
      runtime.respondCommandApproval({ requestId: 0, decision: "accept" });
    }
    await vi.waitFor(async () => expect(await requests()).toEqual(want), WAIT);
    // It may reach codex after Convex.
    await vi.waitFor(() => expect(codex.answers).toEqual(waits ? [{ decision: "accept" }] : []), WAIT);
    // The turn runs on: its end is not what has expired it.
    expect((await dump(component)).turns).toMatchObject([{ status: "inProgress" }]);
    codex.end();
    await vi.waitFor(async () => expect((await dump(component)).turns).toMatchObject([{ status: "completed", source: "codex" }]), WAIT);
    const { streamHeads, quarantine } = await dump(component);
    expect(streamHeads.map(({ holes, latest, eventCount }) => [holes, latest - eventCount])).toEqual(streamHeads.map(() => [[], 0]));
    expect([quarantine, problems]).toEqual([[], []]);
  });

  it.each([
    ["had taken everything", []],
    ["had nothing of it", ["ingestSafe"]],
  ])("goes on in the turn, and ends it when codex does, where Convex %s", async (_what, away) => {
    const convex = new Convex();
    for (const name of away) convex.away.add(name);
    const codex = await AttachableCodex.serve();
    const options = { outboxFolder: await folder(), bridge: { attach: codex.attach } };
    const { waiting, kill } = await host(convex, options);
    await vi.waitFor(() => expect(codex.listeners).toBe(1), WAIT);
    codex.begin("u");
    codex.say("one ");
    // The turn's start, its item's, and some of its text.
    await vi.waitFor(() => expect(away.length === 0 ? convex.taken.length : waiting()).toBe(3), WAIT);
    await kill();
    convex.away.clear();
    codex.say("two ");

    const { runtime, problems } = runtimeWith(convex.persistence, options);
    await runtime.start({ ...START, runtimeThreadId: THREAD });
    await runtime.ready();
    const { component } = convex;
    const texts = async () => (await messagesOf(component, runtime.getState().threadId!)).map(({ text, status }) => [text, status]);
    codex.say("three");
    await vi.waitFor(async () => expect(await texts()).toEqual([["one three", "streaming"]]), WAIT);
    codex.end();
    await vi.waitFor(async () => expect(await texts()).toEqual([["one two three", "completed"]]), WAIT);
    await vi.waitFor(() => expect(runtime.backlog()).toEqual([]), WAIT);
    const { turns, streamHeads, quarantine } = await dump(component);
    expect(turns.map(({ status, source }) => [status, source])).toEqual([["completed", "codex"]]);
    expect(streamHeads.map(({ holes, latest, eventCount }) => [holes, latest, eventCount])).toEqual([[[], 6, 6]]);
    expect(convex.taken.filter(({ payloadJson }) => payloadJson.includes("synthesized"))).toEqual([]);
    expect([quarantine, problems]).toEqual([[], []]);
  });
});
