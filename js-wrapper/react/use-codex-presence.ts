import type { FunctionArgs, FunctionReference } from "convex/server";
import { useMemo } from "react";
import type { CodexMachine, CodexPresence, CodexPresenceThread, CodexThreadState } from "../host/component.js";
import {
  codexIngestHealth,
  codexLogin,
  codexPresentThreads,
  codexReach,
  type CodexIngestHealth,
  type CodexPresentThread,
  type CodexReach,
} from "./presence-words.js";
import { useStableSubscription } from "./subscription.js";
import { useAnswer } from "./use-answer.js";

/** A host query for {@link useCodexPresence} and {@link useCodexAccount}. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type CodexMachinesQuery = FunctionReference<"query", "public", any, CodexMachine[]>;

/** A host query for {@link useCodexThreadPresence} and {@link useCodexIngestHealth}. */
export type CodexPresenceQuery = FunctionReference<"query", "public", { threadId?: string | undefined; runtimeId?: string | undefined }, CodexPresence>;

/** How a hook of one query stands. */
export interface CodexAsked {
  readonly isLoading: boolean;
  /** The query failed. It stays subscribed, and recovers when the server does. */
  readonly error: Error | undefined;
}

/** What {@link useCodexPresence} returns. */
export interface UseCodexPresenceResult extends CodexAsked {
  /** The one that beat last first. */
  readonly machines: readonly CodexMachine[];
  /** What machines tell of their threads, by `threadId`. */
  readonly threads: ReadonlyMap<string, CodexPresentThread>;
}

const NO_MACHINES: readonly CodexMachine[] = [];

/**
 * Follows the user's machines: what each does, and what it tells of its threads.
 *
 * @param query The host's query, e.g. `api.chat.listPresence`.
 * @param args Its arguments, or `"skip"`.
 * @returns The machines, and their threads by id.
 *
 * @example
 * ```tsx
 * const presence = useCodexPresence(api.chat.listPresence, {});
 * const runs = presence.threads.get(threadId)?.turnId !== undefined;
 * ```
 */
export function useCodexPresence<Query extends CodexMachinesQuery>(query: Query, args: FunctionArgs<Query> | "skip"): UseCodexPresenceResult {
  const { data, isLoading, error } = useAnswer<CodexMachine[]>(useStableSubscription(query, args));
  const machines = data ?? NO_MACHINES;
  return useMemo(() => ({ machines, threads: codexPresentThreads(machines), isLoading, error }), [machines, isLoading, error]);
}

/** What {@link useCodexAccount} returns. */
export interface UseCodexAccountResult extends CodexAsked {
  /** `in` where a machine that is here is signed in, `out` where one is signed out and none is in. */
  readonly login: CodexMachine["login"];
  /** Each machine that is here. */
  readonly machines: readonly Pick<CodexMachine, "runtimeId" | "deviceId" | "login">[];
}

/**
 * Follows whether codex is signed in, as the machines that are here tell it. Who is signed in stays on the machine.
 *
 * @param query The host's query, e.g. `api.chat.listPresence`.
 * @param args Its arguments, or `"skip"`.
 *
 * @example
 * ```tsx
 * const { login } = useCodexAccount(api.chat.listPresence, {});
 * ```
 */
export function useCodexAccount<Query extends CodexMachinesQuery>(query: Query, args: FunctionArgs<Query> | "skip"): UseCodexAccountResult {
  const { machines, isLoading, error } = useCodexPresence(query, args);
  return useMemo(() => {
    const here = machines.filter(({ away }) => !away).map(({ runtimeId, deviceId, login }) => ({ runtimeId, deviceId, login }));
    return { login: codexLogin(machines), machines: here, isLoading, error };
  }, [machines, isLoading, error]);
}

/** What {@link useCodexThreadPresence} returns: the five words, and one for all of them. Undefined while it loads. */
export interface UseCodexThreadPresenceResult extends CodexAsked {
  readonly presence: CodexPresence | undefined;
  readonly reach: CodexReach | undefined;
  /** What the machine tells of the thread. */
  readonly current: CodexPresenceThread | undefined;
}

/**
 * Follows whether what is sent to a thread arrives.
 *
 * @param query The host's query, e.g. `api.chat.getPresence`.
 * @param args Its arguments, or `"skip"`.
 *
 * @example
 * ```tsx
 * const { reach } = useCodexThreadPresence(api.chat.getPresence, { threadId });
 * const hint = reach === "away" ? "Your machine is away: what you send waits for it." : "";
 * ```
 */
export function useCodexThreadPresence<Query extends CodexPresenceQuery>(query: Query, args: FunctionArgs<Query> | "skip"): UseCodexThreadPresenceResult {
  const { data, isLoading, error } = useAnswer<CodexPresence>(useStableSubscription(query, args));
  return useMemo(() => ({ presence: data, reach: data && codexReach(data), current: data?.current, isLoading, error }), [data, isLoading, error]);
}

/** What {@link useCodexIngestHealth} returns; undefined while it loads. */
export interface UseCodexIngestHealthResult extends CodexAsked {
  readonly health: CodexIngestHealth | undefined;
}

/**
 * Follows whether what is shown of a thread is what its machine does now, or how far it is behind.
 *
 * @param query The host's query, e.g. `api.chat.getPresence`.
 * @param args Its arguments, or `"skip"`.
 * @param state What `useCodexThreadState` returns, where the page has it: it tells a turn that its machine left in the middle.
 *
 * @example
 * ```tsx
 * const { health } = useCodexIngestHealth(api.chat.getPresence, { threadId });
 * const hint = health?.status === "catchingUp" ? `catching up, ${health.behind} behind` : "";
 * ```
 */
export function useCodexIngestHealth<Query extends CodexPresenceQuery>(
  query: Query,
  args: FunctionArgs<Query> | "skip",
  state?: Pick<CodexThreadState, "activeStreams"> | null,
): UseCodexIngestHealthResult {
  const { data, isLoading, error } = useAnswer<CodexPresence>(useStableSubscription(query, args));
  return useMemo(() => ({ health: data && codexIngestHealth(data, state), isLoading, error }), [data, state, isLoading, error]);
}
