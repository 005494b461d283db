/** Whether a thread may be made. Beside `sync`, so that a batch does not load what reads tombstones: it asks only where its thread is not there. */
import { v } from "convex/values";
import { internalQuery } from "./_generated/server.js";
import { whyNotMade as lookUp } from "./model/tombstones.js";

/** Why a thread that is not there may not be made, in words (`E_THREAD_DELETED`); null where it may. `hash` is its tombstone's name, where it is known. */
export const whyNotMade = internalQuery({
  args: { tenantId: v.string(), userId: v.string(), threadId: v.string(), nowMs: v.number(), hash: v.optional(v.string()) },
  returns: v.union(v.null(), v.string()),
  handler: (ctx, { tenantId, userId, threadId, nowMs, hash }) => lookUp(ctx, { tenantId, userId }, threadId, nowMs, hash),
});
