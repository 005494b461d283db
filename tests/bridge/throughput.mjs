// How fast events go from the app-server's pipe into the outbox, beside a reader that only looks for line ends: `npm run bench:bridge`.
// A stand-in prints text deltas as fast as it can; Convex is a function that acknowledges at once. Nothing is asserted, for times are
// the machine's: what is kept of it stands in docs/EVIDENCE.md. The number of events may be given.
import { median } from "../bench/figures.mjs";
import { bareReader, throughTheBridge } from "./flood.mjs";

const EVENTS = Number(process.argv[2] ?? 500_000);
const MIB = 1024 * 1024;

const bare = await bareReader(EVENTS);
const memory = [];
const sampler = setInterval(() => memory.push(process.memoryUsage().rss / MIB), 250);
const whole = await throughTheBridge(EVENTS);
clearInterval(sampler);
const rate = (seconds) => `${Math.round(EVENTS / seconds).toLocaleString("en")} events/s`;
console.log(`${EVENTS.toLocaleString("en")} text deltas`);
console.log(`a bare line reader: ${rate(bare.seconds)}`);
console.log(`line to outbox to acknowledgement: ${rate(whole.seconds)}, ${(whole.seconds / bare.seconds).toFixed(1)} times as long, ${whole.batches} batches`);
/** Of each tenth of the run: what grows with the events is seen there. */
const tenths = Array.from({ length: 10 }, (_, at) => memory.slice((at * memory.length) / 10, ((at + 1) * memory.length) / 10));
console.log(`memory (MiB, medians of the run's tenths): ${tenths.map((numbers) => median(numbers)?.toFixed(0)).join(" ")}; at most ${Math.max(...memory).toFixed(0)}`);
