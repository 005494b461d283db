import { Backoff, type Clock, pause, RETRY_MAX_MS, SYSTEM_CLOCK } from "../clock.js";
import type { KnownNumbers } from "../bridge/numbering.js";
import { eventOf } from "../event-of.js";
import { given } from "../given.js";
import type { NormalizedEvent } from "../protocol/index.js";
import { Answers } from "./answers.js";
import { OutboxError } from "./errors.js";
import { BATCH_EVENTS_MAX, Lane, type Waiting } from "./lane.js";
import { DeadLetters } from "./letters.js";
import { ThreadNumbers } from "./numbers.js";
import { type DeadLetter, notOurs, OutboxStore, sizeOf, type StoreChange, type StoredEvent, type StoredThread } from "./store.js";
import type { Verdict } from "./verdict.js";

/** UTF-8 bytes that may wait: then nothing more is to be read, until there is room again. */
export const OUTBOX_BYTES_MAX = 256 * 1024 * 1024;
/** Milliseconds that an event waits at most. SOURCE: Convex remembers for 30 days what it has deleted. */
export const OUTBOX_AGE_MAX_MS = 14 * 24 * 60 * 60 * 1000;
/** UTF-8 bytes of events that are held in memory; what is behind them is read from the disk when it is its turn. */
const MEMORY_BYTES_MAX = 32 * 1024 * 1024;
/** Events and UTF-8 bytes that one reading from the disk takes. */
const LOADED_EVENTS_MAX = 1_000;
const LOADED_BYTES_MAX = 4 * 1024 * 1024;
/** UTF-8 bytes of events that may wait for the disk. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024;
/** What has to be free before reading goes on. */
const RESUME_SHARE = 0.9;

/** Milliseconds that Convex has for a batch; then it is sent again. */
export const DELIVERY_TIMEOUT_MS = 30_000;
/** What is too large as a whole is so however often it comes: it is taken apart at once. */
const TOO_LARGE = "E_SYNC_BATCH_TOO_LARGE";
/** Times that a batch is refused before it is taken apart. */
export const REFUSALS_MAX = 3;
/** Times that a batch is not taken before that is told: a minute of waits, and more where nothing answers. */
export const NOT_TAKEN_TOLD = 8;

/** Events of one thread, in order. */
export interface OutboxBatch {
  readonly threadId: string;
  readonly events: readonly NormalizedEvent[];
}

/** What an outbox is told when it is opened. */
export interface OutboxOptions {
  /** Where it lies: a folder of its own, for one process at a time. */
  readonly folder: string;
  /** Sends a batch. The same one may come again, and one that was cut otherwise after a restart. What is thrown is judged. */
  deliver(batch: OutboxBatch): Promise<Verdict>;
  /** Told of everything that went wrong, once. */
  onError(error: OutboxError, event?: NormalizedEvent): void;
  /** Told when too much waits (true), and when there is room again. */
  onCrowded?(isCrowded: boolean): void;
  /** UTF-8 bytes that may wait. Default: {@link OUTBOX_BYTES_MAX}. */
  readonly bytesMax?: number;
  /** Whether the numbers of turns that have ended are kept too, for codex goes on when this process ends, and may say more of them. Default: no. */
  readonly keepsEnded?: boolean;
  /** Tells how old events are. */
  readonly clock?: Clock;
}

/** How much of a thread waits. */
export interface Backlog {
  readonly threadId: string;
  readonly events: number;
  /** The sender's clock at the oldest that is in memory, in milliseconds since 1970. */
  readonly oldestEventAt?: number;
  /** Whether it waits for {@link Outbox.resume}: another session writes the thread. */
  readonly isHalted: boolean;
  /** Why they are not taken and are sent again, where that has gone on for a minute (`E_OUTBOX_NOT_TAKEN`). */
  readonly notTaken?: string;
}

interface Thread {
  readonly threadId: string;
  readonly index: number;
  readonly numbers: ThreadNumbers;
  readonly lane: Lane;
  /** The last event that is, or was, in memory. */
  loadedTo: number;
  /** The last event that has arrived. */
  arrivedTo: number;
  timer: NodeJS.Timeout | undefined;
  /** Events that have waited for too long and were let go, which is not told yet. */
  expired: number;
  /** Ends the wait of a halted thread for its oldest event's time to be over. */
  cancelExpiry: () => void;
  isSending: boolean;
  isHalted: boolean;
  isDeleted: boolean;
}

