import type { CodexServerRequestView } from "convex-codex-local/react";
import { Visible } from "../items/visible.js";
import { RequestCard } from "./request-card.js";

/** Something that this page has no form for: it can be seen. */
export function UnknownCard({ request: { method, params } }: { request: CodexServerRequestView }) {
  return (
    <RequestCard title={`Codex waits for an answer (${method})`} failure={undefined}>
      <div className="request-body" tabIndex={0} role="group" aria-label="What is asked">
        <details>
          <summary>All of it</summary>
          <pre className="request-command">
            <Visible text={JSON.stringify(params, null, 2)} />
          </pre>
        </details>
        <p className="aside">This page has no form for it: answer it at the machine.</p>
      </div>
    </RequestCard>
  );
}
