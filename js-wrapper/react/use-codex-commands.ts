import type { FunctionReference, PaginationOptions } from "convex/server";
import type { CodexCommand } from "../host/component.js";
import { toCommandView, type CodexCommandView } from "./command-words.js";
import type { OwnArgs } from "./types.js";
import { useStableSubscription } from "./subscription.js";
import { useList } from "./use-list.js";
import type { UseListResult } from "./use-pages.js";

/** What the host's query of commands answers: a page, newest first. */
export interface CodexCommandsPage {
  page: CodexCommand[];
  isDone: boolean;
  continueCursor: string;
  /** The thread is not there (yet). */
  threadStatus?: "missing" | undefined;
}

/** A host query for {@link useCodexCommands}. */
export type CodexCommandsQuery = FunctionReference<
  "query",
  "public",
  { threadId: string; open?: true | undefined; paginationOpts: PaginationOptions },
  CodexCommandsPage
>;

/** The arguments of a host query of commands that are the app's to give. */
export type CodexCommandsQueryArgs<Query extends CodexCommandsQuery> = OwnArgs<Query, "paginationOpts">;

/** What {@link useCodexCommands} returns: the result of `usePaginatedQuery`, and more. */
export type UseCodexCommandsResult = UseListResult<CodexCommandView>;

/**
 * Follows what was sent to the machine, live, and what became of it: newest first.
 *
 * Each command is `queued`, `leased`, `delivered`, then `accepted`, `refused`, `expired`, `cancelled` or `unknown`; `isOpen`,
 * `isFailed` and `isQueued` say what a page does with that, and `text` what a message says. Why it was refused is `code`. A
 * command that did not change is the same object at the next render, and so is `results`. Nothing is thrown while rendering.
 *
 * @param query The host's query, e.g. `api.chat.listCommands`.
 * @param args Its arguments without `paginationOpts`, or `"skip"`; with `open: true` those alone that are not at their end.
 * @param options How many commands to load first.
 * @returns The result of `usePaginatedQuery`.
 *
 * @example
 * ```tsx
 * const commands = useCodexCommands(api.chat.listCommands, { threadId, open: true }, { initialNumItems: 20 });
 * const waiting = commands.results.filter(({ isQueued }) => isQueued);
 * ```
 */
export function useCodexCommands<Query extends CodexCommandsQuery>(
  query: Query,
  args: CodexCommandsQueryArgs<Query> | "skip",
  options: { initialNumItems: number },
): UseCodexCommandsResult {
  const subscription = useStableSubscription(query, args);
  return useList(subscription, options.initialNumItems, idOf, toCommandView);
}

function idOf({ commandId }: CodexCommand): string {
  return commandId;
}
