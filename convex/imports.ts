/** Histories of local threads. Beside `sync`, so that a batch does not load what reads a history. */
import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import { findImport, importPage, presentImport } from "./model/imports.js";
import { runIngest } from "./model/ingest.js";
import { requireThread, scopeOf } from "./model/scope.js";
import { vActor, vImportStatus, vPlace } from "./validators.js";

/**
 * Imports a page of a thread's history, as `thread/read` with its turns or `thread/turns/list` gives it, oldest turn first. A turn
 * is its JSON without its items, which stand beside it as JSON each; a long one may come in pieces (`more`). What is there
 * already is left alone; what is malformed goes to the quarantine. The thread of a `historyMode` `legacy` must have had no turns.
 *
 * @param position - the place of the page's first item; what was imported before is passed over
 * @param restart - with a page that begins at 0: the history is gone through again
 * @returns how far the import is: one call takes up to 200 items, 50 turns or 2 MiB, what is left of a page is sent again
 * @throws `E_SYNC_OUT_OF_ORDER` (`data.turn` and `data.item` say where it goes on), `E_SYNC_INVALID_CURSOR_RANGE`,
 * `E_THREAD_NOT_EMPTY`, `E_THREAD_DELETED`, the codes of a batch or a session that is not right
 */
export const importHistory = mutation({
  args: {
    actor: vActor,
    sessionId: v.string(),
    threadId: v.string(),
    historyMode: v.optional(v.string()),
    restart: v.optional(v.boolean()),
    position: vPlace,
    turns: v.array(v.object({ turnId: v.string(), turnJson: v.string(), items: v.array(v.string()), more: v.optional(v.boolean()) })),
    atEnd: v.optional(v.boolean()),
  },
  returns: vImportStatus,
  handler: (ctx, args) => importPage(ctx, args, (batch, foreseen) => runIngest(ctx, batch, false, foreseen)),
});

/**
 * How far the import of a thread's history is; null where none was begun.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`
 */
export const getImportStatus = query({
  args: { actor: vActor, threadId: v.string() },
  returns: v.union(v.null(), vImportStatus),
  handler: async (ctx, { actor, threadId }) => {
    const scope = scopeOf(actor);
    await requireThread(ctx, scope, threadId);
    const found = await findImport(ctx, scope, threadId);
    return found === null ? null : presentImport(found);
  },
});
