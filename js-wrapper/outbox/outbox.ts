import { SYSTEM_CLOCK } from "../clock.js";
import type { KnownNumbers } from "../bridge/numbering.js";
import type { NormalizedEvent } from "../protocol/index.js";
import { OutboxError } from "./errors.js";
import { Journal } from "./journal.js";
import { DeadLetters } from "./letters.js";
import { ThreadNumbers } from "./numbers.js";
import type { Backlog, OutboxOptions } from "./options.js";
import { Room } from "./room.js";
import { type SenderParts, ThreadSender } from "./sender.js";
import { type DeadLetter, notOurs, OutboxStore, sizeOf, type StoreChange, type StoredThread } from "./store.js";

/**
 * Events on their way to Convex: on the disk before they leave, in order within a thread, gone from here when they have arrived.
 *
 * A kill loses nothing that `append` had written, a power cut nothing that had left. After either, what waits is sent, or sent again,
 * and Convex does what it holds once. One batch a thread is on its way; threads do not wait for each other.
 */
export class Outbox {
  readonly #store: OutboxStore;
  readonly #room: Room;
  readonly #journal: Journal;
  readonly #letters = new DeadLetters();
  readonly #parts: SenderParts;
  readonly #threads = new Map<string, ThreadSender>();
  readonly #closed = new AbortController();
  readonly #keepsEnded: boolean;
  /** The number of the first event of this opening's own, and how the threads were numbered before it. */
  #own: { readonly seq: number; readonly before: ReadonlyMap<string, StoredThread> } | undefined;
  #unfollow: (() => void) | undefined;
  #ending: Promise<void> | undefined;
  #lastGeneration: number;
  #nextSeq = 0;
  #nextIndex = 0;
  #idleWaiters: (() => void)[] = [];

