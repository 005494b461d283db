import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { afterAll, describe, expect, test } from "vitest";
import { startServer } from "../../tools/embedded-convex/run.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DEMO = fileURLToPath(new URL("../../tools/demo.mjs", import.meta.url));
const RECORDING = new URL("../fixtures/transcripts/demo.jsonl", import.meta.url);
const STEERS_THE_DEMO = new Set(["CONVEX_URL", "CONVEX_AUTH_TOKEN", "CODEX_BIN", "OPENAI_API_KEY", "NODE_OPTIONS"]);
const START_TIMEOUT_MS = 120_000;

interface Message {
  messageId: string;
  status: string;
  text: string;
  sourceItemType?: string;
}
const listMessages = makeFunctionReference<"query", Record<string, unknown>, { page: Message[] }>("chat:listThreadMessagesForHooks");

const running: ChildProcessWithoutNullStreams[] = [];
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});

function demo(options: string[], env: Record<string, string> = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !STEERS_THE_DEMO.has(name));
  const child = spawn(process.execPath, [DEMO, ...options], { cwd: ROOT, env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...env } });
  running.push(child);
  const run = { child, stdout: "", stderr: "", exited: new Promise<number | null>((done) => child.on("close", done)) };
  child.stdout.on("data", (chunk) => (run.stdout += chunk));
  child.stderr.on("data", (chunk) => (run.stderr += chunk));
  return run;
}

/** The page's address, as the demo prints it. */
async function link(run: ReturnType<typeof demo>) {
  const pattern = /web page\s+(http\S+)/;
  await expect.poll(() => run.stdout, { timeout: START_TIMEOUT_MS, interval: 100 }).toMatch(pattern);
  const { origin, hash } = new URL(pattern.exec(run.stdout)![1]!);
  const params = new URLSearchParams(hash.slice(1));
  return { origin, deploymentUrl: params.get("url")!, threadId: params.get("thread")! };
}

const readAll = (deploymentUrl: string, threadId: string) =>
  new ConvexHttpClient(deploymentUrl).query(listMessages, {
    threadId,
    paginationOpts: { cursor: null, numItems: 100 },
  });

/** What the recorded app-server said of its items in the end. */
function recordedItems() {
  const lines = readFileSync(RECORDING, "utf8").trim().split("\n").map((line) => JSON.parse(line).msg);
  return lines.filter(({ method }) => method === "item/completed").map(({ params }) => params.item);
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("npm run demo", () => {
  test("shows the whole session in the terminal, out of Convex, and ends with --once", async () => {
    const run = demo(["--once", "--speed", "0", "--token-ms", "0"]);
    expect(await run.exited, run.stdout + run.stderr).toBe(0);
    expect(run.stderr).toBe("");
    const [answer] = recordedItems().filter(({ type }) => type === "agentMessage").slice(-1);
    expect(run.stdout).toContain(answer.text);
    for (const shown of ["a stand-in for codex", "Finding the failing case", "$ cat cart.js && node check.js", "FAIL no quantity given: NaN", "+    const { price, quantity = 1 } = item;"]) {
      expect(run.stdout).toContain(shown);
    }
  }, START_TIMEOUT_MS);

  test("any client reads the session, the page is served, and Ctrl-C leaves nothing behind", async () => {
    const run = demo(["--speed", "0", "--token-ms", "0"]);
    const { origin, deploymentUrl, threadId } = await link(run);
    await expect.poll(() => run.stdout, { timeout: START_TIMEOUT_MS }).toContain("The session has ended");
    expect(run.child.exitCode).toBeNull();
    expect(run.stdout).toContain("refuses what else is asked; --live");

    const { page } = await readAll(deploymentUrl, threadId);
    const recorded = recordedItems();
    expect(page.map(({ sourceItemType }) => sourceItemType).reverse()).toEqual(recorded.map(({ type }) => type));
    expect(page.every(({ status }) => status === "completed")).toBe(true);
    const answers = page.filter(({ sourceItemType }) => sourceItemType === "agentMessage").map(({ text }) => text);
    expect(answers.reverse()).toEqual(recorded.filter(({ type }) => type === "agentMessage").map(({ text }) => text));

    const index = await fetch(origin);
    expect(index.headers.get("content-security-policy")).toContain(`connect-src ${new URL(deploymentUrl).origin} `);
    expect(await index.text()).toContain('<div id="root">');

    run.child.kill("SIGINT");
    expect(await run.exited).toBe(0);
    await expect(readAll(deploymentUrl, threadId)).rejects.toThrow(/fetch failed/);
  }, START_TIMEOUT_MS);

  test.runIf(process.platform === "linux")("killed, it takes its processes with it", async () => {
    const run = demo([]);
    await link(run);
    const children = childrenOf(run.child.pid!);
    expect(children.length).toBeGreaterThanOrEqual(2);
    run.child.kill("SIGKILL");
    await run.exited;
    await expect.poll(() => children.filter(isAlive), { timeout: 15_000 }).toEqual([]);
  }, START_TIMEOUT_MS);

  test("tells a deployment that wants to know who asks", async () => {
    const server = await startServer(ROOT);
    try {
      const run = demo(["--once", "--speed", "0", "--token-ms", "0"], { CONVEX_URL: server.url });
      expect(await run.exited, run.stdout).toBe(1);
      expect(run.stderr.trim()).toMatch(/^E_DEMO_SIGNED_OUT: .*CONVEX_AUTH_TOKEN/);
    } finally {
      await server.stop();
    }
  }, START_TIMEOUT_MS);

  const refusals: [string, string[], Record<string, string>, RegExp][] = [
    ["a recording without a turn", ["--record", "queries"], {}, /^E_DEMO_NO_RECORDING: .*no turn/],
    ["--live without a codex", ["--live"], { CODEX_BIN: "/no/such/codex" }, /^E_DEMO_NO_CODEX: .*CODEX_BIN/],
    ["--live with a folder", ["--live"], { CODEX_BIN: ROOT }, /^E_DEMO_NO_CODEX: .*CODEX_BIN/],
    ["an unknown recording", ["--record", "../../../package"], {}, /^E_DEMO_NO_RECORDING: /],
    ["a deployment that is not there", [], { CONVEX_URL: "http://127.0.0.1:9" }, /^E_DEMO_CONVEX_URL: .*npx convex dev/],
    ["an option that is none", ["--fats"], {}, /^E_DEMO_OPTION: .*--fats/],
    ["a speed that is none", ["--speed", "fast"], {}, /^E_DEMO_OPTION: --speed/],
  ];
  test.each(refusals)("says what to do about %s", async (_name, options, env, message) => {
    const run = demo(options, env);
    expect(await run.exited).toBe(1);
    expect(run.stderr.trim()).toMatch(message);
  });
});

/** Processes that name this one as their parent, and theirs: Linux says so in /proc. */
function childrenOf(pid: number): number[] {
  const direct = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  return direct.flatMap((child) => [child, ...childrenOf(child)]);
}
