/** What the command line says of an error: its code, what happened, and what to do. */
import { CodedError, messageOf } from "../coded-error.js";
import { parseCodexErrorCode } from "../host/codex-error.js";
import { isUntoldFailure, missingFunctionIn } from "../missing-function.js";
import { APP_SERVER_VERSION } from "../protocol/generated/methods.js";
import { NODE_FIX } from "./node-version.js";

/** Why a command could not do what it was asked. */
type CliErrorCode =
  /** An option or an argument is missing, or is none. */
  | "E_CLI_USAGE"
  /** Nothing answers at the deployment's address, or it says that it cannot yet. */
  | "E_CLI_DEPLOYMENT_UNREACHABLE"
  /** What answers at the address is something else than a Convex deployment. */
  | "E_CLI_NOT_CONVEX"
  /** The app does not export a function that is needed. */
  | "E_CLI_FUNCTION_MISSING"
  /** There is no device token, or its file cannot be read. */
  | "E_CLI_TOKEN_MISSING"
  /** There is no outbox in the state folder. */
  | "E_CLI_OUTBOX_MISSING"
  /** This Node is none that the package runs with. */
  | "E_CLI_NODE_TOO_OLD"
  /** No dead letter has the number. */
  | "E_CLI_LETTER_NOT_FOUND"
  /** A file is no recording of an app-server. */
  | "E_CLI_RECORDING_INVALID"
  /** It was stopped before its end: what was done stays done. */
  | "E_CLI_INTERRUPTED";

/** An error of the command line itself, coded. */
export class CliError extends CodedError<CliErrorCode> {
  override readonly name = "CliError";
}

/** An error as it is printed. */
export interface Told {
  readonly code: string;
  readonly message: string;
  /** What to do about it, where that is known. */
  readonly hint?: string;
}

const HINTS: Readonly<Record<string, string>> = {
  E_AUTH_DEVICE_FORBIDDEN: "it was revoked or has expired, or is another deployment's: call issueDeviceToken in the app as a signed-in user, and give the new one by CODEX_DEVICE_TOKEN or --token-file",
  E_AUTH_THREAD_FORBIDDEN: "the thread is another user's, or not there: check whose token this is",
  E_CLI_DEPLOYMENT_UNREACHABLE: "check --url (or CONVEX_URL) and the network; `npx convex dashboard` shows the deployment's address",
  E_CLI_NOT_CONVEX: "the deployment's address is CONVEX_URL or VITE_CONVEX_URL in the app's .env.local; `npx convex dashboard` shows it too",
  E_CLI_OUTBOX_MISSING: "name the state folder that the bridge uses by --state, or its deployment by --url",
  E_CLI_NODE_TOO_OLD: NODE_FIX,
  E_CLI_FUNCTION_MISSING: "export the bridge's functions of defineCodexHost in that file, and deploy (`npx convex dev`); another file is named with --functions",
  E_CLI_TOKEN_MISSING: "call issueDeviceToken in the app as a signed-in user, and give the token by CODEX_DEVICE_TOKEN, or in a file that only you can read by --token-file",
  E_CLI_LETTER_NOT_FOUND: "`outbox show` lists the numbers",
  E_CLI_RECORDING_INVALID: 'a recording is a file of lines {"dir": "in" | "out" | "proc", "t": milliseconds, "msg": …}',
  E_CLI_INTERRUPTED: "run it again: `bridge` and `import` go on where they stopped, `replay` begins anew",
  E_CODEX_NOT_FOUND: `install codex (npm install -g @openai/codex@${APP_SERVER_VERSION}), or name the binary with --codex-bin`,
  E_BRIDGE_ATTACH_FAILED: "start a codex that listens there: codex app-server --listen unix:///path/of/the.sock",
  E_BRIDGE_CWD_NOT_FOUND: "name a folder that is there with --cwd",
  E_BRIDGE_LINE_TOO_LONG: "codex said more at once than is read, 64 MiB: a turn of that length is not imported",
  E_BRIDGE_PROCESS_EXITED: "run `convex-codex-local doctor`",
  E_BRIDGE_INITIALIZE_FAILED: "this codex does not speak the app-server's protocol as expected: run `convex-codex-local doctor`",
  E_INTERNAL: "run `convex-codex-local doctor`",
  E_OUTBOX_LOCKED: "a bridge (or another command) uses this state folder: stop it first, or take another folder with --state",
  E_OUTBOX_NOT_TAKEN: "they are kept, and sent again by themselves: check the network, and the deployment's log",
  E_OUTBOX_OWNER_MISMATCH: "take another state folder by --state, or that user's token; `outbox delete` forgets what that user's bridge kept (`--lose`: what waits too)",
  E_OUTBOX_UNREADABLE: "fix the permissions of the state folder, or take another one by --state: what waits in this one is not sent then",
  E_RUNTIME_GAVE_UP: "run `convex-codex-local doctor`, and codex by itself",
  E_RUNTIME_POLICY_UNREADABLE: "put the file right, or move it away: the default holds then. It is read again for each command, and nothing else stops",
  E_SYNC_SESSION_DEVICE_MISMATCH: "another machine or session has the thread now; start the bridge again to take it back",
  E_THREAD_BUSY: "close it there, or go through that codex with --attach, where it listens (codex app-server --listen unix:///path/of/the.sock)",
  E_THREAD_DELETED: "the thread was deleted in the app in the last 30 days",
  E_THREAD_NOT_EMPTY: "a legacy thread can only be imported into one that has no turns yet",
  E_UNSUPPORTED_BY_APP_SERVER: "this codex is older or newer than what this package was made for: run `convex-codex-local doctor`",
};

