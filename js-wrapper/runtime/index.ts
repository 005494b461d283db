/**
 * Codex and a thread in Convex, kept together by one process of the machine's: `createCodexHostRuntime`, and everything of
 * `./host/convex`. For Node.
 */
export * from "../host/convex.js";
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
  type PersistedRequest as HostRuntimePersistedServerRequest,
} from "./persistence.js";
export type { RefusedCommand } from "./command-delivery.js";
export { CodexHostRuntime, createCodexHostRuntime } from "./runtime.js";
export type { ServerRequest } from "./server-requests.js";
export type {
  CodexHostHandlers,
  // The seed's names of these types.
  CodexHostHandlers as HostRuntimeHandlers,
  CodexHostPersistence,
  CodexHostPersistence as HostRuntimePersistence,
  CodexHostRuntimeOptions,
  CodexHostState,
  CodexHostState as HostRuntimeState,
  KindCount,
  RuntimeBridge,
  RuntimePhase,
  StartArgs,
  StartArgs as HostRuntimeStartArgs,
} from "./types.js";
export { type Backlog, deleteOutbox, OutboxError, type OutboxErrorCode } from "../outbox/index.js";
