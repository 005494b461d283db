import { isSynthesized, TURN_ENDED } from "../bridge/turn-end.js";
import type { NormalizedEvent } from "../protocol/index.js";
import { toldOf } from "./errors.js";
import type { CodexHostState, KindCount, RuntimePhase } from "./types.js";

/** How a runtime stands, as it is told what happens; whoever listens is told of every change. */
export class RuntimeState {
  readonly #onState: (state: CodexHostState) => void;
  readonly #onThrown: (thrown: unknown) => void;
  readonly #listeners = new Set<(state: CodexHostState) => void>();
  readonly #kinds = new Map<string, number>();
  #events = 0;
  #state: Omit<CodexHostState, "ingestMetrics"> = NOTHING;
  /** Made when it is asked for: events come by the thousand. */
  #whole: CodexHostState | undefined;

  /** @param onThrown is told what a listener throws: it ends nothing */
  constructor(onState: (state: CodexHostState) => void, onThrown: (thrown: unknown) => void) {
    this.#onState = onState;
    this.#onThrown = onThrown;
  }

  get(): CodexHostState {
    return (this.#whole ??= { ...this.#state, ingestMetrics: this.#metrics() });
  }

  #metrics(): CodexHostState["ingestMetrics"] {
    return { enqueuedEventCount: this.#events, skippedEventCount: 0, enqueuedByKind: sorted(this.#kinds), skippedByKind: [] };
  }

  subscribe(listener: (state: CodexHostState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A start: nothing of an earlier one is left. */
  begin(externalThreadId: string | undefined): void {
    this.#kinds.clear();
    this.#events = 0;
    this.#set({ ...NOTHING, phase: "starting", running: true, externalThreadId: externalThreadId ?? null });
  }

  /** The app-server's thread is known. */
  threadKnown(runtimeThreadId: string): void {
    const isAnother = runtimeThreadId !== this.#state.runtimeThreadId;
    this.#set({ runtimeThreadId, ...(isAnother ? { threadId: null, turnId: null, turnInFlight: false } : {}) });
  }

  /** Its thread in Convex is known: everything is there. */
  bound(threadId: string, externalThreadId: string | undefined): void {
    this.#set({ threadId, externalThreadId: externalThreadId ?? null, phase: this.#state.turnInFlight ? "running" : "ready", lastError: null });
  }

  /** A thread is another one in Convex: the deployment had the one before no more. */
  boundAnew(runtimeThreadId: string, threadId: string): void {
    const { runtimeThreadId: own, threadId: before } = this.#state;
    if (runtimeThreadId === own && before !== null && before !== threadId) this.#set({ threadId });
  }

  /** Another process has its threads. */
  loadedAgain(): void {
    this.#set({ phase: this.#state.turnInFlight ? "running" : "ready", lastError: null });
  }

  /** What had become of turns is known: one that runs no more is over. */
  settled(): void {
    if (this.#state.phase === "running" && !this.#state.turnInFlight) this.#set({ phase: "ready" });
  }

  /** Codex is there and the thread is not, as the last error says. */
  withoutThread(): void {
    const { phase, turnInFlight } = this.#state;
    if (phase === "starting" || phase === "reconnecting") this.#set({ phase: turnInFlight ? "running" : "ready" });
  }

  /** Another phase; the error that led there. */
  phase(phase: RuntimePhase, thrown?: unknown): void {
    const lastError = phase === "ready" ? { lastError: null } : thrown === undefined ? {} : { lastError: toldOf(thrown) };
    const isOver = phase === "idle" || phase === "failed";
    this.#set({ phase, running: !isOver, ...(isOver ? { turnInFlight: false, pendingServerRequestCount: 0 } : {}), ...lastError });
  }

  /** Something went wrong. What one failed of is not said over. */
  failed(thrown: unknown): void {
    if (this.#state.phase !== "failed") this.#set({ lastError: toldOf(thrown) });
  }

  /** What went wrong so is so no longer. */
  recovered(code: string): void {
    if (this.#state.lastError?.startsWith(`[${code}]`) === true) this.#set({ lastError: null });
  }

  /** So many requests wait. */
  waiting(pendingServerRequestCount: number): void {
    if (pendingServerRequestCount !== this.#state.pendingServerRequestCount) this.#set({ pendingServerRequestCount });
  }

  /** An event was taken. A turn of another thread, a sub-agent's, is not this thread's turn. */
  saw({ kind, threadId, turnId, payloadJson }: NormalizedEvent): void {
    this.#events += 1;
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
    this.#whole = undefined;
    if (turnId === undefined || threadId !== this.#state.runtimeThreadId) return;
    if (kind === "turn/started") this.#runs(turnId, "running");
    else if (kind === TURN_ENDED && turnId === this.#state.turnId) {
      // What the bridge interrupts ended with its process, which is said elsewhere; with any other end codex goes on.
      const isOver = this.#state.phase === "running" && !isSynthesized(payloadJson, "interrupted");
      this.#set({ turnInFlight: false, ...(isOver ? { phase: "ready" } : {}) });
    }
  }

  /** A turn of a thread runs, as codex was asked: where its thread is not loaded again yet, nothing of it is heard. */
  turnRuns(threadId: string, turnId: string): void {
    if (threadId === this.#state.runtimeThreadId) this.#runs(turnId, this.#state.phase === "reconnecting" ? "reconnecting" : "running");
  }

  #runs(turnId: string, phase: RuntimePhase): void {
    this.#set({ turnId, turnInFlight: true, phase });
  }

  /** Its process is over, and what ran in it. */
  processEnded(): void {
    this.#set({ turnInFlight: false });
  }

  #set(changes: Partial<Omit<CodexHostState, "ingestMetrics">>): void {
    this.#state = { ...this.#state, ...changes };
    this.#whole = undefined;
    this.#onState(this.get());
    for (const listener of this.#listeners) {
      try {
        // One before it may have changed it.
        listener(this.get());
      } catch (thrown) {
        this.#onThrown(thrown);
      }
    }
  }
}

const NOTHING: Omit<CodexHostState, "ingestMetrics"> = {
  phase: "idle",
  running: false,
  threadId: null,
  externalThreadId: null,
  runtimeThreadId: null,
  turnId: null,
  turnInFlight: false,
  pendingServerRequestCount: 0,
  lastError: null,
};

function sorted(kinds: ReadonlyMap<string, number>): KindCount[] {
  return [...kinds].sort(([one], [other]) => (one < other ? -1 : 1)).map(([kind, count]) => ({ kind, count }));
}
