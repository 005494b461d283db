/** How a request that waits is called, how long it waits, and how it stands with its answer. */
import { isCodexCommandFailed, type CodexCommandView, type CodexServerRequestView } from "convex-codex-local/react";
import { failureWords } from "../failure.js";
import { spellOut } from "../items/visible-parts.js";
import { stringOf } from "../payload.js";

export function requestTitle({ kind, method, params }: Pick<CodexServerRequestView, "kind" | "method" | "params">): string {
  if (kind === "question") return "Codex asks you";
  if (kind === "elicitation") return `${spellOut(stringOf(params["serverName"]) ?? "A tool’s server")} asks`;
  return `Codex waits for an answer (${spellOut(method)})`;
}

/** When Codex goes on without an answer, in milliseconds of Unix time; undefined where it waits. */
export function endOf({ createdAt, autoResolutionMs }: Pick<CodexServerRequestView, "createdAt" | "autoResolutionMs">): number | undefined {
  return autoResolutionMs === undefined ? undefined : createdAt + autoResolutionMs;
}

/**
 * Whether an answer is with the server or the machine.
 *
 * @param lost why the answer that this page gave came to nothing, where it did
 */
export function isOnItsWay({ status, answerCommandId }: Pick<CodexServerRequestView, "status" | "answerCommandId">, lost: string | undefined): boolean {
  return status === "answering" || (answerCommandId !== undefined && lost === undefined);
}

/**
 * Why an answer came to nothing, in a sentence; undefined where it did not.
 *
 * @param command what carried it; null where that is no longer kept, undefined while it is not known
 */
export function lostWords(command: Pick<CodexCommandView, "state" | "code"> | null | undefined): string | undefined {
  if (command === undefined) return undefined;
  if (command === null) return "What became of your answer is no longer known. You can answer again.";
  if (!isCodexCommandFailed(command.state) && command.state !== "cancelled") return undefined;
  const why = command.code === undefined ? "" : ` ${failureWords(command.code)}`;
  return `Your answer did not reach Codex.${why} You can answer again.`;
}
