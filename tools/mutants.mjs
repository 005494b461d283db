// Which mutants of the core no test catches: `npm run mutants [-- --minutes 60] [files of src/]`. `--survivors` runs those again that
// survived, of files that are as they were: a test in another file may catch them now.
//
// A run takes hours, so that it can be made in pieces: what it found of some 40 mutants is kept in tests/core/mutants.json with the
// hash of their file as soon as they are done, and without names those are run that were not yet or have changed since.
// Why a mutant survives is said in docs/MUTANTS.md. `--check` runs nothing: it tells what the list and the document lack.
//
// A mutant meets the quick tests first, and all of them where those let it live. Workers have copies of the project, each
// with its own build, and change them in place.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { ROOT, cargoEnv } from "./cargo-tools.mjs";

const RESULTS = path.join(ROOT, "tests/core/mutants.json");
const EXPLAINED = path.join(ROOT, "docs/MUTANTS.md");
const CAUGHT_MIN = 0.95;
/** What takes longer than the rest together: asked only where the rest finds nothing. */
const SLOW = [
  ...["evidence::", "the_cost_is_linear_in_the_line", "of_recorded_lines_only", "agrees_with_a_whole_reading", "bounded_over_and_over"],
  ...["a_text_is_whole_at_any_time", "the_quarantine_keeps_200_rows", "more_open_messages_than_one_call_closes", "a_batch_holds_4096_events"],
];
/** Mutants that are run before what was found is kept, about. */
const PIECE = 40;
/** The core and its tests, without what else a test run builds. */
const LIB = "--lib";
const ALL = [];
const QUICK = ["--", ...SLOW.flatMap((name) => ["--skip", name])];
/** Seconds: all tests take three, so that a mutant which takes as long as this does not end. */
const TIMEOUT_S = 40;
const NOT_COPIED = new Set([".git", "node_modules", "target", "fuzz/target", "dist", "pkg"]);
/** Exit codes of cargo mutants that are results. */
const [MISSED, TIMED_OUT] = [2, 3];
/** Few cases and no shrinking: a mutant that only a rare case shows is one that survives. */
const ENV = { ...cargoEnv(), PROPTEST_CASES: "16", PROPTEST_MAX_SHRINK_ITERS: "0", CARGO_PROFILE_TEST_DEBUG: "0" };

const hashOf = (file, root = ROOT) => createHash("sha256").update(readFileSync(path.join(root, file))).digest("hex").slice(0, 16);
const placeOf = ({ name, span }) => JSON.stringify([name, span]);
/** A mutant's name without its place, which moves with every line above it. */
const nameOf = (mutant) => mutant.name.replace(/^[^ ]+ /, "");

function mutantsByFile() {
  const list = JSON.parse(execFileSync("cargo", ["mutants", "--list", "--json"], { cwd: ROOT, env: ENV, encoding: "utf8", maxBuffer: 2 ** 28 }));
  const files = new Map();
  for (const mutant of list) files.set(mutant.file, [...(files.get(mutant.file) ?? []), mutant]);
  return files;
}

const isLiving = ({ summary }) => summary === "MissedMutant";

/** Lets `cargo mutants` change the copy; answers the outcomes. */
async function outcomes(copy, args, testArgs = []) {
  const output = mkdtempSync(path.join(tmpdir(), "mutants-out-"));
  const fixed = ["mutants", "--in-place", "--no-shuffle", "--baseline", "skip", "--timeout", String(TIMEOUT_S), "--output", output, "--colors", "never", "--cargo-arg", LIB, ...args, "--", ...testArgs];
  const code = await run(copy, fixed);
  if (![0, MISSED, TIMED_OUT].includes(code)) throw new Error(`cargo mutants ${args.join(" ")}: exit ${String(code)}`);
  const found = JSON.parse(readFileSync(path.join(output, "mutants.out/outcomes.json"), "utf8")).outcomes;
  rmSync(output, { recursive: true, force: true });
  return found.filter(({ scenario }) => scenario.Mutant !== undefined);
}

function run(copy, args) {
  const child = spawn("cargo", args, { cwd: copy, env: ENV, stdio: ["ignore", "ignore", "inherit"] });
  return new Promise((done) => child.on("close", done));
}

/** What fails without a mutant catches every one. */
async function assertPasses(copy) {
  for (const testArgs of [QUICK, ALL]) {
    if ((await run(copy, ["test", "--locked", LIB, ...testArgs])) !== 0) throw new Error(`cargo test ${testArgs.join(" ")} fails as it is`);
  }
}

/** A file's pieces that are to be run: all of one that has changed, those that are left of one that was begun. */
function piecesOf(file, count, results) {
  const known = results[file];
  const isFresh = known?.sha256 === hashOf(file);
  const of = isFresh && known.left !== undefined ? known.of : Math.max(1, Math.ceil(count / PIECE));
  const left = isFresh ? (known.left ?? []) : Array.from({ length: of }, (_, piece) => piece);
  return left.map((piece) => ({ file, piece, of }));
}

