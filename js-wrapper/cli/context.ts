/** What a command runs in: its output, its end, and who stops it. */
import { CliError, tellOf } from "./errors.js";
import { Output } from "./output.js";

/** Exit codes. */
export const EXIT = { ok: 0, failed: 1, usage: 2, taken: 3 } as const;

/** What the process ends with where it failed so. */
const EXIT_OF: Readonly<Record<string, number>> = { E_CLI_USAGE: EXIT.usage, E_SYNC_SESSION_DEVICE_MISMATCH: EXIT.taken };

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The process, as commands see it. */
export class Context {
  /** The user's own umask: this process makes files for its user alone. */
  readonly umask: number;
  /** What the process ends with. */
  exitCode: number = EXIT.ok;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;

  constructor(umask: number, stdout: NodeJS.WriteStream = process.stdout, stderr: NodeJS.WriteStream = process.stderr) {
    this.umask = umask;
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  /** Runs a command: what it throws is told, and decides the exit code. */
  async run(flags: { json?: boolean; quiet?: boolean }, command: (output: Output) => Promise<unknown>): Promise<void> {
    const output = new Output({ stdout: this.#stdout, stderr: this.#stderr, json: flags.json, quiet: flags.quiet });
    // Convex's client prints by itself, on stdout too.
    globalThis.console = output.console();
    try {
      await command(output);
    } catch (thrown) {
      const told = tellOf(thrown);
      output.error(told);
      this.exitCode = EXIT_OF[told.code] ?? EXIT.failed;
    }
  }

  /** Resolves at the first signal to stop; at the second the process ends at once. */
  stopAsked(output: Output): Promise<void> {
    let asked = 0;
    return new Promise((resolve) => {
      for (const signal of SIGNALS) {
        process.on(signal, () => {
          asked += 1;
          if (asked > 1) {
            output.error({ code: "E_CLI_INTERRUPTED", message: "stopped at once: what was under way is sent when it runs again" });
            process.exit(EXIT.failed);
          }
          resolve();
        });
      }
    });
  }

  /** Tells whether it was asked to stop, to a command that goes on step by step. */
  stopSignal(output: Output): AbortSignal {
    const stopped = new AbortController();
    void this.stopAsked(output).then(() => stopped.abort(new CliError("E_CLI_INTERRUPTED", "stopped before its end: what was done stays done")));
    return stopped.signal;
  }
}
