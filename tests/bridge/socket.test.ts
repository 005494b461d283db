/** A bridge that attaches to an app-server which somebody else runs; here a WebSocket server of the test's own. */
import { createServer } from "node:http";
import { createServer as createSilent, Socket } from "node:net";
import path from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type ServerOptions, WebSocketServer, type WebSocket } from "ws";
import { CodexLocalBridge } from "../../js-wrapper/bridge/index.js";
import { folder } from "../outbox/build.js";
import { Recorder } from "./recorder.js";

/** An app-server on a socket of its own. `heard` is what its clients said. */
async function serve(onMessage: (client: WebSocket, message: { id?: unknown; method?: string }) => void = () => undefined, options: ServerOptions = {}, name = "app.sock") {
  const file = path.join(await folder(), name);
  const server = createServer();
  const sockets = new WebSocketServer({ ...options, server });
  const heard: { id?: unknown; method?: string }[] = [];
  const clients: WebSocket[] = [];
  sockets.on("connection", (client) => {
    clients.push(client);
    client.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { id?: unknown; method?: string };
      heard.push(message);
      if (message.method === "initialize") client.send(JSON.stringify({ id: message.id, result: { userAgent: "here" } }));
      onMessage(client, message);
    });
  });
  await new Promise<void>((resolve) => server.listen(file, resolve));
  const close = () => {
    for (const client of clients) client.terminate();
    server.close();
  };
  onTestFinished(close);
  return { attach: `unix://${file}`, heard, clients, close };
}

const EVENT = { method: "item/started", params: { threadId: "t", turnId: "u", item: { id: "i", type: "plan" } } };

