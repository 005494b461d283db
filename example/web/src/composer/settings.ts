import type { UseCodexThreadResult } from "convex-codex-local/react";

export const EFFORTS = ["minimal", "low", "medium", "high", "xhigh"] as const;
export type Effort = (typeof EFFORTS)[number];

/** Model and effort that are in force, as far as Codex said. */
export function settingsOf(thread: UseCodexThreadResult["thread"]): { model?: string; effort?: string } {
  const { settings = {} } = thread ?? {};
  const model = settings["model"] ?? thread?.model;
  const effort = settings["effort"] ?? settings["reasoningEffort"];
  return {
    ...(typeof model === "string" && { model }),
    ...(typeof effort === "string" && { effort }),
  };
}
