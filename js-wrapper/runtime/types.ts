/** What a runtime is made of, told, and tells: the seed's shapes, and what came since. */
import type { AppServerClientInfo, ClientRequestParams } from "../app-server/index.js";
import type { BridgeConfig, BridgeHandlers, ListedTurn } from "../bridge/index.js";
import type { HostActorContext, HostSyncRuntimeOptions } from "../host/validators.js";
import type { ClientOutboundWireMessage, NormalizedEvent, RpcId, ServerInboundMessage } from "../protocol/index.js";
import type { RefusedCommand } from "./command-delivery.js";
import type { EventPersistence } from "./convex-delivery.js";
import type { OwnerPersistence } from "./ownership.js";
import type { PersistedRequest } from "./persistence.js";
import type { RemotePersistence } from "./remote-control.js";

/**
 * How the runtime stands: not started; codex is started, and asked for its thread; it is there; a turn runs in the runtime's own thread; it
 * ended, and is started again; the runtime is stopped; it was given up. That codex is there does not say that its thread is: where that was
 * refused, or Convex has no room for it, `threadId` is null or the one of before, and `lastError` says why.
 */
export type RuntimePhase = "idle" | "starting" | "ready" | "running" | "reconnecting" | "stopping" | "failed";

/**
 * Where the runtime keeps what happens: `createConvexPersistence` gives one. With its four functions of remote control the runtime can be
 * seen and steered from afar; they may be left out.
 */
export interface CodexHostPersistence extends EventPersistence, OwnerPersistence, Partial<RemotePersistence> {
  /** Calls whenever Convex can be reached again, and what waits is sent at once; left out, it waits for its next try, 30 s at most. @returns what ends it */
  onConnected?(call: () => void): () => void;
  /** Refreshes a session while a turn runs that says nothing; left out, such a turn is ended after a day. */
  heartbeat?(args: { actor: HostActorContext; sessionId: string; threadId: string; lastEventCursor: number }): Promise<unknown>;
  /** Takes a thread back to a turn, the last that stays, or to nothing (null); left out, Convex goes on showing what codex has taken back. */
  revertThread?(args: { actor: HostActorContext; threadId: string; turnId: string | null }): Promise<unknown>;
  upsertPendingServerRequest(args: { actor: HostActorContext; request: PersistedRequest }): Promise<unknown>;
  resolvePendingServerRequest(args: {
    actor: HostActorContext;
    threadId: string;
    requestId: RpcId;
    status: "answered" | "expired";
    resolvedAt: number;
    responseJson?: string;
    runtimeId?: string;
    generation?: number;
    appGeneration?: number;
  }): Promise<unknown>;
}

/** A bridge as the runtime drives it: `CodexLocalBridge`, or one that an app brings. */
export interface RuntimeBridge {
  start(): void;
  stop(): Promise<void> | void;
  send(message: ClientOutboundWireMessage): void;
  /** Stops reading, or reads on; without it the outbox cannot make the app-server wait. */
  hold?(isHeld: boolean): void;
  /** Tells of a turn of an app-server that went on while no bridge was there, or its connection was lost; without it such a turn stays open. */
  tellTurn?(threadId: string, turn: ListedTurn): void;
}

/** Who is told what happens. One that throws or rejects ends nothing. */
export interface CodexHostHandlers {
  onState?(state: CodexHostState): Promise<void> | void;
  /** Every event of every thread, before it is in Convex. */
  onEvent?(event: NormalizedEvent): Promise<void> | void;
  /**
   * Every answer, and every message without a thread. What codex asks without one (new tokens, an attestation) is in no thread of Convex's:
   * an app that brings this handler is to answer it, by `respond` and its like, at once or later; without the handler it is refused.
   */
  onGlobalMessage?(message: ServerInboundMessage): Promise<void> | void;
  /** A command from afar that this machine refused: its owner's policy does not let it pass, or codex did not take it. Its sender is told the code. */
  onCommandRefused?(refused: RefusedCommand): Promise<void> | void;
  onProtocolError?(problem: { message: string; line: string; code: string }): Promise<void> | void;
}

