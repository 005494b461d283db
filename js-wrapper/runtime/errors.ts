import { AppServerError } from "../app-server/index.js";
import type { BridgeErrorCode } from "../bridge/index.js";
import { CodedError, messageOf } from "../coded-error.js";
import { redactMessage } from "../core/bridge.js";
import { parseCodexErrorCode } from "../host/codex-error.js";
import { missingFunctionIn } from "../missing-function.js";
import type { CodexRpcError } from "../protocol/index.js";

/** Why the runtime could not do something. */
export type RuntimeErrorCode =
  /** It is started already. */
  | "E_RUNTIME_RUNNING"
  /** It is not started, or was stopped meanwhile. */
  | "E_RUNTIME_NOT_RUNNING"
  /** The process ended too often in too short a time: it is not started again by itself. */
  | "E_RUNTIME_GAVE_UP"
  /** The raw log could not be written, and is written no more. */
  | "E_RUNTIME_RAW_LOG"
  /** The owner's policy is not there, or cannot be read: nothing but a stop may be asked from afar. */
  | "E_RUNTIME_POLICY_UNREADABLE"
  /** Others, or codex itself, may write the owner's policy: nothing but a stop may be asked from afar. */
  | "E_RUNTIME_POLICY_EXPOSED"
  /** A turn that no interrupt ended: codex was started anew. */
  | "E_RUNTIME_TURN_STUCK"
  /** An agent's thread stands by itself in Convex, and not under the one that began it. */
  | "E_RUNTIME_THREAD_UNLINKED"
  /** The request waits no longer: answered, expired, or never asked. */
  | "E_SERVER_REQUEST_NOT_PENDING"
  /** Codex asked what nobody here answers, and was refused. */
  | "E_UNSUPPORTED_SERVER_REQUEST"
  /** Only a new start of codex would end the turn, and it would cut others off. */
  | "E_COMMAND_NEEDS_FORCE"
  /** The turn does not end, and its codex is not the runtime's to start anew. */
  | "E_COMMAND_TURN_STUCK";

/** A code that Convex gave, or another layer: of {@link passedOn}, so that a code of the runtime's own is checked. */
export type PassedOnCode = string & { readonly passedOn: never };

/** A code that somebody else gave, for an error of the runtime. */
export function passedOn(code: string): PassedOnCode {
  return code as PassedOnCode;
}

/** An error of the runtime, coded; of a start that failed, by what its process said. */
export class CodexRuntimeError extends CodedError<RuntimeErrorCode | (string & {}), RuntimeErrorCode | BridgeErrorCode | PassedOnCode> {
  override readonly name = "CodexRuntimeError";
}

/** The code of whatever was thrown, what Convex refused included; `E_INTERNAL` where it has none. */
export function codeOf(thrown: unknown): string {
  const own = thrown !== null && typeof thrown === "object" && "code" in thrown ? thrown.code : undefined;
  return typeof own === "string" ? own : (parseCodexErrorCode(thrown) ?? "E_INTERNAL");
}

/** Whether codex answered, with an error. */
export function isRefusedByCodex(thrown: unknown): thrown is AppServerError & { readonly rpc: CodexRpcError } {
  return thrown instanceof AppServerError && thrown.rpc !== undefined;
}

/** Whether Convex said why not. */
export function isRefusedByConvex(thrown: unknown): boolean {
  return thrown !== null && typeof thrown === "object" && "data" in thrown;
}

/** Whether another session has the thread. */
export function isTaken(thrown: unknown): boolean {
  return codeOf(thrown) === "E_SYNC_SESSION_DEVICE_MISMATCH";
}

/** Whether the app does not export the function, as far as its deployment says why a call failed. */
export function isMissingFunction(thrown: unknown): boolean {
  return missingFunctionIn(messageOf(thrown)) !== undefined;
}

/** What whatever was thrown says, behind its code, as it may be shown. */
export function toldOf(thrown: unknown): string {
  return `[${codeOf(thrown)}] ${shownOf(thrown)}`;
}

/** What whatever was thrown says, without known secrets: who is told may keep it. */
export function shownOf(thrown: unknown): string {
  return redactMessage(messageOf(thrown));
}
