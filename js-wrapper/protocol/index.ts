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
export type * from "./typed.js";
export type * from "./generated/types.js";
export * from "./generated/methods.js";
