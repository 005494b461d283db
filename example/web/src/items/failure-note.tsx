import { useMemo } from "react";
import { describeFailure } from "../failure.js";
import { Visible } from "./visible.js";

/** What is shown of what Codex says, in UTF-16 units. */
const UNITS_MAX = 4_000;

const UNKNOWN = "Codex reported an error";

export interface FailureNoteProps {
  /** A turn's or a message's `error`, or the app-server's object. */
  error: unknown;
  /** `retry`: Codex tries again by itself, as a turn's `warning` says. `reason`: somebody stopped it. */
  kind?: "failure" | "retry" | "reason";
}

/**
 * An error, in words.
 *
 * ```tsx
 * {turn.warning !== undefined && <FailureNote error={turn.warning} kind="retry" />}
 * ```
 */
export function FailureNote({ error, kind = "failure" }: FailureNoteProps) {
  const { title, detail } = useMemo(() => describeFailure(error), [error]);
  const said = detail?.slice(0, UNITS_MAX);
  const words = title === undefined && said === undefined ? UNKNOWN : title;
  if (kind === "reason") return <p className="reason">{said === undefined ? `${words ?? UNKNOWN}.` : <Visible text={said} />}</p>;
  const isRetry = kind === "retry";
  return (
    <div className={isRetry ? "error retry" : "error"} role={isRetry ? "status" : undefined}>
      {isRetry && <p>Something went wrong on the way; Codex is trying again.</p>}
      {words !== undefined && <p>{words}.</p>}
      {said !== undefined && (
        <p className="said">
          <Visible text={said} />
        </p>
      )}
    </div>
  );
}
