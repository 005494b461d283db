import type { UsePaginatedQueryResult } from "convex/react";
import type { FunctionArgs, FunctionReference, PaginationOptions } from "convex/server";
import type { CodexThreadRow } from "../host/component.js";
import type {
  CodexDurableMessageLike,
  CodexStreamArgs,
  CodexStreamsResult,
  CodexThreadStatus,
  CodexUIMessage,
} from "../mapping/index.js";

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

/** The arguments of a host query that are the app's to give; the hook adds the others. */
export type CodexMessagesQueryArgs<Query extends CodexMessagesQuery> = Flat<
  Omit<FunctionArgs<Query>, "paginationOpts" | "streamArgs">
>;

/** Options of {@link useCodexMessages}. */
export interface UseCodexMessagesOptions {
  /** How many of the newest messages to load first. */
  initialNumItems: number;
  /** Follow the text of running turns as it is written. */
  stream?: boolean | undefined;
}

/** What {@link useCodexMessages} returns: the result of `usePaginatedQuery`, oldest first, and more. */
export type UseCodexMessagesResult = UsePaginatedQueryResult<CodexUIMessage> & {
  /** Absent until the first page is loaded, and with hosts that do not say. */
  threadStatus?: CodexThreadStatus;
  /** The query failed. It stays subscribed, and recovers when the server does. */
  error?: Error;
};

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
export type CodexThreadsQueryArgs<Query extends CodexThreadsQuery> = Flat<
  Omit<FunctionArgs<Query>, "paginationOpts">
>;

/** What {@link useCodexThreads} returns: the result of `usePaginatedQuery`, and more. */
export type UseCodexThreadsResult = UsePaginatedQueryResult<CodexThreadRow> & {
  /** The parent whose agents were asked for is not there (yet). */
  threadStatus?: "missing";
  /** The query failed. It stays subscribed, and recovers when the server does. */
  error?: Error;
};
