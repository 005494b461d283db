/** Arguments and results of the public functions; the shapes are the surface's, to the letter. */
import { v, type GenericValidator, type Infer } from "convex/values";

export const vActor = v.object({ tenantId: v.string(), userId: v.string(), deviceId: v.string() });
export type Actor = Infer<typeof vActor>;

/** A page of a list: its rows, and where the next one begins. */
export const vPageOf = <Row extends GenericValidator>(row: Row) =>
  v.object({ page: v.array(row), isDone: v.boolean(), continueCursor: v.string() });

export const vThreadStatus = v.union(v.literal("active"), v.literal("archived"));
export const vTurnStatus = v.union(
  v.literal("queued"),
  v.literal("inProgress"),
  v.literal("completed"),
  v.literal("interrupted"),
  v.literal("failed"),
);
export const vRole = v.union(v.literal("user"), v.literal("assistant"), v.literal("system"), v.literal("tool"));
export const vMessageStatus = v.union(
  v.literal("streaming"),
  v.literal("completed"),
  v.literal("failed"),
  v.literal("interrupted"),
);
export const vRequestId = v.union(v.string(), v.number());
export const vRequestStatus = v.union(v.literal("pending"), v.literal("answering"), v.literal("answered"), v.literal("expired"));
export const vRequestCause = v.union(
  v.literal("reported"),
  v.literal("resolved"),
  v.literal("autoResolved"),
  v.literal("turnEnded"),
  v.literal("processGone"),
  v.literal("crowdedOut"),
);
export const vDeletionKind = v.union(v.literal("thread"), v.literal("turn"), v.literal("revert"), v.literal("actor"));
export const vDeletionState = v.union(v.literal("scheduled"), v.literal("running"), v.literal("completed"), v.literal("cancelled"));
export const vForkState = v.union(v.literal("scheduled"), v.literal("running"), v.literal("completed"), v.literal("failed"));
export const vImportState = v.union(v.literal("running"), v.literal("completed"));
export const vStreamState = v.union(v.literal("streaming"), v.literal("finished"), v.literal("aborted"));

/** Tokens, counted as the model's provider does. */
export const vTokenCounts = v.object({
  totalTokens: v.number(),
  inputTokens: v.number(),
  cachedInputTokens: v.number(),
  cacheWriteInputTokens: v.number(),
  outputTokens: v.number(),
  reasoningOutputTokens: v.number(),
});
export type TokenCounts = Infer<typeof vTokenCounts>;

/** Of a turn or a thread: all tokens so far, those of the last model response, and what the model can hold. */
export const vTokenUsage = { total: vTokenCounts, last: vTokenCounts, modelContextWindow: v.optional(v.number()) };

/** What a thread's turns have used, newest first, and what the thread has by its newest turn's word. */
export const vUsagePage = vPageOf(v.object({ turnId: v.string(), turnOrder: v.number(), ...vTokenUsage, updatedAt: v.number() })).extend({
  thread: v.union(v.null(), v.object({ ...vTokenUsage, updatedAt: v.number() })),
});

export const vRuntimeOptions = v.object({
  saveStreamDeltas: v.optional(v.boolean()),
  saveReasoningDeltas: v.optional(v.boolean()),
  exposeRawReasoningDeltas: v.optional(v.boolean()),
  maxDeltasPerStreamRead: v.optional(v.number()),
  maxDeltasPerRequestRead: v.optional(v.number()),
  finishedStreamDeleteDelayMs: v.optional(v.number()),
});
export type RuntimeOptions = Infer<typeof vRuntimeOptions>;

export const vStreamDelta = v.object({
  type: v.literal("stream_delta"),
  eventId: v.string(),
  turnId: v.string(),
  streamId: v.string(),
  kind: v.string(),
  payloadJson: v.string(),
  cursorStart: v.number(),
  cursorEnd: v.number(),
  createdAt: v.number(),
});

export const vLifecycleEvent = v.object({
  type: v.literal("lifecycle_event"),
  eventId: v.string(),
  turnId: v.optional(v.string()),
  kind: v.string(),
  payloadJson: v.string(),
  createdAt: v.number(),
});

export const vIngestArgs = {
  actor: vActor,
  sessionId: v.string(),
  threadId: v.string(),
  streamDeltas: v.array(vStreamDelta),
  lifecycleEvents: v.array(vLifecycleEvent),
  runtime: v.optional(vRuntimeOptions),
};

