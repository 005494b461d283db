/** All of a text or a payload, by pieces: what lists cut is read whole here, and no piece is over a limit of Convex. */
import type { Doc } from "../_generated/dataModel.js";
import type { Piece } from "../validators.js";
import { cursorInvalid } from "./paging.js";
import { partsOf, utf8Bytes } from "./parts.js";
import { chunksFrom, RunJoiner, tailStart, textRuns } from "./runs.js";
import type { ReadCtx } from "./scope.js";

/** UTF-8 bytes of a piece. */
const PIECE_BYTES_MAX = 1024 * 1024;
/** UTF-8 bytes of a text's part. SOURCE: `src/limits.rs`, TEXT_PART_BYTES_MAX. */
const PART_BYTES_MAX = 64 * 1024;
/** UTF-16 units of a stream that are read for one piece, one chunk more at most: 6 MiB of UTF-8, and a batch's 8, of the 16 that a call may read. */
const STREAM_READ_UNITS_MAX = 2 * 1024 * 1024;

const HIGH_MIN = 0xd800;
const LOW_MIN = 0xdc00;
const LOW_MAX = 0xdfff;

/** A place in a text, as its parts are cut: units and UTF-8 bytes behind the beginning of a part. Folds do not move it. */
type Place = { part: number; units: number; bytes: number };

/** The same place in the text's stream, while it lies behind what was folded: units of a run, and the half that waits before it. */
type TailPlace = { cursor: number; units: number; high: number | undefined };

/**
 * The piece of a message's text that begins at `cursor`.
 *
 * @throws `E_CURSOR_INVALID`, also where the text was replaced since: by its item's end, or by a beginning that came late
 */
export async function readText(ctx: ReadCtx, doc: Doc<"messages">, cursor: string | null): Promise<Piece> {
  const { place, tail: known } = parseTextCursor(doc, cursor);
  const piece = new TextPiece({ ...place });
  const end = (isDone: boolean, tail?: TailPlace): Piece => {
    return { ...piece.end(), isDone, continueCursor: formatTextCursor(doc, piece.place, tail), status: doc.status };
  };
  for await (const { part, text } of partsOf(ctx, doc._id, "text", place.part)) {
    if (!piece.takesAll(part === place.part ? behind(text, place.units) : text)) return end(false);
  }
  if (doc.textWhole || doc.streamId === undefined) return end(true);
  const start = tailStart(doc);
  // What was folded since lay in the parts.
  const tail = known !== undefined && known.cursor >= start ? known : { cursor: start, units: 0, high: doc.foldHigh };
  const joiner = new RunJoiner(tail.high);
  let next = tail;
  let left = STREAM_READ_UNITS_MAX;
  for await (const chunk of chunksFrom(ctx, doc, doc.streamId, tail.cursor)) {
    if (left <= 0) return end(false, next);
    for await (const run of textRuns(ctx, chunk, doc.messageId, tail.cursor)) {
      const { high } = joiner;
      const text = joiner.join(run);
      const given = run.cursorStart === tail.cursor ? tail.units : 0;
      const rest = behind(text, given);
      const taken = piece.take(rest);
      if (taken < rest.length) return end(false, { cursor: run.cursorStart, units: given + taken, high });
    }
    next = { cursor: chunk.cursorEnd, units: 0, high: joiner.high };
    left -= chunk.weight;
  }
  if (doc.status !== "streaming" && joiner.end() !== "") {
    if (!piece.takesAll(joiner.end())) return end(false, next);
    next = { ...next, high: undefined };
  }
  return end(true, next);
}

/**
 * The piece of a message's stored payload that begins at `cursor`.
 *
 * @throws `E_CURSOR_INVALID`, also where the payload was replaced since
 */
export async function readPayload(ctx: ReadCtx, doc: Doc<"messages">, cursor: string | null): Promise<Piece> {
  const version = [Number(doc.closing === "item"), doc.payloadUnits];
  const from = parseCursor(cursor, version, 1)?.[0] ?? 0;
  const texts: string[] = [];
  let bytes = 0;
  const end = (isDone: boolean): Piece => {
    const continueCursor = JSON.stringify([...version, from + texts.length]);
    return { text: texts.join(""), bytes, isDone, continueCursor, status: doc.status };
  };
  for await (const { text } of partsOf(ctx, doc._id, "payload", from)) {
    const more = utf8Bytes(text);
    if (bytes + more > PIECE_BYTES_MAX) return end(false);
    texts.push(text);
    bytes += more;
  }
  return end(true);
}

