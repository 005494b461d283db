import type { NormalizedEvent } from "../protocol/index.js";
import { type DeadLetter, sizeOf, type StoreChange } from "./store.js";

/** Dead letters, and their UTF-8 bytes, that are kept, the newest. */
const LETTERS_MAX = 1_000;
const LETTERS_BYTES_MAX = 64 * 1024 * 1024;

/** How many dead letters there are, and how large: the newest are kept. What it answers is for the store to write. */
export class DeadLetters {
  #kept: { readonly seq: number; readonly bytes: number }[] = [];

  /** Counts one that is on the disk already, in the order of their numbers. */
  count(seq: number, event: NormalizedEvent): void {
    this.#kept.push({ seq, bytes: sizeOf(event) });
  }

  /** Keeps one, and lets the oldest go. */
  keep(letter: DeadLetter): StoreChange[] {
    this.count(letter.seq, letter.event);
    const changes: StoreChange[] = [{ type: "bury", letter }];
    let bytes = this.#kept.reduce((sum, one) => sum + one.bytes, 0);
    for (const oldest of this.#kept.slice(0, -1)) {
      if (this.#kept.length <= LETTERS_MAX && bytes <= LETTERS_BYTES_MAX) break;
      this.#kept.shift();
      bytes -= oldest.bytes;
      changes.push({ type: "unbury", seq: oldest.seq });
    }
    return changes;
  }

  /** Lets one go. */
  forget(seq: number): StoreChange[] {
    this.#kept = this.#kept.filter((one) => one.seq !== seq);
    return [{ type: "unbury", seq }];
  }
}
