/** One command on its way to Codex: the order of its four writes is what makes it arrive once at most, and its fate known. */
import {
  claim,
  echoIdOf,
  type AnswerCommand,
  type ClaimedCommand,
  type DecideCommand,
  type InterruptCommand,
  type Machine,
  type RefusedClaim,
  type SteerCommand,
  type TurnCommand,
} from "./claimed-command.js";
import { Backoff, pause, type Clock } from "../clock.js";
import { given } from "../given.js";
import type { CodexPersistence, LeasedCommand } from "./persistence.js";
import { Reports } from "./reports.js";

/** What Codex answered. */
export type CommandOutcome =
  /** It took it; of a turn with Codex's id for it, which is the running turn's where Codex steered instead. */
  | { type: "accepted"; turnId?: string | undefined }
  /** It did not, or cannot any more. */
  | { type: "refused"; code: string };

/**
 * What commands do to Codex. Each answers when Codex has; one that rejects says that nothing is known: its command is settled by
 * its echo.
 */
export interface CommandActions {
  /** `turn/start`, with the params and the app-server's thread id. */
  turn: (command: TurnCommand) => Promise<{ type: "accepted"; turnId: string } | { type: "refused"; code: string }>;
  /** `turn/steer`; where another turn runs, or none, Codex decides the race: `E_COMMAND_TARGET_GONE`. */
  steer: (command: SteerCommand) => Promise<CommandOutcome>;
  /** A stop that stops: `Stopping`, and `outcomeOfStop` of its outcome. */
  interrupt: (command: InterruptCommand) => Promise<CommandOutcome>;
  /** The answer to a request for approval; the request waits no longer when this has answered. */
  decide: (command: DecideCommand) => Promise<CommandOutcome>;
  /** The answer to any other request; likewise. */
  answer: (command: AnswerCommand) => Promise<CommandOutcome>;
}

/** A command from afar that came to nothing on this machine: its policy does not let it pass, or Codex did not take it. */
export interface RefusedCommand {
  readonly commandId: string;
  readonly kind: LeasedCommand["kind"];
  /** In Convex. */
  readonly threadId: string;
  readonly code: string;
  /** Of one that is not allowed: why. */
  readonly message?: string;
}

/** A command that is with Codex, or on its way: without what it says, which may be a secret. */
export interface DeliveredCommand {
  readonly commandId: string;
  readonly leaseToken: string;
  readonly threadId: string;
  readonly kind: LeasedCommand["kind"];
  /** What Codex was given as `clientUserMessageId` of a turn's or a steer's message. */
  readonly echoId: string;
  /** Codex's id of the turn that it steers or interrupts. */
  readonly turnId?: string;
}

/** What survives the process. Each call resolves when the disk has it. */
export interface CommandJournal {
  /** From here on the command may reach Codex. The same id again replaces what was kept. */
  delivered: (command: DeliveredCommand) => Promise<void>;
  /** Its fate is in Convex. */
  settled: (commandId: string) => Promise<void>;
  /** What was delivered and not settled. */
  open: () => Promise<readonly DeliveredCommand[]>;
}

/** What a {@link CommandDelivery} is made of. */
export interface DeliveryOptions {
  persistence: Pick<CodexPersistence, "reportCommand">;
  journal: CommandJournal;
  machine: Machine;
  actions: CommandActions;
  /**
   * Resolves when Codex can be given something; rejected where it cannot, which the actions say then. What waits for it is leased and not on
   * its way: its lease may lapse, where the machine sleeps.
   */
  ready?: ((threadId: string) => Promise<unknown>) | undefined;
  /**
   * Finds what became of a command in Codex's history: of a turn or a steer the turn that holds the message with its echo, of an
   * interrupt its turn if that has ended.
   *
   * @returns null where it is not there; rejected where that cannot be told yet
   */
  findEcho: (command: DeliveredCommand) => Promise<{ turnId: string } | null>;
  /** Codex took a turn; told before Convex is. */
  onTaken: (threadId: string, turnId: string) => void;
  /** What failed; it does not throw. */
  onError: (thrown: unknown) => void;
  /** A command that this machine refused; it does not throw. */
  onRefused?: ((refused: RefusedCommand) => void) | undefined;
  clock: Clock;
  /** Ends everything: what is at work stays in the journal. */
  signal: AbortSignal;
}

/** The commands of the last minute are what the policy's bound is about, in milliseconds. */
const RECENT_MS = 60_000;

