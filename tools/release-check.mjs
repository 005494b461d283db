// Whether this commit can be published: `npm run release:check [-- --only <check>]`. All that is not so is said, not the first of it alone.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ROOT } from "./cargo-tools.mjs";
import { DOORS } from "./doors.mjs";
import { run } from "./run.mjs";
import { sizesOf } from "./sizes.mjs";

const SEMVER = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;
/** What the built folders of two clones may differ in: nothing. */
const BUILT = ["pkg", "dist"];

const read = (file, folder = ROOT) => readFileSync(path.join(folder, file), "utf8");
const git = (...args) => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
const npm = (folder, ...args) => run("npm", args, { cwd: folder });

const manifest = JSON.parse(read("package.json"));
const { version } = manifest;

/** Each answers what is not as it has to be, in words. */
const CHECKS = {
  /** What is published is what is committed. */
  commit: () => (git("status", "--porcelain") === "" ? [] : ["the working tree has changes that are not committed"]),

  version() {
    const crate = /^version = "(.+)"$/m.exec(read("Cargo.toml"))?.[1];
    const said = /DEFAULT_CLIENT_INFO.* version: "(.+)"/.exec(read("js-wrapper/bridge/handshake.ts"))?.[1];
    const [newest] = [...read("CHANGELOG.md").matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    const isNewest = newest?.startsWith(`${version} `) === true && /\d{4}-\d{2}-\d{2}$/.test(newest);
    return [
      ...(SEMVER.test(version) ? [] : [`${version} is no version`]),
      ...(crate === version ? [] : [`Cargo.toml has version ${crate}, package.json ${version}`]),
      ...(said === version ? [] : [`js-wrapper/bridge/handshake.ts says version ${said}, package.json ${version}`]),
      ...(isNewest ? [] : [`CHANGELOG.md begins with "## ${newest}", not with "## ${version} <year-month-day>"`]),
    ];
  },

  /** tools/size.mjs tells by it what has grown since. */
  size() {
    const { release } = JSON.parse(read("tools/size-release.json"));
    if (release?.version !== version) return [`tools/size-release.json has the sizes of ${release?.version ?? "no release"}, not of ${version}`];
    return DOORS.flatMap((door) => {
      const { raw, gzip } = sizesOf(door);
      const isSame = release[door]?.raw === raw && release[door]?.gzip === gzip;
      return isSame ? [] : [`tools/size-release.json says other sizes of ${door} than ${raw} and ${gzip} bytes`];
    });
  },

  /** SOURCE: docs.npmjs.com, "Generating provenance statements": a public repository that package.json names, and public access. */
  provenance() {
    const { repository, publishConfig } = manifest;
    return [
      ...(typeof repository?.url === "string" ? [] : ["package.json names no repository, without which npm makes no statement of provenance"]),
      ...(publishConfig?.provenance === true && publishConfig.access === "public" ? [] : ["package.json's publishConfig is not {access: public, provenance: true}"]),
      ...(manifest.scripts.install ?? manifest.scripts.postinstall ?? manifest.scripts.prepare ? ["package.json has a script that runs where it is installed"] : []),
    ];
  },

  /** Two clones, in folders of names of different lengths, build the same bytes and pack the same tarball. */
  reproducible: () =>
    inFreshClones(["a", "a-folder-with-a-longer-name"], async (clones) => {
      for (const clone of clones) {
        if ((await npm(clone, "run", "build")) !== 0) return [`a fresh clone does not build`];
      }
      const [one, other] = clones.map(builtIn);
      const [oneTarball, otherTarball] = clones.map(packed);
      const differing = [...new Set([...one.keys(), ...other.keys()])].filter((file) => one.get(file) !== other.get(file));
      console.log(`  ${one.size} built files, ${oneTarball}`);
      return [
        ...differing.map((file) => `${file} is not the same in two clones`),
        ...(oneTarball === otherTarball ? [] : [`the other clone packs ${otherTarball}`]),
      ];
    }),

  /** Consumers of the package among them. */
  tests: () => inFreshClones(["clone"], async ([clone]) => ((await npm(clone, "test")) === 0 ? [] : ["the tests of a fresh clone do not pass"])),
};

async function inFreshClones(names, check) {
  const parent = mkdtempSync(path.join(tmpdir(), "codex-release-"));
  try {
    const clones = names.map((name) => path.join(parent, name));
    for (const clone of clones) git("clone", "--quiet", "--no-hardlinks", ROOT, clone);
    return await check(clones);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

function builtIn(clone) {
  const files = BUILT.flatMap((folder) => readdirSync(path.join(clone, folder), { recursive: true, withFileTypes: true }));
  const hashOf = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");
  return new Map(files.filter((entry) => entry.isFile()).map(({ parentPath, name }) => path.join(parentPath, name)).map((file) => [path.relative(clone, file), hashOf(file)]));
}

/** SHA-512 of what would be published. */
const packed = (clone) => JSON.parse(execFileSync("npm", ["pack", "--json", "--dry-run", "--ignore-scripts"], { cwd: clone, encoding: "utf8" }))[0].integrity;

const names = Object.keys(CHECKS);
const [flag, name] = process.argv.slice(2);
if (flag !== undefined && (flag !== "--only" || !names.includes(name))) {
  console.error(`usage: npm run release:check [-- --only <${names.join("|")}>]`);
  process.exit(1);
}
let failed = 0;
for (const check of flag === undefined ? names : [name]) {
  console.log(`\n== ${check}`);
  const problems = await CHECKS[check]();
  for (const problem of problems) console.error(`  ${problem}`);
  failed += problems.length;
  console.log(problems.length === 0 ? `== ${check}: as it has to be` : `== ${check} FAILED`);
}
console.log(failed === 0 ? "\nready to be published" : `\nnot ready: ${failed} of these to be mended`);
process.exitCode = failed === 0 ? 0 : 1;
