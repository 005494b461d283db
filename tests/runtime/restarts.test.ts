/** A codex that dies again and again, or lives and does not answer. It is a stand-in within this process, for its clock is a test's. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { BridgeHandlers } from "../../js-wrapper/bridge/index.js";
import type { ClientOutboundWireMessage } from "../../js-wrapper/protocol/index.js";
import { codeOf } from "../../js-wrapper/runtime/errors.js";
import type { RuntimeBridge } from "../../js-wrapper/runtime/types.js";
import { startComponent } from "../convex/build.js";
import { folder } from "../outbox/build.js";
import { runtimeOver, START } from "./build.js";

const ID = "019a3b5c-0000-7000-8000-000000000001";
/** Milliseconds of the test's clock from one look to the next, and how many looks there are. */
const LOOK_EVERY_MS = 1_000;
const LOOKS_MAX = 600;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] }));
afterEach(() => void vi.useRealTimers());

/** Looks until it is so; the disk, whose time is its own, gets some in between. */
async function until(isSo: () => boolean): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX && !isSo(); looks += 1) {
    await vi.advanceTimersByTimeAsync(LOOK_EVERY_MS);
    for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(isSo()).toBe(true);
}

/** A bridge whose codex answers what `answers` says, by process from 1; undefined is no answer. */
class StandIn implements RuntimeBridge {
  processes = 0;
  #runs = false;
  readonly #handlers: BridgeHandlers;
  readonly #answers: (process: number, method: string) => object | undefined;

  constructor(handlers: BridgeHandlers, answers: (process: number, method: string) => object | undefined) {
    this.#handlers = handlers;
    this.#answers = answers;
  }

  start(): void {
    this.processes += 1;
    this.#runs = true;
  }

  send(message: ClientOutboundWireMessage): void {
    if (!("method" in message) || !("id" in message)) return;
    const { id, method } = message;
    const result = this.#answers(this.processes, method);
    if (result !== undefined) setImmediate(() => void this.#handlers.onGlobalMessage({ id, result }, { type: "response" }));
  }

  stop(): void {
    this.die();
  }

  die(): void {
    if (!this.#runs) return;
    this.#runs = false;
    void this.#handlers.onProcessExit?.(1);
  }
}

async function startRuntime(answers: (process: number, method: string) => object | undefined) {
  let codex: StandIn | undefined;
  const { runtime, problems } = runtimeOver(startComponent(), {
    outboxFolder: await folder(),
    bridgeFactory: (_, handlers) => (codex = new StandIn(handlers, answers)),
  });
  await runtime.start(START);
  await runtime.ready();
  return { runtime, problems, codex: codex! };
}

const thread = { thread: { id: ID }, model: "m", cwd: "/w" };

it("one that lives and does not answer is ended, and started again", async () => {
  const { runtime, problems, codex } = await startRuntime((process, method) => (process === 2 && method === "thread/resume" ? undefined : thread));
  expect(runtime.getState()).toMatchObject({ phase: "ready", runtimeThreadId: ID });
  codex.die();
  expect(runtime.getState().phase).toBe("reconnecting");
  const ready = runtime.ready();
  await until(() => runtime.getState().phase === "ready");
  await ready;
  expect(codex.processes).toBe(3);
  expect(problems.map(({ code }) => code)).toContain("E_APP_SERVER_TIMEOUT");
});

it("one that does not answer for its first thread is ended too, and started again", async () => {
  let codex: StandIn | undefined;
  const { runtime, problems } = runtimeOver(startComponent(), {
    outboxFolder: await folder(),
    bridgeFactory: (_, handlers) => (codex = new StandIn(handlers, (process, method) => (process === 1 && method === "thread/start" ? undefined : thread))),
  });
  await runtime.start(START);
  const first = runtime.ready().then(() => "ready", codeOf);
  await until(() => runtime.getState().phase === "ready");
  expect([await first, codex!.processes, problems.map(({ code }) => code)]).toEqual(["E_APP_SERVER_TIMEOUT", 2, ["E_APP_SERVER_TIMEOUT"]]);
});

it("one that dies ten times in five minutes is given up: whoever waits is told, and so is the state", async () => {
  const { runtime, codex } = await startRuntime(() => thread);
  const ready: Promise<unknown>[] = [];
  await until(() => {
    if (runtime.getState().phase === "ready") {
      codex.die();
      ready.push(runtime.ready().then(() => "ready", codeOf));
    }
    return runtime.getState().phase === "failed";
  });
  expect(codex.processes).toBe(11);
  expect(runtime.getState()).toMatchObject({ running: false, turnInFlight: false, lastError: expect.stringContaining("E_RUNTIME_GAVE_UP") as unknown });
  expect(await Promise.all(ready)).toEqual([...Array.from({ length: 10 }, () => "ready"), "E_RUNTIME_GAVE_UP"]);
  // It can be started as one that does not run, and stopped.
  await runtime.start(START);
  await runtime.ready();
  expect(runtime.getState()).toMatchObject({ phase: "ready", running: true });
  await runtime.stop();
  expect(runtime.getState().phase).toBe("idle");
});