/** SOURCE: Node, the codes of what never reached a server. */
const NETWORK = /fetch failed|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|TimeoutError|certificate/;
/** UTF-16 units of a message that are printed. */
const MESSAGE_UNITS_MAX = 600;

/** What is to be told of whatever was thrown. */
export function tellOf(thrown: unknown): Told {
  const message = messageOf(thrown);
  const missing = missingFunctionIn(message);
  if (missing !== undefined) return told("E_CLI_FUNCTION_MISSING", `the app does not export the function \`${missing}\``);
  const own = thrown !== null && typeof thrown === "object" && "code" in thrown && typeof thrown.code === "string" && thrown.code.startsWith("E_") ? thrown.code : undefined;
  const code = own ?? parseCodexErrorCode(thrown);
  if (code !== null) return told(code, message);
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  const why = cause === undefined ? message : `${message}: ${messageOf(cause)}${cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : ""}`;
  if (NETWORK.test(why) || (thrown instanceof Error && NETWORK.test(thrown.name))) return told("E_CLI_DEPLOYMENT_UNREACHABLE", `the deployment does not answer: ${why}`);
  return told("E_INTERNAL", why);
}

/** What is to be told of a problem that a runtime tells: of what Convex refused it has the text alone. */
export function tellOfProblem({ code, message }: { readonly code: string; readonly message: string }): Told {
  return code === "E_INTERNAL" ? tellOf(new Error(message)) : told(code, message);
}

/** SOURCE: app-server 0.169.0 refuses a thread that it does not have by "no rollout found", with a code that says nothing. */
const OF_A_THREAD = /^`thread\/(?:resume|read|turns\/list)`: /;

const THREADS_HINT = "`convex-codex-local threads` lists the threads that codex has on this machine";
const UNTOLD_HINT = "a production deployment says no more than that: `convex-codex-local doctor` looks whether it has the bridge's functions (`npx convex deploy`), `npx convex logs --prod` shows what failed";

function told(code: string, message: string): Told {
  const isOfThread = code === "E_APP_SERVER_REFUSED" && OF_A_THREAD.test(message);
  const hint = isOfThread ? THREADS_HINT : isUntoldFailure(message) ? UNTOLD_HINT : HINTS[code];
  return { code, message: message.slice(0, MESSAGE_UNITS_MAX), ...(hint === undefined ? {} : { hint }) };
}