export const vSessionEnsured = v.object({
  sessionId: v.string(),
  threadId: v.string(),
  status: v.union(v.literal("created"), v.literal("active")),
});

const vIngestStatus = v.union(v.literal("ok"), v.literal("partial"));
const vAckedStreams = v.array(v.object({ streamId: v.string(), ackCursorEnd: v.number() }));

export const vIngestResult = v.object({ ackedStreams: vAckedStreams, ingestStatus: vIngestStatus });

export const vIngestSafeResult = v.object({
  status: v.union(v.literal("ok"), v.literal("partial"), v.literal("session_recovered"), v.literal("rejected")),
  ingestStatus: vIngestStatus,
  ackedStreams: vAckedStreams,
  recovery: v.optional(
    v.object({ action: v.literal("session_rebound"), sessionId: v.string(), threadId: v.string() }),
  ),
  errors: v.array(
    v.object({
      code: v.union(
        v.literal("SESSION_NOT_FOUND"),
        v.literal("SESSION_THREAD_MISMATCH"),
        v.literal("SESSION_DEVICE_MISMATCH"),
        v.literal("OUT_OF_ORDER"),
        v.literal("REPLAY_GAP"),
        v.literal("UNKNOWN"),
      ),
      message: v.string(),
      recoverable: v.boolean(),
      errorCode: v.string(),
      eventId: v.optional(v.string()),
      streamId: v.optional(v.string()),
    }),
  ),
});
export type IngestSafeResult = Infer<typeof vIngestSafeResult>;

/** Of a text that streams, for a reader who follows: it ends where `streamId` has to be read on from `cursor`; `high`, half of a surrogate pair, is what it ends with. */
const vTail = v.optional(v.object({ streamId: v.string(), cursor: v.number(), high: v.optional(v.number()) }));
export type Tail = Infer<typeof vTail>;

export const vMessage = v.object({
  messageId: v.string(),
  turnId: v.string(),
  turnOrder: v.number(),
  orderInTurn: v.number(),
  role: vRole,
  status: vMessageStatus,
  text: v.string(),
  textTruncated: v.optional(v.boolean()),
  textBytes: v.optional(v.number()),
  tail: vTail,
  sourceItemType: v.string(),
  payloadJson: v.string(),
  payloadTruncated: v.optional(v.boolean()),
  /** Why its turn ended, where that closed it: what failed by itself says so in its payload. */
  error: v.optional(v.string()),
  createdAt: v.number(),
  updatedAt: v.number(),
  completedAt: v.optional(v.number()),
});
export type MessageRow = Infer<typeof vMessage>;

/** A piece of a text or payload that is read whole: join the pieces up to the one with `isDone`. */
export const vPiece = v.object({
  text: v.string(),
  /** UTF-8 bytes of `text`, 1 MiB at most. */
  bytes: v.number(),
  isDone: v.boolean(),
  /** Where the next piece begins; behind the last one, where a text that grows goes on. */
  continueCursor: v.string(),
  /** The message's. */
  status: vMessageStatus,
});
export type Piece = Infer<typeof vPiece>;

/** A piece of what a model thought, newest first in its list. */
export const vReasoningSegment = v.object({
  /** Stable: the text so far of an item that streams has the id that the first part of its summary gets. */
  segmentId: v.string(),
  /** The same: which events brought a segment is not kept. */
  eventId: v.string(),
  turnId: v.string(),
  itemId: v.string(),
  /** Names the item's message, as `messages.*` do. */
  messageId: v.string(),
  channel: v.union(v.literal("summary"), v.literal("raw")),
  segmentType: v.union(v.literal("textDelta"), v.literal("sectionBreak")),
  /** At most 256 KiB; `textTruncated` says that there is more, of `textBytes` in all. */
  text: v.string(),
  textTruncated: v.optional(v.boolean()),
  textBytes: v.optional(v.number()),
  tail: vTail,
  summaryIndex: v.optional(v.number()),
  contentIndex: v.optional(v.number()),
  /** What its item covers of its stream, half-open. */
  cursorStart: v.number(),
  cursorEnd: v.number(),
  /** Its item's. */
  status: vMessageStatus,
  createdAt: v.number(),
});
export type ReasoningSegment = Infer<typeof vReasoningSegment>;

