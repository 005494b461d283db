export { CodexProtocolParseError, CodexProtocolSendError } from "./errors.js";
export type { NormalizedEvent } from "./events.js";
export type {
  ClassifiedMessage,
  ClientOutboundMessage,
  ClientOutboundWireMessage,
  CodexNotification,
  CodexRequest,
  CodexResponse,
  CodexRpcError,
  CodexWireMessage,
  RpcId,
  ServerInboundMessage,
} from "./messages.js";
export {
  classifyMessage,
  extractStreamId,
  extractThreadId,
  extractTurnId,
  isServerNotification,
  isServerRequest,
  normalizeEventKind,
} from "./classify.js";
export type { CanonicalMessageRole } from "./item.js";
export * from "./meaning.js";
export type { MessageOutcome } from "./outcome.js";
export { assertValidClientMessage, parseWireMessage } from "./wire.js";
export type * from "./typed.js";
export type * from "./generated/types.js";
export * from "./generated/methods.js";
