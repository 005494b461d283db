/** The commands that were sent to this machine from afar: each is given to Codex once at most, and its fate is known in the end. */
import { parseCodexErrorCode } from "../host/codex-error.js";
import { Backoff, SYSTEM_CLOCK, type Clock } from "../clock.js";
import { CommandDelivery, type DeliveryOptions } from "./command-delivery.js";
import type { CodexPersistence, FollowedCommands, LeasedCommand } from "./persistence.js";

/** What a {@link Mailbox} is made of. Thread ids are Convex's. */
export interface MailboxOptions extends Pick<DeliveryOptions, "journal" | "machine" | "actions" | "ready" | "findEcho" | "onRefused"> {
  runtimeId: string;
  generation: number;
  persistence: Pick<CodexPersistence, "leaseCommands" | "reportCommand" | "followCommands">;
  /** Which turn runs in a thread, as this process knows by itself: Convex hears of it later. Told of each that codex has taken as a command. */
  turns: { running(threadId: string): string | undefined; taken(threadId: string, turnId: string): void };
  /** Resolves when Convex has been told of the turns that run: `Heartbeat.tellNow`. Asked before a lease, of a turn that no command began. */
  tellTurn?: ((threadId: string, turnId: string) => Promise<void>) | undefined;
  /** Another runtime writes the thread, or it was deleted: its commands are followed no longer. */
  onLost?: ((threadId: string, thrown: unknown) => void) | undefined;
  /** What failed and is tried again, or was given up. */
  onError?: ((thrown: unknown) => void) | undefined;
  clock?: Clock | undefined;
}

/** Milliseconds before a lease is asked for again where something waits and nothing was handed out: at first, and at most. */
const LOOK_FIRST_MS = 1_000;
const LOOK_MAX_MS = 15_000;

/** A thread that this runtime writes. */
interface Followed {
  readonly threadId: string;
  readonly looks: Backoff;
  end: () => void;
  isEnded: boolean;
  /** Open commands as they were told last; undefined until then. */
  commands: FollowedCommands | undefined;
  isLeasing: boolean;
  /** Something happened since the lease began. */
  isWanted: boolean;
  /** Leased whatever is known of what waits. */
  isForced: boolean;
  cancelLook: (() => void) | undefined;
  /** Everything but interrupts, one after another. */
  work: Promise<void>;
  atWork: number;
  /** A turn that was leased and waits for the one that runs; `wake` has it look again. */
  waiting: { readonly commandId: string; isDropped: boolean; wake: () => void } | undefined;
  /** The last turn of which Convex knows that it may run. */
  knownTurn: string | undefined;
}

/**
 * Follows the commands of the threads that this runtime writes.
 *
 * A command is leased, asked of the machine's policy, written to the journal, told to Convex as delivered, and only then given to
 * Codex; then its fate is told, and it leaves the journal. Wherever that is cut off, what the journal holds is settled by its echo
 * and never given to Codex again. One command of a thread is at work at a time; interrupts overtake it.
 */
export class Mailbox {
  readonly #options: MailboxOptions;
  readonly #clock: Clock;
  readonly #stopped = new AbortController();
  readonly #delivery: CommandDelivery;
  readonly #threads = new Map<string, Followed>();
  /** By id, so that one that is handed out anew waits for its own end. */
  readonly #runs = new Map<string, Promise<void>>();

  constructor(options: MailboxOptions) {
    const { clock = SYSTEM_CLOCK } = options;
    this.#options = options;
    this.#clock = clock;
    const onTaken = (threadId: string, turnId: string) => {
      options.turns.taken(threadId, turnId);
      this.#knows(threadId, turnId);
    };
    this.#delivery = new CommandDelivery({ ...options, clock, signal: this.#stopped.signal, onTaken, onError: (thrown) => this.#tell(thrown) });
  }

