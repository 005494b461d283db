import type { FunctionArgs, FunctionReference, PaginationOptions } from "convex/server";
import type { OwnArgs } from "./types.js";
import { useMemo } from "react";
import type { CodexThread, CodexTokenUsage } from "../host/component.js";
import { readObject } from "../protocol/fields.js";
import { useStableSubscription } from "./subscription.js";
import { useAnswer } from "./use-answer.js";
import type { CodexAsked } from "./use-codex-presence.js";
import { useListAndFirst } from "./use-list.js";
import type { UseListResult } from "./use-pages.js";

/** A host query for {@link useCodexThread}. */
export type CodexThreadQuery = FunctionReference<"query", "public", { threadId: string }, CodexThread | null>;

/** A thread with what codex says of it, read. */
export interface CodexThreadView extends CodexThread {
  /** Its goal, as the app-server says it. */
  readonly goal?: Readonly<Record<string, unknown>>;
  /** Its settings in force, as the app-server says them. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** What {@link useCodexThread} returns. */
export interface UseCodexThreadResult extends CodexAsked {
  /** Null where there is no such thread (yet), undefined while it loads. */
  readonly thread: CodexThreadView | null | undefined;
}

/**
 * Follows a thread: its name, tokens, goal, settings in force and newest warning.
 *
 * @param query The host's query, e.g. `api.chat.getThread`.
 * @param args Its arguments, or `"skip"`.
 *
 * @example
 * ```tsx
 * const { thread } = useCodexThread(api.chat.getThread, { threadId });
 * const title = thread?.name ?? "New thread";
 * ```
 */
export function useCodexThread<Query extends CodexThreadQuery>(query: Query, args: FunctionArgs<Query> | "skip"): UseCodexThreadResult {
  const { data, isLoading, error } = useAnswer<CodexThread | null>(useStableSubscription(query, args));
  const thread = useMemo(() => (data ? read(data) : data), [data]);
  return useMemo(() => ({ thread, isLoading, error }), [thread, isLoading, error]);
}

function read(thread: CodexThread): CodexThreadView {
  const [goal, settings] = [readObject(thread.goalJson ?? ""), readObject(thread.settingsJson ?? "")];
  return { ...thread, ...(goal !== undefined && { goal }), ...(settings !== undefined && { settings }) };
}

/** What a turn has used. */
export type CodexTurnUsage = { turnId: string; turnOrder: number; updatedAt: number } & CodexTokenUsage;

/** What the host's query of tokens answers: a page, newest first, and the thread's own. */
export interface CodexTokenUsagePage {
  page: CodexTurnUsage[];
  isDone: boolean;
  continueCursor: string;
  thread: null | (CodexTokenUsage & { updatedAt: number });
}

/** A host query for {@link useCodexTokenUsage}. */
export type CodexTokenUsageQuery = FunctionReference<"query", "public", { threadId: string; paginationOpts: PaginationOptions }, CodexTokenUsagePage>;

/** The arguments of a host query of tokens that are the app's to give. */
export type CodexTokenUsageQueryArgs<Query extends CodexTokenUsageQuery> = OwnArgs<Query, "paginationOpts">;

/** What {@link useCodexTokenUsage} returns: the result of `usePaginatedQuery` over turns, newest first, and the thread's own. */
export type UseCodexTokenUsageResult = UseListResult<CodexTurnUsage> & {
  /** Null where nothing was used yet, undefined while it loads. */
  readonly thread: CodexTokenUsagePage["thread"] | undefined;
  /** How full the model's context is, 0 to 1; undefined where that is not known. */
  readonly contextUsed: number | undefined;
};

/**
 * Follows what a thread and its turns have used.
 *
 * @param query The host's query, e.g. `api.chat.listTokenUsage`.
 * @param args Its arguments without `paginationOpts`, or `"skip"`.
 * @param options How many turns to load first.
 *
 * @example
 * ```tsx
 * const usage = useCodexTokenUsage(api.chat.listTokenUsage, { threadId }, { initialNumItems: 10 });
 * const total = usage.thread?.total.totalTokens ?? 0;
 * ```
 */
export function useCodexTokenUsage<Query extends CodexTokenUsageQuery>(
  query: Query,
  args: CodexTokenUsageQueryArgs<Query> | "skip",
  options: { initialNumItems: number },
): UseCodexTokenUsageResult {
  const subscription = useStableSubscription(query, args);
  const { list, first } = useListAndFirst<CodexTurnUsage, CodexTurnUsage>(subscription, options.initialNumItems, turnOf, same);
  const thread = (first as CodexTokenUsagePage | undefined)?.thread;
  return useMemo(() => ({ ...list, thread, contextUsed: thread ? codexContextUsed(thread) : undefined }), [list, thread]);
}

/**
 * How full the model's context is: what the last response took of what the model can hold.
 *
 * @param usage a thread's or a turn's
 * @returns 0 to 1; undefined where the model's window is not known
 */
export function codexContextUsed({ last, modelContextWindow }: CodexTokenUsage): number | undefined {
  if (modelContextWindow === undefined || modelContextWindow <= 0) return undefined;
  return Math.min(1, last.totalTokens / modelContextWindow);
}

function turnOf({ turnId }: CodexTurnUsage): string {
  return turnId;
}

function same(usage: CodexTurnUsage): CodexTurnUsage {
  return usage;
}
