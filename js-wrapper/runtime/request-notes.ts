import type { RpcId } from "../protocol/index.js";
import type { ThreadNotes } from "./convex-delivery.js";

/** A request, and the process of codex that asked it, both counted within one runtime. */
export interface NotedRequest {
  readonly requestId: RpcId;
  readonly generation: number;
  readonly appGeneration: number;
}

/** The part of a thread's note that is kept here; the rest is somebody else's. */
interface Note {
  readonly requests?: readonly NotedRequest[];
}

/** Requests that Convex may show as open, kept with their threads' events: a process that is killed tells of no end. */
export class RequestNotes {
  readonly #notes: ThreadNotes;

  constructor(notes: ThreadNotes) {
    this.#notes = notes;
  }

  /** Those that are kept, thread by thread. */
  list(): (readonly [threadId: string, requests: readonly NotedRequest[]])[] {
    return [...this.#notes.notes()].flatMap(([threadId]) => {
      const requests = this.#of(threadId);
      return requests.length === 0 ? [] : [[threadId, requests] as const];
    });
  }

  /** Convex may show it from now on. */
  add(threadId: string, request: NotedRequest): void {
    this.#keep(threadId, [...this.#of(threadId), request]);
  }

  /** Convex knows that it has ended. */
  remove(threadId: string, request: NotedRequest): void {
    const rest = this.#of(threadId).filter((noted) => !isSame(noted, request));
    if (rest.length < this.#of(threadId).length) this.#keep(threadId, rest);
  }

  #of(threadId: string): readonly NotedRequest[] {
    return (this.#notes.note(threadId) as Note | undefined)?.requests ?? [];
  }

  #keep(threadId: string, requests: readonly NotedRequest[]): void {
    const { requests: _, ...rest } = (this.#notes.note(threadId) ?? {}) as Note;
    this.#notes.keepNote(threadId, requests.length === 0 ? rest : { ...rest, requests });
  }
}

function isSame(one: NotedRequest, other: NotedRequest): boolean {
  return one.requestId === other.requestId && one.generation === other.generation && one.appGeneration === other.appGeneration;
}
