import type { CodexRpcError } from "../protocol/index.js";

/** Why a request has no result; the coded cause of an {@link AppServerError}. */
export type AppServerErrorCode =
  /** No answer came in time. Whether the app-server did what was asked is not known. */
  | "E_APP_SERVER_TIMEOUT"
  /** The process ended before it answered. Whether it did what was asked is not known. */
  | "E_APP_SERVER_GONE"
  /** The app-server refused: `rpc` has its words. */
  | "E_APP_SERVER_REFUSED"
  /** This app-server does not know the method: it is older than the method, or newer. */
  | "E_UNSUPPORTED_BY_APP_SERVER"
  /** Another process of codex writes the thread: wait for it, attach to it, close it, or go on in a fork. */
  | "E_THREAD_BUSY";

/** A request that was not answered with a result. */
export class AppServerError extends Error {
  override readonly name = "AppServerError";
  readonly code: AppServerErrorCode;
  /** What was asked. */
  readonly method: string;
  /** What the app-server answered, whole; undefined where it did not answer. */
  readonly rpc: CodexRpcError | undefined;

  /**
   * @param code the coded cause
   * @param method what was asked
   * @param message what happened, for people
   * @param more the app-server's error, and what was thrown or given as the reason
   */
  constructor(code: AppServerErrorCode, method: string, message: string, more: { rpc?: CodexRpcError; cause?: unknown } = {}) {
    super(`\`${method}\`: ${message}`, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.method = method;
    this.rpc = more.rpc;
  }
}

/** JSON-RPC's own code for a method that is not known. */
export const METHOD_NOT_FOUND = -32_601;
/** What app-server 0.169.0 answers instead. */
export const INVALID_REQUEST = -32_600;
/** UTF-16 units of the app-server's words that a message repeats. */
const REPEATED_MAX = 2_048;

/** The error that an answer is. @param version of the app-server, where it said so */
export function refusal(method: string, rpc: CodexRpcError, version?: string): AppServerError {
  if (isUnknownMethod(method, rpc)) {
    const who = version === undefined ? "this app-server" : `codex ${version}`;
    return new AppServerError("E_UNSUPPORTED_BY_APP_SERVER", method, `${who} does not know it`, { rpc });
  }
  const said = rpc.message.slice(0, REPEATED_MAX);
  if (rpc.message.includes(BUSY)) return new AppServerError("E_THREAD_BUSY", method, `${said}. ${WAYS_ON}`, { rpc });
  return new AppServerError("E_APP_SERVER_REFUSED", method, said, { rpc });
}

/** SOURCE: app-server 0.169.0 locks a thread to one process: -32600 "… already has an active writer". */
const BUSY = "already has an active writer";
const WAYS_ON =
  "Another process of codex on this machine has the thread, a terminal's for example. Wait for it, close it there, attach to it (`attach`), or go on in a copy (`thread/fork`)";

/**
 * SOURCE: app-server 0.169.0 takes the method for a variant of its requests: -32600 "Invalid request: unknown variant `x`, expected
 * one of …". A variant that is another word is a value of the params.
 */
function isUnknownMethod(method: string, { code, message }: CodexRpcError): boolean {
  return code === METHOD_NOT_FOUND || (code === INVALID_REQUEST && message.includes(`unknown variant \`${method}\``));
}
