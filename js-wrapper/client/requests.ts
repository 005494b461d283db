/** What Codex asks, and who answers. Each throws ConvexError `E_AUTH_THREAD_FORBIDDEN` where a thread is named that is not the actor's. */
import { reads, writes } from "./call.js";

/** The approvals that nobody has decided, newest first, of one thread or of all. Throws `E_CURSOR_INVALID`. */
export const listPendingApprovals = reads((component) => component.approvals.listPending);

/**
 * Decides an approval, once. Throws `E_APPROVAL_NOT_FOUND`, `E_APPROVAL_AMBIGUOUS`, `E_APPROVAL_NOT_PENDING` (its data says who
 * decided), `E_APPROVAL_CHANGED` where `shownSha256` is not of what is asked, `E_APPROVAL_NOT_OFFERED`, `E_APPROVAL_TOO_LARGE`,
 * `E_APPROVAL_REDACTED` where parts of it were.
 */
export const respondToApproval = writes((component) => component.approvals.respond);

/** The requests that Codex waits for, last changed first; `limit` of 1 to 200, 100 where it is not given. */
export const listPendingServerRequests = reads((component) => component.serverRequests.listPending);

/** What was decided in a thread, newest decision first: by whom, from which device or by which policy. Throws `E_CURSOR_INVALID`. */
export const listDecidedRequests = reads((component) => component.serverRequests.listDecided);

/** Tells of a request of the app-server: for what runs beside Codex, never for a reader. Throws `E_REQUEST_INVALID`. */
export const upsertPendingServerRequest = writes((component) => component.serverRequests.upsertPending);

/**
 * Says how a request ended: for what runs beside Codex, never for a reader. Throws `E_REQUEST_NOT_FOUND`, `E_REQUEST_NOT_PENDING`,
 * `E_REQUEST_INVALID`.
 */
export const resolvePendingServerRequest = writes((component) => component.serverRequests.resolve);
