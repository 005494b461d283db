/** Requests that an earlier start of the runtime left open in Convex: nobody here can answer them under their names any more. */
import type { Backlog } from "../outbox/index.js";
import type { NotedRequest } from "./request-notes.js";

interface LeftThread {
  readonly requests: readonly NotedRequest[];
  /** Events of it that waited in the outbox when this start began, and wait yet: what they say of a request is truer. */
  waiting: number;
}

/**
 * Expires them, each behind what waited of its thread. An app-server that went on asks anew what it waits for, and that is another request.
 */
export class LeftRequests {
  readonly #left: Map<string, LeftThread>;
  readonly #expire: (threadId: string, request: NotedRequest) => void;

  /**
   * @param left what is noted when the runtime starts, by the app-server's threads
   * @param backlog what waits then
   * @param expire says in Convex that one has ended
   */
  constructor(left: Iterable<readonly [threadId: string, requests: readonly NotedRequest[]]>, backlog: readonly Backlog[], expire: (threadId: string, request: NotedRequest) => void) {
    const waiting = new Map(backlog.map(({ threadId, events }) => [threadId, events]));
    this.#left = new Map([...left].map(([threadId, requests]) => [threadId, { requests, waiting: waiting.get(threadId) ?? 0 }]));
    this.#expire = expire;
  }

  /** Settles those of threads of which nothing waits. */
  settle(): void {
    for (const threadId of [...this.#left.keys()]) this.arrived(threadId, 0);
  }

  /** So many events of a thread have arrived. */
  arrived(threadId: string, events: number): void {
    const thread = this.#left.get(threadId);
    if (thread === undefined) return;
    thread.waiting -= events;
    if (thread.waiting > 0) return;
    this.#left.delete(threadId);
    for (const request of thread.requests) this.#expire(threadId, request);
  }
}
