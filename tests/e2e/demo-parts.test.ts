import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { servePage } from "../../tools/demo/page.mjs";
import { Terminal } from "../../tools/demo/terminal.mjs";
import { Transcript, type TranscriptMessage } from "../../tools/demo/transcript.mjs";
import { FakeHost } from "../react/fake-convex.js";
import { Loopback } from "../react/loopback-convex.js";

describe("the bridge's process, whose parent goes first", () => {
  const BRIDGE = fileURLToPath(new URL("../../tools/demo/bridge.mjs", import.meta.url));
  /** No codex is there: that it is not is reported at once. */
  const NONE = { name: "none", codex: { codexBin: "/no/such/codex", cwd: "/" }, drive: { thread: {}, approve: false } };
  const CONFIG = { convexUrl: "http://127.0.0.1:9", deviceToken: "token", sessions: [NONE] };

  function startBridge() {
    const child = spawn(process.execPath, [BRIDGE]);
    const ended = new Promise<number | null>((done) => child.on("close", done));
    let complaints = "";
    child.stderr.on("data", (chunk) => (complaints += chunk));
    onTestFinished(() => void child.kill("SIGKILL"));
    return { child, end: async () => ({ code: await ended, complaints }) };
  }

  test("reports where somebody reads it", async () => {
    const { child, end } = startBridge();
    let said = "";
    child.stdout.on("data", (chunk) => (said += chunk));
    child.stdin.write(`${JSON.stringify(CONFIG)}\n`);
    await expect.poll(() => said).toContain('"report":"failed"');
    child.stdin.end();
    expect(await end()).toEqual({ code: 0, complaints: "" });
  });

  test("ends quietly where nobody reads its reports any more", async () => {
    const { child, end } = startBridge();
    child.stdout.destroy();
    child.stdin.write(`${JSON.stringify(CONFIG)}\n`);
    expect(await end()).toEqual({ code: 0, complaints: "" });
  });

  test("ends quietly where it is told of nothing", async () => {
    const { child, end } = startBridge();
    child.stdin.end();
    expect(await end()).toEqual({ code: 0, complaints: "" });
  });
});

describe("the page's server", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "demo-page-"));
  let page: Awaited<ReturnType<typeof servePage>>;
  beforeAll(async () => {
    mkdirSync(path.join(folder, "site/assets"), { recursive: true });
    writeFileSync(path.join(folder, "secret.html"), "not for the page");
    writeFileSync(path.join(folder, "site/index.html"), "<!doctype html>page");
    writeFileSync(path.join(folder, "site/assets/app.js"), "run()");
    writeFileSync(path.join(folder, "site/.built-from"), "a hash");
    page = await servePage({ folder: path.join(folder, "site") });
    page.connectTo("http://127.0.0.1:3210/the-token");
  });
  afterAll(async () => {
    await page.close();
    rmSync(folder, { recursive: true });
  });

  /** `fetch` would tidy the path and refuse the Host. */
  function get(target: string, { host, method = "GET" }: { host?: string; method?: string } = {}) {
    const { port } = new URL(page.origin);
    return new Promise<{ status: number; body: string; headers: Record<string, unknown> }>((resolve, reject) => {
      request({ host: "127.0.0.1", port, path: target, method, headers: { host: host ?? `127.0.0.1:${port}` } }, (response) => {
        let body = "";
        response.on("data", (chunk) => (body += chunk));
        response.on("end", () => resolve({ status: response.statusCode!, body, headers: response.headers }));
      })
        .on("error", reject)
        .end();
    });
  }

  test("serves what was built", async () => {
    expect(await get("/")).toMatchObject({ status: 200, body: "<!doctype html>page", headers: { "content-type": "text/html; charset=utf-8" } });
    expect(await get("/assets/app.js")).toMatchObject({ status: 200, body: "run()", headers: { "x-content-type-options": "nosniff" } });
  });

  test("lets the page talk to its deployment and to nobody else, and be framed by nobody", async () => {
    const policy = String((await get("/")).headers["content-security-policy"]);
    expect(policy.split("; ")).toEqual([
      "default-src 'self'",
      "img-src 'self' data:",
      "connect-src http://127.0.0.1:3210 ws://127.0.0.1:3210",
      "base-uri 'none'",
      "form-action 'none'",
      "object-src 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(policy).not.toContain("the-token");
  });

  test.each(["/../secret.html", "/assets/../../secret.html", "/%2e%2e/secret.html", "/.built-from", "/no-such.js", "/assets"])(
    "has no %s",
    async (target) => expect((await get(target)).status).toBe(404),
  );

  test("refuses a rebound name, and writing", async () => {
    expect((await get("/", { host: "evil.example" })).status).toBe(403);
    expect((await get("/", { method: "POST" })).status).toBe(405);
  });
});

