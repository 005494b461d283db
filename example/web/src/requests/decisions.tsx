import type { CodexDecisionView, CodexVerdict } from "convex-codex-local/react";
import { codexRequestKey, useCodexDecisions } from "convex-codex-local/react";
import { useId, useState } from "react";
import { api } from "../api.js";
import { failureWords } from "../failure.js";
import { formatTime } from "../format.js";
import { Visible } from "../items/visible.js";
import { hasMore, MoreButton } from "../more-button.js";
import { fields, stringOf, type Fields } from "../payload.js";
import { commandOf } from "./approval-words.js";

const LISTED = 20;

const VERDICT_WORDS: Record<CodexVerdict, string> = {
  accepted: "Accepted",
  declined: "Declined",
  cancelled: "Cancelled",
  answered: "Answered",
};

/** What became of a decision that Codex is not known to have; none where it has it. */
const FATE_WORDS: Partial<Record<CodexDecisionView["status"], [string]>> = {
  answering: ["on its way to Codex"],
  expired: ["expired: it may not have reached Codex"],
};

/** A button that opens who decided what in a thread. It is asked for while it is open. */
export function Decisions({ threadId }: { threadId: string }) {
  const id = useId();
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <button type="button" className="pill-button decisions-button" popoverTarget={id} aria-expanded={isOpen} title="Who decided what">
        <span>Decisions</span>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="m2 4.5 1.5 1.5L6 3M2 11l1.5 1.5L6 9.5M8.5 4.5h6M8.5 11h6" />
        </svg>
      </button>
      <section
        id={id}
        className="decisions"
        popover="auto"
        aria-label="Who decided what"
        onToggle={({ newState }) => setIsOpen(newState === "open")}
      >
        <h3>Who decided what</h3>
        {isOpen && <Listed threadId={threadId} />}
      </section>
    </>
  );
}

function Listed({ threadId }: { threadId: string }) {
  const { results, status, isLoading, error, loadMore } = useCodexDecisions(
    api.chat.listDecidedRequestsForHooks,
    { threadId },
    { initialNumItems: LISTED },
  );
  if (error !== undefined) return <p className="error">{failureWords(error)}</p>;
  if (results.length === 0) return <p className="aside">{isLoading ? "Loading …" : "Nothing was decided yet."}</p>;
  return (
    <ol>
      {results.map((decision) => (
        <li key={codexRequestKey(decision)}>
          <span className={`verdict verdict-${decision.verdict}`}>{VERDICT_WORDS[decision.verdict]}</span>
          <code>
            <Visible text={whatOf(decision)} />
          </code>
          <span className="who">{whoOf(decision)}</span>
        </li>
      ))}
      {hasMore(status) && (
        <li className="more-row">
          <MoreButton status={status} onMore={() => loadMore(LISTED)}>
            Earlier decisions
          </MoreButton>
        </li>
      )}
    </ol>
  );
}

/** What was asked, in a line. */
export function whatOf({ method, kind, params, asked, call, reason }: Pick<CodexDecisionView, "method" | "kind" | "params" | "asked" | "call" | "reason">): string {
  const said = commandOf(params) ?? hostOf(params) ?? asked[0]?.question ?? call?.tool ?? stringOf(params["message"]) ?? reason;
  if (said !== undefined && said !== "") return said;
  if (kind !== "approval") return method;
  if (method === "item/permissions/requestApproval") return "further permissions";
  return /^(?:item\/fileChange\/requestApproval|applyPatchApproval)$/.test(method) ? "a change of files" : method;
}

/** What of the network was to be reached. */
function hostOf({ networkApprovalContext }: Fields): string | undefined {
  const { host, protocol } = fields(networkApprovalContext);
  return typeof host === "string" ? `${host} by ${stringOf(protocol) ?? "the network"}` : undefined;
}

function whoOf({ decidedByDevice, decidedByPolicy, decidedAt, status }: CodexDecisionView): string {
  const who = decidedByPolicy === undefined ? `on ${decidedByDevice}` : `by the machine’s policy (${decidedByPolicy})`;
  return [who, formatTime(decidedAt), ...(FATE_WORDS[status] ?? [])].join(" · ");
}
