import type { Clock } from "../clock.js";
import type { NormalizedEvent } from "../protocol/index.js";
import type { OutboxError } from "./errors.js";
import type { Verdict } from "./verdict.js";

/** Events of one thread, in order. */
export interface OutboxBatch {
  readonly threadId: string;
  readonly events: readonly NormalizedEvent[];
}

/** What an outbox is told when it is opened. */
export interface OutboxOptions {
  /** Where it lies: a folder of its own, for one process at a time. */
  readonly folder: string;
  /** Sends a batch. The same one may come again, and one that was cut otherwise after a restart. What is thrown is judged. */
  deliver(batch: OutboxBatch): Promise<Verdict>;
  /**
   * Follows the connection, where there is one to follow: calls whenever Convex can be reached again, and what waits for another try is
   * sent at once. @returns what ends it
   */
  onConnected?(call: () => void): () => void;
  /** Told of everything that went wrong, once. */
  onError(error: OutboxError, event?: NormalizedEvent): void;
  /** Told when too much waits (true), and when there is room again. */
  onCrowded?(isCrowded: boolean): void;
  /** UTF-8 bytes that may wait. Default: `OUTBOX_BYTES_MAX`. */
  readonly bytesMax?: number;
  /** Whether the numbers of turns that have ended are kept too, for codex goes on when this process ends, and may say more of them. Default: no. */
  readonly keepsEnded?: boolean;
  /** Tells how old events are. */
  readonly clock?: Clock;
}

/** How much of a thread waits. */
export interface Backlog {
  readonly threadId: string;
  readonly events: number;
  /** The sender's clock at the oldest that is in memory, in milliseconds since 1970. */
  readonly oldestEventAt?: number;
  /** Whether it waits for `resume`: another session writes the thread. */
  readonly isHalted: boolean;
  /** Why they are not taken and are sent again, where eight tries were in vain, half a minute to a minute (`E_OUTBOX_NOT_TAKEN`). */
  readonly notTaken?: string;
}