/** A malformed event, as it came. */
export const vQuarantined = v.object({
  eventId: v.string(),
  turnId: v.optional(v.string()),
  streamId: v.optional(v.string()),
  kind: v.string(),
  payloadJson: v.string(),
  /** UTF-8 bytes of the payload. */
  bytes: v.number(),
  code: v.literal("E_SYNC_MALFORMED_EVENT"),
  /** What is wrong with it. */
  message: v.string(),
  /** Milliseconds of the server's clock. */
  receivedAt: v.number(),
});
export type Quarantined = Infer<typeof vQuarantined>;

/** How many malformed events were forgotten. */
export const vDropped = v.object({ dropped: v.number() });

/** How many there are, as far as they are counted: `more` says that there are more than `count`. */
const vCount = v.object({ count: v.number(), more: v.boolean() });

/** How many there are of what is bounded, and the bound. */
const vBounded = v.object({ count: v.number(), max: v.number() });

/** What a user has, as far as a few index ranges tell. */
export const vUsage = v.object({
  /** Threads, archived ones too; not those that are being deleted. */
  threads: vCount,
  /** Commands that are not at their end. At `max`, `commands.send` answers `E_QUOTA`. */
  openCommands: vBounded,
  /** Approvals that nobody has decided, in threads and turns that are shown. */
  pendingApprovals: vCount,
  /** Every other request of the app-server that nobody has answered, there. */
  pendingRequests: vCount,
  /** Of the thread that was asked for; null where none was. */
  thread: v.union(
    v.null(),
    v.object({
      /** Turns that it ever had, those that were deleted too. */
      turns: v.number(),
      /** What it has used by its newest turn's word; null where none said so. */
      tokens: v.union(v.null(), v.object({ ...vTokenUsage, updatedAt: v.number() })),
      /** Commands of it that are not at their end: they count against the user's `max`. */
      openCommands: vBounded,
      /** Malformed events that are kept, and UTF-8 bytes of their payloads; the oldest go beyond either `max`. */
      quarantine: v.object({ events: vBounded, bytes: vBounded }),
    }),
  ),
});
export type Usage = Infer<typeof vUsage>;

const vStreamRow = v.object({ streamId: v.string(), state: vStreamState });

export const vReplay = v.object({
  /** `turnOrder`: the place of its turn, where that is known. */
  streams: v.array(vStreamRow.extend({ turnOrder: v.optional(v.number()) })),
  streamWindows: v.array(
    v.object({
      streamId: v.string(),
      status: v.union(v.literal("ok"), v.literal("rebased"), v.literal("stale")),
      serverCursorStart: v.number(),
      serverCursorEnd: v.number(),
      holes: v.optional(v.array(v.object({ cursorStart: v.number(), cursorEnd: v.number() }))),
    }),
  ),
  nextCheckpoints: v.array(v.object({ streamId: v.string(), cursor: v.number() })),
  deltas: v.array(
    v.object({
      streamId: v.string(),
      cursorStart: v.number(),
      cursorEnd: v.number(),
      kind: v.string(),
      payloadJson: v.string(),
    }),
  ),
  texts: v.array(
    v.object({
      streamId: v.string(),
      turnId: v.string(),
      messageId: v.string(),
      channel: v.union(v.literal("text"), v.literal("output")),
      cursorStart: v.number(),
      cursorEnd: v.number(),
      text: v.string(),
      /** Halves of a surrogate pair, as UTF-16 units, whose other half is in the run before, or behind. */
      leadingLow: v.optional(v.number()),
      pendingHigh: v.optional(v.number()),
    }),
  ),
  snapshots: v.array(
    v.object({
      itemId: v.string(),
      itemType: v.string(),
      status: vMessageStatus,
      payloadJson: v.string(),
      turnId: v.string(),
      streamId: v.string(),
    }),
  ),
});
export type Replay = Infer<typeof vReplay>;

/** `vReplay` of one stream. */
export const vResumed = v.object({
  streamWindow: vReplay.fields.streamWindows.element,
  deltas: v.array(vReplay.fields.deltas.element.omit("streamId")),
  texts: v.array(vReplay.fields.texts.element.omit("streamId")),
  nextCursor: v.number(),
});

