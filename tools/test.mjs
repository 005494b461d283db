// Every check of the project, in the order of cost, up to the first that fails. `--list` names them, `--only <step>` runs one.
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { ROOT, cargoEnv } from "./cargo-tools.mjs";
import { DOORS } from "./doors.mjs";
import { BUILDS, isFresh } from "./freshness.mjs";
import { run, seconds } from "./run.mjs";

const WASM_TARGET = "wasm32-unknown-unknown";
const DENY_WARNINGS = ["--", "-D", "warnings"];

// What a developer works with is not for tests: whoever means the page's tests to run there says so (CONTRIBUTING.md).
const env = { ...cargoEnv(), CONVEX_URL: "", CONVEX_AUTH_TOKEN: "" };
const command = (name, program, ...args) => ({ name, check: () => run(program, args, { env }) });
const npmBin = (name, file, ...args) => command(name, process.execPath, path.join("node_modules", file), ...args);
const vitest = (name, ...projects) => npmBin(name, "vitest/vitest.mjs", "run", ...projects.flatMap((project) => ["--project", project]));

/** Setup has built them just before; stale here means that its inputs and the build's do not agree. */
function builtFoldersAreFresh() {
  const stale = Object.values(BUILDS).filter((build) => !isFresh(build));
  for (const { output } of stale) console.error(`${output}/ is not what its sources say`);
  return stale.length;
}

/** The folders of tests/, by the step that runs them; those of `core` are Rust's and its doors'. */
const UNIT = ["convex", "protocol", "app-server", "bridge", "runtime", "outbox", "host", "react", "web", "bench"];
const BUNDLING = ["bundle", "cli", "packaging", "e2e"];
const LAYERS = ["core", ...UNIT, ...BUNDLING];

/** A folder without tests, or one that no step runs, would pass for tested. */
function everyLayerHasTests() {
  const isTest = (name) => /\.test\.tsx?$|\.rs$/.test(name);
  const hasTests = (layer) => {
    const folder = path.join(ROOT, "tests", layer);
    return existsSync(folder) && readdirSync(folder, { recursive: true }).some(isTest);
  };
  const empty = LAYERS.filter((layer) => !hasTests(layer));
  for (const layer of empty) console.error(`tests/${layer} has no tests`);
  const folders = readdirSync(path.join(ROOT, "tests"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const unrun = folders.map(({ name }) => name).filter((name) => !LAYERS.includes(name) && hasTests(name));
  for (const layer of unrun) console.error(`tests/${layer} is run by no step`);
  return empty.length + unrun.length;
}

const STEPS = [
  { name: "layers", check: everyLayerHasTests },
  { name: "fresh", check: builtFoldersAreFresh },
  command("fmt", "cargo", "fmt", "--all", "--check"),
  command("clippy", "cargo", "clippy", "--locked", "--all-targets", "--features", "testing", ...DENY_WARNINGS),
  command("clippy-wasm", "cargo", "clippy", "--locked", "--workspace", "--target", WASM_TARGET, ...DENY_WARNINGS),
  command("rust", "cargo", "test", "--locked"),
  command("evidence", "cargo", "test", "--locked", "--profile", "evidence", "--lib", "--", "--ignored", "--nocapture"),
  ...DOORS.map((door) => command(`door-${door}`, "wasm-pack", "test", "--node", "--mode", "no-install", path.join("doors", door), "--locked")),
  command("alike", process.execPath, "tests/core/alike.mjs"),
  npmBin("types", "typescript/bin/tsc", "--noEmit", "-p", "tsconfig.json"),
  npmBin("lint", "eslint/bin/eslint.js", "--max-warnings", "0", "."),
  vitest("unit", ...UNIT, "react-oldest"),
  ...BUNDLING.map((layer) => vitest(layer, layer)),
  command("size", process.execPath, "tools/size.mjs"),
  command("bench-core", process.execPath, "tests/core/bench.mjs"),
];

function chosenSteps([flag, name]) {
  if (flag === undefined) return STEPS;
  const names = STEPS.map((step) => step.name);
  if (flag === "--list") {
    console.log(names.join("\n"));
    process.exit(0);
  }
  const step = STEPS.find((candidate) => candidate.name === name);
  if (flag === "--only" && step !== undefined) return [step];
  console.error(`usage: node tools/test.mjs [--list | --only <${names.join("|")}>]`);
  process.exit(1);
}

let passed = 0;
let failed = 0;
for (const { name, check } of chosenSteps(process.argv.slice(2))) {
  const startedMs = performance.now();
  console.log(`\n== ${name}`);
  if ((await check()) !== 0) {
    failed += 1;
    console.error(`== ${name} FAILED after ${seconds(startedMs)}; to run it alone: npm test -- --only ${name}`);
    break;
  }
  passed += 1;
  console.log(`== ${name} passed in ${seconds(startedMs)}`);
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
