/** How much of what a batch names one call reads, so that one which names too much is refused in time, with a code. */
import { getDocumentSize } from "convex/values";

/**
 * Bytes of rows that a batch names: those that its writes change are read twice. SOURCE: Convex reads 16 MiB in one call; heads,
 * and the tails of two folds, 2 Mi units each, take theirs.
 */
const NAMED_BYTES_MAX = 11 * 1024 * 1024;
/** Rows of them. SOURCE: Convex writes 16,000 in one call, and reads 32,000, those that it changes twice. */
const NAMED_ROWS_MAX = 12_000;

type Row = Parameters<typeof getDocumentSize>[0];

/** Room for the rows that a call names. Where it is full nothing more is loaded: what was loaded is of no use then. */
export class Room {
  #bytes: number;
  #rows: number;

  /** @param isBounded - without a bound the platform's own hold: what cannot be sent in halves is tried */
  constructor(isBounded: boolean) {
    [this.#bytes, this.#rows] = isBounded ? [NAMED_BYTES_MAX, NAMED_ROWS_MAX] : [Infinity, Infinity];
  }

  get isFull(): boolean {
    return this.#bytes < 0 || this.#rows < 0;
  }

  /** Takes room for a row that was read, and that is read `times` in all. */
  take(row: Row, times: 1 | 2): void {
    this.#bytes -= times * getDocumentSize(row);
    this.#rows -= 1;
  }

  /** The rows of each name, `atOnce` names at a time: those of the last few may be more than there was room for. */
  load<Name, Found extends Row>(names: readonly Name[], atOnce: number, rowsOf: (name: Name) => Promise<Found[]>): Promise<Found[]> {
    return this.each(names, atOnce, async (name) => {
      const rows = await rowsOf(name);
      for (const row of rows) this.take(row, 2);
      return rows;
    });
  }

  /** What is found of each name, `atOnce` names at a time, as long as there is room. */
  async each<Name, Found>(names: readonly Name[], atOnce: number, find: (name: Name) => Promise<Found[]>): Promise<Found[]> {
    const found: Found[] = [];
    for (let at = 0; at < names.length && !this.isFull; at += atOnce) {
      found.push(...(await Promise.all(names.slice(at, at + atOnce).map(find))).flat());
    }
    return found;
  }
}
