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

/** How it is with what was handed to Codex for a turn and was not read. @param goesOn whether the turn does */
export function unreadWords(goesOn: boolean): string {
  return goesOn ? "Codex reads it at its next step" : "the turn ended before Codex read it";
}
