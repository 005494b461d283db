import type { CodexUIMessage } from "convex-codex-local/react";
import { useCodexApprovals, useCodexServerRequests } from "convex-codex-local/react";
import { api } from "../api.js";
import { ApprovalCard } from "./approval-card.js";
import { ElicitationCard } from "./elicitation-card.js";
import { QuestionCard } from "./question-card.js";
import { UnknownCard } from "./unknown-card.js";

const LISTED = 20;

export interface RequestsProps {
  threadId: string;
  messages: readonly CodexUIMessage[];
}

/** What Codex waits for a person with, the one asked first on top. What an answer fails with stands on its card. */
export function Requests({ threadId, messages }: RequestsProps) {
  const { chat } = api;
  const approvals = useCodexApprovals(
    chat.listPendingApprovalsForHooks,
    { threadId },
    chat.respondApprovalForHooks,
    { initialNumItems: LISTED },
  );
  const requests = useCodexServerRequests(
    chat.listPendingServerRequestsForHooks,
    { threadId },
    chat.sendCommand,
  );
  const others = requests.results.filter(({ kind }) => kind !== "approval");
  if (approvals.results.length === 0 && others.length === 0) return null;
  const shownOnCard = () => undefined;
  return (
    <div className="requests" role="region" aria-label="Codex waits for you" aria-live="polite">
      {[...approvals.results].reverse().map((approval) => (
        <ApprovalCard
          key={`${approval.turnId} ${approval.itemId} ${approval.requestId} ${approval.createdAt}`}
          approval={approval}
          message={messages.find(({ turnId, messageId }) => turnId === approval.turnId && messageId === approval.itemId)}
          onAccept={(one) => void approvals.accept(one).catch(shownOnCard)}
          onDecline={(one) => void approvals.decline(one).catch(shownOnCard)}
          onDecide={(one, decision) =>
            void approvals.decide(one, { json: JSON.stringify(decision) }).catch(shownOnCard)
          }
        />
      ))}
      {[...others].reverse().map((request) => {
        const key = `${request.turnId} ${request.itemId} ${request.requestId} ${request.createdAt}`;
        if (request.kind === "question") {
          return (
            <QuestionCard
              key={key}
              request={request}
              onAnswer={(answers) => void requests.answerQuestions(request, answers).catch(shownOnCard)}
            />
          );
        }
        if (request.kind !== "elicitation") return <UnknownCard key={key} request={request} />;
        return (
          <ElicitationCard
            key={key}
            request={request}
            onAccept={(content) => void requests.answerElicitation(request, "accept", content).catch(shownOnCard)}
            onDecline={() => void requests.answerElicitation(request, "decline").catch(shownOnCard)}
            onCancel={() => void requests.answerElicitation(request, "cancel").catch(shownOnCard)}
          />
        );
      })}
    </div>
  );
}
