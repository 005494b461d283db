/** Runtimes over the real component, with a stand-in for codex. */
import path from "node:path";
import { onTestFinished } from "vitest";
import { given } from "../../js-wrapper/given.js";
import { createCodexHostRuntime, type CodexHostRuntime } from "../../js-wrapper/runtime/runtime.js";
import type { CodexHostPersistence, CodexHostRuntimeOptions } from "../../js-wrapper/runtime/types.js";
import { api, OWNER, SESSION, type Component } from "../convex/build.js";

export const STAND_IN = path.join(import.meta.dirname, "stand-in-codex.mjs");

export const START = { actor: OWNER, sessionId: SESSION, externalThreadId: "mine" };

type Options = Partial<CodexHostRuntimeOptions> & { standIn?: object };

/** A runtime over the component, as {@link runtimeWith} makes one. */
export function runtimeOver(component: Component, options: Options = {}) {
  return runtimeWith(persistenceOver(component), options);
}

/** A runtime whose codex is the stand-in; `standIn` says what that does (see stand-in-codex.mjs). */
export function runtimeWith(persistence: CodexHostPersistence, { standIn = {}, ...options }: Options = {}) {
  const problems: { code: string; message: string }[] = [];
  const runtime: CodexHostRuntime = createCodexHostRuntime({
    persistence,
    bridge: { codexBin: process.execPath, args: [STAND_IN, JSON.stringify(standIn)] },
    handlers: { onProtocolError: ({ code, message }) => void problems.push({ code, message }) },
    ...options,
  });
  onTestFinished(() => runtime.stop());
  return { runtime, problems };
}

/** The component as its host's functions have it. */
export function persistenceOver(component: Component): CodexHostPersistence {
  const ensureThread: CodexHostPersistence["ensureThread"] = ({ actor, localThreadId, externalThreadId, parentThreadId }) =>
    component.mutation(api.threads.resolve, { actor, externalThreadId: externalThreadId ?? localThreadId!, localThreadId: localThreadId!, ...given({ parentThreadId }) });
  return {
    ensureThread,
    linkThread: ensureThread,
    forkThread: (args) => component.mutation(api.threads.fork, { ...args, localThreadId: args.newThreadId }),
    revertThread: (args) => component.mutation(api.threads.revert, args),
    ensureSession: (args) => component.mutation(api.sync.ensureSession, args),
    upsertPendingServerRequest: ({ actor, request }) => component.mutation(api.serverRequests.upsertPending, { actor, ...request }),
    resolvePendingServerRequest: (args) => component.mutation(api.serverRequests.resolve, args),
    ingestSafe: ({ deltas, ...args }) => {
      const streamDeltas = deltas.flatMap((event) => (event.type === "stream_delta" ? [{ ...withoutThread(event), type: "stream_delta" as const }] : []));
      const lifecycleEvents = deltas.flatMap((event) => (event.type === "lifecycle_event" ? [{ ...withoutThread(event), type: "lifecycle_event" as const }] : []));
      return component.mutation(api.sync.ingestSafe, { ...args, streamDeltas, lifecycleEvents });
    },
  };
}

const withoutThread = <Event extends { threadId?: string }>({ threadId: _, ...event }: Event): Omit<Event, "threadId"> => event;
