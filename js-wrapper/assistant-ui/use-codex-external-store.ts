import { MessageNotSentError, useExternalStoreRuntime, type AppendMessage, type AssistantRuntime, type ExternalStoreAdapter, type ThreadMessageLike } from "@assistant-ui/react";
import { useEffect, useMemo, useRef } from "react";
import { useLatest } from "../react/calls.js";
import type { CodexInput } from "../react/sending.js";
import { useCodex, type UseCodexResult } from "../react/use-codex.js";
import { answersOf, approvalIdOf, decisionOf } from "./asked.js";
import { convertCodexMessages, NO_THREAD_MESSAGES } from "./convert.js";

/** A store of messages that are already those of assistant-ui. */
export type CodexExternalStore = ExternalStoreAdapter<ThreadMessageLike>;

/** What an app adds to the store, or puts in the place of its own: see assistant-ui's `ExternalStoreAdapter`. */
export type CodexExternalStoreOptions = Omit<Partial<CodexExternalStore>, "messages" | "messageRepository" | "convertMessage">;

/** What {@link useCodexAssistantRuntime} takes. */
export type CodexAssistantRuntimeOptions = CodexExternalStoreOptions & {
  /** How many messages to load first; 30 where it is not given. */
  readonly initialNumItems?: number | undefined;
};

type UserInput = Exclude<CodexInput, string>[number];

/** How many earlier messages are loaded at a time. */
const EARLIER_ITEMS = 30;

/**
 * Makes what `useCodex` returns into a store of assistant-ui, for an app that calls `useExternalStoreRuntime` itself.
 *
 * A message that is sent begins a turn, or queues one behind the turn that runs; a cancel ends the turn that runs, and takes back
 * what waits behind it. What could not be sent goes back into the composer. Responses to approvals decide them, with the hash of
 * what was shown; responses to questions answer them.
 *
 * @param codex what `useCodex` returns
 * @returns the store; the same object while nothing in it changed
 *
 * @example
 * ```tsx
 * const codex = useCodex({ threadId });
 * const runtime = useExternalStoreRuntime(useCodexExternalStore(codex));
 * ```
 */
export function useCodexExternalStore(codex: UseCodexResult): CodexExternalStore {
  const { messages, status, turns, runningTurnId, approvals, requests, commands } = codex;
  const previous = useRef(NO_THREAD_MESSAGES);
  const converted = useMemo(
    () =>
      convertCodexMessages(
        { messages: messages.results, turns, runningTurnId, approvals: approvals.results, requests: requests.results, commands: commands.results },
        previous.current,
      ),
    [messages.results, turns, runningTurnId, approvals.results, requests.results, commands.results],
  );
  useEffect(() => {
    previous.current = converted;
  }, [converted]);

  const latest = useLatest(codex);
  const calls = useMemo(
    () => ({
      onNew: async (message: AppendMessage) => {
        try {
          await latest.current.send(inputOfAppended(message));
        } catch (thrown) {
          // It keeps what was typed.
          throw new MessageNotSentError(thrown instanceof Error ? thrown.message : String(thrown));
        }
      },
      onCancel: () => latest.current.stop(),
      onLoadEarlier: () => {
        latest.current.messages.loadMore(EARLIER_ITEMS);
        return Promise.resolve();
      },
      onRespondToToolApproval: async (response: Parameters<NonNullable<CodexExternalStore["onRespondToToolApproval"]>>[0]) => {
        const { approvals: open, requests: asked } = latest.current;
        const isAnswered = (row: Parameters<typeof approvalIdOf>[0]) => approvalIdOf(row) === response.approvalId;
        // Every approval is among the requests too.
        const approval = open.results.find(isAnswered);
        const question = asked.results.find((row) => row.kind === "question" && isAnswered(row));
        if (approval !== undefined) await open.decide(approval, decisionOf(approval, response));
        else if (question !== undefined) await asked.answerQuestions(question, answersOf(response));
        else throw new Error("it does not wait any more");
      },
    }),
    [latest],
  );

  const isRunning = status === "submitted" || status === "streaming";
  const isLoading = messages.status === "LoadingFirstPage";
  const hasEarlier = messages.status === "CanLoadMore" || messages.status === "LoadingMore";
  return useMemo(
    () => ({ messages: converted.messages, convertMessage: same, isRunning, isLoading, hasEarlier, ...calls }),
    [converted.messages, isRunning, isLoading, hasEarlier, calls],
  );
}

/**
 * A thread of codex as a runtime of assistant-ui, below a `CodexProvider`: all that its primitives and ready-made components need.
 *
 * @param args `threadId` and what else the app's functions take, or `"skip"` while there is no thread.
 * @param options what the app adds to the store, e.g. `adapters`, and `initialNumItems`: how many messages to load first.
 * @returns the runtime, for `AssistantRuntimeProvider`
 * @throws Error where no `CodexProvider` is above it.
 *
 * @example
 * ```tsx
 * function Chat({ threadId }: { threadId: string }) {
 *   const runtime = useCodexAssistantRuntime({ threadId });
 *   return (
 *     <AssistantRuntimeProvider runtime={runtime}>
 *       <ThreadPrimitive.Root>…</ThreadPrimitive.Root>
 *     </AssistantRuntimeProvider>
 *   );
 * }
 * ```
 */
export function useCodexAssistantRuntime(args: Parameters<typeof useCodex>[0], options: CodexAssistantRuntimeOptions = {}): AssistantRuntime {
  const { initialNumItems, ...own } = options;
  const codex = useCodex(args, initialNumItems === undefined ? {} : { initialNumItems });
  const store = useCodexExternalStore(codex);
  return useExternalStoreRuntime(Object.keys(own).length === 0 ? store : { ...store, ...own });
}

/**
 * What was typed and attached, as codex takes it.
 *
 * @throws Error where a part is neither text nor image: it is not left out in silence.
 */
export function inputOfAppended({ content, attachments = [] }: Pick<AppendMessage, "content" | "attachments">): readonly UserInput[] {
  return [...content, ...attachments.flatMap((attachment) => attachment.content)].map((part): UserInput => {
    if (part.type === "text") return { type: "text", text: part.text, text_elements: [] };
    if (part.type === "image") return { type: "image", url: part.image };
    throw new Error(`codex takes texts and images, no \`${part.type}\``);
  });
}

function same(message: ThreadMessageLike): ThreadMessageLike {
  return message;
}
