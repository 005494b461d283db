import type { FunctionReference, PaginationOptions } from "convex/server";
import type { Value } from "convex/values";
import { codexRequestKey } from "./request-item.js";
import type { OwnArgs } from "./types.js";
import { useMemo } from "react";
import type { CodexApproval, CodexApprovalDecision } from "../host/component.js";
import { shownSha256Of } from "../mapping/index.js";
import { decisionsOffered, wishDeclines } from "../protocol/decisions.js";
import { useAnswering, useWithAnswers, type Answering } from "./answering.js";
import { useCall, useLatest, type CallArgs } from "./calls.js";
import { paramsOf } from "./request-words.js";
import { useStableSubscription } from "./subscription.js";
import { useList } from "./use-list.js";
import type { UseListResult } from "./use-pages.js";

/** An approval as a host's query lists it: the seed's fields, and those of a host that says all of it. */
export type CodexApprovalRow = Pick<CodexApproval, "threadId" | "turnId" | "itemId" | "kind" | "createdAt"> & Partial<CodexApproval>;

/** What the host's query of approvals answers: a page, newest first. */
export interface CodexApprovalsPage<Row extends CodexApprovalRow = CodexApprovalRow> {
  page: Row[];
  isDone: boolean;
  continueCursor: string;
  /** The thread is not there (yet). */
  threadStatus?: "missing" | undefined;
}

/** A host query for {@link useCodexApprovals}. */
export type CodexApprovalsQuery = FunctionReference<
  "query",
  "public",
  { threadId?: string | undefined; paginationOpts: PaginationOptions },
  CodexApprovalsPage
>;

/** The arguments of a host query of approvals that are the app's to give. */
export type CodexApprovalsQueryArgs<Query extends CodexApprovalsQuery> = OwnArgs<Query, "paginationOpts">;

/** A host mutation that {@link useCodexApprovals} decides with. */
export type CodexApprovalRespondMutation = FunctionReference<
  "mutation",
  "public",
  { threadId: string; turnId: string; itemId: string; decision: unknown; shownSha256?: string | undefined },
  null
>;

/**
 * What is decided: the mutation's own arguments without the decision, or the approval as it was listed, with the app's own
 * arguments beside it where the mutation takes some, also one that has the name of a word of the row's (`kind`, `reason`, `method`) and
 * says something else. Of what has a `payloadJson`, its hash is sent as `shownSha256`.
 */
export type CodexApprovalRespondArgs<Respond extends CodexApprovalRespondMutation> = OwnArgs<Respond, "decision" | "shownSha256"> & { readonly shownSha256?: string | undefined; readonly payloadJson?: string | undefined };

/** An approval that waits, and how it stands with the answer that this page gave. */
export type CodexApprovalView<Query extends CodexApprovalsQuery = CodexApprovalsQuery> = RowOf<Query> & Answering;

type RowOf<Query extends CodexApprovalsQuery> = Query["_returnType"]["page"][number];

/** What {@link useCodexApprovals} returns: the result of `usePaginatedQuery`, and more. */
export type UseCodexApprovalsResult<
  Query extends CodexApprovalsQuery = CodexApprovalsQuery,
  Respond extends CodexApprovalRespondMutation = CodexApprovalRespondMutation,
> = UseListResult<CodexApprovalView<Query>> & {
  /** Lets it happen, once. */
  readonly accept: (args: CodexApprovalRespondArgs<Respond>) => Promise<null>;
  /** Lets it not happen; codex goes on. */
  readonly decline: (args: CodexApprovalRespondArgs<Respond>) => Promise<null>;
  /** Decides in the app-server's own words: one of {@link codexApprovalDecisions}, as `{ json: JSON.stringify(decision) }`. */
  readonly decide: (args: CodexApprovalRespondArgs<Respond>, decision: CodexApprovalDecision) => Promise<null>;
};

/** What a listed approval has beside what a mutation takes. */
const OF_THE_ROW = new Set(["createdAt", "payloadJson", "overruled", "isAnswering", "answerError", "answerCommandId"]);
/** Its words, which an app's own arguments may have the names of. */
const WORDS_OF_THE_ROW = new Set(["kind", "reason", "method"]);

