import type { CodexUIMessage } from "convex-codex-local/react";
import { useState } from "react";
import type { TurnState } from "../turns.js";

/** What is read out of an answer, in UTF-16 units: its reader goes to the transcript for more. */
const UNITS_MAX = 300;

export interface AnnouncerProps {
  messages: readonly CodexUIMessage[];
  turn: TurnState | undefined;
}

/**
 * Tells who does not see the page that a turn has ended, once. The transcript itself is no live region: it would be read out anew with
 * every word.
 */
export function Announcer({ messages, turn }: AnnouncerProps) {
  const [before, setBefore] = useState(turn);
  const [told, setTold] = useState("");
  if (turn !== before) {
    setBefore(turn);
    // Emptied meanwhile: the same words twice are told twice.
    setTold(before === "working" && turn !== undefined ? endWords(turn, messages) : "");
  }
  return (
    <p className="only-heard" role="status">
      {told}
    </p>
  );
}

function endWords(turn: TurnState, messages: readonly CodexUIMessage[]): string {
  if (turn === "working") return "";
  if (turn === "failed") return "The turn failed.";
  if (turn === "interrupted") return "The turn was interrupted.";
  const last = messages.at(-1);
  const answer = messages.findLast(({ turnId, role, sourceItemType, text }) => turnId === last?.turnId && role === "assistant" && sourceItemType !== "reasoning" && text !== "");
  if (answer === undefined) return "Codex is done.";
  const { text } = answer;
  return `Codex answered: ${text.length <= UNITS_MAX ? text : `${text.slice(0, UNITS_MAX)} …`}`;
}
