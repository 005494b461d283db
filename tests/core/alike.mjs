// The wasm answers byte for byte as the native core does: every line and batch of the transcripts, and random calls.
// `node tests/core/alike.mjs [seed]`; the seed is printed.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { wasmBytesOf } from "../../dist/js-wrapper/core/wasm-bytes.js";
import { ROOT, cargoEnv } from "../../tools/cargo-tools.mjs";

const RANDOM_CALLS = 10_000;
const MISFIT = { misfit: true };
const MEMORY_BYTES_MAX = 64 * 1024 * 1024;

const seed = process.argv[2] ?? String(Math.floor(Math.random() * Number.MAX_SAFE_INTEGER));
const folder = path.join(ROOT, "tests/fixtures/transcripts");
const transcripts = readdirSync(folder).sort().map((name) => path.join(folder, name));

/** The entries of a door, on an instance that is made anew when its memory has grown: what Convex asks frees nothing. */
async function openDoor(name) {
  const [glue, { default: bytes }] = await Promise.all([import(`../../pkg/${name}.js`), import(`../../pkg/bytes_${name}.js`)]);
  const module = new WebAssembly.Module(wasmBytesOf(bytes));
  let memory;
  return (entry) => {
    if (memory === undefined || memory.buffer.byteLength > MEMORY_BYTES_MAX) ({ memory } = glue.initSync({ module }));
    return glue[entry];
  };
}

const [ingest, reads, reasoning, clients, bridge] = await Promise.all(["ingest", "reads", "reasoning", "clients", "bridge"].map(openDoor));
const encoder = new TextEncoder();
const packed = (door, entry) => (texts, numbers) => door(entry)(encoder.encode(texts), Float64Array.from(numbers));
const entries = {
  classifyLine: (texts) => bridge("classifyLine")(texts),
  planIngest: packed(ingest, "planIngest"),
  readWindow: packed(reads, "readWindow"),
  readReasoning: packed(reasoning, "readReasoning"),
  chunksToLoad: packed(reads, "chunksToLoad"),
  planTurnStart: packed(clients, "planTurnStart"),
  planTurnInterrupt: packed(clients, "planTurnInterrupt"),
  planSession: packed(clients, "planSession"),
  planCheckpoint: (_, [nowMs, cursor, known, streamExists]) => clients("planCheckpoint")(nowMs, cursor, known, streamExists !== 0),
};

function ask(entry, texts, numbers) {
  try {
    return entries[entry](texts, numbers);
  } catch (error) {
    // A call that is packed wrong is an error; a trap is another one.
    if (error.message?.startsWith("E_INTERNAL: ")) return MISFIT;
    throw error;
  }
}

console.log(`seed ${seed}`);
const args = ["run", "--quiet", "--locked", "--profile", "evidence", "--features", "testing", "--example", "cases", "--", seed, String(RANDOM_CALLS), ...transcripts];
const cases = spawn("cargo", args, { cwd: ROOT, env: cargoEnv(), stdio: ["ignore", "pipe", "inherit"] });
const exit = new Promise((resolve, reject) => cases.on("close", resolve).on("error", reject));

const asked = {};
let differing = 0;
for await (const line of createInterface({ input: cases.stdout, crlfDelay: Infinity })) {
  const [entry, texts, numbers, answer] = JSON.parse(line);
  const got = JSON.stringify(ask(entry, texts, numbers.map((number) => number ?? Number.NaN)));
  asked[entry] = (asked[entry] ?? 0) + 1;
  // Rust writes 12.0 where JavaScript writes 12: the order of keys is kept, and everything else.
  const want = JSON.stringify(JSON.parse(answer));
  if (got === want) continue;
  differing += 1;
  if (differing <= 3) console.error(`${line.slice(0, 4_000)}\n  wasm:   ${got?.slice(0, 2_000)}\n  native: ${want.slice(0, 2_000)}`);
}

const total = Object.values(asked).reduce((sum, count) => sum + count, 0);
console.log(`${total} calls, ${differing} answered otherwise`, asked);
const isWhole = (await exit) === 0 && total > RANDOM_CALLS && asked.classifyLine > 0 && asked.planIngest > 0;
process.exitCode = isWhole && differing === 0 ? 0 : 1;
