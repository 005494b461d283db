import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const BIN = fileURLToPath(new URL("../../tools/replay-codex/replay-codex.mjs", import.meta.url));
const RECORDINGS = new URL("../fixtures/transcripts/", import.meta.url);
const NAMES = readdirSync(RECORDINGS).map((file) => file.replace(/\.jsonl$/, ""));
const QUIET_MS = 300;

interface Message {
  id?: number | string;
  method?: string;
  params?: { delta?: string; turn?: { id: string; status: string }; thread?: { id: string } };
  result?: { thread?: { id: string }; turn?: { id: string }; userAgent?: string };
  error?: { code: number; message: string };
}
interface Recorded {
  dir: "in" | "out" | "proc";
  t: number;
  msg: Message & { event?: string; signal?: string };
  text: string;
}

function recorded(name: string): Recorded[] {
  const lines = readFileSync(new URL(`${name}.jsonl`, RECORDINGS), "utf8").trim().split("\n");
  return lines.map((line) => ({ ...JSON.parse(line), text: line.slice(line.indexOf('"msg":') + '"msg":'.length, -1) }));
}

/** What the first process of a recording said. */
function saidFirst(name: string): string[] {
  const all = recorded(name);
  const second = all.findIndex(({ dir, msg }, i) => i > 0 && dir === "proc" && msg.event === "start");
  return all.slice(0, second < 0 ? undefined : second).flatMap(({ dir, text }) => (dir === "in" ? [text] : []));
}

const running: Replay[] = [];
afterAll(() => {
  for (const replay of running) replay.child.kill("SIGKILL");
});

class Replay {
  readonly child: ChildProcessWithoutNullStreams;
  readonly lines: string[] = [];
  stderr = "";
  readonly exited: Promise<{ code: number | null; signal: string | null }>;

  constructor(options: string[], env: Record<string, string> = {}) {
    this.child = spawn(BIN, ["app-server", ...options], { env: { ...process.env, ...env } });
    createInterface({ input: this.child.stdout, crlfDelay: Infinity }).on("line", (line) => this.lines.push(line));
    this.child.stderr.on("data", (chunk) => (this.stderr += chunk));
    this.child.stdin.on("error", () => {});
    this.exited = new Promise((done) => this.child.on("close", (code, signal) => done({ code, signal })));
    running.push(this);
  }

  send(message: object | string) {
    this.child.stdin.write(`${typeof message === "string" ? message : JSON.stringify(message)}\n`);
  }
  get messages(): Message[] {
    return this.lines.map((line) => JSON.parse(line));
  }
  async until(found: (message: Message) => boolean): Promise<Message> {
    await expect.poll(() => this.messages.some(found), { timeout: 5000 }).toBe(true);
    return this.messages.find(found)!;
  }
  response(id: number | string) {
    return this.until((message) => message.id === id && message.method === undefined);
  }
  notified(method: string) {
    return this.until((message) => message.method === method);
  }
  methods() {
    return this.messages.map(({ method, id }) => method ?? `response ${id}`);
  }
  /** Resolves when nothing more comes. */
  async quiet() {
    for (let before = -1; before !== this.lines.length; ) {
      before = this.lines.length;
      await new Promise((done) => setTimeout(done, QUIET_MS));
    }
  }
}

const play = (name: string, ...options: string[]) => new Replay(["--transcript", name, "--speed", "0", ...options]);
const initialize = { id: "live-1", method: "initialize", params: { clientInfo: { name: "test", version: "0" } } };

describe("autoplay says what was recorded, to the byte", () => {
  test.concurrent.each(NAMES)("%s", async (name) => {
    const replay = play(name, "--autoplay", "--exit-at-end");
    const { code, signal } = await replay.exited;
    expect(replay.lines).toEqual(saidFirst(name));
    expect({ code, signal }).toEqual(name === "crash" ? { code: null, signal: "SIGKILL" } : { code: 0, signal: null });
  });
});

