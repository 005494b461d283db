import { messageOf } from "../coded-error.js";
import { given } from "../given.js";
import type { HostActorContext, HostIngestSafeResult, HostInboundLifecycleEvent, HostInboundStreamDelta, HostSyncRuntimeOptions } from "../host/validators.js";
import { mayPass, type OutboxBatch, type Verdict, verdictOfAnswer, verdictOfError } from "../outbox/index.js";
import type { NormalizedEvent } from "../protocol/index.js";
import { codeOf, CodexRuntimeError, isMissingFunction, passedOn, toldOf } from "./errors.js";
import { DOWN } from "./persistence.js";

/** What of a runtime's persistence takes events. */
export interface EventPersistence {
  ensureThread(args: {
    actor: HostActorContext;
    externalThreadId?: string;
    localThreadId?: string;
    model?: string;
    cwd?: string;
    /** The thread in Convex whose agent it is. Where it is refused, the thread is asked for without. */
    parentThreadId?: string;
  }): Promise<{ threadId: string; externalThreadId?: string; created: boolean }>;
  /**
   * Puts a thread that was ensured by these names under its parent, which came to Convex later; left out, such a thread stands by itself.
   */
  linkThread?(args: { actor: HostActorContext; externalThreadId?: string; localThreadId: string; parentThreadId: string }): Promise<unknown>;
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
  /** Whether the connection is known to be down; left out, that is found out by calls. */
  isDown?(): boolean;
  /** Copies a thread's history into the new one of `thread/fork`; left out, that one begins with what happens in it. The same copy again is the same. */
  forkThread?(args: { actor: HostActorContext; threadId: string; newThreadId: string; turnId?: string; model?: string; cwd?: string }): Promise<unknown>;
}

/** Whose events they are, and what is kept of them. */
interface DeliveryTarget {
  readonly actor: HostActorContext;
  readonly sessionId: string;
  readonly runtime?: HostSyncRuntimeOptions | undefined;
  /** The start of the runtime that the session is bound to: who may lease the thread's commands. */
  readonly start?: { readonly runtimeId: string; readonly generation: number } | undefined;
  /** Whether this start goes on in a thread, and takes it for that, beside those that it binds; left out, it does in each. */
  readonly goesOn?: ((localThreadId: string) => boolean) | undefined;
  /** Whether what earlier starts noted is known to be the actor's; left out, it is not. */
  readonly isSame?: (() => boolean) | undefined;
}

/** What the app calls a thread, and what it was started with. */
interface ThreadNames {
  readonly externalThreadId?: string;
  readonly model?: string;
  readonly cwd?: string;
}

/** A thread of the app-server in Convex. */
export interface BoundThread {
  readonly threadId: string;
  readonly externalThreadId?: string;
}

/** What is known of a thread, kept where its events are: they may come to Convex in another process. Each who keeps something leaves the rest as it is. */
export interface ThreadNotes {
  note(localThreadId: string): unknown;
  keepNote(localThreadId: string, note: unknown): void;
  /** Everything that is kept. */
  notes(): Iterable<readonly [localThreadId: string, note: unknown]>;
}

/** The same, and the events that wait there. */
export interface DeliveryNotes extends ThreadNotes {
  /** Whether events of a thread that were there at a time, in milliseconds since 1970, are on their way. */
  isSending(localThreadId: string, thenMs: number): boolean;
}

/** How far a copy goes. */
export interface CopyExtent {
  /** The last turn that it has; left out, it has all that the other one had. */
  readonly lastTurnId?: string;
}

interface Note {
  readonly names?: ThreadNames;
  readonly bound?: BoundThread;
  /** The app-server's thread whose copy it is to be in Convex, and is not yet; and when codex had made it. */
  readonly copyOf?: CopyExtent & { readonly id: string; readonly madeAt: number };
  /** It was made as a copy: it has no names that Convex knows it by, and is nobody's agent. */
  readonly isCopy?: boolean;
  /** The app-server's thread whose agent it is, and whether Convex knows it. */
  readonly parent?: { readonly id: string; readonly link?: "made" | "refused" };
}

/** What Convex says of a thread that is not there. */
export const GONE = "E_AUTH_THREAD_FORBIDDEN";
/** What Convex says of a parent that no other try will make one. */
const LINK_REFUSALS: ReadonlySet<string> = new Set([GONE, "E_REQUEST_INVALID"]);
/** Links that fail one after another for another reason: an app whose functions are older than links says no more than that. */
const LINK_FAILURES_MAX = 3;

export const NO_ROOM = "E_QUOTA";

