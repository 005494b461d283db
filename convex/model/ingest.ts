/** How a batch is taken: loaded, planned by the core, applied. */
import type { Fault, Needs, Plan } from "../../js-wrapper/core/boundary.js";
import { planIngest } from "../../js-wrapper/core/ingest.js";
import type { MutationCtx } from "../_generated/server.js";
import { coded } from "../errors.js";
import { applySession, applyWrites } from "./apply.js";
import { fit } from "./bounds.js";
import { decide } from "./core.js";
import { loadIngest, loadNeeds, type IngestArgs } from "./load.js";
import { scopeOf } from "./scope.js";
import { CROWDED, isCrowded } from "./tally.js";
import { whyNotMade } from "./tombstones.js";

export type Outcome = { type: "plan"; plan: Plan } | { type: "rejected"; fault: Fault };

/** What was found out of a batch before: the rows that it can need, and its thread's tombstone, where the thread is to be made. */
export type Foreseen = { needs: Needs; tombstone?: string };

/**
 * Takes a batch, or says why not: then nothing is written. `strict` recovers no session, and makes no thread.
 *
 * @param foreseen - what need not be asked of the core any more
 */
export async function runIngest(ctx: MutationCtx, args: IngestArgs, strict: boolean, foreseen?: Foreseen): Promise<Outcome> {
  if (!fit([args.sessionId, args.threadId])) {
    const message = "an id or a kind holds at most 1 KiB";
    return { type: "rejected", fault: { code: "UNKNOWN", errorCode: "E_SYNC_BATCH_TOO_LARGE", message, recoverable: false } };
  }
  const nowMs = Date.now();
  let loaded = await loadIngest(ctx, args, strict, nowMs);
  const buried = loaded.rows.thread === null ? await whyNotMade(ctx, scopeOf(args.actor), args.threadId, nowMs, foreseen?.tombstone) : null;
  if (buried !== null) {
    return { type: "rejected", fault: { code: "UNKNOWN", errorCode: buried.code, message: buried.message, recoverable: false } };
  }
  if (loaded.rows.thread === null && isCrowded(loaded.rows.tally)) {
    return { type: "rejected", fault: { code: "UNKNOWN", errorCode: CROWDED.code, message: CROWDED.message, recoverable: false } };
  }
  if (loaded.rows.thread !== null && foreseen !== undefined) loaded = await loadNeeds(ctx, args, loaded, foreseen.needs);
  const plan = ({ call }: typeof loaded) => decide(() => planIngest(call));
  let answer = plan(loaded);
  if (answer.type === "needs") {
    loaded = await loadNeeds(ctx, args, loaded, answer.needs);
    answer = plan(loaded);
  }
  if (answer.type === "rejected") return answer;
  if (answer.type === "needs") throw coded("E_INTERNAL", "the core asked twice");
  const { rows } = loaded;
  const target = { scope: scopeOf(args.actor), threadId: args.threadId, nowMs, args, rows };
  await applyWrites(ctx, target, answer.plan.writes);
  await applySession(ctx, args, rows.own, answer.plan.session, nowMs);
  return answer;
}
