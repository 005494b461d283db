// An app as a user has it: the packed tarball in its node_modules, beside it the packages that this repository has installed.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { inject } from "vitest";
import { textOf } from "../../tools/wasm-text.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const TSC = path.join(ROOT, "node_modules/typescript/bin/tsc");
export const PACKAGE = "convex-codex-local";
/** How a wasm module starts, as `pkg/` has it: `\0asm` and its version in hex; or the characters that stand for bytes, as far as they are the same in every encoding. */
export const WASM_STARTS = ["0061736d01000000", /^[ -~]+/.exec(textOf("bridge", new Uint8Array()))?.[0] ?? ""] as const;

const EMBEDDED_CONVEX = path.join(ROOT, "tools/embedded-convex/cli.mjs");
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** The lowest versions that the package says it works with: a workspace of their own, because npm installs one React a folder. */
const OLDEST = path.join(ROOT, "tests/packaging/oldest/node_modules");
/** Types of React come with csstype. */
const BESIDE = ["convex", "convex-helpers", "classic-level", "commander", "ws", "react", "react-dom", "@assistant-ui/react", "@types/node", "@types/react", "@types/react-dom", "csstype", "vite"];

const execute = promisify(execFile);

export interface Manifest {
  version: string;
  files: string[];
  exports: Record<string, string | { types?: string; default?: string }>;
  bin: Record<string, string>;
  peerDependencies: Record<string, string>;
}

export async function manifest(): Promise<Manifest> {
  return JSON.parse(await readFile(path.join(ROOT, "package.json"), "utf8")) as Manifest;
}

/** Runs Node in a folder; rejects with all that was printed. */
export async function node(cwd: string, ...args: string[]): Promise<string> {
  try {
    const { stdout, stderr } = await execute(process.execPath, args, { cwd, maxBuffer: OUTPUT_BYTES_MAX });
    return stdout + stderr;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`node ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

export async function temporaryFolder(): Promise<string> {
  return await mkdtemp(path.join(tmpdir(), "codex-packaging-"));
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Every file of a folder, sorted, with `/`. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"))
    .sort();
}

export interface InstallOptions {
  /** The name that the package is installed under; its own where none is said. */
  readonly alias?: string;
  /** Which `convex` and React are beside it, of those that it says it works with. */
  readonly peers?: "oldest" | "newest";
}

/** What `npm install <tarball>` leaves, without a network. */
export async function installApp(folder: string, { alias = PACKAGE, peers = "newest" }: InstallOptions = {}): Promise<{ app: string; installed: string }> {
  const app = path.join(folder, "app");
  const modules = path.join(app, "node_modules");
  const installed = path.join(modules, alias);
  await mkdir(installed, { recursive: true });
  await execute("tar", ["-xzf", inject("tarball"), "-C", installed, "--strip-components=1"]);
  for (const name of BESIDE) {
    const old = path.join(OLDEST, name);
    const from = peers === "oldest" && existsSync(old) ? old : path.join(ROOT, "node_modules", name);
    await mkdir(path.dirname(path.join(modules, name)), { recursive: true });
    // A copy finds the old `convex` beside it; what a link leads to finds this repository's.
    if (peers === "oldest" && name === "convex-helpers") await cp(from, path.join(modules, name), { recursive: true });
    else await symlink(from, path.join(modules, name), "junction");
  }
  await writeIn(app, { "package.json": JSON.stringify({ name: "app", private: true, type: "module", dependencies: { [alias]: "*", convex: "*" } }) });
  return { app, installed };
}

export async function writeIn(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

/** Type-checks an app as strictly as its declarations bear, those of this package included. */
export async function typeCheck(app: string, include: readonly string[], options: Record<string, unknown> = {}): Promise<void> {
  const compilerOptions = {
    target: "es2022",
    lib: ["es2023", "dom", "dom.iterable"],
    module: "esnext",
    moduleResolution: "bundler",
    jsx: "react-jsx",
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    types: ["node"],
    ...options,
  };
  await writeIn(app, { "tsconfig.json": JSON.stringify({ compilerOptions, include }) });
  await node(app, TSC, "--project", app);
}

/** What the CLI reads of this repository, but for the files that are left out. */
export async function copyRepository(folder: string, leftOut: string[] = []): Promise<string> {
  const copy = path.join(folder, "repository");
  // Copies, not links: the CLI compares the paths that it was given with those that esbuild resolved.
  const names = ["package.json", "convex.json", "convex", "example", "js-wrapper", "pkg", "dist"].filter((name) => !leftOut.includes(name));
  for (const name of names) await cp(path.join(ROOT, name), path.join(copy, name), { recursive: true });
  await symlink(path.join(ROOT, "node_modules"), path.join(copy, "node_modules"), "junction");
  return copy;
}

/** Writes `_generated` with the real CLI. */
export async function generate(repository: string, ...args: string[]): Promise<void> {
  await node(repository, EMBEDDED_CONVEX, "codegen", repository, ...args);
}

/** Pushes an app with the real CLI to a stand-in deployment; answers with the modules of each definition, the app's under `app`. */
export async function pushedModules(app: string, folder: string): Promise<Record<string, Record<string, string>>> {
  const out = path.join(folder, "bundles");
  await node(app, EMBEDDED_CONVEX, "push", app, "--out", out);
  const definitions: Record<string, Record<string, string>> = {};
  for (const file of await filesIn(out)) {
    const [definition = "", ...rest] = file.split("/");
    (definitions[definition] ??= {})[rest.join("/")] = await readFile(path.join(out, file), "utf8");
  }
  return definitions;
}