  /**
   * Follows a thread's commands: called when its session is bound to this runtime, and Codex has the thread. What the journal holds of
   * it is settled.
   */
  follow(threadId: string): void {
    if (this.#isStopped() || this.#threads.has(threadId)) return;
    const thread: Followed = {
      ...{ threadId, looks: new Backoff(this.#clock, LOOK_FIRST_MS, LOOK_MAX_MS), end: () => undefined, isEnded: false, commands: undefined },
      ...{ isLeasing: false, isWanted: false, isForced: true, cancelLook: undefined, work: Promise.resolve(), atWork: 0, waiting: undefined, knownTurn: undefined },
    };
    this.#threads.set(threadId, thread);
    void this.#settleOpen(threadId);
    thread.end = this.#options.persistence.followCommands([threadId], (_, commands) => {
      thread.commands = commands;
      this.#lookAnew(thread);
    });
    this.#look(thread);
  }

  /** Follows it no longer. What is at work comes to its end. */
  unfollow(threadId: string): void {
    const thread = this.#threads.get(threadId);
    if (thread === undefined) return;
    this.#threads.delete(threadId);
    thread.isEnded = true;
    thread.end();
    thread.cancelLook?.();
    thread.waiting?.wake();
  }

  /** Asks whether something waits: after a beat that says so, of every thread that may have an open command. */
  wake(): void {
    for (const thread of this.#threads.values()) {
      if (thread.commands?.length === 0) continue;
      thread.isForced = true;
      this.#lookAnew(thread);
    }
  }

  /** The turn that ran has ended, by Codex's word or with its process. What is queued behind it may go. */
  turnEnded(threadId: string): void {
    const thread = this.#threads.get(threadId);
    if (thread === undefined) return;
    thread.waiting?.wake();
    this.#lookAnew(thread);
  }

  /** The end of a turn has arrived in Convex: what waited there for that is handed out now, and so is a lease that has lapsed. */
  endArrived(threadId: string): void {
    const thread = this.#threads.get(threadId);
    if (thread === undefined) return;
    thread.isForced ||= thread.commands === undefined || thread.commands.some((command) => this.#isAstray(command));
    this.#lookAnew(thread);
  }

  /** Whether a command of the thread is at work. */
  isAtWork(threadId: string): boolean {
    return (this.#threads.get(threadId)?.atWork ?? 0) > 0;
  }

  /**
   * Whether a command of the thread is leased and not on its way to Codex: the answer to its lease was lost, or a turn was handed out
   * when another one had just begun, and nothing else is handed out meanwhile, the answer to what that one asks included. A beat renews
   * the leases of its threads; of one with `letsLapse` it lapses within a minute, and the command is queued again.
   */
  mayLapse(threadId: string): boolean {
    const thread = this.#threads.get(threadId);
    if (thread === undefined || thread.isLeasing) return false;
    return thread.commands?.some((command) => this.#isAstray(command) || (command.state === "leased" && thread.waiting?.commandId === command.commandId)) ?? false;
  }

  /** Whether a command is leased, and its lease not known here: the answer to it was lost. */
  #isAstray({ commandId, state }: FollowedCommands[number]): boolean {
    return state === "leased" && !this.#runs.has(commandId);
  }

  /** Leases and reports nothing more. What is at work stays in the journal, and is settled when the thread is followed again. */
  stop(): void {
    this.#stopped.abort();
    for (const threadId of [...this.#threads.keys()]) this.unfollow(threadId);
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Convex knows that a turn may run. */
  #knows(threadId: string, turnId: string): void {
    const thread = this.#threads.get(threadId);
    if (thread !== undefined) thread.knownTurn = turnId;
  }

  /** As {@link #look}, with the first wait where nothing is handed out. */
  #lookAnew(thread: Followed): void {
    thread.looks.reset();
    this.#look(thread);
  }

  #look(thread: Followed): void {
    thread.cancelLook?.();
    thread.cancelLook = undefined;
    thread.isWanted = true;
    if (!thread.isLeasing) void this.#leaseAll(thread);
  }

  async #leaseAll(thread: Followed): Promise<void> {
    thread.isLeasing = true;
    while (thread.isWanted && !thread.isEnded && this.#mayGo(thread)) {
      thread.isWanted = false;
      thread.isForced = false;
      thread.isWanted = (await this.#lease(thread)) || wants(thread);
    }
    thread.isLeasing = false;
  }

  /** Whether something waits that may be handed out, as far as this process knows. */
  #mayGo({ threadId, isForced, commands, atWork, waiting }: Followed): boolean {
    const isFree = atWork === (waiting === undefined ? 0 : 1);
    const runs = this.#options.turns.running(threadId) !== undefined;
    const may = ({ state, kind }: FollowedCommands[number]) =>
      state === "queued" && (kind === "interrupt" || (isFree && !(kind === "turn" && runs)));
    return isForced || (commands?.some(may) ?? false);
  }

  /** @returns whether there may be more at once */
  async #lease(thread: Followed): Promise<boolean> {
    const { runtimeId, generation, persistence, turns, tellTurn, onLost } = this.#options;
    const { threadId } = thread;
    try {
      // A turn that Convex does not know of would have another one handed out, which would hold up what the first one asks.
      const running = turns.running(threadId);
      if (running !== undefined && running !== thread.knownTurn) {
        await tellTurn?.(threadId, running);
        thread.knownTurn = running;
      }
      const [leased] = await persistence.leaseCommands({ runtimeId, generation, threadId, limit: 1 });
      if (thread.isEnded) return false;
      if (leased === undefined) {
        if (this.#mayGo(thread)) this.#lookLater(thread);
        return false;
      }
      thread.commands = thread.commands?.filter(({ commandId }) => commandId !== leased.commandId);
      this.#begin(thread, leased);
      return true;
    } catch (thrown) {
      if (thread.isEnded) return false;
      this.#tell(thrown);
      const code = parseCodexErrorCode(thrown);
      if (code === "E_SYNC_SESSION_DEVICE_MISMATCH" || code === "E_AUTH_THREAD_FORBIDDEN") {
        this.unfollow(threadId);
        onLost?.(threadId, thrown);
      } else {
        thread.isForced = true;
        this.#lookLater(thread);
      }
      return false;
    }
  }

  #lookLater(thread: Followed): void {
    thread.cancelLook?.();
    thread.cancelLook = this.#clock.after(thread.looks.next(), () => this.#look(thread));
  }

  #begin(thread: Followed, leased: LeasedCommand): void {
    if (leased.kind === "interrupt") {
      void this.#alone(leased.commandId, () => this.#run(thread, leased));
      return;
    }
    if (thread.waiting !== undefined) {
      // Convex hands out one at a time: the lease of what waits has lapsed.
      thread.waiting.isDropped = true;
      thread.waiting.wake();
    }
    thread.atWork += 1;
    const before = thread.work;
    const run = async () => {
      await before;
      await this.#run(thread, leased);
    };
    thread.work = this.#alone(leased.commandId, run).then(() => {
      thread.atWork -= 1;
      if (!thread.isEnded) this.#look(thread);
    });
  }

  async #alone(commandId: string, run: () => Promise<void>): Promise<void> {
    const before = this.#runs.get(commandId);
    const now = (async () => {
      await before;
      try {
        await run();
      } catch (thrown) {
        // A bug of this software, or of an app's function. The lease lapses, or the journal settles it.
        this.#tell(thrown);
      }
    })();
    this.#runs.set(commandId, now);
    await now;
    if (this.#runs.get(commandId) === now) this.#runs.delete(commandId);
  }

  /** A command from its lease to its end. */
  async #run(thread: Followed, leased: LeasedCommand): Promise<void> {
    const { threadId } = thread;
    const waiting: NonNullable<Followed["waiting"]> = { commandId: leased.commandId, isDropped: false, wake: () => undefined };
    while (leased.kind === "turn" && this.#options.turns.running(threadId) !== undefined && !thread.isEnded && !waiting.isDropped) {
      thread.waiting = waiting;
      await new Promise<void>((resolve) => (waiting.wake = resolve));
      thread.waiting = undefined;
    }
    // Not given to Codex: its lease lapses, and it is handed out to whoever writes the thread then.
    if (thread.isEnded || waiting.isDropped) return;
    await this.#delivery.deliver(threadId, leased);
  }

  /** What the journal holds of a thread: its echo tells. */
  async #settleOpen(threadId: string): Promise<void> {
    try {
      const open = await this.#options.journal.open();
      const left = open.filter((entry) => entry.threadId === threadId && !this.#runs.has(entry.commandId));
      await Promise.all(left.map((entry) => this.#alone(entry.commandId, () => this.#delivery.settle(entry))));
    } catch (thrown) {
      this.#tell(thrown);
    }
  }

  #tell(thrown: unknown): void {
    try {
      this.#options.onError?.(thrown);
    } catch {
      // A listener that throws ends nothing.
    }
  }
}

/** A function, because what happens during a wait is not seen by the compiler. */
function wants({ isWanted }: Followed): boolean {
  return isWanted;
}
