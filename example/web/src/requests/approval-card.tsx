import type { CodexApprovalView, CodexUIMessage } from "convex-codex-local/react";
import { codexApprovalDecisions, parseCodexErrorCode, readCodexServerRequest } from "convex-codex-local/react";
import { useMemo } from "react";
import type { api } from "../api.js";
import { failureWords } from "../failure.js";
import { Item } from "../items/item.js";
import { Visible } from "../items/visible.js";
import { stringOf } from "../payload.js";
import { approvalWords, commandOf, decisionWords, type Fields } from "./approval-words.js";
import { RequestCard } from "./request-card.js";
import { useSeen } from "./use-seen.js";

type Approval = CodexApprovalView<typeof api.chat.listPendingApprovalsForHooks>;

/** UTF-8 bytes of a request over which it can only be declined. SOURCE: the component's limits; units are at most as many. */
const ACCEPTABLE_UNITS_MAX = 256 * 1024;

export interface ApprovalCardProps {
  approval: Approval;
  /** What it is about, as the transcript has it: a file change with its diff. */
  message: CodexUIMessage | undefined;
  onAccept: (approval: Approval) => void;
  onDecline: (approval: Approval) => void;
  onDecide: (approval: Approval, decision: unknown) => void;
}

/** What Codex wants to do, exactly as it would be done, and the ways to answer. Nothing has the focus, and nothing can be accepted that was not seen. */
export function ApprovalCard({ approval, message, onAccept, onDecline, onDecide }: ApprovalCardProps) {
  const { method, payloadJson } = approval;
  const { params } = useMemo(() => readCodexServerRequest({ method, payloadJson }), [method, payloadJson]);
  const words = approvalWords(method);
  const { end, isSeen } = useSeen();
  const decisions = codexApprovalDecisions(approval);
  const further = decisions.filter((decision) => decisionWords(decision) !== undefined);
  const isSmall = payloadJson.length <= ACCEPTABLE_UNITS_MAX;
  const canAccept = isSmall && isSeen && !approval.isAnswering;
  const reason = stringOf(params["reason"]) ?? approval.reason;
  return (
    <RequestCard
      title={words.title}
      failure={approval.answerError === undefined ? undefined : whyNot(approval.answerError)}
    >
      <div className="request-body" tabIndex={0} role="group" aria-label="What would be done">
        <What params={params} message={message} />
        {reason !== undefined && reason !== "" && (
          <p className="request-reason">
            <span>Codex says why:</span> <Visible text={reason} />
          </p>
        )}
        {!isSmall && <p className="aside">It is too large to be accepted from here: it can only be declined.</p>}
        {approval.overruled !== undefined && (
          <p className="aside">An earlier decision did not reach Codex: it asks again.</p>
        )}
        <div ref={end} className="request-end" />
      </div>
      <div className="request-actions">
        <button type="button" className="secondary" disabled={approval.isAnswering} onClick={() => onDecline(approval)}>
          Decline
        </button>
        <button
          type="button"
          className="primary"
          disabled={!canAccept}
          title={isSmall && !isSeen ? "Scroll to its end first" : undefined}
          onClick={() => onAccept(approval)}
        >
          {words.accept}
        </button>
        {further.length > 0 && (
          <details className="request-more">
            <summary>More</summary>
            {further.map((decision, i) => (
              <button
                key={i}
                type="button"
                className="secondary"
                disabled={!canAccept}
                onClick={() => onDecide(approval, decision)}
              >
                <Visible text={decisionWords(decision) ?? ""} />
              </button>
            ))}
            <p className="aside">The machine’s policy may refuse these from afar.</p>
          </details>
        )}
      </div>
    </RequestCard>
  );
}

function What({ params, message }: { params: Fields; message: CodexUIMessage | undefined }) {
  const command = commandOf(params);
  const cwd = stringOf(params["cwd"]);
  const root = stringOf(params["grantRoot"]);
  const permissions = params["permissions"] ?? params["additionalPermissions"];
  return (
    <>
      {command !== undefined && (
        <pre className="request-command">
          <Visible text={command} />
        </pre>
      )}
      {cwd !== undefined && (
        <p className="request-where">
          in <code><Visible text={cwd} /></code>
        </p>
      )}
      {message !== undefined && message.sourceItemType === "fileChange" && <Item message={message} />}
      {root !== undefined && (
        <p className="request-where">
          and may write below <code><Visible text={root} /></code> until the session ends
        </p>
      )}
      {permissions !== undefined && permissions !== null && (
        <pre className="request-command">
          <Visible text={JSON.stringify(permissions, null, 2)} />
        </pre>
      )}
    </>
  );
}

const WHY_NOT = new Map([
  ["E_APPROVAL_NOT_PENDING", "It was decided already, elsewhere."],
  ["E_APPROVAL_CHANGED", "What is asked has changed. Look at it once more."],
  ["E_APPROVAL_NOT_FOUND", "It is not asked any more."],
  ["E_COMMAND_NOT_ALLOWED", "The machine does not allow this from afar."],
]);

function whyNot(error: Error): string {
  return WHY_NOT.get(parseCodexErrorCode(error) ?? "") ?? failureWords(error);
}
