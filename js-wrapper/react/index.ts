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
export { useCodexCommands } from "./use-codex-commands.js";
export type { CodexCommandsPage, CodexCommandsQuery, CodexCommandsQueryArgs, UseCodexCommandsResult } from "./use-codex-commands.js";
export { codexCommandText, isCodexCommandFailed, isCodexCommandOpen, joinCodexCommands, type CodexCommandView } from "./command-words.js";
export { codexPendingMessages, codexSaidBack, type CodexMessageCommand, type CodexPendingInput } from "./pending-messages.js";
export { useCodexSend } from "./use-codex-send.js";
export { stopCodexThread, type CodexStopOptions, type CodexStopped } from "./stop.js";
export type {
  CodexAskedRequest,
  CodexCommandActions,
  CodexCommandMutation,
  CodexCommandMutations,
  CodexSend,
  CodexSendArgs,
  CodexSendMutation,
  CodexSendOptions,
  CodexSentCommand,
  CodexSentTurn,
  CodexTurnSendOptions,
} from "./use-codex-send.js";
export { codexCommandIdAgain, type CodexInput, type CodexTurnSettings } from "./sending.js";
export { codexApprovalDecisions, useCodexApprovals } from "./use-codex-approvals.js";
export type {
  CodexApprovalRespondArgs,
  CodexApprovalRespondMutation,
  CodexApprovalRow,
  CodexApprovalsPage,
  CodexApprovalsQuery,
  CodexApprovalsQueryArgs,
  CodexApprovalView,
  UseCodexApprovalsResult,
} from "./use-codex-approvals.js";
export { useCodexDecisions } from "./use-codex-decisions.js";
export type {
  CodexDecisionsPage,
  CodexDecisionsQuery,
  CodexDecisionsQueryArgs,
  CodexDecisionView,
  UseCodexDecisionsResult,
} from "./use-codex-decisions.js";
export { useCodexServerRequests } from "./use-codex-server-requests.js";
export type { CodexServerRequestsQuery, CodexServerRequestView, UseCodexServerRequestsResult } from "./use-codex-server-requests.js";
export { codexRequestItem, codexRequestKey } from "./request-item.js";
export { codexApprovalDetails, readCodexDecision, readCodexServerRequest } from "./request-words.js";
export type { CodexDecisionWords, CodexQuestion, CodexServerRequestKind, CodexServerRequestWords, CodexToolCall, CodexVerdict } from "./request-words.js";
export { useCodexDynamicTools } from "./use-codex-dynamic-tools.js";
export type { CodexToolHandler, CodexToolHandlers, CodexToolResult, UseCodexDynamicToolsResult } from "./use-codex-dynamic-tools.js";
export { codexActivity, type CodexActivity, type CodexActivityInput, type CodexActivityKind } from "./activity.js";
export { useCodexActivity } from "./use-codex-activity.js";
export { codexIngestHealth, codexLogin, codexPresentThreads, codexReach, codexSendWaits } from "./presence-words.js";
export type { CodexIngestHealth, CodexIngestStatus, CodexPresentThread, CodexReach } from "./presence-words.js";
export { useCodexAccount, useCodexIngestHealth, useCodexPresence, useCodexThreadPresence } from "./use-codex-presence.js";
export type {
  CodexAsked,
  CodexMachinesQuery,
  CodexPresenceQuery,
  UseCodexAccountResult,
  UseCodexIngestHealthResult,
  UseCodexPresenceResult,
  UseCodexThreadPresenceResult,
} from "./use-codex-presence.js";
export { codexContextUsed, useCodexThread, useCodexTokenUsage } from "./use-codex-thread.js";
export type {
  CodexThreadQuery,
  CodexThreadView,
  CodexTokenUsagePage,
  CodexTokenUsageQuery,
  CodexTokenUsageQueryArgs,
  CodexTurnUsage,
  UseCodexThreadResult,
  UseCodexTokenUsageResult,
} from "./use-codex-thread.js";
export { optimisticallyInterruptCodexTurn, optimisticallySendCodexMessage, type OptimisticCodexMessage } from "./optimistic.js";
export { useCodexComposer, useCodexInterruptTurn } from "./use-codex-composer.js";
export type {
  CodexComposerOptions,
  CodexComposerSendArgs,
  CodexComposerTextArgs,
  CodexInterruptTurnMutation,
  CodexStartTurnMutation,
  UseCodexComposerResult,
} from "./use-codex-composer.js";
export { CodexProvider, useCodex, type CodexApi, type UseCodexResult } from "./use-codex.js";
