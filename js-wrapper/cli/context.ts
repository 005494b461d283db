/** What a command runs in: its output, its end, and who stops it. */
import { CliError, tellOf } from "./errors.js";
import { isNodeEnough } from "./node-version.js";
import { Output } from "./output.js";

/** Exit codes. */
export const EXIT = { ok: 0, failed: 1, usage: 2, taken: 3 } as const;

/** What the process ends with where it failed so. */
const EXIT_OF: Readonly<Record<string, number>> = { E_CLI_USAGE: EXIT.usage, E_OUTBOX_OWNER_MISMATCH: EXIT.usage, E_SYNC_SESSION_DEVICE_MISMATCH: EXIT.taken };

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

interface OutputFlags {
  json?: boolean;
  quiet?: boolean;
}

/** The process, as commands see it. */
export class Context {
  /** The user's own umask: this process makes files for its user alone. */
  readonly umask: number;
  /** What the process ends with. */
  exitCode: number = EXIT.ok;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  readonly #nodeVersion: string;

  constructor(umask: number, stdout: NodeJS.WriteStream = process.stdout, stderr: NodeJS.WriteStream = process.stderr, nodeVersion: string = process.versions.node) {
    this.umask = umask;
    this.#nodeVersion = nodeVersion;
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  /** Runs a command: what it throws is told, and decides the exit code. With a Node that is too old nothing is run: it would fail anywhere. */
  async run(flags: OutputFlags, command: (output: Output) => Promise<unknown>): Promise<void> {
    await this.runAnyhow(flags, async (output) => {
      if (!isNodeEnough(this.#nodeVersion)) throw new CliError("E_CLI_NODE_TOO_OLD", `Node ${this.#nodeVersion} is not supported`);
      await command(output);
    });
  }

  /** As {@link run}, with whatever Node. */
  async runAnyhow(flags: OutputFlags, command: (output: Output) => Promise<unknown>): Promise<void> {
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

/** What a question answers; whoever stops does not wait for it. @throws what stopped it */
export async function unlessStopped<Answer>(stopped: AbortSignal, question: Promise<Answer>): Promise<Answer> {
  stopped.throwIfAborted();
  const stop = new Promise<never>((_, reject) => stopped.addEventListener("abort", () => reject(stopped.reason as Error), { once: true }));
  return await Promise.race([question, stop]);
}
