// A stand-in for codex that prints text at a pace, each line with the time at which it was written, and a reader that only looks for line ends.
import { spawn } from "node:child_process";

/** Arguments for Node: a turn in each thread, in all so many pieces of text, `rate` a second, what is due every 5 ms; `Infinity`, all at once. */
export function pacedArgs({ threads, rate, events }) {
  return ["-e", `
const threads = ${JSON.stringify(threads)};
const line = (threadId, method, more) => JSON.stringify({ method, params: { threadId, turnId: "turn " + threadId, ...more }, emittedAtMs: Date.now() }) + "\\n";
for (const thread of threads) {
  process.stdout.write(line(thread, "turn/started", { turn: { id: "turn " + thread, items: [], status: "inProgress", error: null } }));
  process.stdout.write(line(thread, "item/started", { item: { id: "msg_1", type: "agentMessage", text: "" } }));
}
const startMs = Date.now();
let printed = 0;
const timer = setInterval(() => {
  const due = Math.min(${events}, Math.floor(((Date.now() - startMs) * ${rate}) / 1000));
  let lines = "";
  for (; printed < due; printed++) lines += line(threads[printed % threads.length], "item/agentMessage/delta", { itemId: "msg_1", delta: ${JSON.stringify(PIECE)} });
  process.stdout.write(lines);
  if (printed >= ${events}) clearInterval(timer);
}, 5);`];
}

/** What every piece of text says. */
export const PIECE = " steady words,";

/** Milliseconds from the writing of each line until a bare reader has it. */
export async function bareDelays(args) {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const delays = [];
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    const nowMs = Date.now();
    for (const text of lines) delays.push(nowMs - Number(text.slice(text.lastIndexOf(":") + 1, -1)));
  });
  await new Promise((resolve) => child.stdout.on("end", resolve));
  return delays;
}
