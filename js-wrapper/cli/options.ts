/** What commands are told: by their options, by the environment, by files. */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { isUuidLikeThreadId } from "../app-server/index.js";
import { TOKEN_VARIABLE } from "../bridge/binary.js";
import { messageOf } from "../coded-error.js";
import { FUNCTIONS_DEFAULT } from "../runtime/codex-runtime.js";
import { OutboxError } from "../outbox/index.js";
import { CliError } from "./errors.js";
import type { Output } from "./output.js";

/** The options that commands share; each command names those that it takes. */
export interface CommonFlags {
  url?: string;
  tokenFile?: string;
  functions: string;
  state?: string;
  codexBin?: string;
  cwd?: string;
  envDeny?: string[];
  json?: boolean;
  quiet?: boolean;
}

const STATE_PARENT = ".convex-codex-local";
/** Hexadecimal digits of the address's hash that name its state folder. */
const STATE_NAME_DIGITS = 16;
const FOLDER_MODE = 0o700;
/** No value, no list, and no `*` but at the end. */
const VARIABLE_NAME = /^[^\s=,*]*(?:[^\s=,*]|\*)$/;
/** The bits of a mode by which others than the owner can read, write or run. */
const OTHERS = 0o077;

const URL_OPTION = new Option("--url <address>", "the deployment, https://….convex.cloud").env("CONVEX_URL");

const OPTIONS = {
  /** Of commands that only want to know whose state folder is meant. */
  address: [URL_OPTION],
  deployment: [
    URL_OPTION,
    new Option("--token-file <file>", `a file that holds the device token (else the variable ${TOKEN_VARIABLE}); never given on the command line itself`),
    new Option("--functions <path>", "the app's file that exports the bridge's functions").argParser(functionsOf).default(FUNCTIONS_DEFAULT),
  ],
  state: [new Option("--state <folder>", `where the outbox and the policy lie (default: ~/${STATE_PARENT}/<hash of the URL>)`)],
  codex: [
    new Option("--codex-bin <file>", "the codex binary (default: `codex` on PATH)").env("CODEX_BIN"),
    new Option("--cwd <folder>", "the folder that codex works in (default: this one)"),
    new Option("--env-deny <name...>", "variables that codex and its commands do not see; a * at the end stands for any end: 'AWS_*'").argParser(variableNamesOf),
  ],
  output: [new Option("--json", "print JSON, one object a line"), new Option("-q, --quiet", "print results and problems only")],
} as const;

/** Adds options that are shared, by their group, and those of the output behind them. */
export function withOptions(command: Command, ...groups: Exclude<keyof typeof OPTIONS, "output">[]): Command {
  for (const group of [...groups, "output" as const]) for (const option of OPTIONS[group]) command.addOption(option);
  return command;
}

/** An id of a codex thread, given as an argument. */
export function threadIdOf(text: string): string {
  if (!isUuidLikeThreadId(text)) throw new InvalidArgumentError("It must be codex's id of a thread, as `threads` lists them.");
  return text;
}

/** The same of an argument that can be given more than once. */
export function threadIdsOf(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), threadIdOf(text)];
}

/** A variable's name, or the beginning of names with a `*` behind it. One that would deny nothing is refused: nobody would see it. */
function variableNamesOf(text: string, before: string[] | undefined): string[] {
  if (!VARIABLE_NAME.test(text)) throw new InvalidArgumentError("It must be the name of a variable; a * stands at its end alone.");
  return [...(before ?? []), text];
}

/** An app's file as Convex names it, given so or as its path: `chat` of `convex/chat.ts`. */
export function functionsOf(text: string): string {
  return text.replace(/^(?:\.\/)?(?:convex\/)?/, "").replace(/\.[jt]sx?$/, "");
}

/** Where an app-server listens. */
export function addressOf(text: string): string {
  if (!/^(?:unix:\/\/\/|ws:\/\/)./.test(text)) throw new InvalidArgumentError("It must be unix:///path/of/the.sock or ws://host:port.");
  return text;
}

/** A count given as an argument. */
export function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError("It must be a whole number from 1 up.");
  return count;
}

