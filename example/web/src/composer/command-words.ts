import type { CodexCommandView } from "convex-codex-local/react";

/** What was asked for. */
export function commandWords({ kind, text }: Pick<CodexCommandView, "kind" | "text">): string {
  switch (kind) {
    case "turn":
    case "steer":
      return text === "" ? "A message" : text;
    case "interrupt":
      return "Stop";
    case "decide":
      return "Your decision";
    case "answer":
      return "Your answer";
  }
}

/** How far it has come. */
export function stateWords({ state, kind }: Pick<CodexCommandView, "state" | "kind">): string {
  switch (state) {
    case "queued":
      return kind === "turn" ? "waits for its turn" : "waits for the machine";
    case "leased":
      return "the machine has it";
    case "delivered":
      return "Codex has it";
    case "accepted":
      return "done";
    case "refused":
      return "refused";
    case "expired":
      return "came too late";
    case "cancelled":
      return "taken back";
    case "unknown":
      return "nobody knows whether Codex got it";
  }
}

const FAILURES = new Map([
  ["E_COMMAND_NOT_ALLOWED", "the machine does not allow it from afar"],
  ["E_COMMAND_ABANDONED", "the machine took it three times and did nothing"],
  ["E_COMMAND_TARGET_GONE", "what it was about is over"],
  ["E_COMMAND_REFUSED", "Codex refused it"],
  ["E_COMMAND_NEEDS_FORCE", "to end it, turns of other threads would have to be cut"],
  ["E_COMMAND_TURN_STUCK", "the turn does not end, and its Codex is not the bridge's to start anew"],
  ["E_COMMAND_INVALID", "Codex could not read it"],
  ["E_THREAD_BUSY", "another Codex has the thread"],
]);

/** Why it came to nothing. */
export function failureWords(code: string): string {
  return FAILURES.get(code) ?? code;
}
