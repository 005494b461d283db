import type { FunctionArgs, FunctionReturnType } from "convex/server";
import { useEffect, useMemo, useRef } from "react";
import type { CodexDurableMessageLike, CodexMessageStatus } from "../mapping/index.js";
import { mergeCodexMessages, NO_MESSAGES } from "../mapping/merge.js";
import { EMPTY_OVERLAY } from "../mapping/overlay.js";
import { useStableSubscription } from "./subscription.js";
import type { CodexTurnMessagesQuery, CodexTurnStateQuery, CodexTurnStatus, UseCodexTurnResult } from "./types.js";
import { useAnswer } from "./use-answer.js";
import { useCodexThreadState } from "./use-codex-thread-state.js";

const NO_ROWS: readonly CodexDurableMessageLike[] = [];
const WORST_FIRST = ["failed", "interrupted", "streaming"] as const;

/**
 * Follows one turn: its messages, and beside them the state of its thread.
 *
 * A message that did not change is the same object at the next render, and so is the result. A query
 * that fails counts as one that has not answered; nothing is thrown while rendering.
 *
 * @param messagesQuery The host's query of a turn's messages, e.g. `api.chat.listTurnMessagesForHooks`.
 * @param args Its arguments, or `"skip"`.
 * @param stateQuery The host's query of a thread's state, e.g. `api.chat.threadSnapshot`.
 * @param stateArgs Its arguments, or `"skip"`.
 * @returns The messages, oldest first, their {@link codexTurnStatus}, and the thread's state.
 *
 * @example
 * ```tsx
 * const { messages, status } = useCodexTurn(
 *   api.chat.listTurnMessagesForHooks,
 *   { threadId, turnId },
 *   api.chat.threadSnapshot,
 *   { threadId },
 * );
 * ```
 */
export function useCodexTurn<MessagesQuery extends CodexTurnMessagesQuery, StateQuery extends CodexTurnStateQuery>(
  messagesQuery: MessagesQuery,
  args: FunctionArgs<MessagesQuery> | "skip",
  stateQuery: StateQuery,
  stateArgs: FunctionArgs<StateQuery> | "skip",
): UseCodexTurnResult<FunctionReturnType<StateQuery>> {
  const { data: rows = NO_ROWS } = useAnswer<readonly CodexDurableMessageLike[]>(useStableSubscription(messagesQuery, args));
  const threadState = useCodexThreadState(stateQuery, stateArgs);

  const previous = useRef(NO_MESSAGES);
  const merged = useMemo(() => mergeCodexMessages([...rows].reverse(), EMPTY_OVERLAY, previous.current), [rows]);
  useEffect(() => {
    previous.current = merged;
  }, [merged]);

  const { messages } = merged;
  const status = codexTurnStatus(messages);
  return useMemo(() => ({ messages, status, threadState }), [messages, status, threadState]);
}

/**
 * Tells how a turn is by its messages: `unknown` without any; else `failed` where one failed, `interrupted` where one was,
 * `streaming` where one is being written; else `completed`.
 *
 * A command that failed on the way fails the turn by this; how Codex itself ended it is in the thread's state.
 *
 * @param messages Those of one turn, in any order.
 */
export function codexTurnStatus(messages: readonly { readonly status: CodexMessageStatus }[]): CodexTurnStatus {
  if (messages.length === 0) return "unknown";
  return WORST_FIRST.find((status) => messages.some((message) => message.status === status)) ?? "completed";
}