describe("it answers like a server", () => {
  test("requests get recorded responses under the client's ids, in the recorded order", async () => {
    const replay = play("plain");
    replay.send(initialize);
    expect((await replay.response("live-1")).result?.userAgent).toBeTypeOf("string");
    replay.send({ method: "initialized" });
    await replay.quiet();
    expect(replay.methods()).not.toContain("thread/started");

    replay.send({ id: "live-2", method: "thread/start", params: {} });
    const thread = (await replay.response("live-2")).result!.thread!.id;
    await replay.notified("thread/started");
    await replay.quiet();
    expect(replay.methods()).not.toContain("turn/started");

    replay.send({ id: "live-3", method: "turn/start", params: { threadId: thread, input: [] } });
    const turn = (await replay.response("live-3")).result!.turn!.id;
    expect((await replay.notified("turn/completed")).params!.turn).toMatchObject({ id: turn, status: "completed" });

    const rewritten = saidFirst("plain").map((line) => JSON.parse(line) as Message);
    const own = new Map([[1, "live-1"], [2, "live-2"], [3, "live-3"]]);
    for (const message of rewritten) if (message.method === undefined) message.id = own.get(message.id as number)!;
    expect(replay.messages).toEqual(rewritten);
  });

  test("a request lets the tape pass what nobody sent before it, and nobody gets those responses", async () => {
    const replay = play("plain");
    replay.send({ id: 41, method: "turn/start", params: {} });
    await replay.notified("turn/completed");
    const responses = replay.messages.filter(({ method }) => method === undefined);
    expect(responses.map(({ id }) => id)).toEqual([41]);
    expect(replay.methods().indexOf("thread/started")).toBeLessThan(replay.methods().indexOf("turn/started"));
    replay.send(initialize); // late, and answered all the same
    await replay.response("live-1");
  });

  test("a server's request waits for the client's answer", async () => {
    const replay = play("command-approved");
    replay.send(initialize);
    replay.send({ id: 2, method: "thread/start", params: {} });
    replay.send({ id: 3, method: "turn/start", params: {} });
    const approval = await replay.notified("item/commandExecution/requestApproval");
    await replay.quiet();
    expect(replay.methods().at(-1)).toBe("item/commandExecution/requestApproval");
    replay.send({ id: approval.id, result: { decision: "accept" } });
    await replay.notified("serverRequest/resolved");
    await replay.notified("turn/completed");
  });

  test("an approval that is declined declines its item and ends its turn, whatever the recorded client decided", async () => {
    const replay = play("command-approved");
    replay.send(initialize);
    replay.send({ id: 2, method: "thread/start", params: {} });
    replay.send({ id: 3, method: "turn/start", params: {} });
    const approval = await replay.notified("item/commandExecution/requestApproval");
    replay.send({ id: approval.id, result: { decision: "cancel" } });
    const { params } = await replay.notified("turn/completed");
    expect(params?.turn).toMatchObject({ status: "interrupted", items: [] });
    await replay.quiet();
    const behind = replay.messages.slice(replay.methods().indexOf("item/commandExecution/requestApproval") + 1);
    expect(behind.slice(0, 3).map(({ method }) => method)).toEqual(["serverRequest/resolved", "item/completed", "turn/completed"]);
    expect(behind[1]).toMatchObject({ params: { item: { type: "commandExecution", status: "declined", exitCode: null } } });
    expect(behind.map(({ method }) => method)).not.toContain("item/agentMessage/delta");

    const recorded = play("command-declined");
    recorded.send(initialize);
    recorded.send({ id: 2, method: "thread/start", params: {} });
    recorded.send({ id: 3, method: "turn/start", params: {} });
    const declined = await recorded.notified("item/commandExecution/requestApproval");
    recorded.send({ id: declined.id, result: { decision: "decline" } });
    expect((await recorded.notified("turn/completed")).params?.turn).toMatchObject({ status: "completed" });
  });

  const said = (text: string, clientUserMessageId: string) => ({ input: [{ type: "text", text }], clientUserMessageId });
  const echoes = (replay: Replay) =>
    replay.messages.flatMap(({ method, params }) => {
      const item = (params as { item?: { type: string; clientId: string | null; content: { text: string }[] } } | undefined)?.item;
      return item?.type === "userMessage" ? [[method, item.clientId, item.content.map(({ text }) => text).join()]] : [];
    });
  const echo = (clientId: string, text: string) => [["item/started", clientId, text], ["item/completed", clientId, text]];

  test("what the client says is given back in its words and under its id, of a steer too", async () => {
    const replay = play("steer");
    replay.send(initialize);
    replay.send({ id: 2, method: "thread/start", params: {} });
    replay.send({ id: 3, method: "turn/start", params: said("count to ten", "mine-1") });
    const turnId = (await replay.response(3)).result!.turn!.id;
    replay.send({ id: 4, method: "turn/steer", params: { expectedTurnId: turnId, ...said("to five", "mine-2") } });
    expect((await replay.response(4)).result).toEqual({ turnId });
    replay.send({ id: 5, method: "turn/start", params: said("and back", "mine-3") });
    await replay.notified("turn/completed");
    expect(echoes(replay).sort()).toEqual([...echo("mine-1", "count to ten"), ...echo("mine-2", "to five"), ...echo("mine-3", "and back")].sort());
  });

  test("a turn that runs takes a steer that the tape does not have, and no turn does that has ended", async () => {
    const replay = play("command-approved");
    replay.send(initialize);
    replay.send({ id: 2, method: "thread/start", params: {} });
    replay.send({ id: 3, method: "turn/start", params: said("look", "mine-1") });
    const turnId = (await replay.response(3)).result!.turn!.id;
    const approval = await replay.notified("item/commandExecution/requestApproval");
    replay.send({ id: 4, method: "turn/steer", params: { expectedTurnId: turnId, ...said("quickly", "mine-2") } });
    expect((await replay.response(4)).result).toEqual({ turnId });
    replay.send({ id: 5, method: "turn/steer", params: { expectedTurnId: "other", ...said("never", "mine-3") } });
    expect((await replay.response(5)).error?.message).toBe(`expected active turn id \`other\` but found \`${turnId}\``);
    await replay.quiet();
    expect(echoes(replay)).toEqual([...echo("mine-1", "look"), ...echo("mine-2", "quickly")]);
    replay.send({ id: approval.id, result: { decision: "accept" } });
    await replay.notified("turn/completed");
    replay.send({ id: 6, method: "turn/steer", params: { expectedTurnId: turnId, ...said("late", "mine-4") } });
    expect((await replay.response(6)).error?.message).toBe("no active turn to steer");
  });

  test("a request that only reads is answered at once and moves nothing", async () => {
    const replay = play("queries");
    replay.send({ id: "models", method: "model/list", params: {} });
    await replay.response("models");
    await replay.quiet();
    expect(replay.methods()).toEqual(["response models"]);
  });

  test("whether codex is logged in is answered where the tape does not say it", async () => {
    const replay = play("plain");
    replay.send({ id: "login", method: "account/read", params: {} });
    expect(await replay.response("login")).toEqual({ id: "login", result: { account: null, requiresOpenaiAuth: false } });
    expect(replay.methods()).toEqual(["response login"]);
  });

  test("what the tape does not have is refused as the real server does", async () => {
    const replay = play("plain");
    replay.send("this is no JSON");
    replay.send({ id: 8, method: "no/such/method" });
    expect((await replay.response(8)).error).toMatchObject({ code: -32600, message: expect.stringContaining("unknown variant `no/such/method`") });
    replay.send({ id: 9, method: "turn/start", params: {} });
    await replay.notified("turn/completed");
    replay.send({ id: 10, method: "turn/start", params: {} });
    expect((await replay.response(10)).error).toMatchObject({ code: -32600, message: expect.stringContaining("no further") });
    replay.send(initialize);
    await replay.response("live-1");
    replay.send({ ...initialize, id: "live-2" });
    expect((await replay.response("live-2")).error).toMatchObject({ message: "Already initialized" });
  });

  test("autoplay takes the client's own initialize, and its id", async () => {
    const replay = play("plain", "--autoplay");
    replay.send(initialize);
    await replay.notified("turn/completed");
    const ids = replay.messages.filter(({ method }) => method === undefined).map(({ id }) => id);
    expect(ids).toEqual(["live-1", 2, 3]);
  });

  test("fresh ids make it another session, the same in itself", async () => {
    const thread = async () => {
      const replay = play("plain", "--autoplay", "--exit-at-end", "--fresh-ids");
      await replay.exited;
      const started = replay.messages.find(({ method }) => method === "thread/started")!.params!.thread!.id;
      expect(replay.methods()).toEqual(saidFirst("plain").map((line) => JSON.parse(line).method ?? `response ${JSON.parse(line).id}`));
      expect(replay.lines.filter((line) => line.includes(started)).length).toBeGreaterThan(5);
      return started;
    };
    expect(await thread()).not.toBe(await thread());
  });

  test("autoplay never says a response that the client would take for its own", async () => {
    const replay = play("plain", "--autoplay");
    replay.send({ ...initialize, id: 2 });
    await replay.notified("turn/completed");
    expect(replay.messages.filter(({ id }) => id === 2)).toHaveLength(1);
  });
});

