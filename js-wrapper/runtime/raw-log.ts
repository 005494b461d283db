import { closeSync, fchmodSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import path from "node:path";
import { redactMessage } from "../core/bridge.js";
import { type Fields, readObject } from "../protocol/fields.js";

/** UTF-8 bytes after which the file is moved aside, to `<file>.1`, and a new one begun. */
const RAW_LOG_BYTES_MAX = 64 * 1024 * 1024;
/** Requests that are remembered until they are answered, the newest. */
const REQUESTS_KEPT_MAX = 1_000;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** Who said a line: codex (`in`), or this side (`out`). */
type RawDirection = "in" | "out";

/**
 * Every line between codex and this side, without its secrets, one JSON object a line: `{dir, t, msg}`, as recordings are; `t` is
 * milliseconds since 1970, a line that is no message reads `{raw}`. Its user alone can read the file, one that was there before included;
 * a folder that was there stays as it was. A file that cannot be written ends the log, and nothing else.
 */
export class RawLog {
  readonly #file: string;
  readonly #bytesMax: number;
  readonly #onError: (thrown: unknown) => void;
  /** What was asked and not answered, by who asked and its id: an answer alone does not say what of it is secret. */
  readonly #asked = new Map<string, string>();
  #fd: number | undefined;
  #bytes = 0;

  /** @param onError told once, when the log ends */
  constructor(file: string, onError: (thrown: unknown) => void, bytesMax = RAW_LOG_BYTES_MAX) {
    this.#file = file;
    this.#onError = onError;
    this.#bytesMax = bytesMax;
    this.#try(() => this.#open());
  }

  /** Keeps a line. */
  line(dir: RawDirection, line: string): void {
    if (this.#fd === undefined) return;
    const message = readObject(line);
    const kept = redactMessage(line, message === undefined ? undefined : this.#requestOf(dir, line, message));
    const entry = { dir, t: Date.now(), msg: readObject(kept) ?? { raw: kept } };
    this.#try(() => this.#write(`${JSON.stringify(entry)}\n`));
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** What a line answers, where that is known; of a request, it is remembered. */
  #requestOf(dir: RawDirection, line: string, { id, method }: Fields): string | undefined {
    if (id === undefined) return undefined;
    const other = dir === "in" ? "out" : "in";
    if (method !== undefined) {
      this.#asked.set(`${dir}${JSON.stringify(id)}`, line);
      const [oldest] = this.#asked.keys();
      if (this.#asked.size > REQUESTS_KEPT_MAX && oldest !== undefined) this.#asked.delete(oldest);
      return undefined;
    }
    const key = `${other}${JSON.stringify(id)}`;
    const request = this.#asked.get(key);
    this.#asked.delete(key);
    return request;
  }

  #open(): void {
    mkdirSync(path.dirname(this.#file), { recursive: true, mode: FOLDER_MODE });
    this.#fd = openSync(this.#file, "a", FILE_MODE);
    fchmodSync(this.#fd, FILE_MODE);
    this.#bytes = fstatSync(this.#fd).size;
  }

  #write(text: string): void {
    if (this.#bytes >= this.#bytesMax) {
      this.close();
      renameSync(this.#file, `${this.#file}.1`);
      this.#open();
    }
    if (this.#fd !== undefined) this.#bytes += writeSync(this.#fd, text);
  }

  #try(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      this.close();
      this.#onError(thrown);
    }
  }
}
