// How fast events go from the app-server's pipe into the outbox, beside a reader that only looks for line ends: `npm run bench:bridge`.
// A stand-in prints text deltas as fast as it can; Convex is a function that acknowledges at once. Nothing is asserted, for times are
// the machine's: what is kept of it stands in docs/EVIDENCE.md. The number of events may be given.
import { spawn } from "node:child_process";
import { throughTheOutbox } from "./through-the-outbox.mjs";

const EVENTS = Number(process.argv[2] ?? 500_000);
const MIB = 1024 * 1024;

/** Prints a turn of text deltas, 1,000 lines a write, and waits for its pipe. */
const STAND_IN = `
const params = { threadId: "019a3b5c-0000-7000-8000-000000000001", turnId: "019a3b5c-0000-7000-8000-000000000002", itemId: "msg_1" };
const line = (method, more) => JSON.stringify({ method, params: { ...params, ...more }, emittedAtMs: 1795338914869 }) + "\\n";
let left = ${EVENTS} - 2;
const delta = line("item/agentMessage/delta", { delta: " steady words," });
process.stdout.write(line("turn/started", { turn: { id: params.turnId, items: [], status: "inProgress", error: null } }));
process.stdout.write(line("item/started", { item: { id: "msg_1", type: "agentMessage", text: "" } }));
const next = () => {
  const count = Math.min(left, 1000);
  left -= count;
  process.stdout.write(delta.repeat(count), () => (left > 0 ? next() : process.exit(0)));
};
next();`;

const ARGS = ["-e", STAND_IN];

async function bareReader() {
  const child = spawn(process.execPath, ARGS, { stdio: ["ignore", "pipe", "inherit"] });
  let lines = 0;
  child.stdout.on("data", (chunk) => {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
  });
  await new Promise((resolve) => child.stdout.on("end", resolve));
  return lines;
}

async function whatArrives() {
  let arrived = 0;
  let batches = 0;
  await throughTheOutbox(ARGS, async ({ events }) => {
    arrived += events.length;
    batches += 1;
    return { type: "acknowledged" };
  });
  // The end of the turn that the stand-in leaves open is the bridge's own.
  if (arrived !== EVENTS + 1) throw new Error(`${arrived} of ${EVENTS + 1} events arrived`);
  return { events: arrived, batches };
}

async function timed(work) {
  const start = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - start) / 1000 };
}

const bare = await timed(bareReader);
const memory = [];
const sampler = setInterval(() => memory.push(process.memoryUsage().rss / MIB), 250);
const whole = await timed(whatArrives);
clearInterval(sampler);
const rate = (seconds) => `${Math.round(EVENTS / seconds).toLocaleString("en")} events/s`;
console.log(`${EVENTS.toLocaleString("en")} text deltas`);
console.log(`a bare line reader: ${rate(bare.seconds)}`);
console.log(`line to outbox to acknowledgement: ${rate(whole.seconds)}, ${(whole.seconds / bare.seconds).toFixed(1)} times as long, ${whole.value.batches} batches`);
/** Of each tenth of the run: what grows with the events is seen there. */
const tenths = Array.from({ length: 10 }, (_, at) => memory.slice((at * memory.length) / 10, ((at + 1) * memory.length) / 10));
const median = (numbers) => numbers.toSorted((one, other) => one - other)[numbers.length >> 1]?.toFixed(0);
console.log(`memory (MiB, medians of the run's tenths): ${tenths.map(median).join(" ")}; at most ${Math.max(...memory).toFixed(0)}`);
