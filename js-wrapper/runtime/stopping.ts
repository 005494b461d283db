/**
 * A stop that stops: requests answered `cancel`, `turn/interrupt`, once more, and then the process. The clock of what
 * `src/command/stop.rs` plans, which no door of the core has.
 */
import { SYSTEM_CLOCK, type Clock } from "../clock.js";

/** Milliseconds after which a turn that was interrupted and has not ended is interrupted once more. SOURCE: `src/limits.rs`. */
export const STOP_AGAIN_MS = 5_000;

/** Milliseconds from the first interrupt until the process of such a turn is started anew. SOURCE: `src/limits.rs`. */
export const STOP_RESTART_MS = 15_000;

/** What a stop does to Codex. */
export interface StopActions {
  /** Answers every request of the turn that waits with `cancel`: written when it returns. */
  cancelRequests: (threadId: string, turnId: string) => void;
  /**
   * Sends `turn/interrupt`.
   *
   * @returns whether Codex has that turn: `gone` where it answers that it runs another one, or none. Rejected where nothing is known:
   *   the clock goes on
   */
  interrupt: (threadId: string, turnId: string) => Promise<"sent" | "gone">;
  /** The other threads of the same process in which a turn runs. */
  othersThatRun: (threadId: string) => readonly string[];
  /**
   * Starts the process anew: what it cuts is settled, the threads are resumed, everybody is told.
   *
   * @param cut threads beside this one whose turns it cuts
   */
  restart: (threadId: string, turnId: string, cut: readonly string[]) => Promise<void>;
}

/** How a stop ended. */
export type StopOutcome =
  /** The turn has ended. */
  | { type: "settled" }
  /** Codex had no such turn any more. */
  | { type: "gone" }
  /** The process was started anew, and with it ended what ran in these other threads. */
  | { type: "restarted"; cut: readonly string[] }
  /** A restart would cut the turns of these threads: whoever stops has to say so, by a stop with `force`. The turn goes on. */
  | { type: "needsForce"; threadIds: readonly string[] };

/** A stop that would cut other threads' turns was not confirmed: the command says so, the beat names the threads in which a turn runs. */
export const NEEDS_FORCE = "E_COMMAND_NEEDS_FORCE";

/** What the sender of an interrupt is told of its stop. */
export function outcomeOfStop(outcome: StopOutcome, turnId: string): { type: "accepted"; turnId: string } | { type: "refused"; code: string } {
  switch (outcome.type) {
    case "settled":
    case "restarted":
      return { type: "accepted", turnId };
    case "gone":
      return { type: "refused", code: "E_COMMAND_TARGET_GONE" };
    case "needsForce":
      return { type: "refused", code: NEEDS_FORCE };
  }
}

/** One turn that is to end, however many ask for it. */
interface Stop {
  readonly turnId: string;
  isForced: boolean;
  /** The same for all who ask, until there is an outcome. */
  outcome: Promise<StopOutcome> | undefined;
  /** The turn's interrupts did not end it: only a restart will. */
  isStuck: boolean;
  settle: () => void;
  readonly settled: Promise<"settled">;
}

/** Stops turns. */
export class Stopping {
  readonly #actions: StopActions;
  readonly #clock: Clock;
  /** By thread: the stop of the turn that was last to end there. */
  readonly #stops = new Map<string, Stop>();

  constructor(actions: StopActions, clock: Clock = SYSTEM_CLOCK) {
    this.#actions = actions;
    this.#clock = clock;
  }

  /**
   * Stops a turn. Who asks for the same turn again gets the same outcome; after `needsForce` a stop with `force` goes on where that one
   * ended.
   *
   * @param force the turns of other threads may be cut
   * @returns how it ended, within 15 s and a restart; rejected where the restart failed
   */
  stop(threadId: string, turnId: string, force = false): Promise<StopOutcome> {
    let stop = this.#stops.get(threadId);
    if (stop?.turnId !== turnId) {
      // Only the newest turn of a thread can run.
      stop?.settle();
      stop = newStop(turnId);
      this.#stops.set(threadId, stop);
    }
    stop.isForced ||= force;
    stop.outcome ??= this.#run(threadId, stop);
    return stop.outcome;
  }

  /** The turn has ended, by Codex's word or with its process. */
  turnEnded(threadId: string, turnId: string): void {
    const stop = this.#stops.get(threadId);
    if (stop?.turnId !== turnId) return;
    this.#stops.delete(threadId);
    stop.settle();
  }

  async #run(threadId: string, stop: Stop): Promise<StopOutcome> {
    try {
      const outcome = stop.isStuck ? await this.#restart(threadId, stop) : await this.#insist(threadId, stop);
      if (outcome.type !== "needsForce") this.#forget(threadId, stop);
      return outcome;
    } finally {
      stop.outcome = undefined;
    }
  }

  #forget(threadId: string, stop: Stop): void {
    if (this.#stops.get(threadId) === stop) this.#stops.delete(threadId);
  }

  async #insist(threadId: string, stop: Stop): Promise<StopOutcome> {
    try {
      this.#actions.cancelRequests(threadId, stop.turnId);
    } catch {
      // An answer that cannot be written does not hold the interrupt up.
    }
    const first = await this.#interrupt(threadId, stop, STOP_AGAIN_MS);
    if (first !== undefined) return { type: first };
    // What is gone now, the first one ended.
    const second = await this.#interrupt(threadId, stop, STOP_RESTART_MS - STOP_AGAIN_MS);
    if (second !== undefined) return { type: "settled" };
    stop.isStuck = true;
    return await this.#restart(threadId, stop);
  }

  /** Interrupts, and waits: for the turn's end, for the word that there is no such turn, or for so long. */
  async #interrupt(threadId: string, stop: Stop, waitMs: number): Promise<"settled" | "gone" | undefined> {
    let cancel: () => void = () => undefined;
    const late = new Promise<undefined>((resolve) => {
      cancel = this.#clock.after(waitMs, () => resolve(undefined));
    });
    const gone = new Promise<"gone">((resolve) => {
      const told = (answer: "sent" | "gone") => {
        if (answer === "gone") resolve(answer);
      };
      this.#actions.interrupt(threadId, stop.turnId).then(told, () => undefined);
    });
    const first = await Promise.race([stop.settled, gone, late]);
    cancel();
    return first;
  }

  async #restart(threadId: string, stop: Stop): Promise<StopOutcome> {
    const others = this.#actions.othersThatRun(threadId);
    if (others.length > 0 && !stop.isForced) return { type: "needsForce", threadIds: others };
    await this.#actions.restart(threadId, stop.turnId, others);
    return { type: "restarted", cut: others };
  }
}

function newStop(turnId: string): Stop {
  let settle: () => void = () => undefined;
  const settled = new Promise<"settled">((resolve) => {
    settle = () => resolve("settled");
  });
  return { turnId, isForced: false, outcome: undefined, isStuck: false, settle, settled };
}
