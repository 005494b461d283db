import { AppServerClient, REQUEST_TIMEOUT_MS } from "../app-server/client.js";

/**
 * Whether codex is read: not while too much waits in the outbox, but for the answers to what it is asked. They need no room there, and without
 * them no process would have its threads while Convex is away. What codex says before an answer is read with it: it is little.
 */
export class Reading {
  readonly #hold: (isHeld: boolean) => void;
  #isCrowded = false;
  /** Requests that wait for their answers. */
  #asked = 0;
  #isHeld = false;

  /** @param hold told to read no more (true), or on */
  constructor(hold: (isHeld: boolean) => void) {
    this.#hold = hold;
  }

  /** Too much waits (true), or no longer. */
  crowded(isCrowded: boolean): void {
    this.#isCrowded = isCrowded;
    this.#tell();
  }

  /** An answer is waited for. */
  async for<Answer>(answer: Promise<Answer>): Promise<Answer> {
    this.#asked += 1;
    this.#tell();
    try {
      return await answer;
    } finally {
      this.#asked -= 1;
      this.#tell();
    }
  }

  #tell(): void {
    const isHeld = this.#isCrowded && this.#asked === 0;
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.#hold(isHeld);
  }
}

/** A client whose answers are read however much waits, but for those that their callers wait longer for than for most: a command may print for hours. */
export class ReadClient extends AppServerClient {
  readonly #reading: Reading;

  constructor(reading: Reading, ...of: ConstructorParameters<typeof AppServerClient>) {
    super(...of);
    this.#reading = reading;
  }

  override requestUntyped(...args: Parameters<AppServerClient["requestUntyped"]>): Promise<unknown> {
    const answer = super.requestUntyped(...args);
    const [, , options] = args;
    return (options?.timeoutMs ?? 0) > REQUEST_TIMEOUT_MS ? answer : this.#reading.for(answer);
  }
}
