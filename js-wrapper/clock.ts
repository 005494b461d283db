/** Time, as what waits and tries again has it: tests give it another. */
export interface Clock {
  /** Milliseconds since 1970, as the machine's owner or its time server has set them: they jump, back as well. */
  now(): number;
  /** Milliseconds since some time, which no setting of the clock moves: what lies between two of them has passed. A sleep of the machine may be left out. */
  elapsed(): number;
  /**
   * Calls once, later.
   *
   * @returns what takes the call back; no error where it was made already
   */
  after(ms: number, call: () => void): () => void;
  /** At least 0, below 1. */
  random(): number;
}

/** The machine's clock. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** Milliseconds before a call that failed is made again: at first, and at most; doubled in between. */
export const RETRY_FIRST_MS = 500;
/** See {@link RETRY_FIRST_MS}. */
export const RETRY_MAX_MS = 30_000;

/** Waits that grow from one to the next, each between half of it and all of it, so that many machines do not come back at once. */
export class Backoff {
  readonly #clock: Clock;
  readonly #firstMs: number;
  readonly #maxMs: number;
  #nextMs: number;

  constructor(clock: Clock, firstMs = RETRY_FIRST_MS, maxMs = RETRY_MAX_MS) {
    this.#clock = clock;
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#nextMs = firstMs;
  }

  /** The next wait, in milliseconds. */
  next(): number {
    const ms = this.#nextMs * (0.5 + this.#clock.random() / 2);
    this.#nextMs = Math.min(this.#nextMs * 2, this.#maxMs);
    return ms;
  }

  /** Begins again with the first. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

/**
 * Waits.
 *
 * @param signal ends the wait early
 * @returns whether it lasted to its end
 */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(false);
      return;
    }
    const end = (lasted: boolean) => () => {
      cancel();
      signal.removeEventListener("abort", onAbort);
      resolve(lasted);
    };
    const onAbort = end(false);
    const cancel = clock.after(ms, end(true));
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
