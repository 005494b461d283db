import { SYSTEM_CLOCK } from "../clock.js";
import { type Verdict, verdictOfError } from "./verdict.js";

/**
 * The answers to one batch, which may be sent more than once. One that ends it counts whenever it comes, of whichever attempt: a client
 * that keeps what it cannot send may answer after hours.
 */
export class Answers {
  /** The attempt whose answer is waited for, whatever it is; none between two attempts. */
  #awaited: Promise<Verdict> | undefined;
  #end: Verdict | undefined;
  #tell: ((verdict?: Verdict) => void) | undefined;

  /**
   * Makes a further attempt, where no late answer has ended the batch, and waits for its answer or a late one.
   *
   * @returns undefined where none came in so many milliseconds, or before the signal
   */
  async to(attempt: () => Promise<Verdict>, ms: number, signal: AbortSignal): Promise<Verdict | undefined> {
    if (this.#end !== undefined) return this.#end;
    const judged = attempt().catch(verdictOfError);
    this.#awaited = judged;
    void judged.then((verdict) => this.#came(verdict, judged));
    const verdict = await this.late(ms, signal);
    this.#awaited = undefined;
    return verdict;
  }

  /** Waits for a late answer. @returns undefined where none came in so many milliseconds, or before the signal */
  late(ms: number, signal: AbortSignal): Promise<Verdict | undefined> {
    return new Promise((resolve) => {
      if (this.#end !== undefined || signal.aborted) {
        resolve(this.#end);
        return;
      }
      const over = (verdict?: Verdict) => {
        cancel();
        signal.removeEventListener("abort", onAbort);
        this.#tell = undefined;
        resolve(verdict);
      };
      const onAbort = () => over();
      const cancel = SYSTEM_CLOCK.after(ms, onAbort);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#tell = over;
    });
  }

  /** Ends a wait between two attempts: the next is made at once. */
  hurry(): void {
    if (this.#awaited === undefined) this.#tell?.();
  }

  #came(verdict: Verdict, attempt: Promise<Verdict>): void {
    const isEnd = verdict.type !== "again" && verdict.type !== "refused";
    if (isEnd) this.#end ??= verdict;
    if (isEnd || attempt === this.#awaited) this.#tell?.(verdict);
  }
}
