// doors/* (Rust) -> pkg/: of each door the wasm, its glue with `initSync` alone, the bytes as a module, the types.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { minifySync } from "rolldown/experimental";
import { CARGO_HOME, ROOT, cargoEnv } from "./cargo-tools.mjs";
import { BUILDS, stampOf } from "./freshness.mjs";
import { DOORS } from "./doors.mjs";
import { MINIFY } from "./minify.mjs";
import { textOf } from "./wasm-text.mjs";

const WASM_OPT = path.join(ROOT, "node_modules/binaryen/bin/wasm-opt");
// What rustc's wasm32-unknown-unknown emits; named, because wasm-bindgen's output does not promise to say it.
const WASM_FEATURES = ["bulk-memory", "bulk-memory-opt", "multivalue", "mutable-globals", "nontrapping-float-to-int", "reference-types", "sign-ext"];
const WASM_OPT_FLAGS = [
  ...WASM_FEATURES.map((feature) => `--enable-${feature}`),
  // SOURCE: measured. -Oz is 1.3 % smaller than -O3; flattened before it and made three times, 0.7 % smaller (gzip).
  "--flatten",
  "--rereloop",
  "-Oz",
  "-Oz",
  "-Oz",
  "--converge",
  // A function with one caller is inlined only where it is small: what stays apart repeats, and compresses.
  "--one-caller-inline-max-function-size=30",
  "--strip-debug",
  "--strip-producers",
  "--strip-target-features",
];
/** The Convex isolate throws on `import.meta`, and Vite would bundle the wasm a second time because of `new URL`. */
const FORBIDDEN_IN_GLUE = ["import.meta", "new URL", "fetch(", "async "];

/** Panic locations name the files of the crates: without this, the builder's own folders are in the shipped wasm, and longer. */
function remapFlags() {
  execFileSync("cargo", ["fetch", "--locked"], { cwd: ROOT, env, stdio: ["ignore", "inherit", "inherit"] });
  const registries = path.join(CARGO_HOME, "registry/src");
  const crates = readdirSync(registries).map((registry) => [path.join(registries, registry), ""]);
  return [[ROOT, "."], [CARGO_HOME, "cargo"], ...crates].map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
}
/** SHA-256 in a loop, not unrolled. SOURCE: measured, 7 KB of the control door; an approval is hashed when a person decides. */
const SMALL_SHA256 = '--cfg=sha2_backend_soft="compact"';
// A setting, not an environment variable: cargo adds it to those of .cargo/config.toml, and folders may hold spaces.
const cargoSettings = () => ["--config", `target.wasm32-unknown-unknown.rustflags=${JSON.stringify([...remapFlags(), SMALL_SHA256])}`];

function replaceOnce(text, from, to, file) {
  const found = text.split(from).length - 1;
  if (found !== 1) throw new Error(`${file}: expected once, found ${found} times:\n${from}\nwasm-bindgen's output has changed; adapt tools/build-wasm.mjs`);
  return text.replace(from, () => to);
}

/** Cuts from the first marker up to the second, each of which has to be there exactly once. */
function cutOnce(text, fromMarker, toMarker, file) {
  replaceOnce(text, fromMarker, "", file);
  replaceOnce(text, toMarker, "", file);
  const start = text.indexOf(fromMarker);
  const end = text.indexOf(toMarker);
  if (end < start) throw new Error(`${file}: \`${toMarker}\` stands before \`${fromMarker}\``);
  return text.slice(0, start) + text.slice(end);
}

function patchGlue(file) {
  let text = readFileSync(file, "utf8");
  text = cutOnce(text, "async function __wbg_load(module, imports) {", "function initSync(module) {", file);
  text = cutOnce(text, "let __wbg_init_promise;", "export { initSync, __wbg_init as default };", file);
  text = replaceOnce(text, "export { initSync, __wbg_init as default };", "export { initSync };", file);
  // A trapped instance is replaced by calling initSync again with the held module; caching is `js-wrapper/core/instance.ts`.
  text = replaceOnce(text, "function initSync(module) {\n    if (wasm !== undefined) return wasm;\n", "function initSync(module) {\n", file);
  const left = FORBIDDEN_IN_GLUE.filter((word) => text.includes(word));
  if (left.length > 0) throw new Error(`${file}: still has ${left.join(", ")}`);
  // What its comments say stands in the declarations; they are half of it.
  writeFileSync(file, minifySync(file, text, MINIFY).code);
}

function patchTypes(file) {
  let text = readFileSync(file, "utf8");
  text = replaceOnce(text, "export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;\n\n", "", file);
  const asyncInit = text.indexOf("\n/**\n * If `module_or_path` is {RequestInfo} or {URL}");
  const last = "export default function __wbg_init (";
  replaceOnce(text, last, "", file);
  if (asyncInit === -1 || text.indexOf("\nexport ", text.indexOf(last)) !== -1) throw new Error(`${file}: the default export is not the last one`);
  writeFileSync(file, text.slice(0, asyncInit));
}

const staging = path.join(ROOT, "target", `pkg-${process.pid}`);
const replaced = `${staging}-replaced`;
const inStaging = (name) => path.join(staging, name);
const env = cargoEnv();

function buildDoor(name, cargoArgs) {
  const crate = path.join(ROOT, "doors", name);
  execFileSync(
    "wasm-pack",
    ["build", crate, "--release", "--target", "web", "--mode", "no-install", "--no-opt", "--no-pack", "--no-gitignore", "--out-dir", path.relative(crate, staging), "--out-name", name, "--", "--locked", ...cargoArgs],
    { cwd: ROOT, env, stdio: ["ignore", "inherit", "inherit"] },
  );
  const wasmFile = inStaging(`${name}_bg.wasm`);
  execFileSync(process.execPath, [WASM_OPT, ...WASM_OPT_FLAGS, wasmFile, "-o", wasmFile], { stdio: "inherit" });
  patchGlue(inStaging(`${name}.js`));
  patchTypes(inStaging(`${name}.d.ts`));

  // Not base64: there the same bytes read differently at each of three places, and gzip finds them less often (15 % larger packed).
  // A tarball has its files by their last names: those beside each other share what gzip learns of them (24 KB).
  writeFileSync(inStaging(`bytes_${name}.js`), `export default "${textOf(name, readFileSync(wasmFile))}";\n`);
  writeFileSync(inStaging(`bytes_${name}.d.ts`), "/** The wasm module's bytes, as `wasmBytesOf` reads them. */\ndeclare const bytes: string;\nexport default bytes;\n");
}

const writeStamp = stampOf(BUILDS.wasm);
rmSync(staging, { recursive: true, force: true });
try {
  const cargoArgs = cargoSettings();
  for (const name of DOORS) buildDoor(name, cargoArgs);
  writeStamp(staging);

  // Two renames, not a removal: others may be reading.
  const pkg = path.join(ROOT, BUILDS.wasm.output);
  if (existsSync(pkg)) renameSync(pkg, replaced);
  renameSync(staging, pkg);
} finally {
  for (const folder of [staging, replaced]) rmSync(folder, { recursive: true, force: true });
}
