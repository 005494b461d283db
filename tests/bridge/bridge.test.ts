import { afterEach, describe, expect, it, vi } from "vitest";
import { CodexLocalBridge, CodexProtocolParseError, type NormalizedEvent } from "../../js-wrapper/bridge/index.js";
import { FLUSH_ON_STOP_MS } from "../../js-wrapper/bridge/bridge.js";
import { RETRY_FIRST_MS } from "../../js-wrapper/clock.js";
import { INITIALIZE_TIMEOUT_MS } from "../../js-wrapper/app-server/index.js";
import packageJson from "../../package.json" with { type: "json" };
import { Recorder, scripted, turnMessage } from "./recorder.js";

afterEach(() => {
  vi.useRealTimers();
});

const fakeTimers = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
const withHandshake = (...steps: Record<string, unknown>[]) => ({ ...scripted(...steps), initialize: true });

describe("what the app-server says", () => {
  it("goes to onEvent with its number, verbatim but for the time", async () => {
    const seen = new Recorder();
    const bridge = seen.start(
      scripted(
        { text: '{"method":"turn/started","params":{"threadId":"t","turn":{"id":"u"}},"emittedAtMs":1795338914869}\n' },
        { text: '{"method":"item/tool/call", "id":0,"params":{"turnId":"u","threadId":"t","arguments":{"b":1.0,"a":"\\u00e9"}}}\n' },
      ),
    );
    await seen.untilEvents(2);
    await bridge.stop();
    expect(seen.events[0]).toEqual({
      eventId: "run.1:t:u:0:0",
      threadId: "t",
      turnId: "u",
      streamId: "t:u:0",
      cursorStart: 0,
      cursorEnd: 1,
      kind: "turn/started",
      payloadJson: '{"method":"turn/started","params":{"threadId":"t","turn":{"id":"u"}}}',
      createdAt: 1795338914869,
    });
    expect(seen.events[1]).toMatchObject({
      cursorStart: 1,
      payloadJson: '{"method":"item/tool/call", "id":0,"params":{"turnId":"u","threadId":"t","arguments":{"b":1.0,"a":"\\u00e9"}}}',
    });
  });

  it("is well-formed whatever it holds: halves of pairs stay the escapes that they came as, in a payload that is redacted too", async () => {
    const line = (threadId: string, delta: string) => `{"method":"item/agentMessage/delta","params":{"threadId":"${threadId}","turnId":"u\\udc00","itemId":"i\\ud800","delta":"${delta}"}}`;
    const secret = "sk-proj-" + "a1".repeat(20);
    const lines = [line("t\\ud800", "\\ud83d"), line("t\\ud800", `\\ude00 ${secret} \\ud800`), '{"method":"odd\\udc00","params":{"threadId":"t\\ud800"}}'];
    const illFormed = Buffer.concat([Buffer.from('{"method":"m","params":{"threadId":"t"},"x":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}\n')]).toString("base64");
    const seen = new Recorder();
    const bridge = seen.start({ ...scripted({ text: lines.map((one) => `${one}\n`).join("") }, { bytes: illFormed }), runtimeId: "run\ud800" });
    await seen.untilEvents(4);
    await bridge.stop();
    const texts = seen.events.flatMap((event) => Object.values(event).filter((value) => typeof value === "string"));
    expect(texts.filter((text) => !text.isWellFormed())).toEqual([]);
    expect(seen.events.slice(0, 4).map(({ payloadJson }) => payloadJson)).toEqual([
      ...[lines[0], lines[1]?.replace(secret, "[redacted:key]"), lines[2]],
      `{"method":"m","params":{"threadId":"t"},"x":"\ufffd\ufffd\ufffd"}`,
    ]);
  });

  it("by a method that nobody knows yet is an event as any, is no error, and begins no turn", async () => {
    const line = '{"method":"turn/imagined","params":{"threadId":"t","turnId":"u","of":{"a":"newer"}}}';
    const seen = new Recorder();
    const bridge = seen.start(scripted({ text: `${line}\n` }, { say: turnMessage("turn/started", "t", "u") }));
    await seen.untilEvents(2);
    await bridge.stop();
    expect(seen.events[0]).toMatchObject({ eventId: "run:t:L0", turnId: "u", kind: "turn/imagined", payloadJson: line });
    expect(seen.events[1]).toMatchObject({ kind: "turn/started", cursorStart: 0 });
    expect(seen.errors).toEqual([]);
  });

  it("goes to onGlobalMessage in order where it is an answer or has no thread", async () => {
    const seen = new Recorder();
    const bridge = seen.start(
      scripted(
        { say: { id: 1, result: { threadId: "t" } } },
        { say: { method: "account/updated", params: { authMode: null } } },
        { say: { error: { code: -32600, message: "no" }, id: "x" } },
        { say: { method: "attestation/generate", id: 0, params: {} } },
      ),
    );
    await seen.untilGlobal("attestation/generate");
    await bridge.stop();
    expect(seen.globals).toEqual([
      { message: { id: 1, result: { threadId: "t" } }, classification: { type: "response" } },
      {
        message: { method: "account/updated", params: { authMode: null } },
        classification: { type: "global", method: "account/updated", request: false },
      },
      { message: { error: { code: -32600, message: "no" }, id: "x" }, classification: { type: "response" } },
      {
        message: { method: "attestation/generate", id: 0, params: {} },
        classification: { type: "global", method: "attestation/generate", request: true },
      },
    ]);
    expect(bridge.stats()).toEqual({ lines: 4, events: 0, globalMessages: 4, errors: {} });
  });

  it("waits in the pipe while it is held, and is read when it is let go", async () => {
    const seen = new Recorder();
    const lines = Array.from({ length: 400 }, () => ({ deltaOfBytes: 4_096 }));
    const bridge = new CodexLocalBridge(scripted(...lines, { say: { method: "test/done" } }), seen.handlers());
    bridge.hold(true);
    bridge.start();
    bridge.send({ method: "initialized" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(bridge.stats().lines).toBe(0);
    bridge.hold(false);
    await seen.untilGlobal("test/done");
    bridge.hold(true);
    await bridge.stop();
    expect(seen.events.filter(({ kind }) => kind === "item/agentMessage/delta")).toHaveLength(400);
  });

  it("is handed on without secrets, in events and in errors, unless that is not wanted", async () => {
    const key = "sk-proj-4fTq8ZxWvYb2Lk9PnRs3Ud7a";
    const event = { method: "item/agentMessage/delta", params: { threadId: "t", turnId: "u", itemId: "m", delta: `a ${key} b` }, emittedAtMs: 7 };
    const steps = scripted({ say: event }, { text: `no JSON: ${key}\n` }, { say: { method: "test/global", params: { key } } });
    const read = async (redact?: boolean) => {
      const seen = new Recorder();
      const bridge = seen.start({ ...steps, ...(redact === undefined ? {} : { redact }) });
      const params = await seen.untilGlobal("test/global");
      await bridge.stop();
      const [{ payloadJson, createdAt }] = seen.events as [NormalizedEvent];
      return { payloadJson, createdAt, errors: JSON.stringify(seen.errors.map(({ line, error }) => [line, error.message, error])), params };
    };
    const redacted = await read();
    const { emittedAtMs: _, ...said } = event;
    expect(redacted).toMatchObject({ payloadJson: JSON.stringify(said).replace(key, "[redacted:key]"), createdAt: 7, params: { key } });
    expect(redacted.errors).not.toContain("4fTq8");
    expect(redacted.errors).toContain("no JSON: [redacted:key]");
    const whole = await read(false);
    expect([whole.payloadJson, whole.errors]).toEqual([expect.stringContaining(key), expect.stringContaining(key)]);
  });

  it("is counted and told where it is no message, and ends nothing", async () => {
    const seen = new Recorder();
    const bridge = seen.start(
      scripted(
        { text: "Hello from a library\n" },
        { text: "[1]\n" },
        { text: '{"id":1,"result":oops}\n' },
        { bytes: Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("\n")]).toString("base64") },
        { text: `${"y".repeat(5_000)}\n` },
        { bytes: Buffer.from('{"method":"x","params":{"threadId":"t","name":"\xff"}}\n', "latin1").toString("base64") },
      ),
    );
    await seen.untilEvents(1);
    await bridge.stop();
    expect(seen.errors.map(({ line, error }) => [error.code, line])).toEqual([
      ["E_BRIDGE_LINE_NOT_JSON", "Hello from a library"],
      ["E_BRIDGE_LINE_NOT_A_MESSAGE", "[1]"],
      ["E_BRIDGE_LINE_NOT_JSON", '{"id":1,"result":oops}'],
      ["E_BRIDGE_LINE_NOT_UTF8", "\ufffd\ufffd"],
      ["E_BRIDGE_LINE_NOT_JSON", "y".repeat(2_048)],
      ["E_BRIDGE_LINE_NOT_UTF8", '{"method":"x","params":{"threadId":"t","name":"\ufffd"}}'],
    ]);
    expect(seen.errors[0]!.error).toBeInstanceOf(CodexProtocolParseError);
    expect(JSON.parse(seen.events[0]!.payloadJson).params.name).toBe("\ufffd");
    expect(bridge.stats().errors).toEqual({ E_BRIDGE_LINE_NOT_JSON: 3, E_BRIDGE_LINE_NOT_A_MESSAGE: 1, E_BRIDGE_LINE_NOT_UTF8: 2 });
  });

  it("keeps two threads apart, and their streams", async () => {
    const seen = new Recorder();
    const bridge = seen.start(
      scripted(
        ...["turn/started", "item/started", "item/completed", "turn/completed"].flatMap((method) => [
          { say: turnMessage(method, "a", "1") },
          { say: turnMessage(method, "b", "1") },
        ]),
      ),
    );
    await seen.untilEvents(8);
    await bridge.stop();
    for (const threadId of ["a", "b"]) {
      const own = seen.events.filter((event) => event.threadId === threadId);
      expect(own.map((event) => [event.streamId, event.cursorStart])).toEqual([0, 1, 2, 3].map((n) => [`${threadId}:1:0`, n]));
    }
  });

  it("about a turn of another process is a lifecycle event that names the turn", async () => {
    const seen = new Recorder();
    const bridge = seen.start(
      scripted(
        { say: { method: "thread/status/changed", params: { threadId: "t" } } },
        { say: turnMessage("thread/tokenUsage/updated", "t", "old") },
        { say: turnMessage("turn/started", "t", "new") },
        { say: turnMessage("thread/tokenUsage/updated", "t", "new") },
        { say: { method: "thread/closed", params: { threadId: "t" } } },
      ),
    );
    await seen.untilEvents(5);
    await bridge.stop();
    expect(seen.events.slice(0, 5).map(({ eventId, turnId, streamId }) => ({ eventId, turnId, streamId }))).toEqual([
      { eventId: "run:t:L0", turnId: undefined, streamId: undefined },
      { eventId: "run:t:L1", turnId: "old", streamId: undefined },
      { eventId: "run.1:t:new:0:0", turnId: "new", streamId: "t:new:0" },
      { eventId: "run.1:t:new:0:1", turnId: "new", streamId: "t:new:0" },
      { eventId: "run:t:L2", turnId: undefined, streamId: undefined },
    ]);
    expect(Object.keys(seen.events[0]!)).not.toContain("turnId");
  });
});

