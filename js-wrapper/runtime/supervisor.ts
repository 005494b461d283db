/** Milliseconds before a process that ended is started again: at first, and at most; doubled in between. */
export const RESTART_FIRST_MS = 500;
/** See {@link RESTART_FIRST_MS}. */
export const RESTART_MAX_MS = 30_000;
/** Restarts within {@link RESTARTS_WITHIN_MS} after which it is given up. */
export const RESTARTS_MAX = 10;
/** See {@link RESTARTS_MAX}. */
export const RESTARTS_WITHIN_MS = 5 * 60_000;

/** What a supervisor makes happen. */
export interface SupervisorActions {
  /** Starts the process. */
  start(): void;
  /** It ended too often; it is not started again by itself. */
  giveUp(): void;
  /** Milliseconds since 1970. */
  now(): number;
  /** At least 0, below 1. */
  random(): number;
}

/** Starts a process again that ends by itself: later each time, and not for ever. */
export class Supervisor {
  readonly #actions: SupervisorActions;
  /** When it was started again, the newest last. */
  #restarts: number[] = [];
  #delayMs = RESTART_FIRST_MS;
  #timer: NodeJS.Timeout | undefined;

  constructor(actions: SupervisorActions) {
    this.#actions = actions;
  }

  /** The process is there and answers: the next wait is a short one. What it has cost so far is remembered. */
  isReady(): void {
    this.#delayMs = RESTART_FIRST_MS;
  }

  /** The process ended by itself. @returns whether it will be started again */
  ended(): boolean {
    const now = this.#actions.now();
    this.#restarts = this.#restarts.filter((at) => now - at < RESTARTS_WITHIN_MS);
    if (this.#restarts.length >= RESTARTS_MAX) {
      this.#actions.giveUp();
      return false;
    }
    this.#restarts.push(now);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#actions.start(), this.#delayMs * (0.5 + this.#actions.random() / 2));
    this.#delayMs = Math.min(this.#delayMs * 2, RESTART_MAX_MS);
    return true;
  }

  /** Starts nothing any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
