import type { FunctionArgs, FunctionReference, FunctionReturnType, PaginationOptions, PaginationResult } from "convex/server";
import type { HostActorContext, HostEnsureSessionResult, HostIngestSafeResult, HostSyncRuntimeOptions } from "./validators.js";

/** The context of a query, a mutation or an action: what reading through the component takes. */
export type HostQueryCtx = {
  runQuery: <Query extends FunctionReference<"query", "internal">>(
    query: Query,
    args: FunctionArgs<Query>,
  ) => Promise<FunctionReturnType<Query>>;
};

/** The context of a mutation or an action: what writing through the component takes. */
export type HostMutationCtx = {
  runMutation: <Mutation extends FunctionReference<"mutation", "internal">>(
    mutation: Mutation,
    args: FunctionArgs<Mutation>,
  ) => Promise<FunctionReturnType<Mutation>>;
};

/** An item of a turn, as it is stored. */
export type CodexMessageDoc = {
  messageId: string;
  turnId: string;
  /** The turn's place in the thread. */
  turnOrder: number;
  /** The item's place in the turn. */
  orderInTurn: number;
  role: "user" | "assistant" | "system" | "tool";
  status: "streaming" | "completed" | "failed" | "interrupted";
  /** At most 256 KiB. */
  text: string;
  /** `text` is only the beginning of a text of `textBytes` bytes. */
  textTruncated?: boolean;
  textBytes?: number;
  sourceItemType: string;
  payloadJson: string;
  /** `payloadJson` is a stub, `{type, id, $payload: {units}}`: the payload is too large for a list. */
  payloadTruncated?: boolean;
  error?: string;
  /** Milliseconds since 1970, as are the two below. */
  createdAt: number;
  updatedAt: number;
  completedAt?: number;
};

/** A stream of a thread. */
export type CodexStreamState = { streamId: string; state: "streaming" | "finished" | "aborted" };

/** What `sync.replay` answers. */
export type CodexReplay = {
  streams: CodexStreamState[];
  streamWindows: {
    streamId: string;
    status: "ok" | "rebased" | "stale";
    serverCursorStart: number;
    serverCursorEnd: number;
  }[];
  nextCheckpoints: { streamId: string; cursor: number }[];
  deltas: { streamId: string; cursorStart: number; cursorEnd: number; kind: string; payloadJson: string }[];
  texts: {
    streamId: string;
    turnId: string;
    messageId: string;
    channel: "text" | "output";
    cursorStart: number;
    cursorEnd: number;
    text: string;
    leadingLow?: number;
    pendingHigh?: number;
  }[];
  snapshots: {
    itemId: string;
    itemType: string;
    status: string;
    payloadJson: string;
    turnId: string;
    streamId: string;
  }[];
};

/** What `threads.getState` answers. */
export type CodexThreadState = {
  threadId: string;
  threadStatus: string;
  /** A fork is being copied into it: older turns are yet to come. */
  filling?: true;
  turns: { turnId: string; status: string; startedAt: number }[];
  activeStreams: CodexStreamState[];
  allStreams: CodexStreamState[];
  streamStats: { streamId: string; state: string; deltaCount: number; latestCursor: number }[];
  pendingApprovals: { turnId: string; itemId: string; kind: string; reason?: string }[];
  recentMessages: {
    messageId: string;
    turnId: string;
    role: string;
    status: string;
    text: string;
    createdAt: number;
  }[];
};

/** A thread in a list, newest first. */
export type CodexThreadRow = { threadId: string; status: string; updatedAt: number };

/** A deletion that was asked for: one for a target, whoever asks how often. Times are milliseconds of the server's clock. */
export type CodexDeletionAsked = { deletionJobId: string; scheduledFor: number };

/** How far a deletion is. */
export type CodexDeletionJob = CodexDeletionAsked & {
  kind: "thread" | "turn" | "revert" | "actor";
  status: "scheduled" | "running" | "completed" | "cancelled";
  /** None behind its end: what was deleted is not named. */
  threadId?: string;
  turnId?: string;
  reason?: string;
  /** Rows that are gone so far. */
  deletedRows: number;
  createdAt: number;
  startedAt?: number;
  endedAt?: number;
};

