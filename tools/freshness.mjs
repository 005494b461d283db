// Is a built folder still what its sources say? A hash of the inputs' contents is kept beside the output:
// file times say nothing in a fresh clone.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "./cargo-tools.mjs";
import { DOORS } from "./doors.mjs";

const STAMP = ".built-from";

const WASM = {
  output: "pkg",
  inputs: ["src", "doors", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo/config.toml", "tools/build-wasm.mjs", "tools/minify.mjs", "tools/wasm-text.mjs", "tools/cargo-tools.mjs", "tools/doors.mjs", "node_modules/binaryen/package.json", "node_modules/rolldown/package.json"],
};

const TSCONFIGS = ["base", "build", "emit", "core", "component", "wrapper"].map((name) => `tsconfig.${name}.json`);

const DIST = {
  output: "dist",
  inputs: ["js-wrapper", "convex", "tools/types", ...TSCONFIGS, "tools/build.mjs", "tools/bundle.mjs", "tools/minify.mjs", "package.json", "package-lock.json", ...DOORS.map((door) => `pkg/${door}.d.ts`)],
};

export const BUILDS = { wasm: WASM, dist: DIST };

function filesUnder(relative) {
  const absolute = path.join(ROOT, relative);
  if (!existsSync(absolute)) return [];
  if (!statSync(absolute).isDirectory()) return [relative];
  return readdirSync(absolute, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)));
}

function inputsHash({ inputs }) {
  const hash = createHash("sha256");
  for (const file of inputs.flatMap(filesUnder).sort()) {
    hash.update(`${file.split(path.sep).join("/")}\0`).update(readFileSync(path.join(ROOT, file))).update("\0");
  }
  return hash.digest("hex");
}

export const stampFile = ({ output }) => path.join(ROOT, output, STAMP);

export function isFresh(build) {
  return existsSync(stampFile(build)) && readFileSync(stampFile(build), "utf8") === inputsHash(build);
}

/** Takes the hash before the build reads its sources: an edit made meanwhile makes the output stale, not wrong. */
export function stampOf(build) {
  const hash = inputsHash(build);
  return (folder = path.join(ROOT, build.output)) => writeFileSync(path.join(folder, STAMP), hash);
}
