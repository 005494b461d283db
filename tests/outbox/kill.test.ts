/**
 * A host process that is killed again and again while its events flow, and Convex away a third of the time: afterwards every event is in
 * Convex, once in effect, in order. `KILLS` says how often (default 100), `SEED` where the chance begins.
 */
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { OutboxBatch } from "../../js-wrapper/outbox/index.js";
import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";
import { seededRandom } from "../../tools/embedded-convex/random.mjs";
import { api, dump, messagesOf, OWNER, SESSION, startComponent, type Component, type StreamEvent } from "../convex/build.js";
import { folder, range } from "./build.js";
import { THREADS, wordOf } from "./story.mjs";

const KILLS = Number(process.env["KILLS"] ?? 100);
const SEED = Number(process.env["SEED"] ?? 1);
/** As many as flow until the last kill, and more, also where the machine is fast and nothing else runs. */
const EVENTS_A_THREAD = Math.ceil(Math.max(40_000, 100 * KILLS) / THREADS.length);
/** Milliseconds that a host lives behind its opening, at most; and batches that Convex takes before, of some: however slow the machine, events flow. */
const LIFE_MAX_MS = 80;
const BATCHES_MAX = 3;
/** Hosts that are let live until a batch has come; of few kills every second. */
const FLOWING = Math.min(0.5, 100 / KILLS);
const TEST_MS = 120_000 + KILLS * 3_000;
const HOST = path.join(import.meta.dirname, "host.mjs");

interface Convex {
  isAway: boolean;
  /** How many batches it has taken, what it had to say against any, and the end of what has come of each thread. */
  answers: number;
  refused: unknown[];
  arrived: Map<string, number>;
}

test(`${String(KILLS)} kills and a Convex that is away a third of the time lose nothing, and double nothing`, { timeout: TEST_MS }, async () => {
  const component = startComponent();
  for (const threadId of THREADS) await component.mutation(api.threads.create, { actor: OWNER, threadId });
  const convex: Convex = { isAway: false, answers: 0, refused: [], arrived: new Map() };
  const server = await serve(component, convex);
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const where = await folder();
  const chance = seededRandom(SEED);
  const run = (life?: Life) => host([where, `http://127.0.0.1:${String(port)}`, String(EVENTS_A_THREAD)], convex, life);

  let awaited = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    convex.isAway = chance() < 1 / 3;
    const batches = convex.isAway || chance() > FLOWING ? 0 : Math.ceil(chance() * BATCHES_MAX);
    awaited += batches;
    expect(await run({ batches, ms: chance() * LIFE_MAX_MS })).toBe("SIGKILL");
  }
  convex.isAway = false;
  expect(awaited).toBeGreaterThan(Math.min(KILLS, 100) / 4);
  expect(await run()).toBe(0);

  expect(convex.refused).toEqual([]);
  const words = range(2, EVENTS_A_THREAD).map(wordOf).join("");
  for (const threadId of THREADS) expect((await messagesOf(component, threadId)).map(({ text }) => text === words)).toEqual([true]);
  const { streamHeads, quarantine } = await dump(component);
  expect(streamHeads.map(({ latest, holes, eventCount }) => [latest, holes, eventCount])).toEqual(THREADS.map(() => [EVENTS_A_THREAD, [], EVENTS_A_THREAD]));
  expect(quarantine).toEqual([]);
});

/** How long a host lives: so many batches, and then so many milliseconds. */
interface Life {
  batches: number;
  ms: number;
}

/** Runs the host, killed at its time after it has opened its outbox, in which is all that has ever left it; answers what it ended with. */
async function host(args: string[], convex: Convex, life?: Life): Promise<number | string | null> {
  const child = spawn(process.execPath, [HOST, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | string | null>((resolve) => child.on("close", (code, signal) => resolve(signal ?? code)));
  const line = await new Promise((resolve) => child.stdout.setEncoding("utf8").once("data", resolve).once("end", resolve));
  const known = JSON.parse(String(line)) as Record<string, number>;
  for (const [threadId, cursor] of convex.arrived) expect(known[threadId]).toBeGreaterThanOrEqual(cursor);
  if (life !== undefined) {
    const until = convex.answers + life.batches;
    while (convex.answers < until && child.exitCode === null) await pause(1);
    await pause(life.ms);
    child.kill("SIGKILL");
  }
  return await ended;
}

/** The component behind HTTP: as far as the outbox is concerned, Convex. */
async function serve(component: Component, convex: Convex): Promise<Server> {
  const server = createServer((request, response) => {
    if (convex.isAway) return void request.socket.destroy();
    void read(request).then(async ({ threadId, events }) => {
      convex.arrived.set(threadId, Math.max(convex.arrived.get(threadId) ?? 0, ...events.map(({ cursorEnd }) => cursorEnd)));
      const streamDeltas = events.map(streamDelta);
      const answer = await component.mutation(api.sync.ingestSafe, { actor: OWNER, sessionId: SESSION, threadId, streamDeltas, lifecycleEvents: [] });
      convex.answers += 1;
      if (answer.errors.length > 0) convex.refused.push(answer);
      response.end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function read(request: IncomingMessage): Promise<OutboxBatch> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
  return JSON.parse(body) as OutboxBatch;
}

function streamDelta({ threadId: _, turnId = "", streamId = "", ...event }: NormalizedEvent): StreamEvent {
  return { type: "stream_delta", turnId, streamId, ...event };
}
