/** Threads and what is kept of them. Each throws ConvexError `E_AUTH_THREAD_FORBIDDEN` where the thread is not the actor's. */
import { reads, writes } from "./call.js";

/**
 * Makes a thread, or refreshes the one of that id. `parentThreadId` is the thread whose agent it is. Throws `E_THREAD_DELETED` unless
 * `recreate` says that it may come back, `E_REQUEST_INVALID` where it has another parent.
 */
export const createThread = writes((component) => component.threads.create);

/** The thread that `externalThreadId` is bound to, made where there is none; without one a new thread. */
export const resolveThread = writes((component) => component.threads.resolve);

/** Takes a thread up again; one that was archived is active. */
export const resumeThread = writes((component) => component.threads.resume);

/** The thread that an external id is bound to; null where it is bound to none. Nothing is made. */
export const resolveThreadByExternalId = reads((component) => component.threads.resolveByExternalId);

/** The external id that is bound to a thread; null where none is. */
export const getExternalThreadMapping = reads((component) => component.threads.getExternalMapping);

/** What a thread is at: its newest turns and messages, its streams, the approvals that nobody has decided. */
export const getThreadState = reads((component) => component.threads.getState);

/** A thread with its name, its tokens, its goal, its settings in force and its last warning. */
export const getThread = reads((component) => component.threads.get);

/** The actor's threads, last changed first; of `parentThreadId` its agents, of null there what is no agent. Throws `E_CURSOR_INVALID`. */
export const listThreads = reads((component) => component.threads.list);

/** Archives a thread: it takes no new turn until it is resumed. */
export const archiveThread = writes((component) => component.threads.archive);

/** Takes a thread back out of the archive. */
export const unarchiveThread = writes((component) => component.threads.unarchive);

/** Names a thread; `name` is cut at 4 KiB, an empty one is none. */
export const renameThread = writes((component) => component.threads.rename);

/** Takes a thread back to a turn: those behind it that Codex has begun leave every list at once, and are deleted a day later. */
export const revertThread = writes((component) => component.threads.revert);

/** What a thread's turns have used, newest first, and beside the page what the thread has. Throws `E_CURSOR_INVALID`. */
export const listTokenUsage = reads((component) => component.tokenUsage.listByThread);

/** Deletes a thread with everything in it: nobody can read it from here on. Throws `E_THREAD_DELETED`, `E_QUOTA`. */
export const deleteThread = writes((component) => component.threads.deleteCascade);

/** Deletes a thread after `delayMs` milliseconds (10 minutes where it is not given, 30 days at most). */
export const scheduleThreadDeletion = writes((component) => component.threads.scheduleDeleteCascade);

/** Deletes every thread of the actor's user, their device tokens, and what their machines told. Throws `E_QUOTA`. */
export const purgeActorData = writes((component) => component.threads.purgeActorData);

/** Deletes every thread of the actor's user after `delayMs` milliseconds. */
export const schedulePurgeActorData = writes((component) => component.threads.schedulePurgeActorData);

/** Takes a deletion, or a revert, back. Throws `E_JOB_NOT_FOUND`, `E_JOB_TOO_LATE` when its first row is gone. */
export const cancelScheduledDeletion = writes((component) => component.threads.cancelScheduledDeletion);

/** Begins a deletion that waits for its time. Throws `E_JOB_NOT_FOUND`, `E_JOB_TOO_LATE`. */
export const forceRunScheduledDeletion = writes((component) => component.threads.forceRunScheduledDeletion);

/** How far a deletion is; null where the actor has none of that id. */
export const getDeletionJobStatus = reads((component) => component.threads.getDeletionJobStatus);

/** A thread's malformed events as they came, newest first. Throws `E_CURSOR_INVALID`. */
export const listQuarantine = reads((component) => component.quarantine.list);

/** Drops a thread's malformed events, or the one of `eventId`. */
export const dropQuarantine = writes((component) => component.quarantine.drop);

/** What the actor's user has of threads, commands and requests, and what the thread has that is named. */
export const getUsage = reads((component) => component.stats.usage);