/** What a caller says of a thread beside its id. */
export const vThreadFields = {
  model: v.optional(v.string()),
  cwd: v.optional(v.string()),
  personality: v.optional(v.string()),
  localThreadId: v.optional(v.string()),
};

/** The thread whose agent a thread is. */
export const vParent = { parentThreadId: v.optional(v.string()) };
const vNewestTurn = { turn: v.optional(v.object({ turnId: v.string(), status: vTurnStatus })) };

/** A thread with what it keeps the newest of. */
export const vThread = v.object({
  threadId: v.string(),
  status: vThreadStatus,
  name: v.optional(v.string()),
  ...vThreadFields,
  ...vParent,
  createdAt: v.number(),
  updatedAt: v.number(),
  usage: v.optional(v.object(vTokenUsage)),
  goalJson: v.optional(v.string()),
  settingsJson: v.optional(v.string()),
  warning: v.optional(v.string()),
  ...vNewestTurn,
  /** A fork is being copied into it: older turns are yet to come. */
  filling: v.optional(v.literal(true)),
});

/** A thread in a list; what stands behind its parent only where a summary was asked for. */
export const vThreadRow = v.object({
  threadId: v.string(),
  status: vThreadStatus,
  updatedAt: v.number(),
  ...vParent,
  localThreadId: v.optional(v.string()),
  name: v.optional(v.string()),
  /** What a person said first, its beginning: of a thread without a name. */
  preview: v.optional(v.string()),
  ...vNewestTurn,
});

export const vThreadMade = v.object({ threadId: v.string() });
export const vThreadResolved = v.object({ threadId: v.string(), externalThreadId: v.optional(v.string()), created: v.boolean() });
export const vThreadArchived = v.object({ threadId: v.string(), status: v.literal("archived") });
export const vThreadResumed = v.object({ threadId: v.string(), status: v.literal("active") });

/** A thread and the app's own name for it; null where there is none. */
export const vMapping = v.union(v.null(), v.object({ threadId: v.string(), externalThreadId: v.string() }));

/** A turn with what it keeps the newest of. */
export const vTurn = v.object({
  turnId: v.string(),
  clientTurnId: v.optional(v.string()),
  turnOrder: v.number(),
  status: vTurnStatus,
  error: v.optional(v.string()),
  warning: v.optional(v.string()),
  inputSummary: v.optional(v.string()),
  createdAt: v.number(),
  startedAt: v.optional(v.number()),
  completedAt: v.optional(v.number()),
  usage: v.optional(v.object(vTokenUsage)),
  diff: v.optional(v.string()),
  planJson: v.optional(v.string()),
  rerouteJson: v.optional(v.string()),
});

export const vListedTurn = v.object({
  turnId: v.string(),
  /** The id that its client invented. */
  clientTurnId: v.optional(v.string()),
  status: vTurnStatus,
  /** When it was asked for, while it is not begun. */
  startedAt: v.number(),
  completedAt: v.optional(v.number()),
  error: v.optional(v.string()),
  /** `get` has its plan. */
  hasPlan: v.boolean(),
});

export const vTurnStarted = v.object({ turnId: v.string(), accepted: v.literal(true) });

export const vThreadState = v.object({
  threadId: v.string(),
  threadStatus: vThreadStatus,
  /** A fork is being copied into it: older turns are yet to come. */
  filling: v.optional(v.literal(true)),
  turns: v.array(v.object({ turnId: v.string(), status: vTurnStatus, startedAt: v.number() })),
  activeStreams: v.array(vStreamRow),
  allStreams: v.array(vStreamRow),
  streamStats: v.array(
    v.object({ streamId: v.string(), state: vStreamState, deltaCount: v.number(), latestCursor: v.number() }),
  ),
  pendingApprovals: v.array(
    v.object({ turnId: v.string(), itemId: v.string(), kind: v.string(), reason: v.optional(v.string()) }),
  ),
  recentMessages: v.array(
    v.object({
      messageId: v.string(),
      turnId: v.string(),
      role: vRole,
      status: vMessageStatus,
      text: v.string(),
      createdAt: v.number(),
    }),
  ),
});

/** The process of the app-server that asks, as far as the bridge says so. */
export const vRequestOrigin = {
  runtimeId: v.optional(v.string()),
  generation: v.optional(v.number()),
  appGeneration: v.optional(v.number()),
};

