import type { UseCodexThreadResult } from "convex-codex-local/react";

const EFFORTS: readonly string[] = ["minimal", "low", "medium", "high", "xhigh"];

/** The efforts that are offered: which there are is the model's to say, and one that a thread has there is. */
export function effortsWith(inForce: string | undefined): readonly string[] {
  return inForce === undefined || EFFORTS.includes(inForce) ? EFFORTS : [...EFFORTS, inForce];
}

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
