import { MessageNotSentError, useExternalStoreRuntime, type AppendMessage, type AssistantRuntime, type ExternalStoreAdapter, type ThreadMessageLike } from "@assistant-ui/react";
import { useEffect, useMemo, useRef } from "react";
import type { UserInput } from "../protocol/generated/types.js";
import { useLatest } from "../react/calls.js";
import { joinCodexCommands } from "../react/command-words.js";
import { codexRequestKey } from "../react/request-item.js";
import { useCodex, type UseCodexResult } from "../react/use-codex.js";
import { useSame } from "../react/use-streamed.js";
import { answersOf, decisionOf } from "./asked.js";
import { convertCodexMessages, NO_THREAD_MESSAGES } from "./convert.js";
import { useCodexQueue } from "./use-codex-queue.js";

/** A store of messages that are already those of assistant-ui. */
export type CodexExternalStore = ExternalStoreAdapter<ThreadMessageLike>;

/**
 * What an app adds to the store, or puts in the place of its own: see assistant-ui's `ExternalStoreAdapter`. With a `queue`, also
 * an undefined one, the store has none of its own: what waits is in the transcript.
 */
export type CodexExternalStoreOptions = Omit<Partial<CodexExternalStore>, "messages" | "messageRepository" | "convertMessage">;

/** What {@link useCodexAssistantRuntime} takes. */
export type CodexAssistantRuntimeOptions = CodexExternalStoreOptions & {
  /** How many messages to load first; 30 where it is not given. */
  readonly initialNumItems?: number | undefined;
};

/** How many earlier messages are loaded at a time. */
const EARLIER_ITEMS = 30;

/**
 * Makes what `useCodex` returns into a store of assistant-ui, for an app that calls `useExternalStoreRuntime` itself.
 *
 * A message that is sent begins a turn, and goes back into the composer where it could not be sent. While a turn runs there is a
 * queue: a message that is sent steers the turn, or, with `steer: false`, waits behind it, and what waits is moved, edited and
 * removed. A cancel ends the turn that runs, and takes back what waits: it stays in the queue, and nothing of it begins by itself.
 * Responses to approvals decide them, with the hash of what was shown; responses to questions answer them.
 *
 * @param codex what `useCodex` returns
 * @param options `queue: false`: there is no queue, nothing is sent while a turn runs, and what waits is in the transcript
 * @returns the store; the same object while nothing in it changed
 *
 * @example
 * ```tsx
 * const codex = useCodex({ threadId });
 * const runtime = useExternalStoreRuntime(useCodexExternalStore(codex));
 * ```
 */
export function useCodexExternalStore(codex: UseCodexResult, { queue: hasQueue = true }: { readonly queue?: boolean | undefined } = {}): CodexExternalStore {
  const { messages, status, turns, runningTurnId, approvals, requests, commands, openCommands } = codex;
  const sent = useMemo(() => joinCodexCommands(commands.results, openCommands), [commands.results, openCommands]);
  const isWhole = messages.status === "Exhausted";
  const previous = useRef(NO_THREAD_MESSAGES);
  const converted = useMemo(
    () =>
      convertCodexMessages(
        { messages: messages.results, isWhole, turns, runningTurnId, approvals: approvals.results, requests: requests.results, commands: sent, hasQueue },
        previous.current,
      ),
    [messages.results, isWhole, turns, runningTurnId, approvals.results, requests.results, sent, hasQueue],
  );
  useEffect(() => {
    previous.current = converted;
  }, [converted]);

  const { queue, hold, begin } = useCodexQueue(codex, sent, converted.known.isSaid, inputOfAppended);
  const latest = useLatest(codex);
  const calls = useMemo(
    () => ({
      onNew: async (message: AppendMessage) => {
        const keep = begin();
        let input: readonly UserInput[] | undefined;
        try {
          input = inputOfAppended(message);
          await latest.current.send(input);
        } catch (thrown) {
          if (hasQueue && input !== undefined && keep(input)) return;
          // It keeps what was typed.
          throw new MessageNotSentError(thrown instanceof Error ? thrown.message : String(thrown));
        }
      },
      onCancel: async () => {
        hold();
        await latest.current.stop();
      },
      onLoadEarlier: () => {
        latest.current.messages.loadMore(EARLIER_ITEMS);
        return Promise.resolve();
      },
      onRespondToToolApproval: async (response: Parameters<NonNullable<CodexExternalStore["onRespondToToolApproval"]>>[0]) => {
        const { approvals: open, requests: asked } = latest.current;
        const isAnswered = (row: Parameters<typeof codexRequestKey>[0]) => codexRequestKey(row) === response.approvalId;
        // Every approval is among the requests too.
        const approval = open.results.find(isAnswered);
        const question = asked.results.find((row) => row.kind === "question" && isAnswered(row));
        if (approval !== undefined) await open.decide(approval, decisionOf(approval, response));
        else if (question !== undefined) await asked.answerQuestions(question, answersOf(response));
        else throw new Error("it does not wait any more");
      },
    }),
    [latest, hold, begin, hasQueue],
  );

  const isRunning = status === "submitted" || status === "streaming";
  const isLoading = messages.status === "LoadingFirstPage";
  const hasEarlier = messages.status === "CanLoadMore" || messages.status === "LoadingMore";
  const shownQueue = hasQueue ? queue : undefined;
  return useMemo(
    () => ({ messages: converted.messages, convertMessage: same, isRunning, isLoading, hasEarlier, queue: shownQueue, ...calls }),
    [converted.messages, isRunning, isLoading, hasEarlier, shownQueue, calls],
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
  const store = useCodexExternalStore(codex, { queue: !("queue" in own) });
  const added = useSame(Object.entries(own).flat());
  // What is added stands for the options: their object may be new at every render.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  return useExternalStoreRuntime(useMemo(() => ({ ...store, ...own }), [store, added]));
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
