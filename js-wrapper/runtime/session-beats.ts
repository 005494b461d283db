import { SYSTEM_CLOCK, type Clock } from "../clock.js";

/** Milliseconds from a beat of a session to the next; a batch that arrives counts as one. SOURCE: `src/limits.rs`, SESSION_BEAT_MS. */
export const SESSION_BEAT_EVERY_MS = 15_000;

/** What {@link SessionBeats} is made of. */
interface SessionBeatsOptions {
  /** The threads in which a turn runs. */
  readonly running: () => readonly string[];
  /** Refreshes a thread's session. What it throws is its own: the next beat comes at its time. */
  readonly beat: (threadId: string) => Promise<unknown>;
  readonly clock?: Clock | undefined;
}

/**
 * Keeps the sessions fresh of threads in which a turn runs and says nothing: one that waits for somebody's answer for more than a day
 * would be ended as silent.
 */
export class SessionBeats {
  readonly #options: SessionBeatsOptions;
  readonly #clock: Clock;
  /** Threads of which a batch has arrived since the last beat, and those whose beat is on its way. */
  #arrived = new Set<string>();
  readonly #beating = new Set<string>();
  #cancel: () => void = () => undefined;

  constructor(options: SessionBeatsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** Beats from now on, the first time after 15 s. */
  start(): void {
    this.#cancel = this.#clock.after(SESSION_BEAT_EVERY_MS, () => {
      this.start();
      this.#beat();
    });
  }

  /** A batch of the thread has arrived. */
  arrived(threadId: string): void {
    this.#arrived.add(threadId);
  }

  stop(): void {
    this.#cancel();
  }

  #beat(): void {
    const arrived = this.#arrived;
    this.#arrived = new Set();
    for (const threadId of this.#options.running()) {
      if (arrived.has(threadId) || this.#beating.has(threadId)) continue;
      this.#beating.add(threadId);
      const over = () => void this.#beating.delete(threadId);
      this.#options.beat(threadId).then(over, over);
    }
  }
}
