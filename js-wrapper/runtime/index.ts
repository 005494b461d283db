/** Codex and a thread in Convex, kept together by one process of the machine's: `createCodexHostRuntime`. For Node. */
export { AppServerCalls } from "./app-server-calls.js";
export { CodexRuntime, type CodexRuntimeOptions, createCodexRuntime } from "./codex-runtime.js";
export { CodexRuntimeError, type PassedOnCode, type RuntimeErrorCode } from "./errors.js";
export {
  type Beat,
  type CodexBridgeApi,
  type CodexBridgeClient,
  type CodexPersistence,
  type CodexPersistenceOptions,
  createConvexPersistence,
  type PersistedRequest,
} from "./persistence.js";
export { CodexHostRuntime, createCodexHostRuntime } from "./runtime.js";
export type { ServerRequest } from "./server-requests.js";
export type {
  CodexHostHandlers,
  CodexHostPersistence,
  CodexHostRuntimeOptions,
  CodexHostState,
  KindCount,
  RuntimeBridge,
  RuntimePhase,
  StartArgs,
} from "./types.js";
export { type Backlog, deleteOutbox, OutboxError, type OutboxErrorCode } from "../outbox/index.js";
