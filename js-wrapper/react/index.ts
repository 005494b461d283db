"use client";

export { codexStatus, type CodexChatStatus, type CodexStatusInput } from "./status.js";
export { useCodexAutoResume } from "./use-codex-auto-resume.js";
export { useCodexMessages } from "./use-codex-messages.js";
export { useCodexReasoning } from "./use-codex-reasoning.js";
export { useCodexSmoothText, type CodexSmoothTextOptions } from "./use-codex-smooth-text.js";
export { useCodexStreamingMessages } from "./use-codex-streaming-messages.js";
export { useCodexStreamingReasoning } from "./use-codex-streaming-reasoning.js";
export { useCodexThreadState } from "./use-codex-thread-state.js";
export { useCodexThreads } from "./use-codex-threads.js";
export { codexTurnStatus, useCodexTurn } from "./use-codex-turn.js";
export type {
  CodexMessagesPage,
  CodexMessagesQuery,
  CodexMessagesQueryArgs,
  CodexReasoningPage,
  CodexReasoningQuery,
  CodexReasoningQueryArgs,
  CodexResumedDelta,
  CodexResumedStream,
  CodexResumedText,
  CodexResumeStreamQuery,
  CodexResumeStreamQueryArgs,
  CodexStreamsQuery,
  CodexStreamsQueryArgs,
  CodexThreadsPage,
  CodexThreadsQuery,
  CodexThreadsQueryArgs,
  CodexThreadStateQuery,
  CodexTurnMessagesQuery,
  CodexTurnStateQuery,
  CodexTurnStatus,
  UseCodexAutoResumeOptions,
  UseCodexAutoResumeResult,
  UseCodexMessagesOptions,
  UseCodexMessagesResult,
  UseCodexReasoningOptions,
  UseCodexReasoningResult,
  UseCodexStreamingMessagesResult,
  UseCodexStreamingOptions,
  UseCodexStreamingReasoningOptions,
  UseCodexStreamingReasoningResult,
  UseCodexThreadsResult,
  UseCodexTurnResult,
} from "./types.js";
export type {
  CodexMessageRole,
  CodexMessageStatus,
  CodexOverlayMessage,
  CodexReasoningChannel,
  CodexReasoningOverlaySegment,
  CodexReasoningSegmentLike,
  CodexStreamArgs,
  CodexStreamsResult,
  CodexThreadStatus,
  CodexUIMessage,
} from "../mapping/index.js";
export type { CodexThreadRow } from "../host/component.js";
export { isCodexError, parseCodexErrorCode, type CodexError, type CodexErrorCode, type CodexErrorData } from "../host/codex-error.js";
export { shownSha256Of } from "../mapping/index.js";
