import { Backoff, pause, SYSTEM_CLOCK } from "../clock.js";
import type { NormalizedEvent } from "../protocol/index.js";

/** UTF-16 units of payloads that may wait before the bridge stops reading, and at which it reads on. */
export const WAITING_UNITS_MAX = 64 * 1024 * 1024;
const WAITING_UNITS_RESUME = WAITING_UNITS_MAX / 2;

/** Delivered events after which a queue is cut, so that one that never runs empty does not grow for ever. */
const DELIVERED_KEPT_MAX = 1_024;

/** Whom the events are for. */
interface DeliveryActions {
  /** Takes one event, at once where it gives no promise; a rejection means once more. */
  handle(event: NormalizedEvent): Promise<void> | void;
  /** An event was rejected; told once for each, however often it is. */
  rejected(event: NormalizedEvent, thrown: unknown): void;
  /** Too much waits (true), or no longer (false). */
  crowded(isCrowded: boolean): void;
}

interface ThreadQueue {
  /** Taken ones are undefined up to `next`. */
  readonly events: (NormalizedEvent | undefined)[];
  next: number;
}

/**
 * Hands events over one after another within a thread; threads do not wait for each other. A rejected event is tried
 * again with backoff, without end, and its thread waits for it.
 *
 * Nothing is on disk: what waits when the host process ends is lost.
 */
export class Delivery {
  readonly #actions: DeliveryActions;
  #queues = new Map<string, ThreadQueue>();
  #abandon = new AbortController();
  #waitingUnits = 0;
  #isCrowded = false;
  #idleWaiters: (() => void)[] = [];

  /** @param actions whom the events are for */
  constructor(actions: DeliveryActions) {
    this.#actions = actions;
  }

  /** Whether too much waits. */
  get isCrowded(): boolean {
    return this.#isCrowded;
  }

  /** Takes one event, to be handed over after those of its thread. */
  push(event: NormalizedEvent): void {
    this.#waitingUnits += event.payloadJson.length;
    this.#tellCrowd();
    const queue = this.#queues.get(event.threadId);
    if (queue !== undefined) {
      queue.events.push(event);
      return;
    }
    const begun: ThreadQueue = { events: [event], next: 0 };
    this.#queues.set(event.threadId, begun);
    void this.#drain(event.threadId, begun, this.#abandon.signal);
  }

  /**
   * Waits until everything was taken.
   *
   * @param timeoutMs milliseconds after which the rest is given up
   * @returns how many events were given up
   */
  async flush(timeoutMs: number): Promise<number> {
    if (this.#queues.size === 0) return 0;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([new Promise<void>((resolve) => this.#idleWaiters.push(resolve)), late]);
    clearTimeout(timer);
    return this.#giveUp();
  }

  #giveUp(): number {
    let lost = 0;
    for (const queue of this.#queues.values()) lost += queue.events.length - queue.next;
    this.#abandon.abort();
    this.#abandon = new AbortController();
    this.#queues = new Map();
    this.#idleWaiters = [];
    this.#waitingUnits = 0;
    this.#tellCrowd();
    return lost;
  }

  async #drain(threadId: string, queue: ThreadQueue, abandoned: AbortSignal): Promise<void> {
    for (;;) {
      const event = queue.events[queue.next];
      if (event === undefined) break;
      try {
        const taken = this.#actions.handle(event);
        if (taken !== undefined) await taken;
      } catch (thrown) {
        await this.#again(event, thrown, abandoned);
      }
      if (abandoned.aborted) return;
      queue.events[queue.next] = undefined;
      queue.next += 1;
      if (queue.next >= DELIVERED_KEPT_MAX) {
        queue.events.splice(0, queue.next);
        queue.next = 0;
      }
      this.#waitingUnits -= event.payloadJson.length;
      this.#tellCrowd();
    }
    this.#queues.delete(threadId);
    if (this.#queues.size > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  /** Hands over once more what was rejected, until it is taken. */
  async #again(event: NormalizedEvent, thrown: unknown, abandoned: AbortSignal): Promise<void> {
    if (abandoned.aborted) return;
    this.#actions.rejected(event, thrown);
    const backoff = new Backoff(SYSTEM_CLOCK);
    while (await pause(SYSTEM_CLOCK, backoff.next(), abandoned)) {
      try {
        await this.#actions.handle(event);
        return;
      } catch {
        // Told already.
      }
    }
  }

  #tellCrowd(): void {
    const isCrowded = this.#waitingUnits > (this.#isCrowded ? WAITING_UNITS_RESUME : WAITING_UNITS_MAX);
    if (isCrowded === this.#isCrowded) return;
    this.#isCrowded = isCrowded;
    this.#actions.crowded(isCrowded);
  }
}
