/** `doctor`: looks at everything that a bridge needs, and says how to mend what is not right. */
import { execFile } from "node:child_process";
import { existsSync, statfsSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import type { Command } from "commander";
import { childEnvironment, findBinary } from "../bridge/binary.js";
import { type BridgeConfig, CodexBridgeError } from "../bridge/index.js";
import { codexConfig, loginOf, withAppServer } from "./codex.js";
import { faultOfPolicy } from "../core/bridge.js";
import type { CodexRuntimeError } from "../runtime/errors.js";
import { PolicyFile } from "../runtime/policy-file.js";
import { APP_SERVER_VERSION } from "../protocol/generated/methods.js";
import { AllowedFolders } from "../runtime/real-paths.js";
import type { Context } from "./context.js";
import { type Answers, ASKED, Deployment, type FunctionName, PROBES } from "./deployment.js";
import { CliError, tellOf } from "./errors.js";
import { type CommonFlags, isFolder, noFolder, shownUrl, stateOf, tokenOf, urlOf, withOptions } from "./options.js";
import { isNodeEnough, NODE_FIX } from "./node-version.js";
import { type Output, reasonOf } from "./output.js";
import { lookAt } from "./outbox-folder.js";
import { backlogOf, counted } from "./status-line.js";

/** What a check found; a failure is in a bridge's way, a warning is not. */
interface Check {
  readonly name: string;
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** How to mend it. */
  readonly fix?: string;
  /** Of the outbox: the threads whose events the deployment did not take, and why. */
  readonly notTaken?: readonly { readonly threadId: string; readonly events: number; readonly reason: string }[];
}

/** Milliseconds that `codex --version` may take. */
const VERSION_MS = 10_000;
/** Milliseconds that a clock may be wrong: what Convex lets expire, it lets expire by its own. */
const CLOCK_WRONG_MS = 30_000;
const MIB = 1024 * 1024;
/** What the outbox may hold is 256 MiB. */
const DISK_WARN_BYTES = 512 * MIB;
const DISK_FAIL_BYTES = 32 * MIB;

/** What is missed only by who wants it. */
export const WANTED: readonly { readonly names: readonly FunctionName[]; readonly without: string }[] = [
  { names: ["leaseCommands", "reportCommand", "beatPresence", "listOpenCommandsForBridge"], without: "nobody can steer this machine from the app, or see that it is there" },
  { names: ["importHistory", "getImportStatusForBridge"], without: "`import` does not work" },
  { names: ["forkThread"], without: "a forked thread begins without its history" },
  { names: ["revertThreadForBridge"], without: "what codex takes back stays in the deployment" },
];
const ALL = Object.keys(PROBES) as FunctionName[];
/** What a bridge cannot do without, beside what it asks first. */
export const NEEDED = ALL.filter((name) => !WANTED.some(({ names }) => names.includes(name)));

const HELP = `
Checks node, codex and its version, codex's login, the deployment, the token, what the app exports, the clock,
the owner's policy, the disk and the outbox of the state folder.

Exit codes: 0 nothing failed (warnings may be there), 1 something failed, 2 the command line is wrong.

Examples:
  convex-codex-local doctor --url https://happy-otter-123.convex.cloud --token-file ~/.codex-token
  convex-codex-local doctor --json | jq 'select(.status != "ok")'
`;

/** Adds the command. */
export function addDoctor(program: Command, context: Context): void {
  const command = program.command("doctor").summary("check what a bridge needs").description("Check everything that a bridge needs, and say how to fix what is not right.");
  withOptions(command, "deployment", "state", "codex").addHelpText("after", HELP);
  command.action((flags: CommonFlags) =>
    context.runAnyhow(flags, async (output) => {
      const checks = await examine(flags, output, context.umask);
      if (checks.some(({ status }) => status === "fail")) context.exitCode = 1;
    }),
  );
}

async function examine(flags: CommonFlags, output: Output, umask: number): Promise<Check[]> {
  const checks: Check[] = [];
  const tell = (...found: Check[]) => {
    for (const check of found) {
      checks.push(check);
      output.result(lineOf(check), check);
    }
  };
  const node = checkNode(process.versions.node);
  tell(node);
  tell(...(await checkCodex(flags, umask, node.status === "ok")));
  tell(...(await checkDeployment(flags, output)));
  tell(...(await checkState(flags)));
  return checks;
}

/** A check, as it is printed. */
export function lineOf({ name, status, message, fix }: Check): string {
  return `${status.padEnd(4)}  ${name.padEnd(10)}  ${message}${fix === undefined ? "" : `\n${" ".repeat(18)}-> ${fix}`}`;
}

/** Whether this Node will do. @param version as `20.19.0` */
export function checkNode(version: string): Check {
  if (isNodeEnough(version)) return { name: "node", status: "ok", message: version };
  return { name: "node", status: "fail", message: `${version} is not supported`, fix: NODE_FIX };
}

/** Versions with which all live tests passed (docs/EVIDENCE.md, “The runtime”); the first is the one that this package is built for. */
const CODEX_TESTED = [APP_SERVER_VERSION, "0.171.0"];

/** Whether a codex of this version will do. @param said what `codex --version` printed */
export function checkCodexVersion(said: string): Check {
  const name = "version";
  const version = /\d+\.\d+\.\d+\S*/.exec(said)?.[0];
  if (version !== undefined && CODEX_TESTED.includes(version)) return { name, status: "ok", message: `codex ${version}` };
  const fix = `npm install -g @openai/codex@${APP_SERVER_VERSION}`;
  if (version === undefined) return { name, status: "warn", message: "codex does not tell its version", fix };
  return { name, status: "warn", message: `codex ${version}: this package is tested with ${CODEX_TESTED.join(" and ")}, another version may lack methods or have new ones`, fix };
}

/** @param canAsk with a Node that will not do nobody asks codex anything: that would fail for no reason of its own */
async function checkCodex(flags: CommonFlags, umask: number, canAsk: boolean): Promise<Check[]> {
  const { codexBin, cwd = process.cwd() } = flags;
  // Whatever is run in a folder that is not there fails, for no reason of its own.
  if (!isFolder(cwd)) return [failed("cwd", new CodexBridgeError("E_BRIDGE_CWD_NOT_FOUND", `--cwd ${cwd} does not exist, or is not a folder: codex was not checked`))];
  let config: BridgeConfig;
  let binary: string;
  try {
    config = codexConfig(flags, umask);
    binary = findBinary(codexBin, cwd, process.env);
  } catch (thrown) {
    return [failed("codex", thrown)];
  }
  const found: Check = { name: "codex", status: "ok", message: binary };
  return [found, await versionOf(binary, config), ...(canAsk ? [await checkLogin(config)] : [])];
}

async function versionOf(binary: string, { cwd, envDeny }: BridgeConfig): Promise<Check> {
  try {
    const env = childEnvironment(process.env, { envDeny });
    const { stdout } = await promisify(execFile)(binary, ["--version"], { cwd, env, timeout: VERSION_MS });
    return checkCodexVersion(stdout);
  } catch {
    return checkCodexVersion("");
  }
}

/** Starts an app-server for a moment, and asks it. */
async function checkLogin(config: BridgeConfig): Promise<Check> {
  const name = "login";
  try {
    const { account, requiresOpenaiAuth } = await withAppServer(config, loginOf);
    if (account !== null) return { name, status: "ok", message: `codex is logged in (${account.type})` };
    if (!requiresOpenaiAuth) return { name, status: "ok", message: "codex needs no login with its model provider" };
    return { name, status: "fail", message: "codex is not logged in", fix: "codex login" };
  } catch (thrown) {
    return failed(name, thrown);
  }
}

async function checkDeployment(flags: CommonFlags, output: Output): Promise<Check[]> {
  let url: string;
  try {
    url = urlOf(flags);
  } catch (thrown) {
    return [failed("url", thrown)];
  }
  const checks: Check[] = [{ name: "url", status: "ok", message: shownUrl(url) }];
  let token: string | undefined;
  let noToken: Check | undefined;
  try {
    token = tokenOf(flags, output);
  } catch (thrown) {
    noToken = failed("token", thrown);
  }
  const { functions } = flags;
  const deployment = new Deployment(url, functions);
  const answer = await deployment.ask(token);
  const judged = judge(answer, functions);
  if (answer.type === "unreachable" || answer.type === "notConvex") return [...checks, ...judged, ...(noToken === undefined ? [] : [noToken])];
  const exported = await checkExports(deployment, functions, answer.type === "missing");
  // Of a file that exports something the line of its exports says what is missing.
  const found = exported === undefined ? judged : [...judged.filter(({ status }) => answer.type !== "missing" || status === "ok"), exported];
  // What the deployment says of a call without a token is no news where there is none.
  const told = noToken === undefined ? found : [...found.filter(({ name }) => name !== "token"), noToken];
  return [...checks, ...told, await checkClock(deployment)];
}

/** What an answer to a bridge's question says of the deployment, the component, and the token. */
export function judge(answer: Answers, functions: string): Check[] {
  const reached: Check = { name: "deployment", status: "ok", message: "it answers" };
  const mounted: Check = { name: "component", status: "ok", message: `\`${functions}\` reaches it` };
  switch (answer.type) {
    case "ok":
      return [reached, mounted, { name: "token", status: "ok", message: "it is valid" }];
    case "unreachable":
    case "notConvex":
      return [{ ...failedWith("deployment", answer.told) }];
    case "missing":
      return [reached, failedWith("component", answer.told)];
    case "forbidden":
      return [reached, mounted, failedWith("token", answer.told)];
    case "refused":
      return [
        reached,
        {
          ...failedWith("component", answer.told),
          fix: "the app's function failed: its log (`npx convex logs`) says why. Is the component mounted (app.use(codexLocal) in convex/convex.config.ts), and does the app's version fit this one?",
        },
      ];
  }
}

/** @param isAskedMissing whether the function is missing that was asked @returns undefined where the file exports none: it is another one, or is not deployed */
async function checkExports(deployment: Deployment, functions: string, isAskedMissing: boolean): Promise<Check | undefined> {
  const name = "exports";
  let found: readonly string[];
  try {
    found = await Promise.all(ALL.map((one) => deployment.lookFor(one)));
  } catch (thrown) {
    return failed(name, thrown);
  }
  const those = (what: string) => ALL.filter((_, at) => found[at] === what);
  const missing = new Set<string>([...(isAskedMissing ? [ASKED] : []), ...those("missing")]);
  if (missing.size > ALL.length) return undefined;
  const needed = [ASKED, ...NEEDED].filter((one) => missing.has(one));
  const fix = `export them in convex/${functions}.ts: export const { ${[...missing].join(", ")} } = defineCodexHost(…)`;
  if (needed.length > 0) return { name, status: "fail", message: `the app does not export ${needed.join(", ")}, which a bridge needs`, fix };
  const unmet = WANTED.filter(({ names }) => names.some((one) => missing.has(one)));
  if (unmet.length > 0) return { name, status: "warn", message: `the app does not export ${[...missing].join(", ")}: ${unmet.map(({ without }) => without).join("; ")}`, fix };
  const untold = those("untold");
  if (untold.length > 0) {
    const what = untold.length === ALL.length ? "which functions it has" : `whether it has ${untold.join(", ")}`;
    return { name, status: "warn", message: `this deployment does not say ${what}`, fix: `\`npx convex function-spec --prod\` lists those of convex/${functions}.ts` };
  }
  return { name, status: "ok", message: `all ${String(ALL.length + 1)} functions of bridges` };
}

async function checkClock(deployment: Deployment): Promise<Check> {
  try {
    return clockCheck(await deployment.clockAheadMs());
  } catch {
    return clockCheck(undefined);
  }
}

/** Whether a clock that is so far ahead will do. */
export function clockCheck(aheadMs: number | undefined): Check {
  const name = "clock";
  if (aheadMs === undefined) return { name, status: "ok", message: "unknown: the deployment does not tell its time" };
  const off = Math.abs(aheadMs);
  if (off <= CLOCK_WRONG_MS) return { name, status: "ok", message: "as the deployment's" };
  const seconds = `${String(Math.round(off / 1_000))} s ${aheadMs > 0 ? "ahead of" : "behind"} the deployment's`;
  return { name, status: "warn", message: seconds, fix: "let the system set its time (NTP): times in the app are wrong by that much" };
}

async function checkState(flags: CommonFlags): Promise<Check[]> {
  let folder: string;
  let outbox: string;
  let policy: string;
  try {
    ({ folder, outbox, policy } = stateOf(flags));
  } catch {
    // Without an address it is not known which one, and the address was told.
    return [{ name: "disk", status: "warn", message: "not looked at: without --url or --state the state folder is not known" }];
  }
  if (existsSync(folder) && !isFolder(folder)) return [failed("disk", noFolder(folder))];
  const checks = [policyCheck(policy, flags.cwd ?? process.cwd()), diskCheck(folder, freeBytes(folder))];
  if (!existsSync(outbox)) return [...checks, { name: "outbox", status: "ok", message: "empty: there was no bridge yet" }];
  try {
    return [...checks, outboxCheck(await lookAt(outbox))];
  } catch (thrown) {
    const isLocked = tellOf(thrown).code === "E_OUTBOX_LOCKED";
    return [...checks, isLocked ? { name: "outbox", status: "ok", message: "in use: a bridge runs" } : failed("outbox", thrown)];
  }
}

/**
 * Whether the owner's policy is one, and theirs alone. Which sandbox codex will have is not known: what it may write in its usual one is
 * told.
 */
export function policyCheck(policyFile: string, cwd: string): Check {
  const name = "policy";
  let told: CodexRuntimeError | undefined;
  const file = new PolicyFile({ policyFile, policyMayBeMissing: true }, (error) => (told = error));
  const text = file.read();
  if (told !== undefined) return failed(name, told);
  const allowed = new AllowedFolders();
  const started = allowed.inSettings({ cwd: path.resolve(cwd), sandboxPolicy: "workspace-write", approvalPolicy: "untrusted" });
  if (faultOfPolicy(allowed.inPolicy(text), { started, files: file.files() }) === "exposed") {
    const message = `codex may write ${policyFile} in a sandbox that lets it write its folder: nothing but a stop can be asked from afar then`;
    return { name, status: "warn", message, fix: "another folder for the policy (--state) or for codex (--cwd), or sandbox_mode = \"read-only\" in codex's config.toml" };
  }
  return { name, status: "ok", message: existsSync(policyFile) ? policyFile : "the default: there is no policy.json" };
}

/** What an outbox holds, and whether something has to be done about it. */
function outboxCheck({ backlog, letters }: Awaited<ReturnType<typeof lookAt>>): Check {
  const name = "outbox";
  const message = `${counted(backlogOf(backlog), "event")} to send, ${counted(letters.length, "dead letter")}`;
  const notTaken = backlog.flatMap(({ threadId, events, notTaken: why }) => (why === undefined ? [] : [{ threadId, events, reason: reasonOf(why) }]));
  const told = notTaken.map(({ threadId, events, reason }) => `${counted(events, "event")} of ${threadId} not taken: ${reason}`);
  const fixes = [
    ...(letters.length === 0 ? [] : ["`outbox show` lists what the deployment refused; `outbox resend` or `outbox drop` ends it"]),
    ...(told.length === 0 ? [] : ["a bridge sends them until the deployment takes them: what it says has to be fixed there"]),
  ];
  if (fixes.length === 0) return { name, status: "ok", message };
  return { name, status: "warn", message: [message, ...told].join("; "), fix: fixes.join("; "), ...(notTaken.length === 0 ? {} : { notTaken }) };
}

function freeBytes(folder: string): number {
  let there = folder;
  while (!existsSync(there) && there !== path.dirname(there)) there = path.dirname(there);
  const { bavail, bsize } = statfsSync(there);
  return bavail * bsize;
}

/** Whether there is room for an outbox. */
export function diskCheck(folder: string, free: number): Check {
  const message = `${String(Math.floor(free / MIB))} MiB free for ${folder}`;
  if (free >= DISK_WARN_BYTES) return { name: "disk", status: "ok", message };
  const fix = "make room, or take a folder on another disk with --state: what waits for the deployment lies there, up to 256 MiB";
  return { name: "disk", status: free < DISK_FAIL_BYTES ? "fail" : "warn", message, fix };
}

function failed(name: string, thrown: unknown): Check {
  return failedWith(name, tellOf(thrown), thrown instanceof CliError && thrown.code === "E_CLI_USAGE" ? "https://….convex.cloud: `npx convex dashboard` shows it" : undefined);
}

function failedWith(name: string, { code, message, hint }: { code: string; message: string; hint?: string }, other?: string): Check {
  const fix = hint ?? other;
  return { name, status: "fail", message: `${message} [${code}]`, ...(fix === undefined ? {} : { fix }) };
}