/** How far a fork is. Times are milliseconds of the server's clock. */
export type CodexForkJob = {
  forkJobId: string;
  /** `scheduled`: its source is being filled by another fork. */
  status: "scheduled" | "running" | "completed" | "failed";
  /** The source, the copy, and the last turn that was asked for; none where one of the threads was deleted. */
  threadId?: string;
  newThreadId?: string;
  turnId?: string;
  /** Why it failed. */
  code?: string;
  /** Turns and messages that are copied so far. */
  copiedTurns: number;
  copiedMessages: number;
  createdAt: number;
  endedAt?: number;
};

/** A place in a thread's history: the number of a turn, and of an item in it. */
export type CodexHistoryPlace = { turn: number; item: number };

/** A turn of a thread's history: its JSON without its items, which stand beside it; `more` where others follow. */
export type CodexHistoryTurn = { turnId: string; turnJson: string; items: string[]; more?: boolean };

/** How far the import of a thread's history is. */
export type CodexImportStatus = {
  /** `completed`: all of a page was taken that said to be the last. */
  status: "running" | "completed";
  /** Everything before it is imported. */
  position: CodexHistoryPlace;
  importedItems: number;
  /** Events that were malformed. */
  quarantined: number;
  updatedAt: number;
};

/** An approval that nobody has decided. */
export type CodexApproval = {
  threadId: string;
  turnId: string;
  itemId: string;
  /** `commandExecution`, `fileChange` or `permissions`. */
  kind: string;
  /** The model's words. */
  reason?: string;
  createdAt: number;
  /** Names the request where several ask about one item. */
  requestId: string | number;
  method: string;
  /** The app-server's message, whole. */
  payloadJson: string;
};

/** A decision: `{json}` is one of the request's `availableDecisions`. */
export type CodexApprovalDecision = "accepted" | "declined" | { json: string };

/** The process of the app-server that asks, as far as it is known. */
export type CodexServerRequestOrigin = {
  runtimeId?: string | undefined;
  generation?: number | undefined;
  appGeneration?: number | undefined;
};

/** What the app-server asks. */
export type CodexServerRequest = {
  requestId: string | number;
  method: string;
  threadId: string;
  turnId: string;
  itemId: string;
  payloadJson: string;
  /** `answering`: a decision is stored, and on its way to Codex. */
  status: "pending" | "answering" | "answered" | "expired";
  reason?: string;
  questions?: unknown;
  createdAt: number;
  updatedAt: number;
  resolvedAt?: number;
  /** The `result` that Codex got, or is to get. */
  responseJson?: string;
  /** Milliseconds from `createdAt` on after which Codex answers the question itself. */
  autoResolutionMs?: number;
  decidedBy?: string;
  decidedByDevice?: string;
  decidedAt?: number;
};

/** What a command asks for: a new turn, more input for the one that runs, its end, a decision, the answer to a question. */
export type CodexCommandKind = "turn" | "steer" | "interrupt" | "decide" | "answer";

/**
 * Where a command stands: it waits, the runtime has it, Codex is given it, and how it ended. `unknown`: whether Codex got it is
 * not known; its sender decides whether to send it again.
 */
export type CodexCommandState = "queued" | "leased" | "delivered" | "accepted" | "refused" | "expired" | "cancelled" | "unknown";

/** A command, as it stands. */
export type CodexCommand = {
  commandId: string;
  threadId: string;
  kind: CodexCommandKind;
  payloadJson: string;
  state: CodexCommandState;
  /** Why it ended. */
  code?: string;
  /** The turn that it belongs to, by Codex's id. */
  turnId?: string;
  /** The queued turn that shows it. */
  clientTurnId?: string;
  /** Its place among the thread's commands; `rank` is above 0 where it was promoted, and then comes first. */
  order: number;
  rank: number;
  /** The device that sent it. */
  deviceId: string;
  /** The runtime that has it. */
  runtimeId?: string;
  /** How often a runtime had it and let it go. */
  lapses: number;
  /** Milliseconds since 1970, as are those below; none where that is its request's. */
  expiresAt?: number;
  createdAt: number;
  updatedAt: number;
  deliveredAt?: number;
  endedAt?: number;
};

/** A command that a runtime is given. */
export type CodexLeasedCommand = {
  commandId: string;
  kind: CodexCommandKind;
  payloadJson: string;
  /** Proves a report to be its holder's. */
  leaseToken: string;
  leaseExpiresAt: number;
  /** Codex's id of the turn that it steers or interrupts. */
  turnId?: string;
  lapses: number;
};

