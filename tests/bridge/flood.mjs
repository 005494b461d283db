// A stand-in for codex that prints a turn of text as fast as it can, read by nothing but a search for line ends, or by the bridge into the
// outbox, with a Convex that acknowledges at once.
import { spawn } from "node:child_process";
import { throughTheOutbox } from "./through-the-outbox.mjs";

/** Prints a turn of so many events, 1,000 lines a write, and waits for its pipe. */
const argsOf = (events) => ["-e", `
const params = { threadId: "019a3b5c-0000-7000-8000-000000000001", turnId: "019a3b5c-0000-7000-8000-000000000002", itemId: "msg_1" };
const line = (method, more) => JSON.stringify({ method, params: { ...params, ...more }, emittedAtMs: 1795338914869 }) + "\\n";
let left = ${events} - 2;
const delta = line("item/agentMessage/delta", { delta: " steady words," });
process.stdout.write(line("turn/started", { turn: { id: params.turnId, items: [], status: "inProgress", error: null } }));
process.stdout.write(line("item/started", { item: { id: "msg_1", type: "agentMessage", text: "" } }));
const next = () => {
  const count = Math.min(left, 1000);
  left -= count;
  process.stdout.write(delta.repeat(count), () => (left > 0 ? next() : process.exit(0)));
};
next();`];

/** How long it takes to find the ends of all lines. */
export async function bareReader(events) {
  const start = performance.now();
  const child = spawn(process.execPath, argsOf(events), { stdio: ["ignore", "pipe", "inherit"] });
  let lines = 0;
  child.stdout.on("data", (chunk) => {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
  });
  await new Promise((resolve) => child.stdout.on("end", resolve));
  if (lines !== events) throw new Error(`${lines} of ${events} lines arrived`);
  return { seconds: (performance.now() - start) / 1000 };
}

/** How long it takes until all are on disk, and acknowledged. */
export async function throughTheBridge(events) {
  const start = performance.now();
  let arrived = 0;
  let batches = 0;
  await throughTheOutbox(argsOf(events), async (batch) => {
    arrived += batch.events.length;
    batches += 1;
    return { type: "acknowledged" };
  });
  // The end of the turn that the stand-in leaves open is the bridge's own.
  if (arrived !== events + 1) throw new Error(`${arrived} of ${events + 1} events arrived`);
  return { batches, seconds: (performance.now() - start) / 1000 };
}
