// Makes a clone ready: npm packages, Rust toolchain, wasm tools, pkg/, dist/. Runs before everything else, does only
// what is missing. Plain Node without packages: it runs where node_modules does not exist.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { CARGO_TOOLS_DIR, ROOT, cargoTools, findCargoTool, findRustup } from "./cargo-tools.mjs";
import { BUILDS, isFresh } from "./freshness.mjs";
import { run, seconds } from "./run.mjs";

/** What the pinned ESLint and Vite run on, as package.json's `engines` says: the least minor of a major; from NODE_MAJOR_ANY on, any. */
const NODE_MINOR_MIN = { 20: 19, 22: 13 };
const NODE_MAJOR_ANY = 24;
const CRATES_BETWEEN_REPORTS = 20;
const CARGO_LINES_SHOWN_ON_FAILURE = 40;

function fail(code, problem, whatToDo) {
  console.error(`\n${code}: ${problem}\n  ${whatToDo}`);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major >= NODE_MAJOR_ANY || minor >= NODE_MINOR_MIN[major]) return;
  fail("E_SETUP_NODE", `Node ${process.versions.node} will not do: 20.19 or a later 20, 22.13 or a later 22, or 24 and newer is needed`, "Get it from https://nodejs.org or with your version manager.");
}

function checkRustup() {
  const rustup = findRustup();
  if (rustup !== undefined) return rustup;
  fail("E_SETUP_NO_RUSTUP", "rustup was found neither on PATH nor in cargo's bin folder", "Install it as https://rustup.rs says (no default toolchain is needed), then run this again.");
}

/** Rust links build scripts and macros, the wasm's too, with the C compiler; macOS has a `cc` that only offers to install one. */
function checkLinker() {
  if (process.platform === "win32" || spawnSync("cc", ["--version"]).status === 0) return;
  const whatToDo = process.platform === "darwin" ? "Install the command line tools of Xcode: xcode-select --install" : "Install it: build-essential on Debian and Ubuntu (apt-get install build-essential), gcc elsewhere.";
  fail("E_SETUP_NO_LINKER", "there is no C compiler `cc`, which Rust links with", whatToDo);
}

const readLock = (file) => JSON.parse(readFileSync(path.join(ROOT, file), "utf8")).packages;

/** Compares what is installed with what is locked by version: file times change with every checkout. */
function areNpmPackagesFresh() {
  const installedFile = "node_modules/.package-lock.json";
  if (!existsSync(path.join(ROOT, installedFile))) return false;
  const installed = readLock(installedFile);
  const locked = readLock("package-lock.json");
  const isAsLocked = ([name, { version, optional }]) =>
    name === "" || (installed[name] === undefined ? optional === true : installed[name].version === version);
  return Object.entries(locked).every(isAsLocked) && Object.keys(installed).every((name) => name in locked);
}

async function installNpmPackages() {
  // npm hands its own path to the scripts that it runs; the one on PATH may be another.
  const npm = process.env.npm_execpath;
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  const code = /npm-cli\.[cm]?js$/.test(npm ?? "") ? await run(process.execPath, [npm, ...args]) : await run("npm", args);
  if (code !== 0) fail("E_SETUP_NPM", "npm ci failed", "Its output above says why; if package.json has changed, run npm install.");
}

function toolchain() {
  const text = readFileSync(path.join(ROOT, "rust-toolchain.toml"), "utf8");
  const list = (key) => [...(new RegExp(`^${key} = \\[(.*)\\]$`, "m").exec(text)?.[1] ?? "").matchAll(/"([^"]+)"/g)].map((match) => match[1]);
  return { channel: /^channel = "(.+)"$/m.exec(text)[1], components: list("components"), targets: list("targets") };
}

function isToolchainThere(rustup, { channel, components, targets }) {
  const { status, stdout } = spawnSync(rustup, ["component", "list", "--installed", "--toolchain", channel], { encoding: "utf8" });
  const installed = (stdout ?? "").split("\n");
  const needed = [...components, ...targets.map((target) => `rust-std-${target}`)];
  return status === 0 && needed.every((name) => installed.some((line) => line === name || line.startsWith(`${name}-`)));
}

