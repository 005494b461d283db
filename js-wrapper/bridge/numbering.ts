/** Where an event stands: the part of a NormalizedEvent that the bridge adds. */
interface EventNumber {
  readonly eventId: string;
  readonly threadId: string;
  readonly turnId?: string;
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
  /** Turns that have, of which more may come all the same; likewise. */
  readonly ended?: readonly (readonly [turnId: string, next: number])[];
}

interface TurnNumbers {
  readonly turnId: string;
  readonly streamId: string;
  /** The cursor that the turn's next event gets. */
  next: number;
  /** The generation whose process last showed the turn to be its own. */
  seenIn: number;
  ended: boolean;
}

/** No generation: they count from 1. */
const NEVER = 0;

interface ThreadNumbers {
  readonly threadId: string;
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
    for (const { threadId, nextLifecycle, turns, ended = [] } of known) {
      const thread: ThreadNumbers = { threadId, nextLifecycle, turns: new Map() };
      for (const [turnId, next] of turns) this.#addTurn(thread, turnId, next, NEVER);
      for (const [turnId, next] of ended) this.#addTurn(thread, turnId, next, NEVER).ended = true;
      this.#threads.set(threadId, thread);
    }
  }

  /** Begins a new process: no turn is its own yet. Numbers go on where they were. */
  beginGeneration(generation: number): void {
    this.#generation = generation;
  }

  /** Gives a message its number, and remembers it. Names that many events have are the same string in all of them. */
  number({ threadId: named, turnId, opensTurn, endsTurn }: NumberedMessage): EventNumber {
    const thread = this.#thread(named);
    const { threadId } = thread;
    const turn = turnId === undefined ? undefined : this.#ownTurn(thread, turnId, opensTurn);
    if (turn !== undefined) {
      if (endsTurn) turn.ended = true;
      const { turnId, streamId } = turn;
      const n = turn.next++;
      return { eventId: `${this.#runtimeId}.${this.#generation}:${streamId}:${n}`, threadId, turnId, streamId, cursorStart: n, cursorEnd: n + 1 };
    }
    const n = thread.nextLifecycle++;
    const number = { eventId: `${this.#runtimeId}:${threadId}:L${n}`, threadId, cursorStart: n, cursorEnd: n + 1 };
    return turnId === undefined ? number : { ...number, turnId };
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
      thread = { threadId, nextLifecycle: 0, turns: new Map() };
      this.#threads.set(threadId, thread);
    }
    return thread;
  }

  #ownTurn(thread: ThreadNumbers, turnId: string, opensTurn: boolean): TurnNumbers | undefined {
    let turn = thread.turns.get(turnId);
    if (opensTurn) {
      turn ??= this.#addTurn(thread, turnId, 0, this.#generation);
      turn.seenIn = this.#generation;
    }
    return turn?.seenIn === this.#generation ? turn : undefined;
  }

  #addTurn({ threadId, turns }: ThreadNumbers, turnId: string, next: number, seenIn: number): TurnNumbers {
    const turn: TurnNumbers = { turnId, streamId: `${threadId}:${turnId}:0`, next, seenIn, ended: false };
    turns.set(turnId, turn);
    return turn;
  }
}
