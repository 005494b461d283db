import { randomUUID } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { ClassicLevel } from "classic-level";
import { eventOf } from "../protocol/event-of.js";
import type { NormalizedEvent } from "../protocol/index.js";
import { OutboxError } from "./errors.js";

/** An event that waits, and its place among all that ever did. */
export interface StoredEvent {
  readonly seq: number;
  readonly event: NormalizedEvent;
  /** UTF-8 bytes that it takes on disk, about. */
  readonly bytes: number;
  /** When somebody had it sent again that was given up, in milliseconds since 1970: it waits from then on. */
  readonly resentAt?: number | undefined;
}

/** An event that Convex refused for good. */
export interface DeadLetter {
  /** Names it, to people and to `resend`. */
  readonly seq: number;
  readonly event: NormalizedEvent;
  /** Why, as Convex said it. */
  readonly code: string;
  readonly message: string;
  /** When it was given up, in milliseconds since 1970. */
  readonly at: number;
}

/** A thread of the outbox: what its next events are numbered with, and which turns have begun. */
export interface StoredThread {
  readonly threadId: string;
  /** Names it in keys: ids may hold anything. */
  readonly index: number;
  readonly nextLifecycle: number;
  /** Turns that have not ended: the id, the stream's next cursor, what its events' ids begin with. */
  readonly turns: readonly (readonly [turnId: string, next: number, idPrefix: string])[];
  /** Turns that have ended, the newest last, and their streams' next cursors: of some, more may come. */
  readonly ended?: readonly (readonly [turnId: string, next: number])[];
  /** What whoever delivers keeps of it: JSON. */
  readonly note?: unknown;
  /** Why its events are not taken, where that was told. */
  readonly notTaken?: string | undefined;
}

/** A command from afar that was given to codex: JSON, kept until its fate is known. */
interface StoredCommand {
  readonly commandId: string;
}

/** One change; those of a call to {@link OutboxStore.write} happen together, or not at all. */
export type StoreChange =
  | { readonly type: "put"; readonly index: number; readonly stored: StoredEvent }
  | { readonly type: "remove"; readonly index: number; readonly seq: number }
  | { readonly type: "thread"; readonly thread: StoredThread }
  | { readonly type: "unthread"; readonly threadId: string }
  /** The next opening of the folder is of a later one. */
  | { readonly type: "generation"; readonly generation: number }
  | { readonly type: "owner"; readonly owner: string }
  | { readonly type: "bury"; readonly letter: DeadLetter }
  | { readonly type: "unbury"; readonly seq: number };

interface Self {
  readonly runtimeId: string;
  /** The last one that was given out. */
  readonly generation: number;
  /** Names the opening that wrote it. */
  readonly opening: string;
  /** Whose it is, where that is known. */
  readonly owner?: string | undefined;
}

/** Digits of a number in a key, so that keys are in the order of their numbers. SOURCE: 2^53 has 16. */
const DIGITS = 16;
/** Bytes of values that one step of an iteration reads ahead. */
const READ_AHEAD_BYTES = 1024 * 1024;
const FOLDER_MODE = 0o700;

const [COMMAND, EVENT, LETTER, THREAD, SYNC, SELF] = ["c", "e", "d", "n", "s", "self"] as const;
const digits = (number: number): string => String(number).padStart(DIGITS, "0");
const eventKey = (index: number, seq: number): string => EVENT + digits(index) + digits(seq);

/**
 * What an outbox keeps on disk: LevelDB in a folder that its user alone can enter, for one process at a time.
 *
 * What `write` took is the operating system's: it survives the end of the process. `sync` makes it survive a power cut. A record
 * that was torn is left out when the folder is opened again, with what was written behind it: so nothing is. Behind a change that
 * failed the database is opened anew before the next.
 */
export class OutboxStore {
  /** Names the folder's runtime: drawn once. */
  readonly runtimeId: string;
  /** The generation of this opening of the folder, from 1: larger than any that was given out before. */
  readonly generation: number;
  readonly #folder: string;
  readonly #db: ClassicLevel;
  #self: Self;
  /** Ends when no change is under way. */
  #changing: Promise<void> = Promise.resolve();
  /** A change failed since the database was opened. */
  #hasFailed = false;
  #isClosed = false;

  private constructor(folder: string, db: ClassicLevel, self: Self) {
    this.#folder = folder;
    this.#db = db;
    this.runtimeId = self.runtimeId;
    this.generation = self.generation;
    this.#self = self;
  }

