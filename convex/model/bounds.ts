/** Names and texts that callers give, and rows keep: how long they may be. */
import { coded } from "../errors.js";
import { cut, utf8Bytes } from "./parts.js";

/** UTF-8 bytes of an id. SOURCE: `src/limits.rs`, ID_BYTES_MAX. */
const ID_BYTES_MAX = 1024;
/** UTF-8 bytes of a text that a row keeps: a name of a model, a path, settings. SOURCE: `src/limits.rs`, NOTE_BYTES_MAX. */
const NOTE_BYTES_MAX = 4 * 1024;

type Given = Record<string, string | undefined>;

/** Whether none of the ids is longer than a row keeps them. */
export function fit(ids: readonly (string | undefined)[]): boolean {
  return ids.every((id) => id === undefined || fitsIn(id, ID_BYTES_MAX));
}

/**
 * Refuses ids and texts that are too long for their row: lists read many rows.
 *
 * @throws `E_REQUEST_INVALID`
 */
export function checkBounds(ids: Given, notes: Given = {}): void {
  const bounds: [Given, number][] = [
    [ids, ID_BYTES_MAX],
    [notes, NOTE_BYTES_MAX],
  ];
  for (const [given, bytesMax] of bounds) {
    const long = Object.keys(given).find((name) => !fitsIn(given[name] ?? "", bytesMax));
    if (long !== undefined) throw coded("E_REQUEST_INVALID", `\`${long}\` holds at most ${String(bytesMax / 1024)} KiB`, { field: long });
  }
}

/** A text as a row keeps it, cut as the core cuts. */
export const cutNote = (text: string): string => cut(text, NOTE_BYTES_MAX);

function fitsIn(text: string, bytesMax: number): boolean {
  return text.length * 3 <= bytesMax || (text.length <= bytesMax && utf8Bytes(text) <= bytesMax);
}
