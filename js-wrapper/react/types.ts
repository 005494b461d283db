import type { FunctionArgs, FunctionReference, PaginationOptions } from "convex/server";
import type { CodexThreadRow } from "../host/component.js";
import type {
  CodexDurableMessageLike,
  CodexOverlayMessage,
  CodexReasoningOverlaySegment,
  CodexReasoningSegmentLike,
  CodexStreamArgs,
  CodexStreamDeltaLike,
  CodexStreamsResult,
  CodexStreamText,
  CodexStreamWindow,
  CodexThreadStatus,
  CodexUIMessage,
} from "../mapping/index.js";
import type { UseListResult } from "./use-pages.js";

/** What the host's query answers: a page of durable rows, newest first, and what is live. */
export interface CodexMessagesPage {
  page: CodexDurableMessageLike[];
  isDone: boolean;
  continueCursor: string;
  streams?: CodexStreamsResult;
  threadStatus?: CodexThreadStatus | undefined;
}

/** A host query for {@link useCodexMessages}. */
export type CodexMessagesQuery = FunctionReference<
  "query",
  "public",
  {
    threadId: string;
    paginationOpts: PaginationOptions;
    streamArgs?: CodexStreamArgs | undefined;
  },
  CodexMessagesPage
>;

type Flat<T> = { [K in keyof T]: T[K] };

/** The arguments of a host function without those that a hook gives. */
export type OwnArgs<Called extends FunctionReference<"query" | "mutation">, Given extends string> = Flat<Omit<FunctionArgs<Called>, Given>>;

/** The arguments of a host query that are the app's to give; the hook adds the others. */
export type CodexMessagesQueryArgs<Query extends CodexMessagesQuery> = OwnArgs<Query, "paginationOpts" | "streamArgs">;

/** Options of {@link useCodexMessages}. */
export interface UseCodexMessagesOptions {
  /** How many of the newest messages to load first. */
  initialNumItems: number;
  /** Follow the text of running turns as it is written. Another value loads the pages anew: rows come without what is followed. */
  stream?: boolean | undefined;
}

/** What {@link useCodexMessages} returns: the result of `usePaginatedQuery`, oldest first, and more. */
export type UseCodexMessagesResult = UseListResult<CodexUIMessage, CodexThreadStatus>;

/** What the host's query of threads answers: a page, the one last written to first. */
export interface CodexThreadsPage {
  page: CodexThreadRow[];
  isDone: boolean;
  continueCursor: string;
  /** The parent whose agents were asked for is not there. */
  threadStatus?: "missing" | undefined;
}

/** A host query for {@link useCodexThreads}. */
export type CodexThreadsQuery = FunctionReference<
  "query",
  "public",
  { paginationOpts: PaginationOptions; parentThreadId?: string | null | undefined; summary?: boolean | undefined },
  CodexThreadsPage
>;

/** The arguments of a host query of threads that are the app's to give. */
export type CodexThreadsQueryArgs<Query extends CodexThreadsQuery> = OwnArgs<Query, "paginationOpts">;

/** What {@link useCodexThreads} returns: the result of `usePaginatedQuery`, and more. */
export type UseCodexThreadsResult = UseListResult<CodexThreadRow>;

/** What the host's query of reasoning answers: a page of pieces, newest first, and what is live. */
export interface CodexReasoningPage {
  page: CodexReasoningSegmentLike[];
  isDone: boolean;
  continueCursor: string;
  streams?: CodexStreamsResult;
  threadStatus?: CodexThreadStatus | undefined;
}

/** A host query for {@link useCodexReasoning}. */
export type CodexReasoningQuery = FunctionReference<
  "query",
  "public",
  {
    threadId: string;
    paginationOpts: PaginationOptions;
    streamArgs?: CodexStreamArgs | undefined;
    includeRaw?: boolean | undefined;
  },
  CodexReasoningPage
>;

/** The arguments of a host query of reasoning that are the app's to give. */
export type CodexReasoningQueryArgs<Query extends CodexReasoningQuery> = OwnArgs<Query, "paginationOpts" | "streamArgs">;

/** Options of {@link useCodexReasoning}. */
export interface UseCodexReasoningOptions {
  /** How many of the newest items to load first. */
  initialNumItems: number;
  /** Follow what running turns think as it is thought. */
  stream?: boolean | undefined;
}

/** What {@link useCodexReasoning} returns: the result of `usePaginatedQuery`, oldest first, and more. */
export type UseCodexReasoningResult = UseListResult<CodexReasoningOverlaySegment, CodexThreadStatus>;

