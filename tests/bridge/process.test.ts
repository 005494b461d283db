import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { childEnvironment, findBinary } from "../../js-wrapper/bridge/binary.js";
import { DRAIN_AFTER_EXIT_MS, KILL_AFTER_MS } from "../../js-wrapper/bridge/process.js";
import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";
import { Recorder, scripted, turnMessage } from "./recorder.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bridge-"));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

describe("a process that does not start", () => {
  it("is an error value and an exit when the binary is missing, and leaves the bridge usable", async () => {
    const seen = new Recorder();
    const bridge = seen.start({ codexBin: path.join(folder, "missing") });
    await seen.untilExits(1);
    expect(seen.errorCodes).toEqual(["E_CODEX_NOT_FOUND"]);
    expect(seen.exits).toEqual([null]);
    expect(() => bridge.send({ method: "x" })).toThrow(expect.objectContaining({ code: "E_BRIDGE_NOT_RUNNING" }));
    bridge.start();
    await seen.untilExits(2);
    await bridge.stop();
    expect(bridge.stats().errors).toEqual({ E_CODEX_NOT_FOUND: 2 });
  });

  it("takes what is sent right after start(), and loses it with the process", async () => {
    const seen = new Recorder();
    const bridge = seen.start({ codexBin: path.join(folder, "missing") });
    bridge.send({ method: "x" });
    await seen.untilExits(1);
    expect(seen.errorCodes).toEqual(["E_CODEX_NOT_FOUND"]);
  });

  it("says which folder is missing, and not that the binary is", async () => {
    const seen = new Recorder();
    seen.start({ ...scripted(), cwd: path.join(folder, "missing") });
    await seen.untilExits(1);
    expect(seen.errorCodes).toEqual(["E_BRIDGE_CWD_NOT_FOUND"]);
  });

  it("tells what the operating system refuses to run", async () => {
    const file = path.join(folder, "codex");
    writeFileSync(file, "#!/no/such/interpreter\n");
    chmodSync(file, 0o755);
    const seen = new Recorder();
    seen.start({ codexBin: file });
    await seen.untilExits(1);
    expect(seen.errorCodes).toEqual(["E_BRIDGE_SPAWN_FAILED"]);
    expect(seen.exits).toEqual([null]);
  });

  it("tells a binary that exits at once, with its last words", async () => {
    const seen = new Recorder();
    seen.start(scripted({ stderrText: "no such option" }, { exit: 3 }));
    await seen.untilExits(1);
    expect(seen.exits).toEqual([3]);
    expect(seen.errors).toMatchObject([{ line: "no such option", error: { code: "E_BRIDGE_PROCESS_EXITED" } }]);
  });
});

