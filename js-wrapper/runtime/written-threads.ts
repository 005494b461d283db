import { messageOf } from "../coded-error.js";
import type { HostActorContext } from "../host/validators.js";
import { mayPass, type Outbox, type OutboxBatch, type OutboxError, type Verdict } from "../outbox/index.js";
import { type BoundThread, type ConvexDelivery, isPassing, NO_ROOM } from "./convex-delivery.js";
import { codeOf, isMissingFunction, isRefusedByConvex, isTaken } from "./errors.js";
import type { ConvexRetry } from "./retry.js";
import type { Left, Reverts } from "./reverts.js";
import { SessionBeats } from "./session-beats.js";
import type { RuntimeState } from "./state.js";
import type { LoadedThreads } from "./threads.js";
import type { CodexHostPersistence } from "./types.js";

/** Tries of a revert whose function failed and does not say why. SOURCE: convex 1.48: "Server Error" is all that production says of that. */
const REVERT_TRIES = 5;

/** What {@link WrittenThreads} are made of. Threads are named by the app-server's ids. */
interface WrittenThreadsOptions {
  readonly persistence: Pick<CodexHostPersistence, "heartbeat" | "revertThread">;
  readonly actor: HostActorContext;
  readonly sessionId: string;
  readonly delivery: ConvexDelivery;
  readonly outbox: Pick<Outbox, "resume">;
  readonly threads: LoadedThreads;
  readonly reverts: Reverts;
  readonly retry: ConvexRetry;
  readonly state: Pick<RuntimeState, "recovered">;
  /** A batch is in Convex, and so is what it takes back. */
  readonly arrived: (batch: OutboxBatch) => void;
  /** Another session has a thread. */
  readonly lost: (id: string, error: unknown) => void;
  /** It is this one's again. */
  readonly takenBack: (id: string) => void;
  /** A thread was deleted in Convex. */
  readonly deleted: (id: string) => void;
  /** What went wrong in the outbox. */
  readonly failed: (thrown: unknown) => void;
}

/** The threads in Convex that this start of the runtime writes: bound to it, kept fresh, and lost where another session takes one. */
export class WrittenThreads {
  readonly #options: WrittenThreadsOptions;
  readonly #beats: SessionBeats;
  /** Threads that another session has, until somebody goes on in them here. */
  readonly #lost = new Set<string>();
  /** Threads whose events are not taken for a while. */
  readonly #notTaken = new Set<string>();

  constructor(options: WrittenThreadsOptions) {
    this.#options = options;
    const { threads } = options;
    this.#beats = new SessionBeats({
      running: () => threads.list().filter((id) => threads.running(id) !== undefined),
      beat: (id) => this.#beat(id),
    });
  }

  /** Refreshes their sessions from now on, and makes the copies that an earlier start could not make. */
  start(): void {
    const { delivery, retry } = this.#options;
    this.#beats.start();
    for (const id of delivery.uncopied()) void retry.again(() => delivery.find(id), isPassing);
  }

  /** Refreshes none any more. */
  stop(): void {
    this.#beats.stop();
  }

  /**
   * A thread in Convex, when it is there; room for it is waited for. One that another session has is this one's again: somebody goes on in
   * it here.
   *
   * @returns undefined where the runtime stops before
   * @throws what Convex refuses it with else
   */
  async bind(id: string): Promise<BoundThread | undefined> {
    const { delivery, outbox, retry, takenBack } = this.#options;
    const bound = await retry.insist(() => delivery.bind(id), isPassing);
    if (bound !== undefined && this.#lost.has(id) && (await retry.insist(() => delivery.take(id).then(() => true)))) {
      this.#lost.delete(id);
      outbox.resume(id);
      takenBack(id);
    }
    return bound;
  }

  /** Brings a batch to Convex, and behind it what it takes back. */
  async deliver(batch: OutboxBatch): Promise<Verdict> {
    const { delivery, reverts, arrived } = this.#options;
    const verdict = await delivery.deliver(batch);
    if (verdict.type === "acknowledged") {
      this.#waitsNoMore(batch.threadId);
      await reverts.arrived(batch, (left, isDue) => this.#takeBack(batch.threadId, left, isDue));
      this.#beats.arrived(batch.threadId);
      arrived(batch);
    }
    return verdict;
  }

  /** Another session has a thread. What waits of it is in the outbox. */
  lose(id: string, error: unknown): void {
    this.#lost.add(id);
    this.#waitsNoMore(id);
    this.#options.lost(id, error);
  }

  /** Sees what went wrong in the outbox. */
  outboxFailed(error: OutboxError): void {
    const { threadId } = error;
    // Told by whoever found it first.
    if (isTaken(error) && threadId !== undefined && this.#lost.has(threadId)) return;
    this.#options.failed(error);
    if (threadId === undefined) return;
    if (error.code === "E_OUTBOX_NOT_TAKEN") this.#notTaken.add(threadId);
    if (isTaken(error)) this.lose(threadId, error);
    if (error.code === "E_THREAD_DELETED") {
      this.#waitsNoMore(threadId);
      this.#options.deleted(threadId);
    }
  }

  /** Nothing of a thread is sent again and again: it was taken, or is not sent any more. */
  #waitsNoMore(id: string): void {
    if (this.#notTaken.delete(id) && this.#notTaken.size === 0) this.#options.state.recovered("E_OUTBOX_NOT_TAKEN");
  }

  /** Codex took a thread back: so does Convex, behind what had happened in it and before what happens next. An app that cannot keeps its turns. */
  async #takeBack(id: string, { lastTurnId }: Left, isDue: () => boolean): Promise<void> {
    const { persistence, actor, delivery, retry, failed } = this.#options;
    if (persistence.revertThread === undefined) return;
    let tries = 0;
    // What Convex refused it with that will pass: told once.
    let waited: unknown;
    const takeBack = async (): Promise<void> => {
      const { threadId } = await delivery.find(id);
      // What another session has written since is not taken back.
      if (!isDue() || this.#lost.has(id)) return;
      await persistence.revertThread?.({ actor, threadId, turnId: lastTurnId ?? null }).catch((thrown: unknown) => {
        if (isMissingFunction(thrown)) return;
        tries += 1;
        if (isHopeless(thrown, tries)) {
          failed(thrown);
          return;
        }
        if (isRefusedByConvex(thrown)) {
          if (waited === undefined) failed(thrown);
          waited = thrown;
        }
        throw thrown;
      });
    };
    await retry.again(takeBack, (thrown) => waited !== undefined && thrown === waited);
  }

  /** Refreshes the session of a thread. Why else it failed the outbox is told too, by the next event. */
  async #beat(id: string): Promise<void> {
    const { persistence, actor, sessionId, threads } = this.#options;
    const threadId = threads.inConvex(id);
    if (threadId === undefined || this.#lost.has(id)) return;
    try {
      await persistence.heartbeat?.({ actor, sessionId, threadId, lastEventCursor: 0 });
    } catch (thrown) {
      if (isTaken(thrown)) this.lose(id, thrown);
      else throw thrown;
    }
  }
}

/**
 * Whether an app's function will take back nothing: what comes next in the thread would wait for it for ever. The network passes, and a
 * credential that has expired; room for one more may take a day.
 */
function isHopeless(thrown: unknown, tries: number): boolean {
  if (!mayPass(thrown) || codeOf(thrown) === NO_ROOM) return true;
  return tries >= REVERT_TRIES && messageOf(thrown).includes("Server Error");
}