/** A thread cannot be copied before what had happened in it by then is in Convex. */
class CopyTooEarly extends Error {}

/** Whether Convex refuses something until the user has room for it. */
function isNoRoom(thrown: unknown): boolean {
  return codeOf(thrown) === NO_ROOM;
}

/** Whether what keeps a thread from being bound will pass: it is asked for again, and was told where it is to be. */
export function isPassing(thrown: unknown): boolean {
  return isNoRoom(thrown) || thrown instanceof CopyTooEarly;
}

/** Who is told what becomes of threads. */
interface DeliveryListeners {
  /** A thread's session is bound to this start of the runtime. */
  onBound?(localThreadId: string, threadId: string): void;
  /** The user has no room for a thread: told once until there is. Its events wait, and it is asked for with them. */
  onNoRoom?(error: CodexRuntimeError, localThreadId: string): void;
  /** There is room for all of them again. */
  onRoom?(): void;
  /** A copy begins without the history of the thread whose copy it is: Convex refused that for good. */
  onNotCopied?(error: CodexRuntimeError): void;
  /** An agent's thread stands by itself, and not under its parent. */
  onUnlinked?(error: CodexRuntimeError): void;
}

/**
 * Brings the events of each of the app-server's threads into a thread of Convex's own: it is made, and where this start goes on in it the
 * session bound to it, before its first batch.
 */
export class ConvexDelivery {
  readonly #persistence: EventPersistence;
  readonly #target: DeliveryTarget;
  readonly #notes: DeliveryNotes;
  readonly #listeners: DeliveryListeners;
  readonly #bound = new Map<string, Promise<BoundThread>>();
  /** Copies of which the app-server is asked how far they go. */
  readonly #measured = new Map<string, Promise<void>>();
  /** Threads that are being looked for, or made. */
  readonly #found = new Map<string, Promise<BoundThread>>();
  /** Agents that Convex is not told of yet, by their parents. */
  readonly #unlinked = new Map<string, Set<string>>();
  readonly #linking = new Set<string>();
  /** Threads that this start has asked Convex for: of others there is what an earlier one noted. */
  readonly #asked = new Set<string>();
  /** Threads for which there is no room. */
  readonly #noRoom = new Set<string>();
  #linkFailures = 0;

  constructor(persistence: EventPersistence, target: DeliveryTarget, notes: DeliveryNotes, listeners: DeliveryListeners = {}) {
    this.#persistence = persistence;
    this.#target = target;
    this.#notes = notes;
    this.#listeners = listeners;
    for (const [localThreadId] of notes.notes()) this.#awaitParent(localThreadId);
  }

  /** Says what a thread is called, before it is bound: one that nobody named is named as the app-server names it. */
  name(localThreadId: string, names: ThreadNames): void {
    this.#notes.keepNote(localThreadId, { ...this.#note(localThreadId), names });
  }

  /**
   * Says that a thread is a copy, before it is bound: what of the other one is in Convex is copied there first, in whichever process.
   *
   * @param of the app-server's thread whose copy it is
   * @param asked how far it was to go; undefined where that says nothing
   * @param extent the same as the app-server says it then; undefined where it has copied nothing. Never rejected
   */
  async copies(localThreadId: string, of: string, asked: CopyExtent | undefined, extent: Promise<CopyExtent | undefined>): Promise<void> {
    const copyOf = { id: of, madeAt: Date.now() };
    this.#noteCopy(localThreadId, copyOf, asked);
    const measured = extent.then((has) => {
      this.#noteCopy(localThreadId, copyOf, has);
      this.#measured.delete(localThreadId);
    });
    // Its first events may be on their way already.
    this.#measured.set(localThreadId, measured);
    await measured;
  }

