// What a batch of text costs, a steady one and one that comes again: native instructions for each delta (callgrind), and at the boundary crossings, text
// operations and bytes. Exact counts against those of bench.json; `--write` puts the present ones there.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "../../tools/cargo-tools.mjs";
import { buildSteady, STEADY, writePacked } from "./native.mjs";
import { steadyCall } from "./steady-call.mjs";

/** The longest batch is what a call may hold: what grows with its square shows there. */
const BATCHES = [1, 20, 100, 4096];
const RISE_MAX = 1.02;
const NUMBERS = path.join(ROOT, "tests/core/bench.json");
/** What no count may be above, whatever it was before. */
const CEILINGS = { crossings: 1, textsIn: 3, textsOut: 60 };
/** What a delta may cost, whatever it did before, by the row's name. */
const INSTRUCTIONS_MAX = { 100: 6_000, 4096: 6_000, "4096 again": 6_000 };
/** Two counts are taken, so that what runs once, before and behind the plans, falls out of their difference. */
const timesOf = (count) => ({ few: 1, many: count > 1_000 ? 3 : 21 });

/** Valgrind runs on Linux, and another processor has other instructions. */
const countsInstructions = process.platform === "linux" && process.arch === "x64";

const counts = { crossings: 0, textsIn: 0, textsOut: 0, bytesIn: 0, bytesOut: 0, callbacks: 0 };
const resetCounts = () => Object.keys(counts).forEach((name) => (counts[name] = 0));

function countTexts() {
  const { encode, encodeInto } = TextEncoder.prototype;
  TextEncoder.prototype.encode = function (text) {
    counts.textsIn += 1;
    return encode.call(this, text);
  };
  TextEncoder.prototype.encodeInto = function (text, target) {
    counts.textsIn += 1;
    return encodeInto.call(this, text, target);
  };
  const { decode } = TextDecoder.prototype;
  TextDecoder.prototype.decode = function (bytes, options) {
    // The glue decodes once while it is loaded, nothing at all.
    if (bytes !== undefined) counts.textsOut += 1;
    counts.bytesOut += bytes?.byteLength ?? 0;
    return decode.call(this, bytes, options);
  };
}

/** An instance whose entries, and what they call back, are counted. */
function countCrossings() {
  const Real = WebAssembly.Instance;
  const counted = (work, count) => (...args) => {
    count(args);
    return work(...args);
  };
  const callback = () => (counts.callbacks += 1);
  WebAssembly.Instance = function (module, imports) {
    const back = (name) => Object.fromEntries(Object.entries(imports[name]).map(([key, work]) => [key, typeof work === "function" ? counted(work, callback) : work]));
    const real = new Real(module, Object.fromEntries(Object.keys(imports).map((name) => [name, back(name)])));
    const entry = ([, textBytes, , numberCount]) => {
      counts.crossings += 1;
      counts.bytesIn += textBytes + numberCount * Float64Array.BYTES_PER_ELEMENT;
    };
    return { exports: { ...real.exports, planIngest: counted(real.exports.planIngest, entry) } };
  };
}

/** The same batch once more: what of it was accepted is loaded, and it is compared with that. */
function redelivered(call) {
  const [head] = call.heads;
  const { cursorEnd } = call.deltas.at(-1);
  const places = call.deltas.map(({ streamId, eventId, cursorStart: start, cursorEnd: end }) => ({ streamId, eventId, range: { start, end } }));
  const none = { turns: [], messages: [], streams: [], nextOrders: [], lifecycleIds: [], usagePlace: 0, folds: [], quarantine: [], requests: [], deletedTurns: [] };
  return { ...call, heads: [{ ...head, latest: cursorEnd, eventCount: cursorEnd }], loaded: { ...none, places } };
}

countTexts();
countCrossings();
const { planIngest } = await import("../../dist/js-wrapper/core/ingest.js");
const { packIngest } = await import("../../dist/js-wrapper/core/boundary.js");

function atTheBoundary(call) {
  resetCounts();
  const answer = planIngest(call);
  if (answer.type !== "plan") throw new Error(`a steady batch is answered ${answer.type}`);
  return { ...counts };
}

// The first answer of an instance also makes the names of its fields.
atTheBoundary(steadyCall(1));

function instructions(times, files) {
  const args = ["--tool=callgrind", "--callgrind-out-file=/dev/null", STEADY, String(times), ...files];
  const { status, stderr, error } = spawnSync("valgrind", args, { encoding: "utf8", env: { PATH: process.env.PATH } });
  if (error?.code === "ENOENT") throw new Error("valgrind is not there: apt-get install valgrind");
  const found = /Collected : (\d+)/.exec(stderr ?? "");
  if (status !== 0 || found === null) throw new Error(`valgrind failed:\n${stderr}`);
  return Number(found[1]);
}

function instructionsPerDelta(call) {
  const { few, many } = timesOf(call.deltas.length);
  const files = writePacked(packIngest(call));
  return Math.round((instructions(many, files) - instructions(few, files)) / ((many - few) * call.deltas.length));
}

if (!countsInstructions) console.log("native instructions are counted on Linux on x64 only");
else buildSteady();
const longest = BATCHES.at(-1);
const calls = [...BATCHES.map((count) => [String(count), steadyCall(count)]), [`${String(longest)} again`, redelivered(steadyCall(longest))]];
const found = {};
for (const [name, call] of calls) {
  found[name] = { ...(countsInstructions ? { instructionsPerDelta: instructionsPerDelta(call) } : {}), ...atTheBoundary(call) };
}

if (process.argv.includes("--write")) writeFileSync(NUMBERS, `${JSON.stringify(found, null, 2)}\n`);
const known = JSON.parse(readFileSync(NUMBERS, "utf8"));
let isOver = false;
for (const [batch, numbers] of Object.entries(found)) {
  for (const [name, number] of Object.entries(numbers)) {
    const before = known[batch][name];
    const most = (name === "instructionsPerDelta" ? INSTRUCTIONS_MAX[batch] : CEILINGS[name]) ?? Infinity;
    const over = number > before * RISE_MAX || number > most;
    isOver ||= over;
    console.log(`batch of ${batch.padEnd(10)}  ${name.padEnd(20)} ${String(number).padStart(7)}  was ${String(before)}${over ? "  TOO MUCH" : ""}`);
  }
}
process.exitCode = isOver ? 1 : 0;
