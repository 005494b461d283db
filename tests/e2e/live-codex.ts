/** A stand-in for codex behind a real runtime, which keeps it in a deployment. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createCodexRuntime, type StartArgs } from "../../js-wrapper/runtime/index.js";

const PLAYER = fileURLToPath(new URL("../../tools/replay-codex/replay-codex.mjs", import.meta.url));

type Line = { dir: "in" | "out"; msg: { method?: string; result?: unknown } };

export interface LiveCodex {
  readonly threadId: string;
  /** Begins a turn. */
  prompt(text: string): Promise<void>;
  /** How many events codex has told. */
  told(): number;
  /** How many of them Convex does not have. */
  waiting(): number;
  /** What codex's requests were answered with, each as often as it was. */
  answers(): unknown[];
  stop(): Promise<void>;
}

export async function startLiveCodex(convexUrl: string, deviceToken: string, record: string, tokenMs: number, thread: StartArgs = {}): Promise<LiveCodex> {
  const folder = mkdtempSync(path.join(tmpdir(), "live-codex-"));
  const rawLog = path.join(folder, "raw.jsonl");
  const play = ["--transcript", record, "--speed", "0", "--token-ms", String(tokenMs), "--fresh-ids"];
  const runtime = createCodexRuntime({
    convexUrl,
    deviceToken,
    outboxFolder: path.join(folder, "outbox"),
    rawLog,
    bridge: { codexBin: process.execPath, args: [PLAYER, "app-server", ...play], cwd: process.cwd() },
  });
  await runtime.start(thread);
  await runtime.ready();
  const { threadId, runtimeThreadId } = runtime.getState();
  if (threadId === null || runtimeThreadId === null) throw new Error("there is no thread");
  return {
    threadId,
    async prompt(text) {
      await runtime.appServer.request("turn/start", { threadId: runtimeThreadId, input: [{ type: "text", text, text_elements: [] }] });
    },
    told: () => runtime.getState().ingestMetrics.enqueuedEventCount,
    waiting: () => runtime.backlog().reduce((sum, { events }) => sum + events, 0),
    answers: () =>
      readFileSync(rawLog, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Line)
        .flatMap(({ dir, msg }) => (dir === "out" && msg.method === undefined ? [msg.result] : [])),
    async stop() {
      await runtime.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
