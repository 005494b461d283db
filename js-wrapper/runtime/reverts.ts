import type { AppServerClient } from "../app-server/index.js";
import type { NormalizedEvent } from "../protocol/index.js";

/** Turns that are looked through for the last one that stays: those before it have begun in the milliseconds since. */
const LOOKED_THROUGH_MAX = 5;

/** What stays of a thread that was taken back. */
export interface Left {
  /** Undefined where nothing does. */
  readonly lastTurnId: string | undefined;
}

/**
 * What codex takes back, and what stays then: it says that a thread was reverted, not to where, so that it is asked at once. A process
 * that came between does not know it any more.
 */
export class Reverts {
  readonly #client: Pick<AppServerClient, "request">;
  readonly #onError: (thrown: unknown) => void;
  /** What stays, by the event that says that a thread was taken back. */
  readonly #left = new Map<string, Promise<Left | undefined>>();
  /** Turns that have begun since, while codex is asked. */
  readonly #begunSince = new Map<string, Set<string>>();

  constructor(client: Pick<AppServerClient, "request">, onError: (thrown: unknown) => void) {
    this.#client = client;
    this.#onError = onError;
  }

  /** Sees an event, in order. */
  saw({ kind, eventId, threadId, turnId }: NormalizedEvent): void {
    if (kind === "turn/started" && turnId !== undefined) this.#begunSince.get(threadId)?.add(turnId);
    else if (kind === "thread/reverted") this.#left.set(eventId, this.#ask(threadId));
  }

  /** What stays, once: undefined where the event says no such thing, or nobody knows. */
  async take(event: NormalizedEvent | undefined): Promise<Left | undefined> {
    if (event?.kind !== "thread/reverted") return undefined;
    const left = await this.#left.get(event.eventId);
    this.#left.delete(event.eventId);
    return left;
  }

  async #ask(threadId: string): Promise<Left | undefined> {
    const since = new Set<string>();
    this.#begunSince.set(threadId, since);
    try {
      const { data } = await this.#client.request("thread/turns/list", { threadId, limit: LOOKED_THROUGH_MAX, sortDirection: "desc" });
      return { lastTurnId: data.find(({ id }) => !since.has(id))?.id };
    } catch (thrown) {
      this.#onError(thrown);
      return undefined;
    } finally {
      this.#begunSince.delete(threadId);
    }
  }
}
