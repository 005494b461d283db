import type { CodexThreadRow } from "convex-codex-local/react";
import { shortId } from "./format.js";

/** How a thread is called; what was first said in it, where it has no name. */
export function titleOf({
  threadId,
  parentThreadId,
  name,
  preview,
}: Pick<CodexThreadRow, "threadId"> & { [Told in "parentThreadId" | "name" | "preview"]?: string | undefined }): string {
  const title = (name ?? preview ?? "").replace(/\s+/g, " ").trim();
  return title === "" ? `${parentThreadId === undefined ? "Thread" : "Agent"} ${shortId(threadId)}` : title;
}