  /** Whose it is; undefined until that is known. */
  get owner(): string | undefined {
    return this.#self.owner;
  }

  /**
   * @param folder made where it does not exist
   * @throws OutboxError `E_OUTBOX_LOCKED` where another process has it, `E_OUTBOX_UNREADABLE`
   */
  static async open(folder: string): Promise<OutboxStore> {
    const db = new ClassicLevel(folder, { createIfMissing: true });
    try {
      await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
      await chmod(folder, FOLDER_MODE);
      await db.open();
      const known = await db.get(SELF);
      const before = known === undefined ? { runtimeId: randomUUID(), generation: 0 } : (JSON.parse(known) as Self);
      const self: Self = { ...before, generation: before.generation + 1, opening: randomUUID() };
      await db.put(SELF, JSON.stringify(self), { sync: true });
      return new OutboxStore(folder, db, self);
    } catch (thrown) {
      await db.close();
      throw notOurs(folder, "opened", thrown);
    }
  }

  /** Hands changes to the operating system, all or none. */
  write(changes: readonly StoreChange[]): Promise<void> {
    return this.#change((db) => this.#batchOf(db, changes).write());
  }

  #batchOf(db: ClassicLevel, changes: readonly StoreChange[]): ReturnType<ClassicLevel["batch"]> {
    const batch = db.batch();
    for (const change of changes) {
      switch (change.type) {
        case "put":
          batch.put(eventKey(change.index, change.stored.seq), encodeEvent(change.stored));
          break;
        case "remove":
          batch.del(eventKey(change.index, change.seq));
          break;
        case "thread": {
          const { threadId, ...rest } = change.thread;
          batch.put(THREAD + threadId, JSON.stringify(rest));
          break;
        }
        case "unthread":
          batch.del(THREAD + change.threadId);
          break;
        case "generation":
        case "owner": {
          const { type: _, ...changed } = change;
          this.#self = { ...this.#self, ...changed };
          batch.put(SELF, JSON.stringify(this.#self));
          break;
        }
        case "bury": {
          const { seq, ...rest } = change.letter;
          batch.put(LETTER + digits(seq), JSON.stringify(rest));
          break;
        }
        case "unbury":
          batch.del(LETTER + digits(change.seq));
      }
    }
    return batch;
  }

  /** Waits until everything that was written is on the disk. */
  sync(): Promise<void> {
    return this.#change((db) => db.put(SYNC, "", { sync: true }));
  }

  /** The threads, in the order of their ids. */
  async threads(): Promise<StoredThread[]> {
    const threads: StoredThread[] = [];
    for await (const [key, value] of this.#db.iterator({ gte: THREAD, lt: next(THREAD) })) {
      threads.push({ threadId: key.slice(THREAD.length), ...(JSON.parse(value) as Omit<StoredThread, "threadId">) });
    }
    return threads;
  }

  /** A thread's events behind one, in order; a reader that has enough stops. */
  async *events(index: number, after = -1): AsyncGenerator<StoredEvent> {
    const prefix = EVENT + digits(index);
    const range = { gt: after < 0 ? prefix : eventKey(index, after), lt: next(prefix), highWaterMarkBytes: READ_AHEAD_BYTES };
    for await (const [key, value] of this.#db.iterator(range)) {
      const { event, resentAt } = decodeEvent(value);
      yield { seq: Number(key.slice(prefix.length)), event, bytes: sizeOf(event), resentAt };
    }
  }

  /** What was given up, the oldest first. */
  async letters(): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for await (const [key, value] of this.#db.iterator({ gte: LETTER, lt: next(LETTER) })) {
      letters.push({ seq: Number(key.slice(LETTER.length)), ...(JSON.parse(value) as Omit<DeadLetter, "seq">) });
    }
    return letters;
  }

  /** Keeps a command, in the place of one of the same id. @returns when it is on the disk */
  putCommand(command: StoredCommand): Promise<void> {
    return this.#change((db) => db.put(COMMAND + command.commandId, JSON.stringify(command), { sync: true }));
  }

  /** Forgets a command; one that comes back after a power cut is settled once more, to the same end. */
  removeCommand(commandId: string): Promise<void> {
    return this.#change((db) => db.del(COMMAND + commandId));
  }

  /** The commands that are kept. */
  async commands(): Promise<StoredCommand[]> {
    const values = await this.#db.values({ gte: COMMAND, lt: next(COMMAND) }).all();
    return values.map((value) => JSON.parse(value) as StoredCommand);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#changing;
    await this.#db.close();
  }

