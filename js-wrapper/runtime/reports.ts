/** Reports of what became of commands, which arrive: a network that fails holds them up, and ends none. */
import { parseCodexErrorCode } from "../host/codex-error.js";
import { Backoff, pause, type Clock } from "../clock.js";
import type { CodexPersistence, CommandReport } from "./persistence.js";

/** How a report ended. */
type ReportEnd =
  | "written"
  /** The command's time is over: it must not be given to Codex. */
  | "expired"
  /** The command went on without this runtime, or its thread did. */
  | "lost"
  /** The mailbox was stopped before. */
  | "stopped";

/** Milliseconds after which the answer to a report may be of before a sleep of the machine. A lease holds 60 s without a beat. */
const LATE_MS = 30_000;

/** After these no report of the same command can be written. */
const OVER: readonly string[] = ["E_COMMAND_LEASE_LOST", "E_COMMAND_NOT_FOUND", "E_COMMAND_INVALID", "E_SYNC_SESSION_DEVICE_MISMATCH"];

/** What a {@link Reports} is made of. */
interface ReportsOptions {
  persistence: Pick<CodexPersistence, "reportCommand">;
  clock: Clock;
  /** Ends every wait. */
  signal: AbortSignal;
  /** Told once for each report that has to be tried again, and of what ends one otherwise than by its lease. */
  onError: (thrown: unknown) => void;
}

/** Sends reports, each until it has an end. */
export class Reports {
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /**
   * Sends one; it never rejects. The same again is no error, so that one whose answer was lost is sent again, and so is one that lets a command
   * pass to Codex whose answer came late: its lease may have lapsed since.
   */
  async send(report: CommandReport): Promise<ReportEnd> {
    const { persistence, clock, signal, onError } = this.#options;
    const isOver = () => signal.aborted;
    const backoff = new Backoff(clock);
    for (let tries = 0; !isOver(); tries++) {
      const askedAt = clock.now();
      try {
        await persistence.reportCommand(report);
        if (isOver()) return "stopped";
        if (report.state !== "delivered" || clock.now() - askedAt < LATE_MS) return "written";
      } catch (thrown) {
        if (isOver()) return "stopped";
        const code = parseCodexErrorCode(thrown);
        if (code === "E_COMMAND_EXPIRED") return "expired";
        const isLost = code !== null && OVER.includes(code);
        if (isLost ? code !== "E_COMMAND_LEASE_LOST" : tries === 0) onError(thrown);
        if (isLost) return "lost";
      }
      await pause(clock, backoff.next(), signal);
    }
    return "stopped";
  }
}
