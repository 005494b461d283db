/** The turns that run in this process's threads, as it knows by itself: Convex hears of them later. */

/** Turns of a thread that are remembered to have ended: an end may overtake the answer that names the turn. */
const ENDED_KEPT = 8;

interface Thread {
  running: string | undefined;
  /** A turn that runs, and that Convex may not have heard of. */
  untold: string | undefined;
  ended: string[];
  waiters: (() => void)[];
}

/** One turn of a thread runs at a time. */
export class TurnsInFlight {
  readonly #threads = new Map<string, Thread>();

  /** A turn runs, whoever began it. */
  started(threadId: string, turnId: string): void {
    const thread = this.#thread(threadId);
    if (thread.running === turnId || thread.ended.includes(turnId)) return;
    thread.running = turnId;
    thread.untold = turnId;
  }

  /** Codex took a turn that was sent as a command: Convex knows that it may run. */
  taken(threadId: string, turnId: string): void {
    const thread = this.#thread(threadId);
    if (!thread.ended.includes(turnId)) thread.running = turnId;
  }

  /** A turn has ended. A review's has two ids, and only one of them ends: whichever it is, nothing runs then. */
  ended(threadId: string, turnId: string): void {
    const thread = this.#thread(threadId);
    thread.ended = [...thread.ended, turnId].slice(-ENDED_KEPT);
    thread.running = undefined;
    thread.untold = undefined;
    this.release(threadId);
  }

  /** The turn that runs. */
  running(threadId: string): string | undefined {
    return this.#threads.get(threadId)?.running;
  }

  /** The turn that runs and that Convex may not have heard of. */
  untold(threadId: string): string | undefined {
    return this.#threads.get(threadId)?.untold;
  }

  /** Convex has heard of it. */
  told(threadId: string, turnId: string): void {
    const thread = this.#thread(threadId);
    if (thread.untold === turnId) thread.untold = undefined;
  }

  /** Resolves when a turn of the thread ends, or at {@link release}. */
  end(threadId: string): Promise<void> {
    return new Promise((resolve) => this.#thread(threadId).waiters.push(resolve));
  }

  /** Lets everybody go who waits for an end. */
  release(threadId: string): void {
    for (const wake of this.#thread(threadId).waiters.splice(0)) wake();
  }

  #thread(threadId: string): Thread {
    let thread = this.#threads.get(threadId);
    if (thread === undefined) {
      thread = { running: undefined, untold: undefined, ended: [], waiters: [] };
      this.#threads.set(threadId, thread);
    }
    return thread;
  }
}
