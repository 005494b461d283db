import { type NormalizedEvent, SERVER_REQUESTS } from "../protocol/index.js";
import type { StoredEvent } from "./store.js";

/** Events of a batch, their UTF-8 bytes, and the milliseconds that the oldest waits in a turn, and otherwise. */
export const BATCH_EVENTS_MAX = 100;
/** See {@link BATCH_EVENTS_MAX}. */
const BATCH_BYTES_MAX = 256 * 1024;
/** See {@link BATCH_EVENTS_MAX}. */
export const BATCH_WAIT_MS = 50;
/** See {@link BATCH_EVENTS_MAX}. */
const IDLE_WAIT_MS = 1_000;
/** UTF-8 bytes of an event that travels alone. */
const ALONE_BYTES_MIN = 1024 * 1024;

/** Events taken from the front after which a queue is cut. */
const TAKEN_KEPT_MAX = 1_024;

/** The kind of the event that says that a thread was taken back. */
const REVERTED = "thread/reverted";

/** An event that waits in memory. */
export interface Waiting extends StoredEvent {
  /** When it came, in milliseconds of `performance.now`, which nobody sets back; 0 for what was read from the disk, for that waited already. */
  readonly since: number;
  /** Which of this process's writes brought it to the disk; what an earlier process wrote is there. */
  written: number;
}

/**
 * The events of a thread that wait, in order, those in memory first: what is behind them lies on disk alone, and is counted.
 */
export class Lane {
  /** Events behind those in memory that lie on disk alone. */
  spilled = 0;
  #queue: Waiting[] = [];
  #taken = 0;
  #bytes = 0;

  /** Events in memory. */
  get length(): number {
    return this.#queue.length - this.#taken;
  }

  /** Their UTF-8 bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The first of them. */
  get first(): Waiting | undefined {
    return this.#queue[this.#taken];
  }

  get isEmpty(): boolean {
    return this.length === 0 && this.spilled === 0;
  }

  push(waiting: Waiting): void {
    this.#queue.push(waiting);
    this.#bytes += waiting.bytes;
  }

  /** When the next batch is due, in milliseconds as {@link Waiting.since}; none where nothing is in memory. */
  dueAt(): number | undefined {
    const oldest = this.#queue[this.#taken];
    if (oldest === undefined) return undefined;
    const isFull = this.length >= BATCH_EVENTS_MAX || this.#bytes >= BATCH_BYTES_MAX || this.spilled > 0;
    if (isFull) return oldest.since;
    let dueAt = Infinity;
    for (const { event, since } of this.#queue.slice(this.#taken)) {
      if (isUrgent(event)) return oldest.since;
      dueAt = Math.min(dueAt, since + (event.streamId === undefined ? IDLE_WAIT_MS : BATCH_WAIT_MS));
    }
    return dueAt;
  }

  /**
   * The next batch: an event at least, no more than one where that is large, and none behind one that takes the thread back, for that is
   * to be done first. It stays until it is dropped.
   */
  batch(): Waiting[] {
    let [end, bytes] = [this.#taken, 0];
    while (end < this.#queue.length && end - this.#taken < BATCH_EVENTS_MAX) {
      const waiting = this.#queue[end];
      if (waiting === undefined) break;
      const isAlone = waiting.bytes >= ALONE_BYTES_MIN;
      if (end > this.#taken && (isAlone || bytes + waiting.bytes > BATCH_BYTES_MAX)) break;
      end += 1;
      bytes += waiting.bytes;
      if (isAlone || waiting.event.kind === REVERTED) break;
    }
    return this.#queue.slice(this.#taken, end);
  }

  /** Lets go of the first events. */
  drop(count: number): void {
    for (const { bytes } of this.#queue.slice(this.#taken, this.#taken + count)) this.#bytes -= bytes;
    this.#taken += count;
    if (this.#taken < TAKEN_KEPT_MAX && this.#taken < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#taken);
    this.#taken = 0;
  }

  /** Puts another event into the place of the first one. */
  replaceFirst(waiting: Waiting): void {
    const { first } = this;
    if (first === undefined) return;
    this.#bytes += waiting.bytes - first.bytes;
    this.#queue[this.#taken] = waiting;
  }

  clear(): void {
    this.#queue = [];
    this.#taken = 0;
    this.#bytes = 0;
    this.spilled = 0;
  }
}

/** What somebody waits for: the end of a turn, and what the app-server asks. */
function isUrgent({ kind }: NormalizedEvent): boolean {
  return kind === "turn/completed" || kind === "serverRequest/resolved" || kind === REVERTED || Object.hasOwn(SERVER_REQUESTS, kind);
}
