/** What the runtime tells of itself, so that clients see the present while events still arrive in order. */
import { SYSTEM_CLOCK, type Clock } from "../clock.js";
import type { Beat, CodexPersistence } from "./persistence.js";

/** Milliseconds from a beat to the next: four that are missed are an absence, and the end of every lease. */
export const BEAT_EVERY_MS = 15_000;

/** Milliseconds between two beats at least, however often the runtime changes. */
export const BEAT_GAP_MS = 1_000;

/** Threads that a beat tells of. SOURCE: `src/limits.rs`, PRESENCE_THREADS_MAX. */
const BEAT_THREADS_MAX = 64;

/** What a beat says of the runtime. */
export type Present = Pick<Beat, "phase" | "login" | "threads">;

/** What a {@link Heartbeat} is made of. */
export interface HeartbeatOptions {
  runtimeId: string;
  generation: number;
  persistence: Pick<CodexPersistence, "beat">;
  /** Asked for each beat. Of more than 64 threads the busiest are told. */
  tell: () => Present;
  /** Whether a command of the thread is at work: its lease is renewed only if the beat tells of the thread. */
  isAtWork?: ((threadId: string) => boolean) | undefined;
  /** Threads of which no lease is renewed: `Mailbox.mayLapse`. */
  letsLapse?: ((threadId: string) => boolean) | undefined;
  /** The server's clock, and how many commands wait to be leased. */
  onAnswer?: ((answer: Awaited<ReturnType<CodexPersistence["beat"]>>) => void) | undefined;
  /** A beat failed; the next one comes at its time. */
  onError?: ((thrown: unknown) => void) | undefined;
  clock?: Clock | undefined;
}

interface Waiter {
  resolve: () => void;
  reject: (reason: unknown) => void;
}

/**
 * Beats every 15 s, and when it is told that something changed; never twice at once. It waits for nothing else: a backlog of
 * events does not hold it up.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #clock: Clock;
  #isRunning = false;
  #isBeating = false;
  #isWanted = false;
  #beganAt = -Infinity;
  #cancelNext: (() => void) | undefined;
  #waiters: Waiter[] = [];

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** Beats from now on, the first time at once. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#want();
  }

  /** The phase, or what a turn does, changed: beats at once, or a second after the beat before. */
  changed(): void {
    if (this.#isRunning) this.#want();
  }

  /**
   * Beats as {@link changed} does.
   *
   * @returns when a beat that began after this call was answered; rejected where it failed, or none will be
   */
  tellNow(): Promise<void> {
    if (!this.#isRunning) return Promise.reject(new Error("the heartbeat is stopped"));
    const told = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    this.#want();
    return told;
  }

  /** Beats no more, from now on. The answer to a beat that is on its way is ignored. */
  stop(): void {
    this.#isRunning = false;
    this.#isWanted = false;
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    for (const { reject } of this.#waiters.splice(0)) reject(new Error("the heartbeat was stopped"));
  }

  #want(): void {
    if (this.#isBeating) this.#isWanted = true;
    else this.#beatAfter(BEAT_GAP_MS);
  }

  /** So long after the beat before. By the clock that runs on in the machine's sleep: where that was set back, no longer than from now. */
  #beatAfter(ms: number): void {
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    const waitMs = Math.min(ms, this.#beganAt + ms - this.#clock.now());
    if (waitMs <= 0) void this.#beat();
    else this.#cancelNext = this.#clock.after(waitMs, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    const { runtimeId, generation, persistence, tell, onAnswer, onError } = this.#options;
    this.#cancelNext = undefined;
    this.#isBeating = true;
    this.#isWanted = false;
    this.#beganAt = this.#clock.now();
    const waiters = this.#waiters.splice(0);
    try {
      const { threads, ...present } = tell();
      const answer = await persistence.beat({ runtimeId, generation, ...present, threads: this.#busiest(threads) });
      for (const { resolve } of waiters) resolve();
      if (this.#isRunning) onAnswer?.(answer);
    } catch (thrown) {
      for (const { reject } of waiters) reject(thrown);
      if (this.#isRunning) tellOf(onError, thrown);
    }
    this.#isBeating = false;
    this.#goOn();
  }

  #goOn(): void {
    if (this.#isRunning) this.#beatAfter(this.#isWanted ? BEAT_GAP_MS : BEAT_EVERY_MS);
  }

  #busiest(threads: Beat["threads"]): Beat["threads"] {
    const { letsLapse, isAtWork } = this.#options;
    const told = threads.map((thread) => (letsLapse?.(thread.threadId) === true ? { ...thread, letsLapse: true } : thread));
    if (told.length <= BEAT_THREADS_MAX) return told;
    const weight = ({ threadId, turnId, pendingRequests, outboxEvents }: Beat["threads"][number]) =>
      [Number(isAtWork?.(threadId) ?? false), Number(turnId !== undefined), pendingRequests, outboxEvents] as const;
    const weighed = told.map((thread) => ({ thread, weight: weight(thread) }));
    const byWeight = weighed.sort((left, right) => {
      const at = left.weight.findIndex((value, place) => value !== right.weight[place]);
      return at === -1 ? 0 : (right.weight[at] ?? 0) - (left.weight[at] ?? 0);
    });
    return byWeight.slice(0, BEAT_THREADS_MAX).map(({ thread }) => thread);
  }
}

/** A listener that throws ends nothing. */
function tellOf(listener: ((thrown: unknown) => void) | undefined, thrown: unknown): void {
  try {
    listener?.(thrown);
  } catch {
    // Nobody is left to be told.
  }
}
