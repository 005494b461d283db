/** Decisions of approvals: made once, of what was shown, among what was offered, whichever way they come. */
import { planRespond } from "../../js-wrapper/core/control.js";
import type { Doc } from "../_generated/dataModel.js";
import type { Actor } from "../validators.js";
import { decide } from "./core.js";
import { refused } from "./refusals.js";
import { rowAt, statusFields, withPayload, writeTexts } from "./requests.js";
import type { WriteCtx } from "./scope.js";

type Request = Doc<"serverRequests">;

/** What somebody decides: `accepted`, `declined`, or a decision as the app-server writes it, in JSON. */
export type Decision = { decision: string; requestId?: string | number | undefined; shownSha256?: string | undefined };

/**
 * Decides one of an item's requests.
 *
 * @param about what an error tells of it
 * @returns the request and the decision as the app-server writes it; null where it was decided so before
 * @throws the `E_APPROVAL_*` code that says why not; `E_AUTH_THREAD_FORBIDDEN`
 */
export async function decideApproval(
  ctx: WriteCtx,
  actor: Actor,
  { thread, rows, about }: { thread: Doc<"threads"> | null; rows: readonly Request[]; about: { threadId: string; turnId: string; itemId: string } },
  { decision, requestId, shownSha256 }: Decision,
): Promise<{ row: Request; decision: string } | null> {
  const call = { threadExists: thread !== null, requestId, decision, shownSha256, known: rows };
  let answer = decide(() => planRespond(call));
  if (answer.type === "needs") {
    const known = await withPayload(ctx, rows, answer.row);
    answer = decide(() => planRespond({ ...call, known }));
  }
  if (answer.type === "rejected") throw refused(answer, rows, about);
  if (answer.type !== "decide") return null;
  const row = rowAt(rows, answer.row);
  const nowMs = Date.now();
  await ctx.db.patch("serverRequests", row._id, {
    ...statusFields("answering", row.approval, nowMs, row),
    decidedBy: actor.userId,
    decidedByDevice: actor.deviceId,
    decidedAt: nowMs,
  });
  await writeTexts(ctx, row, { response: answer.response, decision: answer.decision });
  return { row, decision: answer.decision };
}
