/**
 * The component's rows. Every index begins with tenant and user, or with a row's id: no list ever reads another user's
 * rows. Rows that change often are not rows that lists read: `streams` and `streamHeads` are two tables for that reason.
 * The exception are the indexes of the sweeps, which begin with the time at which a row is due: internal functions alone read
 * them, and nothing in them that is not due.
 */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { vCommandKind, vCommandState, vLogin, vOverruled, vPhase, vPresenceThread } from "./validators.js";
import { vDeletionKind, vDeletionState, vForkState, vImportState, vMessageStatus, vPlace, vRequestCause, vRequestId, vRequestStatus, vRole, vStreamState, vThreadStatus, vTokenCounts, vTurnStatus } from "./validators.js";

const owned = { tenantId: v.string(), userId: v.string() };
const inThread = { ...owned, threadId: v.string() };

export default defineSchema({
  threads: defineTable({
    ...inThread,
    /** The app-server's name for the thread. */
    localThreadId: v.optional(v.string()),
    /** The thread whose agent it is; none where it is nobody's, or that one was deleted. */
    parentThreadId: v.optional(v.string()),
    status: vThreadStatus,
    name: v.optional(v.string()),
    model: v.optional(v.string()),
    cwd: v.optional(v.string()),
    personality: v.optional(v.string()),
    /** The place that the next turn gets. */
    nextTurnOrder: v.number(),
    /** Places of turns, half-open, that a job deletes, or will: nobody reads them. */
    hidden: v.optional(v.array(v.object({ job: v.id("deletions"), from: v.number(), to: v.number() }))),
    /** The fork that is being copied into it. */
    filling: v.optional(v.id("forks")),
    createdAt: v.number(),
    updatedAt: v.number(),
  })
    .index("by_thread", ["tenantId", "userId", "threadId"])
    .index("by_updated", ["tenantId", "userId", "updatedAt", "threadId"])
    .index("by_parent", ["tenantId", "userId", "parentThreadId", "updatedAt", "threadId"]),

  /** How many threads a user has; none where there is none. */
  tallies: defineTable({ ...owned, threads: v.number() }).index("by_user", ["tenantId", "userId"]),

  /** External ids of threads. */
  bindings: defineTable({ ...inThread, externalThreadId: v.string(), updatedAt: v.number() })
    .index("by_external", ["tenantId", "userId", "externalThreadId"])
    .index("by_thread", ["tenantId", "userId", "threadId"]),

  turns: defineTable({
    ...inThread,
    turnId: v.string(),
    /** The id that its client invented, where a command carries it: the turn's until Codex's is known. */
    clientTurnId: v.optional(v.string()),
    turnOrder: v.number(),
    status: vTurnStatus,
    /** Whose word a terminal status is. */
    source: v.optional(v.union(v.literal("codex"), v.literal("local"), v.literal("client"), v.literal("sweep"))),
    hasItems: v.boolean(),
    /** It keeps a plan. */
    hasPlan: v.optional(v.boolean()),
    /** Another name of this turn, where one run has two. */
    sameRunAs: v.optional(v.string()),
    error: v.optional(v.string()),
    warning: v.optional(v.string()),
    inputSummary: v.optional(v.string()),
    options: v.optional(v.string()),
    createdAt: v.number(),
    startedAt: v.optional(v.number()),
    completedAt: v.optional(v.number()),
    /** When the sweep asks whether anything was heard of it; none where it has ended. */
    silentAt: v.optional(v.number()),
  })
    .index("by_silence", ["silentAt"])
    .index("by_client", ["tenantId", "userId", "threadId", "clientTurnId"])
    .index("by_turn", ["tenantId", "userId", "threadId", "turnId"])
    .index("by_order", ["tenantId", "userId", "threadId", "turnOrder"])
    .index("by_status", ["tenantId", "userId", "threadId", "status", "turnOrder"]),

  /** Tokens used, absolute: a row for every turn that said so, and one for the thread, which is the newest of all. */
  tokenUsage: defineTable({
    ...inThread,
    of: v.union(v.literal("turn"), v.literal("thread")),
    /** The turn that said so. */
    turnId: v.optional(v.string()),
    /** Its place; none where the thread does not know the turn. */
    turnOrder: v.optional(v.number()),
    total: vTokenCounts,
    last: vTokenCounts,
    modelContextWindow: v.optional(v.number()),
    updatedAt: v.number(),
  }).index("by_order", ["tenantId", "userId", "threadId", "of", "turnOrder"]),

  /** The keys that turns were started with; several may name one turn. */
  turnKeys: defineTable({ ...inThread, idempotencyKey: v.string(), turnId: v.string() })
    .index("by_key", ["tenantId", "userId", "threadId", "idempotencyKey"])
    .index("by_turn", ["tenantId", "userId", "threadId", "turnId"]),

  messages: defineTable({
    ...inThread,
    turnId: v.string(),
    turnOrder: v.number(),
    itemId: v.string(),
    /** The item's id, or `${itemId}#2` where the id is used a second time (`#1` behind an id that ends so itself). */
    messageId: v.string(),
    occurrence: v.number(),
    orderInTurn: v.number(),
    role: vRole,
    status: vMessageStatus,
    /** What ended it: nothing yet, its turn, or its item's own word. */
    closing: v.union(v.literal("open"), v.literal("turn"), v.literal("item")),
    sourceItemType: v.string(),
    /** The stream that its text grows from, and where on it; none where no stream named it. */
    streamId: v.optional(v.string()),
    startCursor: v.number(),
    endCursor: v.optional(v.number()),
    /** Where on it the item may have begun again: its last start inside that was seen, else the last event that was its first. */
    restart: v.optional(v.object({ cursor: v.number(), seen: v.boolean() })),
    /** The parts are the whole text; else the stream's chunks hold its tail. */
    textWhole: v.boolean(),
    /** UTF-8 bytes of the parts. */
    textBytes: v.number(),
    /** Where the tail begins that the chunks hold; none where nothing was folded: at the start. */
    foldCursor: v.optional(v.number()),
    /** Half of a surrogate pair that waits there. */
    foldHigh: v.optional(v.number()),
    /** UTF-16 units of the stored payload. */
    payloadUnits: v.number(),
    createdAt: v.number(),
    updatedAt: v.number(),
    completedAt: v.optional(v.number()),
  })
    .index("by_item", ["tenantId", "userId", "threadId", "turnId", "itemId", "occurrence"])
    .index("by_message", ["tenantId", "userId", "threadId", "turnId", "messageId"])
    .index("by_order", ["tenantId", "userId", "threadId", "turnOrder", "orderInTurn"])
    .index("by_type", ["tenantId", "userId", "threadId", "sourceItemType", "turnOrder", "orderInTurn"])
    .index("by_turn", ["tenantId", "userId", "threadId", "turnId", "orderInTurn"])
    .index("by_closing", ["tenantId", "userId", "threadId", "turnId", "closing"]),

  /** Pieces of what is too large or too often rewritten for its row: texts and payloads. */
  parts: defineTable({
    owner: v.union(v.id("messages"), v.id("chunks"), v.id("quarantine"), v.id("serverRequests"), v.id("turns"), v.id("threads"), v.id("commands")),
    /** `text`, `payload`, `questions`, `response`, `decision`, `overruled`, `sent`, or `kept:${index}` of a chunk; of a turn or a thread, what it keeps the newest of. */
    kind: v.string(),
    part: v.number(),
    text: v.string(),
  }).index("by_owner", ["owner", "kind", "part"]),

  /** What the app-server asks, and who answered what; an approval is one that is shown so. Kept as long as its thread. */
  serverRequests: defineTable({
    ...inThread,
    /** Empty where it names none. */
    turnId: v.string(),
    itemId: v.string(),
    requestId: vRequestId,
    /** The process that asked, as far as it is known: ids restart at 0 in every one. */
    runtimeId: v.optional(v.string()),
    generation: v.optional(v.number()),
    appGeneration: v.optional(v.number()),
    /** The event that asked, where one did. */
    eventId: v.optional(v.string()),
    method: v.string(),
    /** What an approval is for. */
    approval: v.optional(v.string()),
    status: vRequestStatus,
    /** How its end is known. */
    cause: v.optional(vRequestCause),
    /** Which list of what nobody has decided shows it. */
    waiting: v.union(v.literal("approval"), v.literal("request"), v.literal("none")),
    reason: v.optional(v.string()),
    autoResolutionMs: v.optional(v.number()),
    /** None where they are in the parts `payload`, `questions`, `response`, `decision`, `overruled`; `parted` names those. */
    payloadJson: v.optional(v.string()),
    questionsJson: v.optional(v.string()),
    /** The `result` that Codex got, or is to get. */
    responseJson: v.optional(v.string()),
    /** The texts that are too long for the row, and their UTF-8 bytes. */
    parted: v.array(v.object({ kind: v.string(), bytes: v.number() })),
    /** The decision as the app-server writes it, who made it, from which device, or which policy. */
    decisionJson: v.optional(v.string()),
    decidedBy: v.optional(v.string()),
    decidedByDevice: v.optional(v.string()),
    decidedByPolicy: v.optional(v.string()),
    decidedAt: v.optional(v.number()),
    /** Of the payload that was decided, in hexadecimal. */
    shownSha256: v.optional(v.string()),
    /** The command that carries the decision, where one was sent. */
    commandId: v.optional(v.string()),
    /** The last decision that was stored and is not what Codex was told; a long one lies in parts. */
    overruled: v.optional(v.object({ ...vOverruled.fields, decisionJson: v.optional(v.string()) })),
    createdAt: v.number(),
    updatedAt: v.number(),
    resolvedAt: v.optional(v.number()),
  })
    .index("by_request", ["tenantId", "userId", "threadId", "requestId"])
    .index("by_item", ["tenantId", "userId", "threadId", "turnId", "itemId"])
    .index("by_status", ["tenantId", "userId", "status", "updatedAt"])
    .index("by_thread_status", ["tenantId", "userId", "threadId", "status", "updatedAt"])
    .index("by_waiting", ["tenantId", "userId", "waiting"])
    .index("by_thread_waiting", ["tenantId", "userId", "threadId", "waiting"])
    .index("by_decision", ["tenantId", "userId", "threadId", "decidedAt"]),

  streams: defineTable({
    ...inThread,
    streamId: v.string(),
    turnId: v.string(),
    turnOrder: v.optional(v.number()),
    state: vStreamState,
    finishedAt: v.optional(v.number()),
    /** When it stops being listed; of one whose turn is not known, when the sweep asks whether it does. */
    expiresAt: v.optional(v.number()),
  })
    .index("by_stream", ["tenantId", "userId", "threadId", "streamId"])
    .index("by_turn", ["tenantId", "userId", "threadId", "turnId", "state"])
    .index("by_state", ["tenantId", "userId", "threadId", "state", "turnOrder"])
    .index("by_expiry", ["expiresAt"]),

  streamHeads: defineTable({
    ...inThread,
    streamId: v.string(),
    turnId: v.string(),
    turnOrder: v.optional(v.number()),
    latest: v.number(),
    holes: v.array(v.object({ start: v.number(), end: v.number() })),
    eventCount: v.number(),
    /** What reading all its chunks would have cost. */
    weight: v.number(),
    closed: v.boolean(),
    /** The sweep ended its turn: a new event undoes that. */
    swept: v.boolean(),
    hasItems: v.boolean(),
    open: v.array(
      v.object({
        itemId: v.string(),
        messageId: v.string(),
        startCursor: v.number(),
        /** What is known of its text's fold without a read, where deltas grow its text. */
        fold: v.optional(v.object({ cursor: v.number(), weight: v.number(), fill: v.number(), started: v.boolean() })),
      }),
    ),
    /** Cursors behind the newest of each kind that a turn keeps; none where no event brought one. */
    newest: v.optional(v.array(v.number())),
    /** The last event, where its chunk has gone before its turn ended: its id says which runtime told of the turn. */
    lastEvent: v.optional(v.object({ cursor: v.number(), eventId: v.string() })),
  })
    .index("by_stream", ["tenantId", "userId", "streamId"])
    .index("by_turn", ["tenantId", "userId", "threadId", "turnId"]),

  /** What a batch brought to a contiguous range of a stream: the texts' tail and the replay's record at once. */
  chunks: defineTable({
    ...inThread,
    streamId: v.string(),
    turnId: v.string(),
    cursorStart: v.number(),
    cursorEnd: v.number(),
    eventIds: v.array(v.string()),
    /** Where each event ends; it begins where the one before it ends. */
    eventEnds: v.array(v.number()),
    runs: v.array(
      v.object({
        messageId: v.string(),
        channel: v.union(v.literal("text"), v.literal("output")),
        cursorStart: v.number(),
        cursorEnd: v.number(),
        text: v.string(),
        /** Halves of a surrogate pair whose other half is in the chunk before, or behind. */
        leadingLow: v.optional(v.number()),
        pendingHigh: v.optional(v.number()),
        /** The text is in the parts `run:${index}`. */
        parted: v.optional(v.boolean()),
      }),
    ),
    kept: v.array(
      v.object({
        cursorStart: v.number(),
        cursorEnd: v.number(),
        kind: v.string(),
        /** None where it is in the parts `kept:${index}`. */
        payloadJson: v.optional(v.string()),
      }),
    ),
    /** About what reading it costs, in UTF-16 units: its texts, payloads and ids, those in parts too. */
    weight: v.number(),
    /** Items that kept payloads name. */
    itemIds: v.array(v.string()),
    expiresAt: v.number(),
  })
    .index("by_start", ["tenantId", "userId", "streamId", "cursorStart"])
    .index("by_expiry", ["expiresAt"]),

  checkpoints: defineTable({
    ...inThread,
    deviceId: v.string(),
    streamId: v.string(),
    cursor: v.number(),
    expiresAt: v.number(),
  })
    .index("by_stream", ["tenantId", "userId", "deviceId", "threadId", "streamId"])
    .index("by_readers", ["tenantId", "userId", "threadId", "streamId"])
    .index("by_expiry", ["expiresAt"]),

  /** A session's binding to a thread; the one with the highest epoch is the thread's writer. */
  sessions: defineTable({
    ...inThread,
    sessionId: v.string(),
    deviceId: v.string(),
    /** The runtime behind it and its start, where it is known: who leases the thread's commands. */
    runtimeId: v.optional(v.string()),
    generation: v.optional(v.number()),
    epoch: v.number(),
    lastBeatAt: v.number(),
    lastEventCursor: v.number(),
    /** When the sweep found it stale; a beat takes that away. */
    timedOutAt: v.optional(v.number()),
  })
    .index("by_beat", ["timedOutAt", "lastBeatAt"])
    .index("by_tenant_beat", ["tenantId", "timedOutAt", "lastBeatAt"])
    .index("by_session", ["tenantId", "userId", "sessionId", "threadId"])
    .index("by_epoch", ["tenantId", "userId", "threadId", "epoch"]),

  /** What clients wish of the machine. Kept as long as its thread; what it asks for is in the parts `payload`, and as it was sent first, where it was edited, in `sent`. */
  commands: defineTable({
    ...inThread,
    commandId: v.string(),
    kind: vCommandKind,
    /** The kind that it was sent with: a turn may be promoted to a steer. */
    sentKind: v.string(),
    ttlMs: v.optional(v.number()),
    edited: v.boolean(),
    /** Who sent it, beside the user. */
    deviceId: v.string(),
    state: vCommandState,
    /** Whether it is queued or with its runtime. */
    open: v.boolean(),
    /** Why it ended. */
    code: v.optional(v.string()),
    /** The turn that it belongs to, by Codex's id. */
    turnId: v.optional(v.string()),
    /** Its place among the thread's commands. */
    order: v.number(),
    /** 0, or its place among the promoted ones. */
    rank: v.number(),
    /** The server's clock at the end of its time; none where that is its request's. */
    expiresAt: v.optional(v.number()),
    /** How often its lease lapsed before it was delivered. */
    lapses: v.number(),
    /** Who has it, or had it when it became unknown. */
    lease: v.optional(v.object({ token: v.string(), runtimeId: v.string(), generation: v.number(), expiresAt: v.number() })),
    /** The queued turn that shows it. */
    clientTurnId: v.optional(v.string()),
    /** The turn that it names, by either of its ids. */
    targetTurnId: v.optional(v.string()),
    /** The same, or the turn of the request that it answers: it is hidden with it, and goes with it. */
    aboutTurnId: v.optional(v.string()),
    /** The request that it answers. */
    request: v.optional(
      v.object({
        requestId: vRequestId,
        runtimeId: v.optional(v.string()),
        generation: v.optional(v.number()),
        appGeneration: v.optional(v.number()),
      }),
    ),
    /** When the sweep looks at it; none where it has ended. */
    dueAt: v.optional(v.number()),
    createdAt: v.number(),
    updatedAt: v.number(),
    deliveredAt: v.optional(v.number()),
    endedAt: v.optional(v.number()),
  })
    .index("by_command", ["tenantId", "userId", "commandId"])
    .index("by_order", ["tenantId", "userId", "threadId", "order"])
    .index("by_open", ["tenantId", "userId", "open"])
    .index("by_thread_open", ["tenantId", "userId", "threadId", "open", "order"])
    .index("by_turn", ["tenantId", "userId", "threadId", "turnId"])
    .index("by_about", ["tenantId", "userId", "threadId", "aboutTurnId"])
    .index("by_client_turn", ["tenantId", "userId", "threadId", "clientTurnId", "open"])
    .index("by_ended", ["tenantId", "userId", "threadId", "state", "endedAt"])
    .index("by_due", ["dueAt"]),

  /** What each runtime of a user does now: a row for each, which its beats rewrite. Queries of presence alone read it. */
  presence: defineTable({
    ...owned,
    runtimeId: v.string(),
    deviceId: v.string(),
    /** Its start of the bridge. */
    generation: v.number(),
    phase: vPhase,
    login: vLogin,
    threads: v.array(vPresenceThread),
    /** The server's clock at its last beat. */
    beatAt: v.number(),
    /** When it is away, and when it is forgotten, if it does not beat before. */
    awayAt: v.number(),
    expiresAt: v.number(),
    /** Written by the expiry that is scheduled for then. */
    away: v.boolean(),
  })
    .index("by_runtime", ["tenantId", "userId", "runtimeId"])
    .index("by_beat", ["tenantId", "userId", "beatAt"])
    .index("by_expiry", ["expiresAt"]),

  /** Tokens of a user's devices: their hashes, of which nobody makes a token. */
  deviceTokens: defineTable({
    ...owned,
    deviceId: v.string(),
    label: v.optional(v.string()),
    hash: v.string(),
    /** The device from which it was issued. */
    issuedBy: v.string(),
    createdAt: v.number(),
    expiresAt: v.number(),
  })
    .index("by_user", ["tenantId", "userId", "expiresAt"])
    .index("by_hash", ["hash", "expiresAt"])
    .index("by_expiry", ["expiresAt"]),

  /** Lifecycle counters: per runtime, one more than the highest number applied. */
  lifecycleMarks: defineTable({
    ...inThread,
    /** `runtimeId` is what counts: a runtime and Codex's name for the thread, as they stand before the number in its ids. */
    runtimes: v.array(v.object({ runtimeId: v.string(), next: v.number() })),
  }).index("by_thread", ["tenantId", "userId", "threadId"]),

  /** Lifecycle events whose ids are not the bridge's. */
  lifecycleIds: defineTable({ ...inThread, eventId: v.string(), expiresAt: v.number() })
    .index("by_event", ["tenantId", "userId", "threadId", "eventId"])
    .index("by_expiry", ["expiresAt"]),

  /** Malformed events, kept as they came (their payload in the parts `payload`). */
  quarantine: defineTable({
    ...inThread,
    eventId: v.string(),
    turnId: v.optional(v.string()),
    streamId: v.optional(v.string()),
    kind: v.string(),
    reason: v.string(),
    /** UTF-8 bytes of the payload. */
    bytes: v.number(),
    createdAt: v.number(),
  })
    // The oldest go first, whatever their turns.
    // eslint-disable-next-line @convex-dev/no-duplicate-indexes
    .index("by_thread", ["tenantId", "userId", "threadId"])
    .index("by_turn", ["tenantId", "userId", "threadId", "turnId"]),

  /** Jobs that delete, a batch at a time (`src/deletion.rs`). One that has ended names neither thread nor turn. */
  deletions: defineTable({
    ...owned,
    kind: vDeletionKind,
    threadId: v.optional(v.string()),
    turnId: v.optional(v.string()),
    /** Places of the turns that go, half-open. */
    from: v.optional(v.number()),
    to: v.optional(v.number()),
    reason: v.optional(v.string()),
    state: vDeletionState,
    /** The job that deletes everything of the user, where it made this one: it does its batches. */
    parent: v.optional(v.id("deletions")),
    /** Of a user's: the last thread that was looked at; none when all are hidden. */
    after: v.optional(v.string()),
    /** The thread's row, which went first: its parts go by its id. And what is left in its place. */
    threadRow: v.optional(v.id("threads")),
    tombstone: v.optional(v.id("tombstones")),
    /** The turn whose rows go now, and streams of it that have chunks left and no head. */
    turn: v.optional(v.object({ row: v.id("turns"), turnId: v.string(), clientTurnId: v.optional(v.string()), turnOrder: v.number() })),
    streams: v.optional(v.array(v.string())),
    deletedRows: v.number(),
    createdAt: v.number(),
    scheduledFor: v.number(),
    startedAt: v.optional(v.number()),
    endedAt: v.optional(v.number()),
    /** When it is gone on with, if nobody did; none where its parent does, or it has ended. */
    dueAt: v.optional(v.number()),
    /** Until when the row is kept; none where it has not ended. */
    expiresAt: v.optional(v.number()),
  })
    .index("by_thread", ["tenantId", "userId", "threadId", "kind"])
    .index("by_kind", ["tenantId", "userId", "kind", "state", "parent"])
    .index("by_parent", ["parent", "state"])
    .index("by_due", ["dueAt"])
    .index("by_expiry", ["expiresAt"]),

  /** Jobs that copy a thread's turns and messages into a new one, a batch at a time (`src/fork.rs`), the newest turn first. */
  forks: defineTable({
    ...owned,
    /** The source, the copy, and the last turn that was asked for; none where one of the threads was deleted. */
    threadId: v.optional(v.string()),
    newThreadId: v.optional(v.string()),
    turnId: v.optional(v.string()),
    /** Their rows: a thread that is made again is another one. */
    source: v.id("threads"),
    copy: v.id("threads"),
    state: vForkState,
    /** Why it failed. */
    code: v.optional(v.string()),
    /** Turns at places below it are yet to be copied. */
    before: v.number(),
    /** The place of the newest message when it began: what came later is not copied. */
    newest: v.optional(v.object({ turnOrder: v.number(), orderInTurn: v.number() })),
    /** The turn that is being copied: its row, the last of what it keeps the newest of that is copied, and where its messages go on. */
    turn: v.optional(v.object({ row: v.id("turns"), kept: v.string(), orderInTurn: v.number() })),
    /** The message whose parts are being copied: its row, as it was then, and its copy. */
    message: v.optional(
      v.object({
        row: v.id("messages"),
        copy: v.id("messages"),
        updatedAt: v.number(),
        closing: v.union(v.literal("open"), v.literal("turn"), v.literal("item")),
        /** The next part, and UTF-8 bytes of the text's parts before it. */
        kind: v.string(),
        part: v.number(),
        textBytes: v.number(),
        /** Where the text's tail goes on that chunks hold, and where it ends. */
        tail: v.optional(v.object({ cursor: v.number(), end: v.number(), high: v.optional(v.number()) })),
      }),
    ),
    copiedTurns: v.number(),
    copiedMessages: v.number(),
    createdAt: v.number(),
    endedAt: v.optional(v.number()),
    /** When it is gone on with, if nobody did; none where it has ended. */
    dueAt: v.optional(v.number()),
    /** Until when the row is kept; none where it has not ended. */
    expiresAt: v.optional(v.number()),
  })
    .index("by_source", ["tenantId", "userId", "threadId", "state"])
    .index("by_copy", ["tenantId", "userId", "newThreadId"])
    .index("by_state", ["tenantId", "userId", "state"])
    .index("by_due", ["dueAt"])
    .index("by_expiry", ["expiresAt"]),

  /** How far the import of a thread's history is. */
  imports: defineTable({
    ...inThread,
    state: vImportState,
    /** Everything before it is imported. */
    position: vPlace,
    importedItems: v.number(),
    quarantined: v.number(),
    updatedAt: v.number(),
  }).index("by_thread", ["tenantId", "userId", "threadId"]),

  /** What is left of a thread, or an app's name for one: a hash, which says whose it was and what. No expiry: rows are left. */
  tombstones: defineTable({ hash: v.string(), expiresAt: v.optional(v.number()) })
    .index("by_hash", ["hash"])
    .index("by_expiry", ["expiresAt"]),

  /** Turns that were deleted: what still comes of them has no effect. */
  deletedTurns: defineTable({ ...inThread, turnId: v.string(), expiresAt: v.number() })
    .index("by_turn", ["tenantId", "userId", "threadId", "turnId"])
    .index("by_expiry", ["expiresAt"]),
});
