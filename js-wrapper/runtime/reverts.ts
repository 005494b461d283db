import type { AppServerClient } from "../app-server/index.js";
import { turnPages } from "../app-server/turn-pages.js";
import type { OutboxBatch } from "../outbox/index.js";
import type { NormalizedEvent } from "../protocol/index.js";

/** Turns of a page that is looked through for the last one that stays: those before it have begun in the milliseconds since. */
const PAGE_TURNS = 5;

/** What stays of a thread that was taken back. */
export interface Left {
  /** Undefined where nothing does. */
  readonly lastTurnId: string | undefined;
}

interface Revert {
  readonly threadId: string;
  readonly left: Promise<Left | undefined>;
  /** Turns that have begun since. */
  readonly since: Set<string>;
  /** Convex is told, until it has taken the thread back, or refuses to. */
  told?: Promise<void>;
}

/**
 * What codex takes back, and what stays then: it says that a thread was reverted, not to where, so that it is asked at once. A process
 * that came between does not know it any more.
 */
export class Reverts {
  readonly #client: Pick<AppServerClient, "request">;
  readonly #onError: (thrown: unknown) => void;
  /** By the event that says that a thread was taken back. */
  readonly #reverts = new Map<string, Revert>();

  constructor(client: Pick<AppServerClient, "request">, onError: (thrown: unknown) => void) {
    this.#client = client;
    this.#onError = onError;
  }

  /** Sees an event, in order. */
  saw({ kind, eventId, threadId, turnId }: NormalizedEvent): void {
    if (kind === "turn/started" && turnId !== undefined) {
      for (const revert of this.#reverts.values()) if (revert.threadId === threadId) revert.since.add(turnId);
    } else if (kind === "thread/reverted") {
      const since = new Set<string>();
      this.#reverts.set(eventId, { threadId, since, left: this.#ask(threadId, since) });
    }
  }

  /**
   * Sees a batch that has arrived. Convex is told of what its last event takes back, once however often the batch arrives, and not
   * any more when something that came later has arrived.
   *
   * @param tell tells it what stays, for as long as `isDue`
   * @returns when it was told
   */
  async arrived({ threadId, events }: OutboxBatch, tell: (left: Left, isDue: () => boolean) => Promise<void>): Promise<void> {
    for (const [eventId, revert] of this.#reverts) {
      if (revert.threadId === threadId && events.some(({ turnId }) => turnId !== undefined && revert.since.has(turnId))) this.#reverts.delete(eventId);
    }
    const eventId = events.at(-1)?.eventId ?? "";
    const revert = this.#reverts.get(eventId);
    await (revert && (revert.told ??= this.#tell(eventId, revert, tell)));
  }

  async #tell(eventId: string, revert: Revert, tell: (left: Left, isDue: () => boolean) => Promise<void>): Promise<void> {
    const left = await revert.left;
    if (left !== undefined) await tell(left, () => this.#reverts.get(eventId) === revert);
    this.#reverts.delete(eventId);
  }

  async #ask(threadId: string, since: ReadonlySet<string>): Promise<Left | undefined> {
    try {
      for await (const { data } of turnPages((page) => this.#client.request("thread/turns/list", { threadId, ...page, sortDirection: "desc" }), PAGE_TURNS)) {
        const last = data.find(({ id }) => !since.has(id));
        if (last !== undefined) return { lastTurnId: last.id };
      }
      return { lastTurnId: undefined };
    } catch (thrown) {
      this.#onError(thrown);
      return undefined;
    }
  }
}
