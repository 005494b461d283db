// Which mutants of the core no test catches: `npm run mutants [-- --minutes 60] [files of src/]`.
//
// A run takes hours, so that it can be made in pieces: what it found of a file is kept in tests/core/mutants.json with the
// hash of that file, and without names the files go first that were not run yet or have changed since. Why a mutant
// survives is said in docs/MUTANTS.md. `--check` runs nothing: it tells what the list and the document lack.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ROOT, cargoEnv } from "./cargo-tools.mjs";

const RESULTS = path.join(ROOT, "tests/core/mutants.json");
const EXPLAINED = path.join(ROOT, "docs/MUTANTS.md");
const CAUGHT_MIN = 0.95;
/** Few cases and no shrinking: a mutant that only a rare case shows is one that survives. */
const ENV = { ...cargoEnv(), PROPTEST_CASES: "16", PROPTEST_MAX_SHRINK_ITERS: "0", CARGO_PROFILE_TEST_DEBUG: "0" };

const hashOf = (file) => createHash("sha256").update(readFileSync(path.join(ROOT, file))).digest("hex").slice(0, 16);
/** A mutant's name without its place, which moves with every line above it. */
const nameOf = (mutant) => mutant.name.replace(/^[^ ]+ /, "");

function mutantsByFile() {
  const list = JSON.parse(execFileSync("cargo", ["mutants", "--list", "--json"], { cwd: ROOT, env: ENV, encoding: "utf8", maxBuffer: 2 ** 28 }));
  const files = new Map();
  for (const mutant of list) files.set(mutant.file, [...(files.get(mutant.file) ?? []), mutant]);
  return files;
}

/** What a run found of the files that it came to the end of; `hashes` are those of before it. */
function read(outcomes, hashes, all) {
  const results = {};
  for (const [file, sha256] of hashes) {
    const found = outcomes.filter(({ scenario }) => scenario.Mutant?.file === file);
    if (found.length < all.get(file).length) continue;
    const named = (...summaries) => found.filter(({ summary }) => summaries.includes(summary)).map(({ scenario }) => nameOf(scenario.Mutant));
    results[file] = { sha256, date: new Date().toISOString().slice(0, 10), caught: named("CaughtMutant", "Timeout").length, unviable: named("Unviable").length, survived: named("MissedMutant").sort() };
  }
  return results;
}

async function run(files, minutes) {
  const folder = mkdtempSync(path.join(tmpdir(), "mutants-"));
  const args = ["mutants", "--no-shuffle", "--baseline", "skip", "--timeout", "120", "--output", folder, "--colors", "never", ...files.flatMap((file) => ["-f", file])];
  const child = spawn("cargo", args, { cwd: ROOT, env: ENV, stdio: "inherit" });
  const timer = minutes === undefined ? undefined : setTimeout(() => child.kill("SIGINT"), minutes * 60_000);
  await new Promise((done) => child.on("close", done));
  clearTimeout(timer);
  const { outcomes } = JSON.parse(readFileSync(path.join(folder, "mutants.out/outcomes.json"), "utf8"));
  rmSync(folder, { recursive: true, force: true });
  return outcomes;
}

function say(results, all) {
  let [caught, survived, missing] = [0, 0, 0];
  const explained = readFileSync(EXPLAINED, "utf8");
  let open = 0;
  for (const [file, mutants] of all) {
    const result = results[file];
    if (result === undefined || result.sha256 !== hashOf(file)) {
      missing += mutants.length;
      console.log(`${file}: ${result === undefined ? "never run" : "has changed since it was run"} (${mutants.length} mutants)`);
      if (result === undefined) continue;
    }
    caught += result.caught;
    survived += result.survived.length;
    for (const name of result.survived) {
      if (explained.includes(`\`${name}\``)) continue;
      open += 1;
      console.log(`${file}: ${name}: survives, and docs/MUTANTS.md does not say why`);
    }
  }
  const share = caught / (caught + survived);
  console.log(`${caught} caught, ${survived} survived: ${(share * 100).toFixed(1)} %; ${open} without a reason; ${missing} to be run`);
  return missing === 0 && open === 0 && share >= CAUGHT_MIN;
}

const [first, ...rest] = process.argv.slice(2);
const minutes = first === "--minutes" ? Number(rest.shift()) : undefined;
const named = first === "--minutes" || first === "--check" ? rest : [first, ...rest].filter((name) => name !== undefined);
const all = mutantsByFile();
const results = JSON.parse(readFileSync(RESULTS, "utf8"));
if (first !== "--check") {
  const stale = [...all.keys()].filter((file) => results[file]?.sha256 !== hashOf(file));
  const files = named.length > 0 ? named : stale;
  const hashes = files.map((file) => [file, hashOf(file)]);
  Object.assign(results, read(await run(files, minutes), hashes, all));
  for (const file of Object.keys(results)) if (!all.has(file)) delete results[file];
  const sorted = Object.fromEntries(Object.entries(results).sort(([one], [other]) => (one < other ? -1 : 1)));
  writeFileSync(RESULTS, `${JSON.stringify(sorted, null, 1)}\n`);
}
process.exitCode = say(results, all) ? 0 : 1;
