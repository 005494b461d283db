/** A query that is followed: by subscription, or asked again and again for clients that have none. */
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
 * Subscribes, until it is told to stop. One that failed is made anew, with the arguments that hold by then: its credential may have been
 * renewed.
 *
 * @param subscribe subscribes with the arguments of now, and returns what ends that
 * @returns what ends it
 */
export function followBySubscribing<Answer>(
  clock: Clock,
  subscribe: (onAnswer: (answer: Answer) => void, onError: (thrown: unknown) => void) => () => void,
  { onAnswer, onError }: Followed<Answer>,
): () => void {
  const backoff = new Backoff(clock, FOLLOW_EVERY_MS);
  let [end, cancel] = [() => {}, () => {}];
  const begin = (): void => {
    end = subscribe(
      (answer) => {
        cancel();
        backoff.reset();
        onAnswer(answer);
      },
      (thrown) => {
        cancel();
        cancel = clock.after(backoff.next(), () => {
          end();
          begin();
        });
        onError(thrown);
      },
    );
  };
  begin();
  return () => {
    cancel();
    end();
  };
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
