/** What a page shows before the server has said it. */
import type { OptimisticLocalStore } from "convex/browser";
import type { FunctionReference, PaginationOptions } from "convex/server";
import type { CodexDurableMessageLike, CodexStreamArgs } from "../mapping/index.js";
import type { CodexMessagesPage, CodexMessagesQuery } from "./types.js";

/** What {@link optimisticallySendCodexMessage} shows. */
export interface OptimisticCodexMessage {
  readonly threadId: string;
  readonly turnId: string;
  readonly text: string;
  /** The user's message; made of the turn's id where it is not given, and of the text where the turn has another such message. */
  readonly messageId?: string | undefined;
  /** Shows an empty message of the agent, too. */
  readonly includeAssistantPlaceholder?: boolean | undefined;
  readonly assistantPlaceholderId?: string | undefined;
}

interface CachedArgs {
  readonly threadId?: string;
  readonly paginationOpts?: PaginationOptions;
  readonly streamArgs?: CodexStreamArgs;
}

/** What a message was shown with first: Convex makes the change again for every answer of the server until the mutation's is there. */
interface Shown {
  readonly messageId: string;
  readonly at: number;
}

const shownFirst = new Map<string, Shown>();
/** Messages that are remembered, the newest: each is of a mutation that is on its way. */
const REMEMBERED_MAX = 50;

/** The id and the time of a message, the same whenever it is shown. */
function firstShown({ threadId, turnId, text, messageId }: OptimisticCodexMessage): Shown {
  const key = JSON.stringify([threadId, turnId, messageId ?? null, text]);
  const known = shownFirst.get(key);
  if (known !== undefined) return known;
  const made = `optimistic:${turnId}`;
  const isTaken = [...shownFirst.values()].some((shown) => shown.messageId === made);
  const shown = { messageId: messageId ?? (isTaken ? `${made}:${text}` : made), at: Date.now() };
  shownFirst.set(key, shown);
  const [oldest] = shownFirst.keys();
  if (shownFirst.size > REMEMBERED_MAX && oldest !== undefined) shownFirst.delete(oldest);
  return shown;
}

/**
 * Shows a message in the loaded pages before the server has it: for `withOptimisticUpdate`. It goes when the mutation is answered;
 * where codex's own row of the turn is there first, none is shown beside it. Until then it is the same message, with the same id and
 * time, whatever the server says meanwhile.
 *
 * @param query The host's query of messages that the page follows.
 * @returns The update of the local store, by what is sent.
 *
 * @example
 * ```tsx
 * const start = useMutation(api.chat.registerTurnStart).withOptimisticUpdate((store, { threadId, turnId, inputText: text }) =>
 *   optimisticallySendCodexMessage(api.chat.listThreadMessagesForHooks)(store, { threadId, turnId, text }),
 * );
 * ```
 */
export function optimisticallySendCodexMessage(query: CodexMessagesQuery) {
  return (store: OptimisticLocalStore, message: OptimisticCodexMessage): void => {
    const { threadId, turnId, text, messageId, includeAssistantPlaceholder = false, assistantPlaceholderId } = message;
    changePages(store, query, threadId, (page, opts) => {
      const isNewest = opts.cursor === null;
      const ofTurn = page.filter((row) => row.turnId === turnId);
      const isThere = ofTurn.some((row) => row.messageId === messageId || (row.role === "user" && row.text === text));
      if (!isNewest || isThere) return page;
      const { at: now, messageId: shownId } = firstShown(message);
      const orderInTurn = Math.max(-1, ...ofTurn.map((row) => row.orderInTurn)) + 1;
      const common = { turnId, createdAt: now, updatedAt: now, payloadJson: "{}" };
      const user: CodexDurableMessageLike = {
        ...common,
        ...{ messageId: shownId, role: "user", status: "completed", text, orderInTurn, sourceItemType: "userMessage" },
        completedAt: now,
      };
      const assistant: CodexDurableMessageLike = {
        ...common,
        ...{ messageId: assistantPlaceholderId ?? `${user.messageId}:answer`, role: "assistant", status: "streaming", text: "" },
        ...{ orderInTurn: orderInTurn + 1, sourceItemType: "agentMessage" },
      };
      return [...(includeAssistantPlaceholder ? [assistant] : []), user, ...page];
    });
  };
}

/**
 * Shows a turn's messages as interrupted before the server has said so.
 *
 * @param query The host's query of messages that the page follows.
 * @returns The update of the local store, by the turn.
 */
export function optimisticallyInterruptCodexTurn(query: CodexMessagesQuery) {
  return (store: OptimisticLocalStore, { threadId, turnId, reason }: { threadId: string; turnId: string; reason?: string | undefined }): void =>
    changePages(store, query, threadId, (page) => {
      const isCut = (row: CodexDurableMessageLike) => row.turnId === turnId && row.status === "streaming";
      if (!page.some(isCut)) return page;
      return page.map((row) => (isCut(row) ? { ...row, status: "interrupted", ...(reason !== undefined && { error: reason }) } : row));
    });
}

/** The loaded pages of a thread; what follows streams beside them is left alone. */
function changePages(
  store: OptimisticLocalStore,
  query: CodexMessagesQuery,
  threadId: string,
  change: (page: CodexDurableMessageLike[], opts: PaginationOptions) => CodexDurableMessageLike[],
): void {
  const untyped = query as FunctionReference<"query">;
  for (const { args, value } of store.getAllQueries(untyped) as { args: CachedArgs; value: CodexMessagesPage | undefined }[]) {
    const { paginationOpts, streamArgs } = args;
    if (value === undefined || args.threadId !== threadId) continue;
    if (streamArgs !== undefined && streamArgs.kind !== "followed") continue;
    if (paginationOpts === undefined || paginationOpts.numItems === 0) continue;
    const page = change(value.page, paginationOpts);
    if (page !== value.page) store.setQuery(untyped, args, { ...value, page });
  }
}
