/** Decisions of approvals: made once, of what was shown, among what was offered, whichever way they come; and lost on their way. */
import { planRespond, type RequestAnswer } from "../../js-wrapper/core/control.js";
import type { Doc } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import type { Actor } from "../validators.js";
import { decide } from "./core.js";
import { refused } from "./refusals.js";
import { overrule, rowAt, statusFields, textOf, withPayload, writeTexts } from "./requests.js";
import type { WriteCtx } from "./scope.js";

type Request = Doc<"serverRequests">;

/** What somebody decides: `accepted`, `declined`, or a decision as the app-server writes it, in JSON. */
export type Decision = { decision: string; requestId?: string | number | undefined; shownSha256?: string | undefined; mustShow: boolean };

/** What was decided: the decision as the app-server writes it, and of which payload. */
export type Decided = { row: Request; decision: string; shownSha256: string | undefined };

/**
 * Decides one of an item's requests.
 *
 * @param about what an error tells of it
 * @returns what was decided, now or before, that Codex is yet to get; null where it has it
 * @throws the `E_APPROVAL_*` code that says why not; `E_AUTH_THREAD_FORBIDDEN`
 */
export async function decideApproval(
  ctx: WriteCtx,
  actor: Actor,
  { thread, rows, about }: { thread: Doc<"threads"> | null; rows: readonly Request[]; about: { threadId: string; turnId: string; itemId: string } },
  { decision, requestId, shownSha256, mustShow }: Decision,
): Promise<Decided | null> {
  const likely = likelyOf(rows, requestId);
  const call = { threadExists: thread !== null, requestId, decision, shownSha256, mustShow, known: likely < 0 ? rows : await withPayload(ctx, rows, likely) };
  let answer = decide(() => planRespond(call));
  if (answer.type === "needs") {
    const known = await withPayload(ctx, rows, answer.row);
    answer = decide(() => planRespond({ ...call, known }));
  }
  if (answer.type === "rejected") throw refused(answer, rows, about);
  return writeDecision(ctx, actor, rows, answer);
}

/** Writes what was decided; see {@link decideApproval}. */
export async function writeDecision(ctx: WriteCtx, actor: Actor, rows: readonly Request[], answer: RequestAnswer): Promise<Decided | null> {
  if (answer.type === "keep") return null;
  if (answer.type !== "again" && answer.type !== "decide") throw coded("E_INTERNAL", `the core answered a decision with ${answer.type}`);
  const row = rowAt(rows, answer.row);
  if (answer.type === "again") return { row, decision: (await textOf(ctx, row, "decision")) ?? "", shownSha256: row.shownSha256 };
  const nowMs = Date.now();
  await ctx.db.patch("serverRequests", row._id, {
    ...statusFields("answering", row.approval, nowMs, row),
    shownSha256: answer.shown,
    decidedBy: actor.userId,
    decidedByDevice: actor.deviceId,
    decidedAt: nowMs,
  });
  await writeTexts(ctx, row, { response: answer.response, decision: answer.decision });
  return { row, decision: answer.decision, shownSha256: answer.shown };
}

/**
 * Which of the requests is decided, in all likelihood: its payload is loaded before the core is asked, which asks for another's where
 * it means that one. Below 0 where several are asked about, and none is named.
 */
function likelyOf(rows: readonly Request[], requestId: Request["requestId"] | undefined): number {
  if (requestId === undefined) return rows.length === 1 ? 0 : -1;
  const isNamed = (row: Request) => row.requestId === requestId;
  const open = rows.findLastIndex((row) => isNamed(row) && row.resolvedAt === undefined);
  return open < 0 ? rows.findLastIndex(isNamed) : open;
}

/** Keeps who answered a request, from which device: the sender of the command whose answer Codex took, whoever told of it first. */
export async function answeredBy(ctx: WriteCtx, row: Request, { userId, deviceId }: Actor, nowMs: number): Promise<void> {
  const decided = { decidedBy: userId, decidedByDevice: deviceId, decidedByPolicy: undefined, decidedAt: row.decidedAt ?? nowMs };
  await ctx.db.patch("serverRequests", row._id, decided);
}

/** Takes the decision of a request away that its command has lost, and keeps who made it, and why it is lost. */
export async function loseDecision(ctx: WriteCtx, row: Request, status: Request["status"], code: string | undefined, nowMs: number): Promise<void> {
  const left = await overrule(ctx, row, code);
  await ctx.db.patch("serverRequests", row._id, {
    ...statusFields(status, row.approval, nowMs, row),
    // In a patch, `undefined` takes a field away.
    ...{ shownSha256: undefined, commandId: undefined, decidedBy: undefined, decidedByDevice: undefined, decidedAt: undefined },
  });
  await writeTexts(ctx, left, { response: undefined });
}
