import type { CodexServerRequestView } from "convex-codex-local/react";
import { NoForm } from "./no-form.js";
import { RequestCard } from "./request-card.js";

/** Something that this page has no form for: it can be seen. */
export function UnknownCard({ request: { method, params } }: { request: CodexServerRequestView }) {
  return (
    <RequestCard title={`Codex waits for an answer (${method})`} failure={undefined}>
      <div className="request-body" tabIndex={0} role="group" aria-label="What is asked">
        <NoForm params={params} instead="answer it at the machine" />
      </div>
    </RequestCard>
  );
}