/** A decision that was stored and is not what Codex was told. `code`: what its command ended with; none where the bridge's side decided otherwise. */
export const vOverruled = v.object({
  decisionJson: v.string(),
  decidedBy: v.string(),
  decidedByDevice: v.string(),
  decidedAt: v.number(),
  code: v.optional(v.string()),
});

export const vApproval = v.object({
  threadId: v.string(),
  turnId: v.string(),
  itemId: v.string(),
  kind: v.string(),
  reason: v.optional(v.string()),
  createdAt: v.number(),
  requestId: vRequestId,
  method: v.string(),
  payloadJson: v.string(),
  overruled: v.optional(vOverruled),
});
export type ApprovalRow = Infer<typeof vApproval>;

export const vServerRequest = v.object({
  requestId: vRequestId,
  method: v.string(),
  threadId: v.string(),
  turnId: v.string(),
  itemId: v.string(),
  payloadJson: v.string(),
  status: vRequestStatus,
  reason: v.optional(v.string()),
  questions: v.optional(v.any()),
  createdAt: v.number(),
  updatedAt: v.number(),
  resolvedAt: v.optional(v.number()),
  responseJson: v.optional(v.string()),
  autoResolutionMs: v.optional(v.number()),
  decidedBy: v.optional(v.string()),
  decidedByDevice: v.optional(v.string()),
  decidedAt: v.optional(v.number()),
  overruled: v.optional(vOverruled),
});
export type ServerRequestRow = Infer<typeof vServerRequest>;

/** A request with what was decided of it. Answers to secret questions and of account methods are nowhere. */
export const vDecidedRequest = vServerRequest.omit("decidedBy", "decidedByDevice", "decidedAt").extend({
  decidedBy: v.string(),
  /** Of an answer from afar, who sent it. */
  decidedByDevice: v.string(),
  decidedAt: v.number(),
  /** What decided where no person did. */
  decidedByPolicy: v.optional(v.string()),
  /** An approval's decision as the app-server writes it. */
  decisionJson: v.optional(v.string()),
  /** Of the payload that was shown to who decided, in hexadecimal. */
  shownSha256: v.optional(v.string()),
});
export type DecidedRequestRow = Infer<typeof vDecidedRequest>;

/** A deletion: `status` is polled until it is `completed` or `cancelled`. Times are milliseconds of the server's clock. */
export const vDeletionJob = v.object({
  deletionJobId: v.string(),
  kind: vDeletionKind,
  status: vDeletionState,
  /** None behind its end. */
  threadId: v.optional(v.string()),
  turnId: v.optional(v.string()),
  reason: v.optional(v.string()),
  /** Rows that are gone so far. */
  deletedRows: v.number(),
  createdAt: v.number(),
  scheduledFor: v.number(),
  startedAt: v.optional(v.number()),
  endedAt: v.optional(v.number()),
});
export type DeletionJob = Infer<typeof vDeletionJob>;

export const vDeletionAsked = v.object({ deletionJobId: v.string(), scheduledFor: v.number() });

/** None of either where no turn is behind the one that a thread was taken back to. */
export const vReverted = v.object({ deletionJobId: v.optional(v.string()), scheduledFor: v.optional(v.number()) });
export const vDeletionCancelled = v.object({ deletionJobId: v.string(), cancelled: v.literal(true) });

/** A fork: `status` is polled until it is `completed` or `failed`. Times are milliseconds of the server's clock. */
export const vForkJob = v.object({
  forkJobId: v.string(),
  status: vForkState,
  /** The source, the copy, and the last turn that was asked for; none where one of the threads was deleted. */
  threadId: v.optional(v.string()),
  newThreadId: v.optional(v.string()),
  turnId: v.optional(v.string()),
  /** Why it failed. */
  code: v.optional(v.string()),
  /** Turns and messages that are copied so far. */
  copiedTurns: v.number(),
  copiedMessages: v.number(),
  createdAt: v.number(),
  endedAt: v.optional(v.number()),
});
export type ForkJob = Infer<typeof vForkJob>;

/** A place in a thread's history: the number of a turn, and of an item in it. */
export const vPlace = v.object({ turn: v.number(), item: v.number() });

