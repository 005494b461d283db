import { Backoff, pause, SYSTEM_CLOCK } from "../clock.js";
import { OutboxError } from "../outbox/index.js";
import { isRefusedByConvex } from "./errors.js";

/** What is asked of Convex again and again. */
interface ConvexRetryOptions {
  /** The runtime has stopped: nothing is tried any more. */
  readonly isOver: AbortSignal;
  /** What failed and is tried again, or was refused. */
  readonly failed: (thrown: unknown) => void;
}

/** Tries until Convex takes something or refuses it, or the runtime stops. */
export class ConvexRetry {
  readonly #options: ConvexRetryOptions;

  constructor(options: ConvexRetryOptions) {
    this.#options = options;
  }

  /**
   * Tries something until it succeeds; undefined where the runtime stops before.
   *
   * @param isWaitedFor whether a refusal will pass, and was told
   * @throws what Convex refuses it with; OutboxError `E_OUTBOX_OWNER_MISMATCH`
   */
  async insist<Value>(attempt: () => Promise<Value>, isWaitedFor: (thrown: unknown) => boolean = () => false): Promise<Value | undefined> {
    const { isOver, failed } = this.#options;
    const backoff = new Backoff(SYSTEM_CLOCK);
    while (!isOver.aborted) {
      try {
        return await attempt();
      } catch (thrown) {
        if (!isWaitedFor(thrown)) {
          // What is another user's stays so.
          if (isRefusedByConvex(thrown) || thrown instanceof OutboxError) throw thrown;
          failed(thrown);
        }
        if (!(await pause(SYSTEM_CLOCK, backoff.next(), isOver))) return undefined;
      }
    }
    return undefined;
  }

  /** As {@link insist}; what Convex refuses is told, and let be. */
  async again<Value>(attempt: () => Promise<Value>, isWaitedFor?: (thrown: unknown) => boolean): Promise<Value | undefined> {
    try {
      return await this.insist(attempt, isWaitedFor);
    } catch (thrown) {
      this.#options.failed(thrown);
      return undefined;
    }
  }
}
