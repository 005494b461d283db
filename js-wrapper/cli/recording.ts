/** A recording of an app-server: lines of JSON, `{"dir": "in" | "out" | "proc", "t": milliseconds, "msg": …}`; `in` is what it said. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { messageOf } from "../coded-error.js";
import { CliError } from "./errors.js";

/** The notification that is said behind a recording's last one: no app-server says it. */
export const REPLAY_ENDED = "convexCodexLocal/replayEnded";

const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;

/** Something that the app-server said by itself, and when. */
export interface Said {
  readonly atMs: number;
  readonly message: object;
}

/** What a recording is played of. */
interface Recording {
  /** The answer to the first request for a thread. */
  readonly thread: object;
  /** Notifications and requests, in order. */
  readonly said: readonly Said[];
}

/**
 * Reads a recording.
 *
 * @param keepsIds false: every UUID (of threads and turns) is a new one, the same wherever it stands, so that it is another session
 * @throws CliError `E_CLI_RECORDING_INVALID`
 */
export function readRecording(file: string, keepsIds: boolean): Recording {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (thrown) {
    throw new CliError("E_CLI_RECORDING_INVALID", `the recording cannot be read: ${messageOf(thrown)}`, thrown);
  }
  return parseRecording(keepsIds ? text : withFreshIds(text));
}

/** As {@link readRecording}, of its text. */
function parseRecording(text: string): Recording {
  let thread: object | undefined;
  const said: Said[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const { dir, t, msg } = entryOf(line, index + 1);
    if (dir !== "in") continue;
    if ("method" in msg) said.push({ atMs: typeof t === "number" ? t : 0, message: msg });
    else if (thread === undefined && "result" in msg && isThread(msg.result)) thread = msg.result;
  }
  if (thread === undefined) throw new CliError("E_CLI_RECORDING_INVALID", "the recording has no answer with a thread");
  return { thread, said };
}

function entryOf(line: string, number: number): { dir: unknown; t: unknown; msg: object } {
  try {
    const entry = JSON.parse(line) as { dir?: unknown; t?: unknown; msg?: unknown } | null;
    const { dir, t, msg } = entry ?? {};
    if (typeof dir === "string" && (dir !== "in" || (typeof msg === "object" && msg !== null))) return { dir, t, msg: msg as object };
  } catch {
    // Told below.
  }
  throw new CliError("E_CLI_RECORDING_INVALID", `line ${String(number)} is not a line of a recording`);
}

function isThread(result: unknown): result is object {
  const thread = result !== null && typeof result === "object" && "thread" in result ? result.thread : undefined;
  return thread !== null && typeof thread === "object" && "id" in thread && typeof thread.id === "string";
}

function withFreshIds(text: string): string {
  const fresh = new Map<string, string>();
  return text.replace(UUID, (id) => {
    const known = fresh.get(id) ?? randomUUID();
    fresh.set(id, known);
    return known;
  });
}
