import { accessSync, constants, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { CodexBridgeError } from "./errors.js";

/** The variable that holds a bridge's device token. */
export const TOKEN_VARIABLE = "CODEX_DEVICE_TOKEN";
/** Names of variables that the child never sees: what the app and the bridge hold of Convex is not for the commands that Codex runs. */
const ALWAYS_DENIED = ["CONVEX_*", TOKEN_VARIABLE];

/** What of an environment the child gets. */
export interface EnvironmentChanges {
  /** Variables beside the bridge's own; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Names of variables that the child does not see, whatever their case; a `*` at the end stands for any end. */
  readonly envDeny?: readonly string[] | undefined;
}

const DEFAULT_NAME = "codex";
const PACKAGE_BIN = path.join(path.sep, "node_modules", ".bin");

/** The environment of the child: the bridge's own, changed by `env`, without CONVEX_*, CODEX_DEVICE_TOKEN and what `envDeny` names. */
export function childEnvironment(inherited: NodeJS.ProcessEnv, { env = {}, envDeny = [] }: EnvironmentChanges = {}): NodeJS.ProcessEnv {
  const denied = [...ALWAYS_DENIED, ...envDeny].map((name) => name.toUpperCase());
  const isDenied = (name: string): boolean => denied.some((pattern) => isNamed(pattern, name.toUpperCase()));
  const entries = Object.entries({ ...inherited, ...env });
  return Object.fromEntries(entries.filter(([name, value]) => value !== undefined && !isDenied(name)));
}

function isNamed(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/**
 * Finds the binary: `codexBin`, else CODEX_BIN, else `codex`. A name without a folder is looked up on PATH, but never
 * in the working directory, below it, or in what npm installed for it: what lies in a workspace is not trusted to be
 * Codex.
 *
 * @param codexBin what the app configured
 * @param cwd absolute folder in which Codex will work
 * @param env the bridge's own environment
 * @returns an absolute path
 * @throws CodexBridgeError `E_CODEX_NOT_FOUND`
 */
export function findBinary(codexBin: string | undefined, cwd: string, env: NodeJS.ProcessEnv): string {
  const fromEnv = env["CODEX_BIN"] === "" ? undefined : env["CODEX_BIN"];
  const named = codexBin ?? fromEnv ?? DEFAULT_NAME;
  const candidates = path.basename(named) === named ? onPath(named, cwd, env) : [path.resolve(named)];
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new CodexBridgeError(
    "E_CODEX_NOT_FOUND",
    `no codex binary: \`${named}\` is not there or cannot be run (PATH is not searched inside \`${cwd}\`); set codexBin or CODEX_BIN to its absolute path`,
  );
}

function onPath(name: string, cwd: string, env: NodeJS.ProcessEnv): string[] {
  const names = process.platform === "win32" && path.extname(name) === "" ? [`${name}.exe`] : [name];
  const folders = (env["PATH"] ?? env["Path"] ?? "").split(path.delimiter);
  return folders
    .filter((folder) => path.isAbsolute(folder) && !isInside(folder, cwd) && !isPackageBin(folder, cwd))
    .flatMap((folder) => names.map((file) => path.join(folder, file)))
    .filter((file) => !isInside(file, cwd));
}

/** Whether it is the node_modules/.bin of a folder around `cwd`: npm and npx put it on PATH. */
function isPackageBin(folder: string, cwd: string): boolean {
  return [path.resolve(folder), real(folder)].some(
    (bin) => bin.endsWith(PACKAGE_BIN) && isInside(cwd, bin.slice(0, -PACKAGE_BIN.length) || path.sep),
  );
}

function isInside(file: string, parent: string): boolean {
  const way = path.relative(real(parent), real(file));
  return way === "" || (way !== ".." && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way));
}

/** Where the symbolic links lead; the file or folder itself where it is not there. */
function real(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
