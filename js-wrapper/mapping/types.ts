import type { CodexTextRun } from "../protocol/text-run.js";
import type { CodexStreamDeltaLike } from "./deltas.js";

/** Who a message is from. */
export type CodexMessageRole = "user" | "assistant" | "system" | "tool";

/** Where a message is in its life. All but `streaming` are terminal. */
export type CodexMessageStatus = "streaming" | "completed" | "failed" | "interrupted";

/** Whether the thread is there for the reader. */
export type CodexThreadStatus = "active" | "archived" | "missing";

/** A durable message row, as the host's query returns it. */
export interface CodexDurableMessageLike {
  messageId: string;
  turnId: string;
  role: CodexMessageRole;
  status: CodexMessageStatus;
  text: string;
  orderInTurn: number;
  createdAt: number;
  updatedAt: number;
  turnOrder?: number | undefined;
  sourceItemType?: string | undefined;
  payloadJson?: string | undefined;
  payloadTruncated?: boolean | undefined;
  textTruncated?: boolean | undefined;
  textBytes?: number | undefined;
  /** Of one that streams, where it was asked for with `kind: "followed"`: `text` ends where the stream has to be read on; `high`, half of a surrogate pair, is what it ends with. */
  tail?: { streamId: string; cursor: number; high?: number | undefined } | undefined;
  error?: string | undefined;
  completedAt?: number | undefined;
}

/** What is read of a row whose text may go on in a stream. */
export type CodexTailedText = Pick<CodexDurableMessageLike, "turnId" | "messageId" | "orderInTurn" | "status" | "text" | "textTruncated" | "tail">;

/** A message as a page shows it: the durable row with the live text laid over it. */
export interface CodexUIMessage {
  /** The key of the message: unique in its thread, stable for its life. */
  _id: string;
  messageId: string;
  turnId: string;
  role: CodexMessageRole;
  status: CodexMessageStatus;
  text: string;
  orderInTurn: number;
  createdAt: number;
  updatedAt: number;
  sourceItemType?: string;
  payloadJson?: string;
  /** `payloadJson` is a stub, `{type, id, $payload: {units}}`: the payload is too large for a list. */
  payloadTruncated?: boolean;
  /** The live output of a running command, and of one that its turn's end cut off until its own end comes; absent else. */
  output?: string;
  /** `text` is only the beginning of a text of `textBytes` bytes. */
  textTruncated?: boolean;
  textBytes?: number;
  error?: string;
  completedAt?: number;
}

/** How far a reader has read a stream: everything below `cursor`. */
export interface CodexStreamCursor {
  streamId: string;
  cursor: number;
}

/** What a reader asks the host's query about streams. */
export type CodexStreamArgs =
  | { kind: "list"; startOrder?: number | undefined }
  | { kind: "deltas"; cursors: CodexStreamCursor[] }
  | { kind: "followed" };

/** A stream of the thread. */
export interface CodexStreamInfo {
  streamId: string;
  state: "streaming" | "finished" | "aborted";
  /** The place of its turn in the thread, where that is known. */
  turnOrder?: number | undefined;
}

/** Which part of a message a live text run belongs to. */
export type CodexTextChannel = "text" | "output";

/** A run of live text, for the half-open range `[cursorStart, cursorEnd)` of its stream. */
export interface CodexStreamText extends CodexTextRun {
  streamId: string;
  turnId: string;
  messageId: string;
  channel: CodexTextChannel;
  cursorStart: number;
  cursorEnd: number;
}

/** What the server read of one stream. The window alone says whether the reader lost its place. */
export interface CodexStreamWindow {
  streamId: string;
  status: "ok" | "rebased" | "stale";
  serverCursorStart: number;
  serverCursorEnd: number;
  /** What has not come of the stream, of what begins below `serverCursorEnd`; absent where nothing is missing. A hole that is told no more was filled, or given up. */
  holes?: readonly CodexStreamHole[] | undefined;
}

/** A part of a stream that has not come: the half-open range `[cursorStart, cursorEnd)`. */
export interface CodexStreamHole {
  cursorStart: number;
  cursorEnd: number;
}

/** The host's answer about streams. */
export type CodexStreamsResult =
  | undefined
  | { kind: "list"; streams: CodexStreamInfo[] }
  | {
      kind: "deltas";
      streams: CodexStreamInfo[];
      streamWindows: CodexStreamWindow[];
      nextCheckpoints: CodexStreamCursor[];
      texts?: CodexStreamText[] | undefined;
      /** The events that were kept: starts and ends always, others by the options of ingest. */
      deltas?: CodexStreamDeltaLike[] | undefined;
    };
