import type { CodexServerRequestView } from "convex-codex-local/react";
import { Visible } from "../items/visible.js";
import { stringOf } from "../payload.js";
import { RequestCard } from "./request-card.js";

export interface ElicitationCardProps {
  request: CodexServerRequestView;
  onDecline: () => void;
}

/** What an MCP server wants to know, and anything that this page has no form for: it can be seen, and declined. */
export function ElicitationCard({ request, onDecline }: ElicitationCardProps) {
  const { kind, method, params, isAnswering, answerError, answerCommandId } = request;
  const message = stringOf(params["message"]);
  const isElicitation = kind === "elicitation";
  return (
    <RequestCard
      title={isElicitation ? `${stringOf(params["serverName"]) ?? "A tool’s server"} asks` : `Codex waits for an answer (${method})`}
      failure={answerError?.message}
    >
      <div className="request-body" tabIndex={0} role="group" aria-label="What is asked">
        {message !== undefined && (
          <p>
            <Visible text={message} />
          </p>
        )}
        <details>
          <summary>All of it</summary>
          <pre className="request-command">
            <Visible text={JSON.stringify(params, null, 2)} />
          </pre>
        </details>
        <p className="aside">This page has no form for it: answer it at the machine, or decline.</p>
      </div>
      {isElicitation && (
        <div className="request-actions">
          <button
            type="button"
            className="secondary"
            disabled={isAnswering || answerCommandId !== undefined}
            onClick={onDecline}
          >
            Decline
          </button>
        </div>
      )}
    </RequestCard>
  );
}