/**
 * Follows the approvals that nobody has decided, live, and decides them.
 *
 * Whoever accepts says what was shown: pass the approval itself, and its hash goes with the decision. The first decision stands;
 * another one, from another page, is `E_APPROVAL_NOT_PENDING`. While an answer is on its way its approval `isAnswering`, and
 * what it failed with is its `answerError`. What did not change is the same object at the next render.
 *
 * @param query The host's query, e.g. `api.chat.listPendingApprovalsForHooks`.
 * @param args Its arguments without `paginationOpts`, or `"skip"`; without a `threadId` the approvals of all threads.
 * @param respondMutation The host's mutation, e.g. `api.chat.respondApprovalForHooks`.
 * @param options How many approvals to load first.
 * @returns The result of `usePaginatedQuery`, with `accept`, `decline` and `decide`; their promises reject with what was refused.
 *
 * @example
 * ```tsx
 * const { listPendingApprovalsForHooks, respondApprovalForHooks } = api.chat;
 * const approvals = useCodexApprovals(listPendingApprovalsForHooks, { threadId }, respondApprovalForHooks, { initialNumItems: 20 });
 * const [first] = approvals.results;
 * if (first !== undefined) await approvals.accept(first);
 * ```
 */
export function useCodexApprovals<Query extends CodexApprovalsQuery, Respond extends CodexApprovalRespondMutation>(
  query: Query,
  args: CodexApprovalsQueryArgs<Query> | "skip",
  respondMutation: Respond,
  options: { initialNumItems: number },
): UseCodexApprovalsResult<Query, Respond> {
  const subscription = useStableSubscription(query, args);
  const list = useList<RowOf<Query>, RowOf<Query>>(subscription, options.initialNumItems, codexRequestKey, same);
  const [states, follow] = useAnswering();
  const results = useWithAnswers(list.results, states, codexRequestKey);
  const listed = useLatest<readonly RowOf<Query>[]>(list.results);
  const call = useCall(respondMutation);

  const calls = useMemo(() => {
    const decide = (given: CodexApprovalRespondArgs<Respond>, decision: CodexApprovalDecision) => {
      const key = keyIn(listed.current, given as unknown as NamedApproval);
      const row = listed.current.find((one) => codexRequestKey(one) === key);
      return follow(key, async () => (await call?.(await respondArgs(given, row, decision))) as null);
    };
    return {
      accept: (given: CodexApprovalRespondArgs<Respond>) => decide(given, "accepted"),
      decline: (given: CodexApprovalRespondArgs<Respond>) => decide(given, "declined"),
      decide,
    };
  }, [call, follow, listed]);
  return useMemo(() => ({ ...list, results, ...calls }), [list, results, calls]);
}

/**
 * What can be decided, in the app-server's own words.
 *
 * @param approval as it was listed
 * @returns its `availableDecisions`; those of its method where it names none
 * @example
 * ```ts
 * const forSession = codexApprovalDecisions(approval).includes("acceptForSession");
 * ```
 */
export function codexApprovalDecisions({ method, payloadJson }: Pick<CodexApproval, "method" | "payloadJson">): unknown[] {
  return decisionsOffered(method, paramsOf(payloadJson));
}

async function respondArgs(given: object, row: object | undefined, decision: CodexApprovalDecision): Promise<CallArgs> {
  const { shownSha256, ...args } = given as Record<string, Value | undefined>;
  const words = row ?? args;
  const isOfRow = (name: string, value: Value) => OF_THE_ROW.has(name) || (WORDS_OF_THE_ROW.has(name) && (words as typeof args)[name] === value);
  const own = Object.entries(args).filter(([name, value]) => value !== undefined && !isOfRow(name, value));
  const shown = await shownOf(shownSha256, args["payloadJson"], decision);
  return { ...(Object.fromEntries(own) as CallArgs), decision, ...(shown !== undefined && { shownSha256: shown }) };
}

/** A page that is not served securely cannot hash; it can decline. */
async function shownOf(shownSha256: unknown, payloadJson: unknown, decision: CodexApprovalDecision): Promise<string | undefined> {
  if (typeof shownSha256 === "string") return shownSha256;
  return typeof payloadJson === "string" && !wishDeclines(decision) ? await shownSha256Of(payloadJson) : undefined;
}

/** What the mutation of an app names an approval by. */
type NamedApproval = Omit<CodexApprovalRow, "createdAt"> & { readonly createdAt?: number };

/** The key of the approval that is meant. What was named by hand has no time: it is the newest of that name that is listed. */
function keyIn(rows: readonly CodexApprovalRow[], given: NamedApproval): string {
  const { threadId, turnId, itemId, requestId, createdAt } = given;
  const isMeant = (row: CodexApprovalRow) =>
    row.threadId === threadId && row.turnId === turnId && row.itemId === itemId && (requestId === undefined || row.requestId === requestId);
  const found = createdAt === undefined ? rows.find(isMeant) : undefined;
  return codexRequestKey(found ?? (given as CodexApprovalRow));
}

function same<Row>(row: Row): Row {
  return row;
}
