import type { HostActorContext, HostIngestSafeResult, HostInboundLifecycleEvent, HostInboundStreamDelta, HostSyncRuntimeOptions } from "../host/validators.js";
import { type OutboxBatch, type Verdict, verdictOfAnswer, verdictOfError } from "../outbox/index.js";
import type { NormalizedEvent } from "../protocol/index.js";

/** What of a runtime's persistence takes events. */
export interface EventPersistence {
  ensureThread(args: {
    actor: HostActorContext;
    externalThreadId?: string;
    localThreadId?: string;
    model?: string;
    cwd?: string;
  }): Promise<{ threadId: string; externalThreadId?: string; created: boolean }>;
  ensureSession(args: {
    actor: HostActorContext;
    sessionId: string;
    threadId: string;
    lastEventCursor: number;
    runtimeId?: string;
    generation?: number;
  }): Promise<unknown>;
  ingestSafe(args: {
    actor: HostActorContext;
    sessionId: string;
    threadId: string;
    deltas: (HostInboundStreamDelta | HostInboundLifecycleEvent)[];
    runtime?: HostSyncRuntimeOptions;
  }): Promise<Pick<HostIngestSafeResult, "status" | "errors">>;
}

/** Whose events they are, and what is kept of them. */
export interface DeliveryTarget {
  readonly actor: HostActorContext;
  readonly sessionId: string;
  readonly runtime?: HostSyncRuntimeOptions | undefined;
  /** The start of the runtime that the session is bound to: who may lease the thread's commands. */
  readonly start?: { readonly runtimeId: string; readonly generation: number } | undefined;
}

/** What the app calls a thread, and what it was started with. */
export interface ThreadNames {
  readonly externalThreadId?: string;
  readonly model?: string;
  readonly cwd?: string;
}

/** A thread of the app-server in Convex. */
export interface BoundThread {
  readonly threadId: string;
  readonly externalThreadId?: string;
}

/** What is known of a thread, kept where its events are: they may come to Convex in another process. */
export interface ThreadNotes {
  note(localThreadId: string): unknown;
  keepNote(localThreadId: string, note: unknown): void;
}

interface Note {
  readonly names?: ThreadNames;
  readonly bound?: BoundThread;
}

/**
 * Brings the events of each of the app-server's threads into a thread of Convex's own: it is made, and the session bound to it,
 * before its first batch.
 */
export class ConvexDelivery {
  readonly #persistence: EventPersistence;
  readonly #target: DeliveryTarget;
  readonly #notes: ThreadNotes;
  readonly #onBound: (localThreadId: string, threadId: string) => void;
  readonly #bound = new Map<string, Promise<BoundThread>>();

  /** @param onBound told of each thread when its session is bound to this start of the runtime */
  constructor(persistence: EventPersistence, target: DeliveryTarget, notes: ThreadNotes, onBound: (localThreadId: string, threadId: string) => void = () => undefined) {
    this.#persistence = persistence;
    this.#target = target;
    this.#notes = notes;
    this.#onBound = onBound;
  }

  /** Says what a thread is called, before it is bound: one that nobody named is named as the app-server names it. */
  name(localThreadId: string, names: ThreadNames): void {
    this.#notes.keepNote(localThreadId, { ...this.#note(localThreadId), names });
  }

  /** A thread was made in Convex for one of the app-server's, which is not bound yet. */
  made(localThreadId: string, threadId: string): void {
    this.#notes.keepNote(localThreadId, { ...this.#note(localThreadId), bound: { threadId } });
  }

  /** The thread in Convex of one of the app-server's; made where it is not there. One call is on its way at a time. */
  bind(localThreadId: string): Promise<BoundThread> {
    let bound = this.#bound.get(localThreadId);
    if (bound === undefined) {
      bound = this.#ensure(localThreadId);
      this.#bound.set(localThreadId, bound);
      // What failed is asked for again.
      bound.catch(() => this.#bound.delete(localThreadId));
    }
    return bound;
  }

  /** Sends a batch; the session is ensured once more where the thread does not know it. */
  async deliver({ threadId: localThreadId, events }: OutboxBatch): Promise<Verdict> {
    try {
      const { threadId } = await this.bind(localThreadId);
      const verdict = await this.#ingest(threadId, events);
      if (verdict.type !== "again") return verdict;
      await this.#ensureSession(threadId);
      return await this.#ingest(threadId, events);
    } catch (thrown) {
      return verdictOfError(thrown);
    }
  }

  /** Takes a thread from whatever session has it. */
  async take(localThreadId: string): Promise<void> {
    const { threadId } = await this.bind(localThreadId);
    await this.#ensureSession(threadId);
  }

  async #ensure(localThreadId: string): Promise<BoundThread> {
    const known = this.#note(localThreadId);
    const bound = known.bound ?? (await this.#make(localThreadId, known));
    await this.#ensureSession(bound.threadId);
    this.#onBound(localThreadId, bound.threadId);
    return bound;
  }

  async #make(localThreadId: string, known: Note): Promise<BoundThread> {
    const { threadId, externalThreadId } = await this.#persistence.ensureThread({ actor: this.#target.actor, localThreadId, ...known.names });
    const bound = { threadId, ...(externalThreadId === undefined ? {} : { externalThreadId }) };
    this.#notes.keepNote(localThreadId, { ...known, bound });
    return bound;
  }

  #note(localThreadId: string): Note {
    return (this.#notes.note(localThreadId) ?? {});
  }

  async #ensureSession(threadId: string): Promise<void> {
    const { actor, sessionId, start } = this.#target;
    await this.#persistence.ensureSession({ actor, sessionId, threadId, lastEventCursor: 0, ...start });
  }

  async #ingest(threadId: string, events: readonly NormalizedEvent[]): Promise<Verdict> {
    const { actor, sessionId, runtime } = this.#target;
    const deltas = events.map((event) => inbound(event, threadId));
    return verdictOfAnswer(await this.#persistence.ingestSafe({ actor, sessionId, threadId, deltas, ...(runtime === undefined ? {} : { runtime }) }));
  }
}

/** An event as the host's functions take it, of the thread in Convex. */
function inbound(event: NormalizedEvent, threadId: string): HostInboundStreamDelta | HostInboundLifecycleEvent {
  const { eventId, turnId, streamId, kind, payloadJson, cursorStart, cursorEnd, createdAt } = event;
  if (streamId !== undefined && turnId !== undefined) {
    return { type: "stream_delta", threadId, eventId, turnId, streamId, kind, payloadJson, cursorStart, cursorEnd, createdAt };
  }
  return { type: "lifecycle_event", threadId, eventId, kind, payloadJson, createdAt, ...(turnId === undefined ? {} : { turnId }) };
}
