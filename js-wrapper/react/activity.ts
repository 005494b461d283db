/** What codex is doing now, in a word and the line that goes with it. */
import type { CodexPresence, CodexTurn } from "../host/component.js";
import type { CodexUIMessage } from "../mapping/index.js";
import { codexReach, type CodexReach } from "./presence-words.js";

/**
 * What codex is at. `waitingForApproval` and `waitingForAnswer` are for people to end; `waitingForMachine`: something was sent and
 * no machine takes it now; `working`: a turn runs, and what it does has no word of its own.
 */
export type CodexActivityKind =
  | "idle"
  | "queued"
  | "waitingForMachine"
  | "waitingForApproval"
  | "waitingForAnswer"
  | "thinking"
  | "writing"
  | "planning"
  | "runningCommand"
  | "editingFiles"
  | "callingTool"
  | "searching"
  | "compacting"
  | "working";

/** What codex is doing. */
export interface CodexActivity {
  readonly kind: CodexActivityKind;
  /** The command, the files, the tool or the query; empty where there is none. */
  readonly text: string;
  /** The turn that runs. */
  readonly turnId?: string;
  /** The message that grows. */
  readonly messageId?: string;
  /** Why no machine takes it; of `waitingForMachine`. */
  readonly reach?: CodexReach;
}

/** What {@link codexActivity} reads. What a page has not is left out. */
export interface CodexActivityInput {
  /** Oldest first. */
  readonly messages: readonly Pick<CodexUIMessage, "turnId" | "messageId" | "status" | "sourceItemType" | "text">[];
  /** As `listTurns` has them. */
  readonly turns?: readonly Pick<CodexTurn, "turnId" | "status">[] | undefined;
  /** As `getPresence` answers it, asked with the thread. */
  readonly presence?: CodexPresence | undefined;
  /** Approvals that wait. */
  readonly approvals?: readonly unknown[] | undefined;
  /** Questions and elicitations that wait. */
  readonly questions?: readonly unknown[] | undefined;
  /** Commands that are not at their end. */
  readonly openCommands?: readonly unknown[] | undefined;
}

const KINDS: Readonly<Record<string, CodexActivityKind>> = {
  reasoning: "thinking",
  agentMessage: "writing",
  plan: "planning",
  commandExecution: "runningCommand",
  fileChange: "editingFiles",
  mcpToolCall: "callingTool",
  dynamicToolCall: "callingTool",
  collabAgentToolCall: "callingTool",
  webSearch: "searching",
  contextCompaction: "compacting",
};
/** What these say is the message itself. */
const SPOKEN: ReadonlySet<CodexActivityKind> = new Set(["thinking", "writing", "planning"]);

/**
 * Tells what codex is doing now.
 *
 * @param input what the page knows; the more, the better it tells
 * @returns the activity; it looks at the messages of the newest turn only
 * @example
 * ```ts
 * const { kind, text } = codexActivity({ messages: messages.results, approvals: approvals.results });
 * ```
 */
export function codexActivity({ messages, turns, presence, approvals = [], questions = [], openCommands = [] }: CodexActivityInput): CodexActivity {
  const newest = messages.at(-1)?.turnId;
  const beaten = presence?.machine === "here" ? presence.current?.turnId : undefined;
  // The turns know of its end: the beat is older.
  const isOver = turns?.some(({ turnId, status }) => turnId === beaten && status !== "inProgress" && status !== "queued") === true;
  const told = isOver ? undefined : beaten;
  const grows = growing(messages, newest);
  const turnId = turns?.find(({ status }) => status === "inProgress")?.turnId ?? told ?? grows?.turnId;
  const turn = turnId === undefined ? {} : { turnId };
  if (approvals.length > 0) return { kind: "waitingForApproval", text: "", ...turn };
  if (questions.length > 0) return { kind: "waitingForAnswer", text: "", ...turn };
  if (turnId !== undefined) {
    if (grows === undefined || grows.turnId !== turnId) return { kind: "thinking", text: "", ...turn };
    const { messageId, sourceItemType = "", text } = grows;
    const kind = Object.hasOwn(KINDS, sourceItemType) ? (KINDS[sourceItemType] ?? "working") : "working";
    return { kind, text: SPOKEN.has(kind) ? "" : text, messageId, ...turn };
  }
  const isAsked = openCommands.length > 0 || turns?.some(({ status }) => status === "queued") === true;
  if (!isAsked) return { kind: "idle", text: "" };
  const reach = presence && codexReach(presence);
  const isTaken = reach === undefined || reach === "reachable" || reach === "starting" || reach === "elsewhere";
  return isTaken ? { kind: "queued", text: "" } : { kind: "waitingForMachine", text: "", reach };
}

/** The newest message of a turn that grows. */
function growing<Message extends { turnId: string; status: string }>(messages: readonly Message[], turnId: string | undefined): Message | undefined {
  for (let at = messages.length - 1; at >= 0; at -= 1) {
    const message = messages[at];
    if (message === undefined || message.turnId !== turnId) return undefined;
    if (message.status === "streaming") return message;
  }
  return undefined;
}