/** Gives commands to Codex, and tells what became of them. */
export class CommandDelivery {
  readonly #options: DeliveryOptions;
  readonly #reports: Reports;
  #passedAt: number[] = [];

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#reports = new Reports(options);
  }

  /** A command from its lease to its end: the policy, the journal, Convex, Codex, and its fate. */
  async deliver(threadId: string, leased: LeasedCommand): Promise<void> {
    const { commandId, leaseToken, kind, turnId } = leased;
    // What is in force may be another then.
    if (kind === "turn" || kind === "steer") await this.#options.ready?.(threadId).catch(() => undefined);
    if (this.#options.signal.aborted) return;
    const command = this.#claim(threadId, leased);
    if (command.kind === "refused") {
      const { code, message } = command;
      this.#options.onRefused?.({ commandId, kind, threadId, code, ...given({ message }) });
      await this.#reports.send({ commandId, leaseToken, state: "refused", code: command.code });
      return;
    }
    if (kind !== "interrupt") this.#passedAt.push(this.#options.clock.elapsed());
    const entry = { commandId, leaseToken, threadId, kind, echoId: echoIdOf(leased), ...(turnId === undefined ? {} : { turnId }) };
    if (!(await this.#write(entry))) return;
    const end = await this.#reports.send({ commandId, leaseToken, state: "delivered" });
    if (end === "expired") await this.#finish(entry, { state: "expired" });
    else if (end === "lost") await this.#forget(commandId);
    else if (end === "written") await this.#give(entry, command);
  }

  /** Tells the fate of a command that the journal holds, by its echo. It is never given to Codex again. */
  async settle(entry: DeliveredCommand): Promise<void> {
    const backoff = new Backoff(this.#options.clock);
    for (let tries = 0; !this.#options.signal.aborted; tries++) {
      try {
        const echo = await this.#options.findEcho(entry);
        await this.#finish(entry, echo === null ? { state: "unknown" } : accepted(echo.turnId));
        return;
      } catch (thrown) {
        if (tries === 0) this.#options.onError(thrown);
      }
      if (!(await pause(this.#options.clock, backoff.next(), this.#options.signal))) return;
    }
  }

  #claim(threadId: string, leased: LeasedCommand): ClaimedCommand | RefusedClaim {
    try {
      return claim(this.#options.machine, threadId, leased, this.#recent());
    } catch (thrown) {
      // A policy that cannot be asked lets nothing pass.
      this.#options.onError(thrown);
      return { kind: "refused", code: "E_COMMAND_NOT_ALLOWED" };
    }
  }

  /** @returns whether the journal has it; a command that is on no disk is not given to Codex */
  async #write(entry: DeliveredCommand): Promise<boolean> {
    const { commandId, leaseToken } = entry;
    try {
      await this.#options.journal.delivered(entry);
    } catch (thrown) {
      this.#options.onError(thrown);
      await this.#reports.send({ commandId, leaseToken, state: "refused", code: "E_COMMAND_REFUSED" });
      return false;
    }
    return true;
  }

  async #give(entry: DeliveredCommand, command: ClaimedCommand): Promise<void> {
    let outcome: CommandOutcome;
    try {
      outcome = await act(this.#options.actions, command);
    } catch (thrown) {
      this.#options.onError(thrown);
      await this.settle(entry);
      return;
    }
    if (outcome.type === "refused") {
      const { commandId, kind, threadId } = entry;
      this.#options.onRefused?.({ commandId, kind, threadId, code: outcome.code });
      await this.#finish(entry, { state: "refused", code: outcome.code });
      return;
    }
    const turnId = outcome.turnId ?? entry.turnId;
    if (command.kind === "turn" && turnId !== undefined) this.#options.onTaken(command.threadId, turnId);
    await this.#finish(entry, accepted(turnId));
  }

  /** Tells a command's fate, then forgets it. */
  async #finish({ commandId, leaseToken }: DeliveredCommand, fate: Fate): Promise<void> {
    const end = await this.#reports.send({ commandId, leaseToken, ...fate });
    if (end !== "stopped") await this.#forget(commandId);
  }

  async #forget(commandId: string): Promise<void> {
    try {
      await this.#options.journal.settled(commandId);
    } catch (thrown) {
      // It is settled once more by the next start, to the same end.
      this.#options.onError(thrown);
    }
  }

  /** How many commands passed in the last minute. */
  #recent(): number {
    const since = this.#options.clock.elapsed() - RECENT_MS;
    this.#passedAt = this.#passedAt.filter((at) => at > since);
    return this.#passedAt.length;
  }
}

type Fate = { state: "accepted"; turnId?: string } | { state: "refused"; code: string } | { state: "expired" | "unknown" };

function accepted(turnId: string | undefined): Fate {
  return { state: "accepted", ...(turnId === undefined ? {} : { turnId }) };
}

function act(actions: CommandActions, command: ClaimedCommand): Promise<CommandOutcome> {
  switch (command.kind) {
    case "turn":
      return actions.turn(command);
    case "steer":
      return actions.steer(command);
    case "interrupt":
      return actions.interrupt(command);
    case "decide":
      return actions.decide(command);
    case "answer":
      return actions.answer(command);
  }
}
