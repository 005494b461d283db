import type { FunctionReference, PaginationOptions } from "convex/server";
import type { CodexDecidedRequest } from "../host/component.js";
import { codexRequestKey } from "./request-item.js";
import { readCodexDecision, readCodexServerRequest, type CodexDecisionWords, type CodexServerRequestWords } from "./request-words.js";
import type { OwnArgs } from "./types.js";
import { useStableSubscription } from "./subscription.js";
import { useList } from "./use-list.js";
import type { UseListResult } from "./use-pages.js";

/** What the host's query of decisions answers: a page, newest decision first. */
export interface CodexDecisionsPage {
  page: CodexDecidedRequest[];
  isDone: boolean;
  continueCursor: string;
  /** The thread is not there (yet). */
  threadStatus?: "missing" | undefined;
}

/** A host query for {@link useCodexDecisions}. */
export type CodexDecisionsQuery = FunctionReference<"query", "public", { threadId: string; paginationOpts: PaginationOptions }, CodexDecisionsPage>;

/** The arguments of a host query of decisions that are the app's to give. */
export type CodexDecisionsQueryArgs<Query extends CodexDecisionsQuery> = OwnArgs<Query, "paginationOpts">;

/** A request that was decided: who decided, from which device or by which policy, when, what it asked, and what was decided. */
export type CodexDecisionView = CodexDecidedRequest & Omit<CodexServerRequestWords, "canAnswer"> & CodexDecisionWords;

/** What {@link useCodexDecisions} returns: the result of `usePaginatedQuery`, and more. */
export type UseCodexDecisionsResult = UseListResult<CodexDecisionView>;

/**
 * Follows what was decided in a thread, live, newest decision first: approvals, and the answers to questions and elicitations.
 *
 * `decidedBy`, `decidedByDevice`, `decidedAt` say who, where and when, `decidedByPolicy` what decided where no person did; `verdict`
 * what. `status` is `answering` until the machine has given it to codex, `expired` where the request ended first: codex may not have it. A decision that did not change is the same object at the next
 * render, and so is `results`. Nothing is thrown while rendering.
 *
 * @param query The host's query, e.g. `api.chat.listDecidedRequestsForHooks`.
 * @param args Its arguments without `paginationOpts`, or `"skip"`.
 * @param options How many decisions to load first.
 * @returns The result of `usePaginatedQuery`.
 *
 * @example
 * ```tsx
 * const decisions = useCodexDecisions(api.chat.listDecidedRequestsForHooks, { threadId }, { initialNumItems: 20 });
 * const declined = decisions.results.filter(({ verdict }) => verdict === "declined");
 * ```
 */
export function useCodexDecisions<Query extends CodexDecisionsQuery>(
  query: Query,
  args: CodexDecisionsQueryArgs<Query> | "skip",
  options: { initialNumItems: number },
): UseCodexDecisionsResult {
  const subscription = useStableSubscription(query, args);
  return useList(subscription, options.initialNumItems, codexRequestKey, viewOf);
}

function viewOf(row: CodexDecidedRequest): CodexDecisionView {
  const { kind, params, asked, call } = readCodexServerRequest(row);
  return { ...row, kind, params, asked, call, ...readCodexDecision(row) };
}
