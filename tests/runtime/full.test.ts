/** A runtime whose outbox is full when it starts, while Convex is away. */
import { expect, it, onTestFinished, vi } from "vitest";
import { type BridgeConfig, type BridgeHandlers, CodexLocalBridge } from "../../js-wrapper/bridge/index.js";
import { Outbox } from "../../js-wrapper/outbox/index.js";
import type { CodexHostPersistence, RuntimeBridge } from "../../js-wrapper/runtime/types.js";
import { startComponent } from "../convex/build.js";
import { delta, folder, open } from "../outbox/build.js";
import { persistenceOver, runtimeWith, STAND_IN, START } from "./build.js";

const WAIT = { timeout: 20_000, interval: 20 };
/** UTF-8 bytes that may wait: some events' worth. */
const BYTES_MAX = 1_000;

/** Convex, which is away until it is said to be back. */
function awayAtFirst() {
  let isAway = true;
  const there = persistenceOver(startComponent());
  const entries = Object.entries(there).map(([name, call]) => [name, (args: never) => (isAway ? Promise.reject(new Error("Convex is away")) : (call as (args: never) => unknown)(args))]);
  return { persistence: Object.fromEntries(entries) as unknown as CodexHostPersistence, back: () => void (isAway = false) };
}

it("has its thread of codex all the same, is answered what it asks, and reads nothing else until there is room", async () => {
  const outboxFolder = await folder();
  const { outbox } = await open({ folder: outboxFolder, bytesMax: BYTES_MAX, deliver: () => Promise.resolve({ type: "again", reason: "Convex is away" }) });
  for (let at = 0; at < 10; at++) outbox.append(delta(at, { text: "x".repeat(BYTES_MAX / 10) }));
  expect(outbox.isCrowded).toBe(true);
  await outbox.close();
  const opens = Outbox.open.bind(Outbox);
  const bounded = vi.spyOn(Outbox, "open").mockImplementation((options) => opens({ ...options, bytesMax: BYTES_MAX }));
  onTestFinished(() => bounded.mockRestore());
  const held: boolean[] = [];
  const bridgeFactory = (config: BridgeConfig, handlers: BridgeHandlers): RuntimeBridge => {
    const bridge = new CodexLocalBridge({ ...config, codexBin: process.execPath, args: [STAND_IN, "{}"] }, handlers);
    const hold = (isHeld: boolean) => {
      held.push(isHeld);
      bridge.hold(isHeld);
    };
    return { start: () => bridge.start(), stop: () => bridge.stop(), send: (message) => bridge.send(message), hold };
  };
  const { persistence, back } = awayAtFirst();
  const { runtime } = runtimeWith(persistence, { outboxFolder, bridgeFactory });
  await runtime.start(START);
  await vi.waitFor(() => expect(runtime.getState().runtimeThreadId).not.toBeNull(), WAIT);
  expect(await runtime.readAccount()).toMatchObject({ requiresOpenaiAuth: true });
  await vi.waitFor(() => expect(held.at(-1)).toBe(true), WAIT);
  back();
  await runtime.ready();
  await vi.waitFor(() => expect([held.at(-1), runtime.backlog()]).toEqual([false, []]), WAIT);
}, 60_000);