describe("handlers", () => {
  it("wait: the first event of a thread while ensureThread is in flight holds the next one", async () => {
    const seen = new Recorder();
    const order: string[] = [];
    let ensured: () => void = () => undefined;
    const ensureThread = new Promise<void>((resolve) => (ensured = resolve));
    const known = new Set<string>();
    const bridge = seen.start(
      scripted(...[0, 1, 2].map((n) => ({ say: { method: `n${n}`, params: { threadId: "t" } } })), { say: { method: "test/done" } }),
      {
        onEvent: async (event) => {
          if (!known.has(event.threadId)) {
            known.add(event.threadId);
            await ensureThread;
            order.push("ensured");
          }
          order.push(event.kind);
          seen.keep(seen.events, event);
        },
      },
    );
    await seen.untilGlobal("test/done");
    expect(order).toEqual([]);
    ensured();
    await seen.untilEvents(3);
    await bridge.stop();
    expect(order).toEqual(["ensured", "n0", "n1", "n2"]);
  });

  it("that reject twice get the event a third time, in order, and are told once", async () => {
    fakeTimers();
    const seen = new Recorder();
    let refusals = 0;
    const bridge = seen.start(
      scripted(
        { say: { method: "first", params: { threadId: "a" } } },
        { say: { method: "second", params: { threadId: "a" } } },
        { say: { method: "elsewhere", params: { threadId: "b" } } },
      ),
      {
        onEvent: (event: NormalizedEvent) => {
          if (event.kind === "first" && refusals < 2) {
            refusals += 1;
            seen.look();
            throw new Error(`away ${refusals}`);
          }
          seen.keep(seen.events, event);
        },
      },
    );
    await seen.untilEvents(1);
    expect(seen.events.map(({ kind }) => kind)).toEqual(["elsewhere"]);
    await vi.advanceTimersByTimeAsync(RETRY_FIRST_MS);
    expect(refusals).toBe(2);
    await vi.advanceTimersByTimeAsync(2 * RETRY_FIRST_MS);
    expect(seen.events.map(({ kind }) => kind)).toEqual(["elsewhere", "first", "second"]);
    expect(seen.errors).toMatchObject([
      { line: '{"method":"first","params":{"threadId":"a"}}', error: { code: "E_BRIDGE_HANDLER_FAILED", message: "onEvent failed: away 1" } },
    ]);
    await bridge.stop();
  });

  it("that throw end nothing", async () => {
    const seen = new Recorder();
    const bridge = seen.start(scripted({ say: { method: "a" } }, { text: "no json\n" }, { say: { method: "b" } }, { exit: 0 }), {
      onGlobalMessage: () => {
        throw new Error("global");
      },
      onProtocolError: async (error) => {
        seen.keep(seen.errors, error);
        throw new Error("error");
      },
      onProcessExit: () => {
        throw new Error("exit");
      },
    });
    await seen.until(() => seen.errors.length === 5);
    await bridge.stop();
    expect(bridge.stats().errors).toEqual({ E_BRIDGE_HANDLER_FAILED: 3, E_BRIDGE_LINE_NOT_JSON: 1, E_BRIDGE_PROCESS_EXITED: 1 });
  });
});

