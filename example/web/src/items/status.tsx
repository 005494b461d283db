import type { CodexMessageStatus } from "convex-codex-local/react";
import { formatDuration } from "../format.js";

export interface StatusProps {
  status: CodexMessageStatus;
  exitCode?: number | undefined;
  durationMs?: number | undefined;
  /** Somebody said no to it. */
  isDeclined?: boolean;
}

/** How a tool's call stands: running, or how it ended. Silent where all is as it should be. */
export function Status({ status, exitCode, durationMs, isDeclined = false }: StatusProps) {
  if (status === "streaming") {
    return (
      <span className="state state-running">
        <span className="lamp" />
        running
      </span>
    );
  }
  const isBad = status !== "completed" || (exitCode !== undefined && exitCode !== 0);
  return (
    <span className={isBad ? "state state-bad" : "state"}>
      {durationMs !== undefined && <span className="duration">{formatDuration(durationMs)}</span>}
      {exitCode !== undefined ? `exit ${exitCode}` : isBad && (isDeclined ? "declined" : status)}
    </span>
  );
}
