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
  /** Only for a reader who follows the streams (`followed`), of one that streams: `text` ends where `streamId` has to be read on from `cursor`; `high`, half of a surrogate pair, is what it ends with. */
  tail?: { streamId: string; cursor: number; high?: number };
  sourceItemType: string;
  payloadJson: string;
  /** `payloadJson` is a stub, `{type, id, $payload: {units}}`: the payload is too large for a list. */
  payloadTruncated?: boolean;
  /** Why its turn ended, where that closed it: what failed by itself says so in its payload. */
  error?: string;
  /** Milliseconds since 1970, as are the two below. */
  createdAt: number;
  updatedAt: number;
  completedAt?: number;
};

/** A piece of a text that is read whole. */
export type CodexTextPiece = {
  text: string;
  /** UTF-8 bytes of `text`, 1 MiB at most. */
  bytes: number;
  isDone: boolean;
  /** Where the next piece begins; behind the last one, where a text that grows goes on. */
  continueCursor: string;
  /** The message's. */
  status: CodexMessageDoc["status"];
};

/** A piece of what was thought. */
export type CodexReasoningSegment = {
  /** Stable: the text so far of an item that streams has the id that the first part of its summary gets. */
  segmentId: string;
  /** The same: which events brought a segment is not kept. */
  eventId: string;
  turnId: string;
  itemId: string;
  /** Names the item's message. */
  messageId: string;
  channel: "summary" | "raw";
  /** `sectionBreak`: the next part of the summary begins; without a text. */
  segmentType: "textDelta" | "sectionBreak";
  /** At most 256 KiB. */
  text: string;
  /** `text` is only the beginning of one of `textBytes` bytes. */
  textTruncated?: boolean;
  textBytes?: number;
  /** As {@link CodexMessageDoc} has it, of the text so far of an item that streams. */
  tail?: CodexMessageDoc["tail"];
  /** The place of its part; none of either where an item that streams does not tell them apart. */
  summaryIndex?: number;
  contentIndex?: number;
  /** What its item covers of its stream, half-open. */
  cursorStart: number;
  cursorEnd: number;
  /** Its item's. */
  status: CodexMessageDoc["status"];
  createdAt: number;
};

/** A malformed event, as it came. */
export type CodexQuarantinedEvent = {
  eventId: string;
  turnId?: string;
  streamId?: string;
  kind: string;
  payloadJson: string;
  /** UTF-8 bytes of the payload. */
  bytes: number;
  code: "E_SYNC_MALFORMED_EVENT";
  /** What is wrong with it. */
  message: string;
  /** Milliseconds of the server's clock. */
  receivedAt: number;
};

/** How many there are: counted to 100, and `more` where there are more. */
export type CodexCount = { count: number; more: boolean };

/** How many there are of what is bounded, and the bound. */
export type CodexBounded = { count: number; max: number };

/** What a user has. */
export type CodexUsage = {
  /** Archived ones too. */
  threads: CodexCount;
  /** Commands that are not at their end. */
  openCommands: CodexBounded;
  /** What nobody has decided, or answered. */
  pendingApprovals: CodexCount;
  pendingRequests: CodexCount;
  /** Of the thread that was named. */
  thread: null | {
    /** Turns that it ever had. */
    turns: number;
    tokens: null | { total: CodexTokenCounts; last: CodexTokenCounts; modelContextWindow?: number; updatedAt: number };
    openCommands: CodexBounded;
    /** Malformed events that are kept, and UTF-8 bytes of their payloads. */
    quarantine: { events: CodexBounded; bytes: CodexBounded };
  };
};

/** Tokens, counted as the model's provider does. */
export type CodexTokenCounts = {
  totalTokens: number;
  inputTokens: number;
  cachedInputTokens: number;
  cacheWriteInputTokens: number;
  outputTokens: number;
  reasoningOutputTokens: number;
};

/** A stream of a thread. */
export type CodexStreamState = { streamId: string; state: "streaming" | "finished" | "aborted" };

