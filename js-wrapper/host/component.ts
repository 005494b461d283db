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
type Query<Args extends Actor, Result> = FunctionReference<"query", "internal", Args, Result>;
type Mutation<Args extends Actor, Result> = FunctionReference<"mutation", "internal", Args, Result>;
type ThreadOptions = { model?: string; cwd?: string; personality?: string; localThreadId?: string };

/** The component's functions that the host helpers call: `components.codexLocal` of an app's generated api fits it. */
export type CodexComponent = {
  threads: {
    create: Mutation<InThread & ThreadOptions, { threadId: string }>;
    resolve: Mutation<
      Actor & ThreadOptions & { externalThreadId?: string },
      { threadId: string; externalThreadId?: string; created: boolean }
    >;
    list: Query<Actor & { paginationOpts: PaginationOptions }, PaginationResult<CodexThreadRow>>;
    getState: Query<InThread, CodexThreadState>;
  };
  turns: {
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
    ensureSession: Mutation<InThread & { sessionId: string; lastEventCursor: number }, HostEnsureSessionResult>;
    ingestSafe: Mutation<
      InThread & {
        sessionId: string;
        streamDeltas: CodexStreamDelta[];
        lifecycleEvents: CodexLifecycleEvent[];
        runtime?: HostSyncRuntimeOptions;
      },
      HostIngestSafeResult
    >;
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
};
