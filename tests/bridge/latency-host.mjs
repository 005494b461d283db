// The host of latency.mjs: the stand-in's lines through the bridge and the outbox to a Convex behind HTTP; then the same lines through a reader
// that only looks for line ends. It prints how long events were on their way.
import { deliverTo } from "../outbox/http.mjs";
import { bareDelays, pacedArgs } from "./paced.mjs";
import { throughTheOutbox } from "./through-the-outbox.mjs";

const [url, threadsJson, ...numbers] = process.argv.slice(2);
const threads = JSON.parse(threadsJson);
const [rate, seconds] = numbers.map(Number);

const ARGS = pacedArgs({ threads, rate, events: rate * seconds });

const atOnce = () => Promise.resolve({ type: "acknowledged" });

async function onTheirWay(convex) {
  const onTheirWayMs = [];
  let batches = 0;
  await throughTheOutbox(ARGS, async (batch) => {
    const verdict = await convex(batch);
    const nowMs = Date.now();
    batches += 1;
    if (verdict.type === "acknowledged") for (const { createdAt } of batch.events) onTheirWayMs.push(nowMs - createdAt);
    return verdict;
  });
  if (onTheirWayMs.length < rate * seconds) throw new Error(`${onTheirWayMs.length} of ${rate * seconds} events arrived`);
  return { onTheirWayMs, batches };
}

function told({ onTheirWayMs }) {
  const sorted = onTheirWayMs.toSorted((one, other) => one - other);
  const at = (share) => `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]} ms`;
  return `median ${at(0.5)}, 99 % within ${at(0.99)}, 99.9 % within ${at(0.999)}, all within ${at(1)}`;
}

/** Without those of the first second, in which the processes start. */
const steady = ({ onTheirWayMs }) => ({ onTheirWayMs: onTheirWayMs.slice(rate) });

console.log(`${rate.toLocaleString("en")} events a second in ${threads.length} turns for ${seconds} s, each line until its batch is acknowledged`);
for (const [name, convex] of Object.entries({ "the component": deliverTo(url), "what acknowledges at once": atOnce })) {
  const whole = await onTheirWay(convex);
  console.log(`by ${name}: ${told(whole)}; ${whole.batches} batches`);
  console.log(`  behind the first second: ${told(steady(whole))}`);
}
console.log(`until a bare line reader has it: ${told({ onTheirWayMs: await bareDelays(ARGS) })}`);