/** What a runtime is made of. */
export interface CodexHostRuntimeOptions {
  readonly persistence: CodexHostPersistence;
  /** How codex is run. */
  readonly bridge?: Omit<BridgeConfig, "runtimeId" | "generation" | "numbers">;
  /**
   * Makes the bridge, in the place of `CodexLocalBridge`. Secrets are taken out of its events before they are kept, and out of the lines that
   * its errors carry, unless `bridge.redact` is false.
   */
  readonly bridgeFactory?: (config: BridgeConfig, handlers: BridgeHandlers) => RuntimeBridge;
  readonly handlers?: CodexHostHandlers;
  /**
   * Where events wait until Convex has them: a folder of this runtime's own, the same one at every start. Without it a temporary one,
   * and what waits is lost with the process.
   */
  readonly outboxFolder?: string;
  /**
   * What may be asked of this machine from afar, where the persistence has the functions for it; false for nothing, and nothing is told of
   * the machine then. `policyFile` is the path of the owner's policy, JSON that is read anew for each command: nothing but a stop passes
   * while it cannot be read; with `policyMayBeMissing` it need not be there. Then, and without a path, the default holds: every kind of
   * command, below the folder, the sandbox and the approval policy that the thread of its start had then.
   */
  readonly remote?: { readonly policyFile?: string; readonly policyMayBeMissing?: boolean } | false;
  /**
   * A file for every line between codex and the runtime, without what is known to be a secret by its name or its shape: for finding out what
   * happened. As recordings are: `{dir, t, msg}`, a line each; 64 MiB, and as much before (`.1`). Off where it is not given.
   */
  readonly rawLog?: string;
  /** Who the runtime says it is, in initialize. Default: as `bridge` says, else this package. */
  readonly clientInfo?: AppServerClientInfo;
}

/** What a start is told. */
export interface StartArgs {
  /** Whose the calls are, for a persistence that is told so by its caller. With a device token the server knows it; then it may be left out. */
  readonly actor?: HostActorContext;
  /** Names the session of each thread. Default: the runtime's own id, which lies in its outbox folder. */
  readonly sessionId?: string;
  /** The app's own name for the thread. */
  readonly externalThreadId?: string;
  /** The app-server's thread that is resumed or forked. */
  readonly runtimeThreadId?: string;
  /** Default: `resume` where `runtimeThreadId` is given, else `start`. */
  readonly threadStrategy?: "start" | "resume" | "fork";
  readonly model?: string;
  readonly cwd?: string;
  /** When codex asks; what is not given is as codex is configured. Nobody can ask for less from afar. */
  readonly approvalPolicy?: ClientRequestParams<"thread/start">["approvalPolicy"];
  /** What codex may touch; likewise. */
  readonly sandbox?: ClientRequestParams<"thread/start">["sandbox"];
  /** What Convex keeps of the events; sent with every batch. */
  readonly runtime?: HostSyncRuntimeOptions;
  /** Tools of the app's own that codex may call in a new thread; see `respondDynamicToolCall`. */
  readonly dynamicTools?: ClientRequestParams<"thread/start">["dynamicTools"];
  /** Taken for the seed's sake, and ignored: a batch leaves after 50 ms. @deprecated */
  readonly ingestFlushMs?: number;
}

/** A kind of event, and how many of it there were. */
export interface KindCount {
  readonly kind: string;
  readonly count: number;
}

/** How a runtime stands. */
export interface CodexHostState {
  readonly phase: RuntimePhase;
  /** Whether there is a process, or there will be one by itself. */
  readonly running: boolean;
  /** The thread in Convex; null until it is known. */
  readonly threadId: string | null;
  readonly externalThreadId: string | null;
  /** The app-server's thread. */
  readonly runtimeThreadId: string | null;
  /** The thread's newest turn. */
  readonly turnId: string | null;
  readonly turnInFlight: boolean;
  readonly pendingServerRequestCount: number;
  readonly ingestMetrics: {
    readonly enqueuedEventCount: number;
    readonly skippedEventCount: number;
    /** Sorted by kind. */
    readonly enqueuedByKind: readonly KindCount[];
    readonly skippedByKind: readonly KindCount[];
  };
  /** What went wrong last, as long as it is so. */
  readonly lastError: string | null;
}