  private constructor(options: OutboxOptions, store: OutboxStore) {
    this.#store = store;
    this.#lastGeneration = store.generation;
    this.#room = new Room(options.bytesMax, (isCrowded) => options.onCrowded?.(isCrowded));
    const onIdle = () => this.#tellIdle();
    const onError = (error: OutboxError) => options.onError(error);
    this.#keepsEnded = options.keepsEnded ?? false;
    this.#journal = new Journal(store, this.#room, { onError, onIdle }, this.#keepsEnded, this.#closed.signal);
    const { clock = SYSTEM_CLOCK } = options;
    this.#parts = { options, store, journal: this.#journal, room: this.#room, letters: this.#letters, clock, closed: this.#closed.signal, onIdle };
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
    outbox.#unfollow = options.onConnected?.(() => outbox.#retry());
    // Not before whoever opened it has it.
    setImmediate(() => {
      for (const thread of outbox.#threads.values()) thread.wake();
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
    this.#journal.change([{ type: "generation", generation: this.#lastGeneration }]);
    return this.#lastGeneration;
  }

  /** Whose it is, by whatever name whoever delivers gave; undefined until it did. */
  get owner(): string | undefined {
    return this.#store.owner;
  }

  /** Keeps whose it is: it is on the disk before what is appended later. */
  keepOwner(owner: string): void {
    if (!this.#isOver()) this.#journal.change([{ type: "owner", owner }]);
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
    if (!this.#isOver()) this.#journal.note(thread);
  }

  /** How much waits, thread by thread; threads of which nothing waits are left out. */
  backlog(): Backlog[] {
    return [...this.#threads.values()].flatMap((thread) => thread.backlog() ?? []);
  }

  /** Whether events of a thread that were there at a time are on their way: they wait, and no other session has the thread. @param thenMs since 1970 */
  isSending(threadId: string, thenMs: number): boolean {
    const backlog = this.#threads.get(threadId)?.backlog();
    // Of what is on the disk alone it is not known when it came: it came first.
    return backlog !== undefined && !backlog.isHalted && (backlog.oldestEventAt ?? thenMs) <= thenMs;
  }

  /** Whether too much waits. */
  get isCrowded(): boolean {
    return this.#room.isCrowded;
  }

  /** Takes an event. It is written at once, with all that came while the disk was busy, and leaves when that is done. */
  append(event: NormalizedEvent): void {
    this.#append(event);
  }

  /** Ends every turn that has begun, as interrupted: the process that ran it is gone. */
  interruptOpenTurns(): void {
    for (const { numbers } of [...this.#threads.values()]) {
      for (const event of numbers.interruptions(Date.now())) this.append(event);
    }
  }

  /** What is appended and noted from here on is of whoever has opened it: {@link close} may leave it out. */
  beginOwn(): void {
    const before = new Map([...this.#threads.values()].map(({ threadId, numbers }) => [threadId, numbers.stored(this.#keepsEnded)]));
    this.#own = { seq: this.#nextSeq, before };
  }

  /** Sends on in a thread that another session had: this one has it again. */
  resume(threadId: string): void {
    this.#threads.get(threadId)?.resume();
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
    await this.#journal.settled();
    return [...this.#threads.values()].reduce((left, { length }) => left + length, this.#journal.pending);
  }

  /**
   * Writes what was appended, sends no more, and lets go of the folder, whatever the disk does: that it fails is told to `onError`. A batch
   * that is on its way may arrive, and is sent again.
   *
   * @param withoutOwn leaves out what came since {@link beginOwn}, as if it had not been
   * @returns when somebody else may open the folder; the same promise for every call
   */
  close(withoutOwn = false): Promise<void> {
    return (this.#ending ??= this.#end(withoutOwn));
  }

  /** What Convex refused for good, the oldest first. */
  letters(): Promise<DeadLetter[]> {
    return this.#store.letters();
  }

  /**
   * Sends a dead letter once more, as an event of its thread: its place on its stream is taken, and its id ends in no number, which one
   * that was sent again before it could have passed. It waits for as long as one that is new.
   *
   * @returns whether there is one of that number
   */
  async resend(seq: number): Promise<boolean> {
    const letter = (await this.#store.letters()).find((one) => one.seq === seq);
    if (letter === undefined) return false;
    const { streamId: _, eventId, ...event } = letter.event;
    const again = { ...event, eventId: `${eventId}:resent`, cursorStart: 0, cursorEnd: 0 };
    this.#append(again, { resentAt: this.#parts.clock.now() }, this.#letters.forget(seq));
    await this.#journal.writing;
    return true;
  }

  /**
   * Keeps an event among the dead letters that does not leave as it is: it is on the disk no later than what is appended next, however
   * long that takes. @param code why @param message in words
   */
  keepAside(event: NormalizedEvent, code: string, message: string): void {
    if (!this.#isOver()) this.#journal.change(this.#letters.keep({ seq: this.#nextSeq++, event, code, message, at: Date.now() }));
  }

  /** Forgets a dead letter. */
  async forget(seq: number): Promise<void> {
    await this.#store.write(this.#letters.forget(seq));
  }

  /** Commands from afar that were given to codex, on the disk with the events. Until the outbox is closed. */
  get commands(): Pick<OutboxStore, "putCommand" | "removeCommand" | "commands"> {
    return this.#store;
  }

  async #load(): Promise<void> {
    for (const known of await this.#store.threads()) {
      const thread = this.#addThread(known.threadId, known.index, known);
      this.#nextSeq = Math.max(this.#nextSeq, await thread.load(this.#store.events(known.index)));
    }
    for (const { seq, event } of await this.#store.letters()) {
      this.#nextSeq = Math.max(this.#nextSeq, seq + 1);
      this.#letters.count(seq, event);
    }
  }

  #thread(threadId: string): ThreadSender {
    return this.#threads.get(threadId) ?? this.#addThread(threadId, this.#nextIndex);
  }

  #addThread(threadId: string, index: number, known?: StoredThread): ThreadSender {
    this.#nextIndex = Math.max(this.#nextIndex, index + 1);
    const thread = new ThreadSender(this.#parts, new ThreadNumbers(threadId, index, known));
    this.#threads.set(threadId, thread);
    return thread;
  }

  #append(event: NormalizedEvent, resent: { resentAt?: number } = {}, also: readonly StoreChange[] = []): void {
    if (this.#isOver()) throw new OutboxError("E_OUTBOX_CLOSED", "the outbox is closed");
    const thread = this.#thread(event.threadId);
    thread.numbers.see(event);
    if (thread.isDeleted) return;
    this.#journal.put(thread, { seq: this.#nextSeq++, event, ...resent, bytes: sizeOf(event), since: performance.now(), written: 0 }, also);
  }

  #retry(): void {
    for (const thread of this.#threads.values()) thread.retry();
  }

  async #end(withoutOwn: boolean): Promise<void> {
    this.#unfollow?.();
    await this.#journal.finish();
    this.#closed.abort();
    for (const thread of this.#threads.values()) thread.stop();
    try {
      if (withoutOwn) await this.#leaveOutOwn();
    } finally {
      await this.#journal.syncLast();
      await this.#store.close();
    }
  }

  async #leaveOutOwn(): Promise<void> {
    if (this.#own === undefined) return;
    const { seq: first, before } = this.#own;
    const changes: StoreChange[] = [];
    for (const { threadId, index } of this.#threads.values()) {
      for await (const { seq } of this.#store.events(index, first - 1)) changes.push({ type: "remove", index, seq });
      const thread = before.get(threadId);
      changes.push(thread === undefined ? { type: "unthread", threadId } : { type: "thread", thread });
    }
    for (const { seq } of await this.#store.letters()) if (seq >= first) changes.push({ type: "unbury", seq });
    await this.#store.write(changes);
  }

  /** A method, for it changes while somebody waits. */
  #isOver(): boolean {
    return this.#closed.signal.aborted;
  }

  #isIdle(): boolean {
    return this.#journal.writing === undefined && [...this.#threads.values()].every(({ isIdle }) => isIdle);
  }

  #tellIdle(): void {
    if (this.#idleWaiters.length === 0 || !this.#isIdle()) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