  #noteCopy(localThreadId: string, copyOf: NonNullable<Note["copyOf"]>, extent: CopyExtent | undefined): void {
    const { copyOf: _, ...note } = this.#note(localThreadId);
    this.#notes.keepNote(localThreadId, extent === undefined ? note : { ...note, copyOf: { ...copyOf, ...extent } });
  }

  /** Threads that are to be copies, and are not in Convex yet. */
  uncopied(): string[] {
    return [...this.#notes.notes()].flatMap(([localThreadId]) => (this.#note(localThreadId).copyOf === undefined ? [] : [localThreadId]));
  }

  /**
   * Says whose agent a thread is; codex changes no parent, and what was said first stays. Its thread in Convex is put under its parent's
   * when both are there: its events wait for neither.
   */
  parent(localThreadId: string, parentId: string): void {
    const known = this.#note(localThreadId);
    if (known.parent !== undefined || known.copyOf !== undefined || known.isCopy === true) return;
    this.#notes.keepNote(localThreadId, { ...known, parent: { id: parentId } });
    this.#awaitParent(localThreadId);
    if (known.bound !== undefined) void this.#link(localThreadId);
  }

  /** A thread in Convex, whoever writes it; made where it is not there. */
  find(localThreadId: string): Promise<BoundThread> {
    let found = this.#found.get(localThreadId);
    if (found === undefined) {
      found = this.#findOrMake(localThreadId).finally(() => this.#found.delete(localThreadId));
      this.#found.set(localThreadId, found);
    }
    return found;
  }

  /** The thread in Convex of one of the app-server's; made where it is not there. One call is on its way at a time. */
  bind(localThreadId: string): Promise<BoundThread> {
    let bound = this.#bound.get(localThreadId);
    if (bound === undefined) {
      bound = this.#ensure(localThreadId);
      this.#bound.set(localThreadId, bound);
      bound.then(
        () => {
          this.#hasRoom(localThreadId);
          this.#linkAround(localThreadId);
        },
        (thrown: unknown) => {
          // What failed is asked for again.
          this.#bound.delete(localThreadId);
          this.#notBound(localThreadId, thrown);
        },
      );
    }
    return bound;
  }

  /** The same, as far as it is known: nothing is asked for. */
  threadIdOf(localThreadId: string): string | undefined {
    return this.#note(localThreadId).bound?.threadId;
  }

  /**
   * Sends a batch; the session is ensured once more where the thread does not know it. A thread of which there is only what an earlier start
   * left is taken from no session that writes it.
   */
  async deliver(batch: OutboxBatch): Promise<Verdict> {
    // A call that waits for it would be one more that says nothing for as long as an answer may take.
    if (this.#persistence.isDown?.() === true) return { type: "again", reason: DOWN };
    const { threadId: localThreadId, events } = batch;
    const now: { is: "binding" | "ingesting" } = { is: "binding" };
    const ingest = (threadId: string): Promise<Verdict> => {
      now.is = "ingesting";
      return this.#ingest(threadId, events);
    };
    try {
      const goesOn = this.#goesOn(localThreadId);
      const find = () => {
        now.is = "binding";
        return goesOn ? this.bind(localThreadId) : this.#findFor(localThreadId);
      };
      const bound = find();
      let { threadId } = await bound;
      let verdict: Verdict;
      try {
        verdict = await ingest(threadId);
      } catch (thrown) {
        if (codeOf(thrown) !== GONE || !(this.#asked.has(localThreadId) || this.#isSame())) throw thrown;
        // A slower attempt may say it of what is made again already.
        if (this.#bound.get(localThreadId) === bound) this.#bound.delete(localThreadId);
        this.#forget(localThreadId, threadId);
        ({ threadId } = await find());
        verdict = await ingest(threadId);
      }
      if (!goesOn && verdict.type === "taken") {
        if (this.#goesOn(localThreadId)) return await this.deliver(batch);
        // Until that session has ended, or somebody goes on in the thread here.
        verdict = { type: "again", reason: verdict.message };
      }
      if (goesOn && verdict.type === "again") {
        now.is = "binding";
        await this.#ensureSession(threadId);
        verdict = await ingest(threadId);
      }
      // Convex is there: a link that failed is asked for again.
      if (verdict.type === "acknowledged") this.#linkAround(localThreadId);
      return verdict;
    } catch (thrown) {
      if (codeOf(thrown) === GONE) return { type: "again", reason: toldOf(thrown) };
      const verdict = verdictOfError(thrown);
      // Of a thread or a session that is refused no event is the cause: they wait for what mends it.
      return verdict.type === "refused" && now.is === "binding" ? { type: "again", reason: `[${verdict.code}] ${verdict.message}` } : verdict;
    }
  }

  /** Takes a thread from whatever session has it. */
  async take(localThreadId: string): Promise<void> {
    const { threadId } = await this.bind(localThreadId);
    await this.#ensureSession(threadId);
  }

  #goesOn(localThreadId: string): boolean {
    return this.#bound.has(localThreadId) || this.#target.goesOn?.(localThreadId) !== false;
  }

  /** As {@link find}; where there is no room for it, that is told. */
  async #findFor(localThreadId: string): Promise<BoundThread> {
    try {
      const found = await this.find(localThreadId);
      this.#hasRoom(localThreadId);
      return found;
    } catch (thrown) {
      this.#notBound(localThreadId, thrown);
      throw thrown;
    }
  }

  #hasRoom(localThreadId: string): void {
    if (this.#noRoom.delete(localThreadId) && this.#noRoom.size === 0) this.#listeners.onRoom?.();
  }

  async #ensure(localThreadId: string): Promise<BoundThread> {
    let bound = await this.find(localThreadId);
    try {
      await this.#ensureSession(bound.threadId);
    } catch (thrown) {
      // Of a thread that may be somebody else's, none is made.
      if (codeOf(thrown) !== GONE || this.#asked.has(localThreadId) || !this.#isSame()) throw thrown;
      this.#forget(localThreadId, bound.threadId);
      bound = await this.find(localThreadId);
      await this.#ensureSession(bound.threadId);
    }
    this.#listeners.onBound?.(localThreadId, bound.threadId);
    return bound;
  }

  /** Whether what earlier starts noted is the actor's. */
  #isSame(): boolean {
    return this.#target.isSame?.() === true;
  }

  /** The deployment has it no more: it was reset, or the thread was deleted long ago. It is asked for by its names, as one that is new. */
  #forget(localThreadId: string, threadId: string): void {
    const { bound, isCopy: _, parent, ...note } = this.#note(localThreadId);
    if (bound?.threadId !== threadId) return;
    this.#notes.keepNote(localThreadId, { ...note, ...(parent === undefined ? {} : { parent: { id: parent.id } }) });
    this.#awaitParent(localThreadId);
  }

  async #findOrMake(localThreadId: string): Promise<BoundThread> {
    const measured = this.#measured.get(localThreadId);
    if (measured !== undefined) await measured;
    const known = this.#note(localThreadId);
    if (known.bound !== undefined) return known.bound;
    if (known.copyOf === undefined) return this.#make(localThreadId, known);
    const isCopied = await this.#copy(localThreadId, known, known.copyOf);
    const { copyOf: _, ...note } = this.#note(localThreadId);
    const bound = { threadId: localThreadId };
    this.#asked.add(localThreadId);
    this.#notes.keepNote(localThreadId, isCopied ? { ...note, bound, isCopy: true } : note);
    return isCopied ? bound : this.#make(localThreadId, note);
  }

  /** Copies what is in Convex of a thread into a new one. @returns false where that cannot be @throws what another try may not meet */
  async #copy(newThreadId: string, { names }: Note, { id, lastTurnId, madeAt }: NonNullable<Note["copyOf"]>): Promise<boolean> {
    if (this.#notes.isSending(id, madeAt)) throw new CopyTooEarly(`what had happened in ${id} is on its way to Convex, and then into its copy ${newThreadId}`);
    // One of which nothing came from here is not looked for: it would be made for that.
    if (this.#persistence.forkThread === undefined || !this.#isKnown(id)) return false;
    try {
      const { threadId } = await this.find(id);
      const { actor } = this.#target;
      await this.#persistence.forkThread({ actor, threadId, newThreadId, ...given({ turnId: lastTurnId, model: names?.model, cwd: names?.cwd }) });
      return true;
    } catch (thrown) {
      if (!isMissingFunction(thrown) && mayPass(thrown)) throw thrown;
      const message = `the thread ${newThreadId} begins without the history of ${id}, whose copy it is: ${messageOf(thrown)}`;
      this.#listeners.onNotCopied?.(new CodexRuntimeError(passedOn(codeOf(thrown)), message, thrown));
      return false;
    }
  }

  /** Whether a thread is, or is to be, in Convex from here. */
  #isKnown(localThreadId: string): boolean {
    const { bound, names, copyOf } = this.#note(localThreadId);
    return this.#bound.has(localThreadId) || bound !== undefined || names !== undefined || copyOf !== undefined;
  }

  async #make(localThreadId: string, { names }: Note): Promise<BoundThread> {
    const asked = { actor: this.#target.actor, localThreadId, ...names };
    const parentThreadId = this.#parentOf(localThreadId);
    if (parentThreadId === undefined) return this.#made(localThreadId, await this.#persistence.ensureThread(asked));
    let refusal: unknown;
    try {
      const made = await this.#persistence.ensureThread({ ...asked, parentThreadId });
      this.#linked(localThreadId);
      return this.#made(localThreadId, made);
    } catch (thrown) {
      refusal = thrown;
    }
    // Its events do not wait for a parent that Convex, or an older app, does not take.
    const made = this.#made(localThreadId, await this.#persistence.ensureThread(asked));
    this.#notLinked(localThreadId, refusal);
    return made;
  }

  #notBound(localThreadId: string, thrown: unknown): void {
    if (!isNoRoom(thrown) || this.#noRoom.has(localThreadId)) return;
    this.#noRoom.add(localThreadId);
    const message = `the thread ${localThreadId} is not in Convex until there is room for it: ${messageOf(thrown)}`;
    this.#listeners.onNoRoom?.(new CodexRuntimeError(passedOn(NO_ROOM), message, thrown), localThreadId);
  }

  #made(localThreadId: string, { threadId, externalThreadId }: { threadId: string; externalThreadId?: string }): BoundThread {
    const bound = { threadId, ...given({ externalThreadId }) };
    this.#asked.add(localThreadId);
    // Its parent may have become known meanwhile.
    this.#notes.keepNote(localThreadId, { ...this.#note(localThreadId), bound });
    return bound;
  }

  /** The thread in Convex that a thread is to be put under; undefined where there is none, or it is not there yet. */
  #parentOf(localThreadId: string): string | undefined {
    const { parent } = this.#note(localThreadId);
    const isAsked = parent !== undefined && parent.link === undefined && this.#linkFailures < LINK_FAILURES_MAX;
    return isAsked ? this.#note(parent.id).bound?.threadId : undefined;
  }

  #awaitParent(localThreadId: string): void {
    const { parent } = this.#note(localThreadId);
    if (parent === undefined || parent.link !== undefined) return;
    const agents = this.#unlinked.get(parent.id) ?? new Set();
    this.#unlinked.set(parent.id, agents.add(localThreadId));
  }

  /** Puts a thread under its parent, and its agents under it, where Convex was not told of it yet. */
  #linkAround(localThreadId: string): void {
    for (const id of [localThreadId, ...(this.#unlinked.get(localThreadId) ?? [])]) void this.#link(id);
  }

  async #link(localThreadId: string): Promise<void> {
    const { bound, names } = this.#note(localThreadId);
    const parentThreadId = this.#parentOf(localThreadId);
    if (this.#persistence.linkThread === undefined || bound === undefined || parentThreadId === undefined || this.#linking.has(localThreadId)) return;
    this.#linking.add(localThreadId);
    try {
      const named = given({ externalThreadId: names?.externalThreadId });
      await this.#persistence.linkThread({ actor: this.#target.actor, localThreadId, ...named, parentThreadId });
      this.#linked(localThreadId);
    } catch (thrown) {
      this.#notLinked(localThreadId, thrown);
    } finally {
      this.#linking.delete(localThreadId);
    }
  }

  #linked(localThreadId: string): void {
    this.#linkFailures = 0;
    this.#settle(localThreadId, "made");
  }

  /** It stands by itself: for good where Convex said why; else it is asked for a few times more, and by the next start of the runtime. */
  #notLinked(localThreadId: string, thrown: unknown): void {
    const { parent } = this.#note(localThreadId);
    const { data } = (thrown ?? {}) as { data?: { code?: unknown } };
    const isRefusal = typeof data?.code === "string" && LINK_REFUSALS.has(data.code);
    if (isRefusal) this.#settle(localThreadId, "refused");
    else if (++this.#linkFailures < LINK_FAILURES_MAX) return;
    const message = `the thread ${localThreadId} is not under the one whose agent it is, ${parent?.id ?? ""}: ${toldOf(thrown)}`;
    this.#listeners.onUnlinked?.(new CodexRuntimeError("E_RUNTIME_THREAD_UNLINKED", message, thrown));
  }

  #settle(localThreadId: string, link: "made" | "refused"): void {
    const note = this.#note(localThreadId);
    if (note.parent === undefined) return;
    this.#notes.keepNote(localThreadId, { ...note, parent: { ...note.parent, link } });
    this.#unlinked.get(note.parent.id)?.delete(localThreadId);
  }

  #note(localThreadId: string): Note {
    return (this.#notes.note(localThreadId) ?? {});
  }

  async #ensureSession(threadId: string): Promise<void> {
    const { actor, sessionId, start } = this.#target;
    await this.#persistence.ensureSession({ actor, sessionId, threadId, lastEventCursor: 0, ...start });
  }

  /** @throws what says so where Convex has no such thread, and makes none of these events */
  async #ingest(threadId: string, events: readonly NormalizedEvent[]): Promise<Verdict> {
    const { actor, sessionId, runtime } = this.#target;
    const deltas = events.map((event) => inbound(event, threadId));
    const answer = await this.#persistence.ingestSafe({ actor, sessionId, threadId, deltas, ...given({ runtime }) });
    const [error] = answer.errors;
    if (answer.status === "rejected" && error?.errorCode === GONE) throw new CodexRuntimeError(passedOn(GONE), error.message);
    return verdictOfAnswer(answer);
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