describe("a process that ends", () => {
  it("in mid-turn: each open turn gets one end of the bridge's own, on its stream", async () => {
    const seen = new Recorder();
    seen.start(
      scripted(
        { say: turnMessage("turn/started", "t", "done") },
        { say: turnMessage("turn/completed", "t", "done") },
        { say: turnMessage("item/completed", "t", "done") },
        { say: turnMessage("turn/started", "t", "open") },
        { say: turnMessage("item/started", "other", "also") },
        { kill: "SIGKILL" },
      ),
    );
    await seen.untilExits(1);
    await seen.untilEvents(7);
    const ends = seen.events.filter((event) => event.payloadJson.includes("synthesized"));
    expect(ends.map(({ createdAt: _, ...event }) => event)).toEqual(
      ["t", "other"].map((threadId) => {
        const turnId = threadId === "t" ? "open" : "also";
        const turn = { id: turnId, items: [], status: "interrupted", error: null };
        return {
          eventId: `run.1:${threadId}:${turnId}:0:1`,
          threadId,
          turnId,
          streamId: `${threadId}:${turnId}:0`,
          cursorStart: 1,
          cursorEnd: 2,
          kind: "turn/completed",
          payloadJson: JSON.stringify({ method: "turn/completed", params: { threadId, turn, synthesized: true } }),
        };
      }),
    );
    expect(seen.exits).toEqual([null]);
    expect(seen.errors[0]?.error.message).toContain("SIGKILL");
  });

  it("by SIGKILL when it ignores SIGTERM", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const seen = new Recorder();
    const bridge = seen.start(scripted({ ignoreSigterm: true }, { say: { method: "test/ready" } }));
    await seen.untilGlobal("test/ready");
    const stopped = bridge.stop();
    await seen.untilGlobal("test/sigterm");
    expect(seen.exits).toEqual([]);
    await vi.advanceTimersByTimeAsync(KILL_AFTER_MS);
    await stopped;
    expect(seen.exits).toEqual([null]);
    expect(seen.errors).toEqual([]);
  });

  it("while another process holds its pipe open", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const seen = new Recorder();
    seen.start(scripted({ grandchild: true }, { exit: 0 }));
    const { pid } = await seen.untilGlobal("test/grandchild");
    try {
      await vi.waitUntil(() => vi.getTimerCount() > 0);
      await vi.advanceTimersByTimeAsync(DRAIN_AFTER_EXIT_MS);
      await seen.untilExits(1);
      expect(seen.exits).toEqual([0]);
    } finally {
      process.kill(pid as number);
    }
  });

  it("in the middle of a line: the half is told, a whole one that lacks its end is taken", async () => {
    const seen = new Recorder();
    seen.start(scripted({ text: '{"method":"item/started","params":{"threadId":"t","turnId":"u"},"emittedAt' }, { exit: 0 }));
    await seen.untilExits(1);
    expect(seen.errorCodes).toEqual(["E_BRIDGE_LINE_CUT", "E_BRIDGE_PROCESS_EXITED"]);
    expect(seen.events).toEqual([]);

    const whole = new Recorder();
    whole.start(scripted({ text: '{"method":"thread/closed","params":{"threadId":"t"}}' }, { exit: 0 }));
    await whole.untilExits(1);
    await whole.untilEvents(1);
    expect(whole.errorCodes).toEqual(["E_BRIDGE_PROCESS_EXITED"]);
  });
});

describe("a process that says much", () => {
  it("on stderr is read, so that it does not wait", async () => {
    const seen = new Recorder();
    const bridge = seen.start(scripted({ stderr: 1_048_576 }, { say: { method: "test/done" } }));
    await seen.untilGlobal("test/done");
    await bridge.stop();
    expect(seen.errors).toEqual([]);
  });

  it("in one line of 8 MB is heard, and what stands for it is an event", async () => {
    const seen = new Recorder();
    const whole: NormalizedEvent[] = [];
    const bridge = seen.start(
      scripted({ say: turnMessage("item/started", "t", "u") }, { deltaOfBytes: 8 * 1024 * 1024 }, { say: turnMessage("item/completed", "t", "u") }),
      { onEventCut: (event) => void whole.push(event) },
    );
    await seen.untilEvents(3);
    await bridge.stop();
    expect(seen.events.map((event) => event.kind)).toEqual(["item/started", "item/agentMessage/delta", "item/completed", "turn/completed"]);
    expect(whole.map(({ payloadJson, ...event }) => [event, JSON.parse(payloadJson).params.delta === "é".repeat(4 * 1024 * 1024)])).toEqual([
      [expect.objectContaining({ eventId: seen.events[1]!.eventId, cursorStart: 1 }), true],
    ]);
    expect(JSON.parse(seen.events[1]!.payloadJson)).toMatchObject({ params: { threadId: "t", turnId: "u" }, oversize: { bytes: Buffer.byteLength(whole[0]!.payloadJson) } });
    expect(seen.errors.map(({ error, line }) => [error.code, line.length])).toEqual([["E_BRIDGE_EVENT_TOO_LARGE", 2_048]]);
  });
});

