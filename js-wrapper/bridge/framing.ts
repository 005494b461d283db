/** Bytes of one line. 60 times the largest line seen (SOURCE: app-server 0.169.0, 1,069,915 bytes). */
export const LINE_BYTES_MAX = 64 * 1024 * 1024;

/** Bytes of a dropped line that are kept for its report. */
const DROPPED_LINE_BYTES_KEPT = 4_096;

const NEWLINE = 0x0a;

/** What may be wrong with a line's bytes. */
export type FrameFault = "tooLong" | "notUtf8" | "cut";

/** Takes the lines in the order in which they came. */
interface LineSink {
  /**
   * @param line without its line end, never blank
   * @param fault `tooLong`: the line is only the beginning of one that was dropped; `notUtf8`: U+FFFD stands for what
   *   could not be read; `cut`: the bytes ended before the line did
   */
  (line: string, fault: FrameFault | undefined): void;
}

/** Turns bytes into lines. Bytes are kept as they came until their line is whole, so a line costs its length. */
export class LineFramer {
  readonly #sink: LineSink;
  readonly #lineBytesMax: number;
  readonly #strict = new TextDecoder("utf-8", { fatal: true });
  readonly #lossy = new TextDecoder("utf-8");
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #dropping = false;

  /**
   * @param sink takes the lines
   * @param lineBytesMax a longer line is dropped and told as `tooLong`
   */
  constructor(sink: LineSink, lineBytesMax = LINE_BYTES_MAX) {
    this.#sink = sink;
    this.#lineBytesMax = lineBytesMax;
  }

  /** Takes the next bytes, and hands over the lines that they complete. */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end === -1) break;
      this.#keep(chunk.subarray(start, end));
      this.#endLine(undefined);
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
  }

  /** Hands over what is left when no more bytes come. */
  end(): void {
    this.#endLine("cut");
  }

  #keep(piece: Uint8Array): void {
    if (piece.length === 0 || this.#dropping) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes <= this.#lineBytesMax) return;
    const head = this.#joined().slice(0, DROPPED_LINE_BYTES_KEPT);
    this.#pieces = [head];
    this.#bytes = head.length;
    this.#dropping = true;
  }

  #endLine(ending: "cut" | undefined): void {
    const bytes = this.#joined();
    const dropped = this.#dropping;
    this.#pieces = [];
    this.#bytes = 0;
    this.#dropping = false;
    const { text, lossy } = this.#decode(bytes);
    const line = text.endsWith("\r") ? text.slice(0, -1) : text;
    if (line.trim() === "") return;
    this.#sink(line, dropped ? "tooLong" : (ending ?? (lossy ? "notUtf8" : undefined)));
  }

  #joined(): Uint8Array {
    const [first] = this.#pieces;
    return this.#pieces.length === 1 && first !== undefined ? first : Buffer.concat(this.#pieces);
  }

  #decode(bytes: Uint8Array): { text: string; lossy: boolean } {
    try {
      return { text: this.#strict.decode(bytes), lossy: false };
    } catch {
      return { text: this.#lossy.decode(bytes), lossy: true };
    }
  }
}
