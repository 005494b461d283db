import type { AppServerClient, ClientRequestResult } from "../app-server/index.js";
import type { NormalizedEvent } from "../protocol/index.js";

/** Turns of a page that is looked through for the last one that stays: those before it have begun in the milliseconds since. */
const PAGE_TURNS = 5;

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
      let cursor: string | null = null;
      do {
        const page: ClientRequestResult<"thread/turns/list"> = await this.#client.request("thread/turns/list", { threadId, limit: PAGE_TURNS, sortDirection: "desc", cursor });
        const last = page.data.find(({ id }) => !since.has(id));
        if (last !== undefined) return { lastTurnId: last.id };
        cursor = page.nextCursor;
      } while (cursor !== null);
      return { lastTurnId: undefined };
    } catch (thrown) {
      this.#onError(thrown);
      return undefined;
    } finally {
      this.#begunSince.delete(threadId);
    }
  }
}
