/** The runtime that has its own connection. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished, vi } from "vitest";
import { WebSocketServer } from "ws";
import { createCodexRuntime } from "../../js-wrapper/runtime/index.js";
import type { CodexPersistenceOptions, createConvexPersistence } from "../../js-wrapper/runtime/persistence.js";

/** What the newest persistence was made with. */
let made: CodexPersistenceOptions | undefined;
vi.mock("../../js-wrapper/runtime/persistence.js", async (original) => {
  const { createConvexPersistence: make } = await original<{ createConvexPersistence: typeof createConvexPersistence }>();
  const createOver = (...args: Parameters<typeof make>) => {
    [, , made] = args;
    return make(...args);
  };
  return { createConvexPersistence: createOver };
});

/** As the WebSocket of Node 22 where nobody answers: it fails, and tells of no end. */
class Endless {
  close(): void {
    // Nothing follows.
  }
}

it("connects by a WebSocket that tells when its connection ends, whatever the process has", async () => {
  vi.stubGlobal("WebSocket", Endless);
  onTestFinished(() => void vi.unstubAllGlobals());
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => {
    server.close();
  });
  await once(server, "listening");
  let connections = 0;
  server.on("connection", (client) => {
    connections += 1;
    client.terminate();
  });
  const runtime = createCodexRuntime({ convexUrl: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, deviceToken: "none" });
  onTestFinished(() => runtime.close());
  await vi.waitFor(() => expect(connections).toBeGreaterThan(1), { timeout: 20_000, interval: 20 });
});

it.each([
  ["throws", () => {
    throw new Error("the app's own");
  }],
  // What nobody catches fails the run.
  ["rejects", () => Promise.reject(new Error("the app's own"))],
])("tells of a subscription that failed, and a handler that %s ends nothing", async (_what, fails) => {
  const told: object[] = [];
  const onProtocolError = ({ code, message, line }: { code: string; message: string; line: string }) => {
    told.push({ code, message, line });
    return fails();
  };
  const runtime = createCodexRuntime({ convexUrl: "http://127.0.0.1:1", deviceToken: "none", handlers: { onProtocolError } });
  onTestFinished(() => runtime.close());
  expect(() => made!.onError!(new Error("Server Error"))).not.toThrow();
  await vi.waitFor(() => expect(told).toEqual([{ code: "E_CONVEX_SUBSCRIPTION", message: "Server Error", line: "" }]));
});

it("tells that no deployment answers, once, though nothing fails", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const told: string[] = [];
  const onProtocolError = ({ code }: { code: string }) => void told.push(code);
  const runtime = createCodexRuntime({ convexUrl: "http://127.0.0.1:9", deviceToken: "none", bridge: { codexBin: "/nowhere/codex" }, handlers: { onProtocolError } });
  const started = expect(runtime.start({})).rejects.toThrow();
  vi.advanceTimersByTime(9_999);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(60_000);
  expect(told.filter((code) => code === "E_CONVEX_UNREACHABLE")).toHaveLength(1);
  await started;
  await runtime.close();
});