/** How far the import of a thread's history is. */
export const vImportStatus = v.object({
  /** `completed`: all of a page was taken that said to be the last. */
  status: vImportState,
  /** Everything before it is imported: the next page begins here, or before. */
  position: vPlace,
  /** Items that came, those that were there already included, and events that were malformed. */
  importedItems: v.number(),
  quarantined: v.number(),
  updatedAt: v.number(),
});
export type ImportStatus = Infer<typeof vImportStatus>;

// ---- commands and presence

export const vCommandKind = v.union(v.literal("turn"), v.literal("steer"), v.literal("interrupt"), v.literal("decide"), v.literal("answer"));
export const vCommandState = v.union(
  v.literal("queued"),
  v.literal("leased"),
  v.literal("delivered"),
  v.literal("accepted"),
  v.literal("refused"),
  v.literal("expired"),
  v.literal("cancelled"),
  v.literal("unknown"),
);

export const vCommand = v.object({
  commandId: v.string(),
  threadId: v.string(),
  kind: vCommandKind,
  payloadJson: v.string(),
  state: vCommandState,
  code: v.optional(v.string()),
  turnId: v.optional(v.string()),
  clientTurnId: v.optional(v.string()),
  order: v.number(),
  rank: v.number(),
  deviceId: v.string(),
  runtimeId: v.optional(v.string()),
  lapses: v.number(),
  expiresAt: v.optional(v.number()),
  createdAt: v.number(),
  updatedAt: v.number(),
  deliveredAt: v.optional(v.number()),
  endedAt: v.optional(v.number()),
});
export type CommandRow = Infer<typeof vCommand>;

export const vCommandSent = v.object({ commandId: v.string(), state: vCommandState });

export const vLeasedCommand = v.object({
  commandId: v.string(),
  kind: vCommandKind,
  payloadJson: v.string(),
  leaseToken: v.string(),
  leaseExpiresAt: v.number(),
  turnId: v.optional(v.string()),
  lapses: v.number(),
});

export const vPhase = v.union(
  v.literal("idle"),
  v.literal("starting"),
  v.literal("ready"),
  v.literal("running"),
  v.literal("reconnecting"),
  v.literal("stopping"),
  v.literal("failed"),
  v.literal("unknown"),
);
export const vLogin = v.union(v.literal("in"), v.literal("out"), v.literal("unknown"));

export const vPresenceThread = v.object({
  threadId: v.string(),
  turnId: v.optional(v.string()),
  pendingRequests: v.number(),
  behind: v.number(),
  catchingUp: v.boolean(),
  oldestEventAt: v.optional(v.number()),
});

export const vRuntime = v.object({
  runtimeId: v.string(),
  deviceId: v.string(),
  generation: v.number(),
  phase: vPhase,
  login: vLogin,
  away: v.boolean(),
  beatAt: v.number(),
  threads: v.array(vPresenceThread),
});

/** What a beat is answered: the server's clock, and the commands that wait for the runtime. */
export const vBeaten = v.object({ now: v.number(), commandsWaiting: v.number() });

export const vPresenceView = v.object({
  machine: v.union(v.literal("here"), v.literal("away"), v.literal("never")),
  bridge: v.union(v.literal("up"), v.literal("stopped"), v.literal("failed"), v.literal("unknown")),
  codex: v.union(v.literal("up"), v.literal("starting"), v.literal("down"), v.literal("unknown")),
  login: vLogin,
  thread: v.union(v.literal("here"), v.literal("elsewhere"), v.literal("nowhere")),
  runtimeId: v.optional(v.string()),
  deviceId: v.optional(v.string()),
  /** What that runtime says of the thread. */
  current: v.optional(vPresenceThread),
});

// ---- devices

/** A token, told once. */
export const vIssuedToken = v.object({ tokenId: v.string(), token: v.string(), deviceId: v.string(), expiresAt: v.number() });

/** What a token is for, never the token. */
export const vDeviceToken = v.object({
  tokenId: v.string(),
  deviceId: v.string(),
  label: v.optional(v.string()),
  /** The device from which it was issued. */
  issuedBy: v.string(),
  createdAt: v.number(),
  /** It holds no more behind this time, by the server's clock, in milliseconds. */
  expiresAt: v.number(),
});

export const vRevoked = v.object({ revoked: v.boolean() });
