// A machine's host process: the runtime as the command line makes it, over three threads of its codex, a stand-in. It tells its parent how it stands, and goes at SIGTERM.
import "./clock.mjs";
import path from "node:path";
import { createCodexRuntime } from "../../dist/js-wrapper/runtime/index.js";

const { url, deviceToken, folder, machine, threads } = JSON.parse(process.argv[2]);
const TELL_MS = 5_000;

const send = (message) => process.connected && process.send(message);
process.on("disconnect", () => process.exit(1));
const runtime = createCodexRuntime({
  convexUrl: url,
  deviceToken,
  functions: "chat",
  outboxFolder: path.join(folder, "outbox"),
  bridge: {
    codexBin: process.execPath,
    args: [path.join(import.meta.dirname, "codex.mjs"), JSON.stringify({ machine, history: path.join(folder, "history.jsonl") })],
    cwd: folder,
  },
  handlers: { onProtocolError: ({ code, message }) => send({ type: "problem", code, message }) },
});
process.on("SIGTERM", () => void runtime.stop().then(() => process.exit(0)));
setInterval(() => {
  const { phase, lastError } = runtime.getState();
  const behind = runtime.backlog().reduce((sum, { events }) => sum + events, 0);
  send({ type: "stands", phase, lastError, behind, rss: process.memoryUsage().rss, cpu: process.cpuUsage() });
  if (phase === "failed") process.exit(1);
}, TELL_MS);
const [own, ...others] = threads;
await runtime.start({ runtimeThreadId: own });
await runtime.ready();
for (const threadId of others) await runtime.followThread(threadId);
send({ type: "ready", threadId: runtime.getState().threadId });