async function installToolchain(rustup, { channel, components, targets }) {
  const lists = [components.flatMap((name) => ["--component", name]), targets.flatMap((name) => ["--target", name])].flat();
  const code = await run(rustup, ["toolchain", "install", channel, "--profile", "minimal", "--no-self-update", ...lists]);
  if (code !== 0) fail("E_SETUP_TOOLCHAIN", `rustup could not install Rust ${channel} with ${targets.join(", ")}`, "Its output above says why; without a network, install them by hand.");
}

/** Without `--locked`: the lock file of wasm-bindgen-cli 0.2.130 does not build. */
function installCargoTool(rustup, { crate, version }, channel) {
  mkdirSync(CARGO_TOOLS_DIR, { recursive: true });
  const args = ["run", channel, "cargo", "install", crate, "--version", version, "--root", CARGO_TOOLS_DIR, "--force"];
  // A folder that stays: an interrupted build goes on where it stopped, and the second tool shares crates with the first.
  const env = { ...process.env, CARGO_TARGET_DIR: path.join(CARGO_TOOLS_DIR, "build") };
  return new Promise((resolve) => {
    const child = spawn(rustup, args, { env, cwd: CARGO_TOOLS_DIR, stdio: ["ignore", "pipe", "pipe"] });
    const tail = [];
    let crates = 0;
    const onLine = (line) => {
      tail.push(line);
      if (tail.length > CARGO_LINES_SHOWN_ON_FAILURE) tail.shift();
      if (!/^\s*Compiling /.test(line)) return;
      crates += 1;
      if (process.stdout.isTTY) process.stdout.write(`\r  ${crate}: ${crates} crates compiled, ${line.trim().split(" ")[1]}\x1b[K`);
      else if (crates % CRATES_BETWEEN_REPORTS === 0) console.log(`  ${crate}: ${crates} crates compiled`);
    };
    for (const stream of [child.stdout, child.stderr]) {
      let rest = "";
      stream.setEncoding("utf8").on("data", (text) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop();
        lines.forEach(onLine);
      });
    }
    child.on("error", (error) => tail.push(error.message));
    child.on("close", (code) => {
      if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
      if (code !== 0) {
        console.error(tail.join("\n"));
        fail("E_SETUP_CARGO_TOOL", `cargo could not build ${crate} ${version}`, "Its last lines are above; run this again to go on where it stopped.");
      }
      resolve();
    });
  });
}

async function installCargoTools(rustup, missing, channel) {
  for (const tool of missing) await installCargoTool(rustup, tool, channel);
  rmSync(path.join(CARGO_TOOLS_DIR, "build"), { recursive: true, force: true });
}

async function build(script, code) {
  if ((await run(process.execPath, [path.join(ROOT, "tools", script)])) !== 0) fail(code, `tools/${script} failed`, "Its output above says why.");
}

const startedMs = performance.now();
let stepsDone = 0;

async function step(title, isDone, work) {
  if (isDone()) return;
  const stepStartedMs = performance.now();
  console.log(`Set-up: ${title} ...`);
  await work();
  stepsDone += 1;
  console.log(`Set-up: ${title}: done in ${seconds(stepStartedMs)}`);
}

checkNode();
const rustup = checkRustup();
const rust = toolchain();
const missingTools = cargoTools().filter((tool) => findCargoTool(tool) === undefined);
const isWasmFresh = () => isFresh(BUILDS.wasm);
const missingNames = missingTools.map(({ crate, version }) => `${crate} ${version}`).join(" and ");
if (missingTools.length > 0 || !isWasmFresh()) checkLinker();

await step("npm packages", areNpmPackagesFresh, installNpmPackages);
await step(`Rust ${rust.channel} with ${rust.targets.join(", ")}`, () => isToolchainThere(rustup, rust), () => installToolchain(rustup, rust));
await step(`${missingNames}, built once (about 8 minutes on two slow cores)`, () => missingTools.length === 0, () => installCargoTools(rustup, missingTools, rust.channel));
await step("the Rust core as wasm (pkg/)", isWasmFresh, () => build("build-wasm.mjs", "E_SETUP_WASM"));
await step("JavaScript and declarations (dist/)", () => isFresh(BUILDS.dist), () => build("build.mjs", "E_SETUP_DIST"));

console.log(stepsDone === 0 ? `Set-up: everything is in place (${seconds(startedMs)})` : `Set-up: ready after ${seconds(startedMs)}`);
