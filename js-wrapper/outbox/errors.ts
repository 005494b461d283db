import { CodedError } from "../coded-error.js";

/** Why the outbox could not do something. */
export type OutboxErrorCode =
  /** Another process has the folder. */
  | "E_OUTBOX_LOCKED"
  /** The folder cannot be made, read or written. */
  | "E_OUTBOX_UNREADABLE"
  /** It is another user's than the one whose credential is used. */
  | "E_OUTBOX_OWNER_MISMATCH"
  /** It is closed. */
  | "E_OUTBOX_CLOSED"
  /** The disk took nothing; it is tried again, and nothing is read meanwhile. */
  | "E_OUTBOX_WRITE_FAILED"
  /** Events of a thread are not taken for a while; they are sent again until they are. */
  | "E_OUTBOX_NOT_TAKEN"
  /** An event was refused for good: it is among the dead letters. */
  | "E_OUTBOX_EVENT_REFUSED"
  /** An event was older than 14 days. */
  | "E_OUTBOX_EVENT_EXPIRED"
  /** A thread's events were dropped: Convex has deleted it. */
  | "E_THREAD_DELETED"
  /** Another session writes the thread: its events wait until they are asked for. */
  | "E_SYNC_SESSION_DEVICE_MISMATCH";

/** An error of the outbox, coded. */
export class OutboxError extends CodedError<OutboxErrorCode> {
  override readonly name = "OutboxError";
  /** The thread that it is about, by the sender's id, where it is about one. */
  readonly threadId: string | undefined;

  /**
   * @param code the coded cause
   * @param message what happened, for people
   * @param cause what was thrown, where something was
   * @param threadId the thread that it is about
   */
  constructor(code: OutboxErrorCode, message: string, cause?: unknown, threadId?: string) {
    super(code, message, cause);
    this.threadId = threadId;
  }
}