/** What `readers.replay` answers. */
export type CodexReplay = {
  /** `turnOrder`: the place of its turn, where that is known. */
  streams: (CodexStreamState & { turnOrder?: number })[];
  streamWindows: {
    streamId: string;
    status: "ok" | "rebased" | "stale";
    serverCursorStart: number;
    serverCursorEnd: number;
    /** What has not come of the stream, of what begins below `serverCursorEnd`; absent where nothing is missing. A hole that is told no more was filled, or given up. */
    holes?: { cursorStart: number; cursorEnd: number }[];
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
    status: CodexMessageDoc["status"];
    payloadJson: string;
    turnId: string;
    streamId: string;
  }[];
};

/** What `readers.resumeReplay` answers: as {@link CodexReplay}, of one stream. */
export type CodexResumedReplay = {
  streamWindow: CodexReplay["streamWindows"][number];
  deltas: Omit<CodexReplay["deltas"][number], "streamId">[];
  texts: Omit<CodexReplay["texts"][number], "streamId">[];
  /** Where to go on. */
  nextCursor: number;
};

/** What `threads.getState` answers. */
export type CodexThreadState = {
  threadId: string;
  threadStatus: "active" | "archived";
  /** A fork is being copied into it: older turns are yet to come. */
  filling?: true;
  turns: { turnId: string; status: CodexTurn["status"]; startedAt: number }[];
  activeStreams: CodexStreamState[];
  allStreams: CodexStreamState[];
  streamStats: (CodexStreamState & { deltaCount: number; latestCursor: number })[];
  pendingApprovals: { turnId: string; itemId: string; kind: string; reason?: string }[];
  recentMessages: {
    messageId: string;
    turnId: string;
    role: CodexMessageDoc["role"];
    status: CodexMessageDoc["status"];
    text: string;
    createdAt: number;
  }[];
};

/** Tokens of a turn or a thread: all so far, those of the last model response, and what the model can hold. */
export type CodexTokenUsage = { total: CodexTokenCounts; last: CodexTokenCounts; modelContextWindow?: number };

/** A thread with what it keeps the newest of. Times are milliseconds since 1970. */
export type CodexThread = {
  threadId: string;
  status: "active" | "archived";
  name?: string;
  model?: string;
  cwd?: string;
  personality?: string;
  /** The app-server's name for the thread. */
  localThreadId?: string;
  /** The thread whose agent it is. */
  parentThreadId?: string;
  createdAt: number;
  updatedAt: number;
  /** The turn that runs, else the newest. */
  turn?: Pick<CodexTurn, "turnId" | "status">;
  usage?: CodexTokenUsage;
  /** The thread's goal and its settings in force, as the app-server said them. */
  goalJson?: string;
  settingsJson?: string;
  warning?: string;
  /** A fork is being copied into it: older turns are yet to come. */
  filling?: true;
};

/** A turn with what it keeps the newest of. Times are milliseconds since 1970. */
export type CodexTurn = {
  turnId: string;
  /** The id that its client invented. */
  clientTurnId?: string;
  /** Its place in the thread. */
  turnOrder: number;
  status: "queued" | "inProgress" | "completed" | "interrupted" | "failed";
  error?: string;
  warning?: string;
  inputSummary?: string;
  createdAt: number;
  startedAt?: number;
  completedAt?: number;
  usage?: CodexTokenUsage;
  /** Its changes as one diff. */
  diff?: string;
  /** Its plan, and the model that answers in place of its own, as the app-server said them. */
  planJson?: string;
  rerouteJson?: string;
};

/** A turn as `turns.list` has it, times in milliseconds since 1970. */
export type CodexListedTurn = {
  turnId: string;
  /** The id that its client invented. */
  clientTurnId?: string;
  status: CodexTurn["status"];
  /** When it was asked for, while it is not begun. */
  startedAt: number;
  completedAt?: number;
  error?: string;
  /** `turns.get` has its plan. */
  hasPlan: boolean;
};

/** What a turn is asked with, beside its input. */
export type CodexTurnOptions = {
  model?: string;
  effort?: "low" | "medium" | "high";
  cwd?: string;
  personality?: string;
  approvalPolicy?: string;
  sandboxPolicy?: string;
};

/** A thread in a list, newest first. */
export type CodexThreadRow = {
  threadId: string;
  status: "active" | "archived";
  updatedAt: number;
  /** The thread whose agent it is. */
  parentThreadId?: string;
  /** The app-server's name for it, by which its parent's items name it; this and what follows only where a summary was asked for. */
  localThreadId?: string;
  /** Its name. */
  name?: string;
  /** What a person said first, up to 400 bytes of it: of a thread without a name. */
  preview?: string;
  /** The turn that runs, else the newest. */
  turn?: Pick<CodexTurn, "turnId" | "status">;
};

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