describe("a bridge that attaches to a running app-server", () => {
  it("says initialize, hears and is heard, and leaves it running", async () => {
    const { attach, heard, clients } = await serve((client, { method }) => {
      if (method === "test/go") client.send(JSON.stringify(EVENT));
    });
    const seen = new Recorder();
    const bridge = seen.start({ attach, runtimeId: "run" });
    bridge.send({ method: "test/go", id: 1 });
    await seen.untilEvents(1);
    expect(heard.map(({ method }) => method)).toEqual(["initialize", "initialized", "test/go"]);
    expect(seen.events[0]).toMatchObject({ kind: "item/started", threadId: "t", turnId: "u" });
    const closed = new Promise<number>((resolve) => clients[0]!.once("close", resolve));
    await bridge.stop();
    expect(await closed).toBe(1005);
    expect([seen.errors, seen.exits]).toEqual([[], [null]]);
  });

  describe("asks every 20 s whether it is there still", () => {
    /** Lets as many pings go as `pings`, and each be answered that is. */
    async function attached(pings: number, options: ServerOptions) {
      vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
      onTestFinished(() => void vi.useRealTimers());
      const { attach, clients } = await serve((client, { method }) => {
        if (method === "test/go") client.send(JSON.stringify(EVENT));
      }, options);
      const seen = new Recorder();
      const bridge = seen.start({ attach, runtimeId: "run" });
      bridge.send({ method: "test/go", id: 0 });
      await seen.untilEvents(1);
      for (let ping = 1; ping <= pings; ping++) {
        const comes = new Promise((resolve) => clients[0]!.once("ping", resolve));
        vi.advanceTimersByTime(20_000);
        await comes;
        // What answers a message has answered the ping before it.
        if (options.autoPong !== false) bridge.send({ method: "test/go", id: ping });
        if (options.autoPong !== false) await seen.untilEvents(ping + 1);
      }
      return { seen, bridge, clients };
    }

    it("and goes on while it answers", async () => {
      const { seen, bridge } = await attached(5, {});
      await bridge.stop();
      expect([seen.errors, seen.exits]).toEqual([[], [null]]);
    });

    it("and cuts a connection over which two pings were not answered", async () => {
      const { seen, clients } = await attached(2, { autoPong: false });
      const cut = new Promise((resolve) => clients[0]!.once("close", resolve));
      vi.advanceTimersByTime(20_000);
      await cut;
      await seen.untilExits(1);
      expect(seen.errorCodes).toEqual(["E_BRIDGE_PIPE_FAILED", "E_BRIDGE_PROCESS_EXITED"]);
    });

    it("but not while it is not read", async () => {
      const { seen, bridge } = await attached(2, { autoPong: false });
      bridge.hold(true);
      vi.advanceTimersByTime(200_000);
      bridge.hold(false);
      await bridge.stop();
      expect([seen.errors, seen.exits]).toEqual([[], [null]]);
    });
  });

  it("hears a message of 20 MiB, which comes in frames, as one", async () => {
    const { attach } = await serve((client, { method }) => {
      if (method === "initialized") client.send(JSON.stringify({ method: "test/large", params: { text: "x".repeat(20 * 1024 * 1024) } }));
    });
    const seen = new Recorder();
    const bridge = seen.start({ attach });
    await seen.untilGlobal("test/large");
    await bridge.stop();
    expect(seen.errors).toEqual([]);
  });

  it("is not read before it may be, where that was said before the connection was there", async () => {
    const { attach, clients } = await serve();
    const seen = new Recorder();
    let isThere: () => void = () => undefined;
    const connected = new Promise<void>((resolve) => (isThere = resolve));
    const bridge = new CodexLocalBridge({ attach, initialize: false }, seen.handlers({ onProcessStart: () => isThere() }));
    bridge.hold(true);
    bridge.start();
    await connected;
    clients[0]!.send(JSON.stringify(EVENT));
    // Whatever is read is read by the time that these have come and gone.
    for (let id = 0; id < 5; id++) {
      const heard = new Promise((resolve) => clients[0]!.once("message", resolve));
      bridge.send({ method: "test/go", id });
      await heard;
    }
    expect(seen.events).toEqual([]);
    bridge.hold(false);
    await seen.untilEvents(1);
    await bridge.stop();
  });

  it("ends no turn when it is stopped, and goes on in it when it is started again", async () => {
    const { attach } = await serve((client, { method }) => {
      if (method === "initialized") client.send(JSON.stringify(EVENT));
    });
    const seen = new Recorder();
    const bridge = seen.start({ attach });
    await seen.untilEvents(1);
    await bridge.stop();
    expect([seen.events.map(({ kind }) => kind), seen.errors]).toEqual([["item/started"], []]);
    bridge.start();
    await seen.untilEvents(2);
    bridge.tellTurn("t", { id: "u", status: "completed", items: [{ id: "i", type: "plan", text: "a key sk-abcdefghijklmnopqrstuvwxyz0123456789" }] });
    await seen.untilEvents(4);
    expect(seen.events.map(({ kind, turnId, cursorStart }) => [kind, turnId, cursorStart])).toEqual([
      ["item/started", "u", 0],
      ["item/started", "u", 1],
      ["item/completed", "u", 2],
      ["turn/completed", "u", 3],
    ]);
    const [completed, end] = seen.events.slice(2).map(({ payloadJson }) => JSON.parse(payloadJson) as { params: object });
    expect(completed!.params).toMatchObject({ threadId: "t", turnId: "u", item: { id: "i", text: expect.stringContaining("[redacted:") as unknown } });
    expect(end!.params).toEqual({ threadId: "t", turn: { id: "u", items: [], status: "completed", error: null }, synthesized: true });
    await bridge.stop();
  });

  it("is told when the connection ends, and ends no turn: what it was attached to may go on", async () => {
    const { attach, clients } = await serve((client, { method }) => {
      if (method === "initialized") client.send(JSON.stringify(EVENT));
    });
    const seen = new Recorder();
    seen.start({ attach });
    await seen.untilEvents(1);
    clients[0]!.terminate();
    await seen.untilExits(1);
    expect(seen.errors.map(({ error }) => [error.code, error.message])).toEqual([["E_BRIDGE_PROCESS_EXITED", "the connection to codex ended"]]);
    expect(seen.events.map(({ kind }) => kind)).toEqual(["item/started"]);
  });

  it.each(["a b.sock", "\u00fc.sock", "a:b.sock", "a#b?c.sock", "a%20b.sock", "100%.sock"])("finds the file %j as it is named", async (name) => {
    const { attach } = await serve((client, { method }) => {
      if (method === "initialized") client.send(JSON.stringify(EVENT));
    }, {}, name);
    const seen = new Recorder();
    const bridge = seen.start({ attach });
    await seen.untilEvents(1);
    await bridge.stop();
    expect(seen.errors).toEqual([]);
  });

  it("gives up a file behind which nobody takes the connection, after 10 s", async () => {
    const file = path.join(await folder(), "app.sock");
    const silent = createSilent(() => undefined);
    await new Promise<void>((resolve) => silent.listen(file, resolve));
    onTestFinished(() => void silent.close());
    const after = Object.getOwnPropertyDescriptor(Socket.prototype, "setTimeout")!.value as (this: Socket, ms: number, call?: () => void) => Socket;
    const waits = vi.spyOn(Socket.prototype, "setTimeout").mockImplementation(function (this: Socket, ms, call) {
      return after.call(this, ms === 10_000 ? 1 : ms, call);
    });
    onTestFinished(() => waits.mockRestore());
    const seen = new Recorder();
    const bridge = seen.start({ attach: `unix://${file}` });
    await seen.untilExits(1);
    expect(seen.errors.map(({ error }) => error.code)).toEqual(["E_BRIDGE_ATTACH_FAILED"]);
    await bridge.stop();
  });

  it.each([
    ["a socket that is not there", "unix:///nowhere/app.sock", "ENOENT"],
    ["no address", "nowhere", "Invalid URL"],
    // Node would connect to a port.
    ["an empty path", "unix://", "it names no socket"],
  ])("says that %s cannot be reached", async (_what, attach, why) => {
    const seen = new Recorder();
    const bridge = seen.start({ attach });
    await seen.untilExits(1);
    expect(seen.errors.map(({ error }) => error.code)).toEqual(["E_BRIDGE_ATTACH_FAILED"]);
    expect(seen.errors[0]!.error.message).toContain(why);
    await bridge.stop();
  });
});