describe("what the process is given", () => {
  it("is the environment without CONVEX_* and the device token", async () => {
    vi.stubEnv("CONVEX_DEPLOY_KEY", "secret");
    vi.stubEnv("CODEX_DEVICE_TOKEN", "secret");
    vi.stubEnv("KEPT_BY_TEST", "1");
    const seen = new Recorder();
    const env = { CONVEX_URL: "u", ADDED_BY_TEST: "1", GONE_BY_TEST: undefined };
    vi.stubEnv("GONE_BY_TEST", "1");
    const bridge = seen.start({ ...scripted({ tellEnvironment: "CONVEX|CODEX_DEVICE|BY_TEST" }), env });
    const { names } = await seen.untilGlobal("test/environment");
    await bridge.stop();
    vi.unstubAllEnvs();
    expect((names as string[]).sort()).toEqual(["ADDED_BY_TEST", "KEPT_BY_TEST"]);
    expect(childEnvironment({ Convex_Url: "u", CODEX_DEVICE_TOKEN: "t", CODEX_HOME: "h" })).toEqual({ CODEX_HOME: "h" });
  });

  it("is the environment without what envDeny names, whatever its case", () => {
    const inherited = { AWS_KEY: "1", aws_secret: "1", AWS: "1", GH_TOKEN: "1", GH_TOKENS: "1", PATH: "p" };
    expect(childEnvironment(inherited, { envDeny: ["aws_*", "gh_token"], env: { AWS_MORE: "1", b: "2" } })).toEqual({ AWS: "1", GH_TOKENS: "1", PATH: "p", b: "2" });
    expect(childEnvironment(inherited, { envDeny: ["*"] })).toEqual({});
  });

  it("is looked up on PATH, and never in the workspace", () => {
    const trusted = path.join(folder, "bin");
    const workspace = path.join(folder, "work");
    const planted = path.join(workspace, "node_modules", ".bin");
    for (const bin of [trusted, planted]) {
      mkdirSync(bin, { recursive: true });
      writeFileSync(path.join(bin, "codex"), "");
      chmodSync(path.join(bin, "codex"), 0o755);
    }
    const found = (folders: string[], CODEX_BIN?: string) =>
      findBinary(undefined, workspace, { PATH: folders.join(path.delimiter), ...(CODEX_BIN === undefined ? {} : { CODEX_BIN }) });
    expect(found([planted, trusted])).toBe(path.join(trusted, "codex"));
    const linked = path.join(folder, "linked");
    symlinkSync(planted, linked);
    expect(found([linked, trusted])).toBe(path.join(trusted, "codex"));
    const linkedFile = path.join(folder, "linked-file");
    mkdirSync(linkedFile);
    symlinkSync(path.join(planted, "codex"), path.join(linkedFile, "codex"));
    expect(found([linkedFile, trusted])).toBe(path.join(trusted, "codex"));
    const ofParent = path.join(folder, "node_modules", ".bin");
    const ofOther = path.join(folder, "other", "node_modules", ".bin");
    for (const bin of [ofParent, ofOther]) {
      mkdirSync(bin, { recursive: true });
      symlinkSync(path.join(trusted, "codex"), path.join(bin, "codex"));
    }
    expect(found([ofParent, trusted])).toBe(path.join(trusted, "codex"));
    expect(found([ofOther, trusted])).toBe(path.join(ofOther, "codex"));
    expect(() => found([planted, ".", ""])).toThrow(expect.objectContaining({ code: "E_CODEX_NOT_FOUND" }));
    expect(found([trusted], path.join(planted, "codex"))).toBe(path.join(planted, "codex"));
    expect(found([trusted], "")).toBe(path.join(trusted, "codex"));
    chmodSync(path.join(trusted, "codex"), 0o644);
    expect(() => found([trusted])).toThrow(expect.objectContaining({ code: "E_CODEX_NOT_FOUND" }));
  });
});
