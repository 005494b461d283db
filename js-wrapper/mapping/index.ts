export type { CodexStreamDeltaLike } from "./deltas.js";
export { codexMessageKey } from "./key.js";
export { mergeCodexMessages, toCodexUIMessage } from "./merge.js";
export type { CodexMergedMessages } from "./merge.js";
export { EMPTY_OVERLAY, foldOverlay, overlayOf } from "./overlay.js";
export type { CodexLiveMessage, CodexLiveText, CodexOverlay } from "./overlay.js";
export { aggregateCodexReasoningSegments, extractCodexReasoningOverlaySegments } from "./reasoning.js";
export type {
  CodexOverlayReasoningSegment,
  CodexReasoningChannel,
  CodexReasoningOptions,
  CodexReasoningOverlaySegment,
  CodexReasoningSegmentLike,
} from "./reasoning.js";
export { shownSha256Of } from "./shown.js";
export { extractCodexOverlayMessages, mergeCodexDurableAndStreamMessages } from "./stream-messages.js";
export type { CodexOverlayMessage } from "./stream-messages.js";
export type {
  CodexDurableMessageLike,
  CodexMessageRole,
  CodexMessageStatus,
  CodexStreamArgs,
  CodexStreamCursor,
  CodexStreamHole,
  CodexStreamInfo,
  CodexStreamsResult,
  CodexStreamText,
  CodexStreamWindow,
  CodexTailedText,
  CodexTextChannel,
  CodexThreadStatus,
  CodexUIMessage,
} from "./types.js";
