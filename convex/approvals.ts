import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import type { Doc } from "./_generated/dataModel.js";
import { mutation, query } from "./_generated/server.js";
import { coded } from "./errors.js";
import { sendDecision } from "./model/commands.js";
import { decideApproval } from "./model/decisions.js";
import { readPage, type Listed } from "./model/paging.js";
import { presentApproval, REQUESTS_LISTED_BYTES_MAX, requestsOfItem, weightOf } from "./model/requests.js";
import { findThread, requireThread, scopeOf } from "./model/scope.js";
import { isShown, shownAnywhere } from "./model/visible.js";
import { vActor, vApproval, vPageOf, vRequestId } from "./validators.js";

/**
 * A page of the approvals that nobody has decided, of one thread or of all of the actor's, newest first. Payloads are whole:
 * a page ends early behind 4 MiB of them.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_CURSOR_INVALID`
 */
export const listPending = query({
  args: { actor: vActor, threadId: v.optional(v.string()), paginationOpts: paginationOptsValidator },
  returns: vPageOf(vApproval),
  handler: async (ctx, { actor, threadId, paginationOpts }) => {
    const scope = scopeOf(actor);
    if (threadId !== undefined) await requireThread(ctx, scope, threadId);
    const shown = shownAnywhere(ctx, scope);
    const { tenantId, userId } = scope;
    const list: Listed<"serverRequests"> =
      threadId === undefined
        ? { table: "serverRequests", index: "by_waiting", prefix: [tenantId, userId, "approval"], key: [] }
        : { table: "serverRequests", index: "by_thread_waiting", prefix: [tenantId, userId, threadId, "approval"], key: [] };
    const weigh = (doc: Doc<"serverRequests">) => weightOf(doc, ["payload"]);
    const present = async (doc: Doc<"serverRequests">) => ((await shown(doc)) ? { row: await presentApproval(ctx, doc), bytes: weigh(doc) } : null);
    return readPage(ctx, list, paginationOpts, present, REQUESTS_LISTED_BYTES_MAX, weigh);
  },
});

/**
 * Decides an approval, once: the first decision stands, the same again is sent again where no open command carries it. Codex gets
 * its answer from the bridge, which is told by a command where a runtime is bound to the thread, or when one is; a command that
 * ends before Codex has the decision makes the request wait again, with what was decided in `overruled`.
 *
 * `decision` is `accepted`, `declined`, or one of the request's `availableDecisions` as `{json}`. `requestId` says which request
 * where several ask about the item. `shownSha256`, in hexadecimal, is of the `payloadJson` that the person saw; with
 * `mustShow` what does not say it can only be declined.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_APPROVAL_NOT_FOUND`, `E_APPROVAL_AMBIGUOUS`, `E_APPROVAL_NOT_PENDING` (its data says who
 * decided), `E_APPROVAL_CHANGED`, `E_APPROVAL_NOT_OFFERED`, `E_APPROVAL_TOO_LARGE` (over 256 KiB it can only be declined),
 * `E_APPROVAL_REDACTED` (parts of it were: it can only be declined), `E_COMMAND_TOO_LARGE` (the decision itself is over 64 KiB, and a runtime is bound)
 */
export const respond = mutation({
  args: {
    actor: vActor,
    threadId: v.string(),
    turnId: v.string(),
    itemId: v.string(),
    decision: v.union(v.literal("accepted"), v.literal("declined"), v.object({ json: v.string() })),
    requestId: v.optional(vRequestId),
    shownSha256: v.optional(v.string()),
    mustShow: v.optional(v.boolean()),
  },
  returns: v.null(),
  handler: async (ctx, { actor, threadId, turnId, itemId, decision, requestId, shownSha256, mustShow = false }) => {
    const scope = scopeOf(actor);
    const thread = await findThread(ctx, scope, threadId);
    const rows = thread === null || !(await isShown(ctx, thread, turnId)) ? [] : await requestsOfItem(ctx, scope, threadId, turnId, itemId);
    const wish = { decision: typeof decision === "string" ? decision : decision.json, requestId, shownSha256, mustShow };
    const decided = await decideApproval(ctx, actor, { thread, rows, about: { threadId, turnId, itemId } }, wish);
    if (decided === null || thread === null) return null;
    const refusal = await sendDecision(ctx, actor, thread, decided, Date.now());
    // A decision that cannot be sent is none: nothing of it is stored.
    if (refusal !== null) throw coded(refusal.code, refusal.message, { threadId, requestId: decided.row.requestId });
    return null;
  },
});
