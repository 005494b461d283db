/** Where an event stands: the part of a NormalizedEvent that the bridge adds. */
export interface EventNumber {
  readonly eventId: string;
  /** Absent for a lifecycle event of the thread. */
  readonly streamId?: string;
  readonly cursorStart: number;
  readonly cursorEnd: number;
}

/** What the numbering needs to know of a message. */
export interface NumberedMessage {
  readonly threadId: string;
  readonly turnId?: string;
  readonly opensTurn: boolean;
  readonly endsTurn: boolean;
}

/** How far a thread was numbered before. */
export interface KnownNumbers {
  readonly threadId: string;
  /** The number of its next lifecycle event. */
  readonly nextLifecycle: number;
  /** Turns that have not ended, with the cursors of their next events. */
  readonly turns: readonly (readonly [turnId: string, next: number, ...unknown[]])[];
}

interface TurnNumbers {
  /** The cursor that the turn's next event gets. */
  next: number;
  /** The generation whose process last showed the turn to be its own. */
  seenIn: number;
  ended: boolean;
}

/** No generation: they count from 1. */
const NEVER = 0;

interface ThreadNumbers {
  nextLifecycle: number;
  readonly turns: Map<string, TurnNumbers>;
}

/**
 * Numbers the events of one runtime: a turn's on the stream `${threadId}:${turnId}:0`, each stream from 0, every other
 * one as the thread's lifecycle event. It looks at no payload.
 *
 * A resumed or forked thread repeats events of turns that ended long ago, in processes that know nothing of them; so a
 * turn's event goes on the turn's stream only once this process has shown the turn to be its own.
 *
 * The numbers live in memory: they last as long as this object, over as many processes as it sees.
 */
export class Numbering {
  readonly #runtimeId: string;
  readonly #threads = new Map<string, ThreadNumbers>();
  #generation: number;

  /**
   * @param runtimeId names this numbering: no other one may ever use the same id
   * @param generation counts the starts of the bridge
   * @param known where it goes on; no turn of it is this generation's
   */
  constructor(runtimeId: string, generation: number, known: readonly KnownNumbers[] = []) {
    this.#runtimeId = runtimeId;
    this.#generation = generation;
    for (const { threadId, nextLifecycle, turns } of known) {
      const before = turns.map(([turnId, next]) => [turnId, { next, seenIn: NEVER, ended: false }] as const);
      this.#threads.set(threadId, { nextLifecycle, turns: new Map(before) });
    }
  }

  /** Begins a new process: no turn is its own yet. Numbers go on where they were. */
  beginGeneration(generation: number): void {
    this.#generation = generation;
  }

  /** Gives a message its number, and remembers it. */
  number(message: NumberedMessage): EventNumber {
    const thread = this.#thread(message.threadId);
    if (message.turnId !== undefined) {
      const turn = this.#ownTurn(thread, message.turnId, message.opensTurn);
      if (turn !== undefined) {
        if (message.endsTurn) turn.ended = true;
        return this.#onStream(message.threadId, message.turnId, turn);
      }
    }
    const n = thread.nextLifecycle++;
    return { eventId: `${this.#runtimeId}:${message.threadId}:L${n}`, cursorStart: n, cursorEnd: n + 1 };
  }

  /** The turns of this generation that began and did not end, in the order in which they were first seen. */
  openTurns(): { threadId: string; turnId: string }[] {
    const open: { threadId: string; turnId: string }[] = [];
    for (const [threadId, thread] of this.#threads) {
      for (const [turnId, turn] of thread.turns) {
        if (turn.seenIn === this.#generation && !turn.ended) open.push({ threadId, turnId });
      }
    }
    return open;
  }

  #thread(threadId: string): ThreadNumbers {
    let thread = this.#threads.get(threadId);
    if (thread === undefined) {
      thread = { nextLifecycle: 0, turns: new Map() };
      this.#threads.set(threadId, thread);
    }
    return thread;
  }

  #ownTurn(thread: ThreadNumbers, turnId: string, opensTurn: boolean): TurnNumbers | undefined {
    let turn = thread.turns.get(turnId);
    if (opensTurn) {
      if (turn === undefined) {
        turn = { next: 0, seenIn: this.#generation, ended: false };
        thread.turns.set(turnId, turn);
      }
      turn.seenIn = this.#generation;
    }
    return turn?.seenIn === this.#generation ? turn : undefined;
  }

  #onStream(threadId: string, turnId: string, turn: TurnNumbers): EventNumber {
    const streamId = `${threadId}:${turnId}:0`;
    const cursorStart = turn.next++;
    const eventId = `${this.#runtimeId}.${this.#generation}:${streamId}:${cursorStart}`;
    return { eventId, streamId, cursorStart, cursorEnd: cursorStart + 1 };
  }
}
