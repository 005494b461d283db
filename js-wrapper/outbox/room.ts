/** UTF-8 bytes that may wait: then nothing more is to be read, until there is room again. */
const OUTBOX_BYTES_MAX = 256 * 1024 * 1024;
/** UTF-8 bytes of events that are held in memory; what is behind them is read from the disk when it is its turn. */
const MEMORY_BYTES_MAX = 32 * 1024 * 1024;
/** UTF-8 bytes of events that may wait for the disk. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024;
/** What has to be free before reading goes on. */
const RESUME_SHARE = 0.9;

/** UTF-8 bytes of events: in all, of these in memory, and for the disk. */
interface RoomTaken {
  readonly waiting?: number;
  readonly memory?: number;
  readonly pending?: number;
}

/** How much of all threads waits, and whether that is too much. */
export class Room {
  readonly #bytesMax: number;
  readonly #onCrowded: ((isCrowded: boolean) => void) | undefined;
  #waiting = 0;
  #memory = 0;
  #pending = 0;
  #isStuck = false;
  #isCrowded = false;

  constructor(bytesMax = OUTBOX_BYTES_MAX, onCrowded?: (isCrowded: boolean) => void) {
    this.#bytesMax = bytesMax;
    this.#onCrowded = onCrowded;
  }

  /** Whether too much waits, or the disk takes nothing. */
  get isCrowded(): boolean {
    return this.#isCrowded;
  }

  /** Whether what comes now is to wait on the disk alone. */
  get isMemoryFull(): boolean {
    return this.#memory >= MEMORY_BYTES_MAX;
  }

  /** Counts what is there now beside what was, or less: then the numbers are negative. */
  take({ waiting = 0, memory = 0, pending = 0 }: RoomTaken): void {
    this.#waiting += waiting;
    this.#memory += memory;
    this.#pending += pending;
    this.#tell();
  }

  /** Says whether the disk takes nothing. */
  setStuck(isStuck: boolean): void {
    this.#isStuck = isStuck;
    this.#tell();
  }

  #tell(): void {
    const most = this.#isCrowded ? this.#bytesMax * RESUME_SHARE : this.#bytesMax;
    const isCrowded = this.#isStuck || this.#waiting > most || this.#pending > PENDING_BYTES_MAX;
    if (isCrowded === this.#isCrowded) return;
    this.#isCrowded = isCrowded;
    this.#onCrowded?.(isCrowded);
  }
}
