import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { query } from "./_generated/server.js";
import { LIST_PAGE_BYTES_MAX } from "./model/messages.js";
import { readPage, type Listed } from "./model/paging.js";
import { ReasoningPage } from "./model/reasoning.js";
import { requireThread, scopeOf } from "./model/scope.js";
import { shownPlaces } from "./model/visible.js";
import { vActor, vPageOf, vReasoningSegment } from "./validators.js";

/** The type of an item that is reasoning. SOURCE: `src/event/item.rs`, REASONING. */
const REASONING = "reasoning";

/**
 * A page of what was thought in a thread, newest first: `numItems` counts items, each of them one or more segments, never parted
 * by a page. An item that has ended is the parts of its summary with a `sectionBreak` between them, and with `includeRaw` what
 * was thought in full, where that was stored (`exposeRawReasoningDeltas` at ingest); one that has not is its text so far.
 *
 * `followed`: as `messages.listByThread` has it, of the text so far of an item that streams; one that has said nothing yet is there.
 *
 * @throws `E_AUTH_THREAD_FORBIDDEN`, `E_CURSOR_INVALID`
 */
export const listByThread = query({
  args: { actor: vActor, threadId: v.string(), paginationOpts: paginationOptsValidator, includeRaw: v.optional(v.boolean()), followed: v.optional(v.boolean()) },
  returns: vPageOf(vReasoningSegment),
  handler: async (ctx, { actor, threadId, paginationOpts, includeRaw = false, followed = false }) => {
    const scope = scopeOf(actor);
    const shown = shownPlaces(await requireThread(ctx, scope, threadId));
    const prefix = [scope.tenantId, scope.userId, threadId, REASONING];
    const list: Listed<"messages"> = { table: "messages", index: "by_type", prefix, key: ["number", "number"], shown };
    const items = new ReasoningPage(ctx, includeRaw, followed);
    const { page, ...rest } = await readPage(ctx, list, paginationOpts, (doc) => items.present(doc), LIST_PAGE_BYTES_MAX);
    return { page: page.flat(), ...rest };
  },
});
