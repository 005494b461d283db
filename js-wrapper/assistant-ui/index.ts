"use client";

export { convertCodexMessages, NO_THREAD_MESSAGES, type CodexThreadMessages, type CodexThreadSource } from "./convert.js";
export type { CodexToolArtifact } from "./parts.js";
export {
  codexQueueItemStatus,
  convertCodexQueue,
  NO_QUEUE_ITEMS,
  type CodexQueueItem,
  type CodexQueueItems,
  type CodexQueueItemStatus,
  type CodexQueueSource,
} from "./queue.js";
export {
  useCodexAssistantRuntime,
  useCodexExternalStore,
  type CodexAssistantRuntimeOptions,
  type CodexExternalStore,
  type CodexExternalStoreOptions,
} from "./use-codex-external-store.js";