  /**
   * Makes one change behind the other, as LevelDB does: one that succeeds beside one that is torn would lie behind it. LevelDB does not
   * say where a change failed, and goes on writing behind what was torn, or, where a compaction or an fsync failed, takes nothing more.
   */
  #change(change: (db: ClassicLevel) => Promise<void>): Promise<void> {
    const changed = this.#changing.then(async () => {
      if (this.#hasFailed && !this.#isClosed) await this.#openAnew();
      this.#hasFailed = true;
      await change(this.#db);
      this.#hasFailed = false;
    });
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  async #openAnew(): Promise<void> {
    await this.#db.close();
    await this.#db.open();
    const known = await this.#db.get(SELF);
    if (known !== undefined && (JSON.parse(known) as Self).opening === this.#self.opening) return;
    // What this process knows of the folder is not what is in it.
    await this.#db.close();
    throw new OutboxError("E_OUTBOX_LOCKED", `another process has had the outbox ${this.#folder} since: start again`);
  }
}

/** The first key behind all that begin with `prefix`. */
function next(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

/**
 * Deletes all that an outbox keeps on the disk: what waits is lost, and so are its dead letters, the commands from afar whose fate is
 * not known and its runtime's id. The next opening begins anew. What else lies in the folder stays, and so does a raw log, wherever it lies.
 *
 * @param folder that of the outbox; one that is not there keeps nothing
 * @throws OutboxError `E_OUTBOX_LOCKED` where a process has it, `E_OUTBOX_UNREADABLE`
 */
export async function deleteOutbox(folder: string): Promise<void> {
  try {
    await ClassicLevel.destroy(folder);
  } catch (thrown) {
    throw notOurs(folder, "deleted", thrown);
  }
}

/** Why a folder cannot be had. @param done what was to be done with it. LevelDB says it itself, or as the cause of what it says. */
export function notOurs(folder: string, done: string, thrown: unknown): OutboxError {
  const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
  const isLocked = cause instanceof Error && "code" in cause && cause.code === "LEVEL_LOCKED";
  if (isLocked) return new OutboxError("E_OUTBOX_LOCKED", `another process has the outbox ${folder}`, thrown);
  return new OutboxError("E_OUTBOX_UNREADABLE", `the outbox ${folder} could not be ${done}: ${String(cause)}`, thrown);
}

/** Length of a text that is not there. */
const ABSENT = -1;

/**
 * The numbers of an event, the lengths of its texts among them (UTF-16 units), and a line end; then its texts as they are, one behind the other.
 * Nothing is escaped, so that neither side goes through the texts: for a text delta that takes a third of the time of an envelope in JSON.
 */
function encodeEvent({ event, resentAt }: Pick<StoredEvent, "event" | "resentAt">): string {
  const { eventId, threadId, turnId, streamId, cursorStart, cursorEnd, kind, payloadJson, createdAt } = event;
  const names = `${eventId.length},${threadId.length},${turnId?.length ?? ABSENT},${streamId?.length ?? ABSENT},${kind.length}`;
  const times = resentAt === undefined ? createdAt : `${createdAt},${resentAt}`;
  return `${names},${cursorStart},${cursorEnd},${times}\n${eventId}${threadId}${turnId ?? ""}${streamId ?? ""}${kind}${payloadJson}`;
}

function decodeEvent(value: string): Pick<StoredEvent, "event" | "resentAt"> {
  let at = value.indexOf("\n") + 1;
  const numbers = value.slice(0, at - 1).split(",").map(Number);
  const [eventUnits = 0, threadUnits = 0, turnUnits = 0, streamUnits = 0, kindUnits = 0, cursorStart = 0, cursorEnd = 0, createdAt = 0, resentAt] = numbers;
  const text = (units: number): string => value.slice(at, (at += units));
  const [eventId, threadId] = [text(eventUnits), text(threadUnits)];
  const turnId = turnUnits === ABSENT ? undefined : text(turnUnits);
  const streamId = streamUnits === ABSENT ? undefined : text(streamUnits);
  return { event: eventOf({ eventId, threadId, turnId, streamId, cursorStart, cursorEnd, kind: text(kindUnits), payloadJson: value.slice(at), createdAt }), resentAt };
}

/** UTF-8 bytes of an event on disk, about. */
export function sizeOf(event: NormalizedEvent): number {
  return Buffer.byteLength(event.payloadJson, "utf8") + ENVELOPE_BYTES + 2 * (event.threadId.length + event.eventId.length);
}

/** About what an envelope takes beside its ids. */
const ENVELOPE_BYTES = 160;