async function runPiece(copy, { file, piece, of }) {
  const quick = await outcomes(copy, ["-f", file, "--shard", `${String(piece)}/${String(of)}`], QUICK);
  const living = quick.filter(isLiving).map(({ scenario }) => scenario.Mutant.name);
  const again = await runNamed(copy, file, living);
  // A name is that of every place where the function has the same.
  const all = again.filter(({ scenario }) => quick.some((one) => isLiving(one) && placeOf(one.scenario.Mutant) === placeOf(scenario.Mutant)));
  const found = [...quick.filter((one) => !isLiving(one)), ...all];
  if (found.length !== quick.length) throw new Error(`${file}: ${String(living.length)} lived, ${String(all.length)} were run again`);
  const named = (...summaries) => found.filter(({ summary }) => summaries.includes(summary)).map(({ scenario }) => nameOf(scenario.Mutant));
  return { sha256: hashOf(file, copy), caught: named("CaughtMutant", "Timeout").length, unviable: named("Unviable").length, survived: named("MissedMutant") };
}

/** Adds what was found of a piece to what is known of its file. */
function add(results, { file, piece, of }, { sha256, caught, unviable, survived }) {
  const known = results[file]?.sha256 === sha256 && results[file].left !== undefined ? results[file] : { caught: 0, unviable: 0, survived: [], left: Array.from({ length: of }, (_, at) => at) };
  const left = known.left.filter((one) => one !== piece);
  results[file] = {
    ...{ sha256, date: new Date().toISOString().slice(0, 10), caught: known.caught + caught, unviable: known.unviable + unviable },
    survived: [...known.survived, ...survived].sort(),
    ...(left.length === 0 ? {} : { left, of }),
  };
}

/** Lets mutants of a file meet tests, all of them or the quick ones: those of these names, with or without their place. */
async function runNamed(copy, file, names, testArgs = ALL) {
  if (names.length === 0) return [];
  const exactly = names.flatMap((name) => ["-F", `^(${file}:[0-9]+:[0-9]+: )?${name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`]);
  return await outcomes(copy, ["-f", file, ...exactly], testArgs);
}

/** What survived meets the quick tests again, then all. */
async function askAgain(copy, file, { survived }) {
  const quick = (await runNamed(copy, file, [...new Set(survived)], QUICK)).filter(isLiving).map(({ scenario }) => scenario.Mutant.name);
  return (await runNamed(copy, file, quick)).filter(isLiving).map(({ scenario }) => nameOf(scenario.Mutant)).sort();
}

async function runSurvivors(results) {
  const files = Object.entries(results).filter(([file, { survived, sha256 }]) => survived.length > 0 && sha256 === hashOf(file));
  await inCopies(files.length, async (copy) => {
    while (files.length > 0) {
      const [file, result] = files.shift();
      const survived = await askAgain(copy, file, result);
      results[file] = { ...result, caught: result.caught + result.survived.length - survived.length, survived };
      keep(results);
      console.log(`${file}: ${String(result.survived.length)} survived, ${String(survived.length)} do now`);
    }
  });
}

/** Works side by side, each in a copy of its own whose tests pass; no more than there is to do. */
async function inCopies(most, work) {
  const inCopy = async () => {
    const copy = copyOfProject();
    try {
      await assertPasses(copy);
      await work(copy);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, availableParallelism()) }, inCopy));
}

function copyOfProject() {
  const copy = mkdtempSync(path.join(tmpdir(), "mutants-"));
  cpSync(ROOT, copy, { recursive: true, filter: (from) => !NOT_COPIED.has(path.relative(ROOT, from)) });
  return copy;
}

/** Takes one piece after the other, until there are none or the time is over. */
async function work(copy, pieces, endsMs, results) {
  while (pieces.length > 0 && Date.now() < endsMs) {
    const piece = pieces.shift();
    const found = await runPiece(copy, piece);
    add(results, piece, found);
    keep(results);
    console.log(`${piece.file} ${String(piece.piece + 1)}/${String(piece.of)}: ${String(found.caught)} caught, ${String(found.survived.length)} survived`);
  }
}

function keep(results) {
  const sorted = Object.fromEntries(Object.entries(results).sort(([one], [other]) => (one < other ? -1 : 1)));
  writeFileSync(RESULTS, `${JSON.stringify(sorted, null, 1)}\n`);
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
    } else if (result.left !== undefined) {
      const left = Math.round((mutants.length * result.left.length) / result.of);
      missing += left;
      console.log(`${file}: begun, some ${String(left)} mutants are left`);
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
const named = first?.startsWith("--") === true ? rest : [first, ...rest].filter((name) => name !== undefined);
const all = mutantsByFile();
const results = JSON.parse(readFileSync(RESULTS, "utf8"));
if (first === "--survivors") {
  await runSurvivors(results);
} else if (first !== "--check") {
  for (const file of Object.keys(results)) if (!all.has(file)) delete results[file];
  const endsMs = minutes === undefined ? Infinity : Date.now() + minutes * 60_000;
  const files = named.length > 0 ? named : [...all.keys()];
  const pieces = files.flatMap((file) => piecesOf(file, all.get(file)?.length ?? 0, results));
  await inCopies(pieces.length, (copy) => work(copy, pieces, endsMs, results));
  keep(results);
}
process.exitCode = say(results, all) ? 0 : 1;
