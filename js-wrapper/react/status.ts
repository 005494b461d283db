import type { CodexMessageRole, CodexMessageStatus } from "../mapping/index.js";

/** How a chat is, in the words of the AI SDK. */
export type CodexChatStatus = "submitted" | "streaming" | "ready" | "error";

/** What {@link codexStatus} reads. */
export interface CodexStatusInput {
  /** The thread's messages, oldest first: `results` of `useCodexMessages`. */
  messages: readonly {
    readonly turnId: string;
    readonly role: CodexMessageRole;
    readonly status: CodexMessageStatus;
  }[];
  /** The thread's turns, newest first: as `listTurns` answers them. Without them messages alone tell. */
  turns?:
    | readonly {
        readonly turnId: string;
        readonly status: "queued" | "inProgress" | "completed" | "interrupted" | "failed";
      }[]
    | undefined;
  /** A turn was asked for and has not begun: the composer is sending, or a command waits. */
  isAsked?: boolean | undefined;
  /** What asking failed with, if it did; null and undefined are none. */
  error?: unknown;
}

/**
 * Tells how a chat is, in the words of the AI SDK.
 *
 * - `streaming`: a turn runs, and Codex has said or done something in it.
 * - `submitted`: a turn runs, waits, or was asked for, and nothing came of it yet.
 * - `error`: asking failed, or the newest turn did.
 * - `ready`: neither; a turn that was stopped is one that is over.
 *
 * Without `turns` a turn runs while one of its messages is being written: between what was asked and the
 * first word of the answer it then reads `ready`.
 *
 * @param input The messages, and what else is known.
 *
 * @example
 * ```tsx
 * const status = codexStatus({ messages: messages.results, turns, isAsked: isSending });
 * const canStop = status === "submitted" || status === "streaming";
 * ```
 */
export function codexStatus({ messages, turns, isAsked = false, error }: CodexStatusInput): CodexChatStatus {
  const newest = messages.at(-1);
  const running =
    turns === undefined ? findOfTurn(messages, newest?.turnId, ({ status }) => status === "streaming") : turns.find(({ status }) => status === "inProgress");
  if (running !== undefined) {
    const isAnswered = findOfTurn(messages, running.turnId, ({ role }) => role !== "user", turns) !== undefined;
    return isAnswered ? "streaming" : "submitted";
  }
  if (isAsked || turns?.[0]?.status === "queued") return "submitted";
  if (error !== undefined && error !== null) return "error";
  if (turns !== undefined) return turns[0]?.status === "failed" ? "error" : "ready";
  // A command that failed on the way did not fail its turn.
  return newest?.status === "failed" && newest.role !== "tool" ? "error" : "ready";
}

type Message = CodexStatusInput["messages"][number];

/** The newest message of a turn that is looked for. What comes before the turn is not looked at, however much of it is loaded. */
function findOfTurn(
  messages: readonly Message[],
  turnId: string | undefined,
  isSought: (message: Message) => boolean,
  turns: CodexStatusInput["turns"] = [],
): Message | undefined {
  const before = turns.slice(turns.findIndex((turn) => turn.turnId === turnId) + 1);
  let isWithin = false;
  for (let at = messages.length - 1; at >= 0; at -= 1) {
    const message = messages[at];
    if (message === undefined) return undefined;
    const isOfTurn = message.turnId === turnId;
    if (isOfTurn && isSought(message)) return message;
    // A message that is newer may be of a turn that is not among the turns yet.
    if (!isOfTurn && (isWithin || before.some((turn) => turn.turnId === message.turnId))) return undefined;
    isWithin ||= isOfTurn;
  }
  return undefined;
}
