/// <reference lib="es2024.string" />
/** UTF-16 units of a line that an error carries. */
export const REPORTED_LINE_UNITS_MAX = 2_048;

/** Cuts a line to what an error may carry, with U+FFFD for half a surrogate pair. */
export function cutLine(line: string): string {
  return line.slice(0, REPORTED_LINE_UNITS_MAX).toWellFormed();
}

/** A line of the app-server that is no message. */
export class CodexProtocolParseError extends Error {
  override readonly name = "CodexProtocolParseError";
  /** The line, cut by who made the error. */
  readonly rawLine: string;
  /** `E_BRIDGE_LINE_NOT_JSON`, `E_BRIDGE_LINE_NOT_A_MESSAGE`, or `E_BRIDGE_LINE_CUT`: the process ended in its middle. */
  readonly code: string;

  /**
   * @param message what is wrong with the line
   * @param rawLine the line, already cut to a size that can be logged
   * @param code the coded cause, `E_BRIDGE_LINE_NOT_A_MESSAGE` unless told
   */
  constructor(message: string, rawLine: string, code = "E_BRIDGE_LINE_NOT_A_MESSAGE") {
    super(message);
    this.rawLine = rawLine;
    this.code = code;
  }
}

/** A message that could not be sent: there is no process to take it, or it is no message. */
export class CodexProtocolSendError extends Error {
  override readonly name = "CodexProtocolSendError";
  /** `E_BRIDGE_NOT_RUNNING` or `E_BRIDGE_MESSAGE_INVALID`. */
  readonly code: string;

  /**
   * @param message why it could not be sent
   * @param code the coded cause, `E_BRIDGE_MESSAGE_INVALID` unless told
   */
  constructor(message: string, code = "E_BRIDGE_MESSAGE_INVALID") {
    super(message);
    this.code = code;
  }
}