/** What a runtime says of one of its threads. */
export type CodexPresenceThread = {
  threadId: string;
  turnId?: string;
  pendingRequests: number;
  /** Events that are yet to arrive; `catchingUp` where what is seen is old because of them. */
  behind: number;
  catchingUp: boolean;
  oldestEventAt?: number;
};

/** A runtime, as its last beat has it. */
export type CodexRuntime = {
  runtimeId: string;
  deviceId: string;
  /** Its start of the bridge. */
  generation: number;
  phase: "idle" | "starting" | "ready" | "running" | "reconnecting" | "stopping" | "failed" | "unknown";
  login: "in" | "out" | "unknown";
  /** It has not beaten for 60 s. */
  away: boolean;
  beatAt: number;
  threads: CodexPresenceThread[];
};

/** How it stands with a machine, the bridge on it, Codex and its login, and a thread. */
export type CodexPresence = {
  machine: "here" | "away" | "never";
  bridge: "up" | "stopped" | "failed" | "unknown";
  codex: "up" | "starting" | "down" | "unknown";
  login: "in" | "out" | "unknown";
  thread: "here" | "elsewhere" | "nowhere";
  runtimeId?: string;
  deviceId?: string;
  current?: CodexPresenceThread;
};

/** A thread, as a beat tells of it. */
export type CodexBeatThread = {
  threadId: string;
  turnId?: string;
  pendingRequests: number;
  outboxEvents: number;
  oldestEventAt?: number;
};

/** An event of a stream, as the component takes it. */
export type CodexStreamDelta = {
  type: "stream_delta";
  eventId: string;
  turnId: string;
  streamId: string;
  kind: string;
  payloadJson: string;
  cursorStart: number;
  cursorEnd: number;
  createdAt: number;
};

/** An event without a stream, as the component takes it. */
export type CodexLifecycleEvent = {
  type: "lifecycle_event";
  eventId: string;
  turnId?: string;
  kind: string;
  payloadJson: string;
  createdAt: number;
};

type Actor = { actor: HostActorContext };
type InThread = Actor & { threadId: string };
type OfJob = Actor & { deletionJobId: string };
type OfFork = Actor & { forkJobId: string };
type Query<Args extends Actor, Result> = FunctionReference<"query", "internal", Args, Result>;
type Mutation<Args extends Actor, Result> = FunctionReference<"mutation", "internal", Args, Result>;
type OfCommand = Actor & { commandId: string };
type OfRuntime = Actor & { runtimeId: string; generation: number };
type Origin = { runtimeId?: string; generation?: number; appGeneration?: number };
type ThreadOptions = { model?: string; cwd?: string; personality?: string; localThreadId?: string };

