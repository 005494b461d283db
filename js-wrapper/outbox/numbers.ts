import { synthesizedEnd, TURN_ENDED } from "../bridge/turn-end.js";
import type { KnownNumbers } from "../bridge/numbering.js";
import { given } from "../given.js";
import type { NormalizedEvent } from "../protocol/index.js";
import type { StoredThread } from "./store.js";

/** Turns of a thread that have ended and are remembered: late output of theirs begins no turn. */
const ENDED_KEPT_MAX = 256;
/** Of these the newest that are kept on the disk, where that is asked for: they are written with every event. */
const ENDED_STORED_MAX = 8;

interface Turn {
  next: number;
  readonly idPrefix: string;
}

/** What of a thread outlives the process: how far its events are numbered, as they are seen, and what is kept with that. */
export class ThreadNumbers {
  readonly threadId: string;
  readonly index: number;
  readonly #turns: Map<string, Turn>;
  /** Those that have ended, the newest last, with their streams' next cursors. */
  readonly #ended: Map<string, number>;
  /** What whoever delivers keeps of the thread. */
  note: unknown;
  /** Why its events are not taken: whoever opens the folder next is told too. */
  notTaken: string | undefined;
  #nextLifecycle: number;

  constructor(threadId: string, index: number, known?: StoredThread) {
    this.threadId = threadId;
    this.index = index;
    this.note = known?.note;
    this.notTaken = known?.notTaken;
    this.#nextLifecycle = known?.nextLifecycle ?? 0;
    this.#turns = new Map(known?.turns.map(([turnId, next, idPrefix]) => [turnId, { next, idPrefix }]));
    this.#ended = new Map(known?.ended);
  }

  /** Sees an event, in the order in which they come. */
  see({ eventId, streamId, turnId, cursorStart, cursorEnd, kind }: NormalizedEvent): void {
    if (streamId === undefined || turnId === undefined) {
      this.#nextLifecycle = Math.max(this.#nextLifecycle, cursorEnd);
    } else if (kind === TURN_ENDED || this.#ended.has(turnId)) {
      this.#turns.delete(turnId);
      this.#ended.set(turnId, cursorEnd);
      const [oldest] = this.#ended.keys();
      if (this.#ended.size > ENDED_KEPT_MAX && oldest !== undefined) this.#ended.delete(oldest);
    } else {
      const turn = this.#turns.get(turnId);
      if (turn !== undefined) {
        turn.next = cursorEnd;
        return;
      }
      const idPrefix = eventId.slice(0, eventId.length - `:${streamId}:${String(cursorStart)}`.length);
      this.#turns.set(turnId, { next: cursorEnd, idPrefix });
    }
  }

  /** The end that the app-server did not say of each turn that has begun: it says nothing when it dies. */
  interruptions(nowMs: number): NormalizedEvent[] {
    return [...this.#turns].map(([turnId, { next, idPrefix }]) => {
      const { threadId } = this;
      const streamId = `${threadId}:${turnId}:0`;
      return {
        eventId: `${idPrefix}:${streamId}:${String(next)}`,
        ...{ threadId, turnId, streamId, cursorStart: next, cursorEnd: next + 1, kind: TURN_ENDED },
        payloadJson: synthesizedEnd(threadId, turnId, "interrupted"),
        createdAt: nowMs,
      };
    });
  }

  /** The turns that have begun and not ended. */
  open(): string[] {
    return [...this.#turns.keys()];
  }

  /** How its events are numbered on. */
  known(): KnownNumbers {
    return { ...this.stored(), ...(this.#ended.size === 0 ? {} : { ended: [...this.#ended] }) };
  }

  /** What is kept on the disk. @param keepsEnded of turns that have ended too */
  stored(keepsEnded = false): StoredThread {
    const turns = [...this.#turns].map(([turnId, { next, idPrefix }]) => [turnId, next, idPrefix] as const);
    const { threadId, index, note, notTaken } = this;
    const ended = keepsEnded ? [...this.#ended].slice(-ENDED_STORED_MAX) : undefined;
    return { threadId, index, nextLifecycle: this.#nextLifecycle, turns, ...given({ ended, note, notTaken }) };
  }
}
