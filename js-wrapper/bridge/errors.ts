/// <reference lib="es2024.string" />
import { CodedError } from "../coded-error.js";
import { type CodexProtocolParseError, REPORTED_LINE_UNITS_MAX } from "../protocol/errors.js";

/** Why the bridge could not do something; the coded cause of a {@link CodexBridgeError}. */
export type BridgeErrorCode =
  /** No binary: neither `codexBin`, nor CODEX_BIN, nor `codex` on PATH outside the working directory. */
  | "E_CODEX_NOT_FOUND"
  /** The working directory does not exist. */
  | "E_BRIDGE_CWD_NOT_FOUND"
  /** The operating system refused to start the binary. */
  | "E_BRIDGE_SPAWN_FAILED"
  /** No app-server took the connection at `attach`. */
  | "E_BRIDGE_ATTACH_FAILED"
  /** The process ended without stop(). */
  | "E_BRIDGE_PROCESS_EXITED"
  /** The pipe to the process broke, or a signal could not be sent. */
  | "E_BRIDGE_PIPE_FAILED"
  /** A line over the limit; it was dropped. */
  | "E_BRIDGE_LINE_TOO_LONG"
  /** A message of a thread of over 3 MiB: a stub of it, which says how large it was, takes its place. */
  | "E_BRIDGE_EVENT_TOO_LARGE"
  /** A line that is not UTF-8; it was read on with U+FFFD in the place of what is not. */
  | "E_BRIDGE_LINE_NOT_UTF8"
  /** The app-server refused initialize, or did not answer it in time. */
  | "E_BRIDGE_INITIALIZE_FAILED"
  /** A handler threw or rejected. An event is handed to it again, a global message is not. */
  | "E_BRIDGE_HANDLER_FAILED"
  /** stop() gave up on events that onEvent would not take. */
  | "E_BRIDGE_EVENTS_LOST"
  /** A bug of this package. */
  | "E_INTERNAL";

/** An error of the local side: the process, its pipes, the handshake, the app's handlers. */
export class CodexBridgeError extends CodedError<BridgeErrorCode> {
  override readonly name = "CodexBridgeError";
}

/** What `onProtocolError` is told. */
export interface BridgeError {
  /** What it is about: the line, the event's payload, the last of stderr. At most 2 KiB; `""` where there is none. */
  readonly line: string;
  /** Both classes have a `code`. */
  readonly error: CodexBridgeError | CodexProtocolParseError;
}

/** Cuts a text to its last words, as `cutLine` does to its first. */
export function cutTail(text: string): string {
  return text.slice(-REPORTED_LINE_UNITS_MAX).toWellFormed();
}
