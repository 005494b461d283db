import { Backoff, type Clock, pause, RETRY_MAX_MS, SYSTEM_CLOCK } from "../clock.js";
import { given } from "../given.js";
import { Answers } from "./answers.js";
import { OutboxError } from "./errors.js";
import type { Journal, JournalThread } from "./journal.js";
import { BATCH_EVENTS_MAX, Lane, type Waiting } from "./lane.js";
import type { DeadLetters } from "./letters.js";
import type { ThreadNumbers } from "./numbers.js";
import type { Backlog, OutboxOptions } from "./options.js";
import type { Room } from "./room.js";
import { type OutboxStore, sizeOf, type StoreChange, type StoredEvent } from "./store.js";
import { isStub, stubOf } from "./stub.js";
import type { Verdict } from "./verdict.js";

/** Milliseconds that an event waits at most. SOURCE: Convex remembers for 30 days what it has deleted. */
const OUTBOX_AGE_MAX_MS = 14 * 24 * 60 * 60 * 1000;
/** Events and UTF-8 bytes that one reading from the disk takes. */
const LOADED_EVENTS_MAX = 1_000;
const LOADED_BYTES_MAX = 4 * 1024 * 1024;

/** Milliseconds that Convex has for a batch; then it is sent again. */
export const DELIVERY_TIMEOUT_MS = 30_000;
/** What is too large as a whole is so however often it comes: it is taken apart at once. */
const TOO_LARGE = "E_SYNC_BATCH_TOO_LARGE";
/** Times that a batch is refused before it is taken apart. */
const REFUSALS_MAX = 3;
/** Times that a batch is not taken before that is told: a minute of waits, and more where nothing answers. */
export const NOT_TAKEN_TOLD = 8;

/** What all threads of an outbox have in common. */
export interface SenderParts {
  readonly options: Pick<OutboxOptions, "deliver" | "onError">;
  readonly store: OutboxStore;
  readonly journal: Journal;
  readonly room: Room;
  readonly letters: DeadLetters;
  /** Tells how old events are. */
  readonly clock: Clock;
  readonly closed: AbortSignal;
  /** Told when a thread has nothing on its way. */
  onIdle(): void;
}

/**
 * Sends a thread's events, one batch at a time, in order, until something has become of each: they have arrived, or are kept aside, or
 * waited for too long, or their thread is gone.
 */
export class ThreadSender implements JournalThread {
  readonly numbers: ThreadNumbers;
  readonly #parts: SenderParts;
  readonly #lane = new Lane();
  /** The last event that is, or was, in memory. */
  #loadedTo = -1;
  /** The last event that has arrived. */
  #arrivedTo = -1;
  #timer: NodeJS.Timeout | undefined;
  /** Events that have waited for too long and were let go, which is not told yet. */
  #expired = 0;
  /** Ends the wait of a halted thread for its oldest event's time to be over. */
  #cancelExpiry = (): void => undefined;
  /** Ends the wait for the next try of the batch that is on its way. */
  #hurry = (): void => undefined;
  #isSending = false;
  #isHalted = false;
  #isDeleted = false;

  constructor(parts: SenderParts, numbers: ThreadNumbers) {
    this.#parts = parts;
    this.numbers = numbers;
  }

  get threadId(): string {
    return this.numbers.threadId;
  }

  get index(): number {
    return this.numbers.index;
  }

  /** Whether Convex has deleted it: its events are no more. */
  get isDeleted(): boolean {
    return this.#isDeleted;
  }

