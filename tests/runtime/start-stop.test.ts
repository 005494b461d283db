/** A start that a stop comes into. */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { persistenceOver, runtimeWith, START } from "./build.js";
import { startComponent } from "../convex/build.js";

it("is none, though its codex was on its way, and says so", async () => {
  // It takes a connection, and says nothing.
  const mute = createServer(() => undefined);
  onTestFinished(() => void mute.close());
  mute.listen(0, "127.0.0.1");
  await once(mute, "listening");
  const { runtime } = runtimeWith(persistenceOver(startComponent()), { bridge: { attach: `ws://127.0.0.1:${String((mute.address() as AddressInfo).port)}` } });
  const started = runtime.start(START).then(() => "started", (thrown: unknown) => (thrown as { code?: string }).code);
  await once(mute, "connection");
  await runtime.stop();
  expect([await started, runtime.getState()]).toMatchObject(["E_RUNTIME_NOT_RUNNING", { phase: "idle", lastError: null }]);
});
