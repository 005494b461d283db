// The core as a native program that plans a packed call again and again: `steady.rs`.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ROOT, cargoEnv } from "../../tools/cargo-tools.mjs";

export const STEADY = path.join(ROOT, "target/release/examples/steady");
const FOLDER = path.join(ROOT, "target/bench-core");

export function buildSteady() {
  execFileSync("cargo", ["build", "--quiet", "--locked", "--release", "--example", "steady"], { cwd: ROOT, env: cargoEnv(), stdio: "inherit" });
}

/** Writes a packed call for it; answers with the files, in the order of its arguments. */
export function writePacked({ texts, numbers }, name = "call") {
  mkdirSync(FOLDER, { recursive: true });
  const files = ["numbers", "texts"].map((part) => path.join(FOLDER, `${name}-${part}`));
  writeFileSync(files[0], new Uint8Array(numbers.buffer));
  writeFileSync(files[1], texts);
  return files;
}