  /** Nothing is on its way, nor will be: what another session's thread has waits for whoever resumes it. */
  get isIdle(): boolean {
    return (this.#isHalted || this.#lane.isEmpty) && !this.#isSending;
  }

  /** Events that wait and are written. */
  get length(): number {
    return this.#lane.length + this.#lane.spilled;
  }

  /** How much waits; undefined where nothing does. */
  backlog(): Backlog | undefined {
    if (this.#lane.isEmpty) return undefined;
    const { threadId, length: events, numbers } = this;
    return { threadId, events, isHalted: this.#isHalted, ...given({ oldestEventAt: this.#lane.first?.event.createdAt, notTaken: numbers.notTaken }) };
  }

  /** Takes what an earlier process wrote, before anything is sent. @returns the first number behind it */
  async load(stored: AsyncIterable<StoredEvent>): Promise<number> {
    const { room, journal, store } = this.#parts;
    const expired: StoreChange[] = [];
    let end = 0;
    for await (const one of stored) {
      end = one.seq + 1;
      if (this.#isTooOld(one)) {
        expired.push({ type: "remove", index: this.index, seq: one.seq });
      } else {
        room.take({ waiting: one.bytes });
        this.admit({ ...one, since: 0, written: journal.written });
      }
    }
    if (expired.length > 0) {
      this.#expired = expired.length;
      this.#tellExpired();
      await store.write(expired);
    }
    return end;
  }

  /** An event that is written waits in memory, or, where too much does, on the disk alone. */
  admit(waiting: Waiting): void {
    if (this.#isDeleted) return;
    if (this.#lane.spilled > 0 || this.#parts.room.isMemoryFull) {
      this.#lane.spilled += 1;
      return;
    }
    this.#hold(waiting);
  }

  /** What is written of a thread that was deleted has no use. */
  async tidy(): Promise<void> {
    if (this.#isDeleted) await this.#dropEvents();
  }

  /** Sends what is due, now or when it is. */
  wake(): void {
    clearTimeout(this.#timer);
    this.#cancelExpiry();
    if (this.#isOver() || this.#isSending) return;
    if (this.#isHalted) this.#expireLater();
    if (this.#isHalted || this.#lane.isEmpty) {
      this.#parts.onIdle();
      return;
    }
    const waitMs = (this.#lane.dueAt() ?? 0) - performance.now();
    if (waitMs <= 0) void this.#send();
    else this.#timer = setTimeout(() => void this.#send(), waitMs);
  }

  /** Convex can be reached again: what waits for its next try is tried at once. */
  retry(): void {
    this.#hurry();
  }

  /** Sends on where another session had the thread: this one has it again. */
  resume(): void {
    this.#isHalted = false;
    this.wake();
  }

  /** Waits for nothing any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#cancelExpiry();
  }

  /** A method, for it changes while somebody waits. */
  #isOver(): boolean {
    return this.#parts.closed.aborted;
  }

  #maySend(): boolean {
    return !this.#isOver() && !this.#isHalted && !this.#isDeleted;
  }

  #hold(waiting: Waiting): void {
    this.#lane.push(waiting);
    this.#loadedTo = waiting.seq;
    this.#parts.room.take({ memory: waiting.bytes });
  }

  async #refill(): Promise<void> {
    const { store, journal } = this.#parts;
    const expected = this.#lane.spilled;
    let [events, bytes] = [0, 0];
    for await (const stored of store.events(this.index, this.#loadedTo)) {
      // What is written and not counted yet is for whoever counts it.
      if (events === expected) return;
      this.#lane.spilled -= 1;
      this.#hold({ ...stored, since: 0, written: journal.written });
      events += 1;
      bytes += stored.bytes;
      if (events >= LOADED_EVENTS_MAX || bytes >= LOADED_BYTES_MAX) return;
    }
    // All that was counted before was written before: what is not there is gone.
    this.#lane.spilled -= expected - events;
  }

  /** Reads on where the next batch may be longer than what is in memory. */
  async #fill(): Promise<void> {
    if (this.#lane.spilled > 0 && this.#lane.length < BATCH_EVENTS_MAX) await this.#refill();
  }

  async #send(): Promise<void> {
    const backoff = new Backoff(SYSTEM_CLOCK);
    this.#isSending = true;
    while (this.#maySend() && !this.#lane.isEmpty) {
      try {
        await this.#fill();
        if ((this.#lane.dueAt() ?? Infinity) > performance.now()) break;
        await this.#deliver(this.#lane.batch());
        this.#parts.journal.goes(this);
        backoff.reset();
      } catch (thrown) {
        if (this.#isOver()) break;
        this.#parts.journal.fails(this, thrown);
        if (!(await this.#pause(backoff.next()))) break;
      }
    }
    this.#sent();
  }

  #sent(): void {
    this.#tellExpired();
    this.#isSending = false;
    this.wake();
  }

  /** Sends the first events until something has become of them; what is refused as a whole is taken apart. */
  async #deliver(first: readonly Waiting[]): Promise<void> {
    const { journal, options, closed } = this.#parts;
    let events = first;
    const backoff = new Backoff(SYSTEM_CLOCK);
    const answers = new Answers();
    this.#hurry = () => {
      backoff.reset();
      answers.hurry();
    };
    let [refusals, notTaken] = [0, 0];
    for (;;) {
      events = this.#expire(events);
      if (events.length === 0) return;
      this.#tellExpired();
      await journal.sync(events.at(-1)?.written ?? 0);
      if (this.#isOver()) return;
      const verdict = (await answers.to(() => this.#attempt(events), DELIVERY_TIMEOUT_MS, closed)) ?? NO_ANSWER;
      if (this.#isOver()) return;
      if (verdict.type !== "again") this.#keepNotTaken(undefined);
      switch (verdict.type) {
        case "acknowledged":
          this.#remove(events);
          return;
        case "deleted":
          return this.#drop(verdict.message);
        case "taken":
          this.#isHalted = true;
          options.onError(new OutboxError("E_SYNC_SESSION_DEVICE_MISMATCH", verdict.message, undefined, this.threadId));
          return;
        case "refused":
          refusals += 1;
          if (refusals >= REFUSALS_MAX || verdict.code === TOO_LARGE) return this.#takeApart(events, verdict);
          break;
        case "again":
          notTaken += 1;
          this.#notTaken(notTaken, verdict.reason);
      }
      await answers.late(backoff.next(), closed);
      if (this.#isOver()) return;
    }
  }

  async #attempt(events: readonly Waiting[]): Promise<Verdict> {
    return this.#parts.options.deliver({ threadId: this.threadId, events: events.map(({ event }) => event) });
  }

  async #takeApart(events: readonly Waiting[], refused: Verdict & { type: "refused" }): Promise<void> {
    const [first, ...more] = events;
    if (first !== undefined && more.length === 0) return this.#bury(first, refused);
    const half = events.length >> 1;
    await this.#deliver(events.slice(0, half));
    if (this.#maySend()) await this.#deliver(events.slice(half));
  }

  /** An event that is refused by itself: it is kept aside, and a stub takes its place on its stream. */
  async #bury(waiting: Waiting, { code, message }: Verdict & { type: "refused" }): Promise<void> {
    const { letters, journal, options, room } = this.#parts;
    const { event, seq } = waiting;
    // A stub that is refused too leaves a hole, and its event is kept already.
    if (isStub(event)) {
      this.#remove([waiting]);
      return;
    }
    options.onError(new OutboxError("E_OUTBOX_EVENT_REFUSED", `${code}: ${message}`), event);
    const buried = letters.keep({ seq, event, code, message, at: Date.now() });
    if (event.streamId === undefined) {
      this.#remove([waiting], buried);
      return;
    }
    const stub = stubOf(event);
    const stored = { seq, event: stub, bytes: sizeOf(stub) };
    const written = await journal.writeNow([...buried, { type: "put", index: this.index, stored }]);
    const kept = { ...stored, since: waiting.since, written };
    this.#lane.replaceFirst(kept);
    room.take({ memory: kept.bytes - waiting.bytes, waiting: kept.bytes - waiting.bytes });
    return this.#deliver([kept]);
  }

  /** What has arrived, or is given up, leaves memory, and the disk with the next write: a process that ends before sends it again. */
  #remove(events: readonly Waiting[], also: readonly StoreChange[] = []): void {
    this.#arrivedTo = events.at(-1)?.seq ?? this.#arrivedTo;
    const before = this.#lane.bytes;
    this.#lane.drop(events.length);
    const freed = before - this.#lane.bytes;
    this.#parts.room.take({ memory: -freed, waiting: -freed });
    this.#parts.journal.change([...also, ...events.map(({ seq }) => ({ type: "remove", index: this.index, seq }) as const)]);
  }

  async #drop(message: string): Promise<void> {
    this.#isDeleted = true;
    let dropped: number;
    try {
      dropped = await this.#dropEvents();
    } catch (thrown) {
      // They are there still, and are dropped when they were sent once more.
      this.#isDeleted = false;
      throw thrown;
    }
    const told = `${String(dropped)} events of the thread ${this.threadId} were dropped: ${message}`;
    this.#parts.options.onError(new OutboxError("E_THREAD_DELETED", told, undefined, this.threadId));
  }

  async #dropEvents(): Promise<number> {
    const { store, room } = this.#parts;
    const removed: StoreChange[] = [];
    let removedBytes = 0;
    for await (const { seq, bytes } of store.events(this.index, this.#arrivedTo)) {
      removed.push({ type: "remove", index: this.index, seq });
      removedBytes += bytes;
    }
    await store.write(removed);
    room.take({ waiting: -removedBytes, memory: -this.#lane.bytes });
    this.#lane.clear();
    return removed.length;
  }

  #isTooOld(stored: StoredEvent): boolean {
    return waitsSince(stored) < this.#parts.clock.now() - OUTBOX_AGE_MAX_MS;
  }

  /** Lets go of those of the first events that have waited for too long. @returns the others */
  #expire(events: readonly Waiting[]): readonly Waiting[] {
    const kept = events.findIndex((waiting) => !this.#isTooOld(waiting));
    const expired = kept === -1 ? events : events.slice(0, kept);
    if (expired.length === 0) return events;
    this.#remove(expired);
    this.#expired += expired.length;
    return events.slice(expired.length);
  }

  /** Nothing of a halted thread is sent, and what waits too long in it is let go all the same. */
  #expireLater(): void {
    const { clock } = this.#parts;
    const { first } = this.#lane;
    if (first === undefined) return;
    const waitMs = waitsSince(first) + OUTBOX_AGE_MAX_MS + 1 - clock.now();
    this.#cancelExpiry = clock.after(Math.max(0, Math.min(waitMs, OUTBOX_AGE_MAX_MS)), () => void this.#expireHalted());
  }

  async #expireHalted(): Promise<void> {
    const { journal } = this.#parts;
    this.#isSending = true;
    try {
      for (let events = this.#lane.batch(); events.length > 0 && this.#expire(events).length === 0; events = this.#lane.batch()) await this.#fill();
      journal.goes(this);
    } catch (thrown) {
      if (!this.#isOver()) journal.fails(this, thrown);
      await this.#pause(RETRY_MAX_MS);
    }
    this.#sent();
  }

  #tellExpired(): void {
    const expired = this.#expired;
    if (expired === 0) return;
    this.#expired = 0;
    this.#parts.options.onError(new OutboxError("E_OUTBOX_EVENT_EXPIRED", `${String(expired)} events of the thread ${this.threadId} waited for 14 days`));
  }

  /** What is sent again without end is told, once, and is no secret then. */
  #notTaken(times: number, reason: string): void {
    if (times < NOT_TAKEN_TOLD) return;
    this.#keepNotTaken(reason);
    if (times > NOT_TAKEN_TOLD) return;
    const told = `events of the thread ${this.threadId} are not taken, and are sent again: ${reason}`;
    this.#parts.options.onError(new OutboxError("E_OUTBOX_NOT_TAKEN", told, undefined, this.threadId));
  }

  #keepNotTaken(reason: string | undefined): void {
    if (this.numbers.notTaken === reason || this.#isOver()) return;
    this.numbers.notTaken = reason;
    this.#parts.journal.note(this);
  }

  /** @returns false where the outbox was closed before the wait was over */
  #pause(ms: number): Promise<boolean> {
    return pause(SYSTEM_CLOCK, ms, this.#parts.closed);
  }
}

const NO_ANSWER: Verdict = { type: "again", reason: "no answer" };

/** From when on an event waits, by the wall clock: when it happened, or somebody had it sent again. */
function waitsSince({ event, resentAt }: StoredEvent): number {
  return resentAt ?? event.createdAt;
}