/** A decision that was stored and is not what Codex was told. */
export type CodexOverruled = {
  decisionJson: string;
  decidedBy: string;
  decidedByDevice: string;
  decidedAt: number;
  /** What its command ended with before Codex had it; none where the bridge's side decided otherwise. */
  code?: string;
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
  /** What was decided last, where that did not reach Codex. */
  overruled?: CodexOverruled;
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
  overruled?: CodexOverruled;
};

/** What was decided of what the app-server asked. Answers to secret questions and of account methods are nowhere. */
export type CodexDecidedRequest = Omit<CodexServerRequest, "decidedBy" | "decidedByDevice" | "decidedAt"> & {
  decidedBy: string;
  /** Of an answer from afar, who sent it. */
  decidedByDevice: string;
  decidedAt: number;
  /** What decided where no person did. */
  decidedByPolicy?: string;
  /** An approval's decision as the app-server writes it. */
  decisionJson?: string;
  /** Of the payload that was shown to who decided, in hexadecimal. */
  shownSha256?: string;
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

/** A command that is not at its end, without what it says. */
export type CodexOpenCommand = Pick<CodexCommand, "commandId" | "kind" | "state" | "rank" | "updatedAt">;

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

/** A machine: its bridge, as the last beat has it. */
export type CodexMachine = {
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
  /** No lease of a command of the thread is renewed: the answer that handed one out may have been lost. */
  letsLapse?: boolean;
};

/** A device's token, told once. */
export type CodexIssuedToken = {
  /** By which it is revoked. */
  tokenId: string;
  /** What the bridge is given: a secret. */
  token: string;
  deviceId: string;
  /** Milliseconds since 1970, by the server's clock. */
  expiresAt: number;
};

/** A device's token without the token. Times are milliseconds since 1970. */
export type CodexDeviceToken = {
  tokenId: string;
  deviceId: string;
  label?: string;
  /** The device from which it was issued. */
  issuedBy: string;
  createdAt: number;
  expiresAt: number;
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
type OfMessage = InThread & { turnId: string; messageId: string };
type OfJob = Actor & { deletionJobId: string };
type OfFork = Actor & { forkJobId: string };
type Query<Args extends Actor, Result> = FunctionReference<"query", "internal", Args, Result>;
type Mutation<Args extends Actor, Result> = FunctionReference<"mutation", "internal", Args, Result>;
type OfCommand = Actor & { commandId: string };
type OfRuntime = Actor & { runtimeId: string; generation: number };
type ThreadOptions = { model?: string; cwd?: string; personality?: string; localThreadId?: string };
type MadeThread = ThreadOptions & { parentThreadId?: string; recreate?: boolean };

/** The component's functions that the host helpers call: `components.codexLocal` of an app's generated api fits it. */
export type CodexComponent = {
  threads: {
    create: Mutation<InThread & MadeThread, { threadId: string }>;
    resolve: Mutation<Actor & MadeThread & { externalThreadId?: string }, { threadId: string; externalThreadId?: string; created: boolean }>;
    list: Query<Actor & { parentThreadId?: string | null; summary?: boolean; paginationOpts: PaginationOptions }, PaginationResult<CodexThreadRow>>;
    resolveByExternalId: Query<Actor & { externalThreadId: string }, { threadId: string; externalThreadId: string } | null>;
    getExternalMapping: Query<InThread, { threadId: string; externalThreadId: string } | null>;
    get: Query<InThread, CodexThread>;
    getState: Query<InThread, CodexThreadState>;
    resume: Mutation<InThread, { threadId: string; status: "active" }>;
    archive: Mutation<InThread, { threadId: string; status: "archived" }>;
    unarchive: Mutation<InThread, { threadId: string; status: "active" }>;
    rename: Mutation<InThread & { name: string }, null>;
    revert: Mutation<InThread & { turnId: string | null }, Partial<CodexDeletionAsked>>;
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
    list: Query<InThread, CodexListedTurn[]>;
    deleteCascade: Mutation<InThread & { turnId: string; reason?: string }, CodexDeletionAsked>;
    scheduleDeleteCascade: Mutation<InThread & { turnId: string; reason?: string; delayMs?: number }, CodexDeletionAsked>;
    start: Mutation<
      InThread & {
        turnId: string;
        input: { type: string; text?: string; url?: string; path?: string }[];
        options?: CodexTurnOptions;
        idempotencyKey: string;
      },
      { turnId: string; accepted: true }
    >;
    interrupt: Mutation<InThread & { turnId: string; reason?: string }, null>;
    get: Query<InThread & { turnId: string }, CodexTurn>;
  };
  tokenUsage: {
    listByThread: Query<
      InThread & { paginationOpts: PaginationOptions },
      PaginationResult<{ turnId: string; turnOrder: number; updatedAt: number } & CodexTokenUsage> & {
        thread: null | (CodexTokenUsage & { updatedAt: number });
      }
    >;
  };
  readers: {
    replay: Query<
      InThread & {
        streamCursorsById: { streamId: string; cursor: number }[];
        runtime?: HostSyncRuntimeOptions;
        startOrder?: number;
        liveOnly?: boolean;
        snapshots?: boolean;
      },
      CodexReplay
    >;
    resumeReplay: Query<InThread & { turnId: string; fromCursor: number; runtime?: HostSyncRuntimeOptions }, CodexResumedReplay>;
  };
  sync: {
    ensureSession: Mutation<InThread & { sessionId: string; lastEventCursor: number; runtimeId?: string; generation?: number }, Omit<HostEnsureSessionResult, "owner">>;
    ingestSafe: Mutation<
      InThread & {
        sessionId: string;
        streamDeltas: CodexStreamDelta[];
        lifecycleEvents: CodexLifecycleEvent[];
        runtime?: HostSyncRuntimeOptions;
      },
      HostIngestSafeResult
    >;
    heartbeat: Mutation<InThread & { sessionId: string; lastEventCursor: number }, null>;
  };
  imports: {
    importHistory: Mutation<
      InThread & { sessionId: string; historyMode?: string; restart?: boolean; position: CodexHistoryPlace; turns: CodexHistoryTurn[]; atEnd?: boolean },
      CodexImportStatus
    >;
    getImportStatus: Query<InThread, CodexImportStatus | null>;
  };
  devices: {
    issueToken: Mutation<Actor & { deviceId: string; label?: string; ttlMs?: number; entropy: string }, CodexIssuedToken>;
    revokeToken: Mutation<Actor & { tokenId: string }, { revoked: boolean }>;
    list: Query<Actor, CodexDeviceToken[]>;
    check: FunctionReference<"query", "internal", { token: string }, HostActorContext | null>;
  };
  messages: {
    listByThread: Query<InThread & { paginationOpts: PaginationOptions; followed?: boolean }, PaginationResult<CodexMessageDoc>>;
    getByTurn: Query<InThread & { turnId: string }, CodexMessageDoc[]>;
    getText: Query<OfMessage & { cursor?: string | null }, CodexTextPiece | null>;
    getPayload: Query<OfMessage & { cursor?: string | null }, CodexTextPiece | null>;
  };
  reasoning: {
    listByThread: Query<InThread & { paginationOpts: PaginationOptions; includeRaw?: boolean; followed?: boolean }, PaginationResult<CodexReasoningSegment>>;
  };
  quarantine: {
    list: Query<InThread & { paginationOpts: PaginationOptions }, PaginationResult<CodexQuarantinedEvent>>;
    drop: Mutation<InThread & { eventId?: string }, { dropped: number }>;
  };
  stats: {
    usage: Query<Actor & { threadId?: string }, CodexUsage>;
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
        /** What does not say what was shown can only be declined. */
        mustShow?: boolean;
      },
      null
    >;
  };
  serverRequests: {
    listPending: Query<Actor & { threadId?: string; limit?: number }, CodexServerRequest[]>;
    listDecided: Query<InThread & { paginationOpts: PaginationOptions }, PaginationResult<CodexDecidedRequest>>;
    upsertPending: Mutation<
      InThread &
        CodexServerRequestOrigin & {
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
        CodexServerRequestOrigin & {
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
    list: Query<Actor, CodexMachine[]>;
    get: Query<Actor & { runtimeId?: string; threadId?: string }, CodexPresence>;
  };
};
