/** Where a command prints: results on stdout, what is said about them on stderr; with `--json` one object a line, on stdout alone. */
import { Console } from "node:console";
import { Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import type { Told } from "./errors.js";

/** Where it is written to: a stream of the process. */
interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** What an {@link Output} is made of. */
interface OutputOptions {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly now?: () => Date;
}

/** What stands in the place of a secret. */
const HIDDEN = "[hidden]";
const COLUMNS_DEFAULT = 80;
const ERASE_LINE = "\r\u001b[2K";
/** Controls, and what turns the direction of text: a thread's name must not write to the terminal. */
// eslint-disable-next-line no-control-regex -- what it takes out
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text without what a terminal would take for an order. Line ends and tabs stay. */
export function clean(text: string): string {
  return stripVTControlCharacters(text).replace(UNSAFE, "");
}

/** Columns as wide as their widest cell; the last one is as long as it is. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows].map((cells) => cells.map((cell) => clean(cell).replaceAll(/\s+/g, " ")));
  const widths = heads.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join("  ");
  return lines.map((cells) => line(cells).trimEnd()).join("\n");
}

/** A text of one line, cut to so many units. */
export function oneLine(text: string, unitsMax: number): string {
  const line = clean(text).replaceAll(/\s+/g, " ").trim();
  return line.length <= unitsMax ? line : `${line.slice(0, Math.max(0, unitsMax - 1))}…`;
}

/** A reason that the deployment gave: its first line, for behind it may stand what it is about. */
export function reasonOf(text: string, unitsMax = 120): string {
  return oneLine(text.split("\n")[0] ?? "", unitsMax);
}

/** Prints for a command. */
export class Output {
  readonly isJson: boolean;
  readonly #options: OutputOptions;
  readonly #secrets: string[] = [];
  /** The live line that is on the terminal; empty where there is none. */
  #live = "";

  constructor(options: OutputOptions) {
    this.#options = options;
    this.isJson = options.json === true;
  }

  /** Whether a live line can be drawn. */
  get isLive(): boolean {
    return !this.isJson && this.#options.quiet !== true && this.#options.stdout.isTTY === true;
  }

  /** From here on the text is never printed, wherever it stands. */
  hide(secret: string): void {
    if (secret !== "") this.#secrets.push(secret);
  }

  /** A result: its words for people, its object for programs. */
  result(text: string, object: object): void {
    if (this.isJson) this.#write(this.#options.stdout, JSON.stringify(object));
    else this.#write(this.#options.stdout, clean(text));
  }

  /** Something that is said on the way; not with `--quiet`. An object is for programs too. */
  note(text: string, object?: object): void {
    if (this.isJson) {
      if (object !== undefined) this.#write(this.#options.stdout, JSON.stringify(object));
    } else if (this.#options.quiet !== true) this.#write(this.#options.stderr, clean(text));
  }

  /** A line of a log, with its time; of a problem with `--quiet` too. */
  log(text: string, object: object, isProblem = false): void {
    const at = (this.#options.now?.() ?? new Date()).toISOString();
    if (this.isJson) this.#write(this.#options.stdout, JSON.stringify({ at, ...object }));
    else if (isProblem || this.#options.quiet !== true) this.#write(this.#options.stdout, `${at} ${clean(text)}`);
  }

  /** Something that is not as it should be, and ends nothing; printed with `--quiet` too. */
  warn(text: string, object: object): void {
    if (this.isJson) this.#write(this.#options.stdout, JSON.stringify({ type: "warning", ...object }));
    else this.#write(this.#options.stderr, `warning: ${clean(text)}`);
  }

  /** What went wrong. */
  error({ code, message, hint }: Told): void {
    if (this.isJson) this.#write(this.#options.stdout, JSON.stringify({ type: "error", code, message: clean(message), ...(hint === undefined ? {} : { hint }) }));
    else this.#write(this.#options.stderr, `error: ${clean(message)} [${code}]${hint === undefined ? "" : `\n  ${hint}`}`);
  }

  /** Draws the live line anew, in the place of the one before; an empty one takes it away. */
  live(text: string): void {
    if (!this.isLive) return;
    const line = this.#hidden(oneLine(text, this.#columns() - 1));
    if (line === this.#live) return;
    this.#live = line;
    this.#options.stdout.write(ERASE_LINE + line);
  }

  /** A console for libraries that print by themselves: what they say goes to stderr, without secrets. */
  console(): Console {
    const write = (chunk: Buffer | string, _encoding: unknown, done: () => void) => {
      const text = clean(String(chunk)).trimEnd();
      if (text !== "" && this.#options.quiet !== true) this.#write(this.#options.stderr, text);
      done();
    };
    return new Console({ stdout: new Writable({ write }), stderr: new Writable({ write }) });
  }

  /** A terminal that does not know how wide it is says 0. */
  #columns(): number {
    const { columns = 0 } = this.#options.stdout;
    return columns > 0 ? columns : COLUMNS_DEFAULT;
  }

  #write(sink: Sink, text: string): void {
    const live = this.#live;
    const line = `${this.#hidden(text)}\n`;
    if (live === "") sink.write(line);
    else {
      this.#options.stdout.write(ERASE_LINE);
      sink.write(line);
      this.#options.stdout.write(live);
    }
  }

  #hidden(text: string): string {
    return this.#secrets.reduce((hidden, secret) => hidden.replaceAll(secret, HIDDEN), text);
  }
}