describe("the transcript", () => {
  const message = (text: string, fields: Partial<TranscriptMessage> = {}): TranscriptMessage => ({
    role: "assistant",
    status: "streaming",
    text,
    sourceItemType: "agentMessage",
    ...fields,
  });
  const completed = { status: "completed" };

  function start() {
    let written = "";
    const transcript = new Transcript((text) => (written += text));
    return { transcript, written: () => written };
  }

  test("writes what grows as it grows, and the next message once it has ended", () => {
    const { transcript, written } = start();
    transcript.update([message("One")]);
    transcript.update([message("One two")]);
    expect(written()).toBe("One two");
    transcript.update([message("One two"), message("Later")]);
    expect(written()).toBe("One two");
    expect(transcript.isEnded).toBe(false);
    transcript.update([message("One two.", completed), message("Later")]);
    expect(written()).toBe("One two.\n\nLater");
    transcript.update([message("One two.", completed), message("Later", completed)]);
    expect(written()).toBe("One two.\n\nLater\n\n");
    expect(transcript.isEnded).toBe(true);
  });

  test("writes a text again that was put right after the fact", () => {
    const { transcript, written } = start();
    transcript.update([message("Halo")]);
    transcript.update([message("Hello", completed)]);
    expect(written()).toBe("Halo\nHello\n\n");
  });

  test("shows a command at once, and its output when it is whole", () => {
    const { transcript, written } = start();
    const command = { role: "tool", sourceItemType: "commandExecution" };
    transcript.update([message("/bin/bash -lc 'make test'", { ...command, output: "ok 2\n" })]);
    expect(written()).toBe("$ make test");
    const payloadJson = JSON.stringify({ params: { item: { aggregatedOutput: "ok 1\nok 2\n" } } });
    transcript.update([message("/bin/bash -lc 'make test'", { ...command, ...completed, payloadJson })]);
    expect(written()).toBe("$ make test\n  ok 1\n  ok 2\n\n");
  });

  test("says that an output is too large for a list", () => {
    const { transcript, written } = start();
    const payloadJson = JSON.stringify({ type: "commandExecution", id: "c", $payload: { units: 300_000 } });
    transcript.update([message("yes", { role: "tool", sourceItemType: "commandExecution", ...completed, payloadJson, payloadTruncated: true })]);
    expect(written()).toBe("$ yes\n  output too large for a list (300000 characters)\n\n");
  });

  test("nothing that Codex prints steers the terminal", () => {
    const { transcript, written } = start();
    transcript.update([message("a\u001b[2Jb\u001b]0;title\u0007c\u202ed\u0000e\rf\tg\n", completed)]);
    expect(written()).toBe("abcdef\tg\n\n\n");
  });
});

describe("the terminal", () => {
  const THREAD = "t";
  const STREAM = `${THREAD}:turn:0`;
  type Asked = { threadId: string; paginationOpts: { numItems: number }; streamArgs?: { kind: string; cursors?: object[] } };

  /** A terminal that follows the thread of a host, and what it asked for. */
  async function follow(host: FakeHost) {
    const asked: Asked[] = [];
    const answer = (args: Record<string, unknown>) => {
      asked.push(args as Asked);
      // As it comes over the network: without what is undefined.
      return JSON.parse(JSON.stringify(host.serve(args))) as unknown;
    };
    const loopback = new Loopback({ query: (_, args) => answer(args), mutation: () => null });
    let written = "";
    const errors: Error[] = [];
    const terminal = new Terminal({ client: loopback.connectProgram(), write: (text) => (written += text), onError: (error) => errors.push(error) });
    terminal.follow(THREAD);
    /** All that there is to be read is read. */
    const shows = async (text: string) => {
      await expect.poll(async () => (await loopback.refresh(), written)).toBe(text);
      expect(errors).toEqual([]);
    };
    return { asked, shows, terminal, close: () => terminal.close().then(() => loopback.close()) };
  }

  test("asks for rows without the end of their text, and reads that from where they leave off", async () => {
    const host = new FakeHost();
    for (const word of ["One ", "two ", "three"]) host.say(THREAD, "m", word);
    host.put(THREAD, { messageId: "m", status: "streaming", text: "One two ", sourceItemType: "agentMessage", tail: { streamId: STREAM, cursor: 2 } });
    const { asked, shows, terminal, close } = await follow(host);
    await shows("One two three");
    const rows = asked.filter(({ paginationOpts }) => paginationOpts.numItems > 0);
    expect(new Set(rows.map(({ streamArgs }) => streamArgs?.kind))).toEqual(new Set(["followed"]));
    const [first] = asked.filter(({ streamArgs }) => streamArgs?.kind === "deltas");
    expect(first?.streamArgs?.cursors).toEqual([{ streamId: STREAM, cursor: 2 }]);

    host.say(THREAD, "m", " four");
    await shows("One two three four");
    // Another message begins, and the first one has its end.
    host.say(THREAD, "n", "Next");
    host.put(THREAD, { messageId: "m", status: "completed", text: "One two three four." });
    host.put(THREAD, { messageId: "n", status: "streaming", text: "", sourceItemType: "agentMessage", tail: { streamId: STREAM, cursor: 4 } });
    await shows("One two three four.\n\nNext");
    expect(terminal.isSettled(0)).toBe(false);
    host.put(THREAD, { messageId: "n", status: "completed", text: "Next" });
    host.stream(THREAD).state = "finished";
    await shows("One two three four.\n\nNext\n\n");
    expect(terminal.isSettled(0)).toBe(true);
    // What no stream tells of.
    host.put(THREAD, { messageId: "o", text: "Later", sourceItemType: "agentMessage" });
    await shows("One two three four.\n\nNext\n\nLater\n\n");
    await close();
  });
});
