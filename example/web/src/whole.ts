import type { CodexUIMessage } from "convex-codex-local/react";

/** A part of a text that is too large to be sent at once, as `getMessageText` and `getMessagePayload` answer. */
export interface Piece {
  text: string;
  continueCursor: string;
  isDone: boolean;
  /** Its message's. */
  status: CodexUIMessage["status"];
}

/** Reads the piece at a cursor, the first one at null. Null where the message is no longer there. */
export type ReadPiece = (cursor: string | null) => Promise<Piece | null>;

/** What is read at most, in UTF-16 units: a page keeps all of it in memory. */
export const WHOLE_UNITS_MAX = 64 * 1_024 * 1_024;
/** A text that is replaced while it is read is begun again, this many times. */
const STARTS_MAX = 3;

/** A text that was read to its end, or as far as there is room for. */
export interface Whole {
  text: string;
  isCut: boolean;
  /** Its message's, when its end was read. */
  status: CodexUIMessage["status"];
}

/**
 * Reads all pieces of a text.
 *
 * @param read one piece of it
 * @param onProgress told after each piece how much there is, in UTF-16 units
 * @param signal ends it: nothing more is read
 * @returns the text; undefined where there is none, or where it was ended
 * @throws what `read` throws, but for a text that was replaced meanwhile: it is begun again
 */
export async function readWhole(
  read: ReadPiece,
  onProgress: (units: number) => void,
  signal: AbortSignal,
): Promise<Whole | undefined> {
  for (let starts = 1; ; starts += 1) {
    try {
      return await readOnce(read, onProgress, signal);
    } catch (error) {
      if (codeOf(error) !== "E_CURSOR_INVALID" || starts === STARTS_MAX) throw error;
    }
  }
}

async function readOnce(
  read: ReadPiece,
  onProgress: (units: number) => void,
  signal: AbortSignal,
): Promise<Whole | undefined> {
  const texts: string[] = [];
  let units = 0;
  for (let cursor: string | null = null; ;) {
    const piece: Piece | null = await read(cursor);
    if (piece === null || signal.aborted) return undefined;
    texts.push(piece.text);
    units += piece.text.length;
    onProgress(units);
    // A cursor that does not move would be asked for without end.
    const isAtEnd = piece.isDone || piece.continueCursor === cursor;
    if (isAtEnd || units > WHOLE_UNITS_MAX) {
      return {
        text: texts.join("").slice(0, WHOLE_UNITS_MAX),
        isCut: !piece.isDone || units > WHOLE_UNITS_MAX,
        status: piece.status,
      };
    }
    cursor = piece.continueCursor;
  }
}

function codeOf(error: unknown): unknown {
  const data: unknown = error instanceof Error && "data" in error ? error.data : undefined;
  return typeof data === "object" && data !== null && "code" in data ? data.code : undefined;
}
