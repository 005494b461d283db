// What a turn costs on Convex: `npm run bench:turn`, run by `cli.mjs script`. Recorded turns are played at their own pace through the command
// line's bridge and outbox, with a device token, into an app of `defineCodexHost` and its defaults, as the real CLI pushes it; every call is
// counted at its syscalls. Nothing is asserted, for how many batches leave depends on the machine: what is kept of it stands in docs/EVIDENCE.md.
import { spawn } from "node:child_process";
import path from "node:path";
import { createDeviceEntropy } from "convex-codex-local/client";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { serve } from "../../tools/embedded-convex/index.mjs";

const ROOT = path.join(import.meta.dirname, "../..");
const CLI = path.join(ROOT, "dist/lib/cli/main.js");
/** A thread and a turn each, the first one at the pace of a model. */
const RECORDINGS = ["demo", "command-approved", "plain"];

export default async function turnCost({ push }) {
  const { url, backend, close } = await serve(push);
  try {
    const client = new ConvexHttpClient(url, { logger: false });
    const { token } = await client.mutation(anyApi.chat.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() });
    const rows = {};
    for (const name of RECORDINGS) {
      const { value: events, byFunction, ...usage } = await backend.measure(() => play(name, url, token));
      const { documentsRead, documentsWritten, bytesRead, bytesWritten } = usage;
      rows[name] = { events, calls: callsOf(byFunction), batches: byFunction["app/chat:ingestBatch"].calls, documentsRead, documentsWritten, bytesRead, bytesWritten };
    }
    console.table(rows);
  } finally {
    await close();
  }
}

/** The calls from outside: those of the app's functions, not what they call in the component. */
const callsOf = (byFunction) => Object.entries(byFunction).reduce((sum, [name, { calls }]) => sum + (name.startsWith("app/") ? calls : 0), 0);

/** Plays a recording to its end; answers with how many events it made. */
async function play(name, url, token) {
  const recording = path.join(ROOT, "tests/fixtures/transcripts", `${name}.jsonl`);
  const child = spawn(process.execPath, [CLI, "replay", recording, "--json"], { env: { ...process.env, CONVEX_URL: url, CODEX_DEVICE_TOKEN: token }, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (said += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`replay ended with ${String(code)}`);
  return JSON.parse(said.trim().split("\n").at(-1)).events;
}
