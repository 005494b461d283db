// Events on their way to Convex: batches in order, one mutation in flight, the same batch again until Convex has answered.
import { setTimeout as sleep } from "node:timers/promises";

const BATCH_EVENTS_MAX = 100;
/** A mutation's arguments have 16 MiB at most, and its writes too. */
const BATCH_UNITS_MAX = 2 * 1024 * 1024;
/** Lets tokens gather: a batch costs a call, however little is in it. */
const GATHER_MS = 50;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 10_000;

export class Outbox {
  #events = [];
  #sending;
  #stopped = false;

  /** @param {(batch: object[]) => Promise<void>} send rejects when the batch has to be sent again @param {(error: Error) => void} onRetry */
  constructor(send, onRetry) {
    this.send = send;
    this.onRetry = onRetry;
    this.stats = { events: 0, batches: 0, retries: 0 };
  }

  put(event) {
    if (this.#stopped) return;
    this.#events.push(event);
    this.#sending ??= this.#run();
  }

  /** Resolves once Convex has everything that was put. */
  async flushed() {
    while (this.#sending) await this.#sending;
  }

  /** Gives up what is not sent yet, and what still comes. */
  stop() {
    this.#stopped = true;
  }

  async #run() {
    while (this.#events.length > 0 && !this.#stopped) {
      await sleep(GATHER_MS);
      const batch = this.#next();
      if (!(await this.#deliver(batch))) break;
      this.#events.splice(0, batch.length);
      this.stats.batches += 1;
      this.stats.events += batch.length;
    }
    this.#sending = undefined;
  }

  /** Events of one thread, as many as a batch may have. */
  #next() {
    const [first] = this.#events;
    let units = 0;
    const fits = (event) => event.threadId === first.threadId && (units += event.payloadJson.length) <= BATCH_UNITS_MAX;
    const end = this.#events.slice(0, BATCH_EVENTS_MAX).findIndex((event) => !fits(event));
    return this.#events.slice(0, end < 0 ? BATCH_EVENTS_MAX : Math.max(end, 1));
  }

  /** True once Convex has it; false when it was stopped before. */
  async #deliver(batch) {
    for (let waitMs = RETRY_FIRST_MS; !this.#stopped; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      try {
        await this.send(batch);
        return true;
      } catch (error) {
        this.stats.retries += 1;
        this.onRetry(error);
        await sleep(waitMs * (0.5 + Math.random() / 2));
      }
    }
    return false;
  }
}
