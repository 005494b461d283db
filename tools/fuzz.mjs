// The fuzz targets, one after the other: `npm run fuzz [-- --minutes 30] [targets]`. New inputs go to fuzz/corpus/; what was
// found is said, with the input that shows it, and ends the run. `seeds` is no target of the fuzzer: the model and the
// simulation of the step `evidence`, with new seeds until the time is over.
import { readdirSync } from "node:fs";
import path from "node:path";
import { ROOT, cargoEnv } from "./cargo-tools.mjs";
import { run } from "./run.mjs";

const MINUTES = 30;
const FOLDER = path.join(ROOT, "fuzz");
/** cargo-fuzz wants the compiler's unstable flags, and the pinned toolchain is no nightly one. */
const env = { ...cargoEnv(), RUSTC_BOOTSTRAP: "1" };

const [first, ...rest] = process.argv.slice(2);
const seconds = (first === "--minutes" ? Number(rest.shift()) : MINUTES) * 60;
const named = (first === "--minutes" ? rest : [first, ...rest]).filter((name) => name !== undefined);
const SEEDS = "seeds";
const targets = [SEEDS, ...readdirSync(path.join(FOLDER, "fuzz_targets")).map((file) => path.parse(file).name)];

async function explore() {
  const ends = Date.now() + seconds * 1000;
  while (Date.now() < ends) {
    const code = await run("cargo", ["test", "--locked", "--profile", "evidence", "--lib", "--", "--ignored", "--nocapture"], { env: { ...cargoEnv(), EVIDENCE_SEED: "new" } });
    if (code !== 0) process.exit(code);
  }
}

for (const target of named.length > 0 ? named : targets) {
  if (target === SEEDS) {
    await explore();
    continue;
  }
  const options = ["-fork=0", "-max_len=4096", `-max_total_time=${String(seconds)}`];
  if (target !== "plan") options.push(`-dict=${path.join(FOLDER, "json.dict")}`);
  const code = await run("cargo", ["fuzz", "run", "--fuzz-dir", FOLDER, target, "--", ...options], { env });
  if (code !== 0) process.exit(code);
}
