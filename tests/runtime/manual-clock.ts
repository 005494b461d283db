import type { Clock } from "../../js-wrapper/clock.js";

/** A clock that goes on when a test says so, and tells what still waits. `random` is 1 less nothing: waits are whole. */
export class ManualClock implements Clock {
  readonly #settle: () => Promise<void>;
  #nowMs = 1_000_000;
  #offMs = 0;
  #timers: { at: number; call: () => void }[] = [];

  /** @param until lets what a timer begins come as far as it can */
  constructor(until = settle) {
    this.#settle = until;
  }

  now(): number {
    return this.#nowMs + this.#offMs;
  }

  elapsed(): number {
    return this.#nowMs;
  }

  /** Sets the wall clock, as a time server does: timers go on. */
  step(ms: number): void {
    this.#offMs += ms;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#nowMs + ms, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  random(): number {
    return 1;
  }

  /** Timers that have not gone off. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** Goes on, from timer to timer, and lets what they begin come as far as it can. */
  async pass(ms: number): Promise<void> {
    await this.#settle();
    const end = this.#nowMs + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((left, right) => left.at - right.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = next.at;
      next.call();
      await this.#settle();
    }
    this.#nowMs = end;
  }
}

/** Lets promises that are resolved do what they begin. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
