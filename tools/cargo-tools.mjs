// Where the two Rust tools live that npm does not carry, and which version of each is right.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const EXE = process.platform === "win32" ? ".exe" : "";
const WASM_PACK_VERSION = "0.15.1";

/** Outside the clone, so that a fresh clone does not build them again. */
export const CARGO_TOOLS_DIR =
  process.env.CONVEX_CODEX_LOCAL_TOOLS ??
  path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache"), "convex-codex-local", "cargo-tools");

export const CARGO_HOME = process.env.CARGO_HOME || path.join(homedir(), ".cargo");
const CARGO_BIN_DIR = path.join(CARGO_HOME, "bin");

/** The pin of Cargo.toml: the tool refuses to work on any other version of the crate. */
function wasmBindgenVersion() {
  const match = /^wasm-bindgen = "=(\d+\.\d+\.\d+)"$/m.exec(readFileSync(path.join(ROOT, "Cargo.toml"), "utf8"));
  if (match === null) throw new Error('Cargo.toml must pin wasm-bindgen exactly: wasm-bindgen = "=x.y.z"');
  return match[1];
}

/** What `cargo install` has to provide; `binaries` are asked for their version, all of them have to be there. */
export function cargoTools() {
  return [
    { crate: "wasm-bindgen-cli", version: wasmBindgenVersion(), binaries: ["wasm-bindgen", "wasm-bindgen-test-runner"] },
    { crate: "wasm-pack", version: WASM_PACK_VERSION, binaries: ["wasm-pack"] },
  ];
}

function searchPath() {
  return [path.join(CARGO_TOOLS_DIR, "bin"), ...(process.env.PATH ?? "").split(path.delimiter), CARGO_BIN_DIR];
}

/** The first folder that holds all binaries of the tool in the right version. */
export function findCargoTool({ version, binaries }) {
  return searchPath().find((folder) => {
    const files = binaries.map((name) => path.join(folder, name + EXE));
    if (!files.every((file) => existsSync(file))) return false;
    try {
      return execFileSync(files[0], ["--version"], { encoding: "utf8" }).trim().split(" ")[1] === version;
    } catch {
      return false;
    }
  });
}

export function findRustup() {
  return searchPath()
    .map((folder) => path.join(folder, `rustup${EXE}`))
    .find((file) => existsSync(file));
}

/** The environment in which cargo, wasm-pack and wasm-bindgen are found, the right versions first. */
export function cargoEnv() {
  const folders = cargoTools().map(findCargoTool);
  const missing = cargoTools().filter((_, index) => folders[index] === undefined);
  if (missing.length > 0) {
    throw new Error(`${missing.map((tool) => `${tool.crate} ${tool.version}`).join(" and ")} not found; run: npm run setup`);
  }
  const extra = [...new Set([...folders, CARGO_BIN_DIR])];
  return { ...process.env, PATH: [...extra, process.env.PATH ?? ""].join(path.delimiter) };
}