/** A piece while it is filled: it knows its place as the text's parts are cut, each as long as a part may be. */
class TextPiece {
  place: Place;
  readonly #texts: string[] = [];
  readonly #buffer = new Uint8Array(PART_BYTES_MAX);
  readonly #encoder = new TextEncoder();
  #bytes = 0;

  constructor(place: Place) {
    this.place = place;
  }

  takesAll(text: string): boolean {
    return this.take(text) === text.length;
  }

  /** Takes what it has room for; answers how many units that are. No character is parted. */
  take(text: string): number {
    let taken = 0;
    while (taken < text.length) {
      const rest = text.slice(taken);
      const room = Math.min(PART_BYTES_MAX - this.place.bytes, PIECE_BYTES_MAX - this.#bytes);
      const { read, written } = this.#encoder.encodeInto(rest, this.#buffer.subarray(0, room));
      this.#texts.push(rest.slice(0, read));
      this.#bytes += written;
      this.place = { part: this.place.part, units: this.place.units + read, bytes: this.place.bytes + written };
      taken += read;
      if (read === rest.length) break;
      // The next character finds no room: in the part, which is full, or in the piece.
      const wanted = utf8Bytes(String.fromCodePoint(rest.codePointAt(read) ?? 0));
      if (wanted <= PART_BYTES_MAX - this.place.bytes) break;
      this.place = { part: this.place.part + 1, units: 0, bytes: 0 };
    }
    return taken;
  }

  end(): { text: string; bytes: number } {
    return { text: this.#texts.join(""), bytes: this.#bytes };
  }
}

/** What of a text lies behind its first units. */
function behind(text: string, units: number): string {
  const unit = text.charCodeAt(units);
  if (unit >= LOW_MIN && unit <= LOW_MAX) throw invalid();
  return text.slice(units);
}

function formatTextCursor(doc: Doc<"messages">, { part, units, bytes }: Place, tail: TailPlace | undefined): string {
  const inTail = tail === undefined ? [] : [tail.cursor, tail.units, tail.high ?? 0];
  return JSON.stringify([...textVersion(doc), part, units, bytes, ...inTail]);
}

function parseTextCursor(doc: Doc<"messages">, cursor: string | null): { place: Place; tail: TailPlace | undefined } {
  const [part = 0, units = 0, bytes = 0, at, given = 0, high = 0] = parseCursor(cursor, textVersion(doc), 3, 6) ?? [];
  const isHalf = high === 0 || (high >= HIGH_MIN && high < LOW_MIN);
  if (bytes > PART_BYTES_MAX || !isHalf) throw invalid();
  const tail = at === undefined ? undefined : { cursor: at, units: given, high: high === 0 ? undefined : high };
  return { place: { part, units, bytes }, tail };
}

/** What a text's places are good for: until its item's end says it all, or an earlier beginning comes. */
function textVersion(doc: Doc<"messages">): [number, number] {
  return [Number(doc.closing === "item"), doc.startCursor];
}

/** The numbers of a cursor behind its version, which has to be what is read; undefined at the beginning. */
function parseCursor(cursor: string | null, version: readonly number[], ...lengths: number[]): number[] | undefined {
  if (cursor === null || cursor === "") return undefined;
  const given = numbersOf(cursor);
  const isOne = given.every((number) => Number.isSafeInteger(number) && number >= 0) && lengths.includes(given.length - version.length);
  if (!isOne || version.some((number, at) => number !== given[at])) throw invalid();
  return given.slice(version.length);
}

function numbersOf(cursor: string): number[] {
  try {
    const given: unknown = JSON.parse(cursor);
    return Array.isArray(given) ? (given as number[]) : [];
  } catch {
    return [];
  }
}

function invalid(): ReturnType<typeof cursorInvalid> {
  return cursorInvalid("the cursor is not one of this text, or the text was replaced since: begin again");
}
