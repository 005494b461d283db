"use client";

export { useCodexMessages } from "./use-codex-messages.js";
export type {
  CodexMessagesPage,
  CodexMessagesQuery,
  CodexMessagesQueryArgs,
  UseCodexMessagesOptions,
  UseCodexMessagesResult,
} from "./types.js";
export type {
  CodexMessageRole,
  CodexMessageStatus,
  CodexStreamArgs,
  CodexStreamsResult,
  CodexThreadStatus,
  CodexUIMessage,
} from "../mapping/index.js";
export { isCodexError, parseCodexErrorCode, type CodexError, type CodexErrorCode, type CodexErrorData } from "../host/codex-error.js";
export { shownSha256Of } from "../mapping/index.js";
