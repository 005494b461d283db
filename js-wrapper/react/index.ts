"use client";

export { useCodexMessages } from "./use-codex-messages.js";
export { useCodexThreads } from "./use-codex-threads.js";
export type {
  CodexMessagesPage,
  CodexMessagesQuery,
  CodexMessagesQueryArgs,
  CodexThreadsPage,
  CodexThreadsQuery,
  CodexThreadsQueryArgs,
  UseCodexMessagesOptions,
  UseCodexMessagesResult,
  UseCodexThreadsResult,
} from "./types.js";
export type {
  CodexMessageRole,
  CodexMessageStatus,
  CodexStreamArgs,
  CodexStreamsResult,
  CodexThreadStatus,
  CodexUIMessage,
} from "../mapping/index.js";
export type { CodexThreadRow } from "../host/component.js";
export { isCodexError, parseCodexErrorCode, type CodexError, type CodexErrorCode, type CodexErrorData } from "../host/codex-error.js";
export { shownSha256Of } from "../mapping/index.js";
