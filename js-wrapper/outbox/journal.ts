import { Backoff, pause, SYSTEM_CLOCK } from "../clock.js";
import { OutboxError } from "./errors.js";
import type { Waiting } from "./lane.js";
import type { ThreadNumbers } from "./numbers.js";
import type { Room } from "./room.js";
import type { OutboxStore, StoreChange } from "./store.js";

/** A thread, as what is written of it has it. */
export interface JournalThread {
  readonly index: number;
  readonly numbers: ThreadNumbers;
  /** Something of it was written: what it has no use for any more is removed. */
  tidy(): Promise<void>;
  /** An event was written: it may leave. */
  admit(waiting: Waiting): void;
  /** All that was written together is admitted. */
  wake(): void;
}

/** Who is told what becomes of writes. */
interface JournalListeners {
  /** The disk does not do something: told once, until all of it goes again. */
  onError(error: OutboxError): void;
  /** Nothing waits for the disk. */
  onIdle(): void;
}

/** What the disk does not do: write, sync, or what a thread's events need to leave. */
type Failing = "write" | "sync" | JournalThread;

/**
 * Writes in order, together what came while the disk was busy; and sees to it that what leaves was brought onto the disk before. What a
 * full disk does not take waits for it in memory.
 */
export class Journal {
  readonly #store: OutboxStore;
  readonly #room: Room;
  readonly #listeners: JournalListeners;
  readonly #keepsEnded: boolean;
  readonly #closed: AbortSignal;
  /** From here on it waits no longer for a disk that takes nothing. */
  readonly #closing = new AbortController();
  /** Events that wait for the disk, and what is written with them. */
  #pending: { thread: JournalThread; waiting: Waiting; also: readonly StoreChange[] }[] = [];
  /** What goes with the next write beside events: what has arrived leaves the disk. */
  #further: StoreChange[] = [];
  /** Threads of which what is kept beside events waits for the disk. */
  #noted = new Set<JournalThread>();
  #writing: Promise<void> | undefined;
  /** Writes so far, and those of them that are on the disk. */
  #written = 0;
  #synced = 0;
  #syncing: Promise<void> | undefined;
  readonly #failing = new Set<Failing>();
  /** Who waits no longer for a disk when it fails. */
  readonly #stuckWaiters: (() => void)[] = [];

  /**
   * @param keepsEnded whether the numbers of turns that have ended are kept too
   * @param closed from here on nobody waits for the disk any more
   */
  constructor(store: OutboxStore, room: Room, listeners: JournalListeners, keepsEnded: boolean, closed: AbortSignal) {
    this.#store = store;
    this.#room = room;
    this.#listeners = listeners;
    this.#keepsEnded = keepsEnded;
    this.#closed = closed;
  }

  /** Ends when nothing waits for the disk any more, however long that takes; undefined where nothing does. */
  get writing(): Promise<void> | undefined {
    return this.#writing;
  }

  /** Events that wait for the disk. */
  get pending(): number {
    return this.#pending.length;
  }

  /** The number of the last write, which {@link sync} waits for. */
  get written(): number {
    return this.#written;
  }

  /** Writes an event, and with it, all or nothing, what goes with it. */
  put(thread: JournalThread, waiting: Waiting, also: readonly StoreChange[]): void {
    this.#pending.push({ thread, waiting, also });
    this.#room.take({ waiting: waiting.bytes, pending: waiting.bytes });
    this.#begin();
  }

  /** Writes changes with the next write. */
  change(changes: readonly StoreChange[]): void {
    for (const change of changes) this.#further.push(change);
    this.#begin();
  }

  /** Writes what is kept of a thread beside its events, with the next write. */
  note(thread: JournalThread): void {
    this.#noted.add(thread);
    this.#begin();
  }

  /** Writes changes by themselves, at once. @returns the number of the write */
  async writeNow(changes: readonly StoreChange[]): Promise<number> {
    await this.#store.write(changes);
    return (this.#written += 1);
  }

  /** Waits until everything is written, or the disk takes nothing. */
  async settled(): Promise<void> {
    if (this.#failing.has("write")) return;
    await Promise.race([this.#writing, new Promise<void>((resolve) => this.#stuckWaiters.push(resolve))]);
  }

  /** Waits until what a write brought is on the disk, or the outbox is closed. Whoever waits at the same time waits for the same. */
  async sync(written: number): Promise<void> {
    while (this.#synced < written && !this.#closed.aborted) await (this.#syncing ??= this.#syncAll());
  }

  /** The disk does not do something: of a thread, it does not give or take what its events need to leave. */
  fails(what: Failing, thrown: unknown): void {
    if (this.#failing.size === 0) this.#listeners.onError(new OutboxError("E_OUTBOX_WRITE_FAILED", String(thrown), thrown));
    this.#failing.add(what);
    this.#tellStuck();
  }

  /** It does that. */
  goes(what: Failing): void {
    if (this.#failing.delete(what)) this.#tellStuck();
  }

  /** Writes what waits, but waits for no disk that takes nothing. */
  async finish(): Promise<void> {
    this.#closing.abort();
    while (this.#writing !== undefined) await this.#writing;
  }

  /** Brings everything that was written onto the disk, the last time. That this fails is told as every failure is. */
  async syncLast(): Promise<void> {
    await this.#syncAll().catch(() => undefined);
  }

  #begin(): void {
    this.#writing ??= this.#write();
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
      for (const { numbers } of touched) changes.push({ type: "thread", thread: numbers.stored(this.#keepsEnded) });
      try {
        await this.#store.write(changes);
        for (const thread of touched) await thread.tidy();
      } catch (thrown) {
        // A full disk: what is in memory waits for it, and so does whoever reads.
        this.#pending = [...taken, ...this.#pending];
        this.#further = [...further, ...this.#further];
        for (const thread of touched) this.#noted.add(thread);
        this.fails("write", thrown);
        for (const resolve of this.#stuckWaiters.splice(0)) resolve();
        if (!(await pause(SYSTEM_CLOCK, backoff.next(), this.#closing.signal))) break;
        continue;
      }
      this.goes("write");
      backoff.reset();
      this.#written += 1;
      let bytes = 0;
      for (const { thread, waiting } of taken) {
        bytes += waiting.bytes;
        waiting.written = this.#written;
        thread.admit(waiting);
      }
      for (const thread of touched) thread.wake();
      this.#room.take({ pending: -bytes });
    }
    this.#writing = undefined;
    this.#listeners.onIdle();
  }

  async #syncAll(): Promise<void> {
    const written = this.#written;
    try {
      await this.#store.sync();
      this.#synced = written;
      this.goes("sync");
    } catch (thrown) {
      this.fails("sync", thrown);
      throw thrown;
    } finally {
      this.#syncing = undefined;
    }
  }

  #tellStuck(): void {
    this.#room.setStuck(this.#failing.has("write") || this.#failing.has("sync"));
  }
}
