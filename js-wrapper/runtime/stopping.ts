/** A stop that stops: the clock of what `src/command/stop.rs` plans. */
import { SYSTEM_CLOCK, type Clock } from "../clock.js";
import { planStop } from "../core/bridge.js";

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
   * Starts the process anew: what it cuts is settled, the threads are resumed, everybody is told. Undefined where it is somebody else's.
   *
   * @param cut threads beside this one whose turns it cuts
   */
  restart?: ((threadId: string, turnId: string, cut: readonly string[]) => Promise<void>) | undefined;
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
  | { type: "needsForce"; threadIds: readonly string[] }
  /** Only a restart would end the turn, and the process is somebody else's: it goes on. */
  | { type: "stuck" };

/** A stop that would cut other threads' turns was not confirmed: the command says so, the beat names the threads in which a turn runs. */
export const NEEDS_FORCE = "E_COMMAND_NEEDS_FORCE";

/** A turn does not end, and its process is not this runtime's to start anew: whoever runs that ends it there. */
export const TURN_STUCK = "E_COMMAND_TURN_STUCK";

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
    case "stuck":
      return { type: "refused", code: TURN_STUCK };
  }
}

/** One turn that is to end, however many ask for it. */
interface Stop {
  readonly turnId: string;
  isForced: boolean;
  /** The same for all who ask, until there is an outcome. */
  outcome: Promise<StopOutcome> | undefined;
  areRequestsCancelled: boolean;
  /** When its interrupts were sent. */
  interruptedAt: number[];
  /** Codex says that it has no such turn. */
  isGone: boolean;
  isSettled: boolean;
  /** Ends the wait: something has changed. */
  wake: () => void;
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
      if (stop !== undefined) settle(stop);
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
    settle(stop);
  }

  async #run(threadId: string, stop: Stop): Promise<StopOutcome> {
    try {
      const outcome = await this.#insist(threadId, stop);
      if (outcome.type !== "needsForce" && this.#stops.get(threadId) === stop) this.#stops.delete(threadId);
      return outcome;
    } finally {
      stop.outcome = undefined;
    }
  }

  async #insist(threadId: string, stop: Stop): Promise<StopOutcome> {
    for (;;) {
      // What is gone after a second interrupt, the first one ended.
      if (stop.isGone) return { type: stop.interruptedAt.length > 1 ? "settled" : "gone" };
      const step = this.#next(threadId, stop);
      switch (step.type) {
        case "settled":
          return { type: "settled" };
        case "cancelRequests":
          this.#cancelRequests(threadId, stop);
          break;
        case "interrupt":
          this.#interrupt(threadId, stop);
          break;
        case "wait":
          await this.#wait(stop, step.ms);
          break;
        case "restart":
          if (this.#actions.restart === undefined) return { type: "stuck" };
          await this.#actions.restart(threadId, stop.turnId, step.cut);
          return { type: "restarted", cut: step.cut };
        case "needsForce":
          // Nor would a confirmation start it anew.
          return this.#actions.restart === undefined ? { type: "stuck" } : step;
      }
    }
  }

  #next(threadId: string, { isSettled, isForced, areRequestsCancelled, interruptedAt }: Stop) {
    const [first = this.#clock.elapsed()] = interruptedAt;
    return planStop({
      settled: isSettled,
      pendingRequests: areRequestsCancelled ? 0 : 1,
      interrupts: interruptedAt.length,
      elapsedMs: this.#clock.elapsed() - first,
      others: this.#actions.othersThatRun(threadId),
      forced: isForced,
    });
  }

  #cancelRequests(threadId: string, stop: Stop): void {
    stop.areRequestsCancelled = true;
    try {
      this.#actions.cancelRequests(threadId, stop.turnId);
    } catch {
      // An answer that cannot be written does not hold the interrupt up.
    }
  }

  #interrupt(threadId: string, stop: Stop): void {
    stop.interruptedAt.push(this.#clock.elapsed());
    const told = (answer: "sent" | "gone") => {
      stop.isGone ||= answer === "gone";
      stop.wake();
    };
    this.#actions.interrupt(threadId, stop.turnId).then(told, () => undefined);
  }

  /** Waits: for the turn's end, for Codex's word, or for so long. */
  #wait(stop: Stop, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, resolve);
      stop.wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

function newStop(turnId: string): Stop {
  const asked = { isForced: false, outcome: undefined, areRequestsCancelled: false };
  return { turnId, ...asked, interruptedAt: [], isGone: false, isSettled: false, wake: () => undefined };
}

function settle(stop: Stop): void {
  stop.isSettled = true;
  stop.wake();
}