/** A number of 0 or more given as an argument. */
export function speedOf(text: string): number {
  const speed = Number(text);
  if (text.trim() === "" || !Number.isFinite(speed) || speed < 0) throw new InvalidArgumentError("It must be a number from 0 up.");
  return speed;
}

/** The deployment's address. @throws CliError `E_CLI_USAGE` */
export function urlOf({ url }: Pick<CommonFlags, "url">): string {
  if (url === undefined || url === "") throw new CliError("E_CLI_USAGE", "which deployment? Give --url, or set CONVEX_URL");
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new CliError("E_CLI_USAGE", "--url is not an address: one looks like https://happy-otter-123.convex.cloud");
  }
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") throw new CliError("E_CLI_USAGE", "--url must begin with https:// (or http://)");
  if (parsed.hostname.endsWith(".convex.site")) throw new CliError("E_CLI_USAGE", "--url is the address of HTTP actions: the deployment's own ends with .convex.cloud");
  return url.replace(/\/+$/, "");
}

/** An address as it is shown: what stands in its path may be a secret. */
export function shownUrl(url: string): string {
  return new URL(url).origin;
}

/** The device token, which the output never shows from here on. @throws CliError `E_CLI_TOKEN_MISSING` */
export function tokenOf({ tokenFile }: Pick<CommonFlags, "tokenFile">, output: Output): string {
  const token = tokenFile === undefined ? process.env[TOKEN_VARIABLE]?.trim() : readToken(tokenFile, output);
  if (token === undefined || token === "") {
    throw new CliError("E_CLI_TOKEN_MISSING", tokenFile === undefined ? `there is no device token: neither --token-file nor ${TOKEN_VARIABLE} is given` : `the token file ${tokenFile} is empty`);
  }
  output.hide(token);
  return token;
}

function readToken(file: string, output: Output): string {
  try {
    const { mode } = statSync(file);
    if (process.platform !== "win32" && (mode & OTHERS) !== 0) {
      output.warn(`others than you may read the token file: chmod 600 ${file}`, { code: "E_CLI_TOKEN_FILE_OPEN", file });
    }
    return readFileSync(file, "utf8").trim();
  } catch (thrown) {
    throw new CliError("E_CLI_TOKEN_MISSING", `the token file cannot be read: ${messageOf(thrown)}`, thrown);
  }
}

/** Where a bridge keeps what outlives it. */
interface StateFolder {
  readonly folder: string;
  readonly outbox: string;
  readonly policy: string;
}

/** The state folder of these options; it need not be there. @throws CliError `E_CLI_USAGE` */
export function stateOf(flags: Pick<CommonFlags, "state" | "url">): StateFolder {
  const folder = flags.state === undefined ? path.join(homedir(), STATE_PARENT, nameOf(urlOf(flags))) : path.resolve(flags.state);
  return { folder, outbox: path.join(folder, "outbox"), policy: path.join(folder, "policy.json") };
}

/** The state folder, made where it is not there, for its owner alone. */
export function makeState(flags: Pick<CommonFlags, "state" | "url">): StateFolder {
  const state = stateOf(flags);
  try {
    mkdirSync(state.folder, { recursive: true, mode: FOLDER_MODE });
    chmodSync(state.folder, FOLDER_MODE);
  } catch (thrown) {
    throw noFolder(state.folder, thrown);
  }
  return state;
}

/** Whether there is a folder. */
export function isFolder(file: string): boolean {
  return existsSync(file) && statSync(file).isDirectory();
}

/** What cannot be a state folder. */
export function noFolder(folder: string, cause?: unknown): OutboxError {
  return new OutboxError("E_OUTBOX_UNREADABLE", `${folder} cannot be the state folder${cause === undefined ? ": it is none" : `: ${messageOf(cause)}`}`, cause);
}

/** The outbox of a state folder. @throws CliError `E_CLI_OUTBOX_MISSING` where it has none: what waits may lie elsewhere */
export function outboxOf(flags: Pick<CommonFlags, "state" | "url">): string {
  const { folder, outbox } = stateOf(flags);
  if (isFolder(outbox)) return outbox;
  throw new CliError("E_CLI_OUTBOX_MISSING", `there is no outbox in ${folder}: no bridge has used it`);
}

function nameOf(url: string): string {
  return createHash("sha256").update(url).digest("hex").slice(0, STATE_NAME_DIGITS);
}
