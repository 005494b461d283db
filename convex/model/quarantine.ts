/** Malformed events, as they were kept and as readers get them. */
import { given } from "../../js-wrapper/given.js";
import type { Doc } from "../_generated/dataModel.js";
import type { Quarantined } from "../validators.js";
import { readParts, writeParts } from "./parts.js";
import type { ReadCtx, Scope, WriteCtx } from "./scope.js";
import { isShown } from "./visible.js";

/** Malformed events that a thread keeps. SOURCE: `src/limits.rs`, QUARANTINE_MAX. */
export const QUARANTINE_MAX = 200;
/** UTF-8 bytes of their payloads; the newest one is always kept. SOURCE: `src/limits.rs`, QUARANTINE_BYTES_MAX. */
export const QUARANTINE_BYTES_MAX = 4 * 1024 * 1024;

/** A thread's malformed events, newest first: all of them, for there are no more. */
export function quarantineOf(ctx: ReadCtx, { tenantId, userId }: Scope, threadId: string): Promise<Doc<"quarantine">[]> {
  return ctx.db
    .query("quarantine")
    .withIndex("by_thread", (q) => q.eq("tenantId", tenantId).eq("userId", userId).eq("threadId", threadId))
    .order("desc")
    .take(QUARANTINE_MAX);
}

/** A malformed event with its payload; null where its turn is not shown. */
export async function presentQuarantined(
  ctx: ReadCtx,
  thread: Doc<"threads">,
  doc: Doc<"quarantine">,
): Promise<{ row: Quarantined; bytes: number } | null> {
  const { eventId, turnId, streamId, kind, reason, bytes, createdAt } = doc;
  if (turnId !== undefined && !(await isShown(ctx, thread, turnId))) return null;
  const payloadJson = await readParts(ctx, doc._id, "payload");
  const row = { eventId, ...given({ turnId, streamId }), kind, payloadJson, bytes, code: "E_SYNC_MALFORMED_EVENT" as const, message: reason, receivedAt: createdAt };
  return { row, bytes };
}

export async function dropQuarantined(ctx: WriteCtx, doc: Doc<"quarantine">): Promise<void> {
  await writeParts(ctx, doc._id, "payload", []);
  await ctx.db.delete("quarantine", doc._id);
}
