import { v } from "convex/values";
import { query } from "./_generated/server.js";
import { threadUsage, userUsage } from "./model/usage.js";
import { requireThread, scopeOf } from "./model/scope.js";
import { vActor, vUsage } from "./validators.js";

/**
 * What a user has: counts that a few index ranges tell, each to 100 (`more` says that there are more), and of the thread that is
 * named its turns, tokens and malformed events. A batch of text does not run it again, nor does a beat that renews no command's lease. What each number is: `docs/OPERATIONS_AND_ERRORS.md`.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const usage = query({
  args: { actor: vActor, threadId: v.optional(v.string()) },
  returns: vUsage,
  handler: async (ctx, { actor, threadId }) => {
    const scope = scopeOf(actor);
    const thread = threadId === undefined ? null : await requireThread(ctx, scope, threadId);
    return { ...(await userUsage(ctx, scope)), thread: thread && (await threadUsage(ctx, thread)) };
  },
});