describe("stop and start", () => {
  it("flush what was received, the ends of cut turns included", async () => {
    const seen = new Recorder();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const bridge = seen.start(scripted({ say: turnMessage("turn/started", "t", "u") }, { say: { method: "test/done" } }), {
      onEvent: async (event) => {
        await gate;
        seen.keep(seen.events, event);
      },
    });
    await seen.untilGlobal("test/done");
    const stopped = bridge.stop();
    await seen.untilExits(1);
    open();
    await stopped;
    expect(seen.events.map(({ kind }) => kind)).toEqual(["turn/started", "turn/completed"]);
    expect(seen.errors).toEqual([]);
  });

  it("return although onEvent takes nothing, and tell what is lost", async () => {
    fakeTimers();
    const seen = new Recorder();
    const bridge = seen.start(scripted({ say: turnMessage("turn/started", "t", "u") }, { say: { method: "test/done" } }), {
      onEvent: () => new Promise(() => undefined),
    });
    await seen.untilGlobal("test/done");
    const stopped = bridge.stop();
    await seen.untilExits(1);
    await vi.advanceTimersByTimeAsync(FLUSH_ON_STOP_MS);
    await stopped;
    expect(seen.errors.map(({ error }) => error.message)).toEqual(["stopped with 2 events that onEvent did not take"]);
  });

  it("at once: the new process begins when the old one is gone, and keeps its own count", async () => {
    const seen = new Recorder();
    const bridge = seen.start(scripted({ say: turnMessage("turn/started", "t", "u") }, { say: { method: "thread/closed", params: { threadId: "t" } } }));
    await seen.untilEvents(2);
    const stopped = bridge.stop();
    bridge.start();
    expect(() => bridge.send({ method: "x" })).toThrow(expect.objectContaining({ code: "E_BRIDGE_NOT_RUNNING" }));
    await stopped;
    bridge.send({ method: "x" });
    await seen.untilEvents(5);
    expect(seen.exits).toHaveLength(1);
    await bridge.stop();
    expect(seen.events.map(({ eventId }) => eventId)).toEqual([
      "run.1:t:u:0:0",
      "run:t:L0",
      "run.1:t:u:0:1",
      "run.2:t:u:0:2",
      "run:t:L1",
    ]);
    expect(seen.exits).toHaveLength(2);
    expect(seen.errors).toEqual([]);
  });

  it("are harmless twice, before a start, and when a stop follows a start that waits", async () => {
    const seen = new Recorder();
    const bridge = new CodexLocalBridge(scripted({ say: turnMessage("turn/started", "t", "u") }), seen.handlers());
    await bridge.stop();
    bridge.start();
    bridge.start();
    await seen.untilEvents(1);
    expect(seen.events[0]!.eventId).toBe("run.1:t:u:0:0");
    const stopped = bridge.stop();
    bridge.start();
    expect(bridge.stop()).toBe(stopped);
    await stopped;
    await bridge.stop();
    expect(seen.exits).toHaveLength(1);
    expect(bridge.stats().lines).toBe(1);
  });

  it("work from inside a handler", async () => {
    const seen = new Recorder();
    const bridge: CodexLocalBridge = seen.start(scripted({ say: { method: "test/ready" } }), { onGlobalMessage: () => bridge.stop() });
    await seen.untilExits(1);
    expect(seen.errors).toEqual([]);
  });
});

