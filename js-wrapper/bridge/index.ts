export { type BridgeConfig, type BridgeHandlers, type BridgeStats, CodexLocalBridge, type ListedTurn } from "./bridge.js";
export { type BridgeError, type BridgeErrorCode, CodexBridgeError } from "./errors.js";
export { redactTurn } from "./redact-turn.js";
export type { AppServerClientInfo as ClientInfo } from "../app-server/requests.js";
export {
  type ClassifiedMessage,
  type ClientOutboundWireMessage,
  CodexProtocolParseError,
  CodexProtocolSendError,
  type NormalizedEvent,
  type RpcId,
  type ServerInboundMessage,
} from "../protocol/index.js";
