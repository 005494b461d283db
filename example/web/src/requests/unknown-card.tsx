import type { CodexServerRequestView } from "convex-codex-local/react";
import { endOf, requestTitle } from "./answer-state.js";
import { NoForm } from "./no-form.js";
import { RequestCard } from "./request-card.js";

/** Something that this page has no form for: it can be seen. */
export function UnknownCard({ request }: { request: CodexServerRequestView }) {
  return (
    <RequestCard title={requestTitle(request)} failure={undefined} until={endOf(request)}>
      <div className="request-body" tabIndex={0} role="group" aria-label="What is asked">
        <NoForm params={request.params} instead="answer it at the machine" />
      </div>
    </RequestCard>
  );
}
