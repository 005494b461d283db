/** Presence in one word, for what a page does with it. */
import type { CodexMachine, CodexPresence, CodexPresenceThread, CodexThreadState } from "../host/component.js";

/**
 * Whether what is sent to a thread arrives, and why not: `reachable`; `starting` (it is taken when codex is up); `elsewhere`
 * (another machine of the user's has the thread); `notLoaded` (no machine that is here has it); `signedOut` (codex has no login);
 * `stopped`, `failed` (the bridge on the machine); `away` (nothing was heard of it for 60 s); `never` (there is no machine).
 */
export type CodexReach = "reachable" | "starting" | "elsewhere" | "notLoaded" | "signedOut" | "stopped" | "failed" | "away" | "never";

/**
 * Puts the five words of a presence into one: the first thing that stands in the way.
 *
 * @param presence what `getPresence` answers, asked with the thread
 * @returns the word
 * @example
 * ```ts
 * const canSend = ["reachable", "starting", "elsewhere"].includes(codexReach(presence));
 * ```
 */
export function codexReach({ machine, bridge, codex, login, thread }: CodexPresence): CodexReach {
  if (machine !== "here") return machine;
  if (bridge === "stopped" || bridge === "failed") return bridge;
  if (codex === "down") return "stopped";
  if (codex === "starting") return "starting";
  if (login === "out") return "signedOut";
  if (thread === "here") return "reachable";
  return thread === "elsewhere" ? "elsewhere" : "notLoaded";
}

/**
 * Whether what is sent now has to wait: behind a turn, or for its machine. Such a turn is sent with `waitForMachine: true`: without
 * it, it is taken within ten minutes or not at all.
 *
 * @param known the turn that runs, whether turns wait already, and whether what is sent arrives, each as far as it is known
 * @returns true also while codex is starting
 * @example
 * ```ts
 * await codex.sendTurn("Go on.", { waitForMachine: codexSendWaits({ runningTurnId, reach }) });
 * ```
 */
export function codexSendWaits(known: { readonly runningTurnId?: string | undefined; readonly isQueued?: boolean | undefined; readonly reach?: CodexReach | undefined }): boolean {
  const { runningTurnId, isQueued = false, reach = "reachable" } = known;
  return runningTurnId !== undefined || isQueued || (reach !== "reachable" && reach !== "elsewhere");
}

/** A thread, as the machine that has it tells of it. */
export interface CodexPresentThread extends CodexPresenceThread {
  readonly runtimeId: string;
  readonly deviceId: string;
  /** Its machine has not beaten for 60 s: this is what it said last. */
  readonly away: boolean;
}

/**
 * The threads of all machines by their ids. Of a thread that several tell of, the one that is here counts, then the last that beat.
 *
 * @param machines what `listPresence` answers: the one that beat last first
 * @returns the threads, by `threadId`
 */
export function codexPresentThreads(machines: readonly CodexMachine[]): ReadonlyMap<string, CodexPresentThread> {
  const found = new Map<string, CodexPresentThread>();
  for (const { runtimeId, deviceId, away, threads } of machines) {
    for (const thread of threads) {
      const known = found.get(thread.threadId);
      if (known === undefined || (known.away && !away)) found.set(thread.threadId, { ...thread, runtimeId, deviceId, away });
    }
  }
  return found;
}

/**
 * Whether what is shown of a thread is what its machine does now: `live`; `catchingUp` (older events are still arriving); `cut` (the
 * machine is away in the middle of a turn: what is missing comes when it is back); `away`; `never`.
 */
export type CodexIngestStatus = "live" | "catchingUp" | "cut" | "away" | "never";

/** How it stands with the events of a thread. */
export interface CodexIngestHealth {
  readonly status: CodexIngestStatus;
  /** Events that are yet to arrive, as the machine's last beat had it. */
  readonly behind: number;
  /** When the first of them happened, by the machine's clock, in milliseconds since 1970. */
  readonly oldestEventAt: number | undefined;
}

/**
 * Tells whether the events of a thread arrive.
 *
 * @param presence what `getPresence` answers, asked with the thread
 * @param state what `threadSnapshot` answers, where the page has it: a stream that runs while its machine is away is `cut`
 */
export function codexIngestHealth(presence: CodexPresence, state?: Pick<CodexThreadState, "activeStreams"> | null): CodexIngestHealth {
  const { machine, current } = presence;
  const { behind = 0, catchingUp = false, oldestEventAt } = current ?? {};
  const isOpen = behind > 0 || current?.turnId !== undefined || (state?.activeStreams.length ?? 0) > 0;
  const status = machine === "here" ? (catchingUp ? "catchingUp" : "live") : machine === "away" && isOpen ? "cut" : machine;
  return { status, behind, oldestEventAt };
}

/**
 * How it stands with codex's login on the machines that are here.
 *
 * @param machines what `listPresence` answers
 * @returns `in` where one is signed in, `out` where one is signed out and none is in, `unknown` where none says
 */
export function codexLogin(machines: readonly Pick<CodexMachine, "login" | "away">[]): CodexMachine["login"] {
  const logins = machines.filter(({ away }) => !away).map(({ login }) => login);
  return logins.includes("in") ? "in" : logins.includes("out") ? "out" : "unknown";
}
