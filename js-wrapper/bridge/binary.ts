import { accessSync, constants, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { CodexBridgeError } from "./errors.js";

/** Names of variables that the child never sees: what the app holds of Convex is not for the commands that Codex runs. */
const DENIED_NAME = /^CONVEX_/i;

const DEFAULT_NAME = "codex";

/** The environment of the child: the bridge's own, changed by `extra`, without CONVEX_*. */
export function childEnvironment(
  inherited: NodeJS.ProcessEnv,
  extra: Readonly<Record<string, string | undefined>> = {},
): NodeJS.ProcessEnv {
  const entries = Object.entries({ ...inherited, ...extra });
  return Object.fromEntries(entries.filter(([name, value]) => value !== undefined && !DENIED_NAME.test(name)));
}

/**
 * Finds the binary: `codexBin`, else CODEX_BIN, else `codex`. A name without a folder is looked up on PATH, but never
 * in the working directory or below it: what lies in a workspace is not trusted to be Codex.
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
    .filter((folder) => path.isAbsolute(folder) && !isInside(folder, cwd))
    .flatMap((folder) => names.map((file) => path.join(folder, file)));
}

function isInside(folder: string, parent: string): boolean {
  const way = path.relative(real(parent), real(folder));
  return way === "" || (way !== ".." && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way));
}

/** Where the symbolic links lead; the folder itself where it is not there. */
function real(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
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