describe("the handshake", () => {
  it("is said once, and what was sent before is sent after it", async () => {
    const seen = new Recorder();
    const bridge = seen.start(withHandshake({ received: 1 }, { initialize: { result: { userAgent: "codex" } } }, { received: 6 }, { tellReceived: true }));
    bridge.send({ method: "initialize", id: 0, params: { clientInfo: { name: "app", version: "1" } } });
    bridge.send({ method: "initialized" });
    bridge.send({ method: "thread/start", id: 1, params: { name: "a\ud83d" } });
    bridge.send({ method: "model/list", id: 2 });
    await seen.until(() => seen.globals.length === 1);
    bridge.send({ id: 0, result: {} });
    bridge.send({ method: "initialize", id: "again" });
    bridge.send({ method: "initialized" });
    bridge.send({ method: "last", id: 3 });
    const { received } = (await seen.untilGlobal("test/received")) as { received: { method?: string; id?: unknown; params?: unknown }[] };
    await bridge.stop();
    expect(received.map(({ method }) => method)).toEqual(["initialize", "initialized", "thread/start", "model/list", undefined, "last"]);
    expect(received[0]).toEqual({
      method: "initialize",
      id: "run.1:initialize",
      params: {
        clientInfo: { name: "convex_codex_local", title: "Convex Codex Local", version: packageJson.version },
        capabilities: { experimentalApi: true },
      },
    });
    expect(received[2]!.params).toEqual({ name: "a\ufffd" });
    expect(seen.globals.map(({ message }) => message).slice(0, 2)).toEqual([
      { id: 0, result: { userAgent: "codex" } },
      { id: "again", result: { userAgent: "codex" } },
    ]);
  });

  it("that is refused is told, to the app's own initialize too, and ends the process", async () => {
    const seen = new Recorder();
    const bridge = seen.start(withHandshake({ initialize: { error: { code: -32600, message: "too old" } } }));
    bridge.send({ method: "initialize", id: 7 });
    await seen.untilExits(1);
    expect(seen.globals.map(({ message }) => message)).toEqual([{ id: 7, error: { code: -32600, message: "too old" } }]);
    expect(seen.errors.map(({ error }) => [error.code, error.message])).toEqual([
      ["E_BRIDGE_INITIALIZE_FAILED", "initialize failed: too old"],
      ["E_BRIDGE_PROCESS_EXITED", "codex ended by SIGTERM"],
    ]);
  });

  it("that nobody answers ends after its time", async () => {
    fakeTimers();
    const seen = new Recorder();
    seen.start(withHandshake({ received: 1 }, { say: { method: "test/heard" } }));
    await seen.untilGlobal("test/heard");
    await vi.advanceTimersByTimeAsync(INITIALIZE_TIMEOUT_MS);
    await seen.untilExits(1);
    expect(seen.errorCodes).toEqual(["E_BRIDGE_INITIALIZE_FAILED", "E_BRIDGE_PROCESS_EXITED"]);
  });

  it("is the app's where the bridge says none", async () => {
    const seen = new Recorder();
    const bridge = seen.start(scripted({ initialize: { result: {} } }, { received: 2 }, { tellReceived: true }));
    bridge.send({ method: "initialize", id: 0 });
    bridge.send({ method: "initialized" });
    await seen.untilGlobal("test/received");
    await bridge.stop();
    expect(seen.globals[0]).toEqual({ message: { id: 0, result: {} }, classification: { type: "response" } });
  });
});

describe("send", () => {
  it("throws what cannot be sent", async () => {
    const seen = new Recorder();
    const idle = new CodexLocalBridge(scripted(), seen.handlers());
    expect(() => idle.send({ method: "x" })).toThrow(expect.objectContaining({ code: "E_BRIDGE_NOT_RUNNING" }));
    const bridge = seen.start(scripted());
    for (const message of [{}, null, "x", { id: 1 }, { method: "x", id: null }, { method: "x", params: 1n }]) {
      expect(() => bridge.send(message as never)).toThrow(expect.objectContaining({ code: "E_BRIDGE_MESSAGE_INVALID" }));
    }
    await bridge.stop();
  });
});
