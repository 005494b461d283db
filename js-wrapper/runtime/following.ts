/** A query that is asked again and again, for clients without subscriptions. */
import { Backoff, pause, type Clock } from "../clock.js";

/** Milliseconds between two askings: what somebody sends from afar is seen within that time. */
export const FOLLOW_EVERY_MS = 5_000;

/** What is told of a query that is followed. */
interface Followed<Answer> {
  /** The first answer, and each that differs from the one before. */
  onAnswer: (answer: Answer) => void;
  /** It failed. It is asked again, with growing waits. */
  onError: (thrown: unknown) => void;
}

/**
 * Asks, until it is told to stop; never twice at once.
 *
 * @param ask asks the query once; its answers are compared as JSON
 * @returns what ends it: nothing is told from then on
 */
export function followByAsking<Answer>(clock: Clock, ask: () => Promise<Answer>, { onAnswer, onError }: Followed<Answer>): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  // A function, because what another function changes is not seen by the compiler.
  const isOver = () => signal.aborted;
  const backoff = new Backoff(clock, FOLLOW_EVERY_MS);
  async function run(): Promise<void> {
    let told: string | undefined;
    for (;;) {
      let waitMs = FOLLOW_EVERY_MS;
      try {
        const answer = await ask();
        if (isOver()) return;
        backoff.reset();
        const asJson = JSON.stringify(answer);
        if (asJson !== told) onAnswer(answer);
        told = asJson;
      } catch (thrown) {
        if (isOver()) return;
        waitMs = backoff.next();
        onError(thrown);
      }
      if (!(await pause(clock, waitMs, signal))) return;
    }
  }
  void run();
  return () => ended.abort();
}
