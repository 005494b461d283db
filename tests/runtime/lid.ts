/** A laptop that can be shut: nothing of it goes on then, while the server's time does. */
import { AsyncLocalStorage } from "node:async_hooks";
import { onTestFinished, vi } from "vitest";

type Timer = { at: number; call: () => void; isServers: boolean; real: NodeJS.Timeout | undefined };

/** The clock of this process, before any lid: of a lid before, something may be left. */
const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis;
const realNow = Date.now.bind(Date);
const realElapsed = performance.now.bind(performance);
/** Milliseconds in which no test ends. */
const NEVER = 2 ** 31 - 1;

/**
 * The lid of the laptop that this process is. Timers that what {@link toServer} calls has set are the server's; all others stand still
 * while it is shut.
 */
export class Lid {
  readonly #inServer = new AsyncLocalStorage<true>();
  readonly #timers = new Set<Timer>();
  /** Calls that are answered when the lid is shut, and not before: by their names. Their answers are lost, as all that are on their way then. */
  readonly losing = new Set<string>();
  /** The same, but for what becomes of the answer: it is read when the lid is open again. */
  readonly delaying = new Set<string>();
  /** Calls that have no answer yet. */
  inFlight = 0;
  #shuts = 0;
  #aheadMs = 0;
  /** What of that passed while the lid was open: what the machine sleeps, its other clock leaves out. */
  #wentOnMs = 0;
  #sleptMs = 0;
  #opened: Promise<void> | undefined;
  #open: () => void = () => undefined;

  constructor() {
    const setTimer = (call: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
      const timer: Timer = { at: Date.now() + ms, call: () => call(...args), isServers: this.#inServer.getStore() === true, real: undefined };
      this.#arm(timer);
      return Object.assign(timer, { unref: () => timer, ref: () => timer, [Symbol.dispose]: () => undefined });
    };
    const clearTimer = (timer?: Timer | NodeJS.Timeout) => {
      const isOurs = timer !== undefined && this.#timers.delete(timer as Timer);
      realClearTimeout(isOurs ? (timer as Timer).real : (timer as NodeJS.Timeout));
    };
    vi.spyOn(globalThis, "setTimeout").mockImplementation(setTimer as never);
    vi.spyOn(globalThis, "clearTimeout").mockImplementation(clearTimer as never);
    vi.spyOn(Date, "now").mockImplementation(() => realNow() + this.#aheadMs);
    vi.spyOn(performance, "now").mockImplementation(() => realElapsed() + this.#wentOnMs);
    onTestFinished(() => {
      vi.restoreAllMocks();
      for (const { real } of this.#timers) realClearTimeout(real);
    });
  }

  get isShut(): boolean {
    return this.#opened !== undefined;
  }

  /** A call of the laptop's to the server: where the lid is shut before its answer is there, the connection is gone with it. */
  async toServer<Answer>(name: string, call: () => Promise<Answer>): Promise<Answer> {
    const shuts = this.#shuts;
    this.inFlight += 1;
    try {
      const answer = await this.#inServer.run(true, call);
      const isDelayed = this.delaying.has(name);
      while ((isDelayed || this.losing.has(name)) && this.#shuts === shuts) await new Promise(setImmediate);
      if (this.#shuts === shuts) return answer;
      await this.#opened;
      if (isDelayed) return answer;
      throw new TypeError("fetch failed");
    } finally {
      this.inFlight -= 1;
    }
  }

  /** What the server does by itself: timers that this sets are its own. */
  atServer<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    return this.#inServer.run(true, work);
  }

  shut(): void {
    this.#shuts += 1;
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
    this.#sleptMs = 0;
    for (const timer of this.#timers) if (!timer.isServers) this.#arm(timer);
  }

  /** Time passes for the server, from timer to timer. @param settle lets what a timer begins come to its end */
  async pass(ms: number, settle: () => Promise<void>): Promise<void> {
    const [began, end] = [Date.now(), Date.now() + ms];
    for (;;) {
      const next = [...this.#timers].filter(({ at, isServers }) => isServers && at <= end).sort((one, other) => one.at - other.at)[0];
      if (next === undefined) break;
      this.#aheadMs += Math.max(0, next.at - Date.now());
      this.#fire(next);
      await settle();
    }
    this.#aheadMs += Math.max(0, end - Date.now());
    this.#sleptMs += Date.now() - began;
  }

  /** Opens it. Timers go on where they stood, or all that are overdue go off at once. */
  open({ atOnce }: { atOnce: boolean }): void {
    this.#opened = undefined;
    this.losing.clear();
    this.delaying.clear();
    for (const timer of this.#timers) {
      if (timer.isServers) continue;
      if (!atOnce) timer.at += this.#sleptMs;
      this.#arm(timer);
    }
    this.#open();
  }

  /** Time passes for everybody; what is due then goes off. */
  goOn(ms: number): void {
    this.#aheadMs += ms;
    this.#wentOnMs += ms;
    for (const timer of this.#timers) this.#arm(timer);
  }

  #arm(timer: Timer): void {
    realClearTimeout(timer.real);
    this.#timers.add(timer);
    const ms = this.isShut && !timer.isServers ? NEVER : Math.max(0, timer.at - Date.now());
    timer.real = realSetTimeout(() => this.#fire(timer), ms);
  }

  #fire(timer: Timer): void {
    realClearTimeout(timer.real);
    this.#timers.delete(timer);
    const { call, isServers } = timer;
    if (isServers) this.#inServer.run(true, call);
    else call();
  }
}