/**
 * Events on their way to Convex: on the disk before they leave, in order within a thread, gone from here when they have arrived.
 *
 * A kill loses nothing that `append` had written, a power cut nothing that had left. After either, what waits is sent, or sent again,
 * and Convex does what it holds once. One batch a thread is on its way; threads do not wait for each other.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #store: OutboxStore;
  readonly #threads = new Map<string, Thread>();
  readonly #bytesMax: number;
  readonly #clock: Clock;
  /** From here on it waits no longer for a disk that takes nothing. */
  readonly #closing = new AbortController();
  readonly #closed = new AbortController();
  #ending: Promise<void> | undefined;
  /** What waits for the disk, and what is written with it. */
  #pending: { thread: Thread; waiting: Waiting; also: readonly StoreChange[] }[] = [];
  #pendingBytes = 0;
  /** What goes with the next write beside events: what has arrived leaves the disk. */
  #further: StoreChange[] = [];
  /** Threads whose notes wait for the disk. */
  #noted = new Set<Thread>();
  readonly #letters = new DeadLetters();
  #writing: Promise<void> | undefined;
  #lastGeneration: number;
  #nextSeq = 0;
  #nextIndex = 0;
  #waitingBytes = 0;
  #memoryBytes = 0;
  #isCrowded = false;
  /** What the disk does not do: write, sync, or what a thread's events need to leave. The first of it is told, until all of it goes again. */
  readonly #failing = new Set<"write" | "sync" | Thread>();
  /** Who waits no longer for a disk when it fails. */
  readonly #stuckWaiters: (() => void)[] = [];
  /** Writes so far, and those of them that are on the disk. */
  #written = 0;
  #synced = 0;
  #syncing: Promise<void> | undefined;
  #idleWaiters: (() => void)[] = [];

  private constructor(options: OutboxOptions, store: OutboxStore) {
    this.#options = options;
    this.#store = store;
    this.#lastGeneration = store.generation;
    this.#bytesMax = options.bytesMax ?? OUTBOX_BYTES_MAX;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /**
   * Opens an outbox, and begins to send what waits in it.
   *
   * @throws OutboxError `E_OUTBOX_LOCKED`, `E_OUTBOX_UNREADABLE`
   */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const store = await OutboxStore.open(options.folder);
    const outbox = new Outbox(options, store);
    try {
      await outbox.#load();
    } catch (thrown) {
      await store.close();
      throw notOurs(options.folder, "read", thrown);
    }
    // Not before whoever opened it has it.
    setImmediate(() => {
      for (const thread of outbox.#threads.values()) outbox.#wake(thread);
    });
    return outbox;
  }

  /** Names the runtime to which the folder belongs. */
  get runtimeId(): string {
    return this.#store.runtimeId;
  }

  /** The generation of this opening of the folder, from 1: larger than any that was given out before. */
  get generation(): number {
    return this.#store.generation;
  }

  /** Gives out a further generation, for another process of codex: it is on the disk before what is appended later. */
  nextGeneration(): number {
    this.#lastGeneration += 1;
    this.#further.push({ type: "generation", generation: this.#lastGeneration });
    this.#writing ??= this.#write();
    return this.#lastGeneration;
  }

  /** How the events of each thread are numbered on. */
  numbers(): KnownNumbers[] {
    return [...this.#threads.values()].map(({ numbers }) => numbers.known());
  }

  /** The turns that have begun and not ended, thread by thread; threads without one are left out. */
  openTurns(): Map<string, string[]> {
    return new Map([...this.#threads.values()].map(({ threadId, numbers }) => [threadId, numbers.open()] as const).filter(([, open]) => open.length > 0));
  }

  /** What was kept of a thread with {@link keepNote}; undefined where nothing was. */
  note(threadId: string): unknown {
    return this.#threads.get(threadId)?.numbers.note;
  }

  /** What was kept of each thread of which something was. */
  notes(): [threadId: string, note: unknown][] {
    return [...this.#threads.values()].flatMap(({ threadId, numbers: { note } }) => (note === undefined ? [] : [[threadId, note] as [string, unknown]]));
  }

  /** Keeps JSON with a thread, in the place of what was kept; it is on the disk before any event that is appended later leaves. */
  keepNote(threadId: string, note: unknown): void {
    const thread = this.#thread(threadId);
    thread.numbers.note = note;
    this.#note(thread);
  }

  /** How much waits, thread by thread; threads of which nothing waits are left out. */
  backlog(): Backlog[] {
    return [...this.#threads.values()].flatMap(({ threadId, lane, isHalted, numbers: { notTaken } }) => {
      if (lane.isEmpty) return [];
      return [{ threadId, events: lane.length + lane.spilled, isHalted, ...given({ oldestEventAt: lane.first?.event.createdAt, notTaken }) }];
    });
  }

  /** Whether too much waits. */
  get isCrowded(): boolean {
    return this.#isCrowded;
  }

  /** Takes an event. It is written at once, with all that came while the disk was busy, and leaves when that is done. */
  append(event: NormalizedEvent): void {
    this.#append(event, []);
  }

  /** Ends every turn that has begun, as interrupted: the process that ran it is gone. */
  interruptOpenTurns(): void {
    for (const { numbers } of [...this.#threads.values()]) {
      for (const event of numbers.interruptions(Date.now())) this.append(event);
    }
  }

  /** Sends on in a thread that another session had: this one has it again. */
  resume(threadId: string): void {
    const thread = this.#threads.get(threadId);
    if (thread === undefined) return;
    thread.isHalted = false;
    this.#wake(thread);
  }

  /**
   * Waits until everything has arrived that can; what a thread has that another session took does not.
   *
   * @param timeoutMs milliseconds after which it waits no longer
   * @returns how many events are left; they are on the disk, but for those that a full one does not take
   */
  async flush(timeoutMs: number): Promise<number> {
    if (!this.#isIdle() && !this.#isOver()) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([new Promise<void>((resolve) => this.#idleWaiters.push(resolve)), late]);
      clearTimeout(timer);
    }
    if (!this.#failing.has("write")) await Promise.race([this.#writing, new Promise<void>((resolve) => this.#stuckWaiters.push(resolve))]);
    return [...this.#threads.values()].reduce((left, { lane }) => left + lane.length + lane.spilled, this.#pending.length);
  }

  /**
   * Writes what was appended, sends no more, and lets go of the folder, whatever the disk does: that it fails is told to `onError`. A batch
   * that is on its way may arrive, and is sent again.
   *
   * @returns when somebody else may open the folder; the same promise for every call
   */
  close(): Promise<void> {
    return (this.#ending ??= this.#end());
  }

  /** What Convex refused for good, the oldest first. */
  letters(): Promise<DeadLetter[]> {
    return this.#store.letters();
  }

  /**
   * Sends a dead letter once more, as an event of its thread: its place on its stream is taken.
   *
   * @returns whether there is one of that number
   */
  async resend(seq: number): Promise<boolean> {
    const letter = (await this.#store.letters()).find((one) => one.seq === seq);
    if (letter === undefined) return false;
    const { streamId: _, eventId, ...event } = letter.event;
    this.#append({ ...event, eventId: `resent:${eventId}`, cursorStart: 0, cursorEnd: 0 }, this.#letters.forget(seq));
    await this.#writing;
    return true;
  }

  /** Keeps an event among the dead letters that does not leave as it is. @param code why @param message in words */
  async keepAside(event: NormalizedEvent, code: string, message: string): Promise<void> {
    if (this.#isOver()) return;
    await this.#store.write(this.#letters.keep({ seq: this.#nextSeq++, event, code, message, at: Date.now() }));
  }

  /** Forgets a dead letter. */
  async forget(seq: number): Promise<void> {
    await this.#store.write(this.#letters.forget(seq));
  }

  /** Commands from afar that were given to codex, on the disk with the events. Until the outbox is closed. */
  get commands(): Pick<OutboxStore, "putCommand" | "removeCommand" | "commands"> {
    return this.#store;
  }

  async #end(): Promise<void> {
    this.#closing.abort();
    while (this.#writing !== undefined) await this.#writing;
    this.#closed.abort();
    for (const { timer, cancelExpiry } of this.#threads.values()) {
      clearTimeout(timer);
      cancelExpiry();
    }
    try {
      await this.#syncAll();
    } catch {
      // It was told.
    } finally {
      await this.#store.close();
    }
  }

  /** A method, for it changes while somebody waits. */
  #isOver(): boolean {
    return this.#closed.signal.aborted;
  }

  #append(event: NormalizedEvent, also: readonly StoreChange[]): void {
    if (this.#isOver()) throw new OutboxError("E_OUTBOX_CLOSED", "the outbox is closed");
    const thread = this.#thread(event.threadId);
    thread.numbers.see(event);
    if (thread.isDeleted) return;
    const waiting = { seq: this.#nextSeq++, event, bytes: sizeOf(event), since: performance.now(), written: 0 };
    this.#pending.push({ thread, waiting, also });
    this.#pendingBytes += waiting.bytes;
    this.#waitingBytes += waiting.bytes;
    this.#tellCrowd();
    this.#writing ??= this.#write();
  }

  async #load(): Promise<void> {
    for (const known of await this.#store.threads()) {
      const thread = this.#addThread(known.threadId, known.index, known);
      const expired: StoreChange[] = [];
      for await (const stored of this.#store.events(known.index)) {
        this.#nextSeq = Math.max(this.#nextSeq, stored.seq + 1);
        if (this.#isTooOld(stored)) {
          expired.push({ type: "remove", index: known.index, seq: stored.seq });
        } else {
          this.#waitingBytes += stored.bytes;
          this.#admit(thread, { ...stored, since: 0, written: this.#written });
        }
      }
      if (expired.length === 0) continue;
      thread.expired = expired.length;
      this.#tellExpired(thread);
      await this.#store.write(expired);
    }
    for (const { seq, event } of await this.#store.letters()) {
      this.#nextSeq = Math.max(this.#nextSeq, seq + 1);
      this.#letters.count(seq, event);
    }
    this.#tellCrowd();
  }

  #thread(threadId: string): Thread {
    return this.#threads.get(threadId) ?? this.#addThread(threadId, this.#nextIndex);
  }

  #addThread(threadId: string, index: number, known?: StoredThread): Thread {
    this.#nextIndex = Math.max(this.#nextIndex, index + 1);
    const state = { loadedTo: -1, arrivedTo: -1, timer: undefined, expired: 0, cancelExpiry: () => undefined, isSending: false, isHalted: false, isDeleted: false };
    const thread: Thread = { threadId, index, numbers: new ThreadNumbers(threadId, index, known), lane: new Lane(), ...state };
    this.#threads.set(threadId, thread);
    return thread;
  }

  async #write(): Promise<void> {
    const backoff = new Backoff(SYSTEM_CLOCK);
    while (this.#pending.length > 0 || this.#noted.size > 0 || this.#further.length > 0) {
      const [taken, further] = [this.#pending, this.#further];
      const touched = new Set([...this.#noted, ...taken.map(({ thread }) => thread)]);
      this.#pending = [];
      this.#further = [];
      this.#noted = new Set();
      const changes = [...further];
      for (const { thread, waiting, also } of taken) changes.push({ type: "put", index: thread.index, stored: waiting }, ...also);
      for (const { numbers } of touched) changes.push({ type: "thread", thread: numbers.stored(this.#options.keepsEnded) });
      try {
        await this.#store.write(changes);
        for (const thread of touched) if (thread.isDeleted) await this.#dropEvents(thread);
      } catch (thrown) {
        // A full disk: what is in memory waits for it, and so does whoever reads.
        this.#pending = [...taken, ...this.#pending];
        this.#further = [...further, ...this.#further];
        for (const thread of touched) this.#noted.add(thread);
        this.#fails("write", thrown);
        for (const resolve of this.#stuckWaiters.splice(0)) resolve();
        if (!(await pause(SYSTEM_CLOCK, backoff.next(), this.#closing.signal))) break;
        continue;
      }
      this.#goes("write");
      backoff.reset();
      this.#written += 1;
      for (const { thread, waiting } of taken) {
        this.#pendingBytes -= waiting.bytes;
        waiting.written = this.#written;
        if (!thread.isDeleted) this.#admit(thread, waiting);
      }
      for (const thread of touched) this.#wake(thread);
      this.#tellCrowd();
    }
    this.#writing = undefined;
    this.#tellIdle();
  }

  /** An event that is written waits in memory, or, where too much does, on the disk alone. */
  #admit(thread: Thread, waiting: Waiting): void {
    const { lane } = thread;
    if (lane.spilled > 0 || this.#memoryBytes >= MEMORY_BYTES_MAX) {
      lane.spilled += 1;
      return;
    }
    lane.push(waiting);
    thread.loadedTo = waiting.seq;
    this.#memoryBytes += waiting.bytes;
  }

  async #refill(thread: Thread): Promise<void> {
    const { lane } = thread;
    const expected = lane.spilled;
    let [events, bytes] = [0, 0];
    for await (const stored of this.#store.events(thread.index, thread.loadedTo)) {
      // What is written and not counted yet is for whoever counts it.
      if (events === expected) return;
      lane.push({ ...stored, since: 0, written: this.#written });
      lane.spilled -= 1;
      thread.loadedTo = stored.seq;
      this.#memoryBytes += stored.bytes;
      events += 1;
      bytes += stored.bytes;
      if (events >= LOADED_EVENTS_MAX || bytes >= LOADED_BYTES_MAX) return;
    }
    // All that was counted before was written before: what is not there is gone.
    lane.spilled -= expected - events;
  }

  #wake(thread: Thread): void {
    clearTimeout(thread.timer);
    thread.cancelExpiry();
    if (this.#isOver() || thread.isSending) return;
    if (thread.isHalted) {
      this.#expireLater(thread);
      this.#tellIdle();
      return;
    }
    if (thread.lane.isEmpty) {
      this.#tellIdle();
      return;
    }
    const waitMs = (thread.lane.dueAt() ?? 0) - performance.now();
    if (waitMs <= 0) void this.#send(thread);
    else thread.timer = setTimeout(() => void this.#send(thread), waitMs);
  }

  async #send(thread: Thread): Promise<void> {
    const { lane } = thread;
    const backoff = new Backoff(SYSTEM_CLOCK);
    thread.isSending = true;
    while (this.#maySend(thread) && !lane.isEmpty) {
      try {
        if (lane.spilled > 0 && lane.length < BATCH_EVENTS_MAX) await this.#refill(thread);
        if ((lane.dueAt() ?? Infinity) > performance.now()) break;
        await this.#deliver(thread, lane.batch());
        this.#goes(thread);
        backoff.reset();
      } catch (thrown) {
        if (this.#isOver()) break;
        this.#fails(thread, thrown);
        if (!(await this.#pause(backoff.next()))) break;
      }
    }
    this.#tellExpired(thread);
    thread.isSending = false;
    this.#wake(thread);
  }

  #maySend(thread: Thread): boolean {
    return !this.#isOver() && !thread.isHalted && !thread.isDeleted;
  }

  /** Sends the first events of a thread until something has become of them; what is refused as a whole is taken apart. */
  async #deliver(thread: Thread, first: readonly Waiting[]): Promise<void> {
    let events = first;
    const backoff = new Backoff(SYSTEM_CLOCK);
    const answers = new Answers();
    let [refusals, notTaken] = [0, 0];
    for (;;) {
      events = this.#expire(thread, events);
      if (events.length === 0) return;
      this.#tellExpired(thread);
      await this.#sync(events.at(-1)?.written ?? 0);
      if (this.#isOver()) return;
      const verdict = (await answers.to(() => this.#attempt(thread.threadId, events), DELIVERY_TIMEOUT_MS, this.#closed.signal)) ?? NO_ANSWER;
      if (this.#isOver()) return;
      if (verdict.type !== "again") this.#keepNotTaken(thread, undefined);
      switch (verdict.type) {
        case "acknowledged":
          this.#remove(thread, events);
          return;
        case "deleted":
          return this.#dropThread(thread, verdict.message);
        case "taken":
          thread.isHalted = true;
          this.#options.onError(new OutboxError("E_SYNC_SESSION_DEVICE_MISMATCH", verdict.message, undefined, thread.threadId));
          return;
        case "refused":
          refusals += 1;
          if (refusals >= REFUSALS_MAX || verdict.code === TOO_LARGE) return this.#takeApart(thread, events, verdict);
          break;
        case "again":
          notTaken += 1;
          this.#notTaken(thread, notTaken, verdict.reason);
      }
      await answers.late(backoff.next(), this.#closed.signal);
      if (this.#isOver()) return;
    }
  }

  /** Lets go of those of a thread's first events that have waited for too long. @returns the others */
  #expire(thread: Thread, events: readonly Waiting[]): readonly Waiting[] {
    const kept = events.findIndex((waiting) => !this.#isTooOld(waiting));
    const expired = kept === -1 ? events : events.slice(0, kept);
    if (expired.length === 0) return events;
    this.#remove(thread, expired);
    thread.expired += expired.length;
    return events.slice(expired.length);
  }

  /** Nothing of a halted thread is sent, and what waits too long in it is let go all the same. */
  #expireLater(thread: Thread): void {
    const { first } = thread.lane;
    if (first === undefined) return;
    const waitMs = first.event.createdAt + OUTBOX_AGE_MAX_MS + 1 - this.#clock.now();
    thread.cancelExpiry = this.#clock.after(Math.max(0, Math.min(waitMs, OUTBOX_AGE_MAX_MS)), () => void this.#expireHalted(thread));
  }

  async #expireHalted(thread: Thread): Promise<void> {
    const { lane } = thread;
    thread.isSending = true;
    try {
      for (let events = lane.batch(); events.length > 0 && this.#expire(thread, events).length === 0; events = lane.batch()) {
        if (lane.spilled > 0 && lane.length < BATCH_EVENTS_MAX) await this.#refill(thread);
      }
      this.#goes(thread);
    } catch (thrown) {
      if (!this.#isOver()) this.#fails(thread, thrown);
      await this.#pause(RETRY_MAX_MS);
    }
    this.#tellExpired(thread);
    thread.isSending = false;
    this.#wake(thread);
  }

  #isTooOld({ event }: StoredEvent): boolean {
    return event.createdAt < this.#clock.now() - OUTBOX_AGE_MAX_MS;
  }

  #tellExpired(thread: Thread): void {
    const { expired, threadId } = thread;
    if (expired === 0) return;
    thread.expired = 0;
    this.#options.onError(new OutboxError("E_OUTBOX_EVENT_EXPIRED", `${String(expired)} events of the thread ${threadId} waited for 14 days`));
  }

  /** What is sent again without end is told, once, and is no secret then. */
  #notTaken(thread: Thread, times: number, reason: string): void {
    if (times < NOT_TAKEN_TOLD) return;
    this.#keepNotTaken(thread, reason);
    if (times > NOT_TAKEN_TOLD) return;
    const told = `events of the thread ${thread.threadId} are not taken, and are sent again: ${reason}`;
    this.#options.onError(new OutboxError("E_OUTBOX_NOT_TAKEN", told, undefined, thread.threadId));
  }

  #keepNotTaken(thread: Thread, reason: string | undefined): void {
    const { numbers } = thread;
    if (numbers.notTaken === reason) return;
    numbers.notTaken = reason;
    this.#note(thread);
  }

  /** What is kept of a thread is written with the next write. */
  #note(thread: Thread): void {
    if (this.#isOver()) return;
    this.#noted.add(thread);
    this.#writing ??= this.#write();
  }

  async #takeApart(thread: Thread, events: readonly Waiting[], refused: Verdict & { type: "refused" }): Promise<void> {
    const [first, ...more] = events;
    if (first !== undefined && more.length === 0) return this.#bury(thread, first, refused);
    const half = events.length >> 1;
    await this.#deliver(thread, events.slice(0, half));
    if (this.#maySend(thread)) await this.#deliver(thread, events.slice(half));
  }

  async #attempt(threadId: string, events: readonly Waiting[]): Promise<Verdict> {
    return this.#options.deliver({ threadId, events: events.map(({ event }) => event) });
  }

  /** What has arrived, or is given up, leaves memory, and the disk with the next write: a process that ends before sends it again. */
  #remove(thread: Thread, events: readonly Waiting[], also: readonly StoreChange[] = []): void {
    const { index, lane } = thread;
    for (const change of also) this.#further.push(change);
    for (const { seq } of events) this.#further.push({ type: "remove", index, seq });
    thread.arrivedTo = events.at(-1)?.seq ?? thread.arrivedTo;
    const before = lane.bytes;
    lane.drop(events.length);
    const freed = before - lane.bytes;
    this.#memoryBytes -= freed;
    this.#waitingBytes -= freed;
    this.#tellCrowd();
    this.#writing ??= this.#write();
  }

  /** An event that is refused by itself: it is kept aside, and a stub takes its place on its stream. */
  async #bury(thread: Thread, waiting: Waiting, { code, message }: Verdict & { type: "refused" }): Promise<void> {
    const { event, seq } = waiting;
    // A stub that is refused too leaves a hole, and its event is kept already.
    if (event.kind === STUB_KIND) {
      this.#remove(thread, [waiting]);
      return;
    }
    this.#options.onError(new OutboxError("E_OUTBOX_EVENT_REFUSED", `${code}: ${message}`), event);
    const buried = this.#letters.keep({ seq, event, code, message, at: Date.now() });
    if (event.streamId === undefined) {
      this.#remove(thread, [waiting], buried);
      return;
    }
    const stub = stubOf(event);
    const stored = { seq, event: stub, bytes: sizeOf(stub) };
    await this.#store.write([...buried, { type: "put", index: thread.index, stored }]);
    this.#written += 1;
    const kept = { ...stored, since: waiting.since, written: this.#written };
    thread.lane.replaceFirst(kept);
    this.#memoryBytes += kept.bytes - waiting.bytes;
    this.#waitingBytes += kept.bytes - waiting.bytes;
    return this.#deliver(thread, [kept]);
  }

  async #dropThread(thread: Thread, message: string): Promise<void> {
    thread.isDeleted = true;
    let dropped: number;
    try {
      dropped = await this.#dropEvents(thread);
    } catch (thrown) {
      // They are there still, and are dropped when they were sent once more.
      thread.isDeleted = false;
      throw thrown;
    }
    const told = `${String(dropped)} events of the thread ${thread.threadId} were dropped: ${message}`;
    this.#options.onError(new OutboxError("E_THREAD_DELETED", told, undefined, thread.threadId));
  }

  async #dropEvents(thread: Thread): Promise<number> {
    const { lane } = thread;
    const removed: StoreChange[] = [];
    let removedBytes = 0;
    for await (const { seq, bytes } of this.#store.events(thread.index, thread.arrivedTo)) {
      removed.push({ type: "remove", index: thread.index, seq });
      removedBytes += bytes;
    }
    await this.#store.write(removed);
    this.#waitingBytes -= removedBytes;
    this.#memoryBytes -= lane.bytes;
    lane.clear();
    this.#tellCrowd();
    return removed.length;
  }

  /** Waits until what a write brought is on the disk. Whoever waits at the same time waits for the same. */
  async #sync(written: number): Promise<void> {
    while (this.#synced < written && !this.#isOver()) await (this.#syncing ??= this.#syncAll());
  }

  async #syncAll(): Promise<void> {
    const written = this.#written;
    try {
      await this.#store.sync();
      this.#synced = written;
      this.#goes("sync");
    } catch (thrown) {
      this.#fails("sync", thrown);
      throw thrown;
    } finally {
      this.#syncing = undefined;
    }
  }

  #fails(what: "write" | "sync" | Thread, thrown: unknown): void {
    if (this.#failing.size === 0) this.#options.onError(new OutboxError("E_OUTBOX_WRITE_FAILED", String(thrown), thrown));
    this.#failing.add(what);
    this.#tellCrowd();
  }

  #goes(what: "write" | "sync" | Thread): void {
    if (this.#failing.delete(what)) this.#tellCrowd();
  }

  /** Nothing is on its way, nor will be: what another session's thread has waits for whoever resumes it. */
  #isIdle(): boolean {
    if (this.#writing !== undefined) return false;
    return [...this.#threads.values()].every(({ lane, isSending, isHalted }) => (isHalted || lane.isEmpty) && !isSending);
  }

  #tellIdle(): void {
    if (this.#idleWaiters.length === 0 || !this.#isIdle()) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  #tellCrowd(): void {
    const most = this.#isCrowded ? this.#bytesMax * RESUME_SHARE : this.#bytesMax;
    const isStuck = this.#failing.has("write") || this.#failing.has("sync");
    const isCrowded = isStuck || this.#waitingBytes > most || this.#pendingBytes > PENDING_BYTES_MAX;
    if (isCrowded === this.#isCrowded) return;
    this.#isCrowded = isCrowded;
    this.#options.onCrowded?.(isCrowded);
  }

  /** @returns false where the outbox was closed before the wait was over */
  #pause(ms: number): Promise<boolean> {
    return pause(SYSTEM_CLOCK, ms, this.#closed.signal);
  }
}

const NO_ANSWER: Verdict = { type: "again", reason: "no answer" };

const STUB_KIND = "unknown";

/** What stands at the place of an event that was refused. */
function stubOf({ eventId, threadId, turnId, streamId, cursorStart, cursorEnd, createdAt }: NormalizedEvent): NormalizedEvent {
  const payloadJson = JSON.stringify({ method: STUB_KIND, params: { threadId, turnId } });
  return eventOf({ eventId, threadId, turnId, streamId, cursorStart, cursorEnd, kind: STUB_KIND, payloadJson, createdAt });
}
