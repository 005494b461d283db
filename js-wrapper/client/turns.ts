/**
 * Turns, their messages and what is live of them. Each throws ConvexError `E_AUTH_THREAD_FORBIDDEN` where the thread is not the
 * actor's, and those that name a turn `E_AUTH_TURN_FORBIDDEN` where the thread has no such turn.
 */
import { reads, writes } from "./call.js";

/** A page of a thread's messages, newest first. Throws `E_CURSOR_INVALID`. */
export const listMessages = reads((component) => component.messages.listByThread);

/** A turn's messages in their order, 500 at most. */
export const listTurnMessages = reads((component) => component.messages.getByTurn);

/** Registers a turn, once per `idempotencyKey` and per turn id. Throws `E_THREAD_ARCHIVED`. */
export const startTurn = writes((component) => component.turns.start);

/** Ends a turn that goes on, with its streams, messages and requests; one that has ended stays as it is. */
export const interruptTurn = writes((component) => component.turns.interrupt);

/** A thread's newest turns, newest first, 50 at most: how they stand, without what is said in them. */
export const listTurns = reads((component) => component.turns.list);

/** A turn with its tokens, its changes as one diff and its plan. */
export const getTurn = reads((component) => component.turns.get);

/** Deletes a turn with everything in it. Throws `E_THREAD_DELETED`, `E_QUOTA`. */
export const deleteTurn = writes((component) => component.turns.deleteCascade);

/** Deletes a turn after `delayMs` milliseconds (10 minutes where it is not given, 30 days at most). */
export const scheduleTurnDeletion = writes((component) => component.turns.scheduleDeleteCascade);

/** What is live of a thread's streams, from the reader's cursors on. Of `runtime` only the two read limits count. */
export const replayStreams = reads((component) => component.readers.replay);

/** What is live of one turn's own stream, from a cursor on; `nextCursor` is where to go on. */
export const resumeStreamReplay = reads((component) => component.readers.resumeReplay);

/** What was thought in a thread, newest first; raw thoughts only with `includeRaw`, and where they were kept. Throws `E_CURSOR_INVALID`. */
export const listReasoningByThread = reads((component) => component.reasoning.listByThread);

/** A message's whole text, in pieces of 1 MiB at most; null where there is no such message. Throws `E_CURSOR_INVALID`. */
export const getMessageText = reads((component) => component.messages.getText);

/** A message's whole payload, in pieces of 1 MiB at most; null where there is no such message. Throws `E_CURSOR_INVALID`. */
export const getMessagePayload = reads((component) => component.messages.getPayload);
