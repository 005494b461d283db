/** A stand-in for an app-server, in its own process: it says what a recording says. It runs no model and no command. */
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { INVALID_REQUEST } from "../app-server/errors.js";
import { readRecording, REPLAY_ENDED, type Said } from "./recording.js";

const [file = "", speed = "1", ids = "fresh"] = process.argv.slice(2);
const { thread, said } = readRecording(file, ids === "keep");
let isPlaying = false;

const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

/** Says everything in the recording's time. */
async function play(messages: readonly Said[], pace: number): Promise<void> {
  let at = messages[0]?.atMs ?? 0;
  for (const { atMs, message } of messages) {
    if (pace > 0 && atMs > at) await pause((atMs - at) / pace);
    at = atMs;
    say(message);
  }
  say({ method: REPLAY_ENDED, params: {} });
}

// Whoever reads this may be gone before it is over.
process.stdout.on("error", () => process.exit(0));
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { id, method } = JSON.parse(line) as { id?: unknown; method?: string };
    if (id === undefined || method === undefined) return;
    if (method === "initialize") say({ id, result: { userAgent: "convex-codex-local replay" } });
    else if (method === "thread/start" && !isPlaying) {
      isPlaying = true;
      say({ id, result: thread });
      void play(said, Number(speed));
    } else say({ id, error: { code: INVALID_REQUEST, message: `Invalid request: unknown variant \`${method}\` (a recording is played)` } });
  })
  .on("close", () => process.exit(0));