/** A host query that tells of streams: that of messages, or that of reasoning. */
export type CodexStreamsQuery = FunctionReference<
  "query",
  "public",
  { threadId: string; paginationOpts: PaginationOptions; streamArgs?: CodexStreamArgs | undefined },
  { streams: CodexStreamsResult }
>;

/** The arguments of a host query of streams that are the app's to give; none fit a query that takes no `streamArgs`. */
export type CodexStreamsQueryArgs<Query extends CodexStreamsQuery> = "streamArgs" extends keyof FunctionArgs<Query>
  ? OwnArgs<Query, "paginationOpts" | "streamArgs">
  : never;

/** Options of {@link useCodexStreamingMessages}. */
export interface UseCodexStreamingOptions {
  /** Follow only streams of turns at or after this place in the thread: a turn's `turnOrder`, from 0. */
  startOrder?: number | undefined;
  /** `false` subscribes to nothing and shows nothing; true where it is not given. */
  enabled?: boolean | undefined;
}

/** Options of {@link useCodexStreamingReasoning}. */
export interface UseCodexStreamingReasoningOptions extends UseCodexStreamingOptions {
  /** Show raw reasoning too, where the server sends it. */
  includeRaw?: boolean | undefined;
}

interface Streaming<Row> {
  /** What streams told since they are followed. */
  results: Row[];
  /** The streams that are followed now. */
  streamIds: string[];
  /** Forgets `results`, and reads the live streams anew from their beginning. */
  reset: () => void;
  /** A query failed. It stays subscribed, and recovers when the server does. */
  error?: Error;
}

/** What {@link useCodexStreamingMessages} returns. */
export type UseCodexStreamingMessagesResult = Streaming<CodexOverlayMessage>;

/** What {@link useCodexStreamingReasoning} returns. */
export type UseCodexStreamingReasoningResult = Streaming<CodexReasoningOverlaySegment>;

/** A host query for {@link useCodexThreadState}. */
export type CodexThreadStateQuery = FunctionReference<"query", "public", { threadId: string }, unknown>;

/** A host query of the messages of one turn, oldest first, for {@link useCodexTurn}. */
export type CodexTurnMessagesQuery = FunctionReference<
  "query",
  "public",
  { threadId: string; turnId: string },
  CodexDurableMessageLike[]
>;

/** A host query of the thread's state, for {@link useCodexTurn}. */
export type CodexTurnStateQuery = CodexThreadStateQuery;

/** How a turn is, as far as its messages tell. */
export type CodexTurnStatus = "unknown" | "streaming" | "completed" | "failed" | "interrupted";

/** What {@link useCodexTurn} returns. */
export interface UseCodexTurnResult<State> {
  /** Oldest first; none until they are loaded. */
  messages: CodexUIMessage[];
  status: CodexTurnStatus;
  /** What the state's query answers; undefined until it does. */
  threadState: State | undefined;
}

/** A kept event of one turn's stream. */
export type CodexResumedDelta = Omit<CodexStreamDeltaLike, "streamId">;

/** A run of live text of one turn's stream. */
export type CodexResumedText = Omit<CodexStreamText, "streamId">;

/** What the host's query of one turn's stream answers; null where there is no such thread. */
export interface CodexResumedStream {
  streamWindow: CodexStreamWindow;
  deltas: CodexResumedDelta[];
  texts?: CodexResumedText[] | undefined;
  nextCursor: number;
}

/** A host query for {@link useCodexAutoResume}. */
export type CodexResumeStreamQuery = FunctionReference<
  "query",
  "public",
  { threadId: string; turnId: string; fromCursor: number },
  CodexResumedStream | null
>;

/** The arguments of a host query of one turn's stream that are the app's to give. */
export type CodexResumeStreamQueryArgs<Query extends CodexResumeStreamQuery> = OwnArgs<Query, "fromCursor">;

/** Options of {@link useCodexAutoResume}. */
export interface UseCodexAutoResumeOptions {
  /** `false` subscribes to nothing; true where it is not given. */
  enabled?: boolean | undefined;
  /** Where to begin; 0, the stream's beginning, where it is not given. */
  initialCursor?: number | undefined;
  /** How many of the newest events to keep, and of runs of text; 5,000 where it is not given. */
  maxDeltas?: number | undefined;
}

/** What {@link useCodexAutoResume} returns. */
export interface UseCodexAutoResumeResult {
  /** The kept events since `initialCursor`, in order. */
  deltas: CodexResumedDelta[];
  /** The live text since then, in order: it is there whether or not ingest keeps the events that brought it. */
  texts: CodexResumedText[];
  /** Everything below it was read. */
  cursor: number;
  /** Forgets what was read, where the durable messages have it; the reading goes on where it is. */
  resetToDurable: () => void;
}
