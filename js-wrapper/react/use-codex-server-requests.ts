import type { FunctionArgs, FunctionReference } from "convex/server";
import { useEffect, useMemo, useRef } from "react";
import type { CodexServerRequest } from "../host/component.js";
import { isSameRow } from "../mapping/identity.js";
import type { DynamicToolCallResponse, JsonValue, McpServerElicitationAction } from "../protocol/generated/types.js";
import { useAnswering, useWithAnswers, type Answering } from "./answering.js";
import { codexRequestKey } from "./request-item.js";
import { readCodexServerRequest, type CodexServerRequestWords } from "./request-words.js";
import { useStableSubscription } from "./subscription.js";
import { useAnswer } from "./use-answer.js";
import { useSendTo, type CodexSendMutation, type CodexSentCommand } from "./use-codex-send.js";

/** A host query for {@link useCodexServerRequests}. */
export type CodexServerRequestsQuery = FunctionReference<
  "query",
  "public",
  { threadId?: string | undefined; limit?: number | undefined },
  CodexServerRequest[]
>;

/** A request that waits, what it asks, and how it stands with the answer that this page gave. */
export type CodexServerRequestView = CodexServerRequest & CodexServerRequestWords & Answering;

/** What {@link useCodexServerRequests} returns. */
export interface UseCodexServerRequestsResult {
  /** Last changed first. */
  readonly results: CodexServerRequestView[];
  readonly isLoading: boolean;
  /** The query failed. It stays subscribed, and recovers when the server does. */
  readonly error: Error | undefined;
  /** Answers questions, each by its id with one answer or several. */
  readonly answerQuestions: (request: CodexServerRequest, answers: Readonly<Record<string, string | readonly string[]>>) => Promise<CodexSentCommand>;
  /** Answers an MCP server: `content` is what was filled in, for `accept`. */
  readonly answerElicitation: (request: CodexServerRequest, action: McpServerElicitationAction, content?: JsonValue) => Promise<CodexSentCommand>;
  /** Answers the call of a tool; see `useCodexDynamicTools`, which does so by itself. */
  readonly answerToolCall: (request: CodexServerRequest, response: DynamicToolCallResponse) => Promise<CodexSentCommand>;
  /** Answers with a `result` of the app-server's form, whatever the method. */
  readonly answer: (request: CodexServerRequest, result: object) => Promise<CodexSentCommand>;
}

const NOTHING: readonly CodexServerRequest[] = [];

/**
 * Follows what codex waits for, live: questions, tool calls and elicitations, which it answers, and approvals, which
 * `useCodexApprovals` decides.
 *
 * A request `isAnswering` until the server has the answer; it is listed until the machine has given it to codex, and its
 * `answerCommandId` says which of its thread's commands carries the answer there. `canAnswer` is false for approvals, and for questions for a secret, which are answered at the machine.
 *
 * @param query The host's query, e.g. `api.chat.listPendingServerRequestsForHooks`.
 * @param args Its arguments, or `"skip"`; without a `threadId` the requests of all threads.
 * @param sendMutation The host's mutation, e.g. `api.chat.sendCommand`. It gets the arguments of the query but `limit`, with the
 *   request's thread.
 * @returns The requests, and what answers them; its promises reject with what was refused.
 *
 * @example
 * ```tsx
 * const requests = useCodexServerRequests(api.chat.listPendingServerRequestsForHooks, { threadId }, api.chat.sendCommand);
 * const question = requests.results.find(({ kind, canAnswer }) => kind === "question" && canAnswer);
 * const first = question?.asked[0];
 * if (question && first) await requests.answerQuestions(question, { [first.id]: "yes" });
 * ```
 */
export function useCodexServerRequests<Query extends CodexServerRequestsQuery>(
  query: Query,
  args: FunctionArgs<Query> | "skip",
  sendMutation: CodexSendMutation,
): UseCodexServerRequestsResult {
  const subscription = useStableSubscription(query, args);
  const { data, isLoading, error } = useAnswer<CodexServerRequest[]>(subscription);
  const requests = useRequests(data ?? NOTHING);
  const [states, follow] = useAnswering();
  const results = useWithAnswers(requests, states, codexRequestKey);
  const send = useSendTo(sendMutation, subscription?.args ?? null);

  const calls = useMemo(() => {
    const answer = (request: CodexServerRequest, result: object) => follow(codexRequestKey(request), () => send(request, result));
    return {
      answer,
      answerQuestions: (request: CodexServerRequest, answers: Readonly<Record<string, string | readonly string[]>>) => {
        const given = Object.entries(answers).map(([id, one]) => [id, { answers: typeof one === "string" ? [one] : one }] as const);
        return answer(request, { answers: Object.fromEntries(given) });
      },
      answerElicitation: (request: CodexServerRequest, action: McpServerElicitationAction, content: JsonValue = null) =>
        answer(request, { action, content, _meta: null }),
      answerToolCall: (request: CodexServerRequest, { success, contentItems }: DynamicToolCallResponse) => answer(request, { success, contentItems }),
    };
  }, [follow, send]);
  return useMemo(() => ({ results, isLoading, error, ...calls }), [results, isLoading, error, calls]);
}

type Read = CodexServerRequest & CodexServerRequestWords;
type Known = ReadonlyMap<string, { readonly row: CodexServerRequest; readonly read: Read }>;

/** The requests with what they say. One that did not change is read once, and is the same object at the next render. */
export function useRequests(rows: readonly CodexServerRequest[]): readonly Read[] {
  const previous = useRef<Known>(new Map());
  const known = useMemo(
    () =>
      new Map(
        rows.map((row) => {
          const key = codexRequestKey(row);
          const was = previous.current.get(key);
          const isAsBefore = was !== undefined && isSameRow(was.row, row);
          return [key, isAsBefore ? was : { row, read: { ...row, ...readCodexServerRequest(row) } }] as const;
        }),
      ),
    [rows],
  );
  useEffect(() => {
    previous.current = known;
  }, [known]);
  return useMemo(() => Array.from(known.values(), ({ read }) => read), [known]);
}
