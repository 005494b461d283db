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
  ensureSession(args: { actor: HostActorContext; sessionId: string; threadId: string; lastEventCursor: number }): Promise<unknown>;
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
}

/** What the app calls a thread, and what it was started with. */
export interface ThreadNames {
  readonly externalThreadId?: string | undefined;
  readonly model?: string | undefined;
  readonly cwd?: string | undefined;
}

/** A thread of the app-server in Convex. */
export interface BoundThread {
  readonly threadId: string;
  readonly externalThreadId?: string | undefined;
}

/**
 * Brings the events of each of the app-server's threads into a thread of Convex's own: it is made, and the session bound to it,
 * before its first batch.
 */
export class ConvexDelivery {
  readonly #persistence: EventPersistence;
  readonly #target: DeliveryTarget;
  readonly #names = new Map<string, ThreadNames>();
  readonly #bound = new Map<string, Promise<BoundThread>>();

  constructor(persistence: EventPersistence, target: DeliveryTarget) {
    this.#persistence = persistence;
    this.#target = target;
  }

  /** Says what a thread is called, before it is bound: one that nobody named is named as the app-server names it. */
  name(localThreadId: string, names: ThreadNames): void {
    this.#names.set(localThreadId, names);
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
    const { actor } = this.#target;
    const { externalThreadId, model, cwd } = this.#names.get(localThreadId) ?? {};
    const names = { ...(externalThreadId === undefined ? {} : { externalThreadId }), ...(model === undefined ? {} : { model }), ...(cwd === undefined ? {} : { cwd }) };
    const bound = await this.#persistence.ensureThread({ actor, localThreadId, ...names });
    await this.#ensureSession(bound.threadId);
    return { threadId: bound.threadId, externalThreadId: bound.externalThreadId };
  }

  async #ensureSession(threadId: string): Promise<void> {
    const { actor, sessionId } = this.#target;
    await this.#persistence.ensureSession({ actor, sessionId, threadId, lastEventCursor: 0 });
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
