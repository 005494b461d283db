/** What a bridge's live line says. */
import type { RuntimePhase } from "../runtime/types.js";

/** What of a bridge is shown. */
export interface BridgeView {
  readonly phase: RuntimePhase;
  /** The app's name of the thread, else the app-server's id; null until it is known. */
  readonly thread: string | null;
  /** Further threads that are followed. */
  readonly followed: number;
  /** Milliseconds that the turn has run; null where none runs. */
  readonly turnMs: number | null;
  /** What codex asks and nobody has answered. */
  readonly requests: number;
  /** Events that Convex does not have yet. */
  readonly backlog: number;
}

const WORDS: Readonly<Record<RuntimePhase, string>> = {
  idle: "stopped",
  starting: "starting",
  ready: "ready",
  running: "running a turn",
  reconnecting: "codex ended, starting it again",
  stopping: "stopping",
  failed: "failed",
};

const SECOND_MS = 1_000;
const MINUTE_S = 60;
const HOUR_S = 3_600;

/** A duration in its two largest units: `9s`, `2m 05s`, `3h 07m`. */
export function durationOf(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / SECOND_MS);
  const two = (count: number) => String(count).padStart(2, "0");
  if (seconds < MINUTE_S) return `${String(seconds)}s`;
  if (seconds < HOUR_S) return `${String(Math.floor(seconds / MINUTE_S))}m ${two(seconds % MINUTE_S)}s`;
  return `${String(Math.floor(seconds / HOUR_S))}h ${two(Math.floor((seconds % HOUR_S) / MINUTE_S))}m`;
}

/** A count with its word, in the plural where it is not one. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}

/** The line: what is nothing is left out. */
export function statusLine({ phase, thread, followed, turnMs, requests, backlog }: BridgeView): string {
  const parts = [
    turnMs === null ? WORDS[phase] : `${WORDS[phase]} for ${durationOf(turnMs)}`,
    ...(thread === null ? [] : [`thread ${thread}${followed === 0 ? "" : ` and ${counted(followed, "other")}`}`]),
    ...(requests === 0 ? [] : [`${counted(requests, "request")} ${requests === 1 ? "waits" : "wait"} for an answer`]),
    ...(backlog === 0 ? [] : [`${counted(backlog, "event")} to send`]),
  ];
  return parts.join(" | ");
}

/** Events of all threads that are not sent yet. */
export function backlogOf(threads: readonly { readonly events: number }[]): number {
  return threads.reduce((sum, { events }) => sum + events, 0);
}
