import type { CodexServerRequestView, UseCodexMessagesResult, UseCodexServerRequestsResult } from "convex-codex-local/react";
import { codexRequestItem, codexRequestKey, useCodexApprovals, useCodexServerRequests } from "convex-codex-local/react";
import { useMemo } from "react";
import { api } from "../api.js";
import { hasMore, MoreButton } from "../more-button.js";
import { FailureLine } from "../notice.js";
import { useAnswer } from "../use-answer.js";
import { lostWords, requestTitle } from "./answer-state.js";
import { ApprovalCard } from "./approval-card.js";
import { approvalTitle } from "./approval.js";
import { ElicitationCard } from "./elicitation-card.js";
import { QuestionCard } from "./question-card.js";
import { secondsWords } from "./time-left.js";
import { MORE_MESSAGES } from "../thread/more-messages.js";
import { ToldRequests } from "./told-requests.js";
import { UnknownCard } from "./unknown-card.js";

const LISTED = 20;
const SECOND_MS = 1_000;

export interface RequestsProps {
  threadId: string;
  /** What a request is about is among them. */
  messages: Pick<UseCodexMessagesResult, "results" | "status" | "loadMore">;
}

/** What Codex waits for a person with, the one asked first on top. What an answer fails with stands on its card. */
export function Requests({ threadId, messages }: RequestsProps) {
  const { chat } = api;
  const args = { threadId };
  const approvals = useCodexApprovals(
    chat.listPendingApprovalsForHooks,
    args,
    chat.respondApprovalForHooks,
    { initialNumItems: LISTED },
  );
  const requests = useCodexServerRequests(chat.listPendingServerRequestsForHooks, args, chat.sendCommand);
  const others = useMemo(() => requests.results.filter(({ kind }) => kind !== "approval"), [requests.results]);
  const error = approvals.error ?? requests.error;
  const earlier = { status: messages.status, onMore: () => messages.loadMore(MORE_MESSAGES) };
  const waiting = [...approvals.results].reverse();
  const asking = [...others].reverse();
  const told = useMemo(
    () => [
      ...approvals.results.map((approval) => ({ key: codexRequestKey(approval), words: approvalTitle(approval) })),
      ...others.map((request) => ({ key: codexRequestKey(request), words: toldOf(request) })),
    ],
    [approvals.results, others],
  );
  return (
    <>
      <ToldRequests requests={told} />
      {error !== undefined && <FailureLine title="What Codex waits for could not be read" error={error} />}
      {waiting.length + asking.length > 0 && (
        <div className="requests" role="region" aria-label="Codex waits for you">
          {hasMore(approvals.status) && (
            <MoreButton status={approvals.status} onMore={() => approvals.loadMore(LISTED)}>
              More was asked before these
            </MoreButton>
          )}
          {waiting.map((approval) => (
            <ApprovalCard
              key={codexRequestKey(approval)}
              approval={approval}
              message={codexRequestItem(approval, messages.results)}
              earlier={earlier}
              onAccept={(one) => void approvals.accept(one).catch(shownOnCard)}
              onDecline={(one) => void approvals.decline(one).catch(shownOnCard)}
              onDecide={(one, decision) =>
                void approvals.decide(one, { json: JSON.stringify(decision) }).catch(shownOnCard)
              }
            />
          ))}
          {asking.map((request) => (
            <Asking key={codexRequestKey(request)} request={request} requests={requests} />
          ))}
        </div>
      )}
    </>
  );
}

/** A request that is no approval, and what became of the answer that this page gave. */
function Asking({ request, requests }: { request: CodexServerRequestView; requests: UseCodexServerRequestsResult }) {
  const { kind, answerCommandId } = request;
  const { data: command, error } = useAnswer(api.chat.getCommand, answerCommandId === undefined ? "skip" : { commandId: answerCommandId });
  const lost = lostWords(command);
  return (
    <>
      {kind === "question" ? (
        <QuestionCard
          request={request}
          lost={lost}
          onAnswer={(answers) => void requests.answerQuestions(request, answers).catch(shownOnCard)}
        />
      ) : kind === "elicitation" ? (
        <ElicitationCard
          request={request}
          lost={lost}
          onAccept={(content) => void requests.answerElicitation(request, "accept", content).catch(shownOnCard)}
          onDecline={() => void requests.answerElicitation(request, "decline").catch(shownOnCard)}
          onCancel={() => void requests.answerElicitation(request, "cancel").catch(shownOnCard)}
        />
      ) : (
        <UnknownCard request={request} />
      )}
      {error !== undefined && <FailureLine title="What became of your answer could not be read" error={error} />}
    </>
  );
}

/** What an answer fails with is on its card. */
const shownOnCard = () => undefined;

/** What those are told who do not see the card; of a time that runs how long it is, once. */
function toldOf(request: CodexServerRequestView): string {
  const { autoResolutionMs } = request;
  const title = requestTitle(request);
  return autoResolutionMs === undefined
    ? title
    : `${title}, and goes on without an answer after ${secondsWords(Math.round(autoResolutionMs / SECOND_MS))}`;
}
