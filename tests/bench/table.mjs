// The benchmark's numbers as a table in Markdown, and its place in the document.
import { BATCHES, median, quantile, ratioOf } from "./figures.mjs";

const HEAD = ["", "this package", "plain JavaScript", "the floor", "empty function"];
const CONTENDERS = ["codex", "plain", "floor", "empty"];
const BEGIN = "<!-- npm run bench -- --write -->";
const END = "<!-- end of what it writes -->";
/** The batch of which is told what its call is made of. */
const TAKEN_APART = 20;

/** The whole table; each row a measure, each column a contender. */
export function tableOf({ inIsolate, inNode, screen, counts, wasm }) {
  const rows = [
    ...userTimes("warm", inIsolate.warm),
    ...madeOf(inIsolate.warm),
    ...userTimes("cold", inIsolate.cold),
    ...madeOf(inIsolate.cold),
    ...costs(inIsolate.costs, wasm),
    ...plans(inNode, counts),
    ...onTheWay(screen),
  ];
  return [HEAD, HEAD.map(() => "---"), ...rows].map((cells) => `| ${HEAD.map((_, at) => cells[at] ?? "").join(" | ")} |`).join("\n");
}

/** What it was measured on, and when. */
export function machineOf({ cpus, node, v8, date, loads, seconds }) {
  const [before, after] = loads.map((load) => load.toFixed(1));
  const processor = `${cpus[0]?.model.trim() ?? "unknown"}, ${cpus.length} cores`;
  return `${date.toISOString().slice(0, 10)}; ${processor}; Node ${node} (V8 ${v8}); load ${before} before, ${after} after; ${seconds.toFixed(0)} s.`;
}

/** The document with `text` between its marks. */
export function putInto(document, text) {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`the document has no place for the table: ${BEGIN} … ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${document.slice(end)}`;
}

const deltas = (count) => `${count.toLocaleString("en")} ${count === 1 ? "delta" : "deltas"}`;
const whole = (number) => Math.round(number).toLocaleString("en");
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} KB`;
/** Three digits; none of nothing. */
const short = (number) => (number >= 100 || number === 0 ? whole(number) : number.toPrecision(3));

const timeOf = (numbers, unit) => `${short(median(numbers))} ${unit}`;

/** A time, and how many times as long the package takes: the median of the rounds' ratios, and where their middle half lies. */
const beside = (numbers, unit, ofPackage) => `${timeOf(numbers, unit)}; ${timesOf(ofPackage, numbers)}`;

function timesOf(numbers, others) {
  const { median: ratio, low, high } = ratioOf(numbers, others);
  return `×${short(ratio)} (${short(low)} to ${short(high)})`;
}

function userTimes(kind, { times, rounds }) {
  const of = (name, count) => times[name][count].map(({ userMs }) => userMs);
  const rows = BATCHES.map((count) => [
    deltas(count),
    ...CONTENDERS.map((name) => (name === "codex" ? timeOf(of(name, count), "ms") : beside(of(name, count), "ms", of("codex", count)))),
  ]);
  return [[`**user time of a call, ${kind}** (${rounds} rounds)`], ...rows];
}

function madeOf({ times }) {
  const row = (what, pick) => [what, ...CONTENDERS.map((name) => timeOf(times[name][TAKEN_APART].map(pick), "ms"))];
  const rest = ({ userMs, contextMs, modulesMs, wasmMs }) => userMs - contextMs - modulesMs - wasmMs;
  return [
    row(`of that, with ${TAKEN_APART}: the context`, ({ contextMs }) => contextMs),
    row("its modules, linked and run", ({ modulesMs }) => modulesMs),
    row("the wasm, compiled and made", ({ wasmMs }) => wasmMs),
    row("the rest: validators, rows, rules", rest),
  ];
}

function costs(costs, wasm) {
  const cell = ({ documentsRead, documentsWritten, bytesRead, bytesWritten }) => `${documentsRead} and ${documentsWritten}; ${whole(bytesRead)} and ${whole(bytesWritten)} bytes`;
  return [
    ["**documents read and written** (exact)"],
    ...BATCHES.map((count) => [deltas(count), ...CONTENDERS.map((name) => cell(costs[name][count]))]),
    ["**size**"],
    ["source that a call loads", ...CONTENDERS.map((name) => sourceOf(costs[name][BATCHES[0]]))],
    ["the wasm that it compiles; gzip", `${kilobytes(wasm.raw)}, in hex twice that; ${kilobytes(wasm.gzip)}`, "none", "none", "none"],
  ];
}

function sourceOf({ moduleBytes, moduleCount }) {
  return `${kilobytes(moduleBytes)}, ${moduleCount} modules`;
}

function plans({ times, first, rounds }, counts) {
  const rows = BATCHES.map((count) => [
    deltas(count),
    `${timeOf(times.codex[count], "µs")} as wasm, ${timeOf([times.native[count].at(-1)], "µs")} natively`,
    beside(times.plain[count], "µs", times.codex[count]),
  ]);
  const ofNew = ["1 delta, the first of a new instance", `${timeOf(first.codex, "µs")} as wasm`, beside(first.plain, "µs", first.codex)];
  const counted = BATCHES.filter((count) => counts[count]?.instructionsPerDelta !== undefined);
  const instructions = counted.map((count) => whole(counts[count].instructionsPerDelta)).join(", ");
  return [[`**the plan alone**, in Node, all compiled (${rounds} rounds)`], ...rows, ofNew, [`native instructions a delta, in batches of ${counted.join(", ")} (exact)`, instructions]];
}

function onTheWay({ rates, delays, rounds }) {
  const rate = (numbers) => `${whole(median(numbers))} a second`;
  const delay = (numbers) => `${whole(median(numbers))} ms; 99 % within ${whole(quantile(numbers, 0.99))} ms`;
  return [
    [`**from the line to the screen** (${rounds} rounds)`],
    ["events, from the line to the disk and an acknowledgement", rate(rates.bridge), "", `${rate(rates.bare)}; ${timesOf(rates.bare, rates.bridge)}`],
    ["events, from the line to a subscribed client", rate(rates.screen)],
    ...Object.entries(delays).map(([pace, { bare, screen }]) => [`delay of a line, at ${pace} a second`, delay(screen), "", delay(bare)]),
  ];
}