/** The component's functions that the host helpers call: `components.codexLocal` of an app's generated api fits it. */
export type CodexComponent = {
  threads: {
    create: Mutation<InThread & ThreadOptions & { recreate?: boolean }, { threadId: string }>;
    resolve: Mutation<
      Actor & ThreadOptions & { externalThreadId?: string; recreate?: boolean },
      { threadId: string; externalThreadId?: string; created: boolean }
    >;
    list: Query<Actor & { paginationOpts: PaginationOptions }, PaginationResult<CodexThreadRow>>;
    getState: Query<InThread, CodexThreadState>;
    archive: Mutation<InThread, { threadId: string; status: "archived" }>;
    unarchive: Mutation<InThread, { threadId: string; status: "active" }>;
    rename: Mutation<InThread & { name: string }, null>;
    revert: Mutation<InThread & { turnId: string }, Partial<CodexDeletionAsked>>;
    deleteCascade: Mutation<InThread & { reason?: string }, CodexDeletionAsked>;
    scheduleDeleteCascade: Mutation<InThread & { reason?: string; delayMs?: number }, CodexDeletionAsked>;
    purgeActorData: Mutation<Actor & { reason?: string }, CodexDeletionAsked>;
    schedulePurgeActorData: Mutation<Actor & { reason?: string; delayMs?: number }, CodexDeletionAsked>;
    cancelScheduledDeletion: Mutation<OfJob, { deletionJobId: string; cancelled: true }>;
    forceRunScheduledDeletion: Mutation<OfJob, CodexDeletionAsked>;
    getDeletionJobStatus: Query<OfJob, CodexDeletionJob | null>;
    fork: Mutation<InThread & ThreadOptions & { newThreadId: string; turnId?: string }, CodexForkJob>;
    getForkStatus: Query<OfFork, CodexForkJob | null>;
  };
  turns: {
    deleteCascade: Mutation<InThread & { turnId: string; reason?: string }, CodexDeletionAsked>;
    scheduleDeleteCascade: Mutation<InThread & { turnId: string; reason?: string; delayMs?: number }, CodexDeletionAsked>;
    start: Mutation<
      InThread & {
        turnId: string;
        input: { type: string; text?: string; url?: string; path?: string }[];
        options?: { model?: string; cwd?: string };
        idempotencyKey: string;
      },
      { turnId: string; accepted: true }
    >;
    interrupt: Mutation<InThread & { turnId: string; reason?: string }, null>;
  };
  sync: {
    ensureSession: Mutation<InThread & { sessionId: string; lastEventCursor: number; runtimeId?: string; generation?: number }, HostEnsureSessionResult>;
    ingestSafe: Mutation<
      InThread & {
        sessionId: string;
        streamDeltas: CodexStreamDelta[];
        lifecycleEvents: CodexLifecycleEvent[];
        runtime?: HostSyncRuntimeOptions;
      },
      HostIngestSafeResult
    >;
    importHistory: Mutation<
      InThread & { sessionId: string; historyMode?: string; restart?: boolean; position: CodexHistoryPlace; turns: CodexHistoryTurn[]; atEnd?: boolean },
      CodexImportStatus
    >;
    getImportStatus: Query<InThread, CodexImportStatus | null>;
    replay: Query<
      InThread & {
        streamCursorsById: { streamId: string; cursor: number }[];
        runtime?: HostSyncRuntimeOptions;
        startOrder?: number;
        snapshots?: boolean;
      },
      CodexReplay
    >;
  };
  messages: {
    listByThread: Query<InThread & { paginationOpts: PaginationOptions }, PaginationResult<CodexMessageDoc>>;
    getByTurn: Query<InThread & { turnId: string }, CodexMessageDoc[]>;
  };
  approvals: {
    listPending: Query<Actor & { threadId?: string; paginationOpts: PaginationOptions }, PaginationResult<CodexApproval>>;
    respond: Mutation<
      InThread & {
        turnId: string;
        itemId: string;
        decision: CodexApprovalDecision;
        requestId?: string | number;
        shownSha256?: string;
      },
      null
    >;
  };
  serverRequests: {
    listPending: Query<Actor & { threadId?: string; limit?: number }, CodexServerRequest[]>;
    upsertPending: Mutation<
      InThread &
        Origin & {
          requestId: string | number;
          turnId: string;
          itemId: string;
          method: string;
          payloadJson: string;
          reason?: string;
          questionsJson?: string;
          requestedAt: number;
        },
      null
    >;
    resolve: Mutation<
      InThread &
        Origin & {
          requestId: string | number;
          status: "answered" | "expired";
          resolvedAt: number;
          responseJson?: string;
          policy?: string;
        },
      null
    >;
  };
  commands: {
    send: Mutation<
      InThread & { commandId: string; kind: string; payloadJson: string; ttlMs?: number },
      { commandId: string; state: CodexCommandState }
    >;
    cancel: Mutation<OfCommand, null>;
    edit: Mutation<OfCommand & { payloadJson: string }, null>;
    promote: Mutation<OfCommand & { expectedTurnId?: string }, null>;
    get: Query<OfCommand, CodexCommand>;
    list: Query<InThread & { open?: true; paginationOpts: PaginationOptions }, PaginationResult<CodexCommand>>;
    lease: Mutation<InThread & OfRuntime & { limit: number }, CodexLeasedCommand[]>;
    report: Mutation<OfCommand & { leaseToken: string; state: string; turnId?: string; code?: string }, null>;
  };
  presence: {
    beat: Mutation<OfRuntime & { phase: string; login?: string; threads: CodexBeatThread[] }, { now: number; commandsWaiting: number }>;
    list: Query<Actor, CodexRuntime[]>;
    get: Query<Actor & { runtimeId?: string; threadId?: string }, CodexPresence>;
  };
};