describe("its process", () => {
  test("dies in the middle of a turn as the recorded one did; the next process is a part of the recording too", async () => {
    const replay = play("crash");
    replay.send(initialize);
    replay.send({ id: 2, method: "thread/start" });
    replay.send({ id: 3, method: "turn/start" });
    replay.send({ id: 4, method: "turn/start" });
    expect(await replay.exited).toEqual({ code: null, signal: "SIGKILL" });
    expect(replay.methods().at(-1)).toBe("item/agentMessage/delta");
    const next = play("crash", "--process", "2");
    next.send({ id: 2, method: "thread/resume" });
    await next.response(2);
  });

  test("ends with its stdin, or on SIGTERM, without a word", async () => {
    const closed = play("plain");
    closed.child.stdin.end();
    expect(await closed.exited).toEqual({ code: 0, signal: null });
    const terminated = play("plain");
    terminated.send(initialize);
    await terminated.response("live-1");
    terminated.child.kill("SIGTERM");
    expect(await terminated.exited).toEqual({ code: 0, signal: null });
  });

  test("keeps the recording's pace, or a part of it, and a floor for streamed text", async () => {
    const time = async (...options: string[]) => {
      const start = performance.now();
      await new Replay(["--transcript", "plain", "--autoplay", "--exit-at-end", ...options]).exited;
      return performance.now() - start;
    };
    const all = recorded("plain").filter(({ dir }) => dir === "in");
    const recordedMs = all.at(-1)!.t - all[0]!.t;
    const deltas = all.filter(({ msg }) => msg.method?.endsWith("/delta")).length;
    expect(await time("--speed", "1")).toBeGreaterThan(recordedMs);
    expect(await time("--speed", "0", "--token-ms", "20")).toBeGreaterThan(deltas * 20);
  });

  test("says that it is a stand-in", async () => {
    const replay = new Replay([], { REPLAY_TRANSCRIPT: "plain", REPLAY_AUTOPLAY: "1", REPLAY_SPEED: "0", REPLAY_EXIT_AT_END: "1" });
    await replay.exited;
    expect(replay.lines).toEqual(saidFirst("plain"));
    expect(replay.stderr).toMatch(/a stand-in for codex, playing plain\.jsonl/);
    expect(String(execFileSync(BIN, ["--version"]))).toMatch(/stand-in/);
    expect(String(execFileSync(BIN, ["--help"]))).toMatch(/STAND-IN/);
    const unknown = new Replay(["--transcript", "no-such-recording"]);
    expect((await unknown.exited).code).toBe(2);
    expect(unknown.stderr).toMatch(/no recording `no-such-recording`/);
  });
});
