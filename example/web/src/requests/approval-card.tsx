import type { CodexApprovalView, CodexUIMessage } from "convex-codex-local/react";
import { codexApprovalDecisions, parseCodexErrorCode } from "convex-codex-local/react";
import { useContext, useMemo } from "react";
import type { api } from "../api.js";
import { failureWords } from "../failure.js";
import { ReadersContext } from "../items/readers.js";
import { useWhole } from "../items/use-whole.js";
import { Visible } from "../items/visible.js";
import { ReadAll } from "../items/whole-text.js";
import { hasMore, MoreButton, type MoreButtonProps } from "../more-button.js";
import { isAboutItem, readApproval, type ApprovalSaid } from "./approval.js";
import { decisionWords, isStop } from "./approval-words.js";
import { CardChanges } from "./card-changes.js";
import { RequestCard } from "./request-card.js";
import { useSeen } from "./use-seen.js";

type Approval = CodexApprovalView<typeof api.chat.listPendingApprovalsForHooks>;

export interface ApprovalCardProps {
  approval: Approval;
  /** The item that it is about, as the transcript has it: a file change with its diff. */
  message: CodexUIMessage | undefined;
  /** Loads messages of before those that are loaded: the item may be among them. */
  earlier?: Pick<MoreButtonProps, "status" | "onMore">;
  onAccept: (approval: Approval) => void;
  onDecline: (approval: Approval) => void;
  onDecide: (approval: Approval, decision: unknown) => void;
}

/**
 * What Codex wants to do, exactly as it would be done, and the ways to answer. Nothing has the focus, and nothing can be accepted that is not
 * all here, and was not seen to its end.
 */
export function ApprovalCard({ approval, message, earlier, onAccept, onDecline, onDecide }: ApprovalCardProps) {
  const { method, payloadJson, reason, isAnswering } = approval;
  const item = useItem(approval, message, earlier);
  const said = useMemo(() => readApproval({ method, payloadJson, reason }, item.json), [method, payloadJson, reason, item.json]);
  const { end, isSeen } = useSeen(said);
  const decisions = codexApprovalDecisions(approval);
  const stop = decisions.find(isStop);
  const further = decisions.filter((decision) => decisionWords(decision) !== undefined);
  const canAccept = said.obstacle === undefined && isSeen && !isAnswering;
  return (
    <RequestCard title={said.title} failure={approval.answerError === undefined ? undefined : whyNot(approval.answerError)}>
      <div className="request-body" tabIndex={0} role="group" aria-label="What would be done">
        <What said={said} />
        {said.obstacle !== undefined && <p className="aside">{said.obstacle}</p>}
        {item.unread}
        {approval.overruled !== undefined && (
          <p className="aside">An earlier decision did not reach Codex: it asks again.</p>
        )}
        <div ref={end} className="request-end" />
      </div>
      <div className="request-actions">
        {stop !== undefined && (
          <button type="button" className="secondary request-stop" disabled={isAnswering} onClick={() => onDecide(approval, stop)}>
            Decline, and stop the turn
          </button>
        )}
        <button type="button" className="secondary" disabled={isAnswering} onClick={() => onDecline(approval)}>
          Decline
        </button>
        <button
          type="button"
          className="primary"
          disabled={!canAccept}
          title={said.obstacle ?? (isSeen ? undefined : "Scroll to its end first")}
          onClick={() => onAccept(approval)}
        >
          {said.accept}
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

/** The whole payload of the item that an approval is about, and what reads it where the list has it not, or not all of it. */
function useItem({ method, turnId, itemId }: Approval, message: CodexUIMessage | undefined, earlier: ApprovalCardProps["earlier"]) {
  const readers = useContext(ReadersContext);
  const isHere = message?.sourceItemType === "fileChange" && message.payloadTruncated !== true;
  // An item that is written anew is read anew: the stub of another one may look the same.
  const of = message === undefined ? "" : `${message.updatedAt} ${message.payloadJson ?? ""}`;
  const messageId = message?.messageId ?? itemId;
  const [reading, start] = useWhole((cursor) => readers?.payload({ turnId, messageId }, cursor) ?? Promise.resolve(null), of);
  if (!isAboutItem(method)) return { json: undefined, unread: null };
  if (isHere) return { json: message.payloadJson, unread: null };
  if (reading.name !== "read") return { json: undefined, unread: readers === null ? null : <ReadAll reading={reading} onStart={start} /> };
  const { text, isCut, status } = reading.whole;
  if (isCut) return { json: undefined, unread: null };
  if (status === "streaming") return { json: text, unread: null };
  // What has ended is another use of the item's id: no more is asked about it. Which one is meant only the list of messages says.
  const isFurtherUp = message === undefined && earlier !== undefined && hasMore(earlier.status);
  return { json: undefined, unread: isFurtherUp ? <MoreButton {...earlier}>Look for it among earlier messages</MoreButton> : null };
}

function What({ said }: { said: ApprovalSaid }) {
  const { network, command, cwd, changes, itemChanges, root, permissions, others, reason } = said;
  return (
    <>
      {network !== undefined && (
        <p className="request-where">
          to reach <code><Visible text={network.host} /></code> by <code><Visible text={network.protocol} /></code>
          {command !== undefined && <>, for this command:</>}
        </p>
      )}
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
      {changes.length > 0 && <CardChanges changes={changes} />}
      {itemChanges.length > 0 && (
        <>
          <p className="request-where">The change that it names says otherwise:</p>
          <CardChanges changes={itemChanges} />
        </>
      )}
      {root !== undefined && (
        <p className="request-where">
          and may write below <code><Visible text={root} /></code> until the session ends
        </p>
      )}
      {permissions !== undefined && (
        <>
          <p className="request-where">with these permissions:</p>
          <pre className="request-command">
            <Visible text={permissions} />
          </pre>
        </>
      )}
      {others !== "" && (
        <div className="request-reason">
          <span>It also says:</span>
          <pre className="request-others">
            <Visible text={others} />
          </pre>
        </div>
      )}
      {reason !== undefined && reason !== "" && (
        <p className="request-reason">
          <span>Codex says why:</span> <Visible text={reason} />
        </p>
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
