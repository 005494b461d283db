import { Backoff, type Clock, SYSTEM_CLOCK } from "../clock.js";

/** Milliseconds before a process that ended is started again: at first, and at most; doubled in between. */
export const RESTART_FIRST_MS = 500;
/** See {@link RESTART_FIRST_MS}. */
const RESTART_MAX_MS = 30_000;
/** Restarts within {@link RESTARTS_WITHIN_MS} after which it is given up. */
export const RESTARTS_MAX = 10;
/** See {@link RESTARTS_MAX}. */
export const RESTARTS_WITHIN_MS = 5 * 60_000;

/** What a supervisor makes happen. */
interface SupervisorActions {
  /** Starts the process. */
  start(): void;
  /** It ended too often; it is not started again by itself. */
  giveUp(): void;
}

/** Starts a process again that ends by itself: later each time, and not for ever. */
export class Supervisor {
  readonly #actions: SupervisorActions;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  /** When it was started again, the newest last. */
  #restarts: number[] = [];
  #cancelStart: () => void = () => undefined;

  constructor(actions: SupervisorActions, clock: Clock = SYSTEM_CLOCK) {
    this.#actions = actions;
    this.#clock = clock;
    this.#backoff = new Backoff(clock, RESTART_FIRST_MS, RESTART_MAX_MS);
  }

  /** The process is there and answers: the next wait is a short one. What it has cost so far is remembered. */
  isReady(): void {
    this.#backoff.reset();
  }

  /** The process ended by itself. @returns whether it will be started again */
  ended(): boolean {
    const now = this.#clock.elapsed();
    this.#restarts = this.#restarts.filter((at) => now - at < RESTARTS_WITHIN_MS);
    if (this.#restarts.length >= RESTARTS_MAX) {
      this.#actions.giveUp();
      return false;
    }
    this.#restarts.push(now);
    this.#cancelStart();
    this.#cancelStart = this.#clock.after(this.#backoff.next(), () => this.#actions.start());
    return true;
  }

  /** Starts nothing any more. */
  stop(): void {
    this.#cancelStart();
  }
}
